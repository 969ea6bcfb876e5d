/* Rules about the system that the server runs on. A change there reaches every program of the machine, so each wants a cause that
 * was measured, or a figure that speaks against the value in force whatever runs; what is worth little comes last by itself. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/rules.h"
#include "pgd/tuning/os.h"

#define MB 1048576.0
#define GB (1024.0 * MB)

#define SWAP_PAGES_PER_S 10.0
/* Written data that may wait in memory: from here on writing it out takes long enough to be felt. */
#define DIRTY_LARGE (4 * GB)
#define HUGE_CACHE (2 * GB)

static void expect(struct setting_change *c, double lo, double hi)
{
    c->expect_lo = lo;
    c->expect_hi = hi;
    c->risk = RISK_MEDIUM;
}

static bool fire_swappiness(const struct sense *s, const struct setting *now,
                            struct setting_change *c)
{
    double have = settings_number(&s->f->settings, now->name);
    bool swaps = s->w.swap_in > SWAP_PAGES_PER_S || s->w.swap_out > SWAP_PAGES_PER_S;
    if (!(have > 10) || !(s->f->host.swap_total > 0))
        return false;
    SAY(c->value, "%s", swaps ? "1" : "10");
    if (swaps)
        SAY(c->evidence, "%.0f pages/s from swap and %.0f to it, with swappiness %.0f",
            s->w.swap_in, s->w.swap_out, have);
    else
        SAY(c->evidence, "swappiness %.0f beside a database, with %s of swap", have,
            size_figure(s->f->host.swap_total).text);
    SAY(c->why, "The server's memory is worth more than cached files: it is not to be swapped out "
                "for them.");
    expect(c, swaps ? 2 : 0, swaps ? 20 : 2);
    return true;
}

/* How much may wait now, by the ratio in force; 0 where an amount is set. */
static double dirty_now(const struct sense *s, const struct setting *now)
{
    double ratio;
    size_t n = strlen(now->value);
    if (n < 2 || now->value[n - 1] != '%' || sscanf(now->value, "%lf", &ratio) != 1)
        return 0;
    return ratio / 100 * s->ram;
}

static double write_stalls(const struct sense *s)
{
    double waits = sense_wait(s, "IO:WALSync") + sense_wait(s, "IO:DataFileSync") +
                   sense_wait(s, "IO:DataFileFlush");
    return fmax(isnan(waits) ? 0 : waits, fmax(s->w.psi_io, s->w.cpu_iowait));
}

static bool fire_dirty(const struct sense *s, const struct setting *now, struct setting_change *c,
                       double large, const char *value)
{
    double may = dirty_now(s, now), stalls = write_stalls(s);
    bool writes = s->wal_rate > MB || s->w.disk_write_bps > 5 * MB;
    if (!(may >= large) || !writes || !(stalls > 0.1))
        return false;
    SAY(c->value, "%s", value);
    SAY(c->evidence, "%s of RAM is %s that may wait to be written; %s/s of WAL, stalls of %s",
        now->value, size_figure(may).text, size_figure(s->wal_rate).text,
        share_figure(stalls).text);
    SAY(c->why,
        "What gathers in memory is written all at once, and commits wait behind it. %s "
        "keeps the writing even.",
        value);
    expect(c, 0, ceil(fmin(15, 50 * stalls)));
    return true;
}

static bool fire_dirty_bytes(const struct sense *s, const struct setting *now,
                             struct setting_change *c)
{
    return fire_dirty(s, now, c, DIRTY_LARGE, "512MB");
}

static bool fire_dirty_background(const struct sense *s, const struct setting *now,
                                  struct setting_change *c)
{
    return fire_dirty(s, now, c, DIRTY_LARGE / 4, "64MB");
}

static bool fire_thp(const struct sense *s, const struct setting *now, struct setting_change *c)
{
    if (strcmp(now->value, "always") != 0)
        return false;
    SAY(c->value, "madvise");
    SAY(c->evidence, "transparent huge pages are \"always\"; %s of CPU time in the system",
        isnan(s->w.cpu_sys) ? "an unknown share" : share_figure(s->w.cpu_sys).text);
    SAY(c->why, "The system stalls programs to gather pages for them. The server asks for its huge "
                "pages itself.");
    expect(c, 0, s->w.cpu_sys > 0.25 ? 6 : 2);
    return true;
}

