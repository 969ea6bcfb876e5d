/* The list of prices: what the program's own says, what a DBA's file changes, and what is refused of one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/prices.h"

#define NOV_22 1795305600000000LL /* 2026-11-22 00:00:00 UTC */
#define DAY 86400000000LL

static struct prices list;

static bool load(const char *own, struct err *e)
{
    memset(e, 0, sizeof *e);
    return prices_load(&list, own, own ? strlen(own) : 0, e);
}

static void test_own_list(void **state)
{
    (void)state;
    struct err e;
    assert_true(load(NULL, &e));
    assert_string_equal(list.as_of, "2026-11-22");
    assert_string_equal(list.gemini_default, "gemini-3.8-flash");
    assert_non_null(prices_find(&list, list.gemini_default, NOV_22));
    assert_non_null(prices_find(&list, list.openai_default, NOV_22));
    for (int i = 0; i < list.n; i++) {
        const struct model_price *m = &list.items[i];
        assert_true(strcmp(m->provider, "gemini") == 0 || strcmp(m->provider, "openai") == 0);
        assert_int_equal(isnan(m->in), isnan(m->out));
        assert_false(m->in > m->out);
        assert_false(m->cached > m->in);
        /* A row with an end has a successor. */
        if (m->until[0])
            assert_string_equal(list.items[i + 1].id, m->id);
    }
}

static void test_days(void **state)
{
    (void)state;
    struct err e;
    assert_true(load(NULL, &e));
    assert_true(prices_find(&list, "gemini-3.8-flash", NOV_22)->in == 0.75);
    assert_true(prices_find(&list, "gemini-3.8-flash", NOV_22 + 40 * DAY - 1)->in == 0.75);
    assert_true(prices_find(&list, "gemini-3.8-flash", NOV_22 + 40 * DAY)->in == 1.5);
    assert_true(prices_find(&list, "models/gemini-4-argon", NOV_22)->out == 10);
    assert_true(prices_find(&list, "gemini-4-argon", NOV_22 + 9 * DAY)->out == 20);
}

static void test_names(void **state)
{
    (void)state;
    struct err e;
    assert_true(load(NULL, &e));
    assert_string_equal(prices_find(&list, "gpt-5-mini-2025-08-07", NOV_22)->id, "gpt-5-mini");
    assert_string_equal(prices_find(&list, "gemini-3.8-flash-002", NOV_22)->id, "gemini-3.8-flash");
    assert_null(prices_find(&list, "gpt-5-mini-turbo", NOV_22));
    assert_null(prices_find(&list, "gpt-5", NOV_22));
    assert_null(prices_find(&list, "gemini-3", NOV_22));
    assert_null(prices_find(&list, "qwen3:8b", NOV_22));
    assert_null(prices_find(&list, "", NOV_22));
    assert_null(prices_find(&list, "-12", NOV_22));
}

static void test_cost(void **state)
{
    (void)state;
    struct err e;
    assert_true(load(NULL, &e));
    struct usage u = {.in = 10000, .cached = 4000, .thinking = 500, .out = 300};
    double usd = prices_cost(prices_find(&list, "gemini-3.8-flash", NOV_22), &u);
    assert_true(fabs(usd - (6000 * 0.75 + 4000 * 0.075 + 800 * 3.75) / 1e6) < 1e-12);
    /* No price of cached tokens: as if they were not. */
    usd = prices_cost(prices_find(&list, "gemini-3.5-flash", NOV_22), &u);
    assert_true(fabs(usd - (10000 * 1.5 + 800 * 9.0) / 1e6) < 1e-12);
    assert_true(isnan(prices_cost(prices_find(&list, "gemini-4-carbon", NOV_22), &u)));
    assert_true(isnan(prices_cost(NULL, &u)));
}

static void test_overlay(void **state)
{
    (void)state;
    struct err e;
    assert_true(load("{\"as_of\":\"2027-02-01\",\"default\":{\"openai\":\"qwen3:8b\"},\"models\":["
                     "{\"id\":\"gemini-3.8-flash\",\"provider\":\"gemini\",\"in\":1,\"out\":2},"
                     "{\"id\":\"qwen3:8b\",\"provider\":\"openai\",\"in\":0,\"out\":0}]}",
                     &e));
    assert_string_equal(list.as_of, "2027-02-01");
    assert_string_equal(list.gemini_default, "gemini-3.8-flash");
    assert_string_equal(list.openai_default, "qwen3:8b");
    const struct model_price *m = prices_find(&list, "gemini-3.8-flash", NOV_22);
    assert_true(m->in == 1 && m->out == 2 && isnan(m->cached));
    /* All rows of the id are replaced, the later one too. */
    assert_true(prices_find(&list, "gemini-3.8-flash", NOV_22 + 400 * DAY)->in == 1);
    struct usage u = {.in = 1000, .out = 1000};
    assert_true(prices_cost(prices_find(&list, "qwen3:8b", NOV_22), &u) == 0);
    assert_non_null(prices_find(&list, "gemini-4-argon", NOV_22));
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const files[] = {
        "",
        "[]",
        "{",
        "{\"format\":2}",
        "{\"as_of\":\"today\"}",
        "{\"as_of\":\"2026-13-01\"}",
        "{\"models\":{}}",
        "{\"models\":[{}]}",
        "{\"models\":[{\"id\":\"\"}]}",
        "{\"models\":[{\"id\":7}]}",
        "{\"models\":[{\"id\":\"a\",\"in\":\"1\"}]}",
        "{\"models\":[{\"id\":\"a\",\"in\":-1}]}",
        "{\"models\":[{\"id\":\"a\",\"in\":1e99}]}",
        "{\"models\":[{\"id\":\"a\",\"until\":\"2026-1-1\"}]}",
        "{\"models\":[{\"id\":\"a\\u001b[2J\"}]}",
        "{\"models\":[{\"id\":\"a\",\"id\":\"b\"}]}",
        "{\"default\":{\"gemini\":7}}",
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct err e;
        if (load(files[i], &e))
            fail_msg("taken: %s", files[i]);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_true(e.msg[0] && e.hint[0]);
        assert_string_equal(list.as_of, "2026-11-22");
        assert_non_null(prices_find(&list, "gemini-3.8-flash", NOV_22));
    }
    struct buf many = {0};
    buf_puts(&many, "{\"models\":[");
    for (int i = 0; i <= PRICES_MAX; i++)
        buf_printf(&many, "%s{\"id\":\"m%d\"}", i ? "," : "", i);
    buf_puts(&many, "]}");
    struct err e;
    assert_false(load(buf_text(&many), &e));
    buf_clear(&many);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_list), cmocka_unit_test(test_days),
        cmocka_unit_test(test_names),    cmocka_unit_test(test_cost),
        cmocka_unit_test(test_overlay),  cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
