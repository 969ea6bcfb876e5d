/* canvas.c - the cell grid: bounded, clipped, and clean whatever is written on it. */
#include "pgd/ui/canvas.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

enum { ARM_LEFT = 1, ARM_RIGHT = 2, ARM_UP = 4, ARM_DOWN = 8, SIZE_MAX_CELLS = 1000 };

static const uint32_t REPLACEMENT = 0xfffd;

/* The box character for each set of arms. */
static const uint16_t line_runes[16] = {
    ' ',    0x2500, 0x2500, 0x2500, 0x2502, 0x2518, 0x2514, 0x2534,
    0x2502, 0x2510, 0x250c, 0x252c, 0x2502, 0x2524, 0x251c, 0x253c,
};

/* 7-bit look-alikes of the characters that the program itself draws; sorted by character. */
static const struct {
    uint16_t rune;
    char ascii;
} look_alikes[] = {
    {0xb0, 'o'},   {0xb1, '~'},    {0xb5, 'u'},    {0xb7, '.'},   {0xd7, 'x'},   {0x2013, '-'},
    {0x2014, '-'}, {0x2018, '\''}, {0x2019, '\''}, {0x201c, '"'}, {0x201d, '"'}, {0x2022, '*'},
    {0x2026, '.'}, {0x2190, '<'},  {0x2191, '^'},  {0x2192, '>'}, {0x2193, 'v'}, {0x21b3, '^'},
    {0x21b5, '|'}, {0x2212, '-'},  {0x2260, '!'},  {0x2264, '<'}, {0x2265, '>'}, {0x2500, '-'},
    {0x2502, '|'}, {0x2504, '.'},  {0x2506, ':'},  {0x2508, '.'}, {0x250a, ':'}, {0x250c, '+'},
    {0x2510, '+'}, {0x2514, '+'},  {0x2518, '+'},  {0x251c, '+'}, {0x2524, '+'}, {0x252c, '+'},
    {0x2534, '+'}, {0x253c, '+'},  {0x254c, '-'},  {0x2581, '.'}, {0x2582, ':'}, {0x2583, '-'},
    {0x2584, '='}, {0x2585, '+'},  {0x2586, '*'},  {0x2587, '#'}, {0x2588, '#'}, {0x258c, '#'},
    {0x2590, '#'}, {0x2591, '.'},  {0x2592, ':'},  {0x2593, '#'}, {0x25a0, '#'}, {0x25a1, 'o'},
    {0x25aa, '#'}, {0x25ab, 'o'},  {0x25b2, '^'},  {0x25b4, '^'}, {0x25b6, '>'}, {0x25b8, '>'},
    {0x25bc, 'v'}, {0x25be, 'v'},  {0x25c0, '<'},  {0x25c2, '<'}, {0x25c6, '*'}, {0x25cb, 'o'},
    {0x25cf, '*'}, {0x25d0, 'o'},  {0x25e6, 'o'},  {0x26a0, '!'}, {0x2713, '+'}, {0x2714, '+'},
    {0x2717, 'x'}, {0x2718, 'x'},  {0x276f, '>'},
};

static const struct cell BLANK = {.rune = ' ', .width = 1};

struct canvas *canvas_new(int rows, int cols)
{
    struct canvas *c = xcalloc(1, sizeof(*c));
    canvas_resize(c, rows, cols);
    return c;
}

void canvas_free(struct canvas *c)
{
    if (c) {
        free(c->cells);
        free(c);
    }
}

static int hold(int n, int low, int high)
{
    return n < low ? low : n > high ? high : n;
}

void canvas_resize(struct canvas *c, int rows, int cols)
{
    rows = hold(rows, 1, SIZE_MAX_CELLS);
    cols = hold(cols, 1, SIZE_MAX_CELLS);
    if (rows != c->rows || cols != c->cols || !c->cells) {
        c->rows = rows;
        c->cols = cols;
        c->cells = xrealloc(c->cells, (size_t)rows * (size_t)cols * sizeof(*c->cells));
    }
    canvas_clear(c);
}

void canvas_clear(struct canvas *c)
{
    size_t n = (size_t)c->rows * (size_t)c->cols;
    for (size_t i = 0; i < n; i++)
        c->cells[i] = BLANK;
    c->clip = canvas_area(c);
    c->cursor_y = c->cursor_x = -1;
}

