/* Tuning sessions through the keys: the plan, pause, restart of the program, resume and undo, and who may begin one. */
#include "live_session.h"

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
    screen_key(s, "t");                   /* what is paused is offered first */
    screen_expect(s, "A session is paused", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "A session is paused", LIVE_MS);
    live_quit(s);

    s = open_session(45, 160);
    screen_expect(s, "Interrupted session", LIVE_MS);
    screen_expect(s, "was paused in the comparison of round 1", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Interrupted session", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "Interrupted session", LIVE_MS);
    screen_key(s, "r");
    screen_expect_gone(s, "Interrupted session", LIVE_MS);
    screen_expect(s, "Round 1 proposal", RUN_MS);
    screen_key(s, "g"); /* with the answers of before */
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
    screen_expect(s, "no round was made", RUN_MS);
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
    screen_expect_regex(s, "goal +p95 of the latency", LIVE_MS);
    screen_key(s, "g");
    screen_expect(s, "a latency is measured at a rate", LIVE_MS);
    screen_key(s, "e");
    retype(s, "40");
    screen_expect_regex(s, "rate +40 TPS are offered", LIVE_MS);
    screen_key(s, "<Down>e");
    screen_expect_regex(s, "restarts +(never|asked)", LIVE_MS);
    screen_key(s, "<Down>e");
    screen_expect_regex(s, "protocol +(extended|prepared)", LIVE_MS);
    screen_expect_regex(s, "window +", LIVE_MS);
    screen_expect_regex(s, "others +", LIVE_MS);
    screen_key(s, "<Down><Down><Down><Down>");
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
    screen_key(s, "<Up><Up><Up><Up><Up><Up><Up><Up><Up><Up><Up><Up><Up>e"); /* the workload */
    screen_expect_regex(s, "workload +(oltp|reports),", LIVE_MS);
    screen_expect(s, "Esc brings back: shop", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_regex(s, "workload +shop,", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>"); /* the plan is offered again, with what was edited */
    screen_expect_regex(s, "clients +3 ", LIVE_MS);
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
    screen_expect_regex(s, "[0-9]+ xact/s", LIVE_MS);
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
    screen_expect_regex(first, "[0-9]+ xact/s", LIVE_MS);
    snprintf(process, sizeof process, "process %d", (int)screen_pid(first));
    struct screen *second = live_open("postgres", NULL, NULL, 36, 120);
    screen_expect(second, "read-only: process", LIVE_MS);
    screen_expect(second, process, LIVE_MS);
    screen_expect_regex(second, "[0-9]+ xact/s", LIVE_MS);
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
    screen_expect_regex(s, "[0-9]+ xact/s", LIVE_MS);
    screen_key(s, "s");
    screen_expect(s, "control link", LIVE_MS);
    screen_key(s, "<Esc>t");
    screen_pump(s, 1000);
    assert_false(screen_wrote(s, "owned\a"));
    assert_false(screen_wrote(s, "ro\033[31m"));
    assert_false(screen_wrote(s, "\342\200\256"));
    assert_int_not_equal(strcmp(screen_title(s), "owned"), 0);
    screen_expect(s, "1 Sessions", LIVE_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_plan_can_be_edited),     TEST(paused_then_resumed_then_undone),
        TEST(readonly_starts_no_session), TEST(a_second_program_looks_only),
        TEST(names_are_only_text),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
