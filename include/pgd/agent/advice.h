/* advice.h - what settings of the server cannot mend: indexes that are missing, unused or there twice, statistics, storage
 * parameters, and settings that one role or one database alone wants.
 *
 * Each is a statement of its own with its undo, its price and its evidence, for the DBA to review: it is never mixed with a
 * proposal of settings and never carried out without a person. Evidence is of the database that discovery looked at; of
 * another one nothing is said. Names come from the server and are quoted anew (base/quote.h). */
#pragma once

#include "pgd/agent/advisor.h"

enum advice_kind {
    ADVICE_INDEX_MISSING,
    ADVICE_INDEX_UNUSED,
    ADVICE_INDEX_DUPLICATE,
    ADVICE_STATISTICS, /* of several columns together */
    ADVICE_TARGET,     /* finer statistics of one column */
    ADVICE_FILLFACTOR,
    ADVICE_AUTOVACUUM,
    ADVICE_ROLE,    /* a setting for one role, as a rule in one database */
    ADVICE_DATABASE /* a setting for one database */
};
const char *advice_kind_name(enum advice_kind k); /* "missing index" … */

/* What the DBA makes of it. Nobody is asked without a screen: there all stay open. */
enum advice_mark { ADVICE_OPEN, ADVICE_ACCEPTED, ADVICE_REJECTED };
const char *advice_mark_name(enum advice_mark m); /* "open" … */

struct advice {
    enum advice_kind kind;
    enum advice_mark mark;
    char object[200];    /* what it is about: a table, an index, a role; quoted */
    char statement[640]; /* one */
    char follow[300]; /* another that has to follow it, also after the undo: ANALYZE; "" = none */
    char undo[640];   /* one */
    char why[320];
    char evidence[400];
    char source[160];     /* where the evidence is from */
    char lock[160];       /* what it locks meanwhile, and whom that holds up */
    char price[240];      /* what it costs afterwards; "" = nothing to speak of */
    char prediction[240]; /* what it is to bring; says "estimated" where it is */
    double
        bytes; /* of the index that is built or dropped, estimated for a new one; NAN = no matter of size */
    double
        seconds; /* that the statement takes, guessed from the size of the table; NAN = at once */
    bool alone;  /* it cannot run in a transaction */
    enum risk risk;
    /* of a missing index: whether the planner would take it, by HypoPG (hypo.h); "" = it is no such advice */
    char tested[200];
    double cost_before, cost_after; /* of the statement that it is for; NAN = not tested */
    /* 1 + the number of the plan or of the statement that has shown it; 0 = it was the other */
    int of_plan, of_statement;
};

enum { ADVICE_MAX = 24 };

/* What was found, with what the DBA has said about it. */
struct advised {
    bool known; /* it was looked for */
    int n;
    struct advice items[ADVICE_MAX];
};

/* Looks anew and keeps the marks of what is there still. Where the evidence is of another database than the facts, what was
 * known before stays. */
void advice_take(struct advised *a, const struct evidence *e);

/* Missing indexes first, then useless ones; how many. */
int advice_collect(const struct evidence *e, struct advice *out, int max);
/* The statements with what is known of them as comments, for psql; undo: those that take them back, the last one first. Only what
 * is accepted stands there as a statement: what is open is a comment too, and what is rejected is left out. */
void advice_script(const struct advice *list, int n, bool undo, struct buf *out);
