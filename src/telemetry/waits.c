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

bool wait_next(const char **text, char event[WAIT_EVENT_NAME], double *n)
{
    while (*text && **text) {
        char line[SAMPLE_LINE], *equals;
        size_t len = strcspn(*text, "\n"), kept = len < sizeof line ? len : 0;
        memcpy(line, *text, kept);
        line[kept] = '\0';
        *text += len + ((*text)[len] == '\n');
        equals = strrchr(line, '=');
        if (!equals || equals == line || !text_double(equals + 1, n) || !(*n > 0))
            continue;
        *equals = '\0';
        text_copy(event, WAIT_EVENT_NAME, line);
        return true;
    }
    return false;
}

void wait_sample_add(struct wait_sample *s, const char *event, double n)
{
    count_event(s->counts, WAIT_SAMPLE_EVENTS, event, n);
}

void wait_sum(struct wait_count *sum, const struct wait_sample *s)
{
    for (int k = 0; k < WAIT_SAMPLE_EVENTS && s->counts[k].event[0]; k++)
        count_event(sum, WAIT_EVENTS_MAX, s->counts[k].event, s->counts[k].n);
}

void wait_tally_add(struct wait_tally *t, const char *text)
{
    struct wait_sample *sample = &t->recent[t->next];
    char event[WAIT_EVENT_NAME];
    double n;

    t->next = (t->next + 1) % WAIT_RECENT;
    memset(sample, 0, sizeof *sample);
    while (wait_next(&text, event, &n)) {
        wait_sample_add(sample, event, n);
        count_event(t->counts, WAIT_EVENTS_MAX, event, n);
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

int wait_shares(const struct wait_count *counts, struct wait_share *out)
{
    const int max = WAIT_EVENTS_MAX;
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
    return wait_shares(t->counts, out);
}

int wait_tally_recent(const struct wait_tally *t, struct wait_share *out)
{
    struct wait_count sum[WAIT_EVENTS_MAX] = {0};
    for (int i = 0; i < WAIT_RECENT; i++)
        wait_sum(sum, &t->recent[i]);
    return wait_shares(sum, out);
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
