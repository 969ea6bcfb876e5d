/* The verdict by script and statement; see statements.h. Pure.
 *
 * The unit is the run, as for the total: the mean time of a statement in one run is one observation, compared on the
 * logarithm. All that matter are looked at together, so each interval is widened by Bonferroni's rule: that one of them is
 * called slower, or costs a veto, by chance alone happens in at most one comparison of twenty. */
#include "pgd/runner/statements.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/runner/experiment.h"
#include "pgd/runner/stats.h"

enum {
    RUNS_LEAST = 3,   /* an arm, as for the total */
    CALLS_IN_RUN = 5, /* a mean of fewer says nothing */
    CALLS_IN_ARM = 30,
    IDS_MAX = 128
};

static const double share_least = 0.01, slower_most = 1.10, claim_least = 0.02, alpha = 0.05;

const char *statement_class_name(enum statement_class c)
{
    return c == STATEMENT_FASTER ? "faster" : c == STATEMENT_SLOWER ? "slower" : "no evidence";
}

/* ---- the runs of both arms ---- */

struct runs {
    const struct bench_run *arm[2][EXPERIMENT_RUNS_MAX + 1];
    int n[2];
};

static void add_run(struct runs *r, const struct bench_run *run)
{
    if (!run->valid || run->warmup || (run->arm != ARM_A && run->arm != ARM_B) ||
        r->n[run->arm] > EXPERIMENT_RUNS_MAX)
        return;
    r->arm[run->arm][r->n[run->arm]++] = run;
}

/* One script or statement: the logarithms of its mean time in each run that has enough of it. */
struct sample {
    double logs[2][EXPERIMENT_RUNS_MAX + 1];
    int n[2];
    double calls[2], ms[2], temp[2];
};

static void add_sample(struct sample *s, int arm, double calls, double mean_ms, double temp)
{
    if (!(calls > 0) || !(mean_ms > 0) || !isfinite(mean_ms))
        return;
    s->calls[arm] += calls;
    s->ms[arm] += calls * mean_ms;
    s->temp[arm] += temp;
    if (calls >= CALLS_IN_RUN)
        s->logs[arm][s->n[arm]++] = log(mean_ms);
}

static void sample_script(const struct runs *r, int script, struct sample *s)
{
    memset(s, 0, sizeof *s);
    s->temp[0] = s->temp[1] = NAN;
    for (int a = 0; a < 2; a++)
        for (int i = 0; i < r->n[a]; i++) {
            const struct script_run *t = &r->arm[a][i]->scripts[script];
            add_sample(s, a, t->n, t->mean_ms, NAN);
        }
}

static const struct statement_run *find_statement(const struct bench_run *run, int64_t id)
{
    for (int i = 0; i < run->nstatements; i++)
        if (run->statements[i].id == id)
            return &run->statements[i];
    return NULL;
}

static void sample_statement(const struct runs *r, int64_t id, struct sample *s)
{
    memset(s, 0, sizeof *s);
    for (int a = 0; a < 2; a++)
        for (int i = 0; i < r->n[a]; i++) {
            const struct statement_run *t = find_statement(r->arm[a][i], id);
            if (t)
                add_sample(s, a, t->calls, t->ms / t->calls, t->temp_blocks);
        }
}

/* ---- one verdict ---- */

static void fill(struct statement_verdict *v, const struct sample *s, const double *all_ms)
{
    double share[2];

    for (int a = 0; a < 2; a++)
        share[a] = all_ms[a] > 0 ? s->ms[a] / all_ms[a] : 0;
    /* the dearer of both: what was cheap and is not any more matters most of all */
    v->share = fmax(share[0], share[1]);
    v->mean_a = s->n[0] ? exp(stats_mean(s->logs[0], s->n[0])) : NAN;
    v->mean_b = s->n[1] ? exp(stats_mean(s->logs[1], s->n[1])) : NAN;
    v->calls_a = s->calls[0];
    v->calls_b = s->calls[1];
    v->temp_a = s->calls[0] > 0 ? s->temp[0] / s->calls[0] : NAN;
    v->temp_b = s->calls[1] > 0 ? s->temp[1] / s->calls[1] : NAN;
    v->ratio = v->mean_b / v->mean_a;
    v->lo = v->hi = NAN;
    v->matters = v->share >= share_least && v->calls_a >= CALLS_IN_ARM &&
                 v->calls_b >= CALLS_IN_ARM;
}

