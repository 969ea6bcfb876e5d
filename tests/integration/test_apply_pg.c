/* Switches of arms on a real server: there and back by reload and by restart, a start that fails, a canary that refuses,
 * overrides, other people's edits, a crash in the middle. Effects go through the real io. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "applytest.h"

static int setup(void **state)
{
    (void)state;
    const char *bin = pgtest_bindir(getenv("PGD_TEST_VERSION") ? getenv("PGD_TEST_VERSION") : "15");
    if (!bin)
        bin = pgtest_any_bindir();
    world_of(pgtest_start(bin, "shared_buffers = 32MB\nautovacuum = off\n"));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    world_end();
    return 0;
}

/* -- tests -------------------------------------------------------------------------------------------- */

static void test_reload_there_and_back(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB"), start = arm_of("start", NULL, NULL);
    assert_true(arm_set(&there, "random_page_cost", true, "1.1"));
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_int_equal(w->alters, 2);
    assert_false(w->apply->restarted);
    assert_string_equal(show("work_mem"), "64MB");
    assert_non_null(strstr(auto_conf(), "random_page_cost = '1.1'"));
    assert_false(ledger_clean(&w->ledger));

    /* It is in force already: nothing is done, nothing is written. */
    uint64_t no = w->journal_no;
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_int_equal(w->alters, 0);
    assert_int_equal(w->journal_no, no);

    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(show("work_mem"), "4MB");
    assert_string_equal(auto_conf(), "");
    assert_true(ledger_clean(&w->ledger));

    const char *text = journal();
    assert_non_null(strstr(text,
                           "{\"event\":\"intent\",\"no\":1,\"arm\":\"round "
                           "1\",\"restart\":false,\"by_hand\":null,\"items\":["
                           "{\"name\":\"work_mem\",\"before\":{\"present\":false,\"value\":null},"
                           "\"to\":{\"present\":true,\"value\":\"64MB\"}},"));
    assert_non_null(strstr(text, "\"undo\":[\"ALTER SYSTEM RESET work_mem\","
                                 "\"ALTER SYSTEM RESET random_page_cost\"],\"at\":\"20"));
    assert_non_null(
        strstr(text, "\n{\"event\":\"applied\",\"no\":2,\"intent\":1,\"restarted\":false}\n"));
    assert_non_null(strstr(text, "\"undo\":[\"ALTER SYSTEM SET work_mem = '64MB'\","));
    assert_non_null(
        strstr(text, "{\"event\":\"applied\",\"no\":4,\"intent\":3,\"restarted\":false}"));
}

static void test_old_entry_comes_back(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "random_page_cost", "1.1"),
               start = arm_of("start", NULL, NULL);
    sql("ALTER SYSTEM SET random_page_cost = 2");
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(show("random_page_cost"), "1.1");
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(auto_conf(), "random_page_cost = '2'");
    assert_string_equal(show("random_page_cost"), "2");
}

static void test_restart_there_and_back(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "96MB"),
               start = arm_of("start", NULL, NULL);
    w->canary = true;
    pid_t before = pgtest_pid(w->pg);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_true(w->apply->restarted);
    assert_true(w->apply->restart_s > 0);
    assert_string_equal(show("shared_buffers"), "96MB");
    assert_true(pgtest_pid(w->pg) != before);
    assert_string_equal(leftovers(), "");
    assert_string_equal(canaries(), "0");
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(show("shared_buffers"), "32MB");
    assert_string_equal(leftovers(), "");
    assert_true(ledger_clean(&w->ledger));
    assert_non_null(
        strstr(journal(), "{\"event\":\"applied\",\"no\":2,\"intent\":1,\"restarted\":true}"));
}

