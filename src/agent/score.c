/* Predictions against measurements. A prediction is an interval, and so is a measurement: it held when they meet. Changes that
 * were measured together predicted their product. */
#include "pgd/agent/score.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/search.h"

static double percent(double ratio)
{
    return (ratio - 1) * 100;
}

static bool promises(const struct setting_change *c)
{
    return isfinite(c->expect_lo) && isfinite(c->expect_hi) &&
           !(c->expect_lo == 0 && c->expect_hi == 0);
}

/* The prediction of those lines of a round whose bit is set. */
static bool predict(const struct round_history *r, uint32_t lines, struct prediction *out)
{
    double lo = 1, hi = 1, most = -INFINITY;
    memset(out, 0, sizeof *out);
    out->round = r->number;
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++) {
        const struct setting_change *c = &r->changes[i];
        if (!(lines >> i & 1))
            continue;
        out->changes++;
        if (!promises(c))
            continue;
        lo *= 1 + c->expect_lo / 100;
        hi *= 1 + c->expect_hi / 100;
        if (c->expect_hi > most) {
            most = c->expect_hi;
            SAY(out->rule, "%s", c->rule[0] ? c->rule : c->name);
            SAY(out->setting, "%s", c->name);
        }
    }
    out->lo = percent(lo);
    out->hi = percent(hi);
    return isfinite(most);
}

static bool answer(struct prediction *p, double ratio, double lo, double hi)
{
    if (!isfinite(ratio))
        return false;
    p->measured = percent(ratio);
    p->measured_lo = isfinite(lo) ? percent(lo) : p->measured;
    p->measured_hi = isfinite(hi) ? percent(hi) : p->measured;
    p->held = p->measured_hi >= p->lo && p->measured_lo <= p->hi;
    return true;
}

static uint32_t lines_of_set(const struct round_history *r, int set)
{
    uint32_t lines = 0;
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++)
        if (r->changes[i].sets == 0 || (r->changes[i].sets >> set & 1))
            lines |= UINT32_C(1) << i;
    return lines;
}

static bool candidate(const struct round_history *r, struct prediction *out)
{
    uint32_t lines = 0;
    for (int i = 0; i < r->n && i < CHANGES_MAX; i++)
        if (past_measured(r, i))
            lines |= UINT32_C(1) << i;
    return !r->failed && predict(r, lines, out) &&
           answer(out, r->verdict.ratio, r->verdict.ci_lo, r->verdict.ci_hi);
}

int score_predictions(const struct evidence *e, struct prediction *out, int max)
{
    int n = 0;
    for (int i = 0; i < e->nhistory; i++) {
        const struct round_history *r = &e->history[i];
        struct prediction one;
        bool tried = candidate(r, &one);
        int whole = n;
        if (tried && n < max)
            out[n++] = one;
        for (int set = 0; r->nsets > 1 && set < r->nsets && set < SETS_MAX; set++) {
            const struct race_result *res = &r->sets[set];
            if (!predict(r, lines_of_set(r, set), &one) ||
                !answer(&one, res->ratio, res->lo, res->hi))
                continue;
            one.screened = true;
            /* What went on to the experiment has been answered there, by longer runs. */
            bool same = tried && strcmp(one.setting, out[whole].setting) == 0 &&
                        one.changes == out[whole].changes;
            if (!same && n < max)
                out[n++] = one;
        }
    }
    return n;
}

bool score_last(const struct evidence *e, struct prediction *out)
{
    return e->nhistory > 0 && candidate(&e->history[e->nhistory - 1], out);
}

/* What the figure itself says: only where it lies outside of the prediction its interval is named, the reason for the count. */
static void put_last(const struct prediction *p, char *dst, size_t size)
{
    const char *others = p->changes > 1 ? " and others" : "";

    if (p->measured >= p->lo && p->measured <= p->hi)
        say(dst, size, "rule %s%s: predicted %+.0f to %+.0f %%, measured %+.1f %%, as predicted; ",
            p->rule, others, p->lo, p->hi, p->measured);
    else
        say(dst, size,
            "rule %s%s: predicted %+.0f to %+.0f %%, measured %+.1f %%, %s than predicted (the "
            "measured interval %+.1f to %+.1f %% %s it); ",
            p->rule, others, p->lo, p->hi, p->measured, p->measured > p->hi ? "more" : "less",
            p->measured_lo, p->measured_hi, p->held ? "meets" : "does not meet");
}

void score_text(const struct evidence *e, char *dst, size_t size)
{
    struct prediction all[SCORES_MAX], last;
    int n = score_predictions(e, all, SCORES_MAX), held = 0;
    dst[0] = '\0';
    for (int i = 0; i < n; i++)
        held += all[i].held;
    if (n == 0)
        return;
    if (score_last(e, &last))
        put_last(&last, dst, size);
    size_t len = strlen(dst);
    say(dst + len, size - len, "%d of %d prediction%s met by the measured interval", held, n,
        n == 1 ? "" : "s");
}

void score_by_rule(const struct evidence *e, char *dst, size_t size)
{
    struct prediction all[SCORES_MAX];
    int n = score_predictions(e, all, SCORES_MAX);

    dst[0] = '\0';
    for (int i = 0; i < n; i++) {
        int of = 0, held = 0, before = 0;
        for (int k = 0; k < n; k++) {
            bool same = strcmp(all[k].rule, all[i].rule) == 0;
            before += same && k < i;
            of += same;
            held += same && all[k].held;
        }
        size_t len = strlen(dst);
        if (before == 0 && len + sizeof all[i].rule + 24 < size) /* whole entries only */
            say(dst + len, size - len, "%s%s %d of %d", len ? ", " : "",
                all[i].rule[0] ? all[i].rule : "an idea", held, of);
    }
}
