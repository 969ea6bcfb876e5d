/* Order and filter of the live views from one run to the next: the text, what is left out of it, when it is written and when not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/keep.h"
#include "pgd/app/ui_files.h"
#include "pgd/app/view_state.h"
#include "pgd/app/views.h"

struct world {
    struct model *m;
    struct effects fx;
};

static int setup(void **state)
{
    struct world *w = xcalloc(1, sizeof *w);
    w->m = xcalloc(1, sizeof *w->m);
    model_init(w->m);
    snprintf(w->m->opt.home, sizeof w->m->opt.home, "/home/h");
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

static struct tableview_state *of(struct world *w, const char *view)
{
    return &w->m->live.of[tableview_index(tableview_find(view))];
}

static const struct effect *asked(const struct world *w, enum file_op op)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == FX_FILE && w->fx.items[i].u.file.op == op &&
            strcmp(w->fx.items[i].u.file.path, "/home/h/views") == 0)
            return &w->fx.items[i];
    return NULL;
}

/* The file is asked for and answered; NULL: there is none. */
static void start(struct world *w, const char *text, enum err_code code)
{
    struct event ev = {.kind = EV_FILE};
    view_state_start(w->m, &w->fx);
    assert_non_null(asked(w, FILE_READ));
    assert_true(asked(w, FILE_READ)->u.file.max_bytes > 0);
    ev.req = asked(w, FILE_READ)->req;
    if (!text)
        err_set(&ev.err, code, "of the disk");
    ev.u.file.missing = !text && code == ERR_FILE;
    ev.text = text ? xstrdup(text) : NULL;
    ev.len = text ? strlen(text) : 0;
    effects_clear(&w->fx);
    keep_answer(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static void written_and_read_again(void **state)
{
    struct world *w = *state;
    struct tableview_state again[TABLEVIEW_MAX];
    const struct tableview *v = tableview_find("statements");
    start(w, NULL, ERR_FILE);
    views_tick(w->m, &w->fx);
    assert_null(asked(w, FILE_SAVE)); /* nothing has changed */
    tableview_sort_next(v, 1, of(w, "statements"));
    of(w, "statements")->reverse = true;
    of(w, "activity")->loud = true;
    snprintf(of(w, "activity")->filter, TABLEVIEW_FILTER, "state:active !app:psql");
    w->m->live.typing = true;
    views_tick(w->m, &w->fx);
    assert_null(asked(w, FILE_SAVE));
    w->m->live.typing = false;
    views_tick(w->m, &w->fx);
    const struct effect *e = asked(w, FILE_SAVE);
    assert_non_null(e);
    view_state_parse(e->text, e->len, again);
    assert_int_equal(again[tableview_index(v)].sort, of(w, "statements")->sort);
    assert_true(again[tableview_index(v)].reverse);
    assert_true(again[tableview_index(tableview_find("activity"))].loud);
    assert_string_equal(again[tableview_index(tableview_find("activity"))].filter,
                        "state:active !app:psql");
    effects_clear(&w->fx);
    views_tick(w->m, &w->fx);
    assert_null(asked(w, FILE_SAVE)); /* once */
}

static void the_next_run_begins_so(void **state)
{
    struct world *w = *state;
    snprintf(of(w, "tables")->filter, TABLEVIEW_FILTER, "mine"); /* typed before the answer came */
    start(w,
          "activity sort usename\nactivity reverse\ntables filter theirs\nindexes all\n"
          "nosuch filter a\nactivity sort nosuch\nact filter short\nsettings explode now\n",
          ERR_NONE);
    assert_string_equal(of(w, "tables")->filter, "mine");
    assert_true(of(w, "indexes")->loud);
    assert_true(of(w, "activity")->reverse);
    assert_int_equal(of(w, "activity")->sort,
                     1 + tableview_column_of(tableview_find("activity"), "usename"));
    assert_string_equal(of(w, "activity")->filter, "");
    assert_string_equal(of(w, "settings")->filter, "");
    view_state_leave(w->m, &w->fx);
    const struct effect *e = asked(w, FILE_SAVE); /* with what was typed */
    assert_non_null(e);
    assert_non_null(strstr(e->text, "tables filter mine\n"));
    assert_null(strstr(e->text, "nosuch"));
}

/* A file that cannot be read may hold what the DBA wants: it stays as it is. */
static void what_cannot_be_read_is_left(void **state)
{
    struct world *w = *state;
    start(w, NULL, ERR_INTERNAL);
    assert_int_equal(w->m->nchat, 2);
    assert_non_null(strstr(w->m->chat[0].text, "of the disk"));
    of(w, "activity")->loud = true;
    views_tick(w->m, &w->fx);
    view_state_leave(w->m, &w->fx);
    assert_null(asked(w, FILE_SAVE));
}

static void before_it_is_read_nothing_is_written(void **state)
{
    struct world *w = *state;
    of(w, "activity")->loud = true;
    views_tick(w->m, &w->fx);
    view_state_leave(w->m, &w->fx);
    assert_null(asked(w, FILE_SAVE));
}

static void secrets_stay_out(void **state)
{
    struct world *w = *state;
    struct buf text = {0};
    snprintf(of(w, "activity")->filter, TABLEVIEW_FILTER, "password=s3cretword");
    of(w, "activity")->reverse = true;
    view_state_text(w->m->live.of, &text);
    assert_string_equal(buf_text(&text), "activity reverse\n");
    buf_clear(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(written_and_read_again),
        TEST(the_next_run_begins_so),
        TEST(what_cannot_be_read_is_left),
        TEST(before_it_is_read_nothing_is_written),
        TEST(secrets_stay_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
