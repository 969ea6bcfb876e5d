/* Which statements a workload takes, its scripts, and what is told of them. */
#include "pgd/runner/derivation.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/runner/script.h"

void derivation_leave_out(struct derivation *d, const char *why)
{
    text_copy(d->rows[d->at].why, sizeof d->rows[0].why, why);
    derived_clear(&d->now);
}

bool derivation_read(struct derivation *d)
{
    const struct traffic_row *row = &d->traffic.rows[d->at];

    if (row->kind == TRAFFIC_HIDDEN) {
        derivation_leave_out(d, "the role may not see it (pg_read_all_stats)");
        return false;
    }
    if (!row->query || row->kind != TRAFFIC_READ) {
        derivation_leave_out(d, "writes");
        return false;
    }
    if (!derive_read(row->query, &d->now)) {
        char why[160];
        text_copy(why, sizeof why, d->now.why);
        derivation_leave_out(d, why);
        return false;
    }
    d->now.rows_per_call = row->rows / row->calls;
    d->now.mean_ms = row->total_ms / row->calls;
    d->best_level = -1;
    d->best_score = d->best_ms = NAN;
    d->level = d->value_at = d->tries = 0;
    err_clear(&d->last);
    return true;
}

bool derivation_script(const struct derivation *d, int level, struct buf *out)
{
    const struct traffic_row *row = &d->traffic.rows[d->at];
    struct buf title = {0};

    buf_printf(
        &title,
        "-- %.1f %% of the server's time: %.0f calls, %.3f ms and %.1f rows each (query %s)\n",
        100 * row->share, row->calls, d->now.mean_ms, d->now.rows_per_call, row->id);
    bool fits = derive_script(&d->now, buf_text(&title), d->at + 1, level, out);
    buf_clear(&title);
    return fits;
}

double derivation_score(const struct derivation *d, double ms, double rows)
{
    double score = 0;

    if (isfinite(ms) && d->now.mean_ms >= 0) /* below some microseconds all are alike */
        score += fabs(log((ms + 0.02) / (d->now.mean_ms + 0.02)));
    if (isfinite(rows) && d->now.rows_per_call >= 0)
        score += 0.7 * fabs(log((rows + 1) / (d->now.rows_per_call + 1)));
    return score;
}

/* "03-orders": the place by time, and the first table. */
static void name_script(struct derivation *d)
{
    struct derivation_row *row = &d->rows[d->at];
    char table[40] = "";
    size_t n = 0;
    const char *name = d->now.ntables > 0 ? d->now.tables[0].name : "";
    const char *dot = strrchr(name, '.');

    for (const char *p = dot ? dot + 1 : name; *p && n + 1 < sizeof table; p++)
        if ((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_' ||
            (*p >= 'A' && *p <= 'Z'))
            table[n++] = *p;
    table[n] = '\0';
    snprintf(row->name, sizeof row->name, "%02d-%s.sql", d->at + 1, n ? table : "statement");
}

void derivation_take(struct derivation *d)
{
    struct derivation_row *row = &d->rows[d->at];
    struct buf script = {0};
    struct err e = {0};

    if (!derivation_script(d, d->best_level, &script)) {
        derivation_leave_out(d, "is too long for a script");
        return;
    }
    name_script(d);
    if (!script_check(row->name, buf_text(&script), script.len, &e)) {
        buf_clear(&script);
        derivation_leave_out(d, e.msg);
        return;
    }
    row->taken = true;
    row->script = buf_take(&script);
    row->ran_ms = d->best_ms;
    row->level = d->best_level;
    derived_clear(&d->now);
}

int derivation_taken(const struct derivation *d)
{
    int n = 0;

    for (int i = 0; i < d->traffic.n; i++)
        n += d->rows[i].taken;
    return n;
}

double derivation_share(const struct derivation *d)
{
    double share = 0;

    for (int i = 0; i < d->traffic.n; i++)
        if (d->rows[i].taken)
            share += d->traffic.rows[i].share;
    return share;
}

int derivation_plan(const struct derivation *d, struct sdl *plan, char (*text)[8192])
{
    double calls[SCRIPTS_MAX] = {0};
    int weights[SCRIPTS_MAX] = {0}, n = 0;

    for (int i = 0; i < d->traffic.n && n < SCRIPTS_MAX; i++) {
        const struct derivation_row *row = &d->rows[i];
        struct script *s = &plan->scripts[n];
        if (!row->taken)
            continue;
        memset(s, 0, sizeof *s);
        text_copy_raw(s->name, sizeof s->name, row->name);
        snprintf(s->path, sizeof s->path, "text:%s", row->name);
        text_copy_raw(text[n], sizeof text[n], row->script);
        calls[n++] = d->traffic.rows[i].calls;
    }
    derive_weights(calls, n, weights);
    for (int i = 0; i < n; i++)
        plan->scripts[i].weight = weights[i];
    plan->nscripts = n;
    return n;
}

void derivation_note(const struct derivation *d, char *dst, size_t size)
{
    int left = 0;
    double share = 0;

    for (int i = 0; i < d->traffic.n; i++)
        if (d->rows[i].why[0]) {
            left++;
            share += d->traffic.rows[i].share;
        }
    snprintf(dst, size,
             "%d of %d statements, %.0f %% of their time; writes are %.0f %%; left out by name: %d "
             "(%.0f %%)",
             derivation_taken(d), d->traffic.statements, 100 * derivation_share(d),
             100 * d->traffic.write_share, left, 100 * share);
}

void derivation_clear(struct derivation *d)
{
    for (int i = 0; i < TRAFFIC_MAX; i++)
        free(d->rows[i].script);
    derived_clear(&d->now);
    traffic_clear(&d->traffic);
    memset(d, 0, sizeof *d);
}

/* "Execution Time: 1.234 ms", and the rows of the topmost node. */
void derivation_measured(const struct rows *r, double *ms, double *rows)
{
    *ms = *rows = NAN;
    for (int i = 0; r && r->ncols == 1 && i < r->nrows; i++) {
        const char *line = r->cells[i] ? r->cells[i] : "";
        const char *time = strstr(line, "Execution Time: ");
        const char *actual = strstr(line, "(actual "), *n = actual ? strstr(actual, "rows=") : NULL;
        if (time)
            *ms = strtod(time + 16, NULL);
        if (n && isnan(*rows))
            *rows = strtod(n + 5, NULL);
        else if (isnan(*rows) && strstr(line, "(never executed)"))
            *rows = 0;
    }
}
