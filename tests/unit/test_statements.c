/* The verdict by script and statement: who pays for a gain, what costs a veto, and how often chance alone does. */
#include "pgd/runner/statements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/runner/experiment.h"

/* ---- a simulated experiment ---- */

static uint64_t state = 1;

static double uniform(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void add_run(struct experiment *x, int arm)
{
    struct bench_run *r = &x->runs[x->n++];
    memset(r, 0, sizeof *r);
    r->valid = true;
    r->arm = arm;
    r->tps = 100;
}

/* Scripts of the same share of the time; slower[i]: time under B over time under A. */
static void simulate(struct experiment *x, int scripts, int runs, double sd, const double *slower)
{
    memset(x, 0, sizeof *x);
    for (int i = 0; i < 2 * runs; i++) {
        add_run(x, i % 2);
        struct bench_run *r = &x->runs[i];
        r->nscripts = scripts;
        for (int s = 0; s < scripts; s++)
            r->scripts[s] = (struct script_run){
                .n = 1000, .mean_ms = 5 * (i % 2 ? slower[s] : 1) * exp(sd * normal())};
    }
}

static struct sdl *plan_of(int scripts)
{
    struct sdl *p = xcalloc(1, sizeof *p);
    p->nscripts = scripts;
    for (int i = 0; i < scripts; i++)
        snprintf(p->scripts[i].name, sizeof p->scripts[i].name, "script%d.sql", i);
    return p;
}

static void test_scripts(void **arg)
{
    (void)arg;
    struct experiment *x = xcalloc(1, sizeof *x);
    struct statements *s = xcalloc(1, sizeof *s);
    struct sdl *plan = plan_of(3);
    const double slower[] = {0.6, 1.35, 1.0};
    char why[240];

    simulate(x, 3, 4, 0.02, slower);
    statements_compare(x, NULL, plan, NULL, 0, s);
    assert_int_equal(s->n, 3);
    assert_int_equal(s->tested, 3);
    assert_false(s->by_statement);
    assert_int_equal(s->items[0].cls, STATEMENT_FASTER);
    assert_int_equal(s->items[1].cls, STATEMENT_SLOWER);
    assert_int_equal(s->items[2].cls, STATEMENT_UNDECIDED);
    assert_true(s->items[1].veto);
    assert_int_equal(s->vetoes, 1);
    assert_true(fabs(s->items[1].ratio - 1.35) < 0.08);
    assert_true(statements_veto(s, why, sizeof why));
    assert_non_null(strstr(why, "script1.sql is 3"));
    assert_non_null(strstr(why, "% slower"));
    free(plan);
    free(s);
    free(x);
}

/* A run that the experiment has not taken yet counts; two runs an arm say nothing. */
static void test_least_runs(void **arg)
{
    (void)arg;
    struct experiment *x = xcalloc(1, sizeof *x);
    struct statements *s = xcalloc(1, sizeof *s);
    struct sdl *plan = plan_of(1);
    const double slower[] = {2};
    char why[240];

    simulate(x, 1, 3, 0.01, slower);
    struct bench_run last = x->runs[--x->n];
    statements_compare(x, NULL, plan, NULL, 0, s);
    assert_int_equal(s->items[0].cls, STATEMENT_UNDECIDED);
    assert_true(isnan(s->items[0].lo));
    assert_false(statements_veto(s, why, sizeof why));
    assert_string_equal(why, "");
    statements_compare(x, &last, plan, NULL, 0, s);
    assert_int_equal(s->items[0].cls, STATEMENT_SLOWER);
    assert_true(statements_veto(s, why, sizeof why));
    x->runs[0].valid = false; /* and an invalid one does not */
    statements_compare(x, &last, plan, NULL, 0, s);
    assert_false(statements_veto(s, why, sizeof why));
    free(plan);
    free(s);
    free(x);
}

static void add_statement(struct bench_run *r, int64_t id, double calls, double ms)
{
    r->statements = xrealloc(r->statements, (size_t)(r->nstatements + 1) * sizeof *r->statements);
    r->statements[r->nstatements++] = (struct statement_run){id, calls, ms, calls, 2 * calls};
}

/* What takes next to no time, or is called hardly ever, is shown and never a veto; what was cheap before and is dear now is
 * one. */
static void test_statements(void **arg)
{
    (void)arg;
    struct experiment *x = xcalloc(1, sizeof *x);
    struct statements *s = xcalloc(1, sizeof *s);
    struct sdl *plan = plan_of(0);
    const struct statement_name names[] = {{7, "SELECT rare"}, {9, "SELECT dear"}};

    for (int i = 0; i < 8; i++) {
        bool b = i % 2;
        add_run(x, i % 2);
        struct bench_run *r = &x->runs[i];
        add_statement(r, 5, 10000, 50000 * exp(0.01 * normal()));                /* all of it */
        add_statement(r, 6, 1000, (b ? 200 : 100) * exp(0.01 * normal()));       /* 0.4 % */
        add_statement(r, 7, 3, (b ? 4000 : 2000) * exp(0.01 * normal()));        /* rare */
        add_statement(r, 9, 2000, (b ? 30000.0 : 300.0) * exp(0.01 * normal())); /* 0.6 % before */
    }
    statements_compare(x, NULL, plan, names, 2, s);
    assert_true(s->by_statement);
    assert_int_equal(s->n, 4);
    assert_int_equal(s->items[0].id, 5);
    assert_int_equal(s->items[0].cls, STATEMENT_UNDECIDED);
    assert_string_equal(s->items[0].name, "statement 5");
    assert_int_equal(s->items[1].id, 9);
    assert_string_equal(s->items[1].name, "SELECT dear");
    assert_true(s->items[1].veto);
    assert_true(fabs(s->items[1].temp_b - 2) < 1e-9);
    assert_int_equal(s->tested, 2);
    assert_int_equal(s->vetoes, 1);
    for (int i = 2; i < 4; i++) {
        assert_false(s->items[i].matters);
        assert_false(s->items[i].veto);
        assert_int_equal(s->items[i].cls, STATEMENT_UNDECIDED);
    }
    for (int i = 0; i < x->n; i++)
        free(x->runs[i].statements);
    free(plan);
    free(s);
    free(x);
}

/* More than can be shown: the scripts and what takes most stay. */
static void test_many(void **arg)
{
    (void)arg;
    struct experiment *x = xcalloc(1, sizeof *x);
    struct statements *s = xcalloc(1, sizeof *s);
    struct sdl *plan = plan_of(2);

    for (int i = 0; i < 6; i++) {
        add_run(x, i % 2);
        x->runs[i].nscripts = 2;
        x->runs[i].scripts[0] = x->runs[i].scripts[1] = (struct script_run){100, 1, 2};
        for (int k = 0; k < 100; k++)
            add_statement(&x->runs[i], 1000 + k, 50, 10 + k);
    }
    statements_compare(x, NULL, plan, NULL, 0, s);
    assert_int_equal(s->n, STATEMENTS_SHOWN);
    assert_true(s->items[0].script && s->items[1].script && !s->items[2].script);
    assert_int_equal(s->items[2].id, 1099);
    assert_int_equal(s->items[3].id, 1098);
    for (int i = 3; i < s->n; i++)
        assert_true(s->items[i].share <= s->items[i - 1].share);
    for (int i = 0; i < x->n; i++)
        free(x->runs[i].statements);
    free(plan);
    free(s);
    free(x);
}

/* ---- how often it errs ---- */

static void error_rates(int scripts, int runs, double sd)
{
    enum { TIMES = 3000 };
    struct experiment *x = xcalloc(1, sizeof *x);
    struct statements *s = xcalloc(1, sizeof *s);
    struct sdl *plan = plan_of(scripts);
    double bound[SCRIPTS_MAX], same[SCRIPTS_MAX], one[SCRIPTS_MAX];
    int vetoes = 0, called = 0, clean = 0, found = 0;

    for (int i = 0; i < scripts; i++) {
        bound[i] = 1.10;
        same[i] = 1;
        one[i] = i == 0 ? 1.30 : 0.8;
    }
    for (int t = 0; t < TIMES; t++) {
        simulate(x, scripts, runs, sd, bound);
        statements_compare(x, NULL, plan, NULL, 0, s);
        vetoes += s->vetoes > 0;
        simulate(x, scripts, runs, sd, same);
        statements_compare(x, NULL, plan, NULL, 0, s);
        clean += s->vetoes > 0;
        bool any = false;
        for (int i = 0; i < s->n; i++)
            any = any || s->items[i].cls != STATEMENT_UNDECIDED;
        called += any;
        simulate(x, scripts, runs, sd, one);
        statements_compare(x, NULL, plan, NULL, 0, s);
        found += s->items[0].veto;
    }
    printf("%2d statements, %d against %d runs, %.0f %%: no difference, one called %.2f %%, veto "
           "%.2f %%; all exactly "
           "10 %% slower, veto %.2f %%; one 30 %% slower, veto %.1f %%\n",
           scripts, runs, runs, sd * 100, 100.0 * called / TIMES, 100.0 * clean / TIMES,
           100.0 * vetoes / TIMES, 100.0 * found / TIMES);
    assert_true(called < 0.06 * TIMES);
    assert_true(vetoes < 0.06 * TIMES);
    assert_true(clean < 0.002 * TIMES);
    if (sd <= 0.03 && runs >= 4)
        assert_true(found > 0.9 * TIMES);
    free(plan);
    free(s);
    free(x);
}

static void test_error_rates(void **arg)
{
    (void)arg;
    error_rates(3, 3, 0.03);
    error_rates(3, 4, 0.03);
    error_rates(10, 4, 0.03);
    error_rates(10, 6, 0.05);
    error_rates(20, 6, 0.03);
}

/* ---- pg_stat_statements ---- */

static void test_probe(void **arg)
{
    (void)arg;
    struct statements_source s;
    char note[200];
    struct rows *r = rows_parse("schema|version|track\nst'at|1.10|top\n");
    struct buf sql = {0};

    statements_probe(r, "sh'op", &s, note, sizeof note);
    rows_free(r);
    assert_int_equal(s.form, 14);
    assert_string_equal(note, "");
    statements_sql(&s, &sql);
    assert_non_null(strstr(buf_text(&sql), "\"st'at\".pg_stat_statements(false)"));
    assert_non_null(strstr(buf_text(&sql), "datname = 'sh''op'"));
    assert_non_null(strstr(buf_text(&sql), "total_exec_time"));
    buf_clear(&sql);
    r = rows_parse("schema|version|track\npublic|1.7|all\n");
    statements_probe(r, "shop", &s, note, sizeof note);
    rows_free(r);
    assert_int_equal(s.form, 12);
    statements_sql(&s, &sql);
    assert_non_null(strstr(buf_text(&sql), "sum(total_time)"));
    assert_null(strstr(buf_text(&sql), "toplevel"));
    buf_clear(&sql);
    static const char *const missing[] = {
        "schema|version|track\n\\N|\\N|\\N\n", "schema|version|track\n\\N|\\N|top\n",
        "schema|version|track\npublic|1.10|none\n", "schema|version|track\npublic|x|top\n"};
    for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
        r = rows_parse(missing[i]);
        statements_probe(r, "shop", &s, note, sizeof note);
        rows_free(r);
        assert_int_equal(s.form, 0);
        assert_true(note[0]);
    }
    statements_probe(NULL, "shop", &s, note, sizeof note);
    assert_int_equal(s.form, 0);
}

