/* flow_statements.c - a workload made of the statements that the server spends its time on. Between the choice of the
 * strategy and the plan, or when the DBA picks it in the plan: pg_stat_statements is read, and for each of its first
 * statements the server is asked for the types of the parameters, the columns they are compared with, and values of those;
 * then the statement is run with such values, which shows that it can be and how far it is from what it took before. All
 * of it in a session of its own that can only read, within time limits. The plan is shown with the scripts afterwards. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"
#include "pgd/runner/derivation.h"
#include "pgd/runner/script.h"

enum gather_step {
    GATHER_CONNECT, /* CONN_QUESTIONS into the database; its roles' habits decide what names mean */
    GATHER_SET,     /* read-only, short waits, values as text in one form */
    GATHER_SCHEMA,  /* where is the extension? */
    GATHER_TOP,     /* the statements by their time. None → fails */
    /* for each statement */
    GATHER_FUNCTIONS, /* does it call what may write? */
    GATHER_TABLES,    /* tables, columns, their statistics */
    GATHER_PREPARE,   /* PREPARE: can it be read here? */
    GATHER_PREPARE_TYPED, /* … with the types of columns, where the server did not find those of the parameters */
    GATHER_TYPES,  /* types of its parameters */
    GATHER_FORGET, /* DEALLOCATE */
    GATHER_VALUES, /* value_at: one question after the other */
    GATHER_TRIAL   /* with values, at one level after the other */
};

enum {
    ASK_MS = 10000,
    STATEMENT_MS = 5000, /* one question for values */
    TRIALS_S = 40, /* for trials of all statements: later ones are run once, at a middle level */
    TRIAL_LEAST_MS = 300,
    TRIAL_MOST_MS = 10000,
    MIDDLE_LEVEL = 2
};

static void next_statement(struct model *m, struct effects *fx);
static void try_level(struct model *m, struct effects *fx);

static struct derivation *work(struct model *m)
{
    return m->fl.derivation;
}

static void ask(struct model *m, enum gather_step step, const char *sql, int ms, struct effects *fx)
{
    work(m)->step = (int)step;
    fx_sql(fx, flow_req(m), CONN_QUESTIONS, sql, ms);
}

static void over(struct model *m, struct effects *fx)
{
    links_close(m, CONN_QUESTIONS, fx);
    m->fl.waiting++; /* a late answer is nobody's */
    derivation_clear(m->fl.derivation);
    free(m->fl.derivation);
    m->fl.derivation = NULL;
    m->dirty = true;
}

static void show_plan(struct model *m)
{
    m->fl.decision = DECIDE_PLAN;
    if (m->screen.dialog.kind != DIALOG_PLAN)
        (void)dialogs_come(m, DIALOG_PLAN);
    m->dirty = true;
}

void flow_statements_drop(struct model *m, struct effects *fx)
{
    m->session.plan = work(m)->before;
    over(m, fx);
    show_plan(m);
}

/* Nothing comes of it: asked for by a flag that ends the session, picked on the screen the plan stays as it was. */
static void fail(struct model *m, const struct err *e, struct effects *fx)
{
    if (strcmp(m->opt.workload, "statements") == 0) {
        over(m, fx);
        flow_fail(m, e, "a workload from statements", fx);
        return;
    }
    flow_statements_drop(m, fx);
    model_say(m, CHAT_WARN, "no workload from statements: %s%s%s", e->msg, e->detail[0] ? ": " : "",
              e->detail);
    text_copy(m->screen.dialog.error, sizeof m->screen.dialog.error, e->msg);
}

