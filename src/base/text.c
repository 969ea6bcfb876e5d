/* UTF-8 at the border. Everything here is a function of its arguments alone: no locale, no
 * state. */
#include "pgd/base/text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/buf.h"

#define REPLACEMENT 0xfffdu

/* The length that the first byte announces, its payload and the smallest rune that may be
 * written so; 0 if it cannot start a character. */
static size_t lead(unsigned char c, uint32_t *bits, uint32_t *smallest)
{
    if (c >= 0xc2 && c <= 0xdf) {
        *bits = c & 0x1fu;
        *smallest = 0x80;
        return 2;
    }
    if ((c & 0xf0u) == 0xe0) {
        *bits = c & 0x0fu;
        *smallest = 0x800;
        return 3;
    }
    if (c >= 0xf0 && c <= 0xf4) {
        *bits = c & 0x07u;
        *smallest = 0x10000;
        return 4;
    }
    return 0;
}

size_t text_decode(const char *s, size_t n, uint32_t *rune)
{
    *rune = 0;
    if (n == 0)
        return 0;
    unsigned char first = (unsigned char)s[0];
    if (first < 0x80) {
        *rune = first;
        return 1;
    }
    uint32_t value = 0;
    uint32_t smallest = 0;
    size_t len = lead(first, &value, &smallest);
    *rune = REPLACEMENT;
    if (len == 0 || len > n)
        return 1;
    for (size_t i = 1; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c & 0xc0u) != 0x80)
            return 1;
        value = value << 6 | (c & 0x3fu);
    }
    if (value < smallest || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
        return 1;
    *rune = value;
    return len;
}

size_t text_encode(uint32_t rune, char out[4])
{
    if (rune > 0x10ffff || (rune >= 0xd800 && rune <= 0xdfff))
        rune = REPLACEMENT;
    if (rune < 0x80) {
        out[0] = (char)rune;
        return 1;
    }
    size_t len = rune < 0x800 ? 2 : rune < 0x10000 ? 3 : 4;
    static const unsigned char marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = len - 1; i > 0; i--) {
        out[i] = (char)(unsigned char)(0x80u | (rune & 0x3fu));
        rune >>= 6;
    }
    out[0] = (char)(unsigned char)(marks[len] | rune);
    return len;
}

bool text_rune_safe(uint32_t rune)
{
    if (rune < 0x7f)
        return rune >= 0x20;
    if (rune < 0xa0 || rune > 0x10ffff)
        return false;
    if ((rune >= 0x200b && rune <= 0x200f) || (rune >= 0x2028 && rune <= 0x202e) ||
        (rune >= 0x2060 && rune <= 0x206f) || (rune >= 0xfff9 && rune <= 0xfffb))
        return false;
    if (rune == 0x061c || rune == 0xfeff || (rune >= 0xe0000 && rune <= 0xe007f))
        return false;
    if (rune >= 0xd800 && rune <= 0xdfff)
        return false;
    return !(rune >= 0xfdd0 && rune <= 0xfdef) && (rune & 0xfffeu) != 0xfffe;
}

int text_width(const char *s)
{
    size_t n = strlen(s);
    int width = 0;
    for (size_t i = 0; i < n;) {
        uint32_t rune;
        i += text_decode(s + i, n - i, &rune);
        width += text_rune_width(rune);
    }
    return width;
}

size_t text_fit(const char *s, int width)
{
    size_t n = strlen(s);
    size_t i = 0;
    while (i < n) {
        uint32_t rune;
        size_t used = text_decode(s + i, n - i, &rune);
        width -= text_rune_width(rune);
        if (width < 0)
            break;
        i += used;
    }
    return i;
}

bool text_copy(char *dst, size_t size, const char *src)
{
    if (size == 0)
        return false;
    size_t n = strlen(src);
    size_t len = 0;
    for (size_t i = 0; i < n;) {
        uint32_t rune;
        i += text_decode(src + i, n - i, &rune);
        if (rune == '\t' || rune == '\n')
            rune = ' ';
        else if (!text_rune_safe(rune))
            rune = REPLACEMENT;
        char bytes[4];
        size_t used = text_encode(rune, bytes);
        if (used > size - 1 - len) {
            dst[len] = '\0';
            return false;
        }
        memcpy(dst + len, bytes, used);
        len += used;
    }
    dst[len] = '\0';
    return true;
}

