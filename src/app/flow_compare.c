/* flow_compare.c - the comparison of a session's end: start, PostgreSQL's defaults, pgtune's answer for this machine and the
 * best state, in turn and in runs of full length. It is for the chart and claims nothing. race.h decides what is run next;
 * every value passes the guard, and what the guard refuses is left out and named. The server ends with the best state. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

enum { END_S = 5, VISITS_LEAST = 2, VISITS_MOST = 3, WINDOW_SPARE_S = 60 };

/* ---- the arms ---- */

struct making {
    struct arm *arm;
    struct buf left_out;
    bool restarts;  /* restart-class values may be in it */
    bool restart;   /* … and are */
    int restart_no; /* how many were left out for it */
};

static void leave_out(struct making *k, const char *name, const char *why)
{
    buf_printf(&k->left_out, "%s%s (%s)", k->left_out.len ? ", " : "", name, why);
}

static void take_line(struct model *m, struct making *k, const struct review_line *l)
{
    const struct setting *s = settings_find(&m->server.settings, l->change.name);

    if (l->refusal == REFUSE_NO_CHANGE) {
        /* what runs now has this value, the start perhaps another one */
        if (!s || !ledger_find(&m->session.ledger, s->name))
            return;
        arm_set(k->arm, s->name, true, s->shown);
        k->restart = k->restart || strcmp(s->context, "postmaster") == 0;
    } else if (l->refusal == REFUSE_RESTART || (l->restart && !k->restarts)) {
        k->restart_no++;
    } else if (l->refusal != REFUSE_NONE) {
        leave_out(k, l->change.name, refusal_name(l->refusal));
    } else if (l->answer == ANSWER_ACCEPT) {
        arm_set(k->arm, l->change.name, true, l->send);
        k->restart = k->restart || l->restart;
    }
}

/* A proposal's worth of values through the guard. */
static void pass_guard(struct model *m, struct making *k, const struct proposal *p)
{
    struct review *r = xcalloc(1, sizeof *r);
    struct guard_policy g = flow_policy(m);

    g.restart_possible = k->restarts;
    g.restart_refused = NULL;
    g.disabled = false;
    guard_review(p, &m->server, &g, r);
    review_accept_safe(r, k->restarts);
    guard_bill(r, &m->server, &g);
    for (int i = 0; i < r->n; i++)
        take_line(m, k, &r->lines[i]);
    free(r);
}

static void make_arm(struct model *m, struct making *k, const struct arm *values)
{
    struct proposal *p = xcalloc(1, sizeof *p);

    for (int i = 0; i < values->n; i++) {
        struct setting_change *c = &p->changes[p->n++];
        memset(c, 0, sizeof *c);
        text_copy_raw(c->name, sizeof c->name, values->entries[i].name);
        text_copy_raw(c->value, sizeof c->value, values->entries[i].value);
        c->expect_lo = c->expect_hi = NAN;
        if (p->n == CHANGES_MAX || i == values->n - 1) {
            pass_guard(m, k, p);
            p->n = 0;
        }
    }
    free(p);
}

/* What differs from it now, or was touched in this session. What initdb writes counts as the default where the compiled-in
 * one is smaller. */
static void defaults_arm(struct model *m, struct arm *out)
{
    const struct knob *knob;

    memset(out, 0, sizeof *out);
    for (int i = 0; (knob = knob_at(i)) && out->n < LEDGER_MAX; i++) {
        const struct setting *s = settings_find(&m->server.settings, knob->name);
        bool other = knob->group == KNOB_OBSERVE ||
                     (knob->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY));
        if (!s || other || !s->boot[0])
            continue;
        if (strcmp(s->value, s->boot) == 0 && !ledger_find(&m->session.ledger, s->name))
            continue;
        if (strcmp(s->name, "shared_buffers") == 0 && atoi(s->boot) < 16384)
            arm_set(out, s->name, true, "128MB");
        else
            arm_set(out, s->name, true, s->boot);
    }
}

/* An arm over the start; false: there is nothing in it, or no room. */
static void add_arm(struct model *m, const char *name, const struct arm *values, bool restarts,
                    bool *restart)
{
    struct comparison *c = &m->session.beside.comparison;
    struct compared_arm *a = &c->arms[c->n];
    struct arm *arm = &m->fl.now.compare_arms[c->n];
    struct making k = {.arm = arm, .restarts = restarts};

    memset(a, 0, sizeof *a);
    *arm = m->session.start;
    text_copy(arm->label, sizeof arm->label, name);
    text_copy(a->name, sizeof a->name, name);
    a->tps = a->p95_ms = a->ratio = a->lo = a->hi = NAN;
    make_arm(m, &k, values);
    if (k.restart_no > 0) {
        char why[80];
        snprintf(why, sizeof why, "%d setting%s that need%s a restart", k.restart_no,
                 k.restart_no == 1 ? "" : "s", k.restart_no == 1 ? "s" : "");
        buf_printf(&k.left_out, "%s%s", k.left_out.len ? ", " : "", why);
    }
    text_copy(a->left_out, sizeof a->left_out, buf_text(&k.left_out));
    buf_clear(&k.left_out);
    restart[c->n++] = k.restart;
}

