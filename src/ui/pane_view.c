/* pane_view.c - see pane_view.h. The first line says what is shown and how old it is, the second has the headers, the last one what is
 * lacking. */
#include "pgd/ui/pane_view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/layout.h"
#include "pgd/ui/list.h"

enum {
    REST_MIN =
        16, /* what the last column keeps when others are shown beside it; a quarter of a wide screen */
    HEAD_ROWS = 2,
    OLD_S = 3, /* an older answer is called old */
    INDENT_MOST = 6
};

#define DOWN_MARK "\xe2\x96\xbe"
#define UP_MARK "\xe2\x96\xb4"
#define DOT " \xc2\xb7 "

/* The columns that have room, in the order of the view. */
struct shown {
    int n, hidden;
    int at[TABLEVIEW_COLS], x[TABLEVIEW_COLS], width[TABLEVIEW_COLS];
};

static int need(const struct tableview_column *k, int width)
{
    int rest = width / 4 > REST_MIN ? width / 4 : REST_MIN;
    return (k->width ? k->width : rest) + 1;
}

static bool is_absent(const struct tableview_rows *t, int col)
{
    return t->absent >> col & 1;
}

/* All that fit from the first that is not scrolled away; the first column of a view names its row and stays. */
static void choose_in_order(const struct tableview *v, const struct tableview_rows *t, int width,
                            int left, bool in[TABLEVIEW_COLS])
{
    int n = tableview_columns(v), room = width + 1;

    for (int c = 0; c < n; c++) {
        if (is_absent(t, c))
            continue;
        in[c] = (c == 0 || c > left) && need(&v->columns[c], width) <= room;
        if (!in[c] && c > left)
            return;
        room -= in[c] ? need(&v->columns[c], width) : 0;
    }
}

/* Those that matter most come first. */
static void choose_by_rank(const struct tableview *v, const struct tableview_rows *t, int width,
                           bool in[TABLEVIEW_COLS])
{
    int n = tableview_columns(v), room = width + 1;

    for (int rank = 0; rank < 10; rank++)
        for (int c = 0; c < n; c++) {
            if (is_absent(t, c) || v->columns[c].rank != rank || need(&v->columns[c], width) > room)
                continue;
            in[c] = true;
            room -= need(&v->columns[c], width);
        }
}

static void choose(const struct tableview *v, const struct tableview_rows *t,
                   const struct tableview_state *s, int width, struct shown *out)
{
    bool in[TABLEVIEW_COLS] = {false};
    int n = tableview_columns(v), used = 0;

    memset(out, 0, sizeof *out);
    if (s->left > 0)
        choose_in_order(v, t, width, s->left, in);
    else
        choose_by_rank(v, t, width, in);
    for (int c = 0; c < n; c++) {
        out->hidden += in[c] || is_absent(t, c) ? 0 : 1;
        used += in[c] ? need(&v->columns[c], width) : 0;
    }
    int spare = width + 1 - used, x = 0;
    for (int c = 0; c < n; c++) {
        if (!in[c])
            continue;
        int w = need(&v->columns[c], width) - 1 +
                (v->columns[c].width == 0 && spare > 0 ? spare : 0);
        out->at[out->n] = c;
        out->x[out->n] = x;
        out->width[out->n++] = w;
        x += w + 1;
    }
}

static bool is_right(const struct tableview *v, int col)
{
    return v->columns[col].kind != TV_TEXT && !(v->form == TABLEVIEW_TREE && col == 0);
}

static void draw_headers(struct canvas *c, struct rect r, const struct tableview *v,
                         const struct tableview_state *s, const struct shown *sh)
{
    int by = tableview_sorted_by(v, s);
    char text[64];

    for (int i = 0; i < sh->n; i++) {
        int col = sh->at[i];
        const char *mark = col != by ? "" : tableview_sorted_down(v, s) ? DOWN_MARK : UP_MARK;
        const char *name = v->columns[col].header; /* the mark is seen, whatever is cut */
        int most = sh->width[i] - (*mark ? 1 : 0);
        snprintf(text, sizeof text, "%.*s%s", (int)text_fit(name, most > 0 ? most : 0), name, mark);
        if (is_right(v, col))
            canvas_put_right(c, r.y, r.x + sh->x[i], sh->width[i], STYLE_HEADING, text);
        else
            canvas_put_cut(c, r.y, r.x + sh->x[i], sh->width[i], STYLE_HEADING, text);
    }
}

/* The first column of a tree shows below whom a row stands. */
static void tree_text(const struct tableview_rows *t, int row, char *text, size_t size)
{
    char own[64];
    int depth = t->depth[row];

    if (depth == 0)
        return;
    text_copy(own, sizeof own, text);
    snprintf(text, size, "%*s\xe2\x94\x94 %s", (depth > INDENT_MOST ? INDENT_MOST : depth) - 1, "",
             own);
}

