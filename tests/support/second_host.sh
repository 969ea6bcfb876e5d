#!/bin/sh
# A second host on this machine, which cannot be mistaken for it: network, mount, pid, uts and ipc namespaces of its own, joined
# by veth; other hostname, memory, processors, system, users and kernel settings; an sshd and a PostgreSQL that run nowhere else.
#
#   second_host.sh start DIR [NAME=VALUE…]   makes it and prints NAME=VALUE lines (see `describe`); exit 77 with a reason where
#                                            such namespaces cannot be had
#   second_host.sh exec DIR COMMAND…         as its root, inside
#   second_host.sh as DIR USER COMMAND…      as one of its users, inside
#   second_host.sh pids DIR                  its processes, as this machine numbers them
#   second_host.sh off DIR                   the power is cut: nothing of it runs, its disk stays
#   second_host.sh on DIR                    and it boots, with the same address, ports and disk
#   second_host.sh stop DIR                  off, and everything is removed
#
# Options of start:
#   layout=ctl       a cluster that pg_ctl starts (default)
#   layout=debian    a cluster of pg_createcluster, which pg_ctlcluster starts
#   layout=none      no PostgreSQL
#   version=15       whose programs
#   kernel=own       /proc/sys/vm and the like are files of its own, /sys is read-only (default)
#   kernel=real      they are this machine's: who changes them puts them back
#   data=SIZE        the data directory is a disk (tmpfs) of that size, which can be filled and does not outlive `off`
#   conf=FILE        lines for postgresql.conf
#   sshd.NAME=VALUE  a line for sshd_config
#
# Its users, all with the password "words of USER", all let in with DIR/home/.ssh/id_ed25519 (and id_locked, whose passphrase is
# "words of mine"); sudo is without a password unless it says otherwise:
#   dba      plain (no sudo)      asks (sudo wants the password)      pgonly (sudo to postgres alone)      postgres (no sudo)
#   noisy (bash, and .bashrc prints on both outputs)    csh (tcsh)    busybox (nothing but busybox, and sudo)    closed (nologin)
# Port 2222 is sshd's; on its own loopback it has another one, 2223, which is reached by way of the first alone.
#
# With SECOND_HOST_OWNER=PID in the environment of start it is stopped when that process is gone. Everything dies with its first
# process, mounts and network with the namespaces; DIR is all that a killed one can leave.
set -eu

self=$(cd "$(dirname "$0")" && pwd -P)/second_host.sh
ssh_port=2222
inner_port=2223
pg_port=5433

fail() {
    echo "second_host.sh: $1" >&2
    exit 1
}

skip() {
    echo "second_host.sh: $1" >&2
    exit 77
}

get() { # DIR NAME
    sed -n "s/^$2=//p" "$1/info"
}

first_process() { # DIR: prints it, when it lives
    pid=$(cat "$1/pid1" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ -d "/proc/$pid" ] || return 1
    # The number may be somebody else's by now.
    [ "$(readlink "/proc/$pid/ns/pid")" = "$(cat "$1/pidns")" ] || return 1
    echo "$pid"
}

inside() { # DIR COMMAND…
    pid=$(first_process "$1") || fail "$1 is off"
    shift
    exec nsenter -t "$pid" -m -n -p -u -i -- "$@"
}

describe() { # DIR
    n=$(get "$1" number)
    net=$(get "$1" net)
    cat <<TXT
dir=$1
number=$n
address=$(there "$n")
here=$(here "$n")
port=$ssh_port
inner_port=$inner_port
pgport=$pg_port
hostname=second-$n
bin=$(get "$1" bin)
data=$(get "$1" data)
layout=$(get "$1" layout)
home=$1/home
pid1=$(first_process "$1")
TXT
}

# A link of four addresses for each of 63 hosts, in a network that $net begins.
here() {
    echo "$net.$(($1 * 4 + 1))"
}

there() {
    echo "$net.$(($1 * 4 + 2))"
}

