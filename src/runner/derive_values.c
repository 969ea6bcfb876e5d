/* What the server is asked so that the parameters of a statement get values: which tables and columns they are, and rows of
 * those. Samples are small and taken at random places, so that a value that is frequent in the table is frequent in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/runner/derive_parts.h"

enum {
    PAGES_READ = 400,      /* of a large table: so many of its pages are looked at */
    ROWS_LOOKED_AT = 5000, /* of a view: so many of its rows */
    JSON_ROWS = 500
};

bool derive_types(struct derived *d, const struct rows *r)
{
    if (!r || r->nrows != d->nparams)
        return false;
    for (int i = 0; i < r->nrows; i++) {
        const char *type = rows_text(r, i, "type");
        if (!type || !text_copy_raw(d->params[i].type, sizeof d->params[i].type, type))
            return false;
    }
    return true;
}

/* The type of x, where that is a column or an element of one. */
static void put_type(const struct derive_param *p, struct buf *out)
{
    size_t n = strlen(p->column_type);
    bool element = p->role == DERIVE_ELEMENT && n > 2;
    bool same = p->role == DERIVE_VALUE || p->role == DERIVE_LOW || p->role == DERIVE_HIGH ||
                p->role == DERIVE_SAME;

    if (n == 0 || p->expr[strcspn(p->expr, "( :[")] || !(same || element))
        return;
    buf_puts(out, "::");
    buf_append(out, p->column_type, element ? n - 2 : n);
}

void derive_prepare(const struct derived *d, bool typed, struct buf *out)
{
    derive_fill(d, typed ? put_type : NULL, out);
}

/* ---- tables ---- */

/* Whole numbers are drawn between two ends where the statistics say that they fill the room between them evenly: almost as
 * many values as numbers, none of them frequent, the bounds of the histogram about equally far apart. */
static const char columns_sql[] =
    " AS t (i, name) JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(t.name)"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
    " AND NOT a.attisdropped AND a.attname IN (";
static const char stats_sql[] =
    ") LEFT JOIN LATERAL (SELECT s.null_frac, CASE WHEN a.atttypid IN (20, 21, 23) THEN"
    " (SELECT CASE WHEN pg_catalog.count(*) > 2 AND pg_catalog.max(b.v - b.p) <="
    " 6 * pg_catalog.avg(b.v - b.p) AND pg_catalog.max(b.v) - pg_catalog.min(b.v) <="
    " 2 * CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * c.reltuples ELSE s.n_distinct END"
    " AND coalesce((SELECT pg_catalog.sum(f) FROM pg_catalog.unnest(s.most_common_freqs) f), 0)"
    " < 0.1 THEN pg_catalog.min(b.v)::text || ' ' || pg_catalog.max(b.v)::text END"
    " FROM (SELECT v, pg_catalog.lag(v) OVER (ORDER BY v) AS p"
    " FROM pg_catalog.unnest(s.histogram_bounds::text::bigint[]) v) b) END AS span"
    " FROM pg_catalog.pg_stats s WHERE s.schemaname = n.nspname AND s.tablename = c.relname"
    " AND s.attname = a.attname ORDER BY s.inherited DESC LIMIT 1) s ON true ORDER BY t.i";

bool derive_ask_tables(const struct derived *d, struct buf *out)
{
    if (d->ntables == 0)
        return false;
    buf_puts(out, "SELECT /* pg_diagnose */ t.i, c.relkind AS kind, c.relpages AS pages, n.nspname "
                  "AS schema, c.relkind IN ('r', 'p', 'm') OR c.relowner IN (SELECT r.oid FROM "
                  "pg_catalog.pg_roles r WHERE r.rolsuper OR r.rolname = CURRENT_USER) AS trusted, "
                  "a.attname AS \"column\", a.atttypid::pg_catalog.regtype::text AS "
                  "type, s.null_frac, s.span FROM (VALUES ");
    for (int i = 0; i < d->ntables; i++) {
        buf_printf(out, "%s(%d, ", i ? ", " : "", i);
        quote_literal(out, d->tables[i].name);
        buf_putc(out, ')');
    }
    buf_putc(out, ')');
    buf_puts(out, columns_sql);
    buf_puts(out, "''");
    for (int i = 0; i < d->nparams; i++)
        if (d->params[i].column[0]) {
            buf_puts(out, ", ");
            quote_literal(out, d->params[i].column);
        }
    buf_puts(out, stats_sql);
    return true;
}

