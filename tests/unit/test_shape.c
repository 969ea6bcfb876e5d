/* The shape of a plan and how two of them differ, on texts as PostgreSQL 15 and 18 print them. */
#include "pgd/discovery/shape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

static const char seq[] =
    "Aggregate  (cost=20.00..20.01 rows=1 width=8)\n"
    "  ->  Hash Join  (cost=1.00..19.00 rows=100 width=0)\n"
    "        Hash Cond: (o.customer = c.id)\n"
    "        ->  Seq Scan on orders o  (cost=0.00..15.00 rows=500 width=4)\n"
    "              Filter: (note ~~ '->  Seq Scan on x  (cost='::text)\n"
    "        ->  Hash  (cost=1.00..1.00 rows=10 width=4)\n"
    "              ->  Seq Scan on customers c  (cost=0.00..1.00 rows=10 width=4)\n";
static const char index_scan[] =
    "Aggregate  (cost=2.00..2.01 rows=1 width=8) (actual time=0.1..0.1 rows=1 loops=1)\n"
    "  ->  Nested Loop  (cost=1.00..1.90 rows=1 width=0) (actual time=0.1..0.1 rows=1 loops=1)\n"
    "        ->  Seq Scan on customers c  (cost=0.00..1.00 rows=10 width=4) (actual time=1..2 "
    "rows=1 loops=1)\n"
    "        ->  Index Scan using orders_customer on orders o  (cost=0.40..0.50 rows=1 width=4) "
    "(actual time=1..2 "
    "rows=1 loops=1)\n"
    "              Index Cond: (customer = c.id)\n"
    "Planning Time: 0.2 ms\n";

static void test_read(void **arg)
{
    (void)arg;
    struct plan_shape s;

    plan_shape(seq, &s);
    assert_string_equal(s.text, "0\tAggregate\n1\tHash Join\n2\tSeq Scan on orders o\n2\tHash\n"
                                "3\tSeq Scan on customers c\n");
    assert_false(s.cut);
    plan_shape("ERROR:  no plan\n", &s);
    assert_string_equal(s.text, "");
}

static void test_flip(void **arg)
{
    (void)arg;
    struct plan_shape a, b;
    char text[400];

    plan_shape(seq, &a);
    plan_shape(index_scan, &b);
    assert_true(plan_flip(&a, &b, text, sizeof text));
    assert_non_null(strstr(
        text, "Seq Scan on orders o \xe2\x86\x92 Index Scan using orders_customer on orders o"));
    assert_non_null(strstr(text, "Hash Join \xe2\x86\x92 Nested Loop"));
    assert_null(strstr(text, "customers"));
    char little[100]; /* no half change at its end */
    assert_true(plan_flip(&a, &b, little, sizeof little));
    assert_string_equal(little + strlen(little) - 5, "; \xe2\x80\xa6");
    assert_false(plan_flip(&a, &a, text, sizeof text));
    assert_string_equal(text, "");
}

/* Costs and rows are no flip; an unknown plan is none either. */
static void test_same(void **arg)
{
    (void)arg;
    struct plan_shape a, b;
    char text[80];

    plan_shape("Seq Scan on t  (cost=0.00..1.00 rows=1 width=4)\n", &a);
    plan_shape(
        "Seq Scan on t  (cost=0.00..9.00 rows=7 width=4) (actual time=1..2 rows=3 loops=1)\n", &b);
    assert_false(plan_flip(&a, &b, text, sizeof text));
    plan_shape("", &b);
    assert_false(plan_flip(&a, &b, text, sizeof text));
    assert_false(plan_flip(&b, &a, text, sizeof text));
}

static void test_order(void **arg)
{
    (void)arg;
    struct plan_shape a, b;
    char text[200];

    plan_shape(
        "Nested Loop  (cost=1..2 rows=1 width=4)\n  ->  Seq Scan on x  (cost=1..2 rows=1 width=4)\n"
        "  ->  Seq Scan on y  (cost=1..2 rows=1 width=4)\n",
        &a);
    plan_shape(
        "Nested Loop  (cost=1..2 rows=1 width=4)\n  ->  Seq Scan on y  (cost=1..2 rows=1 width=4)\n"
        "  ->  Seq Scan on x  (cost=1..2 rows=1 width=4)\n",
        &b);
    assert_true(plan_flip(&a, &b, text, sizeof text));
    assert_string_equal(text, "order x, y \xe2\x86\x92 y, x");
    plan_shape("Gather  (cost=1..2 rows=1 width=4)\n  Workers Planned: 2\n  ->  Parallel Seq Scan "
               "on x  (cost=1..2 "
               "rows=1 width=4)\n",
               &b);
    plan_shape("Seq Scan on x  (cost=1..2 rows=1 width=4)\n", &a);
    assert_true(plan_flip(&a, &b, text, sizeof text));
    assert_string_equal(
        text, "Seq Scan on x \xe2\x86\x92 Parallel Seq Scan on x; (nothing) \xe2\x86\x92 Gather");
}

/* More nodes than there is room for, and a bound of the caller that is small. */
static void test_bounds(void **arg)
{
    (void)arg;
    static char text[40000];
    struct plan_shape a, b;
    char small[12];
    size_t n = 0;

    for (int i = 0; i < 200; i++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "%*s->  Seq Scan on table_%d  (cost=1..2 rows=1 width=4)\n", i, "",
                              i);
    plan_shape(text, &a);
    assert_true(a.cut);
    assert_true(strlen(a.text) < sizeof a.text);
    plan_shape(seq, &b);
    assert_true(plan_flip(&a, &b, small, sizeof small));
    assert_true(strlen(small) < sizeof small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),  cmocka_unit_test(test_flip),   cmocka_unit_test(test_same),
        cmocka_unit_test(test_order), cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
