/* The table of secrets. Each lives in pages of its own that are locked in memory and left out of
 * core dumps where the system allows it. Handles are never used twice, so a late one cannot
 * reach another secret. A mutex guards the table, because worker threads log and every log line
 * is redacted. */
#include "pgd/base/secret.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pgd/base/mem.h"

/* Shorter ones are not searched for: they would blot out unrelated text, and so tell themselves. */
#define SHORTEST_SOUGHT 3

struct slot {
    secret_id id;
    char *text; /* owned mapping of len + 1 bytes */
    size_t len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot *slots;
static size_t count, cap;
static secret_id last_id;

secret_id secret_put(const char *text, size_t len)
{
    char *copy = mmap(NULL, len + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        die("out of memory (%zu bytes)", len + 1);
    /* Both may be refused by a limit; the secret is wiped all the same. */
    (void)mlock(copy, len + 1);
    (void)madvise(copy, len + 1, MADV_DONTDUMP);
    if (len)
        memcpy(copy, text, len);
    pthread_mutex_lock(&lock);
    if (last_id == 0)
        atexit(secret_wipe_all);
    slots = xgrow(slots, &cap, count + 1, sizeof *slots);
    secret_id id = ++last_id;
    slots[count++] = (struct slot){.id = id, .text = copy, .len = len};
    pthread_mutex_unlock(&lock);
    return id;
}

secret_id secret_newest(void)
{
    pthread_mutex_lock(&lock);
    secret_id id = last_id;
    pthread_mutex_unlock(&lock);
    return id;
}

static void wipe(struct slot *s)
{
    explicit_bzero(s->text, s->len);
    munmap(s->text, s->len + 1);
}

const char *secret_get(secret_id id)
{
    const char *found = "";
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++)
        if (slots[i].id == id)
            found = slots[i].text;
    pthread_mutex_unlock(&lock);
    return found;
}

void secret_release(secret_id id)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++) {
        if (slots[i].id == id) {
            wipe(&slots[i]);
            slots[i] = slots[--count];
            break;
        }
    }
    pthread_mutex_unlock(&lock);
}

void secret_wipe_all(void)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++)
        wipe(&slots[i]);
    free(slots);
    slots = NULL;
    count = 0;
    cap = 0;
    pthread_mutex_unlock(&lock);
}

/* The searches below only mark, so that one secret inside another hides neither's rest. */

static void mark_known(const char *text, size_t len, char *mask)
{
    pthread_mutex_lock(&lock);
    for (size_t i = 0; i < count; i++) {
        const struct slot *s = &slots[i];
        if (s->len < SHORTEST_SOUGHT)
            continue;
        const char *p = text;
        while ((p = memmem(p, len - (size_t)(p - text), s->text, s->len))) {
            memset(mask + (p - text), 1, s->len);
            p++;
        }
    }
    pthread_mutex_unlock(&lock);
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The end of a quoted value that starts at p[0]; a backslash escapes, a doubled quote stands for
 * itself. */
static const char *quoted_end(const char *p)
{
    char quote = *p++;
    while (*p) {
        if (*p == '\\' && p[1])
            p += 2;
        else if (*p != quote)
            p++;
        else if (p[1] == quote)
            p += 2;
        else
            break;
    }
    return p;
}

/* After the word "password": where its value begins, or NULL. Takes password=x, password = 'x',
 * "password": "x" and the PASSWORD 'x' of SQL. */
static const char *value_start(const char *p)
{
    if (*p == '"' || *p == '\'')
        p++;
    bool gap = blank(*p);
    while (blank(*p))
        p++;
    char sign = *p;
    if (sign == '=' || sign == ':') {
        p++;
        while (blank(*p))
            p++;
    }
    if ((*p == 'E' || *p == 'e') && p[1] == '\'')
        p++;
    bool quote = *p == '\'' || *p == '"';
    if (sign == '=')
        return p;
    if (sign == ':')
        return quote ? p : NULL;
    return gap && *p == '\'' ? p : NULL;
}

static void mark_assigned(const char *text, char *mask)
{
    static const char *const words[] = {"password", "passwd"};
    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        for (const char *hit = text; (hit = strcasestr(hit, words[w]));) {
            bool in_uri = hit > text && (hit[-1] == '?' || hit[-1] == '&');
            hit += strlen(words[w]);
            const char *p = value_start(hit);
            if (!p)
                continue;
            const char *end = p;
            if (*p == '\'' || *p == '"')
                end = quoted_end(p++);
            else
                while (*end && !blank(*end) && !strchr(in_uri ? "&'\"" : "'\"", *end))
                    end += *end == '\\' && end[1] ? 2 : 1;
            if (end > p)
                memset(mask + (p - text), 1, (size_t)(end - p));
            hit = end;
        }
    }
}

/* The password of scheme://user:password@host. */
static void mark_uri(const char *text, char *mask)
{
    for (const char *p = text; (p = strstr(p, "://"));) {
        p += 3;
        const char *end = p + strcspn(p, "/?# \t\r\n\"'<>");
        const char *at = memrchr(p, '@', (size_t)(end - p));
        const char *colon = at ? memchr(p, ':', (size_t)(at - p)) : NULL;
        if (colon)
            memset(mask + (colon + 1 - text), 1, (size_t)(at - colon - 1));
        p = end;
    }
}

void secret_redact(char *text)
{
    size_t len = strlen(text);
    char *mask = xcalloc(len + 1, 1);
    mark_known(text, len, mask);
    mark_assigned(text, mask);
    mark_uri(text, mask);
    for (size_t i = 0; i < len; i++)
        if (mask[i])
            text[i] = '*';
    free(mask);
}
