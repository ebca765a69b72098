#!/usr/bin/env bash
# Builds and runs the programs in this folder, each with one feature of atevery. Asserts that no other runtime is
# linked.
set -euo pipefail
cd "$(dirname "$0")"

# Every crate that is a runtime, or a part of one.
runtimes='tokio smol async-std async-executor async-global-executor async-io blocking futures-timer futures-executor'
passed=0
failed=0

# dependencies DIR [CARGO-TREE-OPTION...]: the names of everything that DIR is linked with on this platform.
dependencies() {
    local directory=$1
    shift
    (cd "$directory" && cargo tree --quiet --edges normal --prefix none --format '{p}' "$@") |
        cut -d ' ' -f 1 | sort -u
}

# only DIR ALLOWED [CARGO-TREE-OPTION...]: fails if a runtime's crate that is not among ALLOWED is linked with DIR.
only() {
    local directory=$1 allowed=$2 found runtime
    shift 2
    found=$(dependencies "$directory" "$@") || return 1
    grep -qx atevery <<<"$found" || return 1
    for runtime in $runtimes; do
        if [[ " $allowed " != *" $runtime "* ]] && grep -qx "$runtime" <<<"$found"; then
            echo "$directory: $runtime came along uninvited" >&2
            return 1
        fi
    done
}

# consumer NAME ALLOWED: NAME builds, runs, and is linked with no runtime's crate but ALLOWED.
consumer() {
    local name=$1 allowed=$2
    echo "== $name"
    if only "$name" "$allowed" && (cd "$name" && cargo run --quiet); then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

echo "== the package itself, by feature"
only .. '' --no-default-features
only .. '' --no-default-features --features testing
only .. '' --no-default-features --features calendar
only .. 'async-executor async-io blocking' --no-default-features --features async-executor
only .. 'async-executor async-io blocking' --no-default-features --features standalone
only .. 'futures-timer' --no-default-features --features futures-timer
echo "ok: no runtime but the one asked for"

echo "== a library, tested without a runtime"
only library ''
(cd library && cargo test --quiet)

consumer tokio 'tokio'
consumer smol 'smol async-executor async-io blocking'
consumer async-std 'async-std async-global-executor async-executor async-io blocking'

echo "$passed passed, $failed failed"
((failed == 0))
