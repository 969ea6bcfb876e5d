/* The text of EXPLAIN as facts: plans as PostgreSQL 15 and 18 printed them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/discovery/plan.h"

#define near(a, b) assert_true(fabs((a) - (b)) < 0.001)

static const char external_sort[] =
    "Gather Merge  (cost=128819.00..226048.09 rows=833334 width=97) (actual time=573.845..1144.541 "
    "rows=1000000 loops=1)\n"
    "  Workers Planned: 2\n"
    "  Workers Launched: 1\n"
    "  Buffers: shared hit=2270 read=14250, temp read=39286 written=39453\n"
    "  ->  Sort  (cost=127818.98..128860.65 rows=416667 width=97) (actual time=558.999..607.162 "
    "rows=333333 loops=3)\n"
    "        Sort Key: filler DESC, abalance\n"
    "        Sort Method: external merge  Disk: 35504kB\n"
    "        Buffers: shared hit=1 read=2, temp read=3 written=4\n"
    "        Worker 0:  Sort Method: external merge  Disk: 39672kB\n"
    "        Worker 1:  Sort Method: quicksort  Memory: 3462kB\n"
    "        ->  Parallel Seq Scan on pgbench_accounts  (cost=0.00..20560.67 rows=416667 width=97) "
    "(actual time=0.020..126.052 rows=333333 loops=3)\n"
    "              Buffers: shared hit=2144 read=14250\n"
    "Planning:\n"
    "  Buffers: shared hit=79 read=1\n"
    "Planning Time: 0.374 ms\n"
    "Execution Time: 1214.279 ms\n";

static void external_sort_and_workers(void **state)
{
    (void)state;
    struct plan_facts p = {.script = "read.sql", .query = "SELECT", .exec_ms = 4};
    plan_parse(external_sort, &p);
    assert_true(p.valid);
    assert_string_equal(p.script, "read.sql");
    assert_string_equal(p.query, "SELECT");
    near(p.total_cost, 226048.09);
    near(p.exec_ms, 1214.279);
    near(p.plan_ms, 0.374);
    assert_false(p.jit);
    near(p.sort_disk_kb, 39672);
    near(p.sort_mem_kb, 3462);
    near(p.workers_planned, 2);
    near(p.workers_launched, 1);
    near(p.shared_hit, 2270);
    near(p.shared_read, 14250);
    near(p.temp_read, 39286);
    near(p.temp_written, 39453);
    assert_string_equal(p.seq_scan_rel, "pgbench_accounts");
    near(p.seq_scan_rows, 999999);
    near(p.seq_scan_rows_removed, 0);
    near(p.hash_batches, 1);
    assert_true(p.worst_misestimate > 1.2 && p.worst_misestimate < 1.3);
}

static const char hash_aggregate[] =
    "HashAggregate  (cost=84730.43..105042.93 rows=1000000 width=12) (actual "
    "time=708.113..1059.218 "
    "rows=333334.00 loops=1)\n"
    "  Group Key: (aid / 3)\n"
    "  Planned Partitions: 64  Batches: 65  Memory Usage: 2073kB  Disk Usage: 28560kB\n"
    "  Buffers: shared hit=1 read=2735, temp read=2754 written=6234\n"
    "  ->  Index Only Scan using pgbench_accounts_pkey on pgbench_accounts  (cost=0.42..28480.42 "
    "rows=1000000 width=4) (actual time=0.083..262.147 rows=1000000.00 loops=1)\n"
    "        Heap Fetches: 0\n"
    "        Index Searches: 1\n"
    "        Buffers: shared hit=1 read=2735\n"
    "Planning:\n"
    "  Buffers: shared hit=73\n"
    "Planning Time: 0.282 ms\n"
    "JIT:\n"
    "  Functions: 7\n"
    "  Options: Inlining false, Optimization false, Expressions true, Deforming true\n"
    "  Timing: Generation 0.526 ms, Inlining 0.000 ms, Optimization 0.368 ms, Emission 9.436 ms, "
    "Total 10.330 ms\n"
    "Execution Time: 1101.077 ms\n";

static void hashes_and_jit(void **state)
{
    (void)state;
    struct plan_facts p = {0};
    plan_parse(hash_aggregate, &p);
    assert_true(p.valid);
    near(p.hash_batches, 65);
    near(p.hash_mem_kb, 2073);
    near(p.hash_disk_kb, 28560);
    near(p.index_scans, 1);
    assert_true(p.jit);
    near(p.jit_ms, 10.330);
    near(p.exec_ms, 1101.077);
    near(p.temp_written, 6234);
    assert_string_equal(p.seq_scan_rel, "");
    near(p.worst_misestimate, 1000000.0 / 333334.0);
}

static void rows_thrown_away(void **state)
{
    (void)state;
    struct plan_facts p = {0};
    plan_parse(
        "Nested Loop  (cost=1.00..2.00 rows=1 width=0) (actual time=1..2 rows=0 loops=1)\n"
        "  ->  Gather  (cost=1.00..2.00 rows=1 width=8) (actual time=1..2 rows=0 loops=1)\n"
        "        ->  Parallel Seq Scan on public.\"big table\" a  (cost=0.00..1.00 rows=1 "
        "width=8) (actual time=1..2 rows=0 loops=3)\n"
        "              Filter: (note = 'x  (cost=1..99999 rows=7 width=1)'::text)\n"
        "              Rows Removed by Filter: 333333\n"
        "  ->  Index Scan using k on b  (cost=0.42..8.45 rows=1000 width=8) (never executed)\n"
        "        Rows Removed by Filter: 9999999\n"
        "  ->  Seq Scan on small  (cost=0.00..1.00 rows=1 width=8) (actual time=1..2 rows=2 "
        "loops=5)\n"
        "        Rows Removed by Filter: 10\n",
        &p);
    assert_true(p.valid);
    near(p.total_cost, 2);
    near(p.seq_scan_rows_removed, 999999);
    assert_string_equal(p.seq_scan_rel, "public.\"big table\"");
    near(p.seq_scan_rows, 0);
    near(p.worst_misestimate, 2);
    assert_true(p.exec_ms == 0);
}

static void a_limit_is_no_misestimate(void **state)
{
    (void)state;
    struct plan_facts p = {0};
    plan_parse("Hash Join  (cost=1..9 rows=10 width=4) (actual time=1..2 rows=10 loops=1)\n"
               "  ->  Limit  (cost=1..2 rows=10 width=4) (actual time=1..2 rows=10 loops=1)\n"
               "        ->  Seq Scan on t  (cost=1..2 rows=1000000 width=4) (actual time=1..2 "
               "rows=10 loops=1)\n",
               &p);
    near(p.worst_misestimate, 1);
    plan_parse("Hash Join  (cost=1..9 rows=10 width=4) (actual time=1..2 rows=10 loops=1)\n"
               "  ->  Limit  (cost=1..2 rows=10 width=4) (actual time=1..2 rows=10 loops=1)\n"
               "        ->  Seq Scan on t  (cost=1..2 rows=10 width=4) (actual time=1..2 rows=10 "
               "loops=1)\n"
               "  ->  Seq Scan on u  (cost=1..2 rows=4000 width=4) (actual time=1..2 rows=10 "
               "loops=1)\n",
               &p);
    near(p.worst_misestimate, 400);
}

static void kinds_of_nodes(void **state)
{
    static const char text[] =
        "Sort  (cost=900.00..901.00 rows=10 width=8) (actual time=9..9 rows=10 loops=1)\n"
        "  Sort Key: a.x\n"
        "  ->  HashAggregate  (cost=8.00..9.00 rows=10 width=8) (actual time=8..8 rows=10 "
        "loops=1)\n"
        "        ->  Nested Loop  (cost=1.00..7.00 rows=10 width=8) (actual time=1..7 rows=9000 "
        "loops=1)\n"
        "              ->  Seq Scan on a  (cost=0.00..2.00 rows=3 width=4) (actual time=0..1 "
        "rows=3 loops=1)\n"
        "                    Filter: (note <> 'Nested Loop  (cost=1.00'::text)\n"
        "              ->  Bitmap Heap Scan on c  (cost=0..3 rows=9 width=4) (actual time=0..1 "
        "rows=3000 loops=3)\n"
        "                    ->  Bitmap Index Scan on c_k  (cost=0..3 rows=9 width=0) (actual "
        "time=0..1 rows=3000 loops=3)\n"
        "Execution Time: 9.5 ms\n";
    struct plan_facts p = {0};
    (void)state;
    plan_parse(text, &p);
    near(p.sorts, 1);
    near(p.hashes, 1);
    near(p.nested_loops, 1);
    near(p.seq_scans, 1);
    near(p.index_scans, 1);
    near(p.index_rows, 9000);
    assert_string_equal(p.index_rel, "c");
}

static void what_is_no_plan(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "hello",
                                        "Execution Time: x ms",
                                        "(cost=",
                                        "->  (cost=",
                                        "Sort Method: x  Disk: 4kB"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct plan_facts p = {0};
        plan_parse(texts[i], &p);
        assert_true(p.sort_disk_kb == 0);
        assert_true(p.hash_batches == 1);
        if (!strstr(texts[i], "(cost="))
            assert_false(p.valid);
    }
    /* A line longer than any plan has. */
    char *longline = malloc(100001);
    memset(longline, 'x', 100000);
    longline[100000] = '\0';
    struct plan_facts p = {0};
    plan_parse(longline, &p);
    assert_false(p.valid);
    free(longline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(external_sort_and_workers), cmocka_unit_test(hashes_and_jit),
        cmocka_unit_test(rows_thrown_away),          cmocka_unit_test(a_limit_is_no_misestimate),
        cmocka_unit_test(what_is_no_plan),           cmocka_unit_test(kinds_of_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
