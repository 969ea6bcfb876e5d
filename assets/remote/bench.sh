# pgbench on this machine for a program elsewhere. POSIX sh; what follows on the input are calls of the functions below.
#
#   find BINDIR                      which pgbench is here: lines PATH|VERSION, that of BINDIR first
#   folder                           a folder of our own, 0700; the password file too, where PGD_PGPASS holds a line of one
#   script NAME <<END … END          a script, in that folder
#   delay PATH                       milliseconds that a statement takes from here: a line delay=MS, or why=… where it cannot
#   run LOGS PATH ARG…               pgbench in that folder. Its outputs are its own; then come
#                                        pgd_bench times, two lines of `times`
#                                        pgd_bench exit=STATUS
#                                    With LOGS=1 the last line is "pgd_bench exit=STATUS logs=FOLDER", and the folder stays as
#                                    long as the input does not end.
#
# Nothing outlives the input or this shell: pgbench is ended, the folder removed. It writes nowhere else.

umask 077
LC_ALL=C
export LC_ALL
dir=
child=
watcher=
exec 3<&0

clean() {
    trap '' HUP INT TERM
    for pid in $child; do
        kill -TERM "$pid"
        wait "$pid"
    done
    [ -z "$watcher" ] || kill "$watcher"
    cd /
    case $dir in
    */pg_diagnose.*) rm -rf "$dir" ;;
    esac
} 2>/dev/null
trap clean EXIT
trap 'exit 143' HUP INT TERM PIPE

find() {
    for d in "$1" $(pg_config --bindir 2>/dev/null) /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/pgsql/bin \
        /opt/homebrew/bin; do
        [ -x "$d/pgbench" ] && echo "$d/pgbench|$("$d/pgbench" --version 2>/dev/null)"
    done
    p=$(command -v pgbench) && echo "$p|$("$p" --version 2>/dev/null)"
    return 0
}

folder() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/pg_diagnose.XXXXXX") && cd "$dir" || {
        echo "pgbench: error: no folder can be made in ${TMPDIR:-/tmp}" >&2
        exit 73
    }
    if [ -n "${PGD_PGPASS:-}" ]; then
        printf '%s\n' "$PGD_PGPASS" >"$dir/pgpass" || exit 73
        PGPASSFILE=$dir/pgpass
        export PGPASSFILE
    fi
    unset PGD_PGPASS
}

script() {
    cat >"./$1" || {
        echo "pgbench: error: the script $1 cannot be written to $dir" >&2
        exit 73
    }
}

delay() {
    echo 'SELECT 1;' >./delay.sql
    if said=$("$1" -n -c 1 -t 40 -f ./delay.sql 2>&1 </dev/null 3<&-); then
        printf '%s\n' "$said" | sed -n 's/^latency average[^0-9]*\([0-9.]*\) ms.*/delay=\1/p' | sed 1q
    else
        printf 'why=%s\n' "$(printf '%s\n' "$said" | grep -e error: -e fatal: -e FATAL: | sed 1q)"
    fi
}

# Ends this shell with its input.
watch() {
    (
        cat <&3 >/dev/null
        kill -TERM $$
    ) >/dev/null 2>&1 &
    watcher=$!
}

run() {
    logs=$1
    shift
    watch
    "$@" </dev/null 3<&- &
    child=$!
    wait "$child"
    status=$?
    child=
    echo 'pgd_bench times'
    times
    if [ "$logs" = 1 ]; then
        echo "pgd_bench exit=$status logs=$dir"
        wait "$watcher"
    else
        echo "pgd_bench exit=$status"
    fi
    exit 0
}
