/* The pgbench machine on made-up events, and the parsers on what pgbench 12 to 18 print. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/runner/bench_parts.h"

#define SET(field, text) text_copy(field, sizeof(field), text)

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.6f is not %.6f", got, want);
}

/* ---- parsers ---- */

static const char summary_12[] = "transaction type: multiple scripts\n"
                                 "scaling factor: 1\n"
                                 "query mode: prepared\n"
                                 "number of clients: 4\n"
                                 "number of threads: 2\n"
                                 "duration: 10 s\n"
                                 "number of transactions actually processed: 14224\n"
                                 "latency average = 2.811 ms\n"
                                 "latency stddev = 1.067 ms\n"
                                 "tps = 1421.953125 (including connections establishing)\n"
                                 "tps = 1422.400000 (excluding connections establishing)\n"
                                 "SQL script 1: /tmp/a.sql\n"
                                 " - weight: 1 (targets 50.0% of total)\n"
                                 " - 7100 transactions (49.9% of total, tps = 710.1)\n"
                                 " - latency average = 9.999 ms\n";
static const char summary_14[] = "pgbench (14.11)\n"
                                 "transaction type: /tmp/a.sql\n"
                                 "duration: 10 s\n"
                                 "number of transactions actually processed: 14224\n"
                                 "latency average = 2.811 ms\n"
                                 "latency stddev = 1.067 ms\n"
                                 "initial connection time = 10.115 ms\n"
                                 "tps = 1422.400000 (without initial connection time)\n";
static const char summary_15[] = "pgbench (15.18 (Debian 15.18-1), server 18.0)\n"
                                 "transaction type: multiple scripts\n"
                                 "scaling factor: 1\n"
                                 "query mode: simple\n"
                                 "number of clients: 4\n"
                                 "number of threads: 2\n"
                                 "maximum number of tries: 1\n"
                                 "duration: 10 s\n"
                                 "number of transactions actually processed: 14224\n"
                                 "number of failed transactions: 37 (0.259%)\n"
                                 "number of transactions skipped: 5 (0.035%)\n"
                                 "latency average = 2.811 ms (including failures)\n"
                                 "latency stddev = 1.067 ms\n"
                                 "rate limit schedule lag: avg 0.2 (max 3.1) ms\n"
                                 "initial connection time = 10.115 ms\n"
                                 "tps = 1422.400000 (without initial connection time)\n"
                                 "SQL script 1: /tmp/a.sql\n"
                                 " - number of failed transactions: 30 (0.4%)\n";

static void test_summaries(void **st)
{
    (void)st;
    static const char *const texts[] = {summary_12, summary_14, summary_15};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct bench_run r = {0};
        struct err e = {0};
        assert_true(bench_parse_summary(texts[i], &r, &e));
        near(r.tps, 1422.4, 1e-6);
        near(r.transactions, 14224, 0);
        near(r.lat_avg_ms, 2.811, 1e-9);
        near(r.lat_sd_ms, 1.067, 1e-9);
        near(r.secs, 10.0, 0.001);
        near(r.failed, i == 2 ? 37 : 0, 0);
        near(r.skipped, i == 2 ? 5 : 0, 0);
    }
}

static void test_bad_summaries(void **st)
{
    (void)st;
    struct bench_run r = {0};
    struct err e = {0};
    assert_false(bench_parse_summary("", &r, &e));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_false(bench_parse_summary("number of transactions actually processed: 5\n", &r, &e));
    assert_string_equal(e.msg, "pgbench printed no rate");
    assert_false(bench_parse_summary("number of transactions actually processed: 0\n"
                                     "number of failed transactions: 12 (100.000%)\n",
                                     &r, &e));
    assert_string_equal(e.msg, "no transaction finished in the run");
    assert_non_null(strstr(e.detail, "12"));
    assert_false(bench_parse_summary(
        "number of transactions actually processed: 0\ntps = -nan (without x)\n", &r, &e));
    assert_string_equal(e.msg, "no transaction finished in the run");
    assert_false(bench_parse_summary(
        "number of transactions actually processed: 7\ntps = nan (without x)\n", &r, &e));
}

