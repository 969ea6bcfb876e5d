# The managed file of a hand-over, in the server's include_dir. POSIX sh, run as the owner of the data directory and never as
# root: in a folder of somebody else's, root would follow the links that are put there.
#
#   sh -c "$(cat managed.sh)" pg_diagnose-managed MODE config=FILE [file=FILE] [text=TEXT]
#
# MODE
#   where    says which file it would be: file=PATH, and behind an empty line what stands in it now; or why=REASON
#   write    puts TEXT there, whole or not at all; what stood there stays beside it until finish
#   restore  puts that back, or removes the file where there was none
#   finish   the copy goes
# Each prints state=ok, or why=REASON and ends with 1.
set -u
umask 022
LC_ALL=C
export LC_ALL

mode=${1:-}
[ $# -eq 0 ] || shift
config='' file='' text=''
for arg; do
    case $arg in
    config=*) config=${arg#config=} ;;
    file=*) file=${arg#file=} ;;
    text=*) text=${arg#text=} ;;
    esac
done
name=zz-pg_diagnose.conf # the last of its folder wins

no() {
    echo "why=$1"
    exit 1
}

# The folder of the last include_dir of the main file.
folder() {
    dir=$(sed -n "s/^[[:space:]]*include_dir[[:space:]]*=\{0,1\}[[:space:]]*'\([^']*\)'.*/\1/p" "$config" | tail -n 1)
    [ -n "$dir" ] || no "$config has no include_dir"
    case $dir in
    /*) ;;
    *) dir=${config%/*}/$dir ;;
    esac
    [ -d "$dir" ] || no "$dir is no folder"
    [ -w "$dir" ] || no "$dir cannot be written to"
}

case $config in
/*) [ -r "$config" ] || no "$config cannot be read" ;;
*) no "no configuration file was given" ;;
esac
folder
[ -n "$file" ] || file=$dir/$name
[ "$file" = "$dir/$name" ] || no "$file is not in $dir"
[ ! -L "$file" ] || no "$file is a link"
before=$file.before # no .conf at its end: the server does not read it
none=$file.none

sync_dir() {
    sync "$dir" 2>/dev/null || sync
}

case $mode in
where)
    echo "state=ok"
    echo "file=$file"
    echo
    [ ! -f "$file" ] || cat "$file"
    exit 0
    ;;
write)
    # Whoever has lost sight of us asks twice, perhaps with another text: what stands beside it is what was there before us.
    if [ -e "$before" ] || [ -e "$none" ]; then
        :
    elif [ -f "$file" ]; then
        tmp=$(mktemp "$dir/.pg_diagnose.XXXXXX") || no "$dir cannot be written to"
        if ! cp -p "$file" "$tmp" || ! mv -f "$tmp" "$before"; then
            rm -f "$tmp"
            no "$before cannot be written"
        fi
    else
        : >"$none" || no "$none cannot be written"
    fi
    tmp=$(mktemp "$dir/.pg_diagnose.XXXXXX") || no "$dir cannot be written to"
    if printf '%s' "$text" >"$tmp" && chmod 644 "$tmp" &&
        { sync "$tmp" 2>/dev/null || sync; } && mv -f "$tmp" "$file"; then
        sync_dir
    else
        rm -f "$tmp"
        no "$file cannot be written"
    fi
    ;;
restore)
    if [ -f "$before" ]; then
        mv -f "$before" "$file" || no "$file cannot be put back"
    elif [ -f "$none" ]; then
        rm -f "$file" "$none" || no "$file cannot be removed"
    fi
    sync_dir
    ;;
finish) rm -f "$before" "$none" ;;
*) no "unknown mode" ;;
esac
echo "state=ok"