static void draw_row(struct canvas *c, struct rect r, const struct model *m, int row, bool cursor,
                     const struct shown *sh)
{
    const struct live *l = &m->live;
    char text[512];

    for (int i = 0; i < sh->n; i++) {
        int col = sh->at[i], x = r.x + sh->x[i];
        tableview_show(l->at, &l->now, row, col, text, sizeof text);
        if (l->at->form == TABLEVIEW_TREE && col == 0)
            tree_text(&l->now, row, text, sizeof text);
        unsigned style = l->at->columns[col].kind == TV_TEXT ? STYLE_NORMAL : STYLE_VALUE;
        if (is_right(l->at, col))
            canvas_put_right(c, r.y, x, sh->width[i], style, text);
        else
            canvas_put_cut(c, r.y, x, sh->width[i], style, text);
    }
    if (cursor)
        canvas_restyle(c, r, STYLE_SELECTED);
}

/* ---- the line above ---- */

static int put(struct canvas *c, struct rect r, int x, unsigned style, const char *text)
{
    return x >= r.w ? 0 : canvas_put_cut(c, r.y, r.x + x, r.w - x, style, text);
}

static void count_text(const struct live *l, const struct tableview_state *s, char *dst,
                       size_t size)
{
    int total = l->now.n;
    const char *more = l->now.more ? ", the first of more" : "";

    if (s->filter[0] || l->order.n != total)
        snprintf(dst, size, "%d of %d rows%s", l->order.n, total, more);
    else
        snprintf(dst, size, "%d row%s%s", total, total == 1 ? "" : "s", more);
}

static void age_text(const struct model *m, char *dst, size_t size)
{
    char age[32];
    double secs = (double)(m->now_us - m->live.now.at_us) / 1e6;

    if (m->live.now.at_us == 0) {
        snprintf(dst, size, "%s", "");
    } else {
        tableview_duration(age, sizeof age, secs < 0 ? 0 : secs);
        snprintf(dst, size, "%s old", age);
    }
}

static void draw_top(struct canvas *c, struct rect r, const struct model *m,
                     const struct tableview_state *s, int hidden, struct view_cursor *cursor)
{
    const struct live *l = &m->live;
    char text[160];
    double secs = (double)(m->now_us - l->now.at_us) / 1e6;
    int x;

    count_text(l, s, text, sizeof text);
    x = put(c, r, 0, STYLE_LABEL, text);
    if (l->typing || s->filter[0]) {
        x += put(c, r, x, STYLE_LABEL, DOT "filter: ");
        x += put(c, r, x, STYLE_USER, s->filter);
        if (l->typing)
            *cursor = (struct view_cursor){.visible = true, .y = r.y, .x = r.x + x};
        x += l->typing;
    }
    if (m->screen.frozen)
        x += put(c, r, x, STYLE_WARN, DOT "FROZEN");
    age_text(m, text, sizeof text);
    if (text[0]) {
        x += put(c, r, x, STYLE_DIM, DOT);
        x += put(c, r, x, secs >= OLD_S + l->at->every_s ? STYLE_WARN : STYLE_DIM, text);
    }
    if (l->missed > 0) {
        snprintf(text, sizeof text, DOT "missed: %d", l->missed);
        x += put(c, r, x, STYLE_WARN, text);
    }
    if (l->order.hidden > 0) {
        snprintf(text, sizeof text, DOT "%d %s hidden: i", l->order.hidden, l->at->quiet.what);
        x += put(c, r, x, STYLE_DIM, text);
    }
    if (hidden > 0) {
        snprintf(text, sizeof text, DOT "%d more column%s: \xe2\x86\x92", hidden,
                 hidden == 1 ? "" : "s");
        put(c, r, x, STYLE_DIM, text);
    }
}

/* ---- what is lacking, and why there is nothing ---- */

static const char *waits_for(const struct model *m)
{
    const struct link *l = &m->links[CONN_VIEWS];

    if (m->links[CONN_CONTROL].state != LINK_UP)
        return "The server is not connected.";
    if (l->state == LINK_WAITING)
        return l->err.msg[0] ? l->err.msg : "The connection is lost; it is tried again.";
    if (l->state == LINK_PASSWORD)
        return "The server wants a password.";
    return l->state == LINK_UP ? "Waiting for the first answer." : "Connecting.";
}

