/* ssh_thread.c - the life of a link, in its thread: log in, then serve orders and channels until one side ends it.
 *
 * Any call of libssh may take what has come for all channels, so after each wake-up all of them are served until none moves. */
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pgd/base/log.h"
#include "pgd/io/ssh.h"
#include "pgd/io/ssh_auth.h"
#include "pgd/io/ssh_child.h"

enum { POLL_MS = 200, FULL_MS = 10, FIRST_PROBE_US = 500000, PROBE_US = 5000000 };

struct service {
    struct ssh_host *host;
    ssh_session session;
    ssh_event event;
    struct ssh_child *first;
    struct ssh_counter_struct count;
    ssh_channel probe;    /* its opening is under way; NULL = none */
    int64_t probe_due_us; /* the next one; of the one under way: since when */
    uint64_t seen;        /* bytes that had come when something last moved */
    int64_t due_us;       /* since when an answer is due; 0 = none is */
    bool over;            /* the loop wants no more of it */
    struct err err;       /* why the link is lost */
};

static void take_orders(struct service *s, int64_t now_us)
{
    struct ssh_order *o;

    while ((o = ssh_host_next(s->host, false)) != NULL) {
        struct ssh_child *c = s->first;
        if (o->kind == ORDER_EXEC) {
            c = ssh_child_new(s->host, s->session, o);
            c->next = s->first;
            s->first = c;
            continue; /* the order is the channel's */
        }
        while (c && !req_same(c->order->req, o->req))
            c = c->next;
        if (o->kind == ORDER_CLOSE)
            s->over = true;
        else if (c && o->kind == ORDER_INPUT)
            ssh_child_input(c, o->text, o->len);
        else if (c && o->kind == ORDER_KILL)
            ssh_child_kill(c, now_us);
        if (c && o->kind == ORDER_INPUT && s->due_us == 0)
            s->due_us = now_us;
        ssh_order_free(o);
    }
}

static void drop_ended(struct service *s)
{
    for (struct ssh_child **at = &s->first; *at;) {
        struct ssh_child *c = *at;
        if (c->state == SSH_CHILD_OVER) {
            *at = c->next;
            ssh_child_free(c);
        } else {
            at = &c->next;
        }
    }
}

static void serve_channels(struct service *s, int64_t now_us)
{
    bool moved = true;

    while (moved && !s->over) {
        bool reads = !ssh_host_is_full(s->host);
        moved = false;
        for (struct ssh_child *c = s->first; c; c = c->next)
            moved = ssh_child_step(c, reads, now_us) || moved;
        if (!reads)
            break;
    }
    drop_ended(s);
}

/* How long an answer takes, and whether there is one: libssh has no request for that on a client's side, so a channel is opened and
 * closed, on which nothing is run. A host that refuses it has answered, too. */
static void probe(struct service *s, int64_t now_us)
{
    struct event ev = {.kind = EV_SSH_DELAY, .req = s->host->req};

    if (!s->probe && now_us < s->probe_due_us)
        return;
    if (!s->probe) {
        s->probe = ssh_channel_new(s->session);
        s->probe_due_us = now_us;
    }
    if (s->probe && ssh_channel_open_session(s->probe) == SSH_AGAIN)
        return;
    ev.u.ssh.conn = s->host->conn;
    ev.u.ssh.delay_ms = (double)(io_now_us() - s->probe_due_us) / 1000.0;
    if (s->probe)
        ssh_channel_free(s->probe);
    s->probe = NULL;
    s->probe_due_us = now_us + PROBE_US;
    if (!ssh_is_connected(s->session))
        return;
    ssh_host_post(s->host, &ev);
}

/* Whatever comes proves that the other side lives. */
static void watch_for_stall(struct service *s, int64_t now_us)
{
    bool waits = s->probe != NULL;

    for (struct ssh_child *c = s->first; c; c = c->next)
        waits = waits || ssh_child_waits(c);
    if (s->count.in_bytes != s->seen) {
        s->seen = s->count.in_bytes;
        s->due_us = waits ? now_us : 0;
    } else if (waits && s->due_us == 0) {
        s->due_us = now_us;
    }
    if (s->due_us && now_us - s->due_us > (int64_t)SSH_STALL_S * 1000000) {
        err_set(&s->err, ERR_LOST, "the link to %.180s is silent", s->host->host);
        err_detail(&s->err, "Nothing has come for %d s while an answer was due.", SSH_STALL_S);
    }
}

