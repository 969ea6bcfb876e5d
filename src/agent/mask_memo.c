/* What a mask has made of texts. Most of a packet is the same in every request of a session, and masking it is what takes the time.
 *
 * An entry holds as long as nothing is known that was not known then: a name, a word, a secret, another level empties the table. */
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/mask_parts.h"
#include "pgd/base/secret.h"

enum { SLOTS = 8192, SLOTS_USED = SLOTS / 2, BYTES_MOST = 4 * 1024 * 1024 };

struct memo_entry {
    uint64_t hash;
    int kind;
    size_t len;
    char *text;   /* owned; NULL = an empty slot */
    char *masked; /* owned */
};

struct memo {
    enum privacy level;
    int nknown, nodd;
    size_t nwords;
    secret_id newest;
    int n;
    size_t bytes;
    struct memo_entry slots[SLOTS];
};

static void empty(struct memo *t)
{
    for (int i = 0; i < SLOTS && t->n > 0; i++) {
        if (!t->slots[i].text)
            continue;
        free(t->slots[i].text);
        free(t->slots[i].masked);
        t->slots[i].text = NULL;
        t->n--;
    }
    t->bytes = 0;
}

static bool holds(const struct memo *t, const struct mask *m)
{
    return t->level == m->level && t->nknown == m->nknown && t->nodd == m->nodd &&
           t->nwords == m->nwords && t->newest == secret_newest();
}

/* The table, as far as it still holds. */
static struct memo *valid(struct mask *m)
{
    struct memo *t = m->memo;

    if (!t)
        t = m->memo = xcalloc(1, sizeof *t);
    if (holds(t, m))
        return t;
    empty(t);
    t->level = m->level;
    t->nknown = m->nknown;
    t->nodd = m->nodd;
    t->nwords = m->nwords;
    t->newest = secret_newest();
    return t;
}

/* FNV-1a by words of eight bytes, whose upper half is folded in: texts are long, and most of a packet is looked up here. */
static uint64_t hash_of(int kind, const char *text, size_t len)
{
    uint64_t h = (UINT64_C(14695981039346656037) ^ (uint64_t)kind) + len;
    size_t at = 0;

    for (; at + 8 <= len; at += 8) {
        uint64_t word;
        memcpy(&word, text + at, 8);
        h = (h ^ word) * UINT64_C(1099511628211);
        h ^= h >> 32;
    }
    for (; at < len; at++)
        h = (h ^ (unsigned char)text[at]) * UINT64_C(1099511628211);
    return h ^ h >> 32;
}

static struct memo_entry *slot_of(struct memo *t, uint64_t hash, int kind, const char *text,
                                  size_t len)
{
    size_t i = (size_t)hash % SLOTS;

    while (t->slots[i].text) {
        const struct memo_entry *e = &t->slots[i];
        if (e->hash == hash && e->kind == kind && e->len == len && memcmp(e->text, text, len) == 0)
            break;
        i = (i + 1) % SLOTS;
    }
    return &t->slots[i];
}

const char *mask_remembered(struct mask *m, int kind, const char *text)
{
    struct memo *t = valid(m);
    size_t len = strlen(text);
    const struct memo_entry *e = slot_of(t, hash_of(kind, text, len), kind, text, len);

    return e->text ? e->masked : NULL;
}

void mask_remember(struct mask *m, int kind, const char *text, const char *masked)
{
    struct memo *t = m->memo;
    size_t len = strlen(text), bytes = len + strlen(masked) + 2;

    /* What was learnt from this text may stand earlier in it, unmasked. */
    if (!t || !holds(t, m) || bytes > BYTES_MOST / 8)
        return;
    if (t->n >= SLOTS_USED || t->bytes + bytes > BYTES_MOST)
        empty(t);
    uint64_t hash = hash_of(kind, text, len);
    struct memo_entry *e = slot_of(t, hash, kind, text, len);
    if (e->text)
        return;
    *e = (struct memo_entry){
        .hash = hash, .kind = kind, .len = len, .text = xstrdup(text), .masked = xstrdup(masked)};
    t->n++;
    t->bytes += bytes;
}

void mask_forget(struct mask *m)
{
    if (m->memo)
        empty(m->memo);
    free(m->memo);
    m->memo = NULL;
}
