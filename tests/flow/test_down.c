/* The server does not answer at the start, after a session was killed in a restart (flow_down.c): when it may be restarted from
 * here, and when what there is to do is only said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/log.h"

static struct model *m;
static struct effects fx;

static void quiet(enum log_level level, const char *text)
{
    (void)level;
    (void)text;
}

static bool said(const char *text)
{
    for (int i = 0; i < m->nchat; i++)
        if (strstr(m->chat[i].text, text))
            return true;
    return false;
}

static int setup(void **state)
{
    (void)state;
    log_sink(quiet);
    m = xcalloc(1, sizeof *m);
    model_init(m);
    m->flow = FLOW_DISCOVER;
    m->now_us = 100 * 1000000;
    m->opt.headless = true;
    m->opt.restart = RESTART_AUTO;
    m->fl.down = DOWN_WAIT;
    m->fl.down_restart = true;
    m->fl.down_policy = RESTART_AUTO;
    buf_puts(&m->fl.down_names, "shared_buffers");
    buf_puts(&m->fl.down_undo, "ALTER SYSTEM RESET shared_buffers;\n");
    struct identity *id = &m->fl.down_id;
    id->reached = true;
    snprintf(id->data_directory, sizeof id->data_directory, "/data");
    snprintf(id->bindir, sizeof id->bindir, "/bin15");
    snprintf(id->owner, sizeof id->owner, "postgres");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    effects_clear(&fx);
    model_clear(m);
    free(m);
    return 0;
}

static bool unlocks(const char *error)
{
    struct event ev = {.kind = EV_PG_DOWN};
    bool found = false;

    err_set(&ev.err, ERR_CONNECT, "%s", error);
    flow_down_look(m, &ev, &fx);
    for (size_t i = 0; i < fx.n; i++)
        for (int n = 0; fx.items[i].kind == FX_CHILD && fx.items[i].u.child.argv[n]; n++)
            found |= strcmp(fx.items[i].u.child.argv[n], "unlock") == 0;
    return found;
}

static void the_way_there_is_cut(void **state)
{
    (void)state;
    m->fl.down_id.over_ssh = true;
    assert_false(unlocks("connection to server at \"10.0.0.5\" failed: Connection refused"));
    assert_true(said("to take the switch back, put /data/pg_diagnose.auto.conf.before"));
    assert_int_equal(m->fl.down, DOWN_NOT_OURS);
}

static void the_server_there_says_no(void **state)
{
    (void)state;
    m->fl.down_id.over_ssh = true;
    assert_true(unlocks("connection to server failed: FATAL:  could not access file \"no_such\""));
}

static void the_server_of_this_machine(void **state)
{
    (void)state;
    assert_true(unlocks("connection to server on socket \"/tmp/.s.PGSQL.5432\" failed: No such "
                        "file or directory"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_way_there_is_cut),
        CASE(the_server_there_says_no),
        CASE(the_server_of_this_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
