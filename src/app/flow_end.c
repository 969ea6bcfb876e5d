/* flow_end.c - how a session is saved and how it ends: checkpoints, pause, archive or failure, exports,
 * the summary. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/score.h"
#include "pgd/app/advise.h"
#include "pgd/app/advised.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/headless.h"
#include "pgd/app/links.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/workspace/export.h"
#include "pgd/workspace/left.h"
#include "pgd/workspace/lessons.h"
#include "pgd/workspace/store.h"
#include "pgd/workspace/transcript.h"

/* Steps of FLOW_SUMMARY; the screen shows the summary from the first on. */
enum end_step {
    END_NONE,
    END_REFRESH,  /* settings are read back for the summary */
    END_CONNECT,  /* a session where the benchmark ran */
    END_VALUES,   /* what it shows for the settings that are kept */
    END_NEXT,     /* the advisor says which strategies are worth a session of their own */
    END_SESSIONS, /* session.json of the other ARCHIVED sessions, one after the other */
    END_MERGE,    /* the advisor composes what the sessions lead to together */
    END_TALK,     /* conversation.jsonl of each session of the report, where it has one */
    END_EXPORTS,  /* the files of exports/, one after the other */
    END_SAVE,     /* session.json for the last time */
    END_DONE
};

enum { VALUES_MS = 10000 };

/* ---- saving ---- */

static void save_text(struct effects *fx, struct req req, const char *dir, const char *rel,
                      struct buf *text)
{
    struct buf path = {0};

    buf_printf(&path, "%s/%s", dir, rel);
    struct effect *e = fx_file(fx, req, FILE_SAVE, buf_text(&path));
    e->len = text->len;
    e->text = buf_take(text);
    buf_clear(&path);
}

/* Whoever reads the list takes a row that stands before another for the later one, so a session that went on moves up. */
static void row_of_session(struct model *m)
{
    struct workspace *w = &m->workspace;
    int at = session_rows_find(w, m->session.name);
    struct session_row *r;

    if (at < 0 &&
        w->nsessions == SESSION_ROWS_MAX) /* the oldest one is found again by its folder */
        session_rows_remove(w, w->nsessions - 1);
    r = at < 0 ? session_rows_add(w, 0) : session_rows_front(w, at);
    store_session_row(&m->session, r);
    r->changed_wall_us = m->wall_us;
}

void flow_save_index(struct model *m, struct effects *fx)
{
    struct buf text = {0};

    if (m->session.name[0] && !m->fl.now.undo_only)
        row_of_session(m);
    store_index_json(&m->workspace, &text);
    save_text(fx, flow_store_req(), m->workspace.dir, "index.json", &text);
}

void flow_save(struct model *m, bool wait, struct effects *fx)
{
    struct buf text = {0};
    struct session *s = &m->session;

    if (s->name[0] && s->deadline_us)
        s->spent_s = fmax(s->spent_s, s->plan.budget_s - model_seconds_left(m));
    if (s->name[0] && !m->fl.now.undo_only) {
        store_session_json(s, &text);
        save_text(fx, wait ? flow_req(m) : flow_store_req(), s->dir, "session.json", &text);
    }
    flow_save_index(m, fx);
    flow_save_workspace(m, fx);
}

void flow_save_session(struct model *m, struct effects *fx)
{
    struct buf text = {0};

    store_session_json(&m->session, &text);
    save_text(fx, flow_store_req(), m->session.dir, "session.json", &text);
}

void flow_save_workspace(struct model *m, struct effects *fx)
{
    struct buf text = {0};

    store_workspace_json(m, &text);
    save_text(fx, flow_store_req(), m->workspace.dir, "workspace.json", &text);
}

void flow_save_failed(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->err.code == ERR_NONE)
        return;
    model_say(m, CHAT_BAD, "the session could not be saved: %s", ev->err.msg);
    if (ev->err.hint[0])
        model_say(m, CHAT_WARN, "%s", ev->err.hint);
    flow_emit(m, line_error("saving the session", &ev->err), fx);
    if (ev->err.code == ERR_FULL)
        flow_disk_full(m, fx);
}

void flow_journal(struct model *m, const char *event, const char *key, const char *value,
                  struct effects *fx)
{
    struct buf path = {0}, text = {0};

