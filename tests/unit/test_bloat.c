/* What runs leave behind in their database, and what is said and done about it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/runner/bills.h"
#include "pgd/runner/bloat.h"

static struct bench_run run_of(double dead, double live, double mb)
{
    return (struct bench_run){.valid = true,
                              .tps = 100,
                              .redo_bytes = NAN,
                              .dead_tuples = dead,
                              .live_tuples = live,
                              .db_bytes = mb * 1048576};
}

static void expect(struct bench_run first, struct bench_run last, enum bloat_remedy want,
                   const char *text)
{
    char got[120];
    bloat_text(&first, &last, got, sizeof got);
    assert_string_equal(got, text);
    assert_int_equal(bloat_remedy(&first, &last), want);
}

static void test_remedies(void **s)
{
    (void)s;
    struct bench_run first = run_of(0, 1e6, 500);
    expect(first, run_of(1e5, 1e6, 510), BLOAT_FINE, "");
    expect(first, run_of(4e5, 1e6, 560), BLOAT_VACUUM, "29 % of the rows are dead");
    expect(first, run_of(1e5, 1e6, 650), BLOAT_FINE, "the database has grown by 30 %");
    expect(first, run_of(1e5, 1e6, 800), BLOAT_RENEW, "the database has grown by 60 %");
    expect(first, run_of(4e5, 1e6, 800), BLOAT_RENEW,
           "29 % of the rows are dead, and the database has grown by 60 %");
    expect(first, run_of(5000, 100, 510), BLOAT_FINE,
           ""); /* a small table that is written all the time */
    expect(run_of(0, 10, 8), run_of(0, 10, 20), BLOAT_FINE, ""); /* a few MB are nothing */
    expect(run_of(NAN, NAN, NAN), run_of(NAN, NAN, NAN), BLOAT_FINE, "");
    expect(first, run_of(4e5, NAN, NAN), BLOAT_FINE, "");
}

static void test_figures(void **s)
{
    (void)s;
    struct bench_run first = run_of(0, 1e6, 500), last = run_of(25e4, 75e4, 800);
    struct bench_run none = run_of(NAN, NAN, NAN);
    assert_true(fabs(bloat_dead_share(&last) - 0.25) < 1e-9);
    assert_true(fabs(bloat_growth(&first, &last) - 1.6) < 1e-9);
    assert_true(isnan(bloat_dead_share(&none)) && isnan(bloat_growth(&none, &last)));
    assert_true(isnan(bloat_growth(&first, &none)));
    assert_string_equal(bloat_remedy_name(BLOAT_FINE), "none");
    assert_string_equal(bloat_remedy_name(BLOAT_VACUUM), "vacuum");
    assert_string_equal(bloat_remedy_name(BLOAT_RENEW), "renew");
}

static void note_of(double wal, double met_first, double met_rest, char *text, size_t size)
{
    struct experiment x;
    struct sdl plan = {.duration_s = 10, .min_runs = 3, .max_runs = 6};
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0, ARM_A);
    for (int i = 0; i < 4; i++) {
        struct bench_run r = run_of(0, 1e6, 500);
        r.window = (struct window){
            .valid = true, .wal_bytes = wal, .ckpt_req = i == 0 ? met_first : met_rest};
        x.arm = i % 2;
        experiment_add(&x, &r);
    }
    bills_text(&x, text, size);
    experiment_clear(&x);
}

static void test_checkpoints(void **s)
{
    (void)s;
    char text[400];
    note_of(1e6, 0, 0, text, sizeof text); /* reads: there is nothing to meet */
    assert_string_equal(text, "");
    note_of(1e8, 0, 0, text, sizeof text);
    assert_string_equal(
        text, "no run met a checkpoint of the server's own; the one after each is charged");
    note_of(1e8, 2, 0, text, sizeof text);
    assert_string_equal(text, "1 of 4 runs met a checkpoint of the server's own");
    note_of(1e8, 1, 1, text, sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remedies),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_checkpoints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
