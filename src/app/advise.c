/* advise.c - see advise.h. */
#include "pgd/app/advise.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise_input.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/talk.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"

/* An operation: which slot asks it, and who gets its answer; NULL = the conversation. */
struct advise_row {
    enum ask_slot slot;
    void (*answered)(struct model *m, const struct op_answer *a, struct effects *fx);
};

static const struct advise_row rows[OP_COUNT] = {
    [OP_FIRST_SIGHT] = {ASK_FLOW, flow_sight_known},
    [OP_STRATEGY] = {ASK_FLOW, flow_plan_known},
    [OP_TARGET] = {ASK_FLOW, flow_target_known},
    [OP_ROUND1] = {ASK_FLOW, flow_round_advised},
    [OP_ANALYZE] = {ASK_FLOW, flow_round_advised},
    [OP_NEXT_STRATEGIES] = {ASK_FLOW, flow_next_known},
    [OP_CONFLICTS] = {ASK_FLOW, flow_report_known},
    [OP_RESTORE] = {ASK_ASIDE, flow_restored},
    [OP_DIAGNOSE] = {ASK_ASIDE, advise_diagnosed},
    [OP_QUESTION] = {ASK_CHAT, NULL},
    [OP_PARAMETER] = {ASK_CHAT, NULL},
    [OP_ANOMALY] = {ASK_CHAT, NULL},
    [OP_COMPARE] = {ASK_CHAT, NULL},
    [OP_HARDWARE] = {ASK_CHAT, NULL},
};

/* ---- the numbers of chance (S. Vigna, splitmix64) ---- */

