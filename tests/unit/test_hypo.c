/* HypoPG: what is sent to it, answers as a server gave them, what the advice makes of them, and the session that asks: in its
 * order, whatever fails in it, never with a statement of another role, nor with a recorded one as a role that reaches the machine of the
 * server; a stop ends it at once, and its time is up when it is up. */
#include "pgd/agent/advice.h"
#include "pgd/agent/hypo.h"
#include "pgd/app/flow.h"
#include "pgd/app/hypo.h"
#include "pgd/app/readonly.h"
#include "pgd/base/rows.h"
#include "pgd/base/text.h"
#include "world.h"

#include <math.h>

/* PostgreSQL 15, HypoPG 1.3.1 */
static const char plain[] = "QUERY PLAN\n"
                            "Aggregate  (cost=2530.01..2530.02 rows=1 width=8)\n"
                            "  ->  Seq Scan on events  (cost=0.00..2530.00 rows=4 width=61)\n"
                            "        Filter: (device = 77)\n";
static const char indexed[] =
    "QUERY PLAN\n"
    "Aggregate  (cost=19.60..19.61 rows=1 width=8)\n"
    "  ->  Bitmap Heap Scan on events  (cost=4.07..19.59 rows=4 width=61)\n"
    "        Recheck Cond: (device = 77)\n"
    "        ->  Bitmap Index Scan on \"<13543>btree_Odd \"\"S_events_device\"  (cost=0.00..4.07 "
    "rows=4 width=0)\n"
    "              Index Cond: (device = 77)\n";
static const char scanned[] =
    "QUERY PLAN\n"
    "Index Scan using \"<13543>btree_events_device\" on events  (cost=0.04..8.05 rows=1 width=4)\n"
    "  Index Cond: (device = 77)\n";
static const char created[] = "indexname|bytes\n<13543>btree_Odd \"S_events_device|2621440\n";

static void test_what_is_sent(void **state)
{
    (void)state;
    struct buf sql = {0};

    assert_true(hypo_create_sql(
        "Odd \"S", "CREATE INDEX CONCURRENTLY it_s_pgd ON public.\"it's\" (a, \"B\")", &sql));
    assert_non_null(strstr(buf_text(&sql), "FROM \"Odd \"\"S\".hypopg_create_index('CREATE INDEX "
                                           "ON public.\"it''s\" (a, \"B\")') AS h"));
    assert_non_null(strstr(buf_text(&sql), "\"Odd \"\"S\".hypopg_relation_size(h.indexrelid)"));
    assert_non_null(strstr(buf_text(&sql), "AND e.extname = 'hypopg'"));
    assert_non_null(
        strstr(buf_text(&sql), "'\"Odd \"\"S\".hypopg_create_index(text)'::pg_catalog.regproc"));
    assert_non_null(strstr(buf_text(&sql), "HAVING pg_catalog.count(*) = 2"));
    buf_clear(&sql);
    hypo_reset_sql("public", &sql);
    assert_non_null(strstr(buf_text(&sql), "FROM public.hypopg_reset()"));
    assert_non_null(strstr(buf_text(&sql), "'public.hypopg_reset()'::pg_catalog.regprocedure"));
    buf_clear(&sql);
    assert_false(hypo_create_sql("public", "DROP INDEX CONCURRENTLY a ON b", &sql));
    assert_false(hypo_create_sql("public", "CREATE INDEX CONCURRENTLY a", &sql));
    assert_int_equal(sql.len, 0);
}

static void plan_is(const char *text, const char *name, double cost, bool used)
{
    struct rows *r = rows_parse(text);
    bool got;

    double c = hypo_plan(r, name, &got);
    assert_true(isnan(cost) ? isnan(c) : c == cost);
    assert_int_equal(got, used);
    rows_free(r);
}

static void test_answers(void **state)
{
    (void)state;
    struct rows *r = rows_parse(created);
    char name[80];
    double bytes;

    assert_true(hypo_created(r, name, sizeof name, &bytes));
    assert_string_equal(name, "<13543>");
    assert_true(bytes == 2621440);
    rows_free(r);
    static const char *const odd[] = {"indexname|bytes\n", "indexname|bytes\nevents_pkey|8192\n",
                                      "indexname|bytes\n<>btree|1\n", "x\n1\n",
                                      "indexname|bytes\n<123456789012>btree|1\n"};
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        r = rows_parse(odd[i]);
        assert_false(hypo_created(r, name, sizeof name, &bytes));
        rows_free(r);
    }
    assert_false(hypo_created(NULL, name, sizeof name, &bytes));
    plan_is(plain, "", 2530.02, false);
    plan_is(plain, "<13543>", 2530.02, false);
    plan_is(indexed, "<13543>", 19.61, true);
    plan_is(scanned, "<13543>", 8.05, true);
    plan_is(scanned, "<13544>", 8.05, false);
    plan_is("QUERY PLAN\nnothing\n", "<13543>", NAN, false);
    plan_is("QUERY PLAN\nResult  (cost=x..y)\n", "<13543>", NAN, false);
}

