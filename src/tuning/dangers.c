/* The denylist: settings that must not be introduced, each with the reason, and the one value of each that
 * repairs an inherited danger. It is kept apart from the allowlist, and is asked twice: by the review, and once
 * more by guard_send() just before a statement goes out, where a name on neither list is refused, too. */
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/protocol/records.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/knobs.h"

struct danger {
    const char *pattern; /* a name; one '*' stands for any text */
    enum refusal why;
    const char *safe; /* the value that is always allowed, or NULL */
    bool trade;       /* REFUSE_DURABILITY only: may be sent when the review let it pass */
};

/* The first match counts, so that single names stand before the prefixes that hold them. */
/* clang-format off */
static const struct danger dangers[] = {
    {.pattern = "archive_command", .why = REFUSE_COMMAND},
    {.pattern = "restore_command", .why = REFUSE_COMMAND},
    {.pattern = "archive_cleanup_command", .why = REFUSE_COMMAND},
    {.pattern = "recovery_end_command", .why = REFUSE_COMMAND},
    {.pattern = "ssl_passphrase_command*", .why = REFUSE_COMMAND},

    {.pattern = "*_preload_libraries", .why = REFUSE_CODE},
    {.pattern = "jit_provider", .why = REFUSE_CODE},
    {.pattern = "archive_library", .why = REFUSE_CODE},
    {.pattern = "dynamic_library_path", .why = REFUSE_CODE},
    {.pattern = "output_plugin_libraries", .why = REFUSE_CODE},
    {.pattern = "oauth_validator_libraries", .why = REFUSE_CODE},
    {.pattern = "extension_control_path", .why = REFUSE_CODE},
    {.pattern = "extension_destdir", .why = REFUSE_CODE},

    {.pattern = "fsync", .why = REFUSE_DATA, .safe = "on"},
    {.pattern = "full_page_writes", .why = REFUSE_DATA, .safe = "on"},
    {.pattern = "autovacuum", .why = REFUSE_DATA, .safe = "on"},
    {.pattern = "track_counts", .why = REFUSE_DATA, .safe = "on"},
    {.pattern = "zero_damaged_pages", .why = REFUSE_DATA, .safe = "off"},
    {.pattern = "ignore_checksum_failure", .why = REFUSE_DATA, .safe = "off"},
    {.pattern = "ignore_invalid_pages", .why = REFUSE_DATA},
    {.pattern = "ignore_system_indexes", .why = REFUSE_DATA},
    {.pattern = "data_sync_retry", .why = REFUSE_DATA},
    {.pattern = "allow_system_table_mods", .why = REFUSE_DATA, .safe = "off"},
    {.pattern = "recovery_init_sync_method", .why = REFUSE_DATA},
    {.pattern = "wal_sync_method", .why = REFUSE_DATA},
    {.pattern = "wal_level", .why = REFUSE_DATA},
    {.pattern = "*_failsafe_age", .why = REFUSE_DATA},
    {.pattern = "*freeze_max_age", .why = REFUSE_DATA},
    {.pattern = "remove_temp_files_after_crash", .why = REFUSE_DATA},

    {.pattern = "synchronous_commit", .why = REFUSE_DURABILITY, .safe = "on", .trade = true},
    {.pattern = "commit_delay", .why = REFUSE_DURABILITY, .safe = "0", .trade = true},
    {.pattern = "commit_siblings", .why = REFUSE_DURABILITY, .trade = true},
    {.pattern = "synchronous_standby_names", .why = REFUSE_DURABILITY},
    {.pattern = "wal_skip_threshold", .why = REFUSE_DURABILITY},

    {.pattern = "listen_addresses", .why = REFUSE_LOCKOUT},
    {.pattern = "port", .why = REFUSE_LOCKOUT},
    {.pattern = "unix_socket_*", .why = REFUSE_LOCKOUT},
    {.pattern = "ssl", .why = REFUSE_LOCKOUT},
    {.pattern = "ssl_*", .why = REFUSE_LOCKOUT},
    {.pattern = "krb_*", .why = REFUSE_LOCKOUT},
    {.pattern = "gss_*", .why = REFUSE_LOCKOUT},
    {.pattern = "password_encryption", .why = REFUSE_LOCKOUT},
    {.pattern = "authentication_timeout", .why = REFUSE_LOCKOUT},
    {.pattern = "superuser_reserved_connections", .why = REFUSE_LOCKOUT},
    {.pattern = "reserved_connections", .why = REFUSE_LOCKOUT},
    {.pattern = "db_user_namespace", .why = REFUSE_LOCKOUT},
    {.pattern = "row_security", .why = REFUSE_LOCKOUT},
    {.pattern = "restart_after_crash", .why = REFUSE_LOCKOUT},
    {.pattern = "allow_alter_system", .why = REFUSE_LOCKOUT},
    {.pattern = "bonjour*", .why = REFUSE_LOCKOUT},
    {.pattern = "idle_session_timeout", .why = REFUSE_LOCKOUT},
    {.pattern = "idle_in_transaction_session_timeout", .why = REFUSE_LOCKOUT},
    {.pattern = "transaction_timeout", .why = REFUSE_LOCKOUT},
    {.pattern = "statement_timeout", .why = REFUSE_LOCKOUT},
    {.pattern = "lock_timeout", .why = REFUSE_LOCKOUT},
    {.pattern = "default_transaction_read_only", .why = REFUSE_LOCKOUT, .safe = "off"},
    {.pattern = "transaction_read_only", .why = REFUSE_LOCKOUT},
    {.pattern = "search_path", .why = REFUSE_LOCKOUT},
    {.pattern = "role", .why = REFUSE_LOCKOUT},
    {.pattern = "session_authorization", .why = REFUSE_LOCKOUT},
    {.pattern = "event_triggers", .why = REFUSE_LOCKOUT},

    {.pattern = "data_directory", .why = REFUSE_FILES},
    {.pattern = "config_file", .why = REFUSE_FILES},
    {.pattern = "hba_file", .why = REFUSE_FILES},
    {.pattern = "ident_file", .why = REFUSE_FILES},
    {.pattern = "external_pid_file", .why = REFUSE_FILES},
    {.pattern = "log_directory", .why = REFUSE_FILES},
    {.pattern = "log_filename", .why = REFUSE_FILES},
    {.pattern = "log_file_mode", .why = REFUSE_FILES},
    {.pattern = "log_destination", .why = REFUSE_FILES},
    {.pattern = "logging_collector", .why = REFUSE_FILES},
    {.pattern = "stats_temp_directory", .why = REFUSE_FILES},
    {.pattern = "temp_tablespaces", .why = REFUSE_FILES},
    {.pattern = "default_tablespace", .why = REFUSE_FILES},
    {.pattern = "include*", .why = REFUSE_FILES},

    {.pattern = "recovery_*", .why = REFUSE_REPLICATION},
    {.pattern = "primary_conninfo", .why = REFUSE_REPLICATION},
    {.pattern = "primary_slot_name", .why = REFUSE_REPLICATION},
    {.pattern = "promote_trigger_file", .why = REFUSE_REPLICATION},
    {.pattern = "trigger_file", .why = REFUSE_REPLICATION},
    {.pattern = "hot_standby*", .why = REFUSE_REPLICATION},
    {.pattern = "archive_mode", .why = REFUSE_REPLICATION},
    {.pattern = "archive_timeout", .why = REFUSE_REPLICATION},
    {.pattern = "max_wal_senders", .why = REFUSE_REPLICATION},
    {.pattern = "max_replication_slots", .why = REFUSE_REPLICATION},
    {.pattern = "max_prepared_transactions", .why = REFUSE_REPLICATION},
    {.pattern = "max_slot_wal_keep_size", .why = REFUSE_REPLICATION},
    {.pattern = "max_standby_*", .why = REFUSE_REPLICATION},
    {.pattern = "wal_keep_*", .why = REFUSE_REPLICATION},
    {.pattern = "wal_receiver_*", .why = REFUSE_REPLICATION},
    {.pattern = "wal_sender_timeout", .why = REFUSE_REPLICATION},
    {.pattern = "idle_replication_slot_timeout", .why = REFUSE_REPLICATION},
    {.pattern = "synchronized_standby_slots", .why = REFUSE_REPLICATION},
    {.pattern = "sync_replication_slots", .why = REFUSE_REPLICATION},
    {.pattern = "session_replication_role", .why = REFUSE_REPLICATION},
    {.pattern = "cluster_name", .why = REFUSE_REPLICATION},

    {.pattern = "log_statement", .why = REFUSE_FLOOD},
    {.pattern = "log_min_duration_*", .why = REFUSE_FLOOD},
    {.pattern = "log_*_stats", .why = REFUSE_FLOOD},
    {.pattern = "log_*_sample_rate", .why = REFUSE_FLOOD},
    {.pattern = "log_parameter_max_length*", .why = REFUSE_FLOOD},
    {.pattern = "log_min_messages", .why = REFUSE_FLOOD},
    {.pattern = "log_min_error_statement", .why = REFUSE_FLOOD},
    {.pattern = "log_duration", .why = REFUSE_FLOOD},
    {.pattern = "log_connections", .why = REFUSE_FLOOD},
    {.pattern = "log_disconnections", .why = REFUSE_FLOOD},
    {.pattern = "log_replication_commands", .why = REFUSE_FLOOD},
    {.pattern = "debug_print_*", .why = REFUSE_FLOOD},
    {.pattern = "backtrace_functions", .why = REFUSE_FLOOD},
    {.pattern = "auto_explain.*", .why = REFUSE_FLOOD},

    {.pattern = "pre_auth_delay", .why = REFUSE_BENCHMARK},
    {.pattern = "post_auth_delay", .why = REFUSE_BENCHMARK},
    {.pattern = "track_activities", .why = REFUSE_BENCHMARK, .safe = "on"},
    {.pattern = "track_functions", .why = REFUSE_BENCHMARK},
    {.pattern = "track_wal_io_timing", .why = REFUSE_BENCHMARK},
    {.pattern = "track_cost_delay_timing", .why = REFUSE_BENCHMARK},
    {.pattern = "enable_partitionwise_*", .why = REFUSE_BENCHMARK},
    {.pattern = "enable_*", .why = REFUSE_BENCHMARK, .safe = "on"},

    {.pattern = "trace_*", .why = REFUSE_DEVELOPER},
    {.pattern = "debug_*", .why = REFUSE_DEVELOPER},
    {.pattern = "ignore_*", .why = REFUSE_DEVELOPER},
    {.pattern = "jit_debugging_support", .why = REFUSE_DEVELOPER},
    {.pattern = "jit_dump_bitcode", .why = REFUSE_DEVELOPER},
    {.pattern = "jit_expressions", .why = REFUSE_DEVELOPER},
    {.pattern = "jit_profiling_support", .why = REFUSE_DEVELOPER},
    {.pattern = "jit_tuple_deforming", .why = REFUSE_DEVELOPER},
    {.pattern = "wal_consistency_checking", .why = REFUSE_DEVELOPER},
    {.pattern = "allow_in_place_tablespaces", .why = REFUSE_DEVELOPER},
    {.pattern = "force_parallel_mode", .why = REFUSE_DEVELOPER},
    {.pattern = "send_abort_for_*", .why = REFUSE_DEVELOPER},
    {.pattern = "exit_on_error", .why = REFUSE_DEVELOPER},

    {.pattern = "*.*", .why = REFUSE_UNKNOWN}, /* an extension's own setting */
};
/* clang-format on */

