# Stop, restore, start: one script for a PostgreSQL server, by pg_ctl, by Debian's pg_ctlcluster, or by the service manager.
# POSIX sh, run as the owner of the data directory. It survives the program that started it and a cut link, and tells what it
# does through a file.
#
#   sh -c "$(cat restart.sh)" pg_diagnose-restart MODE data=DIR [config=FILE] [bin=DIR] [id=TOKEN] [wait=SECONDS] \
#       [system=IDENTIFIER] [machine=ID] [cluster=VERSION/NAME | unit=UNIT] [names=NAME…] [again=1]
#
# MODE
#   save      copies postgresql.auto.conf, removes an old report: before the first ALTER SYSTEM
#   restart   stops (fast) and starts with the same options; when the server exits instead of coming up, puts the copy back
#             and starts again
#   rescue    puts the copy back when the server has exited, or runs and lets nobody in: then it is told to reload. Before
#             another restart. A server that is starting is left alone
#   revive    as rescue, but a server that takes sessions is left alone: up
#   recover   waits for a script that still runs; a server that is down then gets the copy back and is started
#   unlock    for a server that runs and lets nobody in, after a switch that was killed: puts the copy back, where it differs from
#             what stands there in the names of that switch alone, and has it reloaded; with again=1 the server is restarted,
#             unless clients have sessions: then others are let in
#   found     prints what an interrupted restart has left, after the lines of the report
#   look      prints the report of a restart
#   clean     removes everything that this script has left
#
# data    the data directory                       config  the server's postgresql.conf, where it is somewhere else
# bin     the folder with pg_ctl                   id      a word that is repeated in the report
# wait    how long a server may be starting, seconds
# system  the system identifier that the data directory must have: a host's name may lead to another machine by now
# machine what /etc/machine-id must say, for the same reason: a standby and a clone have that system identifier, too
# cluster stop and start by pg_ctlcluster
# unit    restart by the service manager. We are not the one to call it: a line "@restart" on the standard output asks our parent
#         (service.sh) for it, "@log" for the line of the journal that explains a failed start; the answer comes on the standard
#         input, at its end a line "end CODE"
#
# names   of the settings of a switch, in lower case, with a space between two
#
# The report (pg_diagnose.report in the data directory, replaced at once, never written in place) and the standard output of
# save, rescue, recover, unlock and clean are lines NAME=VALUE:
#   id      as given
#   state   saved | cleaned | found | fresh | stopping | starting | recovering | up | restored (up again, with the old
#           settings) | down | refused (nothing done)
#   note    a sentence about it          log   the line of the server's log that explains a failed start
#   script  alive: another one is at work (look)
#   server  down: it does not run (rescue)
#   huge_pages  yes | no: the shared memory of a server that is up lies in them
set -u
umask 077
saved_lc=${LC_ALL-unset}
LC_ALL=C
export LC_ALL

