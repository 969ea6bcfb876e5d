/* Any bytes at the border: what text_copy() leaves is valid UTF-8, safe for a terminal and bounded, what text_fit() says
 * fits does, the redaction keeps the length, and the quoting can be read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/quote.h"
#include "pgd/base/rows.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_clean(const char *s)
{
    size_t n = strlen(s);
    for (size_t i = 0; i < n;) {
        uint32_t rune;
        size_t used = text_decode(s + i, n - i, &rune);
        must(used >= 1 && used <= n - i);
        must(text_rune_safe(rune));
        /* An invalid byte would show as U+FFFD of one byte. */
        char bytes[4];
        must(text_encode(rune, bytes) == used && memcmp(bytes, s + i, used) == 0);
        i += used;
    }
}

static void check_copies(const char *src, size_t room)
{
    size_t size = strlen(src) * 3 + 1;
    char *whole = xmalloc(size);
    must(text_copy(whole, size, src));
    check_clean(whole);
    must(text_width(whole) == text_width(src));

    char *cut = xmalloc(room ? room : 1);
    bool fitted = text_copy(cut, room, src);
    if (room > 0) {
        must(strlen(cut) < room);
        must(fitted == (strlen(whole) < room));
        must(strncmp(whole, cut, strlen(cut)) == 0);
        must(fitted || room - 1 - strlen(cut) < 4);
        check_clean(cut);
        must(text_copy_raw(cut, room, src) == (strlen(src) < room));
        must(strlen(cut) < room && strncmp(cut, src, strlen(cut)) == 0);
    }
    free(cut);
    free(whole);
}

static void check_fit(const char *src, int width)
{
    size_t fit = text_fit(src, width);
    size_t n = strlen(src);
    must(fit <= n);
    char *part = xstrndup(src, fit);
    int filled = text_width(part);
    must(filled <= width);
    if (fit < n) {
        uint32_t rune;
        text_decode(src + fit, n - fit, &rune);
        must(filled + text_rune_width(rune) > width);
    }
    free(part);
}

/* Between the quotes each quote and backslash is doubled; elsewhere there are none. */
static void check_literal(const char *src)
{
    struct buf b = {0};
    quote_literal(&b, src);
    const char *p = buf_text(&b);
    if (*p == 'E')
        p++;
    must(*p++ == '\'');
    for (const char *s = src; *s; s++) {
        must(*p++ == *s);
        if (*s == '\'' || *s == '\\')
            must(*p++ == *s);
    }
    must(p[0] == '\'' && p[1] == '\0');
    buf_clear(&b);
    quote_ident(&b, src);
    quote_conninfo(&b, src);
    quote_shell(&b, src);
    buf_clear(&b);
}

static void check_redaction(const char *src)
{
    size_t n = strlen(src);
    char *text = xstrdup(src);
    secret_id id = secret_put(src, n < 8 ? n : 8);
    secret_redact(text);
    must(strlen(text) == n);
    for (size_t i = 0; i < n; i++)
        must(text[i] == src[i] || text[i] == '*');
    for (size_t i = 0; n >= 3 && i < n && i < 8; i++)
        must(text[i] == '*');
    secret_release(id);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 65536)
        return 0;
    size_t room = data[0];
    int width = data[1];
    char *src = xstrndup((const char *)data + 2, size - 2);
    check_copies(src, room);
    check_fit(src, width);
    check_literal(src);
    check_redaction(src);
    double number;
    int64_t whole;
    if (text_int64(src, &whole))
        must(text_double(src, &number));
    (void)text_is_ident(src);
    rows_free(rows_parse(src));
    free(src);
    return 0;
}
