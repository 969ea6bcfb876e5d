/* flow_machines.c - one switch of the configuration, one run of pgbench: starting them, holding them back
 * while the connection is away, and taking what a run brought. */
#include "pgd/app/claim.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/hosts.h"
#include "pgd/app/links.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void journal_path(const struct model *m, char *dst, size_t size)
{
    struct buf b = {0};

    buf_printf(&b, "%s/journal.jsonl", m->session.dir);
    text_copy_raw(dst, size, buf_text(&b));
    buf_clear(&b);
}

/* The connection may be away for a moment (somebody restarts the server): that is worth a wait. A session that
 * has just been lost without the link having noticed is not asked again at once. After a minute of tries in vain
 * (app/links) nothing waits for it any more. */
enum { HOLD_MOST_S = 60, HOLD_LEAST_MS = 300, GONE_LINK_MS = 1000 };

static bool is_gone(const struct model *m)
{
    const struct link *l = &m->links[CONN_CONTROL];

    return l->state != LINK_UP && m->now_us - l->lost_us >= HOLD_MOST_S * 1000000LL;
}

/* The machine that pgbench runs on cannot be reached now, and may be later. */
static bool bench_cut(const struct model *m)
{
    const struct bench_target *t = &m->bench_target;

    return t->far && !hosts_up(m, t->ssh) && m->hosts[t->ssh].state != HOST_REFUSED;
}

bool flow_hold(struct model *m, enum hold_what what, bool lost)
{
    struct hold *h = &m->fl.now.hold;

    bool cut = what == HOLD_RUN && (lost || bench_cut(m));

    if (!lost && !cut && m->links[CONN_CONTROL].state == LINK_UP && claim_ready(m))
        return false;
    h->what = what;
    h->from_us = m->now_us + (lost ? HOLD_LEAST_MS * 1000 : 0);
    h->until_us = m->now_us;
    if (!is_gone(m)) {
        h->until_us += HOLD_MOST_S * 1000000LL;
        model_say(m, CHAT_WARN, "waiting for the %s to come back",
                  cut ? "link to pgbench's machine" : "connection");
    }
    return true;
}

static void switch_now(struct model *m, const struct arm *arm, struct effects *fx)
{
    struct apply_env env = {
        .facts = &m->server,
        .ledger = &m->session.ledger,
        .journal_path = m->fl.journal_path,
        .journal_no = &m->session.journal_no,
        .work_dir = m->session.dir,
        .way = flow_restart_way(m),
        .restart_command = m->session.plan.restart_command,
        .analyze = m->session.plan.builtin_db,
        .verify_ms = 10000,
        .link_ms = is_gone(m) ? GONE_LINK_MS : 0,
        .connect = &m->fl.fresh_session,
        .restart_refused = flow_restart_refused(m),
        .guard_disabled = m->opt.unsafe_guard,
        .preflight_disabled = m->opt.unsafe_preflight,
    };
    env.canary = env.way != RESTART_WAY_NONE && !m->opt.unsafe_preflight;
    flow_manual_env(m, &env);
    journal_path(m, m->fl.journal_path, sizeof m->fl.journal_path);
    effect_clear(&m->fl.fresh_session);
    links_template(m, CONN_BENCH, m->session.plan.database, &m->fl.fresh_session);
    apply_start(&m->apply, &env, arm, m->now_us, fx);
}

void flow_switch_only(struct model *m, const struct arm *arm, struct effects *fx)
{
    switch_now(m, arm, fx);
}

void flow_switch(struct model *m, const struct arm *arm, struct effects *fx)
{
    m->fl.now.switching = true;
    m->fl.now.switch_dropped = false;
    if (flow_window_hold(m, arm))
        return;
    if (flow_hold(m, HOLD_SWITCH, false))
        m->fl.now.hold.arm = *arm;
    else
        switch_now(m, arm, fx);
}

