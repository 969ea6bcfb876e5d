/* beside.h - what a session measures beside its total: the verdict by statement with the plans that flipped, the comparison
 * of the best state with PostgreSQL's defaults and with pgtune, and the concurrency knee. Plain data, its JSON, its words. */
#pragma once

#include <jansson.h>

#include "pgd/agent/advisor.h"
#include "pgd/base/buf.h"
#include "pgd/discovery/shape.h"
#include "pgd/runner/knee.h"
#include "pgd/runner/race.h"
#include "pgd/runner/statements.h"
#include "pgd/workspace/trade.h"

enum { FLIPS_MAX = 12, NOTES_MAX = 64, COMPARED_MAX = 4 };

/* A statement whose plan is another one under the candidate. */
struct flip {
    char where[80]; /* "report.sql", "report.sql, statement 2" */
    char what[240]; /* "Seq Scan on orders → Index Scan using orders_day on orders" */
};

/* Statements of observed traffic whose plans are compared; asked for once a session. */
enum { FLIP_STATEMENTS_MAX = 12, FLIP_TEXT_MAX = 3000 };
struct flip_sources {
    bool asked;
    int n, others, left_out; /* … of other roles; that lock rows, or cannot be read */
    int parameters[FLIP_STATEMENTS_MAX];
    char text[FLIP_STATEMENTS_MAX][FLIP_TEXT_MAX];
};

/* What is awaited while plans are asked for. PREPARE and DROP: only before PostgreSQL 16, of observed traffic. */
enum flip_step { FLIP_SOURCES, FLIP_LIMITS, FLIP_PREPARE, FLIP_PLAN, FLIP_DROP };

/* EXPLAIN of the workload's statements under the best arm and under the candidate of one round. */
struct flips {
    int round; /* of these shapes; 0 = none */
    bool asking;
    enum flip_step step;
    int arm, script, at, n; /* the place of the question under way */
    int64_t until_us;
    bool done[2];
    struct plan_shape shapes[2][PLANS_MAX];
    char where[PLANS_MAX][80];
};

struct by_statement {
    int round; /* 0 = nothing yet */
    bool confirmation;
    struct statements s;
    int nflips;
    struct flip flips[FLIPS_MAX];
};

/* One line of what was found by statement, for the report. */
struct beside_note {
    int round;
    bool confirmation;
    char text[240];
};

struct compared_arm {
    char name[32]; /* "start", "defaults", "pgtune", "best" */
    bool failed;   /* it could not be put in force */
    int runs;
    double tps, p95_ms;   /* means of its runs; NAN none */
    double ratio, lo, hi; /* over the start; NAN unknown */
    char left_out[400];   /* settings that are not in it, with the reason; "" = none */
};

struct comparison {
    int n; /* 0 = was not made */
    struct compared_arm arms[COMPARED_MAX];
    char skipped[200]; /* why it was not made, or not whole; "" = it was */
};

struct beside {
    struct by_statement latest; /* of the round or confirmation that was judged last */
    int nnotes;
    struct beside_note notes[NOTES_MAX];
    struct comparison comparison;
    struct knee knee;
    struct knee_result knee_result;
    char knee_said[400];
    int ntrades;
    struct trade trades[TRADES_MAX]; /* durability, only where the DBA asked */
    char trades_skipped[160];        /* why none was measured though asked for; "" = nothing */
};

/* ---- by statement ---- */

/* One line for people: "slower +31 % (+22 … +41): report.sql, 12.1 → 15.9 ms, 28 % of the time". */
void beside_statement_text(const struct statement_verdict *v, struct buf *out);
/* Keeps what is worth telling: what became faster or slower, and the flips. */
void beside_remember(struct beside *b);
/* The arrays of the event, as JSON text. */
void beside_statements_json(const struct by_statement *b, struct buf *out);
void beside_flips_json(const struct by_statement *b, struct buf *out);
void beside_comparison_json(const struct comparison *c, struct buf *out);
void beside_knee_json(const struct knee *k, struct buf *out);

/* ---- session.json ---- */
json_t *beside_json(const struct beside *b);
/* Tolerant: what makes no sense is left out. */
void beside_read(const json_t *j, struct beside *b);
/* ---- workspace_report.md ---- */
void beside_report(const struct beside *b, struct buf *out);
