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

static double squares(const double *x, int n)
{
    double mean = stats_mean(x, n);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

double stats_sd(const double *x, int n)
{
    return n >= 2 ? sqrt(squares(x, n) / (n - 1)) : NAN;
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
            double pooled = sqrt((squares(logs, na) + squares(logs + na, nb)) / df);
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