/* Lines at the foot: returns how many. */
static int draw_foot(struct canvas *c, struct rect r, const struct model *m)
{
    const struct live *l = &m->live;
    char text[700] = "";
    unsigned style = STYLE_DIM;

    if (l->err.code != ERR_NONE) {
        style = l->err.code == ERR_TIMEOUT ? STYLE_WARN : STYLE_BAD;
        snprintf(text, sizeof text, "%s%s%s", l->err.msg, l->err.hint[0] ? ". " : "", l->err.hint);
    } else if (l->now.note[0]) {
        snprintf(text, sizeof text, "%s", l->now.note);
    }
    if (!text[0] || r.h < HEAD_ROWS + 3)
        return 0;
    int lines = wrap_count(text, r.w);
    if (lines > 3)
        lines = 3;
    wrap_draw(c, (struct rect){r.y + r.h - lines, r.x, lines, r.w}, style, text, 0);
    return lines;
}

static void draw_table(struct canvas *c, struct rect r, const struct model *m,
                       struct view_cursor *cursor)
{
    const struct live *l = &m->live;
    const struct tableview_state *s = &l->of[tableview_index(l->at)];
    struct shown sh;
    struct rect body;

    choose(l->at, &l->now, s, r.w, &sh);
    draw_top(c, (struct rect){r.y, r.x, 1, r.w}, m, s, sh.hidden, cursor);
    if (r.h < HEAD_ROWS + 1)
        return;
    draw_headers(c, (struct rect){r.y + 1, r.x, 1, r.w}, l->at, s, &sh);
    body = (struct rect){r.y + HEAD_ROWS, r.x, r.h - HEAD_ROWS - draw_foot(c, r, m), r.w};
    if (l->order.n == 0) {
        const char *why = l->now.at_us == 0 ? l->err.code != ERR_NONE ? "" : waits_for(m)
                          : s->filter[0] ? "No row has what the filter asks for: Esc clears it."
                          : l->order.hidden ? "All rows are hidden: i shows them."
                          : l->at->empty    ? l->at->empty
                                            : "There are no rows.";
        wrap_draw(c, body, STYLE_DIM, why, 0);
        return;
    }
    int skip = list_scroll(s->row - body.h / 2, s->row, body.h, l->order.n);
    for (int i = 0; i < body.h && skip + i < l->order.n; i++)
        draw_row(c, (struct rect){body.y + i, r.x, 1, r.w}, m, l->order.rows[skip + i],
                 skip + i == s->row, &sh);
    list_more(c, body, skip, l->order.n);
}

int pane_view_rows(const struct model *m)
{
    struct layout l;

    layout_compute(m->screen.cols, m->screen.rows, m->screen.focus, true, &l);
    int rows = l.body.h - 2 - HEAD_ROWS;
    return rows > 1 ? rows - 1 : 1;
}

unsigned pane_view_keys(const struct model *m)
{
    const struct tableview *v = m->live.at;
    unsigned where = KEY_IN_VIEW;

    where |= v->form == TABLEVIEW_TABLE ? KEY_IN_TABLE : 0;
    where |= v->form == TABLEVIEW_SHARES ? KEY_IN_SHARES : KEY_IN_ROWS;
    where |= v->quiet.column ? KEY_IN_QUIET : 0;
    where |= tableview_column_of(v, "query") >= 0 ? KEY_IN_STATEMENT : 0;
    where |= v->acts && model_may_end(m) ? KEY_IN_ACTS : 0;
    return where;
}

void pane_view(struct canvas *c, struct rect r, const struct model *m, struct view_cursor *cursor)
{
    const struct tableview *v = m->live.at;
    const char *database = m->server_known && v->of_database ? m->server.id.database : "";
    char key[3] = {v->key, ' '}, title[160];

    snprintf(title, sizeof title, "%s%s%s%s", v->key ? key : "", v->title,
             database[0] ? " of database " : "", database);
    canvas_box(c, r, m->screen.prompt.focus ? STYLE_BORDER : STYLE_FOCUS, title, STYLE_FOCUS);
    struct rect in = rect_inset(r, 1);
    if (in.w > 4) {
        in.x++;
        in.w -= 2;
    }
    struct rect former = canvas_clip(c, in);
    if (in.h > 0 && in.w > 0)
        v->form == TABLEVIEW_SHARES ? pane_waits(c, in, m) : draw_table(c, in, m, cursor);
    canvas_unclip(c, former);
}

void dialog_views(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    struct rect in = dialog_open(c, screen, 78, tableview_count + 4, "Live views", m, t);

    (void)cursor;
    for (int i = 0; i < tableview_count && i < in.h; i++) {
        const struct tableview *v = &tableview_list[i];
        canvas_printf(c, in.y + i, in.x, 2, STYLE_KEY, "%c", v->key ? v->key : ' ');
        canvas_put_cut(c, in.y + i, in.x + 2, 14, STYLE_NORMAL, v->name);
        canvas_put_cut(c, in.y + i, in.x + 17, in.w - 17, STYLE_DIM, v->help);
        if (i == m->screen.dialog.cursor)
            canvas_restyle(c, (struct rect){in.y + i, in.x, 1, in.w}, STYLE_SELECTED);
    }
}
