/* flow.c - entry points of the tuning flow and the dispatch by state; see flow.h. The states' work is in
 * flow_open.c, flow_plan.c, flow_prepare.c, flow_machines.c, flow_rounds.c,
 * flow_measure.c and flow_end.c. */
#include "pgd/app/flow.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/bench_place.h"
#include "pgd/app/claim.h"
#include "pgd/app/demo.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_host.h"
#include "pgd/app/flow_index.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/headless.h"
#include "pgd/app/hosts.h"
#include "pgd/app/hypo.h"
#include "pgd/app/links.h"
#include "pgd/app/record.h"
#include "pgd/app/replay.h"
#include "pgd/app/sessions.h"
#include "pgd/app/start.h"
#include "pgd/app/verify.h"
#include "pgd/app/view_state.h"
#include "pgd/base/text.h"
#include "pgd/workspace/session_rows.h"

struct req flow_req(struct model *m)
{
    return (struct req){OWNER_FLOW, m->fl.generation, ++m->fl.waiting};
}

struct req flow_store_req(void)
{
    return (struct req){OWNER_STORE, 0, 0};
}

bool flow_waits(const struct model *m, const struct event *ev)
{
    return ev->req.owner == OWNER_FLOW && ev->req.generation == m->fl.generation &&
           ev->req.id == m->fl.waiting;
}

void flow_enter(struct model *m, enum flow_state s)
{
    m->flow = s;
    m->fl.step = m->fl.at = 0;
    m->fl.decision = DECIDE_NOTHING;
    m->fl.state_since_us = m->now_us;
    m->dirty = true;
}

void flow_emit(struct model *m, struct line *l, struct effects *fx)
{
    struct buf out = {0};

    line_finish(l, &out);
    if (m->opt.headless && m->opt.json && !m->quitting) /* the summary is the last line */
        fx_line(fx, FX_STDOUT, buf_text(&out));
    buf_clear(&out);
}

void flow_fresh(struct model *m)
{
    session_reset(&m->session);
    mem_zero(&m->fl.now, sizeof m->fl.now);
    memset(m->fl.paths, 0, sizeof m->fl.paths);
}

void flow_keep_identity(struct model *m)
{
    char why[200];

    if (!m->server_known || identity_same(&m->pinned, &m->server.id, why, sizeof why))
        return;
    model_say(m, CHAT_BAD, "another server answers now: %s", why);
    m->server.id = m->pinned; /* so that the next change is refused there */
}

void flow_show_error(struct model *m, const struct err *e, const char *title)
{
    struct dialog *d = dialogs_come(m, DIALOG_ERROR);

    d->err = *e;
    text_copy(d->title, sizeof d->title, title);
    d->diagnosis = m->advising.diagnosis;
}

void flow_show_decision(struct model *m, enum dialog_kind kind)
{
    struct dialog *d = &m->screen.dialog;

    if (d->kind == DIALOG_ERROR && !m->opt.headless)
        d->under = kind;
    else
        (void)dialogs_come(m, kind);
}

void flow_fail(struct model *m, const struct err *e, const char *what, struct effects *fx)
{
    const struct diagnosis *by_rules = &m->advising.diagnosis;

    if (m->advising.leaving) /* the program ends with the first one */
        return;
    m->fl.err = *e;
    model_say(m, CHAT_BAD, "%s failed: %s", what, e->msg);
    if (e->detail[0])
        model_say(m, CHAT_BAD, "%s", e->detail);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
    advise_failed(m, what, e);
    flow_show_error(m, e, "");
    struct line *l = line_error(what, e);
    line_text(l, "explanation", by_rules->explanation);
    line_text(l, "fix", by_rules->fix);
    flow_emit(m, l, fx);
    flow_enter(m, FLOW_ERROR);
    advise_explain(m, fx);
    headless_error(m, e, fx);
}

void flow_connect_failed(struct model *m, const struct err *e, struct effects *fx)
{
    flow_fail(m, e, "connecting", fx);
}

void flow_begin(struct model *m, struct effects *fx)
{
    if (m->opt.replay) {
        replay_start(m, fx);
        return;
    }
    if (m->opt.verify && !m->verifying.read) {
        verify_start(m, fx);
        return;
    }
    m->fl.session_wanted = m->opt.headless;
    if (m->opt.headless)
        collect_watch(&m->collect, "");
    flow_enter(m, FLOW_DISCOVER);
    /* sudo is not even looked at where neither a restart nor anything else on the host could be wanted */
    m->discover.may_sudo = !m->opt.readonly &&
                           (m->opt.restart == RESTART_AUTO || m->opt.ssh_host[0] ||
                            m->opt.accept_os ||
                            (m->opt.restart == RESTART_ASK && !m->opt.headless));
    links_open(m, CONN_CONTROL, NULL, fx);
    links_open(m, CONN_TELEMETRY, NULL, fx);
    hosts_begin(m, fx);
}

