/* gain.h - how much better the tuned server is than the untouched one, and by which runs that is known.
 *
 * A session has several figures of one thing: its baseline, each round's runs, the confirmation's. This is the one rule by
 * which a gain is told, on every screen, in the report and to an advisor: runs that were made in turn come first, the fresh
 * ones of the confirmation before a round's own; the session's baseline was measured at another time and is compared with
 * only where there is nothing better, which is then said. */
#pragma once

#include "pgd/agent/advisor.h"

enum gain_by {
    GAIN_UNKNOWN, /* nothing was kept, or nothing measured: no figure */
    /* The best TPS of its runs over the session's baseline, of a session for throughput alone: not in turn, so that whatever the machine did between counts, too. */
    GAIN_BASELINE,
    /* Several rounds were kept, each measured in turn against the best before it: their ratios, multiplied. No runs of start and
     * best were made together, so that there is no interval and no TPS of the start. */
    GAIN_ROUNDS,
    GAIN_ROUND, /* one round, in turn against the start, or (gain_of_round) the best before it */
    GAIN_CONFIRMATION /* start against best, fresh and in turn */
};

struct gain {
    enum gain_by by;
    enum verdict_kind kind; /* of the runs; NONE of BASELINE and ROUNDS */
    double ratio, lo,
        hi; /* of the goal's figure, more is better; interval of 95 %; NAN = not known */
    double tps_before, tps_after; /* of the runs that ratio is of; NAN = not known */
    int runs_before, runs_after;
    int round;       /* the last round that is part of it; 0 = none */
    int rounds;      /* how many are */
    bool over_start; /* false: a round over the best before it, and not over the start */
};

/* What is known of a session: pointers are borrowed, NULL = there is none. The confirmation has to be of the state that is the
 * best now. */
struct gain_basis {
    const struct arm
        *start; /* what all is compared with: without entries, or with those of a repair */
    int nhistory;
    const struct round_history *history;
    const struct verdict *confirmed;
    double baseline_tps, best_tps;
    enum goal_kind goal; /* what the ratios are of: TPS stand in for none but GOAL_TPS */
};

void gain_basis(const struct evidence *e, struct gain_basis *b);
/* Of the best state over the start: the figure that a session is summed up by. */
void gain_of_best(const struct gain_basis *b, struct gain *g);
/* Of one round, history[i], over what was the best before it. */
void gain_of_round(const struct gain_basis *b, int i, struct gain *g);

/* By which runs, for a sentence: "fresh runs of both in turn", "the runs of round 1", "3 rounds up to
 * round 4 together, each over the best before it", "the session's baseline, measured at another time". "" of UNKNOWN. */
void gain_source(const struct gain *g, char *dst, size_t size);
/* The same in a word or two, for a line that has no room: "confirmed", "not confirmed", "by R2", "by 3 rounds", "on baseline". */
void gain_tag(const struct gain *g, char *dst, size_t size);
/* The figure and what it is over: "+17.2 % over the start", "+4.0 % over the best before it", "+4.0 % over the baseline". "" of
 * UNKNOWN. */
void gain_words(const struct gain *g, char *dst, size_t size);
/* Both, as one sentence has them: "+17.2 % over the start, by the runs of round 1"; "+4.0 % over the baseline, measured at another
 * time". "" of UNKNOWN. */
void gain_said(const struct gain *g, char *dst, size_t size);
/* "367 -> 910 TPS" with an arrow, of the runs that the ratio is of; "910 TPS" where the start has none among them; "" = neither. */
void gain_tps(const struct gain *g, char *dst, size_t size);
