/* model.h - the whole state of the program as data: links, server, session, rounds, screen.
 *
 * app_update() and the machines it routes to are the only writers; views only read. Nothing in it is
 * a handle of the outside world, so it can be saved, replayed and tested without one. */
#pragma once

#include "pgd/agent/advice.h"
#include "pgd/agent/ask.h"
#include "pgd/agent/gain.h"
#include "pgd/agent/health.h"
#include "pgd/agent/hypo.h"
#include "pgd/base/key.h"
#include "pgd/discovery/discover.h"
#include "pgd/runner/ablation.h"
#include "pgd/runner/derivation.h"
#include "pgd/runner/experiment.h"
#include "pgd/telemetry/collect.h"
#include "pgd/telemetry/tableview.h"
#include "pgd/tuning/handover.h"
#include "pgd/tuning/round.h"
#include "pgd/workspace/live_text.h"
#include "pgd/workspace/plan_hand.h"
#include "pgd/workspace/screen.h"
#include "pgd/workspace/session.h"
#include "pgd/workspace/talk.h"
#include "pgd/workspace/tree.h"

enum link_state {
    LINK_OFF,        /* not wanted */
    LINK_CONNECTING, /* a connect is under way; EV_PG_UP or EV_PG_DOWN follows */
    LINK_UP,
    LINK_WAITING, /* failed or lost; the next try is at retry_at_us (shown as a countdown) */
    LINK_PASSWORD /* the server wants a password; the dialog asks for it */
};

struct link {
    enum link_state state;
    uint32_t generation;
    int attempts;
    int64_t retry_at_us;
    int64_t since_us; /* of the present state */
    int64_t lost_us;  /* when it was last up, or wanted first */
    bool was_up;      /* once connected: a later loss is a reconnect, not a failed start */
    int server_version, backend_pid;
    char host[256], hostaddr[64], port[16], user[64], dbname[64];
    bool tls;
    bool pooled;        /* a pooler stands between: nothing is set in the session */
    struct err err;     /* of the last failure */
    secret_id password; /* of the control link: what was sent; 0 = none */
    char way[1024];     /* of the control link: libpq's variables that it took, NAME=VALUE lines */
};

/* A link to another machine by ssh (app/hosts). */
enum host_state {
    HOST_OFF,        /* not wanted */
    HOST_CONNECTING, /* FX_SSH_OPEN is out: EV_SSH_ASK, EV_SSH_UP or EV_SSH_DOWN follows */
    HOST_ASKING, /* the DBA is asked `ask`: unknown host key, passphrase, password; FX_SSH_ANSWER goes on */
    HOST_UP,
    HOST_WAITING, /* lost, or not to be had at this moment; the next try is at retry_at_us (a countdown is shown) */
    HOST_REFUSED /* changed key, no way to log in, the DBA said no: err says why; nothing is tried until the DBA does */
};
struct host_link {
    enum host_state state;
    uint32_t generation;
    int attempts; /* since it was last up */
    int64_t retry_at_us, since_us, lost_us;
    bool was_up;
    char host[256];             /* as the DBA named it */
    enum ssh_ask ask, ask_last; /* now; the last that was asked, for `again` */
    bool echo;
    char question[1024];        /* fingerprint, key, prompt: as EV_SSH_ASK brought it */
    bool again;                 /* the same was asked just before: what was typed was not taken */
    secret_id word;             /* what the DBA has typed so far; 0 = nothing */
    int word_len;               /* in bytes */
    bool declined;              /* the DBA gave no answer: a refusal that follows is no news */
    bool trouble;               /* it was refused, and the dialog about it has not been shown yet */
    struct err err;             /* of the last failure */
    struct diagnosis diagnosis; /* of the failure that was explained last, by rules */
    double delay_ms;            /* of an answer of that host, smoothed; NAN = not measured */
};

/* How to connect, from the command line: libpq keywords and values, without the password. */
enum { CONNINFO_MAX = 24 };
struct connect_params {
    int n;
    char keys[CONNINFO_MAX][32];
    char values[CONNINFO_MAX][512];
    char database[256]; /* picked on the screen: wins over a connection string's; "" = none was */
    secret_id password; /* typed or from the environment of the demo; 0 = libpq's own ways */
};

enum { OWN_PIDS = 64 };

enum advisor_kind { ADVISOR_AUTO, ADVISOR_BUILTIN, ADVISOR_GEMINI, ADVISOR_OPENAI };

/* What the environment said about models; read once, at the start. */
struct model_env {
    secret_id gemini_key, openai_key;
    char gemini_model[MODEL_NAME_MAX],
        openai_model[MODEL_NAME_MAX]; /* "" = the default of prices */
    char gemini_base[512], openai_base[512];
};
enum { EXPORTS_MAX = 16 };
enum accept_policy { ACCEPT_ASK, ACCEPT_SAFE, ACCEPT_NONE };

