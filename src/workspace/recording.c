/* recording.c - see recording.h: the container, and a session's runs, journal and words as one sequence of events. The readers of the
 * files are in recording_read.c.
 *
 * Only runs and switches have a time of their own. What stands between them in the journal (a checkpoint, and with it a verdict)
 * happened after what stands before it: it gets that time. */
#include "pgd/workspace/recording.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/base/text.h"

enum { SECOND_US = 1000000 };

const char *recorded_kind_name(enum recorded_kind k)
{
    static const char *const names[] = {
        [RECORDED_BEGIN] = "begin",     [RECORDED_PHASE] = "phase",
        [RECORDED_RUN] = "run",         [RECORDED_SECOND] = "second",
        [RECORDED_RAN] = "ran",         [RECORDED_SAMPLE] = "sample",
        [RECORDED_SWITCH] = "switch",   [RECORDED_BASELINE] = "baseline",
        [RECORDED_VERDICT] = "verdict", [RECORDED_SAID] = "said",
        [RECORDED_GAP] = "gap",         [RECORDED_END] = "end",
    };
    return names[k];
}

struct recording *recording_new(const char *name)
{
    struct recording *r = xcalloc(1, sizeof *r);

    text_copy(r->name, sizeof r->name, name);
    return r;
}

void recording_free(struct recording *r)
{
    if (!r)
        return;
    for (int i = 0; i < r->nruns; i++) {
        free(r->runs[i].tps_s);
        free(r->runs[i].latency_s);
        free(r->runs[i].samples);
    }
    free(r->runs);
    for (int i = 0; i < r->nsteps; i++)
        free(r->steps[i].text);
    free(r->steps);
    for (int i = 0; i < r->n; i++) {
        free(r->events[i].figures);
        free(r->events[i].waits);
        free(r->events[i].text);
    }
    free(r->events);
    if (r->session)
        session_reset(r->session);
    free(r->session);
    free(r);
}

void recording_problem(struct recording *r, const char *what, const struct err *e)
{
    struct err *p = &r->problems[r->nproblems];

    if (r->nproblems++ >= RECORDING_PROBLEMS)
        return;
    *p = *e;
    if (!strstr(p->msg, what))
        err_set(p, e->code, "%s: %s", what, e->msg);
    if (!p->detail[0])
        err_detail(p, "%s", e->detail);
    if (!p->hint[0])
        err_hint(p, "%s", "The file is left as it is; what else was recorded is played.");
}

struct recorded_run *recording_run(struct recording *r, int number)
{
    int at = r->nruns;

    while (at > 0 && r->runs[at - 1].number > number)
        at--;
    if (at > 0 && r->runs[at - 1].number == number)
        return &r->runs[at - 1];
    if (r->nruns == RECORDING_RUNS || number < 1)
        return NULL;
    if (r->nruns == r->cap_runs) {
        r->cap_runs = r->cap_runs ? 2 * r->cap_runs : 64;
        r->runs = xrealloc(r->runs, (size_t)r->cap_runs * sizeof *r->runs);
    }
    memmove(r->runs + at + 1, r->runs + at, (size_t)(r->nruns - at) * sizeof *r->runs);
    r->runs[at] = (struct recorded_run){.number = number, .tps = NAN, .p95_ms = NAN};
    r->nruns++;
    return &r->runs[at];
}

struct recorded *recording_add(struct recording *r, enum recorded_kind kind, int64_t at_us)
{
    struct recorded *e;

    if (r->n == RECORDING_EVENTS)
        return NULL;
    r->events = xgrow(r->events, &r->cap, (size_t)r->n + 1, sizeof *r->events);
    e = &r->events[r->n++];
    *e = (struct recorded){.at_us = at_us, .kind = kind, .tps = NAN, .latency_ms = NAN};
    return e;
}

/* ---- a session in order ---- */

struct order {
    struct recording *r;
    int64_t clock_us;       /* nothing new is earlier */
    int64_t last_sample_us; /* neighbouring runs have seconds in common */
    enum flow_state phase;
    int round;   /* number; 0 = none */
    int history; /* rounds that have their verdict */
    bool begun;  /* the phase was told */
    int steps;   /* since the last checkpoint */
};

static struct recorded *add(struct order *o, enum recorded_kind kind, int64_t at_us)
{
    struct recorded *e = recording_add(o->r, kind, at_us);

    if (e) {
        e->phase = o->phase;
        e->round = o->round;
    }
    return e;
}

static void say(struct order *o, enum chat_kind said, const char *who, const char *text)
{
    struct recorded *e = *text ? add(o, RECORDED_SAID, o->clock_us) : NULL;
    struct buf line = {0};

    if (!e)
        return;
    if (*who)
        buf_printf(&line, "[%s] ", who);
    buf_puts(&line, text);
    e->said = said;
    e->text = buf_take(&line);
}

