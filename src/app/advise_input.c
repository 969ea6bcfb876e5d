/* advise_input.c - see advise_input.h. */
#include "pgd/app/advise_input.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/score.h"
#include "pgd/app/flow.h"
#include "pgd/app/talk.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"

/* ---- sessions in brief ---- */

static void tell_changes(const struct session *s, struct session_told *t)
{
    for (int i = 0; i < s->nfinal && t->nchanges < CHANGES_MAX; i++) {
        struct told_change *c = &t->changes[t->nchanges++];
        text_copy_raw(c->name, sizeof c->name, s->final_values[i].name);
        text_copy_raw(c->value, sizeof c->value, s->final_values[i].shown);
        c->earned = NAN;
        for (int k = 0; k < s->nearned; k++)
            if (s->earned[k].tested && strcmp(s->earned[k].name, c->name) == 0)
                c->earned = s->earned[k].ratio;
        for (int r = 0; r < s->nhistory; r++)
            for (int k = 0; k < s->history[r].n; k++)
                if (strcmp(s->history[r].changes[k].name, c->name) == 0)
                    text_copy(c->evidence, sizeof c->evidence, s->history[r].changes[k].evidence);
    }
    for (int r = 0; r < s->nhistory; r++)
        for (int k = 0; !s->history[r].kept && k < s->history[r].n && t->nfailed < CHANGES_MAX;
             k++) {
            struct told_change *c = &t->failed[t->nfailed++];
            text_copy_raw(c->name, sizeof c->name, s->history[r].changes[k].name);
            text_copy_raw(c->value, sizeof c->value, s->history[r].changes[k].value);
            text_copy(c->evidence, sizeof c->evidence, s->history[r].changes[k].evidence);
            c->earned = NAN;
        }
}

/* Both of the runs that the gain is told by, where there are such. */
static void told_pair(struct session_told *t, double before, double after)
{
    if (isfinite(before) && isfinite(after)) {
        t->baseline_tps = before;
        t->best_tps = after;
    }
}

void advise_tell_session(const struct session *s, struct session_told *t)
{
    struct gain g;

    memset(t, 0, sizeof *t);
    text_copy(t->name, sizeof t->name, s->name);
    text_copy(t->strategy, sizeof t->strategy, s->plan.strategy);
    text_copy(t->state, sizeof t->state, session_state_name(s->state));
    text_copy(t->hypothesis, sizeof t->hypothesis, s->plan.hypothesis);
    t->baseline_tps = s->baseline_tps;
    t->best_tps = s->best_tps;
    session_gain(s, &g);
    told_pair(t, g.tps_before, g.tps_after);
    t->effect = s->final.kind != VERDICT_NONE ? s->final.ratio : (double)NAN;
    t->ci_lo = s->final.kind != VERDICT_NONE ? s->final.ci_lo : (double)NAN;
    t->ci_hi = s->final.kind != VERDICT_NONE ? s->final.ci_hi : (double)NAN;
    t->rounds = s->rounds_done;
    t->ended_wall_us = s->ended_wall_us;
    text_copy(t->end_reason, sizeof t->end_reason, s->end_reason);
    tell_changes(s, t);
}

/* A session of which only the list's line is at hand. */
static void tell_row(const struct session_row *r, struct session_told *t)
{
    memset(t, 0, sizeof *t);
    text_copy(t->name, sizeof t->name, r->name);
    text_copy(t->strategy, sizeof t->strategy, r->strategy);
    text_copy(t->state, sizeof t->state, session_state_name(r->state));
    t->baseline_tps = r->baseline_tps;
    t->best_tps = r->best_tps;
    told_pair(t, r->tps_before, r->tps_after);
    t->effect = r->effect;
    t->ci_lo = t->ci_hi = NAN;
    t->rounds = r->rounds;
    t->ended_wall_us = r->changed_wall_us;
}

static void exported(const struct model *m, struct advise_input *x)
{
    bool ours = m->session.state == SESSION_ARCHIVED;
    int room = SESSIONS_TOLD_MAX - (ours ? 1 : 0);
    int from = m->fl.narchived > room ? m->fl.narchived - room : 0;

    x->sessions = xcalloc(SESSIONS_TOLD_MAX, sizeof *x->sessions);
    for (int i = from; i < m->fl.narchived; i++)
        advise_tell_session(m->fl.archived[i], &x->sessions[x->in.nsessions++]);
    if (ours)
        advise_tell_session(&m->session, &x->sessions[x->in.nsessions++]);
}

/* What was read of a session for the question under way; NULL = nothing. */
static const struct session_told *read_of(const struct model *m, const char *name)
{
    const struct talk_line *l = &m->talk.now;

    for (int i = 0; i < l->ntold; i++)
        if (strcmp(l->told[i].name, name) == 0)
            return &l->told[i];
    return NULL;
}

/* Of the workspace, oldest first; the one in memory and those that the question names in full. */
static void listed(const struct model *m, struct advise_input *x)
{
    const struct workspace *w = &m->workspace;
    int n = w->nsessions < SESSIONS_TOLD_MAX ? w->nsessions : SESSIONS_TOLD_MAX;

    x->sessions = xcalloc(SESSIONS_TOLD_MAX, sizeof *x->sessions);
    for (int i = n - 1; i >= 0; i--) {
        struct session_told *t = &x->sessions[x->in.nsessions++];
        const struct session_told *whole = read_of(m, w->sessions[i].name);
        if (whole)
            *t = *whole;
        else if (m->session.name[0] && strcmp(w->sessions[i].name, m->session.name) == 0)
            advise_tell_session(&m->session, t);
        else
            tell_row(&w->sessions[i], t);
    }
}

