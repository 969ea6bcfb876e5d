/* An answer while it comes: the "text" of a JSON object that has not ended, for the screen. */
#include <string.h>

#include "pgd/agent/op_parts.h"
#include "pgd/base/text.h"

struct scan {
    const char *s;
    size_t len, at;
};

static void skip_blanks(struct scan *c)
{
    while (c->at < c->len && (c->s[c->at] == ' ' || c->s[c->at] == '\t' || c->s[c->at] == '\n' ||
                              c->s[c->at] == '\r'))
        c->at++;
}

/* Behind the closing quote of the string that begins at `at`; false when it has not come yet. */
static bool skip_string(struct scan *c)
{
    for (c->at++; c->at < c->len; c->at++) {
        if (c->s[c->at] == '\\')
            c->at++;
        else if (c->s[c->at] == '"') {
            c->at++;
            return true;
        }
    }
    return false;
}

/* Goes behind the opening quote of the outermost object's text. False when it has not come. */
static bool find_text(struct scan *c)
{
    static const char key[] = "\"text\"";
    int level = 0;
    while (c->at < c->len) {
        char x = c->s[c->at];
        size_t from = c->at;
        if (x != '"') {
            level += x == '{' || x == '[' ? 1 : x == '}' || x == ']' ? -1 : 0;
            c->at++;
            continue;
        }
        if (!skip_string(c))
            return false;
        bool mine = level == 1 && c->at - from == sizeof key - 1 &&
                    memcmp(c->s + from, key, sizeof key - 1) == 0;
        skip_blanks(c);
        if (!mine || c->at >= c->len || c->s[c->at] != ':')
            continue;
        c->at++;
        skip_blanks(c);
        if (c->at < c->len && c->s[c->at] == '"') {
            c->at++;
            return true;
        }
    }
    return false;
}

/* The four digits of an escape at `at`; false when they are not all there. bad: they are none. */
static bool hex4(const struct scan *c, size_t at, uint32_t *unit, bool *bad)
{
    *unit = 0;
    for (size_t i = 0; i < 4; i++) {
        if (at + i >= c->len)
            return false;
        char x = c->s[at + i];
        uint32_t digit = x >= '0' && x <= '9'   ? (uint32_t)(x - '0')
                         : x >= 'a' && x <= 'f' ? (uint32_t)(x - 'a' + 10)
                         : x >= 'A' && x <= 'F' ? (uint32_t)(x - 'A' + 10)
                                                : 16;
        if (digit == 16) {
            *bad = true;
            return true;
        }
        *unit = *unit << 4 | digit;
    }
    return true;
}

static void put_rune(uint32_t rune, struct buf *out)
{
    char bytes[4];
    bool breaks = rune == '\n' || rune == '\t';
    buf_append(out, bytes, text_encode(breaks || text_rune_safe(rune) ? rune : 0xfffd, bytes));
}

/* \u with its four digits and its second half, where it has one. False: wait for more. */
static bool unescape_unicode(struct scan *c, struct buf *out)
{
    uint32_t unit, low = 0;
    bool bad = false;
    if (!hex4(c, c->at + 2, &unit, &bad))
        return false;
    c->at += bad ? 2 : 6;
    if (bad || (unit & 0xfc00) != 0xd800) {
        put_rune(bad ? 0xfffd : unit, out);
        return true;
    }
    bool half = c->at < c->len && c->s[c->at] == '\\';
    bool waits = half && (c->at + 1 >= c->len ||
                          (c->s[c->at + 1] == 'u' && !hex4(c, c->at + 2, &low, &bad)));
    if (c->at >= c->len || waits) {
        c->at -= 6;
        return false;
    }
    bool pair = half && c->s[c->at + 1] == 'u' && !bad && (low & 0xfc00) == 0xdc00;
    put_rune(pair ? 0x10000 + ((unit & 0x3ff) << 10) + (low & 0x3ff) : 0xfffd, out);
    c->at += pair ? 6 : 0;
    return true;
}

/* One escape. False: it has not come whole. */
static bool unescape(struct scan *c, struct buf *out)
{
    if (c->at + 1 >= c->len)
        return false;
    char x = c->s[c->at + 1];
    if (x == 'u')
        return unescape_unicode(c, out);
    c->at += 2;
    if (x == 'n' || x == 't')
        buf_putc(out, x == 'n' ? '\n' : '\t');
    else if (x == 'r' || x == 'b' || x == 'f')
        buf_putc(out, ' ');
    else
        buf_putc(out, x == '"' || x == '\\' || x == '/' ? x : '?');
    return true;
}

/* What needs no look at all, as one piece: the whole text is read again for each frame of the screen. */
static void copy_plain(struct scan *c, struct buf *out)
{
    size_t from = c->at;
    while (c->at < c->len && c->s[c->at] >= ' ' && c->s[c->at] < 0x7f && c->s[c->at] != '"' &&
           c->s[c->at] != '\\')
        c->at++;
    buf_append(out, c->s + from, c->at - from);
}

/* One character as it stands; one that has not come whole waits. */
static bool copy_rune(struct scan *c, struct buf *out)
{
    uint32_t rune;
    size_t left = c->len - c->at, used = text_decode(c->s + c->at, left, &rune);
    unsigned char first = (unsigned char)c->s[c->at];
    size_t need = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
    if (rune == 0xfffd && used == 1 && left < need)
        return false;
    put_rune(rune, out);
    c->at += used;
    return true;
}

void op_partial(enum op op, const char *text, size_t len, struct buf *out)
{
    struct scan c = {.s = text, .len = len};
    skip_blanks(&c);
    if (c.at >= len)
        return;
    bool json = c.s[c.at] == '{' || c.s[c.at] == '`';
    if (!json && op_row(op)->read == op_read_prose) {
        copy_plain(&c, out);
        while (c.at < len && copy_rune(&c, out))
            copy_plain(&c, out);
        return;
    }
    while (c.at < len && c.s[c.at] != '{')
        c.at++;
    if (!find_text(&c))
        return;
    copy_plain(&c, out);
    while (c.at < len && c.s[c.at] != '"') {
        if (c.s[c.at] == '\\' ? !unescape(&c, out) : !copy_rune(&c, out))
            return;
        copy_plain(&c, out);
    }
}
