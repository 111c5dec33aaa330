#!/bin/sh
# `npm run soak`: everything that looks for lost containers, for hours instead of minutes. Prints the seeds; ends at the first defect.
#   SOAK_WALKS   random walks with a stand-in for crun (20000)
#   SOAK_FUZZ    how many times the cases of the fuzz tests (10)
#   SOAK_LOADS   load tests, each with a seed of its own (5)
set -eu
cd "$(dirname -- "$0")/.."
seed=${SOAK_SEED:-$(date +%s)}
echo "soak with seed $seed"

HOB_WALK_SEED=$seed HOB_WALK_RUNS=${SOAK_WALKS:-20000} npm test -- test/walk/stand-in.test.ts
HOB_FUZZ_SEED=$seed HOB_FUZZ_RUNS=${SOAK_FUZZ:-10} npm test -- test/fuzz --testTimeout=3600000
npm run walk -- --every --seed "$seed"
npm run walk -- --action fail,hang --seed "$seed"
load=1
while [ "$load" -le "${SOAK_LOADS:-5}" ]; do
  npm run load -- --seed "$((seed + load))" --patience 120
  load=$((load + 1))
done
