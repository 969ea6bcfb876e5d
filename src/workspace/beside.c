/* What is measured beside the total, in words and as JSON; see beside.h. */
#include "pgd/workspace/beside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/runner/experiment.h"
#include "pgd/workspace/export_parts.h"

#define ARROW " \xe2\x86\x92 "

/* ---- words ---- */

static void put_ms(struct buf *out, double ms)
{
    buf_printf(out, ms >= 100 ? "%.0f" : ms >= 1 ? "%.1f" : "%.3f", ms);
}

/* "91 to 95 % less", "5 % less to 3 % more": what the time of a statement has come to, at both ends of its interval. */
static void put_ends(struct buf *out, double lo, double hi)
{
    double a = (lo - 1) * 100, b = (hi - 1) * 100;

    if (a < 0 && b < 0)
        buf_printf(out, " (95 %% interval: %.0f to %.0f %% less)", -b, -a);
    else if (a >= 0 && b >= 0)
        buf_printf(out, " (95 %% interval: %.0f to %.0f %% more)", a, b);
    else
        buf_printf(out, " (95 %% interval: %.0f %% less to %.0f %% more)", -a, b);
}

void beside_statement_text(const struct statement_verdict *v, struct buf *out)
{
    buf_puts(out, statement_class_name(v->cls));
    if (isfinite(v->ratio))
        buf_printf(out, ", %.0f %% %s time", fabs(v->ratio - 1) * 100,
                   v->ratio < 1 ? "less" : "more");
    if (isfinite(v->lo) && isfinite(v->hi))
        put_ends(out, v->lo, v->hi);
    buf_printf(out, ": %s", v->name);
    if (isfinite(v->mean_a) && isfinite(v->mean_b)) {
        buf_puts(out, ", ");
        put_ms(out, v->mean_a);
        buf_puts(out, ARROW);
        put_ms(out, v->mean_b);
        buf_puts(out, " ms");
    }
    buf_printf(out, ", %.0f %% of the time", v->share * 100);
}

static void remember(struct beside *b, const char *text)
{
    const struct by_statement *l = &b->latest;

    if (b->nnotes == NOTES_MAX) {
        memmove(b->notes, b->notes + 1, (NOTES_MAX - 1) * sizeof b->notes[0]);
        b->nnotes--;
    }
    struct beside_note *n = &b->notes[b->nnotes++];
    n->round = l->round;
    n->confirmation = l->confirmation;
    text_copy(n->text, sizeof n->text, text);
}

void beside_remember(struct beside *b)
{
    struct buf text = {0};

    for (int i = 0; i < b->latest.s.n; i++)
        if (b->latest.s.items[i].cls != STATEMENT_UNDECIDED) {
            beside_statement_text(&b->latest.s.items[i], &text);
            remember(b, buf_text(&text));
            text.len = 0;
        }
    for (int i = 0; i < b->latest.nflips; i++) {
        buf_printf(&text, "plan of %s: %s", b->latest.flips[i].where, b->latest.flips[i].what);
        remember(b, buf_text(&text));
        text.len = 0;
    }
    buf_clear(&text);
}

/* ---- JSON ---- */

static void put(json_t *j, const char *key, json_t *value)
{
    json_object_set_new(j, key, value);
}

/* Four decimals, as a line has. */
static json_t *figure(double v)
{
    return js_num(isfinite(v) ? round(v * 1e4) / 1e4 : (double)NAN);
}

static void put_interval(json_t *j, const char *key, double lo, double hi)
{
    if (!isfinite(lo) || !isfinite(hi)) {
        put(j, key, json_null());
        return;
    }
    json_t *list = json_array();
    json_array_append_new(list, figure(lo));
    json_array_append_new(list, figure(hi));
    put(j, key, list);
}

static void dump(json_t *j, struct buf *out)
{
    char *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(10));

    buf_puts(out, text ? text : "[]");
    free(text);
    json_decref(j);
}

void beside_statements_json(const struct by_statement *b, struct buf *out)
{
    json_t *list = json_array();

    for (int i = 0; i < b->s.n; i++) {
        const struct statement_verdict *v = &b->s.items[i];
        json_t *j = json_object();
        char id[32];
        snprintf(id, sizeof id, "%lld", (long long)v->id);
        put(j, "name", js_text(v->name));
        put(j, "source", json_string(v->script ? "script" : "pg_stat_statements"));
        put(j, "id",
            json_string(id)); /* a queryid has more digits than a reader's number may keep */
        put(j, "share", figure(v->share));
        put(j, "ms_before", figure(v->mean_a));
        put(j, "ms_after", figure(v->mean_b));
        put(j, "calls_before", js_num(v->calls_a));
        put(j, "calls_after", js_num(v->calls_b));
        put(j, "temp_blocks_before", figure(v->temp_a));
        put(j, "temp_blocks_after", figure(v->temp_b));
        put(j, "ratio", figure(v->ratio));
        put_interval(j, "ci95", v->lo, v->hi);
        put(j, "class", json_string(statement_class_name(v->cls)));
        put(j, "tested", json_boolean(v->matters));
        put(j, "veto", json_boolean(v->veto));
        json_array_append_new(list, j);
    }
    dump(list, out);
}

