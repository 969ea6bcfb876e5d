/* Switches that a person makes, without a server: nothing that changes it is ever sent, the intent comes first, a fresh session
 * decides, and declining leads back. And the table of platforms: how each is recognised, and its form of a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/text.h"
#include "pgd/tuning/manual.h"

#define SECOND 1000000LL

static struct apply a;
static struct server_facts facts;
static struct ledger ledger;
static struct effects fx;
static uint64_t journal_no;
static int64_t now;
static struct effect session;
static struct apply_env env;
static struct way way;
static char text[65536];
static bool server_touched; /* an effect was marked changes_server */

static int setup(void **state)
{
    (void)state;
    static char *keys[] = {"host", NULL}, *values[] = {"/tmp", NULL};
    memset(&facts, 0, sizeof facts);
    memset(&ledger, 0, sizeof ledger);
    memset(&a, 0, sizeof a);
    memset(&way, 0, sizeof way);
    journal_no = 0;
    now = 100 * SECOND;
    server_touched = false;
    snprintf(facts.id.system_identifier, sizeof facts.id.system_identifier, "42");
    facts.id.server_port = 5432;
    session = (struct effect){.kind = FX_PG_CONNECT, .ms = 5000};
    session.u.pg.keys = keys;
    session.u.pg.values = values;
    way.change = WAY_MANUAL;
    env = (struct apply_env){.facts = &facts,
                             .ledger = &ledger,
                             .journal_path = "/w/journal.jsonl",
                             .journal_no = &journal_no,
                             .work_dir = "/w",
                             .verify_ms = 1000,
                             .how = &way,
                             .restart_by_dba = true,
                             .wait = true,
                             .manual_path = "/w/manual.txt",
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

static const char *effects(void)
{
    struct buf all = {0};
    for (size_t i = 0; i < fx.n; i++) {
        struct buf line = {0};
        effect_text(&fx.items[i], &line);
        buf_printf(&all, "%s\n", buf_text(&line));
        if (fx.items[i].kind == FX_FILE && fx.items[i].text)
            buf_puts(&all, fx.items[i].text);
        server_touched |= fx.items[i].changes_server;
        buf_clear(&line);
    }
    snprintf(text, sizeof text, "%s", buf_text(&all));
    buf_clear(&all);
    effects_clear(&fx);
    return text;
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

static void file(void)
{
    struct event ev = answer(EV_FILE, a.waiting);
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

static void timer(void)
{
    struct event ev = answer(EV_TIMER, a.timer);
    give(&ev);
}

static void who(const char *standby, int started)
{
    char table[400];
    snprintf(table, sizeof table,
             "version_num|version|standby|server_addr|server_port|cluster_name|postmaster_start_us|"
             "database|role|"
             "data_directory|config_file|hba_file\n"
             "150000|15.0|%s||5432||%d|shop|app|||\n",
             standby, started);
    rows(table);
    rows("system_identifier\n42\n");
}

#define COLUMNS                                                                              \
    "name|setting|unit|vartype|context|min_val|max_val|enumvals|boot_val|source|sourcefile|" \
    "pending_restart|shown\n"
#define WORK_MEM(kb, shown, source) \
    "work_mem|" kb "|kB|integer|user|64|2147483647|\\N|4096|" source "|\\N|f|" shown "\n"
#define COST(v, source) \
    "random_page_cost|" v "||real|user|0|1.79769e+308|\\N|4|" source "|\\N|f|" v "\n"
#define BUFFERS(pages, shown, pending)                                                            \
    "shared_buffers|" pages "|8kB|integer|postmaster|16|1073741823|\\N|16384|configuration file|" \
    "\\N|" pending "|" shown "\n"
#define BEFORE COLUMNS WORK_MEM("256", "256kB", "configuration file") COST("4", "default")
#define AFTER \
    COLUMNS WORK_MEM("65536", "64MB", "configuration file") COST("1.1", "configuration file")
#define HALF COLUMNS WORK_MEM("65536", "64MB", "configuration file") COST("4", "default")

static struct arm goal_of(void)
{
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "work_mem", true, "64MB");
    arm_set(&goal, "random_page_cost", true, "1.1");
    return goal;
}

/* Up to the first look: the intent is on the disk. */
static void until_asked(void)
{
    struct arm goal = goal_of();
    apply_start(&a, &env, &goal, now, &fx);
    who("f", 1);
    assert_null(strstr(effects(), "pg_file_settings")); /* the role may not read it */
    rows(BEFORE);
    rows("file|line|error\n");
    assert_int_equal(a.state, APPLY_JOURNAL);
    effects();
    assert_non_null(strstr(text, "\"by_hand\":\"change\""));
    assert_null(strstr(text, "manual.txt")); /* told only once it is written down */
    file();
    assert_int_equal(a.state, APPLY_MANUAL);
    effects();
    assert_non_null(strstr(text, "ALTER SYSTEM SET work_mem = '64MB';"));
    assert_non_null(strstr(text, "SELECT pg_reload_conf();"));
}

static void look(const char *table)
{
    link_is(EV_PG_UP, CONN_BENCH);
    rows(table);
}

static void test_made_by_the_dba(void **state)
{
    (void)state;
    until_asked();
    look(BEFORE);
    assert_true(apply_waits(&a));
    assert_int_equal(a.manual.seen[0], MANUAL_WAITING);
    assert_string_equal(a.manual.now[0], "256kB");
    now += 3 * SECOND;
    timer();
    look(HALF);
    assert_true(apply_waits(&a));
    assert_int_equal(a.manual.seen[0], MANUAL_IN_FORCE);
    assert_int_equal(a.manual.seen[1], MANUAL_WAITING);
    apply_look_now(&a, &fx); /* Enter: not after the pause, but now */
    look(AFTER);
    who("f", 1);
    assert_int_equal(a.state, APPLY_JOURNAL_RESULT);
    file();
    assert_int_equal(a.state, APPLY_DONE);
    assert_false(a.restarted);
    assert_string_equal(ledger_find(&ledger, "work_mem")->original.value, "256kB");
    assert_false(ledger_find(&ledger, "random_page_cost")->original.present);
    effects();
    assert_false(server_touched);
}

static void test_nobody_waits(void **state)
{
    (void)state;
    env.wait = false;
    until_asked();
    look(HALF);
    assert_int_equal(a.state, APPLY_ASKED);
    assert_true(apply_finished(&a));
    assert_null(strstr(effects(), "\"undone\""));
    assert_true(ledger_find(&ledger, "work_mem")->unsure);

    /* the next start: a part is in force; what stood there before is what stood there before the first start */
    struct arm goal = goal_of();
    env.asked_before = true;
    apply_start(&a, &env, &goal, now, &fx);
    who("f", 1);
    rows(AFTER);
    rows("file|line|error\n");
    effects();
    assert_non_null(
        strstr(text, "\"value\":\"256kB\"},\"to\":{\"present\":true,\"value\":\"64MB\"}"));
    file();
    look(AFTER);
    who("f", 1);
    file();
    assert_int_equal(a.state, APPLY_DONE);
    assert_false(ledger_find(&ledger, "work_mem")->unsure);
    assert_string_equal(ledger_find(&ledger, "work_mem")->current.value, "64MB");
    effects();
    assert_false(server_touched);
}

static void test_declined_before_anything(void **state)
{
    (void)state;
    until_asked();
    look(BEFORE);
    apply_decline(&a, &fx);
    look(BEFORE);
    assert_int_equal(a.state, APPLY_JOURNAL_RESULT);
    assert_non_null(strstr(effects(), "\"undone\""));
    file();
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_CANCELLED);
    assert_true(ledger_clean(&ledger));
    assert_false(server_touched);
}

static void test_declined_half_way(void **state)
{
    (void)state;
    until_asked();
    look(HALF);
    apply_decline(&a, &fx);
    look(HALF);
    assert_true(apply_waits_for_undo(&a));
    assert_int_equal(a.state, APPLY_UNDO);
    effects();
    assert_non_null(strstr(text, "ALTER SYSTEM SET work_mem = '256kB';"));
    assert_non_null(strstr(text, "ALTER SYSTEM RESET random_page_cost;"));
    look(BEFORE);
    who("f", 1);
    file();
    assert_int_equal(a.state, APPLY_ROLLED_BACK);
    assert_true(ledger_clean(&ledger));
    effects();
    assert_false(server_touched);
}

/* Where ALTER SYSTEM is switched off neither the text nor what is left to do when it is stuck says ALTER SYSTEM. */
static void test_files_of_another_program(void **state)
{
    (void)state;
    way.form = FORM_FILE;
    struct arm goal = goal_of();
    apply_start(&a, &env, &goal, now, &fx);
    who("f", 1);
    rows(BEFORE);
    rows("file|line|error\n");
    effects();
    file();
    effects();
    assert_non_null(strstr(text, "\nwork_mem = '64MB'\n"));
    assert_null(strstr(text, "ALTER SYSTEM"));
    look(HALF);
    apply_decline(&a, &fx);
    look(HALF);
    look(HALF);
    apply_decline(&a, &fx);
    look(HALF);
    file();
    assert_int_equal(a.state, APPLY_STUCK);
    assert_non_null(strstr(a.stuck_sql, "work_mem = '256kB'\n# take out: random_page_cost\n"));
    assert_null(strstr(a.stuck_sql, "ALTER SYSTEM"));
}

static void test_undo_declined(void **state)
{
    (void)state;
    until_asked();
    look(HALF);
    apply_decline(&a, &fx);
    look(HALF);
    look(HALF);
    apply_decline(&a, &fx);
    look(HALF);
    file();
    assert_int_equal(a.state, APPLY_STUCK);
    assert_non_null(strstr(a.stuck_sql, "ALTER SYSTEM SET work_mem = '256kB';"));
    assert_false(ledger_clean(&ledger));
    effects();
    assert_false(server_touched);
}

static void fails(enum err_code code, const char *msg)
{
    struct event ev = answer(EV_PG_RESULT, a.waiting);
    err_set(&ev.err, code, "%s", msg);
    give(&ev);
}

/* In an undo: everything is as before again, as a fresh session sees it. */
static void until_undo_seen(void)
{
    until_asked();
    look(HALF);
    apply_decline(&a, &fx);
    look(HALF);
    assert_true(apply_waits_for_undo(&a));
}

/* The link is there all the time: a late answer is asked for again, and nobody waits for a link that is up. */
static void test_who_answers_late(void **state)
{
    (void)state;
    until_asked();
    look(AFTER);
    for (int i = 0; i < 10; i++) {
        effects();
        fails(ERR_TIMEOUT, "no answer within 15 s");
        assert_non_null(strstr(effects(), "One row that every role"));
    }
    who("f", 1);
    file();
    assert_int_equal(a.state, APPLY_DONE);
}

static void test_undo_without_link(void **state)
{
    (void)state;
    static const char lost[] = "the connection was lost before the undo could be verified";
    /* somebody waits, and gives up while the server is asked who it is */
    until_undo_seen();
    look(BEFORE);
    apply_decline(&a, &fx);
    assert_true(apply_waits(&a));
    link_is(EV_PG_DOWN, CONN_CONTROL);
    assert_int_equal(a.phase, APPLY_JOURNAL_RESULT);
    file();
    assert_int_equal(a.state, APPLY_STUCK);
    assert_string_equal(a.fault.msg, lost);
    /* nobody waits: before the look, and after it */
    for (int i = 0; i < 2; i++) {
        apply_clear(&a);
        setup(state);
        until_undo_seen();
        a.env.wait = false;
        if (i == 0)
            link_is(EV_PG_DOWN, CONN_CONTROL);
        look(BEFORE);
        if (i == 1)
            link_is(EV_PG_DOWN, CONN_CONTROL);
        assert_int_equal(a.phase, APPLY_JOURNAL_RESULT);
        file();
        assert_int_equal(a.state, APPLY_STUCK);
        assert_string_equal(a.fault.msg, lost);
    }
}

/* Declined, and the question itself fails each time: it is judged all the same, as half made. */
static void test_declined_and_never_seen(void **state)
{
    (void)state;
    until_asked();
    apply_decline(&a, &fx);
    for (int i = 0; i < 20 && !a.undoing; i++) {
        link_is(EV_PG_UP, CONN_BENCH);
        fails(ERR_SQL, "permission denied");
        if (!a.undoing)
            timer();
    }
    assert_true(apply_waits_for_undo(&a));
}

/* The change is in force and "applied" cannot be written: it is not called undone, the DBA is told how to undo it. */
static void test_made_and_not_written_down(void **state)
{
    (void)state;
    until_asked();
    look(AFTER);
    who("f", 1);
    effects();
    struct event ev = answer(EV_FILE, a.waiting);
    err_set(&ev.err, ERR_FILE, "no space left on device");
    give(&ev);
    effects();
    assert_null(strstr(text, "\"undone\""));
    assert_non_null(strstr(text, "\"stuck\""));
    file();
    assert_int_equal(a.state, APPLY_STUCK);
    assert_int_equal(a.err.code, ERR_FILE);
    assert_non_null(strstr(a.stuck_sql, "ALTER SYSTEM SET work_mem = '256kB';"));
    assert_true(ledger_find(&ledger, "work_mem")->unsure);
    assert_false(server_touched);
}

static void test_failover_meanwhile(void **state)
{
    (void)state;
    until_asked();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    assert_true(apply_waits(&a)); /* a restart by the DBA drops it, too */
    look(AFTER);
    assert_true(apply_waits(&a)); /* nobody can say yet who that was */
    link_is(EV_PG_UP, CONN_CONTROL);
    who("t", 2);
    file();
    assert_int_equal(a.state, APPLY_STUCK);
    assert_non_null(strstr(a.err.msg, "standby"));
}

static void test_restarted_meanwhile(void **state)
{
    (void)state;
    until_asked();
    link_is(EV_PG_DOWN, CONN_CONTROL);
    struct event down = answer(EV_PG_DOWN, a.waiting);
    down.u.pg.conn = CONN_BENCH;
    err_set(&down.err, ERR_CONNECT, "the database system is starting up");
    give(&down);
    assert_non_null(strstr(a.manual.trouble, "starting up"));
    link_is(EV_PG_UP, CONN_CONTROL);
    now += 3 * SECOND;
    timer();
    look(AFTER);
    who("f", 2);
    file();
    assert_int_equal(a.state, APPLY_DONE);
    assert_true(a.restarted);
}

static void test_hidden(void **state)
{
    (void)state;
    until_asked();
    look(COLUMNS WORK_MEM("256", "256kB", "user") COST("1.1", "configuration file"));
    assert_true(apply_waits(&a));
    assert_int_equal(a.manual.seen[0], MANUAL_HIDDEN);
}

static void test_changed_by_another(void **state)
{
    (void)state;
    until_asked();
    look(AFTER);
    who("f", 1);
    file();
    struct arm start = {.label = "start"};
    apply_start(&a, &env, &start, now, &fx);
    who("f", 1);
    rows(COLUMNS WORK_MEM("1024", "1MB", "configuration file") COST("1.1", "configuration file"));
    assert_int_equal(a.state, APPLY_FAILED);
    assert_int_equal(a.err.code, ERR_BUSY);
    effects();
    assert_false(server_touched);
}

/* -- only the restart is theirs ----------------------------------------------------------------------------- */

#define FILE_COLUMNS                                                                              \
    "file|line|file_name|file_value|applied|error|name|setting|unit|vartype|context|min_val|max_" \
    "val|enumvals|boot_val|source|sourcefile|pending_restart\n\\N|\\N|\\N|\\N|\\N|\\N|"
#define FILE_BUFFERS                                                                     \
    "shared_buffers|16384|8kB|integer|postmaster|16|1073741823|\\N|16384|configuration " \
    "file|\\N|f\n"

#define FILE_SENT                                                                                 \
    "file|line|file_name|file_value|applied|error|name|setting|unit|vartype|context|min_val|max_" \
    "val|enumvals|boot_val|source|sourcefile|pending_restart\n"                                   \
    "/data/postgresql.auto.conf|3|shared_buffers|512MB|f|setting could not be applied|"           \
    "shared_buffers|16384|8kB|integer|postmaster|16|1073741823|\\N|16384|configuration file|"     \
    "\\N|t\n"

static void until_restart(const char *files)
{
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "shared_buffers", true, "512MB");
    facts.rights.hba_rules = true;
    env.how = NULL;
    apply_start(&a, &env, &goal, now, &fx);
    who("f", 1);
    rows(files);
    rows("file|line|error\n");
    rows("prepared|archiver_fails|replicas|sessions|base_backup\n0|f|0|3|f\n");
    assert_int_equal(a.state, APPLY_JOURNAL);
    effects();
    file();
    rows("x\n1\n");
    assert_int_equal(a.state, APPLY_MANUAL);
    effects();
}

/* Asked for by one run of the program, declined in the next: what goes back is what stood there before the first. */
static void test_restart_declined_later(void **state)
{
    (void)state;
    env.wait = false;
    until_restart(FILE_COLUMNS FILE_BUFFERS);
    look(COLUMNS BUFFERS("16384", "128MB", "t"));
    assert_int_equal(a.state, APPLY_ASKED);
    env.wait = env.asked_before = true;
    until_restart(FILE_SENT);
    apply_decline(&a, &fx);
    look(COLUMNS BUFFERS("16384", "128MB", "t"));
    assert_int_equal(a.state, APPLY_UNDO);
    effects();
    who("f", 1);
    rows(FILE_SENT);
    assert_non_null(strstr(effects(), "ALTER SYSTEM RESET shared_buffers"));
    rows("x\n1\n");
    assert_non_null(strstr(effects(), "pg_reload_conf")); /* it was never restarted */
}

static void test_only_the_restart(void **state)
{
    (void)state;
    struct arm goal = {.label = "round 1"};
    arm_set(&goal, "shared_buffers", true, "512MB");
    facts.rights.hba_rules = true;
    env.how = NULL;
    apply_start(&a, &env, &goal, now, &fx);
    who("f", 1);
    rows(FILE_COLUMNS FILE_BUFFERS);
    rows("file|line|error\n");
    assert_int_equal(a.state, APPLY_PREFLIGHT);
    rows("prepared|archiver_fails|replicas|sessions|base_backup\n0|f|0|3|f\n");
    assert_int_equal(a.state, APPLY_JOURNAL);
    assert_non_null(strstr(effects(), "\"by_hand\":\"restart\""));
    file();
    assert_int_equal(a.state, APPLY_ALTER);
    effects();
    assert_true(server_touched); /* that part is ours */
    server_touched = false;
    rows("x\n1\n");
    assert_int_equal(a.state, APPLY_MANUAL);
    effects();
    assert_null(strstr(text, "child"));
    assert_null(strstr(text, "pg_reload_conf"));
    look(COLUMNS BUFFERS("16384", "128MB", "t"));
    assert_int_equal(a.manual.seen[0], MANUAL_RESTART);
    timer();
    look(COLUMNS BUFFERS("65536", "512MB", "f"));
    who("f", 2);
    file();
    assert_int_equal(a.state, APPLY_DONE);
    assert_true(a.restarted);
    effects();
    assert_false(server_touched);
}

/* -- platforms ------------------------------------------------------------------------------------------------ */

static struct setting list[32];

static void setting(const char *name, const char *value, const char *source)
{
    struct setting *s = &list[facts.settings.n++];
    memset(s, 0, sizeof *s);
    snprintf(s->name, sizeof s->name, "%s", name);
    snprintf(s->value, sizeof s->value, "%s", value);
    snprintf(s->source, sizeof s->source, "%s", source);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct setting *)x)->name, ((const struct setting *)y)->name);
}

