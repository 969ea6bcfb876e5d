/* Views of who is asked: the notice, the choice of a model, costs, the next request, the trust in PGDIAG.md, the state of the model in
 * the status line, and what stands out in the telemetry. Each at three sizes; PGD_SHOW=1 prints the screens. */
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
#include "pgd/app/keys.h"
#include "pgd/base/text.h"
#include "pgd/ui/view.h"

static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}};

struct fixture {
    struct model *m;
    struct canvas *c;
    struct view_cursor cursor;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct model *m = calloc(1, sizeof *m);
    struct err e = {0};
    if (!f || !m)
        return 1;
    model_init(m);
    f->m = m;
    f->c = canvas_new(24, 80);
    m->now_us = 100000000;
    m->wall_us = 1700000000000000;
    m->flow = FLOW_WATCH;
    m->links[CONN_CONTROL].state = LINK_UP;
    text_copy(m->links[CONN_CONTROL].user, 32, "postgres");
    text_copy(m->links[CONN_CONTROL].host, 32, "10.0.0.230");
    m->partner.kind = PARTNER_GEMINI;
    m->partner.privacy = PRIVACY_REDACTED;
    m->partner.cap_usd = 5;
    m->partner.cap_calls = 400;
    text_copy(m->partner.endpoint.base, 100, "https://generativelanguage.googleapis.com");
    text_copy(m->partner.endpoint.model, 40, "gemini-3.8-flash");
    *state = f;
    return prices_load(&m->partner.prices, NULL, 0, &e) ? 0 : 1;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    canvas_free(f->c);
    model_clear(f->m);
    free(f->m);
    free(f);
    return 0;
}

static void paint(struct fixture *f, size_t size)
{
    int cols = sizes[size][0], rows = sizes[size][1];
    canvas_resize(f->c, rows, cols);
    f->m->screen.cols = cols;
    f->m->screen.rows = rows;
    view_paint(f->c, f->m, keys_tables(), &f->cursor);
    if (getenv("PGD_SHOW")) {
        struct buf b = {0};
        canvas_text(f->c, &b);
        printf("%s\n", buf_text(&b));
        buf_clear(&b);
    }
}

static bool shows(struct fixture *f, const char *text)
{
    struct buf b = {0};
    canvas_text(f->c, &b);
    bool found = strstr(buf_text(&b), text) != NULL;
    buf_clear(&b);
    return found;
}

static void must_show(struct fixture *f, const char *const *texts)
{
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        paint(f, i);
        for (const char *const *t = texts; *t; t++)
            if (!shows(f, *t))
                fail_msg("%d x %d lacks \"%s\"", sizes[i][0], sizes[i][1], *t);
    }
}

static void press(struct fixture *f, enum key_name name, char letter)
{
    struct effects fx = {0};
    keys_key(f->m, (struct key){name, (uint32_t)letter}, &fx);
    effects_clear(&fx);
}

static void the_notice_is_whole_at_every_size(void **state)
{
    struct fixture *f = *state;
    f->m->screen.dialog.kind = DIALOG_NOTICE;
    must_show(f,
              (const char *const[]){"leaves this machine", "https://generativelanguage",
                                    "\xe2\x89\x88 $5.00 or 400 calls", "Never a password or a key",
                                    "Level redacted", "free tier", "y  send it",
                                    "n  the builtin advisor: nothing leaves", "w  look at", NULL});
    text_copy(f->m->partner.endpoint.base, 100, "http://127.0.0.1:11434/v1");
    must_show(
        f, (const char *const[]){"goes to another program", NULL}); /* a gateway may listen there */
}

static void costs_keep_their_columns(void **state)
{
    struct fixture *f = *state;
    struct partner *p = &f->m->partner;
    p->told = true;
    p->session = (struct spent){.calls = 1, .in = 41200, .out = 900, .usd = 0.0321, .unpriced = 1};
    p->ncalls = 2;
    p->calls[0] = (struct call_note){.op = OP_FIRST_SIGHT,
                                     .usage = {.in = 41200, .cached = 38000, .out = 900},
                                     .usage_known = true,
                                     .usd = 0.0321,
                                     .seconds = 12.25};
    p->calls[1] = (struct call_note){.op = OP_NEXT_STRATEGIES, .usd = NAN, .failed = true};
    text_copy(p->calls[1].why, sizeof p->calls[1].why, "the answer stopped coming");
    f->m->screen.dialog.kind = DIALOG_COST;
    must_show(
        f, (const char *const[]){"first_sight_analysis  41200  38000      0    900   0.0321  12.2",
                                 "get_next_strategies       ?      ?      ?      ?        ?",
                                 "the answer stopped coming", "1 call in 0 s",
                                 "1 call of unknown price", "thinking is billed", NULL});
}

