/* pane_telemetry.c - the server and its machine, second by second. A row of the table is a group; its cells
 * flow into as many columns as there is room for. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/graph.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

enum {
    GROUP_WIDTH = 7,
    CELL_WIDTH = 26,
    SPARK_MIN = 8,
    SPARK_MAX = 20,
    SCALE_SECONDS = 60,
    LATE_SECONDS = 5,
    NAME_WIDTH = 8,
    VALUE_WIDTH = 12
};

struct tele_cell {
    int metric;       /* enum metric_id; -1 = end */
    const char *name; /* NULL: as in the table of metrics */
    double full; /* the spark's upper end; 0 = half as much again as the last minute's largest */
    unsigned style;
};

struct tele_row {
    const char *group;
    struct tele_cell cells[4];
};

#define END_CELL     \
    {                \
        .metric = -1 \
    }

static const struct tele_row table[] = {
    {"load",
     {{METRIC_TPS, NULL, 0, STYLE_GRAPH1}, /* of the whole server, not of pgbench */
      {METRIC_ACTIVE, NULL, 0, STYLE_GRAPH2},
      {METRIC_WAITING, "waiting", 0, STYLE_WARN},
      END_CELL}},
    {"cpu",
     {{METRIC_CPU_USER, NULL, 100, STYLE_GRAPH1},
      {METRIC_CPU_SYS, NULL, 100, STYLE_GRAPH3},
      {METRIC_CPU_IOWAIT, NULL, 100, STYLE_GRAPH4},
      END_CELL}},
    {"disk",
     {{METRIC_DISK_WRITE, "w", 0, STYLE_GRAPH4},
      {METRIC_DISK_READ, "r", 0, STYLE_GRAPH2},
      {METRIC_DISK_UTIL, NULL, 100, STYLE_GRAPH4},
      {METRIC_DISK_AWAIT, NULL, 0, STYLE_GRAPH3}}},
    {"wal",
     {{METRIC_WAL_BYTES, "", 0, STYLE_GRAPH3},
      {METRIC_CKPT_REQ, "forced", 0, STYLE_WARN},
      {METRIC_BUFFERS_BACKEND, "backend", 0, STYLE_WARN},
      END_CELL}},
    {"cache",
     {{METRIC_HIT_RATIO, NULL, 100, STYLE_GRAPH1},
      {METRIC_BLKS_READ, NULL, 0, STYLE_GRAPH2},
      END_CELL}},
    {"temp", {{METRIC_TEMP_BYTES, "", 0, STYLE_GRAPH4}, END_CELL}},
    {"rows",
     {{METRIC_TUP_READ, "read", 0, STYLE_GRAPH2},
      {METRIC_TUP_WRITTEN, "written", 0, STYLE_GRAPH3},
      END_CELL}},
    {"memory",
     {{METRIC_MEM_AVAILABLE, "free", 0, STYLE_GRAPH1},
      {METRIC_SWAP, NULL, 0, STYLE_BAD},
      END_CELL}},
    {"stalls",
     {{METRIC_PSI_CPU, "cpu", 100, STYLE_GRAPH1},
      {METRIC_PSI_IO, "io", 100, STYLE_GRAPH4},
      {METRIC_PSI_MEM, "mem", 100, STYLE_BAD},
      END_CELL}},
    {"net", {{METRIC_NET, "", 0, STYLE_GRAPH2}, END_CELL}},
};

static int spark_width(int width)
{
    int spark = width - NAME_WIDTH - VALUE_WIDTH;
    return width < CELL_WIDTH  ? 0
           : spark < SPARK_MIN ? SPARK_MIN
           : spark > SPARK_MAX ? SPARK_MAX
                               : spark;
}

/* A level that holds still is then seen as one, not as a full bar. */
static double upper_end(const struct tele_cell *cell, const double *values, int n)
{
    double high = 0;
    for (int i = 0; i < n; i++)
        high = isfinite(values[i]) ? fmax(high, values[i]) : high;
    return cell->full > 0 ? cell->full : high * 1.5;
}