static void decide(void)
{
    facts.settings.items = list;
    qsort(list, (size_t)facts.settings.n, sizeof list[0], by_name);
    way_decide(&facts, &way);
}

static void test_rights_decide(void **state)
{
    (void)state;
    snprintf(facts.id.role, sizeof facts.id.role, "app");
    decide();
    assert_int_equal(way.change, WAY_MANUAL);
    assert_string_equal(way.why, "The role app may not run ALTER SYSTEM.");
    facts.rights.alter_system = true;
    decide();
    assert_non_null(strstr(way.why, "pg_reload_conf"));
    facts.rights.reload = true;
    decide();
    assert_non_null(strstr(way.why, "pg_file_settings"));
    facts.rights.file_settings = true;
    decide();
    assert_int_equal(way.change, WAY_ALTER_SYSTEM);
    assert_string_equal(way.why, "");
    setting("allow_alter_system", "off", "configuration file");
    decide();
    assert_int_equal(way.change, WAY_MANUAL);
    assert_non_null(strstr(way.why, "allow_alter_system"));
    assert_int_equal(way.form, FORM_FILE);
    assert_string_equal(way_form_name(way.form), "file");
}

static void platform(const char *name, const char *value, enum way_form form, const char *called)
{
    facts.settings.n = 0;
    facts.rights = (struct rights){.alter_system = true, .reload = true, .file_settings = true};
    setting(name, value, "configuration file");
    decide();
    assert_int_equal(way.change, WAY_MANUAL);
    assert_int_equal(way.form, form);
    assert_string_equal(way.platform, called);
}