static bool arm_restarts(const struct model *m, const struct arm *arm)
{
    for (int i = 0; i < arm->n; i++) {
        const struct setting *s = settings_find(&m->server.settings, arm->entries[i].name);
        if (s && strcmp(s->context, "postmaster") == 0)
            return true;
    }
    return false;
}

static void plain_arm(struct model *m, const char *name, const struct arm *arm, bool *restart)
{
    struct comparison *c = &m->session.beside.comparison;
    struct compared_arm *a = &c->arms[c->n];

    memset(a, 0, sizeof *a);
    text_copy(a->name, sizeof a->name, name);
    a->tps = a->p95_ms = a->ratio = a->lo = a->hi = NAN;
    m->fl.now.compare_arms[c->n] = *arm;
    restart[c->n++] = arm_restarts(m, arm);
}

static void make_arms(struct model *m, bool restarts, bool *restart)
{
    struct comparison *c = &m->session.beside.comparison;
    struct arm *values = xcalloc(1, sizeof *values);
    const struct sdl *plan = &m->session.plan;

    memset(c, 0, sizeof *c);
    plain_arm(m, "start", &m->session.start, restart);
    plain_arm(m, "best", &m->session.best, restart);
    if (plan->arm_defaults) {
        defaults_arm(m, values);
        add_arm(m, "defaults", values, restarts, restart);
    }
    if (plan->arm_pgtune) {
        pgtune_arm(&m->server, "mixed", values);
        if (values->n > 0)
            add_arm(m, "pgtune", values, restarts, restart);
        else
            text_copy(c->skipped, sizeof c->skipped,
                      "pgtune: the machine's memory is not visible from here");
    }
    free(values);
}

/* ---- whether, and how long ---- */

static double cost_of(const struct model *m, int n, const bool *restart)
{
    const struct sdl *p = &m->session.plan;
    double visit = p->duration_s + experiment_extra_s(), switches = 0;

    for (int i = 0; i < n; i++)
        switches += experiment_switch_s(p->warmup_s, restart[i]);
    return VISITS_LEAST * (n * visit + switches);
}

static bool skip(struct model *m, const char *why, struct effects *fx)
{
    struct comparison *c = &m->session.beside.comparison;

    c->n = 0;
    text_copy(c->skipped, sizeof c->skipped, why);
    model_say(m, CHAT_WARN, "not measured: comparison with the defaults and pgtune (%s)", why);
    struct line *l = line_new("comparison");
    line_raw(l, "arms", "[]");
    line_num(l, "target_tps", m->session.target.tps > 0 ? m->session.target.tps : (double)NAN);
    line_text(l, "skipped", why);
    flow_emit(m, l, fx);
    return false;
}

/* "; settings that need a restart are in best": in the words of what is left out of an arm. "" = no switch restarts. */
static void with_restarts(const struct comparison *c, const bool *restart, char *dst, size_t size)
{
    struct buf names = {0};

    for (int i = 0; i < c->n; i++)
        if (restart[i])
            buf_printf(&names, "%s%s", names.len ? ", " : "", c->arms[i].name);
    snprintf(dst, size, "%s%s", names.len ? "; settings that need a restart are in " : "",
             buf_text(&names));
    buf_clear(&names);
}

bool flow_compare_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct comparison *c = &s->beside.comparison;
    struct race *r = &m->fl.now.compare;
    bool restart[COMPARED_MAX] = {false};
    char why[160];

    if (m->fl.now.compared || m->fl.now.cancel || (!s->plan.arm_defaults && !s->plan.arm_pgtune))
        return false;
    m->fl.now.compared = true;
    if (s->final.kind != VERDICT_IMPROVED)
        return skip(m, "nothing improved", fx);
    if (s->plan.observe)
        return skip(m, "a server at work is not given other people's settings", fx);
    if (flow_blocks_confirm(m))
        return skip(m, "each of its switches would be yours to make", fx);
    /* A switch that waits for a maintenance window would hold up the session's end; and nobody has been asked for these
     * restarts one by one. */
    bool allowed = s->plan.restart == RESTART_AUTO || s->plan.restart == RESTART_COMMAND;
    bool restarts = allowed && flow_restart_possible(m) && !flow_restart_by_dba(m) &&
                    !s->plan.window.given;
    make_arms(m, restarts, restart);
    double cost = cost_of(m, c->n, restart), left = flow_seconds_left(m) - END_S;
    if (cost > left) {
        snprintf(why, sizeof why, "needs %.0f s, %.0f s left", cost, fmax(left, 0));
        return skip(m, why, fx);
    }
    for (int i = 0; i < c->n; i++) {
        m->fl.now.compare_sum[i] = m->fl.now.compare_p95[i] = 0;
    }
    flow_enter(m, FLOW_COMPARE);
    race_init(r, c->n, &s->plan, s->floor, -1);
    r->duration_s = s->plan.duration_s;
    r->min_visits = VISITS_LEAST;
    r->max_visits = VISITS_MOST;
    r->keep_all = true;
    for (int i = 0; i < c->n; i++)
        r->arms[i].restart = restart[i];
    with_restarts(c, restart, why, sizeof why);
    model_say(m, CHAT_EVENT, "comparing start, best, %s%s%s in turn%s",
              s->plan.arm_defaults ? "the defaults" : "",
              s->plan.arm_defaults && s->plan.arm_pgtune ? ", " : "",
              s->plan.arm_pgtune ? "pgtune" : "", why);
    for (int i = 0; i < c->n; i++)
        if (c->arms[i].left_out[0])
            model_say(m, CHAT_EVENT, "not in %s: %s", c->arms[i].name, c->arms[i].left_out);
    flow_journal(m, "checkpoint", "what", "comparison", fx);
    return true;
}

