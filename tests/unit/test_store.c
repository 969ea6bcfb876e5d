/* The files of a workspace: names, session.json, index.json and workspace.json, whole and damaged. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "full_session.h"
#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/floors.h"
#include "pgd/workspace/lessons.h"
#include "pgd/workspace/store.h"

/* ---- names ---- */

static void name_is(const char *database, const char *host, const char *port, const char *want)
{
    char name[160];

    store_workspace_name(database, host, port, name, sizeof name);
    assert_string_equal(name, want);
}

static void test_workspace_names(void **st)
{
    (void)st;
    name_is("postgres", "10.0.0.230", "5432", "postgres_10-0-0-230");
    name_is("postgres", "10.0.0.230", "", "postgres_10-0-0-230");
    name_is("postgres", "10.0.0.230", "5433", "postgres_10-0-0-230_5433");
    name_is("shop", "db.example.com", "5432", "shop_db.example.com");
    name_is("shop", "/var/run/postgresql", "5432", "shop_local");
    name_is("shop", "@abstract", "6000", "shop_local_6000");
    name_is("shop", "", "", "shop_local");
    name_is("shop", "fe80::1", "5432", "shop_fe80%3A%3A1");
    name_is("a b/\xc3\xa9", "h", "5432", "a%20b%2F%C3%A9_h");
    name_is("../etc", "h", "", "%2E.%2Fetc_h");
    name_is(".hidden", "h", "", "%2Ehidden_h");
    name_is("", "h", "", "postgres_h");
}

static void test_long_workspace_names_differ(void **st)
{
    (void)st;
    char database[64], one[160], two[160];

    memset(database, 0xe9, 63);
    database[63] = 0;
    store_workspace_name(database, "one", "5432", one, sizeof one);
    store_workspace_name(database, "two", "5432", two, sizeof two);
    assert_string_not_equal(one, two);
    assert_true(strlen(one) < sizeof one);
    assert_null(strchr(one, '/'));
}

static bool taken_twice(void *arg, const char *name)
{
    int *calls = arg;

    (void)name;
    return ++*calls <= 2;
}

static bool never(void *arg, const char *name)
{
    (void)arg;
    (void)name;
    return false;
}

static void test_session_names(void **st)
{
    (void)st;
    char name[128];
    int calls = 0;
    const int64_t at = INT64_C(1767330510) * 1000000; /* 2026-01-02 05:08:30 UTC */

    store_session_name("WriteOptimize", at, never, NULL, name, sizeof name);
    assert_string_equal(name, "WriteOptimize_01022026-050830");
    store_session_name("WriteOptimize", at, taken_twice, &calls, name, sizeof name);
    assert_string_equal(name, "WriteOptimize_01022026-050830-3");
    store_session_name("../a b", at, never, NULL, name, sizeof name);
    assert_string_equal(name, "%2E.%2Fa%20b_01022026-050830");
    assert_null(strchr(name, '/'));
    char odd[60];
    memset(odd, ' ', sizeof odd - 1);
    odd[sizeof odd - 1] = 0;
    store_session_name(odd, at, never, NULL, name, sizeof name);
    assert_non_null(strstr(name, "_01022026-050830"));
}

/* ---- session.json ---- */

static bool parse(const char *text, size_t len, struct session *s, struct err *e)
{
    memset(e, 0, sizeof *e);
    return store_session_parse(text, len, s, e);
}

