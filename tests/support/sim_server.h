#pragma once
/*
 * The state of the simulation (sim.h): a server with its settings and their file, and a disk. It keeps a journal of its own
 * of what stands in postgresql.auto.conf, so that it can say whether the program's is true.
 */
#include <jansson.h>
#include <string.h>

#include "fuzz.h"
#include "pgd/app/gate.h"
#include "pgd/base/text.h"
#include "pgd/tuning/apply.h"

enum { SIM_PENDING_MAX = 400, SIM_FILES_MAX = 160, SIM_DONE = -1 };
#define SIM_SECOND 1000000LL
#define SIM_PASSWORD "s3cretPW!"

/* name, value, unit, context, vartype, min, max, enumvals */
static const char *const sim_stock[][8] = {
    {"autovacuum_vacuum_scale_factor", "0.2", "", "sighup", "real", "0", "100", ""},
    {"checkpoint_completion_target", "0.9", "", "sighup", "real", "0", "1", ""},
    {"checkpoint_timeout", "300", "s", "sighup", "integer", "30", "86400", ""},
    {"effective_cache_size", "524288", "8kB", "user", "integer", "1", "2147483647", ""},
    {"effective_io_concurrency", "1", "", "user", "integer", "0", "1000", ""},
    {"fsync", "on", "", "sighup", "bool", "", "", ""},
    {"full_page_writes", "on", "", "sighup", "bool", "", "", ""},
    {"hash_mem_multiplier", "2", "", "user", "real", "1", "1000", ""},
    {"jit", "on", "", "user", "bool", "", "", ""},
    {"maintenance_work_mem", "65536", "kB", "user", "integer", "1024", "2147483647", ""},
    {"max_connections", "100", "", "postmaster", "integer", "1", "262143", ""},
    {"max_parallel_workers_per_gather", "2", "", "user", "integer", "0", "1024", ""},
    {"max_wal_size", "1024", "MB", "sighup", "integer", "2", "2147483647", ""},
    {"min_wal_size", "80", "MB", "sighup", "integer", "2", "2147483647", ""},
    {"random_page_cost", "4", "", "user", "real", "0", "1.79769e+308", ""},
    {"seq_page_cost", "1", "", "user", "real", "0", "1.79769e+308", ""},
    {"shared_buffers", "16384", "8kB", "postmaster", "integer", "16", "1073741823", ""},
    {"synchronous_commit", "on", "", "user", "enum", "", "",
     "{local,remote_write,remote_apply,on,off}"},
    {"wal_buffers", "512", "8kB", "postmaster", "integer", "-1", "262143", ""},
    {"wal_compression", "off", "", "superuser", "enum", "", "", "{pglz,lz4,on,off}"},
    {"work_mem", "4096", "kB", "user", "integer", "64", "2147483647", ""},
};
enum { SIM_SETTINGS = (int)(sizeof sim_stock / sizeof sim_stock[0]) };

struct sim_entry {
    bool present;
    char value[SETTING_VALUE_MAX];
};

struct sim_pending {
    struct effect e; /* a copy, owned */
    int64_t due;
    int stage; /* of a program; SIM_DONE: to be taken out */
    int pid;
};

struct sim_conn {
    bool up, connecting;
    struct req req;
};

struct sim_file {
    char *path, *text;
    size_t len;
};

/* What the program has written down of one setting: what may stand in the file now. */
struct sim_known {
    bool touched;
    int n;
    struct sim_entry may[2];
};

enum sim_fault {
    SIM_WELL,
    SIM_ERROR,      /* the thing answers that it failed, and has not happened */
    SIM_ERROR_DONE, /* it says that it failed, and has happened */
    SIM_LOST,       /* the connection goes away before it */
    SIM_LOST_DONE,  /* … after it */
    SIM_TIMEOUT,    /* no answer in time; it may have happened */
    SIM_ODD         /* an answer that makes no sense */
};

