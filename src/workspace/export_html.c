/* export_html.c - the report as one page that needs nothing else: tables, and plots as SVG within it.
 *
 * No script, no font, no address: it can be mailed and opened without a network. Text from outside is escaped at the one
 * place where it enters. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/workspace/export_parts.h"

enum { PLOT_W = 720, LABEL_W = 150, ROW_H = 26, SERIES_H = 180 };

static const char style[] =
    "body{font:15px/1.5 "
    "system-ui,sans-serif;color:#1c2733;background:#fff;max-width:60rem;margin:2rem auto;padding:0 "
    "1rem}"
    "h1,h2,h3{line-height:1.2}table{border-collapse:collapse;margin:1rem 0;width:100%}"
    "th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #d9e0e6;vertical-align:top}"
    "td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-family:ui-monospace,"
    "monospace}"
    "svg{max-width:100%;height:auto;font:12px system-ui,sans-serif}.dim{color:#5d6b78}"
    ".a{fill:#8a97a3;stroke:#8a97a3}.b{fill:#1f78b4;stroke:#1f78b4}.good{fill:#2a7f3f;stroke:#"
    "2a7f3f}"
    ".bad{fill:#b3372b;stroke:#b3372b}.none{fill:#8a97a3;stroke:#8a97a3}.axis{stroke:#c3ccd4;fill:"
    "none}"
    "text{fill:#1c2733;stroke:none}@media(prefers-color-scheme:dark){body{background:#11171d;color:"
    "#dbe3ea}"
    "th,td{border-color:#2c3843}text{fill:#dbe3ea}.axis{stroke:#46535f}.dim{color:#9aa8b5}}";

/* Text between tags or in an attribute's quotes. */
static void put(struct buf *out, const char *text)
{
    size_t size = strlen(text) * 3 + 1; /* an invalid byte becomes three */
    char *clean = xmalloc(size);

    text_copy(clean, size, text);
    for (const char *p = clean; *p; p++) {
        switch (*p) {
        case '&':
            buf_puts(out, "&amp;");
            break;
        case '<':
            buf_puts(out, "&lt;");
            break;
        case '>':
            buf_puts(out, "&gt;");
            break;
        case '"':
            buf_puts(out, "&quot;");
            break;
        default:
            buf_putc(out, *p);
        }
    }
    free(clean);
}

static void put_cell(struct buf *out, const char *tag, const char *text)
{
    buf_printf(out, "<td><%s>", tag);
    put(out, text);
    buf_printf(out, "</%s></td>", tag);
}

static void put_effect_cell(struct buf *out, const struct verdict *v)
{
    struct buf text = {0};

    export_effect(v, &text);
    buf_puts(out, "<td>");
    put(out, buf_text(&text));
    buf_puts(out, "</td>");
    buf_clear(&text);
}

static void put_claim_cell(struct buf *out, const struct session *s)
{
    struct buf text = {0};

    export_claim(s, &text);
    buf_puts(out, "<td>");
    put(out, buf_text(&text));
    buf_puts(out, "</td>");
    buf_clear(&text);
}

/* -- plots ------------------------------------------------------------------------------------------------ */

/* A stretch of figures on a stretch of pixels. */
struct scale {
    double lo, hi;
    double from, to;
};

static double at(const struct scale *s, double v)
{
    return s->hi > s->lo ? s->from + (v - s->lo) / (s->hi - s->lo) * (s->to - s->from) : s->from;
}

static void widen(struct scale *s, double v)
{
    if (!isfinite(v))
        return;
    s->lo = fmin(s->lo, v);
    s->hi = fmax(s->hi, v);
}

static void svg_begin(struct buf *out, int w, int h, const char *title)
{
    buf_printf(out, "<svg role=\"img\" viewBox=\"0 0 %d %d\" width=\"%d\"><title>", w, h, w);
    put(out, title);
    buf_puts(out, "</title>\n");
}

/* One row of a plot of intervals: a point with its interval, in percent. */
struct interval {
    char label[64];
    const char *class; /* of the style sheet */
    double mid, lo, hi;
};

