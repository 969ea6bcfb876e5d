/* One arm switch. The order is the promise: who is this server, what stands there, may we restart, the intent on the disk,
 * then the first statement. What fails before that statement leaves nothing behind; what fails after it is undone, and an
 * undo that fails ends as STUCK with the statements that a DBA has to run. */
#include "pgd/tuning/apply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/manual.h"
#include "pgd/tuning/others.h"

/* Steps of UNDO, in order; each waits for one answer. */
enum { UNDO_LINK, UNDO_IDENTITY, UNDO_READ, UNDO_ALTER };

const char *apply_state_name(enum apply_state s)
{
    static const char *const names[] = {
        [APPLY_IDLE] = "idle",
        [APPLY_IDENTITY] = "identity",
        [APPLY_READ] = "read",
        [APPLY_PREFLIGHT] = "preflight",
        [APPLY_JOURNAL] = "journal",
        [APPLY_ALTER] = "alter system",
        [APPLY_OS] = "operating system",
        [APPLY_RELOAD] = "reload",
        [APPLY_RESTART] = "restart",
        [APPLY_RECONNECT] = "reconnect",
        [APPLY_VERIFY] = "verify",
        [APPLY_MANUAL] = "waiting for the DBA",
        [APPLY_JOURNAL_RESULT] = "journal result",
        [APPLY_DONE] = "done",
        [APPLY_UNDO] = "undo",
        [APPLY_ROLLED_BACK] = "rolled back",
        [APPLY_STUCK] = "stuck",
        [APPLY_FAILED] = "failed",
        [APPLY_ASKED] = "asked",
    };
    return (size_t)s < ARRAY_LEN(names) ? names[s] : "unknown";
}

bool apply_finished(const struct apply *a)
{
    return a->state == APPLY_DONE || a->state == APPLY_ROLLED_BACK || a->state == APPLY_STUCK ||
           a->state == APPLY_FAILED || a->state == APPLY_ASKED;
}

void apply_clear(struct apply *a)
{
    uint32_t generation = a->generation;
    buf_clear(&a->report);
    buf_clear(&a->manual.text);
    mem_zero(a, sizeof *a);
    a->generation = generation; /* late answers to an earlier switch stay late */
}

struct req apply_req(struct apply *a)
{
    return (struct req){.owner = OWNER_APPLY, .generation = a->generation, .id = ++a->last_id};
}

void apply_enter(struct apply *a, enum apply_state phase)
{
    a->phase = phase;
    a->step = 0;
    a->waiting = 0;
    a->child = 0; /* the end of a program that is left behind means nothing to the next phase */
    a->state = phase;
    if (a->undoing && !apply_finished(a))
        a->state = APPLY_UNDO;
}

void apply_note(struct apply *a, const char *fmt, ...)
{
    struct buf text = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&text, fmt, ap);
    va_end(ap);
    text_copy(a->note, sizeof a->note, buf_text(&text));
    buf_clear(&text);
}

void apply_sql(struct apply *a, const char *sql, int ms, struct effects *fx)
{
    struct req req = apply_req(a);
    a->waiting = req.id;
    fx_sql(fx, req, CONN_CONTROL, sql, ms);
}

/* A statement that alters the server: released once the intent is on the disk. */
static void alter(struct apply *a, const struct entry *entry, struct effects *fx)
{
    struct buf sql = {0};
    struct req req = apply_req(a);
    entry_sql(entry, &sql);
    a->waiting = req.id;
    struct effect *e = fx_sql(fx, req, CONN_CONTROL, buf_text(&sql), APPLY_SQL_MS);
    e->changes_server = true;
    e->after_journal = a->intent_no;
    buf_clear(&sql);
}

void apply_timer(struct apply *a, int ms, struct effects *fx)
{
    struct req req = apply_req(a);
    apply_timer_stop(a, fx);
    a->timer = req.id;
    fx_timer(fx, req, ms);
}

void apply_timer_stop(struct apply *a, struct effects *fx)
{
    if (a->timer)
        effects_add(
            fx, FX_TIMER_STOP,
            (struct req){.owner = OWNER_APPLY, .generation = a->generation, .id = a->timer});
    a->timer = 0;
}

