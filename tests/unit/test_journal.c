/* What a journal says after a crash: whole, torn, damaged, and cut off between two statements of a switch. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/store.h"

static struct journal_state state;

static bool replay(const char *text, struct err *e)
{
    memset(e, 0, sizeof *e);
    memset(&state, 0x5a, sizeof state);
    return store_journal_replay(text, strlen(text), &state, e);
}

static void replay_ok(const char *text)
{
    struct err e;

    if (!replay(text, &e))
        fail_msg("%s (%s)", e.msg, e.detail);
}

#define WORK_MEM_16                                                                    \
    "{\"event\":\"intent\",\"no\":1,\"arm\":\"round 1\",\"restart\":false,\"items\":[" \
    "{\"name\":\"work_mem\",\"before\":{\"present\":false,\"value\":null},"            \
    "\"to\":{\"present\":true,\"value\":\"16MB\"}}],"                                  \
    "\"undo\":[\"ALTER SYSTEM RESET work_mem\"],\"at\":null}\n"
#define APPLIED "{\"event\":\"applied\",\"no\":2,\"intent\":1,\"restarted\":false}\n"
#define TWO                                                                           \
    "{\"event\":\"intent\",\"no\":3,\"arm\":\"round 2\",\"restart\":true,\"items\":[" \
    "{\"name\":\"work_mem\",\"before\":{\"present\":true,\"value\":\"16MB\"},"        \
    "\"to\":{\"present\":true,\"value\":\"64MB\"}},"                                  \
    "{\"name\":\"shared_buffers\",\"before\":{\"present\":true,\"value\":\"1GB\"},"   \
    "\"to\":{\"present\":true,\"value\":\"6GB\"}}],"                                  \
    "\"undo\":[],\"at\":null}\n"
#define UNDONE "{\"event\":\"undone\",\"no\":4,\"intent\":3,\"reason\":\"x\"}\n"

static void undo_is(const char *want)
{
    struct buf b = {0};

    ledger_undo_sql(&state.ledger, &b);
    assert_string_equal(buf_text(&b), want);
    buf_clear(&b);
}

/* The last checkpoint says whether the session came to its end: then what it left is meant to be there. */
static void test_end(void **st)
{
    (void)st;
    replay_ok(WORK_MEM_16 APPLIED "{\"event\":\"checkpoint\",\"what\":\"ARCHIVED\"}\n");
    assert_int_equal(state.ended, SESSION_ARCHIVED);
    replay_ok("{\"event\":\"checkpoint\",\"what\":\"FAILED\"}\n");
    assert_int_equal(state.ended, SESSION_FAILED);
    replay_ok("{\"event\":\"checkpoint\",\"what\":\"baseline\"}\n" WORK_MEM_16);
    assert_int_equal(state.ended, SESSION_NONE);
    replay_ok("{\"event\":\"checkpoint\",\"what\":\"FAILED\"}\n"
              "{\"event\":\"checkpoint\",\"what\":\"round\"}\n");
    assert_int_equal(state.ended, SESSION_NONE);
    replay_ok("{\"event\":\"checkpoint\",\"what\":7}\n");
    assert_int_equal(state.ended, SESSION_NONE);
}

static void test_empty(void **st)
{
    (void)st;
    replay_ok("");
    assert_false(state.unfinished);
    assert_int_equal(state.last_no, 0);
    assert_true(ledger_clean(&state.ledger));
    replay_ok("\n\n");
    assert_int_equal(state.intents, 0);
}

static void test_applied(void **st)
{
    (void)st;
    replay_ok(WORK_MEM_16 APPLIED);
    assert_int_equal(state.intents, 1);
    assert_int_equal(state.applied, 1);
    assert_int_equal(state.last_no, 2);
    assert_false(state.unfinished);
    assert_false(ledger_clean(&state.ledger));
    struct ledger_row *r = ledger_find(&state.ledger, "work_mem");
    assert_non_null(r);
    assert_false(r->original.present);
    assert_string_equal(r->current.value, "16MB");
    assert_false(r->unsure);
    undo_is("ALTER SYSTEM RESET work_mem;\n");
}

/* Killed after the intent, between its two ALTER SYSTEM: either value may stand there, and the undo covers both names. */
static void test_crash_between_alters(void **st)
{
    (void)st;
    replay_ok(WORK_MEM_16 APPLIED TWO);
    assert_true(state.unfinished);
    assert_true(state.unfinished_restart);
    assert_string_equal(state.unfinished_arm, "round 2");
    assert_int_equal(state.last_no, 3);
    struct ledger_row *w = ledger_find(&state.ledger, "work_mem");
    struct ledger_row *b = ledger_find(&state.ledger, "shared_buffers");
    assert_true(w && b && w->unsure && b->unsure);
    assert_string_equal(w->current.value, "16MB");
    assert_string_equal(w->pending.value, "64MB");
    assert_false(w->original.present);
    assert_string_equal(b->original.value, "1GB");
    undo_is("ALTER SYSTEM RESET work_mem;\nALTER SYSTEM SET shared_buffers = '1GB';\n");
}

