/* The switch of arms without a server: answers are given by hand, effects are compared as text. What matters is the order
 * (journal before ALTER), which failure leads where, and that late answers change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/tuning/apply.h"
#include "pgd/tuning/apply_parts.h"

#define SECOND 1000000LL

static struct apply a;
static struct server_facts facts;
static struct ledger ledger;
static struct effects fx;
static uint64_t journal_no;
static int64_t now;
static struct effect session;
static struct apply_env env;
static char text[65536];

static int setup(void **state)
{
    (void)state;
    static char *keys[] = {"host", "user", NULL}, *values[] = {"/tmp", "app", NULL};
    memset(&facts, 0, sizeof facts);
    facts.rights.hba_rules = facts.rights.checkpoint = true;
    memset(&ledger, 0, sizeof ledger);
    memset(&a, 0, sizeof a);
    journal_no = 0;
    now = 100 * SECOND;
    struct identity *id = &facts.id;
    snprintf(id->system_identifier, sizeof id->system_identifier, "42");
    snprintf(id->data_directory, sizeof id->data_directory, "/data");
    snprintf(id->config_file, sizeof id->config_file, "/data/postgresql.conf");
    snprintf(id->bindir, sizeof id->bindir, "/bin15");
    snprintf(id->owner, sizeof id->owner, "postgres");
    id->server_port = 5432;
    id->reached = true;
    session = (struct effect){.kind = FX_PG_CONNECT, .ms = 5000};
    session.u.pg.keys = keys;
    session.u.pg.values = values;
    env = (struct apply_env){.facts = &facts,
                             .ledger = &ledger,
                             .journal_path = "/w/journal.jsonl",
                             .journal_no = &journal_no,
                             .work_dir = "/w",
                             .verify_ms = 1000,
                             .connect = &session};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    effects_clear(&fx);
    apply_clear(&a);
    return 0;
}

/* The effects since the last call, one a line; the texts of scripts are left out. */
static const char *effects(void)
{
    struct buf all = {0};
    for (size_t i = 0; i < fx.n; i++) {
        struct buf line = {0};
        effect_text(&fx.items[i], &line);
        buf_printf(&all, "%.*s\n", (int)strcspn(buf_text(&line), "#"), buf_text(&line));
        buf_clear(&line);
    }
    snprintf(text, sizeof text, "%s", buf_text(&all));
    buf_clear(&all);
    effects_clear(&fx);
    return text;
}

static void start(const struct arm *goal)
{
    apply_start(&a, &env, goal, now, &fx);
}

static struct event answer(enum event_kind kind, uint32_t id)
{
    struct event ev = {.kind = kind, .at_us = now};
    ev.req = (struct req){.owner = OWNER_APPLY, .generation = a.generation, .id = id};
    return ev;
}

static void give(struct event *ev)
{
    apply_step(&a, ev, &fx);
    event_clear(ev);
}

static void rows(const char *table)
{
    struct event ev = answer(EV_PG_RESULT, a.waiting);
    ev.rows = rows_parse(table);
    give(&ev);
}

static void error(enum err_code code, const char *sqlstate, const char *msg)
{
    struct event ev = answer(EV_PG_RESULT, a.waiting);
    err_set(&ev.err, code, "%s", msg);
    snprintf(ev.err.sqlstate, sizeof ev.err.sqlstate, "%s", sqlstate);
    give(&ev);
}

static void file(enum err_code code, const char *content)
{
    struct event ev = answer(EV_FILE, a.waiting);
    if (code != ERR_NONE)
        err_set(&ev.err, code, "no space left on device");
    ev.text = content ? strdup(content) : NULL;
    give(&ev);
}

static void timer(void)
{
    struct event ev = answer(EV_TIMER, a.timer);
    give(&ev);
}

static void link_is(enum event_kind kind, enum pg_conn conn)
{
    struct event ev = answer(kind, conn == CONN_CONTROL ? 0 : a.waiting);
    ev.u.pg.conn = conn;
    if (conn == CONN_CONTROL)
        ev.req.owner = OWNER_LINKS;
    give(&ev);
}

static void ended(uint32_t id, int status, const char *out)
{
    struct event ev = answer(EV_CHILD_EXIT, id);
    ev.u.child.status = status;
    ev.text = strdup(out);
    give(&ev);
}

#define IDENTITY                                                                       \
    "version_num|standby|server_addr|server_port|postmaster_start_us|data_directory\n" \
    "150018|%s|\\N|5432|%d|/data\n"

static void identity(const char *standby, int started)
{
    char table[400];
    snprintf(table, sizeof table, IDENTITY, standby, started);
    rows(table);
    rows("system_identifier\n42\n");
}

#define CONFIG                                                                                    \
    "file|line|file_name|file_value|applied|error|name|setting|unit|vartype|context|min_val|max_" \
    "val|"                                                                                        \
    "enumvals|boot_val|source|sourcefile|pending_restart\n"
#define RPC "random_page_cost|4||real|user|0|1.79769e+308|\\N|4|default|\\N|f\n"
#define WORK_MEM(v) "work_mem|" v "|kB|integer|user|64|2147483647|\\N|4096|default|\\N|f\n"
#define BUFFERS(v)                                                                       \
    "shared_buffers|" v "|8kB|integer|postmaster|16|1073741823|\\N|16384|configuration " \
    "file|\\N|f\n"
#define NO_FILE "\\N|\\N|\\N|\\N|\\N|\\N|"
#define AUTO(name, v) "/data/postgresql.auto.conf|3|" name "|" v "|t|\\N|"

static struct arm two(void)
{
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "work_mem", true, "64MB");
    arm_set(&goal, "random_page_cost", true, "1.1");
    return goal;
}

/* Up to the append of the intent. */
static void until_journal(void)
{
    struct arm goal = two();
    start(&goal);
    identity("f", 1);
    rows(CONFIG NO_FILE WORK_MEM("4096") NO_FILE RPC);
    rows("file|line|error\n");
    assert_int_equal(a.state, APPLY_JOURNAL);
}

#define QUIET "prepared|archiver_fails|replicas|sessions|base_backup\n0|f|0|3|f\n"

static void until_preflight(void)
{
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "shared_buffers", true, "1GB");
    start(&goal);
    identity("f", 1);
    effects();
    rows(CONFIG NO_FILE BUFFERS("16384"));
    rows("file|line|error\n");
}

