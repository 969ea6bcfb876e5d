/* hosts.c - see hosts.h. One small machine per link; answers come by generation. */
#include "pgd/app/hosts.h"

#include <math.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/headless.h"
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

const char *host_state_name(enum host_state s)
{
    static const char *const names[] = {"off", "connecting", "asking", "up", "waiting", "refused"};
    return names[s];
}

/* What a headless run says of a link. */
static void tell(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    const struct host_link *h = &m->hosts[conn];
    struct line *l = line_new("ssh");

    line_text(l, "link", conn == SSH_SERVER ? "server" : "bench");
    line_text(l, "host", h->host);
    line_text(l, "state", host_state_name(h->state));
    line_text(l, "message", h->err.code ? h->err.msg : NULL);
    line_text(l, "detail", h->err.code ? h->err.detail : NULL);
    line_text(l, "hint", h->err.code ? h->err.hint : NULL);
    flow_emit(m, l, fx);
}

static void say_down(struct model *m, enum ssh_conn conn, bool lost)
{
    const struct host_link *h = &m->hosts[conn];

    model_say(m, h->state == HOST_REFUSED ? CHAT_BAD : CHAT_WARN, "%s%s", h->err.msg,
              h->state == HOST_REFUSED ? ""
              : lost                   ? ": trying again"
                                       : ": trying again until it is there");
    if (h->err.detail[0])
        model_say(m, CHAT_WARN, "%s", h->err.detail);
    if (h->err.hint[0])
        model_say(m, CHAT_WARN, "%s", h->err.hint);
}

static void connect_now(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    h->generation++;
    h->question[0] = '\0';
    enter(m, h, HOST_CONNECTING);
    struct effect *e = effects_add(fx, FX_SSH_OPEN, req_of(m, conn));
    e->u.ssh.conn = conn;
    e->u.ssh.host = xstrdup(h->host);
    e->u.ssh.dir = given(m->opt.ssh_dir);
    if (conn == SSH_SERVER) {
        e->u.ssh.user = given(m->opt.ssh_user);
        e->u.ssh.port = given(m->opt.ssh_port);
    } else {
        e->u.ssh.user = given(m->opt.bench_user[0] ? m->opt.bench_user : m->opt.ssh_user);
        e->u.ssh.port = given(m->opt.bench_port);
    }
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
    h->trouble = h->declined = false;
    connect_now(m, conn, fx);
}

void hosts_begin(struct model *m, struct effects *fx)
{
    if (m->opt.host_from_ssh)
        model_say(m, CHAT_EVENT,
                  "no server was named: it is looked for on %s, the host of --ssh-host",
                  m->opt.ssh_host);
    for (int i = 0; i < SSH_CONN_COUNT; i++)
        if (hosts_wanted(m, (enum ssh_conn)i) && !(i == SSH_BENCH && m->opt.readonly))
            hosts_open(m, (enum ssh_conn)i, fx);
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
    hosts_forget_word(h);
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

static void explain(struct model *m, struct host_link *h, struct effects *fx)
{
    advise_failed(m, "the link by ssh", &h->err);
    h->diagnosis = m->advising.diagnosis;
    advise_know(m); /* the link may fail before anything else is known */
    advise_explain(m, fx);
}

static void down(struct model *m, enum ssh_conn conn, const struct event *ev, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];
    bool lost = h->state == HOST_UP, first = lost || (h->attempts == 0 && !h->was_up);

    h->err = ev->err;
    h->ask = SSH_ASK_NOTHING;
    hosts_forget_word(h);
    if (lost) {
        h->attempts = 0;
        h->lost_us = m->now_us;
    }
    if (final(&ev->err) || (m->opt.headless && !h->was_up))
        enter(m, h, HOST_REFUSED);
    else
        retry_later(m, conn, fx);
    if (first || h->state == HOST_REFUSED) { /* the later tries are a countdown */
        say_down(m, conn, lost);
        tell(m, conn, fx);
    }
    if (!h->was_up)
        headless_no_host(m, &h->err, fx);
    if (m->opt.headless || h->declined)
        return;
    h->trouble = h->state == HOST_REFUSED;
    if (h->trouble || (first && !lost))
        explain(m, h, fx);
}

static void up(struct model *m, enum ssh_conn conn, const struct event *ev, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    h->attempts = 0;
    h->was_up = true;
    h->ask = SSH_ASK_NOTHING;
    h->trouble = false;
    err_clear(&h->err);
    enter(m, h, HOST_UP);
    model_say(m, CHAT_EVENT, "linked to %s by ssh", h->host);
    if (ev->text && *ev->text)
        model_tell(m, CHAT_EVENT, ev->text);
    tell(m, conn, fx);
}

static void asked(struct model *m, enum ssh_conn conn, const struct event *ev, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    const char *text = ev->text ? ev->text : "";

    h->again = h->ask_last == ev->u.ssh.ask && strcmp(h->question, text) == 0;
    h->ask = h->ask_last = ev->u.ssh.ask;
    h->echo = ev->u.ssh.echo;
    h->declined = false;
    hosts_forget_word(h);
    text_copy(h->question, sizeof h->question, text);
    enter(m, h, HOST_ASKING);
    if (m->opt
            .headless) /* nobody is there to compare a fingerprint, and no word is kept anywhere */
        hosts_answer(m, conn, false, 0, fx);
}

/* Smoothed: one late answer is no news, a slower way is after three. */
static void delay(struct model *m, struct host_link *h, double ms)
{
    h->delay_ms = isfinite(h->delay_ms) ? 0.6 * h->delay_ms + 0.4 * ms : ms;
    m->dirty = true;
}

void hosts_event(struct model *m, const struct event *ev, struct effects *fx)
{
    enum ssh_conn conn = (enum ssh_conn)(ev->req.id - 1);

    if (ev->req.id == 0 || conn >= SSH_CONN_COUNT ||
        ev->req.generation != m->hosts[conn].generation)
        return;
    switch (ev->kind) {
    case EV_SSH_ASK:
        asked(m, conn, ev, fx);
        break;
    case EV_SSH_UP:
        up(m, conn, ev, fx);
        break;
    case EV_SSH_DELAY:
        delay(m, &m->hosts[conn], ev->u.ssh.delay_ms);
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

    if (h->state != HOST_ASKING) {
        secret_release(word);
        return;
    }
    struct effect *e = effects_add(fx, FX_SSH_ANSWER, req_of(m, conn));
    e->u.ssh.conn = conn;
    e->u.ssh.yes = yes;
    e->u.ssh.word = word;
    h->ask = SSH_ASK_NOTHING;
    h->declined = !yes && !word;
    enter(m, h, HOST_CONNECTING);
}

void hosts_retry(struct model *m, enum ssh_conn conn, struct effects *fx)
{
    struct host_link *h = &m->hosts[conn];

    if (h->state == HOST_OFF && hosts_wanted(m, conn))
        hosts_open(m, conn, fx);
    if (h->state != HOST_WAITING && h->state != HOST_REFUSED)
        return;
    if (h->state == HOST_WAITING)
        effects_add(fx, FX_TIMER_STOP, req_of(m, conn));
    h->attempts = 0;
    h->trouble = false;
    connect_now(m, conn, fx);
}

void hosts_forget_word(struct host_link *h)
{
    secret_release(h->word);
    h->word = 0;
    h->word_len = 0;
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
