# Settings of the operating system that the server runs on: reads them, sets them, and nothing else. POSIX sh.
#
#   sh -s -- read UNIT [machine=ID] NAME…             < os.sh
#   sh -s -- set UNIT [machine=ID] NAME VALUE…        < os.sh
#   sh -s -- restore UNIT [machine=ID] NAME VALUE…    < os.sh
#
# UNIT  the service of the server, for its limits; "" = none
# ID    what /etc/machine-id must say, else nothing is done: a host's name may lead to another machine by now
# NAME  "os:vm.swappiness": what is in force; "boot:vm.swappiness": what a file of our own sets when the machine starts.
#       Only the names that locate() knows are looked at or written; none is ever a path.
# VALUE one word; "-" = no line of our own; a file of that name without our first line is somebody else's, and left alone
#
# read prints NAME=VALUE for each that this machine has. set changes all or nothing: what cannot be set, or reads back as
# something else, or would harm the machine, ends with state=refused, name=, why=, after the ones before it were put back.
# restore leaves out the look at harm, since what it writes stood there before. Both print the values that stand in the end.
# Written as root, or by sudo without a password. PGD_HOST_ROOT stands before /proc, /sys, /run and /etc: for tests.

LC_ALL=C
export LC_ALL
PATH=$PATH:/usr/sbin:/sbin
R=${PGD_HOST_ROOT:-}
vm=$R/proc/sys/vm
tag='# pg_diagnose wrote this file and takes it away again'

root() {
    if [ -n "$R" ] || [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

# The first line of a file, in one read: the kernel gives a second one nothing of /proc/sys, and a shell reads by the byte.
first() {
    [ ! -r "$1" ] || sed -n 1p "$1" 2>/dev/null
}

is_number() {
    case $1 in
    '' | *[!0-9]*) return 1 ;;
    esac
    [ "${#1}" -le 15 ]
}

# A word that may stand in the name of a device, a unit or a choice.
is_word() {
    case $1 in
    '' | -* | .* | *..* | *[!A-Za-z0-9_.@:+-]*) return 1 ;;
    esac
}

# kB figure of /proc/meminfo; 0: this kernel has none.
mem() {
    while read -r field figure _; do
        if [ "$field" = "$1:" ]; then
            echo "$figure"
            return
        fi
    done <"$R/proc/meminfo"
    echo 0
} 2>/dev/null

# -- what there is ---------------------------------------------------------------------------------

# Sets how, file, low, high for NAME, and boot: of the file that sets it when the machine starts. False: not one of ours.
locate() {
    how=
    file=
    key=${1#*:}
    store=sysctl
    boot=$R/etc/sysctl.d/90-pg_diagnose.conf
    case $1 in
    os:* | boot:*) ;;
    *) return 1 ;;
    esac
    case $key in
    vm.swappiness) range "$vm/swappiness" 0 200 ;;
    vm.dirty_bytes | vm.dirty_background_bytes) range "$vm/${key#vm.}" 4096 1099511627776 pair "${key%bytes}ratio" ;;
    vm.overcommit_ratio) range "$vm/overcommit_ratio" 0 1000 pair vm.overcommit_kbytes ;;
    vm.overcommit_memory) range "$vm/overcommit_memory" 0 2 ;;
    vm.nr_hugepages) range "$vm/nr_hugepages" 0 1000000000 ;;
    kernel.numa_balancing) range "$R/proc/sys/kernel/numa_balancing" 0 3 ;;
    kernel.sched_autogroup_enabled) range "$R/proc/sys/kernel/sched_autogroup_enabled" 0 1 ;;
    thp.enabled)
        how=choice
        file=$R/sys/kernel/mm/transparent_hugepage/enabled
        ;;
    io.*.scheduler | io.*.read_ahead_kb)
        device=${key#io.}
        device=${device%.*}
        is_word "$device" || return 1
        range "$R/sys/block/$device/queue/${key##*.}" 0 1048576
        [ "${key##*.}" = read_ahead_kb ] || how=choice
        ;;
    cpu.governor)
        how=governor
        file=$R/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor
        ;;
    limit.nofile | limit.memlock)
        is_word "$unit" || return 1
        how=unit
        limit=LimitNOFILE
        [ "$key" = limit.nofile ] || limit=LimitMEMLOCK
        low=1
        high=999999999999999
        dir=run
        [ "${1%%:*}" = os ] || dir=etc
        file=$R/$dir/systemd/system/$unit.d/zz-pg_diagnose.conf
        return 0
        ;;
    *) return 1 ;;
    esac
    case $key in
    thp.* | io.* | cpu.*)
        store=tmpfiles
        boot=$R/etc/tmpfiles.d/pg_diagnose.conf
        ;;
    esac
    [ -e "$file" ]
}

