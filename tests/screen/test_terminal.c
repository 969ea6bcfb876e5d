/* The terminal, seen from outside: what is written for each kind of it, how keys and sizes arrive, and that it is given
 * back however the program ends. No server is needed: the start screen shows all of it. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "screen.h"

static char home[64];

static struct screen *start(const char *more, const char *more2, int rows, int cols)
{
    char home_env[128];
    snprintf(home_env, sizeof(home_env), "PG_DIAGNOSE_HOME=%s", home);
    const char *env[] = {home_env, more, more2, NULL};
    return screen_open(&(struct screen_options){.env = env, .rows = rows, .cols = cols});
}

/* SGR sequences that set a colour: 30 to 48 as a parameter. */
static int count_colours(struct screen *s)
{
    size_t n = 0;
    int found = 0;
    const char *raw = screen_raw(s, &n);
    for (size_t i = 0; i + 2 < n; i++) {
        if (raw[i] != '\033' || raw[i + 1] != '[')
            continue;
        size_t len = strspn(raw + i + 2, "0123456789;");
        int first = atoi(raw + i + 2);
        const char *last = memrchr(raw + i + 2, ';', len);
        int end = last ? atoi(last + 1) : first;
        if (raw[i + 2 + len] == 'm' && ((first >= 30 && first <= 48) || (end >= 30 && end <= 47)))
            found++;
    }
    return found;
}

static void modes_are_given_back(struct screen *s, struct termios before)
{
    struct termios after = screen_termios(s);
    assert_int_equal(after.c_lflag, before.c_lflag);
    assert_int_equal(after.c_iflag, before.c_iflag);
    assert_int_equal(after.c_oflag, before.c_oflag);
    assert_false(screen_is_alternate(s));
    int row, col;
    bool visible = false;
    screen_cursor(s, &row, &col, &visible);
    assert_true(visible);
    assert_true(screen_wrote(s, "\033[?2004l"));
}

/* The modes that a fresh pty has. */
static struct termios fresh_modes(void)
{
    const char *argv[] = {"-c", "exit 0", NULL};
    struct screen *s = screen_open(&(struct screen_options){.program = "sh", .argv = argv});
    struct termios modes = screen_termios(s);
    screen_close(s);
    return modes;
}

static void every_end_gives_the_terminal_back(void **state)
{
    (void)state;
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, 0};
    struct termios before = fresh_modes();
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        struct screen *s = start(NULL, NULL, 0, 0);
        screen_expect(s, "Recent workspaces", 10000);
        assert_true(screen_is_alternate(s));
        if (signals[i])
            kill(screen_pid(s), signals[i]);
        else
            screen_key(s, "q");
        assert_true(screen_wait_exit(s, 10000) >= 0);
        modes_are_given_back(s, before);
        screen_close(s);
    }
}

#ifndef PGD_SANITIZED /* a sanitizer has a handler of its own: the gcc build runs this one */
static void a_crash_gives_the_terminal_back(void **state)
{
    (void)state;
    struct termios before = fresh_modes();
    struct screen *s = start(NULL, NULL, 0, 0);
    screen_expect(s, "Recent workspaces", 10000);
    kill(screen_pid(s), SIGSEGV);
    int status = screen_wait_exit(s, 10000);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    modes_are_given_back(s, before);
    screen_expect(s, "crashed", 1000);
    screen_close(s);
}
#endif

static void a_vanished_terminal_ends_the_program(void **state)
{
    (void)state;
    struct screen *s = start(NULL, NULL, 0, 0);
    screen_expect(s, "Recent workspaces", 10000);
    pid_t pid = screen_pid(s);
    screen_close(s);
    assert_int_not_equal(kill(pid, 0), 0);
}

static void colours_can_be_turned_off(void **state)
{
    (void)state;
    struct screen *s = start(NULL, NULL, 0, 0);
    screen_expect(s, "Recent workspaces", 10000);
    assert_true(count_colours(s) > 0);
    screen_close(s);
    s = start("NO_COLOR=1", NULL, 0, 0);
    screen_expect(s, "Recent workspaces", 10000);
    screen_expect(s, "n another server", 1000);
    assert_int_equal(count_colours(s), 0);
    screen_close(s);
}

static void a_c_locale_gets_seven_bits(void **state)
{
    (void)state;
    struct screen *s = start("LC_ALL=C", NULL, 0, 0);
    screen_expect(s, "Recent workspaces", 10000);
    size_t n = 0;
    const char *raw = screen_raw(s, &n);
    for (size_t i = 0; i < n; i++)
        assert_false(raw[i] & 0x80);
    screen_expect(s, "+ pg_diagnose ---", 1000);
    screen_close(s);
}

