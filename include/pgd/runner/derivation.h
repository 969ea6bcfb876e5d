/* derivation.h - a workload that is being made of a server's statements: how far it is, which ones it takes, which not and
 * why. Pure: who drives it asks the server (app/flow_statements.c). */
#pragma once

#include "pgd/base/event.h"
#include "pgd/discovery/traffic.h"
#include "pgd/protocol/records.h"
#include "pgd/runner/derive.h"

enum { DERIVATION_TAKES = 30 };

struct derivation_row {
    bool taken;
    char why[200]; /* why not */
    char name[64]; /* of the script */
    char *script;  /* owned */
    double ran_ms; /* once here, with values of its own; NAN unknown */
    int level;
};

struct derivation {
    int step; /* of who drives it */
    uint32_t waiting;
    int at;       /* row of traffic */
    int value_at; /* question for values */
    int level, tries;
    int64_t until_us; /* no further tries of levels after this */
    struct traffic traffic;
    struct derivation_row rows[TRAFFIC_MAX];
    struct derived now; /* of traffic.rows[at] */
    int best_level;
    double best_score, best_ms;
    struct err last;
    struct sdl before; /* the plan as it was, for the case that nothing comes of it */
};

/* Reads the text of row `at`; false: it is left out, and why is noted. */
bool derivation_read(struct derivation *d);
void derivation_leave_out(struct derivation *d, const char *why);
/* The script of the present statement at a level; false: it does not fit. */
bool derivation_script(const struct derivation *d, int level, struct buf *out);
/* How far a trial of a level is from what the server's own figures say: smaller is nearer. ms, rows: of the trial; NAN. */
double derivation_score(const struct derivation *d, double ms, double rows);
/* The present statement is taken, with the script of its best level. */
void derivation_take(struct derivation *d);
/* Puts what was taken into the plan, heaviest first; text[i] gets script i, size bytes each. Returns their number. */
int derivation_plan(const struct derivation *d, struct sdl *plan, char (*text)[8192]);
/* Share of the time that the taken ones had, 0 to 1. */
double derivation_share(const struct derivation *d);
int derivation_taken(const struct derivation *d);
/* "14 statements are 93 % of the time; left out: 3 (5 %)": one line. */
void derivation_note(const struct derivation *d, char *dst, size_t size);
void derivation_clear(struct derivation *d);
/* Execution time (ms) and rows of EXPLAIN (ANALYZE)'s text; NAN where they are not in it. */
void derivation_measured(const struct rows *r, double *ms, double *rows);