const struct entry *apply_wanted(const struct apply *a, int *n)
{
    *n = a->undoing ? a->sent : a->n;
    return a->undoing ? a->before : a->to;
}

/* -- identity --------------------------------------------------------------------------------------- */

const char *apply_asset(const char *name)
{
    const struct asset *found = asset_find(name);
    if (!found)
        die("asset %s is missing", name);
    return (const char *)found->data;
}

void apply_identity_ask(struct apply *a, struct effects *fx)
{
    memset(&a->now, 0, sizeof a->now);
    a->was_lost = false;
    apply_sql(a, apply_asset("sql/identity.sql"), APPLY_SQL_MS, fx);
}

int apply_identity(struct apply *a, const struct event *ev, struct err *e, struct effects *fx)
{
    char why[256];
    bool first = a->now.version_num == 0;
    if (ev->err.code != ERR_NONE && (first || ev->err.code != ERR_SQL)) {
        *e = ev->err;
        return -1;
    }
    if (first) {
        identity_read(ev->rows, &a->now);
        if (a->now.version_num == 0) {
            err_set(e, ERR_FORMAT, "the server does not say which one it is");
            return -1;
        }
        apply_sql(a, apply_asset("sql/control.sql"), APPLY_SQL_MS, fx);
        return 0;
    }
    /* A role that may not read it goes without: the rest is compared. */
    identity_read_control(ev->rows, &a->now);
    if (a->now.standby) {
        err_set(e, ERR_REFUSED, "the server is a standby");
        err_hint(e,
                 "Connect to the primary: a standby takes ALTER SYSTEM, but not for its primary.");
        return -1;
    }
    if (!identity_same(&a->env.facts->id, &a->now, why, sizeof why)) {
        err_set(e, ERR_REFUSED, "this is not the server that was looked at: %s", why);
        err_hint(e, "With several hosts a reconnect can land on another node: name one of them.");
        return -1;
    }
    return 1;
}

/* -- endings ----------------------------------------------------------------------------------------- */

static void finish(struct apply *a, struct effects *fx)
{
    double seconds = (double)(a->now_us - a->started_at_us) / 1e6;
    apply_verify_close(a, fx);
    apply_timer_stop(a, fx);
    a->cleaning = false;
    if (a->others[0])
        text_copy(a->note, sizeof a->note, a->others);
    apply_enter(a, a->final);
    enum log_level level = a->final == APPLY_DONE || a->final == APPLY_ASKED ? LOG_INFO
                           : a->final == APPLY_STUCK                         ? LOG_ERROR
                                                                             : LOG_WARN;
    log_line(level, "apply \"%s\": %s after %.1f s%s%s%s%s", a->goal.label,
             apply_state_name(a->final), seconds, a->err.msg[0] ? ": " : "", a->err.msg,
             a->log_line[0] ? "; server log: " : "", a->log_line);
}

static void clean(struct apply *a, struct effects *fx)
{
    struct req req = apply_req(a);
    a->child = req.id;
    apply_script(&a->env.facts->id, "clean", "", CHILD_COLLECT, req, fx);
}

/* The copy of postgresql.auto.conf has served, and the next switch makes its own. After STUCK it stays for the DBA. */
static void clean_and_finish(struct apply *a, struct effects *fx)
{
    if (!a->saved || a->final == APPLY_STUCK) {
        finish(a, fx);
        return;
    }
    a->cleaning = true;
    a->waiting = 0;
    clean(a, fx);
}

static void clean_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    bool late = a->host.lost_us && a->now_us - a->host.lost_us > a->env.link_ms * 1000LL;
    if (ev->kind == EV_TIMER && apply_host_again(a))
        clean(a, fx);
    else if (ev->kind == EV_CHILD_EXIT && (late || !apply_host_wait(a, ev, fx)))
        finish(a, fx);
}

