/* view_plan.c - see view_plan.h (states: enum live_text_step). Planning runs functions that are declared immutable or stable: of a
 * statement of another role those could be made to act with our rights, so where there are such functions it is asked first. */
#include "pgd/app/view_plan.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/links.h"
#include "pgd/app/view_text.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/discovery/plan.h"
#include "pgd/runner/derive.h"

enum { PLAN_MS = 2500, GENERIC_FROM = 160000 };

#define PREPARED "pg_diagnose_plan"

void view_plan_sql(const char *statement, int parameters, int version, struct buf *prepare,
                   struct buf *explain)
{
    if (parameters == 0) {
        buf_printf(explain, "EXPLAIN (COSTS) %s", statement);
    } else if (version >= GENERIC_FROM) {
        buf_printf(explain, "EXPLAIN (COSTS, GENERIC_PLAN) %s", statement);
    } else {
        buf_printf(prepare, "PREPARE " PREPARED " AS %s", statement);
        buf_puts(explain, "EXPLAIN (COSTS) EXECUTE " PREPARED "(");
        for (int i = 0; i < parameters; i++)
            buf_puts(explain, i ? ", NULL" : "NULL");
        buf_putc(explain, ')');
    }
}

static void finish(struct model *m, struct effects *fx)
{
    m->live_text.step = TEXT_REST;
    links_close(m, CONN_PLAN, fx);
    m->dirty = true;
}

/* Why there is no plan, as a page. */
static void refuse(struct model *m, const struct err *e, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    struct buf *out = &m->page.text;

    finish(m, fx);
    buf_clear(out);
    snprintf(m->page.title, sizeof m->page.title, "No plan");
    buf_printf(out, "%s\n", e->msg);
    if (e->detail[0])
        buf_printf(out, "%s\n", e->detail);
    if (e->hint[0])
        buf_printf(out, "%s\n", e->hint);
    buf_printf(out, "\n# Statement of %s in %s\n%s\n", t->role[0] ? t->role : "our role",
               t->database[0] ? t->database : "this database", buf_text(&t->text));
    dialogs_open(m, DIALOG_PAGE);
}

static void refuse_words(struct model *m, const char *msg, const char *hint, struct effects *fx)
{
    struct err e = {0};

    err_set(&e, ERR_REFUSED, "%s", msg);
    if (*hint)
        err_hint(&e, "%s", hint);
    refuse(m, &e, fx);
}

static int version(const struct model *m)
{
    return m->links[CONN_PLAN].server_version;
}

/* ---- the steps ---- */

void view_plan_begin(struct model *m, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    struct buf readable = {0};
    char why[160];

    t->as_role[0] = t->path[0] = '\0';
    t->parameters = 0;
    if (t->cut) {
        refuse_words(m, "the server has kept the beginning of this statement alone",
                     "track_activity_query_size is how many bytes of one it keeps; a change of it "
                     "takes a restart.",
                     fx);
    } else if (!plan_possible(buf_text(&t->text))) {
        refuse_words(m, "a statement of this kind has no plan",
                     "SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES, TABLE and WITH have one.", fx);
    } else {
        t->parameters = derive_readable(buf_text(&t->text), &readable, why);
        if (t->parameters > 0) {
            buf_clear(&t->text);
            buf_puts(&t->text, buf_text(&readable));
        }
        if (t->parameters < 0 && strchr(buf_text(&t->text), '$')) {
            refuse_words(m, "its parameters cannot be told from the rest of its text", why, fx);
        } else {
            t->parameters = t->parameters < 0 ? 0 : t->parameters;
            t->step = TEXT_LINK;
            links_open(m, CONN_PLAN, t->database[0] ? t->database : m->links[CONN_CONTROL].dbname,
                       fx);
        }
    }
    buf_clear(&readable);
}

static void send_limits(struct model *m, struct effects *fx)
{
    view_text_ask(m, TEXT_LIMITS, CONN_PLAN,
                  "SELECT pg_catalog.set_config('default_transaction_read_only', 'on', false), "
                  "pg_catalog.set_config('statement_timeout', '2000', false), "
                  "pg_catalog.set_config('lock_timeout', '500', false), "
                  "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false)",
                  PLAN_MS, fx);
}

static void send_whose(struct model *m, struct effects *fx)
{
    struct buf sql = {0};

    buf_puts(&sql,
             "SELECT r.rolname = current_user AS own, pg_has_role(current_user, r.oid, 'MEMBER') "
             "AS member, (SELECT count(*) FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_roles AS "
             "o ON o.oid = p.proowner WHERE NOT o.rolsuper AND o.rolname <> current_user AND "
             "p.provolatile <> 'v' AND p.pronamespace <> 'pg_catalog'::regnamespace) AS strangers, "
             "(SELECT substr(c, 13) FROM pg_catalog.pg_db_role_setting AS s, unnest(s.setconfig) "
             "AS c WHERE c LIKE 'search\\_path=%' AND s.setrole IN (0, r.oid) AND s.setdatabase IN "
             "(0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) "
             "ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC, "
             "s.setdatabase <> 0 DESC LIMIT 1) AS path "
             "FROM pg_catalog.pg_roles AS r WHERE r.rolname = ");
    if (m->live_text.role[0])
        quote_literal(&sql, m->live_text.role);
    else
        buf_puts(&sql, "current_user");
    view_text_ask(m, TEXT_WHOSE, CONN_PLAN, buf_text(&sql), PLAN_MS, fx);
    buf_clear(&sql);
}

