/* What a session measures beside its total, beside the simulated server (tests/support/sim.h): the comparison with the defaults
 * and pgtune, the sweep of clients; that neither leaves another state than the best, whenever it is stopped. */
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
#include "pgd/app/cli.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"
#include "pgd/tuning/guard.h"
#include "pgd/workspace/export.h"

enum { STEPS_MAX = 60000 };

struct world {
    struct model *m;
    struct sim *s;
    struct options opt;
    const struct proposal *proposal; /* the advisor's place is taken by it, once */
    bool proposed;
    int tunes;
};

static double planted(const struct sim *s)
{
    double tps = 1 + 0.01 * ((double)((unsigned)s->pids * 2654435761u >> 16 & 1023) / 512 - 1);
    const struct sim_entry *e = &s->file[sim_setting("seq_page_cost")];
    const struct sim_entry *off = &s->file[sim_setting("synchronous_commit")];
    return tps * (e->present && strcmp(e->value, "2") == 0 ? 1.2 : 1) *
           (off->present && strcmp(off->value, "off") == 0 ? 1.4 : 1);
}

static struct proposal one_change(void)
{
    struct proposal p;
    memset(&p, 0, sizeof p);
    struct setting_change *c = &p.changes[p.n++];
    snprintf(c->name, sizeof c->name, "seq_page_cost");
    snprintf(c->value, sizeof c->value, "2");
    snprintf(c->evidence, sizeof c->evidence, "measured");
    c->expect_lo = 2;
    c->expect_hi = 8;
    return p;
}

/* ---- the world ---- */

static void deliver(void *arg, struct event *ev, struct effects *fx)
{
    struct world *w = arg;
    app_update(w->m, ev, fx);
}

static void quiet(enum log_level level, const char *text)
{
    (void)level;
    (void)text;
}

static void start(struct world *w)
{
    struct event ev = {.kind = EV_START};
    w->m = xcalloc(1, sizeof *w->m);
    model_init(w->m);
    w->m->opt = w->opt;
    sim_deliver(w->s, &ev);
}

static void stop(struct world *w)
{
    model_clear(w->m);
    free(w->m);
}

static struct world begin(const struct proposal *p)
{
    struct world w = {.s = sim_new(deliver, NULL), .proposal = p, .tunes = 1};
    struct options *o = &w.opt;
    log_sink(quiet);
    w.s->speed = planted;
    o->restart = RESTART_NEVER;
    o->rounds = 3;
    o->duration_s = 3;
    o->budget_given = true;
    o->budget_s = 3600;
    o->bench_db = o->has_target = true;
    o->pid = 4711;
    snprintf(o->home, sizeof o->home, "/home/of/it");
    cli_connect_set(&o->connect, "host", "/sock");
    cli_connect_set(&o->connect, "dbname", "shop");
    return w;
}

static void end(struct world *w)
{
    stop(w);
    sim_free(w->s);
}

static void press(struct world *w, enum key_name name, char c)
{
    struct event ev = {.kind = EV_KEY, .u.key = {.name = name, .rune = (uint32_t)(unsigned char)c}};
    sim_deliver(w->s, &ev);
}

/* The planted proposal takes the place of the advisor's; what comes after it is turned down. */
static void answer_review(struct world *w)
{
    struct round *r = &w->m->session.round;
    struct guard_policy g = {.clients = 4, .peak_active = NAN};
    if (w->proposed || !w->proposal) {
        press(w, KEYN_NONE, 'R');
        press(w, KEYN_NONE, 'g');
        return;
    }
    w->proposed = true;
    guard_review(w->proposal, &w->m->server, &g, &r->review);
    r->review.round = r->number;
    for (int i = 0; i < r->review.n; i++) {
        const struct review_line *l = &r->review.lines[i];
        assert_int_equal(l->refusal, REFUSE_NONE);
        session_remember_first(&w->m->session, l->change.name, l->from);
    }
    press(w, KEYN_NONE, 'A');
    press(w, KEYN_NONE, 'g');
}

