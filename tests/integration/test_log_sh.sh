#!/bin/sh
# The scripts that follow a server's log and sample its host, on made-up data directories: which source is taken, that rotation,
# truncation and a flood lose nothing silently, journal and kernel log by commands that stand in for them (the test machines have no
# systemd). Once with sh, bash and busybox each.
set -eu

log=$(cat "$PGD_SOURCE_DIR/assets/remote/log.sh")
loop=$(cat "$PGD_SOURCE_DIR/assets/remote/loop.sh")
work=$(mktemp -d)
postmaster=''
trap 'rm -rf "$work"; [ -z "$postmaster" ] || kill "$postmaster" 2>/dev/null || true' EXIT
failures=0

has() { # LINE
    if ! grep -qxF -e "$1" "$work/out"; then
        echo "$shell, $name: no line $1" >&2
        failures=$((failures + 1))
    fi
}

count() { # PATTERN NUMBER
    n=$(grep -c -e "$1" "$work/out" || true)
    if [ "$n" -ne "$2" ]; then
        echo "$shell, $name: $n lines like $1, not $2" >&2
        failures=$((failures + 1))
    fi
}

begin() { # NAME: a data directory, and the script on it
    name=$1
    data=$work/$1
    shift
    mkdir -p "$data/log" "$data/bin"
    mkfifo "$data/in"
    : >"$work/out"
    PATH=$data/bin:$PATH $shell -c "$log" pg_diagnose-log "$data" "$@" <"$data/in" >"$work/out" 2>"$work/err" &
    child=$!
    exec 4>"$data/in"
    number=0
}

ask() { # LETTER, and waits for the answer
    number=$((number + 1))
    echo "$1 $number" >&4
    tries=0
    until grep -qx "#end $number" "$work/out"; do
        tries=$((tries + 1))
        [ "$tries" -lt 200 ] || { echo "$shell, $name: no answer to $1" >&2; exit 1; }
        sleep 0.05
    done
}

# It ends with its input.
end() {
    exec 4>&-
    tries=0
    while kill -0 "$child" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -lt 40 ] || { echo "$shell, $name: it did not end" >&2; kill "$child"; exit 1; }
        sleep 0.05
    done
    wait "$child" || true
    if [ -s "$work/err" ]; then
        echo "$shell, $name: $(cat "$work/err")" >&2
        failures=$((failures + 1))
    fi
}

collector() {
    begin collector "" ""
    echo 'stderr log/a.log' >"$data/current_logfiles"
    seq -f 'old %.0f' 60 >"$data/log/a.log"
    ask t
    has "#source stderr $data/log/a.log"
    count '^-old' 40
    has '-old 60'
    echo 'new 1' >>"$data/log/a.log"
    ask t
    has '|new 1'
    # Rotation: the rest of the former file, then the new one from its beginning.
    echo 'rest' >>"$data/log/a.log"
    echo 'stderr log/b.log' >"$data/current_logfiles"
    echo 'first' >"$data/log/b.log"
    ask t
    has '|rest'
    has '|first'
    # More than an answer has room for is counted.
    seq 100000 >>"$data/log/b.log"
    ask t
    count '^#more' 1
    sent=$(grep -c '^|[0-9]*$' "$work/out") more=$(sed -n 's/^#more //p' "$work/out")
    if [ "$((sent + more))" -ne 100000 ] && [ "$((sent + more))" -ne 100001 ]; then
        echo "$shell, flood: $sent lines and $more left out of 100000" >&2
        failures=$((failures + 1))
    fi
    # Emptied in place.
    echo 'after' >"$data/log/b.log"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do ask t; done
    has '|after'
    count '^|after' 1
    # csvlog, where it is the only one
    printf 'csvlog log/c.csv\n' >"$data/current_logfiles"
    echo '2026-11-23 13:00:05.250 UTC,"a"' >"$data/log/c.csv"
    ask t
    has "#source csv $data/log/c.csv"
    rm "$data/current_logfiles"
    ask t
    count '^#source none' 1
    end
}

