/* The verifier: a fresh session of the workload's role and database says whether every value is in force. A reload is
 * asynchronous, so it looks again until the time is over; a value that something else hides will never come. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/guard.h"

/* Steps of VERIFY: a session is being opened; a pause before another try; the question; a pause before the next; ANALYZE. */
enum { V_CONNECT, V_RETRY, V_ASK, V_PAUSE, V_ANALYZE };
/* After a reload a session can be had at once, or else nobody can have one: that must not last. */
enum {
    CONNECT_TRIES_MS = 15 * 1000,
    RELOADED_TRIES_MS = 2 * 1000,
    RETRY_MS = 300,
    ANALYZE_MS = 10 * 60 * 1000
};

static enum pg_conn verify_conn(const struct apply *a)
{
    return a->env.connect && !a->no_bench ? CONN_BENCH : CONN_CONTROL;
}

void apply_verify_close(struct apply *a, struct effects *fx)
{
    if (a->phase == APPLY_VERIFY && verify_conn(a) == CONN_BENCH)
        effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
}

static void ask(struct apply *a, struct effects *fx)
{
    struct buf sql = {0};
    struct req req = apply_req(a);
    int n;
    const struct entry *items = apply_wanted(a, &n);
    apply_sql_verify(items, n, &sql);
    a->step = V_ASK;
    a->waiting = req.id;
    fx_sql(fx, req, verify_conn(a), buf_text(&sql), APPLY_SQL_MS);
    buf_clear(&sql);
}

static void begin_asking(struct apply *a, struct effects *fx)
{
    int ms = a->env.verify_ms > 0 ? a->env.verify_ms : 5000;
    a->deadline_us = a->now_us + (int64_t)ms * 1000;
    ask(a, fx);
}

static void open_session(struct apply *a, struct effects *fx)
{
    struct req req = apply_req(a);
    /* A session that is still there would not be a fresh one. */
    effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    struct effect *e = effects_add(fx, FX_PG_CONNECT, req);
    *e = effect_copy(a->env.connect);
    e->req = req;
    e->u.pg.conn = CONN_BENCH;
    a->step = V_CONNECT;
    a->waiting = req.id;
}

void apply_verify_begin(struct apply *a, struct effects *fx)
{
    int n;
    apply_wanted(a, &n);
    if (n == 0) { /* a restart for the operating system's sake */
        apply_verified(a, fx);
        return;
    }
    apply_enter(a, APPLY_VERIFY);
    apply_note(a, "reading the settings back in a fresh session");
    if (verify_conn(a) == CONN_CONTROL) {
        begin_asking(a, fx);
        return;
    }
    bool soon = !a->restarted && !a->undoing;
    a->deadline_us = a->now_us + (soon ? RELOADED_TRIES_MS : CONNECT_TRIES_MS) * 1000LL;
    a->verify_until_us = a->now_us + CONNECT_TRIES_MS * 1000LL;
    open_session(a, fx);
}

/* -- one value --------------------------------------------------------------------------------------- */

enum seen { SEEN, NOT_YET, NEVER };

/* Who hides the server's value from this session; false: nobody. */
static bool hidden_by(const struct rows *r, int i, const struct setting *s, char *dst, size_t size)
{
    const char *role = rows_text(r, i, "role"), *db = rows_text(r, i, "db");
    role = role ? role : "?";
    db = db ? db : "?";
    if (strcmp(s->source, "database") == 0)
        snprintf(dst, size, "the database %.64s", db);
    else if (strcmp(s->source, "user") == 0)
        snprintf(dst, size, "the role %.64s", role);
    else if (strcmp(s->source, "database user") == 0)
        snprintf(dst, size, "the role %.64s in the database %.64s", role, db);
    else if (strcmp(s->source, "global") == 0)
        snprintf(dst, size, "ALTER ROLE ALL");
    else if (strcmp(s->source, "command line") == 0)
        snprintf(dst, size, "the server's command line");
    else if (strcmp(s->source, "environment variable") == 0)
        snprintf(dst, size, "the server's environment");
    else if (strcmp(s->source, "client") == 0)
        snprintf(dst, size, "the connection's own options");
    else if (strcmp(s->source, "session") == 0 || strcmp(s->source, "interactive") == 0)
        snprintf(dst, size, "the session itself");
    else
        return false;
    return true;
}