static void decide(struct world *w)
{
    switch (w->m->fl.decision) {
    case DECIDE_REVIEW:
        answer_review(w);
        break;
    case DECIDE_PLAN:
        press(w, KEYN_NONE, 'g');
        break;
    case DECIDE_KEEP:
        press(w, KEYN_NONE, 'k');
        break;
    default:
        press(w, KEYN_ENTER, 0);
        break;
    }
}

static bool ended(const struct world *w)
{
    const struct model *m = w->m;
    return m->flow == FLOW_STUCK || m->flow == FLOW_ERROR || m->flow == FLOW_PAUSED ||
           (m->flow == FLOW_SUMMARY && m->fl.decision == DECIDE_NOTHING && w->s->n == 0);
}

static void step(struct world *w)
{
    struct model *m = w->m;
    if (m->fl.decision != DECIDE_NOTHING && model_dialog(m) != DIALOG_NONE) {
        decide(w);
    } else if (m->flow == FLOW_WATCH && w->tunes > 0 && m->sight_known) {
        w->tunes--;
        press(w, KEYN_NONE, 't');
    } else {
        sim_next(w->s, true);
    }
}

static void play(struct world *w)
{
    int i = 0;
    for (; i < STEPS_MAX && !(ended(w) && w->tunes == 0); i++)
        step(w);
    if (i == STEPS_MAX || w->m->flow != FLOW_SUMMARY)
        for (int k = 0; k < w->m->nchat; k++)
            fprintf(stderr, "%s\n", w->m->chat[k].text);
    assert_true(i < STEPS_MAX);
}

/* What stands in the file is the best state, and nothing else. */
static void file_is_best(struct world *w)
{
    struct session *s = &w->m->session;
    for (int i = 0; i < SIM_SETTINGS; i++) {
        const struct entry *e = arm_find(&s->best, sim_stock[i][0]);
        assert_int_equal(w->s->file[i].present, e && e->present);
        if (e && e->present)
            assert_string_equal(w->s->file[i].value, e->value);
    }
    assert_false(w->s->intent_open);
}

/* ---- what is measured ---- */

#define SETUP(w)                        \
    static struct proposal proposal_;   \
    proposal_ = one_change();           \
    struct world w = begin(&proposal_); \
    w.s->arg = &w

static bool said(const struct world *w, const char *what)
{
    for (int i = 0; i < w->m->nchat; i++)
        if (strstr(w->m->chat[i].text, what))
            return true;
    return false;
}

static void the_best_beside_the_defaults(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.compare = true;
    start(&w);
    play(&w);
    const struct comparison *c = &w.m->session.beside.comparison;
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(c->n, 4);
    static const char *const names[] = {"start", "best", "defaults", "pgtune"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(c->arms[i].name, names[i]);
        assert_true(c->arms[i].runs >= 2);
    }
    assert_true(c->arms[1].ratio > 1.15 && c->arms[1].lo > 1.1);
    assert_true(fabs(c->arms[2].ratio - 1) < 0.03 && fabs(c->arms[3].ratio - 1) < 0.03);
    /* what is left out and what is not is said in the same words */
    assert_non_null(strstr(c->arms[3].left_out, "settings that need a restart"));
    assert_true(said(&w, "comparing start, best, the defaults, pgtune in turn"));
    assert_false(said(&w, "; settings that need a restart are in"));
    assert_non_null(arm_find(&w.m->session.best, "seq_page_cost"));
    file_is_best(&w);
    end(&w);
}

/* A target that is missed: the DBA is asked whether to keep what improved, and until he answers nothing is measured,
 * switched or said again. */
