/* The machine of one round; see round.h for its states.
 *
 * Two things hold at every step. arm_in_force changes only by a switch that reports to be done. And every end but STUCK is
 * reached through go_back() or with the kept candidate in force, so that no end can leave a server on a configuration
 * that was not measured to be the best. */
#include "pgd/tuning/round.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/mem.h"

enum {
    BACK_TRIES_MAX = 2, /* switches to the best arm before the operator is asked */
    RUN_ERRORS_MAX = 3  /* failed runs in a row with which an experiment gives up */
};

const char *round_state_name(enum round_state s)
{
    static const char *const names[] = {
        [ROUND_IDLE] = "IDLE",           [ROUND_PROPOSE] = "PROPOSE",
        [ROUND_REVIEW] = "REVIEW",       [ROUND_JOURNAL] = "JOURNAL",
        [ROUND_PREFLIGHT] = "PREFLIGHT", [ROUND_APPLY] = "APPLY",
        [ROUND_ACTIVATE] = "ACTIVATE",   [ROUND_VERIFY] = "VERIFY",
        [ROUND_WARMUP] = "WARMUP",       [ROUND_MEASURE] = "MEASURE",
        [ROUND_JUDGE] = "JUDGE",         [ROUND_KEEP] = "KEEP",
        [ROUND_ROLLBACK] = "ROLLBACK",   [ROUND_CHECKPOINT] = "CHECKPOINT",
        [ROUND_DONE] = "DONE",           [ROUND_EMPTY] = "EMPTY",
        [ROUND_FAILED] = "FAILED",       [ROUND_CANCELLED] = "CANCELLED",
        [ROUND_STUCK] = "STUCK",
    };
    return (size_t)s < ARRAY_LEN(names) ? names[s] : "";
}

static void wish(struct round *r, enum round_state state, enum round_want want)
{
    r->state = state;
    r->want = want;
}

static void want_switch(struct round *r, enum round_state state, int arm)
{
    wish(r, state, ROUND_WANT_SWITCH);
    r->want_arm = arm;
}

/* To the best arm, and from there to the end that is due. */
static void go_back(struct round *r)
{
    if (r->arm_in_force != ARM_A)
        want_switch(r, ROUND_ROLLBACK, ARM_A);
    else if (r->err.code != ERR_NONE)
        wish(r, ROUND_FAILED, ROUND_WANT_END);
    else if (r->cancelled)
        wish(r, ROUND_CANCELLED, ROUND_WANT_END);
    else
        wish(r, ROUND_CHECKPOINT, ROUND_WANT_SAVE);
}

static void keep(struct round *r)
{
    if (r->arm_in_force != ARM_B) {
        want_switch(r, ROUND_KEEP, ARM_B);
        return;
    }
    r->kept = true;
    wish(r, ROUND_CHECKPOINT, ROUND_WANT_SAVE);
}

static void judge(struct round *r)
{
    const struct experiment *x = &r->experiment;
    r->state = ROUND_JUDGE;
    experiment_verdict(x, &r->verdict);
    r->judged = true;
    if (x->errors >= RUN_ERRORS_MAX && x->n > 0) {
        const struct err *why = &x->runs[x->n - 1].err;
        if (why->code != ERR_NONE)
            r->err = *why;
        else
            err_set(&r->err, ERR_CHILD, "%d runs in a row failed", x->errors);
        go_back(r);
    } else if (r->verdict.kind == VERDICT_IMPROVED || r->review.proposal.repair) {
        keep(r);
    } else {
        go_back(r);
    }
}

/* Whatever the experiment wants next. */
static void advance(struct round *r, double seconds_left)
{
    struct experiment_next next = experiment_next(&r->experiment, seconds_left);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        want_switch(r, ROUND_JOURNAL, next.arm);
        return;
    case EXPERIMENT_WARMUP:
    case EXPERIMENT_RUN:
        r->run_warmup = next.want == EXPERIMENT_WARMUP;
        r->run_seconds = next.seconds;
        wish(r, r->run_warmup ? ROUND_WARMUP : ROUND_MEASURE, ROUND_WANT_RUN);
        return;
    case EXPERIMENT_FINISHED:
        judge(r);
        return;
    }
}

static void proposed(struct round *r)
{
    if (r->review.n == 0 || r->review.proposal.nothing_left)
        wish(r, ROUND_EMPTY, ROUND_WANT_END);
    else
        wish(r, ROUND_REVIEW, ROUND_WANT_REVIEW);
}

static void reviewed(struct round *r, double seconds_left)
{
    for (int i = 0; i < r->review.n; i++)
        if (r->review.lines[i].answer == ANSWER_NONE)
            r->review.lines[i].answer = ANSWER_REJECT;
    arm_apply_review(&r->candidate, &r->review);
    if (r->review.proposal
            .repair) /* it stays whatever is measured: more runs would decide nothing */
        r->experiment.max_runs = r->experiment.min_runs;
    if (review_accepted(&r->review) == 0 || arm_same(&r->candidate, &r->best))
        wish(r, ROUND_EMPTY, ROUND_WANT_END);
    else
        advance(r, seconds_left);
}

static bool switching(const struct round *r)
{
    return (r->state >= ROUND_JOURNAL && r->state <= ROUND_VERIFY) || r->state == ROUND_KEEP ||
           r->state == ROUND_ROLLBACK;
}

