/* The built-in advisor on constructed evidence: each rule fires on its cause and is silent beside it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "pgd/agent/advisor.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)

/* name, value, unit, context, vartype: a stock PostgreSQL 15. */
static const char *const stock[][5] = {
    {"autovacuum", "on", "", "sighup", "bool"},
    {"autovacuum_vacuum_cost_limit", "-1", "", "sighup", "integer"},
    {"autovacuum_vacuum_scale_factor", "0.2", "", "sighup", "real"},
    {"bgwriter_lru_maxpages", "100", "", "sighup", "integer"},
    {"checkpoint_completion_target", "0.9", "", "sighup", "real"},
    {"checkpoint_timeout", "300", "s", "sighup", "integer"},
    {"cpu_operator_cost", "0.0025", "", "user", "real"},
    {"cpu_tuple_cost", "0.01", "", "user", "real"},
    {"effective_cache_size", "524288", "8kB", "user", "integer"},
    {"effective_io_concurrency", "1", "", "user", "integer"},
    {"enable_hashjoin", "on", "", "user", "bool"},
    {"enable_seqscan", "on", "", "user", "bool"},
    {"fsync", "on", "", "sighup", "bool"},
    {"full_page_writes", "on", "", "sighup", "bool"},
    {"hash_mem_multiplier", "2", "", "user", "real"},
    {"jit", "on", "", "user", "bool"},
    {"jit_above_cost", "100000", "", "user", "real"},
    {"max_parallel_workers", "8", "", "user", "integer"},
    {"max_parallel_workers_per_gather", "2", "", "user", "integer"},
    {"max_wal_size", "1024", "MB", "sighup", "integer"},
    {"random_page_cost", "4", "", "user", "real"},
    {"seq_page_cost", "1", "", "user", "real"},
    {"shared_buffers", "16384", "8kB", "postmaster", "integer"},
    {"synchronous_commit", "on", "", "user", "enum"},
    {"vacuum_cost_limit", "200", "", "user", "integer"},
    {"wal_buffers", "512", "8kB", "postmaster", "integer"},
    {"wal_compression", "off", "", "superuser", "enum"},
    {"work_mem", "4096", "kB", "user", "integer"},
};

struct world {
    struct server_facts f;
    struct window base, best;
    struct plan_facts plans[4];
    struct sdl plan;
    struct round_history history[6];
    struct rejected_change rejected[4];
    struct arm arm;
    struct evidence e;
};

static void window_quiet(struct window *w)
{
    memset(w, 0, sizeof *w);
    w->valid = true;
    w->secs = 30;
    w->commits = 12000;
    w->tps = 400;
    w->blks_hit = 3e6;
    w->blks_read = 300;
    w->hit_ratio = 0.9999;
    w->tup_returned = w->tup_fetched = 1e6;
    w->ckpt_req = 3; /* our own, one a run */
    w->buffers_ckpt = 500;
    w->wal_bytes = 3 * MB;
    w->wal_fpi = 100;
    w->wal_records = 20000;
    w->active_avg = 3.5;
    w->active_peak = 4;
    w->nwaits = 1;
    snprintf(w->waits[0].event, sizeof w->waits[0].event, "CPU");
    w->waits[0].share = 1;
    w->cpu_user = 0.5;
    w->cpu_idle = 0.4;
    w->mem_available_min = 10 * GB;
}

