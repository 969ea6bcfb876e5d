/* Rules about parallel statements: workers that queue for busy CPUs, CPUs that stand idle beside long statements, statements
 * too short for workers, and workers that were planned and could not be had. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"

/* Starting workers and collecting their rows takes some milliseconds. */
static const double short_ms = 15, long_ms = 20;
/* A whole CPU's half, idle on the average, is worth a worker. */
static const double idle_cpus = 0.5;

bool plan_parallel(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->workers_launched > 0 || p->workers_planned > 0;
}

static double active(const struct sense *s)
{
    return isnan(s->w.active_avg) ? s->clients : s->w.active_avg;
}

/* Costly enough that the planner would take workers, if not now then with other costs. */
static bool may_go_parallel(const struct sense *s, const struct plan_facts *p)
{
    return plan_parallel(s, p) || (p->total_cost > 1000 && p->exec_ms > 1 && p->seq_scans > 0);
}

static bool fire_workers_queue(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *p = sense_plan(s, plan_parallel);
    const struct plan_facts *might = p ? p : sense_plan(s, may_go_parallel);
    /* Workers and their leaders are all active: more of them than CPUs at work means that they
     * queue. */
    if (!might || !(sense_number(s, "max_parallel_workers_per_gather") > 0) || !cpu_saturated(s) ||
        !(fmax(active(s), s->clients) > s->cpus))
        return false;
    SAY(c->value, "0");
    c->risk = RISK_LOW;
    if (!p) {
        SAY(c->evidence,
            "%.0f clients, %.1f active on %.0f CPUs that are %s idle; a statement of cost %s may "
            "get workers",
            s->clients, active(s), s->cpus, share_figure(s->w.cpu_idle).text,
            count_figure(might->total_cost).text);
        SAY(c->why, "All CPUs are busy with sessions already: whatever plan comes to be chosen, "
                    "workers would take a CPU "
                    "from somebody else.");
        c->expect_lo = 0;
        c->expect_hi = 4;
        return true;
    }
    SAY(c->evidence,
        "workers in a plan: %.0f; %.0f clients, %.1f active on %.0f CPUs that are %s idle",
        fmax(p->workers_launched, p->workers_planned), s->clients, active(s), s->cpus,
        share_figure(s->w.cpu_idle).text);
    SAY(c->why, "All CPUs are busy with sessions: workers add start-up and messages, and take a "
                "CPU from somebody else.");
    double share = sense_time_share(s, plan_parallel);
    c->expect_lo = 0;
    c->expect_hi = fmax(4, ceil(100 * 0.25 * share));
    c->risk = RISK_LOW;
    return true;
}

static bool short_parallel(const struct sense *s, const struct plan_facts *p)
{
    return plan_parallel(s, p) && p->exec_ms < short_ms;
}

static bool fire_workers_start(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *p = sense_plan(s, short_parallel);
    double share = sense_time_share(s, short_parallel);
    if (!p || share < 0.2 || !(sense_number(s, "max_parallel_workers_per_gather") > 0))
        return false;
    SAY(c->value, "0");
    SAY(c->evidence,
        "a statement with %.0f workers ends after %.1f ms; such statements are %s of the time",
        fmax(p->workers_launched, p->workers_planned), p->exec_ms, share_figure(share).text);
    SAY(c->why,
        "Starting workers takes milliseconds, as long as these statements need without them.");
    c->expect_lo = 0;
    c->expect_hi = ceil(100 * share);
    c->risk = RISK_LOW;
    return true;
}

static bool long_scan(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    double rows = p->seq_scan_rows + p->seq_scan_rows_removed;
    return p->workers_planned <= 0 && p->exec_ms > long_ms && rows > 50000;
}

static bool cpus_unused(const struct sense *s)
{
    return s->cpus >= 2 && s->w.cpu_idle * s->cpus >= idle_cpus && active(s) < s->cpus;
}

/* Workers for each of the sessions at work, so that all CPUs have something to do. */
static double workers_goal(const struct sense *s)
{
    return fmax(1, fmin(4, rint(s->cpus / fmax(1, active(s))) - 1));
}

