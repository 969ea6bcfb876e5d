/* dialog_verdict.c - what a round, and what the whole session, has shown. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/graph.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/export.h"

enum { NAME_WIDTH = 14, FIGURE_WIDTH = 24 };

struct interval_row {
    const char *name;
    double tps, sd; /* sd of log TPS; NAN = unknown */
    int runs;
    unsigned style;
};

/* The 95 % interval of an arm's mean on its own, for the eye; the claim rests on the ratio. */
static void arm_bounds(const struct interval_row *row, double *lo, double *hi)
{
    *lo = *hi = NAN;
    if (row->runs >= 2 && isfinite(row->sd)) {
        double half = 2 * row->sd / sqrt(row->runs);
        *lo = row->tps * exp(-half);
        *hi = row->tps * exp(half);
    }
}

static void draw_intervals(struct canvas *c, struct rect r, const struct model *m,
                           const struct interval_row *rows, int n, double target)
{
    struct graph_scale axis = {0};
    double low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++) {
        double lo = 0, hi = 0;
        arm_bounds(&rows[i], &lo, &hi);
        low = fmin(low, isfinite(lo) ? lo : rows[i].tps);
        high = fmax(high, isfinite(hi) ? hi : rows[i].tps);
    }
    if (target > 0)
        high = fmax(high, target);
    graph_scale(&axis, low, high);
    int width = r.w - NAME_WIDTH - FIGURE_WIDTH;
    for (int i = 0; i < n && i < r.h; i++) {
        double lo = 0, hi = 0;
        int y = r.y + i;
        arm_bounds(&rows[i], &lo, &hi);
        canvas_put_cut(c, y, r.x, NAME_WIDTH - 1, STYLE_LABEL, rows[i].name);
        if (width > 8)
            graph_interval(c, y, r.x + NAME_WIDTH, width, pane_graph(m), rows[i].style, &axis, lo,
                           rows[i].tps, hi);
        canvas_printf(c, y, r.x + r.w - FIGURE_WIDTH + 1, FIGURE_WIDTH - 1, STYLE_VALUE,
                      "%7.0f TPS  %d runs", rows[i].tps, rows[i].runs);
    }
    if (target > 0 && n < r.h) {
        canvas_put(c, r.y + n, r.x, NAME_WIDTH - 1, STYLE_LABEL, "target");
        if (width > 8 && pane_graph(m) != GRAPH_WORDS)
            graph_mark(c, r.y + n, r.x + NAME_WIDTH, width, STYLE_WARN, &axis, target);
        canvas_printf(c, r.y + n, r.x + r.w - FIGURE_WIDTH + 1, FIGURE_WIDTH - 1, STYLE_VALUE,
                      "%7.0f TPS", target);
    }
}

static double goal(const struct session *s)
{
    return s->target.tps > 0 ? s->target.tps : s->plan.target_tps;
}

/* "+17.2 % over the start  (95 % interval +13.9 % to +20.4 %)   noise of this machine ±3.1 %" */
static void verdict_text(const struct verdict *v, const char *over, char *dst, size_t size)
{
    char effect[80], ends[64], noise[48] = "", percent[24];
    if (!isfinite(v->ratio)) {
        snprintf(dst, size, "nothing was measured");
        return;
    }
    text_percent(percent, sizeof(percent), v->ratio);
    snprintf(effect, sizeof(effect), "%s over the %s", percent, over);
    text_interval(ends, sizeof(ends), v->ci_lo, v->ci_hi, 1);
    if (isfinite(v->floor) && v->floor > 0)
        snprintf(noise, sizeof(noise), "   noise of this machine \xc2\xb1%.1f %%", v->floor * 100);
    if (isfinite(v->ci_lo) && isfinite(v->ci_hi))
        snprintf(dst, size, "%s  (95 %% interval %s)%s", effect, ends, noise);
    else
        snprintf(dst, size, "%s  (too few runs for an interval)%s", effect, noise);
}

static void say_changes(struct dialog_text *t, const struct round *round)
{
    const struct review *r = &round->review;
    struct buf text = {0};
    for (int i = 0; i < r->n; i++)
        if (round_measured(round, i))
            buf_printf(&text, "%s%s %s \xe2\x86\x92 %s", text.len ? ", " : "",
                       r->lines[i].change.name, r->lines[i].from, r->lines[i].to);
    if (text.len)
        dialog_say(t, STYLE_NORMAL, "changed: %s", buf_text(&text));
    buf_clear(&text);
}