/* What the command line said; fixed for the run. */
struct options {
    struct connect_params connect;
    bool has_target;  /* a host, database or URI was given */
    bool server_only; /* a host, and no database: what is known of that server is listed */
    /* what libpq takes where nothing is said */
    char libpq_host[256], libpq_port[16], libpq_user[64];
    char strategy[48];
    int nscripts;
    struct script scripts[SCRIPTS_MAX];
    char workload[16]; /* of --workload; "" = the scripts, or the default */
    int clients, duration_s, rounds, budget_s;
    bool budget_given;
    double target_tps;
    enum goal_kind goal;
    double rate; /* 0 = as many as go */
    bool compare, knee;
    bool measure_durability; /* --measure-durability: trades are measured, never kept */
    enum restart_policy restart;
    char restart_command[256];
    struct daytime_window window; /* restarts inside it only */
    enum accept_policy accept;
    bool bench_db; /* consent for the benchmark database */
    bool observe;  /* the server's own traffic in place of a benchmark */
    enum advisor_kind advisor;
    bool advisor_given; /* --advisor named one */
    enum privacy privacy;
    char model[MODEL_NAME_MAX]; /* --model; "" = the environment's, else the default */
    double max_usd;             /* of --max-usd; 0 = PARTNER_CAP_USD */
    int max_calls;              /* of --max-calls; 0 = CAP_CALLS */
    bool no_stream;             /* of --no-stream: for proxies that hold a stream back */
    struct model_env env;
    bool health; /* the verb: one look, no session */
    bool watch;  /* the verb, without a screen: a line a second */
    bool ends;   /* of `watch`: sessions may be cancelled and ended in spite of readonly */
    bool readonly, headless, json, demo, demo_tuned, no_color;
    bool reduced_motion, plain, no_clipboard;
    bool unsafe_guard;     /* test builds only: the guard lets everything pass */
    bool unsafe_preflight; /* test builds only: preflight and canary, too */
    enum graph_kind graph;
    int pid; /* of this program: for the note in the lock */
    /* --ssh-host --ssh-user --ssh-port --ssh-key: the server's host; "" = not given */
    char ssh_host[256], ssh_user[64], ssh_port[8], ssh_key[512];
    char ssh_dir[768];    /* the DBA's .ssh folder */
    bool host_from_ssh;   /* nothing else named the server: it is looked for on ssh_host */
    char bench_host[256]; /* --bench-host: where pgbench runs; "" = here, or where it is best */
    char bench_user[64],
        bench_port[8];      /* USER@ and :PORT of it; "" = of ssh_user, of ~/.ssh/config */
    int for_version;        /* --for of `export`: a major version; 0 = the server's own */
    bool accept_os;         /* --accept-os: headless consent to changes of the operating system */
    char home[768];         /* ~/.pg_diagnose or PG_DIAGNOSE_HOME */
    char session[128];      /* of `replay`, `export`: a folder name */
    bool replay;            /* the verb: a recording is played, nothing is connected to */
    char replay_what[1024]; /* a session, WORKSPACE/SESSION, or an absolute path */
    double replay_speed;    /* 0.25 to 100; 0 = 1 */
    bool verify, measure;   /* the verb; … and whether it measures what the settings still earn */
    char record_to[1024];   /* of `watch --record`: an absolute path; "" = nothing is recorded */
    char workspace[160];
};

/* Where the tuning session stands. The comment of each state is its specification. */
enum flow_state {
    /* No session: the dashboard is live; Enter or t starts one. Also after a session's end. */
    FLOW_WATCH,
    /* Waits for the control link, then discovery runs. → WORKSPACE */
    FLOW_DISCOVER,
    /* workspace.json is read or written, the lock taken, sessions listed, journals of interrupted sessions
     * replayed. An unfinished step → RECOVER; else → SIGHT. */
    FLOW_WORKSPACE,
    /* An interrupted session was found: the DBA chooses resume or undo (headless: undo the half-applied step,
     * then resume if the flags match, else PAUSED). */
    FLOW_RECOVER,
    /* First Sight is on the screen; with a session wanted → STRATEGY. */
    FLOW_SIGHT,
    /* The offers are shown; the DBA picks one (headless: the first, or --strategy). → PLAN */
    FLOW_STRATEGY,
    /* The plan (SDL) is shown with its consent: runs, restarts, database, minutes; editable. go → PREPARE */
    FLOW_PLAN,
    /* The session folder is created (checkpoint 1); scripts are read and checked, the benchmark database is
     * created and loaded if the workload is built in; the workload's statements are explained. → BASELINE */
    FLOW_PREPARE,
    /* An A/A experiment on the untouched server. Saved (checkpoint 2). → TARGET */
    FLOW_BASELINE,
    /* The advisor suggests a target; the DBA confirms or types one. → ROUND */
    FLOW_TARGET,
    /* round_step is in charge. After its end: the next round, or CONFIRM. */
    FLOW_ROUND,
    /* Start against best, interleaved and fresh: the figure that is claimed. improved, with several changes and time left →
     * ABLATE; else → SETTLE. Once more after ABLATE, start against the smaller set: improved → that is the best; else the
     * set that was confirmed before stays. */
    FLOW_CONFIRM,
    /* Short runs of the best state with some of its changes left out: which earn the gain, and which may go. Something may
     * go and there is time → CONFIRM with the smaller set; else → SETTLE. */
    FLOW_ABLATE,
    /* Opt-in: start, PostgreSQL's defaults, pgtune's answer and the best state in turn, for the chart. It claims nothing and
     * ends with the best state. → SETTLE */
    FLOW_COMPARE,
    /* Opt-in: what the session leaves against itself with one durability trade, for each of them. None is kept: the state from
     * before is put in force and verified before the session goes on. → SETTLE */
    FLOW_TRADE,
    /* The server is brought to what it is left with (best, or start when the session FAILED). → SUMMARY */
    FLOW_SETTLE,
    /* Opt-in: short runs with 1, 2, 4 … clients under what the session leaves. Nothing is changed. → SUMMARY */
    FLOW_KNEE,
    /* Summary on the screen; state ARCHIVED or FAILED saved; exports written when ARCHIVED; export and next
     * strategies offered. → WATCH or STRATEGY */
    FLOW_SUMMARY,
    /* A cancel or a signal: the half-applied step is being undone, then PAUSED is saved. */
    FLOW_PAUSING,
    FLOW_PAUSED,
    /* The operator must act; the exact SQL is on the screen. */
    FLOW_STUCK,
    /* Finished with an error before anything was measured. */
    FLOW_ERROR
};
const char *flow_state_name(enum flow_state s);

