#!/bin/sh
# A private PostgreSQL server for a test. Run by root it becomes an unprivileged user for everything that the server does.
#
#   pg.sh bin VERSION              prints the folder with that major version's programs; exit 77 and a reason if there is none
#   pg.sh start BIN [CONF]         makes a stock cluster, adds the lines of the file CONF to postgresql.conf, starts it, and
#                                  prints NAME=VALUE lines: dir, host (socket folder), port, data, user, osuser, bin
#   pg.sh stop DIR [MODE]          MODE: fast (default), smart, immediate
#   pg.sh up DIR                   starts a stopped one again
#   pg.sh restart DIR
#   pg.sh pid DIR                  the postmaster's process id
#   pg.sh psql DIR DBNAME SQL      prints unaligned rows
#   pg.sh destroy DIR              stops it and removes everything
#   pg.sh as COMMAND…              runs a command as the server's user
#
# DIR is what `start` printed. With PGTEST_OWNER=PID in the environment of `start` a watcher destroys the server once that
# process is gone, so that a killed test leaves nothing behind. PGTEST_INITDB adds arguments to initdb. Local connections
# need no password unless those arguments say otherwise; the superuser is postgres.
set -eu

fail() {
    echo "pg.sh: $1" >&2
    exit 1
}

# The user that the server runs as: postgres, where there is one, when we are root; otherwise ourselves.
server_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
    elif id postgres >/dev/null 2>&1; then
        echo postgres
    else
        echo nobody
    fi
}

as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        user=$(server_user)
        (cd / && exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups \
            env HOME=/nonexistent "$@")
    else
        "$@"
    fi
}

find_bin() {
    eval "given=\${PGD_PG$1_BIN:-}"
    if [ "$(id -u)" -eq 0 ]; then
        fetched=/var/tmp/pg_diagnose-tests/pg$1/native/bin
    else
        fetched=${XDG_CACHE_HOME:-$HOME/.cache}/pg_diagnose-tests/pg$1/native/bin
    fi
    for dir in "$given" "/usr/lib/postgresql/$1/bin" "/usr/pgsql-$1/bin" \
        "/opt/homebrew/opt/postgresql@$1/bin" "$fetched"; do
        if [ -n "$dir" ] && [ -x "$dir/postgres" ]; then
            echo "$dir"
            return 0
        fi
    done
    echo "PostgreSQL $1 is not installed here" >&2
    exit 77
}

# psql of the newest installed version: the folders from npm have none.
find_psql() {
    for dir in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -n -r); do
        if [ -x "$dir/psql" ]; then
            echo "$dir/psql"
            return 0
        fi
    done
    command -v psql || fail "psql is not installed"
}

get() {
    sed -n "s/^$2=//p" "$1/info"
}

pg_up() {
    as_server "$(get "$1" bin)/pg_ctl" -D "$1/data" -l "$1/log" -w -t 120 start \
        </dev/null >"$1/ctl.log" 2>&1
}

pg_stop() {
    if [ -f "$1/data/postmaster.pid" ]; then
        as_server "$(get "$1" bin)/pg_ctl" -D "$1/data" -w -t 60 -m "$2" stop \
            </dev/null >>"$1/ctl.log" 2>&1
    fi
}

pg_destroy() {
    [ -f "$1/info" ] || return 0
    # A server that a test has frozen does not hear of the stop.
    pid=$(sed -n 1p "$1/data/postmaster.pid" 2>/dev/null || true)
    [ -z "$pid" ] || kill -CONT "$pid" 2>/dev/null || true
    pg_stop "$1" immediate || { [ -n "$pid" ] && kill -KILL "$pid" 2>/dev/null; } || true
    rm -rf "$1"
}

watch_owner() {
    while kill -0 "$1" 2>/dev/null; do
        [ -d "$2" ] || exit 0
        sleep 2
    done
    pg_destroy "$2"
}

random_port() {
    echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
}

pg_start() {
    bin=$1
    conf=${2:-}
    dir=$(mktemp -d "${PGD_TEST_TMP:-/tmp}/pgd-test.XXXXXX")
    user=$(server_user)
    mkdir "$dir/sock"
    : >"$dir/log"
    [ "$(id -u)" -ne 0 ] || chown -R "$user" "$dir"
    chmod 0755 "$dir"
    chmod 0777 "$dir/sock"
    # shellcheck disable=SC2086
    as_server "$bin/initdb" -D "$dir/data" -U postgres -E UTF8 --locale=C.UTF-8 -A trust -N ${PGTEST_INITDB:-} \
        </dev/null >"$dir/initdb.log" 2>&1 || {
        cat "$dir/initdb.log" >&2
        rm -rf "$dir"
        fail "initdb failed"
    }
    cp "$dir/data/postgresql.conf" "$dir/stock.conf"
    for try in 1 2 3 4 5; do
        port=$(random_port)
        {
            cat "$dir/stock.conf"
            echo "port = $port"
            echo "listen_addresses = '127.0.0.1'"
            echo "unix_socket_directories = '$dir/sock'"
            [ -z "$conf" ] || cat "$conf"
        } | as_server sh -c 'cat >"$1"' sh "$dir/data/postgresql.conf"
        printf '%s\n' "dir=$dir" "host=$dir/sock" "port=$port" "data=$dir/data" "user=postgres" "osuser=$user" \
            "bin=$bin" >"$dir/info"
        if pg_up "$dir"; then
            if [ -n "${PGTEST_OWNER:-}" ]; then
                (trap '' HUP INT && watch_owner "$PGTEST_OWNER" "$dir") </dev/null >/dev/null 2>&1 &
            fi
            cat "$dir/info"
            return 0
        fi
        grep -q 'could not .* any TCP/IP sockets\|Address already in use' "$dir/log" || break
        [ "$try" -lt 5 ] && : >"$dir/log"
    done
    cat "$dir/log" >&2
    rm -rf "$dir"
    fail "the server does not start"
}

[ $# -ge 2 ] || fail "see the head of the script"
verb=$1
shift
case $verb in
bin) find_bin "$1" ;;
start) pg_start "$@" ;;
stop) pg_stop "$1" "${2:-fast}" ;;
up) pg_up "$1" ;;
restart) pg_stop "$1" fast && pg_up "$1" ;;
pid) sed -n 1p "$1/data/postmaster.pid" 2>/dev/null ;;
psql) "$(find_psql)" -X -q -A -t -v ON_ERROR_STOP=1 -h "$(get "$1" host)" -p "$(get "$1" port)" -U postgres -d "$2" \
    -c "$3" ;;
destroy) pg_destroy "$1" ;;
as) as_server "$@" ;;
*) fail "unknown verb $verb" ;;
esac
