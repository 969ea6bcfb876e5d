/* Discovery and telemetry against real servers: what each role learns, what it says it cannot see, that
 * a locked table holds nothing up, and what a sample costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iotest.h"
#include "pgtest.h"

#include "pgd/discovery/discover.h"
#include "pgd/telemetry/collect.h"

enum { SAMPLES = 6, LOAD_AFTER = 3, LOAD = 300 };

static struct pgtest *pg;

/* One scenario: discovery as a role, then a few samples with a known load between two of them. */
static struct {
    const char *user, *host;
    bool locked; /* another session holds a table in ACCESS EXCLUSIVE mode meanwhile */
    bool only_discovery;
    bool loaded; /* the load has run */
    struct discover d;
    struct server_facts f;
    struct collect c;
    struct window w;
    int64_t began_us, took_us;
    int shown_samples;
} run;

static void dial(struct effects *fx, enum pg_conn conn, const char *user, const char *app)
{
    const char *pairs[] = {"host", run.host,           "port", pg->port, "user", user, "dbname",
                           "shop", "application_name", app,    NULL};
    struct effect *e = effects_add(fx, FX_PG_CONNECT, (struct req){OWNER_LINKS, 1, conn + 1U});
    e->ms = 5000;
    e->u.pg.conn = conn;
    e->u.pg.keys = xcalloc(6, sizeof(char *));
    e->u.pg.values = xcalloc(6, sizeof(char *));
    for (size_t i = 0; pairs[i]; i += 2) {
        e->u.pg.keys[i / 2] = xstrdup(pairs[i]);
        e->u.pg.values[i / 2] = xstrdup(pairs[i + 1]);
    }
}

static void on_link(struct effects *fx, const struct event *ev)
{
    static const struct req lock = {OWNER_BENCH, 1, 1};
    switch (ev->u.pg.conn) {
    case CONN_QUESTIONS:
        fx_sql(fx, lock, CONN_QUESTIONS, "BEGIN", 1000);
        fx_sql(fx, lock, CONN_QUESTIONS, "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE", 1000);
        dial(fx, CONN_CONTROL, run.user, "pg_diagnose");
        break;
    case CONN_CONTROL:
        run.began_us = ev->at_us;
        discover_start(&run.d, &run.f, fx);
        break;
    default:
        collect_link_up(&run.c, ev->u.pg.server_version);
        run.c.host_on = true;
        collect_tick(&run.c, fx, true);
        break;
    }
}

static void on_tick(struct iotest *t, struct effects *fx)
{
    char command[600];
    if (run.c.samples >= SAMPLES && run.c.host_now) {
        collect_window(&run.c, &run.w);
        iotest_quit(t, 0);
        return;
    }
    if (run.c.samples == LOAD_AFTER - 1)
        collect_mark(&run.c);
    if (run.c.samples == LOAD_AFTER && !run.loaded) { /* a late sample: the tick comes again */
        run.loaded = true;
        snprintf(command, sizeof command,
                 "for i in $(seq %d); do echo 'SELECT 1;'; done | psql -qX -h %s -p %s -U %s shop "
                 ">/dev/null",
                 LOAD, pg->host, pg->port, pg->user);
        if (system(command) != 0)
            run.w.valid = false;
    }
    if (run.c.samples > 0)
        collect_tick(&run.c, fx, true);
}

static void script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START)
        dial(&fx, run.locked ? CONN_QUESTIONS : CONN_CONTROL, run.locked ? pg->user : run.user,
             run.locked ? "locker" : "pg_diagnose");
    else if (ev->kind == EV_PG_UP)
        on_link(&fx, ev);
    else if (ev->kind == EV_TICK)
        on_tick(t, &fx);
    else if (ev->req.owner == OWNER_TELEMETRY)
        collect_step(&run.c, ev);
    if (ev->req.owner == OWNER_DISCOVERY && run.took_us == 0) {
        discover_step(&run.d, &run.f, ev, &fx);
        if (run.d.state == DISCOVER_DONE || run.d.state == DISCOVER_FAILED) {
            run.took_us = ev->at_us - run.began_us;
            if (run.only_discovery || run.d.state == DISCOVER_FAILED)
                iotest_quit(t, 0);
            else
                dial(&fx, CONN_TELEMETRY, run.user, "pg_diagnose");
        }
    }
    iotest_run(t, &fx);
}