static void test_progress(void **st)
{
    (void)st;
    struct progress p;
    assert_true(bench_parse_progress("progress: 1.0 s, 1419.9 tps, lat 2.754 ms stddev 1.453", &p));
    near(p.at_s, 1, 0);
    near(p.tps, 1419.9, 1e-9);
    near(p.lat_ms, 2.754, 1e-9);
    near(p.sd_ms, 1.453, 1e-9);
    near(p.failed, 0, 0);
    assert_true(bench_parse_progress("progress: 12.0 s, 9.5 tps, lat 2.754 ms stddev 1.453, 8 "
                                     "failed, lag 0.125 ms, 3 skipped, 1 retried, 2 retries",
                                     &p));
    near(p.failed, 8, 0);
    near(p.lag_ms, 0.125, 0);
    near(p.skipped, 3, 0);
    assert_true(bench_parse_progress(
        "progress: 1704171510.003 s, 0.0 tps, lat -nan ms stddev -nan, 0 failed", &p));
    near(p.tps, 0, 0);
    assert_true(isnan(p.lat_ms));
    static const char *const bad[] = {"",
                                      "progress: ",
                                      "progress: x s, 1 tps",
                                      "progress: 1.0 s, tps, lat 2 ms",
                                      "progress: 1.0 s, -5 tps, lat 2 ms stddev 1",
                                      "progress: 1.0 s, 1e99 tps, lat 2 ms stddev 1",
                                      "pgbench: error: client 0 aborted"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (bench_parse_progress(bad[i], &p))
            fail_msg("accepted: %s", bad[i]);
}

static void test_versions(void **st)
{
    (void)st;
    assert_int_equal(bench_parse_version("pgbench (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
                     150018);
    assert_int_equal(bench_parse_version("pgbench (PostgreSQL) 12.22"), 120022);
    assert_int_equal(bench_parse_version("pgbench (PostgreSQL) 18beta1"), 180000);
    assert_int_equal(bench_parse_version("pgbench"), 0);
    assert_int_equal(bench_parse_version("pgbench (PostgreSQL) x"), 0);
    assert_int_equal(bench_parse_version("pgbench (PostgreSQL) 99999999999"), 0);
}

static struct latency_digest *digest(const char *text)
{
    return bench_digest_log(text, strlen(text), NULL);
}

static void test_log(void **st)
{
    (void)st;
    struct buf log = {0};
    for (int i = 1; i <= 1000; i++)
        buf_printf(&log, "%d %d %d 0 1700000000 12345\n", i % 4, i, i * 1000);
    struct latency_digest *d = digest(buf_text(&log));
    near(d->n, 1000, 0);
    near(d->p50_ms, 500, 5);
    near(d->p95_ms, 950, 10);
    near(d->p99_ms, 990, 10);
    struct latency_digest *other = digest(
        "0 1 failed 0 1 1\n0 2 skipped 0 1 1\n0 3 100 0 1 1 55 2\nnonsense\n"
        "0 4 5000000000 0 1 1\n0 5 0 0 1 1\n0 6 77 0 1 1");
    near(other->n, 3, 0); /* the torn last line and the failed ones do not count */
    near(other->p50_ms, 0.1, 0.001);
    latency_digest_add(other, d);
    near(other->n, 1003, 0);
    near(other->p50_ms, 500, 5);
    free(d);
    free(other);
    d = digest("");
    near(d->n, 0, 0);
    assert_true(isnan(d->p50_ms));
    free(d);
    buf_clear(&log);
}

/* ---- the machine ---- */

struct fixture {
    struct bench b;
    struct effects fx;
    struct sdl plan;
    struct bench_target target;
};

static void setup(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->plan.nscripts = 2;
    SET(f->plan.scripts[0].path, "asset:workloads/shop.sql");
    f->plan.scripts[0].weight = 8;
    SET(f->plan.scripts[1].path, "/home/dba/q@3.sql");
    f->plan.scripts[1].weight = 1;
    SET(f->plan.protocol, "prepared");
    f->plan.clients = 16;
    f->plan.threads = 2;
    SET(f->target.host, "/tmp/sock");
    SET(f->target.port, "5433");
    SET(f->target.user, "dba");
    SET(f->target.dbname, "shop");
    SET(f->target.pgbench, "/usr/lib/postgresql/15/bin/pgbench");
    SET(f->b.dir, "/s/bench");
    SET(f->b.script_dir, "/s/scripts");
    f->b.want_log = true;
    f->b.want_checkpoint = true;
}

static void teardown(struct fixture *f)
{
    bench_clear(&f->b);
    effects_clear(&f->fx);
}

static const struct effect *last(const struct fixture *f, enum effect_kind kind)
{
    for (size_t i = f->fx.n; i > 0; i--)
        if (f->fx.items[i - 1].kind == kind)
            return &f->fx.items[i - 1];
    fail_msg("no effect %s", effect_kind_name(kind));
    return NULL;
}

static size_t count(const struct fixture *f, enum effect_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < f->fx.n; i++)
        n += f->fx.items[i].kind == kind;
    return n;
}

static void give(struct fixture *f, struct event *ev)
{
    bench_step(&f->b, ev, &f->fx);
    event_clear(ev);
}

static struct event answer(const struct fixture *f, enum event_kind kind, enum effect_kind to)
{
    return (struct event){
        .kind = kind, .req = last(f, to)->req, .at_us = 7000000, .wall_us = 9000000};
}

static void line(struct fixture *f, enum child_stream stream, const char *text)
{
    struct event ev = answer(f, EV_CHILD_LINE, FX_CHILD);
    ev.u.child.stream = stream;
    ev.text = xstrdup(text);
    ev.len = strlen(text);
    give(f, &ev);
}

static void lines(struct fixture *f, enum child_stream stream, const char *text)
{
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *one = xstrndup(text, n);
        line(f, stream, one);
        free(one);
        text += n + (text[n] == '\n');
    }
}

static void up(struct fixture *f, int pid)
{
    struct event ev = answer(f, EV_CHILD_UP, FX_CHILD);
    ev.u.child.pid = pid;
    give(f, &ev);
}

static void ends(struct fixture *f, int status, int signal)
{
    struct event ev = answer(f, EV_CHILD_EXIT, FX_CHILD);
    ev.u.child.status = status;
    ev.u.child.signal = signal;
    give(f, &ev);
}

static void file_answer(struct fixture *f, const char *text, void *value)
{
    struct event ev = {.kind = EV_FILE, .req = {OWNER_BENCH, f->b.generation, f->b.waiting}};
    if (text) {
        ev.text = xstrdup(text);
        ev.len = strlen(text);
    }
    ev.digest = value;
    ev.digest_free = free;
    give(f, &ev);
}

/* An answer to the newest statement, at that time. */
static void sql_answer(struct fixture *f, int64_t at_us, bool fails)
{
    struct event ev = answer(f, EV_PG_RESULT, FX_PG_QUERY);
    ev.at_us = at_us;
    if (fails)
        err_set(&ev.err, ERR_SQL, "permission denied for function pg_control_checkpoint");
    give(f, &ev);
}