/* One line of the AI pane or of the event list. */
enum chat_kind { CHAT_AI, CHAT_USER, CHAT_EVENT, CHAT_GOOD, CHAT_BAD, CHAT_WARN };
struct chat_line {
    enum chat_kind kind;
    int64_t wall_us;
    char *text; /* owned, cleaned; may hold newlines */
};
enum { CHAT_MAX = 400 };

/* The path of the server that `demo` makes, and where its start stands. */
enum demo_state {
    DEMO_OFF,
    DEMO_STARTING, /* initdb, start, load: a script runs, its lines are progress */
    DEMO_UP,
    DEMO_STOPPING,
    DEMO_FAILED
};
struct demo {
    enum demo_state state;
    uint32_t generation, waiting;
    char note[200]; /* newest progress line */
    char socket_dir[512];
    char port[16];
    bool resumed;
    struct err err;
};

/* What the flow is waiting for inside a state: one answer at a time, or a decision of the DBA. */
enum decision {
    DECIDE_NOTHING,
    DECIDE_STRATEGY, /* index of the offer */
    DECIDE_PLAN,     /* go, or back */
    DECIDE_TARGET,
    DECIDE_REVIEW,
    DECIDE_RECOVER, /* resume or undo */
    DECIDE_KEEP,    /* goal missed, part improved: keep or roll back */
    DECIDE_VERDICT, /* next round, stop and keep, undo this round */
    DECIDE_MANUAL,  /* 1: made, look now; 0: cannot or will not */
    DECIDE_PAUSE    /* enum pause_answer */
};

/* With what the server is left while the session is paused: as before it, with the best state; or the session ends with that:
 * confirmed first, or at once. */
enum pause_answer { PAUSE_BACK, PAUSE_KEEP, PAUSE_CONFIRM, PAUSE_END };

enum { ARCHIVED_MAX = 64 };

enum hold_what { HOLD_NOTHING, HOLD_SWITCH, HOLD_RUN };

/* A switch or a run that has to wait: the control connection is away, and comes back or not. */
struct hold {
    enum hold_what what;
    struct arm arm; /* of the switch */
    int seconds;    /* of the run */
    int64_t from_us, until_us;
};

/* Whose business it is that the server does not answer at the start (flow_down.c). */
enum down_state {
    DOWN_UNKNOWN,
    DOWN_INDEX,    /* the workspace's list is read. A killed session → SESSION, else NOT_OURS */
    DOWN_SESSION,  /* its session.json is read, for who restarts. → JOURNAL */
    DOWN_JOURNAL,  /* its journal is read. A switch without a result → IDENTITY, else NOT_OURS */
    DOWN_IDENTITY, /* workspace.json is read. A host by ssh → HOST; a restart, on this machine → RECOVER, else WAIT */
    DOWN_HOST, /* the ssh link is awaited, however long; then RECOVER, WAIT or UNLOCK. It is refused → WAIT */
    DOWN_RECOVER, /* the script looks after the server. Left down → NOT_OURS, lost with the link → HOST, else WAIT */
    DOWN_WAIT,    /* for the connection until down_until_us. In vain → UNLOCK, or NOT_OURS */
    DOWN_UNLOCK,  /* a server that runs gets its old settings back. → WAIT, HOST or NOT_OURS */
    DOWN_NOT_OURS
};

enum { WATCH_CONDITIONS = 10 };
/* What flow_watch.c remembers of the session under way. */
struct watch_state {
    bool known;                   /* `first` is the sample that the session began with */
    struct watch_sample first;    /* what was there before us is not our doing */
    struct watch_load before;     /* other work before the first run: what the DBA has agreed to */
    int streak[WATCH_CONDITIONS]; /* samples in a row in which a condition held */
    int seen;                     /* collect.watch_n when it was looked at last */
    int thrown;                   /* contaminated runs left out so far */
    int64_t wait_us;              /* since when the first run waits; 0 = it does not */
    bool tripped;
};

