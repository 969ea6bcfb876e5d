/* Statistics over whole runs. Seconds within a run follow each other and tell less than they
 * seem to, so a run is one observation; throughput varies by factors, so it is compared on the
 * logarithm. */
#include "pgd/runner/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"

double stats_mean(const double *x, int n)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i];
    return n > 0 ? sum / n : NAN;
}

double stats_squares(const double *x, int n)
{
    double mean = stats_mean(x, n);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

double stats_sd(const double *x, int n)
{
    return n >= 2 ? sqrt(stats_squares(x, n) / (n - 1)) : NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

double stats_median(const double *x, int n)
{
    if (n <= 0)
        return NAN;
    double *sorted = xmalloc((size_t)n * sizeof *sorted);
    memcpy(sorted, x, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, by_value);
    double median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
    free(sorted);
    return median;
}

/* Exact for whole degrees up to 30, where runs are; between two of them and above, the expansion
 * around the normal quantile (Abramowitz and Stegun 26.7.5), good to four digits from 5 degrees
 * on. */
double stats_t975(double df)
{
    static const double table[] = {12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060,
                                   2.2622,  2.2281, 2.2010, 2.1788, 2.1604, 2.1448, 2.1314, 2.1199,
                                   2.1098,  2.1009, 2.0930, 2.0860, 2.0796, 2.0739, 2.0687, 2.0639,
                                   2.0595,  2.0555, 2.0518, 2.0484, 2.0452, 2.0423};
    if (!(df >= 1))
        return NAN;
    if (df <= (double)ARRAY_LEN(table) && df == floor(df))
        return table[(size_t)df - 1];
    if (df < 5) { /* between two rows, straight in 1/df */
        double lo = floor(df);
        double share = (1 / lo - 1 / df) / (1 / lo - 1 / (lo + 1));
        return table[(size_t)lo - 1] + share * (table[(size_t)lo] - table[(size_t)lo - 1]);
    }
    double z = 1.959963985;
    double z3 = z * z * z;
    double z5 = z3 * z * z;
    double z7 = z5 * z * z;
    return z + (z3 + z) / (4 * df) + (5 * z5 + 16 * z3 + 3 * z) / (96 * df * df) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * df * df * df);
}

/* The regularized incomplete beta function I_x(a, b) by its continued fraction (Abramowitz and Stegun 26.5.8), evaluated
 * from the front as Lentz did; good to twelve digits for what is asked here. */
static double beta_fraction(double a, double b, double x)
{
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    const double tiny = 1e-300;
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m <= 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        for (int step = 0; step < 2; step++) {
            double k = step == 0 ? even : odd;
            d = 1 + k * d;
            c = 1 + k / c;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = fabs(c) < tiny ? tiny : c;
            f *= c * d;
        }
        if (fabs(c * d - 1) < 1e-13)
            break;
    }
    return f;
}

static double beta_share(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
                                     : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

static double beta_quantile(double p, double a, double b)
{
    double lo = 0, hi = 1;
    for (int i = 0; i < 100; i++) {
        double mid = (lo + hi) / 2;
        if (beta_share(a, b, mid) < p)
            lo = mid;
        else
            hi = mid;
    }
    return (lo + hi) / 2;
}

double stats_t(double p, double df)
{
    if (!(p > 0 && p < 1 && df > 0))
        return NAN;
    if (p == 0.5)
        return 0;
    double tail = 2 * fmin(p, 1 - p);
    double x = beta_quantile(tail, df / 2, 0.5); /* = df / (df + t^2) */
    double t = sqrt(df * (1 - x) / x);
    return p > 0.5 ? t : -t;
}

void stats_share(int k, int n, double *lo, double *hi)
{
    *lo = k <= 0 ? 0 : beta_quantile(0.025, k, n - k + 1);
    *hi = k >= n ? 1 : beta_quantile(0.975, k + 1, n - k);
}

static bool logs_of(const double *x, int n, double *out)
{
    for (int i = 0; i < n; i++) {
        if (!(x[i] > 0) || !isfinite(x[i]))
            return false;
        out[i] = log(x[i]);
    }
    return true;
}

/* With three or four runs an arm the pooled t interval is the one whose coverage holds;
 * percentile bootstraps of so few values are far too narrow. */
void stats_ratio(const double *a, int na, const double *b, int nb, double *ratio, double *lo,
                 double *hi)
{
    *ratio = *lo = *hi = NAN;
    if (na < 1 || nb < 1)
        return;
    double *logs = xmalloc((size_t)(na + nb) * sizeof *logs);
    if (logs_of(a, na, logs) && logs_of(b, nb, logs + na)) {
        double d = stats_mean(logs + na, nb) - stats_mean(logs, na);
        *ratio = exp(d);
        int df = na + nb - 2;
        if (na >= 2 && nb >= 2) {
            double pooled = sqrt((stats_squares(logs, na) + stats_squares(logs + na, nb)) / df);
            double half = stats_t975(df) * pooled * sqrt(1.0 / na + 1.0 / nb);
            *lo = exp(d - half);
            *hi = exp(d + half);
        }
    }
    free(logs);
}

double stats_detectable(double sd_log, int na, int nb)
{
    if (na < 1 || nb < 1 || na + nb < 3)
        return NAN;
    return exp(stats_t975(na + nb - 2) * sd_log * sqrt(1.0 / na + 1.0 / nb)) - 1;
}

/* ---- within one run ---- */

enum { WITHIN_LEAST = 6, RESAMPLES = 999 };

static uint32_t draw(uint64_t *state, uint32_t below)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((*state >> 33) % below);
}

/* Kuensch 1989: blocks that overlap, about the cube root of n long (Hall, Horowitz and Jing 1995), two at least. A mean of
 * n/length blocks varies a little less than the truth, since deviations are taken from the series' own mean: widened by
 * sqrt(k / (k - 1)), and by t over the normal quantile, k being the number of blocks. */
void stats_within_run(const float *series, int n, uint64_t seed, double *mean, double *lo,
                      double *hi)
{
    double means[RESAMPLES];
    *mean = *lo = *hi = NAN;
    if (n >= WITHIN_LEAST + 2) {
        series++;
        n -= 2;
    }
    if (n < 1)
        return;
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += series[i];
    *mean = sum / n;
    if (n < WITHIN_LEAST)
        return;
    int length = (int)ceil(cbrt(n));
    int blocks = (n + length - 1) / length;
    for (int r = 0; r < RESAMPLES; r++) {
        means[r] = 0;
        for (int b = 0, taken = 0; b < blocks; b++) {
            int from = (int)draw(&seed, (uint32_t)(n - length + 1));
            for (int i = 0; i < length && taken < n; i++, taken++)
                means[r] += series[from + i] / (double)n;
        }
    }
    double wider = blocks > 1
                       ? sqrt((double)blocks / (blocks - 1)) * stats_t(0.975, blocks - 1) / 1.96
                       : NAN;
    double half = stats_sd(means, RESAMPLES) * 1.96 * wider;
    *lo = *mean - half;
    *hi = *mean + half;
}
