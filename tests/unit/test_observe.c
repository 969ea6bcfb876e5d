/* A window of a server's own traffic: the figures of two snapshots, and the machine on a made-up server that answers once a
 * second, with configurations that do harm in each of the ways that end them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/runner/observe.h"

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%.6f is not %.6f", got, want);
}

/* ---- figures ---- */

static const char columns[] = "id|calls|ms|square|temp_blocks|read_blocks|hit_blocks|jit_ms|"
                              "dealloc|reset_at\n";

static struct observed snapshot(const char *lines)
{
    struct observed o;
    struct buf text = {0};
    buf_puts(&text, columns);
    buf_puts(&text, lines);
    struct rows *r = rows_parse(buf_text(&text));
    observed_read(r, &o);
    rows_free(r);
    buf_clear(&text);
    return o;
}

/* Statement 1 takes 1 ms and statement 2 takes 100 ms in both windows; only their mix differs. */
static void test_mix(void **state)
{
    (void)state;
    struct observed base = snapshot("1|900|900|900|0|0|0||0|5\n2|100|10000|1000000|0|0|0||0|5\n");
    struct observed other = snapshot("2|500|50000|5000000|0|0|0||0|5\n1|500|500|500|0|0|0||0|5\n");
    struct observed_figure f;
    observed_figure(&base, &base, &f);
    near(f.runtime_ms, 10.9, 1e-9);
    near(f.coverage, 1, 1e-9);
    observed_figure(&base, &other, &f);
    near(f.runtime_ms, 10.9, 1e-9); /* its plain average is 50.5 */
    struct observed_index x;
    observed_slower(&base, &other, &x);
    near(x.ratio, 1, 1e-9);
    near(x.certain, 1, 1e-9); /* no deviation */
    near(x.calls, 1000, 0);
    observed_clear(&base);
    observed_clear(&other);
}

/* Statements that one of the two windows lacks count for nothing; too many of them are told. */
static void test_coverage(void **state)
{
    (void)state;
    struct observed base = snapshot("1|100|100|||||||\n2|100|300|||||||\n3|2|600|||||||\n");
    struct observed few = snapshot("1|100|200|||||||\n2|100|600|||||||\n9|100|9|||||||\n");
    struct observed_figure f;
    observed_figure(&base, &few, &f);
    near(f.coverage, 0.4, 1e-9);
    near(f.runtime_ms, 1000.0 / 202 * 2, 1e-9);
    assert_int_equal(f.statements, 2);
    struct observed rare = snapshot("1|100|100|||||||\n2|100|300|||||||\n3|1|1200|||||||\n");
    observed_figure(&base, &rare, &f); /* with few calls a statement counts where it is needed */
    near(f.coverage, 1, 1e-9);
    near(f.runtime_ms, (100 + 300 + 2400) / 202.0, 1e-9);
    struct observed none = snapshot("");
    observed_figure(&base, &none, &f);
    assert_true(isnan(f.runtime_ms) && f.coverage == 0 && isnan(f.p95_ms));
    observed_figure(&none, &base, &f);
    assert_true(isnan(f.runtime_ms) && f.coverage == 0);
    observed_clear(&base);
    observed_clear(&few);
    observed_clear(&rare);
    observed_clear(&none);
}

static void test_diff(void **state)
{
    (void)state;
    struct observed a = snapshot("1|10|100|1000|5|6|7|8|0|5\n2|10|100|1000|5|6|7|8|0|5\n");
    struct observed b = snapshot("2|10|100|1000|5|6|7|8|0|5\n1|30|180|1500|9|6|8|8|0|5\n"
                                 "3|4|8|16|0|0|0|0|0|5\n");
    struct observed d;
    struct err e = {0};
    assert_true(observed_diff(&a, &b, &d, &e));
    assert_int_equal(d.n, 2); /* what was not called is not there */
    near(observed_find(&d, 1)->calls, 20, 0);
    near(observed_find(&d, 1)->ms, 80, 0);
    near(observed_find(&d, 1)->temp_blocks, 4, 0);
    near(observed_find(&d, 3)->calls, 4, 0);
    observed_clear(&d);
    static const struct {
        const char *end, *message;
    } bad[] = {
        {"1|30|180|1500|9|6|8|8|0|6\n", "the statistics were reset during this window"},
        {"1|5|180|1500|9|6|8|8|0|5\n", "the statistics were reset during this window"},
        {"1|30|180|1500|9|6|8|8|2|5\n",
         "pg_stat_statements has evicted statements during this window"},
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct observed end = snapshot(bad[i].end);
        assert_false(observed_diff(&a, &end, &d, &e));
        assert_string_equal(e.msg, bad[i].message);
        assert_true(e.hint[0]);
        observed_clear(&d);
        observed_clear(&end);
    }
    observed_clear(&a);
    observed_clear(&b);
}