/* Rules alone, and what they have seen is not of now. */
static void the_health_page_says_how_old_it_is(void **state)
{
    struct fixture *f = *state;
    struct health *h = &f->m->health;
    h->state = HEALTH_DONE;
    h->checks = 47;
    h->ok = 45;
    h->n = 2;
    h->found[0] = (struct health_finding){.check = health_check_at(0), .grade = HEALTH_CRITICAL};
    h->found[1] = (struct health_finding){
        .check = health_check_at(5), .grade = HEALTH_UNKNOWN, .said.figure = "needs a right"};
    f->m->now_us = INT64_C(3600) * 1000000;
    f->m->fl.discovered_us = f->m->now_us - INT64_C(7) * 60000000;
    f->m->screen.dialog.kind = DIALOG_HEALTH;
    must_show(f, (const char *const[]){"1 critical; 45 of 47 checks", "of 7 min ago; r looks again",
                                       "critical fsync is off", "unknown", "needs a right", NULL});
}

static void models_have_their_prices(void **state)
{
    struct fixture *f = *state;
    struct partner *p = &f->m->partner;
    p->nmodels = 3;
    text_copy(p->models[0], MODEL_NAME_MAX, "gemini-3.8-flash");
    text_copy(p->models[1], MODEL_NAME_MAX, "gemini-3.5-flash-lite");
    text_copy(p->models[2], MODEL_NAME_MAX, "a-model-of-ours");
    f->m->screen.dialog.kind = DIALOG_MODEL;
    must_show(f, (const char *const[]){"now: gemini-3.8-flash",
                                       "gemini-3.8-flash       $  0.75 in  $  3.75 out",
                                       "gemini-3.5-flash-lite  $  0.30 in  $  2.50 out",
                                       "a-model-of-ours        price unknown", "Enter take", NULL});
    text_copy(p->gone, MODEL_NAME_MAX, "gemini-3.8-flash");
    must_show(f, (const char *const[]){"gemini-3.8-flash is gone: pick another",
                                       "gone: it does not answer", NULL});
    press(f, KEYN_PGDN, 0);
    assert_int_equal(f->m->screen.dialog.cursor, 2);
}

/* All that is sent is on the screen, each character, whatever the width; scrolling ends with the text. */
static void the_next_request_is_shown_whole(void **state)
{
    struct fixture *f = *state;
    struct buf *text = &f->m->talk.preview;
    for (int i = 0; i < 400; i++)
        buf_printf(text, "{\"n%d\": \"a  b\"}, ", i);
    buf_puts(text, "\xe6\x8e\x92\n\nthe end");
    f->m->screen.dialog.kind = DIALOG_PREVIEW;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct buf seen = {0};
        int inner = (sizes[i][0] < 140 ? sizes[i][0] : 140) - 4;
        f->m->screen.dialog.scroll = 0;
        paint(f, i);
        press(f, KEYN_END, 0);
        int last = f->m->screen.dialog.scroll;
        assert_true(last > 0);
        paint(f, i);
        assert_int_equal(f->cursor.scroll, last);
        assert_true(shows(f, "the end"));
        press(f, KEYN_PGDN, 0);
        press(f, KEYN_DOWN, 0);
        assert_int_equal(f->m->screen.dialog.scroll, last);
        press(f, KEYN_UP, 0);
        assert_int_equal(f->m->screen.dialog.scroll, last - 1);
        press(f, KEYN_HOME, 0);
        assert_int_equal(f->m->screen.dialog.scroll, 0);
        paint(f, i);
        canvas_text(f->c, &seen);
        char first[200];
        snprintf(first, sizeof first, "%.*s", inner, buf_text(text)); /* ASCII there */
        assert_non_null(strstr(buf_text(&seen), first));
        buf_clear(&seen);
    }
}