/* What follows a run that went well: the debt, a CHECKPOINT of half a second, an idle one of a tenth. */
static void closes(struct fixture *f)
{
    assert_int_equal(f->b.state, BENCH_CLOSING);
    assert_non_null(strstr(last(f, FX_PG_QUERY)->text, "redo_lsn"));
    sql_answer(f, 8000000, true);
    assert_string_equal(last(f, FX_PG_QUERY)->text, "CHECKPOINT");
    assert_true(last(f, FX_PG_QUERY)->changes_server && last(f, FX_PG_QUERY)->ms >= 600000);
    sql_answer(f, 8500000, false);
    if (f->b.state == BENCH_CLOSING)
        sql_answer(f, 8600000, false);
}

static void start(struct fixture *f, bool warmup)
{
    bench_start(&f->b, &f->plan, &f->target, 10, warmup, 42, &f->fx);
}

static void checkpointed(struct fixture *f, const char *sqlstate)
{
    struct event ev = answer(f, EV_PG_RESULT, FX_PG_QUERY);
    if (sqlstate) {
        err_set(&ev.err, ERR_SQL,
                "must be superuser or have privileges of pg_checkpoint to do CHECKPOINT");
        SET(ev.err.sqlstate, sqlstate);
    }
    give(f, &ev);
}

static bool has_arg(const struct effect *e, const char *want)
{
    for (char **a = e->u.child.argv; *a; a++)
        if (strcmp(*a, want) == 0)
            return true;
    return false;
}

static void assert_env(const struct effect *e, const char *want)
{
    for (char **v = e->u.child.env; v && *v; v++)
        if (strcmp(*v, want) == 0)
            return;
    fail_msg("no %s in the environment", want);
}

static void test_command(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    f.target.pgpass = secret_put("h:p:d:u:geheim", 14);
    snprintf(f.target.way, sizeof f.target.way, "PGSSLMODE=verify-full\nPGOPTIONS=-c x=y z\n");
    start(&f, false);
    assert_int_equal(f.b.state, BENCH_CHECKPOINT);
    const struct effect *e = last(&f, FX_PG_QUERY);
    assert_string_equal(e->text, "CHECKPOINT");
    assert_true(e->changes_server && e->u.pg.conn == CONN_CONTROL && e->ms == 60000);
    assert_int_equal(count(&f, FX_CHILD), 0);
    checkpointed(&f, NULL);
    assert_int_equal(f.b.state, BENCH_RUNNING);
    e = last(&f, FX_CHILD);
    static const char *const want[] = {"/usr/lib/postgresql/15/bin/pgbench",
                                       "-n",
                                       "-M",
                                       "prepared",
                                       "-c",
                                       "16",
                                       "-j",
                                       "2",
                                       "-T",
                                       "10",
                                       "-P",
                                       "1",
                                       "-f",
                                       "/s/scripts/1-shop.sql@8",
                                       "-f",
                                       "/s/scripts/2-q@3.sql@1",
                                       "--random-seed=42",
                                       "-l",
                                       "--log-prefix=/s/bench/run"};
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_string_equal(e->u.child.argv[i], want[i]);
    assert_null(e->u.child.argv[ARRAY_LEN(want)]);
    assert_env(e, "PGHOST=/tmp/sock");
    assert_env(e, "PGPORT=5433");
    assert_env(e, "PGUSER=dba");
    assert_env(e, "PGDATABASE=shop");
    assert_env(e, "PGAPPNAME=pg_diagnose_bench");
    assert_env(e, "PGSSLMODE=verify-full");
    assert_env(e, "PGOPTIONS=-c x=y z");
    assert_env(e, "PGSERVICE"); /* taken out */
    assert_true(e->changes_server);
    assert_int_equal(e->u.child.flags, CHILD_DIES_WITH_US);
    assert_int_equal(e->u.child.pgpass, f.target.pgpass);
    struct buf shown = {0};
    effect_text(e, &shown);
    assert_null(strstr(buf_text(&shown), "geheim"));
    buf_clear(&shown);
    teardown(&f);
    secret_wipe_all();
}

/* Two threads took nine seconds of CPU in five: pgbench itself is nearly all that they can do. */
static void test_client_bound(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, false);
    checkpointed(&f, NULL);
    struct event ev = answer(&f, EV_CHILD_UP, FX_CHILD);
    ev.at_us = 1000000;
    give(&f, &ev);
    ev = answer(&f, EV_CHILD_EXIT, FX_CHILD);
    ev.at_us = 6000000;
    ev.u.child.cpu_s = 9;
    give(&f, &ev);
    near(f.b.run.client_cpu, 0.9, 0.001);
    teardown(&f);

    setup(&f);
    start(&f, false);
    checkpointed(&f, NULL);
    up(&f, 4711);
    ends(&f, 0, 0); /* what it took is not known */
    assert_true(isnan(f.b.run.client_cpu));
    teardown(&f);
}

/* Our own database has its size taken from whichever database we are in; its rows are counted in itself alone. */
static void test_size_of_our_own_database(void **st)
{
    (void)st;
    for (int own = 0; own < 2; own++) {
        struct fixture f;
        setup(&f);
        f.plan.builtin_db = own;
        SET(f.target.dbname, "it's ours");
        start(&f, false);
        checkpointed(&f, NULL);
        up(&f, 4711);
        lines(&f, STREAM_OUT, summary_15);
        ends(&f, 0, 0);
        const char *asked = last(&f, FX_PG_QUERY)->text;
        assert_int_equal(strstr(asked, "pg_database_size('it''s ours') AS db_bytes") != NULL, own);
        assert_non_null(strstr(asked, "SELECT NULL AS dead_tuples"));
        struct event ev = answer(&f, EV_PG_RESULT, FX_PG_QUERY);
        ev.rows = rows_parse("redo_bytes|dead_tuples|live_tuples|db_bytes\n5|\\N|\\N|300000\n");
        give(&f, &ev);
        near(f.b.run.db_bytes, 300000, 0);
        assert_true(isnan(f.b.run.dead_tuples));
        teardown(&f);
    }
}

