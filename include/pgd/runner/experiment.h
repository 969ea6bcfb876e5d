/* experiment.h - which configuration to measure next, and what the measurements say.
 *
 * A pure planner: it is asked for the next step and told the results. It knows nothing of settings;
 * an arm is a number. Arm A is the one in force before (start, or best so far), B the candidate. */
#pragma once

#include "pgd/runner/bench.h"
#include "pgd/runner/looks.h"

enum experiment_kind {
    EXPERIMENT_AA,     /* only arm A: the baseline and this machine's noise */
    EXPERIMENT_ROUND,  /* best so far against the candidate */
    EXPERIMENT_CONFIRM /* start against the best, fresh runs: the figure that is claimed */
};

enum { ARM_A = 0, ARM_B = 1, EXPERIMENT_RUNS_MAX = 32 };

enum experiment_want {
    EXPERIMENT_SWITCH, /* make `arm` the configuration in force */
    EXPERIMENT_WARMUP, /* run `seconds` that do not count */
    EXPERIMENT_RUN,    /* run a measured run */
    EXPERIMENT_FINISHED
};

struct experiment_next {
    enum experiment_want want;
    int arm;
    int seconds;
};

struct experiment {
    enum experiment_kind kind;
    int min_runs, max_runs; /* per arm */
    int duration_s, warmup_s;
    enum goal_kind goal;
    double rate;   /* transactions a second that are offered; 0 = as many as go */
    int base_s;    /* what was asked for: duration_s of an A/A experiment may have grown since */
    int longest_s; /* a run may grow to this, so that a run holds enough transactions */
    struct looks_prior
        prior; /* how far runs lie apart on this machine, from before; see experiment_noise() */
    double
        floor; /* noise of this machine as a ratio - 1; 0 for AA, 5 % where it was NAN = unknown */
    int arm;   /* in force; -1 = unknown: the first wish is a switch */
    bool warm; /* warmed up since the last switch */
    int switches;       /* made so far */
    bool restarted;     /* the last switch restarted the server: a longer warm-up */
    bool stopped_early; /* the candidate was clearly worse */
    int first;          /* the arm of the first run; then there and back: A B B A A B B A */
    bool blocks; /* a switch is dear (a person makes it): one arm's runs together, see below */
    int n;
    struct bench_run runs[EXPERIMENT_RUNS_MAX];
    int errors; /* failed runs in a row */
    int cold;   /* runs of an A/A experiment left out since the caches were still filling */
};

/* With `blocks` a round is A A A A B B B B, one switch; a confirmation, which begins with B in force, is B B A A A A B B,
 * there and back once. An arm's block is one run longer than the least, and while undecided the last one grows. To be set
 * after experiment_init(). */
void experiment_init(struct experiment *x, enum experiment_kind kind, const struct sdl *plan,
                     double floor, int arm_in_force);
/* The next wish, given the arm in force and the runs so far. An experiment ends when it is
 * decided, when its runs are spent, or when what it wants next does not fit into the time.
 * seconds_left: of the budget, less what must be kept for what comes after. */
struct experiment_next experiment_next(const struct experiment *x, double seconds_left);
void experiment_switched(struct experiment *x, int arm, bool restarted);
void experiment_warmed(struct experiment *x);
/* Of a run that holds fewer transactions than 100: it is not compared, and the next ones of its arm take longer, up to
 * longest_s. In an A/A experiment a later run may show that earlier ones were cold (slower, with fewer hits or more waiting for
 * a disk): these are left out, three at the most, err saying so.
 * Takes the run (*run is cleared) as one of the arm in force. A warm-up that went well is
 * dropped. A run that is not valid, warm-ups included, is kept for the record and never
 * compared; three in a row end the experiment. */
void experiment_add(struct experiment *x, struct bench_run *run);
/* What the runs say now. ratio: of the goal's figure. The interval is one for as many looks as the experiment may take
 * (looks.h): it holds at every look together in 95 %. Improved only when each arm has three valid runs, the interval lies
 * above 1, and the effect is above both 2 % and the noise (of the prior and these runs together; without a prior the
 * floor); regressed is its mirror image. Of an A/A experiment: kind NONE, tps_a, p95_a, sd_a and the floor that was found: NAN with less than two valid runs.
 * Figures that there is no run for are NAN. */
void experiment_verdict(const struct experiment *x, struct verdict *v);
/* How far runs lie apart, by these runs and what was known before: the prior of the next experiment. The df is 0 when
 * nothing is known. */
struct looks_prior experiment_noise(const struct experiment *x);
/* The least number of runs: of each arm, of an A/A experiment in all. */
int experiment_least_runs(enum experiment_kind kind, const struct sdl *plan);
/* Expected seconds of a whole experiment of this kind with its smallest number of runs. */
double experiment_cost(const struct sdl *plan, enum experiment_kind kind, bool restarts);
/* Seconds that must be left for a round to begin: the round, and the confirmation of what it keeps. */
double experiment_round_needs(const struct sdl *plan, bool restarts);
/* Seconds of the least budget that holds a baseline and one round with its confirmation. */
double experiment_least_budget(const struct sdl *plan, bool restarts);
void experiment_clear(struct experiment *x);
/* ---- what race.h and ablation.h count alike ---- */
/* The figure of a run that counts for this goal, more is always better: TPS, or the reciprocal of a latency in ms. NAN when
 * the run has none. */
double experiment_figure(const struct bench_run *r, enum goal_kind goal);
/* Seconds: of a warm-up, of a switch with its warm-up, of what a run takes beyond its own time, of a short run. */
int experiment_warmup_s(int warmup_s, bool restarted);
/* Its bound: a warm-up ends by a rule (bench_warmed()), after a restart at twice its length at the latest, as far as the
 * seconds that are left beyond what is needed allow. */
int experiment_warmup_most_s(int warmup_s, bool restarted, double spare_s);
int experiment_switch_s(int warmup_s, bool restarts);
int experiment_extra_s(void);
int experiment_short_s(const struct sdl *plan);
