/* A whole tuning session through the keys, from the strategy to the exports. It ends improved, which nothing else may disturb
 * that runs beside it. */
#include <sys/stat.h>

#include "live_session.h"

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
    screen_key(s, "<Esc>"); /* back to the strategies, and in again: what was edited stands */
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "1");
    screen_expect_regex(s, "edited +rounds; u takes it back", LIVE_MS);
    screen_expect_regex(s, "rounds +1 ", LIVE_MS);
    screen_key(s, "u");
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
    assert_true(screen_has(s, "plenty")); /* still in the field, with the reason */
    retype(s, "64GB; DROP");
    screen_pump(s, 300);
    assert_false(screen_has(s, "[a] work_mem"));
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
    screen_key(s, "/sessions<Enter>");
    screen_expect(s, "Sessions of postgres_local", LIVE_MS);
    screen_expect_regex(s, "ARCHIVED +[0-9]+ .* [0-9]+ +[+]", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "(read-only)", LIVE_MS);
    screen_expect_regex(s, "R1: (improved|regressed|no evidence)", LIVE_MS);
    screen_expect_regex(s, "work_mem: 64kB .* 16MB", LIVE_MS);
    screen_key(s, "<Esc><Esc>");
    screen_expect_gone(s, "Sessions of postgres_local", LIVE_MS);
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

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(from_strategy_to_exports)};
    return cmocka_run_group_tests(tests, begin, end);
}
