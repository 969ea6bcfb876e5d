/* recorded.h - series of real runs of one and the same configuration (tests/bench/recorded, made by
 * tests/bench/record_runs.py), and whole sessions that are played from them: baseline and experiment by the program's own
 * code, which gets the recorded runs in the order in which they were made. What is planted in arm B is a factor. */
#pragma once

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/runner/experiment.h"
#include "pgd/runner/stats.h"

enum { RECORDED_RUNS_MAX = 400, RECORDED_SERIES_MAX = 16, BASELINE_RUNS = 4 };

struct recorded {
    char name[32];
    int n;
    struct bench_run runs[RECORDED_RUNS_MAX]; /* tps, p50_ms, p95_ms, p99_ms */
    int nseconds[RECORDED_RUNS_MAX];
    float seconds[RECORDED_RUNS_MAX][64];
};

static bool recorded_line(char *line, struct recorded *all, int *n)
{
    char *field[9] = {0}, *rest = line;
    for (int i = 0; i < 9 && rest; i++)
        field[i] = strsep(&rest, ",\r\n");
    if (!field[8] || !(strtod(field[4], NULL) > 0))
        return false;
    if (*n == 0 || strcmp(all[*n - 1].name, field[0]) != 0) {
        if (*n >= RECORDED_SERIES_MAX)
            return false;
        snprintf(all[(*n)++].name, sizeof all->name, "%s", field[0]);
    }
    struct recorded *r = &all[*n - 1];
    if (r->n >= RECORDED_RUNS_MAX)
        return false;
    int at = r->n++;
    r->runs[at] = (struct bench_run){.valid = true,
                                     .tps = strtod(field[4], NULL),
                                     .p50_ms = strtod(field[5], NULL),
                                     .p95_ms = strtod(field[6], NULL),
                                     .p99_ms = strtod(field[7], NULL),
                                     .transactions = 1e6};
    for (char *s = strtok(field[8], " "); s && r->nseconds[at] < 64; s = strtok(NULL, " "))
        r->seconds[at][r->nseconds[at]++] = (float)strtod(s, NULL);
    return true;
}

/* The series of a file, to be released with free(); *n of them. NULL when it cannot be read. */
static struct recorded *recorded_load(const char *path, int *n)
{
    char line[4096];
    FILE *f = fopen(path, "re");
    *n = 0;
    if (!f)
        return NULL;
    struct recorded *all = calloc(RECORDED_SERIES_MAX, sizeof *all);
    while (all && fgets(line, sizeof line, f))
        recorded_line(line, all, n);
    fclose(f);
    return all;
}

/* One session: which runs of a series it gets, and what is done to them. */
struct recorded_session {
    const struct recorded *series;
    int start, stride; /* the i-th run of the session is number start + i * stride of the series */
    int reach;         /* runs of the series that a session may need */
    double
        sd; /* > 0: its deviations are scaled to this standard deviation of the logarithm; 0 = as recorded */
    double effect; /* planted in arm B, as a ratio */
    enum goal_kind goal;
    int min_runs, max_runs;
};

struct recorded_outcome {
    struct verdict verdict;
    double sd; /* of the logarithms of all runs that the session may have had */
};

static struct bench_run recorded_run(const struct recorded_session *s, int i, double mean,
                                     double scale, double effect)
{
    struct bench_run r = s->series->runs[s->start + i * s->stride];
    double factor = experiment_figure(&r, s->goal);
    factor = exp(mean + (log(factor) - mean) * scale) / factor * effect;
    r.tps *= s->goal == GOAL_TPS ? factor : 1;
    r.p95_ms /= s->goal == GOAL_P95 ? factor : 1;
    r.p99_ms /= s->goal == GOAL_P99 ? factor : 1;
    return r;
}

/* Baseline, then a round as in a session: the real planner, the real verdict. */
static struct recorded_outcome recorded_play(const struct recorded_session *s)
{
    struct recorded_outcome out;
    struct sdl plan = {.duration_s = 10,
                       .warmup_s = 5,
                       .min_runs = s->min_runs,
                       .max_runs = s->max_runs,
                       .goal = s->goal};
    struct experiment x;
    double logs[64];
    int at = 0, n = s->reach < 64 ? s->reach : 64;
    for (int i = 0; i < n; i++)
        logs[i] = log(experiment_figure(&s->series->runs[s->start + i * s->stride], s->goal));
    double mean = stats_mean(logs, n);
    out.sd = stats_sd(logs, n);
    double scale = s->sd > 0 ? s->sd / out.sd : 1;
    experiment_init(&x, EXPERIMENT_AA, &plan, 0, ARM_A);
    experiment_warmed(&x);
    while (at < BASELINE_RUNS) {
        struct bench_run r = recorded_run(s, at++, mean, scale, 1);
        experiment_add(&x, &r);
    }
    experiment_verdict(&x, &out.verdict);
    struct looks_prior prior = experiment_noise(&x);
    experiment_init(&x, EXPERIMENT_ROUND, &plan, out.verdict.floor, ARM_A);
    x.prior = prior;
    for (;;) {
        struct experiment_next next = experiment_next(&x, 1e9);
        if (next.want == EXPERIMENT_FINISHED || at >= s->reach)
            break;
        if (next.want == EXPERIMENT_SWITCH)
            experiment_switched(&x, next.arm, false);
        else if (next.want == EXPERIMENT_WARMUP)
            experiment_warmed(&x);
        else {
            struct bench_run r = recorded_run(s, at++, mean, scale,
                                              next.arm == ARM_B ? s->effect : 1);
            experiment_add(&x, &r);
        }
    }
    experiment_verdict(&x, &out.verdict);
    return out;
}

struct recorded_tally {
    int sessions, improved, regressed, covered, judged, runs[EXPERIMENT_RUNS_MAX / 2 + 1];
    int covered_at[EXPERIMENT_RUNS_MAX / 2 + 1];
    double mean_runs, detectable, sd;
};

/* Sessions from every start of a series, at each stride up to `strides`. */
static void recorded_tally(struct recorded_tally *t, const struct recorded *series, int strides,
                           int step, double sd, double effect, enum goal_kind goal, int max_runs)
{
    int reach = BASELINE_RUNS + 2 * max_runs;
    for (int stride = 1; stride <= strides; stride++)
        for (int start = 0; start + (reach - 1) * stride < series->n; start += step) {
            struct recorded_session s = {series, start, stride, reach,   sd,
                                         effect, goal,  3,      max_runs};
            struct recorded_outcome o = recorded_play(&s);
            const struct verdict *v = &o.verdict;
            int n = v->runs_a < v->runs_b ? v->runs_a : v->runs_b;
            t->sessions++;
            t->improved += v->kind == VERDICT_IMPROVED;
            t->regressed += v->kind == VERDICT_REGRESSED;
            t->mean_runs += n;
            t->sd += o.sd;
            if (n < 3)
                continue;
            bool in = v->ci_lo <= effect && effect <= v->ci_hi;
            t->judged++;
            t->covered += in;
            t->runs[n]++;
            t->covered_at[n] += in;
            t->detectable += v->detectable;
        }
}