static void run_now(struct model *m, int seconds, bool warmup, struct effects *fx)
{
    struct session *s = &m->session;
    struct buf dir = {0};

    if (!warmup)
        s->run_number++;
    buf_printf(&dir, "%s/bench", s->dir);
    text_copy_raw(m->bench.dir, sizeof m->bench.dir, buf_text(&dir));
    buf_clear(&dir);
    buf_printf(&dir, "%s/scripts", s->dir);
    text_copy_raw(m->bench.script_dir, sizeof m->bench.script_dir, buf_text(&dir));
    buf_clear(&dir);
    m->bench.want_checkpoint = !warmup && m->server.rights.checkpoint;
    m->bench.want_log = !warmup;
    m->bench.count_dead = strcmp(m->links[CONN_CONTROL].dbname, s->plan.database) == 0;
    /* long transactions may end late, but not long after the budget */
    double grace = model_seconds_left(m) - seconds + 15;
    m->bench.grace_s = grace < 10 ? 10 : grace < 120 ? (int)grace : 0;
    /* runs 1 and 2, 3 and 4 … are pairs of one seed: in a comparison one of each arm; every session has its own */
    int pair = (s->run_number - 1) / 2;
    int64_t seed = s->created_wall_us / 1000 % 1000000 + (warmup ? 500000 : pair);
    flow_observe_order(m, seconds, warmup);
    collect_mark(&m->collect);
    struct sdl plan = s->plan;
    if (m->flow == FLOW_KNEE)
        flow_knee_plan(m, &plan);
    bench_start(&m->bench, &plan, &m->bench_target, seconds, warmup, seed, fx);
}

void flow_run(struct model *m, int seconds, bool warmup, struct effects *fx)
{
    m->fl.now.running = true;
    m->fl.now.run_warmup = warmup;
    if (flow_hold(m, HOLD_RUN, false))
        m->fl.now.hold.seconds = seconds;
    else
        run_now(m, seconds, warmup, fx);
}

void flow_bench_event(struct model *m, const struct event *ev, struct effects *fx)
{
    flow_observe_feed(m);
    bench_step(&m->bench, ev, fx);
    m->collect.own_checkpoints = m->bench.checkpoints;
    m->dirty = true;
}

/* A run that was cancelled before it began. */
static void run_dropped(struct model *m)
{
    bench_clear(&m->bench);
    m->bench.run.tps = NAN;
    m->bench.run.cancelled = true;
    err_set(&m->bench.run.err, ERR_CANCELLED, "the run was cancelled");
    m->bench.state = BENCH_FAILED;
}

/* Whether what waits may begin: the connection is back, or waiting longer would not help. */
bool flow_release(struct model *m, struct effects *fx)
{
    struct hold *h = &m->fl.now.hold;
    bool back = m->links[CONN_CONTROL].state == LINK_UP && m->now_us >= h->from_us &&
                claim_ready(m) && !(h->what == HOLD_RUN && bench_cut(m));
    bool dropped = m->fl.now.cancel && (h->what == HOLD_RUN || ledger_clean(&m->session.ledger));
    enum hold_what what = h->what;

    if (!back && !dropped && m->now_us < h->until_us)
        return false;
    h->what = HOLD_NOTHING;
    if (what == HOLD_SWITCH)
        switch_now(m, &h->arm, fx);
    else if (dropped)
        run_dropped(m);
    else
        run_now(m, h->seconds, m->fl.now.run_warmup, fx);
    return true;
}

/* The arm in force, by name, for the journal and the series. */
static const char *arm_label(const struct model *m, int arm)
{
    if (m->flow == FLOW_ROUND)
        return round_arm(&m->session.round, arm)->label;
    if (m->flow == FLOW_ABLATE)
        return m->session.trial.label;
    if (m->flow == FLOW_COMPARE)
        return flow_compare_label(m);
    if (m->flow == FLOW_TRADE)
        return flow_trade_label(m);
    if (m->flow == FLOW_KNEE)
        return "sweep of clients";
    if (m->fl.now.reducing && arm == ARM_B)
        return m->session.reduced.label;
    return arm == ARM_A ? m->session.start.label : m->session.best.label;
}

