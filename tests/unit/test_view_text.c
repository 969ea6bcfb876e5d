/* What is asked for the exact text of a statement and for its plan, and what may be planned at all. */
#include "pgd/app/readonly.h"
#include "pgd/app/view_plan.h"
#include "pgd/app/view_text.h"
#include "pgd/discovery/plan.h"
#include "pgd/runner/derive.h"
#include "world.h"

static void test_exact_text(void **state)
{
    struct buf sql = {0};

    (void)state;
    assert_true(view_text_sql(tableview_find("activity"),
                              "4711" TABLEVIEW_SEPARATOR "2026-01-02 05:08:30.5+00", "", &sql));
    assert_non_null(strstr(buf_text(&sql), "pid = '4711' AND backend_start = "
                                           "'2026-01-02 05:08:30.5+00'"));
    assert_true(readonly_sql(buf_text(&sql)));
    buf_clear(&sql);
    assert_true(view_text_sql(tableview_find("statements"),
                              "-5" TABLEVIEW_SEPARATOR "10" TABLEVIEW_SEPARATOR
                              "13" TABLEVIEW_SEPARATOR "t",
                              "my \"schema", &sql));
    assert_non_null(strstr(buf_text(&sql), "FROM \"my \"\"schema\".pg_stat_statements(true)"));
    assert_non_null(
        strstr(buf_text(&sql), "s.queryid = '-5' AND s.userid = '10' AND s.dbid = '13'"));
    assert_true(readonly_sql(buf_text(&sql)));
    buf_clear(&sql);
    /* a key comes from the server: it stays a literal */
    assert_true(
        view_text_sql(tableview_find("activity"), "1" TABLEVIEW_SEPARATOR "' OR 1=1 --", "", &sql));
    assert_non_null(strstr(buf_text(&sql), "backend_start = ''' OR 1=1 --'"));
    buf_clear(&sql);
    assert_false(view_text_sql(tableview_find("statements"),
                               "1" TABLEVIEW_SEPARATOR "2" TABLEVIEW_SEPARATOR "3", "", &sql));
    assert_false(view_text_sql(tableview_find("settings"), "work_mem", "", &sql));
    buf_clear(&sql);
}

/* The key of a row as it is read: the parts of it can be told from each other again. */
static void test_key_of_a_row(void **state)
{
    const struct tableview *v = tableview_find("statements");
    struct tableview_rows t = {0};
    struct rows *r = rows_parse("queryid|userid|dbid|toplevel|calls|query\n-7|10|5|t|1|SELECT 1\n");
    struct buf sql = {0};

    (void)state;
    assert_true(tableview_read(v, r, 1, NULL, &t));
    assert_true(view_text_sql(v, tableview_key(&t, 0), "public", &sql));
    assert_non_null(
        strstr(buf_text(&sql), "s.queryid = '-7' AND s.userid = '10' AND s.dbid = '5'"));
    buf_clear(&sql);
    tableview_clear(&t);
    rows_free(r);
}

static void plan(const char *statement, int parameters, int version, const char *prepare,
                 const char *explain)
{
    struct buf p = {0}, e = {0};

    view_plan_sql(statement, parameters, version, &p, &e);
    assert_string_equal(buf_text(&p), prepare);
    assert_string_equal(buf_text(&e), explain);
    buf_clear(&p);
    buf_clear(&e);
}

static void test_how_it_is_planned(void **state)
{
    (void)state;
    plan("SELECT 1", 0, 120000, "", "EXPLAIN (COSTS) SELECT 1");
    plan("SELECT 1", 0, 180000, "", "EXPLAIN (COSTS) SELECT 1");
    plan("SELECT $1", 1, 160000, "", "EXPLAIN (COSTS, GENERIC_PLAN) SELECT $1");
    plan("SELECT $1 + $2", 2, 150000, "PREPARE pg_diagnose_plan AS SELECT $1 + $2",
         "EXPLAIN (COSTS) EXECUTE pg_diagnose_plan(NULL, NULL)");
}

static void test_readonly_plans_only_there(void **state)
{
    struct effect e = {.kind = FX_PG_QUERY, .u.pg.conn = CONN_PLAN};

    (void)state;
    e.text = (char *)"EXPLAIN (COSTS, GENERIC_PLAN) UPDATE t SET i = $1";
    assert_true(readonly_allows(&e));
    e.text = (char *)"PREPARE pg_diagnose_plan AS DELETE FROM t WHERE i = $1";
    assert_true(readonly_allows(&e));
    e.text = (char *)"EXPLAIN (ANALYZE) DELETE FROM t";
    assert_false(readonly_allows(&e));
    e.text = (char *)"EXPLAIN ANALYZE DELETE FROM t";
    assert_false(readonly_allows(&e));
    e.text = (char *)"DELETE FROM t";
    assert_false(readonly_allows(&e));
    e.u.pg.conn = CONN_CONTROL;
    e.text = (char *)"PREPARE pg_diagnose_plan AS DELETE FROM t WHERE i = $1";
    assert_false(readonly_allows(&e));
}

