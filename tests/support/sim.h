#pragma once
/*
 * A PostgreSQL server, a disk and a few programs as plain data: what a machine asks for by its effects is done here and
 * answered by events, in simulated time. Nothing goes wrong by itself; the test says what does, one word at a time. The
 * simulation keeps a journal of its own of what stands in postgresql.auto.conf, so that it can say whether the program's
 * is true.
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
    bool up, local, standby, superuser;
    bool may_alter; /* the role may run ALTER SYSTEM */
    int version, pids;
    int64_t start_us;
    struct sim_entry file[SIM_SETTINGS], saved[SIM_SETTINGS], original[SIM_SETTINGS];
    char running[SIM_SETTINGS][SETTING_VALUE_MAX];
    bool from_file[SIM_SETTINGS];
    bool has_saved;
    int override;    /* this setting is hidden by the role's own; -1 = none */
    int reload_lag;  /* questions that still see the old values after a reload */
    int reload_left; /* … of the reload under way; 0 = it has been done */
    double gain;     /* TPS with any entry of ours, over the TPS without */
    uint64_t counter;
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
        return sim_text("redo_bytes|dead_tuples\n1000000|50\n");
    if (strstr(sql, "AS server_s"))
        return sim_sample(s);
    if (strstr(sql, "FROM pg_catalog.pg_database WHERE datname"))
        return sim_text("x\n1\n");
    if (strstr(sql, "to_regclass('public.pg_diagnose_meta')"))
        return sim_text("mark|tables\npg_diagnose_meta|4\n");
    if (strstr(sql, "SELECT workload FROM"))
        return sim_text("workload\nshop-1\n");
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
    if (strstr(sql, "temp_bytes"))
        return sim_text("xact_commit|xact_rollback|blks_hit|blks_read|temp_files|temp_bytes\n"
                        "100000|10|1000000|90000|500|400000000000\n");
    if (strstr(sql, "ckpt_req"))
        return sim_text("ckpt_timed|ckpt_req\n2|90\n");
    return sim_text("x\n");
}

/* ---- events ------------------------------------------------------------------------------------------- */

static inline void sim_forbid(const char *text)
{
    if (text)
        REQUIRE(!strstr(text, "s3cretPW"));
}

/* What holds of every effect. */
static inline void sim_check_effect(const struct sim *s, const struct effect *e)
{
    struct buf line = {0};
    effect_text(e, &line);
    REQUIRE(line.len > 0);
    REQUIRE(!memchr(line.data, '\n', line.len));
    if (s->trace)
        fprintf(stderr, "      -> %.300s\n", buf_text(&line));
    sim_forbid(buf_text(&line));
    buf_clear(&line);
    sim_forbid(e->text);
    if (e->kind == FX_PG_CONNECT)
        for (int i = 0; e->u.pg.keys && e->u.pg.keys[i]; i++)
            sim_forbid(e->u.pg.values[i]);
    if (e->kind == FX_CHILD) {
        for (int i = 0; e->u.child.argv && e->u.child.argv[i]; i++)
            sim_forbid(e->u.child.argv[i]);
        for (int i = 0; e->u.child.env && e->u.child.env[i]; i++)
            sim_forbid(e->u.child.env[i]);
        sim_forbid(e->u.child.stdin_text);
    }
    if (e->kind == FX_PG_QUERY && strncmp(e->text, "ALTER SYSTEM", 12) == 0)
        REQUIRE(e->changes_server && e->after_journal > 0 && e->req.owner == OWNER_APPLY);
}

static inline void sim_carry_out(void *arg, struct effect *e);

static inline void sim_refused(void *arg, struct event *ev);