/* Which machine pgbench runs on (app/bench_place). */
enum place_state {
    PLACE_NONE, /* on this one: there is no other */
    PLACE_LINK, /* the link by ssh is being made. Up, or given up → HERE; of --bench-host → THERE, or KNOWN with err */
    PLACE_HERE, /* which pgbench is on this machine. → DELAY */
    PLACE_DELAY, /* how long a statement takes from here, a few times. Short enough, or no other machine → KNOWN; else THERE */
    PLACE_THERE, /* which pgbench is there. None → KNOWN (--bench-host: with err), else DELAY_THERE */
    PLACE_DELAY_THERE, /* how long a statement takes from there: fails when the server cannot be reached. → KNOWN */
    PLACE_KNOWN
};
struct bench_place {
    enum place_state state;
    uint32_t generation, waiting;
    int tries;
    int64_t sent_us;
    double here_ms, there_ms; /* of a statement; NAN not known */
    int here_version, version;
    char here[512], there[512]; /* paths of pgbench */
    secret_id pgpass;           /* while a statement is timed from there */
    bool far;
    bool
        as_before; /* chosen because a resumed session was measured from there: of no other session */
    enum ssh_conn ssh;
    char why[240];
    struct err err; /* --bench-host cannot do it: the session does not begin */
};

/* What the session at hand has come to in this run of the program. Emptied in one place, flow_fresh(), so that nothing of
 * an earlier session is taken for a later one's. */
/* What the runs have done to the workload's database is looked at before a comparison (flow_bloat.c). */
enum bloat_step {
    BLOAT_NOTHING,
    BLOAT_LINK, /* CONN_BENCH is being opened in our own database. → LOOK */
    BLOAT_LOOK, /* its size and rows are asked for. Nothing to be done → NOTHING, else VACUUMS or LOAD */
    BLOAT_VACUUMS, /* VACUUM (ANALYZE) runs. → NOTHING */
    BLOAT_LOAD     /* it is loaded anew, as PREP_DB_LOAD. → EXPLAIN again, then NOTHING */
};
struct bloat_now {
    enum bloat_step step;
    int looked;          /* before which comparison it was looked: 1 + rounds done; 0 = not yet */
    bool confirms;       /* that comparison is the confirmation */
    double spare_s;      /* of the budget, beyond what that comparison needs */
    double loaded_bytes; /* its size as it was loaded, or as it was first seen; 0 = not known */
    double load_s;       /* how long loading took in this session; 0 = it was not loaded */
    int64_t since_us;    /* of what is under way */
    char found[120];     /* "the database has grown by 64 %" */
    double dead_share, growth, bytes; /* NAN = not known */
    int done_before; /* the comparison that something was done before; 0 = nothing was */
    char done[160];  /* … what, for its note */
    char told[120];  /* of the DBA's own database: what was said last */
};

