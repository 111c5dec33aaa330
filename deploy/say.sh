# shellcheck shell=sh
# Sourced by what gets a host ready: how it speaks to people.

say() {
  printf 'set-up: %s\n' "$*" >&2
}

# The noise of installers goes to a file, of which people see the end when something went wrong.
# usage: quietly NAME COMMAND...
quietly() {
  name=$1
  shift
  log=$(mktemp "${TMPDIR:-/tmp}/hob-set-up.XXXXXX")
  if "$@" >"$log" 2>&1 </dev/null; then
    rm -f "$log"
    return 0
  fi
  say "$name failed:"
  tail -n 20 "$log" | sed 's/^/  | /' >&2
  say "all of what it said is in $log"
  return 1
}
