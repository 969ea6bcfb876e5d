/* flow_measure.c - the measured part of a session: baseline, target, rounds, confirmation, settling. It
 * starts the machines (apply, bench) that experiment_next() and round_step() ask for, and feeds their
 * results back. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

/* ---- one switch, one run ---- */

static void journal_path(const struct model *m, char *dst, size_t size)
{
    struct buf b = {0};

    buf_printf(&b, "%s/journal.jsonl", m->session.dir);
    text_copy_raw(dst, size, buf_text(&b));
    buf_clear(&b);
}

/* The connection may be away for a moment (somebody restarts the server): that is worth a wait. A session that
 * has just been lost without the link having noticed is not asked again at once. */
enum { HOLD_MOST_S = 60, HOLD_LEAST_MS = 300, LOST_TRIES_MAX = 3, EMPTY_ROUNDS_MAX = 4 };

static bool hold(struct model *m, enum hold_what what, bool lost)
{
    struct hold *h = &m->fl.hold;

    if (!lost && m->links[CONN_CONTROL].state == LINK_UP)
        return false;
    h->what = what;
    h->from_us = m->now_us + (lost ? HOLD_LEAST_MS * 1000 : 0);
    h->until_us = m->now_us + HOLD_MOST_S * 1000000LL;
    model_say(m, CHAT_WARN, "waiting for the connection to come back");
    return true;
}

static void switch_now(struct model *m, const struct arm *arm, struct effects *fx)
{
    struct apply_env env = {
        .facts = &m->server,
        .ledger = &m->session.ledger,
        .journal_path = m->fl.journal_path,
        .journal_no = &m->session.journal_no,
        .work_dir = m->session.dir,
        .way = flow_restart_way(m),
        .restart_command = m->session.plan.restart_command,
        .verify_ms = 10000,
        .connect = &m->fl.fresh_session,
        .preflight_disabled = m->opt.unsafe_test,
    };
    env.canary = env.way == RESTART_WAY_PG_CTL && !m->opt.unsafe_test;
    journal_path(m, m->fl.journal_path, sizeof m->fl.journal_path);
    effect_clear(&m->fl.fresh_session);
    links_template(m, CONN_BENCH, m->session.plan.database, &m->fl.fresh_session);
    apply_start(&m->apply, &env, arm, m->now_us, fx);
}

void flow_switch(struct model *m, const struct arm *arm, struct effects *fx)
{
    m->fl.switching = true;
    if (hold(m, HOLD_SWITCH, false))
        m->fl.hold.arm = *arm;
    else
        switch_now(m, arm, fx);
}

static void run_now(struct model *m, int seconds, bool warmup, struct effects *fx)
{
    struct session *s = &m->session;
    struct buf dir = {0};

    if (!warmup)
        s->run_number++;
    buf_printf(&dir, "%s/bench", s->dir);
    text_copy_raw(m->bench.dir, sizeof m->bench.dir, buf_text(&dir));
    buf_clear(&dir);
    buf_printf(&dir, "%s/scripts", s->dir);
    text_copy_raw(m->bench.script_dir, sizeof m->bench.script_dir, buf_text(&dir));
    buf_clear(&dir);
    m->bench.want_checkpoint = !warmup && m->server.rights.checkpoint;
    m->bench.want_log = !warmup;
    /* long transactions may end late, but not long after the budget */
    double grace = model_seconds_left(m) - seconds + 15;
    m->bench.grace_s = grace < 10 ? 10 : grace < 120 ? (int)grace : 0;
    /* the same seed for the n-th run of both arms, another one for every session */
    int64_t seed = s->created_wall_us / 1000 % 1000000 + (warmup ? 500000 : s->run_number / 2);
    collect_mark(&m->collect);
    bench_start(&m->bench, &s->plan, &m->bench_target, seconds, warmup, seed, fx);
}

static void start_run(struct model *m, int seconds, bool warmup, struct effects *fx)
{
    m->fl.running = true;
    m->fl.run_warmup = warmup;
    if (hold(m, HOLD_RUN, false))
        m->fl.hold.seconds = seconds;
    else
        run_now(m, seconds, warmup, fx);
}

