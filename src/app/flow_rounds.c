/* flow_rounds.c - the rounds of a session: whether there is a next one, what is proposed, what the verdict
 * means for the best state. round_step() decides; its wishes are carried out here. */
#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/text.h"
#include "pgd/tuning/others.h"
#include "pgd/workspace/consent.h"
#include "pgd/workspace/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMPTY_ROUNDS_MAX = 4, LOOK_MS = 5000 };
/* Steps of FLOW_ROUND: only one of them waits for an answer of its own. */
enum { ROUNDS_NOTHING, ROUNDS_LOOK };

static double confirm_cost(const struct model *m)
{
    return experiment_cost(&m->session.plan, EXPERIMENT_CONFIRM, flow_restart_possible(m)) + 10;
}

static double seconds_for_rounds(const struct model *m)
{
    return model_seconds_left(m) - (m->session.best.n > 0 ? confirm_cost(m) : 10);
}

/* Why no further round is made; NULL = make one. */
static const char *stop_reason(const struct model *m)
{
    const struct session *s = &m->session;

    if (m->fl.now.stop_and_keep)
        return "stopped by the DBA";
    if (!arm_same(&s->best, &s->start) && s->target.tps > 0 && s->best_tps >= s->target.tps)
        return "target reached";
    if (s->misses >= 3)
        return "three misses in a row";
    if (s->rounds_done >= s->plan.rounds)
        return "all rounds are spent";
    if (model_seconds_left(m) - confirm_cost(m) <
        experiment_cost(&s->plan, EXPERIMENT_ROUND, false))
        return s->rounds_done ? "the budget is spent" : "the budget is too short for a round";
    return NULL;
}

static void rounds_over(struct model *m, const char *why, struct effects *fx)
{
    text_copy(m->session.end_reason, sizeof m->session.end_reason, why);
    model_say(m, CHAT_EVENT, "no further round: %s", why);
    if (m->session.best.n > 0 && !arm_same(&m->session.best, &m->session.start))
        flow_confirm_begin(m, fx);
    else
        flow_back_to_start(m, fx);
}

/* The DBA does not want what this round kept: the session goes on from the state before it. */
static void undo_kept_round(struct model *m)
{
    struct session *s = &m->session;
    struct round_history *h = s->nhistory ? &s->history[s->nhistory - 1] : NULL;

    m->fl.now.undo_round = false;
    s->best = s->round.best;
    if (s->round.review.proposal.repair) {
        s->start = s->best;
        text_copy(s->start.label, sizeof s->start.label, "start");
        s->baseline_tps = s->round.verdict.tps_a;
        s->baseline_p95_ms = s->round.verdict.p95_a;
    }
    s->best_tps = s->best.n > 0 ? s->round.verdict.tps_a : s->baseline_tps;
    flow_arm_window(&s->round.experiment, ARM_A, &s->best_window);
    if (h)
        h->kept = false;
    for (int i = 0; h && i < h->n && s->nrejected < (int)ARRAY_LEN(s->rejected); i++) {
        struct rejected_change *r = &s->rejected[s->nrejected++];
        text_copy_raw(r->name, sizeof r->name, h->changes[i].name);
        text_copy_raw(r->value, sizeof r->value, h->changes[i].value);
    }
}

/* At once, and not with the next round's first switch: nobody knows how long a review takes. */
static void undo_begin(struct model *m, struct effects *fx)
{
    model_say(m, CHAT_EVENT, "undoing round %d", m->session.round.number);
    undo_kept_round(m);
    flow_save(m, false, fx);
    m->fl.now.undoing_round = true;
    flow_switch(m, &m->session.best, fx);
}

void flow_round_undone(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;

    m->fl.now.undoing_round = false;
    if (a->state == APPLY_STUCK) {
        struct err e = a->err;
        flow_enter(m, FLOW_STUCK);
        flow_end_stuck(m, &e, fx);
        return;
    }
    /* After a failure the next round begins with the same switch. */
    m->fl.now.arm_unknown = a->state != APPLY_DONE;
    if (a->state == APPLY_DONE)
        model_say(m, CHAT_GOOD, "round %d is undone: the settings are as they were before it",
                  m->session.round.number);
    else
        model_say(m, CHAT_BAD, "round %d is not undone yet: %s", m->session.round.number,
                  a->err.msg);
    if (m->fl.now.cancel)
        flow_settle(m, &m->session.best, fx);
    else
        flow_rounds(m, fx);
}

