/* full_session.h - a session with something in every part that session.json holds, for the tests of the
 * workspace. It is large, so it lives on the heap: full_session_free(). */
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/workspace/model.h"

#define PUT(dst, ...) snprintf(dst, sizeof(dst), __VA_ARGS__)

static inline void full_window(struct window *w, double tps)
{
    memset(w, 0, sizeof *w);
    w->valid = true;
    w->secs = 30;
    w->tps = tps;
    w->commits = tps * 30;
    w->hit_ratio = 0.97;
    w->temp_bytes = 1.5e9;
    w->ckpt_req = 9;
    w->cpu_user = 0.71;
    w->disk_await_ms = NAN; /* unknown */
    w->nwaits = 2;
    PUT(w->waits[0].event, "LWLock:WALWrite");
    w->waits[0].share = 0.61;
    PUT(w->waits[1].event, "CPU");
    w->waits[1].share = 0.39;
}

static inline struct verdict full_verdict(enum verdict_kind kind, double ratio)
{
    struct verdict v = {.kind = kind,
                        .ratio = ratio,
                        .ci_lo = ratio - 0.03,
                        .ci_hi = ratio + 0.03,
                        .floor = 0.031,
                        .runs_a = 4,
                        .runs_b = 3,
                        .tps_a = 4502,
                        .tps_b = 4502 * ratio,
                        .p95_a = 3.125,
                        .p95_b = 2.25,
                        .sd_a = 0.01,
                        .sd_b = NAN};
    PUT(v.note, "fewer than 4 runs");
    return v;
}

static inline void full_change(struct round_history *h, const char *name, const char *value,
                               const char *evidence)
{
    struct setting_change *c = &h->changes[h->n++];
    PUT(c->name, "%s", name);
    PUT(c->value, "%s", value);
    PUT(c->why, "why %s", name);
    PUT(c->evidence, "%s", evidence);
    c->expect_lo = 8;
    c->expect_hi = 15;
    c->risk = RISK_MEDIUM;
    h->measured = h->measured << 1 | 1;
}

/* Two alternatives were screened; the second is what was measured then. */
static inline void full_sets(struct round_history *h)
{
    h->nsets = 2;
    h->sets[0] = (struct race_result){
        .ratio = 0.98, .lo = 0.95, .hi = 1.01, .runs = 3, .out = true};
    h->sets[1] = (struct race_result){
        .ratio = 1.04, .lo = NAN, .hi = NAN, .runs = 1, .gained = true};
    h->changes[0].sets = 1;
    h->changes[1].sets = 2;
    PUT(h->changes[1].rule, "cache");
    h->measured = 2;
}

static inline void full_plan(struct session *s)
{
    PUT(s->plan.strategy, "WriteOptimize");
    PUT(s->plan.hypothesis, "Checkpoints are requested by WAL volume.");
    PUT(s->plan.workload, "shop");
    PUT(s->plan.database, "pg_diagnose_bench");
    PUT(s->plan.protocol, "prepared");
    PUT(s->plan.success, "the interval lies above zero");
    PUT(s->plan.restart_command, "/usr/local/sbin/restart pg");
    s->plan.builtin_db = true;
    s->plan.nscripts = 2;
    PUT(s->plan.scripts[0].path, "asset:workloads/shop/order.sql");
    PUT(s->plan.scripts[0].name, "order.sql");
    s->plan.scripts[0].weight = 7;
    PUT(s->plan.scripts[1].path, "/srv/scripts/report.sql");
    PUT(s->plan.scripts[1].name, "report.sql");
    s->plan.scripts[1].weight = 1;
    s->plan.clients = 8;
    s->plan.threads = 2;
    s->plan.duration_s = 10;
    s->plan.warmup_s = 4;
    s->plan.min_runs = 3;
    s->plan.max_runs = 6;
    s->plan.rounds = 8;
    s->plan.budget_s = 720;
    s->plan.restart = RESTART_COMMAND;
    s->plan.target_tps = 6000;
}

static inline void full_sight(struct first_sight *f)
{
    PUT(f->advisor.text, "builtin");
    PUT(f->headline, "Sorts spill and checkpoints are forced.");
    PUT(f->summary, "Two things stand out.");
    f->nfindings = 1;
    PUT(f->findings[0].area, "checkpoints");
    PUT(f->findings[0].text, "Checkpoints are requested, not timed.");
    PUT(f->findings[0].figure, "9 of 11");
    f->findings[0].severity = 2;
    f->nstrategies = 1;
    PUT(f->strategies[0].name, "WriteOptimize");
    PUT(f->strategies[0].title, "Fewer forced checkpoints");
    PUT(f->strategies[0].why, "9 of 11 were requested");
    PUT(f->strategies[0].expects, "+8 to +15 %%");
}

static inline void full_settings(struct session *s)
{
    PUT(s->best.label, "round 2");
    arm_set(&s->best, "max_wal_size", true, "16GB");
    arm_set(&s->best, "shared_buffers", true, "6GB");
    static const struct entry had = {"max_wal_size", true, "2GB"};
    static const struct entry had_not = {"shared_buffers", false, ""};
    ledger_touch(&s->ledger, &had);
    ledger_touch(&s->ledger, &had_not);
    s->ledger.rows[0].current = s->best.entries[0];
    s->ledger.rows[1].current = s->best.entries[1];
    session_remember_first(s, "max_wal_size", "2GB");
    session_remember_first(s, "shared_buffers", "128MB");
    session_remember_first(s, "work_mem", "4MB");
    PUT(s->final_values[0].name, "max_wal_size");
    PUT(s->final_values[0].shown, "16GB");
    PUT(s->final_values[1].name, "shared_buffers");
    PUT(s->final_values[1].shown, "6GB");
    s->nfinal = 2;
}

