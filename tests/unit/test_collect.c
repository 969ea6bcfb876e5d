/* The machine of telemetry, driven by hand: what it asks for, its series, its windows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/telemetry/collect.h"

#define near(a, b) assert_true(fabs((double)(a) - (double)(b)) < 1e-3)

struct fixture {
    struct collect c;
    struct effects fx;
    int64_t now_us;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    collect_init(&f->c);
    collect_link_up(&f->c, 150018);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    effects_clear(&f->fx);
    collect_clear(&f->c);
    free(f);
    return 0;
}

static struct effect *asked(struct fixture *f, enum effect_kind kind)
{
    for (size_t i = f->fx.n; i > 0; i--)
        if (f->fx.items[i - 1].kind == kind)
            return &f->fx.items[i - 1];
    return NULL;
}

static void tick(struct fixture *f, bool link_up)
{
    effects_clear(&f->fx);
    f->now_us += 1000000;
    collect_tick(&f->c, &f->fx, link_up);
}

static bool answer_text(struct fixture *f, struct req req, const char *rows, enum err_code code)
{
    struct event ev = {.kind = EV_PG_RESULT, .req = req, .at_us = f->now_us + 1000};
    if (code != ERR_NONE)
        err_set(&ev.err, code, "an error");
    else
        ev.rows = rows_parse(rows);
    bool changed = collect_step(&f->c, &ev);
    event_clear(&ev);
    return changed;
}

/* commits counts our own transactions, too. */
static bool answer(struct fixture *f, double server_s, int commits, int hit, int read,
                   const char *rest)
{
    char text[600];
    snprintf(text, sizeof text,
             "server_s|xact_commit|xact_rollback|blks_hit|blks_read|ckpt_req|wal_bytes|reset_at|"
             "sessions|active|idle|idle_tx|waiting|hidden|waits\n%.3f|%d|0|%d|%d|3|1048576|77|%s\n",
             server_s, commits, hit, read, rest);
    struct req req = asked(f, FX_PG_QUERY)->req;
    return answer_text(f, req, text, ERR_NONE);
}

static double newest(struct fixture *f, enum metric_id id)
{
    return series_newest(&f->c.series[id]);
}

static void one_statement_a_tick(void **state)
{
    struct fixture *f = *state;
    tick(f, true);
    assert_int_equal(f->fx.n, 1);
    struct effect *e = asked(f, FX_PG_QUERY);
    assert_int_equal(e->u.pg.conn, CONN_TELEMETRY);
    assert_int_equal(e->req.owner, OWNER_TELEMETRY);
    assert_false(e->changes_server);
    /* The limits of the session come with its first statement. */
    assert_non_null(strstr(e->text, "statement_timeout"));
    assert_non_null(strstr(e->text, "pg_stat_bgwriter"));
    assert_null(strstr(e->text, "--"));
    assert_true(answer(f, 100, 1000, 0, 0, "3|2|1|0|1|0|Lock:tuple=1"));
    tick(f, true);
    e = asked(f, FX_PG_QUERY);
    assert_null(strstr(e->text, "statement_timeout"));
    /* A local host is read beside it. */
    f->c.host_on = true;
    answer(f, 101, 1000, 0, 0, "3|2|1|0|1|0|\\N");
    tick(f, true);
    assert_int_equal(f->fx.n, 2);
    assert_int_equal(asked(f, FX_FILE)->u.file.op, FILE_READ_MANY);
    assert_non_null(strstr(asked(f, FX_FILE)->u.file.path, "/proc/pressure/io"));
}

static void versions_have_their_views(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int version;
        const char *has, *has_not;
    } cases[] = {
        {120022, "pg_wal_lsn_diff", "pg_stat_wal"},
        {140000, "wal_sync_time", "pg_stat_checkpointer"},
        {160000, "buffers_backend", "pg_stat_io"},
        {170000, "pg_stat_checkpointer", "write_bytes"},
        {180000, "write_bytes", "wal_sync_time"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        collect_link_up(&f->c, cases[i].version);
        tick(f, true);
        assert_non_null(strstr(asked(f, FX_PG_QUERY)->text, cases[i].has));
        assert_null(strstr(asked(f, FX_PG_QUERY)->text, cases[i].has_not));
    }
}

