/* apply.h - one arm switch as a machine: read, journal, ALTER SYSTEM, reload or restart, verify;
 * and its undo when anything fails.
 *
 * Every path that applied something ends in DONE, ROLLED_BACK (verified) or STUCK with the exact SQL.
 * docs/journal.md has the records that it writes. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"
#include "pgd/tuning/ledger.h"
#include "pgd/tuning/restart.h"
#include "pgd/tuning/way.h"

enum apply_state {
    /* Nothing under way. */
    APPLY_IDLE,
    /* Identity is read again and compared with the pinned one; a difference fails before anything was touched. */
    APPLY_IDENTITY,
    /* pg_file_settings (entries of postgresql.auto.conf, foreign errors) and pg_hba_file_rules errors are
     * read. Foreign errors, or entries of ours that somebody else changed, fail here. If nothing differs
     * from the goal the machine is DONE at once. */
    APPLY_READ,
    /* Restart-class, and what is not on the allowlist (a repair): base backup, prepared transactions, archiver
     * are looked at before a restart; then the canary boots a scratch cluster with the candidate settings.
     * A failure fails here: nothing was touched. What a cut ssh link has taken along is done again when it is back. */
    APPLY_PREFLIGHT,
    /* The intent with its undo list is appended to the journal; waits for the disk. */
    APPLY_JOURNAL,
    /* ALTER SYSTEM, one statement at a time. An error leads to UNDO. */
    APPLY_ALTER,
    /* The script that sets the operating system's settings runs on the server's host, all of them or none. What it refuses
     * has been put back by itself; ALTER SYSTEM is undone. Also where they are read back at the end, and put back. */
    APPLY_OS,
    /* pg_reload_conf() was sent. */
    APPLY_RELOAD,
    /* The detached restart script, or the DBA's command, runs; its report file is polled. The script puts the
     * old postgresql.auto.conf back by itself when the server does not come up: then ROLLED_BACK. Over ssh it goes on
     * without the link, and its report is asked for again when the link is back; a script that had not begun is
     * started then. → RECONNECT when ssh stays away: the server itself is asked. */
    APPLY_RESTART,
    /* The server is up again by the report; waits for the control connection. When nobody can connect, the copy
     * of postgresql.auto.conf is put back and the server restarted once more: then UNDO. Over ssh that waits for the
     * link; when it comes back the server is given time to answer before anything is put back. */
    APPLY_RECONNECT,
    /* A fresh session of the workload's role and database reads pg_settings until every value is in force,
     * at most verify_ms. Overridden, pending or missing values lead to UNDO. */
    APPLY_VERIFY,
    /* The DBA has been told what to change or to restart (the text is in manual.text and in a file), and a fresh
     * session of the workload's role is asked every few seconds until every value is in force; then the identity
     * is compared once more. A lost link is waited for. When nobody may wait (env.wait is false) one look
     * decides: → ASKED. Declined by the DBA: → FAILED, or the undo waits here in the same way. */
    APPLY_MANUAL,
    /* The result is appended to the journal. */
    APPLY_JOURNAL_RESULT,
    APPLY_DONE,
    /* The entries as they were before this switch are being put back: ALTER, reload or restart, verify. ALTER and
     * reload need no ssh; a restart does, and what cannot be restarted is STUCK with the commands. */
    APPLY_UNDO,
    APPLY_ROLLED_BACK, /* err says what failed; the server is verified to be as before */
    APPLY_STUCK,       /* err says why; stuck_sql is what the DBA must run */
    APPLY_FAILED,      /* nothing was touched; err says why */
    /* the DBA has been told, and that is all: the intent has no result, and the next start looks again */
    APPLY_ASKED
};
const char *apply_state_name(enum apply_state s); /* "read", "alter system", "restart" … */

enum { APPLY_STUCK_SQL_MAX = 16 * 1024, APPLY_OS_MAX = 32 };

/* What the machine needs to know; borrowed, must outlive the switch. */
struct apply_env {
    struct server_facts *facts; /* pinned identity; settings (contexts) */
    struct ledger *ledger;
    const char *journal_path;
    uint64_t *journal_no; /* last number used; raised by the machine */
    const char
        *work_dir; /* for the report file, the copy of auto.conf, the canary's answer; 0700 */
    enum restart_way way;
    const char *restart_command; /* RESTART_WAY_COMMAND: a program's path, without arguments */
    const struct way *how;       /* how the server is configured; NULL = by our ALTER SYSTEM */
    bool restart_by_dba;         /* a restart is waited for, and not made */
    bool wait;                   /* for the DBA; false: ask and end */
    bool asked_before;       /* the same switch was asked for by an earlier run of the program */
    const char *manual_path; /* where the DBA's part is written to */
    /* the workload's database is ours: a changed statistics target is followed by ANALYZE there, also on the way back */
    bool analyze;
    bool canary;                 /* boot a scratch cluster before a restart */
    bool guard_disabled;         /* test builds only: no second look before sending */
    bool preflight_disabled;     /* test builds only */
    const char *restart_refused; /* why no restart may be made at this moment; NULL = it may */
    int verify_ms;
    int link_ms; /* how long a lost link may take to come back; 0 = 60 s */
    int host_ms; /* … that to the server's host by ssh; 0 = 10 min */
    const struct effect
        *connect; /* template of FX_PG_CONNECT for the fresh session on CONN_BENCH */
};

