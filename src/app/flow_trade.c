/* flow_trade.c - durability trades (--measure-durability, /durability): after what the session leaves is known, that state against
 * itself with one trade, in turn and in whole runs, then back and verified. Only where the DBA asked for it: while a trade is in
 * force the commits of everybody on this server are at its risk. It decides nothing: no trade becomes a part of the best state.
 * A switch is journalled, verified and undone as any other, so a kill here is recovered from as anywhere else. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

enum { END_S = 5 };

static const struct arm *base_of(const struct session *s)
{
    return s->final.kind == VERDICT_IMPROVED ? &s->best : &s->start;
}

static struct trade *trade_now(struct model *m)
{
    struct beside *b = &m->session.beside;

    return &b->trades[b->ntrades - 1];
}

/* ---- one trade ---- */

static void emit(struct model *m, struct effects *fx)
{
    const struct trade *t = trade_now(m);
    json_t *list = trade_list_json(t, 1);
    char *text = json_dumps(json_array_get(list, 0), JSON_COMPACT | JSON_REAL_PRECISION(10));
    struct line *l = line_new("durability");

    line_raw(l, "trade", text ? text : "null");
    line_bool(l, "kept", false);
    flow_emit(m, l, fx);
    free(text);
    json_decref(list);
}

static void trade_ended(struct model *m, struct effects *fx)
{
    const struct trade *t = trade_now(m);
    struct buf text = {0};

    trade_text(t, &text);
    model_say(m, t->skipped[0] ? CHAT_WARN : CHAT_GOOD, "durability trade, not kept: %s",
              buf_text(&text));
    buf_clear(&text);
    emit(m, fx);
    m->fl.now.trade_on = false;
}

/* The value as the guard lets it through; false: t->skipped says why not. */
static bool pass_guard(struct model *m, struct trade *t)
{
    struct proposal *p = xcalloc(1, sizeof *p);
    struct review *r = xcalloc(1, sizeof *r);
    struct guard_policy g = flow_policy(m);
    struct setting_change *c = &p->changes[p->n++];

    g.allow_durability = g.by_dba = true; /* he asked */
    g.disabled = false;
    text_copy_raw(c->name, sizeof c->name, t->name);
    text_copy_raw(c->value, sizeof c->value, t->value);
    c->expect_lo = c->expect_hi = NAN;
    guard_review(p, &m->server, &g, r);
    const struct review_line *l = &r->lines[0];
    if (r->n != 1 || l->refusal != REFUSE_NONE || l->restart)
        text_copy(t->skipped, sizeof t->skipped,
                  r->n == 1 && l->reason[0] ? l->reason : "it cannot be set here");
    else
        arm_set(&m->fl.now.trade_arm, l->change.name, true, l->send);
    free(r);
    free(p);
    return !t->skipped[0];
}

static bool fits(struct model *m, struct trade *t)
{
    double cost = experiment_cost(&m->session.plan, EXPERIMENT_ROUND, false);
    double left = flow_seconds_left(m) - END_S;

    if (cost > left)
        snprintf(t->skipped, sizeof t->skipped, "needs %.0f s, %.0f s left", cost, fmax(left, 0));
    return cost <= left;
}

/* The next trade that can be measured begins; false: there is none. */
static bool next_trade(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct beside *b = &s->beside;
    double tps = isfinite(s->best_tps) ? s->best_tps : s->baseline_tps;

    while (b->ntrades < TRADES_MAX &&
           trade_at(b->ntrades, &m->server, tps, &b->trades[b->ntrades])) {
        struct trade *t = &b->trades[b->ntrades++];
        m->fl.now.trade_arm = *base_of(s);
        snprintf(m->fl.now.trade_arm.label, sizeof m->fl.now.trade_arm.label, "with %.20s = %.15s",
                 t->name, t->value);
        if (!pass_guard(m, t) || !fits(m, t)) {
            trade_ended(m, fx);
            continue;
        }
        experiment_clear(&s->trading);
        experiment_init(&s->trading, EXPERIMENT_ROUND, &s->plan, s->floor, -1);
        s->trading.prior = experiment_noise(&s->baseline);
        m->fl.now.trade_on = true;
        model_say(m, CHAT_WARN, "measuring a durability trade in turn, and taking it back: %s = %s",
                  t->name, t->value);
        return true;
    }
    return false;
}

static bool skip(struct model *m, const char *why)
{
    text_copy(m->session.beside.trades_skipped, sizeof m->session.beside.trades_skipped, why);
    model_say(m, CHAT_WARN, "not measured: durability trades (%s)", why);
    return false;
}

bool flow_trade_begin(struct model *m, struct effects *fx)
{
    struct beside *b = &m->session.beside;

    if (m->fl.now.trades_done || m->fl.now.cancel ||
        !(m->opt.measure_durability || m->fl.now.trades_wanted))
        return false;
    m->fl.now.trades_done = true;
    b->ntrades = 0;
    b->trades_skipped[0] = '\0';
    if (m->session.plan.observe)
        return skip(m, "the commits of a server at work are not put at risk");
    if (flow_blocks_confirm(m))
        return skip(m, "each of their switches would be yours to make");
    if (!next_trade(m, fx))
        return false;
    flow_enter(m, FLOW_TRADE);
    flow_journal(m, "checkpoint", "what", "durability", fx);
    return true;
}

