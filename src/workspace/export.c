/* export.c - which settings a workspace's sessions leave together, and the postgresql.conf fragment that
 * holds them; see export.h. The report is in report.c.
 *
 * A session file may have been edited by anybody, so names are held against the allowlist again before
 * they reach a configuration file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/export_parts.h"

/* ---- the settings that are left ---- */

/* For a report without a connection: the tuned settings that need a restart. */
static bool known_to_restart(const char *name)
{
    static const char *const names[] = {
        "shared_buffers",         "huge_pages", "max_connections",      "wal_buffers",
        "autovacuum_max_workers", "io_method",  "max_worker_processes",
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool needs_restart(const struct model *m, const char *name)
{
    const struct setting *s = settings_find(&m->server.settings, name);
    const struct os_row *system = os_find(name);

    if (system)
        return system->restart;
    return s ? strcmp(s->context, "postmaster") == 0 : known_to_restart(name);
}

static bool tunable(const struct entry *e)
{
    if (os_is(e->name))
        return os_find(e->name) && os_entry_ok(e) && !os_is_boot(e->name);
    return knob_find(e->name) != NULL || danger_repaired(e->name, e->value);
}

static const char *shown_now(const struct session *s, const struct entry *e)
{
    for (int i = 0; i < s->nfinal; i++)
        if (strcmp(s->final_values[i].name, e->name) == 0)
            return s->final_values[i].shown;
    return e->value;
}

static const struct entry *original_entry(const struct session *s, const char *name)
{
    for (int i = 0; i < s->ledger.n; i++)
        if (strcmp(s->ledger.rows[i].original.name, name) == 0)
            return &s->ledger.rows[i].original;
    return NULL;
}

/* Of what the round measured: lines of an alternative that was dropped before are no part of its result. */
static const struct setting_change *change_of(const struct round_history *h, const char *name)
{
    for (int i = 0; i < h->n; i++)
        if ((h->measured >> i & 1) && strcmp(h->changes[i].name, name) == 0)
            return &h->changes[i];
    return NULL;
}

const char *export_value_before(const struct session *s, int round, const char *name)
{
    for (int i = round - 1; i >= 0; i--) {
        const struct setting_change *c = change_of(&s->history[i], name);
        if (c && s->history[i].kept && !c->reset)
            return c->value;
        if (c && s->history[i].kept)
            break;
    }
    return session_first(s, name);
}

/* The last kept round that set the name. */
static void find_round(struct final_setting *f)
{
    for (int i = f->by->nhistory - 1; i >= 0; i--) {
        const struct round_history *h = &f->by->history[i];
        const struct setting_change *c = change_of(h, f->entry->name);
        if (c && h->kept && !c->reset) {
            f->round = h;
            f->change = c;
            return;
        }
    }
}

static int find(const struct final_setting *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i].entry->name, name) == 0)
            return i;
    return -1;
}

static void drop(struct final_setting *list, int *n, const char *name)
{
    int i = find(list, *n, name);

    if (i >= 0)
        memmove(list + i, list + i + 1, (size_t)(--*n - i) * sizeof *list);
}

/* What the session took away again: an entry that is reset, or a kept reset without an entry. */
static void drop_resets(const struct session *s, struct final_setting *list, int *n)
{
    for (int i = 0; i < s->best.n; i++)
        if (!s->best.entries[i].present)
            drop(list, n, s->best.entries[i].name);
    for (int i = 0; i < s->nhistory; i++)
        for (int k = 0; k < s->history[i].n; k++)
            if (s->history[i].kept && (s->history[i].measured >> k & 1) &&
                s->history[i].changes[k].reset)
                drop(list, n, s->history[i].changes[k].name);
}

static void add(const struct model *m, const struct session *s, const struct entry *e,
                struct final_setting *list, int *n, int max)
{
    struct final_setting f = {
        .entry = e,
        .from = session_first(s, e->name),
        .to = shown_now(s, e),
        .by = s,
        .restart = needs_restart(m, e->name),
    };
    int before = find(list, *n, e->name);
    const struct entry *original = original_entry(s, e->name);

    text_copy_raw(f.original.name, sizeof f.original.name, e->name);
    if (original)
        f.original = *original;
    if (before >= 0) { /* the undo goes back to before the first session */
        f.from = list[before].from;
        f.original = list[before].original;
        drop(list, n, e->name);
    }
    find_round(&f);
    if (*n < max)
        list[(*n)++] = f;
}

