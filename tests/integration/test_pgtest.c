/* The tests' own server: starts, answers, takes extra lines, stops, comes back, and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pgtest.h"

static void live(const char *bindir, const char *version)
{
    struct pgtest *pg = pgtest_start(bindir, "work_mem = '256kB'");
    struct stat st;
    char dir[256];
    assert_string_equal(pgtest_psql(pg, "postgres", "show work_mem"), "256kB");
    assert_memory_equal(pgtest_psql(pg, "postgres", "show server_version"), version,
                        strlen(version));
    assert_string_equal(pgtest_psql(pg, "postgres", "values (1, 'a'), (2, 'b')"), "1|a\n2|b");
    assert_true(pgtest_is_running(pg));
    assert_int_equal(stat(pg->data, &st), 0);
    assert_string_equal(pgtest_sh("stat -c %%U '%s'", pg->data), pg->osuser);
    if (geteuid() == 0)
        assert_int_not_equal(st.st_uid, 0);

    pid_t first = pgtest_pid(pg);
    pgtest_restart(pg);
    assert_int_not_equal(pgtest_pid(pg), first);
    pgtest_stop(pg, "fast");
    assert_false(pgtest_is_running(pg));
    pgtest_up(pg);
    assert_string_equal(pgtest_psql(pg, "postgres", "select 1"), "1");

    snprintf(dir, sizeof dir, "%s", pg->dir);
    pgtest_destroy(pg);
    assert_int_equal(access(dir, F_OK), -1);
}

static void test_installed_server(void **state)
{
    (void)state;
    live(pgtest_any_bindir(), "");
}

static void test_postgresql_18(void **state)
{
    (void)state;
    const char *bindir = pgtest_bindir("18");
    if (bindir == NULL) {
        puts("skipped: PostgreSQL 18 is not here; tests/support/fetch_pg18.sh gets it");
        skip();
    }
    live(bindir, "18");
}

/* A test that is killed cannot clean up: its server goes away by itself. */
static void test_server_dies_with_its_owner(void **state)
{
    (void)state;
    char dir[256];
    snprintf(dir, sizeof dir, "%s",
             pgtest_sh("sleep 300 </dev/null >/dev/null 2>&1 & owner=$!\n"
                       "PGTEST_OWNER=$owner \"$PGD_SOURCE_DIR/tests/support/pg.sh\" start '%s' |"
                       " sed -n 's/^dir=//p'\n"
                       "kill $owner",
                       pgtest_any_bindir()));
    assert_memory_equal(dir, "/tmp/pgd-test.", 14);
    for (int i = 0; i < 200 && access(dir, F_OK) == 0; i++)
        usleep(100 * 1000);
    assert_int_equal(access(dir, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_installed_server),
        cmocka_unit_test(test_postgresql_18),
        cmocka_unit_test(test_server_dies_with_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