/* stop and start would lose what the command line gave. */
static void test_restart_keeps_the_options(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "48MB");
    pgtest_stop(w->pg, "fast");
    pgtest_sh(
        "sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" as '%s/pg_ctl' start -s -w -D '%s' -l '%s/log'"
        " -o \"-c cluster_name='it''s one' -c max_wal_size=\\\"2GB\\\"\" </dev/null >/dev/null "
        "2>&1",
        w->pg->bindir, w->pg->data, w->pg->dir);
    char before[512];
    text_copy_raw(before, sizeof before, pgtest_sh("cat '%s/postmaster.opts'", w->pg->data));
    assert_string_equal(show("max_wal_size"), "2GB");
    char name[100];
    text_copy_raw(name, sizeof name, show("cluster_name"));
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(show("shared_buffers"), "48MB");
    assert_string_equal(show("max_wal_size"), "2GB");
    assert_string_equal(show("cluster_name"), name);
    assert_string_equal(pgtest_sh("cat '%s/postmaster.opts'", w->pg->data), before);
}

static void test_failed_start_is_rescued(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "4TB");
    sql("ALTER SYSTEM SET work_mem = '5MB'");
    char before[512];
    text_copy_raw(before, sizeof before,
                  pgtest_sh("ls -l '%s/postgresql.auto.conf' | cut -c1-40", w->pg->data));
    w->preflight_disabled = true;
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_non_null(strstr(w->apply->log_line, "could not map anonymous shared memory"));
    assert_non_null(strstr(w->apply->err.msg, "did not start"));
    assert_true(w->apply->restored);
    assert_true(pgtest_is_running(w->pg));
    assert_string_equal(show("shared_buffers"), "32MB");
    assert_string_equal(auto_conf(), "work_mem = '5MB'");
    assert_string_equal(pgtest_sh("ls -l '%s/postgresql.auto.conf' | cut -c1-10", w->pg->data),
                        "-rw-------");
    assert_string_equal(leftovers(), "");
    assert_true(ledger_clean(&w->ledger));
    assert_non_null(strstr(
        journal(),
        "{\"event\":\"undone\",\"no\":2,\"intent\":1,\"reason\":\"the server did not start"));
    bool said = false;
    char line[LOG_LINE_MAX];
    for (size_t i = 0; log_recent(i, NULL, line, sizeof line); i++)
        said |= strstr(line, "rolled back after") &&
                strstr(line, "could not map anonymous shared memory");
    assert_true(said);
}

static void test_canary_refuses(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "4TB");
    pid_t before = pgtest_pid(w->pg);
    /* what an earlier one left when it was killed goes, too */
    pgtest_sh(
        "cd '%s' && mkdir -p pgd-canary.abcdef/data && touch -d '1 hour ago' pgd-canary.abcdef && "
        "chown -R --reference=. pgd-canary.abcdef",
        w->pg->dir);
    assert_string_equal(canaries(), "1");
    w->canary = true;
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->log_line, "could not map anonymous shared memory"));
    assert_int_equal(w->alters, 0);
    assert_int_equal(w->journal_no, 0);
    assert_int_equal(pgtest_pid(w->pg), before);
    assert_string_equal(auto_conf(), "");
    assert_string_equal(leftovers(), "");
    assert_string_equal(canaries(), "0");
}

static void test_prepared_transaction_refuses_restart(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "64MB");
    sql("ALTER SYSTEM SET max_prepared_transactions = 2");
    pgtest_restart(w->pg);
    sql("CREATE TABLE t (a int)");
    sql("BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'one'");
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "prepared transactions"));
    assert_int_equal(w->alters, 0);
}

static void test_override_rolls_back(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB");
    sql("CREATE ROLE app LOGIN");
    sql("ALTER ROLE app SET work_mem = '3MB'");
    text_copy_raw(w->role, sizeof w->role, "app");
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_int_equal(w->apply->err.code, ERR_VERIFY);
    assert_non_null(
        strstr(w->apply->err.msg, "work_mem is overridden by the role app: the workload has 3MB"));
    assert_string_equal(show("work_mem"), "4MB");
    assert_string_equal(auto_conf(), "");
    assert_true(ledger_clean(&w->ledger));
    /* A role that may not see files has the others verified all the same. */
    struct arm other = arm_of("round 2", "random_page_cost", "1.1");
    assert_int_equal(switch_to(&other), APPLY_DONE);
}