/* The session's own entry of that name, if it left one with that value; NULL otherwise. */
static const struct entry *entry_with(const struct session *s, const char *name, const char *value)
{
    for (int i = 0; i < s->best.n; i++) {
        const struct entry *e = &s->best.entries[i];
        if (e->present && strcmp(e->name, name) == 0 &&
            (strcmp(e->value, value) == 0 || strcmp(shown_now(s, e), value) == 0))
            return e;
    }
    return NULL;
}

/* A model's words choose among the values of the sessions, and bring none of their own. */
static void resolve(const struct model *m, const struct session *const *sessions, int n,
                    struct final_setting *f)
{
    const struct merged_report *r = m->advising.merged;

    for (int i = 0; r && i < r->n; i++) {
        const struct merged_setting *s = &r->settings[i];
        if (!s->conflict || strcmp(s->name, f->entry->name) != 0 ||
            strcmp(s->session, f->by->name) == 0)
            continue;
        for (int k = 0; k < n; k++) {
            const struct entry *e = strcmp(sessions[k]->name, s->session) == 0
                                        ? entry_with(sessions[k], s->name, s->value)
                                        : NULL;
            if (!e)
                continue;
            f->left = f->to;
            f->why = s->why;
            f->by = sessions[k];
            f->entry = e;
            f->to = shown_now(sessions[k], e);
            f->round = NULL;
            f->change = NULL;
            find_round(f);
            return;
        }
    }
}

int export_final(const struct model *m, const struct session *const *sessions, int n,
                 struct final_setting *out, int max)
{
    int count = 0;

    for (int i = 0; i < n; i++) {
        const struct session *s = sessions[i];
        drop_resets(s, out, &count);
        for (int k = 0; k < s->best.n; k++)
            if (s->best.entries[k].present && tunable(&s->best.entries[k]))
                add(m, s, &s->best.entries[k], out, &count, max);
    }
    for (int i = 0; i < count; i++)
        resolve(m, sessions, n, &out[i]);
    return count;
}

int export_settings(const struct model *m, const struct session *const *sessions, int n,
                    struct final_setting *out, int max)
{
    int all = export_final(m, sessions, n, out, max), count = 0;

    for (int i = 0; i < all; i++)
        if (!os_is(out[i].entry->name))
            out[count++] = out[i];
    return count;
}

void export_effect(const struct verdict *v, struct buf *out)
{
    char effect[32], lo[32], hi[32];

    if (v->kind == VERDICT_NONE || !isfinite(v->ratio)) {
        buf_puts(out, "not measured");
        return;
    }
    text_percent(effect, sizeof effect, v->ratio);
    text_percent(lo, sizeof lo, v->ci_lo);
    text_percent(hi, sizeof hi, v->ci_hi);
    buf_printf(out, "%s (95 %% interval %s \xe2\x80\xa6 %s)", effect, lo, hi);
}

void export_claim(const struct session *s, struct buf *out)
{
    char said[200];
    struct gain g;

    session_gain(s, &g);
    gain_said(&g, said, sizeof said);
    if (g.by == GAIN_CONFIRMATION || g.by == GAIN_UNKNOWN)
        export_effect(&s->final, out);
    else
        buf_printf(out, "%s; not confirmed", said);
}

/* ---- postgresql.conf ---- */

void export_comment(struct buf *out, const char *mark, const char *label, const char *text)
{
    char clean[800];

    if (!*text)
        return;
    text_copy(clean, sizeof clean, text);
    buf_printf(out, "%s %s%s\n", mark, label, clean);
}

void export_head(const struct model *m, int nsessions, int nsettings, const char *mark,
                 struct buf *out)
{
    char when[40];
    char line[400];

    clock_iso(m->wall_us, when, sizeof when);
    snprintf(line, sizeof line, "PostgreSQL settings that pg_diagnose tuned and measured: %s",
             m->workspace.name);
    export_comment(out, mark, "", line);
    buf_printf(out, "%s %d setting%s from %d archived session%s; written %s\n", mark, nsettings,
               nsettings == 1 ? "" : "s", nsessions, nsessions == 1 ? "" : "s", when);
    export_comment(out, mark, "Server: PostgreSQL ", m->server.id.version);
}

static void put_comment(struct buf *out, const char *label, const char *text)
{
    export_comment(out, "#", label, text);
}

