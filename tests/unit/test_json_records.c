/* Records to JSON and back without loss; and what is refused, with the name of the field in the
 * message. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"

#define SET(field, text) text_copy(field, sizeof(field), text)

/* Through the text, as a file would be. */
static json_t *through_text(json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(17));
    assert_non_null(text);
    json_decref(j);
    struct err e = {0};
    json_t *back = js_parse(text, strlen(text), &e);
    assert_non_null(back);
    free(text);
    return back;
}

static bool same_num(double a, double b)
{
    return (isnan(a) && isnan(b)) || a == b;
}

static void test_sdl(void **st)
{
    (void)st;
    struct sdl a = {.builtin_db = true,
                    .nscripts = 2,
                    .clients = 16,
                    .threads = 2,
                    .duration_s = 10,
                    .asked_s = 3,
                    .warmup_s = 5,
                    .min_runs = 3,
                    .max_runs = 6,
                    .rounds = 8,
                    .budget_s = 720,
                    .goal = GOAL_P99,
                    .rate = 250.5,
                    .observe = true,
                    .arm_defaults = true,
                    .restart = RESTART_COMMAND,
                    .target_tps = 6000.25};
    SET(a.strategy, "WriteOptimize");
    SET(a.hypothesis, "Checkpoints are forced; \xc3\xa9l\xc3\xa9phant");
    SET(a.workload, "shop");
    SET(a.database, "pg_diagnose_bench");
    SET(a.scripts[0].path, "asset:workloads/shop.sql");
    a.scripts[0].weight = 8;
    SET(a.scripts[0].name, "shop.sql");
    SET(a.scripts[1].path, "/home/dba/q3@x.sql");
    a.scripts[1].weight = 1;
    SET(a.scripts[1].name, "q3@x.sql");
    SET(a.protocol, "prepared");
    SET(a.restart_command, "/usr/local/bin/restart-pg");
    SET(a.success, "improved");
    struct sdl b;
    struct err e = {0};
    json_t *j = through_text(json_from_sdl(&a));
    assert_true(json_to_sdl(j, &b, &e));
    assert_memory_equal(&a, &b, sizeof a);
    json_decref(j);
}

static void test_proposal(void **st)
{
    (void)st;
    static struct proposal a, b;
    memset(&a, 0, sizeof a);
    SET(a.advisor.text, "builtin");
    SET(a.summary, "WAL first.");
    a.n = 2;
    SET(a.changes[0].name, "max_wal_size");
    SET(a.changes[0].value, "16GB");
    SET(a.changes[0].why, "Checkpoints are requested.");
    SET(a.changes[0].evidence, "9 of 11 checkpoints were requested");
    a.changes[0].expect_lo = 8;
    a.changes[0].expect_hi = 15.5;
    a.changes[0].risk = RISK_MEDIUM;
    SET(a.changes[1].name, "jit");
    a.changes[1].reset = true;
    a.changes[1].expect_lo = a.changes[1].expect_hi = NAN;
    a.changes[0].sets = 1;
    SET(a.changes[0].rule, "wal_size");
    a.changes[1].sets = 6;
    a.nsets = 3;
    SET(a.set_names[0], "max_wal_size = 16GB");
    SET(a.set_names[2], "the defaults of PostgreSQL");
    struct err e = {0};
    json_t *j = through_text(json_from_proposal(&a));
    assert_true(json_is_null(
        json_object_get(json_array_get(json_object_get(j, "changes"), 1), "expect_lo")));
    assert_true(json_to_proposal(j, &b, &e));
    assert_int_equal(b.n, 2);
    assert_string_equal(b.changes[0].value, "16GB");
    assert_string_equal(b.changes[0].evidence, a.changes[0].evidence);
    assert_true(b.changes[0].expect_hi == 15.5 && b.changes[0].risk == RISK_MEDIUM);
    assert_true(b.changes[1].reset && isnan(b.changes[1].expect_lo));
    assert_string_equal(b.changes[1].value, "");
    assert_int_equal(b.changes[0].sets, 1);
    assert_int_equal(b.changes[1].sets, 6);
    assert_string_equal(b.changes[0].rule, "wal_size");
    assert_int_equal(b.nsets, 3);
    assert_memory_equal(a.set_names, b.set_names, sizeof a.set_names);
    json_decref(j);
}

static void test_first_sight(void **st)
{
    (void)st;
    static struct first_sight a, b;
    memset(&a, 0, sizeof a);
    SET(a.advisor.text, "builtin");
    SET(a.headline, "A small server");
    SET(a.summary, "Two findings.");
    a.nfindings = 2;
    SET(a.findings[0].area, "memory");
    SET(a.findings[0].text, "Sorts spill.");
    SET(a.findings[0].figure, "1.2 GB");
    a.findings[0].severity = 3;
    SET(a.findings[1].text, "jit is on.");
    a.nstrategies = 1;
    SET(a.strategies[0].name, "MemoryTuning");
    SET(a.strategies[0].title, "Memory");
    SET(a.strategies[0].why, "Sorts spill.");
    SET(a.strategies[0].expects, "+10 %");
    struct err e = {0};
    json_t *j = through_text(json_from_first_sight(&a));
    assert_true(json_to_first_sight(j, &b, &e));
    assert_memory_equal(&a, &b, sizeof a);
    json_object_set_new(json_array_get(json_object_get(j, "strategies"), 0), "name",
                        json_string("../../etc"));
    assert_false(json_to_first_sight(j, &b, &e));
    assert_non_null(strstr(e.msg, "first_sight.strategies[0].name"));
    json_decref(j);
}

