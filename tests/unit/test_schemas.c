/* The files and lines that the library writes, held against the schemas of assets/schemas. The checker knows
 * type, const, enum, required, properties and items: what those schemas use. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "full_session.h"
#include "pgd/base/assets.h"
#include "pgd/protocol/json_records.h"
#include "pgd/protocol/summary.h"
#include "pgd/workspace/store.h"

static bool is_type(const json_t *v, const char *type)
{
    return (strcmp(type, "object") == 0 && json_is_object(v)) ||
           (strcmp(type, "array") == 0 && json_is_array(v)) ||
           (strcmp(type, "string") == 0 && json_is_string(v)) ||
           (strcmp(type, "integer") == 0 && json_is_integer(v)) ||
           (strcmp(type, "number") == 0 && json_is_number(v)) ||
           (strcmp(type, "boolean") == 0 && json_is_boolean(v)) ||
           (strcmp(type, "null") == 0 && json_is_null(v));
}

static bool has_type(const json_t *types, const json_t *v)
{
    size_t i;
    json_t *one;

    if (json_is_string(types))
        return is_type(v, json_string_value(types));
    json_array_foreach(types, i, one)
    {
        if (is_type(v, json_string_value(one)))
            return true;
    }
    return types == NULL;
}

static bool one_of(const json_t *list, const json_t *v)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (json_equal(one, v))
            return true;
    }
    return list == NULL;
}

/* Puts where and why into `why` at the first violation. */
static bool valid(const json_t *schema, const json_t *v, const char *where, char *why, size_t size)
{
    const json_t *constant = json_object_get(schema, "const");
    json_t *one;
    size_t i;
    const char *key;
    char inner[128];

    if (!has_type(json_object_get(schema, "type"), v) ||
        !one_of(json_object_get(schema, "enum"), v) || (constant && !json_equal(constant, v)))
        return snprintf(why, size, "%s is of the wrong kind", where) < 0;
    if (json_is_null(v))
        return true;
    json_array_foreach(json_object_get(schema, "required"), i, one)
    {
        if (!json_object_get(v, json_string_value(one)))
            return snprintf(why, size, "%s lacks %s", where, json_string_value(one)) < 0;
    }
    json_object_foreach(json_object_get(schema, "properties"), key, one)
    {
        const json_t *member = json_object_get(v, key);
        snprintf(inner, sizeof inner, "%.60s.%.60s", where, key);
        if (member && !valid(one, member, inner, why, size))
            return false;
    }
    const json_t *items = json_object_get(schema, "items");
    json_array_foreach(v, i, one)
    {
        snprintf(inner, sizeof inner, "%.100s[%zu]", where, i);
        if (items && !valid(items, one, inner, why, size))
            return false;
    }
    return true;
}

static json_t *schema_of(const char *name)
{
    char path[128];
    struct err e = {0};

    snprintf(path, sizeof path, "schemas/%s.schema.json", name);
    const struct asset *a = asset_find(path);
    if (!a)
        fail_msg("there is no %s", path);
    json_t *j = js_parse((const char *)a->data, a->size, &e);
    if (!j)
        fail_msg("%s: %s", path, e.detail);
    return j;
}

/* Also that no member is missing from the schema. */
static void check(const char *name, const char *text, size_t len)
{
    struct err e = {0};
    char why[256] = "";
    const char *key;
    json_t *member, *schema = schema_of(name), *v = js_parse(text, len, &e);

    if (!v)
        fail_msg("%s: %s", name, e.detail);
    if (!valid(schema, v, name, why, sizeof why))
        fail_msg("%s in %.400s", why, text);
    json_object_foreach(v, key, member)
    {
        if (!json_object_get(json_object_get(schema, "properties"), key))
            fail_msg("%s.%s is in no schema", name, key);
    }
    json_decref(v);
    json_decref(schema);
}

/* Every schema is a JSON text of the draft that it names, describes its members, and refuses an empty object. */
static void test_all_parse(void **st)
{
    (void)st;
    int n = 0;

    for (size_t i = 0; asset_at(i); i++) {
        char name[128], why[256];
        const char *key;
        json_t *member;
        /* Those of models' answers know less of JSON schema: test_ops.c. */
        if (sscanf(asset_at(i)->name, "schemas/%127[a-z_-]", name) != 1 ||
            strncmp(name, "answer-", 7) == 0)
            continue;
        json_t *schema = schema_of(name), *empty = json_object();
        assert_string_equal(json_string_value(json_object_get(schema, "$schema")),
                            "https://json-schema.org/draft/2020-12/schema");
        assert_true(json_string_length(json_object_get(schema, "title")) > 0);
        assert_false(valid(schema, empty, name, why, sizeof why));
        json_object_foreach(json_object_get(schema, "properties"), key, member)
        {
            if (!json_object_get(member, "type") && !json_object_get(member, "enum") &&
                !json_object_get(member, "const"))
                fail_msg("%s.%s has no type", name, key);
        }
        json_decref(empty);
        json_decref(schema);
        n++;
    }
    assert_true(n >= 20);
}

