/* watch_lines.c - see watch_lines.h. The metrics are those of telemetry/metrics: a new row there is a new key here. */
#include "pgd/app/watch_lines.h"

#include <math.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/record.h"
#include "pgd/base/clock.h"
#include "pgd/telemetry/waits.h"

void watch_lines_json(const struct model *m, struct buf *out)
{
    struct line *l = line_new("sample");
    struct buf waits = {0};
    char when[40];

    clock_iso(m->wall_us, when, sizeof when);
    line_text(l, "at", when);
    line_int(l, "at_us", m->wall_us);
    for (int i = 0; i < METRIC_COUNT; i++)
        line_num(l, metric_info((enum metric_id)i)->name, series_newest(&m->collect.series[i]));
    buf_putc(&waits, '[');
    for (int i = 0; i < m->collect.nrecent_waits; i++) {
        buf_printf(&waits, "%s{\"event\":", i ? "," : "");
        line_quote(&waits, m->collect.recent_waits[i].event);
        buf_printf(&waits, ",\"share\":%.4f}", m->collect.recent_waits[i].share);
    }
    buf_putc(&waits, ']');
    line_raw(l, "waits", buf_text(&waits));
    line_finish(l, out);
    buf_clear(&waits);
}

static void put_text(const struct model *m, const char *when, struct buf *out)
{
    buf_puts(out, when);
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct metric *info = metric_info((enum metric_id)i);
        double v = series_newest(&m->collect.series[i]);
        if (isfinite(v))
            buf_printf(out, " %s=%.4g", info->name, v);
    }
}

void watch_lines_tick(struct model *m, struct effects *fx)
{
    struct buf text = {0};
    char when[40];

    record_tick(m, fx);
    if (!m->opt.watch || !m->server_known || m->quitting || m->collect.samples < 2 ||
        m->collect.last_pg_at_us == m->fl.watched_us)
        return;
    m->fl.watched_us = m->collect.last_pg_at_us;
    clock_iso(m->wall_us, when, sizeof when);
    if (m->opt.json)
        watch_lines_json(m, &text);
    else
        put_text(m, when, &text);
    fx_line(fx, FX_STDOUT, buf_text(&text));
    buf_clear(&text);
    if (++m->fl.watched_n == m->opt.duration_s)
        flow_quit(m, 0, fx);
}
