/* dialog_sessions.c - the workspace's sessions as a list, a page of text, and the question before another session. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

/* Columns of the list, from its left edge; a narrow screen goes without the last ones. */
enum { COL_STATE = 24, COL_TPS = 36, COL_EFFECT = 52, COL_ROUNDS = 61, COL_WHEN = 70 };

static void put(struct canvas *c, int y, struct rect r, int from, int to, unsigned style,
                const char *text)
{
    int w = (to < r.w ? to : r.w) - from;

    if (w > 1)
        canvas_put_cut(c, y, r.x + from, w - 1, style, text);
}

static void draw_row(struct canvas *c, int y, struct rect r, const struct model *m,
                     const struct session_row *s)
{
    char tps[48], effect[24] = "-", rounds[16], when[40];
    unsigned style = s->interrupted                 ? STYLE_WARN
                     : s->state == SESSION_FAILED   ? STYLE_DIM
                     : s->state == SESSION_ARCHIVED ? STYLE_NORMAL
                                                    : STYLE_VALUE;
    bool here = m->session.state != SESSION_NONE && strcmp(m->session.name, s->name) == 0;
    enum session_state state = here ? m->session.state : s->state;

    pane_row_tps(s, " \xe2\x86\x92 ", tps, sizeof tps);
    if (!tps[0])
        text_copy_raw(tps, sizeof tps, "-");
    if (isfinite(s->effect))
        text_percent(effect, sizeof effect, s->effect);
    snprintf(rounds, sizeof rounds, "%d", s->rounds);
    text_age(when, sizeof when, (double)(m->wall_us - s->changed_wall_us) / 1e6);
    put(c, y, r, 0, COL_STATE, style,
        s->title[0]      ? s->title
        : s->strategy[0] ? s->strategy
                         : s->name);
    put(c, y, r, COL_STATE, COL_TPS, style,
        s->interrupted && !here ? "interrupted"
        : pane_without_round(s) ? "no round"
                                : session_state_name(state));
    put(c, y, r, COL_TPS, COL_EFFECT, style, tps);
    put(c, y, r, COL_EFFECT, COL_ROUNDS, style, effect);
    put(c, y, r, COL_ROUNDS, COL_WHEN, style, rounds);
    put(c, y, r, COL_WHEN, r.w + 1, style, when);
}

void dialog_sessions(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor)
{
    const struct workspace *w = &m->workspace;
    const struct dialog *d = &m->screen.dialog;
    char title[200];

    (void)cursor;
    snprintf(title, sizeof title, "Sessions of %s", w->name);
    struct rect in = dialog_open(c, screen, 100, w->nsessions + 5, title, m, t);
    struct rect list = {in.y + 1, in.x, in.h - 2, in.w};
    if (w->nsessions == 0) {
        canvas_put_cut(c, in.y, in.x, in.w, STYLE_NORMAL, "There is none yet: t starts one.");
        return;
    }
    put(c, in.y, in, 0, COL_STATE, STYLE_LABEL, "strategy");
    put(c, in.y, in, COL_STATE, COL_TPS, STYLE_LABEL, "state");
    put(c, in.y, in, COL_TPS, COL_EFFECT, STYLE_LABEL, "TPS");
    put(c, in.y, in, COL_EFFECT, COL_ROUNDS, STYLE_LABEL, "effect");
    put(c, in.y, in, COL_ROUNDS, COL_WHEN, STYLE_LABEL, "rounds");
    put(c, in.y, in, COL_WHEN, in.w + 1, STYLE_LABEL, "ago");
    int top = list_scroll(0, d->cursor, list.h, w->nsessions);
    for (int i = top; i < w->nsessions && i < top + list.h; i++) {
        int y = list.y + i - top;
        draw_row(c, y, list, m, &w->sessions[i]);
        if (i == d->cursor)
            canvas_restyle(c, (struct rect){y, list.x, 1, list.w}, STYLE_SELECTED);
    }
    if (d->cursor < w->nsessions)
        canvas_put_cut(c, in.y + in.h - 1, in.x, in.w, STYLE_DIM, w->sessions[d->cursor].name);
}

static void say_page(struct dialog_text *text, const struct model *m)
{
    const char *p = buf_text(&m->page.text);

    while (*p) {
        size_t n = strcspn(p, "\n");
        bool heading = strncmp(p, "# ", 2) == 0;
        if (n == 0)
            dialog_gap(text);
        else if (heading)
            dialog_say(text, STYLE_HEADING, "%.*s", (int)n - 2, p + 2);
        else if (strncmp(p, "$ ", 2) == 0)
            dialog_say(text, STYLE_AI, "%.*s", (int)n - 2, p + 2);
        else
            dialog_say(text, STYLE_NORMAL, "%.*s", (int)n, p);
        p += n + (p[n] == '\n');
    }
}

void dialog_page_of(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 110, m->page.title, m, t, say_page, cursor);
}

static void say_switch(struct dialog_text *text, const struct model *m)
{
    dialog_say(text, STYLE_NORMAL, "%s runs. It has to be paused before %s goes on.",
               m->session.name, m->sessions_view.next);
    dialog_gap(text);
    dialog_say(text, STYLE_NORMAL,
               "What runs is stopped, a change under way is undone, and the server stays on the "
               "best state that was measured so far. Nothing that was measured is lost.");
}

void dialog_switch(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 80, "Pause this session?", m, t, say_switch, cursor);
}
