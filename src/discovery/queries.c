/* The table of discovery's statements and the functions that read their rows into server_facts. */
#include "pgd/discovery/queries.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"
#include "pgd/discovery/traffic.h"

/* NULL cells read as "". */
static const char *cell(const struct rows *r, int row, const char *name)
{
    const char *text = rows_text(r, row, name);
    return text ? text : "";
}

#define RAW(dst, row, name) text_copy_raw(dst, sizeof(dst), cell(r, row, name))

static double number(const struct rows *r, const char *name)
{
    return rows_double(r, 0, name, NAN);
}

void facts_not_missing(struct server_facts *f, const char *what)
{
    size_t len = strlen(what);
    for (int i = 0; i < f->nmissing; i++) {
        if (strncmp(f->missing[i], what, len) != 0 || f->missing[i][len] != ':')
            continue;
        memmove(f->missing[i], f->missing[i + 1],
                (size_t)(f->nmissing - i - 1) * sizeof f->missing[0]);
        f->nmissing--;
        i--;
    }
}

void facts_missing(struct server_facts *f, const char *what, const char *why)
{
    facts_not_missing(f, what);
    if (f->nmissing == MISSING_MAX)
        return;
    struct buf line = {0};
    buf_printf(&line, "%s: %s", what, why);
    text_copy(f->missing[f->nmissing++], sizeof f->missing[0], buf_text(&line));
    buf_clear(&line);
}

/* One of our rights: what is lost without it, with the statement that grants it. */
static void note_right(struct server_facts *f, bool granted, const char *what, const char *grant)
{
    if (granted) {
        facts_not_missing(f, what);
        return;
    }
    struct buf why = {0};
    buf_printf(&why, "%s TO ", grant);
    quote_ident(&why, f->id.role);
    facts_missing(f, what, buf_text(&why));
    buf_clear(&why);
}

/* A connection that does not leave this machine, as far as addresses tell; the host script decides. */
static bool stays_here(const char *server, const char *client)
{
    return server[0] == '\0' || strncmp(server, "127.", 4) == 0 || strcmp(server, "::1") == 0 ||
           strcmp(server, client) == 0;
}

static void fill_identity(struct discover *d, struct server_facts *f, const struct rows *r)
{
    struct identity *id = &f->id;

    identity_read(r, id);
    d->backend_pid = (int)rows_int64(r, 0, "backend_pid", 0);
    d->maybe_local = stays_here(id->server_addr, cell(r, 0, "client_addr"));
}

static void fill_control(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    identity_read_control(r, &f->id);
}

static void fill_rights(struct discover *d, struct server_facts *f, const struct rows *r)
{
    struct rights *have = &f->rights;
    bool allowed = rows_bool(r, 0, "allow_alter_system", true);
    bool granted = rows_bool(r, 0, "alter_system", false);

    have->superuser = rows_bool(r, 0, "superuser", false);
    have->pg_monitor = rows_bool(r, 0, "pg_monitor", false);
    have->alter_system = granted && allowed;
    have->switched_off = !allowed;
    have->reload = rows_bool(r, 0, "reload", false);
    have->file_settings = rows_bool(r, 0, "file_settings", false);
    have->hba_rules = rows_bool(r, 0, "hba_rules", false);
    have->checkpoint = rows_bool(r, 0, "checkpoint", false);
    have->create_db = rows_bool(r, 0, "create_db", false);
    have->read_stats = rows_bool(r, 0, "read_stats", false);
    d->read_stats = have->read_stats;

    note_right(f, rows_bool(r, 0, "read_settings", false), "paths and hidden settings",
               "GRANT pg_read_all_settings");
    note_right(f, have->read_stats, "what the sessions of others do", "GRANT pg_read_all_stats");
    if (f->id.version_num >= 150000)
        note_right(f, granted, "ALTER SYSTEM",
                   "for each setting: GRANT ALTER SYSTEM ON PARAMETER name");
    else if (!granted)
        facts_missing(f, "ALTER SYSTEM", "superusers alone may run it before PostgreSQL 15");
    if (granted && !allowed)
        facts_missing(f, "ALTER SYSTEM", "switched off by allow_alter_system");
    note_right(f, have->reload, "reload", "GRANT EXECUTE ON FUNCTION pg_reload_conf()");
    note_right(
        f, have->file_settings, "errors in the configuration files",
        "GRANT SELECT ON pg_file_settings and EXECUTE ON FUNCTION pg_show_all_file_settings()");
    if (f->id.version_num >= 150000)
        note_right(f, have->checkpoint, "CHECKPOINT", "GRANT pg_checkpoint");
    else if (!have->checkpoint)
        facts_missing(f, "CHECKPOINT", "superusers alone may run it before PostgreSQL 15");
}

