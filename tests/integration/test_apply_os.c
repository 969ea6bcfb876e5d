/* Settings of the operating system as a part of switches on a real server: the script works on a tree of files that stands for
 * /proc, /sys, /run and /etc, so that every way to fail can be had. There and back, refused, changed by others, lost links, a
 * kill between ALTER SYSTEM and the system, limits of a unit by a recorded systemctl, lines for the machine's start. The real
 * kernel is in test_os_settings.py. */
#include <unistd.h>

#include "applytest.h"

static char tree[300];

static void put(const char *path, const char *text)
{
    pgtest_sh("mkdir -p \"$(dirname '%s/%s')\" && printf '%%b\\n' '%s' > '%s/%s'", tree, path, text,
              tree, path);
}

static const char *got(const char *path)
{
    return pgtest_sh("cat '%s/%s' 2>/dev/null || true", tree, path);
}

static int group_setup(void **state)
{
    (void)state;
    world_of(pgtest_start(pgtest_any_bindir(), "shared_buffers = 32MB\nautovacuum = off\n"));
    snprintf(tree, sizeof tree, "%s/tree", w->dir);
    setenv("PGD_HOST_ROOT", tree, 1);
    return 0;
}

static int group_teardown(void **state)
{
    (void)state;
    unsetenv("PGD_HOST_ROOT");
    world_end();
    return 0;
}

static int setup(void **state)
{
    (void)state;
    pgtest_sh("rm -rf '%s'", tree);
    put("proc/sys/vm/swappiness", "60");
    put("proc/sys/vm/dirty_bytes", "0");
    put("proc/sys/vm/dirty_ratio", "20");
    put("proc/sys/vm/nr_hugepages", "0");
    put("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB\nHugepagesize: 2048 kB\n"
                        "HugePages_Total: 0\nCommitLimit: 4000000 kB\nCommitted_AS: 1000000 kB\n"
                        "SwapTotal: 0 kB");
    pgtest_sh("mkdir -p '%s/etc/sysctl.d' '%s/run'", tree, tree);
    memset(&w->ledger, 0, sizeof w->ledger);
    w->facts.id.over_ssh = false;
    w->facts.id.supervisor[0] = '\0';
    w->host_ms = w->link_ms = 0;
    w->before = w->after = NULL;
    pgtest_sh("rm -f '%s'", w->journal);
    return 0;
}

/* Whatever a test did, the server is as before it. */
static int teardown(void **state)
{
    (void)state;
    w->before = w->after = NULL;
    sql("ALTER SYSTEM RESET ALL");
    sql("SELECT pg_reload_conf()");
    return 0;
}

static struct arm both(const char *swappiness)
{
    struct arm a = arm_of("round 1", "work_mem", "64MB");
    assert_true(arm_set(&a, "os:vm.swappiness", true, swappiness));
    return a;
}

static bool runs_os(const struct effect *e, const char *mode)
{
    return e->kind == FX_CHILD && e->u.child.stdin_text &&
           strstr(e->u.child.stdin_text, "# Settings of the operating system") &&
           strcmp(e->u.child.argv[3], mode) == 0;
}

/* -- there and back -------------------------------------------------------------------------------------- */

static void test_there_and_back(void **state)
{
    (void)state;
    struct arm there = both("10"), start = arm_of("start", NULL, NULL);
    assert_true(arm_set(&there, "os:vm.dirty_bytes", true, "268435456"));
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(show("work_mem"), "64MB");
    assert_string_equal(got("proc/sys/vm/swappiness"), "10");
    assert_string_equal(got("proc/sys/vm/dirty_bytes"), "268435456");
    assert_string_equal(got("proc/sys/vm/dirty_ratio"), "0"); /* one excludes the other */
    assert_non_null(strstr(journal(),
                           "{\"name\":\"os:vm.dirty_bytes\",\"before\":{\"present\":true,"
                           "\"value\":\"20%\"}"));
    assert_non_null(strstr(journal(), "\"-- on the server's host, as root: sysctl -w "
                                      "vm.dirty_ratio=20\""));
    uint64_t no = w->journal_no;
    assert_int_equal(switch_to(&there), APPLY_DONE); /* in force already */
    assert_int_equal(w->journal_no, no);
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(show("work_mem"), "4MB");
    assert_string_equal(got("proc/sys/vm/swappiness"), "60");
    assert_string_equal(got("proc/sys/vm/dirty_bytes"), "0");
    assert_string_equal(got("proc/sys/vm/dirty_ratio"), "20");
    assert_true(ledger_clean(&w->ledger));
}

