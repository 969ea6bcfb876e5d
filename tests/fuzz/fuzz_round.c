/*
 * The round and the experiment inside it: each byte is a message of the owner, fitting or not. An arm is in force only by
 * a switch that was reported done; every end but STUCK has the best arm in force, or the kept candidate; the statistics
 * never claim what the runs do not say; and whoever answers every wish comes to an end.
 */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/base/mem.h"
#include "pgd/tuning/round.h"

struct run {
    struct input in;
    struct round r;
    int in_force; /* what the server has: told by done switches only */
    double left;
    bool veto;
};

static void check(struct run *x)
{
    const struct round *r = &x->r;

    /* the trial arm that won is the candidate from then on */
    if (x->in_force >= ROUND_TRIAL && r->arm_in_force == ARM_B) {
        REQUIRE(arm_same(round_arm(r, x->in_force), &r->candidate));
        x->in_force = ARM_B;
    }
    REQUIRE(r->arm_in_force == x->in_force);
    REQUIRE(r->ntrials >= 0 && r->ntrials <= SETS_MAX && r->nscreened <= SETS_MAX);
    if (r->want == ROUND_WANT_SWITCH)
        REQUIRE(r->want_arm >= ARM_A && r->want_arm < ROUND_TRIAL + r->ntrials);
    if (r->state == ROUND_SCREEN)
        REQUIRE(r->screening && r->ntrials >= 2 && !r->judged);
    REQUIRE(r->experiment.n >= 0 && r->experiment.n <= EXPERIMENT_RUNS_MAX);
    REQUIRE(*round_state_name(r->state));
    if (r->state < ROUND_DONE)
        return;
    REQUIRE(r->want == ROUND_WANT_END || r->want == ROUND_WANT_NOTHING);
    if (r->kept)
        REQUIRE(x->in_force == ARM_B && r->verdict.kind == VERDICT_IMPROVED && !r->veto[0]);
    else if (r->state != ROUND_STUCK)
        REQUIRE(x->in_force == ARM_A || r->state == ROUND_EMPTY || r->state == ROUND_CANCELLED);
    if (r->state == ROUND_FAILED || r->state == ROUND_STUCK)
        REQUIRE(r->err.msg[0]);
    if (r->verdict.kind == VERDICT_IMPROVED)
        REQUIRE(r->verdict.runs_a >= 3 && r->verdict.runs_b >= 3 && r->verdict.ci_lo > 1 &&
                r->verdict.ratio >= 1.02);
}

static struct bench_run a_run(struct run *x, uint8_t b)
{
    static const double tps[] = {1000, 1200, 800, 1001, 0, INFINITY, NAN, 1e300};
    struct bench_run run = {.valid = b & 1, .transactions = 5000, .failed = b & 2 ? 400 : 0};

    run.tps = tps[b >> 2 & 7] * (x->in_force != ARM_A && b & 32 ? 1.3 : 1);
    if (x->in_force >= ROUND_TRIAL)
        run.tps *= 1 + 0.1 * (x->in_force - ROUND_TRIAL);
    run.p95_ms = b & 64 ? NAN : 5;
    run.cancelled = !run.valid && b & 128;
    run.nseries = 2;
    run.series = xcalloc(2, sizeof *run.series);
    run.series_lat = xcalloc(2, sizeof *run.series_lat);
    if (!run.valid && b & 16)
        err_set(&run.err, ERR_CHILD, "simulated");
    return run;
}

static void say(struct run *x, enum round_msg_kind kind, uint8_t b)
{
    static const enum apply_state ends[] = {APPLY_DONE,        APPLY_DONE,   APPLY_DONE,
                                            APPLY_ROLLED_BACK, APPLY_FAILED, APPLY_STUCK,
                                            APPLY_VERIFY,      APPLY_DONE};
    struct bench_run run = a_run(x, b);
    struct err e = {0};
    struct round_msg msg = {.kind = kind, .seconds_left = x->left, .run = b == 255 ? NULL : &run};
    enum round_state before = x->r.state;
    bool switching = (before >= ROUND_JOURNAL && before <= ROUND_VERIFY) || before == ROUND_KEEP ||
                     before == ROUND_ROLLBACK;
    int wanted = x->r.want_arm;

    msg.veto = x->veto ? "statement 1 is 14 % slower" : NULL;

    if (kind == ROUND_MSG_SWITCHED) {
        msg.apply_state = ends[b & 7];
        msg.restarted = b & 8;
        err_set(&e, ERR_VERIFY, "simulated");
        msg.err = b & 16 ? &e : NULL;
        if (switching && msg.apply_state == APPLY_DONE)
            x->in_force = wanted;
        if (switching && msg.apply_state == APPLY_STUCK)
            x->in_force = -1;
    }
    if (kind == ROUND_MSG_APPLY_STATE)
        msg.apply_state = (enum apply_state)(b % (APPLY_FAILED + 1));
    round_step(&x->r, &msg);
    bench_run_clear(&run);
    check(x);
}

