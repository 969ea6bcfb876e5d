/* io.c - the front of io: carries effects out, keeps the timers, the ticks and the signals, and ends it
 * all in order. */
#include "pgd/io/io.h"

#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pgd/base/log.h"
#include "pgd/base/mem.h"
#include "pgd/io/child.h"
#include "pgd/io/disk_own.h"
#include "pgd/io/files.h"
#include "pgd/io/http.h"
#include "pgd/io/loop.h"
#include "pgd/io/pg_connect.h"
#include "pgd/io/pg_link.h"
#include "pgd/io/ssh.h"

enum { SHUTDOWN_MS = 5000, CANCELS_MS = 1000, CHECK_MS = 20, TRIM_S = 2 };

struct alarm {
    struct alarm *next;
    struct io *io;
    struct req req;
    uv_timer_t timer;
};

struct watch {
    struct watch *next;
    struct io *io;
    int fd;
    io_fn readable;
    void *arg;
    uv_poll_t poll;
};

struct trap {
    struct trap *next;
    struct io *io;
    io_fn fn; /* NULL: an EV_SIGNAL */
    void *arg;
    uv_signal_t handle;
};

struct io {
    struct loop loop;
    struct pg_link *links[CONN_COUNT];
    struct children *children;
    struct https *https;
    struct sshes *sshes;
    struct files *files;
    struct alarm *alarms;
    struct watch *watches;
    struct trap *traps;
    uv_timer_t tick, frame;
    unsigned ticks;
    io_fn on_frame;
    void *frame_arg;
    uint64_t frame_due; /* in the loop's ms */
    bool quitting, closed;
    int exit_code;
};

/* -- events ------------------------------------------------------------------------------------- */

struct posted {
    struct io *io;
    struct event ev;
};

static void post_now(void *arg)
{
    struct posted *p = arg;
    loop_post(&p->io->loop, &p->ev);
    free(p);
}

void io_post(struct io *io, struct event *ev)
{
    loop_post(&io->loop, ev);
}

void io_post_from_thread(struct io *io, struct event *ev)
{
    struct posted *p = xmalloc(sizeof(*p));
    p->io = io;
    p->ev = *ev;
    *ev = (struct event){.kind = EV_NONE};
    if (inbox_call(io->loop.inbox, post_now, p))
        return;
    event_clear(&p->ev);
    free(p);
}

const struct io_stats *io_stats(struct io *io)
{
    return &io->loop.stats;
}

/* -- time --------------------------------------------------------------------------------------- */

static void on_tick(uv_timer_t *h);

/* On the second of the monotonic clock, so that a late tick does not shift those after it. */
static void arm_tick(struct io *io)
{
    uv_update_time(&io->loop.uv);
    uv_timer_start(&io->tick, on_tick, 1000 - (uint64_t)(io_now_us() / 1000 % 1000), 0);
}

/* What is free inside the heap goes back to the kernel. curses keeps a block for each line of each of its screens and takes all of them
 * anew at another size, so a window that is dragged leaves more holes than the program has data; answers of catalogs and files leave
 * some, too. Nothing but this gives holes back that have something above them. */
static void give_back(struct io *io)
{
    const int64_t t = loop_enter();
    malloc_trim(0);
    loop_leave(&io->loop, t, "give back memory");
}

static void on_tick(uv_timer_t *h)
{
    struct io *io = h->data;
    struct event ev = {.kind = EV_TICK};
    loop_post(&io->loop, &ev);
    if (io->ticks++ % TRIM_S == 0)
        give_back(io);
    arm_tick(io);
}

static void on_alarm_closed(uv_handle_t *h)
{
    free(h->data);
}

static void remove_alarm(struct alarm **at)
{
    struct alarm *a = *at;
    *at = a->next;
    uv_close((uv_handle_t *)&a->timer, on_alarm_closed);
}

