#!/bin/sh
# The host script on made-up machines: limits of both kinds of cgroups, who supervises the server, and servers that live in
# another process namespace. Once with sh, once with busybox where there is one.
set -eu

script=$PGD_SOURCE_DIR/assets/remote/host.sh
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

put() { # FILE TEXT: a file below the made-up root
    mkdir -p "$root/${1%/*}"
    printf '%b\n' "$2" >"$root/$1"
}

# A machine with a server that is process 50, a child of process 1.
machine() { # NAME INIT
    root=$work/$1
    data=$root/data
    mkdir -p "$data/pg_wal"
    put proc/meminfo 'MemTotal: 16000000 kB\nMemAvailable: 8000000 kB\nSwapTotal: 0 kB\nHugePages_Total: 7'
    put proc/cpuinfo 'processor : 0\nmodel name : Some CPU\nprocessor : 1\nmodel name : Some CPU'
    put proc/stat 'cpu 1 1 1\nbtime 1000000'
    put proc/1/comm "$2"
    put proc/50/comm postgres
    put proc/50/stat '50 (postgres) S 1 50 50 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50000 1 1'
    put proc/60/comm postgres
    put proc/60/stat '60 (postgres: a) b) S 50 60 60 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 60000 1 1'
    put etc/os-release 'NAME=x\nPRETTY_NAME="Made Up 1.0"'
    put data/postmaster.pid "50\n$data\n1000500\n5432\n/tmp\n*\n1 2\nready"
    put data/postgresql.auto.conf '# x'
    put proc/self/mountinfo "1 0 0:99 / / rw - rootfs none rw\n2 1 0:98 / $data rw shared:1 - xfs /dev/x rw"
}

host() { # the shell is in $shell, the folders of its tools in $tools
    PATH=$tools PGD_HOST_ROOT=$root $shell -s -- "$@" <"$script" >"$work/out"
}

has() {
    if ! grep -qxF "$1" "$work/out"; then
        echo "${shell##*/}, ${root##*/}: no line $1; the like: $(grep "^${1%%=*}=" "$work/out" || echo none)" >&2
        failures=$((failures + 1))
    fi
}

has_no() {
    if grep -q "^$1=" "$work/out"; then
        echo "${shell##*/}, ${root##*/}: $(grep "^$1=" "$work/out")" >&2
        failures=$((failures + 1))
    fi
}

