/* What a stock server of version 15 says in pg_settings about the settings that the tests use, and a machine around it:
 * 16 GB, 4 CPUs, an SSD with 100 GB free. */
#pragma once

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/discovery/facts.h"

/* clang-format off */
static const struct setting pg15_settings[] = {
    {.name = "archive_command", .value = "(disabled)", .unit = "", .context = "sighup", .vartype = "string", .min = "", .max = "", .enumvals = "", .boot = "", .source = "default"},
    {.name = "autovacuum", .value = "on", .unit = "", .context = "sighup", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "autovacuum_analyze_scale_factor", .value = "0.1", .unit = "", .context = "sighup", .vartype = "real", .min = "0", .max = "100", .enumvals = "", .boot = "0.1", .source = "default"},
    {.name = "autovacuum_analyze_threshold", .value = "50", .unit = "", .context = "sighup", .vartype = "integer", .min = "0", .max = "2147483647", .enumvals = "", .boot = "50", .source = "default"},
    {.name = "autovacuum_max_workers", .value = "3", .unit = "", .context = "postmaster", .vartype = "integer", .min = "1", .max = "262143", .enumvals = "", .boot = "3", .source = "default"},
    {.name = "autovacuum_naptime", .value = "60", .unit = "s", .context = "sighup", .vartype = "integer", .min = "1", .max = "2147483", .enumvals = "", .boot = "60", .source = "default"},
    {.name = "autovacuum_vacuum_cost_delay", .value = "2", .unit = "ms", .context = "sighup", .vartype = "real", .min = "-1", .max = "100", .enumvals = "", .boot = "2", .source = "default"},
    {.name = "autovacuum_vacuum_cost_limit", .value = "-1", .unit = "", .context = "sighup", .vartype = "integer", .min = "-1", .max = "10000", .enumvals = "", .boot = "-1", .source = "default"},
    {.name = "autovacuum_vacuum_insert_scale_factor", .value = "0.2", .unit = "", .context = "sighup", .vartype = "real", .min = "0", .max = "100", .enumvals = "", .boot = "0.2", .source = "default"},
    {.name = "autovacuum_vacuum_insert_threshold", .value = "1000", .unit = "", .context = "sighup", .vartype = "integer", .min = "-1", .max = "2147483647", .enumvals = "", .boot = "1000", .source = "default"},
    {.name = "autovacuum_vacuum_scale_factor", .value = "0.2", .unit = "", .context = "sighup", .vartype = "real", .min = "0", .max = "100", .enumvals = "", .boot = "0.2", .source = "default"},
    {.name = "autovacuum_vacuum_threshold", .value = "50", .unit = "", .context = "sighup", .vartype = "integer", .min = "0", .max = "2147483647", .enumvals = "", .boot = "50", .source = "default"},
    {.name = "autovacuum_work_mem", .value = "-1", .unit = "kB", .context = "sighup", .vartype = "integer", .min = "-1", .max = "2147483647", .enumvals = "", .boot = "-1", .source = "default"},
    {.name = "backend_flush_after", .value = "0", .unit = "8kB", .context = "user", .vartype = "integer", .min = "0", .max = "256", .enumvals = "", .boot = "0", .source = "default"},
    {.name = "bgwriter_delay", .value = "200", .unit = "ms", .context = "sighup", .vartype = "integer", .min = "10", .max = "10000", .enumvals = "", .boot = "200", .source = "default"},
    {.name = "bgwriter_flush_after", .value = "64", .unit = "8kB", .context = "sighup", .vartype = "integer", .min = "0", .max = "256", .enumvals = "", .boot = "64", .source = "default"},
    {.name = "bgwriter_lru_maxpages", .value = "100", .unit = "", .context = "sighup", .vartype = "integer", .min = "0", .max = "1073741823", .enumvals = "", .boot = "100", .source = "default"},
    {.name = "bgwriter_lru_multiplier", .value = "2", .unit = "", .context = "sighup", .vartype = "real", .min = "0", .max = "10", .enumvals = "", .boot = "2", .source = "default"},
    {.name = "block_size", .value = "8192", .unit = "", .context = "internal", .vartype = "integer", .min = "8192", .max = "8192", .enumvals = "", .boot = "8192", .source = "default"},
    {.name = "checkpoint_completion_target", .value = "0.9", .unit = "", .context = "sighup", .vartype = "real", .min = "0", .max = "1", .enumvals = "", .boot = "0.9", .source = "default"},
    {.name = "checkpoint_flush_after", .value = "32", .unit = "8kB", .context = "sighup", .vartype = "integer", .min = "0", .max = "256", .enumvals = "", .boot = "32", .source = "default"},
    {.name = "checkpoint_timeout", .value = "300", .unit = "s", .context = "sighup", .vartype = "integer", .min = "30", .max = "86400", .enumvals = "", .boot = "300", .source = "default"},
    {.name = "commit_delay", .value = "0", .unit = "", .context = "superuser", .vartype = "integer", .min = "0", .max = "100000", .enumvals = "", .boot = "0", .source = "default"},
    {.name = "commit_siblings", .value = "5", .unit = "", .context = "user", .vartype = "integer", .min = "0", .max = "1000", .enumvals = "", .boot = "5", .source = "default"},
    {.name = "compute_query_id", .value = "auto", .unit = "", .context = "superuser", .vartype = "enum", .min = "", .max = "", .enumvals = "{auto,regress,on,off}", .boot = "auto", .source = "default"},
    {.name = "cpu_index_tuple_cost", .value = "0.005", .unit = "", .context = "user", .vartype = "real", .min = "0", .max = "1.79769e+308", .enumvals = "", .boot = "0.005", .source = "default"},
    {.name = "cpu_operator_cost", .value = "0.0025", .unit = "", .context = "user", .vartype = "real", .min = "0", .max = "1.79769e+308", .enumvals = "", .boot = "0.0025", .source = "default"},
    {.name = "cpu_tuple_cost", .value = "0.01", .unit = "", .context = "user", .vartype = "real", .min = "0", .max = "1.79769e+308", .enumvals = "", .boot = "0.01", .source = "default"},
    {.name = "cursor_tuple_fraction", .value = "0.1", .unit = "", .context = "user", .vartype = "real", .min = "0", .max = "1", .enumvals = "", .boot = "0.1", .source = "default"},
    {.name = "default_statistics_target", .value = "100", .unit = "", .context = "user", .vartype = "integer", .min = "1", .max = "10000", .enumvals = "", .boot = "100", .source = "default"},
    {.name = "effective_cache_size", .value = "524288", .unit = "8kB", .context = "user", .vartype = "integer", .min = "1", .max = "2147483647", .enumvals = "", .boot = "524288", .source = "default"},
    {.name = "effective_io_concurrency", .value = "1", .unit = "", .context = "user", .vartype = "integer", .min = "0", .max = "1000", .enumvals = "", .boot = "1", .source = "default"},
    {.name = "enable_hashjoin", .value = "on", .unit = "", .context = "user", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "enable_partitionwise_join", .value = "off", .unit = "", .context = "user", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "off", .source = "default"},
    {.name = "fsync", .value = "on", .unit = "", .context = "sighup", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "full_page_writes", .value = "on", .unit = "", .context = "sighup", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "hash_mem_multiplier", .value = "2", .unit = "", .context = "user", .vartype = "real", .min = "1", .max = "1000", .enumvals = "", .boot = "2", .source = "default"},
    {.name = "huge_pages", .value = "try", .unit = "", .context = "postmaster", .vartype = "enum", .min = "", .max = "", .enumvals = "{off,on,try}", .boot = "try", .source = "default"},
    {.name = "jit", .value = "on", .unit = "", .context = "user", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "jit_above_cost", .value = "100000", .unit = "", .context = "user", .vartype = "real", .min = "-1", .max = "1.79769e+308", .enumvals = "", .boot = "100000", .source = "default"},
    {.name = "jit_inline_above_cost", .value = "500000", .unit = "", .context = "user", .vartype = "real", .min = "-1", .max = "1.79769e+308", .enumvals = "", .boot = "500000", .source = "default"},
    {.name = "jit_optimize_above_cost", .value = "500000", .unit = "", .context = "user", .vartype = "real", .min = "-1", .max = "1.79769e+308", .enumvals = "", .boot = "500000", .source = "default"},
    {.name = "log_checkpoints", .value = "on", .unit = "", .context = "sighup", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "log_statement", .value = "none", .unit = "", .context = "superuser", .vartype = "enum", .min = "", .max = "", .enumvals = "{none,ddl,mod,all}", .boot = "none", .source = "default"},
    {.name = "log_temp_files", .value = "-1", .unit = "kB", .context = "superuser", .vartype = "integer", .min = "-1", .max = "2147483647", .enumvals = "", .boot = "-1", .source = "default"},
    {.name = "maintenance_io_concurrency", .value = "10", .unit = "", .context = "user", .vartype = "integer", .min = "0", .max = "1000", .enumvals = "", .boot = "10", .source = "default"},
    {.name = "maintenance_work_mem", .value = "65536", .unit = "kB", .context = "user", .vartype = "integer", .min = "1024", .max = "2147483647", .enumvals = "", .boot = "65536", .source = "default"},
    {.name = "max_connections", .value = "100", .unit = "", .context = "postmaster", .vartype = "integer", .min = "1", .max = "262143", .enumvals = "", .boot = "100", .source = "default"},
    {.name = "max_locks_per_transaction", .value = "64", .unit = "", .context = "postmaster", .vartype = "integer", .min = "10", .max = "2147483647", .enumvals = "", .boot = "64", .source = "default"},
    {.name = "max_parallel_maintenance_workers", .value = "2", .unit = "", .context = "user", .vartype = "integer", .min = "0", .max = "1024", .enumvals = "", .boot = "2", .source = "default"},
    {.name = "max_parallel_workers", .value = "8", .unit = "", .context = "user", .vartype = "integer", .min = "0", .max = "1024", .enumvals = "", .boot = "8", .source = "default"},
    {.name = "max_parallel_workers_per_gather", .value = "2", .unit = "", .context = "user", .vartype = "integer", .min = "0", .max = "1024", .enumvals = "", .boot = "2", .source = "default"},
    {.name = "max_wal_senders", .value = "10", .unit = "", .context = "postmaster", .vartype = "integer", .min = "0", .max = "262143", .enumvals = "", .boot = "10", .source = "default"},
    {.name = "max_wal_size", .value = "1024", .unit = "MB", .context = "sighup", .vartype = "integer", .min = "2", .max = "2147483647", .enumvals = "", .boot = "1024", .source = "default"},
    {.name = "max_worker_processes", .value = "8", .unit = "", .context = "postmaster", .vartype = "integer", .min = "0", .max = "262143", .enumvals = "", .boot = "8", .source = "default"},
    {.name = "min_wal_size", .value = "80", .unit = "MB", .context = "sighup", .vartype = "integer", .min = "2", .max = "2147483647", .enumvals = "", .boot = "80", .source = "default"},
    {.name = "post_auth_delay", .value = "0", .unit = "s", .context = "backend", .vartype = "integer", .min = "0", .max = "2147", .enumvals = "", .boot = "0", .source = "default"},
    {.name = "random_page_cost", .value = "4", .unit = "", .context = "user", .vartype = "real", .min = "0", .max = "1.79769e+308", .enumvals = "", .boot = "4", .source = "default"},
    {.name = "seq_page_cost", .value = "1", .unit = "", .context = "user", .vartype = "real", .min = "0", .max = "1.79769e+308", .enumvals = "", .boot = "1", .source = "default"},
    {.name = "shared_buffers", .value = "16384", .unit = "8kB", .context = "postmaster", .vartype = "integer", .min = "16", .max = "1073741823", .enumvals = "", .boot = "16384", .source = "default"},
    {.name = "shared_preload_libraries", .value = "", .unit = "", .context = "postmaster", .vartype = "string", .min = "", .max = "", .enumvals = "", .boot = "", .source = "default"},
    {.name = "synchronous_commit", .value = "on", .unit = "", .context = "user", .vartype = "enum", .min = "", .max = "", .enumvals = "{local,remote_write,remote_apply,on,off}", .boot = "on", .source = "default"},
    {.name = "temp_buffers", .value = "1024", .unit = "8kB", .context = "user", .vartype = "integer", .min = "100", .max = "1073741823", .enumvals = "", .boot = "1024", .source = "default"},
    {.name = "track_counts", .value = "on", .unit = "", .context = "superuser", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "on", .source = "default"},
    {.name = "track_io_timing", .value = "off", .unit = "", .context = "superuser", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "off", .source = "default"},
    {.name = "wal_buffers", .value = "512", .unit = "8kB", .context = "postmaster", .vartype = "integer", .min = "-1", .max = "262143", .enumvals = "", .boot = "-1", .source = "default"},
    {.name = "wal_compression", .value = "off", .unit = "", .context = "superuser", .vartype = "enum", .min = "", .max = "", .enumvals = "{pglz,lz4,zstd,on,off}", .boot = "off", .source = "default"},
    {.name = "wal_level", .value = "replica", .unit = "", .context = "postmaster", .vartype = "enum", .min = "", .max = "", .enumvals = "{minimal,replica,logical}", .boot = "replica", .source = "default"},
    {.name = "wal_writer_delay", .value = "1500", .unit = "ms", .context = "sighup", .vartype = "integer", .min = "1", .max = "10000", .enumvals = "", .boot = "200", .source = "default"},
    {.name = "wal_writer_flush_after", .value = "128", .unit = "8kB", .context = "sighup", .vartype = "integer", .min = "0", .max = "2147483647", .enumvals = "", .boot = "128", .source = "default"},
    {.name = "work_mem", .value = "4096", .unit = "kB", .context = "user", .vartype = "integer", .min = "64", .max = "2147483647", .enumvals = "", .boot = "4096", .source = "default"},
    {.name = "zero_damaged_pages", .value = "off", .unit = "", .context = "superuser", .vartype = "bool", .min = "", .max = "", .enumvals = "", .boot = "off", .source = "default"},
};
/* clang-format on */

