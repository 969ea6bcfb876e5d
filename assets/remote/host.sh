# Facts of the machine that a PostgreSQL server runs on, as key=value lines on standard output. POSIX sh, writes nothing.
#
#   sh -s -- DATADIR PORT START BACKEND [SUDO] < host.sh
#
# DATADIR  the server's data directory, empty when the server hides it
# PORT     the port that the server listens on
# START    when its postmaster started, seconds since the epoch
# BACKEND  the process id of one of its sessions, as the server numbers them; 0 = unknown
# SUDO     "sudo": where we lack a right, it is looked whether sudo gives it without a password; else sudo is not called
#
# os.NAME is a setting of the operating system, os_choices.NAME the words that it may be, os_writable.NAME=1 that root can
# open it for writing and we get to be root. A key that cannot be read is left out.
# The first line, "match", says whether this is the machine of that server:
# "pidfile" (postmaster.pid agrees in port and start time, and the process is there), "process" (the data directory cannot be
# read, but that session and its postmaster are processes of this machine), or "no": then "why" says why, and other=1 that this
# certainly is another machine.
# PGD_HOST_ROOT stands before /proc, /sys and /etc: for tests.

LC_ALL=C
export LC_ALL
R=${PGD_HOST_ROOT:-}
newline='
'

say() {
    [ -n "$2" ] && printf '%s=%s\n' "$1" "$2"
}

# The first line of a file. It is read whole: a file in /proc/sys gives its first byte alone to who asks for one after the other.
first() {
    [ -r "$1" ] || return
    line=$(cat "$1")
    printf '%s' "${line%%"$newline"*}"
} 2>/dev/null

# kB figure of /proc/meminfo in bytes.
mem() {
    while read -r key value _; do
        if [ "$key" = "$1:" ]; then
            echo $((value * ${2:-1024}))
            return
        fi
    done <"$R/proc/meminfo"
} 2>/dev/null

is_number() {
    case $1 in
    '' | *[!0-9]*) return 1 ;;
    esac
}

# -- rights ----------------------------------------------------------------------------------------

# Whether sudo runs COMMAND… as USER without a password and without a terminal. Sets sudo_note where it does not.
can_sudo() { # USER COMMAND…
    user=$1
    shift
    if ! command -v sudo >/dev/null 2>&1; then
        sudo_note='there is no sudo'
        return 1
    fi
    if sudo -n -u "$user" true; then
        return 0
    fi
    # A rule for this command alone, among those that ask for no password.
    line=$(sudo -n -l -u "$user" "$@") && sudo -n -l -l | awk -v want="$line" '
        /^Sudoers entry/ || /^LDAP Role/ { free = 0 }
        /^ *Options:/ && /!authenticate/ { free = 1 }
        { sub(/^[ \t]+/, ""); if (free && $0 == want) found = 1 }
        END { exit !found }' && return 0
    case $(sudo -n -u "$user" true 2>&1) in
    *password*) sudo_note='sudo wants a password' ;;
    *) sudo_note="sudo does not allow it" ;;
    esac
    return 1
}

# Sets access: how we get to act as the owner of the data directory, $1. "root" and "owner" need nothing.
find_access() {
    me=$(id -un)
    access=
    if [ "$me" = "$1" ]; then
        access=owner
    elif [ "$(id -u)" -eq 0 ]; then
        access=root
    elif [ "$may_sudo" = sudo ] && [ -n "$1" ] && can_sudo "$1" sh; then
        access=sudo
    fi
}

# Sets root: how we get to act as root, "root" or "sudo" or not at all, and root_note, why sudo does not help.
find_root() {
    root=
    root_note=
    if [ "$(id -u)" -eq 0 ]; then
        root=root
    elif [ "$may_sudo" = sudo ]; then
        owner_note=$sudo_note
        if can_sudo root sh; then
            root=sudo
        else
            root_note=$sudo_note
        fi
        sudo_note=$owner_note
    fi
    say user "$(id -un)"
    say root "$root"
    say root_note "$root_note"
}

