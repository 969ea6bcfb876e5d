/* round.h - one tuning round as data plus one switch.
 *
 * PROPOSE → REVIEW → SCREEN → JOURNAL → PREFLIGHT → APPLY → ACTIVATE → VERIFY → WARMUP → MEASURE → JUDGE →
 * KEEP | ROLLBACK → CHECKPOINT. The round drives a race, where the proposal has alternatives, and an experiment, and asks its
 * owner for arm switches and runs; it carries nothing out itself. Cancel and a lost link are handled in every state by one
 * rule: nothing applied → cancelled; something applied → back to the best arm, or STUCK.
 *
 * Arms are numbers: ARM_A the best so far, ARM_B the candidate, ROUND_TRIAL and above the trial arms of the screening. */
#pragma once

#include "pgd/runner/experiment.h"
#include "pgd/runner/race.h"
#include "pgd/tuning/apply.h"
#include "pgd/tuning/guard.h"

enum round_state {
    ROUND_IDLE,
    /* The advisor was asked. A proposal without changes (or nothing_left) ends the round as EMPTY. */
    ROUND_PROPOSE,
    /* The DBA (or the headless policy) answers each line; what is left without an answer counts as rejected. Nothing
     * accepted → EMPTY. Accepted lines that make two different trial arms or more → the screening. */
    ROUND_REVIEW,
    /* A switch to an arm is under way; the sub-states mirror apply_state for the screen. A failed switch
     * that was rolled back ends the round as FAILED, by way of ROLLBACK when that left the candidate in force; a
     * stuck one as STUCK. */
    ROUND_JOURNAL,
    ROUND_PREFLIGHT,
    ROUND_APPLY,
    ROUND_ACTIVATE,
    ROUND_VERIFY,
    /* A short run of the screening (or its warm-up); between them the states of a switch. A trial arm that could not be
     * put in force drops out, the others go on. When the race is decided or its share of the time is spent: something
     * gained → the candidate, and its experiment with fresh runs; nothing gained → JUDGE; every arm failed → FAILED. */
    ROUND_SCREEN,
    /* A run that does not count, after a switch. */
    ROUND_WARMUP,
    /* A measured run. When the experiment has enough → JUDGE. */
    ROUND_MEASURE,
    /* The verdict is computed. improved and without a veto → KEEP, else ROLLBACK. */
    ROUND_JUDGE,
    /* The candidate becomes the best arm (of the owner: best and candidate here stay as they are, kept says so); a
     * switch to it when another arm is in force. → CHECKPOINT */
    ROUND_KEEP,
    /* A switch to the best arm when another is in force, tried twice. → CHECKPOINT, or the end that is due: FAILED,
     * CANCELLED, STUCK */
    ROUND_ROLLBACK,
    /* The owner saves the session; its answer leads to DONE. */
    ROUND_CHECKPOINT,
    ROUND_DONE,
    ROUND_EMPTY,     /* nothing was proposed or accepted */
    ROUND_FAILED,    /* a change failed and was rolled back; err */
    ROUND_CANCELLED, /* stopped by the DBA; the best arm is in force */
    ROUND_STUCK      /* the operator must act; err, apply.stuck_sql */
};
const char *round_state_name(enum round_state s); /* "PROPOSE" … */

/* What the owner is to start now. After each message it is set anew: NOTHING means that what is under way (a review, a
 * switch, a run) goes on. END stays. */
enum round_want {
    ROUND_WANT_NOTHING,
    ROUND_WANT_PROPOSAL,
    ROUND_WANT_REVIEW,
    ROUND_WANT_SWITCH, /* to round_arm(want_arm) */
    ROUND_WANT_RUN,    /* run_seconds, run_warmup */
    ROUND_WANT_SAVE,
    ROUND_WANT_END
};

enum round_msg_kind {
    ROUND_MSG_START,
    ROUND_MSG_PROPOSED, /* review is filled in by the owner */
    ROUND_MSG_REVIEWED,
    ROUND_MSG_APPLY_STATE, /* progress of the switch: apply_state */
    ROUND_MSG_SWITCHED,    /* apply_state: DONE, ROLLED_BACK, FAILED or STUCK; restarted; err */
    ROUND_MSG_RAN,         /* run (stolen) */
    ROUND_MSG_SAVED,
    ROUND_MSG_CANCEL /* the owner also stops the run under way; its RAN (or SWITCHED) still comes */
};

struct round_msg {
    enum round_msg_kind kind;
    enum apply_state apply_state;
    bool restarted;
    const struct err *err;
    struct bench_run *run;
    double seconds_left; /* of the budget, less what confirmation needs */
    /* RAN: why the candidate must not be kept by itself, whatever it gains in total ("statement X is 14 % slower"); NULL =
     * nothing speaks against it. Only the newest counts. */
    const char *veto;
};

enum { ROUND_TRIAL = 2 };

/* A configuration of the screening: the best arm with the accepted lines of an alternative. */
struct round_trial {
    struct arm arm;
    unsigned sets; /* the alternatives that come to it, as bits; several when they are the same */
    bool restart;  /* one of its own lines needs a restart */
    bool failed;   /* it could not be put in force */
};

struct round {
    int number; /* from 1 */
    enum round_state state;
    struct review review;
    struct arm best, candidate; /* best: in force when the round began */
    int arm_in_force;           /* ARM_A best, ARM_B candidate, ROUND_TRIAL… trials, -1 unknown */
    const struct sdl *plan;     /* borrowed; NULL in a round that was read from a file */
    int ntrials;                /* arms of the screening; 0 = there is none */
    struct round_trial trials[SETS_MAX];
    bool screening;      /* it is under way */
    struct race race;    /* its arm 0 is the best, i + 1 is trials[i] */
    double screen_until; /* seconds left at which it has to be over */
    double screen_needs; /* it was left out: what it would have needed, seconds; 0 = it was not */
    double screen_had;   /* … and what there was for it */
    int nscreened;       /* alternatives of the proposal that were screened; 0 = none were */
    struct race_result screened[SETS_MAX]; /* of each alternative */
    struct err trial_err;                  /* of the last trial arm or short run that failed */
    bool abandoned; /* a configuration of this round did harm and was left at once (observe.h) */
    unsigned candidate_sets; /* the alternatives that are in the candidate */
    uint64_t
        joins; /* guard_joins(): filled in by the owner before REVIEWED; init: all fit together */
    char veto[240]; /* why an improvement was not kept; "" = nothing */
    struct experiment experiment;
    struct verdict verdict;
    struct conclusion conclusion;
    bool kept;   /* improved, and the candidate is in force */
    bool judged; /* the verdict is final: a cancel after it changes nothing but KEEP */
    bool cancelled;
    int back_tries; /* failed switches to the best arm */
    bool ran_warmup;
    int64_t started_wall_us, ended_wall_us;
    struct err err;
    /* the wish */
    enum round_want want;
    int want_arm;
    int run_seconds;
    bool run_warmup;
};

/* plan: borrowed until the round has ended. */
void round_init(struct round *r, int number, const struct arm *best, const struct sdl *plan,
                double floor);
/* Feeds one message; the wish is in r->want afterwards. */
void round_step(struct round *r, const struct round_msg *msg);
/* The configuration of that number. */
const struct arm *round_arm(const struct round *r, int arm);
/* Whether line i of the review is part of the candidate that the verdict is of. */
bool round_measured(const struct round *r, int i);
void round_clear(struct round *r);
