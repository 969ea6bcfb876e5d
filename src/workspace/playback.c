/* playback.c - see playback.h. Forward, events are fed one after the other; backward, the model is emptied and fed anew from the
 * beginning, of samples those alone that a screen can show. */
#include "pgd/workspace/playback.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/workspace/session_rows.h"
#include "pgd/workspace/store.h"

enum {
    SECOND = 1000000,
    SHOWN_S = 2 * SERIES_SECONDS, /* older seconds are beyond every graph */
    HOLES_MAX = 5                 /* seconds that a gap takes in a graph */
};

static const double speeds[] = {0.25, 0.5, 1, 2, 4, 10, 25, 50, 100};

double playback_speed(double speed, int by)
{
    int at = 0, last = (int)ARRAY_LEN(speeds) - 1;

    if (by == 0)
        return fmin(fmax(speed, speeds[0]), speeds[last]);
    while (at < last && speeds[at + 1] <= speed * 1.0001)
        at++;
    at += by;
    return speeds[at < 0 ? 0 : at > last ? last : at];
}

/* ---- what an event does to the model ---- */

static const struct recorded_run *run_of(const struct playback *p, const struct recorded *e)
{
    return &p->recording->runs[e->at];
}

static struct experiment *experiment_of(struct session *s, enum flow_state phase)
{
    return phase == FLOW_BASELINE ? &s->baseline
           : phase == FLOW_ROUND  ? &s->round.experiment
                                  : &s->confirm;
}

/* Which arm of its experiment a run is. */
static int arm_of(const struct recorded *e, const struct recorded_run *run)
{
    char label[32];

    snprintf(label, sizeof label, "round %d", e->round);
    if (e->phase == FLOW_ROUND)
        return strncmp(run->arm, label, strlen(label)) == 0 ? ARM_B : ARM_A;
    return e->phase != FLOW_BASELINE && strcmp(run->arm, "start") != 0 ? ARM_B : ARM_A;
}

static void feed_begin(struct playback *p)
{
    struct model *m = p->shown;
    const struct session *from = p->recording->session;
    struct session *s = &m->session;

    m->flow = FLOW_WATCH;
    if (!from)
        return;
    s->state = SESSION_ACTIVE;
    s->plan = from->plan;
    s->sight = from->sight;
    s->created_wall_us = from->created_wall_us;
    text_copy_raw(s->name, sizeof s->name, from->name);
    m->flow = FLOW_PREPARE;
    struct session_row *row = session_rows_add(&m->workspace, 0);
    if (row) {
        store_session_row(from, row);
        row->interrupted = false;
    }
}

static void begin_experiment(const struct playback *p, struct experiment *x, enum flow_state phase)
{
    const struct sdl *plan = &p->recording->session->plan;

    experiment_clear(x);
    mem_zero(x, sizeof *x); /* most of it was never written to, and takes no memory */
    x->kind = phase == FLOW_BASELINE ? EXPERIMENT_AA
              : phase == FLOW_ROUND  ? EXPERIMENT_ROUND
                                     : EXPERIMENT_CONFIRM;
    x->min_runs = plan->min_runs;
    x->max_runs = plan->max_runs;
    x->duration_s = plan->duration_s;
}

static void show_waits(struct model *m, const struct window *w)
{
    m->collect.nrecent_waits = w->valid ? w->nwaits : 0;
    memcpy(m->collect.recent_waits, w->waits, sizeof m->collect.recent_waits);
}

static const struct round_history *round_of(const struct session *s, int number)
{
    for (int i = 0; i < s->nhistory; i++)
        if (s->history[i].number == number)
            return &s->history[i];
    return NULL;
}

static void feed_phase(struct playback *p, const struct recorded *e)
{
    struct model *m = p->shown;
    struct session *s = &m->session;
    const struct session *from = p->recording->session;
    const struct round_history *h = round_of(from, e->round);

    m->flow = e->phase;
    begin_experiment(p, experiment_of(s, e->phase), e->phase);
    if (e->phase == FLOW_ROUND) {
        s->round.number = e->round;
        s->round.state = ROUND_APPLY;
        text_copy(s->round.best.label, sizeof s->round.best.label, s->best.label);
        snprintf(s->round.candidate.label, sizeof s->round.candidate.label, "round %d", e->round);
    }
    show_waits(m, h                           ? &h->window
                  : e->phase == FLOW_BASELINE ? &from->base_window
                                              : &from->best_window);
}

