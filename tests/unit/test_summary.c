/* The lines of a headless run, compared byte for byte: scripts rely on keys, order and nulls. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/protocol/summary.h"

static void check(const struct summary *s, const char *want)
{
    struct buf out = {0};
    summary_json(s, &out);
    assert_string_equal(buf_text(&out), want);
    json_t *j = js_parse(buf_text(&out), out.len, NULL);
    assert_non_null(j);
    json_decref(j);
    buf_clear(&out);
}

static void test_nothing_reached(void **st)
{
    (void)st;
    struct summary s;
    summary_init(&s);
    check(&s, "{\"event\":\"summary\",\"workspace\":null,\"session\":null,\"state\":null,"
              "\"strategy\":null,"
              "\"baseline_tps\":null,\"best_tps\":null,\"target_tps\":null,\"verdict\":null,"
              "\"effect\":null,"
              "\"ci95\":null,\"rounds\":0,\"changes\":[],\"exports\":null}");
}

static void test_archived(void **st)
{
    (void)st;
    struct summary s;
    summary_init(&s);
    text_copy(s.workspace, sizeof s.workspace, "postgres_local");
    text_copy(s.session, sizeof s.session, "WriteOptimize_01022026-050830");
    text_copy(s.state, sizeof s.state, "ARCHIVED");
    text_copy(s.strategy, sizeof s.strategy, "WriteOptimize");
    s.baseline_tps = 4502.126;
    s.best_tps = 5277;
    s.target_tps = 6000.5;
    s.verdict = VERDICT_IMPROVED;
    s.effect = 1.17204;
    s.ci_lo = 1.139;
    s.ci_hi = 1.20399999;
    s.rounds = 3;
    s.nchanges = 2;
    s.changes[0] = (struct summary_change){"work_mem", "256kB", "64MB"};
    s.changes[1] = (struct summary_change){"search_path", "\"$user\", public", "a\\b"};
    text_copy(s.report, sizeof s.report, "/r/workspace_report.md");
    text_copy(s.conf, sizeof s.conf, "/r/postgresql.conf");
    check(&s, "{\"event\":\"summary\",\"workspace\":\"postgres_local\","
              "\"session\":\"WriteOptimize_01022026-050830\",\"state\":\"ARCHIVED\","
              "\"strategy\":\"WriteOptimize\",\"baseline_tps\":4502.13,\"best_tps\":5277,\"target_"
              "tps\":6000.5,"
              "\"verdict\":\"improved\",\"effect\":1.172,\"ci95\":[1.139,1.204],\"rounds\":3,"
              "\"changes\":[{\"name\":\"work_mem\",\"from\":\"256kB\",\"to\":\"64MB\"},"
              "{\"name\":\"search_path\",\"from\":\"\\\"$user\\\", public\",\"to\":\"a\\\\b\"}],"
              "\"exports\":{\"report\":\"/r/workspace_report.md\",\"conf\":\"/r/"
              "postgresql.conf\",\"ansible\":null}}");
    text_copy(s.state, sizeof s.state, "FAILED"); /* never reaches an export */
    struct buf out = {0};
    summary_json(&s, &out);
    assert_non_null(strstr(buf_text(&out), "\"exports\":null}"));
    buf_clear(&out);
}

static void test_lines(void **st)
{
    (void)st;
    struct buf out = {0};
    struct line *l = line_new("bench");
    line_text(l, "arm", "A");
    line_text(l, "note", NULL);
    line_text(l, "empty", "");
    line_num(l, "tps", 1234.56789);
    line_num(l, "nan", NAN);
    line_num(l, "inf", -INFINITY);
    line_num(l, "tiny", -0.000001);
    line_num(l, "neg", -0.0625);
    line_num(l, "huge", 1e15);
    line_int(l, "n", -7);
    line_bool(l, "valid", true);
    line_raw(l, "list", "[1,2]");
    line_finish(l, &out);
    assert_string_equal(
        buf_text(&out),
        "{\"event\":\"bench\",\"arm\":\"A\",\"note\":null,\"empty\":\"\",\"tps\":1234.5679,"
        "\"nan\":null,\"inf\":null,\"tiny\":0,\"neg\":-0.0625,\"huge\":1000000000000000,"
        "\"n\":-7,\"valid\":true,\"list\":[1,2]}");
    buf_clear(&out);
}

/* Text of others can neither break the line nor move the terminal that shows it. */
static void test_hostile_text(void **st)
{
    (void)st;
    struct buf out = {0};
    struct line *l = line_new("error");
    line_text(l, "t", "a\"\\\n\t\x1b[2J \xc2\x9b \xe2\x80\xae \xff \xc3\xa9 \xf0\x9f\x90\x98");
    line_finish(l, &out);
    for (size_t i = 0; i < out.len; i++)
        assert_true((unsigned char)out.data[i] >= 0x20 && out.data[i] != 0x7f);
    assert_string_equal(buf_text(&out),
                        "{\"event\":\"error\",\"t\":\"a\\\"\\\\\\n\\t\\u001b[2J \\u009b \\u202e "
                        "\xef\xbf\xbd \xc3\xa9 \xf0\x9f\x90\x98\"}");
    json_t *j = js_parse(out.data, out.len, NULL);
    assert_non_null(j);
    json_decref(j);
    buf_clear(&out);
}

static void test_error_line(void **st)
{
    (void)st;
    struct buf out = {0};
    struct err e = {0};
    err_set(&e, ERR_FILE, "cannot read x");
    text_copy(e.hint, sizeof e.hint, "Look at its mode.");
    line_finish(line_error("the plan", &e), &out);
    assert_string_equal(buf_text(&out),
                        "{\"event\":\"error\",\"what\":\"the plan\",\"code\":\"file\","
                        "\"message\":\"cannot read x\",\"detail\":\"\","
                        "\"hint\":\"Look at its mode.\"}");
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_reached), cmocka_unit_test(test_archived),
        cmocka_unit_test(test_lines),           cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_error_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
