/* observed.h - what a server's own statements take: snapshots of its counters, their differences, and the average runtime
 * that follows from them.
 *
 * The traffic of a server is not the same in any two windows. So a window is never compared by its plain average, which moves
 * with the mix: each statement's mean is weighted by the calls that the reference (the baseline) had of it. That is
 * Laspeyres' index of prices, with the means of statements for prices. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/base/buf.h"
#include "pgd/base/err.h"
#include "pgd/base/rows.h"
#include "pgd/runner/statements.h"

/* Statements of one snapshot (the limit of the SQL), and of them those that are looked at every second. */
enum { OBSERVED_MAX = 5000, OBSERVED_WATCHED = 100 };

/* How the traffic of a database can be measured. */
struct observed_source {
    char database[64];
    char schema[64];  /* of pg_stat_statements; "" = it is not usable: form is 0 */
    int form;         /* whose columns it has: PostgreSQL 12, 13, 14 or 15 */
    bool active_time; /* pg_stat_database has it: the way without pg_stat_statements */
    bool apart;       /* statements of other roles can be told apart */
};

/* Reads observe_probe.sql. False with the statement that would help when nothing can be measured. note: what limits the
 * measurement, "" = nothing. */
PGD_MUST_CHECK bool observed_probe(const struct rows *r, const char *database,
                                   struct observed_source *s, char *note, size_t size,
                                   struct err *e);

/* The counters of one statement since ever, or between two snapshots. */
struct observed_statement {
    int64_t id;                                          /* queryid */
    double calls;                                        /* that have ended */
    double ms;                                           /* execution time of them all */
    double square;                                       /* … its squares; NAN unknown */
    double temp_blocks, read_blocks, hit_blocks, jit_ms; /* NAN unknown */
};

struct observed {
    int n;
    struct observed_statement *items; /* owned; by rising id */
    double dealloc, reset_at;         /* evictions, epoch of the last reset; NAN unknown */
};

/* One look at the database as a whole. */
struct observed_now {
    double at_s;               /* the server's clock, epoch */
    double commits, rollbacks; /* since ever */
    double active_ms;          /* time that its sessions were at work since ever; NAN unknown */
    double reset_at;           /* epoch; NAN = never */
    double active, oldest_ms;  /* statements at work, the age of the oldest; NAN = not to be seen */
};

/* The statements. only: these alone (NULL = all that the limit lets through). */
void observed_now_sql(const struct observed_source *s, struct buf *out);
void observed_statements_sql(const struct observed_source *s, const int64_t *only, int n,
                             struct buf *out);
PGD_MUST_CHECK bool observed_now_read(const struct rows *r, struct observed_now *now);
/* *o is overwritten, not freed. Rows that make no sense are passed over. */
void observed_read(const struct rows *r, struct observed *o);
/* Without pg_stat_statements: the database as one statement, transactions for calls. own: transactions of ours so far. */
void observed_from_now(const struct observed_now *now, double own, struct observed *o);

/* What was called from a to b, into *out (overwritten). False when the counters of b do not go on from those of a: the
 * statistics were reset, or statements evicted; *e says so. */
PGD_MUST_CHECK bool observed_diff(const struct observed *a, const struct observed *b,
                                  struct observed *out, struct err *e);
/* Those of a snapshot that have one of n ids, into *out (overwritten). */
void observed_pick(const struct observed *o, const int64_t *ids, int n, struct observed *out);
/* Adds the calls of one window to a total. */
void observed_add(struct observed *total, const struct observed *window);
const struct observed_statement *observed_find(const struct observed *o, int64_t id);
double observed_calls(const struct observed *o);
double observed_ms(const struct observed *o);
void observed_clear(struct observed *o);

struct observed_figure {
    double runtime_ms; /* standardised average of a statement; NAN when it cannot be told */
    double coverage;   /* share of the reference's time in statements that this window has, too */
    double p95_ms;     /* estimated, see observed_p95(); NAN unknown */
    int statements;    /* … so many */
};

/* Of a window by the mix of the reference. */
void observed_figure(const struct observed *reference, const struct observed *window,
                     struct observed_figure *f);
/* How much longer these calls took than the same calls would have taken in the reference (Paasche's index, which needs few
 * calls only). */
struct observed_index {
    double ratio;   /* NAN without any call that the reference has, too */
    double certain; /* … less 2.33 standard errors: with 99 % confidence it is more than that */
    double calls;   /* on how many it rests */
};
void observed_slower(const struct observed *reference, const struct observed *window,
                     struct observed_index *x);
/* The 95th percentile of a statement's time if each statement's times are log-normal around its mean in the window, weighted
 * by the calls of the reference. ms; NAN where deviations are unknown. */
double observed_p95(const struct observed *reference, const struct observed *window);
/* The statements that took most time, at most max of them, that first; *n of them, owned by the caller (free). NULL: none was called.
 * Their rows are unknown. */
struct statement_run *observed_statements(const struct observed *o, int max, int *n);
/* The ids of the statements that took most time, at most max of them; returns how many. */
int observed_top(const struct observed *o, int max, int64_t *ids);