mode=${1:-}
[ $# -eq 0 ] || shift
data='' config='' bin='' id='' wait=3600 cluster='' unit='' names='' again='' system='' machine=''
for arg; do
    case $arg in
    data=*) data=${arg#data=} ;;
    config=*) config=${arg#config=} ;;
    bin=*) bin=${arg#bin=} ;;
    id=*) id=${arg#id=} ;;
    wait=*) wait=${arg#wait=} ;;
    cluster=*) cluster=${arg#cluster=} ;;
    unit=*) unit=${arg#unit=} ;;
    names=*) names=${arg#names=} ;;
    again=*) again=${arg#again=} ;;
    system=*) system=${arg#system=} ;;
    machine=*) machine=${arg#machine=} ;;
    esac
done
# What runs in the background has no standard input.
[ -z "$unit" ] || exec 3<&0

auto=$data/postgresql.auto.conf
before=$data/pg_diagnose.auto.conf.before
opts=$data/pg_diagnose.opts
report=$data/pg_diagnose.report
own_log=$data/pg_diagnose.server.log
lock=$data/pg_diagnose.lock
log=
log_from=0
why=
old_pid=

one_line() {
    printf '%s' "$1" | tr '\n\t' '  ' | cut -c1-400
}

# put SOURCE TARGET: a copy with the same mode and owner that appears whole or not at all. A link in the target's place is
# replaced, not followed.
put() {
    tmp=$(mktemp "$data/pg_diagnose.tmp.XXXXXX") || return 1
    if cp -p "$1" "$tmp" && { sync "$tmp" 2>/dev/null || sync; } && { [ ! -L "$2" ] || rm -f "$2"; } &&
        mv -f "$tmp" "$2"; then
        sync "$data" 2>/dev/null || sync
        return 0
    fi
    rm -f "$tmp"
    return 1
}

lines() {
    printf 'id=%s\nstate=%s\nnote=%s\nlog=%s\n' "$id" "$1" "$(one_line "$2")" "$(one_line "${3:-}")"
    case $1 in
    up | restored) huge_pages ;;
    esac
}

# Whether the server's shared memory lies in huge pages: with huge_pages=try only the system knows.
huge_pages() {
    postmaster && [ -r "/proc/$pid/maps" ] || return 0
    if grep -q anon_hugepage "/proc/$pid/maps"; then
        echo huge_pages=yes
    else
        echo huge_pages=no
    fi
}

# say STATE NOTE [LOG]
say() {
    if [ "$mode" = restart ]; then
        tmp=$(mktemp "$data/pg_diagnose.tmp.XXXXXX") || return 0
        lines "$@" >"$tmp"
        [ ! -L "$report" ] || rm -f "$report"
        mv -f "$tmp" "$report"
    else
        case $1 in
        stopping | starting | recovering) ;;
        *) lines "$@" ;;
        esac
    fi
}

refuse() {
    say refused "$1"
    exit 1
}

# -- one script at a time ------------------------------------------------------------------------

# Whether somebody lives who has taken the lock $1.
held_by() {
    [ -d "$1" ] || return 1
    other=$(cat "$1/pid" 2>/dev/null)
    [ -n "$other" ] && kill -0 "$other" 2>/dev/null || return 1
    [ ! -r "/proc/$other/cmdline" ] || grep -q pg_diagnose-restart "/proc/$other/cmdline" 2>/dev/null
}

# Moved away in one step: of two who find it stale, one does. A fresh one that was caught goes back.
remove_stale() {
    mv "$lock" "$lock.$$" 2>/dev/null || return 0
    if held_by "$lock.$$" && [ ! -e "$lock" ]; then
        mv "$lock.$$" "$lock"
    else
        rm -rf "$lock.$$"
    fi
}

take_lock() {
    tries=0
    until mkdir "$lock" 2>/dev/null && echo $$ 2>/dev/null >"$lock/pid"; do
        if [ -f "$lock/pid" ] && [ ! -s "$lock/pid" ] && ! echo 2>/dev/null >"$lock/room"; then
            rm -rf "$lock"
            lines refused "the disk of the data directory is full"
            exit 1
        fi
        if ! held_by "$lock"; then
            # Its owner is gone, or has not yet written its number.
            sleep 1
            held_by "$lock" || remove_stale
        elif [ "$tries" -ge "$1" ]; then
            return 1
        else
            sleep 1
        fi
        tries=$((tries + 1))
        [ "$tries" -le $(($1 + 5)) ] || return 1
    done
    trap 'rm -rf "$lock"' EXIT
}

# -- the server ----------------------------------------------------------------------------------

postmaster() {
    pid=$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)
    case $pid in
    '' | *[!0-9]*) return 1 ;;
    esac
    kill -0 "$pid" 2>/dev/null || return 1
    case $(cat "/proc/$pid/comm" 2>/dev/null) in
    '' | postgres* | postmaster* | edb-postgres*) return 0 ;;
    esac
    return 1
}

