/* flow_branch.c - see flow_branch.h.
 *
 * A revert is a session without rounds: PREPARE makes its folder and looks at the server again, FLOW_ROUND holds the review,
 * SETTLE makes the switch with everything that belongs to one (journal, preflight, restart, verify, undo). So it is resumed
 * and undone as any other is, and its own start is a state that the tree can go back to. */
#include "pgd/app/flow_branch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/bench_place.h"
#include "pgd/app/claim.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/runner/script.h"
#include "pgd/tuning/others.h"
#include "pgd/workspace/kept.h"
#include "pgd/workspace/store.h"

/* ---- a branch ---- */

static bool own_text(const char *path)
{
    return strncmp(path, "asset:", 6) != 0;
}

/* The scripts as that session has measured them: its own copies, whatever became of the DBA's files since. */
static void take_scripts(const struct model *m, const struct session *from, struct sdl *plan)
{
    struct buf path = {0};
    char name[300];

    for (int i = 0; i < plan->nscripts; i++) {
        if (!own_text(plan->scripts[i].path))
            continue;
        script_file(&from->plan, i, name, sizeof name);
        path.len = 0;
        buf_printf(&path, "%s/sessions/%s/scripts/%s", m->workspace.dir, from->name, name);
        text_copy_raw(plan->scripts[i].path, sizeof plan->scripts[i].path, buf_text(&path));
    }
    buf_clear(&path);
}

static void add_change(struct proposal *p, const struct entry *e, const char *why,
                       const char *evidence)
{
    struct setting_change *c;

    if (p->n == CHANGES_MAX)
        return;
    c = &p->changes[p->n++];
    memset(c, 0, sizeof *c);
    text_copy_raw(c->name, sizeof c->name, e->name);
    text_copy_raw(c->value, sizeof c->value, e->present ? e->value : "");
    c->reset = !e->present;
    text_copy(c->why, sizeof c->why, why);
    text_copy(c->evidence, sizeof c->evidence, evidence);
    c->expect_lo = c->expect_hi = NAN;
}

/* What the state holds, as a proposal that is reviewed and measured like any other. */
static void propose_state(const struct session *from, int node, struct proposal *p)
{
    struct arm *state = xcalloc(1, sizeof *state);
    char words[40], why[200], evidence[240];

    tree_node_words(node, words, sizeof words);
    tree_state(from, node, state);
    memset(p, 0, sizeof *p);
    text_copy_raw(p->advisor.text, sizeof p->advisor.text, "branch");
    snprintf(p->summary, sizeof p->summary, "What %s ran with %s.", from->name, words);
    snprintf(why, sizeof why, "It was in force in %.100s, %s.", from->name, words);
    if (isfinite(from->final.ratio) && node == NODE_FINAL)
        snprintf(evidence, sizeof evidence, "%.100s: %+.1f %% in its confirmation", from->name,
                 (from->final.ratio - 1) * 100);
    else
        snprintf(evidence, sizeof evidence, "%.100s, %s", from->name, words);
    for (int i = 0; i < state->n; i++)
        add_change(p, &state->entries[i], why, evidence);
    free(state);
}

static void come_from(struct session *s, const struct session *from, int node, bool reverts)
{
    text_copy_raw(s->origin.session, sizeof s->origin.session, from->name);
    s->origin.node = node;
    s->origin.reverts = reverts;
}

void flow_branch(struct model *m, const struct session *from, int node, struct effects *fx)
{
    struct session *s = &m->session;
    char words[40];

    if (from->origin.reverts || from->plan.clients == 0) {
        model_say(m, CHAT_WARN, "%s measured nothing: there is no plan to go on with", from->name);
        return;
    }
    flow_fresh(m);
    s->plan = from->plan;
    take_scripts(m, from, &s->plan);
    s->sight = m->sight;
    come_from(s, from, node, false);
    propose_state(from, node, &s->next);
    s->next_round = s->next.n > 0 ? 1 : 0;
    m->fl.session_wanted = true;
    tree_node_words(node, words, sizeof words);
    model_say(m, CHAT_EVENT,
              "a branch of %s, %s: the plan is that session's; its %d change%s are what round 1 "
              "proposes, against a baseline of today",
              from->name, words, s->next.n, s->next.n == 1 ? "" : "s");
    collect_watch(&m->collect, m->links[CONN_CONTROL].dbname);
    flow_way_pin(m);
    dialogs_plan_offered(m, false);
    flow_enter(m, FLOW_PLAN);
    m->fl.decision = DECIDE_PLAN;
    (void)dialogs_come(m, DIALOG_PLAN);
    bench_place_begin(m, fx);
}

/* ---- a revert ---- */

/* Whether the server has it so already. */
static bool in_force(const struct model *m, const struct entry *e)
{
    const struct setting *v = settings_find(&m->server.settings, e->name);
    char now[SETTING_VALUE_MAX], then[SETTING_VALUE_MAX];
    double number;

    if (!v || v->pending_restart)
        return false;
    if (!e->present)
        return *v->sourcefile ? !ledger_file(v->sourcefile) : strcmp(v->source, "default") == 0;
    if (strcmp(v->shown, e->value) == 0)
        return true;
    return guard_value(v, v->value, &number, now, sizeof now, NULL) &&
           guard_value(v, e->value, &number, then, sizeof then, NULL) && strcmp(now, then) == 0;
}

