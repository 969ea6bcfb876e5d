/* dialogs_plan.c - the keys of the plan and of its scripts. Nothing that the DBA edits is lost: a row that is stepped through comes back
 * with Esc, all edits with u, and a plan that is left is offered again with them. */
#include <stdio.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/dialogs_parts.h"
#include "pgd/app/flow.h"
#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/ui/list.h"
#include "pgd/workspace/store.h"

static const char *const workloads[] = {"shop", "oltp", "reports"};

static void next_workload(struct model *m, struct dialog *d, struct effects *fx)
{
    struct sdl *p = &m->session.plan;
    struct err e = {0};
    size_t at = ARRAY_LEN(workloads) - 1;

    d->error[0] = '\0';
    if (m->opt.nscripts > 0) {
        snprintf(d->error, sizeof d->error, "the workload is given by --script");
        return;
    }
    if (p->observe) {
        snprintf(d->error, sizeof d->error, "--observe: the traffic of this database is measured");
        return;
    }
    /* behind the last built-in one, where the server keeps figures of its statements */
    if (strcmp(p->workload, workloads[at]) == 0 && m->server.runtime.statements) {
        flow_statements_begin(m, fx);
        return;
    }
    m->fl.now.statements_note[0] = '\0';
    text_copy_raw(p->database, sizeof p->database, "pg_diagnose_bench");
    for (size_t i = 0; i < ARRAY_LEN(workloads); i++)
        if (strcmp(p->workload, workloads[i]) == 0)
            at = i;
    if (!store_workload(workloads[(at + 1) % ARRAY_LEN(workloads)], p, &e))
        text_copy(d->error, sizeof d->error, e.msg);
}

static void next_restart(struct model *m)
{
    struct sdl *p = &m->session.plan;

    p->restart = p->restart == RESTART_NEVER                                      ? RESTART_ASK
                 : p->restart == RESTART_ASK && m->opt.restart == RESTART_COMMAND ? RESTART_COMMAND
                 : p->restart == RESTART_ASK                                      ? RESTART_MANUAL
                                                                                  : RESTART_NEVER;
}

static void next_traffic(struct sdl *p)
{
    p->traffic = p->traffic == TRAFFIC_GO_ON  ? TRAFFIC_WAIT
                 : p->traffic == TRAFFIC_WAIT ? TRAFFIC_REFUSE
                                              : TRAFFIC_GO_ON;
}

static void next_protocol(struct sdl *p)
{
    const char *next = strcmp(p->protocol, "simple") == 0     ? "extended"
                       : strcmp(p->protocol, "extended") == 0 ? "prepared"
                                                              : "simple";
    text_copy_raw(p->protocol, sizeof p->protocol, next);
}

/* The text of a script for editing; only what fits the field. */
static void edit_script(struct model *m, int i)
{
    struct script *s = &m->session.plan.scripts[i];
    const struct asset *a = strncmp(s->path, "asset:", 6) == 0 ? asset_find(s->path + 6) : NULL;
    const char *text = strncmp(s->path, "text:", 5) == 0 ? m->fl.script_text[i]
                       : a                               ? (const char *)a->data
                                                         : NULL;

    if (!text || strlen(text) >= sizeof m->screen.dialog.input) {
        snprintf(m->screen.dialog.error, sizeof m->screen.dialog.error,
                 "%s is a file of yours: edit it with your editor", s->name);
        return;
    }
    dialogs_open(m, DIALOG_SCRIPTS);
    m->screen.dialog.cursor = i;
    text_copy(m->screen.dialog.title, sizeof m->screen.dialog.title, s->name);
    dialogs_edit_begin(&m->screen.dialog, text);
}

/* A latency needs a rate: the one field leads to the other. */
static void next_goal(struct sdl *p)
{
    if (p->goal == GOAL_RUNTIME)
        return; /* observed: there is nothing to choose */
    p->goal = p->goal == GOAL_TPS ? GOAL_P95 : p->goal == GOAL_P95 ? GOAL_P99 : GOAL_TPS;
}

