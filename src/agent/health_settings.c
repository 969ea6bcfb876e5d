/* health_settings.c - checks over the values of settings alone, for the table in health_checks.c. */
#include "pgd/agent/health_parts.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"

static bool is_on(const struct server_facts *f, const char *name)
{
    return settings_bool(&f->settings, name, false);
}

static const char *value_of(const struct server_facts *f, const char *name)
{
    const struct setting *s = settings_find(&f->settings, name);

    return s ? s->value : "";
}

/* The names of a finding, with a comma between them, into its object. */
static enum health_grade named(struct buf *names, enum health_grade g, struct health_look *out)
{
    bool any = names->len > 0;

    text_copy(out->object, sizeof out->object, buf_text(names));
    buf_clear(names);
    return any ? g : HEALTH_OK;
}

static void add_name(struct buf *names, const char *name, const char *value)
{
    buf_printf(names, "%s%s = %s", names->len ? ", " : "", name, value);
}

enum health_grade health_damage_hidden(const struct server_facts *f, struct health_look *out)
{
    static const char *const hides[] = {"zero_damaged_pages", "ignore_checksum_failure",
                                        "ignore_system_indexes", "ignore_invalid_pages",
                                        "data_sync_retry"};
    struct buf names = {0};

    for (size_t i = 0; i < ARRAY_LEN(hides); i++)
        if (is_on(f, hides[i]))
            add_name(&names, hides[i], "on");
    return named(&names, HEALTH_CRITICAL, out);
}

enum health_grade health_synchronous_commit(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return strcmp(value_of(f, "synchronous_commit"), "off") == 0 ? HEALTH_NOTE : HEALTH_OK;
}

enum health_grade health_track_activities(const struct server_facts *f, struct health_look *out)
{
    (void)out;
    return settings_bool(&f->settings, "track_activities", true) ? HEALTH_OK : HEALTH_WARN;
}

/* Those that are on unless somebody has switched them off. */
enum health_grade health_planner_switches(const struct server_facts *f, struct health_look *out)
{
    struct buf names = {0};

    for (int i = 0; i < f->settings.n; i++) {
        const struct setting *s = &f->settings.items[i];
        if (strncmp(s->name, "enable_", 7) == 0 && strcmp(s->boot, "on") == 0 &&
            strcmp(s->value, "off") == 0)
            add_name(&names, s->name, s->value);
    }
    return named(&names, HEALTH_WARN, out);
}

/* The log's own order of severity: what stands behind "error" leaves errors out. */
enum health_grade health_log_lost(const struct server_facts *f, struct health_look *out)
{
    static const char *const levels[] = {"log_min_messages", "log_min_error_statement"};
    static const char *const beyond[] = {"log", "fatal", "panic"};
    struct buf names = {0};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        for (size_t k = 0; k < ARRAY_LEN(beyond); k++)
            if (strcmp(value_of(f, levels[i]), beyond[k]) == 0)
                add_name(&names, levels[i], beyond[k]);
    return named(&names, HEALTH_WARN, out);
}

enum health_grade health_log_all(const struct server_facts *f, struct health_look *out)
{
    struct buf names = {0};

    if (strcmp(value_of(f, "log_statement"), "all") == 0)
        add_name(&names, "log_statement", "all");
    if (strcmp(value_of(f, "log_min_duration_statement"), "0") == 0)
        add_name(&names, "log_min_duration_statement", "0");
    if (is_on(f, "log_duration"))
        add_name(&names, "log_duration", "on");
    return named(&names, HEALTH_NOTE, out);
}

/* Figures with which nobody means to run a server in use, as far below or above the compiled-in ones as no workload needs. */
static const struct {
    const char *name;
    double below, above; /* found when less, or more: bytes, ms, or plain; 0 = no bound */
} far_off[] = {
    {"autovacuum_analyze_scale_factor", 0, 0.5},
    {"autovacuum_freeze_max_age", 0, 1e9},
    {"autovacuum_max_workers", 2, 0},
    {"autovacuum_naptime", 0, 600e3},
    {"autovacuum_vacuum_cost_delay", 0, 50},
    {"autovacuum_vacuum_scale_factor", 0, 0.5},
    {"bgwriter_lru_maxpages", 1, 0},
    {"checkpoint_completion_target", 0.3, 0},
    {"checkpoint_timeout", 60e3, 0},
    {"commit_delay", 0, 10000},
    {"default_statistics_target", 50, 0},
    {"maintenance_work_mem", 8 << 20, 0},
    {"max_connections", 0, 1000},
    {"max_wal_size", 128 << 20, 0},
    {"superuser_reserved_connections", 1, 0},
    {"work_mem", 1 << 20, 0},
};

static bool differs(const struct setting *s)
{
    return s && strcmp(s->value, s->boot) != 0;
}

enum health_grade health_values(const struct server_facts *f, struct health_look *out)
{
    const struct settings *all = &f->settings;
    struct buf names = {0};

    for (size_t i = 0; i < ARRAY_LEN(far_off); i++) {
        const struct setting *s = settings_find(all, far_off[i].name);
        double v = settings_number(all, far_off[i].name);
        if (differs(s) && ((far_off[i].below > 0 && v < far_off[i].below) ||
                           (far_off[i].above > 0 && v > far_off[i].above)))
            add_name(&names, s->name, s->shown);
    }
    if (settings_number(all, "random_page_cost") < settings_number(all, "seq_page_cost"))
        add_name(&names, "random_page_cost", "less than seq_page_cost");
    if (differs(settings_find(all, "effective_cache_size")) &&
        settings_number(all, "effective_cache_size") < settings_number(all, "shared_buffers"))
        add_name(&names, "effective_cache_size", "less than shared_buffers");
    if (strcmp(value_of(f, "wal_level"), "minimal") == 0)
        add_name(&names, "wal_level", "minimal: no backup by WAL, no standby");
    if (!settings_bool(all, "restart_after_crash", true))
        add_name(&names, "restart_after_crash", "off");
    if (is_on(f, "allow_system_table_mods"))
        add_name(&names, "allow_system_table_mods", "on");
    return named(&names, HEALTH_NOTE, out);
}

/* What each session begins with, and hardly one wants. */
enum health_grade health_session_defaults(const struct server_facts *f, struct health_look *out)
{
    const char *role = value_of(f, "session_replication_role");
    struct buf names = {0};

    if (is_on(f, "default_transaction_read_only"))
        add_name(&names, "default_transaction_read_only", "on");
    if (*role && strcmp(role, "origin") != 0)
        add_name(&names, "session_replication_role", role);
    return named(&names, HEALTH_WARN, out);
}

enum health_grade health_clear_text(const struct server_facts *f, struct health_look *out)
{
    const char *listen = value_of(f, "listen_addresses");

    if (!settings_find(&f->settings, "ssl") || is_on(f, "ssl") ||
        (!strchr(listen, '*') && !strstr(listen, "0.0.0.0") && !strstr(listen, "::,") &&
         strcmp(listen, "::") != 0))
        return HEALTH_OK;
    snprintf(out->figure, sizeof out->figure, "listen_addresses = %.60s, ssl = off", listen);
    return HEALTH_NOTE;
}

enum health_grade health_archive_empty(const struct server_facts *f, struct health_look *out)
{
    const char *mode = value_of(f, "archive_mode");

    if (*mode == '\0' || strcmp(mode, "off") == 0 || *value_of(f, "archive_command") ||
        *value_of(f, "archive_library"))
        return HEALTH_OK;
    snprintf(out->figure, sizeof out->figure, "archive_mode = %s, archive_command is empty", mode);
    return HEALTH_WARN;
}
