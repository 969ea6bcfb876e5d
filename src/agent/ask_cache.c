/* ask_cache.c - see ask_cache.h. */
#include "pgd/agent/ask_cache.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/secret.h"
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

static bool fresh(int64_t at_us, int64_t wall_us)
{
    return wall_us >= at_us && wall_us - at_us <= (int64_t)CACHE_HOURS * 3600 * 1000000;
}

const struct cached_answer *ask_cache_find(const struct partner *p, const uint64_t key[4],
                                           int64_t wall_us)
{
    for (int i = 0; i < CACHE_MAX; i++) {
        const struct cached_answer *c = &p->cache[i];
        if (c->text && memcmp(c->key, key, sizeof c->key) == 0)
            return fresh(c->wall_us, wall_us) ? c : NULL;
    }
    return NULL;
}

static struct cached_answer *put(struct partner *p, const uint64_t key[4], int64_t wall_us,
                                 const char *text, size_t len)
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
    return c;
}

/* ---- the file ---- */

static bool secret(const char *text, size_t len)
{
    char *copy = xstrndup(text, len);

    secret_redact(copy);
    bool differs = strncmp(copy, text, len) != 0 || copy[len] != '\0';
    free(copy);
    return differs;
}

bool ask_cache_put(struct partner *p, const uint64_t key[4], int64_t wall_us, const char *text,
                   size_t len)
{
    struct cached_answer *c = put(p, key, wall_us, text, len);

    c->memory_only = p->privacy == PRIVACY_FULL || len > CACHE_TEXT_MAX || secret(text, len);
    return !c->memory_only;
}

static void put_line(const struct cached_answer *c, struct buf *out)
{
    char key[65];
    json_t *j = json_object();

    for (int i = 0; i < 4; i++)
        snprintf(key + 16 * i, sizeof key - (size_t)(16 * i), "%016" PRIx64, c->key[i]);
    json_object_set_new(j, "key", json_string(key));
    json_object_set_new(j, "at_us", json_integer(c->wall_us));
    json_object_set_new(j, "text", json_stringn(c->text, c->len));
    char *line = json_object_get(j, "text") ? json_dumps(j, JSON_COMPACT) : NULL;
    if (line) {
        buf_puts(out, line);
        buf_putc(out, '\n');
    }
    free(line);
    json_decref(j);
}

void ask_cache_line(const struct partner *p, const uint64_t key[4], struct buf *out)
{
    for (int i = 0; i < CACHE_MAX; i++) {
        const struct cached_answer *c = &p->cache[i];
        if (c->text && !c->memory_only && memcmp(c->key, key, sizeof c->key) == 0)
            put_line(c, out);
    }
}

void ask_cache_file(const struct partner *p, int64_t wall_us, struct buf *out)
{
    for (int i = 0; i < CACHE_MAX; i++) {
        const struct cached_answer *c = &p->cache[i];
        if (c->text && !c->memory_only && fresh(c->wall_us, wall_us))
            put_line(c, out);
    }
}

static bool read_key(const char *hex, uint64_t key[4])
{
    if (!hex || strlen(hex) != 64 || strspn(hex, "0123456789abcdef") != 64)
        return false;
    for (int i = 0; i < 4; i++) {
        char part[17];
        memcpy(part, hex + 16 * i, 16);
        part[16] = '\0';
        key[i] = strtoull(part, NULL, 16);
    }
    return true;
}

int ask_cache_read(struct partner *p, const char *text, size_t len, int64_t wall_us, int *old)
{
    int bad = 0;

    *old = 0;
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end ? (size_t)(end - text) - at : len - at;
        json_t *j = json_loadb(text + at, line, JSON_REJECT_DUPLICATES, NULL);
        const json_t *said = json_object_get(j, "text");
        int64_t at_us = json_integer_value(json_object_get(j, "at_us"));
        uint64_t key[4];
        if (!read_key(json_string_value(json_object_get(j, "key")), key) || !json_is_string(said) ||
            json_string_length(said) > CACHE_TEXT_MAX)
            bad++;
        else if (!fresh(at_us, wall_us))
            (*old)++;
        else if (!ask_cache_find(p, key, wall_us))
            put(p, key, at_us, json_string_value(said), json_string_length(said))->memory_only =
                false;
        json_decref(j);
        at += line + 1;
    }
    return bad;
}
