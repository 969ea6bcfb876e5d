/* pane_waits.c - what active sessions waited for over the last minutes: a column a few seconds, stacked by type of wait. Each type has a
 * letter of its own, so that colour is not all. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/wait_history.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane_view.h"

enum {
    AXIS_W = 6,
    LEGEND_W = 36, /* beside the picture, where there is room */
    LEGEND_FROM = 96,
    SPAN_S = 180, /* shown at least, as far as nothing else is asked for */
    COLUMNS_MAX = 400
};

static const unsigned styles[WAIT_TYPES] = {
    [WAIT_CPU] = STYLE_GRAPH1,     [WAIT_IO] = STYLE_GRAPH4,     [WAIT_LOCK] = STYLE_BAD,
    [WAIT_LWLOCK] = STYLE_WARN,    [WAIT_IPC] = STYLE_GRAPH3,    [WAIT_CLIENT] = STYLE_GRAPH2,
    [WAIT_BUFFERPIN] = STYLE_INFO, [WAIT_TIMEOUT] = STYLE_LABEL, [WAIT_EXTENSION] = STYLE_INFO,
    [WAIT_OTHER] = STYLE_DIM,
};

struct picture {
    int n, each_s; /* columns; seconds of one */
    int64_t from, to;
    bool known[COLUMNS_MAX];
    double mean[COLUMNS_MAX][WAIT_TYPES];
    double all[WAIT_TYPES], most; /* over the whole time; the largest sum of a column */
    bool any;
    bool share;
};

static int64_t newest_second(const struct model *m)
{
    int64_t at = m->screen.frozen && m->screen.frozen_us ? m->screen.frozen_us : m->now_us;

    return at / 1000000;
}

/* A column holds the same seconds from one paint to the next: it begins at a multiple of its length. */
static void measure(const struct model *m, const struct tableview_state *s, int width,
                    struct picture *p)
{
    const struct wait_history *h = m->collect.wait_history;
    int n = width < COLUMNS_MAX ? width : COLUMNS_MAX;
    int longest = (WAIT_HISTORY_S + n - 1) / n, each = (SPAN_S + n - 1) / n;

    for (int i = 0; i < s->left && each < longest; i++)
        each *= 2;
    p->n = n;
    p->each_s = each < longest ? each : longest;
    p->to = newest_second(m);
    p->share = s->reverse;
    int64_t last = p->to / p->each_s;
    p->from = (last - n + 1) * p->each_s;
    for (int i = 0; i < n; i++) {
        double sum = 0;
        int64_t begin = (last - n + 1 + i) * p->each_s;
        p->known[i] = wait_history_mean(h, begin, begin + p->each_s - 1, p->mean[i]);
        p->any |= p->known[i];
        for (int t = 0; t < WAIT_TYPES; t++)
            sum += p->mean[i][t];
        p->most = fmax(p->most, sum);
    }
    wait_history_mean(h, p->from, p->to, p->all);
}

/* 1, 2, 5 times a power of ten. */
static double round_up(double v)
{
    double step = 1;

    while (step < v) {
        if (step * 2 >= v)
            return step * 2;
        if (step * 5 >= v)
            return step * 5;
        step *= 10;
    }
    return step;
}

static void draw_column(struct canvas *c, struct rect r, int x, const double mean[WAIT_TYPES],
                        double top)
{
    double sum = 0;
    int done = 0;

    for (int t = 0; t < WAIT_TYPES; t++) {
        sum += mean[t];
        int upto = (int)lround(fmin(sum / top, 1) * r.h);
        if (upto == done && t == WAIT_TYPES - 1 && done == 0 && sum > 0)
            upto = 1; /* little is not nothing */
        for (; done < upto; done++)
            canvas_rune(c, r.y + r.h - 1 - done, x, styles[t],
                        (uint32_t)(unsigned char)wait_type_letter((enum wait_type)t));
    }
}

static void draw_axis(struct canvas *c, struct rect r, double top, bool share)
{
    char text[16];

    for (int i = 0; i < 3; i++) {
        double v = top * (2 - i) / 2;
        int y = r.y + (r.h - 1) * i / 2;
        snprintf(text, sizeof text,
                 share                     ? "%.0f %%"
                 : v < 10 && v != floor(v) ? "%.1f"
                                           : "%.0f",
                 share ? v * 100 : v);
        canvas_put_right(c, y, r.x, AXIS_W - 1, STYLE_LABEL, text);
    }
    canvas_vline(c, r.y, r.x + AXIS_W - 1, r.h, STYLE_BORDER);
}

static void draw_picture(struct canvas *c, struct rect r, const struct picture *p)
{
    double top = p->share ? 1 : round_up(p->most);
    char ago[32];

    draw_axis(c, (struct rect){r.y, r.x, r.h - 1, r.w}, top, p->share);
    for (int i = 0; i < p->n; i++) {
        double sum = 0;
        for (int t = 0; t < WAIT_TYPES; t++)
            sum += p->mean[i][t];
        if (p->known[i] && sum > 0)
            draw_column(c, (struct rect){r.y, r.x, r.h - 1, r.w}, r.x + AXIS_W + i, p->mean[i],
                        p->share ? sum : top);
    }
    tableview_duration(ago, sizeof ago, (double)(p->to - p->from));
    canvas_printf(c, r.y + r.h - 1, r.x + AXIS_W, p->n, STYLE_DIM, "%s ago", ago);
    canvas_put_right(c, r.y + r.h - 1, r.x + AXIS_W, p->n, STYLE_DIM, "now");
}

