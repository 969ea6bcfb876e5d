/* The ssh link to the server's host, as a switch sees it. A program that is lost with the link is no failure: it may have
 * run, or not, so all of them can be run again, and that is tried until the link is back or nobody waits any more. */
#include "pgd/base/log.h"
#include "pgd/tuning/apply_parts.h"

/* A program that could not be begun is an error of that host, and what our own gate has refused is not asked again. */
bool apply_host_lost(const struct apply *a, const struct event *ev)
{
    return a->env.facts->id.over_ssh && ev->kind == EV_CHILD_EXIT && ev->err.code != ERR_NONE &&
           ev->err.code != ERR_CHILD && ev->err.code != ERR_REFUSED;
}

static bool worth_waiting(const struct apply *a)
{
    int ms = a->env.host_ms > 0 ? a->env.host_ms : APPLY_HOST_MS;

    return !a->host.given_up && a->now_us - a->host.lost_us < ms * 1000LL;
}

bool apply_host_wait(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (!apply_host_lost(a, ev)) {
        if (a->host.lost_us)
            log_line(LOG_INFO, "apply \"%s\": the ssh link is back after %.1f s", a->goal.label,
                     (double)(a->now_us - a->host.lost_us) / 1e6);
        a->host.lost_us = 0;
        return false;
    }
    if (a->host.lost_us == 0) {
        a->host.lost_us = a->now_us;
        log_line(LOG_WARN, "apply \"%s\": %s: the ssh link is lost: %s", a->goal.label,
                 apply_state_name(a->phase), ev->err.msg);
    }
    if (!worth_waiting(a))
        return false;
    a->host.waits = true;
    apply_note(a, "waiting for ssh to the server's host");
    apply_timer(a, APPLY_HOST_POLL_MS, fx);
    return true;
}

bool apply_host_again(struct apply *a)
{
    bool again = a->host.waits;

    a->host.waits = false;
    return again;
}

bool apply_waits_for_host(const struct apply *a)
{
    return a->host.lost_us != 0 && a->state != APPLY_IDLE && !apply_finished(a);
}

void apply_give_up_host(struct apply *a, struct effects *fx)
{
    if (!apply_waits_for_host(a))
        return;
    a->host.given_up = true;
    log_line(LOG_WARN, "apply \"%s\": nobody waits for the ssh link any more", a->goal.label);
    if (a->timer)
        apply_timer(a, 1, fx);
}

void apply_host_by_hand(const struct apply *a, struct buf *out)
{
    const struct identity *id = &a->env.facts->id;
    bool start = !a->link_up && !a->cut_off;

    if (!restart_script_possible(id) || !(a->restart || (start && a->saved)))
        return;
    buf_printf(out, "-- on the server's host, as %s:\n", id->owner);
    if (start && a->saved)
        buf_printf(out,
                   "--   cp -p %s/pg_diagnose.auto.conf.before %s/postgresql.auto.conf\n"
                   "--   (the statements below need not be run then)\n",
                   id->data_directory, id->data_directory);
    buf_puts(out, "--   ");
    restart_by_hand(id, start ? "start" : "restart", out);
    buf_puts(out, "\n");
}
