/* flow_rounds.c - the rounds of a session: whether there is a next one, what is proposed, what the verdict
 * means for the best state. round_step() decides; its wishes are carried out here. */
#include "pgd/app/advise.h"
#include "pgd/app/flow_branch.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/forced.h"
#include "pgd/app/links.h"
#include "pgd/app/verify.h"
#include "pgd/base/text.h"
#include "pgd/tuning/others.h"
#include "pgd/workspace/kept.h"
#include "pgd/workspace/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EMPTY_ROUNDS_MAX = 4, LOOK_MS = 5000 };
/* Steps of FLOW_ROUND: only one of them waits for an answer of its own. */
enum { ROUNDS_NOTHING, ROUNDS_LOOK };

double flow_confirm_cost(const struct model *m)
{
    return experiment_cost(&m->session.plan, EXPERIMENT_CONFIRM, flow_restart_possible(m)) + 10;
}

static double seconds_for_rounds(const struct model *m)
{
    return model_seconds_left(m) - (m->session.best.n > 0 ? flow_confirm_cost(m) : 10) -
           flow_ablate_reserve(m);
}

static const char too_short[] = "the budget is too short for a round";

/* Why no further round is made; NULL = make one. */
static const char *stop_reason(const struct model *m)
{
    const struct session *s = &m->session;

    if (m->fl.now.stop_and_keep)
        return "stopped by the DBA";
    /* A target that nobody has set or agreed to is an expectation, and no reason to leave the rest of the gain. */
    bool meant = s->plan.target_tps > 0 || !m->opt.headless;
    if (meant && !arm_same(&s->best, &s->start) && s->target.tps > 0 &&
        s->best_tps >= s->target.tps)
        return "target reached";
    if (s->misses >= 3)
        return "three misses in a row";
    if (s->rounds_done >= s->plan.rounds)
        return "all rounds are spent";
    if (model_seconds_left(m) - flow_ablate_reserve(m) <
        experiment_round_needs(&s->plan, flow_restart_possible(m)))
        return s->rounds_done ? "the budget is spent" : too_short;
    return NULL;
}

/* A session that ends before its first round has to say how long a budget would have held one. */
static void tell_needed(struct model *m, const char *why)
{
    const struct session *s = &m->session;

    if (strcmp(why, too_short) != 0)
        return;
    m->fl.now.budget_needed_s = s->plan.budget_s - model_seconds_left(m) + flow_ablate_reserve(m) +
                                experiment_round_needs(&s->plan, flow_restart_possible(m));
    model_say(m, CHAT_WARN,
              "a round and its confirmation need a budget of about %.0f min here: give more than "
              "the %.3g min of this one",
              ceil(m->fl.now.budget_needed_s / 60), s->plan.budget_s / 60.0);
}

static void rounds_over(struct model *m, const char *why, struct effects *fx)
{
    text_copy(m->session.end_reason, sizeof m->session.end_reason, why);
    flow_left_judged(m);
    model_say(m, CHAT_EVENT, "no further round: %s", why);
    tell_needed(m, why);
    if (m->fl.now.keep_now && m->session.best.n > 0) {
        text_copy(m->session.end_reason, sizeof m->session.end_reason,
                  "ended by the DBA without a confirmation");
        model_say(m, CHAT_WARN, "kept without a confirmation: nothing is claimed");
        m->fl.now.settle_failed = false;
        flow_settle(m, &m->session.best, fx);
    } else if (m->session.best.n > 0 && !arm_same(&m->session.best, &m->session.start))
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
    s->next_round = 0; /* it was meant to stand on this round */
    s->best = s->round.best;
    session_best_changed(s);
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
        if (!(h->measured >> i & 1))
            continue;
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

/* The DBA keeps what a veto has held back: its candidate is the best state, as if there had been none. */
static void lift_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    model_say(m, CHAT_EVENT, "round %d is kept in spite of this: %s", s->round.number,
              s->round.veto);
    s->best = s->round.candidate;
    session_best_changed(s);
    s->best_tps = s->round.verdict.tps_b;
    flow_arm_window(&s->round.experiment, ARM_B, &s->best_window);
    s->misses = 0;
    if (s->nhistory)
        s->history[s->nhistory - 1].kept = true;
    flow_journal(m, "checkpoint", "what", "round", fx);
    flow_save(m, false, fx);
    m->fl.now.undoing_round = true;
    flow_switch(m, &s->best, fx);
}

