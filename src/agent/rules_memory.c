/* Rules about memory: spills to temporary files, the shared cache, and a machine that swaps. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)

/* Below this a few temporary files are noise of the server's own work. */
#define SPILL_BYTES_PER_S (128 * KB)
/* Block reads a second from which the shared cache is too small for what is read. */
#define READS_PER_S 100.0
#define SWAP_PAGES_PER_S 10.0

bool plan_spills(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->sort_disk_kb > 0 || p->hash_batches > 1;
}

static bool sort_spills(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->sort_disk_kb > 0;
}

bool spills_measured(const struct sense *s)
{
    if (s->w.valid && !isnan(s->temp_rate))
        return s->temp_rate >= SPILL_BYTES_PER_S && s->w.temp_files > 0;
    return sense_plan(s, plan_spills) != NULL;
}

/* A sort in memory needs more than it wrote: each row carries a pointer of 24 bytes, a header and padding
 * (tuplesort.c), which for narrow rows is several times the row. Measured: 344 kB on disk still spilled
 * at 1 MB. */
enum { SORT_IN_MEMORY = 4 };

/* Bytes of work_mem with which this plan's largest step stays in memory. EXPLAIN tells the spill of the
 * largest process: without workers one process sorts what all of them did. A hash is written almost as
 * it lies in memory. */
static double plan_need(const struct sense *s, const struct plan_facts *p, double multiplier)
{
    (void)s;
    double sort = p->sort_disk_kb * SORT_IN_MEMORY * (1 + p->workers_launched);
    double hash = 0;
    if (p->hash_batches > 1)
        hash = p->hash_disk_kb > 0 ? p->hash_mem_kb + 1.3 * p->hash_disk_kb
                                   : 1.1 * p->hash_mem_kb * p->hash_batches;
    return fmax(sort, hash / multiplier) * KB;
}

/* The plan whose need is the largest that fits into the budget; NULL if there is none. */
static const struct plan_facts *fitting_plan(const struct sense *s, double budget)
{
    const struct plan_facts *best = NULL;
    double most = s->work_mem;
    for (int i = 0; i < s->e->nplans; i++) {
        const struct plan_facts *p = &s->e->plans[i];
        double need = power_above(plan_need(s, p, s->hash_multiplier));
        if (p->valid && plan_spills(s, p) && need > most && need <= budget) {
            best = p;
            most = need;
        }
    }
    return best;
}

/* Sorts fit and hashes do not: the multiplier alone gives the hashes what they need. 0 when it does
 * not suffice. */
static double multiplier_need(const struct sense *s)
{
    double need = 0;
    if (!spills_measured(s) || sense_plan(s, sort_spills) || !(s->work_mem > 0))
        return 0;
    for (int i = 0; i < s->e->nplans; i++)
        if (s->e->plans[i].valid && plan_spills(s, &s->e->plans[i]))
            need = fmax(need, plan_need(s, &s->e->plans[i], 1));
    double factor = ceil(need / s->work_mem);
    bool fits = factor * s->work_mem <= sense_memory_budget(s);
    return factor > s->hash_multiplier && factor <= 8 && fits ? factor : 0;
}

static void expect_spill(const struct sense *s, struct setting_change *c)
{
    double share = fmax(sense_time_share(s, plan_spills), sense_wait(s, "IO:BufFile"));
    if (!(share > 0))
        share = 0.15;
    /* Writing and merging runs is more than half of the time of a sort or a hash that spills. */
    c->expect_lo = floor(10 * share);
    c->expect_hi = fmax(c->expect_lo + 5, ceil(100 * 0.65 * share / (1 - 0.65 * share)));
}

static void say_spill_rate(const struct sense *s, char *dst, size_t size)
{
    if (s->temp_rate > 0)
        say(dst, size, "%s temporary files of %s on average in %.0f s (%s/s)",
            count_figure(s->w.temp_files).text, size_figure(s->temp_file).text, s->w.secs,
            size_figure(s->temp_rate).text);
    else
        say(dst, size, "not yet counted in a run");
}

static bool swapping(const struct sense *s)
{
    return s->w.swap_in > SWAP_PAGES_PER_S;
}

static double work_mem_goal(const struct sense *s, double budget, const struct plan_facts *p)
{
    if (p)
        return fmax(power_above(plan_need(s, p, s->hash_multiplier)), 1 * MB);
    bool told = sense_plan(s, plan_spills) != NULL;
    double goal = told || isnan(s->temp_file) ? 0 : power_above(SORT_IN_MEMORY * s->temp_file);
    goal = fmax(goal, power_above(4 * s->work_mem));
    goal = fmax(goal, 4 * MB);
    return fmin(goal, power_below(budget));
}

