/* From the text of a statement to a script: what is taken, what a parameter is compared with, and that no value of a table
 * can become more than a value. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/runner/derivation.h"
#include "pgd/runner/derive.h"
#include "pgd/runner/script.h"

static const char *const roles[] = {
    [DERIVE_FREE] = "free",         [DERIVE_VALUE] = "value",   [DERIVE_LOW] = "low",
    [DERIVE_HIGH] = "high",         [DERIVE_ARRAY] = "array",   [DERIVE_PATTERN] = "pattern",
    [DERIVE_LIMIT] = "limit",       [DERIVE_OFFSET] = "offset", [DERIVE_ELEMENT] = "element",
    [DERIVE_ELEMENTS] = "elements", [DERIVE_JSON_KEY] = "key",  [DERIVE_JSON_VALUE] = "at",
    [DERIVE_SAME] = "same",
};

/* "value orders.id, limit": role and expression of each parameter. */
static void described(const struct derived *d, struct buf *out)
{
    for (int i = 0; i < d->nparams; i++) {
        const struct derive_param *p = &d->params[i];
        buf_printf(out, "%s%s", i ? ", " : "", roles[p->role]);
        if (p->expr[0])
            buf_printf(out, " %s", p->expr);
        if (p->table >= 0)
            buf_printf(out, " of %s", d->tables[p->table].name);
        if (p->partner >= 0)
            buf_printf(out, " $%d", p->partner + 1);
    }
}

