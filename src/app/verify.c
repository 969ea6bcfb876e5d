/* verify.c - see verify.h. First the files of the workspace, then a look at the server that changes nothing. With --measure a session of its
 * own follows: its one round measures what stood there before against what runs, with the workload of the newest ARCHIVED session, and
 * is never kept; so its journal, guard and undo are those of every session, and the server ends as it was found. */
#include "pgd/app/verify.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/cli.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/runner/script.h"
#include "pgd/workspace/export_parts.h"
#include "pgd/workspace/session_rows.h"
#include "pgd/workspace/store.h"

enum { FILE_MOST = 16 << 20, LINES_MS = 10000 };

static struct req next_req(struct model *m, enum ui_file id)
{
    return (struct req){OWNER_UI, ++m->verifying.generation, id};
}

static void read_file(struct model *m, enum ui_file id, const char *rel, struct effects *fx)
{
    struct buf path = {0};

    buf_printf(&path, "%s/workspaces/%s/%s", m->opt.home, m->opt.workspace, rel);
    fx_file(fx, next_req(m, id), FILE_READ, buf_text(&path))->u.file.max_bytes = FILE_MOST;
    buf_clear(&path);
}

static void emit_error(struct model *m, const struct err *e, struct effects *fx)
{
    flow_emit(m, line_error("verify", e), fx);
    model_say(m, CHAT_BAD, "%s", e->msg);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
}

static void fail(struct model *m, const struct err *e, int code, struct effects *fx)
{
    emit_error(m, e, fx);
    flow_quit(m, code, fx);
}

/* ---- the workspace ---- */

void verify_start(struct model *m, struct effects *fx)
{
    read_file(m, UI_VERIFY_PLACE, "workspace.json", fx);
}

/* What the flags leave open, the workspace says. */
static void take_way(struct model *m, const struct workspace_way *way)
{
    if (cli_connect_get(&m->opt.connect, "dbname") && cli_connect_get(&m->opt.connect, "host"))
        return;
    for (int i = 0; i < way->connect.n; i++)
        if (!cli_connect_get(&m->opt.connect, way->connect.keys[i]))
            cli_connect_set(&m->opt.connect, way->connect.keys[i], way->connect.values[i]);
}

static void take_place(struct model *m, const struct event *ev, struct effects *fx)
{
    struct verifying *v = &m->verifying;
    struct workspace_way *way = xcalloc(1, sizeof *way);
    const char *text = ev->text ? ev->text : "";
    struct err e = ev->err;

    v->before = xcalloc(1, sizeof *v->before);
    if (ev->u.file.missing) {
        err_set(&e, ERR_USAGE, "there is no workspace %.100s", m->opt.workspace);
        err_hint(&e, "pg_diagnose workspaces lists them.");
        fail(m, &e, 2, fx);
    } else if (e.code != ERR_NONE || !store_workspace_parse(text, ev->len, &v->then, &e) ||
               !store_workspace_facts(text, ev->len, v->before, &e)) {
        fail(m, &e, 1, fx);
    } else {
        if (store_workspace_way(text, ev->len, way, &e))
            take_way(m, way);
        read_file(m, UI_VERIFY_INDEX, "index.json", fx);
    }
    free(way);
}

static void next_session(struct model *m, struct effects *fx)
{
    struct verifying *v = &m->verifying;
    const char *names = buf_text(&v->names);
    size_t n = strcspn(names, "\n");
    char name[200], rel[260];
    struct err e = {0};

    if (n > 0 && m->fl.narchived < ARCHIVED_MAX) {
        snprintf(name, sizeof name, "%.*s", (int)n, names);
        buf_consume(&v->names, n + (names[n] == '\n'));
        snprintf(rel, sizeof rel, "sessions/%s/session.json", name);
        read_file(m, UI_VERIFY_SESSION, rel, fx);
    } else if (m->fl.narchived == 0) {
        err_set(&e, ERR_USAGE, "workspace %.100s has no archived session", m->opt.workspace);
        err_hint(&e, "Nothing was proven there yet; tune does that.");
        fail(m, &e, 2, fx);
    } else {
        v->read = true;
        v->sessions = m->fl.narchived;
        flow_begin(m, fx);
    }
}