static bool plain_column(const struct derive_param *p)
{
    return p->expr[0] && !p->expr[strcspn(p->expr, "( :[")];
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
            text_copy_raw(p->expr, sizeof p->expr, buf_text(&name));
        }
        buf_clear(&name);
    }
    text_copy_raw(p->column_type, sizeof p->column_type, type ? type : "");
    p->null_frac = rows_double(r, row, "null_frac", 0);
    p->span = span && plain_column(p) && sscanf(span, "%lld %lld", &lo, &hi) == 2 && lo <= hi;
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
        d->tables[i].known = true;
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

/* ---- values ---- */

static bool is_json(const char *type)
{
    return strcmp(type, "jsonb") == 0 || strcmp(type, "json") == 0;
}

static bool is_array(const char *type)
{
    size_t n = strlen(type);

    return n > 2 && strcmp(type + n - 2, "[]") == 0;
}

static bool in_rows(const struct derive_param *p)
{
    return p->role == DERIVE_VALUE || p->role == DERIVE_SAME || p->role == DERIVE_PATTERN ||
           p->role == DERIVE_ARRAY;
}

static bool drawn(const struct derived *d, const struct derive_param *p)
{
    return p->table >= 0 && p->expr[0] && p->column_type[0] && d->tables[p->table].known;
}

/* Is x the only column of its table that is compared, and a span? Then no row has to be drawn for it. */
static bool span_alone(const struct derived *d, const struct derive_param *p)
{
    if (!p->span || (p->role != DERIVE_VALUE && p->role != DERIVE_SAME))
        return false;
    for (int i = 0; i < d->nparams; i++) {
        const struct derive_param *o = &d->params[i];
        if (in_rows(o) && o->table == p->table && strcmp(o->expr, p->expr) != 0)
            return false;
    }
    return true;
}

static bool of_rows(const struct derived *d, const struct derive_param *p, int table)
{
    return in_rows(p) && p->table == table && drawn(d, p) && !span_alone(d, p);
}

/* FROM the table under its alias, large ones in part. */
static void put_from(const struct derive_table *t, struct buf *out)
{
    bool sampled = strchr("rm", t->kind) && t->pages > PAGES_READ;
    bool limited = !strchr("rm", t->kind);
    const char *dot = strrchr(t->name, '.');
    const char *alias = t->alias[0] ? t->alias : dot ? dot + 1 : t->name;

    if (limited)
        buf_printf(out, " FROM (SELECT * FROM %s LIMIT %d) AS %s", t->name, ROWS_LOOKED_AT, alias);
    else
        buf_printf(out, " FROM %s AS %s", t->name, alias);
    if (sampled)
        buf_printf(out, " TABLESAMPLE SYSTEM (%.6f)", 100.0 * PAGES_READ / t->pages);
}

static bool ask_rows(const struct derived *d, int table, struct buf *out)
{
    struct buf where = {0};
    int n = 0;

    for (int i = 0; i < d->nparams; i++) {
        const struct derive_param *p = &d->params[i];
        if (!of_rows(d, p, table))
            continue;
        buf_printf(out, "%s(%s)::text AS v%d", n ? ", " : "SELECT /* pg_diagnose */ ", p->expr, i);
        buf_printf(&where, "%s(%s) IS NOT NULL", n++ ? " AND " : " WHERE ", p->expr);
    }
    if (n > 0) {
        put_from(&d->tables[table], out);
        buf_append(out, where.data, where.len);
        buf_printf(out, " ORDER BY pg_catalog.random() LIMIT %d", DERIVE_ROWS_MAX);
    }
    buf_clear(&where);
    return n > 0;
}

