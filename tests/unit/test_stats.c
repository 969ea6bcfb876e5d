/* The statistics, and by simulation that the interval covers what it says with as few runs as
 * are made. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pgd/runner/stats.h"

static uint64_t state;

static double uniform(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979 * uniform());
}

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.6f is not %.6f", got, want);
}

static void test_moments(void **s)
{
    (void)s;
    double x[] = {4, 8, 6, 2};
    near(stats_mean(x, 4), 5, 1e-12);
    near(stats_sd(x, 4), sqrt(20.0 / 3), 1e-12);
    near(stats_median(x, 4), 5, 1e-12);
    near(stats_median(x, 3), 6, 1e-12);
    near(x[0], 4, 0);
    assert_true(isnan(stats_sd(x, 1)));
    assert_true(isnan(stats_mean(x, 0)));
    assert_true(isnan(stats_median(x, 0)));
}

static void test_quantiles(void **s)
{
    (void)s;
    near(stats_t975(1), 12.706, 0.001);
    near(stats_t975(4), 2.776, 0.001);
    near(stats_t975(10), 2.228, 0.001);
    near(stats_t975(40), 2.021, 0.001);
    near(stats_t975(120), 1.980, 0.001);
    near(stats_t975(1e9), 1.960, 0.001);
    assert_true(isnan(stats_t975(0.5)));
    assert_true(isnan(stats_t975(NAN)));
    for (double df = 1; df < 200; df += 0.25) /* never rises */
        assert_true(stats_t975(df + 0.25) <= stats_t975(df) + 1e-4);
}

static void test_t(void **s)
{
    (void)s;
    for (int df = 1; df <= 30; df++)
        near(stats_t(0.975, df), stats_t975(df), 1e-4);
    near(stats_t(0.9, 5), 1.4759, 1e-4); /* tables of the distribution */
    near(stats_t(0.995, 10), 3.1693, 1e-4);
    near(stats_t(0.025, 4), -2.7764, 1e-4);
    near(stats_t(0.98885, 1e7), 2.2857, 1e-3);
    near(stats_t(0.5, 3), 0, 0);
    assert_true(isnan(stats_t(0, 3)) && isnan(stats_t(1, 3)) && isnan(stats_t(0.9, 0)));
    double lo, hi;
    stats_share(20, 400, &lo, &hi);
    near(lo, 0.0308, 1e-4);
    near(hi, 0.0762, 1e-4);
    stats_share(0, 20, &lo, &hi);
    near(lo, 0, 0);
    near(hi, 0.1684, 1e-4);
    stats_share(20, 20, &lo, &hi);
    near(lo, 0.8316, 1e-4);
    near(hi, 1, 0);
}

static void test_ratio(void **s)
{
    (void)s;
    double a[] = {100, 102, 98, 100};
    double b[] = {120, 121, 119, 120};
    double ratio, lo, hi;
    stats_ratio(a, 4, b, 4, &ratio, &lo, &hi);
    near(ratio, 1.2, 0.001);
    near(lo, 1.1741, 0.0005);
    near(hi, 1.2263, 0.0005);
    double back, back_lo, back_hi;
    stats_ratio(b, 4, a, 4, &back, &back_lo, &back_hi);
    near(back, 1 / ratio, 1e-12); /* the same claim seen from the other side */
    near(back_lo, 1 / hi, 1e-12);
    stats_ratio(a, 1, b, 1, &ratio, &lo, &hi);
    near(ratio, 1.2, 1e-9);
    assert_true(isnan(lo) && isnan(hi));
    a[1] = 0;
    stats_ratio(a, 4, b, 4, &ratio, &lo, &hi);
    assert_true(isnan(ratio) && isnan(lo));
    stats_ratio(a, 0, b, 4, &ratio, &lo, &hi);
    assert_true(isnan(ratio));
}

static void test_detectable(void **s)
{
    (void)s;
    near(stats_detectable(0.01, 3, 3), exp(2.7764 * 0.01 * sqrt(2.0 / 3)) - 1, 1e-6);
    assert_true(stats_detectable(0.01, 6, 6) < stats_detectable(0.01, 3, 3));
    assert_true(isnan(stats_detectable(0.01, 1, 1)));
}

/* Of 10,000 pairs whose true ratio is 1.07, how many intervals hold it; and how many A/A pairs
 * look different. */
static void simulate(int n, double sd)
{
    const int trials = 10000;
    int covered = 0;
    int differ = 0;
    for (int t = 0; t < trials; t++) {
        double a[8];
        double b[8];
        double c[8];
        for (int i = 0; i < n; i++) {
            a[i] = 1000 * exp(sd * normal());
            b[i] = 1070 * exp(sd * normal());
            c[i] = 1000 * exp(sd * normal());
        }
        double ratio, lo, hi;
        stats_ratio(a, n, b, n, &ratio, &lo, &hi);
        covered += lo <= 1.07 && 1.07 <= hi;
        stats_ratio(a, n, c, n, &ratio, &lo, &hi);
        differ += lo > 1 || hi < 1;
    }
    print_message("%d against %d: coverage %.2f %%, A/A called different %.2f %%\n", n, n,
                  100.0 * covered / trials, 100.0 * differ / trials);
    assert_true(covered >= trials * 94 / 100);
    assert_true(differ <= trials * 6 / 100);
}

static void test_coverage(void **s)
{
    (void)s;
    state = 20260102;
    simulate(3, 0.03);
    simulate(4, 0.03);
    simulate(6, 0.10);
}

/* Seconds that follow each other: an interval from independent seconds would be far too narrow. */
static void within(int n, double follow, int bar)
{
    const int trials = 2000;
    int covered = 0;
    double width = 0;
    for (int t = 0; t < trials; t++) {
        float x[64];
        double mean, lo, hi, at = normal() / sqrt(1 - follow * follow);
        for (int i = 0; i < n; i++) {
            at = follow * at + normal();
            x[i] = (float)(1000 + 30 * at);
        }
        stats_within_run(x, n, (uint64_t)t, &mean, &lo, &hi);
        covered += lo <= 1000 && 1000 <= hi;
        width += (hi - lo) / trials;
    }
    print_message(
        "%d seconds, correlation %.1f: the interval of one run holds its mean in %.1f %%, width "
        "%.0f of 1000\n",
        n, follow, 100.0 * covered / trials, width);
    assert_true(covered * 100 >= trials * bar);
}

static void test_within_run(void **s)
{
    (void)s;
    state = 7;
    within(10, 0, 92);
    within(20, 0, 92);
    within(10, 0.3, 85);
    within(20, 0.3, 88);
    within(60, 0.5, 85);
    float x[] = {5, 100, 102, 98, 100, 101, 99, 100, 3}, few[] = {1, 2, 3};
    double mean, lo, hi, again;
    stats_within_run(x, 9, 1, &mean, &lo, &hi); /* the torn seconds at both ends are out */
    near(mean, 100, 1e-6);
    assert_true(lo > 97 && hi < 103 && lo < 100 && hi > 100);
    stats_within_run(x, 9, 1, &mean, &again, &hi);
    near(again, lo, 0);
    stats_within_run(few, 3, 1, &mean, &lo, &hi);
    assert_true(mean == 2 && isnan(lo) && isnan(hi));
    stats_within_run(few, 0, 1, &mean, &lo, &hi);
    assert_true(isnan(mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),    cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_t),          cmocka_unit_test(test_ratio),
        cmocka_unit_test(test_detectable), cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_within_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