static void test_whole_run(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, false);
    checkpointed(&f, NULL);
    up(&f, 4711);
    assert_true(isnan(f.b.tps_now));
    line(&f, STREAM_ERR, "progress: 1.0 s, 1400.0 tps, lat 2.8 ms stddev 1.0, 0 failed");
    line(&f, STREAM_ERR, "progress: 2.0 s, 1440.0 tps, lat 2.7 ms stddev 1.0, 0 failed");
    near(f.b.tps_now, 1440, 0);
    assert_int_equal(f.b.progress_n, 2);
    lines(&f, STREAM_OUT, summary_15);
    ends(&f, 0, 0);
    closes(&f);
    assert_int_equal(f.b.state, BENCH_DIGEST);
    assert_int_equal(last(&f, FX_TIMER_STOP)->req.id, last(&f, FX_TIMER)->req.id);
    assert_int_equal(last(&f, FX_FILE)->u.file.op, FILE_LIST);
    file_answer(&f, "run.4711\nrun.4711.1\nrun.99\nrun.99.3\nrun.4711.x\nr1_series.json\nrun.d/\n",
                NULL);
    assert_int_equal(last(&f, FX_FILE)->u.file.op, FILE_READ);
    assert_string_equal(last(&f, FX_FILE)->u.file.path, "/s/bench/run.4711");
    assert_true(last(&f, FX_FILE)->u.file.digest == bench_digest_log);
    file_answer(&f, NULL, digest("0 1 1000 0 1 1\n0 1 1000 0 1 1\n"));
    assert_string_equal(last(&f, FX_FILE)->u.file.path, "/s/bench/run.4711.1");
    file_answer(&f, NULL, digest("1 1 9000 0 1 1\n"));
    assert_int_equal(f.b.state, BENCH_DONE);
    const struct bench_run *r = &f.b.run;
    assert_true(r->valid && !r->cancelled && !r->warmup);
    near(r->tps_pgbench, 1422.4, 1e-6);
    near(r->checkpoint_s, 0.4, 1e-9); /* less the idle one */
    near(r->tps, 1422.4 * r->secs / (r->secs + 0.4), 1e-6);
    assert_true(isnan(r->redo_bytes) && f.b.checkpoints == 3);
    near(r->p50_ms, 1, 0.01);
    near(r->p95_ms, 9, 0.1);
    near(r->failed, 37, 0);
    assert_int_equal(r->nseries, 2);
    near(r->series[1], 1440, 0);
    near(r->series_lat[0], 2.8, 1e-5);
    assert_int_equal(r->start_wall_us, 9000000);
    struct buf removed = {0};
    for (size_t i = 0; i < f.fx.n; i++)
        if (f.fx.items[i].kind == FX_FILE && f.fx.items[i].u.file.op == FILE_REMOVE)
            buf_printf(&removed, "%s ", f.fx.items[i].u.file.path);
    assert_string_equal(buf_text(&removed),
                        "/s/bench/run.99 /s/bench/run.99.3 /s/bench/run.4711 /s/bench/run.4711.1 ");
    buf_clear(&removed);
    struct bench_run copy;
    bench_run_copy(&copy, r);
    assert_true(copy.series != r->series && copy.nseries == 2 && copy.series[0] == r->series[0]);
    bench_run_clear(&copy);
    teardown(&f);
}

static void test_warmup_and_sampling(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, true);
    assert_int_equal(f.b.state, BENCH_RUNNING); /* no CHECKPOINT, no log */
    assert_false(has_arg(last(&f, FX_CHILD), "-l"));
    up(&f, 1);
    lines(&f, STREAM_OUT,
          "number of transactions actually processed: 500000\ntps = 100000.0 (without x)\n");
    ends(&f, 0, 0);
    assert_int_equal(f.b.state, BENCH_DONE);
    assert_true(f.b.run.warmup);
    start(&f, false); /* a million transactions expected */
    checkpointed(&f, NULL);
    assert_true(has_arg(last(&f, FX_CHILD), "--sampling-rate=0.2000"));
    assert_true(f.b.log_sampled);
    teardown(&f);
}

static void second(struct fixture *f, int at, double tps)
{
    char text[96];
    snprintf(text, sizeof text, "progress: %d.0 s, %.1f tps, lat 2.8 ms stddev 1.0", at, tps);
    line(f, STREAM_ERR, text);
}