static inline struct setting *pg15_setting(struct server_facts *f, const char *name)
{
    for (int i = 0; i < f->settings.n; i++)
        if (strcmp(f->settings.items[i].name, name) == 0)
            return &f->settings.items[i];
    return NULL;
}

/* Value in the setting's own unit, as pg_settings has it. */
static inline void pg15_set(struct server_facts *f, const char *name, const char *value)
{
    snprintf(pg15_setting(f, name)->value, sizeof pg15_settings[0].value, "%s", value);
}

/* To be cleared with server_facts_clear(). */
static inline void pg15_facts(struct server_facts *f)
{
    memset(f, 0, sizeof *f);
    server_facts_clear(f);
    f->settings.n = (int)ARRAY_LEN(pg15_settings);
    f->settings.items = xmalloc(sizeof pg15_settings);
    memcpy(f->settings.items, pg15_settings, sizeof pg15_settings);
    f->id.version_num = 150018;
    snprintf(f->id.role, sizeof f->id.role, "postgres");
    snprintf(f->id.database, sizeof f->id.database, "shop");
    f->host.known = true;
    f->host.cpus = 4;
    f->host.mem_total = 16.0 * 1073741824;
    f->host.overcommit = 0;
    snprintf(f->host.data.kind, sizeof f->host.data.kind, "ssd");
    f->host.data.total_bytes = 200.0 * 1073741824;
    f->host.data.free_bytes = 100.0 * 1073741824;
    f->runtime.sessions = 24;
    f->runtime.replicas = 0;
}
