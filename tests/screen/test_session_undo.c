/* `u` takes a kept round back, from its verdict and later from the dashboard: the entries of postgresql.auto.conf are those
 * from before it, what stood there before the session among them. */
#include "live_session.h"

static const char *sorted_entries(void)
{
    return pgtest_sh("grep -v '^#' '%s/postgresql.auto.conf' | sort", live_pg->data);
}

static void a_kept_round_is_undone(void **state)
{
    (void)state;
    static const char before[] = "random_page_cost = '2'\nwork_mem = '96kB'";
    const char *env[] = {"PGD_TEST_FORCE_CHANGE=work_mem=8MB", NULL};
    const char *args[] = {"--script",  live_script, "--duration", "1", "--clients", "2",
                          "--restart", "never",     "--rounds",   "2", NULL};
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM SET work_mem = '96kB'");
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM SET random_page_cost = 2");
    pgtest_psql(live_pg, "postgres", "SELECT pg_reload_conf()");
    assert_string_equal(sorted_entries(), before);
    struct screen *s = live_open("postgres", args, env, 45, 160);
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_key(s, "u");
    screen_expect(s, "while its verdict waits", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_key(s, "g");
    screen_expect(s, "suggested", RUN_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Round 1 proposal", RUN_MS);
    screen_expect_regex(s, "work_mem +96kB", LIVE_MS);
    screen_expect(s, "undo: ALTER SYSTEM SET work_mem = '96kB'", LIVE_MS);
    screen_key(s, "Ag");
    screen_expect(s, "Round 1: improved", RUN_MS);
    assert_non_null(strstr(auto_conf(), "work_mem"));
    assert_null(strstr(auto_conf(), "96kB"));

    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Round 1: improved", LIVE_MS);
    screen_key(s, "u");
    screen_expect(s, "round 1 is undone", RUN_MS);
    assert_string_equal(sorted_entries(), before);
    assert_string_equal(pgtest_psql(live_pg, "postgres", "SHOW work_mem"), "96kB");
    screen_key(s, "q");
    screen_expect_regex(s, "Leave.|Round 2", LIVE_MS);
    live_close(s);
}

/* A statement whose time hangs on the setting alone, so that the verdict is the same on a machine that does much else. The
 * advisor has nothing to say to it: the test build of the program proposes the change. */
static int sleep_script(void **state)
{
    begin(state);
    FILE *f = fopen(live_script, "w");
    assert_non_null(f);
    fputs("SELECT pg_sleep(CASE current_setting('work_mem') WHEN '8MB' THEN 0.01 ELSE 0.03 END);\n",
          f);
    fclose(f);
    const char *program = getenv("PGD_TEST_PROGRAM");
    assert_non_null(program);
    setenv("PGD_PROGRAM", program, 1);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_kept_round_is_undone)};
    return cmocka_run_group_tests(tests, sleep_script, end);
}
