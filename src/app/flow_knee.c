/* flow_knee.c - the sweep of clients at a session's end (--knee, /knee): short runs with 1, 2, 4 … clients under what the
 * session leaves. Nothing is changed; what follows from it is said, never done. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

enum { END_S = 5, POINTS_LEAST = 4, SPARE_CONNECTIONS = 10 };

/* ---- how far ---- */

static double setting(const struct model *m, const char *name, double otherwise)
{
    double v = settings_number(&m->server.settings, name);

    return isfinite(v) ? v : otherwise;
}

/* Connections that are not the workload's: those of others now, and what the server keeps back. */
static int others(const struct model *m)
{
    double sessions = m->collect.watch.at_us ? m->collect.watch.others
                                             : (double)m->collect.activity.sessions;

    return (int)(fmax(0, sessions) + setting(m, "superuser_reserved_connections", 3) +
                 setting(m, "reserved_connections", 0));
}

static double point_s(const struct model *m)
{
    return experiment_short_s(&m->session.plan) + experiment_extra_s();
}

/* Asked for while nothing else runs, it is not of the budget. */
static double seconds_left(struct model *m)
{
    return m->fl.now.knee_wanted ? 1e9 : flow_seconds_left(m) - END_S;
}

static bool skip(struct model *m, const char *why)
{
    text_copy(m->session.beside.knee_said, sizeof m->session.beside.knee_said, why);
    model_say(m, CHAT_WARN, "not measured: the sweep of clients (%s)", why);
    return false;
}

bool flow_knee_begin(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    char why[120];

    if (m->fl.now.knee_done || !(m->opt.knee || m->fl.now.knee_wanted))
        return false;
    m->fl.now.knee_done = true;
    if (s->plan.observe)
        return skip(m, "the traffic is not ours to change");
    if (seconds_left(m) < POINTS_LEAST * point_s(m)) {
        snprintf(why, sizeof why, "needs %.0f s, %.0f s left", POINTS_LEAST * point_s(m),
                 fmax(seconds_left(m), 0));
        return skip(m, why);
    }
    double room = setting(m, "max_connections", 100) - others(m) - SPARE_CONNECTIONS;
    knee_init(&s->beside.knee, m->server.host.known ? m->server.host.cpus : 0,
              room < 1 ? 0 : (int)room, s->floor);
    memset(&s->beside.knee_result, 0, sizeof s->beside.knee_result);
    flow_enter(m, FLOW_KNEE);
    m->fl.now.knee_warm = false;
    m->fl.now.knee_clients = s->plan.clients;
    model_say(m, CHAT_EVENT, "sweeping the clients, %d at the most, %d s each",
              s->beside.knee.limit, experiment_short_s(&s->plan));
    flow_save(m, false, fx);
    return true;
}

void flow_knee_plan(const struct model *m, struct sdl *plan)
{
    plan->clients = m->fl.now.knee_clients;
    plan->rate = 0; /* how much goes is the question */
}

/* ---- the end ---- */

static void emit(struct model *m, struct effects *fx)
{
    const struct knee *k = &m->session.beside.knee;
    const struct knee_result *r = &m->session.beside.knee_result;
    struct line *l = line_new("knee");
    struct buf list = {0};

    beside_knee_json(k, &list);
    line_raw(l, "points", buf_text(&list));
    buf_clear(&list);
    line_num(l, "peak_clients", r->known ? k->points[r->peak].clients : (double)NAN);
    line_num(l, "knee_clients", r->known ? k->points[r->at].clients : (double)NAN);
    line_num(l, "breaks_clients",
             r->known && r->breaks >= 0 ? k->points[r->breaks].clients : (double)NAN);
    line_num(l, "pool", r->known && !r->open ? r->pool : (double)NAN);
    line_num(l, "max_connections", r->known && !r->open ? r->max_connections : (double)NAN);
    line_bool(l, "open", r->open);
    line_text(l, "proposal", m->session.beside.knee_said);
    flow_emit(m, l, fx);
}

static void knee_ended(struct model *m, struct effects *fx)
{
    struct beside *b = &m->session.beside;

    m->fl.now.cancel = m->fl.now.knee_wanted = false;
    knee_result(&b->knee, others(m) + SPARE_CONNECTIONS, &b->knee_result);
    knee_text(&b->knee, &b->knee_result, (int)setting(m, "max_connections", 0), b->knee_said,
              sizeof b->knee_said);
    model_say(m, CHAT_AI, "clients: %s", b->knee_said);
    emit(m, fx);
    flow_finished(m, fx);
}

/* ---- driving it ---- */

void flow_knee_ran(struct model *m, const struct bench_run *run)
{
    struct knee_point p = {.clients = m->fl.now.knee_clients,
                           .tps = run->tps_pgbench,
                           .p95_ms = run->p95_ms,
                           .p99_ms = run->p99_ms,
                           .valid = run->valid || run->contaminated};

    if (m->fl.now.run_warmup)
        m->fl.now.knee_warm = true;
    else if (!run->cancelled)
        knee_add(&m->session.beside.knee, &p);
}

bool flow_knee_drive(struct model *m, struct effects *fx)
{
    const struct sdl *plan = &m->session.plan;

    if (m->flow != FLOW_KNEE || m->fl.now.running)
        return false;
    int next = knee_next(&m->session.beside.knee);
    if (m->fl.now.cancel || next == 0 || seconds_left(m) < point_s(m)) {
        knee_ended(m, fx);
    } else if (!m->fl.now.knee_warm && plan->warmup_s > 0) {
        flow_run(m, experiment_warmup_s(plan->warmup_s, m->apply.restarted), true, fx);
    } else {
        m->fl.now.knee_clients = next;
        flow_run(m, experiment_short_s(plan), false, fx);
    }
    return true;
}

void flow_knee(struct model *m, struct effects *fx)
{
    if (model_run_active(m)) {
        m->fl.now.knee_wanted = true;
        m->fl.now.knee_done = false;
        model_say(m, CHAT_EVENT, "the sweep of clients follows at the session's end");
    } else if (m->flow != FLOW_SUMMARY || flow_end_busy(m) || !m->session.name[0] ||
               !m->bench_target.pgbench[0] || m->opt.readonly || m->workspace.readonly) {
        model_say(m, CHAT_WARN,
                  "a sweep of clients needs the workload of a session: start one with "
                  "t, or ask again at its end");
    } else {
        m->screen.dialog.kind = DIALOG_NONE;
        m->fl.now.knee_wanted = true;
        m->fl.now.knee_done = false;
        flow_knee_begin(m, fx);
    }
}