/* What the short runs before the experiment have shown of each alternative. */
static void say_screening(struct dialog_text *t, const struct round *r)
{
    for (int i = 0; i < r->nscreened; i++) {
        const struct race_result *s = &r->screened[i];
        const char *name = r->review.proposal.set_names[i];
        bool in = r->candidate_sets >> i & 1;
        if (isfinite(s->ratio))
            dialog_say(t, in ? STYLE_GOOD : STYLE_LABEL,
                       "screened: %s %+.1f %% in %d short run%s%s", name, (s->ratio - 1) * 100,
                       s->runs, s->runs == 1 ? "" : "s",
                       in       ? ", measured then"
                       : s->out ? ", dropped"
                                : "");
        else if (review_set_rejected(&r->review, i))
            dialog_say(t, STYLE_LABEL, "rejected by you: %s, never in force", name);
        else
            dialog_say(t, STYLE_LABEL, "not screened: %s was not measured", name);
    }
}

/* What s and S would do: the one is minutes of work, the other leaves what nobody has confirmed. */
static void say_end(struct dialog_text *text, const struct model *m)
{
    double confirm = m->fl.now.confirm_s, ablate = m->fl.now.ablate_s;
    char then[80] = "";

    if (m->fl.decision != DECIDE_VERDICT)
        return;
    if (m->fl.now.no_further)
        dialog_say(text, STYLE_VALUE, "No further round: %s. %s", m->fl.now.no_further,
                   confirm > 0 ? "Enter confirms what was kept." : "Enter ends the session.");
    else if (m->session.round.conclusion.next[0])
        dialog_say(text, STYLE_VALUE, "Next: %s.", m->session.round.conclusion.next);
    if (!(confirm > 0)) {
        if (!m->fl.now.no_further)
            dialog_say(text, STYLE_LABEL,
                       "s: no further round. Nothing was kept, so the session ends at once.");
        return;
    }
    if (ablate > 0)
        snprintf(then, sizeof then, ", then which of its changes earn that (about %.0f min)",
                 fmax(1, round(ablate / 60)));
    dialog_say(text, STYLE_LABEL,
               "%s Start and best are measured against each other (about %.0f min)%s, and what "
               "improved is kept. S: it is kept at once, unconfirmed: the evidence says so and "
               "claims nothing.",
               m->fl.now.no_further ? "Enter or s:" : "s: no further round.",
               fmax(1, round(confirm / 60)), then);
}

/* The newest round's place in the history; -1 = it has none. */
static int round_at(const struct session *s)
{
    int last = s->nhistory - 1;
    return last >= 0 && s->history[last].number == s->round.number ? last : -1;
}

/* What the DBA has accepted and nothing was measured of, each with the reason. */
static void say_not_tried(struct dialog_text *t, const struct session *s, int at)
{
    const struct round_history *h = at < 0 ? NULL : &s->history[at];
    char why[160];
    bool any = false;
    for (int i = 0; h && i < h->n; i++) {
        if (!past_not_tried(h, i, s->by_hand, why, sizeof why))
            continue;
        if (!any)
            dialog_say(t, STYLE_WARN, "accepted, and not compared:");
        any = true;
        dialog_say(t, STYLE_NORMAL, "  %s %s \xe2\x86\x92 %s: %s", h->changes[i].name,
                   session_first(s, h->changes[i].name),
                   h->changes[i].reset ? "reset" : h->changes[i].value, why);
    }
}

/* A round says what it has added; where that is not the whole, what the best state has come to. */
static void say_in_all(struct dialog_text *t, const struct session *s)
{
    char said[200];
    struct gain g;
    session_gain(s, &g);
    if (g.by == GAIN_UNKNOWN || (g.by == GAIN_ROUND && g.round == s->round.number))
        return;
    gain_said(&g, said, sizeof said);
    dialog_say(t, STYLE_VALUE, "the best state, in all: %s", said);
}