/* A role or a database that has room for one connection: it is the control link's. Both are opened at once, so the other may
 * have been faster. False: there was nothing to give up. */
static bool give_way(struct model *m, const struct event *ev, struct effects *fx)
{
    if (m->links[CONN_CONTROL].was_up || strncmp(ev->err.sqlstate, "53", 2) != 0 ||
        m->links[CONN_TELEMETRY].state == LINK_OFF)
        return false;
    links_close(m, CONN_TELEMETRY, fx);
    return true;
}

/* Control link: up for the first time starts discovery; up again in a session is checked by the next
 * apply; down leaves everything to the machines' own rules. */
void flow_link(struct model *m, const struct event *ev, struct effects *fx)
{
    if (start_server_link(m, ev, fx))
        return;
    if (ev->u.pg.conn == CONN_QUESTIONS || ev->u.pg.conn == CONN_BENCH) {
        flow_event(m, ev, fx);
        return;
    }
    if (ev->u.pg.conn != CONN_CONTROL)
        return;
    if (ev->kind == EV_PG_UP) {
        m->discover.pooled = m->links[CONN_CONTROL].pooled;
        m->discover.no_sizes = m->opt.health;
        if (m->links[CONN_TELEMETRY].state == LINK_OFF)
            links_open(m, CONN_TELEMETRY, NULL, fx);
        flow_index_early(m, fx);
        if (m->flow == FLOW_DISCOVER && m->discover.state != DISCOVER_SQL &&
            m->discover.state != DISCOVER_HOST)
            discover_start(&m->discover, &m->server, fx);
        return;
    }
    if (give_way(m, ev, fx))
        return;
    if (m->links[CONN_CONTROL].state == LINK_PASSWORD)
        (void)dialogs_come(m, DIALOG_PASSWORD);
    flow_down_look(m, ev, fx);
    headless_link_down(m, ev, fx);
}

void flow_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (m->quitting)
        return;
    if (ev->req.owner == OWNER_PLACE) {
        bench_place_event(m, ev, fx);
        return;
    }
    switch (m->flow) {
    case FLOW_DISCOVER:
        flow_down_event(m, ev, fx);
        break;
    case FLOW_WORKSPACE:
    case FLOW_RECOVER:
        flow_open_event(m, ev, fx);
        break;
    case FLOW_PLAN:
        flow_statements_event(m, ev, fx);
        break;
    case FLOW_PREPARE:
        flow_prepare_event(m, ev, fx);
        break;
    case FLOW_ROUND:
        flow_rounds_event(m, ev, fx);
        break;
    case FLOW_SUMMARY:
    case FLOW_PAUSED:
    case FLOW_STUCK:
    case FLOW_ERROR:
    case FLOW_WATCH:
        if (!flow_persist_event(m, ev, fx) && !flow_handover_event(m, ev, fx))
            flow_end_event(m, ev, fx);
        break;
    default:
        break;
    }
}

void flow_pump(struct model *m, struct effects *fx)
{
    for (int guard = 0; guard < 64 && !m->quitting; guard++) {
        if (claim_pump(m, fx)) {
            continue;
        } else if (advise_busy(m)) { /* the flow waits; what may stop it does not */
            if (!flow_watch_pump(m, fx))
                break;
        } else if (m->flow == FLOW_DISCOVER && m->discover.state == DISCOVER_DONE) {
            flow_open_discovered(m, fx);
        } else if (m->flow == FLOW_DISCOVER && m->discover.state == DISCOVER_FAILED) {
            m->discover.state = DISCOVER_IDLE;
            /* lost: it begins anew when the connection is back, or headless_link_down() ends the start */
            if (m->discover.err.code != ERR_LOST && m->links[CONN_CONTROL].state == LINK_UP)
                flow_fail(m, &m->discover.err, "discovery", fx);
        } else if (flow_sight_pump(m, fx) || flow_prepare_pump(m, fx) || flow_measure_pump(m, fx) ||
                   flow_end_pump(m, fx) || flow_handover_pump(m, fx) || flow_persist_pump(m, fx)) {
            continue;
        } else if (bench_place_pump(m, fx)) {
            continue;
        } else if (m->fl.decision != DECIDE_NOTHING && m->opt.headless &&
                   !(m->fl.decision == DECIDE_PLAN && bench_place_busy(m))) {
            headless_decide(m, fx);
        } else {
            break;
        }
    }
    flow_host_pump(m, fx);
    flow_left_pump(m, fx);
    if (m->fl.decision == DECIDE_NOTHING)
        m->fl.asked_us = 0;
    else if (m->fl.asked_us == 0)
        m->fl.asked_us = m->now_us;
    sessions_pump(m, fx);
}

