/* Which tables and columns the parameters of a statement belong to, and how values are drawn from a table that is somebody
 * else's without running what is his.
 *
 * Its owner may rename it and put a view with functions of his own in its place, and he may do so between two statements. So
 * derive_ask_tables() notes the versions of the rows that give the relation its name, and a draw (derive_draw()) is one
 * message of discovery/steps.h: the relation is named with its schema and locked when the question is prepared; are the
 * rows in the same versions then, the name has meant it all the while, and while it is locked nobody replaces it, makes a
 * rule for it or turns on row security.
 *
 * What else the server would run of somebody's:
 *  - functions and operators in the expression: their names are looked for in pg_catalog alone (search_path), and an
 *    expression that names a schema is not drawn;
 *  - casts of his types: those columns are written by concat(), which knows no casts;
 *  - constants in the expressions of indexes and of extended statistics, in partition keys, and in the checks of children,
 *    which the server computes while it plans: a table with such expressions that call somebody else's functions is not
 *    drawn from, and a statement that reads it is left out.
 *  - children that are added meanwhile: only one table of the family is drawn from, the biggest.
 * There remains the moment from the check to the plan: the lock that is held lets indexes be made, and no error is certain to
 * come of one that is made then. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/discovery/steps.h"
#include "pgd/runner/derive_parts.h"

/* Who may run what with our rights. */
#define TRUSTED \
    "SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolsuper OR r.rolname = CURRENT_USER"

#define VERSION(n, c)                                                                              \
    "pg_catalog.concat_ws(' ', " #n ".oid, " #n ".xmin, " #n ".ctid, " #c ".oid, " #c ".xmin, " #c \
    ".ctid)"

/* Does what belongs to the relation l, and is computed beside its rows, depend on functions, operators or domains of somebody
 * else? */
#define CODE                                                                                 \
    "EXISTS (SELECT 1 FROM (SELECT 'pg_catalog.pg_class'::pg_catalog.regclass AS class, "    \
    "x.indexrelid AS oid FROM pg_catalog.pg_index x WHERE x.indrelid = l.oid AND "           \
    "(x.indexprs IS NOT NULL OR x.indpred IS NOT NULL) UNION ALL "                           \
    "SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, l.oid UNION ALL "                    \
    "SELECT 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass, x.oid FROM "                 \
    "pg_catalog.pg_statistic_ext x WHERE x.stxrelid = l.oid UNION ALL "                      \
    "SELECT 'pg_catalog.pg_policy'::pg_catalog.regclass, x.oid FROM pg_catalog.pg_policy x " \
    "WHERE x.polrelid = l.oid AND pg_catalog.row_security_active(l.oid) UNION ALL "          \
    "SELECT 'pg_catalog.pg_constraint'::pg_catalog.regclass, x.oid FROM "                    \
    "pg_catalog.pg_constraint x WHERE x.conrelid = l.oid AND x.contype = 'c' AND EXISTS "    \
    "(SELECT 1 FROM pg_catalog.pg_inherits h WHERE h.inhrelid = l.oid)) x "                  \
    "JOIN pg_catalog.pg_depend d ON d.classid = x.class AND d.objid = x.oid "                \
    "LEFT JOIN pg_catalog.pg_operator o ON o.oid = d.refobjid AND "                          \
    "d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass "                          \
    "LEFT JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode OR p.oid = d.refobjid AND "         \
    "d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass "                              \
    "LEFT JOIN pg_catalog.pg_type y ON y.oid = d.refobjid AND y.typtype = 'd' AND "          \
    "d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass "                              \
    "WHERE coalesce(p.proowner, y.typowner) NOT IN (" TRUSTED "))"

/* Whole numbers are drawn between two ends where the statistics say that they fill the room between them evenly: almost as
 * many values as numbers, none of them frequent, the bounds of the histogram about equally far apart. */
