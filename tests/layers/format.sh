#!/bin/sh
# The text of every C file is as .clang-format says; names those that are not.   format.sh SOURCE_DIR
set -eu
command -v clang-format >/dev/null 2>&1 || {
    echo "skipped: clang-format is not installed"
    exit 77
}
cd "$1"
code=0
find src include tests -name '*.[ch]' -print0 | xargs -0 clang-format --dry-run -Werror >/dev/null 2>&1 || code=$?
[ "$code" -eq 0 ] && exit 0
echo "not as clang-format leaves them (cmake --build … --target format mends it):"
find src include tests -name '*.[ch]' -print | sort | while IFS= read -r file; do
    clang-format --dry-run -Werror "$file" >/dev/null 2>&1 || echo "  $file"
done
exit 1
