/* sample.h - one look at the server and one at the host: raw figures as they are counted since the
 * start, before any difference is taken. Private to telemetry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

/* A column of the sample's row each; the names stand in sample.c. */
enum pg_figure {
    PG_XACT_COMMIT,
    PG_XACT_ROLLBACK,
    PG_BLKS_HIT,
    PG_BLKS_READ,
    PG_TUP_RETURNED,
    PG_TUP_FETCHED,
    PG_TUP_WRITTEN,
    PG_TEMP_FILES,
    PG_TEMP_BYTES,
    PG_DEADLOCKS,
    PG_CKPT_TIMED,
    PG_CKPT_REQ,
    PG_BUFFERS_CKPT,
    PG_BUFFERS_CLEAN,
    PG_BUFFERS_BACKEND,
    PG_WAL_BYTES,
    PG_WAL_FPI,
    PG_WAL_RECORDS,
    PG_WAL_BUFFERS_FULL,
    PG_FIGURES
};

struct pg_sample {
    int64_t at_us;          /* arrival, monotonic */
    double server_s;        /* the server's clock, epoch */
    double reset_at;        /* when its statistics were reset or lost in a crash, epoch */
    double began_at;        /* … or those of our database, whichever is later */
    double own;             /* statements of ours that it has counted */
    double own_checkpoints; /* … and CHECKPOINTs */
    double v[PG_FIGURES];   /* NAN where the version gives none */
};

/* The statement for this version; with the limits of the session set in passing when `limits`. */
void sample_sql(int version, bool limits, struct buf *out);
/* False when the row is not there. at_us and own are the caller's. */
bool pg_sample_read(const struct rows *r, struct pg_sample *s);
/* Seconds from a to b: by the server's clock, unless that was set meanwhile. */
double pg_sample_seconds(const struct pg_sample *a, const struct pg_sample *b);
/* b - a of one figure; NAN when unknown or when the counter went backwards. */
double pg_sample_diff(const struct pg_sample *a, const struct pg_sample *b, enum pg_figure f);
/* The counters of b do not go on from those of a: a crash, a reset, another server. */
bool pg_sample_broken(const struct pg_sample *a, const struct pg_sample *b);
/* Commits and rollbacks from a to b without our own; NAN when unknown. */
double pg_sample_transactions(const struct pg_sample *a, const struct pg_sample *b);
