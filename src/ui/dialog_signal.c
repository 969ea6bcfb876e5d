/* dialog_signal.c - before a statement is cancelled or a session is ended: which one, what will be called, what that does. */
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"

#include <stdio.h>

static void say(struct dialog_text *text, const struct model *m)
{
    const struct session_end *e = &m->live.end;

    dialog_pair(text, "session", STYLE_VALUE, "pid %d, since %s", e->pid, e->started);
    dialog_pair(text, "user, database", STYLE_VALUE, "%s, %s%s%s", e->user, e->database,
                e->application[0] ? ", " : "", e->application);
    dialog_pair(text, "state", STYLE_VALUE, "%s", e->state);
    dialog_say(text, STYLE_CODE, "%.300s", e->query[0] ? e->query : "(no statement is known)");
    dialog_gap(text);
    dialog_say(text, STYLE_LABEL,
               "What is called, if it is still this %s:", e->terminate ? "session" : "statement");
    dialog_say(text, STYLE_CODE, "SELECT %s(%d)",
               e->terminate ? "pg_terminate_backend" : "pg_cancel_backend", e->pid);
    dialog_say(
        text, STYLE_NORMAL, "%s",
        e->terminate
            ? "The session ends: its transaction is rolled back, its locks are released, and "
              "its client sees the connection break. What it has not committed is lost."
            : "The statement fails with an error at its client; the session stays. Inside a "
              "transaction block all of the block has failed, and its locks are held until "
              "the client rolls it back.");
    dialog_gap(text);
}

void dialog_signal(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    const struct session_end *e = &m->live.end;
    int w = screen.w < 84 ? screen.w : 84;
    int lines = dialog_measure(c, w - 4, m, say);
    struct rect in = dialog_open(c, screen, w, lines + 4,
                                 e->terminate ? "End a session" : "Cancel a statement", m, t);
    struct rect above = in;
    char label[64];

    above.h -= 2;
    struct dialog_text text = {.c = c, .r = above};
    say(&text, m);
    snprintf(label, sizeof label, "Type the pid, %d, to confirm: ", e->pid);
    int y = in.y + in.h - 2;
    int x = in.x + canvas_put(c, y, in.x, in.w, STYLE_LABEL, label);
    dialog_input(c, y, x, in.x + in.w - x < 12 ? in.x + in.w - x : 12, d, cursor);
    canvas_put_cut(c, y + 1, in.x, in.w, STYLE_WARN, d->error);
}