static struct alarm **find_alarm(struct io *io, struct req req)
{
    struct alarm **at = &io->alarms;
    while (*at && !req_same((*at)->req, req))
        at = &(*at)->next;
    return at;
}

static void on_alarm(uv_timer_t *h)
{
    struct alarm *a = h->data;
    struct event ev = {.kind = EV_TIMER, .req = a->req};
    loop_post(&a->io->loop, &ev);
    remove_alarm(find_alarm(a->io, a->req));
}

static void set_alarm(struct io *io, struct req req, int ms)
{
    struct alarm *a = *find_alarm(io, req);
    if (!a) {
        a = xcalloc(1, sizeof(*a));
        a->io = io;
        a->req = req;
        uv_timer_init(&io->loop.uv, &a->timer);
        a->timer.data = a;
        a->next = io->alarms;
        io->alarms = a;
    }
    uv_update_time(&io->loop.uv);
    uv_timer_start(&a->timer, on_alarm, ms > 0 ? (uint64_t)ms : 0, 0);
}

static void on_frame(uv_timer_t *h)
{
    struct io *io = h->data;
    const int64_t t = loop_enter();
    io->on_frame(io->frame_arg);
    loop_leave(&io->loop, t, "frame");
}

void io_frame(struct io *io, int ms, io_fn fn, void *arg)
{
    uv_update_time(&io->loop.uv);
    const uint64_t wait = ms > 0 ? (uint64_t)ms : 0;
    const uint64_t due = uv_now(&io->loop.uv) + wait;
    if (io->closed || (uv_is_active((uv_handle_t *)&io->frame) && io->frame_due <= due))
        return;
    io->on_frame = fn;
    io->frame_arg = arg;
    io->frame_due = due;
    uv_timer_start(&io->frame, on_frame, wait, 0);
}

/* -- descriptors and signals --------------------------------------------------------------------- */

static void on_watch_closed(uv_handle_t *h)
{
    free(h->data);
}

void io_unwatch_fd(struct io *io, int fd)
{
    struct watch **at = &io->watches;
    while (*at && (*at)->fd != fd)
        at = &(*at)->next;
    struct watch *w = *at;
    if (!w)
        return;
    *at = w->next;
    uv_poll_stop(&w->poll);
    uv_close((uv_handle_t *)&w->poll, on_watch_closed);
}

static bool hung_up(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLHUP | POLLERR | POLLNVAL));
}

static void on_watch(uv_poll_t *h, int status, int events)
{
    struct watch *w = h->data;
    struct io *io = w->io;
    const int fd = w->fd;
    (void)events;
    const int64_t t = loop_enter();
    w->readable(w->arg);
    loop_leave(&io->loop, t, "terminal input");
    if (uv_is_closing((uv_handle_t *)h) || (status == 0 && !hung_up(fd)))
        return;
    struct event ev = {.kind = EV_TTY_LOST};
    io_unwatch_fd(io, fd);
    loop_post(&io->loop, &ev);
}

void io_watch_fd(struct io *io, int fd, io_fn readable, void *arg)
{
    struct watch *w = xcalloc(1, sizeof(*w));
    *w = (struct watch){.io = io, .fd = fd, .readable = readable, .arg = arg};
    const int rc = uv_poll_init(&io->loop.uv, &w->poll, fd);
    if (rc != 0) {
        log_line(LOG_ERROR, "cannot watch descriptor %d: %s", fd, uv_strerror(rc));
        free(w);
        return;
    }
    w->poll.data = w;
    w->next = io->watches;
    io->watches = w;
    uv_poll_start(&w->poll, UV_READABLE, on_watch);
}

static void on_trap(uv_signal_t *h, int signo)
{
    struct trap *t = h->data;
    struct event ev = {.kind = EV_SIGNAL, .u.signo = signo};
    if (!t->fn) {
        loop_post(&t->io->loop, &ev);
        return;
    }
    const int64_t since = loop_enter();
    t->fn(t->arg);
    loop_leave(&t->io->loop, since, "signal");
}

