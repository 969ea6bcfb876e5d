/* race.h - several configurations in short runs, in turn, until those that are clearly behind have dropped out.
 *
 * For screening: where the time of an experiment is spent is decided by what the race has shown. Also, with keep_all, for
 * the comparison of a session's end, where every arm gets the same runs. A pure planner as experiment.h; an arm is a number,
 * 0 is the one to beat. It claims nothing: what it favours is measured anew against the best. */
#pragma once

#include "pgd/runner/experiment.h"

enum { RACE_ARMS_MAX = SETS_MAX + 1, RACE_VISITS_MAX = 8 };

struct race_arm {
    bool out; /* dropped: clearly behind, or it could not be applied */
    bool
        restart; /* a switch to or from it restarts the server: expected before the first, learned after it */
    int n;
    double logs[RACE_VISITS_MAX]; /* logarithm of each valid run's figure: more is better */
};

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
    int visit; /* of this round of the race: there and back, so that a drift falls on all alike */
};

/* floor: noise of this machine as a ratio - 1. arm_in_force as in experiment_init(). */
void race_init(struct race *r, int narms, const struct sdl *plan, double floor, int arm_in_force);
struct experiment_next race_next(const struct race *r, double seconds_left);
void race_switched(struct race *r, int arm, bool restarted);
/* The arm could not be put in force: it is out. The arm in force is the one from before. */
void race_failed(struct race *r, int arm);
void race_warmed(struct race *r);
/* Takes a finished run of the arm in force (*run is not kept, nor cleared). */
void race_add(struct race *r, const struct bench_run *run);
/* Of an arm against arm 0: ratio with a 95 % interval (NAN below two runs), more is better. */
struct race_result {
    double ratio, lo, hi;
    int runs;
    bool out;
};
void race_result(const struct race *r, int arm, struct race_result *out);
/* Seconds that the screening of so many arms takes at least. */
double race_cost(const struct sdl *plan, int narms, bool restarts);
