/* health.c - see health.h: the table, and the machine. */
#include "pgd/agent/health.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/health_parts.h"
#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/queries.h"

/* clang-format off */
static const struct health_check checks[] = {
    /* -- settings -- */
    {.id = "fsync", .area = "settings", .grade = HEALTH_CRITICAL, .look = health_fsync,
     .title = "fsync is off", .why = "After a crash of the machine the whole cluster may be corrupt.",
     .fix = "ALTER SYSTEM SET fsync = on; then a reload, and sync on the host", .source = "Write Ahead Log, fsync"},
    {.id = "full-page-writes", .area = "settings", .grade = HEALTH_CRITICAL, .look = health_full_page_writes,
     .title = "full_page_writes is off", .why = "A page that was half written at a crash cannot be repaired from the WAL.",
     .fix = "ALTER SYSTEM SET full_page_writes = on;", .source = "Write Ahead Log, full_page_writes"},
    {.id = "autovacuum", .area = "vacuum", .grade = HEALTH_CRITICAL, .look = health_autovacuum,
     .title = "autovacuum is off", .why = "Dead rows stay, statistics grow old, and transaction ids run out.",
     .fix = "ALTER SYSTEM SET autovacuum = on; then a reload", .source = "Routine Vacuuming"},
    {.id = "track-counts", .area = "vacuum", .grade = HEALTH_CRITICAL, .look = health_track_counts,
     .title = "track_counts is off", .why = "Autovacuum does not know where rows have changed, and does nothing.",
     .fix = "ALTER SYSTEM SET track_counts = on; then a reload", .source = "The Cumulative Statistics System"},
    {.id = "checksums", .area = "settings", .grade = HEALTH_NOTE, .look = health_checksums,
     .title = "data checksums are off", .why = "A page that a disk has damaged is used as if it were sound.",
     .fix = "pg_checksums --enable, while the server is stopped", .source = "Reliability, Data Checksums"},
    {.id = "pending-restart", .area = "settings", .grade = HEALTH_NOTE, .look = health_pending,
     .title = "settings wait for a restart", .why = "The server runs with other values than its configuration says.",
     .fix = "restart the server, or take the change back", .source = "pg_settings, pending_restart"},
    {.id = "config-errors", .area = "settings", .grade = HEALTH_WARN, .asset = "sql/health/config_errors.sql", .need = NEED_FILES,
     .title = "a line of the configuration was not taken", .why = "At the next start the server may refuse to come up.",
     .source = "pg_file_settings"},
    {.id = "overrides", .area = "settings", .grade = HEALTH_NOTE, .look = health_overrides,
     .title = "roles or databases have values of their own",
     .why = "They hide the value of the configuration, in their sessions alone.",
     .fix = "look whether they are still meant: \\drds in psql", .source = "ALTER ROLE … SET"},
    /* -- memory -- */
    {.id = "memory-bill", .area = "memory", .grade = HEALTH_WARN, .look = health_memory,
     .title = "the settings allow more memory than the machine has",
     .why = "In the worst case the kernel kills the server, with every session.",
     .fix = "fewer max_connections with a pooler before them, or a smaller work_mem", .source = "Resource Consumption, Memory"},
    {.id = "shared-buffers", .area = "memory", .grade = HEALTH_WARN, .look = health_shared_buffers,
     .title = "shared_buffers is far below what the machine has",
     .why = "The default of 128MB is meant to start anywhere.",
     .fix = "pg_diagnose tune; a quarter of the memory is a usual start", .source = "Resource Consumption, shared_buffers"},
    {.id = "huge-pages", .area = "memory", .grade = HEALTH_NOTE, .look = health_huge_pages,
     .title = "huge pages were asked for and are not used",
     .why = "Page tables of every session map the shared memory in small pages.",
     .fix = "reserve vm.nr_hugepages, then restart", .source = "Managing Kernel Resources, Huge Pages"},
    /* -- checkpoints, planner -- */
    {.id = "checkpoints", .area = "checkpoints", .grade = HEALTH_WARN, .look = health_checkpoints,
     .title = "checkpoints are requested by the amount of WAL",
     .why = "Each one writes every changed page, and full pages follow in the WAL.",
     .fix = "a larger max_wal_size, as far as the disk and the time of a recovery allow", .source = "WAL Configuration"},
    {.id = "random-page-cost", .area = "planner", .grade = HEALTH_NOTE, .look = health_random_page_cost,
     .title = "the planner prices random reads as on a spinning disk",
     .why = "Index scans look dearer than they are on an SSD.",
     .fix = "ALTER SYSTEM SET random_page_cost = 1.1; and measure", .source = "Query Planning, random_page_cost"},
    {.id = "temp-files", .area = "memory", .grade = HEALTH_WARN, .look = health_temp_files,
     .title = "much is sorted or hashed on disk", .why = "Such a step is several times slower than in memory.",
     .fix = "pg_diagnose tune finds the work_mem that pays; log_temp_files names the statements",
     .source = "Resource Consumption, work_mem"},
    {.id = "hit-ratio", .area = "memory", .grade = HEALTH_NOTE, .look = health_hit_ratio,
     .title = "many pages are not found in the server's cache", .why = "Each one is read from the system, or from the disk.",
     .fix = "shared_buffers, or an index where whole tables are read", .source = "pg_stat_database"},
    /* -- vacuum -- */
    {.id = "wraparound", .area = "vacuum", .grade = HEALTH_WARN, .asset = "sql/health/wraparound.sql",
     .title = "old transaction ids are not frozen in time",
     .why = "When they run out the server stops to take writes.", .source = "Preventing Transaction ID Wraparound Failures"},
    {.id = "dead-rows", .area = "vacuum", .grade = HEALTH_WARN, .asset = "sql/health/table_dead_rows.sql",
     .title = "vacuum does not keep up", .why = "Every scan reads the dead rows, too.", .source = "Routine Vacuuming"},
    {.id = "autovacuum-table", .area = "vacuum", .grade = HEALTH_WARN, .asset = "sql/health/autovacuum_table.sql",
     .title = "autovacuum was told to leave a table alone", .why = "Nobody removes its dead rows or refreshes its statistics.",
     .source = "Storage Parameters"},
    {.id = "prepared", .area = "vacuum", .grade = HEALTH_WARN, .asset = "sql/health/prepared.sql",
     .title = "prepared transactions were left open", .why = "They hold their locks through restarts, and vacuum back.",
     .source = "PREPARE TRANSACTION"},
    {.id = "idle-transactions", .area = "vacuum", .grade = HEALTH_WARN, .asset = "sql/health/idle_transactions.sql",
     .need = NEED_SESSIONS, .title = "sessions sit in open transactions",
     .why = "They hold locks, and vacuum must keep what has changed since.", .source = "pg_stat_activity"},
    /* -- tables and indexes -- */
    {.id = "bloat", .area = "bloat", .grade = HEALTH_WARN, .asset = "sql/health/table_bloat.sql",
     .title = "a table takes twice the room that it needs", .why = "Cache and scans are spent on empty space.",
     .source = "Routine Vacuuming, Recovering Disk Space"},
    {.id = "index-invalid", .area = "indexes", .grade = HEALTH_WARN, .asset = "sql/health/index_invalid.sql",
     .title = "an index is invalid", .why = "No query uses it, and every write keeps it up to date.",
     .source = "Building Indexes Concurrently"},
    {.id = "index-duplicate", .area = "indexes", .grade = HEALTH_WARN, .asset = "sql/health/index_duplicate.sql",
     .title = "two indexes do the same", .why = "Every write pays twice, and the cache holds both.", .source = "Indexes"},
    {.id = "index-unused", .area = "indexes", .grade = HEALTH_NOTE, .asset = "sql/health/index_unused.sql",
     .title = "an index was never scanned", .why = "Every write keeps it up to date. Standbys may use it: look there, too.",
     .source = "Examining Index Usage"},
    {.id = "foreign-key", .area = "indexes", .grade = HEALTH_WARN, .asset = "sql/health/index_foreign_key.sql",
     .title = "a foreign key has no index", .why = "Each delete or key change of the other table reads this one whole.",
     .source = "Foreign Keys"},
    {.id = "no-key", .area = "tables", .grade = HEALTH_NOTE, .asset = "sql/health/table_no_key.sql",
     .title = "a table has no key", .why = "Rows cannot be told apart, and logical replication cannot find them.",
     .source = "Primary Keys"},
    {.id = "stats-missing", .area = "statistics", .grade = HEALTH_WARN, .asset = "sql/health/stats_missing.sql",
     .title = "a table was never analysed", .why = "The planner guesses how many rows there are, and which.",
     .source = "Updating Planner Statistics"},
    {.id = "stats-stale", .area = "statistics", .grade = HEALTH_WARN, .asset = "sql/health/stats_stale.sql",
     .title = "statistics are older than the rows", .why = "The planner counts with what was there before.",
     .source = "Updating Planner Statistics"},
    {.id = "constraints", .area = "tables", .grade = HEALTH_NOTE, .asset = "sql/health/constraints.sql",
     .title = "a constraint was never validated", .why = "Old rows may break it.", .source = "ALTER TABLE, NOT VALID"},
    {.id = "partitions", .area = "tables", .grade = HEALTH_WARN, .asset = "sql/health/partitions.sql",
     .title = "rows gather in a default partition", .why = "A partition for them is missing.", .source = "Table Partitioning"},
    {.id = "sequences", .area = "tables", .grade = HEALTH_WARN, .asset = "sql/health/sequences.sql",
     .title = "a sequence comes to its end", .why = "Then every insert fails.", .source = "Sequence Manipulation"},
    {.id = "extensions", .area = "tables", .grade = HEALTH_NOTE, .asset = "sql/health/extensions.sql",
     .title = "an extension was not updated with its files", .why = "Mended bugs of its SQL part stay.",
     .source = "ALTER EXTENSION"},
    /* -- sessions -- */
    {.id = "connections", .area = "connections", .grade = HEALTH_WARN, .look = health_connections,
     .title = "nearly all connections are taken", .why = "The next session is refused.",
     .fix = "a pooler, or end what is idle; max_connections needs a restart", .source = "Connections and Authentication"},
    {.id = "blocked", .area = "locks", .grade = HEALTH_WARN, .asset = "sql/health/blocked.sql", .need = NEED_SESSIONS,
     .title = "sessions wait for locks", .why = "They stand still, and others queue behind them.", .source = "Explicit Locking"},
    {.id = "deadlocks", .area = "locks", .grade = HEALTH_NOTE, .look = health_deadlocks,
     .title = "transactions were ended by deadlocks", .why = "Each one is work lost, and an error in the application.",
     .fix = "let transactions lock in one order; the server's log names the statements", .source = "Deadlocks"},
    {.id = "rollbacks", .area = "connections", .grade = HEALTH_NOTE, .look = health_rollbacks,
     .title = "many transactions are rolled back", .why = "Their work is lost, and their dead rows are vacuum's.",
     .fix = "the server's log has the errors", .source = "pg_stat_database"},
    {.id = "password", .area = "security", .grade = HEALTH_NOTE, .look = health_password,
     .title = "new passwords are stored as MD5", .why = "MD5 hashes can be used to log in, and are gone from later versions.",
     .fix = "ALTER SYSTEM SET password_encryption = 'scram-sha-256'; and set the passwords again",
     .source = "Password Authentication"},
    {.id = "hba-trust", .area = "security", .grade = HEALTH_CRITICAL, .asset = "sql/health/hba_trust.sql", .need = NEED_HBA,
     .title = "other machines get in without a password", .why = "Whoever reaches the port is whoever he says.",
     .source = "Trust Authentication"},
    /* -- replication, archive -- */
    {.id = "slots", .area = "replication", .grade = HEALTH_WARN, .asset = "sql/health/slots.sql",
     .title = "nobody reads a replication slot", .why = "WAL is kept until the disk is full.", .source = "Replication Slots"},
    {.id = "standbys", .area = "replication", .grade = HEALTH_WARN, .asset = "sql/health/standbys.sql", .need = NEED_SESSIONS,
     .title = "a standby is behind", .why = "After a fail-over that much is missing or late.", .source = "Streaming Replication"},
    {.id = "archiver", .area = "replication", .grade = HEALTH_CRITICAL, .asset = "sql/health/archiver.sql",
     .title = "WAL cannot be archived", .why = "No backup can be brought further than that, and pg_wal grows.",
     .source = "Continuous Archiving"},
    /* -- host -- */
    {.id = "disk", .area = "disk", .grade = HEALTH_WARN, .look = health_disk,
     .title = "the disk is nearly full", .why = "Without room for WAL the server stops.",
     .fix = "make room, or a larger disk", .source = "Disk Full Failure"},
    {.id = "swap", .area = "host", .grade = HEALTH_WARN, .look = health_swap,
     .title = "hardly any memory is left on the host", .why = "The kernel swaps, or ends the largest process.",
     .fix = "smaller settings, fewer sessions, or more memory", .source = "Managing Kernel Resources"},
    {.id = "thp", .area = "host", .grade = HEALTH_NOTE, .look = health_thp,
     .title = "transparent huge pages are always on", .why = "The kernel may stop a session to put pages together.",
     .fix = "madvise or never, in /sys/kernel/mm/transparent_hugepage/enabled", .source = "Managing Kernel Resources"},
    {.id = "overcommit", .area = "host", .grade = HEALTH_NOTE, .look = health_overcommit,
     .title = "the kernel promises more memory than it has", .why = "When it cannot keep that, it kills: most likely the server.",
     .fix = "vm.overcommit_memory = 2, with an overcommit_ratio that fits", .source = "Linux Memory Overcommit"},
    {.id = "statements", .area = "observing", .grade = HEALTH_NOTE, .look = health_statements,
     .title = "pg_stat_statements cannot be read", .why = "Nobody can tell which statements take the time.",
     .fix = "shared_preload_libraries, a restart, CREATE EXTENSION pg_stat_statements; GRANT pg_read_all_stats",
     .source = "pg_stat_statements"},
    {.id = "version", .area = "settings", .grade = HEALTH_WARN, .look = health_version,
     .title = "this major version is out of support", .why = "Holes and bugs in it are no longer mended.",
     .fix = "plan the upgrade: pg_upgrade, or logical replication", .source = "Versioning Policy"},
};
/* clang-format on */