static void rates_from_the_second_sample(void **state)
{
    struct fixture *f = *state;
    tick(f, true);
    assert_true(
        answer(f, 100, 1000, 500, 10, "24|6|17|1|2|0|Lock:tuple=2\\nCPU=3\\nIO:DataFileRead=1"));
    assert_int_equal(f->c.samples, 1);
    assert_int_equal(f->c.activity.sessions, 24);
    assert_int_equal(f->c.activity.active, 6);
    assert_int_equal(f->c.activity.waiting, 2);
    near(newest(f, METRIC_SESSIONS), 24);
    assert_true(isnan(newest(f, METRIC_TPS)));
    assert_int_equal(f->c.nrecent_waits, 3);
    assert_string_equal(f->c.recent_waits[0].event, "CPU");
    near(f->c.recent_waits[0].share, 0.5);

    tick(f, true);
    /* 1.25 s by the server's clock, which is not late; 10 s would be a clock that was set. */
    assert_true(answer(f, 101.25, 1000 + 500 + 1, 1400, 110, "24|4|20|0|0|0|CPU=4"));
    assert_int_equal(f->c.samples, 2);
    near(newest(f, METRIC_TPS), 400);
    near(newest(f, METRIC_HIT_RATIO), 90);
    near(newest(f, METRIC_BLKS_READ), 80);
    near(newest(f, METRIC_CKPT_REQ), 0);
    assert_true(isnan(newest(f, METRIC_TEMP_BYTES)));
    assert_int_equal(f->c.series[METRIC_TPS].count, 2);
    assert_int_equal(f->c.series[METRIC_NET].count, 1);
    tick(f, true);
    assert_true(answer(f, 111, 1000 + 500 + 2 + 50, 1400, 110, "24|4|20|0|0|0|CPU=4"));
    near(newest(f, METRIC_TPS), 50);
    assert_true(isnan(newest(f, METRIC_HIT_RATIO)));
}

static void late_answers_leave_gaps(void **state)
{
    struct fixture *f = *state;
    tick(f, true);
    answer(f, 100, 1000, 0, 0, "1|0|1|0|0|0|\\N");
    tick(f, true);
    struct req late = asked(f, FX_PG_QUERY)->req;
    tick(f, true);
    assert_null(asked(f, FX_PG_QUERY));
    assert_int_equal(f->c.missed, 1);
    double out[8];
    assert_int_equal(series_last(&f->c.series[METRIC_SESSIONS], 8, out), 2);
    assert_true(out[0] == 1 && isnan(out[1]));
    char text[] = "server_s|xact_commit|xact_rollback|sessions\n102|1001|0|7\n";
    assert_true(answer_text(f, late, text, ERR_NONE));
    assert_int_equal(series_last(&f->c.series[METRIC_SESSIONS], 8, out), 3);
    assert_true(out[2] == 7);
    /* The same answer again is nobody's. */
    assert_false(answer_text(f, late, text, ERR_NONE));
    tick(f, true);
    assert_non_null(asked(f, FX_PG_QUERY));
    assert_false(answer_text(f, asked(f, FX_PG_QUERY)->req, "", ERR_TIMEOUT));
    assert_int_equal(f->c.err.code, ERR_TIMEOUT);
    tick(f, true);
    assert_int_equal(series_last(&f->c.series[METRIC_SESSIONS], 8, out), 4);
    assert_true(isnan(out[3]));
}

static void a_lost_link_is_a_gap(void **state)
{
    struct fixture *f = *state;
    tick(f, true);
    answer(f, 100, 1000, 0, 0, "5|0|5|0|0|0|\\N");
    tick(f, true);
    struct req old = asked(f, FX_PG_QUERY)->req;
    tick(f, false);
    assert_int_equal(f->fx.n, 0);
    assert_int_equal(f->c.missed, 0);
    tick(f, false);
    collect_link_up(&f->c, 150018);
    assert_int_equal(f->c.samples, 0);
    assert_false(answer_text(f, old, "server_s|sessions\n1|99\n", ERR_NONE));
    tick(f, true);
    assert_non_null(strstr(asked(f, FX_PG_QUERY)->text, "statement_timeout"));
    assert_true(answer(f, 104, 2000, 0, 0, "5|0|5|0|0|0|\\N"));
    double out[8];
    assert_int_equal(series_last(&f->c.series[METRIC_SESSIONS], 8, out), 5);
    assert_true(out[0] == 5 && isnan(out[1]) && isnan(out[2]) && isnan(out[3]) && out[4] == 5);
    assert_true(isnan(newest(f, METRIC_TPS)));
}

