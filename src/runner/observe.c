/* One window of a server's own traffic; see observe.h. The arithmetic is in observed.c. */
#include "pgd/runner/observe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"

enum {
    LOOK_MS = 1000,
    ANSWER_MS = 5000,   /* of one statement of ours */
    SILENT_MS = 3000,   /* a server that has not answered for so long is in trouble */
    RECENT_MS = 3300,   /* the newest three seconds */
    DRAIN_S = 30,       /* the longest that a warm-up waits for statements from before it */
    EXTENSIONS_MAX = 3, /* beyond the first length of a window */
    CALLS_LEAST = 100,  /* in a window */
    CALLS_MIN = 10,     /* in what a candidate is given up for */
    BLOCK_BYTES = 8192
};

/* Given up beyond these; see slower() and stalled(). */
static const double slower_most = 2, slower_margin = 1.2;
static const double stalled_calls = 0.5, stalled_age_ms = 1500, stalled_ages = 3;
static const double memory_least = 0.1;

/* A window that has less of the reference's time in its statements is other traffic. */
static const double coverage_least = 0.5;

void observe_init(struct observe *o, const struct observed_source *source)
{
    observe_clear(o);
    o->source = *source;
    o->memory_left = o->tps_now = o->lat_now = NAN;
}

static void forget_looks(struct observe *o)
{
    observed_clear(&o->base.statements);
    for (int i = 0; i < OBSERVE_LOOKS; i++)
        observed_clear(&o->looks[i].statements);
    memset(&o->base, 0, sizeof o->base);
    memset(o->looks, 0, sizeof o->looks);
    o->nlooks = 0;
}

void observe_clear(struct observe *o)
{
    forget_looks(o);
    observed_clear(&o->reference);
    observed_clear(&o->begin);
    memset(o, 0, sizeof *o);
}

/* ---- asking ---- */

static struct req ask(struct observe *o)
{
    return (struct req){OWNER_BENCH, o->generation, ++o->ids};
}

static void send(struct observe *o, const char *sql, struct effects *fx)
{
    struct req req = ask(o);

    fx_sql(fx, req, CONN_CONTROL, sql, ANSWER_MS);
    o->waiting = req.id;
    o->asked_at_us = o->now_us;
    o->sent++;
}

static void send_now(struct observe *o, struct effects *fx)
{
    struct buf sql = {0};

    observed_now_sql(&o->source, &sql);
    o->want_statements = false;
    send(o, buf_text(&sql), fx);
    buf_clear(&sql);
}

static void send_statements(struct observe *o, bool all, struct effects *fx)
{
    struct buf sql = {0}, steps = {0};

    observed_statements_sql(&o->source, all ? NULL : o->watched, o->nwatched, &sql);
    extension_call_sql(o->source.schema, o->source.form >= 14, buf_text(&sql), &steps);
    o->want_statements = true;
    send(o, buf_text(&steps), fx);
    fx_several(fx);
    buf_clear(&steps);
    buf_clear(&sql);
}

static void next_look(struct observe *o, struct effects *fx)
{
    struct req req = ask(o);

    o->timer_id = req.id;
    fx_timer(fx, req, LOOK_MS);
}

static double own(const struct observe *o)
{
    return o->sent + o->elsewhere;
}

/* ---- the end ---- */

static void finish(struct observe *o, struct effects *fx)
{
    struct bench_run *r = o->run;

    if (o->timer_id)
        effects_add(fx, FX_TIMER_STOP, (struct req){OWNER_BENCH, o->generation, o->timer_id});
    if (o->waiting) {
        struct effect *e = effects_add(fx, FX_PG_CANCEL,
                                       (struct req){OWNER_BENCH, o->generation, o->waiting});
        e->u.pg.conn = CONN_CONTROL;
    }
    o->timer_id = o->waiting = 0;
    observed_clear(&o->begin);
    if (o->started_at_us)
        r->secs = (double)(o->now_us - o->started_at_us) / 1e6;
    r->valid = r->err.code == ERR_NONE;
    o->state = r->valid ? OBSERVE_DONE : OBSERVE_FAILED;
}

