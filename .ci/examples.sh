#!/usr/bin/env bash
# Runs every example as a newcomer does, for half a minute at most unless `limit` says otherwise, and looks at what it
# prints.
set -euo pipefail
cd "$(dirname "$0")/.."

log=$(mktemp)
trap 'rm -f "$log"' EXIT
ran=()

# example NAME PATTERN...: NAME ends well by itself and prints a line for each pattern.
example() {
    start "$1"
    check "$@"
}

# ended_by SIGNAL NAME PATTERN...: the same for NAME that is sent SIGNAL once it has printed the first pattern.
ended_by() {
    local signal=$1
    shift
    start "$1"
    until grep -qE "$2" "$log" || ! kill -0 "$process"; do
        sleep 0.1
    done
    # Lets its other jobs begin as well.
    sleep 1
    kill -s "$signal" "$process"
    check "$@"
}

start() {
    echo "--- $1"
    : >"$log"
    timeout --kill-after 5 "${limit:-30}" cargo run --quiet --features metrics --example "$1" >"$log" &
    process=$!
    ran+=("$1")
}

check() {
    local name=$1 status=0 pattern
    shift
    wait "$process" || status=$?
    cat "$log"
    if ((status != 0)); then
        echo "$name failed with status $status (124: it didn't end in time)" >&2
        return 1
    fi
    for pattern in "$@"; do
        if ! grep -qE "$pattern" "$log"; then
            echo "$name printed no line for: $pattern" >&2
            return 1
        fi
    done
}

cargo build --examples --features metrics

example quickstart '^[0-9.]+ s  fast$' 'fast async$' 'slow: run 0 begins$' 'slow: run 1 begins$' 'stopped: .*\(slow\)'
ended_by INT quickstart 'slow: run 0 begins$' 'stopped: .* 0 still running$'
for runtime in tokio smol async_std; do
    example "$runtime" '^beat$' '^download fails' '^stopped: .* beats so far$' '^stopped: .* beats in all$'
done
example attribute '^fast '
example modules '^modules::storage::sweep#2 every' '^metrics: report 1' '^storage: compact the index$' '^stopped: '
example custom_runtime '^beat$' '^nap ends$' '^stopped: .* 0 still running$'
for signal in INT TERM; do
    ended_by "$signal" graceful_shutdown '^beat$' '^upload: came to its end$' '^poll: cancelled$' '^backup: still running'
done

for signal in INT TERM; do
    ended_by "$signal" axum_service '^listening on http://127\.0\.0\.1:[0-9]+$' '^stopped: .* 0 still running$'
done
example library_background '^on smol$' 'sweep: 1 of 1 entries are gone$' '^closed: stopped: .* 0 still running$' '^dropped$'
example testing_jobs '^16 uploads in 86400s' '^upload +running +' 'stopped: 0 finished, 1 cancelled \(upload\)'

example connection_ping '^10000 connections' '^3333 hung up, 3333 fell silent, 3334 shut down' '^stopped: .* 0 still running$'
example health_check '^ALARM: database$' 'the last [3-9] in a row$' '^last error: the attempt exceeded its limit of 50ms$'
example token_refresh '^request 3$' 'Some\("token 4"\)' '^[0-9]+ renewals, [1-9][0-9]* failed$'
example batch_flush '^wrote 100[01] items$' '^closing$' '^stopped: 1 finished \(flush\)'
# Without optimisation, a year takes more than half a minute.
limit=300 example nightly '^  nightly  Sun 2026-03-29 03:00 \+02:00' '^  opening  Mon 2026-11-02 09:00 -05:00' '^365 nightly reports, and 261 '
example worker_pool 'orders, version 2$' '^prices$' '^stopped: .* 0 still running$'
ended_by INT prometheus 'http://127\.0\.0\.1:[0-9]+' '^stopped: '

for file in examples/*.rs; do
    name=$(basename "$file" .rs)
    if [[ " ${ran[*]} " != *" $name "* ]]; then
        echo "nothing here runs the example $name" >&2
        exit 1
    fi
done
echo "${#ran[@]} runs of examples passed"
