/* advice_parts.h - what the rules for advice (advice_index.c, advice_storage.c, advice_role.c) share with advice.c, which calls them. */
#pragma once

#include "pgd/agent/advice.h"
#include "pgd/agent/condition.h"
#include "pgd/agent/sense.h"

struct advice_list {
    const struct sense *s;
    struct advice *items;
    int n, max;
};

/* A new one; NULL: there is no room, or that statement is in the list already. */
struct advice *advice_add(struct advice_list *l, enum advice_kind kind, const char *statement);

/* A name, or SCHEMA.NAME, quoted; false when it does not fit, or cannot be shown as it is. */
bool advice_ident(char *dst, size_t size, const char *name);
bool advice_qualified(char *dst, size_t size, const char *schema, const char *name);

/* The table of that name, in that schema or ("") in the only one that has it; the column of that table. NULL: not known. */
const struct scanned_facts *advice_scanned(const struct server_facts *f, const char *schema,
                                           const char *name);
const struct column_facts *advice_column(const struct server_facts *f,
                                         const struct scanned_facts *t, const char *name);
/* The columns themselves are compared: a cast to text is one only of a column that is no text. */
bool advice_compares_columns(const struct server_facts *f, const struct scanned_facts *t,
                             const struct condition *c);
/* Six digits for the end of a name that would be another one's, too. */
struct amount advice_digest(const char *schema, const char *table, const char *columns);
/* "counters of 3.5 days": since when the server counts; without a number where that is not known. */
struct amount advice_counted(const struct server_facts *f);
double advice_scan_seconds(double bytes, int times); /* reading so much so often; NAN unknown */

void advice_indexes(struct advice_list *l); /* missing, then useless ones */
void advice_statistics(struct advice_list *l);
void advice_storage(struct advice_list *l);
void advice_roles(struct advice_list *l);
