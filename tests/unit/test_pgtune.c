/* The arm of pgtune against values that its own formulas give for four machines. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pg15.h"
#include "pgd/agent/advisor.h"

#define GB 1073741824.0

static struct server_facts facts;
static struct arm arm;

static int setup(void **state)
{
    (void)state;
    pg15_facts(&facts);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_facts_clear(&facts);
    return 0;
}

static void machine(double ram, int cpus, const char *disk, const char *connections)
{
    facts.host.mem_total = ram;
    facts.host.cpus = cpus;
    snprintf(facts.host.data.kind, sizeof facts.host.data.kind, "%s", disk);
    pg15_set(&facts, "max_connections", connections);
}

/* Pairs closed by NULL; a value of NULL says that the setting is not in the arm. */
static void arm_is(const char *first, ...)
{
    va_list ap;
    va_start(ap, first);
    for (const char *name = first; name; name = va_arg(ap, const char *)) {
        const char *value = va_arg(ap, const char *);
        const struct entry *e = arm_find(&arm, name);
        if (!value && e)
            fail_msg("%s = %s is in the arm", name, e->value);
        if (value && (!e || !e->present))
            fail_msg("%s is not in the arm", name);
        if (value && strcmp(e->value, value) != 0)
            fail_msg("%s = %s, not %s", name, e->value, value);
    }
    va_end(ap);
}

static void oltp_16_gb(void **state)
{
    (void)state;
    machine(16 * GB, 4, "ssd", "300");
    pgtune_arm(&facts, "oltp", &arm);
    assert_string_equal(arm.label, "pgtune");
    arm_is("shared_buffers", "4GB", "effective_cache_size", "12GB", "maintenance_work_mem", "1GB",
           "wal_buffers", "16MB", "work_mem", "13797kB", "max_worker_processes", "4",
           "max_parallel_workers_per_gather", "2", "max_parallel_workers", "4",
           "max_parallel_maintenance_workers", "2", "random_page_cost", "1.1",
           "effective_io_concurrency", "200", "huge_pages", "try", "min_wal_size", "2GB",
           "max_wal_size", "8GB", "jit", "off", "wal_compression", "lz4",
           "checkpoint_completion_target", "0.9", "default_statistics_target", "100",
           "autovacuum_work_mem", NULL, "autovacuum_max_workers", NULL, "max_connections", NULL,
           "io_method", NULL, NULL);
}

static void oltp_32_gb(void **state)
{
    (void)state;
    machine(32 * GB, 8, "ssd", "300");
    pgtune_arm(&facts, "oltp", &arm);
    arm_is("shared_buffers", "8GB", "effective_cache_size", "24GB", "maintenance_work_mem", "2GB",
           "work_mem", "27235kB", "max_worker_processes", "8", "max_parallel_workers_per_gather",
           "4", "max_parallel_workers", "8", "max_parallel_maintenance_workers", "4",
           "autovacuum_work_mem", "2GB", NULL);
}

static void web_8_gb(void **state)
{
    (void)state;
    machine(8 * GB, 2, "ssd", "200");
    pgtune_arm(&facts, "web", &arm);
    arm_is("shared_buffers", "2GB", "work_mem", "10082kB", "max_worker_processes", NULL,
           "max_parallel_workers", NULL, "max_parallel_workers_per_gather", NULL,
           "max_parallel_maintenance_workers", NULL, "max_wal_size", "4GB", NULL);
}

static void warehouse_64_gb(void **state)
{
    (void)state;
    machine(64 * GB, 16, "nvme", "40");
    pgtune_arm(&facts, "dw", &arm);
    arm_is("work_mem", "149796kB", "maintenance_work_mem", "8GB", "max_parallel_workers_per_gather",
           "8", "random_page_cost", "4", "effective_io_concurrency", "1000",
           "default_statistics_target", "500", "autovacuum_max_workers", "4", "jit", NULL,
           "max_wal_size", "16GB", NULL);
}

