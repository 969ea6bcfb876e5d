/* flow_plan.c - the strategy's choice and the plan (SDL) with its consent. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/bench_place.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/workspace/consent.h"
#include "pgd/workspace/store.h"

enum { BUDGET_S = 12 * 60, DEMO_BUDGET_S = 8 * 60, ROUNDS = 8, DURATION_S = 10 };

enum restart_way flow_restart_way(const struct model *m)
{
    struct restart_choice by;

    if (m->session.by_hand)
        return RESTART_WAY_NONE;
    model_restart(m, &by);
    return by.way;
}

bool flow_can_restart(const struct model *m)
{
    return flow_restart_possible(m);
}

/* ---- the maintenance window ---- */

enum { RESTART_RESERVE_S = 20 };

/* What must be left of the window for a restart and the one that takes it back. */
static double there_and_back_s(const struct model *m)
{
    bool measured;

    return 2 * consent_blackout_s(m, &measured) + RESTART_RESERVE_S;
}

bool flow_restart_possible(const struct model *m)
{
    const struct sdl *p = &m->session.plan;

    if (flow_restart_by_dba(m))
        return true;
    if (flow_restart_way(m) == RESTART_WAY_NONE)
        return false;
    /* a round with such a change restarts there and back, and so does the confirmation */
    return !p->window.given || daytime_left_s(&p->window, m->wall_us) >
                                   experiment_cost(p, EXPERIMENT_ROUND, true) +
                                       experiment_cost(p, EXPERIMENT_CONFIRM, true) +
                                       there_and_back_s(m);
}

const char *flow_restart_refused(struct model *m)
{
    const struct daytime_window *w = &m->session.plan.window;
    double left = daytime_left_s(w, m->wall_us);
    char text[DAYTIME_TEXT_MAX];

    if (left > there_and_back_s(m))
        return NULL;
    daytime_text(w, text, sizeof text);
    if (left > 0)
        snprintf(m->fl.now.window_note, sizeof m->fl.now.window_note,
                 "the maintenance window %s closes in %.0f s", text, left);
    else
        snprintf(m->fl.now.window_note, sizeof m->fl.now.window_note,
                 "the maintenance window %s is closed", text);
    return m->fl.now.window_note;
}

const char *flow_restart_why_not(struct model *m)
{
    char text[DAYTIME_TEXT_MAX];

    if (flow_restart_way(m) == RESTART_WAY_NONE || flow_restart_possible(m))
        return NULL;
    if (flow_restart_refused(m))
        return m->fl.now.window_note;
    daytime_text(&m->session.plan.window, text, sizeof text);
    snprintf(m->fl.now.window_note, sizeof m->fl.now.window_note,
             "what is left of the maintenance window %s is too short for a round", text);
    return m->fl.now.window_note;
}

double flow_window_left_s(struct model *m)
{
    const struct session *s = &m->session;
    const struct round *r = &s->round;
    const struct arm *arms[2 + SETS_MAX] = {&s->best,
                                            m->flow == FLOW_ROUND ? &r->candidate : &s->best};
    int n = 2;

    bool ours = s->plan.window.given && !s->by_hand && !flow_restart_by_dba(m);

    for (int i = 0; m->flow == FLOW_ROUND && r->screening && i < r->ntrials; i++)
        arms[n++] = &r->trials[i].arm;
    for (int i = 0; ours && i < n; i++)
        for (int k = 0; k < arms[i]->n; k++) {
            const struct setting *v = settings_find(&m->server.settings, arms[i]->entries[k].name);
            if (v && strcmp(v->context, "postmaster") == 0)
                return daytime_left_s(&s->plan.window, m->wall_us) - there_and_back_s(m);
        }
    return 1e9;
}

static bool needs_restart(struct model *m, const struct arm *arm, const char *name)
{
    const struct setting *s = settings_find(&m->server.settings, name);
    const struct ledger_row *row = ledger_find(&m->session.ledger, name);

    if (!s || strcmp(s->context, "postmaster") != 0)
        return false;
    if (!row) /* not touched so far: then it is an entry of the arm */
        return true;
    struct entry want = ledger_goal(&m->session.ledger, arm, name);
    return row->unsure || !entry_same(&row->current, &want);
}

static bool switch_restarts(struct model *m, const struct arm *arm)
{
    for (int i = 0; i < arm->n; i++)
        if (needs_restart(m, arm, arm->entries[i].name))
            return true;
    for (int i = 0; i < m->session.ledger.n; i++)
        if (needs_restart(m, arm, m->session.ledger.rows[i].original.name))
            return true;
    return false;
}

bool flow_window_hold(struct model *m, const struct arm *arm)
{
    struct hold *h = &m->fl.now.hold;

    if (m->session.by_hand || flow_restart_by_dba(m)) /* it binds us, not the DBA */
        return false;
    if (!flow_restart_refused(m) || !switch_restarts(m, arm))
        return false;
    h->what = HOLD_SWITCH;
    h->arm = *arm;
    h->from_us = m->now_us + (int64_t)(daytime_next_s(&m->session.plan.window, m->wall_us) * 1e6);
    h->until_us = h->from_us + 60 * 1000000LL;
    m->fl.now.window_wait = true;
    m->fl.now.window_since_us = m->now_us;
    model_say(m, CHAT_WARN, "%s: the restart waits until it opens", m->fl.now.window_note);
    return true;
}

