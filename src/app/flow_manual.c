/* flow_manual.c - the switches that the DBA makes: where the configuration is not ours (WAY_MANUAL), or only the restart is
 * not. What is asked for is told once, on the screen or as an event, and saved, so that it outlives the program; the
 * waiting itself is tuning/manual. Without a screen nobody waits: the program ends with code 5, and its next start takes
 * the switch up where it was. */
#include <stdlib.h>
#include <string.h>

#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/manual.h"
#include "pgd/tuning/os.h"
#include "pgd/workspace/store.h"

bool flow_restart_by_dba(const struct model *m)
{
    struct restart_choice by;

    if (m->session.plan.restart == RESTART_NEVER)
        return false;
    if (m->session.plan.restart == RESTART_MANUAL)
        return true;
    if (m->opt.headless) /* nobody has said that somebody will */
        return false;
    model_restart(m, &by);
    return m->session.by_hand || by.way == RESTART_WAY_NONE;
}

/* -- what kind of way ------------------------------------------------------------------------------------- */

void flow_way_known(struct model *m)
{
    way_decide(&m->server, &m->way);
    if (m->way.change != WAY_MANUAL)
        return;
    model_say(m, CHAT_WARN, "%s Every change is left to you: it is shown, waited for and verified.",
              m->way.why);
}

void flow_way_pin(struct model *m)
{
    if (ledger_clean(&m->session.ledger)) /* what is written down there is of one kind */
        m->session.by_hand = m->way.change == WAY_MANUAL;
    m->fl.how = m->way;
    m->fl.how.change = m->session.by_hand ? WAY_MANUAL : WAY_ALTER_SYSTEM;
}

void flow_manual_env(struct model *m, struct apply_env *env)
{
    struct buf path = {0};

    flow_way_pin(m);
    buf_printf(&path, "%s/manual.txt", m->session.dir);
    text_copy_raw(m->fl.manual_path, sizeof m->fl.manual_path, buf_text(&path));
    buf_clear(&path);
    env->how = &m->fl.how;
    env->restart_by_dba = flow_restart_by_dba(m);
    env->wait = !m->opt.headless && !m->fl.quit_after; /* somebody has to be there */
    env->asked_before = m->fl.now.taking_up;
    env->manual_path = m->session.dir[0] ? m->fl.manual_path : NULL;
    if (env->restart_by_dba || m->session.by_hand)
        env->way = RESTART_WAY_NONE;
    if (env->restart_by_dba)
        env->restart_refused = NULL; /* the DBA chooses the moment */
    if (env->restart_by_dba && !m->session.by_hand)
        env->canary = !env->preflight_disabled;
}

void flow_undo_text(const struct model *m, struct buf *out)
{
    static const struct way sql;
    const struct ledger *l = &m->session.ledger;
    struct way_item items[LEDGER_MAX];
    bool restart = false;
    int n = 0;

    for (int i = 0; i < l->n; i++) {
        const struct ledger_row *row = &l->rows[i];
        if (ledger_row_clean(row))
            continue;
        if (os_is(row->original.name)) {
            entry_sql(&row->original, out);
            buf_putc(out, '\n');
            os_name_unit(&m->server.id, out);
            continue;
        }
        items[n].to = &row->original;
        items[n].setting = settings_find(&m->server.settings, row->original.name);
        restart |= items[n].setting && strcmp(items[n].setting->context, "postmaster") == 0;
        n++;
    }
    if (n > 0)
        way_text(m->session.by_hand ? &m->way : &sql, &m->server, items, n, restart, false, out);
}

/* A switch between these two takes a person: then the runs of an arm stand together. */
static bool arm_restarts(const struct model *m, const struct arm *arm)
{
    for (int i = 0; i < arm->n; i++) {
        const struct setting *s = settings_find(&m->server.settings, arm->entries[i].name);
        if (s && strcmp(s->context, "postmaster") == 0)
            return true;
    }
    return false;
}

bool flow_blocks_round(const struct model *m)
{
    return m->session.by_hand ||
           (flow_restart_by_dba(m) && review_restarts(&m->session.round.review));
}

bool flow_blocks_confirm(const struct model *m)
{
    return m->session.by_hand || (flow_restart_by_dba(m) && arm_restarts(m, &m->session.best));
}

/* -- telling ---------------------------------------------------------------------------------------------- */

