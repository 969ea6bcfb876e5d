/* The pgbench machine with the real program and a real server: figures, percentiles, cancel, and
 * scripts that fail. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/base/text.h"
#include "pgd/runner/bench.h"
#include "pgtest.h"

static struct pgtest *pg;

/* One run in a loop of its own. The loop's events go to the machine as in the program; nothing
 * is asserted in here. */
struct scene {
    struct bench b;
    struct sdl plan;
    struct bench_target target;
    int seconds;
    int cancel_after; /* progress lines; 0 = never */
    bool saw_live_figure;
};

static struct scene scene;

static void step(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    if (ev->kind == EV_START) {
        bench_start(&scene.b, &scene.plan, &scene.target, scene.seconds, false, 7, &fx);
    } else if (ev->kind == EV_PG_RESULT || ev->req.owner == OWNER_BENCH) {
        bench_step(&scene.b, ev, &fx);
        scene.saw_live_figure = scene.saw_live_figure || scene.b.tps_now > 0;
        if (scene.cancel_after > 0 && scene.b.progress_n >= scene.cancel_after)
            bench_cancel(&scene.b, &fx);
    }
    iotest_run(t, &fx);
    if (t->step == 0 && (scene.b.state == BENCH_DONE || scene.b.state == BENCH_FAILED)) {
        t->step = 1; /* what is being removed lands before the loop ends */
        iotest_quit(t, 0);
    }
}

static char *file_in(const char *dir, const char *name)
{
    struct buf b = {0};
    buf_printf(&b, "%s/%s", dir, name);
    return buf_take(&b);
}

static void write_script(int i, const char *name, const char *text)
{
    char numbered[100];
    snprintf(numbered, sizeof numbered, "%d-%s", i + 1, name);
    char *path = file_in(scene.b.script_dir, numbered);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    snprintf(scene.plan.scripts[i].path, sizeof scene.plan.scripts[i].path, "asset:workloads/%s",
             name);
    scene.plan.scripts[i].weight = 1 + i;
    scene.plan.nscripts = i + 1;
    free(path);
}

static void prepare(void)
{
    bench_clear(&scene.b);
    memset(&scene, 0, sizeof scene);
    snprintf(scene.b.dir, sizeof scene.b.dir, "%s/bench", pg->dir);
    snprintf(scene.b.script_dir, sizeof scene.b.script_dir, "%s/scripts", pg->dir);
    pgtest_sh("mkdir -p -m 0777 '%s' '%s'", scene.b.dir, scene.b.script_dir);
    scene.b.want_log = true;
    scene.plan.clients = 4;
    scene.plan.threads = 2;
    text_copy(scene.plan.protocol, sizeof scene.plan.protocol, "prepared");
    text_copy(scene.target.host, sizeof scene.target.host, pg->host);
    text_copy(scene.target.port, sizeof scene.target.port, pg->port);
    text_copy(scene.target.user, sizeof scene.target.user, pg->user);
    text_copy(scene.target.dbname, sizeof scene.target.dbname, "postgres");
    snprintf(scene.target.pgbench, sizeof scene.target.pgbench, "%s/pgbench", pg->bindir);
    scene.seconds = 3;
}

static void play(void)
{
    struct iotest t;
    iotest_loop(&t, step, 60);
    const bool timed_out = t.timed_out;
    iotest_clear(&t);
    assert_false(timed_out);
    assert_string_equal(pgtest_sh("ls -A '%s'", scene.b.dir), ""); /* no log is left behind */
}

