/* Views: the whole screen painted from a model at three sizes. What a script or a person relies on is looked for; that the
 * frame holds together is looked at cell by cell. PGD_SHOW=1 prints the screens. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/tuning/manual.h"
#include "pgd/ui/pane.h"
#include "pgd/ui/view.h"
#include "pgd/workspace/consent.h"
#include "pgd/workspace/recent.h"
#include "pgd/workspace/session_rows.h"

static const struct key_row keys[] = {
    {{KEYN_TAB, 0}, "Tab", "pane", "Next pane.", KEY_IN_MAIN, true, 0},
    {{KEYN_NONE, '?'}, "?", "help", "This help.", KEY_IN_MAIN, true, 0},
    {{KEYN_CTRL, 'c'}, "Ctrl-C", "stop run", "Stops the run.", KEY_IN_RUN, true, 0},
    {{KEYN_NONE, 'a'}, "a", "accept", "Accept the line.", KEY_IN_REVIEW, true, 0},
    {{KEYN_NONE, 'g'}, "g", "go", "Go on.", KEY_IN_REVIEW | KEY_IN_PLAN, true, 0},
    {{KEYN_ENTER, 0}, "Enter", "next round", "Go on.", KEY_IN_VERDICT, true, 0},
    {{KEYN_NONE, 'v'}, "v", "lift veto", "Keep it.", KEY_IN_VERDICT | KEY_IN_VETO, true, 0},
};
static const struct command_row commands[] = {
    {"help", "h ?", "", "Keys and commands.", 0},
    {"resume", "", "[session]", "Go on with a paused session.", 0},
};
static const struct view_tables tables = {keys, (int)ARRAY_LEN(keys), commands,
                                          (int)ARRAY_LEN(commands), NULL};

static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}};

struct fixture {
    struct model *m;
    struct canvas *c;
    struct view_cursor cursor;
};

static void paint(struct fixture *f, int cols, int rows)
{
    canvas_resize(f->c, rows, cols);
    f->m->screen.cols = cols;
    f->m->screen.rows = rows;
    view_paint(f->c, f->m, &tables, &f->cursor);
    if (getenv("PGD_SHOW")) {
        struct buf b = {0};
        canvas_text(f->c, &b);
        printf("%s\n", buf_text(&b));
        buf_clear(&b);
    }
}

static void live_server(struct model *m)
{
    struct link *l = &m->links[CONN_CONTROL];
    m->now_us = 100000000;
    m->wall_us = 1700000000000000;
    l->state = LINK_UP;
    text_copy(l->user, sizeof(l->user), "postgres");
    text_copy(l->host, sizeof(l->host), "10.0.0.230");
    m->links[CONN_TELEMETRY] = *l;
    m->server_known = true;
    text_copy(m->server.id.version, sizeof(m->server.id.version), "15.20 (Debian 15.20-1)");
    m->collect.samples = 60;
    m->collect.activity = (struct activity_counts){
        .sessions = 24, .active = 9, .idle = 12, .waiting = 1};
    for (int i = 0; i < 90; i++) {
        series_add(&m->collect.series[METRIC_TPS], 4800 + 1000 * sin(i / 8.0));
        series_add(&m->collect.series[METRIC_CPU_USER], 60 + 10 * sin(i / 3.0));
        series_add(&m->collect.series[METRIC_CPU_SYS], 14);
        series_add(&m->collect.series[METRIC_DISK_WRITE], 80 + i % 9);
        series_add(&m->collect.series[METRIC_DISK_AWAIT], 0.9);
        series_add(&m->collect.series[METRIC_WAL_BYTES], 41);
        series_add(&m->collect.series[METRIC_HIT_RATIO], 91);
        series_add(&m->collect.series[METRIC_MEM_AVAILABLE], 14000);
    }
    m->collect.nrecent_waits = 2;
    m->collect.recent_waits[0] = (struct wait_share){"CPU", 0.58};
    m->collect.recent_waits[1] = (struct wait_share){"IO:WALSync", 0.22};
    text_copy(m->workspace.name, sizeof(m->workspace.name), "postgres_10-0-0-230");
    session_rows_add(&m->workspace, 0);
    session_rows_add(&m->workspace, 1);
    text_copy(m->workspace.sessions[0].strategy, 48, "MemoryTuning");
    m->workspace.sessions[0].state = SESSION_PAUSED;
    m->workspace.sessions[0].interrupted = true;
    text_copy(m->workspace.sessions[1].strategy, 48, "ReadHeavy");
    m->workspace.sessions[1].state = SESSION_ARCHIVED;
    m->workspace.sessions[1].effect = 1.31;
    model_say(m, CHAT_AI,
              "61 %% of the samples waited in WALSync and 9 of 11 checkpoints were requested.");
    model_say(m, CHAT_USER, "why not 16 GB of shared_buffers?");
    model_say(m, CHAT_EVENT, "baseline 4502 TPS");
}

static void running_session(struct model *m)
{
    struct session *s = &m->session;
    live_server(m);
    s->state = SESSION_ACTIVE;
    text_copy(s->name, sizeof(s->name), "WriteOptimize_01022026-050830");
    text_copy(s->plan.strategy, sizeof(s->plan.strategy), "WriteOptimize");
    s->plan.rounds = 8;
    s->plan.clients = 8;
    s->plan.duration_s = 60;
    s->plan.budget_s = 720;
    s->baseline_tps = 4502;
    s->best_tps = 5277;
    s->best.n = 1;
    text_copy(s->best.entries[0].name, SETTING_NAME_MAX, "max_wal_size");
    text_copy(s->best.entries[0].value, SETTING_VALUE_MAX, "16GB");
    s->best.entries[0].present = true;
    s->floor = 0.031;
    s->target.tps = 6000;
    s->nhistory = 1;
    s->history[0] = (struct round_history){.number = 1, .kept = true};
    s->history[0].verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                             .ratio = 1.12,
                                             .ci_lo = 1.09,
                                             .ci_hi = 1.15,
                                             .tps_a = 4712,
                                             .tps_b = 5277};
    m->flow = FLOW_ROUND;
    s->round.number = 2;
    s->round.state = ROUND_MEASURE;
    s->round.arm_in_force = ARM_B;
    m->bench.state = BENCH_RUNNING;
    m->bench.started_at_us = m->now_us - 41000000;
    m->bench.duration_s = 60;
    m->bench.tps_now = 5892;
    m->bench.lat_now = 2.2;
    m->bench.run.series = xcalloc(41, sizeof(float));
    m->bench.run.nseries = 41;
    for (int i = 0; i < 41; i++)
        m->bench.run.series[i] = 5800 + (float)(i % 7) * 30;
}

static void review(struct model *m)
{
    struct review *r = &m->session.round.review;
    running_session(m);
    m->screen.dialog.kind = DIALOG_REVIEW;
    r->round = 2;
    r->n = 3;
    text_copy(r->proposal.advisor.text, 48, "builtin");
    text_copy(r->proposal.summary, 600, "Checkpoints are forced by WAL volume.");
    r->lines[0] = (struct review_line){
        .change = {.name = "max_wal_size", .value = "16GB", .expect_lo = 8, .expect_hi = 15},
        .from = "1GB",
        .to = "16GB",
        .answer = ANSWER_ACCEPT,
        .sql = "ALTER SYSTEM SET max_wal_size = '16GB';",
        .undo = "ALTER SYSTEM RESET max_wal_size;",
        .takes = TAKES_CHECKPOINT,
        .reach = "the whole server",
        .price = "up to 16GB of WAL on the disk; +308 s crash recovery (15 GB more WAL to "
                 "replay, at the most, at 50 MB/s)"};
    text_copy(r->lines[0].change.evidence, 240, "9 of 11 checkpoints were requested");
    r->lines[1] = (struct review_line){
        .change = {.name = "shared_buffers", .value = "6GB", .expect_lo = NAN, .expect_hi = NAN},
        .from = "128MB",
        .to = "6GB",
        .restart = true};
    r->lines[2] = (struct review_line){.change = {.name = "fsync", .value = "off"},
                                       .from = "on",
                                       .to = "off",
                                       .refusal = REFUSE_DATA,
                                       .reason = "can lose committed data; not offered"};
    r->bill = (struct memory_bill){.ram = 23.4e9,
                                   .now_measured = 1e9,
                                   .new_measured = 2e9,
                                   .most = 4e9,
                                   .all = 4e9,
                                   .new_worst = 29.8e9,
                                   .peak = 9,
                                   .known = true};
}

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof(*f));
    f->m = xcalloc(1, sizeof(*f->m));
    model_init(f->m);
    f->c = canvas_new(24, 80);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->m->bench.run.series);
    f->m->bench.run.series = NULL;
    model_clear(f->m);
    free(f->m);
    canvas_free(f->c);
    free(f);
    return 0;
}

/* Corners of frames meet lines: nothing hangs in the air. */
static void frames_hold_together(const struct canvas *c)
{
    for (int y = 1; y + 3 < c->rows; y++) {
        for (int x = 0; x < c->cols; x++) {
            unsigned arms = canvas_at(c, y, x)->lines;
            const struct cell *right = canvas_at(c, y, x + 1), *below = canvas_at(c, y + 1, x);
            if ((arms & 2) && right && right->lines && !(right->lines & 1))
                fail_msg("line broken right of row %d column %d", y, x);
            if ((arms & 8) && below && below->lines && !(below->lines & 4))
                fail_msg("line broken below row %d column %d", y, x);
        }
    }
}

