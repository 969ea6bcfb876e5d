/* PGDIAG.md: the DBA's own words. Lines of a few known forms are understood, the rest is text for an advisor. It is data: nothing in
 * it can run, approve, or point anywhere. */
#include "pgd/agent/wishes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"

/* Cleaned, but with its lines; what is too long is cut behind a whole line. */
static void keep_text(const char *text, size_t len, struct wishes *w)
{
    struct buf out = {0};
    for (size_t i = 0; i < len;) {
        uint32_t rune;
        char bytes[4];
        i += text_decode(text + i, len - i, &rune);
        if (rune == '\n')
            buf_putc(&out, '\n');
        else if (rune == '\t')
            buf_putc(&out, ' ');
        else if (text_rune_safe(rune))
            buf_append(&out, bytes, text_encode(rune, bytes));
    }
    size_t most = sizeof w->text - 1;
    if (out.len > most) {
        while (most > 0 && out.data[most] != '\n')
            most--;
        out.data[most] = '\0';
    }
    text_copy_raw(w->text, sizeof w->text, buf_text(&out));
    buf_clear(&out);
}

static bool begins(const char **s, const char *with)
{
    size_t n = strlen(with);
    if (strncasecmp(*s, with, n) != 0)
        return false;
    *s += n;
    return true;
}

/* Bytes of one entry of a list: up to a comma, "and", "or", or the end of the line. */
static size_t entry(const char *s)
{
    size_t n = 0;
    while (s[n] && s[n] != ',' && s[n] != ';' && strncasecmp(s + n, " and ", 5) != 0 &&
           strncasecmp(s + n, " or ", 4) != 0)
        n++;
    return n;
}

static void add_never(struct wishes *w, const char *s, size_t n)
{
    char name[SETTING_NAME_MAX];
    size_t len = 0;
    while (n > 0 && strchr(" `'\"*_", *s) && *s != '_') {
        s++;
        n--;
    }
    while (n > 0 && strchr(" `'\".!", s[n - 1]))
        n--;
    for (; len < n && len < sizeof name - 1; len++)
        name[len] = (char)(s[len] >= 'A' && s[len] <= 'Z' ? s[len] + ('a' - 'A') : s[len]);
    name[len] = '\0';
    /* One word is a setting, perhaps; "the replica in Bonn" is not. "autovacuum*" is all that begin so. */
    bool all = len > 1 && name[len - 1] == '*';
    if (all)
        name[len - 1] = '\0';
    bool fits = len == n && text_is_ident(name);
    if (all)
        name[len - 1] = '*';
    for (int i = 0; i < w->nnever && fits; i++)
        fits = strcmp(w->never[i], name) != 0;
    if (fits && w->nnever < (int)ARRAY_LEN(w->never))
        text_copy_raw(w->never[w->nnever++], sizeof w->never[0], name);
}

static bool read_never(struct wishes *w, const char *s)
{
    static const char *const leads[] = {
        "never touch",   "never change", "never set",     "do not touch", "don't touch",
        "do not change", "don't change", "never propose", "hands off",    "never"};
    bool found = false;
    for (size_t i = 0; i < ARRAY_LEN(leads) && !found; i++)
        found = begins(&s, leads[i]) && (*s == ' ' || *s == ':');
    if (!found)
        return false;
    s += strspn(s, ": *");
    while (*s) {
        size_t n = entry(s);
        add_never(w, s, n);
        s += n;
        if (*s == ',' || *s == ';')
            s++;
        else if (begins(&s, " and ") || begins(&s, " or "))
            continue;
        s += strspn(s, " ");
        if (begins(&s, "and ") || begins(&s, "or "))
            continue;
    }
    return true;
}

/* "p95 < 20 ms", "p99 <= 0.2 s": milliseconds; NAN = the line says nothing of it. */
static double service_level(const char *line, const char *name)
{
    const char *s = strcasestr(line, name);
    if (!s)
        return NAN;
    s += strlen(name);
    s += strcspn(s, "<0123456789");
    s += strspn(s, "<= ");
    char number[32];
    size_t n = strspn(s, "0123456789.");
    double value;
    if (n == 0 || n >= sizeof number)
        return NAN;
    memcpy(number, s, n);
    number[n] = '\0';
    s += n + strspn(s + n, " ");
    if (!text_double(number, &value) || !(value > 0) || value > 3.6e6)
        return NAN;
    return strncasecmp(s, "ms", 2) == 0                                           ? value
           : *s == 's' && !strchr("abcdefghijklmnopqrtuvwxyz", s[1] ? s[1] : '0') ? value * 1000
                                                                                  : NAN;
}

static void read_window(struct wishes *w, const char *line)
{
    if (!strcasestr(line, "window"))
        return;
    for (const char *s = line; *s; s++) {
        char text[DAYTIME_TEXT_MAX];
        size_t n = strspn(s, "0123456789:-");
        if (n >= 9 && n < sizeof text) {
            memcpy(text, s, n);
            text[n] = '\0';
            struct daytime_window found;
            if (daytime_parse(text, &found, NULL))
                w->window = found;
        }
        s += n ? n - 1 : 0;
    }
}

static void read_line(struct wishes *w, const char *line)
{
    line += strspn(line, " ");
    line += strspn(line, "-*+#>0123456789.) ");
    if (read_never(w, line))
        return;
    double p95 = service_level(line, "p95");
    double p99 = service_level(line, "p99");
    w->p95_ms = isnan(p95) ? w->p95_ms : p95;
    w->p99_ms = isnan(p99) ? w->p99_ms : p99;
    read_window(w, line);
}

void wishes_init(struct wishes *w)
{
    memset(w, 0, sizeof *w);
    w->p95_ms = w->p99_ms = NAN;
}

bool wishes_read(const char *text, size_t len, struct wishes *w)
{
    struct wishes read;
    wishes_init(&read);
    memcpy(read.said, w->said, sizeof read.said);
    read.nsaid = w->nsaid;
    bool whole = len <= WISHES_FILE_MAX;
    keep_text(text, whole ? len : WISHES_FILE_MAX, &read);
    char line[512];
    for (const char *s = read.text; *s;) {
        size_t n = strcspn(s, "\n");
        snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), s);
        read_line(&read, line);
        s += n + (s[n] == '\n');
    }
    *w = read;
    return whole && len < sizeof read.text;
}

void wishes_say(struct wishes *w, const char *words)
{
    const int most = (int)ARRAY_LEN(w->said);
    if (w->nsaid == most) {
        memmove(w->said[0], w->said[1], sizeof w->said - sizeof w->said[0]);
        w->nsaid--;
    }
    text_copy(w->said[w->nsaid++], sizeof w->said[0], words);
}

bool wishes_forbid(const struct wishes *w, const char *name)
{
    return guard_never(w->never, w->nnever, name);
}
