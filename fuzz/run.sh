#!/usr/bin/env bash
# Runs every fuzz target side by side: `bash fuzz/run.sh [SECONDS]`, 30 unless said.
#
# Does the same as `cargo fuzz run --sanitizer none`, with a stable compiler and only a C++ compiler for libFuzzer. (A
# sanitizer is of no use, because there is no unsafe code.) An input that fails is kept in `failures`. Mend the fault,
# then move the input to the corpus. New inputs that reach new code are kept in the target directory.
set -euo pipefail
cd "$(dirname "$0")"

seconds=${1:-30}
targets=(interval cron agenda)
host=$(rustc --print host-tuple)
target_directory=${CARGO_TARGET_DIR:-$PWD/target}/fuzz

coverage=(-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg=fuzzing)

# A target by name keeps the flags away from build scripts.
RUSTFLAGS="${coverage[*]}" cargo build --locked --release --bins --target "$host" --target-dir "$target_directory"

# fuzz TARGET: within the time, with the corpus to begin with.
fuzz() {
    local found=$target_directory/found/$1 log=$target_directory/$1.log
    mkdir -p "$found" failures
    if "$target_directory/$host/release/$1" "$found" "corpus/$1" -max_total_time="$seconds" -max_len=1024 -timeout=10 \
        -rss_limit_mb=1024 -artifact_prefix="failures/$1-" -print_final_stats=1 >"$log" 2>&1; then
        echo "$1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") inputs, none fails"
    else
        tail -n 40 "$log" >&2
        return 1
    fi
}

processes=()
for target in "${targets[@]}"; do
    fuzz "$target" &
    processes+=($!)
done
status=0
for process in "${processes[@]}"; do
    wait "$process" || status=1
done
exit $status