/* A stock server of 2 CPUs and 16 GB with a database of 300 MB, and a workload that wants for nothing. */
static struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof *w);
    server_facts_clear(&w->f);
    w->f.settings.n = (int)(sizeof stock / sizeof stock[0]);
    w->f.settings.items = calloc((size_t)w->f.settings.n, sizeof *w->f.settings.items);
    for (int i = 0; i < w->f.settings.n; i++) {
        struct setting *s = &w->f.settings.items[i];
        snprintf(s->name, sizeof s->name, "%s", stock[i][0]);
        snprintf(s->value, sizeof s->value, "%s", stock[i][1]);
        snprintf(s->shown, sizeof s->shown, "%s", stock[i][1]);
        snprintf(s->unit, sizeof s->unit, "%s", stock[i][2]);
        snprintf(s->context, sizeof s->context, "%s", stock[i][3]);
        snprintf(s->vartype, sizeof s->vartype, "%s", stock[i][4]);
        if (strcmp(s->name, "wal_compression") == 0)
            snprintf(s->enumvals, sizeof s->enumvals, "{pglz,lz4,on,off}");
        if (strcmp(s->name, "synchronous_commit") == 0)
            snprintf(s->enumvals, sizeof s->enumvals, "{local,remote_write,remote_apply,on,off}");
    }
    w->f.id.version_num = 150018;
    snprintf(w->f.id.version, sizeof w->f.id.version, "15.18");
    snprintf(w->f.id.database, sizeof w->f.id.database, "app");
    w->f.rights.alter_system = true;
    w->f.host.known = true;
    w->f.host.cpus = 2;
    w->f.host.mem_total = 16 * GB;
    w->f.host.data.free_bytes = w->f.host.wal.free_bytes = 100 * GB;
    w->f.ndatabases = 1;
    snprintf(w->f.databases[0].name, sizeof w->f.databases[0].name, "app");
    w->f.databases[0].bytes = 300 * MB;
    w->f.runtime.max_connections = 100;
    w->f.runtime.stats_age_s = 86400;
    w->f.runtime.blks_hit = 1e8;
    w->f.runtime.blks_read = 1e5;
    w->f.runtime.temp_files = w->f.runtime.temp_bytes = 0;
    w->f.runtime.ckpt_timed = 100;
    w->f.runtime.ckpt_req = 2;
    window_quiet(&w->base);
    window_quiet(&w->best);
    snprintf(w->plan.strategy, sizeof w->plan.strategy, "Balanced");
    snprintf(w->plan.database, sizeof w->plan.database, "app");
    w->plan.clients = 4;
    w->plan.duration_s = 10;
    for (int i = 0; i < 4; i++)
        w->plans[i].hash_batches = w->plans[i].worst_misestimate = 1;
    w->e = (struct evidence){.server = &w->f,
                             .plan = &w->plan,
                             .base = &w->base,
                             .plans = w->plans,
                             .baseline_tps = 400,
                             .best_tps = 400,
                             .baseline_p95_ms = 20,
                             .floor = 0.02,
                             .client_cpu = 0.1,
                             .history = w->history,
                             .rejected = w->rejected,
                             .restart_allowed = true,
                             .seconds_left = 600};
    return w;
}

static void world_free(struct world *w)
{
    settings_clear(&w->f.settings);
    free(w);
}

static void set(struct world *w, const char *name, const char *value)
{
    struct setting *s = NULL;
    for (int i = 0; i < w->f.settings.n; i++)
        if (strcmp(w->f.settings.items[i].name, name) == 0)
            s = &w->f.settings.items[i];
    assert_non_null(s);
    snprintf(s->value, sizeof s->value, "%s", value);
    snprintf(s->shown, sizeof s->shown, "%s", value);
}

static void wait_is(struct window *w, const char *event, double share)
{
    w->nwaits = 2;
    snprintf(w->waits[0].event, sizeof w->waits[0].event, "%s", event);
    w->waits[0].share = share;
    snprintf(w->waits[1].event, sizeof w->waits[1].event, "CPU");
    w->waits[1].share = 1 - share;
}

static void spilling(struct window *w)
{
    w->temp_files = 300;
    w->temp_bytes = 3000 * MB;
}

/* A plan of the workload, valid, of that time; more is filled in by the test. */
static struct plan_facts *plan(struct world *w, double exec_ms)
{
    struct plan_facts *p = &w->plans[w->e.nplans++];
    p->valid = true;
    p->exec_ms = exec_ms;
    p->total_cost = 5000;
    return p;
}

static const struct setting_change *find(const struct proposal *p, const char *name)
{
    for (int i = 0; i < p->n; i++)
        if (strcmp(p->changes[i].name, name) == 0)
            return &p->changes[i];
    return NULL;
}

static const char *value_of(const struct proposal *p, const char *name)
{
    const struct setting_change *c = find(p, name);
    return c ? c->value : "";
}

