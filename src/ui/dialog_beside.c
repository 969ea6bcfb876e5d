/* dialog_beside.c - what was measured beside the total, for the verdict, the summary and the pane of rounds: statements and
 * plans, the comparison as bars, the sweep of clients. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/pane.h"

enum { BAR = 28, STATEMENTS_TOLD = 6 };

/* A bar of so many columns, without a graph's axes: figures stand beside it. */
static void bar_text(const struct model *m, double share, char *dst, size_t size)
{
    bool ascii = pane_graph(m) == GRAPH_ASCII;
    int n = share > 0 ? (int)(share * BAR + 0.5) : 0;
    struct buf text = {0};

    for (int i = 0; i < BAR; i++)
        buf_puts(&text, i >= n || n > BAR ? " " : ascii ? "#" : "\xe2\x96\x88");
    text_copy(dst, size, buf_text(&text));
    buf_clear(&text);
}

void dialog_say_statements(struct dialog_text *t, const struct model *m, int round)
{
    const struct by_statement *b = &m->session.beside.latest;
    struct buf text = {0};
    int told = 0;

    if (b->round != round || (b->s.n == 0 && b->nflips == 0))
        return;
    for (int i = 0; i < b->s.n && told < STATEMENTS_TOLD; i++) {
        const struct statement_verdict *v = &b->s.items[i];
        if (v->cls == STATEMENT_UNDECIDED)
            continue;
        beside_statement_text(v, &text);
        dialog_say(t,
                   v->veto                      ? STYLE_BAD
                   : v->cls == STATEMENT_SLOWER ? STYLE_WARN
                                                : STYLE_GOOD,
                   "%s", buf_text(&text));
        text.len = 0;
        told++;
    }
    if (told == 0)
        dialog_say(t, STYLE_LABEL, "no single %s is faster or slower with evidence (%d tested)",
                   b->s.by_statement ? "statement" : "script", b->s.tested);
    for (int i = 0; i < b->nflips; i++)
        dialog_say(t, STYLE_NORMAL, "plan of %s: %s", b->flips[i].where, b->flips[i].what);
    buf_clear(&text);
}

static double highest(const struct model *m)
{
    const struct comparison *c = &m->session.beside.comparison;
    double most = m->session.target.tps > 0 ? m->session.target.tps : 0;

    for (int i = 0; i < c->n; i++)
        if (isfinite(c->arms[i].tps))
            most = fmax(most, c->arms[i].tps);
    return most;
}

int dialog_comparison_rows(const struct model *m)
{
    const struct comparison *c = &m->session.beside.comparison;

    return c->n == 0 || !(highest(m) > 0) || !isfinite(c->arms[0].tps)
               ? 0
               : c->n + (m->session.target.tps > 0);
}

void dialog_comparison_row(const struct model *m, int row, char *dst, size_t size)
{
    const struct comparison *c = &m->session.beside.comparison;
    const struct compared_arm *a = row < c->n ? &c->arms[row] : NULL;
    double tps = a ? a->tps : m->session.target.tps;
    char bar[BAR * 4], effect[24] = "";

    bar_text(m, isfinite(tps) ? tps / highest(m) : 0, bar, sizeof bar);
    if (a && row > 0 && isfinite(a->ratio))
        text_percent(effect, sizeof effect, a->ratio);
    if (!isfinite(tps))
        snprintf(dst, size, "%-9s %s not measured", a ? a->name : "target", bar);
    else
        snprintf(dst, size, "%-9s %s %.0f TPS  %s", a ? a->name : "target", bar, tps, effect);
}

void dialog_say_comparison(struct dialog_text *t, const struct model *m)
{
    const struct comparison *c = &m->session.beside.comparison;
    int rows = dialog_comparison_rows(m);
    char text[200];

    if (rows > 0) {
        dialog_gap(t);
        dialog_say(t, STYLE_HEADING,
                   "compared in turn, for the eye: the claim is the figure above");
    }
    for (int i = 0; i < rows; i++) {
        dialog_comparison_row(m, i, text, sizeof text);
        dialog_say(t, i == c->n ? STYLE_WARN : STYLE_VALUE, "%s", text);
    }
    for (int i = 0; i < c->n; i++)
        if (c->arms[i].left_out[0])
            dialog_say(t, STYLE_LABEL, "not in %s: %s", c->arms[i].name, c->arms[i].left_out);
    if (c->skipped[0])
        dialog_say(t, STYLE_LABEL, "comparison: %s", c->skipped);
}

void dialog_say_knee(struct dialog_text *t, const struct model *m)
{
    const struct beside *b = &m->session.beside;
    double most = 0;
    char bar[BAR * 4];

    if (b->knee_said[0])
        dialog_gap(t);
    for (int i = 0; i < b->knee.n; i++)
        most = b->knee.points[i].valid ? fmax(most, b->knee.points[i].tps) : most;
    for (int i = 0; i < b->knee.n; i++) {
        const struct knee_point *p = &b->knee.points[i];
        bar_text(m, p->valid && most > 0 ? p->tps / most : 0, bar, sizeof bar);
        if (p->valid)
            dialog_say(t, STYLE_VALUE, "%4d clients %s %.0f TPS  p99 %.1f ms", p->clients, bar,
                       p->tps, p->p99_ms);
        else
            dialog_say(t, STYLE_BAD, "%4d clients: the run failed", p->clients);
    }
    if (b->knee_said[0])
        dialog_say(t, STYLE_AI, "clients: %s", b->knee_said);
}

void dialog_say_trades(struct dialog_text *t, const struct model *m)
{
    const struct beside *b = &m->session.beside;
    struct buf text = {0};

    if (b->ntrades > 0 || b->trades_skipped[0]) {
        dialog_gap(t);
        dialog_say(t, STYLE_HEADING, "durability trades: measured apart, none is in force");
    }
    for (int i = 0; i < b->ntrades; i++) {
        text.len = 0;
        trade_text(&b->trades[i], &text);
        dialog_say(t, b->trades[i].skipped[0] ? STYLE_LABEL : STYLE_WARN, "%s", buf_text(&text));
    }
    if (b->trades_skipped[0])
        dialog_say(t, STYLE_LABEL, "not measured: %s", b->trades_skipped);
    buf_clear(&text);
}