    buf_printf(&path, "%s/journal.jsonl", m->session.dir);
    store_journal_note(event, key, value, &text);
    struct effect *e = fx_file(fx, flow_store_req(), FILE_APPEND, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
    struct line *l = line_new(event);
    line_text(l, key, value);
    line_text(l, "session", m->session.name);
    flow_emit(m, l, fx);
}

/* ---- pause and trouble ---- */

/* What the stop has cost, while the DBA still knows what was running. */
static void say_lost(struct model *m)
{
    struct left_told t;

    m->fl.now.left = m->fl.now.written;
    left_tell(m, &t);
    if (t.again[0])
        model_say(m, CHAT_EVENT, "measured again when it goes on: %s", t.again);
    if (t.next[0])
        model_say(m, CHAT_EVENT, "then comes %s: t or /resume", t.next);
}

void flow_paused(struct model *m, struct effects *fx)
{
    m->fl.now.cancel = m->fl.now.pause_asked = false;
    m->session.state = SESSION_PAUSED;
    flow_enter(m, FLOW_PAUSED);
    flow_journal(m, "checkpoint", "what", "paused", fx);
    flow_save(m, false, fx);
    model_say(m, CHAT_EVENT, "session %s is paused; the server runs %s", m->session.name,
              m->fl.now.window_shut  ? "with the settings of the step under way"
              : m->fl.now.pause_back ? "as before the session: to go on brings the best state back"
              : m->session.best.n    ? "the best state measured so far"
                                     : "as before the session");
    say_lost(m);
    if (m->fl.quit_after)
        flow_quit(m, m->fl.exit_code, fx);
    headless_end(m, fx);
}

void flow_end_stuck(struct model *m, const struct err *e, struct effects *fx)
{
    struct buf sql = {0};

    m->fl.err = *e;
    m->session.state = SESSION_PAUSED;
    if (!m->apply.stuck_sql[0]) {
        flow_undo_text(m, &sql);
        apply_stuck_say(&m->apply, buf_text(&sql));
        buf_clear(&sql);
    }
    buf_puts(&sql, m->apply.stuck_sql);
    model_say(m, CHAT_BAD, "the operator must act: %s", e->msg);
    if (e->detail[0])
        model_say(m, CHAT_BAD, "%s", e->detail);
    if (m->apply.log_line[0])
        model_say(m, CHAT_BAD, "server log: %s", m->apply.log_line);
    model_say(m, CHAT_BAD, "run this by hand: %s", buf_text(&sql));
    advise_failed(m, "putting the server back", e);
    struct line *l = line_error("stuck", e);
    line_text(l, "explanation", m->advising.diagnosis.explanation);
    line_text(l, "fix", m->advising.diagnosis.fix);
    line_text(l, "sql", buf_text(&sql));
    flow_emit(m, l, fx);
    buf_clear(&sql);
    (void)dialogs_come(m, DIALOG_STUCK);
    flow_save(m, false, fx);
    advise_explain(m, fx);
    if (m->opt.headless || m->fl.quit_after)
        advise_leave(m, 5, fx);
}

/* ---- the end ---- */

void flow_finish(struct model *m, struct effects *fx)
{
    struct session *s = &m->session;

    s->state = m->fl.now.settle_failed ? SESSION_FAILED : SESSION_ARCHIVED;
    s->ended_wall_us = m->wall_us;
    if (!s->end_reason[0])
        text_copy(s->end_reason, sizeof s->end_reason, "undone by the DBA");
    flow_compare_missed(m, fx);
    flow_trade_missed(m);
    if (!m->fl.now.undo_only && !s->origin.reverts && !m->opt.verify)
        lessons_learn(m);
    flow_journal(m, "checkpoint", "what", session_state_name(s->state), fx);
    if (s->state == SESSION_ARCHIVED && flow_persist_open(m) > 0)
        model_say(m, CHAT_EVENT,
                  "%d setting%s of the operating system last%s until its next start: /persist on "
                  "the screen keeps them",
                  flow_persist_open(m), flow_persist_open(m) == 1 ? "" : "s",
                  flow_persist_open(m) == 1 ? "s" : "");
    if (!flow_knee_begin(m, fx))
        flow_finished(m, fx);
}

void flow_finished(struct model *m, struct effects *fx)
{
    flow_enter(m, FLOW_SUMMARY);
    m->fl.export_one = 0;
    m->fl.step = END_REFRESH;
    discover_refresh(&m->discover, &m->server, fx);
}

/* What is kept, as the benchmark's session shows it; where that could not be asked, as ours does. */
static void final_values(struct model *m, const struct rows *seen)
{
    struct session *s = &m->session;

    s->nfinal = 0;
    for (int i = 0; i < s->best.n; i++) {
        const char *name = s->best.entries[i].name, *shown = NULL;
        const struct setting *v = settings_find(&m->server.settings, name);
        for (int r = 0; seen && r < seen->nrows; r++)
            if (rows_text(seen, r, "name") && strcmp(rows_text(seen, r, "name"), name) == 0)
                shown = rows_text(seen, r, "shown");
        if (!shown && v)
            shown = v->shown;
        if (!shown || strcmp(session_first(s, name), shown) == 0)
            continue;
        struct first_value *f = &s->final_values[s->nfinal++];
        text_copy_raw(f->name, sizeof f->name, name);
        text_copy(f->shown, sizeof f->shown, shown);
    }
}

static void ask_values(struct model *m, struct effects *fx)
{
    const struct arm *best = &m->session.best;
    struct buf sql = {0};

    m->fl.step = END_VALUES;
    buf_puts(&sql, "SELECT name, pg_catalog.current_setting(name) AS shown "
                   "FROM pg_catalog.pg_settings WHERE name IN (");
    for (int i = 0; i < best->n; i++) {
        buf_puts(&sql, i ? ", " : "");
        quote_literal(&sql, best->entries[i].name);
    }
    buf_putc(&sql, ')');
    fx_sql(fx, flow_req(m), CONN_QUESTIONS, buf_text(&sql), VALUES_MS);
    buf_clear(&sql);
}

static void forget_archived(struct model *m)
{
    for (int i = 0; i < m->fl.narchived; i++) {
        session_reset(m->fl.archived[i]);
        free(m->fl.archived[i]);
    }
    m->fl.narchived = 0;
    free(m->advising.merged);
    m->advising.merged = NULL;
    buf_clear(&m->advising.said);
}

/* Is the session in memory part of the report? */
static bool is_reported(const struct model *m)
{
    return m->session.state == SESSION_ARCHIVED && !m->session.origin.reverts;
}

/* How many sessions of the workspace are in that state; reverts are no part of an export and are counted apart. */
static int rows_in(const struct workspace *w, enum session_state state, bool reverts)
{
    int n = 0;

    for (int i = 0; i < w->nsessions; i++)
        n += w->sessions[i].state == state && w->sessions[i].origin.reverts == reverts;
    return n;
}

/* What there is instead of a session that could be exported: "1 PAUSED, 2 FAILED". */
static void count_states(const struct workspace *w, struct buf *out)
{
    static const enum session_state others[] = {SESSION_ACTIVE, SESSION_PAUSED, SESSION_FAILED};
    int back = rows_in(w, SESSION_ARCHIVED, true);

    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        int n = rows_in(w, others[i], false) + rows_in(w, others[i], true);
        if (n > 0)
            buf_printf(out, "%s%d %s", out->len ? ", " : "", n, session_state_name(others[i]));
    }
    if (back > 0)
        buf_printf(out, "%s%d that only brought the server back", out->len ? ", " : "", back);
}