# Whether no way but the default one leads from this machine into or through NET.0/24, other than to hosts of this kind, and
# none of its name servers is there: a test must not take the machine's own network away.
is_free() { # NET
    taken=$({
        ip -4 route show table all root "$1.0/24"
        ip -4 route show table all match "$1.0/24"
    } | grep -v -e '^default' -e ' dev pgd2h') || true
    [ -z "$taken" ] && ! grep -qF "$1." /etc/resolv.conf 2>/dev/null
}

# Sets net, and n by making the link of that number: its name is the claim to it.
claim() {
    for net in 198.18.83 10.83.183 172.29.83 198.19.183; do
        is_free "$net" || continue
        n=0
        while [ "$n" -lt 63 ]; do
            if ip link add name "pgd2h$n" type veth peer name "pgd2hx$n" 2>/dev/null; then
                ip link set "pgd2h$n" alias "$$"
                return 0
            fi
            # Both ends on this side and nobody there who would move one: its maker was killed.
            maker=$(cat "/sys/class/net/pgd2h$n/ifalias" 2>/dev/null) || maker=
            if [ -e "/sys/class/net/pgd2hx$n" ] && [ -n "$maker" ] && ! kill -0 "$maker" 2>/dev/null; then
                ip link del "pgd2h$n" 2>/dev/null || true
                continue
            fi
            n=$((n + 1))
        done
    done
    return 1
}

# -- this side -------------------------------------------------------------------------------------

possible() {
    [ "$(id -u)" -eq 0 ] || skip "a second host needs root"
    for tool in unshare nsenter ip sshd sudo setpriv openssl; do
        PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null 2>&1 || skip "$tool is not installed"
    done
    unshare -n -m -p -u -i --fork true 2>/dev/null || skip "namespaces are not allowed here"
}

make_client() { # DIR: the .ssh folder of whoever calls this host
    mkdir -p "$1/home/.ssh"
    chmod 0700 "$1/home" "$1/home/.ssh"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$1/home/.ssh/id_ed25519"
    ssh-keygen -q -t ed25519 -a 8 -N 'words of mine' -C '' -f "$1/home/.ssh/id_locked"
    {
        printf '[%s]:%s %s\n' "$(there "$2")" "$ssh_port" "$(cut -d' ' -f1,2 "$1/disk/etc/ssh/ssh_host_ed25519_key.pub")"
        printf '[127.0.0.1]:%s %s\n' "$inner_port" "$(cut -d' ' -f1,2 "$1/disk/etc/ssh/ssh_host_ed25519_key.pub")"
    } >"$1/home/.ssh/known_hosts"
}

add_user() { # NAME UID SHELL
    echo "$1:x:$2:$2::/home/$1:$3" >>"$etc/passwd"
    echo "$1:x:$2:" >>"$etc/group"
    echo "$1:$(openssl passwd -6 "words of $1"):19000:0:99999:7:::" >>"$etc/shadow"
    mkdir -p "$dir/disk/home/$1"
    chown "$2:$2" "$dir/disk/home/$1"
}

make_users() {
    uid=$(id -u postgres) || skip "there is no user postgres"
    gid=$(id -g postgres)
    sshd_ids=$(getent passwd sshd | cut -d: -f3,4)
    cat >"$etc/passwd" <<TXT
root:x:0:0:root:/root:/bin/sh
sshd:x:${sshd_ids:-110:65534}::/run/sshd:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
postgres:x:$uid:$gid::/var/lib/postgresql:/bin/sh
TXT
    printf '%s\n' root:x:0: adm:x:4: tty:x:5: utmp:x:43: nogroup:x:65534: "postgres:x:$gid:" >"$etc/group"
    printf '%s\n' 'root:*:19000:0:99999:7:::' 'sshd:*:19000:0:99999:7:::' \
        "postgres:$(openssl passwd -6 'words of postgres'):19000:0:99999:7:::" >"$etc/shadow"
    add_user dba 3001 /bin/bash
    add_user plain 3002 /bin/sh
    add_user asks 3003 /bin/sh
    add_user pgonly 3004 /bin/sh
    add_user noisy 3005 /bin/bash
    add_user closed 3008 /usr/sbin/nologin
    printf '%s\n' 'echo "Welcome to the second host!"' 'echo "match=pidfile"' 'echo "Mind your step." >&2' \
        >"$dir/disk/home/noisy/.bashrc"
    chown 3005:3005 "$dir/disk/home/noisy/.bashrc"
    if [ -x /bin/tcsh ]; then
        add_user csh 3006 /bin/tcsh
    fi
    if [ -x /bin/busybox ]; then
        add_user busybox 3007 /home/busybox/bin/sh
        mkdir "$dir/disk/home/busybox/bin"
        for applet in $(/bin/busybox --list); do
            ln -s /bin/busybox "$dir/disk/home/busybox/bin/$applet"
        done
        ln -s /usr/bin/sudo "$dir/disk/home/busybox/bin/sudo"
    fi
    cat >"$etc/sudoers" <<'TXT'
Defaults env_reset, !lecture, !syslog
root ALL=(ALL:ALL) ALL
dba, noisy, csh, busybox ALL=(ALL:ALL) NOPASSWD: ALL
asks ALL=(ALL:ALL) ALL
pgonly ALL=(postgres) NOPASSWD: ALL
TXT
    chmod 0440 "$etc/sudoers"
    chmod 0640 "$etc/shadow"
}