static inline void sim_deliver(struct sim *s, struct event *ev)
{
    struct effects fx = {0};
    ev->at_us = s->now;
    ev->wall_us = s->wall + s->now;
    s->events++;
    if (s->trace)
        fprintf(stderr, "%8.3f %s %s/%u/%u%s%s\n", (double)s->now / 1e6, event_kind_name(ev->kind),
                owner_name(ev->req.owner), ev->req.generation, ev->req.id, ev->err.code ? " " : "",
                ev->err.code ? ev->err.msg : "");
    gate_event(&s->gate, ev, sim_carry_out, sim_refused, s);
    s->deliver(s->arg, ev, &fx);
    event_clear(ev);
    for (size_t i = 0; i < fx.n; i++)
        sim_check_effect(s, &fx.items[i]);
    REQUIRE(fx.n < 600 && s->gate.held.n < 50);
    gate_run(&s->gate, &fx, sim_carry_out, sim_refused, s);
    sim_check_truth(s);
}

static inline void sim_answer(struct sim *s, struct effect *e, enum event_kind kind,
                              enum err_code code, const char *sqlstate, struct rows *rows)
{
    struct event ev = {.kind = kind, .req = e->req, .rows = rows};
    if (kind == EV_PG_RESULT || kind == EV_PG_UP || kind == EV_PG_DOWN)
        ev.u.pg.conn = e->u.pg.conn;
    if (code != ERR_NONE) {
        err_set(&ev.err, code, "simulated: %s", err_code_name(code));
        snprintf(ev.err.sqlstate, sizeof ev.err.sqlstate, "%s", sqlstate);
    }
    sim_deliver(s, &ev);
}

/* Takes entry i out of the list; the caller owns the effect. */
static inline struct sim_pending sim_take(struct sim *s, int i)
{
    struct sim_pending p = s->list[i];
    memmove(s->list + i, s->list + i + 1, (size_t)(s->n - i - 1) * sizeof p);
    s->n--;
    return p;
}

static inline int sim_first_on(const struct sim *s, enum pg_conn conn)
{
    for (int i = 0; i < s->n; i++)
        if (s->list[i].e.kind == FX_PG_QUERY && s->list[i].e.u.pg.conn == conn)
            return i;
    return -1;
}

static inline void sim_answer_all_lost(struct sim *s, enum pg_conn conn)
{
    for (int i; (i = sim_first_on(s, conn)) >= 0;) {
        struct sim_pending p = sim_take(s, i);
        sim_answer(s, &p.e, EV_PG_RESULT, ERR_LOST, "", NULL);
        effect_clear(&p.e);
    }
}

/* The server or the network ends a connection: first the statements, then the connection. */
static inline void sim_drop(struct sim *s, enum pg_conn conn)
{
    struct sim_conn *c = &s->conns[conn];
    if (!c->up)
        return;
    struct effect e = {.kind = FX_PG_CONNECT, .req = c->req, .u.pg.conn = conn};
    c->up = false;
    sim_answer_all_lost(s, conn);
    sim_answer(s, &e, EV_PG_DOWN, ERR_LOST, "", NULL);
}

static inline void sim_drop_all(struct sim *s)
{
    for (int c = 0; c < CONN_COUNT; c++)
        sim_drop(s, (enum pg_conn)c);
}

static inline void sim_restart(struct sim *s, int outcome, const char *token)
{
    struct buf report = {0};
    const char *state = "up";
    if (outcome == SIM_R_REFUSED || !s->up) {
        state = "refused";
    } else {
        s->up = false;
        sim_drop_all(s);
        if (outcome == SIM_R_RESTORED && s->has_saved) {
            memcpy(s->file, s->saved, sizeof s->file);
            state = "restored";
        }
        if (outcome == SIM_R_DOWN)
            state = "down";
        if (outcome != SIM_R_DOWN && outcome != SIM_R_SILENT_DOWN) {
            s->up = true;
            s->start_us += 10 * SIM_SECOND;
            sim_load(s, true);
        }
    }
    buf_printf(&report, "id=%s\nstate=%s\nnote=simulated\nlog=FATAL:  simulated\n", token, state);
    if (outcome != SIM_R_SILENT && outcome != SIM_R_SILENT_DOWN)
        sim_write(s, "/data/pg_diagnose.report", report.data, report.len, false);
    buf_clear(&report);
    sim_check_truth(s);
}

