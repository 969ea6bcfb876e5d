/* Each way to restart on a real server: Debian's split layout by pg_ctlcluster, a unit by a recorded systemctl (the test
 * machines have no systemd), both as root and with the real sudo, a program of the DBA, and servers that take long to come up.
 * Each as a whole switch, there and with a value that the server does not start with. */
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applytest.h"
#include "pgd/discovery/discover.h"

static char machine[300]; /* the made-up /proc, "" = the real one */

static int setup(void **state)
{
    (void)state;
    const char *bin = pgtest_bindir("15");
    if (!bin)
        bin = pgtest_any_bindir();
    world_of(pgtest_start(bin, "shared_buffers = 32MB\nautovacuum = off\nhuge_pages = off\n"
                               "wal_keep_size = 512MB\n"));
    machine[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end();
    return 0;
}

/* What the host script says, with its own words for the server. may_sudo: it may try. */
static void look_at_host(bool may_sudo)
{
    struct identity *id = &w->facts.id;
    char started[32], backend[16];
    text_copy_raw(started, sizeof started,
                  sql("SELECT extract(epoch FROM pg_postmaster_start_time())::bigint"));
    text_copy_raw(backend, sizeof backend,
                  sql("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"));
    const char *text = pgtest_sh("PGD_HOST_ROOT='%s' sh -s -- '%s' %s %s %s %s"
                                 " <\"$PGD_SOURCE_DIR/assets/remote/host.sh\" || true",
                                 machine, id->data_directory, w->pg->port, started, backend,
                                 may_sudo ? "sudo" : "''");
    host_facts_parse(text, &w->facts.host, id);
    if (getenv("PGD_TRACE"))
        print_message("%s", text);
}

static struct restart_choice choose(void)
{
    struct restart_choice by;
    restart_choose(&w->facts.id, RESTART_AUTO, "", &by);
    print_message("    restart: %s%s\n", by.text, by.why_not);
    w->way = by.way;
    return by;
}

static void there_and_not_there(bool canary)
{
    struct arm there = arm_of("round 1", "shared_buffers", "48MB"),
               never = arm_of("round 2", "shared_buffers", "4TB");
    w->canary = canary;
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_true(w->apply->restarted);
    assert_string_equal(show("shared_buffers"), "48MB");
    /* The canary sees it beforehand, and without it the server is rescued. */
    if (canary) {
        assert_int_equal(switch_to(&never), APPLY_FAILED);
        assert_non_null(strstr(w->apply->log_line, "shared memory"));
    }
    w->preflight_disabled = true;
    assert_int_equal(switch_to(&never), APPLY_ROLLED_BACK);
    assert_true(w->apply->restored);
    assert_non_null(strstr(w->apply->log_line, "could not map anonymous shared memory"));
    assert_string_equal(show("shared_buffers"), "48MB");
    assert_string_equal(auto_conf(), "shared_buffers = '48MB'");
    assert_string_equal(leftovers(), "");
    assert_string_equal(canaries(), "0");
}

/* -- Debian's layout ------------------------------------------------------------------------------------ */

static char cluster[64]; /* its name */

/* A cluster by pg_createcluster, with a name of its own; it goes when we go. Without what that takes there is no world. */
static int debian_setup(void **state)
{
    (void)state;
    w = NULL;
    machine[0] = '\0';
    if (geteuid() != 0 || access("/usr/bin/pg_createcluster", X_OK) != 0 || !pgtest_bindir("15"))
        return 0;
    struct pgtest *pg = calloc(1, sizeof *pg);
    snprintf(cluster, sizeof cluster, "pgd%d", (int)getpid());
    text_copy_raw(pg->dir, sizeof pg->dir, pgtest_sh("mktemp -d /tmp/pgd-test.XXXXXX"));
    text_copy_raw(pg->port, sizeof pg->port,
                  pgtest_sh("echo $((20000 + $(od -An -N2 -tu2 /dev/urandom) %% 12000))"));
    snprintf(pg->host, sizeof pg->host, "%.200s/sock", pg->dir);
    snprintf(pg->data, sizeof pg->data, "/var/lib/postgresql/15/%s", cluster);
    text_copy_raw(pg->user, sizeof pg->user, "postgres");
    text_copy_raw(pg->osuser, sizeof pg->osuser, "postgres");
    text_copy_raw(pg->bindir, sizeof pg->bindir, pgtest_bindir("15"));
    pgtest_sh(
        "set -e; cd %s; chmod 755 .; mkdir sock; chmod 777 sock; chown postgres . ; ln -s %s data; "
        "printf '%%s\n' dir=%s host=%s port=%s data=%s user=postgres osuser=postgres "
        "bin=%s >info; pg_createcluster -p %s -s %s 15 %s >/dev/null 2>&1; "
        "(trap '' HUP INT; while kill -0 %d; do sleep 2; done; rm -f "
        "/etc/postgresql/15/%s/conf.d/*; pg_dropcluster --stop 15 %s) "
        "</dev/null >/dev/null 2>&1 & cd /etc/postgresql/15/%s; "
        "echo 'local all all trust' >pg_hba.conf; printf '%%s\n' 'shared_buffers = 32MB' "
        "'huge_pages = off' >conf.d/small.conf; "
        "setpriv --reuid postgres --regid postgres --init-groups "
        "pg_ctlcluster 15 %s start -o '-c max_wal_size=2GB' </dev/null >/dev/null 2>&1",
        pg->dir, pg->data, pg->dir, pg->host, pg->port, pg->data, pg->bindir, pg->port, pg->host,
        cluster, (int)getpid(), cluster, cluster, cluster, cluster);
    world_of(pg);
    return 0;
}

static int debian_teardown(void **state)
{
    (void)state;
    if (!w)
        return 0;
    world_end();
    pgtest_sh("rm -f /etc/postgresql/15/%s/conf.d/*; pg_dropcluster --stop 15 %s", cluster,
              cluster);
    return 0;
}

static void test_debian_cluster(void **state)
{
    (void)state;
    char text[120];
    if (!w) {
        print_message("    skipped: pg_createcluster, PostgreSQL 15 and root are needed\n");
        skip();
    }
    look_at_host(false);
    snprintf(text, sizeof text, "pg_ctlcluster 15 %s restart", cluster);
    assert_string_equal(choose().text, text);
    snprintf(text, sizeof text, "/etc/postgresql/15/%s/postgresql.conf", cluster);
    assert_string_equal(w->facts.id.config_file, text);

    there_and_not_there(true);
    assert_string_equal(show("max_wal_size"), "2GB"); /* given on the command line */
    assert_string_equal(show("config_file"), text);
}

/* -- the service manager ---------------------------------------------------------------------------------- */

/* The server's processes on that machine: the postmaster, and a session of ours. */
static void with_process(void)
{
    pgtest_sh("set -e; pm=$(sed -n 1p '%s/postmaster.pid'); for pid in $pm $(pgrep -P $pm); do "
              "d=%s/proc/$pid; "
              "mkdir -p $d; chown %s $d; echo postgres >$d/comm; cp /proc/$pid/stat $d/stat; "
              "ln -sf \"$(readlink /proc/$pid/exe)\" $d/exe; "
              "echo '0::/system.slice/system-postgresql.slice/postgresql@15-main.service' "
              ">$d/cgroup; done; "
              "cp /proc/stat %s/proc/stat",
              w->pg->data, machine, w->pg->osuser, machine);
}

/* A machine on which process 1 is systemd and the server is its unit, and a recorded systemctl on PATH. */
static void with_systemd(void)
{
    snprintf(machine, sizeof machine, "%s/machine", w->pg->dir);
    pgtest_sh(
        "set -e; mkdir -p %s/proc/1 '%s/bin' '%s/tmp'; chmod 1777 '%s/tmp'; echo systemd "
        ">%s/proc/1/comm; "
        "cp \"$PGD_SOURCE_DIR/tests/support/systemctl\" '%s/bin'; "
        "echo '%s' >'%s/bin/server'; echo \"$PGD_SOURCE_DIR/tests/support/pg.sh\" >'%s/bin/pg.sh'",
        machine, w->pg->dir, w->pg->dir, w->pg->dir, machine, w->pg->dir, w->pg->dir, w->pg->dir,
        w->pg->dir);
    with_process();
    char path[1024];
    snprintf(path, sizeof path, "%s/bin:%s", w->pg->dir, getenv("PATH"));
    setenv("PATH", path, 1);
}

static void without_systemd(void)
{
    const char *path = getenv("PATH");
    setenv("PATH", strchr(path, ':') + 1, 1);
    unsetenv("PATH_INFO");
}

static const char *calls(void)
{
    return pgtest_sh("grep -v show '%s/bin/calls' | sort | uniq -c | sed 's/^ *//'", w->pg->dir);
}

static void test_systemd_unit(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("    skipped: root is needed\n");
        skip();
    }
    with_systemd();
    look_at_host(false);
    assert_string_equal(w->facts.id.supervisor, "systemd:postgresql@15-main.service");
    assert_string_equal(choose().text, "systemctl restart postgresql@15-main");
    there_and_not_there(false);
    /* There, not there, and back: never anything but restart. */
    assert_string_equal(calls(), "3 root restart postgresql@15-main.service");
    assert_string_equal(pgtest_sh("find '%s' ! -user %s | head", w->pg->data, w->pg->osuser), "");

    /* The unit refuses: the server runs on, the entry goes. */
    struct arm more = arm_of("round 3", "shared_buffers", "64MB");
    pid_t before = pgtest_pid(w->pg);
    pgtest_sh(": >'%s/bin/refuses'", w->pg->dir);
    assert_int_equal(switch_to(&more), APPLY_ROLLED_BACK);
    assert_non_null(
        strstr(w->apply->err.msg, "systemctl did not restart postgresql@15-main.service"));
    assert_int_equal(pgtest_pid(w->pg), before);
    assert_string_equal(auto_conf(), "shared_buffers = '48MB'");
    without_systemd();
}