struct flow_now {
    bool cancel;        /* stop what runs, then PAUSED */
    bool stop_and_keep; /* the DBA: no further round, keep the best */
    bool keep_now;      /* … and at once, without the confirmation: nothing is claimed */
    /* seconds that the end would take if the session stopped now: start against best, and the ablation; 0 = none is made */
    double confirm_s, ablate_s;
    const char *no_further; /* at a verdict: why no round follows it; NULL = one does */
    double budget_needed_s; /* there was no time for a first round: so much would have held one */
    bool undo_round;        /* the DBA: drop what this round kept */
    bool undoing_round;     /* the switch that takes it back is under way */
    bool target_again;      /* the server was repaired: a model is asked for the target once more */
    bool resume;            /* an interrupted session goes on */
    bool undo_only; /* its session.json cannot be read: the journal says what to undo, no more */
    bool pause_resumed; /* headless: its flags differ, so it is only made clean and PAUSED */
    bool settle_failed; /* the session ends as FAILED */
    bool loaded_now;    /* the benchmark database was filled in this run */
    int nplan_at, nplan_script; /* EXPLAIN cursor */
    bool switching, running;    /* a switch or a run of ours is under way */
    bool run_warmup;
    struct hold hold;   /* a switch or a run that waits for the connection */
    int lost_tries;     /* switches begun anew because the connection was lost before they began */
    int lost_runs;      /* runs begun anew because the link to pgbench's machine was lost */
    bool change_failed; /* the session ends because a change could not be made */
    bool arm_unknown;   /* a kept round was undone: its candidate is still in force */
    struct left_step left;    /* where the session that goes on was left */
    char stale[160];          /* why its baseline does not count any more; "" = it does */
    struct left_step written; /* the newest that the journal has */
    bool kept_waits;          /* answers of the review are not on the disk yet */
    int64_t kept_us;          /* when they were written last */
    bool unfinished;          /* the interrupted session has a switch without a result */
    bool unfinished_restart;  /* … which restarts the server */
    bool pause_asked; /* with what the server is left while paused: it was asked, or is decided */
    bool pause_back;  /* … as before the session */
    bool save_failed; /* the session's end could not be written */
    int empty_rounds; /* proposals in a row of which nothing was accepted */
    int64_t explain_until_us; /* EXPLAIN ANALYZE may take a part of the budget, no more */
    int confirm_arm;          /* the arm that the confirmation's switch makes */
    bool reducing;            /* the confirmation is of the smaller set that the ablation leaves */
    struct verdict confirmed; /* … the verdict of the whole set */
    uint32_t ablate_set;      /* the set that the ablation's switch makes */
    double ablate_later;      /* seconds that it leaves to the confirmation of what stays */
    bool screen_told;         /* what the screening of this round has shown is said */
    bool lifting_veto; /* the DBA keeps a candidate in spite of its veto: its switch is under way */
    enum apply_state apply_seen; /* last told to the round */
    struct watch_state watch;
    struct window
        run_window; /* of a run that is being closed: its CHECKPOINT is not the workload's */
    bool window_taken;
    bool window_wait;        /* a switch waits for the maintenance window */
    bool window_shut;        /* paused with such a switch still owed */
    int64_t window_since_us; /* … since then: the budget stands still */
    char window_note[96];    /* why no restart may be made now */
    struct flips flips;      /* EXPLAIN of both arms of the round under way */
    struct flip_sources flip_sources;
    bool sources_told; /* how far statements can be told apart was said */
    char statements_veto[240];
    bool compared; /* the comparison was made, or left out and that was said */
    struct arm compare_arms[COMPARED_MAX];
    struct race compare;
    int compare_arm; /* the arm that its switch makes */
    double compare_sum[COMPARED_MAX], compare_p95[COMPARED_MAX];
    bool trades_wanted, trades_done;
    bool trade_on, trades_back; /* one is being measured; they are being taken back */
    struct arm trade_arm;       /* what the session leaves, and the trade */
    int trade_want;             /* the arm that its switch makes */
    bool knee_wanted, knee_done;
    int knee_clients;          /* of the run under way */
    bool knee_warm;            /* the sweep's warm-up was run */
    bool consent_again;        /* the figures of the consent were told a second time */
    bool switch_dropped;       /* the cancel came while this switch was under way */
    bool taking_up;            /* the switch is one that an earlier run has asked the DBA for */
    bool goes_on;              /* … it has ended, and what it was for goes on after PREPARE */
    bool asked_undo;           /* what the DBA is asked for now is an undo */
    char statements_note[200]; /* what the workload from statements covers */
    struct bloat_now bloat;
};

struct flow {
    uint32_t generation, waiting; /* id of the answer that is awaited; 0 = none */
    int step, at;                 /* place within a state's sequence */
    enum decision decision;
    int64_t asked_us;    /* since when a decision is open: the budget stands still; 0 = none */
    bool session_wanted; /* the DBA (or headless) wants a tuning session */
    bool quit_after;     /* leave the program once paused or finished */
    int exit_code;
    char script_text[SCRIPTS_MAX]
                    [8192]; /* the workload's scripts as read, for EXPLAIN and the plan dialog */
    struct buf pending;     /* statements of the loader, text being assembled */
    size_t index_at;        /* flow_index.c: place in `pending`, names of folders */
    int index_made, index_unread; /* … folders looked at; of which session.json could not be read */
    char interrupted[128]; /* name of the interrupted session that is looked after; "" = none */
    struct err err;        /* why FLOW_ERROR */
    int64_t state_since_us;
    char paths[EXPORTS_MAX][1024]; /* exports that were written, as export_kind_at() numbers them */
    int own_samples;               /* samples that were looked at for what is ours (flow_own) … */
    bool own_load;                 /* … and whether we loaded the server at the last of them */
    int64_t discovered_us;         /* when settings, totals and host were looked at */
    int64_t watched_us;            /* arrival of the sample that was printed last (watch) */
    int watched_n;                 /* lines so far */
    int export_at;                 /* the one that is being written */
    int export_one;                /* 1 + the only one that is wanted; 0 = all */
    enum down_state down;
    char down_host[256];
    char down_session[128];          /* the killed session */
    enum restart_policy down_policy; /* and its plan's way to restart; ASK when unknown */
    /* flow_host.c */
    int host_looks;     /* looks at the host that the DBA was told of */
    char host_why[240]; /* why it is not known; "" = it is */
    char host_boot[40]; /* boot id of the last look that saw one */
    bool host_rebooted; /* the last look saw another one */
    int64_t down_until_us;
    struct identity down_id;          /* its server; local when we can see to it */
    struct buf down_names, down_undo; /* settings of its switch without a result; the SQL back */
    bool down_restart;                /* that switch needs a restart */
    bool down_unlocked;               /* tried once */
    enum restart_way down_way;        /* UNLOCK: how it is restarted */
    enum down_state down_next; /* HOST: what is done when the link is up; UNKNOWN = not decided */
    uint64_t journal_high; /* of all sessions of this run: the gate compares numbers across them */
    char journal_path[1100];
    struct session *archived[ARCHIVED_MAX]; /* read for an export, oldest first; owned */
    int narchived;
    int persist;      /* flow_persist.c: 0 = nothing is under way */
    int persist_then; /* … and what is done when an archived session has been read; 0 = nothing */
    /* flow_handover.c */
    int hand_step;         /* 0 = no hand-over is under way */
    const char *hand_mode; /* of the script that runs */
    int64_t hand_lost_us;  /* since when the link to its host has been missed; 0 = it is not */
    bool hand_go, hand_written;
    bool hand_locking, hand_locked; /* the lock was asked for; it is ours */
    struct handover hand;
    struct err hand_err;           /* why it is being undone */
    struct effect fresh_session;   /* template for the session that verifies */
    struct way how;                /* how the session at hand changes the server */
    char manual_path[1100];        /* where the DBA's part of a switch is written to */
    struct flow_now now;           /* of the session at hand */
    struct derivation *derivation; /* a workload is being made of statements; owned; NULL = no */
    struct plan_hand edits;        /* what the DBA has edited in the plan */
};

