/* The SQL of every live view against real servers: each version that has a text of its own, as a superuser, with pg_monitor, and as an
 * ordinary role; with a table that somebody locks whole, a vacuum under way, a slot, a password in a setting. With PGD_SOAK on a catalog of
 * 100 000 relations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgtest.h"

#include "pgd/base/mem.h"
#include "pgd/telemetry/tableview.h"

/* Of view_text.h, which cannot be included beside libpq-fe.h: both have a pg_conn. */
bool view_text_sql(const struct tableview *v, const char *key, const char *schema, struct buf *sql);

enum { FEW = 2000, MANY = 100000, MOST_MS = 2000 };

enum { SUPERUSER, MONITOR, ORDINARY, ROLES };
static const char *const roles[ROLES] = {"postgres", "watcher", "nobody_much"};

static struct pgtest *pg;
static int version, relations;

/* ---- the server ---- */

static const char conf[] = "shared_preload_libraries = 'pg_stat_statements'\n"
                           "autovacuum = off\nfsync = off\nmax_connections = 20\n"
                           "wal_level = replica\nmax_locks_per_transaction = 200\n"
                           "primary_conninfo = 'host=elsewhere password=open-sesame'\n";

static void plant(void)
{
    char sql[400];

    pgtest_psql(pg, "postgres", "CREATE EXTENSION pg_stat_statements");
    pgtest_psql(pg, "postgres", "CREATE ROLE watcher LOGIN");
    pgtest_psql(pg, "postgres", "GRANT pg_monitor TO watcher");
    pgtest_psql(pg, "postgres", "CREATE ROLE nobody_much LOGIN");
    pgtest_psql(
        pg, "postgres",
        "CREATE PROCEDURE public.make(n int) LANGUAGE plpgsql AS $$BEGIN FOR i IN 1..n LOOP "
        "EXECUTE format('CREATE TABLE public.t%s (id int PRIMARY KEY)', i); "
        "IF i % 500 = 0 THEN COMMIT; END IF; END LOOP; END$$");
    snprintf(sql, sizeof sql, "CALL public.make(%d)", relations / 2);
    pgtest_psql(pg, "postgres", sql);
    pgtest_psql(pg, "postgres",
                "CREATE TABLE public.planted AS SELECT i, repeat('x', 80) AS pad FROM "
                "generate_series(1, 20000) AS i");
    pgtest_psql(pg, "postgres", "ALTER TABLE public.planted ADD PRIMARY KEY (i)");
    pgtest_psql(pg, "postgres", "DELETE FROM public.planted WHERE i % 3 = 0");
    pgtest_psql(pg, "postgres", "ANALYZE public.planted");
    pgtest_psql(pg, "postgres", "CREATE TABLE public.shut (i int PRIMARY KEY)");
    pgtest_psql(pg, "postgres", "SELECT pg_create_physical_replication_slot('forgotten', true)");
    pgtest_psql(pg, "postgres", "SELECT count(*) FROM public.planted AS planted_statement");
}

static PGconn *dial(const char *role, const char *app)
{
    const char *keys[] = {"host", "port", "user", "dbname", "application_name", NULL};
    const char *values[] = {pg->host, pg->port, role, "postgres", app, NULL};
    PGconn *c = PQconnectdbParams(keys, values, 0);

    if (PQstatus(c) != CONNECTION_OK)
        fail_msg("%s: %s", role, PQerrorMessage(c));
    return c;
}

static void must(PGconn *c, const char *sql)
{
    PGresult *r = PQexec(c, sql);

    if (PQresultStatus(r) != PGRES_COMMAND_OK && PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(c));
    PQclear(r);
}

/* As the sessions of the program are. */
static PGconn *open_session(const char *role)
{
    PGconn *c = dial(role, "pg_diagnose");

    must(c, "SET search_path = pg_catalog");
    must(c, "SET default_transaction_read_only = on");
    must(c, "SET lock_timeout = '100ms'");
    must(c, "SET jit = off");
    return c;
}

/* ---- one view ---- */

static struct rows *rows_of(const PGresult *r)
{
    struct rows *out = rows_new(PQntuples(r), PQnfields(r));

    for (int c = 0; c < out->ncols; c++) {
        rows_set_name(out, c, PQfname(r, c));
        for (int i = 0; i < out->nrows; i++)
            if (!PQgetisnull(r, i, c))
                rows_set(out, i, c, PQgetvalue(r, i, c));
    }
    return out;
}

/* Columns that the older servers do not have. */
static bool may_lack(const char *name)
{
    static const struct {
        int from;
        const char *name;
    } young[] = {{13, "wal_bytes"}, {13, "plan_ms"},      {16, "used_s"},
                 {14, "active_ms"}, {14, "idle_xact_ms"}, {14, "broken"}};

    for (size_t i = 0; i < ARRAY_LEN(young); i++)
        if (version < young[i].from && strcmp(young[i].name, name) == 0)
            return true;
    return false;
}