static void keep_run_files(struct model *m, const struct bench_run *run, const char *label,
                           struct effects *fx)
{
    struct buf path = {0}, text = {0};

    buf_printf(&path, "%s/bench/run%03d.csv", m->session.dir, run->number);
    store_run_csv(run, &text);
    struct effect *e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
    buf_printf(&path, "%s/telemetry/run%03d.csv", m->session.dir, run->number);
    store_telemetry_csv(&m->collect, (int)run->secs + 2, &text);
    e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
    buf_printf(&path, "%s/journal.jsonl", m->session.dir);
    store_journal_bench(run, label, &text);
    e = fx_file(fx, flow_store_req(), FILE_APPEND, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}

static void emit_run(struct model *m, const struct bench_run *r, const char *label,
                     struct effects *fx)
{
    struct line *l = line_new("bench");

    line_int(l, "run", r->number);
    line_text(l, "arm", label);
    line_bool(l, "valid", r->valid);
    line_num(l, "tps", r->tps);
    line_num(l, "latency_ms", r->lat_avg_ms);
    line_num(l, "p95_ms", r->p95_ms);
    line_num(l, "p99_ms", r->p99_ms);
    line_num(l, "failed", r->failed);
    line_num(l, "temp_bytes", r->window.temp_bytes);
    line_num(l, "hit_ratio", r->window.hit_ratio);
    line_num(l, "tps_pgbench", r->tps_pgbench);
    line_num(l, "checkpoint_s", r->checkpoint_s);
    line_num(l, "redo_bytes", r->redo_bytes);
    line_num(l, "dead_tuples", r->dead_tuples);
    line_bool(l, "contaminated", r->contaminated);
    line_num(l, "others_active", r->others_active);
    line_num(l, "others_tps", r->others_tps);
    line_num(l, "warmup_s", r->warm_s);
    flow_emit(m, l, fx);
    if (m->session.plan.observe)
        model_say(m, CHAT_EVENT, "run %d, %s: %.3g ms a statement, %.0f TPS", r->number, label,
                  r->lat_avg_ms, r->tps);
    else
        model_say(m, CHAT_EVENT, "run %d, %s: %.0f TPS, p95 %.1f ms", r->number, label, r->tps,
                  r->p95_ms);
}

/* The finished run, with what the server did meanwhile; files, journal and events are on their way. */
void flow_take_run(struct model *m, struct bench_run *run, int arm, struct effects *fx)
{
    *run = m->bench.run;
    memset(&m->bench.run, 0, sizeof m->bench.run);
    m->bench.state = BENCH_IDLE;
    m->bench.tps_now = NAN;
    run->arm = arm;
    run->warmup = m->fl.now.run_warmup;
    run->number = m->session.run_number;
    if (m->fl.now.window_taken)
        run->window = m->fl.now.run_window;
    else
        collect_window(&m->collect, &run->window);
    m->fl.now.window_taken = false;
    flow_watch_run(m, run);
    flow_observe_ran(m, run, arm_label(m, arm), fx);
    if (run->warmup)
        return;
    if (run->valid)
        m->session.client_cpu = run->client_cpu;
    keep_run_files(m, run, arm_label(m, arm), fx);
    if (run->valid || run->contaminated)
        emit_run(m, run, arm_label(m, arm), fx);
}

/* ---- figures of an arm ---- */

double flow_arm_mean(const struct experiment *x, int arm, double (*get)(const struct bench_run *))
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && x->runs[i].arm == arm && !isnan(get(&x->runs[i]))) {
            sum += get(&x->runs[i]);
            n++;
        }
    return n ? sum / n : NAN;
}

double flow_get_tps(const struct bench_run *r)
{
    return r->tps;
}

double flow_get_p95(const struct bench_run *r)
{
    return r->p95_ms;
}

void flow_arm_window(const struct experiment *x, int arm, struct window *w)
{
    memset(w, 0, sizeof *w);
    for (int i = 0; i < x->n; i++)
        if (x->runs[i].valid && x->runs[i].arm == arm)
            window_merge(w, &x->runs[i].window);
}
