#!/bin/sh
# What PostgreSQL's defaults cost the demo's shop, setting by setting.
#
# A private stock cluster is made, filled by assets/demo, and measured with pgbench under each arm
# in turn: arm 1, 2, … n, then 1, 2, … n again, so that a machine whose speed drifts shifts all of
# them alike.
# The table at the end has each arm's median over its rounds and its ratio to the first arm.
#
# Beside TPS stands the CPU time that the server used for one transaction, which other programs
# on the machine disturb much less.
#
# Environment: PGBIN (directory of initdb, postgres, pgbench), ROUNDS (4), DURATION (10, seconds of
# a measured run), WARMUP (2, seconds), CLIENTS (4), SCRIPTS (weights of workload.json), ARMS (names
# of the table below, separated by blanks; all of them if not given), TMPDIR.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
demo=$here/../../assets/demo
PGBIN=${PGBIN:-/usr/lib/postgresql/15/bin}
ROUNDS=${ROUNDS:-4}
DURATION=${DURATION:-10}
WARMUP=${WARMUP:-2}
CLIENTS=${CLIENTS:-4}
WORKLOAD=${WORKLOAD:-$demo/workload.json}
ARMS=${ARMS:-"stock work_mem random_page_cost jit parallel reload no_work_mem no_random_page_cost
no_jit no_parallel buffers tuned"}

base=$(mktemp -d "${TMPDIR:-/tmp}/pgd-headroom.XXXXXX")
run=
if [ "$(id -u)" = 0 ]; then # initdb refuses root
    run="setpriv --reuid postgres --regid postgres --init-groups"
    chown postgres "$base"
fi
PGHOST=$base PGPORT=5432 PGUSER=shop PGDATABASE=shop
export PGHOST PGPORT PGUSER PGDATABASE
unset PGOPTIONS PGSERVICE PGPASSWORD PGHOSTADDR || true

as_owner() {
    (cd / && $run "$@")
}

finish() {
    as_owner "$PGBIN/pg_ctl" -D "$base/data" -m immediate stop >"$base/stop.log" 2>&1 || true
    rm -rf "$base"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sql() {
    "$PGBIN/psql" -qAtX -v ON_ERROR_STOP=1 "$@"
}

restart() {
    as_owner "$PGBIN/pg_ctl" -D "$base/data" -l "$base/log" -w \
        -o "-c listen_addresses='' -c unix_socket_directories=$base -c port=5432" \
        restart >"$base/ctl.log" 2>&1
}

# settings ARM: one `name = value` a line
settings() {
    case $1 in
        stock) ;;
        work_mem) echo "work_mem = 32MB" ;;
        random_page_cost) echo "random_page_cost = 1.1" ;;
        jit) echo "jit = off" ;;
        parallel) echo "max_parallel_workers_per_gather = 0" ;;
        cache_size) echo "effective_cache_size = 16GB" ;;
        wal) printf '%s\n' "max_wal_size = 4GB" "checkpoint_timeout = 15min" ;;
        buffers) echo "shared_buffers = 1GB" ;;
        reload) grep -v -e '^#' -e '^shared_buffers' "$demo/tuned.conf" ;;
        no_parallel) settings reload | grep -v '^max_parallel' ;;
        no_wal) settings tuned | grep -v -e '^max_wal' -e '^checkpoint' ;;
        no_*) settings reload | grep -v "^${1#no_} " ;;
        tuned) grep -v '^#' "$demo/tuned.conf" ;;
        tuned_again) settings tuned ;;
        tuned_big) settings tuned | sed 's/^shared_buffers.*/shared_buffers = 4GB/' ;;
        tuned_work_mem) settings tuned | sed 's/^work_mem.*/work_mem = 128MB/' ;;
        tuned_jit) settings tuned | grep -v '^jit' ;;
        tuned_parallel) settings tuned | grep -v '^max_parallel' ;;
        tuned_rpc) settings tuned | sed 's/^random_page_cost.*/random_page_cost = 1.0/' ;;
        *) echo "no arm named $1" >&2 && exit 2 ;;
    esac
}

# switch ARM: RESET ALL, then the arm's settings; a restart only where shared_buffers changes
buffers=128MB
switch() {
    settings "$1" >"$base/arm"
    {
        echo "ALTER SYSTEM RESET ALL;"
        sed "s/^\([a-z_]*\) = \(.*\)/ALTER SYSTEM SET \1 = '\2';/" "$base/arm"
        echo "SELECT pg_reload_conf();"
    } >"$base/arm.sql"
    sql -f "$base/arm.sql" >"$base/arm.log"
    wanted=$(sed -n 's/^shared_buffers = //p' "$base/arm")
    wanted=${wanted:-128MB}
    if [ "$wanted" != "$buffers" ]; then
        restart
        buffers=$wanted
        bench 4 >"$base/warm"
    fi
}