/* Rows without a field to type in are stepped through; false: this is none of them. */
static bool step_row(struct model *m, struct dialog *d, struct effects *fx)
{
    struct sdl *p = &m->session.plan;

    switch (d->cursor) {
    case PLAN_WORKLOAD:
        next_workload(m, d, fx);
        return true;
    case PLAN_GOAL:
        next_goal(p);
        return true;
    case PLAN_RESTART:
        next_restart(m);
        return true;
    case PLAN_PROTOCOL:
        next_protocol(p);
        return true;
    case PLAN_TRAFFIC:
        next_traffic(p);
        return true;
    case PLAN_COMPARE:
        p->arm_defaults = p->arm_pgtune = !p->arm_defaults;
        return true;
    default:
        return false;
    }
}

static void begin_plan_edit(struct model *m, struct dialog *d, struct effects *fx)
{
    struct plan_hand *h = &m->fl.edits;
    const struct sdl *p = &m->session.plan;
    char text[64];

    if (!h->choosing)
        h->before = *p;
    if (step_row(m, d, fx)) {
        h->choosing = m->fl.derivation || plan_hand_edited(&h->before, p) != 0;
        return;
    }
    switch (d->cursor) {
    case PLAN_WINDOW:
        daytime_text(&p->window, text, sizeof text);
        break;
    case PLAN_CLIENTS:
        snprintf(text, sizeof text, "%d", p->clients);
        break;
    case PLAN_DURATION:
        snprintf(text, sizeof text, "%d", p->duration_s);
        break;
    case PLAN_ROUNDS:
        snprintf(text, sizeof text, "%d", p->rounds);
        break;
    case PLAN_BUDGET:
        snprintf(text, sizeof text, "%g", p->budget_s / 60.0);
        break;
    case PLAN_TARGET:
        snprintf(text, sizeof text, "%g", p->target_tps);
        break;
    case PLAN_RATE:
        snprintf(text, sizeof text, "%g", p->rate);
        break;
    default:
        edit_script(m, d->cursor - PLAN_FIELDS);
        return;
    }
    dialogs_edit_begin(d, text);
}

/* Nothing typed: at any time. */
static void typed_window(struct dialog *d, struct daytime_window *w)
{
    struct daytime_window none = {0};
    struct err e = {0};

    if (d->input_len == 0) {
        *w = none;
    } else if (!daytime_parse(d->input, w, &e)) {
        text_copy(d->error, sizeof d->error, e.msg);
        return;
    }
    d->editing = false;
    d->error[0] = 0;
}

static void end_plan_edit(struct model *m, struct dialog *d)
{
    struct sdl *p = &m->session.plan;
    double v;

    switch (d->cursor) {
    case PLAN_CLIENTS:
        if (dialogs_typed_number(d, 1, 10000, &v))
            p->clients = (int)v;
        if (p->threads > p->clients)
            p->threads = p->clients;
        break;
    case PLAN_DURATION:
        if (dialogs_typed_number(d, 1, 86400, &v))
            p->duration_s = (int)v;
        break;
    case PLAN_ROUNDS:
        if (dialogs_typed_number(d, 1, 20, &v))
            p->rounds = (int)v;
        break;
    case PLAN_BUDGET:
        if (dialogs_typed_number(d, 0.1, 10000, &v))
            p->budget_s = (int)(v * 60);
        break;
    case PLAN_TARGET:
        if (dialogs_typed_number(d, 0, 1e9, &v))
            p->target_tps = v;
        break;
    case PLAN_RATE:
        if (dialogs_typed_number(d, 0, 1e7, &v))
            p->rate = v;
        if (!(p->rate > 0) && p->goal != GOAL_RUNTIME)
            p->goal = GOAL_TPS; /* a latency without a rate is throughput in other words */
        break;
    case PLAN_WINDOW:
        typed_window(d, &p->window);
        break;
    default:
        d->editing = false;
        break;
    }
}