static void test_sum(void **state)
{
    (void)state;
    struct observed total = {0};
    struct observed a = snapshot("2|10|100|1000|5|6|7||0|5\n5|1|1|1|1|1|1||0|5\n");
    struct observed b = snapshot("1|1|2|3|4|5|6||0|5\n2|10|50|500|5|6|7||0|5\n");
    observed_add(&total, &a);
    observed_add(&total, &b);
    assert_int_equal(total.n, 3);
    assert_true(total.items[0].id == 1 && total.items[1].id == 2 && total.items[2].id == 5);
    near(total.items[1].ms, 150, 0);
    near(observed_calls(&total), 22, 0);
    int64_t ids[2];
    assert_int_equal(observed_top(&total, 2, ids), 2);
    assert_true(ids[0] == 2 && ids[1] == 1);
    struct observed picked;
    observed_pick(&total, ids, 1, &picked);
    assert_int_equal(picked.n, 1);
    assert_true(picked.items[0].id == 2);
    observed_clear(&picked);
    observed_clear(&total);
    observed_clear(&a);
    observed_clear(&b);
}

/* One call of 10 ms among 45 that take 0.04 ms as ever is five times as slow, and no evidence. */
static void test_outlier(void **state)
{
    (void)state;
    struct observed base = snapshot("1|1000|40|1.7|||||||\n");
    struct observed odd = snapshot("1|45|11.76|100.07|||||||\n");
    struct observed all = snapshot("1|45|11.76|3.2|||||||\n");
    struct observed unknown = snapshot("1|45|11.76||||||||\n");
    struct observed two = snapshot("1|2|0.16|0.0128|||||||\n");
    struct observed_index x;
    observed_slower(&base, &odd, &x);
    near(x.ratio, 6.53, 0.01);
    assert_true(x.certain < 1);
    observed_slower(&base, &all, &x);
    assert_true(x.certain > 5);
    observed_slower(&base, &unknown, &x);
    near(x.certain, 6.53 * (1 - 2.326 / sqrt(45)), 0.01);
    observed_slower(&base, &two, &x); /* alike by chance */
    near(x.ratio, 2, 1e-9);
    near(x.certain, 2 - 2.326 * 2 * 0.25 / sqrt(2), 0.01);
    observed_clear(&base);
    observed_clear(&odd);
    observed_clear(&all);
    observed_clear(&unknown);
    observed_clear(&two);
}

/* Rows of nonsense are passed over, an id stands once, and the order is by id. */
static void test_rows(void **state)
{
    (void)state;
    struct observed o = snapshot("7|-1|5|||||||\n3|x|5|||||||\n9|4|8|||||||\n"
                                 "-3|1|2|||||||\n9|4|9|||||||\n2|1|nan|||||||\n");
    assert_int_equal(o.n, 2);
    assert_true(o.items[0].id == -3 && o.items[1].id == 9);
    observed_clear(&o);
    observed_read(NULL, &o);
    assert_int_equal(o.n, 0);
    observed_clear(&o);
}

/* Against a mixture whose percentile is known: the larger of two sharp times when it has a tenth of the calls, and the
 * log-normal's own one. */