/* A session at rest waits to go on: the DBA may have forgotten it. */
static bool offers_paused(struct model *m)
{
    bool rests = m->flow == FLOW_WATCH || m->flow == FLOW_SUMMARY || m->flow == FLOW_PAUSED ||
                 m->flow == FLOW_ERROR;

    if (!rests || m->opt.readonly || m->workspace.readonly || !m->workspace.open ||
        m->links[CONN_CONTROL].state != LINK_UP || !session_rows_open(m)[0])
        return false;
    dialogs_open(m, DIALOG_AGAIN);
    return true;
}

static bool end_is_written(struct model *m)
{
    if (flow_handover_busy(m))
        model_say(m, CHAT_WARN, "the hand-over is still at work");
    else if (flow_end_busy(m))
        model_say(m, CHAT_WARN, "the session's end is still being written");
    else
        return true;
    return false;
}

void flow_tune(struct model *m, struct effects *fx)
{
    if (end_is_written(m) && !offers_paused(m))
        flow_tune_anew(m, fx);
}

void flow_tune_anew(struct model *m, struct effects *fx)
{
    if (!end_is_written(m))
        return;
    m->fl.session_wanted = true;
    switch (m->flow) {
    case FLOW_WATCH:
    case FLOW_SIGHT:
    case FLOW_SUMMARY:
    case FLOW_PAUSED:
    case FLOW_ERROR:
        if (m->opt.readonly || m->workspace.readonly) {
            model_say(m, CHAT_WARN, "%s: no session can be started here",
                      m->opt.readonly ? "--readonly" : m->workspace.holder);
        } else if (!m->sight_known && m->flow == FLOW_ERROR &&
                   m->links[CONN_CONTROL].state == LINK_UP) {
            m->screen.dialog.kind = DIALOG_NONE;
            flow_enter(m, FLOW_DISCOVER);
            discover_start(&m->discover, &m->server, fx);
        } else if (!m->sight_known && m->workspace.open &&
                   m->links[CONN_CONTROL].state == LINK_UP &&
                   (m->flow == FLOW_SUMMARY || m->flow == FLOW_PAUSED)) {
            m->screen.dialog.kind = DIALOG_NONE; /* a resumed session came before the first look */
            flow_sight(m, fx);
        } else if (!m->sight_known) {
            model_say(m, CHAT_WARN, "discovery has not finished yet");
        } else if ((m->session.name[0] || flow_sight_old(m)) && m->flow != FLOW_SIGHT &&
                   m->workspace.open && m->links[CONN_CONTROL].state == LINK_UP) {
            m->screen.dialog.kind = DIALOG_NONE;
            flow_sight_again(m, fx);
        } else {
            flow_strategy_ask(m, fx);
        }
        break;
    default:
        break;
    }
}

/* The budget does not run while the DBA thinks. */
void flow_question_closed(struct model *m)
{
    if (m->fl.asked_us && m->session.deadline_us)
        m->session.deadline_us += m->now_us - m->fl.asked_us;
    m->fl.asked_us = 0;
    m->fl.decision = DECIDE_NOTHING;
}

void flow_decide(struct model *m, enum decision d, int value, struct effects *fx)
{
    if (d != m->fl.decision)
        return;
    if (d == DECIDE_MANUAL) { /* it stays open until the server says so */
        flow_manual_decided(m, value == 1, fx);
        return;
    }
    flow_question_closed(m);
    m->dirty = true;
    switch (d) {
    case DECIDE_STRATEGY:
        if (value < 0)
            flow_enter(m, FLOW_WATCH);
        else
            flow_strategy_picked(m, value, fx);
        break;
    case DECIDE_PLAN:
        if (value == 1)
            claim_begin(m, CLAIM_THEN_PLAN, fx);
        else
            flow_strategy_ask(m, fx);
        break;
    case DECIDE_TARGET:
        flow_target_decided(m, fx);
        break;
    case DECIDE_REVIEW:
        flow_review_done(m, fx);
        break;
    case DECIDE_VERDICT:
        flow_rounds_next(m, fx);
        break;
    case DECIDE_RECOVER:
        claim_begin(m, value == 1 ? CLAIM_THEN_RESUME : CLAIM_THEN_UNDO, fx);
        break;
    case DECIDE_KEEP:
        m->fl.now.settle_failed = false;
        if (value == 1)
            flow_settle(m, &m->session.best, fx);
        else
            flow_back_to_start(m, fx);
        break;
    case DECIDE_PAUSE:
        if (value >= PAUSE_CONFIRM)
            flow_pause_ended(m, value == PAUSE_CONFIRM, fx);
        else
            flow_pause_decided(m, value == PAUSE_KEEP, fx);
        break;
    case DECIDE_MANUAL:
    case DECIDE_NOTHING:
        break;
    }
}