static void test_parameters(void **state)
{
    static const struct {
        const char *text, *read, *params;
    } rows[] = {
        {"SELECT 1", "SELECT 1", ""},
        {"SELECT * FROM t WHERE id = $1;", "SELECT * FROM t WHERE id = $1", "value id of t"},
        {"SELECT * FROM s.t AS x WHERE x.id = $1 LIMIT $2 OFFSET $3",
         "SELECT * FROM s.t AS x WHERE x.id = $1 LIMIT $2 OFFSET $3",
         "value x.id of s.t, limit, offset"},
        {"SELECT a FROM t WHERE $1 < b AND c BETWEEN $2 AND $3",
         "SELECT a FROM t WHERE $1 < b AND c BETWEEN $2 AND $3",
         "low b of t, low c of t $3, high c of t $2"},
        {"SELECT a FROM t WHERE at >= $1::timestamptz AND at < $2::timestamptz + $3::interval",
         "SELECT a FROM t WHERE at >= $1::timestamptz AND at < $2::timestamptz + $3::interval",
         "low at of t $2, high at of t $1, free"},
        {"SELECT a FROM t, u x WHERE t.id IN ($1, $2) AND x.id NOT IN ($3) AND a = ANY ($4)",
         "SELECT a FROM t, u x WHERE t.id IN ($1, $2) AND x.id NOT IN ($3) AND a = ANY ($4)",
         "value t.id of t, value t.id of t, value x.id of u, array a"},
        {"SELECT a FROM t WHERE id IN ($1 /*, ... */) AND b = $2",
         "SELECT a FROM t WHERE id IN ($1, $2, $3, $4, $5 ) AND b = $6",
         "value id of t, value id of t, value id of t, value id of t, value id of t, value b of t"},
        {"SELECT a FROM t WHERE lower(t.b) = lower($1) AND (c)::date = $2 AND d::text LIKE $3",
         "SELECT a FROM t WHERE lower(t.b) = lower($1) AND (c)::date = $2 AND d::text LIKE $3",
         "value lower(t.b) of t, value (c)::date of t, pattern d::text of t"},
        {"SELECT a FROM t WHERE d > date $1 AND e > timestamp with time zone $2 - interval $3 day",
         "SELECT a FROM t WHERE d > $1::date AND e > $2::timestamp with time zone - $3::interval "
         "day",
         "low d of t, low e of t, free"},
        {"SELECT date_trunc($1, at), extract($2 from at) FROM t GROUP BY 1",
         "SELECT date_trunc('day', at), extract(day from at) FROM t GROUP BY 1", ""},
        {"SELECT date_trunc($1, at), coalesce(n, $2) FROM t GROUP BY date_trunc('week', at), "
         "coalesce(n, $3) ORDER BY coalesce(n, $4) DESC, 1",
         "SELECT date_trunc('week', at), coalesce(n, $1) FROM t GROUP BY date_trunc('week', at), "
         "coalesce(n, $1) ORDER BY coalesce(n, $1) DESC, 1",
         "value n of t"},
        {"SELECT d -> $1 FROM t WHERE d ->> $2 = $3 AND (d ->> $4)::int > $5 AND d @> $6 AND d ? "
         "$7",
         "SELECT d -> $1 FROM t WHERE d ->> $2 = $3 AND (d ->> $4)::int > $5 AND d @> $6 AND d ? "
         "$7",
         "key d of t, key d of t, at d of t $2, key d of t, at d of t $4, elements d of t, key d "
         "of "
         "t"},
        {"SELECT 1 FROM t WHERE $1 = ANY (tags) AND tags && ARRAY[$2, $3] AND tags @> $4 AND id = "
         "ANY "
         "(ARRAY[$5])",
         "SELECT 1 FROM t WHERE $1 = ANY (tags) AND tags && ARRAY[$2, $3] AND tags @> $4 AND id = "
         "ANY (ARRAY[$5])",
         "element tags of t, element tags of t, element tags of t, elements tags of t, value id of "
         "t"},
        {"SELECT 1 FROM t WHERE a IS NOT DISTINCT FROM $1 AND (b, c) < ($2, $3) AND CAST(e AS "
         "text) "
         "= CAST($4 AS text)",
         "SELECT 1 FROM t WHERE a IS NOT DISTINCT FROM $1 AND (b, c) < ($2, $3) AND CAST(e AS "
         "text) "
         "= CAST($4 AS text)",
         "same a of t, high b of t, high c of t, value CAST(e AS text) of t"},
        {"SELECT -- a comment with $9 and 'a quote\n a /* and /* another */ ; */ FROM \"T x\" "
         "WHERE "
         "\"T x\".\"B\" = $1",
         "SELECT\na FROM \"T x\" WHERE \"T x\".\"B\" = $1", "value \"T x\".\"B\" of \"T x\""},
        {"SELECT '$1 :x', $2 FROM t", "SELECT E'$1 \\072x', $1 FROM t", "free"},
        {"WITH r AS (SELECT * FROM t WHERE a = $1) SELECT * FROM r JOIN u USING (id) WHERE u.b = "
         "$2",
         "WITH r AS (SELECT * FROM t WHERE a = $1) SELECT * FROM r JOIN u USING (id) WHERE u.b = "
         "$2",
         "value a, value u.b of u"},
        {"SELECT x[$1:$2], x[i:j] FROM t", "SELECT x[$1: $2], x[i: j] FROM t", "free, free"},
        {"SELECT 1 FROM t WHERE a.update = $1 AND extract(year from c) = $2",
         "SELECT 1 FROM t WHERE a.update = $1 AND extract(year from c) = $2",
         "value a.update, value extract(year from c) of t"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct derived d;
        struct buf told = {0};
        if (!derive_read(rows[i].text, &d))
            fail_msg("%s: %s", rows[i].text, d.why);
        assert_string_equal(d.text, rows[i].read);
        described(&d, &told);
        assert_string_equal(buf_text(&told), rows[i].params);
        buf_clear(&told);
        derived_clear(&d);
    }
}

static void test_not_taken(void **state)
{
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"", "is empty"},
        {"-- nothing", "is empty"},
        {"ALTER ROLE a PASSWORD 'secret'", "does not begin as a statement that reads"},
        {"EXPLAIN SELECT 1", "does not begin as a statement that reads"},
        {"UPDATE t SET a = $1", "does not begin as a statement that reads"},
        {"WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x", "writes"},
        {"with x as (\n insert\n into t values ($1) returning 1) select 1", "writes"},
        {"SELECT * INTO u FROM t", "writes"},
        {"SELECT * FROM t WHERE id = $1 FOR UPDATE", "locks rows"},
        {"SELECT * FROM t FOR NO KEY UPDATE SKIP LOCKED", "locks rows"},
        {"SELECT * FROM t FOR SHARE", "locks rows"},
        {"SELECT 1; DROP TABLE t", "is more than one statement"},
        {"SELECT 'a\\'; DROP TABLE t; --'", "has a backslash"},
        {"SELECT $x$a$x$", "has a string in dollar quotes"},
        {"SELECT E'a'", "has a string of a special form"},
        {"SELECT U&'a'", "has a string of a special form"},
        {"SELECT 'a", "has quotes that do not end"},
        {"SELECT /* a", "has a comment that does not end"},
        {"SELECT (1", "has brackets that do not match"},
        {"SELECT \"a:b\" FROM t",
         "has a name with a colon, which pgbench would take for a variable"},
        {"SELECT a FROM t WHERE b = $12345", "has more parameters than can be given"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct derived d;
        if (derive_read(rows[i].text, &d))
            fail_msg("taken: %s", rows[i].text);
        assert_string_equal(d.why, rows[i].why);
        assert_null(d.text);
        derived_clear(&d);
    }
}

