/* pane_ai.c - what was said, newest at the bottom. The scroll counts lines up from the end: 0 follows. */
#include <stdio.h>
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

/* A question, and what is said by itself, are set apart by an empty line; an answer stands below its question. */
static bool is_parted(const struct model *m, int i)
{
    if (i + 1 >= m->nchat || m->chat[i].kind == m->chat[i + 1].kind)
        return false;
    return m->chat[i + 1].kind == CHAT_USER ||
           (m->chat[i + 1].kind == CHAT_AI && m->chat[i].kind != CHAT_USER);
}

static int height_of(const struct model *m, int i, int width)
{
    return wrap_count(m->chat[i].text, width - text_width(kinds[m->chat[i].kind].mark)) +
           (is_parted(m, i) ? 1 : 0);
}

int pane_ai_lines(const struct model *m, int width)
{
    int n = 0;
    for (int i = 0; i < m->nchat; i++)
        n += height_of(m, i, width);
    return n;
}

int pane_ai_most(int lines, int rows)
{
    return lines <= rows ? 0 : lines - (rows - 1);
}

int pane_ai_below(const struct model *m, int width, int at)
{
    int n = 0;
    for (int i = at + 1; i < m->nchat; i++)
        n += height_of(m, i, width);
    return n;
}

/* Where the end of a growing text begins that is drawn. The place moves in steps, to the begin of a line or at least of a word,
 * so that what is on the screen does not wrap anew with each frame. */
static size_t tail_of(const struct buf *text, size_t most)
{
    size_t step = most / 4;
    if (step == 0 || text->len <= most)
        return 0;
    size_t from = (text->len - most) / step * step;
    const char *at = text->data + from, *cut = memchr(at, '\n', step);
    if (from > 0 && !cut)
        cut = memchr(at, ' ', step);
    return from == 0 ? 0 : cut ? (size_t)(cut - text->data) + 1 : from;
}

void pane_live(const struct model *m, size_t most, struct buf *out)
{
    const struct ask *a = &m->asks[ASK_CHAT];
    struct buf text = {0};
    if (!ask_open(a))
        return;
    op_partial(a->op, buf_text(&a->wire.text), a->wire.text.len, &text);
    size_t from = tail_of(&text, most);
    while (from > 0 && from < text.len && ((unsigned char)text.data[from] & 0xc0) == 0x80)
        from++;
    if (m->partner.mask)
        mask_reverse(m->partner.mask, buf_text(&text) + from, out);
    else
        buf_append(out, buf_text(&text) + from, text.len - from);
    buf_clear(&text);
}

void pane_call(const struct model *m, char *dst, size_t size)
{
    static const enum ask_slot order[] = {ASK_CHAT, ASK_FLOW, ASK_ASIDE};
    const struct ask *a = NULL;
    dst[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(order) && !a; i++)
        if (ask_open(&m->asks[order[i]]))
            a = &m->asks[order[i]];
    if (!a && m->talk.state == TALK_GATHER)
        snprintf(dst, size, "looking up %.90s",
                 m->talk.at < m->talk.n ? m->talk.wants[m->talk.at] : "facts");
    if (!a)
        return;
    double secs = (double)(m->now_us - a->begun_us) / 1e6;
    const char *model = m->partner.endpoint.model;
    if (a->state == ASK_WAIT)
        snprintf(dst, size, "%s", a->note); /* who is asked stands in the status line */
    else if (a->repairing)
        snprintf(dst, size, "%s tries its form again, %.0f s", model, secs);
    else if (a->wire.text.len)
        snprintf(dst, size, "%s answers, %.0f s", model, secs);
    else
        snprintf(dst, size, "%s %s, %.0f s (%s)", model, a->wire.thinks ? "thinks" : "was asked",
                 secs, op_row(a->op)->name);
}

/* What waits at the bottom: the call under way, and what the DBA typed meanwhile. Returns the rows taken. */
static int draw_waiting(struct canvas *c, struct rect r, const struct model *m)
{
    char call[240];
    int rows = 0, most = r.h / 3;
    pane_call(m, call, sizeof call);
    if (call[0] && rows < most) {
        rows++;
        int y = r.y + r.h - rows, stop = r.w > 40 ? 11 : 0;
        canvas_put_cut(c, y, r.x, r.w - stop, STYLE_WARN, call);
        if (stop)
            list_keys(c, y, r.x + r.w - stop + 1, stop - 1, STYLE_LABEL, "Esc stops");
    }
    for (int i = m->talk.nqueue - 1; i >= 0 && rows < most; i--) {
        rows++;
        canvas_printf(c, r.y + r.h - rows, r.x, r.w, STYLE_DIM, "queued: %s",
                      m->talk.queue[i].text);
    }
    return rows;
}

/* How many of the newest messages end below the last row that is shown, `up` lines above the end. */
static int messages_below(const struct model *m, int width, int up)
{
    int n = 0, lines = 0;
    for (int i = m->nchat - 1; i >= 0 && lines < up; i--, n++)
        lines += height_of(m, i, width);
    return n;
}

/* What a reader who has scrolled up does not see: what came meanwhile is told before what was there. */
static void draw_below(struct canvas *c, struct rect row, const struct model *m, int up)
{
    bool here = m->screen.focus == PANE_AI;
    int below = messages_below(m, row.w, up);
    int fresh = m->talk.fresh < below ? m->talk.fresh : below;
    if (fresh > 0)
        canvas_printf(c, row.y, row.x, row.w, STYLE_WARN,
                      here ? "\xe2\x96\xbe %d new below: End" : "\xe2\x96\xbe %d new below: 4, End",
                      fresh);
    else
        canvas_printf(c, row.y, row.x, row.w, STYLE_LABEL,
                      here ? "\xe2\x96\xbe %d line%s below: PgDn, End"
                           : "\xe2\x96\xbe %d line%s below: 4, PgDn",
                      up, up == 1 ? "" : "s");
}

void pane_ai(struct canvas *c, struct rect r, const struct model *m)
{
    if (r.w < 8)
        return;
    r.h -= draw_waiting(c, r, m);
    if (m->nchat == 0) {
        wrap_draw(c, r, STYLE_DIM,
                  "The advisor speaks here, and every step is told. What you type at the prompt is "
                  "a question to it.",
                  0);
        return;
    }
    int up = m->screen.scroll[PANE_AI]; /* only a reader who has scrolled up makes us count all */
    struct buf live = {0};
    pane_live(m, up > 0 || r.h < 1 ? 0 : 4 * (size_t)r.w * (size_t)r.h, &live);
    struct chat_line coming = {.kind = CHAT_AI, .text = live.data};
    if (up > 0) {
        int most = pane_ai_most(pane_ai_lines(m, r.w), r.h);
        up = up < most ? up : most;
    }
    r.h -= up > 0; /* the row that says what is below hides no line */
    struct rect former = canvas_clip(c, r);
    int bottom = r.y + r.h - 1 + up;
    if (live.len)
        bottom -= draw_message(c, r, &coming, bottom);
    for (int i = m->nchat - 1; i >= 0 && bottom >= r.y; i--) {
        bottom -= is_parted(m, i) ? 1 : 0;
        int y = bottom;
        bottom -= draw_message(c, r, &m->chat[i], bottom);
        if (i == m->talk.found && m->talk.find[0] && y < r.y + r.h)
            canvas_restyle(c, (struct rect){bottom + 1, r.x, y - bottom, r.w}, STYLE_SELECTED);
    }
    canvas_unclip(c, former);
    buf_clear(&live);
    if (up > 0)
        draw_below(c, (struct rect){r.y + r.h, r.x, 1, r.w}, m, up);
}