void flow_statements_begin(struct model *m, struct effects *fx)
{
    struct derivation *d = xcalloc(1, sizeof *d);
    struct err e = {0};

    d->before = m->session.plan;
    m->fl.derivation = d;
    m->fl.decision = DECIDE_NOTHING;
    m->dirty = true;
    if (m->links[CONN_CONTROL].pooled) {
        err_set(&e, ERR_REFUSED, "a pooler stands before the server");
        err_detail(&e, "Statements are prepared and forgotten again, in a session that is ours.");
        err_hint(&e, "Connect to the server itself.");
        fail(m, &e, fx);
        return;
    }
    model_say(m, CHAT_EVENT, "reading which statements the server spends its time on");
    d->step = GATHER_CONNECT;
    m->fl.waiting++; /* the answer is the link's event */
    links_open(m, CONN_QUESTIONS, m->links[CONN_CONTROL].dbname, fx);
}

/* ---- what is taken ---- */

static void emit(struct model *m, struct effects *fx)
{
    const struct derivation *d = work(m);
    struct line *l = line_new("statements");
    struct buf left = {0};
    bool first = true;

    buf_putc(&left, '[');
    for (int i = 0; i < d->traffic.n; i++) {
        struct buf why = {0};
        if (!d->rows[i].why[0])
            continue;
        for (const char *p = d->rows[i].why; *p;
             p++) /* it is clean: quotes are all that may be in the way */
            buf_printf(&why, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        buf_printf(&left, "%s{\"queryid\":\"%s\",\"share\":%.4f,\"why\":\"%s\"}", first ? "" : ",",
                   d->traffic.rows[i].id, d->traffic.rows[i].share, buf_text(&why));
        first = false;
        buf_clear(&why);
    }
    buf_putc(&left, ']');
    line_text(l, "database", m->session.plan.database);
    line_int(l, "statements", d->traffic.statements);
    line_int(l, "taken", derivation_taken(d));
    line_num(l, "share", derivation_share(d));
    line_num(l, "write_share", d->traffic.write_share);
    line_raw(l, "left_out", buf_text(&left));
    flow_emit(m, l, fx);
    buf_clear(&left);
}

static void say(struct model *m)
{
    const struct derivation *d = work(m);

    derivation_note(d, m->fl.now.statements_note, sizeof m->fl.now.statements_note);
    model_say(m, CHAT_AI, "%s", m->fl.now.statements_note);
    for (int i = 0; i < d->traffic.n; i++)
        if (d->rows[i].why[0] && d->traffic.rows[i].kind == TRAFFIC_READ &&
            d->traffic.rows[i].share >= 0.001)
            model_say(m, CHAT_WARN, "left out, %.1f %% of the time (query %s): %s",
                      100 * d->traffic.rows[i].share, d->traffic.rows[i].id, d->rows[i].why);
}

static void done(struct model *m, struct effects *fx)
{
    struct sdl *p = &m->session.plan;
    struct err e = {0};

    if (derivation_taken(work(m)) == 0) {
        say(m);
        m->fl.now.statements_note[0] = '\0';
        err_set(&e, ERR_REFUSED, "no statement can be made a script of");
        err_detail(&e, "Of %d that pg_stat_statements has, none could be read, typed and run here.",
                   work(m)->traffic.statements);
        err_hint(&e, "Give scripts of your own with --script.");
        fail(m, &e, fx);
        return;
    }
    p->builtin_db = false;
    text_copy(p->workload, sizeof p->workload, "statements");
    text_copy_raw(p->database, sizeof p->database, m->links[CONN_CONTROL].dbname);
    derivation_plan(work(m), p, m->fl.script_text);
    if (!m->fl.edits.choosing) /* asked for by a flag: no edit of the DBA's */
        plan_hand_copy(1U << PLAN_WORKLOAD, p, &m->fl.edits.offered);
    say(m);
    emit(m, fx);
    over(m, fx);
    show_plan(m);
}

/* ---- one statement ---- */

/* Functions that are volatile and not known to be harmless may write, or act on the server. And whatever a function of
 * somebody else says of itself, it would run with our rights: only those of a superuser, or our own, are called. */
static void ask_functions(struct model *m, struct effects *fx)
{
    const struct derived *d = &work(m)->now;
    struct buf q = {0};

    buf_puts(&q, "SELECT /* pg_diagnose */ min(p.proname::text) AS name FROM pg_catalog.pg_proc p "
                 "WHERE (p.proowner NOT IN (SELECT r.oid FROM pg_catalog.pg_roles r WHERE "
                 "r.rolsuper OR r.rolname = CURRENT_USER) OR p.provolatile = 'v' AND p.proname NOT "
                 "IN ('random', 'random_normal', 'clock_timestamp', 'timeofday', "
                 "'gen_random_uuid', 'uuidv4', 'uuidv7', 'uuid_generate_v4')) AND p.proname IN "
                 "(''");
    for (int i = 0; i < d->nfunctions; i++) {
        buf_puts(&q, ", ");
        quote_literal(&q, d->functions[i]);
    }
    buf_putc(&q, ')');
    ask(m, GATHER_FUNCTIONS, buf_text(&q), STATEMENT_MS, fx);
    buf_clear(&q);
}

static void leave_out(struct model *m, const char *why, struct effects *fx)
{
    derivation_leave_out(work(m), why);
    work(m)->at++;
    next_statement(m, fx);
}

static void next_statement(struct model *m, struct effects *fx)
{
    struct derivation *d = work(m);

    while (d->at < d->traffic.n && derivation_taken(d) < DERIVATION_TAKES && !derivation_read(d))
        d->at++;
    m->dirty = true;
    if (d->at >= d->traffic.n || derivation_taken(d) >= DERIVATION_TAKES) {
        done(m, fx);
        return;
    }
    ask_functions(m, fx);
}

static void prepare(struct model *m, enum gather_step step, struct effects *fx)
{
    struct buf q = {0};

    buf_puts(&q, "PREPARE pg_diagnose_statement AS ");
    derive_prepare(&work(m)->now, step == GATHER_PREPARE_TYPED, &q);
    ask(m, step, buf_text(&q), STATEMENT_MS, fx);
    buf_clear(&q);
}

static void ask_types(struct model *m, struct effects *fx)
{
    ask(m, GATHER_TYPES,
        "SELECT t.type::text AS type FROM pg_catalog.pg_prepared_statements p, LATERAL "
        "pg_catalog.unnest(p.parameter_types) WITH ORDINALITY AS t (type, n) WHERE p.name = "
        "'pg_diagnose_statement' ORDER BY t.n",
        STATEMENT_MS, fx);
}

static void next_values(struct model *m, struct effects *fx)
{
    struct derivation *d = work(m);
    struct buf q = {0};

    if (derive_ask_values(&d->now, &d->value_at, &q)) {
        ask(m, GATHER_VALUES, buf_text(&q), STATEMENT_MS, fx);
        fx_several(fx);
    } else {
        d->level = MIDDLE_LEVEL;
        try_level(m, fx);
    }
    buf_clear(&q);
}

static void tables_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct derived *d = &work(m)->now;
    int known = 0, catalog = 0;

    const char *strange = ev->err.code == ERR_NONE ? derive_strange(ev->rows) : NULL;

    if (strange) {
        leave_out(m, strange, fx);
        return;
    }
    derive_tables(d, ev->err.code == ERR_NONE ? ev->rows : NULL);
    for (int i = 0; i < d->ntables; i++) {
        known += d->tables[i].known;
        catalog += d->tables[i].catalog;
    }
    if (known > 0 && catalog == known)
        leave_out(m, "reads the system's own tables only", fx);
    else
        prepare(m, GATHER_PREPARE, fx);
}