static void until_alter(void)
{
    until_journal();
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_ALTER);
    effects();
}

static void verified(const char *table)
{
    link_is(EV_PG_UP, CONN_BENCH);
    rows(table);
}

static void until_verify(void)
{
    until_alter();
    rows("x\n");
    rows("x\n");
    rows("sent\nt\n");
    assert_int_equal(a.state, APPLY_VERIFY);
    effects();
}

#define SEEN "name|setting|unit|vartype|context|source|sourcefile|pending_restart|shown|role|db\n"
#define NEW_VALUES                                                                 \
    SEEN "work_mem|65536|kB|integer|user|configuration file|\\N|f|64MB|app|shop\n" \
         "random_page_cost|1.1||real|user|configuration file|\\N|f|1.1|app|shop\n"
#define OLD_VALUES                                                    \
    SEEN "work_mem|4096|kB|integer|user|default|\\N|f|4MB|app|shop\n" \
         "random_page_cost|4||real|user|default|\\N|f|4|app|shop\n"

/* -- the straight way ----------------------------------------------------------------------------------- */

static void test_reload(void **state)
{
    (void)state;
    struct arm goal = two();
    start(&goal);
    assert_non_null(
        strstr(effects(), "pg_query apply/1/1 15000 ms control: -- One row that every role"));
    identity("f", 1);
    assert_int_equal(a.state, APPLY_READ);
    assert_non_null(strstr(effects(), "FROM pg_catalog.pg_file_settings f"));
    rows(CONFIG NO_FILE WORK_MEM("4096") NO_FILE RPC);
    assert_non_null(strstr(effects(), "pg_hba_file_rules WHERE error IS NOT NULL"));
    rows("file|line|error\n");
    assert_int_equal(fx.n, 1);
    assert_string_equal(
        fx.items[0].text,
        "{\"event\":\"intent\",\"no\":1,\"arm\":\"round "
        "1\",\"restart\":false,\"by_hand\":null,\"items\":["
        "{\"name\":\"work_mem\",\"before\":{\"present\":false,\"value\":null},"
        "\"to\":{\"present\":true,\"value\":\"64MB\"}},"
        "{\"name\":\"random_page_cost\",\"before\":{\"present\":false,\"value\":null},"
        "\"to\":{\"present\":true,\"value\":\"1.1\"}}],"
        "\"undo\":[\"ALTER SYSTEM RESET work_mem\",\"ALTER SYSTEM RESET random_page_cost\"],"
        "\"at\":null}\n");
    assert_non_null(strstr(effects(), "file apply/1/5 append /w/journal.jsonl"));
    file(ERR_NONE, NULL);
    assert_string_equal(effects(),
                        "pg_query apply/1/6 changes_server after_journal=1 15000 ms control: "
                        "ALTER SYSTEM SET work_mem = '64MB'\n");
    rows("x\n");
    assert_string_equal(effects(),
                        "pg_query apply/1/7 changes_server after_journal=1 15000 ms control: "
                        "ALTER SYSTEM SET random_page_cost = '1.1'\n");
    rows("x\n");
    assert_string_equal(effects(),
                        "pg_query apply/1/8 changes_server after_journal=1 15000 ms control: "
                        "SELECT pg_catalog.pg_reload_conf() AS sent\n");
    rows("sent\nt\n");
    assert_int_equal(a.state, APPLY_VERIFY);
    assert_string_equal(effects(), "pg_close apply/1/10 bench\n"
                                   "pg_connect apply/1/9 5000 ms bench host='/tmp' user='app'\n");
    link_is(EV_PG_UP, CONN_BENCH);
    assert_non_null(strstr(effects(), "lower(s.name) IN ('work_mem', 'random_page_cost')"));
    rows(OLD_VALUES); /* not yet */
    assert_non_null(strstr(effects(), "timer apply/1/12 100 ms"));
    now += SECOND / 10;
    timer();
    effects();
    rows(NEW_VALUES);
    assert_int_equal(a.state, APPLY_JOURNAL_RESULT);
    assert_string_equal(fx.items[fx.n - 1].text,
                        "{\"event\":\"applied\",\"no\":2,\"intent\":1,\"restarted\":false}\n");
    assert_non_null(strstr(effects(), "pg_close apply/1/14 bench"));
    assert_true(ledger_find(&ledger, "work_mem")->unsure);
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_DONE);
    assert_true(apply_finished(&a));
    assert_string_equal(ledger_find(&ledger, "work_mem")->current.value, "64MB");
    assert_int_equal(journal_no, 2);
    assert_string_equal(effects(), "");
}

static void test_nothing_to_do(void **state)
{
    (void)state;
    struct arm goal = {.label = "start"};
    start(&goal);
    identity("f", 1);
    rows(CONFIG NO_FILE WORK_MEM("4096") NO_FILE RPC);
    assert_int_equal(a.state, APPLY_DONE);
    assert_int_equal(journal_no, 0);
}

static void test_late_answers(void **state)
{
    (void)state;
    struct arm goal = two();
    start(&goal);
    struct event late = answer(EV_PG_RESULT, a.waiting);
    late.rows = rows_parse("version_num\n1\n");
    apply_clear(&a);
    start(&goal);
    effects();
    give(&late);
    assert_string_equal(effects(), "");
    struct event wrong = answer(EV_PG_RESULT, a.waiting + 1);
    wrong.rows = rows_parse("version_num\n1\n");
    give(&wrong);
    assert_string_equal(effects(), "");
    assert_int_equal(a.state, APPLY_IDENTITY);
}

/* -- before anything was sent ------------------------------------------------------------------------------ */

static void test_standby(void **state)
{
    (void)state;
    struct arm goal = two();
    start(&goal);
    identity("t", 1);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_string_equal(a.err.msg, "the server is a standby");
}

/* Another cluster at the same address, and the same cluster at another folder: nothing is read there, let alone sent. */
static void test_another_server(void **state)
{
    (void)state;
    struct arm goal = two();
    char table[400];
    start(&goal);
    snprintf(table, sizeof table, IDENTITY, "f", 1);
    rows(table);
    rows("system_identifier\n43\n");
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_REFUSED);
    assert_non_null(strstr(a.err.msg, "this is not the server that was looked at"));
    apply_clear(&a);
    effects_clear(&fx);
    snprintf(facts.id.data_directory, sizeof facts.id.data_directory, "/other");
    start(&goal);
    identity("f", 1);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_null(strstr(effects(), "ALTER"));
}