static void test_what_has_a_plan(void **state)
{
    static const char *const with[] = {"SELECT 1",
                                       " \n(select 1)",
                                       "-- said first\nupdate t set i = 1",
                                       "/* said */ WITH a AS (SELECT 1) TABLE a",
                                       "MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING",
                                       "values (1)"};
    static const char *const without[] = {"",          "VACUUM t",        "selects",
                                          "COMMIT",    "/* SELECT 1",     "-- SELECT 1",
                                          "CALL p(1)", "EXPLAIN SELECT 1"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(with); i++)
        assert_true(plan_possible(with[i]));
    for (size_t i = 0; i < ARRAY_LEN(without); i++)
        assert_false(plan_possible(without[i]));
}

static void test_readable(void **state)
{
    struct buf out = {0};
    char why[160];

    (void)state;
    assert_int_equal(derive_readable("SELECT a FROM t WHERE b = $2 AND c > $1", &out, why), 2);
    assert_non_null(strstr(buf_text(&out), "b = $1"));
    buf_clear(&out);
    assert_int_equal(derive_readable("SELECT now() - INTERVAL $1", &out, why), 1);
    assert_null(strstr(buf_text(&out), "INTERVAL $"));
    buf_clear(&out);
    assert_int_equal(derive_readable("SELECT 1", &out, why), 0);
    buf_clear(&out);
    assert_int_equal(derive_readable("SELECT $$x$$", &out, why), -1);
    assert_int_equal(out.len, 0);
    buf_clear(&out);
}

/* INSERT, UPDATE, FOR SHARE and the like lock when they are planned; words in strings, comments and names do not. */
static void test_what_may_lock(void **state)
{
    static const char *const may[] = {"UPDATE t SET i = $1",
                                      "insert into t values (1)",
                                      "DELETE FROM t",
                                      "MERGE INTO t USING u ON true WHEN MATCHED THEN DO NOTHING",
                                      "WITH a AS (DELETE FROM t RETURNING i) SELECT i FROM a",
                                      "WITH a AS (SELECT 1) UPDATE t SET i = 1",
                                      "SELECT i FROM t FOR UPDATE",
                                      "SELECT i FROM t FOR NO KEY /* said */ UPDATE",
                                      "SELECT i FROM t FOR\nSHARE",
                                      "SELECT i FROM t FOR KEY SHARE SKIP LOCKED",
                                      "SELECT $$x$$, 'update' FROM t", /* not taken apart */
                                      "SELECT E'a\\'' FROM t FOR UPDATE"};
    static const char *const never[] = {"SELECT 1",
                                        "SELECT i FROM t WHERE what = 'UPDATE' -- delete from t",
                                        "SELECT t.update, \"update\" FROM t /* for update */",
                                        "SELECT delete(h, $1), share, insert FROM t",
                                        "SELECT updated, for_update FROM t",
                                        "SELECT $$x$$ FROM t"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(may); i++)
        if (!derive_may_lock(may[i]))
            fail_msg("%s", may[i]);
    for (size_t i = 0; i < ARRAY_LEN(never); i++)
        if (derive_may_lock(never[i]))
            fail_msg("%s", never[i]);
}

/* ---- the machine ---- */

static void show(struct world *w, const char *query)
{
    struct model *m = w->m;
    struct buf text = {0};

    m->live.at = tableview_find("activity");
    m->links[CONN_CONTROL].state = LINK_UP;
    buf_printf(&text, "pid|backend_start|usename|datname|query\n7|then|app|shop|%s\n", query);
    struct rows *r = rows_parse(buf_text(&text));
    assert_true(tableview_read(m->live.at, r, 1, NULL, &m->live.now));
    tableview_arrange(m->live.at, &m->live.now, &m->live.of[tableview_index(m->live.at)],
                      &m->live.order);
    rows_free(r);
    buf_clear(&text);
}

static int set_up(void **state)
{
    struct world *w = world_new();

    *state = w;
    return 0;
}

static void test_what_has_no_plan_is_said(void **state)
{
    struct world *w = *state;

    show(w, "VACUUM t");
    view_text_plan(w->m, &w->fx);
    assert_null(world_sent(w, FX_PG_CONNECT));
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_non_null(strstr(buf_text(&w->m->page.text), "no plan"));
    assert_non_null(strstr(buf_text(&w->m->page.text), "# Statement of app in shop\nVACUUM t"));
}

