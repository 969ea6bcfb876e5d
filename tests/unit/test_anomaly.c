/* Deviations: a spike and a change of level are told once each; noise, a short past and what is ours are not. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "pgd/telemetry/anomaly.h"

struct world {
    struct series series[METRIC_COUNT];
    struct anomaly_watch w;
    int64_t now_us;
    unsigned seed;
    int told;
};

static struct world *world_new(void)
{
    struct world *x = calloc(1, sizeof *x);
    assert_non_null(x);
    x->seed = 7;
    return x;
}

/* About normal, mean 0, deviation 1: the sum of twelve uniform numbers. */
static double noise(struct world *x)
{
    double sum = -6;
    for (int i = 0; i < 12; i++) {
        x->seed = x->seed * 1664525U + 1013904223U;
        sum += (double)(x->seed >> 8) / 16777216.0;
    }
    return sum;
}

/* seconds with TPS around level; everything else holds still. Returns the bits that were told. */
static uint32_t run(struct world *x, int seconds, double level, double deviation)
{
    uint32_t all = 0;
    for (int s = 0; s < seconds; s++) {
        x->now_us += 1000000;
        for (int i = 0; i < METRIC_COUNT; i++)
            series_add(&x->series[i], i == METRIC_TPS ? level + deviation * noise(x) : 10);
        uint32_t told = anomaly_tick(&x->w, x->series, x->now_us);
        x->told += told != 0;
        all |= told;
    }
    return all;
}

static void noise_is_no_anomaly(void **state)
{
    (void)state;
    struct world *x = world_new();
    assert_int_equal(run(x, 6 * 3600, 1000, 50), 0);
    free(x);
}

static void a_spike_is_told_once_and_ends(void **state)
{
    (void)state;
    struct world *x = world_new();
    run(x, 200, 1000, 20);
    assert_int_equal(run(x, 8, 200, 20), 1U << METRIC_TPS);
    assert_int_equal(x->told, 1);
    const struct deviation *d = &x->w.of[METRIC_TPS].now;
    assert_true(d->open && !d->shift);
    assert_true(fabs(d->usual - 1000) < 20 && d->seen < 300 && d->score > ANOMALY_SCORE);
    assert_int_equal(run(x, 60, 1000, 20), 0);
    assert_false(d->open);
    assert_true(d->until_us > d->from_us && d->until_us - d->from_us < 15000000);
    free(x);
}

static void a_change_of_level_becomes_usual(void **state)
{
    (void)state;
    struct world *x = world_new();
    run(x, 200, 1000, 20);
    assert_int_equal(run(x, 40, 2000, 20), 1U << METRIC_TPS);
    assert_int_equal(x->told, 2); /* it began, and it is one of level */
    assert_true(x->w.of[METRIC_TPS].now.shift);
    assert_true(fabs(x->w.of[METRIC_TPS].now.seen - 2000) < 30);
    assert_int_equal(run(x, 600, 2000, 20), 0);
    free(x);
}

static void a_short_past_and_our_own_doings_are_silent(void **state)
{
    (void)state;
    struct world *x = world_new();
    run(x, ANOMALY_POINTS - 10, 1000, 20);
    assert_int_equal(run(x, 5, 100, 1), 0);
    run(x, 300, 1000, 20);
    anomaly_ours(&x->w, x->now_us);
    assert_int_equal(run(x, 300, 5000, 50), 0); /* our own run */
    assert_int_equal(run(x, 8, 100, 1), 1U << METRIC_TPS);
    free(x);
}

static void gaps_and_still_series_are_silent(void **state)
{
    (void)state;
    struct world *x = world_new();
    run(x, 200, 1000, 0);
    for (int i = 0; i < 30; i++) {
        x->now_us += 1000000;
        for (int k = 0; k < METRIC_COUNT; k++)
            series_add(&x->series[k], NAN);
        assert_int_equal(anomaly_tick(&x->w, x->series, x->now_us), 0);
    }
    assert_int_equal(run(x, 100, 1020, 0), 0); /* 2 %: nobody calls that a change */
    assert_int_equal(run(x, 2, 9000, 0), 0);   /* two seconds are no event yet */
    assert_int_equal(run(x, 30, 1020, 0), 0);
    free(x);
}

/* The bar: 0.5 % of a processor at a second; this is 2 % of that, with room for a debug build. */
static void a_tick_is_cheap(void **state)
{
    (void)state;
    struct world *x = world_new();
    run(x, 400, 1000, 50);
    clock_t t = clock();
    for (int i = 0; i < 1000; i++)
        anomaly_tick(&x->w, x->series, x->now_us += 1000000);
    double us = (double)(clock() - t) / CLOCKS_PER_SEC * 1e6 / 1000;
    print_message("a tick takes %.1f us\n", us);
    assert_true(us < 1000);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_no_anomaly),
        cmocka_unit_test(a_spike_is_told_once_and_ends),
        cmocka_unit_test(a_change_of_level_becomes_usual),
        cmocka_unit_test(a_short_past_and_our_own_doings_are_silent),
        cmocka_unit_test(gaps_and_still_series_are_silent),
        cmocka_unit_test(a_tick_is_cheap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
