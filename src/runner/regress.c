/* Least squares with a normal prior (ridge regression). The prior makes the system solvable from the first run on and
 * weighs less the more is measured; with 20 runs at 3 % it takes less than a hundredth off an effect. */
#include "pgd/runner/regress.h"

#include <math.h>
#include <string.h>

#include "pgd/base/mem.h"

enum { LEVEL, DRIFT, FIRST };

/* Of the drift from the first run to the last; of what a pair does beyond its members. */
static const double drift_sd = 0.1, pair_sd = 0.1, level_sd = 10;
static const double active_at = 2.5; /* standard errors from zero: its pairs are looked at */
static const double pair_at = 2.2;   /* and what the runs without both must show */

static int nterms(const struct regress *g)
{
    return FIRST + g->changes + g->npairs;
}

static void terms(const struct regress *g, uint32_t set, double time, double *x)
{
    x[LEVEL] = 1;
    x[DRIFT] = time;
    for (int i = 0; i < g->changes; i++)
        x[FIRST + i] = (set >> i & 1) ? 1 : 0;
    for (int i = 0; i < g->npairs; i++)
        x[FIRST + g->changes + i] = (set & g->pairs[i]) == 0 ? 1 : 0;
}

/* Inverts a symmetric positive definite matrix in place, by Gauss and Jordan; the ridge keeps the pivots positive. */
static void invert(double (*m)[REGRESS_TERMS_MAX], int n)
{
    for (int k = 0; k < n; k++) {
        double pivot = 1 / m[k][k];
        for (int j = 0; j < n; j++)
            m[k][j] *= j == k ? 1 : pivot;
        m[k][k] = pivot;
        for (int i = 0; i < n; i++) {
            double factor = m[i][k];
            if (i == k)
                continue;
            m[i][k] = 0;
            for (int j = 0; j < n; j++)
                m[i][j] -= factor * m[k][j];
        }
    }
}

/* What the runs say, whatever the deviation is. */
struct sums {
    double x[REGRESS_RUNS_MAX][REGRESS_TERMS_MAX];
    double y[REGRESS_RUNS_MAX]; /* from the mean */
    double xtx[REGRESS_TERMS_MAX][REGRESS_TERMS_MAX], xty[REGRESS_TERMS_MAX], mean;
    int n;
};

static void sum_up(struct sums *s, const struct regress *g, const struct regress_run *runs, int n)
{
    int p = nterms(g);
    memset(s, 0, sizeof *s);
    s->n = n < REGRESS_RUNS_MAX ? n : REGRESS_RUNS_MAX;
    for (int r = 0; r < s->n; r++)
        s->mean += runs[r].log / s->n;
    for (int r = 0; r < s->n; r++) {
        double *x = s->x[r];
        s->y[r] = runs[r].log - s->mean;
        terms(g, runs[r].set, s->n > 1 ? (double)r / (s->n - 1) - 0.5 : 0, x);
        for (int i = 0; i < p; i++) {
            if (x[i] == 0)
                continue;
            s->xty[i] += x[i] * s->y[r];
            for (int j = 0; j < p; j++)
                s->xtx[i][j] += x[i] * x[j];
        }
    }
}

/* One solution for a given deviation; returns the sum of squared residuals, and what the fit has used up. */
static double solve(struct regress *g, const struct sums *s, double sd, double effect_sd,
                    double *used)
{
    int p = nterms(g);
    double weight[REGRESS_TERMS_MAX], squares = 0;
    memcpy(g->cov, s->xtx, sizeof g->cov);
    for (int i = 0; i < p; i++) {
        double prior = i == LEVEL               ? level_sd
                       : i == DRIFT             ? drift_sd
                       : i < FIRST + g->changes ? effect_sd
                                                : pair_sd;
        weight[i] = sd * sd / (prior * prior);
        g->cov[i][i] += weight[i];
    }
    invert(g->cov, p);
    *used = p;
    for (int i = 0; i < p; i++) {
        *used -= g->cov[i][i] * weight[i];
        g->at[i] = 0;
        for (int j = 0; j < p; j++)
            g->at[i] += g->cov[i][j] * s->xty[j];
    }
    for (int r = 0; r < s->n; r++) {
        double left = s->y[r];
        for (int i = 0; i < p; i++)
            left -= s->x[r][i] * g->at[i];
        squares += left * left;
    }
    return squares;
}

