/* anomaly.c - see anomaly.h. */
#include "pgd/telemetry/anomaly.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Sorts the finite ones of v; NAN without any. *n becomes their number. */
static double median(double *v, int *n)
{
    int kept = 0;

    for (int i = 0; i < *n; i++)
        if (isfinite(v[i]))
            v[kept++] = v[i];
    *n = kept;
    if (kept == 0)
        return NAN;
    qsort(v, (size_t)kept, sizeof *v, by_value);
    return kept % 2 ? v[kept / 2] : (v[kept / 2 - 1] + v[kept / 2]) / 2;
}

/* Series that hardly move would make noise look like an event: this is what a person would not call a change. */
static double least_scale(enum metric_id id, double median)
{
    const char *unit = metric_info(id)->unit;
    double least = strcmp(unit, "%") == 0 ? 2 : strcmp(unit, "MB") == 0 ? 16 : 0.5;

    return fmax(least, 0.05 * fabs(median));
}

/* Median and spread of the past, without the newest seconds: they are what is judged. */
static void look_back(struct anomaly_series *a, const struct series *s, enum metric_id id)
{
    double v[ANOMALY_WINDOW + ANOMALY_SECONDS];
    int want = a->age < ANOMALY_WINDOW ? a->age : ANOMALY_WINDOW;
    int n = series_last(s, want + ANOMALY_SECONDS, v) - ANOMALY_SECONDS;

    if (n < ANOMALY_POINTS)
        return;
    a->median = median(v, &n);
    if (n < ANOMALY_POINTS) {
        a->median = NAN;
        return;
    }
    for (int i = 0; i < n; i++)
        v[i] = fabs(v[i] - a->median);
    a->scale = fmax(1.4826 * median(v, &n), least_scale(id, a->median));
}

static void begin_anew(struct anomaly_series *a)
{
    a->age = a->out = a->in = 0;
    a->median = a->scale = NAN;
}

/* Has the level of the last seconds changed with it? */
static bool is_shift(const struct anomaly_series *a, const struct series *s, double *level)
{
    double v[ANOMALY_SHIFT_S];
    int n = series_last(s, ANOMALY_SHIFT_S, v);

    *level = median(v, &n);
    return n >= ANOMALY_SHIFT_S / 2 && fabs(*level - a->median) > ANOMALY_SCORE * a->scale;
}

/* The value of this second. True when there is something to tell. */
static bool judge(struct anomaly_series *a, const struct series *s, double x, int64_t now_us)
{
    struct deviation *d = &a->now;
    double score = fabs(x - a->median) / a->scale, level;

    if (!isfinite(score))
        return false;
    a->out = score > ANOMALY_SCORE ? a->out + 1 : 0;
    a->in = score < ANOMALY_ENDS ? a->in + 1 : 0;
    if (!d->open) {
        if (a->out < ANOMALY_SECONDS)
            return false;
        *d = (struct deviation){.open = true,
                                .from_us = now_us - (ANOMALY_SECONDS - 1) * (int64_t)1000000,
                                .usual = a->median,
                                .seen = x,
                                .score = score};
        return true;
    }
    if (score > d->score) {
        d->score = score;
        d->seen = x;
    }
    if (a->in >= ANOMALY_SECONDS) {
        d->open = false;
        d->until_us = now_us;
        return false;
    }
    if (now_us - d->from_us < ANOMALY_SHIFT_S * (int64_t)1000000 || !is_shift(a, s, &level))
        return false;
    d->shift = true;
    d->seen = level;
    d->open = false;
    begin_anew(a);
    return true;
}

void anomaly_ours(struct anomaly_watch *w, int64_t now_us)
{
    for (int i = 0; i < METRIC_COUNT; i++) {
        begin_anew(&w->of[i]);
        if (w->of[i].now.open)
            w->of[i].now.until_us = now_us;
        w->of[i].now.open = false;
    }
    w->settled_us = now_us + ANOMALY_SETTLE_S * (int64_t)1000000;
    w->ours_us = now_us;
}

uint32_t anomaly_tick(struct anomaly_watch *w, const struct series *series, int64_t now_us)
{
    uint32_t told = 0;

    if (now_us < w->settled_us)
        return 0;
    for (int i = 0; i < METRIC_COUNT; i++)
        w->of[i].age++;
    for (int i = 0; i < ANOMALY_A_TICK; i++) {
        struct anomaly_series *a = &w->of[w->next];
        if (a->age < ANOMALY_POINTS)
            a->median = a->scale = NAN;
        else if (!a->now.open && a->out == 0)
            look_back(a, &series[w->next], (enum metric_id)w->next);
        w->next = (w->next + 1) % METRIC_COUNT;
    }
    for (int i = 0; i < METRIC_COUNT; i++) {
        struct anomaly_series *a = &w->of[i];
        if (a->age >= ANOMALY_POINTS && a->scale > 0 &&
            judge(a, &series[i], series_newest(&series[i]), now_us))
            told |= 1U << i;
    }
    return told;
}