static inline void sim_add(struct sim *s, struct effect *e, int64_t after)
{
    if (s->n == SIM_PENDING_MAX) {
        effect_clear(e);
        fuzz_broken(__FILE__, __LINE__, "too much is under way");
        return;
    }
    s->list[s->n++] = (struct sim_pending){.e = *e, .due = s->now + after, .pid = 4000 + s->pids++};
    memset(e, 0, sizeof *e);
}

static inline int sim_find_req(const struct sim *s, enum effect_kind kind, struct req req)
{
    for (int i = 0; i < s->n; i++)
        if (s->list[i].e.kind == kind && req_same(s->list[i].e.req, req))
            return i;
    return -1;
}

static inline void sim_forget(struct sim *s, int i)
{
    if (i < 0)
        return;
    struct sim_pending p = sim_take(s, i);
    effect_clear(&p.e);
}

/* A connection is closed by us: its statements come back, it says nothing more. */
static inline void sim_close(struct sim *s, enum pg_conn conn)
{
    s->conns[conn].up = s->conns[conn].connecting = false;
    for (int i = 0; i < s->n; i++)
        if (s->list[i].e.kind == FX_PG_CONNECT && s->list[i].e.u.pg.conn == conn)
            sim_forget(s, i--);
    for (int i = 0; i < s->n; i++) /* answered at their turn */
        if (s->list[i].e.kind == FX_PG_QUERY && s->list[i].e.u.pg.conn == conn)
            s->list[i].stage = SIM_DONE;
}

/* The port of the gate: what gets here is under way. */
static inline void sim_carry_out(void *arg, struct effect *e)
{
    struct sim *s = arg;
    s->sent++;
    REQUIRE(e->after_journal <= s->journal_no);
    REQUIRE(!(s->gate.readonly && e->changes_server));
    switch (e->kind) {
    case FX_PG_CONNECT:
        sim_close(s, e->u.pg.conn);
        s->conns[e->u.pg.conn].connecting = true;
        s->conns[e->u.pg.conn].req = e->req;
        sim_add(s, e, 2000);
        return;
    case FX_PG_QUERY:
        sim_add(s, e, 1000);
        if (!s->conns[s->list[s->n - 1].e.u.pg.conn].up)
            s->list[s->n - 1].stage = SIM_DONE;
        return;
    case FX_PG_CANCEL:
        for (int i = sim_first_on(s, e->u.pg.conn); i >= 0; i = -1)
            s->list[i].stage = 1; /* is cancelled at its turn */
        break;
    case FX_PG_CLOSE:
        sim_close(s, e->u.pg.conn);
        break;
    case FX_CHILD:
        sim_add(s, e, 3000);
        return;
    case FX_FILE:
        sim_add(s, e, 500);
        return;
    case FX_TIMER:
        sim_forget(s, sim_find_req(s, FX_TIMER, e->req));
        sim_add(s, e, e->ms * 1000LL);
        return;
    case FX_TIMER_STOP:
        sim_forget(s, sim_find_req(s, FX_TIMER, e->req));
        break;
    case FX_CHILD_KILL:
        for (int i = sim_find_req(s, FX_CHILD, e->req); i >= 0; i = -1)
            s->list[i].stage = SIM_DONE;
        break;
    case FX_QUIT:
        s->quit = true;
        s->exit_code = e->exit_code;
        break;
    case FX_STDOUT:
        snprintf(s->last_line, sizeof s->last_line, "%s", e->text);
        break;
    default:
        break;
    }
    effect_clear(e);
}

static inline void sim_refused(void *arg, struct event *ev)
{
    struct sim *s = arg;
    /* The answer of the gate is an event of its own turn. */
    struct effect e = {.kind = FX_NONE, .req = ev->req, .ms = (int)ev->kind};
    e.exit_code = (int)ev->err.code;
    e.u.pg.conn = ev->kind == EV_PG_RESULT ? ev->u.pg.conn : CONN_CONTROL;
    event_clear(ev);
    sim_add(s, &e, 0);
}