static void settle(struct regress *g, struct sums *sums, const struct regress_run *runs, int n,
                   double prior_sd, double prior_df, double effect_sd)
{
    int p = nterms(g);
    sum_up(sums, g, runs, n);
    g->sd = prior_sd;
    for (int pass = 0; pass < 3; pass++) { /* the deviation and the weight of the prior settle */
        double used = 0;
        double squares = solve(g, sums, g->sd, effect_sd, &used);
        g->df = prior_df + fmax(0, sums->n - used);
        g->sd = sqrt((prior_df * prior_sd * prior_sd + squares) / g->df);
    }
    g->at[LEVEL] += sums->mean;
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            g->cov[i][j] *= g->sd * g->sd;
}

/* The changes that do most. */
static int choose_active(const struct regress *g, int *active)
{
    int n = 0;
    uint32_t taken = 0;
    while (n < REGRESS_ACTIVE_MAX) {
        int best = -1;
        double most = active_at;
        for (int i = 0; i < g->changes; i++) {
            double se, effect = regress_effect(g, i, &se);
            if ((taken >> i & 1) || !(fabs(effect) > most * se))
                continue;
            most = fabs(effect) / se;
            best = i;
        }
        if (best < 0)
            break;
        taken |= (uint32_t)1 << best;
        active[n++] = best;
    }
    return n;
}

/* How clearly the runs without both of a pair differ from what the fit says: in standard errors, what the fit could take
 * up of it left aside. */
static double pair_signal(const struct regress *g, const struct sums *s,
                          const struct regress_run *runs, uint32_t pair)
{
    double xtz[REGRESS_TERMS_MAX] = {0}, hit = 0, size = 0;
    int p = nterms(g);
    for (int r = 0; r < s->n; r++) {
        double left = s->y[r] + s->mean;
        if ((runs[r].set & pair) != 0)
            continue;
        for (int i = 0; i < p; i++) {
            left -= s->x[r][i] * g->at[i];
            xtz[i] += s->x[r][i];
        }
        hit += left;
        size += 1;
    }
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            size -= xtz[i] * g->cov[i][j] * xtz[j] / (g->sd * g->sd);
    return size > 0.5 ? fabs(hit) / (g->sd * sqrt(size)) : 0;
}

/* Adds the pair that shows most; false when none does. */
static bool add_pair(struct regress *g, const struct sums *s, const struct regress_run *runs)
{
    int active[REGRESS_ACTIVE_MAX];
    int n = choose_active(g, active);
    uint32_t best = 0;
    double most = pair_at;
    for (int i = 0; i < n; i++)
        for (int j = 0; j < i; j++) {
            uint32_t pair = (uint32_t)1 << active[i] | (uint32_t)1 << active[j];
            double signal = 0;
            bool have = false;
            for (int k = 0; k < g->npairs; k++)
                have = have || g->pairs[k] == pair;
            if (!have)
                signal = pair_signal(g, s, runs, pair);
            if (signal > most) {
                most = signal;
                best = pair;
            }
        }
    if (best != 0)
        g->pairs[g->npairs++] = best;
    return best != 0;
}

void regress_fit(struct regress *g, const struct regress_run *runs, int n, int changes,
                 double prior_sd, double prior_df, double effect_sd)
{
    struct sums s;
    memset(g, 0, sizeof *g);
    g->changes = changes < CHANGES_MAX ? changes : CHANGES_MAX;
    n = n < REGRESS_RUNS_MAX ? n : REGRESS_RUNS_MAX;
    settle(g, &s, runs, n, prior_sd, prior_df, effect_sd);
    while (g->npairs < REGRESS_PAIRS_MAX && add_pair(g, &s, runs))
        settle(g, &s, runs, n, prior_sd, prior_df, effect_sd);
}

double regress_sum(const struct regress *g, uint32_t set, double *se)
{
    double sum = 0, var = 0;
    for (int i = 0; i < g->changes; i++) {
        if (!(set >> i & 1))
            continue;
        sum += g->at[FIRST + i];
        for (int j = 0; j < g->changes; j++)
            if (set >> j & 1)
                var += g->cov[FIRST + i][FIRST + j];
    }
    if (se)
        *se = sqrt(fmax(0, var));
    return sum;
}

double regress_effect(const struct regress *g, int i, double *se)
{
    return regress_sum(g, (uint32_t)1 << i, se);
}

double regress_novelty(const struct regress *g, uint32_t set)
{
    double x[REGRESS_TERMS_MAX], var = 0;
    int p = nterms(g);
    terms(g, set, 0.5, x);
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p && x[i] != 0; j++)
            var += x[i] * g->cov[i][j] * x[j];
    return var / (g->sd * g->sd);
}
