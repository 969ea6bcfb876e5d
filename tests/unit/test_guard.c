/* The review of a proposal: each refusal with its reason, and for what passes the words, the SQL and the undo. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pg15.h"
#include "pgd/tuning/bill.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/ledger.h"

#define GB 1073741824.0

static struct server_facts facts;
static struct guard_policy policy;
static struct review review;

static int setup(void **state)
{
    (void)state;
    pg15_facts(&facts);
    memset(&review, 0, sizeof review);
    policy = (struct guard_policy){
        .restart_possible = true, .peak_active = NAN, .clients = 8, .temp_bytes_per_s = NAN};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_facts_clear(&facts);
    return 0;
}

static struct setting_change change(const char *name, const char *value)
{
    struct setting_change c = {.expect_lo = NAN, .expect_hi = NAN};
    snprintf(c.name, sizeof c.name, "%s", name);
    snprintf(c.value, sizeof c.value, "%s", value);
    return c;
}

static struct review_line line_of(const char *name, const char *value)
{
    struct review_line line = {.change = change(name, value)};
    guard_line(&line, &facts, &policy);
    return line;
}

static struct review_line expect(const char *name, const char *value, enum refusal why)
{
    struct review_line line = line_of(name, value);
    if (line.refusal != why)
        fail_msg("%s = %s: \"%s\" (%s), not %s", name, value, refusal_name(line.refusal),
                 line.reason, refusal_name(why));
    assert_int_equal(line.answer, ANSWER_NONE);
    if (why != REFUSE_NONE) {
        assert_true(strlen(line.reason) > 0);
        assert_string_equal(line.sql, "");
        assert_string_equal(line.undo, "");
    }
    return line;
}

/* Pairs of name and value, closed by NULL. */
static void propose(const char *first, ...)
{
    static struct proposal p;
    memset(&p, 0, sizeof p);
    va_list ap;
    va_start(ap, first);
    for (const char *name = first; name; name = va_arg(ap, const char *))
        p.changes[p.n++] = change(name, va_arg(ap, const char *));
    va_end(ap);
    guard_review(&p, &facts, &policy, &review);
}

static void a_line_tells_all(void **state)
{
    (void)state;
    struct review_line l = expect("shared_buffers", "4096MB", REFUSE_NONE);
    assert_string_equal(l.from, "128MB");
    assert_string_equal(l.to, "4GB");
    assert_string_equal(l.send, "4GB");
    assert_true(l.restart);
    assert_int_equal(l.takes, TAKES_RESTART);
    assert_string_equal(l.sql, "ALTER SYSTEM SET shared_buffers = '4GB';");
    assert_string_equal(l.undo, "ALTER SYSTEM RESET shared_buffers;");
    assert_string_equal(l.reach, "all 24 sessions, after the restart");
    assert_non_null(strstr(l.price, "24 sessions dropped"));
    assert_int_equal(l.change.risk, RISK_MEDIUM);

    l = expect("random_page_cost", "1.10", REFUSE_NONE);
    assert_string_equal(l.from, "4");
    assert_string_equal(l.to, "1.1");
    assert_false(l.restart);
    assert_int_equal(l.takes, TAKES_REPLAN);
    assert_int_equal(l.change.risk, RISK_LOW);

    l = expect("max_wal_size", "16 GB", REFUSE_NONE);
    assert_string_equal(l.to, "16GB");
    assert_string_equal(l.price, "up to 16GB of WAL on the disk; +308 s crash recovery (15 GB "
                                 "more WAL to replay, at the most, at 50 MB/s)");
    assert_int_equal(l.takes, TAKES_CHECKPOINT);
    assert_string_equal(l.reach, "the whole server");

    l = expect("jit", "FALSE", REFUSE_NONE);
    assert_string_equal(l.send, "off");
    l = expect("temp_buffers", "16MB", REFUSE_NONE);
    assert_int_equal(l.takes, TAKES_NEW_SESSION);
    l = expect("default_statistics_target", "200", REFUSE_NONE);
    assert_string_equal(l.reach, "each table after its next ANALYZE");
}

static void override_sessions(const char *name, const char *role, const char *database, double n)
{
    struct override *o = &facts.overrides[facts.noverrides++];
    snprintf(o->name, sizeof o->name, "%s", name);
    snprintf(o->value, sizeof o->value, "1MB");
    snprintf(o->role, sizeof o->role, "%s", role);
    snprintf(o->database, sizeof o->database, "%s", database);
    o->sessions = n;
}

/* Figures, not words: how many sessions, how many of them have a value of their own, and whose. */
static void reach_has_figures(void **state)
{
    (void)state;
    facts.runtime.sessions = 240;
    override_sessions("work_mem", "app", "", 20);
    override_sessions("work_mem", "", "warehouse", 8);
    assert_string_equal(expect("work_mem", "32MB", REFUSE_NONE).reach,
                        "212 of 240 sessions now, from their next statement; 28 overridden (role "
                        "app, database warehouse)");
    override_sessions("random_page_cost", "app", "", 20);
    assert_string_equal(expect("random_page_cost", "1.1", REFUSE_NONE).reach,
                        "220 of 240 sessions now; prepared statements keep their plan until "
                        "replanned; 20 overridden (role app)");
    override_sessions("jit", "app", "", 0);
    assert_string_equal(expect("jit", "off", REFUSE_NONE).reach,
                        "all 240 sessions; prepared statements keep their plan until replanned; "
                        "role app has a value of its own");
    assert_string_equal(expect("temp_buffers", "16MB", REFUSE_NONE).reach,
                        "none of 240 sessions now, only new ones");
    assert_string_equal(expect("shared_buffers", "1GB", REFUSE_NONE).reach,
                        "all 240 sessions, after the restart");
    assert_int_equal(expect("default_statistics_target", "200", REFUSE_NONE).takes, TAKES_ANALYZE);
    policy.sessions = 300; /* more have come since discovery */
    assert_string_equal(expect("shared_buffers", "1GB", REFUSE_NONE).reach,
                        "all 300 sessions, after the restart");
    policy.sessions = facts.runtime.sessions = NAN;
    assert_string_equal(expect("temp_buffers", "16MB", REFUSE_NONE).reach, "new sessions only");
}

