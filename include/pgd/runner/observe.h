/* observe.h - one window of a server's own traffic as a machine: what bench.h is for pgbench.
 *
 * It reads pg_stat_statements and pg_stat_database at the window's ends and looks at the server once a second between them.
 * A window under a candidate is given up at once when the statements take twice as long as before, when they do not come to
 * an end any more, or when memory runs out. Nothing is changed, reset or started on the server. */
#pragma once

#include "pgd/runner/bench.h"
#include "pgd/runner/observed.h"

enum observe_state {
    /* Nothing under way. */
    OBSERVE_IDLE,
    /* The snapshot that the window begins with is on its way. → WINDOW */
    OBSERVE_BEGIN,
    /* A look once a second. When the time is over → END. A warm-up needs no end: it is over as soon as no statement is at
     * work any more that began before it (30 s at the most) → DONE. Given up → FAILED, at once. */
    OBSERVE_WINDOW,
    /* The snapshot at its end is on its way. Too few calls → WINDOW for as long again, four times in all; else → DONE, or
     * FAILED when the two do not belong together. */
    OBSERVE_END,
    OBSERVE_DONE,
    OBSERVE_FAILED /* run->err says why; also a cancelled window */
};

enum { OBSERVE_LOOKS = 5 };

/* One look within a window. */
struct observe_look {
    int64_t at_us;
    double own; /* statements of ours until then */
    struct observed_now now;
    struct observed statements; /* those that are watched; owned */
};

/* What the caller sets before each window. */
struct observe_order {
    int64_t at_us; /* now, monotonic */
    int seconds;
    bool warmup;
    bool baseline;  /* the server as it is: its windows make the reference */
    bool candidate; /* it may be given up */
    bool cold; /* the server was restarted: caches are empty, and slow statements no surprise */
};

struct observe {
    enum observe_state state;
    struct observed_source source;
    uint32_t generation, ids, waiting, timer_id;
    struct observe_order order;
    struct bench_run *run; /* borrowed: the caller's */
    /* set by the caller at any time */
    double memory_left; /* share of the machine's, or of the server's cgroup's; NAN unknown */
    double elsewhere;   /* statements of ours on other connections to this database so far */
    /* of the session: what the traffic was before anything was changed */
    struct observed reference;
    double reference_s;
    /* seen in any window that was not on trial: */
    double slower_seen; /* the slowest three seconds against the reference, with certainty */
    double oldest_seen; /* the oldest statement at work, ms */
    int64_t watched[OBSERVED_WATCHED];
    int nwatched;
    /* of this window */
    int total_s;           /* with its extensions */
    int64_t started_at_us; /* monotonic; 0 = not yet */
    int64_t asked_at_us;   /* when what is awaited was sent */
    int64_t now_us;
    bool want_statements; /* the second half of a look is awaited */
    double sent;          /* statements of ours so far, by this machine */
    double own_begin;     /* … and all of ours when the window began */
    struct observed_now first, now;
    struct observed begin; /* the first snapshot */
    /* of the arm in force: the first look since the switch, and the newest ones */
    struct observe_look base, looks[OBSERVE_LOOKS];
    int nlooks;
    double tps_now, lat_now; /* of the last second; NAN unknown */
};

void observe_init(struct observe *o, const struct observed_source *source);
void observe_clear(struct observe *o);
/* Starts a window; the requests carry OWNER_BENCH and this generation. run has been emptied by the caller, and is filled in
 * until DONE or FAILED. */
void observe_start(struct observe *o, const struct observe_order *order, uint32_t generation,
                   struct bench_run *run, struct effects *fx);
void observe_step(struct observe *o, const struct event *ev, struct effects *fx);
/* FAILED with ERR_CANCELLED, at once. */
void observe_cancel(struct observe *o, struct effects *fx);
