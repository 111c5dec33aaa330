#!/bin/sh
# Makes the root filesystem that the examples use, and that a first spec of your own can use: the host's static busybox
# with a link for each of its commands, and ethanlog-cat. What is there already stays as it is. `npm start` calls it.
# usage: example-rootfs.sh [DIRECTORY]
set -eu

rootfs=${1:-/var/lib/hob-examples/rootfs/busybox}
client=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)/plugins/EthanLog/ethanlog-cat

# put_client ROOTFS: the client of the EthanLog plugin, for the containers; one made by an earlier version of this has none.
put_client() {
  cmp -s "$client" "$1/bin/ethanlog-cat" && return
  cp "$client" "$1/bin/.ethanlog-cat"
  chmod 755 "$1/bin/.ethanlog-cat"
  mv "$1/bin/.ethanlog-cat" "$1/bin/ethanlog-cat"
}

if [ -x "$rootfs/bin/busybox" ]; then
  put_client "$rootfs"
  exit 0
fi

busybox=$(command -v busybox) || {
  echo 'example-rootfs: there is no busybox here; run deploy/setup.sh first' >&2
  exit 1
}

# hob takes a root filesystem only from where no one but root can write.
umask 022
mkdir -p "${rootfs%/*}"
draft=$(mktemp -d "$rootfs.XXXXXX")
trap 'rm -rf "$draft"' EXIT
chmod 755 "$draft"

cd "$draft"
mkdir -p bin dev etc home mnt proc root run sys tmp usr/bin usr/local/bin var/log var/tmp
ln -s bin sbin
ln -s ../run var/run
chmod 700 root
chmod 1777 tmp var/tmp
cp -L "$busybox" bin/busybox
chmod 755 bin/busybox
put_client .
busybox --list | grep -v '^busybox$' | while read -r applet; do
  ln -s busybox "bin/$applet"
done

cat >etc/passwd <<'END'
root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/false
END
cat >etc/group <<'END'
root:x:0:
nogroup:x:65534:
END
printf '127.0.0.1 localhost\n::1 localhost\n' >etc/hosts
# Empty: a place to mount the host's own on.
: >etc/resolv.conf

# All or nothing, so that a rootfs that is there is a whole one. Of two that do this at once, one comes first.
cd /
mv -T "$draft" "$rootfs" 2>/dev/null || [ -x "$rootfs/bin/busybox" ] || {
  echo "example-rootfs: $rootfs is there, and is no root filesystem made by this; move it out of the way" >&2
  exit 1
}
