/* The evidence made ready for rules: see sense.h. Pure arithmetic over what was measured; no rule
 * stands here. */
#include "pgd/agent/sense.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)

static const struct server_facts nobody;

/* Zero in the facts of a server that nobody filled in means unknown. */
static double known(double x)
{
    return x > 0 ? x : NAN;
}

static double lower(double a, double b)
{
    if (isnan(a))
        return b;
    return isnan(b) || a < b ? a : b;
}

static struct window unknown_window(void)
{
    struct window w = {0};
    w.secs = w.commits = w.rollbacks = w.tps = NAN;
    w.blks_hit = w.blks_read = w.hit_ratio = NAN;
    w.tup_returned = w.tup_fetched = w.tup_written = NAN;
    w.temp_files = w.temp_bytes = w.deadlocks = NAN;
    w.ckpt_timed = w.ckpt_req = w.buffers_backend = w.buffers_ckpt = w.buffers_clean = NAN;
    w.wal_bytes = w.wal_fpi = w.wal_records = w.wal_buffers_full = NAN;
    w.active_avg = w.active_peak = w.lock_wait_share = NAN;
    w.cpu_user = w.cpu_sys = w.cpu_iowait = w.cpu_idle = w.cpu_steal = w.run_queue = NAN;
    w.mem_available_min = w.disk_read_bps = w.disk_write_bps = w.disk_await_ms = w.disk_util = NAN;
    w.psi_cpu = w.psi_io = w.psi_mem = w.swap_in = w.swap_out = w.net_bps = NAN;
    return w;
}

static void take_window(struct sense *s)
{
    const struct evidence *e = s->e;
    const struct window *from = NULL;
    if (e->best && e->best->valid)
        from = e->best;
    else if (e->base && e->base->valid)
        from = e->base;
    s->measured = from != NULL;
    if (!from && e->now && e->now->valid)
        from = e->now;
    s->w = from ? *from : unknown_window();
    double secs = known(s->w.secs);
    s->temp_rate = s->w.temp_bytes / secs;
    s->temp_file = s->w.temp_files > 0 ? s->w.temp_bytes / s->w.temp_files : NAN;
    s->read_rate = s->w.blks_read / secs;
    s->wal_rate = s->w.wal_bytes / secs;
}

static double database_bytes(const struct sense *s)
{
    const struct server_facts *f = s->f;
    const char *name = s->e->plan && s->e->plan->database[0] ? s->e->plan->database
                                                             : f->id.database;
    for (int i = 0; i < f->ndatabases; i++)
        if (strcmp(f->databases[i].name, name) == 0)
            return known(f->databases[i].bytes);
    return NAN;
}

void sense_init(struct sense *s, const struct evidence *e)
{
    memset(s, 0, sizeof *s);
    s->e = e;
    s->f = e->server ? e->server : &nobody;
    take_window(s);
    const struct host_facts *h = &s->f->host;
    s->ram = lower(known(h->mem_total), known(h->cgroup_mem_limit));
    s->cpus = lower(known(h->cpus), known(h->cgroup_cpus));
    if (!h->known)
        s->ram = s->cpus = NAN;
    s->clients = e->plan ? known(e->plan->clients) : NAN;
    s->peak = known(s->w.active_peak);
    if (isnan(s->peak))
        s->peak = isnan(s->clients) ? known(s->f->runtime.sessions_active) : s->clients;
    if (isnan(s->peak))
        s->peak = isnan(s->cpus) ? 8 : 2 * s->cpus;
    s->database = database_bytes(s);
    s->shared_buffers = sense_number(s, "shared_buffers");
    s->work_mem = sense_number(s, "work_mem");
    s->hash_multiplier = sense_number(s, "hash_mem_multiplier");
    if (!(s->hash_multiplier >= 1))
        s->hash_multiplier = 1;
    for (int i = 0; i < e->nplans; i++)
        if (e->plans[i].valid && e->plans[i].exec_ms > 0)
            s->plan_ms += sense_weight(s, &e->plans[i]) * e->plans[i].exec_ms;
}

enum sense_block sense_blocked(const struct sense *s)
{
    if (sense_wait(s, "Timeout:PgSleep") > 0.5)
        return BLOCK_SLEEP;
    if (s->e->client_cpu > 0.9)
        return BLOCK_CLIENT;
    if (s->w.lock_wait_share > 0.5 || sense_wait(s, "Lock:") > 0.5)
        return BLOCK_LOCKS;
    /* A server with clients of its own is idle for most of the time: its statements may be slow all the same. */
    bool benchmark = !(s->e->plan && s->e->plan->observe);
    if (s->measured && benchmark && s->w.active_avg < 0.1 * s->clients && s->w.cpu_idle > 0.8)
        return BLOCK_THINK;
    return BLOCK_NONE;
}

static const struct entry *our_entry(const struct sense *s, const char *name)
{
    const struct arm *a = s->e->best_arm;
    for (int i = 0; a && i < a->n; i++)
        if (strcmp(a->entries[i].name, name) == 0)
            return a->entries[i].present ? &a->entries[i] : NULL;
    return NULL;
}

bool sense_ours(const struct sense *s, const char *name)
{
    return our_entry(s, name) != NULL;
}