static void scenario(const char *user, const char *host, bool locked, bool only_discovery)
{
    struct iotest t;
    server_facts_clear(&run.f);
    collect_clear(&run.c);
    memset(&run, 0, sizeof run);
    collect_init(&run.c);
    run.user = user;
    run.host = host ? host : pg->host;
    run.locked = locked;
    run.only_discovery = only_discovery;
    iotest_loop(&t, script, 30);
    bool timed_out = t.timed_out;
    iotest_clear(&t);
    if (run.d.state == DISCOVER_FAILED)
        print_message("discovery failed: %s\n", run.d.err.msg);
    for (int i = 0; i < run.f.nmissing; i++)
        print_message("  %s misses %s\n", user, run.f.missing[i]);
    assert_false(timed_out);
    assert_int_equal(run.d.state, DISCOVER_DONE);
    assert_in_range(run.took_us, 1, 5000000);
}

static bool misses(const char *what)
{
    for (int i = 0; i < run.f.nmissing; i++)
        if (strncmp(run.f.missing[i], what, strlen(what)) == 0)
            return true;
    return false;
}

static int major(void)
{
    return run.f.id.version_num / 10000;
}

static void check_common(void)
{
    const struct runtime_facts *r = &run.f.runtime;
    assert_true(strlen(run.f.id.system_identifier) > 15);
    assert_int_equal(run.f.id.server_port, atoi(pg->port));
    assert_string_equal(run.f.id.database, "shop");
    assert_string_equal(run.f.id.role, run.user);
    assert_false(run.f.id.standby);
    assert_true(run.f.settings.n > 300);
    for (int i = 0; i < run.f.settings.n; i++)
        assert_ptr_equal(settings_find(&run.f.settings, run.f.settings.items[i].name),
                         &run.f.settings.items[i]);
    assert_true(settings_number(&run.f.settings, "work_mem") == 4194304);
    assert_string_equal(settings_find(&run.f.settings, "shared_buffers")->shown, "128MB");
    assert_string_equal(settings_find(&run.f.settings, "statement_timeout")->value, "0");
    assert_int_equal(run.f.noverrides, 1);
    assert_string_equal(run.f.overrides[0].name, "random_page_cost");
    assert_string_equal(run.f.overrides[0].value, "1.3");
    assert_string_equal(run.f.overrides[0].database, "shop");
    assert_true(run.f.ndatabases >= 2);
    assert_string_equal(run.f.databases[0].name, "shop");
    assert_true(run.f.databases[0].bytes > 1e6);
    assert_true(run.f.nrelations >= 2);
    assert_string_equal(run.f.relations[0].name, "orders");
    assert_true(run.f.relations[0].bytes > 100000 && run.f.relations[0].tuples == 10000);
    assert_true(r->xact_commit > 0 && r->blks_hit > 0 && r->ckpt_timed >= 0);
    assert_true(r->buffers_backend >= 0 && r->wal_bytes > 0 && r->live_tuples >= 0);
    assert_true(r->replicas == 0 && r->slots_inactive == 0 && r->archive_failed == 0);
    assert_true(r->locks_waiting == 0 && r->prepared_xacts == 0 && r->max_connections == 100);
    assert_true(r->stats_age_s > 0 && r->stats_age_s < 3600);
    assert_false(r->base_backup);
    /* wal_sync_ms is unknown unless the server takes the time. */
    assert_true(isnan(r->wal_sync_ms));
}

static void check_telemetry(bool sees_states)
{
    assert_true(run.c.samples >= SAMPLES);
    assert_int_equal(run.c.err.code, ERR_NONE);
    assert_true(run.w.valid);
    print_message("  window: %.1f s, %.0f commits, %.0f rollbacks, hit %.4f\n", run.w.secs,
                  run.w.commits, run.w.rollbacks, run.w.hit_ratio);
    /* The load and a little of the server's own; ours is left out. */
    assert_true(run.w.commits >= LOAD - 3 && run.w.commits <= LOAD + 20);
    assert_true(run.w.hit_ratio > 0.5);
    assert_true(run.w.ckpt_req >= 0 && run.w.buffers_backend >= 0 && run.w.wal_bytes >= 0);
    assert_true(run.w.cpu_idle >= 0 && run.w.cpu_user >= 0 && run.w.mem_available_min > 1e6);
    assert_int_equal(run.c.activity.sessions, 0);
    if (sees_states)
        assert_true(run.w.active_avg >= 0);
}

