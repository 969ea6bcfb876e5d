/* session.h - tuning sessions as data: what session.json holds, and the list of them that a workspace has. */
#pragma once

#include "pgd/agent/advice.h"
#include "pgd/runner/ablation.h"
#include "pgd/runner/experiment.h"
#include "pgd/tuning/round.h"
#include "pgd/workspace/beside.h"

enum session_state {
    SESSION_NONE,
    SESSION_ACTIVE,
    SESSION_PAUSED,
    SESSION_ARCHIVED,
    SESSION_FAILED
};
const char *session_state_name(enum session_state s);
enum { SESSION_TITLE_MAX = 64 };

/* What SHOW printed for a setting before the session touched it. */
struct first_value {
    char name[SETTING_NAME_MAX];
    char shown[SETTING_VALUE_MAX];
};

/* What a change of the best state was found to earn. */
struct earned {
    char name[SETTING_NAME_MAX];
    char value[SETTING_VALUE_MAX]; /* "" = reset */
    bool tested;
    bool idle;            /* without it nothing is lost */
    bool taken_out;       /* and the server runs without it: the smaller set was confirmed */
    double ratio, lo, hi; /* with it over without it; NAN = not tested */
};

/* A switch that the DBA has been asked for: what goes on once it is in force. It outlives the program. */
enum pending_phase {
    PENDING_NOTHING, /* none, or one after which the session begins anew from the best arm */
    PENDING_ROUND,   /* the round goes on in its state, with its runs so far */
    PENDING_CONFIRM, /* so does the confirmation */
    PENDING_SETTLE   /* the session ends */
};
struct pending_switch {
    enum pending_phase phase;
    struct arm arm; /* to be in force */
    int want_arm;   /* its number in the experiment */
    bool restart;   /* a restart is part of it */
    bool settle_failed, change_failed;
};

/* A state that a session has had the server in: NODE_START, the number of the round after which it was the best, or
 * NODE_FINAL: what the session has left. */
enum { NODE_START = 0, NODE_FINAL = 1000 };

/* The session that another one came from. */
struct origin {
    char session[128]; /* "" = none */
    int node;
    bool reverts; /* it brings the server back to that state, and measures nothing */
};

/* The step that a session is at, as its journal has it (kind "step"): where the next start finds it after a pause or a kill. */
enum left_phase {
    LEFT_UNKNOWN, /* the journal does not say: of an older version, or nothing was begun */
    LEFT_PREPARE, /* of a session that goes on: before the first run */
    LEFT_BASELINE,
    LEFT_TARGET,
    LEFT_PROPOSAL,
    LEFT_REVIEW,
    LEFT_SCREENING,
    LEFT_ROUND, /* the comparison of a round's two states */
    LEFT_VERDICT,
    LEFT_CONFIRM,
    LEFT_ABLATION,
    LEFT_SMALLER, /* the confirmation of what the ablation leaves */
    LEFT_BESIDE,  /* the comparison with the defaults and pgtune */
    LEFT_TRADE,
    LEFT_KNEE
};
enum left_doing {
    LEFT_RESTS, /* between two runs, or at a question */
    LEFT_WARMS,
    LEFT_RUNS
};
struct left_step {
    enum left_phase phase;
    enum left_doing doing;
    int round;
    int runs, needs; /* measured before, and how many it takes at least; 0 = that is not known */
    char arm[48];    /* what was in force in the run under way */
};

/* The proposal that the DBA looks at, with his answers so far: it is offered again when the session goes on (kept.h). */
struct kept_answer {
    char name[SETTING_NAME_MAX];
    char proposed[SETTING_VALUE_MAX];
    char from[SETTING_VALUE_MAX];  /* what SHOW printed then */
    char value[SETTING_VALUE_MAX]; /* the DBA's own; "" = as it was proposed */
    enum answer answer;
    bool reset, restart; /* what was proposed; what it took */
    unsigned sets;       /* the alternatives that it belonged to */
};
struct kept_review {
    char server[24]; /* whose: its system identifier; "" = it could not be read */
    int round;       /* 0 = none */
    bool decided;    /* the DBA said go */
    struct proposal
        proposal; /* without changes: it is to be made anew, and the answers alone count */
    int n;
    struct kept_answer lines[CHANGES_MAX];
};

/* Under what the baseline was measured; 0 and NAN = not known. */
struct baseline_seen {
    int64_t wall_us;
    int64_t server_start_us; /* of the postmaster; our own restarts move it */
    int version_num, cpus;
    double mem_total; /* bytes */
};

