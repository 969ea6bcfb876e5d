/* The session tree on the real program and a real server, at 160x45, 120x36 and 80x24: two archived sessions, of which only the
 * folders are there, are listed, opened, compared, named, deleted by typing a name, branched from; and the server goes back to
 * states of one of them, with a review, and forth again. */
#include "live.h"

static const char newer[] = "MemoryTuning_01032026-050830", older[] = "ReadHeavy_01022026-050830";

#define COUNT(n) \
    "postgres_local[_0-9]* +" #n " *(session|\xe2\x94\x82)" /* beside the workspace's name */

/* What a session says of a setting: before it, in it. */
struct change {
    const char *name, *before, *value;
};

static void entry(FILE *f, const char *name, const char *value)
{
    fprintf(f, "{\"name\":\"%s\",\"present\":%s,\"value\":%s%s%s}", name, value ? "true" : "false",
            value ? "\"" : "", value ? value : "null", value ? "\"" : "");
}

/* A session that was archived after a round for each change, all kept. */
static void write_session(const char *folder, const char *name, const char *strategy, long long us,
                          const struct change *c, int n)
{
    char path[400];

    pgtest_sh("mkdir -p '%s/sessions/%s'", folder, name);
    snprintf(path, sizeof path, "%s/sessions/%s/session.json", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f,
            "{\"format\":1,\"name\":\"%s\",\"state\":\"ARCHIVED\",\"created_us\":%lld,"
            "\"ended_us\":%lld,\"strategy\":{\"strategy\":\"%s\",\"hypothesis\":\"Sorts spill.\","
            "\"workload\":\"shop\",\"builtin_db\":true,\"database\":\"pg_diagnose_bench\","
            "\"scripts\":[{\"path\":\"asset:workloads/shop/order.sql\",\"weight\":1,\"name\":"
            "\"order.sql\"}],\"protocol\":\"prepared\",\"clients\":3,\"threads\":1,"
            "\"duration_s\":5,\"warmup_s\":1,\"min_runs\":2,\"max_runs\":4,\"rounds\":2,"
            "\"budget_s\":300,\"restart\":\"never\",\"success\":\"the interval lies above zero\"},"
            "\"baseline_tps\":1000,\"floor\":0.02,\"best_tps\":1200,\"rounds_done\":%d,",
            name, us, us + 1000, strategy, n);
    fprintf(f, "\"best\":{\"label\":\"round %d\",\"entries\":[", n);
    for (int i = 0; i < n; i++) {
        fputs(i ? "," : "", f);
        entry(f, c[i].name, c[i].value);
    }
    fputs("]},\"ledger\":[", f);
    for (int i = 0; i < n; i++) {
        fputs(i ? ",{\"original\":" : "{\"original\":", f);
        entry(f, c[i].name, NULL);
        fputs(",\"current\":", f);
        entry(f, c[i].name, c[i].value);
        fputs("}", f);
    }
    fputs("],\"rounds\":[", f);
    for (int i = 0; i < n; i++)
        fprintf(f,
                "%s{\"round\":%d,\"kept\":true,\"failed\":false,\"measured\":1,\"changes\":[{"
                "\"name\":\"%s\",\"value\":\"%s\",\"why\":\"it spills\",\"evidence\":\"9 "
                "files\",\"risk\":\"low\"}],"
                "\"verdict\":{\"kind\":\"improved\",\"ratio\":1.1,\"ci_lo\":1.07,\"ci_hi\":1.13}}",
                i ? "," : "", i + 1, c[i].name, c[i].value);
    fputs("],\"before\":{", f);
    for (int i = 0; i < n; i++)
        fprintf(f, "%s\"%s\":\"%s\"", i ? "," : "", c[i].name, c[i].before);
    fputs("},\"after\":{", f);
    for (int i = 0; i < n; i++)
        fprintf(f, "%s\"%s\":\"%s\"", i ? "," : "", c[i].name, c[i].value);
    fputs("},\"verdict\":{\"kind\":\"improved\",\"ratio\":1.2,\"ci_lo\":1.15,\"ci_hi\":1.25},"
          "\"end_reason\":\"three misses in a row\"}\n",
          f);
    fclose(f);
}