# bench SECONDS: pgbench's own report
bench() {
    "$PGBIN/pgbench" -n -c "$CLIENTS" -j 2 -T "$1" $scripts 2>&1
}

# settle: wait until the backends of the last run have ended and been reaped, so that cpu sees them
settle() {
    while [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = 'shop'")" != 1 ]; do
        sleep 1
    done
    sleep 1
}

# cpu: milliseconds that the server's ended children have used (Linux; 0 elsewhere)
cpu() {
    awk '{ print ($16 + $17) * 10 }' "/proc/$(head -n 1 "$base/data/postmaster.pid")/stat" \
        2>"$base/cpu.log" || echo 0
}

median() {
    sort -n | awk '{ a[NR] = $1; s += $1; q += $1 * $1 }
        END { m = NR % 2 ? a[(NR + 1) / 2] : (a[NR / 2] + a[NR / 2 + 1]) / 2
              v = NR > 1 ? (q - s * s / NR) / (NR - 1) : 0
              printf "%.3f %.1f %.1f %.1f\n", m, a[1], a[NR], 100 * sqrt(v > 0 ? v : 0) / (s / NR) }'
}

dir=$(dirname "$WORKLOAD")
case $dir in */workloads) dir=$dir/.. ;; esac
scripts=$(sed -n 's/.*"file": *"\([^"]*\)", *"weight": *\([0-9]*\).*/\1@\2/p' "$WORKLOAD" |
    sed "s|^|-f $dir/|" | tr '\n' ' ')
scripts=${SCRIPTS:-$scripts}

as_owner "$PGBIN/initdb" -U shop -D "$base/data" >"$base/initdb.log" 2>&1
restart
sql -d postgres -c "CREATE DATABASE shop"
began=$(date +%s)
sql -f "$demo/schema.sql" -f "$demo/load.sql"
echo "loaded in $(($(date +%s) - began)) s, $(sql -c "SELECT pg_size_pretty(pg_database_size('shop'))")," \
    "$(sql -c "SHOW server_version"), jit $(sql -c "SELECT pg_jit_available()")"
bench 5 >"$base/warm"

round=1
while [ "$round" -le "$ROUNDS" ]; do
    for arm in $ARMS; do
        switch "$arm"
        bench "$WARMUP" >"$base/warm"
        sql -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'shop'" >"$base/temp0"
        settle
        c0=$(cpu)
        bench "$DURATION" >"$base/out"
        settle
        c1=$(cpu)
        sql -c "SELECT temp_bytes FROM pg_stat_database WHERE datname = 'shop'" >"$base/temp1"
        tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$base/out")
        n=$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$base/out")
        ms=$(awk "BEGIN { printf \"%.3f\", ($c1 - $c0) / $n }")
        echo "$tps" >>"$base/tps.$arm"
        echo "$ms" >>"$base/cpu.$arm"
        failed=$(sed -n 's/^number of failed transactions: \([0-9]*\).*/\1/p' "$base/out")
        echo "round $round $arm $tps TPS, $ms ms of CPU each, ${failed:-0} failed," \
            "temp files $((($(cat "$base/temp1") - $(cat "$base/temp0")) / 1048576)) MB"
    done
    round=$((round + 1))
done

# "x first" is the median of the ratios to the first arm of the same round: what slows the machine for
# a minute slows both, and leaves their ratio alone.
printf '\n%-22s %9s %9s %9s %6s %8s %8s\n' arm TPS min max "cv %" "x first" "cpu ms"
first=${ARMS%%[!a-z_]*}
for arm in $ARMS; do
    median <"$base/tps.$arm" >"$base/m"
    read -r m lo hi cv <"$base/m"
    median <"$base/cpu.$arm" >"$base/c"
    read -r cpu_ms _ <"$base/c"
    paste "$base/tps.$arm" "$base/tps.$first" | awk '{ print $1 / $2 }' | median >"$base/r"
    read -r ratio _ <"$base/r"
    printf '%-22s %9.1f %9s %9s %6s %8s %8s\n' "$arm" "$m" "$lo" "$hi" "$cv" "$ratio" "$cpu_ms"
done
