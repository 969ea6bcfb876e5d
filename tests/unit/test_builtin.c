/* The built-in rules on constructed evidence: each fires on its cause and is silent beside it. */
#include "builtin_world.h"

#include "pgd/agent/advisor.h"

static void test_nothing_without_evidence(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct proposal p = round1(w);
    assert_int_equal(supported(&p), 0);
    world_free(w);
}

static void test_temp_files_without_checkpoint_pressure(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "64MB"); /* 4 x 10 MB, the next power of two */
    assert_null(find(&p, "max_wal_size"));
    assert_null(find(&p, "checkpoint_timeout"));
    assert_int_equal(supported(&p), 1);
    world_free(w);
}

static void test_work_mem_by_plan(void **state)
{
    (void)state;
    struct world *w = world_new();
    spilling(&w->base);
    plan(w, 115)->sort_disk_kb = 20480; /* 80 MB in memory */
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "work_mem"), "128MB");
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

static void test_shared_buffers(void **state)
{
    (void)state;
    struct world *w = world_new();
    misses(w);
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "shared_buffers"), "384MB"); /* 1.2 x 300 MB */
    w->base.wal_bytes = 30 * 4 * MB;                              /* 4 MB a second: it grows */
    p = round1(w);
    assert_string_equal(value_of(&p, "shared_buffers"), "768MB"); /* 2.4 x 300 MB */
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
    assert_int_equal(supported(&got), 0);
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

static void test_short_parallel_statements(void **state)
{
    (void)state;
    struct world *w = world_new();
    plan(w, 8)->workers_launched = 2;
    w->base.cpu_idle = 0.5;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "max_parallel_workers_per_gather"), "0");
    assert_string_equal(find(&p, "max_parallel_workers_per_gather")->rule, "workers_start");
    w->plans[0].exec_ms = 80;
    p = round1(w);
    assert_null(find(&p, "max_parallel_workers_per_gather"));
    world_free(w);
}

static void test_plans_that_may_go_parallel(void **state)
{
    (void)state;
    struct world *w = world_new();
    plan(w, 60)->seq_scans = 1;
    w->base.cpu_idle = 0.02;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "max_parallel_workers_per_gather"), "0");
    w->plan.clients = 1; /* a CPU is left for a worker */
    w->base.active_avg = 1;
    p = round1(w);
    assert_null(find(&p, "max_parallel_workers_per_gather"));
    world_free(w);
}

static void test_cache_far_too_large(void **state)
{
    (void)state;
    struct world *w = world_new();
    set(w, "shared_buffers", "1048576"); /* 8 GB for 300 MB */
    struct proposal p = round1(w);
    assert_null(find(&p, "shared_buffers")); /* nothing is written */
    w->base.tup_written = 50000;
    p = round1(w);
    assert_string_equal(value_of(&p, "shared_buffers"), "768MB");
    for (int i = 0; i < p.n; i++) /* nor does a rule of thumb speak against it */
        assert_true(strcmp(p.changes[i].name, "shared_buffers") != 0 ||
                    strcmp(p.changes[i].value, "4GB") != 0);
    w->f.databases[0].bytes = 3 * GB;
    p = round1(w);
    assert_null(find(&p, "shared_buffers"));
    world_free(w);
}

static void test_empty_pool_of_workers(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *q = plan(w, 900);
    q->seq_scan_rows = 2e6;
    w->f.host.cpus = 4;
    w->base.active_avg = 1;
    w->base.cpu_idle = 0.7;
    set(w, "max_parallel_workers_per_gather", "0");
    set(w, "max_parallel_workers", "0");
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "max_parallel_workers_per_gather"), "3");
    assert_string_equal(value_of(&p, "max_parallel_workers"), "8");
    assert_int_equal(find(&p, "max_parallel_workers")->sets & 1,
                     find(&p, "max_parallel_workers_per_gather")->sets & 1);
    world_free(w);
}

static void test_index_reads_too_cheap(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct plan_facts *q = plan(w, 200);
    q->index_scans = q->nested_loops = 1;
    q->index_rows = 90000;
    snprintf(q->index_rel, sizeof q->index_rel, "orders");
    set(w, "random_page_cost", "0.5");
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "random_page_cost"), "4");
    q->index_rows = 900;
    p = round1(w);
    assert_null(find(&p, "random_page_cost"));
    world_free(w);
}

static void test_compression_without_cpu(void **state)
{
    (void)state;
    struct world *w = world_new();
    set(w, "wal_compression", "lz4");
    w->base.wal_bytes = 30 * 10 * MB;
    w->base.cpu_idle = 0.02;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "wal_compression"), "off");
    wait_is(&w->base, "IO:WALSync", 0.3); /* the disk is the brake after all */
    p = round1(w);
    assert_null(find(&p, "wal_compression"));
    world_free(w);
}

static void test_page_images_of_short_intervals(void **state)
{
    (void)state;
    struct world *w = world_new();
    set(w, "checkpoint_timeout", "30");
    w->base.wal_bytes = 30 * 4 * MB;
    w->base.wal_fpi = 30 * 400;
    struct proposal p = round1(w);
    assert_string_equal(value_of(&p, "checkpoint_timeout"), "15min");
    w->base.wal_fpi = 10;
    p = round1(w);
    assert_null(find(&p, "checkpoint_timeout"));
    world_free(w);
}

static void test_checkpoints_beyond_our_own(void **state)
{
    (void)state;
    struct world *w = world_new();
    w->base.wal_bytes = 30 * 40 * MB;
    w->base.ckpt_req = 2;
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
    w->base.ckpt_req = 0;
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
    assert_int_equal(supported(&p), 0);
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
    /* By themselves: what is tuned is measured against a sound server. */
    assert_int_equal(p.n, 2);
    assert_true(p.repair);
    builtin_first_sight(&w->e, &sight);
    assert_int_equal(sight.findings[0].severity, 3);
    assert_string_equal(sight.findings[0].figure, "fsync = off");
    assert_non_null(strstr(sight.findings[0].text, "before anything else"));
    set(w, "fsync", "on");
    set(w, "enable_hashjoin", "on");
    p = round1(w);
    assert_false(p.repair);
    assert_string_equal(value_of(&p, "work_mem"), "64MB");
    world_free(w);
}

static void test_odd_costs(void **state)
{
    (void)state;
    struct world *w = world_new();
    set(w, "cpu_tuple_cost", "5");
    struct proposal p = round1(w);
    assert_int_equal(supported(&p), 0); /* no plan shows that it matters */
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
        cmocka_unit_test(test_short_parallel_statements),
        cmocka_unit_test(test_plans_that_may_go_parallel),
        cmocka_unit_test(test_cache_far_too_large),
        cmocka_unit_test(test_empty_pool_of_workers),
        cmocka_unit_test(test_index_reads_too_cheap),
        cmocka_unit_test(test_compression_without_cpu),
        cmocka_unit_test(test_page_images_of_short_intervals),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