static void test_command_line_wins(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB");
    pgtest_stop(w->pg, "fast");
    pgtest_sh(
        "sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" as '%s/pg_ctl' start -s -w -D '%s' -l '%s/log'"
        " -o '-c work_mem=7MB' </dev/null >/dev/null 2>&1",
        w->pg->bindir, w->pg->data, w->pg->dir);
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_non_null(strstr(w->apply->err.msg, "command line"));
    assert_string_equal(auto_conf(), "");
}

static void test_foreign_broken_line(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB");
    pgtest_sh("echo 'work_mem = 4XB' >>'%s/postgresql.conf'", w->pg->data);
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "postgresql.conf line "));
    pgtest_sh("sed -i '$d' '%s/postgresql.conf'; echo '= oops' >>'%s/postgresql.conf'", w->pg->data,
              w->pg->data);
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "syntax error"));
    pgtest_sh("sed -i '$d' '%s/postgresql.conf'; echo 'nonsense' >>'%s/pg_hba.conf'", w->pg->data,
              w->pg->data);
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "pg_hba.conf line "));
    assert_int_equal(w->journal_no, 0);
    pgtest_sh("sed -i '$d' '%s/pg_hba.conf'", w->pg->data);
    assert_int_equal(switch_to(&there), APPLY_DONE);
}

static void test_changes_of_others(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB"), start = arm_of("start", NULL, NULL);
    /* A pending change of another setting is told, and one that waits for a restart is no error. */
    pgtest_sh("echo 'maintenance_work_mem = 100MB' >>'%s/postgresql.conf'", w->pg->data);
    sql("ALTER SYSTEM SET max_connections = 90");
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_non_null(strstr(w->apply->note, "maintenance_work_mem"));
    assert_null(strstr(w->apply->note, "max_connections"));

    sql("ALTER SYSTEM SET work_mem = '20MB'");
    assert_int_equal(switch_to(&start), APPLY_FAILED);
    assert_int_equal(w->apply->err.code, ERR_BUSY);
    assert_string_equal(w->apply->err.msg, "work_mem was changed by somebody else");
    assert_non_null(strstr(auto_conf(), "work_mem = '20MB'"));
    assert_int_equal(w->alters, 0);
}

static void test_another_server(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB");
    text_copy_raw(w->facts.id.system_identifier, sizeof w->facts.id.system_identifier, "123");
    assert_int_equal(switch_to(&there), APPLY_FAILED);
    assert_non_null(strstr(w->apply->err.msg, "system identifier"));
    assert_int_equal(w->alters, 0);
    assert_int_equal(w->journal_no, 0);
}

/* The server refuses a value: what went before it is taken back. */
static void test_refused_value(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB");
    assert_true(arm_set(&there, "random_page_cost", true, "-5"));
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_int_equal(w->apply->err.code, ERR_SQL);
    assert_string_equal(auto_conf(), "");
    assert_string_equal(show("work_mem"), "4MB");
}

static void test_killed_before_the_reload(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "work_mem", "64MB"), start = arm_of("start", NULL, NULL);
    w->cut_at_reload = true;
    switch_to(&there);
    assert_true(w->cut);
    w->cut_at_reload = false;
    assert_string_equal(show("work_mem"), "4MB");
    assert_non_null(strstr(auto_conf(), "64MB"));
    assert_true(ledger_find(&w->ledger, "work_mem")->unsure);

    /* On: the file says so already, yet the server does not run with it. */
    struct ledger as_killed = w->ledger;
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(show("work_mem"), "64MB");
    assert_false(ledger_find(&w->ledger, "work_mem")->unsure);

    /* Or back. */
    w->ledger = as_killed;
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_string_equal(show("work_mem"), "4MB");
    assert_true(ledger_clean(&w->ledger));
}