/* -- sudo --------------------------------------------------------------------------------------------------- */

/* In a process of its own, which becomes that user: what sudo allows there is this rule alone, seen by nobody else. */
static void as_user(const char *user, const char *rule, void (*body)(void))
{
    char file[600];
    const struct passwd *pw = getpwnam(user);
    assert_non_null(pw);
    snprintf(file, sizeof file, "%s/sudoers", w->pg->dir);
    pgtest_sh("set -e; rm -f '%s'; printf '%%s\\n' 'Defaults !use_pty, secure_path=\"%s\"' 'root "
              "ALL=(ALL) NOPASSWD: ALL' "
              "'%s' >'%s'; chmod 0440 '%s'; chown root '%s'; chmod 777 '%s'",
              file, getenv("PATH"), rule, file, file, file, w->dir);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount(file, "/etc/sudoers", NULL, MS_BIND, NULL) != 0) {
            print_message("    skipped: no mounts of our own can be had here\n");
            _exit(77);
        }
        if (setgid(pw->pw_gid) != 0 || initgroups(user, pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
            _exit(1);
        unsetenv("TMPDIR");
        body();
        fflush(NULL);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 77));
}

/* A failed assertion leaves a child by longjmp into its parent's copy of the test: so it says it by its code. */
static void must(bool good, const char *what)
{
    if (good)
        return;
    print_message("    as %s: %s\n", pgtest_sh("id -un"), what);
    fflush(NULL);
    _exit(1);
}

