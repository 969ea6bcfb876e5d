/* flow_pause.c - a pause and what comes after it: with what the server is left running is the DBA's decision, and a baseline
 * that is too old, or of a server that is another one by now, is measured again before anything is compared with it. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/bench_place.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"

enum { BASELINE_DAY_S = 86400 };

/* ---- the pause ---- */

/* What stands in the way of asking: nobody is there, it was said before, nothing is in force, or the DBA makes the changes. */
static bool nothing_to_ask(const struct model *m)
{
    const struct session *s = &m->session;

    return m->opt.headless || s->by_hand || arm_same(&s->best, &s->start) || m->fl.now.window_shut;
}

bool flow_pause_asks(struct model *m, struct effects *fx)
{
    if (nothing_to_ask(m) || m->fl.now.pause_asked)
        return false;
    m->fl.now.pause_asked = true;
    if (m->fl.now.pause_back) { /* decided together with the pause */
        flow_settle(m, &m->session.start, fx);
        return true;
    }
    if (m->fl.quit_after || m->sessions_view.next[0])
        return false; /* it was asked before, or there is no time */
    m->fl.now.cancel = false;
    flow_end_costs(m);
    m->fl.decision = DECIDE_PAUSE;
    (void)dialogs_come(m, DIALOG_PAUSE);
    return true;
}

void flow_pause_decided(struct model *m, bool keep, struct effects *fx)
{
    m->screen.dialog = (struct dialog){.kind = DIALOG_NONE};
    m->fl.now.cancel = true;
    m->fl.now.pause_back = !keep;
    if (keep)
        flow_paused(m, fx);
    else
        flow_settle(m, &m->session.start, fx);
}

/* The best state is in force already. With a confirmation the session goes on as one that is resumed to be closed: to its
 * preparation, and from there to no further round. */
void flow_pause_ended(struct model *m, bool confirm, struct effects *fx)
{
    struct session *s = &m->session;
    bool claimed = s->final.kind == VERDICT_IMPROVED;

    m->screen.dialog = (struct dialog){.kind = DIALOG_NONE};
    m->fl.now.cancel = m->fl.now.pause_asked = m->fl.now.pause_back = false;
    m->fl.now.stop_and_keep = true;
    m->fl.now.keep_now = !confirm;
    m->fl.now.settle_failed = false;
    flow_budget_again(m, model_seconds_left(m));
    if (confirm && !claimed) {
        model_say(m, CHAT_EVENT, "no further round: what improved is confirmed and kept");
        flow_prepare_begin(m, fx);
        return;
    }
    text_copy(s->end_reason, sizeof s->end_reason,
              claimed ? "ended by the DBA" : "ended by the DBA without a confirmation");
    model_say(m, claimed ? CHAT_EVENT : CHAT_WARN, "%s",
              claimed ? "the session ends here: its confirmed state is kept"
                      : "kept without a confirmation: nothing is claimed");
    flow_settle(m, &s->best, fx);
}

/* ---- the baseline ---- */

void flow_baseline_seen(struct model *m)
{
    struct baseline_seen *b = &m->session.seen;
    const struct server_facts *f = &m->server;

    *b = (struct baseline_seen){.wall_us = m->wall_us,
                                .server_start_us = b->server_start_us,
                                .version_num = f->id.version_num,
                                .cpus = f->host.known ? f->host.cpus : 0,
                                .mem_total = f->host.known ? f->host.mem_total : (double)NAN};
    if (!b->server_start_us)
        b->server_start_us = f->id.postmaster_start_us;
}

/* Ours, as a part of the session: no reason to doubt what was measured. */
void flow_server_restarted(struct model *m, struct effects *fx)
{
    m->session.seen.server_start_us = m->apply.postmaster_us;
    if (isfinite(m->session.baseline_tps))
        flow_save(m, false, fx);
}

static int64_t start_of_now(const struct model *m)
{
    return m->claim.now.postmaster_start_us ? m->claim.now.postmaster_start_us
                                            : m->server.id.postmaster_start_us;
}

bool flow_baseline_stale(const struct model *m, char *why, size_t size)
{
    const struct session *s = &m->session;
    const struct baseline_seen *b = &s->seen;
    const struct host_facts *h = &m->server.host;
    int64_t then = b->wall_us ? b->wall_us : s->created_wall_us;
    double age_s = ((double)m->wall_us - (double)then) / 1e6;
    bool restarted = b->server_start_us && start_of_now(m) &&
                     b->server_start_us != start_of_now(m) && !s->by_hand &&
                     !m->fl.now.unfinished_restart;
    char age[24];

    why[0] = '\0';
    if (!isfinite(s->baseline_tps) || s->pending.phase != PENDING_NOTHING || s->origin.reverts)
        return false;
    text_age(age, sizeof age, age_s);
    if (b->version_num && m->server.id.version_num && b->version_num != m->server.id.version_num)
        snprintf(why, size, "PostgreSQL is another version now: %.40s", m->server.id.version);
    else if (b->cpus > 0 && h->known && h->cpus > 0 && b->cpus != h->cpus)
        snprintf(why, size, "the machine had %d CPUs then and has %d", b->cpus, h->cpus);
    else if (b->mem_total > 0 && h->known && h->mem_total > 0 &&
             fabs(b->mem_total - h->mem_total) > 0.02 * b->mem_total)
        snprintf(why, size, "the machine has another size of memory now");
    else if (restarted)
        snprintf(why, size, "the server was started anew since");
    else if (age_s > BASELINE_DAY_S)
        snprintf(why, size, "it is %s old", age);
    else
        return false;
    return true;
}

void flow_baseline_check(struct model *m)
{
    struct session *s = &m->session;
    char why[160];

    if (!flow_baseline_stale(m, why, sizeof why)) {
        /* ours, which a kill cut off before it was noted: the journal will not excuse it once more */
        if (m->fl.now.unfinished_restart && s->seen.server_start_us && start_of_now(m))
            s->seen.server_start_us = start_of_now(m);
        return;
    }
    model_say(m, CHAT_WARN,
              "the baseline of %.0f TPS does not count any more, because %s: it is measured again "
              "before anything is compared with it",
              s->baseline_tps, why);
    bench_place_void(s);
    s->seen = (struct baseline_seen){0};
    s->seen.server_start_us = start_of_now(m);
}