make_sshd() { # [NAME=VALUE…]
    mkdir "$etc/ssh"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$etc/ssh/ssh_host_ed25519_key"
    {
        for option; do
            echo "$option" | tr '=' ' '
        done
        cat <<TXT
Port $ssh_port
ListenAddress 0.0.0.0:$ssh_port
ListenAddress 127.0.0.1:$inner_port
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
AuthorizedKeysFile /etc/ssh/authorized_keys
Banner /etc/issue.net
UsePAM yes
UseDNS no
PasswordAuthentication yes
KbdInteractiveAuthentication yes
PermitRootLogin yes
Subsystem sftp internal-sftp
Match User busybox
    SetEnv PATH=/home/busybox/bin
TXT
    } >"$etc/ssh/sshd_config"
    printf 'This is the second host.\nmatch=pidfile\n' >"$etc/issue.net"
    for service in sshd sudo other; do
        printf '%s\n' 'auth required pam_unix.so' 'account required pam_unix.so' 'session required pam_permit.so' \
            >"$etc/pam.d/$service"
    done
}

make_disk() {
    etc=$dir/disk/etc
    mkdir -p "$dir/disk/tmp" "$dir/disk/var_tmp" "$dir/disk/home" "$dir/disk/root" "$dir/disk/var_log/postgresql" \
        "$dir/disk/var_lib_postgresql" "$dir/disk/srv"
    chmod 1777 "$dir/disk/tmp" "$dir/disk/var_tmp"
    cp -a /etc "$etc"
    rm -rf "$etc/ssh" "$etc/sudoers.d" "$etc/pam.d" "$etc/postgresql" "$etc/hosts" "$etc/os-release" "$etc/machine-id" \
        "$etc/gshadow" "$etc/shadow" "$etc/resolv.conf" "$etc/nologin" "$etc/cron.d" "$etc/subuid" "$etc/subgid" \
        "$etc/sysctl.d" "$etc/sysctl.conf"
    mkdir "$etc/pam.d" "$etc/postgresql" "$etc/sysctl.d"
    chown postgres "$etc/postgresql" "$dir/disk/var_lib_postgresql" "$dir/disk/var_log/postgresql"
    printf '%s\n' 'PRETTY_NAME="Second Host Linux 7"' 'NAME="Second Host Linux"' 'ID=second' 'VERSION_ID="7"' >"$etc/os-release"
    echo "5ec0d0005ec0d0005ec0d0005ec0d$(printf %03d "$n")" >"$etc/machine-id"
    echo "second-$n" >"$etc/hostname"
    printf '127.0.0.1 localhost\n%s second-%s\n' "$(there "$n")" "$n" >"$etc/hosts"
    : >"$etc/resolv.conf"
    make_users
    make_sshd "$@"
    make_client "$dir" "$n"
    cat "$dir/home/.ssh/id_ed25519.pub" "$dir/home/.ssh/id_locked.pub" >"$etc/ssh/authorized_keys"
    cp /bin/sleep "$dir/disk/init"
    make_machine
}