static void test_round_trip(void **st)
{
    (void)st;
    struct session *one = full_session(), *two = full_session();
    struct buf first = {0}, second = {0};
    struct err e;

    store_session_json(one, &first);
    assert_true(parse(buf_text(&first), first.len, two, &e));
    store_session_json(two, &second);
    assert_string_equal(buf_text(&first), buf_text(&second));
    /* what a comparison of two texts alone would not show: that the text holds it at all */
    assert_string_equal(two->name, one->name);
    assert_int_equal(two->state, SESSION_ARCHIVED);
    assert_int_equal(two->created_wall_us, one->created_wall_us);
    assert_int_equal(two->ended_wall_us, one->ended_wall_us);
    assert_float_equal(two->spent_s, 600.5, 1e-9);
    assert_memory_equal(&two->plan, &one->plan, sizeof one->plan);
    assert_memory_equal(&two->sight, &one->sight, sizeof one->sight);
    assert_memory_equal(&two->target, &one->target, sizeof one->target);
    assert_memory_equal(&two->best, &one->best, sizeof one->best);
    assert_memory_equal(&two->ledger, &one->ledger, sizeof one->ledger);
    assert_memory_equal(two->first, one->first, sizeof one->first);
    assert_memory_equal(two->final_values, one->final_values, sizeof one->final_values);
    assert_memory_equal(two->rejected, one->rejected, sizeof one->rejected);
    assert_int_equal(two->nhistory, 3);
    assert_memory_equal(two->history[0].changes, one->history[0].changes,
                        sizeof one->history[0].changes);
    assert_true(isnan(two->history[2].changes[0].expect_lo));
    assert_true(two->history[1].kept && !two->history[2].kept);
    assert_memory_equal(two->history[1].changes, one->history[1].changes,
                        sizeof one->history[1].changes);
    assert_int_equal(two->history[0].measured, 1);
    assert_int_equal(two->history[1].measured, 2);
    assert_int_equal(two->history[1].nsets, 2);
    assert_true(two->history[1].sets[0].out && two->history[1].sets[1].gained);
    assert_true(isnan(two->history[1].sets[1].lo));
    assert_float_equal(two->history[1].sets[0].hi, 1.01, 1e-9);
    assert_int_equal(two->nearned, 2);
    assert_string_equal(two->earned[0].value, "16GB");
    assert_true(two->earned[0].tested && !two->earned[0].idle);
    assert_float_equal(two->earned[0].lo, 1.08, 1e-9);
    assert_true(two->earned[1].idle && two->earned[1].taken_out && isnan(two->earned[1].hi));
    assert_int_equal(two->history[2].verdict.kind, VERDICT_INCONCLUSIVE);
    assert_float_equal(two->history[0].window.tps, 5100, 1e-9);
    assert_string_equal(two->history[0].window.waits[0].event, "LWLock:WALWrite");
    assert_true(isnan(two->base_window.disk_await_ms));
    assert_false(two->history[1].window.valid);
    assert_string_equal(two->said[0].bottleneck, "CPU-bound: 96 % busy");
    assert_float_equal(two->final.ci_lo, 1.142, 1e-9);
    assert_float_equal(two->baseline_tps, 4502, 1e-9);
    assert_float_equal(two->floor, 0.031, 1e-9);
    assert_string_equal(two->end_reason, "three misses in a row");
    assert_int_equal(two->journal_no, 42);
    assert_int_equal(two->run_number, 31);
    assert_int_equal(two->rounds_done, 3);
    assert_int_equal(two->misses, 1);
    assert_true(two->by_hand);
    assert_string_equal(two->bench_at, "db.example.com");
    assert_int_equal(two->pending.phase, PENDING_ROUND);
    assert_memory_equal(&two->pending.arm, &one->pending.arm, sizeof one->pending.arm);
    assert_int_equal(two->round.number, 4);
    assert_int_equal(two->round.want_arm, ARM_B);
    assert_int_equal(two->round.review.n, 1); /* what was rejected stands in `rejected` */
    assert_string_equal(two->round.review.lines[0].to, "64MB");
    assert_int_equal(two->round.experiment.n, 2);
    assert_true(two->round.experiment.blocks && two->round.experiment.runs[1].valid);
    assert_float_equal(two->round.experiment.runs[1].tps, 5201, 1e-9);
    const struct bench_run *run = &two->round.experiment.runs[1];
    assert_true(run->contaminated && !two->round.experiment.runs[0].contaminated);
    assert_float_equal(run->tps_pgbench, 5300, 1e-9);
    assert_float_equal(run->checkpoint_s, 2.25, 1e-9);
    assert_float_equal(run->redo_bytes, 4e8, 1e-9);
    assert_float_equal(run->others_tps, 12.5, 1e-9);
    assert_true(isnan(run->dead_tuples) && isnan(run->others_active));
    buf_clear(&first);
    buf_clear(&second);
    full_session_free(one);
    full_session_free(two);
}

/* A value that goes back to the server keeps every byte, whatever it is. */
static void test_values_keep_their_bytes(void **st)
{
    (void)st;
    static const char odd[] = "'a\\b'\t\"c\" \xe2\x80\xae x";
    struct session *s = full_session();
    struct buf text = {0};
    struct err e;

    PUT(s->ledger.rows[0].original.value, "%s", odd);
    store_session_json(s, &text);
    assert_true(parse(buf_text(&text), text.len, s, &e));
    assert_string_equal(s->ledger.rows[0].original.value, odd);
    buf_clear(&text);
    full_session_free(s);
}

static void test_unmeasured_stays_unknown(void **st)
{
    (void)st;
    struct session *s = full_session();
    struct buf text = {0};
    struct err e;

    session_reset(s);
    s->state = SESSION_ACTIVE;
    PUT(s->name, "A_01022026-050830");
    store_session_json(s, &text);
    assert_true(parse(buf_text(&text), text.len, s, &e));
    assert_true(isnan(s->baseline_tps) && isnan(s->best_tps) && isnan(s->floor));
    assert_true(isnan(s->final.ratio));
    assert_false(s->base_window.valid);
    assert_string_equal(s->best.label, "start");
    buf_clear(&text);
    full_session_free(s);
}

static void empty_after_error(const struct session *s)
{
    assert_int_equal(s->state, SESSION_NONE);
    assert_int_equal(s->name[0], 0);
    assert_int_equal(s->nhistory, 0);
    assert_int_equal(s->ledger.n, 0);
}

static void test_truncated_at_every_byte(void **st)
{
    (void)st;
    struct session *s = full_session();
    struct buf text = {0};
    struct err e;

    store_session_json(s, &text);
    size_t end = text.len;
    while (end > 0 && text.data[end - 1] != '}')
        end--;
    for (size_t len = 0; len < end; len++) {
        char *exact = xmalloc(len + 1);
        memcpy(exact, text.data, len);
        bool ok = parse(exact, len, s, &e);
        free(exact);
        assert_false(ok);
        assert_int_equal(e.code, ERR_FORMAT);
        assert_true(e.msg[0] && e.detail[0] && e.hint[0]);
    }
    assert_true(parse(text.data, end, s, &e));
    buf_clear(&text);
    full_session_free(s);
}

