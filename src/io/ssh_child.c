/* ssh_child.c - see ssh_child.h. */
#include "pgd/io/ssh_child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/io/ssh.h"
#include "pgd/io/ssh_command.h"

enum { KILL_US = 2000000, NOISE_MAX = 64 * 1024, READ_SIZE = 16 * 1024 };

/* -- events --------------------------------------------------------------------------------------- */

static void post_exit(struct ssh_child *c, const struct err *why)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = c->order->req};

    c->state = SSH_CHILD_OVER;
    ev.u.child.status = c->status;
    ev.u.child.signal = c->signal;
    if (why)
        ev.err = *why;
    else if (c->tail[0])
        text_copy(ev.err.detail, sizeof ev.err.detail, c->tail);
    if ((c->order->flags & CHILD_COLLECT) && !why) {
        ev.len = c->collected.len;
        ev.text = c->collected.data ? buf_take(&c->collected) : xstrdup("");
    }
    ssh_host_post(c->host, &ev);
}

static void post_line(struct ssh_child *c, enum child_stream which, const char *line, size_t len)
{
    struct event ev = {.kind = EV_CHILD_LINE, .req = c->order->req};

    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (c->order->flags & CHILD_COLLECT) { /* of stderr: stdout is collected as it comes */
        struct buf b = {0};
        buf_printf(&b, "%s%s%.*s", c->tail, c->tail[0] ? " " : "", (int)len, line);
        snprintf(c->tail, sizeof c->tail, "%s",
                 buf_text(&b) + (b.len >= sizeof c->tail ? b.len - sizeof c->tail + 1 : 0));
        buf_clear(&b);
        return;
    }
    ev.text = xmalloc(len + 1);
    for (size_t i = 0; i < len; i++)
        ev.text[i] = line[i] ? line[i] : ' ';
    ev.text[len] = '\0';
    ev.len = len;
    ev.u.child.stream = which;
    ssh_host_post(c->host, &ev);
}

/* Whole lines go, and too long ones, cut; at the end (all) the last one too. */
static void split(struct ssh_child *c, enum child_stream which, struct buf *b, bool all)
{
    size_t at = 0;

    while (at < b->len) {
        const char *from = buf_text(b) + at, *nl = memchr(from, '\n', b->len - at);
        size_t len = nl ? (size_t)(nl - from) : b->len - at;
        if (!nl && len < SSH_LINE_MAX && !all)
            break;
        if (!c->skipping[which])
            post_line(c, which, from, len < SSH_LINE_MAX ? len : SSH_LINE_MAX);
        c->skipping[which] = !nl;
        at += len + (nl != NULL);
    }
    buf_consume(b, at);
}

/* -- output --------------------------------------------------------------------------------------- */

/* What follows the mark is the program's. */
static void look_for_mark(struct ssh_child *c)
{
    char line[48];
    const char *found;
    int n = snprintf(line, sizeof line, "\n%s\n", c->order->mark);

    found = memmem(buf_text(&c->out), c->out.len, line, (size_t)n);
    if (found) {
        c->marked = true;
        buf_consume(&c->out, (size_t)(found - buf_text(&c->out)) + (size_t)n);
    } else if (c->out.len > NOISE_MAX) {
        buf_consume(&c->out, c->out.len - NOISE_MAX / 2);
    }
}

static void take(struct ssh_child *c, enum child_stream which, const char *data, size_t len)
{
    struct buf *b = which == STREAM_OUT ? &c->out : &c->errors;

    buf_append(b, data, len);
    if (which == STREAM_OUT && !c->marked) {
        look_for_mark(c);
        if (!c->marked)
            return;
    }
    if (which == STREAM_OUT && (c->order->flags & CHILD_COLLECT)) {
        size_t room = SSH_COLLECT_MAX - c->collected.len;
        buf_append(&c->collected, b->data ? b->data : "", b->len < room ? b->len : room);
        buf_consume(b, b->len);
    } else {
        split(c, which, b, false);
    }
}

static bool read_output(struct ssh_child *c)
{
    char data[READ_SIZE];
    bool moved = false;

    for (int i = 0; i < 2; i++) {
        int n = ssh_channel_read_nonblocking(c->ssh, data, sizeof data, i);
        if (n > 0) {
            take(c, i == 0 ? STREAM_OUT : STREAM_ERR, data, (size_t)n);
            moved = true;
        }
    }
    return moved;
}

/* -- end ------------------------------------------------------------------------------------------ */

static void on_status(ssh_session s, ssh_channel ch, int status, void *arg)
{
    struct ssh_child *c = arg;
    (void)s;
    (void)ch;
    c->has_status = true;
    c->status = status;
}

static void on_signal(ssh_session s, ssh_channel ch, const char *name, int core, const char *msg,
                      const char *lang, void *arg)
{
    struct ssh_child *c = arg;
    (void)s;
    (void)ch;
    (void)core;
    (void)msg;
    (void)lang;
    c->has_status = true;
    c->signal = strcmp(name, "KILL") == 0 ? SIGKILL : SIGTERM;
}

/* The login shell has ended without running anything. */
static void never_began(struct ssh_child *c)
{
    struct err e = {0};
    char noise[200];

    text_copy(noise, sizeof noise, c->errors.len ? buf_text(&c->errors) : buf_text(&c->out));
    err_set(&e, ERR_CHILD, "the login shell on %.150s did not run %.60s", c->host->host,
            c->order->name);
    err_detail(&e, "It ended with status %d%s%s", c->status, noise[0] ? " and said: " : ".", noise);
    err_hint(&e, "A plain \"ssh %.100s true\" must work for this user.", c->host->host);
    post_exit(c, &e);
}

