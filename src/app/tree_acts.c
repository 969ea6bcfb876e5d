/* tree_acts.c - see tree_acts.h. One task at a time: what it needs is read by the worker, and its answer is dropped when the DBA
 * has gone on to another. Nothing of the server is changed from here: a revert and a branch become sessions (flow_branch.c). */
#include "pgd/app/tree_acts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/dialogs.h"
#include "pgd/app/flow.h"
#include "pgd/app/flow_branch.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/sessions.h"
#include "pgd/app/tree_keys.h"
#include "pgd/app/tree_may.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"

enum { SESSION_FILE_MAX = 16 << 20 };

static void read_session(struct model *m, uint32_t id, const char *name, struct effects *fx)
{
    struct buf path = {0};
    struct effect *e;

    buf_printf(&path, "%s/sessions/%s/session.json", m->workspace.dir, name);
    e = fx_file(fx, (struct req){OWNER_UI, m->tree.no, id}, FILE_READ, buf_text(&path));
    e->u.file.max_bytes = SESSION_FILE_MAX;
    e->u.file.digest = store_session_digest;
    e->u.file.digest_free = store_session_digest_free;
    e->u.file.digest_arg = xstrdup(name);
    buf_clear(&path);
}

void tree_acts_open(struct model *m, int session, struct effects *fx)
{
    bool live = tree_is_live(m, session);

    if (tree_open(m, session) && !live)
        read_session(m, UI_TREE_RECORD, tree_name(m, session), fx);
    m->dirty = true;
}

/* ---- what may be done (tree_may.c) ---- */

static bool may(struct model *m, enum tree_act act, int row, int part)
{
    char why[300];

    if (tree_may(m, act, (struct tree_node){row, part}, why, sizeof why))
        return true;
    tree_refuse(m, why);
    return false;
}

static bool removes(const struct tree_task *t)
{
    return t->reading && t->act == TREE_DELETE && t->a; /* before, it is only looked at */
}

bool tree_acts_removes(const struct model *m, const char *session)
{
    return removes(&m->tree.task) && strcmp(m->tree.task.session, session) == 0;
}

/* What is being written or removed is told to its end: nothing takes its place before. */
static bool at_work(struct model *m)
{
    const struct tree_task *t = &m->tree.task;

    if (!removes(t) && !(t->reading && t->act == TREE_RENAME))
        return false;
    model_say(m, CHAT_WARN, "%s is being %s: one moment, please", t->session,
              removes(t) ? "deleted" : "renamed");
    return true;
}

/* It has not ended, and the server runs with what it has changed: what undoes that is its own ledger. */
static bool holds_changes(const struct session *s)
{
    return (s->state == SESSION_ACTIVE || s->state == SESSION_PAUSED) && !ledger_clean(&s->ledger);
}

/* ---- one session ---- */

void tree_acts_begin(struct model *m, enum tree_act act, int row, int part, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;

    if (act == TREE_SHOW && row == TREE_LIVE)
        tree_refuse(m, "Enter: this session has no folder yet");
    if (row >= m->workspace.nsessions || !may(m, act, row, part) || row < 0 || at_work(m))
        return;
    tree_task_clear(t);
    m->tree.no++;
    t->act = act;
    t->node = part == TREE_SESSION ? NODE_FINAL : part;
    text_copy_raw(t->session, sizeof t->session, m->workspace.sessions[row].name);
    if (act == TREE_SHOW && part == TREE_SESSION)
        t->node = TREE_SESSION;
    if (act == TREE_RENAME) {
        struct dialog *d = &m->screen.dialog;
        dialogs_open(m, DIALOG_RENAME);
        text_copy_raw(d->input, sizeof d->input, m->workspace.sessions[row].title);
        d->input_len = d->input_at = (int)strlen(d->input);
        d->editing = true;
        return;
    }
    t->reading = true;
    read_session(m, UI_TREE_FIRST, t->session, fx);
}

void tree_acts_mark(struct model *m, int row, struct effects *fx)
{
    struct tree *t = &m->tree;
    const char *name = tree_name(m, row);

    if (!may(m, TREE_COMPARE, row, TREE_SESSION)) {
        return;
    } else if (strcmp(t->marked, name) == 0) {
        t->marked[0] = '\0';
    } else if (!t->marked[0] || session_rows_find(&m->workspace, t->marked) < 0) {
        text_copy_raw(t->marked, sizeof t->marked, name);
        model_say(m, CHAT_EVENT, "%s is marked: c on another session compares the two", name);
    } else if (!at_work(m)) {
        tree_task_clear(&t->task);
        t->no++;
        t->task.act = TREE_COMPARE;
        t->task.reading = true;
        text_copy_raw(t->task.session, sizeof t->task.session, t->marked);
        text_copy_raw(t->task.other, sizeof t->task.other, name);
        t->marked[0] = '\0';
        read_session(m, UI_TREE_FIRST, t->task.session, fx);
    }
    m->dirty = true;
}

