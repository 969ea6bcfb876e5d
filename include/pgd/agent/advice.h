/* advice.h - what settings cannot mend: indexes that are missing, unused or there twice, statistics, storage parameters.
 *
 * Each is a statement of its own with its undo, for the DBA to review: it is never mixed with settings and never carried out
 * without a person. Evidence is of the database that discovery looked at; of another one nothing is said. */
#pragma once

#include "pgd/agent/advisor.h"

enum advice_kind {
    ADVICE_INDEX_MISSING,
    ADVICE_INDEX_UNUSED,
    ADVICE_INDEX_DUPLICATE,
    ADVICE_STATISTICS,
    ADVICE_FILLFACTOR,
    ADVICE_AUTOVACUUM
};
const char *advice_kind_name(enum advice_kind k); /* "missing index" … */

struct advice {
    enum advice_kind kind;
    char statement[640]; /* one or two, separated by "; " */
    char undo[640];
    char why[320];
    char evidence[240];
    double
        bytes; /* of the index that is built or dropped, estimated for a new one; NAN = no matter of size */
    enum risk risk;
};

enum { ADVICE_MAX = 16 };

/* The most useful first; how many. */
int advice_collect(const struct evidence *e, struct advice *out, int max);
/* The columns that a condition of EXPLAIN compares with values, those with = first and one range at most, as the plan prints
 * them, separated by ", ". False when it holds anything else than such comparisons joined by AND. */
bool advice_columns(const char *filter, char *dst, size_t size);