static void put_intervals(const struct interval *rows, int n, const char *title, struct buf *out)
{
    struct scale x = {-2, 2, LABEL_W, PLOT_W - 90};
    int h = (n + 1) * ROW_H;

    for (int i = 0; i < n; i++) {
        widen(&x, fmax(rows[i].lo, -100));
        widen(&x, rows[i].hi);
    }
    svg_begin(out, PLOT_W, h, title);
    buf_printf(out, "<line class=\"axis\" x1=\"%.1f\" x2=\"%.1f\" y1=\"4\" y2=\"%d\"/>\n",
               at(&x, 0), at(&x, 0), h - ROW_H + 4);
    buf_printf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">0 %%</text>\n", at(&x, 0),
               h - 6);
    for (int i = 0; i < n; i++) {
        const struct interval *r = &rows[i];
        double y = (i + 0.5) * ROW_H;
        buf_printf(out, "<text x=\"0\" y=\"%.1f\">", y + 4);
        put(out, r->label);
        buf_printf(out,
                   "</text><g class=\"%s\"><line x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" y2=\"%.1f\" "
                   "stroke-width=\"3\"/><circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/></g>"
                   "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%+.1f %%</text>\n",
                   r->class, at(&x, fmax(r->lo, -100)), at(&x, r->hi), y, y, at(&x, r->mid), y,
                   PLOT_W, y + 4, r->mid);
    }
    buf_puts(out, "</svg>\n");
}

static void put_points(const struct bench_run *r, const struct scale *x, const struct scale *y,
                       double from, struct buf *out)
{
    buf_printf(out, "<polyline class=\"%s\" fill=\"none\" style=\"fill:none\" points=\"",
               r->arm ? "b" : "a");
    for (int i = 0; i < r->nseries; i++)
        if (isfinite(r->series[i]))
            buf_printf(out, "%.1f,%.1f ", at(x, from + i), at(y, (double)r->series[i]));
    buf_puts(out, "\"/>\n");
}

/* The runs of an experiment one after the other, second by second; where no second is known, a mark for each run. */
static void put_series(const struct experiment *e, const char *title, struct buf *out)
{
    struct scale x = {0, 0, 60, PLOT_W - 10}, y = {0, 1, SERIES_H - 24, 10};
    double from = 0;
    int runs = 0;

    for (int i = 0; i < e->n; i++) {
        const struct bench_run *r = &e->runs[i];
        if (!r->valid || r->warmup)
            continue;
        runs++;
        x.hi += fmax(r->nseries, 1) + 2;
        widen(&y, r->tps);
        for (int k = 0; k < r->nseries; k++)
            widen(&y, (double)r->series[k]);
    }
    if (runs == 0)
        return;
    svg_begin(out, PLOT_W, SERIES_H, title);
    buf_printf(out,
               "<path class=\"axis\" d=\"M60 10V%dH%d\"/>\n<text x=\"54\" y=\"16\" "
               "text-anchor=\"end\">%.0f</text>"
               "<text x=\"54\" y=\"%d\" text-anchor=\"end\">0</text><text x=\"60\" y=\"%d\">TPS by "
               "the second; "
               "grey: before, blue: after</text>\n",
               SERIES_H - 24, PLOT_W - 10, y.hi, SERIES_H - 24, SERIES_H - 6);
    for (int i = 0; i < e->n; i++) {
        const struct bench_run *r = &e->runs[i];
        if (!r->valid || r->warmup)
            continue;
        put_points(r, &x, &y, from, out);
        buf_printf(out,
                   "<line class=\"%s\" stroke-width=\"2\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%.1f\" "
                   "y2=\"%.1f\"/>\n",
                   r->arm ? "b" : "a", at(&x, from), at(&x, from + fmax(r->nseries, 1)),
                   at(&y, r->tps), at(&y, r->tps));
        from += fmax(r->nseries, 1) + 2;
    }
    buf_puts(out, "</svg>\n");
}

static const char *class_of(enum verdict_kind kind)
{
    return kind == VERDICT_IMPROVED ? "good" : kind == VERDICT_REGRESSED ? "bad" : "none";
}

