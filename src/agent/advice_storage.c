/* advice_storage.c - what is set for one table or one column: statistics, storage parameters. */
#include "pgd/agent/advice_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/condition.h"
#include "pgd/base/text.h"

static const char table_lock[] =
    "SHARE UPDATE EXCLUSIVE for a moment: reads and writes go on; it waits for a running vacuum";

/* ---- statistics ---- */

static const struct relation_facts *table_of(const struct sense *s, const struct plan_facts *p)
{
    const struct relation_facts *found = NULL;

    for (int i = 0; i < s->f->nrelations; i++)
        if (strcmp(s->f->relations[i].name, p->seq_scan_rel) == 0) {
            if (found)
                return NULL;
            found = &s->f->relations[i];
        }
    return found && found->kind == 'r' ? found : NULL;
}

static void fill_statistics(struct advice *a, const struct plan_facts *p,
                            const struct relation_facts *r, const char *table)
{
    SAY(a->follow, "ANALYZE %s", table);
    SAY(a->evidence, "an estimate was wrong by %.0f times in a statement of %.1f ms",
        p->worst_misestimate, p->exec_ms);
    SAY(a->source, "EXPLAIN ANALYZE of %.50s: %.80s", p->script, p->query);
    SAY(a->lock, "%s", table_lock);
    SAY(a->price, "each ANALYZE of the table takes longer");
    SAY(a->prediction, "estimates nearer to what comes back, and with them other plans; what that "
                       "earns is not estimated");
    a->seconds = fmin(advice_scan_seconds(r->bytes, 1), 30); /* a sample is read */
}

/* Of several columns that are compared together. */
static void together(struct advice_list *l, const struct plan_facts *p,
                     const struct relation_facts *r, const struct condition *c)
{
    char columns[600] = "", table[280], one[140], name[64], quoted[140], schema[140],
         statement[640];
    struct advice *a;

    if (!advice_qualified(table, sizeof table, r->schema, r->name) ||
        !advice_ident(schema, sizeof schema, r->schema))
        return;
    for (int i = 0; i < c->n; i++) {
        size_t len = strlen(columns);
        if (!advice_ident(one, sizeof one, c->columns[i].name))
            return;
        snprintf(columns + len, sizeof columns - len, "%s%s", i ? ", " : "", one);
    }
    SAY(name, "%.40s_%s_pgd_stat", r->name, advice_digest(r->schema, r->name, columns).text);
    if (!advice_ident(quoted, sizeof quoted, name) ||
        strlen(columns) + strlen(table) + strlen(quoted) + strlen(schema) > 560)
        return;
    SAY(statement, "CREATE STATISTICS %s.%s (dependencies, mcv) ON %s FROM %s", schema, quoted,
        columns, table);
    a = advice_add(l, ADVICE_STATISTICS, statement);
    if (!a)
        return;
    SAY(a->object, "%s (%s)", table, columns);
    SAY(a->undo, "DROP STATISTICS IF EXISTS %s.%s", schema, quoted);
    SAY(a->why, "The planner takes these columns for independent of each other, and plans for far "
                "too many or too few rows.");
    fill_statistics(a, p, r, table);
}

/* Of one column whose values are many and not alike: the sample of the server's target does not show them. */
static void finer(struct advice_list *l, const struct plan_facts *p, const struct relation_facts *r,
                  const struct condition *c)
{
    const struct scanned_facts *t = advice_scanned(l->s->f, r->schema, r->name);
    const struct column_facts *f = advice_column(l->s->f, t, c->columns[0].name);
    double usual = sense_number(l->s, "default_statistics_target");
    char table[280], column[140], statement[640];
    struct advice *a;

    usual = usual > 0 ? usual : 100;
    if (!f || !(f->values > usual) || f->target > 500 || !(usual <= 500) ||
        !advice_qualified(table, sizeof table, r->schema, r->name) ||
        !advice_ident(column, sizeof column, f->name))
        return;
    SAY(statement, "ALTER TABLE %s ALTER COLUMN %s SET STATISTICS 1000", table, column);
    a = advice_add(l, ADVICE_TARGET, statement);
    if (!a)
        return;
    SAY(a->object, "%s (%s)", table, column);
    SAY(a->undo, "ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %d", table, column, f->target);
    SAY(a->why, "The column has more values than the statistics keep, so that the planner guesses "
                "what a single one stands for.");
    fill_statistics(a, p, r, table);
    size_t len = strlen(a->evidence);
    say(a->evidence + len, sizeof a->evidence - len, "; %s has about %s values, the target is %.0f",
        f->name, count_figure(f->values).text, f->target >= 0 ? f->target : usual);
}

