/* guard.h - from a proposal to review lines: what is refused and why, and for the rest what it
 * reaches, costs and risks, with the exact SQL and its undo. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/err.h"
#include "pgd/discovery/facts.h"
#include "pgd/protocol/records.h"
#include "pgd/telemetry/window.h"
#include "pgd/tuning/knobs.h"

enum answer { ANSWER_NONE, ANSWER_ACCEPT, ANSWER_REJECT };

enum takes_effect {
    TAKES_NOW,
    TAKES_NEW_SESSION,
    TAKES_REPLAN,
    TAKES_ANALYZE,
    TAKES_CHECKPOINT,
    TAKES_RESTART,
    TAKES_NEVER
};
const char *takes_effect_name(enum takes_effect t);

struct review_line {
    struct setting_change change;
    enum refusal refusal;
    char reason[240];             /* of the refusal */
    char from[SETTING_VALUE_MAX]; /* as SHOW prints it now */
    char to[SETTING_VALUE_MAX];   /* normalised as SHOW would print it */
    char send[SETTING_VALUE_MAX]; /* what is sent: normalised, ASCII */
    bool restart;
    enum takes_effect takes;
    char reach[240];
    char price[320];
    char sql[400];
    char undo[400];
    enum answer answer;
    bool edited; /* the DBA changed the value */
    bool
        by_bill; /* refused because of what the other lines take: guard_bill() may take that back */
};

struct memory_bill {
    double ram; /* bytes the server may use: the lower of RAM and cgroup limit */
    double now_worst, now_measured; /* with today's settings */
    double new_worst, new_measured; /* with the accepted lines */
    double
        most; /* … measured, if every line without an answer that costs memory were accepted, too */
    double
        all; /* … measured, with every line accepted, those that lower it, too: accepting in whatever order does not change it */
    double peak; /* sessions at work that the measured figures count with */
    bool known;
};

struct guard_policy {
    bool restart_possible; /* a way to restart is known and allowed */
    const char
        *restart_refused;  /* why there is none at this moment; NULL = none is allowed at all */
    bool allow_durability; /* the DBA asked for durability trades */
    bool by_dba;           /* the value was typed by the DBA: DBA-only knobs pass */
    double peak_active;    /* measured concurrency; NAN = unknown: clients */
    double clients;
    const char *database; /* of the workload; NULL = that of the control connection */
    double temp_bytes_per_s;
    double sessions;        /* of others, connected now; 0 or NAN = as discovery saw it */
    double wal_bytes_per_s; /* of the workload, measured; 0 or NAN = unknown */
    double blackout_s;      /* of a restart; 0 or NAN = unknown */
    bool blackout_measured;
    int nnever; /* settings that the DBA's PGDIAG.md forbids to everybody, see guard_never() */
    const char (*never)[SETTING_NAME_MAX];
    const char
        *os_refused; /* why no setting of the operating system may be changed; NULL = they may */
    bool disabled;   /* test builds only: everything passes */
};

struct review {
    char proposal_id[64]; /* approval is bound to it: session, round, server */
    int round;
    struct proposal proposal; /* summary and advisor; the changes are in lines */
    int n;
    struct review_line lines[CHANGES_MAX];
    struct memory_bill bill;
    char others[400]; /* what our reload or restart would also make effective; "" = nothing */
    int cursor;       /* of the screen */
    bool done;        /* every line has an answer and the DBA said go */
};

/* Checks each change of p against facts and policy, and bills those of each alternative together. Every line is unanswered
 * afterwards. proposal_id and round of r are left as they are. The lines stand grouped by the alternatives that they belong
 * to, those of all of them first, durability trades last. */
void guard_review(const struct proposal *p, const struct server_facts *f,
                  const struct guard_policy *g, struct review *r);
/* Checks one line by itself: all but its change, `edited` and position is filled anew, and its answer taken back.
 * After an edit guard_bill() follows. */