/* Quantiles of the family: for most statements the degrees of freedom are the same. */
struct bars {
    int family, df;
    double both, one; /* two-sided for the interval, one-sided for the veto */
};

static void bars_for(struct bars *b, int df)
{
    if (b->df == df)
        return;
    b->df = df;
    b->both = stats_t(1 - alpha / 2 / b->family, df);
    b->one = stats_t(1 - alpha / b->family, df);
}

/* The interval of the family, and what follows from it. */
static void judge(struct statement_verdict *v, const struct sample *s, struct bars *bars,
                  double floor)
{
    int na = s->n[0], nb = s->n[1], df = na + nb - 2;

    if (na < RUNS_LEAST || nb < RUNS_LEAST)
        return;
    double squares = stats_squares(s->logs[0], na) + stats_squares(s->logs[1], nb);
    double se = sqrt(squares / df) * sqrt(1.0 / na + 1.0 / nb);
    bars_for(bars, df);
    double d = log(v->ratio), half = bars->both * se;
    double least = 1 + fmax(claim_least, floor);
    v->lo = exp(d - half);
    v->hi = exp(d + half);
    if (v->lo > 1 && v->ratio >= least)
        v->cls = STATEMENT_SLOWER;
    else if (v->hi < 1 && v->ratio <= 1 / least)
        v->cls = STATEMENT_FASTER;
    v->veto = exp(d - bars->one * se) > slower_most;
}

/* ---- all of them ---- */

struct work {
    struct runs runs;
    struct sample samples[STATEMENTS_SHOWN];
    int64_t ids[IDS_MAX];
    int nids;
    double script_ms[2], statement_ms[2];
};

static void gather_ids(struct work *w)
{
    for (int a = 0; a < 2; a++)
        for (int i = 0; i < w->runs.n[a]; i++)
            for (int k = 0; k < w->runs.arm[a][i]->nstatements; k++) {
                const struct statement_run *s = &w->runs.arm[a][i]->statements[k];
                int at = 0;
                w->statement_ms[a] += s->ms;
                while (at < w->nids && w->ids[at] != s->id)
                    at++;
                if (at == w->nids && w->nids < IDS_MAX)
                    w->ids[w->nids++] = s->id;
            }
    for (int a = 0; a < 2; a++)
        for (int i = 0; i < w->runs.n[a]; i++)
            for (int k = 0; k < w->runs.arm[a][i]->nscripts; k++)
                w->script_ms[a] += w->runs.arm[a][i]->scripts[k].n *
                                   fmax(0, w->runs.arm[a][i]->scripts[k].mean_ms);
}

static void name_of(const struct statement_name *names, int n, int64_t id, char *dst, size_t size)
{
    for (int i = 0; i < n; i++)
        if (names[i].id == id) {
            text_copy(dst, size, names[i].text);
            return;
        }
    snprintf(dst, size, "statement %lld", (long long)id);
}

/* Keeps the items by falling share behind the scripts; what takes least falls off the end. */
static void insert(struct statements *out, struct work *w, int first,
                   const struct statement_verdict *v, const struct sample *s)
{
    int at = out->n;

    while (at > first && out->items[at - 1].share < v->share)
        at--;
    if (at == STATEMENTS_SHOWN)
        return;
    int last = out->n < STATEMENTS_SHOWN ? out->n : STATEMENTS_SHOWN - 1;
    memmove(&out->items[at + 1], &out->items[at], (size_t)(last - at) * sizeof out->items[0]);
    memmove(&w->samples[at + 1], &w->samples[at], (size_t)(last - at) * sizeof w->samples[0]);
    out->items[at] = *v;
    w->samples[at] = *s;
    out->n = last + 1;
}

static void add_scripts(struct statements *out, struct work *w, const struct sdl *plan)
{
    for (int i = 0; i < plan->nscripts && i < SCRIPTS_MAX; i++) {
        struct statement_verdict v = {.script = true, .id = i};
        struct sample s;
        sample_script(&w->runs, i, &s);
        if (!(s.calls[0] > 0) && !(s.calls[1] > 0))
            continue;
        fill(&v, &s, w->script_ms);
        text_copy(v.name, sizeof v.name, plan->scripts[i].name);
        w->samples[out->n] = s;
        out->items[out->n++] = v;
    }
}