bool text_copy_raw(char *dst, size_t size, const char *src)
{
    if (size == 0)
        return false;
    size_t n = strlen(src);
    size_t len = n;
    if (n >= size) {
        len = 0;
        for (;;) {
            uint32_t rune;
            size_t used = text_decode(src + len, n - len, &rune);
            if (len + used > size - 1)
                break;
            len += used;
        }
    }
    memmove(dst, src, len);
    dst[len] = '\0';
    return len == n;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool text_eq_nocase(const char *a, const char *b)
{
    while (*a && lower(*a) == lower(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

bool text_is_ident(const char *s)
{
    if (!((*s >= 'a' && *s <= 'z') || *s == '_'))
        return false;
    size_t n = 1;
    for (; s[n]; n++) {
        char c = s[n];
        bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (n >= 63 || !(word || c == '_' || c == '$' || c == '.'))
            return false;
    }
    return true;
}

/* One decimal where it says something: "9.8", "23.4", but "16" and "128". */
static void short_number(char *dst, size_t size, double value)
{
    double tenths = round(value * 10);
    bool whole = fabs(value) >= 100 || fmod(tenths, 10) == 0;
    snprintf(dst, size, whole ? "%.0f" : "%.1f", whole ? round(value) + 0.0 : tenths / 10);
}

void text_bytes(char *dst, size_t size, double bytes)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    if (!isfinite(bytes)) {
        text_copy_raw(dst, size, "-");
        return;
    }
    size_t unit = 0;
    /* What would be rounded to 1024 belongs to the next unit. */
    while (fabs(bytes) >= 1023.5 && unit + 1 < sizeof units / sizeof units[0]) {
        bytes /= 1024;
        unit++;
    }
    char number[64];
    short_number(number, sizeof number, unit == 0 ? round(bytes) : bytes);
    snprintf(dst, size, "%s %s", number, units[unit]);
}

void text_grouped(char *dst, size_t size, double value)
{
    if (!isfinite(value) || fabs(value) >= 1e15) {
        text_copy_raw(dst, size, isfinite(value) ? (value < 0 ? "< -1e15" : "> 1e15") : "-");
        return;
    }
    char digits[32];
    if (fabs(value) < 100)
        short_number(digits, sizeof digits, value);
    else
        snprintf(digits, sizeof digits, "%.0f", value);
    if (strcmp(digits, "-0") == 0)
        text_copy_raw(digits, sizeof digits, "0");
    char out[48];
    size_t o = 0;
    size_t n = strcspn(digits, ".");
    size_t sign = digits[0] == '-' ? 1 : 0;
    for (size_t i = 0; digits[i]; i++) {
        if (i > sign && i < n && (n - i) % 3 == 0)
            out[o++] = ' ';
        out[o++] = digits[i];
    }
    out[o] = '\0';
    text_copy_raw(dst, size, out);
}

void text_percent(char *dst, size_t size, double ratio)
{
    double tenths = round((ratio - 1) * 1000);
    if (!isfinite(tenths))
        text_copy_raw(dst, size, "-");
    else
        snprintf(dst, size, "%+.1f %%", tenths / 10 + 0.0);
}

static void put_end(char *dst, size_t size, double ratio, int decimals)
{
    double scale = pow(10, decimals), percent = round((ratio - 1) * 100 * scale) / scale;

    if (!isfinite(percent))
        text_copy_raw(dst, size, "-");
    else
        snprintf(dst, size, "%+.*f %%", decimals, percent + 0.0);
}

void text_interval(char *dst, size_t size, double lo, double hi, int decimals)
{
    char from[40], to[40];

    put_end(from, sizeof from, lo, decimals);
    put_end(to, sizeof to, hi, decimals);
    snprintf(dst, size, "%s to %s", from, to);
}

void text_age(char *dst, size_t size, double seconds)
{
    if (!isfinite(seconds)) {
        text_copy_raw(dst, size, "-");
        return;
    }
    if (seconds < 0)
        seconds = 0;
    if (seconds < 60)
        snprintf(dst, size, "%.0f s", floor(seconds));
    else if (seconds < 3600)
        snprintf(dst, size, "%.0f min", floor(seconds / 60));
    else if (seconds < 86400)
        snprintf(dst, size, "%.0f h", floor(seconds / 3600));
    else
        snprintf(dst, size, "%.0f d", floor(seconds / 86400));
}

static size_t digits(const char *s)
{
    return strspn(s, "0123456789");
}

bool text_double(const char *s, double *out)
{
    /* The grammar first: strtod() alone takes blanks, hexadecimal, "nan" and "infinity". */
    const char *p = s + (*s == '+' || *s == '-');
    size_t mantissa = digits(p);
    p += mantissa;
    if (*p == '.') {
        size_t fraction = digits(p + 1);
        p += 1 + fraction;
        mantissa += fraction;
    }
    if (mantissa == 0)
        return false;
    if (*p == 'e' || *p == 'E') {
        p += 1 + (p[1] == '+' || p[1] == '-');
        size_t exponent = digits(p);
        if (exponent == 0)
            return false;
        p += exponent;
    }
    if (*p)
        return false;
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (c == (locale_t)0)
        return false;
    double value = strtod_l(s, NULL, c);
    freelocale(c);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

void text_field(const char *text, const char *name, char *dst, size_t size)
{
    size_t n = strlen(name);
    struct buf value = {0};
    for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
        if (strncmp(p, name, n) == 0 && p[n] == '=') {
            buf_append(&value, p + n + 1, strcspn(p + n + 1, "\n"));
            break;
        }
    text_copy(dst, size, buf_text(&value));
    buf_clear(&value);
}

bool text_int64(const char *s, int64_t *out)
{
    const char *p = s + (*s == '+' || *s == '-');
    size_t n = digits(p);
    if (n == 0 || p[n])
        return false;
    errno = 0;
    long long value = strtoll(s, NULL, 10);
    if (errno)
        return false;
    *out = value;
    return true;
}
