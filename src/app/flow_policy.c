/* flow_policy.c - what every change is judged by, see flow.h. */
#include <math.h>

#include "pgd/app/flow_parts.h"
#include "pgd/workspace/consent.h"

/* What the measured workload and earlier restarts say of the price of a change. */
static void add_prices(const struct model *m, struct guard_policy *g)
{
    const struct window *w = &m->session.best_window;

    g->wal_bytes_per_s = w->valid && w->secs > 0 ? w->wal_bytes / w->secs : NAN;
    g->temp_bytes_per_s = w->valid && w->secs > 0 ? w->temp_bytes / w->secs : NAN;
    g->sessions = m->collect.watch.at_us ? m->collect.watch.others : NAN;
    g->blackout_s = consent_blackout_s(m, &g->blackout_measured);
}

/* Where the configuration is its DBA's, so is the machine. */
static const char *os_refused(const struct model *m)
{
    if (m->opt.readonly)
        return "the session is read-only";
    return m->session.by_hand || m->way.change == WAY_MANUAL
               ? "every change of this server is left to its DBA, and those of its machine, too"
               : NULL;
}

struct guard_policy flow_policy(struct model *m)
{
    const struct session *s = &m->session;
    struct guard_policy g = {
        .restart_possible = flow_restart_possible(m),
        .restart_refused = flow_restart_why_not(m),
        .peak_active = s->best_window.valid ? s->best_window.active_peak : NAN,
        .clients = s->plan.clients,
        .database = s->plan.database,
        .temp_bytes_per_s = NAN,
        .disabled = m->opt.unsafe_guard,
        .nnever = m->wishes.nnever,
        .never = (const char(*)[SETTING_NAME_MAX])m->wishes.never,
        .os_refused = os_refused(m),
    };

    add_prices(m, &g);
    return g;
}
