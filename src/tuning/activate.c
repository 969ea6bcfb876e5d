/* How a change becomes effective: a reload, or a restart by the script or by the DBA's own command, and the way back to a
 * connection after it. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/log.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply_parts.h"
#include "pgd/tuning/knobs.h"

/* Steps of RESTART: the checkpoint that shortens the blackout; a pause between two looks at the report; a look; the DBA's
 * command runs. Steps of RECONNECT: the link is awaited; who answers is asked; the rescue before the command runs again. */
enum { R_CHECKPOINT, R_PAUSE, R_LOOK, R_COMMAND };
enum { L_LINK, L_IDENTITY, L_RESCUE, L_RECOVER };
enum { REPORT_MAX = 4096, LOOKS_MAX = 5, STARTS_MAX = 3 };

bool apply_script_possible(const struct apply *a)
{
    return restart_script_possible(&a->env.facts->id);
}

struct effect *apply_script(const struct identity *id, const char *mode, const char *token,
                            unsigned flags, struct req req, struct effects *fx)
{
    return restart_script(id, RESTART_WAY_NONE, mode, token, flags, req, fx);
}

/* What a supervisor starts is not started by us, but it gets its old settings back. */
void apply_recover(const struct identity *id, struct req req, struct effects *fx)
{
    struct restart_choice by;
    restart_choose(id, RESTART_AUTO, "", &by);
    const char *mode = by.way == RESTART_WAY_NONE ? "rescue" : "recover";
    restart_script(id, by.way, mode, "recover", CHILD_COLLECT, req, fx)->changes_server = true;
}

void apply_report_field(const char *text, const char *name, char *dst, size_t size)
{
    text_field(text ? text : "", name, dst, size);
}

/* -- reload ------------------------------------------------------------------------------------------- */

void apply_reload_begin(struct apply *a, struct effects *fx)
{
    apply_enter(a, APPLY_RELOAD);
    apply_note(a, "reloading the configuration");
    apply_sql(a, "SELECT pg_catalog.pg_reload_conf() AS sent", APPLY_SQL_MS, fx);
    fx->items[fx->n - 1].changes_server = true;
    fx->items[fx->n - 1].after_journal = a->intent_no;
}

void apply_reload_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (!apply_answered(a, ev, "sent", fx))
        return;
    if (!rows_bool(ev->rows, 0, "sent", true)) {
        err_set(&a->fault, ERR_VERIFY, "the server could not be told to reload");
        apply_fail(a, fx);
        return;
    }
    apply_verify_begin(a, fx);
}

/* -- restart ------------------------------------------------------------------------------------------ */

/* Every restart of a switch has its own: a report of the one before is not taken for it. */
static void token_of(const struct apply *a, char *dst, size_t size)
{
    snprintf(dst, size, "%llu.%u.%d", (unsigned long long)a->intent_no, a->generation, a->restarts);
}

static void run_command(struct apply *a, struct effects *fx)
{
    const char *argv[] = {a->env.restart_command ? a->env.restart_command : "", NULL};
    struct req req = apply_req(a);
    struct effect *e = fx_child(fx, req, argv, CHILD_COLLECT);
    e->changes_server = true;
    e->after_journal = a->intent_no;
    a->child = req.id;
    a->step = R_COMMAND;
    apply_note(a, "running the restart command");
    apply_timer(a, APPLY_COMMAND_MS, fx);
}

static bool over_ssh(const struct apply *a)
{
    return a->env.facts->id.over_ssh;
}

static void pause_look(struct apply *a, struct effects *fx)
{
    a->step = R_PAUSE;
    apply_timer(a, over_ssh(a) ? APPLY_POLL_SSH_MS : APPLY_POLL_MS, fx);
}

/* Started once more with the same token the script does nothing if it has run already. */
static void start_script(struct apply *a, struct effects *fx)
{
    char token[64];
    token_of(a, token, sizeof token);
    struct req req = apply_req(a);
    struct effect *e = restart_script(&a->env.facts->id, a->env.way, "restart", token,
                                      CHILD_DETACHED, req, fx);
    e->changes_server = true;
    e->after_journal = a->intent_no;
    a->child = req.id;
    a->reports = 0;
    a->starts++;
    a->host.unsure = false;
    apply_note(a, "restarting the server");
    pause_look(a, fx);
}

static void launch(struct apply *a, struct effects *fx)
{
    memset(&a->fault, 0, sizeof a->fault);
    a->restarts++;
    a->starts = 0;
    a->restart_at_us = a->now_us;
    if (a->env.way == RESTART_WAY_COMMAND)
        run_command(a, fx);
    else
        start_script(a, fx);
}

