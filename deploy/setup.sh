#!/bin/sh
# Makes this host and this clone ready for hob: system packages, node modules, and the Node 26 among them.
# `npm start` and `npm test` call it first. Where all is there it looks, says nothing and is done in a few milliseconds.
#
# Says what it is about to do before it does it. System packages it installs only as root and with apt-get; elsewhere it
# prints the commands and fails.
set -eu

root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)
stamp=$root/node_modules/.set-up-done
# shellcheck source=src/cli/find-node.sh
. "$root/src/cli/find-node.sh"
# shellcheck source=deploy/say.sh
. "$root/deploy/say.sh"
# shellcheck source=deploy/packages.sh
. "$root/deploy/packages.sh"

# A copy of the lock file tells what was installed. After somebody's own `npm ci` there is none: then npm's own record
# must be no older than the lock file.
node_modules_are_current() {
  find_node "$root" || return 1
  if [ -f "$stamp" ]; then
    cmp -s "$root/package-lock.json" "$stamp"
  else
    record=$root/node_modules/.package-lock.json
    [ -f "$record" ] && [ -z "$(find "$root/package-lock.json" -newer "$record")" ]
  fi
}

# One at a time: two would take each other's files away.
wait_for_other_set_ups() {
  command -v flock >/dev/null || return 0
  exec 9<"$root/package-lock.json"
  flock -n 9 && return 0
  say "another set-up of this clone is under way; waiting for it"
  flock 9
}

# npm must not run on the Node that it is about to replace.
path_without_node_modules() {
  printf '%s' "$PATH" | tr ':' '\n' | grep -vxF "$root/node_modules/.bin" | paste -sd: -
}

npm_ci() (
  cd "$root"
  PATH=$(path_without_node_modules)
  # hob runs on the Node that comes along, so what packages want of npm's own Node does not matter.
  npm ci --include=dev --include=optional --no-audit --no-fund --no-engine-strict --loglevel=error
)

install_node_modules() {
  if ! command -v npm >/dev/null; then
    say "npm is missing. Install Node.js 20 or later with npm, and run this again."
    exit 1
  fi
  say "installing the node modules, Node 26 for hob among them (some 120 MB to download, 330 MB on disk)"
  quietly 'npm ci' npm_ci || exit 1
  rm -f "$stamp"
  check_node
  cp "$root/package-lock.json" "$stamp"
}

# Node's own builds want glibc. Where they don't run, one that the distribution has must.
check_node() {
  if find_node "$root" && is_new_enough "$node"; then return 0; fi
  rm -rf "$root"/node_modules/node-linux-*
  find_node "$root" && return 0
  say "no Node 26 for this machine ($(uname -sm)) came with the node modules, or it does not run here." \
    "Put a node of version 26.10 or later (below 27) on the PATH, from your distribution or from nodejs.org, and run this again."
  exit 1
}

# npm 8 to 10 leave the link out: two packages have a program of that name, although one of them fits this machine only.
link_node() {
  link=$root/node_modules/.bin/node
  [ -e "$link" ] || ln -sfn "$node" "$link"
}

install_packages hob "$(missing_parts)"
if ! node_modules_are_current; then
  wait_for_other_set_ups
  node_modules_are_current || install_node_modules
  say "done"
fi
link_node