static const char stats_sql[] =
    ") LEFT JOIN LATERAL (SELECT s.null_frac, CASE WHEN a.atttypid IN (20, 21, 23) THEN"
    " (SELECT CASE WHEN pg_catalog.count(*) > 2 AND pg_catalog.max(b.v - b.p) <="
    " 6 * pg_catalog.avg(b.v - b.p) AND pg_catalog.max(b.v) - pg_catalog.min(b.v) <="
    " 2 * CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * t.reltuples ELSE s.n_distinct END"
    " AND coalesce((SELECT pg_catalog.sum(f) FROM pg_catalog.unnest(s.most_common_freqs) f), 0)"
    " < 0.1 THEN pg_catalog.min(b.v)::text || ' ' || pg_catalog.max(b.v)::text END"
    " FROM (SELECT v, pg_catalog.lag(v) OVER (ORDER BY v) AS p"
    " FROM pg_catalog.unnest(s.histogram_bounds::text::bigint[]) v) b) END AS span"
    " FROM pg_catalog.pg_stats s WHERE s.schemaname = t.schema AND s.tablename = t.relname"
    " AND s.attname = a.attname ORDER BY s.inherited DESC LIMIT 1) s ON true ORDER BY t.i";

/* From a table to the relation that is drawn from: its biggest part, alone, where all of them are open to us. */
static const char family_sql[] =
    ") AS v (i, name) JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(v.name)"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " JOIN LATERAL (WITH RECURSIVE f (oid) AS (SELECT c.oid UNION SELECT h.inhrelid"
    " FROM pg_catalog.pg_inherits h JOIN f ON h.inhparent = f.oid)"
    " SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(l.oid, 'SELECT')"
    " AND pg_catalog.has_schema_privilege(l.relnamespace, 'USAGE')"
    " AND NOT pg_catalog.row_security_active(l.oid)) AS known,"
    " (pg_catalog.array_agg(l.oid ORDER BY l.relkind IN ('r', 'm') DESC, l.relpages DESC,"
    " l.oid))[1] AS biggest, pg_catalog.bool_or(" CODE ") AS code"
    " FROM f JOIN pg_catalog.pg_class l ON l.oid = f.oid) f ON true"
    " JOIN pg_catalog.pg_class b ON b.oid = CASE WHEN f.known THEN f.biggest ELSE c.oid END"
    " JOIN pg_catalog.pg_namespace bn ON bn.oid = b.relnamespace OFFSET 0) t"
    " LEFT JOIN (pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON y.oid = a.atttypid)"
    " ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname IN (";

bool derive_ask_tables(const struct derived *d, struct buf *out)
{
    if (d->ntables == 0)
        return false;
    buf_puts(
        out,
        "SELECT /* pg_diagnose */ t.i, t.kind, t.pages, t.schema, t.relation, t.\"only\", "
        "t.version, t.strange, t.foreign_types, a.attname AS \"column\", "
        "a.atttypid::pg_catalog.regtype::text AS type, y.typowner NOT IN (" TRUSTED
        ") AS foreign_type, s.null_frac, s.span FROM (SELECT v.i, b.relkind AS kind, "
        "b.relpages AS pages, n.nspname AS schema, c.oid, c.relname, c.reltuples, "
        "CASE WHEN f.known OR NOT pg_catalog.row_security_active(c.oid) THEN "
        "pg_catalog.format('%I.%I', bn.nspname, b.relname) END AS relation, "
        "f.known AS \"only\", " VERSION(
            bn, b) " AS version, "
                   "CASE WHEN c.relkind NOT IN ('r', 'p', 'm') AND c.relowner NOT IN (" TRUSTED
                   ") THEN 'view' WHEN f.code THEN 'code' END AS strange, "
                   "EXISTS (SELECT 1 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type y ON "
                   "y.oid = a.atttypid WHERE a.attrelid = c.oid AND a.attnum > 0 AND "
                   "y.typowner NOT IN (" TRUSTED ")) AS foreign_types FROM (VALUES ");
    for (int i = 0; i < d->ntables; i++) {
        buf_printf(out, "%s(%d, ", i ? ", " : "", i);
        quote_literal(out, d->tables[i].name);
        buf_putc(out, ')');
    }
    buf_puts(out, family_sql);
    buf_puts(out, "''");
    for (int i = 0; i < d->nparams; i++)
        if (d->params[i].column[0]) {
            buf_puts(out, ", ");
            quote_literal(out, d->params[i].column);
        }
    buf_puts(out, stats_sql);
    return true;
}