range() {
    file=$1
    low=$2
    high=$3
    how=${4:-number}
    twin=${5:-}
}

governors() {
    for each in "$R"/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor; do
        [ -e "$each" ] && echo "$each"
    done
}

# The path below /sys or /proc as a line of tmpfiles names it.
plain() {
    case $how in
    governor) echo '/sys/devices/system/cpu/cpu*/cpufreq/scaling_governor' ;;
    *) echo "${file#"$R"}" ;;
    esac
}

is_ours() { # FILE
    [ "$(first "$1")" = "$tag" ]
}

# Our line in the file for the start of the machine: its value, or "-".
boot_value() {
    found=-
    case $store in
    sysctl) want="$key = " ;;
    *) want="w $(plain) - - - - " ;;
    esac
    if is_ours "$boot"; then
        while IFS= read -r line; do
            case $line in
            "$want"*) found=${line#"$want"} ;;
            esac
        done <"$boot"
    fi
    printf '%s' "$found"
}

# The value of the setting that was located; of a pair of which one excludes the other, the one in force.
value() { # NAME
    if [ "$how" = unit ]; then
        line=$(sed -n "s/^$limit=//p" "$file" 2>/dev/null)
        printf '%s' "${line:--}"
        return
    fi
    if [ "${1%%:*}" = boot ]; then
        boot_value
        return
    fi
    now=$(first "$file")
    case $how in
    choice)
        case $now in
        *\[*\]*)
            now=${now#*\[}
            now=${now%%\]*}
            ;;
        esac
        ;;
    pair)
        other=$(first "$R/proc/sys/$(echo "$twin" | tr . /)")
        case $key in
        vm.overcommit_ratio) [ "${other:-0}" = 0 ] || now=${other}kB ;;
        *) [ "$now" != 0 ] || now=${other}% ;;
        esac
        ;;
    governor)
        for each in $(governors); do
            [ "$(first "$each")" = "$now" ] || now=mixed
        done
        ;;
    esac
    printf '%s' "$now"
}

# -- what may be written -----------------------------------------------------------------------------

# Is $2 a value for NAME $1, which was located? Sets why.
fits() {
    why="$2 is no value of it"
    case $how/$2 in
    unit/- | unit/infinity) return ;;
    pair/*%) [ "$key" != vm.overcommit_ratio ] && [ "${1%%:*}" = os ] && is_number "${2%\%}" && [ "${2%\%}" -le 100 ] && return ;;
    pair/*kB) [ "$key" = vm.overcommit_ratio ] && [ "${1%%:*}" = os ] && is_number "${2%kB}" && return ;;
    *) ;;
    esac
    case ${1%%:*}/$2 in
    boot/-) return ;;
    esac
    case $how in
    choice)
        is_word "$2" || return 1
        case " $(tr -d '[]' <"$file") " in
        *" $2 "*) return ;;
        esac
        return 1
        ;;
    governor)
        is_word "$2" || return 1
        case " $(first "${file%/*}/scaling_available_governors") " in
        *" $2 "*) return ;;
        esac
        return 1
        ;;
    esac
    is_number "$2" || return 1
    why="$2 is outside of $low to $high"
    [ "$2" -ge "$low" ] && [ "$2" -le "$high" ]
}

# Where overcommit_memory is 2: would the kernel promise too little, with that ratio and that many huge pages? Its own sum, and a
# quarter of room beside what is promised: below it no program of the machine starts, the undo's among them. Sets why.
starves() { # RATIO PAGES; RATIO "" = as it is, or the amount that stands in its place
    fixed=$(first "$vm/overcommit_kbytes")
    share=${1:-$(first "$vm/overcommit_ratio")}
    promised=$(mem Committed_AS)
    limit=$((($(mem MemTotal) - $2 * $(mem Hugepagesize)) * ${share:-0} / 100))
    [ -n "$1" ] || [ "${fixed:-0}" = 0 ] || limit=$fixed
    limit=$((limit + $(mem SwapTotal)))
    why="the limit would be $limit kB, and $promised kB are promised already"
    [ $((limit * 4)) -le $((promised * 5)) ]
}

# The line in the file $1 that begins with the pattern $2.
line_with() {
    [ -r "$1" ] && sed -n "\\#^[[:space:]]*$2#{=;q;}" "$1"
}

# The next start would set another value all the same: of two files the later name wins in sysctl.d, and /etc/sysctl.conf is read
# after all of them; in tmpfiles.d the earlier one wins. Sets why.
overruled() {
    seen=' '
    for dir in etc run usr/local/lib usr/lib lib; do
        for each in "$R/$dir/$store.d"/*.conf "$R/$dir/$store.conf"; do
            base=${each##*/}
            case $seen in
            *" $base "*) continue ;;
            esac
            [ -e "$each" ] || continue
            seen="$seen$base "
            [ "$each" != "$boot" ] || continue
            if [ "$store" = tmpfiles ]; then
                at=$(line_with "$each" "[a-zA-Z][^[:space:]]*[[:space:]][[:space:]]*$(plain | sed 's/[*.]/\\&/g')[[:space:]]")
            elif expr "x$base" '<' "x${boot##*/}" >/dev/null; then
                continue
            else
                at=$(line_with "$each" "-\\{0,1\\}[[:space:]]*$(echo "$key" | sed 's/\./[.\/]/')[[:space:]]*=")
                [ -n "$at" ] || [ -z "$twin" ] ||
                    at=$(line_with "$each" "-\\{0,1\\}[[:space:]]*$(echo "$twin" | sed 's/\./[.\/]/')[[:space:]]*=")
            fi
            why="${each#"$R"}, line $at, sets it when the machine starts"
            [ -z "$at" ] || return 0
        done
    done
    return 1
}