/* As the server works it out itself from 15 on; before that from its cache and what comes with it. */
static double pages_needed(const struct sense *s)
{
    double told = settings_number(&s->f->settings, "shared_memory_size_in_huge_pages");
    if (told > 0)
        return ceil(told);
    return ceil((s->shared_buffers * 1.05 + 64 * MB) / s->f->host.hugepage_bytes);
}

static bool fire_huge_pages(const struct sense *s, const struct setting *now,
                            struct setting_change *c)
{
    const struct host_facts *h = &s->f->host;
    double have = settings_number(&s->f->settings, now->name), need = pages_needed(s);
    if (!(s->shared_buffers >= HUGE_CACHE) || h->hugepages_used != 0 || !(need > have))
        return false;
    SAY(c->value, "%.0f", need);
    SAY(c->evidence,
        "shared_buffers %s in ordinary pages; %.0f huge pages of %s are needed, %.0f "
        "are set aside",
        size_figure(s->shared_buffers).text, need, size_figure(h->hugepage_bytes).text, have);
    SAY(c->why, "Each session keeps a table of the cache's pages: with huge ones it is a few "
                "hundred times smaller, and looking up an address is cheaper.");
    expect(c, 1, s->shared_buffers >= 8 * GB ? 8 : 5);
    return true;
}

/* Of the disk that the name is about. */
static const char *kind_of(const struct sense *s, const char *name)
{
    const struct disk_facts *disks[] = {&s->f->host.data, &s->f->host.wal};
    char device[64];
    size_t n = strcspn(name + strlen(OS_PREFIX "io."), ".");
    SAY(device, "%.*s", (int)n, name + strlen(OS_PREFIX "io."));
    for (size_t i = 0; i < ARRAY_LEN(disks); i++)
        if (device[0] && strncmp(disks[i]->device, device, strlen(device)) == 0)
            return disks[i]->kind;
    return "";
}

static bool waits_for_disk(const struct sense *s)
{
    return s->w.cpu_iowait > 0.1 || s->w.psi_io > 0.1 || s->w.disk_util > 0.5 ||
           sense_wait(s, "IO:DataFileRead") > 0.1;
}

static bool fire_scheduler(const struct sense *s, const struct setting *now,
                           struct setting_change *c)
{
    const char *kind = kind_of(s, now->name), *to = NULL;
    bool sorts = strcmp(now->value, "bfq") == 0 || strcmp(now->value, "cfq") == 0;
    if (strcmp(kind, "hdd") == 0 &&
        (strcmp(now->value, "none") == 0 || strcmp(now->value, "noop") == 0))
        to = "mq-deadline";
    else if (sorts && strcmp(kind, "nvme") == 0)
        to = "none";
    else if (sorts && kind[0])
        to = "mq-deadline";
    if (!to || !waits_for_disk(s))
        return false;
    SAY(c->value, "%s", to);
    SAY(c->evidence, "scheduler %s on a disk of kind %s, busy for %s; %s of CPU time waits for I/O",
        now->value, kind, share_figure(s->w.disk_util).text, share_figure(s->w.cpu_iowait).text);
    SAY(c->why, "%s",
        sorts ? "It shares the disk out between programs with care, and that takes "
                "time for each request."
              : "A disk that has to move its head is faster when requests are put "
                "into an order.");
    expect(c, 0, 8);
    return true;
}

static bool scans(const struct sense *s, const struct plan_facts *p)
{
    (void)s;
    return p->seq_scan_rows + p->seq_scan_rows_removed > 10000;
}

static bool fire_read_ahead(const struct sense *s, const struct setting *now,
                            struct setting_change *c)
{
    double have = settings_number(&s->f->settings, now->name);
    double asked = s->read_rate * 8192, share = sense_time_share(s, scans);
    double more = s->w.disk_read_bps / asked;
    if (!waits_for_disk(s) || !(s->w.disk_read_bps > 5 * MB))
        return false;
    if (share > 0.3 && have < 1024) {
        SAY(c->value, "4096");
        SAY(c->evidence,
            "read-ahead of %.0f kB; %s of the time in scans of whole tables, %s/s "
            "from the disk",
            have, share_figure(share).text, size_figure(s->w.disk_read_bps).text);
        SAY(c->why, "Who reads tables from end to end gains when more is fetched at a time.");
        expect(c, 1, strcmp(kind_of(s, now->name), "hdd") == 0 ? 25 : 10);
        return true;
    }
    if (!(have > 128) || !(more > 4) || share > 0.1)
        return false;
    SAY(c->value, "128");
    SAY(c->evidence, "read-ahead of %.0f kB; the disk gave %s/s where the server asked for %s/s",
        have, size_figure(s->w.disk_read_bps).text, size_figure(asked).text);
    SAY(c->why, "Pages are fetched here and there, and most of what is read ahead is not wanted.");
    expect(c, 1, 15);
    return true;
}

