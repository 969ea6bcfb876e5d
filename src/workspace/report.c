/* report.c - workspace_report.md: what was measured in a workspace, what changed, and how to take it back;
 * see export.h. Everything that did not come from this program's own sentences goes through
 * export_markdown(), so that a table name cannot become a link or a table of its own. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/export_parts.h"

#define ARROW " \xe2\x86\x92 "
#define ELLIPSIS " \xe2\x80\xa6 "

/* ---- text from outside ---- */

static bool word_char(char c)
{
    return isalnum((unsigned char)c) != 0;
}

/* One character of text that holds no control characters any more. */
static void put_safe(struct buf *out, const char *text, size_t i)
{
    char c = text[i];

    switch (c) {
    case '<':
        buf_puts(out, "&lt;");
        return;
    case '>':
        buf_puts(out, "&gt;");
        return;
    case '&':
        buf_puts(out, "&amp;");
        return;
    case '@':
        buf_puts(out, "&#64;");
        return;
    case ':': /* http://… would become a link by itself */
        buf_puts(out, text[i + 1] == '/' ? "&#58;" : ":");
        return;
    case '.':
        buf_puts(out, i >= 3 && strncmp(text + i - 3, "www", 3) == 0 ? "&#46;" : ".");
        return;
    case '_': /* work_mem stays readable */
        if (i == 0 || !word_char(text[i - 1]) || !word_char(text[i + 1]))
            buf_putc(out, '\\');
        buf_putc(out, c);
        return;
    default:
        if (strchr("\\`*[]|~$", c) || (i == 0 && strchr("#-+=", c)))
            buf_putc(out, '\\');
        buf_putc(out, c);
    }
}

void export_markdown(struct buf *out, const char *text)
{
    size_t size = strlen(text) * 3 + 1; /* an invalid byte becomes three */
    char *clean = xmalloc(size);

    text_copy(clean, size, text);
    for (size_t i = 0; clean[i]; i++)
        put_safe(out, clean, i);
    free(clean);
}

void export_code(struct buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_.,:;/%+-=@()' ";
    size_t n = strlen(text);

    if (n > 0 && text[0] != ' ' && text[n - 1] != ' ' && strspn(text, plain) == n)
        buf_printf(out, "`%s`", text);
    else
        export_markdown(out, text);
}

void export_fence(struct buf *out, const char *language, const char *text)
{
    size_t longest = 2, run = 0;

    for (const char *p = text; *p; p++) {
        run = *p == '`' ? run + 1 : 0;
        if (run > longest)
            longest = run;
    }
    for (size_t i = 0; i <= longest; i++)
        buf_putc(out, '`');
    buf_printf(out, "%s\n%s", language, text);
    for (size_t i = 0; i <= longest; i++)
        buf_putc(out, '`');
    buf_puts(out, "\n\n");
}

/* ---- small parts ---- */

/* One row of a table of two columns; nothing when the value is empty. */
static void put_fact(struct buf *out, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_printf(out, "| %s | ", name);
    export_markdown(out, value);
    buf_puts(out, " |\n");
}

static void facts_begin(struct buf *out)
{
    buf_puts(out, "| | |\n|---|---|\n");
}

static const char *or_dash(const char *s)
{
    return *s ? s : "-";
}

static void put_from_to(struct buf *out, const char *from, const char *to)
{
    export_code(out, or_dash(from));
    buf_puts(out, " | ");
    export_code(out, or_dash(to));
}

static void put_tps(struct buf *out, double from, double to)
{
    char a[40], b[40];

    text_grouped(a, sizeof a, from);
    text_grouped(b, sizeof b, to);
    if (isfinite(from))
        buf_printf(out, "%s" ARROW "%s TPS", a, b);
    else
        buf_printf(out, "%s TPS", b);
}

/* ---- head ---- */