static void result(struct apply *a, enum apply_state final, struct effects *fx)
{
    apply_timer_stop(a, fx);
    apply_verify_close(a, fx);
    a->final = final;
    apply_enter(a, APPLY_JOURNAL_RESULT);
    apply_journal_result(a, fx);
}

static void result_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->err.code != ERR_NONE) {
        log_line(LOG_ERROR, "journal: %s", ev->err.msg);
        if (a->final == APPLY_DONE) {
            /* What cannot be written down is not kept; what the DBA has made only the DBA takes back. */
            a->fault = ev->err;
            if (apply_is_manual(a))
                apply_stuck(a, fx);
            else
                apply_fail(a, fx);
            return;
        }
        /* To the journal the intent has no result, so the ledger has none either: the next switch takes its names along. */
    } else if (a->final == APPLY_DONE) {
        ledger_applied(a->env.ledger);
    } else if (a->final != APPLY_STUCK) {
        ledger_undone(a->env.ledger);
    }
    clean_and_finish(a, fx);
}

void apply_asked(struct apply *a, struct effects *fx)
{
    if (a->env.connect)
        effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    a->final = APPLY_ASKED;
    finish(a, fx);
}

void apply_result_failed(struct apply *a, struct effects *fx)
{
    result(a, APPLY_FAILED, fx);
}

void apply_stuck_say(struct apply *a, const char *sql)
{
    static const char cut[] = "-- cut: the rest stands in the undo of journal.jsonl\n";
    size_t n = strlen(sql);
    if (n >= sizeof a->stuck_sql) {
        n = sizeof a->stuck_sql - sizeof cut;
        while (n > 0 && sql[n - 1] != '\n')
            n--;
        memcpy(a->stuck_sql + n, cut, sizeof cut);
    } else {
        a->stuck_sql[n] = '\0';
    }
    memcpy(a->stuck_sql, sql, n);
}

void apply_stuck(struct apply *a, struct effects *fx)
{
    struct buf sql = {0};
    if (a->cut_off)
        buf_puts(&sql, "-- the server takes sessions: repair the way to it from here first\n");
    else if (!a->link_up)
        buf_puts(&sql, "-- the server does not answer: start it first\n");
    apply_host_by_hand(a, &sql);
    apply_os_by_hand(a, &sql);
    if (apply_is_manual(a)) {
        apply_manual_text(a, a->before, a->n, &sql);
    } else if (!a->os.unsound) { /* else the server has been put back already */
        for (int i = 0; i < a->sent; i++) {
            entry_sql(&a->before[i], &sql);
            buf_puts(&sql, ";\n");
        }
        if (a->restart || a->sent > 0)
            buf_puts(&sql,
                     a->restart ? "-- then restart the server\n" : "SELECT pg_reload_conf();\n");
    }
    apply_stuck_say(a, buf_text(&sql));
    buf_clear(&sql);
    if (a->err.code == ERR_NONE)
        a->err = a->fault;
    else if (strcmp(a->err.msg, a->fault.msg) != 0)
        err_detail(&a->err, "The undo did not succeed: %s.", a->fault.msg);
    if (!a->err.hint[0])
        err_hint(&a->err, "Run the statements shown; the next start checks what stands there.");
    result(a, APPLY_STUCK, fx);
}

void apply_undo_begin(struct apply *a, struct effects *fx)
{
    a->undoing = true;
    apply_verify_close(a, fx);
    apply_timer_stop(a, fx);
    if (apply_os_undo(a, fx))
        return;
    if (a->sent == 0 && !(a->restarted && apply_os_restarts(a))) {
        apply_verified(a, fx);
        return;
    }
    apply_enter(a, APPLY_UNDO);
    if (a->link_up) {
        a->step = UNDO_IDENTITY;
        apply_identity_ask(a, fx);
        return;
    }
    apply_note(a, "waiting for the connection, to put the old settings back");
    apply_timer(a, apply_link_ms(a), fx);
}

