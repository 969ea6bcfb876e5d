/* pane_bench.c - the run: TPS in time with the lines that matter, its figures, and the arms as intervals.
 * Without a session it shows the server's own transactions, as xact/s. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/graph.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

enum { POINTS_MAX = 1024 };

/* The two arms as series over one time: where one has a value the other has a gap. */
struct points {
    double arm[2][POINTS_MAX];
    size_t n;
};

static void add_point(struct points *p, int arm, double value)
{
    if (p->n == POINTS_MAX) {
        for (int a = 0; a < 2; a++)
            memmove(p->arm[a], p->arm[a] + 1, (POINTS_MAX - 1) * sizeof(p->arm[a][0]));
        p->n--;
    }
    p->arm[0][p->n] = arm == ARM_A ? value : NAN;
    p->arm[1][p->n] = arm == ARM_B ? value : NAN;
    p->n++;
}

static void add_run(struct points *p, const struct bench_run *run, int arm)
{
    for (int i = 0; i < run->nseries; i++)
        add_point(p, arm, (double)run->series[i]);
    if (run->nseries)
        add_point(p, arm, NAN);
}

/* The experiment that is shown: the one under way, else the last. NULL: none yet. */
static const struct experiment *experiment_shown(const struct model *m)
{
    const struct session *s = &m->session;
    if (m->flow == FLOW_TRADE)
        return &s->trading;
    if (s->confirm.n > 0 || m->flow == FLOW_CONFIRM)
        return &s->confirm;
    if (m->flow >= FLOW_ROUND && s->round.number > 0 && s->round.experiment.n > 0)
        return &s->round.experiment;
    return s->baseline.n > 0 ? &s->baseline : NULL;
}

static int arm_running(const struct model *m)
{
    if (m->flow == FLOW_ROUND)
        return m->session.round.arm_in_force == ARM_B ? ARM_B : ARM_A;
    if (m->flow == FLOW_TRADE)
        return m->session.trading.arm == ARM_B ? ARM_B : ARM_A;
    if (m->flow == FLOW_CONFIRM)
        return m->session.confirm.arm == ARM_B ? ARM_B : ARM_A;
    return ARM_A;
}

/* The baseline's runs come first: the eye compares with them, and they leave the graph as newer ones come. */
static void collect_points(const struct model *m, struct points *p)
{
    const struct experiment *x = experiment_shown(m);
    p->n = 0;
    for (int i = 0; x && x != &m->session.baseline && i < m->session.baseline.n; i++)
        add_run(p, &m->session.baseline.runs[i], ARM_A);
    for (int i = 0; x && i < x->n; i++)
        add_run(p, &x->runs[i], x->runs[i].arm);
    if (m->bench.state == BENCH_RUNNING)
        add_run(p, &m->bench.run, arm_running(m));
    if (x || m->bench.state == BENCH_RUNNING)
        return;
    double server[SERIES_SECONDS];
    int n = pane_series(m, METRIC_TPS, SERIES_SECONDS, server);
    for (int i = 0; i < n; i++)
        add_point(p, ARM_A, server[i]);
}

static double target_tps(const struct session *s)
{
    double t = s->target.tps > 0 ? s->target.tps : s->plan.target_tps;
    return t > 0 ? t : NAN;
}

/* A sign in the uppermost row over the second at which xact/s left its usual range. */
static void mark_anomalies(struct canvas *c, struct rect r, const struct model *m)
{
    int fine = pane_graph(m) == GRAPH_BRAILLE ? 2 : 1;

    for (int i = 0; i < m->anomalies.n; i++) {
        const struct anomaly *a = &m->anomalies.items[i];
        int back = (int)((m->now_us - a->from_us) / 1000000) / fine;
        if (strcmp(a->metric, metric_info(METRIC_TPS)->name) == 0 && back < r.w - 8)
            canvas_put(c, r.y, r.x + r.w - 1 - back, 1, STYLE_WARN, "!");
    }
}

/* What the runs are seen against: start and best of the runs that the gain is told by, the baseline while there are none. */
struct levels {
    const char *name;
    double start, best;
};

