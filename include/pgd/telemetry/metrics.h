/* metrics.h - one row per metric: its name, unit and where it comes from; and its series.
 *
 * Adding a metric is one row in metrics.c plus, if it is not a plain counter or gauge of the sample,
 * one function. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/telemetry/window.h"

enum metric_id {
    METRIC_TPS,
    METRIC_SESSIONS,
    METRIC_ACTIVE,
    METRIC_WAITING,
    METRIC_HIT_RATIO,
    METRIC_BLKS_READ,
    METRIC_TUP_READ,
    METRIC_TUP_WRITTEN,
    METRIC_TEMP_BYTES,
    METRIC_WAL_BYTES,
    METRIC_CKPT_REQ,
    METRIC_CKPT_TIMED,
    METRIC_BUFFERS_BACKEND,
    METRIC_CPU_USER,
    METRIC_CPU_SYS,
    METRIC_CPU_IOWAIT,
    METRIC_RUN_QUEUE,
    METRIC_MEM_AVAILABLE,
    METRIC_SWAP,
    METRIC_DISK_READ,
    METRIC_DISK_WRITE,
    METRIC_DISK_AWAIT,
    METRIC_DISK_UTIL,
    METRIC_PSI_CPU,
    METRIC_PSI_IO,
    METRIC_PSI_MEM,
    METRIC_NET,
    METRIC_COUNT
};

struct metric {
    const char *name;  /* "tps": in files and exports */
    const char *label; /* "xacts": on the screen */
    const char *unit;  /* "/s", "%", "MB/s", "ms", "" */
    const char *help;  /* one sentence */
};

const struct metric *metric_info(enum metric_id id);

enum { SERIES_SECONDS = 600, SERIES_MINUTES = 360 };

struct rollup {
    float min, max, mean;
};

/* The last 10 minutes by the second and 6 hours by the minute, NAN = gap. */
struct series {
    float second[SERIES_SECONDS]; /* ring; head = next place */
    struct rollup minute[SERIES_MINUTES];
    int head, count;
    int minute_head, minute_count;
    /* the minute being filled */
    float acc_min, acc_max;
    double acc_sum;
    int acc_n;
};

void series_add(struct series *s, double value);
/* A value that came late: of `ago` seconds before the newest that was added. Nothing where there is one already. */
void series_fill(struct series *s, int ago, double value);
/* The newest n seconds, oldest first, into out; returns how many were there. */
int series_last(const struct series *s, int n, double *out);
double series_newest(const struct series *s);
