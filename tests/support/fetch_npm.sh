#!/bin/sh
# Puts what the tests of the model's side take from npm where they find it: a mock of the providers (aimock), Google's own
# contract (the protos of @google-ai/generativelanguage) and its official client (@google/genai). Versions and the integrity
# of every file are those of llm/package-lock.json; nothing of a package is run by its installation.
# Prints the folder that holds node_modules. Exit 77 with a reason when there is no way to get them.
set -eu

here=$(cd "$(dirname "$0")" && pwd -P)
if [ "$(id -u)" -eq 0 ]; then
    top=/var/tmp/pg_diagnose-tests
else
    top=${XDG_CACHE_HOME:-$HOME/.cache}/pg_diagnose-tests
fi
home=$top/llm

skip() {
    echo "the packages for the tests of models are not available: $1" >&2
    exit 77
}

command -v node >/dev/null 2>&1 || skip "node is missing"
[ "$(node -p 'process.versions.node.split(".")[0] >= 20')" = true ] || skip "node is older than 20: $(node --version)"
if [ -f "$home/package-lock.json" ] && cmp -s "$here/llm/package-lock.json" "$home/package-lock.json"; then
    echo "$home"
    exit 0
fi
command -v npm >/dev/null 2>&1 || skip "npm is missing"

mkdir -p "$top"
# Others may write below /var/tmp: only a folder of our own is trusted.
[ ! -L "$top" ] && [ -O "$top" ] || skip "$top belongs to somebody else"
chmod 0755 "$top"
work=$(mktemp -d "$top/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cp "$here/llm/package.json" "$here/llm/package-lock.json" "$work"
cd "$work"
npm ci --ignore-scripts --no-audit --no-fund --legacy-peer-deps --loglevel=error --fetch-retries=2 \
    --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 >ci.log 2>&1 ||
    skip "npm could not fetch them: $(sed -n '/code\|request to/s/^npm [A-Za-z]*!* *//p' ci.log | head -n 2 | tr '\n' ' ')"
rm -f ci.log
chmod -R go+rX .
chmod 0755 "$work"
rm -rf "$home"
mv "$work" "$home"
trap - EXIT
echo "$home"
