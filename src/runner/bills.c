/* The bills of an experiment: means of what its valid runs have left behind, arm against arm. */
#include "pgd/runner/bills.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/runner/bloat.h"

/* A difference is told when it is both a multiple and large in itself. */
static const double much_more = 2, much_redo = 32 * 1048576.0, much_dead = 10000;
static const double much_wal = 16 * 1048576.0; /* of a run */
/* What a crash recovery replays a second, at the least, on any disk that is worth a benchmark. */
static const double replay_bps = 50 * 1048576.0;

typedef double (*left_fn)(const struct bench_run *r);

static double redo_of(const struct bench_run *r)
{
    return r->redo_bytes;
}

static double dead_of(const struct bench_run *r)
{
    return r->dead_tuples;
}

static double mean(const struct experiment *x, int arm, left_fn left)
{
    double sum = 0;
    int n = 0;
    for (int i = 0; i < x->n; i++) {
        const struct bench_run *r = &x->runs[i];
        if (!r->valid || r->arm != arm || !isfinite(left(r)))
            continue;
        sum += left(r);
        n++;
    }
    return n > 0 ? sum / n : (double)NAN;
}

static bool differs(double a, double b, double least)
{
    double more = fmax(a, b), less = fmin(a, b);
    return more - less > least && more > much_more * less;
}

static void PGD_PRINTF(3, 4) add(char *dst, size_t size, const char *fmt, ...)
{
    size_t used = strlen(dst);
    va_list ap;
    va_start(ap, fmt);
    if (used > 0 && used + 2 < size)
        used += (size_t)snprintf(dst + used, size - used, "; ");
    vsnprintf(dst + used, size - used, fmt, ap);
    va_end(ap);
}

/* A run that writes should meet a checkpoint of the server's own: the images of whole pages after it are a cost that the
 * charged CHECKPOINT at the end does not show. */
static void add_checkpoints(const struct experiment *x, char *dst, size_t size)
{
    int met = 0, n = 0;
    double wal = 0;
    for (int i = 0; i < x->n; i++) {
        const struct window *w = &x->runs[i].window;
        if (!x->runs[i].valid || !w->valid || !isfinite(w->ckpt_req + w->ckpt_timed))
            continue;
        n++;
        met += w->ckpt_req + w->ckpt_timed >= 1;
        wal += isfinite(w->wal_bytes) ? w->wal_bytes : 0;
    }
    if (n == 0 || wal / n < much_wal || met == n || x->kind == EXPERIMENT_AA)
        return;
    if (met == 0)
        add(dst, size,
            "no run met a checkpoint of the server's own; the one after each is charged");
    else
        add(dst, size, "%d of %d runs met a checkpoint of the server's own", met, n);
}

static void add_bloat(const struct experiment *x, char *dst, size_t size)
{
    const struct bench_run *first = NULL, *last = NULL;
    for (int i = 0; i < x->n; i++) {
        if (!x->runs[i].valid)
            continue;
        first = first ? first : &x->runs[i];
        last = &x->runs[i];
    }
    char text[120];
    if (!first)
        return;
    bloat_text(first, last, text, sizeof text);
    if (text[0])
        add(dst, size, "%s", text);
}

void bills_text(const struct experiment *x, char *dst, size_t size)
{
    int spoilt = 0, counted = 0, uncharged = 0;
    dst[0] = '\0';
    for (int i = 0; i < x->n; i++) {
        spoilt += x->runs[i].contaminated;
        counted += x->runs[i].contaminated && x->runs[i].valid;
        uncharged += x->runs[i].valid && isnan(x->runs[i].checkpoint_s) &&
                     !isnan(x->runs[i].tps_pgbench); /* observed traffic has none of ours */
    }
    if (spoilt > 0)
        add(dst, size, "others used the server during %d run%s, %d of them counted", spoilt,
            spoilt == 1 ? "" : "s", counted);
    double a = mean(x, ARM_A, redo_of), b = mean(x, ARM_B, redo_of);
    if (differs(a, b, much_redo)) {
        char before[32], after[32];
        text_bytes(before, sizeof before, a);
        text_bytes(after, sizeof after, b);
        add(dst, size, "after a crash %s to replay instead of %s (%+.0f s)", after, before,
            (b - a) / replay_bps);
    }
    a = mean(x, ARM_A, dead_of);
    b = mean(x, ARM_B, dead_of);
    if (differs(a, b, much_dead))
        add(dst, size, "%.0f rows wait for autovacuum instead of %.0f", b, a);
    if (uncharged > 0 && x->kind != EXPERIMENT_AA)
        add(dst, size, "the closing CHECKPOINT could not be charged");
    else
        add_checkpoints(x, dst, size);
    add_bloat(x, dst, size);
}