/* ---- trials ---- */

/* The middle level comes first, and twice where there are others: what it reads is in memory then, as it is for the rest. */
static void try_level(struct model *m, struct effects *fx)
{
    struct derivation *d = work(m);
    struct buf script = {0}, q = {0};
    double most = 5 * d->now.mean_ms;

    buf_puts(&q, "EXPLAIN (ANALYZE, TIMING OFF) ");
    if (!derivation_script(d, d->level, &script) || !script_select(buf_text(&script), 0, 1, &q)) {
        leave_out(m, "is too long for a script", fx);
    } else {
        most = fmin(fmax(most, TRIAL_LEAST_MS), TRIAL_MOST_MS);
        ask(m, GATHER_TRIAL, buf_text(&q), (int)most, fx);
    }
    buf_clear(&script);
    buf_clear(&q);
}

static void take(struct model *m, struct effects *fx)
{
    struct derivation *d = work(m);

    if (d->best_level >= 0) {
        derivation_take(d);
        d->at++;
        next_statement(m, fx);
        return;
    }
    char why[200];
    if (d->last.code == ERR_TIMEOUT || strcmp(d->last.sqlstate, "57014") == 0)
        snprintf(why, sizeof why, "takes far longer here than it did");
    else /* the message may hold values */
        snprintf(why, sizeof why, "cannot be run with values of its tables (SQLSTATE %s)",
                 d->last.sqlstate[0] ? d->last.sqlstate : "none");
    leave_out(m, why, fx);
}

