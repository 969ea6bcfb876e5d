/* anomaly.h - what deviates from a series' own past: spikes and changes of level.
 *
 * A value's score is |x - median| / (1.4826 MAD) over up to five minutes before it. Iglewicz and Hoaglin ("How to Detect and Handle
 * Outliers", 1993) label values with a score above 3.5; normal noise would still pass that twice an hour in each metric, so ours is
 * 6, for three seconds in a row, and the value has to differ by what a person would call much. A deviation that the median of 20 s
 * shares is a change of level: the new level is then what is usual. It ends below half of the threshold (hysteresis), so that a value
 * at the threshold is told once.
 *
 * What the program does itself (a switch, a restart, the begin or end of a run) is no anomaly: after it the past begins anew.
 * Medians are worked out for a few metrics a tick, so that a tick costs some ten microseconds. */
#pragma once

#include "pgd/telemetry/metrics.h"

enum {
    ANOMALY_POINTS = 60,   /* of the past, before anything can be unusual */
    ANOMALY_WINDOW = 300,  /* … at most */
    ANOMALY_SECONDS = 3,   /* in a row beyond the threshold */
    ANOMALY_SHIFT_S = 20,  /* the median of so many decides whether the level has changed */
    ANOMALY_A_TICK = 4,    /* metrics whose past is looked at in one tick */
    ANOMALY_SETTLE_S = 10, /* after something of ours nothing is taken in */
};
#define ANOMALY_SCORE 6.0
#define ANOMALY_ENDS 3.0

struct deviation {
    bool open, shift;
    int64_t from_us, until_us; /* until 0 = it goes on */
    double usual, seen, score; /* seen: the value that stands out most, or the new level */
};

struct anomaly_series {
    double median, scale; /* of the past; NAN = too short */
    int age;              /* values since the past began */
    int out, in;          /* values in a row beyond the threshold; within its half */
    struct deviation now; /* the newest */
};

struct anomaly_watch {
    struct anomaly_series of[METRIC_COUNT];
    int next;           /* metric whose past is looked at next */
    int64_t settled_us; /* nothing counts before */
    int64_t ours_us;    /* when something of ours was last noted; 0 = never */
};

/* Something of ours begins or ends. */
void anomaly_ours(struct anomaly_watch *w, int64_t now_us);
/* After a second was added to all series. Bit i: the deviation of metric i has begun, or was found to be a change of level. */
uint32_t anomaly_tick(struct anomaly_watch *w, const struct series *series, int64_t now_us);
