/* What people ask of such programs, as far as no other screen test shows it: the screen of a server that hangs, leaving while it is
 * down, keys of one's own, commands found by their letters, a config that stays as it was written, a mouse that is left alone.
 * docs/asks.md names these cases. */
#include <signal.h>

#include "live.h"

static struct screen *open_asks(int rows, int cols)
{
    struct screen *s = live_watch(live_builtin, NULL, rows, cols);
    screen_expect(s, "Press t to start", LIVE_MS);
    return s;
}

static void each_backend(const char *pids, int signal)
{
    for (const char *p = pids; *p;) {
        char *end;
        long pid = strtol(p, &end, 10);
        if (end == p)
            return;
        kill((pid_t)pid, signal);
        p = *end ? end + 1 : end;
    }
}

static void keys_work_while_the_server_hangs(void **state)
{
    (void)state;
    struct screen *s = open_asks(36, 120);
    char *pids = strdup(pgtest_psql(live_pg, "postgres",
                                    "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE "
                                    "application_name LIKE 'pg_diagnose%'"));
    assert_non_null(strchr(pids, ' '));
    each_backend(pids, SIGSTOP);
    screen_pump(s, 1500);
    screen_key(s, "?");
    bool shown = screen_wait(s, "Keyboard help", 1000);
    screen_key(s, "<Esc>/sql-log<Enter>");
    bool again = screen_wait(s, "Statements that were sent", 1000);
    bool said = screen_wait(s, "no answer", 15000);
    each_backend(pids, SIGCONT);
    free(pids);
    assert_true(shown && again && said);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "no answer", LIVE_MS);
    live_quit(s);
}

static void it_can_be_left_while_the_server_is_down(void **state)
{
    (void)state;
    struct screen *s = open_asks(36, 120);
    pgtest_stop(live_pg, "immediate");
    screen_expect(s, "connection lost", LIVE_MS);
    live_quit(s);
    pgtest_up(live_pg);
}

static void keys_colours_and_mouse_are_the_users(void **state)
{
    (void)state;
    static const char written[] = "# mine\nkey help F5\ntheme = contrast\n";
    char path[160];
    snprintf(path, sizeof path, "%s/config", live_home);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(written, f);
    fclose(f);
    struct screen *s = open_asks(36, 120);
    assert_false(
        screen_wrote(s, "\033[?1000h")); /* the wheel and the selection are the terminal's */
    screen_expect_regex(s, "F5 help", LIVE_MS);
    screen_key(s, "<F5>");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_key(s, "<Esc><C-p>hndv");
    screen_expect(s, "/handover", LIVE_MS);
    screen_key(s, "<Esc>/grants<Enter>");
    screen_expect(s, "The role has every right", LIVE_MS);
    screen_key(s, ":<C-r>gran");
    screen_expect(s, "/grants", LIVE_MS);
    screen_key(s, "<Esc><Esc>6");
    screen_expect(s, "6 Activity", LIVE_MS);
    screen_key(s, "f!user:nobody<Enter><lt>");
    screen_expect(s, "wait\xe2\x96\xb4", LIVE_MS); /* by the column to the left */
    screen_key(s, "q");
    live_quit(s);
    assert_string_equal(pgtest_sh("cat '%s'", path), "# mine\nkey help F5\ntheme = contrast");
    s = open_asks(36, 120);
    screen_key(s, "6");
    screen_expect(s, "filter: !user:nobody", LIVE_MS);
    screen_expect(s, "wait\xe2\x96\xb4", LIVE_MS);
    screen_key(s, "<Esc>>q/mouse on<Enter>");
    screen_expect(s, "mouse: on", LIVE_MS);
    assert_true(screen_wrote(s, "\033[?1000h"));
    assert_true(screen_wrote(s, "\033[?2026h")); /* a picture is shown as a whole */
    live_quit(s);
    assert_string_equal(pgtest_sh("head -n 3 '%s'", path),
                        "# mine\nkey help F5\ntheme = contrast"); /* with a line more */
}

static void a_row_is_copied_exported_and_explained(void **state)
{
    (void)state;
    pgtest_sh("(psql -X -q -h '%s' -p %s -U postgres -d postgres -c 'SELECT count(*), pg_sleep(90) "
              "FROM pg_class' >/dev/null 2>&1 &) >/dev/null 2>&1",
              live_pg->host, live_pg->port);
    struct screen *s = open_asks(36, 120);
    screen_resize(s, 24, 80);
    screen_key(s, "6");
    screen_expect(s, "6 Activity", LIVE_MS);
    screen_expect(s, "1 row", LIVE_MS);
    screen_key(s, "<Right><Right><Right><Right>");
    screen_expect(s, " xact ", LIVE_MS); /* columns that had no room */
    screen_key(s, "y");
    screen_expect(s, "copied 43 bytes", LIVE_MS);
    assert_true(screen_wrote(s, "\033]52;c;"));
    screen_key(s, "e");
    screen_expect_regex(s, "1 row in .*/exports/", LIVE_MS);
    screen_key(s, "x");
    screen_expect(s, "Index Only Scan", LIVE_MS);
    screen_key(s, "<Esc><Esc>");
    live_quit(s);
    pgtest_sh("ls '%s'/workspaces/*/exports/*.csv '%s'/workspaces/*/exports/*.json", live_home,
              live_home);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(keys_work_while_the_server_hangs),
        LIVE_TEST(it_can_be_left_while_the_server_is_down),
        LIVE_TEST(keys_colours_and_mouse_are_the_users),
        LIVE_TEST(a_row_is_copied_exported_and_explained),
    };
    return cmocka_run_group_tests(tests, live_group, live_group_end);
}
