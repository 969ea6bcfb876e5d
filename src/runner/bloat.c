/* Dead rows and growth, from what each run has left behind. The bounds: autovacuum itself comes at a fifth of dead rows
 * (autovacuum_vacuum_scale_factor), and a database half as large again has other hit ratios. */
#include "pgd/runner/bloat.h"

#include <math.h>
#include <stdio.h>

static const double dead_max = 0.20, dead_least = 10000, growth_max = 1.5, growth_told = 1.2;
static const double growth_least = 64 * 1048576.0;

static double dead_share(const struct bench_run *r)
{
    bool known = r->live_tuples > 0 && r->dead_tuples > dead_least;
    return known ? r->dead_tuples / (r->dead_tuples + r->live_tuples) : 0;
}

static double growth(const struct bench_run *first, const struct bench_run *last)
{
    bool much = first->db_bytes > 0 && last->db_bytes - first->db_bytes > growth_least;
    return much ? last->db_bytes / first->db_bytes : 1;
}

double bloat_dead_share(const struct bench_run *r)
{
    double all = r->dead_tuples + r->live_tuples;
    return all > 0 ? r->dead_tuples / all : (double)NAN;
}

double bloat_growth(const struct bench_run *first, const struct bench_run *last)
{
    return first->db_bytes > 0 ? last->db_bytes / first->db_bytes : (double)NAN;
}

const char *bloat_remedy_name(enum bloat_remedy r)
{
    return r == BLOAT_RENEW ? "renew" : r == BLOAT_VACUUM ? "vacuum" : "none";
}

enum bloat_remedy bloat_remedy(const struct bench_run *first, const struct bench_run *last)
{
    if (growth(first, last) > growth_max)
        return BLOAT_RENEW;
    return dead_share(last) > dead_max ? BLOAT_VACUUM : BLOAT_FINE;
}

void bloat_text(const struct bench_run *first, const struct bench_run *last, char *dst, size_t size)
{
    double dead = dead_share(last), grown = growth(first, last);
    dst[0] = '\0';
    if (dead > dead_max && grown > growth_told)
        snprintf(dst, size, "%.0f %% of the rows are dead, and the database has grown by %.0f %%",
                 dead * 100, (grown - 1) * 100);
    else if (dead > dead_max)
        snprintf(dst, size, "%.0f %% of the rows are dead", dead * 100);
    else if (grown > growth_told)
        snprintf(dst, size, "the database has grown by %.0f %%", (grown - 1) * 100);
}