static void wishes_are_shown_before_they_are_trusted(void **state)
{
    struct fixture *f = *state;
    struct wishes *w = &f->m->advising.found;
    text_copy(w->text, sizeof w->text, "Never touch jit.");
    w->nnever = 1;
    f->m->screen.dialog.kind = DIALOG_TRUST;
    must_show(f, (const char *const[]){"Never touch jit.", "1 setting ", "y mine", "n limits only",
                                       NULL});
}

/* Who answers instead is news: it has its place at 80 columns. */
static void the_status_line_says_who_is_not_asked(void **state)
{
    struct fixture *f = *state;
    struct partner *p = &f->m->partner;
    f->m->server_known = true; /* much else is to be said */
    text_copy(f->m->server.id.version, 24, "15.20");
    f->m->collect.samples = 60;
    f->m->collect.activity.sessions = 240;
    series_add(&f->m->collect.series[METRIC_TPS], 4500);
    f->m->session.state = SESSION_ACTIVE;
    text_copy(f->m->session.name, 64, "WriteOptimize_01022026-050830");
    text_copy(f->m->session.plan.strategy, 48, "WriteOptimize");
    f->m->flow = FLOW_ROUND;
    p->told = true;
    p->breaker.state = BREAKER_OPEN;
    p->breaker.until_us = f->m->now_us + 90000000;
    must_show(f, (const char *const[]){"builtin for 90 s", NULL});
    p->breaker.state = BREAKER_CLOSED;
    text_copy(p->gone, sizeof p->gone, p->endpoint.model);
    must_show(f, (const char *const[]){"gone: builtin", NULL});
    p->gone[0] = '\0';
    p->capped = true;
    must_show(f, (const char *const[]){"cap reached: builtin", NULL});
    p->capped = false;
    f->m->screen.dialog.kind = DIALOG_STATUS;
    must_show(f, (const char *const[]){"gemini-3.8-flash at https://generativelanguage", NULL});
    p->told = false;
    must_show(f, (const char *const[]){"once it is agreed", NULL});
    p->kind = PARTNER_BUILTIN;
    must_show(f, (const char *const[]){"builtin, no data leaves this machine", NULL});
}

static void what_stands_out_is_marked(void **state)
{
    struct fixture *f = *state;
    struct model *m = f->m;
    struct anomaly *a = &m->anomalies.items[0];
    m->partner.kind = PARTNER_BUILTIN;
    m->links[CONN_TELEMETRY].state = LINK_UP;
    m->server_known = true;
    m->collect.samples = 90;
    for (int i = 0; i < 90; i++)
        series_add(&m->collect.series[METRIC_WAL_BYTES], i < 80 ? 3 : 41);
    m->screen.focus = PANE_TELEMETRY;
    paint(f, 0);
    assert_false(shows(f, "explains"));
    m->anomalies.n = 1;
    text_copy(a->metric, sizeof a->metric, metric_info(METRIC_WAL_BYTES)->name);
    text_copy(a->label, sizeof a->label, metric_info(METRIC_WAL_BYTES)->label);
    text_copy(a->unit, sizeof a->unit, metric_info(METRIC_WAL_BYTES)->unit);
    a->usual = 3;
    a->seen = 41.123;
    a->from_us = m->now_us - 9000000;
    must_show(f, (const char *const[]){
                     "Enter explains wal: 3.0 MB/s \xe2\x86\x92 41.1 MB/s, 9 s ago", NULL});
    int warned = 0;
    for (int y = 0; y < f->c->rows; y++) /* its seconds in the spark, and the sign at the name */
        for (int x = 0; x < f->c->cols; x++)
            warned += f->c->cells[y * f->c->cols + x].style == (STYLE_WARN | STYLE_BOLD);
    assert_int_equal(warned, 10);
}

#define VIEW_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        VIEW_TEST(the_notice_is_whole_at_every_size),
        VIEW_TEST(costs_keep_their_columns),
        VIEW_TEST(the_health_page_says_how_old_it_is),
        VIEW_TEST(models_have_their_prices),
        VIEW_TEST(the_next_request_is_shown_whole),
        VIEW_TEST(wishes_are_shown_before_they_are_trusted),
        VIEW_TEST(the_status_line_says_who_is_not_asked),
        VIEW_TEST(what_stands_out_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
