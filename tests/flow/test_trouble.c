/* What fails explains itself: in the dialog that reports it, in the AI pane, on stdout; by rules at once, then in a model's words. The
 * rounds run beside the simulated server (tests/support/sim.h), the model stands at the other end of simulated transfers. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/sim.h"
#include "pgd/app/advise.h"
#include "pgd/app/cli.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/keys.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"
#include "pgd/tuning/guard.h"
#include "pgd/ui/dialog.h"

static struct model *m;
static struct effects fx;
static int64_t now_us;

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

static bool on_screen(const char *text)
{
    struct canvas *c = canvas_new(70, 130);
    struct view_cursor cursor = {0};
    struct buf all = {0};

    dialog_find(model_dialog(m))->draw(c, canvas_area(c), m, keys_tables(), &cursor);
    canvas_text(c, &all);
    bool there = strstr(buf_text(&all), text) != NULL;
    buf_clear(&all);
    canvas_free(c);
    return there;
}

/* ---- a round that fails, beside the simulated server ---- */

static struct sim *s;

static void deliver(void *arg, struct event *ev, struct effects *out)
{
    (void)arg;
    app_update(m, ev, out);
}

static void press(enum key_name name, char c)
{
    struct event ev = {.kind = EV_KEY, .u.key = {.name = name, .rune = (uint32_t)(unsigned char)c}};
    sim_deliver(s, &ev);
}

static void propose(void)
{
    struct review *r = &m->session.round.review;
    struct guard_policy g = {.clients = 4, .peak_active = NAN};
    struct proposal p;

    memset(&p, 0, sizeof p);
    snprintf(p.changes[0].name, sizeof p.changes[0].name, "seq_page_cost");
    snprintf(p.changes[0].value, sizeof p.changes[0].value, "2");
    p.changes[0].expect_lo = p.changes[0].expect_hi = NAN;
    p.n = 1;
    guard_review(&p, &m->server, &g, r);
    r->round = m->session.round.number;
    session_remember_first(&m->session, r->lines[0].change.name, r->lines[0].from);
    press(KEYN_NONE, 'A');
    press(KEYN_NONE, 'g');
}

/* Plays until the second review is open; each earlier question is answered. */
static void play(void)
{
    bool tuned = false, proposed = false;

    for (int i = 0; i < 20000; i++) {
        enum decision d = m->fl.decision;
        if (d == DECIDE_REVIEW && proposed)
            return;
        if (d == DECIDE_REVIEW) {
            proposed = true;
            propose();
        } else if (d != DECIDE_NOTHING && model_dialog(m) != DIALOG_NONE) {
            press(d == DECIDE_PLAN ? KEYN_NONE : KEYN_ENTER, d == DECIDE_PLAN ? 'g' : 0);
        } else if (m->flow == FLOW_WATCH && !tuned && m->sight_known) {
            tuned = true;
            press(KEYN_NONE, 't');
        } else {
            sim_next(s, true);
        }
    }
    fail_msg("no second review: %s", flow_state_name(m->flow));
}

static void a_failed_round_is_reported(void **state)
{
    struct event ev = {.kind = EV_START};

    (void)state;
    log_sink(quiet);
    m = xcalloc(1, sizeof *m);
    model_init(m);
    s = sim_new(deliver, NULL);
    s->override = sim_setting("seq_page_cost"); /* it never takes effect */
    m->opt.restart = RESTART_NEVER;
    m->opt.rounds = 3;
    m->opt.duration_s = 3;
    m->opt.budget_given = true;
    m->opt.budget_s = 3600;
    m->opt.bench_db = m->opt.has_target = true;
    snprintf(m->opt.home, sizeof m->opt.home, "/home/of/it");
    cli_connect_set(&m->opt.connect, "host", "/sock");
    cli_connect_set(&m->opt.connect, "dbname", "shop");
    sim_deliver(s, &ev);
    play();
    assert_int_equal(m->session.nhistory, 1);
    assert_true(m->session.history[0].failed);
    /* the report stands over the next question, and closing it leads there */
    assert_int_equal(model_dialog(m), DIALOG_ERROR);
    assert_true(on_screen("Round 1 did not work"));
    assert_true(on_screen("builtin says:"));
    assert_true(m->screen.dialog.diagnosis.fix[0] && said(m->screen.dialog.diagnosis.fix));
    press(KEYN_ESC, 0);
    assert_int_equal(model_dialog(m), DIALOG_REVIEW);
    assert_int_equal(m->fl.decision, DECIDE_REVIEW);
    model_clear(m);
    free(m);
    sim_free(s);
}

/* ---- a model that is asked ---- */

