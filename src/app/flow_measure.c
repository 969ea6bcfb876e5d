/* flow_measure.c - the measured part of a session around its rounds: baseline, target, confirmation,
 * settling; and the pump that feeds the results of switches and runs to whoever waits for them. */
#include "pgd/app/advise.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_branch.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/text.h"
#include "pgd/workspace/floors.h"
#include "pgd/workspace/lessons.h"
#include "pgd/workspace/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOST_TRIES_MAX = 3 };

/* ---- baseline ---- */

void flow_baseline_begin(struct model *m, struct effects *fx)
{
    flow_enter(m, FLOW_BASELINE);
    experiment_clear(&m->session.baseline);
    experiment_init(&m->session.baseline, EXPERIMENT_AA, &m->session.plan, 0, ARM_A);
    model_say(m, CHAT_EVENT, "measuring the baseline and this machine's noise");
    const struct sdl *p = &m->session.plan;
    const struct floor_note *last = floors_find(&m->workspace, p->workload, p->clients);
    if (last)
        model_say(m, CHAT_EVENT, "last time it was \xc2\xb1%.1f %% for this workload (%d runs)",
                  last->floor * 100, last->runs);
    /* whatever we may have left from an interrupted attempt is gone before it is measured */
    flow_switch(m, &m->session.start, fx);
}

static double get_runtime(const struct bench_run *r)
{
    return r->lat_avg_ms;
}

/* What earlier sessions have learnt under the same circumstances is where the first rounds look. */
static void tell_lessons(struct model *m, struct buf *list)
{
    char key[LESSONS_KEY_MAX];
    struct buf text = {0};

    lessons_key(m, key);
    const struct lessons *known = lessons_find(&m->workspace, key);
    lessons_json(known, list);
    lessons_text(known, &text);
    if (text.len > 0)
        model_say(m, CHAT_AI, "%s", buf_text(&text));
    buf_clear(&text);
}

static void baseline_done(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct verdict v;

    experiment_verdict(&s->baseline, &v);
    s->baseline_tps = flow_arm_mean(&s->baseline, ARM_A, flow_get_tps);
    s->baseline_p95_ms = flow_arm_mean(&s->baseline, ARM_A, flow_get_p95);
    if (isnan(s->baseline_tps)) {
        struct err e = s->baseline.n ? s->baseline.runs[s->baseline.n - 1].err : (struct err){0};
        if (e.code == ERR_NONE)
            err_set(&e, ERR_CHILD, "the budget ended before the baseline was measured");
        s->state = SESSION_FAILED;
        text_copy(s->end_reason, sizeof s->end_reason, e.msg);
        flow_save(m, false, fx);
        flow_fail(m, &e, "the baseline", fx);
        return;
    }
    s->floor = v.floor;
    flow_baseline_seen(m);
    if (s->baseline.cold > 0)
        model_say(m, CHAT_EVENT, "left out of the baseline: %d run%s while the caches were filling",
                  s->baseline.cold, s->baseline.cold == 1 ? "" : "s");
    if (s->baseline.duration_s > s->plan.duration_s) { /* so that a run holds enough transactions */
        if (!s->plan.asked_s)
            s->plan.asked_s = s->plan.duration_s;
        s->plan.duration_s = s->baseline.duration_s;
        model_say(m, CHAT_WARN, "a run takes %d s: shorter ones held too few transactions",
                  s->plan.duration_s);
    }
    s->best_tps = s->baseline_tps;
    /* measured anew in the middle of a session (bench_place_keep): start is in force, and not what was kept */
    m->fl.now.arm_unknown = !arm_same(&s->best, &s->start);
    flow_arm_window(&s->baseline, ARM_A, &s->base_window);
    s->best_window = s->base_window;
    const struct floor_note *last = floors_find(&m->workspace, s->plan.workload, s->plan.clients);
    double before = last ? last->floor : (double)NAN;
    struct floor_note note = {.clients = s->plan.clients,
                              .floor = s->floor,
                              .runs = s->baseline.n,
                              .wall_us = m->wall_us};
    text_copy_raw(note.workload, sizeof note.workload, s->plan.workload);
    if (isfinite(s->floor))
        floors_put(&m->workspace, &note);
    struct line *l = line_new("baseline");
    line_num(l, "tps", s->baseline_tps);
    line_num(l, "p95_ms", s->baseline_p95_ms);
    line_num(l, "floor", s->floor);
    line_num(l, "floor_before", before);
    line_int(l, "runs", s->baseline.n);
    line_num(l, "temp_bytes", s->base_window.temp_bytes);
    line_num(l, "hit_ratio", s->base_window.hit_ratio);
    struct buf known = {0};
    tell_lessons(m, &known);
    line_raw(l, "remembered", buf_text(&known));
    buf_clear(&known);
    flow_emit(m, l, fx);
    if (isnan(s->floor))
        model_say(m, CHAT_WARN,
                  "baseline %.0f TPS by a single run: this machine's noise is unknown, 5 %% is "
                  "taken for it",
                  s->baseline_tps);
    else if (s->plan.observe)
        model_say(m, CHAT_GOOD,
                  "baseline %.3g ms a statement, %.0f TPS; noise floor of this traffic "
                  "\xc2\xb1%.1f %%",
                  flow_arm_mean(&s->baseline, ARM_A, get_runtime), s->baseline_tps, s->floor * 100);
    else
        model_say(m, CHAT_GOOD,
                  "baseline %.0f TPS, p95 %.1f ms; noise floor of this machine \xc2\xb1%.1f %%",
                  s->baseline_tps, s->baseline_p95_ms, s->floor * 100);
    flow_journal(m, "checkpoint", "what", "baseline", fx);
    flow_save(m, false, fx);
    flow_consent_emit(m, "baseline", fx); /* now what a run writes is measured */
    flow_target_ask(m, fx);
}