/* Where a switch stands, for the screen; KEEP and ROLLBACK keep their own names. */
static void show_progress(struct round *r, enum apply_state s)
{
    if (r->state == ROUND_KEEP || r->state == ROUND_ROLLBACK)
        return;
    switch (s) {
    case APPLY_IDENTITY:
    case APPLY_READ:
    case APPLY_JOURNAL:
        r->state = ROUND_JOURNAL;
        break;
    case APPLY_PREFLIGHT:
        r->state = ROUND_PREFLIGHT;
        break;
    case APPLY_ALTER:
        r->state = ROUND_APPLY;
        break;
    case APPLY_RELOAD:
    case APPLY_RESTART:
    case APPLY_RECONNECT:
    case APPLY_MANUAL:
        r->state = ROUND_ACTIVATE;
        break;
    case APPLY_VERIFY:
    case APPLY_JOURNAL_RESULT:
        r->state = ROUND_VERIFY;
        break;
    default:
        break;
    }
}

static void note_error(struct round *r, const struct err *err)
{
    if (err && err->code != ERR_NONE)
        r->err = *err;
    else if (r->err.code == ERR_NONE)
        err_set(&r->err, ERR_VERIFY, "the configuration could not be switched");
}

/* The switch did not happen: the arm in force is the one from before. */
static void switch_failed(struct round *r, const struct err *err)
{
    bool back = r->state == ROUND_ROLLBACK || r->want_arm == ARM_A;
    /* A cancelled switch may well report that it failed; that is what was asked for. */
    if (back || !r->cancelled)
        note_error(r, err);
    if (back && ++r->back_tries >= BACK_TRIES_MAX)
        wish(r, ROUND_STUCK, ROUND_WANT_END);
    else
        go_back(r);
}

static void switch_done(struct round *r, const struct round_msg *msg)
{
    r->arm_in_force = r->want_arm;
    experiment_switched(&r->experiment, r->want_arm, msg->restarted);
    if (r->cancelled || r->state == ROUND_ROLLBACK)
        go_back(r);
    else if (r->state == ROUND_KEEP)
        keep(r);
    else
        advance(r, msg->seconds_left);
}

static void switched(struct round *r, const struct round_msg *msg)
{
    switch (msg->apply_state) {
    case APPLY_DONE:
        switch_done(r, msg);
        return;
    case APPLY_ROLLED_BACK:
    case APPLY_FAILED:
        switch_failed(r, msg->err);
        return;
    case APPLY_STUCK:
        r->arm_in_force = -1;
        note_error(r, msg->err);
        wish(r, ROUND_STUCK, ROUND_WANT_END);
        return;
    default: /* not an end of a switch */
        return;
    }
}

static void ran(struct round *r, const struct round_msg *msg)
{
    struct bench_run none;
    memset(&none, 0, sizeof none);
    struct bench_run *run = msg->run ? msg->run : &none;
    if (r->state == ROUND_WARMUP) {
        bench_run_clear(run);
        r->ran_warmup = true;
        experiment_warmed(&r->experiment);
    } else {
        run->warmup = false;
        experiment_add(&r->experiment, run);
    }
    if (r->cancelled)
        go_back(r);
    else
        advance(r, msg->seconds_left);
}

/* Nothing applied: over at once. A switch or a run under way: its end goes back. After the verdict only KEEP still
 * applies anything, so there the rule is the same; the rest of a judged round is not worth stopping. */
static void cancel(struct round *r)
{
    switch (r->state) {
    case ROUND_IDLE:
    case ROUND_PROPOSE:
    case ROUND_REVIEW:
        r->cancelled = true;
        wish(r, ROUND_CANCELLED, ROUND_WANT_END);
        return;
    case ROUND_ROLLBACK:
    case ROUND_CHECKPOINT:
        r->cancelled = r->cancelled || !r->judged;
        return;
    default:
        r->cancelled = true;
        return;
    }
}

void round_init(struct round *r, int number, const struct arm *best, const struct sdl *plan,
                double floor)
{
    memset(r, 0, sizeof *r);
    r->number = number;
    r->best = *best;
    r->candidate = *best;
    snprintf(r->candidate.label, sizeof r->candidate.label, "round %d", number);
    r->arm_in_force = ARM_A;
    experiment_init(&r->experiment, EXPERIMENT_ROUND, plan, floor, ARM_A);
}

void round_step(struct round *r, const struct round_msg *msg)
{
    bool running = r->state == ROUND_WARMUP || r->state == ROUND_MEASURE;
    bool over = r->state >= ROUND_DONE;
    if (!over)
        r->want = ROUND_WANT_NOTHING;
    switch (msg->kind) {
    case ROUND_MSG_START:
        if (r->state == ROUND_IDLE)
            wish(r, ROUND_PROPOSE, ROUND_WANT_PROPOSAL);
        return;
    case ROUND_MSG_PROPOSED:
        if (r->state == ROUND_PROPOSE)
            proposed(r);
        return;
    case ROUND_MSG_REVIEWED:
        if (r->state == ROUND_REVIEW)
            reviewed(r, msg->seconds_left);
        return;
    case ROUND_MSG_APPLY_STATE:
        if (switching(r))
            show_progress(r, msg->apply_state);
        return;
    case ROUND_MSG_SWITCHED:
        if (switching(r))
            switched(r, msg);
        return;
    case ROUND_MSG_RAN:
        if (running)
            ran(r, msg);
        else if (msg->run)
            bench_run_clear(msg->run);
        return;
    case ROUND_MSG_SAVED:
        if (r->state == ROUND_CHECKPOINT)
            wish(r, ROUND_DONE, ROUND_WANT_END);
        return;
    case ROUND_MSG_CANCEL:
        if (!over)
            cancel(r);
        return;
    }
}

void round_clear(struct round *r)
{
    experiment_clear(&r->experiment);
    memset(r, 0, sizeof *r);
}