struct sim {
    void (*deliver)(void *arg, struct event *ev, struct effects *fx);
    void *arg;
    int64_t now, wall, next_tick;
    struct gate gate;
    int n;
    struct sim_pending list[SIM_PENDING_MAX];
    struct sim_conn conns[CONN_COUNT];
    int nfiles;
    struct sim_file files[SIM_FILES_MAX];
    /* the server */
    bool up, reached, standby, superuser;
    bool may_alter; /* the role may run ALTER SYSTEM */
    int version, pids;
    int64_t start_us;
    struct sim_entry file[SIM_SETTINGS], saved[SIM_SETTINGS], original[SIM_SETTINGS];
    char running[SIM_SETTINGS][SETTING_VALUE_MAX];
    bool from_file[SIM_SETTINGS];
    bool has_saved;
    bool counts;      /* the totals are those of the samples, since an hour before the start … */
    uint64_t counted; /* … which were told last after so many of them */
    int override;     /* this setting is hidden by the role's own; -1 = none */
    int reload_lag;   /* questions that still see the old values after a reload */
    int reload_left;  /* … of the reload under way; 0 = it has been done */
    double gain;      /* TPS with any entry of ours, over the TPS without */
    double (*speed)(const struct sim *s); /* … or as this says; NULL = by gain */
    uint64_t counter;
    /* our own benchmark database: its mark says that it is whole; what it holds, and what each run of pgbench adds to that */
    bool marked;
    double db_mb, dead, run_mb, run_dead;
    const char *not_ours; /* somebody else's in it; NULL = nothing */
    const char *
        load_fails; /* the sqlstate of the statement of its loading that begins as below; NULL = none fails */
    const char *load_fails_at;
    int load_failures;
    int loads, vacuums, runs;
    /* the truth about the journal */
    struct sim_known known[SIM_SETTINGS];
    uint64_t journal_no; /* the newest number that is on the disk */
    bool intent_open;    /* written by this process, without a result */
    bool disk_lied; /* an entry was refused by the disk: the journal may say less than is true */
    bool quit;
    int exit_code;
    int restart_outcome; /* of the next restart: enum sim_restart */
    int events, sent;    /* events delivered, effects carried out */
    char last_line[64];  /* the beginning of the last line on stdout */
    bool trace;
};

enum sim_restart {
    SIM_R_UP,
    SIM_R_RESTORED,
    SIM_R_DOWN,
    SIM_R_REFUSED,
    SIM_R_SILENT,      /* it restarts, and its report cannot be read */
    SIM_R_SILENT_DOWN, /* it stops the server and dies */
    SIM_R_COUNT
};

/* ---- settings --------------------------------------------------------------------------------------- */

static inline int sim_setting(const char *name)
{
    for (int i = 0; i < SIM_SETTINGS; i++)
        if (strcasecmp(sim_stock[i][0], name) == 0)
            return i;
    return -1;
}

/* The text of a file in the setting's own unit, as pg_settings has it. */
static inline void sim_normal(int i, const char *text, char *dst)
{
    static const struct {
        const char *name;
        double of_kb, of_ms;
    } units[] = {{"8kB", 8, 0},         {"kB", 1, 0},      {"MB", 1024, 0},   {"GB", 1048576, 0},
                 {"TB", 1073741824, 0}, {"ms", 0, 1},      {"min", 0, 60000}, {"s", 0, 1000},
                 {"h", 0, 3600000},     {"d", 0, 86400000}};
    char *end;
    double v = strtod(text, &end), from = 0, to = 0;
    while (*end == ' ')
        end++;
    snprintf(dst, SETTING_VALUE_MAX, "%s", text);
    if (end == text || !*end)
        return;
    for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
        double size = units[k].of_kb > 0 ? units[k].of_kb : units[k].of_ms;
        if (strcmp(end, units[k].name) == 0)
            from = size;
        if (strcmp(sim_stock[i][2], units[k].name) == 0)
            to = size;
    }
    if (from > 0 && to > 0)
        snprintf(dst, SETTING_VALUE_MAX, "%.0f", v * from / to);
}

/* restart: those that only a restart takes, too. */
static inline void sim_load(struct sim *s, bool restart)
{
    for (int i = 0; i < SIM_SETTINGS; i++) {
        if (strcmp(sim_stock[i][3], "postmaster") == 0 && !restart)
            continue;
        s->from_file[i] = s->file[i].present;
        sim_normal(i, s->file[i].present ? s->file[i].value : sim_stock[i][1], s->running[i]);
    }
    s->reload_left = 0;
}