/* A warm-up ends when its windows agree; the measured run after it tells how long that took. */
static void test_warmup_ends_by_rule(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, true);
    up(&f, 1);
    second(&f, 1, 400);
    second(&f, 2, 900);
    second(&f, 3, 1380);
    second(&f, 4, 1400);
    assert_int_equal(count(&f, FX_CHILD_KILL), 0);
    second(&f, 5, 1420);
    assert_int_equal(count(&f, FX_CHILD_KILL), 1);
    second(&f, 6, 1420); /* still on its way out: told once */
    assert_int_equal(count(&f, FX_CHILD_KILL), 1);
    ends(&f, 0, 15);
    assert_int_equal(f.b.state, BENCH_DONE);
    assert_true(f.b.run.valid && f.b.run.warmup && !f.b.run.cancelled);
    double warm_s = f.b.warm_s;
    assert_true(warm_s >= 0);
    f.b.warm_s = 5.2;
    start(&f, false);
    near(f.b.run.warm_s, 5.2, 1e-9);
    checkpointed(&f, NULL);
    up(&f, 2);
    for (int i = 1; i < 6; i++)
        second(&f, i, 1400); /* a measured run is not ended by it */
    assert_int_equal(count(&f, FX_CHILD_KILL), 1);
    start(&f, false);
    assert_true(isnan(f.b.run.warm_s));
    teardown(&f);

    setup(&f); /* at a given rate the throughput says nothing */
    f.plan.rate = 1400;
    start(&f, true);
    up(&f, 1);
    for (int i = 1; i < 6; i++)
        second(&f, i, 1400);
    assert_int_equal(count(&f, FX_CHILD_KILL), 0);
    teardown(&f);

    float slow[] = {3, 3, 3}, lat[] = {900, 900, 900}, fast[] = {300, 300, 300};
    assert_false(bench_warmed(slow, lat, 3)); /* statements of a second: no second tells anything */
    assert_false(bench_warmed(fast, lat, 3));
    assert_false(bench_warmed(fast, slow, 2));
    assert_true(bench_warmed(fast, slow, 3));
}

static void test_checkpoint_refused(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, false);
    checkpointed(&f, "42501");
    assert_int_equal(f.b.state, BENCH_RUNNING);
    bench_clear(&f.b);
    start(&f, false);
    assert_int_equal(f.b.state, BENCH_RUNNING); /* not asked again */
    teardown(&f);
}

static void run_fails(struct fixture *f, const char *stderr_text, int status, int signal)
{
    start(f, true);
    up(f, 1);
    lines(f, STREAM_ERR, stderr_text);
    ends(f, status, signal);
    assert_int_equal(f->b.state, BENCH_FAILED);
    assert_false(f->b.run.valid);
}

static void test_failures(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    run_fails(&f,
              "pgbench: error: client 2 script 0 aborted in command 1 query 0: ERROR:  relation "
              "\"no\" does not exist\n"
              "LINE 1: SELECT * FROM no;\n"
              "pgbench: error: Run was aborted; the above results are incomplete.\n",
              2, 0);
    assert_int_equal(f.b.run.err.code, ERR_CHILD);
    assert_string_equal(f.b.run.err.msg, "a statement of the workload failed");
    assert_string_equal(
        f.b.run.err.detail,
        "client 2 script 0 aborted in command 1 query 0: ERROR:  relation \"no\" does not exist");
    assert_non_null(strstr(f.b.run.stderr_tail, "LINE 1"));
    run_fails(&f,
              "pgbench: error: connection to server on socket \"/tmp/.s\" failed: FATAL:  sorry, "
              "too many clients\n",
              1, 0);
    assert_int_equal(f.b.run.err.code, ERR_CONNECT);
    run_fails(&f, "pgbench: fatal: x.sql:3: invalid command in command \"foo\"\n\\foo\n", 1, 0);
    assert_string_equal(f.b.run.err.msg, "pgbench refused to run");
    assert_non_null(strstr(f.b.run.err.detail, "x.sql:3"));
    run_fails(&f, "", 3, 0);
    assert_string_equal(f.b.run.err.msg, "pgbench ended with status 3");
    run_fails(&f, "", 0, 9);
    assert_non_null(strstr(f.b.run.err.msg, "signal 9"));
    run_fails(&f, "", 0, 0); /* went well, but said nothing */
    assert_int_equal(f.b.run.err.code, ERR_FORMAT);
    run_fails(&f, "setpriv: failed to execute pgbench: No such file or directory\n", 127, 0);
    assert_string_equal(f.b.run.err.msg, "pgbench could not be started");
    teardown(&f);
}

static void test_missing_program(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, false);
    checkpointed(&f, NULL);
    struct event ev = answer(&f, EV_CHILD_EXIT, FX_CHILD);
    err_set(&ev.err, ERR_CHILD, "no such file or directory");
    give(&f, &ev);
    assert_int_equal(f.b.state,
                     BENCH_FAILED); /* and no folder is listed for a log that cannot be */
    assert_int_equal(f.b.run.err.code, ERR_CHILD);
    assert_string_equal(f.b.run.err.msg, "pgbench could not be started");
    assert_non_null(strstr(f.b.run.err.hint, "postgresql-contrib"));
    f.plan.nscripts = 0;
    start(&f, false);
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_int_equal(f.b.run.err.code, ERR_USAGE);
    teardown(&f);
}

static void test_stderr_is_bounded(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, true);
    up(&f, 1);
    char text[200];
    for (int i = 0; i < 500; i++) {
        snprintf(text, sizeof text, "pgbench: error: client %d aborted: \x1b[31mbad", i);
        line(&f, STREAM_ERR, text);
    }
    line(&f, STREAM_OUT, "x");
    ends(&f, 2, 0);
    assert_true(strlen(f.b.run.stderr_tail) < sizeof f.b.run.stderr_tail);
    assert_non_null(strstr(f.b.run.stderr_tail, "client 499 "));
    assert_null(strchr(f.b.run.stderr_tail, '\x1b'));
    assert_non_null(strstr(f.b.run.err.detail, "client 0 ")); /* the first tells most */
    teardown(&f);
}

