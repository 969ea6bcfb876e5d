/* graph.c - time series, sparklines, bars and intervals on the canvas. */
#include "pgd/ui/graph.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

static const char *const kind_names[] = {
    [GRAPH_AUTO] = "auto",   [GRAPH_BRAILLE] = "braille", [GRAPH_BLOCK] = "block",
    [GRAPH_ASCII] = "ascii", [GRAPH_WORDS] = "words",
};

bool graph_kind_of(const char *name, enum graph_kind *kind)
{
    for (size_t i = 0; name && i < ARRAY_LEN(kind_names); i++) {
        if (strcmp(name, kind_names[i]) == 0) {
            *kind = (enum graph_kind)i;
            return true;
        }
    }
    return false;
}

const char *graph_kind_name(enum graph_kind kind)
{
    return kind_names[kind];
}

/* ---- scale ---------------------------------------------------------------------------------- */

/* The smallest of 1, 2, 2.5, 5, 10 times a power of ten that is at least x. */
static double round_up(double x)
{
    static const double steps[] = {1, 2, 2.5, 5, 10};
    double power = pow(10, floor(log10(x)));
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (steps[i] * power >= x * (1 - 1e-9))
            return steps[i] * power;
    return 10 * power;
}

static bool still_fits(const struct graph_scale *s, double low, double high)
{
    double span = s->high - s->low;
    return span > 0 && low >= s->low && high <= s->high && high - s->low >= span * 0.4;
}

void graph_scale(struct graph_scale *held, double low, double high)
{
    if (!isfinite(low) || !isfinite(high) || high < low)
        low = high = 0;
    if (fabs(low) > 1e300 || fabs(high) > 1e300)
        low = high = 0;
    if (still_fits(held, low, high))
        return;
    double span = high - low;
    if (span < 1e-12 * fmax(1, fabs(high)))
        span = fmax(1, fabs(high));
    held->step = round_up(span / 4);
    held->low = floor(low / held->step + 1e-9) * held->step;
    held->high = ceil(high / held->step - 1e-9) * held->step;
    if (held->high - held->low < held->step)
        held->high = held->low + held->step;
}

void graph_scale_of(struct graph_scale *held, const struct graph_series *series, size_t n,
                    const struct graph_line *lines, size_t n_lines)
{
    double low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < series[i].n; j++) {
            double v = series[i].values[j];
            if (isfinite(v)) {
                low = fmin(low, v);
                high = fmax(high, v);
            }
        }
    }
    for (size_t i = 0; i < n_lines; i++)
        if (isfinite(lines[i].value))
            high = fmax(high, lines[i].value);
    if (high == 0 && low == 0)
        high = 1;
    graph_scale(held, low, high);
}

/* The digits after the point that tell multiples of step apart. */
static int decimals(double step)
{
    int n = 0;
    while (n < 6 && fabs(step - round(step)) > step * 1e-6) {
        step *= 10;
        n++;
    }
    return n;
}

void graph_label(char *dst, size_t size, double value, double step)
{
    static const struct {
        double unit;
        const char *letter;
    } units[] = {{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}};
    double unit = 1;
    const char *letter = "";
    for (size_t i = 0; i < ARRAY_LEN(units) && unit == 1; i++) {
        if (fabs(value) >= units[i].unit) {
            unit = units[i].unit;
            letter = units[i].letter;
        }
    }
    if (step <= 0)
        step = 1;
    snprintf(dst, size, "%.*f%s", fabs(value) < step / 2 ? 0 : decimals(step / unit), value / unit,
             letter);
}

/* ---- line graph ----------------------------------------------------------------------------- */

/* What the cells of the drawing area will hold. */
struct plot {
    struct canvas *c;
    struct rect r;
    enum graph_kind kind;
    struct graph_scale scale;
    int fine_w, fine_h; /* dots of one cell */
    bool area;
    uint32_t *runes; /* r.w * r.h, 0 = nothing; braille: the dots as bits */
    uint16_t *styles;
};

static size_t label_width(const struct graph_scale *s)
{
    size_t widest = 0;
    int n = s->step > 0 ? (int)fmin(100, round((s->high - s->low) / s->step)) : 0;
    for (int i = 0; i <= n; i++) {
        char label[32];
        graph_label(label, sizeof(label), s->low + i * s->step, s->step);
        size_t len = strlen(label);
        widest = len > widest ? len : widest;
    }
    return widest;
}