/* What a session of ours has set for itself says nothing of the server: its reset value does. */
static void undo_our_own(struct setting *s)
{
    if (strcmp(s->source, "session") != 0)
        return;
    text_copy_raw(s->value, sizeof s->value, s->reset);
    snprintf(s->shown, sizeof s->shown, "%s%s", s->reset,
             strcmp(s->reset, "0") == 0 ? "" : s->unit);
    snprintf(s->source, sizeof s->source, "%s",
             strcmp(s->reset, s->boot) == 0 ? "default" : "configuration file");
}

static int by_name(const void *a, const void *b)
{
    return strcasecmp(((const struct setting *)a)->name, ((const struct setting *)b)->name);
}

static void fill_settings(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    settings_clear(&f->settings);
    f->settings.items = xcalloc((size_t)r->nrows, sizeof *f->settings.items);
    for (int i = 0; i < r->nrows; i++) {
        struct setting *s = &f->settings.items[f->settings.n];
        if (!rows_text(r, i, "name"))
            continue;
        RAW(s->name, i, "name");
        RAW(s->value, i, "setting");
        RAW(s->shown, i, "shown");
        RAW(s->unit, i, "unit");
        RAW(s->context, i, "context");
        RAW(s->vartype, i, "vartype");
        RAW(s->min, i, "min_val");
        RAW(s->max, i, "max_val");
        RAW(s->enumvals, i, "enumvals");
        RAW(s->boot, i, "boot_val");
        RAW(s->reset, i, "reset_val");
        RAW(s->source, i, "source");
        RAW(s->sourcefile, i, "sourcefile");
        s->pending_restart = rows_bool(r, i, "pending_restart", false);
        s->denied = rows_bool(r, i, "denied", !f->rights.superuser);
        undo_our_own(s);
        f->settings.n++;
    }
    qsort(f->settings.items, (size_t)f->settings.n, sizeof *f->settings.items, by_name);
    f->runtime.max_connections = settings_number(&f->settings, "max_connections");
}

static void fill_overrides(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->noverrides = 0;
    for (int i = 0; i < r->nrows && f->noverrides < OVERRIDES_MAX; i++) {
        struct override *o = &f->overrides[f->noverrides++];
        RAW(o->name, i, "name");
        RAW(o->value, i, "value");
        RAW(o->role, i, "role");
        RAW(o->database, i, "database");
        o->sessions = rows_double(r, i, "sessions", NAN);
    }
    if (r->nrows > OVERRIDES_MAX)
        facts_missing(f, "further role and database settings", "more than 32 are set");
    else
        facts_not_missing(f, "further role and database settings");
}

static void fill_databases(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->ndatabases = 0;
    for (int i = 0; i < r->nrows && f->ndatabases < DATABASES_MAX; i++) {
        struct database_facts *db = &f->databases[f->ndatabases++];
        RAW(db->name, i, "name");
        db->bytes = NAN;
    }
}

static void fill_sizes(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    for (int i = 0; i < r->nrows; i++) {
        char name[sizeof f->databases[0].name];
        RAW(name, i, "name");
        for (int k = 0; k < f->ndatabases; k++) {
            if (strcmp(f->databases[k].name, name) == 0)
                f->databases[k].bytes = rows_double(r, i, "bytes", NAN);
        }
    }
}

static void fill_relations(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->nrelations = 0;
    for (int i = 0; i < r->nrows && f->nrelations < RELATIONS_MAX; i++) {
        struct relation_facts *rel = &f->relations[f->nrelations++];
        RAW(rel->schema, i, "schema");
        RAW(rel->name, i, "name");
        rel->kind = cell(r, i, "kind")[0];
        rel->bytes = rows_double(r, i, "bytes", NAN);
        rel->tuples = rows_double(r, i, "tuples", -1);
    }
}

