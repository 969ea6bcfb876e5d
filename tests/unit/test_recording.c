/* What was recorded, as events: a whole session, files that are damaged or gone, and the lines of watch. And how it is played: seek,
 * speed, steps, and that the place alone decides what is shown. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/workspace/playback.h"

#define SESSION "tests/support/session/shop_db1/sessions/Balanced_11232026-072900"

static char *slurp(const char *rel, size_t *len)
{
    const char *top = getenv("PGD_SOURCE_DIR");
    char path[1000];
    struct buf b = {0};
    char part[4096];
    size_t n;

    snprintf(path, sizeof path, "%s/%s", top ? top : ".", rel);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read", path);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        buf_append(&b, part, n);
    fclose(f);
    *len = b.len;
    return buf_take(&b);
}

static void put_file(struct buf *all, const char *rel)
{
    size_t len;
    char *text = slurp(rel, &len);

    buf_printf(all, "==> /home/%s\n", rel);
    buf_append(all, text, len);
    buf_putc(all, '\n');
    free(text);
}

static void take_runs(struct recording *r, int from, int to)
{
    struct buf all = {0};
    char rel[200];

    for (int i = from; i <= to; i++)
        for (int k = 0; k < 2; k++) {
            snprintf(rel, sizeof rel, "%s/%s/run%03d.csv", SESSION, k ? "telemetry" : "bench", i);
            put_file(&all, rel);
        }
    void *files = recorded_files_digest(buf_text(&all), all.len, NULL);
    recording_files(r, files);
    recorded_files_free(files);
    buf_clear(&all);
}

static struct recording *session_only(void)
{
    struct recording *r = recording_new("Balanced");
    struct err e = {0};
    size_t len;
    char *text = slurp(SESSION "/session.json", &len);

    if (!recording_session(r, text, len, &e))
        fail_msg("%s", e.msg);
    free(text);
    return r;
}

static struct recording *whole(void)
{
    struct recording *r = session_only();
    size_t len;
    char *text = slurp(SESSION "/journal.jsonl", &len);

    recording_journal(r, text, len);
    free(text);
    text = slurp(SESSION "/conversation.jsonl", &len);
    recording_talk(r, text, len);
    free(text);
    text = slurp("tests/support/session/shop_db1/workspace.json", &len);
    recording_workspace(r, text, len);
    free(text);
    take_runs(r, 1, 24);
    recording_finish(r);
    return r;
}

static int count(const struct recording *r, enum recorded_kind kind)
{
    int n = 0;

    for (int i = 0; i < r->n; i++)
        n += r->events[i].kind == kind;
    return n;
}

static const struct recorded *find(const struct recording *r, enum recorded_kind kind, int nth)
{
    for (int i = 0; i < r->n; i++)
        if (r->events[i].kind == kind && nth-- == 0)
            return &r->events[i];
    fail_msg("no event %s", recorded_kind_name(kind));
    return NULL;
}

static void in_order(const struct recording *r)
{
    for (int i = 1; i < r->n; i++)
        assert_true(r->events[i].at_us >= r->events[i - 1].at_us);
}

static void a_session_is_its_events_in_order(void **state)
{
    (void)state;
    struct recording *r = whole();

    assert_int_equal(r->nproblems, 0);
    in_order(r);
    assert_int_equal(count(r, RECORDED_RUN), 24);
    assert_int_equal(count(r, RECORDED_RAN), 24);
    assert_int_equal(count(r, RECORDED_SECOND), 72);
    assert_int_equal(count(r, RECORDED_VERDICT), 2);
    assert_int_equal(count(r, RECORDED_SWITCH), 11);
    assert_int_equal(count(r, RECORDED_BASELINE), 1);
    assert_int_equal(r->events[0].kind, RECORDED_BEGIN);
    assert_int_equal(r->events[r->n - 1].kind, RECORDED_END);
    assert_int_equal(find(r, RECORDED_PHASE, 0)->phase, FLOW_BASELINE);
    assert_int_equal(find(r, RECORDED_PHASE, 1)->phase, FLOW_ROUND);
    assert_int_equal(find(r, RECORDED_PHASE, 2)->round, 2);
    assert_int_equal(find(r, RECORDED_PHASE, 3)->phase, FLOW_CONFIRM);
    assert_true(fabs(find(r, RECORDED_RAN, 0)->tps - 48.1458) < 1e-9);
    assert_non_null(
        strstr(find(r, RECORDED_SWITCH, 0)->text, "work_mem (no entry) \xe2\x86\x92 64MB"));
    assert_string_equal(r->user, "dba");
    recording_free(r);
}

static void seconds_that_runs_share_are_played_once(void **state)
{
    (void)state;
    struct recording *r = whole();
    int64_t last = 0;

    for (int i = 0; i < r->n; i++) {
        if (r->events[i].kind != RECORDED_SAMPLE)
            continue;
        assert_true(r->events[i].at_us >= last + 500000);
        last = r->events[i].at_us;
    }
    assert_true(count(r, RECORDED_SAMPLE) > 90);
    recording_free(r);
}

static bool problem(const struct recording *r, const char *words)
{
    for (int i = 0; i < r->nproblems && i < RECORDING_PROBLEMS; i++)
        if (strstr(r->problems[i].msg, words))
            return true;
    return false;
}

static void what_is_damaged_is_named_and_the_rest_is_there(void **state)
{
    (void)state;
    struct recording *r = session_only();
    size_t len;
    char *text = slurp(SESSION "/journal.jsonl", &len);
    char *third = strchr(strchr(text, '\n') + 1, '\n') + 1;
    static const char csv[] = "==> /s/bench/run001.csv\nsecond,tps,latency_ms\n1,50,2\nrubbish\n\n"
                              "==> /s/bench/run002.csv\nnothing of ours\n\n"
                              "==> /s/telemetry/run001.csv\nsecond,tps,new_one\n1,40,7\n2,41";

    memcpy(third, "{\"eve", 5);
    third[5] = '}';
    recording_journal(r, text, len - 20); /* torn, too */
    free(text);
    assert_true(r->torn);
    assert_true(problem(r, "line 3 of journal.jsonl is damaged"));
    void *files = recorded_files_digest(csv, sizeof csv - 1, NULL);
    recording_files(r, files);
    recorded_files_free(files);
    assert_true(problem(r, "line 3 of bench/run001.csv is damaged"));
    assert_true(problem(r, "bench/run002.csv has no heading"));
    assert_true(problem(r, "telemetry/run001.csv ends in the middle of a line"));
    recording_finish(r);
    in_order(r);
    assert_int_equal(count(r, RECORDED_RUN), 23); /* the third line's is lost */
    assert_int_equal(count(r, RECORDED_VERDICT), 2);
    assert_int_equal(count(r, RECORDED_SECOND), 1);
    assert_int_equal(count(r, RECORDED_SAMPLE), 1);
    recording_free(r);
}

