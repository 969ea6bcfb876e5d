/* start_server.c - another server: a form says where it is, one connection looks whether it answers, and its databases are
 * listed with their sizes. The form keeps what was typed until a database is picked. */
#include "pgd/app/start.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/links.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/workspace/recent.h"

/* A database of many relations takes its time to be summed up: each has SIZE_MS, all together SIZES_S. */
enum { LIST_MS = 10000, SIZE_MS = 1500, SIZES_S = 10 };

/* ndatabases while the session's own limit is being set, and while the names are asked for */
enum { STEP_LIMIT = -2, STEP_NAMES = -1 };

static const char *const keywords[START_FIELDS] = {"host", "port", "user", "dbname"};

static struct editor input(struct dialog *d)
{
    return (struct editor){d->input, (int)sizeof((struct start_screen *)0)->fields[0],
                           &d->input_len, &d->input_at, false};
}

static void show_field(struct model *m, enum start_field f)
{
    struct dialog *d = &m->screen.dialog;
    struct editor ed = input(d);

    m->start.field = f;
    d->editing = true;
    editor_set(&ed, m->start.fields[f]);
}

static void keep_field(struct model *m)
{
    struct start_screen *s = &m->start;

    text_copy(s->fields[s->field], sizeof s->fields[0], m->screen.dialog.input);
}

void start_server_open(struct model *m)
{
    struct start_screen *s = &m->start;
    const struct connect_params *c = &m->opt.connect;

    /* what the command line has said, the first time */
    for (size_t i = 0; i < ARRAY_LEN(keywords); i++)
        if (!s->fields[i][0] && cli_connect_get(c, keywords[i]))
            text_copy(s->fields[i], sizeof s->fields[0], cli_connect_get(c, keywords[i]));
    s->page = START_SERVER;
    m->screen.dialog.error[0] = '\0';
    err_clear(&s->err);
    show_field(m, START_HOST);
}

/* ---- connecting ---- */

static bool is_string(const char *text)
{
    return strchr(text, '=') || strncmp(text, "postgres://", 11) == 0 ||
           strncmp(text, "postgresql://", 13) == 0;
}

/* The form as libpq takes it. The database is left out: it is picked, or stands in `database`. */
static void take_form(struct model *m)
{
    struct start_screen *s = &m->start;
    struct connect_params *c = &m->opt.connect;
    bool string = is_string(s->fields[START_HOST]);

    c->n = 0;
    text_copy_raw(c->database, sizeof c->database, s->fields[START_DATABASE]);
    if (s->fields[START_HOST][0])
        cli_connect_set(c, string ? "dbname" : "host", s->fields[START_HOST]);
    for (int i = START_PORT; i <= START_USER; i++)
        if (s->fields[i][0])
            cli_connect_set(c, keywords[i], s->fields[i]);
}

static void stop_asking(struct model *m, struct effects *fx)
{
    m->start.asking = false;
    m->start.no++;
    links_close(m, CONN_QUESTIONS, fx);
}

static void go(struct model *m, struct effects *fx)
{
    stop_asking(m, fx);
    start_go(m, fx);
}

void start_server_connect(struct model *m, struct effects *fx)
{
    struct start_screen *s = &m->start;
    bool named = s->fields[START_DATABASE][0] ||
                 (is_string(s->fields[START_HOST]) && recent_names_database(s->fields[START_HOST]));

    take_form(m);
    err_clear(&s->err);
    s->asking = true;
    /* with a database named it is only looked whether the server lets us in */
    s->ndatabases = 0;
    links_open(m, CONN_QUESTIONS, named ? NULL : "postgres", fx);
}

static void ask_sql(struct model *m, const char *sql, int ms, struct effects *fx)
{
    fx_sql(fx, (struct req){OWNER_UI, ++m->start.no, UI_START_DATABASES}, CONN_QUESTIONS, sql, ms);
}