# Where the running server writes what goes to its standard error: there the first lines of the next start belong, too.
find_log() {
    log=$own_log
    if postmaster; then
        file=$(readlink "/proc/$pid/fd/2" 2>/dev/null)
        if [ -n "$file" ] && [ -f "$file" ] && [ -w "$file" ]; then
            log=$file
        fi
    fi
}

# Asks our parent: VERB. What it says before the end is in said.
ask() {
    said=
    printf '@%s\n' "$1"
    while IFS= read -r answer <&3; do
        case $answer in
        end\ *) return "${answer#end }" ;;
        *) said=$answer ;;
        esac
    done
    return 1
}

# Variables of the running server that the next one needs, an archive_command of its own among them; ours may mean something
# else to it.
adopt_environment() {
    for name in $(env | sed -n 's/^\(PG[A-Z_]*\)=.*/\1/p'); do
        unset "$name"
    done
    if [ "$saved_lc" = unset ]; then
        unset LC_ALL
    else
        LC_ALL=$saved_lc
    fi
    if [ -r "$data/pg_diagnose.env" ]; then
        unset LC_ALL
        while IFS= read -r pair; do
            # shellcheck disable=SC2163
            export "$pair"
        done <"$data/pg_diagnose.env"
    fi
}

save_start() {
    [ ! -f "$data/postmaster.opts" ] || put "$data/postmaster.opts" "$opts" || return 1
    if postmaster && [ -r "/proc/$pid/environ" ]; then
        tmp=$(mktemp "$data/pg_diagnose.tmp.XXXXXX") || return 1
        tr '\0' '\n' <"/proc/$pid/environ" | grep -E '^(PG[A-Z_]*|PATH|HOME|LANG|LC_[A-Z]*|TZ|LD_LIBRARY_PATH)=' >"$tmp"
        mv -f "$tmp" "$data/pg_diagnose.env"
    fi
    return 0
}

# postmaster.opts is PROGRAM "ARGUMENT" "ARGUMENT" …; sets start_dir (its -D) and start_opts (the rest, quoted for the shell
# that pg_ctl starts the server with).
read_opts() {
    start_dir=$data
    start_opts=
    file=$opts
    [ -f "$file" ] || file=$data/postmaster.opts
    if [ -f "$file" ] && [ "$(wc -l <"$file")" -le 1 ]; then
        start_opts=$(awk -v cluster="$cluster" '{
            i = index($0, " \""); if (!i) exit
            s = substr($0, i + 2); sub(/"[ \t]*$/, "", s)
            n = split(s, a, /" "/)
            for (k = 1; k <= n; k++) {
                if (a[k] == "-D") { k++; continue }
                # pg_ctlcluster gives these itself
                if (cluster != "" && a[k] == "-c" &&
                    a[k + 1] ~ /^(config_file|hba_file|ident_file|external_pid_file|unix_socket_director(y|ies))=/) { k++; continue }
                gsub(/\047/, "\047\\\047\047", a[k])
                printf " \047%s\047", a[k]
            }
        }' "$file")
        dir=$(awk '{ if (match($0, / "-D" "[^"]*"/)) print substr($0, RSTART + 7, RLENGTH - 8) }' "$file")
        [ -z "$dir" ] || [ ! -d "$dir" ] || start_dir=$dir
    fi
    case $start_opts in
    *config_file=*) ;;
    *)
        if [ -z "$cluster" ] && [ -n "$config" ] && [ -f "$config" ] && [ ! "$config" -ef "$start_dir/postgresql.conf" ]; then
            start_opts="$start_opts '-c' 'config_file=$(printf '%s' "$config" | sed "s/'/'\\\\''/g")'"
        fi
        ;;
    esac
}

