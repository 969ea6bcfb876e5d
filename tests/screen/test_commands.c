/* Slash commands on the real program: help of one command, the nearest name, completion of an argument, an export where there is
 * nothing, the statements that were sent, the theme and the history of an earlier run, and the way into read-only. */
#include "live.h"

static struct screen *open_watch(int rows, int cols)
{
    struct screen *s = live_watch(live_builtin, NULL, rows, cols);
    screen_expect(s, "Press t to start", LIVE_MS);
    return s;
}

static void quit(struct screen *s)
{
    screen_key(s, "/quit<Enter>");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);
}

static void commands_at_the_prompt(void **state)
{
    (void)state;
    struct screen *s = open_watch(36, 120);
    screen_key(s, "/exprot conf<Enter>");
    screen_expect(s, "/export?", LIVE_MS);
    screen_key(s, "/help export<Enter>");
    screen_expect(s, "apply_tuning.yml", LIVE_MS);
    screen_key(s, "<Esc>/hndv<Tab>");
    screen_expect(s, "] > /handover", LIVE_MS);
    screen_key(s, "<C-u>/explain random_page<Tab>");
    screen_expect(s, "] > /explain random_page_cost", LIVE_MS);
    screen_key(s, "<C-u>/export conf<Enter>");
    screen_expect(s, "nothing to export yet", LIVE_MS); /* no session has been here */
    screen_key(s, "/sql-log 200<Enter>");
    screen_expect(s, "Statements that were sent", LIVE_MS);
    screen_expect(s, "SELECT", LIVE_MS);
    screen_key(s, "<Esc>/theme mono<Enter>");
    screen_pump(s, 500);
    assert_string_equal(pgtest_sh("cat '%s/config'", live_home), "theme = mono");
    screen_key(s, "/ls<Enter>");
    screen_expect(s, "There is none yet", LIVE_MS);
    screen_key(s, "<Esc>:password=hunter22<Enter>");
    screen_pump(s, 500);
    quit(s);
    assert_null(strstr(pgtest_sh("cat '%s/history'", live_home), "hunter22"));
    assert_string_equal(pgtest_sh("stat -c %%a '%s/history' '%s/config'", live_home, live_home),
                        "600\n600");

    /* another run: the colours are gone, and Up brings the lines back */
    s = open_watch(36, 120);
    int row, col;
    assert_true(screen_find(s, "postgres@local", &row, &col));
    assert_true(screen_cell(s, row, col).bg_default || screen_cell(s, row, col).reverse);
    screen_key(s, "/th<Up>");
    screen_expect(s, "] > /theme mono", LIVE_MS);
    screen_key(s, "<C-u>/readonly<Enter>");
    screen_expect(s, "read-only \xe2\x94\x82 builtin", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "--readonly:", LIVE_MS); /* no session begins any more */
    quit(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(commands_at_the_prompt, live_teardown),
    };
    return cmocka_run_group_tests(tests, live_group, live_group_end);
}