static void test_link_lost_early(void **state)
{
    (void)state;
    struct arm goal = two();
    start(&goal);
    error(ERR_LOST, "", "the connection was lost");
    assert_int_equal(a.state, APPLY_FAILED);
    setup(state);
    until_journal();
    effects();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    file(ERR_NONE, NULL);
    /* The intent is written, so its end is written, too. */
    assert_non_null(strstr(effects(), "append /w/journal.jsonl"));
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_true(ledger_clean(&ledger));
    assert_string_equal(effects(), "");
}

/* Back before anybody has noticed, and perhaps on another node: who answers there was not compared. */
static void test_link_back_early(void **state)
{
    (void)state;
    until_journal();
    effects();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    link_is(EV_PG_UP, CONN_CONTROL);
    file(ERR_NONE, NULL);
    assert_null(strstr(effects(), "ALTER"));
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_LOST);

    setup(state);
    env.way = RESTART_WAY_PG_CTL;
    until_preflight();
    rows(QUIET); /* a child makes the copy of postgresql.auto.conf: no question is under way */
    assert_int_equal(a.state, APPLY_PREFLIGHT);
    link_is(EV_PG_DOWN, CONN_CONTROL);
    link_is(EV_PG_UP, CONN_CONTROL);
    ended(a.child, 0, "id=\nstate=saved\n");
    assert_int_equal(journal_no, 0);
    ended(a.child, 0, "state=cleaned\n");
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_LOST);
}

static void test_journal_cannot_be_written(void **state)
{
    (void)state;
    until_journal();
    effects();
    file(ERR_FILE, NULL);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_FILE);
    assert_string_equal(effects(), "");
}

static void test_guard_is_asked_again(void **state)
{
    (void)state;
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "archive_command", true, "touch /tmp/x");
    start(&goal);
    identity("f", 1);
    rows(CONFIG NO_FILE "archive_command|||string|sighup|\\N|\\N|\\N||default|\\N|f\n");
    rows("file|line|error\n");
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_REFUSED);
    assert_int_equal(journal_no, 0);
}

static void test_edits_of_others(void **state)
{
    (void)state;
    struct arm goal = two();
    start(&goal);
    identity("f", 1);
    rows(CONFIG "/data/postgresql.conf|9|\\N|\\N|f|syntax "
                "error|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N\n");
    assert_int_equal(a.state, APPLY_FAILED);
    assert_string_equal(a.err.msg, "/data/postgresql.conf line 9: syntax error");

    /* Ours was work_mem = 64MB; now it is something that nobody here has written. */
    setup(state);
    struct entry none = {.name = "work_mem"};
    assert_true(ledger_touch(&ledger, &none));
    arm_set(&goal, "work_mem", true, "8MB");
    start(&goal);
    identity("f", 1);
    rows(CONFIG AUTO("work_mem", "7MB") WORK_MEM("7168") NO_FILE RPC);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_BUSY);
    assert_string_equal(a.err.msg, "work_mem was changed by somebody else");
}

/* -- after something was sent ------------------------------------------------------------------------------- */

static void test_second_statement_refused(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_SQL, "42501", "permission denied");
    assert_int_equal(a.state, APPLY_UNDO);
    identity("f", 1);
    effects();
    rows(CONFIG AUTO("work_mem", "64MB") WORK_MEM("4096") NO_FILE RPC);
    /* The refused one is not touched again. */
    assert_non_null(strstr(effects(), "ALTER SYSTEM RESET work_mem\n"));
    rows("x\n");
    assert_non_null(strstr(effects(), "pg_reload_conf"));
    rows("sent\nt\n");
    assert_int_equal(a.state, APPLY_UNDO);
    verified(OLD_VALUES);
    assert_string_equal(
        fx.items[fx.n - 1].text,
        "{\"event\":\"undone\",\"no\":2,\"intent\":1,\"reason\":\"permission denied\"}\n");
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_true(ledger_clean(&ledger));
}

static void test_the_undo_cannot_be_written_down(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_SQL, "42501", "permission denied");
    assert_int_equal(a.state, APPLY_UNDO);
    identity("f", 1);
    effects();
    rows(CONFIG AUTO("work_mem", "64MB") WORK_MEM("4096") NO_FILE RPC);
    /* The refused one is not touched again. */
    assert_non_null(strstr(effects(), "ALTER SYSTEM RESET work_mem\n"));
    rows("x\n");
    assert_non_null(strstr(effects(), "pg_reload_conf"));
    rows("sent\nt\n");
    assert_int_equal(a.state, APPLY_UNDO);
    verified(OLD_VALUES);
    assert_string_equal(
        fx.items[fx.n - 1].text,
        "{\"event\":\"undone\",\"no\":2,\"intent\":1,\"reason\":\"permission denied\"}\n");
    file(ERR_FILE, NULL);
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    /* The journal has an intent without a result: so has the ledger, and the next switch takes the name along. */
    assert_true(ledger_find(&ledger, "work_mem")->unsure);
    struct arm start_again = {.label = "start"};
    start(&start_again);
    identity("f", 1);
    rows(CONFIG NO_FILE WORK_MEM("4096") NO_FILE RPC);
    rows("file|line|error\n");
    assert_int_equal(a.state, APPLY_JOURNAL);
    assert_int_equal(a.n, 2);
}

static void test_link_lost_in_alter(void **state)
{
    (void)state;
    until_alter();
    error(ERR_LOST, "", "the connection was lost");
    link_is(EV_PG_DOWN, CONN_CONTROL);
    assert_int_equal(a.state, APPLY_UNDO);
    assert_non_null(strstr(effects(), "timer apply/1/7 60000 ms"));
    link_is(EV_PG_UP, CONN_CONTROL);
    identity("f", 1);
    effects();
    /* It had not arrived: there is nothing to put back, and that is verified. */
    rows(CONFIG NO_FILE WORK_MEM("4096") NO_FILE RPC);
    assert_null(strstr(effects(), "ALTER"));
    rows("sent\nt\n");
    verified(OLD_VALUES);
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_string_equal(a.err.msg, "the connection was lost");
}