static void a_live_server_is_shown(void **state)
{
    struct fixture *f = *state;
    live_server(f->m);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        paint(f, sizes[i][0], sizes[i][1]);
        assert_true(canvas_row_has(f->c, 0, "postgres@10.0.0.230"));
        assert_true(canvas_row_has(f->c, 0, "24 sessions"));
        assert_true(canvas_row_has(f->c, 0, " xact/s"));
        assert_false(canvas_row_has(f->c, 0, " TPS")); /* no run has measured anything */
        assert_true(canvas_row_has(f->c, sizes[i][1] - 2, "[postgres@10.0.0.230 | "));
        assert_true(canvas_row_has(f->c, sizes[i][1] - 1, "? help"));
        assert_false(canvas_row_has(f->c, sizes[i][1] - 1, "stop run"));
        assert_true(canvas_has(f->c, "xact/s 6k"));
        frames_hold_together(f->c);
    }
}

static void every_pane_can_be_seen_at_every_size(void **state)
{
    static const char *const marks[PANE_COUNT] = {"ReadHeavy", "TPS 6k", "58 %",
                                                  "WALSync and 9 of 11", "R1"};
    struct fixture *f = *state;
    running_session(f->m);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (int p = 0; p < PANE_COUNT; p++) {
            f->m->screen.focus = (enum pane)p;
            paint(f, sizes[i][0], sizes[i][1]);
            assert_true(canvas_has(f->c, pane_table[p].title));
            if (p != PANE_AI)
                assert_true(canvas_has(f->c, marks[p]));
            frames_hold_together(f->c);
        }
    }
}

static void a_run_is_shown(void **state)
{
    struct fixture *f = *state;
    running_session(f->m);
    paint(f, 160, 45);
    assert_true(canvas_row_has(f->c, 0, "WriteOptimize R2/8 MEASURE 00:41/01:00"));
    assert_true(canvas_row_has(f->c, 0, "5892 TPS x1.25 of start"));
    assert_true(canvas_row_has(f->c, 0, "target 6000"));
    assert_true(canvas_has(f->c, "00:41/01:00"));
    assert_true(canvas_has(f->c, "WriteOptimize R2 | 5892 TPS] >"));
    assert_true(canvas_has(f->c, "Ctrl-C stop run"));
    assert_true(canvas_has(f->c, "\xe2\x97\xa6 MemoryTuning"));
    assert_true(canvas_has(f->c, "+12.0 %"));
    assert_true(canvas_has(f->c, "start ···· 4712"));
    paint(f, 80, 24);
    assert_true(canvas_row_has(f->c, 0, "R2/8 MEASURE 00:41/01:00"));
    assert_true(canvas_row_has(f->c, 0, "5892 TPS"));
    assert_false(canvas_row_has(f->c, 0, " x1.25"));
    assert_true(canvas_row_has(f->c, 22, "WriteOptimize R2 | 5892 TPS] >"));
}

