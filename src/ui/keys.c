/* keys.c - decoder of terminal input: UTF-8, controls, CSI and SS3 keys, bracketed paste.
 *
 * Written here rather than taken from curses because curses blocks for the escape delay, hands the
 * letters of unknown sequences on as typed keys, and knows no paste. */
#include "pgd/ui/keys.h"

#include <string.h>

#include "pgd/base/text.h"

enum { ESC = 0x1b, SEQUENCE_MAX = 128 };

/* What a step of the decoder found at the start of its input. */
struct found {
    size_t used; /* bytes; 0 = more are needed */
    bool is_key;
    bool paste_begins;
    struct key key;
};

size_t keys_feed(struct keys *k, const void *data, size_t n)
{
    if (k->pos > 0) {
        memmove(k->bytes, k->bytes + k->pos, k->len - k->pos);
        k->len -= k->pos;
        k->pos = 0;
    }
    size_t room = sizeof(k->bytes) - k->len;
    if (n > room)
        n = room;
    memcpy(k->bytes + k->len, data, n);
    k->len += n;
    return n;
}

bool keys_waiting(const struct keys *k)
{
    return k->pasting || k->pos < k->len;
}

void keys_clear(struct keys *k)
{
    buf_clear(&k->paste);
    memset(k, 0, sizeof(*k));
}

static struct found named(size_t used, enum key_name name, uint32_t rune)
{
    return (struct found){.used = used, .is_key = true, .key = {.name = name, .rune = rune}};
}

static struct found swallowed(size_t used)
{
    return (struct found){.used = used};
}

/* The key of a CSI or SS3 sequence that ends in a letter. */
static enum key_name letter_key(unsigned char final)
{
    switch (final) {
    case 'A':
        return KEYN_UP;
    case 'B':
        return KEYN_DOWN;
    case 'C':
        return KEYN_RIGHT;
    case 'D':
        return KEYN_LEFT;
    case 'F':
        return KEYN_END;
    case 'H':
        return KEYN_HOME;
    case 'M':
        return KEYN_ENTER; /* the numeric block's, in application mode */
    case 'P':
        return KEYN_F1;
    case 'Q':
        return KEYN_F2;
    case 'S':
        return KEYN_F4;
    case 'Z':
        return KEYN_BACKTAB;
    default:
        return KEYN_NONE;
    }
}

/* The key of CSI number ~ (xterm, rxvt, linux, vt220 agree on these). */
static enum key_name number_key(unsigned number)
{
    switch (number) {
    case 1:
    case 7:
        return KEYN_HOME;
    case 2:
        return KEYN_INSERT;
    case 3:
        return KEYN_DELETE;
    case 4:
    case 8:
        return KEYN_END;
    case 5:
        return KEYN_PGUP;
    case 6:
        return KEYN_PGDN;
    default:
        break;
    }
    static const unsigned f[] = {11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 23, 24};
    for (size_t i = 0; i < ARRAY_LEN(f); i++)
        if (number == f[i])
            return (enum key_name)(KEYN_F1 + i);
    return KEYN_NONE;
}

/* xterm's modifier parameter: 1 + shift 1 + alt 2 + control 4. */
static uint32_t modifiers(unsigned parameter)
{
    return parameter >= 2 && parameter <= 8 ? (parameter - 1) & 7U : 0;
}

/* SGR report of the mouse, CSI < button ; column ; row M (m: let go): the wheel, and the left button. */
static struct found mouse(const unsigned char *p, size_t used)
{
    unsigned values[3] = {0, 0, 0};
    size_t at = 0;
    for (size_t i = 3; i + 1 < used && at < 3; i++) {
        if (p[i] == ';')
            at++;
        else if (p[i] >= '0' && p[i] <= '9' && values[at] < 10000)
            values[at] = values[at] * 10 + (unsigned)(p[i] - '0');
    }
    uint32_t cell = (values[2] - 1) * (unsigned)KEY_CELL + values[1] - 1;
    unsigned button = values[0] & ~28U; /* whatever modifier is held */
    if (at != 2 || p[used - 1] != 'M' || values[1] == 0 || values[2] == 0)
        return swallowed(used);
    return button == 64   ? named(used, KEYN_WHEEL_UP, cell)
           : button == 65 ? named(used, KEYN_WHEEL_DOWN, cell)
           : button == 0  ? named(used, KEYN_CLICK, cell)
                          : swallowed(used);
}

/* CSI: parameters, intermediates, one final byte. p[0..1] is ESC [. */
static struct found csi(const unsigned char *p, size_t n)
{
    if (n >= 3 && p[2] == '[') { /* linux console: ESC [ [ A is F1 */
        if (n < 4)
            return swallowed(0);
        return p[3] == 'A' ? named(4, KEYN_F1, 0) : swallowed(4);
    }
    unsigned values[2] = {0, 0};
    size_t at = 0;
    bool private = false;
    for (size_t i = 2; i < n; i++) {
        unsigned char c = p[i];
        if (c >= '0' && c <= '9') {
            if (at < 2 && values[at] < 10000)
                values[at] = values[at] * 10 + (unsigned)(c - '0');
        } else if (c == ';') {
            at++;
        } else if (c >= 0x20 && c <= 0x3f) {
            private = true;
        } else if (c >= 0x40 && c <= 0x7e) {
            size_t used = i + 1;
            if (private)
                return p[2] == '<' ? mouse(p, used) : swallowed(used);
            if (c == 'u' && values[0] == '\r') /* Enter with a modifier, where terminals tell */
                return named(used, KEYN_ENTER, modifiers(values[1]));
            if (c == '~' && values[0] == 200)
                return (struct found){.used = used, .paste_begins = true};
            enum key_name name = c == '~' ? number_key(values[0]) : letter_key(c);
            return name == KEYN_NONE ? swallowed(used) : named(used, name, modifiers(values[1]));
        } else {
            return swallowed(i); /* broken off by a control, which stands for itself */
        }
        if (i > SEQUENCE_MAX)
            return swallowed(i + 1);
    }
    return swallowed(0);
}

