/* What is measured beside the total: its words, its JSON there and back, its part of the report. */
#include "pgd/workspace/beside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"

static struct beside *full(void)
{
    struct beside *b = xcalloc(1, sizeof *b);

    b->latest.round = 2;
    b->latest.s.n = 2;
    b->latest.s.items[0] = (struct statement_verdict){.script = true,
                                                      .name = "a|b.sql",
                                                      .share = 0.28,
                                                      .mean_a = 12.1,
                                                      .mean_b = 15.9,
                                                      .temp_a = NAN,
                                                      .temp_b = NAN,
                                                      .ratio = 1.31,
                                                      .lo = 1.22,
                                                      .hi = 1.41,
                                                      .cls = STATEMENT_SLOWER,
                                                      .matters = true,
                                                      .veto = true};
    b->latest.s.items[1] = (struct statement_verdict){
        .id = -77, .ratio = NAN, .lo = NAN, .hi = NAN};
    b->latest.nflips = 1;
    snprintf(b->latest.flips[0].where, sizeof b->latest.flips[0].where, "a|b.sql");
    snprintf(b->latest.flips[0].what, sizeof b->latest.flips[0].what,
             "Seq Scan on x -> Index Scan");
    beside_remember(b);
    b->comparison.n = 2;
    b->comparison.arms[0] = (struct compared_arm){
        .name = "start", .runs = 3, .tps = 100, .p95_ms = 5, .ratio = 1, .lo = NAN, .hi = NAN};
    b->comparison.arms[1] = (struct compared_arm){
        .name = "pgtune", .runs = 0, .tps = NAN, .p95_ms = NAN, .ratio = NAN, .lo = NAN, .hi = NAN};
    snprintf(b->comparison.arms[1].left_out, sizeof b->comparison.arms[1].left_out,
             "huge_pages (why)");
    b->knee.n = 2;
    b->knee.points[0] = (struct knee_point){1, 100, 5, 6, true};
    b->knee.points[1] = (struct knee_point){2, NAN, NAN, NAN, false};
    snprintf(b->knee_said, sizeof b->knee_said, "a pool of 1");
    b->ntrades = 2;
    struct server_facts none = {0};
    for (int i = 0; i < 2; i++)
        trade_at(i, &none, 1000, &b->trades[i]);
    b->trades[0].got.kind = VERDICT_IMPROVED;
    b->trades[0].got.ratio = 1.25;
    b->trades[0].got.ci_lo = 1.2;
    b->trades[0].got.ci_hi = 1.3;
    b->trades[0].got.runs_a = b->trades[0].got.runs_b = 3;
    snprintf(b->trades[1].skipped, sizeof b->trades[1].skipped, "needs 60 s, 2 s left");
    return b;
}

static void test_words(void **arg)
{
    (void)arg;
    struct beside *b = full();

    assert_int_equal(b->nnotes, 2); /* what is undecided is not worth a note */
    assert_string_equal(b->notes[0].text,
                        "slower, 31 % more time (95 % interval: 22 to 41 % more): a|b.sql, 12.1 "
                        "\xe2\x86\x92 15.9 ms, 28 % of the time");
    assert_int_equal(b->notes[0].round, 2);
    for (int i = 0; i < NOTES_MAX; i++)
        beside_remember(b);
    assert_int_equal(b->nnotes, NOTES_MAX);
    free(b);
}

static void test_there_and_back(void **arg)
{
    (void)arg;
    struct beside *b = full(), *c = xcalloc(1, sizeof *c);
    json_t *j = beside_json(b), *again;

    beside_read(j, c);
    again = beside_json(c);
    assert_true(json_equal(j, again));
    assert_int_equal(c->nnotes, 2);
    assert_int_equal(c->comparison.n, 2);
    assert_true(isnan(c->comparison.arms[1].tps));
    assert_int_equal(c->knee.n, 2);
    assert_false(c->knee.points[1].valid);
    assert_int_equal(c->ntrades, 2);
    assert_int_equal(c->trades[0].got.kind, VERDICT_IMPROVED);
    assert_non_null(strstr(c->trades[0].lost, "about 600 at the measured rate"));
    assert_string_equal(c->trades[1].skipped, "needs 60 s, 2 s left");
    json_decref(j);
    json_decref(again);
    free(b);
    free(c);
}

/* A damaged file: what makes no sense is left out, and no bound is passed. */
static void test_hostile(void **arg)
{
    (void)arg;
    static const char *const texts[] = {
        "null", "[]", "{\"statements\":{},\"comparison\":7,\"knee\":\"x\"}",
        "{\"statements\":[1,{\"round\":-5,\"text\":\"x\"},{\"round\":1}],\"comparison\":[{\"arm\":"
        "\"a\",\"runs\":1e99,"
        "\"tps\":-4,\"ci95\":[1]},{\"arm\":5}],\"knee\":[{\"clients\":-1}],\"durability\":[7,"
        "{\"name\":\"fsync\",\"value\":\"off\",\"verdict\":\"improved\",\"effect\":-1}]}"};
    struct beside *b = xcalloc(1, sizeof *b);

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        json_t *j = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        assert_non_null(j);
        beside_read(j, b);
        assert_int_equal(b->nnotes, 0);
        assert_int_equal(b->knee.n, 0);
        assert_int_equal(b->ntrades, 0); /* and fsync is no trade */
        assert_true(b->comparison.n <= 1);
        json_decref(j);
    }
    assert_int_equal(b->comparison.arms[0].runs, 1000);
    assert_true(isnan(b->comparison.arms[0].tps));
    json_t *many = json_object(), *list = json_array(), *points = json_array();
    for (int i = 0; i < 500; i++) {
        json_array_append_new(list, json_pack("{s:i,s:s}", "round", 1, "text", "t"));
        json_array_append_new(points,
                              json_pack("{s:i,s:i,s:s}", "clients", 1, "tps", 1, "arm", "a"));
    }
    json_object_set_new(many, "statements", list);
    json_object_set(many, "comparison", points);
    json_object_set_new(many, "knee", points);
    beside_read(many, b);
    assert_int_equal(b->nnotes, NOTES_MAX);
    assert_int_equal(b->comparison.n, COMPARED_MAX);
    assert_int_equal(b->knee.n, KNEE_MAX);
    json_decref(many);
    free(b);
}

static void test_report(void **arg)
{
    (void)arg;
    struct beside *b = full(), *none = xcalloc(1, sizeof *none);
    struct buf out = {0};

    beside_report(none, &out);
    assert_int_equal(out.len, 0);
    beside_report(b, &out);
    assert_non_null(strstr(buf_text(&out), "### By statement"));
    assert_non_null(strstr(buf_text(&out), "a\\|b.sql")); /* no cell of its own */
    assert_non_null(strstr(buf_text(&out), "| start | 100 | 5.00 ms |"));
    assert_non_null(strstr(buf_text(&out), "| 2 | failed | | |"));
    buf_clear(&out);
    beside_statements_json(&b->latest, &out);
    assert_non_null(strstr(buf_text(&out), "\"id\":\"-77\""));
    assert_non_null(strstr(buf_text(&out), "\"ci95\":[1.22,1.41]"));
    assert_non_null(strstr(buf_text(&out), "\"veto\":true"));
    buf_clear(&out);
    free(b);
    free(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_report),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