void tree_acts_close(struct model *m, int row, struct effects *fx)
{
    const struct session_row *r = row >= 0 ? &m->workspace.sessions[row] : NULL;

    if (tree_is_live(m, row) && model_run_active(m)) {
        flow_close(m, fx);
        return;
    }
    if (!may(m, TREE_CLOSE, row, TREE_SESSION) || !r || at_work(m))
        return;
    text_copy_raw(m->tree.closing, sizeof m->tree.closing, r->name);
    model_say(m, CHAT_EVENT,
              "%s goes on without a further round: what improved is confirmed and kept, and it is "
              "archived; where nothing did it ends as FAILED and everything is undone",
              r->name);
    flow_resume(m, r->name, fx);
}

/* ---- titles ---- */

static bool is_at_hand(const struct model *m, const char *name)
{
    return m->session.state != SESSION_NONE && strcmp(m->session.name, name) == 0;
}

static void say_title(struct model *m)
{
    struct tree_task *t = &m->tree.task;

    model_say(m, CHAT_EVENT, t->other[0] ? "%s is called \"%s\" now" : "%s goes by its name again",
              t->session, t->other);
    tree_task_clear(t);
}

/* The session at hand is written by the flow, with all of its title: what its file held when it was read may be older. False: it
 * is another one, or of its session.json nothing could be read. */
static bool title_at_hand(struct model *m, struct effects *fx)
{
    const struct tree_task *t = &m->tree.task;

    if (!is_at_hand(m, t->session) || m->fl.now.undo_only)
        return false;
    text_copy_raw(m->session.title, sizeof m->session.title, t->other);
    flow_save(m, false, fx);
    say_title(m);
    return true;
}

bool tree_acts_rename(struct model *m, const char *title, char *why, size_t size,
                      struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    struct buf path = {0};
    struct effect *e;
    char clean[256];

    while (*title == ' ')
        title++;
    text_copy(clean, sizeof clean, title);
    for (size_t n = strlen(clean); n > 0 && clean[n - 1] == ' ';)
        clean[--n] = '\0';
    if (strcmp(clean, title) != 0 && strncmp(clean, title, strlen(clean)) != 0) {
        snprintf(why, size, "a title is one line of letters and signs that can be seen");
        return false;
    }
    if (strlen(clean) >= SESSION_TITLE_MAX) {
        snprintf(why, size, "%d bytes at most, please", SESSION_TITLE_MAX - 1);
        return false;
    }
    text_copy_raw(t->other, sizeof t->other, clean);
    if (title_at_hand(m, fx))
        return true;
    buf_printf(&path, "%s/sessions/%s/session.json", m->workspace.dir, t->session);
    e = fx_file(fx, (struct req){OWNER_UI, m->tree.no, UI_TREE_TITLE}, FILE_READ, buf_text(&path));
    e->u.file.max_bytes = SESSION_FILE_MAX;
    e->u.file.digest = store_title_digest;
    e->u.file.digest_free = store_title_digest_free;
    e->u.file.digest_arg = xstrdup(clean);
    buf_clear(&path);
    t->reading = true;
    return true;
}

static void failed(struct model *m, const char *what, const struct err *e)
{
    model_say(m, CHAT_WARN, "%s: %s", what, e->msg);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
    tree_task_clear(&m->tree.task);
}

/* It may have become the session at hand since it was asked for. */
static void title_read(struct model *m, struct event *ev, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    struct title_read *r = ev->digest;
    struct buf path = {0};
    struct effect *e;

    if (ev->err.code != ERR_NONE || !r || r->err.code != ERR_NONE) {
        failed(m, "the title was not changed", r && r->err.code ? &r->err : &ev->err);
        return;
    }
    if (title_at_hand(m, fx))
        return;
    buf_printf(&path, "%s/sessions/%s/session.json", m->workspace.dir, t->session);
    e = fx_file(fx, (struct req){OWNER_UI, m->tree.no, UI_TREE_SAVED}, FILE_SAVE, buf_text(&path));
    e->len = r->text.len;
    e->text = buf_take(&r->text);
    buf_clear(&path);
}