/* The switch to it has ended; where it failed the state before it is the best again. */
static void veto_lifted(struct model *m, struct effects *fx)
{
    m->fl.now.lifting_veto = false;
    if (m->apply.state == APPLY_DONE) {
        model_say(m, CHAT_GOOD, "round %d is in force", m->session.round.number);
    } else {
        undo_kept_round(m);
        m->session.misses++;
        model_say(m, CHAT_BAD, "round %d could not be put in force: %s", m->session.round.number,
                  m->apply.err.msg);
    }
    flow_save(m, false, fx);
    if (m->fl.now.cancel)
        flow_settle(m, &m->session.best, fx);
    else if (m->apply.state == APPLY_DONE && !stop_reason(m))
        flow_explain(m, fx);
    else
        flow_rounds(m, fx);
}

void flow_lift_veto(struct model *m, struct effects *fx)
{
    const struct round *r = &m->session.round;

    if (m->fl.decision == DECIDE_VERDICT && !r->kept && r->veto[0]) {
        m->fl.now.lifting_veto = true;
        flow_decide(m, DECIDE_VERDICT, 1, fx);
    } else {
        model_say(m, CHAT_WARN, "there is no veto to lift");
    }
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
    if (m->fl.now.lifting_veto) {
        veto_lifted(m, fx);
        return;
    }
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
    m->screen.dialog.kind = DIALOG_NONE;
    if (!flow_bloat_begin(m, stop_reason(m) != NULL, fx))
        flow_rounds_looked(m, fx);
}

