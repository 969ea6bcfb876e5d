/* The sample's statement, put together from the same texts that discovery uses, and its one row. */
#include "pgd/telemetry/sample.h"

#include <math.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"

static const char *const figures[PG_FIGURES] = {
    [PG_XACT_COMMIT] = "xact_commit",
    [PG_XACT_ROLLBACK] = "xact_rollback",
    [PG_BLKS_HIT] = "blks_hit",
    [PG_BLKS_READ] = "blks_read",
    [PG_TUP_RETURNED] = "tup_returned",
    [PG_TUP_FETCHED] = "tup_fetched",
    [PG_TUP_WRITTEN] = "tup_written",
    [PG_TEMP_FILES] = "temp_files",
    [PG_TEMP_BYTES] = "temp_bytes",
    [PG_DEADLOCKS] = "deadlocks",
    [PG_CKPT_TIMED] = "ckpt_timed",
    [PG_CKPT_REQ] = "ckpt_req",
    [PG_BUFFERS_CKPT] = "buffers_ckpt",
    [PG_BUFFERS_CLEAN] = "buffers_clean",
    [PG_BUFFERS_BACKEND] = "buffers_backend",
    [PG_WAL_BYTES] = "wal_bytes",
    [PG_WAL_FPI] = "wal_fpi",
    [PG_WAL_RECORDS] = "wal_records",
    [PG_WAL_BUFFERS_FULL] = "wal_buffers_full",
};

/* The text of an asset as a subquery, without the comment at its head: it is sent every second. */
static void add_part(struct buf *out, const char *before, const char *asset, const char *alias)
{
    buf_printf(out, "%s(%s) AS %s", before, asset_sql(asset), alias);
}

void sample_sql(int version, bool limits, struct buf *out)
{
    const char *checkpoints = "sql/checkpoints_12.sql", *wal = "sql/wal_12.sql";
    if (version >= 140000)
        wal = "sql/wal_14.sql";
    if (version >= 170000)
        checkpoints = "sql/checkpoints_17.sql";
    if (version >= 180000) {
        checkpoints = "sql/checkpoints_18.sql";
        wal = "sql/wal_18.sql";
    }
    buf_puts(out, "SELECT extract(epoch FROM clock_timestamp()) AS server_s, d.*, a.*, c.*, w.*");
    if (limits)
        buf_puts(out, ", pg_catalog.set_config('lock_timeout', '100ms', false),"
                      " pg_catalog.set_config('statement_timeout', '1s', false),"
                      " pg_catalog.set_config('search_path', 'pg_catalog', false),"
                      " pg_catalog.set_config('jit', 'off', false)");
    add_part(out, "\n  FROM ", "sql/database.sql", "d");
    add_part(out, ", ", "sql/activity.sql", "a");
    add_part(out, ", ", checkpoints, "c");
    add_part(out, ", ", wal, "w");
}

bool pg_sample_read(const struct rows *r, struct pg_sample *s)
{
    if (!r || r->nrows != 1)
        return false;
    s->server_s = rows_double(r, 0, "server_s", NAN);
    s->reset_at = rows_double(r, 0, "reset_at", NAN);
    s->began_at = fmax(s->reset_at, rows_double(r, 0, "database_reset_at", NAN));
    for (int i = 0; i < PG_FIGURES; i++)
        s->v[i] = rows_double(r, 0, figures[i], NAN);
    return true;
}

double pg_sample_seconds(const struct pg_sample *a, const struct pg_sample *b)
{
    double here = (double)(b->at_us - a->at_us) / 1e6;
    double there = b->server_s - a->server_s;
    /* Answers are late by turns, the server's clock is not; but it can be set. */
    return there > 0 && fabs(there - here) < 1 ? there : here;
}

double pg_sample_diff(const struct pg_sample *a, const struct pg_sample *b, enum pg_figure f)
{
    double diff = b->v[f] - a->v[f];
    return diff >= 0 ? diff : NAN;
}

bool pg_sample_broken(const struct pg_sample *a, const struct pg_sample *b)
{
    bool reset = !isnan(a->reset_at) && !isnan(b->reset_at) && a->reset_at != b->reset_at;
    return reset || b->v[PG_XACT_COMMIT] < a->v[PG_XACT_COMMIT] ||
           b->v[PG_BLKS_HIT] < a->v[PG_BLKS_HIT];
}

double pg_sample_transactions(const struct pg_sample *a, const struct pg_sample *b)
{
    double all = pg_sample_diff(a, b, PG_XACT_COMMIT) + pg_sample_diff(a, b, PG_XACT_ROLLBACK);
    double others = all - (b->own - a->own);
    return others < 0 ? 0 : others;
}