void flow_export_nothing(const struct model *m, struct err *e)
{
    const struct workspace *w = &m->workspace;
    struct buf states = {0};
    const char *open = NULL;

    for (int i = 0; i < w->nsessions && !open; i++)
        if (w->sessions[i].state == SESSION_ACTIVE || w->sessions[i].state == SESSION_PAUSED)
            open = w->sessions[i].name;
    count_states(w, &states);
    if (rows_in(w, SESSION_ARCHIVED, false) > 0)
        err_set(e, ERR_FILE, "nothing to export: no ARCHIVED session can be read");
    else
        err_set(e, ERR_USAGE, "nothing to export yet: this workspace has no ARCHIVED session");
    err_detail(e, "It has %s. Exports are made of ARCHIVED sessions alone; no file was written.",
               w->nsessions == 0 ? "no session at all" : buf_text(&states));
    if (open)
        err_hint(e,
                 "A session is archived when it ends with something gained: resume %.100s and "
                 "bring it to its end.",
                 open);
    else
        err_hint(e, "A session is archived when it ends with something gained: tune until one "
                    "does.");
    buf_clear(&states);
}

static void say_nothing(struct model *m)
{
    struct err e = {0};

    flow_export_nothing(m, &e);
    model_say(m, CHAT_WARN, "%s", e.msg);
    model_say(m, CHAT_EVENT, "%s", e.detail);
    model_say(m, CHAT_EVENT, "%s", e.hint);
}

