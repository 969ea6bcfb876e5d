/* Facts by name from real servers of two versions: each kind is looked up by the same statements as for a question, read-only,
 * and what cannot be had is said. The program's own reducer connects and looks at the server; nothing is asked of a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "iotest.h"
#include "pgd/app/cli.h"
#include "pgd/app/facts.h"
#include "pgd/app/links.h"
#include "pgd/app/talk.h"
#include "pgd/app/update.h"
#include "pgd/base/text.h"
#include "pgtest.h"

enum { BATCH = 3, WANTS_MOST = 12 };

static struct model *m;
static char wants[WANTS_MOST][FACT_NAME_MAX], told[WANTS_MOST][FACT_TEXT_MAX + 1];
static bool missing[WANTS_MOST];
static int nwants, at; /* the next one to be looked up */

static void look_up(struct effects *fx)
{
    m->talk.state = TALK_GATHER;
    m->talk.n = nwants - at < BATCH ? nwants - at : BATCH;
    for (int i = 0; i < m->talk.n; i++)
        text_copy_raw(m->talk.wants[i], FACT_NAME_MAX, wants[at + i]);
    if (facts_begin(m, fx))
        fail_msg("a fact of a server needs a statement");
}

static void keep(struct iotest *t, struct effects *fx)
{
    for (int i = 0; i < m->talk.nfacts; i++) {
        text_copy_raw(told[at], sizeof told[at], m->talk.facts[i].text);
        missing[at++] = m->talk.facts[i].missing;
    }
    talk_facts_clear(&m->talk);
    if (at < nwants)
        look_up(fx);
    else
        iotest_quit(t, 0);
}

/* The facts are taken from the machine here, where update.c would ask the advisor with them. */
static void script(struct iotest *t, struct event *ev)
{
    struct effects fx = {0};
    bool link = (ev->kind == EV_PG_UP || ev->kind == EV_PG_DOWN) && ev->u.pg.conn == CONN_FACTS;
    bool all = false;

    m->now_us = ev->at_us;
    m->wall_us = ev->wall_us;
    if (link)
        all = links_event(m, ev, &fx) && facts_event(m, ev, &fx);
    else if (ev->req.owner == OWNER_TALK)
        all = facts_event(m, ev, &fx);
    else
        app_update(m, ev, &fx);
    if (all)
        keep(t, &fx);
    else if (at == 0 && m->talk.state == TALK_IDLE && m->flow == FLOW_WATCH &&
             m->collect.samples > 1)
        look_up(&fx);
    iotest_run(t, &fx);
}

static void want(const char *name)
{
    text_copy_raw(wants[nwants++], sizeof wants[0], name);
}

static int fact(const char *name)
{
    for (int i = 0; i < nwants; i++)
        if (strcmp(wants[i], name) == 0)
            return i;
    fail_msg("%s was not asked", name);
    return 0;
}

static void says(const char *name, const char *part)
{
    int i = fact(name);
    if (missing[i] || !strstr(told[i], part))
        fail_msg("%s: \"%s\" is not in %s:\n%s", name, part, missing[i] ? "(missing)" : "it",
                 told[i]);
}

static void lacks(const char *name, const char *why)
{
    int i = fact(name);
    if (!missing[i] || !strstr(told[i], why))
        fail_msg("%s is not missing because of \"%s\":\n%s", name, why, told[i]);
}

static void remember_a_round(void)
{
    struct round_history *h = &m->session.history[0];

    m->session.nhistory = 1;
    h->number = 1;
    h->n = 1;
    h->kept = true;
    text_copy(h->changes[0].name, sizeof h->changes[0].name, "work_mem");
    text_copy(h->changes[0].value, sizeof h->changes[0].value, "64MB");
}