static void test_own_command(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "64MB");
    w->way = RESTART_WAY_COMMAND;
    command_of("sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" restart '%s'", w->pg->dir);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(show("shared_buffers"), "64MB");

    /* One that does nothing: found out, and undone without a restart. */
    struct arm more = arm_of("round 2", "shared_buffers", "80MB");
    command_of("true");
    assert_int_equal(switch_to(&more), APPLY_ROLLED_BACK);
    assert_string_equal(w->apply->err.msg, "the server was not restarted");
    assert_string_equal(show("shared_buffers"), "64MB");
    assert_string_equal(auto_conf(), "shared_buffers = '64MB'");
    assert_string_equal(sql("SELECT count(*) FROM pg_settings WHERE pending_restart"), "0");
    assert_string_equal(leftovers(), "");
}

static void on_recovered(void *arg, struct event *ev)
{
    struct buf *out = arg;
    if (ev->kind == EV_START) {
        struct effects fx = {0};
        apply_recover(&w->facts.id, (struct req){.owner = OWNER_APPLY, .generation = 9, .id = 1},
                      &fx);
        carry_out(&fx);
    } else if (ev->kind == EV_CHILD_EXIT) {
        buf_puts(out, ev->text ? ev->text : ev->err.msg);
        quit();
    }
}

/* Killed between stop and start, with settings that the server does not start with. */
static void test_recover(void **state)
{
    (void)state;
    struct buf out = {0};
    w->answered = UINT64_MAX;
    pgtest_sh("sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" as cp -p '%s/postgresql.auto.conf'"
              " '%s/pg_diagnose.auto.conf.before'",
              w->pg->data, w->pg->data);
    sql("ALTER SYSTEM SET shared_buffers = '4TB'");
    pgtest_stop(w->pg, "fast");
    w->io = io_new(on_recovered, on_idle, &out);
    struct event start = {.kind = EV_START};
    io_post(w->io, &start);
    io_loop(w->io);
    io_free(w->io);
    print_message("    %s", buf_text(&out));
    assert_non_null(strstr(buf_text(&out), "state=restored\n"));
    buf_clear(&out);
    assert_string_equal(show("shared_buffers"), "32MB");
    assert_string_equal(auto_conf(), "");
}

/* Debian keeps the configuration away from the data: nothing in the data directory says where it is. */
static void test_split_layout(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "48MB");
    w->canary = true;
    pgtest_stop(w->pg, "fast");
    pgtest_sh(
        "set -e; cd '%s'; mkdir etc etc/conf.d; mv data/postgresql.conf data/pg_hba.conf "
        "data/pg_ident.conf etc;"
        "{ echo \"data_directory = '$PWD/data'\"; echo \"hba_file = '$PWD/etc/pg_hba.conf'\";"
        " echo \"ident_file = '$PWD/etc/pg_ident.conf'\"; echo \"include_dir = 'conf.d'\";"
        " echo \"external_pid_file = '$PWD/etc/run.pid'\"; } >>etc/postgresql.conf;"
        "echo 'work_mem = 6MB' >etc/conf.d/a.conf; chmod -R a+rwX etc;"
        "sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" as '%s/pg_ctl' start -s -w -D '%s' -l '%s/log'"
        " -o \"-c config_file=$PWD/etc/postgresql.conf\" </dev/null >/dev/null 2>&1",
        w->pg->dir, w->pg->bindir, w->pg->data, w->pg->dir);
    snprintf(w->facts.id.config_file, sizeof w->facts.id.config_file, "%s/etc/postgresql.conf",
             w->pg->dir);
    assert_int_equal(switch_to(&there), APPLY_DONE);
    assert_string_equal(show("shared_buffers"), "48MB");
    assert_string_equal(show("work_mem"), "6MB");
    assert_non_null(strstr(show("config_file"), "/etc/postgresql.conf"));
    pgtest_sh("test -s '%s/etc/run.pid'", w->pg->dir); /* the canary has not taken it away */
}

