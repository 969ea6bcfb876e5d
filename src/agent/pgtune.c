/* pgtune's answer for a machine, as a comparison arm: the formulas of le0pard/pgtune (bf2870b), in kB with integer
 * division as there.
 *
 * Left out is what this program does not set at all (max_connections, wal_level, max_wal_senders), what this server does
 * not have, and a max_wal_size that its disk could not hold. The connections it counts with are the server's own. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/advisor.h"
#include "pgd/base/text.h"

enum { KB_PER_MB = 1024, KB_PER_GB = 1024 * 1024 };

/* The columns of pgtune's tables. */
struct kind {
    const char *name;
    long connections;
    long shared_buffers;       /* RAM divided by */
    long cache_num, cache_den; /* effective_cache_size as a fraction of RAM */
    long maintenance;          /* RAM divided by */
    long min_wal, max_wal;     /* MB */
    long statistics;
    long work; /* work_mem divided by */
    bool jit_off;
};

static const struct kind kinds[] = {
    {"web", 200, 4, 3, 4, 16, 1024, 4096, 100, 1, true},
    {"oltp", 300, 4, 3, 4, 16, 2048, 8192, 100, 1, true},
    {"dw", 40, 4, 3, 4, 8, 4096, 16384, 500, 2, false},
    {"desktop", 20, 16, 1, 4, 16, 100, 2048, 100, 6, false},
    {"mixed", 100, 4, 3, 4, 16, 1024, 4096, 100, 2, true},
};

enum fit { FIT_MID, FIT_IN_RAM, FIT_LARGER };

struct machine {
    const struct server_facts *f;
    const struct kind *kind;
    long ram; /* kB */
    long cpus;
    long connections;
    enum fit fit;
    struct arm *out;
};

/* Only what the server has, and what this program may set. */
static void put(const struct machine *m, const char *name, const char *value)
{
    const struct knob *k = knob_find(name);
    const struct setting *s = settings_find(&m->f->settings, name);
    char shown[SETTING_VALUE_MAX];
    if (k && s && m->f->id.version_num >= k->min_version &&
        guard_value(s, value, NULL, shown, sizeof shown, NULL))
        arm_set(m->out, name, true, shown);
}

static void put_kb(const struct machine *m, const char *name, long kb)
{
    char text[32];
    if (kb % KB_PER_GB == 0)
        snprintf(text, sizeof text, "%ldGB", kb / KB_PER_GB);
    else if (kb % KB_PER_MB == 0)
        snprintf(text, sizeof text, "%ldMB", kb / KB_PER_MB);
    else
        snprintf(text, sizeof text, "%ldkB", kb);
    put(m, name, text);
}

static void put_number(const struct machine *m, const char *name, long value)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", value);
    put(m, name, text);
}

static long least(long a, long b)
{
    return a < b ? a : b;
}

static void memory(const struct machine *m)
{
    const struct kind *k = m->kind;
    long shared = m->ram / k->shared_buffers;
    long maintenance = least(m->ram / k->maintenance, 8L * KB_PER_GB);
    long wal_buffers = least(3 * shared / 100, 16 * KB_PER_MB);
    if (wal_buffers > 14 * KB_PER_MB)
        wal_buffers = 16 * KB_PER_MB;
    if (wal_buffers < 32)
        wal_buffers = 32;
    long processes = m->cpus >= 4 ? m->cpus : 8;
    double work = (double)(m->ram - shared) / (double)((m->connections + processes) * 3);
    work = floor(work / (double)k->work);
    if (m->fit != FIT_MID)
        work = floor(work * (m->fit == FIT_IN_RAM ? 1.3 : 0.9));
    put_kb(m, "shared_buffers", shared);
    put_kb(m, "effective_cache_size", m->ram * k->cache_num / k->cache_den);
    put_kb(m, "maintenance_work_mem", maintenance);
    if (maintenance >= 2L * KB_PER_GB)
        put_kb(m, "autovacuum_work_mem", 2L * KB_PER_GB);
    put_kb(m, "wal_buffers", wal_buffers);
    put_kb(m, "work_mem", work < 4096 ? 4096 : (long)work);
    put(m, "huge_pages", shared >= 2L * KB_PER_GB ? "try" : "off");
}