static void finish(struct ssh_child *c)
{
    if (!c->marked && c->kill_until_us == 0) {
        never_began(c);
        return;
    }
    if (c->marked)
        split(c, STREAM_OUT, &c->out, true);
    split(c, STREAM_ERR, &c->errors, true);
    if (!c->has_status)
        c->signal = SIGKILL; /* nobody has told */
    post_exit(c, NULL);
}

void ssh_child_lose(struct ssh_child *c, const struct err *why)
{
    if (c->state != SSH_CHILD_OVER)
        post_exit(c, why);
}

static void fail(struct ssh_child *c, ssh_session s)
{
    struct err e = {0};
    bool denied = ssh_get_error_code(s) == SSH_REQUEST_DENIED; /* else the link has failed */

    err_set(&e, denied ? ERR_CHILD : ERR_LOST, "cannot run %.60s on %.150s", c->order->name,
            c->host->host);
    err_detail(&e, "%s.", ssh_get_error(s));
    post_exit(c, &e);
}

/* -- life ----------------------------------------------------------------------------------------- */

struct ssh_child *ssh_child_new(struct ssh_host *h, ssh_session s, struct ssh_order *o)
{
    struct ssh_child *c = xcalloc(1, sizeof *c);

    c->host = h;
    c->order = o;
    c->ssh = ssh_channel_new(s);
    if (!c->ssh)
        die("libssh is out of memory");
    c->calls.userdata = c;
    c->calls.channel_exit_status_function = on_status;
    c->calls.channel_exit_signal_function = on_signal;
    ssh_callbacks_init(&c->calls);
    ssh_set_channel_callbacks(c->ssh, &c->calls);
    buf_append(&c->in, o->text, o->len);
    explicit_bzero(o->text, o->len);
    return c;
}

static bool write_input(struct ssh_child *c)
{
    int n;

    if (c->in.len > 0) {
        n = ssh_channel_write(c->ssh, c->in.data,
                              (uint32_t)(c->in.len < 32768 ? c->in.len : 32768));
        if (n <= 0)
            return false; /* the window is full; an error shows as the channel's end */
        explicit_bzero(c->in.data, (size_t)n);
        buf_consume(&c->in, (size_t)n);
        return true;
    }
    /* who dies with us is told by the end of its input, so that must not come before */
    if (c->in_ended || (c->order->flags & (CHILD_MORE | CHILD_DIES_WITH_US)))
        return false;
    c->in_ended = true;
    ssh_channel_send_eof(c->ssh);
    return true;
}

static bool run(struct ssh_child *c, bool reads, int64_t now_us)
{
    bool moved = write_input(c);

    moved = (reads && read_output(c)) || moved;
    /* Without a link its end is not known, unless it was told before. */
    bool known = c->has_status || ssh_is_connected(ssh_channel_get_session(c->ssh));
    if (!moved && reads && known && ssh_channel_is_eof(c->ssh) && ssh_channel_is_closed(c->ssh)) {
        finish(c);
        return true;
    }
    if (c->kill_until_us && now_us > c->kill_until_us) {
        ssh_channel_close(c->ssh);
        finish(c);
        return true;
    }
    return moved;
}

bool ssh_child_step(struct ssh_child *c, bool reads, int64_t now_us)
{
    int rc;

    switch (c->state) {
    case SSH_CHILD_OPENING:
        rc = ssh_channel_open_session(c->ssh);
        if (rc == SSH_AGAIN)
            return false;
        if (rc == SSH_OK)
            c->state = SSH_CHILD_ASKING;
        else
            fail(c, ssh_channel_get_session(c->ssh));
        return true;
    case SSH_CHILD_ASKING:
        rc = ssh_channel_request_exec(c->ssh, ssh_command_request());
        if (rc == SSH_AGAIN)
            return false;
        if (rc == SSH_OK) {
            struct event ev = {.kind = EV_CHILD_UP, .req = c->order->req};
            c->state = SSH_CHILD_RUNNING;
            ssh_host_post(c->host, &ev);
        } else {
            fail(c, ssh_channel_get_session(c->ssh));
        }
        return true;
    case SSH_CHILD_RUNNING:
        return run(c, reads, now_us);
    case SSH_CHILD_OVER:
        break;
    }
    return false;
}

void ssh_child_input(struct ssh_child *c, const char *text, size_t len)
{
    if (c->state != SSH_CHILD_OVER && (c->order->flags & CHILD_MORE))
        buf_append(&c->in, text, len);
}

void ssh_child_kill(struct ssh_child *c, int64_t now_us)
{
    if (c->state == SSH_CHILD_OVER || c->kill_until_us)
        return;
    c->kill_until_us = now_us + KILL_US;
    if (c->state != SSH_CHILD_RUNNING) {
        finish(c);
        return;
    }
    ssh_channel_request_send_signal(c->ssh, "TERM");
    if (!c->in_ended)
        ssh_channel_send_eof(c->ssh);
    c->in_ended = true;
    buf_clear(&c->in);
}

bool ssh_child_waits(const struct ssh_child *c)
{
    return c->state == SSH_CHILD_OPENING || c->state == SSH_CHILD_ASKING || c->in.len > 0;
}

void ssh_child_free(struct ssh_child *c)
{
    ssh_remove_channel_callbacks(c->ssh, &c->calls);
    ssh_channel_free(c->ssh);
    ssh_order_free(c->order);
    if (c->in.data)
        explicit_bzero(c->in.data, c->in.len);
    buf_clear(&c->in);
    buf_clear(&c->out);
    buf_clear(&c->errors);
    buf_clear(&c->collected);
    free(c);
}
