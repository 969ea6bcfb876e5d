/* The two tables of settings: what may be proposed, what is refused and why, and that they do not contradict each other. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/knobs.h"

static void allowlist_holds_what_may_be_proposed(void **state)
{
    (void)state;
    static const char *const names[] = {"shared_buffers",
                                        "work_mem",
                                        "maintenance_work_mem",
                                        "autovacuum_work_mem",
                                        "effective_cache_size",
                                        "hash_mem_multiplier",
                                        "temp_buffers",
                                        "huge_pages",
                                        "wal_buffers",
                                        "max_wal_size",
                                        "min_wal_size",
                                        "checkpoint_timeout",
                                        "checkpoint_completion_target",
                                        "checkpoint_flush_after",
                                        "wal_compression",
                                        "wal_writer_delay",
                                        "wal_writer_flush_after",
                                        "commit_delay",
                                        "commit_siblings",
                                        "synchronous_commit",
                                        "bgwriter_delay",
                                        "bgwriter_lru_maxpages",
                                        "bgwriter_lru_multiplier",
                                        "bgwriter_flush_after",
                                        "backend_flush_after",
                                        "random_page_cost",
                                        "seq_page_cost",
                                        "cpu_tuple_cost",
                                        "cpu_index_tuple_cost",
                                        "cpu_operator_cost",
                                        "default_statistics_target",
                                        "jit",
                                        "jit_above_cost",
                                        "jit_inline_above_cost",
                                        "jit_optimize_above_cost",
                                        "effective_io_concurrency",
                                        "maintenance_io_concurrency",
                                        "max_worker_processes",
                                        "max_parallel_workers",
                                        "max_parallel_workers_per_gather",
                                        "max_parallel_maintenance_workers",
                                        "autovacuum_naptime",
                                        "autovacuum_max_workers",
                                        "autovacuum_vacuum_cost_limit",
                                        "autovacuum_vacuum_cost_delay",
                                        "autovacuum_vacuum_scale_factor",
                                        "autovacuum_analyze_scale_factor",
                                        "autovacuum_vacuum_threshold",
                                        "autovacuum_analyze_threshold",
                                        "io_method",
                                        "io_workers",
                                        "io_combine_limit",
                                        "max_connections",
                                        "track_io_timing",
                                        "log_checkpoints",
                                        "log_temp_files",
                                        "compute_query_id"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (!knob_find(names[i]))
            fail_msg("%s is missing", names[i]);
    assert_null(knob_find("archive_command"));
    assert_null(knob_find("work_mem2"));
    assert_null(knob_find(""));
}

static void allowlist_is_sound(void **state)
{
    (void)state;
    int n = 0;
    for (const struct knob *k; (k = knob_at(n)); n++) {
        assert_true(text_is_ident(k->name));
        assert_ptr_equal(knob_find(k->name), k); /* no name twice */
        size_t len = strlen(k->meaning);
        assert_true(len > 20 && k->meaning[len - 1] == '.');
        if (!isnan(k->floor) && !isnan(k->ceiling))
            assert_true(k->floor < k->ceiling);
        /* Only a durability trade stands in both tables. */
        enum refusal danger = danger_find(k->name);
        assert_int_equal(danger, k->flags & KNOB_DURABILITY ? REFUSE_DURABILITY : REFUSE_NONE);
    }
    assert_true(n > 50);
    assert_null(knob_at(n));
    assert_null(knob_at(-1));
}

