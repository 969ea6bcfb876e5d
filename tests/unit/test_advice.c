/* What settings cannot mend: each advice on its cause, silent beside it, with an undo, and safe whatever a name says. */
#include "builtin_world.h"

#include "pgd/agent/advice.h"
#include "pgd/agent/condition.h"
#include "pgd/base/buf.h"

static void joined(struct condition *c, char *dst, size_t size)
{
    condition_sort(c);
    dst[0] = '\0';
    for (int i = 0; i < c->n; i++)
        snprintf(dst + strlen(dst), size - strlen(dst), "%s%s", i ? ", " : "", c->columns[i].name);
}

static void reads(const char *filter, const char *columns)
{
    struct condition c;
    char got[300] = "";
    if (condition_of_filter(filter, &c))
        joined(&c, got, sizeof got);
    if (strcmp(got, columns) != 0)
        fail_msg("%s: %s", filter, got);
}

static void test_columns_of_a_condition(void **state)
{
    (void)state;
    reads("(a = 5)", "a");
    reads("(o.customer = 5)", "customer");
    reads("((day >= '2026-01-01'::date) AND (day <= '2026-02-01'::date) AND (a = 5))", "a, day");
    reads("((name)::text = 'x (y) AND (z = 1)'::text)", "name");
    reads("((status = 'it''s'::text) AND (\"Kind Of\" = 2))", "status, Kind Of");
    reads("(\"od\"\"d\" = 2)", "od\"d");
    reads("((at > '2026-01-01 00:00:00+00'::timestamp with time zone) AND (b = 1))", "b, at");
    reads("(a = $1)", "a");
    reads("((a > 5) AND (b > 5))", "a"); /* one range serves an index */
    reads("(a <> 5)", "");
    reads("((a = 5) OR (b = 3))", "");
    reads("(lower(a) = 'x'::text)", "");
    reads("((created)::date = '2026-01-01'::date)", ""); /* no index of the column serves it */
    reads("((id)::character varying = 'x'::character varying)", "");
    reads("((tags)::text[] = '{}'::text[])", "");
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

static void says(const char *text, const char *table, const char *columns)
{
    struct condition c;
    char got[300] = "", from[140] = "";
    if (condition_of_statement(text, &c)) {
        joined(&c, got, sizeof got);
        snprintf(from, sizeof from, "%s%s%s", c.schema, c.schema[0] ? "." : "", c.table);
    }
    if (strcmp(got, columns) != 0 || strcmp(from, table) != 0)
        fail_msg("%s: %s of %s", text, got, from);
}

static void test_columns_of_a_statement(void **state)
{
    (void)state;
    says("SELECT * FROM orders WHERE customer = $1", "orders", "customer");
    says("select o.id /* FROM x */ FROM shop.orders AS o\n WHERE o.day >= $1 AND o.Customer=$2 -- "
         "z\n"
         "ORDER BY o.day DESC LIMIT $3",
         "shop.orders", "customer, day");
    says("SELECT count(*) FROM \"Odd \"\"T\" WHERE (\"K\" IN ($1, $2)) AND b BETWEEN $3 AND $4;",
         "Odd \"T", "K, b");
    says("SELECT extract(year FROM d) FROM t WHERE a = $1::character varying(20) FOR UPDATE", "t",
         "a");
    says("SELECT 1 FROM t WHERE a = $1 OR b = $2", "", "");
    says("SELECT 1 FROM t WHERE a = $1 AND (b = $2 OR c = $3)", "", "");
    says("SELECT 1 FROM t WHERE NOT a = $1", "", "");
    says("SELECT 1 FROM t, u WHERE t.a = $1", "", "");
    says("SELECT 1 FROM t JOIN u USING (a) WHERE t.a = $1", "", "");
    says("SELECT 1 FROM t WHERE a = (SELECT 1)", "", "");
    says("SELECT 1 FROM t WHERE a = $1 GROUP BY b UNION SELECT 1 FROM u", "", "");
    says("SELECT 1 FROM (SELECT 1 FROM t) AS x WHERE a = $1", "", "");
    says("SELECT 1 FROM t WHERE a = b", "", "");
    says("SELECT 1 FROM t WHERE f(a) = $1", "", "");
    says("SELECT 1 FROM t WHERE a = 'it\\'s' AND b = 1", "", "");
    says("SELECT 1 FROM t", "", "");
    says("UPDATE t SET a = 1 WHERE b = $1", "", "");
    says("", "", "");
}

static void relation_of(struct world *w, const char *name)
{
    struct relation_facts *r = &w->f.relations[w->f.nrelations++];
    snprintf(r->schema, sizeof r->schema, "public");
    snprintf(r->name, sizeof r->name, "%s", name);
    r->kind = 'r';
    r->tuples = 1e6;
    r->bytes = 400 * MB;
}

static struct scanned_facts *scanned(struct world *w, const char *schema, const char *name)
{
    struct scanned_facts *t = &w->f.scanned[w->f.nscanned++];
    snprintf(t->schema, sizeof t->schema, "%s", schema);
    snprintf(t->name, sizeof t->name, "%s", name);
    t->tuples = 1e6;
    t->bytes = 400 * MB;
    t->scans = 500;
    t->rows_read = 500e6;
    t->writes = 7000;
    return t;
}

static struct column_facts *column(struct world *w, const char *name, double values)
{
    struct column_facts *c = &w->f.columns[w->f.ncolumns++];
    c->table = w->f.nscanned - 1;
    snprintf(c->name, sizeof c->name, "%s", name);
    c->values = values;
    c->nulls = 0;
    c->width = 4;
    c->target = -1;
    c->ordered = true;
    return c;
}

/* What holds of every advice, whatever its cause. */
static int collect(struct world *w, struct advice *all)
{
    snprintf(w->f.id.database, sizeof w->f.id.database, "app");
    int n = advice_collect(&w->e, all, ADVICE_MAX);
    for (int i = 0; i < n; i++) {
        const struct advice *a = &all[i];
        assert_true(a->statement[0] && a->undo[0] && a->why[0] && a->object[0] && a->source[0]);
        assert_true(a->lock[0] && a->prediction[0]);
        assert_non_null(strpbrk(a->evidence, "0123456789"));
        const char *texts[] = {a->evidence, a->source, a->price, a->prediction, a->object};
        for (size_t k = 0; k < sizeof texts / sizeof texts[0]; k++)
            assert_null(strstr(texts[k], "nan"));
        assert_null(strstr(a->statement, "ALTER SYSTEM"));
        assert_int_equal(a->alone, strstr(a->statement, "CONCURRENTLY") != NULL);
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
    assert_string_equal(all[0].undo,
                        "DROP INDEX CONCURRENTLY IF EXISTS public.orders_customer_day_pgd");
    assert_true(all[0].bytes > 10 * MB);
    assert_true(all[0].seconds > 5 && all[0].seconds < 60);
    assert_non_null(strstr(all[0].prediction, "estimated"));
    struct plan_facts *again = plan(w, 50);
    *again = *p; /* the same once more is one advice */
    assert_int_equal(collect(w, all), 1);
    p->worst_misestimate = 400;
    assert_int_equal(collect(w, all), 2);
    assert_int_equal(all[1].kind, ADVICE_STATISTICS);
    assert_non_null(strstr(all[1].statement, "ON customer, day FROM public.orders"));
    assert_string_equal(all[1].follow, "ANALYZE public.orders");
    relation_of(w, "orders"); /* of two schemas: which one is not known */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

/* pg_stats has the last word: an index that is there, a type without an order, values that stand for many rows. */
static void test_index_would_not_help(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    snprintf(discarding(w)->seq_scan_filter, 20, "(customer = 5)");
    relation_of(w, "orders");
    scanned(w, "public", "orders");
    struct column_facts *c = column(w, "customer", 50000);
    assert_int_equal(collect(w, all), 1);
    assert_non_null(strstr(all[0].evidence, "leaves about 20 of"));
    c->leads = true;
    assert_int_equal(collect(w, all), 0);
    c->leads = false;
    c->ordered = false;
    assert_int_equal(collect(w, all), 0);
    c->ordered = true;
    c->values = 4;
    assert_int_equal(collect(w, all), 0);
    c->values = NAN; /* may not be seen: the plan alone has shown it */
    assert_int_equal(collect(w, all), 1);
    snprintf(w->plans[0].seq_scan_filter, 40, "((customer)::text = '5'::text)");
    assert_int_equal(collect(w, all),
                     0); /* the cast of a number: the index would be one of numbers */
    c->texts = true;
    assert_int_equal(collect(w, all), 1);
    w->f.id.standby = true; /* there nothing of it can be done */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static void test_missing_index_by_statements(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct statement_facts *x = &w->f.statements[w->f.nstatements++];
    snprintf(x->id, sizeof x->id, "-77");
    snprintf(x->text, sizeof x->text, "SELECT * FROM events WHERE device = $1 ORDER BY at");
    x->calls = 500;
    x->total_ms = 40000;
    x->rows = 5000;
    x->share = 0.4;
    assert_int_equal(collect(w, all), 0); /* the table is not known */
    struct scanned_facts *t = scanned(w, "log", "events");
    assert_int_equal(collect(w, all), 0); /* nor the column */
    struct column_facts *c = column(w, "device", 100000);
    assert_int_equal(collect(w, all), 1);
    assert_string_equal(all[0].statement,
                        "CREATE INDEX CONCURRENTLY events_device_pgd ON log.events (device)");
    assert_non_null(strstr(all[0].evidence, "500 calls of 80.0 ms, 40 % of the statements' time"));
    assert_non_null(strstr(all[0].source, "pg_stat_statements -77"));
    assert_non_null(strstr(all[0].price, "7 000"));
    c->values = NAN; /* without a plan that is too little to go by */
    assert_int_equal(collect(w, all), 0);
    c->values = 100000;
    x->rows = 500 * 200000.0; /* it wants a fifth of the table */
    assert_int_equal(collect(w, all), 0);
    x->rows = 5000;
    t->rows_read = 500; /* and the table is not read whole */
    assert_int_equal(collect(w, all), 0);
    t->rows_read = 500e6;
    scanned(w, "other", "events"); /* two of that name */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static void test_hostile_names(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    static const char table[] = "t\"; DROP TABLE x; --";
    struct buf script = {0};

    relation_of(w, table);
    snprintf(w->f.relations[0].schema, 64, "a.b\nc");
    struct plan_facts *p = discarding(w);
    snprintf(p->seq_scan_rel, sizeof p->seq_scan_rel, "%s", table);
    snprintf(p->seq_scan_filter, sizeof p->seq_scan_filter, "(\"c\"\"); --\" = 5)");
    assert_int_equal(collect(w, all), 0); /* a name with a line's end cannot be shown as it is */
    snprintf(w->f.relations[0].schema, 64, "a.b'c");
    assert_int_equal(collect(w, all), 1);
    assert_non_null(
        strstr(all[0].statement, "ON \"a.b'c\".\"t\"\"; DROP TABLE x; --\" (\"c\"\"); --\")"));
    assert_non_null(strstr(all[0].undo, "\"a.b'c\".\"t"));
    /* no line of the script but the statement itself says anything to the server */
    advice_script(all, 1, false, &script);
    char *at = strtok(script.data, "\n");
    for (int n = 0; at; at = strtok(NULL, "\n"))
        if (strncmp(at, "-- ", 3) != 0)
            assert_true(n++ > 0 || strncmp(at, "CREATE INDEX", 12) == 0);
    buf_clear(&script);
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
    snprintf(x->definition, sizeof x->definition,
             "CREATE INDEX \"odd\"\"name\" ON public.t USING btree (a)");
    x->bytes = 5 * MB;
    x->writes = 50000;
    assert_int_equal(collect(w, all), 0); /* the statistics are a day old and no more */
    w->f.runtime.stats_age_s = 40 * 86400.0;
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_INDEX_UNUSED);
    assert_string_equal(all[0].statement, "DROP INDEX CONCURRENTLY public.\"odd\"\"name\"");
    assert_string_equal(all[0].undo,
                        "CREATE INDEX CONCURRENTLY \"odd\"\"name\" ON public.t USING btree (a)");
    /* how old the index is nobody knows: no scan is told of days in which it may not have been there */
    assert_non_null(strstr(all[0].evidence,
                           "no scan since the counters began (40.0 days ago) or since "
                           "it was made, whichever was later"));
    x->scans = 3;
    assert_int_equal(collect(w, all), 0);
    snprintf(x->same_as, sizeof x->same_as, "t_a");
    w->f.runtime.stats_age_s = NAN;
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_INDEX_DUPLICATE);
    x->definition[0] = '\0'; /* without it there is no way back */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

/* Of equals one stays, also where no scan has used it. */
static void test_one_of_equals_stays(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    static const char *const names[] = {"t_a", "t_a_again"};
    w->f.runtime.stats_age_s = 40 * 86400.0;
    for (int i = 0; i < 2; i++) {
        struct index_facts *x = &w->f.indexes[w->f.nindexes++];
        snprintf(x->schema, sizeof x->schema, "public");
        snprintf(x->table, sizeof x->table, "t");
        snprintf(x->name, sizeof x->name, "%s", names[i]);
        snprintf(x->definition, sizeof x->definition, "CREATE INDEX %s ON public.t USING btree (a)",
                 names[i]);
        x->bytes = 5 * MB;
        x->writes = 50000;
    }
    snprintf(w->f.indexes[1].same_as, sizeof w->f.indexes[1].same_as, "t_a");
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_INDEX_DUPLICATE);
    assert_string_equal(all[0].statement, "DROP INDEX CONCURRENTLY public.t_a_again");
    world_free(w);
}

/* Names that have to be cut are told apart. */
static void test_cut_names(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    relation_of(w, "orders");
    snprintf(discarding(w)->seq_scan_filter, 60, "(a_rather_long_name_of_a_column_1 = 5)");
    snprintf(discarding(w)->seq_scan_filter, 60, "(a_rather_long_name_of_a_column_2 = 5)");
    assert_int_equal(collect(w, all), 2);
    assert_string_not_equal(all[0].undo, all[1].undo);
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

static void test_finer_statistics(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct plan_facts *p = discarding(w);
    snprintf(p->seq_scan_filter, sizeof p->seq_scan_filter, "(customer = 5)");
    relation_of(w, "orders");
    scanned(w, "public", "orders");
    struct column_facts *c = column(w, "customer", 50000);
    c->leads = true; /* no index is missing */
    p->worst_misestimate = 50;
    assert_int_equal(collect(w, all), 0);
    p->worst_misestimate = 500;
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_TARGET);
    assert_string_equal(all[0].statement,
                        "ALTER TABLE public.orders ALTER COLUMN customer SET STATISTICS 1000");
    assert_string_equal(all[0].undo,
                        "ALTER TABLE public.orders ALTER COLUMN customer SET STATISTICS -1");
    c->target = 1000;
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static struct role_load *load(struct world *w, const char *role, double ms, double temp)
{
    struct role_load *x = &w->f.loads[w->f.nloads++];
    snprintf(x->role, sizeof x->role, "%s", role);
    snprintf(x->database, sizeof x->database, "app");
    x->calls = 1000;
    x->total_ms = ms;
    x->temp_bytes = temp;
    x->temp_calls = temp > 0 ? 100 : 0;
    x->temp_call = temp / 100;
    x->jit_ms = x->jit_calls = 0;
    return x;
}

static void test_role(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct role_load *web = load(w, "web", 90000, 0), *x = load(w, "Re\"port", 60000, 1000 * MB);
    w->f.host.known = true;
    w->f.host.mem_total = 64 * GB;
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_ROLE);
    assert_string_equal(all[0].statement,
                        "ALTER ROLE \"Re\"\"port\" IN DATABASE app SET work_mem = '32MB'");
    assert_string_equal(all[0].undo, "ALTER ROLE \"Re\"\"port\" IN DATABASE app RESET work_mem");
    struct override *o = &w->f.overrides[w->f.noverrides++];
    snprintf(o->name, sizeof o->name, "work_mem");
    snprintf(o->value, sizeof o->value, "8MB");
    snprintf(o->role, sizeof o->role, "%s", x->role);
    snprintf(o->database, sizeof o->database, "app");
    assert_int_equal(collect(w, all), 1); /* the undo brings the value back that it had */
    assert_non_null(strstr(all[0].undo, "SET work_mem = '8MB'"));
    snprintf(o->value, sizeof o->value, "64MB");
    assert_int_equal(collect(w, all), 0);
    w->f.noverrides = 0;
    web->temp_bytes = 900 * MB; /* both spill: that is a matter of the server's value */
    assert_int_equal(collect(w, all), 0);
    web->temp_bytes = 0;
    web->total_ms = 100; /* nobody else works here */
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static void hides(struct world *w, const char *name, const char *value, const char *role,
                  const char *database)
{
    struct override *o = &w->f.overrides[w->f.noverrides++];
    memset(o, 0, sizeof *o);
    snprintf(o->name, sizeof o->name, "%s", name);
    snprintf(o->value, sizeof o->value, "%s", value);
    snprintf(o->role, sizeof o->role, "%s", role);
    snprintf(o->database, sizeof o->database, "%s", database);
}

/* Compiling is left out for the one workload that it costs a third of its time. */
static void test_role_without_jit(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct role_load *web = load(w, "web", 90000, 0), *x = load(w, "report", 60000, 0);
    x->jit_ms = 30000;
    x->jit_calls = 50;
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_ROLE);
    assert_string_equal(all[0].statement, "ALTER ROLE report IN DATABASE app SET jit = 'off'");
    assert_string_equal(all[0].undo, "ALTER ROLE report IN DATABASE app RESET jit");
    assert_non_null(strstr(all[0].evidence, "30.0 of 60.0 s compiling (50 %)"));
    hides(w, "jit", "on", "report", ""); /* a wider value stays as it is */
    assert_int_equal(collect(w, all), 1);
    assert_non_null(strstr(all[0].undo, "RESET jit"));
    hides(w, "jit", "off", "report", "app"); /* done already */
    assert_int_equal(collect(w, all), 0);
    w->f.noverrides = 0;
    x->jit_ms = 15000; /* a quarter: it may pay */
    assert_int_equal(collect(w, all), 0);
    x->jit_ms = 30000;
    x->jit_calls = 3; /* too few to tell */
    assert_int_equal(collect(w, all), 0);
    x->jit_calls = 50;
    web->jit_ms = 20000; /* all do: a matter of the server's value */
    assert_int_equal(collect(w, all), 0);
    web->jit_ms = 0;
    x->jit_ms = web->jit_ms = NAN; /* before PostgreSQL 15 */
    assert_int_equal(collect(w, all), 0);
    x->jit_ms = 30000;
    web->jit_ms = 0;
    set(w, "jit", "off");
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

/* Several roles of one database, or one role in several: the statement is as wide as the cause, and no wider. */
static void test_database_and_role_alone(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advice all[ADVICE_MAX];
    struct role_load *web = load(w, "web", 90000, 0), *a = load(w, "anna", 30000, 500 * MB),
                     *b = load(w, "bert", 30000, 500 * MB);
    w->f.host.mem_total = 64 * GB;
    snprintf(web->database, sizeof web->database, "shop");
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_DATABASE);
    assert_string_equal(all[0].statement, "ALTER DATABASE app SET work_mem = '16MB'");
    assert_string_equal(all[0].undo, "ALTER DATABASE app RESET work_mem");
    assert_string_equal(advice_kind_name(all[0].kind), "database setting");
    hides(w, "work_mem", "2MB", "", "app");
    assert_int_equal(collect(w, all), 1);
    assert_string_equal(all[0].undo, "ALTER DATABASE app SET work_mem = '2MB'");
    hides(w, "work_mem", "1MB", "bert", ""); /* which would hide the database's */
    assert_int_equal(collect(w, all), 0);
    w->f.noverrides = 0;
    hides(w, "work_mem", "1MB", "carl", ""); /* who does not work there */
    assert_int_equal(collect(w, all), 1);
    w->f.noverrides = 0;
    snprintf(b->role, sizeof b->role, "anna");
    snprintf(b->database, sizeof b->database, "shop");
    assert_int_equal(collect(w, all), 1);
    assert_int_equal(all[0].kind, ADVICE_ROLE);
    assert_string_equal(all[0].statement, "ALTER ROLE anna SET work_mem = '16MB'");
    assert_string_equal(all[0].undo, "ALTER ROLE anna RESET work_mem");
    snprintf(a->database, sizeof a->database, "pg_diagnose_bench"); /* our own benchmark */
    snprintf(b->database, sizeof b->database, "pg_diagnose_bench");
    assert_int_equal(collect(w, all), 0);
    world_free(w);
}

static void test_script(void **state)
{
    (void)state;
    static struct advice list[] = {{.kind = ADVICE_STATISTICS,
                                    .mark = ADVICE_ACCEPTED,
                                    .object = "public.t (a, b)",
                                    .statement = "CREATE STATISTICS s ON a, b FROM t",
                                    .follow = "ANALYZE t",
                                    .undo = "DROP STATISTICS s",
                                    .why = "line one\nDROP TABLE t;",
                                    .seconds = NAN},
                                   {.kind = ADVICE_INDEX_UNUSED,
                                    .statement = "DROP INDEX CONCURRENTLY i",
                                    .undo = "CREATE INDEX CONCURRENTLY i ON t (a)",
                                    .mark = ADVICE_ACCEPTED,
                                    .seconds = 3,
                                    .alone = true}};
    struct buf out = {0};
    advice_script(list, 2, false, &out);
    assert_non_null(strstr(buf_text(&out), "\nCREATE STATISTICS s ON a, b FROM t;\nANALYZE t;\n"));
    assert_non_null(strstr(buf_text(&out), "not in a transaction"));
    assert_null(strstr(buf_text(&out), "\nDROP TABLE"));
    buf_clear(&out);
    advice_script(list, 2, true, &out);
    const char *index = strstr(buf_text(&out), "\nCREATE INDEX CONCURRENTLY i ON t (a);\n");
    const char *statistics = strstr(buf_text(&out), "\nDROP STATISTICS s;\nANALYZE t;\n");
    assert_true(index && statistics && index < statistics); /* the last one first */
    /* whether it was dropped, or is invalid since, or neither; and it waits for transactions that are open */
    assert_non_null(strstr(buf_text(&out), "\nSET lock_timeout = 0;\nDROP INDEX CONCURRENTLY IF "
                                           "EXISTS i;"));
    assert_non_null(strstr(index, ";\nSET lock_timeout = '5s';\n"));
    buf_clear(&out);
    list[0].mark = ADVICE_REJECTED; /* is left out; what nobody has accepted does not run */
    list[1].mark = ADVICE_OPEN;
    for (int undo = 0; undo < 2; undo++) {
        advice_script(list, 2, undo, &out);
        assert_null(strstr(buf_text(&out), "STATISTICS"));
        for (const char *at = buf_text(&out); at && *at;
             at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
            assert_true(strncmp(at, "--", 2) == 0 || *at == '\n');
        buf_clear(&out);
    }
}

/* What the DBA has said stays with the statement, also when others come before it. */
static void test_marks_stay(void **state)
{
    (void)state;
    struct world *w = world_new();
    struct advised *a = calloc(1, sizeof *a);
    snprintf(w->f.id.database, sizeof w->f.id.database, "app");
    struct table_facts *t = &w->f.tables[w->f.ntables++];
    snprintf(t->schema, sizeof t->schema, "public");
    snprintf(t->name, sizeof t->name, "t");
    t->live = t->dead = 100000;
    advice_take(a, &w->e);
    assert_int_equal(a->n, 1);
    a->items[0].mark = ADVICE_REJECTED;
    snprintf(discarding(w)->seq_scan_filter, 20, "(customer = 5)");
    relation_of(w, "orders");
    advice_take(a, &w->e);
    assert_int_equal(a->n, 2);
    assert_int_equal(a->items[0].mark, ADVICE_OPEN);
    assert_int_equal(a->items[1].mark, ADVICE_REJECTED);
    snprintf(w->plan.database, sizeof w->plan.database,
             "bench"); /* what is known is of the other one */
    advice_take(a, &w->e);
    assert_int_equal(a->n, 2);
    free(a);
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
        cmocka_unit_test(test_columns_of_a_condition),
        cmocka_unit_test(test_columns_of_a_statement),
        cmocka_unit_test(test_missing_index),
        cmocka_unit_test(test_index_would_not_help),
        cmocka_unit_test(test_missing_index_by_statements),
        cmocka_unit_test(test_hostile_names),
        cmocka_unit_test(test_useless_indexes),
        cmocka_unit_test(test_one_of_equals_stays),
        cmocka_unit_test(test_cut_names),
        cmocka_unit_test(test_storage),
        cmocka_unit_test(test_finer_statistics),
        cmocka_unit_test(test_role),
        cmocka_unit_test(test_role_without_jit),
        cmocka_unit_test(test_database_and_role_alone),
        cmocka_unit_test(test_script),
        cmocka_unit_test(test_marks_stay),
        cmocka_unit_test(test_told_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