struct rect canvas_area(const struct canvas *c)
{
    return (struct rect){0, 0, c->rows, c->cols};
}

struct rect rect_inset(struct rect r, int n)
{
    struct rect in = {r.y + n, r.x + n, r.h - 2 * n, r.w - 2 * n};
    in.h = in.h < 0 ? 0 : in.h;
    in.w = in.w < 0 ? 0 : in.w;
    return in;
}

/* Where the span start..start+length ends, without overflow. */
static int span_end(int start, int length)
{
    long end = (long)start + (length > 0 ? length : 0);
    return end > INT32_MAX ? INT32_MAX : (int)end;
}

struct rect rect_meet(struct rect a, struct rect b)
{
    int y = a.y > b.y ? a.y : b.y, x = a.x > b.x ? a.x : b.x;
    int bottom_a = span_end(a.y, a.h), bottom_b = span_end(b.y, b.h);
    int right_a = span_end(a.x, a.w), right_b = span_end(b.x, b.w);
    int bottom = bottom_a < bottom_b ? bottom_a : bottom_b;
    int right = right_a < right_b ? right_a : right_b;
    return (struct rect){y, x, bottom > y ? bottom - y : 0, right > x ? right - x : 0};
}

struct rect canvas_clip(struct canvas *c, struct rect r)
{
    struct rect former = c->clip;
    c->clip = rect_meet(c->clip, r);
    return former;
}

void canvas_unclip(struct canvas *c, struct rect former)
{
    c->clip = rect_meet(former, canvas_area(c));
}

static bool row_open(const struct canvas *c, int y)
{
    return y >= c->clip.y && y < c->clip.y + c->clip.h;
}

static bool open_at(const struct canvas *c, int y, int x)
{
    return row_open(c, y) && x >= c->clip.x && x < c->clip.x + c->clip.w;
}

static struct cell *at(const struct canvas *c, int y, int x)
{
    return &c->cells[(size_t)y * (size_t)c->cols + (size_t)x];
}

/* Writes one cell. A wide character that loses a half becomes a blank in the other. */
static void set(struct canvas *c, int y, int x, struct cell cell)
{
    struct cell *p = at(c, y, x);
    if (p->width == 0 && x > 0 && cell.width != 0) {
        p[-1].rune = ' ';
        p[-1].mark = 0;
        p[-1].width = 1;
    } else if (p->width == 2 && x + 1 < c->cols) {
        p[1].rune = ' ';
        p[1].width = 1;
    }
    *p = cell;
}

/* One character in one or two cells; false if it does not fit before `end`. */
static bool put_rune(struct canvas *c, int y, int x, int end, uint16_t style, uint32_t rune,
                     int width)
{
    if (x + width > end)
        return false;
    if (width == 2) {
        if (open_at(c, y, x) && open_at(c, y, x + 1)) {
            set(c, y, x, (struct cell){.rune = rune, .style = style, .width = 1});
            set(c, y, x + 1, (struct cell){.rune = ' ', .style = style, .width = 1});
            at(c, y, x)->width = 2;
            at(c, y, x + 1)->width = 0;
        } else {
            for (int i = 0; i < 2; i++)
                if (open_at(c, y, x + i))
                    set(c, y, x + i, (struct cell){.rune = ' ', .style = style, .width = 1});
        }
    } else if (open_at(c, y, x)) {
        set(c, y, x, (struct cell){.rune = rune, .style = style, .width = 1});
    }
    return true;
}

static uint32_t clean(uint32_t rune)
{
    if (rune == '\t' || rune == '\n' || rune == '\r')
        return ' ';
    return text_rune_safe(rune) ? rune : REPLACEMENT;
}