static void rounds_plot(const struct session *s, struct buf *out)
{
    struct interval *rows = xcalloc((size_t)s->nhistory + 2, sizeof *rows);
    int n = 0;

    for (int i = 0; i < s->nhistory; i++) {
        const struct verdict *v = &s->history[i].verdict;
        if (!isfinite(v->ratio) || !isfinite(v->ci_lo) || !isfinite(v->ci_hi))
            continue;
        snprintf(rows[n].label, sizeof rows[n].label, "round %d", s->history[i].number);
        rows[n].class = class_of(v->kind);
        rows[n].mid = (v->ratio - 1) * 100;
        rows[n].lo = (v->ci_lo - 1) * 100;
        rows[n++].hi = (v->ci_hi - 1) * 100;
    }
    if (isfinite(s->final.ratio) && isfinite(s->final.ci_lo) && isfinite(s->final.ci_hi)) {
        text_copy(rows[n].label, sizeof rows[n].label, "confirmation");
        rows[n].class = class_of(s->final.kind);
        rows[n].mid = (s->final.ratio - 1) * 100;
        rows[n].lo = (s->final.ci_lo - 1) * 100;
        rows[n++].hi = (s->final.ci_hi - 1) * 100;
    }
    if (n)
        put_intervals(rows, n, "Effect of each round with its 95 % interval", out);
    free(rows);
}

static void earned_plot(const struct session *s, struct buf *out)
{
    struct interval *rows = xcalloc((size_t)s->nearned + 1, sizeof *rows);
    int n = 0;

    for (int i = 0; i < s->nearned; i++) {
        const struct earned *e = &s->earned[i];
        if (!e->tested || !isfinite(e->ratio) || !isfinite(e->lo) || !isfinite(e->hi))
            continue;
        text_copy(rows[n].label, sizeof rows[n].label, e->name);
        rows[n].class = e->idle || e->taken_out ? "none" : "good";
        rows[n].mid = (e->ratio - 1) * 100;
        rows[n].lo = (e->lo - 1) * 100;
        rows[n++].hi = (e->hi - 1) * 100;
    }
    if (n) {
        buf_puts(out, "<h3>What each change earns</h3>\n");
        put_intervals(rows, n, "With the change over without it", out);
    }
    free(rows);
}

/* -- tables ----------------------------------------------------------------------------------------------- */

static void settings_table(const struct final_setting *list, int n, struct buf *out)
{
    buf_puts(out, "<h2>Final settings</h2>\n");
    if (n == 0) {
        buf_puts(out, "<p>None differs from what stood there before.</p>\n");
        return;
    }
    buf_puts(out, "<table><tr><th>Setting</th><th>From</th><th>To</th><th>Measured</"
                  "th><th>Evidence</th></tr>\n");
    for (int i = 0; i < n; i++) {
        const struct final_setting *f = &list[i];
        buf_puts(out, "<tr>");
        buf_puts(out, "<td><code>");
        put(out, f->entry->name);
        buf_puts(out, f->restart ? "</code><br><span class=\"dim\">needs a restart</span></td>"
                                 : "</code></td>");
        put_cell(out, "code", f->from);
        put_cell(out, "code", f->to);
        if (f->round)
            put_effect_cell(out, &f->round->verdict);
        else
            buf_puts(out, "<td></td>");
        buf_puts(out, "<td>");
        put(out, f->change ? f->change->evidence : "");
        if (f->left) {
            buf_puts(out, "<br>The sessions disagree: ");
            put(out, f->why);
            buf_puts(out, " The last one left <code>");
            put(out, f->left);
            buf_puts(out, "</code> on the server.");
        }
        buf_puts(out, "</td></tr>\n");
    }
    buf_puts(out, "</table>\n");
}