/* What the program fills in itself: the tree, and the processes of the server's machine. */
static bool is_ours(const struct tableview *v, const char *name)
{
    static const char *const processes[] = {"cpu", "memory", "disk_read", "disk_write"};

    for (size_t i = 0; v->fill && i < ARRAY_LEN(processes); i++)
        if (strcmp(name, processes[i]) == 0)
            return true;
    return v->form == TABLEVIEW_TREE && strcmp(name, "behind") == 0;
}

static double now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void ask(PGconn *c, const struct tableview *v, int role, struct tableview_rows *t)
{
    const char *asset = tableview_asset(v, PQserverVersion(c));
    struct buf sql = {0};
    char limit[80];
    double began, ms;

    assert_non_null(asset);
    assert_true(tableview_sql(asset, PQserverVersion(c), "public", &sql));
    snprintf(limit, sizeof limit, "SET statement_timeout = %d",
             relations > FEW && v->limit_ms ? v->limit_ms : 2 * MOST_MS);
    must(c, limit);
    began = now_ms();
    PGresult *r = PQexecParams(c, buf_text(&sql), 0, NULL, NULL, NULL, NULL, 0);
    ms = now_ms() - began;
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%s on %d as %s: %s", v->name, version, roles[role], PQerrorMessage(c));
    struct rows *rows = rows_of(r);
    for (int i = 0; i < tableview_columns(v); i++)
        if (rows_col(rows, v->columns[i].name) < 0 && !may_lack(v->columns[i].name) &&
            !is_ours(v, v->columns[i].name))
            fail_msg("%s on %d has no column %s", asset, version, v->columns[i].name);
    for (int i = 0; i < TABLEVIEW_KEYS && v->key_columns[i]; i++)
        if (rows_col(rows, v->key_columns[i]) < 0 && strcmp(v->key_columns[i], "toplevel") != 0)
            fail_msg("%s on %d has no key column %s", asset, version, v->key_columns[i]);
    assert_true(tableview_read(v, rows, 1000000, NULL, t));
    assert_false(t->more);
    if (relations > FEW)
        fprintf(stderr, "%d %-12s %-12s %4d rows %7.1f ms\n", version, roles[role], v->name, t->n,
                ms);
    if (ms > (v->limit_ms > MOST_MS ? v->limit_ms : MOST_MS))
        fail_msg("%s on %d as %s took %.0f ms", v->name, version, roles[role], ms);
    rows_free(rows);
    PQclear(r);
    buf_clear(&sql);
}

/* ---- what must be in it ---- */

static int find(const struct tableview *v, const struct tableview_rows *t, const char *column,
                const char *text)
{
    int col = tableview_column_of(v, column);

    for (int i = 0; i < t->n; i++)
        if (strstr(tableview_text(t, i, col), text))
            return i;
    return -1;
}

static double figure(const struct tableview *v, const struct tableview_rows *t, int row,
                     const char *column)
{
    return tableview_at(t, row, tableview_column_of(v, column))->raw;
}

static void shown(const struct tableview *v, const struct tableview_rows *t, int role)
{
    int row;

    if (strcmp(v->name, "statements") == 0) {
        row = find(v, t, "query", "planted_statement");
        assert_true(role == ORDINARY ? row < 0 : row >= 0);
        assert_true(find(v, t, "query", "insufficient privilege") < 0);
        assert_true((strstr(t->note, "GRANT pg_read_all_stats TO nobody_much") != NULL) ==
                    (role == ORDINARY));
    } else if (strcmp(v->name, "tables") == 0) {
        row = find(v, t, "name", "public.planted");
        assert_true(row >= 0);
        assert_true(figure(v, t, row, "bytes") > 2e6 && figure(v, t, row, "index_bytes") > 1e5);
        assert_true(figure(v, t, row, "analyzed_s") < 600 && figure(v, t, row, "xid_age") > 0);
        assert_non_null(strstr(t->note, "largest"));
    } else if (strcmp(v->name, "indexes") == 0) {
        row = find(v, t, "name", "public.planted_pkey");
        assert_true(row >= 0 && figure(v, t, row, "is_valid") == 1 &&
                    figure(v, t, row, "is_unique") == 1);
        assert_non_null(strstr(t->note, "most read"));
    } else if (strcmp(v->name, "progress") == 0 && role != ORDINARY) {
        row = find(v, t, "object", "public.planted");
        assert_true(row >= 0 && figure(v, t, row, "whole") > 1e6);
    } else if (strcmp(v->name, "replication") == 0) {
        row = find(v, t, "name", "forgotten");
        assert_true(row >= 0 && figure(v, t, row, "kept") >= 0);
    } else if (strcmp(v->name, "settings") == 0) {
        row = find(v, t, "name", "max_connections");
        assert_true(figure(v, t, 0, "differs") == 1 && figure(v, t, row, "differs") == 1);
        assert_true(find(v, t, "value", "open-sesame") < 0);
        assert_true(role == ORDINARY || find(v, t, "value", "password=***") >= 0);
        assert_true((find(v, t, "place", "postgresql.conf:") >= 0) == (role != ORDINARY));
        row = find(v, t, "name", "search_path"); /* not what our own session has */
        assert_non_null(strstr(tableview_text(t, row, tableview_column_of(v, "value")), "$user"));
    } else if (strcmp(v->name, "sizes") == 0 || strcmp(v->name, "databases") == 0) {
        assert_true(find(v, t, "name", "postgres") >= 0);
    } else if (strcmp(v->name, "io") == 0) {
        row = find(v, t, "object", "wal");
        assert_true(row >= 0 && figure(v, t, row, "write_bytes") > 1e5);
    }
}