void flow_rounds(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    m->screen.dialog.kind = DIALOG_NONE;
    const char *why = stop_reason(m);
    if (why) {
        rounds_over(m, why, fx);
        return;
    }
    flow_enter(m, FLOW_ROUND);
    round_clear(&s->round);
    round_init(&s->round, s->rounds_done + 1, &s->best, &s->plan, s->floor);
    if (m->fl.now.arm_unknown) /* the first wish is a switch */
        s->round.arm_in_force = s->round.experiment.arm = -1;
    m->fl.now.arm_unknown = false;
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_START}, fx);
}

/* The advisor's expectation, false when it has none. */
static bool predicted(const struct setting_change *c, struct buf *out)
{
    if (!isfinite(c->expect_lo) || !isfinite(c->expect_hi) ||
        (c->expect_lo == 0 && c->expect_hi == 0))
        return false;
    buf_printf(out, "[%.4g,%.4g]", c->expect_lo, c->expect_hi);
    return true;
}

static void emit_guard(struct model *m, int round, const struct review_line *v, struct effects *fx)
{
    static const char *const risks[] = {"low", "medium", "high"};
    bool passed = v->refusal == REFUSE_NONE;
    struct line *l = line_new("guard");
    struct buf range = {0};

    line_int(l, "round", round);
    line_text(l, "name", v->change.name);
    line_text(l, "from", v->from);
    line_text(l, "to", passed ? v->to : v->change.value);
    line_text(l, "evidence", v->change.evidence);
    line_text(l, "why", v->change.why);
    line_bool(l, "restart", v->restart);
    line_text(l, "refused", passed ? NULL : refusal_name(v->refusal));
    line_text(l, "reason", passed ? NULL : v->reason);
    line_text(l, "sql", passed ? v->sql : NULL);
    line_text(l, "undo", passed ? v->undo : NULL);
    line_text(l, "takes_effect", passed ? takes_effect_name(v->takes) : NULL);
    line_text(l, "reach", passed ? v->reach : NULL);
    line_text(l, "risk", passed ? risks[v->change.risk] : NULL);
    line_text(l, "price", v->price[0] && (passed || review_is_trade(v)) ? v->price : NULL);
    if (passed && predicted(&v->change, &range))
        line_raw(l, "predicted", buf_text(&range));
    else
        line_text(l, "predicted", NULL);
    buf_clear(&range);
    flow_emit(m, l, fx);
}

static void emit_proposal(struct model *m, const struct review *r, struct effects *fx)
{
    struct line *l = line_new("proposal");
    struct buf list = {0};

    line_int(l, "round", r->round);
    line_text(l, "advisor", r->proposal.advisor.text);
    line_text(l, "summary", r->proposal.summary);
    line_int(l, "changes", r->n);
    line_text(l, "others", r->others[0] ? r->others : NULL);
    flow_emit(m, l, fx);
    if (r->others[0])
        model_say(m, CHAT_WARN, "%s", r->others);
    for (int i = 0; i < r->n; i++) {
        const struct review_line *v = &r->lines[i];
        emit_guard(m, r->round, v, fx);
        buf_printf(&list, "%s%s %s", i ? ", " : "", v->change.name,
                   v->refusal == REFUSE_NONE ? v->to : "(refused)");
    }
    model_say(m, CHAT_AI, "Round %d: %s", r->round, r->proposal.summary);
    model_say(m, CHAT_AI, "proposed: %s", buf_text(&list));
    buf_clear(&list);
}

#ifdef PGD_TEST_BUILD
static void force_change(struct proposal *p, const char *pair, size_t len)
{
    const char *eq = memchr(pair, '=', len);
    size_t name = eq ? (size_t)(eq - pair) : 0;

    if (!name || p->n == CHANGES_MAX || name >= sizeof p->changes[0].name ||
        len - name - 1 >= sizeof p->changes[0].value)
        return;
    struct setting_change *c = &p->changes[p->n++];
    memset(c, 0, sizeof *c);
    memcpy(c->name, pair, name);
    memcpy(c->value, eq + 1, len - name - 1);
    p->nothing_left = false;
    text_copy(c->why, sizeof c->why, "asked for by a test");
}
#endif

