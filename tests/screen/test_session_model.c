/* Whole sessions with a model as the advisor, through the keys, from the notice to the summary: one in each dialect, side by side,
 * for their workload sleeps. The second one's endpoint is taken away when its proposal waits for the DBA: the session ends with the
 * built-in advisor, says so, and loses nothing. */
#include "live_session.h"
#include "model.h"

/* A statement whose time hangs on the setting alone, so that the verdict is the same on a machine that does much else. */
static const char takes[] =
    "CREATE FUNCTION takes() RETURNS void LANGUAGE sql AS $$ SELECT pg_sleep(CASE WHEN "
    "pg_size_bytes(current_setting('work_mem')) < 1048576 THEN 0.012 ELSE 0.005 END) $$";

struct part {
    struct pgtest *pg;
    struct model_server model;
    struct screen *s;
} whole, dying;

static void open_part(struct part *p, const char *dialect, int rows, int cols)
{
    const char *args[] = {"--script",  live_script, "--duration", "1", "--clients", "2",
                          "--restart", "never",     "--rounds",   "1", NULL};
    model_start(&p->model, dialect);
    live_pg = p->pg;
    pgtest_psql(p->pg, "postgres", takes);
    p->s = live_open("postgres", args, p->model.env, rows, cols);
}

static void both_expect(const char *text, int ms)
{
    screen_expect(whole.s, text, ms);
    screen_expect(dying.s, text, ms);
}

static void both_key(const char *keys)
{
    screen_key(whole.s, keys);
    screen_key(dying.s, keys);
}

static void ask_here(struct screen *s, const char *stays)
{
    screen_key(s, ":which figures?<Enter>");
    screen_expect(s, "work_mem: 64kB", LIVE_MS);
    assert_true(screen_has(s, stays));
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "PgUp PgDn scroll", LIVE_MS);
}

static void to_the_proposal(void)
{
    both_expect("Before the first request", LIVE_MS);
    both_key("y4");
    both_expect("Press t to start", LIVE_MS);
    both_key("t");
    both_expect("First Sight, by gemini-3.8-flash", LIVE_MS);
    both_key("<Enter>");
    both_expect("Plan of MemoryTuning", LIVE_MS);
    both_key("g");
    both_expect("2000 TPS, by gemini-3.8-flash", RUN_MS);
    ask_here(whole.s, "2000 TPS, by");
    both_key("<Enter>");
    both_expect("from gemini-3.8-flash", RUN_MS);
    both_expect("64kB \342\206\222 64MB", LIVE_MS);
    both_expect("Sorts stay in memory.", LIVE_MS);
}

/* Settings in force, the session archived, every request kept that went out, and nothing half-done. */
static void nothing_is_lost(struct part *p, const char *ops)
{
    struct pgtest *former = live_pg;
    char dir[512];
    live_pg = p->pg;
    snprintf(dir, sizeof dir, "%s",
             pgtest_sh("ls -d '%s'/workspaces/*_%s/sessions/*", live_home, p->pg->port));
    assert_string_equal(auto_conf(), "work_mem = '64MB'");
    assert_string_equal(pgtest_psql(p->pg, "postgres", "SHOW work_mem"), "64MB");
    pgtest_sh("grep -q ARCHIVED '%s/session.json'", dir);
    pgtest_sh("grep -q work_mem '%s/../../exports/postgresql.conf'", dir);
    assert_string_equal(
        pgtest_sh("sed 's/.*\"op\": *\"\\([a-z0-9_]*\\)\".*/\\1/' '%s/requests.jsonl' | uniq | "
                  "tr '\\n' ' '",
                  dir),
        ops);
    no_pgbench_is_left();
    live_pg = former;
}

static void from_notice_to_summary(void **state)
{
    (void)state;
    open_part(&whole, "gemini", 45, 160);
    open_part(&dying, "openai", 24, 80);
    to_the_proposal();
    model_die(&dying.model);
    both_key("A");
    ask_here(whole.s, "Round 1 proposal");
    screen_key(whole.s, "w");
    screen_expect(whole.s, "x-goog-api-key: (your key)", LIVE_MS);
    screen_key(whole.s, "<Esc>");
    screen_expect_gone(whole.s, "x-goog-api-key: (your key)", LIVE_MS);
    both_key("g");

    screen_expect_regex(dying.s, "attempt [2-5]/5|try [2-5]/5", RUN_MS);
    both_expect("Round 1: improved", RUN_MS);
    screen_expect(whole.s, "The processor is what limits", LIVE_MS); /* the model's own words */
    ask_here(whole.s, "Round 1: improved");
    both_key("<Enter>");
    both_expect("MemoryTuning: ARCHIVED", RUN_MS);
    screen_expect(whole.s, "workspace_report.md", RUN_MS);
    ask_here(whole.s, "MemoryTuning: ARCHIVED");
    both_key("<Esc>4");
    screen_expect(dying.s, "the builtin advisor takes its place", LIVE_MS);
    both_key("q");
    screen_expect_exit(whole.s, 0, LIVE_MS);
    screen_expect_exit(dying.s, 0, LIVE_MS);
    assert_int_equal(model_requests(&whole.model, "analyze_results"), 1);
    assert_int_equal(model_requests(&dying.model, "analyze_results"), 0);
    nothing_is_lost(&whole, "suggest_target answer_question get_round1_config answer_question "
                            "analyze_results answer_question ");
    nothing_is_lost(&dying, "suggest_target get_round1_config analyze_results ");
}

static int teardown(void **state)
{
    (void)state;
    screen_close(whole.s);
    screen_close(dying.s);
    whole.s = dying.s = live_screen = NULL;
    return 0;
}

static int servers_begin(void **state)
{
    (void)state;
    live_begin("work_mem = '64kB'");
    whole.pg = live_pg;
    dying.pg = pgtest_start(pgtest_any_bindir(), "work_mem = '64kB'");
    snprintf(live_script, sizeof live_script, "%s/takes.sql", live_pg->dir);
    FILE *f = fopen(live_script, "w");
    assert_non_null(f);
    fputs("SELECT takes();\n", f);
    fclose(f);
    return 0;
}

static int servers_end(void **state)
{
    model_stop(&whole.model);
    model_stop(&dying.model);
    pgtest_destroy(dying.pg);
    live_pg = whole.pg;
    return end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(from_notice_to_summary, teardown),
    };
    return cmocka_run_group_tests(tests, servers_begin, servers_end);
}
