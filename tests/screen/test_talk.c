/* The conversation with a model, through the keys: what is asked before the first request, answers that stream, stop, wait their turn,
 * fail or come from elsewhere, and questions from dialogs. The model is a process of its own, in either dialect. */
#include "live_session.h"
#include "model.h"

enum { ANSWER_MS = 15000 };

static struct model_server gemini, openai;

static struct screen *open_with(struct model_server *model, int rows, int cols)
{
    struct screen *s = live_open("postgres", NULL, model->env, rows, cols);
    screen_expect_regex(s, "[0-9]+ sessions", LIVE_MS);
    return s;
}

/* The notice answered with yes, and the first sight has come. */
static struct screen *open_agreed(struct model_server *model, int rows, int cols)
{
    struct screen *s = open_with(model, rows, cols);
    screen_expect(s, "Before the first request", LIVE_MS);
    screen_key(s, "y4");
    screen_expect_gone(s, "Before the first request", LIVE_MS);
    screen_expect(s, "Press t to start", ANSWER_MS);
    return s;
}

static void ask(struct screen *s, const char *question)
{
    screen_key(s, ":");
    screen_key(s, question);
    screen_key(s, "<Enter>");
}

/* ---- before the first request ---- */

static void answered_no_nothing_leaves(void **state)
{
    (void)state;
    int before = model_requests(&gemini, "");
    char address[200];
    struct screen *s = open_with(&gemini, 24, 80);
    screen_expect(s, "Before the first request", LIVE_MS);
    screen_expect(s, gemini.url, LIVE_MS);
    screen_expect(s, "Never a password or a key", LIVE_MS);
    screen_expect(s, "free tier", LIVE_MS);
    screen_expect(s, "Level redacted", LIVE_MS);
    screen_expect(s, "n  the builtin advisor: nothing leaves", LIVE_MS); /* all of it at 80x24 */
    screen_key(s, "w");
    snprintf(address, sizeof address, "POST %s/v1beta/models/gemini-3.8-flash", gemini.url);
    screen_expect(s, address, LIVE_MS);
    screen_expect(s, "x-goog-api-key: (your key)", LIVE_MS);
    screen_key(s, "<End>");
    screen_expect_regex(s, " [0-9]+ above ", LIVE_MS);
    screen_key(s,
               "<PgDn><PgDn><PgDn><Home>"); /* beyond the end is nothing that had to be gone back */
    screen_expect(s, address, LIVE_MS);
    screen_key(s, "<PgDn><PgDn><End><PgDn><PgDn><Up>");
    screen_expect(s, " 1 more", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "Before the first request", LIVE_MS);
    screen_key(s, "n4");
    screen_expect(s, "nothing is sent: the builtin advisor advises", LIVE_MS);
    screen_expect(s, "Press t to start", ANSWER_MS);
    ask(s, "what of work_mem?");
    screen_expect(s, "[builtin]", ANSWER_MS);
    screen_key(s, "s");
    screen_expect(s, "builtin, no data leaves this machine", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "control link", LIVE_MS);
    assert_false(screen_wrote(s, "test-key"));
    live_quit(s);
    assert_int_equal(model_requests(&gemini, ""), before);
    assert_string_equal(pgtest_sh("cat '%s/agreed.txt' 2>/dev/null || true", live_home), "");
}

