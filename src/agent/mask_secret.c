/* Keys, passwords and tokens: known by what they begin with, by the word that stands before them, or by where they stand in a URI.
 *
 * They become *** at every level. It is better to blot out a word too many than one too few, and a secret that looks like nothing
 * known (or was typed without a word before it) is only found when the program knows it itself (secret_redact()). */
#include <string.h>
#include <strings.h>

#include "pgd/agent/mask_parts.h"
#include "pgd/base/text.h"

#define KEY_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

struct key_form {
    const char *prefix;
    size_t least;     /* bytes behind the prefix */
    bool anywhere;    /* also within a word: the prefix is unlikely enough */
    const char *more; /* further bytes of the tail */
};

static const struct key_form key_forms[] = {
    {"AIza", 10, true, ""},
    {"AQ.", 8, false, "."},
    {"sk-", 8, false, ""},
    {"sk_live_", 6, true, ""},
    {"sk_test_", 6, true, ""},
    {"rk_live_", 6, true, ""},
    {"ghp_", 10, true, ""},
    {"gho_", 10, true, ""},
    {"ghu_", 10, true, ""},
    {"ghs_", 10, true, ""},
    {"ghr_", 10, true, ""},
    {"github_pat_", 10, true, ""},
    {"glpat-", 8, true, ""},
    {"xoxb-", 8, true, ""},
    {"xoxp-", 8, true, ""},
    {"xoxa-", 8, true, ""},
    {"AKIA", 12, false, ""},
    {"ASIA", 12, false, ""},
    {"eyJ", 16, false, "."},
    {"hf_", 16, false, ""},
    {"npm_", 16, false, ""},
    {"ya29.", 8, false, "."},
    {"SG.", 16, false, "."},
    {"pypi-", 16, false, ""},
    {"SCRAM-SHA-256$", 8, true, "$:+/="},
    {"dop_v1_", 16, false, ""},
    {"hvs.", 8, false, "."},
};

/* Does any key begin so? Every byte of every text is asked this. */
static bool key_begins(char c)
{
    switch (c) {
    case 'A':
    case 'S':
    case 'd':
    case 'e':
    case 'g':
    case 'h':
    case 'm':
    case 'n':
    case 'p':
    case 'r':
    case 's':
    case 'x':
    case 'y':
        return true;
    default:
        return false;
    }
}

static size_t key_at(const char *s, size_t n, size_t at)
{
    if (!key_begins(s[at]))
        return 0;
    for (size_t f = 0; f < ARRAY_LEN(key_forms); f++) {
        const struct key_form *k = &key_forms[f];
        if (k->prefix[0] != s[at] || k->prefix[1] != s[at + 1])
            continue;
        size_t p = strlen(k->prefix);
        if (n - at < p + k->least || memcmp(s + at, k->prefix, p) != 0 ||
            (!k->anywhere && mask_is_word_before(s, at)))
            continue;
        size_t end = at + p;
        while (end < n && (strchr(KEY_BYTES, s[end]) || strchr(k->more, s[end])) && s[end])
            end++;
        if (end - at - p >= k->least)
            return end - at;
    }
    /* "md5" and 32 hexadecimal digits: a role's verifier */
    if (n - at >= 35 && strncmp(s + at, "md5", 3) == 0 && !mask_is_word_before(s, at) &&
        strspn(s + at + 3, "0123456789abcdef") == 32)
        return 35;
    return 0;
}

/* -----BEGIN …-----END …-----; without its end all of the rest. */
static size_t pem_at(const char *s, size_t n, size_t at)
{
    if (n - at < 11 || strncmp(s + at, "-----BEGIN ", 11) != 0)
        return 0;
    const char *end = strstr(s + at, "-----END ");
    const char *close = end ? strstr(end + 9, "-----") : NULL;
    return close ? (size_t)(close + 5 - s) - at : n - at;
}

/* A letter, whatever its case; some that are no letters pass. */
static bool maybe_same(char a, char b)
{
    return ((a ^ b) & ~0x20) == 0;
}

static bool ends_with(const char *s, size_t n, const char *tail)
{
    size_t t = strlen(tail);
    return n >= t && maybe_same(s[n - 1], tail[t - 1]) && maybe_same(s[n - t], *tail) &&
           strncasecmp(s + n - t, tail, t) == 0;
}

/* A word after which a secret may stand. */
static bool secret_word(const char *s, size_t n)
{
    static const char *const tails[] = {"password",      "passwd",     "passphrase",  "pwd",
                                        "secret",        "token",      "apikey",      "api_key",
                                        "accesskey",     "access_key", "private_key", "pgpass",
                                        "secret_key",    "credential", "api-key",     "credentials",
                                        "authorization", "passwort",   "kennwort"};
    if (n < 3 || !strchr("delnstyDELNSTY", s[n - 1]))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(tails); i++)
        if (ends_with(s, n, tails[i]))
            return true;
    return n == 4 && strncasecmp(s, "pass", 4) == 0;
}

/* The end of a value that is quoted by the byte at s[at]; the quote itself is not in it. Doubled quotes and backslashes belong
 * to it. */
static size_t quoted(const char *s, size_t n, size_t at)
{
    char quote = s[at++];
    while (at < n) {
        if (s[at] == '\\' && at + 1 < n)
            at += 2;
        else if (s[at] != quote)
            at++;
        else if (at + 1 < n && s[at + 1] == quote)
            at += 2;
        else
            break;
    }
    return at;
}

