/* claim.c - see claim.h. One small machine; the statements go over CONN_CONTROL, one after the other. */
#include "pgd/app/claim.h"

#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/links.h"
#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/tuning/others.h"

/* Longer than the server needs to notice by its keepalives (links.c) that a former session of ours is cut off. */
enum { CLAIM_MS = 5000, AGAIN_MS = 1000, AGAIN_MAX = 40, LATE_MAX = 12 };

/* The two numbers are also in sql/tuners.sql. An advisory lock counts in one database only; that is why others are looked
 * for as well. */
static const char lock_sql[] =
    "SELECT pg_catalog.pg_try_advisory_lock(1885824105, 1634168431) AS got";
/* All: a question that was asked again because its answer was late may have taken the lock twice. This session has no other. */
static const char unlock_sql[] = "SELECT pg_catalog.pg_advisory_unlock_all()";

static const char *asset(const char *name)
{
    const struct asset *a = asset_find(name);

    if (!a)
        die("the asset %s is missing", name);
    return (const char *)a->data;
}

static struct req next_req(struct claim *c)
{
    return (struct req){OWNER_CLAIM, c->generation, ++c->waiting};
}

static void ask(struct model *m, enum claim_state state, const char *sql, struct effects *fx)
{
    m->claim.state = state;
    m->claim.asked = m->claim.asked || state == CLAIM_LOCK;
    fx_sql(fx, next_req(&m->claim), CONN_CONTROL, sql, CLAIM_MS);
}

static const char *sql_of(enum claim_state state)
{
    switch (state) {
    case CLAIM_IDENTITY:
        return asset("sql/identity.sql");
    case CLAIM_CONTROL:
        return asset("sql/control.sql");
    case CLAIM_LOCK:
        return lock_sql;
    case CLAIM_TUNERS:
        return asset("sql/tuners.sql");
    case CLAIM_FILES:
        return others_sql();
    case CLAIM_HBA:
        return others_hba_sql();
    default:
        return NULL;
    }
}

static void start(struct model *m, struct effects *fx)
{
    struct claim *c = &m->claim;

    c->generation++;
    c->tries = c->late = 0;
    c->got = c->asked = false;
    err_clear(&c->err);
    memset(&c->now, 0, sizeof c->now);
    if (m->links[CONN_CONTROL].state == LINK_UP)
        ask(m, CLAIM_IDENTITY, asset("sql/identity.sql"), fx);
    else
        c->state = CLAIM_AWAY;
}

void claim_begin(struct model *m, enum claim_then then, struct effects *fx)
{
    m->screen.dialog.kind = DIALOG_NONE;
    m->claim.then = then;
    m->claim.former_pid = 0;
    start(m, fx);
}

void claim_link(struct model *m, const struct event *ev, struct effects *fx)
{
    struct claim *c = &m->claim;

    if (c->state == CLAIM_NONE || c->state == CLAIM_REFUSED)
        return;
    if (ev->kind == EV_PG_UP) {
        start(m, fx);
        return;
    }
    c->generation++;
    c->state = CLAIM_AWAY;
    c->former_pid = m->links[CONN_CONTROL].backend_pid;
}

bool claim_ready(const struct model *m)
{
    return m->claim.state == CLAIM_NONE || m->claim.state == CLAIM_HELD;
}

/* ---- answers ---- */

static void refuse_pooler(struct model *m)
{
    struct err *e = &m->claim.err;
    const struct identity *id = &m->claim.now;

    err_set(e, ERR_CONNECT, "the connection goes through a pooler");
    err_detail(e,
               "It answers at %s port %s, and another program stands between it and the server: "
               "what is set in a "
               "session would leak to others, and a benchmark would measure the pooler, too.",
               m->links[CONN_CONTROL].host, m->links[CONN_CONTROL].port);
    err_hint(e, "Connect to the server itself: as the pooler sees it, that is %s%s port %d.",
             id->server_addr[0] ? "host " : "a socket, ", id->server_addr, id->server_port);
}

static void refuse_holder(struct model *m, const struct rows *r)
{
    struct err *e = &m->claim.err;
    const char *pid = rows_text(r, 0, "pid"), *from = rows_text(r, 0, "client_addr");
    const char *app = rows_text(r, 0, "application"), *role = rows_text(r, 0, "role");
    const char *db = rows_text(r, 0, "database");

    if (m->claim.former_pid && rows_int64(r, 0, "pid", 0) == m->claim.former_pid) {
        err_set(e, ERR_BUSY, "the server still holds our own former session, backend %s", pid);
        err_detail(e, "The connection to it was cut, and the server has not noticed that yet.");
        err_hint(e, "Wait for its end, or end it: SELECT pg_terminate_backend(%s);", pid);
        return;
    }
    err_set(e, ERR_BUSY, "another pg_diagnose tunes this server: backend %s", pid ? pid : "?");
    err_detail(e, "It is %.60s of role %.60s in database %.60s, from %.60s.",
               app && *app ? app : "a program without a name", role ? role : "?", db ? db : "?",
               from ? from : "a socket of the server's machine");
    err_hint(e, "Wait for its end. Until then this one only looks.");
}