/* A server without a database "postgres" is asked for the one that libpq takes by itself. */
static bool other_database(struct model *m, const struct event *ev, struct effects *fx)
{
    struct link *l = &m->links[CONN_QUESTIONS];
    bool refused = strcmp(ev->err.sqlstate, "3D000") == 0 || strcmp(ev->err.sqlstate, "42501") == 0;

    if (!refused || strcmp(l->dbname, "postgres") != 0)
        return false;
    links_close(m, CONN_QUESTIONS, fx);
    links_open(m, CONN_QUESTIONS, NULL, fx);
    return true;
}

bool start_server_link(struct model *m, const struct event *ev, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct dialog *d = &m->screen.dialog;

    if (!s->asking || ev->u.pg.conn != CONN_QUESTIONS)
        return false;
    m->dirty = true;
    if (ev->kind == EV_PG_UP) {
        bool named = m->opt.connect.database[0] || (is_string(s->fields[START_HOST]) &&
                                                    recent_names_database(s->fields[START_HOST]));
        if (named || m->links[CONN_QUESTIONS].pooled) { /* a pooler's databases are its own */
            go(m, fx);
        } else {
            s->sized = STEP_LIMIT;
            ask_sql(m, "SET statement_timeout = 1500", LIST_MS, fx);
        }
    } else if (m->links[CONN_QUESTIONS].state == LINK_PASSWORD) {
        s->err = ev->err;
        dialogs_open(m, DIALOG_PASSWORD);
        if (ev->u.pg.used_password)
            text_copy(m->screen.dialog.error, sizeof m->screen.dialog.error, ev->err.msg);
    } else if (!other_database(m, ev, fx)) {
        s->err = ev->err;
        stop_asking(m, fx);
        if (s->page == START_DATABASES) {
            s->page = START_SERVER;
            if (d->kind == DIALOG_START)
                show_field(m, START_HOST);
        }
    }
    return true;
}

/* ---- its databases ---- */

static void ask_names(struct model *m, struct effects *fx)
{
    m->start.sized = STEP_NAMES;
    ask_sql(m,
            "SELECT d.datname AS name, pg_catalog.pg_get_userbyid(d.datdba) AS owner, "
            "pg_catalog.has_database_privilege(d.oid, 'CONNECT') AS may "
            "FROM pg_catalog.pg_database d WHERE NOT d.datistemplate AND d.datallowconn "
            "ORDER BY d.datname LIMIT 500",
            LIST_MS, fx);
}

/* The next one that we may connect to: nobody else may be asked for its size. */
static void ask_size(struct model *m, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct buf sql = {0};

    while (s->sized < s->ndatabases && !s->databases[s->sized].may)
        s->sized++;
    if (s->sized >= s->ndatabases || m->now_us - s->sized_since_us > SIZES_S * INT64_C(1000000))
        return;
    buf_puts(&sql, "SELECT pg_catalog.pg_database_size(");
    quote_literal(&sql, s->databases[s->sized].name);
    buf_puts(&sql, ") AS bytes");
    ask_sql(m, buf_text(&sql), SIZE_MS + 500, fx);
    buf_clear(&sql);
}