/* What app/advise.c keeps besides the questions themselves. */
struct advising {
    uint64_t random; /* state of the numbers that jitter and fences are made of */
    bool judging;    /* OP_ANALYZE is asked about a verdict, not for a proposal alone */
    char picked[48]; /* OP_STRATEGY: the strategy's name */
    struct sdl plan; /* … and its plan as far as the flags have filled it */
    char trouble[48];
    struct err trouble_err; /* OP_DIAGNOSE: what failed, and why */
    char trouble_log[1024];
    struct diagnosis diagnosis; /* of it: the rules' words, then a model's */
    bool leaving;               /* the program ends with leave_code when it is explained */
    int leave_code;
    char paused_in[400];          /* OP_RESTORE */
    char next_step[240];          /* … and what comes next */
    struct buf restored;          /* … and its answer, while it is asked how to go on */
    struct merged_report *merged; /* OP_CONFLICTS: owned; NULL = no export is being written */
    struct buf said;              /* … and the conversations that go into it */
    struct advisor_name merged_by;
    struct buf list; /* the answer about models that is coming */
    int list_status;
    enum breaker_state breaker_told; /* what the DBA was told last */
    bool warned_told, capped_told;
    char gone_told[MODEL_NAME_MAX];
    bool pick;        /* the model is gone: the list of the others is to be shown (DIALOG_MODEL) */
    bool notice;      /* the first-use notice waits for the DBA's answer (DIALOG_NOTICE) */
    char agreed[600]; /* address that an earlier run was allowed to talk to */
    struct wishes found; /* of PGDIAG.md, while the DBA has not said that it may be told */
    bool wishes_untrusted;
    char wishes_hash[65];  /* of the file that was read; "" = there is none */
    char trusted_hash[65]; /* … that the DBA has trusted (workspace.json) */
    uint32_t list_no;      /* of the list of models that is awaited */
    size_t answers_bytes;  /* of answers.jsonl */
};

/* Whether the session may work on the server behind the control link (app/claim.c). */
enum claim_state {
    CLAIM_NONE,     /* no session wants it */
    CLAIM_AWAY,     /* the control link is away; begins anew when it is back */
    CLAIM_IDENTITY, /* which server is it, and is there a pooler before it? */
    CLAIM_CONTROL,  /* … its system identifier. The same one, no standby → LOCK, else REFUSED */
    CLAIM_LOCK,     /* our advisory lock was asked for */
    /* Who else holds one? Nobody → FILES at a session's begin, else HELD; our own former session → PAUSE; else
     * REFUSED. */
    CLAIM_TUNERS,
    CLAIM_FILES, /* lines of the configuration files that the server cannot use → REFUSED, else HBA */
    CLAIM_HBA,   /* … of pg_hba.conf → REFUSED, else HELD. Who may not read them goes without */
    CLAIM_PAUSE, /* a second later it is tried again */
    CLAIM_HELD,
    CLAIM_REFUSED /* err says why */
};
enum claim_then { CLAIM_THEN_NOTHING, CLAIM_THEN_PLAN, CLAIM_THEN_RESUME, CLAIM_THEN_UNDO };
struct claim {
    enum claim_state state;
    enum claim_then then; /* what waits for it */
    uint32_t generation, waiting;
    int tries;
    int late;           /* questions that were not answered in time */
    bool got;           /* the advisory lock is ours */
    bool asked;         /* it may be, whatever was answered */
    int64_t former_pid; /* backend of the control link before it was lost */
    struct identity now;
    struct err err;
};

/* A session of a workspace on the start screen. */
struct recent_session {
    char name[128], strategy[48];
    enum session_state state;
    double effect; /* ratio; NAN = none was confirmed */
    int rounds;
    bool measured;   /* its baseline was */
    char reason[64]; /* why it ended; "" = it has not, or that was not noted */
    int64_t changed_us;
};