as_owner() {
    if [ "$access" = sudo ]; then
        sudo -n -u "$owner" -- "$@"
    else
        "$@"
    fi
}

# File $2 of process $1; where processes of others are hidden, the owner of the data directory sees the server's.
of_process() {
    if [ -r "$R/proc/$1/$2" ]; then
        cat "$R/proc/$1/$2"
    elif [ "$access" = sudo ]; then
        as_owner cat "$R/proc/$1/$2"
    fi
} 2>/dev/null

# Without /proc processes are known by their signals alone.
has_proc() {
    [ -d "$R/proc/1" ] || [ -d "$R/proc/self" ]
}

is_postgres() {
    if ! has_proc; then
        as_owner kill -0 "$1"
        return
    fi
    case $(of_process "$1" comm) in
    postgres* | postmaster | edb-postgres) return 0 ;;
    esac
    return 1
}

# Field $2 of /proc/PID/stat, counted after the command's name: 2 = parent, 20 = start in ticks since boot.
stat_field() {
    line=$(of_process "$1" stat)
    # shellcheck disable=SC2086
    set -- "$2" ${line##*) }
    shift "$1" 2>/dev/null || return
    printf '%s' "$1"
}

# Seconds since the epoch at which process $1 started.
started_at() {
    ticks=$(stat_field "$1" 20)
    boot=$(sed -n 's/^btime //p' "$R/proc/stat" 2>/dev/null)
    hz=$(getconf CLK_TCK 2>/dev/null || echo 100)
    is_number "$ticks" && is_number "$boot" && echo $((boot + ticks / hz))
}

near() {
    is_number "$1" && is_number "$2" || return 1
    apart=$(($1 - $2))
    [ "${apart#-}" -le "$3" ]
}

owner_of() {
    stat -c %U "$1" || ls -ld "$1" | awk '{ print $3; exit }'
} 2>/dev/null

# This is not the machine of that server, for the reason $1; where $2 is "other", there is no doubt.
no_match() {
    match=no
    pm=
    why=$1
    [ "${2:-}" != other ] || other=1
    return 1
}

# By postmaster.pid, which sudo may read for us: 0 = our server, 1 = another one's, 2 = it cannot be read. Sets pm, match, access.
by_pidfile() {
    [ -n "$datadir" ] && owner=$(owner_of "$datadir") && [ -n "$owner" ] || return 2
    find_access "$owner"
    as_owner test -r "$datadir/postmaster.pid" || return 2
    {
        read -r pm
        read -r _
        read -r started
        read -r port
    } <<EOT
$(as_owner cat "$datadir/postmaster.pid")
EOT
    port=${port% }
    if ! is_number "$pm" || [ "$port" != "$want_port" ]; then
        no_match "the server of $datadir there listens on port ${port:-unknown}" other
    elif ! near "$started" "$want_start" 10; then
        no_match "the server of $datadir there was started at another time" other
    elif ! is_postgres "$pm"; then
        no_match "the server of $datadir there does not run" other
    elif has_proc && is_number "$backend" && [ "$backend" -gt 0 ] && [ "$(stat_field "$backend" 2)" != "$pm" ]; then
        no_match "the server of $datadir there has no session with process id $backend" other
    else
        match=pidfile
    fi
}

# By our session. Sets pm and match; datadir too, where the server hides it and the system shows it.
by_session() {
    if ! has_proc; then
        no_match "there is no /proc, and the data directory cannot be read"
    elif ! is_number "$backend" || [ "$backend" -eq 0 ]; then
        no_match "the data directory cannot be read, and no process of the server is known"
    elif is_postgres "$backend"; then
        pm=$(stat_field "$backend" 2)
        if ! is_number "$pm" || ! is_postgres "$pm" || ! near "$(started_at "$pm")" "$want_start" 60; then
            no_match "process $backend there belongs to a server that was started at another time" other
            return
        fi
        match=process
        owner=$(owner_of "$R/proc/$pm")
        find_access "$owner"
        if [ -z "$datadir" ]; then
            datadir=$(as_owner readlink "$R/proc/$pm/cwd")
            by_pidfile || match=process
        fi
    elif [ -d "$R/proc/1" ]; then
        no_match "no process $backend of the server runs there" other
    else
        no_match "neither the data directory nor the processes of others can be seen there"
    fi
}

# By our session's number in the process namespace of a container there.
in_container() {
    is_number "$backend" && [ "$backend" -gt 0 ] || return
    for status in $(grep -l "^NSpid:.*[[:space:]]$backend\$" "$R"/proc/[0-9]*/status); do
        child=${status%/status}
        child=${child##*/}
        parent=$(stat_field "$child" 2)
        if is_postgres "$child" && is_postgres "$parent" && near "$(started_at "$parent")" "$want_start" 60; then
            pm=$parent
            match=process
            contained=1
            why=
            other=
            access=
            return
        fi
    done
} 2>/dev/null

# Sets match and pm, the postmaster's process id.
find_postmaster() {
    match=no
    pm=
    owner=
    access=
    sudo_note=
    why=
    other=
    contained=
    by_pidfile
    if [ $? -eq 2 ]; then
        by_session
    fi
    if [ "$match" = no ]; then
        in_container
    fi
}

# What is in brackets, else all of it.
chosen() {
    case $1 in
    *\[*\]*)
        set -- "${1#*\[}"
        set -- "${1%%\]*}"
        ;;
    esac
    printf '%s' "$1"
}

# Whether this "machine" is a container, and of what kind.
container() {
    kind=$(first "$R/run/systemd/container")
    [ -n "$kind" ] || ! [ -e "$R/.dockerenv" ] || kind=docker
    [ -n "$kind" ] || ! [ -e "$R/run/.containerenv" ] || kind=podman
    [ -n "$kind" ] || kind=$(tr '\0' '\n' <"$R/proc/1/environ" | sed -n 's/^container=//p' | sed 1q)
    if [ -z "$kind" ]; then
        case $(cat "$R/proc/1/cgroup") in
        *kubepods*) kind=kubernetes ;;
        *docker*) kind=docker ;;
        *libpod*) kind=podman ;;
        */lxc*) kind=lxc ;;
        esac
    fi 2>/dev/null
    printf '%s' "$kind"
} 2>/dev/null