void apply_restart_begin(struct apply *a, struct effects *fx)
{
    apply_enter(a, APPLY_RESTART);
    if (a->env.way == RESTART_WAY_NONE ||
        (restart_by_script(a->env.way) && !apply_script_possible(a))) {
        err_set(&a->fault, ERR_REFUSED, "a restart is needed and no way to restart is known");
        apply_fail(a, fx);
        return;
    }
    /* Without the right each try would be an error in the server's log. */
    const struct rights *rights = &a->env.facts->rights;
    if (!a->link_up || !(rights->checkpoint || rights->superuser)) {
        launch(a, fx);
        return;
    }
    a->step = R_CHECKPOINT;
    apply_note(a, "checkpoint before the restart");
    apply_sql(a, "CHECKPOINT", APPLY_CHECKPOINT_MS, fx);
    fx->items[fx->n - 1].changes_server = true;
    fx->items[fx->n - 1].after_journal = a->intent_no;
}

static void look(struct apply *a, struct effects *fx)
{
    struct buf path = {0};
    struct req req = apply_req(a);
    a->waiting = req.id;
    a->step = R_LOOK;
    if (over_ssh(a) || strcmp(a->env.facts->id.access, "sudo") == 0) {
        apply_script(&a->env.facts->id, "look", "", CHILD_COLLECT, req, fx);
        return;
    }
    buf_printf(&path, "%s/pg_diagnose.report", a->env.facts->id.data_directory);
    fx_file(fx, req, FILE_READ, buf_text(&path))->u.file.max_bytes = REPORT_MAX;
    buf_clear(&path);
}

/* The report has no end. alive: the script runs; else nobody will write one. */
static void silent(struct apply *a, bool alive, struct effects *fx)
{
    bool late = a->now_us - a->restart_at_us > APPLY_START_MS * 1000LL;
    if (a->child || (alive && !late) || a->reports++ < LOOKS_MAX) {
        pause_look(a, fx);
        return;
    }
    if (a->host.unsure && a->starts < STARTS_MAX) {
        log_line(LOG_WARN, "restart: the ssh link was lost before the script began: once more");
        start_script(a, fx);
        return;
    }
    if (a->fault.code != ERR_NONE) {
        apply_fail(a, fx);
        return;
    }
    /* It ended in peace, but its report cannot be read: the connection will tell. */
    apply_reconnect_begin(a, fx);
}

static void restored(struct apply *a, struct effects *fx)
{
    a->restored = a->restarted = true;
    a->restart_s = (double)(a->now_us - a->restart_at_us) / 1e6;
    err_set(&a->fault, ERR_VERIFY, "the server did not start with these settings");
    err_detail(&a->fault, "%.480s", a->log_line);
    err_hint(&a->fault, "postgresql.auto.conf was put back and the server is up again.");
    log_line(LOG_WARN, "restart: the old settings were put back, the server was away for %.1f s",
             a->restart_s);
    if (a->undoing)
        apply_reconnect_begin(a, fx);
    else
        apply_fail(a, fx);
}

/* huge_pages=try is in force whether there were any or not; what came of it is said. */
static void check_huge_pages(struct apply *a, const char *text)
{
    char used[8];
    int n;
    const struct entry *items = apply_wanted(a, &n);
    apply_report_field(text, "huge_pages", used, sizeof used);
    for (int i = 0; i < n; i++) {
        if (strcmp(items[i].name, "huge_pages") != 0 || strcmp(used, "no") != 0 ||
            !items[i].present || strcmp(items[i].value, "try") != 0)
            continue;
        size_t at = strlen(a->others);
        snprintf(a->others + at, sizeof a->others - at,
                 "%shuge_pages = try: the system has given none, so the memory lies in ordinary "
                 "pages",
                 at ? "; " : "");
        log_line(LOG_WARN, "apply \"%s\": %s", a->goal.label, a->others + at);
    }
}

