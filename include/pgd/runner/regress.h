/* regress.h - what each of several changes does, from runs of configurations that hold different ones of them.
 *
 * log(figure) = level + drift · time + sum of the effects of the changes that are in + for a pair of those that do most,
 * where the runs without both show it, a term for that. By least squares with a weak prior on each term. Every run tells something of every change, and
 * the effect of a change is that of taking it out while the others that matter are in. */
#pragma once

#include "pgd/protocol/records.h"

enum {
    REGRESS_RUNS_MAX = 64,
    REGRESS_ACTIVE_MAX = 6,
    REGRESS_PAIRS_MAX = 3,
    REGRESS_TERMS_MAX = 2 + CHANGES_MAX + REGRESS_PAIRS_MAX
};

struct regress_run {
    uint32_t set; /* bit i: change i was in */
    double log;
};

struct regress {
    int changes; /* terms 2 ... changes + 1; term 0 is the level, term 1 the drift */
    int npairs;  /* the terms after those */
    uint32_t pairs[REGRESS_PAIRS_MAX]; /* two bits each */
    double at[REGRESS_TERMS_MAX];      /* estimates */
    double cov[REGRESS_TERMS_MAX][REGRESS_TERMS_MAX];
    double sd, df; /* of a run, pooled with the prior, and what it rests on */
};

/* prior_sd: what a run is expected to deviate, as known from prior_df degrees of freedom. Effects are expected to be of the
 * size of effect_sd. Runs are taken to be equally far apart in time. */
void regress_fit(struct regress *g, const struct regress_run *runs, int n, int changes,
                 double prior_sd, double prior_df, double effect_sd);
/* The effect of change i: logarithm of the figure with it over the one without it, and its standard error. */
double regress_effect(const struct regress *g, int i, double *se);
/* The sum of the effects of a set, and its standard error. */
double regress_sum(const struct regress *g, uint32_t set, double *se);
/* How little is known of the level of a set: its variance in units of a run's. What is greatest is most worth a run. */
double regress_novelty(const struct regress *g, uint32_t set);
