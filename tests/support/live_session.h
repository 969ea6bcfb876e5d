#pragma once
/*
 * A tuning session through the keys, on a real server whose work_mem is too small for the sorts of the script: what the screen
 * tests of sessions share.
 */
#include "live.h"

enum { RUN_MS = 120000 };

static char live_script[300];

static inline struct screen *open_session(int rows, int cols)
{
    const char *args[] = {"--script",  live_script, "--duration", "2", "--clients", "2",
                          "--restart", "never",     "--rounds",   "3", NULL};
    struct screen *s = live_open("postgres", args, NULL, rows, cols);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    return s;
}

static inline const char *auto_conf(void)
{
    return pgtest_sh("grep -v '^#' '%s/postgresql.auto.conf' || true", live_pg->data);
}

static inline void no_pgbench_is_left(void)
{
    for (int i = 0; i < 50; i++) {
        if (strcmp(pgtest_psql(live_pg, "postgres",
                               "SELECT count(*) FROM pg_stat_activity WHERE application_name = "
                               "'pgbench'"),
                   "0") == 0)
            return;
        usleep(100000);
    }
    fail_msg("pgbench still works on the server");
}

/* Types over the value of a field that is being edited. */
static inline void retype(struct screen *s, const char *text)
{
    for (int i = 0; i < 24; i++)
        screen_key(s, "<BS>");
    screen_key(s, text);
    screen_key(s, "<Enter>");
}

/* Every test begins with no workspace and a server as it was. */
static inline int fresh_start(void **state)
{
    (void)state;
    pgtest_sh("rm -rf '%s'", live_home);
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM RESET ALL");
    pgtest_psql(live_pg, "postgres", "SELECT pg_reload_conf()");
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_start, live_teardown)

static inline int begin(void **state)
{
    (void)state;
    live_begin("work_mem = '64kB'");
    pgtest_psql(live_pg, "postgres",
                "CREATE TABLE sorted AS SELECT i AS id, i % 1000 AS grp, md5(i::text) || md5((i + "
                "1)::text) AS pad FROM generate_series(1, 200000) i");
    pgtest_psql(live_pg, "postgres", "CREATE INDEX ON sorted (grp)");
    pgtest_psql(live_pg, "postgres", "VACUUM ANALYZE sorted");
    snprintf(live_script, sizeof live_script, "%s/sorts.sql", live_pg->dir);
    FILE *f = fopen(live_script, "w");
    assert_non_null(f);
    fputs("\\set a random(1, 900)\nSELECT count(*) FROM (SELECT id, pad FROM sorted WHERE grp "
          "BETWEEN :a AND :a + 20 ORDER BY pad, id) s;\n",
          f);
    fclose(f);
    return 0;
}

static inline int end(void **state)
{
    (void)state;
    live_end();
    return 0;
}