int canvas_put_n(struct canvas *c, int y, int x, int width, unsigned style, const char *text,
                 size_t n)
{
    if (!text || x < -SIZE_MAX_CELLS || x >= c->cols || !row_open(c, y))
        return 0;
    int end = c->clip.x + c->clip.w;
    if (width >= 0 && width < end - x)
        end = x + width;
    n = strnlen(text, n);
    int start = x;
    struct cell *last = NULL;
    for (size_t i = 0; i < n;) {
        uint32_t rune = (unsigned char)text[i];
        size_t used = rune < 0x80 ? 1 : text_decode(text + i, n - i, &rune);
        rune = clean(rune);
        int w = rune < 0x80 ? 1 : text_rune_width(rune);
        if (w <= 0) {
            if (last && !last->mark)
                last->mark = rune;
        } else {
            if (!put_rune(c, y, x, end, (uint16_t)style, rune, w))
                break;
            last = open_at(c, y, x) ? at(c, y, x) : NULL;
            x += w;
        }
        i += used > 0 ? used : 1;
    }
    return x - start;
}

int canvas_put(struct canvas *c, int y, int x, int width, unsigned style, const char *text)
{
    return canvas_put_n(c, y, x, width, style, text, SIZE_MAX);
}

/* True if the text needs more than width columns, measured as canvas_put() draws it. */
static bool longer_than(const char *text, int width)
{
    int used = 0;
    size_t n = strlen(text);
    for (size_t i = 0; i < n && used <= width;) {
        uint32_t rune = 0;
        size_t step = text_decode(text + i, n - i, &rune);
        used += text_rune_width(clean(rune));
        i += step > 0 ? step : 1;
    }
    return used > width;
}

int canvas_put_cut(struct canvas *c, int y, int x, int width, unsigned style, const char *text)
{
    if (!text)
        return 0;
    int room = c->clip.x + c->clip.w - x;
    if (width < 0 || width > room)
        width = room;
    if (width <= 0)
        return 0;
    if (!longer_than(text, width))
        return canvas_put(c, y, x, width, style, text);
    int used = canvas_put(c, y, x, width - 1, style, text);
    canvas_rune(c, y, x + used, style, 0x2026);
    return used + 1;
}

int canvas_put_right(struct canvas *c, int y, int x, int width, unsigned style, const char *text)
{
    if (!text || width <= 0)
        return 0;
    if (longer_than(text, width))
        return canvas_put_cut(c, y, x, width, style, text);
    int w = 0;
    size_t n = strlen(text);
    for (size_t i = 0; i < n;) {
        uint32_t rune = 0;
        size_t step = text_decode(text + i, n - i, &rune);
        w += text_rune_width(clean(rune));
        i += step > 0 ? step : 1;
    }
    canvas_put(c, y, x + width - w, w, style, text);
    return width;
}

int canvas_printf(struct canvas *c, int y, int x, int width, unsigned style, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    return canvas_put(c, y, x, width, style, text);
}

void canvas_rune(struct canvas *c, int y, int x, unsigned style, uint32_t rune)
{
    rune = clean(rune);
    int w = rune < 0x80 ? 1 : text_rune_width(rune);
    if (w > 0 && row_open(c, y) && x >= -2 && x < c->cols)
        put_rune(c, y, x, c->clip.x + c->clip.w, (uint16_t)style, rune, w);
}

void canvas_fill(struct canvas *c, struct rect r, unsigned style)
{
    r = rect_meet(r, c->clip);
    for (int y = r.y; y < r.y + r.h; y++)
        for (int x = r.x; x < r.x + r.w; x++)
            set(c, y, x, (struct cell){.rune = ' ', .style = (uint16_t)style, .width = 1});
}

void canvas_restyle(struct canvas *c, struct rect r, unsigned style)
{
    r = rect_meet(r, c->clip);
    for (int y = r.y; y < r.y + r.h; y++)
        for (int x = r.x; x < r.x + r.w; x++)
            at(c, y, x)->style = (uint16_t)style;
}

static void put_line(struct canvas *c, int y, int x, unsigned style, unsigned arms)
{
    if (!open_at(c, y, x))
        return;
    if (c->plain) {
        set(c, y, x, (struct cell){.rune = ' ', .style = STYLE_NORMAL, .width = 1});
        return;
    }
    arms |= at(c, y, x)->lines;
    set(c, y, x,
        (struct cell){.rune = line_runes[arms & 15U],
                      .style = (uint16_t)style,
                      .width = 1,
                      .lines = (uint8_t)arms});
}