static void test_flipped_bytes(void **st)
{
    (void)st;
    struct session *s = full_session();
    struct buf text = {0}, again = {0};
    struct err e;
    int refused = 0;

    store_session_json(s, &text);
    for (size_t i = 0; i < text.len; i++) {
        char was = text.data[i];
        text.data[i] = (char)(was ^ (1 << (i % 8)));
        if (parse(text.data, text.len, s, &e)) {
            again.len = 0;
            store_session_json(s, &again); /* what was accepted can be written */
            assert_true(s->ledger.n <= LEDGER_MAX && s->nhistory <= HISTORY_MAX);
        } else {
            refused++;
            assert_int_equal(e.code, ERR_FORMAT);
            empty_after_error(s);
        }
        text.data[i] = was;
    }
    assert_true(refused > 500);
    buf_clear(&text);
    buf_clear(&again);
    full_session_free(s);
}

/* Replaces one member of the full session by another value and expects a refusal that names it. */
static void refuse(const char *key, const char *value, const char *named)
{
    struct session *s = full_session();
    struct buf text = {0};
    struct err e = {0};

    store_session_json(s, &text);
    json_t *j = js_parse(text.data, text.len, &e);
    assert_non_null(j);
    json_t *v = json_loads(value, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    json_object_set_new(j, key, v);
    char *changed = json_dumps(j, 0);
    if (parse(changed, strlen(changed), s, &e) || !strstr(e.msg, named))
        fail_msg("%s = %s gave \"%s\"", key, value, e.msg);
    assert_int_equal(e.code, ERR_FORMAT);
    assert_true(e.hint[0]);
    empty_after_error(s);
    free(changed);
    json_decref(j);
    buf_clear(&text);
    full_session_free(s);
}

static void test_wrong_types(void **st)
{
    (void)st;
    refuse("name", "7", "name");
    refuse("name", "\"../../etc\"", "name");
    refuse("name", "\".x\"", "name");
    refuse("state", "\"DONE\"", "state");
    refuse("strategy", "[]", "sdl");
    refuse("strategy", "{\"clients\":\"8\"}", "clients");
    refuse("best", "{}", "best");
    refuse("best", "{\"entries\":[{\"name\":\"a b\",\"present\":true,\"value\":\"1\"}]}", "best");
    refuse("best", "{\"entries\":[{\"name\":\"work_mem\",\"present\":true}]}", "best");
    refuse("ledger", "{}", "ledger");
    refuse("ledger", "[{\"original\":{\"name\":\"work_mem\"}}]", "ledger");
    refuse("first_sight", "\"x\"", "first_sight");
    refuse("target", "{\"tps\":-1}", "tps");
    refuse("verdict", "{\"kind\":\"better\"}", "kind");
    refuse("baseline_tps", "\"4502\"", "baseline_tps");
    refuse("baseline_tps", "-1", "baseline_tps");
    refuse("created_us", "1.5", "created_us");
    refuse("journal_no", "-1", "journal_no");
    refuse("rounds_done", "1e99", "rounds_done");
    refuse("rounds", "{}", "rounds");
    refuse("rounds", "[7]", "rounds");
    refuse("rounds", "[{\"sets\":7}]", "sets");
    refuse("rounds", "[{\"sets\":[7]}]", "sets");
    refuse("rounds", "[{\"measured\":-1}]", "measured");
    refuse("rounds", "[{\"changes\":[{\"name\":\"a\",\"risk\":\"low\",\"sets\":64}]}]", "sets");
    refuse("earned", "[7]", "earned.name");
    refuse("earned", "[{\"name\":\"jit\",\"ratio\":\"x\"}]", "ratio");
    refuse("rejected", "[7]", "rejected");
    refuse("rounds", "[{\"changes\":[{\"name\":\"A;\"}]}]", "changes");
    refuse("rounds", "[{\"changes\":[{\"name\":\"a\",\"risk\":\"none\"}]}]", "risk");
    refuse("rounds", "[{\"window\":{\"tps\":\"x\"}}]", "tps");
    refuse("rounds", "[{\"window\":{\"waits\":{\"CPU\":\"x\"}}}]", "waits");
    refuse("before", "[]", "before");
    refuse("after", "{\"work_mem\":4}", "after");
    refuse("rejected", "{}", "rejected");
    refuse("end_reason", "[]", "end_reason");
}

static void test_too_many(void **st)
{
    (void)st;
    struct buf b = {0};

    buf_puts(&b, "[");
    for (int i = 0; i < HISTORY_MAX + 1; i++)
        buf_printf(&b, "%s{\"changes\":[]}", i ? "," : "");
    buf_puts(&b, "]");
    refuse("rounds", buf_text(&b), "rounds");
    b.len = 0;
    buf_puts(&b, "[");
    for (int i = 0; i < LEDGER_MAX + 1; i++)
        buf_printf(&b, "%s{}", i ? "," : "");
    buf_puts(&b, "]");
    refuse("ledger", buf_text(&b), "ledger");
    buf_clear(&b);
}

static void test_future_format(void **st)
{
    (void)st;
    struct session *s = full_session();
    struct workspace *w = xcalloc(1, sizeof *w);
    struct identity id;
    struct err e = {0};
    static const char future[] = "{\"format\":2,\"name\":\"A_1\",\"sessions\":[]}";
    static const char none[] = "{\"name\":\"A_1\"}";

    assert_false(parse(future, strlen(future), s, &e));
    assert_string_equal(e.msg, "session.json was written by a newer version");
    assert_int_equal(e.code, ERR_REFUSED);
    assert_true(e.hint[0]);
    assert_false(parse(none, strlen(none), s, &e));
    assert_string_equal(e.msg, "session.json has no known format");
    assert_int_equal(e.code, ERR_FORMAT);
    assert_false(parse("[]", 2, s, &e));
    assert_false(store_index_parse(future, strlen(future), w, &e));
    assert_string_equal(e.msg, "index.json was written by a newer version");
    assert_int_equal(e.code, ERR_REFUSED); /* unlike a damaged one it is not made again */
    assert_false(store_workspace_parse(future, strlen(future), &id, &e));
    assert_string_equal(e.msg, "workspace.json was written by a newer version");
    free(w);
    full_session_free(s);
}

/* ---- index.json, workspace.json ---- */

/* What the list and the folders say of each other. */
static void test_index_and_folders(void **st)
{
    (void)st;
    struct workspace *w = xcalloc(1, sizeof *w);
    struct buf unknown = {0}, names = {0};
    static const enum session_state states[] = {SESSION_ARCHIVED, SESSION_ACTIVE, SESSION_FAILED,
                                                SESSION_ARCHIVED};

    for (int i = 0; i < 4; i++) {
        struct session_row *r = session_rows_add(w, i);
        snprintf(r->name, sizeof r->name, "S_%d", i);
        r->state = states[i];
        r->changed_wall_us = i;
    }
    buf_puts(&names, "S_0/\nnotes.txt\n..hidden/\nS_7/\nS_8/\n");
    void *f = store_folders_digest(buf_text(&names), names.len, "");
    assert_int_equal(store_index_check(w, f, &unknown), 2); /* what had ended and is gone */
    assert_int_equal(w->nsessions, 2);
    assert_string_equal(w->sessions[1].name, "S_1"); /* a killed one stays, whatever became of it */
    assert_string_equal(buf_text(&unknown), "S_7\nS_8\n");
    store_folders_digest_free(f);
    f = store_folders_digest("", 0, "");
    unknown.len = 0;
    assert_int_equal(store_index_check(w, f, &unknown), 1);
    assert_int_equal(unknown.len, 0);
    store_folders_digest_free(f);
    session_rows_clear(w);
    buf_clear(&unknown);
    buf_clear(&names);
    free(w);
}

static void test_rows(void **st)
{
    (void)st;
    struct workspace *w = xcalloc(1, sizeof *w);
    struct buf text = {0};
    struct err e = {0};

    for (int i = 0; i < 300; i++) {
        struct session_row *r = session_rows_add(w, i);
        snprintf(r->name, sizeof r->name, "S_%d", i);
        r->state = SESSION_ARCHIVED;
        r->changed_wall_us = i * 7919 % 301;
    }
    session_rows_sort(w);
    for (int i = 1; i < w->nsessions; i++)
        assert_true(w->sessions[i - 1].changed_wall_us >= w->sessions[i].changed_wall_us);
    struct session_row *r = session_rows_front(w, session_rows_find(w, "S_200"));
    assert_string_equal(r->name, "S_200");
    snprintf(r->title, sizeof r->title, "before the \"merger\"");
    r->origin = (struct origin){.session = "S_3", .node = 2};
    session_rows_remove(w, session_rows_find(w, "S_3"));
    assert_int_equal(session_rows_find(w, "S_3"), -1);
    store_index_json(w, &text);
    r->title[0] = '-'; /* not said: the text stays as it was */
    size_t len = text.len;
    text.len = 0;
    store_index_json(w, &text);
    assert_int_equal(text.len, len);
    assert_true(store_index_parse(buf_text(&text), text.len, w, &e));
    assert_int_equal(w->nsessions, 299);
    assert_string_equal(w->sessions[0].title, "before the \"merger\"");
    assert_string_equal(w->sessions[0].origin.session, "S_3");
    assert_int_equal(w->sessions[0].origin.node, 2);
    w->sessions[0].title[0] = '-';
    session_rows_changed(&w->sessions[0]);
    text.len = 0;
    store_index_json(w, &text);
    assert_non_null(strstr(buf_text(&text), "\"title\":\"-efore"));
    session_rows_clear(w);
    buf_clear(&text);
    free(w);
}

static void test_index(void **st)
{
    (void)st;
    struct workspace *w = xcalloc(1, sizeof *w), *again = xcalloc(1, sizeof *again);
    struct session *s = full_session();
    struct buf text = {0};
    struct err e = {0};

    store_session_row(s, session_rows_add(w, 0));
    s->state = SESSION_PAUSED;
    s->final.kind = VERDICT_NONE;
    s->baseline_tps = NAN;
    PUT(s->name, "Memory_01022026-050830-2");
    store_session_row(s, session_rows_add(w, 1));
    store_index_json(w, &text);
    assert_true(store_index_parse(text.data, text.len, again, &e));
    assert_int_equal(again->nsessions, 2);
    assert_string_equal(again->sessions[0].name, "WriteOptimize_01022026-050830");
    assert_string_equal(again->sessions[0].strategy, "WriteOptimize");
    assert_int_equal(again->sessions[0].state, SESSION_ARCHIVED);
    assert_float_equal(again->sessions[0].effect, 1.172, 1e-9);
    assert_float_equal(again->sessions[0].baseline_tps, 4502, 1e-9);
    /* of the confirmation; of the other one, whose two rounds were not made together, the newest round's alone */
    assert_true(fabs(again->sessions[0].tps_before - 4502) < 1e-6);
    assert_true(fabs(again->sessions[0].tps_after - 4502 * 1.172) < 1e-6);
    assert_string_equal(again->sessions[0].reason, "three misses in a row");
    assert_true(isnan(again->sessions[1].tps_before));
    assert_true(fabs(again->sessions[1].tps_after - 4502 * 1.05) < 1e-6);
    assert_int_equal(again->sessions[0].rounds, 3);
    assert_int_equal(again->sessions[0].changed_wall_us, s->ended_wall_us);
    assert_false(again->sessions[0].interrupted);
    assert_true(again->sessions[1].interrupted);
    assert_true(isnan(again->sessions[1].effect) && isnan(again->sessions[1].baseline_tps));
    for (size_t len = 0; len + 2 < text.len; len++) {
        assert_false(store_index_parse(text.data, len, again, &e));
        assert_int_equal(again->nsessions, 0);
    }
    static const char *const bad[] = {
        "{\"format\":1,\"sessions\":[{\"name\":\"a/b\",\"state\":\"PAUSED\"}]}",
        "{\"format\":1,\"sessions\":[{\"name\":\"ab\",\"state\":\"?\"}]}",
        "{\"format\":1,\"sessions\":[{\"name\":\"ab\",\"state\":\"PAUSED\",\"rounds\":-1}]}",
        "{\"format\":1,\"sessions\":[{\"name\":\"ab\",\"state\":\"PAUSED\",\"effect\":\"x\"}]}",
        "{\"format\":1,\"sessions\":[1]}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(store_index_parse(bad[i], strlen(bad[i]), again, &e));
    buf_clear(&text);
    session_rows_clear(w);
    session_rows_clear(again);
    free(w);
    free(again);
    full_session_free(s);
}

/* A file of ours is read line by line; with a blank before it, it is read as any JSON. Both say the same of each row. */
static void test_index_both_ways(void **st)
{
    (void)st;
    static const char *const rows[] = {
        "{\"name\":\"S_1\",\"strategy\":\"Read\",\"state\":\"PAUSED\",\"baseline_tps\":1000.5,"
        "\"best_tps\":null,"
        "\"effect\":1.17200000001,\"rounds\":3,\"changed_us\":1760000000000001}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":0.1,\"baseline_tps\":999999999999.125,"
        "\"best_tps\":0}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"title\":\"\\u00e9 "
        "\xc3\xa9\",\"origin\":{\"session\":\"A\",\"node\":\"R2\"}}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"tps_before\":367.5,\"tps_after\":910,\"reason\":"
        "\"the budget is spent\"}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"tps_after\":null,\"reason\":\"\xe2\x80\xa6\"}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"reason\":1}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":1e2,\"rounds\":2.0}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":01}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":1.}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":.5}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":1000000000000.5}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"effect\":123456789.123456789}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"rounds\":1000001}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"changed_us\":9007199254740992}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"changed_us\":9007199254740993}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"changed_us\":01}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"changed_us\":}",
        "{\"name\":\"S\",\"name\":\"S\",\"state\":\"FAILED\"}",
        "{\"name\":\"../S\",\"state\":\"FAILED\"}",
        "{\"name\":\"S\",\"state\":\"FAILED\",\"more\":[1]}",
        "{\"name\":\"S\",\"state\":\"FAILED\",}",
        "{\"state\":\"FAILED\"}",
        "{\"name\":\"S\"}",
        "{\"name\":\"S\",\"state\":\"FAILED\"},",
        "{\"name\":\"S\",\"state\":\"FAILED\"}}",
    };
    struct workspace *a = xcalloc(1, sizeof *a), *b = xcalloc(1, sizeof *b);

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct buf text = {0};
        struct err e = {0};
        buf_printf(&text, " {\n \"format\": 1,\n \"sessions\": [\n  %s,\n  %s\n ]\n}\n",
                   "{\"name\":\"first\",\"state\":\"ARCHIVED\"}", rows[i]);
        bool plain = store_index_parse(text.data + 1, text.len - 1, a, &e);
        bool json = store_index_parse(text.data, text.len, b, &e);
        if (plain != json)
            fail_msg("%s: %d line by line, %d as JSON", rows[i], plain, json);
        assert_int_equal(a->nsessions, plain ? 2 : 0);
        for (int k = 0; plain && k < 2; k++) {
            struct session_row *x = &a->sessions[k], *y = &b->sessions[k];
            free(x->line);
            free(y->line);
            x->line = y->line = NULL;
            x->line_len = y->line_len = 0;
            assert_memory_equal(x, y, sizeof *x);
        }
        buf_clear(&text);
    }
    session_rows_clear(a);
    session_rows_clear(b);
    free(a);
    free(b);
}

