/* Tallies of wait events. */
#include "pgd/telemetry/waits.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

enum { SAMPLE_LINE = 160 };

/* Where the list is full, rarer events are not told apart any more. */
static void count_event(struct wait_count *counts, int max, const char *event, double n)
{
    for (int i = 0; i < max; i++) {
        if (i == max - 1)
            event = "other";
        if (counts[i].event[0] == '\0')
            text_copy(counts[i].event, sizeof counts[i].event, event);
        if (i == max - 1 || strcmp(counts[i].event, event) == 0) {
            counts[i].n += n;
            return;
        }
    }
}

static void count_line(struct wait_tally *t, struct wait_sample *sample, const char *line,
                       size_t len)
{
    char text[SAMPLE_LINE], event[sizeof sample->counts[0].event];
    double n;
    if (len == 0 || len >= sizeof text)
        return;
    memcpy(text, line, len);
    text[len] = '\0';
    char *equals = strrchr(text, '=');
    if (!equals || equals == text || !text_double(equals + 1, &n) || !(n > 0))
        return;
    *equals = '\0';
    text_copy(event, sizeof event, text);
    count_event(sample->counts, WAIT_SAMPLE_EVENTS, event, n);
    count_event(t->counts, WAIT_EVENTS_MAX, event, n);
}

void wait_tally_add(struct wait_tally *t, const char *text)
{
    struct wait_sample *sample = &t->recent[t->next];
    t->next = (t->next + 1) % WAIT_RECENT;
    memset(sample, 0, sizeof *sample);
    while (text && *text) {
        size_t len = strcspn(text, "\n");
        count_line(t, sample, text, len);
        text += len + (text[len] == '\n');
    }
}

void wait_tally_restart(struct wait_tally *t)
{
    memset(t->counts, 0, sizeof t->counts);
}

static int larger_first(const void *a, const void *b)
{
    const struct wait_count *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->event, y->event);
}

static double total_of(const struct wait_count *counts, int max)
{
    double total = 0;
    for (int i = 0; i < max && counts[i].event[0]; i++)
        total += counts[i].n;
    return total;
}

static int shares(const struct wait_count *counts, int max, struct wait_share *out)
{
    struct wait_count sorted[WAIT_EVENTS_MAX];
    double total = total_of(counts, max);
    int n = 0;
    while (n < max && counts[n].event[0]) {
        sorted[n] = counts[n];
        n++;
    }
    qsort(sorted, (size_t)n, sizeof sorted[0], larger_first);
    if (n > WAITS_MAX)
        n = WAITS_MAX;
    for (int i = 0; i < n; i++) {
        text_copy(out[i].event, sizeof out[i].event, sorted[i].event);
        out[i].share = sorted[i].n / total;
    }
    return n;
}

int wait_tally_shares(const struct wait_tally *t, struct wait_share *out)
{
    return shares(t->counts, WAIT_EVENTS_MAX, out);
}

int wait_tally_recent(const struct wait_tally *t, struct wait_share *out)
{
    struct wait_count sum[WAIT_EVENTS_MAX] = {0};
    for (int i = 0; i < WAIT_RECENT; i++) {
        const struct wait_count *c = t->recent[i].counts;
        for (int k = 0; k < WAIT_SAMPLE_EVENTS && c[k].event[0]; k++)
            count_event(sum, WAIT_EVENTS_MAX, c[k].event, c[k].n);
    }
    return shares(sum, WAIT_EVENTS_MAX, out);
}

double wait_tally_lock_share(const struct wait_tally *t)
{
    double total = total_of(t->counts, WAIT_EVENTS_MAX), locks = 0;
    for (int i = 0; i < WAIT_EVENTS_MAX && t->counts[i].event[0]; i++) {
        if (strncmp(t->counts[i].event, "Lock:", 5) == 0)
            locks += t->counts[i].n;
    }
    return total > 0 ? locks / total : 0;
}
