/* view_export.c - see view_export.h. The folder and both files are asked for at once: the writer keeps their order. */
#include "pgd/app/view_export.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/view_text.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/export_view.h"

enum { FILES = 2 };

static struct req next_req(struct model *m)
{
    struct live_export *x = &m->live_export;

    return (struct req){OWNER_VIEWS, x->generation, ++x->sent};
}

static void save(struct model *m, const char *suffix, struct buf *text, struct effects *fx)
{
    struct effect *e;
    char path[1200];

    snprintf(path, sizeof path, "%s.%s", m->live_export.path, suffix);
    e = fx_file(fx, next_req(m), FILE_SAVE, path);
    e->len = text->len;
    e->text = buf_take(text);
}

/* "exports" of the workspace, or of the home. */
static void name_files(struct model *m, struct buf *dir)
{
    struct live_export *x = &m->live_export;
    char stamp[40], iso[40];
    size_t n = 0;

    buf_printf(dir, "%s/exports", m->workspace.open ? m->workspace.dir : m->opt.home);
    clock_iso(m->wall_us, iso, sizeof iso); /* "2026-01-02T05:08:30+01:00" */
    for (const char *p = iso; *p && p < iso + 19; p++)
        if (*p != '-' && *p != ':')
            stamp[n++] = *p == 'T' ? '-' : *p;
    stamp[n] = '\0';
    snprintf(x->path, sizeof x->path, "%s/%s_%s", buf_text(dir), m->live.at->name, stamp);
}

void view_export_begin(struct model *m, struct effects *fx)
{
    const struct live *l = &m->live;
    struct live_export *x = &m->live_export;
    const struct tableview_state *s;
    struct export_view_head head = {0};
    struct buf dir = {0}, csv = {0}, json = {0};
    char who[200];
    int by;

    if (!l->at)
        return;
    if (l->now.at_us == 0) {
        view_say(m, "there is nothing to export yet");
        return;
    }
    s = &l->of[tableview_index(l->at)];
    by = tableview_sorted_by(l->at, s);
    pane_who(m, who, sizeof who);
    head.server = who;
    head.database = m->links[CONN_VIEWS].dbname;
    head.taken_us = m->wall_us - (m->now_us - l->now.at_us);
    head.filter = s->filter;
    head.sorted_by = by < 0 ? "" : l->at->columns[by].name;
    head.down = tableview_sorted_down(l->at, s);
    export_view_csv(l->at, &l->now, &l->order, &csv);
    export_view_json(l->at, &l->now, &l->order, &head, &json);
    x->generation++;
    x->sent = 0;
    x->rows = l->order.n;
    x->saved = 0;
    name_files(m, &dir);
    fx_file(fx, next_req(m), FILE_MKDIR, buf_text(&dir));
    save(m, "csv", &csv, fx);
    save(m, "json", &json, fx);
    buf_clear(&dir);
}

void view_export_event(struct model *m, const struct event *ev)
{
    struct live_export *x = &m->live_export;

    if (ev->kind != EV_FILE || ev->req.generation != x->generation)
        return;
    if (ev->err.code != ERR_NONE) {
        x->generation++; /* one message is enough */
        view_say(m, "not exported: %.150s", ev->err.msg);
        model_say(m, CHAT_BAD, "the view was not exported: %s", ev->err.msg);
        return;
    }
    x->saved += ev->req.id > 1;
    if (x->saved < FILES)
        return;
    view_say(m, "%d row%s in %.150s.csv and .json", x->rows, x->rows == 1 ? "" : "s", x->path);
    model_say(m, CHAT_EVENT, "exported: %s.csv and .json (%d rows)", x->path, x->rows);
}