/* ---- the session that asks ---- */

static void statement_of(struct world *w, const char *column, bool own)
{
    struct server_facts *f = &w->m->server;
    struct statement_facts *x = &f->statements[f->nstatements++];
    struct column_facts *c = &f->columns[f->ncolumns++];

    snprintf(c->name, sizeof c->name, "%s", column);
    c->values = 50000;
    c->width = 4;
    c->ordered = true;
    snprintf(x->id, sizeof x->id, "%d", f->nstatements);
    snprintf(x->text, sizeof x->text, "SELECT pad FROM public.events WHERE %s = $1", column);
    x->calls = 1000;
    x->total_ms = 50000;
    x->rows = 4000;
    x->share = 0.4;
    x->own = own;
}

static int setup(void **state)
{
    struct world *w = world_new();
    struct server_facts *f = &w->m->server;
    struct scanned_facts *t = &f->scanned[f->nscanned++];

    w->m->flow = FLOW_WATCH;
    w->m->server_known = true;
    text_copy(f->id.database, sizeof f->id.database, "shop");
    text_copy(f->hypopg_schema, sizeof f->hypopg_schema, "ext");
    text_copy(w->m->links[CONN_CONTROL].dbname, sizeof w->m->links[0].dbname, "shop");
    w->m->links[CONN_CONTROL].state = LINK_UP;
    snprintf(t->schema, sizeof t->schema, "public");
    snprintf(t->name, sizeof t->name, "events");
    t->tuples = 1e6;
    t->bytes = 4e8;
    t->scans = 500;
    t->rows_read = 5e8;
    t->writes = 7000;
    statement_of(w, "device", true);
    *state = w;
    return 0;
}

/* The link is there, to this version. */
static void link_up(struct world *w, int version)
{
    struct link *l = &w->m->links[CONN_PLAN];
    struct event ev = {.kind = EV_PG_UP, .u.pg.conn = CONN_PLAN};

    assert_int_equal(w->m->hypo.step, HYPO_LINK);
    l->state = LINK_UP;
    l->server_version = version;
    effects_clear(&w->fx);
    assert_true(hypo_link(w->m, &ev, &w->fx));
}

/* What was sent last holds `part`; it is answered. */
static void answer(struct world *w, const char *part, const char *rows, enum err_code code)
{
    const struct effect *e = world_sent(w, FX_PG_QUERY);
    struct event ev = {.kind = EV_PG_RESULT};

    assert_non_null(e);
    if (!strstr(e->text, part))
        fail_msg("%s is not in %s", part, e->text);
    assert_int_equal(e->u.pg.conn, CONN_PLAN);
    assert_true(e->ms > 0);
    assert_true(readonly_allows(e)); /* also with --readonly */
    ev.req = e->req;
    if (code != ERR_NONE)
        err_set(&ev.err, code, "simulated");
    else
        ev.rows = rows_parse(rows);
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
    rows_free(ev.rows);
}

/* The session is made safe, at first and after each plan. */
static void limits(struct world *w, bool reaches)
{
    answer(w, "'default_transaction_read_only', 'on', false",
           reaches ? "reaches\nt\n" : "reaches\nf\n", ERR_NONE);
}

/* … and names mean what they mean to its role, while a statement is planned alone. */
static void planning(struct world *w)
{
    answer(w, "set_config('search_path', (SELECT s.reset_val FROM pg_catalog.pg_settings",
           "reaches\nf\n", ERR_NONE);
}

static const struct hypo_result *result(struct world *w, int i)
{
    assert_true(i < w->m->hypo.results.n);
    return &w->m->hypo.results.items[i];
}

static int advised(struct world *w, struct advice *all)
{
    struct evidence e;

    model_evidence(w->m, &e);
    return advice_collect(&e, all, ADVICE_MAX);
}