/* The program is killed while the server is down; the script goes on, and puts back what does not start. */
static void test_killed_in_the_restart(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "4TB"),
               start = arm_of("start", NULL, NULL);
    struct entry none = {.name = "shared_buffers"}, to = there.entries[0];
    w->preflight_disabled = true;
    char pid_file[300];
    snprintf(pid_file, sizeof pid_file, "%s/postmaster.pid", w->pg->data);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        switch_to(&there);
        _exit(0);
    }
    for (int i = 0; i < 1000 && access(pid_file, F_OK) == 0; i++)
        usleep(10000);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    pgtest_sh("for i in $(seq 300); do grep -q state=restored '%s/pg_diagnose.report' && exit 0; "
              "sleep 0.1; done; exit 1",
              w->pg->data);
    assert_string_equal(show("shared_buffers"), "32MB");

    /* The next start knows of the intent alone. */
    w->journal_no = 1;
    ledger_intent(&w->ledger, &none, &to, 1);
    assert_int_equal(switch_to(&start), APPLY_DONE);
    assert_false(w->apply->restarted);
    assert_string_equal(show("shared_buffers"), "32MB");
    assert_string_equal(auto_conf(), "");
    assert_string_equal(leftovers(), "");
    assert_true(ledger_clean(&w->ledger));
}

/* The DBA's own command starts nothing that comes up: the old file and the command once more. */
static void test_own_command_is_rescued(void **state)
{
    (void)state;
    struct arm there = arm_of("round 1", "shared_buffers", "4TB");
    w->way = RESTART_WAY_COMMAND;
    w->link_ms = 8000;
    w->preflight_disabled = true;
    command_of("sh \"$PGD_SOURCE_DIR/tests/support/pg.sh\" stop '%s'; sh "
               "\"$PGD_SOURCE_DIR/tests/support/pg.sh\" up '%s'",
               w->pg->dir, w->pg->dir);
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_string_equal(w->apply->err.msg,
                        "the server did not come back after the restart command");
    assert_string_equal(show("shared_buffers"), "32MB");
    assert_string_equal(auto_conf(), "");
    assert_string_equal(leftovers(), "");
}

/* The server runs, but not where it is known to be: the file is put back from outside, and it is restarted once more. */
static void test_lost_server_is_rescued(void **state)
{
    (void)state;
    char port[16];
    snprintf(port, sizeof port, "%d", 20000 + (int)getpid() % 9000);
    struct arm there = arm_of("round 1", "port", port);
    sql("ALTER SYSTEM SET work_mem = '5MB'");
    w->link_ms = 3000;
    w->preflight_disabled = true;
    assert_int_equal(switch_to(&there), APPLY_ROLLED_BACK);
    assert_string_equal(w->apply->err.msg, "with these settings nobody can connect to the server");
    assert_true(w->apply->restored);
    assert_string_equal(show("port"), w->pg->port);
    assert_string_equal(auto_conf(), "work_mem = '5MB'");
    assert_string_equal(leftovers(), "");
    assert_true(ledger_clean(&w->ledger));
}

#define ON_SERVER(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* An argument is a pattern of the names of tests. */
int main(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        ON_SERVER(test_reload_there_and_back),
        ON_SERVER(test_old_entry_comes_back),
        ON_SERVER(test_restart_there_and_back),
        ON_SERVER(test_restart_keeps_the_options),
        ON_SERVER(test_failed_start_is_rescued),
        ON_SERVER(test_canary_refuses),
        ON_SERVER(test_prepared_transaction_refuses_restart),
        ON_SERVER(test_override_rolls_back),
        ON_SERVER(test_command_line_wins),
        ON_SERVER(test_foreign_broken_line),
        ON_SERVER(test_changes_of_others),
        ON_SERVER(test_another_server),
        ON_SERVER(test_refused_value),
        ON_SERVER(test_killed_before_the_reload),
        ON_SERVER(test_own_command),
        ON_SERVER(test_recover),
        ON_SERVER(test_split_layout),
        ON_SERVER(test_killed_in_the_restart),
        ON_SERVER(test_own_command_is_rescued),
        ON_SERVER(test_lost_server_is_rescued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