machine() {
    say hostname "$(uname -n)"
    say kernel "$(uname -sr)"
    os=$(sed -n 's/^PRETTY_NAME=//p' "$R/etc/os-release" 2>/dev/null)
    os=${os#\"}
    say os "${os%\"}"
    cpus=$(grep -c '^processor' "$R/proc/cpuinfo" 2>/dev/null)
    [ "${cpus:-0}" -gt 0 ] || cpus=$(getconf _NPROCESSORS_ONLN 2>/dev/null || nproc 2>/dev/null)
    say cpus "$cpus"
    model=$(sed -n 's/^model name[^:]*: *//p' "$R/proc/cpuinfo" 2>/dev/null | sed 1q)
    say cpu_model "${model:-$(uname -m)}"
    say mem_total "$(mem MemTotal)"
    say mem_available "$(mem MemAvailable)"
    say swap_total "$(mem SwapTotal)"
    say commit_limit "$(mem CommitLimit)"
    say committed "$(mem Committed_AS)"
    say hugepages_total "$(mem HugePages_Total 1)"
    say hugepages_free "$(mem HugePages_Free 1)"
    say hugepage_bytes "$(mem Hugepagesize)"
    thp=$(chosen "$(first "$R/sys/kernel/mm/transparent_hugepage/enabled")")
    say thp "$thp"
    machine_id=$(first "$R/etc/machine-id")
    case $machine_id in
    *[!0-9a-f]*) ;;
    *) [ "${#machine_id}" -ne 32 ] || say machine_id "$machine_id" ;;
    esac
    say boot_id "$(first "$R/proc/sys/kernel/random/boot_id")"
    now=$(date +%s.%N)
    is_number "${now#*.}" || now=$(date +%s)
    say clock "$now"
    say container "$(container)"
    say overcommit "$(first "$R/proc/sys/vm/overcommit_memory")"
    for name in swappiness dirty_bytes dirty_background_bytes dirty_ratio dirty_background_ratio; do
        say $name "$(first "$R/proc/sys/vm/$name")"
    done
}

