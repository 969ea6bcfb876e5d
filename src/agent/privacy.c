/* The aliases of a mask: given out in the order in which things are met, found by name in a hash table, put back by number.
 *
 * A word of the outside that looks like an alias gets one itself, so that putting back is never ambiguous. */
#include "pgd/agent/privacy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/agent/mask_parts.h"
#include "pgd/base/assets.h"
#include "pgd/base/text.h"
#include "pgd/tuning/knobs.h"

static const char *const prefixes[ALIAS_KINDS] = {
    [ALIAS_HOST] = "host",       [ALIAS_USER] = "user",  [ALIAS_DATABASE] = "database",
    [ALIAS_EMAIL] = "email",     [ALIAS_NAME] = "name",  [ALIAS_TABLE] = "table",
    [ALIAS_ADDRESS] = "address", [ALIAS_INDEX] = "index"};

const char *privacy_name(enum privacy p)
{
    static const char *const names[] = {"strict", "redacted", "full"};
    return p >= PRIVACY_STRICT && p <= PRIVACY_FULL ? names[p] : "";
}

static uint32_t hash_of(const char *s, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + ('a' - 'A'));
        h = (h ^ c) * 16777619u;
    }
    return h;
}

static bool same_word(const char *a, const char *b, size_t n)
{
    return strncasecmp(a, b, n) == 0 && a[n] == '\0';
}

/* ---- words that say nothing about anybody ---- */

static size_t word_slot(const struct mask *m, const char *word, size_t len)
{
    size_t i = hash_of(word, len) & (m->words_cap - 1);
    while (m->words[i] && !same_word(m->words[i], word, len))
        i = (i + 1) & (m->words_cap - 1);
    return i;
}

static void allow(struct mask *m, const char *word, size_t len)
{
    if (len == 0 || len > MASK_IDENT_MAX)
        return;
    if (2 * (m->nwords + 1) > m->words_cap) {
        char **old = m->words;
        size_t n = m->words_cap;
        m->words_cap = n ? 2 * n : 8192;
        m->words = xcalloc(m->words_cap, sizeof *m->words);
        for (size_t i = 0; i < n; i++)
            if (old[i])
                m->words[word_slot(m, old[i], strlen(old[i]))] = old[i];
        free(old);
    }
    size_t i = word_slot(m, word, len);
    if (m->words[i])
        return;
    m->words[i] = xstrndup(word, len);
    m->nwords++;
}

void mask_allow(struct mask *m, const char *word)
{
    allow(m, word, strlen(word));
}

bool mask_allowed(const struct mask *m, const char *word, size_t len)
{
    return m->words_cap && m->words[word_slot(m, word, len)];
}

struct mask *mask_new(enum privacy level)
{
    struct mask *m = xcalloc(1, sizeof *m);
    m->level = level;
    for (size_t i = 0; i < MASK_BUCKETS; i++)
        m->buckets[i] = -1;
    const struct asset *a = asset_find("privacy/words.txt");
    if (!a)
        die("assets/privacy/words.txt is missing");
    const char *text = (const char *)a->data;
    while (*text) {
        size_t n = strcspn(text, " \n");
        allow(m, text, n);
        text += n + (text[n] != '\0');
    }
    const struct knob *k;
    for (int i = 0; (k = knob_at(i)); i++)
        mask_allow(m, k->name);
    return m;
}

void mask_free(struct mask *m)
{
    if (!m)
        return;
    for (int i = 0; i < m->n; i++)
        free(m->items[i].name);
    for (size_t i = 0; i < m->words_cap; i++)
        free(m->words[i]);
    free(m->words);
    mask_forget(m);
    free(m->items);
    free(m);
}

enum privacy mask_level(const struct mask *m)
{
    return m->level;
}

void mask_set_level(struct mask *m, enum privacy level)
{
    m->level = level;
}

int mask_known(const struct mask *m)
{
    return m->nknown;
}

/* ---- words ---- */

