/* hypo.c - see hypo.h. One candidate after the other; what fails is "not tested" with its reason, and the next one follows.
 *
 * What was recorded as a statement of our own role may call what others own and have replaced since. It is planned without a key
 * being pressed, so never by a role that reaches the machine of the server or a superuser: no read-only session keeps these from
 * acting there. What such code does as any other role ends with the plan: it can leave settings behind, so that the limits,
 * by names that nobody can turn, are set anew after each plan, before anything else is asked. */
#include "pgd/app/hypo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/advice.h"
#include "pgd/app/links.h"
#include "pgd/app/view_plan.h"
#include "pgd/base/text.h"
#include "pgd/discovery/plan.h"
#include "pgd/runner/derive.h"
#include "pgd/runner/script.h"

/* All of it together, at the most; one question, above the server's own limit. */
enum { ALL_S = 10, ASK_MS = 3000, ANSWERS = 1 << 20 };

/* Also whether our role may act outside the database: as a superuser, or through its files and programs. Every name is
 * qualified, operators too: what was planned before may have changed the search path. */
#define LIMITS(path)                                                                            \
    "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false), "              \
    "pg_catalog.set_config('search_path', " path ", false), "                                   \
    "pg_catalog.set_config('statement_timeout', '2000', false), "                               \
    "pg_catalog.set_config('lock_timeout', '100', false), "                                     \
    "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false), "                   \
    "EXISTS (SELECT 1 FROM pg_catalog.pg_roles AS r WHERE (r.rolsuper OR r.rolname "            \
    "OPERATOR(pg_catalog.=) ANY ('{pg_execute_server_program,pg_write_server_files,"            \
    "pg_read_server_files}'::pg_catalog.name[])) AND "                                          \
    "pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER')) OR "                                \
    "EXISTS (SELECT 1 FROM pg_catalog.pg_proc AS p WHERE p.proname OPERATOR(pg_catalog.=) ANY " \
    "('{pg_read_file,pg_read_binary_file,lo_import,lo_export}'::pg_catalog.name[]) AND "        \
    "p.pronamespace OPERATOR(pg_catalog.=) 'pg_catalog'::pg_catalog.regnamespace AND "          \
    "pg_catalog.has_function_privilege(session_user, p.oid, 'EXECUTE')) AS reaches"

/* Names in a statement mean what they mean to its role, whose path that is; ours all stand in pg_catalog. */
static const char limits_sql[] = LIMITS("'pg_catalog'");
static const char planning_sql[] = LIMITS(
    "(SELECT s.reset_val FROM pg_catalog.pg_settings AS s WHERE s.name "
    "OPERATOR(pg_catalog.=) 'search_path')");

static const char no_time[] = "there was no time left for it";

static void end(struct model *m, const char *why, struct effects *fx);

/* No answer is waited for beyond the time of all. False: it is over, nothing is asked. */
static bool ask(struct model *m, enum hypo_step step, const char *sql, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;
    int64_t left_ms = (h->until_us - m->now_us) / 1000;

    if (left_ms <= 0) {
        end(m, no_time, fx);
        return false;
    }
    h->step = step;
    fx_sql(fx, (struct req){OWNER_ADVICE, h->generation, ANSWERS | ++h->waiting}, CONN_PLAN, sql,
           left_ms < ASK_MS ? (int)left_ms : ASK_MS);
    return true;
}

static void ask_steps(struct model *m, enum hypo_step step, struct buf *sql, struct effects *fx)
{
    if (ask(m, step, buf_text(sql), fx))
        fx_several(fx);
    buf_clear(sql);
}

static void ask_limits(struct model *m, enum hypo_step then, struct effects *fx)
{
    bool plans = then == HYPO_BEFORE || then == HYPO_AFTER;

    m->hypo.then = then;
    ask(m, HYPO_LIMITS, plans ? planning_sql : limits_sql, fx);
}

/* ---- what is tried ---- */

/* The SELECT of the workload's script that a plan is of, with values as a run draws them. */
static bool script_text(const struct model *m, const struct plan_facts *p, struct buf *out)
{
    const struct sdl *plan = &m->session.plan;

    for (int i = 0; i < plan->nscripts; i++)
        if (strcmp(plan->scripts[i].name, p->script) == 0)
            return script_select(m->fl.script_text[i], p->at, 1, out);
    return false;
}

static void take_text(struct model *m, const struct advice *a, struct hypo_candidate *c)
{
    const struct statement_facts *x = a->of_statement ? &m->server.statements[a->of_statement - 1]
                                                      : NULL;
    struct buf raw = {0}, text = {0};
    char why[160];

    c->recorded = x != NULL;
    if (x && !x->own) {
        text_copy(c->why, sizeof c->why,
                  "its statement is another role's, and planning can run that role's code");
        return;
    }
    if (x)
        buf_puts(&raw, x->text);
    else if (!a->of_plan || !script_text(m, &m->session.plans[a->of_plan - 1], &raw))
        text_copy(c->why, sizeof c->why, "its statement is not at hand");
    if (raw.len > 0 && plan_possible(buf_text(&raw)) && !derive_may_lock(buf_text(&raw))) {
        c->parameters = x ? derive_readable(buf_text(&raw), &text, why) : 0;
        if (c->parameters >= 0)
            c->text = buf_take(x ? &text : &raw);
    }
    if (!c->text && !c->why[0])
        text_copy(c->why, sizeof c->why, "its statement cannot be planned as it stands");
    buf_clear(&raw);
    buf_clear(&text);
}