# The lowest figure of the file named $2 in cgroup $1 and those above it, below the folder $3.
lowest_limit() {
    at=$1
    case $at in
    *..*) at= ;;
    esac
    low=
    while :; do
        value=$(first "$3$at/$2")
        # What is as good as no limit has 18 digits or more; "max" is no number.
        if is_number "$value" && [ "${#value}" -lt 18 ]; then
            if [ -z "$low" ] || [ "$value" -lt "$low" ]; then
                low=$value
            fi
        fi
        [ -z "$at" ] && break
        at=${at%/*}
    done
    printf '%s' "$low"
}

# quota and period in microseconds give CPUs with two digits.
say_cpus() {
    is_number "$1" && is_number "$2" && [ "$2" -gt 0 ] || return
    hundredths=$(($1 * 100 / $2))
    printf 'cgroup_cpus=%d.%02d\n' $((hundredths / 100)) $((hundredths % 100))
}

limits() {
    of=$(of_process "${pm:-self}" cgroup)
    top=$R/sys/fs/cgroup
    if [ -e "$top/cgroup.controllers" ]; then
        path=$(printf '%s\n' "$of" | sed -n 's/^0:://p')
        path=${path%/}
        [ -d "$top$path" ] || path=
        say cgroup_mem_limit "$(lowest_limit "$path" memory.max "$top")"
        case $path in
        *..*) path= ;;
        esac
        while :; do
            quota=$(first "$top$path/cpu.max")
            if [ -n "$quota" ] && [ "${quota%% *}" != max ]; then
                say_cpus "${quota%% *}" "${quota##* }"
                break
            fi
            [ -z "$path" ] && break
            path=${path%/*}
        done
    else
        path=$(printf '%s\n' "$of" | sed -n 's/^[0-9]*:\([^:]*,\)*memory\(,[^:]*\)*://p')
        path=${path%/}
        [ -d "$top/memory$path" ] || path=
        say cgroup_mem_limit "$(lowest_limit "$path" memory.limit_in_bytes "$top/memory")"
        path=$(printf '%s\n' "$of" | sed -n 's/^[0-9]*:\([^:]*,\)*cpu\(,[^:]*\)*://p')
        path=${path%/}
        [ -d "$top/cpu$path" ] || path=
        say_cpus "$(first "$top/cpu$path/cpu.cfs_quota_us")" "$(first "$top/cpu$path/cpu.cfs_period_us")"
    fi
}

# Size of the file system of $dir and what is free of it, with the prefix $1.
sizes() {
    # shellcheck disable=SC2046
    set -- "$1" $(as_owner stat -f -c '%S %b %a' "$dir" 2>/dev/null)
    # shellcheck disable=SC2046
    is_number "${2:-}" && is_number "${4:-}" || set -- "$1" $(as_owner df -Pk "$dir" | awk 'END { print 1024, $2, $4 }')
    if is_number "${2:-}" && is_number "${3:-}" && is_number "${4:-}"; then
        say "$1_total" $(($2 * $3))
        say "$1_free" $(($2 * $4))
    fi
}

# Where folder $2 lies: lines with the prefix $1.
disk() {
    dir=$(as_owner readlink -f "$2" 2>/dev/null)
    as_owner test -d "$dir" || return
    best=
    while read -r _ _ number _ mount rest; do
        mount=$(printf '%b' "$mount")
        case $dir/ in
        "${mount%/}/"*)
            if [ "${#mount}" -ge "${#best}" ]; then
                best=$mount
                best_number=$number
                best_rest=${rest##* - }
            fi
            ;;
        esac
    done <"$R/proc/self/mountinfo" 2>/dev/null
    sizes "$1"
    if [ -z "$best" ]; then
        say "$1_mount" "$(as_owner df -Pk "$dir" | sed -n '$s/.*% //p')"
        return
    fi
    say "$1_mount" "$best"
    say "$1_fs" "${best_rest%% *}"
    from=${best_rest#* }
    from=${from%% *}
    name=
    if [ -e "$R/sys/dev/block/$best_number" ]; then
        name=$(readlink -f "$R/sys/dev/block/$best_number")
    elif [ -b "$from" ]; then
        name=$(readlink -f "$from")
    fi
    name=${name##*/}
    if [ -n "$name" ] && [ -e "$R/sys/class/block/$name" ]; then
        say "$1_device" "$name"
        block "$1" "$name"
    fi
}