/* Every session of the report, oldest first; the one in memory is the last. */
static int reported(const struct model *m, const struct session *all[ARCHIVED_MAX + 1])
{
    int n = 0;

    for (int i = 0; i < m->fl.narchived; i++)
        all[n++] = m->fl.archived[i];
    if (is_reported(m))
        all[n++] = &m->session;
    return n;
}

/* The export of number fl.export_at. */
static void write_export(struct model *m, struct effects *fx)
{
    const struct export_kind *kind = export_kind_at(m->fl.export_at);
    const struct session *all[ARCHIVED_MAX + 1];
    struct buf text = {0}, path = {0};
    int n = reported(m, all);

    m->fl.step = END_EXPORTS;
    kind->write(m, all, n, &text);
    if (m->fl.export_at == EXPORT_REPORT)
        buf_puts(&text, buf_text(&m->advising.said));
    buf_printf(&path, "%s/exports/%s", m->workspace.dir, kind->file);
    text_copy_raw(m->fl.paths[m->fl.export_at], sizeof m->fl.paths[0], buf_text(&path));
    save_text(fx, flow_req(m), m->workspace.dir, buf_text(&path) + strlen(m->workspace.dir) + 1,
              &text);
    buf_clear(&path);
}

static void end_done(struct model *m, struct effects *fx);

/* Reads the next ARCHIVED session that is not the one in memory; at counts rows of the index. */
static void read_archived(struct model *m, struct effects *fx)
{
    struct workspace *w = &m->workspace;
    struct buf path = {0};

    for (m->fl.step = END_SESSIONS; m->fl.at < w->nsessions; m->fl.at++) {
        const struct session_row *r = &w->sessions[m->fl.at];
        if (r->state != SESSION_ARCHIVED || r->origin.reverts ||
            strcmp(r->name, m->session.name) == 0 || m->fl.narchived == ARCHIVED_MAX)
            continue;
        buf_printf(&path, "%s/sessions/%s/session.json", w->dir, r->name);
        fx_file(fx, flow_req(m), FILE_READ, buf_text(&path))->u.file.max_bytes = 16u << 20;
        buf_clear(&path);
        m->fl.at++;
        return;
    }
    if (m->fl.narchived == 0 && !is_reported(m)) { /* the index says so, their files do not */
        say_nothing(m);
        end_done(m, fx);
        return;
    }
    m->fl.step = END_MERGE;
    advise(m, OP_CONFLICTS, fx);
}

/* The conversation of session number `at` of the report; behind the last one the report is written. */
static void read_talk(struct model *m, struct effects *fx)
{
    const struct session *all[ARCHIVED_MAX + 1];
    struct buf path = {0};

    m->fl.step = END_TALK;
    if (m->fl.at == reported(m, all)) {
        m->fl.export_at = m->fl.export_one > 0 ? m->fl.export_one - 1 : 0;
        write_export(m, fx);
        return;
    }
    buf_printf(&path, "%s/sessions/%s/conversation.jsonl", m->workspace.dir, all[m->fl.at]->name);
    fx_file(fx, flow_req(m), FILE_READ, buf_text(&path))->u.file.max_bytes = TRANSCRIPT_MAX;
    buf_clear(&path);
    m->fl.at++;
}

void flow_report_known(struct model *m, const struct op_answer *a, struct effects *fx)
{
    if (m->flow != FLOW_SUMMARY || m->fl.step != END_MERGE)
        return;
    free(m->advising.merged);
    m->advising.merged = xcalloc(1, sizeof *m->advising.merged);
    *m->advising.merged = a->u.report;
    m->advising.merged_by = a->advisor;
    m->fl.at = 0;
    read_talk(m, fx);
}