double sense_value(const struct sense *s, const char *name, const char *text)
{
    const struct setting *known_setting = settings_find(&s->f->settings, name);
    char shown[SETTING_VALUE_MAX];
    double number;
    if (known_setting && guard_value(known_setting, text, &number, shown, sizeof shown, NULL))
        return number;
    return text_double(text, &number) ? number : NAN;
}

double sense_number(const struct sense *s, const char *name)
{
    const struct entry *ours = our_entry(s, name);
    double value = ours ? sense_value(s, name, ours->value) : NAN;
    return isnan(value) ? settings_number(&s->f->settings, name) : value;
}

const char *sense_shown(const struct sense *s, const char *name, char *dst, size_t size)
{
    const struct entry *ours = our_entry(s, name);
    const struct setting *one = settings_find(&s->f->settings, name);
    text_copy(dst, size, ours ? ours->value : one ? one->shown[0] ? one->shown : one->value : "");
    return dst;
}

bool sense_on(const struct sense *s, const char *name, bool otherwise)
{
    const struct entry *ours = our_entry(s, name);
    if (!ours)
        return settings_bool(&s->f->settings, name, otherwise);
    return text_eq_nocase(ours->value, "on") || text_eq_nocase(ours->value, "true");
}

double window_wait(const struct window *w, const char *prefix)
{
    double sum = 0;
    if (!w->valid || w->nwaits == 0)
        return NAN;
    for (int i = 0; i < w->nwaits; i++)
        if (strncmp(w->waits[i].event, prefix, strlen(prefix)) == 0)
            sum += w->waits[i].share;
    return sum;
}

double sense_wait(const struct sense *s, const char *prefix)
{
    return window_wait(&s->w, prefix);
}

/* Scripts and plans are joined by name to learn how often a plan runs; what the name says is of no
 * interest. */
double sense_weight(const struct sense *s, const struct plan_facts *p)
{
    const struct sdl *plan = s->e->plan;
    for (int i = 0; plan && i < plan->nscripts && i < SCRIPTS_MAX; i++)
        if (strcmp(plan->scripts[i].name, p->script) == 0)
            return plan->scripts[i].weight > 0 ? plan->scripts[i].weight : 1;
    return 1;
}

double sense_time_share(const struct sense *s, plan_test_fn test)
{
    double sum = 0;
    for (int i = 0; i < s->e->nplans; i++) {
        const struct plan_facts *p = &s->e->plans[i];
        if (p->valid && p->exec_ms > 0 && test(s, p))
            sum += sense_weight(s, p) * p->exec_ms;
    }
    return s->plan_ms > 0 ? sum / s->plan_ms : 0;
}

const struct plan_facts *sense_plan(const struct sense *s, plan_test_fn test)
{
    const struct plan_facts *best = NULL;
    double most = -1;
    for (int i = 0; i < s->e->nplans; i++) {
        const struct plan_facts *p = &s->e->plans[i];
        double time = sense_weight(s, p) * p->exec_ms;
        if (p->valid && time > most && test(s, p)) {
            best = p;
            most = time;
        }
    }
    return best;
}

double sense_memory_budget(const struct sense *s)
{
    double per_gather = sense_number(s, "max_parallel_workers_per_gather");
    double workers = sense_number(s, "max_parallel_workers");
    double helpers = per_gather > 0 && workers > 0 ? fmin(s->peak * per_gather, workers) : 0;
    double cache = isnan(s->shared_buffers) ? 0 : s->shared_buffers;
    if (isnan(s->ram))
        return 64 * MB;
    /* A statement holds a sort and a hash at a time as a rule, in the leader and in each worker. */
    double each = 0.4 * (s->ram - cache) / ((s->peak + helpers) * (1 + s->hash_multiplier));
    return each > GB ? GB : each > 0 ? each : 0;
}

void say(char *dst, size_t size, const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    text_copy(dst, size, buf_text(&b));
    buf_clear(&b);
}

void memory_value(char *dst, size_t size, double bytes)
{
    if (bytes >= GB && fmod(bytes, GB) == 0)
        say(dst, size, "%.0fGB", bytes / GB);
    else if (bytes >= MB)
        say(dst, size, "%.0fMB", floor(bytes / MB));
    else
        say(dst, size, "%.0fkB", floor(bytes / KB));
}

double power_above(double x)
{
    return x > 0 ? exp2(ceil(log2(x) - 1e-9)) : 0;
}

double power_below(double x)
{
    return x > 0 ? exp2(floor(log2(x) + 1e-9)) : 0;
}

struct amount size_figure(double bytes)
{
    struct amount f;
    text_bytes(f.text, sizeof f.text, bytes);
    return f;
}

struct amount count_figure(double value)
{
    struct amount f;
    text_grouped(f.text, sizeof f.text, value);
    return f;
}

struct amount share_figure(double share)
{
    struct amount f;
    double percent = share * 100;
    if (isnan(percent))
        SAY(f.text, "-");
    else if (percent > 99 && percent < 100)
        SAY(f.text, "%.2f %%", floor(percent * 100) / 100);
    else
        SAY(f.text, percent < 10 ? "%.1f %%" : "%.0f %%", percent);
    return f;
}