/* An alternative that the DBA turned down was not screened, and has not lost. */
static void rejected_is_not_screened(void **state)
{
    struct fixture *f = *state;
    struct round_history *h = &f->m->session.history[0];
    running_session(f->m);
    h->n = 1;
    h->measured = 1;
    h->nsets = 2;
    text_copy(h->changes[0].name, SETTING_NAME_MAX, "work_mem");
    text_copy(h->changes[0].value, SETTING_VALUE_MAX, "64MB");
    h->changes[0].sets = 1;
    h->sets[0] = (struct race_result){.ratio = 1.1, .runs = 2, .gained = true};
    h->sets[1] = (struct race_result){.ratio = NAN};
    f->m->screen.focus = PANE_ROUNDS;
    f->m->screen.zoom = true;
    paint(f, 120, 36);
    assert_true(canvas_has(f->c, "work_mem 64MB (1 alternative screened, 1 rejected)"));
    h->sets[1] = (struct race_result){.ratio = 0.9, .runs = 2, .out = true};
    paint(f, 120, 36);
    assert_true(canvas_has(f->c, "work_mem 64MB (2 alternatives screened)"));
    h->sets[1] = (struct race_result){.ratio = NAN}; /* accepted, and there was no time for it */
    h->changes[1] = h->changes[0];
    h->changes[1].sets = 2;
    h->n = 2;
    paint(f, 120, 36);
    assert_true(canvas_has(f->c, "work_mem 64MB (1 alternative screened)"));
}

/* After a kill: what was measured, with which settings, and what is in force now and was never proven. */
static void what_was_measured_and_what_is_in_force(void **state)
{
    static const struct entry none = {0};
    struct fixture *f = *state;
    struct session *s = &f->m->session;
    running_session(f->m);
    f->m->bench.state = BENCH_IDLE;
    f->m->flow = FLOW_RECOVER;
    f->m->fl.decision = DECIDE_RECOVER;
    f->m->screen.dialog.kind = DIALOG_RECOVER;
    s->loaded = true;
    s->rounds_done = 1;
    s->ledger.n = 2;
    for (int i = 0; i < 2; i++)
        s->ledger.rows[i].original = s->ledger.rows[i].current = none;
    s->ledger.rows[0].current = s->best.entries[0];
    text_copy(s->ledger.rows[0].original.name, SETTING_NAME_MAX, "max_wal_size");
    s->ledger.rows[1].current.present = true;
    text_copy(s->ledger.rows[1].current.name, SETTING_NAME_MAX, "work_mem");
    text_copy(s->ledger.rows[1].current.value, SETTING_VALUE_MAX, "64MB");
    text_copy(s->ledger.rows[1].original.name, SETTING_NAME_MAX, "work_mem");
    for (int i = 1; i < 3; i++) {
        paint(f, sizes[i][0], sizes[i][1]);
        assert_true(
            canvas_has(f->c, "measured: baseline 4502 TPS with the settings it began with"));
        assert_true(
            canvas_has(f->c, "Best so far: +12.0 % over the start, by the runs of round 1, with "));
        assert_true(canvas_has(f->c, "1 of 8 rounds done."));
        assert_true(canvas_has(f->c, "In postgresql.auto.conf stands now"));
    }
    paint(f, 120, 36);
    assert_true(
        canvas_has(f->c, "16GB (before the session: no entry); measured, part of the best state"));
    assert_true(
        canvas_has(f->c, "64MB (before the session: no entry); not proven: of a change under way"));
}

/* What the two ways to end would do, and for how long, before one of them is chosen. */
static void the_end_has_a_price(void **state)
{
    struct fixture *f = *state;
    running_session(f->m);
    f->m->bench.state = BENCH_IDLE;
    f->m->screen.dialog.kind = DIALOG_VERDICT;
    f->m->fl.decision = DECIDE_VERDICT;
    f->m->fl.now.confirm_s = 250;
    f->m->fl.now.ablate_s = 400;
    paint(f, 120, 36);
    assert_true(canvas_has(f->c, "measured against each other (about 4 min), then"));
    assert_true(canvas_has(f->c, "(about 7 min)"));
    assert_true(canvas_has(f->c, "S: it is kept at once, unconfirmed"));
    f->m->fl.now.confirm_s = 0;
    paint(f, 80, 24);
    assert_true(canvas_has(f->c, "Nothing was kept, so the session ends at once"));
}

/* TPS is what runs have measured, before, between and after them; what the server does meanwhile is xact/s. */
static void a_measured_rate_and_the_servers_are_two(void **state)
{
    struct fixture *f = *state;
    struct session *s = &f->m->session;
    char server[32];

    running_session(f->m);
    snprintf(server, sizeof server, "%.0f xact/s",
             series_newest(&f->m->collect.series[METRIC_TPS]));
    paint(f, 160, 45);
    assert_true(canvas_row_has(f->c, 0, "5892 TPS x1.25 of start"));
    assert_false(canvas_row_has(f->c, 0, "xact/s"));
    f->m->bench.state = BENCH_IDLE;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        paint(f, sizes[i][0], sizes[i][1]);
        assert_true(canvas_row_has(f->c, 0, "5277 TPS"));
        assert_true(canvas_row_has(f->c, sizes[i][1] - 2, "| 5277 TPS] >"));
    }
    paint(f, 160, 45);
    assert_true(canvas_row_has(f->c, 0, "best 5277 TPS +12.0 % by R1"));
    assert_true(canvas_row_has(f->c, 0, server));
    f->m->screen.dialog.kind = DIALOG_STATUS;
    paint(f, 120, 45);
    assert_true(canvas_has(f->c, "5277 TPS, runs of the session's best state"));
    assert_true(canvas_has(f->c, server));
    f->m->screen.dialog.kind = DIALOG_NONE;
    s->best.n = 0;
    paint(f, 160, 45);
    assert_true(canvas_row_has(f->c, 0, "baseline 4502 TPS"));
    s->baseline_tps = NAN; /* before the first run */
    paint(f, 160, 45);
    assert_true(canvas_row_has(f->c, 0, server));
    assert_false(canvas_row_has(f->c, 0, "4502"));
}