void flow_rounds_looked(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    const char *why = stop_reason(m);

    if (why) {
        rounds_over(m, why, fx);
        return;
    }
    flow_enter(m, FLOW_ROUND);
    round_clear(&s->round);
    round_init(&s->round, s->rounds_done + 1, &s->best, &s->plan, s->floor);
    s->round.experiment.prior = experiment_noise(&s->baseline);
    if (m->fl.now.arm_unknown) /* the first wish is a switch */
        s->round.arm_in_force = s->round.experiment.arm = -1;
    m->fl.now.arm_unknown = m->fl.now.screen_told = false;
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

/* Numbers of the alternatives that a line belongs to, from 0; null where there are none. */
static void sets_json(const struct review *r, int line, struct buf *out)
{
    unsigned sets = review_sets(r, line);

    for (int i = 0; r->proposal.nsets >= 2 && i < r->proposal.nsets; i++)
        if (sets >> i & 1)
            buf_printf(out, "%s%d", out->len ? "," : "[", i);
    buf_puts(out, r->proposal.nsets >= 2 ? "]" : "null");
}

static void emit_guard(struct model *m, const struct review *r, const struct review_line *v,
                       struct effects *fx)
{
    static const char *const risks[] = {"low", "medium", "high"};
    bool passed = v->refusal == REFUSE_NONE;
    struct line *l = line_new("guard");
    struct buf range = {0};

    line_int(l, "round", r->round);
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
    sets_json(r, (int)(v - r->lines), &range);
    line_raw(l, "sets", buf_text(&range));
    buf_clear(&range);
    flow_emit(m, l, fx);
}

/* The names of the alternatives; null when there is only one. */
static void names_json(const struct proposal *p, struct buf *out)
{
    struct buf one = {0};

    for (int i = 0; p->nsets >= 2 && i < p->nsets; i++) {
        struct line *l = line_new("");
        line_text(l, "name", p->set_names[i]);
        one.len = 0;
        line_finish(l, &one);
        /* the text alone, without the object around it */
        const char *text = strstr(buf_text(&one), "\"name\":") + 7;
        buf_printf(out, "%s%.*s", i ? "," : "[", (int)(strlen(text) - 1), text);
    }
    buf_puts(out, p->nsets >= 2 ? "]" : "null");
    buf_clear(&one);
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
    names_json(&r->proposal, &list);
    line_raw(l, "sets", buf_text(&list));
    list.len = 0;
    flow_emit(m, l, fx);
    if (r->others[0])
        model_say(m, CHAT_WARN, "%s", r->others);
    for (int i = 0; i < r->n; i++) {
        const struct review_line *v = &r->lines[i];
        emit_guard(m, r, v, fx);
        buf_printf(&list, "%s%s %s", i ? ", " : "", v->change.name,
                   v->refusal == REFUSE_NONE ? v->to : "(refused)");
    }
    model_say(m, CHAT_AI, "Round %d: %s", r->round, r->proposal.summary);
    model_say(m, CHAT_AI, "proposed: %s", buf_text(&list));
    list.len = 0;
    for (int i = 0; i < r->proposal.nsets; i++)
        buf_printf(&list, "%s%s", i ? "; " : "", r->proposal.set_names[i]);
    if (r->proposal.nsets >= 2)
        model_say(m, CHAT_AI, "alternatives: %s", buf_text(&list));
    buf_clear(&list);
}

/* Puts a proposal before the guard: its review is the round's. */
static void review(struct model *m, struct proposal *p)
{
    struct session *s = &m->session;
    struct guard_policy g = flow_policy(m);

    forced_changes(p, s->round.number);
    verify_propose(m, p);
    guard_review(p, &m->server, &g, &s->round.review);
    if (flow_left_answered(m))
        (void)kept_give(&s->kept, &s->round.review, &m->server, &g);
    s->round.review.round = s->round.number;
    for (int i = 0; i < s->round.review.n; i++)
        session_remember_first(s, s->round.review.lines[i].change.name,
                               s->round.review.lines[i].from);
}

static bool anything_passes(const struct review *r)
{
    for (int i = 0; i < r->n; i++)
        if (r->lines[i].refusal == REFUSE_NONE || review_is_trade(&r->lines[i]))
            return true;
    return false;
}

/* The builtin advisor's proposal for this round. */
static void builtin_proposal(struct model *m, struct proposal *p)
{
    struct evidence e;

    model_evidence(m, &e);
    e.restart_allowed = flow_restart_possible(m);
    if (m->session.rounds_done == 0)
        builtin_round1(&e, p);
    else
        builtin_next_round(&e, p);
}

static bool of_model(const struct proposal *p)
{
    return strcmp(p->advisor.text, "builtin") != 0;
}

/* A proposal is there. One of a model that holds nothing to be measured does not cost the round: the rules have ideas of their
 * own, or have none either. */
static void proposed(struct model *m, const struct proposal *from, struct effects *fx)
{
    struct session *s = &m->session;
    struct proposal *p = xcalloc(1, sizeof *p);

    *p = *from;
    review(m, p);
    if (of_model(p) && !anything_passes(&s->round.review)) {
        if (p->n > 0)
            emit_proposal(m, &s->round.review, fx);
        model_say(m, CHAT_WARN, "%s: the builtin advisor's proposal takes its place",
                  p->n > 0 ? "everything in it is refused" : "the model has no further idea");
        builtin_proposal(m, p);
        review(m, p);
    }
    if (p->n > 0)
        emit_proposal(m, &s->round.review, fx);
    free(p);
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_PROPOSED}, fx);
}

/* Repairs of what the server came with are the rules' own, and come first; then what the model has said with its last conclusion;
 * else it is asked. */
static void propose(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct proposal *p = xcalloc(1, sizeof *p);
    bool repair = false, said = s->next_round == s->round.number;

    if (flow_left_offers(m, p)) {
        proposed(m, p, fx);
        free(p);
        return;
    }
    if (m->partner.kind != PARTNER_BUILTIN)
        builtin_proposal(m, p);
    repair = p->repair;
    if (!repair && said) {
        *p = s->next;
        s->next_round = 0; /* what is turned down is not proposed again */
    }
    if (repair || said) {
        proposed(m, p, fx);
    } else {
        m->advising.judging = false;
        advise(m, s->rounds_done == 0 ? OP_ROUND1 : OP_ANALYZE, fx);
    }
    free(p);
}