static const struct {
    const char *name;
    enum refusal why;
} denied[] = {
    {"archive_command", REFUSE_COMMAND},
    {"restore_command", REFUSE_COMMAND},
    {"archive_cleanup_command", REFUSE_COMMAND},
    {"recovery_end_command", REFUSE_COMMAND},
    {"ssl_passphrase_command", REFUSE_COMMAND},
    {"shared_preload_libraries", REFUSE_CODE},
    {"session_preload_libraries", REFUSE_CODE},
    {"local_preload_libraries", REFUSE_CODE},
    {"jit_provider", REFUSE_CODE},
    {"archive_library", REFUSE_CODE},
    {"dynamic_library_path", REFUSE_CODE},
    {"oauth_validator_libraries", REFUSE_CODE},
    {"extension_control_path", REFUSE_CODE},
    {"extension_destdir", REFUSE_CODE},
    {"fsync", REFUSE_DATA},
    {"full_page_writes", REFUSE_DATA},
    {"zero_damaged_pages", REFUSE_DATA},
    {"ignore_checksum_failure", REFUSE_DATA},
    {"ignore_invalid_pages", REFUSE_DATA},
    {"ignore_system_indexes", REFUSE_DATA},
    {"data_sync_retry", REFUSE_DATA},
    {"allow_system_table_mods", REFUSE_DATA},
    {"recovery_init_sync_method", REFUSE_DATA},
    {"wal_sync_method", REFUSE_DATA},
    {"wal_level", REFUSE_DATA},
    {"autovacuum", REFUSE_DATA},
    {"track_counts", REFUSE_DATA},
    {"vacuum_failsafe_age", REFUSE_DATA},
    {"vacuum_multixact_failsafe_age", REFUSE_DATA},
    {"autovacuum_freeze_max_age", REFUSE_DATA},
    {"autovacuum_multixact_freeze_max_age", REFUSE_DATA},
    {"remove_temp_files_after_crash", REFUSE_DATA},
    {"synchronous_commit", REFUSE_DURABILITY},
    {"commit_delay", REFUSE_DURABILITY},
    {"synchronous_standby_names", REFUSE_DURABILITY},
    {"wal_skip_threshold", REFUSE_DURABILITY},
    {"hba_file", REFUSE_FILES},
    {"ident_file", REFUSE_FILES},
    {"listen_addresses", REFUSE_LOCKOUT},
    {"port", REFUSE_LOCKOUT},
    {"unix_socket_directories", REFUSE_LOCKOUT},
    {"unix_socket_group", REFUSE_LOCKOUT},
    {"unix_socket_permissions", REFUSE_LOCKOUT},
    {"ssl", REFUSE_LOCKOUT},
    {"ssl_cert_file", REFUSE_LOCKOUT},
    {"ssl_min_protocol_version", REFUSE_LOCKOUT},
    {"krb_server_keyfile", REFUSE_LOCKOUT},
    {"password_encryption", REFUSE_LOCKOUT},
    {"authentication_timeout", REFUSE_LOCKOUT},
    {"superuser_reserved_connections", REFUSE_LOCKOUT},
    {"reserved_connections", REFUSE_LOCKOUT},
    {"db_user_namespace", REFUSE_LOCKOUT},
    {"row_security", REFUSE_LOCKOUT},
    {"restart_after_crash", REFUSE_LOCKOUT},
    {"allow_alter_system", REFUSE_LOCKOUT},
    {"bonjour", REFUSE_LOCKOUT},
    {"idle_session_timeout", REFUSE_LOCKOUT},
    {"idle_in_transaction_session_timeout", REFUSE_LOCKOUT},
    {"statement_timeout", REFUSE_LOCKOUT},
    {"lock_timeout", REFUSE_LOCKOUT},
    {"default_transaction_read_only", REFUSE_LOCKOUT},
    {"search_path", REFUSE_LOCKOUT},
    {"role", REFUSE_LOCKOUT},
    {"data_directory", REFUSE_FILES},
    {"config_file", REFUSE_FILES},
    {"external_pid_file", REFUSE_FILES},
    {"log_directory", REFUSE_FILES},
    {"log_filename", REFUSE_FILES},
    {"log_file_mode", REFUSE_FILES},
    {"stats_temp_directory", REFUSE_FILES},
    {"temp_tablespaces", REFUSE_FILES},
    {"default_tablespace", REFUSE_FILES},
    {"include", REFUSE_FILES},
    {"include_dir", REFUSE_FILES},
    {"include_if_exists", REFUSE_FILES},
    {"recovery_target", REFUSE_REPLICATION},
    {"recovery_target_time", REFUSE_REPLICATION},
    {"primary_conninfo", REFUSE_REPLICATION},
    {"primary_slot_name", REFUSE_REPLICATION},
    {"promote_trigger_file", REFUSE_REPLICATION},
    {"hot_standby", REFUSE_REPLICATION},
    {"max_wal_senders", REFUSE_REPLICATION},
    {"max_replication_slots", REFUSE_REPLICATION},
    {"max_prepared_transactions", REFUSE_REPLICATION},
    {"max_slot_wal_keep_size", REFUSE_REPLICATION},
    {"wal_keep_size", REFUSE_REPLICATION},
    {"cluster_name", REFUSE_REPLICATION},
    {"log_statement", REFUSE_FLOOD},
    {"log_min_duration_statement", REFUSE_FLOOD},
    {"log_parser_stats", REFUSE_FLOOD},
    {"log_planner_stats", REFUSE_FLOOD},
    {"log_executor_stats", REFUSE_FLOOD},
    {"log_statement_stats", REFUSE_FLOOD},
    {"log_connections", REFUSE_FLOOD},
    {"debug_print_plan", REFUSE_FLOOD},
    {"auto_explain.log_analyze", REFUSE_FLOOD},
    {"backtrace_functions", REFUSE_FLOOD},
    {"pre_auth_delay", REFUSE_BENCHMARK},
    {"post_auth_delay", REFUSE_BENCHMARK},
    {"enable_seqscan", REFUSE_BENCHMARK},
    {"track_activities", REFUSE_BENCHMARK},
    {"trace_sort", REFUSE_DEVELOPER},
    {"debug_discard_caches", REFUSE_DEVELOPER},
    {"jit_debugging_support", REFUSE_DEVELOPER},
    {"jit_profiling_support", REFUSE_DEVELOPER},
    {"wal_consistency_checking", REFUSE_DEVELOPER},
    {"plpgsql.check_asserts", REFUSE_UNKNOWN},
};

