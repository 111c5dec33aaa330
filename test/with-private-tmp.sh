#!/bin/sh
# Runs a command with a /tmp of its own, empty but for this project if it lies there: test/with-private-tmp.sh COMMAND [ARGUMENT...]
# For what has its fixed places in /tmp: it may be there on this host, and in use.
set -eu
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)

[ "$1" = --in-namespace ] || exec unshare --mount --propagation private "$0" --in-namespace "$@"
shift
# Made on /mnt, and moved over /tmp when it has all that it is to have.
mount -t tmpfs -o mode=1777 tmpfs /mnt
case $root in
  /tmp/*)
    mkdir -p "/mnt${root#/tmp}"
    mount --rbind "$root" "/mnt${root#/tmp}"
    ;;
esac
mount --move /mnt /tmp
cd "$root"
exec "$@"