static inline bool sim_same(const struct sim_entry *a, const struct sim_entry *b)
{
    return a->present == b->present && (!a->present || strcmp(a->value, b->value) == 0);
}

static inline bool sim_tuned(const struct sim *s)
{
    for (int i = 0; i < SIM_SETTINGS; i++)
        if (!sim_same(&s->file[i], &s->original[i]))
            return true;
    return false;
}

/* What stands in the file is what the journal says may stand there. */
static inline void sim_check_truth(const struct sim *s)
{
    for (int i = 0; i < SIM_SETTINGS; i++) {
        const struct sim_known *k = &s->known[i];
        bool fine = k->touched ? false : sim_same(&s->file[i], &s->original[i]);
        for (int j = 0; j < k->n; j++)
            fine = fine || sim_same(&s->file[i], &k->may[j]);
        REQUIRE(fine);
    }
}

static inline void sim_read_entry(const json_t *j, struct sim_entry *e)
{
    const char *value = json_string_value(json_object_get(j, "value"));
    e->present = json_is_true(json_object_get(j, "present"));
    snprintf(e->value, sizeof e->value, "%s", value ? value : "");
}

/* A line of the journal has reached the disk. */
static inline void sim_journal_line(struct sim *s, const char *line, size_t n)
{
    json_t *j = json_loadb(line, n, 0, NULL), *items = json_object_get(j, "items"), *item;
    const char *event = json_string_value(json_object_get(j, "event"));
    size_t at;
    REQUIRE(j && event);
    bool intent = strcmp(event, "intent") == 0, applied = strcmp(event, "applied") == 0;
    bool undone = strcmp(event, "undone") == 0;
    if (intent)
        REQUIRE(json_array_size(items) > 0);
    json_array_foreach(items, at, item)
    {
        int i = sim_setting(json_string_value(json_object_get(item, "name")));
        REQUIRE(i >= 0);
        s->known[i].touched = true;
        s->known[i].n = 2;
        sim_read_entry(json_object_get(item, "before"), &s->known[i].may[0]);
        sim_read_entry(json_object_get(item, "to"), &s->known[i].may[1]);
    }
    for (int i = 0; (applied || undone) && i < SIM_SETTINGS; i++)
        if (s->known[i].n == 2) {
            if (applied)
                s->known[i].may[0] = s->known[i].may[1];
            s->known[i].n = 1;
        }
    if (intent)
        s->intent_open = true;
    else if (applied || undone || strcmp(event, "stuck") == 0)
        s->intent_open = false;
    json_decref(j);
}

/* ---- files -------------------------------------------------------------------------------------------- */

static inline struct sim_file *sim_find(struct sim *s, const char *path)
{
    for (int i = 0; i < s->nfiles; i++)
        if (strcmp(s->files[i].path, path) == 0)
            return &s->files[i];
    return NULL;
}

static inline void sim_write(struct sim *s, const char *path, const char *text, size_t len,
                             bool append)
{
    struct sim_file *f = sim_find(s, path);
    if (!f && s->nfiles == SIM_FILES_MAX)
        return;
    if (!f) {
        f = &s->files[s->nfiles++];
        f->path = xstrdup(path);
        f->text = xstrdup("");
        f->len = 0;
    }
    size_t old = append ? f->len : 0;
    while (old > 0 && f->text[old - 1] != '\n') /* a torn last line is cut */
        old--;
    f->text = xrealloc(f->text, old + len + 1);
    memcpy(f->text + old, text, len);
    f->len = old + len;
    f->text[f->len] = '\0';
}

static inline void sim_remove(struct sim *s, const char *path)
{
    struct sim_file *f = sim_find(s, path);
    if (!f)
        return;
    free(f->path);
    free(f->text);
    *f = s->files[--s->nfiles];
}

static inline void sim_list(const struct sim *s, const char *dir, struct buf *out)
{
    size_t n = strlen(dir);
    for (int i = 0; i < s->nfiles; i++) {
        const char *p = s->files[i].path;
        char name[300];
        if (strncmp(p, dir, n) != 0 || p[n] != '/')
            continue;
        size_t len = strcspn(p + n + 1, "/");
        snprintf(name, sizeof name, "%.*s%s\n", (int)len, p + n + 1, p[n + 1 + len] ? "/" : "");
        if (!strstr(buf_text(out), name))
            buf_puts(out, name);
    }
}