static void a_counter_that_goes_back_is_a_gap(void **state)
{
    struct fixture *f = *state;
    struct window w;
    tick(f, true);
    answer(f, 100, 1000, 500, 0, "5|0|5|0|0|0|\\N");
    collect_mark(&f->c);
    tick(f, true);
    answer(f, 101, 7, 3, 0, "5|0|5|0|0|0|\\N");
    assert_true(isnan(newest(f, METRIC_TPS)));
    near(newest(f, METRIC_SESSIONS), 5);
    collect_window(&f->c, &w);
    assert_false(w.valid);
    tick(f, true);
    answer(f, 102, 18, 3, 0, "5|0|5|0|0|0|\\N");
    near(newest(f, METRIC_TPS), 10);
    collect_window(&f->c, &w);
    assert_false(w.valid);
    collect_mark(&f->c);
    tick(f, true);
    answer(f, 103, 29, 3, 0, "5|0|5|0|0|0|\\N");
    collect_window(&f->c, &w);
    assert_true(w.valid);
    near(w.tps, 10);
}

static void what_is_ours_is_summed_up(void **state)
{
    struct fixture *f = *state;
    struct own_totals own = {0};

    tick(f, true);
    answer(f, 100, 1000, 500, 0, "5|0|5|0|0|0|\\N");
    collect_own(&f->c, 100000000, &own);
    assert_true(own.until_us == 0); /* one sample is no difference */
    for (int i = 1; i <= 2; i++) {
        tick(f, true);
        answer(f, 100 + i, 1000 + 70 * i, 500, 0, "5|0|5|0|0|0|\\N");
        collect_own(&f->c, 100000000 + i * 1000000, &own);
    }
    near(own.xact_commit, 140);
    near(own.seconds, 2);
    assert_true(own.since_us == 100000000 && own.until_us == 102000000);
    tick(f, true);
    answer(f, 103, 7, 3, 0, "5|0|5|0|0|0|\\N"); /* the statistics begin anew: so does this */
    collect_own(&f->c, 103000000, &own);
    assert_true(own.until_us == 0 && own.xact_commit == 0);
}

/* A reset between two runs is seen in no pair of samples: what was summed up before it goes, as it is counted nowhere any more;
 * else nothing of ours would ever be left out again. */
static void a_reset_between_runs_begins_the_sum_anew(void **state)
{
    struct fixture *f = *state;
    struct own_totals before = {.since_us = 50000000, .until_us = 60000000, .xact_commit = 9000};
    struct own_totals own = before;

    for (int i = 0; i <= 1; i++) {
        tick(f, true);
        answer(f, 100 + i, 1000 + 70 * i, 500, 0, "5|0|5|0|0|0|\\N"); /* reset at 77 */
    }
    collect_own(&f->c, 101000000, &own);
    near(own.xact_commit, 70);
    assert_true(own.since_us == 100000000 && own.until_us == 101000000);
    own = before;
    own.since_us = 80000000;
    collect_own(&f->c, 101000000, &own);
    near(own.xact_commit, 9070);
    assert_true(own.since_us == 80000000);
}

static void a_window_is_a_difference(void **state)
{
    struct fixture *f = *state;
    struct window w;
    collect_window(&f->c, &w);
    assert_false(w.valid);
    assert_true(isnan(w.tps));
    tick(f, true);
    answer(f, 100, 900, 0, 0, "5|3|2|0|0|0|Lock:tuple=3");
    collect_mark(&f->c);
    collect_window(&f->c, &w);
    assert_false(w.valid);
    static const char *const rest[] = {"9|4|5|0|1|0|Lock:tuple=1\\nLWLock:WALWrite=3",
                                       "9|8|1|0|0|0|CPU=4\\nLWLock:WALWrite=4", "9|0|9|0|0|0|\\N"};
    for (int i = 0; i < 3; i++) {
        tick(f, true);
        answer(f, 101 + i, 900 + 101 * (i + 1), 900 * (i + 1), 100 * (i + 1), rest[i]);
    }
    collect_window(&f->c, &w);
    assert_true(w.valid);
    near(w.secs, 3);
    near(w.commits, 300);
    near(w.tps, 100);
    near(w.hit_ratio, 0.9);
    near(w.blks_read, 300);
    near(w.wal_bytes, 0);
    near(w.active_avg, 4);
    near(w.active_peak, 8);
    near(w.lock_wait_share, 1.0 / 12);
    assert_int_equal(w.nwaits, 3);
    assert_string_equal(w.waits[0].event, "LWLock:WALWrite");
    near(w.waits[0].share, 7.0 / 12);
    assert_string_equal(w.waits[2].event, "Lock:tuple");
    assert_true(isnan(w.cpu_user) && isnan(w.wal_fpi) && isnan(w.mem_available_min));
}

