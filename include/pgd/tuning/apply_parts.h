/* apply_parts.h - what the files of the apply machine, and the hand-over that uses it, share with each other; nobody else
 * includes it. */
#pragma once

#include "pgd/tuning/apply.h"

enum {
    APPLY_SQL_MS = 15 * 1000,
    APPLY_CHECKPOINT_MS = 10 * 60 * 1000,
    APPLY_POLL_MS = 200, /* between two looks at the report of the restart */
    APPLY_VERIFY_POLL_MS = 100,
    APPLY_MANUAL_POLL_MS = 3000, /* between two looks at what the DBA has done */
    APPLY_CANARY_MS = 90 * 1000,
    APPLY_COMMAND_MS = 120 * 1000,
    APPLY_POLL_SSH_MS = 500,         /* … over ssh */
    APPLY_HOST_POLL_MS = 1000,       /* between two tries of what the ssh link has lost */
    APPLY_HOST_MS = 10 * 60 * 1000,  /* that link has this long to come back */
    APPLY_START_MS = 60 * 60 * 1000, /* a script that reports may take so long */
    APPLY_LINK_MS = 60 * 1000,       /* the link has this long to come back */
    APPLY_READY_MS = 20 * 1000,      /* … to a server of this machine that says it is ready */
    APPLY_TRIES_MAX = 4
};

/* apply.c: the machine */
struct req apply_req(struct apply *a); /* a new number; nobody waits for it yet */
void apply_enter(struct apply *a, enum apply_state phase);
void apply_sql(struct apply *a, const char *sql, int ms,
               struct effects *fx); /* CONN_CONTROL; waits */
void apply_timer(struct apply *a, int ms, struct effects *fx);
void apply_timer_stop(struct apply *a, struct effects *fx);
void apply_note(struct apply *a, const char *fmt, ...) PGD_PRINTF(2, 3);
/* Something failed: a->err says what. Nothing sent → FAILED; something sent → undo; in an undo → STUCK. */
void apply_fail(struct apply *a, struct effects *fx);
/* The control link is gone: the same, but the undo waits for the link first. */
void apply_lost(struct apply *a, struct effects *fx);
void apply_undo_begin(struct apply *a, struct effects *fx);
/* The answer of a statement, with that column if one is given: false when it failed, and the rule above was followed. */
bool apply_answered(struct apply *a, const struct event *ev, const char *column,
                    struct effects *fx);
void apply_stuck(struct apply *a, struct effects *fx);
void apply_verified(struct apply *a, struct effects *fx);
/* The entries that have to be in force: `to`, or `before` in an undo. */
const struct entry *apply_wanted(const struct apply *a, int *n);
/* Asks who the server is; apply_identity() takes the answers: 1 = the same, 0 = wait for more, -1 = *e. */
void apply_identity_ask(struct apply *a, struct effects *fx);
int apply_identity(struct apply *a, const struct event *ev, struct err *e, struct effects *fx);

const char *apply_asset(const char *name); /* its text; it must be there */
void apply_journal_begin(struct apply *a, struct effects *fx);

/* apply_journal.c: append a line and wait for the disk */
void apply_journal_intent(struct apply *a, struct effects *fx);
void apply_journal_result(struct apply *a, struct effects *fx); /* by a->final and a->err */

/* apply_host.c: the ssh link to the server's host */
/* Was this program lost with the link, so that it may have run or not? */
bool apply_host_lost(const struct apply *a, const struct event *ev);
/* The end of a program there. True: it was lost, and a timer runs; at its event apply_host_again() is true, and the program
 * is to be run again. False: it has ended, or nobody waits for the link any more. */
bool apply_host_wait(struct apply *a, const struct event *ev, struct effects *fx);
bool apply_host_again(struct apply *a);
/* What the DBA runs there in the place of what ssh could not do, as comments for stuck_sql. */
void apply_host_by_hand(const struct apply *a, struct buf *out);

/* apply_os.c: the operating system's settings */
bool apply_os_any(const struct apply *a); /* the goal names some, or some of ours are in force */
bool apply_os_restarts(
    const struct apply *a); /* one that changes reaches the server at a restart */
/* True: nothing is to be asked (os.away). False: it is under way, or a failure has been dealt with. */
bool apply_os_read(struct apply *a, struct effects *fx);
/* Its events; true: what differs from the goal is in a->os. A failure has been dealt with. */
bool apply_os_read_event(struct apply *a, const struct event *ev, struct effects *fx);
bool apply_os_may_send(const struct apply *a, struct err *e); /* the second look */
void apply_os_set(struct apply *a, struct effects *fx);
void apply_os_done(struct apply *a, struct effects *fx); /* apply.c: they are set */
/* False: nothing has to be put back, or read back, any more; true: it is under way. */
bool apply_os_undo(struct apply *a, struct effects *fx);
bool apply_os_verify(struct apply *a, struct effects *fx);
void apply_os_event(struct apply *a, const struct event *ev, struct effects *fx);
void apply_os_by_hand(const struct apply *a, struct buf *out); /* what the DBA has to run there */