/* Test builds only: further changes, of the test's own, so that guard and rescue can be seen at work. Pairs NAME=VALUE
 * with ';' between them, and a line break between those of one round and those of the next; a single line is for every
 * round, and a line "-" for none. */
static void test_changes(struct proposal *p, int round)
{
#ifdef PGD_TEST_BUILD
    const char *at = getenv("PGD_TEST_FORCE_CHANGE");
    bool rounds = at && strchr(at, '\n');

    for (; rounds && at && round > 1; round--)
        at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
    while (at && *at && *at != '\n') {
        size_t len = strcspn(at, ";\n");
        force_change(p, at, len);
        at += len + (at[len] == ';');
    }
#else
    (void)p;
    (void)round;
#endif
}

void flow_prices(const struct model *m, struct guard_policy *g)
{
    const struct window *w = &m->session.best_window;

    g->wal_bytes_per_s = w->valid && w->secs > 0 ? w->wal_bytes / w->secs : NAN;
    g->temp_bytes_per_s = w->valid && w->secs > 0 ? w->temp_bytes / w->secs : NAN;
    g->sessions = m->collect.watch.at_us ? m->collect.watch.others : NAN;
    g->blackout_s = consent_blackout_s(m, &g->blackout_measured);
}

static void propose(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct evidence e;
    struct proposal *p = xcalloc(1, sizeof *p);
    struct guard_policy g = {
        .restart_possible = flow_restart_possible(m),
        .restart_refused = flow_restart_why_not(m),
        .peak_active = s->best_window.valid ? s->best_window.active_peak : NAN,
        .clients = s->plan.clients,
        .database = s->plan.database,
        .temp_bytes_per_s = NAN,
        .disabled = m->opt.unsafe_guard,
    };

    flow_prices(m, &g);
    model_evidence(m, &e);
    e.restart_allowed = g.restart_possible;
    if (s->rounds_done == 0)
        builtin_round1(&e, p);
    else
        builtin_next_round(&e, p);
    test_changes(p, s->round.number);
    guard_review(p, &m->server, &g, &s->round.review);
    s->round.review.round = s->round.number;
    for (int i = 0; i < s->round.review.n; i++)
        session_remember_first(s, s->round.review.lines[i].change.name,
                               s->round.review.lines[i].from);
    if (p->n > 0)
        emit_proposal(m, &s->round.review, fx);
    free(p);
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_PROPOSED}, fx);
}

static void remember_rejected(struct session *s)
{
    for (int i = 0; i < s->round.review.n; i++) {
        const struct review_line *l = &s->round.review.lines[i];
        if (l->answer == ANSWER_ACCEPT && l->refusal == REFUSE_NONE)
            continue;
        if (s->nrejected == (int)ARRAY_LEN(s->rejected))
            return;
        struct rejected_change *r = &s->rejected[s->nrejected++];
        text_copy_raw(r->name, sizeof r->name, l->change.name);
        text_copy_raw(r->value, sizeof r->value, l->change.value);
    }
}

void flow_review_done(struct model *m, struct effects *fx)
{
    m->screen.dialog.kind = DIALOG_NONE;
    m->session.round.review.done = true;
    m->session.round.experiment.blocks = flow_blocks_round(m);
    remember_rejected(&m->session);
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_REVIEWED}, fx);
}

void flow_emit_verdict(struct model *m, const char *phase, int round, const struct verdict *v,
                       struct effects *fx)
{
    struct line *l = line_new("verdict");
    struct buf ci = {0};

    line_text(l, "phase", phase);
    line_int(l, "round", round);
    line_text(l, "verdict", verdict_name(v->kind));
    line_num(l, "effect", v->ratio);
    if (isfinite(v->ci_lo) && isfinite(v->ci_hi)) {
        buf_printf(&ci, "[%.4f,%.4f]", v->ci_lo, v->ci_hi);
        line_raw(l, "ci95", buf_text(&ci));
        buf_clear(&ci);
    } else {
        line_text(l, "ci95", NULL);
    }
    line_num(l, "floor", v->floor);
    line_num(l, "tps_before", v->tps_a);
    line_num(l, "tps_after", v->tps_b);
    line_num(l, "p95_before", v->p95_a);
    line_num(l, "p95_after", v->p95_b);
    line_int(l, "runs_before", v->runs_a);
    line_int(l, "runs_after", v->runs_b);
    line_text(l, "note", v->note[0] ? v->note : NULL);
    flow_emit(m, l, fx);
    if (isfinite(v->ratio))
        model_say(
            m, v->kind == VERDICT_IMPROVED ? CHAT_GOOD : CHAT_WARN,
            "%s: %s, %+.1f %% (95 %% interval %+.1f \xe2\x80\xa6 %+.1f), %d against %d runs%s%s",
            phase, verdict_name(v->kind), (v->ratio - 1) * 100, (v->ci_lo - 1) * 100,
            (v->ci_hi - 1) * 100, v->runs_b, v->runs_a, v->note[0] ? "; " : "", v->note);
}