/* What lies a tenth of the way to the next value of the sample; types that cannot be computed with have none. */
static void put_more(const struct derive_param *p, struct buf *out)
{
    static const struct {
        const char *type, *sql;
    } rows[] = {
        {"timestamp with time zone", "(v + (w - v) * 0.1)::text"},
        {"timestamp without time zone", "(v + (w - v) * 0.1)::text"},
        {"date", "(v + ((w - v) * 0.1)::integer)::text"},
        {"smallint", "(v + ((w - v) * 0.1)::integer)::text"},
        {"integer", "(v + ((w - v) * 0.1)::integer)::text"},
        {"bigint", "(v + ((w - v) * 0.1)::bigint)::text"},
        {"numeric", "(v + (w - v) * 0.1)::text"},
        {"double precision", "(v + (w - v) * 0.1)::text"},
        {"real", "(v + (w - v) * 0.1)::text"},
    };

    for (size_t i = 0; plain_column(p) && i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].type, p->column_type) == 0) {
            buf_puts(out, rows[i].sql);
            return;
        }
    buf_puts(out, "v::text");
}

static void ask_range(const struct derived *d, const struct derive_param *p, struct buf *out)
{
    buf_puts(out, "SELECT /* pg_diagnose */ v::text AS value, ");
    put_more(p, out);
    buf_printf(out,
               " AS extra FROM (SELECT v, coalesce(pg_catalog.lead(v) OVER (ORDER BY v), v) AS w "
               "FROM (SELECT (%s) AS v",
               p->expr);
    put_from(&d->tables[p->table], out);
    buf_printf(out,
               " WHERE (%s) IS NOT NULL ORDER BY pg_catalog.random() LIMIT %d) s) r ORDER BY r.v",
               p->expr, DERIVE_ROWS_MAX);
}

static void ask_elements(const struct derived *d, const struct derive_param *p, struct buf *out)
{
    buf_printf(out, "SELECT /* pg_diagnose */ u.v::text AS value FROM (SELECT (%s) AS a", p->expr);
    put_from(&d->tables[p->table], out);
    buf_printf(out,
               " WHERE (%s) IS NOT NULL ORDER BY pg_catalog.random() LIMIT %d) s, "
               "LATERAL pg_catalog.unnest(s.a) AS u (v) WHERE u.v IS NOT NULL "
               "ORDER BY pg_catalog.random() LIMIT %d",
               p->expr, JSON_ROWS, DERIVE_ROWS_MAX);
}

/* Keys and values of objects. Keys that an index is made for come first, then those that most rows have; of them those with
 * several values. */
static void ask_json(const struct derived *d, const struct derive_param *p, struct buf *out)
{
    bool part = p->role == DERIVE_ELEMENTS;

    buf_printf(out,
               "WITH /* pg_diagnose */ e AS (SELECT e.key, e.value FROM (SELECT (%s)::jsonb AS j",
               p->expr);
    put_from(&d->tables[p->table], out);
    buf_printf(
        out,
        " WHERE (%s) IS NOT NULL ORDER BY pg_catalog.random() LIMIT %d) s, LATERAL "
        "pg_catalog.jsonb_each(CASE pg_catalog.jsonb_typeof(s.j) WHEN 'object' THEN s.j ELSE "
        "'{}'::jsonb END) e), k AS (SELECT key, pg_catalog.row_number() OVER (ORDER BY EXISTS "
        "(SELECT 1 FROM pg_catalog.pg_index x WHERE x.indrelid = pg_catalog.to_regclass(",
        p->expr, JSON_ROWS);
    quote_literal(out, d->tables[p->table].name);
    buf_printf(
        out,
        ") AND pg_catalog.strpos(pg_catalog.pg_get_indexdef(x.indexrelid), "
        "pg_catalog.quote_literal(key)) > 0) DESC, pg_catalog.count(*) DESC, "
        "pg_catalog.count(DISTINCT value) > 1 DESC, pg_catalog.count(DISTINCT value), key) "
        "AS place FROM e WHERE pg_catalog.jsonb_typeof(value) <> 'null' GROUP BY key) "
        "SELECT extra, value FROM (SELECT k.place, e.key AS extra, %s AS value, "
        "pg_catalog.row_number() OVER (PARTITION BY e.key ORDER BY pg_catalog.random()) AS n "
        "FROM k JOIN e USING (key) WHERE k.place <= %d AND "
        "pg_catalog.jsonb_typeof(e.value) <> 'null') r WHERE n <= %d ORDER BY place, n",
        part ? "pg_catalog.jsonb_build_object(e.key, e.value)::text" : "(e.value #>> '{}'::text[])",
        DERIVE_LEVELS, DERIVE_ROWS_MAX / 2);
}

