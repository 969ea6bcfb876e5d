/* The DBA's part of a switch: every change where the configuration is not ours, or only the restart. The text is shown and
 * written to a file; a fresh session of the workload's role says what of it is in force. Nothing is sent from here that
 * changes the server.
 *
 * In a manual way before and to are what runs, as SHOW prints it, and not entries of a file that may not even exist: an
 * absent one means the compiled-in value. */
#include "pgd/tuning/manual.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/os.h"

/* Steps of MANUAL: a session is being opened; the question; a pause; everything is in force, and the connection is
 * awaited; who answers there is asked. */
enum { M_CONNECT, M_ASK, M_PAUSE, M_LINK, M_WHO };
enum {
    M_CONNECT_TRIES = 5
}; /* looks in vain after which a declined switch is not judged any more */

#define COLUMNS                                                               \
    "s.name, s.setting, s.unit, s.vartype, s.context, s.min_val, s.max_val, " \
    "s.enumvals::text AS enumvals, s.boot_val, s.source, s.sourcefile, s.pending_restart, "

const char apply_sql_settings[] = "SELECT " COLUMNS
                                  "pg_catalog.current_setting(s.name, true) AS shown"
                                  " FROM pg_catalog.pg_settings s ORDER BY s.name";

const char *manual_seen_name(enum manual_seen s)
{
    static const char *const names[] = {
        [MANUAL_UNSEEN] = "not looked at",        [MANUAL_WAITING] = "waiting",
        [MANUAL_RESTART] = "waits for a restart", [MANUAL_HIDDEN] = "hidden",
        [MANUAL_IN_FORCE] = "in force",
    };
    return (size_t)s < ARRAY_LEN(names) ? names[s] : "";
}

bool apply_is_manual(const struct apply *a)
{
    return a->env.how && a->env.how->change == WAY_MANUAL;
}

bool apply_waits(const struct apply *a)
{
    return a->phase == APPLY_MANUAL && !apply_finished(a);
}

bool apply_waits_for_undo(const struct apply *a)
{
    return apply_waits(a) && a->undoing;
}

/* -- what runs --------------------------------------------------------------------------------------------- */

static bool compiled_in(const struct setting *s)
{
    return strcmp(s->source, "default") == 0 || strcmp(s->source, "override") == 0;
}

static bool hidden(const struct setting *s)
{
    return !compiled_in(s) && strcmp(s->source, "configuration file") != 0;
}

static bool runs(const struct setting *s, const struct entry *e)
{
    return apply_value_same(s, e->present ? e->value : s->boot);
}

/* What runs, as an entry. */
static void entry_of(const struct setting *s, struct entry *e)
{
    memset(e, 0, sizeof *e);
    text_copy_raw(e->name, sizeof e->name, s->name);
    e->present = !compiled_in(s);
    if (!e->present)
        return;
    if (s->shown[0])
        text_copy_raw(e->value, sizeof e->value, s->shown);
    else
        text_copy_raw(e->value, sizeof e->value, s->value);
}

static bool read_shown(const struct rows *r, const char *name, struct setting *s)
{
    if (!apply_read_setting(r, name, s))
        return false;
    for (int i = 0; i < r->nrows; i++) {
        const char *have = rows_text(r, i, "name"), *shown = rows_text(r, i, "shown");
        if (have && shown && text_eq_nocase(have, name))
            text_copy_raw(s->shown, sizeof s->shown, shown);
    }
    return true;
}

static bool plan_one(struct apply *a, const struct rows *r, const char *name, struct err *e)
{
    struct ledger_row *row = ledger_find(a->env.ledger, name);
    struct entry want = ledger_goal(a->env.ledger, &a->goal, name), now;
    struct setting s;
    if (!read_shown(r, name, &s)) {
        if (!want.present)
            return true;
        return err_set(e, ERR_REFUSED, "%s is not a setting of this server", name);
    }
    bool there = runs(&s, &want) && !s.pending_restart;
    if (row && !row->unsure && !runs(&s, &row->current) && !there) {
        err_set(e, ERR_BUSY, "%s was changed by somebody else", name);
        err_detail(e, "It is %.100s, not %.100s.", s.shown,
                   row->current.present ? row->current.value : "the default");
        return err_hint(e,
                        "It was left alone. Decide which value is right, set it, and start again.");
    }
    if (there && !(row && row->unsure))
        return true;
    if (a->n == LEDGER_MAX)
        return err_set(e, ERR_REFUSED, "more than %d settings in one switch", (int)LEDGER_MAX);
    entry_of(&s, &now);
    a->before[a->n] = row ? row->current : now;
    a->to[a->n++] = want;
    a->restart |= strcmp(s.context, "postmaster") == 0 && !there;
    return true;
}

