#!/bin/sh
# The way of somebody who sees hob for the first time: clone into an empty folder, npm start, look around, Ctrl-C, go on, stop.
# usage: test/newcomer.sh [REPOSITORY]   (default: the one this file is in, as last committed)
# Uses the host's package manager, /var/lib/hob-examples and (plugin OpenCDM) /tmp/ocdm* as they do; state and run directories are its own.
set -eu

repository=${1:-$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)}
place=$(mktemp -d "${TMPDIR:-/tmp}/hob-newcomer.XXXXXX")
export HOB_STATE_DIR="$place/state" HOB_RUN_DIR="$place/run"
log=$place/npm-start.log
patience_s=180
started=

step() {
  printf 'newcomer: %s\n' "$*"
}

fail() {
  step "FAILED: $*"
  step "the last that npm start said:"
  tail -n 40 "$log" | sed 's/^/  | /'
  exit 1
}

tidy() {
  if [ -d "$place/hob/node_modules" ]; then hob down >/dev/null 2>&1 || true; fi
  [ -z "$started" ] || kill -s TERM -- "-$started" 2>/dev/null || true
  rm -rf "$place"
}
trap tidy EXIT
trap 'exit 130' INT TERM

hob() {
  (cd "$place/hob" && npx --no hob "$@")
}

# One field of a container's status; empty when there is none, or nobody to ask.
status_of() {
  hob get "$1" -o json 2>/dev/null | "$place/hob/node_modules/.bin/node" -e '
    const text = require("node:fs").readFileSync(0, "utf8");
    console.log(text === "" ? "" : (JSON.parse(text).status?.[process.argv[1]] ?? ""));
  ' "$2"
}

# usage: until_true WHAT COMMAND...
until_true() {
  what=$1
  shift
  deadline=$(($(date +%s) + patience_s))
  while ! "$@"; do
    kill -0 "$started" 2>/dev/null || fail "npm start ended before this: $what"
    [ "$(date +%s)" -lt "$deadline" ] || fail "not within $patience_s s: $what"
    sleep 0.3
  done
  step "$what"
}

npm_start() {
  # In a process group of its own, as a terminal makes one, and with the SIGINT that a shell takes from what it puts in
  # the background.
  (cd "$place/hob" && exec setsid env --default-signal=INT npm start) </dev/null >>"$log" 2>&1 &
  started=$!
}

ctrl_c() {
  kill -s INT -- "-$started"
  wait "$started" || fail "npm start ended with exit code $? after Ctrl-C"
  started=
}

is_in_phase() { [ "$(status_of "$1" phase)" = "$2" ]; }
was_restarted() { [ "$(status_of "$1" restartCount || echo 0)" -ge 1 ] 2>/dev/null; }
is_no_plugin_broken() { ! hob plugins | grep -qi broken; }
is_told_of() { hob events | grep -q "$1"; }
answers() { hob get >/dev/null 2>&1; }

# The processes with a path on their command line.
processes_of() {
  for process in /proc/[0-9]*; do
    { words=$(tr '\0' ' ' <"$process/cmdline"); } 2>/dev/null || continue
    case $words in *"$1"*) echo "${process#/proc/} $words" ;; esac
  done
}

step "cloning into $place"
git clone --quiet "$repository" "$place/hob"

step "npm start"
npm_start
until_true "hob answers" answers
until_true "the service runs" is_in_phase clock-service Running
until_true "the job has completed" is_in_phase count-job Completed
until_true "the crash-looper was restarted" was_restarted crash-looper
for example in ethanlog multicast-sockets open-cdm perfetto; do
  until_true "the example of a plugin runs: $example" is_in_phase "$example" Running
done
until_true "every plugin can be used" is_no_plugin_broken
until_true "the mistake in mistaken.yaml is told" is_told_of mistaken.yaml

pid=$(status_of clock-service pid)
step "Ctrl-C"
ctrl_c
kill -0 "$pid" || fail "Ctrl-C took the service (pid $pid) along"
step "the service goes on without hob"

step "npm start again"
npm_start
until_true "hob answers" answers
[ "$(status_of clock-service pid)" = "$pid" ] || fail "the service is another process than before"
step "it is the same process still"
ctrl_c

step "hob down"
hob down || fail "hob down ended with exit code $?"
if kill -0 "$pid" 2>/dev/null; then fail "the service (pid $pid) is still there"; fi
if grep -q "$place" /proc/mounts; then fail "mounts are left: $(grep "$place" /proc/mounts)"; fi
left=$(processes_of "$HOB_RUN_DIR")
[ -z "$left" ] || fail "processes are left: $left"
step "nothing is left; all as it should be"