/* The exact statement with which the DBA takes the other value away; it is never sent. */
static void hint_reset(const struct rows *r, int i, const struct setting *s, struct err *e)
{
    const char *role = rows_text(r, i, "role"), *db = rows_text(r, i, "db");
    bool both = strcmp(s->source, "database user") == 0;
    bool everybody = strcmp(s->source, "global") == 0;
    struct override o = {0};
    struct buf sql = {0};

    text_copy_raw(o.name, sizeof o.name, s->name);
    if (both || strcmp(s->source, "user") == 0)
        text_copy_raw(o.role, sizeof o.role, role ? role : "");
    if (both || strcmp(s->source, "database") == 0)
        text_copy_raw(o.database, sizeof o.database, db ? db : "");
    override_reset_sql(&o, &sql);
    if (o.role[0] || o.database[0] || everybody)
        err_hint(e, "Take it away there, or set the value there: %s", buf_text(&sql));
    else
        err_hint(e, "Change it where it is set: no statement reaches it.");
    buf_clear(&sql);
}

static int find_row(const struct rows *r, const char *name)
{
    for (int i = 0; i < r->nrows; i++) {
        const char *have = rows_text(r, i, "name");
        if (have && text_eq_nocase(have, name))
            return i;
    }
    return -1;
}

static enum seen check_absent(const struct setting *s, struct err *e)
{
    if (!ledger_file(s->sourcefile) && !s->pending_restart)
        return SEEN;
    err_set(e, ERR_VERIFY, "%s is still %s%s", s->name, s->shown,
            s->pending_restart ? ": it waits for a restart" : "");
    return NOT_YET;
}

/* restored: it stood there before us, hidden or not. */
static enum seen check_one(const struct rows *r, const struct entry *want, bool restored,
                           struct err *e)
{
    struct setting s;
    char by[160];
    int i = find_row(r, want->name);
    if (i < 0 || !apply_read_setting(r, want->name, &s)) {
        if (!want->present || restored)
            return SEEN;
        err_set(e, ERR_VERIFY, "%s is not a setting of this server", want->name);
        return NEVER;
    }
    bool hidden = hidden_by(r, i, &s, by, sizeof by);
    if (!want->present || (hidden && restored))
        return check_absent(&s, e);
    if (hidden) {
        err_set(e, ERR_VERIFY, "%s is overridden by %s: the workload has %.60s, not %.60s", s.name,
                by, s.shown, want->value);
        err_detail(e, "A value set for a role, a database or the command line hides the "
                      "system-wide one.");
        hint_reset(r, i, &s, e);
        return NEVER;
    }
    bool listed = strcmp(s.source, "configuration file") == 0 || strcmp(s.source, "override") == 0;
    if (listed && !s.pending_restart && apply_value_same(&s, want->value))
        return SEEN;
    if (s.pending_restart)
        err_set(e, ERR_VERIFY, "%s = %.80s waits for a restart", s.name, want->value);
    else
        err_set(e, ERR_VERIFY, "%s is %.80s, not %.80s", s.name, s.shown, want->value);
    err_detail(e, "Its source is: %s.", s.source);
    return NOT_YET;
}

static enum seen check_all(struct apply *a, const struct rows *r)
{
    enum seen worst = SEEN;
    int n;
    const struct entry *items = apply_wanted(a, &n);
    for (int i = 0; i < n; i++) {
        const struct ledger_row *row = ledger_find(a->env.ledger, items[i].name);
        bool restored = a->undoing || (row && entry_same(&items[i], &row->original));
        struct err why = {0};
        enum seen one = check_one(r, &items[i], restored, &why);
        if (one > worst) {
            worst = one;
            a->fault = why;
        }
    }
    return worst;
}