static void test_checker(void **st)
{
    (void)st;
    struct err e = {0};
    char why[256];
    json_t *schema = schema_of("bench");
    static const char good[] = "{\"event\":\"bench\",\"run\":1,\"arm\":\"start\",\"valid\":true,"
                               "\"tps\":1.5,\"latency_ms\":1,\"p95_ms\":null,\"p99_ms\":null,"
                               "\"failed\":0,\"temp_bytes\":0,\"hit_ratio\":null,\"warmup_s\":null,"
                               "\"tps_pgbench\":1.6,\"checkpoint_s\":null,\"redo_bytes\":0,"
                               "\"dead_tuples\":0,\"contaminated\":false,\"others_active\":null,"
                               "\"others_tps\":null}";
    json_t *v = js_parse(good, strlen(good), &e);

    assert_true(valid(schema, v, "bench", why, sizeof why));
    json_object_set_new(v, "run", json_string("1"));
    assert_false(valid(schema, v, "bench", why, sizeof why));
    assert_string_equal(why, "bench.run is of the wrong kind");
    json_object_set_new(v, "run", json_integer(1));
    json_object_del(v, "tps");
    assert_false(valid(schema, v, "bench", why, sizeof why));
    assert_string_equal(why, "bench lacks tps");
    json_object_set_new(v, "tps", json_real(1));
    json_object_set_new(v, "event", json_string("other"));
    assert_false(valid(schema, v, "bench", why, sizeof why));
    json_decref(v);
    json_decref(schema);
}

static void test_session(void **st)
{
    (void)st;
    struct session *s = full_session();
    struct buf b = {0};

    store_session_json(s, &b);
    check("file-session", b.data, b.len);
    session_reset(s);
    s->state = SESSION_ACTIVE;
    PUT(s->name, "A_1");
    b.len = 0;
    store_session_json(s, &b);
    check("file-session", b.data, b.len);
    buf_clear(&b);
    full_session_free(s);
}

static void test_index_and_workspace(void **st)
{
    (void)st;
    struct model *m = xcalloc(1, sizeof *m);
    struct session *s = full_session();
    struct buf b = {0};

    model_init(m);
    store_session_row(s, session_rows_add(&m->workspace, 0));
    session_reset(s);
    s->state = SESSION_PAUSED;
    PUT(s->name, "B_1");
    store_session_row(s, session_rows_add(&m->workspace, 1));
    store_index_json(&m->workspace, &b);
    check("file-index", b.data, b.len);
    b.len = 0;
    store_workspace_json(m, &b);
    check("file-workspace", b.data, b.len);
    buf_clear(&b);
    full_session_free(s);
    model_clear(m);
    free(m);
}

static void test_summary(void **st)
{
    (void)st;
    struct summary *s = xcalloc(1, sizeof *s);
    struct buf b = {0};

    summary_init(s);
    summary_json(s, &b);
    check("summary", b.data, b.len);
    PUT(s->workspace, "w");
    PUT(s->session, "s");
    PUT(s->state, "ARCHIVED");
    PUT(s->strategy, "A");
    s->baseline_tps = 1;
    s->best_tps = 2.5;
    s->target_tps = 3;
    s->verdict = VERDICT_IMPROVED;
    s->effect = 2.5;
    s->ci_lo = 2;
    s->ci_hi = 3;
    s->nchanges = 1;
    s->changes[0] = (struct summary_change){"work_mem", "4MB", "64MB"};
    PUT(s->report, "/r");
    b.len = 0;
    summary_json(s, &b);
    check("summary", b.data, b.len);
    buf_clear(&b);
    free(s);
}

static void test_journal(void **st)
{
    (void)st;
    struct bench_run run = {.number = 1, .valid = true, .tps = 5.5, .p95_ms = NAN};
    struct buf b = {0};
    static const char intent[] =
        "{\"event\":\"intent\",\"no\":7,\"arm\":\"round 2\",\"restart\":false,\"items\":["
        "{\"name\":\"work_mem\",\"before\":{\"present\":false,\"value\":null},"
        "\"to\":{\"present\":true,\"value\":\"64MB\"}}],"
        "\"undo\":[\"ALTER SYSTEM RESET work_mem\"],\"at\":null}";

    store_journal_bench(&run, "start", &b);
    check("journal-bench", b.data, b.len);
    b.len = 0;
    store_journal_note("checkpoint", "what", "round", &b);
    check("journal-checkpoint", b.data, b.len);
    check("journal-intent", intent, strlen(intent));
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_parse), cmocka_unit_test(test_checker),
        cmocka_unit_test(test_session),   cmocka_unit_test(test_index_and_workspace),
        cmocka_unit_test(test_summary),   cmocka_unit_test(test_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