static void a_proposal_is_shown_with_its_price(void **state)
{
    struct fixture *f = *state;
    review(f->m);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        paint(f, sizes[i][0], sizes[i][1]);
        assert_true(canvas_has(f->c, "Round 2 proposal: 3 changes, 1 restart"));
        assert_true(canvas_has(f->c, "[a] max_wal_size"));
        assert_true(canvas_has(f->c, "[?] shared_buffers"));
        assert_true(canvas_has(f->c, "RESTART"));
        assert_true(canvas_has(f->c, "REFUSED"));
        assert_true(canvas_has(f->c, "ALTER SYSTEM SET max_wal_size = '16GB';"));
        assert_true(
            canvas_has(f->c, sizes[i][0] < 90 ? "1 unanswered" : "1 line without an answer"));
        /* at any size today's bill, that of the accepted lines, and that of all */
        assert_true(canvas_has(f->c, sizes[i][0] < 90
                                         ? "memory 954 MB, accepted 1.9 GB, all 3.7 GB, of 21.8 GB"
                                         : "954 MB now, 1.9 GB accepted, 3.7 GB with all lines"));
        assert_true(canvas_has(f->c, "a accept"));
    }
    f->m->screen.dialog.editing = true;
    text_copy(f->m->screen.dialog.input, 64, "8GB");
    f->m->screen.dialog.input_len = f->m->screen.dialog.input_at = 3;
    paint(f, 120, 36);
    assert_true(f->cursor.visible);
    assert_true(canvas_has(f->c, "→ 8GB"));
}

/* When, whom, at what price, how risky, on what evidence, with what expectation, and back: all of it can be read at every
 * size, by scrolling where it is small, and what is below is counted. */
static void a_proposal_tells_all_of_a_line(void **state)
{
    static const char *const told[] = {
        "ALTER SYSTEM SET max_wal_size = '16GB';",
        "undo: ALTER SYSTEM RESET max_wal_size;",
        "1GB \xe2\x86\x92 16GB, takes effect at the next checkpoint",
        "risk: low",
        "reaches the whole server",
        "price: up to 16GB of WAL on the disk; +308 s crash recovery",
        "measured: 9 of 11 checkpoints were requested",
        "predicted +8..15 %",
        "The WAL that a"};
    struct fixture *f = *state;
    review(f->m);
    text_copy(
        f->m->session.round.review.lines[0].change.why, 320,
        "The WAL that a checkpoint interval brings is several times as much as max_wal_size, so "
        "that checkpoints are forced long before their time and every page is written in full "
        "again after each of them.");
    /* On a small screen the list still fits, and the detail does not. */
    text_copy(
        f->m->session.round.review.lines[0].reach, 240,
        "the whole server; 28 overridden (role app, role reporting, database warehouse), which "
        "keep "
        "the value of their own until it is changed there, and everybody else has the new one");
    text_copy(
        f->m->session.round.review.lines[0].price, 320,
        "up to 16GB of WAL on the disk; +308 s crash recovery (15 GB more WAL to replay, at the "
        "most, at 50 MB/s); a restart: 6 s blackout (measured here), 240 sessions dropped, an "
        "empty cache, and whatever else there is that somebody has to pay later or elsewhere");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        bool seen[ARRAY_LEN(told)] = {false}, more = false;
        char mark[32];
        f->m->screen.dialog.scroll = 0;
        for (int page = 0; page < 12; page++) {
            paint(f, sizes[i][0], sizes[i][1]);
            for (int n = 1; n < 12; n++) {
                snprintf(mark, sizeof(mark), "\xe2\x96\xbe %d more", n);
                more |= canvas_has(f->c, mark);
            }
            for (size_t j = 0; j < ARRAY_LEN(told); j++)
                seen[j] |= canvas_has(f->c, told[j]);
            f->m->screen.dialog.scroll++;
        }
        for (size_t j = 0; j < ARRAY_LEN(told); j++)
            if (!seen[j])
                fail_msg("%d x %d does not tell: %s", sizes[i][0], sizes[i][1], told[j]);
        assert_int_equal(more, sizes[i][1] == 24);
    }
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "memory bill with 9 at work: 954 MB now, 1.9 GB accepted, 3.7 GB "
                                 "with all lines; worst case 27.8 GB of 21.8 GB"));
    f->m->session.round.review.lines[1].answer = ANSWER_REJECT; /* nothing is open: no "all" */
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "954 MB now, 1.9 GB accepted; worst case"));
    paint(f, 80, 24);
    assert_true(canvas_has(f->c, "memory 954 MB, accepted 1.9 GB, of 21.8 GB"));
}

static void durability_trades_stand_apart(void **state)
{
    struct fixture *f = *state;
    review(f->m);
    struct review *r = &f->m->session.round.review;
    r->lines[r->n++] = (struct review_line){
        .change = {.name = "synchronous_commit", .value = "off", .risk = RISK_HIGH},
        .from = "on",
        .to = "off",
        .refusal = REFUSE_DURABILITY,
        .reason = "synchronous_commit trades durability for speed",
        .price = "a crash may lose the last confirmed commits"};
    r->cursor = 3;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        paint(f, sizes[i][0], sizes[i][1]);
        assert_true(canvas_has(f->c, "durability trades: each pays with confirmed commits"));
        assert_true(canvas_has(f->c, "synchronous_commit"));
        assert_true(canvas_has(f->c, "its price: a crash may lose the last confirmed commits"));
    }
}

static void alternatives_stand_in_groups(void **state)
{
    struct fixture *f = *state;
    struct review *r = &f->m->session.round.review;
    review(f->m);
    r->proposal.nsets = 2;
    text_copy(r->proposal.set_names[0], 64, "less to write");
    text_copy(r->proposal.set_names[1], 64, "more to remember");
    r->lines[0].change.sets = 1;
    r->lines[1].change.sets = 2;
    r->n = 2;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "2 alternatives are screened first"));
    assert_true(canvas_has(f->c, "alternative 1: less to write"));
    assert_true(canvas_has(f->c, "alternative 2: more to remember"));
    r->lines[0].change.sets = 3;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "in every alternative"));
    assert_false(canvas_has(f->c, "alternative 1: less"));
}