void apply_fail(struct apply *a, struct effects *fx)
{
    if (a->undoing) {
        apply_stuck(a, fx);
        return;
    }
    if (a->err.code == ERR_NONE)
        a->err = a->fault;
    log_line(LOG_WARN, "apply \"%s\": %s: %s%s%s", a->goal.label, apply_state_name(a->phase),
             a->err.msg, a->log_line[0] ? "; server log: " : "", a->log_line);
    if (a->sent > 0 || a->os.sent) {
        apply_undo_begin(a, fx);
    } else if (a->journalled) {
        result(a, APPLY_FAILED, fx);
    } else {
        a->final = APPLY_FAILED;
        clean_and_finish(a, fx);
    }
}

void apply_lost(struct apply *a, struct effects *fx)
{
    a->link_up = false;
    if (a->sent == 0 || (a->undoing && a->tries++ >= APPLY_TRIES_MAX)) {
        apply_fail(a, fx);
        return;
    }
    if (a->err.code == ERR_NONE)
        a->err = a->fault;
    apply_undo_begin(a, fx);
}

/* A question without an answer in time is no verdict, and the link is up: the undo is begun anew. Each of its statements may
 * be sent twice. */
static bool undo_again(struct apply *a, struct effects *fx)
{
    if (!a->undoing || !a->link_up || a->fault.code != ERR_TIMEOUT || a->tries >= APPLY_TRIES_MAX)
        return false;
    a->tries++;
    apply_undo_begin(a, fx);
    return true;
}

bool apply_answered(struct apply *a, const struct event *ev, const char *column, struct effects *fx)
{
    bool rows = ev->err.code == ERR_NONE && ev->rows;
    if (rows && (!column || rows_col(ev->rows, column) >= 0))
        return true;
    a->fault = ev->err;
    if (ev->err.code == ERR_NONE && !rows)
        err_set(&a->fault, ERR_FORMAT, "the server gave no rows");
    else if (ev->err.code ==
             ERR_NONE) /* no entry found in it would be no proof that there is none */
        err_set(&a->fault, ERR_FORMAT, "the server's answer has no column %s", column);
    if (ev->err.code == ERR_LOST)
        apply_lost(a, fx);
    else if (!undo_again(a, fx))
        apply_fail(a, fx);
    return false;
}

void apply_verified(struct apply *a, struct effects *fx)
{
    if (apply_os_verify(a, fx))
        return;
    if (a->os.away && !a->undoing) {
        a->os.unsound = true;
        err_set(&a->fault, ERR_LOST,
                "the server is put back, and its host, which cannot be reached, is not");
        apply_stuck(a, fx);
        return;
    }
    result(a, a->undoing ? APPLY_ROLLED_BACK : APPLY_DONE, fx);
}

/* -- statements ----------------------------------------------------------------------- */

/* The second look at what is about to be sent. What restores is exempt: it stood there before us. */
static bool may_send(const struct apply *a, const struct entry *e, struct err *err)
{
    const struct ledger_row *row = ledger_find(a->env.ledger, e->name);
    if (!e->present || a->env.guard_disabled || (row && entry_same(e, &row->original)))
        return true;
    return guard_send(e->name, e->value, err);
}

/* Is the node that was compared still the one at the other end? A link that came back may have landed on another. Where
 * the DBA makes the change nothing is sent, and the end asks who answers. */
static bool same_link(struct apply *a)
{
    if (a->link_up && (!a->was_lost || apply_is_manual(a)))
        return true;
    return err_set(&a->fault, ERR_LOST, "the connection was lost before anything was changed");
}

void apply_journal_begin(struct apply *a, struct effects *fx)
{
    apply_enter(a, APPLY_JOURNAL);
    bool ok = same_link(a);
    for (int i = 0; ok && i < a->n; i++)
        ok = may_send(a, &a->to[i], &a->fault);
    ok = ok && apply_os_may_send(a, &a->fault);
    for (int i = 0; ok && i < a->n + a->os.n; i++)
        if (!ledger_touch(a->env.ledger, i < a->n ? &a->before[i] : &a->os.before[i - a->n]))
            ok = err_set(&a->fault, ERR_REFUSED, "more than %d settings have been touched",
                         (int)LEDGER_MAX);
    if (!ok) {
        apply_fail(a, fx);
        return;
    }
    /* An earlier process may have left the script's files behind when it was killed. */
    for (int i = 0; i < a->n; i++)
        a->saved |= ledger_find(a->env.ledger, a->to[i].name)->unsure && apply_script_possible(a);
    if (a->env.asked_before)
        apply_manual_again(a);
    apply_journal_intent(a, fx);
}

