/* Where something is: e-mail, URI, IPv4, IPv6, MAC, and words that look like a host's name. */
#include <string.h>
#include <strings.h>

#include "pgd/agent/mask_parts.h"

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool hexadecimal(char c)
{
    return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Bytes of a label of a host's name: letters, digits and '-', not at its ends; 0 = none. */
static size_t label(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n && ((unsigned char)s[i] >= 0x80 || s[i] == '-' || digit(s[i]) ||
                     ((s[i] | 32) >= 'a' && (s[i] | 32) <= 'z')))
        i++;
    while (i > 0 && s[i - 1] == '-')
        i--;
    return i > 0 && s[0] != '-' ? i : 0;
}

/* Labels with dots between; *labels counts them, *last is where the last begins. */
static size_t dotted(const char *s, size_t n, int *labels, size_t *last)
{
    size_t at = label(s, n);
    *labels = at > 0;
    *last = 0;
    while (at > 0 && at + 1 < n && s[at] == '.') {
        size_t more = label(s + at + 1, n - at - 1);
        if (!more)
            break;
        *last = at + 1;
        at += 1 + more;
        ++*labels;
    }
    return at;
}

static size_t ipv4(const char *s, size_t n)
{
    size_t at = 0;
    for (int part = 0; part < 4; part++) {
        int value = 0;
        size_t from = at;
        while (at < n && digit(s[at]) && at - from < 3)
            value = value * 10 + (s[at++] - '0');
        if (at == from || value > 255)
            return 0;
        if (part < 3 && (at >= n || s[at++] != '.'))
            return 0;
    }
    bool more = at < n &&
                (mask_word(s + at, n - at) || (s[at] == '.' && at + 1 < n && digit(s[at + 1])));
    return more ? 0 : at;
}

/* IPv6 and MAC addresses: groups of hexadecimal digits with ':' (or '-', of a MAC) between. */
static size_t colons(const char *s, size_t n)
{
    size_t at = 0;
    int groups = 0;
    int pairs = 0;
    bool gap = false;
    while (at < n) {
        size_t from = at;
        while (at < n && hexadecimal(s[at]) && at - from < 5)
            at++;
        if (at - from > 4)
            return 0;
        groups += at > from;
        pairs += at - from == 2;
        if (at < n && s[at] == '.' && groups > 1) {
            size_t tail = ipv4(s + from, n - from);
            if (!tail)
                break;
            at = from + tail;
            groups++;
            break;
        }
        if (at + 1 < n && s[at] == ':' && s[at + 1] == ':') {
            if (gap)
                return 0;
            gap = true;
            at += 2;
        } else if (at + 1 < n && s[at] == ':' && hexadecimal(s[at + 1])) {
            at++;
        } else {
            break;
        }
    }
    if (at < n && mask_word(s + at, n - at))
        return 0;
    bool mac = !gap && groups == 6 && pairs == 6;
    bool six = (gap && groups > 0 && groups < 8) || groups == 8;
    return mac || six ? at : 0;
}

static size_t mac_dashes(const char *s, size_t n)
{
    if (n < 17 || (n > 17 && mask_word(s + 17, n - 17)))
        return 0;
    for (size_t i = 0; i < 17; i++)
        if (i % 3 == 2 ? s[i] != s[2] || (s[2] != '-' && s[2] != ':') : !hexadecimal(s[i]))
            return 0;
    return 17;
}

static bool one_of(const char *word, size_t len, const char *const *list)
{
    for (; *list; list++)
        if (strlen(*list) == len && strncasecmp(word, *list, len) == 0)
            return true;
    return false;
}

/* A host's name by its look: two labels when the last is a usual one, three and more unless it is a file. A name of three parts
 * (database.schema.table) may be taken for one: it comes back in the answer. */
static size_t domain(const char *s, size_t n)
{
    static const char *const ends[] = {
        "com",   "net",     "org", "io",   "dev",      "de",      "eu",          "uk",    "us",
        "fr",    "nl",      "ch",  "at",   "local",    "be",      "es",          "it",    "pl",
        "se",    "no",      "dk",  "fi",   "cz",       "ru",      "cn",          "jp",    "in",
        "br",    "au",      "ca",  "nz",   "internal", "lan",     "corp",        "home",  "arpa",
        "info",  "biz",     "gov", "edu",  "mil",      "example", "test",        "cloud", "app",
        "ai",    "co",      "tv",  "tech", "intranet", "local",   "localdomain", "svc",   "prod",
        "stage", "invalid", NULL};
    static const char *const files[] = {"conf", "sql", "log",  "json", "so",    "sh", "py",  "pid",
                                        "yml",  "md",  "html", "txt",  "csv",   "gz", "key", "crt",
                                        "pem",  "c",   "h",    "yaml", "jsonl", NULL};
    int labels;
    size_t last;
    size_t len = dotted(s, n, &labels, &last);
    if (labels < 2 || (len < n && (s[len] == '_' || s[len] == '$')))
        return 0;
    bool lettered = strcspn(s + last, "0123456789") >= len - last && len - last > 1;
    if (!lettered || one_of(s + last, len - last, files))
        return 0;
    return labels > 2 || one_of(s + last, len - last, ends) ? len : 0;
}

