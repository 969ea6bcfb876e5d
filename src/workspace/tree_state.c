/* tree_state.c - the states that a session has had the server in, and two sessions beside each other; see tree.h. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/base/text.h"
#include "pgd/workspace/model.h"
#include "pgd/workspace/store.h"

void tree_node_words(int node, char *dst, size_t size)
{
    if (node == NODE_START || node == NODE_FINAL || node < 0)
        text_copy_raw(dst, size, node == NODE_START ? "baseline" : "final");
    else
        snprintf(dst, size, "after round %d", node);
}

/* ---- one state ---- */

static void forget(struct arm *a, const char *name)
{
    struct entry *e = arm_find(a, name);

    if (e)
        *e = a->entries[--a->n];
}

static void apply_round(const struct round_history *h, struct arm *out)
{
    for (int i = 0; h->kept && !h->failed && i < h->n; i++) {
        const struct setting_change *c = &h->changes[i];
        if (!(h->measured >> i & 1))
            continue;
        if (c->reset)
            forget(out, c->name);
        else
            arm_set(out, c->name, true, c->value);
    }
}

void tree_state(const struct session *s, int node, struct arm *out)
{
    memset(out, 0, sizeof *out);
    tree_node_words(node, out->label, sizeof out->label);
    if (node == NODE_START || (node == NODE_FINAL && s->state == SESSION_FAILED))
        return;
    if (node == NODE_FINAL) {
        *out = s->best;
        return;
    }
    for (int i = 0; i < s->nhistory; i++)
        if (s->history[i].number <= node)
            apply_round(&s->history[i], out);
}

int tree_goals(const struct session *s, int node, struct entry *goals, int n, int max)
{
    struct arm *state = xcalloc(1, sizeof *state);

    tree_state(s, node, state);
    for (int i = 0; i < s->ledger.n && n < max; i++) {
        const char *name = s->ledger.rows[i].original.name;
        int at = 0;
        while (at < n && strcmp(goals[at].name, name) != 0)
            at++;
        if (at == n)
            goals[n++] = ledger_goal(&s->ledger, state, name);
    }
    free(state);
    return n;
}

static void put_effect(struct buf *out, double ratio, double lo, double hi)
{
    char effect[24], from[24], to[24];

    text_percent(effect, sizeof effect, ratio);
    buf_puts(out, effect);
    if (!isfinite(lo) || !isfinite(hi))
        return;
    text_percent(from, sizeof from, lo);
    text_percent(to, sizeof to, hi);
    buf_printf(out, " (95 %% interval %s \xe2\x80\xa6 %s)", from, to);
}

static const struct round_history *round_of(const struct session *s, int number)
{
    for (int i = 0; i < s->nhistory; i++)
        if (s->history[i].number == number)
            return &s->history[i];
    return NULL;
}

/* What a round's figure is over, and the TPS of its runs: "over the best before it, 386 -> 929 TPS" with an arrow. */
static bool node_gain(const struct session *s, int node, char *dst, size_t size)
{
    const struct round_history *h = round_of(s, node);
    char tps[64];
    struct gain g;

    session_round_gain(s, (int)(h - s->history), &g);
    gain_tps(&g, tps, sizeof tps);
    if (g.by == GAIN_UNKNOWN)
        return false;
    snprintf(dst, size, "over the %s%s%s", g.over_start ? "start" : "best before it",
             tps[0] ? ", " : "", tps);
    return true;
}