/* Oldest first: later sessions win. */
static void take_index(struct model *m, const struct event *ev, struct effects *fx)
{
    struct verifying *v = &m->verifying;
    struct workspace *w = xcalloc(1, sizeof *w);
    struct err e = ev->err;

    if (e.code != ERR_NONE || !store_index_parse(ev->text ? ev->text : "", ev->len, w, &e)) {
        fail(m, &e, 1, fx);
    } else {
        for (int i = w->nsessions - 1; i >= 0; i--) {
            if (w->sessions[i].state == SESSION_ARCHIVED)
                buf_printf(&v->names, "%s\n", w->sessions[i].name);
            if (w->sessions[i].interrupted && !v->unfinished[0])
                text_copy(v->unfinished, sizeof v->unfinished, w->sessions[i].name);
        }
        next_session(m, fx);
    }
    session_rows_clear(w);
    free(w);
}

static void take_session(struct model *m, const struct event *ev, struct effects *fx)
{
    struct session *s = xcalloc(1, sizeof *s);
    struct err e = ev->err;

    if (e.code == ERR_NONE && store_session_parse(ev->text ? ev->text : "", ev->len, s, &e) &&
        s->state == SESSION_ARCHIVED) {
        m->fl.archived[m->fl.narchived++] = s;
    } else {
        if (e.code != ERR_NONE) {
            m->verifying.findings++;
            emit_error(m, &e, fx);
        }
        session_reset(s);
        free(s);
    }
    next_session(m, fx);
}

/* ---- the server ---- */

static int finals(const struct model *m, struct final_setting *out)
{
    const struct session *all[ARCHIVED_MAX];

    for (int i = 0; i < m->fl.narchived; i++)
        all[i] = m->fl.archived[i];
    return export_final(m, all, m->fl.narchived, out, LEDGER_MAX);
}

static const struct session *newest(const struct model *m)
{
    return m->fl.archived[m->fl.narchived - 1];
}

bool verify_discovered(struct model *m, struct effects *fx)
{
    struct verifying *v = &m->verifying;
    struct final_setting *list;
    struct buf sql = {0};
    int n;

    if (!m->opt.verify || v->looked)
        return false;
    flow_enter(m, FLOW_WATCH); /* nothing of a session yet */
    list = xcalloc(LEDGER_MAX, sizeof *list);
    n = finals(m, list);
    buf_puts(&sql,
             "SELECT name, sourcefile, sourceline FROM pg_catalog.pg_settings WHERE name IN (''");
    for (int i = 0; i < n; i++) {
        buf_puts(&sql, ", ");
        quote_literal(&sql, list[i].entry->name);
    }
    buf_putc(&sql, ')');
    fx_sql(fx, next_req(m, UI_VERIFY_LINES), CONN_CONTROL, buf_text(&sql), LINES_MS);
    buf_clear(&sql);
    free(list);
    return true;
}

static void emit_setting(struct model *m, const struct verify_setting *s, const char *session,
                         struct effects *fx)
{
    bool ok = strcmp(s->state, "in force") == 0;
    struct line *l = line_new("proven");

    line_text(l, "name", s->name);
    line_text(l, "proven", s->proven);
    line_text(l, "now", s->now[0] ? s->now : NULL);
    line_text(l, "state", s->state);
    line_text(l, "file", s->file[0] ? s->file : NULL);
    line_text(l, "by", s->by[0] ? s->by : NULL);
    line_text(l, "by_value", s->by[0] ? s->by_value : NULL);
    line_text(l, "session", session);
    flow_emit(m, l, fx);
    model_say(m, ok ? CHAT_GOOD : CHAT_WARN, "%s %s: %s%s%s%s%s%s%s%s%s", s->name, s->proven,
              s->state, ok || !s->now[0] ? "" : ", the server has ", ok ? "" : s->now,
              s->by[0] ? "; " : "", s->by, s->by[0] ? " has " : "", s->by[0] ? s->by_value : "",
              s->file[0] ? ", from " : "", s->file);
}

static void look_at_settings(struct model *m, const struct rows *lines, struct effects *fx)
{
    struct verifying *v = &m->verifying;
    struct final_setting *list = xcalloc(LEDGER_MAX, sizeof *list);
    int n = finals(m, list);

    for (int i = 0; i < n; i++) {
        struct verify_setting s;
        verify_setting(&m->server, lines, list[i].entry->name, list[i].to, m->server.id.role,
                       list[i].by->plan.database, &s);
        v->settings++;
        if (strcmp(s.state, "in force") == 0)
            v->in_force++;
        else
            v->findings++;
        emit_setting(m, &s, list[i].by->name, fx);
    }
    free(list);
}

