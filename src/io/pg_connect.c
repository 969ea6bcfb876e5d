/* pg_connect.c - the thread that connects.
 *
 * The thread owns the attempt until it hands it to the loop. The loop may abandon it at any time by a
 * flag; the deadline is the loop's as well, since nothing can interrupt a name look-up. */
#include "pgd/io/pg_connect.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/io/pg_error.h"

enum { SLICE_MS = 100, NOTICES_AT_LOGIN = 20, NOTICE_MAX = 2048 };

struct pg_attempt {
    struct inbox *inbox; /* held */
    atomic_bool abandoned;
    char **keys, **values; /* owned; values may hold the password */
    pg_attempt_fn done;
    void *arg;
    PGconn *pg;
    struct pg_notices *notices;
    struct err err;
    bool needs_password, used_password;
    char host[256], port[16];
    char dbname[64];
};

/* -- notices ----------------------------------------------------------------------------------- */

struct notice {
    struct loop *loop;
    struct event ev;
};

static void post_notice(void *arg)
{
    struct notice *n = arg;
    loop_post(n->loop, &n->ev);
    free(n);
}

/* libpq's own receiver prints on stderr, across the screen. */
static void on_notice(void *arg, const PGresult *res)
{
    struct pg_notices *n = arg;
    const char *severity = PQresultErrorField(res, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *primary = PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
    if (!primary)
        primary = PQresultErrorMessage(res);
    if (severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0))
        text_copy(n->fatal, sizeof(n->fatal), primary);
    if (n->left-- <= 0)
        return;
    struct notice *copy = xcalloc(1, sizeof(*copy));
    copy->loop = n->loop;
    copy->ev.kind = EV_PG_NOTICE;
    copy->ev.req = n->req;
    copy->ev.u.pg.conn = n->conn;
    char *text = xmalloc(NOTICE_MAX);
    snprintf(text, NOTICE_MAX, "%s: %s", severity ? severity : "NOTICE", primary);
    copy->ev.text = text;
    copy->ev.len = strlen(text);
    if (!n->in_thread) {
        post_notice(copy);
    } else if (!inbox_call(n->inbox, post_notice, copy)) {
        free(copy->ev.text);
        free(copy);
    }
}

static struct pg_notices *notices_new(struct loop *l, enum pg_conn conn, struct req req)
{
    struct pg_notices *n = xcalloc(1, sizeof(*n));
    n->inbox = inbox_hold(l->inbox);
    n->loop = l;
    n->conn = conn;
    n->req = req;
    n->in_thread = true;
    n->left = NOTICES_AT_LOGIN;
    return n;
}

void pg_notices_free(struct pg_notices *n)
{
    if (!n)
        return;
    inbox_drop(n->inbox);
    free(n);
}

/* -- in the thread ------------------------------------------------------------------------------ */

/* Answers for libpq where it would ask on the terminal: sslpassword if given, else nothing. */
static int no_passphrase_prompt(char *buf, int size, PGconn *conn)
{
    return PQdefaultSSLKeyPassHook_OpenSSL(buf, size, conn);
}

void pg_connect_setup(void)
{
    PQsetSSLKeyPassHook_OpenSSL(no_passphrase_prompt);
}

/* The parameter wherever it was given: connection string, service file or environment. */
static int connect_timeout_of(PGconn *pg)
{
    PQconninfoOption *all = PQconninfo(pg);
    int seconds = 0;
    for (const PQconninfoOption *o = all; o && o->keyword; o++)
        if (strcmp(o->keyword, "connect_timeout") == 0 && o->val)
            seconds = atoi(o->val);
    PQconninfoFree(all);
    return seconds == 1 ? 2 : seconds;
}

/* Which host of the list is being tried, to give each its own time. */
static void current_host(PGconn *pg, char *dst, size_t size)
{
    const char *host = PQhost(pg), *addr = PQhostaddr(pg), *port = PQport(pg);
    snprintf(dst, size, "%s|%s|%s", host ? host : "", addr ? addr : "", port ? port : "");
}

/* Waits for the socket; false when the attempt was abandoned. A host that is out of time has its socket
 * shut down, upon which libpq goes on to the next one. */
static bool wait_for_socket(struct pg_attempt *a, short events, int64_t until_us)
{
    while (!atomic_load(&a->abandoned)) {
        struct pollfd p = {.fd = PQsocket(a->pg), .events = events};
        const int n = poll(&p, 1, SLICE_MS);
        if (n > 0 || p.fd < 0)
            return true;
        if (until_us > 0 && io_now_us() > until_us) {
            shutdown(p.fd, SHUT_RDWR);
            return true;
        }
    }
    return false;
}

static bool poll_until_connected(struct pg_attempt *a)
{
    const int seconds = connect_timeout_of(a->pg);
    char host[400] = "", now[400];
    int64_t until = 0;
    PostgresPollingStatusType st = PGRES_POLLING_WRITING;
    while (st == PGRES_POLLING_READING || st == PGRES_POLLING_WRITING) {
        current_host(a->pg, now, sizeof(now));
        if (seconds > 0 && (until == 0 || strcmp(host, now) != 0)) {
            until = io_now_us() + (int64_t)seconds * 1000000;
            memcpy(host, now, sizeof(host));
        }
        if (!wait_for_socket(a, st == PGRES_POLLING_READING ? POLLIN : POLLOUT, until))
            return false;
        const bool late = until > 0 && io_now_us() > until;
        st = PQconnectPoll(a->pg);
        if (late && st == PGRES_POLLING_FAILED)
            err_detail(&a->err, "No answer within %d s.", seconds);
    }
    return st == PGRES_POLLING_OK;
}

