/* flow_open.c - from the first answer of discovery to First Sight: the workspace's folder, its lock, the
 * server's identity, the list of sessions, and what an interrupted one left behind. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/wishes.h"
#include "pgd/app/advise.h"
#include "pgd/app/advised.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_host.h"
#include "pgd/app/flow_index.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/headless.h"
#include "pgd/app/health.h"
#include "pgd/app/hypo.h"
#include "pgd/app/sessions.h"
#include "pgd/app/tree_acts.h"
#include "pgd/app/verify.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/tuning/grants.h"
#include "pgd/workspace/drift.h"
#include "pgd/workspace/kept.h"
#include "pgd/workspace/left.h"
#include "pgd/workspace/session_rows.h"
#include "pgd/workspace/store.h"

/* Steps of FLOW_WORKSPACE, in order; each waits for one answer. */
enum open_step {
    STEP_MKDIR,     /* sessions/ and with it the workspace */
    STEP_MKDIR_OUT, /* exports/ */
    STEP_LOCK,      /* held until exit; when another program holds it we only look */
    STEP_IDENTITY,  /* workspace.json: the same server as last time? */
    STEP_OWN,       /* the same of a look at the health, which opens no workspace */
    STEP_WISHES,    /* PGDIAG.md; most workspaces have none */
    STEP_INDEX,     /* the list of sessions (flow_index.c) */
    STEP_PROVED,    /* session.json of the newest ARCHIVED ones: what did they leave? */
    STEP_SESSION,   /* session.json of an interrupted session */
    STEP_JOURNAL    /* its journal */
};

static struct effect *ask(struct model *m, enum open_step step, enum file_op op, const char *rel,
                          struct effects *fx)
{
    struct buf path = {0};

    m->fl.step = (int)step;
    buf_printf(&path, "%s/%s", m->workspace.dir, rel);
    struct effect *e = fx_file(fx, flow_req(m), op, buf_text(&path));
    e->u.file.max_bytes = 16u << 20;
    buf_clear(&path);
    return e;
}

void flow_name_workspace(struct model *m)
{
    const struct link *l = &m->links[CONN_CONTROL];
    struct buf dir = {0};

    store_workspace_name(l->dbname, l->host, l->port, m->workspace.name, sizeof m->workspace.name);
    buf_printf(&dir, "%s/workspaces/%s", m->opt.home, m->workspace.name);
    text_copy_raw(m->workspace.dir, sizeof m->workspace.dir, buf_text(&dir));
    buf_clear(&dir);
}

static void emit_discovery(struct model *m, struct effects *fx)
{
    const struct server_facts *f = &m->server;
    struct line *l = line_new("discovery");
    struct buf grants = {0};

    line_text(l, "workspace", m->workspace.name);
    line_text(l, "version", f->id.version);
    line_int(l, "version_num", f->id.version_num);
    line_text(l, "system_identifier", f->id.system_identifier[0] ? f->id.system_identifier : NULL);
    line_bool(l, "standby", f->id.standby);
    line_bool(l, "local", f->id.reached && !f->id.over_ssh);
    line_text(l, "database", f->id.database);
    line_text(l, "role", f->id.role);
    line_bool(l, "superuser", f->rights.superuser);
    line_text(l, "path", m->links[CONN_CONTROL].pooled ? "pooler" : "direct");
    line_bool(l, "alter_system", f->rights.alter_system);
    line_bool(l, "reload", f->rights.reload);
    line_text(l, "grants",
              grants_script(f, m->way.platform[0] != '\0', &grants) ? buf_text(&grants) : NULL);
    buf_clear(&grants);
    line_int(l, "cpus", f->host.known ? f->host.cpus : -1);
    line_num(l, "memory_bytes", f->host.known ? f->host.mem_total : NAN);
    line_int(l, "settings", f->settings.n);
    line_int(l, "databases", f->ndatabases);
    line_int(l, "relations", f->nrelations);
    line_int(l, "missing", f->nmissing);
    line_text(l, "way", way_change_name(m->way.change));
    line_text(l, "way_why", m->way.why[0] ? m->way.why : NULL);
    line_text(l, "platform", m->way.platform[0] ? m->way.platform : NULL);
    flow_emit(m, l, fx);
    model_say(m, CHAT_EVENT, "connected to PostgreSQL %s, database %s as %s%s", f->id.version,
              f->id.database, f->id.role, f->id.standby ? " (a standby)" : "");
    for (int i = 0; i < f->nmissing; i++)
        model_say(m, CHAT_WARN, "%s", f->missing[i]);
    if (m->links[CONN_CONTROL].pooled)
        model_say(m, CHAT_WARN,
                  "a pooler stands before the server, which is at %s port %d itself: looking only, "
                  "no session",
                  f->id.server_addr[0] ? f->id.server_addr : "a socket", f->id.server_port);
    if (f->tuner[0])
        model_say(m, CHAT_WARN, "another pg_diagnose tunes this server now: %s", f->tuner);
}