bool flow_window_pump(struct model *m, struct effects *fx)
{
    if (!m->fl.now.window_wait)
        return false;
    if (m->fl.now.hold.what != HOLD_SWITCH) { /* it has opened */
        m->fl.now.window_wait = false;
        if (m->session.deadline_us)
            m->session.deadline_us += m->now_us - m->fl.now.window_since_us;
        return false;
    }
    if (!m->fl.now.cancel)
        return false;
    m->fl.now.hold.what = HOLD_NOTHING;
    m->fl.now.window_wait = m->fl.now.switching = false;
    m->fl.now.window_shut = true;
    model_say(m, CHAT_WARN, "%s: the server keeps its settings until the session is resumed in it",
              m->fl.now.window_note);
    flow_paused(m, fx);
    return true;
}

void flow_strategy_ask(struct model *m, struct effects *fx)
{
    (void)fx;
    collect_watch(&m->collect, m->links[CONN_CONTROL].dbname); /* how busy it is before us */
    flow_enter(m, FLOW_STRATEGY);
    m->fl.decision = DECIDE_STRATEGY;
    (void)dialogs_come(m, DIALOG_STRATEGY);
}

/* The default workload of a server without the DBA's own scripts. */
static bool choose_workload(struct model *m, struct sdl *p, struct effects *fx)
{
    struct err e = {0};

    if (m->opt.observe) {
        flow_observe_plan(m, p);
        return true;
    }
    if (m->opt.nscripts > 0) {
        text_copy(p->workload, sizeof p->workload, "scripts");
        p->nscripts = m->opt.nscripts;
        memcpy(p->scripts, m->opt.scripts, sizeof p->scripts);
        p->builtin_db = false;
        text_copy_raw(p->database, sizeof p->database, m->links[CONN_CONTROL].dbname);
        return true;
    }
    text_copy_raw(p->database, sizeof p->database, "pg_diagnose_bench");
    bool named = *m->opt.workload && strcmp(m->opt.workload, "statements") != 0;
    if (store_workload(named ? m->opt.workload : "shop", p, &e))
        return true;
    flow_fail(m, &e, "reading the workload", fx);
    return false;
}

static void fill_from_flags(struct model *m, struct sdl *p)
{
    const struct options *o = &m->opt;

    p->clients = o->clients;
    p->duration_s = o->duration_s ? o->duration_s : DURATION_S;
    p->rounds = o->rounds ? o->rounds : ROUNDS;
    p->budget_s = o->budget_given ? o->budget_s : o->demo ? DEMO_BUDGET_S : BUDGET_S;
    p->target_tps = o->target_tps;
    p->goal = o->goal;
    p->rate = o->rate;
    p->restart = o->restart;
    if (o->headless && o->restart == RESTART_ASK)
        p->restart = RESTART_NEVER;
    text_copy_raw(p->restart_command, sizeof p->restart_command, o->restart_command);
    p->window = o->window;
    p->arm_defaults = p->arm_pgtune = o->compare || o->demo;
}

void flow_consent_emit(struct model *m, const char *when, struct effects *fx)
{
    struct consent c;
    struct line *l = line_new("consent");
    char window[DAYTIME_TEXT_MAX];

    consent_fill(m, &c);
    daytime_text(&m->session.plan.window, window, sizeof window);
    if (flow_restart_way(m) == RESTART_WAY_NONE)
        c.restarts_most = 0;
    line_text(l, "when", when);
    line_int(l, "arms", c.arms);
    line_int(l, "runs_least", c.runs_least);
    line_int(l, "runs_most", c.runs_most);
    line_int(l, "restarts_most", c.restarts_most);
    line_int(l, "asks_most", c.asks_most);
    line_num(l, "blackout_s", c.blackout_s);
    line_bool(l, "blackout_measured", c.blackout_measured);
    line_num(l, "sessions_dropped", c.sessions);
    line_text(l, "window", window[0] ? window : NULL);
    line_text(l, "window_refuses", flow_restart_why_not(m));
    line_num(l, "minutes_most", c.minutes_most);
    line_num(l, "minutes_least", c.minutes_least);
    line_num(l, "make_s", c.make_s);
    line_bool(l, "written_measured", c.written_measured);
    line_num(l, "written_bytes", c.written_bytes);
    line_num(l, "wal_bytes", c.wal_bytes);
    line_num(l, "replicas", c.replicas);
    line_bool(l, "archiving", c.archiving);
    line_num(l, "database_bytes", c.database_bytes);
    line_bool(l, "database_new", c.database_new);
    line_bool(l, "database_renew", c.database_renew);
    line_num(l, "data_free_bytes", c.data_free);
    line_num(l, "wal_free_bytes", c.wal_free);
    line_num(l, "others_active", c.others_active);
    line_num(l, "others_tps", c.others_tps);
    flow_emit(m, l, fx);
}

