#!/bin/sh
# The measurements of the project, by name: run.sh [screen [ARGS] | ai [ARGS] | demo | evidence [FILE.csv...] | tuner [ARGS]]. All of them without a name;
# tuner takes hours then.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=${1:-all}
[ $# -eq 0 ] || shift
case $name in
screen) exec "$here/screen_probe.py" "$@" ;;
ai) exec "$here/ai_probe.py" "$@" ;;
demo) exec "$here/demo_headroom.sh" "$@" ;;
evidence) exec "$here/evidence.sh" "$@" ;;
tuner) exec "$here/tuner.py" "$@" ;;
all)
    "$here/screen_probe.py"
    "$here/ai_probe.py"
    "$here/demo_headroom.sh"
    "$here/evidence.sh"
    "$here/tuner.py"
    ;;
*)
    echo "run.sh: there is no measurement named $name: screen, ai, demo, evidence, tuner" >&2
    exit 2
    ;;
esac