static void answered_yes_once(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&gemini, 36, 120);
    screen_expect(s, "PostgreSQL as it comes, with", ANSWER_MS); /* the model's own words */
    assert_int_equal(model_requests(&gemini, "first_sight"), 1);
    ask(s, "which figures speak for it?");
    screen_expect(s, "do not fit into work_mem", ANSWER_MS);
    screen_expect(s, "work_mem: 64kB", ANSWER_MS);
    screen_expect_regex(s, "\\[gemini-3.8-flash, [0-9.]+ s", ANSWER_MS);
    screen_key(s, "s");
    screen_expect_regex(s, "advisor +gemini-3.8-flash at http://127.0.0.1:[0-9]+, redacted",
                        LIVE_MS);
    screen_key(s, "<Esc>:/cost<Enter>");
    screen_expect_regex(s, "answer_question +900 ", LIVE_MS);
    screen_expect_regex(s, "first_sight_analysis +900 ", LIVE_MS);
    screen_expect_regex(s, "session +.* \\$0\\.00[0-9]+, 2 calls", LIVE_MS);
    screen_key(s, "<Esc>:/privacy strict<Enter>");
    screen_expect(s, "privacy: strict", LIVE_MS);
    screen_key(s, ":/privacy show what of it<Enter>");
    screen_expect(s, "POST http", LIVE_MS);
    screen_key(s, "<End>");
    screen_expect(s, "(a text, not shown)", LIVE_MS); /* the level holds for it */
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "(a text, not shown)", LIVE_MS);
    live_quit(s);
    assert_string_equal(pgtest_sh("cat '%s/agreed.txt'", live_home), gemini.url);
    assert_string_equal(
        pgtest_sh("grep -c answer_question '%s'/workspaces/*/requests.jsonl", live_home), "1");

    s = open_with(&gemini, 24, 80);
    screen_key(s, "4");
    screen_expect(s, "advises, as you have agreed before", LIVE_MS);
    screen_expect(s, "Press t to start", ANSWER_MS);
    assert_false(screen_has(s, "Before the first request"));
    live_quit(s);
}

/* ---- answers ---- */

static void an_answer_is_stopped_and_the_next_waits(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&openai, 45, 160);
    ask(s, "say it slowly");
    screen_expect(s, "line 2 of", ANSWER_MS);
    screen_expect_regex(s, "answers, [0-9]+ s.*Esc stops", LIVE_MS);
    ask(s, "and the figures, please");
    screen_expect(s, "queued: and the figures, please", LIVE_MS);
    assert_true(screen_has(s, "Tab pane")); /* the keys of the panes work meanwhile, and are told */
    screen_resize(s, 24, 80);
    screen_expect_regex(s, "line [4-9] of", ANSWER_MS);
    screen_resize(s, 36, 120);
    screen_expect_regex(s, "line [0-9]+ of the answer\\.", ANSWER_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "[interrupted]", LIVE_MS);
    screen_expect(s, "line 1 of the answer.", LIVE_MS); /* what came stays */
    screen_expect(s, "work_mem: 64kB", ANSWER_MS);
    screen_expect_gone(s, "queued:", LIVE_MS);
    assert_false(screen_has(s, "line 60 of"));
    screen_key(s, "<C-l>");
    live_quit(s);
    assert_int_equal(model_requests(&openai, "answer_question"), 2);
    assert_string_equal(pgtest_sh("grep -c '\"interrupted\": *true' "
                                  "'%s'/workspaces/*/conversation.jsonl",
                                  live_home),
                        "1");
}

static void whatever_it_says_is_only_text(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&openai, 24, 80);
    ask(s, "escapes?");
    screen_expect_regex(s, "before .*owned.*red.*bidi.* after", ANSWER_MS);
    assert_false(screen_wrote(s, "\033]0;owned"));
    assert_false(screen_wrote(s, "\033[2J\033[31mred"));
    assert_false(screen_wrote(s, "\342\200\256"));
    assert_null(strstr(screen_title(s), "owned"));
    ask(s, "in Chinese?");
    screen_expect(s, "\346\216\222\345\272\217\346\223\215\344\275\234", ANSWER_MS);
    ask(s, "at length?");
    screen_expect(s, "It was longer than", ANSWER_MS); /* what is cut off is said */
    screen_key(s, "<PgUp><PgUp>");
    screen_expect(s, " below: ", LIVE_MS);
    screen_key(s, "g<Up><Up><Up>");
    screen_expect(s, "connected to PostgreSQL", LIVE_MS);
    screen_key(s, "<Down><Down>"); /* hardly anything was scrolled beyond the first line */
    screen_expect_gone(s, "connected to PostgreSQL", LIVE_MS);
    screen_key(s, "G");
    screen_expect_gone(s, " below: ", LIVE_MS);
    live_quit(s);
}

