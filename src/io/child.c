/* child.c - children of ours: their lines, their end, and how to end them.
 *
 * A child that writes faster than its lines are handled is not read on: its pipe fills and it waits. */
#include "pgd/io/child.h"

#include <errno.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pgd/base/buf.h"
#include "pgd/base/log.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/io/launch.h"

enum {
    READ_SIZE = 16 * 1024,
    BACKLOG_MAX = 256,
    TAIL_MAX = 480,
    INPUT_MAX = 64 * 1024, /* that a child has not read yet */
    STREAMS = 2
};

struct stream {
    struct child *child;
    enum child_stream which;
    uv_pipe_t pipe;
    bool open;     /* the handle is to be closed */
    bool ended;    /* at its end, or never there */
    bool held;     /* not read on until the queue has shrunk */
    bool skipping; /* the rest of a line that was too long */
    struct buf in; /* what is no whole line yet, or held */
};

/* A child's life: STARTING inside children_run(); RUNNING until its exit is reported to us; EXITED until
 * both outputs end, or CHILD_EOF_MS; REPORTED once EV_CHILD_EXIT is posted, until all handles have
 * closed and the memory goes. */
enum child_state { CHILD_STARTING, CHILD_RUNNING, CHILD_EXITED, CHILD_REPORTED };

struct child {
    struct children *all;
    struct child *next;
    enum child_state state;
    struct req req;
    unsigned flags;
    char *name; /* owned */
    bool killing;
    int pid, status, signal;
    double cpu_s;
    uv_process_t process;
    uv_timer_t timer; /* RUNNING: to SIGKILL; EXITED: the wait for the outputs */
    struct stream streams[STREAMS];
    struct input *input; /* borrowed: frees itself; NULL if none or closed */
    struct buf collected;
    bool collected_cut;
    char tail[TAIL_MAX]; /* of stderr, with CHILD_COLLECT */
    int handles;         /* that have not closed */
};

struct children {
    struct loop *loop;
    struct child *first;
    size_t alive;
    bool looked;   /* for setpriv */
    char *setpriv; /* owned; NULL if there is none */
    double cpu_s;  /* of all children that have ended, when the last of them was looked at */
    char scratch[READ_SIZE];
};

/* What is written to a child's stdin; closes when it is written or the child is gone. */
struct input {
    struct child *child; /* NULL once closing */
    uv_pipe_t pipe;
    uv_write_t write;
    char *text; /* owned */
};

/* -- the end ------------------------------------------------------------------------------------ */

static void free_child(struct child *c)
{
    struct child **at = &c->all->first;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    for (size_t i = 0; i < STREAMS; i++)
        buf_clear(&c->streams[i].in);
    buf_clear(&c->collected);
    free(c->name);
    free(c);
}

static void on_handle_closed(uv_handle_t *h)
{
    struct child *c = h->data;
    if (--c->handles == 0)
        free_child(c);
}

static void close_stream(struct stream *s)
{
    if (s->open) {
        s->open = false;
        s->pipe.data = s->child;
        uv_close((uv_handle_t *)&s->pipe, on_handle_closed);
    }
    s->ended = true;
    s->held = false;
}

static void on_input_closed(uv_handle_t *h)
{
    struct input *in = h->data;
    if (in->text)
        explicit_bzero(in->text, strlen(in->text));
    free(in->text);
    free(in);
}

static void close_input(struct input *in)
{
    if (!in || !in->child)
        return;
    in->child->input = NULL;
    in->child = NULL;
    uv_close((uv_handle_t *)&in->pipe, on_input_closed);
}

static void post_exit(struct child *c, const struct err *why)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = c->req};
    ev.u.child.pid = c->pid;
    ev.u.child.status = c->status;
    ev.u.child.cpu_s = c->cpu_s;
    ev.u.child.signal = c->signal;
    if (why)
        ev.err = *why;
    else if (c->tail[0])
        text_copy(ev.err.detail, sizeof(ev.err.detail), c->tail);
    if ((c->flags & CHILD_COLLECT) && !why) {
        ev.len = c->collected.len;
        ev.text = c->collected.data ? buf_take(&c->collected) : xstrdup("");
        if (c->collected_cut)
            log_line(LOG_WARN, "the output of %s is longer than %d MiB and was cut", c->name,
                     CHILD_COLLECT_MAX / 1024 / 1024);
    }
    loop_post(c->all->loop, &ev);
}