static void test_cancel(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, false);
    bench_cancel(&f.b, &f.fx); /* during CHECKPOINT */
    assert_int_equal(last(&f, FX_PG_CANCEL)->u.pg.conn, CONN_CONTROL);
    checkpointed(&f, "57014");
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_true(f.b.run.cancelled);
    assert_int_equal(count(&f, FX_CHILD), 0);

    start(&f, false); /* while it runs */
    checkpointed(&f, NULL);
    up(&f, 4711);
    line(&f, STREAM_ERR, "progress: 1.0 s, 1400.0 tps, lat 2.8 ms stddev 1.0");
    bench_cancel(&f.b, &f.fx);
    bench_cancel(&f.b, &f.fx);
    assert_int_equal(count(&f, FX_CHILD_KILL), 1);
    assert_int_equal(last(&f, FX_CHILD_KILL)->req.id, last(&f, FX_CHILD)->req.id);
    assert_int_equal(f.b.state, BENCH_RUNNING);
    ends(&f, 0, 15);
    assert_int_equal(f.b.state, BENCH_DIGEST); /* the log goes away, unread */
    file_answer(&f, "run.4711\n", NULL);
    assert_int_equal(last(&f, FX_FILE)->u.file.op, FILE_REMOVE);
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_int_equal(f.b.run.err.code, ERR_CANCELLED);
    assert_true(f.b.run.cancelled && f.b.run.nseries == 1);

    start(&f, false); /* while the log is read */
    checkpointed(&f, NULL);
    up(&f, 4711);
    lines(&f, STREAM_OUT, summary_14);
    ends(&f, 0, 0);
    closes(&f);
    file_answer(&f, "run.4711\nrun.4711.1\n", NULL);
    bench_cancel(&f.b, &f.fx);
    file_answer(&f, NULL, digest("0 1 1000 0 1 1\n"));
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_string_equal(last(&f, FX_FILE)->u.file.path, "/s/bench/run.4711.1");
    assert_int_equal(last(&f, FX_FILE)->u.file.op, FILE_REMOVE);

    start(&f, false); /* while its CHECKPOINT is charged */
    checkpointed(&f, NULL);
    up(&f, 4711);
    lines(&f, STREAM_OUT, summary_14);
    ends(&f, 0, 0);
    sql_answer(&f, 8000000, false);
    size_t cancels = count(&f, FX_PG_CANCEL);
    bench_cancel(&f.b, &f.fx);
    assert_int_equal(count(&f, FX_PG_CANCEL), cancels + 1);
    sql_answer(&f, 9000000, true);
    file_answer(&f, "", NULL);
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_int_equal(f.b.run.err.code, ERR_CANCELLED);
    teardown(&f);
}

/* The idle CHECKPOINT is measured after the first four runs; then the longest of those is what nobody is charged. */
static void test_charge(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    for (int i = 0; i < 6; i++) {
        start(&f, false);
        checkpointed(&f, NULL);
        up(&f, 5);
        lines(&f, STREAM_OUT, summary_14);
        ends(&f, 0, 0);
        sql_answer(&f, 8000000, false);
        sql_answer(&f, 8500000, false);
        assert_int_equal(f.b.state, i < 4 ? BENCH_CLOSING : BENCH_DIGEST);
        if (i < 4)
            sql_answer(&f, 8500000 + 100000 * (i == 1 ? 3 : 1), false);
        near(f.b.run.checkpoint_s, i == 0 ? 0.4 : 0.2, 1e-9);
        assert_true(f.b.run.tps < f.b.run.tps_pgbench);
        file_answer(&f, "", NULL);
        assert_int_equal(f.b.state, BENCH_DONE);
    }
    teardown(&f);
}

static void test_watchdog_and_late_answers(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    start(&f, true);
    struct req old = last(&f, FX_CHILD)->req;
    up(&f, 1);
    assert_true(last(&f, FX_TIMER)->ms > 10000);
    struct event ev = answer(&f, EV_TIMER, FX_TIMER);
    give(&f, &ev);
    assert_int_equal(count(&f, FX_CHILD_KILL), 1);
    ends(&f, 0, 9);
    assert_int_equal(f.b.run.err.code, ERR_TIMEOUT);
    start(&f, true);
    ev = (struct event){.kind = EV_CHILD_EXIT, .req = old}; /* of the run before */
    give(&f, &ev);
    assert_int_equal(f.b.state, BENCH_RUNNING);
    teardown(&f);
}

/* A log that cannot be read costs the percentiles, not the run; one that is not there neither. */
static void test_unreadable_log(void **st)
{
    (void)st;
    struct fixture f;
    setup(&f);
    f.b.want_checkpoint = false;
    start(&f, false);
    up(&f, 5);
    lines(&f, STREAM_OUT, summary_12);
    ends(&f, 0, 0);
    file_answer(&f, "run.5\n", NULL);
    struct event ev = {.kind = EV_FILE, .req = {OWNER_BENCH, f.b.generation, f.b.waiting}};
    err_set(&ev.err, ERR_FILE, "permission denied");
    give(&f, &ev);
    assert_int_equal(f.b.state, BENCH_DONE);
    assert_true(f.b.run.valid && isnan(f.b.run.p95_ms));
    start(&f, false);
    up(&f, 6);
    lines(&f, STREAM_OUT, summary_12);
    ends(&f, 0, 0);
    file_answer(&f, "", NULL);
    assert_int_equal(f.b.state, BENCH_DONE);
    teardown(&f);
}

/* ---- on another machine ---- */

static const char far_out[] = "transaction type: multiple scripts\n"
                              "number of transactions actually processed: 12345\n"
                              "number of failed transactions: 0 (0.000%)\n"
                              "latency average = 8.1 ms\n"
                              "initial connection time = 12.3 ms\n"
                              "tps = 1234.5 (without initial connection time)\n"
                              "pgd_bench times\n"
                              "0m0.010s 0m0.020s\n"
                              "0m3.500s 0m0.500s\n";

