/* Whether a setting can matter for what was measured: a workload of point reads has no plan that a cost could change, and
 * nothing is sorted in it. What a figure does not rule out may matter. */
#include <math.h>
#include <string.h>

#include "pgd/agent/search.h"
#include "pgd/base/text.h"

#define MB 1048576.0

/* Statements that end sooner leave a planner, a compiler or a worker nothing to gain. */
static const double long_ms = 1, parallel_ms = 20, compiled_ms = 300;
static const double many_rows = 10000;

/* Values as numbers: in force and proposed. */
struct step {
    double now, to;
};

typedef bool (*relevant_fn)(const struct pool *p, const struct step *step);

static bool any_plan(const struct pool *p,
                     bool (*test)(const struct plan_facts *plan, double limit), double limit)
{
    const struct evidence *e = p->s->e;
    for (int i = 0; i < e->nplans; i++)
        if (e->plans[i].valid && test(&e->plans[i], limit))
            return true;
    return e->nplans == 0; /* nothing is known, so nothing is ruled out */
}

static bool takes(const struct plan_facts *plan, double ms)
{
    return plan->exec_ms >= ms;
}

static bool costs(const struct plan_facts *plan, double cost)
{
    return plan->total_cost >= cost;
}

static bool sorts_or_hashes(const struct plan_facts *plan, double ms)
{
    return plan->exec_ms >= ms && (plan->sorts > 0 || plan->hashes > 0 || plan->sort_mem_kb > 0 ||
                                   plan->sort_disk_kb > 0 || plan->hash_mem_kb > 0);
}

static bool hashes(const struct plan_facts *plan, double ms)
{
    return plan->exec_ms >= ms && (plan->hashes > 0 || plan->hash_mem_kb > 0);
}

static bool scans(const struct plan_facts *plan, double rows)
{
    return plan->seq_scan_rows + plan->seq_scan_rows_removed >= rows;
}

static bool fetches(const struct plan_facts *plan, double rows)
{
    return plan->index_rows >= rows;
}

static bool has_workers(const struct plan_facts *plan, double limit)
{
    return plan->workers_planned > limit || plan->workers_launched > limit;
}

/* ---- one for each setting or group ---- */

static bool plans(const struct pool *p, const struct step *step)
{
    (void)step;
    return any_plan(p, takes, long_ms);
}

/* Cheaper random pages speak for indexes, dearer ones against: whether there is something to change. */
static bool page_cost(const struct pool *p, const struct step *step)
{
    return plans(p, step) && (step->to < step->now ? any_plan(p, scans, many_rows / 10)
                                                   : any_plan(p, fetches, many_rows / 10));
}

static bool cache_size(const struct pool *p, const struct step *step)
{
    bool differs = step->to > 2 * step->now || step->now > 2 * step->to;
    return plans(p, step) && differs &&
           (step->to < step->now || !(p->s->database < 0.5 * step->now));
}

static bool sorting(const struct pool *p, const struct step *step)
{
    if (step->to > step->now && step->to > sense_memory_budget(p->s))
        return false;
    if (spills_measured(p->s))
        return step->to > step->now;
    /* Nothing spills: more of it can only make the planner hash where it sorts, and that it does with some already. */
    if (step->to > step->now && step->now > 64 * MB)
        return false;
    return any_plan(p, sorts_or_hashes, long_ms);
}

static bool hashing(const struct pool *p, const struct step *step)
{
    bool fits = step->to * p->s->work_mem <= sense_memory_budget(p->s);
    return any_plan(p, hashes, long_ms) && (step->to < step->now || fits);
}

static bool compiling(const struct pool *p, const struct step *step)
{
    double above = sense_number(p->s, "jit_above_cost");
    (void)step;
    if (!p->s->f->runtime.jit_available && p->s->f->runtime.stats_age_s > 0 && p->s->e->nplans)
        return jit_share(p->s) > 0;
    if (sense_on(p->s, "jit", true))
        return above >= 0 && any_plan(p, costs, above);
    return any_plan(p, takes, compiled_ms) && any_plan(p, costs, above);
}

static bool workers(const struct pool *p, const struct step *step)
{
    bool idle = !(p->s->w.cpu_idle < 0.2);
    if (step->to < step->now)
        return any_plan(p, has_workers, 0);
    return idle && any_plan(p, takes, parallel_ms) && step->to <= 2 * p->scale.cpus;
}

static bool caching(const struct pool *p, const struct step *step)
{
    const struct sense *s = p->s;
    bool room = isnan(s->ram) || step->to <= 0.4 * s->ram;
    bool reads = s->read_rate > 20 || s->w.hit_ratio < 0.995 || isnan(s->read_rate);
    bool fits = s->database < 0.9 * step->now;
    return step->to > 1.3 * step->now && room && !fits && (reads || p->load[LOAD_WRITE] > 0);
}

static bool writing(const struct pool *p, const struct step *step)
{
    (void)step;
    return p->load[LOAD_WRITE] > 0;
}

static bool checkpointing(const struct pool *p, const struct step *step)
{
    const struct host_facts *h = &p->s->f->host;
    double room = h->wal.free_bytes > 0 ? h->wal.free_bytes : h->data.free_bytes;
    bool fits = !h->known || !(room > 0) || step->to <= 0.25 * room;
    return writing(p, step) && fits && (step->to > step->now || p->s->w.ckpt_req < 1);
}

static bool reading_ahead(const struct pool *p, const struct step *step)
{
    (void)step;
    return p->s->read_rate > 100 || p->load[LOAD_READ] > 0.1;
}

static const struct {
    const char *name;
    relevant_fn fn;
} table[] = {
    {"random_page_cost", page_cost},
    {"seq_page_cost", plans},
    {"cpu_tuple_cost", plans},
    {"cpu_index_tuple_cost", plans},
    {"cpu_operator_cost", plans},
    {"effective_cache_size", cache_size},
    {"work_mem", sorting},
    {"hash_mem_multiplier", hashing},
    {"jit", compiling},
    {"jit_above_cost", compiling},
    {"max_parallel_workers_per_gather", workers},
    {"shared_buffers", caching},
    {"max_wal_size", checkpointing},
    {"min_wal_size", checkpointing},
    {"effective_io_concurrency", reading_ahead},
};

/* Settings that act on what is written and on nothing else. */
static bool of_writing(const char *name)
{
    const struct knob *k = knob_find(name);
    return k && (k->group == KNOB_WAL || k->group == KNOB_BGWRITER || k->group == KNOB_AUTOVACUUM ||
                 strcmp(name, "wal_buffers") == 0);
}

bool pool_relevant(const struct pool *p, const char *name, const char *value)
{
    struct step step = {sense_number(p->s, name), sense_value(p->s, name, value)};
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strcmp(table[i].name, name) == 0)
            return table[i].fn(p, &step);
    return of_writing(name) ? writing(p, &step) : true;
}