static void fail(struct observe *o, const struct err *e, struct effects *fx)
{
    o->run->err = *e;
    finish(o, fx);
}

static void give_up(struct observe *o, const char *why, double ratio, struct effects *fx)
{
    struct bench_run *r = o->run;

    r->abandoned = true;
    r->slower = ratio;
    text_copy(r->note, sizeof r->note, why);
    err_set(&r->err, ERR_CANCELLED, "the configuration was given up: %s", why);
    finish(o, fx);
}

void observe_cancel(struct observe *o, struct effects *fx)
{
    if (o->state != OBSERVE_BEGIN && o->state != OBSERVE_WINDOW && o->state != OBSERVE_END)
        return;
    o->run->cancelled = true;
    err_set(&o->run->err, ERR_CANCELLED, "the run was cancelled");
    finish(o, fx);
}

/* ---- a candidate that does harm ---- */

/* Between two looks: how much longer than in the reference. */
static struct observed_index between(const struct observe *o, const struct observe_look *a,
                                     const struct observe_look *b)
{
    struct observed_index x = {NAN, NAN, 0};
    struct observed d;
    struct err ignored;

    if (observed_diff(&a->statements, &b->statements, &d, &ignored))
        observed_slower(&o->reference, &d, &x);
    observed_clear(&d);
    return x;
}

/* The look from which the last three seconds are counted. */
static const struct observe_look *recent(const struct observe *o)
{
    const struct observe_look *newest = &o->looks[o->nlooks - 1];

    for (int i = 0; i < o->nlooks - 1; i++)
        if (newest->at_us - o->looks[i].at_us <= RECENT_MS * 1000LL)
            return &o->looks[i];
    return newest;
}

/* The calls of the last three seconds took twice as long as the same calls in the baseline, longer than any three seconds of
 * an arm that was not on trial, and not by the chance of a few outliers: more than half of that is certain. Of slow traffic
 * all calls since the switch are taken. */
static bool slower(const struct observe *o, char *why, size_t size, double *ratio)
{
    const struct observe_look *newest = &o->looks[o->nlooks - 1];
    double bound = fmax(slower_most, slower_margin * o->slower_seen);

    if (o->order.cold)
        return false;
    struct observed_index x = between(o, recent(o), newest);
    if (x.calls < CALLS_MIN && o->base.at_us)
        x = between(o, &o->base, newest);
    if (x.calls < CALLS_MIN || !(x.ratio >= bound) || !(x.certain >= (1 + bound) / 2))
        return false;
    *ratio = x.ratio;
    snprintf(why, size,
             "its statements take %.1f times as long as in the baseline (%.0f calls; bound %.1f)",
             x.ratio, x.calls, bound);
    return true;
}

/* Nothing comes to an end, so the statistics stay silent: fewer than half of the calls, and a statement at work for far
 * longer than any of the baseline. */
static bool stalled(const struct observe *o, char *why, size_t size)
{
    const struct observe_look *newest = &o->looks[o->nlooks - 1], *from = recent(o);
    double secs = (double)(newest->at_us - from->at_us) / 1e6;
    double age_ms = fmax(stalled_age_ms, stalled_ages * o->oldest_seen);
    double rate = observed_calls(&o->reference) / o->reference_s;
    double calls = between(o, from, newest).calls;

    if (!(secs >= 0.9) || !(newest->now.oldest_ms > age_ms) ||
        !(calls < stalled_calls * rate * secs))
        return false;
    snprintf(why, size,
             "%.0f statements are at work, the oldest for %.1f s (baseline: %.1f s at most), and "
             "%.1f a second end (baseline: %.1f)",
             fmax(0, newest->now.active), newest->now.oldest_ms / 1000, o->oldest_seen / 1000,
             calls / secs, rate);
    return true;
}

static bool memory_runs_out(const struct observe *o, char *why, size_t size)
{
    if (!(o->memory_left < memory_least))
        return false;
    snprintf(why, size, "%.1f %% of the memory are left (bound %.0f %%)", o->memory_left * 100,
             memory_least * 100);
    return true;
}