static void flush_rest(struct stream *s);

static void report(struct child *c)
{
    if (c->state == CHILD_REPORTED)
        return;
    for (size_t i = 0; i < STREAMS; i++)
        flush_rest(&c->streams[i]);
    c->state = CHILD_REPORTED;
    c->all->alive--;
    post_exit(c, NULL);
    for (size_t i = 0; i < STREAMS; i++)
        close_stream(&c->streams[i]);
    close_input(c->input);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    uv_close((uv_handle_t *)&c->process, on_handle_closed);
}

static void report_if_done(struct child *c)
{
    if (c->state == CHILD_EXITED && c->streams[0].ended && c->streams[1].ended)
        report(c);
}

/* -- lines --------------------------------------------------------------------------------------- */

static void post_line(struct stream *s, const char *line, size_t len)
{
    struct child *c = s->child;
    if (len > 0 && line[len - 1] == '\r')
        len--;
    if (c->flags & CHILD_COLLECT) {
        struct buf b = {0};
        buf_printf(&b, "%s%s%.*s", c->tail, c->tail[0] ? " " : "", (int)len, line);
        const size_t from = b.len >= TAIL_MAX ? b.len - TAIL_MAX + 1 : 0;
        memcpy(c->tail, buf_text(&b) + from, b.len - from + 1);
        buf_clear(&b);
        return;
    }
    struct event ev = {.kind = EV_CHILD_LINE, .req = c->req, .len = len};
    ev.text = xmalloc(len + 1);
    for (size_t i = 0; i < len; i++)
        ev.text[i] = line[i] ? line[i] : ' ';
    ev.text[len] = '\0';
    ev.u.child.stream = s->which;
    ev.u.child.pid = c->pid;
    loop_post(c->all->loop, &ev);
}

/* Posts whole lines, and too long ones cut, while the queue has room. */
static void split(struct stream *s, bool all)
{
    size_t at = 0;
    const char *data = buf_text(&s->in);
    s->held = false;
    while (at < s->in.len) {
        if (!all && s->child->all->loop->backlog >= BACKLOG_MAX) {
            s->held = true;
            break;
        }
        const size_t left = s->in.len - at;
        const char *nl = memchr(data + at, '\n', left);
        const size_t len = nl ? (size_t)(nl - data) - at : left;
        if (!nl && len < CHILD_LINE_MAX && !(all && len > 0))
            break;
        if (!s->skipping)
            post_line(s, data + at, len < CHILD_LINE_MAX ? len : CHILD_LINE_MAX);
        s->skipping = !nl;
        at += len + (nl ? 1 : 0);
    }
    buf_consume(&s->in, at);
}

/* At the end: the last line may lack its newline. */
static void flush_rest(struct stream *s)
{
    if (s->in.len > 0)
        split(s, true);
    buf_clear(&s->in);
}

static void collect(struct child *c, const char *data, size_t len)
{
    const size_t room = CHILD_COLLECT_MAX - c->collected.len;
    if (len > room)
        c->collected_cut = true;
    buf_append(&c->collected, data, len < room ? len : room);
}

static void on_alloc(uv_handle_t *h, size_t size, uv_buf_t *b)
{
    struct stream *s = h->data;
    (void)size;
    *b = uv_buf_init(s->child->all->scratch, READ_SIZE);
}

static void take(struct stream *s, ssize_t n, const char *data)
{
    struct child *c = s->child;
    if (n < 0) {
        flush_rest(s);
        close_stream(s);
        report_if_done(c);
    } else if (s->which == STREAM_OUT && (c->flags & CHILD_COLLECT)) {
        collect(c, data, (size_t)n);
    } else if (n > 0) {
        buf_append(&s->in, data, (size_t)n);
        split(s, false);
        if (s->held)
            uv_read_stop((uv_stream_t *)&s->pipe);
    }
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
    struct stream *s = h->data;
    struct loop *l = s->child->all->loop;
    const int64_t t = loop_enter();
    take(s, n, b->base);
    loop_leave(l, t, "child output");
}

