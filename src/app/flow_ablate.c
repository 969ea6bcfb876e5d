/* flow_ablate.c - after a confirmed gain: which of the changes earn it, and which may go. ablation.h decides what is run next;
 * its wishes are carried out here. What is left without the idle changes is claimed only after a confirmation of its own:
 * until then the best state is the one that was confirmed. */
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { END_S = 5 }; /* seconds of the budget that the end of a session takes */

typedef char change_name[SETTING_NAME_MAX];

static bool restarts(const struct model *m, const char *name)
{
    const struct setting *s = settings_find(&m->server.settings, name);

    return s && strcmp(s->context, "postmaster") == 0;
}

/* A change's expected gain in percent: measured where a round held it alone, else predicted. NAN = unknown. */
static double expected_of(const struct session *s, const char *name)
{
    double found = NAN;

    for (int i = 0; i < s->nhistory; i++) {
        const struct round_history *h = &s->history[i];
        for (int k = 0; k < h->n && h->kept; k++) {
            const struct setting_change *c = &h->changes[k];
            if (!(h->measured >> k & 1) || strcmp(c->name, name) != 0)
                continue;
            found = (c->expect_lo + c->expect_hi) / 2;
            if (h->measured == UINT32_C(1) << k && isfinite(h->verdict.ratio))
                found = (h->verdict.ratio - 1) * 100;
        }
    }
    return found;
}

/* The changes of the best state, in the order of s->earned. */
static int list_changes(struct model *m, change_name *names)
{
    struct session *s = &m->session;
    int n = arm_differ(&s->start, &s->best, names, CHANGES_MAX);

    memset(s->earned, 0, sizeof s->earned);
    for (int i = 0; i < n; i++) {
        struct earned *e = &s->earned[i];
        const struct entry *entry = arm_find(&s->best, names[i]);
        text_copy_raw(e->name, sizeof e->name, names[i]);
        if (entry && entry->present)
            text_copy_raw(e->value, sizeof e->value, entry->value);
        e->ratio = e->lo = e->hi = NAN;
    }
    return n;
}

static int names_of(const struct session *s, change_name *names)
{
    for (int i = 0; i < s->nearned; i++)
        text_copy_raw(names[i], sizeof names[i], s->earned[i].name);
    return s->nearned;
}

bool flow_ablate_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    change_name names[CHANGES_MAX];
    double expected[CHANGES_MAX];
    uint32_t restart = 0, all;
    int n = list_changes(m, names);

    s->nearned = 0;
    if (n < 2 || flow_blocks_confirm(m) || m->fl.now.cancel)
        return false;
    for (int i = 0; i < n; i++) {
        restart |= (uint32_t)restarts(m, names[i]) << i;
        expected[i] = expected_of(s, names[i]);
    }
    double left = flow_seconds_left(m) - END_S;
    double cost = ablation_cost(&s->plan, n, restart != 0);
    if (cost > left) {
        model_say(m, CHAT_WARN, "not measured: ablation (needs %.0f s, %.0f s left)", cost,
                  fmax(left, 0));
        return false;
    }
    flow_enter(m, FLOW_ABLATE);
    /* where both do not fit, it is still worth knowing what earns */
    m->fl.now.ablate_later = left - flow_confirm_cost(m) >= cost ? flow_confirm_cost(m) : 0;
    s->nearned = n;
    all = n < 32 ? (UINT32_C(1) << n) - 1 : UINT32_MAX;
    ablation_init(&s->ablation, n, expected, &s->plan, s->floor, s->confirm.arm == ARM_B ? all : 0);
    m->fl.now.ablate_set = s->ablation.in_force;
    s->ablation.restarts = restart;
    s->ablation.known = s->confirm.arm >= 0;
    s->trial = s->confirm.arm == ARM_B ? s->best : s->start;
    model_say(m, CHAT_EVENT, "ablation: which of the %d changes earn the gain", n);
    flow_journal(m, "checkpoint", "what", "ablation", fx);
    flow_save(m, false, fx);
    return true;
}

