/* pg_link.c - statements on one connection, never blocking.
 *
 * Results are read row by row: libpq would otherwise keep an unbounded answer in memory, and turning
 * a long one into rows at once would stall the loop. */
#include "pgd/io/pg_link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pgd/base/log.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/io/pg_answer.h"
#include "pgd/io/pg_connect.h"
#include "pgd/io/pg_error.h"

enum { NOTICES_PER_STATEMENT = 50, PREPARE_TRIES = 50 };

/* What a link does, what it waits for, and where it may go:
 *
 * DOWN        nothing; statements are answered as lost. To CONNECTING when asked to connect.
 * CONNECTING  a thread connects. Waits for it or for the deadline. To PREPARING, or to DOWN.
 * PREPARING   is connected, for nobody yet: the statements that came with the connect run. Waits for their
 *             end or for the same deadline. To IDLE, or to DOWN. A time limit that the server gives the
 *             session may cancel them before they have lifted it: they are tried again.
 * IDLE        is connected. Waits for a statement. To BUSY; to DOWN when the server goes away.
 * BUSY        the first of the queue runs. Waits for its end or its deadline. To IDLE, to CANCELLING
 *             (deadline, DBA, too many rows), to DOWN.
 * CANCELLING  a cancel request is on its way. Waits for the end of the statement and of the request:
 *             without the second the request might hit the next statement. To IDLE; to DOWN when both
 *             are not there in time. */
enum link_state {
    LINK_DOWN,
    LINK_CONNECTING,
    LINK_PREPARING,
    LINK_IDLE,
    LINK_BUSY,
    LINK_CANCELLING
};

enum cancel_why { WHY_DBA, WHY_DEADLINE, WHY_TOO_BIG };

struct statement {
    struct statement *next;
    struct req req;
    char *sql; /* owned */
    int ms;
    bool several; /* statements in one message */
};

struct pg_link {
    struct loop *loop;
    enum pg_conn conn;
    enum link_state state;
    struct req req; /* of the last connect */
    int connect_ms;
    char *prepare; /* owned; NULL = nothing is to be prepared */
    int prepare_tries;
    bool probed; /* PREPARING: it is known whether a pooler is there; then k->prepare runs */
    bool pooled; /* one is: k->prepare did not run */
    bool used_password;
    char host[256], port[16];
    char dbname[64];            /* as the newest attempt named it */
    struct pg_attempt *attempt; /* borrowed from its thread; CONNECTING only */
    PGconn *pg;                 /* owned; PREPARING and later */
    struct pg_notices *notices; /* owned; with pg */
    uv_poll_t *poll;            /* owned; with pg */
    int armed;                  /* what the poll waits for */
    uv_timer_t timer;
    struct statement *first, *last; /* the first runs when BUSY or CANCELLING */
    struct pg_answer answer;
    enum cancel_why why;
    bool answered;    /* CANCELLING: the statement has ended */
    bool cancel_sent; /* CANCELLING: the request has ended */
    bool half_time;   /* CANCELLING: half of the grace is over */
    uint32_t session; /* raised with every connection: late cancels are told apart */
    int cancels;      /* threads that send one */
};

static void send_next(struct pg_link *k);
static bool flush(struct pg_link *k);
static void drop(struct pg_link *k, const struct err *why, bool hung);

/* -- events ------------------------------------------------------------------------------------- */

static void post_down(struct pg_link *k, const struct err *why, bool needs, bool used)
{
    struct event ev = {.kind = EV_PG_DOWN, .req = k->req, .err = *why};
    ev.u.pg.conn = k->conn;
    ev.u.pg.needs_password = needs;
    ev.u.pg.used_password = used;
    text_copy(ev.u.pg.host, sizeof(ev.u.pg.host), k->host);
    text_copy(ev.u.pg.port, sizeof(ev.u.pg.port), k->port);
    text_copy_raw(ev.u.pg.dbname, sizeof(ev.u.pg.dbname), k->dbname);
    loop_post(k->loop, &ev);
}

/* What another program has to know to connect in the same way, as libpq's variables: all that is not the default,
 * wherever it came from. Address, names and the password travel apart. */
