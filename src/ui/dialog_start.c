/* dialog_start.c - the recent workspaces. A wide screen has a column for what waits in each; a narrow one says it of the row
 * under the cursor. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/workspace/recent.h"

enum { WIDE = 112 };

/* Columns: where each begins, from the left edge. `end` is where the last one ends. */
struct columns {
    int title, when, sessions, best, note, end;
};

static struct columns columns_of(int width)
{
    if (width >= WIDE)
        return (struct columns){5, 38, 51, 79, 89, width};
    return (struct columns){5, width - 43, width - 30, width - 8, width, width};
}

static void put(struct canvas *c, int y, struct rect r, int from, int to, unsigned style,
                const char *text)
{
    if (to - from > 1)
        canvas_put_cut(c, y, r.x + from, to - from - (to < r.w), style, text);
}

static void draw_heading(struct canvas *c, struct rect r, const struct columns *w,
                         const struct start_screen *s)
{
    char title[320];

    if (s->server[0])
        snprintf(title, sizeof title, "Workspaces of %s", s->server);
    else
        snprintf(title, sizeof title, "Recent workspaces");
    put(c, r.y, r, 0, w->when, STYLE_HEADING, title);
    put(c, r.y, r, w->when, w->sessions, STYLE_LABEL, "last");
    put(c, r.y, r, w->sessions, w->best, STYLE_LABEL, "sessions");
    put(c, r.y, r, w->best, w->note, STYLE_LABEL, "best");
}

static void draw_workspace(struct canvas *c, int y, struct rect r, const struct columns *w,
                           const struct recent *row, int number, int64_t now_us)
{
    char text[400];
    unsigned style = row->damage[0] ? STYLE_BAD : row->open.name[0] ? STYLE_WARN : STYLE_NORMAL;

    if (number <= 9) {
        snprintf(text, sizeof text, "%d", number);
        canvas_put(c, y, r.x + 2, 1, STYLE_KEY, text);
    }
    recent_title(row, text, sizeof text);
    put(c, y, r, w->title, w->when, STYLE_VALUE, text);
    recent_when(text, sizeof text, row->used_us, now_us);
    put(c, y, r, w->when, w->sessions, STYLE_NORMAL, text);
    recent_sessions(row, text, sizeof text);
    put(c, y, r, w->sessions, w->best, STYLE_NORMAL, text);
    if (isfinite(row->best)) {
        text_percent(text, sizeof text, row->best);
        put(c, y, r, w->best, w->note, STYLE_GOOD, text);
    }
    recent_note(row, text, sizeof text);
    put(c, y, r, w->note, w->end, style, text);
}

static void draw_session(struct canvas *c, int y, struct rect r, const struct columns *w,
                         const struct recent_session *s, int64_t now_us)
{
    char text[160];

    snprintf(text, sizeof text, "  %s", s->strategy[0] ? s->strategy : s->name);
    put(c, y, r, w->title, w->when, STYLE_NORMAL, text);
    recent_when(text, sizeof text, s->changed_us, now_us);
    put(c, y, r, w->when, w->sessions, STYLE_DIM, text);
    snprintf(text, sizeof text, "%s, %d round%s",
             s->state == SESSION_ACTIVE ? "interrupted" : session_state_name(s->state), s->rounds,
             s->rounds == 1 ? "" : "s");
    if (recent_without_round(s))
        text_copy_raw(text, sizeof text, "no round");
    put(c, y, r, w->sessions, w->best, STYLE_NORMAL, text);
    if (isfinite(s->effect)) {
        text_percent(text, sizeof text, s->effect);
        put(c, y, r, w->best, w->note, STYLE_NORMAL, text);
    }
}

/* What waits in the workspace under the cursor, and how it is reached. */
static void draw_detail(struct canvas *c, struct rect r, const struct recent *row)
{
    char text[640];

    recent_note(row, text, sizeof text);
    canvas_put_cut(c, r.y, r.x, r.w, row->damage[0] ? STYLE_BAD : STYLE_WARN, text);
    if (row->known)
        snprintf(text, sizeof text, "%.60s%s%.200s port %.15s%s%.40s%s%.100s", row->user,
                 row->user[0] ? "@" : "", row->host[0] ? row->host : "the local socket",
                 row->port[0] ? row->port : "5432", row->version[0] ? ", PostgreSQL " : "",
                 row->version, row->ssh_host[0] ? ", its host by ssh: " : "", row->ssh_host);
    else
        snprintf(text, sizeof text, "connects as its name says: %.160s", row->name);
    canvas_put_cut(c, r.y + 1, r.x, r.w, STYLE_DIM, text);
}