/* A crash replays what a checkpoint interval has brought, a restart takes the server away: in seconds where they are known. */
static void price_has_figures(void **state)
{
    (void)state;
    policy.wal_bytes_per_s = 2.0 * 1048576;
    /* 5 min to 15 min of 2 MB/s, and 0.9 of an interval for the checkpoint itself; but no more than max_wal_size (1 GB) */
    assert_string_equal(expect("checkpoint_timeout", "6min", REFUSE_NONE).price, "");
    pg15_set(&facts, "max_wal_size", "16384");
    assert_string_equal(expect("checkpoint_timeout", "15min", REFUSE_NONE).price,
                        "+46 s crash recovery (2.2 GB more WAL to replay, by the WAL measured, at "
                        "50 MB/s)");
    assert_string_equal(expect("max_wal_size", "1GB", REFUSE_NONE).price,
                        "up to 1GB of WAL on the disk; -3 s crash recovery (116 MB less WAL to "
                        "replay, by the WAL measured, at 50 MB/s)");
    struct review_line l = expect("shared_buffers", "1GB", REFUSE_NONE);
    assert_non_null(strstr(
        l.price, "a restart: some seconds of blackout, 24 sessions dropped, an empty cache"));
    policy.blackout_s = 5.3;
    policy.blackout_measured = true;
    l = expect("shared_buffers", "1GB", REFUSE_NONE);
    assert_non_null(strstr(l.price, "a restart: 6 s blackout (measured here), 24 sessions"));
}

static void undo_restores_the_entry(void **state)
{
    (void)state;
    struct setting *s = pg15_setting(&facts, "work_mem");
    snprintf(s->value, sizeof s->value, "8192");
    snprintf(s->sourcefile, sizeof s->sourcefile, "/data/postgresql.conf");
    assert_string_equal(expect("work_mem", "32MB", REFUSE_NONE).undo,
                        "ALTER SYSTEM RESET work_mem;");
    snprintf(s->sourcefile, sizeof s->sourcefile, "/data/postgresql.auto.conf");
    assert_string_equal(expect("work_mem", "32MB", REFUSE_NONE).undo,
                        "ALTER SYSTEM SET work_mem = '8MB';");
}

static void names(void **state)
{
    (void)state;
    expect("archive_command", "touch /tmp/x", REFUSE_COMMAND);
    expect("shared_preload_libraries", "evil", REFUSE_CODE);
    expect("fsync", "off", REFUSE_DATA);
    expect("FSYNC", "off", REFUSE_DATA);
    expect("wal_level", "minimal", REFUSE_DATA);
    expect("port", "1", REFUSE_LOCKOUT);
    expect("search_path", "evil", REFUSE_LOCKOUT);
    expect("data_directory", "/tmp", REFUSE_FILES);
    expect("max_wal_senders", "0", REFUSE_REPLICATION);
    expect("log_statement", "all", REFUSE_FLOOD);
    expect("auto_explain.log_analyze", "on", REFUSE_FLOOD);
    expect("enable_hashjoin", "off", REFUSE_BENCHMARK);
    expect("enable_partitionwise_join", "on", REFUSE_BENCHMARK);
    expect("trace_sort", "on", REFUSE_DEVELOPER);
    expect("cursor_tuple_fraction", "0.5", REFUSE_UNKNOWN); /* exists, but is not on the list */
    expect("max_locks_per_transaction", "2147483647", REFUSE_UNKNOWN);
    expect("work_memory", "64MB", REFUSE_UNKNOWN);
    expect("WORK_MEM", "64MB", REFUSE_UNKNOWN);
    expect("work_mem; DROP TABLE x", "64MB", REFUSE_UNKNOWN);
    expect("", "1", REFUSE_UNKNOWN);
    expect("io_method", "worker", REFUSE_UNKNOWN); /* a later version has it */
    expect("pg_stat_statements.track", "all", REFUSE_UNKNOWN);
}

/* What ALTER SYSTEM lets through, and a server does not survive, or people are locked out by, or data is lost with. The same
 * values as in tests/integration/test_alter_table.py. */