static void test_link_stays_away(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_LOST, "", "the connection was lost");
    now += 60 * SECOND;
    timer();
    assert_non_null(strstr(fx.items[fx.n - 1].text, "{\"event\":\"stuck\",\"no\":2,\"intent\":1,"));
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_STUCK);
    assert_string_equal(a.stuck_sql, "-- the server does not answer: start it first\n"
                                     "ALTER SYSTEM RESET work_mem;\n"
                                     "ALTER SYSTEM RESET random_page_cost;\n"
                                     "SELECT pg_reload_conf();\n");
    assert_true(ledger_find(&ledger, "work_mem")->unsure);
    assert_false(ledger_clean(&ledger));
}

static void test_another_server_after_reconnect(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_LOST, "", "the connection was lost");
    link_is(EV_PG_UP, CONN_CONTROL);
    effects();
    identity("t", 1);
    assert_null(strstr(effects(), "ALTER"));
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_STUCK);
}

static void test_undo_refused(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_SQL, "22023", "no such value");
    identity("f", 1);
    rows(CONFIG AUTO("work_mem", "64MB") WORK_MEM("4096") NO_FILE RPC);
    error(ERR_SQL, "42501", "permission denied");
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_STUCK);
    assert_string_equal(a.err.msg, "no such value");
    assert_string_equal(a.err.detail, "The undo did not succeed: permission denied.");
    assert_string_equal(a.stuck_sql, "ALTER SYSTEM RESET work_mem;\nSELECT pg_reload_conf();\n");
}

/* What somebody else has set after us is left alone, and said: docs/journal.md promises it. */
static void test_undo_leaves_others_alone(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_SQL, "42501", "permission denied");
    identity("f", 1);
    effects();
    rows(CONFIG AUTO("work_mem", "7MB") WORK_MEM("4096") NO_FILE RPC);
    assert_null(strstr(effects(), "control: ALTER"));
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_string_equal(a.note, "left work_mem alone: somebody else has set it to 7MB");

    apply_clear(&a);
    setup(state);
    until_verify();
    verified(SEEN "work_mem|3072|kB|integer|user|user|\\N|f|3MB|app|shop\n"
                  "random_page_cost|1.1||real|user|configuration file|\\N|f|1.1|app|shop\n");
    assert_int_equal(a.state, APPLY_UNDO);
    identity("f", 1);
    effects();
    rows(CONFIG AUTO("work_mem", "7MB") WORK_MEM("7168") AUTO("random_page_cost", "1.1") RPC);
    const char *sent = effects();
    assert_non_null(strstr(sent, "ALTER SYSTEM RESET random_page_cost\n"));
    assert_null(strstr(sent, "RESET work_mem"));
    rows("x\n");
    assert_non_null(strstr(effects(), "pg_reload_conf"));
    rows("sent\nt\n");
    verified(SEEN "random_page_cost|4||real|user|default|\\N|f|4|app|shop\n");
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_non_null(strstr(a.note, "left work_mem alone"));
}

/* A server that answers late has not said no: the undo is begun anew, a few times. */
static void test_undo_timeouts(void **state)
{
    (void)state;
    until_alter();
    rows("x\n");
    error(ERR_SQL, "22023", "no such value");
    effects();
    error(ERR_TIMEOUT, "57014", "no answer within 15 s");
    assert_non_null(strstr(effects(), "One row that every role"));
    identity("f", 1);
    error(ERR_TIMEOUT, "57014", "no answer within 15 s");
    identity("f", 1);
    effects();
    rows(CONFIG AUTO("work_mem", "64MB") WORK_MEM("4096") NO_FILE RPC);
    assert_non_null(strstr(effects(), "ALTER SYSTEM RESET work_mem\n"));
    error(ERR_TIMEOUT, "57014", "no answer within 15 s");
    identity("f", 1);
    rows(CONFIG NO_FILE WORK_MEM("4096") NO_FILE RPC); /* it had arrived */
    rows("sent\nt\n");
    verified(OLD_VALUES);
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_string_equal(a.err.msg, "no such value");
}

static void test_undo_times_out_for_good(void **state)
{
    (void)state;
    int asked = 0;
    until_alter();
    rows("x\n");
    error(ERR_SQL, "22023", "no such value");
    for (; a.phase == APPLY_UNDO && asked < 100; asked++)
        error(ERR_TIMEOUT, "57014", "no answer within 15 s");
    assert_int_equal(asked, APPLY_TRIES_MAX + 1);
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_STUCK);
}

/* What is too long to be shown ends after a whole statement, and says so. */
static void test_stuck_sql_is_cut(void **state)
{
    (void)state;
    struct buf sql = {0};
    apply_stuck_say(&a, "ALTER SYSTEM RESET work_mem;\n");
    assert_string_equal(a.stuck_sql, "ALTER SYSTEM RESET work_mem;\n");
    while (sql.len < 2 * sizeof a.stuck_sql)
        buf_puts(&sql, "ALTER SYSTEM RESET work_mem;\n");
    apply_stuck_say(&a, buf_text(&sql));
    buf_clear(&sql);
    assert_non_null(
        strstr(a.stuck_sql, "work_mem;\n-- cut: the rest stands in the undo of journal.jsonl\n"));
    assert_true(strlen(a.stuck_sql) > sizeof a.stuck_sql - 100);
}

static void test_override(void **state)
{
    (void)state;
    until_verify();
    verified(SEEN "work_mem|3072|kB|integer|user|database user|\\N|f|3MB|app|shop\n"
                  "random_page_cost|1.1||real|user|configuration file|\\N|f|1.1|app|shop\n");
    assert_int_equal(a.state, APPLY_UNDO);
    assert_string_equal(a.err.msg, "work_mem is overridden by the role app in the database shop: "
                                   "the workload has 3MB, not 64MB");
    assert_non_null(strstr(a.err.hint, "ALTER ROLE app IN DATABASE shop RESET work_mem"));
}

