/* records.h - the typed records that advisors, the loop, the screen and the files exchange.
 *
 * All are plain values with bounded text, so that they can be copied, compared, saved and handed
 * to a view without ownership questions. Text in them has been cleaned at the border. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/base/daytime.h"

/* CHANGES_MAX: a set of changes is held as the bits of a uint32_t, too (ablation.h). */
enum {
    SETTING_NAME_MAX = 64,
    SETTING_VALUE_MAX = 256,
    CHANGES_MAX = 32,
    SETS_MAX = 6,
    SCRIPTS_MAX = 32
};

enum risk { RISK_LOW, RISK_MEDIUM, RISK_HIGH };

/* What the answering advisor is called on the screen and in files: "builtin", "gemini-…". */
struct advisor_name {
    char text[48];
};

/* One proposed change of a setting. The advisor gives name, value, why, evidence, expected
 * effect and risk; it never gives SQL. */
struct setting_change {
    char name[SETTING_NAME_MAX];
    /* as a DBA writes it: "64MB", "1.1", "off"; ignored when reset */
    char value[SETTING_VALUE_MAX];
    bool reset;                  /* back to what it would be without us */
    char why[320];               /* the reason in a sentence */
    char evidence[240];          /* the measured cause: "9 of 11 checkpoints were requested" */
    double expect_lo, expect_hi; /* predicted change of TPS in percent; NAN when not given */
    enum risk risk;
    /* Bit i: this line belongs to the i-th alternative of the proposal; 0 = to all of them. Two lines may name one setting
     * when no alternative holds both. */
    unsigned sets;
    char rule[32]; /* what proposed it, so that its predictions can be scored; "" = unknown */
};

struct proposal {
    struct advisor_name advisor;
    char summary[600];
    int n;
    struct setting_change changes[CHANGES_MAX];
    /* Alternatives that are screened against each other before one of them, or those that gained together, is measured
     * against the best so far. 0 or 1 = there is one candidate, all lines together. */
    int nsets;
    char set_names[SETS_MAX][64]; /* "work_mem = 64MB", "the defaults of PostgreSQL" */
    bool
        repair; /* inherited dangers and nothing else: for safety, so it stays though it may cost speed */
    bool nothing_left; /* the advisor has no further idea that evidence supports */
};

struct finding {
    /* "memory", "checkpoints", "planner", "jit", "parallel", "io", "locks", "client",
     * "durability" */
    char area[24];
    char text[320];   /* what was seen and what it means */
    char figure[160]; /* the figure itself */
    int severity;     /* 0 note … 3 serious */
};

struct strategy_offer {
    char name[48];  /* folder-safe: "MemoryTuning", "WriteOptimize" */
    char title[96]; /* one line for the menu */
    char why[320];
    char expects[160];
};

struct first_sight {
    struct advisor_name advisor;
    char headline[200];
    char summary[1200];
    int nfindings;
    struct finding findings[16];
    int nstrategies;
    struct strategy_offer strategies[6];
};

/* One pgbench script of a workload. */
struct script {
    char path[512]; /* a file of the DBA, or "asset:workloads/…" */
    int weight;
    char name[64]; /* shown; the file's base name */
};

enum restart_policy { RESTART_ASK, RESTART_AUTO, RESTART_NEVER, RESTART_COMMAND, RESTART_MANUAL };

/* What happens when others use the server as the first run is due: it runs beside them (runs that they disturb are
 * marked, and made again while the budget lasts), it waits until they are quiet, or it does not begin. */
enum traffic_policy { TRAFFIC_GO_ON, TRAFFIC_WAIT, TRAFFIC_REFUSE };

/* What a session is to improve: throughput; a percentile of the latency, at a given rate; the average time of the statements
 * of a server at work (--observe). */
enum goal_kind { GOAL_TPS, GOAL_P95, GOAL_P99, GOAL_RUNTIME };
const char *goal_name(enum goal_kind g); /* "tps", "p95", "p99", "runtime" */

/* SDL: the plan of a session (strategy, hypothesis, workload, arms, goal, success rule). Shown and
 * editable before the first run. */
struct sdl {
    char strategy[48];
    char hypothesis[400];
    char workload[48]; /* "shop", "oltp", "reports", "scripts" */
    bool builtin_db;   /* the workload lives in our own benchmark database */
    char database[64]; /* where the workload runs */
    int nscripts;
    struct script scripts[SCRIPTS_MAX];
    char protocol[12]; /* "simple", "extended" or "prepared" */
    int clients;
    int threads;
    int duration_s; /* of one measured run */
    int asked_s;    /* … as it was asked for, where the program made it longer; else 0 */
    int warmup_s;   /* dropped before the first measured run after a switch */
    int min_runs;   /* per arm */
    int max_runs;   /* per arm, while undecided and the budget lasts */
    int rounds;
    int budget_s; /* of the whole session */
    enum goal_kind goal;
    double rate;                   /* transactions a second that are offered; 0 = as many as go */
    bool observe;                  /* the server's own traffic is measured, no pgbench is run */
    bool arm_defaults, arm_pgtune; /* comparison arms on the chart */
    enum restart_policy restart;
    char restart_command[256];
    double target_tps;            /* 0 = goal is the verdict "improved" */
    char success[200];            /* the rule in words */
    struct daytime_window window; /* the server is restarted inside it only */
    enum traffic_policy traffic;
};

struct target {
    struct advisor_name advisor;
    double tps;
    char why[320];
};

/* What the advisor makes of a finished round. */
struct conclusion {
    struct advisor_name advisor;
    char text[800];
    char bottleneck[200]; /* class and figure: "CPU-bound: 96 % busy, hardware not settings" */
    /* What the rules would try in a next round, to be told only where one follows; "" = nothing, or a model says. In no file. */
    char next[400];
    bool stop; /* no settings change can be expected to help any more */
};

struct diagnosis {
    struct advisor_name advisor;
    char explanation[800];
    char fix[400];
};

struct next_strategies {
    struct advisor_name advisor;
    char text[600];
    int n;
    struct strategy_offer offers[4];
};

enum verdict_kind { VERDICT_NONE, VERDICT_IMPROVED, VERDICT_REGRESSED, VERDICT_INCONCLUSIVE };
/* "improved", "regressed", "inconclusive", "" for NONE */
const char *verdict_name(enum verdict_kind v);

/* A measured comparison of two configurations. */
struct verdict {
    enum verdict_kind kind;
    double ratio;        /* candidate over base: 1.172 = 17.2 % more TPS */
    double ci_lo, ci_hi; /* 95 % interval of the ratio */
    double floor;        /* this machine's noise as a ratio - 1: 0.031 */
    int runs_a, runs_b;
    double tps_a, tps_b; /* geometric means of the runs */
    double p95_a, p95_b; /* ms; NAN if unknown */
    double sd_a, sd_b;   /* standard deviation of log TPS over the runs; NAN below two runs */
    double
        detectable; /* the smallest gain that these runs could have shown, as a ratio - 1; NAN = unknown */
    char note[400]; /* what limits the claim: "fewer than 3 runs", "failed transactions" */
};