static void again(struct model *m, struct effects *fx)
{
    m->claim.tries++;
    m->claim.state = CLAIM_PAUSE;
    fx_timer(fx, next_req(&m->claim), AGAIN_MS);
}

static void identity_answered(struct model *m, const struct rows *r, struct effects *fx)
{
    struct claim *c = &m->claim;

    identity_read(r, &c->now);
    if (c->now.version_num == 0) {
        err_set(&c->err, ERR_FORMAT, "the server does not say which one it is");
        c->state = CLAIM_REFUSED;
    } else if (m->links[CONN_CONTROL].pooled) {
        refuse_pooler(m);
        c->state = CLAIM_REFUSED;
    } else {
        ask(m, CLAIM_CONTROL, asset("sql/control.sql"), fx);
    }
}

static void control_answered(struct model *m, const struct rows *r, struct effects *fx)
{
    struct claim *c = &m->claim;
    char why[240];

    identity_read_control(r, &c->now);
    if (!identity_same(&m->pinned, &c->now, why, sizeof why)) {
        err_set(&c->err, ERR_REFUSED, "this is not the server that was looked at: %s", why);
        err_detail(&c->err, "Nothing was changed there.");
        err_hint(&c->err,
                 "With several hosts a reconnect can land on another node: name one of them.");
        c->state = CLAIM_REFUSED;
    } else if (c->now.standby) {
        err_set(&c->err, ERR_REFUSED, "the server is a standby");
        err_detail(&c->err, "It takes ALTER SYSTEM, but not for its primary.");
        err_hint(&c->err, "Connect to the primary (target_session_attrs=read-write).");
        c->state = CLAIM_REFUSED;
    } else {
        ask(m, CLAIM_LOCK, lock_sql, fx);
    }
}

/* What others have left unfinished, as far as our role may read it: a try would be an error in the server's log. */
static void look_at_hba(struct model *m, struct effects *fx)
{
    if (m->server.rights.hba_rules || m->server.rights.superuser)
        ask(m, CLAIM_HBA, others_hba_sql(), fx);
    else
        m->claim.state = CLAIM_HELD;
}

static void look_at_files(struct model *m, struct effects *fx)
{
    if (m->server.rights.file_settings || m->server.rights.superuser)
        ask(m, CLAIM_FILES, others_sql(), fx);
    else
        look_at_hba(m, fx);
}

/* After a cut network the server may take a while to notice that our former session is gone. */
static void tuners_answered(struct model *m, const struct rows *r, struct effects *fx)
{
    struct claim *c = &m->claim;
    bool other = r->nrows > 0;
    int64_t pid = other ? rows_int64(r, 0, "pid", 0) : 0;

    if (!other && c->got && c->then == CLAIM_THEN_PLAN) {
        look_at_files(m, fx);
    } else if (!other && c->got) {
        c->state = CLAIM_HELD;
    } else if ((!other || pid == c->former_pid) && c->tries < AGAIN_MAX) {
        again(m, fx);
    } else if (other) {
        refuse_holder(m, r);
        c->state = CLAIM_REFUSED;
    } else {
        err_set(&c->err, ERR_BUSY, "the lock for tuning this server cannot be had");
        c->state = CLAIM_REFUSED;
    }
}

/* Somebody else's unfinished edit: a reload would do nothing, a restart might be the last. */
static void files_answered(struct model *m, const struct event *ev, struct effects *fx)
{
    struct claim *c = &m->claim;
    bool hba = c->state == CLAIM_HBA;
    bool ok = ev->err.code != ERR_NONE || !ev->rows ||
              (hba ? others_hba_errors(ev->rows, &c->err)
                   : others_errors(ev->rows, &m->session.ledger, &c->err));

    if (!ok)
        c->state = CLAIM_REFUSED;
    else if (hba)
        c->state = CLAIM_HELD;
    else
        look_at_hba(m, fx);
}

