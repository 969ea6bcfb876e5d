/* flow_handover.c - the hand-over of a finished session's settings to a managed file, on the DBA's wish alone (/handover): what
 * would be done is said first, `/handover go` does it.
 *
 *   look (values, other files) → where → [asked] → the lock of who tunes this server → journal → write → check by pg_file_settings → RESET, a switch of apply
 *   with its own journal entries → check by pg_settings → journal → the copy of the file goes
 *
 * What fails before the RESET puts the file back; what fails after it first puts our entries back. After a kill the server has
 * the same values at every place, once or twice over, and /handover begins anew from what it finds. */
#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/claim.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/workspace/store.h"

/* Each waits for one answer; HAND_RESET and HAND_BACK for the end of a switch. */
enum hand_step {
    HAND_NONE,
    HAND_SESSION, /* session.json of the newest archived session, when none is at hand */
    HAND_JOURNAL, /* its journal */
    HAND_LOOK,
    HAND_WHERE,
    HAND_LOCK,   /* the lock of who tunes this server; held until it is over */
    HAND_OTHERS, /* whether somebody has it already, in whatever database */
    HAND_BEGIN,  /* the journal's entry */
    HAND_WRITE,
    HAND_CHECK,
    HAND_RESET,
    HAND_VERIFY,
    HAND_RESULT, /* the journal's second entry */
    HAND_FINISH,
    HAND_BACK,    /* our entries, after a RESET that came to nothing */
    HAND_RESTORE, /* the file as it was */
    HAND_RELOAD
};

enum { LINK_S = 120, LINK_POLL_MS = 1000 }; /* for a lost link by ssh; between two tries */
enum { SQL_MS = 15000, SESSION_BYTES_MAX = 16 << 20 };

static void enter(struct model *m, enum hand_step step)
{
    m->fl.hand_step = (int)step;
    m->dirty = true;
}

static void over(struct model *m, struct effects *fx)
{
    enter(m, HAND_NONE);
    if (m->fl.hand_locking)
        claim_unlock(m, fx);
    m->fl.hand_go = m->fl.hand_written = m->fl.hand_locking = m->fl.hand_locked = false;
    if (m->fl.quit_after)
        flow_quit(m, m->fl.exit_code, fx);
}

static void failed(struct model *m, const struct err *e, struct effects *fx)
{
    if (m->fl.persist_then) {
        enter(m, HAND_NONE);
        flow_persist_read(m, e, fx);
        return;
    }
    model_say(m, CHAT_BAD, "hand-over: %s", e->msg);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
    model_say(m, CHAT_WARN, "the settings stay where they were, in postgresql.auto.conf");
    over(m, fx);
}

static struct effect *ask_sql(struct model *m, enum hand_step step, const char *sql,
                              struct effects *fx)
{
    enter(m, step);
    return fx_sql(fx, flow_req(m), CONN_CONTROL, sql, SQL_MS);
}

static void script(struct model *m, enum hand_step step, const char *mode, struct effects *fx)
{
    enter(m, step);
    m->fl.hand_mode = mode;
    struct effect *e = handover_script(&m->fl.hand, &m->server.id, mode, flow_req(m), fx);
    if (e->changes_server)
        e->after_journal = m->session.journal_no;
}

/* ---- the journal ---- */

static void journal(struct model *m, enum hand_step step, const char *phase, struct effects *fx)
{
    struct session *s = &m->session;
    struct buf path = {0}, text = {0};

    if (s->journal_no < m->fl.journal_high)
        s->journal_no = m->fl.journal_high;
    enter(m, step);
    handover_record(&m->fl.hand, ++s->journal_no, phase, &text);
    m->fl.journal_high = s->journal_no;
    buf_printf(&path, "%s/journal.jsonl", s->dir);
    struct effect *e = fx_file(fx, flow_req(m), FILE_APPEND, buf_text(&path));
    e->u.file.journal_no = s->journal_no;
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}

/* ---- going back ---- */

static void put_file_back(struct model *m, struct effects *fx)
{
    if (m->fl.hand_written)
        script(m, HAND_RESTORE, "restore", fx);
    else
        journal(m, HAND_RESULT, "undone", fx);
}

static void undo(struct model *m, const struct err *e, struct effects *fx)
{
    m->fl.hand_err = *e;
    put_file_back(m, fx);
}

static void undo_reset(struct model *m, const struct err *e, struct effects *fx)
{
    struct arm arm;

    m->fl.hand_err = *e;
    handover_arm(&m->fl.hand, true, &arm);
    enter(m, HAND_BACK);
    flow_switch_only(m, &arm, fx);
}

