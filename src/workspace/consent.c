/* The figures of the consent. */
#include "pgd/workspace/consent.h"

#include <math.h>
#include <string.h>

/* SHORT_PART: a short run is that part of a whole one. */
enum { RUN_GAP_S = 2, RESTART_GAP_S = 8, STOP_START_S = 3, SHORT_PART = 3 };

/* The tables of the built-in workload with their indexes. */
static const double builtin_bytes = 300e6;
/* … are filled, indexed and analysed so fast by one session: a round figure of small machines, 10 to 40 MB/s. */
static const double make_bps = 15e6;
/* One of our own that an earlier session has left so much larger is loaded anew before the baseline (bloat.c has the bound). */
static const double grown_max = 1.5;
/* What an estimate assumes of a disk, and of the part of shared_buffers that gets dirty between the CHECKPOINT before the
 * restart and the shutdown. */
static const double estimate_bps = 200e6, estimate_dirty = 0.1;

double consent_blackout_s(const struct model *m, bool *measured)
{
    double buffers = settings_number(&m->server.settings, "shared_buffers");

    *measured = m->workspace.restart_s > 0;
    if (*measured)
        return m->workspace.restart_s;
    return STOP_START_S + (buffers > 0 ? buffers * estimate_dirty / estimate_bps : 0);
}

/* Where each switch takes a person the runs of an arm stand together: one switch in a round, one to go back, two in the
 * confirmation. */
static void count_asked(const struct model *m, struct consent *c)
{
    const struct sdl *p = &m->session.plan;
    bool all = m->session.by_hand || m->way.change == WAY_MANUAL;
    struct restart_choice by;

    model_restart(m, &by);
    bool restarts = p->restart == RESTART_MANUAL ||
                    (p->restart != RESTART_NEVER && !m->opt.headless && by.way == RESTART_WAY_NONE);
    c->restarts_allowed = p->restart != RESTART_NEVER && !restarts && !all;
    c->asks_most = all || restarts ? 2 * p->rounds + 2 : 0;
    c->arms_round = all ? 1 : SETS_MAX + 1; /* no alternatives are screened by hand */
    c->arms = 1 + p->rounds * c->arms_round;
}

static void count_runs(const struct model *m, struct consent *c)
{
    const struct sdl *p = &m->session.plan;
    int aa = experiment_least_runs(EXPERIMENT_AA, p);
    int round = experiment_least_runs(EXPERIMENT_ROUND, p);
    int confirm = experiment_least_runs(EXPERIMENT_CONFIRM, p);
    double seconds = p->duration_s > 0 ? p->duration_s : 1;
    double slot = seconds + RUN_GAP_S, slot_short = ceil(seconds / SHORT_PART) + RUN_GAP_S;

    count_asked(m, c);
    c->runs_least = aa + 2 * round + 2 * confirm;
    /* the screening of alternatives and the search for what a gain is due to make short runs as long as there is time */
    c->runs_most = (int)fmax(c->runs_least, p->budget_s / slot_short);
    /* a switch to two runs, and the way back at the end */
    if (c->restarts_allowed)
        c->restarts_most = (int)fmax(2, p->budget_s / (2 * slot + RESTART_GAP_S));
}

static void measured_writes(const struct model *m, struct consent *c)
{
    const struct window *w = &m->session.base_window;
    double load_s = (double)c->runs_most * m->session.plan.duration_s;
    double left = m->session.deadline_us ? fmax(0, model_seconds_left(m))
                                         : m->session.plan.budget_s;

    c->written_bps = c->written_bytes = c->wal_bps = c->wal_bytes = NAN;
    if (!w->valid || !(w->secs > 0) || m->session.plan.observe) /* what is written is not ours */
        return;
    c->wal_bps = w->wal_bytes / w->secs;
    double pages = fmax(0, w->buffers_ckpt) + fmax(0, w->buffers_clean) +
                   fmax(0, w->buffers_backend);
    c->written_bps = (pages * 8192 + fmax(0, w->temp_bytes)) / w->secs + fmax(0, c->wal_bps);
    c->written_measured = true;
    load_s = fmin(load_s, left); /* no load lasts longer than the session */
    c->written_bytes = c->written_bps * load_s;
    c->wal_bytes = c->wal_bps * load_s;
}

static void fill_database(const struct model *m, struct consent *c)
{
    const struct sdl *p = &m->session.plan;

    c->database_bytes = p->builtin_db ? builtin_bytes : (double)NAN;
    c->database_new = p->builtin_db;
    for (int i = 0; i < m->server.ndatabases; i++)
        if (strcmp(m->server.databases[i].name, p->database) == 0) {
            c->database_bytes = m->server.databases[i].bytes;
            c->database_new = false;
        }
}

double consent_make_s(const struct model *m)
{
    struct consent c = {0};

    fill_database(m, &c);
    bool anew = m->session.plan.builtin_db && c.database_bytes > grown_max * builtin_bytes;
    return c.database_new || anew ? builtin_bytes / make_bps : 0;
}

void consent_fill(const struct model *m, struct consent *c)
{
    const struct sdl *p = &m->session.plan;
    const struct watch_sample *w = &m->collect.watch;
    const struct host_facts *h = &m->server.host;
    struct watch_load load;

    memset(c, 0, sizeof *c);
    count_runs(m, c);
    c->blackout_s = consent_blackout_s(m, &c->blackout_measured);
    c->sessions = w->at_us ? w->others : m->server.runtime.sessions; /* ours are no loss */
    c->minutes_baseline = experiment_cost(p, EXPERIMENT_AA, false) / 60;
    c->minutes_round = experiment_cost(p, EXPERIMENT_ROUND, c->restarts_allowed) / 60;
    c->minutes_confirm = experiment_cost(p, EXPERIMENT_CONFIRM, c->restarts_allowed) / 60;
    c->minutes_most = p->budget_s / 60.0;
    c->make_s = consent_make_s(m);
    c->database_renew = p->builtin_db;
    c->minutes_least = (experiment_least_budget(p, c->restarts_allowed) + c->make_s) / 60;
    measured_writes(m, c);
    c->replicas = w->at_us ? w->replicas : m->server.runtime.replicas;
    c->archiving = settings_find(&m->server.settings, "archive_mode") &&
                   strcmp(settings_find(&m->server.settings, "archive_mode")->value, "off") != 0;
    fill_database(m, c);
    c->data_free = h->known ? h->data.free_bytes : (double)NAN;
    c->wal_free = !isnan(m->collect.wal_free) ? m->collect.wal_free
                  : h->known                  ? h->wal.free_bytes
                                              : (double)NAN;
    collect_load(&m->collect, &load);
    c->others_active = load.active;
    c->others_tps = load.tps;
}