static void talk_read(struct model *m, const struct event *ev)
{
    const struct session *all[ARCHIVED_MAX + 1];
    int n = reported(m, all);

    if (ev->err.code == ERR_NONE && ev->text && m->fl.at <= n) /* most sessions have none */
        transcript_report(all[m->fl.at - 1]->name, ev->text, ev->len, &m->advising.said);
}

static void archived_read(struct model *m, const struct event *ev)
{
    struct session *s;
    struct err e = {0};

    if (ev->err.code != ERR_NONE || !ev->text) {
        model_say(m, CHAT_WARN, "a session was left out of the export: %s", ev->err.msg);
        return;
    }
    s = xcalloc(1, sizeof *s);
    bool read = store_session_parse(ev->text, ev->len, s, &e);
    if (read && s->state != SESSION_ARCHIVED) { /* whatever the index says */
        session_reset(s);
        free(s);
    } else if (read) {
        /* the index is newest first; later sessions win, so the oldest goes to the front */
        memmove(m->fl.archived + 1, m->fl.archived, (size_t)m->fl.narchived * sizeof(void *));
        m->fl.archived[0] = s;
        m->fl.narchived++;
    } else {
        model_say(m, CHAT_WARN, "a session was left out of the export: %s", e.msg);
        session_reset(s);
        free(s);
    }
}

static void say_exports(struct model *m)
{
    int n = 0;

    if (m->fl.export_one) {
        const char *path = m->fl.paths[m->fl.export_one - 1];
        if (*path)
            model_say(m, CHAT_GOOD, "exported: %s", path);
        return;
    }
    for (int i = 0; export_kind_at(i); i++)
        n += m->fl.paths[i][0] != '\0';
    if (m->fl.paths[EXPORT_REPORT][0])
        model_say(m, CHAT_GOOD, "exported: %s", m->fl.paths[EXPORT_REPORT]);
    if (n > 1)
        model_say(
            m, CHAT_GOOD,
            "and %d more files beside it: configuration, playbook, SQL with its undo \xe2\x80\xa6",
            n - 1);
}

static void end_done(struct model *m, struct effects *fx)
{
    m->fl.step = END_DONE;
    forget_archived(m);
    say_exports(m);
    m->fl.export_one = 0;
    m->dirty = true;
    if (m->fl.quit_after)
        flow_quit(m, m->fl.exit_code, fx);
    headless_end(m, fx);
}

/* How far the advisor's predictions can be trusted, by the rule that made them. */
static void say_scores(struct model *m)
{
    char text[400];
    struct evidence e;

    model_evidence(m, &e);
    score_by_rule(&e, text, sizeof text);
    if (text[0])
        model_say(m, CHAT_EVENT, "predictions met by the measured interval, by rule: %s", text);
}

static void say_end(struct model *m)
{
    const struct session *s = &m->session;
    char text[240], figure[64];

    model_say(m, s->state == SESSION_ARCHIVED ? CHAT_GOOD : CHAT_WARN,
              "session %s: %s after %d round%s (%s)", s->name,
              s->state == SESSION_ARCHIVED ? "archived"
              : session_without_round(s)   ? "ended, and the server is as it was,"
                                           : "failed, everything is undone",
              s->rounds_done, s->rounds_done == 1 ? "" : "s", s->end_reason);
    for (int i = 0; i < s->nfinal; i++)
        model_say(m, CHAT_GOOD, "%s: %s \xe2\x86\x92 %s", s->final_values[i].name,
                  session_first(s, s->final_values[i].name), s->final_values[i].shown);
    say_scores(m);
    for (int i = 0; i < s->nfinal; i++)
        if (strcmp(s->final_values[i].name, "huge_pages") == 0 &&
            huge_pages_missed(&m->server, text, sizeof text, figure, sizeof figure))
            model_say(m, CHAT_WARN, "%s", text);
}

bool flow_end_busy(const struct model *m)
{
    if (flow_handover_busy(m))
        return true;
    return m->flow == FLOW_SUMMARY && m->fl.step != END_NONE && m->fl.step != END_DONE;
}