static void report(struct apply *a, const char *text, struct effects *fx)
{
    char token[64], id[64], state[32], note[200];
    token_of(a, token, sizeof token);
    apply_report_field(text, "id", id, sizeof id);
    apply_report_field(text, "state", state, sizeof state);
    apply_report_field(text, "note", note, sizeof note);
    char script[16];
    apply_report_field(text, "script", script, sizeof script);
    bool alive = strcmp(script, "alive") == 0;
    if (strcmp(id, token) != 0) {
        silent(a, alive, fx);
        return;
    }
    a->host.unsure = false;
    if (note[0])
        apply_note(a, "%s", note);
    if (strcmp(state, "restored") == 0 || strcmp(state, "down") == 0)
        apply_report_field(text, "log", a->log_line, sizeof a->log_line);
    if (strcmp(state, "up") == 0) {
        check_huge_pages(a, text);
        apply_reconnect_begin(a, fx);
    } else if (strcmp(state, "restored") == 0) {
        restored(a, fx);
    } else if (strcmp(state, "down") == 0) {
        err_set(&a->fault, ERR_VERIFY, "the server is down: %.200s", note);
        err_detail(&a->fault, "%.480s", a->log_line);
        apply_stuck(a, fx);
    } else if (strcmp(state, "refused") == 0) {
        err_set(&a->fault, ERR_CHILD, "the restart was refused: %.200s", note);
        apply_fail(a, fx);
    } else {
        silent(a, alive, fx);
    }
}

static void script_ended(struct apply *a, const struct event *ev)
{
    a->child = 0;
    if (apply_host_lost(a, ev)) {
        a->host.unsure = true; /* its report will tell, when somebody can look at it again */
        return;
    }
    if (ev->err.code != ERR_NONE)
        a->fault = ev->err;
    else if (ev->u.child.status != 0 || ev->u.child.signal != 0)
        err_set(&a->fault, ERR_CHILD, "the restart script ended with %d",
                ev->u.child.signal ? 128 + ev->u.child.signal : ev->u.child.status);
}

static void command_ended(struct apply *a, const struct event *ev, struct effects *fx)
{
    a->child = 0;
    apply_timer_stop(a, fx);
    if (ev->err.code != ERR_NONE)
        a->fault = ev->err;
    else if (ev->u.child.signal != 0)
        err_set(&a->fault, ERR_CHILD, "the restart command was ended after %d s",
                APPLY_COMMAND_MS / 1000);
    else if (ev->u.child.status != 0)
        err_set(&a->fault, ERR_CHILD, "the restart command ended with %d", ev->u.child.status);
    apply_reconnect_begin(a, fx);
}

static void looked(struct apply *a, const struct event *ev, struct effects *fx)
{
    /* Where the server answers it is asked instead of a host that does not. */
    bool enough = a->link_up && a->host.lost_us &&
                  a->now_us - a->host.lost_us > a->env.link_ms * 1000LL;
    if (!enough && apply_host_wait(a, ev, fx))
        return;
    if (ev->err.code == ERR_NONE)
        report(a, ev->text ? ev->text : "", fx);
    else if (apply_host_lost(a, ev)) /* long enough: the server itself is asked */
        apply_reconnect_begin(a, fx);
    else
        silent(a, false, fx);
}

void apply_restart_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_PG_RESULT && a->step == R_CHECKPOINT) {
        /* Without the right, or without a link, the shutdown's own checkpoint takes longer: that is all. */
        if (ev->err.code == ERR_LOST)
            a->link_up = false;
        if (ev->err.code == ERR_REFUSED) {
            a->fault = ev->err;
            apply_fail(a, fx);
            return;
        }
        launch(a, fx);
    } else if (ev->kind == EV_TIMER && a->step == R_COMMAND) {
        effects_add(
            fx, FX_CHILD_KILL,
            (struct req){.owner = OWNER_APPLY, .generation = a->generation, .id = a->child});
    } else if (ev->kind == EV_TIMER) {
        apply_host_again(a);
        look(a, fx);
    } else if (a->step == R_LOOK && ev->req.id == a->waiting) {
        looked(a, ev, fx);
    } else if (ev->kind == EV_CHILD_EXIT && a->step == R_COMMAND) {
        command_ended(a, ev, fx);
    } else if (ev->kind == EV_CHILD_EXIT) {
        script_ended(a, ev);
    }
}

/* -- the connection ----------------------------------------------------------------------------------- */

static void ask_who(struct apply *a, struct effects *fx)
{
    a->step = L_IDENTITY;
    apply_identity_ask(a, fx);
}

/* Where this switch changes who may connect, and how, that is the reason when nobody can. */
static bool may_lock_out(const struct apply *a)
{
    for (int i = 0; i < a->n; i++)
        if (danger_find(a->to[i].name) == REFUSE_LOCKOUT)
            return true;
    return false;
}

/* Our own way to the server may be cut, and no more. */
static bool way_may_be_cut(const struct apply *a)
{
    return over_ssh(a) && !may_lock_out(a);
}