/* What was proposed for the round that begins. */
static void say_proposal(struct order *o, const struct round_history *h)
{
    struct buf text = {0};

    buf_printf(&text, "round %d tries:", h->number);
    for (int i = 0; i < h->n; i++) {
        const struct setting_change *c = &h->changes[i];
        if (!(h->measured >> i & 1) && !h->failed)
            continue;
        buf_printf(&text, "\n%s %s. %s", c->name, c->reset ? "reset" : c->value, c->why);
        if (c->evidence[0])
            buf_printf(&text, " (%s)", c->evidence);
    }
    if (past_sets_of(h, SET_SCREENED) > 0)
        buf_printf(&text, "\n(alternatives screened: %d)", past_sets_of(h, SET_SCREENED));
    if (past_sets_of(h, SET_TURNED_DOWN) > 0)
        buf_printf(&text, "\n(alternatives rejected: %d)", past_sets_of(h, SET_TURNED_DOWN));
    say(o, CHAT_AI, "", buf_text(&text));
    buf_clear(&text);
}

/* A run of a round that the journal tells no end of: its label says which. */
static int round_of_label(const char *arm)
{
    int number = 0;

    if (strncmp(arm, "round ", 6) == 0)
        for (const char *p = arm + 6; *p >= '0' && *p <= '9' && number < 1000; p++)
            number = 10 * number + (*p - '0');
    return number;
}

/* The steps up to the next checkpoint belong together: what they are. */
static enum flow_state phase_of(const struct order *o, int step, int *round)
{
    const struct session *s = o->r->session;
    enum flow_state phase = FLOW_CONFIRM;

    *round = 0;
    if (o->phase == FLOW_BASELINE)
        return FLOW_BASELINE;
    if (o->history < s->nhistory) {
        *round = s->history[o->history].number;
        return FLOW_ROUND;
    }
    for (int i = step; i < o->r->nsteps && o->r->steps[i].kind != STEP_OF_CHECKPOINT; i++) {
        struct recorded_run *run = o->r->steps[i].kind == STEP_OF_RUN
                                       ? recording_run(o->r, o->r->steps[i].run)
                                       : NULL;
        if (!run)
            continue;
        if (round_of_label(run->arm) > s->rounds_done) {
            *round = round_of_label(run->arm);
            return FLOW_ROUND;
        }
        if (strcmp(run->arm, "defaults") == 0 || strcmp(run->arm, "pgtune") == 0)
            phase = FLOW_COMPARE;
        if (strncmp(run->arm, "without ", 8) == 0)
            phase = FLOW_ABLATE;
        if (strncmp(run->arm, "with ", 5) == 0)
            phase = FLOW_TRADE;
        if (strcmp(run->arm, "sweep of clients") == 0)
            phase = FLOW_KNEE;
    }
    return phase;
}

static void begin_phase(struct order *o, int step)
{
    const struct session *s = o->r->session;
    int round;
    enum flow_state phase = phase_of(o, step, &round);

    if (o->begun && phase == o->phase && round == o->round)
        return;
    o->begun = true;
    o->phase = phase;
    o->round = round;
    (void)add(o, RECORDED_PHASE, o->clock_us);
    if (phase == FLOW_ROUND && o->history < s->nhistory)
        say_proposal(o, &s->history[o->history]);
}

static void put_samples(struct order *o, const struct recorded_run *run, int64_t start_us)
{
    for (int i = 0; i < run->nsamples; i++) {
        int64_t at = start_us + (int64_t)i * SECOND_US;
        struct recorded *e = at >= o->last_sample_us + SECOND_US / 2 ? add(o, RECORDED_SAMPLE, at)
                                                                     : NULL;
        if (!e)
            continue;
        o->last_sample_us = at;
        e->run = run->number;
        e->figures = xmalloc(METRIC_COUNT * sizeof *e->figures);
        memcpy(e->figures, run->samples + (size_t)i * METRIC_COUNT,
               METRIC_COUNT * sizeof *e->figures);
    }
}

static void put_run(struct order *o, int index)
{
    const struct recorded_run *run = &o->r->runs[index];
    const struct session *s = o->r->session;
    int64_t start = run->start_us > o->clock_us ? run->start_us : o->clock_us;
    int seconds = run->nseconds > s->plan.duration_s || !run->valid ? run->nseconds
                                                                    : s->plan.duration_s;
    struct recorded *e = add(o, RECORDED_RUN, start);

    if (e) {
        e->run = run->number;
        e->at = index;
    }
    for (int i = 0; i < run->nseconds; i++) {
        e = add(o, RECORDED_SECOND, start + (int64_t)(i + 1) * SECOND_US);
        if (!e)
            return;
        e->run = run->number;
        e->at = index;
        e->tps = (double)run->tps_s[i];
        e->latency_ms = (double)run->latency_s[i];
    }
    put_samples(o, run, start);
    o->clock_us = start + (int64_t)(seconds > 0 ? seconds : 1) * SECOND_US + SECOND_US / 10;
    e = add(o, RECORDED_RAN, o->clock_us);
    if (e) {
        e->run = run->number;
        e->at = index;
        e->tps = run->tps;
    }
}