static void all_views(int role)
{
    PGconn *c = open_session(roles[role]);
    struct tableview_rows t = {0};

    for (int i = 0; i < tableview_count; i++) {
        const struct tableview *v = &tableview_list[i];
        if (v->form == TABLEVIEW_SHARES || v->make)
            continue;
        ask(c, v, role, &t);
        shown(v, &t, role);
    }
    tableview_clear(&t);
    PQfinish(c);
}

/* Nothing waits for the one who holds a table in ACCESS EXCLUSIVE. */
static void locked_whole(void)
{
    const struct tableview *v = tableview_find("tables");
    PGconn *owner = dial("postgres", "owner"), *c = open_session("watcher");
    struct tableview_rows t = {0};

    must(owner, "BEGIN");
    must(owner, "LOCK TABLE public.planted IN ACCESS EXCLUSIVE MODE");
    ask(c, v, MONITOR, &t);
    int row = find(v, &t, "name", "public.planted");
    assert_true(row >= 0 && figure(v, &t, row, "bytes") > 2e6);
    assert_string_equal(tableview_text(&t, row, tableview_column_of(v, "now")), "locked whole");
    v = tableview_find("indexes");
    ask(c, v, MONITOR, &t);
    assert_true(find(v, &t, "name", "public.planted_pkey") >= 0);
    tableview_clear(&t);
    PQfinish(owner);
    PQfinish(c);
}

/* The text of a session as the server has it, and whether it has all of it. */
static void exact_text(PGconn *of, const char *statement, const char *cut)
{
    PGconn *c = open_session("watcher");
    char ask_key[200], key[200];
    struct buf sql = {0};

    snprintf(ask_key, sizeof ask_key, "SELECT backend_start FROM pg_stat_activity WHERE pid = %d",
             PQbackendPID(of));
    must(of, statement);
    PGresult *r = PQexec(c, ask_key);
    snprintf(key, sizeof key, "%d%s%s", PQbackendPID(of), TABLEVIEW_SEPARATOR, PQgetvalue(r, 0, 0));
    PQclear(r);
    assert_true(view_text_sql(tableview_find("activity"), key, "", &sql));
    r = PQexec(c, buf_text(&sql));
    if (PQresultStatus(r) != PGRES_TUPLES_OK)
        fail_msg("%d: %s", version, PQerrorMessage(c));
    assert_int_equal(PQntuples(r), 1);
    assert_int_equal(strncmp(PQgetvalue(r, 0, PQfnumber(r, "text")), statement, 1000), 0);
    assert_string_equal(PQgetvalue(r, 0, PQfnumber(r, "role")), "nobody_much");
    assert_string_equal(PQgetvalue(r, 0, PQfnumber(r, "cut")), cut);
    PQclear(r);
    buf_clear(&sql);
    PQfinish(c);
}

static void exact_texts(void)
{
    PGconn *of = dial("nobody_much", "of");
    char longer[1600];

    exact_text(of, "SELECT 1", "f");
    snprintf(longer, sizeof longer, "SELECT 1 AS one%1500s", "");
    memcpy(longer + 1400, ", 2", 3);
    exact_text(of, longer, "t");
    PQfinish(of);
}

static void all_on(const char *number)
{
    const char *bin = pgtest_bindir(number);

    if (!bin)
        bin = pgtest_sh("sh %s/tests/support/fetch_pg.sh %s", getenv("PGD_SOURCE_DIR"), number);
    version = atoi(number);
    relations = getenv("PGD_SOAK") ? MANY : FEW;
    pg = pgtest_start(bin, conf);
    plant();
    locked_whole();
    exact_texts();
    PGconn *slow = dial("postgres", "slow");
    must(slow, "SET vacuum_cost_limit = 1");
    must(slow, "SET vacuum_cost_delay = 50");
    assert_true(PQsendQuery(slow, "VACUUM public.planted") == 1);
    for (int role = 0; role < ROLES; role++)
        all_views(role);
    PQfinish(slow);
    pgtest_destroy(pg);
    pg = NULL;
}

static void on_12(void **state)
{
    (void)state;
    all_on("12");
}

static void on_15(void **state)
{
    (void)state;
    all_on("15");
}

static void on_18(void **state)
{
    (void)state;
    all_on("18");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_12),
        cmocka_unit_test(on_15),
        cmocka_unit_test(on_18),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
