/* flow_plan.c - the strategy's choice and the plan (SDL) with its consent. */
#include <math.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
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

bool flow_restart_possible(const struct model *m)
{
    return flow_restart_way(m) != RESTART_WAY_NONE;
}

void flow_strategy_ask(struct model *m, struct effects *fx)
{
    (void)fx;
    flow_enter(m, FLOW_STRATEGY);
    m->fl.decision = DECIDE_STRATEGY;
    m->screen.dialog = (struct dialog){.kind = DIALOG_STRATEGY};
}

/* The default workload of a server without the DBA's own scripts. */
static bool choose_workload(struct model *m, struct sdl *p, struct effects *fx)
{
    struct err e = {0};

    if (m->opt.nscripts > 0) {
        text_copy(p->workload, sizeof p->workload, "scripts");
        p->nscripts = m->opt.nscripts;
        memcpy(p->scripts, m->opt.scripts, sizeof p->scripts);
        p->builtin_db = false;
        text_copy_raw(p->database, sizeof p->database, m->links[CONN_CONTROL].dbname);
        return true;
    }
    text_copy_raw(p->database, sizeof p->database, "pg_diagnose_bench");
    if (store_workload("shop", p, &e))
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
    p->restart = o->restart;
    if (o->headless && o->restart == RESTART_ASK)
        p->restart = RESTART_NEVER;
    text_copy_raw(p->restart_command, sizeof p->restart_command, o->restart_command);
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
    line_int(l, "scripts", p->nscripts);
    line_int(l, "clients", p->clients);
    line_int(l, "duration_s", p->duration_s);
    line_int(l, "rounds", p->rounds);
    line_int(l, "budget_s", p->budget_s);
    line_bool(l, "restart", by.way != RESTART_WAY_NONE);
    line_text(l, "restart_by", by.text[0] ? by.text : NULL);
    line_text(l, "restart_why_not", by.why_not[0] ? by.why_not : NULL);
    line_text(l, "success", p->success);
    flow_emit(m, l, fx);
}

void flow_strategy_picked(struct model *m, int index, struct effects *fx)
{
    struct evidence e;
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
    model_evidence(m, &e);
    builtin_strategy(&e, name, &s->plan);
    if (!s->plan.success[0])
        text_copy(s->plan.success, sizeof s->plan.success,
                  "the 95 % interval lies above zero, and the gain is above 2 % and this machine's "
                  "noise");
    s->sight = m->sight;
    flow_enter(m, FLOW_PLAN);
    m->fl.decision = DECIDE_PLAN;
    m->screen.dialog = (struct dialog){.kind = DIALOG_PLAN};
}

void flow_plan_go(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    m->screen.dialog.kind = DIALOG_NONE;
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
    emit_strategy(m, fx);
    model_say(m, CHAT_AI, "%s", s->plan.hypothesis);
    flow_prepare_begin(m, fx);
}