static void draw_rows(struct canvas *c, struct rect r, const struct columns *w,
                      const struct model *m)
{
    const struct start_screen *s = &m->start;
    int cursor = m->screen.dialog.cursor, total = recent_count(s), session = -1, number = 0;
    int top = list_scroll(0, cursor, r.h, total);
    const struct recent *row;

    for (int i = 0; i < top + r.h && (row = recent_shown(s, i, &session)) != NULL; i++) {
        int y = r.y + i - top;
        number += session < 0;
        if (i < top)
            continue;
        if (session < 0)
            draw_workspace(c, y, r, w, row, number, m->wall_us);
        else
            draw_session(c, y, r, w, &row->shown[session], m->wall_us);
        if (i != cursor)
            continue;
        canvas_restyle(c, (struct rect){y, r.x, 1, r.w}, STYLE_SELECTED);
        canvas_put(c, y, r.x, 1, STYLE_SELECTED, "\xe2\x96\xb8");
    }
    if (total > r.h)
        list_more(c, r, top, total);
}

static void draw_empty(struct canvas *c, struct rect r, const struct start_screen *s)
{
    char text[200];

    if (s->filter[0])
        snprintf(text, sizeof text, "none has \"%.60s\" in its name: Esc shows all", s->filter);
    else if (s->reading)
        snprintf(text, sizeof text, "reading \xe2\x80\xa6");
    else
        snprintf(text, sizeof text, "none yet: n connects to a server, d shows how it is done");
    canvas_put_cut(c, r.y, r.x + 2, r.w - 2, STYLE_DIM, text);
}

const char *dialog_start_keys(const struct model *m)
{
    const struct dialog *d = &m->screen.dialog;

    switch (m->start.page) {
    case START_SERVER:
        return m->start.asking ? "Esc stop waiting" : "Tab next field  Enter connect  Esc back";
    case START_DATABASES:
        return "\xe2\x86\x91\xe2\x86\x93 move  Enter open  Esc back";
    case START_LIST:
        break;
    }
    if (d->editing)
        return "Enter keep the filter  Esc show all";
    return recent_count(&m->start) > 0 || m->start.filter[0]
               ? "\xe2\x86\x91\xe2\x86\x93 move  Enter open  n new server  d demo  / find  q quit"
               : "n new server  d demo  q quit";
}

void dialog_start(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    const struct start_screen *s = &m->start;
    int total = recent_count(s), session = -1;
    char text[240];

    if (s->page == START_SERVER) {
        dialog_start_server(c, screen, m, t, cursor);
        return;
    }
    if (s->page == START_DATABASES) {
        dialog_start_databases(c, screen, m, t, cursor);
        return;
    }
    struct rect in = dialog_open(c, screen, screen.w, screen.h, "pg_diagnose", m, t);
    struct columns w = columns_of(in.w);
    int room = in.h - 8 > 1 ? in.h - 8 : 1, used = total < 1 ? 1 : total < room ? total : room;
    dialog_advisor(m, text, sizeof text);
    canvas_put_right(c, in.y, in.x, in.w, STYLE_DIM, text);
    draw_heading(c, (struct rect){in.y + 1, in.x, 1, in.w}, &w, s);
    struct rect list = {in.y + 2, in.x, used, in.w};
    const struct recent *row = recent_shown(s, d->cursor, &session);
    if (row)
        draw_rows(c, list, &w, m);
    else
        draw_empty(c, list, s);
    int y = list.y + used + (in.h > 9);
    list_keys(c, y, in.x + 2, in.w - 2, STYLE_NORMAL, "n another server or database");
    list_keys(c, y + 1, in.x + 2, in.w - 2, STYLE_NORMAL,
              "d demo: a private PostgreSQL on this machine");
    if (row && in.h >= 9)
        draw_detail(c, (struct rect){in.y + in.h - 2, in.x, 2, in.w}, row);
    if (d->editing) {
        canvas_put(c, y + 2, in.x, in.w, STYLE_LABEL, "find:");
        dialog_input(c, y + 2, in.x + 6, in.w - 6, d, cursor);
    } else if (d->error[0]) {
        canvas_put_cut(c, y + 2, in.x, in.w, STYLE_BAD, d->error);
    } else if (s->filter[0]) {
        snprintf(text, sizeof text, "only those with \"%.60s\": Esc shows all", s->filter);
        canvas_put_cut(c, y + 2, in.x, in.w, STYLE_DIM, text);
    }
}