static void look_at_server(struct model *m)
{
    struct verifying *v = &m->verifying;

    buf_clear(&v->changed);
    v->findings += verify_server(&v->then, v->before, &m->server, &v->changed);
    for (const char *p = buf_text(&v->changed); *p;) {
        size_t n = strcspn(p, "\n");
        model_say(m, CHAT_WARN, "%.*s", (int)n, p);
        p += n + (p[n] == '\n');
    }
    if (v->changed.len == 0)
        model_say(m, CHAT_GOOD,
                  "it is the same server and the same machine, as far as can be seen");
}

/* What stood there before is slower than what runs, beyond doubt and beyond noise. An arm that is clearly slower is left after its first
 * runs: too few for a verdict, and its interval says it all the same. */
static bool earning(const struct verdict *v)
{
    double least = fmax(0.02, isfinite(v->floor) ? v->floor : 0);

    return v->kind == VERDICT_REGRESSED || (v->kind != VERDICT_NONE && isfinite(v->ci_hi) &&
                                            v->ci_hi < 1 && 1 / v->ratio > 1 + least);
}

/* The last line: what was found in all. */
static void end(struct model *m, const struct verdict *measured, const char *why_not,
                struct effects *fx)
{
    struct verifying *v = &m->verifying;
    struct line *l = line_new("verification");
    bool same = v->changed.len == 0, any = measured && measured->kind != VERDICT_NONE;
    /* measured was "as before" over "as proven" */
    double effect = any ? 1 / measured->ratio : (double)NAN;
    bool earns = any && earning(measured);
    struct buf ci = {0};

    if (measured && !earns)
        v->findings++;
    if (any && isfinite(measured->ci_lo) && isfinite(measured->ci_hi))
        buf_printf(&ci, "[%.4f,%.4f]", 1 / measured->ci_hi, 1 / measured->ci_lo);
    line_text(l, "workspace", m->opt.workspace);
    line_int(l, "sessions", v->sessions);
    line_int(l, "settings", v->settings);
    line_int(l, "in_force", v->in_force);
    line_int(l, "findings", v->findings);
    line_bool(l, "same_server", same);
    line_text(l, "changed", same ? NULL : buf_text(&v->changed));
    line_text(l, "earning",
              !measured                                   ? NULL
              : earns                                     ? "yes"
              : any && measured->kind == VERDICT_IMPROVED ? "no"
                                                          : "not shown");
    line_num(l, "effect", effect);
    line_raw(l, "ci95", ci.len ? buf_text(&ci) : "null");
    line_text(l, "not_measured", why_not);
    line_text(l, "left_out", v->left_out.len ? buf_text(&v->left_out) : NULL);
    flow_emit(m, l, fx);
    buf_clear(&ci);
    model_say(m, v->findings ? CHAT_WARN : CHAT_GOOD,
              "%d of %d settings are in force, %d finding%s", v->in_force, v->settings, v->findings,
              v->findings == 1 ? "" : "s");
    if (any) {
        char percent[24];
        text_percent(percent, sizeof percent, effect);
        model_say(m, earns ? CHAT_GOOD : CHAT_WARN, "against what stood there before: %s, %s",
                  percent, earns ? "they still earn it" : "that they still earn it was not shown");
    }
    if (why_not)
        model_say(m, CHAT_EVENT, "not measured: %s", why_not);
    v->ended = true;
    flow_quit(m, v->findings ? 1 : 0, fx);
}

/* ---- --measure ---- */

/* The command line of a session with the workload of the newest archived one. */
static void order_session(struct model *m)
{
    const struct session *s = newest(m);
    struct options *o = &m->opt;

    text_copy(o->strategy, sizeof o->strategy, "Verify");
    o->workload[0] = '\0';
    o->nscripts = 0;
    if (s->plan.builtin_db)
        text_copy(o->workload, sizeof o->workload, s->plan.workload);
    for (int i = 0; !s->plan.builtin_db && i < s->plan.nscripts; i++) {
        struct buf path = {0};
        o->scripts[i] = s->plan.scripts[i];
        char name[300];
        script_file(&s->plan, i, name, sizeof name);
        buf_printf(&path, "%s/workspaces/%s/sessions/%s/scripts/%s", o->home, o->workspace, s->name,
                   name);
        text_copy_raw(o->scripts[i].path, sizeof o->scripts[i].path, buf_text(&path));
        o->nscripts = i + 1;
        buf_clear(&path);
    }
    o->observe = s->plan.observe;
    o->clients = s->plan.clients;
    if (!o->duration_s)
        o->duration_s = s->plan.duration_s;
    o->rounds = 1;
    if (!o->budget_given)
        o->budget_s = s->plan.budget_s;
    o->goal = s->plan.goal;
    o->rate = s->plan.rate;
    o->bench_db = s->plan.builtin_db;
    o->accept = ACCEPT_SAFE;
    o->advisor = ADVISOR_BUILTIN;
    o->compare = o->knee = o->measure_durability = false;
    o->target_tps = 0;
}