void flow_open_discovered(struct model *m, struct effects *fx)
{
    m->server_known = true;
    m->pinned = m->server.id;
    m->fl.discovered_us = m->now_us;
    flow_host_telemetry(m);
    flow_name_workspace(m);
    flow_way_known(m);
    advise_know(m);
    if (verify_discovered(m, fx))
        return;
    if (m->opt.watch) {
        flow_enter(m, FLOW_WATCH);
        return;
    }
    if (m->opt
            .health) { /* nothing is kept: no lock; but what our runs made the server count is known there */
        flow_enter(m, FLOW_WORKSPACE);
        ask(m, STEP_OWN, FILE_READ, "workspace.json", fx);
        return;
    }
    emit_discovery(m, fx);
    flow_enter(m, FLOW_WORKSPACE);
    ask(m, STEP_MKDIR, FILE_MKDIR, "sessions", fx);
}

/* Without a folder to write to nothing may be changed: the dashboard works, sessions do not. */
static void only_look(struct model *m, const struct err *why, struct effects *fx)
{
    m->workspace.readonly = true;
    session_rows_clear(&m->workspace); /* which may be another server's */
    text_copy(m->workspace.holder, sizeof m->workspace.holder, why->msg);
    model_say(m, CHAT_WARN, "%s: looking only", why->msg);
    if (why->detail[0])
        model_say(m, CHAT_WARN, "%s", why->detail);
    if (why->hint[0])
        model_say(m, CHAT_WARN, "%s", why->hint);
    if (m->opt.headless) {
        struct err e = *why;
        flow_fail(m, &e, "opening the workspace", fx);
        return;
    }
    flow_sight(m, fx);
}

static void lock(struct model *m, struct effects *fx)
{
    struct buf note = {0};
    char since[40];
    struct effect *e = ask(m, STEP_LOCK, FILE_LOCK, "lock", fx);

    clock_iso(m->wall_us, since, sizeof since);
    buf_printf(&note, "process %d, pg_diagnose since %s", m->opt.pid, since);
    e->len = note.len;
    e->text = buf_take(&note);
}

/* Version and machine against what workspace.json says of the last time. */
static void compare_machine(struct model *m, const char *text, size_t len)
{
    struct server_facts *before = xcalloc(1, sizeof *before);
    struct err ignored = {0};

    m->workspace.nchanged = 0;
    if (store_workspace_facts(text, len, before, &ignored))
        drift_machine(&m->workspace, before, &m->server);
    for (int i = 0; i < m->workspace.nchanged; i++)
        model_say(m, CHAT_WARN, "%s", m->workspace.changed[i]);
    server_facts_clear(before);
    free(before);
}

/* What our runs made this server count, of earlier programs: the totals were read before it was known. */
static void own_known(struct model *m, const struct event *ev)
{
    const char *text = ev->err.code == ERR_NONE && ev->text ? ev->text : "";
    const char *now = m->server.id.system_identifier;
    struct identity before;
    struct err ignored = {0};

    memset(&m->workspace.own, 0, sizeof m->workspace.own);
    if (!store_workspace_parse(text, ev->len, &before, &ignored) || !*now ||
        strcmp(before.system_identifier, now) != 0)
        return;
    store_workspace_own(text, ev->len, &m->workspace.own);
    runtime_facts_leave_out(&m->server.runtime, &m->workspace.own, m->wall_us);
}

/* workspace.json: another server under the same name gets a folder of its own, told apart by the end of
 * its system identifier. */
