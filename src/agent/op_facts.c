/* The evidence as lines of text, and a look-up of figures in it: is this number one that was measured?
 *
 * A figure may be written in other units and rounded: "128 MB" is 16384 pages of 8 kB, "+17 %" a ratio of 1.172. So each number
 * of the evidence counts as it stands and in the base unit (bytes, milliseconds, shares), and a claim holds when one of them
 * lies within its own rounding, or within 1 %. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/bottleneck.h"
#include "pgd/agent/op_parts.h"
#include "pgd/agent/score.h"
#include "pgd/base/text.h"

/* ---- numbers in texts ---- */

struct token {
    double raw;    /* as it stands */
    double base;   /* in the base unit; raw without a unit */
    double slack;  /* of base: half of the last digit that is written out */
    double rslack; /* … of raw */
    bool sign, percent, point, rate, size;
    size_t from, to;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static const struct {
    const char *name;
    double factor;
    bool size, percent, rate;
} units[] = {
    {"kB", 1024, true, false, false},
    {"KB", 1024, true, false, false},
    {"MB", 1048576, true, false, false},
    {"GB", 1073741824, true, false, false},
    {"TB", 1099511627776, true, false, false},
    {"KiB", 1024, true, false, false},
    {"MiB", 1048576, true, false, false},
    {"GiB", 1073741824, true, false, false},
    {"%", 0.01, false, true, false},
    {"percent", 0.01, false, true, false},
    {"TPS", 1, false, false, true},
    {"tps", 1, false, false, true},
    {"us", 0.001, false, false, false},
    {"ms", 1, false, false, false},
    {"s", 1000, false, false, false},
    {"seconds", 1000, false, false, false},
    {"min", 60000, false, false, false},
    {"minutes", 60000, false, false, false},
    {"h", 3600000, false, false, false},
    {"hours", 3600000, false, false, false},
    {"d", 86400000, false, false, false},
    {"days", 86400000, false, false, false},
};

static void take_unit(const char *s, size_t len, struct token *t)
{
    size_t at = t->to + (t->to < len && s[t->to] == ' ');
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        size_t n = strlen(units[i].name);
        if (at + n > len || memcmp(s + at, units[i].name, n) != 0 ||
            (at + n < len && s[at] != '%' && (is_letter(s[at + n]) || is_digit(s[at + n]))))
            continue;
        t->base = t->raw * units[i].factor;
        t->slack = t->rslack * units[i].factor;
        t->size = units[i].size;
        t->percent = units[i].percent;
        t->rate = units[i].rate;
        t->to = at + n;
        return;
    }
}

/* Three digits and no fourth behind a blank or a comma: the next group of a number such as 4 502. */
static bool is_group(const char *s, size_t len, size_t at)
{
    return at + 3 < len && (s[at] == ' ' || s[at] == ',') && is_digit(s[at + 1]) &&
           is_digit(s[at + 2]) && is_digit(s[at + 3]) && (at + 4 >= len || !is_digit(s[at + 4]));
}

static size_t take_digits(const char *s, size_t len, size_t at, double *x)
{
    size_t from = at;
    for (; at < len && is_digit(s[at]); at++)
        *x = *x * 10 + (s[at] - '0');
    bool groups = at - from <= 3;
    for (; groups && is_group(s, len, at); at += 4)
        for (size_t i = 1; i <= 3; i++)
            *x = *x * 10 + (s[at + i] - '0');
    return at;
}

static size_t take_fraction(const char *s, size_t len, size_t at, struct token *t)
{
    if (at + 1 >= len || s[at] != '.' || !is_digit(s[at + 1]))
        return at;
    t->point = true;
    for (at++; at < len && is_digit(s[at]); at++) {
        t->rslack /= 10;
        t->raw += (s[at] - '0') * 2 * t->rslack;
    }
    return at;
}

/* e+20, as large figures are printed. */
static size_t take_exponent(const char *s, size_t len, size_t at, struct token *t)
{
    if (at + 2 >= len || s[at] != 'e' || (s[at + 1] != '+' && s[at + 1] != '-') ||
        !is_digit(s[at + 2]))
        return at;
    int power = 0;
    bool minus = s[at + 1] == '-';
    for (at += 2; at < len && is_digit(s[at]); at++)
        power = power < 400 ? power * 10 + (s[at] - '0') : power;
    t->raw *= pow(10, minus ? -power : power);
    t->rslack *= pow(10, minus ? -power : power);
    return at;
}

