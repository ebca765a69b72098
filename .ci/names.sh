#!/usr/bin/env bash
# Whether each test that RELIABILITY.md and DESIGN.md name is there, and each function with a long name. `module::name*` stands for any that begin so.
set -euo pipefail
cd "$(dirname "$0")/.."

# Looks for each of the names on standard input among the tests $2; $1 is who names them.
look_for() {
    local who=$1 tests=$2 name pattern missing=0
    [[ -n $tests ]] || { echo "there are no tests"; return 1; }
    while read -r name; do
        pattern="(^|::)${name//\*/.*}"
        [[ $name == *\* ]] || pattern+='$'
        if ! grep -Eq "$pattern" <<<"$tests"; then
            echo "$who names $name, which is no test"
            missing=1
        fi
    done
    return "$missing"
}

tests=$(cargo test --workspace --quiet --test behaviour --test runtimes -- --list | sed -n 's/: test$//p')
grep -o '`[a-z_]*::[a-z_:*]*`' RELIABILITY.md | tr -d '`' | grep -v '^module::name$' | sort -u |
    look_for RELIABILITY.md "$tests"
models=$(sed -n 's/^fn \([a-z_]*\)() .*/loom::\1/p' interleavings/loom/*.rs)
grep -o '`loom::[a-z_]*`' DESIGN.md | tr -d '`' | sort -u | look_for DESIGN.md "$models"

# Names without a module: tests of other files and models, and in DESIGN.md functions too.
functions=$(git ls-files '*.rs' | xargs sed -nE 's/.*\bfn ([a-z0-9_]+).*/\1/p' | sort -u)
grep -oE '`[a-z0-9]+(_[a-z0-9]+){3,}\*?`' RELIABILITY.md DESIGN.md CONTRIBUTING.md -h | tr -d '`' | sort -u |
    look_for "a page" "$functions"
