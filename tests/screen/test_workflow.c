/* What no other screen test of a session shows: a session that is killed goes on where it was, a change that fails is explained, three
 * misses end it, and what the commands of a session do while it runs. docs/workflow.md names these cases. */
#include <signal.h>

#include "live_session.h"
#include "model.h"

static struct model_server model;

static void ask(struct screen *s, const char *line)
{
    screen_key(s, ":");
    screen_key(s, line);
    screen_key(s, "<Enter>");
}

/* Waits until a file of the newest session holds the line: what the screen shows may still be on its way to the disk. */
static void expect_written(const char *line, const char *file)
{
    pgtest_sh("for i in $(seq 200); do d=$(ls -dt '%s'/workspaces/*/sessions/* | head -n 1); "
              "grep -Eq '%s' \"$d/%s\" && exit 0; sleep 0.1; done; exit 1",
              live_home, line, file);
}

static struct screen *open_forced(int rows, int cols)
{
    const char *args[] = {"--script",  live_script, "--duration", "1", "--clients", "2",
                          "--restart", "never",     "--rounds",   "5", NULL};
    const char *env[16] = {"PGD_TEST_NO_GUARD=1", "PGD_TEST_ONLY_FORCED=1",
                           "PGD_TEST_FORCE_CHANGE=work_mem=9999TB"};
    for (size_t i = 0; model.env[i]; i++)
        env[3 + i] = model.env[i];
    return live_open("postgres", args, env, rows, cols);
}

static void to_the_target(struct screen *s)
{
    screen_expect(s, "Before the first request", LIVE_MS);
    screen_key(s, "y4");
    screen_expect(s, "Press t to start", LIVE_MS);
    screen_key(s, "t");
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, "<Enter>");
    screen_expect(s, "Plan of ", LIVE_MS);
    screen_key(s, "g");
    screen_expect(s, "measuring the baseline", LIVE_MS);
    expect_written("\"ACTIVE\"", "session.json");
    screen_expect(s, "suggested", RUN_MS);
    expect_written("\"checkpoint\".*\"baseline\"", "journal.jsonl");
    expect_written("\"baseline_tps\": *[0-9]", "session.json"); /* written after it */
}

static void fails(struct screen *s, int round)
{
    char title[40];
    snprintf(title, sizeof title, "Round %d proposal", round);
    screen_expect(s, title, RUN_MS);
    screen_key(s, "ag");
    snprintf(title, sizeof title, "Round %d did not work", round);
    screen_expect(s, title, RUN_MS);
    screen_expect(s, "builtin: The server does not take this value", LIVE_MS);
    screen_expect(s, "Look at the server's log beside", LIVE_MS); /* the model's words */
    screen_key(s, "<Esc>");
}

/* The end may still be being written when it is asked for first. */
static void begin_session(struct screen *s, const char *key, const char *name)
{
    char title[60];
    for (int i = 0; i < 10; i++) {
        ask(s, "/tune");
        if (screen_wait(s, "A session is paused", 500)) /* that one is offered first */
            screen_key(s, "n");
        if (screen_wait(s, "pick a strategy", 2000))
            break;
    }
    screen_expect(s, "pick a strategy", LIVE_MS);
    screen_key(s, key);
    snprintf(title, sizeof title, "Plan of %s", name);
    screen_expect(s, title, LIVE_MS);
    screen_key(s, "g");
    snprintf(title, sizeof title, "%s baseline", name);
    screen_expect(s, title, LIVE_MS);
}

static void another_strategy(struct screen *s)
{
    begin_session(s, "2", "PlannerCosts");
    ask(s, "/s");
    screen_expect_regex(s, "session +PlannerCosts_[0-9-]+ ACTIVE", LIVE_MS);
    screen_expect_regex(s, "control link +up for", LIVE_MS);
    screen_key(s, "<Esc>");
    ask(s, "/pause");
    screen_expect(s, "PlannerCosts paused", RUN_MS);
    screen_expect(s, "the server runs as before the session", LIVE_MS);
    ask(s, "/ls");
    screen_expect_regex(s, "PlannerCosts +PAUSED ", LIVE_MS);
    screen_expect_regex(s, "MemoryTuning +FAILED ", LIVE_MS);
    screen_key(s, "<Esc>");
}

static void asked_of_the_model(struct screen *s)
{
    screen_key(s, "4z");
    ask(s, "/explain work_mem");
    screen_expect(s, "is the memory of one sort or hash step", LIVE_MS);
    ask(s, "/hardware");
    screen_expect(s, "Faster processors would help", LIVE_MS);
    ask(s, "/compare Memory Planner");
    screen_expect(s, "MemoryTuning found what helps this workload", LIVE_MS);
}

static void asked_of_the_rules(struct screen *s)
{
    ask(s, "/model builtin");
    screen_expect_regex(s, "^ postgres@local.* builtin", LIVE_MS);
    ask(s, "/explain work_mem");
    screen_expect(s, "Here it is 64kB", LIVE_MS);
    ask(s, "what of the checkpoints?");
    screen_expect_regex(s, "checkpoints came by time and [0-9]+ were requested", LIVE_MS);
    ask(s, "/hardware");
    screen_expect(s, "Memory: ", LIVE_MS);
    ask(s, "/compare Memory Planner");
    screen_expect(s, "None of them was confirmed", LIVE_MS);
}

