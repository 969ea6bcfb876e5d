/* Windows of every day: their text, and what is left of them at any time of day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "pgd/base/daytime.h"

/* 2026-01-02 at that time, in the zone of the test. */
static int64_t at(int h, int m, int s)
{
    struct tm tm = {
        .tm_year = 126, .tm_mon = 0, .tm_mday = 2, .tm_hour = h, .tm_min = m, .tm_sec = s};
    return (int64_t)mktime(&tm) * 1000000;
}

static void test_text(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "22:00",       "22:00-",      "2:00-03:00",   "22:00-24:00", "22:61-23:00",
        "aa:00-b", "22:00 23:00", "22:00-22:00", "22:00-23:00x", "-1:00-02:00", "22.00-23.00"};
    struct daytime_window w;
    struct err e;
    char text[DAYTIME_TEXT_MAX];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(daytime_parse(bad[i], &w, &e));
        assert_int_equal(e.code, ERR_USAGE);
        assert_true(e.hint[0]);
    }
    assert_true(daytime_parse("22:00-04:30", &w, &e));
    daytime_text(&w, text, sizeof text);
    assert_string_equal(text, "22:00-04:30");
    struct daytime_window none = {0};
    daytime_text(&none, text, sizeof text);
    assert_string_equal(text, "");
    assert_false(daytime_same(&w, &none));
    assert_true(daytime_same(&w, &w));
}

static void left(const char *window, int h, int m, int s, double want, double next)
{
    struct daytime_window w;
    struct err e;
    assert_true(daytime_parse(window, &w, &e));
    assert_float_equal(daytime_left_s(&w, at(h, m, s)), want, 0.5);
    assert_float_equal(daytime_next_s(&w, at(h, m, s)), next, 0.5);
}

static void test_left(void **state)
{
    (void)state;
    left("01:00-02:00", 0, 59, 59, 0, 1);
    left("01:00-02:00", 1, 0, 0, 3600, 86400);
    left("01:00-02:00", 1, 59, 59, 1, 86400 - 3599);
    left("01:00-02:00", 2, 0, 0, 0, 86400 - 3600);
    left("22:00-04:30", 23, 30, 0, 5 * 3600, 22.5 * 3600);
    left("22:00-04:30", 0, 0, 0, 4.5 * 3600, 22 * 3600);
    left("22:00-04:30", 4, 30, 0, 0, 17.5 * 3600);
    left("00:00-23:59", 23, 59, 0, 0, 60);
    struct daytime_window none = {0};
    assert_true(daytime_left_s(&none, at(3, 0, 0)) > 1e6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_text), cmocka_unit_test(test_left)};
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
