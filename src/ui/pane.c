/* pane.c - the table of panes and the formats that they share. */
#include "pgd/ui/pane.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"

const struct pane_row pane_table[PANE_COUNT] = {
    [PANE_TREE] = {.title = "Sessions",
                   .draw = pane_tree,
                   .keys = "Right open  Left close  Enter all of it  f find  c compare  b branch  "
                           "v go back  r rename  a archive  D delete"},
    [PANE_BENCH] = {.title = "Benchmark", .draw = pane_bench},
    [PANE_TELEMETRY] = {.title = "Telemetry", .draw = pane_telemetry},
    [PANE_AI] = {.title = "AI", .draw = pane_ai},
    [PANE_ROUNDS] = {.title = "Rounds", .draw = pane_rounds},
};

static const char *asked_for(const struct model *m, const char *key)
{
    const struct connect_params *c = &m->opt.connect;
    for (int i = 0; i < c->n; i++)
        if (strcmp(c->keys[i], key) == 0)
            return c->values[i];
    return "";
}

void pane_who(const struct model *m, char *dst, size_t size)
{
    const struct link *l = &m->links[CONN_CONTROL];
    const char *user = l->user[0] ? l->user : asked_for(m, "user");
    const char *host = l->host[0] ? l->host : asked_for(m, "host");
    if (!*host || *host == '/')
        host = "local";
    snprintf(dst, size, "%.63s%s%.80s", user, *user ? "@" : "", host);
}

void pane_clock(char *dst, size_t size, double seconds)
{
    if (seconds < 0 && seconds > -60) /* clocks that stand still, or of two machines */
        seconds = 0;
    if (!(seconds >= 0 && seconds < 1e7)) {
        snprintf(dst, size, "-");
        return;
    }
    int s = (int)seconds;
    if (s < 3600)
        snprintf(dst, size, "%02d:%02d", s / 60, s % 60);
    else
        snprintf(dst, size, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}

void pane_number(char *dst, size_t size, double value)
{
    if (!isfinite(value))
        snprintf(dst, size, "-");
    else if (fabs(value) < 9.95)
        snprintf(dst, size, "%.1f", value);
    else
        snprintf(dst, size, "%.0f", value);
}

void pane_row_tps(const struct session_row *r, const char *arrow, char *dst, size_t size)
{
    double one = isfinite(r->tps_after)                             ? r->tps_after
                 : isfinite(r->baseline_tps) && isfinite(r->effect) ? r->best_tps
                                                                    : r->baseline_tps;

    if (isfinite(r->tps_before) && isfinite(r->tps_after))
        snprintf(dst, size, "%.0f%s%.0f", r->tps_before, arrow, r->tps_after);
    else if (isfinite(one))
        snprintf(dst, size, "%.0f", one);
    else
        text_copy_raw(dst, size, "");
}

void pane_metric(char *dst, size_t size, double value, const char *unit)
{
    char number[48];
    if (!isfinite(value)) {
        snprintf(dst, size, "-");
    } else if (strncmp(unit, "MB", 2) == 0) {
        if (value < 10)
            snprintf(number, sizeof(number), "%.1f MB", value);
        else
            text_bytes(number, sizeof(number), value * 1024 * 1024);
        snprintf(dst, size, "%s%s", number, unit + 2);
    } else {
        const char *scale = "";
        if (fabs(value) >= 1e6) {
            value /= 1e6;
            scale = "M";
        } else if (fabs(value) >= 1e5) {
            value /= 1e3;
            scale = "k";
        }
        bool small = fabs(value) < 9.95 && value != 0 && strcmp(unit, "%") != 0;
        snprintf(dst, size, "%.*f%s%s%s", small ? 1 : 0, value, scale,
                 *unit && *unit != '/' ? " " : "", unit);
    }
}

int pane_series(const struct model *m, enum metric_id id, int n, double *out)
{
    enum { MOST = SERIES_SECONDS };
    double all[MOST];
    int skip = 0;
    if (m->screen.frozen && m->screen.frozen_us > 0)
        skip = (int)((m->now_us - m->screen.frozen_us) / 1000000);
    if (skip < 0)
        skip = 0;
    if (skip > MOST)
        skip = MOST;
    int want = n + skip > MOST ? MOST : n + skip;
    int got = series_last(&m->collect.series[id], want, all) - skip;
    if (got <= 0)
        return 0;
    if (got > n)
        got = n;
    memcpy(out, all, (size_t)got * sizeof(*out));
    return got;
}

enum graph_kind pane_graph(const struct model *m)
{
    if (m->screen.choices.plain)
        return GRAPH_WORDS;
    if (m->screen.ascii)
        return GRAPH_ASCII;
    return m->screen.graph == GRAPH_AUTO ? GRAPH_BRAILLE : m->screen.graph;
}

void pane_session_name(const struct model *m, char *dst, size_t size)
{
    const struct session *s = &m->session;
    if (s->state == SESSION_NONE && !s->plan.strategy[0])
        snprintf(dst, size, "%s", "");
    else if (s->round.number > 0 && m->flow == FLOW_ROUND)
        snprintf(dst, size, "%s R%d", s->plan.strategy, s->round.number);
    else
        snprintf(dst, size, "%s", s->plan.strategy);
}

unsigned pane_verdict_style(enum verdict_kind v)
{
    return v == VERDICT_IMPROVED ? STYLE_GOOD : v == VERDICT_REGRESSED ? STYLE_BAD : STYLE_WARN;
}
