/* loop.c - the event queue and the two ways into it: from the loop's own callbacks, and from threads.
 *
 * A drain handles the events that were there when it began. What they cause in turn waits for the next
 * pass, so that a machine that answers itself cannot keep the terminal from being read. */
#include "pgd/io/loop.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "pgd/base/log.h"
#include "pgd/base/mem.h"

#ifdef PGD_SANITIZED
enum { STACK_SIZE = 1024 * 1024 };
#else
enum { STACK_SIZE = 256 * 1024 };
#endif

struct queued {
    struct queued *next;
    struct event ev;
};

struct call {
    struct call *next;
    io_fn fn;
    void *arg;
};

struct inbox {
    uv_mutex_t lock;
    int refs;
    bool closed;
    struct call *first, *last;
    uv_async_t *wake; /* of the loop; not touched once closed */
};

int64_t io_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t io_wall_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* -- the stall meter ------------------------------------------------------------------------- */

int64_t loop_enter(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void loop_leave(struct loop *l, int64_t since, const char *name)
{
    static const double limits[IO_STALL_BUCKETS - 1] = {1, 2, 4, 8, 16, 32};
    const double ms = (double)(loop_enter() - since) / 1e6;
    size_t i = 0;
    while (i < ARRAY_LEN(limits) && ms >= limits[i])
        i++;
    l->stats.bucket[i]++;
    if (!l->stats.longest_name || ms > l->stats.longest_ms) {
        l->stats.longest_ms = ms;
        l->stats.longest_name = name;
    }
    if (ms <= IO_STALL_MS)
        return;
    l->stats.stalls++;
    log_line(LOG_WARN, "loop stall: %.1f ms in %s", ms, name);
    if (name == event_kind_name(EV_STALL))
        return; /* reporting a report would never end */
    struct event ev = {.kind = EV_STALL, .stall_ms = ms, .text = xstrdup(name)};
    loop_post(l, &ev);
}

/* -- the queue ------------------------------------------------------------------------------- */

void loop_post(struct loop *l, struct event *ev)
{
    struct queued *q = xmalloc(sizeof(*q));
    q->next = NULL;
    q->ev = *ev;
    *ev = (struct event){.kind = EV_NONE};
    q->ev.at_us = io_now_us();
    q->ev.wall_us = io_wall_us();
    if (l->last)
        l->last->next = q;
    else
        l->first = q;
    l->last = q;
    l->backlog++;
    if (l->backlog > l->stats.backlog_max)
        l->stats.backlog_max = l->backlog;
}

static void handle_first(struct loop *l)
{
    struct queued *q = l->first;
    l->first = q->next;
    if (!l->first)
        l->last = NULL;
    l->backlog--;
    if (!l->muted) {
        const enum event_kind kind = q->ev.kind;
        l->stats.events[kind]++;
        const int64_t t = loop_enter();
        l->on_event(l->arg, &q->ev);
        loop_leave(l, t, event_kind_name(kind));
    }
    event_clear(&q->ev);
    free(q);
}

static void on_busy(uv_idle_t *h)
{
    (void)h;
}

static void drain(struct loop *l)
{
    size_t n = l->backlog;
    if (n > 0) {
        uv_update_time(&l->uv);
        while (n-- > 0)
            handle_first(l);
        if (l->on_idle && !l->muted) {
            const int64_t t = loop_enter();
            l->on_idle(l->arg);
            loop_leave(l, t, "idle");
        }
    }
    if (l->on_drained)
        l->on_drained(l->drained_arg);
    if (l->backlog > 0)
        uv_idle_start(&l->busy, on_busy);
    else
        uv_idle_stop(&l->busy);
}

static void on_before(uv_prepare_t *h)
{
    drain(h->data);
}

static void on_after(uv_check_t *h)
{
    drain(h->data);
}

/* -- the inbox ------------------------------------------------------------------------------- */

struct inbox *inbox_hold(struct inbox *in)
{
    uv_mutex_lock(&in->lock);
    in->refs++;
    uv_mutex_unlock(&in->lock);
    return in;
}

void inbox_drop(struct inbox *in)
{
    uv_mutex_lock(&in->lock);
    const int left = --in->refs;
    uv_mutex_unlock(&in->lock);
    if (left > 0)
        return;
    uv_mutex_destroy(&in->lock);
    free(in);
}

bool inbox_call(struct inbox *in, io_fn fn, void *arg)
{
    struct call *c = xmalloc(sizeof(*c));
    *c = (struct call){.fn = fn, .arg = arg};
    uv_mutex_lock(&in->lock);
    const bool open = !in->closed;
    if (open) {
        if (in->last)
            in->last->next = c;
        else
            in->first = c;
        in->last = c;
        uv_async_send(in->wake);
    }
    uv_mutex_unlock(&in->lock);
    if (!open)
        free(c);
    return open;
}

static void run_calls(struct inbox *in)
{
    uv_mutex_lock(&in->lock);
    struct call *c = in->first;
    in->first = in->last = NULL;
    uv_mutex_unlock(&in->lock);
    while (c) {
        struct call *next = c->next;
        c->fn(c->arg);
        free(c);
        c = next;
    }
}

static void on_wake(uv_async_t *h)
{
    struct loop *l = h->data;
    const int64_t t = loop_enter();
    run_calls(l->inbox);
    loop_leave(l, t, "inbox");
}

struct work {
    io_fn fn;
    void *arg;
};

static atomic_int alive;

static void work_main(void *arg)
{
    struct work w = *(struct work *)arg;
    free(arg);
    w.fn(w.arg);
    atomic_fetch_sub(&alive, 1);
}

int io_threads_alive(void)
{
    return atomic_load(&alive);
}

bool loop_thread(io_fn fn, void *arg)
{
    struct work *w = xcalloc(1, sizeof *w);
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_SIZE};
    sigset_t all, before;
    uv_thread_t thread;
    w->fn = fn;
    w->arg = arg;
    atomic_fetch_add(&alive, 1);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int rc = uv_thread_create_ex(&thread, &options, work_main, w);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        atomic_fetch_sub(&alive, 1);
        free(w);
        log_line(LOG_ERROR, "cannot start a thread: %s", uv_strerror(rc));
        return false;
    }
    pthread_detach(thread);
    return true;
}