static void settings_json(const struct apply *a, struct buf *list)
{
    struct buf item = {0};

    for (int i = 0; i < a->n; i++) {
        const struct entry *from = a->undoing ? &a->to[i] : &a->before[i];
        const struct entry *to = a->undoing ? &a->before[i] : &a->to[i];
        struct line *one = line_new("");
        line_text(one, "name", to->name);
        line_text(one, "from", from->present ? from->value : NULL);
        line_text(one, "to", to->present ? to->value : NULL);
        line_text(one, "now", a->manual.now[i][0] ? a->manual.now[i] : NULL);
        line_text(one, "seen", manual_seen_name((enum manual_seen)a->manual.seen[i]));
        item.len = 0;
        line_finish(one, &item);
        /* the builder's own first member goes */
        buf_printf(list, "%s{%s", i ? "," : "[", strchr(buf_text(&item), ',') + 1);
    }
    buf_puts(list, a->n ? "]" : "[]");
    buf_clear(&item);
}

static void emit_manual(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;
    struct line *l = line_new("manual");
    struct buf list = {0};

    settings_json(a, &list);
    line_int(l, "round", m->flow == FLOW_ROUND ? m->session.round.number : m->session.rounds_done);
    line_text(l, "arm", a->goal.label);
    line_text(l, "what", m->session.by_hand ? "change" : "restart");
    line_bool(l, "undo", a->undoing);
    line_bool(l, "restart", a->restart);
    line_text(l, "platform", m->way.platform[0] ? m->way.platform : NULL);
    line_text(l, "why", m->way.why[0] ? m->way.why : NULL);
    line_text(l, "form", way_form_name(m->fl.how.form));
    line_raw(l, "settings", buf_text(&list));
    line_text(l, "trouble", a->manual.trouble[0] ? a->manual.trouble : NULL);
    line_text(l, "text", a->manual.text.len ? buf_text((struct buf *)&a->manual.text) : "");
    line_text(l, "file", a->manual.exported ? a->env.manual_path : NULL);
    flow_emit(m, l, fx);
    buf_clear(&list);
}

/* As the screen's list of events and the plain output of a headless run have it: a line each. */
static void say_manual(struct model *m)
{
    const struct apply *a = &m->apply;
    const char *text = buf_text(&m->apply.manual.text);

    model_say(m, CHAT_WARN,
              a->undoing           ? "take this back: \"%s\" is given up"
              : m->session.by_hand ? "make this change, for \"%s\":"
                                   : "restart the server, for \"%s\":",
              a->goal.label);
    while (*text) {
        size_t n = strcspn(text, "\n");
        char *line = xstrndup(text, n);
        model_say(m, CHAT_EVENT, "  %s", line);
        free(line);
        text += n + (text[n] == '\n');
    }
    if (a->manual.exported)
        model_say(m, CHAT_EVENT, "it stands in %s", a->env.manual_path);
}

/* -- what goes on afterwards -------------------------------------------------------------------------------- */

static void remember(struct model *m)
{
    struct pending_switch *p = &m->session.pending;

    if (m->fl.now.taking_up)
        return; /* it is the one that is written down already */
    memset(p, 0, sizeof *p);
    p->arm = m->apply.goal;
    p->restart = m->apply.restart;
    p->settle_failed = m->fl.now.settle_failed;
    p->change_failed = m->fl.now.change_failed;
    if (m->fl.now.cancel || m->apply.undoing)
        return; /* from the best arm anew */
    if (m->flow == FLOW_ROUND && !m->session.round.cancelled) {
        p->phase = PENDING_ROUND;
        p->want_arm = m->session.round.want_arm;
    } else if (m->flow == FLOW_CONFIRM) {
        p->phase = PENDING_CONFIRM;
        p->want_arm = m->fl.now.confirm_arm;
    } else if (m->flow == FLOW_SETTLE && !m->fl.now.resume && !m->fl.now.pause_resumed) {
        p->phase = PENDING_SETTLE;
    }
}

static bool waiting(const struct model *m)
{
    return m->fl.now.switching && m->fl.now.hold.what == HOLD_NOTHING && !m->opt.headless &&
           apply_waits(&m->apply);
}

static void open_question(struct model *m, struct effects *fx)
{
    m->fl.now.asked_undo = m->apply.undoing;
    m->fl.decision = DECIDE_MANUAL;
    (void)dialogs_come(m, DIALOG_MANUAL);
    remember(m);
    say_manual(m);
    emit_manual(m, fx);
    flow_save(m, false, fx);
}

