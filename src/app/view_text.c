/* view_text.c - see view_text.h (states: enum live_text_step). Its answers are told from the view's by their number. */
#include "pgd/app/view_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/hypo.h"
#include "pgd/app/links.h"
#include "pgd/app/view_plan.h"
#include "pgd/base/mem.h"
#include "pgd/base/quote.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"
#include "pgd/workspace/export_view.h"

enum { SAY_S = 8, EXACT_MS = 1500, KEY_PARTS = 4 };

/* Numbers of this machine; those of the view count up from 1. */
static const uint32_t numbers = 0x80000000U;

void view_say(struct model *m, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(m->screen.flash, sizeof m->screen.flash, fmt, ap);
    va_end(ap);
    m->screen.flash_until_us = m->now_us + SAY_S * INT64_C(1000000);
    m->dirty = true;
}

void view_text_ask(struct model *m, enum live_text_step step, enum pg_conn conn, const char *sql,
                   int ms, struct effects *fx)
{
    struct live_text *t = &m->live_text;

    t->step = step;
    t->waiting++;
    fx_sql(fx, (struct req){OWNER_VIEWS, t->generation, numbers | t->waiting}, conn, sql, ms);
    m->collect.sent++; /* its transaction is not the server's load */
}

void view_text_drop(struct model *m, struct effects *fx)
{
    struct live_text *t = &m->live_text;

    if (t->step > TEXT_EXACT)
        links_close(m, CONN_PLAN, fx);
    t->step = TEXT_REST;
    t->generation++;
}

/* ---- the row ---- */

static int row_of(const struct model *m)
{
    const struct live *l = &m->live;

    return l->at ? tableview_cursor(&l->order, &l->of[tableview_index(l->at)]) : -1;
}

static const char *cell_text(const struct model *m, int row, const char *name)
{
    int col = tableview_column_of(m->live.at, name);

    return col < 0 ? "" : tableview_text(&m->live.now, row, col);
}

/* ---- exact ---- */

/* The parts of a row's key, quoted as literals. How many. */
static int key_parts(const char *key, struct buf *out, size_t at[KEY_PARTS])
{
    char part[TABLEVIEW_KEY];
    int n = 0;

    while (*key && n < KEY_PARTS) {
        const char *end = strstr(key, TABLEVIEW_SEPARATOR);
        size_t len = end ? (size_t)(end - key) : strlen(key);
        snprintf(part, sizeof part, "%.*s", (int)len, key);
        at[n++] = out->len;
        quote_literal(out, part);
        buf_putc(out, '\0');
        key = end ? end + strlen(TABLEVIEW_SEPARATOR) : key + len;
    }
    return n;
}

static bool keyed_by(const struct tableview *v, const char *first, const char *second)
{
    return v->key_columns[0] && v->key_columns[1] && strcmp(v->key_columns[0], first) == 0 &&
           strcmp(v->key_columns[1], second) == 0;
}

bool view_text_sql(const struct tableview *v, const char *key, const char *schema, struct buf *sql)
{
    struct buf parts = {0};
    size_t at[KEY_PARTS] = {0};
    int n = key_parts(key, &parts, at);
    bool session = keyed_by(v, "pid", "backend_start") && n >= 2;
    bool statement = keyed_by(v, "queryid", "userid") && n >= 3 && *schema;

    if (session) {
        buf_printf(sql,
                   "SELECT query AS text, usename AS role, datname, octet_length(query) >= "
                   "pg_catalog.pg_size_bytes(pg_catalog.current_setting("
                   "'track_activity_query_size')) - 1 AS cut "
                   "FROM pg_catalog.pg_stat_activity WHERE pid = %s AND backend_start = %s",
                   parts.data + at[0], parts.data + at[1]);
    } else if (statement) {
        buf_puts(sql, "SELECT s.query AS text, r.rolname AS role, d.datname, false AS cut FROM ");
        quote_ident(sql, schema);
        buf_printf(sql,
                   ".pg_stat_statements(true) AS s LEFT JOIN pg_catalog.pg_roles AS r ON r.oid = "
                   "s.userid LEFT JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid "
                   "WHERE s.queryid = %s AND s.userid = %s AND s.dbid = %s LIMIT 1",
                   parts.data + at[0], parts.data + at[1], parts.data + at[2]);
    }
    buf_clear(&parts);
    return session || statement;
}

/* ---- the clipboard ---- */

bool view_copy_ready(struct model *m)
{
    if (m->screen.choices.no_clipboard)
        view_say(m, "the clipboard is off: --no-clipboard, or clipboard = off in HOME/config");
    else if (!m->screen.clipboard)
        view_say(m, "this terminal is not known to have a clipboard (OSC 52)");
    return !m->screen.choices.no_clipboard && m->screen.clipboard;
}