/* What holds of every proposal: reasons with figures, no setting twice, values that the guard reads. */
static void check_proposal(const struct world *w, const struct proposal *p)
{
    assert_string_equal(p->advisor.text, "builtin");
    assert_true(p->summary[0] != '\0');
    assert_int_equal(p->nothing_left, p->n == 0);
    for (int i = 0; i < p->n; i++) {
        const struct setting_change *c = &p->changes[i];
        const struct setting *s = settings_find(&w->f.settings, c->name);
        double number;
        char shown[SETTING_VALUE_MAX];
        struct err e;
        assert_true(c->why[0] != '\0');
        assert_non_null(strpbrk(c->evidence, "0123456789"));
        assert_null(strstr(c->evidence, "nan"));
        assert_null(strstr(c->why, "nan"));
        assert_false(c->reset);
        assert_non_null(s);
        assert_true(guard_value(s, c->value, &number, shown, sizeof shown, &e));
        for (int j = 0; j < i; j++)
            assert_string_not_equal(p->changes[j].name, c->name);
        if (!isnan(c->expect_hi))
            assert_true(c->expect_lo <= c->expect_hi);
    }
}

static struct proposal round1(const struct world *w)
{
    struct proposal p;
    builtin_round1(&w->e, &p);
    check_proposal(w, &p);
    return p;
}

static struct proposal next_round(const struct world *w)
{
    struct proposal p;
    builtin_next_round(&w->e, &p);
    check_proposal(w, &p);
    return p;
}

/* Round 1 proposes this value for the setting, "" for none; the world is freed. */
static void expect(struct world *w, const char *name, const char *value)
{
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, name), value);
    world_free(w);
}

static void test_nothing_without_evidence(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct proposal p = round1(w);
    assert_int_equal(p.n, 0);
    assert_true(p.nothing_left);
    world_free(w);
}

static void test_temp_files_without_checkpoint_pressure(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "32MB"); /* 2.5 x 10 MB, the next power of two */
    assert_null(find(&p, "max_wal_size"));
    assert_null(find(&p, "checkpoint_timeout"));
    assert_int_equal(p.n, 1);
    world_free(w);
}

static void test_work_mem_by_plan(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    plan(w, 115)->sort_disk_kb = 20480; /* 50 MB in memory */
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "64MB");
    assert_non_null(strstr(find(&p, "work_mem")->evidence, "20 MB"));
    world_free(w);
}

static void test_work_mem_within_memory(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    w->f.host.cgroup_mem_limit = 1 * GB;
    w->base.active_peak = 16;
    plan(w, 115)->sort_disk_kb = 200000;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), ""); /* 5 MB a step is no step up from 4 MB */
    w->f.host.cgroup_mem_limit = 4 * GB;
    p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "16MB");
    world_free(w);
}

static void test_few_temp_files_are_noise(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.temp_files = 1;
    w->base.temp_bytes = 200 * KB;
    expect(w, "work_mem", "");
}

static void test_plan_that_does_not_run(void **state)
{
    (void)state;
    struct world *w = world_new();
    plan(w, 115)->sort_disk_kb = 20000; /* but the runs wrote no temporary files */
    expect(w, "work_mem", "");
}

static void test_hash_multiplier(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct plan_facts *p = plan(w, 80);
    p->hash_batches = 4;
    p->hash_mem_kb = 5000; /* 22000 kB: 5.4 x work_mem */
    struct proposal got = round1(w);
    assert_string_equal(value_of(&got, "hash_mem_multiplier"), "6");
    assert_null(find(&got, "work_mem"));
    p->sort_disk_kb = 3000; /* a sort spills as well: work_mem serves both */
    got = round1(w);
    assert_null(find(&got, "hash_mem_multiplier"));
    assert_string_equal(value_of(&got, "work_mem"), "16MB");
    world_free(w);
}

static void misses(struct world *w)
{
    w->base.hit_ratio = 0.9;
    w->base.blks_read = 300000;
}

static void test_shared_buffers(void **state)
{
    (void)state;
    struct world *w = world_new();
    misses(w);
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "shared_buffers"), "384MB"); /* 1.2 x 300 MB */
    w->f.databases[0].bytes = 100 * GB;
    p = round1(w);
    assert_string_equal(value_of(&p, "shared_buffers"), "4GB"); /* a quarter of 16 GB */
    world_free(w);
}