static void feed_run(struct playback *p, const struct recorded *e)
{
    struct model *m = p->shown;
    const struct recorded_run *run = run_of(p, e);
    struct bench_run *now = &m->bench.run;
    int arm = arm_of(e, run);
    size_t room = (size_t)(run->nseconds ? run->nseconds : 1) * sizeof(float);

    bench_run_clear(now);
    memset(now, 0, sizeof *now);
    now->series = xmalloc(room);
    now->series_lat = xmalloc(room);
    now->number = run->number;
    now->arm = arm;
    m->bench.state = BENCH_RUNNING;
    m->bench.started_at_us = e->at_us;
    m->bench.tps_now = m->bench.lat_now = NAN;
    m->bench.duration_s = p->recording->session->plan.duration_s;
    m->session.run_number = run->number;
    m->session.round.arm_in_force = arm;
    m->session.round.state = ROUND_MEASURE;
    m->session.confirm.arm = arm;
    if (e->phase == FLOW_ABLATE)
        text_copy(m->session.trial.label, sizeof m->session.trial.label, run->arm);
}

static void feed_second(struct model *m, const struct recorded *e, const struct recorded_run *run)
{
    struct bench_run *now = &m->bench.run;

    if (m->bench.state != BENCH_RUNNING || now->nseries >= run->nseconds)
        return;
    now->series[now->nseries] = (float)e->tps;
    now->series_lat[now->nseries++] = (float)e->latency_ms;
    m->bench.tps_now = e->tps;
    m->bench.lat_now = e->latency_ms;
}

static void feed_ran(struct playback *p, const struct recorded *e)
{
    struct model *m = p->shown;
    const struct recorded_run *from = run_of(p, e);
    struct experiment *x = experiment_of(&m->session, e->phase);
    struct bench_run *now = &m->bench.run;

    m->bench.state = BENCH_IDLE;
    m->bench.tps_now = NAN;
    now->valid = from->valid;
    now->contaminated = from->contaminated;
    now->tps = from->tps;
    now->p95_ms = from->p95_ms;
    now->lat_avg_ms = now->p99_ms = now->lat_sd_ms = NAN;
    double sum = 0;
    int n = 0;
    for (int i = 0; i < now->nseries; i++)
        if (isfinite(now->series_lat[i])) {
            sum += (double)now->series_lat[i];
            n++;
        }
    now->lat_avg_ms = n ? sum / n : NAN;
    err_set(&now->err, ERR_CHILD, "%s", from->error);
    if (x->n == EXPERIMENT_RUNS_MAX) {
        bench_run_clear(&x->runs[0]);
        memmove(x->runs, x->runs + 1, (EXPERIMENT_RUNS_MAX - 1) * sizeof x->runs[0]);
        x->n--;
    }
    x->runs[x->n++] = *now;
    memset(now, 0, sizeof *now);
    if (from->valid)
        model_say(m, CHAT_EVENT, "run %d, %s: %.0f TPS, p95 %.1f ms", from->number, from->arm,
                  from->tps, from->p95_ms);
    else
        model_say(m, CHAT_WARN, "run %d, %s: not usable: %s", from->number, from->arm,
                  from->error[0] ? from->error : "others worked on the server");
}

static void feed_sample(struct playback *p, const struct recorded *e)
{
    struct collect *c = &p->shown->collect;
    int64_t since = p->gap_us ? (e->at_us - p->gap_us + SECOND / 2) / SECOND - 1 : 0;

    for (int k = 0; k < METRIC_COUNT; k++) {
        for (int64_t hole = 0; hole < since && hole < HOLES_MAX; hole++)
            series_add(&c->series[k], NAN);
        series_add(&c->series[k], (double)e->figures[k]);
    }
    p->gap_us = e->at_us;
    c->samples++;
    c->last_pg_at_us = e->at_us;
    c->activity.sessions = isfinite(e->figures[METRIC_SESSIONS]) ? (int)e->figures[METRIC_SESSIONS]
                                                                 : 0;
    c->activity.active = isfinite(e->figures[METRIC_ACTIVE]) ? (int)e->figures[METRIC_ACTIVE] : -1;
    c->activity.waiting = isfinite(e->figures[METRIC_WAITING]) ? (int)e->figures[METRIC_WAITING]
                                                               : -1;
    if (!p->recording->of_session) {
        c->nrecent_waits = e->nwaits;
        if (e->nwaits)
            memcpy(c->recent_waits, e->waits, (size_t)e->nwaits * sizeof *e->waits);
    }
}

