/* dialog_advice.c - what settings cannot mend as a list: what the DBA has said, the kind, what it is about; below it the evidence of
 * the one under the cursor. Enter shows its SQL and its undo (app/advised.c). */
#include <stdio.h>

#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"

enum { MARK = 4, KIND = 19, FOOT = 4, WIDTH = 120 };

/* How old the figures are: they are those of the last look at the server. */
static void say_head(struct dialog_text *t, const struct model *m)
{
    const struct advised *a = &m->advised;
    int minutes = (int)((m->now_us - m->fl.discovered_us) / 60000000);

    if (m->server.id.standby) {
        dialog_say(t, STYLE_WARN,
                   "This is a standby: indexes and tables are changed on the primary, "
                   "and what its scans need is counted there. Look there.");
    } else if (a->n == 0) {
        dialog_say(t, STYLE_GOOD, "Nothing was found that settings cannot mend.");
        dialog_say(
            t, STYLE_LABEL,
            "Looked at: indexes, the tables that are scanned or changed most, statements and "
            "roles of pg_stat_statements%s, plans of the session's workload.",
            m->server.runtime.statements ? "" : " (not there)");
    } else {
        dialog_say(t, STYLE_TITLE, "%d statement%s beside the settings. None is run from here.",
                   a->n, a->n == 1 ? "" : "s");
    }
    if (minutes > 0)
        dialog_say(t, STYLE_LABEL, "The figures are of %d min ago; /health looks again.", minutes);
}

static void draw_row(struct canvas *c, struct rect r, const struct advice *a)
{
    static const char *const marks[] = {"[ ]", "[a]", "[r]"};
    static const unsigned styles[] = {STYLE_LABEL, STYLE_GOOD, STYLE_DIM};
    int kind = r.w < 60 ? 0 : KIND;

    canvas_put_cut(c, r.y, r.x, MARK < r.w ? MARK : r.w, styles[a->mark], marks[a->mark]);
    if (r.w <= MARK + kind)
        return;
    if (kind)
        canvas_put_cut(c, r.y, r.x + MARK, kind, STYLE_VALUE, advice_kind_name(a->kind));
    canvas_put_cut(c, r.y, r.x + MARK + kind, r.w - MARK - kind,
                   a->mark == ADVICE_REJECTED ? STYLE_DIM : STYLE_NORMAL, a->object);
}

/* The last lines: what the last key brought, or what speaks for the line under the cursor. */
static void draw_foot(struct canvas *c, struct rect r, const struct model *m)
{
    const struct advised *a = &m->advised;
    const struct dialog *d = &m->screen.dialog;

    if (d->error[0])
        wrap_draw(c, r, STYLE_WARN, d->error, 0);
    else if (d->cursor >= 0 && d->cursor < a->n)
        wrap_draw(c, r, STYLE_DIM, a->items[d->cursor].evidence, 0);
}

void dialog_advice(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    const struct advised *a = &m->advised;
    const struct dialog *d = &m->screen.dialog;
    int width = (WIDTH < screen.w ? WIDTH : screen.w) - 4;
    int head = dialog_measure(c, width, m, say_head);

    (void)cursor;
    struct rect in = dialog_open(c, screen, WIDTH, head + a->n + FOOT + 4, "Beyond settings", m, t);
    struct dialog_text text = {.c = c, .r = in};
    say_head(&text, m);
    struct rect list = {in.y + head + 1, in.x, in.h - head - FOOT - 2, in.w};
    if (list.h < 1)
        return;
    int at = d->cursor < a->n ? d->cursor : a->n - 1, top = list_scroll(0, at, list.h, a->n);
    for (int i = top; i < a->n && i < top + list.h; i++) {
        struct rect row = {list.y + i - top, list.x, 1, list.w};
        draw_row(c, row, &a->items[i]);
        if (i == at)
            canvas_restyle(c, row, STYLE_SELECTED);
    }
    if (a->n > list.h)
        list_more(c, list, top, a->n);
    draw_foot(c, (struct rect){in.y + in.h - FOOT, in.x, FOOT, in.w}, m);
}