void flow_close(struct model *m, struct effects *fx)
{
    if (!model_run_active(m)) {
        if (m->session.state == SESSION_PAUSED)
            model_say(m, CHAT_WARN,
                      "session %s is paused: /resume goes on with it, then /close ends it",
                      m->session.name);
        else
            model_say(m, CHAT_WARN, "there is no session to close");
        return;
    }
    m->fl.now.stop_and_keep = true;
    model_say(m, CHAT_EVENT, "no further round: what improved is confirmed and kept");
    advise_cancel(m, ASK_FLOW, fx);
    if (m->fl.decision == DECIDE_REVIEW || m->fl.decision == DECIDE_TARGET) {
        m->screen.dialog.kind = DIALOG_NONE;
        if (m->fl.decision == DECIDE_REVIEW)
            review_accept_safe(&m->session.round.review, false);
        for (int i = 0; i < m->session.round.review.n; i++)
            m->session.round.review.lines[i].answer = ANSWER_REJECT;
        flow_decide(m, m->fl.decision, 0, fx);
    } else if (m->fl.decision == DECIDE_VERDICT) {
        m->screen.dialog.kind = DIALOG_NONE;
        flow_decide(m, DECIDE_VERDICT, 1, fx);
    }
}

void flow_stop(struct model *m, bool quit, int exit_code, struct effects *fx)
{
    bool asked_before = m->fl.quit_after;

    if (quit) {
        m->fl.quit_after = true;
        m->fl.exit_code = exit_code;
    }
    if (quit || model_run_active(m))
        hypo_stop(m, fx);
    if (!model_run_active(m)) {
        if (quit)
            advise_cancel(m, ASK_FLOW, fx);
        /* a session whose end is being written is finished first, unless asked twice */
        if (quit && (asked_before || !flow_end_busy(m)))
            flow_quit(m, exit_code, fx);
        return;
    }
    if (m->fl.decision == DECIDE_PAUSE) { /* asked again to stop: the best state stays */
        flow_decide(m, DECIDE_PAUSE, PAUSE_KEEP, fx);
        return;
    }
    if (m->fl.now.switching && apply_waits_for_host(&m->apply)) {
        model_say(m, CHAT_WARN, "not waiting for ssh to %s any longer", m->opt.ssh_host);
        apply_give_up_host(&m->apply, fx);
    }
    if (flow_manual_stop(m, quit, fx) || m->fl.now.cancel)
        return;
    m->fl.now.cancel = true;
    advise_cancel(m, ASK_FLOW, fx);
    m->fl.now.switch_dropped = m->fl.now.switching;
    flow_question_closed(m);
    m->screen.dialog.kind = DIALOG_NONE;
    model_say(m, CHAT_EVENT, "stopping: the step under way is undone, then the session is paused");
    bench_cancel(&m->bench, fx);
    if (m->flow == FLOW_PREPARE) {
        effects_add(fx, FX_PG_CANCEL, flow_store_req())->u.pg.conn = CONN_BENCH;
        effects_add(fx, FX_PG_CANCEL, flow_store_req())->u.pg.conn = CONN_QUESTIONS;
    }
}

/* While the last lines of the journal still fit: what comes later could not be written down. */
void flow_disk_full(struct model *m, struct effects *fx)
{
    if (!model_run_active(m) || m->fl.now.cancel)
        return;
    model_say(m, CHAT_BAD, "the disk is full: the session is paused");
    flow_stop(m, m->opt.headless, 1, fx);
}

void flow_quit(struct model *m, int exit_code, struct effects *fx)
{
    if (m->quitting)
        return;
    m->quitting = true;
    m->exit_code = exit_code;
    hypo_stop(m, fx);
    record_flush(m, fx);
    view_state_leave(m, fx);
    if (m->opt.headless && !m->opt.health && !m->opt.watch && !m->opt.verify)
        flow_summary_line(m, fx);
    for (int i = 0; i < CONN_COUNT; i++)
        links_close(m, (enum pg_conn)i, fx);
    for (int i = 0; i < SSH_CONN_COUNT; i++)
        hosts_close(m, (enum ssh_conn)i, fx);
    if ((m->demo.state == DEMO_UP || m->demo.state == DEMO_STARTING) && demo_leaves(m)) {
        demo_stop(m, fx);
        return; /* the quit follows when the server is down */
    }
    effects_add(fx, FX_QUIT, flow_store_req())->exit_code = exit_code;
}
