/* What the server is asked so that the parameters of a statement get values: rows of their tables. Samples are small and taken at random places, so that a value that is frequent in the table is frequent in them. */
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

/* ---- values ---- */

static bool is_json(const struct derive_param *p)
{
    return !p->foreign_type &&
           (strcmp(p->column_type, "jsonb") == 0 || strcmp(p->column_type, "json") == 0);
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

/* Is there something to draw from, and does the expression run nothing but columns and what is in pg_catalog? A cast or an
 * operator of a type is its owner's: of such a column only the value as the server writes it is taken. */
static bool drawn(const struct derived *d, const struct derive_param *p)
{
    const struct derive_table *t = p->table >= 0 ? &d->tables[p->table] : NULL;

    return t && p->expr[0] && p->column_type[0] && t->known && t->relation[0] &&
           (p->column_alone ||
            (p->names_local && !p->foreign_type && (p->one_column || !t->foreign_types)));
}

/* x as text; of somebody else's type without a cast, which would be his. */
static void put_text(const struct derive_param *p, const char *x, struct buf *out)
{
    if (p->foreign_type)
        buf_printf(out, "pg_catalog.concat(%s)", x);
    else
        buf_printf(out, "(%s)::text", x);
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

    const char *only = t->only ? "ONLY " : "";

    if (limited)
        buf_printf(out, " FROM (SELECT * FROM %s%s LIMIT %d) AS %s", only, t->relation,
                   ROWS_LOOKED_AT, alias);
    else
        buf_printf(out, " FROM %s%s AS %s", only, t->relation, alias);
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
        buf_puts(out, n ? ", " : "SELECT /* pg_diagnose */ ");
        put_text(p, p->expr, out);
        buf_printf(out, " AS v%d", i);
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

    for (size_t i = 0; p->column_alone && !p->foreign_type && i < ARRAY_LEN(rows); i++)
        if (strcmp(rows[i].type, p->column_type) == 0) {
            buf_puts(out, rows[i].sql);
            return;
        }
    put_text(p, "v", out);
}

static void ask_range(const struct derived *d, const struct derive_param *p, struct buf *out)
{
    buf_puts(out, "SELECT /* pg_diagnose */ ");
    put_text(p, "v", out);
    buf_puts(out, " AS value, ");
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
    buf_puts(out, "SELECT /* pg_diagnose */ ");
    put_text(p, "u.v", out);
    buf_printf(out, " AS value FROM (SELECT (%s) AS a", p->expr);
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
    quote_literal(out, d->tables[p->table].relation);
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
        if (is_json(p))
            ask_json(d, p, out);
        else if (is_array(p->column_type))
            ask_elements(d, p, out);
        return out->len > 0;
    case DERIVE_JSON_KEY:
    case DERIVE_JSON_VALUE:
        if (!is_json(p))
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
    buf_puts(out, "SELECT /* pg_diagnose */ ");
    put_text(p, p->expr, out);
    buf_puts(out, " AS value");
    put_from(&d->tables[p->table], out);
    buf_printf(out, " WHERE (%s) IS NOT NULL ORDER BY pg_catalog.random() LIMIT %d", p->expr,
               DERIVE_ROWS_MAX);
    return true;
}

bool derive_ask_values(struct derived *d, int *at, struct buf *out)
{
    struct buf q = {0};
    bool asked = false;

    for (; !asked && *at < d->ntables + 2 * d->nparams; *at += !asked) {
        int own = *at - d->ntables, alone = own - d->nparams;
        int table = own < 0 ? *at : d->params[alone < 0 ? own : alone].table;
        asked = own < 0     ? ask_rows(d, *at, &q)
                : alone < 0 ? ask_own(d, &d->params[own], &q)
                            : ask_alone(d, &d->params[alone], &q);
        if (asked)
            derive_draw(&d->tables[table], buf_text(&q), out);
    }
    buf_clear(&q);
    return asked;
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