void io_on_signal(struct io *io, int signo, io_fn fn, void *arg)
{
    struct trap *t = xcalloc(1, sizeof(*t));
    t->io = io;
    t->fn = fn;
    t->arg = arg;
    uv_signal_init(&io->loop.uv, &t->handle);
    t->handle.data = t;
    t->next = io->traps;
    io->traps = t;
    const int rc = uv_signal_start(&t->handle, on_trap, signo);
    if (rc != 0)
        log_line(LOG_ERROR, "cannot watch signal %d: %s", signo, uv_strerror(rc));
}

/* -- effects ------------------------------------------------------------------------------------- */

static struct pg_link *link_of(struct io *io, const struct effect *e)
{
    if ((unsigned)e->u.pg.conn >= CONN_COUNT)
        die("effect for connection %d", (int)e->u.pg.conn);
    return io->links[e->u.pg.conn];
}

static void run_for_pg(struct io *io, struct effect *e)
{
    struct pg_link *k = link_of(io, e);
    if (e->kind == FX_PG_CONNECT)
        pg_link_connect(k, e);
    else if (e->kind == FX_PG_QUERY)
        pg_link_query(k, e);
    else if (e->kind == FX_PG_CANCEL)
        pg_link_cancel(k);
    else
        pg_link_close(k);
}

static void start_quitting(struct io *io, const struct effect *e)
{
    if (io->quitting)
        return;
    io->quitting = true;
    io->exit_code = e->exit_code;
    io->loop.muted = true;
    uv_stop(&io->loop.uv);
}

void io_run(struct io *io, struct effect *e)
{
    switch (e->kind) {
    case FX_NONE:
        break;
    case FX_PG_CONNECT:
    case FX_PG_QUERY:
    case FX_PG_CANCEL:
    case FX_PG_CLOSE:
        run_for_pg(io, e);
        break;
    case FX_CHILD:
        if (e->u.child.flags & CHILD_REMOTE)
            sshes_child(io->sshes, e);
        else
            children_run(io->children, e);
        break;
    case FX_CHILD_KILL:
        children_kill(io->children, e->req);
        sshes_kill(io->sshes, e->req);
        break;
    case FX_CHILD_INPUT:
        sshes_input(io->sshes, e);
        children_input(io->children, e);
        break;
    case FX_SSH_OPEN:
    case FX_SSH_ANSWER:
    case FX_SSH_CLOSE:
        sshes_run(io->sshes, e);
        break;
    case FX_FILE:
        files_run(io->files, e);
        break;
    case FX_TIMER:
        set_alarm(io, e->req, e->ms);
        break;
    case FX_TIMER_STOP:
        if (*find_alarm(io, e->req))
            remove_alarm(find_alarm(io, e->req));
        break;
    case FX_HTTP:
        https_run(io->https, e);
        break;
    case FX_HTTP_CANCEL:
        https_cancel(io->https, e->req);
        break;
    case FX_STDOUT:
    case FX_STDERR:
        files_print(io->files, e->kind == FX_STDOUT ? STDOUT_FILENO : STDERR_FILENO,
                    e->text ? e->text : "", e->text ? strlen(e->text) : 0);
        break;
    case FX_QUIT:
        start_quitting(io, e);
        break;
    case FX_SUSPEND:
    case FX_REDRAW:
    case FX_BELL:
    case FX_COPY:
        log_line(LOG_ERROR, "effect %s is for the terminal", effect_kind_name(e->kind));
        break;
    }
    effect_clear(e);
}

/* -- life ---------------------------------------------------------------------------------------- */

static void resume_children(void *arg)
{
    children_resume(arg);
}

void io_own_folder(const char *folder)
{
    disk_own_folder(folder);
}