static void queue(struct model *m)
{
    struct hypo_test *h = &m->hypo;
    struct advice *all = xcalloc(ADVICE_MAX, sizeof *all);
    struct evidence e;

    model_evidence(m, &e);
    int n = advice_collect(&e, all, ADVICE_MAX);
    for (int i = 0; i < n && h->results.n + h->n < HYPO_MAX; i++) {
        const struct hypo_result *known = hypo_find(&h->results, all[i].statement);
        if (all[i].kind != ADVICE_INDEX_MISSING || (known && !(known->recorded && all[i].of_plan)))
            continue;
        struct hypo_candidate *c = &h->queue[h->n++];
        memset(c, 0, sizeof *c);
        text_copy_raw(c->statement, sizeof c->statement, all[i].statement);
        take_text(m, &all[i], c);
    }
    free(all);
}

bool hypo_busy(const struct model *m)
{
    return m->hypo.step != HYPO_REST;
}

void hypo_forget(struct model *m)
{
    m->hypo.results.n = 0;
}

/* ---- one after the other ---- */

static void keep(struct model *m)
{
    struct hypo_test *h = &m->hypo;
    int i = 0;

    while (i < h->results.n && strcmp(h->results.items[i].statement, h->now.statement) != 0)
        i++;
    if (i < HYPO_MAX)
        h->results.items[i] = h->now;
    if (i == h->results.n && i < HYPO_MAX)
        h->results.n++;
    h->at++;
}

static void begin_one(struct model *m)
{
    struct hypo_test *h = &m->hypo;

    memset(&h->now, 0, sizeof h->now);
    h->now.cost_before = h->now.cost_after = h->now.bytes = NAN;
    text_copy_raw(h->now.statement, sizeof h->now.statement, h->queue[h->at].statement);
    text_copy(h->now.why, sizeof h->now.why, h->queue[h->at].why);
    if (!h->now.why[0] && h->queue[h->at].recorded && h->reaches)
        text_copy(h->now.why, sizeof h->now.why,
                  "planned as a superuser, or with rights on the server's files, its statement "
                  "could run code of others");
    h->now.recorded = h->queue[h->at].recorded && h->now.why[0];
    h->index[0] = '\0';
}

static void rest(struct model *m, struct effects *fx)
{
    hypo_test_clear(&m->hypo);
    if (m->hypo.step != HYPO_REST)
        links_close(m, CONN_PLAN, fx);
    m->hypo.step = HYPO_REST;
    m->hypo.generation++;
    m->dirty = true;
}

/* The rest is not tested, and why. */
static void end(struct model *m, const char *why, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;
    int unused = 0;

    while (h->at < h->n) {
        begin_one(m);
        if (!h->now.why[0])
            text_copy(h->now.why, sizeof h->now.why, why);
        keep(m);
    }
    for (int i = 0; i < h->results.n; i++)
        unused += h->results.items[i].verdict == HYPO_UNUSED;
    if (unused > 0)
        model_say(m, CHAT_EVENT,
                  "HypoPG: %d index%s that seemed to be missing would not be used by the planner: "
                  "not advised",
                  unused, unused == 1 ? "" : "es");
    rest(m, fx);
}

static void send_plan(struct model *m, bool after, bool prepared, struct effects *fx)
{
    const struct hypo_candidate *c = &m->hypo.queue[m->hypo.at];
    struct buf prepare = {0}, explain = {0};

    view_plan_sql(c->text, c->parameters, m->links[CONN_PLAN].server_version, &prepare, &explain);
    if (prepare.len > 0 && !prepared)
        ask(m, after ? HYPO_PREPARE_2 : HYPO_PREPARE, buf_text(&prepare), fx);
    else
        ask(m, after ? HYPO_AFTER : HYPO_BEFORE, buf_text(&explain), fx);
    buf_clear(&prepare);
    buf_clear(&explain);
}

static void next(struct model *m, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;

    for (; h->at < h->n; keep(m)) {
        begin_one(m);
        if (!h->now.why[0])
            break;
    }
    if (h->at == h->n)
        end(m, no_time, fx);
    else
        send_plan(m, false, false, fx);
}

/* Also after a failure, so that the next one is planned without this one's index. What is known of it is kept, whatever becomes of
 * that. */
static void reset(struct model *m, struct effects *fx)
{
    keep(m);
    ask_limits(m, HYPO_RESET, fx);
}