static char *same_way(PGconn *pg)
{
    static const char *const apart[] = {"host",     "hostaddr",         "port",
                                        "user",     "dbname",           "password",
                                        "passfile", "application_name", "client_encoding"};
    PQconninfoOption *options = PQconninfo(pg);
    struct buf b = {0};

    for (const PQconninfoOption *o = options; o && o->keyword; o++) {
        bool take = o->envvar && o->val && o->val[0] && !strpbrk(o->val, "\n\r") &&
                    (!o->compiled || strcmp(o->val, o->compiled) != 0) &&
                    strcmp(o->envvar, "PGSERVICE") != 0 && strcmp(o->envvar, "PGSERVICEFILE") != 0;
        for (size_t i = 0; take && i < ARRAY_LEN(apart); i++)
            take = strcmp(o->keyword, apart[i]) != 0;
        if (take)
            buf_printf(&b, "%s=%s\n", o->envvar, o->val);
    }
    PQconninfoFree(options);
    return b.len ? buf_take(&b) : NULL;
}

static void post_up(struct pg_link *k, bool used_password)
{
    struct event ev = {.kind = EV_PG_UP, .req = k->req};
    const char *addr = PQhostaddr(k->pg), *user = PQuser(k->pg), *db = PQdb(k->pg);
    ev.u.pg.conn = k->conn;
    ev.u.pg.server_version = PQserverVersion(k->pg);
    ev.u.pg.backend_pid = PQbackendPID(k->pg);
    ev.u.pg.used_password = used_password;
    ev.u.pg.tls = PQsslInUse(k->pg) != 0;
    ev.u.pg.pooled = k->pooled;
    text_copy_raw(ev.u.pg.host, sizeof(ev.u.pg.host), k->host);
    text_copy_raw(ev.u.pg.port, sizeof(ev.u.pg.port), k->port);
    text_copy_raw(ev.u.pg.hostaddr, sizeof(ev.u.pg.hostaddr), addr ? addr : "");
    text_copy_raw(ev.u.pg.user, sizeof(ev.u.pg.user), user ? user : "");
    text_copy_raw(ev.u.pg.dbname, sizeof(ev.u.pg.dbname), db ? db : "");
    const char *password = used_password ? PQpass(k->pg) : NULL;
    if (k->conn == CONN_CONTROL && password && password[0])
        ev.u.pg.password = secret_put(password, strlen(password));
    if (k->conn == CONN_CONTROL && (ev.text = same_way(k->pg)))
        ev.len = strlen(ev.text);
    loop_post(k->loop, &ev);
}

/* Answers the first statement of the queue and takes it off. */
static void answer_first(struct pg_link *k, const struct err *why, struct rows *rows)
{
    struct statement *s = k->first;
    k->first = s->next;
    if (!k->first)
        k->last = NULL;
    struct event ev = {.kind = EV_PG_RESULT, .req = s->req, .rows = rows};
    ev.u.pg.conn = k->conn;
    if (why)
        ev.err = *why;
    loop_post(k->loop, &ev);
    free(s->sql);
    free(s);
}

static void answer_all(struct pg_link *k, const struct err *why)
{
    pg_answer_clear(&k->answer);
    while (k->first)
        answer_first(k, why, NULL);
}

/* -- cancelling --------------------------------------------------------------------------------- */

struct canceller {
    struct inbox *inbox; /* held */
    struct pg_link *link;
    PGcancel *cancel;
    uint32_t session;
    char text[256];
    bool ok;
};

static void canceller_free(struct canceller *c)
{
    PQfreeCancel(c->cancel);
    inbox_drop(c->inbox);
    free(c);
}

/* Both ends of a cancel are there: the link is free again. */
static void settle(struct pg_link *k)
{
    if (k->state != LINK_CANCELLING || !k->answered || !k->cancel_sent)
        return;
    uv_timer_stop(&k->timer);
    k->state = LINK_IDLE;
    send_next(k);
}

static void on_cancel_sent(void *arg)
{
    struct canceller *c = arg;
    struct pg_link *k = c->link;
    k->cancels--;
    if (!c->ok)
        log_line(LOG_WARN, "cancel request failed: %s", c->text);
    if (c->session == k->session) {
        k->cancel_sent = true;
        settle(k);
    }
    canceller_free(c);
}

