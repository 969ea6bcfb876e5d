/* The machine of discovery: it walks the table of statements, one at a time, and ends with the host
 * script where the server may run on this machine, or there by ssh. */
#include "pgd/discovery/discover.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"
#include "pgd/discovery/queries.h"
#include "pgd/discovery/traffic.h"

enum {
    QUERY_DEADLINE_MS = 5000, /* above the server's own statement_timeout of 2 s */
    HOST_DEADLINE_MS = 5000,
    SSH_DEADLINE_MS = 30000, /* of a far host: a few round trips, and a script on a busy machine */
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

static void send_host(struct discover *d, const struct server_facts *f, bool by_ssh,
                      struct effects *fx)
{
    const struct asset *script = asset_find("remote/host.sh");
    if (!script)
        die("the asset remote/host.sh is missing");
    char port[16], start[24], backend[16];
    snprintf(port, sizeof port, "%d", f->id.server_port);
    snprintf(start, sizeof start, "%" PRId64, f->id.postmaster_start_us / 1000000);
    /* behind a pooler the next statement may be another session's */
    bool moves = d->pooled && f->id.data_directory[0];
    snprintf(backend, sizeof backend, "%d", moves ? 0 : d->backend_pid);
    const char *argv[] = {"sh", "-s",  "--",    f->id.data_directory,
                          port, start, backend, d->may_sudo ? "sudo" : "",
                          NULL};