/* ---- target ---- */

/* The rate of observed traffic is its clients' business; and who wants no further round is asked for none. */
static void no_target(struct model *m, const char *why, struct effects *fx)
{
    struct target *t = &m->session.target;

    memset(t, 0, sizeof *t);
    t->tps = NAN;
    text_copy(t->advisor.text, sizeof t->advisor.text, "builtin");
    text_copy(t->why, sizeof t->why, why);
    flow_target_decided(m, fx);
}

void flow_target_ask(struct model *m, struct effects *fx)
{
    if (m->session.plan.observe) {
        no_target(m,
                  "The traffic decides how many transactions there are; the goal is that its "
                  "statements take less time.",
                  fx);
        return;
    }
    if (m->fl.now.stop_and_keep) {
        no_target(m, "No target: there is to be no further round.", fx);
        return;
    }
    flow_enter(m, FLOW_TARGET);
    advise(m, OP_TARGET, fx);
}

void flow_target_known(struct model *m, const struct op_answer *a, struct effects *fx)
{
    if (m->flow == FLOW_ROUND)
        flow_target_again(m, &a->u.target, fx);
    if (m->flow != FLOW_TARGET || m->fl.now.cancel)
        return;
    m->session.target = a->u.target;
    m->fl.decision = DECIDE_TARGET;
    (void)dialogs_come(m, DIALOG_TARGET);
}

void flow_target_decided(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    m->screen.dialog.kind = DIALOG_NONE;
    if (s->plan.target_tps > 0)
        s->target.tps = s->plan.target_tps;
    struct line *l = line_new("target");
    line_num(l, "tps", s->target.tps);
    line_bool(l, "given", s->plan.target_tps > 0);
    line_text(l, "advisor", s->target.advisor.text);
    line_text(l, "why", s->target.why);
    flow_emit(m, l, fx);
    if (isnan(s->target.tps))
        model_say(m, CHAT_AI, "%s", s->target.why);
    else
        model_say(m, CHAT_AI, "target %.0f TPS. %s", s->target.tps, s->target.why);
    flow_save(m, false, fx);
    flow_rounds(m, fx);
}

/* ---- confirmation and settling ---- */

void flow_confirm_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    flow_enter(m, FLOW_CONFIRM);
    experiment_clear(&s->confirm);
    experiment_init(&s->confirm, EXPERIMENT_CONFIRM, &s->plan, s->floor,
                    m->fl.now.arm_unknown ? -1 : ARM_B);
    s->confirm.prior = experiment_noise(&s->baseline);
    s->confirm.blocks = flow_blocks_confirm(m);
    m->fl.now.arm_unknown = false;
    model_say(m, CHAT_EVENT, "confirming: start against the best state, fresh and %s",
              s->confirm.blocks ? "in blocks, there and back once" : "interleaved");
    struct line *l = line_new("checkpoint");
    line_text(l, "what", "confirmation");
    flow_emit(m, l, fx);
}