/* PQcancel() blocks, for as long as the postmaster likes. */
static void cancel_main(void *arg)
{
    struct canceller *c = arg;
    c->ok = PQcancel(c->cancel, c->text, (int)sizeof(c->text)) != 0;
    if (!inbox_call(c->inbox, on_cancel_sent, c))
        canceller_free(c);
}

static void request_cancel(struct pg_link *k)
{
    struct canceller *c = xcalloc(1, sizeof(*c));
    c->cancel = PQgetCancel(k->pg);
    c->inbox = inbox_hold(k->loop->inbox);
    c->link = k;
    c->session = k->session;
    k->cancel_sent = false;
    if (c->cancel && loop_thread(cancel_main, c)) {
        k->cancels++;
        return;
    }
    k->cancel_sent = true;
    canceller_free(c);
}

/* The grace is over: whatever the server does, this connection is of no use. */
static void on_grace_over(struct pg_link *k)
{
    struct err why = {0};
    if (!k->answered && k->why == WHY_DEADLINE)
        err_set(&why, ERR_TIMEOUT, "no answer within %.3g s, nor to a cancel request",
                k->first->ms / 1000.0);
    else
        err_set(&why, ERR_TIMEOUT, "the server does not answer a cancel request");
    err_detail(&why, "The statement may still run on the server.");
    if (!k->answered)
        answer_first(k, &why, NULL);
    pg_error_lost(&why, k->host, k->port, "it did not answer a cancel request");
    drop(k, &why, true);
}

static void on_grace(uv_timer_t *h)
{
    struct pg_link *k = h->data;
    const int64_t t = loop_enter();
    if (k->half_time) {
        on_grace_over(k);
    } else {
        k->half_time = true;
        uv_timer_start(&k->timer, on_grace, PG_CANCEL_GRACE_MS / 2, 0);
        if (!k->answered && k->cancel_sent)
            request_cancel(k); /* the first may have come before the statement began */
    }
    loop_leave(k->loop, t, "pg grace");
}

static void start_cancel(struct pg_link *k, enum cancel_why why)
{
    k->state = LINK_CANCELLING;
    k->why = why;
    k->answered = false;
    k->half_time = false;
    uv_update_time(&k->loop->uv);
    uv_timer_start(&k->timer, on_grace, PG_CANCEL_GRACE_MS / 2, 0);
    request_cancel(k);
}

static void on_deadline(uv_timer_t *h)
{
    struct pg_link *k = h->data;
    if (k->state == LINK_BUSY)
        start_cancel(k, WHY_DEADLINE);
}

void pg_link_cancel(struct pg_link *k)
{
    struct err why = {0};
    if (k->state == LINK_BUSY) {
        start_cancel(k, WHY_DBA);
    } else if (k->state == LINK_CANCELLING && k->answered && k->first) {
        /* Next in the queue, and for its asker it runs already. */
        err_set(&why, ERR_CANCELLED, "the statement was cancelled before it began");
        answer_first(k, &why, NULL);
    }
}

int pg_link_cancels(const struct pg_link *k)
{
    return k->cancels;
}

/* -- the end of a connection --------------------------------------------------------------------- */

/* Gives the connection back. hung: the peer may not read any more, so it gets no farewell. */
static void disconnect(struct pg_link *k, bool hung)
{
    uv_timer_stop(&k->timer);
    k->session++;
    k->state = LINK_DOWN;
    if (k->attempt)
        pg_connect_abandon(k->attempt);
    k->attempt = NULL;
    if (k->poll) {
        uv_poll_stop(k->poll); /* before the descriptor goes: libuv aborts on a foreign one */
        loop_close_free((uv_handle_t *)k->poll);
    }
    k->poll = NULL;
    k->armed = 0;
    if (k->pg) {
        if (hung)
            shutdown(PQsocket(k->pg), SHUT_RDWR);
        PQfinish(k->pg);
    }
    k->pg = NULL;
    pg_notices_free(k->notices);
    k->notices = NULL;
}