static void a_question_holds_the_comparison(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.compare = true;
    w.opt.target_tps = 1e8;
    start(&w);
    for (int i = 0; i < STEPS_MAX && w.m->fl.decision != DECIDE_KEEP; i++)
        step(&w);
    assert_int_equal(w.m->fl.decision, DECIDE_KEEP);
    assert_int_equal(w.m->session.beside.comparison.n, 4);
    uint64_t said_before = w.m->chat_total;
    for (int i = 0; i < 50; i++)
        sim_next(w.s, true);
    assert_int_equal(w.m->fl.decision, DECIDE_KEEP);
    assert_true(w.m->chat_total - said_before < 3);
    assert_false(w.m->fl.now.switching || w.m->fl.now.running);
    play(&w);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    file_is_best(&w);
    end(&w);
}

/* Whatever the budget is: the comparison is made or left out aloud, and the session ends as it would have. */
static void a_short_budget_says_what_is_left_out(void **state)
{
    (void)state;
    int made = 0, left_out = 0;
    for (int budget = 60; budget <= 240; budget += 20) {
        SETUP(w);
        w.opt.compare = w.opt.knee = true;
        w.opt.budget_s = budget;
        start(&w);
        play(&w);
        const struct comparison *c = &w.m->session.beside.comparison;
        made += c->n > 0;
        left_out += c->n == 0;
        assert_true((c->n == 0) == (c->skipped[0] != 0));
        assert_true((c->n == 0) == said(&w, "not measured: comparison"));
        assert_true(w.m->session.beside.knee_said[0]);
        file_is_best(&w);
        end(&w);
    }
    assert_true(made > 0 && left_out > 1);
}

/* An arm that the server refuses is missing on the chart; the others are there. */
static void a_refused_arm_is_left_out(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.compare = true;
    w.s->override = sim_setting("effective_cache_size"); /* in pgtune's answer alone */
    start(&w);
    play(&w);
    const struct comparison *c = &w.m->session.beside.comparison;
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(c->n, 4);
    assert_true(c->arms[0].runs >= 2 && c->arms[1].runs >= 2 && c->arms[2].runs >= 2);
    assert_true(c->arms[3].runs == 0 || strstr(c->arms[3].left_out, "effective_cache_size"));
    file_is_best(&w);
    end(&w);
}

/* What PGDIAG.md forbids is touched by nobody: not by what is measured for comparison either. */
static void the_comparison_keeps_to_what_is_forbidden(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.compare = true;
    start(&w);
    snprintf(w.m->wishes.never[w.m->wishes.nnever++], SETTING_NAME_MAX, "effective_*");
    play(&w);
    const struct comparison *c = &w.m->session.beside.comparison;
    assert_int_equal(c->n, 4);
    assert_non_null(strstr(c->arms[3].left_out, "effective_cache_size"));
    assert_null(arm_find(&w.m->fl.now.compare_arms[3], "effective_cache_size"));
    end(&w);
}

static void type_command(struct world *w, const char *command)
{
    for (const char *c = command; *c; c++)
        press(w, KEYN_NONE, *c);
    press(w, KEYN_ENTER, 0);
}

/* As many clients as one gets through: one is enough, and nothing is changed. */
static void the_sweep_finds_the_knee(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.knee = true;
    start(&w);
    play(&w);
    const struct beside *b = &w.m->session.beside;
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_true(b->knee.n >= 4);
    for (int i = 1; i < b->knee.n; i++)
        assert_true(b->knee.points[i].clients > b->knee.points[i - 1].clients);
    assert_true(b->knee_result.known);
    assert_int_equal(b->knee_result.pool, 1);
    assert_true(said(&w, "a pool of 1 connections"));
    file_is_best(&w);
    int before = w.m->session.run_number;
    press(&w, KEYN_ESC, 0);    /* the summary */
    type_command(&w, "/knee"); /* once more, at the DBA's wish */
    assert_int_equal(w.m->flow, FLOW_KNEE);
    play(&w);
    assert_true(w.m->session.run_number > before + 3);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    file_is_best(&w);
    end(&w);
}