static void test_verdict_target_conclusion(void **st)
{
    (void)st;
    struct verdict v = {.kind = VERDICT_REGRESSED,
                        .ratio = 0.91,
                        .ci_lo = NAN,
                        .ci_hi = INFINITY,
                        .floor = 0.031,
                        .runs_a = 3,
                        .runs_b = 4,
                        .tps_a = 4502.123456789,
                        .tps_b = 4100,
                        .p95_a = NAN,
                        .p95_b = 2.5,
                        .sd_a = 0.01,
                        .sd_b = 0.02};
    SET(v.note, "p95 latency 12 % worse");
    struct verdict back;
    struct err e = {0};
    json_t *j = through_text(json_from_verdict(&v));
    assert_string_equal(json_string_value(json_object_get(j, "kind")), "regressed");
    assert_true(json_to_verdict(j, &back, &e));
    json_decref(j);
    assert_int_equal(back.kind, v.kind);
    assert_true(isnan(back.ci_lo) && isnan(back.ci_hi) && isnan(back.p95_a));
    assert_true(same_num(back.tps_a, v.tps_a) && same_num(back.floor, v.floor) &&
                same_num(back.ratio, v.ratio));
    assert_string_equal(back.note, v.note);
    j = through_text(json_from_verdict(&(struct verdict){.ratio = NAN}));
    assert_true(json_to_verdict(j, &back, &e));
    assert_int_equal(back.kind, VERDICT_NONE);
    json_decref(j);

    struct target t = {.tps = 6000};
    struct target t2;
    SET(t.advisor.text, "builtin");
    SET(t.why, "one third more");
    j = through_text(json_from_target(&t));
    assert_true(json_to_target(j, &t2, &e));
    assert_memory_equal(&t, &t2, sizeof t);
    json_decref(j);

    struct conclusion c = {.stop = true};
    struct conclusion c2;
    SET(c.text, "Nothing more to gain.");
    SET(c.bottleneck, "CPU-bound: 96 % busy");
    j = through_text(json_from_conclusion(&c));
    assert_true(json_to_conclusion(j, &c2, &e));
    assert_memory_equal(&c, &c2, sizeof c);
    json_decref(j);
}

static void refuse_proposal(const char *text, const char *message)
{
    static struct proposal p;
    struct err e = {0};
    json_t *j = js_parse(text, strlen(text), &e);
    assert_non_null(j);
    if (json_to_proposal(j, &p, &e))
        fail_msg("accepted: %s", text);
    assert_int_equal(e.code, ERR_FORMAT);
    if (!strstr(e.msg, message))
        fail_msg("\"%s\" does not say \"%s\"", e.msg, message);
    json_decref(j);
}

static void test_refused_proposals(void **st)
{
    (void)st;
    refuse_proposal("[]", "proposal must be an object");
    refuse_proposal("{\"summary\": 7}", "proposal.summary must be a text");
    refuse_proposal("{\"changes\": {}}", "proposal.changes must be a list");
    refuse_proposal("{\"changes\": [7]}", "proposal.changes[0] must be an object");
    refuse_proposal("{\"changes\": [{\"value\":\"1\"}]}", "proposal.changes[0].name is missing");
    refuse_proposal("{\"changes\": [{\"name\":\"\",\"value\":\"1\"}]}",
                    "changes[0].name must not be empty");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\"}]}", "changes[0].value is missing");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\",\"value\":[]}]}", "changes[0].value must be");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\",\"value\":\"a\\u001bb\"}]}",
                    "cannot be shown");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\",\"value\":\"on\",\"risk\":\"none\"}]}",
                    "risk must be one of \"low\", \"medium\", \"high\"");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\",\"value\":\"on\",\"expect_hi\":1e99}]}",
                    "expect_hi must be");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\",\"value\":\"on\",\"reset\":1}]}",
                    "reset must be true or false");
    refuse_proposal("{\"nothing_left\": \"yes\"}", "nothing_left must be true or false");
    refuse_proposal("{\"changes\": [{\"name\":\"jit\",\"value\":\"on\",\"sets\":64}]}",
                    "changes[0].sets must be a whole number from 0 to 63");
    refuse_proposal("{\"set_names\": [7]}", "set_names must be a list of texts");
    refuse_proposal("{\"set_names\": [\"\",\"\",\"\",\"\",\"\",\"\",\"\"]}",
                    "set_names must not have more than 6 items");
    struct buf many = {0};
    buf_puts(&many, "{\"changes\":[{}");
    for (int i = 0; i < CHANGES_MAX; i++)
        buf_puts(&many, ",{}");
    buf_puts(&many, "]}");
    refuse_proposal(buf_text(&many), "must not have more than 32 items");
    buf_clear(&many);
    buf_puts(&many, "{\"changes\":[{\"name\":\"");
    for (int i = 0; i < 64; i++)
        buf_putc(&many, 'a');
    buf_puts(&many, "\",\"value\":\"1\"}]}");
    refuse_proposal(buf_text(&many), "changes[0].name is too long");
    buf_clear(&many);
}

