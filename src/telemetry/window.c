/* window.c - adding up windows: the evidence of several runs of one arm. */
#include "pgd/telemetry/window.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "pgd/base/mem.h"

/* A counter that is unknown in one of the two is unknown in the total. */
static const size_t counters[] = {
    offsetof(struct window, commits),          offsetof(struct window, rollbacks),
    offsetof(struct window, blks_hit),         offsetof(struct window, blks_read),
    offsetof(struct window, tup_returned),     offsetof(struct window, tup_fetched),
    offsetof(struct window, tup_written),      offsetof(struct window, temp_files),
    offsetof(struct window, temp_bytes),       offsetof(struct window, deadlocks),
    offsetof(struct window, ckpt_timed),       offsetof(struct window, ckpt_req),
    offsetof(struct window, buffers_backend),  offsetof(struct window, buffers_ckpt),
    offsetof(struct window, buffers_clean),    offsetof(struct window, wal_bytes),
    offsetof(struct window, wal_fpi),          offsetof(struct window, wal_records),
    offsetof(struct window, wal_buffers_full),
};

static const size_t averages[] = {
    offsetof(struct window, active_avg),    offsetof(struct window, lock_wait_share),
    offsetof(struct window, cpu_user),      offsetof(struct window, cpu_sys),
    offsetof(struct window, cpu_iowait),    offsetof(struct window, cpu_idle),
    offsetof(struct window, cpu_steal),     offsetof(struct window, run_queue),
    offsetof(struct window, disk_read_bps), offsetof(struct window, disk_write_bps),
    offsetof(struct window, disk_await_ms), offsetof(struct window, disk_util),
    offsetof(struct window, psi_cpu),       offsetof(struct window, psi_io),
    offsetof(struct window, psi_mem),       offsetof(struct window, swap_in),
    offsetof(struct window, swap_out),      offsetof(struct window, net_bps),
};

static double *field(struct window *w, size_t offset)
{
    return (double *)(void *)((char *)w + offset);
}

static void merge_waits(struct window *t, const struct window *w, double part)
{
    for (int i = 0; i < t->nwaits; i++)
        t->waits[i].share *= 1 - part;
    for (int i = 0; i < w->nwaits; i++) {
        int j = 0;
        while (j < t->nwaits && strcmp(t->waits[j].event, w->waits[i].event) != 0)
            j++;
        if (j == WAITS_MAX)
            continue;
        if (j == t->nwaits) {
            t->waits[t->nwaits] = w->waits[i];
            t->waits[t->nwaits++].share = 0;
        }
        t->waits[j].share += w->waits[i].share * part;
    }
    for (int i = 1; i < t->nwaits; i++) /* few: insertion sort, largest first */
        for (int j = i; j > 0 && t->waits[j].share > t->waits[j - 1].share; j--) {
            struct wait_share swap = t->waits[j];
            t->waits[j] = t->waits[j - 1];
            t->waits[j - 1] = swap;
        }
}

void window_merge(struct window *total, const struct window *w)
{
    struct window add = *w;

    if (!w->valid)
        return;
    if (!total->valid) {
        *total = *w;
        return;
    }
    double part = w->secs / (total->secs + w->secs);
    for (size_t i = 0; i < ARRAY_LEN(counters); i++)
        *field(total, counters[i]) += *field(&add, counters[i]);
    for (size_t i = 0; i < ARRAY_LEN(averages); i++) {
        double *t = field(total, averages[i]);
        *t = *t * (1 - part) + *field(&add, averages[i]) * part;
    }
    merge_waits(total, w, part);
    total->secs += w->secs;
    total->tps = (total->commits + total->rollbacks) / total->secs;
    total->hit_ratio = total->blks_hit / (total->blks_hit + total->blks_read);
    total->active_peak = fmax(total->active_peak, w->active_peak);
    total->mem_available_min = fmin(total->mem_available_min, w->mem_available_min);
}
