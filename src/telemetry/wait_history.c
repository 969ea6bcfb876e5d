/* wait_history.c - see wait_history.h. */
#include "pgd/telemetry/wait_history.h"

#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

static const struct {
    const char *name;
    char letter;
} types[WAIT_TYPES] = {
    [WAIT_CPU] = {"CPU", 'c'},
    [WAIT_IO] = {"IO", 'I'},
    [WAIT_LOCK] = {"Lock", 'L'},
    [WAIT_LWLOCK] = {"LWLock", 'w'},
    [WAIT_IPC] = {"IPC", 'P'},
    [WAIT_CLIENT] = {"Client", 'n'},
    [WAIT_BUFFERPIN] = {"BufferPin", 'B'},
    [WAIT_TIMEOUT] = {"Timeout", 't'},
    [WAIT_EXTENSION] = {"Extension", 'E'},
    [WAIT_OTHER] = {"other", 'o'},
};

const char *wait_type_name(enum wait_type t)
{
    return types[t].name;
}

char wait_type_letter(enum wait_type t)
{
    return types[t].letter;
}

enum wait_type wait_type_of(const char *event)
{
    size_t n = strcspn(event, ":");

    for (int t = 0; t < WAIT_OTHER; t++)
        if (strlen(types[t].name) == n && strncmp(types[t].name, event, n) == 0)
            return (enum wait_type)t;
    return strncmp(event, "BufferPin", 9) == 0 || strncmp(event, "Buffer:", 7) == 0 ? WAIT_BUFFERPIN
                                                                                    : WAIT_OTHER;
}

void wait_history_add(struct wait_history *h, int64_t second, const char *text)
{
    char event[WAIT_EVENT_NAME];
    double n;

    if (second <= 0)
        return;
    int at = (int)(second % WAIT_HISTORY_S);
    int64_t bucket = second / WAIT_BUCKET_S;
    int b = (int)(bucket % (WAIT_HISTORY_S / WAIT_BUCKET_S));

    memset(&h->seconds[at], 0, sizeof h->seconds[at]);
    h->seconds[at].second = second;
    if (h->buckets[b].bucket != bucket) {
        memset(&h->buckets[b], 0, sizeof h->buckets[b]);
        h->buckets[b].bucket = bucket;
    }
    while (wait_next(&text, event, &n)) {
        h->seconds[at].n[wait_type_of(event)] += (float)(n < 1e6 ? n : 1e6);
        wait_sample_add(&h->buckets[b].events, event, n);
    }
}

bool wait_history_mean(const struct wait_history *h, int64_t from, int64_t to,
                       double mean[WAIT_TYPES])
{
    int samples = 0;

    memset(mean, 0, WAIT_TYPES * sizeof *mean);
    if (from < to - WAIT_HISTORY_S + 1)
        from = to - WAIT_HISTORY_S + 1;
    for (int64_t s = from > 0 ? from : 1; s <= to; s++) {
        int at = (int)(s % WAIT_HISTORY_S);
        if (h->seconds[at].second != s)
            continue;
        samples++;
        for (int t = 0; t < WAIT_TYPES; t++)
            mean[t] += (double)h->seconds[at].n[t];
    }
    for (int t = 0; t < WAIT_TYPES && samples > 0; t++)
        mean[t] /= samples;
    return samples > 0;
}

int wait_history_events(const struct wait_history *h, int64_t from, int64_t to,
                        struct wait_share *out)
{
    struct wait_count sum[WAIT_EVENTS_MAX] = {{"", 0}};

    for (size_t b = 0; b < ARRAY_LEN(h->buckets); b++) {
        int64_t begin = h->buckets[b].bucket * WAIT_BUCKET_S;
        if (begin > 0 && begin <= to && begin + WAIT_BUCKET_S > from)
            wait_sum(sum, &h->buckets[b].events);
    }
    return wait_shares(sum, out);
}