static void identity(struct model *m, const struct event *ev, struct effects *fx)
{
    struct identity before;
    struct err e = {0};
    char why[200];

    m->workspace.nfloors = m->workspace.nlessons = m->workspace.nadvice = 0; /* of another one */
    if (!ev->u.file.missing)
        e = ev->err;

    if (ev->err.code == ERR_NONE &&
        store_workspace_parse(ev->text ? ev->text : "", ev->len, &before, &e)) {
        const char *now = m->server.id.system_identifier;
        own_known(m, ev);
        m->workspace.restart_s = store_workspace_restart_s(ev->text ? ev->text : "", ev->len);
        store_workspace_floors(ev->text ? ev->text : "", ev->len, &m->workspace);
        store_workspace_lessons(ev->text ? ev->text : "", ev->len, &m->workspace);
        store_workspace_trusted(ev->text ? ev->text : "", ev->len, m->advising.trusted_hash,
                                sizeof m->advising.trusted_hash);
        if (before.system_identifier[0] && now[0] && strcmp(before.system_identifier, now) != 0 &&
            !strstr(m->workspace.name, "_id")) {
            size_t n = strlen(now);
            struct buf name = {0}, dir = {0};
            buf_printf(&name, "%s_id%s", m->workspace.name, now + (n > 6 ? n - 6 : 0));
            text_copy_raw(m->workspace.name, sizeof m->workspace.name, buf_text(&name));
            buf_printf(&dir, "%s/workspaces/%s", m->opt.home, buf_text(&name));
            text_copy_raw(m->workspace.dir, sizeof m->workspace.dir, buf_text(&dir));
            buf_clear(&name);
            buf_clear(&dir);
            model_say(m, CHAT_WARN,
                      "another server answered under this name before: new workspace %s",
                      m->workspace.name);
            ask(m, STEP_MKDIR, FILE_MKDIR, "sessions", fx);
            return;
        }
        int dropped = store_workspace_advice(ev->text ? ev->text : "", ev->len, &m->server.id,
                                             &m->workspace);
        if (dropped > 0)
            model_say(m, CHAT_WARN,
                      "%d answers to advice were given for another server, or it cannot be told: "
                      "they do not count here",
                      dropped);
        if (!identity_same(&before, &m->server.id, why, sizeof why)) {
            text_copy(m->workspace.identity_note, sizeof m->workspace.identity_note, why);
            model_say(m, CHAT_WARN, "the server is not as it was last time: %s", why);
        }
        compare_machine(m, ev->text ? ev->text : "", ev->len);
    } else if (e.code != ERR_NONE) {
        /* Whose server this folder speaks of cannot be read, so nothing is written here either. */
        if (e.code == ERR_FORMAT)
            err_hint(&e, "Move %s/workspace.json away to go on with the server that answers now.",
                     m->workspace.name);
        only_look(m, &e, fx);
        return;
    }
    advise_opened(m, ev->text ? ev->text : "", ev->err.code == ERR_NONE ? ev->len : 0, fx);
    ask(m, STEP_WISHES, FILE_READ, "PGDIAG.md", fx)->u.file.max_bytes = WISHES_FILE_MAX + 1;
}

/* The one that was picked on the start screen, then a killed session, then the paused ones, newest first; -1 = none that was
 * not looked at. */
static int find_interrupted(const struct workspace *w, const char *picked)
{
    static const enum session_state order[] = {SESSION_ACTIVE, SESSION_PAUSED};
    int row = *picked ? session_rows_find(w, picked) : -1;

    if (row >= 0 && !w->sessions[row].passed &&
        (w->sessions[row].state == SESSION_ACTIVE || w->sessions[row].state == SESSION_PAUSED))
        return row;
    for (size_t k = 0; k < ARRAY_LEN(order); k++)
        for (int i = 0; i < w->nsessions; i++)
            if (w->sessions[i].state == order[k] && !w->sessions[i].passed)
                return i;
    return -1;
}

static void sweep(struct model *m, const char *folder, struct effects *fx)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", m->workspace.dir, folder);
    fx_file(fx, flow_store_req(), FILE_SWEEP, buf_text(&path));
    buf_clear(&path);
}

/* The row of the session that is looked after, wherever it is by now; NULL = it is not in the list any more. */
static struct session_row *interrupted_row(struct model *m)
{
    int row = session_rows_find(&m->workspace, m->fl.interrupted);

    return row < 0 ? NULL : &m->workspace.sessions[row];
}

/* It is not offered again before the next start. */
static void pass_by(struct model *m)
{
    struct session_row *r = interrupted_row(m);

    if (r)
        r->passed = true;
}

/* Reads an interrupted session, once what its killed program has left half written is removed. */
static void read_session(struct model *m, int row, struct effects *fx)
{
    static const char *const folders[] = {"", "/bench", "/telemetry", "/scripts"};
    const char *name = m->workspace.sessions[row].name;
    struct buf rel = {0};

    text_copy_raw(m->fl.interrupted, sizeof m->fl.interrupted, name);
    flow_enter(m, FLOW_RECOVER);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        buf_clear(&rel);
        buf_printf(&rel, "sessions/%s%s", name, folders[i]);
        sweep(m, buf_text(&rel), fx);
    }
    buf_clear(&rel);
    buf_printf(&rel, "sessions/%s/session.json", name);
    ask(m, STEP_SESSION, FILE_READ, buf_text(&rel), fx);
    buf_clear(&rel);
}

