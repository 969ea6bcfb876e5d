/* `replay` on the real binary: a recorded session in the panes, with nothing to connect to. The recording is tests/support/session; a
 * home of its own is made of it for each test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../support/screen.h"

enum { MS = 8000 };
#define NAME "Balanced_11232026-072900"

static char home[200], home_env[240];

static void sh(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *fmt, ...)
{
    char command[2000];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(command, sizeof command, fmt, ap);
    va_end(ap);
    if (system(command) != 0)
        fail_msg("%s", command);
}

static int make_home(void **state)
{
    (void)state;
    const char *top = getenv("PGD_SOURCE_DIR");

    snprintf(home, sizeof home, "%s/pgd-replay.XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(home));
    snprintf(home_env, sizeof home_env, "PG_DIAGNOSE_HOME=%s", home);
    sh("mkdir '%s/workspaces' && cp -r '%s/tests/support/session/shop_db1' '%s/workspaces/' && "
       "chmod -R go= '%s' && chmod -R u+w '%s' && touch '%s/stamp'",
       home, top ? top : ".", home, home, home, home);
    return 0;
}

static int remove_home(void **state)
{
    (void)state;
    sh("rm -rf '%s'", home);
    return 0;
}

static struct screen *open_replay(const char *what, const char *speed, int rows, int cols)
{
    const char *argv[] = {"replay", what, "--speed", speed, NULL};
    const char *env[] = {home_env, "PGHOST=/nowhere", NULL};
    struct screen_options o = {.argv = argv, .env = env, .rows = rows, .cols = cols};

    return screen_open(&o);
}

static void leave(struct screen *s)
{
    screen_key(s, "q");
    screen_expect_exit(s, 0, MS);
    screen_close(s);
}

static void the_session_is_seen_again(void **state)
{
    (void)state;
    struct screen *s = open_replay(NAME, "100", 36, 120);

    screen_expect(s, "REPLAY", MS);
    screen_expect(s, "baseline 64 TPS", MS);
    screen_expect(s, "run 24 of 24", MS);
    screen_expect(s, "\xe2\x97\xbc end", MS);
    screen_expect_regex(s, "R1 +\\+113.3 % +improved", MS);
    screen_expect(s, "best 154 TPS", MS);
    screen_expect(s, "ARCHIVED", MS);
    screen_expect(s, "dba@db1", MS);
    leave(s);
}

static void it_rests_goes_on_and_is_sought_through(void **state)
{
    (void)state;
    struct screen *s = open_replay(NAME, "0.25", 36, 120);

    screen_expect(s, "[replay | Balanced]", MS);
    screen_key(s, " ");
    screen_expect(s, "paused", MS);
    screen_key(s, "n");
    screen_expect(s, "run 1 of 24", MS);
    screen_expect(s, "2026-11-23 07:30:15", MS);
    screen_key(s, "..");
    screen_expect_regex(s, "00:0[1-3]/00:03  [0-9]+ TPS", MS); /* seconds of run 1 */
    screen_key(s, "n");
    screen_expect(s, "run 2 of 24", MS);
    screen_expect_regex(s, "run 1, start: 48 TPS", MS);
    screen_key(s, "p");
    screen_expect(s, "run 1 of 24", MS);
    screen_expect_gone(s, "run 1, start: 48 TPS", MS); /* not measured yet */
    screen_key(s, "]");
    screen_expect_regex(s, "R1 +\\+113.3 %", MS);
    screen_key(s, "<Home>");
    screen_expect_gone(s, "113.3", MS);
    screen_key(s, "<Right><Right><Right>");
    screen_expect(s, "run 7 of 24", MS);
    screen_key(s, "<End>");
    screen_expect(s, "run 24 of 24", MS);
    screen_key(s, "+");
    screen_expect(s, "0.5x", MS);
    screen_pump(s, 300);
    screen_expect(s, "\xe2\x97\xbc end", MS);
    leave(s);
}

/* Keys that would lead to a server do nothing; panes, help and the prompt work. */
static void nothing_leads_out_of_it(void **state)
{
    (void)state;
    struct screen *s = open_replay("shop_db1/" NAME, "1", 24, 80);

    screen_expect(s, "REPLAY", MS);
    screen_key(s, "tuTC6");
    screen_key(s, "2z");
    screen_expect(s, "2 Benchmark (zoom)", MS);
    screen_key(s, "q");
    screen_expect_gone(s, "(zoom)", MS);
    screen_key(s, "?");
    screen_expect(s, "Keyboard help", MS);
    screen_expect(s, "Pause, go on", MS);
    screen_key(s, "<Esc>");
    screen_key(s, "/tune<Enter>4");
    screen_expect(s, "a recording is played", MS);
    screen_key(s, "/replay 25<Enter>");
    screen_expect(s, "25x", MS);
    screen_key(s, "/replay stop<Enter>");
    screen_expect_exit(s, 0, MS);
    screen_close(s);
    sh("[ -z \"$(find '%s' -newer '%s/stamp' -type f ! -name 'pg_diagnose.log*')\" ]", home,
       home); /* no lock, nothing written but the program's own log */
}

static void what_cannot_be_played_is_said(void **state)
{
    (void)state;
    struct screen *s = open_replay("nobody", "1", 24, 80);

    screen_expect(s, "no session is named \"nobody\"", MS);
    screen_expect_exit(s, 2, MS);
    screen_close(s);
    sh("cp -r '%s/workspaces/shop_db1' '%s/workspaces/shop_db2'", home, home);
    s = open_replay(NAME, "1", 24, 80);
    screen_expect(s, "2 sessions are named", MS);
    screen_expect(s, "shop_db2/" NAME, MS);
    screen_expect_exit(s, 2, MS);
    screen_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_session_is_seen_again, make_home, remove_home),
        cmocka_unit_test_setup_teardown(it_rests_goes_on_and_is_sought_through, make_home,
                                        remove_home),
        cmocka_unit_test_setup_teardown(nothing_leads_out_of_it, make_home, remove_home),
        cmocka_unit_test_setup_teardown(what_cannot_be_played_is_said, make_home, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