static inline bool ascii_letter(unsigned char c)
{
    unsigned char lower = c | 0x20;
    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

static bool letter(uint32_t rune)
{
    if (rune < 0x80)
        return ascii_letter((unsigned char)rune);
    if (rune < 0xc0 || rune == 0xd7 || rune == 0xf7)
        return rune == 0xaa || rune == 0xb5 || rune == 0xba;
    /* punctuation, arrows, mathematics, boxes */
    return !(rune >= 0x2000 && rune <= 0x2bff) && !(rune >= 0x3000 && rune <= 0x303f);
}

size_t mask_word(const char *s, size_t n)
{
    size_t i = 0;
    while (i < n) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x80) { /* by far the most */
            if (!ascii_letter(c) && !(i > 0 && c == '$'))
                break;
            i++;
            continue;
        }
        uint32_t rune;
        size_t used = text_decode(s + i, n - i, &rune);
        if (!letter(rune))
            break;
        i += used;
    }
    return i;
}

bool mask_is_word_before(const char *s, size_t at)
{
    if (at == 0)
        return false;
    size_t from = at - 1;
    if ((unsigned char)s[from] < 0x80)
        return ascii_letter((unsigned char)s[from]) || s[from] == '$';
    while (from > 0 && at - from < 4 && ((unsigned char)s[from] & 0xc0u) == 0x80)
        from--;
    uint32_t rune;
    size_t used = text_decode(s + from, at - from, &rune);
    return used == at - from && letter(rune);
}

static const char *plain_form(uint32_t rune, char mark[2])
{
    mark[1] = '\0';
    switch (rune) {
    case 0x2018:
    case 0x201a:
    case 0x2039:
        mark[0] = MARK_OPEN;
        return mark;
    case 0x2019:
    case 0x203a:
        mark[0] = MARK_CLOSE;
        return mark;
    case 0x201c:
    case 0x201d:
    case 0x201e:
    case 0xab:
    case 0xbb:
        mark[0] = MARK_DOUBLE;
        return mark;
    case 0x2010:
    case 0x2011:
    case 0x2012:
    case 0x2013:
    case 0x2014:
    case 0x2212:
        return "-";
    case 0x2026:
        return "...";
    case 0xa0:
    case 0x202f:
    case 0x2009:
        return " ";
    default:
        return NULL;
    }
}

void mask_clean(const char *text, bool quotes, struct buf *out)
{
    size_t n = strnlen(text, MASK_TEXT_MAX);
    for (size_t i = 0; i < n;) {
        size_t plain = i;
        while (plain < n && (text[plain] == '\n' || (text[plain] >= 0x20 && text[plain] < 0x7f)))
            plain++;
        buf_append(out, text + i, plain - i);
        i = plain;
        if (i == n)
            break;
        uint32_t rune;
        size_t used = text_decode(text + i, n - i, &rune);
        char bytes[4];
        char mark[2];
        i += used;
        if (rune == '\t')
            buf_putc(out, ' ');
        else if (!text_rune_safe(rune))
            continue;
        else if (quotes && plain_form(rune, mark))
            buf_puts(out, plain_form(rune, mark));
        else
            buf_append(out, bytes, text_encode(rune, bytes));
    }
}

/* ---- aliases ---- */

bool mask_private(enum alias_kind k)
{
    return k != ALIAS_NAME && k != ALIAS_TABLE && k != ALIAS_INDEX;
}