void flow_review_done(struct model *m, struct effects *fx)
{
    struct guard_policy g = flow_policy(m);

    m->screen.dialog.kind = DIALOG_NONE;
    m->session.round.review.done = true;
    if (m->session.origin.reverts) {
        flow_revert_decided(m, fx);
        return;
    }
    m->session.round.experiment.blocks = flow_blocks_round(m);
    m->session.round.joins = guard_joins(&m->session.round.review, &m->server, &g);
    flow_left_decided(m, fx);
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_REVIEWED}, fx);
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
        if (round_measured(r, i))
            h->measured |= UINT32_C(1) << h->n;
        h->changes[h->n] = l->change;
        text_copy_raw(h->changes[h->n++].value, SETTING_VALUE_MAX, l->to);
    }
    h->nsets = r->nscreened;
    memcpy(h->sets, r->screened, sizeof h->sets);
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
    if (s->plan.target_tps > 0 || s->plan.observe)
        return;
    model_evidence(m, &e);
    builtin_target(&e, &s->target); /* until a model has said what it thinks */
    m->fl.now.target_again = m->partner.kind != PARTNER_BUILTIN;
}

static void judge(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;

    flow_bloat_note(m, r->number, &r->verdict);
    round_to_history(m);
    flow_emit_verdict(m, "round", r->number, &r->verdict, fx);
    if (r->kept) {
        s->best = r->candidate;
        session_best_changed(s);
        s->best_tps = r->verdict.tps_b;
        flow_arm_window(&r->experiment, ARM_B, &s->best_window);
        s->misses = 0;
        if (r->review.proposal.repair)
            start_anew(m);
    } else {
        s->misses++;
    }
    s->rounds_done = r->number;
    s->next_round = 0;
    flow_left_judged(m);
    m->advising.judging = true;
    if (m->partner.kind != PARTNER_BUILTIN) /* the verdict is not lost while a model thinks */
        flow_save(m, false, fx);
    advise(m, OP_ANALYZE, fx);
}

static void checkpoint(struct model *m, struct effects *fx)
{
    flow_journal(m, "checkpoint", "what", "round", fx);
    flow_save(m, true, fx);
}

/* What the advisor makes of the verdict. A model's idea for the next round is kept; the rules look again when it begins. */
static void judged(struct model *m, const struct op_answer *a, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;

    r->conclusion = a->u.analysis.conclusion;
    if (s->nhistory)
        s->said[s->nhistory - 1] = r->conclusion;
    if (a->u.analysis.has_next && of_model(&a->u.analysis.next)) {
        s->next = a->u.analysis.next;
        s->next_round = r->number + 1;
    }
    model_say(m, CHAT_AI, "%s", r->conclusion.text);
    if (r->conclusion.next[0] && !stop_reason(m))
        model_say(m, CHAT_AI, "next: %s", r->conclusion.next);
    if (r->conclusion.bottleneck[0])
        model_say(m, CHAT_AI, "bottleneck: %s", r->conclusion.bottleneck);
    if (m->fl.now.target_again)
        advise(m, OP_TARGET, fx);
    else
        checkpoint(m, fx);
}

void flow_target_again(struct model *m, const struct target *t, struct effects *fx)
{
    if (!m->fl.now.target_again)
        return;
    m->fl.now.target_again = false;
    m->session.target = *t;
    if (isfinite(t->tps))
        model_say(m, CHAT_AI, "target %.0f TPS from here on. %s", t->tps, t->why);
    else
        model_say(m, CHAT_AI, "%s", t->why);
    checkpoint(m, fx);
}

/* The DBA has said meanwhile that there is to be no further round. */
static void nothing_more(struct model *m, struct effects *fx)
{
    struct proposal *p = xcalloc(1, sizeof *p);

    p->nothing_left = true;
    text_copy(p->advisor.text, sizeof p->advisor.text, "builtin");
    proposed(m, p, fx);
    free(p);
}