/* Only of the operating system: nothing is sent to the server but questions. */
static void test_alone(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "os:vm.swappiness", "10"),
               start = arm_of("start", NULL, NULL);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_null(strstr(buf_text(&w->trace), "pg_reload_conf"));
    assert_string_equal(got("proc/sys/vm/swappiness"), "10");
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(got("proc/sys/vm/swappiness"), "60");
}

/* A machine that was started anew has its old values; a switch back there has nothing to do. */
static void test_rebooted(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "os:vm.swappiness", "10"),
               start = arm_of("start", NULL, NULL);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    put("proc/sys/vm/swappiness", "60");
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(got("proc/sys/vm/swappiness"), "10");
    put("proc/sys/vm/swappiness", "60");
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(got("proc/sys/vm/swappiness"), "60");
}

/* -- what fails ------------------------------------------------------------------------------------------ */

static void unchanged(void)
{
    assert_string_equal(show("work_mem"), "4MB");
    assert_string_equal(auto_conf(), "");
    assert_string_equal(got("proc/sys/vm/swappiness"), "60");
    assert_string_equal(got("proc/sys/vm/dirty_bytes"), "0");
    assert_string_equal(got("proc/sys/vm/nr_hugepages"), "0");
    assert_true(ledger_clean(&w->ledger));
}

/* The script looks at the machine once more: what was set before it said no is put back, and so is ALTER SYSTEM. */
static void test_refused_leaves_no_trace(void **state)
{
    (void)state;
    struct arm there = both("10");
    w->way = RESTART_WAY_NONE;
    there.entries[0] =
        there.entries[1]; /* without a restart: the ratio of a machine with the limit on */
    there.n = 1;
    put("proc/sys/vm/overcommit_memory", "2");
    put("proc/sys/vm/overcommit_ratio", "90");
    put("proc/sys/vm/overcommit_kbytes", "0");
    put("proc/meminfo", "MemTotal: 8000000 kB\nHugePages_Total: 0\nHugepagesize: 2048 kB\n"
                        "SwapTotal: 0 kB\nCommitted_AS: 6000000 kB\nCommitLimit: 7200000 kB");
    assert_true(arm_set(&there, "work_mem", true, "64MB"));
    assert_true(arm_set(&there, "os:vm.overcommit_ratio", true, "50"));
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_non_null(strstr(w->apply->err.msg, "promised already"));
    assert_string_equal(got("proc/sys/vm/overcommit_ratio"), "90");
    unchanged();
    w->way = RESTART_WAY_PG_CTL;
}

static void promises(const char *mode, const char *kbytes)
{
    put("proc/sys/vm/overcommit_memory", mode);
    put("proc/sys/vm/overcommit_ratio", "50");
    put("proc/sys/vm/overcommit_kbytes", kbytes);
    put("proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 7000000 kB\nHugePages_Total: 0\n"
                        "Hugepagesize: 2048 kB\nSwapTotal: 0 kB\nCommitted_AS: 2400000 kB\n"
                        "CommitLimit: 4000000 kB");
}

