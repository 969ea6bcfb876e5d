/* dialog_tree.c - what the session tree asks: a title; the name of a session that is to be deleted. */
#include <stdio.h>

#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"

static void draw_input(struct canvas *c, struct rect in, const struct model *m,
                       struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    int y = in.y + in.h - 2;

    dialog_input(c, y, in.x, in.w, d, cursor);
    if (d->error[0])
        canvas_put_cut(c, y + 1, in.x, in.w, STYLE_WARN, d->error);
}

void dialog_rename(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    struct rect in = dialog_open(c, screen, 76, 9, "What is it called?", m, t);

    wrap_draw(c, (struct rect){in.y, in.x, in.h - 2, in.w}, STYLE_NORMAL,
              "A title for the screen, kept with the session. Folder and name stay as they are; "
              "nothing typed: by its name again.",
              0);
    draw_input(c, in, m, cursor);
}

void dialog_delete(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    const struct tree_task *task = &m->tree.task;
    struct buf text = {0};
    bool left = task->in_force[0] != '\0';
    struct rect in = dialog_open(c, screen, 84, left ? 14 : 11, "Delete this session?", m, t);

    buf_printf(&text,
               "%s, with its journal, its runs and its conversation, is removed from the disk for "
               "good. The server is not touched.",
               task->session);
    if (left)
        buf_printf(&text,
                   "\n\nThe server still runs with what it left: %s. The way back to what stood "
                   "there before is deleted with it.",
                   task->in_force);
    buf_puts(&text, "\n\nType its name to delete it:");
    wrap_draw(c, (struct rect){in.y, in.x, in.h - 2, in.w}, left ? STYLE_WARN : STYLE_NORMAL,
              buf_text(&text), 0);
    buf_clear(&text);
    draw_input(c, in, m, cursor);
}