/* The round has its verdict: what the advisor learns from, and what the session is from now on. */
static void round_to_history(struct model *m)
{
    struct session *s = &m->session;
    struct round *r = &s->round;

    if (s->nhistory == HISTORY_MAX)
        return;
    struct round_history *h = &s->history[s->nhistory++];
    memset(h, 0, sizeof *h);
    h->number = r->number;
    for (int i = 0; i < r->review.n && h->n < CHANGES_MAX; i++) {
        const struct review_line *l = &r->review.lines[i];
        if (l->refusal != REFUSE_NONE || l->answer != ANSWER_ACCEPT)
            continue;
        h->changes[h->n] = l->change;
        text_copy_raw(h->changes[h->n++].value, SETTING_VALUE_MAX, l->to);
    }
    h->verdict = r->verdict;
    h->kept = r->kept;
    h->failed = r->state == ROUND_FAILED;
    flow_arm_window(&r->experiment, ARM_B, &h->window);
}

/* The server is sound now, and that is what all further figures are compared with. */
static void start_anew(struct model *m)
{
    struct session *s = &m->session;
    struct evidence e;

    s->start = s->best;
    text_copy(s->start.label, sizeof s->start.label, "start");
    s->baseline_tps = s->round.verdict.tps_b;
    s->baseline_p95_ms = s->round.verdict.p95_b;
    s->base_window = s->best_window;
    model_say(m, CHAT_GOOD, "repaired: from here on everything is compared with %.0f TPS",
              s->baseline_tps);
    if (s->plan.target_tps > 0)
        return;
    model_evidence(m, &e);
    builtin_target(&e, &s->target);
}

static void judge(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;
    struct evidence e;

    round_to_history(m);
    flow_emit_verdict(m, "round", r->number, &r->verdict, fx);
    if (r->kept) {
        s->best = r->candidate;
        s->best_tps = r->verdict.tps_b;
        flow_arm_window(&r->experiment, ARM_B, &s->best_window);
        s->misses = 0;
        if (r->review.proposal.repair)
            start_anew(m);
    } else {
        s->misses++;
    }
    model_evidence(m, &e);
    builtin_analyze(&e, &r->verdict, &r->conclusion);
    if (s->nhistory)
        s->said[s->nhistory - 1] = r->conclusion;
    model_say(m, CHAT_AI, "%s", r->conclusion.text);
    if (r->conclusion.bottleneck[0])
        model_say(m, CHAT_AI, "bottleneck: %s", r->conclusion.bottleneck);
}

/* What the DBA or the guard turned down is remembered, so that the advisor may have something else to offer. */
static void round_empty(struct model *m, struct effects *fx)
{
    const struct round *r = &m->session.round;
    bool turned_down = r->review.n > 0 && !r->review.proposal.nothing_left;

    m->fl.now.arm_unknown = r->arm_in_force !=
                            ARM_A; /* no switch was made since a round was undone */

    if (turned_down && !m->fl.now.stop_and_keep && ++m->fl.now.empty_rounds < EMPTY_ROUNDS_MAX)
        flow_rounds(m, fx);
    else
        rounds_over(m,
                    m->fl.now.stop_and_keep ? "stopped by the DBA"
                    : turned_down           ? "no proposal was accepted"
                                            : "nothing left that the evidence supports",
                    fx);
}