static void commands_at_rest(struct screen *s)
{
    ask(s, "/find helps this workload");
    screen_expect(s, "lines below", LIVE_MS);
    screen_key(s, "<End>");
    ask(s, "/health");
    screen_expect(s, "\u250c Health", LIVE_MS);
    screen_expect_regex(s, "work_mem|checkpoints|vacuum", LIVE_MS);
    screen_key(s, "<Esc>");
    ask(s, "/advice");
    screen_expect(s, "\u250c Beyond settings", LIVE_MS);
    screen_key(s, "<Esc>");
    ask(s, "/durability");
    screen_expect(s, "durability trades are measured", LIVE_MS);
    ask(s, "/h");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_key(s, "<Esc>");
    ask(s, "/?");
    screen_expect(s, "Keyboard help", LIVE_MS);
    screen_key(s, "<Esc>");
    ask(s, "/grants");
    screen_expect(s, "The role has every right that a session needs", LIVE_MS);
    ask(s, "/handover");
    screen_expect(s, "a hand-over is possible when a session has ended", LIVE_MS);
    ask(s, "/knee");
    screen_expect(s, "a sweep of clients needs", LIVE_MS);
    ask(s, "/ssh");
    screen_expect(s, "no host was named", LIVE_MS);
    ask(s, "/undo");
    screen_expect(s, "a round can be undone while its verdict waits", LIVE_MS);
    static const char *const choices[] = {"reduced-motion", "title", "mouse", "plain"};
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        char line[40], said[40];
        snprintf(line, sizeof line, "/%s on", choices[i]);
        snprintf(said, sizeof said, "%s: on", choices[i]);
        ask(s, line);
        screen_expect(s, said, LIVE_MS);
    }
    ask(s, "/plain off");
    screen_expect(s, "plain: off", LIVE_MS);
    ask(s, "/view activity");
    screen_expect(s, "6 Activity", LIVE_MS);
    screen_key(s, "q");
    screen_expect_gone(s, "6 Activity", LIVE_MS);
    ask(s, "/record mine");
    ask(s, "/record stop");
    screen_expect(s, "the recording is over", LIVE_MS);
    ask(s, "/replay Memory");
    screen_expect_regex(s, "^\\[replay", LIVE_MS);
    screen_key(s, "q");
    screen_expect_regex(s, "^\\[postgres@local", LIVE_MS);
    ask(s, "/persist");
    screen_expect(s, "/persist is possible when", LIVE_MS);
}

/* From a session that runs to one that is paused, whose end is then ours; the first is undone. */
static void from_one_to_another(struct screen *s)
{
    begin_session(s, "1", "MemoryTuning");
    ask(s, "/switch Planner");
    screen_key(s, "y");
    screen_expect(s, "PlannerCosts recovery", RUN_MS);
    screen_expect(s, "It was left: paused", LIVE_MS); /* the words of the rules */
    screen_key(s, "r");
    screen_expect(s, "PlannerCosts baseline", RUN_MS);
    ask(s, "/close");
    screen_expect(s, "stopped by the DBA", RUN_MS);
    screen_expect(s, "PlannerCosts: no round was made", RUN_MS);
    screen_key(s, "<Esc>");
    ask(s, "/resume");
    screen_expect(s, "MemoryTuning recovery", RUN_MS);
    screen_key(s, "u");
    screen_expect(s, "MemoryTuning: FAILED", RUN_MS);
    screen_expect(s, "Now not known", LIVE_MS);
    assert_false(screen_has(s, "nan ")); /* nothing was measured in it */
}

static void killed_goes_on_and_three_misses_end_it(void **state)
{
    (void)state;
    struct screen *s = open_forced(45, 160);
    to_the_target(s);
    kill(screen_pid(s), SIGKILL);
    live_close(s);
    s = open_forced(45, 160);
    screen_expect(s, "Interrupted session", LIVE_MS);
    screen_expect(s, "0 rounds done, baseline measured", LIVE_MS);
    screen_expect(s, "paused before its next round", LIVE_MS); /* the model's words */
    screen_key(s, "r");
    screen_expect(s, "suggested", RUN_MS); /* nobody had agreed to a target */
    screen_key(s, "<Enter>");
    screen_expect(s, "Round 1 proposal", RUN_MS);
    for (int round = 1; round <= 3; round++)
        fails(s, round);
    screen_expect(s, "three misses in a row", RUN_MS);
    screen_expect(s, "everything is undone after",
                  RUN_MS); /* Esc may have met the summary already */
    screen_expect(s, "Sorts stay in memory now", LIVE_MS); /* what is worth a session next */
    another_strategy(s);
    asked_of_the_model(s);
    asked_of_the_rules(s);
    commands_at_rest(s);
    from_one_to_another(s);
    screen_key(s, "/q<Enter>");
    screen_expect_exit(s, 0, LIVE_MS);
    live_close(s);
}

/* Statements that only sleep: nothing here hangs on how fast the machine is. */
static int models_begin(void **state)
{
    (void)state;
    const char *program = getenv("PGD_TEST_PROGRAM");
    assert_non_null(program);
    setenv("PGD_PROGRAM", program, 1);
    model_start(&model, "gemini");
    live_begin("work_mem = '64kB'");
    snprintf(live_script, sizeof live_script, "%s/sleeps.sql", live_pg->dir);
    FILE *f = fopen(live_script, "w");
    assert_non_null(f);
    fputs("SELECT pg_sleep(0.01);\n", f);
    fclose(f);
    return 0;
}

static int models_end(void **state)
{
    model_stop(&model);
    return end(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_goes_on_and_three_misses_end_it),
    };
    return cmocka_run_group_tests(tests, models_begin, models_end);
}