static void test_shared_buffers_need_a_restart(void **state)
{
    (void)state;
    struct world *w = world_new();
    misses(w);
    w->e.restart_allowed = false;
    struct proposal p = round1(w);
    assert_null(find(&p, "shared_buffers"));
    assert_non_null(strstr(p.summary, "restart"));
    world_free(w);
}

static void test_database_in_cache(void **state)
{
    (void)state;
    struct world *w = world_new();
    misses(w);
    w->f.databases[0].bytes = 90 * MB; /* the cache holds it all: these are first reads */
    expect(w, "shared_buffers", "");
}

static void test_database_of_unknown_size(void **state)
{
    (void)state;
    struct world *w = world_new();
    misses(w);
    w->f.ndatabases = 0;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "shared_buffers"), "1GB"); /* the next size to try */
    w->base.hit_ratio = 0.98;                                   /* may be first reads */
    p = round1(w);
    assert_null(find(&p, "shared_buffers"));
    world_free(w);
}

static struct plan_facts *discarding(struct world *w)
{
    struct plan_facts *p = plan(w, 40);
    p->seq_scan_rows = 200;
    p->seq_scan_rows_removed = 99800;
    snprintf(p->seq_scan_rel, sizeof p->seq_scan_rel, "orders");
    p->shared_hit = 2000;
    return p;
}

static void test_random_page_cost(void **state)
{
    (void)state;
    struct world *w = world_new();
    discarding(w);
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "random_page_cost"), "1.1");
    assert_non_null(strstr(find(&p, "random_page_cost")->evidence, "orders"));
    world_free(w);
}

static void test_scan_that_keeps_its_rows(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = discarding(w);
    p->seq_scan_rows = 60000;
    p->seq_scan_rows_removed = 40000;
    expect(w, "random_page_cost", "");
}

static void test_scan_from_a_slow_disk(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = discarding(w);
    p->shared_hit = 0;
    p->shared_read = 2000;
    w->base.hit_ratio = 0.5;
    wait_is(&w->base, "IO:DataFileRead", 0.6);
    snprintf(w->f.host.data.kind, sizeof w->f.host.data.kind, "hdd");
    expect(w, "random_page_cost", "");
}

static void test_scan_from_flash(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = discarding(w);
    p->shared_hit = 0;
    p->shared_read = 2000;
    w->base.hit_ratio = 0.5;
    wait_is(&w->base, "IO:DataFileRead", 0.6);
    snprintf(w->f.host.data.kind, sizeof w->f.host.data.kind, "nvme");
    expect(w, "random_page_cost", "1.1");
}

static void test_jit_off(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = plan(w, 87);
    p->jit = true;
    p->jit_ms = 29;
    expect(w, "jit", "off");
}

static void test_jit_above_cost(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = plan(w, 400);
    p->jit = true;
    p->jit_ms = 60;
    p->total_cost = 230000;
    struct proposal got = round1(w);
    assert_string_equal(value_of(&got, "jit_above_cost"), "500000");
    assert_null(find(&got, "jit"));
    world_free(w);
}

static void test_jit_that_pays(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = plan(w, 4000);
    p->jit = true;
    p->jit_ms = 60;
    struct proposal got = round1(w);
    assert_int_equal(got.n, 0);
    world_free(w);
}

static void test_parallel_on_busy_cpus(void **state)
{
    (void)state;
    struct world *w = world_new();
    plan(w, 80)->workers_launched = 1;
    w->base.cpu_idle = 0.03;
    expect(w, "max_parallel_workers_per_gather", "0");
}

static void test_parallel_with_room(void **state)
{
    (void)state;
    struct world *w = world_new();
    plan(w, 80)->workers_launched = 1;
    w->base.cpu_idle = 0.3;
    expect(w, "max_parallel_workers_per_gather", "");
}

static void test_unused_parallelism(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *p = plan(w, 900);
    p->seq_scan_rows = 2e6;
    p->workers_planned = 0;
    w->f.host.cpus = 8;
    w->plan.clients = 1;
    w->base.active_avg = 1;
    w->base.cpu_idle = 0.85;
    set(w, "max_parallel_workers_per_gather", "0");
    struct proposal got = round1(w);
    assert_string_equal(value_of(&got, "max_parallel_workers_per_gather"), "4");
    w->base.active_avg = 8; /* the CPUs have other work */
    got = round1(w);
    assert_null(find(&got, "max_parallel_workers_per_gather"));
    world_free(w);
}