static void values_that_alter_system_takes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value;
        enum refusal why;
        bool listed; /* the name may be sent, the value may not */
    } rows[] = {
        {"shared_buffers", "4TB", REFUSE_MEMORY, true},
        {"min_dynamic_shared_memory", "1TB", REFUSE_UNKNOWN, false},
        {"max_locks_per_transaction", "2147483647", REFUSE_UNKNOWN, false},
        {"huge_pages", "on", REFUSE_VALUE, true},
        {"shared_preload_libraries", "no_such_library", REFUSE_CODE, false},
        {"session_preload_libraries", "no_such", REFUSE_CODE, false},
        {"local_preload_libraries", "no_such", REFUSE_CODE, false},
        {"max_connections", "3", REFUSE_DBA_ONLY, true},
        {"superuser_reserved_connections", "150", REFUSE_LOCKOUT, false},
        {"wal_level", "minimal", REFUSE_DATA, false},
        {"max_prepared_transactions", "262143", REFUSE_REPLICATION, false},
        {"ssl", "on", REFUSE_LOCKOUT, false},
        {"hba_file", "/nonexistent", REFUSE_FILES, false},
        {"unix_socket_group", "nosuch", REFUSE_LOCKOUT, false},
        {"unix_socket_directories", "/nonexistent", REFUSE_LOCKOUT, false},
        {"unix_socket_directories", "/tmp", REFUSE_LOCKOUT, false},
        {"listen_addresses", "999.1.1.1", REFUSE_LOCKOUT, false},
        {"port", "1", REFUSE_LOCKOUT, false},
        {"port", "29", REFUSE_LOCKOUT, false},
        {"port", "29871", REFUSE_LOCKOUT, false},
        {"work_mem", "1TB", REFUSE_VALUE, true},
        {"statement_timeout", "1ms", REFUSE_LOCKOUT, false},
        {"default_transaction_read_only", "on", REFUSE_LOCKOUT, false},
        {"search_path", "evil", REFUSE_LOCKOUT, false},
        {"synchronous_standby_names", "ghost", REFUSE_DURABILITY, false},
        {"autovacuum", "off", REFUSE_DATA, false},
        {"fsync", "off", REFUSE_DATA, false},
        {"full_page_writes", "off", REFUSE_DATA, false},
        {"zero_damaged_pages", "on", REFUSE_DATA, false},
        {"archive_command", "touch /tmp/x", REFUSE_COMMAND, false},
        {"recovery_target_time", "2020-01-01", REFUSE_REPLICATION, false},
        {"data_directory", "/nonexistent", REFUSE_FILES, false},
        {"config_file", "/nonexistent", REFUSE_FILES, false},
        {"max_connections", "262143", REFUSE_DBA_ONLY, true},
        {"max_stack_depth", "1GB", REFUSE_UNKNOWN, false},
        {"work_mem", "64XB", REFUSE_VALUE, true},
        {"random_page_cost", "-5", REFUSE_VALUE, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        policy.by_dba = false;
        expect(rows[i].name, rows[i].value, rows[i].why);
        /* Nor when a DBA types it, or asked for durability trades. */
        policy.by_dba = policy.allow_durability = true;
        if (line_of(rows[i].name, rows[i].value).refusal == REFUSE_NONE)
            fail_msg("a DBA may set %s = %s", rows[i].name, rows[i].value);
        policy.allow_durability = false;
        if (!rows[i].listed && guard_send(rows[i].name, rows[i].value, NULL))
            fail_msg("%s = %s would be sent", rows[i].name, rows[i].value);
    }
}

static void version_limits(void **state)
{
    (void)state;
    expect("maintenance_io_concurrency", "100", REFUSE_NONE);
    facts.id.version_num = 120022;
    assert_string_equal(expect("maintenance_io_concurrency", "100", REFUSE_UNKNOWN).reason,
                        "maintenance_io_concurrency exists from version 13 on");
}

static void repairs(void **state)
{
    (void)state;
    expect("fsync", "on", REFUSE_NO_CHANGE);
    static const struct {
        const char *name, *bad, *good;
    } rows[] = {{"fsync", "off", "on"},
                {"autovacuum", "off", "on"},
                {"full_page_writes", "off", "on"},
                {"enable_hashjoin", "off", "on"},
                {"track_counts", "off", "on"},
                {"zero_damaged_pages", "on", "off"},
                {"synchronous_commit", "off", "on"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        pg15_set(&facts, rows[i].name, rows[i].bad);
        struct review_line l = expect(rows[i].name, rows[i].good, REFUSE_NONE);
        assert_string_equal(l.from, rows[i].bad);
        assert_string_equal(l.send, rows[i].good);
        assert_int_equal(l.change.risk, RISK_LOW);
        /* Both checks agree. */
        assert_true(guard_send(l.change.name, l.send, NULL));
    }
    assert_string_equal(expect("fsync", "yes", REFUSE_NONE).send, "on");
    /* on is less than remote_apply: no repair */
    pg15_set(&facts, "synchronous_commit", "remote_apply");
    expect("synchronous_commit", "on", REFUSE_DURABILITY);
}

static void durability_wants_a_wish_of_its_own(void **state)
{
    (void)state;
    expect("synchronous_commit", "off", REFUSE_DURABILITY);
    expect("commit_delay", "100", REFUSE_DURABILITY);
    policy.allow_durability = true;
    struct review_line l = expect("synchronous_commit", "off", REFUSE_NONE);
    assert_int_equal(l.change.risk, RISK_HIGH);
    assert_non_null(strstr(l.price, "may lose the last confirmed commits"));
    expect("commit_delay", "100", REFUSE_NONE);
    expect("synchronous_standby_names", "ghost", REFUSE_DURABILITY);
    expect("fsync", "off", REFUSE_DATA);
    /* They stand behind the others, in their own order, and are not accepted along with them. */
    propose("synchronous_commit", "off", "jit", "off", "commit_delay", "100", "work_mem", "8MB",
            NULL);
    static const char *const order[] = {"jit", "work_mem", "synchronous_commit", "commit_delay"};
    review_accept_safe(&review, true);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(review.lines[i].change.name, order[i]);
        assert_int_equal(review.lines[i].answer, i < 2 ? ANSWER_ACCEPT : ANSWER_NONE);
        assert_int_equal(review_is_trade(&review.lines[i]), i >= 2);
    }
    /* Without the wish they are refused, and still tell their price. */
    policy.allow_durability = false;
    propose("synchronous_commit", "off", "jit", "off", NULL);
    assert_int_equal(review.lines[1].refusal, REFUSE_DURABILITY);
    assert_true(review_is_trade(&review.lines[1]));
    assert_non_null(strstr(review.lines[1].price, "may lose the last confirmed commits"));
}

