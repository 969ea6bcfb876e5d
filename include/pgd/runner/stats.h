/* stats.h - run-level statistics: means, the t interval of a ratio, and the quantiles that these need. */
#pragma once

#include "pgd/protocol/records.h"

double stats_mean(const double *x, int n);
double stats_sd(const double *x, int n); /* sample standard deviation; NAN below 2 */
double stats_median(const double *x, int n);
double stats_squares(const double *x, int n); /* sum of squared deviations from the mean */
double stats_t975(double df);                 /* two-sided 95 % quantile of Student's t */
/* Quantile of Student's t: P(T <= stats_t(p, df)) = p, 0 < p < 1, df > 0; NAN otherwise. */
double stats_t(double p, double df);
/* Exact 95 % bounds of a share of which k of n were counted (Clopper and Pearson). */
void stats_share(int k, int n, double *lo, double *hi);
/* Ratio b over a with its 95 % interval: pooled t on the logarithms of the runs. The interval is
 * NAN below two runs an arm; all three are NAN when a run is not a positive number. */
void stats_ratio(const double *a, int na, const double *b, int nb, double *ratio, double *lo,
                 double *hi);
/* The smallest gain that na + nb runs with this standard deviation can show, as a ratio - 1. */
double stats_detectable(double sd_log, int na, int nb);
/* The mean of a series of seconds of one run with a 95 % interval by a moving-block bootstrap: seconds follow each other, so
 * whole blocks are drawn. It is conditional on that run: it says how steady the run was, not how far another run of the
 * same configuration would lie. The first and the last second are left out where there are enough, being torn. NAN below
 * 6 seconds (the interval), or none (the mean). seed: the same series and seed give the same interval. */
void stats_within_run(const float *series, int n, uint64_t seed, double *mean, double *lo,
                      double *hi);