static void one_is_used(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];

    assert_int_equal(advised(w, all), 1);
    assert_string_equal(all[0].tested, "not tested: HypoPG was not asked yet");
    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 150018);
    planning(w);
    answer(w, "PREPARE pg_diagnose_plan AS SELECT pad FROM public.events WHERE device = $1", "x\n",
           ERR_NONE);
    answer(w, "EXPLAIN (COSTS) EXECUTE pg_diagnose_plan(NULL)", plain, ERR_NONE);
    limits(w, false);
    answer(w, "ext.hypopg_create_index('CREATE INDEX ON public.events (device)')", created,
           ERR_NONE);
    planning(w);
    answer(w, "PREPARE pg_diagnose_plan AS SELECT pad", "x\n", ERR_NONE);
    answer(w, "EXPLAIN (COSTS) EXECUTE pg_diagnose_plan(NULL)", indexed, ERR_NONE);
    limits(w, false);
    assert_true(hypo_busy(w->m));
    answer(w, "ext.hypopg_reset()", "reset\nt\n", ERR_NONE);
    assert_false(hypo_busy(w->m));
    assert_int_equal(result(w, 0)->verdict, HYPO_USED);
    assert_int_equal(advised(w, all), 1);
    assert_true(all[0].cost_before == 2530.02 && all[0].cost_after == 19.61);
    assert_true(all[0].bytes == 2621440);
    assert_non_null(strstr(all[0].tested, "the planner would use it"));
    assert_false(hypo_begin(w->m, &w->fx)); /* each is asked for once */
    hypo_forget(w->m);
    assert_true(hypo_begin(w->m, &w->fx));
}

static void one_is_not_used(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];

    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 160000);
    limits(w, false);
    answer(w, "EXPLAIN (COSTS, GENERIC_PLAN) SELECT pad", plain, ERR_NONE);
    limits(w, false);
    answer(w, "hypopg_create_index", created, ERR_NONE);
    planning(w);
    answer(w, "EXPLAIN (COSTS, GENERIC_PLAN) SELECT pad", plain, ERR_NONE);
    limits(w, false);
    answer(w, "hypopg_reset", "reset\nt\n", ERR_NONE);
    assert_int_equal(result(w, 0)->verdict, HYPO_UNUSED);
    assert_int_equal(advised(w, all), 0);
    assert_true(world_said(w, "HypoPG: 1 index that seemed to be missing would not be used"));
}

/* Each step fails once: the advice stays, says why it was not tested, and the next one is asked for all the same. */
static void whatever_fails(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];
    static const char *const answers[] = {plain,   "reaches\nf\n", created,     "reaches\nf\n",
                                          scanned, "reaches\nf\n", "reset\nt\n"};

    statement_of(w, "code", true);
    for (int bad = 0; bad < 6;
         bad += 2) { /* of the limits: nothing more is asked then, see below */
        hypo_forget(w->m);
        assert_true(hypo_begin(w->m, &w->fx));
        link_up(w, 170000);
        limits(w, false);
        for (int i = 0; i <= bad; i++)
            answer(w, "", answers[i], i == bad ? ERR_SQL : ERR_NONE);
        limits(w, false);
        answer(w, "hypopg_reset", "reset\nt\n", ERR_NONE); /* no index of it is left */
        planning(w);
        for (int i = 0; i < 7; i++)
            answer(w, "", answers[i], ERR_NONE);
        assert_false(hypo_busy(w->m));
        assert_int_equal(result(w, 0)->verdict, HYPO_UNTESTED);
        assert_int_equal(result(w, 1)->verdict, HYPO_USED);
        assert_int_equal(advised(w, all), 2);
        assert_string_equal(all[0].tested, "not tested with HypoPG: simulated");
    }
    hypo_forget(w->m); /* an answer that makes no sense */
    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 170000);
    limits(w, false);
    answer(w, "EXPLAIN", "what|is\nthis|x\n", ERR_NONE);
    limits(w, false);
    answer(w, "hypopg_create_index", "what|is\nthis|x\n", ERR_NONE);
    limits(w, false);
    answer(w, "hypopg_reset", "reset\nt\n", ERR_SQL); /* nothing can be told from then on */
    assert_false(hypo_busy(w->m));
    assert_int_equal(w->m->hypo.results.n, 2);
    assert_int_equal(result(w, 1)->verdict, HYPO_UNTESTED);
    hypo_forget(
        w->m); /* what was planned may have taken the limits away, and they do not come back */
    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 170000);
    limits(w, false);
    answer(w, "EXPLAIN", plain, ERR_NONE);
    answer(w, "lock_timeout", "x\n", ERR_SQL);
    assert_false(hypo_busy(w->m));
    assert_int_equal(w->m->hypo.results.n, 2);
    assert_int_equal(result(w, 0)->verdict, HYPO_UNTESTED);
}

