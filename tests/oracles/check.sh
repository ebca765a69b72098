#!/usr/bin/env bash
# Compares random cron expressions with croner, and with croniter and crondst of Python, which are installed for this
# alone.
#
#     bash tests/oracles/check.sh [COUNT [SEED]]     20,000 expressions and seed 1 unless said
set -euo pipefail
cd "$(dirname "$0")"

target_directory=${CARGO_TARGET_DIR:-$PWD/target}/oracles
packages=$target_directory/python
cargo build --locked --release --target-dir "$target_directory"
if ! [[ -d $packages/crondst ]] && ! python3 -m pip --version; then
    echo 'skipped: croniter and crondst, since there is no pip'
    "$target_directory/release/atevery-oracles" "$@" > /dev/null
    exit
fi
[[ -d $packages/crondst ]] || python3 -m pip install --quiet --target "$packages" croniter==7.0.0 crondst==1.0.3

slots=$(mktemp)
trap 'rm -f "$slots"' EXIT
"$target_directory/release/atevery-oracles" "$@" > "$slots"
PYTHONPATH=$packages python3 croniter_and_crondst.py < "$slots"
