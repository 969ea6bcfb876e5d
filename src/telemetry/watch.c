/* The row of assets/sql/watch.sql. */
#include "pgd/telemetry/watch.h"

#include <math.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"

void watch_sql(const char *database, struct buf *out)
{
    static const char mark[] = "$DATABASE";
    const char *text = asset_sql("sql/watch.sql"), *at = strstr(text, mark);

    buf_append(out, text, (size_t)(at - text));
    quote_literal(out, database);
    buf_puts(out, at + sizeof mark - 1);
}

static double figure(const struct rows *r, const char *name)
{
    return rows_double(r, 0, name, NAN);
}

static void words(const struct rows *r, const char *name, char *dst, size_t size)
{
    const char *text = rows_text(r, 0, name);
    text_copy(dst, size, text ? text : "");
}

bool watch_read(const struct rows *r, struct watch_sample *w)
{
    if (!r || r->nrows != 1)
        return false;
    memset(w, 0, sizeof *w);
    w->clients = figure(r, "clients");
    w->slots = figure(r, "slots");
    w->others = figure(r, "others");
    w->others_hidden = figure(r, "others_hidden");
    w->others_active = figure(r, "others_active");
    w->others_busy = figure(r, "others_busy");
    if (w->others_hidden > 0) /* what part of it is at work nobody can tell */
        w->others_active = w->others_busy = NAN;
    w->elsewhere = figure(r, "elsewhere");
    w->bench_sessions = figure(r, "bench_sessions");
    w->commits_held = figure(r, "commits_held");
    w->replicas = figure(r, "replicas");
    w->lag_bytes = figure(r, "lag_bytes");
    w->lag_s = figure(r, "lag_s");
    w->slots_inactive = figure(r, "slots_inactive");
    w->slot_bytes = figure(r, "slot_bytes");
    words(r, "slot_name", w->slot_name, sizeof w->slot_name);
    const char *mode = rows_text(r, 0, "archive_mode");
    w->archiving = mode && strcmp(mode, "off") != 0;
    w->archive_failing = w->archiving && rows_bool(r, 0, "archive_failing", false);
    w->archive_failed = figure(r, "archive_failed");
    words(r, "archive_file", w->archive_file, sizeof w->archive_file);
    return true;
}