/* The server went away by itself. */
static void drop(struct pg_link *k, const struct err *why, bool hung)
{
    disconnect(k, hung);
    answer_all(k, why);
    post_down(k, why, false, false);
}

static void drop_lost(struct pg_link *k)
{
    struct err why = {0};
    const char *fatal = k->notices->fatal;
    const bool was_open = k->state != LINK_PREPARING;
    pg_error_lost(&why, k->host, k->port, fatal[0] ? fatal : PQerrorMessage(k->pg));
    if (k->answer.failed && k->answer.err.code == ERR_LOST) {
        err_detail(&why, "%s.", k->answer.err.msg); /* the server's last words */
        text_copy(why.sqlstate, sizeof(why.sqlstate), k->answer.err.sqlstate);
    }
    if (!was_open)
        why.code = ERR_CONNECT;
    drop(k, &why, false);
}

void pg_link_close(struct pg_link *k)
{
    struct err why = {0};
    if (k->state == LINK_BUSY)
        request_cancel(k);
    disconnect(k, false);
    err_set(&why, ERR_LOST, "the connection was closed");
    answer_all(k, &why);
}

/* -- statements ---------------------------------------------------------------------------------- */

/* What the answer of a cancelled statement means depends on who cancelled it. */
static void judge_cancelled(struct pg_link *k)
{
    struct err *e = &k->answer.err;
    const bool by_cancel = k->answer.failed && strcmp(e->sqlstate, "57014") == 0;
    if (k->why == WHY_TOO_BIG) {
        err_set(e, ERR_FORMAT, "the answer is longer than %d rows or %d MiB", PG_ROWS_MAX,
                PG_BYTES_MAX / 1024 / 1024);
        k->answer.failed = true;
    } else if (by_cancel && k->why == WHY_DEADLINE) {
        err_set(e, ERR_TIMEOUT, "no answer within %.3g s", k->first->ms / 1000.0);
    } else if (by_cancel) {
        err_set(e, ERR_CANCELLED, "the statement was cancelled");
    }
    if (by_cancel)
        text_copy(e->sqlstate, sizeof(e->sqlstate), "57014");
}

/* The number that a connection is known by is the one of the backend at its other end, unless a pooler stands between: then
 * the session is not ours alone, and nothing may be set in it. */
static const char probe[] = "SELECT pg_catalog.pg_backend_pid()";

static void prepare_session(struct pg_link *k)
{
    k->state = LINK_PREPARING;
    k->prepare_tries++;
    if (!PQsendQuery(k->pg, k->probed ? k->prepare : probe) || !flush(k))
        drop_lost(k);
}

static void take_probe(struct pg_link *k)
{
    const char *pid = k->answer.nrows == 1 && k->answer.ncols == 1 ? k->answer.cells[0] : NULL;
    k->probed = true;
    k->prepare_tries = 0;
    k->pooled = pid && strtol(pid, NULL, 10) != PQbackendPID(k->pg);
}

static void usable(struct pg_link *k)
{
    uv_timer_stop(&k->timer);
    k->state = LINK_IDLE;
    post_up(k, k->used_password);
}

static void end_preparing(struct pg_link *k)
{
    struct err why = k->answer.err;
    const bool failed = k->answer.failed;
    const bool limited = strcmp(why.sqlstate, "57014") == 0 && k->prepare_tries < PREPARE_TRIES;
    if (failed && why.code == ERR_LOST) {
        drop_lost(k);
        return;
    }
    const bool probing = !failed && !k->probed;
    if (probing)
        take_probe(k);
    pg_answer_clear(&k->answer);
    if ((failed && limited) || (probing && !k->pooled)) {
        prepare_session(k);
    } else if (failed) {
        char said[160];
        text_copy(said, sizeof(said), why.msg);
        why.code = ERR_CONNECT;
        err_set(&why, ERR_CONNECT, "the new session cannot be set up: %s", said);
        drop(k, &why, false);
    } else {
        usable(k);
    }
}

