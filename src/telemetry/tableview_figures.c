/* tableview_figures.c - cells of live views that are made here: shares and what is left, of the differences between two samples; and the
 * view of the log, whose rows come from what telemetry/logtail has read. */
#include "pgd/telemetry/tableview_figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"

static struct tableview_cell *cell_of(const struct tableview *v, struct tableview_rows *t, int row,
                                      const char *name)
{
    int col = tableview_column_of(v, name);

    return col < 0 ? NULL : &t->cells[row * t->ncols + col];
}

static double value_of(const struct tableview *v, struct tableview_rows *t, int row,
                       const char *name)
{
    const struct tableview_cell *cell = cell_of(v, t, row, name);

    return cell ? cell->value : (double)NAN;
}

static void put(const struct tableview *v, struct tableview_rows *t, int row, const char *name,
                double value)
{
    struct tableview_cell *cell = cell_of(v, t, row, name);

    if (cell)
        cell->raw = cell->value = isfinite(value) ? value : (double)NAN;
}

void tableview_fill_ratios(const struct tableview *v, const struct collect *c,
                           struct tableview_rows *t)
{
    (void)c;
    for (int i = 0; i < t->n; i++) {
        double hit = value_of(v, t, i, "hit_bytes"), read = value_of(v, t, i, "read_bytes");
        double calls = value_of(v, t, i, "calls"), rows = value_of(v, t, i, "rows");
        put(v, t, i, "hit", hit + read > 0 ? 100 * hit / (hit + read) : (double)NAN);
        put(v, t, i, "rows_per_call", calls > 0 ? rows / calls : (double)NAN);
    }
}

void tableview_fill_left(const struct tableview *v, const struct collect *c,
                         struct tableview_rows *t)
{
    (void)c;
    for (int i = 0; i < t->n; i++) {
        double left = value_of(v, t, i, "whole") - value_of(v, t, i, "done");
        double speed = value_of(v, t, i, "speed");
        put(v, t, i, "left_s", left >= 0 && speed > 0 ? left / speed : (double)NAN);
    }
}

/* ---- the log ---- */

static void put_line(struct rows *r, int row, const struct logtail_told *line, int number)
{
    char text[32], clock[16] = "";

    if (line->at_us)
        clock_hms(line->at_us, clock, sizeof clock);
    snprintf(text, sizeof text, "%d", number);
    rows_set(r, row, 0, text);
    rows_set(r, row, 1, clock);
    rows_set(r, row, 2, log_severity_name(line->severity));
    rows_set(r, row, 3, line->kind == LOGLINE_OTHER ? "" : logline_kind_plural(line->kind));
    rows_set(r, row, 4, line->text);
}

struct rows *tableview_make_log(const struct collect *c, char why[240])
{
    static const char *const names[] = {"number", "time", "severity", "kind", "message"};
    const struct logtail *t = &c->log;
    int n = t->nseen < LOGTAIL_SEEN ? t->nseen : LOGTAIL_SEEN;
    struct rows *r;

    if (n == 0 && t->format == LOG_FORMAT_NONE) {
        text_copy(why, 240,
                  !c->log_on     ? "the server's host cannot be looked at from here"
                  : t->source[0] ? t->source
                                 : "the log has not been found yet");
        return NULL;
    }
    r = rows_new(n, (int)ARRAY_LEN(names));
    for (int i = 0; i < (int)ARRAY_LEN(names); i++)
        rows_set_name(r, i, names[i]);
    for (int i = 0; i < n; i++) {
        int number = t->nseen - i; /* the newest first */
        put_line(r, i, &t->seen[(number - 1) % LOGTAIL_SEEN], number);
    }
    return r;
}
