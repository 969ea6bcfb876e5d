/* advice_index.c - indexes that are missing, and those that nothing needs.
 *
 * That one is missing is told by two witnesses: a plan of the workload that was carried out (EXPLAIN ANALYZE), in which a scan
 * threw nearly all rows away; or a statement of pg_stat_statements that compares a column with a value, beside the counters of
 * the table and the figures of pg_stats. An index on what only looks rare would be no help: where pg_stats knows the column,
 * it has the last word. Where an index begins with one of the columns already, the planner had its choice: that is a matter of
 * its settings.
 *
 * Where the database has HypoPG, the planner is asked whether it would take such an index (hypo.h); one that it would not is not
 * advised. */
#include "pgd/agent/advice_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/condition.h"
#include "pgd/agent/hypo.h"
#include "pgd/base/buf.h"
#include "pgd/base/text.h"

#define DAY 86400.0

static const char build_lock[] =
    "SHARE UPDATE EXCLUSIVE: reads and writes go on; it waits for transactions that are open";

/* What an index would be of, and the names in it ready for a statement. */
struct wanted {
    const char *schema, *table;
    const struct scanned_facts *t; /* NULL = pg_stats was not read for it */
    struct condition c;
    double tuples, table_bytes;
    char qualified[280], columns[300], index[64];
};

/* Quotes the columns and names the index after them: "orders_customer_day_pgd", so that the same index has one name. False:
 * it has no room. */
static bool name_all(struct wanted *w)
{
    char words[200] = "", plain[40], one[140];
    size_t len = 0;

    w->columns[0] = '\0';
    for (int i = 0; i < w->c.n; i++) {
        size_t used = strlen(w->columns);
        if (!advice_ident(one, sizeof one, w->c.columns[i].name) ||
            used + strlen(one) + 3 > sizeof w->columns)
            return false;
        snprintf(w->columns + used, sizeof w->columns - used, "%s%s", i ? ", " : "", one);
        SAY(plain, "%s", w->c.columns[i].name);
        say(words + len, sizeof words - len, "_%s", plain);
        len = strlen(words);
    }
    bool cut = len > 32 || strlen(w->table) > 24;
    SAY(plain, "%s", w->table);
    plain[cut ? 18 : 24] = '\0'; /* say() below replaces half a character */
    words[cut ? 28 : 32] = '\0';
    if (cut)
        SAY(w->index, "%s%s_%s_pgd", plain, words,
            advice_digest(w->schema, w->table, w->columns).text);
    else
        SAY(w->index, "%s%s_pgd", plain, words);
    for (char *p = w->index; *p; p++)
        if (*p == ' ' || *p == '"')
            *p = '_';
    return advice_qualified(w->qualified, sizeof w->qualified, w->schema, w->table);
}

/* Rows that the columns leave, by pg_stats, as if each were independent of the others; NAN unknown. */
static double rows_left(const struct server_facts *f, const struct wanted *w)
{
    double share = 1;

    for (int i = 0; i < w->c.n; i++) {
        const struct column_facts *c = advice_column(f, w->t, w->c.columns[i].name);
        if (!c || (w->c.columns[i].equal && !(c->values > 0)))
            return NAN;
        share *= w->c.columns[i].equal ? (1 - (isfinite(c->nulls) ? c->nulls : 0)) / c->values : 1;
    }
    return fmax(1, w->tuples * share);
}

/* An entry has 12 bytes and its columns, each begun at a multiple of 8; a tenth of a page stays free. */
static double index_bytes(const struct server_facts *f, const struct wanted *w)
{
    double entry = 12;

    for (int i = 0; i < w->c.n; i++) {
        const struct column_facts *c = advice_column(f, w->t, w->c.columns[i].name);
        entry += c && c->width > 0 ? 8 * ceil(c->width / 8) : 10;
    }
    return w->tuples > 0 ? w->tuples * entry / 0.9 : NAN;
}

/* Columns that a B-tree cannot hold, that another index begins with, or of which each value stands for many rows. */
static bool fits(const struct server_facts *f, const struct wanted *w)
{
    double left = rows_left(f, w);

    if (!advice_compares_columns(f, w->t, &w->c))
        return false;
    for (int i = 0; w->t && i < w->c.n; i++) {
        const struct column_facts *c = advice_column(f, w->t, w->c.columns[i].name);
        if (!c || c->leads || !c->ordered)
            return false;
    }
    return !(left > 0.05 * w->tuples && w->c.columns[0].equal);
}

/* Whether the planner would take it. */
static void say_tried(struct advice *a, const struct server_facts *f, const struct hypo_result *r)
{
    if (r && r->verdict == HYPO_USED) {
        a->cost_before = r->cost_before;
        a->cost_after = r->cost_after;
        a->bytes = r->bytes > 0 ? r->bytes : a->bytes;
        SAY(a->tested,
            "HypoPG: the planner would use it; the statement's cost goes from %s to %s, the index "
            "would take %s by its estimate",
            count_figure(r->cost_before).text, count_figure(r->cost_after).text,
            size_figure(a->bytes).text);
    } else if (r) {
        SAY(a->tested, "not tested with HypoPG: %s", r->why);
    } else {
        SAY(a->tested, "not tested: %s",
            f->hypopg_schema[0] ? "HypoPG was not asked yet"
                                : "HypoPG, which would ask the planner, is not in this database");
    }
}