/* What was sent becomes effective; a restart is the DBA's where it is not ours. */
static void activate(struct apply *a, struct effects *fx)
{
    bool sql = a->undoing ? a->sent > 0 : a->n > 0;
    if (!a->restart && !sql)
        apply_verified(a, fx);
    else if (!a->restart)
        apply_reload_begin(a, fx);
    else if (a->env.restart_by_dba)
        apply_manual_begin(a, fx);
    else
        apply_restart_begin(a, fx);
}

static void alter_next(struct apply *a, struct effects *fx)
{
    if (a->at == a->n && a->os.n > 0 && !a->os.away) {
        apply_os_set(a, fx);
        return;
    }
    if (a->at == a->n) {
        activate(a, fx);
        return;
    }
    if (!may_send(a, &a->to[a->at], &a->fault)) {
        apply_fail(a, fx);
        return;
    }
    apply_note(a, "ALTER SYSTEM %d of %d: %s", a->at + 1, a->n, a->to[a->at].name);
    alter(a, &a->to[a->at], fx);
}

void apply_os_done(struct apply *a, struct effects *fx)
{
    if ((a->n > 0 || a->restart) && !same_link(a))
        apply_lost(a, fx);
    else
        activate(a, fx);
}

static void journal_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->err.code != ERR_NONE) {
        a->fault = ev->err;
        apply_fail(a, fx);
        return;
    }
    a->journalled = true;
    ledger_intent(a->env.ledger, a->before, a->to, a->n);
    ledger_intent(a->env.ledger, a->os.before, a->os.to, a->os.n);
    if (!same_link(a)) {
        apply_fail(a, fx);
        return;
    }
    if (apply_is_manual(a)) {
        apply_manual_begin(a, fx);
        return;
    }
    a->at = 0;
    apply_enter(a, APPLY_ALTER);
    alter_next(a, fx);
}

static void alter_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    /* What the server refused has not happened; what was not answered may have. */
    bool refused = ev->err.code == ERR_SQL || ev->err.code == ERR_REFUSED;
    a->sent = refused ? a->at : a->at + 1;
    if (!apply_answered(a, ev, NULL, fx))
        return;
    a->at++;
    alter_next(a, fx);
}

/* -- reading ---------------------------------------------------------------------------------------- */

/* Steps of READ: the files and what runs, by the file's entries; pg_hba.conf; in a manual way, what runs; the operating
 * system, where it has a part. */
enum { READ_CONFIG, READ_HBA, READ_SETTINGS, READ_OS };

static void read_settings(struct apply *a, struct effects *fx)
{
    a->step = READ_SETTINGS;
    apply_sql(a, apply_sql_settings, APPLY_SQL_MS, fx);
}

static void read_begin(struct apply *a, struct effects *fx)
{
    apply_enter(a, APPLY_READ);
    if (apply_is_manual(a) && !a->env.facts->rights.file_settings) {
        text_copy(a->others, sizeof a->others,
                  "was not checked for errors in the configuration files: the role may not read "
                  "them");
        read_settings(a, fx);
        return;
    }
    apply_sql(a, apply_sql_config, APPLY_SQL_MS, fx);
}

/* Nobody's edit is in the way, as far as it can be seen. */
static void checked(struct apply *a, struct effects *fx)
{
    if (a->others[0]) {
        log_line(LOG_WARN, "apply \"%s\" %s", a->goal.label, a->others);
        apply_note(a, "%s", a->others);
    }
    for (int i = 0; i < a->n; i++)
        if (!may_send(a, &a->to[i], &a->fault)) {
            apply_fail(a, fx);
            return;
        }
    if (a->restart || a->unlisted)
        apply_preflight_begin(a, fx);
    else
        apply_journal_begin(a, fx);
}

