/* flow_flips.c - who pays for a gain: the verdict by script and statement beside the total, its veto, and the plans that are
 * other ones under the candidate. EXPLAIN without ANALYZE is asked for once under each arm of a round, before its first
 * run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/text.h"
#include "pgd/runner/script.h"

enum { SHAPES_S = 10, SHAPE_MS = 2000, TOLD_MAX = 6 };

/* ---- plans under both arms ---- */

static void go_on(struct model *m, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    struct round *r = &m->session.round;
    struct bench_run none;

    f->asking = false;
    f->done[f->arm] = true;
    links_close(m, CONN_QUESTIONS, fx);
    if (!m->fl.now.cancel) {
        flow_run(m, r->run_seconds, r->run_warmup, fx);
        return;
    }
    memset(&none, 0, sizeof none);
    none.cancelled = true;
    flow_round_message(m, &(struct round_msg){.kind = ROUND_MSG_RAN, .run = &none}, fx);
}

static void name_place(const struct model *m, char *dst, size_t size)
{
    const struct flips *f = &m->fl.now.flips;
    char name[56];

    text_copy(name, sizeof name, m->session.plan.scripts[f->script].name);
    if (f->at == 0)
        text_copy(dst, size, name);
    else
        snprintf(dst, size, "%s, statement %d", name, f->at + 1);
}

static void ask_next(struct model *m, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    struct buf q = {0};

    while (f->script < m->session.plan.nscripts && f->n < PLANS_MAX && m->now_us < f->until_us &&
           !m->fl.now.cancel) {
        buf_puts(&q, "EXPLAIN ");
        if (script_select(m->fl.script_text[f->script], f->at, 1, &q)) {
            fx_sql(fx, flow_req(m), CONN_QUESTIONS, buf_text(&q), SHAPE_MS);
            buf_clear(&q);
            return;
        }
        buf_clear(&q);
        f->script++;
        f->at = 0;
    }
    go_on(m, fx);
}

static void take_shape(struct model *m, const struct event *ev)
{
    struct flips *f = &m->fl.now.flips;
    struct buf text = {0};

    memset(&f->shapes[f->arm][f->n], 0, sizeof f->shapes[0][0]);
    if (ev->err.code == ERR_NONE && ev->rows && ev->rows->ncols == 1) {
        for (int i = 0; i < ev->rows->nrows; i++)
            buf_printf(&text, "%s\n", ev->rows->cells[i] ? ev->rows->cells[i] : "");
        plan_shape(buf_text(&text), &f->shapes[f->arm][f->n]);
        buf_clear(&text);
    }
    name_place(m, f->where[f->n], sizeof f->where[0]);
    f->n++;
    f->at++;
}

bool flow_flips_begin(struct model *m, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    const struct session *s = &m->session;
    int arm = s->round.arm_in_force;

    if (f->round != s->round.number) {
        memset(f, 0, sizeof *f);
        f->round = s->round.number;
    }
    if ((arm != ARM_A && arm != ARM_B) || s->round.screening || s->plan.observe || f->done[arm])
        return false;
    f->asking = true;
    f->arm = arm;
    f->script = f->at = f->n = 0;
    f->until_us = m->now_us + SHAPES_S * INT64_C(1000000);
    m->fl.waiting++; /* the answer is the link's event */
    links_open(m, CONN_QUESTIONS, s->plan.database, fx);
    return true;
}

bool flow_flips_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    bool link = ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN;

    if (!f->asking || m->flow != FLOW_ROUND)
        return false;
    if (link && ev->u.pg.conn != CONN_QUESTIONS)
        return false;
    if (link && ev->kind == EV_PG_UP) {
        f->n = -1; /* the first answer is that of SET */
        fx_sql(fx, flow_req(m), CONN_QUESTIONS, "SET default_transaction_read_only = on", SHAPE_MS);
        return true;
    }
    if (link) { /* plans are a help, not a need */
        go_on(m, fx);
        return true;
    }
    if (!flow_waits(m, ev))
        return false;
    if (f->n < 0)
        f->n = 0;
    else
        take_shape(m, ev);
    ask_next(m, fx);
    return true;
}