/* The session goes, or cannot be made safe. */
static void the_link_goes(void **state)
{
    struct world *w = *state;
    struct event down = {.kind = EV_PG_DOWN, .u.pg.conn = CONN_PLAN};

    err_set(&down.err, ERR_LOST, "gone");
    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 170000);
    answer(w, "lock_timeout", "x\n", ERR_SQL); /* nothing is planned without its limits */
    assert_false(hypo_busy(w->m));
    assert_string_equal(result(w, 0)->why, "simulated");
    assert_int_equal(w->m->links[CONN_PLAN].state, LINK_OFF);
    hypo_forget(w->m);
    assert_true(hypo_begin(w->m, &w->fx));
    assert_true(hypo_link(w->m, &down, &w->fx));
    assert_false(hypo_busy(w->m));
    assert_string_equal(result(w, 0)->why, "gone");
}

static void what_is_never_planned(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];

    w->m->server.statements[0].own = false;
    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 170000);
    limits(w, false);
    assert_null(world_sent(w, FX_PG_QUERY));
    assert_false(hypo_busy(w->m));
    assert_int_equal(advised(w, all), 1);
    assert_string_equal(all[0].tested, "not tested with HypoPG: its statement is another role's, "
                                       "and planning can run that role's code");
}

/* What our role has run may call what others own and have replaced since. */
static void what_reaches_the_machine(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];
    static const char *const answers[] = {"reaches\nt\n", "x\n", "reaches\n", "reaches\n\\N\n"};

    for (size_t i = 0; i < ARRAY_LEN(answers); i++) { /* nor where the server does not say it */
        hypo_forget(w->m);
        assert_true(hypo_begin(w->m, &w->fx));
        link_up(w, 170000);
        answer(w, "pg_execute_server_program", answers[i], ERR_NONE);
        assert_null(world_sent(w, FX_PG_QUERY));
        assert_false(hypo_busy(w->m));
        assert_int_equal(advised(w, all), 1);
        assert_string_equal(all[0].tested,
                            "not tested with HypoPG: planned as a superuser, or with rights on the "
                            "server's files, its statement could run code of others");
    }
}

/* Its time is up, whatever is under way; no question is waited for beyond that. */
static void its_time_is_up(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];
    const struct effect *e;

    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 170000);
    limits(w, false);
    w->m->hypo.until_us = w->m->now_us + 700000;
    answer(w, "EXPLAIN", plain, ERR_NONE);
    e = world_sent(w, FX_PG_QUERY);
    assert_non_null(e);
    assert_true(e->ms > 0 && e->ms <= 700);
    w->m->hypo.until_us = 0;
    limits(w, false);
    assert_null(world_sent(w, FX_PG_QUERY));
    assert_false(hypo_busy(w->m));
    assert_int_equal(w->m->links[CONN_PLAN].state, LINK_OFF);
    assert_int_equal(advised(w, all), 1);
    assert_string_equal(all[0].tested, "not tested with HypoPG: there was no time left for it");
}

static bool cancelled(struct world *w)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == FX_PG_CANCEL && w->fx.items[i].u.pg.conn == CONN_PLAN)
            return true;
    return false;
}

/* A quit at First Sight, a pause while a session is prepared: neither waits for it. */
static void a_stop_ends_it(void **state)
{
    struct world *w = *state;

    for (int quit = 0; quit < 2; quit++) {
        hypo_forget(w->m);
        w->m->flow = quit ? FLOW_WATCH : FLOW_PREPARE;
        w->m->fl.now.cancel = false;
        assert_true(hypo_begin(w->m, &w->fx));
        link_up(w, 170000);
        limits(w, false);
        assert_non_null(world_sent(w, FX_PG_QUERY));
        struct event late = {.kind = EV_PG_RESULT, .req = world_sent(w, FX_PG_QUERY)->req};
        effects_clear(&w->fx);
        flow_stop(w->m, quit == 1, 0, &w->fx);
        assert_true(cancelled(w));
        assert_false(hypo_busy(w->m));
        assert_int_equal(w->m->links[CONN_PLAN].state, LINK_OFF);
        assert_int_equal(w->m->hypo.results.n, 0); /* it is asked for the next time */
        effects_clear(&w->fx);
        hypo_event(w->m, &late, &w->fx);
        assert_null(world_sent(w, FX_PG_QUERY));
    }
    assert_true(w->m->quitting);
}