/* -- life ------------------------------------------------------------------------------------ */

void loop_init(struct loop *l, io_event_fn on_event, io_idle_fn on_idle, void *arg)
{
    *l = (struct loop){.on_event = on_event, .on_idle = on_idle, .arg = arg};
    const int rc = uv_loop_init(&l->uv);
    if (rc != 0)
        die("cannot start the event loop: %s", uv_strerror(rc));
    uv_prepare_init(&l->uv, &l->before);
    uv_check_init(&l->uv, &l->after);
    uv_idle_init(&l->uv, &l->busy);
    uv_async_init(&l->uv, &l->wake, on_wake);
    l->before.data = l->after.data = l->wake.data = l;
    uv_prepare_start(&l->before, on_before);
    uv_check_start(&l->after, on_after);
    l->inbox = xcalloc(1, sizeof(*l->inbox));
    l->inbox->refs = 1;
    l->inbox->wake = &l->wake;
    uv_mutex_init(&l->inbox->lock);
}

static void on_freed(uv_handle_t *h)
{
    free(h);
}

void loop_close_free(uv_handle_t *h)
{
    uv_close(h, on_freed);
}

static void report_leak(uv_handle_t *h, void *arg)
{
    struct loop *l = arg;
    if (uv_is_closing(h))
        return;
    uv_os_fd_t fd = -1;
    if (h->type == UV_POLL || h->type == UV_NAMED_PIPE)
        uv_fileno(h, &fd);
    log_line(LOG_ERROR, "leaked handle: %s, descriptor %d", uv_handle_type_name(h->type), fd);
    l->stats.leaked++;
    uv_close(h, NULL);
}

void loop_close(struct loop *l)
{
    uv_mutex_lock(&l->inbox->lock);
    l->inbox->closed = true;
    uv_mutex_unlock(&l->inbox->lock);
    run_calls(l->inbox);
    l->muted = true;
    while (l->first)
        handle_first(l);
    uv_close((uv_handle_t *)&l->before, NULL);
    uv_close((uv_handle_t *)&l->after, NULL);
    uv_close((uv_handle_t *)&l->busy, NULL);
    uv_close((uv_handle_t *)&l->wake, NULL);
    uv_walk(&l->uv, report_leak, l);
    uv_run(&l->uv, UV_RUN_DEFAULT);
    const int rc = uv_loop_close(&l->uv);
    if (rc != 0)
        log_line(LOG_ERROR, "the event loop did not close: %s", uv_strerror(rc));
    inbox_drop(l->inbox);
}
