/* views_end.c - see views_end.h. Nothing is sent with --readonly: the keys are not there, and the gate refuses the functions. */
#include "pgd/app/views_end.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/pane_view.h"

enum {
    ANSWER_MS = 3000,
    OWN_IDS = 0x40000000, /* numbers of these answers; the samples' are lower */
    LOOK_S = 5,           /* so long it is looked for a session that was told to end */
    SAID_S = 10           /* the result stands in the key line */
};

static void PGD_PRINTF(3, 4) tell(struct model *m, enum chat_kind kind, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(m->screen.flash, sizeof m->screen.flash, fmt, ap);
    va_end(ap);
    m->screen.flash_until_us = m->now_us + SAID_S * 1000000LL;
    model_say(m, kind, "%s", m->screen.flash);
    m->dirty = true;
}

/* ---- what the key fixes ---- */

static void copy_cell(const struct model *m, int row, const char *column, char *dst, size_t size)
{
    const struct live *l = &m->live;
    int col = tableview_column_of(l->at, column);

    dst[0] = '\0';
    if (col >= 0)
        tableview_show(l->at, &l->now, row, col, dst, size);
}

static void fix(struct model *m, int row, bool terminate)
{
    struct live *l = &m->live;
    struct session_end *e = &l->end;
    double pid = tableview_at(&l->now, row, tableview_column_of(l->at, "pid"))->raw;

    memset(e, 0, sizeof *e);
    e->terminate = terminate;
    e->pid = pid > 0 && pid < 1e9 ? (int)pid : 0;
    e->listed = l->at->all;
    text_copy_raw(e->key, sizeof e->key, tableview_key(&l->now, row));
    copy_cell(m, row, "backend_start", e->started, sizeof e->started);
    copy_cell(m, row, "query_start", e->since, sizeof e->since);
    copy_cell(m, row, "usename", e->user, sizeof e->user);
    copy_cell(m, row, "datname", e->database, sizeof e->database);
    copy_cell(m, row, "application_name", e->application, sizeof e->application);
    copy_cell(m, row, "state", e->state, sizeof e->state);
    copy_cell(m, row, "query", e->query, sizeof e->query);
}

void views_end_ask(struct model *m, bool terminate)
{
    struct live *l = &m->live;
    int row;

    if (!l->at || !(pane_view_keys(m) & KEY_IN_ACTS))
        return;
    row = tableview_cursor(&l->order, &l->of[tableview_index(l->at)]);
    if (row < 0 || l->end.waiting)
        return;
    fix(m, row, terminate);
    if (l->end.pid == 0)
        tell(m, CHAT_WARN,
             "a prepared transaction has no session: COMMIT PREPARED or ROLLBACK "
             "PREPARED ends it");
    else if (!l->end.started[0])
        tell(m, CHAT_WARN,
             "pid %d: when it began may not be seen (pg_read_all_stats), so that "
             "another session might be hit: nothing is sent",
             l->end.pid);
    else if (!terminate && strcmp(l->end.state, "active") != 0)
        tell(m, CHAT_WARN,
             "pid %d runs no statement (%s): there is nothing to cancel; T ends the "
             "session",
             l->end.pid, l->end.state);
    else {
        dialogs_open(m, DIALOG_SIGNAL);
        m->screen.dialog.editing = true;
    }
}

/* ---- sending it ---- */

static void send(struct model *m, struct effects *fx)
{
    struct session_end *e = &m->live.end;
    struct buf sql = {0};
    struct effect *out;

    buf_printf(&sql,
               "SELECT pg_catalog.%s(a.pid) AS sent FROM pg_catalog.pg_stat_activity AS a "
               "WHERE a.pid = %d AND a.backend_start = ",
               e->terminate ? "pg_terminate_backend" : "pg_cancel_backend", e->pid);
    quote_literal(&sql, e->started);
    if (!e->terminate) {
        buf_puts(&sql, " AND a.state = 'active' AND a.query_start = ");
        quote_literal(&sql, e->since);
    }
    e->waiting = OWN_IDS + ++m->live.end_no;
    out = fx_sql(fx, (struct req){OWNER_VIEWS, m->live.generation, e->waiting}, CONN_VIEWS,
                 buf_text(&sql), ANSWER_MS);
    out->changes_server = true;
    m->collect.sent++;
    buf_clear(&sql);
}

bool views_end_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct session_end *e = &m->live.end;
    struct editor ed = {.text = d->input, .size = 12, .len = &d->input_len, .at = &d->input_at};
    int64_t typed;

    switch (editor_key(&ed, k)) {
    case EDITOR_CANCEL:
        dialogs_close(m);
        break;
    case EDITOR_SUBMIT:
        if (!text_int64(d->input, &typed) || typed != e->pid) {
            snprintf(d->error, sizeof d->error,
                     "Nothing was sent: that is not the pid of this session, which is %d.", e->pid);
        } else if (!model_may_end(m) || m->links[CONN_VIEWS].state != LINK_UP) {
            dialogs_close(m);
            tell(m, CHAT_WARN, "nothing was sent: %s",
                 !model_may_end(m) ? "the program is read-only" : "the connection is lost");
        } else {
            dialogs_close(m);
            send(m, fx);
        }
        break;
    default:
        d->error[0] = '\0';
        break;
    }
    return true;
}

/* ---- what became of it ---- */

/* What is known of the session that was told. */
enum there { THERE_UNKNOWN, THERE_YES, THERE_OVER };

