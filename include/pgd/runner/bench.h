/* bench.h - one pgbench run as a machine, and what came out of it. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/protocol/records.h"
#include "pgd/runner/statements.h"
#include "pgd/telemetry/window.h"

enum { RUN_SECONDS_MAX = 4096, STATEMENT_NAMES_MAX = 128 };

struct bench_run {
    bool valid; /* finished and usable in a comparison */
    bool cancelled;
    bool warmup; /* dropped */
    int arm;     /* index of the arm, see experiment.h */
    int number;  /* of the session, from 1 */
    int64_t start_wall_us, end_wall_us;
    double secs;
    double tps; /* without connection time, from the summary */
    double lat_avg_ms, lat_sd_ms;
    double p50_ms, p95_ms, p99_ms; /* from the transaction log; NAN if there is none */
    double transactions, failed, skipped;
    double warm_s; /* seconds that the warm-up before it took; NAN if there was none */
    int nseries;
    float *series;     /* TPS by the second as printed by -P 1; owned */
    float *series_lat; /* average latency by the second, ms; owned */
    /* who took how long (statements.h) */
    int nscripts; /* 0 = no transaction log */
    struct script_run scripts[SCRIPTS_MAX];
    int nstatements;
    struct statement_run *statements; /* those that took most time, that first; owned */
    /* what is left behind for later, at the end of the run */
    double
        tps_pgbench; /* tps before the CHECKPOINT at the end was charged; NAN when the run failed */
    double
        checkpoint_s; /* charged: how long that took beyond an idle one; NAN = could not be measured */
    double redo_bytes;  /* WAL that a crash at the end would have had to replay; NAN unknown */
    double dead_tuples; /* rows for autovacuum to remove, in the workload's database; NAN unknown */
    double live_tuples, db_bytes;     /* of the same database; NAN unknown */
    bool contaminated;                /* others worked on the server meanwhile */
    double others_active, others_tps; /* … that much; NAN unknown */
    double client_cpu;                /* share of one CPU per pgbench thread, 0..1; NAN unknown */
    struct window window;             /* what the server did meanwhile; filled by the caller */
    struct err err;                   /* why it is not valid */
    char stderr_tail[1024];
    /* of the server's own traffic (observe.h): tps are its transactions, lat_avg_ms is the average runtime of its
     * statements by the baseline's mix, p95_ms an estimate of theirs */
    bool abandoned; /* given up while it ran, since the configuration did harm: note says how */
    double slower;  /* … so many times the baseline's runtime; NAN unknown */
    char note[200]; /* what is to be known of the run; "" = nothing */
};

void bench_run_clear(struct bench_run *r);
/* `to` is overwritten, not freed. */
void bench_run_copy(struct bench_run *to, const struct bench_run *from);

/* Where pgbench connects: no password here, it travels by a memfd. */
struct bench_target {
    char host[256], port[16], user[64], dbname[64];
    char way[1024];    /* what else libpq needs: NAME=VALUE lines of its environment */
    secret_id pgpass;  /* a line of a password file */
    char pgbench[512]; /* the program's path */
    bool
        far; /* it runs on another machine, behind the link `ssh`: what stands above is as seen from there */
    enum ssh_conn ssh;
    char machine[256]; /* that machine's name, for people */
};

/* Of a run on another machine. */
struct bench_far {
    int times;    /* lines of the shell's `times` seen, the heading included */
    double cpu_s; /* of pgbench there; NAN unknown */
    bool over;    /* pgbench has ended with status */
    bool holds;   /* its folder stays until it is let go */
    bool lost;    /* the link went before the log was here */
    int status;
    char folder[200]; /* where the log is */
};

enum bench_state {
    /* Nothing under way. */
    BENCH_IDLE,
    /* The statements so far are asked for (when they can be told), then CHECKPOINT was sent (when the role may), so that
     * each run starts from the same debt. */
    BENCH_CHECKPOINT,
    /* pgbench runs; progress lines arrive on stderr, the summary on stdout at the end. Leaves on
     * exit. */
    BENCH_RUNNING,
    /* The run is over: the statements are asked for again. What it has left for later is looked at and paid: the WAL that a crash would have to
     * replay now, the rows that wait for autovacuum, then a CHECKPOINT whose time is charged to the run. After the
     * first runs a second one shows what an idle CHECKPOINT takes: that much is nobody's. */
    BENCH_CLOSING,
    /* The transaction log, one file for each thread of pgbench, is listed, read and digested in
     * a worker, and removed. One on another machine is fetched and saved before. After a run that failed or was cancelled it is only removed. Leaves
     * when the last file was read. */
    BENCH_DIGEST,
    BENCH_DONE,
    BENCH_FAILED /* run.err says why; also a cancelled run */
};

/* Latencies of a transaction log: counts by size class, each 1 % wide, from 1 µs to 1000 s, so
 * that the logs of several threads add up; and what follows from them. */
enum { LATENCY_CLASSES = 2084, SCRIPT_CLASSES = 425 };
struct latency_digest {
    double p50_ms, p95_ms, p99_ms; /* NAN when n is 0 */
    double n;
    uint32_t counts[LATENCY_CLASSES];
    /* of each script: sum of the microseconds, and counts by classes of 5 % */
    double script_n[SCRIPTS_MAX], script_us[SCRIPTS_MAX];
    uint32_t script_counts[SCRIPTS_MAX][SCRIPT_CLASSES];
};
/* What the digest says of each of n scripts. */
void latency_digest_scripts(const struct latency_digest *d, int n, struct script_run *out);