/* ---- forward ---- */

static void reset_ours(struct model *m, struct effects *fx)
{
    struct arm arm;

    handover_arm(&m->fl.hand, false, &arm);
    enter(m, HAND_RESET);
    flow_switch_only(m, &arm, fx);
}

static void told(struct model *m, struct effects *fx)
{
    const struct handover *h = &m->fl.hand;

    if (h->there)
        model_say(
            m, CHAT_AI,
            "hand-over: the %d settings stand with the same values in other files already. "
            "/handover go resets ours in postgresql.auto.conf and checks that nothing changes.",
            h->n);
    else if (h->file[0])
        model_say(m, CHAT_AI,
                  "hand-over: /handover go writes %d settings to %s, checks them, resets ours in "
                  "postgresql.auto.conf and checks that nothing changes. No restart is made.",
                  h->n, h->file);
    else
        model_say(m, CHAT_AI,
                  "hand-over: %s. Put exports/postgresql.conf of this workspace into your managed "
                  "configuration, reload the server, and run /handover again.",
                  h->why_not);
    over(m, fx);
}

static void decided(struct model *m, struct effects *fx)
{
    bool can = m->fl.hand.there || m->fl.hand.file[0];

    if (m->fl.hand_go && can) {
        m->fl.hand_locking = true;
        ask_sql(m, HAND_LOCK, claim_lock_sql(), fx);
    } else {
        told(m, fx);
    }
}

static void lock_answered(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->err.code != ERR_NONE) {
        failed(m, &ev->err, fx);
        return;
    }
    m->fl.hand_locked = ev->rows && rows_bool(ev->rows, 0, "got", false);
    ask_sql(m, HAND_OTHERS, apply_asset("sql/tuners.sql"), fx);
}

static void others_known(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = ev->err;

    if (e.code == ERR_NONE && ev->rows && ev->rows->nrows > 0) {
        const char *role = rows_text(ev->rows, 0, "role");
        err_set(&e, ERR_BUSY, "a session of %.60s tunes this server", role ? role : "another role");
        err_hint(&e, "Try again when it has ended.");
    } else if (e.code == ERR_NONE && !m->fl.hand_locked) {
        err_set(&e, ERR_BUSY, "the lock for tuning this server cannot be had");
        err_hint(&e, "Try again in a moment.");
    }
    if (e.code != ERR_NONE)
        failed(m, &e, fx);
    else
        journal(m, HAND_BEGIN, "begin", fx);
}

static void looked(struct model *m, const struct event *ev, struct effects *fx)
{
    struct handover *h = &m->fl.hand;
    struct err e = ev->err, no = {0};

    if (e.code != ERR_NONE || !ev->rows || !handover_look(h, ev->rows, &e)) {
        failed(m, &e, fx);
        return;
    }
    if (h->n == 0) {
        model_say(m, CHAT_GOOD, "hand-over: nothing of ours stands in postgresql.auto.conf");
        over(m, fx);
        return;
    }
    h->there = handover_stands(h, ev->rows, &no);
    if (h->there) {
        decided(m, fx);
    } else if (!restart_script_possible(&m->server.id)) {
        text_copy(h->why_not, sizeof h->why_not, "the server's files are out of our reach");
        decided(m, fx);
    } else {
        script(m, HAND_WHERE, "where", fx);
    }
}

static void where_known(struct model *m, const struct event *ev, struct effects *fx)
{
    struct handover *h = &m->fl.hand;
    const char *text = ev->text ? ev->text : "", *old = strstr(text, "\n\n");

    text_field(text, "file", h->file, sizeof h->file);
    text_field(text, "why", h->why_not, sizeof h->why_not);
    if (!h->file[0] && !h->why_not[0])
        text_copy(h->why_not, sizeof h->why_not,
                  ev->err.msg[0] ? ev->err.msg : "no managed file can be written");
    if (h->why_not[0])
        h->file[0] = '\0';
    handover_text(h, old ? old + 2 : "", m->session.name, &h->text);
    decided(m, fx);
}

/* A script that was lost with the ssh link may have run or not, and each can be run again: once the link is back, for a
 * while. */
