/* What settings cannot mend: each advice on its cause, silent beside it, and with an undo. */
#include "builtin_world.h"

#include "pgd/agent/advice.h"

static void reads(const char *filter, const char *columns)
{
    char got[200];
    bool found = advice_columns(filter, got, sizeof got);
    if (strcmp(got, columns) != 0 || found != (columns[0] != '\0'))
        fail_msg("%s: %s", filter, got);
}

static void test_columns_of_a_condition(void **state)
{
    (void)state;
    reads("(a = 5)", "a");
    reads("(o.customer = 5)", "customer");
    reads("((day >= '2026-01-01'::date) AND (day <= '2026-02-01'::date) AND (a = 5))", "a, day");
    reads("((name)::text = 'x (y) AND (z = 1)'::text)", "name");
    reads("((status = 'it''s'::text) AND (\"Kind Of\" = 2))", "status, \"Kind Of\"");
    reads("((at > '2026-01-01 00:00:00+00'::timestamp with time zone) AND (b = 1))", "b, at");
    reads("(a = $1)", "a");
    reads("((a > 5) AND (b > 5))", "a"); /* one range serves an index */
    reads("(a <> 5)", "");
    reads("((a = 5) OR (b = 3))", "");
    reads("(lower(a) = 'x'::text)", "");
    reads("(a ~~ '%x%'::text)", "");
    reads("(a = b)", "");
    reads("(a = ANY ('{1,2}'::integer[]))", "");
    reads("(NOT a)", "");
    reads("(a = 5", "");
    reads("(a = '5", "");
    reads("", "");
    reads("((((((", "");
    reads("(a = 5) AND (b = 6)", "");
}

static void relation_of(struct world *w, const char *name)
{
    struct relation_facts *r = &w->f.relations[w->f.nrelations++];
    snprintf(r->schema, sizeof r->schema, "public");
    snprintf(r->name, sizeof r->name, "%s", name);
    r->kind = 'r';
    r->tuples = 1e6;
}

static int collect(struct world *w, struct advice *all)
{
    snprintf(w->f.id.database, sizeof w->f.id.database, "app");
    int n = advice_collect(&w->e, all, ADVICE_MAX);
    for (int i = 0; i < n; i++) {
        assert_true(all[i].statement[0] && all[i].undo[0] && all[i].why[0]);
        assert_non_null(strpbrk(all[i].evidence, "0123456789"));
        assert_null(strstr(all[i].evidence, "nan"));
    }
    return n;
}

static void test_missing_index(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct plan_facts *p = discarding(w);
    assert_int_equal(collect(w, all), 0); /* the condition is not known */
    snprintf(p->seq_scan_filter, sizeof p->seq_scan_filter,
             "((customer = 5) AND (day > '2026-01-01'::date))");
    assert_int_equal(collect(w, all), 0); /* nor the table */
    relation_of(w, "orders");
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_INDEX_MISSING);
    assert_string_equal(
        all[0].statement,
        "CREATE INDEX CONCURRENTLY orders_customer_day_pgd ON public.orders (customer, day)");
    assert_string_equal(all[0].undo, "DROP INDEX CONCURRENTLY public.orders_customer_day_pgd");
    assert_true(all[0].bytes > 10 * MB);
    struct plan_facts *again = plan(w, 50);
    *again = *p; /* the same once more is one advice */
    assert_int_equal(collect(w, all), 1);
    p->worst_misestimate = 400;
    assert_int_equal(collect(w, all), 2);
    assert_int_equal(all[1].kind, ADVICE_STATISTICS);
    assert_non_null(
        strstr(all[1].statement, "ON customer, day FROM public.orders; ANALYZE public.orders"));
    relation_of(w, "orders"); /* of two schemas: which one is not known */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static void test_useless_indexes(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct index_facts *x = &w->f.indexes[w->f.nindexes++];
    snprintf(x->schema, sizeof x->schema, "public");
    snprintf(x->table, sizeof x->table, "t");
    snprintf(x->name, sizeof x->name, "odd\"name");
    snprintf(x->definition, sizeof x->definition, "CREATE INDEX ... ON public.t USING btree (a)");
    x->bytes = 5 * MB;
    x->writes = 50000;
    assert_int_equal(collect(w, all), 0); /* the statistics are a day old and no more */
    w->f.runtime.stats_age_s = 40 * 86400.0;
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_INDEX_UNUSED);
    assert_string_equal(all[0].statement, "DROP INDEX CONCURRENTLY public.\"odd\"\"name\"");
    assert_string_equal(all[0].undo, x->definition);
    x->scans = 3;
    assert_int_equal(collect(w, all), 0);
    snprintf(x->same_as, sizeof x->same_as, "t_a");
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_INDEX_DUPLICATE);
    x->definition[0] = '\0'; /* without it there is no way back */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static void test_storage(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct table_facts *t = &w->f.tables[w->f.ntables++];
    snprintf(t->schema, sizeof t->schema, "public");
    snprintf(t->name, sizeof t->name, "t");
    t->live = 100000;
    t->updated = 90000;
    t->hot = 80000;
    t->indexes = 2;
    assert_int_equal(collect(w, all), 0);
    t->hot = 9000;
    t->dead = 60000;
    assert_int_equal(collect(w, all), 2);
    assert_int_equal(all[0].kind, ADVICE_FILLFACTOR);
    assert_int_equal(all[1].kind, ADVICE_AUTOVACUUM);
    snprintf(t->options, sizeof t->options, "fillfactor=90,autovacuum_vacuum_scale_factor=0.1");
    assert_int_equal(collect(w, all), 0);
    t->options[0] = '\0';
    snprintf(w->plan.database, sizeof w->plan.database, "another");
    assert_int_equal(collect(w, all), 0); /* what discovery looked at is not the workload's */
    world_free(w);
}

/* It is told with what to do next, and never proposed as a setting. */
static void test_told_in_the_end(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct next_strategies n;
    snprintf(discarding(w)->seq_scan_filter, 20, "(customer = 5)");
    relation_of(w, "orders");
    builtin_next_strategies(&w->e, &n);
    assert_non_null(strstr(
        n.text, "CREATE INDEX CONCURRENTLY orders_customer_pgd ON public.orders (customer)"));
    struct proposal p = round1(w);
    for (int i = 0; i < p.n; i++)
        assert_null(strstr(p.changes[i].value, "INDEX"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_columns_of_a_condition), cmocka_unit_test(test_missing_index),
        cmocka_unit_test(test_useless_indexes),        cmocka_unit_test(test_storage),
        cmocka_unit_test(test_told_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