static void test_index_is_bounded(void **st)
{
    (void)st;
    struct workspace *w = xcalloc(1, sizeof *w);
    struct buf text = {0};
    struct err e = {0};

    buf_puts(&text, "{\"format\":1,\"sessions\":[");
    for (int i = 0; i < SESSION_ROWS_MAX + 10; i++)
        buf_printf(&text, "%s{\"name\":\"s%d\",\"state\":\"FAILED\"}", i ? "," : "", i);
    buf_puts(&text, "]}");
    assert_true(store_index_parse(text.data, text.len, w, &e));
    assert_int_equal(w->nsessions, SESSION_ROWS_MAX);
    assert_string_equal(w->sessions[0].name, "s0");
    session_rows_clear(w);
    buf_clear(&text);
    free(w);
}

static void test_what_was_spent(void **st)
{
    (void)st;
    struct model *m = xcalloc(1, sizeof *m);
    struct buf text = {0};
    struct spent s;
    static const char odd[] =
        "{\"format\":1,\"advisor_spent\":{\"calls\":-5,\"usd\":\"much\",\"seconds\":1e300,"
        "\"tokens_in\":9223372036854775807,\"unpriced\":99999999999}}";

    model_init(m);
    m->partner.workspace = (struct spent){.calls = 3,
                                          .cached_calls = 1,
                                          .in = 100,
                                          .cached = 10,
                                          .thinking = 5,
                                          .out = 20,
                                          .usd = 0.25,
                                          .unpriced = 1,
                                          .estimated = 2,
                                          .seconds = 12.5};
    store_workspace_json(m, &text);
    store_workspace_spent(buf_text(&text), text.len, &s);
    assert_memory_equal(&s, &m->partner.workspace, sizeof s);
    store_workspace_spent(odd, sizeof odd - 1, &s);
    assert_true(s.calls == 0 && s.usd == 0 && s.seconds == 0);
    assert_true(s.in > 0 && s.in < INT64_MAX / 2 && s.unpriced < INT32_MAX);
    store_workspace_spent("", 0, &s);
    assert_int_equal(s.calls, 0);

    static const char insane[] = "{\"format\":1,\"own_totals\":{\"since_us\":5,\"until_us\":9,"
                                 "\"ckpt_req\":-3}}";
    struct own_totals own;
    buf_clear(&text);
    m->workspace.own = (struct own_totals){
        .since_us = 5, .until_us = 9, .seconds = 4, .ckpt_req = 7, .temp_bytes = 1e12};
    store_workspace_json(m, &text);
    store_workspace_own(buf_text(&text), text.len, &own);
    assert_memory_equal(&own, &m->workspace.own, sizeof own);
    store_workspace_own(insane, sizeof insane - 1, &own);
    assert_true(own.until_us == 0 && own.ckpt_req == 0);
    buf_clear(&text);
    model_clear(m);
    free(m);
}