static void test_p95(void **state)
{
    (void)state;
    struct observed sharp = snapshot("1|900|900|900|||||||\n2|100|10000|1000000|||||||\n");
    near(observed_p95(&sharp, &sharp), 100, 0.01);
    double mean = 10, sd = 5, v = log1p(0.25);
    char line[120];
    snprintf(line, sizeof line, "1|1000|%.10f|%.10f|||||||\n", 1000 * mean,
             1000 * (mean * mean + sd * sd));
    struct observed one = snapshot(line);
    near(observed_p95(&one, &one), exp(log(mean) - v / 2 + 1.6448536 * sqrt(v)), 0.001);
    struct observed unknown = snapshot("1|900|900||||||||\n");
    assert_true(isnan(observed_p95(&unknown, &unknown)));
    observed_clear(&sharp);
    observed_clear(&one);
    observed_clear(&unknown);
}

/* ---- the way to measure ---- */

static const char probe_columns[] = "schema|version|track|preloaded|track_counts|available|"
                                    "active_time|read_stats\n";

static bool probe(const char *row, struct observed_source *s, char *note, struct err *e)
{
    struct buf text = {0};
    buf_printf(&text, "%s%s\n", probe_columns, row);
    struct rows *r = rows_parse(buf_text(&text));
    bool ok = observed_probe(r, "sh'op", s, note, 400, e);
    rows_free(r);
    buf_clear(&text);
    return ok;
}

static void test_probe(void **state)
{
    (void)state;
    static const struct {
        const char *version;
        int form;
    } forms[] = {{"1.4", 12}, {"1.7", 12}, {"1.8", 13}, {"1.9", 14}, {"1.10", 15}, {"1.12", 15}};
    struct observed_source s;
    struct err e = {0};
    char note[400], row[200];
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        snprintf(row, sizeof row, "ext|%s|top|pg_stat_statements|on|t||t", forms[i].version);
        assert_true(probe(row, &s, note, &e));
        assert_int_equal(s.form, forms[i].form);
        assert_string_equal(note, "");
        assert_false(s.active_time);
        assert_true(s.apart);
    }
    assert_true(probe("ext|1.10|top|pg_stat_statements|on|t|t|f", &s, note, &e));
    assert_non_null(strstr(note, "pg_read_all_stats"));
    /* without the extension, but with the time of its sessions */
    assert_true(probe("\\N|\\N|\\N||on|t|t|t", &s, note, &e));
    assert_true(s.form == 0 && s.active_time);
    assert_non_null(strstr(note, "shared_preload_libraries = 'pg_stat_statements'"));
    /* with neither: what would help */
    static const struct {
        const char *row, *hint;
    } none[] = {
        {"\\N|\\N|\\N|auto_explain|on|t|\\N|t", "'auto_explain, pg_stat_statements', restart"},
        {"\\N|\\N|top|pg_stat_statements|on|t|\\N|t", "CREATE EXTENSION pg_stat_statements;"},
        {"ext|1.7|none|pg_stat_statements|on|t|\\N|t", "pg_stat_statements.track = 'top'"},
        {"\\N|\\N|\\N||on|\\N|\\N|t", "Install the package"},
        {"\\N|\\N|top|x|off|t|t|t", "CREATE EXTENSION"},
    };
    for (size_t i = 0; i < ARRAY_LEN(none); i++) {
        assert_false(probe(none[i].row, &s, note, &e));
        assert_int_equal(e.code, ERR_REFUSED);
        if (!strstr(e.hint, none[i].hint))
            fail_msg("%s: %s", none[i].row, e.hint);
    }
}