static void test_diff(void **arg)
{
    (void)arg;
    struct rows *r = rows_parse(
        "id|calls|ms|rows|temp_blocks\n9|100|50|100|0\n-3|10|70|10|5\n4|10|1|1|0\n");
    int na = 0, nb = 0, n = 0;
    struct statement_run *a = statements_read(r, &na);
    rows_free(r);
    r = rows_parse("id|calls|ms|rows|temp_blocks\n9|150|90|300|0\n-3|10|70|10|5\n4|3|900|1|0\n"
                   "77|5|1000|5|50\n0|1|1|1|1\n8|x|1|1|1\n");
    struct statement_run *b = statements_read(r, &nb);
    rows_free(r);
    assert_int_equal(na, 3);
    assert_int_equal(nb, 4);
    struct statement_run *d = statements_diff(a, na, b, nb, &n);
    assert_int_equal(n, 2); /* not called: -3; reset meanwhile: 4 */
    assert_int_equal(d[0].id, 77);
    assert_true(d[0].temp_blocks == 50);
    assert_int_equal(d[1].id, 9);
    assert_true(d[1].calls == 50 && d[1].ms == 40 && d[1].rows == 200);
    free(a);
    free(b);
    free(d);
}

static void test_names(void **arg)
{
    (void)arg;
    struct rows *r = rows_parse("id|query\n5|SELECT *\\n   FROM\\t\\to\n6|\\N\n7|a\n8|b\n");
    struct statement_name names[2];
    int n = 0;

    statements_names_read(r, names, &n, 2);
    rows_free(r);
    assert_int_equal(n, 2);
    assert_string_equal(names[0].text, "SELECT * FROM o");
    assert_int_equal(names[1].id, 7);
}