static uint64_t mixed(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static struct ask_env env_of(struct model *m, const struct advise_input *x, enum ask_slot slot)
{
    double left = slot == ASK_FLOW && m->session.deadline_us ? model_seconds_left(m) : 1e9;

    m->advising.random += UINT64_C(0x9e3779b97f4a7c15);
    return (struct ask_env){
        .partner = &m->partner,
        .in = &x->in,
        .now_us = m->now_us,
        .wall_us = m->wall_us,
        .random = mixed(m->advising.random),
        .wait_s = m->advising.leaving        ? ADVISE_LEAVE_S
                  : left < ASK_WAIT_BUDGET_S ? (int)fmax(1, left)
                                             : 0,
    };
}

/* ---- what is told of it ---- */

static void emit_ask(struct model *m, const struct ask *a, struct effects *fx)
{
    const struct op_answer *r = a->answer;
    double seconds = (double)(m->now_us - a->begun_us) / 1e6;
    bool known = a->usage.in > 0 || a->usage.out > 0;
    struct line *l = line_new("ask");

    line_text(l, "op", op_row(a->op)->name);
    line_text(l, "model", m->partner.endpoint.model);
    line_int(l, "attempts", a->attempt);
    line_bool(l, "repaired", a->repaired);
    line_bool(l, "by_rules", r->by_rules);
    line_text(l, "why", r->why_rules[0] ? r->why_rules : NULL);
    line_num(l, "tokens_in", known ? a->usage.in : (double)NAN);
    line_num(l, "tokens_cached", known ? a->usage.cached : (double)NAN);
    line_num(l, "tokens_thinking", known ? a->usage.thinking : (double)NAN);
    line_num(l, "tokens_out", known ? a->usage.out : (double)NAN);
    line_num(l, "usd", known || a->usd > 0 ? a->usd : (double)NAN);
    line_num(l, "seconds", seconds);
    line_bool(l, "cached", r->cached);
    flow_emit(m, l, fx);
}

/* The breaker, the caps, a model that is gone: each change is said once. */
static void tell_partner(struct model *m)
{
    struct partner *p = &m->partner;
    struct advising *v = &m->advising;
    char why[200];

    if (p->breaker.state != v->breaker_told) {
        if (p->breaker.state == BREAKER_OPEN)
            model_say(m, CHAT_WARN, "%s is not asked for %d s: %s. The builtin advisor answers.",
                      p->endpoint.model, p->breaker.pause_s, p->breaker.why);
        else if (p->breaker.state == BREAKER_TRYING)
            model_say(m, CHAT_EVENT, "one call tries whether %s answers again", p->endpoint.model);
        else
            model_say(m, CHAT_GOOD, "%s answers again", p->endpoint.model);
        v->breaker_told = p->breaker.state;
    }
    if (p->capped && !v->capped_told && partner_capped(p, why, sizeof why)) {
        model_say(m, CHAT_WARN, "%s: the builtin advisor answers from here on", why);
        v->capped_told = true;
    } else if (p->warned_80 && !v->warned_told && !p->capped) {
        model_say(m, CHAT_WARN, "80 %% of what a session may ask are used: %d calls, %.2f USD",
                  p->session.calls, p->session.usd);
        v->warned_told = true;
    }
    if (p->gone[0] && strcmp(p->gone, v->gone_told) != 0) {
        model_say(m, CHAT_WARN, "the model %s is gone: choose another with /model", p->gone);
        v->pick = !m->opt.headless;
        text_copy_raw(v->gone_told, sizeof v->gone_told, p->gone);
    }
}

static void tell_answer(struct model *m, const struct ask *a)
{
    const struct op_answer *r = a->answer;

    if (a->slot == ASK_CHAT)
        return; /* the conversation labels its own */
    if (r->by_rules && a->attempt > 0)
        model_say(m, CHAT_WARN, "%s did not answer (%s): the builtin advisor takes its place",
                  m->partner.endpoint.model, r->why_rules);
    if (r->cached)
        model_say(m, CHAT_EVENT, "an earlier answer of %s to the same request", r->advisor.text);
    /* proposals carry it in their summary, where the DBA reads them */
    if (r->dropped[0] && a->op != OP_ROUND1 && a->op != OP_ANALYZE)
        model_say(m, CHAT_WARN, "%s", r->dropped);
}

static void finish(struct model *m, struct ask *a, struct effects *fx)
{
    const struct advise_row *row = &rows[a->op];
    struct op_answer *answer;

    if (m->partner.kind != PARTNER_BUILTIN)
        emit_ask(m, a, fx);
    tell_answer(m, a);
    advise_keep(m, a, fx);
    m->dirty = true;
    if (!row->answered) {
        talk_answered(m, fx);
        return;
    }
    answer = a->answer; /* what follows may ask anew in the same slot */
    a->answer = NULL;
    ask_reset(a);
    row->answered(m, answer, fx);
    free(answer);
}

/* After each call of the machine; from: the first effect that it has added. */
static void after(struct model *m, struct ask *a, size_t from, struct effects *fx)
{
    advise_audit(m, a, from, fx);
    tell_partner(m);
    if (a->state == ASK_DONE)
        finish(m, a, fx);
}

/* ---- asking ---- */

void advise(struct model *m, enum op op, struct effects *fx)
{
    struct ask *a = &m->asks[rows[op].slot];
    struct advise_input x;
    struct ask_env env;
    size_t from = fx->n;

    a->slot = rows[op].slot;
    if (ask_open(a)) { /* a newer one counts */
        advise_input_fill(m, a->op, &x);
        env = env_of(m, &x, a->slot);
        ask_cancel(a, &env, fx);
        advise_input_clear(&x);
        from = fx->n;
    }
    advise_input_fill(m, op, &x);
    env = env_of(m, &x, a->slot);
    ask_begin(a, op, &env, fx);
    advise_input_clear(&x);
    after(m, a, from, fx);
}

void advise_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct ask *a = &m->asks[ev->req.generation % ASK_SLOTS];
    struct advise_input x;
    struct ask_env env;
    size_t from = fx->n;

    if (m->quitting) /* the summary is the last line */
        return;
    if (ev->req.generation == ASK_NO_QUESTION) {
        advise_other(m, ev, fx);
        return;
    }
    if (!ask_open(a))
        return;
    if (ev->kind == EV_HTTP_DATA && a->op != OP_COUNT) {
        /* the commonest by far needs nothing of the model */
        env = (struct ask_env){.partner = &m->partner, .now_us = m->now_us, .wall_us = m->wall_us};
        if (ask_step(a, ev, &env, fx))
            m->dirty = true;
        return;
    }
    advise_input_fill(m, a->op, &x);
    env = env_of(m, &x, a->slot);
    bool ours = ask_step(a, ev, &env, fx);
    advise_input_clear(&x);
    if (ours)
        after(m, a, from, fx);
    m->dirty = m->dirty || ours;
}