void flow_compare_missed(struct model *m, struct effects *fx)
{
    const struct sdl *p = &m->session.plan;

    if (m->fl.now.compared || (!p->arm_defaults && !p->arm_pgtune))
        return;
    m->fl.now.compared = true;
    skip(m, m->session.best.n > 0 ? "nothing was confirmed" : "nothing improved", fx);
}

/* ---- driving it ---- */

static void take_results(struct model *m)
{
    struct comparison *c = &m->session.beside.comparison;

    for (int i = 0; i < c->n; i++) {
        struct compared_arm *a = &c->arms[i];
        struct race_result res;
        race_result(&m->fl.now.compare, i, &res);
        a->runs = m->fl.now.compare.arms[i].n;
        a->tps = a->runs ? m->fl.now.compare_sum[i] / a->runs : (double)NAN;
        a->p95_ms = a->runs ? m->fl.now.compare_p95[i] / a->runs : (double)NAN;
        a->ratio = i == 0 && a->runs ? 1 : res.ratio;
        a->lo = i == 0 ? (double)NAN : res.lo;
        a->hi = i == 0 ? (double)NAN : res.hi;
        if (a->runs)
            model_say(m, CHAT_GOOD, "compared: %s %.0f TPS, %+.1f %% over the start", a->name,
                      a->tps, (a->ratio - 1) * 100);
        else
            model_say(m, CHAT_WARN, "compared: %s was not measured", a->name);
    }
}

static void compare_ended(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct buf list = {0};

    take_results(m);
    struct line *l = line_new("comparison");
    beside_comparison_json(&s->beside.comparison, &list);
    line_raw(l, "arms", buf_text(&list));
    buf_clear(&list);
    line_num(l, "target_tps", s->target.tps > 0 ? s->target.tps : (double)NAN);
    line_text(l, "skipped", s->beside.comparison.skipped[0] ? s->beside.comparison.skipped : NULL);
    flow_emit(m, l, fx);
    flow_save(m, false, fx);
    flow_claimed(m, fx);
}

void flow_compare_switched(struct model *m, bool restarted)
{
    race_switched(&m->fl.now.compare, m->fl.now.compare_arm, restarted);
}

void flow_compare_failed(struct model *m, const struct err *e, struct effects *fx)
{
    struct comparison *c = &m->session.beside.comparison;
    int arm = m->fl.now.compare_arm;

    model_say(m, CHAT_WARN, "\"%s\" could not be put in force: %s", c->arms[arm].name, e->msg);
    if (e->code != ERR_LOST && e->code != ERR_CANCELLED) {
        c->arms[arm].failed = true;
        race_failed(&m->fl.now.compare, arm);
        return;
    }
    text_copy(c->skipped, sizeof c->skipped, e->msg);
    compare_ended(m, fx);
}

void flow_compare_ran(struct model *m, const struct bench_run *run)
{
    struct race *r = &m->fl.now.compare;

    if (m->fl.now.run_warmup) {
        race_warmed(r);
        return;
    }
    int before = r->arms[r->arm].n;
    race_add(r, run);
    if (r->arms[r->arm].n > before) {
        m->fl.now.compare_sum[r->arm] += run->tps;
        m->fl.now.compare_p95[r->arm] += run->p95_ms;
    }
}

const char *flow_compare_label(const struct model *m)
{
    int arm = m->fl.now.compare.arm;

    return m->fl.now.compare_arms[arm >= 0 ? arm : 0].label;
}

bool flow_compare_drive(struct model *m, struct effects *fx)
{
    if (m->flow != FLOW_COMPARE || m->fl.now.switching || m->fl.now.running ||
        m->fl.decision != DECIDE_NOTHING)
        return false;
    if (m->fl.now.cancel) {
        flow_settle_claimed(m, fx);
        return true;
    }
    struct experiment_next next = race_next(&m->fl.now.compare, flow_seconds_left(m) - END_S);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        m->fl.now.compare_arm = next.arm;
        flow_switch(m, &m->fl.now.compare_arms[next.arm], fx);
        break;
    case EXPERIMENT_WARMUP:
    case EXPERIMENT_RUN:
        flow_run(m, next.seconds, next.want == EXPERIMENT_WARMUP, fx);
        break;
    case EXPERIMENT_FINISHED:
        compare_ended(m, fx);
        break;
    }
    return true;
}