void flow_consent_again(struct model *m, struct effects *fx)
{
    const struct review *r = &m->session.round.review;
    bool restarts = false;

    if (m->fl.now.consent_again || m->fl.decision != DECIDE_REVIEW)
        return;
    for (int i = 0; i < r->n; i++)
        restarts = restarts || (r->lines[i].restart && r->lines[i].refusal == REFUSE_NONE);
    if (!restarts)
        return;
    m->fl.now.consent_again = true;
    flow_consent_emit(m, "restart", fx);
}

static void emit_strategy(struct model *m, struct effects *fx)
{
    const struct sdl *p = &m->session.plan;
    struct line *l = line_new("strategy");
    struct restart_choice by;

    model_restart(m, &by);
    line_text(l, "session", m->session.name[0] ? m->session.name : NULL);
    line_text(l, "strategy", p->strategy);
    line_text(l, "hypothesis", p->hypothesis);
    line_text(l, "workload", p->workload);
    line_text(l, "database", p->database);
    line_bool(l, "observe", p->observe);
    line_int(l, "scripts", p->nscripts);
    line_int(l, "clients", p->clients);
    line_int(l, "duration_s", p->duration_s);
    line_int(l, "rounds", p->rounds);
    line_text(l, "goal", goal_name(p->goal));
    line_num(l, "rate", p->rate > 0 ? p->rate : NAN);
    line_int(l, "budget_s", p->budget_s);
    line_bool(l, "restart", by.way != RESTART_WAY_NONE);
    line_text(l, "restart_by", by.text[0] ? by.text : NULL);
    line_text(l, "restart_why_not", by.why_not[0] ? by.why_not : NULL);
    line_text(l, "success", p->success);
    line_text(l, "bench_at", p->observe ? NULL : bench_place_name(m));
    line_text(l, "bench_why", m->place.why[0] ? m->place.why : NULL);
    flow_emit(m, l, fx);
}

void flow_strategy_picked(struct model *m, int index, struct effects *fx)
{
    struct session *s = &m->session;
    const char *name = m->opt.strategy;

    if (!*name || !m->opt.headless) {
        if (index < 0 || index >= m->sight.nstrategies)
            index = 0;
        name = m->sight.nstrategies ? m->sight.strategies[index].name : "Balanced";
        if (*m->opt.strategy && index == 0)
            name = m->opt.strategy;
    }
    flow_fresh(m);
    fill_from_flags(m, &s->plan);
    if (!choose_workload(m, &s->plan, fx))
        return;
    text_copy(m->advising.picked, sizeof m->advising.picked, name);
    m->advising.plan = s->plan;
    advise(m, OP_STRATEGY, fx);
}

void flow_plan_known(struct model *m, const struct op_answer *a, struct effects *fx)
{
    struct session *s = &m->session;

    if (m->flow != FLOW_STRATEGY)
        return;
    s->plan = a->u.plan;
    if (!s->plan.success[0])
        text_copy(s->plan.success, sizeof s->plan.success,
                  "the 95 % interval lies above zero, and the gain is above 2 % and this machine's "
                  "noise");
    dialogs_plan_offered(m, true);
    s->sight = m->sight;
    flow_way_pin(m);
    flow_enter(m, FLOW_PLAN);
    m->fl.decision = DECIDE_PLAN;
    (void)dialogs_come(m, DIALOG_PLAN);
    bench_place_begin(m, fx);
    if (strcmp(m->opt.workload, "statements") == 0)
        flow_statements_begin(m, fx);
}

void flow_plan_go(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    m->screen.dialog.kind = DIALOG_NONE;
    m->fl.edits.choosing = false;
    if (m->opt.headless && s->plan.builtin_db && !m->opt.bench_db) {
        struct err e = {0};
        err_set(&e, ERR_REFUSED, "no workload was given");
        err_detail(&e, "The built-in workload needs a database of its own, %s.", s->plan.database);
        err_hint(&e, "Give --script FILE, or consent to that database with --bench-db.");
        flow_fail(m, &e, "the plan", fx);
        return;
    }
    s->created_wall_us = m->wall_us;
    s->deadline_us = m->now_us + (int64_t)s->plan.budget_s * 1000000;
    if (s->origin.reverts) { /* it has no runs to agree to; its changes come with a review */
        flow_prepare_begin(m, fx);
        return;
    }
    emit_strategy(m, fx);
    model_say(m, CHAT_AI, "%s", s->plan.hypothesis);
    double make = consent_make_s(m);
    double least = make + experiment_least_budget(&s->plan, flow_restart_possible(m));
    if (least > s->plan.budget_s)
        model_say(m, CHAT_WARN,
                  "the budget of %.1f min holds no round: %sthe baseline, one round and its "
                  "confirmation take %.1f min",
                  s->plan.budget_s / 60.0, make > 0 ? "making the database, " : "",
                  ceil(least / 6) / 10);
    flow_consent_emit(m, "plan", fx);
    flow_prepare_begin(m, fx);
}
