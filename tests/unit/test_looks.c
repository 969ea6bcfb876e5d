/* The price of looking again and again: the levels are simulated anew, and so is what an interval covers at each look. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pgd/runner/looks.h"
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

/* How often one of the looks at a sum of normal deviates calls a difference where there is none. */
static double error_of(int first, int last, double level)
{
    const int trials = 20000;
    int wrong = 0;
    double bar = stats_t(1 - level / 2, 1e6);
    for (int t = 0; t < trials; t++) {
        double sum = 0;
        bool hit = false;
        for (int n = 1; n <= last; n++) {
            sum += normal();
            hit = hit || (n >= first && fabs(sum) > bar * sqrt(n));
        }
        wrong += hit;
    }
    return 100.0 * wrong / trials;
}

static void test_levels(void **s)
{
    (void)s;
    state = 11;
    for (int first = 3; first <= 6; first++)
        for (int last = first; last <= 16; last += last < 6 ? 1 : 5) {
            double error = error_of(first, last, looks_level(first, last));
            print_message("looks from %d to %d runs an arm: %.2f %%\n", first, last, error);
            assert_true(error <= 5.6);
            assert_true(error >= (first <= 4 ? 4.4 : 2));
        }
    assert_true(looks_level(3, 3) == 0.05 && looks_level(3, 2) == 0.05);
    assert_true(looks_level(3, 99) == looks_level(3, 16));
}

/* Student's t, with as few runs as are made: all looks of one experiment together, and each alone. */
static void coverage(int first, int last, double sd, double prior_of_sd, double prior_df)
{
    const int trials = 10000;
    int all = 0, at[17] = {0};
    for (int t = 0; t < trials; t++) {
        double a[16], b[16];
        bool held = true;
        struct looks_prior prior = {0, prior_df};
        for (int i = 0; i < (int)prior_df; i++) { /* drawn anew: it is an estimate, too */
            double z = prior_of_sd * sd * normal();
            prior.sd += z * z / prior_df;
        }
        prior.sd = sqrt(prior.sd);
        for (int n = 1; n <= last; n++) {
            struct looks_interval i;
            a[n - 1] = sd * normal();
            b[n - 1] = log(1.07) + sd * normal();
            if (n < first)
                continue;
            looks_interval(a, n, b, n, looks_level(first, last), &prior, &i);
            bool in = fabs(i.d - log(1.07)) <= i.half;
            at[n] += in;
            held = held && in;
        }
        all += held;
    }
    print_message("%d to %d runs an arm, sd %.0f %%, prior %s: all looks %.2f %%, each alone",
                  first, last, 100 * sd,
                  prior_df == 0      ? "none"
                  : prior_of_sd == 1 ? "right"
                                     : "half of the truth",
                  100.0 * all / trials);
    for (int n = first; n <= last; n++)
        print_message(" %.1f", 100.0 * at[n] / trials);
    print_message("\n");
    bool fair = prior_df == 0 || prior_of_sd == 1;
    assert_true(all * 100 >= trials * (fair ? 94 : 90));
    for (int n = first; n <= last; n++)
        assert_true(at[n] * 100 >= trials * (fair ? 94 : 90));
}

static void test_coverage(void **s)
{
    (void)s;
    state = 12;
    coverage(3, 3, 0.03, 1, 0);
    coverage(3, 6, 0.03, 1, 0);
    coverage(4, 6, 0.03, 1, 0);
    coverage(3, 6, 0.10, 1, 0);
    coverage(3, 3, 0.03, 1, 3);
    coverage(3, 6, 0.03, 1, 3);
    coverage(3, 6, 0.03, 1, 6);
    coverage(3, 6, 0.03, 0.5, 3); /* the baseline was measured in a quieter hour */
}

static void test_edges(void **s)
{
    (void)s;
    struct looks_interval i;
    struct looks_prior none = {0, 0}, known = {0.02, 3};
    double a[] = {0.0, 0.01}, b[] = {0.1, 0.11};
    looks_interval(a, 0, b, 2, 0.05, &none, &i);
    assert_true(isnan(i.d) && isnan(i.half) && isnan(i.detectable));
    looks_interval(a, 1, b, 1, 0.05, &none, &i);
    assert_true(fabs(i.d - 0.1) < 1e-12 && isnan(i.half));
    looks_interval(a, 1, b, 1, 0.05, &known, &i);
    assert_true(fabs(i.half - 3.1824 * 0.02 * sqrt(2)) < 1e-4);
    looks_interval(a, 2, b, 2, 0.05, &known, &i);
    assert_true(i.df == 5 && i.detectable > i.half);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_edges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