/* ---- answering one effect ------------------------------------------------------------------------- */

static inline void sim_answer_connect(struct sim *s, struct effect *e, enum sim_fault fault)
{
    struct sim_conn *c = &s->conns[e->u.pg.conn];
    struct event ev = {.kind = EV_PG_UP, .req = e->req, .u.pg = {.conn = e->u.pg.conn}};
    c->connecting = false;
    if (!s->up || fault == SIM_ERROR || fault == SIM_TIMEOUT || fault == SIM_LOST) {
        ev.kind = EV_PG_DOWN;
        err_set(&ev.err, ERR_CONNECT, "simulated: connection refused");
        ev.u.pg.needs_password = false;
        snprintf(ev.u.pg.host, sizeof ev.u.pg.host, "/sock");
        snprintf(ev.u.pg.port, sizeof ev.u.pg.port, "5432");
        snprintf(ev.u.pg.dbname, sizeof ev.u.pg.dbname, "shop");
        sim_deliver(s, &ev);
        return;
    }
    if (fault == SIM_ODD) {
        ev.kind = EV_PG_DOWN;
        err_set(&ev.err, ERR_PASSWORD, "simulated: password needed");
        ev.u.pg.needs_password = true;
        sim_deliver(s, &ev);
        return;
    }
    c->up = true;
    c->req = e->req;
    ev.u.pg.server_version = s->version;
    ev.u.pg.backend_pid = 77;
    ev.u.pg.password = secret_put(SIM_PASSWORD, strlen(SIM_PASSWORD));
    snprintf(ev.u.pg.host, sizeof ev.u.pg.host, "/sock");
    snprintf(ev.u.pg.port, sizeof ev.u.pg.port, "5432");
    snprintf(ev.u.pg.user, sizeof ev.u.pg.user, "dba");
    snprintf(ev.u.pg.dbname, sizeof ev.u.pg.dbname, "shop");
    sim_deliver(s, &ev);
}

static inline void sim_answer_query(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    struct effect *e = &p->e;
    enum pg_conn conn = e->u.pg.conn;
    struct rows *r = NULL;
    if (p->stage == SIM_DONE) {
        sim_answer(s, e, EV_PG_RESULT, ERR_LOST, "", NULL);
        return;
    }
    if (p->stage == 1) {
        sim_answer(s, e, EV_PG_RESULT, ERR_CANCELLED, "57014", NULL);
        return;
    }
    if (fault == SIM_WELL || fault == SIM_ERROR_DONE || fault == SIM_LOST_DONE ||
        fault == SIM_TIMEOUT)
        r = sim_run_sql(s, conn, e->text);
    switch (fault) {
    case SIM_WELL:
        sim_answer(s, e, EV_PG_RESULT, ERR_NONE, "", r);
        return;
    case SIM_ERROR:
        sim_answer(s, e, EV_PG_RESULT, ERR_SQL, s->counter++ % 2 ? "42501" : "58P01", NULL);
        return;
    case SIM_ODD:
        sim_answer(s, e, EV_PG_RESULT, ERR_NONE, "", sim_text("what|is\nthis|\\N\n"));
        return;
    case SIM_TIMEOUT:
    case SIM_ERROR_DONE:
        rows_free(r);
        sim_answer(s, e, EV_PG_RESULT, ERR_TIMEOUT, "57014", NULL);
        return;
    case SIM_LOST:
    case SIM_LOST_DONE:
        rows_free(r);
        sim_answer(s, e, EV_PG_RESULT, ERR_LOST, "", NULL);
        sim_drop(s, conn);
        return;
    }
}

