#!/bin/sh
# What `cmake --install` puts where, and what the completions know: each flag and each command of the program, and no other.
set -eu

program=${PGD_PROGRAM:?}
source=${PGD_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
[ -x "$program" ] || { echo "$program was not built"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "FAILED: $*"
    exit 1
}

# -- the completions ---------------------------------------------------------------------------------------------------
for shell in bash zsh fish; do
    "$program" completion "$shell" >"$work/$shell" || fail "no completion for $shell"
done
"$program" completion tcsh >/dev/null 2>"$work/err" && fail "a completion for tcsh was written"
grep -q 'tcsh' "$work/err" || fail "the shell that is not known is not named"

bash -n "$work/bash"
command -v zsh >/dev/null && zsh -n "$work/zsh"
command -v fish >/dev/null && fish --no-execute "$work/fish"

complete() { # WORDS…: what bash offers for the last of them
    bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pg_diagnose; printf "%s\n" "${COMPREPLY[@]}"' "$work/bash" "$@"
}
has() { # WORD, in what complete printed
    echo "$offered" | grep -qx -- "$1" || fail "$1 is not offered: $offered"
}
offered=$(complete pg_diagnose t); has tune
offered=$(complete pg_diagnose tune --adv); has --advisor
offered=$(complete pg_diagnose tune --advisor ''); has gemini; has builtin
offered=$(complete pg_diagnose tune --accept s); has safe
offered=$(complete pg_diagnose tune --restart cmd); has cmd:
offered=$(complete pg_diagnose demo --tu); has --tuned
offered=$(complete pg_diagnose tune --tu)
[ -z "$offered" ] || fail "--tuned is offered to tune"
touch "$work/a-file.sql"
offered=$(complete pg_diagnose tune --script "$work/a-"); has "$work/a-file.sql"

# the workspaces of whoever completes
mkdir -p "$work/bin" "$work/home/workspaces/shop_db1" "$work/home/workspaces/shop_db2"
ln -s "$program" "$work/bin/pg_diagnose"
offered=$(PATH=$work/bin:$PATH PG_DIAGNOSE_HOME=$work/home complete pg_diagnose export shop)
has shop_db1; has shop_db2

"$program" --help | grep -o -- '--[a-z][a-z-]*' | sort -u >"$work/help"
for shell in bash zsh fish; do
    while read -r flag; do
        case $shell in
        fish) grep -q -- " -l ${flag#--} " "$work/fish" ;;
        *) grep -qe "$flag[^a-z-]" "$work/$shell" ;;
        esac || fail "$shell does not know $flag"
    done <"$work/help"
done

# -- the installation --------------------------------------------------------------------------------------------------
build=$(dirname "$program")
[ -f "$build/cmake_install.cmake" ] || { echo "$build is no build folder: nothing is installed"; exit 0; }
cmake --build "$build" --target completions package_doc >"$work/log" 2>&1 || { tail -n 20 "$work/log"; fail "not built"; }
DESTDIR=$work/root cmake --install "$build" --prefix /usr >"$work/log" 2>&1 || { tail -n 20 "$work/log"; fail "not installed"; }
(cd "$work/root" && find . -type f | sort) >"$work/list"
for file in ./usr/bin/pg_diagnose ./usr/share/man/man1/pg_diagnose.1.gz ./usr/share/doc/pg-diagnose/copyright \
    ./usr/share/bash-completion/completions/pg_diagnose ./usr/share/zsh/vendor-completions/_pg_diagnose \
    ./usr/share/fish/vendor_completions.d/pg_diagnose.fish; do
    grep -qx "$file" "$work/list" || fail "$file is not installed"
done
"$work/root/usr/bin/pg_diagnose" --version | grep -q 'ncurses .*' || fail "the installed program does not name its libraries"
cmp "$work/bash" "$work/root/usr/share/bash-completion/completions/pg_diagnose"
grep -q "$(sed -n 's/^project(pg_diagnose VERSION \([0-9.]*\).*/\1/p' "$source/CMakeLists.txt")" "$source/cmake/deb/changelog" ||
    fail "the package's changelog does not name this version"
echo "completions of three shells, $(wc -l <"$work/help") flags; $(wc -l <"$work/list") files installed"