static void say_verdict(struct dialog_text *text, const struct model *m)
{
    const struct round *round = &m->session.round;
    const struct verdict *v = &round->verdict;
    dialog_say(text, round->kept ? STYLE_GOOD : STYLE_NORMAL, "%s",
               round->kept ? "kept: it is in force now"
                           : "not kept: the server is back on the best state measured");
    if (round->veto[0] && !round->kept)
        dialog_say(text, STYLE_BAD, "held back: %s. v keeps it all the same.", round->veto);
    say_in_all(text, &m->session);
    say_changes(text, round);
    say_screening(text, round);
    say_not_tried(text, &m->session, round_at(&m->session));
    dialog_say_statements(text, m, round->number);
    if (isfinite(v->p95_a) && isfinite(v->p95_b))
        dialog_say(text, STYLE_NORMAL, "p95 latency %.1f \xe2\x86\x92 %.1f ms", v->p95_a, v->p95_b);
    if (v->note[0])
        dialog_say(text, STYLE_WARN, "%s", v->note);
    if (round->err.msg[0])
        dialog_say(text, STYLE_BAD, "%s. %s", round->err.msg, round->err.detail);
    dialog_say(text, STYLE_AI, "%s", round->conclusion.text);
    if (round->conclusion.bottleneck[0])
        dialog_say(text, STYLE_VALUE, "bottleneck: %s", round->conclusion.bottleneck);
    say_end(text, m);
}

void dialog_verdict(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor)
{
    enum { WIDTH = 110 };
    const struct session *s = &m->session;
    const struct round *round = &s->round;
    const struct verdict *v = &round->verdict;
    char title[80], effect[200];
    const char *word = v->kind == VERDICT_INCONCLUSIVE ? "no evidence of a difference"
                                                       : verdict_name(v->kind);
    snprintf(title, sizeof(title), "Round %d: %s", round->number, word);
    char round_name[24];
    snprintf(round_name, sizeof(round_name), "round %d", round->number);
    struct interval_row rows[2];
    int n = 0, at = round_at(s);
    struct gain g = {.over_start = round->best.n == 0};
    if (at >= 0)
        session_round_gain(s, at, &g);
    bool first = g.by == GAIN_UNKNOWN ? round->best.n == 0 : g.over_start;
    if (isfinite(v->tps_a)) /* both in turn; the baseline was measured at another time */
        rows[n++] = (struct interval_row){first ? "start" : "best so far", v->tps_a, v->sd_a,
                                          v->runs_a, STYLE_GRAPH2};
    if (isfinite(v->tps_b))
        rows[n++] = (struct interval_row){round_name, v->tps_b, v->sd_b, v->runs_b, STYLE_GRAPH1};
    int plots = n + (goal(s) > 0 ? 1 : 0);
    int lines = dialog_measure(c, (WIDTH < screen.w ? WIDTH : screen.w) - 4, m, say_verdict);
    struct rect in = dialog_open(c, screen, WIDTH, lines + plots + 5, title, m, t);
    verdict_text(v, first ? "start" : "best before it", effect, sizeof(effect));
    canvas_put_cut(c, in.y, in.x, in.w, pane_verdict_style(v->kind) | STYLE_BOLD, effect);
    if (n)
        draw_intervals(c, (struct rect){in.y + 2, in.x, plots, in.w}, m, rows, n, goal(s));
    struct rect rest = {in.y + 3 + plots, in.x, in.h - 3 - plots, in.w};
    dialog_texts(c, rest, m, say_verdict, lines, cursor);
}

static void say_kept(struct dialog_text *t, const struct session *s)
{
    for (int i = 0; i < s->best.n; i++) {
        const struct entry *e = &s->best.entries[i];
        const char *first = session_first(s, e->name);
        dialog_say(t, STYLE_VALUE, "%s  %s%s%s", e->name, first, *first ? " \xe2\x86\x92 " : "",
                   e->present ? e->value : "reset");
    }
}

/* What the ablation has found, a line each. */
static void say_earned(struct dialog_text *t, const struct session *s)
{
    if (s->nearned == 0)
        return;
    dialog_gap(t);
    dialog_say(t, STYLE_HEADING, "what each earned, the others in force");
    for (int i = 0; i < s->nearned; i++) {
        const struct earned *e = &s->earned[i];
        const char *end = e->taken_out ? ": taken out" : e->idle ? ": idle, but it stays" : "";
        unsigned style = e->idle ? STYLE_LABEL : STYLE_VALUE;
        char ends[64];
        text_interval(ends, sizeof(ends), e->lo, e->hi, 1);
        if (isfinite(e->ratio))
            dialog_say(t, style, "%s  %+.1f %% (95 %% interval %s)%s", e->name,
                       (e->ratio - 1) * 100, ends, end);
        else
            dialog_say(t, style, "%s  not measured by itself%s", e->name, end);
    }
}

static bool names_system(const struct arm *a)
{
    for (int i = 0; i < a->n; i++)
        if (os_is(a->entries[i].name))
            return true;
    return false;
}