void beside_flips_json(const struct by_statement *b, struct buf *out)
{
    json_t *list = json_array();

    for (int i = 0; i < b->nflips; i++) {
        json_t *j = json_object();
        put(j, "of", js_text(b->flips[i].where));
        put(j, "change", js_text(b->flips[i].what));
        json_array_append_new(list, j);
    }
    dump(list, out);
}

static json_t *arms_json(const struct comparison *c)
{
    json_t *list = json_array();

    for (int i = 0; i < c->n; i++) {
        const struct compared_arm *a = &c->arms[i];
        json_t *j = json_object();
        put(j, "arm", json_string(a->name));
        put(j, "runs", json_integer(a->runs));
        put(j, "tps", figure(a->tps));
        put(j, "p95_ms", figure(a->p95_ms));
        put(j, "effect", figure(a->ratio));
        put_interval(j, "ci95", a->lo, a->hi);
        put(j, "left_out", a->left_out[0] ? js_text(a->left_out) : json_null());
        json_array_append_new(list, j);
    }
    return list;
}

void beside_comparison_json(const struct comparison *c, struct buf *out)
{
    dump(arms_json(c), out);
}

static json_t *points_json(const struct knee *k)
{
    json_t *list = json_array();

    for (int i = 0; i < k->n; i++) {
        const struct knee_point *p = &k->points[i];
        json_t *j = json_object();
        put(j, "clients", json_integer(p->clients));
        put(j, "tps", p->valid ? figure(p->tps) : json_null());
        put(j, "p95_ms", figure(p->p95_ms));
        put(j, "p99_ms", figure(p->p99_ms));
        json_array_append_new(list, j);
    }
    return list;
}

void beside_knee_json(const struct knee *k, struct buf *out)
{
    dump(points_json(k), out);
}

json_t *beside_json(const struct beside *b)
{
    json_t *j = json_object(), *notes = json_array();

    for (int i = 0; i < b->nnotes; i++) {
        json_t *n = json_object();
        put(n, "round", json_integer(b->notes[i].round));
        put(n, "confirmation", json_boolean(b->notes[i].confirmation));
        put(n, "text", js_text(b->notes[i].text));
        json_array_append_new(notes, n);
    }
    put(j, "statements", notes);
    put(j, "comparison", arms_json(&b->comparison));
    put(j, "comparison_skipped", js_text(b->comparison.skipped));
    put(j, "knee", points_json(&b->knee));
    put(j, "knee_said", js_text(b->knee_said));
    put(j, "durability", trade_list_json(b->trades, b->ntrades));
    put(j, "durability_skipped", js_text(b->trades_skipped));
    return j;
}

/* ---- read back ---- */

static void read_notes(const json_t *list, struct beside *b)
{
    size_t i;
    json_t *j;

    json_array_foreach(list, i, j)
    {
        struct beside_note *n = &b->notes[b->nnotes];
        if (b->nnotes == NOTES_MAX)
            return;
        n->round = (int)js_get_int(j, "round", 0);
        n->confirmation = js_get_bool(j, "confirmation", false);
        if (n->round >= 0 && n->round < 1000 && js_get_text(j, "text", n->text, sizeof n->text))
            b->nnotes++;
    }
}

static double positive(const json_t *j, const char *key)
{
    double v = js_get_num(j, key, NAN);

    return v > 0 && v < 1e12 ? v : NAN;
}

static void read_arms(const json_t *list, struct comparison *c)
{
    size_t i;
    json_t *j;

    json_array_foreach(list, i, j)
    {
        struct compared_arm *a = &c->arms[c->n];
        const json_t *ci = json_object_get(j, "ci95");
        if (c->n == COMPARED_MAX || !js_get_text(j, "arm", a->name, sizeof a->name))
            return;
        a->runs = (int)fmin(1000, fmax(0, js_get_num(j, "runs", 0)));
        a->tps = positive(j, "tps");
        a->p95_ms = positive(j, "p95_ms");
        a->ratio = positive(j, "effect");
        a->lo = a->hi = NAN;
        if (json_array_size(ci) == 2) {
            a->lo = json_number_value(json_array_get(ci, 0));
            a->hi = json_number_value(json_array_get(ci, 1));
        }
        js_get_text(j, "left_out", a->left_out, sizeof a->left_out);
        c->n++;
    }
}