static void round_end(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;

    switch (r->state) {
    case ROUND_EMPTY:
        round_empty(m, fx);
        return;
    case ROUND_STUCK:
        flow_enter(m, FLOW_STUCK);
        flow_end_stuck(m, &r->err, fx);
        return;
    case ROUND_CANCELLED:
        flow_settle(m, &s->best, fx);
        return;
    case ROUND_FAILED:
        if (m->fl.now.cancel) {
            flow_settle(m, &s->best, fx);
            return;
        }
        round_to_history(m);
        s->rounds_done = r->number;
        s->misses++;
        model_say(m, CHAT_BAD, "round %d: %s", r->number, r->err.msg);
        if (r->err.detail[0])
            model_say(m, CHAT_BAD, "%s", r->err.detail);
        if (m->apply.log_line[0])
            model_say(m, CHAT_BAD, "server log: %s", m->apply.log_line);
        flow_save(m, false, fx);
        flow_rounds(m, fx);
        return;
    default:
        break;
    }
    s->rounds_done = r->number;
    m->fl.now.empty_rounds = 0;
    if (m->opt.headless) {
        flow_rounds_next(m, fx);
    } else {
        m->fl.decision = DECIDE_VERDICT;
        m->screen.dialog = (struct dialog){.kind = DIALOG_VERDICT};
    }
}

/* After a kept round the statements have other plans: look again before the next proposal. */
void flow_rounds_next(struct model *m, struct effects *fx)
{
    m->screen.dialog.kind = DIALOG_NONE;
    if (m->fl.now.undo_round)
        undo_begin(m, fx);
    else if (m->session.round.kept && !stop_reason(m))
        flow_explain(m, fx);
    else
        flow_rounds(m, fx);
}

void flow_undo_round(struct model *m, struct effects *fx)
{
    if (m->fl.decision == DECIDE_VERDICT && m->session.round.kept) {
        m->fl.now.undo_round = true;
        flow_decide(m, DECIDE_VERDICT, 1, fx);
    } else if (m->fl.decision == DECIDE_VERDICT) {
        model_say(m, CHAT_WARN, "round %d kept nothing: there is nothing to undo",
                  m->session.round.number);
    } else {
        model_say(m, CHAT_WARN, "a round can be undone while its verdict waits for an answer");
    }
}

/* Does what the round wants. */
static void round_wish(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;

    switch (r->want) {
    case ROUND_WANT_PROPOSAL: /* after a look at what others have left in the files */
        s->round.review.others[0] = '\0';
        if (!m->server.rights.file_settings && !m->server.rights.superuser) {
            propose(m, fx);
            break;
        }
        m->fl.step = ROUNDS_LOOK;
        fx_sql(fx, flow_req(m), CONN_CONTROL, others_sql(), LOOK_MS);
        break;
    case ROUND_WANT_REVIEW:
        m->fl.decision = DECIDE_REVIEW;
        m->screen.dialog = (struct dialog){.kind = DIALOG_REVIEW};
        break;
    case ROUND_WANT_SWITCH:
        flow_switch(m, r->want_arm == ARM_A ? &r->best : &r->candidate, fx);
        break;
    case ROUND_WANT_RUN:
        flow_run(m, r->run_seconds, r->run_warmup, fx);
        break;
    case ROUND_WANT_SAVE:
        judge(m, fx);
        s->rounds_done = r->number;
        flow_journal(m, "checkpoint", "what", "round", fx);
        flow_save(m, true, fx);
        break;
    case ROUND_WANT_END:
        round_end(m, fx);
        break;
    case ROUND_WANT_NOTHING:
        break;
    }
}

void flow_round_message(struct model *m, struct round_msg *msg, struct effects *fx)
{
    msg->seconds_left = seconds_for_rounds(m);
    if (m->session.best.n == 0)
        msg->seconds_left = model_seconds_left(m) - confirm_cost(m);
    msg->seconds_left = fmin(msg->seconds_left, flow_window_left_s(m));
    round_step(&m->session.round, msg);
    m->dirty = true;
    round_wish(m, fx);
}

void flow_rounds_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct round *r = &m->session.round;

    if (!flow_waits(m, ev))
        return;
    if (m->fl.step == ROUNDS_LOOK && ev->kind == EV_PG_RESULT) {
        m->fl.step = ROUNDS_NOTHING;
        if (r->state != ROUND_PROPOSE)
            return;
        if (ev->err.code == ERR_NONE && ev->rows)
            others_pending(ev->rows, &m->session.ledger, r->review.others, sizeof r->review.others);
        propose(m, fx);
    } else if (ev->kind == EV_FILE) {
        flow_save_failed(m, ev, fx);
        flow_round_saved(m, fx);
    }
}

void flow_round_saved(struct model *m, struct effects *fx)
{
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_SAVED}, fx);
}
