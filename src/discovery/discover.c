/* The machine of discovery: it walks the table of statements, one at a time, and ends with the host
 * script where the server may run on this machine. */
#include "pgd/discovery/discover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/queries.h"

enum {
    QUERY_DEADLINE_MS = 5000, /* above the server's own statement_timeout of 2 s */
    HOST_DEADLINE_MS = 5000,
    OLDEST_VERSION = 120000
};

static struct req next_req(struct discover *d)
{
    return (struct req){OWNER_DISCOVERY, d->generation, ++d->waiting};
}

static void fail(struct discover *d, const struct err *e)
{
    d->state = DISCOVER_FAILED;
    d->err = *e;
}

static const char *query_text(const struct discover_query *q)
{
    if (q->sql)
        return q->sql;
    const struct asset *a = asset_find(q->asset);
    if (!a)
        die("the asset %s is missing", q->asset);
    return (const char *)a->data;
}

static void send_host(struct discover *d, const struct server_facts *f, struct effects *fx)
{
    const struct asset *script = asset_find("remote/host.sh");
    if (!script)
        die("the asset remote/host.sh is missing");
    char port[16], start[24], backend[16];
    snprintf(port, sizeof port, "%d", f->id.server_port);
    snprintf(start, sizeof start, "%" PRId64, f->id.postmaster_start_us / 1000000);
    snprintf(backend, sizeof backend, "%d", d->backend_pid);
    const char *argv[] = {"sh", "-s",  "--",    f->id.data_directory,
                          port, start, backend, d->may_sudo ? "sudo" : "",
                          NULL};

    struct req req = next_req(d);
    struct effect *e = fx_child(fx, req, argv, CHILD_COLLECT | CHILD_DIES_WITH_US);
    e->u.child.stdin_text = xstrdup((const char *)script->data);
    /* The guard against a hanging file system: its number follows the child's. */
    req.id++;
    fx_timer(fx, req, HOST_DEADLINE_MS);
    d->state = DISCOVER_HOST;
}

static void after_sql(struct discover *d, struct server_facts *f, struct effects *fx)
{
    bool looked = d->settings_only && d->known_start_us == f->id.postmaster_start_us;
    d->state = DISCOVER_DONE;
    if (looked)
        return;
    d->known_start_us = f->id.postmaster_start_us;
    if (d->maybe_local)
        send_host(d, f, fx);
    else
        facts_missing(f, "host", "the server runs on another machine");
}

static void send_next(struct discover *d, struct server_facts *f, struct effects *fx)
{
    d->at = discover_query_next(d->at, f->id.version_num, d->settings_only, d->pooled);
    if (d->at == discover_query_count) {
        after_sql(d, f, fx);
        return;
    }
    d->state = DISCOVER_SQL;
    fx_sql(fx, next_req(d), CONN_CONTROL, query_text(&discover_queries[d->at]), QUERY_DEADLINE_MS);
}

static void begin(struct discover *d, struct server_facts *f, struct effects *fx,
                  bool settings_only)
{
    d->generation++;
    d->waiting = 0;
    d->at = 0;
    d->settings_only = settings_only;
    err_clear(&d->err);
    send_next(d, f, fx);
}

void discover_start(struct discover *d, struct server_facts *f, struct effects *fx)
{
    server_facts_clear(f);
    begin(d, f, fx, false);
}

void discover_refresh(struct discover *d, struct server_facts *f, struct effects *fx)
{
    begin(d, f, fx, true);
}

/* The result of statement d->at. */
static void take_rows(struct discover *d, struct server_facts *f, const struct event *ev,
                      struct effects *fx)
{
    const struct discover_query *q = &discover_queries[d->at];
    bool empty = q->fill && q->needed && (!ev->rows || ev->rows->nrows == 0);

    if (ev->err.code == ERR_LOST || ev->err.code == ERR_CANCELLED ||
        (ev->err.code != ERR_NONE && q->needed)) {
        fail(d, &ev->err);
        return;
    }
    if (empty) {
        err_set(&d->err, ERR_FORMAT, "the server gave no answer to the statement \"%s\"", q->name);
        d->state = DISCOVER_FAILED;
        return;
    }
    if (ev->err.code != ERR_NONE) {
        if (q->lost)
            facts_missing(f, q->lost, ev->err.msg);
    } else {
        if (q->lost)
            facts_not_missing(f, q->lost);
        if (q->fill && ev->rows)
            q->fill(d, f, ev->rows);
    }
    if (q->needed && f->id.version_num < OLDEST_VERSION) {
        err_set(&d->err, ERR_REFUSED, "PostgreSQL %s is too old", f->id.version);
        err_hint(&d->err, "Versions 12 and later are supported.");
        d->state = DISCOVER_FAILED;
        return;
    }
    d->at++;
    send_next(d, f, fx);
}

static void take_host(struct discover *d, struct server_facts *f, const struct event *ev,
                      struct effects *fx)
{
    struct req timer = ev->req;
    timer.id++;
    effects_add(fx, FX_TIMER_STOP, timer);
    d->state = DISCOVER_DONE;
    if (ev->err.code != ERR_NONE) {
        facts_missing(f, "host", ev->err.msg);
        return;
    }
    host_facts_parse(ev->text ? ev->text : "", &f->host, &f->id);
    if (!f->host.known)
        facts_missing(f, "host", "the server's processes are not visible on this machine");
    else
        facts_not_missing(f, "host");
    if (f->host.known && !f->id.reached)
        facts_missing(f, "data directory", "our operating-system user may not read it");
    else
        facts_not_missing(f, "data directory");
}

void discover_step(struct discover *d, struct server_facts *f, const struct event *ev,
                   struct effects *fx)
{
    if (ev->req.owner != OWNER_DISCOVERY || ev->req.generation != d->generation)
        return;
    bool expected = ev->req.id == d->waiting;
    switch (d->state) {
    case DISCOVER_SQL:
        if (ev->kind == EV_PG_RESULT && expected)
            take_rows(d, f, ev, fx);
        break;
    case DISCOVER_HOST:
        if (ev->kind == EV_CHILD_EXIT && expected) {
            take_host(d, f, ev, fx);
        } else if (ev->kind == EV_TIMER && ev->req.id == d->waiting + 1) {
            struct req child = ev->req;
            child.id--;
            effects_add(fx, FX_CHILD_KILL, child);
            facts_missing(f, "host", "the script that looks at this machine did not end in time");
            d->state = DISCOVER_DONE;
        }
        break;
    case DISCOVER_IDLE:
    case DISCOVER_DONE:
    case DISCOVER_FAILED:
        break;
    }
}