void tree_state_page(const struct session *s, int node, struct buf *out)
{
    struct arm *state = xcalloc(1, sizeof *state);
    const struct round_history *h = round_of(s, node);
    struct buf sql = {0};
    char said[200];

    tree_state(s, node, state);
    if (h) {
        buf_printf(out, "round %d: %s", node,
                   h->failed ? "could not be applied" : verdict_name(h->verdict.kind));
        if (isfinite(h->verdict.ratio) && !h->failed) {
            buf_puts(out, ", ");
            put_effect(out, h->verdict.ratio, h->verdict.ci_lo, h->verdict.ci_hi);
        }
        buf_puts(out, h->failed ? "\n" : h->kept ? ", kept\n" : ", undone\n");
        if (node_gain(s, node, said, sizeof said))
            buf_printf(out, "   %s\n", said);
        for (int i = 0; i < h->n; i++) {
            bool out_of_it = past_not_tried(h, i, s->by_hand, said, sizeof said);
            buf_printf(out, "   %s %s %s \xe2\x86\x92 %s%s%s\n",
                       out_of_it ? "accepted, not compared:" : "tried", h->changes[i].name,
                       session_first(s, h->changes[i].name),
                       h->changes[i].reset ? "reset" : h->changes[i].value, out_of_it ? ": " : "",
                       out_of_it ? said : "");
        }
    } else if (node == NODE_START && isfinite(s->baseline_tps)) {
        buf_printf(out, "baseline %.0f TPS", s->baseline_tps);
        if (isfinite(s->floor))
            buf_printf(out, ", noise floor \xc2\xb1%.1f %%", s->floor * 100);
        buf_putc(out, '\n');
    } else if (node == NODE_FINAL && s->final.kind != VERDICT_NONE) {
        buf_printf(out, "start against best: %s, ", verdict_name(s->final.kind));
        put_effect(out, s->final.ratio, s->final.ci_lo, s->final.ci_hi);
        buf_putc(out, '\n');
    }
    buf_puts(out, "\n# What the server ran with\n");
    for (int i = 0; i < state->n; i++) {
        const char *first = session_first(s, state->entries[i].name);
        buf_printf(out, "%s = %s (before the session: %s)\n", state->entries[i].name,
                   state->entries[i].present ? state->entries[i].value : "reset",
                   *first ? first : "?");
        entry_sql(&state->entries[i], &sql);
        buf_puts(&sql, ";\n");
    }
    if (state->n == 0)
        buf_puts(out, "every setting as it was before the session\n");
    else
        buf_printf(out, "\n# As statements, from the session's start\n%s", buf_text(&sql));
    buf_clear(&sql);
    free(state);
}

/* ---- two sessions ---- */

static void beside(struct buf *out, const char *what, const char *a, const char *b)
{
    buf_printf(out, "%s%s: %s | %s\n", strcmp(a, b) == 0 ? "  " : "\xe2\x89\xa0 ", what, a, b);
}

static void number(char *dst, size_t size, double v, const char *unit)
{
    if (isfinite(v))
        snprintf(dst, size, "%.0f %s", v, unit);
    else
        text_copy_raw(dst, size, "not measured");
}

static void numbers(struct buf *out, const char *what, double a, double b, const char *unit)
{
    char x[48], y[48];

    number(x, sizeof x, a, unit);
    number(y, sizeof y, b, unit);
    beside(out, what, x, y);
}

static void put_name(struct buf *out, char which, const struct session *s)
{
    buf_printf(out, "%c: %s", which, s->name);
    if (s->title[0])
        buf_printf(out, " (%s)", s->title);
    buf_printf(out, ", %s\n", session_state_name(s->state));
}

/* What has to be the same for two effects to be set against each other; returns how much of it is not. */
static int conditions(const struct session *a, const struct session *b, struct buf *out)
{
    const struct sdl *p = &a->plan, *q = &b->plan;
    const char *here = "not known", *x = a->bench_at[0] ? a->bench_at : here,
               *y = b->bench_at[0] ? b->bench_at : here;
    double shift = b->baseline_tps / a->baseline_tps, noise = fmax(a->floor, b->floor);
    int differ = 0;

    buf_puts(out, "\n# Conditions\n");
    beside(out, "workload", p->workload[0] ? p->workload : "scripts",
           q->workload[0] ? q->workload : "scripts");
    beside(out, "database", p->database, q->database);
    numbers(out, "clients", p->clients, q->clients, "");
    numbers(out, "length of a run", p->duration_s, q->duration_s, "s");
    beside(out, "protocol", p->protocol, q->protocol);
    beside(out, "pgbench ran", x, y);
    numbers(out, "baseline", a->baseline_tps, b->baseline_tps, "TPS");
    differ += strcmp(p->workload, q->workload) != 0 || strcmp(p->database, q->database) != 0 ||
              p->clients != q->clients || strcmp(p->protocol, q->protocol) != 0 ||
              strcmp(x, y) != 0 || p->observe != q->observe || p->rate != q->rate;
    if (!isfinite(shift))
        return differ + 1;
    if (!isfinite(noise))
        noise = 0.05;
    if (fabs(shift - 1) > 2 * noise) {
        buf_printf(out,
                   "  the baselines lie %+.1f %% apart, more than the noise (\xc2\xb1%.1f %%) "
                   "explains: other data, other settings, or another load beside\n",
                   (shift - 1) * 100, noise * 100);
        differ++;
    }
    return differ;
}