static void fill_database(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    struct runtime_facts *t = &f->runtime;
    t->xact_commit = number(r, "xact_commit");
    t->xact_rollback = number(r, "xact_rollback");
    t->blks_hit = number(r, "blks_hit");
    t->blks_read = number(r, "blks_read");
    t->tup_returned = number(r, "tup_returned");
    t->tup_fetched = number(r, "tup_fetched");
    t->temp_files = number(r, "temp_files");
    t->temp_bytes = number(r, "temp_bytes");
    t->deadlocks = number(r, "deadlocks");
    t->conflicts = number(r, "conflicts");
}

static void fill_activity(struct discover *d, struct server_facts *f, const struct rows *r)
{
    struct runtime_facts *t = &f->runtime;
    t->sessions = number(r, "sessions");
    if (!d->read_stats)
        return;
    t->sessions_active = number(r, "active");
    t->sessions_idle_tx = number(r, "idle_tx");
    t->sessions_waiting = number(r, "waiting");
}

static void fill_sessions(struct discover *d, struct server_facts *f, const struct rows *r)
{
    f->runtime.stats_age_s = number(r, "stats_age_s");
    f->runtime.jit_available = rows_bool(r, 0, "jit_available", false);
    if (d->read_stats)
        f->runtime.longest_xact_s = number(r, "longest_xact_s");
    /* The extension in this database is not enough: its settings exist where the library is loaded. */
    f->runtime.statements = rows_bool(r, 0, "statements_installed", false) &&
                            settings_find(&f->settings, "pg_stat_statements.max") != NULL;
}

static void fill_checkpoints(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    struct runtime_facts *t = &f->runtime;
    t->ckpt_timed = number(r, "ckpt_timed");
    t->ckpt_req = number(r, "ckpt_req");
    t->ckpt_write_ms = number(r, "ckpt_write_ms");
    t->ckpt_sync_ms = number(r, "ckpt_sync_ms");
    t->buffers_ckpt = number(r, "buffers_ckpt");
    t->buffers_clean = number(r, "buffers_clean");
    t->buffers_backend = number(r, "buffers_backend");
}

static void fill_wal(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    struct runtime_facts *t = &f->runtime;
    if (f->id.version_num < 140000)
        facts_missing(f, "records, full-page images and full buffers of the WAL",
                      "PostgreSQL counts them from version 14 on");
    t->wal_bytes = number(r, "wal_bytes");
    t->wal_fpi = number(r, "wal_fpi");
    t->wal_records = number(r, "wal_records");
    t->wal_buffers_full = number(r, "wal_buffers_full");
    t->wal_sync_ms = number(r, "wal_sync_ms");
}

static void fill_wal_sync(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->runtime.wal_sync_ms = number(r, "wal_sync_ms");
}

static void fill_locks(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->runtime.locks_waiting = number(r, "locks_waiting");
    f->runtime.prepared_xacts = number(r, "prepared_xacts");
}

static void fill_indexes(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->runtime.indexes_invalid = number(r, "invalid");
    RAW(f->runtime.index_invalid, 0, "first");
}

static void fill_tables(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->runtime.live_tuples = number(r, "live_tuples");
    f->runtime.dead_tuples = number(r, "dead_tuples");
}

static void fill_index_use(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->nindexes = 0;
    for (int i = 0; i < r->nrows && f->nindexes < USES_MAX; i++) {
        struct index_facts *x = &f->indexes[f->nindexes++];
        RAW(x->schema, i, "schema");
        RAW(x->table, i, "table");
        RAW(x->name, i, "index");
        RAW(x->same_as, i, "same_as");
        x->bytes = rows_double(r, i, "bytes", NAN);
        x->scans = rows_double(r, i, "scans", NAN);
        x->writes = rows_double(r, i, "writes", NAN);
        if (!text_copy_raw(x->definition, sizeof x->definition, cell(r, i, "definition")))
            x->definition[0] = '\0'; /* a part of a statement is none */
    }
}