static void test_platforms(void **state)
{
    (void)state;
    platform("rds.extensions", "", FORM_RDS, "Amazon RDS");
    platform("cloudsql.iam_authentication", "off", FORM_CLOUDSQL, "Google Cloud SQL");
    platform("alloydb.enable_auto_explain", "off", FORM_ALLOYDB, "AlloyDB");
    platform("azure.extensions", "", FORM_AZURE, "Azure Database");
    platform("unix_socket_directories", "/controller/run", FORM_CNPG, "CloudNativePG");
    facts.settings.n = 0;
    setting("aurora_compute_plan_id", "on", "default");
    setting("rds.extensions", "", "default");
    decide();
    assert_int_equal(way.form, FORM_AURORA);
    facts.settings.n = 0;
    snprintf(facts.id.supervisor, sizeof facts.id.supervisor, "patroni");
    decide();
    assert_int_equal(way.form, FORM_PATRONI);
    /* a supervisor that does not keep the configuration only restarts */
    snprintf(facts.id.supervisor, sizeof facts.id.supervisor, "systemd:postgresql@15-main");
    decide();
    assert_int_equal(way.change, WAY_ALTER_SYSTEM);
}

static void test_patroni_from_afar(void **state)
{
    (void)state;
    static const char *const given[] = {"cluster_name",
                                        "hot_standby",
                                        "max_connections",
                                        "max_wal_senders",
                                        "max_worker_processes",
                                        "max_prepared_transactions",
                                        "wal_level",
                                        "wal_log_hints",
                                        "max_locks_per_transaction",
                                        "max_replication_slots"};
    facts.rights = (struct rights){.alter_system = true, .reload = true, .file_settings = true};
    for (size_t i = 0; i < ARRAY_LEN(given); i++)
        setting(given[i], "1", "command line");
    decide();
    assert_int_equal(way.change,
                     WAY_ALTER_SYSTEM); /* one is missing: somebody else's command line */
    setting("track_commit_timestamp", "off", "command line");
    decide();
    assert_int_equal(way.form, FORM_PATRONI);
}