static bool lost(struct model *m, const struct event *ev, struct effects *fx)
{
    bool is = ev->kind == EV_CHILD_EXIT && m->server.id.over_ssh && ev->err.code != ERR_NONE &&
              ev->err.code != ERR_CHILD && ev->err.code != ERR_REFUSED;

    if (!is) {
        m->fl.hand_lost_us = 0;
        return false;
    }
    if (m->fl.hand_lost_us == 0) {
        m->fl.hand_lost_us = m->now_us;
        model_say(m, CHAT_WARN, "hand-over: waiting for ssh to %s", m->opt.ssh_host);
    }
    if (m->now_us - m->fl.hand_lost_us > LINK_S * 1000000LL)
        return false;
    fx_timer(fx, flow_req(m), LINK_POLL_MS);
    return true;
}

static void script_answered(struct model *m, const struct event *ev, struct effects *fx)
{
    char state[16], why[240];
    struct err e = ev->err;

    text_field(ev->text ? ev->text : "", "state", state, sizeof state);
    text_field(ev->text ? ev->text : "", "why", why, sizeof why);
    if (e.code == ERR_NONE && strcmp(state, "ok") != 0)
        err_set(&e, ERR_FILE, "%s", why[0] ? why : "the managed file cannot be written");
    switch ((enum hand_step)m->fl.hand_step) {
    case HAND_WRITE:
        m->fl.hand_written = true;
        if (e.code != ERR_NONE)
            undo(m, &e, fx);
        else
            ask_sql(m, HAND_CHECK, handover_sql(), fx);
        return;
    case HAND_RESTORE:
        if (e.code != ERR_NONE)
            model_say(m, CHAT_BAD, "hand-over: %s: look at it yourself", e.msg);
        ask_sql(m, HAND_RELOAD, "SELECT pg_catalog.pg_reload_conf()", fx)->changes_server = true;
        return;
    default: /* HAND_FINISH: its copy does no harm */
        model_say(
            m, CHAT_GOOD,
            "handed over: %d settings are in %s now, and in postgresql.auto.conf no more. The "
            "server runs with the same values.",
            m->fl.hand.n, m->fl.hand.file[0] ? m->fl.hand.file : "your own files");
        over(m, fx);
        return;
    }
}

static void rows_answered(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = ev->err;
    bool good = e.code == ERR_NONE && ev->rows;

    switch ((enum hand_step)m->fl.hand_step) {
    case HAND_LOOK:
        looked(m, ev, fx);
        return;
    case HAND_LOCK:
        lock_answered(m, ev, fx);
        return;
    case HAND_OTHERS:
        others_known(m, ev, fx);
        return;
    case HAND_CHECK:
        if (good && handover_stands(&m->fl.hand, ev->rows, &e))
            reset_ours(m, fx);
        else
            undo(m, &e, fx);
        return;
    case HAND_VERIFY:
        if (good && handover_done(&m->fl.hand, ev->rows, &e))
            journal(m, HAND_RESULT, "done", fx);
        else
            undo_reset(m, &e, fx);
        return;
    default: /* HAND_RELOAD */
        journal(m, HAND_RESULT, "undone", fx);
        return;
    }
}

/* ---- the session at hand ---- */

static void begin(struct model *m, struct effects *fx)
{
    if (m->session.by_hand || !handover_begin(&m->fl.hand, &m->session.ledger)) {
        model_say(m, CHAT_WARN, "hand-over: session %s has left nothing in postgresql.auto.conf",
                  m->session.name);
        over(m, fx);
        return;
    }
    ask_sql(m, HAND_LOOK, handover_sql(), fx);
}

static void read_file(struct model *m, enum hand_step step, const char *session, const char *name,
                      struct effects *fx)
{
    struct buf path = {0};

    enter(m, step);
    buf_printf(&path, "%s/sessions/%s/%s", m->workspace.dir, session, name);
    fx_file(fx, flow_req(m), FILE_READ, buf_text(&path))->u.file.max_bytes = SESSION_BYTES_MAX;
    buf_clear(&path);
}

static void session_known(struct model *m, const struct event *ev, struct effects *fx)
{
    struct session *s = &m->session;
    struct err e = ev->err;
    struct buf dir = {0};

    flow_fresh(m);
    if (e.code != ERR_NONE || !store_session_parse(ev->text ? ev->text : "", ev->len, s, &e)) {
        failed(m, &e, fx);
        return;
    }
    buf_printf(&dir, "%s/sessions/%s", m->workspace.dir, s->name);
    text_copy_raw(s->dir, sizeof s->dir, buf_text(&dir));
    buf_clear(&dir);
    s->loaded = true;
    read_file(m, HAND_JOURNAL, s->name, "journal.jsonl", fx);
}

