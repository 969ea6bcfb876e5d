# server.sh start|stop|destroy HOME stock|tuned - the demo's private PostgreSQL.
#
# A stock initdb apart from port and socket; with "tuned" the settings of tuned.conf (in PGD_DEMO_TUNED).
# initdb refuses root: as root the server belongs to postgres (or nobody) and lives below /var/tmp, where
# that user can reach it; otherwise below HOME. Prints progress, and at last: up SOCKETDIR PORT USER new|again
set -u
mode=$1 home=$2 kind=$3
port=54320
[ "$kind" = tuned ] && port=54321

say() { echo "$*"; }
die() { say "$*"; exit 1; }

if [ "$(id -u)" = 0 ]; then
    owner=postgres
    id -u $owner >/dev/null 2>&1 || owner=nobody
    sum=$(printf %s "$home" | cksum | cut -d' ' -f1)
    base=/var/tmp/pg_diagnose-demo-$sum
    as() { setpriv --reuid "$owner" --regid "$(id -g $owner)" --init-groups env HOME=/ "$@"; }
else
    owner=$(id -un)
    base=$home/demo
    as() { "$@"; }
fi
dir=$base/$kind
data=$dir/data
sock=$dir/socket

find_bin() {
    for d in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin 2>/dev/null | sort -V -r) \
        "$(pg_config --bindir 2>/dev/null)" /usr/local/pgsql/bin /opt/homebrew/bin; do
        if [ -x "$d/initdb" ] && [ -x "$d/postgres" ]; then
            echo "$d"
            return
        fi
    done
}
bin=$(find_bin)

running() { [ -s "$data/postmaster.pid" ] && as "$bin/pg_ctl" -D "$data" status >/dev/null 2>&1; }

start_server() {
    as "$bin/pg_ctl" -D "$data" -w -t 120 -l "$dir/server.log" start </dev/null >/dev/null 2>&1 && return
    die "the server did not start: $(grep -E 'FATAL|PANIC|could not' "$dir/server.log" | tail -n 1)"
}

# A unix socket's path is limited to 107 bytes, and some of a home's characters mean something to the server; such a
# home gets a short one under /tmp.
case $sock in
*[!A-Za-z0-9_./-]*) odd=yes ;;
*) odd= ;;
esac
if [ ${#sock} -gt 80 ] || [ -n "$odd" ]; then
    sock=/tmp/pg_diagnose-demo-$(id -u)-$(printf %s "$sock" | cksum | cut -d' ' -f1)
fi

# ours DIR USER: a folder, no link, that USER made; where others may write, they could have been there first.
ours() {
    [ -d "$1" ] && [ ! -L "$1" ] && [ -n "$(find "$1" -prune -user "$2")" ] || die "$1 is not ours: move it out of the way"
}

case $mode in
start)
    [ -n "$bin" ] || die "no PostgreSQL server programs were found (initdb, postgres)"
    how=again
    if [ ! -s "$data/PG_VERSION" ] || [ ! -e "$dir/ready" ]; then
        how=new
        say "creating a private PostgreSQL ($("$bin/postgres" --version | sed 's/.*) //')) under $dir"
        mkdir -p "${base%/*}"
        [ -d "$base" ] || mkdir -m 755 "$base" || die "cannot create $base"
        ours "$base" "$(id -un)"
        rm -rf "$dir"
        mkdir -m 755 "$dir" || die "cannot create $dir"
        [ "$(id -u)" != 0 ] || chown "$owner" "$dir" || die "cannot give $dir to $owner"
        # what is written there is written as the owner: root follows no link of another user
        as sh -c '"$1" -D "$2" -U postgres -A trust -E UTF8 --locale=C >"$3" 2>&1 </dev/null' sh \
            "$bin/initdb" "$data" "$dir/initdb.log" ||
            die "initdb failed: $(tail -n 1 "$dir/initdb.log")"
        {
            echo "port = $port"
            echo "listen_addresses = ''"
            echo "unix_socket_directories = '$sock'"
            [ "$kind" = tuned ] && printf '%s\n' "$PGD_DEMO_TUNED"
        } | as sh -c 'cat >>"$1"' sh "$data/postgresql.conf" || die "cannot write $data/postgresql.conf"
    fi
    # nobody else gets in: its superuser needs no password
    [ -d "$sock" ] || as mkdir -m 700 "$sock" || die "cannot create $sock"
    ours "$sock" "$owner"
    as chmod 700 "$sock"
    # a restart that a killed program left under way finishes by itself; wait for it
    if ! running; then
        sleep 1
        running || start_server
    fi
    as touch "$dir/ready"
    say "up $sock $port postgres $how"
    ;;
stop | destroy)
    [ -n "$bin" ] && running && as "$bin/pg_ctl" -D "$data" -m fast -w -t 60 stop </dev/null >/dev/null 2>&1
    if [ "$mode" = destroy ]; then
        rm -rf "$dir" "$sock"
        rmdir "$base" 2>/dev/null
    fi
    say "the private PostgreSQL is stopped"
    ;;
esac
exit 0