# The line that explains it, out of what was logged since this start.
explain() {
    new=$(tail -c +$((log_from + 1)) "$log" 2>/dev/null | tail -n 200)
    current=$(sed -n 's/^stderr //p' "$data/current_logfiles" 2>/dev/null)
    case $current in
    '' | /*) ;;
    *) current=$data/$current ;;
    esac
    if [ -n "$current" ] && [ "$current" -nt "$data/pg_diagnose.mark" ]; then
        new="$new
$(tail -n 50 "$current" 2>/dev/null)"
    fi
    why=$(printf '%s\n' "$new" | grep -E 'FATAL|PANIC' | tail -n 1)
    if [ -z "$why" ] && [ -n "$unit" ]; then
        ask log
        why=$said
    fi
    [ -n "$why" ] || why=$(printf '%s\n' "$new" | grep -vE 'LOG: |HINT: |^[[:space:]]*$' | tail -n 1)
    [ -n "$why" ] || why=$(printf '%s\n' "$new" | grep . | tail -n 1)
}

# A second, or less when that process ends.
doze() {
    ticks=0
    while [ "$ticks" -lt 10 ] && kill -0 "$1" 2>/dev/null; do
        sleep 0.1 2>/dev/null || {
            sleep 1
            return
        }
        ticks=$((ticks + 1))
    done
}

# The postmaster says itself whether it takes sessions.
accepts() {
    case $(sed -n 8p "$data/postmaster.pid" 2>/dev/null) in
    ready* | standby*) return 0 ;;
    esac
    return 1
}

stop_server() {
    case $cluster in
    '') "$bin/pg_ctl" stop -s -D "$data" -m fast -w -t 86400 </dev/null >/dev/null 2>&1 & ;;
    *) pg_ctlcluster --skip-systemctl-redirect -m fast "${cluster%%/*}" "${cluster#*/}" stop </dev/null >/dev/null 2>&1 & ;;
    esac
    ctl=$!
    seconds=0
    while kill -0 "$ctl" 2>/dev/null; do
        say stopping "server is stopping ($seconds s)"
        doze "$ctl"
        seconds=$((seconds + 1))
    done
    wait "$ctl" 2>/dev/null
    code=$?
    while postmaster; do
        # Nobody has told it to stop.
        [ "$code" -eq 0 ] || ! accepts || return 1
        say stopping "server is stopping ($seconds s)"
        sleep 1
        seconds=$((seconds + 1))
        [ "$seconds" -lt 86400 ] || return 1
    done
    return 0
}

# Starts the server in the background, $! being who does it.
launch() {
    if [ -n "$unit" ]; then
        ask restart 2>/dev/null &
        return
    fi
    (
        trap - HUP INT TERM
        adopt_environment
        case $cluster in
        '') exec "$bin/pg_ctl" start -s -D "$start_dir" -l "$log" -w -t 86400 ${start_opts:+-o "$start_opts"} ;;
        *) exec pg_ctlcluster --skip-systemctl-redirect "${cluster%%/*}" "${cluster#*/}" start ${start_opts:+-o "$start_opts"} ;;
        esac
    ) </dev/null >/dev/null 2>&1 &
}

# ready: the server takes sessions; starting: its postmaster is there; stopping: the one from before still is; none
status() {
    postmaster || return 0
    if [ "$pid" = "$old_pid" ]; then
        echo stopping
        return
    fi
    if accepts; then
        echo ready
    else
        echo starting
    fi
}

say_progress() {
    case $(status) in
    stopping) say stopping "server is stopping ($seconds s)" ;;
    starting)
        if [ "$seconds" -ge 2 ]; then
            say recovering "server is recovering ($seconds s)"
        else
            say starting "server is starting"
        fi
        ;;
    *) say starting "server is starting" ;;
    esac
}