int graph_axis_width(const struct graph_scale *s, const char *title)
{
    int title_width = title && *title ? text_width(title) + 1 : 0;
    return title_width + (int)label_width(s) + 2;
}

size_t graph_capacity(enum graph_kind kind, int columns)
{
    if (kind == GRAPH_WORDS)
        return SIZE_MAX;
    return columns <= 0 ? 0 : kind == GRAPH_BRAILLE ? (size_t)columns * 2 : (size_t)columns;
}

/* The dot row of a value, 0 at the bottom; -1 if it is outside. */
static int dot_row(const struct plot *p, double v)
{
    int dots = p->r.h * p->fine_h;
    if (!isfinite(v) || v < p->scale.low || v > p->scale.high)
        return -1;
    int row = (int)round((v - p->scale.low) / (p->scale.high - p->scale.low) * (dots - 1));
    return row < 0 ? 0 : row >= dots ? dots - 1 : row;
}

static size_t cell_index(const struct plot *p, int row, int column)
{
    return (size_t)row * (size_t)p->r.w + (size_t)column;
}

static void put_dot(struct plot *p, int x, int dot, unsigned style)
{
    static const uint8_t bits[4][2] = {{0x40, 0x80}, {0x04, 0x20}, {0x02, 0x10}, {0x01, 0x08}};
    int row = p->r.h - 1 - dot / 4, column = x / 2;
    size_t i = cell_index(p, row, column);
    p->runes[i] |= bits[dot % 4][x % 2];
    p->styles[i] = (uint16_t)style;
}

static void draw_reference(struct plot *p, const struct graph_line *line)
{
    static const uint32_t marks[] = {
        [GRAPH_DOTTED] = 0xb7, [GRAPH_DASHED] = 0x254c, [GRAPH_SOLID] = 0x2500};
    int dot = dot_row(p, line->value);
    if (dot < 0)
        return;
    for (int x = 0; x < p->r.w * p->fine_w; x++) {
        if (p->kind == GRAPH_BRAILLE) {
            if (line->form == GRAPH_SOLID || (line->form == GRAPH_DOTTED ? x % 4 == 0 : x % 8 < 4))
                put_dot(p, x, dot, line->style);
        } else if (line->form == GRAPH_SOLID || x % 2 == 0 || p->kind == GRAPH_BLOCK) {
            size_t i = cell_index(p, p->r.h - 1 - dot / p->fine_h, x);
            p->runes[i] = marks[line->form];
            p->styles[i] = (uint16_t)line->style;
        }
    }
}

/* Braille: dots joined by upright lines, halfway from each side. */
static void draw_dots(struct plot *p, const struct graph_series *s, int x, double before, double v)
{
    int dot = dot_row(p, v), last = dot_row(p, before);
    if (dot < 0)
        return;
    put_dot(p, x, dot, s->style);
    if (last < 0 || x == 0)
        return;
    int middle = (dot + last) / 2, way = dot > last ? 1 : -1;
    for (int d = last; d != middle && d != dot; d += way)
        put_dot(p, x - 1, d, s->style);
    for (int d = middle; d != dot; d += way)
        put_dot(p, x, d, s->style);
}

/* Blocks: a series alone is an area; of several only the upper edges, so that none hides another. */
static void draw_column(struct plot *p, const struct graph_series *s, int x, double v, size_t order)
{
    static const char letters[] = "*+ox";
    int dot = dot_row(p, v);
    if (dot < 0)
        return;
    int row = dot / p->fine_h;
    size_t i = cell_index(p, p->r.h - 1 - row, x);
    p->runes[i] = p->kind == GRAPH_BLOCK ? 0x2581 + (uint32_t)(dot % p->fine_h)
                                         : (unsigned char)letters[order % 4];
    p->styles[i] = (uint16_t)s->style;
    for (int below = row - 1; p->area && below >= 0; below--) {
        i = cell_index(p, p->r.h - 1 - below, x);
        p->runes[i] = 0x2588;
        p->styles[i] = (uint16_t)s->style;
    }
}

