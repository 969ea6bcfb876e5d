/* What a workload's script may hold, and the statements found in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/runner/script.h"

static void refused(const char *text, int line, const char *what)
{
    struct err e = {0};
    if (script_check("dba.sql", text, strlen(text), &e))
        fail_msg("accepted: %s", text);
    assert_int_equal(e.code, ERR_REFUSED);
    char where[64];
    snprintf(where, sizeof where, "script dba.sql, line %d: ", line);
    if (strncmp(e.msg, where, strlen(where)) != 0 || !strstr(e.msg, what))
        fail_msg("\"%s\" is not about %s in line %d", e.msg, what, line);
    assert_true(e.detail[0] != '\0');
}

static void accepted(const char *text)
{
    struct err e = {0};
    if (!script_check("dba.sql", text, strlen(text), &e))
        fail_msg("refused: %s: %s", text, e.msg);
}

static void test_commands(void **st)
{
    (void)st;
    refused("\\shell rm -rf /", 1, "\\shell");
    refused("SELECT 1;\n\\setshell x echo 5\n", 2, "\\setshell");
    refused("SELECT 1;\n  \t\\SHELL date\n", 2, "\\shell");
    refused("SELECT 1 \\setshell x date\n", 1, "\\setshell");
    refused("SELECT 1;\n\\ shell date\n", 2, "\\shell");
    refused("SELECT 1;\n\\\\\nshell date\n", 2, "\\shell");
    refused("SELECT 1;\n\\she\\\nll date\n", 2, "\\shell");
    refused("SELECT 1;\n\\she\\\r\nll date\n", 2, "\\shell");
    refused("SELECT 1;\n\\\t\v\\\n setshell x date\n", 2, "\\setshell");
    refused("SELECT '\n\\shell date\n", 2, "\\shell"); /* the quote may be no quote to pgbench */
    refused("/* \\shell date */ SELECT 1", 1, "\\shell");
    accepted("\\set aid random(1, 100 * :scale)\nSELECT :aid;\n\\sleep 10 ms\n\\if :aid > "
             "5\nSELECT 2\\gset\n\\endif\n");
    accepted("SELECT 'shell', shell FROM setshell;");
}

static void test_statements(void **st)
{
    (void)st;
    refused("COPY t TO PROGRAM 'sh'", 1, "COPY");
    refused("SELECT 1;\ncopy t\nfrom /* x */ program 'cat /etc/passwd'", 3, "COPY");
    refused("COPY (SELECT 1) TO\n-- there\nPROGRAM 'sh'", 3, "COPY");
    refused("DO $$ BEGIN EXECUTE 'COPY t FROM PROGRAM ''id'''; END $$", 1, "COPY");
    refused("SELECT pg_read_file('/etc/passwd')", 1, "pg_read_file()");
    refused("SELECT \"pg_read_file\" /* */ ('x')", 1, "pg_read_file()");
    refused("SELECT pg_catalog.PG_READ_BINARY_FILE('x')", 1, "PG_READ_BINARY_FILE()");
    refused("SELECT 1;SELECT lo_import('/etc/passwd')", 1, "lo_import()");
    refused("SELECT lo_export(1, '/tmp/x')", 1, "lo_export()");
    refused("SELECT * FROM dblink('host=x', 'select 1') AS t(a int)", 1, "dblink()");
    refused("SELECT dblink_exec('x')", 1, "dblink_exec()");
    refused("SELECT pg_execute_something('x')", 1, "pg_execute");
    refused("SELECT pg_ls_dir('.')", 1, "pg_ls_dir()");
    refused("SELECT pg_terminate_backend(1)", 1, "pg_terminate_backend()");
    refused("\n\nalter  system set fsync = off;", 3, "ALTER SYSTEM");
    refused("LOAD 'x'", 1, "LOAD");
    refused("create extension dblink", 1, "CREATE EXTENSION");
    accepted(
        "-- COPY t TO PROGRAM 'x'\n/* pg_read_file('x') /* nested */ lo_import('x') */ SELECT 1;");
    accepted("COPY t (program) TO STDOUT");
    accepted("SELECT dblink, program FROM copy;");
    accepted("INSERT INTO load VALUES ($$it's$$, E'a\\'--b', \"x;y\"); SELECT $1 - 1 -- 2\n;");
}