static void test_workspace(void **st)
{
    (void)st;
    struct model *m = xcalloc(1, sizeof *m);
    struct server_facts *f = xcalloc(1, sizeof *f);
    struct identity id;
    struct buf text = {0};
    struct err e = {0};

    model_init(m);
    PUT(m->workspace.name, "postgres_10-0-0-230");
    m->server.id.version_num = 150018;
    PUT(m->server.id.version, "15.18 (Debian)");
    PUT(m->server.id.system_identifier, "7301234567890123456");
    PUT(m->server.id.database, "postgres");
    PUT(m->server.id.role, "dba");
    m->server.host.known = true;
    m->server.host.cpus = 8;
    m->server.host.mem_total = 32e9;
    PUT(m->server.host.hostname, "db1");
    PUT(m->links[CONN_CONTROL].user, "dba");
    store_workspace_json(m, &text);
    assert_null(strstr(buf_text(&text), "password"));
    assert_true(store_workspace_parse(text.data, text.len, &id, &e));
    assert_int_equal(id.version_num, 150018);
    assert_string_equal(id.system_identifier, "7301234567890123456");
    assert_true(store_workspace_facts(text.data, text.len, f, &e));
    assert_int_equal(f->host.cpus, 8);
    assert_true(f->host.known);
    assert_string_equal(f->host.hostname, "db1");
    assert_float_equal(f->host.mem_total, 32e9, 1);
    assert_false(store_workspace_facts(text.data, text.len / 2, f, &e));
    assert_non_null(strstr(e.msg, "damaged"));
    server_facts_clear(f);
    buf_clear(&text);
    model_clear(m);
    free(f);
    free(m);
}