/* The disk does what an effect wants; len: how much of an append gets there. */
static inline void sim_do_file(struct sim *s, const struct effect *e, size_t len)
{
    const char *path = e->u.file.path;
    if (e->u.file.op == FILE_SAVE && len == e->len)
        sim_write(s, path, e->text, len, false);
    if (e->u.file.op == FILE_REMOVE)
        sim_remove(s, path);
    if (e->u.file.op != FILE_APPEND || len == 0)
        return;
    sim_write(s, path, e->text, len, true);
    size_t dir = strlen(path);
    if (len == e->len && dir > 13 && strcmp(path + dir - 13, "journal.jsonl") == 0) {
        sim_journal_line(s, e->text, e->len);
        if (e->u.file.journal_no > s->journal_no)
            s->journal_no = e->u.file.journal_no;
    }
}

/* ---- the server's answers -------------------------------------------------------------------------- */

static inline bool sim_waits_for_restart(const struct sim *s, int i)
{
    char wanted[SETTING_VALUE_MAX];
    sim_normal(i, s->file[i].present ? s->file[i].value : sim_stock[i][1], wanted);
    return strcmp(sim_stock[i][3], "postmaster") == 0 && strcmp(wanted, s->running[i]) != 0;
}

/* Settings beside the entries of the file; every statement about settings finds its columns here. */
static inline struct rows *sim_setting_rows(const struct sim *s, bool bench)
{
    static const char *const names[] = {
        "name",       "setting",         "shown",    "unit",     "context",   "vartype",
        "min_val",    "max_val",         "enumvals", "boot_val", "reset_val", "source",
        "sourcefile", "pending_restart", "role",     "db",       "file",      "line",
        "file_name",  "file_value",      "applied",  "error"};
    struct rows *r = rows_new(SIM_SETTINGS, (int)ARRAY_LEN(names));
    for (int c = 0; c < r->ncols; c++)
        rows_set_name(r, c, names[c]);
    for (int i = 0; i < SIM_SETTINGS; i++) {
        const struct sim_entry *f = &s->file[i];
        bool hidden = bench && i == s->override, waits = sim_waits_for_restart(s, i);
        const char *const v[] = {sim_stock[i][0],
                                 s->running[i],
                                 s->running[i],
                                 sim_stock[i][2],
                                 sim_stock[i][3],
                                 sim_stock[i][4],
                                 sim_stock[i][5],
                                 sim_stock[i][6],
                                 sim_stock[i][7],
                                 sim_stock[i][1],
                                 s->running[i],
                                 hidden            ? "user"
                                 : s->from_file[i] ? "configuration file"
                                                   : "default",
                                 s->from_file[i] ? "/data/postgresql.auto.conf" : NULL,
                                 waits ? "t" : "f",
                                 "app",
                                 "shop",
                                 f->present ? "/data/postgresql.auto.conf" : NULL,
                                 f->present ? "3" : NULL,
                                 f->present ? sim_stock[i][0] : NULL,
                                 f->present ? f->value : NULL,
                                 f->present ? (waits ? "f" : "t") : NULL,
                                 f->present && waits ? "setting could not be applied" : NULL};
        for (int c = 0; c < r->ncols; c++)
            rows_set(r, i, c, v[c]);
    }
    return r;
}

static inline void sim_set(struct sim *s, const char *name, bool present, const char *value)
{
    int i = sim_setting(name);
    REQUIRE(i >= 0);
    s->file[i].present = present;
    snprintf(s->file[i].value, sizeof s->file[i].value, "%s", present ? value : "");
}

