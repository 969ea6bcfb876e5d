/* The live view on the screen: what is asked and when, what is drawn at three sizes, and how a session is ended. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/keys.h"
#include "pgd/app/readonly.h"
#include "pgd/app/views.h"
#include "pgd/app/views_end.h"
#include "pgd/base/text.h"
#include "pgd/ui/pane_view.h"

enum { SECOND = 1000000 };

struct world {
    struct model *m;
    struct effects fx;
    struct canvas *c;
};

static const char sessions[] =
    "pid|backend_start|query_start|usename|datname|application_name|client|state|wait|statement_s|"
    "xact_s|idle_s|blocked|blockers|query|note\n"
    "101|b1|q1|app|shop|web|local|active|Lock:tuple|3.2|4||1|102|UPDATE acc SET v = 1|rights lack\n"
    "102|b2|q2|app|shop|batch|local|active|CPU|70.5|90||||SELECT long|\n"
    "103|b3|q3|dba|shop|psql|local|idle||||500|||COMMIT|\n"
    "104|\\N|\\N|other|shop|x|local|hidden|||||||\\N|\n";

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    w->m = calloc(1, sizeof *w->m);
    model_init(w->m);
    w->m->now_us = 100 * SECOND;
    w->m->screen.cols = 120;
    w->m->screen.rows = 36;
    w->m->links[CONN_CONTROL].state = LINK_UP;
    w->c = canvas_new(36, 120);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    effects_clear(&w->fx);
    model_clear(w->m);
    canvas_free(w->c);
    free(w->m);
    free(w);
    return 0;
}

static void press(struct world *w, enum key_name name, char letter)
{
    effects_clear(&w->fx);
    keys_key(w->m, (struct key){name, (uint32_t)letter}, &w->fx);
}

static void type(struct world *w, const char *text)
{
    for (; *text; text++)
        press(w, KEYN_NONE, *text);
}

static void tick(struct world *w, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        effects_clear(&w->fx);
        w->m->now_us += SECOND;
        views_tick(w->m, &w->fx);
    }
}

static struct effect *query(struct world *w)
{
    for (size_t i = w->fx.n; i > 0; i--)
        if (w->fx.items[i - 1].kind == FX_PG_QUERY)
            return &w->fx.items[i - 1];
    return NULL;
}

/* Answers the question that is out: with rows, or with an error of that state. */
static void answer(struct world *w, const char *rows, const char *sqlstate)
{
    struct effect *asked = query(w);
    assert_non_null(asked);
    struct event ev = {.kind = EV_PG_RESULT, .req = asked->req, .at_us = w->m->now_us};

    if (sqlstate) {
        err_set(&ev.err, ERR_SQL, "the server refused");
        text_copy(ev.err.sqlstate, sizeof ev.err.sqlstate, sqlstate);
    } else {
        ev.rows = rows_parse(rows);
    }
    effects_clear(&w->fx);
    views_event(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static void link_up(struct world *w)
{
    struct event ev = {.kind = EV_PG_UP};

    w->m->links[CONN_VIEWS].state = LINK_UP;
    w->m->links[CONN_VIEWS].server_version = 150018;
    ev.u.pg.conn = CONN_VIEWS;
    effects_clear(&w->fx);
    views_event(w->m, &ev, &w->fx);
}

static void shown(struct world *w, const char *view)
{
    views_open(w->m, tableview_find(view), &w->fx);
    link_up(w);
    assert_non_null(strstr(query(w)->text, "statement_timeout"));
    answer(w, "set_config\n500ms\n", NULL);
}

static void paint(struct world *w, int cols, int rows)
{
    struct view_cursor cursor;

    w->m->screen.flash_until_us = 0; /* the key line is looked at */

    canvas_resize(w->c, rows, cols);
    w->m->screen.cols = cols;
    w->m->screen.rows = rows;
    view_paint(w->c, w->m, keys_tables(), &cursor);
    if (getenv("PGD_SHOW")) {
        struct buf b = {0};
        canvas_text(w->c, &b);
        printf("%s\n", buf_text(&b));
        buf_clear(&b);
    }
}

static void test_one_question_a_tick(void **state)
{
    struct world *w = *state;

    tick(w, 3);
    assert_int_equal(w->m->links[CONN_VIEWS].state, LINK_OFF); /* the panes ask nothing */
    press(w, KEYN_NONE, '6');
    assert_int_equal(w->m->links[CONN_VIEWS].state, LINK_CONNECTING);
    tick(w, 2);
    assert_null(query(w));
    link_up(w);
    answer(w, "set_config\n500ms\n", NULL);
    assert_non_null(strstr(query(w)->text, "pg_stat_activity"));
    assert_int_equal(query(w)->u.pg.conn, CONN_VIEWS);
    struct effect late = effect_copy(query(w));
    tick(w, 3); /* not answered: nothing is put on top of it */
    assert_null(query(w));
    assert_int_equal(w->m->live.missed, 3);
    *effects_add(&w->fx, FX_PG_QUERY, late.req) = late;
    answer(w, sessions, NULL);
    assert_int_equal(w->m->live.now.n, 4);
    tick(w, 1);
    assert_non_null(query(w));
    answer(w, sessions, NULL);
    press(w, KEYN_NONE, ' ');
    tick(w, 3);
    assert_null(query(w)); /* frozen */
    press(w, KEYN_NONE, ' ');
    tick(w, 1);
    assert_non_null(query(w));
    press(w, KEYN_NONE, 'q'); /* to the panes: its connection goes */
    assert_null(w->m->live.at);
    assert_int_equal(w->m->links[CONN_VIEWS].state, LINK_OFF);
    tick(w, 2);
    assert_int_equal(w->fx.n, 0);
    assert_false(w->m->quitting);
}

static void test_late_and_refused_answers_are_asked_less_often(void **state)
{
    struct world *w = *state;
    static const int waits[] = {2, 4, 8, 16, 16};

    shown(w, "activity");
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        answer(w, NULL, "57014");
        assert_int_equal(w->m->live.missed, i + 1);
        tick(w, waits[i] - 1);
        assert_null(query(w));
        tick(w, 1);
    }
    paint(w, 120, 36);
    assert_true(canvas_has(w->c, "missed: 5"));
    answer(w, sessions, NULL);
    assert_int_equal(w->m->live.err.code, ERR_NONE);
    tick(w, 1);
    answer(w, NULL, "42501");
    tick(w, 9);
    assert_null(query(w));
    paint(w, 120, 36);
    assert_true(canvas_has(w->c, "the server refused"));
    assert_true(canvas_has(w->c, "pg_stat_activity cannot be read"));
    assert_true(canvas_has(w->c, "SELECT long")); /* what was known stays, and its age is said */
    assert_true(canvas_has(w->c, "10 s old"));
    tick(w, 1);
    assert_non_null(query(w));
}

static void test_it_is_drawn_at_three_sizes(void **state)
{
    struct world *w = *state;
    static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}};

    shown(w, "activity");
    answer(w, sessions, NULL);
    for (int ascii = 0; ascii < 2; ascii++)
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            w->m->screen.ascii = ascii;
            paint(w, sizes[i][0], sizes[i][1]);
            assert_true(canvas_has(w->c, "6 Activity"));
            assert_true(canvas_has(w->c, "3 of 4 rows"));
            assert_true(canvas_has(w->c, "1 idle hidden: i"));
            assert_true(canvas_has(w->c, "rights lack"));
            assert_true(canvas_has(w->c, ascii ? "statementv" : "statement\xe2\x96\xbe"));
            assert_true(canvas_has(w->c, "1:10 min"));
            assert_true(canvas_has(w->c, "Lock:tuple"));
            assert_true(canvas_has(w->c, "UPDATE acc"));
            assert_true(canvas_row_has(w->c, 4, "102")); /* the longest first */
            assert_true(canvas_row_has(w->c, sizes[i][1] - 1, "f filter"));
            assert_int_equal(STYLE_ROLE(canvas_style_at(w->c, 4, 8)), STYLE_SELECTED);
        }
    w->m->screen.ascii = false;
    press(w, KEYN_NONE, 'i');
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "4 rows"));
    for (int i = 0; i < 30; i++)
        press(w, KEYN_RIGHT, 0);
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "102"));
    assert_false(canvas_has(w->c, "Lock:tuple"));
    for (int i = 0; i < 30; i++)
        press(w, KEYN_LEFT, 0);
    press(w, KEYN_DOWN, 0);
    press(w, KEYN_ENTER, 0);
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "Activity: one row"));
    assert_true(canvas_has(w->c, "blocked by: 102"));
    paint(w, 160, 45);
    assert_true(canvas_has(w->c, "Blocked by pid 102"));
    assert_true(canvas_has(w->c, "SELECT long"));
    press(w, KEYN_ESC, 0);
    type(w, "f");
    keys_paste(w->m, "no\nthing", 8, &w->fx);
    assert_string_equal(w->m->live.of[0].filter, "no thing");
    press(w, KEYN_CTRL, 'u');
    type(w, "nothing");
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "0 of 4 rows"));
    assert_true(canvas_has(w->c, "Esc clears it"));
    press(w, KEYN_BACKSPACE, 0);
    press(w, KEYN_ESC, 0);
    assert_string_equal(w->m->live.of[0].filter, "");
    for (int rows = 4; rows < 14; rows++)
        paint(w, 41, rows);
}