const struct health_check *health_check_at(int i)
{
    return i >= 0 && i < (int)ARRAY_LEN(checks) ? &checks[i] : NULL;
}

const char *health_grade_name(enum health_grade g)
{
    static const char *const names[] = {"ok", "note", "warning", "critical", "unknown"};
    return (size_t)g < ARRAY_LEN(names) ? names[g] : "unknown";
}

/* -- findings --------------------------------------------------------------------------------------------- */

static struct health_finding *add(struct health *h, const struct health_check *c,
                                  enum health_grade g)
{
    if (h->n == HEALTH_FOUND_MAX) {
        h->left_out++;
        return NULL;
    }
    struct health_finding *found = &h->found[h->n++];
    memset(found, 0, sizeof *found);
    found->check = c;
    found->grade = g;
    return found;
}

static void unknown(struct health *h, const struct health_check *c, const char *why)
{
    struct health_finding *found = add(h, c, HEALTH_UNKNOWN);

    if (found)
        text_copy(found->said.figure, sizeof found->said.figure, why);
}

static void look(struct health *h, const struct health_check *c, const struct server_facts *f)
{
    struct health_look said = {0};
    enum health_grade g = c->look(f, &said);

    if (g == HEALTH_OK) {
        h->ok++;
        return;
    }
    struct health_finding *found = add(h, c, g);
    if (found)
        found->said = said;
}

