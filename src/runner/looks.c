/* Repeated confidence intervals (Jennison and Turnbull 1989) with constant levels (Pocock 1977), Student's t, and a deviation
 * that is pooled with what is known of this machine. */
#include "pgd/runner/looks.h"

#include <math.h>

#include "pgd/base/mem.h"
#include "pgd/runner/stats.h"

/* By simulation of 1 000 000 series of normal deviates: with a first look at 3, and at 4 runs an arm. test_looks simulates
 * them again. */
static const double from_3[] = {0.0500, 0.0335, 0.0264, 0.0222, 0.0194, 0.0175, 0.0159,
                                0.0148, 0.0138, 0.0129, 0.0123, 0.0117, 0.0112, 0.0108};
static const double from_4[] = {0.0500, 0.0348, 0.0278, 0.0235, 0.0207, 0.0187, 0.0171,
                                0.0158, 0.0148, 0.0139, 0.0131, 0.0125, 0.0120};
/* A configuration takes effect on a server that lies otherwise in memory afterwards: runs never repeat better than this. */
static const double least_sd = 0.01;
/* An older baseline may come from a quieter hour: it never counts for more than this. */
static const double prior_df_max = 6;

/* A later first look has fewer looks and is held to the level of one at 4, which is a stricter one. */
double looks_level(int first, int last)
{
    const double *table = first <= 3 ? from_3 : from_4;
    int begin = first <= 3 ? 3 : 4;
    int n = first <= 3 ? (int)ARRAY_LEN(from_3) : (int)ARRAY_LEN(from_4);
    int i = last <= first ? 0 : last - begin;
    return table[i < 0 ? 0 : i >= n ? n - 1 : i];
}

void looks_interval(const double *a, int na, const double *b, int nb, double level,
                    const struct looks_prior *prior, struct looks_interval *out)
{
    *out = (struct looks_interval){NAN, NAN, NAN, 0, NAN};
    if (na < 1 || nb < 1)
        return;
    out->d = stats_mean(b, nb) - stats_mean(a, na);
    double own_df = na + nb - 2;
    double squares = stats_squares(a, na) + stats_squares(b, nb);
    double prior_df = prior->df > 0 && prior->sd > 0 ? fmin(prior->df, prior_df_max) : 0;
    out->df = own_df + prior_df;
    if ((na < 2 || nb < 2) && prior_df == 0)
        return;
    double pooled = sqrt((squares + prior_df * prior->sd * prior->sd) / out->df);
    /* these runs' own deviation where it is the larger one: the machine has become restless */
    double own = own_df > 0 ? sqrt(squares / own_df) : 0;
    out->sd = fmax(least_sd, fmax(pooled, own));
    double se = out->sd * sqrt(1.0 / na + 1.0 / nb);
    double quantile = stats_t(1 - level / 2, out->df);
    out->half = quantile * se;
    out->detectable = (quantile + stats_t(0.80, out->df)) * se;
}

double looks_in_sight(const struct looks_interval *i, int na, int nb)
{
    return stats_t(0.90, i->df) * i->sd * sqrt(1.0 / na + 1.0 / nb);
}