static void confirm_done(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    experiment_verdict(&s->confirm, &s->final);
    flow_bloat_note(m, s->rounds_done + 1, &s->final);
    flow_emit_verdict(m, "confirmation", s->rounds_done, &s->final, fx);
    if (m->fl.now.reducing) {
        struct verdict v = s->final;
        flow_ablate_confirmed(m, &v, fx);
        return;
    }
    if (s->final.kind == VERDICT_IMPROVED) {
        s->best_tps = s->final.tps_b;
        flow_save(m, false, fx); /* whatever comes after it */
        if (flow_ablate_begin(m, fx))
            return;
    }
    flow_claimed(m, fx);
}

bool flow_confirmed_before(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    bool later = m->fl.now.left.phase == LEFT_BESIDE || m->fl.now.left.phase == LEFT_TRADE;
    char effect[24];

    if (s->final.kind != VERDICT_IMPROVED || arm_same(&s->best, &s->start))
        return false;
    text_percent(effect, sizeof effect, s->final.ratio);
    model_say(m, CHAT_EVENT, "the confirmation from before counts: %s", effect);
    s->confirm.arm = ARM_B; /* a session that goes on has its best state in force */
    if (later || !flow_ablate_begin(m, fx))
        flow_claimed(m, fx);
    return true;
}

/* The state that was to be confirmed did harm while it was observed. */
static void confirm_abandoned(struct model *m, struct bench_run *run, struct effects *fx)
{
    struct session *s = &m->session;

    experiment_verdict(&s->confirm, &s->final);
    s->final.kind = VERDICT_REGRESSED;
    s->final.ratio = 1 / run->slower;
    s->final.ci_lo = s->final.ci_hi = NAN;
    text_copy(s->final.note, sizeof s->final.note, run->err.msg);
    experiment_add(&s->confirm, run);
    flow_emit_verdict(m, "confirmation", s->rounds_done, &s->final, fx);
    if (m->fl.now.reducing)
        flow_ablate_confirmed(m, NULL, fx);
    else
        flow_claimed(m, fx);
}

void flow_claimed(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    bool improved = s->final.kind == VERDICT_IMPROVED;

    if (flow_compare_begin(m, fx) || flow_trade_begin(m, fx))
        return;
    bool goal = improved && (s->plan.target_tps <= 0 || s->best_tps >= s->plan.target_tps);
    if (improved && !goal && !m->opt.headless) {
        m->fl.decision = DECIDE_KEEP;
        (void)dialogs_come(m, DIALOG_SUMMARY);
        return;
    }
    m->fl.now.settle_failed = false;
    flow_settle_claimed(m, fx);
}

void flow_settle_claimed(struct model *m, struct effects *fx)
{
    if (m->session.final.kind == VERDICT_IMPROVED) {
        flow_settle(m, &m->session.best, fx);
        return;
    }
    if (m->fl.now.cancel) /* what is refuted nobody is asked to keep in force */
        m->fl.now.pause_asked = m->fl.now.pause_back = true;
    flow_back_to_start(m, fx);
}

/* Nothing improved: what was tuned goes. What was repaired before it stays, and is then what the session leaves. */
void flow_back_to_start(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    m->fl.now.settle_failed = s->start.n == 0;
    if (s->start.n > 0) {
        s->best = s->start;
        s->best_tps = s->baseline_tps;
    }
    flow_settle(m, &s->start, fx);
}

void flow_settle(struct model *m, const struct arm *arm, struct effects *fx)
{
    enum flow_state before = m->flow;

    if (m->session.best.n == 0 && before != FLOW_RECOVER && !m->fl.now.resume)
        m->fl.now.settle_failed = true;
    flow_enter(m, FLOW_SETTLE);
    flow_switch(m, arm, fx);
}

/* ---- what the machines brought ---- */

static void tell_apply(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;
    struct line *l;

    for (int i = 0; i < a->n + a->os.n; i++) {
        const struct entry *before = i < a->n ? &a->before[i] : &a->os.before[i - a->n];
        const struct entry *to = i < a->n ? &a->to[i] : &a->os.to[i - a->n];
        l = line_new(a->state == APPLY_DONE ? "apply" : "rollback");
        line_text(l, "arm", a->goal.label);
        line_text(l, "name", to->name);
        line_text(l, "from", before->present ? before->value : NULL);
        line_text(l, "to", to->present ? to->value : NULL);
        line_bool(l, "restarted", a->restarted);
        flow_emit(m, l, fx);
    }
    if (a->n + a->os.n == 0)
        return;
    l = line_new("verify");
    line_text(l, "arm", a->goal.label);
    line_text(l, "state", apply_state_name(a->state));
    line_int(l, "settings", a->n + a->os.n);
    line_text(l, "error", a->state == APPLY_DONE ? NULL : a->err.msg);
    line_text(l, "log", a->log_line[0] ? a->log_line : NULL);
    flow_emit(m, l, fx);
}