static void cell(char *dst, size_t size, const struct rows *r, int row, const char *name)
{
    const char *text = rows_text(r, row, name);

    text_copy(dst, size, text ? text : "");
}

static void take_rows(struct health *h, const struct health_check *c, const struct rows *r)
{
    int n = r ? r->nrows : 0;

    if (n == 0)
        h->ok++;
    for (int i = 0; i < n; i++) {
        const char *said = rows_text(r, i, "grade");
        enum health_grade grade = c->grade;
        for (int g = HEALTH_NOTE; said && g <= HEALTH_UNKNOWN; g++)
            if (strcmp(said, health_grade_name((enum health_grade)g)) == 0)
                grade = (enum health_grade)g;
        struct health_finding *found = add(h, c, grade);
        if (!found)
            continue;
        cell(found->said.object, sizeof found->said.object, r, i, "object");
        cell(found->said.figure, sizeof found->said.figure, r, i, "figure");
        cell(found->said.fix, sizeof found->said.fix, r, i, "fix");
    }
}

/* -- the machine ------------------------------------------------------------------------------------------ */

static int badness(enum health_grade g)
{
    static const int of[] = {0, 2, 3, 4, 1};
    return of[g];
}

static bool stands_before(const struct health_finding *a, const struct health_finding *b)
{
    int d = badness(a->grade) - badness(b->grade);

    return d ? d > 0 : a->check < b->check;
}