/* What is to be changed is known. */
static void compared(struct apply *a, struct effects *fx)
{
    if (a->n == 0 && a->os.n == 0) {
        a->final = APPLY_DONE;
        finish(a, fx);
        return;
    }
    /* Few roles may read pg_hba_file_rules: then only the server's owner can know, and a try would be an error in the
     * server's log. */
    const struct rights *rights = &a->env.facts->rights;
    if (!rights->hba_rules && !rights->superuser) {
        checked(a, fx);
        return;
    }
    a->step = READ_HBA;
    apply_sql(a, apply_sql_hba, APPLY_SQL_MS, fx);
}

static void planned(struct apply *a, bool ok, struct effects *fx)
{
    if (!ok) {
        apply_fail(a, fx);
        return;
    }
    if (apply_os_any(a)) {
        a->step = READ_OS;
        if (apply_os_read(a, fx))
            compared(a, fx);
        return;
    }
    compared(a, fx);
}

static void config_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (strcmp(ev->err.sqlstate, "42501") == 0) {
        a->fault = ev->err;
        err_hint(&a->fault, "GRANT SELECT ON pg_file_settings and EXECUTE ON FUNCTION "
                            "pg_show_all_file_settings() to the role.");
        apply_fail(a, fx);
        return;
    }
    if (!apply_answered(a, ev, "file_name", fx))
        return;
    if (!apply_is_manual(a))
        planned(a, apply_plan(a, ev->rows, &a->fault), fx);
    else if (apply_read_errors(ev->rows, a, &a->fault))
        read_settings(a, fx);
    else
        apply_fail(a, fx);
}

static void read_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (a->step == READ_OS) {
        if (apply_os_read_event(a, ev, fx))
            compared(a, fx);
        return;
    }
    if (a->step == READ_CONFIG) {
        config_answered(a, ev, fx);
        return;
    }
    if (a->step == READ_SETTINGS) {
        if (apply_answered(a, ev, "name", fx))
            planned(a, apply_manual_plan(a, ev->rows, &a->fault), fx);
        return;
    }
    if (strcmp(ev->err.sqlstate, "42501") != 0 && !apply_answered(a, ev, "error", fx))
        return;
    if (ev->rows && !others_hba_errors(ev->rows, &a->fault)) {
        apply_fail(a, fx);
        return;
    }
    checked(a, fx);
}

static void identity_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    int same = apply_identity(a, ev, &a->fault, fx);
    if (same == 0)
        return;
    if (same < 0) {
        apply_fail(a, fx);
        return;
    }
    a->postmaster_us = a->now.postmaster_start_us;
    read_begin(a, fx);
}

/* -- undo -------------------------------------------------------------------------------------------- */

static void undo_next(struct apply *a, struct effects *fx)
{
    if (a->undone < a->undo_n) {
        alter(a, &a->undo_to[a->undone], fx);
        return;
    }
    activate(a, fx);
}

static void undo_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_TIMER) {
        if (a->step == UNDO_LINK && !apply_rescue(a, fx)) {
            err_set(&a->fault, ERR_TIMEOUT, "the connection did not come back within %d s",
                    a->env.link_ms / 1000);
            apply_stuck(a, fx);
        }
        return;
    }
    if (ev->kind != EV_PG_RESULT)
        return;
    if (a->step == UNDO_IDENTITY) {
        int same = apply_identity(a, ev, &a->fault, fx);
        if (same < 0 && a->fault.code == ERR_LOST)
            apply_lost(a, fx);
        else if (same < 0 && !undo_again(a, fx))
            apply_stuck(a, fx);
        if (same <= 0)
            return;
        a->step = UNDO_READ;
        apply_sql(a, apply_sql_config, APPLY_SQL_MS, fx);
        return;
    }
    if (!apply_answered(a, ev, a->step == UNDO_READ ? "file_name" : NULL, fx))
        return;
    if (a->step == UNDO_READ) {
        apply_plan_undo(a, ev->rows);
        a->restart |= a->restarted && apply_os_restarts(a);
        a->step = UNDO_ALTER;
        a->undone = 0;
        if (a->sent == 0 && !a->restart) { /* nothing of ours stands there */
            apply_verified(a, fx);
            return;
        }
    } else {
        a->undone++;
    }
    apply_note(a, "putting the old settings back: %d of %d", a->undone, a->undo_n);
    undo_next(a, fx);
}

