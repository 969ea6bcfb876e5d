/* The start on the real program: recent workspaces (one of them damaged), another server by the form, its databases with their
 * sizes, -H without a database, and what has changed since the sessions of a workspace. */
#include "live.h"

static char workspaces[160];

static void write_file(const char *rel, const char *text)
{
    char path[400];
    snprintf(path, sizeof path, "%s/%s", workspaces, rel);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void make_workspace(const char *name, const char *host, const char *port, const char *dbname,
                           const char *index)
{
    char rel[200], text[1200];
    pgtest_sh("mkdir -p '%s/%s/sessions' && chmod -R go= '%s'", workspaces, name, live_home);
    snprintf(
        text, sizeof text,
        "{\"format\":1,\"name\":\"%s\",\"server\":{\"version_num\":90600,\"version\":\"9.6.1\","
        "\"standby\":false,\"server_port\":%s},\"system\":{\"cpus\":4000,\"mem_total\":1e15},"
        "\"connection\":{"
        "\"host\":\"%s\",\"port\":\"%s\",\"user\":\"%s\",\"dbname\":\"%s\",\"tls\":false}}",
        name, port, host, port, live_pg->user, dbname);
    snprintf(rel, sizeof rel, "%s/workspace.json", name);
    write_file(rel, text);
    snprintf(rel, sizeof rel, "%s/index.json", name);
    write_file(rel, index);
}

/* A session that had left work_mem at 32MB. */
static void make_session(const char *workspace)
{
    char rel[200];
    pgtest_sh("mkdir -p '%s/%s/sessions/Memory_01022026-050830'", workspaces, workspace);
    snprintf(rel, sizeof rel, "%s/sessions/Memory_01022026-050830/session.json", workspace);
    write_file(rel, "{\"format\":1,\"name\":\"Memory_01022026-050830\",\"state\":\"ARCHIVED\","
                    "\"after\":{\"work_mem\":\"32MB\"}}");
}

static const char one_session[] =
    "{\"format\":1,\"sessions\":[{\"name\":\"Memory_01022026-050830\",\"strategy\":\"Memory\","
    "\"state\":\"ARCHIVED\",\"baseline_tps\":100,\"best_tps\":131,\"effect\":1.31,\"rounds\":3,"
    "\"changed_us\":1767330000000000}]}";

static int begin(void **state)
{
    char name[96];

    (void)state;
    live_begin("");
    pgtest_psql(live_pg, "postgres", "CREATE DATABASE big");
    pgtest_psql(live_pg, "big", "CREATE TABLE t AS SELECT generate_series(1, 300000) AS n");
    pgtest_psql(live_pg, "postgres", "CREATE DATABASE \"odd \"\"name\"");
    snprintf(workspaces, sizeof workspaces, "%s/workspaces", live_home);
    snprintf(name, sizeof name, "big_local_%s", live_pg->port);
    make_workspace(name, live_pg->host, live_pg->port, "big", one_session);
    make_session(name);
    make_workspace(
        "crm_db-server", "db-server", "5432", "crm",
        "{\"format\":1,\"sessions\":[{\"name\":\"W_1\",\"strategy\":\"WriteOptimize\",\"state\":"
        "\"ACTIVE\",\"rounds\":1,\"changed_us\":1767000000000000}]}");
    make_workspace("old_db-server", "db-server", "5432", "old", "{\"format\":1,\"sess");
    return 0;
}

static struct screen *open_start(const char *const *args, int rows, int cols)
{
    char home[128];
    const char *vars[] = {home, NULL};

    snprintf(home, sizeof home, "PG_DIAGNOSE_HOME=%s", live_home);
    live_screen = screen_open(
        &(struct screen_options){.argv = args, .env = vars, .rows = rows, .cols = cols});
    return live_screen;
}

/* Newest first, each with what it has; the damaged one says so, and the picked one is connected to as it was. */
static void a_workspace_is_picked_by_its_number(void **state)
{
    (void)state;
    struct screen *s = open_start(NULL, 36, 120);
    screen_expect(s, "Recent workspaces", LIVE_MS);
    screen_expect_regex(s, "1  big @ .* 1 +\\+31.0 %", LIVE_MS);
    screen_expect_regex(s, "2  crm @ db-server .*1 \\(1 interrupted\\)", LIVE_MS);
    screen_expect_regex(s, "3  old @ db-server .*index.json is damaged", LIVE_MS);
    screen_key(s, "<Down>");
    screen_expect(s, "WriteOptimize R2 was interrupted: resume, or undo", LIVE_MS);
    screen_key(s, "/");
    screen_expect(s, "find:", LIVE_MS);
    screen_key(s, "old");
    screen_expect_gone(s, "big @", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "big @", LIVE_MS);
    screen_key(s, "1");
    screen_expect_regex(s, "PG [0-9.]+ .* primary", LIVE_MS);
    /* version, machine and settings are not as they were left */
    screen_key(s, "s");
    screen_expect(s, "changed since", LIVE_MS);
    screen_expect(s, "PostgreSQL was 9.6.1 last time and is", LIVE_MS);
    screen_expect(s, "had 4000 CPUs last time and has", LIVE_MS);
    screen_expect(s, "work_mem is 4MB, and Memory_01022026-050830 had left 32MB", LIVE_MS);
    screen_key(s, "<Esc>");
    live_quit(s);

    /* it was used just now, and what was told once of the machine is not told again */
    s = open_start(NULL, 24, 80);
    screen_expect_regex(s, "1  big @ .*just now", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect_regex(s, "PG [0-9.]+ .* primary", LIVE_MS);
    screen_key(s, "4z");
    screen_expect(s, "had left 32MB", LIVE_MS);
    screen_expect_gone(s, "4000 CPUs", LIVE_MS);
    screen_key(s, "z");
    live_quit(s);
}

static void another_server_shows_its_databases(void **state)
{
    (void)state;
    struct screen *s = open_start(NULL, 24, 80);
    screen_expect(s, "n another server", LIVE_MS);
    screen_key(s, "n");
    screen_expect(s, "Another server", LIVE_MS);
    screen_key(s, "127.0.0.1<Tab>1<Tab>");
    screen_key(s, live_pg->user);
    screen_key(s, "<Enter>");
    screen_expect(s, "Connection refused", LIVE_MS);
    screen_expect(s, "Nothing listens on 127.0.0.1 port 1", LIVE_MS);
    screen_expect_regex(s, "host +127.0.0.1", LIVE_MS);
    screen_key(s, "<BTab><C-u>");
    screen_key(s, live_pg->port);
    screen_key(s, "<BTab><C-u>");
    screen_key(s, live_pg->host);
    screen_key(s, "<Enter>");
    screen_expect(s, "Databases of ", LIVE_MS);
    screen_expect_regex(s, "big .*[0-9.]+ MB", LIVE_MS);
    screen_expect_regex(s, "odd \"name .*[0-9.]+ MB", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "Another server", LIVE_MS);
    screen_expect_regex(s, "host +/", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect_regex(s, "\xe2\x96\xb8 big ", LIVE_MS); /* the largest comes first */
    screen_key(s, "<Down>");
    screen_key(s, "<Down><Down><Down><Up><Home><Enter>");
    screen_expect_regex(s, "PG [0-9.]+ .* primary", LIVE_MS);
    live_quit(s);
}

static void a_host_alone_lists_what_is_known_of_it(void **state)
{
    (void)state;
    const char *args[] = {"-H", live_pg->host, "-p", live_pg->port, "-U", live_pg->user, NULL};
    struct screen *s = open_start(args, 36, 120);
    screen_expect(s, "Workspaces of ", LIVE_MS);
    screen_expect(s, "big @", LIVE_MS);
    screen_expect_regex(s, "Memory .* ARCHIVED, 3 rounds", LIVE_MS);
    screen_expect_gone(s, "crm @", LIVE_MS);
    screen_key(s, "n");
    screen_expect_regex(s, "port +", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "Workspaces of ", LIVE_MS);
    screen_key(s, "q");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);

    /* of a server without a workspace the databases are listed at once */
    const char *new_server[] = {"-H", "127.0.0.1", "-p", "1", "-U", live_pg->user, NULL};
    s = open_start(new_server, 24, 80);
    screen_expect(s, "Connection refused", LIVE_MS);
    screen_expect_regex(s, "host +127.0.0.1", LIVE_MS);
    screen_key(s, "<Esc>q");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LIVE_TEST(a_workspace_is_picked_by_its_number),
        LIVE_TEST(another_server_shows_its_databases),
        LIVE_TEST(a_host_alone_lists_what_is_known_of_it),
    };
    return cmocka_run_group_tests(tests, begin, live_group_end);
}