void flow_trade_missed(struct model *m)
{
    if (m->fl.now.trades_done || !(m->opt.measure_durability || m->fl.now.trades_wanted))
        return;
    m->fl.now.trades_done = true;
    skip(m, "no best state was confirmed");
}

/* ---- driving it ---- */

/* All are measured: the state without them is put in force before anything is asked or said of the session's end. */
static void go_back(struct model *m, struct effects *fx)
{
    m->fl.now.trade_on = false;
    m->fl.now.trades_back = true;
    m->fl.now.trade_arm = *base_of(&m->session);
    flow_switch(m, &m->fl.now.trade_arm, fx);
}

void flow_trade_switched(struct model *m, bool restarted, struct effects *fx)
{
    if (!m->fl.now.trades_back) {
        experiment_switched(&m->session.trading, m->fl.now.trade_want, restarted);
        return;
    }
    m->fl.now.trades_back = false;
    model_say(m, CHAT_EVENT, "durability is as it was before its trades were measured");
    flow_save(m, false, fx);
    flow_claimed(m, fx);
}

void flow_trade_failed(struct model *m, const struct err *e, struct effects *fx)
{
    if (m->fl.now
            .trades_back) { /* settling tries again, and says what to do where that fails, too */
        m->fl.now.trades_back = false;
        flow_settle_claimed(m, fx);
        return;
    }
    text_copy(trade_now(m)->skipped, sizeof trade_now(m)->skipped, e->msg);
    trade_ended(m, fx);
    if (e->code == ERR_LOST || e->code == ERR_CANCELLED || !next_trade(m, fx))
        go_back(m, fx);
}

void flow_trade_ran(struct model *m, struct bench_run *run)
{
    struct experiment *x = &m->session.trading;

    if (!m->fl.now.run_warmup)
        experiment_add(x, run);
    else if (run->valid || run->cancelled)
        experiment_warmed(x);
    else
        experiment_add(x, run);
}

const char *flow_trade_label(const struct model *m)
{
    return m->session.trading.arm == ARM_B ? m->fl.now.trade_arm.label
                                           : base_of(&m->session)->label;
}

static void measured(struct model *m, struct effects *fx)
{
    struct trade *t = trade_now(m);

    experiment_verdict(&m->session.trading, &t->got);
    if (!isfinite(t->got.ratio))
        text_copy(t->skipped, sizeof t->skipped, "no run of one of both sides is valid");
    trade_ended(m, fx);
    if (!next_trade(m, fx))
        go_back(m, fx);
}

bool flow_trade_drive(struct model *m, struct effects *fx)
{
    if (m->flow != FLOW_TRADE || m->fl.now.switching || m->fl.now.running ||
        m->fl.decision != DECIDE_NOTHING)
        return false;
    if (m->fl.now.cancel) {
        flow_settle_claimed(m, fx);
        return true;
    }
    struct experiment_next next = experiment_next(&m->session.trading,
                                                  flow_seconds_left(m) - END_S);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        m->fl.now.trade_want = next.arm;
        flow_switch(m, next.arm == ARM_B ? &m->fl.now.trade_arm : base_of(&m->session), fx);
        break;
    case EXPERIMENT_WARMUP:
    case EXPERIMENT_RUN:
        flow_run(m, next.seconds, next.want == EXPERIMENT_WARMUP, fx);
        break;
    case EXPERIMENT_FINISHED:
        measured(m, fx);
        break;
    }
    return true;
}

/* The question what to keep is open. What it is about must have been confirmed, or there is nothing to trade against; when all is
 * measured it is asked again. */
static void trade_before_keeping(struct model *m, struct effects *fx)
{
    if (m->session.final.kind != VERDICT_IMPROVED) {
        model_say(
            m, CHAT_WARN,
            "durability trades are measured beside a confirmed best state: none was confirmed");
        return;
    }
    m->fl.decision = DECIDE_NOTHING;
    m->screen.dialog = (struct dialog){.kind = DIALOG_NONE};
    m->fl.now.trades_wanted = true;
    m->fl.now.trades_done = false;
    model_say(m, CHAT_EVENT,
              "durability trades are measured now, and taken back: while one is in force, a crash "
              "can lose commits of anybody on this server");
    flow_claimed(m, fx);
}

void flow_trade(struct model *m, struct effects *fx)
{
    if (!model_run_active(m) || m->flow > FLOW_TRADE || m->opt.readonly || m->workspace.readonly) {
        model_say(m, CHAT_WARN,
                  "durability trades are measured at the end of a session: start one with t and "
                  "ask again, or start the program with --measure-durability");
        return;
    }
    if (m->fl.decision == DECIDE_KEEP) {
        trade_before_keeping(m, fx);
        return;
    }
    m->fl.now.trades_wanted = true;
    m->fl.now.trades_done = m->flow == FLOW_TRADE;
    model_say(m, CHAT_EVENT,
              "durability trades are measured once the best state is confirmed, and taken back: "
              "while one is in force, a crash can lose commits of anybody on this server");
}