/* ---- the transaction log ---- */

static void test_log(void **arg)
{
    (void)arg;
    static const char text[] =
        "0 1 1000 0 1700000000 5\n1 1 3000 1 1700000000 5\n0 2 2000 0 1700000000 5\n"
        "0 3 failed 0 1700000000 5\n0 4 9000 99 1700000000 5\n0 5 9000\n";
    struct latency_digest *d = bench_digest_log(text, sizeof text - 1, NULL);
    struct latency_digest *sum = xcalloc(1, sizeof *sum);
    struct script_run s[3];

    latency_digest_add(sum, d);
    latency_digest_add(sum, d);
    latency_digest_scripts(sum, 3, s);
    assert_true(s[0].n == 4 && fabs(s[0].mean_ms - 1.5) < 1e-9);
    assert_true(s[1].n == 2 && fabs(s[1].mean_ms - 3) < 1e-9);
    assert_true(fabs(s[1].p95_ms / 3 - 1) < 0.06);
    assert_true(s[2].n == 0 && isnan(s[2].mean_ms) && isnan(s[2].p95_ms));
    assert_true(d->n == 4);
    free(d);
    free(sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),     cmocka_unit_test(test_least_runs),
        cmocka_unit_test(test_statements),  cmocka_unit_test(test_many),
        cmocka_unit_test(test_error_rates), cmocka_unit_test(test_probe),
        cmocka_unit_test(test_diff),        cmocka_unit_test(test_names),
        cmocka_unit_test(test_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