/* -- the machine ------------------------------------------------------------------------------------- */

void apply_start(struct apply *a, const struct apply_env *env, const struct arm *goal,
                 int64_t at_us, struct effects *fx)
{
    apply_clear(a);
    a->generation++;
    a->env = *env;
    if (a->env.link_ms <= 0)
        a->env.link_ms = APPLY_LINK_MS;
    a->goal = *goal;
    a->link_up = a->spoke = true;
    a->started_at_us = a->now_us = at_us;
    apply_enter(a, APPLY_IDENTITY);
    apply_identity_ask(a, fx);
}

static void link_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    a->link_up = ev->kind == EV_PG_UP;
    a->spoke = a->link_up || apply_server_spoke(&ev->err);
    a->was_lost |= !a->link_up;
    if (a->phase == APPLY_MANUAL) {
        apply_manual_link(a, fx);
    } else if (a->phase == APPLY_RECONNECT) {
        apply_reconnect_event(a, ev, fx);
    } else if (a->link_up && a->phase == APPLY_UNDO && a->step == UNDO_LINK) {
        apply_timer_stop(a, fx);
        a->step = UNDO_IDENTITY;
        apply_identity_ask(a, fx);
    }
}

static bool awaited(struct apply *a, const struct event *ev)
{
    uint32_t id = ev->req.id;
    if (ev->req.owner != OWNER_APPLY || ev->req.generation != a->generation || id == 0)
        return false;
    if (ev->kind == EV_TIMER) {
        bool mine = id == a->timer;
        a->timer = mine ? 0 : a->timer;
        return mine;
    }
    return id == a->waiting || id == a->child;
}

static void dispatch(struct apply *a, const struct event *ev, struct effects *fx)
{
    switch (a->phase) {
    case APPLY_IDENTITY:
        identity_event(a, ev, fx);
        break;
    case APPLY_READ:
        read_event(a, ev, fx);
        break;
    case APPLY_PREFLIGHT:
        apply_preflight_event(a, ev, fx);
        break;
    case APPLY_JOURNAL:
        if (ev->kind == EV_FILE)
            journal_answered(a, ev, fx);
        break;
    case APPLY_ALTER:
        alter_answered(a, ev, fx);
        break;
    case APPLY_OS:
        apply_os_event(a, ev, fx);
        break;
    case APPLY_RELOAD:
        apply_reload_event(a, ev, fx);
        break;
    case APPLY_RESTART:
        apply_restart_event(a, ev, fx);
        break;
    case APPLY_RECONNECT:
        apply_reconnect_event(a, ev, fx);
        break;
    case APPLY_VERIFY:
        apply_verify_event(a, ev, fx);
        break;
    case APPLY_MANUAL:
        apply_manual_event(a, ev, fx);
        break;
    case APPLY_JOURNAL_RESULT:
        if (ev->kind == EV_FILE)
            result_answered(a, ev, fx);
        break;
    case APPLY_UNDO:
        undo_event(a, ev, fx);
        break;
    case APPLY_IDLE:
    case APPLY_DONE:
    case APPLY_ROLLED_BACK:
    case APPLY_STUCK:
    case APPLY_FAILED:
    case APPLY_ASKED:
        break;
    }
}

void apply_step(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (a->state == APPLY_IDLE || apply_finished(a))
        return;
    a->now_us = ev->at_us;
    a->wall_us = ev->wall_us;
    if ((ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN) && ev->u.pg.conn == CONN_CONTROL) {
        link_event(a, ev, fx);
        return;
    }
    if (!awaited(a, ev) || ev->kind == EV_CHILD_UP || ev->kind == EV_CHILD_LINE)
        return;
    if (a->cleaning) {
        clean_event(a, ev, fx);
        return;
    }
    dispatch(a, ev, fx);
}
