/* The functions of an extension in a schema whose owner turns against us: he puts impostors of every kind in its place and flips
 * the two as fast as he can, while a superuser asks what the program asks. None of them may ever run as the superuser, be it
 * that a statement is only planned; and where nobody attacks, the answers come. PGD_VERSION: the server's version, 15 if unset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "swaptest.h"

#include "pgd/discovery/extension.h"
#include "pgd/discovery/traffic.h"
#include "pgd/runner/observed.h"
#include "pgd/runner/statements.h"
#include "pgd/telemetry/tableview.h"

/* Of view_text.h, which cannot be included beside libpq-fe.h: both have a pg_conn. */
bool view_text_sql(const struct tableview *v, const char *key, const char *schema, struct buf *sql);

enum { QUESTIONS = 5, ATTACK_MS = 1000 };

static int setup(void **state)
{
    const char *want = getenv("PGD_VERSION");

    (void)state;
    pg = pgtest_start(pgtest_bindir(want ? want : "15"),
                      "shared_preload_libraries = 'pg_stat_statements'\nfsync = off\n"
                      "log_min_messages = panic\nautovacuum = off\n");
    pgtest_psql(pg, "postgres", "CREATE ROLE app LOGIN");
    pgtest_psql(pg, "postgres", "CREATE DATABASE app OWNER app");
    PGconn *c = dial("postgres");
    version = PQserverVersion(c);
    must(c, "CREATE SCHEMA s AUTHORIZATION app");
    must(c, "GRANT USAGE ON SCHEMA s TO public");
    must(c, "CREATE EXTENSION pg_stat_statements SCHEMA s");
    PQfinish(c);
    c = dial("app");
    plant_trace(c);
    PQfinish(c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pgtest_destroy(pg);
    return 0;
}

/* ---- what is asked ---- */

static void question(int no, struct buf *sql)
{
    struct statements_source run = {.form = version >= 140000   ? 14
                                            : version >= 130000 ? 13
                                                                : 12,
                                    .database = "app",
                                    .schema = "s"};
    struct observed_source look = {.form = run.form, .database = "app", .schema = "s"};
    const struct tableview *v = tableview_find("statements");

    if (no == 0)
        assert_true(tableview_sql(tableview_asset(v, version), version, "s", sql));
    else if (no == 1)
        assert_true(
            view_text_sql(v, "1" TABLEVIEW_SEPARATOR "10" TABLEVIEW_SEPARATOR "5", "s", sql));
    else if (no == 2)
        traffic_sql(version, "s", sql);
    else if (no == 3)
        observed_statements_sql(&look, NULL, 0, sql);
    else
        statements_sql(&run, sql);
}

/* One look as the program sends it; with PGD_TEST_PLAIN as it must not: that is how to see the test fail. */
static bool look(PGconn *c, int no)
{
    struct buf q = {0}, steps = {0};
    bool answered;

    question(no, &q);
    if (getenv("PGD_TEST_PLAIN"))
        buf_puts(&steps, buf_text(&q));
    else
        extension_call_sql("s", no == 3 && version >= 140000, buf_text(&q), &steps);
    answered = run(c, buf_text(&steps));
    if (!answered && PQstatus(c) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(c));
    buf_clear(&q);
    buf_clear(&steps);
    return answered;
}

static PGconn *superuser(void)
{
    PGconn *c = dial("postgres");

    must(c, "SET search_path = pg_catalog");
    return c;
}

/* ---- impostors ---- */

#define COLUMNS                                                                                 \
    "userid oid, dbid oid, queryid bigint, query text, calls bigint, total_time float8, "       \
    "total_exec_time float8, mean_time float8, mean_exec_time float8, stddev_time float8, "     \
    "stddev_exec_time float8, max_time float8, max_exec_time float8, rows bigint, "             \
    "temp_blks_written bigint, temp_blks_read bigint, shared_blks_read bigint, "                \
    "shared_blks_hit bigint, blk_read_time float8, blk_write_time float8, "                     \
    "shared_blk_read_time float8, shared_blk_write_time float8, temp_blk_read_time float8, "    \
    "temp_blk_write_time float8, wal_bytes numeric, total_plan_time float8, toplevel boolean, " \
    "jit_generation_time float8, jit_inlining_time float8, jit_optimization_time float8, "      \
    "jit_emission_time float8, stats_since timestamptz, minmax_stats_since timestamptz"

static const struct {
    const char *name, *sql;
} impostors[] = {
    {"plpgsql, immutable",
     "CREATE FUNCTION fake.pg_stat_statements(showtext boolean) RETURNS SETOF fake.row LANGUAGE "
     "plpgsql IMMUTABLE AS $$BEGIN PERFORM app.evil(); RETURN; END$$"},
    {"plpgsql, volatile",
     "CREATE FUNCTION fake.pg_stat_statements(showtext boolean) RETURNS SETOF fake.row LANGUAGE "
     "plpgsql VOLATILE AS $$BEGIN PERFORM app.evil(); RETURN; END$$"},
    {"sql, inlined as a table", "CREATE FUNCTION fake.pg_stat_statements(showtext boolean) RETURNS "
                                "SETOF fake.row LANGUAGE sql "
                                "STABLE AS $$SELECT * FROM fake.one WHERE app.evil() = 1$$"},
    {"sql, inlined as an expression",
     "CREATE FUNCTION fake.pg_stat_statements(showtext boolean) RETURNS fake.row LANGUAGE sql "
     "IMMUTABLE AS $$SELECT fake.made()$$"},
    {"the default of an argument",
     "CREATE FUNCTION fake.pg_stat_statements(showtext boolean, more int DEFAULT app.evil()) "
     "RETURNS "
     "SETOF fake.row LANGUAGE plpgsql STABLE AS $$BEGIN RETURN; END$$"},
    {"a view and info()",
     "CREATE VIEW fake.pg_stat_statements AS SELECT * FROM fake.one WHERE app.evil() = 1; "
     "CREATE FUNCTION fake.pg_stat_statements(showtext boolean) RETURNS SETOF fake.row LANGUAGE "
     "sql "
     "STABLE AS $$SELECT * FROM fake.one$$"}};

static void plant(PGconn *c, int no)
{
    must(c, "SET client_min_messages = warning");
    must(c, "DROP SCHEMA IF EXISTS fake CASCADE");
    must(c, "CREATE SCHEMA fake");
    must(c, "GRANT USAGE ON SCHEMA fake TO public");
    must(c, "CREATE TYPE fake.row AS (" COLUMNS ")");
    must(c, "CREATE TABLE fake.one (" COLUMNS ")");
    must(c, "CREATE FUNCTION fake.made() RETURNS fake.row LANGUAGE plpgsql IMMUTABLE AS $$BEGIN "
            "PERFORM app.evil(); RETURN NULL; END$$");
    must(c,
         "CREATE FUNCTION fake.pg_stat_statements_info(OUT dealloc bigint, OUT stats_reset "
         "timestamptz) LANGUAGE sql IMMUTABLE AS $$SELECT app.evil()::bigint, NULL::timestamptz$$");
    must(c, impostors[no].sql);
}

/* Swaps the two schemas until it is killed, or once. */
static void flip(PGconn *c)
{
    run(c, "ALTER SCHEMA s RENAME TO aside; ALTER SCHEMA fake RENAME TO s; ALTER SCHEMA aside "
           "RENAME TO "
           "fake");
}

/* Whichever is named s: back to the real one. */
static void restore(PGconn *c)
{
    if (figure(
            c,
            "SELECT count(*) FROM pg_catalog.pg_extension AS e JOIN pg_catalog.pg_namespace AS n "
            "ON "
            "n.oid = e.extnamespace WHERE n.nspname = 's' AND e.extname = 'pg_stat_statements'") !=
        1)
        flip(c);
}

/* ---- tests ---- */

static void test_normal(void **state)
{
    PGconn *c = superuser();

    (void)state;
    for (int no = 0; no < QUESTIONS; no++)
        for (int again = 0; again < 2; again++)
            if (!look(c, no))
                fail_msg("question %d: %s", no, PQerrorMessage(c));
    assert_int_equal(figure(c, "SELECT count(*) FROM pg_catalog.pg_prepared_statements"), 0);
    PGresult *r = PQexec(c, "SHOW array_nulls");
    assert_string_equal(PQgetvalue(r, 0, 0), "on");
    PQclear(r);
    PQfinish(c);
}

static void test_standing(void **state)
{
    PGconn *c = superuser(), *owner = dial("app");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(impostors); i++) {
        plant(owner, (int)i);
        flip(owner);
        for (int no = 0; no < QUESTIONS; no++)
            assert_false(look(c, no));
        unharmed(owner, "standing", impostors[i].name);
        restore(owner);
        assert_true(look(c, 0));
    }
    PQfinish(owner);
    PQfinish(c);
}

