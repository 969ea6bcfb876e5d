# Figures of the machine that a PostgreSQL server runs on, one answer for each line on standard input; ends with it. POSIX sh,
# writes nothing. One process is started for an answer, whatever the machine: head, or for some answers date and df too.
#
#   sh -c "$(cat loop.sh)" NAME WAL
#
# WAL  a path on the file system of the WAL; "" = its room is not looked at
#
# A line is "t NUMBER POSTMASTER" or "s NUMBER POSTMASTER" (its process id; 0 = its sessions are not looked at), then the ids of those
# of its processes that more is wanted of. Answer: "==> begin NUMBER", files of /proc as head(1) prints them, and "==> end NUMBER";
# with "s" also what the clock says ("==> clock") and the room for the WAL ("==> space"). The first line of all is "==> page SIZE".

LC_ALL=C
export LC_ALL
set -f

wal=$1
files=''
for f in stat meminfo diskstats vmstat net/dev pressure/cpu pressure/io pressure/memory uptime; do
    [ -r "/proc/$f" ] && files="$files /proc/$f"
done
printf '==> page %s\n' "$(getconf PAGESIZE 2>/dev/null)"

while read -r what number postmaster wanted; do
    case $what in
    s | t) ;;
    *) continue ;;
    esac
    case $postmaster in
    *[!0-9]*) continue ;;
    esac
    more='' children='' n=0
    # The file has no newline at its end: read fails, and has read.
    { read -r children <"/proc/$postmaster/task/$postmaster/children"; } 2>/dev/null
    for p in $children; do
        n=$((n + 1))
        [ "$n" -gt 256 ] && break
        more="$more /proc/$p/stat"
    done
    for p in $wanted; do
        case $p in
        *[!0-9]*) ;;
        *) more="$more /proc/$p/io /proc/$p/cmdline" ;;
        esac
    done
    printf '==> begin %s\n' "$number"
    if [ "$what" = s ]; then
        echo '==> clock'
        date +%s.%N
        if [ -n "$wal" ]; then
            echo '==> space'
            df -Pk "$wal" 2>/dev/null
        fi
    fi
    # shellcheck disable=SC2086
    [ -n "$files" ] && head -n 400 $files $more 2>/dev/null
    printf '\n==> end %s\n' "$number"
done