/* What one session has learnt the next one of the workspace begins with, under the same workload alone. */
static void the_next_session_knows_what_was_learnt(void **state)
{
    (void)state;
    SETUP(w);
    start(&w);
    play(&w);
    assert_false(said(&w, "last time, under this workload"));
    for (int other = 0; other < 2; other++) {
        stop(&w);
        w.tunes = 1;
        w.opt.clients = other ? 3 : 0;
        w.proposal = NULL;
        start(&w);
        play(&w);
        assert_int_equal(said(&w, "last time, under this workload: seq_page_cost = 2 earned +"),
                         !other);
    }
    end(&w);
}

/* ---- durability ---- */

static bool reach(struct world *w, enum flow_state there, int n)
{
    for (int i = 0; i < STEPS_MAX && !(ended(w) && w->tunes == 0); i++) {
        if (w->m->flow == there && n-- == 0)
            return true;
        step(w);
    }
    return false;
}

/* What a trade would gain is measured, told with what it can lose, and is in force nowhere when the session ends. */
static void a_trade_is_measured_and_taken_back(void **state)
{
    (void)state;
    SETUP(w);
    struct buf text = {0};
    w.opt.measure_durability = true;
    start(&w);
    play(&w);
    const struct session *s = &w.m->session;
    const struct trade *t = s->beside.trades;
    assert_int_equal(s->state, SESSION_ARCHIVED);
    assert_int_equal(s->beside.ntrades, 2);
    assert_string_equal(t->name, "synchronous_commit");
    assert_int_equal(t->got.kind, VERDICT_IMPROVED);
    assert_true(t->got.ratio > 1.3 && t->got.ratio < 1.5 && t->got.ci_lo > 1.2);
    assert_true(t->got.runs_a >= 3 && t->got.runs_b >= 3);
    assert_non_null(strstr(t->lost, "up to the last 0.6 s"));
    assert_non_null(strstr(t->lost, "nothing is corrupted"));
    assert_true(t[1].skipped[0]); /* the simulated server has no commit_delay */
    assert_true(said(&w, "durability trade, not kept: synchronous_commit = off: +"));
    assert_true(s->final.ratio < 1.3); /* what is claimed is without it */
    assert_null(arm_find(&w.m->session.best, "synchronous_commit"));
    assert_false(w.s->file[sim_setting("synchronous_commit")].present);
    file_is_best(&w);
    export_kind_at(EXPORT_CONF)->write(w.m, (const struct session *[]){s}, 1, &text);
    const char *at = strstr(buf_text(&text), "synchronous_commit");
    assert_non_null(at);
    assert_non_null(strstr(buf_text(&text), "# durability trade, measured apart and not set: "));
    assert_null(strstr(buf_text(&text), "\nsynchronous_commit"));
    buf_clear(&text);
    end(&w);
}

/* What was asked for and is not there is said. */
static void a_trade_that_was_not_measured_is_named(void **state)
{
    (void)state;
    SETUP(w);
    w.proposal = NULL; /* every proposal is turned down: nothing is confirmed */
    w.opt.measure_durability = true;
    start(&w);
    play(&w);
    assert_true(said(&w, "not measured: durability trades (no best state was confirmed)"));
    assert_false(w.s->file[sim_setting("synchronous_commit")].present);
    end(&w);
}

static void nobody_trades_unasked(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.compare = w.opt.knee = true;
    start(&w);
    play(&w);
    assert_int_equal(w.m->session.beside.ntrades, 0);
    assert_false(said(&w, "durability trade"));
    end(&w);
}

/* Where the target is missed the DBA is asked what to keep: by then no trade is in force any more. */
static void a_question_finds_no_trade_in_force(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.measure_durability = true;
    w.opt.target_tps = 1e8;
    start(&w);
    for (int i = 0; i < STEPS_MAX && w.m->fl.decision != DECIDE_KEEP; i++)
        step(&w);
    assert_int_equal(w.m->fl.decision, DECIDE_KEEP);
    assert_int_equal(w.m->session.beside.trades[0].got.kind, VERDICT_IMPROVED);
    file_is_best(&w);
    play(&w);
    file_is_best(&w);
    end(&w);
}

