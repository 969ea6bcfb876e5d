/* The clock of another machine, over links that delay either way as they like. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "pgd/telemetry/hostclock.h"

static uint64_t state = 88172645463325252u;

static int64_t random_below(int64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int64_t)(state % (uint64_t)n);
}

/* Asks at `now`; the way there takes `there`, the way back `back`. */
static int64_t ask(struct hostclock *k, int64_t now, int64_t there, int64_t back, int64_t offset,
                   int64_t resolution)
{
    int64_t host = now + there + offset;
    hostclock_add(k, now, now + there + back, host / resolution * resolution, resolution);
    return there + back;
}

static void right_within_half_of_the_delay(void **unused)
{
    (void)unused;
    for (int round = 0; round < 2000; round++) {
        struct hostclock k = {0};
        const int64_t offset = random_below(20000000) - 10000000, most = 1 + random_below(4000000);
        const int64_t resolution = round % 3 == 0 ? 1000000 : 1;
        int64_t smallest = INT64_MAX, now = 1700000000000000 + random_below(1000000);
        for (int i = 0; i < 40; i++, now += 1000000) {
            int64_t delay = ask(&k, now, random_below(most), random_below(most), offset,
                                resolution);
            if (i >= 40 - HOSTCLOCK_WINDOW && delay < smallest)
                smallest = delay;
            assert_true(k.known);
            assert_in_range(llabs(k.offset_us - offset), 0, k.error_us);
        }
        assert_int_equal(k.delay_us, smallest);
        /* what the drift of 40 s may hide comes on top */
        assert_in_range(k.error_us, 0, (smallest + resolution) / 2 + 40 * 200 + 1);
        assert_int_equal(k.set, 0);
        assert_int_equal(hostclock_ours(&k, 5000000 + k.offset_us), 5000000);
    }
}

static void a_lopsided_link_is_told_by_its_error(void **unused)
{
    struct hostclock k = {0};
    (void)unused;
    /* All the delay is on the way back: nobody can see that, and the error says so. */
    for (int i = 0; i < 10; i++)
        ask(&k, 1000000 * (i + 1), 0, 800000, 300000, 1);
    assert_in_range(llabs(k.offset_us - 300000), 390000, 410000);
    assert_in_range(k.error_us, 400000, 402000);
    /* One quick answer is enough. */
    ask(&k, 20000000, 500, 500, 300000, 1);
    assert_in_range(llabs(k.offset_us - 300000), 0, 600);
}

static void a_clock_that_is_set_is_followed(void **unused)
{
    struct hostclock k = {0};
    (void)unused;
    for (int i = 0; i < 20; i++)
        ask(&k, 1000000000 + 1000000 * i, 1000, 1000, 0, 1);
    ask(&k, 1020000000, 3000, 1000, 3600000000, 1);
    assert_int_equal(k.set, 1);
    assert_in_range(llabs(k.offset_us - 3600000000), 0, 2000);
    assert_int_equal(k.delay_us, 4000);
    ask(&k, 1021000000, 1000, 1000, 3600000000, 1);
    assert_int_equal(k.set, 1);
    assert_int_equal(k.n, 2);
}

static void drift_is_followed(void **unused)
{
    struct hostclock k = {0};
    (void)unused;
    for (int64_t s = 0; s < 3600; s++) {
        int64_t offset = s * 100; /* 100 parts in a million */
        ask(&k, 1000000000 + s * 1000000, 1000, 1000, offset, 1);
        assert_in_range(llabs(k.offset_us - offset), 0, k.error_us);
        assert_in_range(k.error_us, 0, 8000);
    }
    assert_int_equal(k.set, 0);
}

static void nonsense_is_not_taken(void **unused)
{
    struct hostclock k = {0};
    (void)unused;
    hostclock_add(&k, 10, 5, 7, 1);
    hostclock_add(&k, 10, 20, -1, 1);
    hostclock_add(&k, 10, 20, INT64_MAX, 1);
    hostclock_add(&k, -5, 20, 7, 1);
    assert_false(k.known);
    assert_int_equal(hostclock_ours(&k, 42), 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_within_half_of_the_delay),
        cmocka_unit_test(a_lopsided_link_is_told_by_its_error),
        cmocka_unit_test(a_clock_that_is_set_is_followed),
        cmocka_unit_test(drift_is_followed),
        cmocka_unit_test(nonsense_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
