#!/bin/sh
# The order of the folders, enforced:  check.sh SOURCE_DIR [BUILD_DIR]
#
# 1. A folder includes itself and the folders before it; io includes base alone.
# 2. Headers of the outside world are included where they belong and nowhere else.
# 3. The objects of the pure folders call nothing that looks at a clock, a file, a socket or a process. Exceptions stand in
#    tests/layers/allowed.txt, each with its reason.
# Prints every violation; exit 1 when there is one.
set -u
source_dir=$1
build_dir=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
cd "$source_dir" || exit 1
violations=$(mktemp)
trap 'rm -f "$violations"' EXIT

# Includes: every line `file:#include …` of the product is judged by the folder of the file and what it names.
find src include -name '*.[ch]' -exec grep -HE '^[[:space:]]*#[[:space:]]*include' {} + 2>/dev/null | awk '
BEGIN {
    n = split("base protocol discovery telemetry runner tuning agent workspace ui io app", order, " ")
    for (i = 1; i <= n; i++)
        rank[order[i]] = i
    n = split("jansson.h:protocol,agent,workspace uv.h:io uv/:io libpq-fe.h:io libpq/:io libpq-events.h:io curl/:io libssh/:io" \
        " curses.h:term ncurses.h:term ncursesw/:term panel.h:term term.h:term cursesw.h:term", rules, " ")
}
{
    colon = index($0, ":")
    file = substr($0, 1, colon - 1)
    line = substr($0, colon + 1)
    if (!match(line, /[<"][^>"]*[>"]/))
        next
    header = substr(line, RSTART + 1, RLENGTH - 2)
    folder = file
    sub(/^(src|include\/pgd)\//, "", folder)
    if (!sub(/\/.*/, "", folder))
        folder = "main"
    if (header ~ /^pgd\//) {
        used = header
        sub(/^pgd\//, "", used)
        sub(/\/.*/, "", used)
        if (!(used in rank))
            print file ": includes " header ", which is in no known folder"
        else if (folder == "io" && used != "io" && used != "base")
            print file ": io may include base alone, not " header
        else if (folder != "main" && rank[used] > rank[folder])
            print file ": " folder " may not include " header
    }
    for (i = 1; i <= n; i++) {
        split(rules[i], rule, ":")
        prefix = rule[1]
        if (header != prefix && !(prefix ~ /\/$/ && index(header, prefix) == 1))
            continue
        if (rule[2] == "term" ? file != "src/ui/term.c" : index("," rule[2] ",", "," folder ",") == 0)
            print file ": " header " is not for this file"
    }
    if (folder != "main" && !(folder in rank))
        print file ": in no known folder"
}' >>"$violations"

# Calls: undefined symbols of the objects. ui/term.c and io are the outside; of app only the reducer is pure.
if [ -n "$build_dir" ]; then
    for folder in base protocol discovery telemetry runner tuning agent workspace ui app; do
        library=$build_dir/libpgd_$folder.a
        [ -f "$library" ] || continue
        nm -A -u "$library" 2>/dev/null | sed -n 's/^[^:]*:\([^:]*\)\.o: *[Uw] \([A-Za-z_0-9]*\).*/\1 \2/p' |
            sed "s|^|$folder/|"
    done | awk -v allowed="$here/allowed.txt" '
    BEGIN {
        n = split("time gettimeofday clock_gettime clock clock_nanosleep nanosleep sleep usleep" \
            " open open64 openat openat64 creat __open_2 __open64_2 fopen fopen64 fdopen freopen opendir read write pread" \
            " pwrite readv writev __read_chk unlink rename mkdir stat lstat fstat access chmod remove" \
            " socket connect bind listen accept send recv sendto recvfrom sendmsg recvmsg select poll ppoll epoll_wait" \
            " getaddrinfo gethostbyname gethostname fork vfork execv execve execvp posix_spawn posix_spawnp system popen" \
            " kill signal sigaction pthread_create printf __printf_chk puts putchar perror getpid isatty ioctl" \
            " rand random srand srandom drand48 arc4random getrandom getenv secure_getenv setenv exit _exit", list, " ")
        for (i = 1; i <= n; i++)
            forbidden[list[i]] = 1
        while ((getline line < allowed) > 0) {
            sub(/#.*/, "", line)
            if (split(line, word, " ") == 2)
                excused[word[1] " " word[2]] = 1
        }
    }
    {
        if ($1 == "ui/term.c" || ($1 ~ /^app\// && $1 !~ /^app\/update/))
            next
        if (($2 in forbidden) && !(($1 " " $2) in excused))
            print $1 ": calls " $2 ", which is for io"
    }' >>"$violations"
fi

sort -u "$violations"
[ ! -s "$violations" ]
