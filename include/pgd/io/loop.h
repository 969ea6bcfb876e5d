/* loop.h - the queue of events, the inbox for other threads and the stall meter: what the modules of
 * io share. Private to io. */
#pragma once

#include <stdbool.h>

#include <uv.h>

#include "pgd/io/io.h"

struct queued;
struct inbox;

struct loop {
    uv_loop_t uv;
    uv_prepare_t before;
    uv_check_t after;
    uv_idle_t busy; /* runs while events wait, so that the loop does not sleep */
    uv_async_t wake;
    struct queued *first, *last;
    size_t backlog;
    bool muted; /* shutting down: events are dropped */
    struct inbox *inbox;
    io_event_fn on_event;
    io_idle_fn on_idle;
    void *arg;
    io_fn on_drained; /* producers that waited for the queue to shrink may go on */
    void *drained_arg;
    struct io_stats stats;
};

void loop_init(struct loop *l, io_event_fn on_event, io_idle_fn on_idle, void *arg);
/* Closes the inbox, then counts and closes what others left open. */
void loop_close(struct loop *l);

void loop_post(struct loop *l, struct event *ev);

/* Wrap a callback: const int64_t t = loop_enter(); ...; loop_leave(l, t, "name"). */
int64_t loop_enter(void);
void loop_leave(struct loop *l, int64_t since, const char *name);

/* The inbox outlives the loop as long as a thread holds it. inbox_call() has fn(arg) run by the loop;
 * false: the loop is gone and arg stays with the caller. */
struct inbox *inbox_hold(struct inbox *in);
void inbox_drop(struct inbox *in);
bool inbox_call(struct inbox *in, io_fn fn, void *arg);

/* Starts a detached thread with a small stack and all signals blocked. */
bool loop_thread(io_fn fn, void *arg);

/* A handle of its own allocation: closes it and frees the memory afterwards. */
void loop_close_free(uv_handle_t *h);