/* Reads the interrupted session that is next, else goes on to First Sight. */
static void recover_next(struct model *m, struct effects *fx)
{
    struct workspace *w = &m->workspace;
    struct err e = {0};
    int row = w->readonly ? -1 : find_interrupted(w, m->start.session);
    const char *name = row >= 0 ? w->sessions[row].name : "";

    text_copy_raw(m->fl.interrupted, sizeof m->fl.interrupted, name);
    if (row >= 0 && m->opt.readonly) {
        model_say(m, CHAT_WARN, "session %s was interrupted; with --readonly it stays as it is",
                  name);
    } else if (row >= 0 && w->identity_note[0] && m->opt.headless) {
        err_set(&e, ERR_REFUSED, "session %s was interrupted on another server: %.150s", name,
                w->identity_note);
        err_hint(&e, "Connect to that server, or decide in the full screen.");
        flow_fail(m, &e, "going on with the interrupted session", fx);
        return;
    } else if (row >= 0) {
        read_session(m, row, fx);
        return;
    }
    if (!flow_found_begin(m, fx))
        flow_sight(m, fx);
}

/* Once, when it is known which session is open: what that one has in force is no drift. */
static void tell_drift(struct model *m)
{
    struct workspace *w = &m->workspace;
    int from = w->nchanged;

    if (!m->start.proved)
        return;
    drift_settings(w, m->start.proved, &m->server.settings,
                   m->session.loaded ? &m->session.ledger : NULL);
    free(m->start.proved);
    m->start.proved = NULL;
    for (int i = from; i < w->nchanged; i++)
        model_say(m, CHAT_WARN, "changed since: %s", w->changed[i]);
}

enum { PROVED_FILES = 16, PROVED_EACH = 2 << 20 };

/* False: no session has ended as ARCHIVED. */
static bool ask_proved(struct model *m, struct effects *fx)
{
    struct workspace *w = &m->workspace;
    struct buf paths = {0};
    int n = 0;

    for (int i = 0; i < w->nsessions && n < PROVED_FILES; i++)
        if (w->sessions[i].state == SESSION_ARCHIVED) {
            buf_printf(&paths, "%s/sessions/%s/session.json\n", w->dir, w->sessions[i].name);
            n++;
        }
    if (n > 0) {
        m->fl.step = STEP_PROVED;
        struct effect *e = fx_file(fx, flow_req(m), FILE_READ_MANY, buf_text(&paths));
        e->u.file.max_bytes = PROVED_EACH;
        e->u.file.digest = drift_digest;
        e->u.file.digest_free = free;
    }
    buf_clear(&paths);
    return n > 0;
}

static void proved_known(struct model *m, const struct event *ev)
{
    free(m->start.proved);
    m->start.proved = NULL;
    if (!ev->digest)
        return;
    m->start.proved = xcalloc(1, sizeof *m->start.proved);
    *m->start.proved = *(const struct proved_list *)ev->digest;
}

/* From here on the workspace counts as used. A folder that may be another server's is left as it was. */
static void sessions_known(struct model *m, struct effects *fx)
{
    m->workspace.open = true;
    if (!m->workspace.readonly && !m->workspace.identity_note[0])
        flow_save_workspace(m, fx);
    if (!ask_proved(m, fx))
        recover_next(m, fx);
}

static void list_sessions(struct model *m, struct effects *fx)
{
    m->fl.step = STEP_INDEX;
    flow_index_begin(m, fx);
}

void flow_leave_paused(struct model *m, struct effects *fx)
{
    model_say(m, CHAT_EVENT, "session %s stays paused", m->session.name);
    pass_by(m);
    flow_fresh(m);
    recover_next(m, fx);
}

void flow_resume(struct model *m, const char *name, struct effects *fx)
{
    struct workspace *w = &m->workspace;

    if (!w->open || w->readonly || m->opt.readonly || model_run_active(m) ||
        flow_handover_busy(m)) {
        model_say(m, CHAT_WARN, "no session can be resumed now");
        return;
    }
    for (int i = 0; i < w->nsessions; i++) {
        bool match = *name ? strcmp(w->sessions[i].name, name) == 0
                           : w->sessions[i].state == SESSION_PAUSED ||
                                 w->sessions[i].state == SESSION_ACTIVE;
        if (!match)
            continue;
        if (w->sessions[i].state == SESSION_ARCHIVED || w->sessions[i].state == SESSION_FAILED)
            break;
        if (tree_acts_removes(m, w->sessions[i].name)) {
            model_say(m, CHAT_WARN, "%s is being deleted", w->sessions[i].name);
            return;
        }
        read_session(m, i, fx);
        return;
    }
    model_say(m, CHAT_WARN, "there is no paused session%s%s", *name ? " named " : "", name);
}