/* A statistics target reaches no plan before ANALYZE: the program's own database gets one, there and back. */
static void test_statistics_target(void **state)
{
    (void)state;
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "default_statistics_target", true, "500");
    for (int own = 0; own < 2; own++) {
        apply_clear(&a);
        memset(&ledger, 0, sizeof ledger);
        env.analyze = own == 1;
        start(&goal);
        identity("f", 1);
        rows(CONFIG NO_FILE
             "default_statistics_target|100||integer|user|1|10000|\\N|100|default|\\N|f\n");
        rows("file|line|error\n");
        file(ERR_NONE, NULL);
        rows("x\n");
        rows("sent\nt\n");
        link_is(EV_PG_UP, CONN_BENCH);
        effects();
        rows(SEEN
             "default_statistics_target|500||integer|user|configuration file|\\N|f|500|app|shop\n");
        if (own) {
            assert_int_equal(a.state, APPLY_VERIFY);
            assert_non_null(strstr(effects(), "bench: ANALYZE"));
            rows("x\n");
        } else {
            assert_null(strstr(effects(), "ANALYZE"));
            assert_non_null(strstr(a.note, "ANALYZE, which is left to you"));
        }
        assert_int_equal(a.state, APPLY_JOURNAL_RESULT);
    }
    env.analyze = false;
}

/* The file says so, the session says so, and the server still waits for a restart. */
static void test_pending_restart_is_not_in_force(void **state)
{
    (void)state;
    until_verify();
    verified(SEEN "work_mem|65536|kB|integer|user|configuration file|\\N|t|64MB|app|shop\n"
                  "random_page_cost|1.1||real|user|configuration file|\\N|f|1.1|app|shop\n");
    assert_int_equal(a.state, APPLY_VERIFY);
    now += 2 * SECOND;
    timer();
    rows(SEEN "work_mem|65536|kB|integer|user|configuration file|\\N|t|64MB|app|shop\n"
              "random_page_cost|1.1||real|user|configuration file|\\N|f|1.1|app|shop\n");
    assert_int_equal(a.state, APPLY_UNDO);
    assert_string_equal(a.err.msg, "work_mem = 64MB waits for a restart");
}

static void test_value_never_comes(void **state)
{
    (void)state;
    until_verify();
    link_is(EV_PG_UP, CONN_BENCH);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(a.state, APPLY_VERIFY);
        rows(OLD_VALUES);
        now += SECOND / 10;
        timer();
    }
    rows(OLD_VALUES);
    assert_int_equal(a.state, APPLY_UNDO);
    assert_string_equal(a.err.msg, "work_mem is 4MB, not 64MB");
}

static void test_result_cannot_be_written(void **state)
{
    (void)state;
    until_verify();
    verified(NEW_VALUES);
    file(ERR_FILE, NULL);
    assert_int_equal(a.state, APPLY_UNDO);
    assert_int_equal(a.err.code, ERR_FILE);
}

/* After a kill between ALTER SYSTEM and the reload the file is right and the server is not. */
static void test_unsure_takes_part(void **state)
{
    (void)state;
    struct entry none = {.name = "work_mem"},
                 to = {.name = "work_mem", .present = true, .value = "64MB"};
    struct arm goal = {.label = "best"};
    ledger_intent(&ledger, &none, &to, 1);
    arm_set(&goal, "work_mem", true, "64MB");
    start(&goal);
    identity("f", 1);
    rows(CONFIG AUTO("work_mem", "64MB") WORK_MEM("4096"));
    rows("file|line|error\n");
    file(ERR_NONE, NULL);
    assert_non_null(strstr(effects(), "ALTER SYSTEM SET work_mem = '64MB'"));
    rows("x\n");
    assert_non_null(strstr(effects(), "pg_reload_conf"));
}

/* -- restart --------------------------------------------------------------------------------------------------- */

static void until_restart(void)
{
    env.way = RESTART_WAY_PG_CTL;
    until_preflight();
    rows(QUIET);
    ended(a.child, 0, "id=\nstate=saved\n");
    file(ERR_NONE, NULL);
    rows("x\n");
    assert_int_equal(a.state, APPLY_RESTART);
    assert_non_null(strstr(effects(), "control: CHECKPOINT\n"));
    rows("x\n");
}

static void report(const char *lines)
{
    timer();
    file(ERR_NONE, lines);
}

static void test_no_way_to_restart(void **state)
{
    (void)state;
    until_preflight();
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_REFUSED);
}

static void test_restart_is_refused(void **state)
{
    (void)state;
    static const char *const busy[] = {"0|f|0|3|t|\\N\n", "2|f|0|3|f|\\N\n", "0|t|0|3|f|\\N\n",
                                       "0|f|0|3|f|psql of dba\n"};
    static const char *const said[] = {"base backup is", "prepared transactions", "archiver",
                                       "base backup seems to be running: psql of dba"};
    for (int i = 0; i < 4; i++) {
        char table[200];
        setup(state);
        env.way = RESTART_WAY_PG_CTL;
        until_preflight();
        snprintf(table, sizeof table,
                 "prepared|archiver_fails|replicas|sessions|base_backup|backup_session\n%s",
                 busy[i]);
        rows(table);
        assert_int_equal(a.state, APPLY_FAILED);
        assert_non_null(strstr(a.err.msg, said[i]));
    }
}

static void test_canary_says_no(void **state)
{
    (void)state;
    env.way = RESTART_WAY_PG_CTL;
    env.canary = true;
    until_preflight();
    effects();
    rows(QUIET);
    const char *seen = effects();
    assert_non_null(strstr(seen, "sh -s -- data=/data config=/data/postgresql.conf bin=/bin15 "
                                 "set:shared_buffers=1GB (as postgres) (in /) (stdin"));
    ended(a.child, 1, "2026 FATAL:  no memory\n");
    assert_int_equal(a.state, APPLY_FAILED);
    assert_string_equal(a.log_line, "2026 FATAL:  no memory");
    assert_int_equal(journal_no, 0);
}

static void test_restart(void **state)
{
    (void)state;
    until_restart();
    const char *seen = effects();
    assert_non_null(strstr(seen, "child apply/1/10 changes_server after_journal=1 sh -c"));
    report("id=1.0.0\nstate=up\n"); /* of somebody else */
    assert_int_equal(a.state, APPLY_RESTART);
    report("id=1.1.1\nstate=recovering\nnote=server is recovering (12 s)\nlog=\n");
    assert_string_equal(a.note, "server is recovering (12 s)");
    link_is(EV_PG_DOWN, CONN_CONTROL);
    now += 5 * SECOND;
    report("id=1.1.1\nstate=up\nnote=server is up\nlog=\n");
    assert_int_equal(a.state, APPLY_RECONNECT);
    link_is(EV_PG_UP, CONN_CONTROL);
    identity("f", 2);
    assert_int_equal(a.state, APPLY_VERIFY);
    verified(
        SEEN
        "shared_buffers|131072|8kB|integer|postmaster|configuration file|\\N|f|1GB|app|shop\n");
    assert_string_equal(fx.items[fx.n - 1].text,
                        "{\"event\":\"applied\",\"no\":2,\"intent\":1,\"restarted\":true}\n");
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_JOURNAL_RESULT); /* the script's files go */
    ended(a.child, 0, "state=cleaned\n");
    assert_int_equal(a.state, APPLY_DONE);
    assert_true(a.restarted);
}