# The service manager stops it, too: old_pid is the postmaster that it has to end.
# 0: up; 1: the postmaster has exited, why says what it logged; 2: still starting when the time was over; 3: nothing was done.
start_server() {
    read_opts
    : >>"$log"
    : >"$data/pg_diagnose.mark"
    log_from=$(wc -c <"$log")
    launch
    ctl=$!
    seconds=0
    while kill -0 "$ctl" 2>/dev/null; do
        say_progress
        [ "$seconds" -lt "$wait" ] || return 2
        doze "$ctl"
        seconds=$((seconds + 1))
    done
    wait "$ctl" 2>/dev/null
    code=$?
    [ "$code" -ne 0 ] || [ -n "$unit" ] || return 0
    # Whoever started it may have lost patience with a server that is still on its way.
    while :; do
        now=$(status)
        case $now in
        ready) return 0 ;;
        stopping) return 3 ;;
        '') break ;;
        esac
        [ "$seconds" -lt "$wait" ] || return 2
        say_progress
        sleep 1
        seconds=$((seconds + 1))
    done
    explain
    return 1
}

# The server has exited: the old settings, and another start. $1: what had happened, for the note.
restore_and_start() {
    reason=$why
    if [ ! -f "$before" ]; then
        say down "$1 and there is no copy of postgresql.auto.conf to put back" "$reason"
        return 1
    fi
    if ! put "$before" "$auto"; then
        say down "$1 and the copy of postgresql.auto.conf could not be put back" "$reason"
        return 1
    fi
    start_server
    case $? in
    0)
        say restored "$1; postgresql.auto.conf was put back and it is up again" "$reason"
        return 0
        ;;
    2) say down "the old postgresql.auto.conf was put back; the server is still starting after $wait s" "$reason" ;;
    *) say down "the old postgresql.auto.conf was put back, but the server does not start: $why" "$reason" ;;
    esac
    return 1
}

# -- modes -----------------------------------------------------------------------------------------

mode_save() {
    rm -f "$report" "$before"
    if [ -f "$auto" ]; then
        put "$auto" "$before" || refuse "postgresql.auto.conf cannot be copied"
    else
        : >"$before" || refuse "the data directory cannot be written to"
    fi
    lines saved "postgresql.auto.conf was copied"
}

mode_restart() {
    [ -x "$bin/pg_ctl" ] || refuse "there is no pg_ctl in $bin"
    postmaster || refuse "the server does not run"
    save_start || refuse "the options that the server was started with cannot be saved"
    find_log
    [ -f "$log" ] || : >"$log" || refuse "there is no log to write to"
    say stopping "server is stopping (0 s)" # an "up" of the restart before is no longer true
    if [ -n "$unit" ]; then
        old_pid=$pid
    else
        stop_server || refuse "the server does not stop"
    fi
    start_server
    case $? in
    0) say up "server is up" ;;
    2) say down "the server is still starting after $wait s" ;;
    3) refuse "systemctl did not restart $unit" ;;
    *)
        say starting "server did not start; putting postgresql.auto.conf back"
        restore_and_start "the server did not start"
        ;;
    esac
}

mode_rescue() {
    if postmaster && ! accepts; then
        lines starting "the server is starting or stopping"
        return
    fi
    if [ ! -f "$before" ]; then
        lines down "there is no copy of postgresql.auto.conf"
    elif put "$before" "$auto"; then
        log=$own_log
        ! postmaster || kill -HUP "$pid"
        lines restored "postgresql.auto.conf was put back"
        postmaster || echo server=down
    else
        lines down "the copy of postgresql.auto.conf could not be put back"
    fi
}

mode_revive() {
    if postmaster && accepts; then
        lines up "the server runs and takes sessions"
    else
        mode_rescue
    fi
}

# Whether the newest restart had brought the server up: its report lies beside the copy.
was_up() {
    case $(sed -n 's/^state=//p' "$report" 2>/dev/null) in
    up | restored) return 0 ;;
    esac
    return 1
}

# Whether somebody has stopped it in order; what has crashed is still "in production".
was_stopped() {
    "$bin/pg_controldata" -D "$data" 2>/dev/null | grep -q '^Database cluster state: *shut down'
}