/* preflight.c */
void apply_preflight_begin(struct apply *a, struct effects *fx);
void apply_preflight_event(struct apply *a, const struct event *ev, struct effects *fx);

/* apply_sql.c: statements and the reading of their results */
extern const char apply_sql_config[]; /* pg_file_settings joined to pg_settings */
extern const char apply_sql_hba[];
void apply_sql_preflight(int version, struct buf *out);
void apply_sql_verify(const struct entry *items, int n, struct buf *out);
/* The entry of postgresql.auto.conf, the last one of that name. */
void apply_read_entry(const struct rows *r, const char *name, struct entry *out);
bool apply_read_setting(const struct rows *r, const char *name, struct setting *out);
/* A line that the server cannot use and that is not ours: false and *e. ours tells whether a name is. */
bool apply_read_errors(const struct rows *r, const struct apply *a, struct err *e);
/* Changes of others that a reload, or with restart a restart, makes effective, as a sentence; "" if none. */
void apply_read_others(const struct rows *r, const struct apply *a, char *dst, size_t size);
/* Does the server run with this entry? From the joined rows, so that an absent entry can be judged, too. */
bool apply_in_force(const struct rows *r, const struct setting *s, const struct entry *e);
/* Is text, as given to ALTER SYSTEM, what s has now? */
bool apply_value_same(const struct setting *s, const char *text);
bool apply_is_ours(const struct apply *a, const char *name);
/* The plan of the switch: before, to, n, restart. False and *e when it must not be. */
bool apply_plan(struct apply *a, const struct rows *r, struct err *e);
/* What the undo has to put back: undo_to, undo_n, restart. */
void apply_plan_undo(struct apply *a, const struct rows *r);
bool apply_read_preflight(const struct apply *a, const struct rows *r, struct err *e);

/* verify.c */
void apply_verify_begin(struct apply *a, struct effects *fx);
void apply_verify_event(struct apply *a, const struct event *ev, struct effects *fx);
void apply_verify_close(struct apply *a, struct effects *fx);

/* activate.c */
struct effect *apply_script(const struct identity *id, const char *mode, const char *token,
                            unsigned flags, struct req req, struct effects *fx);
void apply_reload_begin(struct apply *a, struct effects *fx);
void apply_reload_event(struct apply *a, const struct event *ev, struct effects *fx);
void apply_restart_begin(struct apply *a, struct effects *fx);
void apply_restart_event(struct apply *a, const struct event *ev, struct effects *fx);
void apply_reconnect_begin(struct apply *a, struct effects *fx);
void apply_reconnect_event(struct apply *a, const struct event *ev, struct effects *fx);
bool apply_script_possible(const struct apply *a);
/* Nobody can connect: the copy of postgresql.auto.conf is put back from outside, once a switch. False: it cannot be. */
bool apply_rescue(struct apply *a, struct effects *fx);
int apply_link_ms(const struct apply *a); /* how long the link may take to come back */
/* No connection now, and not because of what we did: all of them are taken, or the server is on its way up or down. */
bool apply_full(const struct err *e);
/* Is it the server's own word that kept us out? A refused or silent connection says nothing about a server elsewhere. */
bool apply_server_spoke(const struct err *e);
/* The value of NAME= in the script's lines, cleaned. */
void apply_report_field(const char *text, const char *name, char *dst, size_t size);

/* manual.c */
bool apply_is_manual(const struct apply *a); /* every change is the DBA's */
/* The plan of a switch in a manual way, from apply_sql_settings: before and to are what runs, not entries of a file. */
extern const char apply_sql_settings[];
bool apply_manual_plan(struct apply *a, const struct rows *r, struct err *e);
/* What the DBA has to do for these entries. */
void apply_manual_text(const struct apply *a, const struct entry *to, int n, struct buf *out);
void apply_manual_begin(struct apply *a, struct effects *fx);
void apply_manual_event(struct apply *a, const struct event *ev, struct effects *fx);
void apply_manual_link(struct apply *a, struct effects *fx);
/* Takes up what an earlier run has asked for: before is what stood there then. */
void apply_manual_again(struct apply *a);
void apply_result_failed(struct apply *a,
                         struct effects *fx); /* apply.c: journals "undone", ends as FAILED */