static void learnt(struct round_history *h, const char *name, const char *value, double ratio,
                   bool kept)
{
    memset(h, 0, sizeof *h);
    h->n = 1;
    h->kept = kept;
    h->measured = 1;
    h->verdict.ratio = ratio;
    snprintf(h->changes[0].name, sizeof h->changes[0].name, "%s", name);
    snprintf(h->changes[0].value, sizeof h->changes[0].value, "%s", value);
}

static bool known_here(const struct model *m, const struct workspace *w)
{
    char key[LESSONS_KEY_MAX];

    lessons_key(m, key);
    return lessons_find(w, key) != NULL;
}

static struct model *learning(void)
{
    struct model *m = xcalloc(1, sizeof *m);
    struct session *s = &m->session;

    model_init(m);
    m->server.id.version_num = 150004;
    m->server.host.known = true;
    m->server.host.cpus = 2;
    m->server.host.mem_total = 8.0e9;
    snprintf(s->plan.strategy, sizeof s->plan.strategy, "Balanced");
    snprintf(s->plan.workload, sizeof s->plan.workload, "scripts");
    s->plan.nscripts = 1;
    snprintf(m->fl.script_text[0], sizeof m->fl.script_text[0], "SELECT 1;");
    s->baseline_tps = 100;
    arm_set(&s->best, "work_mem", true, "64MB");
    s->state = SESSION_ARCHIVED;
    s->final.kind = VERDICT_IMPROVED;
    return m;
}