/* True when the window has ended with that. */
static bool harmful(struct observe *o, struct effects *fx)
{
    char why[sizeof o->run->note];
    double ratio = NAN;

    if (!o->order.candidate)
        return false;
    if (memory_runs_out(o, why, sizeof why)) {
        give_up(o, why, NAN, fx);
        return true;
    }
    if (o->nlooks < 2 || o->reference.n == 0)
        return false;
    if (!slower(o, why, sizeof why, &ratio) && !stalled(o, why, sizeof why))
        return false;
    give_up(o, why, ratio, fx);
    return true;
}

/* Our statement has been with the server for seconds: it hangs, or its CPUs are gone. */
static bool silent(struct observe *o, struct effects *fx)
{
    char why[sizeof o->run->note];
    double secs = (double)(o->now_us - o->asked_at_us) / 1e6;

    if (!o->order.candidate || !o->waiting || secs * 1000 < SILENT_MS)
        return false;
    snprintf(why, sizeof why, "the server has not answered for %.1f s", secs);
    give_up(o, why, NAN, fx);
    return true;
}

/* ---- looks ---- */

static void add_second(struct observe *o, double calls_ms)
{
    const struct observe_look *b = &o->looks[o->nlooks - 1];
    const struct observe_look *a = o->nlooks > 1 ? &o->looks[o->nlooks - 2] : NULL;
    struct bench_run *r = o->run;

    if (!a || o->started_at_us == 0 || a->at_us < o->started_at_us)
        return;
    double secs = b->now.at_s - a->now.at_s;
    double done = b->now.commits + b->now.rollbacks - b->own -
                  (a->now.commits + a->now.rollbacks - a->own);
    o->tps_now = secs > 0.1 ? fmax(0, done) / secs : NAN;
    o->lat_now = calls_ms;
    if (r->nseries >= RUN_SECONDS_MAX || !isfinite(o->tps_now))
        return;
    if ((r->nseries & (r->nseries - 1)) == 0) { /* room for twice as many at every power of two */
        size_t room = r->nseries > 0 ? (size_t)r->nseries * 2 : 1;
        r->series = xrealloc(r->series, room * sizeof *r->series);
        r->series_lat = xrealloc(r->series_lat, room * sizeof *r->series_lat);
    }
    r->series[r->nseries] = (float)o->tps_now;
    r->series_lat[r->nseries++] = (float)(isfinite(calls_ms) ? calls_ms : 0);
}

/* Takes the statements of a look (*watched is stolen) with the row that came before it. */
static void take_look(struct observe *o, int64_t at_us, struct observed *watched)
{
    struct observe_look *l;

    if (o->nlooks == OBSERVE_LOOKS) {
        observed_clear(&o->looks[0].statements);
        memmove(o->looks, o->looks + 1, (OBSERVE_LOOKS - 1) * sizeof o->looks[0]);
        o->nlooks--;
    }
    l = &o->looks[o->nlooks++];
    *l = (struct observe_look){at_us, own(o), o->now, *watched};
    memset(watched, 0, sizeof *watched);
    if (!o->base.at_us) {
        o->base = (struct observe_look){at_us, own(o), o->now, {0}};
        observed_add(&o->base.statements, &l->statements);
    }
    double last = o->nlooks > 1 ? between(o, l - 1, l).ratio : NAN;
    double mean = observed_ms(&o->reference) / observed_calls(&o->reference);
    add_second(o, last * mean);
    if (o->order.candidate || o->order.warmup)
        return;
    if (l->now.oldest_ms > o->oldest_seen)
        o->oldest_seen = l->now.oldest_ms;
    struct observed_index three = between(o, recent(o), l);
    if (three.calls >= CALLS_MIN && three.certain > o->slower_seen)
        o->slower_seen = three.certain;
}

/* ---- the figures of a window ---- */

