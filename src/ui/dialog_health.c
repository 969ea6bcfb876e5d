/* dialog_health.c - the findings of the health check as a list: the worst first, the figure of the one under the cursor below
 * it. Enter shows that one in full (app/health.c). */
#include <stdio.h>

#include "pgd/agent/health.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"

static unsigned style_of(enum health_grade g)
{
    switch (g) {
    case HEALTH_CRITICAL:
        return STYLE_BAD;
    case HEALTH_WARN:
        return STYLE_WARN;
    case HEALTH_OK:
        return STYLE_GOOD;
    case HEALTH_NOTE:
    case HEALTH_UNKNOWN:
        break;
    }
    return STYLE_LABEL;
}

static void say_head(struct dialog_text *t, const struct model *m)
{
    const struct health *h = &m->health;
    int minutes = (int)((m->now_us - m->fl.discovered_us) / 60000000);
    char summary[200];

    if (h->state == HEALTH_READING) {
        dialog_say(t, STYLE_TITLE, "Looking at settings, totals and host \xe2\x80\xa6");
        return;
    }
    if (h->state == HEALTH_FAILED) {
        dialog_say(t, STYLE_BAD, "The look was cut short: %s", h->err.msg);
        return;
    }
    if (h->state == HEALTH_ASKING) {
        dialog_say(t, STYLE_TITLE, "Looking: check %d \xe2\x80\xa6", h->at < 0 ? 1 : h->at + 1);
        return;
    }
    health_summary(h, summary, sizeof summary);
    dialog_say(t, STYLE_TITLE, "%s", summary);
    if (h->left_out)
        dialog_say(t, STYLE_WARN, "%d more findings are not shown", h->left_out);
    if (minutes > 0 && m->fl.discovered_us > 0)
        dialog_say(t, STYLE_LABEL, "The figures are of %d min ago; r looks again.", minutes);
}

static void draw_row(struct canvas *c, struct rect r, const struct health_finding *f)
{
    const struct health_check *check = f->check;
    struct buf text = {0};

    canvas_put_cut(c, r.y, r.x, r.w < 9 ? r.w : 9, style_of(f->grade), health_grade_name(f->grade));
    if (f->grade == HEALTH_UNKNOWN)
        buf_printf(&text, "%s: %s", check->id, f->said.figure);
    else
        buf_printf(&text, "%s%s%s%s%s", f->said.object, f->said.object[0] ? ": " : "", check->title,
                   f->said.figure[0] ? ", " : "", f->said.figure);
    if (r.w > 9)
        canvas_put_cut(c, r.y, r.x + 9, r.w - 9, STYLE_NORMAL, buf_text(&text));
    buf_clear(&text);
}

/* The last lines: what is known of the finding under the cursor, or what the last key brought. */
static void draw_foot(struct canvas *c, struct rect r, const struct model *m)
{
    const struct health *h = &m->health;
    const struct dialog *d = &m->screen.dialog;

    if (d->error[0])
        wrap_draw(c, r, STYLE_WARN, d->error, 0);
    else if (d->cursor < h->n && h->state == HEALTH_DONE)
        wrap_draw(c, r, STYLE_DIM,
                  h->found[d->cursor].said.figure[0] ? h->found[d->cursor].said.figure
                                                     : h->found[d->cursor].check->why,
                  0);
}

void dialog_health(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    enum { FOOT = 2, WIDTH = 120 };
    const struct health *h = &m->health;
    const struct dialog *d = &m->screen.dialog;
    int width = (WIDTH < screen.w ? WIDTH : screen.w) - 4, n = h->state == HEALTH_DONE ? h->n : 0;
    int head = dialog_measure(c, width, m, say_head);

    (void)cursor;
    struct rect in = dialog_open(c, screen, WIDTH, head + n + FOOT + 4, "Health", m, t);
    struct dialog_text text = {.c = c, .r = in};
    say_head(&text, m);
    struct rect list = {in.y + head + 1, in.x, in.h - head - FOOT - 2, in.w};
    if (list.h < 1)
        return;
    int at = d->cursor < n ? d->cursor : n - 1, top = list_scroll(0, at, list.h, n);
    for (int i = top; i < n && i < top + list.h; i++) {
        struct rect row = {list.y + i - top, list.x, 1, list.w};
        draw_row(c, row, &h->found[i]);
        if (i == at)
            canvas_restyle(c, row, STYLE_SELECTED);
    }
    if (n > list.h)
        list_more(c, list, top, n);
    draw_foot(c, (struct rect){in.y + in.h - FOOT, in.x, FOOT, in.w}, m);
}
