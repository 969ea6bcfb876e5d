#!/bin/sh
# The error rates and the power of the program's verdicts on recorded runs: those of tests/bench/recorded, or the files given.
# One's own machine is recorded with tests/bench/record_runs.py OUT.csv 3 130 (20 minutes).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
folder=$top/build/bench
cmake -S "$top" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPGD_TESTS=ON >&2
ninja -C "$folder" evidence_power test_stats test_looks test_experiment test_race test_ablation test_recorded >&2
[ $# -gt 0 ] || set -- "$here"/recorded/*.csv
echo "== simulations"
for test in stats looks experiment race ablation recorded; do
    PGD_SOURCE_DIR=$top "$folder/tests/test_$test" 2>&1 | grep -v '^\['
done
echo "== recorded runs"
exec "$folder/tests/evidence_power" "$@"
