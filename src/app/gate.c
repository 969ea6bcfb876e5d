/* gate.c - see gate.h: --readonly and the journal rule, enforced where effects leave the program. */
#include "pgd/app/gate.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/app/kill_at.h"
#include "pgd/app/readonly.h"

/* The answer that the machine gets instead: of the kind that the effect would have brought. */
static void refuse(struct effect *e, gate_post_fn post, void *arg, const struct err *why)
{
    struct event ev = {.req = e->req, .err = *why};

    switch (e->kind) {
    case FX_PG_QUERY:
        ev.kind = EV_PG_RESULT;
        ev.u.pg.conn = e->u.pg.conn;
        break;
    case FX_PG_CONNECT:
        ev.kind = EV_PG_DOWN;
        ev.u.pg.conn = e->u.pg.conn;
        break;
    case FX_CHILD:
        ev.kind = EV_CHILD_EXIT;
        break;
    case FX_FILE:
        ev.kind = EV_FILE;
        break;
    default:
        break;
    }
    if (ev.kind != EV_NONE)
        post(arg, &ev);
    effect_clear(e);
}

/* Reading files, and what stays between the program and its terminal. */
static bool offline_allows(const struct effect *e)
{
    switch (e->kind) {
    case FX_FILE:
        return e->u.file.op == FILE_READ || e->u.file.op == FILE_READ_MANY ||
               e->u.file.op == FILE_LIST;
    case FX_PG_CONNECT:
    case FX_PG_QUERY:
    case FX_CHILD:
    case FX_SSH_OPEN:
    case FX_HTTP:
        return false;
    default:
        return true;
    }
}

static void one(struct gate *g, struct effect *e, gate_run_fn run, gate_post_fn post, void *arg)
{
    struct err why = {0};

    if (g->offline && !offline_allows(e)) {
        err_set(&why, ERR_REFUSED, "a recording is played: nothing else is done");
        refuse(e, post, arg, &why);
    } else if (g->readonly && !readonly_allows(e) && !(g->ends && readonly_ends(e))) {
        err_set(&why, ERR_REFUSED, "refused by --readonly");
        err_hint(&why, "Start again without --readonly to change or measure this server.");
        refuse(e, post, arg, &why);
    } else if (e->after_journal > g->saved) {
        struct effect *held = effects_add(&g->held, e->kind, e->req);
        *held = *e;
        memset(e, 0, sizeof *e);
    } else {
        kill_at_effect(e);
        run(arg, e);
        kill_at_sent();
    }
}

void gate_run(struct gate *g, struct effects *fx, gate_run_fn run, gate_post_fn post, void *arg)
{
    for (size_t i = 0; i < fx->n; i++)
        one(g, &fx->items[i], run, post, arg);
    effects_clear(fx);
}

void gate_event(struct gate *g, const struct event *ev, gate_run_fn run, gate_post_fn post,
                void *arg)
{
    struct effects held = g->held;
    uint64_t no = ev->kind == EV_FILE ? ev->u.file.journal_no : 0;

    kill_at_event(ev);
    if (no == 0)
        return;
    if (ev->err.code == ERR_NONE && no > g->saved)
        g->saved = no;
    memset(&g->held, 0, sizeof g->held);
    for (size_t i = 0; i < held.n; i++) {
        if (ev->err.code != ERR_NONE && held.items[i].after_journal == no)
            refuse(&held.items[i], post, arg, &ev->err);
        else
            one(g, &held.items[i], run, post, arg);
    }
    free(held.items);
}

void gate_shut(struct gate *g)
{
    g->readonly = true;
}

void gate_clear(struct gate *g)
{
    effects_clear(&g->held);
}