/* A run that was cancelled before it began. */
static void run_dropped(struct model *m)
{
    bench_clear(&m->bench);
    m->bench.run.tps = NAN;
    m->bench.run.cancelled = true;
    err_set(&m->bench.run.err, ERR_CANCELLED, "the run was cancelled");
    m->bench.state = BENCH_FAILED;
}

/* Whether what waits may begin: the connection is back, or waiting longer would not help. */
static bool released(struct model *m, struct effects *fx)
{
    struct hold *h = &m->fl.hold;
    bool back = m->links[CONN_CONTROL].state == LINK_UP && m->now_us >= h->from_us;
    bool dropped = m->fl.cancel && (h->what == HOLD_RUN || ledger_clean(&m->session.ledger));
    enum hold_what what = h->what;

    if (!back && !dropped && m->now_us < h->until_us)
        return false;
    h->what = HOLD_NOTHING;
    if (what == HOLD_SWITCH)
        switch_now(m, &h->arm, fx);
    else if (dropped)
        run_dropped(m);
    else
        run_now(m, h->seconds, m->fl.run_warmup, fx);
    return true;
}

/* The arm in force, by name, for the journal and the series. */
static const char *arm_label(const struct model *m, int arm)
{
    if (m->flow == FLOW_ROUND)
        return arm == ARM_A ? m->session.round.best.label : m->session.round.candidate.label;
    return arm == ARM_A ? m->session.start.label : m->session.best.label;
}

static void keep_run_files(struct model *m, const struct bench_run *run, const char *label,
                           struct effects *fx)
{
    struct buf path = {0}, text = {0};

    buf_printf(&path, "%s/bench/run%03d.csv", m->session.dir, run->number);
    store_run_csv(run, &text);
    struct effect *e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
    buf_printf(&path, "%s/telemetry/run%03d.csv", m->session.dir, run->number);
    store_telemetry_csv(&m->collect, (int)run->secs + 2, &text);
    e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
    buf_printf(&path, "%s/journal.jsonl", m->session.dir);
    store_journal_bench(run, label, &text);
    e = fx_file(fx, flow_store_req(), FILE_APPEND, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}

static void emit_run(struct model *m, const struct bench_run *r, const char *label,
                     struct effects *fx)
{
    struct line *l = line_new("bench");

    line_int(l, "run", r->number);
    line_text(l, "arm", label);
    line_bool(l, "valid", r->valid);
    line_num(l, "tps", r->tps);
    line_num(l, "latency_ms", r->lat_avg_ms);
    line_num(l, "p95_ms", r->p95_ms);
    line_num(l, "p99_ms", r->p99_ms);
    line_num(l, "failed", r->failed);
    line_num(l, "temp_bytes", r->window.temp_bytes);
    line_num(l, "hit_ratio", r->window.hit_ratio);
    flow_emit(m, l, fx);
    model_say(m, CHAT_EVENT, "run %d, %s: %.0f TPS, p95 %.1f ms", r->number, label, r->tps,
              r->p95_ms);
}

/* The finished run, with what the server did meanwhile; files, journal and events are on their way. */
static void take_run(struct model *m, struct bench_run *run, int arm, struct effects *fx)
{
    *run = m->bench.run;
    memset(&m->bench.run, 0, sizeof m->bench.run);
    m->bench.state = BENCH_IDLE;
    m->bench.tps_now = NAN;
    run->arm = arm;
    run->warmup = m->fl.run_warmup;
    run->number = m->session.run_number;
    collect_window(&m->collect, &run->window);
    if (run->warmup)
        return;
    keep_run_files(m, run, arm_label(m, arm), fx);
    if (run->valid)
        emit_run(m, run, arm_label(m, arm), fx);
}

/* ---- figures of an arm ---- */

static double arm_mean(const struct experiment *x, int arm, double (*get)(const struct bench_run *))
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && x->runs[i].arm == arm && !isnan(get(&x->runs[i]))) {
            sum += get(&x->runs[i]);
            n++;
        }
    return n ? sum / n : NAN;
}

static double get_tps(const struct bench_run *r)
{
    return r->tps;
}

static double get_p95(const struct bench_run *r)
{
    return r->p95_ms;
}

static void arm_window(const struct experiment *x, int arm, struct window *w)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && x->runs[i].arm == arm)
            window_merge(w, &x->runs[i].window);
}