static inline void sim_answer_file(struct sim *s, struct effect *e, enum sim_fault fault)
{
    struct event ev = {.kind = EV_FILE, .req = e->req};
    struct buf text = {0};
    const struct sim_file *f = NULL;
    bool writes = e->u.file.op == FILE_SAVE || e->u.file.op == FILE_APPEND;
    bool failed = fault == SIM_ERROR || fault == SIM_ERROR_DONE || fault == SIM_TIMEOUT;
    ev.u.file.journal_no = e->u.file.journal_no;
    if (failed) {
        /* An append that failed leaves a part of the line at most; what is saved appears whole or not at all. */
        size_t len = 0;
        if (fault == SIM_ERROR_DONE && e->u.file.op == FILE_SAVE)
            len = e->len;
        else if (fault == SIM_TIMEOUT && e->u.file.op == FILE_APPEND)
            len = e->len / 2;
        if (writes)
            sim_do_file(s, e, len);
        s->disk_lied = s->disk_lied || writes;
        err_set(&ev.err, e->u.file.op == FILE_LOCK ? ERR_BUSY : ERR_FILE, "simulated: no space");
        sim_deliver(s, &ev);
        return;
    }
    sim_do_file(s, e, e->len);
    switch (e->u.file.op) {
    case FILE_READ:
        f = sim_find(s, e->u.file.path);
        if (!f && strncmp(e->u.file.path, "/data/", 6) != 0)
            ev.u.file.missing = true;
        if (!f)
            err_set(&ev.err, ERR_FILE, "simulated: no such file");
        else if (fault == SIM_ODD)
            buf_puts(&text, "{\"odd\":");
        else
            buf_append(&text, f->text, f->len);
        break;
    case FILE_LIST:
        sim_list(s, e->u.file.path, &text);
        break;
    case FILE_SPACE:
        buf_puts(&text, "100000000000 90000000000");
        break;
    case FILE_READ_MANY:
        buf_puts(&text, "==> /proc/stat\ncpu  100 0 50 1000 5 0 0 0\n\n");
        break;
    default:
        break;
    }
    ev.len = text.len;
    ev.u.file.size = (int64_t)text.len;
    if (e->u.file.digest && ev.err.code == ERR_NONE) {
        ev.digest = e->u.file.digest(buf_text(&text), text.len, e->u.file.digest_arg);
        ev.digest_free = e->u.file.digest_free;
        buf_clear(&text);
    } else if (ev.err.code == ERR_NONE) {
        ev.text = text.data ? buf_take(&text) : xstrdup("");
    }
    sim_deliver(s, &ev);
}

/* -- programs -- */

static inline void sim_child_line(struct sim *s, const struct effect *e, enum child_stream stream,
                                  const char *fmt, ...) PGD_PRINTF(4, 5);
static inline void sim_child_line(struct sim *s, const struct effect *e, enum child_stream stream,
                                  const char *fmt, ...)
{
    struct event ev = {.kind = EV_CHILD_LINE, .req = e->req};
    struct buf b = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&b, fmt, ap);
    va_end(ap);
    ev.len = b.len;
    ev.text = buf_take(&b);
    ev.u.child.stream = stream;
    sim_deliver(s, &ev);
}

static inline void sim_exit(struct sim *s, const struct effect *e, int status, int signal,
                            const char *out)
{
    struct event ev = {.kind = EV_CHILD_EXIT, .req = e->req};
    ev.u.child.status = status;
    ev.u.child.signal = signal;
    ev.text = xstrdup(out);
    ev.len = strlen(out);
    sim_deliver(s, &ev);
}

static inline const char *sim_arg(const struct effect *e, int i)
{
    for (int k = 0; k <= i; k++)
        if (!e->u.child.argv[k])
            return "";
    return e->u.child.argv[i];
}

static inline const char *sim_arg_value(const struct effect *e, const char *name)
{
    size_t n = strlen(name);
    for (int i = 0; e->u.child.argv[i]; i++)
        if (strncmp(e->u.child.argv[i], name, n) == 0)
            return e->u.child.argv[i] + n;
    return "";
}

static inline bool sim_has(const char *text, const char *what)
{
    return text && strstr(text, what) != NULL;
}