/* OSC, DCS, APC, PM: a terminal's answer, up to BEL or ST. */
static struct found string_sequence(const unsigned char *p, size_t n)
{
    for (size_t i = 2; i < n; i++) {
        if (p[i] == 0x07)
            return swallowed(i + 1);
        if (p[i] == ESC && i + 1 < n)
            return swallowed(p[i + 1] == '\\' ? i + 2 : i);
        if (i >= sizeof(((struct keys *)0)->bytes) - 2)
            return swallowed(i + 1);
    }
    return swallowed(0);
}

static struct found escape(const unsigned char *p, size_t n, bool idle)
{
    struct found f = swallowed(0);
    if (n >= 2 && p[1] == '[') {
        f = csi(p, n);
    } else if (n >= 2 && p[1] == 'O') {
        if (n >= 3) {
            enum key_name name = p[2] == 'R' ? KEYN_F3 : letter_key(p[2]);
            f = name != KEYN_NONE ? named(3, name, 0)
                : p[2] < 0x20     ? named(1, KEYN_ESC, 0)
                                  : swallowed(3);
        }
    } else if (n >= 2 && memchr("]P_^X", p[1], 5)) {
        f = string_sequence(p, n);
    } else if (n >= 2 && memchr("bdf", p[1], 3)) {
        return named(2, KEYN_ALT, p[1]); /* keys that edit a line; who has none takes them apart */
    } else if (n >= 2 && p[1] == '\r') {
        return named(2, KEYN_ENTER, KEY_MOD_ALT);
    } else if (n >= 2) {
        return named(1, KEYN_ESC, 0); /* Esc, then whatever follows by itself */
    }
    if (f.used == 0 &&
        idle) /* ESC and at most one character typed by hand, or a sequence cut short */
        return n <= 2 ? named(1, KEYN_ESC, 0) : swallowed(n);
    return f;
}

static struct found control(unsigned char c)
{
    switch (c) {
    case '\t':
        return named(1, KEYN_TAB, 0);
    case '\r':
        return named(1, KEYN_ENTER, 0);
    case 0x08:
    case 0x7f:
        return named(1, KEYN_BACKSPACE, 0);
    case 0:
        return named(1, KEYN_CTRL, ' ');
    default:
        return named(1, KEYN_CTRL, c <= 26 ? (uint32_t)c + 'a' - 1 : (uint32_t)c + '@');
    }
}

static struct found character(const unsigned char *p, size_t n, bool idle)
{
    size_t whole = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (n < whole && p[0] >= 0xc2 && !idle)
        return swallowed(0);
    uint32_t rune = 0;
    size_t used = text_decode((const char *)p, n, &rune);
    if (rune == 0xfffd || !text_rune_safe(rune))
        return swallowed(used);
    return named(used, KEYN_NONE, rune);
}

static struct found decode(const unsigned char *p, size_t n, bool idle)
{
    if (p[0] == ESC)
        return escape(p, n, idle);
    return p[0] < 0x20 || p[0] == 0x7f ? control(p[0]) : character(p, n, idle);
}

static void paste_add(struct keys *k, const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n && k->paste.len < KEYS_PASTE_MAX; i++) {
        if (p[i] != '\n' || !k->after_cr)
            buf_putc(&k->paste, p[i] == '\r' ? '\n' : (char)p[i]);
        k->after_cr = p[i] == '\r';
    }
}

/* Collects the paste up to its end mark; true when it is whole. */
static bool paste_step(struct keys *k, bool idle)
{
    static const char end[] = "\033[201~";
    const size_t end_len = sizeof(end) - 1;
    const unsigned char *p = k->bytes + k->pos;
    size_t n = k->len - k->pos;
    const unsigned char *mark = n ? memmem(p, n, end, end_len) : NULL;
    if (mark) {
        paste_add(k, p, (size_t)(mark - p));
        k->pos += (size_t)(mark - p) + end_len;
        return true;
    }
    size_t keep = 0; /* a tail that may be the start of the mark */
    for (size_t m = n < end_len - 1 ? n : end_len - 1; m > 0 && !keep; m--)
        if (memcmp(p + n - m, end, m) == 0)
            keep = m;
    if (idle)
        keep = 0;
    paste_add(k, p, n - keep);
    k->pos += n - keep;
    return idle;
}

enum keys_got keys_next(struct keys *k, bool idle, struct key *key, struct buf *paste)
{
    for (;;) {
        if (k->pasting) {
            if (!paste_step(k, idle))
                return KEYS_NOTHING;
            k->pasting = false;
            buf_append(paste, k->paste.data, k->paste.len);
            buf_clear(&k->paste);
            return KEYS_PASTE;
        }
        if (k->pos >= k->len)
            return KEYS_NOTHING;
        struct found f = decode(k->bytes + k->pos, k->len - k->pos, idle);
        if (f.used == 0)
            return KEYS_NOTHING;
        k->pos += f.used;
        if (f.paste_begins) {
            k->pasting = true;
            k->after_cr = false;
        } else if (f.is_key) {
            *key = f.key;
            return KEYS_KEY;
        }
    }
}