static void dba_only(void **state)
{
    (void)state;
    expect("max_connections", "200", REFUSE_DBA_ONLY);
    policy.by_dba = true;
    expect("max_connections", "200", REFUSE_NONE);
    expect("max_connections", "50", REFUSE_LOCKOUT);
    expect("max_connections", "0", REFUSE_VALUE);
}

/* PGDIAG.md binds everybody: the advisor, and the DBA who types; a repair of a danger, too. */
static void what_the_dba_wishes(void **state)
{
    (void)state;
    static const char never[][SETTING_NAME_MAX] = {"work_mem", "autovacuum*", "fsync"};
    policy.never = never;
    policy.nnever = 3;
    struct review_line line = expect("work_mem", "64MB", REFUSE_WISH);
    assert_non_null(strstr(line.reason, "PGDIAG.md"));
    expect("WORK_MEM", "64MB", REFUSE_WISH);
    expect("autovacuum_naptime", "30s", REFUSE_WISH);
    expect("autovacuum", "on", REFUSE_WISH);
    expect("fsync", "on", REFUSE_WISH);
    expect("maintenance_work_mem", "128MB", REFUSE_NONE);
    policy.by_dba = true;
    expect("work_mem", "64MB", REFUSE_WISH);
    policy.nnever = 0;
    expect("work_mem", "64MB", REFUSE_NONE);
}

static void values(void **state)
{
    (void)state;
    expect("work_mem", "64mb", REFUSE_VALUE);
    expect("work_mem", "4096kB", REFUSE_NO_CHANGE);
    expect("work_mem", "0.004GB",
           REFUSE_NO_CHANGE);               /* a fraction is rounded to the next smaller unit */
    expect("work_mem", "64", REFUSE_VALUE); /* 64 kB: within the server's range, below ours */
    expect("work_mem", "3GB", REFUSE_VALUE);
    expect("work_mem", "64MB'; DROP TABLE x; --", REFUSE_VALUE);
    expect("work_mem", "", REFUSE_VALUE);
    expect("jit", "maybe", REFUSE_VALUE);
    expect("wal_compression", "snappy", REFUSE_VALUE);
    expect("random_page_cost", "nan", REFUSE_VALUE);
    expect("checkpoint_timeout", "2d", REFUSE_VALUE);
    expect("huge_pages", "on", REFUSE_VALUE);
    expect("track_io_timing", "on", REFUSE_NONE);
    expect("autovacuum_vacuum_insert_threshold", "-1", REFUSE_VALUE);
    expect("log_temp_files", "0", REFUSE_VALUE);
    expect("log_temp_files", "10MB", REFUSE_NONE);
    expect("jit_above_cost", "-1", REFUSE_NONE);
    expect("wal_buffers", "16MB", REFUSE_NONE);
    pg15_set(&facts, "track_io_timing", "on");
    expect("track_io_timing", "off", REFUSE_BENCHMARK);
    policy.by_dba = true;
    expect("work_mem", "64", REFUSE_NONE);
    expect("track_io_timing", "off", REFUSE_NONE);
}

static void no_change_sees_what_waits_for_a_restart(void **state)
{
    (void)state;
    expect("shared_buffers", "128MB", REFUSE_NO_CHANGE);
    pg15_setting(&facts, "shared_buffers")->pending_restart = true;
    expect("shared_buffers", "128MB", REFUSE_NONE);
}

static void contexts(void **state)
{
    (void)state;
    snprintf(pg15_setting(&facts, "jit")->context, 20, "internal");
    expect("jit", "off", REFUSE_CONTEXT);
    snprintf(pg15_setting(&facts, "jit")->context, 20, "superuser-backend");
    expect("jit", "off", REFUSE_CONTEXT);
    policy.restart_possible = false;
    expect("shared_buffers", "2GB", REFUSE_RESTART);
    expect("work_mem", "8MB", REFUSE_NONE);
}

static void replicas(void **state)
{
    (void)state;
    facts.runtime.replicas = 2;
    assert_string_equal(
        expect("max_worker_processes", "16", REFUSE_STANDBY).reason,
        "raising max_worker_processes pauses the replay of 2 standbys: raise it there first");
    expect("max_worker_processes", "4", REFUSE_NONE);
    expect("max_parallel_workers", "16", REFUSE_NONE);
    policy.by_dba = true;
    expect("max_connections", "200", REFUSE_STANDBY);
    facts.runtime.replicas = NAN;
    expect("max_worker_processes", "16", REFUSE_NONE);
    facts.id.standby = true;
    expect("work_mem", "8MB", REFUSE_STANDBY);
}

static void override_row(const char *name, const char *role, const char *database)
{
    struct override *o = &facts.overrides[facts.noverrides++];
    snprintf(o->name, sizeof o->name, "%s", name);
    snprintf(o->value, sizeof o->value, "1MB");
    snprintf(o->role, sizeof o->role, "%s", role);
    snprintf(o->database, sizeof o->database, "%s", database);
}