void advice_statistics(struct advice_list *l)
{
    const struct evidence *e = l->s->e;
    struct condition c;

    for (int i = 0; i < e->nplans; i++) {
        const struct plan_facts *p = &e->plans[i];
        const struct relation_facts *r = table_of(l->s, p);
        if (!p->valid || !(p->worst_misestimate > 100) || !r ||
            !condition_of_filter(p->seq_scan_filter, &c) ||
            !advice_compares_columns(l->s->f, advice_scanned(l->s->f, r->schema, r->name), &c))
            continue;
        condition_sort(&c);
        if (c.n > 1)
            together(l, p, r, &c);
        else
            finer(l, p, r, &c);
    }
}

/* ---- storage parameters ---- */

static void fill_table(struct advice *a, const struct server_facts *f, const char *table)
{
    SAY(a->object, "%s", table);
    SAY(a->lock, "%s", table_lock);
    SAY(a->source, "the table's %s", advice_counted(f).text);
}

static void one_table(struct advice_list *l, const struct table_facts *t)
{
    char table[280], statement[640];
    struct advice *a;

    if (!advice_qualified(table, sizeof table, t->schema, t->name))
        return;
    SAY(statement, "ALTER TABLE %s SET (fillfactor = 85)", table);
    if (t->updated > 10000 && t->updated > 0.2 * t->live && t->hot < 0.5 * t->updated &&
        t->indexes > 0 && !strstr(t->options, "fillfactor") &&
        (a = advice_add(l, ADVICE_FILLFACTOR, statement))) {
        fill_table(a, l->s->f, table);
        SAY(a->undo, "ALTER TABLE %s RESET (fillfactor)", table);
        SAY(a->why, "Updates find no room on their page, so every index gets a new entry too. It "
                    "holds for pages written from now on; and only where no indexed column "
                    "changes.");
        SAY(a->evidence, "%s of %s updates stayed on their page",
            share_figure(t->hot / t->updated).text, count_figure(t->updated).text);
        SAY(a->price, "the table grows by up to 18 %% as its pages are written anew");
        SAY(a->prediction, "more updates stay on their page; how many is not estimated");
    }
    SAY(statement, "ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.02)", table);
    if (t->dead > 50000 && t->dead > 0.2 * (t->live + t->dead) &&
        !strstr(t->options, "autovacuum_vacuum_scale_factor") &&
        (a = advice_add(l, ADVICE_AUTOVACUUM, statement))) {
        fill_table(a, l->s->f, table);
        SAY(a->undo, "ALTER TABLE %s RESET (autovacuum_vacuum_scale_factor)", table);
        SAY(a->why, "A table of this size waits long for its vacuum; earlier ones are smaller.");
        SAY(a->evidence, "%s of %s rows are dead, %.0f vacuums so far", count_figure(t->dead).text,
            count_figure(t->live + t->dead).text, t->vacuums);
        SAY(a->price, "about ten times as many vacuums, each with a tenth of the work");
        SAY(a->prediction, "about 2 %% of dead rows at a vacuum's start, estimated by rule");
    }
}

void advice_storage(struct advice_list *l)
{
    for (int i = 0; i < l->s->f->ntables; i++)
        one_table(l, &l->s->f->tables[i]);
}
