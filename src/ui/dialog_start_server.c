/* dialog_start_server.c - the form for another server, and the databases that it has. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"

enum { LABEL = 10, WIDTH = 96 };

/* What stands in an empty field, because libpq takes it then. */
static void defaults(const struct model *m, int field, char *dst, size_t size)
{
    const struct options *o = &m->opt;

    switch (field) {
    case START_HOST:
        text_copy(dst, size,
                  o->libpq_host[0] ? o->libpq_host : "the local socket; a name, an address, a URI");
        break;
    case START_PORT:
        text_copy(dst, size, o->libpq_port[0] ? o->libpq_port : "5432");
        break;
    case START_USER:
        text_copy(dst, size, o->libpq_user[0] ? o->libpq_user : "the name of your login");
        break;
    default:
        text_copy(dst, size, "to be picked from the server's list");
        break;
    }
}

static void draw_field(struct canvas *c, int y, struct rect in, const struct model *m, int field,
                       struct view_cursor *cursor)
{
    static const char *const labels[START_FIELDS] = {"host", "port", "user", "database"};
    const struct start_screen *s = &m->start;
    const struct dialog *d = &m->screen.dialog;
    bool here = (int)s->field == field && !s->asking;
    const char *text = (int)s->field == field ? d->input : s->fields[field];
    char hint[300];

    canvas_put(c, y, in.x, LABEL, here ? STYLE_FOCUS : STYLE_LABEL, labels[field]);
    if (here)
        dialog_input(c, y, in.x + LABEL, in.w - LABEL, d, cursor);
    else
        canvas_put_cut(c, y, in.x + LABEL, in.w - LABEL, STYLE_VALUE, text);
    if (*text)
        return;
    defaults(m, field, hint, sizeof hint);
    canvas_put_cut(c, y, in.x + LABEL + here, in.w - LABEL - here,
                   here ? STYLE_SELECTED : STYLE_DIM, hint);
}

static void say_below(struct dialog_text *text, const struct model *m)
{
    const struct start_screen *s = &m->start;

    if (s->asking) {
        dialog_say(text, STYLE_WARN, "connecting \xe2\x80\xa6");
    } else if (s->err.msg[0]) {
        dialog_say(text, STYLE_BAD, "%s", s->err.msg);
        size_t same = strlen(s->err.msg); /* libpq's text begins with what is the message */
        const char *detail = s->err.detail;
        if (strncmp(detail, s->err.msg, same) == 0)
            detail += same + strspn(detail + same, " ");
        if (*detail)
            dialog_say(text, STYLE_NORMAL, "%s", detail);
        if (s->err.hint[0])
            dialog_say(text, STYLE_WARN, "%s", s->err.hint);
    } else {
        dialog_say(
            text, STYLE_DIM,
            "An empty field has libpq's default, as shown. A connection string goes into the "
            "first field. A password is asked for where the server wants one.");
    }
}

void dialog_start_server(struct canvas *c, struct rect screen, const struct model *m,
                         const struct view_tables *t, struct view_cursor *cursor)
{
    struct rect in = dialog_open(c, screen, screen.w, screen.h, "Another server", m, t);

    in.w = in.w < WIDTH ? in.w : WIDTH;
    in.y++;
    in.h--;
    for (int i = 0; i < START_FIELDS; i++)
        draw_field(c, in.y + i, in, m, i, cursor);
    struct dialog_text text = {.c = c,
                               .r = {in.y + START_FIELDS + 1, in.x, in.h - START_FIELDS - 1, in.w}};
    say_below(&text, m);
}

static void draw_database(struct canvas *c, int y, struct rect in, const struct start_database *db,
                          bool here, bool wide)
{
    char size[32];
    int owner = in.w - (wide ? 30 : 18), bytes = in.w - 12;

    text_copy(size, sizeof size, db->may ? "" : "no right");
    if (db->may && isfinite(db->bytes))
        text_bytes(size, sizeof size, db->bytes);
    else if (db->may)
        text_copy(size, sizeof size, "-");
    canvas_put(c, y, in.x, 1, STYLE_NORMAL, here ? "\xe2\x96\xb8" : " ");
    canvas_put_cut(c, y, in.x + 2, (wide ? owner : bytes) - 3, db->may ? STYLE_VALUE : STYLE_DIM,
                   db->name);
    if (wide)
        canvas_put_cut(c, y, in.x + owner, bytes - owner - 1, STYLE_DIM, db->owner);
    canvas_put_right(c, y, in.x + bytes, 12, STYLE_NORMAL, size);
    if (here)
        canvas_restyle(c, (struct rect){y, in.x, 1, in.w}, STYLE_SELECTED);
}

void dialog_start_databases(struct canvas *c, struct rect screen, const struct model *m,
                            const struct view_tables *t, struct view_cursor *cursor)
{
    const struct start_screen *s = &m->start;
    const struct dialog *d = &m->screen.dialog;
    const struct link *l = &m->links[CONN_QUESTIONS];
    char title[320];

    (void)cursor;
    snprintf(title, sizeof title, "Databases of %.60s%s%.200s", l->user, l->user[0] ? "@" : "",
             l->host[0] ? l->host : "this server");
    struct rect in = dialog_open(c, screen, screen.w, screen.h, title, m, t);
    in.w = in.w < WIDTH ? in.w : WIDTH;
    bool wide = in.w >= 60;
    canvas_put(c, in.y, in.x + 2, in.w - 2, STYLE_LABEL, "database");
    if (wide)
        canvas_put(c, in.y, in.x + in.w - 30, 18, STYLE_LABEL, "owner");
    canvas_put_right(c, in.y, in.x + in.w - 12, 12, STYLE_LABEL, "size");
    struct rect list = {in.y + 1, in.x, in.h - 2, in.w};
    int top = list_scroll(0, d->cursor, list.h, s->ndatabases);
    for (int i = top; i < s->ndatabases && i < top + list.h; i++)
        draw_database(c, list.y + i - top, list, &s->databases[i], i == d->cursor, wide);
    if (s->ndatabases == 0)
        canvas_put_cut(c, list.y, list.x + 2, list.w - 2, STYLE_DIM, "none may be connected to");
    if (s->ndatabases > list.h)
        list_more(c, list, top, s->ndatabases);
    canvas_put_cut(c, in.y + in.h - 1, in.x, in.w, STYLE_BAD, d->error);
}
