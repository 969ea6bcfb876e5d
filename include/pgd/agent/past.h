/* past.h - what a round's history says of its alternatives. */
#pragma once

#include "pgd/agent/advisor.h"

/* What became of an alternative of a round before its experiment. */
enum set_fate {
    SET_SCREENED,    /* short runs were made of it, or it could not be put in force for them */
    SET_TURNED_DOWN, /* none of its own lines was accepted: nothing of it was ever in force */
    SET_LEFT         /* accepted, and not measured: no time, or the same as another one */
};
enum set_fate past_set_fate(const struct round_history *r, int set);
/* Alternatives with that fate. */
int past_sets_of(const struct round_history *r, enum set_fate fate);
/* Why a change that was accepted is not part of what the round has compared: "lost in screening (-3.2 %)", "no time left to screen
 * it". by_hand: the DBA makes every switch. False: it is part of it. */
bool past_not_tried(const struct round_history *r, int line, bool by_hand, char *why, size_t size);