/* -- events ------------------------------------------------------------------------------------------- */

static void no_session(struct apply *a, const struct event *ev, struct effects *fx)
{
    bool full = apply_full(&ev->err);
    if (a->now_us < (full ? a->verify_until_us : a->deadline_us)) {
        a->step = V_RETRY;
        apply_timer(a, RETRY_MS, fx);
        return;
    }
    if (a->undoing) {
        /* The undo is judged where it can be. */
        a->no_bench = true;
        apply_verify_begin(a, fx);
        return;
    }
    a->fault = ev->err;
    err_set(&a->fault, ERR_VERIFY, "no session for the workload can be opened: %.200s",
            ev->err.msg);
    apply_fail(a, fx);
}

static void session_lost(struct apply *a, const struct event *ev, struct effects *fx)
{
    a->fault = ev->err;
    if (verify_conn(a) == CONN_CONTROL)
        apply_lost(a, fx);
    else if (a->undoing) {
        a->no_bench = true;
        apply_verify_begin(a, fx);
    } else {
        apply_fail(a, fx);
    }
}

/* A changed default_statistics_target changes no plan before the tables are analysed again; on the way back the larger or
 * smaller histograms would stay for as long. */
static bool statistics_lag(const struct apply *a)
{
    int n;
    const struct entry *items = apply_wanted(a, &n);
    for (int i = 0; i < n; i++)
        if (text_eq_nocase(items[i].name, "default_statistics_target"))
            return true;
    return false;
}

static void analyze(struct apply *a, struct effects *fx)
{
    if (!a->env.analyze || verify_conn(a) != CONN_BENCH) {
        apply_note(a, "default_statistics_target reaches each table with its next ANALYZE, which "
                      "is left to you");
        log_line(LOG_INFO, "apply \"%s\": %s", a->goal.label, a->note);
        apply_verified(a, fx);
        return;
    }
    struct req req = apply_req(a);
    a->step = V_ANALYZE;
    a->waiting = req.id;
    apply_note(a, "ANALYZE, for the new statistics target");
    struct effect *e = fx_sql(fx, req, CONN_BENCH, "ANALYZE", ANALYZE_MS);
    e->changes_server = true;
    e->after_journal = a->intent_no;
}

static void answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (a->step == V_ANALYZE) { /* the values are in force all the same */
        if (ev->err.code != ERR_NONE)
            apply_note(a, "the statistics could not be made anew: %s", ev->err.msg);
        apply_verified(a, fx);
        return;
    }
    if (ev->err.code == ERR_LOST) {
        session_lost(a, ev, fx);
        return;
    }
    /* A session that was opened before the reload had reached the postmaster may still live by the old rules. */
    if (ev->err.code == ERR_SQL && a->undoing && verify_conn(a) == CONN_BENCH &&
        a->now_us < a->verify_until_us) {
        a->step = V_RETRY;
        apply_timer(a, RETRY_MS, fx);
        return;
    }
    if (!apply_answered(a, ev, "name", fx))
        return;
    enum seen seen = check_all(a, ev->rows);
    if (seen == SEEN && statistics_lag(a)) {
        analyze(a, fx);
    } else if (seen == SEEN) {
        apply_verified(a, fx);
    } else if (seen == NEVER || a->now_us >= a->deadline_us) {
        apply_fail(a, fx);
    } else {
        a->step = V_PAUSE;
        apply_timer(a, APPLY_VERIFY_POLL_MS, fx);
    }
}

void apply_verify_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    switch (ev->kind) {
    case EV_PG_UP:
        begin_asking(a, fx);
        break;
    case EV_PG_DOWN:
        if (a->step == V_CONNECT)
            no_session(a, ev, fx);
        break;
    case EV_PG_RESULT:
        answered(a, ev, fx);
        break;
    case EV_TIMER:
        if (a->step == V_RETRY)
            open_session(a, fx);
        else
            ask(a, fx);
        break;
    default:
        break;
    }
}