/* Without the right no CHECKPOINT is tried: it would be an error in the server's log. */
static void test_restart_without_checkpoint(void **state)
{
    (void)state;
    facts.rights.checkpoint = false;
    env.way = RESTART_WAY_PG_CTL;
    until_preflight();
    rows(QUIET);
    ended(a.child, 0, "id=\nstate=saved\n");
    file(ERR_NONE, NULL);
    effects();
    rows("x\n");
    assert_int_equal(a.state, APPLY_RESTART);
    assert_null(strstr(effects(), "CHECKPOINT"));
    report("id=1.1.1\nstate=up\nnote=server is up\nlog=\n");
    assert_int_equal(a.state, APPLY_RECONNECT);
}

/* The server is up and slow: the question is asked again, for as long as the link may take. */
static void test_restart_answers_late(void **state)
{
    (void)state;
    until_restart();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    report("id=1.1.1\nstate=up\nnote=server is up\nlog=\n");
    link_is(EV_PG_UP, CONN_CONTROL);
    effects();
    error(ERR_TIMEOUT, "57014", "no answer within 15 s");
    assert_int_equal(a.state, APPLY_RECONNECT);
    assert_non_null(strstr(effects(), "One row that every role"));
    identity("f", 2);
    assert_int_equal(a.state, APPLY_VERIFY);
}

static void test_restart_restored(void **state)
{
    (void)state;
    until_restart();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    report("id=1.1.1\nstate=restored\nnote=it is up again\nlog=FATAL:  no memory\n");
    assert_int_equal(a.state, APPLY_UNDO);
    assert_string_equal(a.log_line, "FATAL:  no memory");
    link_is(EV_PG_UP, CONN_CONTROL);
    identity("f", 2);
    effects();
    rows(CONFIG NO_FILE BUFFERS("16384"));
    assert_null(strstr(effects(), "ALTER")); /* the file is as it was, to the byte */
    rows("sent\nt\n");
    verified(
        SEEN
        "shared_buffers|16384|8kB|integer|postmaster|configuration file|\\N|f|128MB|app|shop\n");
    file(ERR_NONE, NULL);
    ended(a.child, 0, "state=cleaned\n");
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
}

static void test_restart_down(void **state)
{
    (void)state;
    until_restart();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    report("id=1.1.1\nstate=down\nnote=it does not start\nlog=FATAL:  no disk\n");
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_STUCK);
    assert_string_equal(a.log_line, "FATAL:  no disk");
    assert_non_null(
        strstr(a.stuck_sql, "ALTER SYSTEM RESET shared_buffers;\n-- then restart the server\n"));
}

static void test_command_that_kills(void **state)
{
    (void)state;
    env.way = RESTART_WAY_COMMAND;
    env.restart_command = "/opt/restart";
    until_preflight();
    rows(QUIET);
    ended(a.child, 0, "state=saved\n");
    file(ERR_NONE, NULL);
    rows("x\n");
    rows("x\n");
    assert_non_null(strstr(effects(), "/opt/restart (collect)"));
    link_is(EV_PG_DOWN, CONN_CONTROL);
    ended(a.child, 1, "");
    assert_int_equal(a.state, APPLY_RECONNECT);
    effects();
    now += 60 * SECOND;
    timer();
    assert_non_null(strstr(effects(), "sh -s -- rescue by=pg_diagnose-restart data=/data"));
    ended(a.child, 0, "state=restored\n");
    assert_int_equal(a.state, APPLY_UNDO);
    assert_non_null(strstr(effects(), "/opt/restart (collect)"));
    ended(a.child, 0, "");
    link_is(EV_PG_UP, CONN_CONTROL);
    identity("f", 2);
    verified(
        SEEN
        "shared_buffers|16384|8kB|integer|postmaster|configuration file|\\N|f|128MB|app|shop\n");
    file(ERR_NONE, NULL);
    ended(a.child, 0, "state=cleaned\n");
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
}

/* The server runs, but nobody gets in: the file is put back from outside, then another restart. */
static void test_nobody_gets_in(void **state)
{
    (void)state;
    until_restart();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    effects();
    report("id=1.1.1\nstate=up\nnote=server is up\nlog=\n");
    assert_int_equal(a.state, APPLY_RECONNECT);
    assert_non_null(strstr(effects(), " 20000 ms\n"));
    /* All connections are taken: that is no reason to restart a server. */
    struct event full = answer(EV_PG_DOWN, 0);
    full.req.owner = OWNER_LINKS;
    full.u.pg.conn = CONN_CONTROL;
    err_set(&full.err, ERR_CONNECT, "FATAL:  sorry, too many clients already");
    give(&full);
    assert_non_null(strstr(effects(), " 20000 ms\n"));
    now += 20 * SECOND;
    timer();
    assert_non_null(strstr(effects(), "sh -s -- rescue by=pg_diagnose-restart data=/data"));
    ended(a.child, 0, "state=starting\n"); /* that needs time, not a rescue */
    assert_int_equal(a.state, APPLY_RECONNECT);
    assert_non_null(strstr(effects(), " 20000 ms\n"));
    timer();
    ended(a.child, 0, "state=restored\n");
    assert_int_equal(a.state, APPLY_UNDO);
    assert_non_null(strstr(effects(), "changes_server after_journal=1 sh -c"));
    report("id=1.1.1\nstate=up\nnote=server is up\nlog=\n"); /* of the restart before */
    assert_int_equal(a.phase, APPLY_RESTART);
    report("id=1.1.2\nstate=up\nnote=server is up\nlog=\n");
    link_is(EV_PG_UP, CONN_CONTROL);
    identity("f", 2);
    verified(
        SEEN
        "shared_buffers|16384|8kB|integer|postmaster|configuration file|\\N|f|128MB|app|shop\n");
    file(ERR_NONE, NULL);
    ended(a.child, 0, "state=cleaned\n");
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_string_equal(a.err.msg, "with these settings nobody can connect to the server");
}