static struct levels levels_of(const struct model *m)
{
    const struct session *s = &m->session;
    struct levels l = {"baseline", s->baseline_tps, NAN};
    struct gain g;
    if (!model_best_stands(m))
        return l;
    session_gain(s, &g);
    l.best = isfinite(g.tps_after) ? g.tps_after : s->best_tps;
    if (g.by >= GAIN_ROUND && isfinite(g.tps_before)) {
        l.name = "start";
        l.start = g.tps_before;
    }
    return l;
}

static void draw_graph(struct canvas *c, struct rect r, const struct model *m)
{
    const struct session *s = &m->session;
    struct levels l = levels_of(m);
    struct points *p = xmalloc(sizeof(*p));
    bool runs = experiment_shown(m) || m->bench.state == BENCH_RUNNING;
    collect_points(m, p);
    struct graph_line levels[] = {
        {.value = l.start, .form = GRAPH_DOTTED, .style = STYLE_REFERENCE},
        {.value = l.best, .form = GRAPH_SOLID, .style = STYLE_GOOD},
        {.value = target_tps(s), .form = GRAPH_DASHED, .style = STYLE_WARN},
    };
    struct graph_series series[] = {{p->arm[1], p->n, STYLE_GRAPH1},
                                    {p->arm[0], p->n, STYLE_GRAPH2}};
    size_t room = graph_capacity(pane_graph(m), r.w);
    for (size_t i = 0; i < ARRAY_LEN(series);
         i++) { /* what has left the graph does not set its scale */
        size_t cut = p->n > room ? p->n - room : 0;
        series[i].values += cut;
        series[i].n -= cut;
    }
    static const char *const names[] = {"with the change", "as it was"};
    struct graph g = {.kind = pane_graph(m),
                      .names = s->state != SESSION_NONE ? names : NULL,
                      .series = series,
                      .n = ARRAY_LEN(series),
                      .lines = levels,
                      .n_lines = s->state != SESSION_NONE ? ARRAY_LEN(levels) : 0,
                      .title = runs ? "TPS" : "xact/s"};
    graph_draw(c, r, &g);
    if (!runs)
        mark_anomalies(c, r, m);
    free(p);
}

/* "baseline ···· 4502   best ──── 5277   target - - 6000" */
static void draw_legend(struct canvas *c, int y, struct rect r, const struct model *m)
{
    const struct session *s = &m->session;
    struct levels l = levels_of(m);
    const struct {
        const char *name, *line;
        double value;
        unsigned style;
    } entries[] = {
        {l.name, "\xc2\xb7\xc2\xb7\xc2\xb7\xc2\xb7", l.start, STYLE_REFERENCE},
        {"best", "\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80\xe2\x94\x80", l.best, STYLE_GOOD},
        {"target", "- - ", target_tps(s), STYLE_WARN},
    };
    int x = r.x, end = r.x + r.w;
    for (size_t i = 0; i < ARRAY_LEN(entries); i++) {
        char value[32];
        if (!isfinite(entries[i].value))
            continue;
        pane_number(value, sizeof(value), entries[i].value);
        int need = (int)strlen(entries[i].name) + 6 + (int)strlen(value) + 3;
        if (x + need > end)
            return;
        x += canvas_put(c, y, x, -1, STYLE_LABEL, entries[i].name) + 1;
        x += canvas_put(c, y, x, -1, entries[i].style, entries[i].line) + 1;
        x += canvas_put(c, y, x, -1, STYLE_VALUE, value) + 3;
    }
}

/* The newest finished measured run; NULL if there is none. */
static const struct bench_run *last_run(const struct model *m)
{
    const struct experiment *x = experiment_shown(m);
    bool other = m->flow == FLOW_COMPARE || m->flow == FLOW_ABLATE || m->flow == FLOW_KNEE ||
                 (m->flow == FLOW_ROUND && m->session.round.screening);
    if (other) /* its runs are in no experiment: that one's last run is of an earlier phase */
        return NULL;
    return x && x->n > 0 ? &x->runs[x->n - 1] : NULL;
}