static void overrides(void **state)
{
    (void)state;
    override_row("work_mem", "reporting", "");
    override_row("work_mem", "", "warehouse");
    override_row("work_mem", "postgres", "warehouse");
    struct review_line l = expect("work_mem", "8MB", REFUSE_NONE);
    assert_string_equal(l.reach,
                        "all 24 sessions, from their next statement; role reporting, database "
                        "warehouse, role postgres have a value of their own");
    override_row("work_mem", "postgres", "shop");
    l = expect("work_mem", "8MB", REFUSE_OVERRIDDEN);
    assert_string_equal(
        l.reason,
        "role postgres in database shop has 1MB of its own: ALTER ROLE postgres IN DATABASE "
        "shop RESET work_mem");
    assert_int_equal(l.takes, TAKES_NEVER);
    override_row("jit", "", "shop");
    assert_string_equal(expect("jit", "off", REFUSE_OVERRIDDEN).reason,
                        "database shop has 1MB of its own: ALTER DATABASE shop RESET jit");
    override_row("seq_page_cost", "postgres", "");
    assert_string_equal(
        expect("seq_page_cost", "2", REFUSE_OVERRIDDEN).reason,
        "role postgres has 1MB of its own: ALTER ROLE postgres RESET seq_page_cost");
    override_row("cpu_tuple_cost", "", "");
    assert_string_equal(expect("cpu_tuple_cost", "0.02", REFUSE_OVERRIDDEN).reason,
                        "every role has 1MB of its own: ALTER ROLE ALL RESET cpu_tuple_cost");
    /* The workload may have a database of its own. */
    policy.database = "warehouse";
    expect("jit", "off", REFUSE_NONE);
    expect("work_mem", "8MB", REFUSE_OVERRIDDEN);
    policy.database = NULL;
    snprintf(pg15_setting(&facts, "shared_buffers")->source, 32, "command line");
    assert_non_null(
        strstr(expect("shared_buffers", "2GB", REFUSE_OVERRIDDEN).reason, "command line"));
    snprintf(pg15_setting(&facts, "random_page_cost")->source, 32, "user");
    expect("random_page_cost", "1.1", REFUSE_OVERRIDDEN);
}

static void memory(void **state)
{
    (void)state;
    struct review_line l = expect("shared_buffers", "10GB", REFUSE_MEMORY);
    assert_string_equal(l.reason, "10GB is more than 60 % of the machine's 16 GB");
    assert_non_null(
        strstr(expect("shared_buffers", "4048GB", REFUSE_MEMORY).reason, "did you mean 4048MB?"));
    assert_non_null(
        strstr(expect("effective_cache_size", "100GB", REFUSE_VALUE).reason, "machine's 16 GB"));
    expect("effective_cache_size", "12GB", REFUSE_NONE);
    expect("shared_buffers", "8GB", REFUSE_NONE);
    /* 8 sessions and 8 workers at two steps of 512 MB, one of them doubled, are 24 GB. */
    l = expect("work_mem", "512MB", REFUSE_MEMORY);
    assert_non_null(strstr(l.reason, "with 8 sessions at work"));
    assert_non_null(strstr(l.reason, "of 16 GB"));
    policy.peak_active = 2; /* what was measured counts, not what was started */
    expect("work_mem", "512MB", REFUSE_NONE);
    facts.host.cgroup_mem_limit = 2 * GB;
    expect("work_mem", "512MB", REFUSE_MEMORY);
    expect("shared_buffers", "1300MB", REFUSE_MEMORY);
    expect("shared_buffers", "1GB", REFUSE_NONE);
}

static void memory_that_does_not_overcommit(void **state)
{
    (void)state;
    expect("shared_buffers", "4GB", REFUSE_NONE);
    facts.host.overcommit = 2;
    facts.host.commit_limit = 8 * GB;
    facts.host.committed = 6 * GB;
    expect("shared_buffers", "4GB", REFUSE_MEMORY);
    expect("shared_buffers", "1GB", REFUSE_NONE);
    facts.host.committed = 1 * GB;
    expect("shared_buffers", "4GB", REFUSE_NONE);
    expect("shared_buffers", "7500MB", REFUSE_MEMORY);
}

static void memory_that_is_not_known(void **state)
{
    (void)state;
    facts.host.known = false;
    assert_string_equal(expect("shared_buffers", "4GB", REFUSE_MEMORY).reason,
                        "this machine's memory is not known: at most 1 GB without a look at it");
    expect("shared_buffers", "1GB", REFUSE_NONE);
    expect("work_mem", "128MB", REFUSE_MEMORY);
    expect("work_mem", "64MB", REFUSE_NONE);
    policy.by_dba = true;
    expect("shared_buffers", "4GB", REFUSE_NONE);
    propose("work_mem", "64MB", NULL);
    assert_false(review.bill.known);
    assert_int_equal(review.lines[0].refusal, REFUSE_NONE);
}

