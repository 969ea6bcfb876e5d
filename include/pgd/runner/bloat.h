/* bloat.h - what the runs of a session have done to the database that they ran in. */
#pragma once

#include <stddef.h>

#include "pgd/runner/bench.h"

enum bloat_remedy {
    BLOAT_FINE,
    BLOAT_VACUUM, /* more than a fifth of the rows are dead: VACUUM makes their room usable again */
    BLOAT_RENEW /* it has grown by half: later runs no longer read the same data; to be loaded anew */
};

/* first: a run of the session's beginning, last: the newest one, both valid. Unknown figures (NAN) call for nothing. Only
 * for a database of our own: another one is never touched, what was found is said. */
enum bloat_remedy bloat_remedy(const struct bench_run *first, const struct bench_run *last);
const char *bloat_remedy_name(enum bloat_remedy r); /* "none", "vacuum", "renew" */
/* Share of the rows that are dead; the size as a multiple of the first one. NAN where it is not known. */
double bloat_dead_share(const struct bench_run *r);
double bloat_growth(const struct bench_run *first, const struct bench_run *last);
/* A sentence part for a note, "" when there is nothing to say: "31 % of the rows are dead", "the database has grown by 64 %". */
void bloat_text(const struct bench_run *first, const struct bench_run *last, char *dst,
                size_t size);
