/* A whole tuning session through the keys, on a real server whose work_mem is too small for the sorts of the script: from
 * the strategy to the exports, with pause, restart of the program, resume and undo. */
#include <sys/stat.h>

#include "live.h"

enum { RUN_MS = 120000 };

static char script[300];

static struct screen *open_session(int rows, int cols)
{
    const char *args[] = {"--script",  script,  "--duration", "2", "--clients", "2",
                          "--restart", "never", "--rounds",   "3", NULL};
    struct screen *s = live_open("postgres", args, NULL, rows, cols);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    return s;
}

static const char *auto_conf(void)
{
    return pgtest_sh("grep -v '^#' '%s/postgresql.auto.conf' || true", live_pg->data);
}

static void no_pgbench_is_left(void)
{
    for (int i = 0; i < 50; i++) {
        if (strcmp(pgtest_psql(live_pg, "postgres",
                               "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                               "'pgbench'"),
                   "0") == 0)
            return;
        usleep(100000);
    }
    fail_msg("pgbench still works on the server");
}

/* Types over the value of a field that is being edited. */
static void retype(struct screen *s, const char *text)
{
    for (int i = 0; i < 24; i++)
        screen_key(s, "<BS>");
    screen_key(s, text);
    screen_key(s, "<Enter>");
}

static bool on_screen(struct screen *s, const char *text)
{
    int row, col;
    return screen_find(s, text, &row, &col);
}

static void from_strategy_to_exports(void **state)
{
    (void)state;
    struct screen *s = open_session(45, 160);
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_expect_regex(s, "clients +2 ", LIVE_MS);
    screen_expect_regex(s, "one run +2 s", LIVE_MS);
    screen_expect(s, "sorts.sql", LIVE_MS);
    screen_key(s, "<Down><Down><Down>e");
    retype(s, "99");
    screen_expect(s, "a number from 1 to 20", LIVE_MS);
    retype(s, "1");
    screen_expect_regex(s, "rounds +1 ", LIVE_MS);
    screen_key(s, "<Esc>"); /* back to the strategies, and in again: the plan is made anew */
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "1");
    screen_expect_regex(s, "rounds +3 ", LIVE_MS);
    screen_key(s, "<Down><Down><Down>e");
    retype(s, "1");
    screen_expect_regex(s, "rounds +1 ", LIVE_MS);
    screen_key(s, "g");
    screen_expect_gone(s, "Plan of ", LIVE_MS);
    screen_expect_regex(s, "baseline.* 00:0[0-9]/00:0[0-9]", RUN_MS);
    screen_expect_regex(s, "[0-9]+ TPS +[0-9.]+ ms", RUN_MS);

    screen_expect(s, "Target", RUN_MS);
    screen_expect_regex(s, "baseline +[0-9]+ TPS, [0-9]+ runs", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "suggested", LIVE_MS);
    screen_key(s, "t"); /* the open question again */
    screen_expect(s, "suggested", LIVE_MS);
    screen_key(s, "<Enter>");

    screen_expect(s, "Round 1 proposal", RUN_MS);
    screen_expect(s, "work_mem", LIVE_MS);
    screen_expect(s, "ALTER SYSTEM SET work_mem", LIVE_MS);
    screen_expect(s, "undo: ALTER SYSTEM RESET work_mem", LIVE_MS);
    assert_string_equal(auto_conf(), "");
    screen_expect(s, "without an answer", LIVE_MS);
    screen_key(s, "g");
    screen_expect(s, "every line needs an answer first", LIVE_MS);
    screen_key(s, "R");
    screen_expect_regex(s, "\\[r\\] work_mem", LIVE_MS);
    screen_key(s, "e");
    retype(s, "plenty");
    screen_pump(s, 300);
    assert_true(on_screen(s, "plenty")); /* still in the field, with the reason */
    retype(s, "64GB; DROP");
    screen_pump(s, 300);
    assert_false(on_screen(s, "[a] work_mem"));
    retype(s, "16MB");
    screen_expect_regex(s, "\\[a\\] work_mem .*16MB", LIVE_MS);
    screen_key(s, "r");
    screen_expect_regex(s, "\\[r\\] work_mem", LIVE_MS);
    screen_key(s, "<Up><Up><Up><Up>a");
    screen_expect_regex(s, "\\[a\\] work_mem", LIVE_MS);
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_key(s, "<Esc>g");
    screen_expect_gone(s, "Round 1 proposal", LIVE_MS);

    screen_expect_regex(s, "Round 1: (improved|regressed|no evidence)", RUN_MS);
    screen_expect(s, "95 % interval", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "ended because", RUN_MS);
    screen_expect_regex(s, "best +[0-9]+ TPS", LIVE_MS);
    screen_expect(s, "workspace_report.md", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "5 Rounds", LIVE_MS);
    screen_expect_regex(s, "R1 .*(kept|undone)", LIVE_MS);
    screen_key(s, "/export<Enter>");
    screen_expect(s, "exported:", LIVE_MS);
    live_quit(s);

    assert_string_equal(auto_conf(), "work_mem = '16MB'");
    assert_string_equal(pgtest_psql(live_pg, "postgres", "SHOW work_mem"), "16MB");
    assert_non_null(strstr(
        pgtest_sh("cat '%s'/workspaces/*/exports/workspace_report.md", live_home), "work_mem"));
    assert_non_null(strstr(pgtest_sh("cat '%s'/workspaces/*/exports/postgresql.conf", live_home),
                           "work_mem = '16MB'"));
    assert_non_null(
        strstr(pgtest_sh("cat '%s'/workspaces/*/sessions/*/session.json", live_home), "ARCHIVED"));
    no_pgbench_is_left();
}