/* "without jit, work_mem", or how many are in force where more are out than in. */
static void label_trial(const struct session *s, uint32_t set, struct arm *trial)
{
    struct buf text = {0};
    int in = 0;

    for (int i = 0; i < s->nearned; i++) {
        in += (set >> i & 1) != 0;
        if (!(set >> i & 1))
            buf_printf(&text, "%s%s", text.len ? ", " : "without ", s->earned[i].name);
    }
    if (in == s->nearned)
        text_copy(trial->label, sizeof trial->label, s->best.label);
    else if (text.len < sizeof trial->label)
        text_copy(trial->label, sizeof trial->label, buf_text(&text));
    else
        snprintf(trial->label, sizeof trial->label, "%d of %d changes", in, s->nearned);
    buf_clear(&text);
}

static void make_arm(const struct session *s, uint32_t set, struct arm *out)
{
    change_name names[CHANGES_MAX];
    int n = names_of(s, names);

    arm_mix(out, &s->start, &s->best, (const change_name *)names, n, set);
}

/* ---- its price ---- */

/* Seconds that an ablation of the best state would take; 0 = none is made. */
static double ablation_seconds(const struct model *m)
{
    const struct session *s = &m->session;
    char names[CHANGES_MAX][SETTING_NAME_MAX];
    int n = arm_differ(&s->start, &s->best, names, CHANGES_MAX);
    bool restarts = false;

    if (n < 2 || flow_blocks_confirm(m))
        return 0;
    for (int i = 0; i < n; i++) {
        const struct setting *v = settings_find(&m->server.settings, names[i]);
        restarts = restarts || (v && strcmp(v->context, "postmaster") == 0);
    }
    return ablation_cost(&s->plan, n, restarts);
}

/* The ablation comes last, and would find no time: where it fits into a part of the budget, the rounds leave it that much.
 * Where it does not, they may as well have it. */
double flow_ablate_reserve(const struct model *m)
{
    static const double most = 0.25;
    double cost = ablation_seconds(m);

    return cost <= most * m->session.plan.budget_s ? cost : 0;
}

void flow_end_costs(struct model *m)
{
    const struct session *s = &m->session;
    bool best = s->best.n > 0 && !arm_same(&s->best, &s->start);

    m->fl.now.confirm_s = best ? flow_confirm_cost(m) : 0;
    m->fl.now.ablate_s = best ? ablation_seconds(m) : 0;
}

/* ---- the results ---- */

static void tell_change(struct model *m, const struct earned *e, struct effects *fx)
{
    struct race_result r = {.ratio = e->ratio, .lo = e->lo, .hi = e->hi};
    char ends[64];

    text_interval(ends, sizeof ends, e->lo, e->hi, 1);
    flow_emit_part(m, "ablation", m->session.rounds_done, NULL, e->name, !e->idle, &r, fx);
    if (isfinite(e->ratio))
        model_say(m, e->idle ? CHAT_EVENT : CHAT_GOOD,
                  "ablation: %s earns %+.1f %% (95 %% interval %s)%s", e->name,
                  (e->ratio - 1) * 100, ends, e->idle ? ", and may go" : "");
    else
        model_say(m, CHAT_EVENT, "ablation: %s%s", e->name,
                  e->idle ? " may go" : " was not measured by itself, and stays");
}

static void take_results(struct model *m, uint32_t kept, struct effects *fx)
{
    struct session *s = &m->session;

    for (int i = 0; i < s->nearned; i++) {
        const struct ablation_share *a = &s->ablation.shares[i];
        struct earned *e = &s->earned[i];
        e->tested = a->tested;
        e->idle = !(kept >> i & 1);
        e->ratio = a->tested ? a->ratio : (double)NAN;
        e->lo = a->tested ? a->lo : (double)NAN;
        e->hi = a->tested ? a->hi : (double)NAN;
        tell_change(m, e, fx);
    }
}