static void test_another_view_begins_anew(void **state)
{
    struct world *w = *state;
    struct effect old;

    shown(w, "activity");
    old = effect_copy(query(w));
    press(w, KEYN_NONE, '7');
    if (strstr(query(w)->text, "statement_timeout")) /* each may have limits of its own */
        answer(w, "set_config\n500ms\n", NULL);
    assert_non_null(strstr(query(w)->text, "pg_blocking_pids"));
    *effects_add(&w->fx, FX_PG_QUERY, old.req) = old;
    answer(w, sessions, NULL); /* of the view before: nobody reads it */
    assert_int_equal(w->m->live.now.n, 0);
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "Waiting for the first answer."));
    press(w, KEYN_NONE, '0');
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "Live views"));
    press(w, KEYN_NONE, '6');
    assert_ptr_equal(w->m->live.at, tableview_find("activity"));
    views_command(w->m, "blocking", &w->fx);
    assert_ptr_equal(w->m->live.at, tableview_find("blocking"));
    views_command(w->m, "off", &w->fx);
    assert_null(w->m->live.at);
    views_command(w->m, "nosuch", &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_VIEWS);
}

static const char *last_said(struct world *w)
{
    return w->m->nchat ? w->m->chat[w->m->nchat - 1].text : "";
}

static void test_a_session_is_ended_by_its_pid(void **state)
{
    struct world *w = *state;
    struct buf moved = {0};

    shown(w, "activity");
    answer(w, sessions, NULL);
    press(w, KEYN_NONE, 'T');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SIGNAL);
    /* meanwhile the rows move: what was fixed stays */
    tick(w, 1);
    buf_puts(&moved, sessions);
    buf_puts(&moved, "999|b9|q9|x|shop|new|local|active|CPU|9999|1||||SELECT new|\n");
    answer(w, buf_text(&moved), NULL);
    buf_clear(&moved);
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "SELECT pg_terminate_backend(102)"));
    type(w, "999");
    press(w, KEYN_ENTER, 0);
    assert_null(query(w));
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SIGNAL);
    paint(w, 80, 24);
    assert_true(canvas_has(w->c, "Nothing was sent"));
    press(w, KEYN_CTRL, 'u');
    type(w, "102");
    press(w, KEYN_ENTER, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    struct effect *sent = query(w);
    assert_non_null(sent);
    assert_non_null(strstr(sent->text, "pg_terminate_backend(a.pid)"));
    assert_non_null(strstr(sent->text, "a.pid = 102 AND a.backend_start = 'b2'"));
    assert_true(sent->changes_server);
    assert_false(readonly_allows(sent));
    assert_true(readonly_ends(sent)); /* the exception of `watch` */
    sent->changes_server = false;     /* its words alone are enough */
    assert_false(readonly_allows(sent));
    struct effect other = effect_copy(sent);
    char *text = other.text;
    other.text = xstrdup("SELECT pg_catalog.pg_terminate_backend(a.pid) AS sent FROM "
                         "pg_catalog.pg_stat_activity AS a, pg_catalog.pg_reload_conf()");
    free(text);
    assert_false(readonly_ends(&other)); /* more than that */
    other.req.owner = OWNER_FLOW;
    text = other.text;
    other.text = xstrdup(sent->text);
    free(text);
    assert_false(readonly_ends(&other)); /* somebody else's */
    effect_clear(&other);
    answer(w, "sent\nt\n", NULL);
    assert_non_null(strstr(last_said(w), "pid 102 was told to end"));
    tick(w, 1);
    answer(w, "pid|state|query|backend_start\n101|active|q|b1\n102|active|other|b7\n", NULL);
    assert_non_null(
        strstr(last_said(w), "the session of pid 102 has ended")); /* the pid is another's */
}

