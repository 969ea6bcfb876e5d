/* facts.h - what is known of a server, its host and its database: the typed result of discovery.
 *
 * A figure that a role may not see, or that this version lacks, is NAN (numbers), -1 (counts) or ""
 * (text), and the reason stands in `missing`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/rows.h"

/* Who the server is. Pinned at the first connect and compared before every change (identity_same). */
struct identity {
    int version_num;            /* 150018 */
    char version[64];           /* "15.20 (Debian …)" */
    char system_identifier[24]; /* "" when the role may not read pg_control_system() */
    bool standby;               /* pg_is_in_recovery() */
    char server_addr[64];       /* inet_server_addr(), "" on a socket */
    int server_port;
    char data_directory[512]; /* "" when hidden */
    char config_file[512];
    char hba_file[512];
    int64_t postmaster_start_us; /* epoch */
    int64_t timeline;            /* rises with every promotion; 0 on a standby */
    char database[64];
    char role[64];
    char cluster_name[64];
    /* We can run programs on the server's host (place.h), and see its processes and its data directory. */
    bool reached;
    bool over_ssh;      /* that host is another machine, and we are there by ssh */
    int postmaster_pid; /* when reached; 0 otherwise */
    char owner[64];     /* the operating-system user of the data directory, when reached */
    char bindir[512];   /* the server's own binaries, when reached */
    bool auto_conf_ok;  /* postgresql.auto.conf can be reached as a file */
    /* who starts the server: "", "systemd:UNIT" (the unit's main process is the postmaster), "service:UNIT" (that
     * unit's main process has started it), "patroni", "container", … */
    char supervisor[128];
    /* How we get to act as the owner of the data directory: "root", "owner", "sudo", or "" not at all. */
    char access[8];
    char
        manager[8]; /* how systemctl may be called for the unit: "root", "sudo", or "" not at all */
    char sudo_note[64]; /* why sudo does not help, where it was tried */
    bool pg_ctlcluster; /* Debian's tool is installed here */
    bool logout_kills;  /* what our user starts there ends when he logs out (KillUserProcesses) */
    /* /etc/machine-id of its host: 32 digits, "" where there is none. Programs that are sent by ssh refuse another one. */
    char machine[33];
    char leftovers
        [160]; /* files of an interrupted restart in the data directory, names with blanks between */
};

/* What our role may do. */
struct rights {
    bool superuser;
    bool pg_monitor;
    bool alter_system;  /* may run ALTER SYSTEM, for some setting at least */
    bool switched_off;  /* allow_alter_system = off: nobody may */
    bool reload;        /* may call pg_reload_conf() */
    bool file_settings; /* may read pg_file_settings */
    bool hba_rules;     /* may read pg_hba_file_rules */
    bool checkpoint;    /* may run CHECKPOINT */
    bool create_db;
    bool read_stats; /* sees the statements of others */
};

struct setting {
    char name[64];
    char value[256];  /* in the unit of pg_settings.setting */
    char shown[256];  /* as SHOW prints it */
    char unit[8];     /* "8kB", "ms", "" … */
    char context[20]; /* "postmaster", "sighup", "user", … */
    char vartype[8];  /* "bool", "integer", "real", "string", "enum" */
    char min[24], max[24];
    char enumvals[256]; /* "{on,off,try}" as the server prints the array */
    char boot[128];     /* compiled-in default */
    char reset[128];    /* what RESET gives in this session */
    char source[32]; /* "default", "configuration file", "database", "user", "command line", … */
    char sourcefile[256];
    bool pending_restart;
    bool denied; /* our role may not ALTER SYSTEM this one */
};

struct settings {
    int n;
    struct setting *items; /* owned; sorted by name */
};

/* NULL when there is none of that name. Borrowed. */
const struct setting *settings_find(const struct settings *s, const char *name);
/* The numeric value in bytes (memory), milliseconds (time) or plain; NAN if not numeric or missing. */
double settings_number(const struct settings *s, const char *name);
bool settings_bool(const struct settings *s, const char *name, bool otherwise);
struct server_facts;
/* Does our role change settings here, but not this one? Where it changes none, somebody else does it, and may do more. */
bool settings_denied(const struct server_facts *f, const struct setting *s);
void settings_clear(struct settings *s);

struct disk_facts {
    char mount[256];
    char device[64];
    char fs[32];
    char kind[16]; /* "ssd", "hdd", "nvme", "" unknown */
    char scheduler[32];
    double total_bytes, free_bytes;
};

enum { OS_FACTS_MAX = 40 };

/* A setting of the operating system that may be tuned (tuning/os.h), as the server's host has it. "limit.nofile",
 * "limit.nofile_hard", "limit.memlock" and "limit.memlock_hard" are the postmaster's. */
