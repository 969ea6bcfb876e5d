/* advice.c - see advice.h: the list, what its rules share, and its script. The rules are in advice_index.c,
 * advice_storage.c and advice_role.c. */
#include "pgd/agent/advice_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/sha256.h"
#include "pgd/base/text.h"

enum { SCAN_BYTES_S = 100 * 1024 * 1024 }; /* of a disk that does something else, too */

const char *advice_kind_name(enum advice_kind k)
{
    static const char *const names[] = {"missing index", "unused index",      "duplicate index",
                                        "statistics",    "statistics target", "fillfactor",
                                        "autovacuum",    "role setting",      "database setting"};
    return (unsigned)k < ARRAY_LEN(names) ? names[k] : "";
}

const char *advice_mark_name(enum advice_mark m)
{
    static const char *const names[] = {"open", "accepted", "rejected"};
    return (unsigned)m < ARRAY_LEN(names) ? names[m] : "";
}

struct advice *advice_add(struct advice_list *l, enum advice_kind kind, const char *statement)
{
    struct advice *a;

    for (int i = 0; i < l->n; i++)
        if (strcmp(l->items[i].statement, statement) == 0)
            return NULL;
    if (l->n == l->max || strlen(statement) >= sizeof a->statement)
        return NULL;
    a = &l->items[l->n++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    a->bytes = a->seconds = a->cost_before = a->cost_after = NAN;
    a->risk = RISK_LOW;
    text_copy_raw(a->statement, sizeof a->statement, statement);
    return a;
}

/* A name of which something is replaced when it is shown (a line's end, a sign that turns the direction) would be another
 * name in the statement: nothing is advised about it. */
static bool take(char *dst, size_t size, struct buf *quoted)
{
    bool same = text_copy(dst, size, buf_text(quoted)) && strcmp(dst, buf_text(quoted)) == 0;

    buf_clear(quoted);
    return same;
}

bool advice_ident(char *dst, size_t size, const char *name)
{
    struct buf b = {0};

    quote_ident(&b, name);
    return take(dst, size, &b);
}

bool advice_qualified(char *dst, size_t size, const char *schema, const char *name)
{
    struct buf b = {0};

    quote_ident(&b, schema);
    buf_putc(&b, '.');
    quote_ident(&b, name);
    return take(dst, size, &b);
}

const struct scanned_facts *advice_scanned(const struct server_facts *f, const char *schema,
                                           const char *name)
{
    const struct scanned_facts *found = NULL;

    for (int i = 0; i < f->nscanned; i++) {
        const struct scanned_facts *t = &f->scanned[i];
        if (strcmp(t->name, name) != 0 || (*schema && strcmp(t->schema, schema) != 0))
            continue;
        if (found)
            return NULL;
        found = t;
    }
    return found;
}

const struct column_facts *advice_column(const struct server_facts *f,
                                         const struct scanned_facts *t, const char *name)
{
    for (int i = 0; t && i < f->ncolumns; i++)
        if (&f->scanned[f->columns[i].table] == t && strcmp(f->columns[i].name, name) == 0)
            return &f->columns[i];
    return NULL;
}

bool advice_compares_columns(const struct server_facts *f, const struct scanned_facts *t,
                             const struct condition *c)
{
    for (int i = 0; i < c->n; i++) {
        const struct column_facts *x = advice_column(f, t, c->columns[i].name);
        if (c->columns[i].as_text && !(x && x->texts))
            return false;
    }
    return true;
}

struct amount advice_digest(const char *schema, const char *table, const char *columns)
{
    struct amount a;
    char all[1200], hex[65];

    snprintf(all, sizeof all, "%s\n%s\n%s", schema, table, columns);
    sha256_text(all, strlen(all), hex);
    SAY(a.text, "%.6s", hex);
    return a;
}

struct amount advice_counted(const struct server_facts *f)
{
    struct amount a = {"counters since their reset"};