/* The link comes up while the rescue looks, and that says "still starting": the server is asked who it is. */
static void test_up_during_the_rescue(void **state)
{
    (void)state;
    until_restart();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    report("id=1.1.1\nstate=up\nnote=server is up\nlog=\n");
    now += 20 * SECOND;
    timer();
    link_is(EV_PG_UP, CONN_CONTROL);
    effects();
    ended(a.child, 0, "state=starting\n");
    assert_non_null(strstr(effects(), "One row that every role"));
    identity("f", 2);
    assert_int_equal(a.state, APPLY_VERIFY);
}

#define READ_ONLY(v)                                                                     \
    "default_transaction_read_only|" v "||bool|user|\\N|\\N|\\N|off|configuration file|" \
    "/data/postgresql.conf|f\n"

/* A repair is of a setting off the allowlist: a reload is enough to lock everybody out, so that the canary looks first,
 * and there is a copy to go back to from outside. */
static void test_unlisted_reload(void **state)
{
    (void)state;
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "default_transaction_read_only", true, "off");
    start(&goal);
    identity("f", 1);
    rows(CONFIG NO_FILE READ_ONLY("on"));
    effects();
    rows("file|line|error\n");
    assert_int_equal(a.state, APPLY_PREFLIGHT);
    assert_non_null(strstr(effects(), "set:default_transaction_read_only=off"));
    ended(a.child, 0, "ok\n");
    assert_non_null(strstr(effects(), "sh -s -- save"));
    ended(a.child, 0, "id=\nstate=saved\n");
    file(ERR_NONE, NULL);
    rows("x\n");
    assert_int_equal(a.state, APPLY_RELOAD);
    error(ERR_LOST, "", "the connection was lost");
    link_is(EV_PG_DOWN, CONN_CONTROL);
    assert_int_equal(a.state, APPLY_UNDO);
    now += 20 * SECOND;
    timer();
    assert_non_null(strstr(effects(), "sh -s -- rescue"));
    ended(a.child, 0, "state=restored\n");
    link_is(EV_PG_UP, CONN_CONTROL);
    identity("f", 1);
    effects();
    rows(CONFIG NO_FILE READ_ONLY("on"));
    assert_non_null(strstr(effects(), "pg_reload_conf"));
}

static void test_recover_effect(void **state)
{
    (void)state;
    apply_recover(&facts.id, (struct req){.owner = OWNER_FLOW, .generation = 2, .id = 3}, &fx);
    const char *seen = effects();
    assert_non_null(strstr(
        seen,
        "child flow/2/3 changes_server sh -s -- recover by=pg_diagnose-restart data=/data "
        "config=/data/postgresql.conf bin=/bin15 id=recover wait=3600 system=42 (as postgres)"));
    assert_non_null(strstr(seen, "(collect)"));
}