static void by_somebody(void)
{
    struct arm there = arm_of("round 1", "shared_buffers", "48MB"),
               never = arm_of("round 2", "shared_buffers", "4TB");
    look_at_host(false);
    must(!w->facts.id.reached, "the data directory is readable without sudo");
    look_at_host(true);
    must(w->facts.id.reached && strcmp(w->facts.id.access, "sudo") == 0, "not by sudo");
    must(strstr(choose().text, "pg_ctl restart, as ") && strstr(choose().text, " (sudo)"), "text");
    w->canary = true;
    must(switch_to(&there) == APPLY_DONE && strcmp(show("shared_buffers"), "48MB") == 0, "there");
    w->preflight_disabled = true;
    must(switch_to(&never) == APPLY_ROLLED_BACK && w->apply->restored, "rescue");
    must(strstr(w->apply->log_line, "anonymous shared memory"), "the line of the log");
    must(strcmp(show("shared_buffers"), "48MB") == 0, "the old value");
}

static void by_somebody_with_password(void)
{
    look_at_host(true);
    must(!w->facts.id.reached, "local");
    must(strstr(choose().why_not, "sudo wants a password"), "the reason");
    must(w->way == RESTART_WAY_NONE, "no way");
}

static void unit_by_somebody(void)
{
    struct arm there = arm_of("round 1", "shared_buffers", "64MB");
    look_at_host(true);
    must(strcmp(choose().text, "systemctl restart postgresql@15-main (sudo)") == 0, "text");
    must(switch_to(&there) == APPLY_DONE && strcmp(show("shared_buffers"), "64MB") == 0, "there");
}

static void unit_by_owner(void)
{
    struct arm there = arm_of("round 2", "shared_buffers", "80MB");
    memset(&w->ledger, 0, sizeof w->ledger);
    look_at_host(true);
    must(strcmp(w->facts.id.access, "owner") == 0, "the owner");
    must(strcmp(choose().text, "systemctl restart postgresql@15-main (sudo)") == 0, "text");
    must(switch_to(&there) == APPLY_DONE && strcmp(show("shared_buffers"), "80MB") == 0, "there");
}

