/* advisor.h - the one interface of all advisors, and the built-in one.
 *
 * An advisor sees only `struct evidence` and answers with a record; it never sees a connection and never
 * gives SQL. builtin_* are pure functions: rules over the evidence, each change with the figure that
 * caused it. Models answer the same operations through request builders (one row each in ops.c). */
#pragma once

#include "pgd/discovery/facts.h"
#include "pgd/discovery/plan.h"
#include "pgd/protocol/records.h"
#include "pgd/runner/race.h"
#include "pgd/tuning/guard.h"
#include "pgd/tuning/ledger.h"

enum { PLANS_MAX = 24, HISTORY_MAX = 24 };

/* A finished round as the advisor sees it. */
struct round_history {
    int number;
    int n;
    struct setting_change changes[CHANGES_MAX]; /* as accepted */
    uint32_t measured; /* bit i: changes[i] was in the candidate that the verdict is of */
    int nsets;         /* alternatives that were screened first; 0 = none were */
    struct race_result sets[SETS_MAX];
    struct verdict verdict;
    bool kept;
    bool failed;          /* could not be applied */
    struct window window; /* of the candidate's runs */
};

/* A wish or a refusal of the DBA that must be respected. */
struct rejected_change {
    char name[SETTING_NAME_MAX];
    char value[SETTING_VALUE_MAX];
};

/* What an earlier session of this workspace found out under the same workload. */
struct remembered {
    char name[SETTING_NAME_MAX];
    char value[SETTING_VALUE_MAX];
    char rule[32];
    bool earned;  /* kept after the confirmation; else measured alone without gain */
    double ratio; /* of the round that tells */
};

struct evidence {
    const struct server_facts *server;
    const struct sdl *plan;    /* NULL before a strategy */
    const struct window *now;  /* recent minutes before a benchmark; may be invalid */
    const struct window *base; /* over the baseline's runs; NULL before */
    const struct window *best; /* over the newest runs of the best arm; NULL before */
    int nplans;
    const struct plan_facts *plans; /* EXPLAIN of the workload's statements under the best arm */
    double baseline_tps, best_tps;  /* NAN before */
    double baseline_p95_ms;
    double floor;      /* NAN before */
    double client_cpu; /* NAN unknown */
    int nhistory;
    const struct round_history *history;
    int nrejected;
    const struct rejected_change *rejected;
    const struct arm *best_arm;      /* our entries in force; NULL = none */
    const struct arm *start_arm;     /* what all is compared with; NULL = the server as it came */
    const struct verdict *confirmed; /* of start against best; NULL = not measured yet (gain.h) */
    bool restart_allowed;
    bool os_open;        /* somebody may accept a change of the operating system */
    double seconds_left; /* of the budget; NAN where none runs */
    int nremembered;     /* from earlier sessions of the workspace, the newest first */
    const struct remembered *remembered;
    const struct hypo_results *hypo; /* missing indexes that were tried; NULL = none were */
};

void builtin_first_sight(const struct evidence *e, struct first_sight *out);
/* Fills the plan of the chosen offer: clients, duration and so on that the caller left 0. */
void builtin_strategy(const struct evidence *e, const char *name, struct sdl *out);
/* What is left of a strategy's name in the name of a folder: letters, digits and dashes; "Balanced" when nothing is. */
void builtin_folder_name(char *dst, size_t size, const char *name);
void builtin_target(const struct evidence *e, struct target *out);
void builtin_round1(const struct evidence *e, struct proposal *out);
void builtin_next_round(const struct evidence *e,
                        struct proposal *out); /* after round 1, from what was learned */
void builtin_analyze(const struct evidence *e, const struct verdict *v, struct conclusion *out);
/* What this session found out, to be given to later ones under the same workload: at most max records, how many. */
int builtin_remember(const struct evidence *e, struct remembered *out, int max);
void builtin_next_strategies(const struct evidence *e, struct next_strategies *out);
/* What failed, in words that name a run, a change, a restart, a connection or ssh; log holds the lines that matter. */
void builtin_diagnose(const struct evidence *e, const char *what, const struct err *err,
                      const char *log, struct diagnosis *out);

/* pgtune's answer for this machine (comparison arm), by the formulas of le0pard/pgtune; n changes. */
void pgtune_arm(const struct server_facts *f, const char *type, struct arm *out);