static void disk(void **state)
{
    (void)state;
    expect("max_wal_size", "50GB", REFUSE_NONE);
    assert_non_null(
        strstr(expect("max_wal_size", "51GB", REFUSE_DISK).reason, "half of the 100 GB"));
    facts.host.wal.total_bytes = 20 * GB;
    facts.host.wal.free_bytes = 10 * GB;
    expect("max_wal_size", "6GB", REFUSE_DISK);
    expect("min_wal_size", "6GB", REFUSE_DISK);
    expect("max_wal_size", "5GB", REFUSE_NONE);
    facts.host.wal.free_bytes = 0.1 * GB;
    expect("max_wal_size", "512MB", REFUSE_NONE); /* less than now */
    expect("max_wal_size", "2GB", REFUSE_DISK);
    facts.host.known = false;
    expect("max_wal_size", "4GB", REFUSE_NONE);
    expect("max_wal_size", "5GB", REFUSE_DISK);
}

static void resets(void **state)
{
    (void)state;
    struct review_line l = {.change = change("work_mem", "")};
    l.change.reset = true;
    guard_line(&l, &facts, &policy);
    assert_int_equal(l.refusal, REFUSE_NONE); /* where it comes from is hidden: no harm in asking */
    struct setting *s = pg15_setting(&facts, "work_mem");
    snprintf(s->sourcefile, sizeof s->sourcefile, "/data/postgresql.conf");
    guard_line(&l, &facts, &policy);
    assert_int_equal(l.refusal, REFUSE_NO_CHANGE);
    snprintf(s->value, sizeof s->value, "65536");
    snprintf(s->sourcefile, sizeof s->sourcefile, "/data/postgresql.auto.conf");
    guard_line(&l, &facts, &policy);
    assert_int_equal(l.refusal, REFUSE_NONE);
    assert_string_equal(l.sql, "ALTER SYSTEM RESET work_mem;");
    assert_string_equal(l.undo, "ALTER SYSTEM SET work_mem = '64MB';");
    l.change = change("archive_command", "");
    l.change.reset = true;
    guard_line(&l, &facts, &policy);
    assert_int_equal(l.refusal, REFUSE_COMMAND);
}

static void duplicates(void **state)
{
    (void)state;
    propose("work_mem", "8MB", "jit", "off", "work_mem", "16MB", NULL);
    assert_int_equal(review.n, 3);
    assert_int_equal(review.lines[0].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[2].refusal, REFUSE_DUPLICATE);
    assert_string_equal(review.lines[2].sql, "");
}

/* Alternatives: two lines of one setting contradict each other only where one holds both. */
static void propose_sets(struct proposal *p, int nsets)
{
    memset(p, 0, sizeof *p);
    p->nsets = nsets;
    static const struct {
        const char *name, *value;
        unsigned sets;
    } rows[] = {{"work_mem", "64MB", 4},       {"jit", "off", 0},       {"work_mem", "192MB", 2},
                {"shared_buffers", "8GB", 1},  {"work_mem", "16MB", 6}, {"jit", "on", 1},
                {"random_page_cost", "1.1", 2}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        p->changes[p->n] = change(rows[i].name, rows[i].value);
        p->changes[p->n++].sets = rows[i].sets;
    }
}

static void alternatives(void **state)
{
    (void)state;
    static struct proposal p;
    propose_sets(&p, 3);
    guard_review(&p, &facts, &policy, &review);
    assert_int_equal(review.n, 7);
    /* for all of them first, then by the alternative */
    static const char *const order[] = {
        "jit", "shared_buffers", "jit", "work_mem", "random_page_cost", "work_mem", "work_mem"};
    static const unsigned sets[] = {7, 1, 1, 2, 2, 6, 4};
    for (int i = 0; i < 7; i++) {
        assert_string_equal(review.lines[i].change.name, order[i]);
        assert_int_equal(review_sets(&review, i), sets[i]);
    }
    assert_int_equal(review.lines[2].refusal, REFUSE_DUPLICATE); /* jit beside the one of all */
    assert_int_equal(review.lines[5].refusal, REFUSE_DUPLICATE); /* in an alternative with either */
    /* 8 GB and 192 MB of work_mem do not fit together (lines_are_billed_together), and need not */
    assert_int_equal(review.lines[1].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[3].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[6].refusal, REFUSE_NONE);
    review_accept_safe(&review, true);
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review_accepted(&review), 5);
    uint64_t joins = guard_joins(&review, &facts, &policy);
    assert_true(joins >> 1 & 1 && joins >> 2 & 1 && joins >> 4 & 1); /* each by itself */
    assert_true(joins >> 6 & 1);                                     /* 64 MB over 192 MB */
    assert_false(joins >> 3 & 1);
    assert_false(joins >> 7 & 1 && joins >> 3 & 1);
    /* the figure shown is that of the dearest */
    double dear = review.bill.new_measured;
    review.lines[3].answer = ANSWER_REJECT;
    guard_bill(&review, &facts, &policy);
    assert_true(review.bill.new_measured < dear);
    assert_true(review.bill.new_measured > review.bill.now_measured);
    /* without alternatives the same lines are one configuration */
    propose_sets(&p, 0);
    guard_review(&p, &facts, &policy, &review);
    assert_int_equal(review.lines[2].refusal, REFUSE_DUPLICATE);
    assert_int_equal(review_nsets(&review), 1);
    assert_int_equal(review_sets(&review, 3), 1);
    assert_string_equal(review.lines[0].change.name, "work_mem"); /* as they were proposed */
}

