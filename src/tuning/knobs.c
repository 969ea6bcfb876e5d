/* The allowlist: each setting that may be proposed, with its group, its policy limits and one sentence for the DBA.
 *
 * Limits are narrower than the server's own: they keep a plausible-looking typing error (work_mem = 64, which is 64 kB)
 * and an advisor's fantasy out. Version limits name the first version that has the setting. */
#include "pgd/tuning/knobs.h"

#include <math.h>
#include <stddef.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"

#define KB 1024.0
#define MB (1024.0 * KB)
#define GB (1024.0 * MB)
#define SECOND 1000.0
#define MINUTE (60.0 * SECOND)

/* clang-format off */
static const struct knob knobs[] = {
    {.name = "shared_buffers", .group = KNOB_MEMORY, .floor = 16 * MB, .ceiling = NAN,
     .meaning = "The server's own cache of table and index pages."},
    {.name = "work_mem", .group = KNOB_MEMORY, .flags = KNOB_PER_SESSION, .floor = 1 * MB, .ceiling = 2 * GB,
     .meaning = "Memory of one sort or hash step before it goes to temporary files."},
    {.name = "maintenance_work_mem", .group = KNOB_MEMORY, .floor = 16 * MB, .ceiling = 16 * GB,
     .meaning = "Memory of VACUUM, CREATE INDEX and other maintenance."},
    {.name = "autovacuum_work_mem", .group = KNOB_MEMORY, .flags = KNOB_MINUS_ONE, .floor = 16 * MB, .ceiling = 8 * GB,
     .meaning = "Memory of each autovacuum worker; -1 takes maintenance_work_mem."},
    {.name = "effective_cache_size", .group = KNOB_MEMORY, .floor = 64 * MB, .ceiling = NAN,
     .meaning = "What the planner assumes to be cached by server and system together; allocates nothing."},
    {.name = "hash_mem_multiplier", .group = KNOB_MEMORY, .flags = KNOB_PER_SESSION, .min_version = 130000,
     .floor = 1, .ceiling = 8,
     .meaning = "How many times work_mem a hash step may use."},
    {.name = "temp_buffers", .group = KNOB_MEMORY, .flags = KNOB_PER_SESSION, .floor = 1 * MB, .ceiling = 1 * GB,
     .meaning = "Cache of temporary tables in each session that uses them."},
    {.name = "huge_pages", .group = KNOB_MEMORY, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether shared memory uses huge pages when the system has reserved them."},
    {.name = "max_connections", .group = KNOB_MEMORY, .flags = KNOB_DBA_ONLY, .floor = 10, .ceiling = 10000,
     .meaning = "The most sessions at a time."},
    {.name = "wal_buffers", .group = KNOB_MEMORY, .flags = KNOB_MINUS_ONE, .floor = 64 * KB, .ceiling = 256 * MB,
     .meaning = "Shared memory for WAL that is not yet written; -1 derives it from shared_buffers."},

    {.name = "max_wal_size", .group = KNOB_WAL, .floor = 128 * MB, .ceiling = 256 * GB,
     .meaning = "How much WAL may gather before a checkpoint is requested."},
    {.name = "min_wal_size", .group = KNOB_WAL, .floor = 32 * MB, .ceiling = 64 * GB,
     .meaning = "How much WAL is kept for recycling instead of being removed."},
    {.name = "checkpoint_timeout", .group = KNOB_WAL, .floor = 30 * SECOND, .ceiling = 60 * MINUTE,
     .meaning = "The longest time between two checkpoints."},
    {.name = "checkpoint_completion_target", .group = KNOB_WAL, .floor = 0.5, .ceiling = 0.99,
     .meaning = "Over which share of the interval a checkpoint spreads its writes."},
    {.name = "checkpoint_flush_after", .group = KNOB_WAL, .floor = NAN, .ceiling = NAN,
     .meaning = "After how many written pages a checkpoint asks the system to write them out."},
    {.name = "wal_compression", .group = KNOB_WAL, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether full page images in the WAL are compressed: less WAL for some CPU."},
    {.name = "wal_writer_delay", .group = KNOB_WAL, .floor = 10, .ceiling = 1 * SECOND,
     .meaning = "How often the WAL writer flushes."},
    {.name = "wal_writer_flush_after", .group = KNOB_WAL, .floor = NAN, .ceiling = 64 * MB,
     .meaning = "After how much WAL the WAL writer flushes."},
    {.name = "commit_delay", .group = KNOB_WAL, .flags = KNOB_DURABILITY, .floor = 0, .ceiling = 10000,
     .meaning = "How long (microseconds) a commit waits for others to share its flush."},
    {.name = "commit_siblings", .group = KNOB_WAL, .flags = KNOB_DURABILITY, .floor = 1, .ceiling = 100,
     .meaning = "How many other open transactions it takes for commit_delay to act."},
    {.name = "synchronous_commit", .group = KNOB_WAL, .flags = KNOB_DURABILITY, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether a commit waits until its WAL is on the disk."},

    {.name = "bgwriter_delay", .group = KNOB_BGWRITER, .floor = 10, .ceiling = 1 * SECOND,
     .meaning = "The pause between two rounds of the background writer."},
    {.name = "bgwriter_lru_maxpages", .group = KNOB_BGWRITER, .floor = 10, .ceiling = 10000,
     .meaning = "The most pages that the background writer writes in a round."},
    {.name = "bgwriter_lru_multiplier", .group = KNOB_BGWRITER, .floor = 0.5, .ceiling = 10,
     .meaning = "How far ahead of the demand the background writer cleans pages."},
    {.name = "bgwriter_flush_after", .group = KNOB_BGWRITER, .floor = NAN, .ceiling = NAN,
     .meaning = "After how many written pages the background writer asks the system to write them out."},
    {.name = "backend_flush_after", .group = KNOB_BGWRITER, .floor = NAN, .ceiling = NAN,
     .meaning = "After how many written pages a session asks the system to write them out."},

    {.name = "random_page_cost", .group = KNOB_PLANNER, .floor = 0.5, .ceiling = 10,
     .meaning = "The planner's price of a page read out of order."},
    {.name = "seq_page_cost", .group = KNOB_PLANNER, .floor = 0.1, .ceiling = 4,
     .meaning = "The planner's price of a page read in order."},
    {.name = "cpu_tuple_cost", .group = KNOB_PLANNER, .floor = 0.0001, .ceiling = 1,
     .meaning = "The planner's price of one row."},
    {.name = "cpu_index_tuple_cost", .group = KNOB_PLANNER, .floor = 0.0001, .ceiling = 1,
     .meaning = "The planner's price of one index entry."},
    {.name = "cpu_operator_cost", .group = KNOB_PLANNER, .floor = 0.0001, .ceiling = 1,
     .meaning = "The planner's price of one operator or function call."},
    {.name = "default_statistics_target", .group = KNOB_PLANNER, .floor = 10, .ceiling = 2000,
     .meaning = "How fine the histograms are that ANALYZE collects."},

    {.name = "jit", .group = KNOB_JIT, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether expensive queries are compiled before they run."},
    {.name = "jit_above_cost", .group = KNOB_JIT, .flags = KNOB_MINUS_ONE, .floor = 0, .ceiling = NAN,
     .meaning = "From which plan cost on a query is compiled; -1 never."},
    {.name = "jit_inline_above_cost", .group = KNOB_JIT, .flags = KNOB_MINUS_ONE, .floor = 0, .ceiling = NAN,
     .meaning = "From which plan cost on functions are inlined when compiling; -1 never."},
    {.name = "jit_optimize_above_cost", .group = KNOB_JIT, .flags = KNOB_MINUS_ONE, .floor = 0, .ceiling = NAN,
     .meaning = "From which plan cost on the expensive optimizations are used; -1 never."},

    {.name = "effective_io_concurrency", .group = KNOB_IO, .floor = NAN, .ceiling = NAN,
     .meaning = "How many reads a session keeps in flight."},
    {.name = "maintenance_io_concurrency", .group = KNOB_IO, .min_version = 130000, .floor = NAN, .ceiling = NAN,
     .meaning = "How many reads maintenance keeps in flight."},
    {.name = "io_method", .group = KNOB_IO, .min_version = 180000, .floor = NAN, .ceiling = NAN,
     .meaning = "How reads are carried out: by the session, by workers, or by io_uring."},
    {.name = "io_workers", .group = KNOB_IO, .min_version = 180000, .floor = 1, .ceiling = 32,
     .meaning = "How many workers carry out reads when io_method is worker."},
    {.name = "io_combine_limit", .group = KNOB_IO, .min_version = 170000, .floor = NAN, .ceiling = 1 * MB,
     .meaning = "The largest single read that neighbouring pages are combined into."},

    {.name = "max_worker_processes", .group = KNOB_PARALLEL, .floor = 4, .ceiling = 256,
     .meaning = "The most background workers of all kinds."},
    {.name = "max_parallel_workers", .group = KNOB_PARALLEL, .floor = 0, .ceiling = 256,
     .meaning = "The most workers that all parallel queries share."},
    {.name = "max_parallel_workers_per_gather", .group = KNOB_PARALLEL, .flags = KNOB_PER_SESSION, .floor = 0,
     .ceiling = 64,
     .meaning = "The most workers of one parallel step; each may use work_mem of its own."},
    {.name = "max_parallel_maintenance_workers", .group = KNOB_PARALLEL, .floor = 0, .ceiling = 32,
     .meaning = "The most workers of one CREATE INDEX or VACUUM."},

    {.name = "autovacuum_naptime", .group = KNOB_AUTOVACUUM, .floor = 1 * SECOND, .ceiling = 10 * MINUTE,
     .meaning = "How often autovacuum looks at a database."},
    {.name = "autovacuum_max_workers", .group = KNOB_AUTOVACUUM, .floor = 1, .ceiling = 16,
     .meaning = "The most autovacuum workers at a time; they share one cost limit."},
    {.name = "autovacuum_vacuum_cost_limit", .group = KNOB_AUTOVACUUM, .flags = KNOB_MINUS_ONE, .floor = 100,
     .ceiling = 10000,
     .meaning = "How much work autovacuum does between two pauses."},
    {.name = "autovacuum_vacuum_cost_delay", .group = KNOB_AUTOVACUUM, .flags = KNOB_MINUS_ONE, .floor = 0,
     .ceiling = 20,
     .meaning = "How long autovacuum pauses when the cost limit is reached."},
    {.name = "autovacuum_vacuum_scale_factor", .group = KNOB_AUTOVACUUM, .floor = 0.001, .ceiling = 0.5,
     .meaning = "Which share of a table must be dead before it is vacuumed."},
    {.name = "autovacuum_analyze_scale_factor", .group = KNOB_AUTOVACUUM, .floor = 0.001, .ceiling = 0.5,
     .meaning = "Which share of a table must have changed before it is analysed."},
    {.name = "autovacuum_vacuum_insert_scale_factor", .group = KNOB_AUTOVACUUM, .min_version = 130000,
     .floor = 0.001, .ceiling = 1,
     .meaning = "Which share of a table must be new before it is vacuumed."},
    {.name = "autovacuum_vacuum_threshold", .group = KNOB_AUTOVACUUM, .floor = 0, .ceiling = 100000,
     .meaning = "How many rows must be dead at least before a table is vacuumed."},
    {.name = "autovacuum_analyze_threshold", .group = KNOB_AUTOVACUUM, .floor = 0, .ceiling = 100000,
     .meaning = "How many rows must have changed at least before a table is analysed."},
    {.name = "autovacuum_vacuum_insert_threshold", .group = KNOB_AUTOVACUUM, .min_version = 130000, .floor = 0,
     .ceiling = 1000000,
     .meaning = "How many rows must be new at least before a table is vacuumed."},
    {.name = "autovacuum_vacuum_max_threshold", .group = KNOB_AUTOVACUUM, .min_version = 180000, .floor = 100000,
     .ceiling = 1e9,
     .meaning = "How many dead rows are enough to vacuum a table of any size."},

    {.name = "track_io_timing", .group = KNOB_OBSERVE, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether reads and writes are timed: evidence, for a look at the clock each."},
    {.name = "log_checkpoints", .group = KNOB_OBSERVE, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether each checkpoint writes a line to the log."},
    {.name = "log_temp_files", .group = KNOB_OBSERVE, .flags = KNOB_MINUS_ONE, .floor = 1 * MB, .ceiling = NAN,
     .meaning = "From which size on a temporary file is logged; -1 never."},
    {.name = "compute_query_id", .group = KNOB_OBSERVE, .min_version = 140000, .floor = NAN, .ceiling = NAN,
     .meaning = "Whether statements get an identifier, as pg_stat_statements needs."},
};
/* clang-format on */

const struct knob *knob_at(int i)
{
    return i >= 0 && (size_t)i < ARRAY_LEN(knobs) ? &knobs[i] : NULL;
}

const struct knob *knob_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(knobs); i++)
        if (text_eq_nocase(knobs[i].name, name))
            return &knobs[i];
    return NULL;
}

const char *refusal_name(enum refusal r)
{
    static const char *const names[REFUSE_COUNT] = {
        [REFUSE_NONE] = "",
        [REFUSE_COMMAND] = "runs a shell command as the server's user",
        [REFUSE_CODE] = "loads code into the server",
        [REFUSE_DATA] = "can lose or corrupt data",
        [REFUSE_DURABILITY] = "trades durability for speed",
        [REFUSE_LOCKOUT] = "can lock people out",
        [REFUSE_FILES] = "moves files",
        [REFUSE_REPLICATION] = "belongs to recovery and replication",
        [REFUSE_FLOOD] = "floods the log or leaks data into it",
        [REFUSE_BENCHMARK] = "makes the measurement invalid",
        [REFUSE_DEVELOPER] = "is a developer option",
        [REFUSE_UNKNOWN] = "is not a setting that this program changes",
        [REFUSE_DBA_ONLY] = "is the DBA's own decision",
        [REFUSE_VALUE] = "does not take this value",
        [REFUSE_RIGHT] = "may not be set by our role",
        [REFUSE_CONTEXT] = "cannot be changed in this way",
        [REFUSE_MEMORY] = "needs more memory than there is",
        [REFUSE_DISK] = "needs more disk than there is",
        [REFUSE_RESTART] = "needs a restart that is not possible",
        [REFUSE_STANDBY] = "would break a standby",
        [REFUSE_OVERRIDDEN] = "is hidden by another value",
        [REFUSE_NO_CHANGE] = "has this value already",
        [REFUSE_WISH] = "must not be touched, as PGDIAG.md says",
        [REFUSE_DUPLICATE] = "was proposed twice",
    };
    return (unsigned)r < REFUSE_COUNT ? names[r] : "";
}