/* Setting names know no case: "FSYNC" is fsync. */
static bool starts(const char *s, const char *prefix, size_t n)
{
    char head[SETTING_NAME_MAX];
    char want[SETTING_NAME_MAX];
    if (strlen(s) < n || n >= sizeof head)
        return false;
    memcpy(head, s, n);
    memcpy(want, prefix, n);
    head[n] = want[n] = '\0';
    return text_eq_nocase(head, want);
}

static bool matches(const char *pattern, const char *name)
{
    if (strcmp(pattern, "*.*") == 0)
        return strchr(name, '.') != NULL;
    const char *star = strchr(pattern, '*');
    if (!star)
        return text_eq_nocase(pattern, name);
    size_t before = (size_t)(star - pattern);
    size_t after = strlen(star + 1);
    size_t len = strlen(name);
    return len >= before + after && starts(name, pattern, before) &&
           text_eq_nocase(name + len - after, star + 1);
}

static const struct danger *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(dangers); i++)
        if (matches(dangers[i].pattern, name))
            return &dangers[i];
    return NULL;
}

enum refusal danger_find(const char *name)
{
    const struct danger *d = find(name);
    return d ? d->why : REFUSE_NONE;
}

bool danger_repaired(const char *name, const char *value)
{
    const struct danger *d = find(name);
    return d && d->safe && text_eq_nocase(d->safe, value);
}

/* No value that this program sends needs a quote, a backslash, a semicolon or anything outside ASCII. */
static bool plain_value(const char *value)
{
    size_t n = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ._+-");
    return n > 0 && value[n] == '\0' && n < SETTING_VALUE_MAX && value[0] != ' ' &&
           value[n - 1] != ' ';
}

bool guard_send(const char *name, const char *value, struct err *e)
{
    if (!name || !text_is_ident(name))
        return err_set(e, ERR_REFUSED, "refused to send: not a setting's name");
    if (value && !plain_value(value))
        return err_set(e, ERR_REFUSED, "refused to send: the value of %s is not plain text", name);
    const struct danger *d = find(name);
    if (!d && !knob_find(name))
        return err_set(e, ERR_REFUSED, "refused to send: %s %s", name,
                       refusal_name(REFUSE_UNKNOWN));
    if (!d || d->trade)
        return true;
    /* Taking a repair back is a RESET; nothing else of the list was ever set by us. */
    if (d->safe && (!value || text_eq_nocase(d->safe, value)))
        return true;
    return err_set(e, ERR_REFUSED, "refused to send: %s %s", name, refusal_name(d->why));
}