static void fill_table_use(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->ntables = 0;
    for (int i = 0; i < r->nrows && f->ntables < USES_MAX; i++) {
        struct table_facts *t = &f->tables[f->ntables++];
        RAW(t->schema, i, "schema");
        RAW(t->name, i, "table");
        RAW(t->options, i, "options");
        t->bytes = rows_double(r, i, "bytes", NAN);
        t->updated = rows_double(r, i, "updated", NAN);
        t->hot = rows_double(r, i, "hot", NAN);
        t->live = rows_double(r, i, "live", NAN);
        t->dead = rows_double(r, i, "dead", NAN);
        t->vacuums = rows_double(r, i, "vacuums", NAN);
        t->indexes = rows_double(r, i, "indexes", NAN);
    }
}

/* The rows of a table stand together; its figures are in each of them. */
static int scanned_table(struct server_facts *f, const struct rows *r, int row)
{
    struct scanned_facts t = {0};

    RAW(t.schema, row, "schema");
    RAW(t.name, row, "table");
    int last = f->nscanned - 1;
    if (last >= 0 && strcmp(f->scanned[last].name, t.name) == 0 &&
        strcmp(f->scanned[last].schema, t.schema) == 0)
        return last;
    if (f->nscanned == SCANNED_MAX)
        return -1;
    t.tuples = rows_double(r, row, "tuples", -1);
    t.bytes = rows_double(r, row, "bytes", NAN);
    t.scans = rows_double(r, row, "scans", NAN);
    t.rows_read = rows_double(r, row, "rows_read", NAN);
    t.writes = rows_double(r, row, "writes", NAN);
    f->scanned[f->nscanned] = t;
    return f->nscanned++;
}

static void fill_column_use(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->nscanned = f->ncolumns = 0;
    for (int i = 0; i < r->nrows && f->ncolumns < SCANNED_COLUMNS_MAX; i++) {
        int table = scanned_table(f, r, i);
        if (table < 0)
            return;
        struct column_facts *c = &f->columns[f->ncolumns++];
        c->table = table;
        RAW(c->name, i, "column");
        c->values = rows_double(r, i, "values", NAN);
        c->nulls = rows_double(r, i, "nulls", NAN);
        c->common = rows_double(r, i, "common", NAN);
        c->width = rows_double(r, i, "width", NAN);
        c->target = (int)rows_int64(r, i, "target", -1);
        c->leads = rows_bool(r, i, "leads", false);
        c->ordered = rows_bool(r, i, "ordered", false);
        c->texts = rows_bool(r, i, "texts", false);
    }
}

static void fill_extensions(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    RAW(f->statements_schema, 0, "statements");
    RAW(f->hypopg_schema, 0, "hypopg");
}

static void fill_statements(struct discover *d, struct server_facts *f, const struct rows *r)
{
    struct traffic *t = xcalloc(1, sizeof *t);

    (void)d;
    f->nstatements = 0;
    traffic_read(r, t);
    for (int i = 0; i < t->n && f->nstatements < STATEMENT_FACTS_MAX; i++) {
        const struct traffic_row *row = &t->rows[i];
        struct statement_facts *s = &f->statements[f->nstatements];
        if (!row->query || !text_copy_raw(s->text, sizeof s->text, row->query))
            continue;
        text_copy_raw(s->id, sizeof s->id, row->id);
        s->calls = row->calls;
        s->total_ms = row->total_ms;
        s->rows = row->rows;
        s->share = row->share;
        s->own = row->own;
        f->nstatements++;
    }
    traffic_clear(t);
    free(t);
}

static void fill_loads(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->nloads = 0;
    for (int i = 0; i < r->nrows && f->nloads < LOADS_MAX; i++) {
        struct role_load *l = &f->loads[f->nloads++];
        RAW(l->role, i, "role");
        RAW(l->database, i, "database");
        l->calls = rows_double(r, i, "calls", NAN);
        l->total_ms = rows_double(r, i, "total_ms", NAN);
        l->temp_bytes = rows_double(r, i, "temp_bytes", NAN);
        l->temp_calls = rows_double(r, i, "temp_calls", NAN);
        l->temp_call = rows_double(r, i, "temp_call", NAN);
        l->jit_ms = rows_double(r, i, "jit_ms", NAN);
        l->jit_calls = rows_double(r, i, "jit_calls", NAN);
    }
}