static void without_a_journal_the_rounds_are_still_told(void **state)
{
    (void)state;
    struct recording *r = session_only();

    take_runs(r, 1, 3);
    recording_finish(r);
    assert_int_equal(count(r, RECORDED_RUN), 3);
    assert_int_equal(count(r, RECORDED_VERDICT), 2);
    assert_int_equal(count(r, RECORDED_BASELINE), 1);
    struct playback *p = playback_new(r);
    playback_seek(p, p->length_us);
    assert_int_equal(p->shown->session.state, SESSION_ARCHIVED);
    playback_free(p);
}

static void a_session_that_cannot_be_read_is_an_error(void **state)
{
    (void)state;
    struct recording *r = recording_new("x");
    struct err e = {0};

    assert_false(recording_session(r, "{\"format\":1", 11, &e));
    assert_non_null(strstr(e.msg, "session.json"));
    recording_free(r);
}

/* ---- lines of watch ---- */

static struct recording *lines(const char *text)
{
    return recording_watch_digest(text, strlen(text), "/w/x.jsonl");
}

#define HEAD "{\"event\":\"recording\",\"format\":1,\"at_us\":1000000000000000,\"role\":\"dba\"}\n"
#define SAMPLE(s, tps) \
    "{\"event\":\"sample\",\"at_us\":100000000" s "000000,\"tps\":" tps ",\"waits\":[]}\n"

