/* The live views on the real program beside a real server: who waits for whom, order, filter, freeze, cancelling and ending by the
 * typed pid, an ordinary role, and what --readonly leaves of it. */
#include "live.h"

static const char *const watch[] = {"watch", NULL};
static const char *const readonly[] = {"--advisor", "builtin", "--readonly", NULL};

/* A session that runs this and nothing else; ended with the server, or by the test. */
static void session(const char *name, const char *sql)
{
    pgtest_sh("PGAPPNAME=%s setsid psql -X -h '%s' -p %s -U %s -d postgres -c \"%s\" "
              ">/dev/null 2>&1 </dev/null &",
              name, live_pg->host, live_pg->port, live_pg->user, sql);
    for (int i = 0; i < 100; i++) {
        char ask[200];
        snprintf(ask, sizeof ask,
                 "SELECT count(*) FROM pg_stat_activity WHERE application_name = '%s' AND state = "
                 "'active' AND wait_event IS NOT NULL",
                 name);
        if (strcmp(pgtest_psql(live_pg, "postgres", ask), "1") == 0)
            return;
        usleep(50000);
    }
    fail_msg("the session %s does not wait", name);
}

static int pid_of(const char *name)
{
    char ask[200];

    snprintf(ask, sizeof ask, "SELECT pid FROM pg_stat_activity WHERE application_name = '%s'",
             name);
    return atoi(pgtest_psql(live_pg, "postgres", ask));
}

static void type_number(struct screen *s, int n)
{
    char text[32];

    snprintf(text, sizeof text, "%d<Enter>", n);
    screen_key(s, text);
}

static void open_activity(struct screen *s)
{
    screen_expect_regex(s, "\\| [0-9]+ xact/s\\] >", LIVE_MS);
    screen_key(s, "6");
    screen_expect(s, "6 Activity", LIVE_MS);
}

/* holder blocks first, and both block second. */
static void blocked_sessions(void)
{
    session("holder", "UPDATE acc SET v = 1; SELECT pg_sleep(120)");
    session("first", "UPDATE acc SET v = 2");
    session("second", "UPDATE acc SET v = 3");
}

static int row_of(struct screen *s, const char *text)
{
    int row = -1, col = -1;

    return screen_find(s, text, &row, &col) ? row : -1;
}

static void order_and_filter(struct screen *s)
{
    screen_expect(s, "statement\xe2\x96\xbe", LIVE_MS); /* the longest first */
    screen_expect(s, "3 rows", LIVE_MS);
    screen_expect(s, "left out", LIVE_MS); /* our own */
    assert_true(row_of(s, "holder") < row_of(s, "first"));
    screen_key(s, "r");
    screen_expect(s, "statement\xe2\x96\xb4", LIVE_MS);
    assert_true(row_of(s, "second") < row_of(s, "holder"));
    screen_key(s, "<lt>");
    screen_expect(s, "wait\xe2\x96\xb4", LIVE_MS);
    screen_key(s, "s");
    screen_expect(s, "statement\xe2\x96\xbe", LIVE_MS);
    screen_key(s, "fLock:");
    screen_expect(s, "2 of 3 rows", LIVE_MS);
    screen_expect(s, "filter: Lock:", LIVE_MS);
    assert_int_equal(row_of(s, "holder"), -1);
    screen_key(s, " !first<Enter>");
    screen_expect(s, "1 of 3 rows", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "3 rows", LIVE_MS);
}

static void frozen_and_not(struct screen *s)
{
    screen_key(s, "<Space>");
    screen_expect(s, "\xc2\xb7 FROZEN", LIVE_MS);
    session("passing", "SELECT pg_sleep(60)");
    screen_expect_regex(s, "FROZEN .* [2-9]\\.[0-9] s old", LIVE_MS);
    assert_int_equal(row_of(s, "passing"), -1);
    screen_key(s, "<Space>");
    screen_expect(s, "passing", LIVE_MS);
    pgtest_psql(live_pg, "postgres",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = "
                "'passing'");
    screen_expect_gone(s, "passing", LIVE_MS);
}

static void the_tree(struct screen *s)
{
    char want[160];

    screen_key(s, "7");
    screen_expect(s, "7 Blocking", LIVE_MS);
    snprintf(want, sizeof want, "%d +2 postgres", pid_of("holder"));
    screen_expect_regex(s, want, LIVE_MS);
    snprintf(want, sizeof want, "\xe2\x94\x94 %d +1 postgres", pid_of("first"));
    screen_expect_regex(s, want, LIVE_MS);
    snprintf(want, sizeof want, " \xe2\x94\x94 %d +0 postgres", pid_of("second"));
    screen_expect_regex(s, want, LIVE_MS);
    screen_expect(s, "public.acc", LIVE_MS); /* what the second one waits for */
    assert_true(row_of(s, "v = 1") < row_of(s, "v = 2"));
    assert_true(row_of(s, "v = 2") < row_of(s, "v = 3"));
    screen_key(s, "<Down><Down><Enter>");
    screen_expect(s, "Blocking: one row", LIVE_MS);
    snprintf(want, sizeof want, "blocked by: %d", pid_of("first"));
    screen_expect(s, want, LIVE_MS);
    screen_key(s, "<Esc>");
}