/* Back to the menu of strategies: what was edited is kept for the next plan. */
static void leave(struct model *m, struct effects *fx)
{
    struct plan_hand *h = &m->fl.edits;
    char rows[160];

    h->left = m->session.plan;
    h->kept = plan_hand_edited(&h->offered, &h->left);
    plan_hand_words(h->kept, rows, sizeof rows);
    if (h->kept)
        model_say(m, CHAT_EVENT, "your edits of the plan are kept (%s): the next one begins so",
                  rows);
    flow_decide(m, DECIDE_PLAN, 0, fx);
}

void dialogs_plan_offered(struct model *m, bool with_edits)
{
    struct plan_hand *h = &m->fl.edits;
    char rows[160];

    h->offered = m->session.plan;
    h->choosing = false;
    plan_hand_words(h->kept, rows, sizeof rows);
    if (!with_edits || !h->kept)
        return;
    plan_hand_copy(h->kept, &h->left, &m->session.plan);
    h->kept = 0;
    model_say(m, CHAT_EVENT, "your edits of the plan before stand in it (%s); u takes them back",
              rows);
}

/* While a row is stepped through: Esc is its way back, and whatever leaves it takes what it shows. False: the key does more. */
static bool choose(struct model *m, struct key k)
{
    struct plan_hand *h = &m->fl.edits;

    if (k.name == KEYN_ESC) {
        m->session.plan = h->before;
        m->fl.now.statements_note[0] = '\0';
        h->choosing = false;
        return true;
    }
    if (key_is(k, 'e') || key_is(k, ' '))
        return false;
    h->choosing = false;
    return k.name == KEYN_ENTER;
}

bool dialogs_key_plan(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct sdl *p = &m->session.plan;
    int script = d->cursor - PLAN_FIELDS;

    if (m->fl.edits.choosing && !m->fl.derivation && choose(m, k))
        return true;
    if (d->editing) {
        if (dialogs_edit_key(d, k) == 1)
            end_plan_edit(m, d);
        return true;
    }
    if (m->fl.derivation) { /* nothing else can be changed while the workload is being made */
        if (k.name == KEYN_ESC || key_is(k, 'q'))
            flow_statements_drop(m, fx);
        else
            return !key_is(k, '?');
    } else if (k.name == KEYN_ESC || key_is(k, 'q')) {
        leave(m, fx);
    } else if (key_is(k, 'u')) {
        *p = m->fl.edits.offered;
        m->fl.now.statements_note[0] = d->error[0] = '\0';
        if (d->cursor >= PLAN_FIELDS + p->nscripts) /* it may have fewer scripts */
            d->cursor = PLAN_FIELDS + p->nscripts - 1;
    } else if (key_is(k, 'g') && (p->goal == GOAL_P95 || p->goal == GOAL_P99) && !(p->rate > 0)) {
        text_copy(d->error, sizeof d->error,
                  "a latency is measured at a rate: type one, or take throughput as the goal");
        d->cursor = PLAN_RATE;
    } else if (key_is(k, 'g')) {
        flow_decide(m, DECIDE_PLAN, 1, fx);
    } else if (key_is(k, 'e') || k.name == KEYN_ENTER || key_is(k, ' ')) {
        begin_plan_edit(m, d, fx);
    } else if ((key_is(k, '+') || key_is(k, '-')) && script >= 0 && script < p->nscripts) {
        p->scripts[script].weight += key_is(k, '+') ? 1 : -1;
        if (p->scripts[script].weight < 0)
            p->scripts[script].weight = 0;
    } else {
        (void)list_move(&d->cursor, k, PLAN_FIELDS + p->nscripts);
        return !key_is(k, '?');
    }
    return true;
}

bool dialogs_key_scripts(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    int i = d->cursor;
    int did = dialogs_edit_key(d, k);

    (void)fx;
    if (did == 1) {
        struct script *s = &m->session.plan.scripts[i];
        text_copy_raw(m->fl.script_text[i], sizeof m->fl.script_text[0], d->input);
        char name[64];
        text_copy_raw(name, sizeof name, s->name);
        snprintf(s->path, sizeof s->path, "text:%s", name);
    }
    if (did != 0) {
        dialogs_close(m);
        m->screen.dialog.cursor = PLAN_FIELDS + i;
    }
    return true;
}