static inline void sim_pgbench_ends(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    struct effect *e = &p->e;
    const char *prefix = sim_arg_value(e, "--log-prefix=");
    double tps = 1000 * (sim_tuned(s) ? s->gain : 1) * (1 + 0.002 * (double)(s->pids % 5));
    if (fault != SIM_WELL) {
        sim_child_line(s, e, STREAM_ERR,
                       "pgbench: error: client 0 aborted in command 1: simulated");
        sim_exit(s, e, fault == SIM_ODD ? 0 : 2, 0, "");
        return;
    }
    sim_child_line(s, e, STREAM_OUT, "transaction type: multiple scripts");
    sim_child_line(s, e, STREAM_OUT, "number of transactions actually processed: %.0f", tps);
    sim_child_line(s, e, STREAM_OUT, "number of failed transactions: 0 (0.000%%)");
    sim_child_line(s, e, STREAM_OUT, "latency average = %.3f ms", 4000 / tps);
    sim_child_line(s, e, STREAM_OUT, "latency stddev = 0.500 ms");
    sim_child_line(s, e, STREAM_OUT, "initial connection time = 5.000 ms");
    sim_child_line(s, e, STREAM_OUT, "tps = %.6f (without initial connection time)", tps);
    if (*prefix) {
        struct buf path = {0};
        buf_printf(&path, "%s.%d", prefix, p->pid);
        sim_write(s, buf_text(&path), "0 1 1500 0 1700000000 1500\n", 27, false);
        buf_clear(&path);
    }
    sim_exit(s, e, 0, 0, "");
}

static inline void sim_script_mode(struct sim *s, struct effect *e, enum sim_fault fault)
{
    const char *mode = sim_arg(e, 3);
    if (fault != SIM_WELL) {
        sim_exit(s, e, 1, 0, fault == SIM_ODD ? "" : "id=\nstate=refused\nnote=simulated\nlog=\n");
        return;
    }
    if (strcmp(mode, "save") == 0) {
        memcpy(s->saved, s->file, sizeof s->saved);
        s->has_saved = true;
        sim_remove(s, "/data/pg_diagnose.report");
        sim_exit(s, e, 0, 0, "id=\nstate=saved\nnote=\nlog=\n");
    } else if (strcmp(mode, "clean") == 0) {
        s->has_saved = false;
        sim_exit(s, e, 0, 0, "id=\nstate=cleaned\nnote=\nlog=\n");
    } else if (s->up) {
        sim_exit(s, e, 0, 0, "id=\nstate=up\nnote=the server runs\nlog=\n");
    } else if (!s->has_saved) {
        sim_exit(s, e, 0, 0, "id=\nstate=down\nnote=no copy\nlog=\n");
    } else {
        memcpy(s->file, s->saved, sizeof s->file);
        if (strcmp(mode, "recover") == 0) {
            s->up = true;
            s->start_us += SIM_SECOND;
            sim_load(s, true);
        }
        sim_exit(s, e, 0, 0, "id=\nstate=restored\nnote=put back\nlog=\n");
    }
}