/* The statement that was cancelled is over when the session runs none, or another. Empty: it may not be seen. */
static enum there of_session(const struct session_end *e, const char *state, const char *since)
{
    if (e->terminate)
        return THERE_YES;
    if (!*state || (strcmp(state, "active") == 0 && !*since))
        return THERE_UNKNOWN;
    return strcmp(state, "active") != 0 || strcmp(since, e->since) != 0 ? THERE_OVER : THERE_YES;
}

/* That a row is missing says something in a view alone that has all sessions, and of a session that it has listed (ours and the
 * server's own workers are in none), and only where all were read. */
static enum there in_rows(const struct model *m, const struct session_end *e)
{
    const struct live *l = &m->live;
    char state[32], since[64];

    for (int i = 0; i < l->now.n; i++) {
        if (strcmp(tableview_key(&l->now, i), e->key) != 0)
            continue;
        copy_cell(m, i, "state", state, sizeof state);
        copy_cell(m, i, "query_start", since, sizeof since);
        return of_session(e, state, since);
    }
    return l->at->all && e->listed && !l->now.more ? THERE_OVER : THERE_UNKNOWN;
}

static void conclude(struct model *m, enum there there, int64_t at_us)
{
    struct session_end *e = &m->live.end;
    const char *what = e->terminate ? "the session of pid" : "that statement of pid";

    if (there == THERE_OVER) {
        tell(m, CHAT_GOOD, "%s %d has ended", what, e->pid);
        e->sent_us = 0;
    } else if (there == THERE_YES && at_us - e->sent_us > LOOK_S * 1000000LL) {
        tell(m, CHAT_WARN,
             "%s %d is still there %d s after it was told: it answers when it next "
             "looks for signals",
             what, e->pid, LOOK_S);
        e->sent_us = 0;
    } else if (at_us - e->sent_us > 2 * LOOK_S * 1000000LL) {
        tell(m, CHAT_WARN, "whether %s %d has ended is not known: it cannot be seen", what, e->pid);
        e->sent_us = 0;
    }
}

static void ask(struct model *m, struct effects *fx)
{
    struct session_end *e = &m->live.end;
    struct buf sql = {0};

    buf_puts(&sql, "SELECT a.state, a.query_start, a.backend_start = ");
    quote_literal(&sql, e->started);
    buf_printf(&sql, " AS same FROM pg_catalog.pg_stat_activity AS a WHERE a.pid = %d", e->pid);
    e->looking = OWN_IDS + ++m->live.end_no;
    fx_sql(fx, (struct req){OWNER_VIEWS, m->live.generation, e->looking}, CONN_VIEWS,
           buf_text(&sql), ANSWER_MS);
    m->collect.sent++;
    buf_clear(&sql);
}

/* The pid may be another's by now; when it began may have become hidden. */
static void looked(struct model *m, const struct event *ev)
{
    struct session_end *e = &m->live.end;
    enum there there = THERE_UNKNOWN;

    e->looking = 0;
    if (!e->sent_us)
        return;
    if (ev->err.code == ERR_NONE && ev->rows) {
        bool any = ev->rows->nrows > 0;
        const char *state = any ? rows_text(ev->rows, 0, "state") : NULL;
        const char *since = any ? rows_text(ev->rows, 0, "query_start") : NULL;
        if (!any || !rows_bool(ev->rows, 0, "same", true))
            there = THERE_OVER;
        else if (rows_text(ev->rows, 0, "same"))
            there = of_session(e, state ? state : "", since ? since : "");
    }
    conclude(m, there, ev->at_us);
}

void views_end_look(struct model *m, struct effects *fx)
{
    const struct session_end *e = &m->live.end;
    enum there there;

    if (!e->sent_us || !m->live.at || !m->live.at->acts)
        return;
    there = in_rows(m, e);
    if (there == THERE_UNKNOWN)
        ask(m, fx);
    else
        conclude(m, there, m->live.now.at_us);
}

bool views_end_event(struct model *m, const struct event *ev)
{
    struct session_end *e = &m->live.end;
    const char *what = e->terminate ? "end" : "cancel its statement";

    if (ev->kind != EV_PG_RESULT || ev->req.id < OWN_IDS)
        return false;
    if (ev->req.id == e->looking)
        looked(m, ev);
    if (ev->req.id != e->waiting)
        return true;
    e->waiting = 0;
    if (ev->err.code == ERR_LOST || ev->err.code == ERR_TIMEOUT || ev->err.code == ERR_CANCELLED)
        tell(m, CHAT_WARN, "pid %d: whether it was told to %s is not known: %s", e->pid, what,
             ev->err.msg);
    else if (ev->err.code != ERR_NONE)
        tell(m, CHAT_BAD, "pid %d was not told to %s: %s", e->pid, what, ev->err.msg);
    else if (!ev->rows || ev->rows->nrows == 0)
        tell(m, CHAT_WARN, "nothing was sent: %s %d is gone",
             e->terminate ? "the session of pid" : "that statement of pid", e->pid);
    else if (!rows_bool(ev->rows, 0, "sent", false))
        tell(m, CHAT_WARN, "pid %d was not told to %s: it is gone", e->pid, what);
    else {
        tell(m, CHAT_EVENT, "pid %d was told to %s (%s)", e->pid, what,
             e->terminate ? "pg_terminate_backend" : "pg_cancel_backend");
        e->sent_us = ev->at_us;
    }
    return true;
}