static inline void sim_alter(struct sim *s, const char *sql)
{
    char name[80];
    const char *p = sql + strlen("ALTER SYSTEM ");
    bool set = strncmp(p, "SET ", 4) == 0;
    p += set ? 4 : 6;
    size_t n = strcspn(p, " ");
    snprintf(name, sizeof name, "%.*s", (int)n, p);
    REQUIRE(s->may_alter);
    if (!set) {
        sim_set(s, name, false, "");
        return;
    }
    p = strchr(p, '\'');
    REQUIRE(p);
    struct buf value = {0};
    for (p++; *p && !(*p == '\'' && p[1] != '\''); p++) {
        p += *p == '\'';
        buf_putc(&value, *p);
    }
    sim_set(s, name, true, buf_text(&value));
    buf_clear(&value);
}

static inline struct rows *sim_text(const char *fmt, ...) PGD_PRINTF(1, 2);
static inline struct rows *sim_text(const char *fmt, ...)
{
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    struct rows *r = rows_parse(buf_text(&b));
    buf_clear(&b);
    return r;
}

static inline struct rows *sim_sample(struct sim *s)
{
    double k = (double)s->counter++ + 1;
    return sim_text(
        "server_s|xact_commit|xact_rollback|blks_hit|blks_read|tup_returned|tup_fetched|tup_"
        "written|"
        "temp_files|temp_bytes|deadlocks|sessions|active|idle|idle_tx|waiting|hidden|waits|ckpt_"
        "timed|"
        "ckpt_req|buffers_ckpt|buffers_clean|buffers_backend|wal_bytes|wal_fpi|wal_records|"
        "wal_buffers_full\n%.1f|%.0f|0|%.0f|%.0f|%.0f|%.0f|%.0f|%.0f|%.0f|0|9|4|5|0|1|0|"
        "IO:DataFileRead=2\\nCPU=2|1|%.0f|%.0f|0|%.0f|%.0f|%.0f|%.0f|%.0f\n",
        (double)s->now / 1e6, k * 1000, k * 90000, k * 30000, k * 50000, k * 40000, k * 9000,
        k * 40, k * 4e8, k * 2, k * 3000, k * 500, k * 2e8, k * 4000, k * 50000, k * 10);
}

/* The mark of our own database, and what the runs have made of it. */
static inline struct rows *sim_meta(struct sim *s, const char *sql)
{
    const char *workload = s->marked ? "shop-1" : "loading";
    if (!s->marked && strstr(sql, "m.workload = 'shop-1'"))
        return sim_text("loaded_bytes|db_bytes|not_ours|dead_tuples|live_tuples\n");
    return sim_text("workload|loaded_bytes|db_bytes|not_ours|dead_tuples|live_tuples\n%s|%.0f|%.0f|"
                    "%s|%.0f|%.0f\n",
                    workload, 300 * 1048576.0, s->db_mb * 1048576,
                    s->not_ours ? s->not_ours : "\\N", s->dead, 1e6);
}