static void far_setup(struct fixture *f)
{
    setup(f);
    f->target.far = true;
    f->target.ssh = SSH_BENCH;
    SET(f->target.machine, "box");
    bench_script(&f->b, 0, "SELECT 1;\n", 10);
    bench_script(&f->b, 1, "SELECT 'END_OF_SCRIPT_0';", 25);
}

static void far_teardown(struct fixture *f)
{
    bench_forget_scripts(&f->b);
    teardown(f);
}

/* Until pgbench there has ended well, with its log kept. */
static void far_runs(struct fixture *f)
{
    start(f, false);
    checkpointed(f, NULL);
    up(f, 0);
    line(f, STREAM_ERR, "progress: 1.0 s, 1200.0 tps, lat 8.000 ms stddev 0.100, 0 failed");
    lines(f, STREAM_OUT, far_out);
    line(f, STREAM_OUT, "pgd_bench exit=0 logs=/tmp/pg_diagnose.x");
}

static void test_far_run(void **state)
{
    struct fixture f;
    (void)state;
    far_setup(&f);
    start(&f, false);
    checkpointed(&f, NULL);
    const struct effect *e = last(&f, FX_CHILD);
    assert_int_equal(e->u.child.flags, CHILD_REMOTE | CHILD_DIES_WITH_US);
    assert_int_equal(e->u.child.ssh, SSH_BENCH);
    assert_true(e->changes_server);
    assert_string_equal(e->u.child.argv[0], "sh");
    assert_string_equal(e->u.child.argv[1], "-s");
    assert_null(e->u.child.argv[2]);
    const char *text = e->u.child.stdin_text;
    const char *call = strstr(text, "\nfolder\nscript '");
    assert_non_null(call);
    assert_non_null(strstr(call, "<<'END_OF_SCRIPT_0'\nSELECT 1;\nEND_OF_SCRIPT_0\n"));
    /* a line of its own text does not end it, nor does the missing end of its last line */
    assert_non_null(
        strstr(call, "<<'END_OF_SCRIPT_1'\nSELECT 'END_OF_SCRIPT_0';\nEND_OF_SCRIPT_1\n"));
    assert_non_null(strstr(call, "\nrun 1 '/usr/lib/postgresql/15/bin/pgbench' '-n'"));
    assert_non_null(strstr(call, "'--log-prefix=./run'"));
    assert_null(strstr(text, "/s/"));
    up(&f, 0);
    lines(&f, STREAM_OUT, far_out);
    assert_int_equal(f.b.state, BENCH_RUNNING);
    far_teardown(&f);
}

static void test_far_log(void **state)
{
    struct fixture f;
    (void)state;
    far_setup(&f);
    far_runs(&f);
    struct req child = {OWNER_BENCH, f.b.generation, f.b.child_id};
    closes(&f);
    const struct effect *e = last(&f, FX_CHILD);
    assert_int_equal(e->u.child.flags, CHILD_COLLECT | CHILD_REMOTE);
    assert_string_equal(e->u.child.argv[4], "/tmp/pg_diagnose.x");
    assert_int_equal(count(&f, FX_CHILD_KILL), 0); /* its folder is still needed */
    struct event ev = answer(&f, EV_CHILD_EXIT, FX_CHILD);
    ev.text = xstrdup("0 0 8000 0 0\n0 0 9000 1 0\n");
    ev.len = strlen(ev.text);
    give(&f, &ev);
    assert_true(req_same(last(&f, FX_CHILD_KILL)->req, child));
    e = last(&f, FX_FILE);
    assert_int_equal(e->u.file.op, FILE_SAVE);
    assert_string_equal(e->u.file.path, "/s/bench/run.1");
    assert_string_equal(e->text, "0 0 8000 0 0\n0 0 9000 1 0\n");
    /* From here on as a log of this machine. */
    file_answer(&f, NULL, NULL);
    assert_int_equal(last(&f, FX_FILE)->u.file.op, FILE_LIST);
    file_answer(&f, "run.1\nrun.77\n", NULL);
    file_answer(&f, NULL, bench_digest_log("0 0 8000 0 0\n0 0 9000 1 0\n", 26, NULL));
    assert_int_equal(f.b.state, BENCH_DONE);
    assert_true(f.b.run.valid && f.b.run.tps_pgbench == 1234.5);
    assert_int_equal(f.b.run.nscripts, 2);
    assert_true(f.b.run.p95_ms > 8.9 && f.b.run.p95_ms < 9.1);
    far_teardown(&f);
}

/* What the shell there tells of the times of its children, and what it cannot be. */
static void test_far_cpu(void **state)
{
    static const struct {
        const char *line;
        double cpu_s;
    } cases[] = {{"0m3.500s 0m0.500s", 4}, {"1m2.25s 0m0.75s", 63}, {"nonsense", NAN}, {"", NAN},
                 {"0m1.0s", NAN},          {"0m-9s 0m1s", NAN},     {"ms ms", NAN}};
    struct bench b = {.state = BENCH_RUNNING};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        memset(&b.far, 0, sizeof b.far);
        b.far.cpu_s = NAN;
        assert_false(bench_far_line(&b, "0m1.0s 0m1.0s"));
        assert_true(bench_far_line(&b, "pgd_bench times"));
        assert_true(bench_far_line(&b, "0m9.0s 0m9.0s"));
        assert_true(bench_far_line(&b, cases[i].line));
        if (isnan(cases[i].cpu_s))
            assert_true(isnan(b.far.cpu_s));
        else
            assert_true(fabs(b.far.cpu_s - cases[i].cpu_s) < 1e-9);
        assert_false(b.far.over);
        assert_true(bench_far_line(&b, "pgd_bench exit=3"));
        assert_true(b.far.over && !b.far.holds);
        assert_int_equal(b.far.status, 3);
    }
    assert_true(bench_far_line(&b, "pgd_bench exit=0 logs=tmp/x")); /* no path */
    assert_false(b.far.holds);
}