static inline void sim_collected(struct sim *s, struct effect *e, enum sim_fault fault)
{
    const char *script = e->u.child.stdin_text;
    if (sim_has(script, "mode_rescue")) {
        sim_script_mode(s, e, fault);
    } else if (sim_has(script, "data_readable")) {
        if (fault != SIM_WELL || !s->local)
            sim_exit(s, e, fault == SIM_WELL ? 0 : 1, 0, "hostname=h\ncpus=2\n");
        else
            sim_exit(s, e, 0, 0,
                     "hostname=h\ncpus=2\nmem_total=17179869184\nmem_available=9179869184\n"
                     "data_free=107374182400\nwal_free=107374182400\nmatch=pidfile\n"
                     "data_directory=/data\npostmaster_pid=70\nowner=postgres\nbindir=/bin15\n"
                     "auto_conf=rw\nsupervisor=\ndata_readable=1\n");
    } else if (sim_has(sim_arg(e, 2), "pgbench")) {
        sim_exit(s, e, 0, 0,
                 fault == SIM_WELL ? "/bin15/pgbench|pgbench (PostgreSQL) 15.18\n" : "");
    } else if (strcmp(sim_arg(e, 1), "-c") == 0) { /* the DBA's restart command */
        if (fault != SIM_ERROR)
            sim_restart(s, s->restart_outcome, "");
        sim_exit(s, e, fault == SIM_ERROR || fault == SIM_ERROR_DONE, 0, "");
    } else { /* the canary */
        sim_exit(s, e,
                 fault == SIM_WELL    ? 0
                 : fault == SIM_ERROR ? 1
                                      : 2,
                 0, fault == SIM_WELL ? "" : "FATAL:  simulated\n");
    }
}

/* One step of a program; false: it has ended. */
static inline bool sim_step_child(struct sim *s, struct sim_pending *p, enum sim_fault fault)
{
    struct effect *e = &p->e;
    bool detached = e->u.child.flags & CHILD_DETACHED;
    bool pgbench = sim_has(sim_arg(e, 0), "pgbench");
    if (p->stage == SIM_DONE) {
        sim_exit(s, e, 0, 15, "");
        return false;
    }
    if (p->stage == 0) {
        struct event ev = {.kind = EV_CHILD_UP, .req = e->req};
        if (fault == SIM_ERROR) { /* it cannot be started */
            ev.kind = EV_CHILD_EXIT;
            err_set(&ev.err, ERR_CHILD, "simulated: no such program");
            sim_deliver(s, &ev);
            return false;
        }
        p->stage = 1;
        p->due = s->now + (pgbench || detached ? SIM_SECOND : 20000);
        ev.u.child.pid = p->pid;
        sim_deliver(s, &ev);
        return true;
    }
    if (pgbench && p->stage == 1) {
        p->stage = 2;
        p->due = s->now + 10000;
        sim_child_line(s, e, STREAM_ERR, "progress: 1.0 s, 1000.0 tps, lat 4.000 ms stddev 0.500");
        return true;
    }
    if (pgbench) {
        sim_pgbench_ends(s, p, fault);
    } else if (detached) {
        sim_restart(s, fault == SIM_WELL ? s->restart_outcome : SIM_R_SILENT,
                    sim_arg_value(e, "id="));
        sim_exit(s, e, fault == SIM_ERROR, 0, "");
    } else {
        sim_collected(s, e, fault);
    }
    return false;
}

/* Answers, or moves on, entry i of what is under way. Statements of one connection keep their order. */
static inline void sim_step(struct sim *s, int i, enum sim_fault fault)
{
    if (s->list[i].e.kind == FX_PG_QUERY)
        i = sim_first_on(s, s->list[i].e.u.pg.conn);
    if (s->list[i].due > s->now)
        s->now = s->list[i].due;
    struct sim_pending p = sim_take(s, i);
    switch (p.e.kind) {
    case FX_PG_CONNECT:
        sim_answer_connect(s, &p.e, fault);
        break;
    case FX_PG_QUERY:
        sim_answer_query(s, &p, fault);
        break;
    case FX_FILE:
        sim_answer_file(s, &p.e, fault);
        break;
    case FX_TIMER:
        sim_answer(s, &p.e, EV_TIMER, ERR_NONE, "", NULL);
        break;
    case FX_CHILD: {
        struct req req = p.e.req;
        int64_t due = p.due;
        /* What is told of it may lead to its end: it stays in the list meanwhile. */
        s->list[s->n++] = p;
        int stage = p.stage;
        if (!sim_step_child(s, &p, fault)) {
            i = sim_find_req(s, FX_CHILD, req);
            if (i >= 0) {
                struct sim_pending gone = sim_take(s, i);
                if (gone.e.u.child.argv != p.e.u.child.argv)
                    effect_clear(&gone.e);
            }
            break;
        }
        i = sim_find_req(s, FX_CHILD, req);
        if (i >= 0 && s->list[i].stage == stage && p.due != due) {
            s->list[i].stage = p.stage;
            s->list[i].due = p.due;
        }
        memset(&p.e, 0, sizeof p.e); /* the list's own */
        break;
    }
    case FX_NONE: /* refused by the gate */
        sim_answer(s, &p.e, (enum event_kind)p.e.ms, (enum err_code)p.e.exit_code, "", NULL);
        break;
    default:
        break;
    }
    effect_clear(&p.e);
}

