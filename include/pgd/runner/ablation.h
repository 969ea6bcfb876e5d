/* ablation.h - which of the changes of a configuration earn its gain, and which may go.
 *
 * A pure planner as experiment.h. A configuration is a set of bits: bit i = the i-th change is in it. Changes are taken out,
 * several at a time where little is expected of them and one by one where a group mattered; what can go without a loss stays
 * out, what is faster without it goes for good. Pairs that work together only are found because either alone is missed. */
#pragma once

#include "pgd/runner/experiment.h"

enum { ABLATION_TRIALS_MAX = 64 };

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
        hi; /* with it over without it, the others that were kept in force; NAN when not tested alone */
};

struct ablation {
    int n;         /* changes */
    uint32_t full; /* all of them */
    uint32_t kept; /* not shown to be idle, so far */
    uint32_t in_force;
    bool known; /* in_force is what the server runs */
    int duration_s, warmup_s;
    double floor;
    enum goal_kind goal;
    double doubt[CHANGES_MAX]; /* what is expected of each, in percent: the least is tried first */
    struct ablation_share shares[CHANGES_MAX];
    bool warm, restarted;
    int switches, errors;
    /* the runs so far; the planner's own: */
    int n_runs;
    struct ablation_run {
        uint32_t set;
        double log; /* of the figure: more is better */
    } runs[ABLATION_TRIALS_MAX];
    int trial; /* number of the comparison under way */
    uint32_t queue[CHANGES_MAX];
    int nqueue;
};

/* expected: of each change, percent; NAN = unknown. in_force: the set that the server runs now. */
void ablation_init(struct ablation *a, int n, const double *expected, const struct sdl *plan,
                   double floor, uint32_t in_force);
struct ablation_next ablation_next(const struct ablation *a, double seconds_left);
void ablation_switched(struct ablation *a, uint32_t set, bool restarted);
/* The set could not be put in force: it is not asked for again. */
void ablation_failed(struct ablation *a, uint32_t set);
void ablation_warmed(struct ablation *a);
void ablation_add(struct ablation *a, const struct bench_run *run);
/* What stays, as far as it is decided: changes that were not tested stay. */
uint32_t ablation_kept(const struct ablation *a);