/* The session's figures, by the one rule: those of the runs that its gain is told by, the baseline while there are none. */
static void say_figures(struct dialog_text *text, const struct session *s)
{
    char said[200], tps[64], source[96];
    struct gain g;
    session_gain(s, &g);
    gain_said(&g, said, sizeof said);
    gain_tps(&g, tps, sizeof tps);
    gain_source(&g, source, sizeof source);
    if (g.by == GAIN_CONFIRMATION) {
        dialog_pair(text, "start and best", STYLE_VALUE, "%s, %s", tps, source);
    } else if (g.by != GAIN_UNKNOWN) {
        dialog_pair(text, "best, in all", STYLE_VALUE, "%s; not confirmed", said);
        dialog_pair(text, "measured", STYLE_VALUE, "%s", tps);
    } else if (isfinite(s->baseline_tps)) {
        dialog_pair(text, "baseline", STYLE_VALUE, "%.0f TPS", s->baseline_tps);
    }
}

static void say_summary(struct dialog_text *text, const struct model *m)
{
    const struct session *s = &m->session;
    const struct verdict *v = &s->final;
    bool asks = m->fl.decision == DECIDE_KEEP, none = session_without_round(s);
    char effect[200];
    verdict_text(v, "start", effect, sizeof(effect));
    if (isfinite(v->ratio))
        dialog_say(text, pane_verdict_style(v->kind) | STYLE_BOLD, "%s: %s", verdict_name(v->kind),
                   effect);
    else if (none)
        dialog_say(text, STYLE_WARN,
                   "No round was measured: the server is as it was, and nothing has failed.");
    else
        dialog_say(text, STYLE_WARN, "Nothing is claimed: no confirmation was measured.");
    if (none && m->fl.now.budget_needed_s > 0)
        dialog_say(text, STYLE_VALUE,
                   "Here a round and its confirmation need a budget of about %.0f min; this one "
                   "was %.3g min. t begins anew: type it in the plan.",
                   ceil(m->fl.now.budget_needed_s / 60), s->plan.budget_s / 60.0);
    dialog_gap(text);
    say_figures(text, s);
    if (goal(s) > 0)
        dialog_pair(text, "target", STYLE_VALUE, "%.0f TPS", goal(s));
    dialog_pair(text, "rounds", STYLE_VALUE, "%d", s->rounds_done);
    if (s->end_reason[0])
        dialog_pair(text, "ended because", STYLE_VALUE, "%s", s->end_reason);
    dialog_gap(text);
    if (s->best.n > 0) {
        dialog_say(text, STYLE_HEADING, "%s",
                   asks && isfinite(m->session.final.ratio) ? "settings that earned it"
                   : asks                 ? "settings of the best round, not confirmed"
                   : model_best_stands(m) ? "settings in force now"
                                          : "settings that were tried; all of them are undone");
        say_kept(text, s);
        say_earned(text, s);
        if (!asks && model_best_stands(m) && !s->origin.reverts)
            dialog_say(
                text, STYLE_LABEL,
                "They stand in postgresql.auto.conf, which wins over every file that Ansible, "
                "Puppet or conf.d manage: /handover moves them.");
        if (!asks && model_best_stands(m) && names_system(&s->best))
            dialog_say(text, STYLE_LABEL,
                       "Those of the operating system (os:) last until its next start: /persist "
                       "keeps them.");
    } else {
        dialog_say(text, STYLE_NORMAL, "%s: the server runs as it did before.",
                   s->nhistory > 0 ? "No change earned its place" : "No change was tried");
    }
    dialog_say_comparison(text, m);
    dialog_say_knee(text, m);
    dialog_say_trades(text, m);
    dialog_gap(text);
    if (asks)
        dialog_say(
            text, STYLE_WARN,
            "Keep what improved (the session is archived), or roll everything back (it failed)?");
    for (int i = 0; i < EXPORT_NAMED; i++)
        if (m->fl.paths[i][0])
            dialog_pair(text, export_kind_at(i)->name, STYLE_VALUE, "%s", m->fl.paths[i]);
}

void dialog_summary(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor)
{
    char title[160];
    snprintf(title, sizeof(title), "%s: %s", m->session.plan.strategy,
             session_without_round(&m->session) ? "no round was made"
             : m->fl.decision != DECIDE_KEEP    ? session_state_name(m->session.state)
             : isfinite(m->session.final.ratio) ? "improved, but below its target"
                                                : "improved, but not confirmed");
    dialog_page(c, screen, 110, title, m, t, say_summary, cursor);
}
