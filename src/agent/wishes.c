/* PGDIAG.md: the DBA's own words. Lines of a few known forms are understood, the rest is text for an advisor. It is data: nothing in
 * it can run, approve, or point anywhere. */
#include "pgd/agent/wishes.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/knobs.h"

/* Cleaned, but with its lines. */
static void clean(const char *text, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len;) {
        uint32_t rune;
        char bytes[4];
        i += text_decode(text + i, len - i, &rune);
        if (rune == '\n')
            buf_putc(out, '\n');
        else if (rune == '\t')
            buf_putc(out, ' ');
        else if (text_rune_safe(rune))
            buf_append(out, bytes, text_encode(rune, bytes));
    }
}

/* What an advisor is told of it; what is too long is cut behind a whole line. */
static void keep_text(const struct buf *all, struct wishes *w)
{
    size_t n = all->len < sizeof w->text ? all->len : sizeof w->text - 1;
    if (n < all->len)
        while (n > 0 && all->data[n] != '\n')
            n--;
    memcpy(w->text, buf_text(all), n);
    w->text[n] = '\0';
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

/* A name without the signs around it, in lower case; "autovacuum*" is all that begin so. False: it is none. */
static bool name_of(const char *s, size_t n, char *name, size_t size)
{
    while (n > 0 && strchr(" `'\"*([", *s)) {
        s++;
        n--;
    }
    while (n > 0 && strchr(" `'\".!?:)]", s[n - 1]))
        n--;
    if (n == 0 || n >= size)
        return false;
    for (size_t i = 0; i < n; i++)
        name[i] = (char)(s[i] >= 'A' && s[i] <= 'Z' ? s[i] + ('a' - 'A') : s[i]);
    name[n] = '\0';
    bool all = n > 1 && name[n - 1] == '*';
    if (all)
        name[n - 1] = '\0';
    bool fits = text_is_ident(name);
    if (all)
        name[n - 1] = '*';
    return fits;
}

/* False: there is no room for it. */
static bool keep_name(struct wishes *w, const char *name)
{
    for (int i = 0; i < w->nnever; i++)
        if (strcmp(w->never[i], name) == 0)
            return true;
    if (w->nnever == (int)ARRAY_LEN(w->never))
        return false;
    text_copy_raw(w->never[w->nnever++], sizeof w->never[0], name);
    return true;
}

/* Among other words: a setting that is known, or what looks like one. */
static bool looks_like_setting(const char *name)
{
    return strpbrk(name, "_*") || knob_find(name) || danger_find(name) != REFUSE_NONE;
}

/* One entry. How many settings were found in it; -1 = there was no room for one. */
static int add_entry(struct wishes *w, const char *s, size_t n)
{
    char name[SETTING_NAME_MAX];
    int found = 0;

    if (name_of(s, n, name, sizeof name)) /* one word is a setting, perhaps */
        return keep_name(w, name) ? 1 : -1;
    for (size_t i = 0;
         i < n;) { /* "the replica in Bonn" is none, "work_mem on Fridays" names one */
        size_t len = strcspn(s + i, " /");
        len = len < n - i ? len : n - i;
        if (name_of(s + i, len, name, sizeof name) && looks_like_setting(name)) {
            if (!keep_name(w, name))
                return -1;
            found++;
        }
        i += len + (i + len < n);
    }
    return found;
}

/* Where the list begins of what the line forbids; NULL = it forbids nothing. */
static const char *forbidding(const char *line)
{
    static const char *const anywhere[] = {
        "never touch",   "never change", "never set",     "do not touch", "don't touch",
        "do not change", "don't change", "never propose", "hands off",    "must not touch"};
    for (size_t i = 0; i < ARRAY_LEN(anywhere); i++) {
        const char *s = strcasestr(line, anywhere[i]);
        size_t n = strlen(anywhere[i]);
        bool word = s && (s == line || !isalnum((unsigned char)s[-1]));
        if (word && (s[n] == ' ' || s[n] == ':' || !s[n]))
            return s + n;
    }
    return begins(&line, "never") && (*line == ' ' || *line == ':') ? line : NULL;
}

/* False: not all that the line forbids could be kept. */
static bool read_never(struct wishes *w, const char *line, bool *forbids)
{
    const char *s = forbidding(line);
    int found = 0;

    *forbids = s != NULL;
    if (!s)
        return true;
    s += strspn(s, ": *");
    while (*s) {
        size_t n = entry(s);
        int added = add_entry(w, s, n);
        if (added < 0)
            return false;
        found += added;
        s += n;
        if (*s == ',' || *s == ';')
            s++;
        else if (begins(&s, " and ") || begins(&s, " or "))
            continue;
        s += strspn(s, " ");
        if (begins(&s, "and ") || begins(&s, "or "))
            continue;
    }
    if (found == 0 && w->nodd++ == 0)
        text_copy(w->odd, sizeof w->odd, line);
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

static bool read_line(struct wishes *w, const char *line)
{
    bool forbids;

    line += strspn(line, " ");
    line += strspn(line, "-*+#>0123456789.) ");
    if (!read_never(w, line, &forbids))
        return false;
    if (forbids)
        return true;
    double p95 = service_level(line, "p95");
    double p99 = service_level(line, "p99");
    w->p95_ms = isnan(p95) ? w->p95_ms : p95;
    w->p99_ms = isnan(p99) ? w->p99_ms : p99;
    read_window(w, line);
    return true;
}

void wishes_init(struct wishes *w)
{
    memset(w, 0, sizeof *w);
    w->p95_ms = w->p99_ms = NAN;
}

enum wishes_kept wishes_read(const char *text, size_t len, struct wishes *w)
{
    struct wishes read;
    struct buf all = {0};
    bool kept = len <= WISHES_FILE_MAX;
    char *line;

    wishes_init(&read);
    memcpy(read.said, w->said, sizeof read.said);
    read.nsaid = w->nsaid;
    clean(text, kept ? len : WISHES_FILE_MAX, &all);
    keep_text(&all, &read);
    bool whole = all.len < sizeof read.text;
    for (const char *s = buf_text(&all); *s;) {
        size_t n = strcspn(s, "\n");
        line = xstrndup(s, n);
        kept = read_line(&read, line) && kept;
        free(line);
        s += n + (s[n] == '\n');
    }
    buf_clear(&all);
    *w = read;
    return !kept ? WISHES_NEVER_LOST : !whole ? WISHES_TEXT_CUT : WISHES_WHOLE;
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