/* ---- baseline ---- */

void flow_baseline_begin(struct model *m, struct effects *fx)
{
    flow_enter(m, FLOW_BASELINE);
    experiment_clear(&m->session.baseline);
    experiment_init(&m->session.baseline, EXPERIMENT_AA, &m->session.plan, 0, ARM_A);
    model_say(m, CHAT_EVENT, "measuring the baseline and this machine's noise");
    /* whatever we may have left from an interrupted attempt is gone before it is measured */
    flow_switch(m, &m->session.start, fx);
}

static void baseline_done(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct verdict v;

    experiment_verdict(&s->baseline, &v);
    s->baseline_tps = arm_mean(&s->baseline, ARM_A, get_tps);
    s->baseline_p95_ms = arm_mean(&s->baseline, ARM_A, get_p95);
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
    s->best_tps = s->baseline_tps;
    arm_window(&s->baseline, ARM_A, &s->base_window);
    s->best_window = s->base_window;
    struct line *l = line_new("baseline");
    line_num(l, "tps", s->baseline_tps);
    line_num(l, "p95_ms", s->baseline_p95_ms);
    line_num(l, "floor", s->floor);
    line_int(l, "runs", s->baseline.n);
    line_num(l, "temp_bytes", s->base_window.temp_bytes);
    line_num(l, "hit_ratio", s->base_window.hit_ratio);
    flow_emit(m, l, fx);
    model_say(m, CHAT_GOOD,
              "baseline %.0f TPS, p95 %.1f ms; noise floor of this machine \xc2\xb1%.1f %%",
              s->baseline_tps, s->baseline_p95_ms, s->floor * 100);
    flow_journal(m, "checkpoint", "what", "baseline", fx);
    flow_save(m, false, fx);
    flow_target_ask(m, fx);
}

/* ---- target ---- */

void flow_target_ask(struct model *m, struct effects *fx)
{
    struct evidence e;

    model_evidence(m, &e);
    builtin_target(&e, &m->session.target);
    flow_enter(m, FLOW_TARGET);
    m->fl.decision = DECIDE_TARGET;
    m->screen.dialog = (struct dialog){.kind = DIALOG_TARGET};
    (void)fx;
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
    model_say(m, CHAT_AI, "target %.0f TPS. %s", s->target.tps, s->target.why);
    flow_save(m, false, fx);
    flow_rounds(m, fx);
}

/* ---- rounds ---- */

static double confirm_cost(const struct model *m)
{
    return experiment_cost(&m->session.plan, EXPERIMENT_CONFIRM, flow_restart_possible(m)) + 10;
}

static double seconds_for_rounds(const struct model *m)
{
    return model_seconds_left(m) - (m->session.best.n > 0 ? confirm_cost(m) : 10);
}

static void round_message(struct model *m, struct round_msg *msg, struct effects *fx);

/* Why no further round is made; NULL = make one. */
static const char *stop_reason(const struct model *m)
{
    const struct session *s = &m->session;

    if (m->fl.stop_and_keep)
        return "stopped by the DBA";
    if (s->best.n > 0 && s->target.tps > 0 && s->best_tps >= s->target.tps)
        return "target reached";
    if (s->misses >= 3)
        return "three misses in a row";
    if (s->rounds_done >= s->plan.rounds)
        return "all rounds are spent";
    if (model_seconds_left(m) - confirm_cost(m) <
        experiment_cost(&s->plan, EXPERIMENT_ROUND, false))
        return "the budget is spent";
    return NULL;
}

static void confirm_begin(struct model *m, struct effects *fx);

static void rounds_over(struct model *m, const char *why, struct effects *fx)
{
    text_copy(m->session.end_reason, sizeof m->session.end_reason, why);
    model_say(m, CHAT_EVENT, "no further round: %s", why);
    if (m->session.best.n > 0)
        confirm_begin(m, fx);
    else
        flow_settle(m, &m->session.start, fx);
}

