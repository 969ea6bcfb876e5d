/* links.c - see links.h. One small machine per connection; the answers come by generation. */
#include "pgd/app/links.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/base/text.h"

enum {
    CONNECT_MS = 10000,
    FIRST_RETRY_MS = 100,
    LAST_RETRY_MS = 800,
    FULL_FIRST_MS = 500,
    FULL_RETRY_MS = 5000
};

/* Roles and databases may have limits and habits of their own, meant for their programs. Ours would be cut off by the
 * limits, or read what was meant otherwise; so each session of ours begins by setting them aside, for itself alone.
 * Nothing here is a setting that is tuned. A limit of the length of statements comes first, in front of all these. */
static const struct set_aside {
    const char *name, *value;
    bool habit;    /* no limit: the user's own scripts are explained in a session that keeps it */
    bool may_lack; /* not every version has it */
    /* For the session that holds the lock: a server that does not notice a cut network would hold it against us. */
    bool control;
    bool superuser; /* nobody else may, and nobody else needs to */
} set_asides[] = {
    {"lock_timeout", "0", .habit = false},
    {"idle_in_transaction_session_timeout", "0", .habit = false},
    {"idle_session_timeout", "0", .may_lack = true},
    {"transaction_timeout", "0", .may_lack = true},
    {"search_path", "pg_catalog", .habit = true},
    {"row_security", "on", .habit = true},
    {"transform_null_equals", "off", .habit = true},
    {"standard_conforming_strings", "on", .habit = true},
    {"bytea_output", "hex", .habit = true},
    {"DateStyle", "ISO, MDY", .habit = true},
    {"IntervalStyle", "postgres", .habit = true},
    {"extra_float_digits", "1", .habit = true},
    {"default_transaction_isolation", "read committed", .habit = true},
    {"default_transaction_deferrable", "off", .habit = true},
    {"default_transaction_read_only", "off", .habit = true},
    /* our own statements are no part of the DBA's statistics, nor of the traffic that is observed */
    {"pg_stat_statements.track", "none", .may_lack = true, .superuser = true},
    {"tcp_keepalives_idle", "10", .control = true},
    {"tcp_keepalives_interval", "5", .control = true},
    {"tcp_keepalives_count", "3", .control = true},
};

/* The statements that a new session begins with. Every name is qualified: the search path is not safe yet. */
static char *session_sql(const struct model *m, enum pg_conn conn)
{
    struct buf sql = {0};

    /* A database in SQL_ASCII holds any bytes; asked for UTF-8 the server would refuse to send them. */
    buf_puts(&sql, "SET statement_timeout = 0; SELECT CASE WHEN pg_catalog.current_setting("
                   "'server_encoding') OPERATOR(pg_catalog.=) 'SQL_ASCII' THEN "
                   "pg_catalog.set_config('client_encoding', 'SQL_ASCII', false) END");
    for (size_t i = 0; i < ARRAY_LEN(set_asides); i++) {
        const struct set_aside *s = &set_asides[i];
        bool readonly = m->opt.readonly && strcmp(s->name, "default_transaction_read_only") == 0;

        if ((s->habit && conn == CONN_QUESTIONS) || (s->control && conn != CONN_CONTROL))
            continue;
        buf_puts(&sql, ", ");
        if (s->may_lack)
            buf_printf(&sql, "CASE WHEN pg_catalog.current_setting('%s', true) IS NOT NULL%s THEN ",
                       s->name,
                       s->superuser ? " AND pg_catalog.current_setting('is_superuser') "
                                      "OPERATOR(pg_catalog.=) 'on'"
                                    : "");
        buf_printf(&sql, "pg_catalog.set_config('%s', '%s', false)", s->name,
                   readonly ? "on" : s->value);
        if (s->may_lack)
            buf_puts(&sql, " END");
    }
    return buf_take(&sql);
}

/* What a connection's options must say for this setting to be set aside; NULL = it is not one of those. */
static const char *aside_of(const char *name)
{
    if (text_eq_nocase(name, "statement_timeout"))
        return "0";
    if (text_eq_nocase(name, "search_path"))
        return "public";
    for (size_t i = 0; i < ARRAY_LEN(set_asides); i++)
        if (!set_asides[i].control && !set_asides[i].superuser &&
            text_eq_nocase(name, set_asides[i].name))
            return set_asides[i].value;
    return NULL;
}

