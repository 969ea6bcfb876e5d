/* What a finished round means: the effect with its interval, what moved with it, where the time
 * goes now, and whether settings can still help; and what to try after the session. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/advice.h"
#include "pgd/agent/bottleneck.h"
#include "pgd/agent/gain.h"
#include "pgd/agent/score.h"
#include "pgd/agent/search.h"
#include "pgd/base/text.h"

/* The candidate's window: of the newest round, when it is the one that is being judged. */
static const struct window *after_window(const struct evidence *e, const struct verdict *v)
{
    if (e->nhistory <= 0)
        return NULL;
    const struct round_history *r = &e->history[e->nhistory - 1];
    bool same = r->verdict.kind == v->kind && r->verdict.ratio == v->ratio;
    return r->window.valid && same ? &r->window : NULL;
}

static void append(char *dst, size_t size, const char *text)
{
    size_t len = strlen(dst);
    say(dst + len, size - len, "%s%s", len ? ", " : "", text);
}

static bool moved(double a, double b, double by)
{
    return fabs(b - a) > by * fmax(fabs(a), 1e-9);
}

/* What differs between the two windows, as "temporary files 4.1 MB/s to 0 B/s". */
static void say_moves(const struct window *a, const struct window *b, char *dst, size_t size)
{
    static const char *const waits[] = {
        "IO:BufFile", "IO:DataFileRead", "IO:WAL", "LWLock:WAL", "IO:DataFileWrite",
        "IPC:",       "Lock:",           "CPU"};
    char one[120];
    dst[0] = '\0';
    if (moved(a->temp_bytes / a->secs, b->temp_bytes / b->secs, 0.2)) {
        SAY(one, "temporary files %s/s to %s/s", size_figure(a->temp_bytes / a->secs).text,
            size_figure(b->temp_bytes / b->secs).text);
        append(dst, size, one);
    }
    if (fabs(b->hit_ratio - a->hit_ratio) > 0.002) {
        SAY(one, "hit ratio %s to %s", share_figure(a->hit_ratio).text,
            share_figure(b->hit_ratio).text);
        append(dst, size, one);
    }
    if (moved(a->wal_bytes / a->commits, b->wal_bytes / b->commits, 0.1)) {
        SAY(one, "WAL per transaction %s to %s", size_figure(a->wal_bytes / a->commits).text,
            size_figure(b->wal_bytes / b->commits).text);
        append(dst, size, one);
    }
    if (fabs(b->cpu_idle - a->cpu_idle) > 0.05) {
        SAY(one, "idle CPU %s to %s", share_figure(a->cpu_idle).text,
            share_figure(b->cpu_idle).text);
        append(dst, size, one);
    }
    for (size_t i = 0; i < ARRAY_LEN(waits); i++) {
        double x = window_wait(a, waits[i]);
        double y = window_wait(b, waits[i]);
        if (!(fabs(y - x) > 0.05))
            continue;
        SAY(one, "waits %s%s %s to %s", waits[i], waits[i][strlen(waits[i]) - 1] == ':' ? "*" : "",
            share_figure(x).text, share_figure(y).text);
        append(dst, size, one);
    }
}

static void say_verdict(const struct verdict *v, char *dst, size_t size)
{
    char effect[24], lo[24], hi[24];
    const char *word = v->kind == VERDICT_IMPROVED    ? "The change paid"
                       : v->kind == VERDICT_REGRESSED ? "The change cost speed"
                                                      : "No difference was shown";
    if (v->runs_a == 0 || v->runs_b == 0) {
        say(dst, size, "%s: not both sides were measured%s%s.", word, v->note[0] ? "; " : "",
            v->note);
        return;
    }
    text_percent(effect, sizeof effect, v->ratio);
    text_percent(lo, sizeof lo, v->ci_lo);
    text_percent(hi, sizeof hi, v->ci_hi);
    say(dst, size,
        "%s: %.0f against %.0f TPS, %s (95 %% interval %s to %s, noise %s, %d and %d runs%s%s).",
        word, v->tps_b, v->tps_a, effect, lo, hi, share_figure(v->floor).text, v->runs_a, v->runs_b,
        v->note[0] ? "; " : "", v->note);
}

/* What an earlier session found out about a change of the round that was judged. */
static void say_last_time(const struct evidence *e, char *dst, size_t size)
{
    const struct round_history *r = e->nhistory > 0 ? &e->history[e->nhistory - 1] : NULL;

    dst[0] = '\0';
    for (int i = 0; i < e->nremembered; i++) {
        const struct remembered *was = &e->remembered[i];
        for (int k = 0; r && k < r->n && k < CHANGES_MAX; k++)
            if (strcmp(r->changes[k].name, was->name) == 0 &&
                strcmp(r->changes[k].value, was->value) == 0) {
                say(dst, size, " Last time %s = %s %s %+.1f %%.", was->name, was->value,
                    was->earned ? "earned" : "was not worth its", (was->ratio - 1) * 100);
                return;
            }
    }
}

