# The log of a PostgreSQL server, what was added to it for each line on standard input; ends with it. POSIX sh, writes nothing.
#
#   sh -c "$(cat log.sh)" NAME DATADIR LOGDIR UNIT
#
# DATADIR  the server's data directory: says which file is written (current_logfiles) and which process is the postmaster, whose
#          standard error is the log where there is no such file
# LOGDIR   log_directory, where the data directory is closed to us: its newest file; "" = none
# UNIT     the service, whose journal is read where there is no file; "" = none
#
# A line is "t NUMBER" (what is new) or "k NUMBER" (whom the kernel has killed for want of memory). Answer lines begin with one of
#   |line  of the log, new       -line  of the log, from before we looked       !line  of the kernel's log
#   #source KIND WHERE   what is read from now on: stderr, csv, json, journal, or none with the reason
#   #more N              so many lines were left out
#   #nokernel            the kernel's log is closed to us
#   #end NUMBER

LC_ALL=C
export LC_ALL
set -f

data=$1
dir=$2
unit=$3
kind='' where='' since='' newest='' ticks=0

CHUNK=32768
OLD=40

# The first line of a file.
first() {
    line=''
    { read -r line <"$1"; } 2>/dev/null
    [ -n "$line" ]
}

# Sets new_kind and new_where to what is to be read now.
look() {
    new_kind=none new_where='the data directory is closed to us' postmaster=''
    first "$data/postmaster.pid" && postmaster=$line
    case $postmaster in
    *[!0-9]*) postmaster= ;;
    esac
    if [ -r "$data/current_logfiles" ]; then
        while read -r k path; do
            case $k in
            stderr) new_kind=stderr new_where=$path && break ;;
            jsonlog) new_kind=json new_where=$path ;;
            csvlog) [ "$new_kind" = json ] || new_kind=csv new_where=$path ;;
            esac
        done <"$data/current_logfiles"
        case $new_where in
        /*) ;;
        *) new_where=$data/$new_where ;;
        esac
    elif [ -n "$postmaster" ] && [ -f "/proc/$postmaster/fd/2" ] && [ -r "/proc/$postmaster/fd/2" ]; then
        new_kind=stderr new_where=/proc/$postmaster/fd/2
    elif [ -n "$unit" ] && command -v journalctl >/dev/null 2>&1; then
        new_kind=journal new_where=$unit
    elif [ -n "$dir" ] && [ -r "$dir" ]; then
        if [ -z "$newest" ]; then # once is enough: another file is found when this one is no longer written
            set +f
            # shellcheck disable=SC2012
            newest=$(ls -t "$dir" 2>/dev/null | sed -n -e '/\.gz$/d' -e p -e q)
            set -f
        fi
        case $newest in
        '') ;;
        *.csv) new_kind=csv ;;
        *.json) new_kind=json ;;
        *) new_kind=stderr ;;
        esac
        new_where=$dir/$newest
    elif [ -n "$postmaster" ]; then
        new_where='the server writes to no file that can be read'
    fi
    if [ "$new_kind" != none ] && [ "$new_kind" != journal ] && ! [ -r "$new_where" ]; then
        new_where="$new_where is closed to us"
        new_kind=none
    fi
}

# Goes over to that source. With $1 the lines at its end are shown as old ones, else all of it is new.
take_up() {
    kind=$new_kind where=$new_where
    shown=$where
    case $where in
    /proc/*) shown=$(readlink "$where" 2>/dev/null) ;;
    esac
    printf '#source %s %s\n' "$kind" "$shown"
    case $kind in
    none) return ;;
    journal)
        since=$(journalctl -u "$unit" -n 0 --show-cursor --no-pager 2>/dev/null | sed -n 's/^-- cursor: //p')
        journalctl -u "$unit" -n "$OLD" -o short-iso-precise --no-pager 2>/dev/null | sed 's/^/-/'
        return
        ;;
    esac
    command exec 3<"$where" || {
        kind=none
        return
    }
    # It leaves the descriptor at the end of the file.
    [ -z "$1" ] || tail -n "$OLD" <&3 | sed 's/^/-/'
}

same_file() {
    [ "$new_kind" = "$kind" ] || return 1
    # dash, bash and busybox have -ef
    # shellcheck disable=SC3013
    case $new_where in
    /proc/*) [ "$new_where" -ef "/proc/$$/fd/3" ] ;;
    *) [ "$new_where" = "$where" ] ;;
    esac
}

drain() {
    new=$(dd bs="$CHUNK" count=1 <&3 2>/dev/null)
    [ -n "$new" ] || return
    printf '%s\n' "$new" | sed 's/^/|/'
    # What one answer has no room for is counted and passed by.
    [ "${#new}" -lt $((CHUNK - 4096)) ] && return
    left=$(wc -l <&3)
    [ "$left" -gt 0 ] && printf '#more %s\n' "$left"
}

journal() {
    [ -n "$since" ] || return
    new=$(journalctl -u "$unit" --after-cursor="$since" -n 400 --show-cursor -o short-iso-precise --no-pager -q 2>/dev/null)
    next=$(printf '%s\n' "$new" | sed -n 's/^-- cursor: //p')
    [ -z "$next" ] || since=$next
    printf '%s\n' "$new" | sed -e '/^-- cursor: /d' -e '/^$/d' -e 's/^/|/'
}

# A file that was emptied in place (copytruncate) is read from its beginning.
rewind() {
    at=$(sed -n 's/^pos:[^0-9]*//p' "/proc/$$/fdinfo/3" 2>/dev/null)
    size=$(wc -c <"/proc/$$/fd/3") 2>/dev/null
    [ "${size:-0}" -ge "${at:-0}" ] || command exec 3<"/proc/$$/fd/3"
}

news() {
    ticks=$((ticks + 1))
    look
    if ! same_file; then
        case $kind in
        stderr | csv | json) drain ;;
        esac
        case $kind,$new_kind in
        ,* | none,* | *,journal) take_up old ;;
        *,stderr | *,csv | *,json)
            case $new_where in
            /proc/*) take_up old ;;
            *) take_up '' ;;
            esac
            ;;
        *) take_up old ;;
        esac
    fi
    case $kind in
    stderr | csv | json)
        [ $((ticks % 16)) -ne 0 ] || rewind
        drain
        ;;
    journal) journal ;;
    esac
}

kernel() {
    new=$(dmesg 2>/dev/null) || new=$(journalctl -k -n 400 --no-pager -q 2>/dev/null)
    if [ -z "$new" ]; then
        echo '#nokernel'
    else
        printf '%s\n' "$new" | grep -i 'killed process' | tail -n 5 | sed 's/^/!/'
    fi
}

while read -r what number; do
    case $what in
    t) news ;;
    k) kernel ;;
    *) continue ;;
    esac
    printf '#end %s\n' "$number"
done