static void read_points(const json_t *list, struct knee *k)
{
    size_t i;
    json_t *j;

    json_array_foreach(list, i, j)
    {
        struct knee_point p = {.clients = (int)fmin(1e6, js_get_num(j, "clients", 0)),
                               .tps = positive(j, "tps"),
                               .p95_ms = positive(j, "p95_ms"),
                               .p99_ms = positive(j, "p99_ms")};
        if (k->n == KNEE_MAX || p.clients < 1)
            return;
        p.valid = isfinite(p.tps);
        k->points[k->n++] = p;
    }
}

void beside_read(const json_t *j, struct beside *b)
{
    memset(b, 0, sizeof *b);
    if (!json_is_object(j))
        return;
    read_notes(json_object_get(j, "statements"), b);
    read_arms(json_object_get(j, "comparison"), &b->comparison);
    js_get_text(j, "comparison_skipped", b->comparison.skipped, sizeof b->comparison.skipped);
    read_points(json_object_get(j, "knee"), &b->knee);
    js_get_text(j, "knee_said", b->knee_said, sizeof b->knee_said);
    b->ntrades = trade_read(json_object_get(j, "durability"), b->trades);
    js_get_text(j, "durability_skipped", b->trades_skipped, sizeof b->trades_skipped);
}

/* ---- the report ---- */

static void report_statements(const struct beside *b, struct buf *out)
{
    if (b->nnotes == 0)
        return;
    buf_puts(out, "### By statement\n\nWhat became faster or slower with evidence, run by run, and "
                  "the plans that "
                  "changed under a candidate.\n\n");
    for (int i = 0; i < b->nnotes; i++) {
        const struct beside_note *n = &b->notes[i];
        if (n->confirmation)
            buf_puts(out, "- confirmation: ");
        else
            buf_printf(out, "- round %d: ", n->round);
        export_markdown(out, n->text);
        buf_puts(out, "\n");
    }
    buf_puts(out, "\n");
}

static void report_comparison(const struct comparison *c, struct buf *out)
{
    if (c->n == 0)
        return;
    buf_puts(
        out,
        "### Compared with\n\n| Configuration | TPS | p95 | Over the start | Runs | Left out |\n"
        "|---|---:|---:|---|---:|---|\n");
    for (int i = 0; i < c->n; i++) {
        const struct compared_arm *a = &c->arms[i];
        char tps[40] = "-", effect[24] = "-";
        if (isfinite(a->tps))
            text_grouped(tps, sizeof tps, a->tps);
        if (isfinite(a->ratio))
            text_percent(effect, sizeof effect, a->ratio);
        buf_puts(out, "| ");
        export_markdown(out, a->name);
        buf_printf(out, " | %s | ", tps);
        if (isfinite(a->p95_ms))
            buf_printf(out, "%.2f ms", a->p95_ms);
        buf_printf(out, " | %s | %d | ", i == 0 ? "" : effect, a->runs);
        export_markdown(out, a->left_out);
        buf_puts(out, " |\n");
    }
    buf_puts(out, "\nAll of them were measured in turn, in one go. The figures are for the eye: "
                  "what is claimed is "
                  "the confirmation.\n\n");
}

static void report_knee(const struct beside *b, struct buf *out)
{
    if (b->knee.n == 0)
        return;
    buf_puts(out, "### How many clients\n\n| Clients | TPS | p95 | p99 |\n|---:|---:|---:|---:|\n");
    for (int i = 0; i < b->knee.n; i++) {
        const struct knee_point *p = &b->knee.points[i];
        if (p->valid)
            buf_printf(out, "| %d | %.0f | %.2f ms | %.2f ms |\n", p->clients, p->tps, p->p95_ms,
                       p->p99_ms);
        else
            buf_printf(out, "| %d | failed | | |\n", p->clients);
    }
    buf_puts(out, "\n");
    export_markdown(out, b->knee_said);
    buf_puts(out, "\n\n");
}

static void report_trades(const struct beside *b, struct buf *out)
{
    struct buf text = {0};

    if (b->ntrades == 0 && !b->trades_skipped[0])
        return;
    buf_puts(out, "### Durability trades\n\nMeasured apart, since they were asked for: the state "
                  "that the session leaves against itself with the trade, in turn. None is part "
                  "of it, and no export sets one.\n\n");
    for (int i = 0; i < b->ntrades; i++) {
        text.len = 0;
        trade_text(&b->trades[i], &text);
        buf_puts(out, "- ");
        export_markdown(out, buf_text(&text));
        buf_puts(out, "\n");
    }
    if (b->trades_skipped[0]) {
        buf_puts(out, "- not measured: ");
        export_markdown(out, b->trades_skipped);
        buf_puts(out, "\n");
    }
    buf_puts(out, "\n");
    buf_clear(&text);
}

void beside_report(const struct beside *b, struct buf *out)
{
    report_statements(b, out);
    report_comparison(&b->comparison, out);
    report_knee(b, out);
    report_trades(b, out);
}