static void summary_table(const struct session *const *sessions, int n, struct buf *out)
{
    char from[40], to[40];

    buf_puts(out, "<h2>Summary</h2>\n");
    if (n == 0) {
        buf_puts(out, "<p>No session of this workspace has been archived.</p>\n");
        return;
    }
    buf_puts(out, "<table><tr><th>Session</th><th>Strategy</th><th>Start, "
                  "TPS</th><th>Best, TPS</th><th>Effect</th><th>Rounds</th></tr>\n");
    for (int i = 0; i < n; i++) {
        const struct session *s = sessions[i];
        text_grouped(from, sizeof from, export_tps_before(s));
        text_grouped(to, sizeof to, export_tps_after(s));
        buf_puts(out, "<tr>");
        put_cell(out, "span", s->name);
        put_cell(out, "span", s->plan.strategy);
        buf_printf(out, "<td class=\"n\">%s</td><td class=\"n\">%s</td>", from, to);
        put_claim_cell(out, s);
        buf_printf(out, "<td class=\"n\">%d</td></tr>\n", s->rounds_done);
    }
    buf_puts(out, "</table>\n");
}

/* What the advisor makes of all sessions: in words, and setting by setting. */
static void together(const struct model *m, struct buf *out)
{
    const struct merged_report *r = m->advising.merged;

    if (!r || !r->text[0])
        return;
    buf_puts(out, "<h2>What the sessions lead to together</h2>\n<p>");
    put(out, r->text);
    buf_puts(out, "</p>\n<p class=\"dim\">In the words of ");
    put(out, m->advising.merged_by.text);
    buf_puts(out, ".</p>\n");
    if (r->n)
        buf_puts(out, "<ul>\n");
    for (int i = 0; i < r->n; i++) {
        buf_puts(out, "<li><code>");
        put(out, r->settings[i].name);
        buf_puts(out, " = ");
        put(out, r->settings[i].value);
        buf_puts(out, r->settings[i].conflict ? "</code> (the sessions disagree): " : "</code>: ");
        put(out, r->settings[i].why);
        buf_puts(out, "</li>\n");
    }
    if (r->n)
        buf_puts(out, "</ul>\n");
}

static void put_failed(const struct round_history *h, int i, bool by_hand, struct buf *out)
{
    char why[160];
    const struct setting_change *c = &h->changes[i];
    struct buf effect = {0};

    buf_puts(out, "<li><code>");
    put(out, c->name);
    buf_puts(out, " = ");
    put(out, c->reset ? "reset" : c->value);
    buf_printf(out, "</code>, round %d: ", h->number);
    if (h->failed)
        buf_puts(out, "could not be applied");
    else if (past_not_tried(h, i, by_hand, why, sizeof why))
        buf_printf(&effect, "accepted, and not compared: %s", why);
    else
        export_effect(&h->verdict, &effect);
    put(out, buf_text(&effect));
    buf_puts(out, "</li>\n");
    buf_clear(&effect);
}

static void no_help(const struct session *s, struct buf *out)
{
    struct buf list = {0};

    for (int i = 0; i < s->nhistory; i++)
        for (int k = 0; k < s->history[i].n; k++)
            if (!s->history[i].kept || !(s->history[i].measured >> k & 1))
                put_failed(&s->history[i], k, s->by_hand, &list);
    for (int i = 0; i < s->nrejected; i++) {
        buf_puts(&list, "<li><code>");
        put(&list, s->rejected[i].name);
        buf_puts(&list, " = ");
        put(&list, s->rejected[i].value);
        buf_puts(&list, "</code>: proposed, refused or not accepted</li>\n");
    }
    if (list.len)
        buf_printf(out, "<h3>What did not help</h3>\n<ul>\n%s</ul>\n", buf_text(&list));
    buf_clear(&list);
}

static void machine(const struct model *m, struct buf *out)
{
    const struct host_facts *h = &m->server.host;
    char memory[40];

    if (!h->known)
        return;
    text_bytes(memory, sizeof memory, h->mem_total);
    buf_puts(out, "<p class=\"dim\">");
    put(out, h->hostname);
    buf_printf(out, ": %d CPUs", h->cpus);
    if (h->cpu_model[0])
        buf_puts(out, ", ");
    put(out, h->cpu_model);
    buf_printf(out, ", %s of memory", memory);
    if (h->data.kind[0])
        buf_puts(out, ", data on ");
    put(out, h->data.kind);
    buf_puts(out, "</p>\n");
}