# What it says of itself in /proc and /sys.
make_machine() {
    mkdir -p "$dir/disk/machine"
    total=$(sed -n 's/^MemTotal: *\([0-9]*\).*/\1/p' /proc/meminfo)
    memory=3145728
    [ "$total" != "$memory" ] || memory=4194304
    sed -e "s/^MemTotal: .*/MemTotal:        $memory kB/" -e 's/^MemFree: .*/MemFree:         1048576 kB/' \
        -e 's/^MemAvailable: .*/MemAvailable:    2097152 kB/' -e 's/^SwapTotal: .*/SwapTotal:        524288 kB/' \
        -e 's/^SwapFree: .*/SwapFree:         524288 kB/' -e 's/^CommitLimit: .*/CommitLimit:     2097152 kB/' \
        /proc/meminfo >"$dir/disk/machine/meminfo"
    cpus=$(grep -c ^processor /proc/cpuinfo)
    i=0
    while [ "$i" -le "$cpus" ]; do
        printf 'processor\t: %s\nmodel name\t: Second Host Processor\ncpu MHz\t\t: 2100.000\n\n' "$i"
        i=$((i + 1))
    done >"$dir/disk/machine/cpuinfo"
    echo "5ec0d000-0000-4000-8000-$(printf %012d "$n")" >"$dir/disk/machine/boot_id"
    [ "$(get "$dir" kernel)" = own ] || return 0
    mkdir "$dir/disk/machine/vm" "$dir/disk/machine/kernel"
    for file in /proc/sys/vm/*; do
        cat "$file" >"$dir/disk/machine/vm/${file##*/}" 2>/dev/null || true
    done
    for name in numa_balancing sched_autogroup_enabled; do
        [ ! -e "/proc/sys/kernel/$name" ] || cat "/proc/sys/kernel/$name" >"$dir/disk/machine/kernel/$name"
    done
    [ "$(cat /proc/sys/vm/swappiness)" = 45 ] && echo 40 >"$dir/disk/machine/vm/swappiness" ||
        echo 45 >"$dir/disk/machine/vm/swappiness"
    echo 'always madvise [never]' >"$dir/disk/machine/thp"
    ! grep -q '\[never\]' /sys/kernel/mm/transparent_hugepage/enabled 2>/dev/null ||
        echo '[always] madvise never' >"$dir/disk/machine/thp"
}

boot() {
    rm -f "$dir/pid1" "$dir/ready"
    [ -p "$dir/go" ] || mkfifo "$dir/go"
    # Its own session: what ends the terminal of the test does not end it.
    setsid unshare -n -m -p -u -i --fork --kill-child "$self" init "$dir" </dev/null >>"$dir/boot.log" 2>&1 &
    launcher=$!
    for _ in $(seq 100); do
        [ ! -s "$dir/pid1" ] || break
        kill -0 "$launcher" 2>/dev/null || break
        sleep 0.05
    done
    [ -s "$dir/pid1" ] || fail "no first process: $(tail -n 3 "$dir/boot.log")"
    pid=$(cat "$dir/pid1")
    readlink "/proc/$pid/ns/pid" >"$dir/pidns"
    ip link set "pgd2hx$n" netns "$pid"
    ip addr add "$(here "$n")/30" dev "pgd2h$n"
    ip link set "pgd2h$n" up
    echo go >"$dir/go"
    for _ in $(seq 1200); do
        [ ! -s "$dir/ready" ] || break
        [ -d "/proc/$pid" ] || break
        sleep 0.05
    done
    [ "$(cat "$dir/ready" 2>/dev/null)" = ready ] || {
        tail -n 20 "$dir/boot.log" >&2
        off "$dir"
        fail "it does not boot, see above"
    }
}

# Waits until nothing of it is left: the last sign of life is the link.
off() { # DIR
    n=$(get "$1" number)
    if pid=$(first_process "$1"); then
        kill -KILL "$pid"
        while [ -d "/proc/$pid/ns" ]; do
            sleep 0.02
        done
    fi
    [ -z "$n" ] || ip link del "pgd2h$n" 2>/dev/null || true
}

