/* left.h - where a session was left, in words: the step that was under way, what of it is kept, what has to be measured again and why,
 * and what comes next. The facts are the journal's (struct left_step) and session.json's. */
#pragma once

#include "pgd/workspace/model.h"

struct left_told {
    char step
        [240]; /* "in the comparison of round 2, 3 of at least 6 runs measured"; "" = it is not known */
    char kept[400];  /* "the baseline (387 TPS), round 1"; "" = nothing */
    char again[400]; /* "the comparison of round 2 from its first run: …"; "" = nothing */
    char next[240];
};
/* Of the session at hand, before it goes on. */
void left_tell(const struct model *m, struct left_told *t);
/* The step alone, as in "paused in …". */
void left_step_words(const struct left_step *l, char *dst, size_t size);
/* The state of a session under way as a step; LEFT_UNKNOWN where it has none. */
void left_of(const struct model *m, struct left_step *l);