/* Where it was, what is kept, what has to be measured again. */
static void say_left(struct model *m)
{
    const struct session *s = &m->session;
    struct left_told t;

    left_tell(m, &t);
    model_say(m, CHAT_WARN, "session %s was %s%s%s", s->name,
              s->state == SESSION_PAUSED ? "paused" : "interrupted", t.step[0] ? " " : "", t.step);
    model_say(m, CHAT_EVENT, "%d round%s done, baseline %s; next: %s", s->rounds_done,
              s->rounds_done == 1 ? "" : "s", isnan(s->baseline_tps) ? "not measured" : "measured",
              t.next);
    if (t.again[0])
        model_say(m, CHAT_WARN, "measured again: %s", t.again);
}

/* What the interrupted session left on the server, said in one sentence. */
static void say_interrupted(struct model *m, const struct journal_state *j)
{
    const struct session *s = &m->session;

    if (!m->fl.now.undo_only)
        say_left(m);
    if (j->unfinished && s->pending.phase != PENDING_NOTHING)
        model_say(m, CHAT_WARN, "it waits for you to make the switch to \"%s\"%s",
                  j->unfinished_arm, j->unfinished_restart ? " (with a restart)" : "");
    else if (j->unfinished)
        model_say(m, CHAT_WARN, "a switch to \"%s\" was under way%s: it is undone first",
                  j->unfinished_arm, j->unfinished_restart ? " (with a restart)" : "");
    for (int i = 0; i < s->ledger.n; i++) {
        const struct ledger_row *r = &s->ledger.rows[i];
        if (!entry_same(&r->current, &r->original))
            model_say(m, CHAT_EVENT, "the server runs with our %s = %s (before us: %s)",
                      r->current.name, r->current.present ? r->current.value : "reset",
                      r->original.present ? r->original.value : "not set");
    }
}

/* The end of a session of which only the journal can be read. */
static void journal_end(struct model *m, enum session_state state, struct effects *fx)
{
    struct session_row *r = interrupted_row(m);

    if (r) {
        r->state = state;
        r->interrupted = false;
        session_rows_changed(r);
    }
    flow_fresh(m);
    flow_save(m, false, fx);
    recover_next(m, fx);
}

void flow_undone(struct model *m, struct effects *fx)
{
    model_say(m, CHAT_GOOD, "what session %s left on the server is undone", m->session.name);
    flow_journal(m, "checkpoint", "what", session_state_name(SESSION_FAILED), fx);
    journal_end(m, SESSION_FAILED, fx);
}

/* The same for the advisor. */
static void tell_paused_in(struct model *m)
{
    const struct session *s = &m->session;
    struct left_told t;

    left_tell(m, &t);
    snprintf(m->advising.paused_in, sizeof m->advising.paused_in,
             "%s after round %d%s%.150s%s%s%.150s",
             s->state == SESSION_PAUSED ? "paused" : "interrupted", s->rounds_done,
             t.step[0] ? ", " : "", t.step, m->fl.now.unfinished ? "; a switch was under way" : "",
             t.again[0] ? "; measured again: " : "", t.again);
    text_copy(m->advising.next_step, sizeof m->advising.next_step, t.next);
}

/* How it goes on is the DBA's decision, which waits for nobody; where the session was is told beside it. */
static void journal_known(struct model *m, const struct journal_state *j, struct effects *fx)
{
    m->session.ledger = j->ledger;
    if (m->fl.now.undo_only)
        m->session.by_hand = j->by_hand;
    if (j->last_no > m->session.journal_no)
        m->session.journal_no = j->last_no;
    m->fl.now.unfinished = j->unfinished;
    m->fl.now.unfinished_restart = j->unfinished && j->unfinished_restart;
    m->fl.now.left = j->left;
    (void)flow_baseline_stale(m, m->fl.now.stale, sizeof m->fl.now.stale);
    if (m->fl.now.undo_only && (j->ended || (ledger_clean(&j->ledger) && !j->unfinished))) {
        model_say(m, CHAT_EVENT, "its journal says that there is nothing to undo");
        journal_end(m, j->ended ? j->ended : SESSION_FAILED, fx);
        return;
    }
    tell_drift(m);
    say_interrupted(m, j);
    buf_clear(&m->advising.restored);
    m->fl.decision = DECIDE_RECOVER;
    (void)dialogs_come(m, DIALOG_RECOVER);
    if (m->fl.now.undo_only)
        return;
    tell_paused_in(m);
    advise(m, OP_RESTORE, fx);
}