/* ---- the legend ---- */

static int by_size(const struct picture *p, int order[WAIT_TYPES])
{
    int n = 0;

    for (int t = 0; t < WAIT_TYPES; t++) {
        int at = n;
        if (!(p->all[t] > 0))
            continue;
        while (at > 0 && p->all[order[at - 1]] < p->all[t]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = t;
        n++;
    }
    return n;
}

static double total(const struct picture *p)
{
    double sum = 0;

    for (int t = 0; t < WAIT_TYPES; t++)
        sum += p->all[t];
    return sum;
}

static void draw_type(struct canvas *c, int y, int x, int width, const struct picture *p, int t)
{
    canvas_rune(c, y, x, styles[t], (uint32_t)(unsigned char)wait_type_letter((enum wait_type)t));
    canvas_printf(c, y, x + 2, width - 2, STYLE_NORMAL, "%s %.0f %%",
                  wait_type_name((enum wait_type)t), 100 * p->all[t] / total(p));
}

static void draw_events(struct canvas *c, struct rect r, int y, const struct model *m,
                        const struct picture *p)
{
    struct wait_share events[WAITS_MAX];
    int n = wait_history_events(m->collect.wait_history, p->from, p->to, events);

    for (int i = 0; i < n && y < r.y + r.h; i++, y++) {
        canvas_printf(c, y, r.x, 5, STYLE_VALUE, "%3.0f %%", events[i].share * 100);
        canvas_put_cut(c, y, r.x + 6, r.w - 6, STYLE_NORMAL, events[i].event);
    }
}

static void draw_beside(struct canvas *c, struct rect r, const struct model *m,
                        const struct picture *p)
{
    int order[WAIT_TYPES], n = by_size(p, order), y = r.y;

    canvas_put_cut(c, y++, r.x, r.w, STYLE_HEADING, "types of wait");
    for (int i = 0; i < n && y < r.y + r.h; i++)
        draw_type(c, y++, r.x, r.w, p, order[i]);
    y++;
    if (y < r.y + r.h)
        canvas_put_cut(c, y++, r.x, r.w, STYLE_HEADING, "events");
    draw_events(c, r, y, m, p);
}

/* In two lines, where there is no room beside the picture: types, then the commonest events. */
static void draw_below(struct canvas *c, struct rect r, const struct model *m,
                       const struct picture *p)
{
    int order[WAIT_TYPES], n = by_size(p, order), x = r.x;
    struct wait_share events[WAITS_MAX];
    int nevents = wait_history_events(m->collect.wait_history, p->from, p->to, events);

    for (int i = 0; i < n && x + 14 < r.x + r.w; i++, x += 17)
        draw_type(c, r.y, x, 16, p, order[i]);
    x = r.x;
    for (int i = 0; i < nevents && x + 24 < r.x + r.w; i++)
        x += canvas_printf(c, r.y + 1, x, r.x + r.w - x, STYLE_DIM, "%s %.0f %%  ", events[i].event,
                           events[i].share * 100);
}

static void draw_top(struct canvas *c, struct rect r, const struct model *m,
                     const struct picture *p)
{
    char span[32];

    tableview_duration(span, sizeof span, (double)(p->to - p->from));
    canvas_printf(c, r.y, r.x, r.w, STYLE_LABEL, "%s, %s \xc2\xb7 %d s a column%s",
                  p->share ? "shares of the active sessions' waits" : "active sessions", span,
                  p->each_s, m->screen.frozen ? " \xc2\xb7 FROZEN" : "");
}

void pane_waits(struct canvas *c, struct rect r, const struct model *m)
{
    const struct tableview_state *s = &m->live.of[tableview_index(m->live.at)];
    bool beside = r.w >= LEGEND_FROM;
    int width = r.w - AXIS_W - (beside ? LEGEND_W + 2 : 0);
    struct picture *p;
    struct rect in = {r.y + 1, r.x, r.h - 1 - (beside ? 0 : 2), r.w};

    if (width < 8 || in.h < 4)
        return;
    p = xcalloc(1, sizeof *p);
    measure(m, s, width, p);
    draw_top(c, r, m, p);
    if (m->collect.activity.active < 0) {
        wrap_draw(c, in, STYLE_WARN,
                  "What the sessions of others wait for needs pg_read_all_stats: GRANT "
                  "pg_read_all_stats to this role. What is shown is of its own sessions.",
                  0);
        in.y += 2;
        in.h -= 2;
    }
    if (!p->any) {
        wrap_draw(c, in, STYLE_DIM, "No sample in this time yet: there is one each second.", 0);
    } else {
        draw_picture(c, in, p);
        if (beside)
            draw_beside(c, (struct rect){in.y, r.x + r.w - LEGEND_W, in.h, LEGEND_W}, m, p);
        else
            draw_below(c, (struct rect){r.y + r.h - 2, r.x, 2, r.w}, m, p);
    }
    free(p);
}