void claim_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct claim *c = &m->claim;
    const struct rows *r = ev->rows;

    if (ev->req.generation != c->generation || ev->req.id != c->waiting)
        return;
    m->dirty = true;
    if (ev->kind == EV_TIMER && c->state == CLAIM_PAUSE) {
        ask(m, c->got ? CLAIM_TUNERS : CLAIM_LOCK, c->got ? asset("sql/tuners.sql") : lock_sql, fx);
        return;
    }
    if (ev->kind != EV_PG_RESULT)
        return;
    if (ev->err.code == ERR_LOST)
        return; /* the link's own event follows */
    /* A server that has just started may be slow: that is no refusal. */
    if (ev->err.code == ERR_TIMEOUT && c->late++ < LATE_MAX && sql_of(c->state)) {
        ask(m, c->state, sql_of(c->state), fx);
        return;
    }
    if (c->state == CLAIM_CONTROL) { /* a role that may not read it goes without */
        control_answered(m, r, fx);
        return;
    }
    if (c->state == CLAIM_FILES || c->state == CLAIM_HBA) {
        files_answered(m, ev, fx);
        return;
    }
    if (ev->err.code != ERR_NONE || !r || r->nrows == (c->state == CLAIM_TUNERS ? -1 : 0)) {
        c->err = ev->err;
        if (ev->err.code == ERR_NONE)
            err_set(&c->err, ERR_FORMAT, "the server gave no rows");
        c->state = CLAIM_REFUSED;
        return;
    }
    if (c->state == CLAIM_IDENTITY) {
        identity_answered(m, r, fx);
    } else if (c->state == CLAIM_LOCK) {
        c->got = rows_bool(r, 0, "got", false);
        ask(m, CLAIM_TUNERS, asset("sql/tuners.sql"), fx);
    } else if (c->state == CLAIM_TUNERS) {
        tuners_answered(m, r, fx);
    }
}

/* ---- what follows ---- */

static void go_on(struct model *m, struct effects *fx)
{
    enum claim_then then = m->claim.then;

    m->claim.then = CLAIM_THEN_NOTHING;
    switch (then) {
    case CLAIM_THEN_PLAN:
        flow_plan_go(m, fx);
        break;
    case CLAIM_THEN_RESUME:
    case CLAIM_THEN_UNDO:
        flow_recover_decided(m, then == CLAIM_THEN_RESUME, fx);
        break;
    case CLAIM_THEN_NOTHING:
        break;
    }
}

/* The session cannot go on: its server is out of reach behind this connection. What it left there is said. */
static void give_up(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;
    struct err e = m->claim.err;
    struct buf undo = {0};

    bench_cancel(&m->bench, fx);
    m->fl.now.running = m->fl.now.switching = false;
    m->fl.now.hold.what = HOLD_NOTHING;
    m->screen.dialog.kind = DIALOG_NONE;
    links_close(m, CONN_BENCH, fx);
    links_close(m, CONN_QUESTIONS, fx);
    text_copy(s->end_reason, sizeof s->end_reason, e.msg);
    if (ledger_clean(&s->ledger)) {
        s->state = SESSION_PAUSED;
        flow_save(m, false, fx);
        flow_fail(m, &e, "the session", fx);
        return;
    }
    err_detail(
        &e,
        "The statements belong to the server that was tuned: system identifier %s, %s%s port %d.",
        m->pinned.system_identifier[0] ? m->pinned.system_identifier : "not known",
        m->pinned.server_addr[0] ? "address " : "by a socket,", m->pinned.server_addr,
        m->pinned.server_port);
    flow_undo_text(m, &undo);
    apply_stuck_say(&m->apply, buf_text(&undo));
    buf_clear(&undo);
    flow_enter(m, FLOW_STUCK);
    flow_end_stuck(m, &e, fx);
}

static bool switching_now(const struct model *m)
{
    return m->fl.now.switching && m->fl.now.hold.what == HOLD_NOTHING && !apply_finished(&m->apply);
}

bool claim_pump(struct model *m, struct effects *fx)
{
    struct claim *c = &m->claim;
    struct err e = c->err;
    bool answered = c->state == CLAIM_HELD || c->state == CLAIM_REFUSED;

    if (c->state == CLAIM_HELD && c->then != CLAIM_THEN_NOTHING) {
        go_on(m, fx);
    } else if (c->state == CLAIM_HELD && !model_run_active(m)) {
        c->state = CLAIM_NONE;
    } else if (c->state == CLAIM_REFUSED && c->then != CLAIM_THEN_NOTHING) {
        c->then = CLAIM_THEN_NOTHING;
        c->state = CLAIM_NONE;
        flow_fail(m, &e, "the session", fx);
    } else if (c->state == CLAIM_REFUSED && model_run_active(m) && !switching_now(m)) {
        c->state = CLAIM_NONE;
        give_up(m, fx);
    } else if (c->state != CLAIM_NONE && c->then == CLAIM_THEN_NOTHING && !model_run_active(m)) {
        c->generation++;
        c->state = CLAIM_NONE;
    } else {
        return false;
    }
    if (answered && c->asked && c->state == CLAIM_NONE) {
        c->got = c->asked = false;
        claim_unlock(m, fx);
    }
    return true;
}

const char *claim_lock_sql(void)
{
    return lock_sql;
}

void claim_unlock(struct model *m, struct effects *fx)
{
    if (m->links[CONN_CONTROL].state == LINK_UP)
        fx_sql(fx, (struct req){OWNER_CLAIM, 0, 0}, CONN_CONTROL, unlock_sql, CLAIM_MS);
}