const char *derive_strange(const struct rows *r)
{
    const char *found = NULL;

    for (int i = 0; r && i < r->nrows; i++) {
        const char *what = rows_text(r, i, "strange");
        if (what && strcmp(what, "view") == 0)
            return "reads a view of somebody else";
        if (what && strcmp(what, "code") == 0)
            found =
                "reads a table whose indexes, statistics or policies call what is somebody else's";
    }
    return found;
}

void derive_draw(const struct derive_table *t, const char *select, struct buf *out)
{
    struct buf check = {0};

    buf_puts(&check, "EXISTS (SELECT 1 FROM pg_catalog.pg_class l JOIN pg_catalog.pg_namespace n "
                     "ON n.oid = l.relnamespace WHERE l.oid = pg_catalog.to_regclass(");
    quote_literal(&check, t->relation);
    buf_puts(&check, ") AND " VERSION(n, l) " = ");
    quote_literal(&check, t->version);
    buf_puts(&check, " AND NOT " CODE ")");
    steps_sql("pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true), "
              "pg_catalog.set_config('constraint_exclusion', 'off', true)",
              select, buf_text(&check), "the relation is not what it was", out);
    buf_clear(&check);
}

static bool is_true(const struct rows *r, int row, const char *name)
{
    const char *text = rows_text(r, row, name);

    return text && strcmp(text, "t") == 0;
}

static void keep_relation(struct derive_table *t, const struct rows *r, int row)
{
    const char *relation = rows_text(r, row, "relation"), *version = rows_text(r, row, "version");

    t->known = true;
    if (!relation || !version || !text_copy_raw(t->relation, sizeof t->relation, relation) ||
        !text_copy_raw(t->version, sizeof t->version, version))
        t->relation[0] = '\0';
    t->only = is_true(r, row, "only");
    t->foreign_types = is_true(r, row, "foreign_types");
}

static void column_found(struct derive_param *p, int table, const struct rows *r, int row)
{
    const char *type = rows_text(r, row, "type"), *span = rows_text(r, row, "span");
    long long lo, hi;

    if (p->table < 0) { /* the alias is that of a subquery: the column is looked for by its name */
        struct buf name = {0};
        p->table = table;
        if (strchr(p->expr, '.')) {
            quote_ident(&name, p->column);
            p->column_alone = text_copy_raw(p->expr, sizeof p->expr, buf_text(&name));
        }
        buf_clear(&name);
    }
    text_copy_raw(p->column_type, sizeof p->column_type, type ? type : "");
    p->foreign_type = is_true(r, row, "foreign_type");
    p->null_frac = rows_double(r, row, "null_frac", 0);
    p->span = span && p->column_alone && !p->foreign_type &&
              sscanf(span, "%lld %lld", &lo, &hi) == 2 && lo <= hi;
    if (p->span) {
        p->lo = lo;
        p->hi = hi;
    }
}

void derive_tables(struct derived *d, const struct rows *r)
{
    for (int row = 0; r && row < r->nrows; row++) {
        int i = (int)rows_int64(r, row, "i", -1);
        const char *kind = rows_text(r, row, "kind"), *schema = rows_text(r, row, "schema");
        if (i < 0 || i >= d->ntables)
            continue;
        keep_relation(&d->tables[i], r, row);
        d->tables[i].kind = kind ? kind[0] : '\0';
        d->tables[i].pages = rows_double(r, row, "pages", 0);
        d->tables[i].catalog = schema && (strcmp(schema, "pg_catalog") == 0 ||
                                          strcmp(schema, "information_schema") == 0);
    }
    for (int i = 0; i < d->nparams; i++)
        if (d->params[i].table >= 0 && !d->tables[d->params[i].table].known)
            d->params[i].table = -1;
    for (int row = 0; r && row < r->nrows; row++) {
        int table = (int)rows_int64(r, row, "i", -1);
        const char *column = rows_text(r, row, "column");
        for (int i = 0; column && table >= 0 && table < d->ntables && i < d->nparams; i++) {
            struct derive_param *p = &d->params[i];
            bool its = p->table == table || (p->table < 0 && !p->column_type[0]);
            if (its && strcmp(p->column, column) == 0)
                column_found(p, table, r, row);
        }
    }
}
