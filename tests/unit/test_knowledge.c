/* What is known of the settings: complete, within the policy's limits, and refused when it is not valid. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/knowledge.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"

static void test_every_setting_has_an_entry(void **state)
{
    (void)state;
    struct knowledge *k = knowledge_load();
    int n = 0;
    for (const struct knob *knob; (knob = knob_at(n)); n++) {
        const struct known_setting *s = knowledge_find(k, knob->name);
        if (!s)
            fail_msg("nothing is known of %s", knob->name);
        assert_int_equal(s->since, knob->min_version);
        assert_true(s->meaning[0] && s->source[0] && s->otherwise[0]);
    }
    for (int i = 0; os_at(i); i++, n++) {
        char name[80];
        snprintf(name, sizeof name, OS_PREFIX "%s", os_at(i)->name);
        bool found = false;
        for (int j = 0; j < k->n && !found; j++)
            found = strcmp(k->items[j].name, name) == 0;
        if (!found)
            fail_msg("nothing is known of %s", name);
    }
    assert_int_equal(n, k->n);
    assert_non_null(knowledge_find(k, "os:io.sda.scheduler"));
    assert_null(knowledge_find(k, "os:io.sda.nr_requests"));
    free(k);
}

/* Bytes or ms or plain of a text with a unit, as the limits of the allowlist count. */
static double number(const struct known_setting *s, const char *text)
{
    static const struct {
        const char *unit;
        double factor;
    } factors[] = {{"kB", 1024}, {"MB", 1048576}, {"GB", 1073741824}, {"ms", 1}, {"min", 60000},
                   {"s", 1000},  {"", 1}};
    char digits[32];
    double value;
    size_t len = strspn(text, "-0123456789.");
    snprintf(digits, sizeof digits, "%.*s", (int)len, text);
    assert_true(text_double(digits, &value));
    for (size_t i = 0; i < ARRAY_LEN(factors); i++)
        if (strcmp(factors[i].unit, text + len) == 0)
            return value * factors[i].factor;
    fail_msg("%s: %s", s->name, text);
    return NAN;
}

static void within(const struct known_setting *s, const struct known_list *list, bool rising)
{
    static const struct known_scale scale = {16.0 * (1 << 30), 1e9, 4};
    const struct knob *knob = knob_find(s->name);
    double before = -2;
    for (int i = 0; i < list->n; i++) {
        char value[64];
        assert_true(known_value(s, list->items[i], &scale, value, sizeof value));
        if (s->unit == KNOWN_SWITCH || s->unit == KNOWN_CHOICE)
            continue;
        double x = number(s, value);
        if (x < 0 && (knob->flags & KNOB_MINUS_ONE))
            continue;
        if (x < knob->floor || x > knob->ceiling)
            fail_msg("%s: %s is outside the limits of the allowlist", s->name, value);
        bool relative = list->items[i][0] >= 'a' && list->items[i][0] <= 'z';
        if (rising && !relative && x <= before)
            fail_msg("%s: %s does not rise", s->name, value);
        before = x;
    }
}

static void test_values_are_within_the_limits(void **state)
{
    (void)state;
    struct knowledge *k = knowledge_load();
    for (int i = 0; i < k->n; i++) {
        const struct known_setting *s = &k->items[i];
        within(s, &s->ladder, true);
        within(s, &s->explore, false);
        for (int kind = 0; kind < LOAD_KINDS; kind++)
            if (s->worth[kind] > 0 && s->explore.n == 0 && s->ladder.n == 0)
                fail_msg("%s is worth something but has no values", s->name);
        const struct knob *knob = knob_find(s->name);
        assert_int_equal(!knob,
                         os_is(s->name)); /* those of the system have values from rules alone */
        if (!knob)
            assert_int_equal(s->explore.n + s->ladder.n, 0);
        /* Neither the DBA's own nor a trade of durability is ever explored. */
        if (knob && knob->flags & (KNOB_DBA_ONLY | KNOB_DURABILITY))
            assert_int_equal(s->explore.n, 0);
    }
    free(k);
}

static void test_relative_values(void **state)
{
    (void)state;
    struct knowledge *k = knowledge_load();
    const struct known_setting *s = knowledge_find(k, "shared_buffers");
    struct known_scale scale = {16.0 * (1 << 30), 300.0 * 1048576, 4};
    char value[64];
    assert_true(known_value(s, "ram/4", &scale, value, sizeof value));
    assert_string_equal(value, "4GB");
    assert_true(known_value(s, "database*1.2", &scale, value, sizeof value));
    assert_string_equal(value, "320MB");
    assert_true(known_value(s, "512MB", &scale, value, sizeof value));
    assert_string_equal(value, "512MB");
    scale.ram = NAN;
    assert_false(known_value(s, "ram/4", &scale, value, sizeof value));
    assert_false(known_value(s, "moon/4", &scale, value, sizeof value));
    assert_false(known_value(s, "ram/x", &scale, value, sizeof value));
    free(k);
}

#define ENTRY(name, more)                                              \
    "{\"format\":1,\"settings\":{\"" name                              \
    "\":{\"meaning\":\"m\",\"unit\":\"memory\",\"change\":\"reload\"," \
    "\"default\":\"4MB\",\"source\":\"s\"" more "}}}"

static void test_what_is_not_valid(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"format\":1}",
        "{\"format\":2,\"settings\":{}}",
        ENTRY("no_such_setting", ""),
        ENTRY("archive_command", ""),
        ENTRY("work_mem", ",\"colour\":1"),
        ENTRY("work_mem", ",\"ladder\":\"4MB\""),
        ENTRY("work_mem", ",\"ladder\":[4]"),
        ENTRY("work_mem", ",\"worth\":{\"luck\":1}"),
        ENTRY("work_mem", ",\"worth\":{\"cpu\":-1}"),
        ENTRY("work_mem", ",\"since\":\"15\""),
        ENTRY("work_mem", ",\"interacts\":[\"jit\"]"),
        "{\"format\":1,\"settings\":{\"work_mem\":{\"meaning\":\"m\"}}}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        struct knowledge *k = knowledge_parse(bad[i], strlen(bad[i]), &e);
        if (k)
            fail_msg("taken: %s", bad[i]);
        assert_int_not_equal(e.code, ERR_NONE);
    }
    const char *good = ENTRY("work_mem", ",\"ladder\":[\"4MB\"]");
    struct err e = {0};
    struct knowledge *k = knowledge_parse(good, strlen(good), &e);
    assert_non_null(k);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_setting_has_an_entry),
        cmocka_unit_test(test_values_are_within_the_limits),
        cmocka_unit_test(test_relative_values),
        cmocka_unit_test(test_what_is_not_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