static void copy_place(struct pg_attempt *a)
{
    const char *host = PQhost(a->pg), *port = PQport(a->pg);
    text_copy(a->host, sizeof(a->host), host ? host : "");
    text_copy(a->port, sizeof(a->port), port ? port : "");
    const char *db = PQdb(a->pg);
    text_copy_raw(a->dbname, sizeof(a->dbname), db ? db : "");
}

static void explain_failure(struct pg_attempt *a)
{
    struct err late = a->err;
    copy_place(a);
    a->needs_password = PQconnectionNeedsPassword(a->pg);
    a->used_password = PQconnectionUsedPassword(a->pg);
    pg_error_connect(&a->err, PQerrorMessage(a->pg), a->host, a->port, a->needs_password,
                     a->used_password);
    if (late.detail[0])
        err_detail(&a->err, "%s", late.detail);
}

static void finish_connection(struct pg_attempt *a)
{
    PQfinish(a->pg);
    pg_notices_free(a->notices);
    a->pg = NULL;
    a->notices = NULL;
}

static void establish(struct pg_attempt *a)
{
    a->pg = PQconnectStartParams((const char *const *)a->keys, (const char *const *)a->values, 1);
    if (!a->pg) {
        err_set(&a->err, ERR_CONNECT, "libpq is out of memory");
        finish_connection(a);
        return;
    }
    PQsetNoticeReceiver(a->pg, on_notice, a->notices);
    const bool up = PQstatus(a->pg) != CONNECTION_BAD && poll_until_connected(a);
    if (up && !atomic_load(&a->abandoned)) {
        PQsetnonblocking(a->pg, 1);
        copy_place(a);
        a->used_password = PQconnectionUsedPassword(a->pg);
        err_clear(&a->err);
        return;
    }
    if (!up)
        explain_failure(a);
    finish_connection(a);
}

static void hand_over(void *arg)
{
    struct pg_attempt *a = arg;
    if (atomic_load(&a->abandoned)) {
        pg_connect_release(a);
        return;
    }
    if (a->notices)
        a->notices->in_thread = false;
    a->done(a->arg, a);
}

static void connect_main(void *arg)
{
    struct pg_attempt *a = arg;
    establish(a);
    if (!inbox_call(a->inbox, hand_over, a))
        pg_connect_release(a);
}

/* -- in the loop's thread ----------------------------------------------------------------------- */

/* Appends a pair to the two lists, which are NULL-terminated and as long as each other. */
static void add_pair(struct pg_attempt *a, const char *key, const char *value)
{
    size_t n = 0;
    while (a->keys && a->keys[n])
        n++;
    a->keys = xrealloc(a->keys, (n + 2) * sizeof(*a->keys));
    a->values = xrealloc(a->values, (n + 2) * sizeof(*a->values));
    a->keys[n] = xstrdup(key);
    a->values[n] = xstrdup(value);
    a->keys[n + 1] = a->values[n + 1] = NULL;
}

struct pg_attempt *pg_connect_start(struct loop *l, enum pg_conn conn, struct req req, char **keys,
                                    char **values, const char *password, pg_attempt_fn done,
                                    void *arg)
{
    struct pg_attempt *a = xcalloc(1, sizeof(*a));
    a->inbox = inbox_hold(l->inbox);
    atomic_init(&a->abandoned, false);
    a->keys = keys;
    a->values = values;
    a->done = done;
    a->arg = arg;
    a->notices = notices_new(l, conn, req);
    if (password[0])
        add_pair(a, "password", password);
    add_pair(a, "fallback_application_name", "pg_diagnose");
    add_pair(a, "client_encoding", "UTF8");
    if (!loop_thread(connect_main, a)) {
        err_set(&a->err, ERR_CONNECT, "cannot start a thread for the connection");
        pg_notices_free(a->notices);
        a->notices = NULL;
        inbox_call(a->inbox, hand_over, a);
    }
    return a;
}

void pg_connect_abandon(struct pg_attempt *a)
{
    atomic_store(&a->abandoned, true);
}

const struct err *pg_connect_err(const struct pg_attempt *a)
{
    return &a->err;
}

bool pg_connect_needs_password(const struct pg_attempt *a)
{
    return a->needs_password;
}

bool pg_connect_used_password(const struct pg_attempt *a)
{
    return a->used_password;
}

const char *pg_connect_host(const struct pg_attempt *a)
{
    return a->host;
}

const char *pg_connect_dbname(const struct pg_attempt *a)
{
    return a->dbname;
}

const char *pg_connect_port(const struct pg_attempt *a)
{
    return a->port;
}

PGconn *pg_connect_take(struct pg_attempt *a, struct pg_notices **notices)
{
    PGconn *pg = a->pg;
    *notices = a->notices;
    a->pg = NULL;
    a->notices = NULL;
    return pg;
}

static void wipe_list(char **list)
{
    for (char **s = list; s && *s; s++) {
        explicit_bzero(*s, strlen(*s));
        free(*s);
    }
    free(list);
}

void pg_connect_release(struct pg_attempt *a)
{
    if (a->pg)
        finish_connection(a);
    wipe_list(a->keys);
    wipe_list(a->values);
    inbox_drop(a->inbox);
    free(a);
}
