/* Questions that come by themselves: no key that was meant for a view, a list or a page of the DBA's answers one of them, each
 * is announced with the key that opens it, and none is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "pgd/app/dialogs_come.h"
#include "pgd/app/keys.h"
#include "pgd/app/views.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/tableview.h"
#include "pgd/ui/view.h"

enum { SECOND = 1000000 };

struct world {
    struct model *m;
    struct effects fx;
    struct canvas *c;
};

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct link *l;

    w->m = calloc(1, sizeof *w->m);
    model_init(w->m);
    w->m->now_us = 100 * SECOND;
    l = &w->m->links[CONN_CONTROL];
    l->state = LINK_UP;
    text_copy(l->host, sizeof l->host, "10.0.0.230");
    w->m->links[CONN_VIEWS].state = LINK_CONNECTING;
    w->m->flow = FLOW_ROUND;
    w->m->session.state = SESSION_ACTIVE;
    w->c = canvas_new(24, 80);
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

static void tick(struct world *w, int seconds)
{
    for (int i = 0; i < seconds; i++) {
        effects_clear(&w->fx);
        w->m->now_us += SECOND;
        keys_tick(w->m, &w->fx);
    }
}

/* The result of a session asks: k keeps it, r takes everything back. */
static void result_asks(struct world *w)
{
    w->m->fl.decision = DECIDE_KEEP;
    (void)dialogs_come(w->m, DIALOG_SUMMARY);
}

static bool bottom_says(struct world *w, int cols, int rows, const char *text)
{
    struct view_cursor cursor;

    w->m->screen.cols = cols;
    w->m->screen.rows = rows;
    canvas_resize(w->c, rows, cols);
    view_paint(w->c, w->m, keys_tables(), &cursor);
    return canvas_row_has(w->c, rows - 1, text);
}

static void it_comes_at_once_where_nobody_types(void **state)
{
    struct world *w = *state;

    result_asks(w);
    assert_int_equal(model_dialog(w->m), DIALOG_SUMMARY);
    assert_false(bottom_says(w, 80, 24, "waits"));
}

static void a_key_of_the_panes_answers_nothing(void **state)
{
    struct world *w = *state;

    w->m->screen.focus = PANE_ROUNDS;
    press(w, KEYN_NONE, 'j');
    result_asks(w);
    press(w, KEYN_NONE, 'k'); /* it was on its way when the question came */
    assert_int_equal(w->m->fl.decision, DECIDE_KEEP);
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    assert_true(bottom_says(w, 120, 36, "t the result waits"));
    assert_true(bottom_says(w, 80, 24, "t the result waits"));
    tick(w, 2);
    assert_int_equal(model_dialog(w->m), DIALOG_SUMMARY);
}

static void a_live_view_keeps_its_keys(void **state)
{
    static const char keys[] = {'k', 'r', 's', '6', '7', '0', 'j'};
    struct world *w = *state;

    press(w, KEYN_NONE, '6');
    assert_non_null(w->m->live.at);
    tick(w, 30);
    result_asks(w);
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        press(w, KEYN_NONE, keys[i]);
    assert_int_equal(w->m->fl.decision, DECIDE_KEEP);
    assert_int_equal(model_dialog(w->m), DIALOG_VIEWS); /* of 0 */
    press(w, KEYN_ESC, 0);
    assert_non_null(w->m->live.at);
    tick(w, 30);
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    assert_true(bottom_says(w, 120, 36, "t the result waits"));
    assert_true(bottom_says(w, 80, 24, "t the result waits"));
    press(w, KEYN_NONE, 't');
    assert_int_equal(model_dialog(w->m), DIALOG_SUMMARY);
    press(w, KEYN_ESC, 0);
    assert_int_equal(w->m->fl.decision, DECIDE_KEEP);
    tick(w, 30);
    assert_true(bottom_says(w, 80, 24, "t the result waits")); /* put off is not gone */
}

static void it_opens_when_the_view_is_left(void **state)
{
    struct world *w = *state;

    press(w, KEYN_NONE, '6');
    press(w, KEYN_NONE, '/'); /* a filter */
    press(w, KEYN_NONE, 'k');
    result_asks(w);
    press(w, KEYN_NONE, 'r');
    press(w, KEYN_ENTER, 0);
    press(w, KEYN_ESC, 0);
    press(w, KEYN_ESC, 0);
    press(w, KEYN_ESC, 0);
    assert_null(w->m->live.at);
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    tick(w, 2);
    assert_int_equal(model_dialog(w->m), DIALOG_SUMMARY);
    assert_int_equal(w->m->fl.decision, DECIDE_KEEP);
}