static void end_statement(struct pg_link *k)
{
    if (k->state == LINK_PREPARING) {
        end_preparing(k);
        return;
    }
    if (k->answer.failed && k->answer.err.code == ERR_LOST) {
        drop_lost(k);
        return;
    }
    if (k->state == LINK_CANCELLING)
        judge_cancelled(k);
    if (k->answer.failed)
        answer_first(k, &k->answer.err, NULL);
    else
        answer_first(k, NULL, pg_answer_take(&k->answer));
    pg_answer_clear(&k->answer);
    if (k->state == LINK_CANCELLING) {
        k->answered = true;
        settle(k);
        return;
    }
    uv_timer_stop(&k->timer);
    k->state = LINK_IDLE;
    send_next(k);
}

static bool runs(const struct pg_link *k)
{
    return k->state == LINK_PREPARING || k->state == LINK_BUSY ||
           (k->state == LINK_CANCELLING && !k->answered);
}

/* Takes what has arrived, without ever waiting. */
static void read_results(struct pg_link *k)
{
    while (k->pg && !PQisBusy(k->pg) && runs(k)) {
        PGresult *res = PQgetResult(k->pg);
        if (!res) {
            end_statement(k);
            continue;
        }
        const bool known = pg_answer_add(&k->answer, res);
        PQclear(res);
        if (!known) {
            struct err why = {0};
            err_set(&why, ERR_FORMAT, "COPY is not possible here");
            if (k->first)
                answer_first(k, &why, NULL);
            drop(k, &why, true);
        } else if (k->answer.too_big && k->state == LINK_BUSY) {
            start_cancel(k, WHY_TOO_BIG);
        }
    }
    PGnotify *n;
    while (k->pg && (n = PQnotifies(k->pg)))
        PQfreemem(n);
}

static void on_ready(uv_poll_t *h, int status, int events);

/* Sends what is left to send and sets what the poll waits for. */
static bool flush(struct pg_link *k)
{
    const int rc = PQflush(k->pg);
    if (rc < 0)
        return false;
    const int want = UV_READABLE | (rc > 0 ? UV_WRITABLE : 0);
    if (want != k->armed)
        uv_poll_start(k->poll, want, on_ready);
    k->armed = want;
    return true;
}

static void serve(struct pg_link *k, int status)
{
    if (status < 0)
        k->armed = 0; /* libuv has stopped the handle; libpq will find out why */
    const bool alive = PQconsumeInput(k->pg) != 0;
    read_results(k);
    if (k->pg && (!alive || !flush(k) || status < 0 || PQstatus(k->pg) == CONNECTION_BAD))
        drop_lost(k);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
    struct pg_link *k = h->data;
    (void)events;
    const int64_t t = loop_enter();
    serve(k, status);
    loop_leave(k->loop, t, "pg answer");
}

static void send_next(struct pg_link *k)
{
    struct statement *s = k->first;
    if (k->state != LINK_IDLE || !s)
        return;
    k->state = LINK_BUSY;
    k->notices->left = NOTICES_PER_STATEMENT;
    k->notices->req = s->req;
    if (!(s->several ? PQsendQuery(k->pg, s->sql)
                     : PQsendQueryParams(k->pg, s->sql, 0, NULL, NULL, NULL, NULL, 0)) ||
        !PQsetSingleRowMode(k->pg) || !flush(k)) {
        drop_lost(k);
        return;
    }
    if (s->ms > 0) {
        uv_update_time(&k->loop->uv);
        uv_timer_start(&k->timer, on_deadline, (uint64_t)s->ms, 0);
    }
}

void pg_link_query(struct pg_link *k, struct effect *e)
{
    struct statement *s = xcalloc(1, sizeof(*s));
    s->req = e->req;
    s->ms = e->ms;
    s->several = e->u.pg.several;
    s->sql = e->text ? e->text : xstrdup("");
    e->text = NULL;
    if (k->last)
        k->last->next = s;
    else
        k->first = s;
    k->last = s;
    if (k->state == LINK_DOWN || k->state == LINK_CONNECTING || k->state == LINK_PREPARING) {
        struct err why = {0};
        err_set(&why, ERR_LOST, "there is no connection to the server");
        answer_all(k, &why);
        return;
    }
    send_next(k);
}

/* -- connecting ---------------------------------------------------------------------------------- */