mode_recover() {
    find_log
    if postmaster; then
        seconds=0
        while [ "$(status)" = starting ] && [ "$seconds" -lt "$wait" ]; do
            sleep 1
            seconds=$((seconds + 1))
        done
        lines up "the server runs"
        return
    fi
    if [ ! -f "$before" ]; then
        lines down "the server is down; nothing of pg_diagnose is left half done"
        return
    fi
    if was_up && was_stopped; then
        lines down "it was up after our restart and was shut down since: not ours to start"
        return
    fi
    [ -x "$bin/pg_ctl" ] || refuse "there is no pg_ctl in $bin"
    restore_and_start "the server was down"
}

# The lines of a file like postgresql.auto.conf, without those of the names that were given.
others_lines() {
    awk -v names=" $names " '/^[[:space:]]*(#|$)/ { next }
        { name = $0; sub(/^[[:space:]]*/, "", name); sub(/[[:space:]=].*/, "", name) }
        !index(names, " " tolower(name) " ")' "$1" | sort
}

# The sessions of clients, by their titles: "postgres: [CLUSTER: ]USER DATABASE [local]|ADDRESS(PORT) ACTIVITY". Neither who is
# being let in nor a standby is one.
sessions() {
    for child in $(grep -l "^PPid:[[:space:]]*$pid\$" /proc/[0-9]*/status 2>/dev/null); do
        child=${child#/proc/}
        child=${child%/status}
        title=$(tr '\0' ' ' 2>/dev/null <"/proc/$child/cmdline")
        case $title in
        *walsender* | *' authentication'* | *' startup'*) continue ;;
        esac
        printf '%s\n' "$title" | grep -qE '^postgres: .* (\[local\]|[^ ]+\([0-9]+\)) ' && printf ' %s ' "$child"
    done
}

# Whether a client is inside, seen twice: a session that ends at once was none.
has_clients() {
    first=$(sessions)
    [ -n "$first" ] || return 1
    sleep 1
    for one in $(sessions); do
        case $first in
        *" $one "*) return 0 ;;
        esac
    done
    return 1
}

mode_unlock() {
    if ! postmaster; then
        lines down "the server does not run"
    elif ! accepts; then
        lines starting "the server is starting or stopping"
    elif [ ! -f "$before" ]; then
        lines down "there is no copy of postgresql.auto.conf to put back"
    elif [ "$(others_lines "$before")" != "$(others_lines "$auto")" ]; then
        lines down "others have changed postgresql.auto.conf since our copy of it was made"
    elif [ -n "$again" ] && has_clients; then
        lines down "clients have sessions, so others are let in: nothing was touched"
    elif ! put "$before" "$auto"; then
        lines down "the copy of postgresql.auto.conf could not be put back"
    elif [ -z "$again" ]; then
        kill -HUP "$pid"
        lines restored "postgresql.auto.conf was put back, and the server was told to read it"
    else
        unlock_restart
    fi
}

unlock_restart() {
    save_start || refuse "the options that the server was started with cannot be saved"
    find_log
    if [ -n "$unit" ]; then
        old_pid=$pid
    else
        stop_server || refuse "the server does not stop"
    fi
    start_server
    case $? in
    0) lines restored "postgresql.auto.conf was put back, and the server was restarted with it" ;;
    2) lines down "postgresql.auto.conf was put back; the server is still starting after $wait s" ;;
    3) lines refused "postgresql.auto.conf was put back, but systemctl did not restart $unit" ;;
    *) lines down "postgresql.auto.conf was put back, but the server does not start: $why" "$why" ;;
    esac
}

# What stands in a file, without passwords: these end the line, since where one ends is a matter of three sorts of quotes.
masked() {
    sed -e 's/\([Pp][Aa][Ss][Ss][Ww][Oo][Rr][Dd]\)[[:space:]]*=.*/\1=*** (and the rest of this line)/' \
        -e 's#\(://[^:/@[:space:]]*:\)[^[:space:]]*@#\1***@#g' "$1"
}

