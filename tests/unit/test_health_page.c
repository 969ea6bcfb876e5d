/* The page of /health: the worst first, at each size; one finding in full; the fix to the clipboard; and again. */
#include <math.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/health.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/queries.h"
#include "world.h"

static const struct health_check *check(const char *id)
{
    const struct health_check *c;

    for (int i = 0; (c = health_check_at(i)); i++)
        if (strcmp(c->id, id) == 0)
            return c;
    fail();
    return NULL;
}

static void finding(struct model *m, const char *id, enum health_grade g, const char *object,
                    const char *figure, const char *fix)
{
    struct health_finding *f = &m->health.found[m->health.n++];

    f->check = check(id);
    f->grade = g;
    text_copy(f->said.object, sizeof f->said.object, object);
    text_copy(f->said.figure, sizeof f->said.figure, figure);
    text_copy(f->said.fix, sizeof f->said.fix, fix);
}

static int setup(void **state)
{
    struct world *w = world_new();

    w->m->flow = FLOW_WATCH;
    w->m->screen.clipboard = true;
    w->m->health.state = HEALTH_DONE;
    w->m->health.checks = 65;
    w->m->health.ok = 40;
    finding(w->m, "fsync", HEALTH_CRITICAL, "", "", "");
    finding(w->m, "index-duplicate", HEALTH_WARN, "public.a_again", "8 MB, the same as a",
            "DROP INDEX CONCURRENTLY public.a_again;");
    for (int i = 0; i < 30; i++)
        finding(w->m, "no-key", HEALTH_NOTE, "public.t", "2000 rows", "ALTER TABLE …");
    finding(w->m, "blocked", HEALTH_UNKNOWN, "", "needs GRANT pg_read_all_stats, or pg_monitor",
            "");
    dialogs_open(w->m, DIALOG_HEALTH);
    *state = w;
    return 0;
}

/* Where the text stands on the screen, from its first cell; -1: nowhere. */
static const char *copied(const struct world *w)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == FX_COPY)
            return w->fx.items[i].text;
    return NULL;
}

static void the_worst_stands_first(void **state)
{
    static const int sizes[][2] = {{45, 160}, {36, 120}, {24, 80}};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        w->m->screen.rows = sizes[i][0];
        w->m->screen.cols = sizes[i][1];
        w->m->screen.dialog.cursor = 0;
        assert_true(world_at(w, "1 critical, 1 warning, 30 notes") >= 0);
        assert_true(world_at(w, "critical fsync is off") >= 0);
        assert_true(world_at(w, "critical fsync is off") <
                    world_at(w, "warning  public.a_again: two indexes"));
        assert_true(world_at(w, "Enter why and fix") >= 0);
        world_key(w, KEYN_END, 0); /* what is not known stands at the end, with what it lacks */
        assert_true(world_at(w, "blocked: needs GRANT pg_read_all_stats") >= 0);
        world_key(w, KEYN_DOWN, 0);
        assert_int_equal(w->m->screen.dialog.cursor, 32);
    }
}