/* Where overcommit_memory is 2, now or by the same switch, memory in huge pages is not promised to programs any more. */
static void test_huge_pages_starve(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "os:vm.nr_hugepages", "1500");
    promises("2", "0");
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK); /* 2464000 kB, not 3000000 */
    assert_non_null(strstr(w->apply->err.msg, "the limit would be 2464000 kB"));
    unchanged();
    memset(&w->ledger, 0, sizeof w->ledger);
    promises("0", "0");
    assert_true(arm_set(&there, "os:vm.overcommit_memory", true, "2"));
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_string_equal(got("proc/sys/vm/overcommit_memory"), "0");
    unchanged();
    memset(&w->ledger, 0, sizeof w->ledger);
    promises("2", "3100000"); /* an amount, from which they are not taken */
    there = arm_of("round 1", "os:vm.nr_hugepages", "1500");
    assert_int_equal(switch_to(&there), APPLY_DONE);
}

/* The second look, right before sending, knows no name but those of the table. */
static void test_not_sent(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "os:vm.swappiness", "200");
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "refused to set"));
    put("proc/sys/kernel/core_pattern", "core");
    there = arm_of("round 1", "os:kernel.core_pattern", "x");
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_string_equal(got("proc/sys/kernel/core_pattern"), "core");
    unchanged();
}

static void test_changed_by_others(void **state)
{
    (void)state;
    struct arm there = both("10"), start = arm_of("start", NULL, NULL);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    put("proc/sys/vm/swappiness", "33");
    assert_int_equal(switch_to(&start), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "changed by somebody else"));
    assert_string_equal(got("proc/sys/vm/swappiness"), "33");
    assert_string_equal(show("work_mem"), "64MB");
}

static void meddle(const struct effect *e)
{
    if (runs_os(e, "read") && w->apply->state == APPLY_OS && !w->apply->undoing)
        put("proc/sys/vm/swappiness", "77");
}

/* Read back at the end: what is not there any more is undone. */
static void test_does_not_stay(void **state)
{
    (void)state;
    struct arm there = both("10");
    w->before = meddle;
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_non_null(strstr(w->apply->err.msg, "os:vm.swappiness is 77, not 10"));
    unchanged();
}

static void take_away(const struct effect *e)
{
    if (runs_os(e, "read") && w->apply->state == APPLY_OS)
        pgtest_sh("rm -f '%s/proc/sys/vm/swappiness'", tree);
}

/* What cannot be put back is named, and the server is put back all the same. */
static void test_stuck(void **state)
{
    (void)state;
    struct arm there = both("10");
    w->before = take_away;
    assert_int_equal(switch_to(&there), APPLY_STUCK);
    assert_string_equal(show("work_mem"), "4MB");
    assert_string_equal(w->apply->stuck_sql,
                        "-- on the server's host, as root: sysctl -w vm.swappiness=60\n");
    assert_false(ledger_clean(&w->ledger));
}

/* -- kills and lost links --------------------------------------------------------------------------------- */

static void kill_before_set(const struct effect *e)
{
    if (runs_os(e, "set")) {
        w->cut = true;
        quit();
    }
}

static void kill_after_set(const struct effect *e)
{
    if (runs_os(e, "read") && w->apply->state == APPLY_OS) {
        w->cut = true;
        quit();
    }
}

static void killed_at(void (*when)(const struct effect *), const char *swappiness)
{
    struct arm there = both("10"), start = arm_of("start", NULL, NULL);
    w->before = when;
    switch_to(&there);
    assert_true(w->cut);
    assert_string_equal(got("proc/sys/vm/swappiness"), swappiness);
    assert_true(ledger_find(&w->ledger, "os:vm.swappiness")->unsure);
    w->before = NULL;
    assert_int_equal(switch_to(&start), APPLY_DONE);
    unchanged();
}

static void test_killed_between(void **state)
{
    (void)state;
    killed_at(kill_before_set, "60");
}

static void test_killed_behind(void **state)
{
    (void)state;
    killed_at(kill_after_set, "10");
}

static int tries;

/* The ssh link is gone from the first ALTER SYSTEM on, and is back when the switch has waited for it once. */
static void lose_link(const struct effect *e)
{
    if (e->kind == FX_PG_QUERY && strncmp(e->text, "ALTER SYSTEM", 12) == 0 && tries == 0)
        w->facts.id.over_ssh = true;
    tries += e->kind == FX_CHILD && (e->u.child.flags & CHILD_REMOTE);
    if (e->kind == FX_TIMER && w->apply->host.waits)
        w->facts.id.over_ssh = false;
}