static void put_claim(struct buf *out, char which, const struct session *s)
{
    buf_printf(out, "%c: ", which);
    if (s->final.kind == VERDICT_NONE) {
        buf_puts(out, s->state == SESSION_FAILED ? "nothing was confirmed; everything is undone\n"
                                                 : "nothing was confirmed\n");
        return;
    }
    buf_printf(out, "%s, ", verdict_name(s->final.kind));
    put_effect(out, s->final.ratio, s->final.ci_lo, s->final.ci_hi);
    buf_putc(out, '\n');
}

static const char *value_in(const struct session *s, struct arm *state, const char *name, char *tmp,
                            size_t size)
{
    const struct entry *e = arm_find(state, name);
    const char *first = session_first(s, name);

    if (e)
        return e->present ? e->value : "reset";
    if (!*first)
        return "untouched";
    snprintf(tmp, size, "untouched (%s)", first);
    return tmp;
}

static void settings_differ(const struct session *a, const struct session *b, struct buf *out)
{
    struct arm *x = xcalloc(2, sizeof *x), *y = x + 1;
    char names[2 * LEDGER_MAX][SETTING_NAME_MAX], p[320], q[320];
    int n, same = 0;

    tree_state(a, NODE_FINAL, x);
    tree_state(b, NODE_FINAL, y);
    n = arm_differ(x, y, names, 2 * LEDGER_MAX);
    for (int i = 0; i < x->n; i++) {
        const struct entry *e = arm_find(y, x->entries[i].name);
        same += e && entry_same(e, &x->entries[i]);
    }
    buf_puts(out, "\n# Settings that differ in what they left\n");
    for (int i = 0; i < n; i++)
        beside(out, names[i], value_in(a, x, names[i], p, sizeof p),
               value_in(b, y, names[i], q, sizeof q));
    if (n == 0)
        buf_puts(out, "none\n");
    if (same > 0)
        buf_printf(out, "the same in both: %d\n", same);
    free(x);
}

void tree_compare_page(const struct session *a, const struct session *b, struct buf *out)
{
    bool both = a->final.kind != VERDICT_NONE && b->final.kind != VERDICT_NONE &&
                isfinite(a->final.ci_lo) && isfinite(b->final.ci_lo);
    int differ;

    put_name(out, 'A', a);
    put_name(out, 'B', b);
    buf_puts(out, "\n# Effects, each against its own start\n");
    put_claim(out, 'A', a);
    put_claim(out, 'B', b);
    differ = conditions(a, b, out);
    settings_differ(a, b, out);
    buf_puts(out, "\n# Can they be set against each other?\n");
    if (differ)
        buf_puts(out,
                 "No: they were measured under different conditions (marked \xe2\x89\xa0). b on "
                 "a state of one begins a session that measures it under those of today.\n");
    else if (!both)
        buf_puts(out, "Not yet: not both have a confirmed effect.\n");
    else if (a->final.ci_lo > b->final.ci_hi || b->final.ci_lo > a->final.ci_hi)
        buf_printf(out, "Yes, and %c gained more: the intervals do not overlap.\n",
                   a->final.ci_lo > b->final.ci_hi ? 'A' : 'B');
    else
        buf_puts(out, "Yes, but neither is shown to be better: the intervals overlap.\n");
}
