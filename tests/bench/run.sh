#!/bin/sh
# The measurements of the project, by name: run.sh [screen [ARGS] | ai [ARGS] | workspace [ARGS] | host [ARGS] | demo | evidence [FILE.csv...] | packet | tuner [ARGS]]. All of them without a name;
# tuner takes hours then.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
name=${1:-all}
[ $# -eq 0 ] || shift
case $name in
screen) exec "$here/screen_probe.py" "$@" ;;
ai) exec "$here/ai_probe.py" "$@" ;;
workspace) exec "$here/workspace.py" "$@" ;;
host) exec "$here/host_cpu.py" "$@" ;;
demo) exec "$here/demo_headroom.sh" "$@" ;;
evidence) exec "$here/evidence.sh" "$@" ;;
packet)
    folder=$here/../../build/bench
    cmake -S "$here/../.." -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPGD_TESTS=ON >&2
    ninja -C "$folder" packet_time >&2
    exec "$folder/tests/packet_time"
    ;;
tuner) exec "$here/tuner.py" "$@" ;;
all)
    "$here/screen_probe.py"
    "$here/ai_probe.py"
    "$here/workspace.py"
    "$here/host_cpu.py"
    "$here/demo_headroom.sh"
    "$here/evidence.sh"
    "$0" packet
    "$here/tuner.py"
    ;;
*)
    echo "run.sh: there is no measurement named $name: screen, ai, workspace, host, demo, evidence, packet, tuner" >&2
    exit 2
    ;;
esac
