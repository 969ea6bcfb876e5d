# Boots a scratch cluster with the settings that are about to be applied, and opens one session. POSIX sh, run as the owner
# of the data directory; reads the real configuration, writes to a folder of its own, removes it.
#
#   sh -s -- data=DIR config=FILE bin=DIR [memory=BYTES] [watch=1] [set:NAME=VALUE | reset:NAME]… < canary.sh
#
# watch   the script was given as an argument (sh -c), and ends with its standard input: a cut link leaves nothing behind
#
# Prints "ok", or the line that explains why not. Exit code: 0 it boots, 1 it does not, 2 the canary itself could not be had.
# What it cannot prove: that the memory is there beside the live server, and huge pages, for which both compete. What would
# move the server to another place (files, sockets, addresses) is looked at without going there.
set -u
umask 077
LC_ALL=C
export LC_ALL

data='' config='' bin='' memory='' watch=''
for arg; do
    case $arg in
    memory=*) memory=${arg#memory=} ;;
    watch=*) watch=${arg#watch=} ;;
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
# Of a canary that was killed before it could clean up: some 40 MB each. One at work is younger than that.
find "${TMPDIR:-/tmp}/" -maxdepth 1 -type d -name 'pgd-canary.??????' -user "$(id -u)" -mmin +15 -exec rm -rf {} + 2>/dev/null
scratch=$(mktemp -d "${TMPDIR:-/tmp}/pgd-canary.XXXXXX") || cannot "no temporary folder"
cluster=$scratch/data

finish() {
    code=$?
    trap - EXIT HUP INT TERM PIPE
    [ -z "$watch" ] || kill "$watcher" 2>/dev/null
    if [ -f "$cluster/postmaster.pid" ]; then
        pid=$(sed -n 1p "$cluster/postmaster.pid")
        "$bin/pg_ctl" stop -s -D "$cluster" -m immediate -w -t 10 </dev/null >/dev/null 2>&1 || kill -KILL "$pid" 2>/dev/null
    fi
    rm -rf "$scratch"
    exit "$code"
}
trap finish EXIT
trap 'exit 2' HUP INT TERM PIPE # nobody may be left who reads what it says
if [ -n "$watch" ]; then
    exec 3<&0
    # What runs in the background has no standard input.
    (cat <&3 >/dev/null && kill -TERM $$) >/dev/null 2>&1 &
    watcher=$!
    exec 3<&-
fi

cd "$scratch" || exit 2
"$bin/initdb" -D "$cluster" -U postgres -N -A trust --no-locale </dev/null >"$scratch/initdb.log" 2>&1 ||
    {
        why=$(grep -E 'error|FATAL' "$scratch/initdb.log" | tail -n 1)
        cannot "${why:-initdb failed; is the disk of $scratch full?}"
    }

quoted() {
    printf '%s' "$1" | sed "s/\\\\/\\\\\\\\/g; s/'/''/g"
}

# The real file is included where it stands, so that its own includes are found; the entries of postgresql.auto.conf follow
# without those that are about to change, then the new ones.
cp "$data/postgresql.auto.conf" "$scratch/auto.conf" 2>/dev/null || : >"$scratch/auto.conf"
chmod 600 "$scratch/auto.conf"
: >"$scratch/changes"
for arg; do
    case $arg in
    set:*)
        printf '%s\n' "${arg#set:}" >>"$scratch/changes"
        name=${arg#set:} name=${name%%=*}
        ;;
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

refuse() {
    printf '%s\n' "$1" | cut -c1-400
    exit 1
}

# Whether setting $1 is to change; then value is its new value.
given() {
    grep -qi "^$1=" "$scratch/changes" || return 1
    value=$(grep -i "^$1=" "$scratch/changes" | tail -n 1)
    value=${value#*=}
}

# -- what would be somewhere else ----------------------------------------------------------------

if given hba_file; then
    case $value in
    /*) ;;
    *) value=$data/$value ;;
    esac
    [ -r "$value" ] || refuse "FATAL: hba_file $value cannot be read"
fi
if given unix_socket_directories; then
    rest=$value,
    while [ -n "$rest" ]; do
        dir=$(printf '%s' "${rest%%,*}" | sed 's/^ *//; s/ *$//; s/^"//; s/"$//')
        rest=${rest#*,}
        case $dir in
        '' | @*) continue ;;
        esac
        [ -d "$dir" ] && [ -w "$dir" ] || refuse "FATAL: unix_socket_directories: nothing can be created in $dir"
    done
fi
if given listen_addresses && command -v getent >/dev/null 2>&1; then
    rest=$value,
    while [ -n "$rest" ]; do
        host=$(printf '%s' "${rest%%,*}" | sed 's/^ *//; s/ *$//')
        rest=${rest#*,}
        case $host in
        '' | '*' | 0.0.0.0 | ::) continue ;;
        esac
        getent ahosts "$host" >/dev/null 2>&1 || refuse "FATAL: listen_addresses: $host is no address and no known name"
    done
fi

# -- memory ----------------------------------------------------------------------------------------

# A figure that the server works out from its configuration; from version 15 on.
computed() {
    "$bin/postgres" -D "$cluster" -c data_directory="$cluster" -c huge_pages=try -C "$1" </dev/null 2>/dev/null |
        grep -x '[0-9][0-9]*'
}

need=$(computed shared_memory_size)
if [ -n "$need" ] && [ -n "$memory" ] && [ $((need * 1048576)) -gt "$memory" ]; then
    refuse "FATAL: $need MB of shared memory would be needed, and there are $((memory / 1048576)) MB"
fi
if given huge_pages && [ "$value" = on ]; then
    total=$(sed -n 's/^HugePages_Total: *//p' /proc/meminfo 2>/dev/null)
    need=$(computed shared_memory_size_in_huge_pages)
    [ "${total:-0}" -ge "${need:-1}" ] && [ "${total:-0}" -gt 0 ] ||
        refuse "FATAL: huge_pages = on needs ${need:-some} huge pages, and ${total:-0} are reserved"
fi

# -- the boot --------------------------------------------------------------------------------------

# What is the place's own, not the settings' to choose. Nothing of the live server may be written to: before 15, its
# statistics folder.
over="-c data_directory='$cluster' -c hba_file='$cluster/pg_hba.conf' -c ident_file='$cluster/pg_ident.conf'"
over="$over -c listen_addresses='' -c port=5432 -c unix_socket_directories='$scratch'"
over="$over -c external_pid_file='' -c logging_collector=off"
over="$over -c log_destination=stderr -c archive_command='' -c huge_pages=try -c synchronous_standby_names=''"
over="$over -c cluster_name=canary -c lc_messages=C"
given unix_socket_group || over="$over -c unix_socket_group=''"
given unix_socket_permissions || over="$over -c unix_socket_permissions=0700"
if given ssl; then
    for file in server.crt server.key root.crt; do
        [ ! -r "$data/$file" ] || cp -p "$data/$file" "$cluster/$file"
    done
else
    over="$over -c ssl=off"
fi
case $(cat "$data/PG_VERSION" 2>/dev/null) in
9* | 10 | 11 | 12 | 13 | 14) over="$over -c stats_temp_directory=pg_stat_tmp" ;;
'') ;;
*) over="$over -c archive_library=''" ;;
esac