bool mask_generic(const char *word, size_t len)
{
    static const char *const words[] = {"postgres",  "postgresql", "localhost",          "public",
                                        "template0", "template1",  "pg_catalog",         "root",
                                        "pg_toast",  "127.0.0.1",  "information_schema", "::1",
                                        "0.0.0.0",   "local",      "pg_diagnose"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (same_word(words[i], word, len))
            return true;
    return false;
}

/* Digits after one of the prefixes, whatever the case; the number, 0 = none. */
static int alias_number(const char *word, size_t len, enum alias_kind *kind)
{
    if (len == 0 || word[len - 1] < '0' || word[len - 1] > '9')
        return 0;
    for (int k = 0; k < ALIAS_KINDS; k++) {
        size_t p = strlen(prefixes[k]);
        if ((word[0] | 0x20) != prefixes[k][0] || len <= p || len > p + 6 ||
            strncasecmp(word, prefixes[k], p) != 0 || word[p] == '0')
            continue;
        int number = 0;
        size_t i = p;
        while (i < len && word[i] >= '0' && word[i] <= '9')
            number = number * 10 + (word[i++] - '0');
        if (i < len)
            continue;
        *kind = (enum alias_kind)k;
        return number;
    }
    return 0;
}

bool mask_looks_alias(const char *word, size_t len)
{
    enum alias_kind kind;
    return alias_number(word, len, &kind) > 0;
}

/* kind ALIAS_KINDS: of any. The same spelling is preferred. */
static int find_name(const struct mask *m, enum alias_kind kind, const char *name, size_t len)
{
    int other = -1;
    for (int i = m->buckets[hash_of(name, len) % MASK_BUCKETS]; i >= 0; i = m->items[i].next) {
        const struct alias *a = &m->items[i];
        if ((kind != ALIAS_KINDS && a->kind != kind) || !same_word(a->name, name, len))
            continue;
        if (strncmp(a->name, name, len) == 0)
            return i;
        other = i;
    }
    return kind == ALIAS_KINDS ? other : -1;
}

/* Its place in items; -1 when there is no room. */
static int give_out(struct mask *m, enum alias_kind kind, const char *name, size_t len)
{
    int at = find_name(m, kind, name, len);
    if (at >= 0 || m->n == MASK_ALIASES_MAX || len == 0)
        return at;
    uint32_t bucket = hash_of(name, len) % MASK_BUCKETS;
    m->items = xgrow(m->items, &m->cap, (size_t)m->n + 1, sizeof *m->items);
    at = m->n++;
    m->items[at] = (struct alias){.kind = kind,
                                  .number = ++m->count[kind],
                                  .name = xstrndup(name, len),
                                  .next = m->buckets[bucket]};
    m->buckets[bucket] = at;
    m->by_number[kind][m->items[at].number] = (uint16_t)(at + 1);
    return at;
}

static void put_alias(const struct alias *a, struct buf *out)
{
    buf_printf(out, "%s%d", prefixes[a->kind], a->number);
}

void mask_put(struct mask *m, enum alias_kind kind, const char *name, size_t len, struct buf *out)
{
    int at = give_out(m, kind, name, len);
    if (at >= 0)
        put_alias(&m->items[at], out);
    else
        buf_printf(out, "%s0", prefixes[kind]); /* no room: it cannot be put back */
}

const struct alias *mask_find(const struct mask *m, const char *word, size_t len)
{
    int best = -1;
    for (int i = m->buckets[hash_of(word, len) % MASK_BUCKETS]; i >= 0; i = m->items[i].next) {
        const struct alias *a = &m->items[i];
        if (!a->everywhere || !same_word(a->name, word, len))
            continue;
        /* Who is private counts before who is not, then the oldest. */
        if (best < 0 || mask_private(a->kind) >= mask_private(m->items[best].kind))
            best = i;
    }
    return best >= 0 ? &m->items[best] : NULL;
}

static void know(struct mask *m, enum alias_kind kind, const char *name, size_t len)
{
    if (len == 0 || len > MASK_NAME_MAX)
        return;
    int at = give_out(m, kind, name, len);
    if (at < 0 || m->items[at].everywhere || len < 2 || mask_generic(name, len))
        return;
    m->items[at].everywhere = true;
    m->nknown++;
    if (mask_word(name, len) != len && m->nodd < MASK_ODD_MAX)
        m->odd[m->nodd++] = at;
}

void mask_know(struct mask *m, enum alias_kind kind, const char *name)
{
    struct buf clean = {0};
    mask_clean(name, false, &clean);
    know(m, kind, buf_text(&clean), clean.len);
    /* A host is also called by its first label. */
    size_t label = strcspn(buf_text(&clean), ".");
    const char *s = buf_text(&clean);
    bool lettered = strspn(s, "0123456789") < label && !strchr(s, ':') && *s != '/';
    if (kind == ALIAS_HOST && label > 2 && label < clean.len && lettered)
        know(m, kind, s, label);
    buf_clear(&clean);
}

const struct alias *mask_odd_at(const struct mask *m, const char *s, size_t n)
{
    for (int i = 0; i < m->nodd; i++) {
        const struct alias *a = &m->items[m->odd[i]];
        size_t len = strlen(a->name);
        if ((m->level == PRIVACY_STRICT || mask_private(a->kind)) && len <= n &&
            strncasecmp(s, a->name, len) == 0 && mask_word(s + len, n - len) == 0)
            return a;
    }
    return NULL;
}

void mask_put_word(struct mask *m, const char *word, size_t len, struct buf *out)
{
    const struct alias *a = mask_find(m, word, len);
    bool strict = m->level == PRIVACY_STRICT;
    if (m->level == PRIVACY_FULL || (a && knob_find(a->name)))
        buf_append(out, word, len);
    else if (a && (strict || mask_private(a->kind)))
        put_alias(a, out);
    else if (mask_looks_alias(word, len))
        mask_put(m, ALIAS_NAME, word, len, out);
    else if (!strict || len == 1 || mask_allowed(m, word, len) || mask_generic(word, len))
        buf_append(out, word, len);
    else
        mask_put(m, ALIAS_NAME, word, len, out);
}

/* Holds something that no name should: a key, an address, an e-mail. */
static bool speaks(struct mask *m, const char *name, size_t len)
{
    struct buf out = {0};
    mask_secrets(m, name, &out);
    bool found = strcmp(buf_text(&out), name) != 0;
    for (size_t i = 0; i < len && !found; i++)
        if (!mask_is_word_before(name, i))
            found = mask_odd_at(m, name + i, len - i) || mask_place(m, name, len, i, &out) > 0;
    buf_clear(&out);
    return found;
}

void mask_ident(struct mask *m, enum alias_kind kind, const char *name, struct buf *out)
{
    struct buf clean = {0};
    mask_clean(name, false, &clean);
    size_t most = kind == ALIAS_HOST || kind == ALIAS_ADDRESS ? MASK_NAME_MAX : MASK_IDENT_MAX;
    size_t len = clean.len;
    while (len > most || (len && ((unsigned char)buf_text(&clean)[len] & 0xc0u) == 0x80))
        len--;
    if (len < clean.len)
        clean.data[len] = '\0';
    const char *s = buf_text(&clean);
    const struct alias *a = mask_find(m, s, len);
    if (m->level == PRIVACY_FULL)
        mask_secrets(m, s, out);
    else if (mask_private(kind))
        mask_put(m, kind, s, len, out);
    else if (a && mask_private(a->kind))
        put_alias(a, out);
    else if (m->level == PRIVACY_STRICT ? !mask_generic(s, len)
                                        : mask_looks_alias(s, len) || speaks(m, s, len))
        mask_put(m, m->level == PRIVACY_STRICT ? kind : ALIAS_NAME, s, len, out);
    else
        buf_append(out, s, len);
    buf_clear(&clean);
}

void mask_reverse(const struct mask *m, const char *text, struct buf *out)
{
    size_t n = strlen(text);
    size_t done = 0; /* what is behind here is not appended yet */
    for (size_t i = 0; i < n;) {
        size_t len = mask_word(text + i, n - i);
        enum alias_kind kind;
        int number = alias_number(text + i, len, &kind);
        int at = number > 0 && number <= MASK_ALIASES_MAX ? m->by_number[kind][number] : 0;
        if (at) {
            buf_append(out, text + done, i - done);
            buf_puts(out, m->items[at - 1].name);
            done = i + len;
        }
        i += len ? len : 1;
    }
    buf_append(out, text + done, n - done);
}