static void a_page_of_the_dba_stays(void **state)
{
    struct world *w = *state;

    press(w, KEYN_NONE, '?');
    assert_int_equal(model_dialog(w->m), DIALOG_HELP);
    tick(w, 60); /* who reads presses nothing */
    result_asks(w);
    assert_int_equal(model_dialog(w->m), DIALOG_HELP);
    assert_true(bottom_says(w, 80, 24, "the result waits until this is closed"));
    press(w, KEYN_NONE, 'k');
    press(w, KEYN_NONE, 'q');
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    assert_int_equal(w->m->fl.decision, DECIDE_KEEP);
    tick(w, 2);
    assert_int_equal(model_dialog(w->m), DIALOG_SUMMARY);
}

/* Nothing is worse than what must be done by hand: no view hides it, and no key of the view closes it. */
static void what_must_be_done_comes_at_once(void **state)
{
    struct world *w = *state;

    press(w, KEYN_NONE, '6');
    tick(w, 30);
    w->m->flow = FLOW_STUCK;
    (void)dialogs_come(w->m, DIALOG_STUCK);
    assert_int_equal(model_dialog(w->m), DIALOG_STUCK);
    press(w, KEYN_ESC, 0); /* on its way: out of the view */
    press(w, KEYN_NONE, 'q');
    w->m->now_us += SECOND - 1;
    press(w, KEYN_ESC, 0); /* who presses on has not read it */
    w->m->now_us += SECOND - 1;
    press(w, KEYN_ESC, 0);
    assert_int_equal(model_dialog(w->m), DIALOG_STUCK);
    tick(w, 2);
    press(w, KEYN_ESC, 0);
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    assert_true(bottom_says(w, 80, 24, "! t what you must do waits"));
    assert_int_equal(w->c->cells[23 * 80 + 1].style, STYLE_BAD);
    press(w, KEYN_NONE, 't');
    assert_int_equal(model_dialog(w->m), DIALOG_STUCK);
    press(w, KEYN_ESC, 0);
    press(w, KEYN_NONE, '/'); /* a filter: t is a letter of it */
    assert_true(bottom_says(w, 80, 24, "! what you must do waits"));
}

/* A page of the DBA's stays, and says for as long as it does what waits under it. */
static void a_page_says_that_something_must_be_done(void **state)
{
    struct world *w = *state;

    press(w, KEYN_NONE, '?');
    tick(w, 60);
    w->m->flow = FLOW_STUCK;
    (void)dialogs_come(w->m, DIALOG_STUCK);
    assert_int_equal(model_dialog(w->m), DIALOG_HELP);
    tick(w, 60);
    assert_true(bottom_says(w, 80, 24, "! what you must do waits until this is closed"));
    press(w, KEYN_NONE, 'q');
    tick(w, 2);
    assert_int_equal(model_dialog(w->m), DIALOG_STUCK);
}

/* The server waits for a password until it has one, whatever comes over the question. */
static void a_question_for_a_password_is_not_lost(void **state)
{
    struct world *w = *state;

    w->m->links[CONN_CONTROL].state = LINK_PASSWORD;
    press(w, KEYN_NONE, '6');
    tick(w, 5);
    (void)dialogs_come(w->m, DIALOG_PASSWORD);
    press(w, KEYN_NONE, 't');
    press(w, KEYN_NONE, 'j');
    secret_id typed = w->m->screen.dialog.secret;
    assert_string_equal(secret_get(typed), "j");
    (void)dialogs_come(w->m, DIALOG_ERROR);
    assert_true(!secret_get(typed) || !*secret_get(typed)); /* half of one is kept nowhere */
    press(w, KEYN_NONE, 't');
    assert_int_equal(model_dialog(w->m), DIALOG_ERROR);
    press(w, KEYN_ESC, 0);
    assert_int_equal(model_dialog(w->m), DIALOG_NONE);
    assert_true(bottom_says(w, 80, 24, "t the question for a password waits"));
    press(w, KEYN_NONE, 't');
    assert_int_equal(model_dialog(w->m), DIALOG_PASSWORD);
    assert_int_equal(w->m->screen.dialog.secret_len, 0);
}