/* The link goes: while pgbench runs, while the run is closed, while its log is fetched. The run is void each time. */
static void test_far_link_lost(void **state)
{
    struct fixture f;
    (void)state;
    for (int when = 0; when < 4; when++) {
        far_setup(&f);
        if (when == 0) {
            start(&f, false);
            checkpointed(&f, NULL);
            up(&f, 0);
        } else {
            far_runs(&f);
        }
        struct event gone = {.kind = EV_CHILD_EXIT, .at_us = 7000000};
        gone.req = (struct req){OWNER_BENCH, f.b.generation, f.b.child_id};
        err_set(&gone.err, ERR_LOST, "the link is lost");
        if (when == 2)
            closes(&f);
        if (when == 3) { /* it hangs instead */
            closes(&f);
            struct event late = {.kind = EV_TIMER};
            late.req = (struct req){OWNER_BENCH, f.b.generation, f.b.timer_id};
            give(&f, &late);
        } else {
            give(&f, &gone);
        }
        if (when == 1)
            closes(&f);
        if (when == 2) {
            struct event ev = answer(&f, EV_CHILD_EXIT, FX_CHILD);
            err_set(&ev.err, ERR_LOST, "the link is lost");
            give(&f, &ev);
        }
        assert_int_equal(f.b.state, BENCH_FAILED);
        assert_int_equal(f.b.run.err.code, ERR_LOST);
        assert_false(f.b.run.valid);
        far_teardown(&f);
    }
}

/* What is cancelled, or was a warm-up, leaves nothing to fetch. */
static void test_far_without_log(void **state)
{
    struct fixture f;
    (void)state;
    far_setup(&f);
    far_runs(&f);
    assert_int_equal(f.b.state, BENCH_CLOSING);
    bench_cancel(&f.b, &f.fx);
    sql_answer(&f, 8000000, true);
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_int_equal(f.b.run.err.code, ERR_CANCELLED);
    assert_int_equal(last(&f, FX_CHILD_KILL)->req.id, f.b.child_id);
    far_teardown(&f);
    far_setup(&f);
    start(&f, true);
    assert_non_null(strstr(last(&f, FX_CHILD)->u.child.stdin_text, "\nrun 0 '/usr"));
    up(&f, 0);
    lines(&f, STREAM_OUT, far_out);
    line(&f, STREAM_OUT, "pgd_bench exit=0");
    assert_int_equal(f.b.state, BENCH_RUNNING);
    ends(&f, 0, 0);
    assert_int_equal(f.b.state, BENCH_DONE);
    assert_int_equal(count(&f, FX_FILE), 0);
    far_teardown(&f);
}

/* pgbench that fails there says so in its own words. */
static void test_far_failure(void **state)
{
    struct fixture f;
    (void)state;
    far_setup(&f);
    start(&f, false);
    checkpointed(&f, NULL);
    up(&f, 0);
    line(&f, STREAM_ERR,
         "pgbench: error: client 0 aborted in command 0 (SQL) of script 0; ERROR:  x");
    line(&f, STREAM_OUT, "pgd_bench times");
    line(&f, STREAM_OUT, "0m0s 0m0s");
    line(&f, STREAM_OUT, "0m0s 0m0s");
    line(&f, STREAM_OUT, "pgd_bench exit=2 logs=/tmp/pg_diagnose.x");
    assert_int_equal(f.b.state, BENCH_FAILED);
    assert_string_equal(f.b.run.err.msg, "a statement of the workload failed");
    assert_int_equal(count(&f, FX_CHILD_KILL), 1);
    far_teardown(&f);
}

static void test_far_look(void **state)
{
    char path[64], why[100];
    (void)state;
    assert_int_equal(bench_choose("/a/pgbench|pgbench (PostgreSQL) 13.2\n/b/pgbench|pgbench "
                                  "(PostgreSQL) 15.18 (Debian)\n/c/pgbench|\nx\n",
                                  path, sizeof path),
                     150018);
    assert_string_equal(path, "/b/pgbench");
    assert_int_equal(bench_choose("nothing\n", path, sizeof path), 0);
    assert_true(bench_far_delay_read("delay=0.125\n", why, sizeof why) == 0.125);
    assert_true(isnan(bench_far_delay_read("why=FATAL:  no\n", why, sizeof why)));
    assert_string_equal(why, "FATAL:  no");
    assert_true(isnan(bench_far_delay_read("delay=-1\n", why, sizeof why)));
    assert_true(isnan(bench_far_delay_read("", why, sizeof why)) && why[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summaries),
        cmocka_unit_test(test_bad_summaries),
        cmocka_unit_test(test_progress),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_log),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_client_bound),
        cmocka_unit_test(test_size_of_our_own_database),
        cmocka_unit_test(test_whole_run),
        cmocka_unit_test(test_warmup_and_sampling),
        cmocka_unit_test(test_warmup_ends_by_rule),
        cmocka_unit_test(test_checkpoint_refused),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_missing_program),
        cmocka_unit_test(test_stderr_is_bounded),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_charge),
        cmocka_unit_test(test_watchdog_and_late_answers),
        cmocka_unit_test(test_unreadable_log),
        cmocka_unit_test(test_far_run),
        cmocka_unit_test(test_far_log),
        cmocka_unit_test(test_far_cpu),
        cmocka_unit_test(test_far_link_lost),
        cmocka_unit_test(test_far_without_log),
        cmocka_unit_test(test_far_failure),
        cmocka_unit_test(test_far_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
