#!/bin/sh
# What takes long. run.sh [PART...]: these parts, all of them without a name.
#   kills       random kill -9, each with its resume          SOAK_KILLS (100) over PostgreSQL 12, 15 and 18
#   boundaries  kill -9 at each boundary of a round           SOAK_TIMES (3) on each of 12, 15 and 18
#   screens     the screen tests, over and over               SOAK_LOOPS (10)
#   away        a server that goes away for good
#   fuzz        every fuzz target under libFuzzer             SOAK_FUZZ_SECONDS (300) for each
#   tidy        clang-tidy over src/
#   table       each value that ALTER SYSTEM takes and a server does not survive, past the guard, then past preflight too
#   manual      changes and restarts that a person makes: an ordinary role, --restart manual, a Patroni cluster of two
#   versions    each of PostgreSQL 12 to 18 that can be had, as superuser, as a member of pg_monitor and as an ordinary role
#   observe     whole sessions over a server's own traffic: one that improves, one that changes all the time, and all versions
#   compare     the best state beside the defaults and pgtune, and the sweep of clients, on a real server
#   llm         each hostile answer of a model as a round of a session, canaries in sessions that change settings, and a
#               provider that goes away while its proposal is measured
#   ssh         a second host: each way to restart it and the link failing in each step of a switch, a session that improves, the link failing at each state of a round, each value that prevents a
#               start, and who waits for libssh
#   health      planted faults and their near misses on each of PostgreSQL 12 to 18, and a catalog of 100,000 relations
#   keys        every view and dialog, random keys and sizes beside pgbench, SOAK_KEYS_MINUTES (30): memory flat, no stall; and
#               a tenth of it with sanitizers
#   schemas     the owner of the schema of pg_stat_statements swaps it while a superuser looks, PostgreSQL 12, 15 and 18
#   views       the SQL of every live view on a catalog of 100 000 relations, PostgreSQL 12, 15 and 18, three roles
#   system      a session that changes the operating system, declined and killed on the way
#   advice      a session where settings are not all: its advice in events, report, ticket and files, and none of it run
#   verify      verify --measure on a server whose settings still earn it
#   exports     a session's exports, read by ansible-playbook, by PostgreSQL 12 to 18 and by a browser
#   package     the Debian package: what lintian has against it, and that it installs and runs
#   sabotage    the program broken in one place at a time: the named test must fail
#   emptied     each function of the tables in docs/workflow.md emptied in turn: the row's screen test must fail
# Each part prints what it did; the exit code says whether all of them were content.
set -u

top=${PGD_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd -P)}
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
export PGD_SOURCE_DIR="$top"
failed=""

build() { # FOLDER PRESET TARGETS…
    folder=$top/build/$1
    preset=$2
    shift 2
    cmake -S "$top" --preset "$preset" -B "$folder" >"$top/build/soak-build.log" 2>&1 &&
        cmake --build "$folder" -j "$jobs" --target "$@" >>"$top/build/soak-build.log" 2>&1 || {
        tail -n 20 "$top/build/soak-build.log"
        return 1
    }
}

kills() {
    build gcc dev pg_diagnose pg_diagnose_test || return 1
    each=$(((${SOAK_KILLS:-100} + 2) / 3))
    for version in 12 15 18; do
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/soak/kill_resume.py" "$each" - "$version"
        got=$?
        [ "$got" -eq 0 ] || [ "$got" -eq 77 ] || return 1
    done
}

boundaries() {
    build gcc dev pg_diagnose pg_diagnose_test &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/soak/kill_boundaries.py" --times "${SOAK_TIMES:-3}"
}

screens() {
    build asan asan all || return 1
    i=0
    while [ "$i" -lt "${SOAK_LOOPS:-10}" ]; do
        i=$((i + 1))
        ctest --test-dir "$top/build/asan" -L '^screen$' --output-on-failure --no-tests=error || return 1
    done
    PGD_SOAK=1 ctest --test-dir "$top/build/asan" -R '^screen_test_talk$' --output-on-failure || return 1
    echo "screens: $i loops"
}

fuzz() {
    build fuzz fuzz all || return 1
    code=0
    for target in "$top"/tests/fuzz/fuzz_*.c; do
        name=$(basename "$target" .c)
        program=$(find "$top/build/fuzz" -type f -name "$name" -perm -u+x | head -n 1)
        work=$(mktemp -d)
        "$program" -max_total_time="${SOAK_FUZZ_SECONDS:-300}" -rss_limit_mb=1024 -artifact_prefix="$top/build/$name-" \
            -verbosity=0 -print_final_stats=1 "$work" "$top/tests/fuzz/corpus/$name" >"$work.log" 2>&1 || {
            tail -n 40 "$work.log"
            code=1
        }
        echo "fuzz: $name, $(sed -n 's/^stat::number_of_executed_units: *//p' "$work.log") inputs"
        rm -rf "$work" "$work.log"
    done
    return "$code"
}