static void values_known(struct model *m, struct effects *fx)
{
    m->fl.step = END_NEXT;
    say_end(m);
    if (m->session.origin.reverts) { /* nothing was learnt: there is nothing to advise or export */
        (void)dialogs_come(m, DIALOG_SUMMARY);
        m->fl.step = END_SAVE;
        flow_save(m, true, fx);
        return;
    }
    advised_end(m, fx);
    advise(m, OP_NEXT_STRATEGIES, fx);
}

void flow_next_known(struct model *m, const struct op_answer *a, struct effects *fx)
{
    if (m->flow != FLOW_SUMMARY || m->fl.step != END_NEXT)
        return;
    model_say(m, CHAT_AI, "%s", a->u.next.text);
    (void)dialogs_come(m, DIALOG_SUMMARY);
    m->fl.step = END_SAVE;
    flow_save(m, true, fx);
}

bool flow_end_pump(struct model *m, struct effects *fx)
{
    if (m->flow != FLOW_SUMMARY || m->fl.step != END_REFRESH ||
        (m->discover.state != DISCOVER_DONE && m->discover.state != DISCOVER_FAILED))
        return false;
    flow_keep_identity(m);
    m->session.nfinal = 0;
    if (m->session.state != SESSION_ARCHIVED || m->session.best.n == 0) {
        values_known(m, fx);
        return true;
    }
    m->fl.step = END_CONNECT;
    m->fl.waiting++; /* the answer is the link's event */
    links_open(m, CONN_QUESTIONS, m->session.plan.database, fx);
    return true;
}

/* The session that is asked for the values: opened, answered, or not to be had. */
static bool values_event(struct model *m, const struct event *ev, struct effects *fx)
{
    bool link = (ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN) && ev->u.pg.conn == CONN_QUESTIONS;
    bool answered = m->fl.step == END_VALUES && flow_waits(m, ev);

    if (m->fl.step == END_CONNECT && link && ev->kind == EV_PG_UP) {
        ask_values(m, fx);
        return true;
    }
    if (!answered && !(m->fl.step == END_CONNECT && link))
        return link || m->fl.step == END_CONNECT || m->fl.step == END_VALUES;
    links_close(m, CONN_QUESTIONS, fx);
    final_values(m, answered && ev->err.code == ERR_NONE ? ev->rows : NULL);
    values_known(m, fx);
    return true;
}

void flow_end_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if ((m->flow == FLOW_SUMMARY && values_event(m, ev, fx)) || !flow_waits(m, ev))
        return;
    switch ((enum end_step)m->fl.step) {
    case END_SAVE:
        flow_save_failed(m, ev, fx);
        m->fl.now.save_failed = ev->err.code != ERR_NONE;
        m->fl.at = 0;
        if (m->session.state == SESSION_ARCHIVED && !m->session.origin.reverts)
            read_archived(m, fx);
        else
            end_done(m, fx);
        break;
    case END_SESSIONS:
        archived_read(m, ev);
        read_archived(m, fx);
        break;
    case END_TALK:
        talk_read(m, ev);
        read_talk(m, fx);
        break;
    case END_EXPORTS:
        if (ev->err.code != ERR_NONE) {
            model_say(m, CHAT_BAD, "export failed: %s", ev->err.msg);
            m->fl.paths[m->fl.export_at][0] = '\0';
        }
        if (!m->fl.export_one && export_kind_at(++m->fl.export_at))
            write_export(m, fx);
        else
            end_done(m, fx);
        break;
    case END_NONE:
    case END_REFRESH:
    case END_CONNECT:
    case END_VALUES:
    case END_NEXT:
    case END_MERGE:
    case END_DONE:
        break;
    }
}

void flow_export(struct model *m, const char *kind, struct effects *fx)
{
    if (!m->workspace.open || model_run_active(m) || m->flow == FLOW_RECOVER || flow_end_busy(m)) {
        model_say(m, CHAT_WARN, "export is possible when no session runs");
        return;
    }
    memset(m->fl.paths, 0, sizeof m->fl.paths); /* what an earlier one has written */
    if (rows_in(&m->workspace, SESSION_ARCHIVED, false) == 0 && !is_reported(m)) {
        say_nothing(m);
        return;
    }
    flow_enter(m, FLOW_SUMMARY);
    forget_archived(m);
    m->fl.at = 0;
    m->fl.export_one = 0;
    for (int i = 0; kind && export_kind_at(i); i++)
        if (strcmp(export_kind_at(i)->name, kind) == 0)
            m->fl.export_one = i + 1;
    read_archived(m, fx);
}

