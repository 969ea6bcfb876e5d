/* The verdicts on recorded runs of real servers, in the small; the whole table is printed by tests/bench/evidence_power. */
#include "recorded.h"

#include <cmocka.h>

#include "pgd/runner/stats.h"

static struct recorded *all;
static int nseries;

static int load(void **s)
{
    (void)s;
    char path[4096];
    const char *top = getenv("PGD_SOURCE_DIR");
    snprintf(path, sizeof path, "%s/tests/bench/recorded/shared-2cpu-3s.csv", top ? top : ".");
    all = recorded_load(path, &nseries);
    return all && nseries == 3 ? 0 : -1;
}

static int unload(void **s)
{
    (void)s;
    free(all);
    return 0;
}

static struct recorded_tally tally(double sd, double effect, enum goal_kind goal)
{
    struct recorded_tally t = {0};
    for (int i = 0; i < nseries; i++)
        recorded_tally(&t, &all[i], 3, 2, sd, effect, goal, 6);
    assert_true(t.sessions >= 400);
    return t;
}

/* Nothing differs: at most 5 % of the pairs are called improved or regressed, or what chance makes of 5 %. */
static void test_nothing_differs(void **s)
{
    (void)s;
    for (int goal = GOAL_TPS; goal <= GOAL_P99; goal++) {
        double lo, hi;
        struct recorded_tally t = tally(0, 1, (enum goal_kind)goal);
        int called = t.improved + t.regressed;
        stats_share(called, t.sessions, &lo, &hi);
        print_message("goal %d: %d of %d pairs called different, %.1f %% (%.1f .. %.1f %%)\n", goal,
                      called, t.sessions, 100.0 * called / t.sessions, 100 * lo, 100 * hi);
        assert_true(lo <= 0.05);
        assert_true(called * 100 <= t.sessions * 5);
        assert_true(t.covered * 100 >= t.judged * 94);
    }
}

static void test_power(void **s)
{
    (void)s;
    struct recorded_tally five = tally(0.03, 1.05, GOAL_TPS), ten = tally(0.03, 1.10, GOAL_TPS);
    print_message("at 3 %%: +5 %% is found in %.1f %%, +10 %% in %.1f %% of %d sessions\n",
                  100.0 * five.improved / five.sessions, 100.0 * ten.improved / ten.sessions,
                  ten.sessions);
    assert_true(five.improved * 100 >= five.sessions * 60);
    assert_true(ten.improved * 100 >= ten.sessions * 95);
    assert_true(five.covered * 100 >= five.judged * 94);
    assert_true(ten.covered * 100 >= ten.judged * 94);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_differs),
        cmocka_unit_test(test_power),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