static bool ask_own(const struct derived *d, const struct derive_param *p, struct buf *out)
{
    if (!drawn(d, p))
        return false;
    switch (p->role) {
    case DERIVE_LOW:
    case DERIVE_HIGH:
        if (p->role == DERIVE_HIGH && p->partner >= 0)
            return false; /* has those of the low end */
        ask_range(d, p, out);
        return true;
    case DERIVE_ELEMENT:
        if (!is_array(p->column_type))
            return false;
        ask_elements(d, p, out);
        return true;
    case DERIVE_ELEMENTS:
        if (is_json(p->column_type))
            ask_json(d, p, out);
        else if (is_array(p->column_type))
            ask_elements(d, p, out);
        return out->len > 0;
    case DERIVE_JSON_KEY:
    case DERIVE_JSON_VALUE:
        if (!is_json(p->column_type))
            return false;
        ask_json(d, p, out);
        return true;
    case DERIVE_FREE:
    case DERIVE_VALUE:
    case DERIVE_ARRAY:
    case DERIVE_PATTERN:
    case DERIVE_LIMIT:
    case DERIVE_OFFSET:
    case DERIVE_SAME:
        break;
    }
    return false;
}

/* Where no row has a value in every column, each is asked for alone. */
static bool ask_alone(const struct derived *d, const struct derive_param *p, struct buf *out)
{
    if (!of_rows(d, p, p->table) || p->nvalues > 0)
        return false;
    buf_printf(out, "SELECT /* pg_diagnose */ (%s)::text AS value", p->expr);
    put_from(&d->tables[p->table], out);
    buf_printf(out, " WHERE (%s) IS NOT NULL ORDER BY pg_catalog.random() LIMIT %d", p->expr,
               DERIVE_ROWS_MAX);
    return true;
}

bool derive_ask_values(struct derived *d, int *at, struct buf *out)
{
    for (; *at < d->ntables + 2 * d->nparams; (*at)++) {
        int own = *at - d->ntables, alone = own - d->nparams;
        if (own < 0     ? ask_rows(d, *at, out)
            : alone < 0 ? ask_own(d, &d->params[own], out)
                        : ask_alone(d, &d->params[alone], out))
            return true;
    }
    return false;
}

/* pgbench would take a colon for the begin of a variable; the server reads the time of day without them, too. */
static char *own_value(const struct derive_param *p, const char *value)
{
    char *copy = xstrdup(value);
    bool stamp = strncmp(p->type, "timestamp", 9) == 0 &&
                 value[strspn(value, "0123456789-")] == ' ';
    size_t n = 0;

    for (const char *s = value; stamp && *s; s++)
        if (*s != ':')
            copy[n++] = *s;
    if (stamp)
        copy[n] = '\0';
    return copy;
}

static void keep(struct derive_param *p, const struct rows *r, const char *value, const char *extra)
{
    if (p->nvalues > 0 || r->nrows == 0)
        return;
    p->values = xcalloc((size_t)r->nrows, sizeof *p->values);
    if (extra && rows_col(r, extra) >= 0)
        p->extra = xcalloc((size_t)r->nrows, sizeof *p->extra);
    for (int i = 0; i < r->nrows; i++) {
        const char *v = rows_text(r, i, value), *more = extra ? rows_text(r, i, extra) : NULL;
        if (!v) /* cannot be: the question excludes it */
            v = "";
        p->values[p->nvalues] = own_value(p, v);
        if (p->extra)
            p->extra[p->nvalues] = own_value(p, more ? more : v);
        p->nvalues++;
    }
}

void derive_values(struct derived *d, int at, const struct rows *r)
{
    int own = at - d->ntables, alone = own - d->nparams;

    if (!r || at < 0 || alone >= d->nparams)
        return;
    for (int i = 0; own < 0 && i < d->nparams; i++) {
        char name[16];
        snprintf(name, sizeof name, "v%d", i);
        if (of_rows(d, &d->params[i], at))
            keep(&d->params[i], r, name, NULL);
    }
    if (alone >= 0)
        keep(&d->params[alone], r, "value", NULL);
    else if (own >= 0)
        keep(&d->params[own], r, "value", "extra");
}
