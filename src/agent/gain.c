/* gain.c - see gain.h. Nothing is measured or decided here: it is chosen which of the figures at hand is told. */
#include "pgd/agent/gain.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"

void gain_basis(const struct evidence *e, struct gain_basis *b)
{
    *b = (struct gain_basis){.start = e->start_arm,
                             .nhistory = e->nhistory,
                             .history = e->history,
                             .confirmed = e->confirmed,
                             .baseline_tps = e->baseline_tps,
                             .best_tps = e->best_tps,
                             .goal = e->plan ? e->plan->goal : GOAL_TPS};
}

static void unknown(struct gain *g)
{
    *g = (struct gain){.kind = VERDICT_NONE,
                       .ratio = NAN,
                       .lo = NAN,
                       .hi = NAN,
                       .tps_before = NAN,
                       .tps_after = NAN};
}

static void from_verdict(struct gain *g, enum gain_by by, const struct verdict *v)
{
    unknown(g);
    g->by = by;
    g->kind = v->kind;
    g->ratio = v->ratio;
    g->lo = v->ci_lo;
    g->hi = v->ci_hi;
    g->tps_before = v->tps_a > 0 ? v->tps_a : NAN;
    g->tps_after = v->tps_b > 0 ? v->tps_b : NAN;
    g->runs_before = v->runs_a;
    g->runs_after = v->runs_b;
}

static bool measured(const struct verdict *v)
{
    return v && v->kind != VERDICT_NONE && isfinite(v->ratio) && v->ratio > 0;
}

/* As far as a file keeps its digits. */
static bool same(double x, double y)
{
    return fabs(x / y - 1) < 1e-6;
}

static bool kept(const struct round_history *h)
{
    return h->kept && !h->failed;
}

/* Where the history begins to count: after the repair that made the start anew, whose runs have become the baseline. -1: that
 * round is not there. */
static int first_round(const struct gain_basis *b)
{
    if (!b->start || b->start->n == 0)
        return 0;
    for (int i = b->nhistory - 1; i >= 0; i--) {
        const struct round_history *h = &b->history[i];
        if (kept(h) && same(h->verdict.tps_b, b->baseline_tps))
            return i + 1;
    }
    return -1;
}

/* The rounds that were kept among history[from..until). False: one of them has no figure, or there is none. */
static bool chain(const struct gain_basis *b, int from, int until, struct gain *g)
{
    const struct round_history *last = NULL;
    double ratio = 1;
    int n = 0;

    for (int i = from; i < until; i++) {
        const struct round_history *h = &b->history[i];
        if (!kept(h))
            continue;
        if (!measured(&h->verdict))
            return false;
        ratio *= h->verdict.ratio;
        last = h;
        n++;
    }
    if (!last)
        return false;
    from_verdict(g, n == 1 ? GAIN_ROUND : GAIN_ROUNDS, &last->verdict);
    g->round = last->number;
    g->rounds = n;
    g->over_start = true;
    if (n == 1)
        return true;
    g->kind = VERDICT_NONE;
    g->ratio = ratio;
    g->lo = g->hi = g->tps_before = NAN;
    g->runs_before = 0;
    return true;
}

void gain_of_best(const struct gain_basis *b, struct gain *g)
{
    unknown(g);
    if (measured(b->confirmed)) {
        from_verdict(g, GAIN_CONFIRMATION, b->confirmed);
        g->over_start = true;
        return;
    }
    int from = first_round(b);
    if (from >= 0 && chain(b, from, b->nhistory, g))
        return;
    double ratio = b->best_tps / b->baseline_tps;
    if (b->goal != GOAL_TPS) /* a ratio of TPS is none of the goal's figure */
        return;
    if (!(ratio > 0) || !isfinite(ratio) ||
        same(ratio, 1)) /* nothing was kept: best is the baseline */
        return;
    g->by = GAIN_BASELINE;
    g->ratio = ratio;
    g->tps_before = b->baseline_tps;
    g->tps_after = b->best_tps;
    g->over_start = true;
}

void gain_of_round(const struct gain_basis *b, int i, struct gain *g)
{
    const struct round_history *h = &b->history[i];
    struct gain before;
    int from = first_round(b);

    unknown(g);
    if (h->failed || !measured(&h->verdict))
        return;
    from_verdict(g, GAIN_ROUND, &h->verdict);
    g->round = h->number;
    g->rounds = 1;
    /* before a repair, and after it until something was kept, the best was the start of its time */
    g->over_start = !chain(b, from >= 0 && i >= from ? from : 0, i, &before);
}

void gain_source(const struct gain *g, char *dst, size_t size)
{
    switch (g->by) {
    case GAIN_UNKNOWN:
        text_copy_raw(dst, size, "");
        break;
    case GAIN_BASELINE:
        text_copy_raw(dst, size, "the session's baseline, measured at another time");
        break;
    case GAIN_ROUNDS:
        snprintf(dst, size, "%d rounds up to round %d together, each over the best before it",
                 g->rounds, g->round);
        break;
    case GAIN_ROUND:
        snprintf(dst, size, "the runs of round %d", g->round);
        break;
    case GAIN_CONFIRMATION:
        text_copy_raw(dst, size, "fresh runs of both in turn");
        break;
    }
}

void gain_tag(const struct gain *g, char *dst, size_t size)
{
    switch (g->by) {
    case GAIN_UNKNOWN:
        text_copy_raw(dst, size, "");
        break;
    case GAIN_BASELINE:
        text_copy_raw(dst, size, "on baseline");
        break;
    case GAIN_ROUNDS:
        snprintf(dst, size, "by %d rounds", g->rounds);
        break;
    case GAIN_ROUND:
        snprintf(dst, size, "by R%d", g->round);
        break;
    case GAIN_CONFIRMATION:
        text_copy_raw(dst, size, g->kind == VERDICT_IMPROVED ? "confirmed" : "not confirmed");
        break;
    }
}

void gain_words(const struct gain *g, char *dst, size_t size)
{
    char effect[24];

    if (g->by == GAIN_UNKNOWN) {
        text_copy_raw(dst, size, "");
        return;
    }
    text_percent(effect, sizeof effect, g->ratio);
    snprintf(dst, size, "%s over the %s", effect,
             g->by == GAIN_BASELINE ? "baseline"
             : g->over_start        ? "start"
                                    : "best before it");
}

void gain_said(const struct gain *g, char *dst, size_t size)
{
    char words[80], source[96];

    gain_words(g, words, sizeof words);
    gain_source(g, source, sizeof source);
    if (g->by == GAIN_BASELINE)
        snprintf(dst, size, "%s, measured at another time", words);
    else
        snprintf(dst, size, "%s%s%s", words, *words ? ", by " : "", source);
}

void gain_tps(const struct gain *g, char *dst, size_t size)
{
    if (isfinite(g->tps_before) && isfinite(g->tps_after))
        snprintf(dst, size, "%.0f \xe2\x86\x92 %.0f TPS", g->tps_before, g->tps_after);
    else if (isfinite(g->tps_after))
        snprintf(dst, size, "%.0f TPS", g->tps_after);
    else
        text_copy_raw(dst, size, "");
}
