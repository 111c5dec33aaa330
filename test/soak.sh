#!/bin/sh
# `npm run soak`: everything that looks for lost containers, for hours instead of minutes. Says each part before it begins, as a
# command that runs it alone again, and ends at the first defect with an exit code that is not 0.
# 0 leaves a part out.
#   SOAK_SEED    the first seed; each part has one of its own (the time)
#   SOAK_WALKS   random walks with a stand-in for crun (20000)
#   SOAK_FUZZ    how many times the cases of the fuzz tests (10)
#   SOAK_SHARE   how much of the walk through every moment (1)
#   SOAK_LOADS   load tests (5)
set -eu
cd "$(dirname -- "$0")/.."
began=$(date +%s)
seed=${SOAK_SEED:-$began}
# So that a defect is found again in minutes, and something is said meanwhile.
walks_of_a_seed=1000

say() {
  echo "soak, $(($(date +%s) - began)) s: $*"
}

# Ctrl-C reaches what runs as well: this waits for it to clean up.
trap 'say "ended by Ctrl-C"; trap - INT; kill -INT $$' INT

part() {
  say "$*"
  env "$@" && return
  code=$?
  say "DEFECT, exit code $code. Again: $*"
  exit "$code"
}

say "seed $seed"
walks=${SOAK_WALKS:-20000}
while [ "$walks" -gt 0 ]; do
  runs=$((walks < walks_of_a_seed ? walks : walks_of_a_seed))
  part HOB_WALK_SEED="$seed" HOB_WALK_RUNS="$runs" npm test -- test/walk/stand-in.test.ts
  walks=$((walks - runs))
  seed=$((seed + 1))
done
fuzz=${SOAK_FUZZ:-10}
[ "$fuzz" = 0 ] || part HOB_FUZZ_SEED="$seed" HOB_FUZZ_RUNS="$fuzz" npm test -- test/fuzz --testTimeout=3600000
share=${SOAK_SHARE:-1}
for which in --every '--action fail,hang'; do
  # Two words of one of them.
  # shellcheck disable=SC2086
  [ "$share" = 0 ] || part npm run walk -- $which --seed "$seed" --share "$share"
done
load=0
while [ "$load" -lt "${SOAK_LOADS:-5}" ]; do
  part npm run load -- --seed "$((seed + load))" --patience 120
  load=$((load + 1))
done
say 'no defect'