/* A server of this machine that says that it is ready answers soon or never; to another one the way may be cut. */
int apply_link_ms(const struct apply *a)
{
    bool rescue = a->saved && !a->rerun && a->env.way != RESTART_WAY_COMMAND && !way_may_be_cut(a);
    return rescue && a->env.link_ms > APPLY_READY_MS ? APPLY_READY_MS : a->env.link_ms;
}

static void await_link(struct apply *a, struct effects *fx)
{
    a->step = L_LINK;
    apply_timer(a, apply_link_ms(a), fx);
}

void apply_reconnect_begin(struct apply *a, struct effects *fx)
{
    apply_enter(a, APPLY_RECONNECT);
    apply_note(a, "waiting for the connection");
    await_link(a, fx);
    if (a->link_up)
        ask_who(a, fx);
}

static void reconnected(struct apply *a, struct effects *fx)
{
    apply_timer_stop(a, fx);
    if (a->now.postmaster_start_us == a->postmaster_us) {
        if (a->fault.code == ERR_NONE)
            err_set(&a->fault, ERR_VERIFY, "the server was not restarted");
        apply_fail(a, fx);
        return;
    }
    if (a->fault.code != ERR_NONE && !a->undoing)
        log_line(LOG_WARN, "restart: %s, but the server has restarted", a->fault.msg);
    a->postmaster_us = a->now.postmaster_start_us;
    a->restarted = true;
    a->restart_s = (double)(a->now_us - a->restart_at_us) / 1e6;
    log_line(LOG_INFO, "restart: the server was away for %.1f s", a->restart_s);
    apply_verify_begin(a, fx);
}

static void who_answered(struct apply *a, const struct event *ev, struct effects *fx)
{
    struct err e = {0};
    int same = apply_identity(a, ev, &e, fx);
    if (same == 0)
        return;
    if (same > 0) {
        reconnected(a, fx);
    } else if (e.code == ERR_TIMEOUT && a->link_up) {
        ask_who(a, fx); /* it is busy, and the link's timer still runs */
    } else if (e.code == ERR_LOST || e.code == ERR_TIMEOUT) {
        a->link_up = false;
        a->step = L_LINK;
    } else {
        a->fault = e;
        apply_stuck(a, fx);
    }
}

bool apply_full(const struct err *e)
{
    static const char *const texts[] = {"too many clients", "remaining connection slots",
                                        "starting up", "shutting down", "recovery mode"};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (strstr(e->msg, texts[i]) || strstr(e->detail, texts[i]))
            return true;
    return false;
}

bool apply_server_spoke(const struct err *e)
{
    return e->code == ERR_PASSWORD ||
           (e->code == ERR_CONNECT && (strstr(e->msg, "FATAL:") || strstr(e->detail, "FATAL:")));
}

/* Over ssh the way to the server may be cut for us alone (a tunnel, a firewall) while everybody else works there: as long as
 * it has not said itself that it lets nobody in, a server that takes sessions is not restarted. */
bool apply_rescue(struct apply *a, struct effects *fx)
{
    bool spare = way_may_be_cut(a) && a->restart && !a->spoke;
    if (!a->saved || a->rerun || !apply_script_possible(a))
        return false;
    a->rescuing_undo = a->phase == APPLY_UNDO;
    apply_enter(a, APPLY_RECONNECT);
    apply_note(a, spare ? "no connection: looking after the server by ssh"
                        : "nobody can connect: putting postgresql.auto.conf back");
    struct req req = apply_req(a);
    a->step = L_RESCUE;
    a->child = req.id;
    apply_script(&a->env.facts->id, spare ? "revive" : "rescue", "rescue", CHILD_COLLECT, req, fx)
        ->changes_server = true;
    return true;
}

/* The server is given time to answer again, then it is rescued. */
static void rescue_later(struct apply *a, struct effects *fx)
{
    if (a->rescuing_undo) {
        apply_undo_begin(a, fx);
        return;
    }
    await_link(a, fx);
    if (a->link_up) /* it came up while the script ran */
        ask_who(a, fx);
}

/* Nobody runs a server that was down before it could be restarted: it is started with the old settings. */
static void recover_server(struct apply *a, struct effects *fx)
{
    struct req req = apply_req(a);
    a->step = L_RECOVER;
    a->child = req.id;
    apply_note(a, "starting the server with its old settings");
    restart_script(&a->env.facts->id, a->env.way, "recover", "recover", CHILD_COLLECT, req, fx)
        ->changes_server = true;
}