void flow_restored(struct model *m, const struct op_answer *a, struct effects *fx)
{
    (void)fx;
    model_say(m, CHAT_AI, "%s", a->u.prose.text);
    buf_clear(&m->advising.restored);
    buf_puts(&m->advising.restored, a->u.prose.text);
}

static void journal_read(struct model *m, const struct event *ev, struct effects *fx)
{
    struct journal_state *j = xcalloc(1, sizeof *j);
    struct err e = {0};

    if (!ev->u.file.missing)
        e = ev->err;
    if (ev->u.file.missing && !ledger_clean(&m->session.ledger)) {
        err_set(&e, ERR_FILE, "the journal of session %s is missing", m->session.name);
        err_detail(&e, "session.json says that settings of this session are in force.");
        err_hint(&e, "Put journal.jsonl back, or look at postgresql.auto.conf yourself.");
    }
    if (e.code == ERR_NONE && store_journal_replay(ev->text ? ev->text : "", ev->len, j, &e)) {
        journal_known(m, j, fx);
    } else {
        m->workspace.readonly = true;
        text_copy(m->workspace.holder, sizeof m->workspace.holder, "the journal is damaged");
        flow_fail(m, &e, "reading the journal", fx);
    }
    free(j);
}

/* session.json is of no use. The journal still says what has to be undone. */
static void only_the_journal(struct model *m, const struct err *e, struct effects *fx)
{
    const struct session_row *r = interrupted_row(m);
    struct session *s = &m->session;
    struct buf rel = {0};

    if (!r) { /* it was deleted meanwhile */
        recover_next(m, fx);
        return;
    }
    model_say(m, CHAT_BAD, "session %s cannot be resumed: %s", r->name, e->msg);
    if (e->detail[0])
        model_say(m, CHAT_BAD, "%s", e->detail);
    if (e->code == ERR_REFUSED) { /* of a newer version, which will look after it */
        model_say(m, CHAT_WARN, "its journal says what was changed: %s/sessions/%s/journal.jsonl",
                  m->workspace.dir, r->name);
        pass_by(m);
        recover_next(m, fx);
        return;
    }
    m->fl.now.undo_only = true;
    s->loaded = true;
    s->state = r->state;
    text_copy_raw(s->name, sizeof s->name, r->name);
    text_copy(s->plan.strategy, sizeof s->plan.strategy, r->strategy);
    text_copy_raw(s->plan.database, sizeof s->plan.database, m->links[CONN_CONTROL].dbname);
    text_copy_raw(s->plan.restart_command, sizeof s->plan.restart_command, m->opt.restart_command);
    s->plan.restart = m->opt.restart;
    if (m->opt.headless && s->plan.restart == RESTART_ASK)
        s->plan.restart = RESTART_NEVER;
    buf_printf(&rel, "%s/sessions/%s", m->workspace.dir, r->name);
    text_copy_raw(s->dir, sizeof s->dir, buf_text(&rel));
    buf_clear(&rel);
    buf_printf(&rel, "sessions/%s/journal.jsonl", r->name);
    ask(m, STEP_JOURNAL, FILE_READ, buf_text(&rel), fx);
    buf_clear(&rel);
}

/* An approval is one for this server alone: what was answered elsewhere is asked again. */
static void leave_answers(struct model *m)
{
    struct kept_review *k = &m->session.kept;

    if (k->round <= 0 || (!m->workspace.identity_note[0] && kept_here(k, &m->server.id)))
        return;
    model_say(m, CHAT_WARN,
              "%d answers of round %d were given for another server, or it cannot be told: it is "
              "asked again",
              kept_answers(k), k->round);
    memset(k, 0, sizeof *k);
}

static void session_read(struct model *m, const struct event *ev, struct effects *fx)
{
    struct workspace *w = &m->workspace;
    struct err e = ev->err;
    struct buf rel = {0};

    flow_fresh(m);
    if (e.code == ERR_NONE &&
        store_session_parse(ev->text ? ev->text : "", ev->len, &m->session, &e)) {
        buf_printf(&rel, "%s/sessions/%s", w->dir, m->session.name);
        text_copy_raw(m->session.dir, sizeof m->session.dir, buf_text(&rel));
        buf_clear(&rel);
        m->session.loaded = true;
        leave_answers(m);
        if (m->session.state == SESSION_ARCHIVED || m->session.state == SESSION_FAILED) {
            /* it had ended; only the list was not written any more */
            struct session_row *r = interrupted_row(m);
            if (r)
                store_session_row(&m->session, r);
            flow_fresh(m);
            recover_next(m, fx);
            return;
        }
        buf_printf(&rel, "sessions/%s/journal.jsonl", m->session.name);
        ask(m, STEP_JOURNAL, FILE_READ, buf_text(&rel), fx);
        buf_clear(&rel);
        return;
    }
    only_the_journal(m, &e, fx);
}