/* The states of other sessions are not for every role to see; the status dialog names the right that is missing. */
static bool is_hidden(const struct model *m, int metric)
{
    return (metric == METRIC_ACTIVE || metric == METRIC_WAITING) &&
           m->links[CONN_TELEMETRY].state == LINK_UP && m->collect.activity.active < 0;
}

/* The newest deviation of a metric that the spark's minute still shows; NULL = none. */
static const struct anomaly *anomaly_of(const struct model *m, const char *metric)
{
    for (int i = m->anomalies.n - 1; i >= 0; i--) {
        const struct anomaly *a = &m->anomalies.items[i];
        int64_t end = a->until_us ? a->until_us : m->now_us;
        if (strcmp(a->metric, metric) == 0 && m->now_us - end < (int64_t)SCALE_SECONDS * 1000000)
            return a;
    }
    return NULL;
}

/* Its seconds in the spark, whose last column is now: marked by their style, and by the sign at the name. */
static void mark_spark(struct canvas *c, int y, int x, int spark, const struct anomaly *a,
                       int64_t now_us)
{
    int64_t end = a->until_us ? a->until_us : now_us;
    int from = spark - 1 - (int)((now_us - a->from_us) / 1000000);
    int to = spark - 1 - (int)((now_us - end) / 1000000);

    if (from < 0)
        from = 0;
    if (to >= from)
        canvas_restyle(c, (struct rect){y, x + from, 1, to - from + 1}, STYLE_WARN | STYLE_BOLD);
}

/* The newest value of the minute; NAN = none. Figures of a host behind a slow link come some seconds late. */
static double newest(const struct model *m, int metric, const double *values, int n)
{
    int back = metric >= METRIC_CPU_USER && m->collect.host && m->collect.host->over_ssh &&
                       !pane_host_gap(m)
                   ? LATE_SECONDS
                   : 0;
    for (int i = n - 1; i >= 0 && i >= n - 1 - back; i--)
        if (isfinite(values[i]))
            return values[i];
    return NAN;
}

/* A figure with its spark. Nothing known of the metric: nothing is drawn. */
static bool draw_cell(struct canvas *c, int y, int x, int width, const struct tele_cell *cell,
                      const struct model *m)
{
    double values[SCALE_SECONDS];
    const struct metric *info = metric_info((enum metric_id)cell->metric);
    int n = pane_series(m, (enum metric_id)cell->metric, SCALE_SECONDS, values);
    const char *name = cell->name ? cell->name : info->label;
    const bool hidden = is_hidden(m, cell->metric);
    const double value = newest(m, cell->metric, values, n);
    if (!hidden && !isfinite(value))
        return false;
    const struct anomaly *odd = anomaly_of(m, info->name);
    if (odd) /* beside the name, so that colour is not all */
        canvas_printf(c, y, x, NAME_WIDTH - 1, STYLE_WARN, "!%s", name);
    else
        canvas_put_cut(c, y, x, NAME_WIDTH - 1, STYLE_LABEL, name);
    if (hidden) {
        canvas_put_cut(c, y, x + NAME_WIDTH, width - NAME_WIDTH - 1, STYLE_DIM, "hidden");
        return true;
    }
    char text[48];
    pane_metric(text, sizeof(text), value, info->unit);
    int spark = pane_graph(m) == GRAPH_WORDS ? 0 : spark_width(width);
    x += NAME_WIDTH;
    width -= NAME_WIDTH;
    if (spark && info->unit[0]) {
        graph_spark(c, y, x, spark, pane_graph(m), cell->style, values, (size_t)n,
                    upper_end(cell, values, n));
        if (odd)
            mark_spark(c, y, x, spark, odd, m->now_us);
        x += spark + 1;
        width -= spark + 1;
    }
    canvas_put_cut(c, y, x, width - 1, STYLE_VALUE, text);
    return true;
}

