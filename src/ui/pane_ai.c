/* pane_ai.c - what was said, newest at the bottom. The scroll counts lines up from the end: 0 follows. */
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

static const struct {
    const char *mark;
    unsigned style;
} kinds[] = {
    [CHAT_AI] = {"", STYLE_AI},
    [CHAT_USER] = {"> ", STYLE_USER},
    [CHAT_EVENT] = {"\xc2\xb7 ", STYLE_LABEL},
    [CHAT_GOOD] = {"\xe2\x9c\x94 ", STYLE_GOOD},
    [CHAT_BAD] = {"\xe2\x9c\x97 ", STYLE_BAD},
    [CHAT_WARN] = {"! ", STYLE_WARN},
};

/* Draws one message so that its last line stands in row `bottom` (it may start above the pane); returns its
 * height. */
static int draw_message(struct canvas *c, struct rect r, const struct chat_line *line, int bottom)
{
    unsigned style = kinds[line->kind].style;
    int indent = text_width(kinds[line->kind].mark);
    struct rect body = {0, r.x + indent, r.h, r.w - indent};
    int height = wrap_count(line->text, body.w);
    int top = bottom - height + 1;
    if (top >= r.y + r.h)
        return height;
    int skip = top < r.y ? r.y - top : 0;
    body.y = top + skip;
    body.h = r.y + r.h - body.y;
    wrap_draw(c, body, style, line->text, skip);
    if (skip == 0)
        canvas_put(c, top, r.x, indent, style, kinds[line->kind].mark);
    return height;
}

/* Messages of different kinds are set apart by an empty line where it reads better. */
static bool is_parted(const struct model *m, int i)
{
    return i + 1 < m->nchat && m->chat[i].kind != m->chat[i + 1].kind &&
           (m->chat[i + 1].kind == CHAT_AI || m->chat[i + 1].kind == CHAT_USER);
}

int pane_ai_lines(const struct model *m, int width)
{
    int n = 0;
    for (int i = 0; i < m->nchat; i++)
        n += wrap_count(m->chat[i].text, width - text_width(kinds[m->chat[i].kind].mark)) +
             (is_parted(m, i) ? 1 : 0);
    return n;
}

void pane_ai(struct canvas *c, struct rect r, const struct model *m)
{
    if (m->nchat == 0) {
        wrap_draw(c, r, STYLE_DIM, "The advisor speaks here, and every step is told.", 0);
        return;
    }
    if (r.w < 8)
        return;
    int up = list_scroll(m->screen.scroll[PANE_AI], -1, r.h, pane_ai_lines(m, r.w));
    struct rect former = canvas_clip(c, r);
    int bottom = r.y + r.h - 1 + up;
    for (int i = m->nchat - 1; i >= 0 && bottom >= r.y; i--) {
        bottom -= is_parted(m, i) ? 1 : 0;
        bottom -= draw_message(c, r, &m->chat[i], bottom);
    }
    canvas_unclip(c, former);
    if (up > 0) {
        canvas_fill(c, (struct rect){r.y + r.h - 1, r.x, 1, r.w}, STYLE_DIM);
        canvas_printf(c, r.y + r.h - 1, r.x, r.w, STYLE_DIM,
                      "\xe2\x96\xbe %d lines below, End follows", up);
    }
}
