/* hosts.c - see hosts.h. One small machine per link; answers come by generation. */
#include "pgd/app/hosts.h"

#include <math.h>
#include <string.h>

#include "pgd/base/text.h"

enum { FIRST_RETRY_MS = 1000, LAST_RETRY_MS = 30000 };

static struct req req_of(const struct model *m, enum ssh_conn conn)
{
    return (struct req){OWNER_HOSTS, m->hosts[conn].generation, (uint32_t)conn + 1};
}

static char *given(const char *s)
{
    return *s ? xstrdup(s) : NULL;
}

static void enter(struct model *m, struct host_link *h, enum host_state state)
{
    h->state = state;
    h->since_us = m->now_us;
    m->dirty = true;
}

static void connect_now(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    h->generation++;
    enter(m, h, HOST_CONNECTING);
    struct effect *e = effects_add(fx, FX_SSH_OPEN, req_of(m, conn));
    e->u.ssh.conn = conn;
    e->u.ssh.host = xstrdup(h->host);
    e->u.ssh.dir = given(m->opt.ssh_dir);
    e->u.ssh.user = given(m->opt.ssh_user);
    e->u.ssh.port = given(m->opt.ssh_port);
    e->u.ssh.key_file = given(m->opt.ssh_key);
}

void hosts_open(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    if (h->state != HOST_OFF)
        return;
    text_copy_raw(h->host, sizeof h->host,
                  conn == SSH_SERVER ? m->opt.ssh_host : m->opt.bench_host);
    h->attempts = 0;
    h->was_up = false;
    h->lost_us = m->now_us;
    h->delay_ms = NAN;
    err_clear(&h->err);
    connect_now(m, conn, fx);
}

void hosts_close(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    if (h->state == HOST_OFF)
        return;
    if (h->state == HOST_WAITING)
        effects_add(fx, FX_TIMER_STOP, req_of(m, conn));
    else if (h->state != HOST_REFUSED)
        effects_add(fx, FX_SSH_CLOSE, req_of(m, conn))->u.ssh.conn = conn;
    h->generation++; /* what it still says is of no interest */
    enter(m, h, HOST_OFF);
}

static void retry_later(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];
    int ms = h->attempts == 0 && h->was_up ? 0 : FIRST_RETRY_MS;

    for (int i = 1; i < h->attempts && ms < LAST_RETRY_MS; i++)
        ms *= 2;
    if (ms > LAST_RETRY_MS)
        ms = LAST_RETRY_MS;
    h->attempts++;
    h->retry_at_us = m->now_us + (int64_t)ms * 1000;
    enter(m, h, HOST_WAITING);
    fx_timer(fx, req_of(m, conn), ms);
}

/* Trying again by itself would change nothing, or lock an account. */
static bool final(const struct err *e)
{
    return e->code == ERR_USAGE || e->code == ERR_REFUSED || e->code == ERR_PASSWORD ||
           e->code == ERR_CANCELLED || e->code == ERR_INTERNAL;
}

static void down(struct model *m, enum ssh_conn conn, const struct event *ev, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    h->err = ev->err;
    h->ask = SSH_ASK_NOTHING;
    if (h->state == HOST_UP) {
        h->attempts = 0;
        h->lost_us = m->now_us;
    }
    if (final(&ev->err))
        enter(m, h, HOST_REFUSED);
    else
        retry_later(m, conn, fx);
}

static void up(struct model *m, struct host_link *h)
{
    h->attempts = 0;
    h->was_up = true;
    h->ask = SSH_ASK_NOTHING;
    err_clear(&h->err);
    enter(m, h, HOST_UP);
}

static void asked(struct model *m, struct host_link *h, const struct event *ev)
{
    h->ask = ev->u.ssh.ask;
    h->echo = ev->u.ssh.echo;
    text_copy(h->question, sizeof h->question, ev->text ? ev->text : "");
    enter(m, h, HOST_ASKING);
}

void hosts_event(struct model *m, const struct event *ev, struct effects *fx)
{
    enum ssh_conn conn = (enum ssh_conn)(ev->req.id - 1);

    if (ev->req.id == 0 || conn >= SSH_CONN_COUNT ||
        ev->req.generation != m->hosts[conn].generation)
        return;
    switch (ev->kind) {
    case EV_SSH_ASK:
        asked(m, &m->hosts[conn], ev);
        break;
    case EV_SSH_UP:
        up(m, &m->hosts[conn]);
        break;
    case EV_SSH_DOWN:
        down(m, conn, ev, fx);
        break;
    case EV_TIMER:
        if (m->hosts[conn].state == HOST_WAITING)
            connect_now(m, conn, fx);
        break;
    default:
        break;
    }
}

void hosts_answer(struct model *m, enum ssh_conn conn, bool yes, secret_id word, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    if (h->state != HOST_ASKING)
        return;
    struct effect *e = effects_add(fx, FX_SSH_ANSWER, req_of(m, conn));
    e->u.ssh.conn = conn;
    e->u.ssh.yes = yes;
    e->u.ssh.word = word;
    h->ask = SSH_ASK_NOTHING;
    enter(m, h, HOST_CONNECTING);
}

void hosts_retry(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    if (h->state != HOST_WAITING && h->state != HOST_REFUSED)
        return;
    if (h->state == HOST_WAITING)
        effects_add(fx, FX_TIMER_STOP, req_of(m, conn));
    h->attempts = 0;
    connect_now(m, conn, fx);
}

bool hosts_wanted(const struct model *m, enum ssh_conn conn)
{
    return (conn == SSH_SERVER ? m->opt.ssh_host : m->opt.bench_host)[0] != '\0';
}

bool hosts_up(const struct model *m, enum ssh_conn conn)
{
    return m->hosts[conn].state == HOST_UP;
}

bool hosts_undecided(const struct model *m, enum ssh_conn conn)
{
    const struct host_link *h = &m->hosts[conn];

    return h->state == HOST_ASKING || (h->state == HOST_CONNECTING && h->attempts == 0);
}
