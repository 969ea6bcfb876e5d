/* The page of /health: the worst first, at each size; one finding in full; the fix to the clipboard; and again. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/health.h"
#include "pgd/app/keys.h"
#include "pgd/app/update.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/queries.h"
#include "pgd/ui/view.h"

struct world {
    struct model *m;
    struct effects fx;
};

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
    struct world *w = xcalloc(1, sizeof *w);

    w->m = xcalloc(1, sizeof *w->m);
    model_init(w->m);
    w->m->screen.cols = 120;
    w->m->screen.rows = 36;
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

static int teardown(void **state)
{
    struct world *w = *state;

    effects_clear(&w->fx);
    model_clear(w->m);
    free(w->m);
    free(w);
    return 0;
}

static void key(struct world *w, enum key_name name, char c)
{
    struct event ev = {.kind = EV_KEY, .at_us = 100000000, .wall_us = 1700000000000000};

    ev.u.key = (struct key){name, (uint32_t)c};
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
}

/* Where the text stands on the screen, from its first cell; -1: nowhere. */
static long at(struct world *w, const char *text)
{
    struct canvas *c = canvas_new(w->m->screen.rows, w->m->screen.cols);
    struct view_cursor cursor;
    struct buf b = {0};

    view_paint(c, w->m, keys_tables(), &cursor);
    canvas_text(c, &b);
    const char *p = strstr(buf_text(&b), text);
    long found = p ? p - buf_text(&b) : -1;
    if (!p && getenv("PGD_SHOW"))
        printf("%s\n", buf_text(&b));
    buf_clear(&b);
    canvas_free(c);
    return found;
}

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
        assert_true(at(w, "1 critical, 1 warning, 30 notes") >= 0);
        assert_true(at(w, "critical fsync is off") >= 0);
        assert_true(at(w, "critical fsync is off") < at(w, "warning  public.a_again: two indexes"));
        assert_true(at(w, "Enter why and fix") >= 0);
        key(w, KEYN_END, 0); /* what is not known stands at the end, with what it lacks */
        assert_true(at(w, "blocked: needs GRANT pg_read_all_stats") >= 0);
        key(w, KEYN_DOWN, 0);
        assert_int_equal(w->m->screen.dialog.cursor, 32);
    }
}

static void one_in_full(void **state)
{
    struct world *w = *state;

    key(w, KEYN_DOWN, 0);
    assert_true(at(w, "8 MB, the same as a") >= 0);
    key(w, KEYN_ENTER, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_true(at(w, "warning, indexes: public.a_again") >= 0);
    assert_true(at(w, "Every write pays twice") >= 0);
    assert_true(at(w, "DROP INDEX CONCURRENTLY public.a_again;") >= 0);
    assert_true(at(w, "WITH known AS MATERIALIZED") >= 0); /* the statement that found it */
    key(w, KEYN_NONE, 'y');
    assert_string_equal(copied(w), "DROP INDEX CONCURRENTLY public.a_again;");
    key(w, KEYN_ESC, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HEALTH);
    assert_int_equal(w->m->screen.dialog.cursor, 1);
}

static void the_fix_is_copied(void **state)
{
    struct world *w = *state;

    key(w, KEYN_NONE, 'y');
    assert_non_null(strstr(copied(w), "ALTER SYSTEM SET fsync = on"));
    assert_non_null(strstr(w->m->screen.flash, "copied "));
    /* what the clipboard takes is what every copy is: without passwords */
    text_copy(w->m->health.found[0].said.fix, sizeof w->m->health.found[0].said.fix,
              "ALTER SYSTEM SET primary_conninfo = 'host=a password=hush user=b';");
    key(w, KEYN_NONE, 'y');
    assert_non_null(copied(w));
    assert_null(strstr(copied(w), "hush"));
    assert_non_null(strstr(w->m->screen.flash, "passwords as asterisks"));
    w->m->screen.choices.no_clipboard = true;
    key(w, KEYN_NONE, 'y');
    assert_null(copied(w));
    assert_non_null(strstr(w->m->screen.flash, "the clipboard is off"));
    w->m->screen.choices.no_clipboard = false;
    key(w, KEYN_END, 0);
    key(w, KEYN_NONE, 'y'); /* of what was not looked at there is none */
    assert_null(copied(w));
    assert_true(at(w, "there is no fix to copy") >= 0);
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

    key(w, KEYN_NONE, 'r');
    assert_true(at(w, "not now: the server is away") >= 0);
    assert_int_equal(w->m->health.n, 33);
    w->m->server_known = true;
    w->m->links[CONN_CONTROL].state = LINK_UP;
    key(w, KEYN_NONE, 'r'); /* the server is looked at by somebody else just now */
    assert_int_equal(w->m->health.n, 33);
    w->m->discover.state = DISCOVER_DONE;
    w->m->discover.where = LOOK_HERE;
    w->m->server.runtime.temp_bytes = 5;
    key(w, KEYN_NONE,
        'r'); /* settings, totals and host first: the limits of its statements are set */
    assert_int_equal(w->m->health.state, HEALTH_READING);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HEALTH);
    assert_true(at(w, "Looking at settings, totals and host") >= 0);
    discovered(w);
    assert_int_equal(w->m->health.state, HEALTH_ASKING);
    assert_false(settings_bool(&w->m->server.settings, "fsync", true));
    assert_true(isnan(w->m->server.runtime.temp_bytes)); /* of before, and not told now */
    assert_true(at(w, "Looking: check 1") >= 0);
    key(w, KEYN_ENTER, 0); /* nothing is there yet */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HEALTH);
    key(w, KEYN_ESC, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_worst_stands_first, setup, teardown),
        cmocka_unit_test_setup_teardown(one_in_full, setup, teardown),
        cmocka_unit_test_setup_teardown(the_fix_is_copied, setup, teardown),
        cmocka_unit_test_setup_teardown(it_looks_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