/* Nobody answers: the server has exited after the DBA's own command, or it runs and lets nobody in. */
static void unreachable(struct apply *a, struct effects *fx)
{
    if (apply_rescue(a, fx))
        return;
    if (a->fault.code == ERR_NONE)
        err_set(&a->fault, ERR_TIMEOUT, "no connection within %d s after the restart",
                a->env.link_ms / 1000);
    apply_stuck(a, fx);
}

/* It takes sessions, and no word of it reaches us: what follows is the DBA's. */
static void runs_without_us(struct apply *a, struct effects *fx)
{
    a->cut_off = true;
    err_set(&a->fault, ERR_TIMEOUT,
            "the server takes sessions, and there is no connection to it from here");
    err_hint(&a->fault, "Look at the way to it: a tunnel, a firewall, the network. It was not "
                        "restarted again; the next start looks at what stands there.");
    apply_stuck(a, fx);
}

static void rescued(struct apply *a, const struct event *ev, struct effects *fx)
{
    char state[32], server[8];
    a->child = 0;
    if (apply_host_wait(a, ev, fx)) {
        apply_host_again(a); /* with more patience than that timer's */
        rescue_later(a, fx);
        apply_note(a, "waiting for ssh to the server's host");
        return;
    }
    apply_report_field(ev->text ? ev->text : "", "state", state, sizeof state);
    apply_report_field(ev->text ? ev->text : "", "server", server, sizeof server);
    if (strcmp(state, "starting") == 0) {
        apply_note(a, "the server is still starting");
        rescue_later(a, fx);
        return;
    }
    if (strcmp(state, "up") == 0) {
        runs_without_us(a, fx);
        return;
    }
    a->rerun = true;
    if (a->err.code == ERR_NONE && a->env.way == RESTART_WAY_COMMAND) {
        err_set(&a->err, ERR_VERIFY, "the server did not come back after the restart command");
        err_hint(&a->err, "postgresql.auto.conf was put back and the command was run again.");
    } else if (a->err.code == ERR_NONE) {
        err_set(&a->err, ERR_VERIFY, "with these settings nobody can connect to the server");
        err_hint(&a->err, "postgresql.auto.conf was put back.");
    }
    if (strcmp(state, "restored") != 0) {
        err_set(&a->fault, ERR_TIMEOUT, "the server cannot be reached and was not rescued (%s)",
                state[0]         ? state
                : ev->err.msg[0] ? ev->err.msg
                                 : "no answer");
        apply_stuck(a, fx);
        return;
    }
    a->restored = true;
    bool down = strcmp(server, "down") == 0 && restart_by_script(a->env.way);
    if (!a->restart && !down) {
        apply_undo_begin(a, fx);
        return;
    }
    a->undoing = true;
    if (down) {
        apply_enter(a, APPLY_RECONNECT);
        recover_server(a, fx);
        return;
    }
    apply_enter(a, APPLY_RESTART);
    launch(a, fx);
}

static void recovered(struct apply *a, const struct event *ev, struct effects *fx)
{
    char state[32];
    a->child = 0;
    if (apply_host_wait(a, ev, fx))
        return;
    apply_report_field(ev->text ? ev->text : "", "state", state, sizeof state);
    apply_report_field(ev->text ? ev->text : "", "log", a->log_line, sizeof a->log_line);
    if (strcmp(state, "up") == 0 || strcmp(state, "restored") == 0) {
        apply_reconnect_begin(a, fx);
        return;
    }
    err_set(&a->fault, ERR_VERIFY, "the server is down");
    err_detail(&a->fault, "%.480s", a->log_line);
    apply_stuck(a, fx);
}

void apply_reconnect_event(struct apply *a, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_PG_UP) {
        if (a->step == L_LINK)
            ask_who(a, fx);
    } else if (ev->kind == EV_PG_DOWN) {
        if (a->step == L_IDENTITY && a->waiting == 0)
            a->step = L_LINK;
        if (a->step == L_LINK && apply_full(&ev->err))
            await_link(a, fx); /* there is somebody; we only have to wait for our turn */
    } else if (ev->kind == EV_PG_RESULT) {
        who_answered(a, ev, fx);
    } else if (ev->kind == EV_TIMER && apply_host_again(a) && a->step == L_RECOVER) {
        recover_server(a, fx);
    } else if (ev->kind == EV_TIMER) {
        unreachable(a, fx);
    } else if (ev->kind == EV_CHILD_EXIT && a->step == L_RESCUE) {
        rescued(a, ev, fx);
    } else if (ev->kind == EV_CHILD_EXIT && a->step == L_RECOVER) {
        recovered(a, ev, fx);
    }
}