/* The configuration that the run under way measures, by the name that its round has. */
static const char *arm_name(const struct model *m)
{
    const struct session *s = &m->session;
    bool second = arm_running(m) == ARM_B;
    if (m->flow == FLOW_ROUND)
        return round_arm(&s->round, s->round.arm_in_force)->label;
    if (m->flow == FLOW_ABLATE)
        return s->trial.label;
    if (m->flow == FLOW_COMPARE)
        return s->beside.comparison.arms[m->fl.now.compare.arm < 0 ? 0 : m->fl.now.compare.arm]
            .name;
    if (m->flow == FLOW_TRADE && second)
        return m->fl.now.trade_arm.label;
    if (m->flow == FLOW_TRADE)
        return s->final.kind == VERDICT_IMPROVED ? s->best.label : s->start.label;
    if (m->fl.now.reducing && second)
        return s->reduced.label;
    return second ? s->best.label : s->start.label;
}

/* "screening run 3 of 16 at most, round 1: that, with a restart": an arm that has dropped out gets no more of them. */
static void put_race_run(struct buf *out, const char *what, const struct race *r, const char *arm)
{
    int runs = 0, most = 0;
    for (int i = 0; i < r->n; i++) {
        const struct race_arm *a = &r->arms[i];
        runs += a->n;
        most += a->out || a->done || a->n > r->max_visits ? a->n : r->max_visits;
    }
    buf_printf(out, "%s run %d of %d at most, %s", what, runs + 1, most > runs ? most : runs + 1,
               arm);
}

/* "run 2 of 6-12, round 1  00:07/00:10  449 TPS  10.3 ms" */
static void live_text(const struct model *m, struct buf *out)
{
    const struct bench *b = &m->bench;
    const struct experiment *x = experiment_shown(m);
    char now[24], all[24];
    double secs = b->started_at_us ? (double)(m->now_us - b->started_at_us) / 1e6 : 0;
    pane_clock(now, sizeof(now), secs > b->duration_s ? b->duration_s : secs);
    pane_clock(all, sizeof(all), b->duration_s);
    if (b->run.warmup)
        buf_printf(out, "warm-up of %s", arm_name(m));
    else if (m->flow == FLOW_ABLATE)
        buf_printf(out, "ablation run %d, %s", m->session.ablation.n_runs + 1, arm_name(m));
    else if (m->flow == FLOW_COMPARE)
        put_race_run(out, "comparison", &m->fl.now.compare, arm_name(m));
    else if (m->flow == FLOW_KNEE)
        buf_puts(out, "sweep of clients");
    else if (m->flow == FLOW_ROUND && m->session.round.screening)
        put_race_run(out, "screening", &m->session.round.race, arm_name(m));
    else if (x && x->kind == EXPERIMENT_AA)
        buf_printf(out, "run %d of %d, %s", x->n + 1, x->min_runs, arm_name(m));
    else if (x && x->max_runs)
        buf_printf(out, "run %d of %d-%d, %s", x->n + 1, 2 * x->min_runs, 2 * x->max_runs,
                   arm_name(m));
    else
        buf_puts(out, "measured run");
    buf_printf(out, "  %s/%s", now, all);
    if (isfinite(b->tps_now))
        buf_printf(out, "  %.0f TPS  %.1f ms", b->tps_now, b->lat_now);
    if (b->run.warmup)
        buf_puts(out, "  not counted");
}

static void run_text(const struct bench_run *run, int width, struct buf *out)
{
    if (!run->valid) {
        buf_printf(out, "last run not usable: %s", run->err.msg[0] ? run->err.msg : "cancelled");
        return;
    }
    buf_printf(out, "last run %.0f TPS  avg %.1f ms", run->tps, run->lat_avg_ms);
    if (run->failed > 0)
        buf_printf(out, "  failed %.0f", run->failed);
    if (isfinite(run->p95_ms))
        buf_printf(out, "  p95 %.1f", run->p95_ms);
    if (isfinite(run->p99_ms))
        buf_printf(out, "  p99 %.1f", run->p99_ms);
    if (isfinite(run->lat_sd_ms) && width >= 70)
        buf_printf(out, "  stddev %.1f", run->lat_sd_ms);
}