void view_copy(struct model *m, const char *text, bool cut, struct effects *fx)
{
    size_t n = strlen(text), used = n;
    struct effect *e;
    const char *hidden;
    char *copy;

    if (!view_copy_ready(m))
        return;
    copy = xstrdup(text);
    secret_redact(copy); /* before it is cut: half a secret is not seen as one */
    hidden = strcmp(copy, text) != 0 ? ", passwords as asterisks" : "";
    if (used > VIEW_COPY_MAX) {
        used = VIEW_COPY_MAX;
        while (used > 0 && ((unsigned char)text[used] & 0xc0) == 0x80)
            used--;
    }
    e = effects_add(fx, FX_COPY, (struct req){0});
    e->text = xstrndup(copy, used);
    e->len = used;
    explicit_bzero(copy, n);
    free(copy);
    if (used < n)
        view_say(m, "copied %zu bytes of %zu%s: more is not taken by terminals", used, n, hidden);
    else
        view_say(m, "copied %zu bytes%s%s", n, hidden,
                 cut ? "; the server keeps no more of this text" : "");
}

/* ---- both ---- */

static void use_text(struct model *m, struct effects *fx)
{
    struct live_text *t = &m->live_text;

    t->step = TEXT_REST;
    if (t->plan) {
        view_plan_begin(m, fx);
        return;
    }
    view_copy(m, buf_text(&t->text), t->cut, fx);
    if (t->unread[0] && view_copy_ready(m))
        view_say(m, "copied from the screen, maybe cut: the server did not give it: %.100s",
                 t->unread);
}

static void ask_exact(struct model *m, const struct buf *question, struct effects *fx)
{
    struct buf steps = {0};

    if (!m->live.at->extension || m->links[CONN_VIEWS].pooled) {
        view_text_ask(m, TEXT_EXACT, CONN_VIEWS, buf_text(question), EXACT_MS, fx);
        return;
    }
    extension_call_sql(m->live.schema, false, buf_text(question), &steps);
    view_text_ask(m, TEXT_EXACT, CONN_VIEWS, buf_text(&steps), EXACT_MS, fx);
    fx_several(fx);
    buf_clear(&steps);
}

static void begin(struct model *m, int row, bool plan, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    const char *shown = cell_text(m, row, "query");
    struct buf sql = {0};

    view_text_drop(m, fx);
    t->plan = plan;
    t->cut = t->older = false;
    t->unread[0] = '\0';
    buf_clear(&t->text);
    buf_puts(&t->text, shown);
    if (!*shown)
        export_view_row(m->live.at, &m->live.now, row, &t->text);
    text_copy_raw(t->database, sizeof t->database, cell_text(m, row, "datname"));
    text_copy_raw(t->role, sizeof t->role, cell_text(m, row, "usename"));
    text_copy_raw(t->key, sizeof t->key, tableview_key(&m->live.now, row));
    if (*shown && m->links[CONN_VIEWS].state == LINK_UP &&
        view_text_sql(m->live.at, t->key, m->live.schema, &sql))
        ask_exact(m, &sql, fx);
    else
        use_text(m, fx);
    buf_clear(&sql);
}

void view_text_copy(struct model *m, struct effects *fx)
{
    int row = row_of(m);

    if (row >= 0 && view_copy_ready(m))
        begin(m, row, false, fx);
}

void view_text_plan(struct model *m, struct effects *fx)
{
    int row = row_of(m);

    if (row < 0)
        return;
    if (!*cell_text(m, row, "query"))
        view_say(m, tableview_column_of(m->live.at, "query") < 0
                        ? "no row of this view is a statement"
                        : "this row has no statement that may be seen");
    else if (m->links[CONN_CONTROL].pooled)
        view_say(m, "a pooler stands before the server: no session can be made read-only");
    else
        begin(m, row, true, fx);
}

/* The session may do something else by now. */
static bool same_text(const char *shown, const char *exact)
{
    char clean[TABLEVIEW_TEXT + 1];

    text_copy(clean, sizeof clean, exact);
    return strncmp(shown, clean, strlen(shown)) == 0;
}

static void exact(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live_text *t = &m->live_text;
    const char *text = ev->rows ? rows_text(ev->rows, 0, "text") : NULL, *name;

    if (ev->err.code != ERR_NONE) {
        text_copy(t->unread, sizeof t->unread, ev->err.msg);
        if (!t->unread[0])
            text_copy(t->unread, sizeof t->unread, "no reason was given");
    } else if (text && same_text(buf_text(&t->text), text)) {
        buf_clear(&t->text);
        buf_puts(&t->text, text);
        t->cut = rows_bool(ev->rows, 0, "cut", false);
        if ((name = rows_text(ev->rows, 0, "role")) != NULL)
            text_copy_raw(t->role, sizeof t->role, name);
        if ((name = rows_text(ev->rows, 0, "datname")) != NULL)
            text_copy_raw(t->database, sizeof t->database, name);
    } else {
        t->older = true;
    }
    use_text(m, fx);
}

bool view_text_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct live_text *t = &m->live_text;

    if (ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN) {
        if (ev->u.pg.conn == CONN_VIEWS && t->step == TEXT_EXACT)
            view_text_drop(m, fx);
        if (ev->u.pg.conn != CONN_PLAN)
            return false;
        if (!hypo_link(m, ev, fx))
            view_plan_event(m, ev, fx);
        return true;
    }
    if (ev->kind != EV_PG_RESULT || !(ev->req.id & numbers))
        return false;
    if (t->step == TEXT_REST || ev->req.generation != t->generation ||
        ev->req.id != (numbers | t->waiting))
        return true;
    if (t->step == TEXT_EXACT)
        exact(m, ev, fx);
    else
        view_plan_event(m, ev, fx);
    return true;
}