/* One group; returns the rows it took. */
static int draw_group(struct canvas *c, struct rect r, int y, const struct tele_row *row,
                      const struct model *m)
{
    int columns = (r.w - GROUP_WIDTH) / CELL_WIDTH;
    if (columns < 1 || pane_graph(m) == GRAPH_WORDS) /* read from above to below */
        columns = 1;
    int width = (r.w - GROUP_WIDTH) / columns, drawn = 0;
    for (size_t i = 0; i < ARRAY_LEN(row->cells) && row->cells[i].metric >= 0; i++) {
        int at = y + drawn / columns;
        if (at >= r.y + r.h)
            break;
        int x = r.x + GROUP_WIDTH + drawn % columns * width;
        drawn += draw_cell(c, at, x, width, &row->cells[i], m) ? 1 : 0;
    }
    if (drawn)
        canvas_put(c, y, r.x, GROUP_WIDTH - 1, STYLE_HEADING, row->group);
    return (drawn + columns - 1) / columns;
}

static int draw_waits(struct canvas *c, struct rect r, int y, const struct model *m)
{
    const struct collect *k = &m->collect;
    int from = y;
    if (k->nrecent_waits == 0 || y >= r.y + r.h)
        return 0;
    canvas_put(c, y, r.x, GROUP_WIDTH - 1, STYLE_HEADING, "waits");
    int bar = r.w - GROUP_WIDTH - 34;
    for (int i = 0; i < k->nrecent_waits && i < WAITS_MAX && y < r.y + r.h; i++, y++) {
        const struct wait_share *w = &k->recent_waits[i];
        int x = r.x + GROUP_WIDTH;
        canvas_put_cut(c, y, x, 26, STYLE_NORMAL, w->event);
        canvas_printf(c, y, x + 27, 7, STYLE_VALUE, "%3.0f %%", w->share * 100);
        if (bar > 4)
            graph_bar(c, y, x + 34, bar < 30 ? bar : 30, pane_graph(m), STYLE_GRAPH4, w->share);
    }
    return y - from;
}

void pane_telemetry(struct canvas *c, struct rect r, const struct model *m)
{
    if (m->collect.samples == 0) {
        const struct link *l = &m->links[CONN_TELEMETRY];
        const char *text = l->state == LINK_UP ? "Waiting for the first sample."
                           : l->was_up         ? "The connection is lost; it is tried again."
                           : l->err.msg[0]     ? l->err.msg
                                               : "Not connected yet.";
        wrap_draw(c, r, STYLE_DIM, text, 0);
        return;
    }
    int skip = m->screen.scroll[PANE_TELEMETRY], y = r.y;
    if (skip < 0 || skip >= (int)ARRAY_LEN(table))
        skip = 0;
    y += pane_host(c, r, y, m);
    for (size_t i = (size_t)skip; i < ARRAY_LEN(table) && y < r.y + r.h; i++)
        y += draw_group(c, r, y, &table[i], m);
    if (m->anomalies.n > 0 && y < r.y + r.h) {
        const struct anomaly *a = &m->anomalies.items[m->anomalies.n - 1];
        char usual[48], seen[48], ago[32];
        pane_metric(usual, sizeof usual, a->usual, a->unit);
        pane_metric(seen, sizeof seen, a->seen, a->unit);
        text_age(ago, sizeof ago, (double)(m->now_us - a->from_us) / 1e6);
        canvas_printf(c, y++, r.x, r.w, a->until_us || a->shift ? STYLE_DIM : STYLE_WARN,
                      "! Enter explains %s: %s \xe2\x86\x92 %s, %s ago%s", a->label, usual, seen,
                      ago, a->shift ? ", a new level" : "");
    }
    y += draw_waits(c, r, y, m);
    pane_busy(c, r, y, m);
}