tidy() {
    command -v clang-tidy >/dev/null 2>&1 || {
        echo "tidy: clang-tidy is not installed"
        return 1
    }
    build asan asan all || return 1
    find "$top/src" -name '*.c' -print0 |
        xargs -0 -n 4 -P "$jobs" clang-tidy -p "$top/build/asan" --quiet --warnings-as-errors='*' 2>/dev/null
}

away() {
    build gcc dev pg_diagnose || return 1
    PGD_SOAK=1 PGD_PROGRAM=$top/build/gcc/pg_diagnose "$top/tests/integration/test_server_goes_away.py" for_good
}

table() {
    build gcc dev pg_diagnose pg_diagnose_test &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/integration/test_alter_table.py" all
}

verify() {
    build gcc dev pg_diagnose &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose "$top/tests/integration/test_verify.py" measure
}

manual() {
    build gcc dev pg_diagnose pg_diagnose_test || return 1
    PGD_SOAK=1 PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
        "$top/tests/integration/test_manual.py" &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose "$top/tests/soak/patroni.py"
}

versions() {
    build gcc dev pg_diagnose || return 1
    PGD_PROGRAM=$top/build/gcc/pg_diagnose "$top/tests/soak/versions.py"
}

observe() {
    build gcc dev pg_diagnose pg_diagnose_test || return 1
    PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
        "$top/tests/soak/observe.py"
}

compare() {
    build gcc dev pg_diagnose pg_diagnose_test || return 1
    PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
        "$top/tests/soak/compare.py"
}

llm() {
    build gcc dev pg_diagnose pg_diagnose_test || return 1
    code=0
    for test in integration/test_llm_session.py integration/test_llm_canary.py soak/hostile.py; do
        PGD_SOAK=1 PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/$test"
        got=$?
        [ "$got" -eq 0 ] || [ "$got" -eq 77 ] || code=1
    done
    return "$code"
}

ssh() {
    build gcc dev pg_diagnose pg_diagnose_test integration_test_restart_ssh || return 1
    code=0
    "$top/build/gcc/tests/integration_test_restart_ssh" all
    got=$?
    [ "$got" -eq 0 ] || [ "$got" -eq 77 ] || code=1
    export PGD_SOAK=1
    for test in 'integration/test_ssh_session.py whole' integration/test_down_ssh.py 'integration/test_alter_table.py ssh' soak/ssh_cut.py soak/ssh_threads.py; do
        # shellcheck disable=SC2086
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test "$top"/tests/$test
        got=$?
        [ "$got" -eq 0 ] || [ "$got" -eq 77 ] || code=1
    done
    return "$code"
}

health() {
    build gcc dev pg_diagnose pg_diagnose_test &&
        PGD_SOAK=1 PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/integration/test_health.py" &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose "$top/tests/soak/health_catalog.py"
}

keys() {
    minutes=${SOAK_KEYS_MINUTES:-30}
    build release release pg_diagnose && build asan asan pg_diagnose || return 1
    "$top/tests/soak/keys.py" --minutes "$minutes" --program "$top/build/release/pg_diagnose" &&
        "$top/tests/soak/keys.py" --minutes "$((minutes / 10))" --program "$top/build/asan/pg_diagnose"
}

schemas() {
    build gcc dev integration_test_extension_pg || return 1
    for version in 12 15 18; do
        PGD_SOAK=1 PGD_VERSION=$version "$top/build/gcc/tests/integration_test_extension_pg" || return 1
    done
}

views() {
    build gcc dev integration_test_views_pg &&
        PGD_SOAK=1 "$top/build/gcc/tests/integration_test_views_pg"
}

system() {
    build gcc dev pg_diagnose pg_diagnose_test &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/integration/test_os_settings.py" whole declined killed
}

advice() {
    build gcc dev pg_diagnose pg_diagnose_test &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/integration/test_advice.py" session &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test \
            "$top/tests/integration/test_hypopg.py" workload
}

exports() {
    build gcc dev pg_diagnose pg_diagnose_test &&
        PGD_PROGRAM=$top/build/gcc/pg_diagnose PGD_TEST_PROGRAM=$top/build/gcc/pg_diagnose_test "$top/tests/soak/exports.py"
}

package() {
    "$top/cmake/bootstrap" package || return 1
    deb=$(ls "$top"/build/pg-diagnose_*.deb)
    lintian --allow-root --fail-on error,warning "$deb" || return 1
    dpkg-deb -x "$deb" "$top/build/package-root" && "$top/build/package-root/usr/bin/pg_diagnose" --version
}

sabotage() {
    "$top/tests/soak/sabotage.py"
}

emptied() {
    "$top/tests/soak/emptied.py"
}

# As the comment at the top lists them, which is what a reader sees first.
parts=$(sed -n 's/^#   \([a-z][a-z]*\)  .*/\1/p' "$0")
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $parts
mkdir -p "$top/build"
for part in "$@"; do
    echo "$parts" | grep -qxe "$part" || {
        echo "run.sh: there is no part named $part" >&2
        exit 2
    }
    echo "== $part"
    "$part" || failed="$failed $part"
done
[ -z "$failed" ] || {
    echo "failed:$failed"
    exit 1
}
echo "soak: all of it passed"