static void trial_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct derivation *d = work(m);
    double ms = NAN, rows = NAN;

    if (ev->err.code == ERR_NONE) {
        derivation_measured(ev->rows, &ms, &rows);
        double score = derivation_score(d, ms, rows);
        /* of those that are alike the first counts, which is the middle one */
        if (d->best_level < 0 || score < d->best_score - 0.05 || d->tries == 1) {
            d->best_level = d->level;
            d->best_score = score;
            d->best_ms = ms;
        }
    } else {
        d->last = ev->err;
    }
    bool others = derive_has_levels(&d->now) && (m->now_us < d->until_us || d->best_level < 0);
    if (d->tries == 0 && others && ev->err.code == ERR_NONE) {
        d->tries++;
        try_level(m, fx);
        return;
    }
    /* 2, then 0, 1, 3, 4, 5 */
    int next = d->tries < 2 ? 0 : d->level + 1 == MIDDLE_LEVEL ? MIDDLE_LEVEL + 1 : d->level + 1;
    d->tries = 2;
    /* a higher level reads more, so what is too slow already stays it */
    bool too_slow = d->level > MIDDLE_LEVEL &&
                    (ev->err.code != ERR_NONE || ms > 5 * d->now.mean_ms + 1);
    if (!others || next >= DERIVE_LEVELS || too_slow) {
        take(m, fx);
        return;
    }
    d->level = next;
    try_level(m, fx);
}

/* ---- dispatch ---- */

static void top_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct derivation *d = work(m);
    struct err e = {0};

    if (!traffic_read(ev->rows, &d->traffic)) {
        err_set(&e, ERR_REFUSED, "pg_stat_statements has no statement of database %s",
                m->links[CONN_CONTROL].dbname);
        err_hint(&e, "Let the application work for a while first, or give scripts with --script.");
        fail(m, &e, fx);
        return;
    }
    d->until_us = m->now_us + (int64_t)TRIALS_S * 1000000;
    next_statement(m, fx);
}

static void schema_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    const char *schema = ev->rows ? rows_text(ev->rows, 0, "schema") : NULL;
    struct buf q = {0}, steps = {0};
    struct err e = {0};

    if (!schema) {
        err_set(&e, ERR_REFUSED, "database %s has no pg_stat_statements",
                m->links[CONN_CONTROL].dbname);
        err_hint(&e, "Add it to shared_preload_libraries, restart, CREATE EXTENSION "
                     "pg_stat_statements, and let the application work for a while.");
        fail(m, &e, fx);
        return;
    }
    traffic_sql(m->server.id.version_num, schema, &q);
    extension_call_sql(schema, false, buf_text(&q), &steps);
    ask(m, GATHER_TOP, buf_text(&steps), ASK_MS, fx);
    fx_several(fx);
    buf_clear(&steps);
    buf_clear(&q);
}

static void ask_schema(struct model *m, struct effects *fx)
{
    struct buf q = {0};

    extension_schema_sql("pg_stat_statements", false, &q);
    ask(m, GATHER_SCHEMA, buf_text(&q), ASK_MS, fx);
    buf_clear(&q);
}