static void test_who_closes_the_view_waits_for_nothing(void **state)
{
    struct world *w = *state;
    struct event ev = {.kind = EV_PG_UP};

    show(w, "SELECT 1");
    view_text_plan(w->m, &w->fx);
    assert_int_equal(world_sent(w, FX_PG_CONNECT)->u.pg.conn, CONN_PLAN);
    ev.u.pg.conn = CONN_PLAN;
    assert_true(view_text_event(w->m, &ev, &w->fx));
    const struct effect *e = world_sent(w, FX_PG_QUERY);
    assert_non_null(strstr(e->text, "default_transaction_read_only"));
    struct event late = {.kind = EV_PG_RESULT, .req = e->req};
    effects_clear(&w->fx);
    w->m->links[CONN_PLAN].state = LINK_UP;
    view_text_drop(w->m, &w->fx);
    assert_int_equal(world_sent(w, FX_PG_CLOSE)->u.pg.conn, CONN_PLAN);
    effects_clear(&w->fx);
    assert_true(view_text_event(w->m, &late, &w->fx));
    assert_int_equal(w->fx.n, 0);
    assert_int_equal(w->m->live_text.step, TEXT_REST);
    /* the view's own answers are not taken from it */
    late.req.id = 1;
    assert_false(view_text_event(w->m, &late, &w->fx));
}

#define WHOSE "own|super|member|functions|operators|path\n"

/* `x` until it is known whose the statement is; the answer to that. */
static void plan_until_whose(struct world *w, const char *answer)
{
    struct event ev = {.kind = EV_PG_UP};

    effects_clear(&w->fx);
    w->m->screen.flash[0] = '\0';
    w->m->screen.dialog.kind = DIALOG_NONE;
    view_text_plan(w->m, &w->fx);
    ev.u.pg.conn = CONN_PLAN;
    w->m->links[CONN_PLAN].state = LINK_UP;
    w->m->links[CONN_PLAN].server_version = 150000;
    view_text_event(w->m, &ev, &w->fx);
    const struct effect *e = world_sent(w, FX_PG_QUERY);
    assert_non_null(strstr(e->text, "'lock_timeout', '100'"));
    ev = (struct event){.kind = EV_PG_RESULT, .req = e->req};
    view_text_event(w->m, &ev, &w->fx);
    e = world_sent(w, FX_PG_QUERY);
    assert_null(strstr(e->text, "provolatile")); /* of any volatility */
    assert_true(readonly_sql(e->text));
    ev.req = e->req;
    ev.rows = rows_parse(answer);
    view_text_event(w->m, &ev, &w->fx);
    rows_free(ev.rows);
}

static void asked(const struct world *w, const char *words)
{
    assert_int_equal(w->m->live_text.step, TEXT_REST);
    assert_non_null(world_sent(w, FX_PG_CLOSE));
    assert_null(strstr(world_sent(w, FX_PG_QUERY)->text, "'role'"));
    assert_non_null(strstr(w->m->screen.flash, "x again plans it all the same"));
    assert_non_null(strstr(w->m->screen.flash, words));
}

static void goes_on(const struct world *w, const char *words)
{
    assert_int_equal(w->m->live_text.step, TEXT_ROLE);
    assert_string_equal(w->m->screen.flash, "");
    assert_non_null(strstr(world_sent(w, FX_PG_QUERY)->text, words));
}

static void test_a_statement_of_another_role_is_asked(void **state)
{
    struct world *w = *state;

    show(w, "SELECT 1");
    plan_until_whose(w, WHOSE "f|t|t|0|0|app\n"); /* whatever is there now */
    asked(w, "code of others as a superuser");
    plan_until_whose(w, WHOSE "f|t|t|0|0|app\n");
    goes_on(w, "set_config('role', 'app'");
    view_text_drop(w->m, &w->fx);
    plan_until_whose(w, WHOSE "f|f|f|3|1|app\n"); /* each time */
    asked(w, "with your rights (here: 3 functions, 1 operators");
    show(w, "SELECT 2"); /* the same session, another text */
    plan_until_whose(w, WHOSE "f|f|f|3|1|app\n");
    asked(w, "with your rights");
}

static void test_a_role_that_is_not_known_is_another(void **state)
{
    struct world *w = *state;
    struct rows *r = rows_parse(
        "pid|backend_start|usename|datname|query\n7|then|\\N|shop|SELECT 1\n");

    show(w, "SELECT 1");
    assert_true(tableview_read(w->m->live.at, r, 1, NULL, &w->m->live.now));
    rows_free(r);
    plan_until_whose(w, WHOSE "t|t|t|0|0|\\N\n");
    asked(w, "code of others");
    show(w, "SELECT 3");
    plan_until_whose(w, WHOSE); /* no answer is no yes */
    assert_int_equal(w->m->live_text.step, TEXT_REST);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_non_null(strstr(buf_text(&w->m->page.text), "whose rights"));
}

