/* links.c - see links.h. One small machine per connection; the answers come by generation. */
#include "pgd/app/links.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/base/text.h"

enum { CONNECT_MS = 10000, FIRST_RETRY_MS = 100, LAST_RETRY_MS = 800 };

static struct req req_of(const struct model *m, enum pg_conn conn)
{
    return (struct req){OWNER_LINKS, m->links[conn].generation, (uint32_t)conn + 1};
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
    e->u.pg.conn = conn;
    e->u.pg.password = p->password;
    e->u.pg.keys = xcalloc(CONNINFO_MAX + 4, sizeof(char *));
    e->u.pg.values = xcalloc(CONNINFO_MAX + 4, sizeof(char *));
    for (int i = 0; i < p->n; i++) {
        e->u.pg.keys[n] = xstrdup(p->keys[i]);
        e->u.pg.values[n++] = xstrdup(p->values[i]);
    }
    if (database && *database) { /* a later keyword wins over the conninfo in an earlier dbname */
        e->u.pg.keys[n] = xstrdup("dbname");
        e->u.pg.values[n++] = xstrdup(database);
    }
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
    l->tls = ev->u.pg.tls;
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
