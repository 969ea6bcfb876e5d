/* The lines that a headless run prints. They are written by hand, one member after the other:
 * the order of the keys and the number of decimals are part of what scripts see, and a character
 * that could move a terminal is written as an escape. */
#include "pgd/protocol/summary.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

struct line {
    struct buf text; /* the object so far, without its closing brace */
};

static void put_escape(struct buf *out, uint32_t rune)
{
    if (rune > 0xffff) {
        uint32_t rest = rune - 0x10000;
        buf_printf(out, "\\u%04x\\u%04x", (unsigned)(0xd800 + (rest >> 10)),
                   (unsigned)(0xdc00 + (rest & 0x3ff)));
    } else {
        buf_printf(out, "\\u%04x", (unsigned)rune);
    }
}

static void put_text(struct buf *out, const char *s)
{
    size_t left = strlen(s);
    buf_putc(out, '"');
    while (left > 0) {
        uint32_t rune = 0;
        char utf8[4];
        size_t used = text_decode(s, left, &rune);
        if (rune == '"' || rune == '\\')
            buf_printf(out, "\\%c", (char)rune);
        else if (rune == '\n')
            buf_puts(out, "\\n");
        else if (rune == '\t')
            buf_puts(out, "\\t");
        else if (rune < 0x20 || !text_rune_safe(rune))
            put_escape(out, rune);
        else
            buf_append(out, utf8, text_encode(rune, utf8));
        s += used;
        left -= used;
    }
    buf_putc(out, '"');
}

static void put_text_or_null(struct buf *out, const char *s)
{
    if (s == NULL || s[0] == '\0')
        buf_puts(out, "null");
    else
        put_text(out, s);
}

/* At most `decimals` (0..6) places, trailing zeros dropped; built from integers, so that no
 * locale has a say. */
static void put_num(struct buf *out, double v, int decimals)
{
    if (!isfinite(v)) {
        buf_puts(out, "null");
        return;
    }
    if (fabs(v) >= 9e12) {
        buf_printf(out, "%.0f", v); /* no fraction is left worth printing */
        return;
    }
    long long unit = 1;
    for (int i = 0; i < decimals; i++)
        unit *= 10;
    long long scaled = llround(fabs(v) * (double)unit);
    if (v < 0 && scaled > 0)
        buf_putc(out, '-');
    buf_printf(out, "%lld", scaled / unit);
    long long rest = scaled % unit;
    if (rest == 0)
        return;
    int digits = decimals;
    while (rest % 10 == 0) {
        rest /= 10;
        digits--;
    }
    buf_printf(out, ".%0*lld", digits, rest);
}

static void key(struct line *l, const char *name)
{
    buf_putc(&l->text, ',');
    put_text(&l->text, name);
    buf_putc(&l->text, ':');
}

struct line *line_new(const char *event_name)
{
    struct line *l = xcalloc(1, sizeof *l);
    buf_puts(&l->text, "{\"event\":");
    put_text(&l->text, event_name);
    return l;
}

void line_text(struct line *l, const char *name, const char *value)
{
    key(l, name);
    if (value == NULL)
        buf_puts(&l->text, "null");
    else
        put_text(&l->text, value);
}

struct line *line_error(const char *what, const struct err *e)
{
    struct line *l = line_new("error");

    line_text(l, "what", what);
    line_text(l, "code", err_code_name(e->code));
    line_text(l, "message", e->msg);
    line_text(l, "detail", e->detail);
    line_text(l, "hint", e->hint);
    return l;
}

void line_num(struct line *l, const char *name, double value)
{
    key(l, name);
    put_num(&l->text, value, 4);
}

void line_int(struct line *l, const char *name, long long value)
{
    key(l, name);
    buf_printf(&l->text, "%lld", value);
}

void line_bool(struct line *l, const char *name, bool value)
{
    key(l, name);
    buf_puts(&l->text, value ? "true" : "false");
}

void line_raw(struct line *l, const char *name, const char *json)
{
    key(l, name);
    buf_puts(&l->text, json);
}

void line_quote(struct buf *out, const char *s)
{
    put_text_or_null(out, s);
}

void line_finish(struct line *l, struct buf *out)
{
    buf_append(out, l->text.data, l->text.len);
    buf_putc(out, '}');
    buf_clear(&l->text);
    free(l);
}

void summary_init(struct summary *s)
{
    memset(s, 0, sizeof *s);
    s->baseline_tps = s->best_tps = s->target_tps = NAN;
    s->effect = s->ci_lo = s->ci_hi = NAN;
}

static void put_changes(struct buf *out, const struct summary *s)
{
    buf_putc(out, '[');
    for (int i = 0; i < s->nchanges && i < (int)ARRAY_LEN(s->changes); i++) {
        const struct summary_change *c = &s->changes[i];
        buf_puts(out, i > 0 ? ",{\"name\":" : "{\"name\":");
        put_text(out, c->name);
        buf_puts(out, ",\"from\":");
        put_text(out, c->from);
        buf_puts(out, ",\"to\":");
        put_text(out, c->to);
        buf_putc(out, '}');
    }
    buf_putc(out, ']');
}

static void put_exports(struct buf *out, const struct summary *s)
{
    if (strcmp(s->state, "ARCHIVED") != 0) {
        buf_puts(out, "null");
        return;
    }
    buf_puts(out, "{\"report\":");
    put_text_or_null(out, s->report);
    buf_puts(out, ",\"conf\":");
    put_text_or_null(out, s->conf);
    buf_puts(out, ",\"ansible\":");
    put_text_or_null(out, s->ansible);
    buf_putc(out, '}');
}

void summary_json(const struct summary *s, struct buf *out)
{
    buf_puts(out, "{\"event\":\"summary\",\"workspace\":");
    put_text_or_null(out, s->workspace);
    buf_puts(out, ",\"session\":");
    put_text_or_null(out, s->session);
    buf_puts(out, ",\"state\":");
    put_text_or_null(out, s->state);
    buf_puts(out, ",\"strategy\":");
    put_text_or_null(out, s->strategy);
    buf_puts(out, ",\"baseline_tps\":");
    put_num(out, s->baseline_tps, 2);
    buf_puts(out, ",\"best_tps\":");
    put_num(out, s->best_tps, 2);
    buf_puts(out, ",\"target_tps\":");
    put_num(out, s->target_tps, 2);
    buf_puts(out, ",\"verdict\":");
    put_text_or_null(out, verdict_name(s->verdict));
    buf_puts(out, ",\"effect\":");
    put_num(out, s->effect, 4);
    buf_puts(out, ",\"ci95\":");
    if (isfinite(s->ci_lo) && isfinite(s->ci_hi)) {
        buf_putc(out, '[');
        put_num(out, s->ci_lo, 4);
        buf_putc(out, ',');
        put_num(out, s->ci_hi, 4);
        buf_putc(out, ']');
    } else {
        buf_puts(out, "null");
    }
    buf_printf(out, ",\"rounds\":%d,\"changes\":", s->rounds);
    put_changes(out, s);
    buf_puts(out, ",\"exports\":");
    put_exports(out, s);
    buf_putc(out, '}');
}