static void head(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out)
{
    const struct identity *id = &m->server.id;
    const struct host_facts *h = &m->server.host;
    struct buf text = {0};
    char figure[40], when[40];

    buf_puts(out, "# pg_diagnose report: ");
    export_markdown(out, m->workspace.name);
    buf_puts(out, "\n\n");
    facts_begin(out);
    if (id->version[0])
        buf_printf(&text, "PostgreSQL %s, database %s, role %s%s", id->version, id->database,
                   id->role, id->standby ? ", a standby" : "");
    put_fact(out, "Server", buf_text(&text));
    text.len = 0;
    if (h->known) {
        text_bytes(figure, sizeof figure, h->mem_total);
        buf_printf(&text, "%s: %d CPUs%s%s, %s of memory", h->hostname, h->cpus,
                   h->cpu_model[0] ? ", " : "", h->cpu_model, figure);
        if (h->data.kind[0])
            buf_printf(&text, ", data on %s", h->data.kind);
        if (h->kernel[0])
            buf_printf(&text, ", %s", h->kernel);
    }
    put_fact(out, "Machine", text.len ? buf_text(&text) : "not visible from here");
    buf_clear(&text);
    clock_iso(m->wall_us, when, sizeof when);
    buf_printf(out, "| Sessions | %d archived |\n", n);
    if (n > 0) {
        char from[40];
        clock_iso(sessions[0]->created_wall_us, from, sizeof from);
        buf_printf(out, "| First session | %s |\n", from);
    }
    buf_printf(out, "| Written | %s |\n\n", when);
}

static void summary_table(const struct session *const *sessions, int n, struct buf *out)
{
    buf_puts(out, "## Summary\n\n");
    if (n == 0) {
        buf_puts(out, "No session of this workspace has been archived.\n\n");
        return;
    }
    buf_puts(out, "| Session | Strategy | Start" ARROW "best | Effect | Rounds |\n"
                  "|---|---|---|---|---:|\n");
    for (int i = 0; i < n; i++) {
        const struct session *s = sessions[i];
        buf_puts(out, "| ");
        export_markdown(out, s->name);
        buf_puts(out, " | ");
        export_markdown(out, s->plan.strategy);
        buf_puts(out, " | ");
        put_tps(out, export_tps_before(s), export_tps_after(s));
        buf_puts(out, " | ");
        export_claim(s, out);
        buf_printf(out, " | %d |\n", s->rounds_done);
    }
    buf_puts(
        out,
        "\nAn effect is the change of the throughput between the untouched server and the best "
        "configuration, from fresh runs of both in turn; where none were made, that is said.\n\n");
}

static void final_table(const struct final_setting *list, int n, struct buf *out)
{
    buf_puts(out, "## Final settings\n\n");
    if (n == 0) {
        buf_puts(out, "None differs from what stood there before.\n\n");
        return;
    }
    buf_puts(out, "| Setting | From | To | Earned by | Evidence |\n|---|---|---|---|---|\n");
    for (int i = 0; i < n; i++) {
        const struct final_setting *f = &list[i];
        buf_puts(out, "| ");
        export_code(out, f->entry->name);
        buf_puts(out, " | ");
        put_from_to(out, f->from, f->to);
        buf_puts(out, " | ");
        export_markdown(out, f->by->name);
        if (f->round) {
            buf_printf(out, ", round %d: ", f->round->number);
            export_effect(&f->round->verdict, out);
        }
        buf_puts(out, " | ");
        export_markdown(out, f->change ? f->change->evidence : "");
        if (f->left) {
            buf_puts(out, ". The sessions disagree: ");
            export_markdown(out, f->why);
            buf_puts(out, " The last one left ");
            export_code(out, f->left);
            buf_puts(out, " on the server");
        }
        buf_puts(out, f->restart ? " (needs a restart) |\n" : " |\n");
    }
    buf_puts(out, "\n");
}

/* ---- one session ---- */

static void plan(const struct session *s, struct buf *out)
{
    const struct sdl *p = &s->plan;
    struct buf text = {0};

    buf_puts(out, "### Plan\n\n");
    facts_begin(out);
    put_fact(out, "Hypothesis", p->hypothesis);
    buf_printf(&text, "%s in database %s, protocol %s", p->workload, p->database, p->protocol);
    put_fact(out, "Workload", buf_text(&text));
    text.len = 0;
    for (int i = 0; i < p->nscripts; i++)
        buf_printf(&text, "%s%s, weight %d", i ? "; " : "", p->scripts[i].name,
                   p->scripts[i].weight);
    put_fact(out, "Scripts", buf_text(&text));
    buf_printf(out, "| Clients | %d |\n", p->clients);
    buf_printf(out, "| One measured run | %d s |\n", p->duration_s);
    if (p->min_runs > 0)
        buf_printf(out, "| Runs of each side | %d to %d |\n", p->min_runs, p->max_runs);
    if (p->budget_s > 0)
        buf_printf(out, "| Budget | %.1f min |\n", p->budget_s / 60.0);
    text.len = 0;
    if (s->target.tps > 0)
        buf_printf(&text, "%.0f TPS. %s", s->target.tps, s->target.why);
    put_fact(out, "Target", buf_text(&text));
    put_fact(out, "Counts as success", p->success);
    buf_puts(out, "\n");
    buf_clear(&text);
}