static int largest_first(const void *a, const void *b)
{
    const struct start_database *x = a, *y = b;
    double bx = isfinite(x->bytes) ? x->bytes : -1, by = isfinite(y->bytes) ? y->bytes : -1;

    if (x->may != y->may)
        return x->may ? -1 : 1;
    if (bx < by || bx > by)
        return bx > by ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* Largest first, once all sizes are known, unless the DBA is on the way down the list already. */
static void sort_databases(struct model *m)
{
    struct start_screen *s = &m->start;

    if (!s->moved && s->ndatabases > 1)
        qsort(s->databases, (size_t)s->ndatabases, sizeof s->databases[0], largest_first);
}

static void names_known(struct model *m, const struct rows *r)
{
    struct start_screen *s = &m->start;

    s->ndatabases = 0;
    for (int i = 0; r && i < r->nrows && s->ndatabases < (int)ARRAY_LEN(s->databases); i++) {
        struct start_database *d = &s->databases[s->ndatabases];
        const char *name = rows_text(r, i, "name"), *owner = rows_text(r, i, "owner");
        const char *may = rows_text(r, i, "may");
        *d = (struct start_database){.bytes = NAN, .may = may && *may == 't'};
        if (!name || !text_copy_raw(d->name, sizeof d->name, name))
            continue;
        text_copy(d->owner, sizeof d->owner, owner ? owner : "");
        s->ndatabases++;
    }
    s->page = START_DATABASES;
    s->moved = false;
    s->sized = 0;
    s->sized_since_us = m->now_us;
    m->screen.dialog.editing = false;
    m->screen.dialog.cursor = 0;
    m->screen.dialog.error[0] = '\0';
    sort_databases(m);
}

void start_databases_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct start_screen *s = &m->start;

    if (!s->asking || ev->err.code == ERR_LOST)
        return; /* the link's own event follows, or came before */
    if (s->sized == STEP_LIMIT) {
        ask_names(m, fx);
        return;
    }
    if (s->sized == STEP_NAMES) {
        if (ev->err.code != ERR_NONE) {
            s->err = ev->err;
            stop_asking(m, fx);
            return;
        }
        names_known(m, ev->rows);
    } else if (s->sized < s->ndatabases) {
        double bytes = ev->err.code == ERR_NONE && ev->rows && ev->rows->nrows > 0
                           ? rows_double(ev->rows, 0, "bytes", NAN)
                           : (double)NAN;
        s->databases[s->sized++].bytes = bytes;
    }
    ask_size(m, fx);
    if (s->sized >= s->ndatabases)
        sort_databases(m);
}

/* ---- keys ---- */

static void back_to_list(struct model *m, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    stop_asking(m, fx);
    m->start.page = START_LIST;
    m->start.moved = false;
    d->editing = false;
    d->cursor = 0;
    if (m->start.reading)
        start_list_read(m, fx);
}

bool start_server_key(struct model *m, struct key k, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct editor ed = input(&m->screen.dialog);
    int next = (int)s->field + 1, before = (int)s->field + START_FIELDS - 1;

    if (s->asking) { /* the form waits for the server */
        if (k.name == KEYN_ESC) {
            stop_asking(m, fx);
            err_set(&s->err, ERR_CANCELLED, "the connection was not waited for");
        }
        return true;
    }
    if (k.name == KEYN_TAB || k.name == KEYN_DOWN || k.name == KEYN_BACKTAB || k.name == KEYN_UP) {
        keep_field(m);
        show_field(m,
                   (enum start_field)((k.name == KEYN_TAB || k.name == KEYN_DOWN ? next : before) %
                                      START_FIELDS));
        return true;
    }
    switch (editor_key(&ed, k)) {
    case EDITOR_SUBMIT:
        keep_field(m);
        start_server_connect(m, fx);
        break;
    case EDITOR_CANCEL:
        keep_field(m);
        back_to_list(m, fx);
        break;
    default:
        break;
    }
    return true;
}

bool start_databases_key(struct model *m, struct key k, struct effects *fx)
{
    struct start_screen *s = &m->start;
    struct dialog *d = &m->screen.dialog;
    int was = d->cursor;

    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        stop_asking(m, fx);
        s->page = START_SERVER;
        err_clear(&s->err);
        show_field(m, START_HOST);
        return true;
    }
    (void)list_move(&d->cursor, k, s->ndatabases);
    s->moved = s->moved || d->cursor != was;
    if (k.name != KEYN_ENTER)
        return !key_is(k, '?');
    if (d->cursor < s->ndatabases && s->databases[d->cursor].may) {
        text_copy_raw(m->opt.connect.database, sizeof m->opt.connect.database,
                      s->databases[d->cursor].name);
        go(m, fx);
    } else {
        text_copy(d->error, sizeof d->error, "this role has no right to connect to that database");
    }
    return true;
}
