/* The machine of one round; see round.h for its states.
 *
 * Two things hold at every step. arm_in_force changes only by a switch that reports to be done. And every end but STUCK is
 * reached through go_back() or with the kept candidate in force, so that no end can leave a server on a configuration
 * that was not measured to be the best. */
#include "pgd/tuning/round.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

enum {
    BACK_TRIES_MAX = 2, /* switches to the best arm before the operator is asked */
    RUN_ERRORS_MAX = 3  /* failed runs in a row with which an experiment gives up */
};

/* Of the time that is left: a screening that takes more leaves too little for what it finds. */
static const double screen_share = 0.4;

const char *round_state_name(enum round_state s)
{
    static const char *const names[] = {
        [ROUND_IDLE] = "IDLE",
        [ROUND_PROPOSE] = "PROPOSE",
        [ROUND_REVIEW] = "REVIEW",
        [ROUND_JOURNAL] = "JOURNAL",
        [ROUND_PREFLIGHT] = "PREFLIGHT",
        [ROUND_APPLY] = "APPLY",
        [ROUND_ACTIVATE] = "ACTIVATE",
        [ROUND_VERIFY] = "VERIFY",
        [ROUND_SCREEN] = "SCREEN",
        [ROUND_WARMUP] = "WARMUP",
        [ROUND_MEASURE] = "MEASURE",
        [ROUND_JUDGE] = "JUDGE",
        [ROUND_KEEP] = "KEEP",
        [ROUND_ROLLBACK] = "ROLLBACK",
        [ROUND_CHECKPOINT] = "CHECKPOINT",
        [ROUND_DONE] = "DONE",
        [ROUND_EMPTY] = "EMPTY",
        [ROUND_FAILED] = "FAILED",
        [ROUND_CANCELLED] = "CANCELLED",
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
    if (r->verdict.kind != VERDICT_IMPROVED)
        r->veto[0] = '\0'; /* nothing to hold back */
    if (x->errors >= RUN_ERRORS_MAX && x->n > 0) {
        const struct err *why = &x->runs[x->n - 1].err;
        if (why->code != ERR_NONE)
            r->err = *why;
        else
            err_set(&r->err, ERR_CHILD, "%d runs in a row failed", x->errors);
        go_back(r);
    } else if (r->review.proposal.repair) {
        keep(r);
    } else if (r->verdict.kind == VERDICT_IMPROVED && !r->veto[0]) {
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

/* ---- the screening ---- */

const struct arm *round_arm(const struct round *r, int arm)
{
    return arm >= ROUND_TRIAL && arm < ROUND_TRIAL + r->ntrials ? &r->trials[arm - ROUND_TRIAL].arm
           : arm == ARM_B                                       ? &r->candidate
                                                                : &r->best;
}

static bool accepted(const struct review_line *l)
{
    return l->refusal == REFUSE_NONE && l->answer == ANSWER_ACCEPT;
}

bool round_measured(const struct round *r, int i)
{
    const struct review_line *l = &r->review.lines[i];
    if (!r->candidate_sets)
        return false;
    return accepted(l) && (!l->change.sets || (review_sets(&r->review, i) & r->candidate_sets));
}

/* The trial arms that the accepted lines make: one for each alternative that has a line of its own left and differs from
 * the best and from those before. */
static void make_trials(struct round *r)
{
    for (int s = 0; s < review_nsets(&r->review); s++) {
        struct round_trial *t = &r->trials[r->ntrials];
        memset(t, 0, sizeof *t);
        t->sets = 1u << s;
        t->arm = r->best;
        arm_apply_sets(&t->arm, &r->review, t->sets);
        bool own = false;
        for (int i = 0; i < r->review.n; i++) {
            const struct review_line *l = &r->review.lines[i];
            bool in = accepted(l) && (review_sets(&r->review, i) & t->sets);
            own = own || (in && l->change.sets);
            t->restart = t->restart || (in && l->restart);
        }
        int same = 0;
        while (same < r->ntrials && !arm_same(&r->trials[same].arm, &t->arm))
            same++;
        if (!own || arm_same(&t->arm, &r->best))
            continue;
        if (same < r->ntrials) {
            r->trials[same].sets |= t->sets;
            continue;
        }
        char label[sizeof t->arm.label + sizeof r->review.proposal.set_names[0]];
        snprintf(label, sizeof label, "round %d: %s", r->number, r->review.proposal.set_names[s]);
        text_copy(t->arm.label, sizeof t->arm.label, label);
        r->ntrials++;
    }
}

/* How many trial arms can be screened in the share of the time that is the screening's; 0 = no two. */
static int screen_fits(struct round *r, double seconds_left)
{
    bool restarts = false;
    for (int i = 0; i < r->ntrials; i++)
        restarts = restarts || r->trials[i].restart;
    double later = experiment_cost(r->plan, EXPERIMENT_ROUND, restarts);
    double share = screen_share * seconds_left;
    r->screen_had = share < seconds_left - later ? share : seconds_left - later;
    for (int n = r->ntrials; n >= 2; n--)
        if (race_cost(r->plan, n + 1, restarts) <= r->screen_had)
            return n;
    r->screen_needs = race_cost(r->plan, 3, restarts);
    return 0;
}

static void make_candidate(struct round *r, unsigned sets)
{
    r->candidate_sets = sets;
    arm_apply_sets(&r->candidate, &r->review, sets);
}

/* With two trial arms or more, and time for them; where a person makes the switches nothing is screened. False: there is
 * one candidate, the first alternative. */
static bool screen_begin(struct round *r, double seconds_left)
{
    make_trials(r);
    int n = 0;
    if (r->ntrials >= 2 && !r->experiment.blocks && r->plan)
        n = screen_fits(r, seconds_left);
    if (n < 2) {
        make_candidate(r, r->ntrials ? r->trials[0].sets : 1);
        r->ntrials = 0;
        return false;
    }
    r->ntrials = n;
    r->candidate_sets = 0; /* there is none before the screening has found it */
    r->nscreened = review_nsets(&r->review);
    r->screening = true;
    r->screen_until = seconds_left - r->screen_had;
    race_init(&r->race, n + 1, r->plan, r->experiment.floor, r->arm_in_force);
    for (int i = 0; i < n; i++)
        r->race.arms[i + 1].restart = r->trials[i].restart;
    return true;
}

static int race_number(int arm)
{
    return arm >= ROUND_TRIAL ? arm - ROUND_TRIAL + 1 : arm;
}

/* Two values of one setting must not meet in the candidate, and its memory must fit. Alternatives that share a line are
 * variants of each other: the better one stands, since what the other adds was measured with it, and found less. */
static bool may_join(const struct round *r, unsigned have, unsigned more)
{
    const struct review *v = &r->review;
    for (int i = 0; i < v->n; i++)
        if (accepted(&v->lines[i]) && v->lines[i].change.sets && (review_sets(v, i) & have) &&
            (review_sets(v, i) & more))
            return false;
    for (int i = 0; i < v->n; i++)
        for (int j = 0; j < v->n; j++)
            if (accepted(&v->lines[i]) && accepted(&v->lines[j]) && i != j &&
                (review_sets(v, i) & have) && (review_sets(v, j) & more) &&
                strcmp(v->lines[i].change.name, v->lines[j].change.name) == 0 &&
                (v->lines[i].change.reset != v->lines[j].change.reset ||
                 strcmp(v->lines[i].send, v->lines[j].send) != 0))
                return false;
    return r->joins >> (have | more) & 1;
}

/* The winner, and whatever else has gained beside it, the better ones first: each was faster than the best arm with the
 * race's own confidence. What rides along in vain costs nothing that the experiment and the ablation would not show. */
static unsigned join_gains(const struct round *r, int winner)
{
    unsigned sets = r->trials[winner - 1].sets;
    bool seen[RACE_ARMS_MAX] = {false};
    for (int round = 0; round < r->ntrials; round++) {
        int next = 0;
        struct race_result res, best = {0};
        for (int i = 1; i <= r->ntrials; i++) {
            race_result(&r->race, i, &res);
            if (seen[i] || !res.gained || (next && res.ratio <= best.ratio))
                continue;
            next = i;
            best = res;
        }
        if (!next)
            break;
        seen[next] = true;
        if (next != winner && may_join(r, sets, r->trials[next - 1].sets))
            sets |= r->trials[next - 1].sets;
    }
    return sets;
}

static void screen_results(struct round *r)
{
    for (int s = 0; s < r->nscreened; s++)
        r->screened[s] = (struct race_result){NAN, NAN, NAN, 0, false, false};
    for (int i = 0; i < r->ntrials; i++)
        for (int s = 0; s < r->nscreened; s++)
            if (r->trials[i].sets >> s & 1)
                race_result(&r->race, i + 1, &r->screened[s]);
}

/* Judged without an experiment: what the screening showed is said, and nothing is claimed. */
static void nothing_gained(struct round *r)
{
    int best = -1;
    for (int s = 0; s < r->nscreened; s++)
        if (isfinite(r->screened[s].ratio) &&
            (best < 0 || r->screened[s].ratio > r->screened[best].ratio))
            best = s;
    r->state = ROUND_JUDGE;
    experiment_verdict(&r->experiment, &r->verdict);
    r->verdict.kind = VERDICT_INCONCLUSIVE;
    if (best < 0)
        snprintf(r->verdict.note, sizeof r->verdict.note, "screening: no alternative was measured");
    else
        snprintf(r->verdict.note, sizeof r->verdict.note,
                 "screening: no alternative gained; the best, %s, was at %+.1f %%",
                 r->review.proposal.set_names[best], (r->screened[best].ratio - 1) * 100);
    if (best < 0 && r->abandoned) {
        r->verdict.kind = VERDICT_REGRESSED;
        text_copy(r->verdict.note, sizeof r->verdict.note, r->trial_err.msg);
    }
    r->judged = true;
    go_back(r);
}

/* The arm in force may be the candidate already; its experiment then begins with it. */
static void begin_experiment(struct round *r)
{
    struct experiment *x = &r->experiment;
    if (r->arm_in_force >= ROUND_TRIAL && arm_same(round_arm(r, r->arm_in_force), &r->candidate))
        r->arm_in_force = ARM_B;
    x->arm = r->arm_in_force >= ROUND_TRIAL ? -1 : r->arm_in_force;
    x->first = x->arm == ARM_B ? ARM_B : ARM_A;
}

static void screened(struct round *r, double seconds_left)
{
    int failed = 0;
    for (int i = 0; i < r->ntrials; i++)
        failed += r->trials[i].failed;
    r->screening = false;
    screen_results(r);
    if (failed == r->ntrials || r->race.errors >= RUN_ERRORS_MAX) {
        r->err = r->trial_err;
        if (r->err.code == ERR_NONE)
            err_set(&r->err, ERR_CHILD, "%d runs in a row failed", r->race.errors);
        go_back(r);
        return;
    }
    int winner = race_winner(&r->race);
    if (winner < 1 || winner > r->ntrials) {
        nothing_gained(r);
        return;
    }
    make_candidate(r, join_gains(r, winner));
    begin_experiment(r);
    advance(r, seconds_left);
}

/* Whatever the race wants next. */
static void screen_advance(struct round *r, double seconds_left)
{
    struct experiment_next next = race_next(&r->race, seconds_left - r->screen_until);
    switch (next.want) {
    case EXPERIMENT_SWITCH:
        want_switch(r, ROUND_JOURNAL, next.arm > 0 ? ROUND_TRIAL + next.arm - 1 : ARM_A);
        return;
    case EXPERIMENT_WARMUP:
    case EXPERIMENT_RUN:
        r->run_warmup = next.want == EXPERIMENT_WARMUP;
        r->run_seconds = next.seconds;
        wish(r, ROUND_SCREEN, ROUND_WANT_RUN);
        return;
    case EXPERIMENT_FINISHED:
        screened(r, seconds_left);
        return;
    }
}

/* ---- messages ---- */

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
    if (r->review.proposal
            .repair) /* it stays whatever is measured: more runs would decide nothing */
        r->experiment.max_runs = r->experiment.min_runs;
    if (r->review.proposal.nsets < 2)
        make_candidate(r, ~0u);
    else if (screen_begin(r, seconds_left)) {
        screen_advance(r, seconds_left);
        return;
    }
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
    case APPLY_OS:
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

/* A trial arm that cannot be had is no reason to give up the others; where nothing can be switched any more it is. */
static bool drops_out(const struct round *r, const struct err *err)
{
    return r->screening && !r->cancelled && r->want_arm >= ROUND_TRIAL &&
           r->state != ROUND_ROLLBACK &&
           !(err && (err->code == ERR_LOST || err->code == ERR_CANCELLED));
}

static void drop_out(struct round *r, const struct err *err, double seconds_left)
{
    r->trials[r->want_arm - ROUND_TRIAL].failed = true;
    if (err && err->code != ERR_NONE)
        r->trial_err = *err;
    else
        err_set(&r->trial_err, ERR_VERIFY, "the configuration could not be switched");
    race_failed(&r->race, race_number(r->want_arm));
    screen_advance(r, seconds_left);
}

/* The switch did not happen: the arm in force is the one from before. */
static void switch_failed(struct round *r, const struct err *err, double seconds_left)
{
    bool back = r->state == ROUND_ROLLBACK || r->want_arm == ARM_A;
    if (drops_out(r, err)) {
        drop_out(r, err, seconds_left);
        return;
    }
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
    if (r->screening)
        race_switched(&r->race, race_number(r->want_arm), msg->restarted);
    else
        experiment_switched(&r->experiment, r->want_arm, msg->restarted);
    if (r->cancelled || r->state == ROUND_ROLLBACK)
        go_back(r);
    else if (r->state == ROUND_KEEP)
        keep(r);
    else if (r->screening)
        screen_advance(r, msg->seconds_left);
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
        switch_failed(r, msg->err, msg->seconds_left);
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

static void screen_ran(struct round *r, struct bench_run *run)
{
    if (r->run_warmup) {
        r->ran_warmup = true;
        race_warmed(&r->race);
    } else {
        run->warmup = false;
        if (!run->valid && run->err.code != ERR_NONE)
            r->trial_err = run->err;
        race_add(&r->race, run);
    }
    bench_run_clear(run);
}

/* What is in force did harm while it was observed: away from it, before anything else is done. */
static void abandoned(struct round *r, struct bench_run *run, double seconds_left)
{
    r->abandoned = true;
    if (r->screening) {
        r->trial_err = run->err;
        race_failed(&r->race, race_number(r->arm_in_force));
        screen_advance(r, seconds_left);
        return;
    }
    experiment_verdict(&r->experiment, &r->verdict);
    r->verdict.kind = VERDICT_REGRESSED;
    r->verdict.ratio = 1 / run->slower;
    r->verdict.ci_lo = r->verdict.ci_hi = NAN;
    text_copy(r->verdict.note, sizeof r->verdict.note, run->err.msg);
    r->judged = true;
    run->warmup = false;
    experiment_add(&r->experiment, run);
    go_back(r);
}

static void ran(struct round *r, const struct round_msg *msg)
{
    struct bench_run none;
    memset(&none, 0, sizeof none);
    struct bench_run *run = msg->run ? msg->run : &none;
    text_copy(r->veto, sizeof r->veto, msg->veto ? msg->veto : "");
    if (run->abandoned && !r->cancelled && r->arm_in_force != ARM_A) {
        abandoned(r, run, msg->seconds_left);
        bench_run_clear(run);
        return;
    }
    if (r->state == ROUND_SCREEN) {
        screen_ran(r, run);
        if (r->cancelled)
            go_back(r);
        else
            screen_advance(r, msg->seconds_left);
        return;
    }
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
    r->plan = plan;
    r->joins = UINT64_MAX;
    r->candidate_sets = ~0u;
    experiment_init(&r->experiment, EXPERIMENT_ROUND, plan, floor, ARM_A);
}

void round_step(struct round *r, const struct round_msg *msg)
{
    bool running = r->state == ROUND_WARMUP || r->state == ROUND_MEASURE ||
                   r->state == ROUND_SCREEN;
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
    mem_zero(r, sizeof *r);
}
