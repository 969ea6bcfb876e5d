/* Comfort at the keyboard on the real program: help of what is in front, the prompt with its lines, search and editor, the list of
 * commands, themes that are looked at, keys of HOME/config, the mouse, plain mode, reduced motion, the title, read-only. One server,
 * few starts: a test does many things in turn. */
#include <signal.h>

#include "live.h"

static const char *const readonly[] = {"--advisor", "builtin", "--readonly", NULL};
static const char *const plain[] = {"--advisor", "builtin", "--plain", "--reduced-motion", NULL};

static void write_config(const char *text)
{
    pgtest_sh("mkdir -p -m 700 '%s'", live_home);
    char path[160];
    snprintf(path, sizeof path, "%s/config", live_home);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void help_and_prompt(void **state)
{
    (void)state;
    char editor[300], env[320];
    snprintf(editor, sizeof editor, "%s/edit.sh", live_pg->dir);
    FILE *f = fopen(editor, "w");
    assert_non_null(f);
    fprintf(f,
            "#!/bin/sh\nstty -a <&1 >'%s/tty'\nenv >'%s/env'\nstat -c '%%a %%n' \"$1\" >'%s/mode'\n"
            "stat -c %%a \"$(dirname \"$1\")\" >>'%s/mode'\necho editing\nsleep 1.5\n"
            "echo 'second line' >>\"$1\"\n",
            live_pg->dir, live_pg->dir, live_pg->dir, live_pg->dir);
    fclose(f);
    pgtest_sh("chmod 755 '%s'", editor);
    snprintf(env, sizeof env, "VISUAL=%s", editor);
    const char *vars[] = {env, "OPENAI_API_KEY=sk-not-for-editors", "PGPASSWORD=nor-this-one",
                          NULL};

    struct screen *s = live_watch(live_builtin, vars, 24, 80);
    screen_key(s, "5?");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_expect(s, "Here: the pane Rounds", LIVE_MS);
    screen_key(s, "/earlier");
    screen_expect(s, "Ctrl-R", LIVE_MS);
    assert_false(screen_has(s, "Here: the pane"));
    screen_key(s, "<Esc>");
    screen_expect(s, "Here: the pane Rounds", LIVE_MS);
    screen_key(s, "<Esc>s");
    screen_expect(s, "control link", LIVE_MS);
    screen_key(s, "<F1>");
    screen_expect(s, "Here: Status", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "control link", LIVE_MS); /* one layer at a time */
    screen_key(s, "<Esc>");
    /* the list of commands */
    screen_key(s, "<C-p>expla");
    screen_expect(s, "What a setting does", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "] > /explain", LIVE_MS);
    screen_key(s, "<C-u>/hardware<C-u>/status<Enter>");
    screen_expect(s, "control link", LIVE_MS);
    screen_key(s, "<Esc>:what of it?<C-r>stat");
    screen_expect(s, "] > /status", LIVE_MS);
    screen_expect(s, "search the history for: stat_", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "] > what of it?", LIVE_MS);
    screen_key(s, "<C-w><C-u><C-y><C-j>beta\\<Enter>gamma");
    screen_expect_regex(s, "xact/s\\] > what of", LIVE_MS);
    screen_expect_regex(s, "^ +beta$", LIVE_MS);
    screen_expect_regex(s, "^ +gamma$", LIVE_MS);
    screen_key(s, "<Esc><PasteBegin>one<Enter>two;<PasteEnd>");
    screen_expect_regex(s, "xact/s\\] > one", LIVE_MS);
    screen_expect_regex(s, "^ +two;$", LIVE_MS);
    /* an editor: the terminal is its own, telemetry goes on, and what it leaves is in the prompt */
    screen_key(s, "<C-g>");
    screen_expect(s, "editing", LIVE_MS);
    assert_false(screen_is_alternate(s));
    kill(screen_pid(s), SIGINT); /* as Ctrl-C there does: not ours */
    screen_expect(s, "second line", LIVE_MS);
    assert_true(screen_is_alternate(s));
    screen_expect_regex(s, "xact/s\\] > one", LIVE_MS);
    assert_non_null(strstr(pgtest_sh("cat '%s/mode'", live_pg->dir), "600 "));
    assert_non_null(strstr(pgtest_sh("cat '%s/mode'", live_pg->dir), "\n700"));
    assert_non_null(strstr(pgtest_sh("cat '%s/tty'", live_pg->dir), " icanon"));
    assert_null(strstr(pgtest_sh("cat '%s/env'", live_pg->dir), "sk-not-for"));
    assert_null(strstr(pgtest_sh("cat '%s/env'", live_pg->dir), "nor-this"));
    assert_string_equal(pgtest_sh("ls '%s' | grep edit- || true", live_home), "");
    screen_key(s, "<Esc><Esc>");
    live_quit(s);
}

static void choices_and_keys(void **state)
{
    (void)state;
    write_config("# mine\nkey zoom F11\nkey freeze t\nkey sent F5\ntitle = on\n");
    struct screen *s = live_watch(live_builtin, NULL, 36, 120);
    screen_expect(s, "freeze: tune has it", LIVE_MS);
    screen_expect_regex(s, "F11 zoom", LIVE_MS);
    screen_key(s, "<F11>");
    screen_expect(s, "(zoom)", LIVE_MS);
    screen_key(s, "<F11>");
    screen_expect_gone(s, "(zoom)", LIVE_MS);
    assert_non_null(strstr(screen_title(s), "pg_diagnose: postgres@local"));
    /* a theme is seen before it is taken */
    int row, col;
    screen_key(s, "/theme<Enter>");
    screen_expect(s, "strong colours on black", LIVE_MS);
    assert_true(screen_find(s, "Sessions", &row, &col));
    int fg = screen_cell(s, row, col).fg, bg = screen_cell(s, row, col).bg;
    screen_key(s, "<Down><Down>");
    screen_expect(s, "\xe2\x96\xb8 high-contrast", LIVE_MS);
    screen_pump(s, 300);
    assert_int_equal(screen_cell(s, row, col).fg, 15);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "strong colours", LIVE_MS);
    screen_pump(s, 300);
    assert_int_equal(screen_cell(s, row, col).fg, fg);
    assert_int_equal(screen_cell(s, row, col).bg, bg);
    screen_key(s, "/theme<Enter>");
    screen_expect(s, "strong colours on black", LIVE_MS);
    screen_key(s, "<Home><Down><Down><Enter>");
    screen_expect_gone(s, "strong colours", LIVE_MS);
    /* the mouse is the terminal's until it is asked for, and its own again at the end */
    assert_false(screen_wrote(s, "\033[?1000h"));
    screen_key(s, "/mouse on<Enter>");
    screen_expect(s, "mouse: on", LIVE_MS);
    assert_true(screen_wrote(s, "\033[?1000h\033[?1006h"));
    assert_true(screen_find(s, "1 Sessions", &row, &col));
    screen_write(s, "\033[<0;5;4M\033[<0;5;4m", 18);
    screen_key(s, "<F11>");
    screen_expect(s, "1 Sessions (zoom)", LIVE_MS);
    screen_key(s, "<F11>");
    for (int i = 0; i < 50 && !strstr(pgtest_sh("cat '%s/config'", live_home), "mouse"); i++)
        screen_pump(s, 100); /* it is written behind what is shown */
    assert_string_equal(
        pgtest_sh("cat '%s/config'", live_home),
        "# mine\nkey zoom F11\nkey freeze t\nkey sent F5\ntitle = on\ntheme = high-contrast\n"
        "mouse = on");
    kill(screen_pid(s), SIGTERM);
    screen_expect_exit(s, 0, LIVE_MS);
    assert_true(screen_wrote(s, "\033[?1006l\033[?1000l"));
    assert_true(screen_wrote(s, "\033[23;2t"));
    assert_false(screen_is_alternate(s));
    live_close(s);
    pgtest_sh("rm -f '%s/config'", live_home);
}