static void a_verdict_tells_of_screening_and_veto(void **state)
{
    struct fixture *f = *state;
    struct round *r = &f->m->session.round;
    review(f->m);
    f->m->screen.dialog.kind = DIALOG_VERDICT;
    r->review.proposal.nsets = 2;
    text_copy(r->review.proposal.set_names[0], 64, "less to write");
    text_copy(r->review.proposal.set_names[1], 64, "more to remember");
    r->review.lines[0].change.sets = 1;
    r->review.lines[1].change.sets = 2;
    r->review.lines[1].answer = ANSWER_ACCEPT;
    r->nscreened = 2;
    r->candidate_sets = 1;
    r->screened[0] = (struct race_result){.ratio = 1.08, .runs = 3, .gained = true};
    r->screened[1] = (struct race_result){.ratio = 0.9, .runs = 2, .out = true};
    r->verdict.kind = VERDICT_IMPROVED;
    r->verdict.ratio = 1.1;
    text_copy(r->veto, sizeof r->veto, "report.sql is 14 % slower");
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "screened: less to write +8.0 % in 3 short runs, measured then"));
    assert_true(canvas_has(f->c, "screened: more to remember -10.0 % in 2 short runs, dropped"));
    r->screened[1] = (struct race_result){.ratio = NAN};
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "not screened: more to remember was not measured"));
    r->review.lines[1].answer = ANSWER_REJECT;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "rejected by you: more to remember, never in force"));
    assert_true(canvas_has(f->c, "held back: report.sql is 14 % slower"));
    assert_true(canvas_has(f->c, "changed: max_wal_size"));
    assert_false(canvas_has(f->c, "128MB")); /* shared_buffers was not measured */
    assert_true(canvas_has(f->c, "lift veto"));
    r->veto[0] = 0;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "next round"));
    assert_false(canvas_has(f->c, "lift veto"));
    f->m->fl.decision = DECIDE_VERDICT;
    f->m->fl.now.no_further = "target reached";
    f->m->fl.now.confirm_s = 120;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "No further round: target reached. Enter confirms"));
    assert_true(canvas_has(f->c, "Enter confirm"));
    assert_false(canvas_has(f->c, "next round"));
    f->m->fl.now.no_further = NULL;
    f->m->screen.dialog.kind = DIALOG_NONE;
    f->m->flow = FLOW_COMPARE;
    f->m->bench.state = BENCH_RUNNING;
    f->m->fl.now.compare.n = 3;
    f->m->fl.now.compare.arm = 2;
    f->m->fl.now.compare.arms[0].n = 4;
    f->m->fl.now.compare.arms[0].done = true;
    f->m->fl.now.compare.max_visits = 6;
    text_copy(f->m->session.beside.comparison.arms[2].name, 32, "pgtune");
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "comparison run 5 of 16 at most, pgtune"));
    assert_false(canvas_has(f->c, "last run"));
    f->m->screen.dialog.kind = DIALOG_PLAN;
    f->m->session.plan.budget_s = 60;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "This budget holds no round"));
    struct consent c;
    f->m->session.base_window = (struct window){.valid = true, .secs = 1, .wal_bytes = 1e6};
    f->m->session.deadline_us = f->m->now_us + 60 * 1000000;
    consent_fill(f->m, &c);
    assert_true(c.wal_bytes <= 60e6); /* no load lasts longer than the session */
    f->m->session.plan.budget_s = 36000;
    paint(f, 160, 45);
    assert_false(canvas_has(f->c, "This budget holds no round"));
    /* what making the database takes is part of it: a budget that holds the rest to the second is too short */
    f->m->session.plan.builtin_db = true;
    text_copy(f->m->session.plan.database, 64, "pg_diagnose_bench");
    consent_fill(f->m, &c);
    assert_true(c.make_s > 5 && c.make_s < 60);
    f->m->session.plan.budget_s = (int)(c.minutes_least * 60 - c.make_s + 1);
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "This budget holds no round: making the database (about 20 s)"));
    assert_true(canvas_has(f->c, "about 20 s of them to make it"));
    text_copy(f->m->server.databases[0].name, 64, "pg_diagnose_bench"); /* it is there */
    f->m->server.databases[0].bytes = 250e6;
    f->m->server.ndatabases = 1;
    paint(f, 160, 45);
    assert_false(canvas_has(f->c, "This budget holds no round"));
    assert_true(canvas_has(f->c, "it may be vacuumed or loaded anew between rounds"));
    f->m->server.databases[0].bytes = 600e6; /* it is loaded anew first */
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "about 20 s of them to make it"));
    f->m->server.databases[0].bytes = 250e6;
    paint(f, 160, 45);
    assert_false(canvas_has(f->c, "to make it"));
}

static void the_summary_tells_what_each_earned(void **state)
{
    struct fixture *f = *state;
    struct session *s = &f->m->session;
    running_session(f->m);
    f->m->flow = FLOW_SUMMARY;
    f->m->screen.dialog.kind = DIALOG_SUMMARY;
    s->state = SESSION_ARCHIVED;
    s->nearned = 2;
    text_copy(s->earned[0].name, SETTING_NAME_MAX, "max_wal_size");
    s->earned[0].ratio = 1.12;
    s->earned[0].lo = 1.08;
    s->earned[0].hi = 1.16;
    text_copy(s->earned[1].name, SETTING_NAME_MAX, "jit");
    s->earned[1].idle = s->earned[1].taken_out = true;
    s->earned[1].ratio = NAN;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "max_wal_size  +12.0 % (95 % interval +8.0 % to +16.0 %)"));
    assert_true(canvas_has(f->c, "jit  not measured by itself: taken out"));
    memset(&s->final, 0, sizeof s->final); /* no confirmation: there are no fresh runs to tell of */
    s->final.ratio = NAN;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "no confirmation was measured"));
    assert_false(canvas_has(f->c, "fresh runs"));
}

