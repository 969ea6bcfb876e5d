/* Everything that reads what pgbench writes: progress, summary, version, transaction log. What
 * is accepted must be sound. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/runner/bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = xstrndup((const char *)data, size);
    struct progress p;
    if (bench_parse_progress(text, &p) && !(isfinite(p.at_s) && p.tps >= 0 && p.tps < 1e12))
        abort();
    struct bench_run r = {0};
    struct err e = {0};
    if (bench_parse_summary(text, &r, &e)
            ? !(r.tps > 0 && r.tps <= 1e12 && r.transactions > 0 && r.failed >= 0)
            : e.code == ERR_NONE)
        abort();
    if (bench_parse_version(text) < 0)
        abort();
    struct latency_digest *d = bench_digest_log((const char *)data, size, NULL);
    if (d->n > 0 ? !(d->p50_ms > 0 && d->p50_ms <= d->p95_ms && d->p95_ms <= d->p99_ms)
                 : !isnan(d->p99_ms))
        abort();
    free(d);
    free(text);
    return 0;
}