static void denylist_gives_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(denied); i++)
        if (danger_find(denied[i].name) != denied[i].why)
            fail_msg("%s: %s", denied[i].name, refusal_name(danger_find(denied[i].name)));
    assert_int_equal(danger_find("work_mem"), REFUSE_NONE);
    assert_int_equal(danger_find("autovacuum_naptime"), REFUSE_NONE);
    assert_int_equal(danger_find("portal"), REFUSE_NONE);
    assert_int_equal(danger_find("log_stats"), REFUSE_NONE);
    assert_int_equal(danger_find("log_temp_files"), REFUSE_NONE);
    /* The server knows no case in these names. */
    assert_int_equal(danger_find("FSYNC"), REFUSE_DATA);
    assert_int_equal(danger_find("Ssl_Cert_File"), REFUSE_LOCKOUT);
    assert_int_equal(danger_find("LOG_Parser_STATS"), REFUSE_FLOOD);
}

static void nothing_denied_is_sent(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(denied); i++) {
        struct err e;
        err_clear(&e);
        bool trade = strcmp(denied[i].name, "synchronous_commit") == 0 ||
                     strcmp(denied[i].name, "commit_delay") == 0;
        bool repairable = strcmp(denied[i].name, "zero_damaged_pages") == 0 ||
                          strcmp(denied[i].name, "ignore_checksum_failure") == 0 ||
                          strcmp(denied[i].name, "allow_system_table_mods") == 0 ||
                          strcmp(denied[i].name, "default_transaction_read_only") == 0;
        const char *bad = repairable ? "on" : "off";
        if (guard_send(denied[i].name, bad, &e) != trade)
            fail_msg("%s = %s was let through", denied[i].name, bad);
        if (!trade)
            assert_int_equal(e.code, ERR_REFUSED);
    }
}

static void repairs_pass_in_one_direction(void **state)
{
    (void)state;
    static const struct {
        const char *name, *good, *bad;
    } rows[] = {{"fsync", "on", "off"},
                {"full_page_writes", "on", "off"},
                {"autovacuum", "on", "off"},
                {"track_counts", "on", "off"},
                {"enable_hashjoin", "on", "off"},
                {"enable_memoize", "on", "off"},
                {"zero_damaged_pages", "off", "on"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_true(danger_repaired(rows[i].name, rows[i].good));
        assert_false(danger_repaired(rows[i].name, rows[i].bad));
        assert_true(guard_send(rows[i].name, rows[i].good, NULL));
        assert_false(guard_send(rows[i].name, rows[i].bad, NULL));
        assert_true(guard_send(rows[i].name, NULL, NULL));
    }
    assert_false(danger_repaired("archive_command", "off"));
    assert_false(danger_repaired("work_mem", "on"));
    assert_false(danger_repaired("enable_partitionwise_join", "on"));
    assert_false(guard_send("archive_command", NULL, NULL));
    assert_false(guard_send("port", NULL, NULL));
}

static void sends_only_plain_text(void **state)
{
    (void)state;
    struct err e;
    err_clear(&e);
    assert_true(guard_send("work_mem", "64MB", &e));
    assert_true(guard_send("random_page_cost", "1.1", &e));
    assert_true(guard_send("jit_above_cost", "-1", &e));
    assert_true(guard_send("jit_above_cost", "1e+06", &e));
    assert_true(guard_send("work_mem", NULL, &e));
    static const char *const values[] = {
        "",         " ",   "64MB'",   "64MB;", "64MB\n", "a\\b",     "64MB ", " 64MB", "\"on\"",
        "\xc3\xa9", "a/b", "$libdir", "a\tb",  "\x7f",   "(select)", "a,b",   "%p"};
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        assert_false(guard_send("work_mem", values[i], &e));
    static const char *const names[] = {"",         "WORK_MEM", "work mem", "work_mem;",
                                        "work-mem", "1work",    "\"x\"",    "w\xc3\xb6rk"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        assert_false(guard_send(names[i], "64MB", &e));
    assert_false(guard_send(NULL, "64MB", &e));
    char text[SETTING_VALUE_MAX + 1];
    memset(text, '1', sizeof text);
    text[SETTING_VALUE_MAX] = '\0';
    assert_false(guard_send("work_mem", text, &e));
    text[SETTING_VALUE_MAX - 1] = '\0';
    assert_true(guard_send("work_mem", text, &e));
    char name[80];
    memset(name, 'a', sizeof name);
    name[64] = '\0';
    assert_false(guard_send(name, "on", &e));
}

static void every_refusal_has_words(void **state)
{
    (void)state;
    assert_string_equal(refusal_name(REFUSE_NONE), "");
    for (int r = REFUSE_NONE + 1; r < REFUSE_COUNT; r++) {
        assert_true(strlen(refusal_name((enum refusal)r)) > 5);
        for (int other = REFUSE_NONE; other < r; other++)
            assert_string_not_equal(refusal_name((enum refusal)r),
                                    refusal_name((enum refusal)other));
    }
    assert_string_equal(refusal_name(REFUSE_COUNT), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowlist_holds_what_may_be_proposed),
        cmocka_unit_test(allowlist_is_sound),
        cmocka_unit_test(denylist_gives_the_reason),
        cmocka_unit_test(nothing_denied_is_sent),
        cmocka_unit_test(repairs_pass_in_one_direction),
        cmocka_unit_test(sends_only_plain_text),
        cmocka_unit_test(every_refusal_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
