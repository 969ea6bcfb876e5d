/* Calendar time of given instants in given zones, daylight saving included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "pgd/base/clock.h"

static void zone(const char *tz)
{
    setenv("TZ", tz, 1);
    tzset();
}

static void formats(void **state)
{
    (void)state;
    char s[64];
    int64_t t = INT64_C(1767330510) * 1000000 + 999999; /* 2026-01-02 05:08:30 UTC */
    zone("UTC0");
    clock_session_stamp(t, s, sizeof s);
    assert_string_equal(s, "01022026-050830");
    clock_iso(t, s, sizeof s);
    assert_string_equal(s, "2026-01-02T05:08:30+00:00");
    clock_hms(t, s, sizeof s);
    assert_string_equal(s, "05:08:30");
    zone("CET-1CEST,M3.5.0,M10.5.0/3");
    clock_iso(t, s, sizeof s);
    assert_string_equal(s, "2026-01-02T06:08:30+01:00");
    clock_iso(INT64_C(1782885600) * 1000000, s, sizeof s);
    assert_string_equal(s, "2026-07-01T08:00:00+02:00");
    zone("NST3:30");
    clock_iso(t, s, sizeof s);
    assert_string_equal(s, "2026-01-02T01:38:30-03:30");
}

static void borders(void **state)
{
    (void)state;
    char s[64];
    zone("UTC0");
    clock_iso(0, s, sizeof s);
    assert_string_equal(s, "1970-01-01T00:00:00+00:00");
    clock_iso(-1, s, sizeof s);
    assert_string_equal(s, "1969-12-31T23:59:59+00:00");
    clock_iso(-1000000, s, sizeof s);
    assert_string_equal(s, "1969-12-31T23:59:59+00:00");
    clock_iso(INT64_MAX, s, sizeof s);
    assert_true(strlen(s) < sizeof s);
    clock_iso(0, s, 5);
    assert_string_equal(s, "1970");
    clock_hms(0, s, 4);
    assert_string_equal(s, "");
    s[0] = 'k';
    clock_iso(0, s, 0);
    clock_hms(0, s, 0);
    assert_int_equal(s[0], 'k');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(borders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