static size_t email(const char *s, size_t n, size_t *local)
{
    size_t at = 0;
    while (at < n) {
        size_t word = mask_word(s + at, n - at);
        if (!word && !(strchr(".%+-'", s[at]) && s[at] && at > 0))
            break;
        at += word ? word : 1;
    }
    if (at == 0 || at + 1 >= n || s[at] != '@')
        return 0;
    *local = at;
    int labels;
    size_t last;
    size_t host = dotted(s + at + 1, n - at - 1, &labels, &last);
    while (host && at + 1 + host < n && mask_word(s + at + 1 + host, 1))
        host++; /* underscores */
    return host ? at + 1 + host : 0;
}

static bool loopback(const char *s, size_t len)
{
    return mask_generic(s, len) || strncmp(s, "127.", 4) == 0;
}

static void put_host(struct mask *m, const char *s, size_t len, struct buf *out)
{
    bool address = ipv4(s, len) == len || colons(s, len) == len;
    if (loopback(s, len))
        buf_append(out, s, len);
    else if (mask_find(m, s, len))
        mask_put_word(m, s, len, out);
    else
        mask_put(m, address ? ALIAS_ADDRESS : ALIAS_HOST, s, len, out);
}

/* Behind "://": [user[:***]@]host[:port][,host…][/database]; the rest is prose again. */
static size_t authority(struct mask *m, const char *s, size_t n, bool postgres, struct buf *out)
{
    size_t end = 0;
    while (end < n && !strchr(" \n\"'<>?#(){}", s[end]) && (unsigned char)s[end] > 4)
        end++;
    const char *at = memrchr(s, '@', end);
    size_t i = 0;
    if (at) {
        size_t user = strcspn(s, ":@");
        if (user) {
            mask_know(m, ALIAS_USER, "");
            mask_put(m, ALIAS_USER, s, user, out);
        }
        buf_puts(out, s[user] == ':' ? ":***@" : "@");
        i = (size_t)(at - s) + 1;
    }
    while (i < end && s[i] != '/') {
        if (s[i] == '[') {
            size_t six = strcspn(s + i + 1, "]");
            buf_putc(out, '[');
            put_host(m, s + i + 1, i + 1 + six <= end ? six : end - i - 1, out);
            i = i + 1 + six <= end ? i + 1 + six : end;
            continue;
        }
        size_t host = i;
        while (host < end && !strchr("/:,]", s[host]))
            host++;
        if (host > i)
            put_host(m, s + i, host - i, out);
        for (i = host; i < end && s[i] != '/' && s[i] != '['; i++) {
            buf_putc(out, s[i]);
            if (s[i] == ',') {
                i++;
                break;
            }
        }
    }
    if (postgres && i + 1 < end && s[i] == '/') {
        buf_putc(out, '/');
        mask_put(m, ALIAS_DATABASE, s + i + 1, end - i - 1, out);
        i = end;
    }
    return i;
}

static size_t uri(struct mask *m, const char *s, size_t n, struct buf *out)
{
    size_t scheme = 0;
    while (scheme < n && scheme < 24 &&
           (digit(s[scheme]) || s[scheme] == '+' || s[scheme] == '-' ||
            ((s[scheme] | 32) >= 'a' && (s[scheme] | 32) <= 'z')))
        scheme++;
    if (!scheme || n - scheme < 4 || strncmp(s + scheme, "://", 3) != 0)
        return 0;
    buf_append(out, s, scheme + 3);
    bool postgres = strncasecmp(s, "postgres", 8) == 0;
    return scheme + 3 + authority(m, s + scheme + 3, n - scheme - 3, postgres, out);
}

/* Every word is asked, and hardly any is one: a place has one of these signs behind its first word. */
static bool may_be_place(const char *s, size_t n)
{
    size_t word = mask_word(s, n);
    return word < n && (word == 0 || (unsigned char)s[word] >= 0x80 || strchr(".:@-+%'", s[word]));
}

size_t mask_place(struct mask *m, const char *s, size_t n, size_t at, struct buf *out)
{
    const char *p = s + at;
    size_t left = n - at;
    size_t local = 0;
    if (!may_be_place(p, left))
        return 0;
    size_t len = uri(m, p, left, out);
    if (len)
        return len;
    if ((len = email(p, left, &local))) {
        bool domained = memchr(p + local, '.', len - local) != NULL;
        if (domained) {
            mask_put(m, ALIAS_EMAIL, p, len, out);
        } else {
            mask_put(m, ALIAS_USER, p, local, out);
            buf_putc(out, '@');
            mask_put(m, ALIAS_HOST, p + local + 1, len - local - 1, out);
        }
        return len;
    }
    if ((len = mac_dashes(p, left)) || (len = colons(p, left)) || (len = ipv4(p, left)) ||
        (len = domain(p, left)))
        put_host(m, p, len, out);
    return len;
}
