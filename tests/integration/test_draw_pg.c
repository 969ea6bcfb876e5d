/* Values for parameters, drawn from a table whose owner turns against us: he puts views with functions of his own in its place
 * and takes them away as fast as he can, plants casts, children and indexes, while a superuser draws. None of his functions
 * may ever run as the superuser; where nobody attacks, the values come. PGD_VERSION: the server's version, 15 if unset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <libpq-fe.h>

#include "swaptest.h"

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"
#include "pgd/base/text.h"
#include "pgd/runner/derive.h"

enum { ATTACK_MS = 2500, REFUSED = -1 };

static int setup(void **state)
{
    const char *want = getenv("PGD_VERSION");

    (void)state;
    pg = pgtest_start(pgtest_bindir(want ? want : "15"),
                      "fsync = off\nlog_min_messages = panic\nautovacuum = off\n");
    pgtest_psql(pg, "postgres", "CREATE ROLE app LOGIN");
    pgtest_psql(pg, "postgres", "CREATE DATABASE app OWNER app");
    PGconn *c = dial("app");
    version = PQserverVersion(c);
    plant_trace(c);
    must(c, "CREATE SCHEMA s; CREATE TYPE s.level AS ENUM ('low', 'high')");
    must(c, "CREATE FUNCTION s.told(s.level) RETURNS text LANGUAGE sql IMMUTABLE AS "
            "'SELECT app.evil()::text'");
    must(c, "CREATE CAST (s.level AS text) WITH FUNCTION s.told(s.level) AS IMPLICIT");
    must(c, "CREATE TABLE s.t (id int, name text, level s.level, levels s.level[], tags text[], "
            "doc jsonb, at timestamptz, nick varchar)");
    /* a better match than that of pg_catalog, if it is looked for */
    must(c, "CREATE FUNCTION public.lower(varchar) RETURNS text LANGUAGE sql IMMUTABLE AS "
            "'SELECT app.evil()::text'");
    must(c, "INSERT INTO s.t SELECT i, 'n' || i, 'high', ARRAY['low', 'high']::s.level[], "
            "ARRAY['x' || i % 3], jsonb_build_object('k', i % 5), now() - i * interval '1 hour', "
            "'m' || i FROM generate_series(1, 500) i; ANALYZE s.t");
    must(c, "CREATE TABLE s.p (LIKE s.t) PARTITION BY RANGE (id)");
    must(c, "CREATE TABLE s.p1 PARTITION OF s.p FOR VALUES FROM (0) TO (100)");
    must(c, "CREATE TABLE s.p2 PARTITION OF s.p FOR VALUES FROM (100) TO (1000)");
    must(c, "INSERT INTO s.p SELECT * FROM s.t; ANALYZE s.p");
    must(c, "CREATE VIEW s.fake AS SELECT * FROM s.t WHERE app.evil() = 1");
    PQfinish(c);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pgtest_destroy(pg);
    return 0;
}

/* ---- looks as the program makes them ---- */

/* The last answer with columns; NULL = refused. */
static struct rows *answer(PGconn *c, const char *sql)
{
    struct buf text = {0};
    bool failed = !PQsendQuery(c, sql);

    for (PGresult *r; (r = PQgetResult(c)) != NULL; PQclear(r)) {
        failed = failed || PQresultStatus(r) == PGRES_FATAL_ERROR;
        if (PQresultStatus(r) != PGRES_TUPLES_OK)
            continue;
        buf_clear(&text);
        for (int i = 0; i < PQnfields(r); i++)
            buf_printf(&text, "%s%s", i ? "|" : "", PQfname(r, i));
        buf_putc(&text, '\n');
        for (int row = 0; row < PQntuples(r); row++)
            for (int i = 0; i < PQnfields(r); i++)
                buf_printf(&text, "%s%s%s", i ? "|" : "",
                           PQgetisnull(r, row, i) ? "\\N" : PQgetvalue(r, row, i),
                           i + 1 == PQnfields(r) ? "\n" : "");
    }
    struct rows *rows = failed ? NULL : rows_parse(buf_text(&text));
    buf_clear(&text);
    return rows;
}

/* With PGD_TEST_PLAIN the question alone, by its name: that is how to see the test fail. */
static void plain(struct buf *q)
{
    static const char begin[] = "SELECT * FROM (\n";
    char *from = strstr(q->data, begin), *to = strstr(q->data, "\n) AS question");
    struct buf only = {0};

    if (!getenv("PGD_TEST_PLAIN"))
        return;
    buf_append(&only, from + strlen(begin), (size_t)(to - from) - strlen(begin));
    buf_clear(q);
    *q = only;
}

