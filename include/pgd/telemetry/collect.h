/* collect.h - the machine that samples the server and its host once a second.
 *
 * At most two statements a tick on CONN_TELEMETRY (the second, of watch.h, while a session is wanted); of the host one read of /proc
 * and one look at the disk of the WAL, or one question to the script there when it is another machine (hostloop.h). A tick whose
 * predecessor has not been answered yet is counted as missed, not queued. What a host's answer says is put to the second in which it
 * was taken, not to that in which it came. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/telemetry/backends.h"
#include "pgd/telemetry/hostloop.h"
#include "pgd/telemetry/logtail.h"
#include "pgd/telemetry/metrics.h"
#include "pgd/telemetry/watch.h"

struct pg_sample;   /* raw counters, private to telemetry */
struct host_sample; /* raw /proc figures, private to telemetry */

/* Client sessions, ours left out. `waiting` are the active ones that wait for a lock (wait_event_type
 * Lock). A role without pg_read_all_stats knows the states of its own sessions only: `hidden` are the
 * others, and where all are hidden the counts of states are -1. */
struct activity_counts {
    int sessions, active, idle, idle_tx, waiting;
    int hidden;
};

enum { BENCH_PIDS = 512 }; /* of more clients than that the rest is not known as ours */

struct collect {
    uint32_t generation, waiting_pg, waiting_host;
    bool pg_in_flight, host_in_flight;
    bool host_on;                /* figures of the host are wanted */
    const struct identity *host; /* whose; borrowed; NULL or not over_ssh = this machine's /proc */
    bool host_link;              /* over_ssh: the link is up; set by the owner */
    int64_t now_us, wall_us;     /* of the tick; set by the owner */
    int64_t tick_us;             /* of the newest tick */
    int64_t last_host_us;        /* when the newest figures of the host were taken; 0 = none */
    int host_missed;             /* ticks that found the host's last answer outstanding */
    double oom_seen;             /* processes killed for want of memory, since we look */
    double oom_told;             /* … of them the DBA knows; the owner's */
    bool kernel_told;            /* the DBA knows that the kernel's log is closed; the owner's */
    int64_t offset_told_us;      /* of the host's clock, that the DBA knows; the owner's */
    struct hostloop loop;
    bool log_on;       /* the server's log is wanted */
    char log_dir[256]; /* log_directory, when it is absolute */
    struct logtail log;
    struct backends *backends; /* owned */
    char data_device[64];      /* the device whose disk figures matter; "" = sum of all */
    int server_version;
    int missed;            /* ticks without an answer in time */
    int64_t last_pg_at_us; /* arrival of the newest sample; 0 = none */
    int samples;           /* since the link is up; TPS is known from the second on */
    struct activity_counts activity;
    struct pg_sample *pg_now, *pg_before, *pg_mark;         /* owned */
    struct host_sample *host_now, *host_before, *host_mark; /* owned */
    struct wait_tally *waits;                               /* owned: samples since the mark */
    struct wait_history *wait_history;                      /* owned: of the last minutes */
    double active_sum, active_peak;
    int active_n;
    double run_sum; /* run queue since the mark */
    int run_n;
    double mem_min;
    struct series series[METRIC_COUNT];
    struct wait_share recent_waits[WAITS_MAX]; /* of the last 10 s, for the screen */
    int nrecent_waits;
    int nbench;
    struct bench_pid {
        int pid;
        int64_t seen_us;
    } bench[BENCH_PIDS]; /* backends of our pgbench in the samples of the last minute */
    struct err err;      /* of the newest sample, if the server refused it */
    uint32_t next_id;
    unsigned sent; /* statements since the start: their transactions are not the server's load */
    unsigned
        own_checkpoints; /* CHECKPOINTs of ours so far: they are not the workload's; set by the owner */
    bool pooled;         /* nothing may be set in the session */
    bool limits_set;     /* the connection has its timeouts */
    bool mark_wanted;          /* collect_mark() came before the first sample */
    bool ticked;               /* not before the first tick */
    bool pg_added, host_added; /* this second has its value in the series */
    /* while a session is wanted */
    bool watch_on, watch_in_flight, space_in_flight;
    char watch_database[64]; /* the workload's */
    char wal_path[256];      /* on the file system of the WAL; "" = cannot be seen */
    uint32_t waiting_watch, waiting_space;
    struct watch_sample watch;     /* the newest; at_us 0 = none */
    int watch_n;                   /* samples since the start */
    double wal_total, wal_free;    /* bytes of the WAL's file system; NAN unknown */
    double load_active, load_busy; /* sums since the mark */
    int load_n;
    double load_from; /* transactions elsewhere at the mark, or at the first sample after it */
    int64_t load_from_us;
};

void collect_init(struct collect *c);
void collect_clear(struct collect *c);
/* The telemetry connection is up (again): samples start anew, series go on with a gap. */
void collect_link_up(struct collect *c, int server_version);
void collect_tick(struct collect *c, struct effects *fx, bool link_up);
/* Begins to watch for a workload in that database, or goes on with another one. */
void collect_watch(struct collect *c, const char *database);
/* Other work on the server since the mark. */
void collect_load(const struct collect *c, struct watch_load *l);
/* pid was a backend of our pgbench within the last minute, as far as a sample has seen it. */
bool collect_is_bench(const struct collect *c, int pid);
/* An answer of OWNER_TELEMETRY. Returns true if something on the screen changed. */
bool collect_step(struct collect *c, const struct event *ev);
/* A window begins at the newest sample; collect_window() gives the difference up to now. */
void collect_mark(struct collect *c);
void collect_window(const struct collect *c, struct window *w);
/* Adds what the server has counted between the last two samples, the newer one of wall_us, to sum: what was counted while we
 * load it. Where its statistics have begun anew, so does the sum. */
void collect_own(const struct collect *c, int64_t wall_us, struct own_totals *sum);