static bool fire_governor(const struct sense *s, const struct setting *now,
                          struct setting_change *c)
{
    bool saves = strcmp(now->value, "powersave") == 0 || strcmp(now->value, "ondemand") == 0 ||
                 strcmp(now->value, "conservative") == 0;
    if (!saves || !(s->w.cpu_idle < 0.8))
        return false;
    SAY(c->value, "performance");
    SAY(c->evidence, "governor %s with CPUs %s busy", now->value,
        share_figure(1 - s->w.cpu_idle).text);
    SAY(c->why, "The processors are not at their full speed while statements wait for them.");
    expect(c, 2, strcmp(now->value, "powersave") == 0 ? 25 : 10);
    return true;
}

static bool fire_numa(const struct sense *s, const struct setting *now, struct setting_change *c)
{
    if (strcmp(now->value, "1") != 0 || !(s->w.cpu_sys > 0.1))
        return false;
    SAY(c->value, "0");
    SAY(c->evidence, "kernel.numa_balancing is on; %s of CPU time in the system",
        share_figure(s->w.cpu_sys).text);
    SAY(c->why, "Pages of the shared cache are used from every node: moving them about is work for "
                "nothing.");
    expect(c, 0, 6);
    return true;
}

static bool fire_autogroup(const struct sense *s, const struct setting *now,
                           struct setting_change *c)
{
    if (strcmp(now->value, "1") != 0 || !(s->w.active_peak > 4 * s->cpus) || !cpu_saturated(s))
        return false;
    SAY(c->value, "0");
    SAY(c->evidence, "kernel.sched_autogroup_enabled is on; %.0f sessions at work on %.4g CPUs",
        s->w.active_peak, s->cpus);
    SAY(c->why, "The sessions of a server belong to one group, and share what one busy terminal "
                "gets alone.");
    expect(c, 0, 3);
    return true;
}

static const struct os_rule {
    const char *id;
    const char *row; /* of the table in tuning/os.c */
    const char *area;
    bool (*fire)(const struct sense *s, const struct setting *now, struct setting_change *c);
} rules[] = {
    {"os_swappiness", "vm.swappiness", "memory", fire_swappiness},
    {"os_dirty", "vm.dirty_bytes", "io", fire_dirty_bytes},
    {"os_dirty_background", "vm.dirty_background_bytes", "io", fire_dirty_background},
    {"os_thp", "thp.enabled", "memory", fire_thp},
    {"os_huge_pages", "vm.nr_hugepages", "memory", fire_huge_pages},
    {"os_scheduler", "io.*.scheduler", "io", fire_scheduler},
    {"os_read_ahead", "io.*.read_ahead_kb", "io", fire_read_ahead},
    {"os_governor", "cpu.governor", "parallel", fire_governor},
    {"os_numa", "kernel.numa_balancing", "memory", fire_numa},
    {"os_autogroup", "kernel.sched_autogroup_enabled", "parallel", fire_autogroup},
};

/* Would the guard let it through? */
static bool passes(const struct sense *s, const struct setting_change *c)
{
    struct guard_policy g = {.restart_possible = s->e->restart_allowed};
    struct review_line line = {.change = *c};
    guard_line(&line, s->f, &g);
    return line.refusal == REFUSE_NONE;
}

bool rules_os_fire(const struct sense *s, const struct setting *now, struct setting_change *c,
                   const char **area)
{
    const struct os_row *row = os_find(now->name);
    for (size_t i = 0; row && i < ARRAY_LEN(rules); i++) {
        if (strcmp(rules[i].row, row->name) != 0)
            continue;
        *c = (struct setting_change){.expect_lo = NAN, .expect_hi = NAN};
        SAY(c->name, "%s", now->name);
        SAY(c->rule, "%s", rules[i].id);
        *area = rules[i].area;
        return rules[i].fire(s, now, c) && passes(s, c);
    }
    return false;
}