/* What was measured are statements; the rate is that of the transactions, unless none has ended: a batch is one. */
static void fill_counts(struct observe *o, double calls)
{
    struct bench_run *r = o->run;
    double secs = o->now.at_s - o->first.at_s;
    double commits = o->now.commits - o->first.commits - (own(o) - o->own_begin);
    double ended;

    r->failed = fmax(0, o->now.rollbacks - o->first.rollbacks);
    r->transactions = fmax(calls, commits);
    ended = fmax(0, commits) + r->failed;
    if (secs > 0)
        r->tps = (ended > 0 ? ended : calls) / secs;
}

static void learn(struct observe *o, const struct observed *window)
{
    observed_add(&o->reference, window);
    o->reference_s += o->now.at_s - o->first.at_s;
    o->nwatched = observed_top(&o->reference, OBSERVED_WATCHED, o->watched);
    forget_looks(o); /* they are of other statements */
}

static void too_little(struct observe *o, double calls, struct effects *fx)
{
    struct err e = {0};

    err_set(&e, ERR_BUSY, "too little traffic: %.0f statements in %d s", calls, o->total_s);
    err_detail(&e, "A window needs %d finished statements in database %s.", (int)CALLS_LEAST,
               o->source.database);
    err_hint(&e, "Choose longer runs with --duration, or a time at which the server is at work. "
                 "Statements of our own role count only where it is a superuser's.");
    fail(o, &e, fx);
}

static void fill_figures(struct observe *o, const struct observed *window, struct effects *fx)
{
    struct bench_run *r = o->run;
    struct observed_figure f;
    struct err e = {0};

    if (o->order.baseline || o->reference.n == 0)
        learn(o, window);
    observed_figure(&o->reference, window, &f);
    if (!(f.coverage >= coverage_least) || !(f.runtime_ms > 0)) {
        err_set(&e, ERR_BUSY, "the traffic is another one than in the baseline");
        err_detail(&e, "Statements with %.0f %% of the baseline's time ran in this window.",
                   f.coverage * 100);
        fail(o, &e, fx);
        return;
    }
    r->lat_avg_ms = f.runtime_ms;
    r->p95_ms = f.p95_ms;
    fill_counts(o, observed_calls(window));
    if (o->source.form > 0) { /* else the database is one statement */
        free(r->statements);
        r->statements = observed_statements(window, STATEMENTS_KEPT, &r->nstatements);
    }
    if (o->total_s > o->order.seconds)
        snprintf(r->note, sizeof r->note, "extended to %d s for %.0f calls", o->total_s,
                 observed_calls(window));
    finish(o, fx);
}

/* The snapshot at the end has come. */
static void window_over(struct observe *o, struct observed *end, struct effects *fx)
{
    struct observed window;
    struct err e = {0};
    double calls;

    if (!observed_diff(&o->begin, end, &window, &e)) {
        fail(o, &e, fx);
        observed_clear(&window);
        return;
    }
    calls = observed_calls(&window);
    if (calls >= CALLS_LEAST) {
        fill_figures(o, &window, fx);
    } else if (o->total_s < (EXTENSIONS_MAX + 1) * o->order.seconds) {
        o->total_s += o->order.seconds;
        o->state = OBSERVE_WINDOW;
    } else {
        too_little(o, calls, fx);
    }
    observed_clear(&window);
}

/* ---- the machine ---- */

void observe_start(struct observe *o, const struct observe_order *order, uint32_t generation,
                   struct bench_run *run, struct effects *fx)
{
    if (order->warmup) /* it follows a switch: what was seen before it is of another arm */
        forget_looks(o);
    observed_clear(&o->begin);
    o->order = *order;
    o->generation = generation;
    o->run = run;
    o->ids = o->waiting = o->timer_id = 0;
    o->total_s = order->seconds;
    o->started_at_us = 0;
    o->now_us = order->at_us;
    o->tps_now = o->lat_now = NAN;
    o->state = OBSERVE_BEGIN;
    next_look(o, fx);
    send_now(o, fx);
}

