/* ops.h - the fourteen operations that an advisor answers, one row each.
 *
 * An operation is asked with an op_input, which is built from the model when it is needed and borrows everything. A model's answer
 * is JSON that answers the row's schema: read() makes the record of it (types, bounds, cleaning), check() asks whether it makes
 * sense for this server, builtin() gives the same record from rules, without a model. Nothing in an answer is ever run: proposals go
 * to the guard like everybody's. */
#pragma once

#include <jansson.h>

#include "pgd/agent/advisor.h"
#include "pgd/base/buf.h"

enum op {
    OP_FIRST_SIGHT,     /* -> sight */
    OP_STRATEGY,        /* -> plan */
    OP_TARGET,          /* -> target */
    OP_ROUND1,          /* -> proposal */
    OP_ANALYZE,         /* -> conclusion, and the next round's proposal */
    OP_NEXT_STRATEGIES, /* -> next */
    OP_CONFLICTS,       /* -> report: the workspace's merged settings in words */
    OP_RESTORE,         /* -> prose: where a paused session was, and what is next */
    OP_DIAGNOSE,        /* -> diagnosis */
    OP_QUESTION,        /* -> prose, or facts that it wants first */
    OP_PARAMETER,       /* -> prose */
    OP_ANOMALY,         /* -> prose */
    OP_COMPARE,         /* -> prose */
    OP_HARDWARE,        /* -> prose */
    OP_COUNT
};

enum {
    ASKED_TEXT_MAX = 4096,  /* of a question */
    SCRIPT_TOLD_MAX = 8192, /* bytes of a pgbench script */
    FACTS_MAX = 9,          /* gathered for one question: three times three */
    FACT_NAME_MAX = 96,
    FACT_TEXT_MAX = 6000,
    PROSE_MAX = 6000,
    FIGURES_MAX = 12,
    SESSIONS_TOLD_MAX = 32,
    CONFLICTS_MAX = 48,
    NEVER_MAX = 400,         /* more than a server has settings */
    OP_TEXT_MAX = 256 * 1024 /* bytes of an answer that are read: twice what its tokens come to */
};

/* Appends an answer of more than OP_TEXT_MAX bytes with its JSON strings cut to what is read of them; false: it is still too long. */
bool op_shorten(const char *text, size_t len, struct buf *out);

/* A fact that was asked for by name and gathered, read-only: "setting work_mem", "table public.orders", "statement 123",
 * "plan 123", "telemetry 10m", "round 2". */
struct asked_fact {
    char name[FACT_NAME_MAX];
    char *text; /* owned by whoever gathered it; JSON or lines, uncleaned */
    bool missing;
};

/* A deviation of a series from its own past. */
struct anomaly {
    char metric[32]; /* name of telemetry/metrics.h */
    char label[64];
    char unit[16];
    int64_t from_us, until_us; /* monotonic; until 0 = it goes on */
    double usual, seen;        /* median before; the value that stands out */
    double score;              /* robust z-score: |seen - median| / (1.4826 MAD) */
    bool shift;                /* a change of level, not a spike */
    char beside[400]; /* what else changed with it: "WAL 3.1 -> 41 MB/s; waits WALSync 2 -> 61 %" */
};

/* A session of the workspace in brief. */
struct session_told {
    char name[128], strategy[48], state[16];
    char hypothesis[400];
    double baseline_tps, best_tps, effect, ci_lo, ci_hi; /* NAN = never measured */
    int rounds;
    int64_t ended_wall_us;
    char end_reason[240];
    int nchanges;
    struct told_change {
        char name[SETTING_NAME_MAX], value[SETTING_VALUE_MAX];
        char evidence[240];
        double earned; /* ratio with it over without it; NAN = not tested */
    } changes[CHANGES_MAX];
    int nfailed; /* tried without gain */
    struct told_change failed[CHANGES_MAX];
};

/* What the DBA has said, in PGDIAG.md or at the prompt: data with limits, never an approval. */
struct wishes {
    char text[8192]; /* of PGDIAG.md, cleaned, trusted by the DBA; "" = none */
    int nnever;      /* settings never to be touched */
    char never[NEVER_MAX][SETTING_NAME_MAX];
    int nodd; /* lines that forbid something in which no setting was found: text for an advisor, no more */
    char odd[120];     /* … the first of them */
    char said[8][240]; /* the DBA's own newest words at the prompt */
    int nsaid;
    double p95_ms, p99_ms;        /* service levels; NAN = none */
    struct daytime_window window; /* of maintenance */
};