void flow_open_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (!flow_waits(m, ev) || flow_found_event(m, ev, fx))
        return;
    switch ((enum open_step)m->fl.step) {
    case STEP_MKDIR:
        if (ev->err.code != ERR_NONE)
            only_look(m, &ev->err, fx);
        else
            ask(m, STEP_MKDIR_OUT, FILE_MKDIR, "exports", fx);
        break;
    case STEP_MKDIR_OUT:
        lock(m, fx);
        break;
    case STEP_LOCK:
        if (ev->err.code != ERR_NONE) {
            struct err e = ev->err;
            if (e.code == ERR_BUSY && ev->text)
                err_detail(&e, "It is held by: %.300s", ev->text);
            if (m->opt.headless || e.code != ERR_BUSY) {
                only_look(m, &e, fx);
                break;
            }
            m->workspace.readonly = true;
            text_copy(m->workspace.holder, sizeof m->workspace.holder, ev->text ? ev->text : e.msg);
            model_say(m, CHAT_WARN, "another program uses this workspace: looking only");
            model_say(m, CHAT_WARN, "%s", m->workspace.holder);
        }
        if (!m->workspace.readonly) {
            sweep(m, ".", fx);
            sweep(m, "exports", fx);
        }
        ask(m, STEP_IDENTITY, FILE_READ, "workspace.json", fx);
        break;
    case STEP_IDENTITY:
        identity(m, ev, fx);
        break;
    case STEP_OWN:
        own_known(m, ev);
        flow_enter(m, FLOW_WATCH);
        health_begin(m, fx);
        break;
    case STEP_WISHES: {
        struct err e = {0};
        if (advise_wishes(m, ev, &e))
            list_sessions(m, fx);
        else
            only_look(m, &e, fx);
        break;
    }
    case STEP_INDEX: {
        struct err e = {0};
        switch (flow_index_event(m, ev, &e, fx)) {
        case INDEX_KNOWN:
            sessions_known(m, fx);
            break;
        case INDEX_REFUSED:
            only_look(m, &e, fx);
            break;
        case INDEX_GOES_ON:
            break;
        }
        break;
    }
    case STEP_PROVED:
        proved_known(m, ev);
        recover_next(m, fx);
        break;
    case STEP_SESSION:
        session_read(m, ev, fx);
        break;
    case STEP_JOURNAL:
        journal_read(m, ev, fx);
        break;
    }
}

enum { RESUME_LEAST_S = 180 }; /* of the budget, whatever was spent before */

/* Resume or undo: both begin with the arm that the session believes best (or the start), so that a
 * half-applied step is gone before anything else happens. */
static const struct arm untouched = {.label = "start"}; /* without the session's repairs, too */

void flow_budget_again(struct model *m, double left_s)
{
    struct session *s = &m->session;
    double least = RESUME_LEAST_S;

    if (s->best.n > 0) /* what was gained gets its confirmation */
        least = fmax(least,
                     60 + experiment_cost(&s->plan, EXPERIMENT_CONFIRM, flow_restart_possible(m)));
    s->deadline_us = m->now_us + (int64_t)(fmax(left_s, least) * 1e6);
}

void flow_recover_decided(struct model *m, bool resume, struct effects *fx)
{
    struct session *s = &m->session;

    m->screen.dialog.kind = DIALOG_NONE;
    resume = resume && !m->fl.now.undo_only;
    if (s->journal_no < m->fl.journal_high)
        s->journal_no = m->fl.journal_high;
    if (m->opt.window.given)
        s->plan.window = m->opt.window;
    m->fl.now.resume = resume;
    m->fl.now.settle_failed = !resume;
    if (resume) {
        flow_budget_again(m, s->plan.budget_s - s->spent_s);
        s->state = SESSION_ACTIVE;
        model_say(m, CHAT_EVENT, "resuming %s", s->name);
        flow_baseline_check(m);
        flow_save(m, false, fx);
        m->fl.now.stale[0] = '\0';
    } else {
        model_say(m, CHAT_EVENT, "undoing what %s left on the server", s->name);
    }
    if (!resume)
        memset(&s->pending, 0, sizeof s->pending);
    if (!flow_manual_take_up(m, fx))
        flow_settle(m, !resume ? &untouched : headless_os_declined(m) ? &s->start : &s->best, fx);
}