static struct advice *propose(struct advice_list *l, struct wanted *w)
{
    const struct server_facts *f = l->s->f;
    char statement[640], index[140], schema[140];
    struct advice *a;

    if (!name_all(w) || !advice_ident(index, sizeof index, w->index) ||
        !advice_ident(schema, sizeof schema, w->schema))
        return NULL;
    SAY(statement, "CREATE INDEX CONCURRENTLY %s ON %s (%s)", index, w->qualified, w->columns);
    const struct hypo_result *tried = hypo_find(l->s->e->hypo, statement);
    if (tried && tried->verdict == HYPO_UNUSED)
        return NULL;
    a = advice_add(l, ADVICE_INDEX_MISSING, statement);
    if (!a)
        return NULL;
    SAY(a->object, "%s (%s)", w->qualified, w->columns);
    SAY(a->undo, "DROP INDEX CONCURRENTLY IF EXISTS %s.%s", schema, index);
    a->bytes = index_bytes(f, w);
    say_tried(a, f, tried);
    a->seconds = advice_scan_seconds(w->table_bytes, 3); /* read twice, sorted, written */
    a->alone = true;
    a->risk = RISK_MEDIUM;
    SAY(a->lock, "%s", build_lock);
    if (w->t && w->t->writes >= 0)
        SAY(a->price,
            "about %s, and each write to the table (%s since the counters began) writes to it, too",
            size_figure(a->bytes).text, count_figure(w->t->writes).text);
    else
        SAY(a->price, "about %s, and each write to the table writes to it, too",
            size_figure(a->bytes).text);
    return a;
}

/* ---- by the plans of the workload ---- */

static bool throws_away(const struct plan_facts *p)
{
    double read = p->seq_scan_rows + p->seq_scan_rows_removed;
    return p->valid && p->seq_scan_filter[0] && read > 10000 &&
           p->seq_scan_rows_removed > 0.95 * read;
}

/* The table of that name, when it is the only one. */
static const struct relation_facts *relation(const struct sense *s, const char *name)
{
    const struct relation_facts *found = NULL;
    for (int i = 0; i < s->f->nrelations; i++)
        if (strcmp(s->f->relations[i].name, name) == 0) {
            if (found)
                return NULL;
            found = &s->f->relations[i];
        }
    return found;
}

static void by_plan(struct advice_list *l, const struct plan_facts *p)
{
    const struct sense *s = l->s;
    const struct relation_facts *r = relation(s, p->seq_scan_rel);
    struct wanted w = {0};
    struct advice *a;

    if (!throws_away(p) || !r || r->kind != 'r' || !condition_of_filter(p->seq_scan_filter, &w.c))
        return;
    condition_sort(&w.c);
    w.schema = r->schema;
    w.table = r->name;
    w.t = advice_scanned(s->f, r->schema, r->name);
    w.tuples = r->tuples;
    w.table_bytes = r->bytes;
    if (!fits(s->f, &w) || !(a = propose(l, &w)))
        return;
    a->of_plan = (int)(p - s->e->plans) + 1;
    double read = p->seq_scan_rows + p->seq_scan_rows_removed, left = rows_left(s->f, &w);
    double share = s->plan_ms > 0 ? sense_weight(s, p) * p->exec_ms / s->plan_ms : NAN;
    char stats[120] = "";
    if (isfinite(left))
        SAY(stats, "; pg_stats: such a condition leaves about %s of %s rows",
            count_figure(left).text, count_figure(w.tuples).text);
    SAY(a->why, "A statement reads the whole table to find a few rows, and no index begins with "
                "what it compares.");
    SAY(a->evidence, "the scan of %s kept %s of %s rows in %.1f ms; %s of the workload's time%s",
        r->name, count_figure(p->seq_scan_rows).text, count_figure(read).text, p->exec_ms,
        share_figure(share).text, stats);
    SAY(a->source, "EXPLAIN ANALYZE of %.50s: %.80s", p->script, p->query);
    SAY(a->prediction, "at most %s of the workload's time, estimated by rule from that plan",
        share_figure(share).text);
}

/* ---- by the statements that the server has counted ---- */

/* The scans of the table read most of it each time. */
static bool read_whole(const struct scanned_facts *t)
{
    return t->tuples > 10000 && t->scans >= 10 && t->rows_read > 0.5 * t->tuples * t->scans;
}