static void settled(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    if (flow_manual_taken(m, fx))
        return;
    if (m->apply.state != APPLY_DONE) {
        struct err e = m->apply.err;
        if (m->apply.state == APPLY_STUCK || !ledger_clean(&s->ledger)) {
            flow_enter(m, FLOW_STUCK); /* what is ours and in force could not be put right */
            flow_end_stuck(m, &e, fx);
        } else if (m->fl.now.cancel) {
            model_say(m, CHAT_WARN, "%s", e.msg);
            flow_paused(m, fx);
        } else if (s->origin.reverts) {
            flow_revert_failed(m, &e, fx);
        } else {
            s->state = SESSION_PAUSED;
            flow_save(m, false, fx);
            flow_fail(m, &e, "bringing the server to its final state", fx);
        }
        return;
    }
    if (m->fl.now.cancel) {
        m->fl.now.pause_resumed = m->fl.now.resume = false;
        if (!flow_pause_asks(m, fx))
            flow_paused(m, fx);
    } else if (m->fl.now.undo_only) {
        flow_undone(m, fx);
    } else if (m->fl.now.pause_resumed) {
        /* made clean; the session that is asked for is another one */
        s->state = SESSION_PAUSED;
        flow_journal(m, "checkpoint", "what", "paused", fx);
        flow_save(m, false, fx);
        flow_leave_paused(m, fx);
    } else if (m->fl.now.resume) {
        m->fl.now.resume = false;
        m->fl.now.settle_failed = false;
        flow_prepare_begin(m, fx);
    } else {
        flow_finish(m, fx);
    }
}

void flow_switch_failed(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct err e = m->apply.err;

    if (m->apply.state == APPLY_STUCK) {
        flow_enter(m, FLOW_STUCK);
        flow_end_stuck(m, &e, fx);
    } else if (m->fl.now.cancel && (m->flow == FLOW_COMPARE || m->flow == FLOW_TRADE)) {
        flow_settle_claimed(m, fx);
    } else if (m->fl.now.cancel) {
        flow_settle(m, &s->best, fx);
    } else if (m->flow == FLOW_ABLATE) {
        flow_ablate_failed(m, &e, fx);
    } else if (m->flow == FLOW_COMPARE) {
        flow_compare_failed(m, &e, fx);
    } else if (m->flow == FLOW_TRADE) {
        flow_trade_failed(m, &e, fx);
    } else if (m->flow == FLOW_CONFIRM && m->fl.now.reducing) {
        model_say(m, CHAT_WARN, "the confirmation of the smaller set ends: %s", e.msg);
        flow_ablate_confirmed(m, NULL, fx);
    } else if (m->flow == FLOW_CONFIRM && e.code == ERR_CANCELLED && !m->opt.headless) {
        /* declined: whether to keep what no fresh run has confirmed is the DBA's own decision, too */
        model_say(m, CHAT_WARN, "the confirmation ends: %s; nothing is claimed", e.msg);
        text_copy(s->end_reason, sizeof s->end_reason, "the confirmation was declined");
        m->fl.decision = DECIDE_KEEP;
        (void)dialogs_come(m, DIALOG_SUMMARY);
    } else if (m->flow == FLOW_CONFIRM) {
        model_say(m, CHAT_BAD, "the confirmation ends: %s", e.msg);
        text_copy(s->end_reason, sizeof s->end_reason, e.msg);
        m->fl.now.change_failed = true;
        flow_back_to_start(m, fx);
    } else {
        s->state = ledger_clean(&s->ledger) ? SESSION_FAILED : SESSION_PAUSED;
        text_copy(s->end_reason, sizeof s->end_reason, e.msg);
        flow_save(m, false, fx);
        flow_fail(m, &e, "switching the configuration", fx);
    }
}

/* Nothing was touched because the connection was lost: the same switch once more when it is back. */
static bool switch_again(struct model *m)
{
    const struct apply *a = &m->apply;
    bool lost = a->state == APPLY_FAILED && a->err.code == ERR_LOST;
    bool worth = !m->fl.now.cancel || !ledger_clean(&m->session.ledger);

    if (!lost || !worth || m->fl.now.lost_tries++ >= LOST_TRIES_MAX) {
        m->fl.now.lost_tries = 0;
        return false;
    }
    m->fl.now.hold.arm = a->goal;
    return flow_hold(m, HOLD_SWITCH, true);
}

