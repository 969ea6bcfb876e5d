/* Least squares with a normal prior (ridge regression). The prior makes the system solvable from the first run on and
 * weighs less the more is measured; with 20 runs at 3 % it takes less than a hundredth off an effect. */
#include "pgd/runner/regress.h"

#include <math.h>
#include <string.h>

#include "pgd/base/mem.h"

enum { LEVEL, DRIFT, FIRST };

static const double drift_sd = 0.1; /* from the first run to the last: a tenth, either way */

static void terms(int changes, uint32_t set, double time, double *x)
{
    x[LEVEL] = 1;
    x[DRIFT] = time;
    for (int i = 0; i < changes; i++)
        x[FIRST + i] = (set >> i & 1) ? 1 : 0;
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

/* One solution for a given deviation; returns the sum of squared residuals, and what the fit has used up. */
static double solve(struct regress *g, const struct regress_run *runs, int n, double sd,
                    double effect_sd, double *used)
{
    int p = g->changes + FIRST;
    double(*a)[REGRESS_TERMS_MAX] = g->cov;
    double xty[REGRESS_TERMS_MAX] = {0}, x[REGRESS_TERMS_MAX];
    double mean = 0, squares = 0;
    memset(g->cov, 0, sizeof g->cov);
    for (int r = 0; r < n; r++)
        mean += runs[r].log / n;
    for (int r = 0; r < n; r++) {
        terms(g->changes, runs[r].set, n > 1 ? (double)r / (n - 1) - 0.5 : 0, x);
        for (int i = 0; i < p; i++) {
            xty[i] += x[i] * (runs[r].log - mean);
            for (int j = 0; j < p; j++)
                a[i][j] += x[i] * x[j];
        }
    }
    for (int i = 0; i < p; i++) { /* the level is free: only its share of a very wide prior */
        double prior = i == LEVEL ? 10 : i == DRIFT ? drift_sd : effect_sd;
        a[i][i] += sd * sd / (prior * prior);
    }
    invert(a, p);
    *used = 0;
    for (int i = 0; i < p; i++) {
        g->at[i] = 0;
        for (int j = 0; j < p; j++)
            g->at[i] += a[i][j] * xty[j];
    }
    for (int r = 0; r < n; r++) {
        double fit = 0;
        terms(g->changes, runs[r].set, n > 1 ? (double)r / (n - 1) - 0.5 : 0, x);
        for (int i = 0; i < p; i++) {
            fit += x[i] * g->at[i];
            for (int j = 0; j < p; j++)
                *used += x[i] * a[i][j] * x[j];
        }
        squares += (runs[r].log - mean - fit) * (runs[r].log - mean - fit);
    }
    g->at[LEVEL] += mean;
    return squares;
}

void regress_fit(struct regress *g, const struct regress_run *runs, int n, int changes,
                 double prior_sd, double prior_df, double effect_sd)
{
    memset(g, 0, sizeof *g);
    g->changes = changes < CHANGES_MAX ? changes : CHANGES_MAX;
    g->sd = prior_sd;
    g->df = prior_df;
    for (int pass = 0; pass < 3; pass++) { /* the deviation and the weight of the prior settle */
        double used = 0;
        double squares = solve(g, runs, n, g->sd, effect_sd, &used);
        double own = fmax(0, n - used);
        g->df = prior_df + own;
        g->sd = sqrt((prior_df * prior_sd * prior_sd + squares) / g->df);
    }
    for (int i = 0; i < changes + FIRST; i++)
        for (int j = 0; j < changes + FIRST; j++)
            g->cov[i][j] *= g->sd * g->sd;
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
    int p = g->changes + FIRST;
    terms(g->changes, set, 0.5, x);
    for (int i = 0; i < p; i++)
        for (int j = 0; j < p; j++)
            var += x[i] * g->cov[i][j] * x[j];
    return var / (g->sd * g->sd);
}