static bool fire_cpus_idle(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *p = sense_plan(s, long_scan);
    double now = sense_number(s, "max_parallel_workers_per_gather");
    double goal = workers_goal(s);
    if (!p || !cpus_unused(s) || !(now < goal) || now > 1)
        return false;
    SAY(c->value, "%.0f", goal);
    SAY(c->evidence,
        "CPUs %s idle, %.1f sessions active on %.0f CPUs; a scan of %s reads %s rows in %.0f ms "
        "alone",
        share_figure(s->w.cpu_idle).text, active(s), s->cpus, p->seq_scan_rel,
        count_figure(p->seq_scan_rows + p->seq_scan_rows_removed).text, p->exec_ms);
    SAY(c->why,
        "Few sessions leave CPUs idle while long scans run on one; workers could share them.");
    double share = sense_time_share(s, long_scan);
    double most = fmin(goal, s->w.cpu_idle * s->cpus / fmax(1, active(s)));
    c->expect_lo = floor(15 * share);
    c->expect_hi = fmax(5, ceil(100 * share * most));
    c->risk = RISK_LOW;
    return true;
}

static bool lacks_workers(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->workers_launched < p->workers_planned;
}

/* A pool of workers that is empty, or too small for what the plans ask for. */
static bool fire_workers_missing(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *scan = sense_plan(s, long_scan), *lacks = sense_plan(s, lacks_workers);
    double now = sense_number(s, "max_parallel_workers");
    double goal = fmax(2, fmin(8, s->cpus * 2));
    bool empty = scan && now < 2 && workers_goal(s) > now;
    if (!cpus_unused(s) || !(now < goal) || !(empty || (lacks && !cpu_saturated(s))))
        return false;
    SAY(c->value, "%.0f", goal);
    if (empty)
        SAY(c->evidence,
            "max_parallel_workers is %.0f with CPUs %s idle; a scan of %s takes %.0f ms alone", now,
            share_figure(s->w.cpu_idle).text, scan->seq_scan_rel, scan->exec_ms);
    else
        SAY(c->evidence, "%.0f of %.0f planned workers were launched, max_parallel_workers is %.0f",
            lacks->workers_launched, lacks->workers_planned, now);
    SAY(c->why, "No parallel plan gets its workers while the pool that all share is this small.");
    c->expect_lo = 0;
    c->expect_hi = fmax(5, ceil(60 * sense_time_share(s, empty ? long_scan : lacks_workers)));
    c->risk = RISK_LOW;
    return true;
}

static bool fire_processes_missing(const struct sense *s, struct setting_change *c)
{
    const struct plan_facts *scan = sense_plan(s, long_scan), *lacks = sense_plan(s, lacks_workers);
    double now = sense_number(s, "max_worker_processes");
    const struct plan_facts *p = lacks ? lacks : scan;
    if (!p || !cpus_unused(s) || !(now < 2))
        return false;
    SAY(c->value, "8");
    SAY(c->evidence,
        "max_worker_processes is %.0f, workers launched: %.0f in a statement of %.0f ms", now,
        p->workers_launched, p->exec_ms);
    SAY(c->why, "Parallel workers are background processes, and there may be next to none.");
    c->expect_lo = 0;
    c->expect_hi = 40;
    c->risk = RISK_MEDIUM;
    return true;
}

static const struct rule rows[] = {
    {"workers_queue", "max_parallel_workers_per_gather", "parallel", fire_workers_queue},
    {"workers_start", "max_parallel_workers_per_gather", "parallel", fire_workers_start},
    {"cpus_idle", "max_parallel_workers_per_gather", "parallel", fire_cpus_idle},
    {"workers_missing", "max_parallel_workers", "parallel", fire_workers_missing},
    {"processes_missing", "max_worker_processes", "parallel", fire_processes_missing},
};

const struct rule_group rules_parallel = {rows, (int)ARRAY_LEN(rows)};