/* The DBA does not want what this round kept: the session goes on from the state before it. */
static void undo_kept_round(struct model *m)
{
    struct session *s = &m->session;
    struct round_history *h = s->nhistory ? &s->history[s->nhistory - 1] : NULL;

    m->fl.undo_round = false;
    m->fl.arm_unknown = true;
    s->best = s->round.best;
    s->best_tps = s->best.n > 0 ? s->round.verdict.tps_a : s->baseline_tps;
    arm_window(&s->round.experiment, ARM_A, &s->best_window);
    model_say(m, CHAT_EVENT, "round %d is undone", s->round.number);
    if (h)
        h->kept = false;
    for (int i = 0; h && i < h->n && s->nrejected < (int)ARRAY_LEN(s->rejected); i++) {
        struct rejected_change *r = &s->rejected[s->nrejected++];
        text_copy_raw(r->name, sizeof r->name, h->changes[i].name);
        text_copy_raw(r->value, sizeof r->value, h->changes[i].value);
    }
}

void flow_rounds(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    m->screen.dialog.kind = DIALOG_NONE;
    if (m->fl.undo_round)
        undo_kept_round(m);
    const char *why = stop_reason(m);
    if (why) {
        rounds_over(m, why, fx);
        return;
    }
    flow_enter(m, FLOW_ROUND);
    round_clear(&s->round);
    round_init(&s->round, s->rounds_done + 1, &s->best, &s->plan, s->floor);
    if (m->fl.arm_unknown) /* the first wish is a switch */
        s->round.arm_in_force = s->round.experiment.arm = -1;
    m->fl.arm_unknown = false;
    round_message(m, &(struct round_msg){.kind = ROUND_MSG_START}, fx);
}

static void emit_proposal(struct model *m, const struct review *r, struct effects *fx)
{
    struct line *l = line_new("proposal");
    struct buf list = {0};

    line_int(l, "round", r->round);
    line_text(l, "advisor", r->proposal.advisor.text);
    line_text(l, "summary", r->proposal.summary);
    line_int(l, "changes", r->n);
    flow_emit(m, l, fx);
    for (int i = 0; i < r->n; i++) {
        const struct review_line *v = &r->lines[i];
        l = line_new("guard");
        line_int(l, "round", r->round);
        line_text(l, "name", v->change.name);
        line_text(l, "from", v->from);
        line_text(l, "to", v->refusal == REFUSE_NONE ? v->to : v->change.value);
        line_text(l, "evidence", v->change.evidence);
        line_text(l, "why", v->change.why);
        line_bool(l, "restart", v->restart);
        line_text(l, "refused", v->refusal == REFUSE_NONE ? NULL : refusal_name(v->refusal));
        line_text(l, "reason", v->refusal == REFUSE_NONE ? NULL : v->reason);
        line_text(l, "sql", v->refusal == REFUSE_NONE ? v->sql : NULL);
        line_text(l, "undo", v->refusal == REFUSE_NONE ? v->undo : NULL);
        flow_emit(m, l, fx);
        buf_printf(&list, "%s%s %s", i ? ", " : "", v->change.name,
                   v->refusal == REFUSE_NONE ? v->to : "(refused)");
    }
    model_say(m, CHAT_AI, "Round %d: %s", r->round, r->proposal.summary);
    model_say(m, CHAT_AI, "proposed: %s", buf_text(&list));
    buf_clear(&list);
}

/* Test builds only: one more change, of the test's own, so that the rescue can be seen at work. */
static void test_change(struct proposal *p)
{
#ifdef PGD_TEST_BUILD
    const char *forced = getenv("PGD_TEST_FORCE_CHANGE");
    const char *eq = forced ? strchr(forced, '=') : NULL;

    if (!eq || p->n == CHANGES_MAX || (size_t)(eq - forced) >= sizeof p->changes[0].name)
        return;
    struct setting_change *c = &p->changes[p->n++];
    memset(c, 0, sizeof *c);
    memcpy(c->name, forced, (size_t)(eq - forced));
    text_copy(c->value, sizeof c->value, eq + 1);
    text_copy(c->why, sizeof c->why, "asked for by a test");
#else
    (void)p;
#endif
}