/* ---- the summary line of the contract ---- */

static void summary_fill(const struct model *m, struct summary *out)
{
    const struct session *s = &m->session;

    summary_init(out);
    text_copy(out->workspace, sizeof out->workspace, m->workspace.name);
    text_copy(out->session, sizeof out->session, s->name);
    text_copy(out->state, sizeof out->state, session_state_name(s->state));
    text_copy(out->strategy, sizeof out->strategy, s->plan.strategy);
    out->baseline_tps = s->baseline_tps;
    out->best_tps = s->best_tps;
    out->target_tps = s->target.tps > 0 ? s->target.tps : NAN;
    out->rounds = s->rounds_done;
    if (s->final.kind != VERDICT_NONE) {
        /* both from the runs that the effect is from: start and best, interleaved and fresh */
        if (isfinite(s->final.tps_a) && isfinite(s->final.tps_b)) {
            out->baseline_tps = s->final.tps_a;
            out->best_tps = s->final.tps_b;
        }
        out->verdict = s->final.kind;
        out->effect = s->final.ratio;
        out->ci_lo = s->final.ci_lo;
        out->ci_hi = s->final.ci_hi;
    } else if (s->rounds_done > 0 || s->state == SESSION_FAILED) {
        if (!isnan(s->baseline_tps))
            out->verdict = VERDICT_INCONCLUSIVE;
    }
    for (int i = 0; i < s->nfinal && out->nchanges < (int)ARRAY_LEN(out->changes); i++) {
        struct summary_change *c = &out->changes[out->nchanges++];
        text_copy(c->name, sizeof c->name, s->final_values[i].name);
        text_copy(c->from, sizeof c->from, session_first(s, c->name));
        text_copy(c->to, sizeof c->to, s->final_values[i].shown);
    }
    if (s->state == SESSION_ARCHIVED) {
        text_copy_raw(out->report, sizeof out->report, m->fl.paths[EXPORT_REPORT]);
        text_copy_raw(out->conf, sizeof out->conf, m->fl.paths[EXPORT_CONF]);
        text_copy_raw(out->ansible, sizeof out->ansible, m->fl.paths[EXPORT_ANSIBLE]);
    }
}

/* What its rounds have shown, in words: the effect is the confirmation's alone. */
static void say_unconfirmed(const struct session *s, struct buf *out)
{
    char said[200];
    struct gain g;

    session_gain(s, &g);
    gain_said(&g, said, sizeof said);
    if (g.by != GAIN_UNKNOWN)
        buf_printf(out, "; not confirmed: %s", said);
}

void flow_summary_line(struct model *m, struct effects *fx)
{
    struct summary *s = xcalloc(1, sizeof *s);
    struct buf text = {0};

    summary_fill(m, s);
    if (m->opt.json) {
        summary_json(s, &text);
    } else {
        buf_printf(&text, "summary: state %s, strategy %s, verdict %s",
                   s->state[0] ? s->state : "-", s->strategy[0] ? s->strategy : "-",
                   s->verdict ? verdict_name(s->verdict) : "-");
        if (!isnan(s->baseline_tps))
            buf_printf(&text, ", baseline %.0f TPS", s->baseline_tps);
        if (!isnan(s->best_tps))
            buf_printf(&text, ", best %.0f TPS", s->best_tps);
        if (!isnan(s->effect))
            buf_printf(&text, ", effect %+.1f %% (%+.1f .. %+.1f)", (s->effect - 1) * 100,
                       (s->ci_lo - 1) * 100, (s->ci_hi - 1) * 100);
        else
            say_unconfirmed(&m->session, &text);
    }
    fx_line(fx, FX_STDOUT, buf_text(&text));
    buf_clear(&text);
    free(s);
}

bool flow_export_finished(const struct model *m)
{
    return m->fl.step == END_DONE;
}
