/*
 * Windows of a server's own traffic: what the server answers, and the order of events, come from the input. A window ends,
 * is valid only with a figure, and leaves neither a timer nor a statement behind.
 */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/runner/observe.h"

struct run {
    struct input in;
    struct bench b;
    struct effects fx;
    int64_t now_us;
    uint32_t timer;
};

static void step(struct run *x, struct event *ev)
{
    ev->at_us = x->now_us;
    bench_step(&x->b, ev, &x->fx);
    event_clear(ev);
    for (size_t i = 0; i < x->fx.n; i++) {
        const struct effect *e = &x->fx.items[i];
        REQUIRE(!e->changes_server);
        REQUIRE(e->kind == FX_PG_QUERY || e->kind == FX_TIMER || e->kind == FX_TIMER_STOP ||
                e->kind == FX_PG_CANCEL);
        if (e->kind == FX_TIMER)
            x->timer = e->req.id;
        else if (e->kind == FX_TIMER_STOP)
            x->timer = 0;
    }
    effects_clear(&x->fx);
    REQUIRE(x->b.run.nseries <= RUN_SECONDS_MAX);
}

static void happens(struct run *x)
{
    uint8_t b = input_byte(&x->in);
    struct event ev = {.kind = EV_PG_RESULT,
                       .req = {OWNER_BENCH, x->b.generation, x->b.observe->waiting}};

    x->now_us += b * 8000;
    if (b % 8 < 4) {
        char *text = input_word(&x->in);
        ev.rows = rows_parse(text);
        free(text);
    } else if (b % 8 == 4) {
        err_set(&ev.err, b & 16 ? ERR_TIMEOUT : ERR_SQL, "simulated");
    } else if (b % 8 == 5) {
        bench_cancel(&x->b, &x->fx);
        ev.kind = EV_NONE;
    } else {
        ev.kind = EV_TIMER;
        ev.req.id = x->timer;
    }
    step(x, &ev);
}

static void window(struct run *x, const struct sdl *plan)
{
    struct bench_target nowhere = {.port = ""};
    uint8_t b = input_byte(&x->in);

    x->b.observe->order = (struct observe_order){.at_us = x->now_us,
                                                 .seconds = 1 + (b >> 6),
                                                 .warmup = b & 1,
                                                 .baseline = b & 2,
                                                 .candidate = b & 4,
                                                 .cold = b & 8};
    x->b.observe->memory_left = b & 16 ? 0.05 : (double)NAN;
    bench_start(&x->b, plan, &nowhere, 1, b & 1, 42, &x->fx);
    struct event none = {.kind = EV_NONE};
    step(x, &none);
    while (!input_ended(&x->in) && x->b.state == BENCH_RUNNING)
        happens(x);
    bench_cancel(&x->b, &x->fx);
    effects_clear(&x->fx);
    REQUIRE(x->b.state == BENCH_DONE || x->b.state == BENCH_FAILED);
    const struct bench_run *r = &x->b.run;
    REQUIRE(r->valid == (r->err.code == ERR_NONE) && r->valid == (x->b.state == BENCH_DONE));
    REQUIRE(!x->b.observe->waiting && !x->b.observe->timer_id);
    if (r->valid && !x->b.observe->order.warmup)
        REQUIRE(r->lat_avg_ms > 0 && isfinite(r->lat_avg_ms) && !isinf(r->p95_ms));
}

static void probe(const char *text)
{
    struct observed_source s;
    struct err e = {0};
    char note[400];
    struct rows *r = rows_parse(text);

    if (!observed_probe(r, "d", &s, note, sizeof note, &e))
        REQUIRE(e.code != ERR_NONE && e.msg[0]);
    rows_free(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run x;
    struct sdl plan = {.observe = true};
    struct observed_source s = {.database = "d", .schema = "s", .form = 15};

    if (size < 1 || size > 8192)
        return 0;
    memset(&x, 0, sizeof x);
    x.in = (struct input){data, size, 0};
    x.now_us = 1000000;
    uint8_t b = input_byte(&x.in);
    s.active_time = b & 1;
    if (b & 2)
        s.form = 0;
    if (b & 4) {
        char *text = input_word(&x.in);
        probe(text);
        free(text);
    }
    bench_observe(&x.b, &s);
    for (int i = 0; i < 4 && !input_ended(&x.in); i++)
        window(&x, &plan);
    effects_clear(&x.fx);
    bench_clear(&x.b);
    return 0;
}