static void test_locks_are_asked(void **state)
{
    struct world *w = *state;

    show(w, "SELECT 1");
    plan_until_whose(w, WHOSE "t|t|t|9|9|\\N\n"); /* ours has run it already */
    goes_on(w, "search_path");
    view_text_drop(w->m, &w->fx);
    show(w, "UPDATE t SET i = 1");
    plan_until_whose(w, WHOSE "t|t|t|0|0|\\N\n");
    asked(w, "locks as the statement does");
    plan_until_whose(w, WHOSE "t|t|t|0|0|\\N\n");
    goes_on(w, "search_path");
    view_text_drop(w->m, &w->fx);
    plan_until_whose(w, WHOSE "f|t|t|0|0|\\N\n"); /* both, and all of it in 78 columns */
    asked(w, "it locks, may run code of others as a superuser");
    assert_true(strcspn(w->m->screen.flash, "(") <= 79);
}

/* An answer that failed is told from another text. */
static void test_the_text_was_not_given(void **state)
{
    struct world *w = *state;

    show(w, "SELECT 1");
    w->m->screen.clipboard = true;
    w->m->links[CONN_VIEWS].state = LINK_UP;
    view_text_copy(w->m, &w->fx);
    struct event ev = {.kind = EV_PG_RESULT, .req = world_sent(w, FX_PG_QUERY)->req};
    err_set(&ev.err, ERR_TIMEOUT, "it took too long");
    view_text_event(w->m, &ev, &w->fx);
    assert_false(w->m->live_text.older);
    assert_string_equal(world_sent(w, FX_COPY)->text, "SELECT 1");
    assert_non_null(strstr(w->m->screen.flash, "did not give it: it took too long"));
}

static void test_no_password_is_copied(void **state)
{
    struct world *w = *state;

    w->m->screen.clipboard = true;
    show(w, "ALTER ROLE app PASSWORD 'sesame'");
    view_text_copy(w->m, &w->fx);
    assert_string_equal(world_sent(w, FX_COPY)->text, "ALTER ROLE app PASSWORD '******'");
    assert_string_equal(w->m->screen.flash, "copied 32 bytes, passwords as asterisks");
    assert_int_equal(world_sent(w, FX_COPY)->len, 32);
}

static void test_no_clipboard(void **state)
{
    struct world *w = *state;

    show(w, "SELECT 1");
    view_text_copy(w->m, &w->fx);
    assert_null(world_sent(w, FX_COPY));
    assert_non_null(strstr(w->m->screen.flash, "not known to have a clipboard"));
    w->m->screen.clipboard = true;
    view_text_copy(w->m, &w->fx);
    assert_string_equal(world_sent(w, FX_COPY)->text, "SELECT 1");
    assert_string_equal(w->m->screen.flash, "copied 8 bytes");
}

static void test_more_than_a_terminal_takes(void **state)
{
    struct world *w = *state;
    char *text = xcalloc(1, 80001);

    for (size_t i = 0; i < 80000; i += 2)
        memcpy(text + i, "\xc3\xa9", 2);
    w->m->screen.clipboard = true;
    view_copy(w->m, text, false, &w->fx);
    assert_int_equal(world_sent(w, FX_COPY)->len, VIEW_COPY_MAX);
    assert_string_equal(w->m->screen.flash,
                        "copied 74994 bytes of 80000: more is not taken by terminals");
    effects_clear(&w->fx);
    view_copy(w->m, text + 1, false, &w->fx); /* never half a character */
    assert_int_equal(world_sent(w, FX_COPY)->len, VIEW_COPY_MAX - 1);
    free(text);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, world_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_text),
        cmocka_unit_test(test_key_of_a_row),
        cmocka_unit_test(test_how_it_is_planned),
        cmocka_unit_test(test_readonly_plans_only_there),
        cmocka_unit_test(test_what_has_a_plan),
        cmocka_unit_test(test_readable),
        cmocka_unit_test(test_what_may_lock),
        CASE(test_what_has_no_plan_is_said),
        CASE(test_who_closes_the_view_waits_for_nothing),
        CASE(test_a_statement_of_another_role_is_asked),
        CASE(test_a_role_that_is_not_known_is_another),
        CASE(test_locks_are_asked),
        CASE(test_the_text_was_not_given),
        CASE(test_no_password_is_copied),
        CASE(test_no_clipboard),
        CASE(test_more_than_a_terminal_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