static void go_to_the_first_round(struct screen *s)
{
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_key(s, "g");
    screen_expect(s, "suggested", RUN_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Round 1 proposal", RUN_MS);
    screen_key(s, "Ag");
    screen_expect_gone(s, "Round 1 proposal", LIVE_MS);
    screen_expect_regex(s, "R1/3 MEASURE 00:0[0-9]/00:0[0-9]", RUN_MS);
}

static void paused_then_resumed_then_undone(void **state)
{
    (void)state;
    struct screen *s = open_session(45, 160);
    go_to_the_first_round(s);
    screen_key(s, "<C-c>");
    screen_expect(s, "is paused", RUN_MS);
    no_pgbench_is_left();
    assert_string_equal(auto_conf(), ""); /* the round was not finished: its change is undone */
    live_quit(s);

    s = open_session(45, 160);
    screen_expect(s, "Interrupted session", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Interrupted session", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "Interrupted session", LIVE_MS);
    screen_key(s, "r");
    screen_expect_gone(s, "Interrupted session", LIVE_MS);
    screen_expect(s, "Round 1 proposal", RUN_MS);
    screen_key(s, "Ag");
    screen_expect_regex(s, "R1/3 MEASURE 00:0[0-9]/00:0[0-9]", RUN_MS);
    screen_key(s, "q"); /* in a run it asks */
    screen_expect(s, "Leave?", LIVE_MS);
    screen_key(s, "n");
    screen_expect_gone(s, "Leave?", LIVE_MS);
    screen_key(s, "qy");
    screen_expect_exit(s, 0, RUN_MS);
    live_close(s);
    assert_string_equal(auto_conf(), "");

    s = open_session(24, 80);
    screen_expect(s, "Interrupted session", LIVE_MS);
    screen_key(s, "u");
    screen_expect(s, "FAILED", RUN_MS);
    live_quit(s);
    assert_string_equal(auto_conf(), "");
    no_pgbench_is_left();
}

/* Without --script the workload is the built-in one; its scripts can be looked at and edited before anything is made. */
static void the_plan_can_be_edited(void **state)
{
    (void)state;
    struct screen *s = live_open("postgres", NULL, NULL, 36, 120);
    screen_expect_regex(s, "Interrupted session|Press t to start", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect_regex(s, "workload +shop, in database pg_diagnose_bench", LIVE_MS);
    screen_key(s, "<Down>e");
    retype(s, "3");
    screen_expect_regex(s, "clients +3 ", LIVE_MS);
    screen_key(s, "<Down>e");
    retype(s, "1e99");
    screen_expect(s, "a number from", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "a number from", LIVE_MS);
    screen_key(s, "<Down><Down><Down><Down>e");
    screen_expect_regex(s, "restarts +(never|asked)", LIVE_MS);
    screen_key(s, "<Down>e");
    screen_expect_regex(s, "protocol +(extended|prepared)", LIVE_MS);
    screen_key(s, "<Down>");
    screen_key(s, "+");
    screen_expect(s, "weight 9", LIVE_MS);
    screen_key(s, "e");
    screen_expect(s, "Ctrl-D take", LIVE_MS);
    screen_expect(s, "SELECT", LIVE_MS);
    screen_key(s, "-- of mine<Enter><C-d>");
    screen_expect_gone(s, "Ctrl-D take", LIVE_MS);
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_key(s, "e");
    screen_expect(s, "-- of mine", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_key(s, "<Up><Up><Up><Up><Up><Up><Up><Up>e"); /* the workload */
    screen_expect_regex(s, "workload +(oltp|reports),", LIVE_MS);
    screen_key(s, "<Esc><Esc>");
    screen_expect_gone(s, "pick a strategy", LIVE_MS);
    live_quit(s);
    assert_string_equal(pgtest_psql(live_pg, "postgres",
                                    "SELECT count(*) FROM pg_database WHERE datname LIKE "
                                    "'pg_diagnose%'"),
                        "0");
}

static void readonly_starts_no_session(void **state)
{
    (void)state;
    const char *args[] = {"--readonly", NULL};
    struct screen *s = live_open("postgres", args, NULL, 36, 120);
    screen_expect(s, "read-only", LIVE_MS);
    screen_expect_regex(s, "[0-9]+ TPS", LIVE_MS);
    screen_pump(s, 1500);
    screen_key(s, "t");
    screen_expect(s, "no session can be", LIVE_MS);
    screen_expect_gone(s, "pick a strategy", LIVE_MS);
    live_quit(s);
}

/* The second program looks only, and says who is there. */
static void a_second_program_looks_only(void **state)
{
    (void)state;
    char process[32];
    struct screen *first = live_open("postgres", NULL, NULL, 24, 80);
    screen_expect_regex(first, "[0-9]+ TPS", LIVE_MS);
    snprintf(process, sizeof process, "process %d", (int)screen_pid(first));
    struct screen *second = live_open("postgres", NULL, NULL, 36, 120);
    screen_expect(second, "read-only: process", LIVE_MS);
    screen_expect(second, process, LIVE_MS);
    screen_expect_regex(second, "[0-9]+ TPS", LIVE_MS);
    screen_key(second, "4z");
    screen_expect(second, "4 AI (zoom)", LIVE_MS);
    screen_key(second, "t");
    screen_expect(second, "no session can be", LIVE_MS);
    screen_key(second, "z");
    live_quit(second);
    live_quit(first);
}

/* Names that try to speak to the terminal stay names. */
static void names_are_only_text(void **state)
{
    (void)state;
    pgtest_psql(live_pg, "postgres",
                "CREATE TABLE \"esc\033[2J\033]0;owned\a\nnew\" AS SELECT generate_series(1, "
                "300000) AS \"\342\200\256bidi\"");
    pgtest_psql(live_pg, "postgres",
                "CREATE ROLE \"ro\033[31mle\342\200\256\" LOGIN IN ROLE pg_monitor");
    struct pgtest *pg = live_pg;
    char user[sizeof pg->user];
    snprintf(user, sizeof user, "%s", pg->user);
    snprintf(pg->user, sizeof pg->user, "ro\033[31mle\342\200\256");
    struct screen *s = live_open("postgres", NULL, NULL, 45, 160);
    snprintf(pg->user, sizeof pg->user, "%s", user);
    screen_expect_regex(s, "[0-9]+ TPS", LIVE_MS);
    screen_key(s, "s");
    screen_expect(s, "control link", LIVE_MS);
    screen_key(s, "<Esc>t");
    screen_pump(s, 1000);
    size_t n = 0;
    const char *raw = screen_raw(s, &n);
    assert_null(memmem(raw, n, "owned\a", 6));
    assert_null(memmem(raw, n, "ro\033[31m", 7));
    assert_null(memmem(raw, n, "\342\200\256", 3));
    assert_int_not_equal(strcmp(screen_title(s), "owned"), 0);
    screen_expect(s, "1 Sessions", LIVE_MS);
}

/* Every test begins with no workspace and a server as it was. */
static int fresh_start(void **state)
{
    (void)state;
    pgtest_sh("rm -rf '%s'", live_home);
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM RESET ALL");
    pgtest_psql(live_pg, "postgres", "SELECT pg_reload_conf()");
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_start, live_teardown)

static int begin(void **state)
{
    (void)state;
    live_begin("work_mem = '64kB'");
    pgtest_psql(live_pg, "postgres",
                "CREATE TABLE sorted AS SELECT i AS id, i % 1000 AS grp, md5(i::text) || md5((i + "
                "1)::text) AS pad FROM generate_series(1, 200000) i");
    pgtest_psql(live_pg, "postgres", "CREATE INDEX ON sorted (grp)");
    pgtest_psql(live_pg, "postgres", "VACUUM ANALYZE sorted");
    snprintf(script, sizeof script, "%s/sorts.sql", live_pg->dir);
    FILE *f = fopen(script, "w");
    assert_non_null(f);
    fputs("\\set a random(1, 900)\nSELECT count(*) FROM (SELECT id, pad FROM sorted WHERE grp "
          "BETWEEN :a AND :a + 20 ORDER BY pad, id) s;\n",
          f);
    fclose(f);
    return 0;
}

static int end(void **state)
{
    (void)state;
    live_end();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_plan_can_be_edited),          TEST(from_strategy_to_exports),
        TEST(paused_then_resumed_then_undone), TEST(readonly_starts_no_session),
        TEST(a_second_program_looks_only),     TEST(names_are_only_text),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