static bool fire_work_mem(const struct sense *s, struct setting_change *c)
{
    char rate[120];
    double budget = sense_memory_budget(s);
    if (!spills_measured(s) || swapping(s) || multiplier_need(s) > 0 || isnan(s->work_mem))
        return false;
    const struct plan_facts *p = fitting_plan(s, budget);
    double goal = work_mem_goal(s, budget, p);
    if (goal < 1.5 * s->work_mem)
        return false;
    say_spill_rate(s, rate, sizeof rate);
    if (p && p->sort_disk_kb > 0)
        SAY(c->evidence, "a sort wrote %s to disk; %s", size_figure(p->sort_disk_kb * KB).text,
            rate);
    else if (p)
        SAY(c->evidence, "a hash took %.0f batches of %s; %s", p->hash_batches,
            size_figure(p->hash_mem_kb * KB).text, rate);
    else
        SAY(c->evidence, "%s at work_mem %s", rate, size_figure(s->work_mem).text);
    memory_value(c->value, sizeof c->value, goal);
    SAY(c->why,
        "Sorts and hashes outgrow work_mem (%s) and go to temporary files. %s holds them in "
        "memory%s; %.0f active "
        "sessions leave room for %s a step.",
        size_figure(s->work_mem).text, c->value, p ? " as measured" : ", by the size of the files",
        s->peak, size_figure(budget).text);
    c->risk = goal > 128 * MB ? RISK_MEDIUM : RISK_LOW;
    expect_spill(s, c);
    return true;
}

static bool fire_hash_multiplier(const struct sense *s, struct setting_change *c)
{
    char rate[120];
    double factor = multiplier_need(s);
    const struct plan_facts *p = sense_plan(s, plan_spills);
    if (factor <= 0 || !p || swapping(s))
        return false;
    say_spill_rate(s, rate, sizeof rate);
    SAY(c->value, "%.0f", factor);
    SAY(c->evidence, "a hash took %.0f batches of %s, no sort went to disk; %s", p->hash_batches,
        size_figure(p->hash_mem_kb * KB).text, rate);
    SAY(c->why,
        "Only hashes outgrow their memory, %.3g times work_mem (%s). %s times gives them room and "
        "leaves sorts as they "
        "are.",
        s->hash_multiplier, size_figure(s->work_mem).text, c->value);
    c->risk = RISK_LOW;
    expect_spill(s, c);
    return true;
}

static bool fire_work_mem_down(const struct sense *s, struct setting_change *c)
{
    double all = s->work_mem * s->peak * 2;
    if (!swapping(s) || !(all > 0.25 * s->ram) || s->work_mem <= 4 * MB)
        return false;
    double goal = fmax(
        4 * MB, fmin(power_below(0.125 * s->ram / (s->peak * 2)), power_below(s->work_mem / 2)));
    memory_value(c->value, sizeof c->value, goal);
    SAY(c->evidence, "%.0f pages a second swapped in; %.0f sessions x 2 steps x %s of %s RAM",
        s->w.swap_in, s->peak, size_figure(s->work_mem).text, size_figure(s->ram).text);
    SAY(c->why,
        "The machine swaps, and work_mem lets the active sessions take %s; less memory a step is "
        "faster than "
        "memory on disk.",
        size_figure(all).text);
    c->risk = RISK_MEDIUM;
    c->expect_lo = 5;
    c->expect_hi = 50;
    return true;
}

static double nice_cache(double bytes)
{
    double step = bytes < 512 * MB ? 64 * MB : bytes < 4 * GB ? 256 * MB : GB;
    return ceil(bytes / step - 1e-9) * step;
}

/* What is written makes the database larger, as inserted rows and as room of dead ones: a load of inserts and updates by a third
 * to a half in ten minutes. A cache of its size of today would be too small before the session ends. */
static bool grows(const struct sense *s)
{
    return s->wal_rate > MB;
}

/* A quarter of the memory, but no more than the database can fill; of a database whose size is not
 * known, eight times what there is, as the next step to measure. */
static double cache_goal(const struct sense *s)
{
    double quarter = 0.25 * s->ram;
    double fills = (grows(s) ? 2.4 : 1.2) * s->database;
    double need = isnan(s->database) ? 8 * s->shared_buffers : fills;
    return need < quarter ? nice_cache(need) : floor(quarter / (64 * MB)) * 64 * MB;
}

/* Without the database's size first reads cannot be told from pages that did not fit, so more of
 * them must be seen. */