static void begun(struct observe *o, const struct event *ev, struct observed *all)
{
    o->first = o->now;
    o->own_begin = own(o);
    o->started_at_us = ev->at_us;
    o->run->start_wall_us = ev->wall_us;
    o->begin = *all;
    memset(all, 0, sizeof *all);
    o->state = OBSERVE_WINDOW;
}

/* Whether statements are still at work that began before this window. */
static bool draining(const struct observe *o)
{
    return o->now.oldest_ms > 0 && o->now.at_s - o->now.oldest_ms / 1000 < o->first.at_s &&
           o->now_us - o->started_at_us < DRAIN_S * 1000000LL;
}

static void after_look(struct observe *o, const struct event *ev, struct effects *fx)
{
    if (harmful(o, fx))
        return;
    if (o->now_us - o->started_at_us < o->total_s * 1000000LL - 300000)
        return;
    o->run->end_wall_us = ev->wall_us;
    if (!o->order.warmup) {
        o->state = OBSERVE_END;
        send_now(o, fx);
    } else if (!draining(o)) {
        fill_counts(o, 0);
        finish(o, fx);
    }
}

static void statements_came(struct observe *o, const struct event *ev, struct observed *got,
                            struct effects *fx)
{
    switch (o->state) {
    case OBSERVE_BEGIN: {
        struct observed look;
        observed_pick(got, o->watched, o->nwatched, &look);
        begun(o, ev, got);
        take_look(o, ev->at_us, &look);
        (void)harmful(o, fx);
        break;
    }
    case OBSERVE_WINDOW:
        take_look(o, ev->at_us, got);
        after_look(o, ev, fx);
        break;
    case OBSERVE_END:
        window_over(o, got, fx);
        break;
    default:
        break;
    }
    observed_clear(got);
}

static void now_came(struct observe *o, const struct event *ev, struct effects *fx)
{
    bool edge = o->state != OBSERVE_WINDOW;
    struct observed got = {0};

    if (!observed_now_read(ev->rows, &o->now)) {
        struct err e = {0};
        err_set(&e, ERR_FORMAT, "the counters of database %s cannot be read", o->source.database);
        fail(o, &e, fx);
    } else if (o->source.form && (edge || o->nwatched > 0)) {
        send_statements(o, edge, fx);
    } else {
        if (!o->source.form)
            observed_from_now(&o->now, own(o), &got);
        statements_came(o, ev, &got, fx);
    }
}

/* Out of memory, of disk, shut down or broken: what a bad configuration may do to a server. */
static bool out_of_means(const struct err *e)
{
    return strncmp(e->sqlstate, "53", 2) == 0 || strncmp(e->sqlstate, "57P", 3) == 0 ||
           strncmp(e->sqlstate, "58", 2) == 0;
}

static void answered(struct observe *o, const struct event *ev, struct effects *fx)
{
    struct observed got;

    o->waiting = 0;
    if ((ev->err.code == ERR_TIMEOUT || ev->err.code == ERR_LOST || out_of_means(&ev->err)) &&
        o->order.candidate) {
        give_up(o, "the server does not answer any more", NAN, fx);
    } else if (ev->err.code != ERR_NONE) {
        fail(o, &ev->err, fx);
    } else if (!o->want_statements) {
        now_came(o, ev, fx);
    } else {
        observed_read(ev->rows, &got);
        statements_came(o, ev, &got, fx);
    }
}

void observe_step(struct observe *o, const struct event *ev, struct effects *fx)
{
    if (ev->req.owner != OWNER_BENCH || ev->req.generation != o->generation ||
        (o->state != OBSERVE_BEGIN && o->state != OBSERVE_WINDOW && o->state != OBSERVE_END))
        return;
    o->now_us = ev->at_us;
    if (ev->kind == EV_PG_RESULT && ev->req.id == o->waiting) {
        answered(o, ev, fx);
    } else if (ev->kind == EV_TIMER && ev->req.id == o->timer_id) {
        next_look(o, fx);
        if (!silent(o, fx) && !o->waiting && o->state == OBSERVE_WINDOW)
            send_now(o, fx);
    }
}