/* The next number of the text that is no part of a word (p95, round1). */
static bool next_token(const char *s, size_t len, size_t at, struct token *t)
{
    for (; at < len; at++) {
        if (is_letter(s[at])) {
            while (at + 1 < len && (is_letter(s[at + 1]) || is_digit(s[at + 1])))
                at++;
            continue;
        }
        if (!is_digit(s[at]))
            continue;
        *t = (struct token){.from = at, .rslack = 0.5};
        bool minus = at > 0 && s[at - 1] == '-';
        t->sign = at > 0 && (s[at - 1] == '+' || s[at - 1] == '-') &&
                  (at < 2 || !(is_digit(s[at - 2]) || is_letter(s[at - 2])));
        t->to = take_digits(s, len, at, &t->raw);
        t->to = take_fraction(s, len, t->to, t);
        t->to = take_exponent(s, len, t->to, t);
        if (minus && t->sign)
            t->raw = -t->raw;
        t->base = t->raw;
        t->slack = t->rslack;
        take_unit(s, len, t);
        return true;
    }
    return false;
}

/* ---- the index ---- */

static void add_number(struct fact_index *x, size_t *cap, double v)
{
    if (!isfinite(v))
        return;
    x->numbers = xgrow(x->numbers, cap, x->n + 1, sizeof *x->numbers);
    x->numbers[x->n++] = v;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

void fact_index_init(struct fact_index *x, const struct op_input *in)
{
    struct token t;
    size_t cap = 0;
    memset(x, 0, sizeof *x);
    op_facts(in, &x->text);
    const char *s = buf_text(&x->text);
    for (size_t at = 0; next_token(s, x->text.len, at, &t); at = t.to) {
        add_number(x, &cap, t.raw);
        if (t.base != t.raw)
            add_number(x, &cap, t.base);
    }
    if (x->n)
        qsort(x->numbers, x->n, sizeof *x->numbers, by_value);
}

void fact_index_clear(struct fact_index *x)
{
    buf_clear(&x->text);
    free(x->numbers);
    memset(x, 0, sizeof *x);
}

/* Is there a number within the slack, or 1 % of it? */
static bool near(const struct fact_index *x, double v, double slack)
{
    double by = fmax(slack, 0.01 * fabs(v)) * (1 + 1e-9);
    size_t lo = 0, hi = x->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (x->numbers[mid] < v - by)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < x->n && x->numbers[lo] <= v + by;
}

/* The sign of a number may be told in words: "3 % less". */
static bool known(const struct fact_index *x, const struct token *t)
{
    return near(x, t->raw, t->rslack) || near(x, t->base, t->slack) ||
           (!t->sign && (near(x, -t->raw, t->rslack) || near(x, -t->base, t->slack)));
}

static void say_missing(const char *text, const struct token *t, char *missing, size_t size)
{
    size_t from = t->from - t->sign, n = t->to - from;
    if (missing)
        say(missing, size, "%.*s", (int)(n < 60 ? n : 60), text + from);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* As a word, in any case. */
static bool has_word(const char *text, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = text; n && *at; at++) {
        size_t i = 0;
        while (i < n && lower(at[i]) == lower(word[i]))
            i++;
        bool begins = at == text || !(is_letter(at[-1]) || is_digit(at[-1]));
        if (i == n && begins && !is_letter(at[n]) && !is_digit(at[n]))
            return true;
    }
    return false;
}

bool fact_holds(const struct fact_index *x, const char *text, char *missing, size_t size)
{
    struct token t;
    size_t len = strlen(text), n = 0;
    for (size_t at = 0; next_token(text, len, at, &t); at = t.to, n++) {
        if (!known(x, &t)) {
            say_missing(text, &t, missing, size);
            return false;
        }
    }
    if (n > 0 || has_word(buf_text(&x->text), text))
        return true;
    if (missing)
        say(missing, size, "%.60s", text);
    return false;
}

bool fact_claims_hold(const struct fact_index *x, const char *text, enum fact_claims which,
                      char *missing, size_t size)
{
    struct token t;
    size_t len = strlen(text);
    for (size_t at = 0; next_token(text, len, at, &t); at = t.to) {
        bool claim = which == CLAIMS_EFFECTS
                         ? t.sign && t.percent
                         : t.sign || t.percent || t.point || t.rate || t.size || fabs(t.raw) > 99;
        if (claim && !known(x, &t)) {
            say_missing(text, &t, missing, size);
            return false;
        }
    }
    return true;
}

/* ---- the evidence in lines ---- */

static void num(struct buf *out, const char *name, double v, const char *unit)
{
    if (isfinite(v))
        buf_printf(out, "%s %.15g%s\n", name, v, unit);
}

static void ratio(struct buf *out, const char *name, double v)
{
    if (!isfinite(v))
        return;
    buf_printf(out, "%s %.15g, %+.15g %%", name, v, (v - 1) * 100);
    buf_printf(out, ", 1/%.15g\n", v != 0 ? 1 / v : 0);
}

static void put_settings(const struct server_facts *f, struct buf *out)
{
    for (int i = 0; i < f->settings.n; i++) {
        const struct setting *s = &f->settings.items[i];
        buf_printf(out, "%s = %s (%s%s; default %s; from %s; %s)\n", s->name, s->shown, s->value,
                   s->unit, s->boot, s->source, s->context);
        num(out, s->name, settings_number(&f->settings, s->name), "");
    }
}

static void put_host(const struct host_facts *h, struct buf *out)
{
    if (!h->known)
        return;
    buf_printf(out, "host %s %s %s cpus %d thp %s\n", h->kernel, h->os, h->cpu_model, h->cpus,
               h->thp);
    num(out, "memory", h->mem_total, "");
    num(out, "available", h->mem_available, "");
    num(out, "swap", h->swap_total, "");
    num(out, "cgroup", h->cgroup_mem_limit, "");
    num(out, "cgroup cpus", h->cgroup_cpus, "");
    num(out, "huge pages", (double)h->hugepages_total, "");
    num(out, "free huge pages", (double)h->hugepages_free, "");
    num(out, "swappiness", h->swappiness, "");
    num(out, "overcommit", h->overcommit, "");
    for (int i = 0; i < 2; i++) {
        const struct disk_facts *d = i ? &h->wal : &h->data;
        buf_printf(out, "disk %s %s %s\n", d->kind, d->fs, d->scheduler);
        num(out, "size", d->total_bytes, "");
        num(out, "free", d->free_bytes, "");
        num(out, "used", d->total_bytes - d->free_bytes, "");
    }
}

static void put_runtime(const struct runtime_facts *r, struct buf *out)
{
    const double all[] = {
        r->xact_commit,
        r->xact_rollback,
        r->blks_hit,
        r->blks_read,
        r->tup_returned,
        r->tup_fetched,
        r->temp_files,
        r->temp_bytes,
        r->deadlocks,
        r->conflicts,
        r->sessions,
        r->sessions_active,
        r->sessions_idle_tx,
        r->sessions_waiting,
        r->max_connections,
        r->ckpt_timed,
        r->ckpt_req,
        r->ckpt_write_ms,
        r->ckpt_sync_ms,
        r->buffers_ckpt,
        r->buffers_clean,
        r->buffers_backend,
        r->wal_bytes,
        r->wal_fpi,
        r->wal_records,
        r->wal_buffers_full,
        r->wal_sync_ms,
        r->replicas,
        r->replica_lag_s,
        r->slots_inactive,
        r->archive_failed,
        r->locks_waiting,
        r->longest_xact_s,
        r->prepared_xacts,
        r->indexes_invalid,
        r->dead_tuples,
        r->live_tuples,
        r->ckpt_req + r->ckpt_timed,
        r->dead_tuples + r->live_tuples,
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        num(out, "counter", all[i], "");
    num(out, "statistics since", r->stats_age_s, " s");
    num(out, "statistics since", r->stats_age_s / 86400, " d");
    num(out, "hit ratio", r->blks_hit / (r->blks_hit + r->blks_read), "");
    num(out, "missed", r->blks_read / (r->blks_hit + r->blks_read), "");
    num(out, "requested", r->ckpt_req / (r->ckpt_req + r->ckpt_timed), "");
    num(out, "dead", r->dead_tuples / (r->dead_tuples + r->live_tuples), "");
    num(out, "temporary file", r->temp_bytes / r->temp_files, "");
    num(out, "of connections", r->sessions / r->max_connections, "");
    num(out, "page images", r->wal_fpi * 8192 / r->wal_bytes, "");
}

static void put_server(const struct server_facts *f, struct buf *out)
{
    double sum = 0;
    if (!f)
        return;
    buf_printf(out, "PostgreSQL %s %d %d\n", f->id.version, f->id.version_num,
               f->id.version_num / 10000);
    put_settings(f, out);
    put_host(&f->host, out);
    put_runtime(&f->runtime, out);
    num(out, "databases", f->ndatabases, "");
    for (int i = 0; i < f->ndatabases; i++) {
        num(out, f->databases[i].name, f->databases[i].bytes, "");
        sum += f->databases[i].bytes > 0 ? f->databases[i].bytes : 0;
    }
    num(out, "all databases", sum, "");
    for (int i = 0; i < f->nrelations; i++) {
        num(out, f->relations[i].name, f->relations[i].bytes, "");
        num(out, f->relations[i].name, f->relations[i].tuples, "");
    }
    for (int i = 0; i < f->nindexes; i++) {
        const struct index_facts *x = &f->indexes[i];
        buf_printf(out, "%s on %s: %.15g, %.15g scans, %.15g writes\n", x->name, x->table, x->bytes,
                   x->scans, x->writes);
    }
    for (int i = 0; i < f->ntables; i++) {
        const struct table_facts *t = &f->tables[i];
        buf_printf(out,
                   "%s: %.15g, %.15g updated, %.15g hot, %.15g live, %.15g dead, %.15g, %.15g %s\n",
                   t->name, t->bytes, t->updated, t->hot, t->live, t->dead, t->vacuums, t->indexes,
                   t->options);
        num(out, "hot", t->hot / t->updated, "");
        num(out, "dead", t->dead / (t->live + t->dead), "");
    }
}

static void put_window(const char *name, const struct window *w, struct buf *out)
{
    if (!w || !w->valid)
        return;
    const double all[] = {
        w->commits,
        w->rollbacks,
        w->tps,
        w->blks_hit,
        w->blks_read,
        w->hit_ratio,
        1 - w->hit_ratio,
        w->tup_returned,
        w->tup_fetched,
        w->tup_written,
        w->temp_files,
        w->temp_bytes,
        w->deadlocks,
        w->ckpt_timed,
        w->ckpt_req,
        w->buffers_backend,
        w->buffers_ckpt,
        w->buffers_clean,
        w->wal_bytes,
        w->wal_fpi,
        w->wal_records,
        w->wal_buffers_full,
        w->active_avg,
        w->active_peak,
        w->lock_wait_share,
        w->cpu_user,
        w->cpu_sys,
        w->cpu_iowait,
        w->cpu_idle,
        1 - w->cpu_idle,
        w->cpu_steal,
        w->run_queue,
        w->mem_available_min,
        w->disk_read_bps,
        w->disk_write_bps,
        w->disk_util,
        w->psi_cpu,
        w->psi_io,
        w->psi_mem,
        w->swap_in,
        w->swap_out,
        w->net_bps,
        w->wal_fpi * 8192 / w->wal_bytes,
        w->wal_bytes / w->commits,
        w->temp_bytes / w->temp_files,
        fmin(1, w->wal_fpi * 8192 / w->wal_bytes),
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        num(out, name, all[i], "");
    const double rates[] = {w->temp_bytes, w->wal_bytes, w->blks_read, w->blks_hit,
                            w->temp_files, w->commits,   w->wal_fpi,   w->wal_records};
    for (size_t i = 0; i < ARRAY_LEN(rates); i++)
        num(out, "a second", rates[i] / w->secs, "");
    num(out, name, w->secs, " s");
    num(out, name, w->disk_await_ms, " ms");
    for (int i = 0; i < w->nwaits && i < WAITS_MAX; i++)
        num(out, w->waits[i].event, w->waits[i].share, "");
    num(out, "WAL waits", window_wait(w, "IO:WAL") + window_wait(w, "LWLock:WAL"), "");
}

static void put_plan_facts(const struct plan_facts *p, struct buf *out)
{
    const double all[] = {p->total_cost,
                          p->sort_disk_kb * 1024,
                          p->sort_mem_kb * 1024,
                          p->hash_batches,
                          p->hash_mem_kb * 1024,
                          p->hash_disk_kb * 1024,
                          p->workers_planned,
                          p->workers_launched,
                          p->seq_scan_rows_removed,
                          p->seq_scan_rows,
                          p->seq_scan_rows + p->seq_scan_rows_removed,
                          p->seq_scans,
                          p->index_scans,
                          p->nested_loops,
                          p->sorts,
                          p->hashes,
                          p->index_rows,
                          p->worst_misestimate,
                          p->shared_read,
                          p->shared_hit,
                          p->temp_read,
                          p->temp_written,
                          p->shared_read * 8192,
                          p->shared_hit * 8192,
                          p->temp_written * 8192};
    if (!p->valid)
        return;
    buf_printf(out, "plan of %s %s on %s %s\n", p->script, p->query, p->seq_scan_rel, p->index_rel);
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        num(out, "plan", all[i], "");
    num(out, "execution", p->exec_ms, " ms");
    num(out, "planning", p->plan_ms, " ms");
    num(out, "jit", p->jit_ms, " ms");
    num(out, "jit", p->jit_ms / p->exec_ms, "");
}

static void put_verdict(const struct verdict *v, struct buf *out)
{
    if (!v)
        return;
    ratio(out, "effect", v->ratio);
    ratio(out, "from", v->ci_lo);
    ratio(out, "to", v->ci_hi);
    num(out, "noise", v->floor, "");
    num(out, "detectable", v->detectable, "");
    buf_printf(out, "runs %d and %d: %s %s\n", v->runs_a, v->runs_b, verdict_name(v->kind),
               v->note);
    num(out, "before", v->tps_a, " TPS");
    num(out, "after", v->tps_b, " TPS");
    num(out, "p95 before", v->p95_a, " ms");
    num(out, "p95 after", v->p95_b, " ms");
}

static void put_change(const struct setting_change *c, struct buf *out)
{
    buf_printf(out, "%s = %s: %s; %s\n", c->name, c->value, c->why, c->evidence);
    if (isfinite(c->expect_lo) && isfinite(c->expect_hi))
        buf_printf(out, "expected %+.15g to %+.15g %%\n", c->expect_lo, c->expect_hi);
}

static void put_history(const struct evidence *e, struct buf *out)
{
    char score[300];
    num(out, "rounds", e->nhistory, "");
    int kept = 0;
    for (int i = 0; i < e->nhistory; i++) {
        const struct round_history *r = &e->history[i];
        buf_printf(out, "round %d %s\n", r->number, r->kept ? "kept" : r->failed ? "failed" : "");
        kept += r->kept;
        for (int k = 0; k < r->n; k++)
            put_change(&r->changes[k], out);
        for (int k = 0; k < r->nsets && k < SETS_MAX; k++) {
            ratio(out, "screened", r->sets[k].ratio);
            ratio(out, "from", r->sets[k].lo);
            ratio(out, "to", r->sets[k].hi);
        }
        put_verdict(&r->verdict, out);
        put_window("round", &r->window, out);
    }
    num(out, "kept", kept, "");
    score_text(e, score, sizeof score);
    buf_printf(out, "%s\n", score);
}

static void put_session(const struct evidence *e, struct buf *out)
{
    const struct sdl *p = e->plan;
    num(out, "baseline", e->baseline_tps, " TPS");
    num(out, "best", e->best_tps, " TPS");
    ratio(out, "best", e->best_tps / e->baseline_tps);
    num(out, "p95", e->baseline_p95_ms, " ms");
    num(out, "noise", e->floor, "");
    num(out, "client", e->client_cpu, "");
    num(out, "left", e->seconds_left, " s");
    if (p) {
        buf_printf(out, "%s %s %s %s %s\n", p->strategy, p->hypothesis, p->workload, p->protocol,
                   p->success);
        buf_printf(out, "%d clients %d threads %d s %d s %d %d runs %d rounds %d s\n", p->clients,
                   p->threads, p->duration_s, p->warmup_s, p->min_runs, p->max_runs, p->rounds,
                   p->budget_s);
        num(out, "target", p->target_tps, " TPS");
        num(out, "rate", p->rate, " TPS");
    }
    for (int i = 0; i < e->nplans; i++)
        put_plan_facts(&e->plans[i], out);
    put_history(e, out);
    for (int i = 0; i < e->nrejected; i++)
        buf_printf(out, "rejected %s = %s\n", e->rejected[i].name, e->rejected[i].value);
    for (int i = 0; i < e->nremembered; i++) {
        buf_printf(out, "earlier %s = %s\n", e->remembered[i].name, e->remembered[i].value);
        ratio(out, "earlier", e->remembered[i].ratio);
    }
    for (int i = 0; e->best_arm && i < e->best_arm->n; i++)
        buf_printf(out, "in force %s = %s\n", e->best_arm->entries[i].name,
                   e->best_arm->entries[i].value);
}

/* What the rules reckon from it: a model is told the same. */
static void put_sense(const struct evidence *e, struct buf *out)
{
    struct sense s;
    char text[300];
    sense_init(&s, e);
    num(out, "memory", s.ram, "");
    num(out, "cpus", s.cpus, "");
    num(out, "database", s.database, "");
    num(out, "of memory", s.shared_buffers / s.ram, "");
    num(out, "of the database", s.shared_buffers / s.database, "");
    num(out, "of memory", s.database / s.ram, "");
    num(out, "budget of a sort", sense_memory_budget(&s), "");
    num(out, "locks", fmax(s.w.lock_wait_share, sense_wait(&s, "Lock:")), "");
    num(out, "reads", sense_wait(&s, "IO:DataFileRead"), "");
    num(out, "work_mem of all", s.work_mem * s.f->runtime.max_connections, "");
    num(out, "clients", s.clients, "");
    bottleneck_text(&s, text, sizeof text);
    buf_printf(out, "%s\n", text);
}

static void put_told(const struct session_told *t, struct buf *out)
{
    buf_printf(out, "session %s %s %s: %s %s\n", t->name, t->strategy, t->state, t->hypothesis,
               t->end_reason);
    num(out, "baseline", t->baseline_tps, " TPS");
    num(out, "best", t->best_tps, " TPS");
    ratio(out, "best", t->best_tps / t->baseline_tps);
    ratio(out, "effect", t->effect);
    ratio(out, "from", t->ci_lo);
    ratio(out, "to", t->ci_hi);
    num(out, "rounds", t->rounds, "");
    num(out, "changes", t->nchanges, "");
    num(out, "without gain", t->nfailed, "");
    for (int i = 0; i < t->nchanges + t->nfailed; i++) {
        const struct told_change *c = i < t->nchanges ? &t->changes[i]
                                                      : &t->failed[i - t->nchanges];
        buf_printf(out, "%s = %s: %s\n", c->name, c->value, c->evidence);
        ratio(out, "earned", c->earned);
    }
}

static void put_text(const char *s, struct buf *out)
{
    if (s)
        buf_printf(out, "%.20000s\n", s);
}

static void put_sight(const struct first_sight *s, struct buf *out)
{
    if (!s)
        return;
    buf_printf(out, "%s\n%s\n", s->headline, s->summary);
    for (int i = 0; i < s->nfindings; i++)
        buf_printf(out, "%s: %s (%s)\n", s->findings[i].area, s->findings[i].text,
                   s->findings[i].figure);
}

void op_facts(const struct op_input *in, struct buf *out)
{
    if (in->e) {
        put_server(in->e->server, out);
        put_window("now", in->e->now, out);
        put_window("baseline", in->e->base, out);
        put_window("best", in->e->best, out);
        put_session(in->e, out);
        put_sense(in->e, out);
    }
    put_verdict(in->verdict, out);
    put_sight(in->sight, out);
    put_text(in->question, out);
    put_text(in->on_screen, out);
    put_text(in->log, out);
    put_text(in->paused_in, out);
    if (in->err)
        buf_printf(out, "%s %s %s %s\n", in->err->sqlstate, in->err->msg, in->err->detail,
                   in->err->hint);
    for (int i = 0; i < in->nfacts; i++) {
        put_text(in->facts[i].name, out);
        put_text(in->facts[i].text, out);
    }
    if (in->anomaly) {
        const struct anomaly *a = in->anomaly;
        buf_printf(out, "%s %s %.15g %s, usual %.15g %s, %s\n", a->metric, a->label, a->seen,
                   a->unit, a->usual, a->unit, a->beside);
        num(out, "score", a->score, "");
        ratio(out, "against", a->seen / a->usual);
        num(out, "for", (double)(a->until_us - a->from_us) / 1e6, " s");
    }
    for (int i = 0; i < in->nsessions; i++)
        put_told(&in->sessions[i], out);
    num(out, "sessions", in->nsessions, "");
    if (in->npredictions)
        buf_printf(out, "%d of %d predictions held\n", in->npredictions_held, in->npredictions);
    if (in->wishes)
        put_text(in->wishes->text, out);
}
