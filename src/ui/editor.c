/* editor.c - editing keys on a bounded UTF-8 text. */
#include "pgd/ui/editor.h"

#include <string.h>

#include "pgd/base/text.h"

/* The byte where the character before `at` starts. */
static int before(const struct editor *ed, int at)
{
    do {
        at--;
    } while (at > 0 && ((unsigned char)ed->text[at] & 0xc0) == 0x80);
    return at < 0 ? 0 : at;
}

static int after(const struct editor *ed, int at)
{
    uint32_t rune = 0;
    if (at >= *ed->len)
        return *ed->len;
    return at + (int)text_decode(ed->text + at, (size_t)(*ed->len - at), &rune);
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           ((unsigned char)c & 0x80);
}

static int word_left(const struct editor *ed, int at)
{
    while (at > 0 && !is_word(ed->text[at - 1]))
        at--;
    while (at > 0 && is_word(ed->text[at - 1]))
        at--;
    return at;
}

static int word_right(const struct editor *ed, int at)
{
    while (at < *ed->len && !is_word(ed->text[at]))
        at++;
    while (at < *ed->len && is_word(ed->text[at]))
        at++;
    return at;
}

static int line_start(const struct editor *ed, int at)
{
    while (at > 0 && ed->text[at - 1] != '\n')
        at--;
    return at;
}

static int line_end(const struct editor *ed, int at)
{
    while (at < *ed->len && ed->text[at] != '\n')
        at++;
    return at;
}

static enum editor_did cut(struct editor *ed, int from, int to)
{
    if (from >= to)
        return EDITOR_MOVED;
    memmove(ed->text + from, ed->text + to, (size_t)(*ed->len - to) + 1);
    *ed->len -= to - from;
    *ed->at = from;
    return EDITOR_CHANGED;
}

static enum editor_did go(struct editor *ed, int to)
{
    *ed->at = to;
    return EDITOR_MOVED;
}

bool editor_insert(struct editor *ed, const char *text, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint32_t rune = 0;
        size_t used = text_decode(text + i, n - i, &rune);
        i += used > 0 ? used : 1;
        if (rune == '\t')
            rune = ' ';
        if (rune != '\n' && (!text_rune_safe(rune) || rune == 0xfffd))
            continue;
        char bytes[4];
        int len = (int)text_encode(rune, bytes);
        if (*ed->len + len >= ed->size)
            return false;
        memmove(ed->text + *ed->at + len, ed->text + *ed->at, (size_t)(*ed->len - *ed->at) + 1);
        memcpy(ed->text + *ed->at, bytes, (size_t)len);
        *ed->len += len;
        *ed->at += len;
    }
    return true;
}

void editor_set(struct editor *ed, const char *text)
{
    ed->text[0] = '\0';
    *ed->len = *ed->at = 0;
    editor_insert(ed, text, strlen(text));
}

/* The line above or below, at the same column where it is long enough. */
static enum editor_did line_move(struct editor *ed, int way)
{
    int start = line_start(ed, *ed->at), column = 0;
    for (int i = start; i < *ed->at; i = after(ed, i))
        column++;
    int to = 0;
    if (way < 0) {
        if (start == 0)
            return EDITOR_IGNORED;
        to = line_start(ed, start - 1);
    } else {
        to = line_end(ed, *ed->at);
        if (to == *ed->len)
            return EDITOR_IGNORED;
        to++;
    }
    while (column-- > 0 && to < *ed->len && ed->text[to] != '\n')
        to = after(ed, to);
    return go(ed, to);
}

static enum editor_did insert_key(struct editor *ed, uint32_t rune)
{
    char bytes[4];
    int old = *ed->len;
    editor_insert(ed, bytes, text_encode(rune, bytes));
    return *ed->len > old ? EDITOR_CHANGED : EDITOR_MOVED;
}

static enum editor_did control_key(struct editor *ed, uint32_t letter)
{
    switch (letter) {
    case 'a':
        return go(ed, line_start(ed, *ed->at));
    case 'b':
        return go(ed, before(ed, *ed->at));
    case 'd':
        if (ed->is_area)
            return EDITOR_SUBMIT;
        return *ed->len ? cut(ed, *ed->at, after(ed, *ed->at)) : EDITOR_IGNORED;
    case 'e':
        return go(ed, line_end(ed, *ed->at));
    case 'f':
        return go(ed, after(ed, *ed->at));
    case 'j':
        return insert_key(ed, '\n');
    case 'k':
        return cut(ed, *ed->at, line_end(ed, *ed->at));
    case 'n':
        return line_move(ed, 1);
    case 'u':
        return cut(ed, line_start(ed, *ed->at), *ed->at);
    case 'w':
        return cut(ed, word_left(ed, *ed->at), *ed->at);
    default:
        return EDITOR_IGNORED;
    }
}