static void lines_of_watch_are_played(void **state)
{
    (void)state;
    struct recording *r = lines(HEAD SAMPLE("1", "10") "rubbish\n" SAMPLE(
        "3", "30") "{\"event\":\"note\",\"at_us\":1000000003000000,\"kind\":\"bad\","
                   "\"text\":\"oh\"}\n{\"event\":\"tomorrow\"}\n{\"event\":\"sam");

    assert_int_equal(count(r, RECORDED_SAMPLE), 2);
    assert_int_equal(find(r, RECORDED_SAID, 0)->said, CHAT_BAD);
    assert_true(r->torn);
    assert_true(problem(r, "line 3 of /w/x.jsonl is damaged"));
    assert_int_equal(r->nproblems, 1);
    recording_free(r);

    r = lines("{\"event\":\"recording\",\"format\":2}\n" SAMPLE("1", "10"));
    assert_true(problem(r, "newer version"));
    assert_int_equal(r->n, 0);
    recording_free(r);

    r = lines("hello\n");
    assert_true(problem(r, "line 1 of"));
    assert_true(problem(r, "nothing that was recorded"));
    recording_free(r);
}

static void a_clock_that_ran_backwards_does_no_harm(void **state)
{
    (void)state;
    struct recording *r = lines(HEAD SAMPLE("5", "10") SAMPLE(
        "2", "20") "{\"event\":\"sample\",\"at_us\":-4,\"tps\":1e99,\"waits\":7}\n");

    in_order(r);
    assert_int_equal(count(r, RECORDED_SAMPLE), 3);
    assert_true(isnan(find(r, RECORDED_SAMPLE, 2)->figures[METRIC_TPS]));
    recording_free(r);
}

/* ---- playing ---- */

static void speeds_are_steps(void **state)
{
    (void)state;
    assert_true(playback_speed(1, 0) == 1);
    assert_true(playback_speed(1, 1) == 2);
    assert_true(playback_speed(1, -1) == 0.5);
    assert_true(playback_speed(0.25, -1) == 0.25);
    assert_true(playback_speed(100, 1) == 100);
    assert_true(playback_speed(3, 0) == 3);
    assert_true(playback_speed(20, 1) == 25);
    assert_true(playback_speed(1e9, 0) == 100);
}

static void time_goes_by_as_fast_as_asked(void **state)
{
    (void)state;
    struct playback *p = playback_new(
        lines(HEAD SAMPLE("1", "10") SAMPLE("2", "20") SAMPLE("3", "30") SAMPLE("4", "40")));

    assert_int_equal(p->length_us, 4000000);
    assert_false(playback_advance(p, 500)); /* the clock is seen first */
    assert_true(playback_advance(p, 1000500));
    assert_int_equal(p->at_us, 1000000);
    p->speed = 0.25;
    assert_true(playback_advance(p, 3000500));
    assert_int_equal(p->at_us, 1500000);
    p->paused = true;
    assert_false(playback_advance(p, 9000500));
    assert_int_equal(p->at_us, 1500000);
    p->paused = false;
    p->speed = 100;
    assert_true(playback_advance(p, 9100500));
    assert_int_equal(p->at_us, 4000000);
    assert_true(playback_ended(p));
    assert_false(playback_advance(p, 99000500));
    assert_true(series_newest(&p->shown->collect.series[METRIC_TPS]) == 40);
    playback_free(p);
}

static void a_long_silence_is_played_short(void **state)
{
    (void)state;
    struct playback *p = playback_new(lines(HEAD SAMPLE("1", "10") SAMPLE("9", "20")));

    assert_int_equal(p->length_us, 1000000 + PLAYBACK_GAP_US);
    playback_seek(p, p->length_us);
    assert_int_equal(p->shown->wall_us, 1000000009000000);
    double tps[10];
    assert_int_equal(series_last(&p->shown->collect.series[METRIC_TPS], 10, tps), 7);
    assert_true(isnan(tps[3])); /* a hole in the graph */
    playback_free(p);
}