static void unit_refused_to_owner(void)
{
    look_at_host(true);
    must(strcmp(w->facts.id.access, "owner") == 0, "the owner");
    must(strcmp(choose().why_not, "systemctl restart postgresql@15-main needs root, and sudo "
                                  "wants a password") == 0,
         "the reason");
}

static bool no_sudo(void)
{
    if (geteuid() == 0 && access("/usr/bin/sudo", X_OK) == 0 && getpwnam("nobody"))
        return false;
    print_message("    skipped: root and sudo are needed\n");
    return true;
}

static void test_sudo(void **state)
{
    (void)state;
    char rule[300];
    if (no_sudo())
        skip();
    snprintf(rule, sizeof rule, "nobody ALL=(%s) NOPASSWD: ALL", w->pg->osuser);
    as_user("nobody", "nobody ALL=(ALL) ALL", by_somebody_with_password);
    as_user("nobody", rule, by_somebody);
    assert_string_equal(pgtest_sh("find '%s' ! -user %s | head", w->pg->data, w->pg->osuser), "");
}

static void test_sudo_for_the_unit(void **state)
{
    (void)state;
    char rule[700];
    if (no_sudo())
        skip();
    with_systemd();
    as_user("nobody", "nobody ALL=(ALL) NOPASSWD: ALL", unit_by_somebody);
    with_process();
    as_user(w->pg->osuser, "nobody ALL=(ALL) ALL", unit_refused_to_owner);
    /* The owner, with a rule for that one command. */
    snprintf(rule, sizeof rule,
             "%s ALL=(root) NOPASSWD: %s/bin/systemctl restart postgresql@15-main.service",
             w->pg->osuser, w->pg->dir);
    pgtest_sh("rm -f '%s'", w->journal);
    as_user(w->pg->osuser, rule, unit_by_owner);
    assert_string_equal(calls(), "2 root restart postgresql@15-main.service");
    without_systemd();
}

/* -- slow servers, commands ---------------------------------------------------------------------------------- */

/* Whoever starts it next has much WAL to replay, from where a backup began, and is held up for 4 s in doing so. */
static void slow_start(void)
{
    pgtest_sh("set -e; cd '%s'; sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" psql '%s' postgres "
              "\"DO 'BEGIN PERFORM pg_backup_start(''slow'', true); END'; "
              "CREATE TABLE much AS SELECT repeat('x', 900) FROM generate_series(1, 60000); "
              "SELECT labelfile FROM pg_backup_stop(false)\" >backup_label; chown %s backup_label; "
              "(old=$(sed -n 1p postmaster.pid); for i in $(seq 3000); do sleep 0.01; "
              "new=$(sed -n 1p postmaster.pid) || continue; [ \"$new\" != $old ] || continue; "
              "startup=$(pgrep -P \"$new\" -f startup) || continue; "
              "kill -STOP $startup; sleep 4; kill -CONT $startup; break; done) </dev/null "
              ">/dev/null 2>&1 &",
              w->pg->data, w->pg->dir, w->pg->osuser);
}

static void test_long_recovery(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "48MB");
    w->link_ms = 1500;
    slow_start();
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_non_null(strstr(w->notes, "server is recovering ("));
    assert_true(w->apply->restart_s > 3);
    assert_false(w->apply->restored);
    assert_string_equal(show("shared_buffers"), "48MB");
}

/* A program of the DBA that does not wait for the server, at a path with blanks. */
static void test_own_program(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "48MB");
    w->way = RESTART_WAY_COMMAND;
    w->link_ms = 1500;
    command_of("sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" stop '%s'\n"
               "sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" as '%s/pg_ctl' start -W -s -D '%s' "
               "-l '%s/log' </dev/null >/dev/null 2>&1",
               w->pg->dir, w->pg->bindir, w->pg->data, w->pg->dir);
    slow_start();
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_true(w->apply->restart_s > 3);
    assert_false(w->apply->restored);
    assert_string_equal(show("shared_buffers"), "48MB");
}

#define ON_SERVER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* An argument is a pattern of the names of tests. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_debian_cluster, debian_setup, debian_teardown),
        ON_SERVER(test_systemd_unit),
        ON_SERVER(test_sudo),
        ON_SERVER(test_sudo_for_the_unit),
        ON_SERVER(test_long_recovery),
        ON_SERVER(test_own_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
