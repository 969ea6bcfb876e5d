/* --readonly where effects are carried out: each kind that changes the server is refused whatever it says of itself, and
 * what discovery and telemetry send passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "pgd/app/gate.h"
#include "pgd/app/readonly.h"
#include "pgd/base/assets.h"
#include "pgd/discovery/extension.h"
#include "pgd/discovery/queries.h"
#include "pgd/telemetry/sample.h"

static const struct req req = {OWNER_FLOW, 1, 1};

static const char *const changing[] = {
    "ALTER SYSTEM SET work_mem = '64MB'",
    "alter system reset all",
    "SELECT pg_catalog.pg_reload_conf() AS sent",
    "SELECT \"pg_reload_conf\"()",
    "SELECT 1; ALTER SYSTEM RESET work_mem",
    "SELECT 1 /* harmless */; CHECKPOINT",
    "CHECKPOINT",
    "CREATE DATABASE pg_diagnose_bench",
    "DROP SCHEMA IF EXISTS public CASCADE",
    "CREATE TABLE t AS SELECT 1",
    "SELECT * INTO t FROM pg_class",
    "INSERT INTO t VALUES (1)",
    "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone",
    "EXPLAIN (ANALYZE, BUFFERS) SELECT 1",
    "ANALYZE",
    "VACUUM t",
    "COPY t FROM PROGRAM 'sh'",
    "LOCK TABLE t",
    "TRUNCATE t",
    "DO $$ BEGIN PERFORM 1; END $$",
    "SELECT $a$ ' $a$, pg_reload_conf()",
    "CALL p()",
    "GRANT ALL ON t TO PUBLIC",
    "ALTER ROLE app RESET work_mem",
    "SELECT pg_terminate_backend(1)",
    "SELECT pg_catalog.pg_cancel_backend(a.pid) AS sent FROM pg_catalog.pg_stat_activity AS a",
    "SELECT pg_stat_reset()",
    "SELECT nextval('s')",
    "WITH gone AS (UPDATE t SET a = 1 RETURNING a) SELECT a FROM gone",
    "SELECT 1 AS a, pg_reload_conf()",
    "SELECT pg_try_advisory_lock(1, 2)",
    "SELECT E'\\'' || pg_reload_conf()::text || '\\''",
    "PREPARE TRANSACTION 'x'",
    "/* open",
    "'",
    "",
};

static const char *const looking[] = {
    "SELECT 1",
    "-- ALTER SYSTEM\nSELECT 1",
    "SHOW work_mem",
    "SELECT rolsuper AS checkpoint FROM pg_roles",
    "SET statement_timeout = 0; SELECT pg_catalog.set_config('lock_timeout', '0', false)",
    "SELECT 'ALTER SYSTEM', last_analyze, n_tup_upd FROM pg_stat_user_tables",
    "EXPLAIN (FORMAT TEXT) SELECT 1",
    "BEGIN READ ONLY; SELECT 1; ROLLBACK",
    "SELECT string_agg(a, E'\\n') FROM t",
};

static void statements(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changing); i++)
        if (readonly_sql(changing[i]))
            fail_msg("let through: %s", changing[i]);
    for (size_t i = 0; i < ARRAY_LEN(looking); i++)
        if (!readonly_sql(looking[i]))
            fail_msg("refused: %s", looking[i]);
}

/* Everything that the dashboard and First Sight need. */
static void what_we_read_passes(void **state)
{
    (void)state;
    for (int i = 0; i < discover_query_count; i++) {
        const struct discover_query *q = &discover_queries[i];
        const struct asset *a = q->sql ? NULL : asset_find(q->asset);
        const char *sql = q->sql ? q->sql : (const char *)a->data;
        if (!readonly_sql(sql))
            fail_msg("refused: %s", sql);
    }
    for (int version = 120000; version <= 180000; version += 10000) {
        struct buf sql = {0};
        sample_sql(version, true, &sql);
        assert_true(readonly_sql(buf_text(&sql)));
        buf_clear(&sql);
    }
}

static int ran, answered;
static struct err answer;

static void run(void *arg, struct effect *e)
{
    (void)arg;
    ran++;
    effect_clear(e);
}

static void post(void *arg, struct event *ev)
{
    (void)arg;
    answered++;
    answer = ev->err;
    event_clear(ev);
}

static void through(struct gate *g, struct effects *fx)
{
    ran = answered = 0;
    memset(&answer, 0, sizeof answer);
    gate_run(g, fx, run, post, NULL);
}