static void every_dialog_fits_every_size(void **state)
{
    struct fixture *f = *state;
    review(f->m);
    f->m->session.round.verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                                   .ratio = 1.172,
                                                   .ci_lo = 1.139,
                                                   .ci_hi = 1.204,
                                                   .floor = 0.031,
                                                   .tps_a = 4502,
                                                   .tps_b = 5277,
                                                   .sd_a = 0.02,
                                                   .sd_b = 0.02,
                                                   .runs_a = 4,
                                                   .runs_b = 4,
                                                   .p95_a = 3.1,
                                                   .p95_b = 2.2};
    f->m->session.final = f->m->session.round.verdict;
    f->m->session.round.kept = true;
    text_copy(f->m->session.round.conclusion.text, 800, "max_wal_size earned it.");
    f->m->sight.nstrategies = 2;
    text_copy(f->m->sight.headline, 200, "Writes wait for the log.");
    text_copy(f->m->sight.strategies[0].name, 48, "WriteOptimize");
    text_copy(f->m->sight.strategies[1].name, 48, "MemoryTuning");
    struct recent_list *recent = recent_digest("", 0, "shop_db-server\n");
    recent_add(&f->m->start.recent, recent);
    recent_list_free(recent);
    text_copy(f->m->apply.stuck_sql, 100, "ALTER SYSTEM RESET shared_buffers;");
    text_copy(f->m->screen.dialog.err.msg, 100, "the disk is full");
    f->m->screen.dialog.secret_len = 5;
    struct apply *a = &f->m->apply;
    a->n = 1;
    text_copy(a->to[0].name, sizeof a->to[0].name, "shared_buffers");
    text_copy(a->to[0].value, sizeof a->to[0].value, "4GB");
    a->to[0].present = true;
    a->manual.seen[0] = MANUAL_RESTART;
    buf_puts(&a->manual.text, "ALTER SYSTEM SET shared_buffers = '4GB';\n");
    static const char *const marks[] = {
        [DIALOG_HELP] = "Keyboard help",   [DIALOG_STRATEGY] = "2  MemoryTuning",
        [DIALOG_PLAN] = "Plan of",         [DIALOG_TARGET] = "6000",
        [DIALOG_REVIEW] = "proposal",      [DIALOG_VERDICT] = "+17.2 %",
        [DIALOG_SUMMARY] = "max_wal_size", [DIALOG_RECOVER] = "Interrupted session",
        [DIALOG_PASSWORD] = "*****",       [DIALOG_STATUS] = "control link",
        [DIALOG_STUCK] = "RESET shared",   [DIALOG_ERROR] = "the disk is full",
        [DIALOG_QUIT] = "Leave?",          [DIALOG_START] = "shop_db-server",
        [DIALOG_SCRIPTS] = "Script",       [DIALOG_MANUAL] = "waits for a restart",
    };
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (int d = DIALOG_HELP; d <= DIALOG_MANUAL; d++) {
            f->m->screen.dialog.kind = (enum dialog_kind)d;
            paint(f, sizes[i][0], sizes[i][1]);
            if (!canvas_has(f->c, marks[d]))
                fail_msg("dialog %d at %dx%d lacks \"%s\"", d, sizes[i][0], sizes[i][1], marks[d]);
        }
    }
}

static void the_help_is_made_from_the_tables(void **state)
{
    struct fixture *f = *state;
    f->m->screen.dialog.kind = DIALOG_HELP;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "Keyboard help"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_true(canvas_has(f->c, keys[i].help));
    assert_true(canvas_has(f->c, "/resume [session]"));
}

static void a_lost_link_shows_its_countdown(void **state)
{
    struct fixture *f = *state;
    live_server(f->m);
    f->m->links[CONN_CONTROL].state = LINK_WAITING;
    f->m->links[CONN_CONTROL].was_up = true;
    f->m->links[CONN_CONTROL].retry_at_us = f->m->now_us + 2500000;
    paint(f, 80, 24);
    assert_true(canvas_row_has(f->c, 0, "connection lost, next try in 2.5 s"));
    int x = 0;
    while (STYLE_ROLE(canvas_style_at(f->c, 0, x)) != STYLE_STATUS_ALERT)
        assert_true(++x < 80);
}

static void the_prompt_shows_text_cursor_and_offers(void **state)
{
    struct fixture *f = *state;
    struct prompt *p = &f->m->screen.prompt;
    live_server(f->m);
    p->focus = true;
    p->len = p->at = 4;
    memcpy(p->text, "/res", 5);
    p->ncompletion = 1;
    p->completion_at = -1;
    text_copy(p->completion[0], 64, "/resume ");
    paint(f, 80, 24);
    assert_true(f->cursor.visible);
    assert_int_equal(f->cursor.y, 22);
    assert_int_equal(f->c->cursor_x, f->cursor.x);
    assert_true(canvas_row_has(f->c, 22, "> /res"));
    assert_true(canvas_row_has(f->c, 21, "Go on with a paused session."));
}

static void small_terminals_degrade(void **state)
{
    struct fixture *f = *state;
    live_server(f->m);
    paint(f, 39, 9);
    assert_true(canvas_row_has(f->c, 0, "24 sessions"));
    assert_true(canvas_row_has(f->c, 7, ">"));
    paint(f, 10, 3);
    assert_true(canvas_has(f->c, "enlarge"));
    for (int cols = 1; cols < 60; cols += 3) {
        for (int rows = 1; rows < 24; rows += 2) {
            for (int d = DIALOG_NONE; d <= DIALOG_SCRIPTS; d++) {
                f->m->screen.dialog.kind = (enum dialog_kind)d;
                view_paint((canvas_resize(f->c, rows, cols), f->c), f->m, &tables, &f->cursor);
            }
        }
    }
}

static void seven_bit_terminals_get_seven_bits(void **state)
{
    struct fixture *f = *state;
    review(f->m);
    f->m->screen.ascii = true;
    paint(f, 120, 36);
    struct buf b = {0};
    canvas_text(f->c, &b);
    for (size_t i = 0; i < b.len; i++)
        assert_in_range(b.data[i], '\n', '~');
    buf_clear(&b);
}