/* wal_buffers = -1 is worked out at the start: whether it is in force tells the source of the value that runs. */
static void test_worked_out_at_the_start(void **state)
{
    (void)state;
    struct setting s = {.name = "wal_buffers", .value = "8192", .shown = "64MB", .unit = "8kB"};
    snprintf(s.vartype, sizeof s.vartype, "integer");
    snprintf(s.min, sizeof s.min, "-1");
    snprintf(s.max, sizeof s.max, "262143");
    snprintf(s.source, sizeof s.source, "override");
    assert_true(apply_value_same(&s, "-1"));
    snprintf(s.source, sizeof s.source, "configuration file");
    assert_false(apply_value_same(&s, "-1"));
    assert_true(apply_value_same(&s, "64MB"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* -- the ssh link to the server's host ----------------------------------------------------------------- */

static void over_ssh(void)
{
    facts.id.over_ssh = true;
    snprintf(facts.id.access, sizeof facts.id.access, "sudo");
    env.way = RESTART_WAY_PG_CTL;
    env.canary = true;
}

static void lost(uint32_t id)
{
    struct event ev = answer(EV_CHILD_EXIT, id);
    err_set(&ev.err, ERR_LOST, "the link was lost");
    give(&ev);
}

/* Was a program with that word begun there? */
static bool started(const char *word)
{
    bool found = false;
    for (size_t i = 0; i < fx.n; i++)
        for (int n = 0; fx.items[i].kind == FX_CHILD && fx.items[i].u.child.argv[n]; n++)
            found |= fx.items[i].u.child.flags & CHILD_REMOTE &&
                     strcmp(fx.items[i].u.child.argv[n], word) == 0;
    effects_clear(&fx);
    return found;
}

/* One answer of a look at the report, with this state. */
static void reported(const char *state, const char *more)
{
    char report[300];
    timer();
    assert_true(started("look"));
    snprintf(report, sizeof report, "id=1.%u.1\nstate=%s\nnote=\nlog=\n%s", a.generation, state,
             more);
    ended(a.waiting, 0, report);
}

static void until_restart_there(void)
{
    over_ssh();
    until_preflight();
    rows(QUIET);
    ended(a.child, 0, "ok\n");
    ended(a.child, 0, "state=saved\n");
    file(ERR_NONE, NULL);
    rows("x\n");
    rows("x\n"); /* the checkpoint */
    assert_int_equal(a.state, APPLY_RESTART);
}

/* Each of them runs there, and again when the link is back. */
static void test_lost_before_anything_was_touched(void **state)
{
    (void)state;
    over_ssh();
    until_preflight();
    effects();
    rows(QUIET);
    assert_true(started("watch=1"));
    lost(a.child);
    assert_true(apply_waits_for_host(&a));
    assert_string_equal(a.note, "waiting for ssh to the server's host");
    effects();
    timer();
    assert_true(started("pg_diagnose-canary"));
    ended(a.child, 0, "ok\n");
    assert_false(apply_waits_for_host(&a));
    assert_true(started("save"));
    lost(a.child);
    effects();
    timer();
    assert_true(started("save"));
    lost(a.child);
    now += 11 * 60 * SECOND; /* long enough */
    timer();
    lost(a.child);
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_LOST);
    assert_int_equal(journal_no, 0);
}

/* A script that runs is not started once more, however long nobody could look. */
static void test_lost_in_a_restart(void **state)
{
    (void)state;
    until_restart_there();
    effects();
    lost(a.child);
    timer();
    lost(a.waiting);
    assert_true(apply_waits_for_host(&a));
    for (int i = 0; i < 20; i++)
        reported("stopping", "script=alive\n");
    assert_int_equal(a.state, APPLY_RESTART);
    reported("up", "");
    assert_int_equal(a.state, APPLY_RECONNECT);
}

/* One that never began is started, with the same word, so that it would do nothing if it had. */
static void test_lost_with_the_order(void **state)
{
    (void)state;
    until_restart_there();
    effects();
    lost(a.child);
    bool again = false;
    for (int i = 0; i < 10 && !again; i++) {
        timer();
        effects();
        ended(a.waiting, 0, "");
        again = started("restart");
    }
    assert_true(again);
    assert_int_equal(a.restarts, 1);
    reported("up", "");
    assert_int_equal(a.state, APPLY_RECONNECT);
}

/* Nobody waits any longer: what was sent is undone by SQL alone, for the server has not been restarted. */
static void test_given_up(void **state)
{
    (void)state;
    until_restart_there();
    lost(a.child);
    timer();
    lost(a.waiting);
    apply_give_up_host(&a, &fx);
    effects();
    timer();
    lost(a.waiting);
    assert_int_equal(a.state, APPLY_RECONNECT);
    identity("f", 1); /* the same postmaster */
    assert_int_equal(a.state, APPLY_UNDO);
}

/* Each script is told which machine it is for; one of this machine is not. */
static void test_which_machine(void **state)
{
    (void)state;
    snprintf(facts.id.machine, sizeof facts.id.machine, "5ec0d0005ec0d0005ec0d0005ec0d001");
    apply_recover(&facts.id, (struct req){.owner = OWNER_FLOW}, &fx);
    assert_null(strstr(effects(), "machine="));
    over_ssh();
    apply_recover(&facts.id, (struct req){.owner = OWNER_FLOW}, &fx);
    assert_true(started("machine=5ec0d0005ec0d0005ec0d0005ec0d001"));
}

static void kept_out(const char *why)
{
    struct event ev = answer(EV_PG_DOWN, 0);
    ev.req.owner = OWNER_LINKS;
    ev.u.pg.conn = CONN_CONTROL;
    err_set(&ev.err, ERR_CONNECT, "%s", why);
    give(&ev);
}

/* The way to the server is cut for us alone, after a good restart: it is not restarted again. */
static void test_no_way_to_the_server_there(void **state)
{
    (void)state;
    until_restart_there();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    effects();
    reported("up", "");
    assert_int_equal(a.state, APPLY_RECONNECT);
    assert_non_null(strstr(effects(), " 60000 ms\n"));
    kept_out("connection to server at \"db\" (10.0.0.5), port 5432 failed: Connection refused");
    now += 60 * SECOND;
    timer();
    assert_true(started("revive"));
    ended(a.child, 0, "state=up\n");
    file(ERR_NONE, NULL);
    assert_int_equal(a.state, APPLY_STUCK);
    assert_int_equal(a.restarts, 1);
    assert_non_null(strstr(a.err.msg, "the server takes sessions"));
    assert_non_null(strstr(a.stuck_sql, "repair the way to it from here first"));
    assert_null(strstr(a.stuck_sql, "start it first"));
    assert_null(strstr(a.stuck_sql, "pg_ctl -D /data start"));
}

/* … but where the switch itself changed who gets in, that is the reason. */
static void test_our_own_change_keeps_us_out(void **state)
{
    (void)state;
    until_restart_there();
    text_copy(a.to[0].name, sizeof a.to[0].name, "port");
    link_is(EV_PG_DOWN, CONN_CONTROL);
    effects();
    reported("up", "");
    assert_non_null(strstr(effects(), " 20000 ms\n"));
    kept_out("connection to server at \"db\" (10.0.0.5), port 5432 failed: Connection refused");
    now += 20 * SECOND;
    timer();
    assert_true(started("rescue"));
}

/* The server itself says that it lets nobody in: that is a rescue. */
static void test_nobody_gets_in_there(void **state)
{
    (void)state;
    until_restart_there();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    reported("up", "");
    effects();
    kept_out("connection to server failed: FATAL:  could not access file \"no_such\"");
    now += 60 * SECOND;
    timer();
    assert_true(started("rescue"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_reload),
        CASE(test_nothing_to_do),
        CASE(test_late_answers),
        CASE(test_standby),
        CASE(test_another_server),
        CASE(test_link_lost_early),
        CASE(test_link_back_early),
        CASE(test_journal_cannot_be_written),
        CASE(test_guard_is_asked_again),
        CASE(test_edits_of_others),
        CASE(test_second_statement_refused),
        CASE(test_the_undo_cannot_be_written_down),
        CASE(test_link_lost_in_alter),
        CASE(test_link_stays_away),
        CASE(test_lost_before_anything_was_touched),
        CASE(test_lost_in_a_restart),
        CASE(test_lost_with_the_order),
        CASE(test_given_up),
        CASE(test_which_machine),
        CASE(test_no_way_to_the_server_there),
        CASE(test_our_own_change_keeps_us_out),
        CASE(test_nobody_gets_in_there),
        CASE(test_another_server_after_reconnect),
        CASE(test_undo_refused),
        CASE(test_undo_leaves_others_alone),
        CASE(test_undo_timeouts),
        CASE(test_undo_times_out_for_good),
        CASE(test_stuck_sql_is_cut),
        CASE(test_override),
        CASE(test_statistics_target),
        CASE(test_pending_restart_is_not_in_force),
        CASE(test_value_never_comes),
        CASE(test_result_cannot_be_written),
        CASE(test_unsure_takes_part),
        CASE(test_no_way_to_restart),
        CASE(test_restart_is_refused),
        CASE(test_canary_says_no),
        CASE(test_restart),
        CASE(test_restart_without_checkpoint),
        CASE(test_restart_answers_late),
        CASE(test_restart_restored),
        CASE(test_restart_down),
        CASE(test_command_that_kills),
        CASE(test_nobody_gets_in),
        CASE(test_up_during_the_rescue),
        CASE(test_unlisted_reload),
        CASE(test_recover_effect),
        CASE(test_worked_out_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