static void test_statements(void **state)
{
    (void)state;
    struct observed_source s = {.form = 12, .database = "sh'op", .schema = "My Schema"};
    struct buf sql = {0};
    int64_t ids[2] = {-5, 7};
    for (s.form = 12; s.form <= 15; s.form++) {
        buf_clear(&sql);
        observed_statements_sql(&s, ids, 2, &sql);
        assert_non_null(strstr(buf_text(&sql), "\"My Schema\".pg_stat_statements(false)"));
        assert_non_null(strstr(buf_text(&sql), "datname = 'sh''op'"));
        assert_non_null(strstr(buf_text(&sql), "IN (-5,7)"));
        assert_null(strchr(buf_text(&sql), '$'));
        assert_null(strstr(buf_text(&sql), "--"));
    }
    buf_clear(&sql);
    s.form = 12;
    observed_statements_sql(&s, NULL, 0, &sql);
    assert_null(strstr(buf_text(&sql), "IN ("));
    buf_clear(&sql);
    observed_now_sql(&s, &sql);
    assert_non_null(strstr(buf_text(&sql), "NULL AS active_ms"));
    s.active_time = true;
    buf_clear(&sql);
    observed_now_sql(&s, &sql);
    assert_non_null(strstr(buf_text(&sql), "d.active_time"));
    buf_clear(&sql);
}

/* ---- the machine ---- */

/* A server whose traffic goes on as the clock does: 20 calls a second of one statement, and one call of another. */
struct world {
    struct bench b;
    struct effects fx;
    struct sdl plan;
    int64_t now; /* ms */
    double calls1, ms1, square1, calls2, ms2;
    double mean1, mean2, rate; /* from now on */
    double oldest_ms, active;
    double dealloc, reset_at;
    bool hangs, no_statements;
    int timer;   /* of the machine: its number */
    int64_t due; /* … and time */
    int answered, cancelled;
};

static void passes(struct world *w, int64_t ms)
{
    double n = w->rate * (double)ms / 1000;
    w->calls1 += n;
    w->ms1 += n * w->mean1;
    w->square1 += n * w->mean1 * w->mean1;
    w->calls2 += n / 20;
    w->ms2 += n / 20 * w->mean2;
    w->now += ms;
}

static struct rows *answer(struct world *w, const char *sql)
{
    struct buf text = {0};
    if (strstr(sql, "pg_stat_database AS d")) {
        buf_puts(&text, "at|commits|rollbacks|active_ms|reset_at|active|oldest_ms\n");
        buf_printf(&text, "%.3f|%.0f|0|%.3f|1|%.0f|%.1f\n", 1000 + (double)w->now / 1000,
                   w->calls1 + w->calls2, w->ms1 + w->ms2, w->active, w->oldest_ms);
    } else {
        buf_puts(&text, columns);
        buf_printf(&text, "11|%.3f|%.3f|%.3f|0|0|0|0|%.0f|%.0f\n", w->calls1, w->ms1, w->square1,
                   w->dealloc, w->reset_at);
        buf_printf(&text, "22|%.3f|%.3f|%.3f|0|0|0|0|%.0f|%.0f\n", w->calls2, w->ms2,
                   w->ms2 * w->mean2, w->dealloc, w->reset_at);
    }
    struct rows *r = rows_parse(buf_text(&text));
    buf_clear(&text);
    return r;
}

static void deliver(struct world *w, struct event *ev)
{
    ev->at_us = w->now * 1000;
    ev->wall_us = ev->at_us + 7;
    bench_step(&w->b, ev, &w->fx);
    event_clear(ev);
}

/* Does what the machine asked for, until it asks for nothing but its timer. */
static void serve(struct world *w)
{
    for (size_t i = 0; i < w->fx.n; i++) {
        struct effect e = effect_copy(&w->fx.items[i]);
        if (e.kind == FX_TIMER) {
            w->timer = (int)e.req.id;
            w->due = w->now + e.ms;
        } else if (e.kind == FX_TIMER_STOP) {
            w->timer = 0;
        } else if (e.kind == FX_PG_CANCEL) {
            w->cancelled++;
        } else if (e.kind == FX_PG_QUERY && !w->hangs) {
            assert_false(e.changes_server);
            assert_int_equal(e.u.pg.conn, CONN_CONTROL);
            passes(w, 3);
            w->answered++;
            struct event ev = {.kind = EV_PG_RESULT, .req = e.req, .rows = answer(w, e.text)};
            deliver(w, &ev);
        } else {
            assert_true(e.kind == FX_PG_QUERY);
        }
        effect_clear(&e);
    }
    effects_clear(&w->fx);
}

