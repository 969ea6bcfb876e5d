/* headless.c - the policy that stands in for the DBA (docs/contract.md, "Headless consent"): --accept safe takes
 * the advisor's strategy and target and every reload-class change that passes the guard; restarts only when
 * --restart says so; --accept none proposes and stops. */
#include "pgd/app/headless.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/verify.h"
#include "pgd/tuning/os.h"

enum { CONNECT_PATIENCE_S = 15 };

static bool restarts_allowed(const struct model *m)
{
    return m->session.plan.restart == RESTART_AUTO || m->session.plan.restart == RESTART_COMMAND ||
           m->session.plan.restart == RESTART_MANUAL;
}

static bool same_flags(const struct model *m)
{
    const struct options *o = &m->opt;
    const struct sdl *p = &m->session.plan;
    bool from_statements = strcmp(o->workload, "statements") == 0;

    if (o->strategy[0] && strcmp(o->strategy, p->strategy) != 0)
        return false;
    if (o->clients && o->clients != p->clients)
        return false;
    if (o->duration_s && o->duration_s != (p->asked_s ? p->asked_s : p->duration_s))
        return false;
    if (o->goal != p->goal || !(fabs(o->rate - p->rate) <= 1e-9 * p->rate))
        return false;
    if (p->restart != (o->restart == RESTART_ASK ? RESTART_NEVER : o->restart) ||
        strcmp(o->restart_command, p->restart_command) != 0)
        return false; /* the consent of another command line is not ours */
    if (o->observe != p->observe ||
        (!p->observe && (o->nscripts > 0 || from_statements) == p->builtin_db))
        return false;
    if (o->workload[0] && strcmp(o->workload, p->workload) != 0)
        return false;
    if (o->nscripts > 0 && o->nscripts != p->nscripts)
        return false;
    for (int i = 0; i < o->nscripts; i++)
        if (strcmp(o->scripts[i].path, p->scripts[i].path) != 0)
            return false;
    return true;
}

/* Their reach is the whole machine: only --accept-os takes them. */
static void accept_os(struct model *m)
{
    struct review *r = &m->session.round.review;
    int left = 0;

    if (m->opt.accept_os)
        review_accept_os(r, restarts_allowed(m));
    for (int i = 0; i < r->n; i++)
        left += review_is_os(&r->lines[i]) && r->lines[i].refusal == REFUSE_NONE &&
                r->lines[i].answer != ANSWER_ACCEPT;
    if (left && !m->opt.accept_os)
        model_say(m, CHAT_WARN,
                  "%d change%s of the operating system proposed and not accepted: --accept-os "
                  "takes them",
                  left, left == 1 ? "" : "s");
}

/* Settings of the operating system that are ours, or may be. */
static bool os_in_force(const struct session *s)
{
    for (int i = 0; i < s->ledger.n; i++) {
        const struct ledger_row *row = &s->ledger.rows[i];
        if (os_is(row->original.name) && !ledger_row_clean(row))
            return true;
    }
    return false;
}

static bool arm_has_os(const struct session *s, const struct arm *a)
{
    for (int i = 0; i < a->n; i++) {
        const struct entry *e = &a->entries[i];
        struct entry original = ledger_goal(&s->ledger, &(struct arm){0}, e->name);
        if (os_is(e->name) && !entry_same(&original, e))
            return true;
    }
    return false;
}

bool headless_os_declined(const struct model *m)
{
    const struct session *s = &m->session;

    return m->opt.headless && !m->opt.accept_os &&
           (os_in_force(s) || arm_has_os(s, &s->best) || arm_has_os(s, &s->pending.arm));
}

/* Whoever has accepted them, it was not this command line: they are taken back and not set again. */
static bool decline_os(struct model *m)
{
    bool declined = headless_os_declined(m);

    if (declined)
        model_say(m, CHAT_WARN,
                  "session %s has changed settings of the operating system, and --accept-os is not "
                  "given: it is not resumed; %s. --accept-os goes on with it",
                  m->session.name,
                  os_in_force(&m->session)
                      ? "the server and its host are brought to the start of it"
                      : "none of them is in force");
    return declined;
}