void canvas_hline(struct canvas *c, int y, int x, int width, unsigned style)
{
    struct rect r = rect_meet((struct rect){y, x, 1, width}, c->clip);
    for (int i = r.x; r.h > 0 && i < r.x + r.w; i++) {
        unsigned arms = (i > x || width == 1 ? ARM_LEFT : 0U) |
                        (i < x + width - 1 || width == 1 ? ARM_RIGHT : 0U);
        put_line(c, y, i, style, arms);
    }
}

void canvas_vline(struct canvas *c, int y, int x, int height, unsigned style)
{
    struct rect r = rect_meet((struct rect){y, x, height, 1}, c->clip);
    for (int i = r.y; r.w > 0 && i < r.y + r.h; i++) {
        unsigned arms = (i > y || height == 1 ? ARM_UP : 0U) |
                        (i < y + height - 1 || height == 1 ? ARM_DOWN : 0U);
        put_line(c, i, x, style, arms);
    }
}

void canvas_box(struct canvas *c, struct rect r, unsigned style, const char *title,
                unsigned title_style)
{
    if (r.h < 2 || r.w < 2)
        return;
    canvas_hline(c, r.y, r.x, r.w, style);
    canvas_hline(c, r.y + r.h - 1, r.x, r.w, style);
    canvas_vline(c, r.y, r.x, r.h, style);
    canvas_vline(c, r.y, r.x + r.w - 1, r.h, style);
    if (title && *title && r.w > 6) {
        int used = canvas_put_cut(c, r.y, r.x + 2, r.w - 5, title_style, title);
        canvas_put(c, r.y, r.x + 1, 1, style, " ");
        canvas_put(c, r.y, r.x + 2 + used, 1, style, " ");
    }
}

void canvas_cursor(struct canvas *c, int y, int x)
{
    bool shown = open_at(c, y, x);
    c->cursor_y = shown ? y : -1;
    c->cursor_x = shown ? x : -1;
}

const struct cell *canvas_at(const struct canvas *c, int y, int x)
{
    return y >= 0 && x >= 0 && y < c->rows && x < c->cols ? at(c, y, x) : NULL;
}

unsigned canvas_style_at(const struct canvas *c, int y, int x)
{
    const struct cell *cell = canvas_at(c, y, x);
    return cell ? cell->style : STYLE_NORMAL;
}

uint32_t canvas_shown(const struct canvas *c, uint32_t rune)
{
    if (!c->ascii || (rune >= 0x20 && rune < 0x7f))
        return rune;
    size_t low = 0, high = ARRAY_LEN(look_alikes);
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (look_alikes[mid].rune == rune)
            return (unsigned char)look_alikes[mid].ascii;
        if (look_alikes[mid].rune < rune)
            low = mid + 1;
        else
            high = mid;
    }
    return '?';
}

static void append_rune(struct buf *out, uint32_t rune)
{
    char bytes[4];
    buf_append(out, bytes, text_encode(rune, bytes));
}

static void row_text(const struct canvas *c, int y, struct buf *out)
{
    int end = c->cols;
    while (end > 0 && at(c, y, end - 1)->rune == ' ' && at(c, y, end - 1)->width == 1)
        end--;
    for (int x = 0; x < end; x++) {
        const struct cell *cell = at(c, y, x);
        if (cell->width == 0) {
            if (c->ascii)
                buf_putc(out, ' ');
            continue;
        }
        append_rune(out, canvas_shown(c, cell->rune));
        if (cell->mark && !c->ascii)
            append_rune(out, cell->mark);
    }
}

void canvas_text(const struct canvas *c, struct buf *out)
{
    for (int y = 0; y < c->rows; y++) {
        row_text(c, y, out);
        buf_putc(out, '\n');
    }
}

bool canvas_row_has(const struct canvas *c, int y, const char *part)
{
    if (y < 0 || y >= c->rows)
        return false;
    struct buf row = {0};
    row_text(c, y, &row);
    bool found = strstr(buf_text(&row), part) != NULL;
    buf_clear(&row);
    return found;
}

bool canvas_has(const struct canvas *c, const char *part)
{
    for (int y = 0; y < c->rows; y++)
        if (canvas_row_has(c, y, part))
            return true;
    return false;
}