static void start(struct world *w, int seconds, bool warmup, bool baseline, bool candidate)
{
    w->b.observe->order = (struct observe_order){.at_us = w->now * 1000,
                                                 .seconds = seconds,
                                                 .warmup = warmup,
                                                 .baseline = baseline,
                                                 .candidate = candidate};
    struct bench_target nowhere = {.port = ""};
    bench_start(&w->b, &w->plan, &nowhere, seconds, warmup, 1, &w->fx);
    serve(w);
}

/* Until the window is over, or for so long. */
static void until(struct world *w, int64_t ms)
{
    int64_t end = w->now + ms;
    while (w->b.state == BENCH_RUNNING && w->timer && w->due <= end) {
        passes(w, w->due > w->now ? w->due - w->now : 0);
        struct event ev = {.kind = EV_TIMER,
                           .req = {OWNER_BENCH, w->b.generation, (uint32_t)w->timer}};
        deliver(w, &ev);
        serve(w);
    }
    if (w->b.state == BENCH_RUNNING && w->now < end)
        passes(w, end - w->now);
}

static void setup(struct world *w)
{
    struct observed_source s = {.database = "d", .schema = "s", .form = 15, .active_time = true};
    memset(w, 0, sizeof *w);
    w->plan.observe = true;
    w->now = 5000;
    w->mean1 = 5;
    w->mean2 = 40;
    w->rate = 20;
    w->oldest_ms = 20;
    w->active = 1;
    w->reset_at = 3;
    bench_observe(&w->b, &s);
}

static void teardown(struct world *w)
{
    effects_clear(&w->fx);
    bench_clear(&w->b);
}

static struct bench_run *measured(struct world *w, int seconds, bool baseline, bool candidate)
{
    start(w, seconds, false, baseline, candidate);
    until(w, 400000);
    return &w->b.run;
}

static void baseline(struct world *w)
{
    for (int i = 0; i < 2; i++) {
        struct bench_run *r = measured(w, 10, true, false);
        assert_true(r->valid);
        near(r->lat_avg_ms, (5 + 40.0 / 20) / 1.05, 1e-3);
    }
}

static void test_window(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    struct bench_run *r = measured(&w, 10, true, false);
    assert_int_equal(w.b.state, BENCH_DONE);
    assert_true(r->valid && !r->abandoned && r->note[0] == '\0');
    near(r->lat_avg_ms, (5 + 40.0 / 20) / 1.05, 1e-3);
    near(r->secs, 10, 0.1);
    near(r->tps, 21, 2.6); /* ours are taken off: two a second */
    assert_true(r->nseries >= 9 && r->end_wall_us > r->start_wall_us);
    assert_true(isnan(r->client_cpu) && isnan(r->redo_bytes));
    assert_int_equal(w.timer, 0);
    /* another window, twice as fast, and another mix */
    w.mean1 = 2.5;
    w.mean2 = 20;
    r = measured(&w, 10, false, true);
    assert_true(r->valid);
    near(r->lat_avg_ms, (5 + 40.0 / 20) / 1.05 / 2, 1e-3);
    /* who took how long, dearest first */
    assert_int_equal(r->nstatements, 2);
    assert_int_equal(r->statements[0].id, 11);
    near(r->statements[0].ms / r->statements[0].calls, 2.5, 1e-3);
    assert_int_equal(r->statements[1].id, 22);
    near(r->statements[1].ms / r->statements[1].calls, 20, 1e-3);
    near(r->statements[1].calls, 10, 0.6);
    teardown(&w);
}

static void test_little_traffic(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    w.rate = 4; /* 42 calls in ten seconds */
    struct bench_run *r = measured(&w, 10, true, false);
    assert_true(r->valid);
    assert_int_equal(w.b.duration_s, 30);
    assert_non_null(strstr(r->note, "extended to 30 s"));
    near(r->secs, 30, 0.1);
    w.rate = 0.5;
    r = measured(&w, 10, true, false);
    assert_false(r->valid);
    assert_non_null(strstr(r->err.msg, "too little traffic"));
    near(r->secs, 40, 0.1);
    teardown(&w);
}