static void by_statement(struct advice_list *l, const struct statement_facts *x)
{
    const struct server_facts *f = l->s->f;
    struct wanted w = {0};
    struct advice *a;

    if (!(x->share >= 0.01) || !(x->calls >= 10) || !condition_of_statement(x->text, &w.c))
        return;
    condition_sort(&w.c);
    w.t = advice_scanned(f, w.c.schema, w.c.table);
    if (!w.t || !read_whole(w.t) || !(x->rows / x->calls < 0.05 * w.t->tuples))
        return;
    w.schema = w.t->schema;
    w.table = w.t->name;
    w.tuples = w.t->tuples;
    w.table_bytes = w.t->bytes;
    double left = rows_left(f, &w);
    /* without a plan pg_stats has to say that it is worth it */
    if (!isfinite(left) || !w.c.columns[0].equal || !fits(f, &w) || !(a = propose(l, &w)))
        return;
    a->of_statement = (int)(x - f->statements) + 1;
    SAY(a->why, "A statement asks for a few rows by columns that no index begins with, and the "
                "table is read whole.");
    SAY(a->evidence,
        "%s calls of %.1f ms, %s of the statements' time; %s scans of %s read %s rows; pg_stats: "
        "such a condition leaves about %s of %s rows",
        count_figure(x->calls).text, x->total_ms / x->calls, share_figure(x->share).text,
        count_figure(w.t->scans).text, w.table, count_figure(w.t->rows_read).text,
        count_figure(left).text, count_figure(w.tuples).text);
    SAY(a->source, "pg_stat_statements %s, pg_stats: %.90s", x->id, x->text);
    SAY(a->prediction, "up to %s of the statements' time, estimated by rule",
        share_figure(x->share).text);
}

/* ---- those that nothing needs ---- */

/* As the server would print it, but built beside the traffic. False: it is no such definition. */
static bool rebuild(const char *definition, char *dst, size_t size)
{
    static const char head[] = "CREATE INDEX ";
    char shown[640];

    if (strncmp(definition, head, sizeof head - 1) != 0)
        return false;
    SAY(shown, "%s", definition); /* what cannot be shown is not advised */
    return strcmp(shown, definition) == 0 &&
           (size_t)snprintf(dst, size, "CREATE INDEX CONCURRENTLY %s",
                            definition + sizeof head - 1) < size;
}

/* Another one is to go because there is this one. */
static bool replaces(const struct server_facts *f, const struct index_facts *x)
{
    for (int i = 0; i < f->nindexes; i++)
        if (strcmp(f->indexes[i].same_as, x->name) == 0 &&
            strcmp(f->indexes[i].schema, x->schema) == 0)
            return true;
    return false;
}

static void useless(struct advice_list *l, const struct index_facts *x)
{
    const struct sense *s = l->s;
    char name[280], statement[640], undo[640];
    bool twice = x->same_as[0] != '\0';
    double age = s->f->runtime.stats_age_s;
    bool unused = x->scans <= 0 && x->writes > 1000 && age > DAY && !replaces(s->f, x);
    struct advice *a;

    if ((!twice && !unused) || !rebuild(x->definition, undo, sizeof undo) ||
        !advice_qualified(name, sizeof name, x->schema, x->name))
        return;
    SAY(statement, "DROP INDEX CONCURRENTLY %s", name);
    a = advice_add(l, twice ? ADVICE_INDEX_DUPLICATE : ADVICE_INDEX_UNUSED, statement);
    if (!a)
        return;
    text_copy_raw(a->undo, sizeof a->undo, undo);
    SAY(a->object, "%s", name);
    a->bytes = x->bytes;
    a->alone = true;
    a->risk = twice ? RISK_LOW : RISK_MEDIUM;
    SAY(a->lock, "%s", build_lock);
    SAY(a->prediction, "%s of disk, and one index less for each write; estimated by rule",
        size_figure(x->bytes).text);
    SAY(a->source, "pg_index, %s", advice_counted(s->f).text);
    if (twice) {
        SAY(a->why, "%s serves the same statements; both are kept up to date by every write.",
            x->same_as);
        SAY(a->evidence, "%s of %s has the columns of %s, takes %s and followed %s writes", x->name,
            x->table, x->same_as, size_figure(x->bytes).text, count_figure(x->writes).text);
        return;
    }
    SAY(a->why, "No scan has used it here. Look at the replicas, at what runs once a quarter, and "
                "whether it is new (the server does not tell), before it goes.");
    SAY(a->price,
        "a statement that needs it after all reads the whole table until it is built anew");
    SAY(a->evidence,
        "no scan since the counters began (%.1f days ago) or since it was made, whichever was "
        "later; "
        "%s, %s writes to its table",
        age / DAY, size_figure(x->bytes).text, count_figure(x->writes).text);
}

void advice_indexes(struct advice_list *l)
{
    const struct evidence *e = l->s->e;
    const struct server_facts *f = l->s->f;

    for (int i = 0; i < e->nplans; i++)
        by_plan(l, &e->plans[i]);
    for (int i = 0; i < f->nstatements; i++)
        by_statement(l, &f->statements[i]);
    for (int i = 0; i < f->nindexes; i++)
        useless(l, &f->indexes[i]);
}