void statements_compare(const struct experiment *x, const struct bench_run *more,
                        const struct sdl *plan, const struct statement_name *names, int nnames,
                        struct statements *out)
{
    struct work *w = xcalloc(1, sizeof *w);

    memset(out, 0, sizeof *out);
    for (int i = 0; i < x->n && i < EXPERIMENT_RUNS_MAX; i++)
        add_run(&w->runs, &x->runs[i]);
    if (more)
        add_run(&w->runs, more);
    gather_ids(w);
    add_scripts(out, w, plan);
    int scripts = out->n;
    for (int i = 0; i < w->nids; i++) {
        struct statement_verdict v = {.id = w->ids[i]};
        struct sample s;
        sample_statement(&w->runs, w->ids[i], &s);
        fill(&v, &s, w->statement_ms);
        name_of(names, nnames, v.id, v.name, sizeof v.name);
        insert(out, w, scripts, &v, &s);
    }
    out->by_statement = w->nids > 0;
    for (int i = 0; i < out->n; i++)
        out->tested += out->items[i].matters;
    struct bars bars = {.family = out->tested};
    for (int i = 0; i < out->n; i++)
        if (out->items[i].matters) {
            judge(&out->items[i], &w->samples[i], &bars, x->floor);
            out->vetoes += out->items[i].veto;
        }
    free(w);
}

bool statements_veto(const struct statements *s, char *why, size_t size)
{
    const struct statement_verdict *worst = NULL; /* which costs most time */
    char name[64], ends[64];

    why[0] = '\0';
    for (int i = 0; i < s->n; i++)
        if (s->items[i].veto && (!worst || s->items[i].share * (s->items[i].ratio - 1) >
                                               worst->share * (worst->ratio - 1)))
            worst = &s->items[i];
    if (!worst)
        return false;
    text_copy(name, sizeof name, worst->name);
    text_interval(ends, sizeof ends, worst->lo, worst->hi, 0);
    snprintf(why, size, "%s is %.0f %% slower (95 %% interval %s), %.0f %% of the time", name,
             (worst->ratio - 1) * 100, ends, worst->share * 100);
    if (s->vetoes > 1) {
        size_t at = strlen(why);
        snprintf(why + at, size - at, "; and %d more", s->vetoes - 1);
    }
    return true;
}

/* ---- pg_stat_statements ---- */

/* The extension's own version says which columns it has: after pg_upgrade it may be older than the server. */
static int form_of(const char *version)
{
    char *end;
    long major = strtol(version, &end, 10);
    long minor = *end == '.' ? strtol(end + 1, NULL, 10) : 0;

    if (major != 1)
        return major > 1 ? 15 : 0;
    return minor >= 9 ? 14 : minor == 8 ? 13 : minor >= 4 ? 12 : 0;
}

void statements_probe(const struct rows *r, const char *database, struct statements_source *s,
                      char *note, size_t size)
{
    const char *track = r && r->nrows == 1 ? rows_text(r, 0, "track") : NULL;
    const char *schema = track ? rows_text(r, 0, "schema") : NULL;
    const char *version = schema ? rows_text(r, 0, "version") : NULL;

    memset(s, 0, sizeof *s);
    note[0] = '\0';
    text_copy_raw(s->database, sizeof s->database, database);
    if (version && strcmp(track, "none") != 0)
        s->form = form_of(version);
    if (s->form)
        text_copy_raw(s->schema, sizeof s->schema, schema);
    else
        text_copy(note, size,
                  !track ? "pg_stat_statements is not loaded"
                  : !schema
                      ? "pg_stat_statements has no extension in the database of this connection"
                      : "pg_stat_statements is not usable here");
}

static void from_view(const struct statements_source *s, bool text, struct buf *out)
{
    buf_puts(out, " FROM ");
    quote_ident(out, s->schema);
    buf_printf(out,
               ".pg_stat_statements(%s) WHERE queryid IS NOT NULL AND dbid = "
               "(SELECT oid FROM pg_catalog.pg_database WHERE datname = ",
               text ? "true" : "false");
    quote_literal(out, s->database);
    buf_puts(out, ") AND userid = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = "
                  "current_user)");
    if (s->form >= 14)
        buf_puts(out, " AND toplevel");
}