static void test_undone(void **st)
{
    (void)st;
    replay_ok(WORK_MEM_16 APPLIED TWO UNDONE);
    assert_false(state.unfinished);
    assert_int_equal(state.undone, 1);
    assert_string_equal(ledger_find(&state.ledger, "work_mem")->current.value, "16MB");
    undo_is("ALTER SYSTEM RESET work_mem;\n");
}

static void test_stuck_stays_unfinished(void **st)
{
    (void)st;
    replay_ok(TWO "{\"event\":\"stuck\",\"no\":4,\"intent\":3,\"reason\":\"x\"}\n");
    assert_true(state.unfinished);
    assert_int_equal(state.last_no, 4);
    assert_false(ledger_clean(&state.ledger));
}

static void test_back_to_start_is_clean(void **st)
{
    (void)st;
    replay_ok(WORK_MEM_16 APPLIED
              "{\"event\":\"intent\",\"no\":3,\"arm\":\"start\",\"restart\":false,\"items\":["
              "{\"name\":\"work_mem\",\"before\":{\"present\":true,\"value\":\"16MB\"},"
              "\"to\":{\"present\":false,\"value\":null}}],\"undo\":[]}\n"
              "{\"event\":\"applied\",\"no\":4,\"intent\":3}\n");
    assert_true(ledger_clean(&state.ledger));
    undo_is("");
}

/* Cut at every byte: what is whole counts, the torn rest never does, and nothing is an error. */
static void test_torn_last_line(void **st)
{
    (void)st;
    static const char text[] = WORK_MEM_16 APPLIED TWO UNDONE;
    const size_t first = strlen(WORK_MEM_16), second = first + strlen(APPLIED),
                 third = second + strlen(TWO), fourth = third + strlen(UNDONE);

    for (size_t len = 0; len <= fourth; len++) {
        struct err e = {0};
        char *exact = xmalloc(len + 1);
        memcpy(exact, text, len);
        assert_true(store_journal_replay(exact, len, &state, &e));
        free(exact);
        uint64_t no = len >= fourth ? 4 : len >= third ? 3 : len >= second ? 2 : len >= first;
        assert_int_equal(state.last_no, no);
        assert_int_equal(state.unfinished, no == 1 || no == 3);
    }
}

static void damaged(const char *text, const char *line)
{
    struct err e;

    if (replay(text, &e))
        fail_msg("accepted: %s", text);
    assert_int_equal(e.code, ERR_FORMAT);
    if (!strstr(e.msg, line))
        fail_msg("\"%s\" does not name %s", e.msg, line);
    assert_true(e.detail[0] && e.hint[0]);
}

static void test_damaged_inner_line(void **st)
{
    (void)st;
    damaged("{\"event\":\"inte\n" APPLIED, "line 1");
    damaged(WORK_MEM_16 "garbage\n" APPLIED, "line 2");
    damaged(WORK_MEM_16 APPLIED "[]\n", "line 3");
    damaged("{}\n", "line 1");
    damaged("{\"event\":7}\n", "line 1");
    damaged(WORK_MEM_16 "{\"event\":\"applied\",\"format\":2}\n", "line 2"); /* a newer meaning */
#define INTENT(items) "{\"event\":\"intent\",\"no\":1,\"items\":" items "}\n"
    damaged(INTENT("{}"), "line 1");
    damaged(INTENT("[1]"), "line 1");
    damaged(INTENT("[{\"name\":\"a\"}]"), "line 1");
    damaged(
        INTENT("[{\"name\":\"a b\",\"before\":{\"present\":false},\"to\":{\"present\":false}}]"),
        "line 1");
    damaged(INTENT("[{\"name\":\"a\",\"before\":{\"present\":true},\"to\":{\"present\":false}}]"),
            "line 1");
    damaged(INTENT("[{\"name\":\"a\",\"before\":{\"present\":0},\"to\":{\"present\":false}}]"),
            "line 1");
    damaged(INTENT("[{\"name\":\"a\",\"before\":{\"present\":false},"
                   "\"to\":{\"present\":true,\"value\":7}}]"),
            "line 1");
}

static void test_flipped_bytes(void **st)
{
    (void)st;
    char text[] = WORK_MEM_16 APPLIED TWO;
    struct err e;

    for (size_t i = 0; i + 1 < sizeof text; i++) {
        char was = text[i];
        for (int bit = 0; bit < 8; bit++) {
            text[i] = (char)(was ^ (1 << bit));
            memset(&e, 0, sizeof e);
            if (!store_journal_replay(text, sizeof text - 1, &state, &e))
                assert_non_null(strstr(e.msg, "of journal.jsonl is damaged"));
            assert_true(state.ledger.n <= LEDGER_MAX);
        }
        text[i] = was;
    }
}