#define BLOCKING                                                                             \
    "pid|behind|usename|datname|application_name|state|waits_s|xact_s|mode|object|blockers|" \
    "locktype|backend_start|query_start|query|note\n"

/* Two sessions of which one waits; the root is told to end, and the view has nobody left. */
static void end_the_root(struct world *w)
{
    shown(w, "blocking");
    answer(w,
           BLOCKING "102||app|shop|batch|active||90||||b2|q2|SELECT long|\n"
                    "101||app|shop|web|active|3|4|ShareLock|end|102|transactionid|b1|q1|UPDATE|\n",
           NULL);
    press(w, KEYN_NONE, 'T');
    type(w, "102");
    press(w, KEYN_ENTER, 0);
    answer(w, "sent\nt\n", NULL);
    tick(w, 1);
    answer(w, BLOCKING, NULL);
}

static void test_to_block_nobody_is_not_to_end(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *rows, *said;
    } cases[] = {
        {"state|query_start|same\nactive|q2|t\n", NULL}, /* it blocks nobody, and is there */
        {"state|query_start|same\n\\N|\\N|\\N\n", NULL}, /* may not be seen */
        {"state|query_start|same\nidle|q9|f\n", "the session of pid 102 has ended"},
        {"state|query_start|same\n", "the session of pid 102 has ended"},
    };

    end_the_root(w);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(strstr(last_said(w), "has ended"));
        struct effect *look = query(w);
        assert_non_null(look);
        assert_non_null(strstr(look->text, "WHERE a.pid = 102"));
        assert_true(readonly_allows(look));
        answer(w, cases[i].rows, NULL);
        if (cases[i].said) {
            assert_non_null(strstr(last_said(w), cases[i].said));
            assert_int_equal(w->m->live.end.sent_us, 0);
            model_say(w->m, CHAT_EVENT, "again");
            w->m->live.end.sent_us = w->m->now_us;
        }
        tick(w, 1);
        answer(w, BLOCKING, NULL);
    }
    /* Activity leaves out who is no client: a worker that blocked is asked for there, too */
    views_open(w->m, tableview_find("activity"), &w->fx);
    if (strstr(query(w)->text, "statement_timeout"))
        answer(w, "set_config\n500ms\n", NULL);
    answer(w, "pid|state|query|backend_start\n101|active|q|b1\n", NULL);
    assert_null(strstr(last_said(w), "has ended"));
    assert_non_null(strstr(query(w)->text, "WHERE a.pid = 102"));
    for (int i = 0; i < 8 && w->m->live.end.sent_us; i++) {
        answer(w, cases[0].rows, NULL);
        tick(w, 1);
        answer(w, "pid|state|query|backend_start\n101|active|q|b1\n", NULL);
    }
    assert_non_null(strstr(last_said(w), "is still there 5 s after"));
}

