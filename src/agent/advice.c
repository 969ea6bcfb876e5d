/* Advice beyond settings, from plans and from the counters of tables and indexes. Every statement is text for a person to
 * review; names come from the server and are quoted anew. */
#include "pgd/agent/advice.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"
#include "pgd/base/buf.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"

#define DAY 86400.0

enum { COLUMNS_MAX = 4 };

const char *advice_kind_name(enum advice_kind k)
{
    static const char *const names[] = {"missing index", "unused index", "duplicate index",
                                        "statistics",    "fillfactor",   "autovacuum"};
    return (unsigned)k < ARRAY_LEN(names) ? names[k] : "";
}

/* ---- the columns of a condition ---- */

struct column {
    char name[64];
    bool equal;
};

/* A name as EXPLAIN prints it: plain or quoted, its alias cut; the rest begins at the answer, NULL when it is none. */
static const char *column_name(const char *at, char *dst, size_t size)
{
    for (;;) {
        size_t len = *at == '"' ? strcspn(at + 1, "\"") + 2
                                : strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789$");
        if (len == 0 || len >= size || (*at >= '0' && *at <= '9') || strlen(at) < len)
            return NULL;
        snprintf(dst, size, "%.*s", (int)len, at);
        at += len;
        if (*at != '.')
            return at;
        at++;
    }
}

/* A constant: a number, a quoted text, a parameter, each perhaps with a cast. The rest begins at the answer. */
static const char *constant(const char *at)
{
    if (*at == '\'') {
        for (at++; *at && (*at != '\'' || at[1] == '\''); at++)
            at += *at == '\'';
        if (*at != '\'')
            return NULL;
        at++;
    } else {
        size_t len = strspn(at, "-0123456789.$");
        if (len == 0 && strncmp(at, "true", 4) != 0 && strncmp(at, "false", 5) != 0)
            return NULL;
        at += len ? len : strcspn(at, ")");
    }
    if (strncmp(at, "::", 2) == 0) {
        at += 2;
        at += strspn(at, "abcdefghijklmnopqrstuvwxyz_0123456789\"[] (,");
        while (*at == ')' && at[1] == ' ' && at[2] != 'A')
            at += 1 + strspn(at + 1, "abcdefghijklmnopqrstuvwxyz_ ");
    }
    return at;
}

/* "(name = 5)" or "((name)::text = 'x'::text)"; the rest begins behind its bracket. */
static const char *comparison(const char *at, struct column *c)
{
    static const char *const operators[] = {"<>", "<=", ">=", "=", "<", ">"};
    if (*at++ != '(')
        return NULL;
    bool wrapped = *at == '(';
    at = column_name(at + wrapped, c->name, sizeof c->name);
    if (!at || (wrapped && strncmp(at, ")::text", 7) != 0))
        return NULL;
    at += wrapped ? 7 : 0;
    if (*at++ != ' ')
        return NULL;
    size_t op = 0;
    while (op < ARRAY_LEN(operators) && strncmp(at, operators[op], strlen(operators[op])) != 0)
        op++;
    if (op == ARRAY_LEN(operators) || op == 0)
        return NULL;
    c->equal = op == 3;
    at += strlen(operators[op]);
    at = *at == ' ' ? constant(at + 1) : NULL;
    return at && *at == ')' ? at + 1 : NULL;
}

/* One comparison, or several in brackets of their own with AND between them. */
static int read_columns(const char *at, struct column *columns)
{
    const char *end = comparison(at, &columns[0]);
    int n = 0;
    if (end)
        return *end == '\0';
    if (*at++ != '(')
        return 0;
    while (n < COLUMNS_MAX) {
        at = comparison(at, &columns[n++]);
        if (!at || strncmp(at, " AND ", 5) != 0)
            break;
        at += 5;
    }
    return at && strcmp(at, ")") == 0 ? n : 0;
}

static bool listed(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = list; (at = strstr(at, name)); at += len)
        if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ','))
            return true;
    return false;
}

bool advice_columns(const char *filter, char *dst, size_t size)
{
    struct column columns[COLUMNS_MAX];
    int n = read_columns(filter, columns), ranges = 0;
    dst[0] = '\0';
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < n; i++) {
            size_t len = strlen(dst);
            if (columns[i].equal != (pass == 0) || listed(dst, columns[i].name) ||
                (pass == 1 && ranges++ > 0))
                continue;
            say(dst + len, size - len, "%s%s", len ? ", " : "", columns[i].name);
        }
    return dst[0] != '\0';
}

/* ---- statements ---- */