static inline void full_rounds(struct session *s)
{
    s->nhistory = 3;
    s->history[0].number = 1;
    s->history[0].kept = true;
    s->history[0].verdict = full_verdict(VERDICT_IMPROVED, 1.14);
    full_change(&s->history[0], "max_wal_size", "16GB", "9 of 11 checkpoints were requested");
    full_window(&s->history[0].window, 5100);
    s->history[1].number = 2;
    s->history[1].kept = true;
    s->history[1].verdict = full_verdict(VERDICT_IMPROVED, 1.05);
    full_change(&s->history[1], "work_mem", "16MB", "one sort spills");
    full_change(&s->history[1], "shared_buffers", "6GB", "hit ratio 91 %");
    full_sets(&s->history[1]);
    s->history[2].number = 3;
    s->history[2].verdict = full_verdict(VERDICT_INCONCLUSIVE, 0.997);
    full_change(&s->history[2], "work_mem", "64MB", "no temporary file");
    s->history[2].changes[0].expect_lo = NAN;
    s->history[2].changes[0].expect_hi = NAN;
    PUT(s->said[0].advisor.text, "builtin");
    PUT(s->said[0].text, "Checkpoints are timed now.");
    PUT(s->said[0].bottleneck, "CPU-bound: 96 %% busy");
    s->rounds_done = 3;
    s->misses = 1;
    s->nrejected = 1;
    PUT(s->rejected[0].name, "random_page_cost");
    PUT(s->rejected[0].value, "1.1");
}

/* A round that waits for the DBA's switch: two runs of the first arm are made. */
static inline void full_pending(struct session *s)
{
    struct round *r = &s->round;
    s->by_hand = true;
    PUT(s->bench_at, "db.example.com");
    s->pending.phase = PENDING_ROUND;
    s->pending.want_arm = ARM_B;
    s->pending.restart = true;
    PUT(s->pending.arm.label, "round 4");
    arm_set(&s->pending.arm, "work_mem", true, "64MB");
    round_init(r, 4, &s->best, &s->plan, s->floor);
    r->state = ROUND_JOURNAL;
    r->candidate = s->pending.arm;
    r->review.n = 2;
    PUT(r->review.lines[0].change.name, "work_mem");
    PUT(r->review.lines[0].change.value, "64MB");
    PUT(r->review.lines[0].change.why, "sorts spill");
    PUT(r->review.lines[0].from, "4MB");
    PUT(r->review.lines[0].to, "64MB");
    r->review.lines[0].answer = ANSWER_ACCEPT;
    PUT(r->review.lines[1].change.name, "jit");
    PUT(r->review.lines[1].change.value, "off");
    r->review.lines[1].answer = ANSWER_REJECT;
    r->experiment.blocks = true;
    for (int i = 0; i < 2; i++) {
        struct bench_run *run = &r->experiment.runs[r->experiment.n++];
        run->valid = true;
        run->arm = ARM_A;
        run->number = 32 + i;
        run->secs = 30;
        run->tps = 5200 + i;
        run->p95_ms = 3.5;
        run->p50_ms = run->p99_ms = NAN;
        run->lat_avg_ms = 1.25;
        run->transactions = 156000;
        run->tps_pgbench = 5300;
        run->checkpoint_s = 2.25;
        run->redo_bytes = 4e8;
        run->dead_tuples = run->others_active = NAN;
        run->others_tps = 12.5;
        run->contaminated = i == 1;
        run->window.valid = false; /* every byte of this session is cut off once */
    }
}

static inline struct session *full_session(void)
{
    struct session *s = calloc(1, sizeof *s);
    if (!s)
        abort();
    session_reset(s);
    s->state = SESSION_ARCHIVED;
    PUT(s->name, "WriteOptimize_01022026-050830");
    s->created_wall_us = INT64_C(1767330510000000);
    s->ended_wall_us = INT64_C(1767331110000000);
    s->spent_s = 600.5;
    full_plan(s);
    full_sight(&s->sight);
    PUT(s->target.advisor.text, "builtin");
    s->target.tps = 5500;
    PUT(s->target.why, "the disk has room");
    s->baseline_tps = 4502;
    s->baseline_p95_ms = 3.125;
    s->floor = 0.031;
    s->best_tps = 5277;
    full_window(&s->base_window, 4502);
    full_window(&s->best_window, 5277);
    full_settings(s);
    full_rounds(s);
    s->final = full_verdict(VERDICT_IMPROVED, 1.172);
    s->nearned = 2;
    PUT(s->earned[0].name, "max_wal_size");
    PUT(s->earned[0].value, "16GB");
    s->earned[0].tested = true;
    s->earned[0].ratio = 1.12;
    s->earned[0].lo = 1.08;
    s->earned[0].hi = 1.16;
    PUT(s->earned[1].name, "jit");
    PUT(s->earned[1].value, "off");
    s->earned[1].idle = s->earned[1].taken_out = true;
    s->earned[1].ratio = s->earned[1].lo = s->earned[1].hi = NAN;
    PUT(s->end_reason, "three misses in a row");
    s->journal_no = 42;
    s->run_number = 31;
    full_pending(s);
    return s;
}

static inline void full_session_free(struct session *s)
{
    session_reset(s);
    free(s);
}
