/* hypo.c - see hypo.h. */
#include "pgd/agent/hypo.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/discovery/extension.h"

static const char create_function[] = "hypopg_create_index(text)";
static const char size_function[] = "hypopg_relation_size(oid)";
static const char reset_function[] = "hypopg_reset()";

const struct hypo_result *hypo_find(const struct hypo_results *h, const char *statement)
{
    for (int i = 0; h && i < h->n; i++)
        if (strcmp(h->items[i].statement, statement) == 0)
            return &h->items[i];
    return NULL;
}

/* The advised statement without what HypoPG does not know: CONCURRENTLY, and the name. */
static bool definition(const char *statement, struct buf *out)
{
    static const char head[] = "CREATE INDEX CONCURRENTLY ";
    const char *on;

    if (strncmp(statement, head, sizeof head - 1) != 0)
        return false;
    on = strstr(statement + sizeof head - 1,
                " ON "); /* the name of an index of ours has no blank */
    if (!on)
        return false;
    buf_printf(out, "CREATE INDEX%s", on);
    return true;
}

bool hypo_create_sql(const char *schema, const char *statement, struct buf *out)
{
    struct extension_use use = {.extension = "hypopg",
                                .schema = schema,
                                .functions = {create_function, size_function},
                                .n = 2};
    struct buf index = {0}, select = {0};
    bool well = definition(statement, &index);

    if (well) {
        buf_puts(&select, "SELECT h.indexname, ");
        quote_ident(&select, schema);
        buf_puts(&select, ".hypopg_relation_size(h.indexrelid) AS bytes FROM ");
        quote_ident(&select, schema);
        buf_puts(&select, ".hypopg_create_index(");
        quote_literal(&select, buf_text(&index));
        buf_puts(&select, ") AS h");
        extension_use_sql(&use, buf_text(&select), out);
    }
    buf_clear(&index);
    buf_clear(&select);
    return well;
}

void hypo_reset_sql(const char *schema, struct buf *out)
{
    struct extension_use use = {
        .extension = "hypopg", .schema = schema, .functions = {reset_function}, .n = 1};
    struct buf select = {0};

    buf_puts(&select, "SELECT true AS reset FROM ");
    quote_ident(&select, schema);
    buf_puts(&select, ".hypopg_reset()");
    extension_use_sql(&use, buf_text(&select), out);
    buf_clear(&select);
}

/* "<13543>btree_events_device": up to the kind of index it is HypoPG's own, behind it the names are cut, and quoted in a plan. */
bool hypo_created(const struct rows *r, char *name, size_t size, double *bytes)
{
    const char *full = r && r->nrows == 1 ? rows_text(r, 0, "indexname") : NULL;
    size_t digits = full && full[0] == '<' ? strspn(full + 1, "0123456789") : 0;
    char own[32];

    *bytes = r && r->nrows == 1 ? rows_double(r, 0, "bytes", NAN) : (double)NAN;
    if (digits == 0 || digits > 10 || full[1 + digits] != '>')
        return false;
    snprintf(own, sizeof own, "%.*s", (int)digits + 2, full);
    return text_copy_raw(name, size, own);
}

double hypo_plan(const struct rows *r, const char *name, bool *used)
{
    double cost = NAN;

    *used = false;
    for (int i = 0; r && r->ncols == 1 && i < r->nrows; i++) {
        const char *line = r->cells[i] ? r->cells[i] : "";
        const char *dots = isnan(cost) ? strstr(line, "(cost=") : NULL;
        char *end = NULL;
        if (dots && (dots = strstr(dots, "..")))
            cost = strtod(dots + 2, &end);
        if (end && end == dots + 2)
            cost = NAN;
        const char *scan = *name ? strstr(line, " using ") : NULL; /* Index Scan using … on … */
        if (*name && !scan)
            scan = strstr(line, "Bitmap Index Scan on ");
        *used |= scan && strstr(scan, name);
    }
    return cost >= 0 && isfinite(cost) ? cost : (double)NAN;
}