void links_own_options(const struct model *m, const char *database, char *way, size_t size)
{
    const struct server_facts *f = &m->server;
    struct buf line = {0};

    for (int i = 0; i < f->noverrides; i++) {
        const struct override *o = &f->overrides[i];
        const char *value = aside_of(o->name);
        bool ours = (!o->role[0] || strcmp(o->role, f->id.role) == 0) &&
                    (!o->database[0] || strcmp(o->database, database) == 0);
        if (!value || !ours)
            continue;
        buf_printf(&line, "%s-c %s=", line.len ? " " : "PGOPTIONS=", o->name);
        for (; *value; value++)
            buf_printf(&line, *value == ' ' ? "\\%c" : "%c", *value);
    }
    size_t used = strlen(way);
    if (line.len && !strstr(way, "PGOPTIONS=") && used + line.len + 2 <= size)
        snprintf(way + used, size - used, "%s\n", buf_text(&line));
    buf_clear(&line);
}

static struct req req_of(const struct model *m, enum pg_conn conn)
{
    return (struct req){OWNER_LINKS, m->links[conn].generation, (uint32_t)conn + 1};
}

/* With several hosts, or several addresses of one, each connection might land on another node: all follow the control
 * link. A later keyword wins over an earlier one. */
static int same_node(const struct model *m, enum pg_conn conn, struct effect *e, int n)
{
    const struct link *l = &m->links[CONN_CONTROL];
    const char *const pairs[][2] = {
        {"host", l->host}, {"port", l->port}, {"hostaddr", l->hostaddr}};

    if (conn == CONN_CONTROL || l->state != LINK_UP)
        return n;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i][1][0]) {
            e->u.pg.keys[n] = xstrdup(pairs[i][0]);
            e->u.pg.values[n++] = xstrdup(pairs[i][1]);
        }
    return n;
}

void links_template(const struct model *m, enum pg_conn conn, const char *database,
                    struct effect *e)
{
    const struct connect_params *p = &m->opt.connect;
    int n = 0;

    memset(e, 0, sizeof *e);
    e->kind = FX_PG_CONNECT;
    e->req = req_of(m, conn);
    e->ms = CONNECT_MS;
    e->text = session_sql(m, conn);
    e->len = strlen(e->text);
    e->u.pg.conn = conn;
    e->u.pg.password = p->password;
    e->u.pg.keys = xcalloc(CONNINFO_MAX + 7, sizeof(char *));
    e->u.pg.values = xcalloc(CONNINFO_MAX + 7, sizeof(char *));
    for (int i = 0; i < p->n; i++) {
        e->u.pg.keys[n] = xstrdup(p->keys[i]);
        e->u.pg.values[n++] = xstrdup(p->values[i]);
    }
    if (!database || !*database)
        database = p->database;
    if (*database) { /* a later keyword wins over the conninfo in an earlier dbname */
        e->u.pg.keys[n] = xstrdup("dbname");
        e->u.pg.values[n++] = xstrdup(database);
    }
    n = same_node(m, conn, e, n);
    e->u.pg.keys[n] = xstrdup("application_name");
    e->u.pg.values[n] = xstrdup("pg_diagnose");
}

static void connect_now(struct model *m, enum pg_conn conn, struct effects *fx)
{
    struct link *l = &m->links[conn];
    struct effect e;

    l->generation++;
    l->state = LINK_CONNECTING;
    l->since_us = m->now_us;
    links_template(m, conn, l->dbname, &e);
    *effects_add(fx, FX_PG_CONNECT, e.req) = e;
    m->dirty = true;
}

void links_open(struct model *m, enum pg_conn conn, const char *database, struct effects *fx)
{
    struct link *l = &m->links[conn];

    l->attempts = 0;
    l->was_up = false;
    l->lost_us = m->now_us;
    err_clear(&l->err);
    text_copy_raw(l->dbname, sizeof l->dbname, database ? database : "");
    connect_now(m, conn, fx);
}

