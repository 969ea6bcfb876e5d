/* pane_host.c - the server's host among the figures: how we see it, and its busiest processes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/graph.h"
#include "pgd/ui/pane.h"

enum { GROUP_WIDTH = 7, PID_WIDTH = 8, FIGURES_WIDTH = 46, LATE_S = 5, BUSY_ROWS = 5 };

static bool remote(const struct model *m)
{
    return m->collect.host && m->collect.host->over_ssh && m->collect.host_on;
}

bool pane_host_gap(const struct model *m)
{
    return remote(m) && m->now_us - m->collect.last_host_us > (int64_t)LATE_S * 1000000;
}

bool pane_clock_off(const struct model *m)
{
    const struct hostclock *k = &m->collect.loop.clock;
    return remote(m) && k->known && llabs(k->offset_us) - k->error_us > 1000000;
}

void pane_clock_text(const struct model *m, char *dst, size_t size)
{
    const struct hostclock *k = &m->collect.loop.clock;
    double off = (double)k->offset_us / 1e6, error = (double)k->error_us / 1e6;

    if (!k->known)
        snprintf(dst, size, "not measured yet");
    else if (fabs(off) <= error)
        snprintf(dst, size, "as ours, within %.3f s", error);
    else
        snprintf(dst, size, "%.3f s %s ours, within %.3f s", fabs(off),
                 off > 0 ? "ahead of" : "behind", error);
}

static void gap_text(const struct model *m, char *dst, size_t size)
{
    const struct collect *k = &m->collect;
    double secs = (double)(m->now_us - k->last_host_us) / 1e6;
    const char *why = !k->host_link     ? "the ssh link is down"
                      : k->loop.why[0]  ? k->loop.why
                      : k->loop.answers ? "the host does not answer in time"
                                        : "waiting for the first ones";
    if (k->last_host_us)
        snprintf(dst, size, "no figures for %.0f s: %s", secs, why);
    else
        snprintf(dst, size, "no figures yet: %s", why);
}

void pane_host_text(const struct model *m, char *dst, size_t size)
{
    const struct hostclock *k = &m->collect.loop.uptime;
    char clock[80];
    size_t n;

    if (pane_host_gap(m)) {
        gap_text(m, dst, size);
        return;
    }
    snprintf(dst, size, "via ssh");
    n = strlen(dst);
    if (k->known)
        snprintf(dst + n, size - n, ", answers in %.0f ms", (double)k->delay_us / 1000);
    n = strlen(dst);
    if (pane_clock_off(m)) {
        pane_clock_text(m, clock, sizeof clock);
        snprintf(dst + n, size - n, ", its clock is %s", clock);
    }
}

int pane_host(struct canvas *c, struct rect r, int y, const struct model *m)
{
    char text[320];

    if (!remote(m) || y >= r.y + r.h)
        return 0;
    pane_host_text(m, text, sizeof text);
    canvas_put(c, y, r.x, GROUP_WIDTH - 1, STYLE_HEADING, "host");
    canvas_put_cut(c, y, r.x + GROUP_WIDTH, r.w - GROUP_WIDTH,
                   pane_host_gap(m) || pane_clock_off(m) ? STYLE_WARN : STYLE_DIM, text);
    return 1;
}

/* "98 % cpu   r 1.2 w 3.4 MB/s   420 MB" */
static void figures(const struct backend *b, char *dst, size_t size)
{
    char room[24], io[40] = "";

    text_bytes(room, sizeof room, b->rss_bytes);
    if (!isnan(b->read_bps + b->written_bps))
        snprintf(io, sizeof io, "r %.1f w %.1f MB/s", b->read_bps / 1048576,
                 b->written_bps / 1048576);
    snprintf(dst, size, "%3.0f %% cpu  %-20s %8s", b->cpu * 100, io, room);
}

/* Without what all of them have in front. */
static const char *title_of(const struct backend *b)
{
    static const char prefix[] = "postgres: ";
    return strncmp(b->title, prefix, sizeof prefix - 1) == 0 ? b->title + sizeof prefix - 1
                                                             : b->title;
}

void pane_busy(struct canvas *c, struct rect r, int y, const struct model *m)
{
    const struct backends *b = m->collect.backends;
    char text[80];

    if (!b || b->ntop == 0 || m->now_us - b->at_us > (int64_t)LATE_S * 1000000)
        return;
    for (int i = 0; i < b->ntop && i < BUSY_ROWS && y < r.y + r.h; i++, y++) {
        int x = r.x + GROUP_WIDTH, width = r.w - GROUP_WIDTH;
        if (i == 0)
            canvas_put(c, y, r.x, GROUP_WIDTH - 1, STYLE_HEADING, "busy");
        canvas_printf(c, y, x, PID_WIDTH - 1, STYLE_LABEL, "%d", b->top[i].pid);
        figures(&b->top[i], text, sizeof text);
        canvas_put_cut(c, y, x + PID_WIDTH, width - PID_WIDTH, STYLE_VALUE, text);
        if (width > PID_WIDTH + FIGURES_WIDTH)
            canvas_put_cut(c, y, x + PID_WIDTH + FIGURES_WIDTH, width - PID_WIDTH - FIGURES_WIDTH,
                           STYLE_NORMAL, title_of(&b->top[i]));
    }
}