static void link_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->u.pg.conn != CONN_QUESTIONS)
        return;
    if (ev->kind == EV_PG_DOWN) {
        struct err e = ev->err;
        fail(m, &e, fx);
    } else if (work(m)->step == GATHER_CONNECT) {
        ask(m, GATHER_SET,
            "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false), "
            "pg_catalog.set_config('lock_timeout', '500ms', false), "
            "pg_catalog.set_config('DateStyle', 'ISO', false), "
            "pg_catalog.set_config('IntervalStyle', 'postgres', false), "
            "pg_catalog.set_config('bytea_output', 'hex', false), "
            "pg_catalog.set_config('standard_conforming_strings', 'on', false), "
            "pg_catalog.set_config('extra_float_digits', '1', false)",
            ASK_MS, fx);
    }
}

/* Answers for the statement at hand. */
static void statement_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct derivation *d = work(m);
    bool ok = ev->err.code == ERR_NONE;
    struct buf q = {0};
    const char *name;

    switch ((enum gather_step)d->step) {
    case GATHER_PREPARE:
    case GATHER_PREPARE_TYPED:
        if (ok) {
            ask_types(m, fx);
        } else if (d->step == GATHER_PREPARE) {
            d->last = ev->err;
            prepare(m, GATHER_PREPARE_TYPED, fx);
        } else {
            leave_out(m, d->last.msg, fx);
        }
        break;
    case GATHER_TYPES:
        d->tries = ok && derive_types(&d->now, ev->rows);
        ask(m, GATHER_FORGET, "DEALLOCATE pg_diagnose_statement", STATEMENT_MS, fx);
        break;
    case GATHER_FORGET:
        if (!ok || !d->tries) {
            leave_out(m, "has parameters of types that are not known", fx);
        } else {
            d->tries = 0;
            next_values(m, fx);
        }
        break;
    case GATHER_FUNCTIONS:
        name = ok && ev->rows ? rows_text(ev->rows, 0, "name") : NULL;
        if (!ok || name) {
            char why[120];
            snprintf(why, sizeof why, "calls %s(), which may write or is somebody else's",
                     name ? name : "functions");
            leave_out(m, why, fx);
        } else if (d->now.nfunctions == DERIVE_FUNCTIONS_MAX ||
                   d->now.ntables == DERIVE_TABLES_MAX) {
            leave_out(m, "names more tables or functions than are looked at", fx);
        } else if (derive_ask_tables(&d->now, &q)) {
            ask(m, GATHER_TABLES, buf_text(&q), STATEMENT_MS, fx);
        } else {
            prepare(m, GATHER_PREPARE, fx);
        }
        break;
    case GATHER_TABLES:
        tables_answer(m, ev, fx);
        break;
    case GATHER_VALUES:
        derive_values(&d->now, d->value_at++, ok ? ev->rows : NULL);
        next_values(m, fx);
        break;
    case GATHER_TRIAL:
        trial_answer(m, ev, fx);
        break;
    case GATHER_CONNECT:
    case GATHER_SET:
    case GATHER_SCHEMA:
    case GATHER_TOP:
        break;
    }
    buf_clear(&q);
}

void flow_statements_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (!work(m))
        return;
    if (ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN) {
        link_answer(m, ev, fx);
        return;
    }
    if (!flow_waits(m, ev) || ev->kind != EV_PG_RESULT)
        return;
    enum gather_step step = (enum gather_step)work(m)->step;
    if (ev->err.code == ERR_LOST || (ev->err.code != ERR_NONE && step <= GATHER_TOP)) {
        struct err e = ev->err;
        fail(m, &e, fx);
        return;
    }
    if (step == GATHER_SET)
        ask_schema(m, fx);
    else if (step == GATHER_SCHEMA)
        schema_answer(m, ev, fx);
    else if (step == GATHER_TOP)
        top_answer(m, ev, fx);
    else
        statement_answer(m, ev, fx);
}