/* Asked for while that question is open: measured at once, and then it is asked again. */
static void a_trade_may_be_asked_for_at_the_question(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.target_tps = 1e8;
    start(&w);
    for (int i = 0; i < STEPS_MAX && w.m->fl.decision != DECIDE_KEEP; i++)
        step(&w);
    type_command(&w, "/durability");
    assert_int_equal(w.m->flow, FLOW_TRADE);
    assert_int_equal(model_dialog(w.m), DIALOG_NONE);
    for (int i = 0; i < STEPS_MAX && w.m->fl.decision != DECIDE_KEEP; i++)
        step(&w);
    assert_int_equal(w.m->fl.decision, DECIDE_KEEP);
    assert_int_equal(model_dialog(w.m), DIALOG_SUMMARY);
    assert_int_equal(w.m->session.beside.trades[0].got.kind, VERDICT_IMPROVED);
    assert_false(said(&w, "no best state was confirmed"));
    file_is_best(&w);
    play(&w);
    file_is_best(&w);
    end(&w);
}

/* The round's gain is not there any more when it is confirmed. */
static double refuted(const struct sim *s)
{
    const struct world *w = s->arg;
    const struct sim_entry *e = &s->file[sim_setting("seq_page_cost")];
    bool first = w->m->flow < FLOW_CONFIRM && e->present && strcmp(e->value, "2") == 0;
    return 1 + 0.01 * ((double)((unsigned)s->pids * 2654435761u >> 16 & 1023) / 512 - 1) +
           (first ? 0.2 : 0);
}

/* Nobody is left with what the confirmation has refuted, whenever the trades after it are stopped. */
static void a_cancelled_trade_leaves_nothing_refuted(void **state)
{
    (void)state;
    int seen = 0;
    for (int n = 3;; n += 61) {
        SETUP(w);
        w.s->speed = refuted;
        w.opt.measure_durability = true;
        start(&w);
        bool there = reach(&w, FLOW_TRADE, n);
        if (there) {
            assert_int_not_equal(w.m->session.final.kind, VERDICT_IMPROVED);
            press(&w, KEYN_CTRL, 'c');
            for (int i = 0; i < STEPS_MAX && w.m->flow != FLOW_PAUSED; i++)
                sim_next(w.s, true);
            assert_int_equal(w.m->flow, FLOW_PAUSED);
            for (int i = 0; i < SIM_SETTINGS; i++)
                assert_false(w.s->file[i].present);
            assert_false(w.s->intent_open);
            assert_true(said(&w, "is paused; the server runs as before the session"));
            seen++;
        }
        end(&w);
        if (!there)
            break;
    }
    assert_true(seen > 2);
}

/* PGDIAG.md holds for trades too; nothing that would gain is measured against the server as it was found. */
static void a_forbidden_trade_is_not_measured(void **state)
{
    (void)state;
    SETUP(w);
    w.opt.measure_durability = true;
    start(&w);
    snprintf(w.m->wishes.never[w.m->wishes.nnever++], SETTING_NAME_MAX, "synchronous_*");
    play(&w);
    const struct trade *t = w.m->session.beside.trades;
    assert_int_equal(w.m->session.beside.ntrades, 2);
    assert_non_null(strstr(t->skipped, "never touch"));
    assert_true(said(&w, "not measured (PGDIAG.md: never touch synchronous_commit)"));
    file_is_best(&w);
    end(&w);
}