/* An effect that does not say that it changes the server is refused all the same, and its machine is told. */
static void the_gate_refuses(void **state)
{
    (void)state;
    static const char *const bench[] = {"/usr/bin/pgbench", "-n", NULL};
    static const char *const restart[] = {"sh", "-c", "pg_ctl restart", NULL};
    struct gate g = {.readonly = true};
    struct effects fx = {0};

    for (size_t i = 0; i < ARRAY_LEN(changing); i++) {
        fx_sql(&fx, req, CONN_CONTROL, changing[i], 1000);
        through(&g, &fx);
        assert_int_equal(ran, 0);
        assert_int_equal(answered, 1);
        assert_int_equal(answer.code, ERR_REFUSED);
        assert_non_null(strstr(answer.hint, "--readonly"));
    }
    fx_child(&fx, req, bench, CHILD_DIES_WITH_US);
    fx_child(&fx, req, restart, CHILD_DETACHED);
    effects_add(&fx, FX_PG_CONNECT, req)->text = xstrdup("ALTER SYSTEM RESET ALL");
    fx_sql(&fx, req, CONN_CONTROL, "SELECT 1", 1000)->changes_server = true;
    through(&g, &fx);
    assert_int_equal(ran, 0);
    assert_int_equal(answered, 4);

    for (size_t i = 0; i < ARRAY_LEN(looking); i++)
        fx_sql(&fx, req, CONN_CONTROL, looking[i], 1000);
    struct effect *e = fx_child(&fx, req, (const char *const[]){"sh", "-s", NULL}, CHILD_COLLECT);
    e->u.child.stdin_text = xstrdup((const char *)asset_find("remote/host.sh")->data);
    fx_timer(&fx, req, 10);
    fx_file(&fx, req, FILE_READ, "/x");
    through(&g, &fx);
    assert_int_equal(ran, (int)ARRAY_LEN(looking) + 3);
    assert_int_equal(answered, 0);

    /* Without --readonly nothing of this is held back. */
    g.readonly = false;
    fx_sql(&fx, req, CONN_CONTROL, changing[0], 1000);
    through(&g, &fx);
    assert_int_equal(ran, 1);
    gate_clear(&g);
}

/* The DBA's editor touches no server; what is anybody else's, or goes elsewhere, does not pass for one. */
static void an_editor_is_no_change(void **state)
{
    (void)state;
    static const char *const words[] = {"/bin/sh", "-c", "exec vi", NULL};
    static const struct {
        enum owner owner;
        unsigned flags;
        bool passes;
    } cases[] = {
        {OWNER_UI, CHILD_TERMINAL, true},
        {OWNER_UI, CHILD_COLLECT, false},
        {OWNER_UI, CHILD_TERMINAL | CHILD_REMOTE, false},
        {OWNER_UI, CHILD_TERMINAL | CHILD_DETACHED, false},
        {OWNER_FLOW, CHILD_TERMINAL, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct effects fx = {0};
        struct req from = {cases[i].owner, 1, 1};
        if (readonly_allows(fx_child(&fx, from, words, cases[i].flags)) != cases[i].passes)
            fail_msg("case %zu", i);
        effects_clear(&fx);
    }
}

/* The scripts that look at the server's host and its log, by their text alone. */
static void only_scripts_that_look(void **state)
{
    (void)state;
    static const char *const names[] = {"remote/loop.sh", "remote/log.sh"};
    const char *restart = (const char *)asset_find("restart/restart.sh")->data;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *script = (const char *)asset_find(names[i])->data;
        struct buf more = {0};
        buf_printf(&more, "%s\npg_ctl stop\n", script);
        const struct {
            bool passes;
            unsigned flags;
            const char *words[12];
        } cases[] = {
            {true, CHILD_MORE, {"sh", "-c", script, "name", "/srv/pg", ""}},
            {true,
             CHILD_MORE | CHILD_REMOTE,
             {"sudo", "-n", "-u", "postgres", "--", "sh", "-c", script}},
            {false, CHILD_DETACHED, {"sh", "-c", script}},
            {false, CHILD_MORE, {"sh", "-c", buf_text(&more)}},
            {false, CHILD_MORE, {"sh", "-c", restart, script}},
            {false, CHILD_MORE, {"sh", "-s", script}},
            {false, CHILD_MORE, {"pg_ctl", "-c", script}},
            {false, CHILD_MORE, {"sudo", "-n", "-u", "postgres", "sh", "-c", script}},
            {false, CHILD_MORE, {"sudo", "-n", "pg_ctl", "postgres", "--", "sh", "-c", script}},
            {false, CHILD_MORE, {"sh", "-c"}},
            {false, CHILD_MORE, {"sudo", "-n", "-u"}},
        };
        for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
            struct effects fx = {0};
            struct effect *e = fx_child(&fx, req, cases[k].words, cases[k].flags);
            if (readonly_allows(e) != cases[k].passes)
                fail_msg("%s, case %zu", names[i], k);
            effects_clear(&fx);
        }
        buf_clear(&more);
    }
}

/* Questions to an extension go in steps: those pass, with a question in them and in no other message. */
static void steps_of_a_question(void **state)
{
    (void)state;
    static const struct {
        bool passes, several;
        const char *select;
    } cases[] = {
        {true, true, "SELECT queryid, 'a; b' FROM s.pg_stat_statements(true)"},
        {false, false, "SELECT queryid FROM s.pg_stat_statements(true)"},
        {false, true, "WITH gone AS (DELETE FROM t RETURNING *) SELECT * FROM gone"},
        {false, true, "SELECT 1) AS t;\nDROP TABLE t;\nSELECT * FROM (SELECT 1"},
        {false, true, "SELECT pg_catalog.pg_reload_conf()"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct effects fx = {0};
        struct buf sql = {0};
        extension_call_sql("s", true, cases[i].select, &sql);
        struct effect *e = fx_sql(&fx, req, CONN_VIEWS, buf_text(&sql), 0);
        if (cases[i].several)
            fx_several(&fx);
        if (readonly_allows(e) != cases[i].passes)
            fail_msg("case %zu", i);
        effects_clear(&fx);
        buf_clear(&sql);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statements),
        cmocka_unit_test(what_we_read_passes),
        cmocka_unit_test(the_gate_refuses),
        cmocka_unit_test(an_editor_is_no_change),
        cmocka_unit_test(only_scripts_that_look),
        cmocka_unit_test(steps_of_a_question),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
