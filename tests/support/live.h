#pragma once
/*
 * The program under test on a screen, beside a real server: what the screen tests with a server share. Each test program
 * has one home folder of its own and removes it at the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "pgtest.h"
#include "screen.h"

enum { LIVE_MS = 20000 }; /* patience for what a loaded machine does late */

static struct pgtest *live_pg;
static char live_home[96];
static struct screen *live_screen; /* the one of the running test */

static inline void live_make_home(void)
{
    snprintf(live_home, sizeof live_home, "/tmp/pgd-live-%d", (int)getpid());
    pgtest_sh("rm -rf '%s'", live_home);
}

/* Server with these lines in postgresql.conf, and a home. */
static inline void live_begin(const char *conf)
{
    live_make_home();
    live_pg = pgtest_start(pgtest_any_bindir(), conf);
}

static inline void live_end(void)
{
    pgtest_destroy(live_pg);
    live_pg = NULL;
    pgtest_sh("rm -rf '%s'", live_home);
}

/* Of a whole test program: such a server with nothing in its postgresql.conf, and its end. */
static inline int live_group(void **state)
{
    (void)state;
    live_begin("");
    return 0;
}

static inline int live_group_end(void **state)
{
    (void)state;
    live_end();
    return 0;
}

/* The program on that server and database; more: further arguments, env: variables, each NULL-terminated or NULL. */
static inline struct screen *live_open(const char *dbname, const char *const *more,
                                       const char *const *env, int rows, int cols)
{
    char home[128];
    const char *argv[40] = {"-H", live_pg->host, "-p", live_pg->port,
                            "-U", live_pg->user, "-d", dbname};
    const char *vars[16] = {home};
    size_t n = 8, v = 1;

    snprintf(home, sizeof home, "PG_DIAGNOSE_HOME=%s", live_home);
    for (; more && *more && n < 39; more++)
        argv[n++] = *more;
    for (; env && *env && v < 15; env++)
        vars[v++] = *env;
    live_screen = screen_open(
        &(struct screen_options){.argv = argv, .env = vars, .rows = rows, .cols = cols});
    return live_screen;
}

/* Arguments of a run that asks no model. */
static const char *const live_builtin[] = {"--advisor", "builtin", NULL};

/* The program on the database postgres, once it has figures. */
static inline struct screen *live_watch(const char *const *more, const char *const *env, int rows,
                                        int cols)
{
    struct screen *s = live_open("postgres", more, env, rows, cols);

    screen_expect_regex(s, "\\| [0-9]+ xact/s\\] >", LIVE_MS);
    return s;
}

static inline void live_close(struct screen *s)
{
    if (s == live_screen)
        live_screen = NULL;
    screen_close(s);
}

/* The teardown of every test: a failed one leaves no program behind that holds the workspace. */
static inline int live_teardown(void **state)
{
    (void)state;
    live_close(live_screen);
    return 0;
}

#define LIVE_TEST(f) cmocka_unit_test_teardown(f, live_teardown)

/* Closes the program with q; it must end well. */
static inline void live_quit(struct screen *s)
{
    screen_key(s, "q");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);
}