static void ablation_ended(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    uint32_t kept = ablation_kept(&s->ablation) & s->ablation.full;
    double left = flow_seconds_left(m) - END_S, cost = flow_confirm_cost(m);

    if (kept == 0) /* all of it is idle, and yet it was confirmed: too little was seen */
        kept = s->ablation.full;
    take_results(m, kept, fx);
    if (kept == s->ablation.full) {
        model_say(m, CHAT_EVENT, "ablation: every change stays");
        flow_claimed(m, fx);
        return;
    }
    if (cost > left) {
        model_say(m, CHAT_WARN,
                  "not measured: confirmation of the smaller set (needs %.0f s, %.0f s left); all "
                  "changes stay",
                  cost, fmax(left, 0));
        flow_claimed(m, fx);
        return;
    }
    make_arm(s, kept, &s->reduced);
    text_copy(s->reduced.label, sizeof s->reduced.label, "smallest set");
    m->fl.now.reducing = true;
    m->fl.now.confirmed = s->final;
    m->fl.now.arm_unknown = !(s->ablation.known &&
                              (s->ablation.in_force == 0 || s->ablation.in_force == kept));
    flow_confirm_begin(m, fx);
    if (!m->fl.now.arm_unknown && s->confirm.arm >= 0)
        s->confirm.arm = s->confirm.first = s->ablation.in_force == kept ? ARM_B : ARM_A;
    flow_save(m, false, fx);
}

void flow_ablate_confirmed(struct model *m, const struct verdict *v, struct effects *fx)
{
    struct session *s = &m->session;
    const struct verdict *whole = &m->fl.now.confirmed;
    bool stands = v && v->kind == VERDICT_IMPROVED && !(v->ci_hi < whole->ci_lo);
    struct buf gone = {0};

    m->fl.now.reducing = false;
    if (!stands) {
        s->final = *whole;
        model_say(m, CHAT_WARN, "the smaller set was not confirmed: all changes stay");
        flow_claimed(m, fx);
        return;
    }
    for (int i = 0; i < s->nearned; i++) {
        s->earned[i].taken_out = s->earned[i].idle;
        if (s->earned[i].idle)
            buf_printf(&gone, "%s%s", gone.len ? ", " : "", s->earned[i].name);
    }
    char label[sizeof s->best.label];
    text_copy(label, sizeof label, s->best.label);
    s->best = s->reduced;
    text_copy(s->best.label, sizeof s->best.label, label);
    s->final = *v;
    s->best_tps = v->tps_b;
    model_say(m, CHAT_GOOD, "taken out, as it earned nothing: %s", buf_text(&gone));
    buf_clear(&gone);
    flow_claimed(m, fx);
}

/* ---- driving it ---- */

void flow_ablate_switched(struct model *m, bool restarted)
{
    ablation_switched(&m->session.ablation, m->fl.now.ablate_set, restarted);
}

void flow_ablate_failed(struct model *m, const struct err *e, struct effects *fx)
{
    if (e->code != ERR_LOST && e->code != ERR_CANCELLED) {
        model_say(m, CHAT_WARN, "\"%s\" could not be put in force: %s", m->session.trial.label,
                  e->msg);
        ablation_failed(&m->session.ablation, m->fl.now.ablate_set);
        return;
    }
    model_say(m, CHAT_WARN, "the ablation ends: %s; all changes stay", e->msg);
    flow_claimed(m, fx);
}

void flow_ablate_ran(struct model *m, const struct bench_run *run)
{
    if (run->abandoned)
        ablation_failed(&m->session.ablation, m->fl.now.ablate_set);
    else if (m->fl.now.run_warmup)
        ablation_warmed(&m->session.ablation);
    else
        ablation_add(&m->session.ablation, run);
}

bool flow_ablate_drive(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    if (m->flow != FLOW_ABLATE || m->fl.now.switching || m->fl.now.running ||
        m->fl.decision != DECIDE_NOTHING)
        return false;
    if (m->fl.now.cancel) {
        flow_settle(m, &s->best, fx);
        return true;
    }
    struct ablation_next next = ablation_next(&s->ablation, flow_seconds_left(m) - END_S -
                                                                m->fl.now.ablate_later);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        m->fl.now.ablate_set = next.set;
        make_arm(s, next.set, &s->trial);
        label_trial(s, next.set, &s->trial);
        flow_switch(m, &s->trial, fx);
        break;
    case EXPERIMENT_WARMUP:
    case EXPERIMENT_RUN:
        flow_run(m, next.seconds, next.want == EXPERIMENT_WARMUP, fx);
        break;
    case EXPERIMENT_FINISHED:
        ablation_ended(m, fx);
        break;
    }
    return true;
}
