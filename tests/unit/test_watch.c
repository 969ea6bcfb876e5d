/* The second sample of a session: its statement, what is known where the role sees little, the work of others between two
 * marks; and what the runs of two arms leave behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/runner/bills.h"
#include "pgd/telemetry/collect.h"

static const char names[] = "clients|others|others_hidden|others_active|others_busy|bench_sessions|"
                            "replicas|lag_bytes|lag_s|slots_inactive|"
                            "slot_name|slot_bytes|archive_mode|archive_failed|archive_file|archive_"
                            "failing|slots|elsewhere\n";

static bool read_row(const char *row, struct watch_sample *w)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s\n", names, row);
    struct rows *r = rows_parse(buf_text(&text));
    bool ok = watch_read(r, w);
    rows_free(r);
    buf_clear(&text);
    return ok;
}

static void test_statement(void **state)
{
    (void)state;
    struct buf sql = {0};
    watch_sql("sh'op $DATABASE", &sql);
    assert_non_null(strstr(buf_text(&sql), "datname <> 'sh''op $DATABASE'"));
    assert_null(strstr(buf_text(&sql), "--"));
    buf_clear(&sql);
}

static void test_row(void **state)
{
    (void)state;
    struct watch_sample w;
    assert_true(read_row("12|9|0|2|5|3|1|4096|0.5|1|left\x1b|8192|on|4|0001|t|97|500", &w));
    assert_true(w.clients == 12 && w.others_active == 2 && w.others_busy == 5 && w.slots == 97);
    assert_true(w.archiving && w.archive_failing && w.archive_failed == 4);
    assert_null(strchr(w.slot_name, '\x1b'));
    /* a role without statistics sees that they are there, not what they do */
    assert_true(read_row("12|9|7|0|0|0|1|||0|||off|4|0001|t|97|500", &w));
    assert_true(isnan(w.others_active) && isnan(w.others_busy) && isnan(w.lag_bytes) &&
                isnan(w.slot_bytes));
    assert_false(w.archiving || w.archive_failing);
    struct rows *none = rows_parse("clients\n");
    assert_false(watch_read(none, &w));
    rows_free(none);
}

static void sample(struct collect *c, int64_t at_us, const char *row)
{
    struct effects fx = {0};
    struct buf text = {0};
    struct event ev = {.kind = EV_PG_RESULT, .at_us = at_us};
    collect_tick(c, &fx, true);
    effects_clear(&fx);
    buf_printf(&text, "%s%s\n", names, row);
    ev.req = (struct req){OWNER_TELEMETRY, c->generation, c->waiting_watch};
    ev.rows = rows_parse(buf_text(&text));
    assert_true(collect_step(c, &ev));
    event_clear(&ev);
    buf_clear(&text);
}

static void test_load(void **state)
{
    (void)state;
    struct collect c;
    struct watch_load l;
    collect_init(&c);
    collect_link_up(&c, 150018);
    collect_load(&c, &l);
    assert_true(l.n == 0 && isnan(l.active) && isnan(l.tps));
    collect_watch(&c, "shop");
    sample(&c, 1000000, "5|3|0|3|4|0|0|||0|||off|0|||97|1000");
    collect_mark(&c);
    sample(&c, 2000000, "5|3|0|1|2|0|0|||0|||off|0|||97|1102");
    sample(&c, 3000000, "5|3|0|0|1|0|0|||0|||off|0|||97|1204");
    collect_load(&c, &l);
    assert_int_equal(l.n, 2);
    assert_float_equal(l.active, 0.5, 1e-9);
    assert_float_equal(l.busy, 1.5, 1e-9);
    assert_float_equal(l.tps, 100, 1e-9); /* less two statements of ours a second */
    collect_clear(&c);
}

static void run(struct experiment *x, int arm, double redo, double dead, bool contaminated,
                bool valid)
{
    struct bench_run r = {.valid = valid,
                          .tps = 100,
                          .redo_bytes = redo,
                          .dead_tuples = dead,
                          .contaminated = contaminated};
    x->arm = arm;
    experiment_add(x, &r);
}

static void test_bills(void **state)
{
    (void)state;
    struct experiment x;
    struct sdl plan = {.duration_s = 10, .min_runs = 3, .max_runs = 6};
    char text[400];
    experiment_init(&x, EXPERIMENT_ROUND, &plan, 0, ARM_A);
    run(&x, ARM_A, 33e6, 500, false, true);
    run(&x, ARM_B, 40e6, 600, false, true);
    bills_text(&x, text, sizeof text);
    assert_string_equal(text, "");
    run(&x, ARM_B, 400e6, 90000, true, true);
    run(&x, ARM_A, NAN, NAN, true, false);
    assert_int_equal(x.errors, 0); /* spoilt by others: no failure of the configuration */
    bills_text(&x, text, sizeof text);
    assert_non_null(strstr(text, "during 2 runs, 1 of them counted"));
    assert_non_null(strstr(text, "to replay instead of"));
    assert_non_null(strstr(text, "45300 rows wait for autovacuum instead of 500"));
    struct verdict v;
    experiment_verdict(&x, &v);
    assert_non_null(strstr(v.note, "after a crash"));
    experiment_clear(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_statement), cmocka_unit_test(test_row),
                                       cmocka_unit_test(test_load), cmocka_unit_test(test_bills)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
