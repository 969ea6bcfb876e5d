/* ssh.c - the loop's side of the links: orders to their threads. See ssh.h. */
#include "pgd/io/ssh.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgd/base/log.h"
#include "pgd/io/ssh_command.h"
#include "pgd/io/ssh_host.h"

enum { POSTED_MAX = 200 };

struct sshes {
    struct loop *loop;
    struct ssh_host *hosts[SSH_CONN_COUNT]; /* held; NULL = no link */
    uint32_t marks;
};

/* -- what both sides share ------------------------------------------------------------------------ */

void ssh_order_free(struct ssh_order *o)
{
    if (o->text) {
        explicit_bzero(o->text, o->len);
        free(o->text);
    }
    free(o->name);
    free(o);
}

void ssh_host_drop(struct ssh_host *h)
{
    if (atomic_fetch_sub(&h->holds, 1) != 1)
        return;
    while (h->first) {
        struct ssh_order *o = h->first;
        h->first = o->next;
        ssh_order_free(o);
    }
    inbox_drop(h->inbox);
    uv_mutex_destroy(&h->mutex);
    uv_cond_destroy(&h->given);
    close(h->wake[0]);
    close(h->wake[1]);
    free(h->host);
    free(h->user);
    free(h->port);
    free(h->key_file);
    free(h->dir);
    free(h);
}

bool ssh_host_is_full(struct ssh_host *h)
{
    return atomic_load(&h->posted) >= POSTED_MAX;
}

struct parcel {
    struct ssh_host *host; /* held */
    struct event ev;
};

static void unpack(struct parcel *p, bool deliver)
{
    atomic_fetch_sub(&p->host->posted, 1);
    if (deliver && !atomic_load(&p->host->abandoned))
        loop_post(p->host->loop, &p->ev);
    else
        event_clear(&p->ev);
    ssh_host_drop(p->host);
    free(p);
}

static void deliver(void *arg)
{
    unpack(arg, true);
}

void ssh_host_post(struct ssh_host *h, struct event *ev)
{
    struct parcel *p = xcalloc(1, sizeof *p);

    atomic_fetch_add(&h->holds, 1);
    atomic_fetch_add(&h->posted, 1);
    p->host = h;
    p->ev = *ev;
    if (!inbox_call(h->inbox, deliver, p))
        unpack(p, false);
}

struct ssh_order *ssh_host_next(struct ssh_host *h, bool wait)
{
    struct ssh_order *o;
    char byte;

    uv_mutex_lock(&h->mutex);
    while (wait && !h->first && !atomic_load(&h->abandoned))
        uv_cond_wait(&h->given, &h->mutex);
    o = h->first;
    if (o) {
        h->first = o->next;
        if (!h->first)
            h->last = NULL;
        if (read(h->wake[0], &byte, 1) < 0)
            byte = 0; /* the pipe was full when it was given: nothing is lost */
    }
    uv_mutex_unlock(&h->mutex);
    return o;
}

void ssh_host_deafen(struct ssh_host *h)
{
    uv_mutex_lock(&h->mutex);
    h->deaf = true;
    uv_mutex_unlock(&h->mutex);
}

/* False: its thread has ended. The order is taken in any case. */
static bool give(struct ssh_host *h, struct ssh_order *o)
{
    uv_mutex_lock(&h->mutex);
    if (h->deaf) {
        uv_mutex_unlock(&h->mutex);
        ssh_order_free(o);
        return false;
    }
    if (h->last)
        h->last->next = o;
    else
        h->first = o;
    h->last = o;
    if (write(h->wake[1], "", 1) < 0)
        o->next = NULL; /* it is full of bytes already: the thread will look */
    uv_cond_signal(&h->given);
    uv_mutex_unlock(&h->mutex);
    return true;
}

static struct ssh_order *order(enum ssh_order_kind kind, struct req req)
{
    struct ssh_order *o = xcalloc(1, sizeof *o);
    o->kind = kind;
    o->req = req;
    return o;
}

/* -- links ---------------------------------------------------------------------------------------- */

static char *taken(char **s)
{
    char *t = *s;
    *s = NULL;
    return t;
}

static void let_go(struct sshes *all, enum ssh_conn conn)
{
    struct ssh_host *h = all->hosts[conn];

    if (!h)
        return;
    all->hosts[conn] = NULL;
    atomic_store(&h->abandoned, true);
    give(h, order(ORDER_CLOSE, h->req));
    ssh_host_drop(h);
}

static void down(struct sshes *all, enum ssh_conn conn, struct req req, const char *why)
{
    struct event ev = {.kind = EV_SSH_DOWN, .req = req};

    ev.u.ssh.conn = conn;
    err_set(&ev.err, ERR_INTERNAL, "%s", why);
    loop_post(all->loop, &ev);
}