static void the_superuser_misses_nothing(void **state)
{
    char bindir[PATH_MAX], own[PATH_MAX];
    (void)state;
    scenario(pg->user, NULL, false, false);
    check_common();
    check_telemetry(true);
    assert_int_equal(run.f.nmissing, 0);
    const struct rights *r = &run.f.rights;
    assert_true(r->superuser && r->alter_system && r->reload && r->file_settings && r->checkpoint &&
                r->create_db && r->read_stats && r->pg_monitor);
    assert_true(run.f.host.known && run.f.id.reached);
    assert_int_equal(run.f.id.postmaster_pid, pgtest_pid(pg));
    assert_string_equal(run.f.id.owner, pg->osuser);
    assert_non_null(realpath(run.f.id.bindir, bindir));
    assert_non_null(realpath(pg->bindir, own));
    assert_string_equal(bindir, own);
    assert_string_equal(run.f.id.data_directory, pg->data);
    assert_true(run.f.id.auto_conf_ok);
    assert_string_equal(run.f.id.server_addr, "");
    assert_int_equal(run.f.host.cpus, sysconf(_SC_NPROCESSORS_CONF));
    assert_true(run.f.host.mem_total > 1e8);
    assert_true(run.f.host.data.free_bytes > 0 && run.f.host.data.fs[0] &&
                run.f.host.data.mount[0]);
    assert_true(run.f.runtime.sessions == 0 && run.f.runtime.sessions_active == 0);
}

static void a_monitor_may_look_but_not_touch(void **state)
{
    (void)state;
    scenario("mon", NULL, false, false);
    check_common();
    check_telemetry(true);
    const struct rights *r = &run.f.rights;
    assert_true(r->pg_monitor && r->read_stats);
    assert_false(r->superuser || r->alter_system || r->reload || r->file_settings ||
                 r->checkpoint || r->create_db);
    assert_int_equal(run.f.nmissing, 4);
    assert_true(misses("ALTER SYSTEM") && misses("reload") && misses("CHECKPOINT") &&
                misses("errors in the configuration files"));
    assert_true(run.f.id.reached && run.f.id.data_directory[0]);
}

static void an_ordinary_role_says_what_it_misses(void **state)
{
    (void)state;
    scenario("joe", NULL, false, false);
    check_common();
    check_telemetry(false);
    assert_int_equal(run.f.nmissing, 6);
    assert_true(misses("paths and hidden settings") && misses("what the sessions of others do"));
    assert_true(isnan(run.f.runtime.sessions_active));
    assert_string_equal(run.f.id.config_file, "");
    /* The server hides its data directory; the system shows whose session is whose to those who may see it. */
    assert_true(run.f.host.known);
    if (geteuid() == 0)
        assert_string_equal(run.f.id.data_directory, pg->data);
}

static void single_rights_are_seen(void **state)
{
    (void)state;
    pgtest_psql(pg, "shop", "GRANT EXECUTE ON FUNCTION pg_reload_conf() TO joe");
    scenario("joe", NULL, false, true);
    assert_true(run.f.rights.reload);
    assert_false(misses("reload"));
    if (major() >= 15) {
        pgtest_psql(pg, "shop", "GRANT ALTER SYSTEM ON PARAMETER work_mem TO joe");
        scenario("joe", NULL, false, true);
        assert_true(run.f.rights.alter_system);
        assert_false(misses("ALTER SYSTEM"));
        pgtest_psql(pg, "shop", "REVOKE ALTER SYSTEM ON PARAMETER work_mem FROM joe");
    }
    pgtest_psql(pg, "shop", "REVOKE EXECUTE ON FUNCTION pg_reload_conf() FROM joe");
    pgtest_psql(pg, "shop", "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM public");
    scenario("joe", NULL, false, true);
    assert_true(misses("system identifier"));
    assert_string_equal(run.f.id.system_identifier, "");
    pgtest_psql(pg, "shop", "GRANT EXECUTE ON FUNCTION pg_control_system() TO public");
}

static void a_locked_table_holds_nothing_up(void **state)
{
    (void)state;
    scenario(pg->user, NULL, true, true);
    check_common();
    assert_int_equal(run.f.nmissing, 0);
    assert_true(run.f.runtime.sessions == 1);
    assert_true(run.f.runtime.longest_xact_s > 0);
    assert_in_range(run.took_us, 1, 2000000);
}

static void the_loopback_is_local_too(void **state)
{
    (void)state;
    scenario(pg->user, "127.0.0.1", false, true);
    assert_string_equal(run.f.id.server_addr, "127.0.0.1");
    assert_true(run.f.id.reached && run.f.host.known);
}

/* An operator of a user's schema that fits better than the server's own must not be taken: not by
 * discovery, and not by the first sample, which only sets the search path. */
static void a_schema_of_users_is_not_trusted(void **state)
{
    static const char *const pairs[][2] = {{"||", "text, bigint"}, {"/", "numeric, int"}};
    char sql[400];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *comma = strchr(pairs[i][1], ',');
        snprintf(
            sql, sizeof sql,
            "CREATE FUNCTION public.trap%zu(%s) RETURNS text LANGUAGE sql "
            "AS 'SELECT (1 / 0)::text'; "
            "CREATE OPERATOR public.%s (LEFTARG = %.*s, RIGHTARG =%s, FUNCTION = public.trap%zu)",
            i, pairs[i][1], pairs[i][0], (int)(comma - pairs[i][1]), pairs[i][1], comma + 1, i);
        pgtest_psql(pg, "shop", sql);
    }
    scenario(pg->user, NULL, false, false);
    pgtest_psql(pg, "shop", "DROP FUNCTION public.trap0, public.trap1 CASCADE");
    check_telemetry(true);
    assert_int_equal(run.f.nmissing, 0);
}