static const char *form(enum way_form f, bool restart)
{
    static char out[4096];
    struct entry set = {.present = true}, reset = {.present = false};
    struct setting mem = {.context = "user", .vartype = "integer", .unit = "8kB"};
    snprintf(set.name, sizeof set.name, "shared_buffers");
    snprintf(set.value, sizeof set.value, "512MB");
    snprintf(reset.name, sizeof reset.name, "work_mem");
    snprintf(mem.name, sizeof mem.name, "shared_buffers");
    snprintf(mem.value, sizeof mem.value, "16384");
    snprintf(mem.min, sizeof mem.min, "16");
    snprintf(mem.max, sizeof mem.max, "1073741823");
    snprintf(mem.context, sizeof mem.context, "postmaster");
    struct way_item items[] = {{&set, &mem}, {&reset, NULL}};
    struct buf b = {0};
    way = (struct way){.change = WAY_MANUAL, .form = f};
    way_text(&way, &facts, items, 2, restart, false, &b);
    snprintf(out, sizeof out, "%s", buf_text(&b));
    buf_clear(&b);
    return out;
}

static void test_forms(void **state)
{
    (void)state;
    assert_string_equal(form(FORM_SQL, true), "-- as a superuser, in psql\n"
                                              "ALTER SYSTEM SET shared_buffers = '512MB';\n"
                                              "ALTER SYSTEM RESET work_mem;\n"
                                              "SELECT pg_reload_conf();\n"
                                              "-- then restart the server\n");
    /* the server would refuse ALTER SYSTEM */
    assert_string_equal(form(FORM_FILE, true),
                        "# in the file that your configuration is made from\n"
                        "shared_buffers = '512MB'\n"
                        "# take out: work_mem\n"
                        "# then restart the server\n");
    assert_non_null(strstr(form(FORM_FILE, false), "SELECT pg_reload_conf();\n"));
    assert_null(strstr(form(FORM_FILE, false), "ALTER SYSTEM"));
    snprintf(facts.id.cluster_name, sizeof facts.id.cluster_name, "shop");
    form(FORM_PATRONI, true);
    assert_non_null(
        strstr(form(FORM_PATRONI, true), "patronictl restart --pending --force shop\n"));
    assert_non_null(strstr(form(FORM_PATRONI, false),
                           "{\"postgresql\": {\"parameters\": {\"shared_buffers\": "
                           "\"512MB\", \"work_mem\": null}}}\n"));
    assert_non_null(strstr(form(FORM_RDS, true),
                           "\"ParameterName=shared_buffers,ParameterValue=65536,"
                           "ApplyMethod=pending-reboot\"\n"));
    assert_non_null(strstr(form(FORM_RDS, true), "reset-db-parameter-group"));
    assert_non_null(strstr(form(FORM_AURORA, false), "modify-db-cluster-parameter-group"));
    assert_non_null(strstr(form(FORM_CLOUDSQL, false),
                           "--database-flags=shared_buffers=65536\n# leave out: work_mem\n"));
    assert_non_null(strstr(form(FORM_AZURE, false), "--name shared_buffers --value '65536'\n"));
    assert_non_null(strstr(form(FORM_CNPG, false),
                           "      shared_buffers: \"512MB\"\n      # take out: work_mem\n"));
}

#define MANUAL(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MANUAL(test_made_by_the_dba),
        MANUAL(test_nobody_waits),
        MANUAL(test_declined_before_anything),
        MANUAL(test_declined_half_way),
        MANUAL(test_files_of_another_program),
        MANUAL(test_undo_declined),
        MANUAL(test_who_answers_late),
        MANUAL(test_undo_without_link),
        MANUAL(test_declined_and_never_seen),
        MANUAL(test_made_and_not_written_down),
        MANUAL(test_failover_meanwhile),
        MANUAL(test_restarted_meanwhile),
        MANUAL(test_hidden),
        MANUAL(test_changed_by_another),
        MANUAL(test_only_the_restart),
        MANUAL(test_restart_declined_later),
        MANUAL(test_rights_decide),
        MANUAL(test_platforms),
        MANUAL(test_patroni_from_afar),
        MANUAL(test_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