    if (f->runtime.stats_age_s > 0)
        SAY(a.text, "counters of %.1f days", f->runtime.stats_age_s / 86400);
    return a;
}

double advice_scan_seconds(double bytes, int times)
{
    return bytes > 0 ? fmax(1, bytes * times / SCAN_BYTES_S) : NAN;
}

int advice_collect(const struct evidence *e, struct advice *out, int max)
{
    struct sense s;
    struct advice_list l = {.s = &s, .items = out, .max = max};

    sense_init(&s, e);
    if (s.f->id
            .standby) /* nothing of it can be done here, and its scans are not those of the primary */
        return 0;
    if (e->plan && e->plan->database[0] && strcmp(e->plan->database, s.f->id.database) != 0)
        return 0;
    advice_indexes(&l);
    advice_statistics(&l);
    advice_storage(&l);
    advice_roles(&l);
    return l.n;
}

void advice_take(struct advised *a, const struct evidence *e)
{
    const char *database = e->server ? e->server->id.database : "";
    struct advised *was;

    if (a->known && e->plan && e->plan->database[0] && strcmp(e->plan->database, database) != 0)
        return;
    was = xcalloc(1, sizeof *was);
    *was = *a;
    a->known = true;
    a->n = advice_collect(e, a->items, ADVICE_MAX);
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < was->n; k++)
            if (strcmp(a->items[i].statement, was->items[k].statement) == 0)
                a->items[i].mark = was->items[k].mark;
    free(was);
}

/* ---- the script ---- */

/* A line of a comment: what stands in a name could else end it. */
static void comment(struct buf *out, const char *label, const char *text)
{
    char line[700];

    if (!*text)
        return;
    text_copy(line, sizeof line, text);
    for (char *p = line; *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    buf_printf(out, "-- %s%s\n", label, line);
}

static const char drop_head[] = "DROP INDEX CONCURRENTLY ";

static void script_one(const struct advice *a, int number, bool undo, struct buf *out)
{
    char head[320], cost[120] = "";

    SAY(head, "%d. %s: %s", number, advice_kind_name(a->kind), a->object);
    buf_putc(out, '\n');
    comment(out, "", head);
    if (!undo) {
        comment(out, "why: ", a->why);
        comment(out, "evidence: ", a->evidence);
        comment(out, "source: ", a->source);
        comment(out, "tested: ", a->tested);
        comment(out, "expected: ", a->prediction);
        if (isfinite(a->seconds))
            SAY(cost, "about %.0f s, estimated%s", a->seconds,
                a->alone ? "; not in a transaction" : "");
        comment(out, "takes: ", cost);
        comment(out, "locks: ", a->lock);
        comment(out, "price: ", a->price);
        comment(out, "undo: ", a->undo);
    }
    const char *before = a->mark == ADVICE_ACCEPTED ? "" : "-- ";
    if (*before)
        buf_puts(out, "-- not accepted: without the dashes it would run\n");
    if (a->alone) /* it waits for transactions that are open, and left in the middle it leaves an invalid index */
        buf_printf(out, "%sSET lock_timeout = 0;\n", before);
    if (undo && strncmp(a->statement, drop_head, sizeof drop_head - 1) == 0)
        buf_printf(out, "%s%sIF EXISTS %s; -- invalid, or never dropped\n", before, drop_head,
                   a->statement + sizeof drop_head - 1);
    buf_printf(out, "%s%s;\n", before, undo ? a->undo : a->statement);
    if (a->alone)
        buf_printf(out, "%sSET lock_timeout = '5s';\n", before);
    if (a->follow[0])
        buf_printf(out, "%s%s;\n", before, a->follow);
}

void advice_script(const struct advice *list, int n, bool undo, struct buf *out)
{
    for (int i = 0; i < n; i++) {
        int at = undo ? n - 1 - i : i;
        if (list[at].mark != ADVICE_REJECTED)
            script_one(&list[at], at + 1, undo, out);
    }
}