struct observe;

struct bench {
    enum bench_state state;
    uint32_t generation, waiting;
    uint32_t ids, child_id, timer_id; /* last number given out; of the child; of the watchdog */
    struct sdl plan;
    struct bench_target target;
    int duration_s;
    int64_t seed;
    int grace_s; /* how long pgbench may take beyond duration_s; 0 = two minutes */
    bool want_checkpoint, want_log;
    bool count_dead;      /* CONN_CONTROL is in the workload's database */
    char dir[768];        /* where the log files go: the session's bench/ folder */
    char script_dir[768]; /* the session's copies of the scripts */
    bool cancel_asked, timed_out;
    bool warmed;              /* a warm-up: its windows agree, and pgbench was told to end */
    double warm_s;            /* of the warm-ups since the last measured run; 0 = none */
    bool checkpoint_refused;  /* the role may not: not asked again */
    bool log_sampled;         /* only a part of the transactions was logged */
    double tps_expected;      /* of the newest run: keeps the log small; 0 = unknown */
    int64_t started_at_us;    /* monotonic, of the child; 0 = not yet */
    int closing;              /* place in BENCH_CLOSING */
    int64_t closing_at_us;    /* when its statement was sent */
    unsigned checkpoints;     /* sent and answered so far, in all runs */
    double idle_checkpoint_s; /* the longest CHECKPOINT of those that had nothing to do */
    int idle_checkpoints;     /* how many of them were made */
    int child_pid;
    struct bench_far far;
    bool fetching, saving;      /* the log of another machine */
    char *scripts[SCRIPTS_MAX]; /* texts, owned: what is sent to another machine */
    char first_error[512];      /* the first line of stderr that tells of an error */
    char **logs;                /* names in dir, owned: what is to be read and removed */
    int nlogs, log_at;
    struct latency_digest *latency; /* sum so far, owned */
    int progress_n;                 /* progress lines seen */
    double tps_now;                 /* newest progress line; NAN before the first */
    double lat_now;
    struct buf out;
    struct bench_run run; /* the result; stolen by the caller when DONE or FAILED */
    /* Of a plan that observes: bench_start() begins a window of the server's own traffic instead of pgbench, and is RUNNING
     * until its end. Owned; the caller fills in its order. */
    struct observe *observe;
    /* How statements are told apart, asked once for each database; form 0 = they are not, and the note says why. */
    struct statements_source statements;
    char statements_note[160];
    struct statement_run *before; /* owned: the snapshot that a run began with */
    int nbefore;
    int asking; /* which question about statements is under way; 0 = none */
    int nnames;
    struct statement_name
        names[STATEMENT_NAMES_MAX]; /* of the statements seen so far, in all runs */
};

/* Starts a run of duration_s seconds. warmup runs write no log and are never compared; duration_s is their bound, they end
 * when their last three windows of a second agree within 5 % (bench_warmed()). The
 * caller has set dir, script_dir, want_checkpoint and want_log; they stay for the next run. Ends
 * DONE or FAILED, at once if the plan has no script. */
void bench_start(struct bench *b, const struct sdl *plan, const struct bench_target *t,
                 int duration_s, bool warmup, int64_t seed, struct effects *fx);
void bench_step(struct bench *b, const struct event *ev, struct effects *fx);
/* Ends FAILED with ERR_CANCELLED as soon as the child is gone; the series so far is kept. */
void bench_cancel(struct bench *b, struct effects *fx);
void bench_clear(struct bench *b);
/* The text of script i of the plan, for runs on another machine; NULL = none. */
void bench_script(struct bench *b, int i, const char *text, size_t len);
void bench_forget_scripts(struct bench *b);

/* Where pgbench is on the target's machine (EV_CHILD_EXIT with the text for bench_choose()); bindir: the server's own
 * programs, if they are there, or "". */
void bench_far_find(const struct bench_target *t, const char *bindir, struct req req,
                    struct effects *fx);
/* The newest pgbench of that text: its path and version, as bench_parse_version(); 0 = there is none. */
int bench_choose(const char *text, char *path, size_t size);
/* How long a statement takes from there (EV_CHILD_EXIT with the text for bench_far_delay_read()). */
void bench_far_delay(const struct bench_target *t, struct req req, struct effects *fx);
/* Milliseconds; NAN and why not. */
double bench_far_delay_read(const char *text, char *why, size_t size);

struct observed_source;
/* Plans that observe measure this traffic from now on, without a reference yet; NULL = none. */
void bench_observe(struct bench *b, const struct observed_source *source);

/* The rule of the end of a warm-up: the last three seconds of the series lie within 5 % of their mean, and transactions are
 * short enough for a second to show them. */
bool bench_warmed(const float *series, const float *lat_ms, int n);

/* Pure parsers, bounded, for pgbench 12 to 18. */
struct progress {
    double at_s, tps, lat_ms, sd_ms, failed, lag_ms, skipped;
};
bool bench_parse_progress(const char *line, struct progress *p);
bool bench_parse_summary(const char *text, struct bench_run *r, struct err *e);
/* "pgbench (PostgreSQL) 15.18 …" gives 150018; 0 if it is none */
int bench_parse_version(const char *text);
/* Digest of a transaction log, a heap struct latency_digest to be released with free(). A
 * digest_fn. */
void *bench_digest_log(const char *data, size_t len, const char *arg);
/* Adds the counts of another digest and works out the percentiles anew. */
void latency_digest_add(struct latency_digest *to, const struct latency_digest *from);