static void take_connection(struct pg_link *k, struct pg_attempt *a)
{
    k->pg = pg_connect_take(a, &k->notices);
    k->poll = xcalloc(1, sizeof(*k->poll));
    const int rc = uv_poll_init(&k->loop->uv, k->poll, PQsocket(k->pg));
    if (rc != 0) {
        struct err why = {0};
        free(k->poll);
        k->poll = NULL;
        err_set(&why, ERR_CONNECT, "cannot watch the connection: %s", uv_strerror(rc));
        drop(k, &why, false);
        return;
    }
    k->poll->data = k;
    k->used_password = pg_connect_used_password(a);
    k->prepare_tries = 0;
    k->probed = k->pooled = false;
    if (k->prepare)
        prepare_session(k);
    else if (flush(k))
        usable(k);
    else
        drop_lost(k);
}

static void on_attempt(void *arg, struct pg_attempt *a)
{
    struct pg_link *k = arg;
    k->attempt = NULL;
    k->state = LINK_DOWN;
    if (pg_connect_host(a)[0])
        text_copy_raw(k->host, sizeof(k->host), pg_connect_host(a));
    text_copy_raw(k->dbname, sizeof(k->dbname), pg_connect_dbname(a));
    if (pg_connect_port(a)[0])
        text_copy_raw(k->port, sizeof(k->port), pg_connect_port(a));
    const struct err *why = pg_connect_err(a);
    if (why->code == ERR_NONE) {
        take_connection(k, a);
    } else {
        uv_timer_stop(&k->timer);
        post_down(k, why, pg_connect_needs_password(a), pg_connect_used_password(a));
    }
    pg_connect_release(a);
}

static void on_connect_deadline(uv_timer_t *h)
{
    struct pg_link *k = h->data;
    struct err why = {0};
    const bool silent = k->state == LINK_PREPARING;
    disconnect(k, silent);
    err_set(&why, ERR_CONNECT, "no connection to %s within %.3g s",
            k->host[0] ? k->host : "the server", k->connect_ms / 1000.0);
    if (silent)
        err_detail(&why, "It let us in, and then did not answer the first statement.");
    err_hint(&why,
             "A firewall may drop the packets, the name service may hang, or the host is down.");
    pg_answer_clear(&k->answer);
    post_down(k, &why, false, false);
}

static const char *value_of(const struct effect *e, const char *key)
{
    const char *value = "";
    for (size_t i = 0; e->u.pg.keys && e->u.pg.keys[i]; i++)
        if (strcmp(e->u.pg.keys[i], key) == 0 && e->u.pg.values[i])
            value = e->u.pg.values[i];
    return value;
}

void pg_link_connect(struct pg_link *k, struct effect *e)
{
    pg_link_close(k);
    k->req = e->req;
    k->connect_ms = e->ms;
    free(k->prepare);
    k->prepare = e->text;
    e->text = NULL;
    text_copy_raw(k->host, sizeof(k->host), value_of(e, "host"));
    text_copy_raw(k->port, sizeof(k->port), value_of(e, "port"));
    k->state = LINK_CONNECTING;
    k->attempt = pg_connect_start(k->loop, k->conn, e->req, e->u.pg.keys, e->u.pg.values,
                                  secret_get(e->u.pg.password), on_attempt, k);
    e->u.pg.keys = e->u.pg.values = NULL;
    if (e->ms > 0) {
        uv_update_time(&k->loop->uv);
        uv_timer_start(&k->timer, on_connect_deadline, (uint64_t)e->ms, 0);
    }
}

/* -- life ---------------------------------------------------------------------------------------- */

struct pg_link *pg_link_new(struct loop *l, enum pg_conn conn)
{
    struct pg_link *k = xcalloc(1, sizeof(*k));
    k->loop = l;
    k->conn = conn;
    uv_timer_init(&l->uv, &k->timer);
    k->timer.data = k;
    return k;
}

void pg_link_shut(struct pg_link *k)
{
    pg_link_close(k);
    uv_close((uv_handle_t *)&k->timer, NULL);
}

void pg_link_free(struct pg_link *k)
{
    free(k->prepare);
    free(k);
}