static void fill_review(struct run *x, uint8_t b)
{
    struct review *v = &x->r.review;

    v->n = b & 3;
    v->proposal.nothing_left = b & 4;
    v->proposal.nsets = b & 64 ? b % (SETS_MAX + 3) : 0; /* also more than there may be */
    for (int i = 0; i < v->n; i++) {
        struct review_line *l = &v->lines[i];
        memset(l, 0, sizeof *l);
        snprintf(l->change.name, sizeof l->change.name, "setting_%d", i);
        snprintf(l->send, sizeof l->send, "%d", i);
        l->change.sets = b & 64 ? 1u << (i + (b & 1)) : 0;
        l->restart = b & 128 && i == 1;
        l->refusal = b & 8 && i == 0 ? REFUSE_UNKNOWN : REFUSE_NONE;
        l->answer = (enum answer)((b >> 4) % 3);
    }
}

static bool running(const struct round *r)
{
    return r->state == ROUND_WARMUP || r->state == ROUND_MEASURE || r->state == ROUND_SCREEN;
}

/* What the round wants is done, well. */
static void fulfil(struct run *x)
{
    switch (x->r.want) {
    case ROUND_WANT_PROPOSAL:
        fill_review(x, x->veto ? 0x43 : 0x12);
        say(x, ROUND_MSG_PROPOSED, 0);
        break;
    case ROUND_WANT_REVIEW:
        say(x, ROUND_MSG_REVIEWED, 0);
        break;
    case ROUND_WANT_SWITCH:
        say(x, ROUND_MSG_SWITCHED, 0);
        break;
    case ROUND_WANT_RUN:
        REQUIRE(x->r.run_seconds > 0);
        say(x, ROUND_MSG_RAN, 0x21);
        break;
    case ROUND_WANT_SAVE:
        say(x, ROUND_MSG_SAVED, 0);
        break;
    case ROUND_WANT_END:
        break;
    case ROUND_WANT_NOTHING:
        say(x,
            x->r.state == ROUND_IDLE         ? ROUND_MSG_START
            : x->r.state == ROUND_REVIEW     ? ROUND_MSG_REVIEWED
            : x->r.state == ROUND_PROPOSE    ? ROUND_MSG_PROPOSED
            : x->r.state == ROUND_CHECKPOINT ? ROUND_MSG_SAVED
            : running(&x->r)                 ? ROUND_MSG_RAN
                                             : ROUND_MSG_SWITCHED,
            running(&x->r) ? 0x21 : 0);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run x;
    struct arm best = {.label = "best"};
    struct sdl plan = {.clients = 4, .duration_s = 1, .min_runs = 3, .max_runs = 6};

    if (size < 2 || size > 400)
        return 0;
    memset(&x, 0, sizeof x);
    x.in = (struct input){data, size, 0};
    uint8_t options = input_byte(&x.in);
    plan.warmup_s = options & 7;
    plan.max_runs = options >> 3 & 31;
    x.left = options & 128 ? 40 : 100000;
    x.veto = x.in.size % 3 == 1;
    round_init(&x.r, 1, &best, &plan, (double)(input_byte(&x.in) % 40) / 100);
    while (!input_ended(&x.in) && x.r.state < ROUND_DONE) {
        uint8_t b = input_byte(&x.in);
        if (b < 128) {
            fulfil(&x);
        } else if (b < 136) {
            fill_review(&x, input_byte(&x.in));
        } else if (b < 140) {
            x.left = input_byte(&x.in);
        } else {
            say(&x, (enum round_msg_kind)(b % (ROUND_MSG_CANCEL + 1)), input_byte(&x.in));
        }
    }
    for (int i = 0; i < 400 && x.r.state < ROUND_DONE; i++)
        fulfil(&x);
    REQUIRE(x.r.state >= ROUND_DONE);
    round_clear(&x.r);
    return 0;
}