static void a_line_that_does_not_fit_into_one_alternative(void **state)
{
    (void)state;
    static struct proposal p;
    memset(&p, 0, sizeof p);
    p.nsets = 2;
    p.changes[p.n++] = change("shared_buffers", "8GB");
    p.changes[p.n++] = change("work_mem", "192MB");
    p.changes[p.n++] = change("work_mem", "16MB");
    p.changes[0].sets = 1;
    p.changes[1].sets = 1;
    p.changes[2].sets = 2;
    guard_review(&p, &facts, &policy, &review);
    assert_int_equal(review.lines[0].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[1].refusal, REFUSE_MEMORY); /* it alone is lost */
    assert_true(review.lines[1].by_bill);
    assert_int_equal(review.lines[2].refusal, REFUSE_NONE);
    review.lines[0].answer = ANSWER_REJECT;
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review.lines[1].refusal, REFUSE_NONE);
}

static void a_hostile_count_is_cut(void **state)
{
    (void)state;
    static struct proposal p;
    memset(&p, 0, sizeof p);
    p.n = 1000;
    guard_review(&p, &facts, &policy, &review);
    assert_int_equal(review.n, CHANGES_MAX);
    p.n = -1;
    guard_review(&p, &facts, &policy, &review);
    assert_int_equal(review.n, 0);
}

static void answers(void **state)
{
    (void)state;
    propose("shared_buffers", "4GB", "jit", "off", "fsync", "off", "random_page_cost", "1.1", NULL);
    for (int i = 0; i < review.n; i++)
        assert_int_equal(review.lines[i].answer, ANSWER_NONE);
    assert_false(review_complete(&review));
    review.lines[3].answer = ANSWER_REJECT;
    review_accept_safe(&review, false);
    assert_int_equal(review.lines[0].answer, ANSWER_NONE);
    assert_int_equal(review.lines[1].answer, ANSWER_ACCEPT);
    assert_int_equal(review.lines[2].answer, ANSWER_NONE);
    assert_int_equal(review.lines[3].answer, ANSWER_REJECT); /* a no stays a no */
    assert_int_equal(review_accepted(&review), 1);
    assert_false(review_complete(&review));
    assert_false(review_restarts(&review));
    review_accept_safe(&review, true);
    assert_int_equal(review_accepted(&review), 2);
    assert_true(review_complete(&review)); /* the refused line needs none */
    assert_true(review_restarts(&review));
    memset(&review, 0, sizeof review);
    assert_true(review_complete(&review));
    assert_int_equal(review_accepted(&review), 0);
}

static void the_bill_has_two_figures(void **state)
{
    (void)state;
    propose("work_mem", "32MB", "shared_buffers", "4GB", NULL);
    assert_true(review.bill.known);
    assert_true(review.bill.ram == 16 * GB);
    double now = review.bill.now_measured;
    assert_true(review.bill.new_measured == now);
    assert_true(review.bill.now_worst > now);
    /* 128 MB shared, 4 MB WAL, 3 workers of 64 MB, 8 + 8 processes of 3 x 4 + 10 MB */
    assert_true(now == (128 + 4 + 192 + 16 * 22) * 1048576.0);
    assert_true(review.bill.most == now + (4096 - 128 + 16 * 3 * 28) * 1048576.0); /* with all */
    /* the price of a line is the bill with it alone: its words and figures */
    assert_string_equal(review.lines[0].price,
                        "memory 676 MB \xe2\x86\x92 2 GB (+1.3 GB) with 8 at "
                        "work, by this line alone");
    assert_non_null(strstr(review.lines[1].price, "memory 676 MB \xe2\x86\x92 4.5 GB (+3.9 GB)"));
    review.lines[1].answer = ANSWER_ACCEPT;
    guard_bill(&review, &facts, &policy);
    assert_true(review.bill.new_measured == now + (4096 - 128) * 1048576.0);
    assert_true(review.bill.now_measured == now);
    review.lines[0].answer = ANSWER_ACCEPT;
    guard_bill(&review, &facts, &policy);
    assert_true(review.bill.new_measured == now + (4096 - 128 + 16 * 3 * 28) * 1048576.0);
    assert_true(review.bill.most == review.bill.new_measured);
    assert_int_equal(review.lines[0].answer, ANSWER_ACCEPT);
    review.lines[0].answer = review.lines[1].answer = ANSWER_REJECT;
    guard_bill(&review, &facts, &policy);
    assert_true(review.bill.most == now && review.bill.new_measured == now);
}

/* One line asks for memory, the other gives workers back: what all of them cost is the same before and after an answer. */
static void all_lines_cost_the_same_whatever_is_accepted(void **state)
{
    (void)state;
    propose("work_mem", "64MB", "max_parallel_workers_per_gather", "0", "shared_buffers", "1GB",
            NULL);
    double all = review.bill.all;
    assert_true(all < review.bill.most); /* nobody may rely on what may not come */
    for (int i = 1; i <= review.n; i++) {
        review.lines[i % review.n].answer = ANSWER_ACCEPT;
        guard_bill(&review, &facts, &policy);
        assert_true(review.bill.all == all);
    }
    assert_true(review.bill.new_measured == all);
}

static void lines_are_billed_together(void **state)
{
    (void)state;
    /* 8 GB and 16 x 3 x 192 MB = 9 GB fit by themselves, not together. */
    propose("shared_buffers", "8GB", "work_mem", "192MB", "jit", "off", NULL);
    assert_int_equal(review.lines[0].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[1].refusal, REFUSE_MEMORY);
    assert_int_equal(review.lines[2].refusal, REFUSE_NONE);
    /* When the first is turned down the second is free again, and unanswered. */
    review.lines[0].answer = ANSWER_REJECT;
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review.lines[1].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[1].answer, ANSWER_NONE);
    assert_string_equal(review.lines[1].reason, "");
    review.lines[1].answer = ANSWER_ACCEPT;
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review_accepted(&review), 1);
    /* Taking the first after all is what breaks now. */
    review.lines[0].answer = ANSWER_ACCEPT;
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review_accepted(&review), 1);
    assert_true(review.bill.new_measured <= 0.9 * 16 * GB);
}