/* ---- what goes wrong ---- */

static void a_limit_is_waited_for_in_sight(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&gemini, 36, 120);
    ask(s, "limited?");
    screen_expect_regex(s, "attempt 2/5 in [1-4] s", ANSWER_MS);
    screen_expect_regex(s, "^.*try 2/5 in [1-4] s", LIVE_MS); /* in the status line */
    screen_expect(s, "not fit into work_mem, so they", ANSWER_MS);
    screen_expect_gone(s, "attempt 2/5", LIVE_MS);
    ask(s, "what if the day is over?");
    screen_expect_regex(s, "\\[builtin, by rules", ANSWER_MS);
    screen_resize(s, 24, 80);
    screen_expect_regex(s, "builtin for [0-9]+ s",
                        LIVE_MS); /* the breaker, at 80 columns as well */
    int before = model_requests(&gemini, "");
    ask(s, "is it asked now?");
    screen_expect(s, "not asked for", ANSWER_MS);
    assert_int_equal(model_requests(&gemini, ""), before);
    ask(s, "/model gemini");
    screen_expect_gone(s, "builtin for ", LIVE_MS);
    ask(s, "and the figures now?");
    screen_expect(s, "work_mem: 64kB", ANSWER_MS);
    live_quit(s);
}

static void a_model_that_is_gone_is_replaced(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&openai, 24, 80);
    ask(s, "/model");
    screen_expect(s, "gemini-3.5-flash-lite", ANSWER_MS);
    screen_expect(s, "now: gemini-3.8-flash", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "Enter take", LIVE_MS);
    ask(s, "it vanishes");
    screen_expect(s, "gemini-3.8-flash is gone: pick another", ANSWER_MS);
    screen_expect_regex(s, "gemini-3.8-flash +gone: it does not answer", LIVE_MS);
    screen_key(s, "<Down><Enter>");
    screen_expect(s, "gemini-3.5-flash-lite advises from here on", LIVE_MS);
    ask(s, "what do the figures say?");
    screen_expect(s, "work_mem: 64kB", ANSWER_MS);
    screen_expect(s, "[gemini-3.5-flash-lite, ", LIVE_MS);
    live_quit(s);
}

/* ---- from dialogs ---- */

static void asked_from_dialogs(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&gemini, 24, 80);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    ask(s, "1 or 2, by the figures?");
    screen_expect(s, "work_mem: 64kB", ANSWER_MS);
    assert_true(screen_has(s, "pick a strategy"));
    screen_key(s, "<Esc>"); /* the answer alone */
    screen_expect_gone(s, "PgUp PgDn scroll", LIVE_MS);
    assert_true(screen_has(s, "pick a strategy"));
    screen_key(s, "<Enter>");
    screen_expect(s, "Plan of ", ANSWER_MS);
    ask(s, "tell me slowly");
    screen_expect(s, "line 3 of", ANSWER_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "[interrupted]", LIVE_MS);
    screen_key(s, "w");
    screen_expect(s, "POST http", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "POST http", LIVE_MS);
    assert_true(screen_has(s, "Plan of "));
    ask(s, "at length?");
    screen_expect(s, "It was longer than", ANSWER_MS);
    for (int i = 0; i < 80; i++)
        screen_key(s, "<PgUp>");
    screen_expect(s, "line 1 of", LIVE_MS);
    screen_key(s, "<PgDn>");
    screen_expect_gone(s, "line 1 of", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "PgUp PgDn scroll", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Esc>");
    live_quit(s);
}

/* ---- what stands out ---- */

/* A minute of rest, then some seconds of work: marked in the telemetry, explained on Enter by the model, then by the rules. It takes a
 * minute and a half: with PGD_SOAK alone. */