# A process that stands in for the postmaster, with that file as its standard error.
stand_in() {
    sleep 30 >/dev/null 2>>"$1" 4>&- &
    postmaster=$!
    until [ "$(readlink "/proc/$postmaster/fd/2")" = "$1" ]; do sleep 0.02; done
    echo "$postmaster" >"$data/postmaster.pid"
}

gone() {
    kill "$postmaster"
    wait "$postmaster" 2>/dev/null || true
    postmaster=''
}

standard_error() {
    begin standard_error "" ""
    echo 'FATAL:  before' >"$data/log/server.log"
    stand_in "$data/log/server.log"
    ask t
    has "#source stderr $data/log/server.log"
    has '-FATAL:  before'
    echo 'FATAL:  now' >>"$data/log/server.log"
    ask t
    has '|FATAL:  now'
    # Another postmaster that writes to the same file: nothing is read twice.
    gone
    stand_in "$data/log/server.log"
    echo 'LOG:  again' >>"$data/log/server.log"
    ask t
    ask t
    count '^.LOG:  again' 1
    count '^#source' 1
    # Its standard error is a pipe: nobody takes that away from who reads it.
    gone
    mkfifo "$data/pipe"
    exec 5<>"$data/pipe"
    stand_in "$data/pipe"
    ask t
    has '#source none the server writes to no file that can be read'
    gone
    exec 5>&-
    end
}

journal() {
    begin journal "" postgresql@15-main.service
    cat >"$data/bin/journalctl" <<TXT
#!/bin/sh
echo "\$*" >>$data/calls
case "\$*" in
*-k*) echo 'Nov 23 13:00:05 db1 kernel: Memory cgroup out of memory: Killed process 99 (postgres) anon-rss:2kB'; exit ;;
*'-n 0'*) echo '-- cursor: s=1' ;;
*after-cursor=s=1*) echo '2026-11-23T13:00:05.000000+0000 db1 postgres[7]: LOG:  x'; echo '-- cursor: s=2' ;;
*after-cursor=s=2*) echo '-- cursor: s=2' ;;
*) echo '2026-11-23T13:00:01.000000+0000 db1 postgres[7]: LOG:  old' ;;
esac
TXT
    printf '#!/bin/sh\necho no >&2\nexit 1\n' >"$data/bin/dmesg"
    chmod +x "$data/bin/journalctl" "$data/bin/dmesg"
    ask t
    has '#source journal postgresql@15-main.service'
    has '-2026-11-23T13:00:01.000000+0000 db1 postgres[7]: LOG:  old'
    has '|2026-11-23T13:00:05.000000+0000 db1 postgres[7]: LOG:  x'
    ask t
    count '^|' 1
    ask k
    has '!Nov 23 13:00:05 db1 kernel: Memory cgroup out of memory: Killed process 99 (postgres) anon-rss:2kB'
    printf '#!/bin/sh\nexit 1\n' >"$data/bin/journalctl"
    ask k
    has '#nokernel'
    # shellcheck disable=SC2016
    printf '#!/bin/sh\nfor i in 1 2 3 4 5 6; do echo "[$i.0] Out of memory: Killed process $i (x)"; done; echo "[9.0] usb"\n' >"$data/bin/dmesg"
    ask k
    count '^!.*Out of memory' 5
    end
}

sampling() {
    name=sampling
    # shellcheck disable=SC2016
    { echo 's 1 1 x'; echo 'u 2 1'; echo 't 3 $(id) 4'; echo "t 4 1 $$ ;id"; } |
        $shell -c "$loop" pg_diagnose-loop / >"$work/out" 2>&1
    count '^==> begin ' 2
    has '==> end 4'
    count '^==> clock$' 1
    count '^==> space$' 1
    count '^cpu ' 2
    count '^MemAvailable:' 2
    count '^==> /proc/uptime <==$' 2
    count "^==> /proc/$$/io <==$" 1
    count 'uid=' 0
}

for shell in dash bash 'busybox sh'; do
    command -v "${shell%% *}" >/dev/null 2>&1 || continue
    collector
    standard_error
    journal
    sampling
    rm -rf "${work:?}"/*
done
[ "$failures" -eq 0 ] && echo "the scripts do as they should"
