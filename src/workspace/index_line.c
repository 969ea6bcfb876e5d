/* index_line.c - see index_line.h. It never takes what the reader of JSON would refuse, nor reads it as something else: where it is not
 * sure it says so (tests/unit/test_store.c and the fuzzer hold both against each other). */
#include "pgd/workspace/index_line.h"

#include <math.h>
#include <string.h>

#include "pgd/workspace/session_rows.h"
#include "pgd/workspace/store_parts.h"

/* The keys, as bits of what was seen. */
enum {
    KEY_NAME = 1,
    KEY_STRATEGY = 2,
    KEY_STATE = 4,
    KEY_TITLE = 8,
    KEY_BASELINE = 16,
    KEY_BEST = 32,
    KEY_EFFECT = 64,
    KEY_ROUNDS = 128,
    KEY_CHANGED = 256,
    KEY_BEFORE = 512,
    KEY_AFTER = 1024,
    KEY_REASON = 2048,
};

struct scan {
    const char *p, *end;
    unsigned seen;
};

static bool take(struct scan *s, char c)
{
    if (s->p == s->end || *s->p != c)
        return false;
    s->p++;
    return true;
}

/* "…" of printable ASCII without escapes; *len of it. NULL = it is none. */
static const char *word(struct scan *s, size_t *len)
{
    const char *from = s->p + 1;

    if (!take(s, '"'))
        return NULL;
    while (s->p < s->end && *s->p >= ' ' && *s->p <= '~' && *s->p != '"' && *s->p != '\\')
        s->p++;
    *len = (size_t)(s->p - from);
    return take(s, '"') ? from : NULL;
}

static bool text(struct scan *s, char *dst, size_t size)
{
    size_t n;
    const char *from = word(s, &n);

    if (!from || n >= size)
        return false;
    memcpy(dst, from, n);
    dst[n] = '\0';
    return true;
}

/* Digits with a point or without; *whole says which. Fifteen digits and a power of ten that a double holds exactly make the
 * division correct to the last bit (Clinger, "How to read floating point numbers accurately", 1990). */
static bool number(struct scan *s, double *out, bool *whole)
{
    static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t digits = 0;
    int n = 0, behind = 0;
    const char *from = s->p;

    *whole = true;
    for (; s->p < s->end; s->p++) {
        if (*s->p == '.' && *whole && n > 0) {
            *whole = false;
            continue;
        }
        if (*s->p < '0' || *s->p > '9')
            break;
        if (++n > 15)
            return false;
        digits = digits * 10 + (*s->p - '0');
        behind += !*whole;
    }
    bool zeros = n > 1 && from[0] == '0' && from[1] != '.';
    if (n == 0 || zeros || (!*whole && behind == 0))
        return false;
    *out = (double)digits / tens[behind];
    return true;
}

/* A figure or null, which is not known. */
static bool figure(struct scan *s, double *out)
{
    bool whole;

    if (s->end - s->p >= 4 && memcmp(s->p, "null", 4) == 0) {
        s->p += 4;
        *out = NAN;
        return true;
    }
    return number(s, out, &whole) && *out <= 1e12;
}

static bool count(struct scan *s, int64_t most, int64_t *out)
{
    double n;
    bool whole;

    if (!number(s, &n, &whole) || !whole || n > (double)most)
        return false;
    *out = (int64_t)n;
    return true;
}

static bool state(struct scan *s, enum session_state *out)
{
    size_t n;
    const char *from = word(s, &n);

    for (int i = SESSION_ACTIVE; from && i <= SESSION_FAILED; i++) {
        const char *name = session_state_name((enum session_state)i);
        if (strlen(name) == n && memcmp(name, from, n) == 0) {
            *out = (enum session_state)i;
            return true;
        }
    }
    return false;
}

static unsigned key_of(const char *key, size_t len)
{
    static const struct {
        const char *name;
        unsigned key;
    } keys[] = {{"name", KEY_NAME},     {"strategy", KEY_STRATEGY},     {"state", KEY_STATE},
                {"title", KEY_TITLE},   {"baseline_tps", KEY_BASELINE}, {"best_tps", KEY_BEST},
                {"effect", KEY_EFFECT}, {"rounds", KEY_ROUNDS},         {"changed_us", KEY_CHANGED},
                {"reason", KEY_REASON}, {"tps_before", KEY_BEFORE},     {"tps_after", KEY_AFTER}};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        if (strlen(keys[i].name) == len && memcmp(keys[i].name, key, len) == 0)
            return keys[i].key;
    return 0;
}

static bool value(struct scan *s, unsigned key, struct session_row *r)
{
    int64_t rounds = 0;

    switch (key) {
    case KEY_NAME:
        return text(s, r->name, sizeof r->name) && store_safe_name(r->name);
    case KEY_STRATEGY:
        return text(s, r->strategy, sizeof r->strategy);
    case KEY_STATE:
        return state(s, &r->state);
    case KEY_TITLE:
        return text(s, r->title, sizeof r->title);
    case KEY_BASELINE:
        return figure(s, &r->baseline_tps);
    case KEY_BEST:
        return figure(s, &r->best_tps);
    case KEY_EFFECT:
        return figure(s, &r->effect);
    case KEY_BEFORE:
        return figure(s, &r->tps_before);
    case KEY_AFTER:
        return figure(s, &r->tps_after);
    case KEY_REASON:
        return text(s, r->reason, sizeof r->reason);
    case KEY_ROUNDS:
        if (!count(s, INDEX_ROUNDS_MAX, &rounds))
            return false;
        r->rounds = (int)rounds;
        return true;
    case KEY_CHANGED: /* microseconds of 2026 have sixteen digits: more than number() takes */
        for (int n = 0; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
            if (++n > 16 || (n == 2 && r->changed_wall_us == 0))
                return false;
            r->changed_wall_us = r->changed_wall_us * 10 + (*s->p - '0');
        }
        return s->p[-1] != ':' && r->changed_wall_us <= INDEX_CHANGED_MAX;
    default:
        return false;
    }
}

static bool object(struct scan *s, struct session_row *r)
{
    if (!take(s, '{'))
        return false;
    do {
        size_t n;
        const char *name = word(s, &n);
        unsigned key = name ? key_of(name, n) : 0;
        if (!key || s->seen & key || !take(s, ':') || !value(s, key, r))
            return false;
        s->seen |= key;
    } while (take(s, ','));
    return take(s, '}') && s->p == s->end && s->seen & KEY_NAME && s->seen & KEY_STATE;
}

bool index_line_read(const char *line, size_t len, struct session_row *r)
{
    struct scan s = {line, line + len, 0};
    struct session_row row = {
        .baseline_tps = NAN, .best_tps = NAN, .effect = NAN, .tps_before = NAN, .tps_after = NAN};

    if (!object(&s, &row))
        return false;
    row.interrupted = row.state == SESSION_ACTIVE || row.state == SESSION_PAUSED;
    *r = row;
    return true;
}