/* One tuning session: what session.json holds. */
struct session {
    enum session_state state;
    char name[128];                /* folder name: STRATEGY_MMDDYYYY-HHMMSS[-n] */
    char dir[1024];                /* absolute */
    char title[SESSION_TITLE_MAX]; /* what the DBA calls it; "" = by its name */
    struct origin origin;
    int64_t created_wall_us, ended_wall_us,
        deadline_us; /* deadline on the monotonic clock; 0 = none */
    double spent_s;  /* of the budget, by earlier runs of the program */
    struct sdl plan;
    struct first_sight sight;
    struct target target;
    struct experiment baseline;
    double baseline_tps, best_tps, baseline_p95_ms; /* NAN before */
    double floor;
    struct baseline_seen seen;
    double
        client_cpu; /* of the newest run: share of a CPU that each thread of pgbench took; NAN unknown */
    struct window base_window, best_window;
    int nplans;
    struct plan_facts plans[PLANS_MAX];
    struct ledger ledger;
    struct arm start, best; /* start has no entries by definition */
    int nfirst;
    struct first_value first[LEDGER_MAX];
    int nfinal; /* what the session leaves: of the best arm, as SHOW prints it now */
    struct first_value final_values[LEDGER_MAX];
    int nhistory;
    struct round_history history[HISTORY_MAX];
    struct conclusion said[HISTORY_MAX]; /* what the advisor made of history[i] */
    int nrejected;
    struct rejected_change rejected[64];
    int misses; /* in a row */
    int rounds_done;
    int next_round; /* a model has said what this round is to try: `next`; 0 = nobody has */
    struct proposal next;
    struct round round; /* the one under way */
    struct kept_review kept;
    struct experiment confirm;
    struct experiment trading; /* of a durability trade */
    struct verdict final;      /* of the confirmation */
    struct ablation ablation;
    struct arm trial;   /* of the ablation: what is measured now */
    struct arm reduced; /* what it leaves of the best state, while that is being confirmed */
    int nearned; /* changes of the state that was confirmed first; 0 = no ablation was made */
    struct earned earned[CHANGES_MAX];
    struct beside beside;
    struct advised advised; /* what settings cannot mend, as it stood at the session's end */
    char end_reason
        [240]; /* "target reached", "three misses in a row", "nothing left that evidence supports" … */
    uint64_t journal_no;
    int run_number;
    bool loaded; /* read from disk in this run of the program */
    bool
        by_hand; /* the DBA makes every change: ledger and journal hold what runs, not entries of a file */
    struct pending_switch pending;
    char bench_at[256]; /* where its runs were made: "here", or a host's name; "" = none was made */
};

struct session_row { /* of index.json: for the tree and the start screen */
    char name[128];
    char strategy[48];
    enum session_state state;
    double baseline_tps, best_tps, effect;
    double tps_before,
        tps_after; /* of the runs that its gain is told by (gain.h); NAN = none, or not noted */
    int rounds;
    int64_t changed_wall_us;
    bool interrupted;
    char reason[64]; /* why it ended; "" = it has not, or that was not noted */
    bool passed;     /* looked at in this run of the program: it stays as it is */
    char title[SESSION_TITLE_MAX];
    struct origin origin;
    char *line; /* its text in index.json; owned; NULL = to be made (session_rows_changed) */
    size_t line_len;
};

enum { SESSION_ROWS_MAX = 20000, FLOORS_MAX = 16, CHANGED_MAX = 12 };

/* The noise that a baseline has measured here. */
struct floor_note {
    char workload[48];
    int clients;
    double floor; /* as a ratio - 1 */
    int runs;
    int64_t wall_us;
};

/* What was found out under one workload on this server and machine, the newest first (lessons.h). */
enum { LESSONS_MAX = 16, LESSON_BOOKS_MAX = 8, LESSONS_KEY_MAX = 65 };
struct lessons {
    char key[LESSONS_KEY_MAX];
    char workload[48]; /* its name, for readers of the file */
    int64_t wall_us;
    int n;
    struct remembered items[LESSONS_MAX];
};

/* What the DBA has said of a statement beyond settings (advice_notes.h). */
struct advice_note {
    char statement[640]; /* of struct advice */
    enum advice_mark mark;
    int64_t wall_us;
};
enum { ADVICE_NOTES_MAX = 64 };

struct workspace {
    char name[160]; /* folder name: DATABASE_HOST[_PORT] */
    char dir[1024];
    bool open, readonly; /* readonly: another program holds it */
    char holder[160];
    int nsessions; /* newest first */
    size_t capsessions;
    struct session_row *sessions; /* owned (session_rows.h) */
    unsigned rows_version;        /* counts up with each row that comes, goes or moves */
    char identity_note[240];      /* "other version than last time", … */
    int nchanged;
    char changed[CHANGED_MAX]
                [240]; /* what is not as it was left: version, machine, settings (drift.h) */
    struct own_totals
        own; /* what our runs have made the server count; what it does by itself is the rest */
    int nfloors;
    int nlessons;
    struct lessons lessons[LESSON_BOOKS_MAX];
    int nadvice;
    struct advice_note advice[ADVICE_NOTES_MAX];
    struct floor_note floors[FLOORS_MAX]; /* one for each workload and number of clients */
    double
        restart_s; /* how long the server was away at the newest restart here; NAN = none was made */
};
