#!/usr/bin/env bash
# The tests of the checker, then a storm on each executor, one after the other.
#
#     bash tests/storm/check.sh [SECONDS [OPTIONS]]     8 s on each executor unless said
#
# The long form is `check.sh 3600`. A single executor: `check.sh 600 --executors smol`. The script prints a table.
# A violation goes to standard error, with the seed of the round and the last records.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-8}
shift $(($# > 0))
target_directory=${CARGO_TARGET_DIR:-$PWD/target}/storm

cargo test --locked --release --quiet --target-dir "$target_directory"
cargo run --locked --release --quiet --target-dir "$target_directory" -- --seconds "$seconds" "$@"