static int setup(void **state)
{
    struct err e = {0};

    (void)state;
    m = xcalloc(1, sizeof *m);
    model_init(m);
    now_us = 100 * 1000000;
    m->now_us = now_us;
    m->opt.advisor = ADVISOR_GEMINI;
    m->opt.privacy = PRIVACY_REDACTED;
    snprintf(m->opt.env.gemini_base, sizeof m->opt.env.gemini_base, "http://127.0.0.1:9");
    assert_true(advise_setup(m, &e));
    m->partner.told = true;
    m->flow = FLOW_ROUND;
    m->session.state = SESSION_ACTIVE;
    snprintf(m->apply.log_line, sizeof m->apply.log_line, "FATAL:  out of shared memory");
    snprintf(m->apply.stuck_sql, sizeof m->apply.stuck_sql, "ALTER SYSTEM RESET work_mem;");
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

static const struct effect *last(enum effect_kind kind)
{
    for (size_t i = fx.n; i-- > 0;)
        if (fx.items[i].kind == kind)
            return &fx.items[i];
    return NULL;
}

/* The number of the line on stdout that holds both; 0 = none. */
static int printed(const char *event, const char *with)
{
    for (size_t i = 0; i < fx.n; i++)
        if (fx.items[i].kind == FX_STDOUT && strstr(fx.items[i].text, event) &&
            strstr(fx.items[i].text, with))
            return (int)i + 1;
    return 0;
}

static void give(struct event ev)
{
    ev.at_us = now_us;
    app_update(m, &ev, &fx);
    event_clear(&ev);
}

static void answer(const char *text)
{
    struct req req = last(FX_HTTP)->req;
    struct buf b = {0};

    buf_printf(
        &b,
        "data: {\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"%s\"}]"
        "},\"index\":0,\"finishReason\":\"STOP\"}]}\n\n",
        text);
    give((struct event){.kind = EV_HTTP_HEAD,
                        .req = req,
                        .u.http.status = 200,
                        .text = xstrdup("HTTP/1.1 200 OK\r\n\r\n"),
                        .len = 19});
    size_t len = b.len;
    give((struct event){.kind = EV_HTTP_DATA, .req = req, .len = len, .text = buf_take(&b)});
    give((struct event){.kind = EV_HTTP_END, .req = req, .u.http.status = 200});
}

#define WORDS \
    "{\\\"explanation\\\":\\\"The segment was too big.\\\",\\\"fix\\\":\\\"Take less.\\\"}"

static void stuck(void)
{
    struct err e = {0};

    err_set(&e, ERR_VERIFY, "work_mem is still 1GB");
    flow_enter(m, FLOW_STUCK);
    flow_end_stuck(m, &e, &fx);
}

static void who_is_stuck_is_helped(void **state)
{
    (void)state;
    stuck();
    assert_int_equal(model_dialog(m), DIALOG_STUCK);
    assert_true(on_screen("ALTER SYSTEM RESET work_mem"));
    assert_true(on_screen("builtin says:")); /* while the model is asked */
    assert_true(on_screen("is asked, too"));
    assert_non_null(strstr(last(FX_HTTP)->text, "[op=diagnose_error]"));
    assert_non_null(strstr(last(FX_HTTP)->text, "out of shared memory"));
    answer(WORDS);
    assert_true(on_screen("The segment was too big."));
    assert_true(on_screen("gemini"));
    assert_true(said("Take less."));
    assert_false(m->quitting);
}

static void headless(void)
{
    m->opt.headless = m->opt.json = true;
}

static void the_end_waits_for_the_words(void **state)
{
    (void)state;
    headless();
    stuck();
    int error = printed("\"error\"", "\"explanation\"");
    assert_true(error > 0); /* the rules' words are out at once */
    assert_false(m->quitting);
    answer(WORDS);
    int ask = printed("\"ask\"", "diagnose_error"),
        diagnosis = printed("\"diagnosis\"", "The segment was too big.");
    assert_true(error < ask && ask < diagnosis);
    assert_true(printed("\"summary\"", "") > diagnosis);
    assert_true(m->quitting);
    assert_int_equal(last(FX_QUIT)->exit_code, 5);
}

static void the_end_does_not_wait_for_ever(void **state)
{
    struct err e = {0};

    (void)state;
    headless();
    m->session.state = SESSION_NONE;
    err_set(&e, ERR_CONNECT, "connection refused");
    flow_fail(m, &e, "connecting", &fx);
    assert_false(m->quitting);
    size_t told = fx.n;
    flow_fail(m, &e, "connecting", &fx); /* the link tries on; the first failure counts */
    assert_int_equal(fx.n, told);
    for (int i = 0; i <= ADVISE_LEAVE_S; i++) {
        assert_false(m->quitting);
        now_us += 1000000;
        give((struct event){.kind = EV_TICK});
    }
    assert_true(m->quitting);
    assert_int_equal(last(FX_QUIT)->exit_code, 3);
    assert_true(printed("\"diagnosis\"", "Nothing listens at that address") > 0);
    assert_non_null(last(FX_HTTP_CANCEL));
}

/* A rule that said no is not put to a model: it costs, and could only be repeated. */
static void a_refusal_explains_itself(void **state)
{
    struct err e = {0};

    (void)state;
    headless();
    m->session.state = SESSION_NONE;
    err_set(&e, ERR_REFUSED, "--readonly: nothing may be measured");
    err_hint(&e, "Leave it away.");
    flow_fail(m, &e, "the session", &fx);
    assert_true(m->quitting);
    assert_null(last(FX_HTTP));
    assert_true(printed("\"diagnosis\"", "Nothing has failed") > 0);
    assert_true(printed("\"diagnosis\"", "Leave it away.") > 0);
}

static void without_a_model_it_ends_at_once(void **state)
{
    struct err e = {0};

    (void)state;
    headless();
    m->partner.kind = PARTNER_BUILTIN;
    m->session.state = SESSION_NONE;
    err_set(&e, ERR_CHILD, "pgbench ended with 2");
    flow_fail(m, &e, "the baseline", &fx);
    assert_true(m->quitting);
    assert_true(printed("\"diagnosis\"", "The benchmark run failed") > 0);
    assert_null(last(FX_HTTP));
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_round_is_reported),
        ROW(who_is_stuck_is_helped),
        ROW(the_end_waits_for_the_words),
        ROW(the_end_does_not_wait_for_ever),
        ROW(without_a_model_it_ends_at_once),
        ROW(a_refusal_explains_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