static void save_index(struct model *m, struct effects *fx)
{
    struct buf text = {0}, path = {0};
    struct effect *e;

    store_index_json(&m->workspace, &text);
    buf_printf(&path, "%s/index.json", m->workspace.dir);
    e = fx_file(fx, flow_store_req(), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}

static void title_saved(struct model *m, const struct event *ev, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    int row = session_rows_find(&m->workspace, t->session);

    if (ev->err.code != ERR_NONE) {
        failed(m, "the title was not changed", &ev->err);
        return;
    }
    if (is_at_hand(m, t->session)) /* it was resumed while it was written */
        text_copy_raw(m->session.title, sizeof m->session.title, t->other);
    if (row >= 0) {
        struct session_row *r = &m->workspace.sessions[row];
        text_copy_raw(r->title, sizeof r->title, t->other);
        session_rows_changed(r);
        save_index(m, fx);
    }
    say_title(m);
}

/* ---- deleting ---- */

/* What the session has left and the server still runs with. */
static void still_in_force(const struct model *m, const struct session *s, char *dst, size_t size)
{
    size_t len = 0;

    dst[0] = '\0';
    for (int i = 0; s->state != SESSION_FAILED && i < s->nfinal && len + 1 < size; i++) {
        const struct setting *v = settings_find(&m->server.settings, s->final_values[i].name);
        if (!v || strcmp(v->shown, s->final_values[i].shown) != 0)
            continue;
        int n = snprintf(dst + len, size - len, "%s%s", len ? ", " : "", v->name);
        len = n < 0 ? len : len + (size_t)n < size ? len + (size_t)n : size - 1;
    }
}

static void delete_asked(struct model *m)
{
    struct tree_task *t = &m->tree.task;

    if (holds_changes(t->a)) {
        model_say(m, CHAT_WARN,
                  "%s is paused, and the server runs with its changes: what undoes them is in its "
                  "folder. /resume it and undo or end it first",
                  t->session);
        tree_task_clear(t);
        return;
    }
    still_in_force(m, t->a, t->in_force, sizeof t->in_force);
    dialogs_open(m, DIALOG_DELETE);
    m->screen.dialog.editing = true;
}

void tree_acts_delete(struct model *m, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    struct buf path = {0};

    buf_printf(&path, "%s/sessions/%s", m->workspace.dir, t->session);
    fx_file(fx, (struct req){OWNER_UI, m->tree.no, UI_TREE_REMOVED}, FILE_REMOVE_TREE,
            buf_text(&path));
    buf_clear(&path);
    t->reading = true;
}

static void removed(struct model *m, const struct event *ev, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    int row = session_rows_find(&m->workspace, t->session);
    bool live = row >= 0 && tree_is_live(m, row);

    if (ev->err.code != ERR_NONE) {
        failed(m, "the session was not deleted", &ev->err);
        return;
    }
    if (live && !model_run_active(m)) { /* nothing of it is saved any more */
        flow_fresh(m);
        flow_enter(m, FLOW_WATCH);
    }
    if (row >= 0) {
        session_rows_remove(&m->workspace, row);
        save_index(m, fx);
    }
    model_say(m, CHAT_EVENT, "session %s is deleted", t->session);
    tree_task_clear(t);
}

/* ---- what was read ---- */

static void show_state(struct model *m)
{
    struct tree_task *t = &m->tree.task;
    char words[40];

    buf_clear(&m->page.text);
    if (t->node == TREE_SESSION) {
        snprintf(m->page.title, sizeof m->page.title, "%.120s (read-only)", t->session);
        sessions_record(t->a, &m->page.text);
    } else {
        tree_node_words(t->node, words, sizeof words);
        snprintf(m->page.title, sizeof m->page.title, "%.110s: %s", t->session, words);
        tree_state_page(t->a, t->node, &m->page.text);
    }
    tree_task_clear(t);
    dialogs_open(m, DIALOG_PAGE);
}

static void compare(struct model *m)
{
    struct tree_task *t = &m->tree.task;

    buf_clear(&m->page.text);
    snprintf(m->page.title, sizeof m->page.title, "Two sessions beside each other");
    tree_compare_page(t->a, t->b, &m->page.text);
    tree_task_clear(t);
    dialogs_open(m, DIALOG_PAGE);
}

/* Going back: sessions that ended after this one have changed settings, too, which stand as they found them. The next of
 * them is read, from the one that ended first on; then the review can begin. */
static void read_later(struct model *m, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    const struct workspace *w = &m->workspace;
    int row = session_rows_find(w, t->session);

    while (t->later > 0) {
        const struct session_row *r = &w->sessions[--t->later];
        if (r->state == SESSION_FAILED) /* everything of it was undone */
            continue;
        t->reading = true;
        read_session(m, UI_TREE_LATER, r->name, fx);
        return;
    }
    if (may(m, TREE_REVERT, row,
            t->node)) /* the DBA may have begun another one while files were read */
        flow_revert(m, t->a, t->node, t->goals, t->ngoals, fx);
    tree_task_clear(t);
}

static void revert(struct model *m, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    int row = session_rows_find(&m->workspace, t->session);

    if (row < 0 || row > TREE_LATER_MAX) {
        model_say(m, CHAT_WARN,
                  "more than %d sessions have ended since: that is too far back to be put together",
                  TREE_LATER_MAX);
        tree_task_clear(t);
        return;
    }
    if (holds_changes(t->a)) {
        model_say(m, CHAT_WARN,
                  "%s is paused, and its changes are its own to undo: /resume %s, then u",
                  t->session, t->session);
        tree_task_clear(t);
        return;
    }
    t->goals = xcalloc(LEDGER_MAX, sizeof *t->goals);
    t->ngoals = tree_goals(t->a, t->node, t->goals, 0, LEDGER_MAX);
    t->later = row;
    read_later(m, fx);
}

static void later_read(struct model *m, struct session_read *r, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;

    if (holds_changes(r->session)) {
        model_say(m, CHAT_WARN,
                  "session %s is paused, and the server runs with its changes: resume or undo it "
                  "first",
                  r->name);
        tree_task_clear(t);
        return;
    }
    t->ngoals = tree_goals(r->session, NODE_START, t->goals, t->ngoals, LEDGER_MAX);
    read_later(m, fx);
}

static void first_read(struct model *m, struct session_read *r, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    int row = session_rows_find(&m->workspace, t->session);

    t->a = r->session;
    r->session = NULL;
    switch (t->act) {
    case TREE_SHOW:
        show_state(m);
        break;
    case TREE_COMPARE:
        t->reading = true;
        read_session(m, UI_TREE_SECOND, t->other, fx);
        break;
    case TREE_BRANCH:
        if (may(m, TREE_BRANCH, row, t->node))
            flow_branch(m, t->a, t->node, fx);
        tree_task_clear(t);
        break;
    case TREE_REVERT:
        revert(m, fx);
        break;
    case TREE_DELETE:
        delete_asked(m);
        break;
    case TREE_RENAME:
    case TREE_CLOSE:
    case TREE_NOTHING:
        break;
    }
}

static void record_read(struct model *m, const struct event *ev)
{
    struct tree *t = &m->tree;
    const struct session_read *r = ev->digest;

    for (int i = 0; i < t->nopen; i++) {
        struct tree_record *open = &t->open[i];
        if (!open->reading || (r && strcmp(open->session, r->name) != 0))
            continue;
        int row = open->row;
        if (r && r->session) {
            tree_record_of(r->session, open);
        } else {
            open->reading = false;
            text_copy(open->why, sizeof open->why, r ? r->err.msg : ev->err.msg);
        }
        open->row = row;
        if (!r) /* which one it was cannot be told: they are read again when they are opened again */
            continue;
        break;
    }
    m->dirty = true;
}

static void session_answer(struct model *m, struct event *ev, struct effects *fx)
{
    struct tree_task *t = &m->tree.task;
    struct session_read *r = ev->digest;
    char what[200];

    if (!r || !r->session) {
        snprintf(what, sizeof what, "session %.120s cannot be read",
                 ev->req.id == UI_TREE_SECOND ? t->other : t->session);
        failed(m, what, r && r->err.code ? &r->err : &ev->err);
        return;
    }
    if (ev->req.id == UI_TREE_FIRST) {
        first_read(m, r, fx);
    } else if (ev->req.id == UI_TREE_LATER) {
        later_read(m, r, fx);
    } else {
        t->b = r->session;
        r->session = NULL;
        compare(m);
    }
}

void tree_answer(struct model *m, struct event *ev, struct effects *fx)
{
    m->dirty = true;
    if (ev->req.id == UI_TREE_RECORD) {
        record_read(m, ev);
        return;
    }
    if (ev->req.generation != m->tree.no || !m->tree.task.reading)
        return;
    m->tree.task.reading = false;
    switch (ev->req.id) {
    case UI_TREE_TITLE:
        m->tree.task.reading = true;
        title_read(m, ev, fx);
        break;
    case UI_TREE_SAVED:
        title_saved(m, ev, fx);
        break;
    case UI_TREE_REMOVED:
        removed(m, ev, fx);
        break;
    default:
        session_answer(m, ev, fx);
        break;
    }
}

void tree_pump(struct model *m)
{
    struct tree *t = &m->tree;

    if (t->closing[0] && m->flow > FLOW_PLAN && strcmp(t->closing, m->session.name) == 0 &&
        model_run_active(m)) {
        m->fl.now.stop_and_keep = true;
        t->closing[0] = '\0';
    } else if (t->closing[0] && m->flow != FLOW_RECOVER && m->flow != FLOW_SETTLE) {
        t->closing[0] = '\0'; /* it was left paused after all */
    }
    tree_sync(m);
}