# Would it harm the machine as it is at this moment? What the same call has set before is in force by then. Sets why.
harms() { # NAME VALUE OLD
    case $1/$2 in
    boot:limit.* | boot:*/-) ;;
    boot:*)
        overruled
        return
        ;;
    os:vm.overcommit_memory/2)
        starves '' "$(mem HugePages_Total)"
        return
        ;;
    os:vm.overcommit_ratio/*)
        is_number "$2" && [ "$(first "$vm/overcommit_memory")" = 2 ] && starves "$2" "$(mem HugePages_Total)"
        return
        ;;
    os:vm.nr_hugepages/*)
        need=$((($2 - $3) * $(mem Hugepagesize)))
        why="$need kB more in huge pages are too much beside the $(mem MemAvailable) kB that are available"
        [ "$need" -le $(($(mem MemAvailable) * 9 / 10)) ] || return 0
        [ "$need" -gt 0 ] && [ "$(first "$vm/overcommit_memory")" = 2 ] && starves '' "$2"
        return
        ;;
    esac
    return 1
}

# -- writing -------------------------------------------------------------------------------------------

# $1 to the file $2; what went wrong is printed.
put() {
    printf '%s\n' "$1" | { root tee "$2" >/dev/null; } 2>&1
}

# The text $1 becomes the file $2; an empty one takes it away. In one step, so that no start sees a part of it.
put_file() {
    if [ -z "$1" ]; then
        [ ! -e "$2" ] || root rm -f "$2" 2>&1
        # the folder may hold files of others
        [ "$how" != unit ] || root rmdir "${2%/*}" >/dev/null 2>&1 || :
        return
    fi
    [ -d "${2%/*}" ] || root mkdir -p "${2%/*}" 2>&1 || return
    if said=$(put "$1" "$2.new") && [ -z "$said" ]; then
        root mv -f "$2.new" "$2" 2>&1
    else
        root rm -f "$2.new" >/dev/null 2>&1
        echo "$said"
        return 1
    fi
}

# A file of that name that is not ours is not written to. Says so.
foreign() { # FILE
    [ -e "$1" ] && ! is_ours "$1" && echo "${1#"$R"} is not a file of ours"
}

# Our file without the line that begins with $2, and with the line $3 if there is one, as a text.
lines_of() { # FILE BEGINNING LINE HEAD
    body=
    if [ -r "$1" ]; then
        while IFS= read -r line; do
            case $line in
            "$2"* | '' | "$tag" | '[Service]') ;;
            *) body="$body
$line" ;;
            esac
        done <"$1"
    fi
    [ -z "$3" ] || body="$body
$3"
    [ -z "$body" ] || printf '%s' "$tag$4$body"
}

put_boot() { # VALUE
    ! foreign "$boot" || return
    case $store in
    sysctl) begin="$key = " ;;
    *) begin="w $(plain) - - - - " ;;
    esac
    new=
    if [ "$1" != - ]; then
        new=$begin$1
        if [ "$store" = tmpfiles ] && ! command -v systemd-tmpfiles >/dev/null 2>&1; then
            echo 'nothing on this machine reads tmpfiles.d when it starts'
            return 1
        fi
    fi
    put_file "$(lines_of "$boot" "$begin" "$new" '')" "$boot"
}

put_unit() { # VALUE
    ! foreign "$file" || return
    new=
    [ "$1" = - ] || new=$limit=$1
    put_file "$(lines_of "$file" "$limit=" "$new" '
[Service]')" "$file" || return
    root systemctl daemon-reload 2>&1 || return
    [ "$1" = - ] || [ "${file#"$R"/etc}" != "$file" ] && return
    shown=$(systemctl show -p "$limit" "$unit" 2>/dev/null)
    [ "${shown#*=}" = "$1" ] || echo "the service has ${shown#*=} all the same"
}

# What went wrong is printed.
write() { # NAME VALUE
    case $how in
    unit)
        put_unit "$2"
        return
        ;;
    esac
    if [ "${1%%:*}" = boot ]; then
        put_boot "$2"
        return
    fi
    name=$key
    new=$2
    case $how/$2 in
    pair/*%)
        name=$twin
        new=${2%\%}
        ;;
    pair/*kB)
        name=$twin
        new=${2%kB}
        ;;
    governor/*)
        for each in $(governors); do
            put "$2" "$each"
        done
        return
        ;;
    esac
    if [ "$store" = tmpfiles ]; then
        put "$new" "$file"
    elif [ -z "$R" ] && command -v sysctl >/dev/null 2>&1; then
        { root sysctl -w "$name=$new" >/dev/null; } 2>&1
    else
        put "$new" "$R/proc/sys/$(echo "$name" | tr . /)"
        # a tree of plain files has nobody who takes the twin back
        [ -z "$R" ] || [ "$how" != pair ] || fake_twin "$name"
    fi
}

fake_twin() {
    case $1 in
    "$key") put 0 "$R/proc/sys/$(echo "$twin" | tr . /)" ;;
    *) put 0 "$file" ;;
    esac
}

# -- the modes -----------------------------------------------------------------------------------------

# What was written is put back, the last one first.
take_back() {
    while read -r name old; do
        [ -n "$name" ] && locate "$name" && write "$name" "$old" >/dev/null
    done <<EOT
$written
EOT
}

change_one() { # NAME VALUE
    why='this machine does not have it, or it is not one that this program changes'
    locate "$1" || return 1
    fits "$1" "$2" || return 1
    old=$(value "$1")
    # what systemd has is seen at a reload alone, which may have been killed
    [ "$how" = unit ] || [ "$old" != "$2" ] || return 0
    [ "$mode" != set ] || ! harms "$1" "$2" "$old" || return 1
    written="$1 $old
$written"
    why=$(write "$1" "$2")
    now=$(value "$1")
    # of a unit the file is ours, and what counts is what systemd makes of it
    if [ "$now" = "$2" ] && { [ "$how" != unit ] || [ -z "$why" ]; }; then
        return 0
    fi
    why=$(printf '%s' "${why:-it is $now, not $2}" | tr '\n' ' ')
    return 1
}

change() {
    while [ $# -ge 2 ]; do
        if ! change_one "$1" "$2"; then
            say_why=$why
            [ "$mode" = restore ] || take_back
            printf 'state=refused\nname=%s\nwhy=%s\n' "$1" "$say_why"
            [ "$mode" = restore ] || return
            failed=1
        fi
        shift 2
    done
    [ -n "$failed" ] || echo state=ok
}

mode=$1
unit=$2
written=
failed=
shift 2 || exit 2
case ${1:-} in
machine=*)
    if [ "${1#machine=}" != "$(first "$R/etc/machine-id")" ]; then
        printf 'state=refused\nwhy=this is another machine than the one that was looked at\n'
        exit 0
    fi
    shift
    ;;
esac
case $mode in
read)
    for name in "$@"; do
        ! locate "$name" || printf '%s=%s\n' "$name" "$(value "$name")"
    done
    ;;
set | restore)
    change "$@"
    while [ $# -ge 2 ]; do
        ! locate "$1" || printf '%s=%s\n' "$1" "$(value "$1")"
        shift 2
    done
    ;;
*) exit 2 ;;
esac
exit 0