static void journal_known(struct model *m, const struct event *ev, struct effects *fx)
{
    struct journal_state *j = xcalloc(1, sizeof *j);
    struct err e = ev->err;

    if (e.code == ERR_NONE && store_journal_replay(ev->text ? ev->text : "", ev->len, j, &e)) {
        m->session.ledger = j->ledger;
        if (j->last_no > m->session.journal_no)
            m->session.journal_no = j->last_no;
        if (m->fl.persist_then) {
            enter(m, HAND_NONE);
            flow_persist_read(m, &e, fx);
        } else {
            begin(m, fx);
        }
    } else {
        failed(m, &e, fx);
    }
    free(j);
}

static void file_answered(struct model *m, const struct event *ev, struct effects *fx)
{
    switch ((enum hand_step)m->fl.hand_step) {
    case HAND_SESSION:
        session_known(m, ev, fx);
        return;
    case HAND_JOURNAL:
        journal_known(m, ev, fx);
        return;
    case HAND_BEGIN:
        if (ev->err.code != ERR_NONE)
            failed(m, &ev->err, fx);
        else if (m->fl.hand.there)
            reset_ours(m, fx);
        else
            script(m, HAND_WRITE, "write", fx);
        return;
    default: /* HAND_RESULT */
        if (m->fl.hand_err.code != ERR_NONE)
            failed(m, &m->fl.hand_err, fx);
        else
            script(m, HAND_FINISH, "finish", fx);
        return;
    }
}

/* ---- entry points ---- */

bool flow_handover_busy(const struct model *m)
{
    return m->fl.hand_step != HAND_NONE || flow_persist_busy(m);
}

bool flow_handover_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (m->fl.hand_step == HAND_NONE || !flow_waits(m, ev))
        return false;
    if (ev->kind == EV_PG_RESULT)
        rows_answered(m, ev, fx);
    else if (ev->kind == EV_FILE)
        file_answered(m, ev, fx);
    else if (ev->kind == EV_TIMER)
        script(m, (enum hand_step)m->fl.hand_step, m->fl.hand_mode, fx);
    else if (lost(m, ev, fx))
        return true;
    else if (ev->kind == EV_CHILD_EXIT && m->fl.hand_step == HAND_WHERE)
        where_known(m, ev, fx);
    else if (ev->kind == EV_CHILD_EXIT)
        script_answered(m, ev, fx);
    return true;
}

bool flow_handover_pump(struct model *m, struct effects *fx)
{
    const struct apply *a = &m->apply;
    bool back = m->fl.hand_step == HAND_BACK;

    if ((m->fl.hand_step != HAND_RESET && !back) || !apply_finished(a))
        return false;
    if (a->state == APPLY_DONE && back) {
        put_file_back(m, fx);
    } else if (a->state == APPLY_DONE) {
        ask_sql(m, HAND_VERIFY, handover_sql(), fx);
    } else if (a->state == APPLY_STUCK || back) {
        /* both places may hold the values: the file stays, and what to run is on the screen */
        (void)dialogs_come(m, DIALOG_STUCK);
        model_say(m, CHAT_BAD, "hand-over: %s", a->err.msg);
        advise_failed(m, "the hand-over", &a->err);
        advise_explain(m, fx);
        over(m, fx);
    } else {
        undo(m, &a->err, fx);
    }
    return true;
}

bool flow_handover_archived(struct model *m, struct effects *fx)
{
    const struct workspace *w = &m->workspace;

    for (int i = 0; i < w->nsessions; i++)
        if (w->sessions[i].state == SESSION_ARCHIVED) {
            read_file(m, HAND_SESSION, w->sessions[i].name, "session.json", fx);
            return true;
        }
    return false;
}

void flow_handover(struct model *m, bool go, struct effects *fx)
{
    struct workspace *w = &m->workspace;

    if (!w->open || w->readonly || m->opt.readonly || m->opt.headless || model_run_active(m) ||
        flow_end_busy(m) || flow_persist_busy(m) ||
        (m->flow != FLOW_SUMMARY && m->flow != FLOW_WATCH)) {
        model_say(m, CHAT_WARN, "a hand-over is possible when a session has ended");
        return;
    }
    handover_clear(&m->fl.hand);
    memset(&m->fl.hand_err, 0, sizeof m->fl.hand_err);
    m->fl.hand_go = go;
    m->fl.hand_written = m->fl.hand_locking = m->fl.hand_locked = false;
    if (m->session.state == SESSION_ARCHIVED) {
        begin(m, fx);
        return;
    }
    if (!flow_handover_archived(m, fx))
        model_say(m, CHAT_WARN, "no session of this workspace has settings to hand over");
}