void children_resume(struct children *all)
{
    if (all->loop->backlog >= BACKLOG_MAX)
        return;
    for (struct child *c = all->first; c; c = c->next) {
        for (size_t i = 0; i < STREAMS; i++) {
            struct stream *s = &c->streams[i];
            if (!s->held)
                continue;
            split(s, false);
            if (!s->held && s->open)
                uv_read_start((uv_stream_t *)&s->pipe, on_alloc, on_read);
        }
    }
}

/* -- ending -------------------------------------------------------------------------------------- */

/* The whole group: pgbench's threads are one process, a script's commands are not. Who has the terminal is of our own group. */
static void signal_group(const struct child *c, int signo)
{
    const bool alone = (c->flags & CHILD_TERMINAL) != 0;
    if (alone && c->state == CHILD_EXITED)
        return;
    if (kill(alone ? c->pid : -c->pid, signo) != 0 && errno != ESRCH)
        log_line(LOG_WARN, "cannot end %s (process %d): %s", c->name, c->pid, strerror(errno));
}

static void on_timer(uv_timer_t *h)
{
    struct child *c = h->data;
    if (c->state == CHILD_RUNNING)
        signal_group(c, SIGKILL);
    else if (c->state == CHILD_EXITED)
        report(c);
}

/* Seconds of CPU that ended children have taken since this was last asked. libuv has waited for the child itself, so that only
 * the sum of all is to be had. */