bool apply_manual_plan(struct apply *a, const struct rows *r, struct err *e)
{
    a->n = 0;
    a->restart = false;
    for (int i = 0; i < a->goal.n; i++)
        if (!os_is(a->goal.entries[i].name) && !plan_one(a, r, a->goal.entries[i].name, e))
            return false;
    for (int i = 0; i < a->env.ledger->n; i++) {
        const char *name = a->env.ledger->rows[i].original.name;
        if (!os_is(name) && !arm_find(&a->goal, name) && !plan_one(a, r, name, e))
            return false;
    }
    return true;
}

void apply_manual_again(struct apply *a)
{
    for (int i = 0; i < a->n; i++) {
        const struct ledger_row *row = ledger_find(a->env.ledger, a->to[i].name);
        if (row && row->unsure && entry_same(&a->before[i], &row->pending))
            a->before[i] = row->current;
    }
}

/* -- what is asked for --------------------------------------------------------------------------------------- */

/* In a way of our own ALTER SYSTEM has been sent, and only the restart is missing. */
static bool only_restart(const struct apply *a)
{
    return !apply_is_manual(a);
}

void apply_manual_text(const struct apply *a, const struct entry *to, int n, struct buf *out)
{
    static const struct way plain;
    const struct way *w = a->env.how ? a->env.how : &plain;
    struct way_item items[LEDGER_MAX];
    for (int i = 0; i < n; i++)
        items[i] = (struct way_item){.to = &to[i],
                                     .setting = settings_find(&a->env.facts->settings, to[i].name)};
    way_text(w, a->env.facts, items, n, a->restart, only_restart(a), out);
}

static const struct entry *asked(const struct apply *a, int *n)
{
    *n = a->n;
    return a->undoing ? a->before : a->to;
}

static void export_text(struct apply *a, struct effects *fx)
{
    struct buf text = {0};
    if (!a->env.manual_path)
        return;
    buf_append(&text, a->manual.text.data, a->manual.text.len);
    struct effect *e = fx_file(fx, apply_req(a), FILE_SAVE, a->env.manual_path);
    e->len = text.len;
    e->text = buf_take(&text);
    a->manual.exported =
        true; /* a disk that is full says so by itself; the text is on the screen, too */
}

/* A session that is open is not a fresh one. */
static void look(struct apply *a, struct effects *fx)
{
    apply_timer_stop(a, fx);
    if (!a->env.connect) {
        struct req req = apply_req(a);
        struct buf sql = {0};
        int n;
        const struct entry *items = asked(a, &n);
        a->step = M_ASK;
        a->waiting = req.id;
        apply_sql_verify(items, n, &sql);
        fx_sql(fx, req, CONN_CONTROL, buf_text(&sql), APPLY_SQL_MS);
        buf_clear(&sql);
        return;
    }
    effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    struct req req = apply_req(a);
    struct effect *e = effects_add(fx, FX_PG_CONNECT, req);
    *e = effect_copy(a->env.connect);
    e->req = req;
    e->u.pg.conn = CONN_BENCH;
    a->step = M_CONNECT;
    a->waiting = req.id;
}

void apply_manual_begin(struct apply *a, struct effects *fx)
{
    int n;
    const struct entry *items = asked(a, &n);
    apply_enter(a, APPLY_MANUAL);
    buf_clear(&a->manual.text);
    memset(&a->manual, 0, sizeof a->manual);
    a->manual.since_us = a->now_us;
    apply_manual_text(a, items, n, &a->manual.text);
    export_text(a, fx);
    apply_note(a, a->undoing        ? "waiting until you have taken the change back"
                  : only_restart(a) ? "waiting until you have restarted the server"
                                    : "waiting until you have made the change");
    look(a, fx);
}