# What kind of disk block device $2 is; a partition is part of its disk, a mapped device lies on its first disk.
block() {
    whole=$2
    for _ in 1 2 3; do
        if [ -e "$R/sys/class/block/$whole/partition" ]; then
            whole=$(readlink -f "$R/sys/class/block/$whole")
            whole=${whole%/*}
            whole=${whole##*/}
        fi
        for below in "$R/sys/class/block/$whole/slaves/"*; do
            [ -e "$below" ] && whole=${below##*/}
            break
        done
    done
    queue=$R/sys/class/block/$whole/queue
    case $whole/$(first "$queue/rotational") in
    nvme*) say "$1_kind" nvme ;;
    */0) say "$1_kind" ssd ;;
    # Virtual disks call themselves rotating whatever they lie on.
    vd*/1 | xvd*/1) ;;
    */1) say "$1_kind" hdd ;;
    esac
    say "$1_scheduler" "$(chosen "$(first "$queue/scheduler")")"
    os_disk "$whole" "$2"
}

# -- settings of the operating system --------------------------------------------------------------

# One that is a file: its value, what else it may be where the file says so, and a place in the list of os_writable.
os_file() { # NAME FILE
    case " $os_files " in
    *" $1="*) return ;;
    esac
    value=$(first "$2")
    [ -n "$value" ] || return
    say "os.$1" "$(chosen "$value")"
    case $value in
    *\[*\]*)
        value=$(printf '%s' "$value" | tr -d '[]')
        say "os_choices.$1" "${value% }"
        ;;
    esac
    os_files="$os_files $1=$2"
}

# The disk $1 on which block device $2 lies. Reads go through the upper one, which has a read-ahead of its own.
os_disk() {
    os_file "io.$1.scheduler" "$R/sys/class/block/$1/queue/scheduler"
    os_file "io.$1.read_ahead_kb" "$R/sys/class/block/$1/queue/read_ahead_kb"
    [ -e "$R/sys/class/block/$2/partition" ] || os_file "io.$2.read_ahead_kb" "$R/sys/class/block/$2/queue/read_ahead_kb"
}

os_settings() {
    for name in swappiness dirty_bytes dirty_background_bytes dirty_ratio dirty_background_ratio overcommit_memory \
        overcommit_ratio nr_hugepages zone_reclaim_mode; do
        os_file "vm.$name" "$R/proc/sys/vm/$name"
    done
    for name in numa_balancing sched_autogroup_enabled; do
        os_file "kernel.$name" "$R/proc/sys/kernel/$name"
    done
    for name in enabled defrag; do
        os_file "thp.$name" "$R/sys/kernel/mm/transparent_hugepage/$name"
    done
    cpu=$R/sys/devices/system/cpu/cpu0/cpufreq
    os_file cpu.governor "$cpu/scaling_governor"
    say os_choices.cpu.governor "$(first "$cpu/scaling_available_governors")"
    [ -n "$pm" ] || return
    # What the postmaster may have, and what it may be given without root's rights.
    of_process "$pm" limits | sed -n -e 's/^Max open files  *\([^ ]*\)  *\([^ ]*\).*/os.limit.nofile=\1 os.limit.nofile_hard=\2/p' \
        -e 's/^Max locked memory  *\([^ ]*\)  *\([^ ]*\).*/os.limit.memlock=\1 os.limit.memlock_hard=\2/p' |
        tr ' ' '\n'
}

