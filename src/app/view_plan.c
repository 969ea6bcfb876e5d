/* view_plan.c - see view_plan.h (states: enum live_text_step).
 *
 * Planning runs code: functions that are declared immutable or stable, and of any volatility those behind an operator whose estimator
 * calls it on the column's commonest values. To work as the statement's role confines none of it, since such a function can go back to
 * the session's user by itself; nor does a read-only session keep a superuser's from acting on the machine. What is in the database can
 * change between a look and the plan. So the plan of a statement of any role but the session's user is asked for twice, whatever is
 * found there; a role that is not known is another. Planning also takes the locks of the statement: above ACCESS SHARE that is asked,
 * too. */
#include "pgd/app/view_plan.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/hypo.h"
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
    if (!hypo_busy(m))
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
    buf_printf(out, "\n# Statement of %s in %s\n%s\n", t->role[0] ? t->role : "an unknown role",
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
    if (hypo_busy(m)) {
        refuse_words(m, "indexes are being tried with HypoPG over the link for plans",
                     "It takes a moment: x again.", fx);
    } else if (t->cut) {
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
                  "pg_catalog.set_config('lock_timeout', '100', false), "
                  "pg_catalog.set_config('search_path', 'pg_catalog', false), "
                  "pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false)",
                  PLAN_MS, fx);
}

/* One row, whether there is a role of that name or not. */
static void send_whose(struct model *m, struct effects *fx)
{
    struct buf sql = {0};

    buf_puts(&sql,
             "SELECT COALESCE(r.rolname = session_user, false) AS own, me.rolsuper AS super, "
             "COALESCE(pg_catalog.pg_has_role(session_user, r.oid, 'MEMBER'), false) AS member, "
             "(SELECT count(*) FROM pg_catalog.pg_proc AS p JOIN pg_catalog.pg_roles AS o "
             "ON o.oid = p.proowner WHERE NOT o.rolsuper AND o.oid <> me.oid) AS functions, "
             "(SELECT count(*) FROM pg_catalog.pg_operator AS p JOIN pg_catalog.pg_roles AS o "
             "ON o.oid = p.oprowner WHERE NOT o.rolsuper AND o.oid <> me.oid) AS operators, "
             "(SELECT substr(c, 13) FROM pg_catalog.pg_db_role_setting AS s, unnest(s.setconfig) "
             "AS c WHERE c LIKE 'search\\_path=%' AND s.setrole IN (0, r.oid) AND s.setdatabase IN "
             "(0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())) "
             "ORDER BY s.setrole <> 0 AND s.setdatabase <> 0 DESC, s.setrole <> 0 DESC, "
             "s.setdatabase <> 0 DESC LIMIT 1) AS path "
             "FROM pg_catalog.pg_roles AS me LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = ");
    quote_literal(&sql, m->live_text.role);
    buf_puts(&sql, " WHERE me.rolname = session_user");
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

/* What was said counts for the same text of the same role in the same database, and for one plan. */
static bool was_told(struct live_text *t)
{
    struct buf now = {0};

    buf_printf(&now, "%s\n%s\n%s\n%s", t->key, t->role, t->database, buf_text(&t->text));
    bool told = t->told.len > 0 && strcmp(buf_text(&t->told), buf_text(&now)) == 0;
    buf_clear(&t->told);
    if (told)
        buf_clear(&now);
    else
        t->told = now;
    return told;
}

/* What matters comes first: the key line is cut at the screen's width. */
static void ask_first(struct model *m, const struct rows *r, bool others, bool locks)
{
    bool super = rows_bool(r, 0, "super", true);

    if (!others)
        view_say(m,
                 "x again plans it all the same: that locks as the statement does, for a moment");
    else
        view_say(m,
                 "x again plans it all the same: it %smay run code of others %s (here: %lld "
                 "functions, %lld operators of others)",
                 locks ? "locks, " : "", super ? "as a superuser" : "with your rights",
                 (long long)rows_int64(r, 0, "functions", 0),
                 (long long)rows_int64(r, 0, "operators", 0));
}

static void take_whose(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    bool others = !t->role[0] || !rows_bool(ev->rows, 0, "own", false);
    bool locks = derive_may_lock(buf_text(&t->text));
    const char *path;

    if (!ev->rows || ev->rows->nrows != 1) {
        refuse_words(m, "it cannot be told whose rights it would be planned with", "", fx);
        return;
    }
    if ((others || locks) && !was_told(t)) {
        finish(m, fx);
        ask_first(m, ev->rows, others, locks);
        return;
    }
    path = rows_text(ev->rows, 0, "path");
    if (others && rows_bool(ev->rows, 0, "member", false))
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
             t->role[0] ? t->role : "an unknown role",
             t->database[0] ? t->database : "this database");
    buf_printf(out, "Planned by EXPLAIN as %s, in a read-only session; not executed.\n",
               t->as_role[0] ? t->as_role : "our role");
    if (t->parameters > 0)
        buf_printf(out, "It is the plan for any values of its %d parameter%s.\n", t->parameters,
                   t->parameters > 1 ? "s" : "");
    if (t->older)
        buf_puts(out, "The server has another text there by now, or none: this is the screen's.\n");
    if (t->unread[0])
        buf_printf(out,
                   "The text is the screen's, which may be cut: the server did not give it: %s\n",
                   t->unread);
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