void links_close(struct model *m, enum pg_conn conn, struct effects *fx)
{
    struct link *l = &m->links[conn];

    if (l->state == LINK_OFF)
        return;
    l->generation++;
    l->state = LINK_OFF;
    effects_add(fx, FX_PG_CLOSE, req_of(m, conn))->u.pg.conn = conn;
}

static void retry_later(struct model *m, enum pg_conn conn, struct effects *fx)
{
    struct link *l = &m->links[conn];
    int ms = FIRST_RETRY_MS;

    for (int i = 0; i < l->attempts && ms < LAST_RETRY_MS; i++)
        ms = ms * 3 / 2;
    if (ms > LAST_RETRY_MS)
        ms = LAST_RETRY_MS;
    /* No connection is left for us: each try would be one more line in the server's log, and in the way of others. */
    if (strncmp(l->err.sqlstate, "53", 2) == 0)
        ms = l->attempts == 0 ? FULL_FIRST_MS : FULL_RETRY_MS;
    l->attempts++;
    l->state = LINK_WAITING;
    l->retry_at_us = m->now_us + (int64_t)ms * 1000;
    fx_timer(fx, req_of(m, conn), ms);
}

static void up(struct model *m, struct link *l, const struct event *ev)
{
    l->state = LINK_UP;
    l->since_us = m->now_us;
    l->attempts = 0;
    l->was_up = true;
    err_clear(&l->err);
    l->server_version = ev->u.pg.server_version;
    l->backend_pid = ev->u.pg.backend_pid;
    m->own_pids[m->own_npids++ % OWN_PIDS] = l->backend_pid;
    l->tls = ev->u.pg.tls;
    l->pooled = ev->u.pg.pooled;
    text_copy(l->host, sizeof l->host, ev->u.pg.host);
    text_copy(l->hostaddr, sizeof l->hostaddr, ev->u.pg.hostaddr);
    text_copy(l->port, sizeof l->port, ev->u.pg.port);
    text_copy(l->user, sizeof l->user, ev->u.pg.user);
    text_copy_raw(l->dbname, sizeof l->dbname, ev->u.pg.dbname);
    if (l->password)
        secret_release(l->password);
    const char *password = secret_get(ev->u.pg.password); /* the event's own is released with it */
    l->password = *password ? secret_put(password, strlen(password)) : 0;
    text_copy_raw(l->way, sizeof l->way, ev->text ? ev->text : "");
}

bool links_event(struct model *m, const struct event *ev, struct effects *fx)
{
    enum pg_conn conn = ev->u.pg.conn;
    struct link *l = &m->links[conn];

    if (ev->req.owner != OWNER_LINKS || ev->req.generation != l->generation)
        return false;
    m->dirty = true;
    if (ev->kind == EV_PG_UP) {
        up(m, l, ev);
        return true;
    }
    bool lost = l->state == LINK_UP;
    l->err = ev->err;
    l->since_us = m->now_us;
    if (ev->u.pg.needs_password) {
        l->state = LINK_PASSWORD;
    } else if (conn == CONN_BENCH) {
        l->state = LINK_OFF; /* its user opens it anew */
    } else {
        if (lost) {
            l->attempts = 0;
            l->lost_us = m->now_us;
        }
        retry_later(m, conn, fx);
    }
    return true;
}

void links_timer(struct model *m, const struct event *ev, struct effects *fx)
{
    enum pg_conn conn = (enum pg_conn)(ev->req.id - 1);

    if (ev->req.id == 0 || conn >= CONN_COUNT)
        return;
    struct link *l = &m->links[conn];
    if (l->state == LINK_WAITING && ev->req.generation == l->generation)
        connect_now(m, conn, fx);
}

void links_password(struct model *m, secret_id password, struct effects *fx)
{
    if (m->opt.connect.password)
        secret_release(m->opt.connect.password);
    m->opt.connect.password = password;
    for (int i = 0; i < CONN_COUNT; i++)
        if (m->links[i].state == LINK_PASSWORD)
            connect_now(m, (enum pg_conn)i, fx);
}