static void no_session_is_left(void)
{
    const char *n = "";
    for (int i = 0; i < 100; i++) {
        n = pgtest_psql(
            pg, "postgres",
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_diagnose_bench'");
        if (strcmp(n, "0") == 0)
            return;
        usleep(50 * 1000);
    }
    fail_msg("%s sessions are left", n);
}

static void test_run(void **state)
{
    (void)state;
    prepare();
    write_script(0, "one.sql", "SELECT 1;\n");
    write_script(1, "two.sql",
                 "\\set n random(1, 100)\nSELECT count(*) FROM generate_series(1, :n);\n");
    play();
    const struct bench_run *r = &scene.b.run;
    if (!r->valid)
        fail_msg("%s: %s (%s)", r->err.msg, r->err.detail, r->stderr_tail);
    assert_int_equal(scene.b.state, BENCH_DONE);
    assert_true(r->tps > 10);
    assert_true(r->transactions > 10);
    assert_true(r->failed == 0);
    assert_true(r->secs > 2 && r->secs < 6);
    assert_true(r->p50_ms > 0 && r->p50_ms <= r->p95_ms && r->p95_ms <= r->p99_ms);
    assert_true(r->p50_ms < 10 * r->lat_avg_ms && r->p99_ms > r->lat_avg_ms / 10);
    assert_true(r->nseries >= 2 && r->series[0] > 0);
    assert_true(scene.saw_live_figure);
    assert_true(r->end_wall_us - r->start_wall_us > 2900000);
    no_session_is_left();
}

static void test_cancel(void **state)
{
    (void)state;
    prepare();
    write_script(0, "slow.sql", "SELECT pg_sleep(0.01);\n");
    scene.seconds = 60;
    scene.cancel_after = 2;
    const int64_t before = io_now_us();
    play();
    assert_true(io_now_us() - before < 20 * 1000000);
    assert_int_equal(scene.b.state, BENCH_FAILED);
    assert_true(scene.b.run.cancelled);
    assert_int_equal(scene.b.run.err.code, ERR_CANCELLED);
    assert_true(scene.b.run.nseries >= 2);
    assert_string_equal(pgtest_sh("pgrep -f -c -- '--log-prefix[=]%s/run' || true", scene.b.dir),
                        "0");
    no_session_is_left();
}

static void test_syntax_error(void **state)
{
    (void)state;
    prepare();
    write_script(0, "broken.sql", "SELEC 1;\n");
    play();
    const struct err *e = &scene.b.run.err;
    assert_int_equal(scene.b.state, BENCH_FAILED);
    assert_false(scene.b.run.valid);
    assert_int_equal(e->code, ERR_CHILD);
    assert_non_null(strstr(e->detail, "syntax error at or near \"SELEC\""));
    assert_true(e->hint[0] != '\0');

    prepare();
    write_script(0, "meta.sql", "SELECT 1;\n\\nonsense 1\n");
    play();
    assert_int_equal(scene.b.run.err.code, ERR_CHILD);
    assert_non_null(strstr(scene.b.run.err.detail, "nonsense"));
}

static void test_always_fails(void **state)
{
    (void)state;
    prepare();
    write_script(0, "fails.sql", "SELECT 1 / 0;\n");
    play();
    assert_int_equal(scene.b.state, BENCH_FAILED);
    assert_non_null(strstr(scene.b.run.err.detail, "division by zero"));
    no_session_is_left();
}

static void test_nothing_finishes(void **state)
{
    (void)state;
    prepare();
    write_script(0, "endless.sql", "SELECT pg_sleep(2.5);\n");
    scene.seconds = 1;
    play(); /* pgbench waits for the transactions under way, and counts them */
    if (scene.b.run.valid)
        assert_true(scene.b.run.transactions >= 1);
    else
        assert_string_equal(scene.b.run.err.msg, "no transaction finished in the run");
}

static void test_no_connection(void **state)
{
    (void)state;
    prepare();
    write_script(0, "one.sql", "SELECT 1;\n");
    text_copy(scene.target.dbname, sizeof scene.target.dbname, "no=such database");
    play();
    assert_int_equal(scene.b.run.err.code, ERR_CONNECT);
    assert_non_null(strstr(scene.b.run.err.detail, "database \"no=such database\" does not exist"));
    text_copy(scene.target.pgbench, sizeof scene.target.pgbench, "/nonexistent/pgbench");
    play();
    assert_string_equal(scene.b.run.err.msg, "pgbench could not be started");
}

static int start_server(void **state)
{
    (void)state;
    pg = pgtest_start(pgtest_any_bindir(), "");
    return 0;
}

static int stop_server(void **state)
{
    (void)state;
    bench_clear(&scene.b);
    pgtest_destroy(pg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_syntax_error),
        cmocka_unit_test(test_always_fails),
        cmocka_unit_test(test_nothing_finishes),
        cmocka_unit_test(test_no_connection),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
