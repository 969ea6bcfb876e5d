/* Predictions against measurements, and where the time goes. */
#include "builtin_world.h"

#include "pgd/agent/bottleneck.h"
#include "pgd/agent/score.h"

static struct round_history *round_with(struct world *w, const char *rule, double lo, double hi)
{
    struct round_history *r = &w->history[w->e.nhistory++];
    r->number = w->e.nhistory;
    r->n = 1;
    r->measured = 1;
    snprintf(r->changes[0].name, sizeof r->changes[0].name, "work_mem");
    snprintf(r->changes[0].rule, sizeof r->changes[0].rule, "%s", rule);
    r->changes[0].expect_lo = lo;
    r->changes[0].expect_hi = hi;
    return r;
}

static void test_held_and_missed(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct prediction all[8];
    char text[200];
    score_text(&w->e, text, sizeof text);
    assert_string_equal(text, "");
    round_with(w, "spills", 20, 60)->verdict = (struct verdict){
        .ratio = 1.44, .ci_lo = 1.4, .ci_hi = 1.5};
    assert_int_equal(score_predictions(&w->e, all, 8), 1);
    assert_true(all[0].held);
    score_text(&w->e, text, sizeof text);
    assert_string_equal(
        text, "rule spills: predicted +20 to +60 %, measured +44.0 %, as predicted; 1 of 1 "
              "prediction met by the measured interval");
    round_with(w, "odd_cost", 10, 30)->verdict = (struct verdict){
        .ratio = 1.01, .ci_lo = 0.99, .ci_hi = 1.03};
    assert_int_equal(score_predictions(&w->e, all, 8), 2);
    assert_false(all[1].held);
    score_text(&w->e, text, sizeof text);
    assert_non_null(strstr(text, "1 of 2 predictions met by the measured interval"));
    round_with(w, "spills", 20, 60)->verdict = (struct verdict){
        .ratio = 1.02, .ci_lo = 1.0, .ci_hi = 1.04};
    score_by_rule(&w->e, text, sizeof text);
    assert_string_equal(text, "spills 1 of 2, odd_cost 0 of 1");
    char little[64];
    score_by_rule(&w->e, little, sizeof little);
    assert_string_equal(little, "spills 1 of 2"); /* no half entries */
    world_free(w);
}

/* The figure lies outside, its interval does not: the line must not say that the prediction held. */
static void test_outside_but_met(void **state)
{
    (void)state;
    struct world *w = world_new();
    char text[300];
    struct round_history *r = round_with(w, "scans_discard", 8, 114);
    r->verdict = (struct verdict){.ratio = 2.406, .ci_lo = 1.845, .ci_hi = 3.138};
    score_text(&w->e, text, sizeof text);
    assert_string_equal(text, "rule scans_discard: predicted +8 to +114 %, measured +140.6 %, more "
                              "than predicted (the measured interval +84.5 to +213.8 % meets it); "
                              "1 of 1 prediction met by the measured interval");
    r->verdict = (struct verdict){.ratio = 1.01, .ci_lo = 0.99, .ci_hi = 1.03};
    score_text(&w->e, text, sizeof text);
    assert_non_null(strstr(text, "less than predicted (the measured interval -1.0 to +3.0 % does "
                                 "not meet it); 0 of 1 prediction met"));
    world_free(w);
}

static void test_together_and_screened(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct prediction all[8];
    struct round_history *r = round_with(w, "spills", 10, 20);
    r->n = 3;
    r->changes[1] = r->changes[2] = r->changes[0];
    snprintf(r->changes[1].name, sizeof r->changes[1].name, "jit");
    snprintf(r->changes[2].name, sizeof r->changes[2].name, "random_page_cost");
    r->nsets = 3;
    for (int i = 0; i < 3; i++) {
        r->changes[i].sets = 1u << i;
        r->sets[i] = (struct race_result){1.15, 1.1, 1.2, 3, false, true};
    }
    r->sets[2] = (struct race_result){0.9, 0.85, 0.95, 3, true, false};
    r->measured = 3; /* two of the three went on together */
    r->verdict = (struct verdict){.ratio = 1.3, .ci_lo = 1.25, .ci_hi = 1.35};
    assert_int_equal(score_predictions(&w->e, all, 8), 4);
    assert_int_equal(all[0].changes, 2);
    assert_float_equal(all[0].lo, 21, 1e-9);
    assert_float_equal(all[0].hi, 44, 1e-9);
    assert_true(all[0].held && all[1].held && all[2].held);
    assert_true(all[3].screened && !all[3].held);
    r->changes[0].expect_lo = r->changes[0].expect_hi = NAN; /* promised nothing */
    assert_int_equal(score_predictions(&w->e, all, 8), 3);
    r->verdict.ratio = NAN; /* none gained: there was no experiment */
    assert_int_equal(score_predictions(&w->e, all, 8), 2);
    world_free(w);
}

static const char *kind(struct world *w, struct bottleneck *b)
{
    struct sense s;
    sense_init(&s, &w->e);
    bottleneck_find(&s, b);
    return b->kind;
}

static void test_bottlenecks(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct bottleneck b;
    wait_is(&w->base, "Timeout:PgSleep", 0.9);
    assert_string_equal(kind(w, &b), "sleep");
    assert_int_equal(b.remedy, REMEDY_WORKLOAD);
    wait_is(&w->base, "Lock:transactionid", 0.8);
    assert_string_equal(kind(w, &b), "lock-bound");
    wait_is(&w->base, "IO:WALSync", 0.6);
    assert_string_equal(kind(w, &b), "commit-bound");
    assert_int_equal(b.remedy, REMEDY_HARDWARE);
    wait_is(&w->base, "IO:BufFileWrite", 0.4);
    assert_string_equal(kind(w, &b), "spill-bound");
    wait_is(&w->base, "IO:DataFileRead", 0.5);
    assert_string_equal(kind(w, &b), "read-bound");
    wait_is(&w->base, "LWLock:BufferContent", 0.5);
    assert_string_equal(kind(w, &b), "contention");
    wait_is(&w->base, "Client:ClientWrite", 0.5);
    assert_string_equal(kind(w, &b), "client-bound");
    w->base.nwaits = 0;
    w->base.ckpt_req = 3;
    w->base.wal_bytes = 300 * MB;
    assert_string_equal(kind(w, &b), "checkpoint-bound");
    w->base.ckpt_req = 0;
    w->base.cpu_idle = 0.02;
    assert_string_equal(kind(w, &b), "CPU-bound");
    assert_int_equal(b.remedy, REMEDY_HARDWARE);
    discarding(w);
    assert_string_equal(kind(w, &b), "CPU-bound in scans");
    w->plans[0].jit = true;
    w->plans[0].jit_ms = 30;
    assert_string_equal(kind(w, &b), "CPU-bound in compiling");
    w->base.cpu_idle = 0.6;
    w->base.active_avg = 0.9;
    assert_string_equal(kind(w, &b), "one statement at a time");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_held_and_missed),
        cmocka_unit_test(test_outside_but_met),
        cmocka_unit_test(test_together_and_screened),
        cmocka_unit_test(test_bottlenecks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