static void a_saving_counts_only_when_accepted(void **state)
{
    (void)state;
    pg15_set(&facts, "shared_buffers", "1048576"); /* 8 GB */
    propose("shared_buffers", "2GB", "work_mem", "192MB", NULL);
    assert_int_equal(review.lines[0].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[1].refusal, REFUSE_MEMORY);
    assert_false(review.lines[1].by_bill); /* it does not fit by itself either */
    propose("shared_buffers", "2GB", "work_mem", "96MB", "maintenance_work_mem", "1GB", NULL);
    assert_int_equal(review.lines[1].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[2].refusal, REFUSE_MEMORY);
    assert_true(review.lines[2].by_bill);
    review.lines[0].answer = ANSWER_ACCEPT;
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review.lines[2].refusal, REFUSE_NONE);
    review.lines[0].answer = ANSWER_REJECT;
    guard_bill(&review, &facts, &policy);
    assert_int_equal(review.lines[2].refusal, REFUSE_MEMORY);
}

static void an_edit_is_checked_anew(void **state)
{
    (void)state;
    propose("work_mem", "8MB", NULL);
    struct review_line *l = &review.lines[0];
    l->answer = ANSWER_ACCEPT;
    l->edited = true;
    snprintf(l->change.value, sizeof l->change.value, "16 MB");
    guard_line(l, &facts, &policy);
    assert_string_equal(l->send, "16MB");
    assert_int_equal(l->answer, ANSWER_NONE); /* the yes was for the other value */
    assert_true(l->edited);
    snprintf(l->change.value, sizeof l->change.value, "16 mb");
    guard_line(l, &facts, &policy);
    assert_int_equal(l->refusal, REFUSE_VALUE);
    assert_string_equal(
        l->reason, "\"mb\" is not a unit of work_mem. Units are case-sensitive: write \"MB\".");
    snprintf(l->change.value, sizeof l->change.value, "12MB");
    guard_line(l, &facts, &policy);
    assert_int_equal(l->refusal, REFUSE_NONE);
    assert_string_equal(l->reason, "");
}

static void test_builds_may_pass_everything(void **state)
{
    (void)state;
    policy.disabled = true;
    struct review_line l = expect("shared_buffers", "4TB", REFUSE_NONE);
    assert_string_equal(l.send, "4TB");
    expect("port", "1", REFUSE_NONE);
    propose("shared_buffers", "4TB", "work_mem", "1TB", NULL);
    assert_int_equal(review.lines[0].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[1].refusal, REFUSE_NONE);
}

/* Whatever passes the review passes the second check too, and every bounded text ends. */
static void both_checks_agree(void **state)
{
    (void)state;
    static const char *const texts[] = {"on",   "off", "0",     "1",    "2",   "-1",    "8MB",
                                        "64MB", "1GB", "100GB", "1.5",  "30s", "10min", "2h",
                                        "try",  "lz4", "1e3",   "0.95", "200", "evil;"};
    policy.by_dba = true;
    policy.allow_durability = true;
    int passed = 0;
    for (int i = 0; i < facts.settings.n; i++) {
        for (size_t j = 0; j < ARRAY_LEN(texts); j++) {
            struct review_line l = line_of(facts.settings.items[i].name, texts[j]);
            if (l.refusal != REFUSE_NONE)
                continue;
            passed++;
            struct err e;
            err_clear(&e);
            if (!guard_send(l.change.name, l.send, &e))
                fail_msg("%s = %s: %s", l.change.name, l.send, e.msg);
            assert_string_equal(l.to, l.send);
            assert_non_null(memchr(l.price, 0, sizeof l.price));
        }
    }
    assert_true(passed > 150);
}

static void names_of_effects(void **state)
{
    (void)state;
    for (int t = TAKES_NOW; t <= TAKES_NEVER; t++)
        assert_true(strlen(takes_effect_name((enum takes_effect)t)) > 3);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_line_tells_all),
        CASE(reach_has_figures),
        CASE(price_has_figures),
        CASE(undo_restores_the_entry),
        CASE(names),
        CASE(values_that_alter_system_takes),
        CASE(version_limits),
        CASE(repairs),
        CASE(durability_wants_a_wish_of_its_own),
        CASE(dba_only),
        CASE(what_the_dba_wishes),
        CASE(values),
        CASE(no_change_sees_what_waits_for_a_restart),
        CASE(contexts),
        CASE(replicas),
        CASE(overrides),
        CASE(memory),
        CASE(memory_that_does_not_overcommit),
        CASE(memory_that_is_not_known),
        CASE(disk),
        CASE(resets),
        CASE(duplicates),
        CASE(alternatives),
        CASE(a_line_that_does_not_fit_into_one_alternative),
        CASE(a_hostile_count_is_cut),
        CASE(answers),
        CASE(the_bill_has_two_figures),
        CASE(all_lines_cost_the_same_whatever_is_accepted),
        CASE(lines_are_billed_together),
        CASE(a_saving_counts_only_when_accepted),
        CASE(an_edit_is_checked_anew),
        CASE(test_builds_may_pass_everything),
        CASE(both_checks_agree),
        CASE(names_of_effects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