/* The next thing in time: an answer, a timer, or the second's tick. */
static inline void sim_next(struct sim *s, bool ticks)
{
    int first = -1;
    for (int i = 0; i < s->n; i++)
        if (first < 0 || s->list[i].due < s->list[first].due)
            first = i;
    if (ticks && (first < 0 || s->next_tick <= s->list[first].due)) {
        struct event ev = {.kind = EV_TICK};
        s->now = s->next_tick > s->now ? s->next_tick : s->now;
        s->next_tick = s->now + SIM_SECOND;
        sim_deliver(s, &ev);
    } else if (first >= 0) {
        sim_step(s, first, SIM_WELL);
    }
}

/* ---- life ----------------------------------------------------------------------------------------------- */

static inline struct sim *sim_new(void (*deliver)(void *, struct event *, struct effects *),
                                  void *arg)
{
    struct sim *s = xcalloc(1, sizeof *s);
    s->deliver = deliver;
    s->arg = arg;
    s->now = 100 * SIM_SECOND;
    s->next_tick = s->now + SIM_SECOND;
    s->wall = 1700000000LL * SIM_SECOND;
    s->up = s->local = s->superuser = s->may_alter = true;
    s->version = 150018;
    s->start_us = 1600000000LL * SIM_SECOND;
    s->override = -1;
    s->gain = 1.2;
    sim_load(s, true);
    return s;
}

/* Somebody had entries of their own before us. */
static inline void sim_given(struct sim *s, const char *name, const char *value)
{
    int i = sim_setting(name);
    s->file[i].present = s->original[i].present = true;
    snprintf(s->file[i].value, sizeof s->file[i].value, "%s", value);
    s->original[i] = s->file[i];
    sim_load(s, true);
}

/* The process is killed: what it had under way is gone, but for what was on its way to the disk (the first `written` of
 * it, and of the next one a part) and for a restart script. */
static inline void sim_kill(struct sim *s, int written)
{
    for (int i = 0; i < s->n; i++) {
        struct effect *e = &s->list[i].e;
        if (e->kind == FX_FILE && written >= 0) {
            sim_do_file(s, e, written > 0 ? e->len : e->len / 3);
            written--;
        }
        if (e->kind == FX_PG_QUERY && s->list[i].stage == 0 && written % 2 && s->up)
            rows_free(sim_run_sql(s, e->u.pg.conn, e->text));
    }
    for (int c = 0; c < CONN_COUNT; c++)
        s->conns[c].up = s->conns[c].connecting = false;
    for (int i = 0; i < s->n; i++) {
        struct effect *e = &s->list[i].e;
        if (e->kind == FX_CHILD && (e->u.child.flags & CHILD_DETACHED) && s->list[i].stage == 1)
            sim_restart(s, s->restart_outcome, sim_arg_value(e, "id="));
        effect_clear(e);
    }
    s->n = 0;
    gate_clear(&s->gate);
    s->gate.saved = 0;
    s->journal_no = 0;
    s->intent_open = s->quit = false;
    sim_check_truth(s);
}

static inline void sim_free(struct sim *s)
{
    for (int i = 0; i < s->n; i++)
        effect_clear(&s->list[i].e);
    for (int i = 0; i < s->nfiles; i++) {
        free(s->files[i].path);
        free(s->files[i].text);
    }
    gate_clear(&s->gate);
    free(s);
}