void headless_decide(struct model *m, struct effects *fx)
{
    enum decision d = m->fl.decision;

    switch (d) {
    case DECIDE_REVIEW:
        if (m->opt.accept == ACCEPT_SAFE) {
            review_accept_safe(&m->session.round.review, restarts_allowed(m));
            accept_os(m);
            flow_decide(m, d, 0, fx);
        } else {
            model_say(m, CHAT_EVENT, "--accept none: proposed and stopped");
            flow_stop(m, true, 0, fx);
        }
        break;
    case DECIDE_RECOVER:
        /* the half-applied step is undone either way; other flags mean another session */
        m->fl.now.pause_resumed = decline_os(m) || !same_flags(m);
        if (m->fl.now.pause_resumed && m->session.state == SESSION_PAUSED &&
            !m->fl.now.unfinished && !(headless_os_declined(m) && os_in_force(&m->session)))
            flow_leave_paused(m, fx); /* it was left clean: others may have tuned since */
        else
            flow_decide(m, d, 1, fx);
        break;
    case DECIDE_STRATEGY:
        flow_decide(m, d, 0, fx);
        break;
    default:
        flow_decide(m, d, 1, fx);
        break;
    }
}

static int exit_code_of(const struct err *e)
{
    switch (e->code) {
    case ERR_CONNECT:
    case ERR_PASSWORD:
        return 3;
    case ERR_USAGE:
    case ERR_REFUSED:
        return 2;
    default:
        return 1;
    }
}

void headless_error(struct model *m, const struct err *e, struct effects *fx)
{
    if (m->opt.headless || m->fl.quit_after)
        advise_leave(m, exit_code_of(e), fx);
}

void headless_link_down(struct model *m, const struct event *ev, struct effects *fx)
{
    const struct link *l = &m->links[CONN_CONTROL];
    struct err e = ev->err;
    bool lost = l->was_up &&
                m->flow == FLOW_DISCOVER; /* later the machines have rules of their own */

    if (!m->opt.headless || (l->was_up && !lost) || m->quitting || flow_down_busy(m))
        return;
    /* after a killed run the server may be on its way up: the restart script goes on without us */
    bool starting = lost || strcmp(e.sqlstate, "57P03") == 0 || m->opt.demo;
    if (l->state == LINK_PASSWORD) /* there is nobody to type one */
        starting = false;
    int64_t since_us = lost ? l->lost_us : m->fl.state_since_us;
    if (starting && m->now_us - since_us < (int64_t)CONNECT_PATIENCE_S * 1000000)
        return;
    if (e.code == ERR_NONE)
        err_set(&e, ERR_CONNECT, "the connection was closed");
    flow_connect_failed(m, &e, fx);
}

void headless_no_host(struct model *m, const struct err *e, struct effects *fx)
{
    struct err why = *e;

    if (!m->opt.headless || m->quitting)
        return;
    why.code = ERR_CONNECT; /* exit 3, whatever kept us out */
    flow_fail(m, &why, "the link by ssh", fx);
}

void headless_chat(struct model *m, uint64_t *printed, struct effects *fx)
{
    uint64_t first = m->chat_total - (uint64_t)m->nchat;

    if (*printed < first)
        *printed = first;
    for (; *printed < m->chat_total; (*printed)++)
        fx_line(fx, m->opt.json ? FX_STDERR : FX_STDOUT, m->chat[*printed - first].text);
}

/* The session ended because of changes that could not be made: the last one, or all of them. */
static bool change_failed(const struct model *m)
{
    const struct session *s = &m->session;

    for (int i = 0; i < s->nhistory; i++)
        if (!s->history[i].failed && !m->fl.now.change_failed)
            return false;
    return s->nhistory > 0 || m->fl.now.change_failed;
}

void headless_end(struct model *m, struct effects *fx)
{
    const struct session *s = &m->session;
    int code = 0;

    if (!m->opt.headless || m->quitting || (s->state != SESSION_PAUSED && verify_ended(m, fx)))
        return;
    if (s->state == SESSION_PAUSED) {
        code = m->fl.exit_code;
    } else if (s->state == SESSION_FAILED) {
        code = change_failed(m) ? 4 : 1;
    } else if (s->plan.target_tps > 0 && !(s->best_tps >= s->plan.target_tps)) {
        code = 1;
    } else if (s->start.n > 0 && s->final.kind != VERDICT_IMPROVED) {
        code = 1; /* repaired, and not improved */
    }
    if (code == 0 && m->fl.now.save_failed)
        code = 1;
    flow_quit(m, code, fx);
}