/* -- what is seen -------------------------------------------------------------------------------------------- */

static void pause_then_look(struct apply *a, struct effects *fx)
{
    if (a->env.connect)
        effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    a->step = M_PAUSE;
    a->waiting = 0;
    apply_timer(a, APPLY_MANUAL_POLL_MS, fx);
}

static enum manual_seen see_one(const struct rows *r, const struct entry *want, char *now,
                                size_t size)
{
    struct setting s;
    if (!read_shown(r, want->name, &s))
        return want->present ? MANUAL_WAITING : MANUAL_IN_FORCE;
    text_copy(now, size, s.shown[0] ? s.shown : s.value);
    if (hidden(&s))
        return runs(&s, want) ? MANUAL_IN_FORCE : MANUAL_HIDDEN;
    if (s.pending_restart)
        return MANUAL_RESTART;
    return runs(&s, want) ? MANUAL_IN_FORCE : MANUAL_WAITING;
}

/* How many are in force. */
static int see_all(struct apply *a, const struct rows *r)
{
    int n, done = 0;
    const struct entry *items = asked(a, &n);
    for (int i = 0; i < n; i++) {
        a->manual.seen[i] = (int)see_one(r, &items[i], a->manual.now[i], sizeof a->manual.now[i]);
        done += a->manual.seen[i] == MANUAL_IN_FORCE;
    }
    return done;
}

/* Nothing of what was asked for has been done: each value is the one from before, and none is on its way. */
static bool untouched(const struct apply *a, const struct rows *r)
{
    for (int i = 0; i < a->n; i++) {
        struct setting s;
        if (read_shown(r, a->before[i].name, &s) &&
            (!runs(&s, &a->before[i]) || (apply_is_manual(a) && s.pending_restart)))
            return false;
    }
    return true;
}

static const char unverified[] = "the connection was lost before the undo could be verified";

static void declined(struct apply *a, const struct rows *r, struct effects *fx)
{
    a->manual.declined = false;
    if (a->env.connect)
        effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    err_set(&a->fault, ERR_CANCELLED, "declined by the DBA");
    if (a->undoing) {
        if (a->step == M_LINK)
            err_set(&a->fault, ERR_LOST, unverified);
        else
            err_set(&a->fault, ERR_CANCELLED, "the change was not taken back");
        apply_stuck(a, fx);
        return;
    }
    if (only_restart(a)) { /* ALTER SYSTEM was ours: so is its undo */
        apply_fail(a, fx);
        return;
    }
    a->err = a->fault;
    if (r && untouched(a, r)) {
        apply_result_failed(a, fx);
        return;
    }
    a->undoing = true;
    a->sent = a->n;
    apply_manual_begin(a, fx);
}

/* Everything is in force, and nobody can say on which server. Somebody who waits waits for the connection, too. */
static void without_link(struct apply *a, struct effects *fx)
{
    a->step = M_LINK;
    a->waiting = 0;
    if (a->manual.declined) {
        declined(a, NULL, fx);
    } else if (!a->env.wait && a->undoing) {
        err_set(&a->fault, ERR_LOST, unverified);
        apply_stuck(a, fx);
    } else if (!a->env.wait) {
        apply_asked(a, fx);
    }
}

static void all_there(struct apply *a, struct effects *fx)
{
    if (a->env.connect)
        effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    apply_note(a, "everything is in force: looking who answers");
    a->manual.vain = 0;
    a->step = M_WHO;
    if (a->link_up)
        apply_identity_ask(a, fx);
    else
        without_link(a, fx);
}

/* Another look later, or, where nobody waits, the end. */
static void not_yet(struct apply *a, struct effects *fx)
{
    if (a->env.wait) {
        pause_then_look(a, fx);
        return;
    }
    if (!a->undoing) {
        apply_asked(a, fx);
        return;
    }
    if (a->env.connect)
        effects_add(fx, FX_PG_CLOSE, apply_req(a))->u.pg.conn = CONN_BENCH;
    err_set(&a->fault, ERR_CANCELLED, "a part of the change is in force, and it was given up");
    apply_stuck(a, fx);
}

