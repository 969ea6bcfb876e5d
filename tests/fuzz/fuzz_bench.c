/*
 * One pgbench run as a machine, here or on another one: the lines of the program, the listing of its folder and the order of events come from
 * the input. It ends when its program has ended and its files were answered, is valid only with a figure, and leaves no
 * log behind.
 */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/runner/bench.h"

struct run {
    struct input in;
    struct bench b;
    struct effects fx;
    int64_t now;
    int removed, listed;
    bool killed;
};

static void step(struct run *x, struct event *ev)
{
    struct buf line = {0};

    ev->at_us = ++x->now;
    bench_step(&x->b, ev, &x->fx);
    event_clear(ev);
    for (size_t i = 0; i < x->fx.n; i++) {
        const struct effect *e = &x->fx.items[i];
        effect_text(e, &line);
        if (e->kind == FX_FILE && e->u.file.op == FILE_REMOVE) {
            REQUIRE(strncmp(e->u.file.path, "/w/bench/run.", 13) == 0);
            x->removed++;
        }
        REQUIRE(!(e->kind == FX_CHILD && !e->changes_server && !x->b.fetching));
        REQUIRE(e->kind != FX_CHILD || !(e->u.child.flags & CHILD_REMOTE) == !x->b.target.far);
    }
    buf_clear(&line);
    effects_clear(&x->fx);
    REQUIRE(x->b.run.nseries <= RUN_SECONDS_MAX && x->b.out.len <= 64 * 1024 + 8192);
}

static struct req req(const struct run *x, uint32_t id)
{
    return (struct req){OWNER_BENCH, x->b.generation, id};
}

static void list(struct run *x)
{
    struct event ev = {.kind = x->b.fetching ? EV_CHILD_EXIT : EV_FILE,
                       .req = req(x, x->b.waiting)};

    ev.text = input_word(&x->in);
    ev.len = strlen(ev.text);
    step(x, &ev);
}

static void read_log(struct run *x)
{
    struct event ev = {.kind = EV_FILE, .req = req(x, x->b.waiting)};
    char *text = input_word(&x->in);

    ev.digest = bench_digest_log(text, strlen(text), NULL);
    ev.digest_free = free;
    free(text);
    step(x, &ev);
}

static void happens(struct run *x)
{
    uint8_t b = input_byte(&x->in);
    struct event ev = {.kind = EV_CHILD_LINE, .req = req(x, x->b.child_id)};

    switch (b % 12) {
    case 0:
        ev.kind = EV_CHILD_UP;
        ev.u.child.pid = b >> 4;
        break;
    case 1:
    case 2:
        ev.text = input_word(&x->in);
        ev.u.child.stream = STREAM_OUT;
        break;
    case 3:
        ev.text = input_word(&x->in);
        ev.u.child.stream = STREAM_ERR;
        break;
    case 4:
        ev.kind = EV_CHILD_EXIT;
        ev.u.child.status = input_byte(&x->in) & 3;
        ev.u.child.signal = b & 128 ? 9 : 0;
        break;
    case 5:
        ev.kind = EV_PG_RESULT;
        ev.req.id = x->b.waiting;
        if (b & 16)
            err_set(&ev.err, ERR_SQL, "simulated");
        break;
    case 6:
        ev.kind = EV_TIMER;
        ev.req.id = x->b.timer_id;
        break;
    case 7:
        bench_cancel(&x->b, &x->fx);
        x->killed = true;
        ev.kind = EV_NONE;
        break;
    case 8:
        if (x->b.state == BENCH_DIGEST && b & 16)
            read_log(x);
        else if (x->b.state == BENCH_DIGEST)
            list(x);
        return;
    case 9: /* the end of one on another machine, in its own words */
        ev.u.child.stream = STREAM_OUT;
        ev.text = xstrdup(b & 16   ? "pgd_bench times"
                          : b & 32 ? "pgd_bench exit=0"
                                   : "pgd_bench exit=0 logs=/tmp/x");
        break;
    case 10: /* its link is lost */
        ev.kind = EV_CHILD_EXIT;
        if (b & 16)
            ev.req.id = x->b.waiting;
        err_set(&ev.err, ERR_LOST, "simulated");
        break;
    default: /* of an earlier run */
        ev.kind = b & 16 ? EV_CHILD_EXIT : EV_FILE;
        ev.req.generation--;
        ev.text = input_word(&x->in);
        break;
    }
    step(x, &ev);
}

/* Everything that is asked for is answered, with nothing. */
static void finish(struct run *x)
{
    for (int i = 0; i < 5000 && x->b.state != BENCH_DONE && x->b.state != BENCH_FAILED; i++) {
        struct event ev = {.kind = EV_FILE, .req = req(x, x->b.waiting)};
        if (x->b.state == BENCH_CHECKPOINT || x->b.state == BENCH_CLOSING) {
            ev.kind = EV_PG_RESULT;
        } else if (x->b.state == BENCH_DIGEST && x->b.fetching) {
            ev.kind = EV_CHILD_EXIT;
        } else if (x->b.state == BENCH_RUNNING) {
            ev.kind = EV_CHILD_EXIT;
            ev.req.id = x->b.child_id;
        }
        step(x, &ev);
    }
    REQUIRE(x->b.state == BENCH_DONE || x->b.state == BENCH_FAILED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run x;
    struct sdl plan = {.clients = 4, .threads = 2, .nscripts = 1};
    struct bench_target t = {.host = "/sock", .port = "5432", .user = "u", .dbname = "d=b"};

    if (size < 1 || size > 4096)
        return 0;
    memset(&x, 0, sizeof x);
    x.in = (struct input){data, size, 0};
    uint8_t options = input_byte(&x.in);
    snprintf(plan.scripts[0].path, sizeof plan.scripts[0].path, "asset:workloads/shop/a.sql");
    plan.nscripts = options & 1 ? 0 : 1;
    x.b.want_checkpoint = options & 2;
    x.b.want_log = options & 4;
    t.far = options & 16;
    snprintf(x.b.dir, sizeof x.b.dir, "/w/bench");
    bench_start(&x.b, &plan, &t, 1, options & 8, 42, &x.fx);
    while (!input_ended(&x.in) && x.b.state != BENCH_DONE && x.b.state != BENCH_FAILED)
        happens(&x);
    finish(&x);
    const struct bench_run *r = &x.b.run;
    if (x.b.state == BENCH_DONE)
        REQUIRE(r->valid && r->tps > 0 && r->tps <= 1e12 && r->transactions > 0);
    else
        REQUIRE(!r->valid && r->err.code != ERR_NONE && r->err.msg[0]);
    if (r->p99_ms > 0)
        REQUIRE(r->p50_ms <= r->p95_ms && r->p95_ms <= r->p99_ms);
    effects_clear(&x.fx);
    bench_clear(&x.b);
    return 0;
}