static void test_link_comes_back(void **state)
{
    (void)state;
    struct arm there = both("10"), start = arm_of("start", NULL, NULL);
    tries = 0;
    w->before = lose_link;
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_int_equal(tries, 1);
    assert_non_null(strstr(w->notes, "waiting for ssh"));
    assert_string_equal(got("proc/sys/vm/swappiness"), "10");
    w->before = NULL;
    assert_int_equal(switch_to(&start), APPLY_DONE);
    unchanged();
}

static void lose_for_good(const struct effect *e)
{
    if (e->kind == FX_PG_QUERY && strncmp(e->text, "ALTER SYSTEM", 12) == 0)
        w->facts.id.over_ssh = true;
}

/* It stays away: the server is put back, the command for its host is named, and the next start looks again. */
static void test_link_stays_away(void **state)
{
    (void)state;
    struct arm there = both("10"), start = arm_of("start", NULL, NULL);
    w->before = lose_for_good;
    w->host_ms = 1500;
    assert_int_equal(switch_to(&there), APPLY_STUCK);
    assert_string_equal(show("work_mem"), "4MB");
    assert_non_null(strstr(w->apply->stuck_sql, "sysctl -w vm.swappiness=60"));
    w->before = NULL;
    w->facts.id.over_ssh = false;
    assert_int_equal(switch_to(&start), APPLY_DONE);
    unchanged();
}

/* There and the link gone: what the server has of ours goes back all the same, and the rest is named. */
static void test_back_without_host(void **state)
{
    (void)state;
    struct arm there = both("10"), start = arm_of("start", NULL, NULL);
    w->host_ms = 500;
    for (int reached = 0; reached < 2; reached++) {
        memset(&w->ledger, 0, sizeof w->ledger);
        assert_int_equal(switch_to(&there), APPLY_DONE);
        w->facts.id.over_ssh = true;
        w->facts.id.reached = reached;
        assert_int_equal(switch_to(&start), APPLY_STUCK);
        assert_string_equal(show("work_mem"), "4MB");
        assert_string_equal(w->apply->stuck_sql,
                            "-- on the server's host, as root: sysctl -w vm.swappiness=60\n");
        assert_true(ledger_find(&w->ledger, "os:vm.swappiness")->unsure);
        assert_string_equal(got("proc/sys/vm/swappiness"), "10");
        w->facts.id.over_ssh = false;
        w->facts.id.reached = true;
        assert_int_equal(switch_to(&start), APPLY_DONE);
        unchanged();
    }
}

/* The server's host is not to be had: what needs it fails before anything is touched. */
static void test_no_host(void **state)
{
    (void)state;
    struct arm there = both("10");
    w->facts.id.reached = false;
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    w->facts.id.reached = true;
    unchanged();
}

/* -- restart, limits, the machine's start ------------------------------------------------------------------ */

static void test_huge_pages_restart(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "os:vm.nr_hugepages", "40"),
               start = arm_of("start", NULL, NULL);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_true(w->apply->restarted);
    assert_string_equal(got("proc/sys/vm/nr_hugepages"), "40");
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_true(w->apply->restarted);
    assert_string_equal(leftovers(), "");
    unchanged();
}