static void open_link(struct sshes *all, struct effect *e)
{
    struct ssh_host *h = xcalloc(1, sizeof *h);

    let_go(all, e->u.ssh.conn);
    if (pipe2(h->wake, O_NONBLOCK | O_CLOEXEC) != 0) {
        free(h);
        down(all, e->u.ssh.conn, e->req, "there is no room for another pipe");
        return;
    }
    atomic_init(&h->holds, 2); /* ours and the thread's */
    atomic_init(&h->abandoned, false);
    atomic_init(&h->posted, 0);
    h->inbox = inbox_hold(all->loop->inbox);
    h->loop = all->loop;
    uv_mutex_init(&h->mutex);
    uv_cond_init(&h->given);
    h->conn = e->u.ssh.conn;
    h->req = e->req;
    h->host = taken(&e->u.ssh.host);
    h->user = taken(&e->u.ssh.user);
    h->port = taken(&e->u.ssh.port);
    h->key_file = taken(&e->u.ssh.key_file);
    h->dir = taken(&e->u.ssh.dir);
    all->hosts[h->conn] = h;
    if (!loop_thread(ssh_thread, h)) {
        ssh_host_drop(h); /* the thread's */
        all->hosts[h->conn] = NULL;
        down(all, h->conn, h->req, "cannot start a thread for the link");
        ssh_host_drop(h);
    }
}

static void answer(struct sshes *all, struct effect *e)
{
    struct ssh_host *h = all->hosts[e->u.ssh.conn];
    const char *word = secret_get(e->u.ssh.word);
    struct ssh_order *o;

    if (!h) {
        secret_release(e->u.ssh.word);
        return;
    }
    o = order(ORDER_ANSWER, e->req);
    o->yes = e->u.ssh.yes;
    o->len = strlen(word);
    o->text = e->u.ssh.word ? xstrndup(word, o->len) : NULL;
    secret_release(e->u.ssh.word);
    give(h, o);
}

void sshes_run(struct sshes *all, struct effect *e)
{
    if (e->u.ssh.conn >= SSH_CONN_COUNT)
        return;
    if (e->kind == FX_SSH_OPEN) {
        open_link(all, e);
    } else if (e->kind == FX_SSH_ANSWER) {
        answer(all, e);
    } else if (all->hosts[e->u.ssh.conn]) {
        struct event ev = {.kind = EV_SSH_DOWN, .req = all->hosts[e->u.ssh.conn]->req};
        ev.u.ssh.conn = e->u.ssh.conn;
        err_set(&ev.err, ERR_CANCELLED, "the link was closed");
        let_go(all, e->u.ssh.conn);
        loop_post(all->loop, &ev);
    }
}

/* -- children ------------------------------------------------------------------------------------- */

static void no_link(struct sshes *all, struct req req)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = req};

    err_set(&ev.err, ERR_LOST, "there is no link to the host");
    loop_post(all->loop, &ev);
}

void sshes_child(struct sshes *all, struct effect *e)
{
    enum ssh_conn conn = e->u.child.ssh;
    struct ssh_host *h = conn < SSH_CONN_COUNT ? all->hosts[conn] : NULL;
    struct ssh_order *o;
    struct buf in = {0};

    if (!h) {
        no_link(all, e->req);
        return;
    }
    o = order(ORDER_EXEC, e->req);
    snprintf(o->mark, sizeof o->mark, "pgd-%08x-%u-%u", (unsigned)getpid(), all->marks++,
             (unsigned)e->req.id);
    ssh_command_script(e, o->mark, &in);
    o->len = in.len;
    o->text = buf_take(&in);
    o->name = xstrdup(e->u.child.argv && e->u.child.argv[0] ? e->u.child.argv[0] : "");
    o->flags = e->u.child.flags;
    if (!give(h, o))
        no_link(all, e->req);
}

/* Whose child it is only its thread knows. */
static void give_all(struct sshes *all, enum ssh_order_kind kind, struct req req, const char *text,
                     size_t len)
{
    for (int i = 0; i < SSH_CONN_COUNT; i++) {
        if (!all->hosts[i])
            continue;
        struct ssh_order *o = order(kind, req);
        o->text = text ? xstrndup(text, len) : NULL;
        o->len = text ? strlen(o->text) : 0;
        give(all->hosts[i], o);
    }
}

void sshes_input(struct sshes *all, struct effect *e)
{
    if (e->text)
        give_all(all, ORDER_INPUT, e->req, e->text, e->len);
}

void sshes_kill(struct sshes *all, struct req req)
{
    give_all(all, ORDER_KILL, req, NULL, 0);
}

/* -- life ----------------------------------------------------------------------------------------- */

struct sshes *sshes_new(struct loop *l)
{
    struct sshes *all = xcalloc(1, sizeof *all);
    all->loop = l;
    return all;
}

void sshes_stop(struct sshes *all)
{
    for (int i = 0; i < SSH_CONN_COUNT; i++)
        let_go(all, (enum ssh_conn)i);
}

void sshes_free(struct sshes *all)
{
    free(all);
}