/* What is kept at once ends ARCHIVED, too, and nobody has confirmed it. */
static void test_lessons_confirmed(void **st)
{
    (void)st;
    struct model *m = learning();
    struct session *s = &m->session;

    s->nhistory = 2;
    learnt(&s->history[0], "work_mem", "64MB", 1.2, true);
    learnt(&s->history[1], "jit", "off", 1.001, false);
    s->final.kind = VERDICT_NONE;
    lessons_learn(m);
    const struct lessons *l = &m->workspace.lessons[0];
    assert_int_equal(l->n, 1);
    assert_string_equal(l->items[0].name, "jit"); /* it brought nothing in its round: that stands */
    s->final.kind = VERDICT_INCONCLUSIVE;
    lessons_learn(m);
    assert_int_equal(l->n, 1);
    s->final.kind = VERDICT_IMPROVED;
    lessons_learn(m);
    assert_int_equal(l->n, 2);
    model_clear(m);
    free(m);
}

/* What a session has found out is there for the next one under the same circumstances, and for no other. */
static void test_lessons(void **st)
{
    (void)st;
    struct model *m = learning();
    struct session *s = &m->session;
    struct workspace *w = xcalloc(1, sizeof *w);
    struct buf text = {0};
    struct evidence e;

    s->nhistory = 4;
    learnt(&s->history[0], "work_mem", "64MB", 1.2, true);
    learnt(&s->history[1], "jit", "off", 1.001, false);
    learnt(&s->history[2], "random_page_cost", "1.1", 1.1, true); /* not in what is left */
    learnt(&s->history[3], "listen_addresses", "*", 1.4, false);  /* nobody's to propose */
    lessons_learn(m);
    store_workspace_json(m, &text);
    store_workspace_lessons(text.data, text.len, w);
    m->workspace.nlessons = w->nlessons;
    memcpy(m->workspace.lessons, w->lessons, sizeof w->lessons);
    model_evidence(m, &e);
    assert_int_equal(e.nremembered, 2);
    text.len = 0;
    lessons_text(&w->lessons[0], &text);
    assert_string_equal(buf_text(&text),
                        "last time, under this workload: jit = off brought nothing (+0.1 %), "
                        "work_mem = 64MB earned +20.0 %");
    m->server.id.version_num = 160001; /* another version, machine, load or script: nothing */
    assert_false(known_here(m, w));
    m->server.id.version_num = 150007;
    m->server.host.mem_total += 1e6; /* another kernel keeps another part for itself */
    assert_true(known_here(m, w));
    m->server.host.cpus = 4;
    assert_false(known_here(m, w));
    m->server.host.cpus = 2;
    s->plan.clients = 9;
    assert_false(known_here(m, w));
    s->plan.clients = 0;
    snprintf(m->fl.script_text[0], sizeof m->fl.script_text[0], "SELECT 2;");
    model_evidence(m, &e);
    assert_int_equal(e.nremembered, 0);
    free(w);
    buf_clear(&text);
    model_clear(m);
    free(m);
}

/* A FAILED session has confirmed nothing; what the ablation took out earned nothing; a later finding takes the place of an
 * earlier one, and new circumstances that of the oldest. */
static void test_lessons_change(void **st)
{
    (void)st;
    struct model *m = learning();
    struct session *s = &m->session;

    s->nhistory = 2;
    learnt(&s->history[0], "work_mem", "64MB", 1.2, true);
    learnt(&s->history[1], "jit", "off", 1.05, true);
    s->state = SESSION_FAILED;
    lessons_learn(m);
    assert_int_equal(m->workspace.nlessons, 0);
    s->state = SESSION_ARCHIVED;
    s->nearned = 2;
    s->earned[0] = (struct earned){
        .name = "work_mem", .value = "64MB", .tested = true, .ratio = 1.15};
    s->earned[1] = (struct earned){
        .name = "jit", .value = "off", .tested = true, .idle = true, .ratio = 1.002};
    lessons_learn(m);
    const struct lessons *l = &m->workspace.lessons[0];
    assert_int_equal(l->n, 2);
    assert_false(l->items[0].earned);
    assert_true(l->items[1].earned);
    assert_float_equal(l->items[1].ratio, 1.15, 1e-9);
    s->nearned = 0;
    s->nhistory = 1;
    learnt(&s->history[0], "work_mem", "64MB", 0.99, false);
    lessons_learn(m);
    assert_int_equal(m->workspace.nlessons, 1);
    assert_int_equal(l->n, 2);
    assert_string_equal(l->items[0].name, "work_mem");
    assert_false(l->items[0].earned);
    for (int i = 0; i < 2 * LESSON_BOOKS_MAX; i++) {
        s->plan.clients = i + 1;
        m->wall_us = 1000 + i;
        lessons_learn(m);
    }
    assert_int_equal(m->workspace.nlessons, LESSON_BOOKS_MAX);
    assert_true(known_here(m, &m->workspace));
    model_clear(m);
    free(m);
}