static void propose(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct evidence e;
    struct proposal *p = xcalloc(1, sizeof *p);
    struct guard_policy g = {
        .restart_possible = flow_restart_possible(m),
        .peak_active = s->best_window.valid ? s->best_window.active_peak : NAN,
        .clients = s->plan.clients,
        .temp_bytes_per_s = NAN,
        .disabled = m->opt.unsafe_test,
    };

    model_evidence(m, &e);
    e.restart_allowed = g.restart_possible;
    if (s->rounds_done == 0)
        builtin_round1(&e, p);
    else
        builtin_next_round(&e, p);
    test_change(p);
    guard_review(p, &m->server, &g, &s->round.review);
    s->round.review.round = s->round.number;
    for (int i = 0; i < s->round.review.n; i++)
        session_remember_first(s, s->round.review.lines[i].change.name,
                               s->round.review.lines[i].from);
    if (p->n > 0)
        emit_proposal(m, &s->round.review, fx);
    free(p);
    round_message(m, &(struct round_msg){.kind = ROUND_MSG_PROPOSED}, fx);
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
    remember_rejected(&m->session);
    round_message(m, &(struct round_msg){.kind = ROUND_MSG_REVIEWED}, fx);
}

static void emit_verdict(struct model *m, const char *phase, int round, const struct verdict *v,
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
    arm_window(&r->experiment, ARM_B, &h->window);
}

