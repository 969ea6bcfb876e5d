/* The text of the question differs between versions in the name of a column or two. */
#include "pgd/discovery/traffic.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"

void traffic_sql(int version, const char *schema, struct buf *out)
{
    const struct asset *a = asset_find("sql/traffic.sql");

    traffic_fill_in(a ? (const char *)a->data : "", version, schema, out);
}

/* By name, since an extension that was not updated with its server lacks the columns: nothing is known then. */
static const char jit_sum[] =
    "(SELECT sum(e.value::float8) FROM jsonb_each_text(to_jsonb(p)) AS e WHERE e.key IN "
    "('jit_generation_time', 'jit_inlining_time', 'jit_optimization_time', 'jit_emission_time'))";

void traffic_fill_in(const char *s, int version, const char *schema, struct buf *out)
{
    const char *end = s + strlen(s);

    while (s < end) {
        const char *at = memchr(s, '@', (size_t)(end - s));
        const char *stop = at ? memchr(at + 1, '@', (size_t)(end - at - 1)) : NULL;
        if (!stop) {
            buf_append(out, s, (size_t)(end - s));
            return;
        }
        buf_append(out, s, (size_t)(at - s));
        if (strncmp(at, "@time@", 6) == 0)
            buf_puts(out, version >= 130000 ? "total_exec_time" : "total_time");
        else if (strncmp(at, "@toplevel@", 10) == 0)
            buf_puts(out, version >= 140000 ? "toplevel" : "true");
        else if (strncmp(at, "@jit@", 5) == 0)
            buf_puts(out, version >= 150000 ? jit_sum : "NULL::float8");
        else if (strncmp(at, "@schema@", 8) == 0)
            quote_ident(out, schema);
        else
            buf_append(out, at, (size_t)(stop + 1 - at));
        s = stop + 1;
    }
}

static enum traffic_kind kind_of(const char *name)
{
    if (!name)
        return TRAFFIC_OTHER;
    return strcmp(name, "read") == 0     ? TRAFFIC_READ
           : strcmp(name, "write") == 0  ? TRAFFIC_WRITE
           : strcmp(name, "hidden") == 0 ? TRAFFIC_HIDDEN
                                         : TRAFFIC_OTHER;
}

bool traffic_read(const struct rows *r, struct traffic *t)
{
    memset(t, 0, sizeof *t);
    if (!r || r->nrows == 0)
        return false;
    t->total_ms = rows_double(r, 0, "all_ms", 0);
    t->statements = (int)rows_int64(r, 0, "statements", 0);
    if (!(t->total_ms > 0))
        return false;
    t->write_share = rows_double(r, 0, "write_ms", 0) / t->total_ms;
    for (int i = 0; i < r->nrows && t->n < TRAFFIC_MAX; i++) {
        struct traffic_row *row = &t->rows[t->n++];
        const char *id = rows_text(r, i, "id"), *query = rows_text(r, i, "query");
        text_copy(row->id, sizeof row->id, id ? id : "");
        row->kind = kind_of(rows_text(r, i, "kind"));
        row->calls = rows_double(r, i, "calls", 0);
        row->total_ms = rows_double(r, i, "total_ms", 0);
        row->rows = rows_double(r, i, "rows", 0);
        row->share = row->total_ms / t->total_ms;
        row->own = rows_bool(r, i, "own", false);
        row->query = query && row->kind == TRAFFIC_READ ? xstrdup(query) : NULL;
    }
    return true;
}

void traffic_clear(struct traffic *t)
{
    for (int i = 0; i < t->n; i++)
        free(t->rows[i].query);
    memset(t, 0, sizeof *t);
}
