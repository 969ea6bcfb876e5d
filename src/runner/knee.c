/* The sweep of clients and its knee; see knee.h.
 *
 * One short run a point, so a difference must exceed what two of them differ by chance. The knee is the smallest number of
 * clients whose throughput lies within that noise of the peak: more clients than that buy nothing and cost latency. By
 * Little's law clients = throughput × latency; where throughput stays, latency grows as the clients do. Where p99 grows
 * faster still, something queues behind something: that is where it breaks. */
#include "pgd/runner/knee.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double least_noise = 0.03, short_factor = 1.3, fallen_far = 0.8;

void knee_init(struct knee *k, int cpus, int room, double floor)
{
    memset(k, 0, sizeof *k);
    int most = cpus > 0 ? 8 * cpus : 64;
    k->limit = room < most ? room : most;
    /* two runs differ by sqrt(2) times what one deviates */
    k->noise = fmax(least_noise, (floor > 0 ? floor : 0) * short_factor * sqrt(2));
}

static int peak_of(const struct knee *k)
{
    int best = -1;

    for (int i = 0; i < k->n; i++)
        if (k->points[i].valid && (best < 0 || k->points[i].tps > k->points[best].tps))
            best = i;
    return best;
}

static double bar(const struct knee *k, int peak)
{
    return k->points[peak].tps / (1 + k->noise);
}

int knee_next(const struct knee *k)
{
    int peak = peak_of(k), behind = 0;
    int last = k->n > 0 ? k->points[k->n - 1].clients : 0;

    if (k->n == KNEE_MAX || last >= k->limit || k->failed >= 2 || k->limit < 1)
        return 0;
    for (int i = peak + 1; peak >= 0 && i < k->n; i++) {
        behind += k->points[i].valid && k->points[i].tps < bar(k, peak);
        if (k->points[i].valid && k->points[i].tps < fallen_far * k->points[peak].tps)
            return 0;
    }
    if (behind >= 2)
        return 0;
    int next = last > 0 ? last * 2 : 1;
    return next < k->limit ? next : k->limit;
}

void knee_add(struct knee *k, const struct knee_point *p)
{
    if (k->n == KNEE_MAX)
        return;
    k->points[k->n] = *p;
    if (!(p->tps > 0) || !isfinite(p->tps))
        k->points[k->n].valid = false;
    k->failed = k->points[k->n].valid ? 0 : k->failed + 1;
    k->n++;
}

/* From the knee on: p99 grew by more than the clients did, beyond the noise. A percentile of a short run deviates twice as
 * much as its mean. */
static int break_of(const struct knee *k)
{
    const struct knee_point *was = NULL;

    for (int i = 0; i < k->n; i++) {
        const struct knee_point *p = &k->points[i];
        if (!p->valid || !(p->p99_ms > 0))
            continue;
        if (was && p->p99_ms / was->p99_ms > (double)p->clients / was->clients * (1 + 2 * k->noise))
            return i;
        was = p;
    }
    return -1;
}

static int rounded_up(int n)
{
    int step = n > 200 ? 50 : n > 50 ? 10 : 5;

    return (n + step - 1) / step * step;
}

void knee_result(const struct knee *k, int others, struct knee_result *r)
{
    int valid = 0, last = -1;

    memset(r, 0, sizeof *r);
    r->peak = peak_of(k);
    r->at = r->breaks = -1;
    for (int i = 0; i < k->n; i++)
        if (k->points[i].valid) {
            valid++;
            last = i;
        }
    if (r->peak < 0)
        return;
    for (int i = 0; i < k->n && r->at < 0; i++)
        if (k->points[i].valid && k->points[i].tps >= bar(k, r->peak))
            r->at = i;
    r->breaks = break_of(k);
    r->known = valid >= 3;
    r->open = r->at == last;
    r->pool = k->points[r->at].clients;
    r->max_connections = rounded_up(r->pool + (others > 0 ? others : 0) + 5);
}

void knee_text(const struct knee *k, const struct knee_result *r, int max_connections, char *dst,
               size_t size)
{
    char breaks[120] = "";

    if (!r->known) {
        snprintf(dst, size, "the sweep is too short to say where throughput ends to grow");
        return;
    }
    const struct knee_point *at = &k->points[r->at], *peak = &k->points[r->peak];
    if (r->breaks >= 0)
        snprintf(breaks, sizeof breaks, " From %d clients on p99 grows faster than the clients do.",
                 k->points[r->breaks].clients);
    if (r->open)
        snprintf(dst, size,
                 "throughput still grew at %d clients (%.0f TPS): the knee lies beyond what was "
                 "swept.%s",
                 at->clients, at->tps, breaks);
    else if (max_connections > 0 && r->max_connections < max_connections)
        snprintf(dst, size,
                 "%d clients reach %.0f TPS, within the noise of the peak of %.0f TPS at %d; more "
                 "only wait.%s Proposed: a pool of %d connections; max_connections = %d would do "
                 "(now %d).",
                 at->clients, at->tps, peak->tps, peak->clients, breaks, r->pool,
                 r->max_connections, max_connections);
    else
        snprintf(dst, size,
                 "%d clients reach %.0f TPS, within the noise of the peak of %.0f TPS at %d; more "
                 "only wait.%s Proposed: a pool of %d connections; max_connections can stay.",
                 at->clients, at->tps, peak->tps, peak->clients, breaks, r->pool);
}
