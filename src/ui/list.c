/* list.c - wrapping, scrolling, frames. */
#include "pgd/ui/list.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"

bool wrap_next(struct wrap *w, const char **line, size_t *len)
{
    if (w->done || w->width < 1)
        return false;
    const char *p = w->text + w->at;
    size_t rest = strcspn(p, "\n"), fit = 0, word = 0;
    int width = 0;
    while (fit < rest) {
        uint32_t rune = 0;
        size_t used = text_decode(p + fit, rest - fit, &rune);
        int cols = text_rune_width(rune);
        if (width + cols > w->width && fit > 0)
            break;
        width += cols;
        if (rune == ' ')
            word = fit;
        fit += used;
    }
    *line = p;
    if (fit == rest) {
        *len = rest;
        w->at += rest + 1;
        w->done = p[rest] == '\0';
        return true;
    }
    if (p[fit] == ' ') /* the word ends just at the edge */
        word = fit;
    *len = word > 0 ? word : fit;
    w->at += *len;
    while (w->text[w->at] == ' ')
        w->at++;
    w->done = w->text[w->at] == '\0';
    if (w->text[w->at] == '\n') { /* only blanks were left of the line */
        w->at++;
        w->done = false;
    }
    return true;
}

int wrap_count(const char *text, int width)
{
    struct wrap w = {.text = text, .width = width};
    const char *line = NULL;
    size_t len = 0;
    int n = 0;
    while (wrap_next(&w, &line, &len))
        n++;
    return n;
}

int wrap_draw(struct canvas *c, struct rect r, unsigned style, const char *text, int skip)
{
    struct wrap w = {.text = text, .width = r.w};
    const char *line = NULL;
    size_t len = 0;
    int n = 0;
    for (; wrap_next(&w, &line, &len); n++)
        if (n >= skip && n - skip < r.h)
            canvas_put_n(c, r.y + n - skip, r.x, r.w, style, line, len);
    return n;
}

int list_scroll(int scroll, int cursor, int rows, int total)
{
    if (cursor >= 0 && rows > 0) {
        if (cursor < scroll)
            scroll = cursor;
        else if (cursor >= scroll + rows)
            scroll = cursor - rows + 1;
    }
    if (scroll > total - rows)
        scroll = total - rows;
    return scroll < 0 ? 0 : scroll;
}

enum { ALL_ROWS = 1 << 20 }; /* more than any list has */

bool list_move(int *cursor, struct key k, int rows)
{
    int by = k.name == KEYN_UP || key_is(k, 'k')     ? -1
             : k.name == KEYN_DOWN || key_is(k, 'j') ? 1
             : k.name == KEYN_PGUP                   ? -10
             : k.name == KEYN_PGDN                   ? 10
             : k.name == KEYN_HOME || key_is(k, 'g') ? -ALL_ROWS
             : k.name == KEYN_END || key_is(k, 'G')  ? ALL_ROWS
                                                     : 0;

    *cursor += by;
    if (*cursor >= rows)
        *cursor = rows - 1;
    if (*cursor < 0)
        *cursor = 0;
    return by != 0;
}

void list_more(struct canvas *c, struct rect r, int scroll, int total)
{
    char text[48];
    int below = total - scroll - r.h;
    if (r.h < 1 || (below <= 0 && scroll <= 0))
        return;
    if (below > 0)
        snprintf(text, sizeof(text), " \xe2\x96\xbe %d more ", below);
    else
        snprintf(text, sizeof(text), " \xe2\x96\xb4 %d above ", scroll);
    int w = text_width(text);
    if (w < r.w)
        canvas_put(c, r.y + r.h - 1, r.x + r.w - w, w, STYLE_DIM, text);
}

int list_keys(struct canvas *c, int y, int x, int width, unsigned style, const char *keys)
{
    int used = 0;
    while (*keys) {
        size_t pair = strlen(keys), key = strcspn(keys, " ");
        const char *gap = strstr(keys, "  ");
        if (gap)
            pair = (size_t)(gap - keys);
        char text[160];
        snprintf(text, sizeof(text), "%.*s", (int)(pair < 159 ? pair : 159), keys);
        int gap_width = used > 0 ? 2 : 0;
        if (used + gap_width + text_width(text) > width)
            break;
        if (gap_width)
            used += canvas_put(c, y, x + used, gap_width, style, "  ");
        used += canvas_put_n(c, y, x + used, width - used, STYLE_KEY, text, key);
        if (key < pair)
            used += canvas_put(c, y, x + used, width - used, style, text + key);
        keys += pair;
        while (*keys == ' ')
            keys++;
    }
    return used;
}

struct rect list_dialog(struct canvas *c, struct rect screen, int w, int h, const char *title,
                        const char *keys)
{
    w = w > screen.w || c->plain ? screen.w : w;
    h = h > screen.h ? screen.h : h;
    struct rect r = {screen.y + (screen.h - h) / 2, screen.x + (screen.w - w) / 2, h, w};
    if (c->plain) /* nothing stands beside it, and it begins where one begins to read */
        canvas_fill(c, screen, STYLE_NORMAL);
    if (c->plain)
        r.y = screen.y;
    canvas_fill(c, r, STYLE_NORMAL);
    canvas_box(c, r, STYLE_FOCUS, title, STYLE_TITLE);
    if (keys && *keys && w > 8) {
        int used = list_keys(c, r.y + r.h - 1, r.x + 2, w - 4, STYLE_NORMAL, keys);
        canvas_put(c, r.y + r.h - 1, r.x + 1, 1, STYLE_NORMAL, " ");
        canvas_put(c, r.y + r.h - 1, r.x + 2 + used, 1, STYLE_NORMAL, " ");
    }
    return rect_inset(r, 1);
}

int list_field(struct canvas *c, int y, int x, int width, int tab, const char *label,
               unsigned style, const char *value)
{
    canvas_put_cut(c, y, x, tab < width ? tab - 1 : width, STYLE_LABEL, label);
    if (tab >= width)
        return width;
    return tab + canvas_put_cut(c, y, x + tab, width - tab, style, value);
}