explain() {
    why=$(grep -E 'FATAL|PANIC|ERROR' "$scratch/log" | tail -n 1)
    [ -n "$why" ] || why=$(grep -vE 'LOG: |HINT: |^[[:space:]]*$' "$scratch/log" | tail -n 1)
    [ -n "$why" ] || why="$1"
    refuse "$why"
}

: >"$scratch/log"
"$bin/pg_ctl" start -s -D "$cluster" -l "$scratch/log" -w -t 20 -o "$over" </dev/null >/dev/null 2>&1 ||
    explain "it was not up within 20 s"

# What a session must be able to do: to be opened, to live a moment, and, where that is in question, to write.
sql="SELECT pg_sleep(0.1);"
if given default_transaction_read_only || given search_path; then
    sql="$sql CREATE TABLE canary (n int);"
fi
psql=$bin/psql
[ -x "$psql" ] || psql=$(command -v psql)
if [ -n "$psql" ]; then
    PGCONNECT_TIMEOUT=10 "$psql" -X -A -t -v ON_ERROR_STOP=1 -h "$scratch" -p 5432 -U postgres -d postgres -c "$sql" </dev/null \
        >"$scratch/session" 2>&1 || {
        cat "$scratch/session" >>"$scratch/log"
        explain "it starts, but no session is possible"
    }
fi
echo ok