static void desktop_leaves_the_wal_level_alone(void **state)
{
    (void)state;
    machine(4 * GB, 4, "hdd", "20");
    pgtune_arm(&facts, "desktop", &arm);
    /* (4194304 - 262144) / ((20 + 4) x 3) / 6 */
    arm_is("shared_buffers", "256MB", "effective_cache_size", "1GB", "work_mem", "9102kB",
           "wal_buffers", "7864kB", "huge_pages", "off", "random_page_cost", "4",
           "effective_io_concurrency", "2", "wal_level", NULL, "max_wal_senders", NULL, "jit", NULL,
           "min_wal_size", "100MB", "max_wal_size", "2GB", NULL);
}

static void small_work_mem_is_lifted(void **state)
{
    (void)state;
    machine(0.5 * GB, 1, "ssd", "100");
    pgtune_arm(&facts, "mixed", &arm);
    arm_is("work_mem", "4MB", "shared_buffers", "128MB", NULL);
}

static void size_of_the_database_counts(void **state)
{
    (void)state;
    machine(16 * GB, 4, "hdd", "300");
    facts.ndatabases = 1;
    snprintf(facts.databases[0].name, sizeof facts.databases[0].name, "shop");
    facts.databases[0].bytes = 5 * GB;
    pgtune_arm(&facts, "oltp", &arm);
    arm_is("random_page_cost", "1.1", "work_mem", "17936kB", NULL); /* floor(13797 x 1.3) */
    facts.databases[0].bytes = 50 * GB;
    pgtune_arm(&facts, "oltp", &arm);
    arm_is("random_page_cost", "4", "work_mem", "12417kB", NULL);
    facts.databases[0].bytes = NAN;
    pgtune_arm(&facts, "oltp", &arm);
    arm_is("work_mem", "13797kB", NULL);
}

static void limits_of_a_container_count(void **state)
{
    (void)state;
    machine(64 * GB, 16, "ssd", "200");
    facts.host.cgroup_mem_limit = 8 * GB;
    facts.host.cgroup_cpus = 1.5;
    pgtune_arm(&facts, "web", &arm);
    arm_is("shared_buffers", "2GB", "work_mem", "10082kB", "max_worker_processes", NULL, NULL);
}

static void what_the_server_lacks_is_left_out(void **state)
{
    (void)state;
    machine(16 * GB, 4, "ssd", "300");
    snprintf(pg15_setting(&facts, "wal_compression")->enumvals, 256, "{pglz,on,off}");
    facts.host.data.free_bytes = 12 * GB;
    snprintf(pg15_setting(&facts, "jit")->name, 64, "jit_gone");
    pgtune_arm(&facts, "oltp", &arm);
    arm_is("wal_compression", "pglz", "max_wal_size", NULL, "min_wal_size", NULL, "jit", NULL,
           NULL);
    snprintf(pg15_setting(&facts, "wal_compression")->vartype, 8, "bool");
    pgtune_arm(&facts, "oltp", &arm);
    arm_is("wal_compression", "on", NULL);
}

static void an_unknown_machine_gives_no_arm(void **state)
{
    (void)state;
    facts.host.known = false;
    pgtune_arm(&facts, "oltp", &arm);
    assert_int_equal(arm.n, 0);
    facts.host.known = true;
    facts.host.mem_total = NAN;
    pgtune_arm(&facts, "oltp", &arm);
    assert_int_equal(arm.n, 0);
}

/* Everything in the arm can be sent, and an unknown type is the mixed one. */
static void the_arm_can_be_sent(void **state)
{
    (void)state;
    static const char *const types[] = {"web", "oltp", "dw", "desktop", "mixed", "tpc-b", NULL};
    struct arm mixed;
    pgtune_arm(&facts, "mixed", &mixed);
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        pgtune_arm(&facts, types[i], &arm);
        assert_true(arm.n > 10);
        for (int j = 0; j < arm.n; j++)
            assert_true(guard_send(arm.entries[j].name, arm.entries[j].value, NULL));
        if (i >= 4)
            assert_true(arm_same(&arm, &mixed));
    }
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(oltp_16_gb),
        CASE(oltp_32_gb),
        CASE(web_8_gb),
        CASE(warehouse_64_gb),
        CASE(desktop_leaves_the_wal_level_alone),
        CASE(small_work_mem_is_lifted),
        CASE(size_of_the_database_counts),
        CASE(limits_of_a_container_count),
        CASE(what_the_server_lacks_is_left_out),
        CASE(an_unknown_machine_gives_no_arm),
        CASE(the_arm_can_be_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