/* A workspace on the start screen (workspace/recent.h). */
enum { RECENT_SESSIONS = 6, RECENT_MAX = 1000 };
struct recent {
    char name[160]; /* folder */
    char database[64], host[256], port[16], user[64], version[48];
    char ssh_host[256];
    bool demo;       /* the private server of `demo` */
    bool known;      /* workspace.json could be read: it says how to connect */
    bool listed;     /* index.json was there */
    int64_t used_us; /* wall clock; 0 = not known */
    int nsessions, paused, failed;
    int without_round; /* ended before a round was measured: they have not failed */
    double best;       /* ratio of the best ARCHIVED session; NAN = none */
    int nshown;        /* the newest of them */
    struct recent_session shown[RECENT_SESSIONS];
    struct recent_session
        open; /* what can be gone on with: a killed one before a paused one; name "" = none */
    char holder[24];  /* process that says it works there; "" = none */
    char damage[120]; /* what of it cannot be read; "" = nothing */
};
struct recent_list {
    int n;
    size_t cap;
    struct recent *rows; /* owned; the one that was used last comes first */
};

/* The screen before a server is known (app/start.c): which of its pages is shown. */
enum start_page {
    START_LIST,     /* recent workspaces */
    START_SERVER,   /* the form: host, port, user, database */
    START_DATABASES /* of the server that was typed, one to be picked */
};
enum start_field { START_HOST, START_PORT, START_USER, START_DATABASE, START_FIELDS };
struct start_database {
    char name[64], owner[64];
    double bytes; /* NAN = not known (yet) */
    bool may;     /* we may connect to it */
};
struct start_screen {
    enum start_page page;
    uint32_t no;      /* of the newest request; older answers are dropped */
    bool reading;     /* workspaces are still being read */
    struct buf names; /* folders not read yet; owned */
    struct recent_list recent;
    char server[256], server_port[16]; /* -H: only what belongs to it is listed */
    struct proved_list
        *proved;       /* what the ARCHIVED sessions have left; owned, told once (drift.h) */
    char wanted[160];  /* the workspace that was picked, while its workspace.json is read */
    char session[128]; /* … and the session of it that is to go on; "" = none was picked */
    bool moved;        /* the DBA has moved the cursor: nothing jumps under it any more */
    char filter[64];   /* part of a name; "" = all */
    enum start_field field;
    char fields[START_FIELDS][512];
    bool asking;           /* a connection to the server of the form is under way or up */
    struct err err;        /* … and why it failed */
    int ndatabases, sized; /* sized: of so many the size was asked for */
    struct start_database databases[500];
    int64_t sized_since_us;
};

/* What the dashboard shows is written to a file (app/record.c). */
struct recorder {
    bool on;
    bool begun;         /* the file was looked at: it is ours to write */
    char path[1024];    /* as it was named; parts after the first have .2, .3 … */
    int part;           /* from 1 */
    int64_t bytes, sum; /* in this part; in all */
    int64_t since_us, written_us;
    uint64_t said;     /* chat lines that are written */
    int64_t sample_us; /* arrival of the newest sample that is */
    struct buf lines;  /* not on their way to the disk yet */
    bool writing;      /* an append is on its way */
    bool looks;        /* it is looked whether the next part is there already */
    int lost;          /* lines that found no room meanwhile */
    uint32_t generation;
};

/* `verify` (app/verify.h). */
struct verifying {
    uint32_t generation;
    struct buf names;            /* ARCHIVED sessions that are still to be read, oldest first */
    struct identity then;        /* of workspace.json */
    struct server_facts *before; /* likewise; owned */
    char unfinished[128];        /* a session that was interrupted; "" = none */
    struct buf changed;          /* what is not as it was of server and machine, a line each */
    struct buf left_out;         /* settings that could not be part of the measurement */
    int sessions, settings, in_force, findings;
    bool read, looked, ended;
};

/* The files of that advice which are being written (app/advised.c). */
struct advised_files {
    uint32_t generation, sent;
    int saved, files;  /* of so many */
    int number;        /* under which those that are there are kept */
    struct buf old;    /* advice.sql as it is there */
    char changes[160]; /* of what is accepted, against those that are there; "" = none */
    bool told;         /* the DBA asked for them: where they are is said */
    char dir[1100];    /* exports of the workspace */
};

/* Indexes that might be missing are tried with HypoPG (app/hypo.c), one after the other, over CONN_PLAN. */
enum hypo_step {
    HYPO_REST, /* nothing is under way */
    HYPO_LINK, /* CONN_PLAN is being opened. → LIMITS */
    HYPO_LIMITS, /* its session is made read-only, with short limits: at first, and after each plan, which
                     may have run code that changes them. → `then`, BEFORE by way of PREPARE */
    HYPO_PREPARE, /* a statement with parameters, before PostgreSQL 16. → BEFORE */
    HYPO_BEFORE,  /* its plan as things are. → LIMITS, CREATE */
    HYPO_CREATE,  /* the hypothetical index. → PREPARE_2 or AFTER */
    HYPO_PREPARE_2,
    HYPO_AFTER, /* its plan with that index. → LIMITS, RESET */
    HYPO_RESET  /* all of them are taken away. → PREPARE or BEFORE of the next, or REST */
};
struct hypo_candidate {
    char statement[640];
    char *text; /* the statement that it is for; owned; NULL = it is not planned, and why */
    int parameters;
    bool recorded; /* by pg_stat_statements, else of the workload's scripts */
    char why[120];
};
struct hypo_test {
    enum hypo_step step, then;
    bool reaches; /* our role may act as a superuser, or on the server's files and programs */
    uint32_t generation, waiting;
    int n, at;
    struct hypo_candidate queue[HYPO_MAX];
    struct hypo_result now; /* of queue[at] */
    char index[80];         /* what EXPLAIN calls its index */
    int64_t until_us;       /* what is not tested by then is not waited for */
    bool sight_waits;       /* First Sight goes on when they are tested */
    struct hypo_results results;
};
void hypo_test_clear(struct hypo_test *h); /* frees what is queued */