static void run(struct pgtest *pg, const char *home)
{
    char *argv[] = {(char *)"pg_diagnose", (char *)"-H", pg->host,     (char *)"-p",       pg->port,
                    (char *)"-U",          pg->user,     (char *)"-d", (char *)"postgres", NULL};
    struct command_line *cl = calloc(1, sizeof *cl);
    struct err e = {0};
    struct iotest t;

    setenv("PG_DIAGNOSE_HOME", home, 1);
    assert_true(cli_parse(9, argv, cl, &e));
    m = calloc(1, sizeof *m);
    model_init(m);
    m->opt = cl->opt;
    m->screen.cols = 120;
    m->screen.rows = 36;
    remember_a_round();
    at = 0;
    iotest_loop(&t, script, 60);
    iotest_clear(&t);
    assert_false(t.timed_out);
    model_clear(m);
    free(m);
    free(cl);
}

static void facts_of(struct pgtest *pg)
{
    char home[64], plan[64], statement[64], literal[64];
    const char *id;

    snprintf(home, sizeof home, "/tmp/pgd-facts-%d", (int)getpid());
    pgtest_psql(pg, "postgres",
                "CREATE EXTENSION pg_stat_statements; CREATE TABLE items (id int PRIMARY KEY, note "
                "text); INSERT INTO items SELECT i, 'n' FROM generate_series(1, 1000) i; "
                "ANALYZE items");
    for (int i = 0; i < 3; i++)
        pgtest_psql(pg, "postgres", "SELECT count(*) FROM items");
    pgtest_psql(pg, "postgres", "SELECT note FROM items WHERE id = 5");
    id = pgtest_psql(pg, "postgres",
                     "SELECT queryid FROM pg_stat_statements WHERE query = 'SELECT count(*) FROM "
                     "items'");
    snprintf(statement, sizeof statement, "statement %s", id);
    snprintf(plan, sizeof plan, "plan %s", id);
    id = pgtest_psql(pg, "postgres",
                     "SELECT queryid FROM pg_stat_statements WHERE query LIKE 'SELECT note FROM "
                     "items%'");
    snprintf(literal, sizeof literal, "plan %s", id);
    nwants = 0;
    want("setting work_mem");
    want("table public.items");
    want(statement);
    want(plan);
    want("telemetry 1m");
    want("round 1");
    want(literal);
    want("setting primary_conninfo");
    want("table nowhere");
    want("statement 1");
    want("plan pg_sleep(9)");
    want("shell rm");
    run(pg, home);
    pgtest_sh("rm -rf '%s'", home);
    says("setting work_mem", "name: work_mem\nvalue: 300\nunit: kB\n");
    says("table public.items", "rows_estimated: 1000\n");
    says("table public.items", "id integer, note text");
    says("table public.items", "items_pkey");
    says(statement, "calls: 3\n");
    says(statement, "statement: SELECT count(*) FROM items");
    says(plan, "Seq Scan on items");
    says("telemetry 1m", "tps: mean");
    says("round 1", "change: work_mem = 64MB");
    lacks(literal, "from PostgreSQL 16 on");
    if (strstr(told[fact("setting primary_conninfo")], "hunter2"))
        fail_msg("a secret came along");
    lacks("table nowhere", "nothing of that name");
    lacks("statement 1", "nothing of that name");
    lacks("plan pg_sleep(9)", "named by its queryid");
    lacks("shell rm", "facts are:");
    assert_string_equal(pgtest_psql(pg, "postgres",
                                    "SELECT count(*) FROM pg_stat_activity WHERE application_name "
                                    "LIKE 'pg_diagnose%'"),
                        "0");
}

static void on(const char *bindir)
{
    struct pgtest *pg = pgtest_start(
        bindir, "shared_preload_libraries = 'pg_stat_statements'\nwork_mem = 300kB\n"
                "primary_conninfo = 'host=nowhere password=hunter2'\n");

    facts_of(pg);
    pgtest_destroy(pg);
}

static void of_version_15(void **state)
{
    (void)state;
    on(pgtest_bindir("15"));
}

static void of_version_12(void **state)
{
    const char *bindir = pgtest_bindir("12");

    (void)state;
    if (!bindir)
        skip();
    on(bindir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_version_15),
        cmocka_unit_test(of_version_12),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