static void test_spoilt(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    start(&w, 10, false, false, true);
    until(&w, 4000);
    w.dealloc = 1;
    until(&w, 60000);
    assert_false(w.b.run.valid);
    assert_non_null(strstr(w.b.run.err.msg, "evicted"));
    assert_false(w.b.run.abandoned);
    start(&w, 10, false, false, true);
    until(&w, 4000);
    w.reset_at = 9;
    until(&w, 60000);
    assert_non_null(strstr(w.b.run.err.msg, "reset"));
    assert_int_equal(w.b.state, BENCH_FAILED);
    teardown(&w);
}

/* The statements take three times as long: seen with the first look that has ten calls, in the warm-up already. */
static void test_slower(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    w.mean1 = 15;
    w.mean2 = 120;
    start(&w, 2, true, false, true);
    until(&w, 60000);
    assert_int_equal(w.b.state, BENCH_FAILED);
    assert_true(w.b.run.abandoned);
    near(w.b.run.slower, 3, 0.01);
    assert_true(w.b.run.secs < 1.2);
    assert_non_null(strstr(w.b.run.note, "3.0 times as long"));
    assert_int_equal(w.timer, 0);
    /* an arm that is not on trial is left alone, and so is one that is less than twice as slow */
    start(&w, 2, true, false, false);
    until(&w, 60000);
    assert_int_equal(w.b.state, BENCH_DONE);
    w.mean1 = 9.5;
    w.mean2 = 76;
    start(&w, 2, true, false, true);
    until(&w, 60000);
    assert_int_equal(w.b.state, BENCH_DONE);
    assert_true(measured(&w, 10, false, true)->valid);
    teardown(&w);
}

/* A baseline that doubles by itself for three seconds allows as much to a candidate. */
static void test_restless_baseline(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    for (int i = 0; i < 6; i++)
        assert_true(measured(&w, 10, true, false)->valid);
    start(&w, 10, false, true, false);
    until(&w, 3000);
    w.mean1 = 20;
    w.mean2 = 160;
    until(&w, 4000);
    w.mean1 = 5;
    w.mean2 = 40;
    until(&w, 60000);
    assert_true(w.b.run.valid);
    w.mean1 = 15;
    w.mean2 = 120;
    start(&w, 2, true, false, true);
    until(&w, 60000);
    assert_int_equal(w.b.state, BENCH_DONE);
    w.mean1 = 40;
    w.mean2 = 320;
    start(&w, 2, true, false, true);
    until(&w, 60000);
    assert_true(w.b.run.abandoned);
    teardown(&w);
}

/* One call that waits for a second makes the average of three seconds many times what it was, and is chance. */
static void test_one_slow_call(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    start(&w, 5, true, false, true);
    until(&w, 1500);
    w.calls1 += 1;
    w.ms1 += 1000;
    w.square1 += 1000.0 * 1000;
    until(&w, 60000);
    assert_int_equal(w.b.state, BENCH_DONE);
    teardown(&w);
}

/* Nothing comes to an end any more: the statistics say nothing, the age of the statements does. */
static void test_stalled(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    w.rate = 0;
    w.active = 3;
    w.oldest_ms = 300;
    start(&w, 5, true, false, true);
    until(&w, 1500);
    assert_int_equal(w.b.state, BENCH_RUNNING);
    w.oldest_ms = 1700;
    until(&w, 1000);
    assert_true(w.b.run.abandoned);
    assert_non_null(strstr(w.b.run.note, "the oldest for 1.7 s (baseline: 0.0 s at most)"));
    /* statements as old while as many end as ever are a report of somebody's */
    w.rate = 20;
    w.oldest_ms = 9000;
    start(&w, 5, true, false, true);
    until(&w, 4000);
    assert_int_equal(w.b.state, BENCH_RUNNING);
    teardown(&w);
}

