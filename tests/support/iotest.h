#pragma once
/*
 * Runs the io modules for a test: a scenario is a list of effects, and the events are recorded while the loop runs. cmocka
 * leaves a test by longjmp, which must not cross libuv: nothing is asserted before the loop has ended.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "pgd/base/mem.h"
#include "pgd/io/io.h"

struct iotest;

/* Called for each event; may run effects through iotest_run() and end the loop through iotest_quit(). */
typedef void (*iotest_fn)(struct iotest *t, struct event *ev);

struct iotest {
    struct io *io;
    iotest_fn on_event;
    struct event *seen; /* all but ticks and stalls, in their order; owned */
    size_t n, cap;
    int step;               /* the test's own */
    bool timed_out;         /* nobody ended the loop */
    int limit_ticks;        /* seconds until it is ended */
    int64_t longest_gap_us; /* between two calls of a 10 ms heartbeat: was the loop ever blocked? */
    int64_t beat_us;
    int exit_code;
    int leaked;
    struct io_stats stats;
};

static const struct req iotest_beat = {OWNER_UI, 0xbea7, 1};

static inline void iotest_run(struct iotest *t, struct effects *fx)
{
    for (size_t i = 0; i < fx->n; i++)
        io_run(t->io, &fx->items[i]);
    effects_clear(fx);
}

static inline void iotest_quit(struct iotest *t, int code)
{
    struct effects fx = {0};
    effects_add(&fx, FX_QUIT, (struct req){OWNER_NONE, 0, 0})->exit_code = code;
    iotest_run(t, &fx);
}

static inline void iotest_arm_beat(struct iotest *t)
{
    struct effects fx = {0};
    fx_timer(&fx, iotest_beat, 10);
    iotest_run(t, &fx);
}

static inline bool iotest_is_beat(struct iotest *t, const struct event *ev)
{
    if (ev->kind == EV_START) {
        t->beat_us = ev->at_us;
        iotest_arm_beat(t);
    }
    if (ev->kind != EV_TIMER || !req_same(ev->req, iotest_beat))
        return false;
    const int64_t now = io_now_us();
    if (now - t->beat_us > t->longest_gap_us)
        t->longest_gap_us = now - t->beat_us;
    t->beat_us = now;
    iotest_arm_beat(t);
    return true;
}

static inline void iotest_on_event(void *arg, struct event *ev)
{
    struct iotest *t = arg;
    if (iotest_is_beat(t, ev) || ev->kind == EV_STALL)
        return;
    if (ev->kind == EV_TICK && t->limit_ticks-- <= 0) {
        t->timed_out = true;
        iotest_quit(t, 99);
        return;
    }
    t->on_event(t, ev);
    if (ev->kind == EV_TICK)
        return;
    t->seen = xgrow(t->seen, &t->cap, t->n + 1, sizeof(*t->seen));
    t->seen[t->n++] = *ev; /* takes the contents */
    *ev = (struct event){.kind = EV_NONE};
}

/* The first effects may be put into t->io by on_event at EV_START. Runs until iotest_quit(). */
static inline void iotest_loop(struct iotest *t, iotest_fn on_event, int seconds)
{
    *t = (struct iotest){.on_event = on_event, .limit_ticks = seconds};
    t->io = io_new(iotest_on_event, NULL, t);
    t->exit_code = io_loop(t->io);
    t->stats = *io_stats(t->io);
    t->leaked = t->stats.leaked;
    io_free(t->io);
}

static inline void iotest_clear(struct iotest *t)
{
    for (size_t i = 0; i < t->n; i++)
        event_clear(&t->seen[i]);
    free(t->seen);
}

/* The i-th event of the kind for the request's id (0 = of any), NULL if there are fewer. */
static inline struct event *iotest_find(struct iotest *t, enum event_kind kind, uint32_t id, int i)
{
    for (size_t j = 0; j < t->n; j++)
        if (t->seen[j].kind == kind && (id == 0 || t->seen[j].req.id == id) && i-- == 0)
            return &t->seen[j];
    return NULL;
}

static inline int iotest_count(struct iotest *t, enum event_kind kind, uint32_t id)
{
    int n = 0;
    while (iotest_find(t, kind, id, n))
        n++;
    return n;
}
