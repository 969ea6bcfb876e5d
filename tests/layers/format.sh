#!/bin/sh
# The text of every C file is as .clang-format says.   format.sh SOURCE_DIR
set -eu
command -v clang-format >/dev/null 2>&1 || {
    echo "skipped: clang-format is not installed"
    exit 77
}
cd "$1"
find src include tests -name '*.[ch]' -print | sort | xargs clang-format --dry-run -Werror