    struct req req = next_req(d);
    struct effect *e = fx_child(fx, req, argv,
                                CHILD_COLLECT | (by_ssh ? CHILD_REMOTE : CHILD_DIES_WITH_US));
    e->u.child.ssh = SSH_SERVER;
    e->u.child.stdin_text = xstrdup((const char *)script->data);
    /* The guard against a hanging file system: its number follows the child's. */
    req.id++;
    fx_timer(fx, req, by_ssh ? SSH_DEADLINE_MS : HOST_DEADLINE_MS);
    d->by_ssh = by_ssh;
    d->state = DISCOVER_HOST;
}

static void looked(struct discover *d)
{
    d->state = DISCOVER_DONE;
    d->looks++;
}

/* All statements are answered: to the host, by the way that there is. */
static void look(struct discover *d, struct server_facts *f, struct effects *fx)
{
    switch (d->where) {
    case LOOK_UNDECIDED:
        d->state = DISCOVER_UNDECIDED;
        return;
    case LOOK_HERE:
    case LOOK_BY_SSH:
        if (d->where == LOOK_HERE && !d->maybe_local)
            break;
        d->known_start_us = f->id.postmaster_start_us;
        send_host(d, f, d->where == LOOK_BY_SSH, fx);
        return;
    case LOOK_NOWHERE:
        break;
    }
    d->known_start_us = d->where == LOOK_HERE ? f->id.postmaster_start_us : 0;
    facts_missing(f, "host",
                  d->where == LOOK_HERE ? "the server runs on another machine" : d->why_not);
    looked(d);
}

static void after_sql(struct discover *d, struct server_facts *f, struct effects *fx)
{
    d->state = DISCOVER_DONE;
    if (d->own)
        runtime_facts_leave_out(&f->runtime, d->own, d->wall_us);
    if (!d->settings_only || d->known_start_us != f->id.postmaster_start_us)
        look(d, f, fx);
}

void discover_host(struct discover *d, struct server_facts *f, enum discover_where where,
                   const char *why_not, struct effects *fx)
{
    d->where = where;
    text_copy(d->why_not, sizeof d->why_not, why_not);
    switch (d->state) {
    case DISCOVER_UNDECIDED:
        if (where != LOOK_UNDECIDED)
            look(d, f, fx);
        break;
    case DISCOVER_HOST:
        if (where == LOOK_BY_SSH) { /* what runs was lost with the former link */
            effects_add(fx, FX_TIMER_STOP,
                        (struct req){OWNER_DISCOVERY, d->generation, d->waiting + 1});
            look(d, f, fx);
        }
        break;
    case DISCOVER_DONE:
        if (where == LOOK_BY_SSH)
            look(d, f, fx);
        break;
    case DISCOVER_IDLE:
    case DISCOVER_SQL:
    case DISCOVER_FAILED:
        if (where == LOOK_BY_SSH)
            d->known_start_us = 0; /* the statements that run, or the next ones, lead to the host */
        break;
    }
}

static void send_next(struct discover *d, struct server_facts *f, struct effects *fx)
{
    d->at = discover_query_next(d->at, f, d->settings_only, d->pooled);
    while (d->no_sizes && d->at < discover_query_count && discover_queries[d->at].size)
        d->at = discover_query_next(d->at + 1, f, d->settings_only, d->pooled);
    if (d->at == discover_query_count) {
        after_sql(d, f, fx);
        return;
    }
    const struct discover_query *q = &discover_queries[d->at];
    d->state = DISCOVER_SQL;
    if (!q->statements) {
        fx_sql(fx, next_req(d), CONN_CONTROL, query_text(q), QUERY_DEADLINE_MS);
        return;
    }
    struct buf text = {0}, steps = {0};
    traffic_fill_in(query_text(q), f->id.version_num, f->statements_schema, &text);
    extension_call_sql(f->statements_schema, false, buf_text(&text), &steps);
    fx_sql(fx, next_req(d), CONN_CONTROL, buf_text(&steps), QUERY_DEADLINE_MS);
    fx_several(fx);
    buf_clear(&text);
    buf_clear(&steps);
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

void discover_again(struct discover *d, struct server_facts *f, struct effects *fx)
{
    runtime_facts_forget(&f->runtime);
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
    /* What has locked a relation since the statement looked who does is seen by it now. */
    if (ev->err.code == ERR_SQL && strcmp(ev->err.sqlstate, "55P03") == 0 && !d->asked_twice) {
        d->asked_twice = true;
        send_next(d, f, fx);
        return;
    }
    d->asked_twice = false;
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

/* The host could not be looked at. What was known of it before is still the best guess while nothing but the link is lost;
 * whatever answers by ssh without saying what it is may be another machine. */
static void unseen(struct discover *d, struct server_facts *f, const char *why, bool lost)
{
    facts_missing(f, "host", why);
    if (d->by_ssh && !lost)
        f->id.reached = f->id.over_ssh = false;
    d->known_start_us = 0;
    looked(d);
}

static void take_host(struct discover *d, struct server_facts *f, const struct event *ev,
                      struct effects *fx)
{
    struct req timer = ev->req;
    timer.id++;
    effects_add(fx, FX_TIMER_STOP, timer);
    if (ev->err.code != ERR_NONE) {
        unseen(d, f, ev->err.msg, ev->err.code == ERR_LOST);
        return;
    }
    host_facts_parse(ev->text ? ev->text : "", &f->host, &f->id);
    f->id.over_ssh = d->by_ssh && f->host.known;
    if (!f->host.known)
        facts_missing(f, "host",
                      f->host.why_not[0] ? f->host.why_not
                                         : "the server's processes are not visible there");
    else if (f->host.no_proc)
        facts_missing(f, "host", "it has no /proc: its memory, processors and disks are unknown");
    else
        facts_not_missing(f, "host");
    if (f->host.known && !f->id.reached)
        facts_missing(f, "data directory", "our operating-system user may not read it");
    else
        facts_not_missing(f, "data directory");
    looked(d);
}

void discover_step(struct discover *d, struct server_facts *f, const struct event *ev,
                   struct effects *fx)
{
    if (ev->req.owner != OWNER_DISCOVERY || ev->req.generation != d->generation)
        return;
    bool expected = ev->req.id == d->waiting;
    d->wall_us = ev->wall_us;
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
            unseen(d, f, "the script that looks at the machine did not end in time", false);
        }
        break;
    case DISCOVER_IDLE:
    case DISCOVER_UNDECIDED:
    case DISCOVER_DONE:
    case DISCOVER_FAILED:
        break;
    }
}