# Which of them root can open for writing here: in a container, or on a kernel without them, it cannot. Nothing is written.
os_writable() {
    try='for f; do (: >>"${f#*=}") 2>/dev/null && echo "os_writable.${f%%=*}=1"; done'
    # shellcheck disable=SC2086
    case $root in
    root) sh -c "$try" sh $os_files ;;
    sudo) sudo -n sh -c "$try" sh $os_files ;;
    esac
}

# Who starts the server again: nobody may do it behind this one's back.
supervisor() {
    parent=$(stat_field "$pm" 2)
    args=$(of_process "${parent:-0}" cmdline | tr '\0' ' ')
    unit=$(of_process "$pm" cgroup | sed -n -e 's/^0:://p' -e 's/^[0-9]*:name=systemd://p' | sed 1q)
    found=
    case $args/$unit in
    *patroni*) found=patroni ;;
    */controller/manager*) found=cloudnativepg ;;
    *pg_autoctl*) found=pg_auto_failover ;;
    *stolon-keeper*) found=stolon ;;
    *supervisord*) found=supervisord ;;
    runsv\ * | */runsv\ *) found=runit ;;
    s6-supervise\ * | */s6-supervise\ *) found=s6 ;;
    esac
    # These start servers that are not their children.
    for daemon in repmgrd pacemakerd; do
        [ -z "$found" ] && grep -qx "$daemon" "$R"/proc/[0-9]*/comm && found=${daemon%d}
    done
    if [ -n "$found" ]; then
        echo "$found"
        return
    fi
    # Patroni's servers are children of process 1, but it leaves a file, and runs.
    if [ -e "$datadir/patroni.dynamic.json" ] &&
        grep -q 'patron[i]' "$R"/proc/[0-9]*/cmdline 2>/dev/null; then
        echo patroni
        return
    fi
    if [ "$pm" = 1 ] || [ -n "$contained" ]; then
        echo container
        return
    fi
    init=$(first "$R/proc/1/comm")
    if [ "$parent" = 1 ]; then
        case $init in
        tini | dumb-init | docker-init | catatonit)
            echo container
            return
            ;;
        esac
    fi
    [ "$init" = systemd ] || return
    case ${unit##*/} in
    *.service) ;;
    *) return ;;
    esac
    case $unit in
    */user@*) echo "systemd-user:${unit##*/}" ;;
    *)
        # A server that somebody started by hand inside another service is not that service's; one that the service's
        # main process has started is, and that process looks after it.
        main=$(systemctl show -p MainPID "${unit##*/}" 2>/dev/null)
        main=${main#MainPID=}
        case $main in
        "$pm" | '') echo "systemd:${unit##*/}" ;;
        *) ! is_ancestor "$main" "$pm" || echo "service:${unit##*/}" ;;
        esac
        ;;
    esac
}

# Whether process $1 is a parent of $2, or a parent's parent, and not the first process of all.
is_ancestor() {
    at=$2
    while is_number "$at" && [ "$at" -gt 1 ]; do
        at=$(stat_field "$at" 2)
        [ "$at" != "$1" ] || return 0
    done
    return 1
}

# How we may call the service manager for the unit of the server: "root", "sudo", or not.
manager() {
    case $1 in
    systemd:*) ;;
    *) return ;;
    esac
    if [ "$(id -u)" -eq 0 ]; then
        say manager root
    elif [ "$may_sudo" = sudo ] && can_sudo root systemctl restart "${1#systemd:}"; then
        say manager sudo
    fi
}