static void give(struct derive_param *p, const char *type, const char *const *values, int n)
{
    snprintf(p->type, sizeof p->type, "%s", type);
    p->nvalues = n;
    p->values = xcalloc((size_t)n + 1, sizeof *p->values);
    for (int i = 0; i < n; i++)
        p->values[i] = xstrdup(values[i]);
}

static void test_values_stay_values(void **state)
{
    static const char *const nasty[] = {
        "a:b",  ":p1", "it's", "back\\slash", "\\shell rm -rf /", "\"q\"", "a\n\\setshell x",
        "NULL", "",    "{1,2}"};
    struct derived d;
    struct buf script = {0}, statement = {0};
    struct err e = {0};

    (void)state;
    assert_true(derive_read("SELECT * FROM t WHERE a = $1", &d));
    d.mean_ms = 5;
    give(&d.params[0], "text", nasty, (int)ARRAY_LEN(nasty));
    assert_true(derive_script(&d, "-- title\n", 7, 2, &script));
    assert_string_equal(
        buf_text(&script),
        "-- title\n\\set row1 random(1, 10)\nSELECT /* pg_diagnose 7 */ * FROM t WHERE a = "
        "(E'{\"a\\072b\",\"\\072p1\",\"it''s\",\"back\\134\\134slash\",\"\\134\\134shell rm -rf "
        "/\","
        "\"\\134\"q\\134\"\",\n\"a\\012\\134\\134setshell "
        "x\",\"NULL\",\"\",\"{1,2}\"}'::text[])[:row1];\n");
    assert_true(script_select(buf_text(&script), 0, 1, &statement));
    assert_false(script_select(buf_text(&script), 1, 1, &statement));
    if (!script_check("x", buf_text(&script), script.len, &e))
        fail_msg("%s", e.msg);
    buf_clear(&script);
    buf_clear(&statement);
    derived_clear(&d);
}