static void wal(const struct machine *m)
{
    const struct disk_facts *disk = m->f->host.wal.total_bytes > 0 ? &m->f->host.wal
                                                                   : &m->f->host.data;
    bool known = disk->total_bytes > 0 && disk->free_bytes >= 0;
    bool room = !known || (double)m->kind->max_wal * 1024 * 1024 <= 0.5 * disk->free_bytes;
    put(m, "checkpoint_completion_target", "0.9");
    if (room) {
        put_kb(m, "min_wal_size", m->kind->min_wal * KB_PER_MB);
        put_kb(m, "max_wal_size", m->kind->max_wal * KB_PER_MB);
    }
    const struct setting *s = settings_find(&m->f->settings, "wal_compression");
    if (s && strcmp(s->vartype, "bool") != 0)
        put(m, "wal_compression", strstr(s->enumvals, "lz4") ? "lz4" : "pglz");
    else
        put(m, "wal_compression", "on");
}

static void disk_costs(const struct machine *m)
{
    const char *kind = m->f->host.data.kind;
    bool hdd = strcmp(kind, "hdd") == 0;
    bool slow = hdd || strcmp(m->kind->name, "dw") == 0;
    put(m, "random_page_cost", m->fit != FIT_IN_RAM && slow ? "4" : "1.1");
    put(m, "effective_io_concurrency", hdd ? "2" : strcmp(kind, "nvme") == 0 ? "1000" : "200");
    put_number(m, "default_statistics_target", m->kind->statistics);
    if (m->kind->jit_off)
        put(m, "jit", "off");
}

static void processes(const struct machine *m)
{
    long half = (m->cpus + 1) / 2;
    if (m->cpus >= 4) {
        put_number(m, "max_worker_processes", m->cpus);
        put_number(m, "max_parallel_workers_per_gather",
                   strcmp(m->kind->name, "dw") == 0 ? half : least(half, 4));
        put_number(m, "max_parallel_workers", m->cpus);
        put_number(m, "max_parallel_maintenance_workers", least(half, 4));
    }
    if (m->cpus >= 16)
        put_number(m, "autovacuum_max_workers", m->cpus >= 32 ? 5 : 4);
    put(m, "io_method",
        "io_uring"); /* where the server was not built with it, its enum refuses the value */
}

static enum fit fit_of(const struct server_facts *f, double ram_bytes)
{
    for (int i = 0; i < f->ndatabases && i < DATABASES_MAX; i++)
        if (strcmp(f->databases[i].name, f->id.database) == 0 && f->databases[i].bytes >= 0)
            return f->databases[i].bytes <= ram_bytes ? FIT_IN_RAM : FIT_LARGER;
    return FIT_MID;
}

void pgtune_arm(const struct server_facts *f, const char *type, struct arm *out)
{
    memset(out, 0, sizeof *out);
    text_copy_raw(out->label, sizeof out->label, "pgtune");
    struct machine m = {.f = f, .kind = &kinds[ARRAY_LEN(kinds) - 1], .out = out};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (type && strcmp(kinds[i].name, type) == 0)
            m.kind = &kinds[i];
    double ram = f->host.mem_total;
    if (f->host.cgroup_mem_limit > 0 && f->host.cgroup_mem_limit < ram)
        ram = f->host.cgroup_mem_limit;
    if (!f->host.known || !(ram > 0) || ram > 1e18)
        return;
    double cpus = f->host.cpus;
    if (f->host.cgroup_cpus > 0 && f->host.cgroup_cpus < cpus)
        cpus = ceil(f->host.cgroup_cpus);
    double connections = settings_number(&f->settings, "max_connections");
    m.ram = (long)(ram / 1024);
    m.cpus = cpus >= 1 ? (long)cpus : 1;
    m.connections = connections >= 1 ? (long)connections : m.kind->connections;
    m.fit = fit_of(f, ram);
    memory(&m);
    wal(&m);
    disk_costs(&m);
    processes(&m);
}