static const char *show(const char *name)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SHOW %s", name);
    return pgtest_psql(live_pg, "postgres", sql);
}

static const char *folder(void)
{
    return pgtest_sh("ls -d '%s'/workspaces/*", live_home);
}

/* Moves the cursor down until the line under it holds the text. */
static void to_session(struct screen *s, int down)
{
    screen_key(s, "<Home>");
    for (int i = 0; i < down; i++)
        screen_key(s, "<Down>");
}

static struct screen *open_tree(int rows, int cols)
{
    static const char *const args[] = {"--advisor", "builtin", NULL};
    struct screen *s = live_open("postgres", args, NULL, rows, cols);
    if (cols >= 110)
        screen_expect(s, "Press t to start", LIVE_MS);
    screen_expect_regex(s, "^\\[postgres@local \\| [0-9]+ xact/s\\] >", LIVE_MS);
    /* no step in between: the workspace is open, before which nothing is done with a session */
    screen_expect_regex(s, "primary \xe2\x94\x82 [0-9]+ sessions", LIVE_MS);
    screen_key(s, "1");
    screen_expect(s, "Enter open", LIVE_MS);
    return s;
}

static void leave(struct screen *s)
{
    screen_key(s, "/quit<Enter>");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);
}

/* index.json is not there: the folders are listed all the same, and it is made again. */
static void sessions_are_looked_at(void **state)
{
    (void)state;
    static const struct change a[] = {{"work_mem", "64kB", "2MB"},
                                      {"random_page_cost", "4", "1.1"}};
    static const struct change b[] = {{"jit", "on", "off"}};
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM SET work_mem = '2MB'");
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM SET random_page_cost = 1.1");
    pgtest_psql(live_pg, "postgres", "ALTER SYSTEM SET jit = off");
    pgtest_psql(live_pg, "postgres", "SELECT pg_reload_conf()");
    struct screen *s = open_tree(45, 160); /* makes the workspace */
    screen_expect_regex(s, COUNT(0), LIVE_MS);
    leave(s);
    char dir[200];
    snprintf(dir, sizeof dir, "%s", folder());
    write_session(dir, newer, "MemoryTuning", 1767400000000000, a, 2);
    write_session(dir, older, "ReadHeavy", 1767300000000000, b, 1);

    s = open_tree(45, 160);
    screen_expect_regex(s, COUNT(2), LIVE_MS);
    screen_expect_regex(s, "\xe2\x96\xaa MemoryTuning +\\+20.0 %", LIVE_MS);
    to_session(s, 0);
    screen_key(s, "b"); /* no key keeps quiet */
    screen_expect(s, "b, a branch: the cursor is on the workspace", LIVE_MS);
    to_session(s, 1);
    screen_key(s, "<Enter>");
    screen_expect(s, "1000 TPS", LIVE_MS);
    screen_expect_regex(s, "R2 +\\+10.0 % kept", LIVE_MS);
    screen_key(s, "<Down><Down><Enter>");
    screen_expect(s, "after round 1", LIVE_MS);
    screen_expect(s, "ALTER SYSTEM SET work_mem = '2MB';", LIVE_MS);
    screen_key(s, "<Esc><Left>");
    screen_expect_gone(s, "R2", LIVE_MS);

    screen_key(s, "c<Down>c");
    screen_expect(s, "Two sessions beside each other", LIVE_MS);
    screen_expect(s, "but neither is shown to be better", LIVE_MS);
    screen_expect_regex(s, "random_page_cost: 1.1 \\| untouched", LIVE_MS);
    screen_key(s, "<Esc>r");
    screen_expect(s, "What is it called?", LIVE_MS);
    screen_key(s, "before the merger<Enter>");
    screen_expect(s, "\xe2\x96\xaa before the mer", LIVE_MS);
    screen_key(s, "fMERGER<Enter>");
    screen_expect(s, "filter: MERGER", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_regex(s, COUNT(2), LIVE_MS);
    leave(s);
    assert_non_null(strstr(pgtest_sh("cat '%s/index.json'", dir), "before the merger"));
    assert_non_null(
        strstr(pgtest_sh("cat '%s/sessions/%s/session.json'", dir, older), "before the merger"));
}

static void a_name_deletes_a_session(void **state)
{
    (void)state;
    struct screen *s = open_tree(24, 80);
    screen_expect_regex(s, COUNT(2), LIVE_MS);
    to_session(s, 2);
    screen_key(s, "D");
    screen_expect(s, "The server still runs with what it left: jit", LIVE_MS);
    screen_key(s, "ReadHeavy<Enter>");
    screen_expect(s, "that is not its name", LIVE_MS);
    assert_non_null(strstr(pgtest_sh("ls '%s/sessions'", folder()), older));
    screen_key(s, "<C-u>ReadHeavy_01022026-050830<Enter>");
    screen_expect_regex(s, COUNT(1), LIVE_MS);
    assert_null(strstr(pgtest_sh("ls '%s/sessions'", folder()), older));
    assert_null(strstr(pgtest_sh("cat '%s/index.json'", folder()), older));
    leave(s);
}

static void review_and_go(struct screen *s, const char *sql)
{
    screen_expect(s, sql, LIVE_MS);
    screen_key(s, "Ag");
    screen_expect(s, "Revert: ARCHIVED", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Revert: ARCHIVED", LIVE_MS);
}

static void the_server_goes_back(void **state)
{
    (void)state;
    struct screen *s = open_tree(36, 120);
    to_session(s, 1);
    screen_key(s, "<Right>");
    screen_expect_regex(s, "R2 +\\+10.0 % kept", LIVE_MS);
    screen_key(s, "<Down><Down>v"); /* after round 1 */
    review_and_go(s, "ALTER SYSTEM RESET random_page_cost");
    assert_string_equal(show("random_page_cost"), "4");
    assert_string_equal(show("work_mem"), "2MB");
    screen_expect(s, "reverted", LIVE_MS);

    to_session(s, 5); /* its start; the revert, which is open with two parts, stands above it now */
    screen_key(s, "v");
    review_and_go(s, "ALTER SYSTEM RESET work_mem");
    assert_string_equal(show("work_mem"), "64kB");
    assert_string_equal(
        pgtest_sh("grep -v '^#' '%s/postgresql.auto.conf' | tr '\\n' ' '", live_pg->data),
        "jit = 'off' ");
    to_session(s, 2); /* the start of that revert: forth again */
    screen_key(s, "v");
    review_and_go(s, "ALTER SYSTEM SET work_mem = '2MB'");
    assert_string_equal(show("work_mem"), "2MB");
    to_session(s, 1);
    screen_key(s, "v");
    screen_expect(s, "nothing differs", LIVE_MS);
    assert_string_equal(
        pgtest_sh("grep -c '\"event\":\"applied\"' '%s'/sessions/Revert_*/journal.jsonl | "
                  "sed 's/.*://' | tr '\\n' ' '",
                  folder()),
        "1 1 1 ");
    leave(s);
}

static void a_branch_takes_the_plan(void **state)
{
    (void)state;
    struct screen *s = open_tree(45, 160);
    screen_expect_regex(s, COUNT(4), LIVE_MS);
    screen_key(s, "fMemory<Enter><Right>");
    screen_expect_regex(s, "R2 +\\+10.0 % kept", LIVE_MS);
    screen_key(s, "<Down><Down><Down>b");
    screen_expect(s, "Plan of MemoryTuning", LIVE_MS);
    screen_expect_regex(s, "clients +3", LIVE_MS);
    screen_expect(s, "its 2 changes are what round 1 proposes", LIVE_MS);
    screen_key(s, "<Esc><Esc>");
    leave(s);
}

static int begin(void **state)
{
    (void)state;
    live_begin("work_mem = '64kB'");
    return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, NULL, live_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sessions_are_looked_at),
        TEST(a_name_deletes_a_session),
        TEST(the_server_goes_back),
        TEST(a_branch_takes_the_plan),
    };
    return cmocka_run_group_tests(tests, begin, live_group_end);
}