/* A look that has brought nothing. What is declined is judged without one in the end. */
static void in_vain(struct apply *a, const char *why, struct effects *fx)
{
    text_copy(a->manual.trouble, sizeof a->manual.trouble, why);
    if (a->manual.declined && a->manual.vain++ >= M_CONNECT_TRIES)
        declined(a, NULL, fx);
    else
        not_yet(a, fx);
}

static void seen(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->err.code != ERR_NONE || !ev->rows) {
        in_vain(a, ev->err.msg, fx);
        return;
    }
    a->manual.trouble[0] = '\0';
    a->manual.looks++;
    int done = see_all(a, ev->rows);
    if (a->manual.declined) {
        declined(a, ev->rows, fx);
    } else if (done == a->n) {
        all_there(a, fx);
    } else {
        not_yet(a, fx);
    }
}

/* A server that answers too late is asked again: for ever where somebody waits, else a few times. */
static bool asks_on(struct apply *a)
{
    return (a->env.wait && !a->manual.declined) || a->manual.vain++ < M_CONNECT_TRIES;
}

static void who(struct apply *a, const struct event *ev, struct effects *fx)
{
    struct err e = {0};
    int same = apply_identity(a, ev, &e, fx);
    if (same == 0)
        return;
    if (same < 0 && e.code == ERR_TIMEOUT && a->link_up && asks_on(a)) {
        apply_identity_ask(a, fx);
        return;
    }
    if (same < 0 && (e.code == ERR_LOST || e.code == ERR_TIMEOUT)) {
        a->link_up &= e.code == ERR_TIMEOUT;
        without_link(a, fx);
        return;
    }
    if (same < 0) {
        a->fault = e;
        apply_stuck(a, fx);
        return;
    }
    a->restarted = a->now.postmaster_start_us != a->postmaster_us;
    a->postmaster_us = a->now.postmaster_start_us;
    log_line(LOG_INFO, "apply \"%s\": made by the DBA within %.0f s", a->goal.label,
             (double)(a->now_us - a->manual.since_us) / 1e6);
    apply_verified(a, fx);
}

void apply_manual_link(struct apply *a, struct effects *fx)
{
    if (a->link_up && a->step == M_LINK) {
        a->step = M_WHO;
        apply_identity_ask(a, fx);
    } else if (!a->link_up && a->step == M_WHO) {
        without_link(a, fx);
    }
}

void apply_manual_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    struct buf sql = {0};
    int n;
    switch (ev->kind) {
    case EV_PG_UP:
        if (a->step == M_CONNECT) {
            const struct entry *items = asked(a, &n);
            struct req req = apply_req(a);
            a->step = M_ASK;
            a->waiting = req.id;
            apply_sql_verify(items, n, &sql);
            fx_sql(fx, req, CONN_BENCH, buf_text(&sql), APPLY_SQL_MS);
            buf_clear(&sql);
        }
        break;
    case EV_PG_DOWN:
        if (a->step != M_CONNECT && a->step != M_ASK)
            break;
        in_vain(a, ev->err.msg, fx);
        break;
    case EV_PG_RESULT:
        if (a->step == M_ASK)
            seen(a, ev, fx);
        else if (a->step == M_WHO)
            who(a, ev, fx);
        break;
    case EV_TIMER:
        if (a->step == M_PAUSE)
            look(a, fx);
        break;
    default:
        break;
    }
}

/* -- the DBA's answers --------------------------------------------------------------------------------------- */

void apply_look_now(struct apply *a, struct effects *fx)
{
    if (apply_waits(a) && a->step == M_PAUSE)
        look(a, fx);
}

void apply_decline(struct apply *a, struct effects *fx)
{
    if (!apply_waits(a))
        return;
    a->manual.declined = true;
    a->manual.vain = 0;
    if (a->step == M_PAUSE)
        look(a, fx);
    else if (a->step == M_LINK)
        declined(a, NULL, fx);
}
