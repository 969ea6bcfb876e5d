/* Snapshots of a server's counters and what follows from two of them; see observed.h. Pure. */
#include "pgd/runner/observed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"

/* A mean of fewer calls says little; below this share of the reference's time a window is other traffic. */
static const double few_calls = 5, most_of_it = 0.8;

static const double quantile_99 = 2.326; /* one-sided, of the normal distribution */

/* ---- the way to measure ---- */

static const char *cell(const struct rows *r, const char *name)
{
    const char *text = rows_text(r, 0, name);
    return text ? text : "";
}

/* The extension's own version says which columns it has: after pg_upgrade it may be older than the server. */
static int form_of(const char *version)
{
    char *end;
    long major = strtol(version, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

    if (major != 1)
        return major > 1 ? 15 : 0;
    return minor >= 10 ? 15 : minor == 9 ? 14 : minor == 8 ? 13 : minor >= 4 ? 12 : 0;
}

/* What a DBA would have to do for pg_stat_statements, in the order in which it has to be done. */
static void missing_text(const struct rows *r, char *dst, size_t size)
{
    const char *track = rows_text(r, 0, "track");

    if (!rows_bool(r, 0, "available", false))
        snprintf(dst, size,
                 "Install the package that has pg_stat_statements "
                 "(postgresql-contrib).");
    else if (!track)
        snprintf(dst, size,
                 "ALTER SYSTEM SET shared_preload_libraries = '%s%spg_stat_statements', restart, "
                 "then CREATE EXTENSION pg_stat_statements.",
                 cell(r, "preloaded"), *cell(r, "preloaded") ? ", " : "");
    else if (!rows_text(r, 0, "schema"))
        snprintf(dst, size, "CREATE EXTENSION pg_stat_statements;");
    else
        snprintf(dst, size,
                 "ALTER SYSTEM SET pg_stat_statements.track = 'top'; "
                 "SELECT pg_reload_conf();");
}

bool observed_probe(const struct rows *r, const char *database, struct observed_source *s,
                    char *note, size_t size, struct err *e)
{
    char help[200];
    const char *track = r ? rows_text(r, 0, "track") : NULL;

    memset(s, 0, sizeof *s);
    note[0] = '\0';
    if (!r || r->nrows != 1)
        return err_set(e, ERR_FORMAT, "the server does not say how its traffic can be measured");
    text_copy_raw(s->database, sizeof s->database, database);
    s->active_time = rows_bool(r, 0, "active_time", false) &&
                     strcmp(cell(r, "track_counts"), "off") != 0;
    s->apart = rows_bool(r, 0, "read_stats", false);
    if (track && strcmp(track, "none") != 0)
        s->form = form_of(cell(r, "version"));
    if (s->form) {
        text_copy_raw(s->schema, sizeof s->schema, cell(r, "schema"));
        if (!s->apart)
            snprintf(note, size,
                     "the statements of other roles cannot be told apart: GRANT "
                     "pg_read_all_stats would mend that");
        return true;
    }
    missing_text(r, help, sizeof help);
    if (!s->active_time) {
        err_set(e, ERR_REFUSED, "the traffic of database %s cannot be measured", database);
        err_detail(e, "pg_stat_statements is not usable there, and pg_stat_database of this "
                      "server does not tell how long its sessions were at work.");
        return err_hint(e, "%s", help);
    }
    s->apart = false;
    snprintf(note, size,
             "without pg_stat_statements the average is one of all transactions: a change of the "
             "mix counts as an effect. %s",
             help);
    return true;
}

/* ---- statements ---- */

/* The text of an asset with $DATABASE, $SCHEMA and $ONLY filled in; comments in front are left out. */
static void fill(const char *asset, const struct observed_source *s, const char *only,
                 struct buf *out)
{
    const char *text = asset_sql(asset);

    while (*text) {
        size_t n = strcspn(text, "$");
        buf_append(out, text, n);
        text += n;
        if (strncmp(text, "$DATABASE", 9) == 0) {
            quote_literal(out, s->database);
            text += 9;
        } else if (strncmp(text, "$SCHEMA", 7) == 0) {
            quote_ident(out, s->schema);
            text += 7;
        } else if (strncmp(text, "$ONLY", 5) == 0) {
            buf_puts(out, only);
            text += 5;
        } else if (*text) {
            buf_putc(out, *text++);
        }
    }
}

void observed_now_sql(const struct observed_source *s, struct buf *out)
{
    fill(s->active_time ? "sql/observe_now_14.sql" : "sql/observe_now_12.sql", s, "", out);
}

void observed_statements_sql(const struct observed_source *s, const int64_t *only, int n,
                             struct buf *out)
{
    struct buf list = {0};
    char asset[64];

    snprintf(asset, sizeof asset, "sql/observe_statements_%d.sql", s->form);
    for (int i = 0; only && i < n; i++)
        buf_printf(&list, "%s%lld", i ? "," : "AND coalesce(queryid, 0) IN (", (long long)only[i]);
    if (list.len)
        buf_putc(&list, ')');
    fill(asset, s, buf_text(&list), out);
    buf_clear(&list);
}

/* ---- snapshots ---- */

static double figure(const struct rows *r, int row, const char *name)
{
    return rows_double(r, row, name, NAN);
}

bool observed_now_read(const struct rows *r, struct observed_now *now)
{
    if (!r || r->nrows != 1)
        return false;
    now->at_s = figure(r, 0, "at");
    now->commits = figure(r, 0, "commits");
    now->rollbacks = figure(r, 0, "rollbacks");
    now->active_ms = figure(r, 0, "active_ms");
    now->reset_at = figure(r, 0, "reset_at");
    now->active = figure(r, 0, "active");
    now->oldest_ms = figure(r, 0, "oldest_ms");
    return isfinite(now->at_s) && now->commits >= 0 && now->rollbacks >= 0;
}

static int by_id(const void *a, const void *b)
{
    const struct observed_statement *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

void observed_read(const struct rows *r, struct observed *o)
{
    int rows = r ? r->nrows : 0;

    memset(o, 0, sizeof *o);
    o->dealloc = o->reset_at = NAN;
    if (rows > OBSERVED_MAX)
        rows = OBSERVED_MAX;
    o->items = xcalloc((size_t)rows + 1, sizeof *o->items);
    for (int i = 0; i < rows; i++) {
        struct observed_statement s = {
            .id = rows_int64(r, i, "id", 0),
            .calls = figure(r, i, "calls"),
            .ms = figure(r, i, "ms"),
            .square = figure(r, i, "square"),
            .temp_blocks = figure(r, i, "temp_blocks"),
            .read_blocks = figure(r, i, "read_blocks"),
            .hit_blocks = figure(r, i, "hit_blocks"),
            .jit_ms = figure(r, i, "jit_ms"),
        };
        if (isfinite(s.calls) && s.calls >= 0 && isfinite(s.ms) && s.ms >= 0)
            o->items[o->n++] = s;
    }
    if (rows > 0) {
        o->dealloc = figure(r, 0, "dealloc");
        o->reset_at = figure(r, 0, "reset_at");
    }
    qsort(o->items, (size_t)o->n, sizeof *o->items, by_id);
    int kept = 0; /* an id stands there once */
    for (int i = 0; i < o->n; i++)
        if (i == 0 || o->items[i].id != o->items[kept - 1].id)
            o->items[kept++] = o->items[i];
    o->n = kept;
}

void observed_from_now(const struct observed_now *now, double own, struct observed *o)
{
    memset(o, 0, sizeof *o);
    o->dealloc = NAN;
    o->reset_at = now->reset_at;
    o->items = xcalloc(1, sizeof *o->items);
    o->n = 1;
    o->items[0] = (struct observed_statement){.calls = fmax(0, now->commits + now->rollbacks - own),
                                              .ms = now->active_ms,
                                              .square = NAN,
                                              .temp_blocks = NAN,
                                              .read_blocks = NAN,
                                              .hit_blocks = NAN,
                                              .jit_ms = NAN};
}

void observed_clear(struct observed *o)
{
    free(o->items);
    memset(o, 0, sizeof *o);
}

const struct observed_statement *observed_find(const struct observed *o, int64_t id)
{
    struct observed_statement key = {.id = id};

    return o->n ? bsearch(&key, o->items, (size_t)o->n, sizeof *o->items, by_id) : NULL;
}

void observed_pick(const struct observed *o, const int64_t *ids, int n, struct observed *out)
{
    memset(out, 0, sizeof *out);
    out->dealloc = o->dealloc;
    out->reset_at = o->reset_at;
    out->items = xcalloc((size_t)o->n + 1, sizeof *out->items);
    for (int i = 0; i < o->n; i++) {
        bool wanted = false;
        for (int k = 0; k < n && !wanted; k++)
            wanted = ids[k] == o->items[i].id;
        if (wanted)
            out->items[out->n++] = o->items[i];
    }
}

double observed_calls(const struct observed *o)
{
    double sum = 0;

    for (int i = 0; i < o->n; i++)
        sum += o->items[i].calls;
    return sum;
}

double observed_ms(const struct observed *o)
{
    double sum = 0;

    for (int i = 0; i < o->n; i++)
        sum += o->items[i].ms;
    return sum;
}

/* Both unknown, or the same moment. */
static bool same_moment(double a, double b)
{
    return isnan(a) ? isnan(b) : fabs(a - b) < 0.001;
}

/* Rounding may let a sum of squares go back by a hair; what is unknown stays so. */
static double grown(double from, double to)
{
    return to < from ? 0 : to - from;
}

bool observed_diff(const struct observed *a, const struct observed *b, struct observed *out,
                   struct err *e)
{
    static const struct observed_statement none;
    bool ok = a->n == 0 || b->n == 0 || same_moment(a->reset_at, b->reset_at);
    bool evicted = a->n > 0 && b->n > 0 && b->dealloc > a->dealloc;

    memset(out, 0, sizeof *out);
    out->dealloc = b->dealloc;
    out->reset_at = b->reset_at;
    out->items = xcalloc((size_t)b->n + 1, sizeof *out->items);
    for (int i = 0; i < b->n; i++) {
        const struct observed_statement *to = &b->items[i], *was = observed_find(a, to->id);
        const struct observed_statement *from = was ? was : &none;
        struct observed_statement d = {.id = to->id,
                                       .calls = to->calls - from->calls,
                                       .ms = grown(from->ms, to->ms),
                                       .square = grown(from->square, to->square),
                                       .temp_blocks = grown(from->temp_blocks, to->temp_blocks),
                                       .read_blocks = grown(from->read_blocks, to->read_blocks),
                                       .hit_blocks = grown(from->hit_blocks, to->hit_blocks),
                                       .jit_ms = grown(from->jit_ms, to->jit_ms)};
        ok = ok && d.calls >= 0 && to->ms >= from->ms - 1;
        if (d.calls > 0)
            out->items[out->n++] = d;
    }
    if (ok && !evicted)
        return true;
    err_set(e, ERR_BUSY,
            evicted ? "pg_stat_statements has evicted statements during this window"
                    : "the statistics were reset during this window");
    return err_hint(e, evicted ? "Raise pg_stat_statements.max above the number of different "
                                 "statements; that needs a restart."
                               : "Let nobody reset statistics while a session runs.");
}

void observed_add(struct observed *total, const struct observed *window)
{
    struct observed_statement *all = xcalloc((size_t)total->n + (size_t)window->n + 1, sizeof *all);
    int n = 0, i = 0, j = 0;

    while (i < total->n || j < window->n) {
        bool left = j >= window->n || (i < total->n && total->items[i].id <= window->items[j].id);
        bool both = left && j < window->n && i < total->n &&
                    total->items[i].id == window->items[j].id;
        struct observed_statement s = left ? total->items[i] : window->items[j];
        if (both) {
            s.calls += window->items[j].calls;
            s.ms += window->items[j].ms;
            s.square += window->items[j].square;
            s.temp_blocks += window->items[j].temp_blocks;
            s.read_blocks += window->items[j].read_blocks;
            s.hit_blocks += window->items[j].hit_blocks;
            s.jit_ms += window->items[j].jit_ms;
        }
        all[n++] = s;
        i += left;
        j += !left || both;
    }
    free(total->items);
    total->items = all;
    total->n = n;
    total->dealloc = window->dealloc;
    total->reset_at = window->reset_at;
}

/* ---- figures ---- */

static void by_mix(const struct observed *reference, const struct observed *window, double least,
                   struct observed_figure *f)
{
    double now = 0, then = 0;

    f->statements = 0;
    for (int i = 0; i < reference->n; i++) {
        const struct observed_statement *r = &reference->items[i];
        const struct observed_statement *w = observed_find(window, r->id);
        if (!w || !(r->calls >= least) || !(w->calls >= least))
            continue;
        now += r->calls * w->ms / w->calls;
        then += r->ms;
        f->statements++;
    }
    f->coverage = then / observed_ms(reference);
    f->runtime_ms = observed_ms(reference) / observed_calls(reference) * now / then;
}

void observed_figure(const struct observed *reference, const struct observed *window,
                     struct observed_figure *f)
{
    by_mix(reference, window, few_calls, f);
    if (!(f->coverage >= most_of_it)) /* then the rare ones count, too */
        by_mix(reference, window, 1, f);
    if (!isfinite(f->runtime_ms))
        f->runtime_ms = NAN;
    if (!isfinite(f->coverage))
        f->coverage = 0;
    f->p95_ms = observed_p95(reference, window);
    if (!isfinite(f->p95_ms))
        f->p95_ms = NAN;
}

/* Variance of one call: of the window, and no less than the reference's, scaled to the window's mean: two calls alike prove
 * nothing. Unknown deviations are taken to be as large as the mean. */
static double call_variance(const struct observed_statement *r, const struct observed_statement *w)
{
    double mean = w->ms / w->calls, usual = r->ms / r->calls;
    double seen = w->square / w->calls - mean * mean;
    double before = (r->square / r->calls - usual * usual) / (usual * usual) * mean * mean;

    if (isnan(seen) || !isfinite(before))
        return mean * mean;
    return fmax(0, fmax(seen, before));
}

void observed_slower(const struct observed *reference, const struct observed *window,
                     struct observed_index *x)
{
    double took = 0, expected = 0, variance = 0;

    x->calls = 0;
    for (int i = 0; i < window->n; i++) {
        const struct observed_statement *w = &window->items[i];
        const struct observed_statement *r = observed_find(reference, w->id);
        if (!r || !(r->calls > 0) || !(w->calls > 0))
            continue;
        took += w->ms;
        expected += w->calls * r->ms / r->calls;
        variance += w->calls * call_variance(r, w);
        x->calls += w->calls;
    }
    x->ratio = expected > 0 ? took / expected : NAN;
    x->certain = expected > 0 ? (took - quantile_99 * sqrt(variance)) / expected : NAN;
}

/* The share of a log-normal variable with this mean and deviation that lies below x. */
static double below(double mean, double sd, double x)
{
    if (!(sd > 1e-9 * mean))
        return mean <= x;
    double variance = log1p(sd * sd / (mean * mean));
    return 0.5 * erfc((log(mean) - variance / 2 - log(x)) / sqrt(2 * variance));
}

struct part {
    double weight, mean, sd;
};

static int parts_of(const struct observed *reference, const struct observed *window,
                    struct part *out, double *weight, double *highest)
{
    int n = 0;

    *weight = *highest = 0;
    for (int i = 0; i < reference->n; i++) {
        const struct observed_statement *r = &reference->items[i];
        const struct observed_statement *w = observed_find(window, r->id);
        if (!w || !(w->calls > 0) || !(w->ms > 0) || isnan(w->square))
            continue;
        double mean = w->ms / w->calls;
        double sd = sqrt(fmax(0, w->square / w->calls - mean * mean));
        out[n++] = (struct part){r->calls, mean, sd};
        *weight += r->calls;
        *highest = fmax(*highest, mean + 20 * sd);
    }
    return n;
}

double observed_p95(const struct observed *reference, const struct observed *window)
{
    struct part *parts = xcalloc((size_t)reference->n + 1, sizeof *parts);
    double weight, high, low = 0;
    int n = parts_of(reference, window, parts, &weight, &high);

    for (int k = 0; n > 0 && k < 60; k++) {
        double middle = (low + high) / 2, share = 0;
        for (int i = 0; i < n; i++)
            share += parts[i].weight * below(parts[i].mean, parts[i].sd, middle);
        if (share < 0.95 * weight)
            low = middle;
        else
            high = middle;
    }
    free(parts);
    return n > 0 ? high : (double)NAN;
}

struct ranked {
    int64_t id;
    double ms;
};

static int by_time(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    return x->ms > y->ms ? -1 : x->ms < y->ms ? 1 : x->id < y->id ? -1 : x->id > y->id;
}

int observed_top(const struct observed *o, int max, int64_t *ids)
{
    struct ranked *all = xcalloc((size_t)o->n + 1, sizeof *all);
    int n = o->n < max ? o->n : max;

    for (int i = 0; i < o->n; i++)
        all[i] = (struct ranked){o->items[i].id, o->items[i].ms};
    qsort(all, (size_t)o->n, sizeof *all, by_time);
    for (int i = 0; i < n; i++)
        ids[i] = all[i].id;
    free(all);
    return n;
}

struct statement_run *observed_statements(const struct observed *o, int max, int *n)
{
    int64_t *ids = xcalloc((size_t)max + 1, sizeof *ids);
    struct statement_run *out = xcalloc((size_t)max + 1, sizeof *out);
    int top = observed_top(o, max, ids);

    *n = 0;
    for (int i = 0; i < top; i++) {
        const struct observed_statement *s = observed_find(o, ids[i]);
        if (s && s->calls > 0)
            out[(*n)++] = (struct statement_run){.id = s->id,
                                                 .calls = s->calls,
                                                 .ms = s->ms,
                                                 .rows = NAN,
                                                 .temp_blocks = s->temp_blocks};
    }
    free(ids);
    if (*n == 0) {
        free(out);
        out = NULL;
    }
    return out;
}