static void same(const struct playback *a, const struct playback *b)
{
    const struct session *s = &a->shown->session, *t = &b->shown->session;

    assert_int_equal(a->next, b->next);
    assert_int_equal(a->shown->flow, b->shown->flow);
    assert_int_equal(s->nhistory, t->nhistory);
    assert_int_equal(s->baseline.n, t->baseline.n);
    assert_int_equal(s->round.experiment.n, t->round.experiment.n);
    assert_int_equal(s->confirm.n, t->confirm.n);
    assert_int_equal(a->shown->nchat, b->shown->nchat);
    assert_int_equal(a->shown->bench.state, b->shown->bench.state);
    assert_int_equal(a->shown->wall_us, b->shown->wall_us);
    double x = series_newest(&a->shown->collect.series[METRIC_CPU_USER]);
    double y = series_newest(&b->shown->collect.series[METRIC_CPU_USER]);
    assert_true(x == y || (isnan(x) && isnan(y)));
}

/* However a place was come to, the same is shown there. */
static void the_place_alone_decides(void **state)
{
    (void)state;
    struct playback *p = playback_new(whole()), *q = playback_new(whole());
    unsigned long seed = 7;

    for (int i = 0; i < 40; i++) {
        seed = seed * 6364136223846793005UL + 1442695040888963407UL;
        int64_t to = (int64_t)((seed >> 20) % (unsigned long)p->length_us);
        playback_seek(p, to);
        playback_seek(q, q->length_us);
        playback_seek(q, to);
        same(p, q);
    }
    playback_free(p);
    playback_free(q);
}

static void jumps_and_steps(void **state)
{
    (void)state;
    struct playback *p = playback_new(whole());

    assert_true(playback_jump(p, RECORDED_RUN, 1));
    assert_int_equal(p->shown->session.run_number, 1);
    assert_true(playback_jump(p, RECORDED_RUN, 1));
    assert_int_equal(p->shown->session.run_number, 2);
    assert_true(playback_jump(p, RECORDED_RUN, -1));
    assert_int_equal(p->shown->session.run_number, 1);
    assert_false(playback_jump(p, RECORDED_RUN, -1));
    assert_true(playback_jump(p, RECORDED_VERDICT, 1));
    assert_int_equal(p->shown->session.nhistory, 1);
    assert_true(p->shown->session.history[0].kept);
    assert_true(playback_jump(p, RECORDED_VERDICT, 1));
    assert_int_equal(p->shown->session.nhistory, 2);
    assert_false(playback_jump(p, RECORDED_VERDICT, 1));
    int next = p->next;
    assert_true(playback_step(p, 1));
    assert_true(p->next > next);
    assert_true(playback_step(p, -1));
    playback_seek(p, INT64_MAX / 2);
    assert_int_equal(p->shown->session.state, SESSION_ARCHIVED);
    assert_true(fabs(p->shown->session.best_tps - 153.7) < 0.1);
    playback_seek(p, -5);
    assert_int_equal(p->at_us, 0);
    assert_int_equal(p->shown->session.nhistory, 0);
    playback_free(p);
}

static void the_note_tells_place_and_speed(void **state)
{
    (void)state;
    struct playback *p = playback_new(whole());
    char note[200];

    p->speed = 4;
    (void)playback_jump(p, RECORDED_RUN, 1);
    playback_note(p, note, sizeof note);
    assert_non_null(strstr(note, "REPLAY"));
    assert_non_null(strstr(note, "4x"));
    assert_non_null(strstr(note, "2026-11-23 07:30:15"));
    assert_non_null(strstr(note, "run 1 of 24"));
    p->paused = true;
    playback_note(p, note, sizeof note);
    assert_non_null(strstr(note, "paused"));
    playback_seek(p, p->length_us);
    playback_note(p, note, sizeof note);
    assert_non_null(strstr(note, "end"));
    playback_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_is_its_events_in_order),
        cmocka_unit_test(seconds_that_runs_share_are_played_once),
        cmocka_unit_test(what_is_damaged_is_named_and_the_rest_is_there),
        cmocka_unit_test(without_a_journal_the_rounds_are_still_told),
        cmocka_unit_test(a_session_that_cannot_be_read_is_an_error),
        cmocka_unit_test(lines_of_watch_are_played),
        cmocka_unit_test(a_clock_that_ran_backwards_does_no_harm),
        cmocka_unit_test(speeds_are_steps),
        cmocka_unit_test(time_goes_by_as_fast_as_asked),
        cmocka_unit_test(a_long_silence_is_played_short),
        cmocka_unit_test(the_place_alone_decides),
        cmocka_unit_test(jumps_and_steps),
        cmocka_unit_test(the_note_tells_place_and_speed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