/* Names in the statement mean what they mean to its role. */
static void send_role(struct model *m, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    struct buf sql = {0};

    buf_puts(&sql, "SELECT pg_catalog.set_config('search_path', ");
    quote_literal(&sql, t->path[0] ? t->path : "\"$user\", public");
    buf_puts(&sql, ", false)");
    if (t->as_role[0]) {
        buf_puts(&sql, ", pg_catalog.set_config('role', ");
        quote_literal(&sql, t->as_role);
        buf_puts(&sql, ", false)");
    }
    view_text_ask(m, TEXT_ROLE, CONN_PLAN, buf_text(&sql), PLAN_MS, fx);
    buf_clear(&sql);
}

static void take_whose(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    bool own = rows_bool(ev->rows, 0, "own", false);
    int64_t strangers = rows_int64(ev->rows, 0, "strangers", 0);
    const char *path = rows_text(ev->rows, 0, "path");

    if (!own && strangers > 0 && strcmp(t->told, t->key) != 0) {
        text_copy_raw(t->told, sizeof t->told, t->key);
        finish(m, fx);
        view_say(m,
                 "planning may run functions of others (%lld here) with your rights: x again plans "
                 "it all the same",
                 (long long)strangers);
        return;
    }
    if (!own && rows_bool(ev->rows, 0, "member", false))
        text_copy_raw(t->as_role, sizeof t->as_role, t->role);
    text_copy_raw(t->path, sizeof t->path, path ? path : "");
    send_role(m, fx);
}

static void send_plan(struct model *m, bool prepared, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    struct buf prepare = {0}, explain = {0};

    view_plan_sql(buf_text(&t->text), t->parameters, version(m), &prepare, &explain);
    if (prepare.len > 0 && !prepared)
        view_text_ask(m, TEXT_PREPARE, CONN_PLAN, buf_text(&prepare), PLAN_MS, fx);
    else
        view_text_ask(m, TEXT_PLAN, CONN_PLAN, buf_text(&explain), PLAN_MS, fx);
    buf_clear(&prepare);
    buf_clear(&explain);
}

static void show(struct model *m, const struct rows *r, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    struct buf *out = &m->page.text;

    finish(m, fx);
    buf_clear(out);
    snprintf(m->page.title, sizeof m->page.title, "Plan of a statement of %.60s in %.60s",
             t->role[0] ? t->role : "our role", t->database[0] ? t->database : "this database");
    buf_printf(out, "Planned by EXPLAIN as %s, in a read-only session; not executed.\n",
               t->as_role[0] ? t->as_role : "our role");
    if (t->parameters > 0)
        buf_printf(out, "It is the plan for any values of its %d parameter%s.\n", t->parameters,
                   t->parameters > 1 ? "s" : "");
    if (t->older)
        buf_puts(out, "Its session does something else by now: the text is the screen's.\n");
    buf_puts(out, "\n# Plan\n");
    for (int i = 0; r && i < r->nrows; i++)
        buf_printf(out, "%s\n", r->cells[i * r->ncols] ? r->cells[i * r->ncols] : "");
    buf_printf(out, "\n# Statement\n%s\n", buf_text(&t->text));
    dialogs_open(m, DIALOG_PAGE);
}

/* What the server refused, and what could be done about it. */
static void failed(struct model *m, const struct event *ev, struct effects *fx)
{
    const struct live_text *t = &m->live_text;
    struct err e = ev->err;

    if (strcmp(e.sqlstate, "42501") == 0 && !t->as_role[0] && !e.hint[0])
        err_hint(&e, "Planning needs the rights of its role: GRANT \"%.63s\" TO yours.", t->role);
    else if (t->parameters > 0 && version(m) < GENERIC_FROM && !e.hint[0])
        err_hint(&e,
                 "Before PostgreSQL 16 the types of its parameters have to follow from its text.");
    refuse(m, &e, fx);
}

void view_plan_event(struct model *m, const struct event *ev, struct effects *fx)
{
    enum live_text_step step = m->live_text.step;

    if (step < TEXT_LINK)
        return;
    if (ev->kind == EV_PG_DOWN || ev->err.code != ERR_NONE) {
        failed(m, ev, fx);
        return;
    }
    switch (step) {
    case TEXT_LINK:
        if (m->links[CONN_PLAN].pooled)
            refuse_words(m, "a pooler stands before the server",
                         "No session can be made read-only through it.", fx);
        else
            send_limits(m, fx);
        break;
    case TEXT_LIMITS:
        send_whose(m, fx);
        break;
    case TEXT_WHOSE:
        take_whose(m, ev, fx);
        break;
    case TEXT_ROLE:
        send_plan(m, false, fx);
        break;
    case TEXT_PREPARE:
        send_plan(m, true, fx);
        break;
    case TEXT_PLAN:
        show(m, ev->rows, fx);
        break;
    case TEXT_REST:
    case TEXT_EXACT:
        break;
    }
}
