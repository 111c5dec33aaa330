#!/bin/sh
# `npm test`: gets this host ready and runs the tests once. Arguments go to vitest: `npm test -- test/unit`.
set -eu
root=$(CDPATH='' cd -P -- "$(dirname -- "$0")/.." && pwd -P)

if [ "$(id -u)" != 0 ]; then
  echo 'the tests need root: they start containers. Run npm test as root.' >&2
  exit 1
fi

# A kube-apiserver may have to be built first, for which nobody should wait who runs other tests: `npm test -- test/unit`.
may_need_kubernetes() {
  named=
  for argument in "$@"; do
    case $argument in
      *kubernetes*) return 0 ;;
      test/*) named=$argument ;;
    esac
  done
  [ -z "$named" ]
}

"$root/deploy/setup.sh"
if may_need_kubernetes "$@"; then "$root/test/kubernetes/assets.sh" >/dev/null; fi
cd "$root"
# shellcheck source=src/cli/find-node.sh
. src/cli/find-node.sh
find_node "$root"
# Each test file has a process of its own: what Node compiled for one the next need not compile.
export NODE_COMPILE_CACHE="$root/node_modules/.cache/tests"
exec test/with-crun.sh "$node" --disable-warning=ExperimentalWarning node_modules/vitest/vitest.mjs run "$@"
