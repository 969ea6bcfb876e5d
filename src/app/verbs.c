/* verbs.c - see verbs.h. `workspaces` reads index.json of each folder; `export` opens one workspace and lets
 * the flow's export do its work. */
#include "pgd/app/verbs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/flow_parts.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/workspace/export.h"
#include "pgd/workspace/store.h"

bool verbs_has(enum verb v)
{
    return v == VERB_WORKSPACES || v == VERB_EXPORT;
}

static void read_index(struct model *m, const char *name, struct effects *fx)
{
    struct buf path = {0};

    text_copy_raw(m->workspace.name, sizeof m->workspace.name, name);
    buf_printf(&path, "%s/workspaces/%s", m->opt.home, name);
    text_copy_raw(m->workspace.dir, sizeof m->workspace.dir, buf_text(&path));
    buf_puts(&path, "/index.json");
    fx_file(fx, (struct req){OWNER_UI, 1, 2}, FILE_READ, buf_text(&path))->u.file.max_bytes = 16u
                                                                                              << 20;
    buf_clear(&path);
}

static void quit(struct effects *fx, int code)
{
    effects_add(fx, FX_QUIT, flow_store_req())->exit_code = code;
}

static void next_workspace(struct model *m, struct effects *fx)
{
    const char *names = buf_text(&m->fl.pending);

    while (*names) {
        size_t n = strcspn(names, "\n");
        char name[160] = "";
        if (n > 1 && n < sizeof name && names[n - 1] == '/') {
            memcpy(name, names, n - 1);
            name[n - 1] = 0;
        }
        buf_consume(&m->fl.pending, n + (names[n] == '\n'));
        if (name[0]) {
            read_index(m, name, fx);
            return;
        }
        names = buf_text(&m->fl.pending);
    }
    if (!m->workspace.name[0] && !m->opt.json)
        fx_line(fx, FX_STDERR, "nothing has been tuned yet: pg_diagnose demo shows how it is done");
    quit(fx, 0);
}

static void print_workspace(struct model *m, const struct event *ev, struct effects *fx)
{
    struct workspace *w = &m->workspace;
    struct err e = {0};
    struct buf text = {0};
    double best = NAN;
    int unfinished = 0;
    char when[40] = "";

    session_rows_clear(w);
    if (ev->err.code == ERR_NONE && !store_index_parse(ev->text ? ev->text : "", ev->len, w, &e))
        session_rows_clear(w);
    for (int i = 0; i < w->nsessions; i++) {
        const struct session_row *r = &w->sessions[i];
        if (r->state == SESSION_ARCHIVED && !(r->effect <= best))
            best = r->effect;
        unfinished += r->state == SESSION_ACTIVE || r->state == SESSION_PAUSED;
    }
    if (w->nsessions)
        clock_iso(w->sessions[0].changed_wall_us, when, sizeof when);
    if (m->opt.json) {
        struct line *l = line_new("workspace");
        line_text(l, "name", w->name);
        line_text(l, "path", w->dir);
        line_int(l, "sessions", w->nsessions);
        line_int(l, "unfinished", unfinished);
        line_num(l, "best_effect", best);
        line_text(l, "changed", when[0] ? when : NULL);
        line_text(l, "error", e.code ? e.msg : NULL);
        line_finish(l, &text);
    } else {
        buf_printf(&text, "%-40s %3d session%s, %d unfinished", w->name, w->nsessions,
                   w->nsessions == 1 ? "" : "s", unfinished);
        if (!isnan(best))
            buf_printf(&text, ", best %+.1f %%", (best - 1) * 100);
        if (when[0])
            buf_printf(&text, ", %s", when);
        if (e.code)
            buf_printf(&text, " (%s)", e.msg);
    }
    fx_line(fx, FX_STDOUT, buf_text(&text));
    buf_clear(&text);
    next_workspace(m, fx);
}