static void plan_revert(struct model *m, struct sdl *p)
{
    text_copy_raw(p->strategy, sizeof p->strategy, "Revert");
    text_copy_raw(p->database, sizeof p->database, m->links[CONN_CONTROL].dbname);
    text_copy_raw(p->protocol, sizeof p->protocol, "simple");
    text_copy_raw(p->restart_command, sizeof p->restart_command, m->opt.restart_command);
    p->restart = m->opt.restart;
    p->window = m->opt.window;
    p->clients = p->threads = p->duration_s = p->rounds = 1;
    p->budget_s = 24 * 3600; /* nothing is measured: the DBA may take his time */
}

void flow_revert(struct model *m, const struct session *from, int node, const struct entry *goals,
                 int n, struct effects *fx)
{
    struct session *s = &m->session;
    struct proposal *p = xcalloc(1, sizeof *p);
    char words[40], why[240];
    int left = 0;

    tree_node_words(node, words, sizeof words);
    text_copy_raw(p->advisor.text, sizeof p->advisor.text, "revert");
    snprintf(p->summary, sizeof p->summary,
             "Back to %s of %s. Settings that no session has touched stay as they are. Nothing is "
             "measured.",
             words, from->name);
    snprintf(why, sizeof why, "It stood so in %.120s, %s.", from->name, words);
    for (int i = 0; i < n; i++) {
        if (in_force(m, &goals[i]))
            continue;
        left += p->n == CHANGES_MAX;
        add_change(p, &goals[i], why, why);
    }
    if (p->n == 0) {
        model_say(m, CHAT_EVENT, "the server is as it was %s of %s already: nothing differs",
                  node == NODE_START ? "at the start" : words, from->name);
        free(p);
        return;
    }
    if (left > 0)
        model_say(m, CHAT_WARN, "%d settings more differ: go back once more for them", left);
    flow_fresh(m);
    plan_revert(m, &s->plan);
    snprintf(s->plan.hypothesis, sizeof s->plan.hypothesis, "Back to %s of %s.", words, from->name);
    come_from(s, from, node, true);
    s->next = *p;
    s->next_round = 1;
    free(p);
    flow_way_pin(m);
    m->fl.session_wanted = true;
    flow_enter(m, FLOW_PLAN);
    claim_begin(m, CLAIM_THEN_PLAN, fx);
}

/* Lines that have come to be in force since need no answer. */
static void drop_done(struct review *r)
{
    int n = 0;

    for (int i = 0; i < r->n; i++)
        if (r->lines[i].refusal != REFUSE_NO_CHANGE)
            r->lines[n++] = r->lines[i];
    r->n = n;
}

void flow_revert_review(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct guard_policy g = flow_policy(m);
    struct review *r = &s->round.review;

    g.by_dba = true; /* what the DBA wants back is his to want */
    flow_enter(m, FLOW_ROUND);
    round_clear(&s->round);
    round_init(&s->round, 1, &s->best, &s->plan, 0);
    guard_review(&s->next, &m->server, &g, r);
    r->round = 1;
    drop_done(r);
    if (flow_left_answered(m))
        (void)kept_give(&s->kept, r, &m->server, &g);
    for (int i = 0; i < r->n; i++)
        session_remember_first(s, r->lines[i].change.name, r->lines[i].from);
    model_say(m, CHAT_AI, "%s", s->next.summary);
    flow_save(m, false, fx);
    if (r->n == 0) {
        text_copy(s->end_reason, sizeof s->end_reason, "nothing differs any more");
        flow_settle(m, &s->best, fx);
        return;
    }
    s->round.state = ROUND_REVIEW;
    m->fl.decision = DECIDE_REVIEW;
    flow_show_decision(m, DIALOG_REVIEW);
}

void flow_revert_decided(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    const struct review *r = &s->round.review;
    struct arm *arm = xcalloc(1, sizeof *arm);
    char words[40];
    int n = 0;

    *arm = s->best;
    tree_node_words(s->origin.node, words, sizeof words);
    for (int i = 0; i < r->n; i++) {
        const struct review_line *l = &r->lines[i];
        if (l->refusal != REFUSE_NONE || l->answer != ANSWER_ACCEPT)
            continue;
        arm_set(arm, l->change.name, !l->change.reset, l->change.reset ? "" : l->send);
        n++;
    }
    s->round.state = ROUND_DONE;
    if (n == 0 && s->best.n == 0) {
        text_copy(s->end_reason, sizeof s->end_reason, "nothing was accepted");
        flow_back_to_start(m, fx);
    } else {
        snprintf(arm->label, sizeof arm->label, "revert to %.30s", words);
        s->best = *arm;
        snprintf(s->end_reason, sizeof s->end_reason, "back to %s of %s", words, s->origin.session);
        flow_save(m, false, fx);
        flow_settle(m, &s->best, fx);
    }
    free(arm);
}

void flow_revert_failed(struct model *m, const struct err *e, struct effects *fx)
{
    struct session *s = &m->session;

    s->state = SESSION_FAILED;
    s->ended_wall_us = m->wall_us;
    text_copy(s->end_reason, sizeof s->end_reason, e->msg);
    flow_journal(m, "checkpoint", "what", session_state_name(s->state), fx);
    flow_save(m, false, fx);
    flow_fail(m, e, "going back", fx);
}