static void test_checkpoints_beyond_our_own(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.wal_bytes = 30 * 40 * MB;
    w->base.ckpt_req = 5;
    struct proposal p = round1(w);
    assert_non_null(find(&p, "max_wal_size"));
    assert_non_null(strstr(find(&p, "max_wal_size")->evidence, "2 checkpoints"));
    world_free(w);
}

static void test_our_own_checkpoints(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.wal_bytes = 30 * MB;
    w->base.ckpt_req = 3; /* three runs, each begun with one */
    expect(w, "max_wal_size", "");
}

static void test_max_wal_size_by_rate(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.wal_bytes = 30 * 12 * MB; /* fills 64 MB in 3 s */
    set(w, "max_wal_size", "64");
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "max_wal_size"),
                        "16GB"); /* 12 MB/s x 300 s x 1.9 x 1.25 = 8.4 GB */
    w->f.host.data.free_bytes = w->f.host.wal.free_bytes = 10 * GB;
    p = round1(w);
    assert_string_equal(value_of(&p, "max_wal_size"), "2GB"); /* a quarter of the free disk */
    world_free(w);
}

static void test_wal_compression(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.wal_bytes = 30 * 10 * MB;
    w->base.wal_fpi = 30 * 1000;
    wait_is(&w->base, "IO:WALSync", 0.3);
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "wal_compression"), "lz4");
    w->base.cpu_idle = 0.02; /* no CPU to spare */
    p = round1(w);
    assert_null(find(&p, "wal_compression"));
    world_free(w);
}

static void test_durability_is_not_traded(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct verdict v = {.kind = VERDICT_INCONCLUSIVE, .ratio = 1, .ci_lo = 0.98, .ci_hi = 1.02};
    struct conclusion c;
    wait_is(&w->base, "IO:WALSync", 0.7);
    struct proposal p = round1(w);
    assert_null(find(&p, "synchronous_commit"));
    assert_null(find(&p, "commit_delay"));
    builtin_analyze(&w->e, &v, &c);
    assert_non_null(strstr(c.bottleneck, "commit-bound"));
    world_free(w);
}

static void test_wal_buffers(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.wal_buffers_full = 600;
    expect(w, "wal_buffers", "16MB");
}

static void test_io_concurrency(void **state)
{
    (void)state;
    struct world *w = world_new();
    wait_is(&w->base, "IO:DataFileRead", 0.4);
    snprintf(w->f.host.data.kind, sizeof w->f.host.data.kind, "ssd");
    expect(w, "effective_io_concurrency", "200");
}

static void test_swapping_machine(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    set(w, "work_mem", "1048576"); /* 1 GB for 4 sessions of 2 steps, of 16 GB */
    w->base.swap_in = 500;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "256MB");
    world_free(w);
}

static void test_dead_rows(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->f.runtime.live_tuples = 1e6;
    w->f.runtime.dead_tuples = 5e5;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "autovacuum_vacuum_scale_factor"), "0.05");
    assert_string_equal(value_of(&p, "autovacuum_vacuum_cost_limit"), "2000");
    w->f.runtime.dead_tuples = 5e4;
    p = round1(w);
    assert_int_equal(p.n, 0);
    world_free(w);
}

static void test_inherited_dangers_come_first(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct first_sight sight;
    spilling(&w->base);
    set(w, "fsync", "off");
    set(w, "enable_hashjoin", "off");
    struct proposal p = round1(w);
    assert_string_equal(p.changes[0].name, "fsync");
    assert_string_equal(p.changes[0].value, "on");
    assert_string_equal(p.changes[1].name, "enable_hashjoin");
    assert_string_equal(value_of(&p, "work_mem"), "32MB");
    builtin_first_sight(&w->e, &sight);
    assert_int_equal(sight.findings[0].severity, 3);
    assert_string_equal(sight.findings[0].figure, "fsync = off");
    world_free(w);
}

static void test_odd_costs(void **state)
{
    (void)state;
    struct world *w = world_new();
    set(w, "cpu_tuple_cost", "5");
    struct proposal p = round1(w);
    assert_int_equal(p.n, 0); /* no plan shows that it matters */
    plan(w, 120);
    p = round1(w);
    assert_string_equal(value_of(&p, "cpu_tuple_cost"), "0.01");
    world_free(w);
}

