/* Quoting by the rules of the server (quote_ident, quote_literal), of libpq's connection strings
 * and of sh. */
#include "pgd/base/quote.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* What quote_ident() of PostgreSQL 15 quotes, and the words that later versions added. A word
 * too many costs a pair of quotes, a word missing would break a statement. Sorted by bytes. */
/* clang-format off */
static const char *const reserved[] = {
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric",
    "authorization", "between", "bigint", "binary", "bit", "boolean", "both", "case", "cast",
    "char", "character", "check", "coalesce", "collate", "collation", "column", "concurrently",
    "constraint", "create", "cross", "current_catalog", "current_date", "current_role",
    "current_schema", "current_time", "current_timestamp", "current_user", "dec", "decimal",
    "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "exists",
    "extract", "false", "fetch", "float", "for", "foreign", "freeze", "from", "full", "grant",
    "graph_table", "greatest", "group", "grouping", "having", "ilike", "in", "initially",
    "inner", "inout", "int", "integer", "intersect", "interval", "into", "is", "isnull", "join",
    "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg",
    "json_query", "json_scalar", "json_serialize", "json_table", "json_value", "lateral",
    "leading", "least", "left", "like", "limit", "localtime", "localtimestamp", "merge_action",
    "national", "natural", "nchar", "none", "normalize", "not", "notnull", "null", "nullif",
    "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay",
    "placing", "position", "precision", "primary", "real", "references", "returning", "right",
    "row", "select", "session_user", "setof", "similar", "smallint", "some", "substring",
    "symmetric", "system_user", "table", "tablesample", "then", "time", "timestamp", "to",
    "trailing", "treat", "trim", "true", "union", "unique", "user", "using", "values",
    "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes",
    "xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi",
    "xmlroot", "xmlserialize", "xmltable",
};
/* clang-format on */

static int by_bytes(const void *key, const void *item)
{
    return strcmp(key, *(const char *const *)item);
}

static bool plainly_safe(const char *name)
{
    if (!((*name >= 'a' && *name <= 'z') || *name == '_'))
        return false;
    for (const char *p = name; *p; p++)
        if (!((*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9') || *p == '_'))
            return false;
    return !bsearch(name, reserved, ARRAY_LEN(reserved), sizeof reserved[0], by_bytes);
}

/* value between two `quote`, each byte of `doubled` preceded by `escape` (or by itself where
 * escape is 0). */
static void quoted(struct buf *out, const char *value, char quote, const char *doubled, char escape)
{
    buf_putc(out, quote);
    for (const char *p = value; *p; p++) {
        if (strchr(doubled, *p))
            buf_putc(out, escape ? escape : *p);
        buf_putc(out, *p);
    }
    buf_putc(out, quote);
}

void quote_ident(struct buf *out, const char *name)
{
    if (plainly_safe(name))
        buf_puts(out, name);
    else
        quoted(out, name, '"', "\"", 0);
}

void quote_literal(struct buf *out, const char *value)
{
    /* With E the meaning of a backslash does not depend on standard_conforming_strings. */
    if (strchr(value, '\\'))
        buf_putc(out, 'E');
    quoted(out, value, '\'', "'\\", 0);
}

void quote_conninfo(struct buf *out, const char *value)
{
    quoted(out, value, '\'', "'\\", '\\');
}

void quote_shell(struct buf *out, const char *value)
{
    buf_putc(out, '\'');
    for (const char *p = value; *p; p++) {
        if (*p == '\'')
            buf_puts(out, "'\\''");
        else
            buf_putc(out, *p);
    }
    buf_putc(out, '\'');
}

void quote_conf(struct buf *out, const char *value)
{
    buf_putc(out, '\'');
    for (const char *p = value; *p; p++) {
        if (*p == '\'' || *p == '\\')
            buf_printf(out, "%c%c", *p, *p);
        else if ((unsigned char)*p < 0x20 || *p == 0x7f)
            buf_printf(out, "\\%03o", (unsigned)(unsigned char)*p);
        else
            buf_putc(out, *p);
    }
    buf_putc(out, '\'');
}