static void conf_head(const struct model *m, int nsessions, int nsettings, struct buf *out)
{
    export_head(m, nsessions, nsettings, "#", out);
    if (m->opt.for_version)
        buf_printf(out, "# For PostgreSQL %d: what it lacks is commented out\n",
                   m->opt.for_version);
    buf_puts(
        out,
        "#\n"
        "# The tuned server has these values in postgresql.auto.conf already. For another server "
        "of\n"
        "# the same size, or for a configuration kept in files, put this file beside its\n"
        "# postgresql.conf under a name of its own and add as the last line of postgresql.conf\n"
        "#     include 'pg_diagnose.conf'\n"
        "# then run SELECT pg_reload_conf(); what says \"needs a restart\" waits for one. An entry "
        "of\n"
        "# postgresql.auto.conf wins over this file; ALTER SYSTEM RESET takes it out.\n"
        "# Memory sizes fit the machine on which they were measured.\n");
}

double export_tps_before(const struct session *s)
{
    struct gain g;

    session_gain(s, &g);
    return g.by == GAIN_UNKNOWN ? s->baseline_tps : g.tps_before;
}

double export_tps_after(const struct session *s)
{
    struct gain g;

    session_gain(s, &g);
    return isfinite(g.tps_after) ? g.tps_after : s->best_tps;
}

static void conf_session(const struct session *s, struct buf *out)
{
    struct buf effect = {0};

    export_claim(s, &effect);
    buf_puts(out, "\n");
    put_comment(out, "---- session ", s->name);
    if (isfinite(export_tps_before(s)) && isfinite(export_tps_after(s)))
        buf_printf(out, "# as a whole: %.0f to %.0f TPS, ", export_tps_before(s),
                   export_tps_after(s));
    else
        buf_puts(out, "# as a whole: ");
    buf_printf(out, "%s\n", buf_text(&effect));
    buf_clear(&effect);
}

/* What a major version does not know, or says in other words: PostgreSQL's release notes. */
bool export_fits(const struct entry *e, int version, char *value, size_t size, char *lacks,
                 size_t lacks_size)
{
    const struct knob *k = knob_find(e->name);
    bool method = strcmp(e->value, "lz4") == 0 || strcmp(e->value, "zstd") == 0 ||
                  strcmp(e->value, "pglz") == 0;

    text_copy_raw(value, size, e->value);
    lacks[0] = '\0';
    if (version == 0)
        return true;
    if (k && k->min_version / 10000 > version) {
        snprintf(lacks, lacks_size, "PostgreSQL %d has no such setting, it came with %d", version,
                 k->min_version / 10000);
        return false;
    }
    if (version < 15 && strcmp(e->name, "wal_compression") == 0 && method) {
        snprintf(lacks, lacks_size, "before 15 the method cannot be chosen; was %s", e->value);
        text_copy_raw(value, size, "on");
    }
    return true;
}

static void conf_setting(const struct final_setting *f, int for_version, struct buf *out)
{
    struct buf effect = {0};

    buf_puts(out, "\n");
    put_comment(out, "was: ", *f->from ? f->from : "not recorded");
    if (f->change) {
        put_comment(out, "why: ", f->change->why);
        put_comment(out, "evidence: ", f->change->evidence);
    }
    if (f->left) {
        put_comment(out, "the sessions disagree: ", f->why);
        put_comment(out, "the last one left: ", f->left);
    }
    if (f->round) {
        export_effect(&f->round->verdict, &effect);
        buf_printf(out, "# measured: round %d%s: %s\n", f->round->number,
                   f->round->n > 1 ? ", with its other changes" : "", buf_text(&effect));
        buf_clear(&effect);
    }
    if (f->restart)
        buf_puts(out, "# needs a restart\n");
    char value[SETTING_VALUE_MAX], lacks[120];
    bool there = export_fits(f->entry, for_version, value, sizeof value, lacks, sizeof lacks);
    put_comment(out, "", lacks);
    buf_printf(out, "%s%s = ", there ? "" : "#", f->entry->name);
    quote_conf(out, value);
    buf_putc(out, '\n');
}

void export_conf(const struct model *m, const struct session *const *sessions, int n,
                 struct buf *out)
{
    struct final_setting *list = xcalloc(LEDGER_MAX, sizeof *list);
    int count = export_settings(m, sessions, n, list, LEDGER_MAX);

    conf_head(m, n, count, out);
    for (int i = 0; i < n; i++) {
        bool headed = false;
        for (int k = 0; k < count; k++) {
            if (list[k].by != sessions[i])
                continue;
            if (!headed)
                conf_session(sessions[i], out);
            headed = true;
            conf_setting(&list[k], m->opt.for_version, out);
        }
    }
    if (count == 0)
        buf_puts(out, "\n# No archived session has a setting to give.\n");
    for (int i = 0; i < n; i++)
        trade_comment(sessions[i]->beside.trades, sessions[i]->beside.ntrades, "#", out);
    free(list);
}