static void test_ranges(void **state)
{
    static const char *const values[] = {"10", "20", "30", "40", "50", "60", "70", "80"};
    static const char *const want[DERIVE_LEVELS] = {
        "\\set p1 random(1, 8)\n|BETWEEN ('{10,20,30,40,50,60,70,80}'::integer[])[:p1] AND "
        "('{10,20,30,40,50,60,70,80}'::integer[])[:p1]",
        "\\set p1 random(1, 8)\n|AND ('{11,21,31,41,51,61,71,81}'::integer[])[:p1]",
        "\\set p1 random(1, 7)\n\\set p2 :p1 + 1\n|AND "
        "('{10,20,30,40,50,60,70,80}'::integer[])[:p2]",
        "\\set p1 random(1, 4)\n\\set p2 :p1 + 4\n|",
        "\\set p1 random(1, 1)\n\\set p2 :p1 + 7\n|",
        "\\set p1 random(1, 1)\n\\set p2 :p1 + 7\n|",
    };
    struct derived d;

    (void)state;
    assert_true(derive_read("SELECT * FROM t WHERE a BETWEEN $1 AND $2", &d));
    give(&d.params[0], "integer", values, 8);
    snprintf(d.params[1].type, sizeof d.params[1].type, "integer");
    d.params[0].extra = xcalloc(8, sizeof(char *));
    for (int i = 0; i < 8; i++) {
        d.params[0].extra[i] = xstrdup(values[i]);
        d.params[0].extra[i][1] = '1';
    }
    assert_true(derive_has_levels(&d));
    for (int level = 0; level < DERIVE_LEVELS; level++) {
        struct buf script = {0};
        const char *bar = strchr(want[level], '|');
        assert_true(derive_script(&d, "", 1, level, &script));
        if (strncmp(buf_text(&script), want[level], (size_t)(bar - want[level])) != 0 ||
            !strstr(buf_text(&script), bar + 1))
            fail_msg("level %d: %s", level, buf_text(&script));
        buf_clear(&script);
    }
    derived_clear(&d);
}

static void test_questions(void **state)
{
    struct derived d;
    struct buf q = {0};
    int at = 0;

    (void)state;
    assert_true(
        derive_read("SELECT * FROM orders o WHERE o.\"Who\" = $1 AND o.n = $2 AND o.at > $3", &d));
    assert_true(derive_ask_tables(&d, &q));
    assert_non_null(strstr(buf_text(&q), "(VALUES (0, 'orders'))"));
    assert_non_null(strstr(buf_text(&q), "IN ('', 'Who', 'n', 'at')"));
    buf_clear(&q);
    struct rows *r = rows_parse(
        "i|kind|pages|schema|relation|only|version|column|type|null_frac|span\n"
        "0|r|1000|public|public.orders|t|1 2|Who|uuid|0|\\N\n"
        "0|r|1000|public|public.orders|t|1 2|n|integer|0.5|1 90\n"
        "0|r|1000|public|public.orders|t|1 2|at|timestamp with time zone|0|\\N\n");
    derive_tables(&d, r);
    rows_free(r);
    assert_true(d.params[1].span && d.params[1].lo == 1 && d.params[1].hi == 90);
    assert_true(derive_ask_values(&d, &at, &q));
    assert_non_null(strstr(
        buf_text(&q),
        "\nSELECT /* pg_diagnose */ (o.\"Who\")::text AS v0, (o.n)::text AS v1 FROM "
        "ONLY public.orders AS o TABLESAMPLE SYSTEM (40.000000) WHERE (o.\"Who\") IS NOT NULL AND "
        "(o.n) IS NOT NULL ORDER BY pg_catalog.random() LIMIT 64\n"));
    assert_non_null(strstr(buf_text(&q), "to_regclass('public.orders')"));
    buf_clear(&q);
    r = rows_parse("v0|v1\nu1|5\nu2|7\n");
    derive_values(&d, at++, r);
    rows_free(r);
    assert_string_equal(d.params[1].values[1], "7");
    assert_true(derive_ask_values(&d, &at, &q)); /* the range */
    assert_non_null(strstr(buf_text(&q), "(v + (w - v) * 0.1)::text AS extra"));
    snprintf(d.params[2].type, sizeof d.params[2].type, "timestamp with time zone");
    r = rows_parse("value|extra\n2026-01-01 10:00:00+00|2026-01-01 10:06:00+00\n");
    derive_values(&d, at++, r);
    rows_free(r);
    assert_string_equal(d.params[2].values[0], "2026-01-01 100000+00");
    buf_clear(&q);
    assert_false(derive_ask_values(&d, &at, &q));
    derived_clear(&d);
}