static void first_sight(const struct first_sight *f, struct buf *out)
{
    static const char *const severities[] = {"note", "minor", "important", "serious"};

    if (!f->headline[0] && f->nfindings == 0)
        return;
    buf_puts(out, "### First sight\n\n");
    if (f->headline[0]) {
        export_markdown(out, f->headline);
        buf_puts(out, "\n\n");
    }
    for (int i = 0; i < f->nfindings; i++) {
        const struct finding *d = &f->findings[i];
        int severity = d->severity < 0 ? 0 : d->severity > 3 ? 3 : d->severity;
        buf_puts(out, "- **");
        export_markdown(out, or_dash(d->area));
        buf_printf(out, "** (%s): ", severities[severity]);
        export_markdown(out, d->text);
        if (d->figure[0]) {
            buf_puts(out, " Measured: ");
            export_markdown(out, d->figure);
        }
        buf_puts(out, "\n");
    }
    buf_puts(out, "\n");
}

static void baseline(const struct session *s, struct buf *out)
{
    char tps[40];

    text_grouped(tps, sizeof tps, s->baseline_tps);
    buf_printf(out, "### Baseline\n\n%s TPS", tps);
    if (isfinite(s->baseline_p95_ms))
        buf_printf(out, ", 95 %% of the transactions within %.2f ms", s->baseline_p95_ms);
    if (isfinite(s->floor))
        buf_printf(
            out,
            ". The untouched server measured against itself differs by \xc2\xb1%.1f %%: a smaller "
            "change cannot be told from noise on this machine",
            s->floor * 100);
    buf_puts(out, ".\n\n");
}

/* "+8.0 … +15.0 %", in percent as the advisor gave it. */
static void put_prediction(struct buf *out, double lo, double hi)
{
    if (!isfinite(lo) && !isfinite(hi))
        buf_puts(out, "-");
    else if (!isfinite(lo) || !isfinite(hi) || lo == hi)
        buf_printf(out, "%+.1f %%", isfinite(lo) ? lo : hi);
    else
        buf_printf(out, "%+.1f" ELLIPSIS "%+.1f %%", lo, hi);
}

static void changes(const struct session *s, int round, struct buf *out)
{
    const struct round_history *h = &s->history[round];

    if (h->n == 0)
        return;
    buf_puts(out,
             "| Setting | From | To | Why | Evidence | Predicted |\n|---|---|---|---|---|---|\n");
    for (int i = 0; i < h->n; i++) {
        const struct setting_change *c = &h->changes[i];
        buf_puts(out, "| ");
        export_code(out, c->name);
        buf_puts(out, " | ");
        put_from_to(out, export_value_before(s, round, c->name),
                    c->reset ? "as before the session" : c->value);
        buf_puts(out, " | ");
        export_markdown(out, c->why);
        buf_puts(out, " | ");
        export_markdown(out, c->evidence);
        buf_puts(out, " | ");
        put_prediction(out, c->expect_lo, c->expect_hi);
        buf_puts(out, " |\n");
    }
    buf_puts(out, "\n");
}

/* What an alternative consists of: the lines of its own. */
static void put_set(const struct round_history *h, int set, struct buf *out)
{
    bool any = false;

    for (int i = 0; i < h->n; i++) {
        if (!(h->changes[i].sets >> set & 1))
            continue;
        buf_puts(out, any ? ", " : "");
        export_code(out, h->changes[i].name);
        buf_puts(out, " = ");
        export_code(out, h->changes[i].reset ? "reset" : or_dash(h->changes[i].value));
        any = true;
    }
    if (!any)
        buf_printf(out, "alternative %d", set + 1);
}