static void fill_replication(struct discover *d, struct server_facts *f, const struct rows *r)
{
    struct runtime_facts *t = &f->runtime;
    t->replicas = number(r, "replicas");
    t->slots_inactive = number(r, "slots_inactive");
    t->archive_failed = number(r, "archive_failed");
    /* Others' lag is hidden from a role without statistics, and NULL then looks like none. */
    if (d->read_stats || f->id.standby || t->replicas == 0)
        t->replica_lag_s = number(r, "replica_lag_s");
}

static void fill_backup(struct discover *d, struct server_facts *f, const struct rows *r)
{
    (void)d;
    f->runtime.base_backup = rows_bool(r, 0, "base_backup", false) ||
                             rows_text(r, 0, "backup_session");
}

static void fill_tuners(struct discover *d, struct server_facts *f, const struct rows *r)
{
    const char *from = cell(r, 0, "client_addr");

    (void)d;
    f->tuner[0] = '\0';
    if (r->nrows == 0)
        return;
    snprintf(f->tuner, sizeof f->tuner, "backend %.20s (%.40s) of %.60s from %.40s",
             cell(r, 0, "pid"), cell(r, 0, "application"), cell(r, 0, "role"),
             *from ? from : "the server's machine");
}

/* The limits hold for the statements between the first row and the last. Nothing in the catalog may
 * keep discovery waiting, and no function of a user's schema may stand before the server's own. */
const char discover_limits_set[] = "SELECT pg_catalog.set_config('lock_timeout', '100ms', false), "
                                   "pg_catalog.set_config('statement_timeout', '2s', false), "
                                   "pg_catalog.set_config('search_path', 'pg_catalog', false)";
/* Not to their reset values: those may be limits of the role, which no statement of ours would survive. */
const char discover_limits_reset[] = "SELECT pg_catalog.set_config('lock_timeout', '0', false), "
                                     "pg_catalog.set_config('statement_timeout', '0', false)";
/* Where kinds of plans are switched off for the whole server, every plan of the others is priced as if it were worth to be
 * compiled, which takes longer than all of the discovery. Only once the settings have been read; and back to its own value,
 * for it is one that is tuned and read back, and set_config() would leave it the session's. */
const char discover_plans_set[] = "SELECT pg_catalog.set_config('jit', 'off', false)";
const char discover_plans_reset[] = "RESET jit";

