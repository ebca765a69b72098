#!/usr/bin/env bash
# Whether each test that RELIABILITY.md names is there. `module::name*` stands for any that begin so.
set -euo pipefail
cd "$(dirname "$0")/.."

tests=$(cargo test --workspace --quiet --test behaviour --test runtimes -- --list | sed -n 's/: test$//p')
[[ -n $tests ]] || { echo "there are no tests"; exit 1; }
missing=0
while read -r name; do
    pattern="(^|::)${name//\*/.*}"
    [[ $name == *\* ]] || pattern+='$'
    if ! grep -Eq "$pattern" <<<"$tests"; then
        echo "RELIABILITY.md names $name, which is no test"
        missing=1
    fi
done < <(grep -o '`[a-z_]*::[a-z_:*]*`' RELIABILITY.md | tr -d '`' | grep -v '^module::name$' | sort -u)
exit "$missing"