static void send_reset(struct model *m, struct effects *fx)
{
    struct buf sql = {0};

    hypo_reset_sql(m->server.hypopg_schema, &sql);
    ask_steps(m, HYPO_RESET, &sql, fx);
}

static void create(struct model *m, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;
    struct buf sql = {0};

    if (hypo_create_sql(m->server.hypopg_schema, h->queue[h->at].statement, &sql)) {
        ask_steps(m, HYPO_CREATE, &sql, fx);
    } else {
        text_copy(h->now.why, sizeof h->now.why, "it is no plain index");
        reset(m, fx);
    }
}

static void judge(struct model *m, const struct rows *r)
{
    struct hypo_result *now = &m->hypo.now;
    bool used;

    now->cost_after = hypo_plan(r, m->hypo.index, &used);
    if (isnan(now->cost_before) || isnan(now->cost_after))
        text_copy(now->why, sizeof now->why, "EXPLAIN gave no plan");
    else
        now->verdict = used ? HYPO_USED : HYPO_UNUSED;
}

static void failed(struct model *m, const struct event *ev, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;

    /* in a session without its limits, or with an index that stays, nothing more can be known */
    if (ev->err.code == ERR_LOST || h->step == HYPO_RESET || h->step == HYPO_LIMITS) {
        end(m, ev->err.msg, fx);
        return;
    }
    text_copy(h->now.why, sizeof h->now.why, ev->err.msg);
    reset(m, fx);
}

/* The session is as it was made: what it was made so for. */
static void limited(struct model *m, struct effects *fx)
{
    if (m->hypo.then == HYPO_CREATE)
        create(m, fx);
    else if (m->hypo.then == HYPO_RESET)
        send_reset(m, fx);
    else if (m->hypo.then == HYPO_AFTER)
        send_plan(m, true, false, fx);
    else
        next(m, fx);
}

static void answered(struct model *m, const struct event *ev, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;
    bool used;

    switch (h->step) {
    case HYPO_LIMITS:
        h->reaches = !ev->rows || rows_bool(ev->rows, 0, "reaches", true);
        limited(m, fx);
        break;
    case HYPO_PREPARE:
        send_plan(m, false, true, fx);
        break;
    case HYPO_BEFORE:
        h->now.cost_before = hypo_plan(ev->rows, "", &used);
        ask_limits(m, HYPO_CREATE, fx);
        break;
    case HYPO_CREATE:
        if (hypo_created(ev->rows, h->index, sizeof h->index, &h->now.bytes)) {
            ask_limits(m, HYPO_AFTER, fx);
        } else {
            text_copy(h->now.why, sizeof h->now.why, "HypoPG gave no index");
            reset(m, fx);
        }
        break;
    case HYPO_PREPARE_2:
        send_plan(m, true, true, fx);
        break;
    case HYPO_AFTER:
        judge(m, ev->rows);
        reset(m, fx);
        break;
    case HYPO_RESET:
        if (h->at < h->n)
            ask_limits(m, HYPO_BEFORE, fx);
        else
            next(m, fx);
        break;
    case HYPO_REST:
    case HYPO_LINK:
        break;
    }
}

/* ---- events ---- */

bool hypo_begin(struct model *m, struct effects *fx)
{
    struct hypo_test *h = &m->hypo;
    bool planned = m->live_text.step >= TEXT_LINK; /* the link is a view's now */

    if (hypo_busy(m) || planned || !m->server.hypopg_schema[0] || m->links[CONN_CONTROL].pooled)
        return false;
    hypo_test_clear(&m->hypo);
    queue(m);
    if (h->n == 0)
        return false;
    h->generation++;
    h->step = HYPO_LINK;
    h->until_us = m->now_us + ALL_S * INT64_C(1000000);
    links_open(m, CONN_PLAN, m->links[CONN_CONTROL].dbname, fx);
    return true;
}

bool hypo_link(struct model *m, const struct event *ev, struct effects *fx)
{
    if (!hypo_busy(m) || ev->u.pg.conn != CONN_PLAN)
        return false;
    if (ev->kind == EV_PG_DOWN)
        end(m, ev->err.msg, fx);
    else if (m->links[CONN_PLAN].pooled)
        end(m, "a pooler stands before the server", fx);
    else
        ask_limits(m, HYPO_BEFORE, fx);
    return true;
}

void hypo_event(struct model *m, const struct event *ev, struct effects *fx)
{
    const struct hypo_test *h = &m->hypo;

    if (!hypo_busy(m) || ev->req.generation != h->generation ||
        ev->req.id != (ANSWERS | h->waiting))
        return;
    if (ev->err.code != ERR_NONE)
        failed(m, ev, fx);
    else
        answered(m, ev, fx);
}

void hypo_stop(struct model *m, struct effects *fx)
{
    if (!hypo_busy(m))
        return;
    if (m->hypo.step != HYPO_LINK)
        effects_add(fx, FX_PG_CANCEL, (struct req){0})->u.pg.conn = CONN_PLAN;
    rest(m, fx);
}
