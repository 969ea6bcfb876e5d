#!/bin/sh
# The screens of a whole demo session, as text, into docs/captures: what README.md and docs/guide.md show. It plays the DBA
# in tmux: takes the first strategy and the plan as they come, accepts every change, stops after the first round. Nothing
# is edited afterwards, so a capture shows what this machine measured.
#
#   tests/captures/capture.sh [PROGRAM] [FOLDER] [PART]   PART: session, about five minutes; model, about two; views, about two;
#                                                         all of them without one
#
# "model" shows what a model as the advisor looks like; its answers are those of the tests' own model (tests/support/model_server.py).
# Needs tmux and what the demo needs; "model" node, npm and python3 besides.
set -eu

top=$(cd "$(dirname "$0")/../.." && pwd -P)
program=${1:-$top/build/pg_diagnose}
folder=${2:-$top/docs/captures}
part=${3:-all}
model=
home=/var/tmp/pg_diagnose-captures
socket=pg_diagnose-captures

command -v tmux >/dev/null || { echo "capture: tmux is missing" >&2; exit 2; }
[ -x "$program" ] || { echo "capture: no program at $program" >&2; exit 2; }
[ ! -e "$home" ] || { echo "capture: $home is there already: another capture runs, or was killed" >&2; exit 2; }

t() {
    tmux -L "$socket" -f /dev/null "$@"
}

# A session that is broken off leaves its server's data for the next demo: as root below /var/tmp.
cleanup() {
    t send-keys -t 0 C-c 2>/dev/null && sleep 3
    t kill-server 2>/dev/null || true
    [ -z "$model" ] || kill "$model" 2>/dev/null || true
    rm -rf "$home"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

screen() {
    t capture-pane -p -t 0
}

# wait_for SECONDS TEXT: until the screen shows TEXT (a basic regular expression)
wait_for() {
    left=$(($1 * 5))
    until screen | grep -q "$2"; do
        left=$((left - 1))
        if [ "$left" -le 0 ]; then
            echo "capture: no \"$2\" within $1 s; the screen shows" >&2
            screen >&2
            exit 1
        fi
        sleep 0.2
    done
    sleep 0.3
}

keys() {
    for key in "$@"; do
        t send-keys -t 0 "$key"
        sleep 0.3
    done
}

save() {
    screen | sed 's/ *$//' >"$folder/$1.txt"
    echo "$folder/$1.txt"
}

size() {
    t resize-window -t 0 -x "$1" -y "$2"
    sleep 1.2
}

# start NAME=VALUE...: the demo in 120 columns
start() {
    t new-session -d -x 120 -y 36 "env LC_ALL=C.UTF-8 TZ=UTC PG_DIAGNOSE_HOME='$home' $* '$program' demo"
}

session() {
    start

    wait_for 60 'Press t to start'
    sleep 20
    save dashboard
    keys '?'
    wait_for 5 'Keyboard help'
    save help
    keys Escape t
    wait_for 10 'pick a strategy'
    save strategy
    keys Enter
    wait_for 10 'Plan of'
    save plan
    keys g
    wait_for 240 'suggested'
    sleep 3
    save target
    keys Enter
    wait_for 60 'proposal:'
    sleep 2
    save review
    for _ in $(screen | grep '\[?\]' | sed 's/.*/x/'); do
        keys a
    done
    wait_for 5 'ready to go'
    keys g
    wait_for 240 'MEASURE.*00:0[789]'
    wait_for 240 ' run 4 of '
    wait_for 60 'MEASURE.*00:0[678]'
    save round
    size 80 24
    save round-80x24
    size 160 45
    save round-160x45
    size 120 36
    wait_for 400 '┌ Round 1: '
    sleep 3
    save verdict
    keys s
    wait_for 400 'next session\|k keep'
    save summary
    keys q
    sleep 5
}

# say TEXT: a line at the prompt
say() {
    keys :
    t send-keys -t 0 -l "$1"
    keys Enter
}

advised() {
    mkdir -p "$home"
    mkfifo "$home/in"
    python3 "$top/tests/support/model_server.py" <"$home/in" >"$home/out" &
    model=$!
    exec 9>"$home/in"
    until [ -s "$home/out" ]; do
        kill -0 "$model" || { echo "capture: no model" >&2; exit 2; }
        sleep 0.2
    done
    start "GEMINI_API_KEY=test-key GOOGLE_GEMINI_BASE_URL=$(head -n 1 "$home/out")"
    wait_for 60 'primary'
    wait_for 10 'Before the first request'
    save notice
    keys w
    wait_for 5 'byte by byte'
    save request
    keys Escape
    wait_for 5 'Before the first request'
    keys y
    wait_for 60 'Press t to start'
    sleep 15
    say 'where does the time go? the figures, please'
    wait_for 10 'work_mem: '
    save answer
    keys t
    wait_for 10 'pick a strategy'
    keys Enter
    wait_for 10 'Plan of'
    keys g
    wait_for 240 'suggested'
    keys Enter
    wait_for 60 'proposal:'
    sleep 1
    save review-model
    keys Escape
    say /cost
    wait_for 5 'get_round1_config'
    save cost
    keys Escape C-c
    wait_for 60 'is paused'
    keys q
    sleep 5
}

# Each live view, the health page, the tree, the list of commands, plain mode, a recording and the start screen.
views() {
    start
    wait_for 60 'Press t to start'
    say /health
    wait_for 30 'Health'
    sleep 4
    save health
    keys Escape
    # something to see: a baseline whose runs are long enough
    keys t
    wait_for 10 'pick a strategy'
    keys Enter
    wait_for 10 'Plan of'
    keys Down Down e BSpace BSpace BSpace 6 0 Enter g
    wait_for 240 'baseline 00:1'
    for view in activity blocking waits statements tables indexes progress replication io databases sizes settings log; do
        say "/view $view"
        sleep 4
        save "view-$view"
        keys Escape
    done
    keys 0
    sleep 1
    save views
    keys Escape C-p
    sleep 1
    save commands
    keys Escape
    say '/theme'
    sleep 1
    save themes
    keys Escape
    say '/plain on'
    sleep 2
    save plain
    say '/plain off'
    say /pause
    wait_for 60 'is paused'
    keys 1
    sleep 1
    save tree
    say /replay
    wait_for 10 'REPLAY'
    sleep 2
    save replay
    keys q
    sleep 1
    keys q
    sleep 5
    t kill-server 2>/dev/null || true
    t new-session -d -x 120 -y 36 "env LC_ALL=C.UTF-8 TZ=UTC PG_DIAGNOSE_HOME='$home' '$program'"
    wait_for 10 'Recent workspaces'
    save start
    keys n
    wait_for 5 'Another server'
    save start-server
    keys Escape q
}

mkdir -p "$folder"
for each in session model views; do
    [ "$part" = "$each" ] || [ "$part" = all ] || continue
    t kill-server 2>/dev/null || true
    rm -rf "$home"
    case $each in
    session) session ;;
    model) advised ;;
    views) views ;;
    esac
done