static void an_anomaly_is_marked_and_explained(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&gemini, 45, 160);
    screen_key(s, "3");
    screen_pump(s, 75000);
    pgtest_sh("echo 'SELECT 1 FROM sorted LIMIT 1;' >'%s/one.sql'; ('%s/pgbench' -n -f "
              "'%s/one.sql' -R 300 -T 15 -h '%s' "
              "-p %s -U '%s' postgres || true) >/dev/null 2>&1 &",
              live_home, live_pg->bindir, live_home, live_pg->host, live_pg->port, live_pg->user);
    screen_expect_regex(s, "!xacts ", LIVE_MS);
    screen_expect_regex(s, "! Enter explains [A-Za-z ]+: .* s ago", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "> What happened with", LIVE_MS);
    screen_expect(s, "The series left its usual level", ANSWER_MS); /* the model's words */
    assert_int_equal(model_requests(&gemini, "explain_anomaly"), 1);
    ask(s, "/model builtin");
    screen_key(s, "<Esc><Enter>");
    screen_expect(s, "[builtin]", ANSWER_MS);
    screen_expect_regex(s, "On this server:|Beside it|No other series", LIVE_MS);
    assert_int_equal(model_requests(&gemini, "explain_anomaly"), 1);
    live_quit(s);
}

/* ---- PGDIAG.md ---- */

static void wishes_are_trusted_by_the_dba(void **state)
{
    (void)state;
    struct screen *s = open_agreed(&gemini, 36, 120);
    live_quit(s);
    pgtest_sh("cd '%s'/workspaces/*/ && printf 'The p99 of checkout is to stay below 40 "
              "ms.\\nNever touch "
              "work_mem.\\n' >PGDIAG.md",
              live_home);
    s = open_with(&gemini, 24, 80);
    screen_expect(s, "Whose wishes are these?", LIVE_MS);
    screen_expect(s, "The p99 of checkout", LIVE_MS);
    screen_key(s, "n4");
    screen_expect(s, "only the settings count", LIVE_MS);
    screen_key(s, "w<End>");
    screen_expect_regex(s, " [0-9]+ above ", LIVE_MS);
    screen_key(s, "<Esc>");
    screen_expect_gone(s, "byte by byte", LIVE_MS);
    live_quit(s);
    s = open_with(&gemini, 24, 80);
    screen_expect(s, "Whose wishes are these?", LIVE_MS);
    screen_key(s, "y4");
    screen_expect(s, "PGDIAG.md is told to the advisor", LIVE_MS);
    screen_expect(s, "Press t to start", ANSWER_MS);
    ask(s, "which figures?");
    screen_expect(s, "work_mem: 64kB", ANSWER_MS);
    live_quit(s);
    pgtest_sh("grep answer_question '%s'/workspaces/*/requests.jsonl | grep -q 'p99 of checkout'",
              live_home);
    s = open_with(&gemini, 24, 80);
    screen_key(s, "4");
    screen_expect(s, "Press t to start", ANSWER_MS);
    assert_false(screen_has(s, "Whose wishes"));
    live_quit(s);
}

static int models_begin(void **state)
{
    model_start(&gemini, "gemini");
    model_start(&openai, "openai");
    return begin(state);
}

static int models_end(void **state)
{
    model_stop(&gemini);
    model_stop(&openai);
    return end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answered_no_nothing_leaves),
        TEST(answered_yes_once),
        TEST(an_answer_is_stopped_and_the_next_waits),
        TEST(whatever_it_says_is_only_text),
        TEST(a_limit_is_waited_for_in_sight),
        TEST(asked_from_dialogs),
        TEST(wishes_are_trusted_by_the_dba),
        TEST(a_model_that_is_gone_is_replaced),
        TEST(an_anomaly_is_marked_and_explained),
    };
    size_t n = sizeof tests / sizeof tests[0] - (getenv("PGD_SOAK") ? 0 : 1);
    return _cmocka_run_group_tests("tests", tests, n, models_begin, models_end);
}