static void names_from_the_server_cannot_break_the_screen(void **state)
{
    struct fixture *f = *state;
    live_server(f->m);
    snprintf(f->m->collect.recent_waits[0].event, 48,
             "a\033[2J\nb\xe2\x80\xae"
             "c");
    snprintf(f->m->server.id.version, 64, "15\033]0;x\007");
    paint(f, 160, 45);
    for (int y = 0; y < f->c->rows; y++)
        for (int x = 0; x < f->c->cols; x++)
            assert_true(text_rune_safe(canvas_at(f->c, y, x)->rune));
    frames_hold_together(f->c);
}

static void a_failed_session_claims_nothing(void **state)
{
    struct fixture *f = *state;
    running_session(f->m);
    f->m->bench.state = BENCH_IDLE;
    f->m->flow = FLOW_SUMMARY;
    f->m->session.state = SESSION_FAILED;
    f->m->session.final = (struct verdict){.kind = VERDICT_INCONCLUSIVE, .ratio = NAN};
    f->m->session.rounds_done = 1;
    f->m->screen.dialog.kind = DIALOG_SUMMARY;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "all of them are undone"));
    assert_true(canvas_has(f->c, "no confirmation was measured"));
    assert_false(canvas_has(f->c, "in force now"));
    f->m->screen.dialog.kind = DIALOG_NONE;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "undone"));
    assert_false(canvas_has(f->c, "kept"));
    assert_false(canvas_has(f->c, "best x"));
    assert_false(canvas_has(f->c, "best 5277"));
}

/* No time for a round is no failure: it is said, and what would be needed; the same in the tree. */
static void without_a_round_nothing_is_called_failed(void **state)
{
    struct fixture *f = *state;
    struct session *s = &f->m->session;
    running_session(f->m);
    f->m->bench.state = BENCH_IDLE;
    f->m->flow = FLOW_SUMMARY;
    s->state = SESSION_FAILED;
    s->best.n = s->nhistory = s->rounds_done = 0;
    s->best_tps = s->baseline_tps;
    text_copy(s->end_reason, sizeof s->end_reason, "the budget is too short for a round");
    f->m->fl.now.budget_needed_s = 1000;
    f->m->screen.dialog.kind = DIALOG_SUMMARY;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        paint(f, sizes[i][0], sizes[i][1]);
        assert_true(canvas_has(f->c, "WriteOptimize: no round was made"));
        assert_true(canvas_has(f->c, "nothing has failed"));
        assert_true(canvas_has(f->c, "need a budget of about 17 min"));
        assert_true(canvas_has(f->c, "ended because"));
        assert_false(canvas_has(f->c, "FAILED"));
    }
    f->m->screen.dialog.kind = DIALOG_NONE;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "no round"));
    assert_false(canvas_has(f->c, "failed"));
}

/* A round says what it adds, the best state what it is in all; one of "next" and "no further round" stands. */
static void each_figure_says_what_it_is_over(void **state)
{
    struct fixture *f = *state;
    struct session *s = &f->m->session;
    struct round *r = &s->round;
    running_session(f->m);
    f->m->bench.state = BENCH_IDLE;
    f->m->fl.decision = DECIDE_VERDICT;
    f->m->screen.dialog.kind = DIALOG_VERDICT;
    r->state = ROUND_DONE;
    r->best = s->best;
    r->kept = true;
    r->verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                  .ratio = 1.5,
                                  .ci_lo = 1.4,
                                  .ci_hi = 1.6,
                                  .tps_a = 5000,
                                  .tps_b = 7500,
                                  .runs_a = 3,
                                  .runs_b = 3};
    s->nhistory = 2;
    s->history[1] = (struct round_history){.number = 2, .kept = true, .verdict = r->verdict};
    s->best_tps = 7500;
    text_copy(r->conclusion.next, sizeof r->conclusion.next,
              "work_mem = 128MB, because sorts spill");
    paint(f, 160, 45);
    assert_true(
        canvas_has(f->c, "+50.0 % over the best before it  (95 % interval +40.0 % to +60.0 %)"));
    assert_true(canvas_has(f->c, "the best state, in all: +68.0 % over the start, by 2 rounds"));
    assert_true(canvas_has(f->c, "best so far"));
    assert_false(canvas_has(f->c, "+66.6 %")); /* best over the session's baseline */
    assert_true(canvas_has(f->c, "Next: work_mem = 128MB"));
    assert_false(canvas_has(f->c, "No further round"));
    f->m->fl.now.no_further = "all rounds are spent";
    f->m->fl.now.confirm_s = 120;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "No further round: all rounds are spent."));
    assert_false(canvas_has(f->c, "Next:"));
    assert_true(canvas_has(f->c, "Enter or s: Start and best are measured"));
    f->m->screen.dialog.kind = DIALOG_NONE;
    f->m->screen.focus = PANE_ROUNDS;
    f->m->screen.zoom = true;
    paint(f, 120, 36);
    assert_true(canvas_has(f->c, "each round is over the best before it"));
    assert_true(canvas_has(f->c, "in all +68.0 % over the start, by 2 rounds"));
    f->m->screen.zoom = false;
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "in all +68.0 % 7500 TPS"));
    assert_true(canvas_row_has(f->c, 0, "best 7500 TPS +68.0 % by 2 rounds"));
    s->final = (struct verdict){.kind = VERDICT_IMPROVED,
                                .ratio = 1.4,
                                .ci_lo = 1.3,
                                .ci_hi = 1.5,
                                .tps_a = 5100,
                                .tps_b = 7140,
                                .runs_a = 3,
                                .runs_b = 3};
    f->m->screen.dialog.kind = DIALOG_SUMMARY;
    s->state = SESSION_ARCHIVED;
    paint(f, 160, 45);
    assert_true(canvas_row_has(f->c, 0, "best 7140 TPS +40.0 % confirmed"));
    assert_true(canvas_has(f->c, "5100 \xe2\x86\x92 7140 TPS, fresh runs of both in turn"));
    assert_true(canvas_has(f->c, "improved: +40.0 % over the start"));
    assert_false(canvas_has(f->c, "7500"));
}

