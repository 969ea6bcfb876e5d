/* Answers that are longer than any answer has to be: the loop thread reads none of them whole.
 *
 * What makes them long is as a rule one string without an end, which its field would cut anyway. So the strings are cut first, in one pass
 * without a parser; what is still too long is refused. */
#include <string.h>

#include "pgd/agent/ops.h"

enum { STRING_KEPT = 16 * 1024 };

/* Bytes of the string's inside that begins here, up to its closing quote or the end; *cut: where it may be cut at the latest, in front of
 * a plain character. */
static size_t inside(const char *s, size_t n, size_t *cut)
{
    size_t i = 0;

    *cut = 0;
    while (i < n && s[i] != '"') {
        bool plain = s[i] != '\\' && (unsigned char)s[i] < 0x80;
        if (plain && i <= STRING_KEPT)
            *cut = i;
        i += s[i] == '\\' && i + 1 < n ? 2 : 1;
    }
    if (i <= STRING_KEPT)
        *cut = i;
    return i < n ? i : n;
}

bool op_shorten(const char *text, size_t len, struct buf *out)
{
    for (size_t at = 0; at < len;) {
        const char *quote = memchr(text + at, '"', len - at);
        size_t outside = quote ? (size_t)(quote - text) + 1 - at : len - at;
        size_t cut, n;
        buf_append(out, text + at, outside);
        at += outside;
        if (!quote)
            break;
        n = inside(text + at, len - at, &cut);
        buf_append(out, text + at, cut);
        at += n;
        if (at < len) {
            buf_putc(out, '"');
            at++;
        }
        if (out->len > OP_TEXT_MAX)
            return false;
    }
    return out->len <= OP_TEXT_MAX;
}