static void feed_verdict(struct playback *p, const struct recorded *e)
{
    struct model *m = p->shown;
    struct session *s = &m->session;
    const struct session *from = p->recording->session;
    const struct round_history *h = &from->history[e->at];
    char effect[24] = "";

    if (s->nhistory < HISTORY_MAX) {
        s->said[s->nhistory] = from->said[e->at];
        s->history[s->nhistory++] = *h;
    }
    s->rounds_done = h->number;
    s->round.state = h->failed ? ROUND_FAILED : ROUND_DONE;
    if (h->kept) {
        s->best = from->best;
        snprintf(s->best.label, sizeof s->best.label, "round %d", h->number);
        if (s->best.n == 0)
            s->best.n = 1; /* something of ours is in force; what, the round says */
        s->best_tps = h->verdict.tps_b;
    }
    if (isfinite(h->verdict.ratio))
        text_percent(effect, sizeof effect, h->verdict.ratio);
    model_say(m, h->kept ? CHAT_GOOD : CHAT_EVENT, "round %d: %s%s%s, %s", h->number,
              h->failed ? "could not be applied" : verdict_name(h->verdict.kind),
              effect[0] ? " " : "", effect, h->kept ? "kept" : "undone");
}

static void feed_baseline(struct playback *p)
{
    struct session *s = &p->shown->session;
    const struct session *from = p->recording->session;

    s->baseline_tps = from->baseline_tps;
    s->baseline_p95_ms = from->baseline_p95_ms;
    s->floor = from->floor;
    s->target = from->target;
    p->shown->flow = FLOW_TARGET;
    model_say(p->shown, CHAT_EVENT, "baseline %.0f TPS", s->baseline_tps);
}

static void feed_end(struct playback *p, const struct recorded *e)
{
    struct model *m = p->shown;
    struct session *s = &m->session;
    const struct session *from = p->recording->session;

    if (!from) {
        model_say(m, CHAT_EVENT, "the recording ends here");
        return;
    }
    m->flow = e->phase;
    s->state = from->state;
    s->best = from->best;
    s->best_tps = from->best_tps;
    s->final = from->final;
    s->beside = from->beside;
    s->ended_wall_us = from->ended_wall_us;
    s->nearned = from->nearned;
    memcpy(s->earned, from->earned, sizeof s->earned);
    s->nfinal = from->nfinal;
    memcpy(s->final_values, from->final_values, sizeof s->final_values);
    s->nfirst = from->nfirst;
    memcpy(s->first, from->first, sizeof s->first);
    text_copy_raw(s->end_reason, sizeof s->end_reason, from->end_reason);
    if (isfinite(from->final.ratio)) {
        char effect[24];
        text_percent(effect, sizeof effect, from->final.ratio);
        model_say(m, CHAT_GOOD, "start against best: %s, %s", verdict_name(from->final.kind),
                  effect);
    }
    model_say(m, CHAT_EVENT, "%s%s%s", session_state_name(from->state),
              from->end_reason[0] ? ": " : "", from->end_reason);
}

static void feed(struct playback *p, const struct recorded *e)
{
    struct model *m = p->shown;

    m->now_us = m->wall_us = e->at_us;
    switch (e->kind) {
    case RECORDED_BEGIN:
        feed_begin(p);
        break;
    case RECORDED_PHASE:
        feed_phase(p, e);
        break;
    case RECORDED_RUN:
        feed_run(p, e);
        break;
    case RECORDED_SECOND:
        feed_second(m, e, run_of(p, e));
        break;
    case RECORDED_RAN:
        feed_ran(p, e);
        break;
    case RECORDED_SAMPLE:
        feed_sample(p, e);
        break;
    case RECORDED_SWITCH:
        model_say(m, CHAT_EVENT, "%s", e->text);
        m->session.round.state = ROUND_APPLY;
        break;
    case RECORDED_BASELINE:
        feed_baseline(p);
        break;
    case RECORDED_VERDICT:
        feed_verdict(p, e);
        break;
    case RECORDED_SAID:
        model_tell(m, e->said, e->text);
        break;
    case RECORDED_GAP:
        model_say(m, CHAT_WARN, "the recording was interrupted here");
        break;
    case RECORDED_END:
        feed_end(p, e);
        break;
    }
}

/* ---- the model that is shown ---- */

/* As it was opened: what is on the screen stays (panes, scrolls), what was recorded goes. */
static void empty_shown(struct playback *p)
{
    struct model *m = p->shown;
    const struct recording *r = p->recording;
    struct screen screen = m->screen;
    struct link *l = &m->links[CONN_CONTROL];

    memset(&m->screen.prompt, 0, sizeof m->screen.prompt); /* its history is kept */
    model_clear(m);
    model_init(m);
    m->screen = screen;
    m->opt.readonly = m->opt.has_target = true;
    text_copy(l->user, sizeof l->user, r->user);
    text_copy(l->host, sizeof l->host, r->host);
    text_copy(m->workspace.name, sizeof m->workspace.name,
              r->workspace[0] ? r->workspace : r->name);
    p->next = 0;
    p->gap_us = 0;
}

