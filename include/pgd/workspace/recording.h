/* recording.h - what was recorded, as events in the order of their time: a session's files, or a file that `watch --record` wrote.
 *
 * Text in, events out: nothing here touches a disk. A file that is damaged is a problem that names it; the rest is used. */
#pragma once

#include "pgd/workspace/model.h"

enum recorded_kind {
    RECORDED_BEGIN,    /* the session's plan and what was seen first are known */
    RECORDED_PHASE,    /* a phase begins: phase, round */
    RECORDED_RUN,      /* run number `run` begins */
    RECORDED_SECOND,   /* a second of it: tps, latency_ms */
    RECORDED_RAN,      /* it has ended */
    RECORDED_SAMPLE,   /* a second of the server: figures, waits */
    RECORDED_SWITCH,   /* the configuration was changed, or was to be: text, at its own time */
    RECORDED_BASELINE, /* the baseline is known, and the target */
    RECORDED_VERDICT,  /* round `round` is over: history[at] */
    RECORDED_SAID,     /* text, said by `said` */
    RECORDED_GAP,      /* the recording was interrupted here */
    RECORDED_END
};
const char *recorded_kind_name(enum recorded_kind k); /* "run", "sample" … */

struct recorded {
    int64_t at_us; /* epoch; never before the event that stands before it */
    enum recorded_kind kind;
    enum flow_state phase;
    int round, run, at; /* 0 = none; at: index in runs or in the session's history */
    int place;          /* among those of the same time */
    double tps, latency_ms;
    float *figures;           /* METRIC_COUNT of them, NAN = gap; owned; NULL = none */
    int nwaits;               /* of the last seconds */
    struct wait_share *waits; /* owned */
    enum chat_kind said;
    char *text; /* owned; NULL = none */
};

/* A measured run as its session has kept it. */
struct recorded_run {
    int number;
    char arm[48];
    bool known; /* the journal tells of it */
    bool valid, contaminated;
    double tps, p95_ms;
    int64_t start_us; /* 0 = not known */
    char error[160];
    int nseconds; /* of bench/runNNN.csv */
    float *tps_s, *latency_s;
    int nsamples; /* of telemetry/runNNN.csv: METRIC_COUNT figures each */
    float *samples;
};

/* A step of the journal, in its order. */
struct recorded_step {
    enum { STEP_OF_RUN, STEP_OF_CHECKPOINT, STEP_OF_SWITCH } kind;
    int run; /* its number */
    char what[24];
    char *text; /* owned */
};

enum {
    RECORDING_PROBLEMS = 8,
    RECORDING_RUNS = 2000,
    RECORDING_EVENTS = 400000,
    RECORDING_TEXT = 2000
};

struct recording {
    char name[300]; /* of the session or the file, for the screen */
    char workspace[160];
    char user[64], host[256], version[80]; /* of the server; "" = not known */
    bool of_session;
    struct session *session; /* as it was saved; owned; NULL in a recording of watch */
    int nruns, cap_runs;
    struct recorded_run *runs; /* by rising number; owned */
    int nsteps, cap_steps;
    struct recorded_step *steps; /* owned */
    int n;
    size_t cap;
    struct recorded *events; /* owned */
    int nproblems;           /* … of which the first are kept */
    struct err problems[RECORDING_PROBLEMS];
    bool torn; /* the last line was cut short, and left out */
};

struct recording *recording_new(const char *name);
void recording_free(struct recording *r);
/* Notes that a file is damaged or missing. what: its name within the session's folder. */
void recording_problem(struct recording *r, const char *what, const struct err *e);

/* ---- a session: session.json first, then what there is of the others in any order, then recording_finish() ---- */
/* False: it is no session that can be played; *e names the file. */
PGD_MUST_CHECK bool recording_session(struct recording *r, const char *text, size_t len,
                                      struct err *e);
void recording_workspace(struct recording *r, const char *text, size_t len);
void recording_journal(struct recording *r, const char *text, size_t len);
void recording_talk(struct recording *r, const char *text, size_t len);
/* The files of runs, as FILE_READ_MANY gives them, digested in a worker. */
struct recorded_files;
void *recorded_files_digest(const char *text, size_t len, const char *arg);
void recorded_files_free(void *files);
void recording_files(struct recording *r, struct recorded_files *files);
/* The run of that number; made when it is not there and there is room, else NULL. */
struct recorded_run *recording_run(struct recording *r, int number);
/* Puts all in order. Afterwards events are there to be played. */
void recording_finish(struct recording *r);

/* ---- a file of `watch --record`: a digest_fn; arg = its name. A struct recording that is finished, never NULL. ---- */
void *recording_watch_digest(const char *text, size_t len, const char *arg);
void recording_watch_free(void *recording);

/* Appends an event, owned by the recording; zeroed but for kind and time. NULL when there are too many. */
struct recorded *recording_add(struct recording *r, enum recorded_kind kind, int64_t at_us);