/* ---- the operations ---- */

static const struct strategy_offer *offer_of(const struct first_sight *s, const char *name)
{
    for (int i = 0; i < s->nstrategies; i++)
        if (strcmp(s->strategies[i].name, name) == 0)
            return &s->strategies[i];
    return NULL;
}

/* The one under way, or that has just ended: what each of its changes has earned is known of it alone. */
static void this_session(const struct model *m, struct advise_input *x)
{
    x->sessions = xcalloc(1, sizeof *x->sessions);
    advise_tell_session(&m->session, x->sessions);
    x->in.nsessions = 1;
}

static void predictions(struct advise_input *x)
{
    struct prediction *list = xcalloc(SCORES_MAX, sizeof *list);

    x->in.npredictions = score_predictions(&x->e, list, SCORES_MAX);
    for (int i = 0; i < x->in.npredictions; i++)
        x->in.npredictions_held += list[i].held;
    free(list);
}

static void of_op(struct model *m, enum op op, struct advise_input *x)
{
    struct op_input *in = &x->in;

    switch (op) {
    case OP_STRATEGY:
        in->strategy = m->advising.picked;
        in->plan = &m->advising.plan;
        in->offer = offer_of(&m->sight, m->advising.picked);
        break;
    case OP_ROUND1:
    case OP_ANALYZE:
        x->e.restart_allowed = flow_can_restart(m);
        in->verdict = op == OP_ANALYZE && m->advising.judging ? &m->session.round.verdict : NULL;
        break;
    case OP_DIAGNOSE:
        in->what = m->advising.trouble;
        in->err = &m->advising.trouble_err;
        in->log = m->advising.trouble_log;
        break;
    case OP_NEXT_STRATEGIES:
        this_session(m, x);
        break;
    case OP_RESTORE:
        this_session(m, x);
        in->paused_in = m->advising.paused_in;
        in->next_step = m->advising.next_step;
        break;
    case OP_CONFLICTS:
        exported(m, x);
        break;
    case OP_COMPARE:
        listed(m, x);
        talk_input(m, in);
        break;
    case OP_QUESTION:
        if (m->session.nearned > 0)
            this_session(m, x);
        talk_input(m, in);
        break;
    case OP_PARAMETER:
    case OP_ANOMALY:
    case OP_HARDWARE:
        talk_input(m, in);
        break;
    default:
        break;
    }
    in->sessions = x->sessions;
}

/* The facts with one setting as it is now: its text, and the number that belongs to it. */
static void put_setting(struct setting *s, const char *shown)
{
    struct setting one = *s;
    struct settings unit = {.n = 1, .items = &one};
    double number;

    text_copy_raw(one.value, sizeof one.value, "1");
    double of_one = settings_number(&unit, one.name);
    if (!guard_value(s, shown, &number, s->shown, sizeof s->shown, NULL))
        text_copy(s->shown, sizeof s->shown, shown);
    else if (of_one > 0 && isfinite(number))
        snprintf(s->value, sizeof s->value, "%.15g", number / of_one);
    else
        text_copy(s->value, sizeof s->value, s->shown);
}

/* Between two looks at the server the settings of ours are switched: the journal knows better than the look what runs. */
static void settings_now(const struct model *m, struct advise_input *x)
{
    const struct ledger *l = &m->session.ledger;
    struct settings *all;

    x->facts = xcalloc(1, sizeof *x->facts);
    *x->facts = m->server;
    all = &x->facts->settings;
    all->items = xcalloc((size_t)(all->n > 0 ? all->n : 1), sizeof *all->items);
    if (all->n > 0)
        memcpy(all->items, m->server.settings.items, (size_t)all->n * sizeof *all->items);
    for (int i = 0; i < l->n; i++) {
        const struct ledger_row *r = &l->rows[i];
        const char *first = session_first(&m->session, r->current.name);
        struct setting *s = (struct setting *)(uintptr_t)settings_find(all, r->current.name);
        if (r->unsure)
            continue;
        if (!entry_same(&r->current, &r->original))
            arm_set(&x->arm, r->current.name, r->current.present, r->current.value);
        else if (s && *first && strcmp(s->shown, first) != 0)
            put_setting(s, first);
    }
    x->e.server = x->facts;
    x->e.best_arm = x->arm.n > 0 ? &x->arm : NULL;
}

/* First Sight is of the server as it stands, before a session: what an earlier one believed best is no setting of it. */
static void in_force(const struct model *m, enum op op, struct advise_input *x)
{
    enum session_state state = m->session.state;
    bool open = state == SESSION_ACTIVE || state == SESSION_PAUSED || model_run_active(m);

    if (op == OP_FIRST_SIGHT)
        x->e.best_arm = NULL;
    else if ((op == OP_QUESTION || op == OP_PARAMETER) && open)
        settings_now(m, x);
}

void advise_input_fill(struct model *m, enum op op, struct advise_input *x)
{
    memset(x, 0, sizeof *x);
    model_evidence(m, &x->e);
    in_force(m, op, x);
    x->in.e = &x->e;
    x->in.wishes = &m->wishes;
    x->in.scripts = m->fl.script_text;
    if (m->sight_known)
        x->in.sight = &m->sight;
    predictions(x);
    of_op(m, op, x);
}

void advise_input_clear(struct advise_input *x)
{
    free(x->sessions);
    x->sessions = NULL;
    if (x->facts)
        free(x->facts->settings.items);
    free(x->facts);
    x->facts = NULL;
}