void guard_line(struct review_line *line, const struct server_facts *f,
                const struct guard_policy *g);
/* The part of guard_line() for settings of the operating system (tuning/os.h). */
void os_guard_line(struct review_line *line, const struct server_facts *f,
                   const struct guard_policy *g);
/* … of guard_bill(): lines that would leave the machine's programs too little memory beside the accepted ones, or those
 * before them, are refused by_bill and marked in misfit, one of each line. */
void os_guard_bill(struct review *r, const struct server_facts *f, bool *misfit);
/* … of guard_joins(): may the accepted lines of these alternatives be in force at once? */
bool os_guard_joins(const struct review *r, unsigned sets, const struct server_facts *f);
/* May the line still be applied: accepted, or not answered yet (among them what only the bill refused)? */
bool review_billable(const struct review_line *line, bool accepted);
/* A setting of the operating system: its reach is the whole machine, so that each line wants an answer of its own. */
bool review_is_os(const struct review_line *line);
/* A line that the guard refuses, and the sentence that says why. Returns false: the line has failed its check. */
bool review_refuse(struct review_line *line, enum refusal why, const char *fmt, ...)
    PGD_PRINTF(3, 4);
/* Accepts those that passed and are unanswered (and restart-class when restarts is true). */
void review_accept_os(struct review *r, bool restarts);
/* The figures of the bill with the accepted lines, to be called after every answer and edit. A line that does not fit
 * beside the accepted ones and those still unanswered of an alternative is refused with its answer taken back; when others
 * were rejected and it fits after all, it becomes unanswered again. Of several alternatives the dearest is shown. */
void guard_bill(struct review *r, const struct server_facts *f, const struct guard_policy *g);
/* Which alternatives fit into memory together: bit m of the answer is set when the accepted lines of all alternatives in
 * the set m (bit i of m = the i-th) may be in force at once. */
uint64_t guard_joins(const struct review *r, const struct server_facts *f,
                     const struct guard_policy *g);
/* The alternatives that line i belongs to, as bits; all of them when it names none. A proposal without alternatives has
 * one. */
unsigned review_sets(const struct review *r, int i);
int review_nsets(const struct review *r); /* alternatives, 1 at least */
/* The alternative has lines of its own and the DBA has accepted none of them. */
bool review_set_rejected(const struct review *r, int set);
/* The statement that takes a role's or database's own value away, for the DBA: it is not sent. */
void override_reset_sql(const struct override *o, struct buf *out);
/* Is the setting in a list of names that must not be touched? "autovacuum*" stands for all that begin so. */
bool guard_never(const char (*never)[SETTING_NAME_MAX], int n, const char *name);
/* The second, independent check, right before sending: name and value against both lists, character
 * set, length. value NULL is a RESET. False and *e when it must not be sent. It is for what we introduce and for taking
 * that back by RESET; an entry that stood in the file before us goes back as it was. */
PGD_MUST_CHECK bool guard_send(const char *name, const char *value, struct err *e);
/* Parses "64MB", "1.5GB", "200", "on", "10min" for a setting: value in the unit of settings_number(), and the
 * normalised text as SHOW would print it. False and *e (type, unit, range, enum) when it does not fit. */
PGD_MUST_CHECK bool guard_value(const struct setting *s, const char *text, double *number,
                                char *shown, size_t shown_size, struct err *e);
/* Accepts every unanswered line that passed and is reload-class (and restart-class when restarts is true), but no
 * durability trade and no setting of the operating system: those want an answer of their own. guard_bill() follows. */
void review_accept_safe(struct review *r, bool restarts);
/* A durability trade: shown apart, behind the others, with its price. */
bool review_is_trade(const struct review_line *line);
int review_accepted(const struct review *r);
bool review_complete(const struct review *r); /* every line that was not refused has an answer */
bool review_restarts(const struct review *r); /* an accepted line needs a restart */