struct apply {
    enum apply_state state;
    uint32_t generation, waiting;
    struct apply_env env;
    struct arm goal;
    int n;
    struct entry before[LEDGER_MAX]; /* the entries to change, as they stand */
    struct entry to[LEDGER_MAX];
    int at; /* statement under way */
    bool undoing;
    bool restart;   /* a changed entry is restart-class */
    bool unlisted;  /* a new value is of a setting off the allowlist: the canary looks at it, too */
    bool restarted; /* the server was restarted by this switch */
    int restarts;   /* launched by this switch */
    int starts;     /* tries to start the script of the newest of them */
    bool link_up;   /* of CONN_CONTROL */
    bool
        spoke; /* the newest word about that link came from the server: it let us in, or said why not */
    bool
        was_lost; /* it has been gone since the identity was asked for: who answers there now is not known */
    bool cut_off; /* the server takes sessions, and the way to it from here is cut */
    uint64_t intent_no;
    int step; /* within a state */
    int64_t started_at_us, deadline_us;
    int64_t
        verify_until_us; /* a fresh session that cannot work is followed by another one until then */
    char note[256];      /* what is going on, for the screen: "server is recovering (12 s)" */
    char log_line[512];  /* the server's log line that explains a failed start */
    struct err err;
    char stuck_sql[APPLY_STUCK_SQL_MAX];
    struct buf report;
    /* The link to the server's host by ssh, as far as it was missed. */
    struct {
        int64_t lost_us; /* since when it has been missed; 0 = it is not */
        bool waits;      /* a timer runs; then what was lost is done again */
        bool unsure;     /* it was lost while the restart script was started: it may run or not */
        bool given_up;   /* the DBA waits no longer */
    } host;
    /* The operating system's part (apply_os.c), beside the entries of postgresql.auto.conf. */
    struct {
        int n;
        struct entry before[APPLY_OS_MAX], to[APPLY_OS_MAX];
        int step;
        bool sent;     /* they may be in force */
        bool tried;    /* the undo has been */
        bool last;     /* … and is made for the last time: the server has been seen to */
        bool undone;   /* before stands there again, by the script's word */
        bool unsound;  /* it does not: STUCK */
        bool verified; /* read back since they were sent, or put back */
        bool away;     /* all go back, and their host is out of reach: SQL first, then STUCK */
    } os;
    /* what the files of the machine share (apply_parts.h) */
    enum apply_state phase; /* what is being done; `state` stays UNDO through all of an undo */
    enum apply_state final; /* where the result's journal entry and the clean-up lead */
    uint32_t last_id, timer, child; /* numbers of the running timer and of the running program */
    int sent;                       /* statements that have reached the server, or may have */
    int undone;                     /* statements of the undo that were sent */
    int tries;                      /* undos begun anew after the link was lost */
    int reports;        /* empty-handed looks at the report after the script has ended */
    bool cleaning;      /* the script's files are being removed; then `final` */
    bool saved;         /* a copy of postgresql.auto.conf lies in the data directory */
    bool restored;      /* the script has put that copy back by itself */
    bool rescuing_undo; /* the rescue is for an undo that nobody could connect for */
    bool rerun;         /* the copy was put back because nobody could connect any more */
    bool no_bench;      /* no session of the workload's role can be had: verified on CONN_CONTROL */
    int64_t wall_us;    /* of the last event */
    int64_t restart_at_us; /* when the restart began */
    double restart_s;      /* how long the server was away, seconds; 0 = it was not */
    int64_t postmaster_us; /* start of the postmaster when the switch began */
    struct identity now;   /* as read last */
    int64_t now_us;        /* of the last event */
    bool journalled;       /* the intent is on the disk */
    struct err fault;      /* what went wrong last; err keeps the first */
    char others[256]; /* what others have changed and this switch makes effective; the last note */
    struct entry undo_to[LEDGER_MAX]; /* entries that the undo has to put back */
    int undo_n;
    struct {
        struct buf text;          /* what the DBA has to do */
        int looks;                /* answers of fresh sessions */
        int vain;                 /* sessions that could not be had since it was declined */
        bool declined;            /* the next look decides what that means */
        bool exported;            /* the text is in env.manual_path */
        int seen[LEDGER_MAX];     /* enum manual_seen, beside to, or before in an undo */
        char now[LEDGER_MAX][48]; /* as SHOW printed it */
        char trouble[240];        /* why the last look brought nothing; "" */
        int64_t since_us;         /* when it was asked for */
    } manual;
};

/* Makes `goal` the configuration in force. */
void apply_start(struct apply *a, const struct apply_env *env, const struct arm *goal,
                 int64_t at_us, struct effects *fx);
/* Events of OWNER_APPLY, and every EV_PG_UP / EV_PG_DOWN of CONN_CONTROL whoever asked for it. */
void apply_step(struct apply *a, const struct event *ev, struct effects *fx);
/* For a local server that is down at resume: waits for a restart script that still runs, else puts the copy of
 * postgresql.auto.conf back and starts the server. Answered by EV_CHILD_EXIT to req; text: "state=up|restored|down",
 * "note=…" and "log=…" lines. Without a copy, or with a server that is up, nothing is changed. */
void apply_recover(const struct identity *id, struct req req, struct effects *fx);
bool apply_finished(const struct apply *a);
/* Something waits for the ssh link to the server's host. */
bool apply_waits_for_host(const struct apply *a);
/* The DBA does not want to wait for it: what needs it counts as failed, and what was sent is undone as far as SQL can. */
void apply_give_up_host(struct apply *a, struct effects *fx);
/* stuck_sql becomes sql; what is too long ends after a whole line, with a comment that names where the rest stands. */
void apply_stuck_say(struct apply *a, const char *sql);
void apply_clear(struct apply *a);