static void screening(const struct round_history *h, struct buf *out)
{
    if (h->nsets == 0)
        return;
    buf_puts(out, "- **Alternatives, screened first in short runs:**\n");
    for (int i = 0; i < h->nsets; i++) {
        const struct race_result *r = &h->sets[i];
        buf_puts(out, "    - ");
        put_set(h, i, out);
        if (isfinite(r->ratio))
            buf_printf(out, ": %+.1f %% in %d run%s%s\n", (r->ratio - 1) * 100, r->runs,
                       r->runs == 1 ? "" : "s",
                       r->out      ? ", dropped"
                       : r->gained ? ", gained"
                                   : ", no gain");
        else if (past_set_fate(h, i) == SET_TURNED_DOWN)
            buf_puts(out, ": rejected in the review, never in force\n");
        else
            buf_puts(out, r->out ? ": could not be measured\n" : ": not measured\n");
    }
}

/* What was accepted for the round and is no part of what it has compared, each with the reason. */
static void not_tried(const struct session *s, const struct round_history *h, struct buf *out)
{
    char why[160];
    bool any = false;

    for (int i = 0; i < h->n; i++) {
        if (!past_not_tried(h, i, s->by_hand, why, sizeof why))
            continue;
        buf_puts(out, any ? "" : "- **Accepted, and not compared:**\n");
        any = true;
        buf_puts(out, "    - ");
        export_code(out, h->changes[i].name);
        buf_puts(out, " = ");
        export_code(out, h->changes[i].reset ? "reset" : or_dash(h->changes[i].value));
        buf_printf(out, ": %s\n", why);
    }
}

/* All changes that the round measured together, as if their effects were independent of each other. */
static void prediction_held(const struct round_history *h, struct buf *out)
{
    double lo = 1, hi = 1;

    for (int i = 0; i < h->n; i++) {
        if (!(h->measured >> i & 1))
            continue;
        lo *= 1 + h->changes[i].expect_lo / 100;
        hi *= 1 + h->changes[i].expect_hi / 100;
    }
    if (h->verdict.kind == VERDICT_NONE || !isfinite(lo) || !isfinite(hi) || h->n == 0)
        return;
    buf_puts(out, "- **Prediction:** ");
    put_prediction(out, (lo - 1) * 100, (hi - 1) * 100);
    buf_printf(out, "; measured %+.1f %%, %s.\n", (h->verdict.ratio - 1) * 100,
               h->verdict.ratio < lo   ? "less than predicted"
               : h->verdict.ratio > hi ? "more than predicted"
                                       : "as predicted");
}

static void put_verdict(const struct verdict *v, struct buf *out)
{
    buf_printf(out, "- **Measured:** ");
    export_effect(v, out);
    buf_puts(out, "; ");
    put_tps(out, v->tps_a, v->tps_b);
    if (isfinite(v->p95_a) && isfinite(v->p95_b))
        buf_printf(out, ", p95 %.2f" ARROW "%.2f ms", v->p95_a, v->p95_b);
    buf_printf(out, "; %d run%s against %d.\n", v->runs_b, v->runs_b == 1 ? "" : "s", v->runs_a);
    if (v->note[0]) {
        buf_puts(out, "- **Limits of the claim:** ");
        export_markdown(out, v->note);
        buf_puts(out, "\n");
    }
}

static void put_waits(const struct window *w, struct buf *out)
{
    if (!w->valid || w->nwaits == 0)
        return;
    buf_puts(out, "- **Where active sessions were:** ");
    for (int i = 0; i < w->nwaits && i < 4; i++) {
        buf_puts(out, i ? ", " : "");
        export_markdown(out, w->waits[i].event);
        buf_printf(out, " %.0f %%", w->waits[i].share * 100);
    }
    buf_puts(out, ".\n");
}

static void said(struct buf *out, const char *label, const char *text)
{
    if (!*text)
        return;
    buf_printf(out, "- **%s:** ", label);
    export_markdown(out, text);
    buf_puts(out, "\n");
}