static void test_sleeping_statements(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    misses(w);
    wait_is(&w->base, "Timeout:PgSleep", 0.95);
    struct proposal p = round1(w);
    assert_true(p.nothing_left);
    assert_non_null(strstr(p.summary, "sleep"));
    world_free(w);
}

static void test_client_bound(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    w->e.client_cpu = 0.97;
    struct proposal p = round1(w);
    assert_true(p.nothing_left);
    assert_non_null(strstr(p.summary, "pgbench"));
    world_free(w);
}

static void test_lock_waits(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    w->base.lock_wait_share = 0.8;
    struct proposal p = round1(w);
    assert_true(p.nothing_left);
    assert_non_null(strstr(p.summary, "application"));
    world_free(w);
}

static void test_servers_that_differ(void **state)
{
    (void)state;
    struct world *a = world_new();
    struct world *b = world_new();
    spilling(&a->base);
    spilling(&b->base);
    b->base.temp_bytes = 100 * MB;
    struct proposal pa = round1(a);
    struct proposal pb = round1(b);
    struct target ta, tb;
    assert_string_not_equal(value_of(&pa, "work_mem"), value_of(&pb, "work_mem"));
    assert_string_not_equal(find(&pa, "work_mem")->evidence, find(&pb, "work_mem")->evidence);
    misses(b);
    builtin_target(&a->e, &ta);
    builtin_target(&b->e, &tb);
    assert_true(tb.tps > ta.tps && ta.tps > 400);
    world_free(a);
    world_free(b);
}

static void test_same_evidence_same_answer(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    misses(w);
    discarding(w);
    struct proposal a = round1(w);
    snprintf(w->plan.workload, sizeof w->plan.workload, "another name");
    snprintf(w->plan.strategy, sizeof w->plan.strategy, "Another");
    struct proposal b = round1(w);
    assert_memory_equal(&a, &b, sizeof a);
    world_free(w);
}

static void test_empty_evidence(void **state)
{
    (void)state;
    struct evidence e = {.baseline_tps = NAN, .best_tps = NAN, .floor = NAN};
    struct verdict v = {.ratio = NAN};
    struct proposal p;
    struct first_sight sight;
    struct target t;
    struct conclusion c;
    struct next_strategies n;
    builtin_round1(&e, &p);
    assert_int_equal(p.n, 0);
    builtin_next_round(&e, &p);
    assert_true(p.nothing_left);
    builtin_first_sight(&e, &sight);
    assert_true(sight.nstrategies >= 1);
    builtin_target(&e, &t);
    assert_true(t.tps <= 0);
    builtin_analyze(&e, &v, &c);
    assert_true(c.stop);
    builtin_next_strategies(&e, &n);
    assert_true(n.n >= 0);
}

static void test_target_without_headroom(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct target t;
    builtin_target(&w->e, &t);
    assert_float_equal(t.tps, 408, 0.01);
    assert_non_null(strstr(t.why, "no headroom"));
    world_free(w);
}

/* ---- what the rounds teach ---- */

static struct round_history *round_of(struct world *w, const struct proposal *p, bool kept)
{
    struct round_history *r = &w->history[w->e.nhistory++];
    r->number = w->e.nhistory;
    r->n = p->n;
    memcpy(r->changes, p->changes, sizeof r->changes);
    r->kept = kept;
    r->verdict.kind = kept ? VERDICT_IMPROVED : VERDICT_INCONCLUSIVE;
    if (kept) {
        for (int i = 0; i < p->n; i++)
            arm_set(&w->arm, p->changes[i].name, true, p->changes[i].value);
        w->e.best_arm = &w->arm;
        w->e.best = &w->best;
    }
    return r;
}

static void test_widen_what_paid(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    spilling(&w->best); /* still */
    struct proposal p = round1(w);
    round_of(w, &p, true);
    p = next_round(w);
    assert_string_equal(value_of(&p, "work_mem"), "128MB");
    world_free(w);
}

static void test_stop_when_the_cause_is_gone(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    p = next_round(w);
    assert_true(p.nothing_left);
    world_free(w);
}