void advise_cancel(struct model *m, enum ask_slot slot, struct effects *fx)
{
    struct ask *a = &m->asks[slot];
    struct advise_input x;
    struct ask_env env;
    size_t from = fx->n;

    if (!ask_open(a))
        return;
    advise_input_fill(m, a->op, &x);
    env = env_of(m, &x, slot);
    ask_cancel(a, &env, fx);
    advise_input_clear(&x);
    after(m, a, from, fx);
}

void advise_cancel_all(struct model *m, struct effects *fx)
{
    for (int i = 0; i < ASK_SLOTS; i++)
        advise_cancel(m, (enum ask_slot)i, fx);
}

bool advise_busy(const struct model *m)
{
    return ask_open(&m->asks[ASK_FLOW]);
}

/* Why nobody waits any longer for what the slot has asked; NULL = somebody does. */
static const char *out_of_time(const struct model *m, const struct ask *a)
{
    int most_s = m->advising.leaving && a->op == OP_DIAGNOSE ? ADVISE_LEAVE_S : ADVISE_MOST_S;

    if (!ask_open(a))
        return NULL;
    if (a->slot == ASK_FLOW && model_run_active(m) && m->session.deadline_us &&
        model_seconds_left(m) <= 0)
        return "the session's time is over";
    return m->now_us - a->begun_us > (int64_t)most_s * 1000000 ? "nobody waits for it any longer"
                                                               : NULL;
}

static void end_of_patience(struct model *m, struct effects *fx)
{
    for (int i = 0; i < ASK_SLOTS; i++) {
        const char *why = out_of_time(m, &m->asks[i]);
        if (!why)
            continue;
        model_say(m, CHAT_WARN, "%s takes too long: %s", m->partner.endpoint.model, why);
        advise_cancel(m, (enum ask_slot)i, fx);
    }
}

/* A list over a half-typed word would take its keys. */
static void pick_model(struct model *m, struct effects *fx)
{
    const struct dialog *d = &m->screen.dialog;

    if (!m->advising.pick || m->screen.prompt.focus || d->editing ||
        (d->kind != DIALOG_NONE && !dialog_asks(d->kind)))
        return;
    m->advising.pick = false;
    advise_models(m, fx);
    dialogs_open(m, DIALOG_MODEL);
}

void advise_tick(struct model *m, struct effects *fx)
{
    struct event ev = {.kind = EV_TICK, .at_us = m->now_us, .wall_us = m->wall_us};

    for (int i = 0; i < ASK_SLOTS; i++) {
        struct ask *a = &m->asks[i];
        struct advise_input x;
        size_t from = fx->n;
        if (!ask_open(a))
            continue;
        advise_input_fill(m, a->op, &x);
        struct ask_env env = env_of(m, &x, a->slot);
        ask_step(a, &ev, &env, fx);
        advise_input_clear(&x);
        after(m, a, from, fx);
        m->dirty = true;
    }
    advise_notice(m);
    pick_model(m, fx);
    end_of_patience(m, fx);
}

bool advise_preview(struct model *m, enum op op, struct buf *out)
{
    struct advise_input x;
    uint64_t random = m->advising.random; /* the next request has the same fence */
    bool told = m->partner.told, judging = m->advising.judging, sent;

    m->partner.told = true; /* who has not agreed yet looks before it is decided */
    m->advising.judging = false;
    advise_know(m);
    advise_input_fill(m, op, &x);
    struct ask_env env = env_of(m, &x, rows[op].slot);
    sent = ask_preview(op, &env, out);
    m->advising.random = random;
    m->advising.judging = judging;
    m->partner.told = told;
    advise_input_clear(&x);
    return sent;
}
