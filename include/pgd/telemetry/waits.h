/* waits.h - how often active sessions were seen in which wait: tallies of samples. Private to
 * telemetry. */
#pragma once

#include "pgd/telemetry/window.h"

enum { WAIT_EVENTS_MAX = 64, WAIT_SAMPLE_EVENTS = 24, WAIT_RECENT = 10, WAIT_EVENT_NAME = 48 };

struct wait_count {
    char event[WAIT_EVENT_NAME]; /* "" = the end of the list */
    double n;
};

struct wait_sample {
    struct wait_count counts[WAIT_SAMPLE_EVENTS];
};

struct wait_tally {
    struct wait_count counts[WAIT_EVENTS_MAX]; /* since the mark */
    struct wait_sample recent[WAIT_RECENT];    /* ring of the last samples */
    int next;
};

/* The next "event=number" line of a sample, and *text behind it; false at its end, NULL is one. Lines that are none are passed over. */
bool wait_next(const char **text, char event[WAIT_EVENT_NAME], double *n);
void wait_sample_add(struct wait_sample *s, const char *event, double n);
/* Adds a sample to a sum of WAIT_EVENTS_MAX, and the shares of such a sum, largest first (WAITS_MAX at the most). */
void wait_sum(struct wait_count *sum, const struct wait_sample *s);
int wait_shares(const struct wait_count *sum, struct wait_share *out);

/* Adds one sample: "Lock:transactionid=2\nCPU=5", or NULL for nobody active. */
void wait_tally_add(struct wait_tally *t, const char *text);
void wait_tally_restart(struct wait_tally *t); /* a new mark; the recent samples stay */
/* Shares since the mark and of the recent samples, largest first; returns how many (WAITS_MAX). */
int wait_tally_shares(const struct wait_tally *t, struct wait_share *out);
int wait_tally_recent(const struct wait_tally *t, struct wait_share *out);
/* The share of heavyweight locks since the mark, 0 when nobody was active. */
double wait_tally_lock_share(const struct wait_tally *t);