static bool switch_finished(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;

    if (!m->fl.now.switching || !apply_finished(a) || m->fl.now.hold.what != HOLD_NOTHING)
        return false;
    if (switch_again(m))
        return true;
    m->fl.now.switching = false;
    m->dirty = true;
    if (a->restarted && a->restart_s > 0)
        m->workspace.restart_s = a->restart_s; /* what the next consent tells */
    if (a->restarted)
        flow_server_restarted(m, fx);
    if (m->session.journal_no > m->fl.journal_high)
        m->fl.journal_high = m->session.journal_no;
    if (a->state == APPLY_ASKED) {
        flow_manual_asked(m, fx);
        return true;
    }
    flow_manual_over(m);
    tell_apply(m, fx);
    if (m->fl.now.undoing_round) {
        flow_round_undone(m, fx);
    } else if (m->flow == FLOW_ROUND) {
        flow_round_message(m,
                           &(struct round_msg){.kind = ROUND_MSG_SWITCHED,
                                               .apply_state = a->state,
                                               .restarted = a->restarted,
                                               .err = &a->err},
                           fx);
    } else if (m->flow == FLOW_SETTLE) {
        settled(m, fx);
    } else if (a->state != APPLY_DONE) {
        flow_switch_failed(m, fx);
    } else if (m->flow == FLOW_CONFIRM) {
        experiment_switched(&m->session.confirm, m->fl.now.confirm_arm, a->restarted);
    } else if (m->flow == FLOW_BASELINE) {
        experiment_switched(&m->session.baseline, ARM_A, a->restarted);
    } else if (m->flow == FLOW_ABLATE) {
        flow_ablate_switched(m, a->restarted);
    } else if (m->flow == FLOW_COMPARE) {
        flow_compare_switched(m, a->restarted);
    } else if (m->flow == FLOW_TRADE) {
        flow_trade_switched(m, a->restarted, fx);
    }
    return true;
}

static struct experiment *experiment_of(struct model *m)
{
    return m->flow == FLOW_BASELINE  ? &m->session.baseline
           : m->flow == FLOW_CONFIRM ? &m->session.confirm
                                     : NULL;
}

/* Of runs that fail for one reason the first is explained; a baseline without a figure is reported as a whole. */
static void explain_run(struct model *m, const struct bench_run *run, struct effects *fx)
{
    char what[48];

    if (m->flow == FLOW_BASELINE || strcmp(m->advising.trouble_err.msg, run->err.msg) == 0)
        return;
    snprintf(what, sizeof what, "run %d", run->number);
    advise_failed(m, what, &run->err);
    advise_explain(m, fx);
}

/* The link to the machine that pgbench runs on was lost: the run says nothing of the server, and is begun anew. */
static bool run_void(struct model *m, const struct bench_run *run)
{
    bool lost = m->bench_target.far && run->err.code == ERR_LOST && !m->fl.now.cancel;

    if (!lost || m->fl.now.lost_runs >= LOST_TRIES_MAX) {
        if (run->valid)
            m->fl.now.lost_runs = 0;
        return false;
    }
    m->fl.now.lost_runs++;
    model_say(m, CHAT_WARN, "run %d is void and repeated: %s", run->number, run->err.msg);
    return true;
}

