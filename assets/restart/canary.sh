# Boots a scratch cluster with the settings that are about to be applied, and opens one session. POSIX sh, run as the owner
# of the data directory; reads the real configuration, writes to a folder of its own, removes it.
#
#   sh -s -- data=DIR config=FILE bin=DIR [set:NAME=VALUE | reset:NAME]… < canary.sh
#
# Prints "ok", or the line that explains why not. Exit code: 0 it boots, 1 it does not, 2 the canary itself could not be had.
# What it cannot prove: that the memory is there beside the live server, and huge pages, for which both compete.
set -u
umask 077
LC_ALL=C
export LC_ALL

data='' config='' bin=''
for arg; do
    case $arg in
    data=*) data=${arg#data=} ;;
    config=*) config=${arg#config=} ;;
    bin=*) bin=${arg#bin=} ;;
    esac
done
for name in $(env | sed -n 's/^\(PG[A-Z_]*\)=.*/\1/p'); do
    unset "$name"
done

cannot() {
    echo "the canary could not be made: $1"
    exit 2
}

[ -x "$bin/initdb" ] || cannot "there is no initdb in $bin"
[ -r "$config" ] || cannot "$config cannot be read"
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pgd-canary.XXXXXX") || cannot "no temporary folder"
cluster=$scratch/data

finish() {
    code=$?
    trap - EXIT HUP INT TERM
    if [ -f "$cluster/postmaster.pid" ]; then
        pid=$(sed -n 1p "$cluster/postmaster.pid")
        "$bin/pg_ctl" stop -s -D "$cluster" -m immediate -w -t 10 </dev/null >/dev/null 2>&1 || kill -KILL "$pid" 2>/dev/null
    fi
    rm -rf "$scratch"
    exit "$code"
}
trap finish EXIT
trap 'exit 2' HUP INT TERM

cd "$scratch" || exit 2
"$bin/initdb" -D "$cluster" -U postgres -N -A trust --no-locale </dev/null >"$scratch/initdb.log" 2>&1 ||
    cannot "$(grep -E 'error|FATAL' "$scratch/initdb.log" | tail -n 1)"

quoted() {
    printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g"
}

# The real file is included where it stands, so that its own includes are found; the entries of postgresql.auto.conf follow
# without those that are about to change, then the new ones.
cp "$data/postgresql.auto.conf" "$scratch/auto.conf" 2>/dev/null || : >"$scratch/auto.conf"
chmod 600 "$scratch/auto.conf"
for arg; do
    case $arg in
    set:*) name=${arg#set:} name=${name%%=*} ;;
    reset:*) name=${arg#reset:} ;;
    *) continue ;;
    esac
    grep -viE "^[[:space:]]*$(printf '%s' "$name" | sed 's/[.]/[.]/g')[[:space:]]*[= ]" "$scratch/auto.conf" >"$scratch/rest"
    mv "$scratch/rest" "$scratch/auto.conf"
done
{
    echo "include '$(quoted "$config")'"
    cat "$scratch/auto.conf"
    for arg; do
        case $arg in
        set:*)
            pair=${arg#set:}
            echo "${pair%%=*} = '$(quoted "${pair#*=}")'"
            ;;
        esac
    done
} >"$cluster/postgresql.conf"

# What is the place's own, not the settings' to choose. Nothing of the live server may be written to: before 15, its
# statistics folder.
over="-c data_directory='$cluster' -c hba_file='$cluster/pg_hba.conf' -c ident_file='$cluster/pg_ident.conf'"
over="$over -c listen_addresses='' -c port=5432 -c unix_socket_directories='$scratch' -c unix_socket_group=''"
over="$over -c unix_socket_permissions=0700 -c external_pid_file='' -c ssl=off -c logging_collector=off"
over="$over -c log_destination=stderr -c archive_command='' -c huge_pages=try -c synchronous_standby_names=''"
over="$over -c cluster_name=canary -c lc_messages=C"
case $(cat "$data/PG_VERSION" 2>/dev/null) in
9* | 10 | 11 | 12 | 13 | 14) over="$over -c stats_temp_directory=pg_stat_tmp" ;;
esac

explain() {
    why=$(grep -E 'FATAL|PANIC' "$scratch/log" | tail -n 1)
    [ -n "$why" ] || why=$(grep -vE 'LOG: |HINT: |^[[:space:]]*$' "$scratch/log" | tail -n 1)
    [ -n "$why" ] || why="$1"
    printf '%s\n' "$why" | cut -c1-400
    exit 1
}

: >"$scratch/log"
"$bin/pg_ctl" start -s -D "$cluster" -l "$scratch/log" -w -t 20 -o "$over" </dev/null >/dev/null 2>&1 ||
    explain "it was not up within 20 s"
if [ -x "$bin/psql" ]; then
    "$bin/psql" -X -A -t -h "$scratch" -p 5432 -U postgres -d postgres -c 'SELECT 1' </dev/null >"$scratch/session" 2>&1 || {
        tail -n 1 "$scratch/session" >>"$scratch/log"
        explain "it starts, but no session is possible"
    }
fi
echo ok