static void test_form(void **st)
{
    (void)st;
    struct err e = {0};
    assert_false(script_check("a.sql", "SELECT 1;\0\n\\x", 13, &e));
    assert_non_null(strstr(e.msg, "line 1: a NUL byte"));
    struct buf big = {0};
    buf_puts(&big, "SELECT 1;");
    while (big.len <= SCRIPT_BYTES_MAX)
        buf_puts(&big, "                                                                ");
    assert_false(script_check("a.sql", big.data, big.len, &e));
    assert_non_null(strstr(e.msg, "too long"));
    buf_clear(&big);
    assert_false(script_check("a.sql", "", 0, &e));
    assert_false(script_check("a.sql", "-- nothing\n\\set a 1\n", 20, &e));
    assert_non_null(strstr(e.msg, "no statement"));
    assert_false(script_check("a\x1b[2J.sql", "LOAD 'x'", 8, &e));
    assert_null(strchr(e.msg, '\x1b'));
}

static void test_writes(void **st)
{
    (void)st;
    assert_false(
        script_writes("SELECT 1; -- INSERT INTO t\nWITH x AS (SELECT 1) SELECT * FROM x;"));
    assert_false(
        script_writes("BEGIN; SELECT * FROM t FOR NO KEY UPDATE; COMMIT; SET x = 1; SHOW all"));
    assert_false(script_writes("\\set insert 1\nSELECT 'insert;update';"));
    assert_false(script_writes(""));
    assert_true(script_writes("BEGIN;\nUPDATE t SET a = 1;\nEND;"));
    assert_true(script_writes("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x"));
    assert_true(script_writes("/* SELECT */ insert into t values (1)"));
    assert_true(script_writes("SELECT 1;CALL p()"));
    assert_true(script_writes("PREPARE p AS UPDATE t SET a = 1"));
}

static void select_is(const char *text, int n, const char *want)
{
    struct buf out = {0};
    bool found = script_select(text, n, 10, &out);
    if (want == NULL && found)
        fail_msg("found: %s", buf_text(&out));
    if (want != NULL)
        assert_string_equal(found ? buf_text(&out) : "nothing", want);
    buf_clear(&out);
}

static void test_select(void **st)
{
    (void)st;
    static const char script[] =
        "\\set aid random(1, 100000 * :scale)\n"
        "\\set half :aid / 2 -  (3 + 4) % 5\n"
        "\\set d random_gaussian(-10, 10, 2.5)\n"
        "BEGIN;\n"
        "UPDATE t SET a = :aid;\n"
        "SELECT a::int FROM t WHERE aid = :aid; -- first\n"
        "WITH x AS (SELECT :half AS h) SELECT h, ':d', ':no', '12:30' FROM x;\n"
        "SELECT :unknown;\n"
        "SELECT x[1:2], :client_id, :scale \\gset\n"
        "END;\n";
    select_is(script, 0, "SELECT a::int FROM t WHERE aid = 500000");
    select_is(script, 1, "WITH x AS (SELECT 249998 AS h) SELECT h, '0', ':no', '12:30' FROM x");
    select_is(script, 2, "SELECT x[1:2], 1, 10");
    select_is(script, 3, NULL);
    select_is("INSERT INTO t VALUES (1)", 0, NULL);
    select_is("", 0, NULL);
}

static void value_is(const char *expression, const char *want)
{
    struct buf script = {0};
    struct buf expect = {0};
    buf_printf(&script, "\\set v %s\nSELECT :v", expression);
    buf_printf(&expect, "SELECT %s", want ? want : "");
    select_is(buf_text(&script), 0, want ? buf_text(&expect) : NULL);
    buf_clear(&script);
    buf_clear(&expect);
}

static void test_expressions(void **st)
{
    (void)st;
    value_is("1 + 2 * 3", "7");
    value_is("(1 + 2) * 3", "9");
    value_is("-7 / 2", "-3");
    value_is("7.5 / 2", "3.75");
    value_is("1 + \\\n 1", "2");
    value_is("greatest(1, least(5, 9), 3)", "5");
    value_is("int(2.9) + abs(-4)", "6");
    value_is("random_zipfian(1, 1000, 1.2)", "100");
    value_is("RANDOM(1, 3)", "2");
    value_is("1 / 0", NULL);
    value_is("9223372036854775807 + 1", NULL);
    value_is("random(5, 1)", NULL);
    value_is("hash(:scale)", NULL);
    value_is("1 +", NULL);
    value_is("1 2", NULL);
    value_is(":nobody + 1", NULL);
    value_is("case when true then 1 end", NULL);
    struct buf deep = {0};
    for (int i = 0; i < 5000; i++)
        buf_putc(&deep, i % 2 ? '(' : '-');
    value_is(buf_text(&deep), NULL);
    buf_clear(&deep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands), cmocka_unit_test(test_statements),
        cmocka_unit_test(test_form),     cmocka_unit_test(test_writes),
        cmocka_unit_test(test_select),   cmocka_unit_test(test_expressions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