bool flow_manual_pump(struct model *m, struct effects *fx)
{
    bool open = m->fl.decision == DECIDE_MANUAL;

    /* A switch that was cancelled before it asked asks for nothing more; one that takes back what is in force does. And once
     * the program was told to end, what is left to undo by hands that may not come is said, not waited for. */
    bool dropped = m->fl.now.switch_dropped && !m->apply.undoing;
    if (waiting(m) && m->fl.now.cancel && (m->fl.quit_after || dropped)) {
        if (m->apply.manual.declined)
            return false;
        apply_decline(&m->apply, fx);
        return true;
    }
    if (waiting(m) && (!open || m->fl.now.asked_undo != m->apply.undoing)) {
        open_question(m, fx);
        return true;
    }
    if (open && !waiting(m)) {
        flow_question_closed(m);
        if (m->screen.dialog.kind == DIALOG_MANUAL)
            m->screen.dialog.kind = DIALOG_NONE;
        m->dirty = true;
        return true;
    }
    return false;
}

void flow_manual_decided(struct model *m, bool made, struct effects *fx)
{
    if (made)
        apply_look_now(&m->apply, fx);
    else
        apply_decline(&m->apply, fx);
    m->dirty = true;
}

bool flow_manual_stop(struct model *m, bool leave, struct effects *fx)
{
    if (!m->fl.now.switching || m->fl.now.hold.what != HOLD_NOTHING || !apply_waits(&m->apply))
        return false;
    if (!leave || m->apply.undoing)
        apply_decline(&m->apply, fx);
    else
        apply_asked(&m->apply, fx);
    return leave && !m->apply.undoing;
}

void flow_manual_over(struct model *m)
{
    if (!m->fl.now.taking_up)
        memset(&m->session.pending, 0, sizeof m->session.pending);
}

/* Nobody is there to wait: what is asked for is on paper. */
void flow_manual_asked(struct model *m, struct effects *fx)
{
    remember(m);
    m->session.state = SESSION_PAUSED;
    say_manual(m);
    for (int i = 0; i < m->apply.n; i++)
        model_say(m, CHAT_EVENT, "%s is %s: %s", m->apply.to[i].name,
                  m->apply.manual.now[i][0] ? m->apply.manual.now[i] : "unknown",
                  manual_seen_name((enum manual_seen)m->apply.manual.seen[i]));
    model_say(m, CHAT_WARN, "then run the same command again: it verifies that, and goes on");
    emit_manual(m, fx);
    flow_enter(m, FLOW_PAUSED);
    flow_journal(m, "checkpoint", "what", "paused", fx);
    flow_save(m, false, fx);
    flow_quit(m, 5, fx);
}

/* -- taking it up ------------------------------------------------------------------------------------------- */

bool flow_manual_take_up(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    if (s->pending.phase == PENDING_NOTHING || m->fl.now.pause_resumed)
        return false;
    m->fl.now.taking_up = true;
    m->fl.now.settle_failed = s->pending.settle_failed;
    m->fl.now.change_failed = s->pending.change_failed;
    m->fl.now.resume = s->pending.phase != PENDING_SETTLE;
    model_say(m, CHAT_EVENT, "looking whether \"%s\" is in force", s->pending.arm.label);
    flow_enter(m, FLOW_SETTLE);
    flow_switch(m, &s->pending.arm, fx);
    return true;
}

bool flow_manual_taken(struct model *m, struct effects *fx)
{
    if (!m->fl.now.taking_up)
        return false;
    m->fl.now.taking_up = false;
    if (!m->fl.now.resume || m->fl.now.cancel || m->apply.state == APPLY_STUCK)
        return false;
    m->fl.now.resume = false;
    m->fl.now.goes_on = true;
    flow_prepare_begin(m, fx);
    return true;
}

bool flow_manual_go_on(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct pending_switch was = s->pending;
    bool done = m->apply.state == APPLY_DONE;
    bool restarted = m->apply.restarted || was.restart;

    if (!m->fl.now.goes_on)
        return false;
    m->fl.now.goes_on = false;
    memset(&s->pending, 0, sizeof s->pending);
    if (was.phase == PENDING_CONFIRM) {
        flow_enter(m, FLOW_CONFIRM);
        m->fl.now.confirm_arm = was.want_arm;
        if (done)
            experiment_switched(&s->confirm, was.want_arm, restarted);
        else
            flow_switch_failed(m, fx);
        return true;
    }
    flow_enter(m, FLOW_ROUND);
    flow_round_message(m,
                       &(struct round_msg){.kind = ROUND_MSG_SWITCHED,
                                           .apply_state = m->apply.state,
                                           .restarted = restarted,
                                           .err = &m->apply.err},
                       fx);
    return true;
}