/* Worst first, then in the order of the table; within a check in that of its answer. */
static void sort(struct health *h)
{
    for (int i = 1; i < h->n; i++) {
        struct health_finding one = h->found[i];
        int at = i;

        for (; at > 0 && stands_before(&one, &h->found[at - 1]); at--)
            h->found[at] = h->found[at - 1];
        h->found[at] = one;
    }
}

/* Why the statement of this check would not see what it asks for; NULL = it does. A refusal would stand in the server's log. */
static const char *lacking(const struct health_check *c, const struct server_facts *f)
{
    switch (c->need) {
    case NEED_SESSIONS:
        return f->rights.read_stats ? NULL : "needs GRANT pg_read_all_stats, or pg_monitor";
    case NEED_HBA:
        return f->rights.hba_rules ? NULL
                                   : "needs GRANT SELECT ON pg_hba_file_rules and EXECUTE ON "
                                     "FUNCTION pg_hba_file_rules()";
    case NEED_FILES:
        return f->rights.file_settings ? NULL
                                       : "needs GRANT SELECT ON pg_file_settings and EXECUTE ON "
                                         "FUNCTION pg_show_all_file_settings()";
    case NEED_NOTHING:
        break;
    }
    return NULL;
}

static struct req next_req(struct health *h)
{
    h->state = HEALTH_ASKING;
    return (struct req){OWNER_HEALTH, h->generation, ++h->waiting};
}

