/* flow_observe.c - a session over the server's own traffic instead of a benchmark (--observe): how that can be measured, what
 * each window is told, and a configuration that was given up because it did harm.
 *
 * The runs are windows of runner/observe.c inside the machine of runs, so that all else of a session stays as it is. */
#include <math.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/runner/observe.h"

enum { PROBE_MS = 10000, WARMUP_LEAST_S = 2 };

void flow_observe_plan(struct model *m, struct sdl *p)
{
    p->observe = true;
    p->goal = GOAL_RUNTIME;
    p->rate = p->target_tps = 0;
    p->builtin_db = false;
    p->nscripts = 0;
    if (p->warmup_s < WARMUP_LEAST_S)
        p->warmup_s = WARMUP_LEAST_S;
    /* It is a production server by definition: a restart has to be asked for in so many words. */
    if (p->restart == RESTART_ASK)
        p->restart = RESTART_NEVER;
    text_copy(p->workload, sizeof p->workload, "observed traffic");
    text_copy_raw(p->database, sizeof p->database, m->links[CONN_CONTROL].dbname);
}

void flow_observe_probe(struct model *m, struct effects *fx)
{
    const struct asset *a = asset_find("sql/observe_probe.sql");

    fx_sql(fx, flow_req(m), CONN_CONTROL, a ? (const char *)a->data : "", PROBE_MS);
}

bool flow_observe_probed(struct model *m, const struct event *ev, struct err *e)
{
    struct observed_source source;
    char note[400];

    if (ev->err.code != ERR_NONE) {
        *e = ev->err;
        return false;
    }
    if (!observed_probe(ev->rows, m->session.plan.database, &source, note, sizeof note, e))
        return false;
    bench_observe(&m->bench, &source);
    model_say(m, CHAT_EVENT, "observing the traffic of database %s by %s", source.database,
              source.form ? "pg_stat_statements" : "pg_stat_database");
    if (note[0])
        model_say(m, CHAT_WARN, "%s", note);
    return true;
}

/* An arm that is not known to do no harm. */
static bool on_trial(const struct model *m)
{
    const struct session *s = &m->session;

    return m->flow == FLOW_ROUND     ? s->round.arm_in_force != ARM_A
           : m->flow == FLOW_CONFIRM ? s->confirm.arm == ARM_B
           : m->flow == FLOW_ABLATE  ? m->fl.now.ablate_set != s->ablation.full
                                     : false;
}

void flow_observe_order(struct model *m, int seconds, bool warmup)
{
    struct observe *o = m->bench.observe;

    if (!o || !m->session.plan.observe)
        return;
    o->order = (struct observe_order){.at_us = m->now_us,
                                      .seconds = seconds,
                                      .warmup = warmup,
                                      .baseline = m->flow == FLOW_BASELINE,
                                      .candidate = on_trial(m),
                                      .cold = warmup && m->apply.restarted};
}

/* Of what the server may have; in a cgroup only the part that is its own counts, which is not sampled. */
static double memory_left(const struct model *m)
{
    const struct host_facts *h = &m->server.host;

    if (!h->known || h->cgroup_mem_limit > 0 || !(h->mem_total > 0))
        return NAN;
    return series_newest(&m->collect.series[METRIC_MEM_AVAILABLE]) * 1048576 / h->mem_total;
}

void flow_observe_feed(struct model *m)
{
    struct observe *o = m->bench.observe;
    const struct link *l = &m->links[CONN_TELEMETRY];

    if (!o)
        return;
    o->memory_left = memory_left(m);
    o->elsewhere = strcmp(l->dbname[0] ? l->dbname : m->links[CONN_CONTROL].dbname,
                          m->session.plan.database) == 0
                       ? m->collect.sent
                       : 0;
}

void flow_observe_ran(struct model *m, const struct bench_run *run, const char *arm,
                      struct effects *fx)
{
    if (run->abandoned) {
        struct line *l = line_new("abandoned");
        line_int(l, "round", m->flow == FLOW_ROUND ? m->session.round.number : 0);
        line_text(l, "arm", arm);
        line_num(l, "after_s", run->secs);
        line_num(l, "slower", run->slower);
        line_text(l, "figure", run->note);
        flow_emit(m, l, fx);
        model_say(m, CHAT_BAD, "%s is given up after %.1f s: %s", arm, run->secs, run->note);
    } else if (run->valid && run->note[0]) {
        model_say(m, CHAT_WARN, "run %d was %s", run->number, run->note);
    }
}
