/* What an error means and how it is mended: by SQLSTATE, by words of the message or of the log, and
 * by what was done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/advisor.h"

static const struct {
    const char *what, *sqlstate, *msg, *log, *expect; /* in explanation or fix */
} cases[] = {
    {"bench", "53100", "could not extend file", NULL, "disk is full"},
    {"apply", "", "could not write journal: No space left on device", NULL, "disk is full"},
    {"restart", "", "the server did not start",
     "FATAL:  could not map anonymous shared memory: Cannot allocate memory", "shared_buffers"},
    {"connect", "", "connection to server at \"10.0.0.1\", port 5432 failed: Connection refused",
     NULL, "listen_addresses"},
    {"connect", "28P01", "password authentication failed for user \"x\"", NULL, "pgpass"},
    {"connect", "28000", "no pg_hba.conf entry for host", NULL, "pg_hba.conf"},
    {"connect", "3D000", "database \"x\" does not exist", NULL, "no database"},
    {"bench", "", "pgbench failed",
     "pgbench: error: client 0 script 0 aborted in command 1: ERROR:  syntax error at or near "
     "\"FORM\"",
     "not valid SQL"},
    {"bench", "", "pgbench failed", "ERROR:  relation \"orders\" does not exist", "names a table"},
    {"bench", "53300", "sorry, too many clients already", NULL, "max_connections"},
    {"bench", "", "no pgbench on this machine", NULL, "Install it"},
    {"bench", "", "no answer within the deadline", NULL, "no answer in time"},
    {"bench", "42501", "permission denied for table orders", NULL, "Grant"},
    {"apply", "", "cannot open postgresql.auto.conf: Permission denied", NULL, "owner and mode"},
    {"bench", "", "script uses \\shell", NULL, "shell command"},
    {"restart", "", "x",
     "FATAL:  could not access file \"no_such_library\": No such file or directory", "library"},
    {"apply", "", "server closed the connection unexpectedly", NULL, "connection was cut"},
    {"bench", "", "something new", "and strange", "pgbench -n -f"},
    {"restart", "", "something new", NULL, "last good ones"},
    {"", "", "", NULL, "do not know"},
};

static void test_causes(void **state)
{
    struct evidence e = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct err err = {.code = ERR_CHILD};
        struct diagnosis d;
        strncat(err.sqlstate, cases[i].sqlstate, sizeof err.sqlstate - 1);
        strncat(err.msg, cases[i].msg, sizeof err.msg - 1);
        builtin_diagnose(&e, cases[i].what, &err, cases[i].log, &d);
        assert_true(d.explanation[0] && d.fix[0]);
        if (!strstr(d.explanation, cases[i].expect) && !strstr(d.fix, cases[i].expect))
            fail_msg("\"%s\": \"%s\" / \"%s\" lacks \"%s\"", cases[i].msg, d.explanation, d.fix,
                     cases[i].expect);
    }
}

static void test_nothing_known(void **state)
{
    struct diagnosis d;
    (void)state;
    builtin_diagnose(NULL, NULL, NULL, NULL, &d);
    assert_string_equal(d.advisor.text, "builtin");
    assert_true(d.explanation[0] && d.fix[0]);
}

static void test_the_message_is_quoted(void **state)
{
    struct err err = {.code = ERR_SQL, .msg = "column \"x\" does not exist"};
    struct diagnosis d;
    (void)state;
    builtin_diagnose(NULL, "bench", &err, NULL, &d);
    assert_non_null(strstr(d.explanation, err.msg));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causes),
        cmocka_unit_test(test_nothing_known),
        cmocka_unit_test(test_the_message_is_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
