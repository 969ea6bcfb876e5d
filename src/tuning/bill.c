/* The memory bill.
 *
 * Measured: shared memory, the autovacuum workers, and for each process at work (the measured peak of active
 * sessions and the parallel workers that they can get) two plan steps, one sort at work_mem and one hash at
 * work_mem x hash_mem_multiplier, and 10 MB of its own. Worst: the same with every connection in use, and
 * temporary buffers full. */
#include "pgd/tuning/bill.h"

#include <math.h>
#include <string.h>

#include "pgd/base/mem.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)
#define PROCESS_BYTES (10 * MB)
#define SHARE \
    0.9 /* of the memory; the rest is for the system and for what the bill does not know */

static double number(const struct server_facts *f, const char *name, double otherwise)
{
    double value = settings_number(&f->settings, name);
    return isnan(value) ? otherwise : value;
}

/* The server's own choice for wal_buffers = -1. */
static double wal_buffers_auto(double shared_buffers)
{
    return fmin(fmax(shared_buffers / 32, 64 * KB), 16 * MB);
}

void bill_terms_read(struct bill_terms *t, const struct server_facts *f)
{
    t->shared_buffers = number(f, "shared_buffers", 128 * MB);
    t->wal_buffers = number(f, "wal_buffers", -1);
    t->work_mem = number(f, "work_mem", 4 * MB);
    t->hash_mem_multiplier = number(f, "hash_mem_multiplier", 1);
    t->temp_buffers = number(f, "temp_buffers", 8 * MB);
    t->maintenance_work_mem = number(f, "maintenance_work_mem", 64 * MB);
    t->autovacuum_work_mem = number(f, "autovacuum_work_mem", -1);
    t->autovacuum_max_workers = number(f, "autovacuum_max_workers", 3);
    t->max_connections = number(f, "max_connections", 100);
    t->parallel_per_gather = number(f, "max_parallel_workers_per_gather", 2);
    t->parallel_workers = number(f, "max_parallel_workers", 8);
}

void bill_terms_line(struct bill_terms *t, const struct review_line *line,
                     const struct server_facts *f)
{
    struct {
        const char *name;
        double *term;
    } terms[] = {
        {"shared_buffers", &t->shared_buffers},
        {"wal_buffers", &t->wal_buffers},
        {"work_mem", &t->work_mem},
        {"hash_mem_multiplier", &t->hash_mem_multiplier},
        {"temp_buffers", &t->temp_buffers},
        {"maintenance_work_mem", &t->maintenance_work_mem},
        {"autovacuum_work_mem", &t->autovacuum_work_mem},
        {"autovacuum_max_workers", &t->autovacuum_max_workers},
        {"max_connections", &t->max_connections},
        {"max_parallel_workers_per_gather", &t->parallel_per_gather},
        {"max_parallel_workers", &t->parallel_workers},
    };
    const struct setting *s = settings_find(&f->settings, line->change.name);
    if (!s)
        return;
    for (size_t i = 0; i < ARRAY_LEN(terms); i++) {
        double value;
        char shown[SETTING_VALUE_MAX];
        if (strcmp(terms[i].name, line->change.name) != 0)
            continue;
        /* Where a reset leads is not known for sure; the compiled-in default is the best guess. */
        if (guard_value(s, line->change.reset ? s->boot : line->send, &value, shown, sizeof shown,
                        NULL))
            *terms[i].term = value;
    }
}

/* `sessions` at work at the same time. */
static double bill(const struct bill_terms *t, double sessions)
{
    double wal = t->wal_buffers < 0 ? wal_buffers_auto(t->shared_buffers) : t->wal_buffers;
    double vacuum = t->autovacuum_work_mem < 0 ? t->maintenance_work_mem : t->autovacuum_work_mem;
    double helpers = fmin(sessions * fmax(t->parallel_per_gather, 0), fmax(t->parallel_workers, 0));
    double steps = t->work_mem * (1 + fmax(t->hash_mem_multiplier, 1));
    return t->shared_buffers + wal + vacuum * t->autovacuum_max_workers +
           (sessions + helpers) * (steps + PROCESS_BYTES);
}

double bill_worst(const struct bill_terms *t)
{
    return bill(t, t->max_connections) + t->max_connections * t->temp_buffers;
}

double bill_peak(const struct guard_policy *g)
{
    double peak = isnan(g->peak_active) ? g->clients : g->peak_active;
    return isnan(peak) ? 1 : fmax(peak, 1);
}

double bill_sessions(const struct bill_terms *t, const struct guard_policy *g)
{
    return fmin(bill_peak(g), fmax(t->max_connections, 1));
}

double bill_measured(const struct bill_terms *t, const struct guard_policy *g)
{
    return bill(t, bill_sessions(t, g));
}

double bill_memory(const struct server_facts *f)
{
    if (!f->host.known || !(f->host.mem_total > 0))
        return NAN;
    double limit = f->host.cgroup_mem_limit;
    return limit > 0 ? fmin(f->host.mem_total, limit) : f->host.mem_total;
}

double bill_room(const struct server_facts *f, double now)
{
    double room = SHARE * bill_memory(f);
    if (isnan(room) || f->host.overcommit != 2 || !(f->host.commit_limit > 0))
        return room;
    room = fmin(room, SHARE * f->host.commit_limit);
    /* What others have reserved already is gone; our own share of it is in `now`. */
    if (f->host.committed >= 0)
        room = fmin(room, now + fmax(f->host.commit_limit - f->host.committed, 0));
    return room;
}
