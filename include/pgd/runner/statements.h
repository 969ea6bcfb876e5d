/* statements.h - which scripts and statements of a workload a candidate made faster or slower.
 *
 * The total hides who pays for it. Two sources are compared beside it, run by run as the total is: the mean latency of each
 * pgbench script, from the transaction log, and the mean time of each statement, from pg_stat_statements where that can be
 * read. A statement that matters and is slower with evidence by more than a tenth is a veto, which the DBA can lift. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

/* STATEMENTS_KEPT: of one run, those that took most time. */
enum { STATEMENTS_KEPT = 24, STATEMENTS_SHOWN = 56, STATEMENT_TEXT_MAX = 120 };

/* One script of the workload in one run. */
struct script_run {
    double n; /* transactions in the log; a sample when the log is one */
    double mean_ms, p95_ms;
};

/* One statement of pg_stat_statements: since ever, or in one run. */
struct statement_run {
    int64_t id; /* queryid */
    double calls, ms, rows, temp_blocks;
};

/* What a statement is called for people: its beginning. */
struct statement_name {
    int64_t id;
    char text[STATEMENT_TEXT_MAX];
};

enum statement_class { STATEMENT_UNDECIDED, STATEMENT_FASTER, STATEMENT_SLOWER };
const char *statement_class_name(enum statement_class c); /* "faster", "slower", "no evidence" */

struct statement_verdict {
    bool script; /* of a pgbench script, else of a statement */
    int64_t id;  /* number of the script, or queryid */
    char name[STATEMENT_TEXT_MAX];
    double share;            /* of the time of its source, 0..1 */
    double mean_a, mean_b;   /* ms: geometric means of the runs */
    double calls_a, calls_b; /* in all runs of an arm */
    double temp_a, temp_b;   /* temp blocks written a call; NAN unknown */
    double ratio;            /* time under B over time under A: 1.3 = 30 % slower */
    double lo, hi;           /* 95 % for all of them together; NAN = too few runs */
    enum statement_class cls;
    bool matters; /* >= 1 % of the time and enough calls: it is among those that were tested */
    bool veto;
};

struct statements {
    int n;
    struct statement_verdict items[STATEMENTS_SHOWN]; /* scripts first, then by falling share */
    int tested;        /* those that matter: the family of the intervals */
    bool by_statement; /* pg_stat_statements was there */
    int vetoes;
};

struct bench_run;
struct experiment;
struct sdl;

/* Compares arm B with arm A over the valid runs of x, and of `more` when it is not NULL: a run that x has not taken yet. */
void statements_compare(const struct experiment *x, const struct bench_run *more,
                        const struct sdl *plan, const struct statement_name *names, int nnames,
                        struct statements *out);
/* Why the candidate is not to be kept, in words; false (and "") when there is no veto. */
bool statements_veto(const struct statements *s, char *why, size_t size);

/* ---- pg_stat_statements ---- */

/* The way to read it, from the row of observe_probe.sql: form 0 = it is not to be read, and note says why. */
struct statements_source {
    char database[64], schema[64];
    int form; /* whose columns it has: PostgreSQL 12, 13, 14 or 15 */
};
void statements_probe(const struct rows *r, const char *database, struct statements_source *s,
                      char *note, size_t size);
void statements_sql(const struct statements_source *s, struct buf *out);
/* The beginnings of these statements. */
void statements_names_sql(const struct statements_source *s, const int64_t *ids, int n,
                          struct buf *out);
/* A snapshot, by rising id; *n of them, owned by the caller (free). Rows that make no sense are passed over. */
struct statement_run *statements_read(const struct rows *r, int *n);
/* What was called between two snapshots: the STATEMENTS_KEPT that took most time, that first. */
struct statement_run *statements_diff(const struct statement_run *a, int na,
                                      const struct statement_run *b, int nb, int *n);
void statements_names_read(const struct rows *r, struct statement_name *names, int *n, int max);