static void every_common_terminal_works(void **state)
{
    (void)state;
    static const char *const names[] = {"TERM=vt100", "TERM=linux", "TERM=screen-256color",
                                        "TERM=tmux-256color", "TERM=xterm"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct screen *s = start(names[i], NULL, 24, 80);
        screen_expect(s, "Recent workspaces", 10000);
        assert_false(screen_wrote(s, "$<")); /* padding is a delay, not text */
        if (strcmp(names[i], "TERM=vt100") == 0)
            assert_false(screen_wrote(s, "\033[?2026"));
        screen_key(s, "q");
        screen_expect_exit(s, 0, 10000);
        screen_close(s);
    }
}

static void a_terminal_that_cannot_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"TERM=dumb", "TERM=", "TERM=no-such-terminal"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct screen *s = start(names[i], NULL, 24, 100);
        screen_expect_exit(s, 2, 10000);
        screen_expect(s, "HINT", 1000);
        assert_false(screen_wrote(s, "\033[?1049h"));
        screen_close(s);
    }
}

static void sizes_are_followed_down_to_nothing(void **state)
{
    (void)state;
    struct screen *s = start(NULL, NULL, 36, 120);
    screen_expect(s, "n another server", 10000);
    screen_resize(s, 24, 80);
    screen_expect_regex(s, "^┌ pg_diagnose", 5000);
    screen_resize(s, 3, 10);
    screen_expect(s, "enlarge", 5000);
    screen_resize(s, 45, 160);
    screen_expect(s, "n another server", 5000);
    for (int i = 0; i < 60; i++)
        screen_resize(s, 10 + i % 30, 30 + i * 2);
    screen_resize(s, 36, 120);
    screen_expect(s, "n another server", 5000);
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", 5000);
    screen_close(s);
}

static void unknown_sequences_press_no_key(void **state)
{
    (void)state;
    struct screen *s = start(NULL, NULL, 36, 120);
    screen_expect(s, "Recent workspaces", 10000);
    screen_write(s, "\033[15;5~\033[1;6Q\033]11;rgb:0/0/0\033\\\033[?2026;2$y\033[<0;5;5q", 49);
    screen_pump(s, 300);
    screen_expect(s, "Recent workspaces", 1000); /* q would have ended it */
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", 5000);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Keyboard help", 5000);
    screen_close(s);
}

static void pasted_lines_do_not_submit(void **state)
{
    (void)state;
    struct screen *s = start(NULL, NULL, 36, 120);
    screen_expect(s, "Recent workspaces", 10000);
    screen_key(s, "n");
    screen_key(s, "<PasteBegin>db\033[2Jhost\r\nq<PasteEnd>");
    screen_expect(s, "db[2Jhost", 5000);
    screen_pump(s, 200);
    screen_expect(s, "Another server", 1000);
    screen_close(s);
}

/* In a shell with job control: Ctrl-Z gives the terminal back, fg paints everything again. */
static void suspend_and_resume(void **state)
{
    (void)state;
    char home_env[128];
    snprintf(home_env, sizeof(home_env), "PG_DIAGNOSE_HOME=%s", home);
    const char *argv[] = {"--norc", "--noprofile", "-i", NULL};
    const char *env[] = {home_env, "PS1=$ ", NULL};
    struct screen *s = screen_open(&(struct screen_options){
        .program = "bash", .argv = argv, .env = env, .rows = 36, .cols = 120});
    screen_expect(s, "$", 10000);
    screen_key(s, "\"$PGD_PROGRAM\"<Enter>");
    screen_expect(s, "Recent workspaces", 10000);
    screen_key(s, "<C-z>");
    screen_expect(s, "Stopped", 10000);
    assert_false(screen_is_alternate(s));
    screen_key(s, "echo back$((40+2))<Enter>");
    screen_expect(s, "back42", 5000);
    screen_key(s, "fg<Enter>");
    screen_expect(s, "Recent workspaces", 10000);
    assert_true(screen_is_alternate(s));
    screen_key(s, "q");
    screen_expect_gone(s, "Recent workspaces", 10000);
    screen_key(s, "exit<Enter>");
    screen_close(s);
}

static int make_home(void **state)
{
    (void)state;
    snprintf(home, sizeof(home), "/tmp/pgd-terminal-%d", (int)getpid());
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", home);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_end_gives_the_terminal_back),
#ifndef PGD_SANITIZED
        cmocka_unit_test(a_crash_gives_the_terminal_back),
#endif
        cmocka_unit_test(a_vanished_terminal_ends_the_program),
        cmocka_unit_test(colours_can_be_turned_off),
        cmocka_unit_test(a_c_locale_gets_seven_bits),
        cmocka_unit_test(every_common_terminal_works),
        cmocka_unit_test(a_terminal_that_cannot_is_refused),
        cmocka_unit_test(sizes_are_followed_down_to_nothing),
        cmocka_unit_test(unknown_sequences_press_no_key),
        cmocka_unit_test(pasted_lines_do_not_submit),
        cmocka_unit_test(suspend_and_resume),
    };
    return cmocka_run_group_tests(tests, make_home, remove_home);
}