static void test_next_suspect_under_the_best(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    round_of(w, &p, true);
    w->best.hit_ratio = 0.9;
    w->best.blks_read = 300000;
    p = next_round(w);
    assert_int_equal(p.n, 1);
    assert_string_equal(value_of(&p, "shared_buffers"), "384MB");
    world_free(w);
}

static void test_split_a_set_that_did_not_pay(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    misses(w);
    discarding(w);
    struct proposal first = round1(w);
    assert_int_equal(first.n, 3);
    round_of(w, &first, false);
    char seen[3][64];
    for (int i = 0; i < 3; i++) {
        struct proposal p = next_round(w);
        assert_int_equal(p.n, 1);
        snprintf(seen[i], sizeof seen[i], "%s", p.changes[0].name);
        for (int j = 0; j < i; j++)
            assert_string_not_equal(seen[i], seen[j]);
        round_of(w, &p, false);
    }
    struct proposal last = next_round(w);
    assert_true(last.nothing_left);
    assert_non_null(strstr(last.summary, "without gain"));
    world_free(w);
}

static void test_rejected_is_not_asked_again(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    snprintf(w->rejected[0].name, sizeof w->rejected[0].name, "work_mem");
    snprintf(w->rejected[0].value, sizeof w->rejected[0].value,
             "32768kB"); /* 32MB in other words */
    w->e.nrejected = 1;
    struct proposal p = round1(w);
    assert_null(find(&p, "work_mem"));
    world_free(w);
}

static void test_analyze_says_what_moved(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct conclusion c;
    spilling(&w->base);
    w->best.cpu_idle = 0.02;
    struct proposal p = round1(w);
    struct round_history *r = round_of(w, &p, true);
    r->window = w->best;
    r->verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                  .ratio = 1.172,
                                  .ci_lo = 1.11,
                                  .ci_hi = 1.24,
                                  .floor = 0.02,
                                  .runs_a = 3,
                                  .runs_b = 3,
                                  .tps_a = 400,
                                  .tps_b = 469};
    builtin_analyze(&w->e, &r->verdict, &c);
    assert_non_null(strstr(c.text, "+17.2 %"));
    assert_non_null(strstr(c.text, "+11.0 % to +24.0 %"));
    assert_non_null(strstr(c.text, "temporary files 100 MB/s to 0 B/s"));
    assert_non_null(strstr(c.bottleneck, "CPU-bound: 98 %"));
    assert_true(c.stop);
    world_free(w);
}

/* ---- before the first benchmark ---- */

static bool offers(const struct first_sight *s, const char *name)
{
    for (int i = 0; i < s->nstrategies; i++)
        if (strcmp(s->strategies[i].name, name) == 0)
            return true;
    return false;
}

static void test_first_sight_quiet(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct first_sight s;
    w->e.base = NULL;
    w->e.plan = NULL;
    set(w, "random_page_cost", "1.1");
    w->f.host.mem_total = 2 * GB;
    builtin_first_sight(&w->e, &s);
    assert_string_equal(s.strategies[0].name, "Balanced");
    assert_int_equal(s.nstrategies, 1);
    assert_non_null(strstr(s.strategies[0].why, "No pressure"));
    world_free(w);
}

static void test_first_sight_by_pressure(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct first_sight memory, writing;
    w->e.base = NULL;
    w->f.runtime.temp_files = 4000;
    w->f.runtime.temp_bytes = 80 * GB;
    builtin_first_sight(&w->e, &memory);
    assert_string_equal(memory.strategies[0].name, "MemoryTuning");
    assert_non_null(strstr(memory.findings[0].figure, "4 000 temporary files"));
    assert_true(offers(&memory, "Balanced"));
    w->f.runtime.temp_files = w->f.runtime.temp_bytes = 0;
    w->f.runtime.ckpt_req = 90;
    builtin_first_sight(&w->e, &writing);
    assert_string_equal(writing.strategies[0].name, "WriteOptimize");
    assert_non_null(strstr(writing.findings[0].figure, "90 of 190"));
    assert_string_not_equal(memory.headline, writing.headline);
    world_free(w);
}