/* The cursor comes to a row with that text: words of a row and the cursor on it are two paints at times. */
static void cursor_comes_to(struct screen *s, const char *text)
{
    int row, col;
    bool visible;

    for (int left = LIVE_MS; left > 0; left -= 50) {
        screen_cursor(s, &row, &col, &visible);
        if (visible && strstr(screen_row(s, row), text))
            return;
        screen_pump(s, 50);
    }
    fail_msg("the cursor is not on \"%s\": %s", text, screen_text(s));
}

static void plain_and_still(void **state)
{
    (void)state;
    struct screen *s = live_watch(plain, NULL, 24, 80);
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_expect(s, "Newest events", LIVE_MS);
    screen_key(s, "3");
    screen_expect_regex(s, "^Telemetry, pane 3 of 5$", LIVE_MS);
    screen_expect_regex(s, "^load   xacts +[0-9]+/s$", LIVE_MS);
    for (const char *p = screen_text(s); *p; p++)
        assert_true(*p == '\n' || (*p >= ' ' && *p < 0x7f));
    int row, col;
    cursor_comes_to(s, "Press t to start");
    /* the age of the link counts in steps of five seconds */
    int steps = 0;
    char before[200] = "";
    screen_key(s, "s");
    screen_expect(s, "control link", LIVE_MS);
    for (int i = 0; i < 40; i++) {
        screen_pump(s, 100);
        assert_true(screen_find(s, "control link", &row, &col));
        const char *line = screen_row(s, row);
        steps += before[0] && strcmp(before, line) != 0;
        snprintf(before, sizeof before, "%s", line);
    }
    assert_true(steps <= 1);
    screen_key(s, "<Esc>t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    cursor_comes_to(s, "> 1  ");
    screen_expect(s, "Up/Down move", LIVE_MS);
    screen_expect_regex(s, "^\\[postgres@local \\| [0-9]+ xact/s\\] >", LIVE_MS);
    screen_key(s, "<Esc>/quit<Enter>");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);
}

static void nothing_is_accepted_read_only(void **state)
{
    (void)state;
    char env[320];
    snprintf(env, sizeof env, "VISUAL=%s/edit.sh", live_pg->dir); /* of the first test */
    const char *vars[] = {env, NULL};
    struct screen *s = live_watch(readonly, vars, 24, 80);
    screen_key(s, ":one<C-g>"); /* an editor touches no server */
    screen_expect(s, "editing", LIVE_MS);
    screen_expect(s, "second line", LIVE_MS);
    screen_key(s, "<Esc><Esc>4");
    screen_expect(s, "nothing serious", LIVE_MS);
    assert_false(screen_has(s, "t tune"));
    screen_key(s, "?/accept");
    screen_expect(s, "Nothing holds \"accept\"", LIVE_MS);
    screen_key(s, "<Esc><Esc>t4");
    screen_expect(s, "--readonly:", LIVE_MS);
    live_quit(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(help_and_prompt),
        LIVE_TEST(choices_and_keys),
        LIVE_TEST(plain_and_still),
        LIVE_TEST(nothing_is_accepted_read_only),
    };
    return cmocka_run_group_tests(tests, live_group, live_group_end);
}