static void one_round(const struct session *s, int round, struct buf *out)
{
    const struct round_history *h = &s->history[round];
    const char *what = h->failed                         ? "could not be applied, undone"
                       : h->kept                         ? "improved, kept"
                       : h->verdict.kind == VERDICT_NONE ? "not decided, undone"
                                                         : verdict_name(h->verdict.kind);

    buf_printf(out, "#### Round %d: %s%s\n\n", h->number, what,
               h->failed || h->kept || h->verdict.kind == VERDICT_NONE ? "" : ", undone");
    changes(s, round, out);
    screening(h, out);
    not_tried(s, h, out);
    if (h->verdict.kind != VERDICT_NONE)
        put_verdict(&h->verdict, out);
    prediction_held(h, out);
    put_waits(&h->window, out);
    said(out, "Bottleneck", s->said[round].bottleneck);
    said(out, "Conclusion", s->said[round].text);
    buf_puts(out, "\n");
}

static void no_help(const struct session *s, struct buf *out)
{
    bool any = false;

    for (int i = 0; i < s->nhistory; i++)
        for (int k = 0; k < s->history[i].n; k++)
            any = any || !s->history[i].kept || !(s->history[i].measured >> k & 1);
    if (!any && s->nrejected == 0)
        return;
    buf_puts(out, "### What did not help\n\n");
    for (int i = 0; i < s->nhistory; i++) {
        const struct round_history *h = &s->history[i];
        for (int k = 0; k < h->n; k++) {
            char why[160];
            if (h->kept && h->measured >> k & 1)
                continue;
            buf_puts(out, "- ");
            export_code(out, h->changes[k].name);
            buf_puts(out, " = ");
            export_code(out, h->changes[k].reset ? "reset" : or_dash(h->changes[k].value));
            buf_printf(out, ", round %d: ", h->number);
            if (h->failed)
                buf_puts(out, "could not be applied");
            else if (past_not_tried(h, k, s->by_hand, why, sizeof why))
                buf_printf(out, "accepted, and not compared: %s", why);
            else
                export_effect(&h->verdict, out);
            buf_puts(out, "\n");
        }
    }
    for (int i = 0; i < s->nrejected; i++) {
        buf_puts(out, "- ");
        export_code(out, or_dash(s->rejected[i].name));
        buf_puts(out, " = ");
        export_code(out, or_dash(s->rejected[i].value));
        buf_puts(out, ": proposed, refused or not accepted\n");
    }
    buf_puts(out, "\n");
}

/* What the ablation found. */
static void earned(const struct session *s, struct buf *out)
{
    bool any = false, gone = false;

    if (s->nearned == 0)
        return;
    buf_puts(out, "### What each change earns\n\n"
                  "| Setting | Value | With it over without it | Stays |\n|---|---|---|---|\n");
    for (int i = 0; i < s->nearned; i++) {
        const struct earned *e = &s->earned[i];
        char ends[64];
        text_interval(ends, sizeof ends, e->lo, e->hi, 1);
        buf_puts(out, "| ");
        export_code(out, e->name);
        buf_puts(out, " | ");
        export_code(out, e->value[0] ? e->value : "reset");
        if (isfinite(e->ratio))
            buf_printf(out, " | %+.1f %% (95 %% interval %s) | ", (e->ratio - 1) * 100, ends);
        else
            buf_puts(out, " | not measured by itself | ");
        buf_printf(out, "%s |\n",
                   e->taken_out ? "no, taken out"
                   : e->idle    ? "yes, though idle"
                                : "yes");
        any = any || e->idle;
        gone = gone || e->taken_out;
    }
    buf_puts(out,
             "\nShort runs with some of the changes left out, others each time; the figures are "
             "of all of them together.");
    if (any && !gone)
        buf_puts(out, " What is idle stays: the set without it has no confirmation of its own.");
    buf_puts(out, gone ? " The confirmation above is of the set that stays.\n\n" : "\n\n");
}