/* The swap comes between two steps: each place once, the prepared question meets its fuse or the check. */
static void test_between(void **state)
{
    PGconn *c = superuser(), *owner = dial("app");
    struct buf q = {0}, steps = {0};
    int refused = 0;

    (void)state;
    plant(owner, 0);
    question(0, &q);
    extension_call_sql("s", false, buf_text(&q), &steps);
    for (int at = 0; at < 5; at++) {
        int no = 0;
        bool ok = true;
        must(c, "BEGIN");
        for (char *step = steps.data, *end; step && *step && ok; step = end, no++) {
            end = strstr(step, ";\n");
            if (end)
                *end = '\0';
            if (no == at)
                flip(owner);
            ok = run(c, step);
            if (end) {
                *end = ';';
                end += 2;
            }
        }
        refused += !ok;
        must(c, "ROLLBACK");
        unharmed(owner, "between", impostors[0].name);
        restore(owner);
    }
    assert_int_equal(refused, 5);
    buf_clear(&q);
    buf_clear(&steps);
    PQfinish(owner);
    PQfinish(c);
}

static void test_race(void **state)
{
    PGconn *owner = dial("app");
    const char *soak = getenv("PGD_SOAK");
    double ms = soak ? 10 * ATTACK_MS : ATTACK_MS;
    long answered = 0, refused = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(impostors); i++) {
        plant(owner, (int)i);
        PGconn *c = superuser();
        pid_t child = attack(flip, 1500);
        for (double end = now_ms() + ms; now_ms() < end;)
            for (int no = 0; no < QUESTIONS; no++)
                look(c, no) ? answered++ : refused++;
        attack_end(child);
        PQfinish(c);
        unharmed(owner, "race", impostors[i].name);
        wait_alone(owner);
        restore(owner);
    }
    fprintf(stderr, "%ld looks were answered, %ld refused\n", answered, refused);
    assert_true(answered > 20 && refused > 20);
    PQfinish(owner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_normal),
                                       cmocka_unit_test(test_standing),
                                       cmocka_unit_test(test_between), cmocka_unit_test(test_race)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
