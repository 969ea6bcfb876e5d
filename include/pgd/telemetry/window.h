/* window.h - what happened between two samples: the evidence of one measured run or of a while.
 * Differences only; statistics are never reset. NAN where version, role or host gives nothing. */
#pragma once

#include <stdbool.h>

enum { WAITS_MAX = 16 };

struct wait_share {
    char event[48]; /* "IO:DataFileRead", "LWLock:WALWrite", "CPU" for none */
    double share;   /* of the active backends' samples, 0..1 */
};

struct window {
    bool valid;
    double secs;
    double commits, rollbacks, tps;
    double blks_hit, blks_read, hit_ratio;
    double tup_returned, tup_fetched, tup_written;
    double temp_files, temp_bytes, deadlocks;
    double ckpt_timed, ckpt_req; /* ours are not among them */
    double buffers_backend, buffers_ckpt, buffers_clean;
    double wal_bytes, wal_fpi, wal_records, wal_buffers_full;
    double active_avg, active_peak;
    int nwaits;
    struct wait_share waits[WAITS_MAX]; /* largest first */
    double lock_wait_share;
    /* the host, when it can be seen; shares of all CPUs 0..1 */
    double cpu_user, cpu_sys, cpu_iowait, cpu_idle, cpu_steal;
    double run_queue;
    double mem_available_min; /* bytes */
    double disk_read_bps, disk_write_bps, disk_await_ms, disk_util;
    double psi_cpu, psi_io, psi_mem; /* "some" share 0..1 */
    double swap_in, swap_out;        /* pages per second */
    double net_bps;
};

/* Adds a window to a total (zeroed before the first): counters add up, shares and gauges are averaged by
 * time, peaks and minima kept. */
void window_merge(struct window *total, const struct window *w);