static void test_prepare(void **state)
{
    struct derived d;
    struct buf q = {0};

    (void)state;
    assert_true(derive_read(
        "SELECT 1 FROM t WHERE a = ANY (ARRAY[$1]) AND c @> ARRAY[$2] AND '$1' = b", &d));
    snprintf(d.params[0].column_type, sizeof d.params[0].column_type, "integer");
    snprintf(d.params[1].column_type, sizeof d.params[1].column_type, "smallint[]");
    derive_prepare(&d, true, &q);
    assert_string_equal(buf_text(&q), "SELECT 1 FROM t WHERE a = ANY (ARRAY[$1::integer]) AND c @> "
                                      "ARRAY[$2::smallint] AND '$1' = b");
    buf_clear(&q);
    derived_clear(&d);
}

static void test_weights(void **state)
{
    static const struct {
        double calls[3];
        int want[3];
    } rows[] = {
        {{1, 1, 1}, {100, 100, 100}},
        {{7, 14, 700}, {100, 200, 10000}},
        {{1, 1e6, 5e6}, {1, 20000, 100000}},
        {{0.5, 3, 0}, {100, 300, 100}},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got[3];
        derive_weights(rows[i].calls, 3, got);
        for (int k = 0; k < 3; k++)
            assert_int_equal(got[k], rows[i].want[k]);
    }
}

static void test_traffic(void **state)
{
    struct traffic t;
    struct buf q = {0};
    struct rows *r = rows_parse(
        "id|calls|total_ms|rows|kind|query|all_ms|write_ms|statements\n"
        "1|10|600|10|read|SELECT 1|1000|300|3\n2|5|300|5|write|\\N|1000|300|3\n"
        "3|1|100|1|hidden|\\N|1000|300|3\n");

    (void)state;
    assert_true(traffic_read(r, &t));
    rows_free(r);
    assert_int_equal(t.n, 3);
    assert_true(t.rows[0].share == 0.6 && t.write_share == 0.3);
    assert_null(t.rows[1].query);
    traffic_clear(&t);
    assert_false(traffic_read(NULL, &t));
    traffic_sql(120000, "Odd one", &q);
    assert_non_null(strstr(buf_text(&q), "sum(total_time) AS total_ms"));
    assert_non_null(strstr(buf_text(&q), "FROM \"Odd one\".pg_stat_statements(true)"));
    assert_null(strstr(buf_text(&q), "toplevel"));
    buf_clear(&q);
    traffic_sql(180000, "public", &q);
    assert_non_null(strstr(buf_text(&q), "sum(total_exec_time) AS total_ms"));
    assert_non_null(strstr(buf_text(&q), "AND toplevel"));
    buf_clear(&q);
}

static void test_measured(void **state)
{
    double ms, n;
    struct rows *r = rows_parse(
        "QUERY PLAN\nLimit  (cost=0..1 rows=9 width=4) (actual rows=3 loops=1)\n"
        "  ->  Seq Scan on t  (cost=0..1 rows=9 width=4) (actual rows=7.50 loops=1)\n"
        "Planning Time: 0.1 ms\nExecution Time: 1.250 ms\n");

    (void)state;
    derivation_measured(r, &ms, &n);
    rows_free(r);
    assert_true(ms == 1.25 && n == 3);
    derivation_measured(NULL, &ms, &n);
    assert_true(isnan(ms) && isnan(n));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters),
        cmocka_unit_test(test_not_taken),
        cmocka_unit_test(test_values_stay_values),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_questions),
        cmocka_unit_test(test_prepare),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_traffic),
        cmocka_unit_test(test_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