static const char *const statements[] = {
    "SELECT * FROM s.t WHERE name = $1 AND id > $2",
    "SELECT * FROM s.t WHERE level = $1",
    "SELECT * FROM s.t WHERE lower(nick) = $1",
    "SELECT * FROM s.t WHERE doc ->> $1 = $2 AND at < $3",
    "SELECT * FROM s.t WHERE $1 = ANY (levels) AND tags @> ARRAY[$2]",
    "SELECT * FROM s.p WHERE name = $1",
};

/* What a statement gets; the number of its values, or REFUSED. why: of derive_strange(). */
static int draw(PGconn *c, const char *statement, struct derived *d, const char **why)
{
    struct buf q = {0};
    int n = 0;

    assert_true(derive_read(statement, d));
    assert_true(derive_ask_tables(d, &q));
    struct rows *r = answer(c, buf_text(&q));
    if (!r)
        fail_msg("%s", PQerrorMessage(c));
    *why = derive_strange(r);
    derive_tables(d, r);
    rows_free(r);
    buf_clear(&q);
    if (*why)
        return REFUSED;
    for (int at = 0; derive_ask_values(d, &at, &q); at++) {
        plain(&q);
        r = answer(c, buf_text(&q));
        derive_values(d, at, r);
        rows_free(r);
        buf_clear(&q);
    }
    for (int i = 0; i < d->nparams; i++)
        n += d->params[i].nvalues;
    return n;
}

static PGconn *superuser(void)
{
    return dial("postgres");
}

/* ---- what he does ---- */

static void flip_table(PGconn *c)
{
    run(c, "ALTER TABLE s.t RENAME TO aside; ALTER TABLE s.fake RENAME TO t; ALTER TABLE s.aside "
           "RENAME TO fake");
}

static void flip_schema(PGconn *c)
{
    run(c, "ALTER SCHEMA s RENAME TO aside; ALTER SCHEMA z RENAME TO s; ALTER SCHEMA aside RENAME "
           "TO z");
}

/* ---- tests ---- */

static void test_normal(void **state)
{
    PGconn *c = superuser();
    struct derived d;
    const char *why;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
        int n = draw(c, statements[i], &d, &why);
        for (int k = 0; k < d.nparams; k++)
            if (d.params[k].nvalues == 0 && !d.params[k].span &&
                d.params[k].role != DERIVE_JSON_KEY)
                fail_msg("%s: $%d has no values of %d: %s", statements[i], k + 1, n,
                         PQerrorMessage(c));
        if (i == 1)
            assert_string_equal(d.params[0].values[0], "high");
        if (i == 5)
            assert_string_equal(d.tables[0].relation, "s.p2");
        derived_clear(&d);
    }
    unharmed(c, "normal", "a cast of the owner's");
    PQfinish(c);
}

/* What stands there already: the statement is left out, or nothing is drawn. */
static void test_standing(void **state)
{
    static const struct {
        const char *plant, *away, *statement, *why;
        int least; /* version */
    } cases[] = {
        {"ALTER TABLE s.t RENAME TO aside; ALTER TABLE s.fake RENAME TO t",
         "ALTER TABLE s.t RENAME TO fake; ALTER TABLE s.aside RENAME TO t",
         "SELECT * FROM s.t WHERE name = $1", "view", 0},
        {"CREATE INDEX planted ON s.t ((id + app.evil()))", "DROP INDEX s.planted",
         "SELECT * FROM s.t WHERE name = $1", "indexes", 0},
        {"CREATE INDEX planted ON s.p1 (name) WHERE id < app.evil()", "DROP INDEX s.planted",
         "SELECT * FROM s.p WHERE name = $1", "indexes", 0},
        {"CREATE STATISTICS s.planted ON (id + app.evil()), name FROM s.t",
         "DROP STATISTICS s.planted", "SELECT * FROM s.t WHERE name = $1", "indexes", 140000},
        {"CREATE FUNCTION s.lower(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT "
         "app.evil()::text'",
         "DROP FUNCTION s.lower", "SELECT * FROM s.t WHERE s.lower(name) = $1", NULL, 0},
        {"CREATE DOMAIN s.seen AS text CHECK (app.evil() = 1)", "DROP DOMAIN s.seen",
         "SELECT * FROM s.t WHERE (name::s.seen) = $1", NULL, 0},
        {"SELECT 1", "SELECT 1", "SELECT * FROM s.t WHERE lower(level) = $1", NULL, 0},
    };
    PGconn *c = superuser(), *owner = dial("app");
    struct derived d;
    const char *why;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (version < cases[i].least)
            continue;
        must(owner, cases[i].plant);
        int n = draw(c, cases[i].statement, &d, &why);
        if (n > 0 || (cases[i].why ? !why || !strstr(why, cases[i].why) : why != NULL))
            fail_msg("%s: %d values, %s", cases[i].plant, n, why ? why : "taken");
        derived_clear(&d);
        unharmed(owner, "standing", cases[i].plant);
        must(owner, cases[i].away);
    }
    PQfinish(owner);
    PQfinish(c);
}