struct io *io_new(io_event_fn on_event, io_idle_fn on_idle, void *arg)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct io *io = xcalloc(1, sizeof(*io));
    mallopt(M_ARENA_MAX, 2); /* threads that hardly allocate need no arenas */
    /* Or the first large block that is given back raises it, and all later ones stay with us in a heap of holes. */
    mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    setenv("UV_THREADPOOL_SIZE", "2", 0); /* our own threads do the work */
    signal(SIGPIPE, SIG_IGN);
    loop_init(&io->loop, on_event, on_idle, arg);
    pg_connect_setup();
    for (int i = 0; i < CONN_COUNT; i++)
        io->links[i] = pg_link_new(&io->loop, (enum pg_conn)i);
    io->children = children_new(&io->loop);
    io->https = https_new(&io->loop);
    io->sshes = sshes_new(&io->loop);
    io->files = files_new(&io->loop);
    io->loop.on_drained = resume_children;
    io->loop.drained_arg = io->children;
    uv_timer_init(&io->loop.uv, &io->tick);
    uv_timer_init(&io->loop.uv, &io->frame);
    io->tick.data = io->frame.data = io;
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        io_on_signal(io, signals[i], NULL, NULL);
    return io;
}

static int cancels_out(const struct io *io)
{
    int n = 0;
    for (int i = 0; i < CONN_COUNT; i++)
        n += pg_link_cancels(io->links[i]);
    return n;
}

static void on_check(uv_timer_t *h)
{
    (void)h; /* only wakes the loop up */
}

/* Waits for the disk, the children and cancel requests, bounded. */
static void wait_for_the_end(struct io *io)
{
    const int64_t start = io_now_us();
    uv_timer_start(&io->frame, on_check, CHECK_MS, CHECK_MS);
    for (;;) {
        const int64_t ms = (io_now_us() - start) / 1000;
        const bool quiet = files_pending(io->files) == 0 && children_alive(io->children) == 0 &&
                           (cancels_out(io) == 0 || ms > CANCELS_MS);
        if (quiet || ms > SHUTDOWN_MS)
            break;
        uv_run(&io->loop.uv, UV_RUN_ONCE);
    }
    if (files_pending(io->files) > 0)
        log_line(LOG_ERROR, "%zu jobs for the disk did not end in time", files_pending(io->files));
}

static void on_trap_closed(uv_handle_t *h)
{
    free(h->data);
}

static void close_all(struct io *io)
{
    if (io->closed)
        return;
    io->closed = true;
    io->loop.muted = true;
    uv_timer_stop(&io->tick);
    uv_timer_stop(&io->frame);
    while (io->alarms)
        remove_alarm(&io->alarms);
    while (io->watches)
        io_unwatch_fd(io, io->watches->fd);
    for (int i = 0; i < CONN_COUNT; i++)
        pg_link_close(io->links[i]);
    children_stop(io->children);
    https_stop(io->https);
    sshes_stop(io->sshes);
    wait_for_the_end(io);
    children_shut(io->children);
    for (int i = 0; i < CONN_COUNT; i++)
        pg_link_shut(io->links[i]);
    while (io->traps) {
        struct trap *t = io->traps;
        io->traps = t->next;
        uv_close((uv_handle_t *)&t->handle, on_trap_closed);
    }
    uv_close((uv_handle_t *)&io->tick, NULL);
    uv_close((uv_handle_t *)&io->frame, NULL);
    files_stop(io->files);
    io->loop.on_drained = NULL;
    loop_close(&io->loop);
    files_close(io->files);
    children_free(io->children);
    https_free(io->https);
    sshes_free(io->sshes);
    for (int i = 0; i < CONN_COUNT; i++)
        pg_link_free(io->links[i]);
}

int io_loop(struct io *io)
{
    struct event ev = {.kind = EV_START};
    loop_post(&io->loop, &ev);
    arm_tick(io);
    while (!io->quitting)
        uv_run(&io->loop.uv, UV_RUN_DEFAULT);
    close_all(io);
    return io->exit_code;
}

void io_free(struct io *io)
{
    close_all(io);
    free(io);
}