static void test_strategy_fills_what_is_open(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct sdl a = {0};
    struct sdl b = {.clients = 10, .duration_s = 60, .rounds = 2};
    builtin_strategy(&w->e, "../Memory Tuning", &a);
    assert_string_equal(a.strategy, "MemoryTuning");
    assert_int_equal(a.clients, 4);
    assert_int_equal(a.threads, 2);
    assert_int_equal(a.duration_s, 10);
    assert_int_equal(a.warmup_s, 5);
    assert_int_equal(a.min_runs, 3);
    assert_int_equal(a.max_runs, 6);
    assert_int_equal(a.rounds, 8);
    assert_int_equal(a.budget_s, 720);
    assert_string_equal(a.protocol, "simple");
    assert_true(a.hypothesis[0] != '\0');
    builtin_strategy(&w->e, "Balanced", &b);
    assert_int_equal(b.clients, 10);
    assert_int_equal(b.duration_s, 60);
    assert_int_equal(b.rounds, 2);
    world_free(w);
}

static void test_next_strategies(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct next_strategies n;
    misses(w);
    w->e.restart_allowed = false;
    plan(w, 50)->worst_misestimate = 400;
    builtin_next_strategies(&w->e, &n);
    bool restart = false, statistics = false;
    for (int i = 0; i < n.n; i++) {
        restart |= strcmp(n.offers[i].name, "WithRestart") == 0;
        statistics |= strcmp(n.offers[i].name, "Statistics") == 0;
        assert_string_not_equal(n.offers[i].name, w->plan.strategy);
    }
    assert_true(restart && statistics);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_without_evidence),
        cmocka_unit_test(test_temp_files_without_checkpoint_pressure),
        cmocka_unit_test(test_work_mem_by_plan),
        cmocka_unit_test(test_work_mem_within_memory),
        cmocka_unit_test(test_few_temp_files_are_noise),
        cmocka_unit_test(test_plan_that_does_not_run),
        cmocka_unit_test(test_hash_multiplier),
        cmocka_unit_test(test_shared_buffers),
        cmocka_unit_test(test_shared_buffers_need_a_restart),
        cmocka_unit_test(test_database_in_cache),
        cmocka_unit_test(test_database_of_unknown_size),
        cmocka_unit_test(test_random_page_cost),
        cmocka_unit_test(test_scan_that_keeps_its_rows),
        cmocka_unit_test(test_scan_from_a_slow_disk),
        cmocka_unit_test(test_scan_from_flash),
        cmocka_unit_test(test_jit_off),
        cmocka_unit_test(test_jit_above_cost),
        cmocka_unit_test(test_jit_that_pays),
        cmocka_unit_test(test_parallel_on_busy_cpus),
        cmocka_unit_test(test_parallel_with_room),
        cmocka_unit_test(test_unused_parallelism),
        cmocka_unit_test(test_checkpoints_beyond_our_own),
        cmocka_unit_test(test_our_own_checkpoints),
        cmocka_unit_test(test_max_wal_size_by_rate),
        cmocka_unit_test(test_wal_compression),
        cmocka_unit_test(test_durability_is_not_traded),
        cmocka_unit_test(test_wal_buffers),
        cmocka_unit_test(test_io_concurrency),
        cmocka_unit_test(test_swapping_machine),
        cmocka_unit_test(test_dead_rows),
        cmocka_unit_test(test_inherited_dangers_come_first),
        cmocka_unit_test(test_odd_costs),
        cmocka_unit_test(test_sleeping_statements),
        cmocka_unit_test(test_client_bound),
        cmocka_unit_test(test_lock_waits),
        cmocka_unit_test(test_servers_that_differ),
        cmocka_unit_test(test_same_evidence_same_answer),
        cmocka_unit_test(test_empty_evidence),
        cmocka_unit_test(test_target_without_headroom),
        cmocka_unit_test(test_widen_what_paid),
        cmocka_unit_test(test_stop_when_the_cause_is_gone),
        cmocka_unit_test(test_next_suspect_under_the_best),
        cmocka_unit_test(test_split_a_set_that_did_not_pay),
        cmocka_unit_test(test_rejected_is_not_asked_again),
        cmocka_unit_test(test_analyze_says_what_moved),
        cmocka_unit_test(test_first_sight_quiet),
        cmocka_unit_test(test_first_sight_by_pressure),
        cmocka_unit_test(test_strategy_fills_what_is_open),
        cmocka_unit_test(test_next_strategies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