static void judge(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;
    struct evidence e;

    round_to_history(m);
    emit_verdict(m, "round", r->number, &r->verdict, fx);
    if (r->kept) {
        s->best = r->candidate;
        s->best_tps = r->verdict.tps_b;
        arm_window(&r->experiment, ARM_B, &s->best_window);
        s->misses = 0;
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

    if (turned_down && !m->fl.stop_and_keep && ++m->fl.empty_rounds < EMPTY_ROUNDS_MAX)
        flow_rounds(m, fx);
    else
        rounds_over(m,
                    m->fl.stop_and_keep ? "stopped by the DBA"
                    : turned_down       ? "no proposal was accepted"
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
        if (m->fl.cancel) {
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
    m->fl.empty_rounds = 0;
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
    if (m->session.round.kept && !m->fl.undo_round && !stop_reason(m))
        flow_explain(m, fx);
    else
        flow_rounds(m, fx);
}

/* Does what the round wants. */
static void round_wish(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct round *r = &s->round;

    switch (r->want) {
    case ROUND_WANT_PROPOSAL:
        propose(m, fx);
        break;
    case ROUND_WANT_REVIEW:
        m->fl.decision = DECIDE_REVIEW;
        m->screen.dialog = (struct dialog){.kind = DIALOG_REVIEW};
        break;
    case ROUND_WANT_SWITCH:
        flow_switch(m, r->want_arm == ARM_A ? &r->best : &r->candidate, fx);
        break;
    case ROUND_WANT_RUN:
        start_run(m, r->run_seconds, r->run_warmup, fx);
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

static void round_message(struct model *m, struct round_msg *msg, struct effects *fx)
{
    msg->seconds_left = seconds_for_rounds(m);
    if (m->session.best.n == 0)
        msg->seconds_left = model_seconds_left(m) - confirm_cost(m);
    round_step(&m->session.round, msg);
    m->dirty = true;
    round_wish(m, fx);
}

void flow_round_saved(struct model *m, struct effects *fx)
{
    round_message(m, &(struct round_msg){.kind = ROUND_MSG_SAVED}, fx);
}

/* ---- confirmation and settling ---- */

static void confirm_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    flow_enter(m, FLOW_CONFIRM);
    experiment_clear(&s->confirm);
    experiment_init(&s->confirm, EXPERIMENT_CONFIRM, &s->plan, s->floor,
                    m->fl.arm_unknown ? -1 : ARM_B);
    m->fl.arm_unknown = false;
    model_say(m, CHAT_EVENT, "confirming: start against the best state, fresh and interleaved");
    struct line *l = line_new("checkpoint");
    line_text(l, "what", "confirmation");
    flow_emit(m, l, fx);
}

static void confirm_done(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    experiment_verdict(&s->confirm, &s->final);
    emit_verdict(m, "confirmation", s->rounds_done, &s->final, fx);
    bool improved = s->final.kind == VERDICT_IMPROVED;
    if (improved)
        s->best_tps = s->final.tps_b;
    bool goal = improved && (s->plan.target_tps <= 0 || s->best_tps >= s->plan.target_tps);
    if (improved && !goal && !m->opt.headless) {
        m->fl.decision = DECIDE_KEEP;
        m->screen.dialog = (struct dialog){.kind = DIALOG_SUMMARY};
        return;
    }
    m->fl.settle_failed = !improved;
    flow_settle(m, improved ? &s->best : &s->start, fx);
}

void flow_settle(struct model *m, const struct arm *arm, struct effects *fx)
{
    enum flow_state before = m->flow;

    if (m->session.best.n == 0 && before != FLOW_RECOVER && !m->fl.resume)
        m->fl.settle_failed = true;
    flow_enter(m, FLOW_SETTLE);
    flow_switch(m, arm, fx);
}

/* ---- what the machines brought ---- */

static void tell_apply(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;
    struct line *l;

    for (int i = 0; i < a->n; i++) {
        l = line_new(a->state == APPLY_DONE ? "apply" : "rollback");
        line_text(l, "arm", a->goal.label);
        line_text(l, "name", a->to[i].name);
        line_text(l, "from", a->before[i].present ? a->before[i].value : NULL);
        line_text(l, "to", a->to[i].present ? a->to[i].value : NULL);
        line_bool(l, "restarted", a->restarted);
        flow_emit(m, l, fx);
    }
    if (a->n == 0)
        return;
    l = line_new("verify");
    line_text(l, "arm", a->goal.label);
    line_text(l, "state", apply_state_name(a->state));
    line_int(l, "settings", a->n);
    line_text(l, "error", a->state == APPLY_DONE ? NULL : a->err.msg);
    line_text(l, "log", a->log_line[0] ? a->log_line : NULL);
    flow_emit(m, l, fx);
}

static void settled(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    if (m->apply.state != APPLY_DONE) {
        struct err e = m->apply.err;
        if (m->apply.state == APPLY_STUCK || !ledger_clean(&s->ledger)) {
            flow_enter(m, FLOW_STUCK); /* what is ours and in force could not be put right */
            flow_end_stuck(m, &e, fx);
        } else if (m->fl.cancel) {
            model_say(m, CHAT_WARN, "%s", e.msg);
            flow_paused(m, fx);
        } else {
            s->state = SESSION_PAUSED;
            flow_save(m, false, fx);
            flow_fail(m, &e, "bringing the server to its final state", fx);
        }
        return;
    }
    if (m->fl.cancel) {
        m->fl.pause_resumed = m->fl.resume = false;
        flow_paused(m, fx);
    } else if (m->fl.pause_resumed) { /* made clean; the session that is asked for is another one */
        s->state = SESSION_PAUSED;
        flow_journal(m, "checkpoint", "what", "paused", fx);
        flow_save(m, false, fx);
        flow_leave_paused(m, fx);
    } else if (m->fl.resume) {
        m->fl.resume = false;
        m->fl.settle_failed = false;
        flow_prepare_begin(m, fx);
    } else {
        flow_finish(m, fx);
    }
}

/* A switch outside a round could not be made; the configuration is the one from before it. */
static void switch_failed(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct err e = m->apply.err;

    if (m->apply.state == APPLY_STUCK) {
        flow_enter(m, FLOW_STUCK);
        flow_end_stuck(m, &e, fx);
    } else if (m->fl.cancel) {
        flow_settle(m, &s->best, fx);
    } else if (m->flow == FLOW_CONFIRM) {
        model_say(m, CHAT_BAD, "the confirmation ends: %s", e.msg);
        text_copy(s->end_reason, sizeof s->end_reason, e.msg);
        m->fl.change_failed = m->fl.settle_failed = true;
        flow_settle(m, &s->start, fx);
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
    bool worth = !m->fl.cancel || !ledger_clean(&m->session.ledger);

    if (!lost || !worth || m->fl.lost_tries++ >= LOST_TRIES_MAX) {
        m->fl.lost_tries = 0;
        return false;
    }
    m->fl.hold.arm = a->goal;
    return hold(m, HOLD_SWITCH, true);
}

static bool switch_finished(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;

    if (!m->fl.switching || !apply_finished(a) || m->fl.hold.what != HOLD_NOTHING)
        return false;
    if (switch_again(m))
        return true;
    m->fl.switching = false;
    m->dirty = true;
    if (m->session.journal_no > m->fl.journal_high)
        m->fl.journal_high = m->session.journal_no;
    tell_apply(m, fx);
    if (m->flow == FLOW_ROUND) {
        round_message(m,
                      &(struct round_msg){.kind = ROUND_MSG_SWITCHED,
                                          .apply_state = a->state,
                                          .restarted = a->restarted,
                                          .err = &a->err},
                      fx);
    } else if (m->flow == FLOW_SETTLE) {
        settled(m, fx);
    } else if (a->state != APPLY_DONE) {
        switch_failed(m, fx);
    } else if (m->flow == FLOW_CONFIRM) {
        experiment_switched(&m->session.confirm, m->fl.confirm_arm, a->restarted);
    } else if (m->flow == FLOW_BASELINE) {
        experiment_switched(&m->session.baseline, ARM_A, a->restarted);
    }
    return true;
}

static struct experiment *experiment_of(struct model *m)
{
    return m->flow == FLOW_BASELINE  ? &m->session.baseline
           : m->flow == FLOW_CONFIRM ? &m->session.confirm
                                     : NULL;
}

static bool run_finished(struct model *m, struct effects *fx)
{
    struct bench_run run;
    struct experiment *x = experiment_of(m);

    if (!m->fl.running || m->fl.hold.what != HOLD_NOTHING ||
        (m->bench.state != BENCH_DONE && m->bench.state != BENCH_FAILED))
        return false;
    m->fl.running = false;
    m->dirty = true;
    int arm = m->flow == FLOW_ROUND ? m->session.round.arm_in_force : x ? x->arm : ARM_A;
    take_run(m, &run, arm, fx);
    if (!run.valid && !run.cancelled && !m->fl.cancel) {
        model_say(m, CHAT_BAD, "run failed: %s", run.err.msg);
        if (run.err.detail[0])
            model_say(m, CHAT_BAD, "%s", run.err.detail);
    }
    if (m->flow == FLOW_ROUND) {
        round_message(m, &(struct round_msg){.kind = ROUND_MSG_RAN, .run = &run}, fx);
    } else if (x && m->fl.run_warmup) {
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

/* Baseline and confirmation are experiments of their own, without a round around them. */
static bool drive(struct model *m, struct effects *fx)
{
    struct experiment *x = experiment_of(m);

    if (!x || m->fl.switching || m->fl.running || m->fl.decision != DECIDE_NOTHING)
        return false;
    if (m->fl.cancel) {
        flow_settle(m, &m->session.best, fx);
        return true;
    }
    double left = model_seconds_left(m) - 5;
    struct experiment_next next = experiment_next(x, left);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        m->fl.confirm_arm = next.arm;
        flow_switch(m, next.arm == ARM_A ? &m->session.start : &m->session.best, fx);
        break;
    case EXPERIMENT_WARMUP:
        start_run(m, next.seconds, true, fx);
        break;
    case EXPERIMENT_RUN:
        start_run(m, next.seconds, false, fx);
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
    if (m->fl.hold.what != HOLD_NOTHING && released(m, fx))
        return true;
    if (switch_finished(m, fx) || run_finished(m, fx))
        return true;
    if (m->flow == FLOW_ROUND && m->fl.cancel && m->session.round.state == ROUND_DONE) {
        flow_settle(m, &m->session.best, fx); /* at the verdict: nothing runs that could answer */
        return true;
    }
    if (m->flow == FLOW_ROUND && m->fl.cancel && !m->session.round.cancelled) {
        round_message(m, &(struct round_msg){.kind = ROUND_MSG_CANCEL}, fx);
        return true;
    }
    if (m->flow == FLOW_ROUND && m->fl.switching && m->fl.hold.what == HOLD_NOTHING &&
        m->apply.state != m->fl.apply_seen) {
        m->fl.apply_seen = m->apply.state;
        round_message(
            m, &(struct round_msg){.kind = ROUND_MSG_APPLY_STATE, .apply_state = m->apply.state},
            fx);
        return true;
    }
    if (m->flow == FLOW_TARGET && m->fl.cancel) {
        memset(&m->session.target, 0, sizeof m->session.target); /* nobody has confirmed it */
        flow_settle(m, &m->session.best, fx);
        return true;
    }
    return drive(m, fx);
}