/* What is being done that is not a run: the words of the state. */
static void doing_text(const struct model *m, struct buf *out)
{
    if (m->demo.state == DEMO_STARTING)
        buf_printf(out, "making the demo server: %s", m->demo.note);
    else if (m->apply.state > APPLY_IDLE && m->apply.state < APPLY_DONE)
        buf_printf(out, "changing the server: %s%s%s", apply_state_name(m->apply.state),
                   m->apply.note[0] ? ", " : "", m->apply.note);
    else if (m->flow == FLOW_PREPARE)
        buf_puts(out, "preparing the workload");
    else if (m->flow == FLOW_ROUND)
        buf_printf(out, "round %d: %s", m->session.round.number,
                   round_state_name(m->session.round.state));
    else if (m->flow != FLOW_WATCH && m->flow != FLOW_SIGHT)
        buf_puts(out, flow_state_name(m->flow));
}

static void draw_figures(struct canvas *c, int y, struct rect r, const struct model *m)
{
    struct buf text = {0};
    if (m->bench.state == BENCH_RUNNING)
        live_text(m, &text);
    else
        doing_text(m, &text);
    bool live = m->bench.state == BENCH_RUNNING; /* in the colour of its line in the graph */
    canvas_put_cut(c, y, r.x, r.w,
                   !live                     ? STYLE_NORMAL
                   : arm_running(m) == ARM_B ? STYLE_GRAPH1
                                             : STYLE_GRAPH2,
                   buf_text(&text));
    buf_clear(&text);
    const struct bench_run *run = last_run(m);
    if (run)
        run_text(run, r.w, &text);
    else if (m->collect.samples > 0)
        buf_printf(&text, "%d sessions  %d active  %d idle in transaction  %d waiting",
                   m->collect.activity.sessions, m->collect.activity.active,
                   m->collect.activity.idle_tx, m->collect.activity.waiting);
    canvas_put_cut(c, y + 1, r.x, r.w, STYLE_LABEL, buf_text(&text));
    buf_clear(&text);
}

/* Before the first figures: how the connection stands, and what libpq says when there is none. */
static void draw_unconnected(struct canvas *c, struct rect r, const struct model *m)
{
    static const char *const words[] = {
        [LINK_OFF] = "Not connected yet.",
        [LINK_CONNECTING] = "Connecting.",
        [LINK_UP] = "Waiting for the first figures.",
        [LINK_WAITING] = "No connection. The program keeps trying; q leaves.",
        [LINK_PASSWORD] = "The server wants a password.",
    };
    const struct link *l = &m->links[CONN_CONTROL];
    const struct err *e = &l->err;
    struct buf text = {0};
    buf_puts(&text,
             l->err.msg[0] && l->state == LINK_CONNECTING ? words[LINK_WAITING] : words[l->state]);
    if (e->msg[0] && l->state != LINK_UP)
        buf_printf(&text, "\n\n%s.\n\n%s", e->msg, e->hint);
    wrap_draw(c, r, STYLE_DIM, buf_text(&text), 0);
    buf_clear(&text);
}

void pane_bench(struct canvas *c, struct rect r, const struct model *m)
{
    bool session = m->session.state != SESSION_NONE && isfinite(m->session.baseline_tps);
    int figures = r.h >= 6 ? 2 : 0, legend = session && r.h >= 8 ? 1 : 0;
    struct rect graph = {r.y, r.x, r.h - figures - legend, r.w};
    if (m->collect.samples == 0 && m->bench.state != BENCH_RUNNING && !experiment_shown(m)) {
        draw_unconnected(c, r, m);
    } else {
        draw_graph(c, graph, m);
    }
    if (legend)
        draw_legend(c, r.y + graph.h, r, m);
    if (figures)
        draw_figures(c, r.y + graph.h + legend, r, m);
}