static enum editor_did alt_key(struct editor *ed, uint32_t letter)
{
    switch (letter) {
    case 'b':
        return go(ed, word_left(ed, *ed->at));
    case 'd':
        return cut(ed, *ed->at, word_right(ed, *ed->at));
    case 'f':
        return go(ed, word_right(ed, *ed->at));
    default:
        return EDITOR_IGNORED;
    }
}

enum editor_did editor_key(struct editor *ed, struct key k)
{
    bool words = k.rune != 0; /* with any modifier */
    switch (k.name) {
    case KEYN_NONE:
        return insert_key(ed, k.rune);
    case KEYN_CTRL:
        return control_key(ed, k.rune);
    case KEYN_ALT:
        return alt_key(ed, k.rune);
    case KEYN_ESC:
        return EDITOR_CANCEL;
    case KEYN_ENTER:
        return ed->is_area || k.rune ? insert_key(ed, '\n') : EDITOR_SUBMIT;
    case KEYN_BACKSPACE:
        return *ed->at > 0 ? cut(ed, before(ed, *ed->at), *ed->at) : EDITOR_MOVED;
    case KEYN_DELETE:
        return cut(ed, *ed->at, after(ed, *ed->at));
    case KEYN_LEFT:
        return go(ed, words ? word_left(ed, *ed->at) : before(ed, *ed->at));
    case KEYN_RIGHT:
        return go(ed, words ? word_right(ed, *ed->at) : after(ed, *ed->at));
    case KEYN_HOME:
        return go(ed, line_start(ed, *ed->at));
    case KEYN_END:
        return go(ed, line_end(ed, *ed->at));
    case KEYN_UP:
        return line_move(ed, -1);
    case KEYN_DOWN:
        return line_move(ed, 1);
    default:
        return EDITOR_IGNORED;
    }
}

/* Columns of the bytes from..to; a line end counts as its sign. */
static int columns(const struct editor *ed, int from, int to)
{
    int width = 0;
    for (int i = from; i < to;) {
        uint32_t rune = 0;
        i += (int)text_decode(ed->text + i, (size_t)(to - i), &rune);
        width += rune == '\n' ? 1 : text_rune_width(rune);
    }
    return width;
}

void editor_draw(const struct editor *ed, struct canvas *c, int y, int x, int width, unsigned style,
                 int *cursor_x)
{
    int from = 0;
    while (from < *ed->at && columns(ed, from, *ed->at) >= width)
        from = after(ed, from);
    *cursor_x = x + columns(ed, from, *ed->at);
    int used = 0;
    for (int i = from; i < *ed->len && used < width;) {
        int next = after(ed, i);
        if (ed->text[i] == '\n')
            used += canvas_put(c, y, x + used, width - used, STYLE_DIM, "\xe2\x86\xb5");
        else
            used += canvas_put_n(c, y, x + used, width - used, style, ed->text + i,
                                 (size_t)(next - i));
        i = next;
    }
}

void editor_draw_area(const struct editor *ed, struct canvas *c, struct rect r, unsigned style,
                      int *cursor_y, int *cursor_x)
{
    int line = 0, start = line_start(ed, *ed->at);
    for (int i = 0; i < start; i++)
        line += ed->text[i] == '\n';
    int top = line < r.h ? 0 : line - r.h + 1;
    int shift = columns(ed, start, *ed->at) - r.w + 1;
    if (shift < 0)
        shift = 0;
    struct rect former = canvas_clip(c, r);
    int row = 0;
    for (int i = 0; i <= *ed->len && row < top + r.h; row++) {
        int end = line_end(ed, i);
        if (row >= top)
            canvas_put_n(c, r.y + row - top, r.x - shift, -1, style, ed->text + i,
                         (size_t)(end - i));
        i = end + 1;
    }
    canvas_unclip(c, former);
    *cursor_y = r.y + line - top;
    *cursor_x = r.x + columns(ed, start, *ed->at) - shift;
}