static void put_verdict(struct order *o)
{
    const struct session *s = o->r->session;
    struct recorded *e;

    if (o->history == s->nhistory)
        return;
    o->round = s->history[o->history].number;
    e = add(o, RECORDED_VERDICT, o->clock_us);
    if (e)
        e->at = o->history;
    if (e)
        e->tps = s->history[o->history].verdict.tps_b;
    say(o, CHAT_AI, s->said[o->history].advisor.text, s->said[o->history].text);
    o->history++;
    o->begun = false;
}

static void put_baseline(struct order *o)
{
    const struct session *s = o->r->session;
    struct recorded *e = add(o, RECORDED_BASELINE, o->clock_us);

    if (e)
        e->tps = s->baseline_tps;
    if (s->target.tps > 0) {
        char tps[48];
        snprintf(tps, sizeof tps, "target %.0f TPS. ", s->target.tps);
        struct buf text = {0};
        buf_printf(&text, "%s%s", tps, s->target.why);
        say(o, CHAT_AI, s->target.advisor.text, buf_text(&text));
        buf_clear(&text);
    }
    o->phase = FLOW_ROUND;
    o->begun = false;
}

static void put_checkpoint(struct order *o, const char *what)
{
    if (strcmp(what, "baseline") == 0 && o->phase == FLOW_BASELINE)
        put_baseline(o);
    else if (strcmp(what, "round") == 0 && o->steps > 0) /* a lifted veto writes another one */
        put_verdict(o);
    else if (strcmp(what, "paused") == 0)
        say(o, CHAT_EVENT, "", "the session was paused here");
    o->begun = o->begun && strcmp(what, "paused") != 0 && strcmp(what, "comparison") != 0 &&
               strcmp(what, "durability") != 0;
    o->steps = 0;
}

static void put_step(struct order *o, int i)
{
    const struct recorded_step *step = &o->r->steps[i];

    if (step->kind == STEP_OF_CHECKPOINT) {
        put_checkpoint(o, step->what);
        return;
    }
    begin_phase(o, i);
    o->steps++;
    if (step->kind == STEP_OF_SWITCH) {
        struct recorded *e = add(o, RECORDED_SWITCH, o->clock_us);
        if (e)
            e->text = xstrdup(step->text);
        return;
    }
    struct recorded_run *run = recording_run(o->r, step->run);
    if (run)
        put_run(o, (int)(run - o->r->runs));
}

static void put_begin(struct order *o)
{
    const struct session *s = o->r->session;
    struct buf text = {0};

    (void)add(o, RECORDED_BEGIN, o->clock_us);
    buf_printf(&text, "%s%s%s", s->sight.headline, s->sight.summary[0] ? "\n" : "",
               s->sight.summary);
    say(o, CHAT_AI, s->sight.advisor.text, buf_text(&text));
    buf_clear(&text);
    buf_printf(&text, "%s: %s", s->plan.strategy, s->plan.hypothesis);
    say(o, CHAT_AI, "", buf_text(&text));
    buf_clear(&text);
}

static void put_end(struct order *o)
{
    const struct session *s = o->r->session;

    if (o->last_sample_us > o->clock_us) /* the server was looked at a little longer than it ran */
        o->clock_us = o->last_sample_us;
    if (o->phase == FLOW_BASELINE && isfinite(s->baseline_tps))
        put_baseline(o); /* the journal lacks it */
    while (o->history < s->nhistory)
        put_verdict(o);
    o->phase = s->state == SESSION_PAUSED || s->state == SESSION_ACTIVE ? FLOW_PAUSED
                                                                        : FLOW_SUMMARY;
    o->round = 0;
    struct recorded *e = add(o, RECORDED_END,
                             s->ended_wall_us > o->clock_us ? s->ended_wall_us : o->clock_us);
    if (e)
        e->tps = s->best_tps;
}

/* Runs whose journal line is lost, but whose files are there, come in the order of their numbers. */
static void put_steps(struct order *o)
{
    const struct recording *r = o->r;
    int next = 0;

    for (int i = 0; i < r->nsteps; i++) {
        for (; r->steps[i].kind == STEP_OF_RUN && next < r->nruns &&
               r->runs[next].number < r->steps[i].run;
             next++)
            if (!r->runs[next].known)
                put_run(o, next);
        put_step(o, i);
        while (next < r->nruns && r->steps[i].kind == STEP_OF_RUN &&
               r->runs[next].number <= r->steps[i].run)
            next++;
    }
    for (; next < r->nruns; next++)
        if (!r->runs[next].known)
            put_run(o, next);
}

static int earlier(const void *a, const void *b)
{
    const struct recorded *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us < y->at_us ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

void recording_finish(struct recording *r)
{
    struct order o = {.r = r, .phase = FLOW_BASELINE};

    if (r->session) {
        o.clock_us = r->session->created_wall_us > 0 ? r->session->created_wall_us : SECOND_US;
        put_begin(&o);
        put_steps(&o);
        put_end(&o);
    }
    for (int i = 0; i < r->n; i++)
        r->events[i].place = i;
    if (r->n)
        qsort(r->events, (size_t)r->n, sizeof *r->events, earlier);
}
