/* Our quoting against those who read it: the server's quote_literal() and quote_ident(), its parser, libpq's connection
 * strings and sh, over nasty strings and every keyword. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libpq-fe.h>

#include "pgd/base/quote.h"
#include "pgtest.h"

static struct pgtest *server;
static PGconn *conn;

static const char *const nasty[] = {
    "",
    "plain",
    "it's",
    "''",
    "'",
    "\"",
    "\"\"",
    "\\",
    "\\\\",
    "\\'",
    "'\\",
    "\\' OR 1=1 --",
    "'; DROP TABLE x; --",
    "a\"; DROP TABLE x; --",
    "$$",
    "$1",
    "a$b",
    "E'x'",
    "U&'\\0041'",
    "/* x */",
    "-- x",
    "a\nb",
    "a\rb\tc\bd",
    "\x01\x02\x1b[2J\x7f",
    "caf\xc3\xa9",
    "\xe4\xb8\xad\xe6\x96\x87",
    "\xf0\x9f\x98\x80",
    "\xef\xbc\x87 fullwidth apostrophe",
    "\xca\xbc modifier",
    " lead",
    "trail ",
    "1starts",
    "_ok1",
    "Upper",
    "a.b",
    "a-b",
    "x=y",
    "`id`",
    "$(id)",
    "%s%n",
    "%d\\%",
    "C:\\temp\\new",
    "pg_stat_statements.max",
    "work_mem",
};

static void run(const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
}

static void start_server(void)
{
    server = pgtest_start(pgtest_any_bindir(), NULL);
    const char *const keys[] = {"host", "port", "user", "dbname", "client_encoding", NULL};
    const char *const values[] = {server->host, server->port, server->user,
                                  "postgres",   "UTF8",       NULL};
    conn = PQconnectdbParams(keys, values, 0);
    assert_int_equal(PQstatus(conn), CONNECTION_OK);
    run("SET escape_string_warning = off");
}

/* The first cell of the statement's first row, with value as $1 where there is one. The caller frees. */
static char *ask(const char *sql, const char *value)
{
    PGresult *res = PQexecParams(conn, sql, value ? 1 : 0, NULL, &value, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    char *text = strdup(PQgetvalue(res, 0, 0));
    assert_non_null(text);
    PQclear(res);
    return text;
}

static void check_literal(const char *value)
{
    struct buf ours = {0};
    quote_literal(&ours, value);
    char *theirs = ask("SELECT quote_literal($1::text)", value);
    assert_string_equal(buf_text(&ours), theirs);
    struct buf sql = {0};
    buf_printf(&sql, "SELECT %s::text", buf_text(&ours));
    char *back = ask(buf_text(&sql), NULL);
    assert_string_equal(back, value);
    free(back);
    free(theirs);
    buf_clear(&sql);
    buf_clear(&ours);
}

static void check_ident(const char *value)
{
    struct buf ours = {0};
    quote_ident(&ours, value);
    char *theirs = ask("SELECT quote_ident($1)", value);
    /* Words that a later version reserves may be quoted by us alone. */
    if (strcmp(theirs, value) != 0 || buf_text(&ours)[0] != '"')
        assert_string_equal(buf_text(&ours), theirs);
    if (*value && strlen(value) < 64) {
        struct buf sql = {0};
        buf_printf(&sql, "SELECT 1 AS %s, (SELECT 2 AS %s)", buf_text(&ours), buf_text(&ours));
        PGresult *res = PQexec(conn, buf_text(&sql));
        if (PQresultStatus(res) != PGRES_TUPLES_OK)
            fail_msg("%s: %s", buf_text(&sql), PQerrorMessage(conn));
        assert_string_equal(PQfname(res, 0), value);
        assert_string_equal(PQfname(res, 1), value);
        PQclear(res);
        buf_clear(&sql);
    }
    free(theirs);
    buf_clear(&ours);
}

static void nasty_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        check_literal(nasty[i]);
        check_ident(nasty[i]);
    }
}

static void without_standard_strings(void **state)
{
    (void)state;
    run("SET standard_conforming_strings = off");
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++)
        check_literal(nasty[i]);
    run("SET standard_conforming_strings = on");
}

static void random_strings(void **state)
{
    (void)state;
    static const char *const pieces[] = {"'",  "\"", "\\", "\n", "$", ";",        " ", "a",
                                         "E'", "_",  "A",  "0",  "-", "\xc3\xa9", "/", "*"};
    uint32_t seed = 20240607;
    for (int round = 0; round < 1000; round++) {
        struct buf b = {0};
        seed = seed * 1664525u + 1013904223u;
        uint32_t n = (seed >> 16) % 12;
        for (uint32_t i = 0; i < n; i++) {
            seed = seed * 1664525u + 1013904223u;
            buf_puts(&b, pieces[(seed >> 16) % ARRAY_LEN(pieces)]);
        }
        check_literal(buf_text(&b));
        check_ident(buf_text(&b));
        buf_clear(&b);
    }
}

static void keywords(void **state)
{
    (void)state;
    PGresult *res = PQexec(conn, "SELECT word, catcode <> 'U' FROM pg_get_keywords()");
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    assert_true(PQntuples(res) > 400);
    for (int i = 0; i < PQntuples(res); i++) {
        struct buf ours = {0};
        quote_ident(&ours, PQgetvalue(res, i, 0));
        if (PQgetvalue(res, i, 1)[0] == 't' && buf_text(&ours)[0] != '"')
            fail_msg("%s is a keyword and must be quoted", PQgetvalue(res, i, 0));
        buf_clear(&ours);
        /* A bare column alias of an unreserved word is not our business: with AS it is a name. */
        check_ident(PQgetvalue(res, i, 0));
    }
    PQclear(res);
}

static void conninfo(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        struct buf b = {0};
        buf_puts(&b, "user=u dbname=");
        quote_conninfo(&b, nasty[i]);
        buf_puts(&b, " host=h");
        PQconninfoOption *options = PQconninfoParse(buf_text(&b), NULL);
        assert_non_null(options);
        int seen = 0;
        for (PQconninfoOption *o = options; o->keyword; o++) {
            if (strcmp(o->keyword, "dbname") == 0 && ++seen)
                assert_string_equal(o->val, nasty[i]);
            if (strcmp(o->keyword, "host") == 0 && ++seen)
                assert_string_equal(o->val, "h");
        }
        assert_int_equal(seen, 2);
        PQconninfoFree(options);
        buf_clear(&b);
    }
}

static void shell(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(nasty); i++) {
        struct buf b = {0};
        quote_shell(&b, nasty[i]);
        struct buf expected = {0};
        buf_printf(&expected, "<%s>", nasty[i]);
        assert_string_equal(pgtest_sh("printf '<%%s>' %s", buf_text(&b)), buf_text(&expected));
        buf_clear(&expected);
        buf_clear(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nasty_strings),  cmocka_unit_test(without_standard_strings),
        cmocka_unit_test(random_strings), cmocka_unit_test(keywords),
        cmocka_unit_test(conninfo),       cmocka_unit_test(shell),
    };
    start_server();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(conn);
    pgtest_destroy(server);
    return failed;
}