void flow_round_advised(struct model *m, const struct op_answer *a, struct effects *fx)
{
    if (m->flow != FLOW_ROUND)
        return;
    if (a->op == OP_ANALYZE && m->advising.judging)
        judged(m, a, fx);
    else if (m->session.round.state == ROUND_PROPOSE && m->fl.now.stop_and_keep)
        nothing_more(m, fx);
    else if (m->session.round.state == ROUND_PROPOSE && !m->fl.now.cancel)
        proposed(m, a->op == OP_ROUND1 ? &a->u.proposal : &a->u.analysis.next, fx);
}

/* What the DBA or the guard turned down is remembered, so that the advisor may have something else to offer. */
static void round_empty(struct model *m, struct effects *fx)
{
    const struct round *r = &m->session.round;
    bool turned_down = r->review.n > 0 && !r->review.proposal.nothing_left;

    m->fl.now.arm_unknown = r->arm_in_force !=
                            ARM_A; /* no switch was made since a round was undone */
    flow_left_judged(m);

    if (turned_down && !m->fl.now.stop_and_keep && ++m->fl.now.empty_rounds < EMPTY_ROUNDS_MAX)
        flow_rounds(m, fx);
    else
        rounds_over(m,
                    m->fl.now.stop_and_keep ? "stopped by the DBA"
                    : turned_down           ? "no proposal was accepted"
                                            : "nothing left that the evidence supports",
                    fx);
}

/* A change could not be made, or the server did not come up with it: told, explained, and the session goes on. */
static void round_failed(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    const struct err e = s->round.err; /* the round is over before the report is on the screen */
    int number = s->round.number;
    char what[48], title[80];

    round_to_history(m);
    flow_left_judged(m);
    s->rounds_done = number;
    s->misses++;
    snprintf(what, sizeof what, "the %s of round %d", m->apply.restarted ? "restart" : "change",
             number);
    snprintf(title, sizeof title, "Round %d did not work, and its change is undone", number);
    model_say(m, CHAT_BAD, "round %d: %s", number, e.msg);
    if (e.detail[0])
        model_say(m, CHAT_BAD, "%s", e.detail);
    if (m->apply.log_line[0])
        model_say(m, CHAT_BAD, "server log: %s", m->apply.log_line);
    advise_failed(m, what, &e);
    flow_save(m, false, fx);
    advise_explain(m, fx);
    flow_rounds(m, fx);
    if (!m->opt.headless && m->screen.dialog.kind == DIALOG_NONE)
        flow_show_error(m, &e, title);
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
        round_failed(m, fx);
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
        flow_end_costs(m);
        m->fl.now.no_further = stop_reason(m);
        flow_show_decision(m, DIALOG_VERDICT);
    }
}

/* After a kept round the statements have other plans: look again before the next proposal. */
void flow_rounds_next(struct model *m, struct effects *fx)
{
    m->screen.dialog.kind = DIALOG_NONE;
    if (m->fl.now.undo_round)
        undo_begin(m, fx);
    else if (m->fl.now.lifting_veto)
        lift_begin(m, fx);
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
        flow_show_decision(m, DIALOG_REVIEW);
        break;
    case ROUND_WANT_SWITCH:
        flow_switch(m, round_arm(r, r->want_arm), fx);
        break;
    case ROUND_WANT_RUN:
        if (!flow_flips_begin(m, fx))
            flow_run(m, r->run_seconds, r->run_warmup, fx);
        break;
    case ROUND_WANT_SAVE:
        judge(m, fx);
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
        msg->seconds_left = model_seconds_left(m) - flow_confirm_cost(m);
    msg->seconds_left = fmin(msg->seconds_left, flow_window_left_s(m));
    if (msg->kind == ROUND_MSG_RAN && msg->run)
        msg->veto = verify_veto(m) ? verify_veto(m) : flow_statements_veto(m, msg->run);
    round_step(&m->session.round, msg);
    m->dirty = true;
    flow_tell_screening(m, fx);
    round_wish(m, fx);
}

void flow_rounds_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct round *r = &m->session.round;

    if (flow_flips_event(m, ev, fx) || !flow_waits(m, ev))
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
