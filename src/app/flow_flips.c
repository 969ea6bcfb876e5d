/* flow_flips.c - who pays for a gain: the verdict by script and statement beside the total, its veto, and the plans that are
 * other ones under the candidate. EXPLAIN without ANALYZE is asked for once under each arm of a round, before its first
 * run. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/app/view_plan.h"
#include "pgd/base/text.h"
#include "pgd/runner/script.h"

/* OBSERVED: a server at work is not kept waiting, nor is a candidate left without being looked at. */
enum { SHAPES_S = 10, SHAPE_MS = 2000, OBSERVED_S = 1, OBSERVED_MS = 500, TOLD_MAX = 6 };

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

    if (m->session.plan.observe) {
        flow_flips_observed_name(&m->fl.now.flip_sources, f->script, dst, size);
        return;
    }
    text_copy(name, sizeof name, m->session.plan.scripts[f->script].name);
    if (f->at == 0)
        text_copy(dst, size, name);
    else
        snprintf(dst, size, "%s, statement %d", name, f->at + 1);
}

/* The statement at hand of observed traffic: first it is prepared, where that is the way. */
static void ask_observed(struct model *m, bool prepared, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    const struct flip_sources *s = &m->fl.now.flip_sources;
    struct buf prepare = {0}, explain = {0};

    if (f->script >= s->n || f->n >= PLANS_MAX || m->now_us >= f->until_us || m->fl.now.cancel) {
        go_on(m, fx);
        return;
    }
    view_plan_sql(s->text[f->script], s->parameters[f->script],
                  m->links[CONN_QUESTIONS].server_version, &prepare, &explain);
    f->step = prepare.len > 0 && !prepared ? FLIP_PREPARE : FLIP_PLAN;
    fx_sql(fx, flow_req(m), CONN_QUESTIONS, buf_text(f->step == FLIP_PREPARE ? &prepare : &explain),
           OBSERVED_MS);
    buf_clear(&prepare);
    buf_clear(&explain);
}

static void ask_next(struct model *m, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    struct buf q = {0};

    f->step = FLIP_PLAN;
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

/* An answer on the way through a statement of observed traffic. */
static void observed_answered(struct model *m, const struct event *ev, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    bool well = ev->err.code == ERR_NONE;
    bool drop = f->step == FLIP_PLAN && m->fl.now.flip_sources.parameters[f->script] > 0 &&
                m->links[CONN_QUESTIONS].server_version < 160000;

    if (f->step == FLIP_PREPARE && well) {
        ask_observed(m, true, fx);
        return;
    }
    if (f->step != FLIP_DROP)
        take_shape(m, ev); /* none, where it could not be prepared: its place is kept */
    if (drop) {
        f->step = FLIP_DROP;
        fx_sql(fx, flow_req(m), CONN_QUESTIONS, "DEALLOCATE ALL", OBSERVED_MS);
        return;
    }
    f->script++;
    ask_observed(m, false, fx);
}

static void open_link(struct model *m, struct effects *fx)
{
    m->fl.waiting++; /* the answer is the link's event */
    links_open(m, CONN_QUESTIONS, m->session.plan.database, fx);
}

/* The statements are known or asked for; false = there is nothing to plan. */
static bool observed_begin(struct model *m, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    struct buf sql = {0};
    bool asks = !m->fl.now.flip_sources.asked && flow_flips_observed_sql(m, &sql);

    if (asks) {
        f->step = FLIP_SOURCES;
        fx_sql(fx, flow_req(m), CONN_CONTROL, buf_text(&sql), SHAPE_MS);
    } else if (m->fl.now.flip_sources.n > 0) {
        f->step = FLIP_LIMITS;
        open_link(m, fx);
    }
    buf_clear(&sql);
    return asks || m->fl.now.flip_sources.n > 0;
}

/* A candidate is planned under only once it has shown in a whole window that it does no harm. */
static bool arm_proven(const struct model *m, int arm)
{
    const struct experiment *x = &m->session.round.experiment;

    for (int i = 0; i < x->n; i++)
        if (x->runs[i].arm == arm && x->runs[i].valid && !x->runs[i].abandoned)
            return true;
    return arm == ARM_A;
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
    if ((arm != ARM_A && arm != ARM_B) || s->round.screening || f->done[arm])
        return false;
    if (s->plan.observe && !arm_proven(m, arm))
        return false;
    f->arm = arm;
    f->script = f->at = f->n = 0;
    f->until_us = m->now_us + (s->plan.observe ? OBSERVED_S : SHAPES_S) * INT64_C(1000000);
    if (s->plan.observe)
        return f->asking = observed_begin(m, fx);
    f->asking = true;
    f->step = FLIP_LIMITS;
    open_link(m, fx);
    return true;
}

/* Locks are not waited for behind those who work. */
static const char observed_limits[] =
    "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false), "
    "pg_catalog.set_config('statement_timeout', '400', false), "
    "pg_catalog.set_config('lock_timeout', '100', false), "
    "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false)";

bool flow_flips_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct flips *f = &m->fl.now.flips;
    bool link = ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN;

    if (!f->asking || m->flow != FLOW_ROUND)
        return false;
    if (link && ev->u.pg.conn != CONN_QUESTIONS)
        return false;
    if (link && f->step == FLIP_SOURCES)
        return false; /* not for us: the link is not asked for yet */
    if (link && ev->kind == EV_PG_UP) {
        f->step = FLIP_LIMITS;
        fx_sql(fx, flow_req(m), CONN_QUESTIONS,
               m->session.plan.observe ? observed_limits : "SET default_transaction_read_only = on",
               SHAPE_MS);
        return true;
    }
    if (link) { /* plans are a help, not a need */
        go_on(m, fx);
        return true;
    }
    if (!flow_waits(m, ev))
        return false;
    if (f->step == FLIP_SOURCES) {
        const struct rows *rows = ev->err.code == ERR_NONE ? ev->rows : NULL;
        flow_flips_observed_read(rows, &m->fl.now.flip_sources);
        m->bench.nnames = 0;
        statements_names_read(rows, m->bench.names, &m->bench.nnames, STATEMENT_NAMES_MAX);
        flow_flips_observed_say(m);
        if (m->fl.now.flip_sources.n == 0 || m->fl.now.cancel) {
            go_on(m, fx);
        } else {
            f->step = FLIP_LIMITS;
            open_link(m, fx);
        }
    } else if (m->session.plan.observe && f->step != FLIP_LIMITS) {
        observed_answered(m, ev, fx);
    } else if (m->session.plan.observe && ev->err.code == ERR_NONE) {
        ask_observed(m, false, fx);
    } else if (m->session.plan.observe) {
        go_on(m, fx); /* nothing is planned without its limits */
    } else {
        if (f->step != FLIP_LIMITS)
            take_shape(m, ev);
        ask_next(m, fx);
    }
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
    if (r->state == ROUND_MEASURE) {
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

    b->round = round;
    b->confirmation = m->flow == FLOW_CONFIRM;
    compare(m, b->confirmation ? &s->confirm : &s->round.experiment, NULL);
    b->nflips = 0;
    if (!b->confirmation)
        find_flips(m, b);
    note[0] = '\0';
    if (!s->plan.observe)
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