static void find_flips(struct model *m, struct by_statement *b)
{
    const struct flips *f = &m->fl.now.flips;

    b->nflips = 0;
    if (f->round != b->round || !f->done[ARM_A] || !f->done[ARM_B])
        return;
    for (int i = 0; i < PLANS_MAX && b->nflips < FLIPS_MAX; i++) {
        struct flip *flip = &b->flips[b->nflips];
        if (!plan_flip(&f->shapes[ARM_A][i], &f->shapes[ARM_B][i], flip->what, sizeof flip->what))
            continue;
        text_copy(flip->where, sizeof flip->where, f->where[i]);
        b->nflips++;
    }
}

/* ---- the verdict ---- */

static void compare(struct model *m, const struct experiment *x, const struct bench_run *more)
{
    statements_compare(x, more, &m->session.plan, m->bench.names, m->bench.nnames,
                       &m->session.beside.latest.s);
}

const char *flow_statements_veto(struct model *m, const struct bench_run *run)
{
    const struct round *r = &m->session.round;
    char *why = m->fl.now.statements_veto;

    why[0] = '\0';
    if (r->state == ROUND_MEASURE && !m->session.plan.observe) {
        compare(m, &r->experiment, run);
        statements_veto(&m->session.beside.latest.s, why, sizeof m->fl.now.statements_veto);
    }
    return why[0] ? why : NULL;
}

/* What there is to tell statements apart by, once a session. */
static const char *limits(const struct model *m, char *dst, size_t size)
{
    const struct by_statement *b = &m->session.beside.latest;
    const char *why = m->bench.statements_note;

    dst[0] = '\0';
    if (b->s.by_statement)
        return dst;
    if (m->session.plan.nscripts == 1)
        snprintf(dst, size,
                 "one script and no statistics by statement%s%s: the total is all there is",
                 why[0] ? ", as " : "", why);
    else if (why[0])
        snprintf(dst, size, "by script only, as %s", why);
    return dst;
}

static void say(struct model *m, const struct by_statement *b, const char *phase)
{
    struct buf text = {0};
    int told = 0;

    for (int i = 0; i < b->s.n && told < TOLD_MAX; i++) {
        const struct statement_verdict *v = &b->s.items[i];
        if (v->cls == STATEMENT_UNDECIDED)
            continue;
        beside_statement_text(v, &text);
        model_say(m,
                  v->veto                      ? CHAT_BAD
                  : v->cls == STATEMENT_SLOWER ? CHAT_WARN
                                               : CHAT_GOOD,
                  "%s: %s", phase, buf_text(&text));
        text.len = 0;
        told++;
    }
    buf_clear(&text);
    for (int i = 0; i < b->nflips; i++)
        model_say(m, CHAT_EVENT, "plan of %s: %s", b->flips[i].where, b->flips[i].what);
}

static void emit(struct model *m, const struct by_statement *b, const char *phase, const char *note,
                 struct effects *fx)
{
    struct line *l = line_new("by_statement");
    struct buf list = {0};

    line_text(l, "phase", phase);
    line_int(l, "round", b->round);
    line_int(l, "tested", b->s.tested);
    beside_statements_json(b, &list);
    line_raw(l, "statements", buf_text(&list));
    list.len = 0;
    beside_flips_json(b, &list);
    line_raw(l, "plans", buf_text(&list));
    buf_clear(&list);
    line_text(l, "note", note[0] ? note : NULL);
    flow_emit(m, l, fx);
}

void flow_statements_tell(struct model *m, const char *phase, int round, struct effects *fx)
{
    struct session *s = &m->session;
    struct by_statement *b = &s->beside.latest;
    char note[240];

    if (s->plan.observe)
        return;
    b->round = round;
    b->confirmation = m->flow == FLOW_CONFIRM;
    compare(m, b->confirmation ? &s->confirm : &s->round.experiment, NULL);
    b->nflips = 0;
    if (!b->confirmation)
        find_flips(m, b);
    limits(m, note, sizeof note);
    if (b->s.n == 0 && b->nflips == 0)
        return; /* nothing was measured */
    if (note[0] && !m->fl.now.sources_told)
        model_say(m, CHAT_EVENT, "verdict by statement: %s", note);
    m->fl.now.sources_told = true;
    say(m, b, phase);
    emit(m, b, phase, note, fx);
    beside_remember(&s->beside);
}