/* A recorded systemctl: it answers with what the drop-in says. */
static void test_limits(void **state)
{
    (void)state;
    static const char in_etc[] =
        "etc/systemd/system/postgresql@15-main.service.d/zz-pg_diagnose.conf",
                      in_run[] =
                          "run/systemd/system/postgresql@15-main.service.d/zz-pg_diagnose.conf";
    char path[900];
    struct arm there = arm_of("round 1", "boot:limit.nofile", "65536"),
               runs = arm_of("round 2", "os:limit.nofile", "4096"),
               start = arm_of("start", NULL, NULL);
    snprintf(path, sizeof path, "%s:%s", w->dir, getenv("PATH"));
    setenv("PATH", path, 1);
    pgtest_sh("printf '%%s\\n' '#!/bin/sh' 'echo \"$*\" >> %s/calls' "
              "'[ \"$1\" != show ] || cat %s/shown' > '%s/systemctl' && chmod 755 '%s/systemctl'",
              w->dir, w->dir, w->dir, w->dir);
    pgtest_sh("echo LimitNOFILE=4096 > '%s/shown'", w->dir);
    text_copy(w->facts.id.supervisor, sizeof w->facts.id.supervisor,
              "systemd:postgresql@15-main.service");
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(got(in_etc), "# pg_diagnose wrote this file and takes it away again\n"
                                     "[Service]\nLimitNOFILE=65536");
    assert_string_equal(pgtest_sh("cat '%s/calls'", w->dir), "daemon-reload");
    assert_non_null(strstr(journal(), "take LimitNOFILE out of /etc/systemd/system/"
                                      "postgresql@15-main.service.d/zz-pg_diagnose.conf"));
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(got(in_etc), "");
    assert_string_equal(pgtest_sh("ls '%s/etc/systemd/system'", tree), "");

    /* At run time systemd has to say so, and the server starts anew with it. */
    assert_int_equal(switch_to(&runs), APPLY_DONE);
    assert_true(w->apply->restarted);
    assert_string_equal(got(in_run), "# pg_diagnose wrote this file and takes it away again\n"
                                     "[Service]\nLimitNOFILE=4096");
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(pgtest_sh("ls '%s/run/systemd/system'", tree), "");
    pgtest_sh("echo LimitNOFILE=1024 > '%s/shown'", w->dir); /* another drop-in wins */
    assert_int_equal(switch_to(&runs), APPLY_ROLLED_BACK);
    assert_non_null(strstr(w->apply->err.msg, "the service has 1024 all the same"));
    assert_string_equal(pgtest_sh("ls '%s/run/systemd/system'", tree), "");
    setenv("PATH", strchr(path, ':') + 1, 1);
}

static const char *run_script(const char *words)
{
    return pgtest_sh("sh -s -- %s < '%s/assets/remote/os.sh'", words, getenv("PGD_SOURCE_DIR"));
}

/* The reload was killed after the file had gone: it is made again; a folder that others use is no reason against it. */
static void test_reload_again(void **state)
{
    (void)state;
    char path[900];
    snprintf(path, sizeof path, "%s:%s", w->dir, getenv("PATH"));
    setenv("PATH", path, 1);
    pgtest_sh(
        "rm -f '%s/again'; printf '%%s\\n' '#!/bin/sh' 'echo \"$*\" >> %s/again' > '%s/systemctl' "
        "&& chmod 755 '%s/systemctl'",
        w->dir, w->dir, w->dir, w->dir);
    put("run/systemd/system/x.service.d/own.conf", "[Service]");
    assert_non_null(strstr(run_script("restore x.service os:limit.nofile -"), "state=ok"));
    assert_string_equal(pgtest_sh("cat '%s/again'", w->dir), "daemon-reload");
    put("run/systemd/system/x.service.d/zz-pg_diagnose.conf", "[Service]");
    assert_non_null(strstr(run_script("restore x.service os:limit.nofile -"), "state=refused"));
    assert_string_equal(got("run/systemd/system/x.service.d/zz-pg_diagnose.conf"), "[Service]");
    setenv("PATH", strchr(path, ':') + 1, 1);
}

static void overruled(const char *file, const char *line, const char *where)
{
    char want[200];
    put(file, line);
    const char *said = run_script("set '' boot:vm.swappiness 10 boot:vm.dirty_bytes 4194304");
    snprintf(want, sizeof want, "why=/%s, sets it when the machine starts", where);
    if (!strstr(said, want))
        fail_msg("%s: %s", file, said);
    pgtest_sh("rm '%s/%s'", tree, file);
    assert_string_equal(pgtest_sh("ls '%s/etc/sysctl.d'", tree), "");
}

