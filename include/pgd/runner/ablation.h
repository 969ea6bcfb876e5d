/* ablation.h - which of the changes of a configuration earn its gain, and which may go.
 *
 * A pure planner as experiment.h. A configuration is a set of bits: bit i = the i-th change is in it. Each short run leaves
 * out some of the changes that are still open, other ones every time, chosen so that it tells most for its price; all runs
 * together tell what each change does (regress.h). What is faster without goes for good, what earns stays in from then on,
 * what is shown to earn less than a margin goes. A pair that works only together is found because either is missed while the
 * other is in. At the end what stays is run against everything, there and back: where more is missed than the sum of what
 * went, it comes back. */
#pragma once

#include "pgd/runner/experiment.h"
#include "pgd/runner/regress.h"

enum { ABLATION_TRIALS_MAX = REGRESS_RUNS_MAX, ABLATION_FAILED_MAX = 8 };

struct ablation_next {
    enum experiment_want want;
    uint32_t set; /* to be in force */
    int seconds;
};

/* What was found of one change. */
struct ablation_share {
    bool tested;
    bool kept;
    double ratio, lo,
        hi; /* with it over without it, on the average of the sets that were run; NAN when not tested */
};

struct ablation {
    int n;            /* changes */
    uint32_t full;    /* all of them */
    uint32_t kept;    /* not shown to be idle or harmful, so far */
    uint32_t earning; /* of those: shown to earn */
    uint32_t harmful; /* of those that went: faster without */
    uint32_t
        restarts; /* a switch that changes one of these restarts the server: set by the caller after ablation_init() */
    uint32_t in_force;
    bool known; /* in_force is what the server runs */
    int duration_s, warmup_s;
    double floor;
    enum goal_kind goal;
    double expected[CHANGES_MAX]; /* percent: what little is expected of is left out more often */
    struct ablation_share shares[CHANGES_MAX];
    bool warm, restarted;
    int switches, errors;
    int n_runs;
    struct regress_run runs[ABLATION_TRIALS_MAX];
    uint32_t wish; /* what is to be run next, and by which run it was chosen (from 1) */
    int wished_at;
    int check_from; /* the runs from here on set what stays against everything; 0 = not begun */
    bool checked;
    int nfailed;
    uint32_t failed[ABLATION_FAILED_MAX]; /* could not be put in force */
};

/* expected: of each change, percent; NAN = unknown; NULL = of all. in_force: the set that the server runs now.
 * Runs are a third of the plan's. */
void ablation_init(struct ablation *a, int n, const double *expected, const struct sdl *plan,
                   double floor, uint32_t in_force);
/* Passes to the check when every change is decided or the time for more is out, and ends after it. */
struct ablation_next ablation_next(struct ablation *a, double seconds_left);
void ablation_switched(struct ablation *a, uint32_t set, bool restarted);
/* The set could not be put in force: it is not asked for again. */
void ablation_failed(struct ablation *a, uint32_t set);
void ablation_warmed(struct ablation *a);
/* Takes a finished run of the set in force (*run is not kept, nor cleared). */
void ablation_add(struct ablation *a, const struct bench_run *run);
/* What stays, as far as it is decided: changes that were not tested stay. */
uint32_t ablation_kept(const struct ablation *a);
/* The least seconds with which it is worth to begin: enough runs to decide something, and the check. */
double ablation_cost(const struct sdl *plan, int n, bool restarts);