/* $tag$…$tag$ that begins at s[at]: where it ends; at = it is none. */
static size_t dollars(const char *s, size_t n, size_t at)
{
    size_t tag = at + 1;
    while (tag < n && s[tag] != '$' && mask_word(s + tag, 1))
        tag++;
    if (tag >= n || s[tag] != '$')
        return at;
    size_t len = tag + 1 - at;
    const char *end = memmem(s + tag + 1, n - tag - 1, s + at, len);
    return end ? (size_t)(end - s) + len : n;
}

static size_t blanks(const char *s, size_t n, size_t at)
{
    while (at < n && (s[at] == ' ' || s[at] == '\n'))
        at++;
    return at;
}

/* Behind the word: where its value begins and what sort of sign led there ('=' , ':', ' ' or 0 = no value). */
static size_t value_at(const char *s, size_t n, size_t at, char *sign)
{
    *sign = 0;
    size_t p = at;
    if (p < n && (s[p] == '"' || s[p] == '\''))
        p++;
    size_t q = blanks(s, n, p);
    if (q < n && (s[q] == '=' || s[q] == ':')) {
        *sign = s[q++];
        if (q < n && (s[q] == '>' || s[q] == '='))
            q++;
        return blanks(s, n, q);
    }
    if (q == p)
        return at;
    for (size_t i = 0; i < 4; i++) {
        static const char *const verbs[] = {"is ", "was ", "to ", "ist "};
        size_t v = strlen(verbs[i]);
        if (n - q > v && strncasecmp(s + q, verbs[i], v) == 0) {
            *sign = 'i';
            return blanks(s, n, q + v);
        }
    }
    if (q < n && (s[q] == '\'' || s[q] == '$' || ((s[q] | 32) == 'e' && s[q + 1] == '\'')))
        *sign = ' ';
    return q;
}

/* The secret behind a word that ends at `at`: from, and the bytes of it; 0 = none. */
static size_t assigned_at(const struct mask *m, const char *s, size_t n, size_t at, size_t *from)
{
    char sign;
    size_t p = value_at(s, n, at, &sign);
    if (!sign || p >= n)
        return 0;
    if ((s[p] | 32) == 'e' && p + 1 < n && s[p + 1] == '\'')
        p++;
    for (size_t i = 0; i < 2; i++) {
        static const char *const schemes[] = {"Bearer ", "Basic "};
        size_t len = strlen(schemes[i]);
        if (n - p > len && strncasecmp(s + p, schemes[i], len) == 0)
            p += len;
    }
    *from = p;
    if (s[p] == '\'' || s[p] == '"') {
        *from = p + 1;
        return quoted(s, n, p) - p - 1;
    }
    if (s[p] == '$' && dollars(s, n, p) > p)
        return dollars(s, n, p) - p;
    size_t end = p;
    while (end < n && !strchr(sign == '=' ? " \n&'\"" : " \n,;'\"}", s[end]))
        end += s[end] == '\\' && end + 1 < n ? 2 : 1;
    end = end > n ? n : end;
    /* "the password is wrong", "tokens: 412", "password: not given" say nothing. */
    size_t word = mask_word(s + p, end - p);
    if (sign != '=' && word && mask_allowed(m, s + p, word))
        return 0;
    return end - p;
}

/* scheme://user:password@…: from, and the bytes of the password; 0 = none. s[at] is the first byte behind "://". The last @ counts,
 * whatever the password holds. */
static size_t uri_at(const char *s, size_t n, size_t at, size_t *from)
{
    size_t end = at + strcspn(s + at, " \n\"'<>?#");
    end = end > n ? n : end;
    const char *last = memrchr(s + at, '@', end - at);
    const char *colon = last ? memchr(s + at, ':', (size_t)(last - s) - at) : NULL;
    if (!colon)
        return 0;
    *from = (size_t)(colon + 1 - s);
    return (size_t)(last - colon) - 1;
}

/* The secret at s[i], or behind the word that begins there: from, and the bytes of it; 0 = none. */
static size_t secret_at(const struct mask *m, const char *s, size_t n, size_t i, size_t *from)
{
    *from = i;
    size_t len = s[i] == '-' ? pem_at(s, n, i) : key_at(s, n, i);
    if (len)
        return len;
    if (s[i] == ':')
        return strncmp(s + i, "://", 3) == 0 ? uri_at(s, n, i + 3, from) : 0;
    size_t word = mask_is_word_before(s, i) ? 0 : mask_word(s + i, n - i);
    if (word && n - i > word + 4 && strncasecmp(s + i + word, "-key", 4) == 0)
        word += 4;
    if (!secret_word(s + i, word) || text_eq_nocase(s + i, "password_encryption"))
        return 0;
    return assigned_at(m, s, n, i + word, from);
}

void mask_secrets(const struct mask *m, const char *text, struct buf *out)
{
    const char *s = text;
    size_t n = strlen(s);
    size_t done = 0; /* what is behind here is not appended yet */
    for (size_t i = 0; i < n; i++) {
        size_t from;
        size_t len = secret_at(m, s, n, i, &from);
        if (!len)
            continue;
        buf_append(out, s + done, from - done);
        buf_puts(out, "***");
        done = from + len;
        i = done - 1;
    }
    buf_append(out, s + done, n - done);
}