static void test_memory(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    start(&w, 5, true, false, true);
    w.b.observe->memory_left = 0.12;
    until(&w, 1500);
    assert_int_equal(w.b.state, BENCH_RUNNING);
    w.b.observe->memory_left = 0.08;
    until(&w, 1500);
    assert_true(w.b.run.abandoned);
    assert_string_equal(w.b.run.note, "8.0 % of the memory are left (bound 10 %)");
    w.b.observe->memory_left = 0.05;
    start(&w, 2, true, false, false);
    until(&w, 60000);
    assert_int_equal(w.b.state, BENCH_DONE);
    teardown(&w);
}

/* The server does not answer any more. */
static void test_silent(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    start(&w, 10, false, false, true);
    until(&w, 2000);
    w.hangs = true;
    until(&w, 3500);
    assert_int_equal(w.b.state, BENCH_RUNNING);
    until(&w, 1500);
    assert_true(w.b.run.abandoned);
    assert_non_null(strstr(w.b.run.note, "has not answered for"));
    assert_int_equal(w.cancelled, 1);
    teardown(&w);
}

static void test_cancel(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    start(&w, 10, false, true, false);
    until(&w, 2500);
    bench_cancel(&w.b, &w.fx);
    serve(&w);
    assert_int_equal(w.b.state, BENCH_FAILED);
    assert_true(w.b.run.cancelled && !w.b.run.abandoned);
    assert_int_equal(w.b.run.err.code, ERR_CANCELLED);
    assert_int_equal(w.timer, 0);
    baseline(&w); /* and it can be started again */
    teardown(&w);
}

/* A warm-up waits for statements that began before it. */
static void test_drain(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    baseline(&w);
    w.oldest_ms = 60000;
    start(&w, 2, true, false, false);
    until(&w, 5000);
    assert_int_equal(w.b.state, BENCH_RUNNING);
    w.oldest_ms = 100;
    until(&w, 1500);
    assert_int_equal(w.b.state, BENCH_DONE);
    w.oldest_ms = 600000;
    start(&w, 2, true, false, false);
    until(&w, 31500);
    assert_int_equal(w.b.state, BENCH_DONE);
    teardown(&w);
}

/* Without pg_stat_statements: the time of the database's sessions by transaction. */
static void test_fallback(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    struct observed_source s = {.database = "d", .active_time = true};
    bench_observe(&w.b, &s);
    struct bench_run *r = measured(&w, 10, true, false);
    assert_true(r->valid);
    near(r->lat_avg_ms, 7 / 1.05, 0.8); /* our own transactions are taken off */
    assert_true(isnan(r->p95_ms));
    assert_int_equal(r->nstatements, 0); /* the database as a whole is no statement */
    r = measured(&w, 10, true, false);
    w.mean1 = 20;
    start(&w, 3, true, false, true);
    until(&w, 60000);
    assert_true(w.b.run.abandoned);
    assert_true(w.b.run.slower > 2);
    teardown(&w);
}

/* An answer that is an error, or no row, ends the window. */
static void test_refused(void **state)
{
    (void)state;
    struct world w;
    setup(&w);
    w.hangs = true;
    start(&w, 10, false, true, false);
    struct event ev = {.kind = EV_PG_RESULT,
                       .req = {OWNER_BENCH, w.b.generation, w.b.observe->waiting}};
    err_set(&ev.err, ERR_LOST, "gone");
    deliver(&w, &ev);
    assert_int_equal(w.b.state, BENCH_FAILED);
    assert_int_equal(w.b.run.err.code, ERR_LOST);
    start(&w, 10, false, true, false);
    ev = (struct event){.kind = EV_PG_RESULT,
                        .req = {OWNER_BENCH, w.b.generation, w.b.observe->waiting},
                        .rows = rows_parse("at|commits\n")};
    deliver(&w, &ev);
    assert_int_equal(w.b.run.err.code, ERR_FORMAT);
    teardown(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_sum),
        cmocka_unit_test(test_outlier),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_p95),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_window),
        cmocka_unit_test(test_little_traffic),
        cmocka_unit_test(test_spoilt),
        cmocka_unit_test(test_slower),
        cmocka_unit_test(test_restless_baseline),
        cmocka_unit_test(test_one_slow_call),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_fallback),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