/* What the next start would not have is not written, and a file that is somebody else's is left alone. */
static void test_boot_of_others(void **state)
{
    (void)state;
    overruled("etc/sysctl.d/99-own.conf", "# x\nvm.swappiness=60",
              "etc/sysctl.d/99-own.conf, line 2");
    overruled("usr/lib/sysctl.d/95.conf", "-vm/swappiness = 60",
              "usr/lib/sysctl.d/95.conf, line 1");
    overruled("etc/sysctl.conf", " vm.dirty_ratio = 20", "etc/sysctl.conf, line 1");
    put("etc/sysctl.d/90-pg_diagnose.conf", "# ours\nvm.swappiness = 60");
    assert_non_null(strstr(run_script("set '' boot:vm.swappiness 10"), "is not a file of ours"));
    assert_non_null(strstr(run_script("restore '' boot:vm.swappiness -"), "boot:vm.swappiness=-"));
    assert_string_equal(got("etc/sysctl.d/90-pg_diagnose.conf"), "# ours\nvm.swappiness = 60");
    put("etc/sysctl.d/90-pg_diagnose.conf",
        "# pg_diagnose wrote this file and takes it away again\n# why\nvm.swappiness = 60");
    put("usr/lib/sysctl.d/10.conf", "vm.swappiness = 60\n#vm.dirty_bytes = 1");
    assert_non_null(strstr(run_script("set '' boot:vm.swappiness 10"), "state=ok"));
    assert_string_equal(
        got("etc/sysctl.d/90-pg_diagnose.conf"),
        "# pg_diagnose wrote this file and takes it away again\n# why\nvm.swappiness = 10");
    pgtest_sh("mkdir -p '%s/sys/kernel/mm/transparent_hugepage'", tree);
    put("sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never");
    put("etc/tmpfiles.d/10.conf", "w! /sys/kernel/mm/transparent_hugepage/enabled - - - - always");
    assert_non_null(strstr(run_script("set '' boot:thp.enabled never"),
                           "why=/etc/tmpfiles.d/10.conf, line 1, sets"));
}

/* Kept over the start of the machine, and not any more; what somebody else's line says there stays. */
static void test_boot(void **state)
{
    (void)state;
    struct arm now = arm_of("best", "os:vm.swappiness", "10"), kept = now,
               start = arm_of("start", NULL, NULL);
    put("etc/sysctl.d/10-own.conf", "vm.swappiness = 60");
    assert_int_equal(switch_to(&now), APPLY_DONE);
    assert_string_equal(got("etc/sysctl.d/90-pg_diagnose.conf"), "");
    assert_true(arm_set(&kept, "boot:vm.swappiness", true, "10"));
    assert_int_equal(switch_to(&kept), APPLY_DONE);
    assert_string_equal(
        got("etc/sysctl.d/90-pg_diagnose.conf"),
        "# pg_diagnose wrote this file and takes it away again\nvm.swappiness = 10");
    assert_non_null(strstr(journal(),
                           "{\"name\":\"boot:vm.swappiness\",\"before\":{\"present\":false,"
                           "\"value\":null}"));
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(got("proc/sys/vm/swappiness"), "60");
    assert_string_equal(pgtest_sh("ls '%s/etc/sysctl.d'", tree), "10-own.conf");
    assert_true(ledger_clean(&w->ledger));
}

#define HERE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        HERE(test_there_and_back),
        HERE(test_alone),
        HERE(test_rebooted),
        HERE(test_refused_leaves_no_trace),
        HERE(test_not_sent),
        HERE(test_changed_by_others),
        HERE(test_does_not_stay),
        HERE(test_stuck),
        HERE(test_killed_between),
        HERE(test_killed_behind),
        HERE(test_link_comes_back),
        HERE(test_link_stays_away),
        HERE(test_no_host),
        HERE(test_huge_pages_restart),
        HERE(test_limits),
        HERE(test_boot),
        HERE(test_huge_pages_starve),
        HERE(test_back_without_host),
        HERE(test_reload_again),
        HERE(test_boot_of_others),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
