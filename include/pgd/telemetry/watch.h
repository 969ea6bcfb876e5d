/* watch.h - what a benchmark can do harm to, and who else uses the server: one row a second while a session runs.
 *
 * Figures that the role may not see, or that cannot be had from here, are NAN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

struct watch_sample {
    int64_t at_us;         /* arrival, monotonic; 0 = there is none */
    double clients, slots; /* sessions of clients; how many an ordinary role may have in all */
    double others,
        others_hidden;     /* sessions that are not ours; those of them whose work is not shown */
    double others_active;  /* of them at work at this moment */
    double others_busy;    /* of them with a statement within the last second */
    double elsewhere;      /* transactions in all databases but the workload's since ever */
    double bench_sessions; /* sessions of a benchmark of ours */
    double commits_held;   /* sessions whose commit has waited for a standby for seconds */
    double replicas, lag_bytes, lag_s; /* standbys; how far the last of them is behind */
    double slots_inactive, slot_bytes; /* replication slots without a reader; WAL that they hold */
    char slot_name[64];
    bool archiving, archive_failing; /* archive_mode; the last attempt failed */
    double archive_failed;           /* attempts that failed since ever */
    char archive_file[40];           /* the newest of them */
};

/* The statement for a workload in that database. */
void watch_sql(const char *database, struct buf *out);
/* False when the row is not there. at_us is the caller's. */
bool watch_read(const struct rows *r, struct watch_sample *w);

/* Other work on the server between a mark and now. */
struct watch_load {
    int n;               /* samples */
    double active, busy; /* sessions of others, on average; NAN without a sample */
    double tps;          /* transactions in other databases; NAN when unknown */
};