static void feed_to(struct playback *p, int64_t to_us, bool jump)
{
    const struct recording *r = p->recording;

    while (p->next < r->n && p->play_us[p->next] <= to_us) {
        const struct recorded *e = &r->events[p->next];
        bool far = jump && e->kind == RECORDED_SAMPLE &&
                   p->play_us[p->next] < to_us - (int64_t)SHOWN_S * SECOND;
        if (!far)
            feed(p, e);
        p->next++;
    }
    p->at_us = to_us;
    int64_t shown = p->next > 0 ? r->events[p->next - 1].at_us + to_us - p->play_us[p->next - 1]
                                : 0;
    p->shown->now_us = p->shown->wall_us = shown;
    playback_note(p, p->shown->replay_note, sizeof p->shown->replay_note);
}

struct playback *playback_new(struct recording *r)
{
    struct playback *p = xcalloc(1, sizeof *p);

    p->recording = r;
    p->shown = xcalloc(1, sizeof *p->shown);
    p->play_us = xcalloc((size_t)r->n + 1, sizeof *p->play_us);
    p->speed = 1;
    for (int i = 1; i < r->n; i++) {
        int64_t gap = r->events[i].at_us - r->events[i - 1].at_us;
        p->play_us[i] = p->play_us[i - 1] + (gap < 0                 ? 0
                                             : gap > PLAYBACK_GAP_US ? PLAYBACK_GAP_US
                                                                     : gap);
    }
    p->length_us = r->n ? p->play_us[r->n - 1] : 0;
    model_init(p->shown);
    empty_shown(p);
    feed_to(p, 0, true);
    return p;
}

void playback_free(struct playback *p)
{
    if (!p)
        return;
    recording_free(p->recording);
    model_clear(p->shown);
    free(p->shown);
    free(p->play_us);
    free(p);
}

void replay_load_free(struct replay_load *l)
{
    if (!l)
        return;
    buf_clear(&l->names);
    recording_free(l->recording);
    free(l);
}

/* ---- moving ---- */

bool playback_ended(const struct playback *p)
{
    return p->at_us >= p->length_us;
}

void playback_seek(struct playback *p, int64_t to_us)
{
    to_us = to_us < 0 ? 0 : to_us > p->length_us ? p->length_us : to_us;
    if (to_us < p->at_us)
        empty_shown(p);
    feed_to(p, to_us, true);
}

bool playback_advance(struct playback *p, int64_t now_us)
{
    int64_t since = p->clock_us ? now_us - p->clock_us : 0;
    double by = (double)since * p->speed;

    p->clock_us = now_us;
    if (p->paused || playback_ended(p) || since <= 0)
        return false;
    if (by > (double)(p->length_us - p->at_us))
        feed_to(p, p->length_us, false);
    else
        feed_to(p, p->at_us + (int64_t)by, false);
    return true;
}

/* The event that moving by one of those that count leads to; -1 = there is none. */
static int find_event(const struct playback *p, bool (*counts)(const struct recorded *, int),
                      int arg, int by)
{
    const struct recording *r = p->recording;

    if (by > 0) {
        for (int i = p->next; i < r->n; i++)
            if (counts(&r->events[i], arg) && p->play_us[i] > p->at_us)
                return i;
        return -1;
    }
    for (int i = p->next - 1; i >= 0; i--)
        if (counts(&r->events[i], arg) && p->play_us[i] < p->at_us)
            return i;
    return -1;
}

static bool is_kind(const struct recorded *e, int kind)
{
    return (int)e->kind == kind;
}

static bool shows(const struct recorded *e, int arg)
{
    (void)arg;
    return e->kind != RECORDED_BEGIN;
}

static bool go_to(struct playback *p, int event)
{
    if (event >= 0)
        playback_seek(p, p->play_us[event]);
    return event >= 0;
}

bool playback_jump(struct playback *p, enum recorded_kind kind, int by)
{
    return go_to(p, find_event(p, is_kind, (int)kind, by));
}

bool playback_step(struct playback *p, int by)
{
    return go_to(p, find_event(p, shows, 0, by));
}

void playback_note(const struct playback *p, char *dst, size_t size)
{
    const struct recording *r = p->recording;
    char when[40] = "", run[48] = "";
    const char *mark = playback_ended(p) ? "\xe2\x97\xbc end"
                       : p->paused       ? "\xe2\x80\x96 paused"
                                         : "\xe2\x96\xb6";

    clock_iso(p->shown->wall_us, when, sizeof when);
    if (strlen(when) > 19)
        when[19] = '\0';
    if (when[0])
        when[10] = ' ';
    if (r->nruns)
        snprintf(run, sizeof run, "  run %d of %d", p->shown->session.run_number,
                 r->runs[r->nruns - 1].number);
    snprintf(dst, size, "REPLAY %s %gx  %s%s  %d %%", mark, p->speed, when, run,
             p->length_us > 0 ? (int)(100 * p->at_us / p->length_us) : 100);
}