/* A name of at most 63 bytes, quoted: every quote in it doubled. */
struct quoted {
    char text[140];
};

static struct quoted ident(const char *name)
{
    struct quoted f;
    struct buf b = {0};
    quote_ident(&b, name);
    text_copy_raw(f.text, sizeof f.text, buf_text(&b));
    buf_clear(&b);
    return f;
}

/* SCHEMA.NAME, quoted; false when it does not fit. */
static bool qualified(const char *schema, const char *name, char *dst, size_t size)
{
    struct buf b = {0};
    quote_ident(&b, schema);
    buf_putc(&b, '.');
    quote_ident(&b, name);
    bool fits = text_copy_raw(dst, size, buf_text(&b));
    buf_clear(&b);
    return fits;
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

static struct advice *add(struct advice *out, int *n, int max, enum advice_kind kind)
{
    if (*n == max)
        return NULL;
    struct advice *a = &out[(*n)++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    a->bytes = NAN;
    a->risk = RISK_LOW;
    return a;
}

static bool proposed(const struct advice *out, int n, const char *statement)
{
    for (int i = 0; i < n; i++)
        if (strcmp(out[i].statement, statement) == 0)
            return true;
    return false;
}

static bool throws_away(const struct plan_facts *p)
{
    double read = p->seq_scan_rows + p->seq_scan_rows_removed;
    return p->valid && p->seq_scan_filter[0] && read > 10000 &&
           p->seq_scan_rows_removed > 0.95 * read;
}

/* Of the table and the columns, so that the same index has one name: "orders_customer_day_pgd". */
static void index_name(const char *table, const char *columns, char *dst, size_t size)
{
    char words[32];
    size_t n = 0;
    for (; *columns && n + 1 < sizeof words; columns++)
        if (*columns == ',')
            words[n++] = '_';
        else if (*columns != ' ' && *columns != '"')
            words[n++] = *columns;
    words[n] = '\0';
    say(dst, size, "%.24s_%s_pgd", table, words);
}

static void missing_index(const struct sense *s, const struct plan_facts *p, struct advice *out,
                          int *n, int max)
{
    char columns[200], table[280], statement[640];
    const struct relation_facts *r = relation(s, p->seq_scan_rel);
    if (!throws_away(p) || !r || !advice_columns(p->seq_scan_filter, columns, sizeof columns) ||
        !qualified(r->schema, r->name, table, sizeof table))
        return;
    char index[64];
    index_name(r->name, columns, index, sizeof index);
    SAY(statement, "CREATE INDEX CONCURRENTLY %s ON %s (%s)", ident(index).text, table, columns);
    if (proposed(out, *n, statement))
        return;
    struct advice *a = add(out, n, max, ADVICE_INDEX_MISSING);
    if (!a)
        return;
    double read = p->seq_scan_rows + p->seq_scan_rows_removed;
    double share = s->plan_ms > 0 ? sense_weight(s, p) * p->exec_ms / s->plan_ms : NAN;
    SAY(a->statement, "%s", statement);
    SAY(a->undo, "DROP INDEX CONCURRENTLY %s.%s", ident(r->schema).text, ident(index).text);
    SAY(a->why, "A statement reads the whole table to find a few rows, and no cost setting has "
                "given it an index.");
    SAY(a->evidence, "the scan of %s kept %s of %s rows in %.1f ms; %s of the workload's time",
        r->name, count_figure(p->seq_scan_rows).text, count_figure(read).text, p->exec_ms,
        share_figure(share).text);
    /* An entry takes some 20 bytes and its columns; a quarter of the pages is free. */
    a->bytes = r->tuples > 0 ? r->tuples * 32 : NAN;
    a->risk = RISK_MEDIUM;
}

static void useless_index(const struct sense *s, const struct index_facts *x, struct advice *out,
                          int *n, int max)
{
    char name[280];
    bool twice = x->same_as[0] != '\0';
    bool unused = x->scans <= 0 && x->writes > 1000 && s->f->runtime.stats_age_s > DAY;
    if ((!twice && !unused) || !x->definition[0] ||
        !qualified(x->schema, x->name, name, sizeof name))
        return;
    struct advice *a = add(out, n, max, twice ? ADVICE_INDEX_DUPLICATE : ADVICE_INDEX_UNUSED);
    if (!a)
        return;
    SAY(a->statement, "DROP INDEX CONCURRENTLY %s", name);
    SAY(a->undo, "%s", x->definition);
    a->bytes = x->bytes;
    a->risk = twice ? RISK_LOW : RISK_MEDIUM;
    if (twice) {
        SAY(a->why, "%s serves the same statements; both are kept up to date by every write.",
            x->same_as);
        SAY(a->evidence, "%s of %s has the columns of %s, takes %s and followed %s writes", x->name,
            x->table, x->same_as, size_figure(x->bytes).text, count_figure(x->writes).text);
        return;
    }
    SAY(a->why, "No scan has used it here. Look at the replicas, and at what runs once a quarter, "
                "before it goes.");
    SAY(a->evidence, "0 scans in %.0f days, %s, %s writes to its table",
        s->f->runtime.stats_age_s / DAY, size_figure(x->bytes).text, count_figure(x->writes).text);
}

static void statistics(const struct sense *s, const struct plan_facts *p, struct advice *out,
                       int *n, int max)
{
    char columns[200], table[280], statement[640];
    const struct relation_facts *r = relation(s, p->seq_scan_rel);
    bool several = p->seq_scan_filter[0] &&
                   advice_columns(p->seq_scan_filter, columns, sizeof columns) &&
                   strchr(columns, ',');
    if (!p->valid || !(p->worst_misestimate > 100) || !several || !r ||
        !qualified(r->schema, r->name, table, sizeof table))
        return;
    char name[64];
    snprintf(name, sizeof name, "%.40s_pgd_stat", r->name);
    SAY(statement, "CREATE STATISTICS %s (dependencies, mcv) ON %s FROM %s; ANALYZE %s",
        ident(name).text, columns, table, table);
    if (proposed(out, *n, statement))
        return;
    struct advice *a = add(out, n, max, ADVICE_STATISTICS);
    if (!a)
        return;
    SAY(a->statement, "%s", statement);
    SAY(a->undo, "DROP STATISTICS %s; ANALYZE %s", ident(name).text, table);
    SAY(a->why, "The planner takes these columns for independent of each other, and plans for far "
                "too many or too few rows.");
    SAY(a->evidence, "an estimate was wrong by %.0f times in a statement of %.1f ms",
        p->worst_misestimate, p->exec_ms);
}

static void storage(const struct table_facts *t, struct advice *out, int *n, int max)
{
    char table[280];
    if (!qualified(t->schema, t->name, table, sizeof table))
        return;
    struct advice *a;
    if (t->updated > 10000 && t->updated > 0.2 * t->live && t->hot < 0.5 * t->updated &&
        t->indexes > 0 && !strstr(t->options, "fillfactor") &&
        (a = add(out, n, max, ADVICE_FILLFACTOR))) {
        SAY(a->statement, "ALTER TABLE %s SET (fillfactor = 85)", table);
        SAY(a->undo, "ALTER TABLE %s RESET (fillfactor)", table);
        SAY(a->why, "Updates find no room on their page, so every index gets a new entry too. It "
                    "holds for pages written "
                    "from now on; and only where no indexed column changes.");
        SAY(a->evidence, "%s of %s updates stayed on their page",
            share_figure(t->hot / t->updated).text, count_figure(t->updated).text);
    }
    if (t->dead > 50000 && t->dead > 0.2 * (t->live + t->dead) &&
        !strstr(t->options, "autovacuum_vacuum_scale_factor") &&
        (a = add(out, n, max, ADVICE_AUTOVACUUM))) {
        SAY(a->statement, "ALTER TABLE %s SET (autovacuum_vacuum_scale_factor = 0.02)", table);
        SAY(a->undo, "ALTER TABLE %s RESET (autovacuum_vacuum_scale_factor)", table);
        SAY(a->why, "A table of this size waits long for its vacuum; earlier ones are smaller.");
        SAY(a->evidence, "%s of %s rows are dead, %.0f vacuums so far", count_figure(t->dead).text,
            count_figure(t->live + t->dead).text, t->vacuums);
    }
}

int advice_collect(const struct evidence *e, struct advice *out, int max)
{
    struct sense s;
    int n = 0;
    sense_init(&s, e);
    if (e->plan && e->plan->database[0] && strcmp(e->plan->database, s.f->id.database) != 0)
        return 0;
    for (int i = 0; i < e->nplans; i++)
        missing_index(&s, &e->plans[i], out, &n, max);
    for (int i = 0; i < e->nplans; i++)
        statistics(&s, &e->plans[i], out, &n, max);
    for (int i = 0; i < s.f->nindexes; i++)
        useless_index(&s, &s.f->indexes[i], out, &n, max);
    for (int i = 0; i < s.f->ntables; i++)
        storage(&s.f->tables[i], out, &n, max);
    return n;
}