struct os_fact {
    char name[64];     /* "vm.swappiness", "thp.enabled", "io.sda.scheduler" */
    char value[64];    /* in force now; of a choice the chosen word */
    char choices[160]; /* of a choice: its words, a blank between two; else "" */
    bool writable;     /* as root, or by sudo without a password */
};

struct host_facts {
    bool known; /* false: the host is not reachable by us; all below unknown */
    bool other; /* … because the machine that was looked at is certainly not the server's */
    char why_not[240]; /* why it is not known; "" when it is */
    bool no_proc; /* it has no /proc: its figures are unknown, the server is found all the same */
    char hostname[128], kernel[128], os[128];
    int cpus;
    char cpu_model[128];
    double mem_total, mem_available, swap_total; /* bytes */
    double cgroup_mem_limit;                     /* bytes; NAN = none */
    double cgroup_cpus;                          /* NAN = none */
    char thp[32];                                /* "always", "madvise", "never" */
    int64_t hugepages_total, hugepages_free;
    int hugepages_used; /* 1: the server's shared memory lies in huge pages; 0: not; -1 unknown */
    double hugepage_bytes;
    int overcommit, swappiness; /* -1 unknown */
    double commit_limit, committed;
    double dirty_bytes, dirty_background_bytes, dirty_ratio, dirty_background_ratio;
    struct disk_facts data, wal;
    int nos_facts;
    struct os_fact os_facts[OS_FACTS_MAX]; /* in the order of assets/remote/host.sh */
    char boot_id[40];                      /* another one: the machine has been started anew */
    double clock_s;     /* its time of day when it was looked at, seconds since the epoch */
    char container[32]; /* "docker", "lxc", "kubernetes" …: this "machine" is one; "" = not known */
    char user[64];      /* who we are there */
    char root[8];       /* how we get to act as root: "root", "sudo", or "" not at all */
    char root_note[64]; /* why sudo does not help, where it was tried */
};

/* NULL when there is none of that name. Borrowed. */
const struct os_fact *host_os(const struct host_facts *h, const char *name);

struct database_facts {
    char name[64];
    double bytes; /* NAN if not allowed */
};

struct relation_facts {
    char schema[64], name[64];
    char kind;     /* pg_class.relkind */
    double bytes;  /* relpages x block size */
    double tuples; /* reltuples, -1 = never analysed */
};

/* An index that nothing needs, as far as the counters tell. */
struct index_facts {
    char schema[64], table[64], name[64];
    double bytes, scans;
    double writes;        /* rows of its table that were inserted, changed or deleted */
    char definition[400]; /* CREATE INDEX …, with schemas; "" when it is longer */
    char same_as[64];     /* another index of the same table that serves as well; "" = none */
};

/* A table that changes much. Counters since the statistics began. */
struct table_facts {
    char schema[64], name[64];
    double bytes, updated, hot, live, dead, vacuums, indexes;
    char options[200]; /* "fillfactor=90,autovacuum_vacuum_scale_factor=0.02" */
};

/* A table that sequential scans read, those whose rows they read most. */
struct scanned_facts {
    char schema[64], name[64];
    double tuples, bytes;            /* as pg_class has them; tuples -1 = never analysed */
    double scans, rows_read, writes; /* since the statistics began */
};

/* A column of such a table, by pg_stats; NAN where our role may not see it, or there are no statistics. */
struct column_facts {
    int table; /* index of scanned */
    char name[64];
    double values;        /* different ones */
    double nulls, common; /* shares of the rows: NULL, the commonest value */
    double width;         /* bytes */
    int target;           /* statistics target; -1 = the server's */
    bool leads;           /* a valid index of the whole table begins with it */
    bool ordered;         /* its type has an order that a B-tree uses */
    bool texts;           /* text or varchar, which a cast to text leaves as they are */
};

/* A statement of this database that reads, from pg_stat_statements; those that took most time come first. */
struct statement_facts {
    char id[24];
    char text[400];                      /* normalised; statements with longer texts are left out */
    bool own;                            /* one of our own role has sent it */
    double calls, total_ms, rows, share; /* share: of the time of all that read or write */
};

/* What a role's statements took in a database, from pg_stat_statements. */
struct role_load {
    char role[64], database[64];
    double calls, total_ms;
    double temp_bytes, temp_calls; /* written to temporary files; calls of the statements that do */
    double temp_call;              /* bytes that a call of the worst of them writes */
    double jit_ms,
        jit_calls; /* time spent compiling expressions; calls of the statements that were. NAN before 15 */
};

/* What the server has counted while sessions of this program ran benchmarks on it: kept with the workspace, since it is no
 * habit of the server. Sums of differences; until_us = 0: nothing yet. Checkpoints and WAL are of the whole server, and yet each
 * workspace leaves out its own runs alone: what those of another database's workspace made stays in. */