static void end(struct health *h, struct effects *fx)
{
    if (!h->pooled)
        fx_sql(fx, next_req(h), CONN_CONTROL, discover_limits_reset, HEALTH_MS);
    sort(h);
    h->state = HEALTH_DONE;
}

static void next(struct health *h, const struct server_facts *f, struct effects *fx)
{
    const struct health_check *c;

    for (; (c = health_check_at(h->at)); h->at++) {
        const char *why = lacking(c, f);

        h->checks++;
        if (c->look) {
            look(h, c, f);
        } else if (why) {
            unknown(h, c, why);
        } else {
            const struct asset *sql = asset_find(c->asset);
            if (!sql)
                die("the asset %s is missing", c->asset);
            fx_sql(fx, next_req(h), CONN_CONTROL, (const char *)sql->data, HEALTH_MS);
            return;
        }
    }
    end(h, fx);
}

void health_start(struct health *h, const struct server_facts *f, bool pooled, struct effects *fx)
{
    uint32_t generation = h->generation + 1;

    memset(h, 0, sizeof *h);
    h->generation = generation;
    h->pooled = pooled;
    if (pooled) {
        next(h, f, fx);
        return;
    }
    h->at = -1;
    fx_sql(fx, next_req(h), CONN_CONTROL, discover_limits_set, HEALTH_MS);
}

void health_step(struct health *h, const struct server_facts *f, const struct event *ev,
                 struct effects *fx)
{
    if (h->state != HEALTH_ASKING || ev->kind != EV_PG_RESULT ||
        ev->req.generation != h->generation || ev->req.id != h->waiting)
        return;
    if (ev->err.code == ERR_LOST || ev->err.code == ERR_CANCELLED) {
        h->err = ev->err;
        h->state = HEALTH_FAILED;
        return;
    }
    if (h->at >= 0 && ev->err.code != ERR_NONE)
        unknown(h, &checks[h->at], ev->err.msg);
    else if (h->at >= 0)
        take_rows(h, &checks[h->at], ev->rows);
    h->at++;
    next(h, f, fx);
}

/* -- words ------------------------------------------------------------------------------------------------ */

int health_count(const struct health *h, enum health_grade g)
{
    int n = 0;

    for (int i = 0; i < h->n; i++)
        n += h->found[i].grade == g;
    return n;
}

void health_text(const struct health_finding *found, struct buf *out)
{
    const struct health_check *c = found->check;
    const char *fix = found->said.fix[0] ? found->said.fix : c->fix;

    buf_printf(out, "%-9s%s%s%s\n", health_grade_name(found->grade), c->title,
               found->said.object[0] ? ": " : "", found->said.object);
    if (found->said.figure[0])
        buf_printf(out, "         %s\n", found->said.figure);
    if (found->grade == HEALTH_UNKNOWN)
        return;
    buf_printf(out, "         why: %s\n", c->why);
    if (fix)
        buf_printf(out, "         fix: %s\n", fix);
    buf_printf(out, "         see: %s\n", c->source);
}

static void put_count(struct buf *out, int n, const char *one, const char *many)
{
    if (n)
        buf_printf(out, "%s%d %s", out->len ? ", " : "", n, n == 1 ? one : many);
}

void health_summary(const struct health *h, char *dst, size_t size)
{
    struct buf b = {0};
    int not = health_count(h, HEALTH_UNKNOWN);

    put_count(&b, health_count(h, HEALTH_CRITICAL), "critical", "critical");
    put_count(&b, health_count(h, HEALTH_WARN), "warning", "warnings");
    put_count(&b, health_count(h, HEALTH_NOTE), "note", "notes");
    if (!b.len)
        buf_puts(&b, "nothing found");
    buf_printf(&b, "; %d of %d checks found nothing", h->ok, h->checks);
    if (not )
        buf_printf(&b, ", %d %s not possible", not, not == 1 ? "was" : "were");
    text_copy(dst, size, buf_text(&b));
    buf_clear(&b);
}
