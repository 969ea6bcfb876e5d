/* race.h - several configurations in short runs, in turn, until those that are clearly behind have dropped out.
 *
 * For screening: where the time of an experiment is spent is decided by what the race has shown. Also, with keep_all, for
 * the comparison of a session's end, where every arm gets the same runs. A pure planner as experiment.h; an arm is a number,
 * 0 is the one to beat. It claims nothing: what it favours is measured anew against the best. */
#pragma once

#include "pgd/runner/experiment.h"

enum { RACE_ARMS_MAX = SETS_MAX + 1, RACE_VISITS_MAX = 8 };

struct race_arm {
    bool out; /* dropped: clearly behind arm 0, or it could not be applied */
    /* Nothing more has to be learnt of it: clearly behind the leader, or dear to visit. Its result stands. */
    bool done;
    /* A switch to or from it restarts the server: to be set by the caller as far as it is known, learnt after the first.
     * These arms stand together at the end of the order, so that there and back needs one restart each way. */
    bool restart;
    int n;
    double logs[RACE_VISITS_MAX]; /* logarithm of each valid run's figure: more is better */
    int passes;                   /* in which it has had its visit */
    int failed;                   /* of its runs */
};

/* min_visits, max_visits and keep_all may be set after race_init(). */
struct race {
    int n; /* arms, arm 0 included */
    struct race_arm arms[RACE_ARMS_MAX];
    int duration_s, warmup_s;
    int min_visits, max_visits; /* runs of each arm */
    bool keep_all;              /* nothing drops out */
    enum goal_kind goal;
    double floor;
    int arm; /* in force; -1 = unknown */
    bool warm, restarted;
    int switches, errors;
    int visit; /* number of this pass over the arms, from 0: there and back, so that a drift falls on all alike */
};

/* floor: noise of this machine as a ratio - 1. arm_in_force as in experiment_init(). Runs are a third of the plan's. */
void race_init(struct race *r, int narms, const struct sdl *plan, double floor, int arm_in_force);
/* The next wish. The race ends when every arm is decided (clearly ahead of arm 0, behind it, or with no gain in sight that
 * would be worth an experiment), after max_visits, or when the next pass over the arms does not fit into the time. */
struct experiment_next race_next(const struct race *r, double seconds_left);
void race_switched(struct race *r, int arm, bool restarted);
/* The arm could not be put in force: it is out. The arm in force is the one from before. */
void race_failed(struct race *r, int arm);
void race_warmed(struct race *r);
/* Takes a finished run of the arm in force (*run is not kept, nor cleared). Two failed runs of an arm put it out; three in a
 * row end the race. */
void race_add(struct race *r, const struct bench_run *run);
/* Of an arm against arm 0: ratio with a 95 % interval (NAN before the first visit of both), more is better. The deviation is
 * pooled over all arms and passes and with the floor, so that two visits say something. */
struct race_result {
    double ratio, lo, hi;
    int runs;
    bool out;
    bool
        gained; /* worth an experiment: with 90 % one-sided confidence faster than arm 0, and by 1 % at least */
};
void race_result(const struct race *r, int arm, struct race_result *out);
/* The arm that gained most; when none did, the one of which 3 % or more are likely (85 % one-sided); else 0. */
int race_winner(const struct race *r);
/* Seconds that the screening of so many arms takes at least. restarts: one of the switches restarts the server. */
double race_cost(const struct sdl *plan, int narms, bool restarts);
