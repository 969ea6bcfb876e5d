/* The log in the program's home: it is appended to, and turns over into one older file when it has grown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pgd/app/logfile.h"

static char home[] = "/tmp/pgd-logfile.XXXXXX";

static long long size_of(const char *name)
{
    char path[200];
    struct stat st;

    snprintf(path, sizeof path, "%s/%s", home, name);
    return stat(path, &st) == 0 ? (long long)st.st_size : -1;
}

static void write_mb(int mb)
{
    char line[512];

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = 0;
    for (int i = 0; i < mb * 2048; i++)
        log_line(LOG_INFO, "%s", line);
}

static void test_appends(void **st)
{
    (void)st;
    assert_true(logfile_open(home) >= 0);
    log_line(LOG_WARN, "one");
    logfile_close();
    log_line(LOG_WARN, "to nobody");
    assert_true(logfile_open(home) >= 0);
    log_line(LOG_ERROR, "two");
    logfile_close();
    assert_int_equal(size_of("pg_diagnose.log"), strlen("warning: one\nerror: two\n"));
}

static void test_turns_over(void **st)
{
    const long long mb = 1 << 20;
    int fd = logfile_open(home);
    struct stat now;

    (void)st;
    write_mb(5);
    assert_in_range(size_of("pg_diagnose.log.1"), 4 * mb, 5 * mb);
    assert_in_range(size_of("pg_diagnose.log"), mb / 2, 2 * mb);
    write_mb(4);
    assert_in_range(size_of("pg_diagnose.log.1"), 4 * mb, 5 * mb); /* the oldest is gone */
    assert_true(size_of("pg_diagnose.log.2") < 0);
    assert_int_equal(fstat(fd, &now), 0); /* who was given the descriptor writes to the new one */
    assert_int_equal(now.st_size, size_of("pg_diagnose.log"));
    logfile_close();
}

static int remove_home(void **st)
{
    static const char *const names[] = {"pg_diagnose.log", "pg_diagnose.log.1"};
    char path[200];

    (void)st;
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", home, names[i]);
        unlink(path);
    }
    rmdir(home);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_appends),
                                       cmocka_unit_test(test_turns_over)};

    assert_non_null(mkdtemp(home));
    return cmocka_run_group_tests(tests, NULL, remove_home);
}