static void put_change(const struct setting_change *c, struct buf *out)
{
    buf_puts(out, "<code>");
    put(out, c->name);
    buf_puts(out, c->reset ? "</code> reset" : "</code> = <code>");
    if (!c->reset) {
        put(out, c->value);
        buf_puts(out, "</code>");
    }
    buf_puts(out, "<br><span class=\"dim\">");
    put(out, c->evidence[0] ? c->evidence : c->why);
    buf_puts(out, "</span><br>");
}

static void rounds_table(const struct session *s, struct buf *out)
{
    buf_puts(out,
             "<table><tr><th>Round</th><th>Changes</th><th>Effect</th><th>Outcome</th></tr>\n");
    for (int i = 0; i < s->nhistory; i++) {
        const struct round_history *h = &s->history[i];
        buf_printf(out, "<tr><td class=\"n\">%d</td><td>", h->number);
        for (int k = 0; k < h->n; k++)
            if (h->measured >> k & 1)
                put_change(&h->changes[k], out);
        buf_puts(out, "</td>");
        put_effect_cell(out, &h->verdict);
        put_cell(out, "span", h->failed ? "could not be applied" : h->kept ? "kept" : "undone");
        buf_puts(out, "</tr>\n");
    }
    buf_puts(out, "</table>\n");
}

static void trades(const struct beside *b, struct buf *out)
{
    struct buf text = {0};

    if (b->ntrades > 0)
        buf_puts(out, "<h3>Durability trades: measured apart, not set</h3>\n<ul>\n");
    for (int i = 0; i < b->ntrades; i++) {
        text.len = 0;
        trade_text(&b->trades[i], &text);
        buf_puts(out, "<li>");
        put(out, buf_text(&text));
        buf_puts(out, "</li>\n");
    }
    if (b->ntrades > 0)
        buf_puts(out, "</ul>\n");
    buf_clear(&text);
}

static void one_session(const struct session *s, struct buf *out)
{
    struct buf effect = {0};

    buf_puts(out, "<h2>Session ");
    put(out, s->name);
    buf_puts(out, "</h2>\n<p>");
    put(out, s->plan.hypothesis);
    export_claim(s, &effect);
    buf_puts(out, " Start against best, fresh runs in turn: <b>");
    put(out, buf_text(&effect));
    buf_puts(out, "</b>.</p>\n");
    buf_clear(&effect);
    rounds_plot(s, out);
    rounds_table(s, out);
    no_help(s, out);
    buf_puts(out, "<h3>Confirmation</h3>\n");
    if (s->final.kind == VERDICT_NONE)
        buf_puts(out, "<p>No confirmation was measured.</p>\n");
    put_series(&s->confirm, "Runs of the confirmation", out);
    earned_plot(s, out);
    trades(&s->beside, out);
    if (s->end_reason[0]) {
        buf_puts(out, "<p class=\"dim\">The session ended because: ");
        put(out, s->end_reason);
        buf_puts(out, "</p>\n");
    }
}

void export_html(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out)
{
    struct final_setting *list = xcalloc(LEDGER_MAX, sizeof *list);
    int count = export_final(m, sessions, n, list, LEDGER_MAX);
    char when[40];

    clock_iso(m->wall_us, when, sizeof when);
    buf_puts(out,
             "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width\"><title>pg_diagnose report: ");
    put(out, m->workspace.name);
    buf_printf(out, "</title><style>%s</style></head><body>\n<h1>", style);
    put(out, m->workspace.name);
    buf_puts(out, "</h1>\n<p class=\"dim\">PostgreSQL ");
    put(out, m->server.id.version);
    buf_printf(out, " \xc2\xb7 %d archived session%s \xc2\xb7 written %s</p>\n", n,
               n == 1 ? "" : "s", when);
    machine(m, out);
    summary_table(sessions, n, out);
    settings_table(list, count, out);
    together(m, out);
    export_advised_html(m, sessions, n, put, out);
    for (int i = 0; i < n; i++)
        one_session(sessions[i], out);
    buf_puts(out, "</body></html>\n");
    free(list);
}
