#!/bin/sh
# check.sh sees what it is there to see: violations are planted one by one, each must be named, and a clean tree passes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/src/base" "$tree/src/runner" "$tree/src/io" "$tree/src/ui" "$tree/include/pgd/base" "$tree/build"
failed=0

# plant FILE TEXT EXPECTED: EXPECTED must be among the violations, or there must be none when it is empty.
plant() {
    printf '%s\n' "$2" >"$tree/$1"
    if out=$("$here/check.sh" "$tree" "$tree/build"); then
        code=0
    else
        code=$?
    fi
    if [ -z "$3" ]; then
        [ "$code" -eq 0 ] || { echo "refused without reason: $1: $2 ($out)"; failed=1; }
    else
        case $code:$out in
        1:*"$3"*) ;;
        *) echo "not caught: $1: $2 (exit $code: $out)"; failed=1 ;;
        esac
    fi
    rm -f "$tree/$1"
}

plant src/runner/good.c '#include "pgd/base/buf.h"' ''
plant src/io/good.c '#include <uv.h>' ''
plant src/ui/term.c '#include <ncurses.h>' ''
plant src/base/bad.c '#include "pgd/ui/canvas.h"' 'base may not include pgd/ui/canvas.h'
plant include/pgd/base/bad.h '#  include "pgd/runner/bench.h"' 'base may not include pgd/runner/bench.h'
plant src/io/bad.c '#include "pgd/tuning/guard.h"' 'io may include base alone'
plant src/ui/bad.c '#include "pgd/io/loop.h"' 'ui may not include pgd/io/loop.h'
plant src/ui/pane.c '#include <curses.h>' 'curses.h is not for this file'
plant src/runner/bad.c '#include <libpq-fe.h>' 'libpq-fe.h is not for this file'
plant src/runner/bad.c '#include <jansson.h>' 'jansson.h is not for this file'
plant src/base/bad.c '#include <curl/curl.h>' 'curl/curl.h is not for this file'

# compile NAME TEXT: makes it the one object of the library of runner.
compile() {
    rm -f "$tree/build/libpgd_runner.a"
    printf '%s\n' "$2" >"$tree/build/$1"
    "${CC:-cc}" -c -o "$tree/build/$1.o" "$tree/build/$1"
    ar rcs "$tree/build/libpgd_runner.a" "$tree/build/$1.o"
}
compile clock.c '#include <time.h>
long f(void); long f(void) { return (long)time(0); }'
plant src/runner/good.c '' 'runner/clock.c: calls time'
compile file.c '#include <fcntl.h>
int f(void); int f(void) { return open("x", O_RDONLY); }'
plant src/runner/good.c '' 'runner/file.c: calls open'
compile pure.c '#include <string.h>
unsigned long f(const char *s); unsigned long f(const char *s) { return strlen(s); }'
plant src/runner/good.c '' ''

[ "$failed" -eq 0 ] && echo "every planted violation was caught"
exit "$failed"