# Does the server's shared memory lie in huge pages? With huge_pages=try nobody else says so before version 17.
huge_pages() {
    maps=$(as_owner cat "$R/proc/$pm/maps" 2>/dev/null)
    [ -n "$maps" ] || return
    case $maps in
    */anon_hugepage*) say hugepages_used 1 ;;
    *) say hugepages_used 0 ;;
    esac
}

# Whether logind ends what our user has started when he logs out: a server, too, that was started within his session.
logout_kills() {
    [ "$(first "$R/proc/1/comm")" = systemd ] && grep -q 'session-[^/]*\.scope' "$R/proc/self/cgroup" || return
    kills=
    exclude=root
    only=
    for file in "$R"/usr/lib/systemd/logind.conf.d/*.conf "$R/etc/systemd/logind.conf" "$R"/etc/systemd/logind.conf.d/*.conf; do
        while IFS='= ' read -r key value; do
            case $key in
            KillUserProcesses) kills=$value ;;
            KillExcludeUsers) exclude=$value ;;
            KillOnlyUsers) only=$value ;;
            esac
        done <"$file"
    done
    # logind's own word, where it gives one: what it was built with, and what it has read.
    now=
    [ -n "$R" ] || now=$(loginctl show-session -p KillUserProcesses)
    [ -z "$now" ] || kills=${now#*=}
    case $kills in
    yes | true | on | 1) ;;
    *) return ;;
    esac
    case " $exclude " in
    *" $(id -un) "*) return ;;
    esac
    case " $only " in
    '  ' | *" $(id -un) "*) say logout_kills 1 ;;
    esac
}

# What an interrupted restart of this program has left in the data directory.
leftovers() {
    for file in auto.conf.before report opts env mark lock; do
        as_owner test -e "$datadir/pg_diagnose.$file" && printf '%s ' "pg_diagnose.$file"
    done
}

server() {
    say postmaster_pid "$pm"
    exe=$(as_owner readlink "$R/proc/$pm/exe" 2>/dev/null)
    exe=${exe% (deleted)}
    # Without the owner's rights only what it was called.
    [ -n "$exe" ] || exe=$(of_process "$pm" cmdline | tr '\0' '\n' | sed 1q)
    case $exe in
    /*) say bindir "${exe%/*}" ;;
    esac
    by=$(supervisor)
    say supervisor "$by"
    manager "$by"
    say access "$access"
    say sudo_note "$sudo_note"
    command -v pg_ctlcluster >/dev/null 2>&1 && say pg_ctlcluster 1
    logout_kills
    huge_pages
}

main() {
    datadir=$1
    want_port=$2
    want_start=$3
    backend=$4
    may_sudo=$5
    find_postmaster
    say match "$match"
    say why "$why"
    say other "$other"
    has_proc || say no_proc 1
    if [ "$match" != no ]; then
        say data_directory "$datadir"
        server
    fi
    machine
    limits
    os_files=
    find_root
    os_settings
    if [ "$match" = no ]; then
        return
    fi
    if [ -z "$contained" ] && [ -n "$datadir" ] && as_owner test -r "$datadir/postmaster.pid"; then
        say data_readable 1
        say system_identifier "$(as_owner od -A n -t u8 -N 8 "$datadir/global/pg_control" | tr -d ' ')"
        say owner "$owner"
        say leftovers "$(leftovers)"
        auto=$datadir/postgresql.auto.conf
        if as_owner test -r "$auto" && as_owner test -w "$auto" && as_owner test -w "$datadir"; then
            say auto_conf rw
        elif as_owner test -r "$auto"; then
            say auto_conf ro
        else
            say auto_conf no
        fi
        disk data "$datadir"
        disk wal "$datadir/pg_wal"
    else
        say data_readable 0
    fi
    os_writable
}

main "$@" </dev/null 2>/dev/null
# What follows on the input is not for this shell.
exit 0