static void draw_series(struct plot *p, const struct graph_series *s, size_t order)
{
    int room = p->r.w * p->fine_w;
    size_t shown = s->n < (size_t)room ? s->n : (size_t)room;
    for (size_t i = 0; i < shown; i++) {
        size_t at = s->n - shown + i;
        int x = room - (int)shown + (int)i;
        if (p->kind == GRAPH_BRAILLE)
            draw_dots(p, s, x, at > 0 ? s->values[at - 1] : NAN, s->values[at]);
        else
            draw_column(p, s, x, s->values[at], order);
    }
}

static void draw_axis(struct canvas *c, struct rect r, int axis, const struct graph_scale *s,
                      const char *title, enum graph_kind kind)
{
    int steps = (int)round((s->high - s->low) / s->step);
    int every = 1;
    while (every < steps && (steps % every != 0 || steps / every + 1 > (r.h + 1) / 2))
        every++;
    for (int y = 0; y < r.h; y++)
        canvas_rune(c, r.y + y, r.x + axis - 1, STYLE_BORDER, kind == GRAPH_ASCII ? '|' : 0x2502);
    for (int i = 0; i <= steps; i += every) {
        char label[32];
        graph_label(label, sizeof(label), s->low + i * s->step, s->step);
        int y = r.y + r.h - 1 - (int)round((double)i / steps * (r.h - 1));
        canvas_put_right(c, y, r.x, axis - 2, STYLE_LABEL, label);
        canvas_rune(c, y, r.x + axis - 1, STYLE_BORDER, kind == GRAPH_ASCII ? '+' : 0x2524);
    }
    if (title)
        canvas_put(c, r.y, r.x, axis - 2, STYLE_LABEL, title);
}

static void show_plot(const struct plot *p)
{
    for (int y = 0; y < p->r.h; y++) {
        for (int x = 0; x < p->r.w; x++) {
            size_t i = cell_index(p, y, x);
            if (p->runes[i])
                canvas_rune(p->c, p->r.y + y, p->r.x + x, p->styles[i],
                            p->kind == GRAPH_BRAILLE ? 0x2800 + p->runes[i] : p->runes[i]);
        }
    }
}

/* "TPS: now 5892, average 5400, from 4800 to 6100, 90 values", a row a series. */
static void say_series(struct canvas *c, struct rect r, const struct graph *g)
{
    int y = r.y;
    for (size_t i = 0; i < g->n; i++) {
        const struct graph_series *s = &g->series[i];
        double low = INFINITY, high = -INFINITY, sum = 0, last = NAN;
        int n = 0;
        for (size_t j = 0; j < s->n; j++) {
            if (!isfinite(s->values[j]))
                continue;
            last = s->values[j];
            low = fmin(low, last);
            high = fmax(high, last);
            sum += last;
            n++;
        }
        if (n == 0 || y >= r.y + r.h)
            continue;
        canvas_printf(c, y++, r.x, r.w, STYLE_NORMAL,
                      "%s%s%s: now %.0f, average %.0f, from %.0f to %.0f, %d values",
                      g->title ? g->title : "", g->names ? " " : "", g->names ? g->names[i] : "",
                      last, sum / n, low, high, n);
    }
}

void graph_draw(struct canvas *c, struct rect r, const struct graph *g)
{
    if (g->kind == GRAPH_WORDS) {
        say_series(c, r, g);
        return;
    }
    struct graph_scale fresh = {0};
    struct graph_scale *scale = g->scale ? g->scale : &fresh;
    graph_scale_of(scale, g->series, g->n, g->lines, g->n_lines);
    int axis = graph_axis_width(scale, g->title);
    if (axis > r.w / 2)
        axis = 0;
    struct plot p = {
        .c = c,
        .r = {r.y, r.x + axis, r.h, r.w - axis},
        .kind = g->kind == GRAPH_AUTO ? GRAPH_BRAILLE : g->kind,
        .scale = *scale,
    };
    if (r.h < 1 || p.r.w < 1 || r.h > 1000 || p.r.w > 1000)
        return;
    p.area = p.kind == GRAPH_BLOCK && g->n == 1;
    p.fine_w = p.kind == GRAPH_BRAILLE ? 2 : 1;
    p.fine_h = p.kind == GRAPH_BRAILLE ? 4 : p.kind == GRAPH_BLOCK ? 8 : 1;
    size_t cells = (size_t)p.r.w * (size_t)p.r.h;
    p.runes = xcalloc(cells, sizeof(*p.runes));
    p.styles = xcalloc(cells, sizeof(*p.styles));
    if (axis)
        draw_axis(c, r, axis, scale, g->title, p.kind);
    for (size_t i = 0; i < g->n_lines; i++)
        draw_reference(&p, &g->lines[i]);
    for (size_t i = g->n; i > 0; i--)
        draw_series(&p, &g->series[i - 1], i - 1);
    show_plot(&p);
    free(p.runes);
    free(p.styles);
}