static void cancelled_by_its_pid(struct screen *s)
{
    char want[120];
    int pid = pid_of("first");

    screen_key(s, "6fapplication:first<Enter>");
    screen_expect(s, "1 of 3 rows", LIVE_MS);
    screen_key(s, "C");
    screen_expect(s, "Cancel a statement", LIVE_MS);
    snprintf(want, sizeof want, "SELECT pg_cancel_backend(%d)", pid);
    screen_expect(s, want, LIVE_MS);
    type_number(s, pid + 1);
    screen_expect(s, "Nothing was sent", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Cancel a statement", LIVE_MS);
    screen_pump(s, 500);
    assert_int_equal(pid_of("first"), pid);
    screen_key(s, "C");
    screen_expect(s, "Cancel a statement", LIVE_MS);
    type_number(s, pid);
    snprintf(want, sizeof want, "that statement of pid %d has ended", pid);
    screen_expect(s, want, LIVE_MS);
    assert_int_equal(pid_of("first"), 0);
    screen_key(s, "<Esc>");
}

static void ended_by_its_pid(struct screen *s)
{
    char want[120];
    int pid = pid_of("holder");

    screen_key(s, "/view block<Tab><Enter>");
    screen_expect(s, "7 Blocking", LIVE_MS);
    snprintf(want, sizeof want, "%d +1 postgres", pid);
    screen_expect_regex(s, want, LIVE_MS);
    screen_key(s, "gT");
    screen_expect(s, "End a session", LIVE_MS);
    type_number(s, pid);
    snprintf(want, sizeof want, "the session of pid %d has ended", pid);
    screen_expect(s, want, LIVE_MS);
    screen_expect(s, "Nobody waits for a lock.", LIVE_MS);
    screen_key(s, "/view waits<Enter>");
    screen_expect(s, "active sessions, ", LIVE_MS);
    screen_expect_regex(s, "[0-9]+ % Lock:transactionid", LIVE_MS); /* while they waited */
    screen_expect(s, "L Lock", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "1 Sessions", LIVE_MS); /* the panes are back */
    screen_key(s, "/sql-log 5<Enter>");
    screen_expect(s, "pg_terminate_backend", LIVE_MS); /* what was done stands there */
    screen_key(s, "<Esc>");
    assert_string_equal(pgtest_psql(live_pg, "postgres", "SELECT v FROM acc"), "3");
}

static void sessions_that_wait(void **state)
{
    (void)state;
    blocked_sessions();
    struct screen *s = live_open("postgres", live_builtin, NULL, 45, 160);
    open_activity(s);
    order_and_filter(s);
    frozen_and_not(s);
    the_tree(s);
    cancelled_by_its_pid(s);
    screen_key(s, "q");
    screen_expect_gone(s, "6 Activity", LIVE_MS);
    live_quit(s);
    s = live_watch(watch, NULL, 45, 160); /* the dashboard without tuning has it, too */
    ended_by_its_pid(s);
    live_quit(s);
}

static void readonly_has_no_such_keys(void **state)
{
    (void)state;
    session("still", "SELECT pg_sleep(120)");
    struct screen *s = live_open("postgres", readonly, NULL, 24, 80);
    open_activity(s);
    screen_expect(s, "pg_sleep", LIVE_MS);
    screen_expect(s, "i hidden", LIVE_MS);
    assert_int_equal(row_of(s, "C cancel"), -1);
    screen_key(s, "CT");
    screen_pump(s, 500);
    assert_int_equal(row_of(s, "Cancel a statement"), -1);
    assert_int_equal(row_of(s, "End a session"), -1);
    screen_key(s, "q"); /* back */
    screen_expect_gone(s, "6 Activity", LIVE_MS);
    live_quit(s);
    assert_int_not_equal(pid_of("still"), 0);
}

/* Of others it sees that they are there; what it lacks is said. */
static void an_ordinary_role(void **state)
{
    (void)state;
    const char *argv[] = {"-H", live_pg->host, "-p",        live_pg->port, "-U", "plain",
                          "-d", "postgres",    "--advisor", "builtin",     NULL};
    char home[128];
    const char *vars[] = {home, NULL};

    snprintf(home, sizeof home, "PG_DIAGNOSE_HOME=%s", live_home);
    live_screen = screen_open(
        &(struct screen_options){.argv = argv, .env = vars, .rows = 36, .cols = 120});
    open_activity(live_screen);
    screen_expect(live_screen, "hidden", LIVE_MS);
    screen_expect(live_screen, "GRANT pg_read_all_stats TO plain", LIVE_MS);
    screen_key(live_screen, "T");
    screen_expect(live_screen, "nothing is sent", LIVE_MS);
    screen_key(live_screen, "<Esc>");
    live_quit(live_screen);
}

static int begin(void **state)
{
    (void)state;
    live_begin("");
    pgtest_psql(live_pg, "postgres",
                "CREATE TABLE acc (v int); INSERT INTO acc VALUES (0); CREATE ROLE plain LOGIN");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(sessions_that_wait),
        LIVE_TEST(readonly_has_no_such_keys),
        LIVE_TEST(an_ordinary_role),
    };
    return cmocka_run_group_tests(tests, begin, live_group_end);
}