static void one_session(const struct session *s, struct buf *out)
{
    buf_puts(out, "## Session ");
    export_markdown(out, s->name);
    buf_puts(out, "\n\n");
    plan(s, out);
    first_sight(&s->sight, out);
    baseline(s, out);
    buf_puts(out, "### Rounds\n\n");
    if (s->nhistory == 0)
        buf_puts(out, "No round was measured.\n\n");
    for (int i = 0; i < s->nhistory; i++)
        one_round(s, i, out);
    no_help(s, out);
    buf_puts(out, "### Confirmation\n\n");
    if (s->final.kind == VERDICT_NONE) {
        buf_puts(out, "No confirmation was measured.\n\n");
    } else {
        buf_printf(out, "Start against best, fresh and in turn: %s.\n\n",
                   verdict_name(s->final.kind));
        put_verdict(&s->final, out);
        buf_puts(out, "\n");
    }
    earned(s, out);
    beside_report(&s->beside, out);
    if (s->end_reason[0]) {
        buf_puts(out, "The session ended because: ");
        export_markdown(out, s->end_reason);
        buf_puts(out, "\n\n");
    }
}

/* ---- apply and undo ---- */

static void sql_of(const struct final_setting *list, int n, bool undo, struct buf *out)
{
    bool restart = false;

    for (int i = 0; i < n; i++) {
        if (os_is(list[i].entry->name))
            continue;
        entry_sql(undo ? &list[i].original : list[i].entry, out);
        buf_puts(out, ";\n");
        restart = restart || list[i].restart;
    }
    buf_puts(out, restart ? "SELECT pg_reload_conf();\n-- then restart the server\n"
                          : "SELECT pg_reload_conf();\n");
}

/* They last until the machine's next start: apply_tuning.yml has the files for it, and /persist writes them. */
static void apply_and_undo_os(const struct final_setting *list, int n, struct buf *out)
{
    struct buf text = {0};

    buf_puts(out,
             "## The operating system\n\nAs root on the server's host; until its next start:\n\n");
    export_os_commands(list, n, false, &text);
    export_fence(out, "sh", buf_text(&text));
    buf_puts(out, "Back:\n\n");
    text.len = 0;
    export_os_commands(list, n, true, &text);
    export_fence(out, "sh", buf_text(&text));
    buf_clear(&text);
}

static void apply_and_undo(const struct final_setting *list, int n, struct buf *out)
{
    struct buf sql = {0};

    if (n == 0)
        return;
    bool differs = false;
    for (int i = 0; i < n; i++)
        differs = differs || list[i].left;
    buf_printf(out,
               "## Apply\n\nThe tuned server has these settings already%s. On another one of the "
               "same size, as a superuser:\n\n",
               differs ? ", except where the sessions disagree and an earlier one's value is the "
                         "better"
                       : "");
    sql_of(list, n, false, &sql);
    export_fence(out, "sql", buf_text(&sql));
    buf_puts(out, "## Undo\n\nThis puts back what stood in postgresql.auto.conf before the first "
                  "session:\n\n");
    sql.len = 0;
    sql_of(list, n, true, &sql);
    export_fence(out, "sql", buf_text(&sql));
    buf_clear(&sql);
    if (export_os_count(list, n) > 0)
        apply_and_undo_os(list, n, out);
}

/* What the advisor makes of all sessions together. Its figures were held against what the sessions have measured. */
static void together(const struct model *m, struct buf *out)
{
    const struct merged_report *r = m->advising.merged;

    if (!r || !r->text[0])
        return;
    buf_puts(out, "## What the sessions lead to together\n\n");
    export_markdown(out, r->text);
    buf_puts(out, "\n\nIn the words of ");
    export_markdown(out, m->advising.merged_by.text);
    buf_puts(out, ".\n\n");
    for (int i = 0; i < r->n; i++) {
        const struct merged_setting *s = &r->settings[i];
        buf_puts(out, "- ");
        export_markdown(out, s->name);
        buf_puts(out, " = ");
        export_markdown(out, s->value);
        buf_puts(out, s->conflict ? " (the sessions disagree): " : ": ");
        export_markdown(out, s->why);
        buf_puts(out, "\n");
    }
    buf_puts(out, r->n ? "\n" : "");
}

void export_report(const struct model *m, const struct session *const *sessions, int n,
                   struct buf *out)
{
    struct final_setting *list = xcalloc(LEDGER_MAX, sizeof *list);
    int count = export_final(m, sessions, n, list, LEDGER_MAX);

    head(m, sessions, n, out);
    summary_table(sessions, n, out);
    final_table(list, count, out);
    together(m, out);
    apply_and_undo(list, count, out);
    export_advised(m, sessions, n, out);
    for (int i = 0; i < n; i++)
        one_session(sessions[i], out);
    free(list);
}