static void one_in_full(void **state)
{
    struct world *w = *state;

    world_key(w, KEYN_DOWN, 0);
    assert_true(world_at(w, "8 MB, the same as a") >= 0);
    world_key(w, KEYN_ENTER, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_true(world_at(w, "warning, indexes: public.a_again") >= 0);
    assert_true(world_at(w, "Every write pays twice") >= 0);
    assert_true(world_at(w, "DROP INDEX CONCURRENTLY public.a_again;") >= 0);
    assert_true(world_at(w, "WITH known AS MATERIALIZED") >= 0); /* the statement that found it */
    world_key(w, KEYN_NONE, 'y');
    assert_string_equal(copied(w), "DROP INDEX CONCURRENTLY public.a_again;");
    world_key(w, KEYN_ESC, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HEALTH);
    assert_int_equal(w->m->screen.dialog.cursor, 1);
}

static void the_fix_is_copied(void **state)
{
    struct world *w = *state;

    world_key(w, KEYN_NONE, 'y');
    assert_non_null(strstr(copied(w), "ALTER SYSTEM SET fsync = on"));
    assert_non_null(strstr(w->m->screen.flash, "copied "));
    /* what the clipboard takes is what every copy is: without passwords */
    text_copy(w->m->health.found[0].said.fix, sizeof w->m->health.found[0].said.fix,
              "ALTER SYSTEM SET primary_conninfo = 'host=a password=hush user=b';");
    world_key(w, KEYN_NONE, 'y');
    assert_non_null(copied(w));
    assert_null(strstr(copied(w), "hush"));
    assert_non_null(strstr(w->m->screen.flash, "passwords as asterisks"));
    w->m->screen.choices.no_clipboard = true;
    world_key(w, KEYN_NONE, 'y');
    assert_null(copied(w));
    assert_non_null(strstr(w->m->screen.flash, "the clipboard is off"));
    w->m->screen.choices.no_clipboard = false;
    world_key(w, KEYN_END, 0);
    world_key(w, KEYN_NONE, 'y'); /* of what was not looked at there is none */
    assert_null(copied(w));
    assert_true(world_at(w, "there is no fix to copy") >= 0);
}

/* All statements of discovery are answered: fsync is off by now. */
static void discovered(struct world *w)
{
    for (int i = 0; w->m->discover.state == DISCOVER_SQL && i < 100; i++) {
        const char *name = discover_queries[w->m->discover.at].name;
        const char *rows = strcmp(name, "identity") == 0
                               ? "version_num|version|server_addr\n150018|15.18|10.0.0.9\n"
                           : strcmp(name, "settings") == 0
                               ? "name|setting|vartype|source\nfsync|off|bool|default\n"
                               : NULL;
        struct event ev = {
            .kind = EV_PG_RESULT,
            .req = {OWNER_DISCOVERY, w->m->discover.generation, w->m->discover.waiting},
            .at_us = 100000000,
            .rows = rows ? rows_parse(rows) : NULL};

        if (!rows)
            err_set(&ev.err, ERR_SQL, "not allowed");
        effects_clear(&w->fx);
        app_update(w->m, &ev, &w->fx);
        event_clear(&ev);
    }
    assert_int_equal(w->m->discover.state, DISCOVER_DONE);
}

static void it_looks_again(void **state)
{
    struct world *w = *state;

    world_key(w, KEYN_NONE, 'r');
    assert_true(world_at(w, "not now: the server is away") >= 0);
    assert_int_equal(w->m->health.n, 33);
    w->m->server_known = true;
    w->m->links[CONN_CONTROL].state = LINK_UP;
    world_key(w, KEYN_NONE, 'r'); /* the server is looked at by somebody else just now */
    assert_int_equal(w->m->health.n, 33);
    w->m->discover.state = DISCOVER_DONE;
    w->m->discover.where = LOOK_HERE;
    w->m->server.runtime.temp_bytes = 5;
    world_key(w, KEYN_NONE,
              'r'); /* settings, totals and host first: the limits of its statements are set */
    assert_int_equal(w->m->health.state, HEALTH_READING);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HEALTH);
    assert_true(world_at(w, "Looking at settings, totals and host") >= 0);
    discovered(w);
    assert_int_equal(w->m->health.state, HEALTH_ASKING);
    assert_false(settings_bool(&w->m->server.settings, "fsync", true));
    assert_true(isnan(w->m->server.runtime.temp_bytes)); /* of before, and not told now */
    assert_true(world_at(w, "Looking: check 1") >= 0);
    world_key(w, KEYN_ENTER, 0); /* nothing is there yet */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HEALTH);
    world_key(w, KEYN_ESC, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_worst_stands_first, setup, world_teardown),
        cmocka_unit_test_setup_teardown(one_in_full, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_fix_is_copied, setup, world_teardown),
        cmocka_unit_test_setup_teardown(it_looks_again, setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
