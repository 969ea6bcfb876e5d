/* Rules about plans: page costs, compilation, read-ahead, and costs that make no sense. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"

#define MB 1048576.0

/* A sequential scan of fewer rows is cheap whatever the planner believes. */
#define LARGE_SCAN_ROWS 10000.0

bool plan_discards(const struct sense *s, const struct plan_facts *p)
{
    double read = p->seq_scan_rows + p->seq_scan_rows_removed;
    (void)s;
    if (read < LARGE_SCAN_ROWS)
        return false;
    /* Thrown away by the scan's own filter, or by the join above it: then the estimate of a scan
     * without a filter beside index scans shows that the planner weighed the two. */
    return p->seq_scan_rows_removed > 0.9 * read ||
           (p->seq_scan_rows_removed <= 0 && p->index_scans > 0);
}

bool plan_jits(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->jit && p->jit_ms > 0.1 * p->exec_ms;
}

double jit_share(const struct sense *s)
{
    double sum = 0;
    for (int i = 0; i < s->e->nplans; i++)
        if (s->e->plans[i].valid && s->e->plans[i].jit)
            sum += sense_weight(s, &s->e->plans[i]) * s->e->plans[i].jit_ms;
    return s->plan_ms > 0 ? sum / s->plan_ms : 0;
}

bool cpu_saturated(const struct sense *s)
{
    return s->w.cpu_idle < 0.12;
}

/* How far page reads are from costing what the planner thinks: they come from memory, or from a
 * disk without a seek. */
static bool pages_cheap(const struct sense *s, const struct plan_facts *p, char *how, size_t size)
{
    const char *kind = s->f->host.known ? s->f->host.data.kind : "";
    double wait = sense_wait(s, "IO:DataFileRead");
    if (s->w.hit_ratio > 0.9)
        say(how, size, "%s of pages were in shared_buffers", share_figure(s->w.hit_ratio).text);
    else if (p->shared_hit > 9 * p->shared_read && p->shared_hit > 0)
        say(how, size, "%s of its %s pages were in shared_buffers",
            share_figure(p->shared_hit / (p->shared_hit + p->shared_read)).text,
            count_figure(p->shared_hit + p->shared_read).text);
    else if (wait < 0.05)
        say(how, size, "%s of waits are for data files", share_figure(wait).text);
    else if (strcmp(kind, "ssd") == 0 || strcmp(kind, "nvme") == 0)
        say(how, size, "the data lie on %s", kind);
    else
        return false;
    return true;
}

static bool fire_random_page_cost(const struct sense *s, struct setting_change *c)
{
    char how[80];
    double now = sense_number(s, "random_page_cost");
    double sequential = sense_number(s, "seq_page_cost");
    const struct plan_facts *p = sense_plan(s, plan_discards);
    if (!p || !(now > 1.5) || sequential > 2 || !pages_cheap(s, p, how, sizeof how))
        return false;
    double read = p->seq_scan_rows + p->seq_scan_rows_removed;
    SAY(c->value, "1.1");
    if (p->seq_scan_rows_removed > 0)
        SAY(c->evidence, "a scan of %s threw away %s of %s rows; %s", p->seq_scan_rel,
            share_figure(p->seq_scan_rows_removed / read).text, count_figure(read).text, how);
    else
        SAY(c->evidence, "a scan of %s hands all of its %s rows to a join; %s", p->seq_scan_rel,
            count_figure(read).text, how);
    SAY(c->why,
        "random_page_cost %.3g makes an index look dearer than it is: pages out of order were "
        "nearly as cheap as pages in "
        "order here.",
        now);
    /* An index leaves almost nothing of the time of such a scan. */
    double share = sense_time_share(s, plan_discards);
    c->expect_lo = floor(10 * share);
    c->expect_hi = fmax(5, ceil(100 * 0.9 * share / (1 - 0.9 * share)));
    c->risk = RISK_LOW;
    return true;
}

static bool fetches_much(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->index_rows > 20000;
}

/* The other way: pages out of order are priced below what any machine justifies, and indexes fetch what a scan would read
 * faster. */