static double cpu_of_ended(struct children *all)
{
    struct rusage u;
    double before = all->cpu_s;

    if (getrusage(RUSAGE_CHILDREN, &u) != 0)
        return 0;
    all->cpu_s = (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
                 (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
    return all->cpu_s - before;
}

static void on_exit_of(uv_process_t *h, int64_t status, int signo)
{
    struct child *c = h->data;
    c->state = CHILD_EXITED;
    c->status = (int)status;
    c->signal = signo;
    c->cpu_s = cpu_of_ended(c->all);
    if (c->killing)
        signal_group(c, SIGKILL); /* what it left behind */
    uv_timer_start(&c->timer, on_timer, CHILD_EOF_MS, 0);
    report_if_done(c);
}

static void end_child(struct child *c)
{
    if (c->state == CHILD_EXITED)
        signal_group(c, SIGKILL); /* what keeps its outputs open */
    if (c->state != CHILD_RUNNING || c->killing)
        return;
    c->killing = true;
    signal_group(c, SIGTERM);
    signal_group(c, SIGCONT); /* a stopped one would not notice */
    uv_timer_start(&c->timer, on_timer, CHILD_KILL_MS, 0);
}

void children_kill(struct children *all, struct req req)
{
    for (struct child *c = all->first; c; c = c->next)
        if (req_same(c->req, req))
            end_child(c);
}

/* -- starting ------------------------------------------------------------------------------------ */

static const char *setpriv_of(struct children *all, const struct effect *e)
{
    const bool wanted = (e->u.child.flags & CHILD_DIES_WITH_US) ||
                        (e->u.child.run_as && geteuid() == 0);
    if (!wanted || all->looked)
        return all->setpriv;
    all->looked = true;
    all->setpriv = launch_find("setpriv", getenv("PATH"));
    if (!all->setpriv)
        all->setpriv = launch_find("setpriv", "/usr/bin:/bin");
    if (!all->setpriv)
        log_line(LOG_WARN, "setpriv(1) is missing: children may outlive a crash of this program");
    return all->setpriv;
}

static void on_written(uv_write_t *w, int status)
{
    struct input *in = w->data;
    /* a child that does not read its input is free to do so */
    if (status != 0 || !in->child || !(in->child->flags & CHILD_MORE))
        close_input(in);
}

static void write_input(struct input *in)
{
    const uv_buf_t b = uv_buf_init(in->text, (unsigned)strlen(in->text));
    in->write.data = in;
    if (uv_write(&in->write, (uv_stream_t *)&in->pipe, &b, 1, on_written) != 0)
        close_input(in);
}

/* A line more for a child with CHILD_MORE. */
struct more {
    uv_write_t write;
    char *text; /* owned */
};

static void on_more_written(uv_write_t *w, int status)
{
    struct more *m = w->data;
    (void)status; /* its end is told by its exit */
    free(m->text);
    free(m);
}

void children_input(struct children *all, struct effect *e)
{
    struct child *c = all->first;

    while (c && !req_same(c->req, e->req))
        c = c->next;
    if (!c || !c->input || !(c->flags & CHILD_MORE) || !e->text ||
        uv_stream_get_write_queue_size((uv_stream_t *)&c->input->pipe) > INPUT_MAX)
        return;
    struct more *m = xcalloc(1, sizeof(*m));
    const uv_buf_t b = uv_buf_init(e->text, (unsigned)e->len);
    m->write.data = m;
    m->text = e->text;
    e->text = NULL;
    if (uv_write(&m->write, (uv_stream_t *)&c->input->pipe, &b, 1, on_more_written) != 0)
        on_more_written(&m->write, 0);
}

static void make_input(struct child *c, struct effect *e)
{
    const bool wanted = e->u.child.stdin_text || (e->u.child.flags & CHILD_MORE);
    if (!wanted || (e->u.child.flags & CHILD_DETACHED))
        return;
    struct input *in = xcalloc(1, sizeof(*in));
    uv_pipe_init(&c->all->loop->uv, &in->pipe, 0);
    in->pipe.data = in;
    in->child = c;
    in->text = e->u.child.stdin_text;
    e->u.child.stdin_text = NULL;
    c->input = in;
}

static struct child *make_child(struct children *all, const struct effect *e)
{
    struct child *c = xcalloc(1, sizeof(*c));
    c->all = all;
    c->req = e->req;
    c->flags = e->u.child.flags;
    c->name = xstrdup(e->u.child.argv && e->u.child.argv[0] ? e->u.child.argv[0] : "");
    c->next = all->first;
    all->first = c;
    all->alive++;
    uv_timer_init(&all->loop->uv, &c->timer);
    c->timer.data = c->process.data = c;
    c->handles = 2;
    for (size_t i = 0; i < STREAMS; i++) {
        struct stream *s = &c->streams[i];
        s->child = c;
        s->which = i == 0 ? STREAM_OUT : STREAM_ERR;
        s->ended = (c->flags & (CHILD_DETACHED | CHILD_TERMINAL)) != 0;
        if (s->ended)
            continue;
        uv_pipe_init(&all->loop->uv, &s->pipe, 0);
        s->pipe.data = s;
        s->open = true;
        c->handles++;
    }
    return c;
}

static int spawn(struct child *c, const struct launch *x)
{
    uv_stdio_container_t io[4];
    io[0].flags = UV_IGNORE;
    if (c->input) {
        io[0].flags = UV_CREATE_PIPE | UV_READABLE_PIPE;
        io[0].data.stream = (uv_stream_t *)&c->input->pipe;
    }
    const bool terminal = (c->flags & CHILD_TERMINAL) != 0;
    if (terminal) {
        io[0].flags = UV_INHERIT_FD;
        io[0].data.fd = STDIN_FILENO;
    }
    for (size_t i = 0; i < STREAMS; i++) {
        io[1 + i].flags = terminal ? UV_INHERIT_FD : UV_IGNORE;
        io[1 + i].data.fd = STDOUT_FILENO; /* our own stderr goes to the log meanwhile */
        if (c->streams[i].ended)
            continue;
        io[1 + i].flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
        io[1 + i].data.stream = (uv_stream_t *)&c->streams[i].pipe;
    }
    io[LAUNCH_PGPASS_FD].flags = UV_INHERIT_FD;
    io[LAUNCH_PGPASS_FD].data.fd = x->pgpass;
    uv_process_options_t o = {.exit_cb = on_exit_of,
                              .file = x->argv[0],
                              .args = x->argv,
                              .env = x->env,
                              .cwd = x->cwd,
                              .stdio = io,
                              .stdio_count = x->pgpass >= 0 ? 4 : 3,
                              .flags = terminal ? 0 : UV_PROCESS_DETACHED};
    if (x->change_user) {
        o.flags |= UV_PROCESS_SETUID | UV_PROCESS_SETGID;
        o.uid = x->uid;
        o.gid = x->gid;
    }
    const int rc = uv_spawn(&c->all->loop->uv, &c->process, &o);
    c->process.data = c;
    return rc;
}

static void fail_start(struct child *c, const struct err *why, bool spawned)
{
    c->state = CHILD_REPORTED;
    c->all->alive--;
    post_exit(c, why);
    for (size_t i = 0; i < STREAMS; i++)
        close_stream(&c->streams[i]);
    close_input(c->input);
    uv_close((uv_handle_t *)&c->timer, on_handle_closed);
    if (spawned)
        uv_close((uv_handle_t *)&c->process, on_handle_closed); /* also after a failure */
    else
        c->handles--;
}

static void began(struct child *c)
{
    struct event ev = {.kind = EV_CHILD_UP, .req = c->req};
    c->state = CHILD_RUNNING;
    c->pid = uv_process_get_pid(&c->process);
    ev.u.child.pid = c->pid;
    loop_post(c->all->loop, &ev);
    for (size_t i = 0; i < STREAMS; i++)
        if (c->streams[i].open)
            uv_read_start((uv_stream_t *)&c->streams[i].pipe, on_alloc, on_read);
    if (c->input && c->input->text)
        write_input(c->input);
}

void children_run(struct children *all, struct effect *e)
{
    struct launch x;
    struct err why = {0};
    struct child *c = make_child(all, e);
    if (!launch_prepare(&x, e, setpriv_of(all, e), &why)) {
        fail_start(c, &why, false);
        return;
    }
    make_input(c, e);
    const int rc = spawn(c, &x);
    if (rc == 0) {
        began(c);
    } else {
        err_set(&why, ERR_CHILD, "cannot run %s: %s", c->name, uv_strerror(rc));
        if (rc == UV_ENOENT)
            err_hint(&why, "Check that %s%s%s exist.", x.argv[0], x.cwd ? " and the folder " : "",
                     x.cwd ? x.cwd : "");
        fail_start(c, &why, true);
    }
    launch_clear(&x);
}

/* -- life ---------------------------------------------------------------------------------------- */

/* Not every library marks what it opens, and its threads open while we fork: a server that we start would keep a connection of
 * ours for ever. In the child nothing else runs, so it is marked there; what a child shall have is handed over afterwards. */
static void mark_in_child(void)
{
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
}

static void mark_in_children(void)
{
    static bool done;
    if (!done)
        done = pthread_atfork(NULL, NULL, mark_in_child) == 0;
}

struct children *children_new(struct loop *l)
{
    struct children *all = xcalloc(1, sizeof(*all));
    all->loop = l;
    mark_in_children();
    return all;
}

void children_stop(struct children *all)
{
    struct child *next;
    for (struct child *c = all->first; c; c = next) {
        next = c->next;
        if (!(c->flags & CHILD_DETACHED))
            end_child(c);
        else if (c->state != CHILD_REPORTED)
            report(c); /* it lives on, we stop looking */
    }
}

size_t children_alive(const struct children *all)
{
    return all->alive;
}

void children_shut(struct children *all)
{
    struct child *next;
    for (struct child *c = all->first; c; c = next) {
        next = c->next;
        if (c->state != CHILD_REPORTED) {
            log_line(LOG_ERROR, "%s (process %d) did not end", c->name, c->pid);
            report(c);
        }
    }
}

void children_free(struct children *all)
{
    free(all->setpriv);
    free(all);
}
