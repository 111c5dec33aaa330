#!/bin/sh
# `npm start`: gets this host ready and runs hob on the examples in the foreground. More arguments go to `hob run`.
set -eu
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)

if [ "$(id -u)" != 0 ]; then
  echo 'hob needs root: it makes mounts, namespaces and cgroups. Run it as root, in a clone that belongs to root:' >&2
  echo 'specs and plugins are as good as root, so hob takes none that somebody else could write.' >&2
  exit 1
fi

"$root/deploy/setup.sh"
"$root/deploy/example-rootfs.sh"
# exec: Ctrl-C goes to hob alone, and npm waits for hob.
exec "$root/src/cli/hob" run --watch "$root/manifests/examples" \
  --plugins "$root/plugins" --plugins "$root/plugins/examples" "$@"
