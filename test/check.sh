#!/bin/sh
# `npm run check`: types, lint, format, and which module imports which; side by side. Each says what it finds.
set -u
cd "$(dirname -- "$0")/.." || exit 1
PATH=$PWD/node_modules/.bin:$PATH
out=$(mktemp -d "${TMPDIR:-/tmp}/hob-check.XXXXXX")
trap 'rm -rf "$out"' EXIT

# check NAME COMMAND...: NAME's words go to a file; that file's twin NAME.failed says that it failed.
check() {
  name=$1
  shift
  "$@" >"$out/$name" 2>&1 </dev/null || touch "$out/$name.failed"
}

check lint eslint . &
{
  check types tsc -p . --incremental --tsBuildInfoFile node_modules/.cache/tsc.tsbuildinfo
  check imports depcruise --config .dependency-cruiser.cjs src machines plugins
  check format prettier --check --log-level warn --cache .
} &
wait

status=0
for name in types lint imports format; do
  if [ -e "$out/$name.failed" ]; then
    printf '%s: failed\n' "$name"
    cat "$out/$name"
    status=1
  else
    printf '%s: ok\n' "$name"
  fi
done
exit $status
