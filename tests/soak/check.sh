#!/usr/bin/env bash
# A small soak: every runtime at the same time, then virtual time, a year of calendar jobs, and the heartbeat.
#
#     bash tests/soak/check.sh [SECONDS [RUNS]]     30 s on each runtime and 5 million virtual runs unless said
#
# The long form is `check.sh 3600 100000000`. The script prints a table for each part. Violations go to standard error.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-30}
runs=${2:-5000000}
target_directory=${CARGO_TARGET_DIR:-$PWD/target}/soak
soak=$target_directory/release/atevery-soak

cargo build --locked --release --target-dir "$target_directory"

status=0
processes=()
echo '| runtime | time | jobs | stop | runs, each as often as due | drift of the worst job | lateness of the worst run | heap after the warm-up | heap after the drop | |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |'
for runtime in tokio smol async-std async-executor futures standalone; do
    "$soak" --runtime "$runtime" --seconds "$seconds" &
    processes+=($!)
done
for process in "${processes[@]}"; do
    wait "$process" || status=1
done

echo
echo '| | time | jobs | runs, each as often as due | drift of the worst job | lateness of the worst run | heap after the warm-up | |'
echo '| --- | --- | --- | --- | --- | --- | --- | --- |'
"$soak" virtual --runs "$runs" || status=1

echo
echo '| time | jobs | runs | heap | |'
echo '| --- | --- | --- | --- | --- |'
"$soak" calendar || status=1

echo
echo '| | jobs | until the last has begun | largest gaps | |'
echo '| --- | --- | --- | --- | --- |'
"$soak" heartbeat || status=1
exit $status