watch_owner() { # PID DIR
    while kill -0 "$1" 2>/dev/null; do
        [ -e "$2/info" ] || exit 0
        sleep 1
    done
    stop "$2"
}

stop() { # DIR
    [ -e "$1/info" ] || return 0
    off "$1"
    rm -rf "$1"
}

start() { # DIR [NAME=VALUE…]
    dir=$1
    shift
    possible
    [ ! -e "$dir/info" ] || fail "$dir is there already"
    layout=ctl
    version=15
    kernel=own
    size=
    conf=
    options=
    for option; do
        case $option in
        layout=*) layout=${option#*=} ;;
        version=*) version=${option#*=} ;;
        kernel=*) kernel=${option#*=} ;;
        data=*) size=${option#*=} ;;
        conf=*) conf=${option#*=} ;;
        sshd.*) options="$options ${option#sshd.}" ;;
        *) fail "unknown option $option" ;;
        esac
    done
    case $layout in
    ctl) data=/srv/pg/data ;;
    debian) data=/var/lib/postgresql/$version/main ;;
    *) data= ;;
    esac
    if ! bin=$("$(dirname "$self")/pg.sh" bin "$version" 2>&1); then
        [ "$layout" = none ] || skip "$bin"
        bin=
    fi
    [ "$layout" != debian ] || command -v pg_createcluster >/dev/null 2>&1 || skip "pg_createcluster is not installed"
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd -P)
    chmod 0755 "$dir"
    : >"$dir/info"
    trap '[ $? -eq 0 ] || stop "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
    claim || skip "no link to a second host can be made"
    printf '%s\n' "number=$n" "net=$net" "layout=$layout" "version=$version" "kernel=$kernel" "size=$size" "data=$data" "bin=$bin" >"$dir/info"
    # shellcheck disable=SC2086
    make_disk $options
    cat ${conf:+"$conf"} /dev/null >"$dir/disk/machine/conf"
    boot
    trap - EXIT HUP INT TERM
    if [ -n "${SECOND_HOST_OWNER:-}" ]; then
        (trap '' HUP INT && watch_owner "$SECOND_HOST_OWNER" "$dir") </dev/null >/dev/null 2>&1 &
    fi
    describe "$dir"
}

# -- that side: the first process, which becomes init ----------------------------------------------

over() { # FILE-OF-OURS PLACE
    [ ! -e "$2" ] || [ ! -e "$1" ] || mount --bind "$1" "$2"
}

mount_all() {
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t tmpfs -o mode=1777,size=256m shm /dev/shm
    disk=$dir/disk
    m=$disk/machine
    over "$m/meminfo" /proc/meminfo
    over "$m/cpuinfo" /proc/cpuinfo
    over "$m/boot_id" /proc/sys/kernel/random/boot_id
    if [ "$(get "$dir" kernel)" = own ]; then
        over "$m/vm" /proc/sys/vm
        for file in "$m"/kernel/*; do
            over "$file" "/proc/sys/kernel/${file##*/}"
        done
        over "$m/thp" /sys/kernel/mm/transparent_hugepage/enabled
        mount -o remount,bind,ro /sys
    fi
    # Of this machine's disk it sees the programs. What it writes lies in DIR/disk.
    mount -o remount,bind,ro /
    cd "$disk"
    mount -t tmpfs -o mode=755 run /run
    mkdir -p /run/sshd /run/lock
    mkdir -m 2775 /run/postgresql
    chown postgres:postgres /run/postgresql
    mount --bind etc /etc
    for place in home root srv var/tmp var/log var/lib/postgresql; do
        mount --bind "$(echo "$place" | tr / _)" "/$place"
    done
    cp init /run/init
    mount --bind tmp /tmp
    cd /
}

as_postgres() {
    (cd / && exec setpriv --reuid postgres --regid postgres --init-groups env HOME=/var/lib/postgresql "$@")
}