# Whoever works on them has touched them a short while ago.
mode_found() {
    names=
    for name in auto.conf.before report opts; do
        [ ! -e "$data/pg_diagnose.$name" ] || names="$names pg_diagnose.$name"
    done
    if [ -n "$(find "$data" -maxdepth 1 -name 'pg_diagnose.*' ! -name pg_diagnose.lock ! -name pg_diagnose.server.log \
        -mmin -15 2>/dev/null)" ]; then
        lines fresh "they are younger than 15 minutes, so somebody may still need them"
        return
    fi
    if [ ! -f "$before" ]; then
        why="there is no copy of postgresql.auto.conf among them"
    elif cmp -s "$before" "$auto"; then
        why="the copy of postgresql.auto.conf among them is what stands there now"
    else
        why="the copy of postgresql.auto.conf among them differs from what stands there now"
    fi
    lines found "$why"
    for name in $names; do
        printf '\n==> %s, of %s\n' "$name" "$(date -r "$data/$name" '+%Y-%m-%d %H:%M:%S')"
        masked "$data/$name"
    done
    printf '\n==> postgresql.auto.conf, as it stands now\n'
    masked "$auto"
}

mode_clean() {
    find_log
    rm -f "$report" "$before" "$opts" "$data/pg_diagnose.env" "$data/pg_diagnose.mark" "$data"/pg_diagnose.tmp.*
    rm -rf "$lock".[0-9]*
    # The running server may be writing to it.
    [ "$log" = "$own_log" ] && postmaster && [ "$own_log" -ef "/proc/$pid/fd/2" ] || rm -f "$own_log"
    lines cleaned ""
}

if [ -n "$machine" ] && [ "$machine" != "$(sed -n 1p /etc/machine-id 2>/dev/null)" ]; then
    lines refused "this is another machine than the one that the server was seen on"
    exit 1
fi
case $data in
/*) ;;
*)
    lines refused "no data directory was given"
    exit 1
    ;;
esac
if [ ! -f "$data/PG_VERSION" ] || [ -z "$(find "$data" -prune -user "$(id -u)" 2>/dev/null)" ]; then
    lines refused "$data is not a data directory of $(id -un)"
    exit 1
fi
cd "$data" || exit 1
if [ -n "$system" ] && [ "$mode" != look ] && [ -x "$bin/pg_controldata" ]; then
    there=$("$bin/pg_controldata" -D "$data" 2>/dev/null | sed -n 's/^Database system identifier: *//p')
    if [ -n "$there" ] && [ "$there" != "$system" ]; then
        lines refused "$data is another server's: its system identifier is $there, not $system"
        exit 1
    fi
fi

# Another one may be at work: that is what it reports.
if [ "$mode" = look ]; then
    cat "$report" 2>/dev/null
    ! held_by "$lock" || echo script=alive
    exit 0
fi

# Whoever has lost sight of us asks twice: this restart is made, or under way.
is_known() {
    [ "$mode" = restart ] && [ -n "$id" ] && [ "$(sed -n 's/^id=//p' "$report" 2>/dev/null)" = "$id" ]
}

# Ours to finish, whoever leaves meanwhile. A handler, since what is ignored would stay so in the server.
trap : HUP INT TERM PIPE

case $mode in
recover) take_lock "$wait" ;;
*) take_lock 20 ;;
esac || {
    ! is_known || exit 0
    refuse "another restart of this server is under way"
}
! is_known || exit 0

case $mode in
save) mode_save ;;
restart) mode_restart ;;
rescue) mode_rescue ;;
revive) mode_revive ;;
found) mode_found ;;
recover) mode_recover ;;
unlock) mode_unlock ;;
clean) mode_clean ;;
*) refuse "unknown mode" ;;
esac