static void states_can_be_hidden(void **state)
{
    struct fixture *f = *state;
    struct window w;
    collect_mark(&f->c);
    tick(f, true);
    answer(f, 100, 900, 0, 0, "5|0|0|0|0|5|\\N");
    assert_int_equal(f->c.activity.sessions, 5);
    assert_int_equal(f->c.activity.active, -1);
    assert_true(isnan(newest(f, METRIC_ACTIVE)));
    tick(f, true);
    answer(f, 101, 911, 0, 0, "5|0|0|0|0|5|\\N");
    collect_window(&f->c, &w);
    /* The mark that came before the first sample holds from it on. */
    assert_true(w.valid);
    near(w.tps, 10);
    assert_true(isnan(w.active_avg) && isnan(w.lock_wait_share));
    assert_int_equal(w.nwaits, 0);
}

static void proc(struct fixture *f, int user, int idle, int available)
{
    char text[300];
    int n = snprintf(text, sizeof text,
                     "==> /proc/stat\ncpu  %d 0 0 %d 0 0 0 0 0 0\nprocs_running 3\n\n"
                     "==> /proc/meminfo\nMemAvailable: %d kB\n\n",
                     user, idle, available);
    struct event ev = {.kind = EV_FILE, .req = asked(f, FX_FILE)->req, .at_us = f->now_us};
    ev.text = strdup(text);
    ev.len = (size_t)n;
    assert_true(collect_step(&f->c, &ev));
    event_clear(&ev);
}

static void the_host_goes_on_without_the_link(void **state)
{
    struct fixture *f = *state;
    struct window w;
    f->c.host_on = true;
    tick(f, true);
    proc(f, 100, 100, 4096);
    answer(f, 100, 900, 0, 0, "5|0|5|0|0|0|\\N");
    collect_mark(&f->c);
    tick(f, false);
    proc(f, 175, 125, 2048);
    near(newest(f, METRIC_CPU_USER), 75);
    near(newest(f, METRIC_RUN_QUEUE), 2);
    near(newest(f, METRIC_MEM_AVAILABLE), 2);
    assert_true(isnan(newest(f, METRIC_DISK_READ)));
    collect_link_up(&f->c, 150018);
    tick(f, true);
    proc(f, 175, 225, 3072);
    answer(f, 102, 1102, 0, 0, "5|0|5|0|0|0|\\N");
    collect_window(&f->c, &w);
    assert_true(w.valid);
    near(w.cpu_user, 0.375);
    near(w.cpu_idle, 0.625);
    near(w.run_queue, 2);
    near(w.mem_available_min, 2048 * 1024);
    assert_int_equal(f->c.series[METRIC_CPU_USER].count, f->c.series[METRIC_TPS].count);
}

static void odd_answers_are_survived(void **state)
{
    struct fixture *f = *state;
    tick(f, true);
    assert_false(answer_text(f, asked(f, FX_PG_QUERY)->req, "server_s\n", ERR_NONE));
    assert_int_equal(f->c.err.code, ERR_FORMAT);
    tick(f, true);
    char waits[4000] = "";
    size_t at = 0;
    for (int i = 0; i < 100; i++)
        at += (size_t)snprintf(waits + at, sizeof waits - at, "Extension:e%d=1\\n", i);
    char text[5000];
    snprintf(text, sizeof text,
             "server_s|sessions|active|hidden|waits\nx|99999999999999|-4|0|%s=\\n=3\\nA=x\\nB\n",
             waits);
    assert_true(answer_text(f, asked(f, FX_PG_QUERY)->req, text, ERR_NONE));
    assert_int_equal(f->c.activity.sessions, 0);
    assert_int_equal(f->c.activity.active, 0);
    assert_int_equal(f->c.nrecent_waits, WAITS_MAX);
    double sum = 0;
    for (int i = 0; i < f->c.nrecent_waits; i++)
        sum += f->c.recent_waits[i].share;
    assert_true(sum > 0 && sum <= 1.0001);
    assert_string_equal(f->c.recent_waits[0].event, "other");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(one_statement_a_tick),
        TEST(versions_have_their_views),
        TEST(rates_from_the_second_sample),
        TEST(late_answers_leave_gaps),
        TEST(a_lost_link_is_a_gap),
        TEST(a_counter_that_goes_back_is_a_gap),
        TEST(a_reset_between_runs_begins_the_sum_anew),
        TEST(what_is_ours_is_summed_up),
        TEST(a_window_is_a_difference),
        TEST(states_can_be_hidden),
        TEST(the_host_goes_on_without_the_link),
        TEST(odd_answers_are_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