/* Pointers are borrowed and may be NULL where the operation does not need them. */
struct op_input {
    const struct evidence *e;
    const struct wishes *wishes;
    const char *strategy;                   /* OP_STRATEGY: the offer that was picked */
    const char (*scripts)[SCRIPT_TOLD_MAX]; /* texts of the scripts of e->plan, "" = not read */
    const struct sdl
        *plan; /* OP_STRATEGY: as far as the flags have filled it; what is set there stays */
    const struct strategy_offer *offer;
    const struct verdict
        *verdict; /* OP_ANALYZE: of the newest round; NULL = only a new proposal is wanted */
    const struct first_sight *sight; /* as told before; NULL before */
    const char *question; /* OP_QUESTION; OP_PARAMETER: the setting's name; OP_COMPARE: two names */
    const char *where;    /* OP_QUESTION: what is on the screen: "review of round 2" */
    const char *on_screen; /* … and its text, bounded */
    int nfacts;
    const struct asked_fact *facts;
    int facts_rounds; /* times that facts were gathered for this question */
    const char *what; /* OP_DIAGNOSE: "bench", "apply", "restart", "connect", "ssh" */
    const struct err *err;
    const char *log; /* lines that matter */
    const struct anomaly *anomaly;
    int nsessions; /* OP_CONFLICTS, OP_COMPARE, OP_RESTORE (the first): oldest first */
    const struct session_told *sessions;
    const char *paused_in; /* OP_RESTORE: the state it was left in, and what is in force */
    const char *next_step; /* OP_RESTORE: what comes next when it goes on; NULL = not known */
    int npredictions_held, npredictions; /* of this advisor, in this session */
};

/* A figure that an answer rests on, as the evidence has it. */
struct figure {
    char name[64];
    char value[96];
};

struct prose {
    char text[PROSE_MAX];
    int nfigures;
    struct figure figures[FIGURES_MAX];
    int nwants; /* OP_QUESTION: facts to be gathered before it can answer; then text may be "" */
    char wants[3][FACT_NAME_MAX];
};

/* The settings that the workspace's archived sessions lead to together. */
struct merged_report {
    char text[4000];
    int n;
    struct merged_setting {
        char name[SETTING_NAME_MAX], value[SETTING_VALUE_MAX];
        char session[128]; /* whose value it is */
        char why[320];
        bool conflict; /* sessions disagree */
    } settings[CONFLICTS_MAX];
};

struct op_answer {
    enum op op;
    struct advisor_name advisor;
    bool by_rules;       /* the builtin answer took a model's place */
    char why_rules[200]; /* … because */
    bool cached;         /* an earlier answer to the same request */
    double confidence;   /* the model's own, 0..1; NAN = not said, or no share */
    char dropped
        [400]; /* what of a model's answer was not taken, and why, in sentences; "" = nothing */
    union {
        struct first_sight sight;
        struct sdl plan;
        struct target target;
        struct {
            struct conclusion conclusion;
            enum verdict_kind said; /* the verdict as a model has understood it */
            bool has_next;
            struct proposal next;
        } analysis;
        struct proposal proposal;
        struct next_strategies next;
        struct merged_report report;
        struct diagnosis diagnosis;
        struct prose prose;
    } u;
};

struct op_row {
    enum op op;
    const char *name;   /* "first_sight_analysis": as in the line [op=NAME] */
    const char *prompt; /* asset: what the model is told to do */
    const char *schema; /* asset: JSON schema of its answer */
    int max_tokens;     /* of the answer, thinking included */
    bool streams;       /* its text is shown while it comes */
    /* Reads a parsed answer; false and *e (in words for the model, too) when it is not what the schema says. Lines of a
     * proposal that make no sense are kept for the guard to refuse, where they have a name that can be shown. */
    bool (*read)(const json_t *j, struct op_answer *a, struct err *e);
    /* False and *e when the answer cannot be used here: a target below the baseline, figures that are not in the evidence. It may
     * mend what has one meaning only. */
    bool (*check)(const struct op_input *in, struct op_answer *a, struct err *e);
    void (*builtin)(const struct op_input *in, struct op_answer *a);
};

const struct op_row *op_row(enum op op);
/* The text of a model, whole: takes the JSON out of fences and prose around it, reads it and checks it. *a is zeroed first; its
 * advisor is the caller's business. False and *e otherwise. Text without any JSON is an answer to operations with prose. */
bool op_read(enum op op, const struct op_input *in, const char *text, size_t len,
             struct op_answer *a, struct err *e);
/* The builtin advisor's answer; never fails. */
void op_builtin(enum op op, const struct op_input *in, struct op_answer *a);
/* The text of the answer's "text" field as far as it has come, for the screen: appended to out, unescaped; nothing when it has
 * not begun. Of prose without JSON all of it. */
void op_partial(enum op op, const char *text, size_t len, struct buf *out);