/* What the DBA has accepted and nothing was measured of, with the reason. */
static void what_was_not_compared_is_listed(void **state)
{
    struct fixture *f = *state;
    struct session *s = &f->m->session;
    struct round_history *h = &s->history[0];
    running_session(f->m);
    f->m->bench.state = BENCH_IDLE;
    f->m->screen.dialog.kind = DIALOG_VERDICT;
    s->round.number = 1;
    s->round.verdict = h->verdict;
    h->n = 3;
    h->measured = 1;
    for (int i = 0; i < 3; i++) {
        snprintf(h->changes[i].name, SETTING_NAME_MAX, "%s",
                 i == 0   ? "work_mem"
                 : i == 1 ? "shared_buffers"
                          : "wal_buffers");
        snprintf(h->changes[i].value, SETTING_VALUE_MAX, "%dMB", 64 << i);
        h->changes[i].sets = 1u << i;
    }
    paint(f, 160, 45); /* no screening at all */
    assert_true(canvas_has(f->c, "accepted, and not compared"));
    assert_true(canvas_has(
        f->c, "shared_buffers  \xe2\x86\x92 128MB: no time left to screen the alternatives"));
    assert_false(canvas_has(f->c, "work_mem  \xe2\x86\x92"));
    h->nsets = 3;
    h->sets[0] = (struct race_result){.ratio = 1.1, .runs = 2, .gained = true};
    h->sets[1] = (struct race_result){.ratio = 0.9, .runs = 2, .out = true};
    h->sets[2] = (struct race_result){.ratio = NAN};
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "128MB: lost in screening (-10.0 % in 2 short runs)"));
    assert_true(canvas_has(f->c, "256MB: no time left to screen it"));
    h->sets[1] = (struct race_result){.ratio = 1.002, .runs = 1};
    h->sets[2] = (struct race_result){.ratio = 1.05, .runs = 3, .gained = true};
    paint(f, 160, 45);
    assert_true(canvas_has(f->c, "no gain in screening (+0.2 % in 1 short run)"));
    assert_true(canvas_has(f->c, "gained in screening, but does not go with what gained more"));
    h->measured = 7;
    paint(f, 160, 45);
    assert_false(canvas_has(f->c, "not compared"));
}

static void the_tree_knows_the_session_of_a_row(void **state)
{
    struct fixture *f = *state;
    running_session(f->m);
    int rows = pane_tree_rows(f->m);
    assert_int_equal(rows, 7);
    assert_int_equal(pane_tree_session(f->m, 0), -1);
    assert_int_equal(pane_tree_session(f->m, rows - 2), 0);
    assert_int_equal(pane_tree_session(f->m, rows - 1), 1);
}

/* A host over ssh: how its figures come, the busiest processes, a gap and a clock that is off. */
static void a_host_over_ssh(void **state)
{
    struct fixture *f = *state;
    struct model *m = f->m;
    struct collect *c = &m->collect;
    struct buf text = {0};

    live_server(m);
    m->screen.focus = PANE_TELEMETRY;
    m->screen.zoom = true;
    m->server.id.over_ssh = c->host_on = c->host_link = true;
    c->host = &m->server.id;
    c->samples = 3;
    c->last_host_us = c->backends->at_us = m->now_us - 1000000;
    c->loop.uptime = (struct hostclock){.known = true, .delay_us = 12000};
    c->loop.clock = (struct hostclock){.known = true, .offset_us = -2500000, .error_us = 6000};
    c->backends->ntop = 1;
    c->backends->top[0] = (struct backend){4711, 0.98,    440401920,
                                           0,    3565158, "postgres: app shop UPDATE"};
    paint(f, 160, 45);
    canvas_text(f->c, &text);
    assert_non_null(
        strstr(buf_text(&text), "via ssh, answers in 12 ms, its clock is 2.500 s behind ours"));
    assert_non_null(strstr(buf_text(&text), "98 % cpu"));
    assert_non_null(strstr(buf_text(&text), "w 3.4 MB/s"));
    assert_non_null(strstr(buf_text(&text), " app shop UPDATE"));
    buf_clear(&text);
    c->host_link = false;
    m->now_us += 20000000;
    paint(f, 160, 45);
    canvas_text(f->c, &text);
    assert_non_null(strstr(buf_text(&text), "no figures for 21 s: the ssh link is down"));
    assert_null(strstr(buf_text(&text), "98 % cpu"));
    buf_clear(&text);
}

int main(void)
{
#define VIEW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        VIEW_TEST(a_host_over_ssh),
        VIEW_TEST(a_live_server_is_shown),
        VIEW_TEST(every_pane_can_be_seen_at_every_size),
        VIEW_TEST(a_run_is_shown),
        VIEW_TEST(rejected_is_not_screened),
        VIEW_TEST(what_was_measured_and_what_is_in_force),
        VIEW_TEST(the_end_has_a_price),
        VIEW_TEST(a_measured_rate_and_the_servers_are_two),
        VIEW_TEST(a_proposal_is_shown_with_its_price),
        VIEW_TEST(a_proposal_tells_all_of_a_line),
        VIEW_TEST(durability_trades_stand_apart),
        VIEW_TEST(alternatives_stand_in_groups),
        VIEW_TEST(a_verdict_tells_of_screening_and_veto),
        VIEW_TEST(the_summary_tells_what_each_earned),
        VIEW_TEST(every_dialog_fits_every_size),
        VIEW_TEST(the_help_is_made_from_the_tables),
        VIEW_TEST(a_lost_link_shows_its_countdown),
        VIEW_TEST(the_prompt_shows_text_cursor_and_offers),
        VIEW_TEST(small_terminals_degrade),
        VIEW_TEST(seven_bit_terminals_get_seven_bits),
        VIEW_TEST(names_from_the_server_cannot_break_the_screen),
        VIEW_TEST(a_failed_session_claims_nothing),
        VIEW_TEST(without_a_round_nothing_is_called_failed),
        VIEW_TEST(each_figure_says_what_it_is_over),
        VIEW_TEST(what_was_not_compared_is_listed),
        VIEW_TEST(the_tree_knows_the_session_of_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