/* He acts between two steps of the message: each place once. */
static void test_between(void **state)
{
    static const struct {
        const char *plant, *away;
    } acts[] = {
        {"ALTER TABLE s.t RENAME TO aside; ALTER TABLE s.fake RENAME TO t",
         "ALTER TABLE s.t RENAME TO fake; ALTER TABLE s.aside RENAME TO t"},
        {"ALTER SCHEMA s RENAME TO aside; CREATE SCHEMA s; CREATE VIEW s.t AS SELECT * FROM "
         "aside.fake",
         "DROP SCHEMA s CASCADE; ALTER SCHEMA aside RENAME TO s"},
        {"CREATE INDEX planted ON s.t ((id + app.evil()))", "DROP INDEX s.planted"},
        {"CREATE TABLE s.child () INHERITS (s.t); CREATE INDEX ON s.child ((id + app.evil()))",
         "DROP TABLE s.child"},
    };
    PGconn *c = superuser(), *owner = dial("app");
    struct derived d;
    struct buf q = {0};
    const char *why;
    int refused = 0;

    (void)state;
    must(owner, "SET lock_timeout = '100ms'; SET client_min_messages = warning");
    for (size_t i = 0; i < ARRAY_LEN(acts); i++)
        for (int place = 0; place < 5; place++) {
            int no = 0, at = 0;
            bool ok = true, done = false;
            assert_true(draw(c, statements[0], &d, &why) > 0);
            assert_true(derive_ask_values(&d, &at, &q));
            char *copy = strdup(buf_text(&q));
            must(c, "BEGIN");
            for (char *step = copy, *end; step && *step && ok; step = end, no++) {
                end = strstr(step, ";\n");
                if (end)
                    *end = '\0';
                if (no == place)
                    done = run(owner, acts[i].plant);
                ok = run(c, step);
                end = end ? end + 2 : NULL;
            }
            /* while the relation is locked he cannot rename it, and its schema does not matter any more; an
             * index can be made, a child is not read */
            if (done && ok && place < 4 && i < 3)
                fail_msg("act %zu before step %d was not noticed", i, place);
            refused += !ok;
            must(c, "ROLLBACK");
            unharmed(owner, "between", acts[i].plant);
            if (done)
                must(owner, acts[i].away);
            free(copy);
            buf_clear(&q);
            derived_clear(&d);
        }
    assert_true(refused >= 12);
    PQfinish(owner);
    PQfinish(c);
}

static void race(void (*flip)(PGconn *c), const char *name)
{
    PGconn *owner = dial("app"), *c = superuser();
    double ms = getenv("PGD_SOAK") ? 20 * ATTACK_MS : ATTACK_MS;
    long answered = 0, refused = 0;
    pid_t child = attack(flip, 25000);

    for (double end = now_ms() + ms; now_ms() < end;) {
        struct derived d;
        const char *why;
        int n = draw(c, statements[0], &d, &why);
        answered += n > 0;
        refused += n == 0; /* else the view is there already */
        derived_clear(&d);
    }
    attack_end(child);
    PQfinish(c);
    unharmed(owner, "race", name);
    wait_alone(owner);
    fprintf(stderr, "%s: %ld draws were answered, %ld refused\n", name, answered, refused);
    assert_true(answered > 5 && refused > 5);
    if (figure(owner, "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind = 'r' AND oid = "
                      "pg_catalog.to_regclass('s.t')") != 1)
        flip(owner);
    PQfinish(owner);
}

static void test_race_table(void **state)
{
    (void)state;
    race(flip_table, "a view in the table's place");
}

static void test_race_schema(void **state)
{
    PGconn *owner = dial("app");

    (void)state;
    must(owner, "CREATE SCHEMA z; CREATE VIEW z.t AS SELECT * FROM s.fake");
    PQfinish(owner);
    race(flip_schema, "a schema in the schema's place");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal), cmocka_unit_test(test_standing),
        cmocka_unit_test(test_between), cmocka_unit_test(test_race_table),
        cmocka_unit_test(test_race_schema)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