static int on_wake(socket_t fd, int revents, void *arg)
{
    (void)fd;
    (void)revents;
    (void)arg;
    return SSH_OK; /* ssh_host_next() reads the byte */
}

static void serve(struct service *s)
{
    while (!s->over && s->err.code == ERR_NONE && !atomic_load(&s->host->abandoned)) {
        int rc = ssh_event_dopoll(s->event, ssh_host_is_full(s->host) ? FULL_MS : POLL_MS);
        int64_t now_us = io_now_us();
        take_orders(s, now_us);
        serve_channels(s, now_us);
        probe(s, io_now_us());
        if (rc == SSH_ERROR || !ssh_is_connected(s->session)) {
            err_set(&s->err, ERR_LOST, "the link to %.180s was lost", s->host->host);
            err_detail(&s->err, "%s.", ssh_get_error(s->session));
            return;
        }
        watch_for_stall(s, now_us);
        if (ssh_host_is_full(s->host))
            usleep(FULL_MS * 1000);
    }
}

static void down(struct ssh_host *h, const struct err *why, bool was_up)
{
    struct event ev = {.kind = EV_SSH_DOWN, .req = h->req, .err = *why};

    ev.u.ssh.conn = h->conn;
    ev.u.ssh.lost = was_up;
    ssh_host_post(h, &ev);
}

static void up(struct ssh_host *h, struct buf *banner)
{
    struct event ev = {.kind = EV_SSH_UP, .req = h->req};

    ev.len = banner->len;
    ev.text = banner->data ? buf_take(banner) : xstrdup("");
    ev.u.ssh.conn = h->conn;
    ssh_host_post(h, &ev);
}

/* What was ordered while there was no link, or will not be done any more. */
static void refuse_orders(struct ssh_host *h, const struct err *why)
{
    struct ssh_order *o;

    ssh_host_deafen(h);
    while ((o = ssh_host_next(h, false)) != NULL) {
        if (o->kind == ORDER_EXEC) {
            struct event ev = {.kind = EV_CHILD_EXIT, .req = o->req, .err = *why};
            ssh_host_post(h, &ev);
        }
        ssh_order_free(o);
    }
}

void ssh_thread_cut(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    /* a proxy command may be a pipe: libssh ends it, and what it has taken is its own */
    if (fd >= 0)
        (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

static void end_service(struct service *s)
{
    if (s->err.code == ERR_LOST)
        ssh_thread_cut(ssh_get_fd(s->session));
    while (s->first) {
        struct ssh_child *c = s->first;
        s->first = c->next;
        ssh_child_lose(c, &s->err);
        ssh_child_free(c);
    }
    refuse_orders(s->host, &s->err);
    if (s->probe)
        ssh_channel_free(s->probe);
    ssh_event_remove_fd(s->event, s->host->wake[0]);
    ssh_event_remove_session(s->event, s->session);
    ssh_event_free(s->event);
    ssh_disconnect(s->session);
    ssh_free(s->session);
}

void ssh_thread(void *arg)
{
    struct ssh_host *h = arg;
    struct service s = {.host = h};
    struct buf banner = {0};
    struct err why = {0};

    s.session = ssh_auth_login(h, &banner, &why);
    if (!s.session) {
        refuse_orders(h, &why);
        down(h, &why, false);
        buf_clear(&banner);
        ssh_host_drop(h);
        return;
    }
    ssh_set_blocking(s.session, 0);
    ssh_set_counters(s.session, NULL, &s.count);
    s.event = ssh_event_new();
    if (!s.event)
        die("libssh is out of memory");
    ssh_event_add_session(s.event, s.session);
    ssh_event_add_fd(s.event, h->wake[0], POLLIN, on_wake, NULL);
    up(h, &banner);
    s.probe_due_us = io_now_us() + FIRST_PROBE_US; /* the host still sets the session up */
    serve(&s);
    if (s.err.code == ERR_NONE)
        err_set(&s.err, ERR_CANCELLED, "the link was closed");
    end_service(&s);
    down(h, &s.err, true);
    buf_clear(&banner);
    ssh_host_drop(h);
}
