/* score.h - the advisor's predictions against what was measured, by the rule that made them. */
#pragma once

#include "pgd/agent/advisor.h"

enum { SCORES_MAX = 64 };

/* One prediction that a measurement has answered: of a change alone, or of several that were measured together. */
struct prediction {
    int round;
    char rule[32];                   /* of the change that promised most */
    char setting[64];                /* … and its setting */
    int changes;                     /* measured together */
    bool screened;                   /* by short runs alone */
    double lo, hi;                   /* predicted, percent */
    double measured;                 /* percent */
    double measured_lo, measured_hi; /* 95 % interval, percent */
    bool held;                       /* the two intervals meet */
};

/* All of a session's history, in its order; how many. Changes without an expectation make no prediction. */
int score_predictions(const struct evidence *e, struct prediction *out, int max);
/* The prediction of the newest round's candidate; false when it made none. */
bool score_last(const struct evidence *e, struct prediction *out);
/* "rule spills: predicted +20 to +60 %, measured +44.0 %, as predicted; 3 of 4 predictions met by the measured interval", ""
 * without any. A figure outside of its prediction is never said to have held: "more than predicted", with its interval. */
void score_text(const struct evidence *e, char *dst, size_t size);
/* Of each rule in the order in which they were first answered: "spills 2 of 2, odd_cost 0 of 1"; "" without any. A prediction of
 * several changes counts for the rule that promised most. */
void score_by_rule(const struct evidence *e, char *dst, size_t size);