settings() {
    printf '%s\n' "listen_addresses = '*'" "port = $pg_port" "log_line_prefix = '%m [%p] %a '" \
        "unix_socket_directories = '/run/postgresql'"
    cat "$conf"
}

# The disk of the data directory, where it is to have a size.
mount_data() {
    [ -n "$size" ] && [ -n "$data" ] || return 0
    mkdir -p "$data"
    mount -t tmpfs -o "mode=700,size=$size,uid=$(id -u postgres),gid=$(id -g postgres)" data "$data"
}

up_ctl() {
    mkdir -p /srv/pg
    chown postgres /srv/pg
    if [ ! -e "$data/PG_VERSION" ]; then
        as_postgres "$bin/initdb" -D "$data" -U postgres -E UTF8 --locale=C.UTF-8 -A trust -N
        settings >>"$data/postgresql.conf"
        echo "host all all $net.0/24 trust" >>"$data/pg_hba.conf"
    fi
    as_postgres "$bin/pg_ctl" -D "$data" -l /srv/pg/log -w -t 60 start
}

up_debian() {
    if [ ! -e "$data/PG_VERSION" ] && [ -e "/etc/postgresql/$version/main" ]; then
        rm -r "/etc/postgresql/$version/main" # of a disk that is gone
    fi
    if [ ! -e "$data/PG_VERSION" ]; then
        pg_createcluster -u postgres -p "$pg_port" "$version" main -- -E UTF8 --locale=C.UTF-8 -A trust -N
        settings >>"/etc/postgresql/$version/main/postgresql.conf"
        echo "host all all $net.0/24 trust" >>"/etc/postgresql/$version/main/pg_hba.conf"
    fi
    pg_ctlcluster "$version" main start
}

init() { # DIR
    dir=$1
    # The old /proc is still there: the number by which the other side knows this process.
    read -r pid _ </proc/self/stat
    echo "$pid" >"$dir/pid1"
    read -r _ <"$dir/go"
    echo "== boot $(date)"
    n=$(get "$dir" number)
    net=$(get "$dir" net)
    data=$(get "$dir" data)
    bin=$(get "$dir" bin)
    size=$(get "$dir" size)
    layout=$(get "$dir" layout)
    version=$(get "$dir" version)
    # By a mount of its own: what is open for writing would keep the root from becoming read-only.
    mount --bind "$dir" "$dir"
    exec 4>"$dir/ready"
    hostname "second-$n"
    ip link set lo up
    ip addr add "$(there "$n")/30" dev "pgd2hx$n"
    ip link set "pgd2hx$n" name eth0
    ip link set eth0 up
    ip route add default via "$(here "$n")"
    conf=/run/conf
    exec 5<"$dir/disk/machine/conf"
    mount_all
    cat <&5 >"$conf"
    mount_data
    case $layout in
    ctl) up_ctl ;;
    debian) up_debian ;;
    esac
    /usr/sbin/sshd -E /var/log/sshd.log
    until [ -e /run/sshd.pid ]; do # it is written once it listens
        sleep 0.05
    done
    echo ready >&4
    exec 4>&- 5<&-
    # Children that lost their parent are reaped by the kernel, since nobody here waits for them.
    trap '' CHLD
    exec /run/init infinity
}

[ $# -ge 2 ] || fail "see the head of the script"
verb=$1
shift
case $verb in
start) start "$@" ;;
init) init "$1" ;;
exec) inside "$@" ;;
as)
    host=$1
    user=$2
    shift 2
    inside "$host" setpriv --reuid "$user" --regid "$user" --init-groups "$@"
    ;;
pids)
    space=$(cat "$1/pidns")
    for proc in /proc/[0-9]*; do
        [ "$(readlink "$proc/ns/pid" 2>/dev/null)" != "$space" ] || echo "${proc#/proc/}"
    done
    ;;
off) off "$1" ;;
on)
    dir=$1
    n=$(get "$dir" number)
    net=$(get "$dir" net)
    [ -n "$n" ] || fail "there is no host in $dir"
    ip link add name "pgd2h$n" type veth peer name "pgd2hx$n"
    boot
    ;;
stop) stop "$1" ;;
*) fail "unknown verb $verb" ;;
esac