static bool run_finished(struct model *m, struct effects *fx)
{
    struct bench_run run;
    struct experiment *x = experiment_of(m);

    if (!m->fl.now.running || m->fl.now.hold.what != HOLD_NOTHING ||
        (m->bench.state != BENCH_DONE && m->bench.state != BENCH_FAILED))
        return false;
    m->fl.now.running = false;
    m->dirty = true;
    int arm = m->flow == FLOW_ROUND ? m->session.round.arm_in_force : x ? x->arm : ARM_A;
    int seconds = m->bench.duration_s;
    flow_take_run(m, &run, arm, fx);
    if (run_void(m, &run)) {
        bench_run_clear(&run);
        m->fl.now.running = true; /* the link may not know yet that it is lost */
        flow_hold(m, HOLD_RUN, true);
        m->fl.now.hold.seconds = seconds;
        return true;
    }
    if (!run.valid && !run.cancelled && !m->fl.now.cancel && !run.contaminated && !run.abandoned) {
        model_say(m, CHAT_BAD, "run failed: %s", run.err.msg);
        if (run.err.detail[0])
            model_say(m, CHAT_BAD, "%s", run.err.detail);
        explain_run(m, &run, fx);
    }
    if (m->flow == FLOW_ROUND) {
        flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_RAN, .run = &run}, fx);
    } else if (m->flow == FLOW_ABLATE) {
        flow_ablate_ran(m, &run);
    } else if (m->flow == FLOW_COMPARE) {
        flow_compare_ran(m, &run);
    } else if (m->flow == FLOW_TRADE) {
        flow_trade_ran(m, &run);
    } else if (m->flow == FLOW_KNEE) {
        flow_knee_ran(m, &run);
    } else if (m->flow == FLOW_CONFIRM && run.abandoned && !m->fl.now.cancel) {
        confirm_abandoned(m, &run, fx);
    } else if (x && m->fl.now.run_warmup) {
        if (run.valid || run.cancelled)
            experiment_warmed(x);
        else
            experiment_add(x, &run);
    } else if (x) {
        experiment_add(x, &run);
    }
    bench_run_clear(&run);
    return true;
}

/* Of the budget, and of the window where a switch of this session restarts the server. */
double flow_seconds_left(struct model *m)
{
    return fmin(model_seconds_left(m), flow_window_left_s(m));
}

/* Baseline and confirmation are experiments of their own, without a round around them. */
static bool drive(struct model *m, struct effects *fx)
{
    struct experiment *x = experiment_of(m);

    if (!x || m->fl.now.switching || m->fl.now.running || m->fl.decision != DECIDE_NOTHING)
        return false;
    if (m->fl.now.cancel) {
        flow_settle(m, &m->session.best, fx);
        return true;
    }
    double left = flow_seconds_left(m) - 5;
    struct experiment_next next = experiment_next(x, left);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        m->fl.now.confirm_arm = next.arm;
        flow_switch(m,
                    next.arm == ARM_A    ? &m->session.start
                    : m->fl.now.reducing ? &m->session.reduced
                                         : &m->session.best,
                    fx);
        break;
    case EXPERIMENT_WARMUP:
        flow_run(m, next.seconds, true, fx);
        break;
    case EXPERIMENT_RUN:
        flow_run(m, next.seconds, false, fx);
        break;
    case EXPERIMENT_FINISHED:
        if (m->flow == FLOW_BASELINE)
            baseline_done(m, fx);
        else
            confirm_done(m, fx);
        break;
    }
    return true;
}

bool flow_measure_pump(struct model *m, struct effects *fx)
{
    if (m->bench.state == BENCH_CLOSING && !m->fl.now.window_taken) {
        collect_window(&m->collect, &m->fl.now.run_window);
        m->fl.now.window_taken = true;
    }
    flow_consent_again(m, fx);
    if (flow_window_pump(m, fx) || flow_watch_pump(m, fx))
        return true;
    if (flow_manual_pump(m, fx))
        return true;
    if (m->fl.now.hold.what != HOLD_NOTHING && flow_release(m, fx))
        return true;
    if (switch_finished(m, fx) || run_finished(m, fx))
        return true;
    if (m->fl.now.undoing_round)
        return false; /* it is seen to its end, whatever comes */
    if (m->flow == FLOW_ROUND && m->fl.now.cancel && m->session.round.state == ROUND_DONE) {
        flow_settle(m, &m->session.best, fx); /* at the verdict: nothing runs that could answer */
        return true;
    }
    if (m->flow == FLOW_ROUND && m->fl.now.cancel && !m->session.round.cancelled) {
        flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_CANCEL}, fx);
        return true;
    }
    if (m->flow == FLOW_ROUND && m->fl.now.switching && m->fl.now.hold.what == HOLD_NOTHING &&
        m->apply.state != m->fl.now.apply_seen) {
        m->fl.now.apply_seen = m->apply.state;
        flow_round_message(
            m, &(struct round_msg){.kind = ROUND_MSG_APPLY_STATE, .apply_state = m->apply.state},
            fx);
        return true;
    }
    if (m->flow == FLOW_TARGET && m->fl.now.cancel) {
        memset(&m->session.target, 0, sizeof m->session.target); /* nobody has confirmed it */
        flow_settle(m, &m->session.best, fx);
        return true;
    }
    return flow_ablate_drive(m, fx) || flow_compare_drive(m, fx) || flow_trade_drive(m, fx) ||
           flow_knee_drive(m, fx) || drive(m, fx);
}
