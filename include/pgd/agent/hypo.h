/* hypo.h - what the planner would make of an index that is not there, asked with HypoPG: what is sent, how it is read, and the
 * results that the advice for missing indexes goes by.
 *
 * An index of HypoPG is known to one session alone and nothing is built: EXPLAIN counts it in, and it is gone with
 * hypopg_reset() or the session. Its functions belong to an extension whose schema may be anybody's, so they are called in the
 * steps of discovery/extension.h. */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

enum hypo_verdict {
    HYPO_UNTESTED, /* why says why not */
    HYPO_USED,     /* the plan has it */
    HYPO_UNUSED    /* the planner would not take it: it is not advised */
};

struct hypo_result {
    char statement[640]; /* the CREATE INDEX that is advised: what is looked up by */
    enum hypo_verdict verdict;
    double cost_before, cost_after; /* of the whole plan, in the planner's units; NAN = not known */
    double bytes;                   /* of the index by HypoPG's estimate; NAN = not known */
    char why[120];
    bool recorded; /* why is of a recorded statement; a plan of the workload is still tried */
};

enum { HYPO_MAX = 12 };
struct hypo_results {
    int n;
    struct hypo_result items[HYPO_MAX];
};

/* NULL: it was not looked at. */
const struct hypo_result *hypo_find(const struct hypo_results *h, const char *statement);

/* Appends the question that makes the hypothetical index of an advised "CREATE INDEX CONCURRENTLY name ON …" in HypoPG's schema:
 * one row with indexname and bytes. False: the statement is none of these. */
bool hypo_create_sql(const char *schema, const char *statement, struct buf *out);
/* Appends the question that takes all of them away: one row. */
void hypo_reset_sql(const char *schema, struct buf *out);

/* The answer to the first: what EXPLAIN calls the index begins with this (at least 16 bytes); false: it is no such answer. */
bool hypo_created(const struct rows *r, char *name, size_t size, double *bytes);
/* The total cost of a plan as EXPLAIN prints it, NAN = there is none; used: it reads the index of that name. */
double hypo_plan(const struct rows *r, const char *name, bool *used);