void statements_sql(const struct statements_source *s, struct buf *out)
{
    buf_printf(out,
               "SELECT queryid AS id, sum(calls) AS calls, sum(%s) AS ms, sum(rows) AS rows, "
               "sum(temp_blks_written) AS temp_blocks",
               s->form >= 13 ? "total_exec_time" : "total_time");
    from_view(s, false, out);
    buf_puts(out, " GROUP BY queryid ORDER BY ms DESC LIMIT 2000");
}

void statements_names_sql(const struct statements_source *s, const int64_t *ids, int n,
                          struct buf *out)
{
    buf_printf(out, "SELECT queryid AS id, pg_catalog.min(pg_catalog.left(query, %d)) AS query",
               STATEMENT_TEXT_MAX * 2);
    from_view(s, true, out);
    buf_puts(out, " AND queryid IN (");
    for (int i = 0; i < n; i++)
        buf_printf(out, "%s%lld", i ? "," : "", (long long)ids[i]);
    buf_puts(out, ") GROUP BY queryid");
}

static int by_id(const void *a, const void *b)
{
    const struct statement_run *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static int by_time(const void *a, const void *b)
{
    const struct statement_run *x = a, *y = b;

    return x->ms > y->ms ? -1 : x->ms < y->ms ? 1 : by_id(a, b);
}

struct statement_run *statements_read(const struct rows *r, int *n)
{
    int rows = r ? r->nrows : 0;
    struct statement_run *all = xcalloc((size_t)rows + 1, sizeof *all);

    *n = 0;
    for (int i = 0; i < rows; i++) {
        struct statement_run s = {.id = rows_int64(r, i, "id", 0),
                                  .calls = rows_double(r, i, "calls", NAN),
                                  .ms = rows_double(r, i, "ms", NAN),
                                  .rows = rows_double(r, i, "rows", NAN),
                                  .temp_blocks = rows_double(r, i, "temp_blocks", NAN)};
        if (s.id != 0 && isfinite(s.calls) && s.calls >= 0 && isfinite(s.ms) && s.ms >= 0)
            all[(*n)++] = s;
    }
    qsort(all, (size_t)*n, sizeof *all, by_id);
    return all;
}

struct statement_run *statements_diff(const struct statement_run *a, int na,
                                      const struct statement_run *b, int nb, int *n)
{
    struct statement_run *out = xcalloc((size_t)nb + 1, sizeof *out);

    *n = 0;
    for (int i = 0; i < nb; i++) {
        const struct statement_run *was = na ? bsearch(&b[i], a, (size_t)na, sizeof *a, by_id)
                                             : NULL;
        struct statement_run d = b[i];
        if (was) {
            d.calls -= was->calls;
            d.ms -= was->ms;
            d.rows -= was->rows;
            d.temp_blocks -= was->temp_blocks;
        }
        /* counters that went back were reset meanwhile: what this run did nobody knows */
        if (d.calls >= 1 && d.ms > 0)
            out[(*n)++] = d;
    }
    qsort(out, (size_t)*n, sizeof *out, by_time);
    if (*n > STATEMENTS_KEPT)
        *n = STATEMENTS_KEPT;
    return out;
}

/* One line, without what only indents it. */
static void squeeze(char *s)
{
    char *to = s;

    for (const char *p = s; *p; p++)
        if (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r') {
            if (to > s && to[-1] != ' ')
                *to++ = ' ';
        } else {
            *to++ = *p;
        }
    while (to > s && to[-1] == ' ')
        to--;
    *to = '\0';
}

void statements_names_read(const struct rows *r, struct statement_name *names, int *n, int max)
{
    for (int i = 0; r && i < r->nrows && *n < max; i++) {
        const char *query = rows_text(r, i, "query");
        char raw[STATEMENT_TEXT_MAX * 4 + 1];
        int64_t id = rows_int64(r, i, "id", 0);
        if (!query || id == 0)
            continue;
        text_copy_raw(raw, sizeof raw, query);
        squeeze(raw);
        names[*n].id = id;
        text_copy(names[(*n)++].text, STATEMENT_TEXT_MAX, raw);
    }
}