static void where_it_is_not(void **state)
{
    struct world *w = *state;
    struct advice all[ADVICE_MAX];

    w->m->server.hypopg_schema[0] = '\0';
    assert_false(hypo_begin(w->m, &w->fx));
    assert_null(world_sent(w, FX_PG_QUERY));
    assert_null(world_sent(w, FX_PG_CONNECT));
    assert_int_equal(advised(w, all), 1);
    assert_string_equal(all[0].tested,
                        "not tested: HypoPG, which would ask the planner, is not in this database");
    assert_true(isnan(all[0].cost_before) && isnan(all[0].cost_after));
    text_copy(w->m->server.hypopg_schema, sizeof w->m->server.hypopg_schema, "ext");
    w->m->links[CONN_CONTROL].pooled = true; /* each statement may be another session's */
    assert_false(hypo_begin(w->m, &w->fx));
}

/* By a plan of the workload: the SELECT of its script that the plan is of, with values as a run draws them. */
static void of_a_workload(void **state)
{
    struct world *w = *state;

    assert_true(
        hypo_begin(w->m, &w->fx)); /* at First Sight its recorded statement was not planned */
    link_up(w, 150018);
    limits(w, true);
    assert_int_equal(w->m->hypo.results.n, 1);
    struct session *s = &w->m->session;
    struct relation_facts *r = &w->m->server.relations[w->m->server.nrelations++];
    struct plan_facts *p = &s->plans[s->nplans++];
    struct advice all[ADVICE_MAX];

    snprintf(r->schema, sizeof r->schema, "public");
    snprintf(r->name, sizeof r->name, "events");
    r->kind = 'r';
    r->tuples = 1e6;
    snprintf(s->plan.strategy, sizeof s->plan.strategy, "Balanced");
    snprintf(s->plan.database, sizeof s->plan.database, "shop");
    s->plan.nscripts = 1;
    snprintf(s->plan.scripts[0].name, sizeof s->plan.scripts[0].name, "own");
    snprintf(w->m->fl.script_text[0], sizeof w->m->fl.script_text[0],
             "SELECT 1;\nSELECT pad FROM events WHERE device = 77;\n");
    snprintf(p->script, sizeof p->script, "own");
    p->at = 1;
    p->valid = true;
    p->exec_ms = 80;
    p->seq_scan_rows = 4;
    p->seq_scan_rows_removed = 1e6;
    snprintf(p->seq_scan_rel, sizeof p->seq_scan_rel, "events");
    snprintf(p->seq_scan_filter, sizeof p->seq_scan_filter, "(device = 77)");
    assert_int_equal(advised(w, all), 1);
    assert_true(hypo_begin(w->m, &w->fx));
    link_up(w, 150018);
    limits(w, true);
    answer(w, "EXPLAIN (COSTS) SELECT pad FROM events WHERE device = 77", plain, ERR_NONE);
    limits(w, true);
    answer(w, "hypopg_create_index", created, ERR_NONE);
    limits(w, true);
    answer(w, "EXPLAIN (COSTS) SELECT pad FROM events WHERE device = 77", scanned, ERR_NONE);
    limits(w, true);
    answer(w, "hypopg_reset", "reset\nt\n", ERR_NONE);
    assert_int_equal(advised(w, all), 1);
    assert_true(all[0].cost_after == 8.05);
    assert_int_equal(w->m->hypo.results.n, 1);
    assert_false(hypo_begin(w->m, &w->fx));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_answers),
        cmocka_unit_test_setup_teardown(one_is_used, setup, world_teardown),
        cmocka_unit_test_setup_teardown(one_is_not_used, setup, world_teardown),
        cmocka_unit_test_setup_teardown(whatever_fails, setup, world_teardown),
        cmocka_unit_test_setup_teardown(the_link_goes, setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_is_never_planned, setup, world_teardown),
        cmocka_unit_test_setup_teardown(what_reaches_the_machine, setup, world_teardown),
        cmocka_unit_test_setup_teardown(its_time_is_up, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_stop_ends_it, setup, world_teardown),
        cmocka_unit_test_setup_teardown(of_a_workload, setup, world_teardown),
        cmocka_unit_test_setup_teardown(where_it_is_not, setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
