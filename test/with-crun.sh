#!/bin/sh
# Runs a command where crun can start containers: test/with-crun.sh COMMAND [ARGUMENT...]
# What calls crun itself (tests, benchmarks) needs it on some hosts; hob does not.
set -eu

# True where crun starts nothing: controllers on cgroup v1 beside a v2 hierarchy that holds one as well.
crun_refuses_the_cgroups() {
  unified=/sys/fs/cgroup/unified
  [ -r $unified/cgroup.controllers ] && grep -q . $unified/cgroup.controllers
}

crun_refuses_the_cgroups || exec "$@"

# There the command gets a mount namespace without the v2 hierarchy. hob makes one for itself, which is a thing to test:
# this shell stays in the host's, so that the command can start hob in it: nsenter --mount=$HOB_TEST_HOST_MNT hob run ...
export HOB_TEST_HOST_MNT="/proc/$$/ns/mnt"
unshare --mount --propagation slave sh -c 'umount /sys/fs/cgroup/unified && exec "$@"' in-namespace "$@"
