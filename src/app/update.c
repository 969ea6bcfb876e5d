/* update.c - the reducer. It routes each event to the machine that owns it and lets the flow look at what
 * has finished; it decides nothing itself. */
#include "pgd/app/update.h"

#include "pgd/app/advise.h"
#include "pgd/app/claim.h"
#include "pgd/app/demo.h"
#include "pgd/app/flow.h"
#include "pgd/app/flow_host.h"
#include "pgd/app/health.h"
#include "pgd/app/hosts.h"
#include "pgd/app/keys.h"
#include "pgd/app/links.h"
#include "pgd/app/logwatch.h"
#include "pgd/app/talk.h"
#include "pgd/app/views.h"
#include "pgd/app/watch_lines.h"
#include "pgd/base/log.h"
#include "pgd/base/text.h"

static void start(struct model *m, struct effects *fx)
{
    advise_start(m, fx);
    if (m->opt.demo)
        demo_start(m, fx);
    else if (m->opt.headless || m->opt.has_target)
        flow_begin(m, fx);
    else
        keys_start_screen(m, fx);
}

static void tick(struct model *m, struct effects *fx)
{
    watch_lines_tick(m, fx);
    if (!m->quitting)
        logwatch_sample(m, m->links[CONN_TELEMETRY].state == LINK_UP, fx);
    talk_tick(m, fx);
    keys_tick(m, fx);
    advise_tick(m, fx);
}

static void link_event(struct model *m, struct event *ev, struct effects *fx)
{
    if (ev->req.owner == OWNER_APPLY) {
        apply_step(&m->apply, ev, fx);
        return;
    }
    if (!links_event(m, ev, fx))
        return;
    if (ev->u.pg.conn >= CONN_FACTS) {
        (ev->u.pg.conn == CONN_FACTS ? talk_event : views_event)(m, ev, fx);
        return;
    }
    if (ev->u.pg.conn == CONN_TELEMETRY && ev->kind == EV_PG_UP)
        logwatch_link_up(m, ev, fx);
    if (ev->u.pg.conn == CONN_CONTROL) {
        apply_step(&m->apply, ev, fx);
        claim_link(m, ev, fx);
    }
    flow_link(m, ev, fx);
}

static void store_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->kind != EV_FILE || ev->err.code == ERR_NONE)
        return;
    model_say(m, CHAT_BAD, "not saved: %s", ev->err.msg);
    if (ev->err.hint[0])
        model_say(m, CHAT_WARN, "%s", ev->err.hint);
    if (ev->err.code == ERR_FULL)
        flow_disk_full(m, fx);
}

/* Answers go to the machine whose number they carry. */
static void answer(struct model *m, struct event *ev, struct effects *fx)
{
    switch (ev->req.owner) {
    case OWNER_LINKS:
        links_timer(m, ev, fx);
        break;
    case OWNER_DISCOVERY:
        flow_host_discovery(m, ev, fx);
        break;
    case OWNER_TELEMETRY:
        if (collect_step(&m->collect, ev) && !m->screen.frozen)
            m->dirty = true;
        break;
    case OWNER_BENCH:
        flow_bench_event(m, ev, fx);
        break;
    case OWNER_APPLY:
        apply_step(&m->apply, ev, fx);
        m->dirty = true;
        break;
    case OWNER_FLOW:
    case OWNER_PLACE:
        flow_event(m, ev, fx);
        break;
    case OWNER_STORE:
        store_event(m, ev, fx);
        break;
    case OWNER_DEMO:
        if (demo_event(m, ev, fx))
            keys_demo_ready(m, fx);
        break;
    case OWNER_ASK:
        advise_event(m, ev, fx);
        break;
    case OWNER_CLAIM:
        claim_event(m, ev, fx);
        break;
    case OWNER_UI:
        keys_answer(m, ev, fx);
        break;
    case OWNER_ADVICE:
    case OWNER_HEALTH:
        health_event(m, ev, fx);
        break;
    case OWNER_HOSTS:
        hosts_event(m, ev, fx);
        flow_down_host(m, fx);
        break;
    case OWNER_TALK:
        talk_event(m, ev, fx);
        break;
    case OWNER_VIEWS:
        views_event(m, ev, fx);
        break;
    case OWNER_NONE:
    case OWNER_COUNT:
        break;
    }
}

void app_update(struct model *m, struct event *ev, struct effects *fx)
{
    m->now_us = ev->at_us;
    m->wall_us = ev->wall_us;
    switch (ev->kind) {
    case EV_NONE:
        break;
    case EV_START:
        start(m, fx);
        break;
    case EV_TICK:
        tick(m, fx);
        break;
    case EV_KEY:
        keys_key(m, ev->u.key, fx);
        break;
    case EV_PASTE:
        keys_paste(m, ev->text, ev->len, fx);
        break;
    case EV_RESIZE:
        m->screen.cols = ev->u.size.cols;
        m->screen.rows = ev->u.size.rows;
        m->dirty = m->dirty_key = true;
        break;
    case EV_SIGNAL:
        keys_signal(m, ev->u.signo, fx);
        break;
    case EV_TTY_LOST:
        flow_stop(m, true, 1, fx);
        break;
    case EV_PG_UP:
    case EV_PG_DOWN:
        link_event(m, ev, fx);
        break;
    case EV_PG_NOTICE:
        log_line(LOG_INFO, "server: %s", ev->text ? ev->text : "");
        break;
    case EV_STALL:
        if (ev->stall_ms > m->stall_longest_ms) {
            m->stall_longest_ms = ev->stall_ms;
            text_copy(m->stall_name, sizeof m->stall_name, ev->text ? ev->text : "");
        }
        break;
    case EV_TIMER:
    case EV_PG_RESULT:
    case EV_CHILD_UP:
    case EV_CHILD_LINE:
    case EV_CHILD_EXIT:
    case EV_FILE:
    case EV_SSH_ASK:
    case EV_SSH_UP:
    case EV_SSH_DELAY:
    case EV_SSH_DOWN:
    case EV_HTTP_HEAD:
    case EV_HTTP_DATA:
    case EV_HTTP_END:
        answer(m, ev, fx);
        break;
    }
    flow_host_own(m);
    flow_pump(m, fx);
    talk_pump(m, fx);
    logwatch_pump(m);
    hosts_dialogs(m, fx);
}