/* ---- one row -------------------------------------------------------------------------------- */

/* 0..1 of v on low..high. */
static double part_of(double v, double low, double high)
{
    double part = high > low ? (v - low) / (high - low) : 0;
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

void graph_spark(struct canvas *c, int y, int x, int width, enum graph_kind kind, unsigned style,
                 const double *values, size_t n, double high)
{
    static const char letters[] = ".:-=+*##";
    if (width <= 0 || kind == GRAPH_WORDS) /* the figure stands beside it */
        return;
    size_t shown = n < (size_t)width ? n : (size_t)width;
    const double *v = values + (n - shown);
    bool fixed = high > 0;
    for (size_t i = 0; i < shown && !fixed; i++)
        high = isfinite(v[i]) ? fmax(high, v[i]) : high;
    for (size_t i = 0; i < shown; i++) {
        if (!isfinite(v[i]))
            continue;
        int level = (int)ceil(part_of(v[i], 0, high) * 8);
        level = level < 1 ? 0 : level - 1;
        canvas_rune(c, y, x + width - (int)shown + (int)i, style,
                    kind == GRAPH_ASCII ? (unsigned char)letters[level] : 0x2581 + (uint32_t)level);
    }
}

void graph_bar(struct canvas *c, int y, int x, int width, enum graph_kind kind, unsigned style,
               double part)
{
    if (width <= 0 || width > 1000 || kind == GRAPH_WORDS)
        return;
    int eighths = isfinite(part) ? (int)round(part_of(part, 0, 1) * width * 8) : 0;
    for (int i = 0; i < width; i++) {
        int in_cell = eighths - i * 8;
        bool ascii = kind == GRAPH_ASCII;
        if (in_cell >= 8 || (ascii && in_cell >= 4))
            canvas_rune(c, y, x + i, style, ascii ? '#' : 0x2588);
        else if (in_cell > 0 && !ascii)
            canvas_rune(c, y, x + i, style, 0x2590U - (uint32_t)in_cell);
        else
            canvas_rune(c, y, x + i, STYLE_REFERENCE, ascii ? '.' : 0xb7);
    }
}

static int axis_column(const struct graph_scale *axis, int width, double v)
{
    return (int)round(part_of(v, axis->low, axis->high) * (width - 1));
}

void graph_interval(struct canvas *c, int y, int x, int width, enum graph_kind kind, unsigned style,
                    const struct graph_scale *axis, double lo, double mid, double hi)
{
    if (width <= 0 || !isfinite(mid))
        return;
    if (kind == GRAPH_WORDS) {
        if (isfinite(lo) && isfinite(hi))
            canvas_printf(c, y, x, width, STYLE_NORMAL, "from %.0f to %.0f", lo, hi);
        return;
    }
    bool ascii = kind == GRAPH_ASCII;
    int middle = axis_column(axis, width, mid);
    if (isfinite(lo) && isfinite(hi) && lo <= hi) {
        int left = axis_column(axis, width, lo), right = axis_column(axis, width, hi);
        for (int i = left; i <= right; i++)
            canvas_rune(c, y, x + i, style, ascii ? '-' : 0x2500);
        canvas_rune(c, y, x + left, style, ascii ? '|' : 0x251c);
        canvas_rune(c, y, x + right, style, ascii ? '|' : 0x2524);
    }
    canvas_rune(c, y, x + middle, style, ascii ? '#' : 0x25a0);
}

void graph_mark(struct canvas *c, int y, int x, int width, unsigned style,
                const struct graph_scale *axis, double value)
{
    if (width > 0 && isfinite(value))
        canvas_rune(c, y, x + axis_column(axis, width, value), style, 0x2506);
}