struct own_totals {
    int64_t since_us, until_us; /* epoch: the first and the last look that is in it */
    double seconds;
    double xact_commit, xact_rollback, blks_hit, blks_read, temp_files, temp_bytes, deadlocks;
    double ckpt_timed, ckpt_req, wal_bytes;
};

/* Totals since the statistics began: the runtime picture before any benchmark. Counters are NAN when
 * this version or role does not give them. */
struct runtime_facts {
    double stats_age_s;
    double xact_commit, xact_rollback, blks_hit, blks_read, tup_returned, tup_fetched;
    double temp_files, temp_bytes, deadlocks, conflicts;
    double sessions, sessions_active, sessions_idle_tx, sessions_waiting, max_connections;
    double ckpt_timed, ckpt_req, ckpt_write_ms, ckpt_sync_ms, buffers_ckpt, buffers_clean,
        buffers_backend;
    double wal_bytes, wal_fpi, wal_records, wal_buffers_full, wal_sync_ms;
    double replicas, replica_lag_s;
    double slots_inactive, archive_failed;
    double locks_waiting, longest_xact_s, prepared_xacts;
    double indexes_invalid;  /* in this database: not used, but kept up to date by every write */
    char index_invalid[130]; /* one of them, with its schema */
    double dead_tuples, live_tuples;
    bool base_backup;
    bool statements; /* pg_stat_statements can be read */
    bool jit_available;
    struct own_totals
        own; /* what is not in the totals any more; until_us = 0: nothing was left out */
};

enum {
    DATABASES_MAX = 64,
    RELATIONS_MAX = 40,
    MISSING_MAX = 16,
    OVERRIDES_MAX = 32,
    USES_MAX = 20,
    SCANNED_MAX = 12,
    SCANNED_COLUMNS_MAX = 200,
    STATEMENT_FACTS_MAX = 30,
    LOADS_MAX = 24
};

/* A role's or database's own value that hides a system-wide one. */
struct override {
    char name[64], value[128], role[64], database[64];
    double sessions; /* connected now that it is for; NAN unknown */
};

struct server_facts {
    struct identity id;
    struct rights rights;
    struct settings settings;
    struct host_facts host;
    struct runtime_facts runtime;
    int ndatabases;
    struct database_facts databases[DATABASES_MAX];
    int nrelations; /* largest first */
    struct relation_facts relations[RELATIONS_MAX];
    int nindexes; /* of this database; those without a scan first */
    struct index_facts indexes[USES_MAX];
    int ntables; /* of this database; those that change most first */
    struct table_facts tables[USES_MAX];
    int nscanned;
    struct scanned_facts scanned[SCANNED_MAX];
    int ncolumns;
    struct column_facts columns[SCANNED_COLUMNS_MAX];
    char statements_schema[64]; /* of pg_stat_statements; "" = it is not in this database */
    char
        hypopg_schema[64]; /* of HypoPG, when its function is what it seems to be; "" = not there */
    int nstatements;
    struct statement_facts statements[STATEMENT_FACTS_MAX];
    int nloads; /* those that took most time first */
    struct role_load loads[LOADS_MAX];
    int noverrides;
    struct override overrides[OVERRIDES_MAX];
    char tuner[240]; /* another program that holds the lock of a tuning session; "" = nobody */
    int nmissing;
    char missing[MISSING_MAX][160]; /* what could not be seen, and why */
};

/* Frees what f owns and leaves every figure unknown. */
void server_facts_clear(struct server_facts *f);
/* Statistics that have this age at wall_us (epoch) hold all of the sums: they began before them, a few seconds aside. False also
 * where their age is unknown (NAN). */
bool own_totals_within(const struct own_totals *own, double stats_age_s, int64_t wall_us);
void host_facts_forget(struct host_facts *h);       /* everything of the host is unknown again */
void runtime_facts_forget(struct runtime_facts *r); /* … of the totals */
/* Takes what our own runs have caused out of totals that were read at wall_us (epoch). Nothing is taken out where the
 * statistics have been reset since. */
void runtime_facts_leave_out(struct runtime_facts *r, const struct own_totals *own,
                             int64_t wall_us);
/* Reads the row of sql/identity.sql; what discovery works out besides it is left as it is. */
void identity_read(const struct rows *r, struct identity *id);
/* The row of sql/control.sql; NULL where the role may not read it: then number and timeline are unknown. */
void identity_read_control(const struct rows *r, struct identity *id);
/* The server asked for huge pages and does not have them: a sentence, and the figure behind it. False: it has them, did not
 * ask, or nobody can tell. Before 17 the system's own view of the postmaster's memory is the only witness. */
bool huge_pages_missed(const struct server_facts *f, char *text, size_t text_size, char *figure,
                       size_t figure_size);
/* Is b the same server (system identifier, role, port, data directory) as a? why names the difference. */
bool identity_same(const struct identity *a, const struct identity *b, char *why, size_t size);