static bool cache_misses(const struct sense *s)
{
    if (!(s->read_rate > READS_PER_S))
        return false;
    if (isnan(s->database))
        return s->w.hit_ratio < 0.97;
    return s->w.hit_ratio < 0.99 && s->database > 0.9 * s->shared_buffers;
}

static bool fire_shared_buffers(const struct sense *s, struct setting_change *c)
{
    if (isnan(s->ram) || !(s->shared_buffers > 0) || swapping(s) || !cache_misses(s))
        return false;
    double goal = cache_goal(s);
    if (goal < 1.4 * s->shared_buffers)
        return false;
    memory_value(c->value, sizeof c->value, goal);
    SAY(c->evidence, "hit ratio %s, %s block reads/s past a cache of %s; database %s, RAM %s",
        share_figure(s->w.hit_ratio).text, count_figure(s->read_rate).text,
        size_figure(s->shared_buffers).text,
        isnan(s->database) ? "of unknown size" : size_figure(s->database).text,
        size_figure(s->ram).text);
    SAY(c->why,
        "The workload reads more than the shared cache holds. %s is %s, within a quarter of the "
        "memory.",
        c->value,
        isnan(s->database) ? "the next size to try"
        : grows(s)         ? "what this database can fill as it grows"
                           : "what this database can fill");
    double wait = sense_wait(s, "IO:DataFileRead");
    c->expect_lo = 1;
    c->expect_hi = fmax(8, ceil(wait > 0 ? 100 * 0.7 * wait / (1 - 0.7 * wait) : 8));
    c->risk = RISK_MEDIUM;
    return true;
}

static bool fire_shared_buffers_down(const struct sense *s, struct setting_change *c)
{
    if (!swapping(s) || !(s->shared_buffers > 0.4 * s->ram))
        return false;
    memory_value(c->value, sizeof c->value, floor(0.25 * s->ram / (64 * MB)) * 64 * MB);
    SAY(c->evidence, "%.0f pages a second swapped in; shared_buffers is %s of the %s of memory",
        s->w.swap_in, share_figure(s->shared_buffers / s->ram).text, size_figure(s->ram).text);
    SAY(c->why, "The machine swaps because the shared cache leaves too little for the sessions.");
    c->risk = RISK_MEDIUM;
    c->expect_lo = 5;
    c->expect_hi = 60;
    return true;
}

/* Dropping or emptying a relation walks through the whole cache, and so does each checkpoint. */
static bool fire_cache_oversized(const struct sense *s, struct setting_change *c)
{
    bool writes = s->wal_rate > 256 * KB || s->w.tup_written > 0.05 * s->w.commits;
    if (!(s->shared_buffers >= GB) || !(s->database < s->shared_buffers / 8) || !writes)
        return false;
    memory_value(c->value, sizeof c->value, nice_cache(fmax(128 * MB, 2 * s->database)));
    SAY(c->evidence, "shared_buffers %s for a database of %s, %s/s of WAL",
        size_figure(s->shared_buffers).text, size_figure(s->database).text,
        size_figure(s->wal_rate).text);
    SAY(c->why, "Nothing fills a cache of this size here, and whatever empties or drops a relation "
                "has to walk through it.");
    c->risk = RISK_MEDIUM;
    c->expect_lo = 0;
    c->expect_hi = 10;
    return true;
}

static bool fire_wal_buffers(const struct sense *s, struct setting_change *c)
{
    double now = sense_number(s, "wal_buffers");
    double full = s->w.wal_buffers_full / s->w.secs;
    if (!(full > 1) || now >= 64 * MB)
        return false;
    memory_value(c->value, sizeof c->value, now < 8 * MB || isnan(now) ? 16 * MB : 64 * MB);
    SAY(c->evidence, "the WAL buffers were full %s times in %.0f s (%.0f/s)",
        count_figure(s->w.wal_buffers_full).text, s->w.secs, full);
    SAY(c->why, "Sessions had to write WAL themselves because its buffers (%s) were full.",
        size_figure(now).text);
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = 5;
    return true;
}

static const struct rule rows[] = {
    {"swap_work_mem", "work_mem", "memory", fire_work_mem_down},
    {"swap_cache", "shared_buffers", "memory", fire_shared_buffers_down},
    {"spills", "work_mem", "memory", fire_work_mem},
    {"hash_spills", "hash_mem_multiplier", "memory", fire_hash_multiplier},
    {"cache_misses", "shared_buffers", "io", fire_shared_buffers},
    {"cache_oversized", "shared_buffers", "memory", fire_cache_oversized},
    {"wal_buffers_full", "wal_buffers", "checkpoints", fire_wal_buffers},
};

const struct rule_group rules_memory = {rows, (int)ARRAY_LEN(rows)};