static void test_what_became_of_it_is_said(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *rows, *sqlstate, *said;
    } cases[] = {
        {"sent\n", NULL, "nothing was sent: that statement of pid 102 is gone"},
        {"sent\nf\n", NULL, "was not told"},
        {NULL, "42501", "was not told to cancel its statement: the server refused"},
    };

    shown(w, "activity");
    answer(w, sessions, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        press(w, KEYN_NONE, 'C');
        type(w, "102");
        press(w, KEYN_ENTER, 0);
        assert_non_null(strstr(query(w)->text, "a.state = 'active' AND a.query_start = 'q2'"));
        answer(w, cases[i].rows, cases[i].sqlstate);
        assert_non_null(strstr(last_said(w), cases[i].said));
    }
    /* still there five seconds after */
    press(w, KEYN_NONE, 'C');
    type(w, "102");
    press(w, KEYN_ENTER, 0);
    answer(w, "sent\nt\n", NULL);
    for (int i = 0; i < 7; i++) {
        tick(w, 1);
        answer(w, sessions, NULL);
    }
    assert_non_null(strstr(last_said(w), "is still there 5 s after"));
}

static void test_what_cannot_be_ended(void **state)
{
    struct world *w = *state;

    shown(w, "activity");
    answer(w, sessions, NULL);
    type(w, "fother");
    press(w, KEYN_ENTER, 0);
    press(w, KEYN_NONE, 'T'); /* when it began may not be seen */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    assert_non_null(strstr(last_said(w), "nothing is sent"));
    press(w, KEYN_ESC, 0);
    type(w, "ifdba");
    press(w, KEYN_ENTER, 0);
    press(w, KEYN_NONE, 'C');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    assert_non_null(strstr(last_said(w), "nothing to cancel"));
    press(w, KEYN_NONE, 'T');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SIGNAL);
    press(w, KEYN_ESC, 0);
    /* read-only, or a workspace that another program holds: the keys are not there */
    for (int i = 0; i < 2; i++) {
        w->m->opt.readonly = i == 0;
        w->m->workspace.readonly = i == 1;
        press(w, KEYN_NONE, 'T');
        press(w, KEYN_NONE, 'C');
        keys_run(w->m, KC_VIEW_TERMINATE, &w->fx);
        assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
        paint(w, 160, 45);
        assert_false(canvas_has(w->c, "T end it"));
        press(w, KEYN_NONE, '?');
        paint(w, 160, 45);
        assert_true(canvas_has(w->c, "Here: the view Activity"));
        press(w, KEYN_ESC, 0);
    }
    /* `watch` has them, until /readonly */
    w->m->workspace.readonly = false;
    w->m->opt.readonly = w->m->opt.ends = true;
    press(w, KEYN_NONE, 'T');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_SIGNAL);
    press(w, KEYN_ESC, 0);
    paint(w, 160, 45);
    assert_true(canvas_has(w->c, "T end it"));
    commands_run(w->m, "readonly", &w->fx);
    press(w, KEYN_NONE, 'T');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    w->m->opt.readonly = false;
    /* it was asked before the program became read-only */
    w->m->workspace.readonly = false;
    press(w, KEYN_NONE, 'T');
    type(w, "103");
    w->m->opt.readonly = true;
    press(w, KEYN_ENTER, 0);
    assert_null(query(w));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(test_one_question_a_tick),
        CASE(test_late_and_refused_answers_are_asked_less_often),
        CASE(test_it_is_drawn_at_three_sizes),
        CASE(test_another_view_begins_anew),
        CASE(test_a_session_is_ended_by_its_pid),
        CASE(test_to_block_nobody_is_not_to_end),
        CASE(test_what_became_of_it_is_said),
        CASE(test_what_cannot_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