static void after_look(struct model *m, struct effects *fx)
{
    struct verifying *v = &m->verifying;

    v->looked = true;
    if (!m->opt.measure) {
        end(m, NULL, "--measure runs the recorded workload with and without the settings", fx);
    } else if (v->unfinished[0]) {
        char why[300];
        snprintf(why, sizeof why, "session %.120s is not finished: resume or undo it first",
                 v->unfinished);
        v->findings++;
        end(m, NULL, why, fx);
    } else if (v->in_force == 0) {
        end(m, NULL, "none of the settings is in force", fx);
    } else {
        order_session(m);
        model_say(
            m, CHAT_EVENT,
            "measuring what runs against what stood there before, in turn; the server is left "
            "as it was found");
        flow_open_discovered(m, fx);
    }
}

void verify_propose(struct model *m, struct proposal *p)
{
    struct final_setting *list;
    int n;

    if (!m->opt.verify)
        return;
    list = xcalloc(LEDGER_MAX, sizeof *list);
    n = finals(m, list);
    memset(p, 0, sizeof *p);
    text_copy(p->advisor.text, sizeof p->advisor.text, "verify");
    text_copy(p->summary, sizeof p->summary, "What stood there before the workspace's sessions.");
    for (int i = 0; i < n && p->n < CHANGES_MAX; i++) {
        struct setting_change *c = &p->changes[p->n];
        const struct setting *s = settings_find(&m->server.settings, list[i].entry->name);
        if (!s || strcmp(s->shown, list[i].to) != 0 || !list[i].from[0])
            continue; /* it is not what was proven: there is nothing of it to be measured */
        text_copy_raw(c->name, sizeof c->name, list[i].entry->name);
        text_copy_raw(c->value, sizeof c->value, list[i].from);
        text_copy(c->why, sizeof c->why, "It stood there before the workspace's sessions.");
        c->expect_lo = c->expect_hi = NAN;
        p->n++;
    }
    free(list);
}

const char *verify_veto(const struct model *m)
{
    return m->opt.verify ? "verify keeps nothing: the server is left as it was found" : NULL;
}

/* What was not part of the measurement: the guard refused it, or it needs a restart that nobody allowed. */
static void note_left_out(struct model *m)
{
    const struct review *r = &m->session.round.review;
    struct buf *out = &m->verifying.left_out;

    for (int i = 0; i < r->n; i++)
        if (r->lines[i].answer != ANSWER_ACCEPT)
            buf_printf(out, "%s%s", out->len ? ", " : "", r->lines[i].change.name);
    if (out->len)
        model_say(m, CHAT_WARN, "not part of the measurement (refused, or by a restart): %s",
                  buf_text(out));
}

bool verify_ended(struct model *m, struct effects *fx)
{
    const struct session *s = &m->session;

    if (!m->opt.verify || m->verifying.ended)
        return false;
    note_left_out(m);
    if (s->nhistory > 0 && !s->history[0].failed) {
        end(m, &s->history[0].verdict, NULL, fx);
    } else {
        m->verifying.findings++;
        end(m, NULL,
            s->nhistory > 0 ? "what stood there before could not be put in force"
                            : "nothing that may be changed by a reload alone was left to measure",
            fx);
    }
    return true;
}

/* ---- answers ---- */

void verify_answer(struct model *m, struct event *ev, struct effects *fx)
{
    if (ev->req.generation != m->verifying.generation || m->quitting)
        return;
    switch (ev->req.id) {
    case UI_VERIFY_PLACE:
        take_place(m, ev, fx);
        break;
    case UI_VERIFY_INDEX:
        take_index(m, ev, fx);
        break;
    case UI_VERIFY_SESSION:
        take_session(m, ev, fx);
        break;
    case UI_VERIFY_LINES:
        look_at_server(m);
        look_at_settings(m, ev->err.code == ERR_NONE ? ev->rows : NULL, fx);
        after_look(m, fx);
        break;
    default:
        break;
    }
}