scenarios() {
    machine plain init
    host "$data" 5432 1000503 0
    has match=pidfile
    has postmaster_pid=50
    has 'os=Made Up 1.0'
    has cpus=2
    has 'cpu_model=Some CPU'
    has mem_total=16384000000
    has hugepages_total=7
    has auto_conf=rw
    has data_fs=xfs
    has "data_mount=$data"
    has_no cgroup_mem_limit
    has_no cgroup_cpus
    has_no supervisor
    has_no why
    has_no other
    # With a session of it; without one, or one that is another server's, it is a twin.
    host "$data" 5432 1000503 60
    has match=pidfile
    host "$data" 5432 1000503 61
    has match=no
    has "why=the server of $data there has no session with process id 61"
    has other=1
    put proc/62/comm postgres
    put proc/62/stat '62 (postgres: a) S 51 60 60 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 60000 1 1'
    host "$data" 5432 1000503 62
    has match=no
    # Another port, another start, a process that is none: not this server.
    host "$data" 5433 1000503 0
    has match=no
    has "why=the server of $data there listens on port 5432"
    has other=1
    has_no postmaster_pid
    host "$data" 5432 1000700 0
    has match=no
    has "why=the server of $data there was started at another time"
    put proc/50/comm bash
    host "$data" 5432 1000503 0
    has match=no
    has "why=the server of $data there does not run"
    put proc/50/comm postgres
    # Its cluster, as the first eight bytes of pg_control say on a machine of this byte order.
    mkdir -p "$data/global"
    printf '\001\002\003\004\005\006\007\010rest' >"$data/global/pg_control"
    host "$data" 5432 1000503 0
    has "system_identifier=$(od -A n -t u8 -N 8 "$data/global/pg_control" | tr -d ' ')"
    # By its session, when the folder cannot be read.
    host "$root/nowhere" 5432 1000503 60
    has match=process
    has data_readable=0
    host "$root/nowhere" 5432 2000503 60
    has match=no
    has 'why=process 60 there belongs to a server that was started at another time'
    has other=1
    host "$root/nowhere" 5432 1000503 77
    has match=no
    has 'why=no process 77 of the server runs there'
    has other=1
    host "$root/nowhere" 5432 1000503 0
    has match=no
    has 'why=the data directory cannot be read, and no process of the server is known'
    has_no other
    host '' 5432 1000503 60
    has match=process

    # What logind does at our logout; root is spared unless somebody says otherwise.
    machine logout systemd
    put proc/self/cgroup '0::/user.slice/user-0.slice/session-3.scope'
    put etc/systemd/logind.conf '[Login]\n#KillUserProcesses=yes\nKillExcludeUsers=nobody'
    host "$data" 5432 1000503 0
    has_no logout_kills
    put etc/systemd/logind.conf.d/x.conf '[Login]\nKillUserProcesses = yes'
    host "$data" 5432 1000503 0
    has logout_kills=1
    put etc/systemd/logind.conf.d/y.conf "[Login]\nKillExcludeUsers=nobody $(id -un)"
    host "$data" 5432 1000503 0
    has_no logout_kills
    put etc/systemd/logind.conf.d/y.conf '[Login]\nKillOnlyUsers=nobody'
    host "$data" 5432 1000503 0
    has_no logout_kills
    put etc/systemd/logind.conf.d/y.conf ''
    put proc/self/cgroup '0::/system.slice/ssh.service'
    host "$data" 5432 1000503 0
    has_no logout_kills
    put etc/machine-id 0123456789abcdef0123456789abcdef
    host "$data" 5432 1000503 0
    has machine_id=0123456789abcdef0123456789abcdef
    put etc/machine-id uninitialized
    host "$data" 5432 1000503 0
    has_no machine_id

    machine v2 systemd
    put proc/50/cgroup '0::/system.slice/system-postgresql.slice/postgresql@15-main.service'
    unit=sys/fs/cgroup/system.slice/system-postgresql.slice/postgresql@15-main.service
    put sys/fs/cgroup/cgroup.controllers 'cpu memory'
    put sys/fs/cgroup/system.slice/memory.max 2000000000
    put $unit/memory.max 4000000000
    put $unit/cpu.max '150000 100000'
    host "$data" 5432 1000500 0
    has cgroup_mem_limit=2000000000
    has cgroup_cpus=1.50
    has 'supervisor=systemd:postgresql@15-main.service'

    machine v1 systemd
    put proc/50/cgroup '4:memory:/pg\n3:cpu,cpuacct:/pg\n1:name=systemd:/user.slice/session-3.scope'
    put sys/fs/cgroup/memory/memory.limit_in_bytes 9223372036854771712
    put sys/fs/cgroup/memory/pg/memory.limit_in_bytes 3000000000
    put sys/fs/cgroup/cpu/pg/cpu.cfs_quota_us 25000
    put sys/fs/cgroup/cpu/pg/cpu.cfs_period_us 100000
    host "$data" 5432 1000500 0
    has cgroup_mem_limit=3000000000
    has cgroup_cpus=0.25
    has_no supervisor

    machine user_unit systemd
    put proc/50/cgroup '0::/user.slice/user-1000.slice/user@1000.service/app.slice/pg.service'
    host "$data" 5432 1000500 0
    has 'supervisor=systemd-user:pg.service'

    machine container tini
    put proc/50/cgroup '0::/'
    put sys/fs/cgroup/cgroup.controllers 'cpu memory'
    put sys/fs/cgroup/memory.max 1000000000
    put sys/fs/cgroup/cpu.max 'max 100000'
    host "$data" 5432 1000500 0
    has cgroup_mem_limit=1000000000
    has_no cgroup_cpus
    has supervisor=container

    machine patroni systemd
    put proc/50/cgroup '0::/system.slice/db.service'
    put proc/70/cmdline '/usr/bin/python3 /usr/bin/patroni /etc/patroni.yml'
    put data/patroni.dynamic.json '{}'
    host "$data" 5432 1000500 0
    has supervisor=patroni

    machine operator manager
    put proc/1/cmdline '/controller/manager instance run'
    host "$data" 5432 1000500 0
    has supervisor=cloudnativepg

    machine repmgr systemd
    put proc/50/cgroup '0::/system.slice/postgresql.service'
    put proc/71/comm repmgrd
    host "$data" 5432 1000500 0
    has supervisor=repmgr

    # A supervisor as the postmaster's parent, whatever the unit is called.
    machine patroni_parent systemd
    put proc/50/cgroup '0::/system.slice/db.service'
    put proc/50/stat '50 (postgres) S 40 50 50 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50000 1 1'
    put proc/40/cmdline '/usr/bin/python3 /opt/patroni/bin/patroni /etc/patroni.yml'
    host "$data" 5432 1000500 0
    has supervisor=patroni
    # … and a unit of that name, whatever its processes are.
    machine patroni_unit systemd
    put proc/50/cgroup '0::/system.slice/patroni.service'
    host "$data" 5432 1000500 0
    has supervisor=patroni

    machine pacemaker systemd
    put proc/50/cgroup '0::/system.slice/pacemaker.service'
    put proc/72/comm pacemakerd
    host "$data" 5432 1000500 0
    has supervisor=pacemaker

    machine supervisord init
    put proc/50/stat '50 (postgres) S 40 50 50 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50000 1 1'
    put proc/40/cmdline '/usr/bin/python3 /usr/bin/supervisord -n'
    host "$data" 5432 1000500 0
    has supervisor=supervisord

    # The postmaster as the first process of all: of a container.
    machine first postgres
    put proc/1/stat '1 (postgres) S 0 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50000 1 1'
    put data/postmaster.pid "1\n$data\n1000500\n5432\n/tmp\n*\n1 2\nready"
    host "$data" 5432 1000500 0
    has supervisor=container

    # Inside a unit whose main process is another one: its own, or that of somebody who started it by hand.
    machine child systemd
    put proc/50/cgroup '0::/system.slice/agent.service'
    put proc/50/stat '50 (postgres) S 41 50 50 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50000 1 1'
    put proc/41/stat '41 (sh) S 40 41 41 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 40000 1 1'
    put proc/40/stat '40 (agent) S 1 40 40 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 40000 1 1'
    put bin/systemctl '#!/bin/sh\necho MainPID=40'
    chmod 755 "$root/bin/systemctl"
    tools=$root/bin:$tools host "$data" 5432 1000500 0
    has supervisor=service:agent.service
    has_no manager
    put proc/50/stat '50 (postgres) S 1 50 50 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 50000 1 1'
    tools=$root/bin:$tools host "$data" 5432 1000500 0
    has_no supervisor
    put bin/systemctl '#!/bin/sh\necho MainPID=50'
    chmod 755 "$root/bin/systemctl"
    tools=$root/bin:$tools host "$data" 5432 1000500 0
    has supervisor=systemd:agent.service

    # What the operating system is set to; files of one byte after the other, choices, what root may write.
    machine tunables init
    put proc/sys/vm/swappiness 60
    put proc/sys/vm/dirty_ratio 20
    put proc/sys/kernel/numa_balancing 1
    put sys/kernel/mm/transparent_hugepage/enabled 'always [madvise] never'
    put sys/devices/system/cpu/cpu0/cpufreq/scaling_governor powersave
    put sys/devices/system/cpu/cpu0/cpufreq/scaling_available_governors 'performance powersave'
    put proc/50/limits 'Limit   Soft Limit   Hard Limit   Units\nMax open files            1024                 524288               files\nMax locked memory         8388608              unlimited            bytes'
    put proc/sys/kernel/random/boot_id 0b0b0b0b-1111
    put run/systemd/container lxc
    mkdir -p "$root/sys/dev/block" "$root/sys/devices/sdq/sdq1" "$root/sys/class/block"
    put sys/devices/sdq/queue/scheduler 'none [mq-deadline] bfq'
    put sys/devices/sdq/queue/read_ahead_kb 128
    put sys/devices/sdq/queue/rotational 1
    put sys/devices/sdq/sdq1/partition 1
    ln -s ../../devices/sdq/sdq1 "$root/sys/dev/block/0:98"
    ln -s ../../devices/sdq/sdq1 "$root/sys/class/block/sdq1"
    ln -s ../../devices/sdq "$root/sys/class/block/sdq"
    host "$data" 5432 1000500 0
    has swappiness=60
    has os.vm.swappiness=60
    has os.vm.dirty_ratio=20
    has os.kernel.numa_balancing=1
    has os.thp.enabled=madvise
    has 'os_choices.thp.enabled=always madvise never'
    has os.cpu.governor=powersave
    has 'os_choices.cpu.governor=performance powersave'
    has os.limit.nofile=1024
    has os.limit.nofile_hard=524288
    has os.limit.memlock=8388608
    has os.limit.memlock_hard=unlimited
    has data_device=sdq1
    has data_kind=hdd
    has data_scheduler=mq-deadline
    has os.io.sdq.scheduler=mq-deadline
    has 'os_choices.io.sdq.scheduler=none mq-deadline bfq'
    has os.io.sdq.read_ahead_kb=128
    has_no os.io.sdq1.read_ahead_kb
    has boot_id=0b0b0b0b-1111
    has container=lxc
    has "user=$(id -un)"
    if [ "$(id -u)" -eq 0 ]; then
        has root=root
        has os_writable.vm.swappiness=1
        has os_writable.io.sdq.scheduler=1
    fi
    [ "$(cat "$root/proc/sys/vm/swappiness")" = 60 ] || { echo "it wrote" >&2; failures=$((failures + 1)); }

    # Shared memory in huge pages or not; what an interrupted restart has left.
    machine pages init
    put proc/50/maps '7f00-7f01 rw-s 00000000 00:10 7 /anon_hugepage (deleted)'
    put data/pg_diagnose.report 'id=x'
    host "$data" 5432 1000500 0
    has hugepages_used=1
    has 'leftovers=pg_diagnose.report '
    put proc/50/maps '7f00-7f01 rw-s 00000000 00:01 7 /dev/zero (deleted)'
    rm "$data/pg_diagnose.report"
    host "$data" 5432 1000500 0
    has hugepages_used=0
    has_no leftovers

    # Processes of others are hidden: whose machine it is cannot be said, and that is not the same as another machine.
    machine hidepid init
    rm -r "$root/proc/1" "$root/proc/50" "$root/proc/60"
    mkdir -p "$root/proc/self"
    host "$root/nowhere" 5432 1000503 60
    has match=no
    has 'why=neither the data directory nor the processes of others can be seen there'
    has_no other

    # No /proc at all: the process is known by its signals. A child of this shell plays the server.
    machine noproc init
    rm -r "$root/proc"
    sleep 60 &
    put data/postmaster.pid "$!\n$data\n1000500\n5432\n/tmp\n*\n1 2\nready"
    host "$data" 5432 1000500 7
    kill "$!"
    wait "$!" 2>/dev/null || true
    has match=pidfile
    has no_proc=1
    has "hostname=$(uname -n)"
    has_no mem_total
    has "data_mount=$(df -Pk "$data" | sed -n '$s/.*% //p')"
    has "data_total=$(($(df -Pk "$data" | awk 'END { print $2 }') * 1024))"
    host "$data" 5432 1000500 7
    has match=no
    has "why=the server of $data there does not run"
    host "$root/nowhere" 5432 1000503 60
    has 'why=there is no /proc, and the data directory cannot be read'
    has_no other

    # The server is in a container of that host, which numbers its processes otherwise; a folder of the same name is not its own.
    machine contained systemd
    put proc/60/status 'Name: postgres\nNSpid:\t60\t7'
    put proc/50/cgroup '0::/system.slice/docker-0a.scope'
    host "$root/nowhere" 5432 1000503 7
    has match=process
    has postmaster_pid=50
    has supervisor=container
    has data_readable=0
    has_no other
    put data/postmaster.pid "1\n$data\n1000500\n5432\n/tmp\n*\n1 2\nready"
    put proc/1/comm systemd
    host "$data" 5432 1000503 7
    has match=process
    has supervisor=container
    has data_readable=0
    has_no why
    has_no system_identifier
    put proc/60/status 'Name: postgres\nNSpid:\t60\t17'
    host "$root/nowhere" 5432 1000503 7
    has match=no
    has other=1

    # Nothing at all must not be an error, and nothing is said that is not known.
    root=$work/empty
    mkdir -p "$root"
    host '' 5432 0 0
    has match=no
    has_no mem_total
    rm -rf "$work"/[!o]*

    # This machine: its kernel gives the first byte alone to who reads them one by one.
    if [ -r /proc/sys/vm/dirty_ratio ]; then
        root=
        host '' 5432 0 0
        has "os.vm.dirty_ratio=$(cat /proc/sys/vm/dirty_ratio)"
        has "os.vm.overcommit_ratio=$(cat /proc/sys/vm/overcommit_ratio)"
    fi
}

tools=$PATH
shell=sh
scenarios
if command -v busybox >/dev/null 2>&1; then
    # Nothing but what busybox brings along.
    mkdir "$work/only"
    for applet in $(busybox --list); do
        ln -s "$(command -v busybox)" "$work/only/$applet"
    done
    tools=$work/only
    shell="$work/only/sh"
    scenarios
    # A busybox that was built without stat.
    rm "$work/only/stat"
    machine nostat init
    host "$data" 5432 1000500 0
    has match=pidfile
    has "owner=$(id -un)"
    has "data_total=$(($(df -Pk "$data" | awk 'END { print $2 }') * 1024))"
else
    echo "busybox is not here: tried with sh alone"
fi
[ "$failures" -eq 0 ] || exit 1
echo "all as expected"