static void test_values_keep_their_bytes(void **st)
{
    (void)st;
    replay_ok("{\"event\":\"intent\",\"no\":1,\"items\":[{\"name\":\"jit\","
              "\"before\":{\"present\":true,\"value\":\"a'\\t\\\\b\\u202e\"},"
              "\"to\":{\"present\":false}}]}\n");
    assert_string_equal(ledger_find(&state.ledger, "jit")->original.value, "a'\t\\b\xe2\x80\xae");
}

static void test_more_names_than_rows(void **st)
{
    (void)st;
    struct buf b = {0};

    for (int i = 0; i < LEDGER_MAX + 1; i++)
        buf_printf(&b,
                   "{\"event\":\"intent\",\"no\":%d,\"items\":[{\"name\":\"n%d\","
                   "\"before\":{\"present\":false},\"to\":{\"present\":false}}]}\n"
                   "{\"event\":\"applied\"}\n",
                   i + 1, i);
    replay_ok(buf_text(&b));
    assert_int_equal(state.ledger.n, LEDGER_MAX);
    assert_true(state.ledger.lost);
    assert_false(ledger_clean(&state.ledger));
    buf_clear(&b);
}

/* Kinds of a newer version, runs and notes in between are passed over. */
static void test_other_records(void **st)
{
    (void)st;
    struct bench_run run = {.number = 7, .valid = true, .tps = 1234.5, .p95_ms = 3.25, .failed = 2};
    struct bench_run failed = {.number = 8, .tps = NAN, .p95_ms = NAN};
    struct buf b = {0};

    run.start_wall_us = INT64_C(1767330510000000);
    err_set(&failed.err, ERR_CHILD, "pgbench: \"gone\"\n");
    store_journal_bench(&run, "round \"2\"", &b);
    store_journal_bench(&failed, "start", &b);
    store_journal_note("checkpoint", "what", "a\nb", &b);
    buf_puts(&b, WORK_MEM_16 "{\"event\":\"of a later version\",\"no\":9}\n" APPLIED);
    replay_ok(buf_text(&b));
    assert_int_equal(state.runs, 2);
    assert_int_equal(state.last_no, 9);
    assert_int_equal(state.applied, 1);

    struct err e = {0};
    const char *second = strchr(buf_text(&b), '\n') + 1;
    json_t *j = js_parse(buf_text(&b), (size_t)(second - buf_text(&b)), &e);
    char text[64];
    assert_true(js_get_text(j, "arm", text, sizeof text));
    assert_string_equal(text, "round \"2\"");
    assert_float_equal(js_get_num(j, "tps", 0), 1234.5, 1e-9);
    assert_int_equal(js_get_int(j, "start_us", 0), run.start_wall_us);
    assert_true(json_is_null(json_object_get(j, "error")));
    json_decref(j);
    j = js_parse(second, (size_t)(strchr(second, '\n') - second), &e);
    assert_true(json_is_null(json_object_get(j, "tps")));
    assert_true(js_get_text(j, "error", text, sizeof text));
    assert_false(js_get_bool(j, "valid", true));
    json_decref(j);
    buf_clear(&b);
}

static void test_series_as_csv(void **st)
{
    (void)st;
    float tps[] = {100.25F, 200}, latency[] = {1.5F, NAN};
    struct bench_run run = {.nseries = 2, .series = tps, .series_lat = latency};
    struct buf b = {0};

    store_run_csv(&run, &b);
    assert_string_equal(buf_text(&b), "second,tps,latency_ms\n1,100.2,1.500\n2,200.0,\n");
    run.series_lat = NULL;
    b.len = 0;
    store_run_csv(&run, &b);
    assert_string_equal(buf_text(&b), "second,tps,latency_ms\n1,100.2,\n2,200.0,\n");

    struct collect *c = xcalloc(1, sizeof *c);
    collect_init(c);
    series_add(&c->series[METRIC_TPS], 10);
    series_add(&c->series[METRIC_TPS], NAN);
    b.len = 0;
    store_telemetry_csv(c, 2, &b);
    assert_memory_equal(buf_text(&b), "second,tps,", 11);
    assert_non_null(strstr(buf_text(&b), "\n1,10,"));
    assert_non_null(strstr(buf_text(&b), "\n2,,"));
    b.len = 0;
    store_telemetry_csv(c, 0, &b);
    assert_int_equal(b.len, 0);
    collect_clear(c);
    free(c);
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_applied),
        cmocka_unit_test(test_crash_between_alters),
        cmocka_unit_test(test_undone),
        cmocka_unit_test(test_stuck_stays_unfinished),
        cmocka_unit_test(test_back_to_start_is_clean),
        cmocka_unit_test(test_torn_last_line),
        cmocka_unit_test(test_damaged_inner_line),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_values_keep_their_bytes),
        cmocka_unit_test(test_more_names_than_rows),
        cmocka_unit_test(test_other_records),
        cmocka_unit_test(test_series_as_csv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