/* Execution time of the sample by the server's own account, with 20 sessions. */
static void a_sample_is_cheap(void **state)
{
    struct buf sql = {0};
    (void)state;
    scenario(pg->user, NULL, false, true);
    struct effects fx = {0};
    collect_link_up(&run.c, run.f.id.version_num);
    collect_tick(&run.c, &fx, true);
    char limits[] = "/tmp/pgd_sample_XXXXXX";
    int fd = mkstemp(limits);
    assert_true(fd >= 0);
    run.c.limits_set = true;
    run.c.pg_in_flight = false;
    collect_tick(&run.c, &fx, true);
    for (int i = 0; i < 60; i++)
        buf_printf(&sql, "%s;\n", fx.items[fx.n - 1].text);
    assert_int_equal(write(fd, sql.data, sql.len), (ssize_t)sql.len);
    close(fd);
    effects_clear(&fx);
    buf_clear(&sql);
    pgtest_psql(pg, "shop", "CREATE EXTENSION pg_stat_statements");
    pgtest_sh("chmod 644 %s; for i in $(seq 20); do psql -qXAt -h %s -p %s -U %s shop "
              "-c 'SELECT pg_sleep(4)' >/dev/null & done; sleep 1; "
              "psql -qXAt -h %s -p %s -U %s shop -f %s >/dev/null; wait; rm -f %s",
              limits, pg->host, pg->port, pg->user, pg->host, pg->port, pg->user, limits, limits);
    const char *cost = pgtest_psql(
        pg, "shop",
        "SELECT calls, min_exec_time, mean_exec_time FROM pg_stat_statements "
        "WHERE query LIKE '%FROM pg_catalog.pg_stat_database%' ORDER BY calls DESC LIMIT 1");
    int calls = 0;
    double least = 0, mean = 0;
    assert_int_equal(sscanf(cost, "%d|%lf|%lf", &calls, &least, &mean), 3);
    print_message("  a sample: at least %.3f ms, %.3f ms on the mean of %d\n", least, mean, calls);
    assert_true(calls >= 60);
    assert_true(least <= 0.5);
    assert_true(mean <= 2); /* of a busy machine */
    pgtest_psql(pg, "shop", "DROP EXTENSION pg_stat_statements");
}

static void prepare(const char *bindir)
{
    pg = pgtest_start(bindir, "shared_preload_libraries = 'pg_stat_statements'\n");
    pgtest_psql(pg, "postgres", "CREATE DATABASE shop");
    pgtest_psql(pg, "postgres", "CREATE ROLE joe LOGIN");
    pgtest_psql(pg, "postgres", "CREATE ROLE mon LOGIN IN ROLE pg_monitor");
    pgtest_psql(pg, "postgres", "ALTER DATABASE shop SET random_page_cost = 1.3");
    pgtest_psql(pg, "shop",
                "CREATE TABLE orders AS SELECT g AS id, repeat('x', 50) AS note "
                "FROM generate_series(1, 10000) AS g");
    pgtest_psql(pg, "shop", "CREATE INDEX ON orders (id)");
    pgtest_psql(pg, "shop", "VACUUM ANALYZE orders");
}

static int start_any(void **state)
{
    (void)state;
    prepare(pgtest_any_bindir());
    return 0;
}

static int start_18(void **state)
{
    (void)state;
    prepare(pgtest_bindir("18"));
    return 0;
}

static int stop(void **state)
{
    (void)state;
    server_facts_clear(&run.f);
    collect_clear(&run.c);
    pgtest_destroy(pg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_superuser_misses_nothing),
        cmocka_unit_test(a_monitor_may_look_but_not_touch),
        cmocka_unit_test(an_ordinary_role_says_what_it_misses),
        cmocka_unit_test(single_rights_are_seen),
        cmocka_unit_test(a_locked_table_holds_nothing_up),
        cmocka_unit_test(the_loopback_is_local_too),
        cmocka_unit_test(a_schema_of_users_is_not_trusted),
        cmocka_unit_test(a_sample_is_cheap),
    };
    int failed = cmocka_run_group_tests_name("discovery", tests, start_any, stop);
    if (pgtest_bindir("18"))
        failed += cmocka_run_group_tests_name("discovery_18", tests, start_18, stop);
    else
        printf("PostgreSQL 18 is not here: not tried\n");
    return failed;
}