static void test_lessons_hostile(void **st)
{
    (void)st;
#define KEY "\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""
    static const char *const texts[] = {
        "{", "[]", "{\"format\":1,\"lessons\":7}",
        "{\"format\":1,\"lessons\":[7,{\"circumstances\":\"../x\",\"found\":[{\"name\":"
        "\"work_mem\",\"value\":\"1MB\",\"effect\":1.2}]}]}",
        "{\"format\":1,\"lessons\":[{\"circumstances\":" KEY ",\"found\":[{\"name\":\"fsync\","
        "\"value\":\"off\",\"effect\":2},{\"name\":\"synchronous_commit\",\"value\":\"off\","
        "\"effect\":2,\"earned\":true},{\"name\":\"work_mem\",\"value\":\"1MB\",\"effect\":1e9}]}]"
        "}"};
    struct workspace *w = xcalloc(1, sizeof *w);

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        w->nlessons = 3;
        store_workspace_lessons(texts[i], strlen(texts[i]), w);
        assert_int_equal(w->nlessons, 0);
    }
    free(w);
}

static void test_floors(void **st)
{
    (void)st;
    struct model *m = xcalloc(1, sizeof *m);
    struct buf text = {0};

    model_init(m);
    assert_null(floors_find(&m->workspace, "shop", 4));
    for (int i = 0; i < FLOORS_MAX + 3; i++) {
        struct floor_note n = {.clients = i % 2 ? 4 : 8,
                               .floor = 0.01 + i * 0.001,
                               .runs = 4 + i,
                               .wall_us = 1000 - i};
        snprintf(n.workload, sizeof n.workload, "w%d", i);
        floors_put(&m->workspace, &n);
    }
    assert_int_equal(m->workspace.nfloors, FLOORS_MAX);
    assert_non_null(floors_find(&m->workspace, "w0", 8));
    assert_null(floors_find(&m->workspace, "w0", 4));
    assert_null(floors_find(&m->workspace, "w15", 4)); /* the oldest made room */
    struct floor_note again = {.workload = "w1", .clients = 4, .floor = 0.5, .runs = 5};
    floors_put(&m->workspace, &again);
    assert_int_equal(m->workspace.nfloors, FLOORS_MAX);
    store_workspace_json(m, &text);
    struct workspace *w = xcalloc(1, sizeof *w);
    store_workspace_floors(text.data, text.len, w);
    assert_int_equal(w->nfloors, FLOORS_MAX);
    assert_float_equal(floors_find(w, "w1", 4)->floor, 0.5, 1e-12);
    assert_int_equal(floors_find(w, "w1", 4)->runs, 5);
    assert_int_equal(floors_find(w, "w2", 8)->wall_us, 998);
    static const char odd[] = "{\"format\":1,\"floors\":[7,{},{\"clients\":-1,\"floor\":0.1},"
                              "{\"clients\":1,\"floor\":\"x\"},{\"clients\":2,\"floor\":0.2}]}";
    store_workspace_floors(odd, sizeof odd - 1, w);
    assert_int_equal(w->nfloors, 1);
    store_workspace_floors("{", 1, w);
    assert_int_equal(w->nfloors, 0);
    buf_clear(&text);
    model_clear(m);
    free(m);
    free(w);
}

static void test_workloads(void **st)
{
    (void)st;
    struct sdl *plan = xcalloc(1, sizeof *plan);
    struct err e = {0};

    assert_true(store_workload("shop", plan, &e));
    assert_true(plan->nscripts > 0 && plan->builtin_db);
    assert_memory_equal(plan->scripts[0].path, "asset:", 6);
    assert_false(store_workload("nothing of that name", plan, &e));
    assert_false(store_workload("../shop", plan, &e));
    free(plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workspace_names),
        cmocka_unit_test(test_long_workspace_names_differ),
        cmocka_unit_test(test_session_names),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_values_keep_their_bytes),
        cmocka_unit_test(test_unmeasured_stays_unknown),
        cmocka_unit_test(test_truncated_at_every_byte),
        cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_wrong_types),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_future_format),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_index_both_ways),
        cmocka_unit_test(test_index_is_bounded),
        cmocka_unit_test(test_index_and_folders),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_workspace),
        cmocka_unit_test(test_what_was_spent),
        cmocka_unit_test(test_floors),
        cmocka_unit_test(test_lessons),
        cmocka_unit_test(test_lessons_change),
        cmocka_unit_test(test_lessons_confirmed),
        cmocka_unit_test(test_lessons_hostile),
        cmocka_unit_test(test_workloads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