/* A cancel, or a kill and a start anew, at any point of it. */
static void whatever_happens_a_trade_is_taken_back(void **state)
{
    (void)state;
    int n = 0;
    for (;; n += 29) {
        SETUP(w);
        w.opt.measure_durability = true;
        start(&w);
        bool there = reach(&w, FLOW_TRADE, n);
        if (there && n % 2) {
            press(&w, KEYN_CTRL, 'c');
            for (int i = 0; i < STEPS_MAX && w.m->flow != FLOW_PAUSED; i++) {
                sim_next(w.s, true);
                if (model_dialog(w.m) == DIALOG_PAUSE)
                    press(&w, KEYN_NONE, 'k');
            }
            assert_int_equal(w.m->flow, FLOW_PAUSED);
            file_is_best(&w);
        } else if (there) {
            sim_kill(w.s, n % 5 - 1);
            stop(&w);
            w.tunes = 0;
            start(&w);
            play(&w);
            assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
            file_is_best(&w);
        }
        assert_true(!there || !w.s->file[sim_setting("synchronous_commit")].present);
        end(&w);
        if (!there)
            break;
    }
    assert_true(n > 100);
}

/* ---- at a bad moment ---- */

static void a_cancel_leaves_the_best_state(void **state)
{
    (void)state;
    int n = 0;
    for (;; n += 37) {
        SETUP(w);
        w.opt.compare = true;
        start(&w);
        bool there = reach(&w, FLOW_COMPARE, n);
        if (there) {
            press(&w, KEYN_CTRL, 'c');
            for (int i = 0; i < STEPS_MAX && w.m->flow != FLOW_PAUSED; i++) {
                sim_next(w.s, true);
                if (model_dialog(w.m) == DIALOG_PAUSE)
                    press(&w, KEYN_NONE, 'k');
            }
            assert_int_equal(w.m->flow, FLOW_PAUSED);
            file_is_best(&w);
        }
        end(&w);
        if (!there)
            break;
    }
    assert_true(n > 200);
}

/* The session is over by then: what is stopped is the sweep alone. */
static void a_cancelled_sweep_ends_the_session_well(void **state)
{
    (void)state;
    int n = 0;
    for (;; n += 23) {
        SETUP(w);
        w.opt.knee = true;
        start(&w);
        bool there = reach(&w, FLOW_KNEE, n);
        if (there) {
            press(&w, KEYN_CTRL, 'c');
            play(&w);
            assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
            assert_false(w.m->fl.now.cancel);
            file_is_best(&w);
        }
        end(&w);
        if (!there)
            break;
    }
    assert_true(n > 60);
}

static void a_kill_leaves_what_is_known(void **state)
{
    (void)state;
    int n = 0;
    for (;; n += 61) {
        SETUP(w);
        w.opt.compare = true;
        start(&w);
        bool there = reach(&w, FLOW_COMPARE, n);
        if (there) {
            sim_kill(w.s, n % 5 - 1);
            stop(&w);
            w.tunes = 0;
            start(&w);
            play(&w);
            assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
            assert_non_null(arm_find(&w.m->session.best, "seq_page_cost"));
            file_is_best(&w);
        }
        end(&w);
        if (!there)
            break;
    }
    assert_true(n > 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_beside_the_defaults),
        cmocka_unit_test(a_question_holds_the_comparison),
        cmocka_unit_test(a_short_budget_says_what_is_left_out),
        cmocka_unit_test(a_refused_arm_is_left_out),
        cmocka_unit_test(the_comparison_keeps_to_what_is_forbidden),
        cmocka_unit_test(the_sweep_finds_the_knee),
        cmocka_unit_test(the_next_session_knows_what_was_learnt),
        cmocka_unit_test(a_trade_is_measured_and_taken_back),
        cmocka_unit_test(a_trade_that_was_not_measured_is_named),
        cmocka_unit_test(nobody_trades_unasked),
        cmocka_unit_test(a_question_finds_no_trade_in_force),
        cmocka_unit_test(a_trade_may_be_asked_for_at_the_question),
        cmocka_unit_test(a_cancelled_trade_leaves_nothing_refuted),
        cmocka_unit_test(a_forbidden_trade_is_not_measured),
        cmocka_unit_test(whatever_happens_a_trade_is_taken_back),
        cmocka_unit_test(a_cancel_leaves_the_best_state),
        cmocka_unit_test(a_cancelled_sweep_ends_the_session_well),
        cmocka_unit_test(a_kill_leaves_what_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