static bool fire_index_cost(const struct sense *s, struct setting_change *c)
{
    double now = sense_number(s, "random_page_cost");
    double sequential = sense_number(s, "seq_page_cost");
    const struct plan_facts *p = sense_plan(s, fetches_much);
    double share = sense_time_share(s, fetches_much);
    if (!p || !(now < fmax(1, 1.05 * sequential)) || share < 0.1)
        return false;
    SAY(c->value, "%.4g", 4 * (sequential > 0.3 ? sequential : 1));
    SAY(c->evidence,
        "index scans of %s fetch %s rows one by one in a statement of %.0f ms; %s of the time",
        p->index_rel, count_figure(p->index_rows).text, p->exec_ms, share_figure(share).text);
    SAY(c->why,
        "random_page_cost %.3g prices a page out of order below one in order, so indexes are used "
        "where a scan, a "
        "bitmap or a hash is faster.",
        now);
    c->expect_lo = 0;
    c->expect_hi = ceil(100 * 0.6 * share / (1 - 0.6 * share));
    c->risk = RISK_LOW;
    return true;
}

static bool fire_effective_cache_size(const struct sense *s, struct setting_change *c)
{
    double now = sense_number(s, "effective_cache_size");
    const struct plan_facts *p = sense_plan(s, plan_discards);
    bool matters = isnan(s->database) ? now < 0.25 * s->ram : now < s->database;
    if (!p || !(now < 0.5 * s->ram) || !matters)
        return false;
    double goal = floor(0.75 * s->ram / (64 * MB)) * 64 * MB;
    if (goal < 2 * now)
        return false;
    memory_value(c->value, sizeof c->value, goal);
    SAY(c->evidence,
        "the planner assumes %s of cache on a machine of %s; a scan of %s reads %s rows",
        size_figure(now).text, size_figure(s->ram).text, p->seq_scan_rel,
        count_figure(p->seq_scan_rows + p->seq_scan_rows_removed).text);
    SAY(c->why, "Repeated index reads look dearer to the planner than they are; the value "
                "allocates nothing.");
    c->risk = RISK_LOW;
    c->expect_lo = 0;
    c->expect_hi = fmax(3, ceil(20 * sense_time_share(s, plan_discards)));
    return true;
}

static void expect_jit(const struct sense *s, struct setting_change *c)
{
    double share = fmin(jit_share(s), 0.9);
    c->expect_lo = floor(50 * share);
    c->expect_hi = fmax(c->expect_lo + 2, ceil(100 * share / (1 - share)));
    c->risk = RISK_LOW;
}

static void say_jit(const struct plan_facts *p, struct setting_change *c)
{
    SAY(c->evidence, "compiling took %.1f of the %.1f ms of a statement (%s) of cost %s", p->jit_ms,
        p->exec_ms, share_figure(p->jit_ms / p->exec_ms).text, count_figure(p->total_cost).text);
}

/* Compilation loses for good when it takes a third of a statement that it was meant to speed up. */
static bool jit_loses(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->jit && p->jit_ms > 0.3 * p->exec_ms;
}

static bool fire_jit(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *p = sense_plan(s, jit_loses);
    if (!p || !sense_on(s, "jit", true) || jit_share(s) < 0.01)
        return false;
    SAY(c->value, "off");
    say_jit(p, c);
    SAY(c->why,
        "Statements are compiled that end before compiling has paid; %s of all execution time goes "
        "there.",
        share_figure(jit_share(s)).text);
    expect_jit(s, c);
    return true;
}

static bool fire_jit_above_cost(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *p = sense_plan(s, plan_jits);
    if (!p || sense_plan(s, jit_loses) || !sense_on(s, "jit", true) || jit_share(s) < 0.01)
        return false;
    double highest = 0;
    for (int i = 0; i < s->e->nplans; i++)
        if (s->e->plans[i].valid && plan_jits(s, &s->e->plans[i]))
            highest = fmax(highest, s->e->plans[i].total_cost);
    double power = pow(10, floor(log10(fmax(highest, 1))));
    double goal = power * ceil(2 * highest / power);
    if (!(goal > sense_number(s, "jit_above_cost")))
        return false;
    SAY(c->value, "%.0f", goal);
    say_jit(p, c);
    SAY(c->why, "Compiling costs these statements more than a tenth of their time; above their "
                "cost it may still pay.");
    expect_jit(s, c);
    return true;
}