struct playback;
struct replay_load;

struct model {
    struct options opt;
    struct start_screen start;
    struct flow fl;
    int64_t now_us, wall_us;
    struct link links[CONN_COUNT];
    int own_pids
        [OWN_PIDS]; /* backends of our links, the latest: a ring, own_npids % OWN_PIDS is the next place */
    unsigned own_npids;
    struct host_link hosts[SSH_CONN_COUNT];
    struct server_facts server;
    struct way way; /* how it is configured */
    bool server_known;
    struct identity
        pinned; /* of the first connect (or of workspace.json): compared before every change */
    struct claim claim;
    struct discover discover;
    struct collect collect;
    struct workspace workspace;
    struct session session;
    struct apply apply;
    struct health health;
    struct advised advised; /* what settings cannot mend, of this connection's database */
    struct advised_files advised_files;
    struct hypo_test hypo;
    struct bench bench;
    struct bench_target bench_target;
    struct bench_place place;
    enum flow_state flow;
    struct demo demo;
    struct partner partner;
    struct ask asks[ASK_SLOTS];
    struct advising advising;
    struct wishes wishes; /* of the DBA: trusted ones whole, others as limits alone */
    struct talk talk;
    struct anomalies anomalies;
    struct first_sight sight; /* of this connection, before a session */
    bool sight_known;
    int nchat;
    struct chat_line chat[CHAT_MAX]; /* oldest first */
    uint64_t chat_total;             /* lines ever said: headless prints what is new */
    struct screen screen;
    struct live live;
    struct live_text live_text;
    struct live_export live_export;
    struct page page;
    struct sql_log sql_log;
    struct sessions_view sessions_view;
    struct tree tree;
    struct playback
        *playback; /* a recording is on the screen in place of this; owned (playback.h) */
    struct replay_load *replay_load; /* one is being read; owned */
    uint32_t replay_no;              /* counts what was asked for it: generation of its requests */
    struct recorder recorder;
    struct verifying verifying;
    char replay_note[200]; /* of the model of a recording: its place and speed; else "" */
    bool dirty;            /* the screen must be painted */
    bool dirty_key;        /* … at once: a key was pressed */
    bool quitting;
    int exit_code;
    char program_pgbench[512];
    double stall_longest_ms;
    char stall_name[64];
    int stalls[7];
};

/* Empties a session and frees what it holds; figures become NAN. */
void session_reset(struct session *s);
void session_remember_first(struct session *s, const char *name, const char *shown);
const char *session_first(const struct session *s, const char *name); /* "" if unknown */
void model_init(struct model *m);
void model_clear(struct model *m);
void model_say(struct model *m, enum chat_kind kind, const char *fmt, ...) PGD_PRINTF(3, 4);
/* The same for text of several lines, which stay lines; each is cleaned. */
void model_tell(struct model *m, enum chat_kind kind, const char *text);
/* Sessions of the server may be ended from a live view: not with --readonly, nor where another program has the workspace. */
bool model_may_end(const struct model *m);
/* The dialog that is on the screen and has the keys; one that waits is none. */
enum dialog_kind model_dialog(const struct model *m);
/* False once the session failed: what was best in a round has been undone. */
bool model_best_stands(const struct model *m);
/* TPS is always what a run has measured: that of the run under way, else of the state that the session has come to (its best,
 * else its baseline); NAN = nothing was measured. */
double model_tps(const struct model *m);
/* What the whole server commits and rolls back a second, ours left out; shown as xact/s and never as TPS. NAN = not known. */
double model_xacts(const struct model *m);
/* How much better its best state is than its start, by the one rule (gain.h), and what one of its rounds has shown. */
void session_gain(const struct session *s, struct gain *g);
void session_round_gain(const struct session *s, int i, struct gain *g);
/* To be called when another state becomes the best: the confirmation was of the former one. */
void session_best_changed(struct session *s);
/* It ended before a round was measured (no time, nothing to try, nothing accepted): nothing has failed. */
bool session_without_round(const struct session *s);
/* Assembles what the advisor may see. */
void model_evidence(const struct model *m, struct evidence *e);
/* How the server would be restarted, by the plan's policy (without a session: the command line's). */
void model_restart(const struct model *m, struct restart_choice *out);
/* Seconds of the budget that are left; a large number without a budget. */
double model_seconds_left(const struct model *m);
bool model_shows_time(const struct model *m); /* a countdown or a clock is on the screen */
bool model_run_active(const struct model *m); /* a session is between PREPARE and SETTLE */