void builtin_analyze(const struct evidence *e, const struct verdict *v, struct conclusion *out)
{
    struct sense s;
    struct proposal next;
    char verdict[420];
    char moves[300] = "";
    char score[320];
    char last_time[160];
    memset(out, 0, sizeof *out);
    SAY(out->advisor.text, "builtin");
    sense_init(&s, e);
    const struct window *after = after_window(e, v);
    const struct window *before = e->best && e->best->valid && v->kind != VERDICT_IMPROVED
                                      ? e->best
                                      : e->base;
    if (!after && v->kind == VERDICT_IMPROVED)
        after = e->best;
    say_verdict(v, verdict, sizeof verdict);
    if (after && before && after != before && after->valid && before->valid)
        say_moves(before, after, moves, sizeof moves);
    builtin_next_round(e, &next);
    score_text(e, score, sizeof score);
    bottleneck_text(&s, out->bottleneck, sizeof out->bottleneck);
    say_last_time(e, last_time, sizeof last_time);
    out->stop = next.nothing_left;
    if (!next.nothing_left)
        SAY(out->next, "%s = %s%s, because %s", next.changes[0].name, next.changes[0].value,
            next.n > 1 ? " and others" : "", next.changes[0].evidence);
    SAY(out->text, "%s%s%s%s%s%s%s%s%s%s", verdict, last_time, moves[0] ? " What moved: " : "",
        moves, moves[0] ? "." : "", score[0] ? " Predictions: " : "", score, score[0] ? "." : "",
        next.nothing_left ? " " : "", next.nothing_left ? next.summary : "");
}

static void offer(struct next_strategies *out, const char *name, const char *title, const char *why,
                  const char *expects)
{
    if (out->n == (int)ARRAY_LEN(out->offers))
        return;
    struct strategy_offer *o = &out->offers[out->n++];
    SAY(o->name, "%s", name);
    SAY(o->title, "%s", title);
    SAY(o->why, "%s", why);
    SAY(o->expects, "%s", expects);
}

static double worst_misestimate(const struct sense *s, const struct plan_facts **which)
{
    double worst = 0;
    for (int i = 0; i < s->e->nplans; i++) {
        if (s->e->plans[i].valid && s->e->plans[i].worst_misestimate > worst) {
            worst = s->e->plans[i].worst_misestimate;
            *which = &s->e->plans[i];
        }
    }
    return worst;
}

static int improved_rounds(const struct evidence *e)
{
    int n = 0;
    for (int i = 0; i < e->nhistory; i++)
        n += e->history[i].kept;
    return n;
}

/* "2 of 3 rounds paid, +148.1 % over the start. " */
static void say_paid(const struct evidence *e, char *dst, size_t size)
{
    struct gain_basis b;
    struct gain g;
    char words[80];
    gain_basis(e, &b);
    gain_of_best(&b, &g);
    gain_words(&g, words, sizeof words);
    say(dst, size, "%d of %d rounds paid%s%s. ", improved_rounds(e), e->nhistory,
        *words ? ", " : "", words);
}

/* What settings cannot mend, as far as the text has room; the rest is counted. */
static void append_advice(const struct evidence *e, char *dst, size_t size)
{
    struct advice all[ADVICE_MAX];
    int n = advice_collect(e, all, ADVICE_MAX);
    char one[900];
    for (int i = 0; i < n; i++) {
        size_t len = strlen(dst);
        SAY(one, "%s %s: %s (%s)",
            i ? ";" : " Beyond settings, for you to review:", advice_kind_name(all[i].kind),
            all[i].statement, all[i].evidence);
        if (len + strlen(one) + 40 >= size) {
            say(dst + len, size - len, "%s %d more", i ? ";" : " Beyond settings:", n - i);
            break;
        }
        say(dst + len, size - len, "%s", one);
    }
}

void builtin_next_strategies(const struct evidence *e, struct next_strategies *out)
{
    struct sense s;
    struct candidates all;
    struct first_sight sight;
    struct proposal next;
    char bottleneck[200];
    char paid[160] = "";
    char score[320];
    char why[400];
    const struct plan_facts *bad = NULL;
    memset(out, 0, sizeof *out);
    SAY(out->advisor.text, "builtin");
    sense_init(&s, e);
    rules_collect(&s, &all);
    builtin_first_sight(e, &sight);
    builtin_next_round(e, &next);
    bottleneck_text(&s, bottleneck, sizeof bottleneck);
    score_text(e, score, sizeof score);
    if (isfinite(e->baseline_tps) && e->nhistory > 0)
        say_paid(e, paid, sizeof paid);
    SAY(out->text, "%sNow %s.%s%s%s %s", paid, bottleneck, score[0] ? " Predictions: " : "", score,
        score[0] ? "." : "",
        next.nothing_left ? next.summary : "There is evidence that no round has used yet.");
    append_advice(e, out->text, sizeof out->text);
    if (!next.nothing_left) {
        SAY(why, "%s = %s is still open: %s", next.changes[0].name, next.changes[0].value,
            next.changes[0].evidence);
        offer(out, "Continue", "Go on with what was measured and not yet tried", why,
              "What the open evidence allows.");
    }
    if (all.withheld > 0) {
        SAY(why, "%s = %s: %s", all.held.name, all.held.value, all.held.evidence);
        offer(out, "WithRestart", "The same with a restart allowed", why,
              "A short interruption for a change that needs one.");
    }
    if (worst_misestimate(&s, &bad) > 10) {
        SAY(why, "The planner is wrong by a factor of %.0f in: %s", worst_misestimate(&s, &bad),
            bad->query);
        offer(out, "Statistics", "Better estimates: ANALYZE and finer statistics", why,
              "Other plans for that statement.");
    }
    const char *done = e->plan ? e->plan->strategy : "";
    for (int i = 0; i < sight.nstrategies; i++) {
        const struct strategy_offer *o = &sight.strategies[i];
        if (strcmp(o->name, done) == 0)
            continue;
        SAY(why, "From the server's own counters, for another workload: %s", o->why);
        offer(out, o->name, o->title, why, o->expects);
    }
}