static bool fire_io_concurrency(const struct sense *s, struct setting_change *c)
{
    const char *kind = s->f->host.known ? s->f->host.data.kind : "";
    bool flash = strcmp(kind, "ssd") == 0 || strcmp(kind, "nvme") == 0;
    double now = sense_number(s, "effective_io_concurrency");
    double wait = sense_wait(s, "IO:DataFileRead");
    if (!(wait > 0.1) || !(now < (flash ? 16 : 2)))
        return false;
    SAY(c->value, "%d", flash ? 200 : 2);
    SAY(c->evidence, "%s of the active sessions' time waits for data files; %.0f reads ahead on %s",
        share_figure(wait).text, now, *kind ? kind : "this disk");
    SAY(c->why,
        "Bitmap scans ask for one page after the other; this disk can serve several at a time.");
    c->expect_lo = 0;
    c->expect_hi = ceil(30 * wait);
    c->risk = RISK_LOW;
    return true;
}

/* Costs outside of what any machine justifies, as they make plans that were measured here. */
static const struct odd {
    const char *setting;
    double low, high;
    const char *usual;
} odd[] = {
    {"seq_page_cost", 0.3, 2.5, "1"},
    {"cpu_tuple_cost", 0.002, 0.06, "0.01"},
    {"cpu_index_tuple_cost", 0.001, 0.03, "0.005"},
    {"cpu_operator_cost", 0.0005, 0.015, "0.0025"},
    {"random_page_cost", 0.5, 8, "1.1"},
    {"jit_above_cost", 20000, HUGE_VAL, "100000"},
};

static bool fire_odd(const struct sense *s, struct setting_change *c)
{
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        double now = sense_number(s, odd[i].setting);
        if (strcmp(odd[i].setting, c->name) != 0 || !(now >= 0) || !(s->plan_ms > 0) ||
            (now >= odd[i].low && now <= odd[i].high))
            continue;
        bool compiles = sense_on(s, "jit", true) && jit_share(s) > 0 && !sense_plan(s, jit_loses);
        if (strcmp(c->name, "jit_above_cost") == 0 && !compiles)
            continue;
        SAY(c->value, "%s", odd[i].usual);
        SAY(c->evidence,
            "%s is %.4g, usual is %s; the workload's %d plans were made with it and ran %.1f ms",
            c->name, now, odd[i].usual, s->e->nplans, s->plan_ms);
        SAY(c->why,
            "This price is out of proportion to the others, so plans are chosen by it alone.");
        c->expect_lo = 0;
        c->expect_hi = 30;
        c->risk = RISK_LOW;
        return true;
    }
    return false;
}

static const struct rule rows[] = {
    {"jit_loses", "jit", "jit", fire_jit},
    {"jit_dear", "jit_above_cost", "jit", fire_jit_above_cost},
    {"odd_cost", "jit_above_cost", "jit", fire_odd},
    {"index_fetches", "random_page_cost", "planner", fire_index_cost},
    {"scans_discard", "random_page_cost", "planner", fire_random_page_cost},
    {"odd_cost", "random_page_cost", "planner", fire_odd},
    {"odd_cost", "seq_page_cost", "planner", fire_odd},
    {"odd_cost", "cpu_tuple_cost", "planner", fire_odd},
    {"odd_cost", "cpu_index_tuple_cost", "planner", fire_odd},
    {"odd_cost", "cpu_operator_cost", "planner", fire_odd},
    {"cache_assumed", "effective_cache_size", "planner", fire_effective_cache_size},
    {"read_ahead", "effective_io_concurrency", "io", fire_io_concurrency},
};

const struct rule_group rules_planner = {rows, (int)ARRAY_LEN(rows)};