static void sight_told(struct model *m, struct effects *fx);

void flow_sight(struct model *m, struct effects *fx)
{
    tell_drift(m);
    flow_enter(m, FLOW_SIGHT);
    if (!advise_undecided(m)) /* else when the DBA has answered the notice */
        advise(m, OP_FIRST_SIGHT, fx);
}

enum { SIGHT_OLD_S = 60 };
enum { SIGHT_REFRESH = 1 }; /* of FLOW_SIGHT: settings and totals are asked for anew */

void flow_sight_again(struct model *m, struct effects *fx)
{
    flow_enter(m, FLOW_SIGHT);
    m->fl.step = SIGHT_REFRESH;
    discover_refresh(&m->discover, &m->server, fx);
}

bool flow_sight_old(const struct model *m)
{
    bool looks = m->discover.state == DISCOVER_SQL || m->discover.state == DISCOVER_HOST;

    return m->sight_known && !looks && m->now_us - m->fl.discovered_us > SIGHT_OLD_S * 1000000LL;
}

bool flow_sight_renew(struct model *m, struct effects *fx)
{
    if (!flow_sight_old(m) || m->links[CONN_CONTROL].state != LINK_UP)
        return false;
    flow_question_closed(m);
    flow_sight_again(m, fx);
    return true;
}

bool flow_sight_pump(struct model *m, struct effects *fx)
{
    if (m->hypo.sight_waits && !hypo_busy(m)) {
        m->hypo.sight_waits = false;
        sight_told(m, fx);
        return true;
    }
    if (m->flow != FLOW_SIGHT || m->fl.step != SIGHT_REFRESH ||
        (m->discover.state != DISCOVER_DONE && m->discover.state != DISCOVER_FAILED))
        return false;
    m->fl.discovered_us = m->now_us;
    flow_sight(m, fx); /* which enters the state anew, without the step */
    return true;
}

/* A session that had ended was picked on the start screen: the list stands on it, Enter shows its record. */
static void show_picked(struct model *m)
{
    int row = m->start.session[0] ? session_rows_find(&m->workspace, m->start.session) : -1;

    m->start.session[0] = '\0';
    if (row < 0 || m->screen.dialog.kind != DIALOG_NONE)
        return;
    sessions_open(m);
    m->screen.dialog.cursor = row;
}

void flow_sight_known(struct model *m, const struct op_answer *a, struct effects *fx)
{
    if (m->flow != FLOW_SIGHT)
        return;
    m->sight = a->u.sight;
    m->sight_known = true;
    model_say(m, CHAT_AI, "%s", m->sight.headline);
    model_say(m, CHAT_AI, "%s", m->sight.summary);
    for (int i = 0; i < m->sight.nfindings; i++)
        model_say(m, m->sight.findings[i].severity >= 2 ? CHAT_WARN : CHAT_AI, "%s: %s (%s)",
                  m->sight.findings[i].area, m->sight.findings[i].text,
                  m->sight.findings[i].figure);
    struct line *l = line_new("first_sight");
    line_text(l, "advisor", m->sight.advisor.text);
    line_text(l, "headline", m->sight.headline);
    line_text(l, "summary", m->sight.summary);
    line_int(l, "findings", m->sight.nfindings);
    line_int(l, "strategies", m->sight.nstrategies);
    flow_emit(m, l, fx);
    hypo_forget(m);
    m->hypo.sight_waits = hypo_begin(m, fx);
    if (!m->hypo.sight_waits)
        sight_told(m, fx);
}

static void sight_told(struct model *m, struct effects *fx)
{
    advised_look(m, fx);
    if (m->flow != FLOW_SIGHT)
        return; /* the DBA did not wait */
    if (m->opt.headless && m->opt.readonly) {
        struct err why = {0};
        err_set(&why, ERR_REFUSED, "--readonly: nothing may be measured or changed");
        err_hint(&why, "Leave --readonly away, or look on the screen: pg_diagnose -H ...");
        flow_fail(m, &why, "the session", fx);
    } else if (m->fl.session_wanted && !m->opt.readonly) {
        flow_strategy_ask(m, fx);
    } else {
        flow_enter(m, FLOW_WATCH);
        show_picked(m);
        if (!m->opt.readonly && !m->workspace.readonly)
            model_say(m, CHAT_AI, "Press t to start a tuning session.");
    }
}