static void test_lenient_where_it_does_no_harm(void **st)
{
    (void)st;
    static struct proposal p;
    struct err e = {0};
    const char *text =
        "{\"changes\":[{\"name\":\"random_page_cost\",\"value\":1.1},"
        "{\"name\":\"jit\",\"value\":false,\"unknown\":{}},{\"name\":\"work_mem\",\"value\":64}],"
        "\"summary\":\"two\\nlines \\u001b[2J\"}";
    json_t *j = js_parse(text, strlen(text), &e);
    assert_true(json_to_proposal(j, &p, &e));
    assert_string_equal(p.changes[0].value, "1.1");
    assert_string_equal(p.changes[1].value, "off");
    assert_string_equal(p.changes[2].value, "64");
    assert_null(strchr(p.summary, '\x1b'));
    assert_null(strchr(p.summary, '\n'));
    json_decref(j);
}

static void test_refused_sdl(void **st)
{
    (void)st;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"clients\": -1}", "sdl.clients must be a whole number from 0 to 100000"},
        {"{\"clients\": 1.5}", "sdl.clients must be a whole number"},
        {"{\"clients\": \"16\"}", "sdl.clients must be a whole number"},
        {"{\"duration_s\": 1e12}", "sdl.duration_s must be"},
        {"{\"protocol\": \"binary\"}", "sdl.protocol must be one of"},
        {"{\"restart\": \"maybe\"}", "sdl.restart must be one of"},
        {"{\"scripts\": [{\"weight\": 1}]}", "sdl.scripts[0].path is missing"},
        {"{\"scripts\": [{\"path\": \"a\", \"weight\": -1}]}", "sdl.scripts[0].weight must be"},
        {"{\"target_tps\": -5}", "sdl.target_tps must be a number"},
        {"\"text\"", "sdl must be an object"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sdl s;
        struct err e = {0};
        json_t *j = js_parse(cases[i].text, strlen(cases[i].text), &e);
        assert_non_null(j);
        assert_false(json_to_sdl(j, &s, &e));
        if (!strstr(e.msg, cases[i].message))
            fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[i].message);
        json_decref(j);
    }
}

static void test_parse(void **st)
{
    (void)st;
    struct err e = {0};
    assert_null(js_parse("{\"a\":1,\"a\":2}", 13, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_non_null(strstr(e.detail, "Line 1"));
    assert_null(js_parse("", 0, &e));
    assert_null(js_parse("{\"a\":", 5, &e));
    assert_null(js_parse("{} x", 4, &e));
    char deep[400];
    memset(deep, '[', sizeof deep);
    assert_null(js_parse(deep, sizeof deep, &e));
    assert_non_null(strstr(e.msg, "too deeply"));
    const char *quoted =
        "\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\"";
    json_t *j = js_parse(quoted, strlen(quoted), &e);
    assert_true(json_is_string(j));
    json_decref(j);
}

static void test_single_values(void **st)
{
    (void)st;
    json_t *j = json_object();
    json_object_set_new(j, "nan", js_num(NAN));
    json_object_set_new(j, "ten", js_num(10));
    json_object_set_new(j, "bad",
                        js_text("a\xff"
                                "b"));
    json_object_set_new(j, "none", js_text(NULL));
    char *text = json_dumps(j, JSON_COMPACT);
    assert_string_equal(text, "{\"nan\":null,\"ten\":10,\"bad\":\"a\xef\xbf\xbd"
                              "b\",\"none\":null}");
    free(text);
    char small[3];
    assert_true(isnan(js_get_num(j, "nan", NAN)));
    assert_int_equal(js_get_int(j, "ten", -1), 10);
    assert_int_equal(js_get_int(j, "bad", -1), -1);
    assert_true(js_get_bool(j, "ten", true));
    assert_true(js_get_text(j, "bad", small, sizeof small));
    assert_string_equal(small, "a");
    assert_false(js_get_text(j, "none", small, sizeof small));
    assert_string_equal(small, "");
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sdl),
        cmocka_unit_test(test_proposal),
        cmocka_unit_test(test_first_sight),
        cmocka_unit_test(test_verdict_target_conclusion),
        cmocka_unit_test(test_refused_proposals),
        cmocka_unit_test(test_lenient_where_it_does_no_harm),
        cmocka_unit_test(test_refused_sdl),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_single_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
