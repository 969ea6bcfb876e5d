/* wait_history.h - what active sessions waited for, second by second, over the last minutes: by type of wait, and the events of each ten
 * seconds. Bounded; a second without a sample is a gap, one in which nobody was active is not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/telemetry/waits.h"

/* The types of PostgreSQL's wait events; CPU = it waits for nothing that the server knows of. */
enum wait_type {
    WAIT_CPU,
    WAIT_IO,
    WAIT_LOCK,
    WAIT_LWLOCK,
    WAIT_IPC,
    WAIT_CLIENT,
    WAIT_BUFFERPIN,
    WAIT_TIMEOUT,
    WAIT_EXTENSION,
    WAIT_OTHER, /* Activity, and what later versions may have */
    WAIT_TYPES
};

enum { WAIT_HISTORY_S = 900, WAIT_BUCKET_S = 10 };

struct wait_history {
    struct {
        int64_t second;
        float n[WAIT_TYPES]; /* sessions */
    } seconds[WAIT_HISTORY_S];
    struct {
        int64_t bucket; /* second / WAIT_BUCKET_S */
        struct wait_sample events;
    } buckets[WAIT_HISTORY_S / WAIT_BUCKET_S];
};

const char *wait_type_name(enum wait_type t); /* as the server calls it: "LWLock" */
char wait_type_letter(enum wait_type t);      /* what it is drawn with */
/* "IO:WALSync" is of type IO. */
enum wait_type wait_type_of(const char *event);

/* A sample, as activity.sql gives it ("CPU=5\nIO:WALSync=2"; NULL = nobody is active), of that second; 0 is none. */
void wait_history_add(struct wait_history *h, int64_t second, const char *text);
/* Mean numbers of sessions in the seconds from..to (both included). False: there is no sample among them. */
bool wait_history_mean(const struct wait_history *h, int64_t from, int64_t to,
                       double mean[WAIT_TYPES]);
/* Shares of the events of that time (to ten seconds), the largest first; returns how many, WAITS_MAX at the most. */
int wait_history_events(const struct wait_history *h, int64_t from, int64_t to,
                        struct wait_share *out);