/* Carries a statement out and gives its rows. */
static inline struct rows *sim_run_sql(struct sim *s, enum pg_conn conn, const char *sql)
{
    bool bench = conn == CONN_BENCH;
    if (strncmp(sql, "ALTER SYSTEM ", 13) == 0) {
        sim_alter(s, sql);
        return sim_text("x\n");
    }
    if (strstr(sql, "pg_reload_conf()") && strncmp(sql, "SELECT pg_catalog.pg_reload", 27) == 0) {
        s->reload_left = s->reload_lag + 1;
        if (s->reload_lag == 0)
            sim_load(s, false);
        return sim_text("sent\nt\n");
    }
    if (strstr(sql, "server_version_num"))
        return sim_text(
            "version_num|version|standby|server_addr|client_addr|server_port|cluster_name|"
            "postmaster_start_us|backend_pid|database|role|data_directory|config_file|"
            "hba_file\n%d|%d.1|%s|\\N|\\N|5432||%lld|77|shop|dba|/data|/data/"
            "postgresql.conf|/data/pg_hba.conf\n",
            s->version, s->version / 10000, s->standby ? "t" : "f", (long long)s->start_us);
    if (strstr(sql, "pg_control_system"))
        return sim_text("system_identifier\n7000000000000000042\n");
    if (strstr(sql, "rolsuper"))
        return sim_text("superuser|pg_monitor|read_settings|read_stats|alter_system|"
                        "allow_alter_system|reload|file_settings|checkpoint|create_db\n"
                        "%s|t|t|t|%s|t|t|t|%s|t\n",
                        s->superuser && s->may_alter ? "t" : "f", s->may_alter ? "t" : "f",
                        s->superuser ? "t" : "f");
    if (strstr(sql, "pg_hba_file_rules"))
        return sim_text("file|line|error\n");
    if (strstr(sql, "pg_prepared_xacts)"))
        return sim_text("prepared|archiver_fails|replicas|sessions|base_backup\n0|f|0|3|f\n");
    if (strstr(sql, "reset_val, source") || strstr(sql, "pg_file_settings f") ||
        strstr(sql, "lower(s.name) IN (")) {
        if (s->reload_left > 0 && --s->reload_left == 0)
            sim_load(s, false);
        return sim_setting_rows(s, bench);
    }
    if (strstr(sql, "pg_try_advisory_lock("))
        return sim_text("got\nt\n");
    if (strstr(sql, "1885824105")) /* who else tunes this server */
        return sim_text("pid|client_addr|application|role|database\n");
    if (strstr(sql, "redo_lsn"))
        return sim_text("redo_bytes|dead_tuples|live_tuples|db_bytes\n1000000|%.0f|1000000|%.0f\n",
                        50 + s->dead, s->db_mb * 1048576);
    if (strstr(sql, "AS server_s"))
        return sim_sample(s);
    if (strstr(sql, "FROM pg_catalog.pg_database WHERE datname"))
        return sim_text("x\n1\n");
    if (strstr(sql, "to_regclass('public.pg_diagnose_meta')"))
        return sim_text("mark|tables\npg_diagnose_meta|4\n");
    if (strstr(sql, "FROM public.pg_diagnose_meta AS m"))
        return sim_meta(s, sql);
    if (bench && strcmp(sql, "VACUUM (ANALYZE)") == 0) {
        s->vacuums++;
        s->dead = 0;
        return sim_text("x\n");
    }
    if (bench &&
        strncmp(sql, "DO $$ BEGIN PERFORM pg_catalog.set_config('lock_timeout'", 55) == 0) {
        s->marked = false;
        return sim_text("x\n");
    }
    if (bench && strncmp(sql, "UPDATE public.pg_diagnose_meta SET workload = 'shop-1'", 54) == 0) {
        s->loads++;
        s->marked = true;
        s->dead = 0;
        s->db_mb = 300;
        return sim_text("x\n");
    }
    if (strncmp(sql, "EXPLAIN", 7) == 0)
        return sim_text("QUERY PLAN\n"
                        "Sort  (cost=9000.00..9500.00 rows=200000 width=40) (actual "
                        "time=300.000..400.000 rows=200000 loops=1)\n"
                        "  Sort Method: external merge  Disk: 40000kB\n"
                        "  Buffers: shared hit=100 read=9000, temp read=5000 written=5000\n"
                        "  ->  Seq Scan on orders  (cost=0.00..5000.00 rows=200000 width=40) "
                        "(actual time=0.010..90.000 rows=200000 loops=1)\n"
                        "Planning Time: 0.200 ms\n"
                        "Execution Time: 500.000 ms\n");
    if (strstr(sql, "FROM pg_database") && strstr(sql, "datname AS name"))
        return sim_text("name\nshop\npg_diagnose_bench\n");
    if (s->counts && strstr(sql, "AS stats_age_s"))
        return sim_text("stats_age_s\n%.1f\n", (double)s->now / 1e6 + 3600);
    if (s->counts && strstr(sql, "sum(temp_bytes)")) {
        s->counted = s->counter;
        return sim_text("xact_commit|xact_rollback|blks_hit|blks_read|temp_files|temp_bytes\n"
                        "%.0f|10|1000000|90000|%.0f|%.0f\n",
                        100000 + (double)s->counter * 1000, 500 + (double)s->counter * 40,
                        (double)s->counter * 4e8);
    }
    if (strstr(sql, "temp_bytes"))
        return sim_text("xact_commit|xact_rollback|blks_hit|blks_read|temp_files|temp_bytes\n"
                        "100000|10|1000000|90000|500|400000000000\n");
    if (strstr(sql, "ckpt_req"))
        return sim_text("ckpt_timed|ckpt_req\n2|90\n");
    return sim_text("x\n");
}