/* A letter of a view is no part of a password. */
static void no_secret_is_typed_by_mistake(void **state)
{
    struct world *w = *state;

    press(w, KEYN_NONE, '6');
    tick(w, 5);
    (void)dialogs_come(w->m, DIALOG_PASSWORD);
    press(w, KEYN_NONE, 'j');
    assert_int_equal(w->m->screen.dialog.secret_len, 0);
    press(w, KEYN_NONE, 't');
    press(w, KEYN_NONE, 'j');
    assert_int_equal(w->m->screen.dialog.secret_len, 1);
}

/* What a key for the loop leads to is not held up, wherever the DBA is. */
static void an_answer_is_followed_at_once(void **state)
{
    struct world *w = *state;

    press(w, KEYN_NONE, '6');
    result_asks(w);
    press(w, KEYN_NONE, 't');
    w->m->screen.dialog.kind = DIALOG_NONE; /* decided */
    w->m->now_us += SECOND;
    (void)dialogs_come(w->m, DIALOG_STRATEGY);
    assert_int_equal(model_dialog(w->m), DIALOG_STRATEGY);
    press(w, KEYN_CTRL, 'c'); /* also of a view: what is left in force? */
    (void)dialogs_come(w->m, DIALOG_PAUSE);
    assert_int_equal(model_dialog(w->m), DIALOG_PAUSE);
    w->m->screen.dialog = (struct dialog){
        .kind = DIALOG_SWITCH}; /* y: the other one asks at once */
    w->m->now_us += 60 * SECOND;
    press(w, KEYN_NONE, 'y');
    w->m->screen.dialog = (struct dialog){.kind = DIALOG_NONE};
    (void)dialogs_come(w->m, DIALOG_RECOVER);
    assert_int_equal(model_dialog(w->m), DIALOG_RECOVER);
    w->m->opt.headless = true;
    w->m->screen.asked_us = 0;
    (void)dialogs_come(w->m, DIALOG_PLAN);
    assert_int_equal(model_dialog(w->m), DIALOG_PLAN);
}

/* Esc, "later", in any question of the loop: the key line says for as long as it waits how it is opened again. */
static void later_says_how(void **state)
{
    static const struct {
        enum decision decision;
        enum dialog_kind kind;
        const char *says;
    } cases[] = {
        {DECIDE_RECOVER, DIALOG_RECOVER, "t the interrupted session waits"},
        {DECIDE_TARGET, DIALOG_TARGET, "t the target waits"},
        {DECIDE_REVIEW, DIALOG_REVIEW, "t the proposal waits"},
        {DECIDE_VERDICT, DIALOG_VERDICT, "t the verdict waits"},
        {DECIDE_KEEP, DIALOG_SUMMARY, "t the result waits"},
        {DECIDE_MANUAL, DIALOG_MANUAL, "t the change that is yours to make waits"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        w->m->fl.decision = cases[i].decision;
        (void)dialogs_come(w->m, cases[i].kind);
        assert_int_equal(model_dialog(w->m), cases[i].kind);
        press(w, KEYN_ESC, 0);
        assert_int_equal(model_dialog(w->m), DIALOG_NONE);
        tick(w, 300);
        assert_int_equal(model_dialog(w->m),
                         DIALOG_NONE); /* it was put off: it does not come again */
        if (!bottom_says(w, 120, 36, cases[i].says) || !bottom_says(w, 80, 24, cases[i].says))
            fail_msg("%s", cases[i].says);
        press(w, KEYN_NONE, 't');
        assert_int_equal(model_dialog(w->m), cases[i].kind);
        assert_false(bottom_says(w, 80, 24, "waits"));
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_comes_at_once_where_nobody_types),
        TEST(a_key_of_the_panes_answers_nothing),
        TEST(a_live_view_keeps_its_keys),
        TEST(it_opens_when_the_view_is_left),
        TEST(a_page_of_the_dba_stays),
        TEST(what_must_be_done_comes_at_once),
        TEST(a_page_says_that_something_must_be_done),
        TEST(a_question_for_a_password_is_not_lost),
        TEST(no_secret_is_typed_by_mistake),
        TEST(an_answer_is_followed_at_once),
        TEST(later_says_how),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
