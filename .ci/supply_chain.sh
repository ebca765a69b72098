#!/usr/bin/env bash
# What the library is built from, with which versions of it, and what a release may change.
#
#     bash .ci/supply_chain.sh [dependencies] [minimal_versions] [semver]
set -euo pipefail
cd "$(dirname "$0")/.."

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
export PATH=$CARGO_TARGET_DIR/tools/bin:$PATH

# tool NAME VERSION: installs a subcommand of cargo, if it isn't here.
tool() {
    cargo "$1" --version || cargo install "cargo-$1@$2" --locked --debug --root "$CARGO_TARGET_DIR/tools"
}

# Licences, duplicates and sources need nothing but deny.toml; advisories are a repository on GitHub.
dependencies() {
    tool deny 0.20.2
    cargo deny --locked check licenses bans sources
    if cargo deny --locked fetch db; then
        cargo deny --locked --offline check advisories
    else
        echo "skipped: the advisories can't be fetched"
    fi
}

# The oldest versions that Cargo.toml allows. Only of what it names itself: further down there are crates whose own lower
# bounds are wrong (async-global-executor 2.4.0 for one). The lock file is made in a copy, so that ours stays.
minimal_versions() {
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    git ls-files -z | tar --null --files-from - --create | tar --extract --directory "$copy"
    rm "$copy/Cargo.lock"
    (
        cd "$copy"
        # The option is a nightly one; the build isn't.
        RUSTC_BOOTSTRAP=1 cargo generate-lockfile -Z direct-minimal-versions
        cargo check --locked --workspace --lib --all-features
    )
}

# The public API against that of the last release.
semver() {
    local answer
    if answer=$(cargo info --registry crates-io atevery 2>&1); then
        tool semver-checks 0.51.0
        cargo semver-checks check-release --package atevery --all-features
    elif grep -q 'could not find `atevery`' <<<"$answer"; then
        echo "skipped: nothing is published yet"
    else
        echo "$answer" >&2
        return 1
    fi
}

if (($# == 0)); then
    set -- dependencies minimal_versions semver
fi
for part in "$@"; do
    echo "--- $part"
    "$part"
done