static void open_for_export(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = ev->err;
    struct buf text = {0};

    if (e.code != ERR_NONE ||
        !store_index_parse(ev->text ? ev->text : "", ev->len, &m->workspace, &e)) {
        buf_printf(&text, "pg_diagnose: no workspace %s: %s", m->opt.workspace, e.msg);
        fx_line(fx, FX_STDERR, buf_text(&text));
        fx_line(fx, FX_STDERR, "HINT:  pg_diagnose workspaces lists them.");
        buf_clear(&text);
        quit(fx, 2);
        return;
    }
    m->workspace.open = true;
    buf_printf(&text, "%s/workspace.json", m->workspace.dir);
    fx_file(fx, (struct req){OWNER_UI, 1, 3}, FILE_READ, buf_text(&text));
    buf_clear(&text);
}

/* The paths that were written; where there are none, why. */
static void export_done(struct model *m, struct effects *fx)
{
    bool any = false, written = true;
    struct err e = {0};
    struct buf text = {0};

    for (int i = 0; export_kind_at(i); i++) {
        if (m->fl.paths[i][0])
            fx_line(fx, FX_STDOUT, m->fl.paths[i]);
        any = any || m->fl.paths[i][0];
        written = written && m->fl.paths[i][0];
    }
    if (!any && m->fl.export_at == 0) {
        flow_export_nothing(m, &e);
        buf_printf(&text, "pg_diagnose: %s", e.msg);
        fx_line(fx, FX_STDERR, buf_text(&text));
        buf_clear(&text);
        buf_printf(&text, "DETAIL:  %s", e.detail);
        fx_line(fx, FX_STDERR, buf_text(&text));
        buf_clear(&text);
        buf_printf(&text, "HINT:  %s", e.hint);
        fx_line(fx, FX_STDERR, buf_text(&text));
        buf_clear(&text);
    } else if (!written) {
        fx_line(fx, FX_STDERR, "not every export could be written");
    }
    quit(fx, any && written ? 0 : 1);
    m->flow = FLOW_WATCH;
}

/* Without it the report has no head, and is written all the same. */
static void server_of_export(struct model *m, const struct event *ev, struct effects *fx)
{
    struct err e = {0};

    if (ev->err.code == ERR_NONE &&
        !store_workspace_facts(ev->text ? ev->text : "", ev->len, &m->server, &e))
        fx_line(fx, FX_STDERR, e.msg);
    flow_export(m, NULL, fx);
    if (m->flow != FLOW_SUMMARY) /* there was nothing to do */
        export_done(m, fx);
}

void verbs_event(struct model *m, enum verb v, struct event *ev, struct effects *fx)
{
    struct buf path = {0};

    m->now_us = ev->at_us;
    m->wall_us = ev->wall_us;
    if (ev->kind == EV_START && v == VERB_WORKSPACES) {
        buf_printf(&path, "%s/workspaces", m->opt.home);
        fx_file(fx, (struct req){OWNER_UI, 1, 1}, FILE_LIST, buf_text(&path));
        buf_clear(&path);
    } else if (ev->kind == EV_START) {
        read_index(m, m->opt.workspace, fx);
    } else if (ev->kind == EV_FILE && ev->req.owner == OWNER_UI && ev->req.id == 1) {
        if (ev->text)
            buf_append(&m->fl.pending, ev->text, ev->len);
        next_workspace(m, fx);
    } else if (ev->kind == EV_FILE && ev->req.owner == OWNER_UI) {
        if (v == VERB_WORKSPACES)
            print_workspace(m, ev, fx);
        else if (ev->req.id == 3)
            server_of_export(m, ev, fx);
        else
            open_for_export(m, ev, fx);
    } else if (ev->kind == EV_FILE && ev->req.owner == OWNER_FLOW) {
        flow_end_event(m, ev, fx);
        if (m->flow == FLOW_SUMMARY && flow_export_finished(m))
            export_done(m, fx);
    } else if (ev->kind == EV_SIGNAL) {
        quit(fx, 1);
    }
}
