/* ask_cache.c - see ask_cache.h. */
#include "pgd/agent/ask_cache.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/sha256.h"

/* The text in pieces around the nonce; its NUL is part of it, so that no two texts run together. */
static void add(struct sha256 *s, const char *text, const char *nonce)
{
    size_t skip = strlen(nonce);
    const char *at;

    while (skip > 0 && (at = strstr(text, nonce))) {
        sha256_add(s, text, (size_t)(at - text));
        text = at + skip;
    }
    sha256_add(s, text, strlen(text) + 1);
}

void ask_cache_key(const struct partner *p, enum op op, const struct packet *packet,
                   const char *nonce, uint64_t key[4])
{
    struct sha256 s;

    sha256_begin(&s);
    add(&s, p->endpoint.model, "");
    add(&s, p->endpoint.base, "");
    add(&s, op_row(op)->name, "");
    add(&s, packet->system ? packet->system : "", nonce);
    add(&s, packet->user ? packet->user : "", nonce);
    add(&s, packet->schema ? packet->schema : "", "");
    sha256_end(&s, key);
}

const struct cached_answer *ask_cache_find(const struct partner *p, const uint64_t key[4],
                                           int64_t wall_us)
{
    const int64_t day_us = (int64_t)CACHE_HOURS * 3600 * 1000000;

    for (int i = 0; i < CACHE_MAX; i++) {
        const struct cached_answer *c = &p->cache[i];
        if (c->text && memcmp(c->key, key, sizeof c->key) == 0)
            return wall_us >= c->wall_us && wall_us - c->wall_us <= day_us ? c : NULL;
    }
    return NULL;
}

void ask_cache_put(struct partner *p, const uint64_t key[4], int64_t wall_us, const char *text,
                   size_t len)
{
    struct cached_answer *c = &p->cache[0];

    for (int i = 0; i < CACHE_MAX; i++) {
        struct cached_answer *at = &p->cache[i];
        if (at->text && memcmp(at->key, key, sizeof at->key) == 0) {
            c = at;
            break;
        }
        if (!at->text || (c->text && at->wall_us < c->wall_us))
            c = at;
    }
    free(c->text);
    memcpy(c->key, key, sizeof c->key);
    c->wall_us = wall_us;
    c->text = xstrndup(text, len);
    c->len = len;
}