const struct discover_query discover_queries[] = {
    {.name = "limits",
     .sql = discover_limits_set,
     .refresh = true,
     .sets = true,
     .lost = "time limits of our queries"},
    {.name = "identity",
     .asset = "sql/identity.sql",
     .refresh = true,
     .needed = true,
     .lost = "identity",
     .fill = fill_identity},
    {.name = "control",
     .asset = "sql/control.sql",
     .refresh = true,
     .lost = "system identifier",
     .fill = fill_control},
    {.name = "rights",
     .asset = "sql/rights_12.sql",
     .before = 150000,
     .refresh = true,
     .lost = "rights",
     .fill = fill_rights},
    {.name = "rights",
     .asset = "sql/rights_15.sql",
     .from = 150000,
     .refresh = true,
     .lost = "rights",
     .fill = fill_rights},
    {.name = "settings",
     .asset = "sql/settings_12.sql",
     .before = 150000,
     .refresh = true,
     .lost = "settings",
     .fill = fill_settings},
    {.name = "settings",
     .asset = "sql/settings_15.sql",
     .from = 150000,
     .refresh = true,
     .lost = "settings",
     .fill = fill_settings},
    {.name = "plans", .sql = discover_plans_set, .refresh = true, .sets = true},
    {.name = "overrides",
     .asset = "sql/overrides.sql",
     .refresh = true,
     .lost = "role and database settings",
     .fill = fill_overrides},
    {.name = "databases",
     .asset = "sql/databases.sql",
     .lost = "databases",
     .fill = fill_databases},
    {.name = "database_size",
     .asset = "sql/database_size.sql",
     .size = true,
     .lost = "size of this database",
     .fill = fill_sizes},
    {.name = "database_sizes",
     .asset = "sql/database_sizes.sql",
     .size = true,
     .lost = "sizes of the other databases",
     .fill = fill_sizes},
    {.name = "relations",
     .asset = "sql/relations.sql",
     .lost = "largest relations",
     .fill = fill_relations},
    {.name = "database",
     .asset = "sql/database.sql",
     .lost = "counters of the databases",
     .fill = fill_database},
    {.name = "activity", .asset = "sql/activity.sql", .lost = "sessions", .fill = fill_activity},
    {.name = "sessions",
     .asset = "sql/sessions.sql",
     .lost = "age of the statistics and of transactions",
     .fill = fill_sessions},
    {.name = "checkpoints",
     .asset = "sql/checkpoints_12.sql",
     .before = 170000,
     .lost = "checkpoints",
     .fill = fill_checkpoints},
    {.name = "checkpoints",
     .asset = "sql/checkpoints_17.sql",
     .from = 170000,
     .before = 180000,
     .lost = "checkpoints",
     .fill = fill_checkpoints},
    {.name = "checkpoints",
     .asset = "sql/checkpoints_18.sql",
     .from = 180000,
     .lost = "checkpoints",
     .fill = fill_checkpoints},
    {.name = "wal", .asset = "sql/wal_12.sql", .before = 140000, .lost = "WAL", .fill = fill_wal},
    {.name = "wal",
     .asset = "sql/wal_14.sql",
     .from = 140000,
     .before = 180000,
     .lost = "WAL",
     .fill = fill_wal},
    {.name = "wal", .asset = "sql/wal_18.sql", .from = 180000, .lost = "WAL", .fill = fill_wal},
    {.name = "wal_sync",
     .asset = "sql/wal_sync_18.sql",
     .from = 180000,
     .lost = "time of WAL flushes",
     .fill = fill_wal_sync},
    {.name = "locks", .asset = "sql/locks.sql", .lost = "locks", .fill = fill_locks},
    {.name = "indexes",
     .asset = "sql/indexes.sql",
     .lost = "indexes that are not valid",
     .fill = fill_indexes},
    {.name = "tables",
     .asset = "sql/tables.sql",
     .lost = "live and dead rows",
     .fill = fill_tables},
    {.name = "index_use",
     .asset = "sql/index_use.sql",
     .lost = "use of the indexes",
     .fill = fill_index_use},
    {.name = "table_use",
     .asset = "sql/table_use.sql",
     .lost = "changes of the tables",
     .fill = fill_table_use},
    {.name = "column_use",
     .asset = "sql/column_use.sql",
     .lost = "columns of the tables that are scanned",
     .fill = fill_column_use},
    {.name = "extensions", .asset = "sql/extensions.sql", .fill = fill_extensions},
    {.name = "traffic",
     .asset = "sql/traffic.sql",
     .statements = true,
     .lost = "statements by their time",
     .fill = fill_statements},
    {.name = "role_load",
     .asset = "sql/role_load.sql",
     .statements = true,
     .lost = "load by role and database",
     .fill = fill_loads},
    {.name = "replication",
     .asset = "sql/replication.sql",
     .refresh = true,
     .lost = "replication and archiving",
     .fill = fill_replication},
    {.name = "backup",
     .asset = "sql/backup_12.sql",
     .before = 130000,
     .refresh = true,
     .lost = "running base backups",
     .fill = fill_backup},
    {.name = "backup",
     .asset = "sql/backup_13.sql",
     .from = 130000,
     .before = 150000,
     .refresh = true,
     .lost = "running base backups",
     .fill = fill_backup},
    {.name = "backup",
     .asset = "sql/backup_15.sql",
     .from = 150000,
     .refresh = true,
     .lost = "running base backups",
     .fill = fill_backup},
    {.name = "tuners", .asset = "sql/tuners.sql", .fill = fill_tuners},
    {.name = "plans_reset", .sql = discover_plans_reset, .refresh = true, .sets = true},
    {.name = "limits_reset", .sql = discover_limits_reset, .refresh = true, .sets = true},
};
const int discover_query_count = (int)ARRAY_LEN(discover_queries);

int discover_query_next(int at, const struct server_facts *f, bool refresh, bool pooled)
{
    int version = f->id.version_num;

    for (; at < discover_query_count; at++) {
        const struct discover_query *q = &discover_queries[at];
        if ((refresh && !q->refresh) || (pooled && q->sets))
            continue;
        if (q->statements && (pooled || !f->runtime.statements || !f->statements_schema[0]))
            continue;
        if (version >= q->from && (q->before == 0 || version < q->before))
            break;
    }
    return at;
}
