/* The rings of a metric: gaps, order, minutes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/metrics.h"

static void newest_and_last(void **state)
{
    (void)state;
    struct series *s = xcalloc(1, sizeof *s);
    double out[SERIES_SECONDS + 10];
    assert_true(isnan(series_newest(s)));
    assert_int_equal(series_last(s, 5, out), 0);
    series_add(s, 1);
    series_add(s, NAN);
    series_add(s, 3);
    assert_true(series_newest(s) == 3);
    assert_int_equal(series_last(s, 5, out), 3);
    assert_true(out[0] == 1 && isnan(out[1]) && out[2] == 3);
    assert_int_equal(series_last(s, 2, out), 2);
    assert_true(isnan(out[0]) && out[1] == 3);
    assert_int_equal(series_last(s, -1, out), 0);
    for (int i = 0; i < 2000; i++)
        series_add(s, i);
    assert_int_equal(series_last(s, SERIES_SECONDS + 10, out), SERIES_SECONDS);
    assert_true(out[0] == 2000 - SERIES_SECONDS);
    assert_true(out[SERIES_SECONDS - 1] == 1999);
    free(s);
}

static void minutes(void **state)
{
    (void)state;
    struct series *s = xcalloc(1, sizeof *s);
    for (int i = 0; i < 59; i++)
        series_add(s, i);
    assert_int_equal(s->minute_count, 0);
    series_add(s, 59);
    assert_int_equal(s->minute_count, 1);
    assert_true(s->minute[0].min == 0 && s->minute[0].max == 59 && s->minute[0].mean == 29.5F);
    /* Half a minute of gaps counts for nothing, a whole one is a gap. */
    for (int i = 0; i < 60; i++)
        series_add(s, i < 30 ? NAN : -4);
    assert_true(s->minute[1].min == -4 && s->minute[1].max == -4 && s->minute[1].mean == -4);
    for (int i = 0; i < 60; i++)
        series_add(s, NAN);
    assert_true(isnan(s->minute[2].min) && isnan(s->minute[2].max) && isnan(s->minute[2].mean));
    for (int i = 0; i < 60 * SERIES_MINUTES; i++)
        series_add(s, 7);
    assert_int_equal(s->minute_count, SERIES_MINUTES);
    assert_true(s->minute[2].mean == 7);
    free(s);
}

static void every_metric_has_a_row(void **state)
{
    (void)state;
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric *m = metric_info((enum metric_id)i);
        assert_non_null(m->name);
        assert_non_null(m->label);
        assert_non_null(m->unit);
        assert_non_null(m->help);
        assert_true(strlen(m->help) > 10 && m->help[strlen(m->help) - 1] == '.');
        for (int k = 0; k < i; k++)
            assert_string_not_equal(m->name, metric_info((enum metric_id)k)->name);
    }
    assert_string_equal(metric_info(METRIC_TPS)->label, "xacts");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_and_last),
        cmocka_unit_test(minutes),
        cmocka_unit_test(every_metric_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
