/* tree.h - the session tree as data: which sessions are open, what of them is shown, where the cursor is.
 *
 * A node is a session and one of its parts; a row is a place on the screen. The list may have ten thousand sessions, so that
 * neither is ever a list of all of them: places are counted from the few sessions that are open. */
#pragma once

#include "pgd/agent/advisor.h"
#include "pgd/tuning/ledger.h"

struct model;
struct session;

/* Parts of a session beside its states (NODE_START, round numbers, NODE_FINAL). */
enum { TREE_SESSION = -1, TREE_NOTE = -2, TREE_UNDERWAY = -3 };
/* In place of a row of the workspace's list. */
enum { TREE_WORKSPACE = -1, TREE_LIVE = -2 /* the session at hand, while it is not in the list */ };
enum {
    TREE_OPEN_MAX = 12,
    TREE_ROUNDS_MAX = HISTORY_MAX,
    TREE_FILTER_MAX = 48,
    TREE_LATER_MAX = 500
};

struct tree_round {
    int number;
    bool kept, failed;
    bool onto; /* its figure is over the best before it, and not over the start */
    enum verdict_kind kind;
    double ratio, lo, hi;
    char what[96]; /* its first changes */
};

/* What is shown of a session that is open. */
struct tree_record {
    char session[128];
    int row;       /* in the workspace's list, when it was looked for last */
    bool reading;  /* session.json is on its way */
    char why[160]; /* it cannot be read; "" = it was, or will be */
    bool ended, failed;
    double baseline_tps, floor; /* NAN = not measured */
    enum verdict_kind final;
    double ratio, lo, hi; /* of the confirmation */
    int nfinal;           /* settings that it left */
    int n;
    struct tree_round rounds[TREE_ROUNDS_MAX];
    int underway; /* the number of a round that runs now; 0 = none does */
    char underway_state[24];
};

/* What the DBA wants of a node, while files are read for it (app/tree_acts.c). */
enum tree_act {
    TREE_NOTHING,
    TREE_SHOW,    /* `session` is read, and what it was in its state `node` is shown */
    TREE_COMPARE, /* `session` and `other` are read, then shown beside each other */
    TREE_BRANCH,  /* `session` is read; a new session begins with its state `node` */
    TREE_REVERT, /* `session` and those that ended after it are read; the server is to go back to `node` */
    TREE_RENAME, /* the title of `session` is typed, then written to its session.json */
    TREE_CLOSE,  /* `session` is paused: it goes on without a further round, and ends */
    TREE_DELETE /* `session` is read for what it holds in force; its name is typed; its folder goes */
};
struct tree_task {
    enum tree_act act;
    char session[128], other[128];
    int node;
    int later; /* revert: rows of the list that are still to be read, from the newest on */
    struct session *a, *b; /* owned; what was read */
    struct entry *goals;   /* revert: what has to stand in postgresql.auto.conf; owned */
    int ngoals;
    bool reading;       /* a file is on its way */
    char in_force[400]; /* delete: settings of it that the server runs with; "" = none */
};

struct tree {
    int nopen;
    struct tree_record *open; /* owned; TREE_OPEN_MAX */
    bool live_closed;         /* the DBA has closed the session at hand */
    char at[128];             /* session under the cursor; "" = the workspace */
    int part;
    int at_row,
        live_row;   /* … and the session at hand, in the list, when they were looked for last */
    bool filtering; /* the filter is being typed */
    char filter[TREE_FILTER_MAX];
    int *shown; /* rows of the list that it lets pass; owned */
    int nshown;
    unsigned version;  /* of the list, when it was looked at last */
    char marked[128];  /* for a comparison; "" = none */
    char closing[128]; /* a paused session that is to be closed once it goes on; "" = none */
    uint32_t no;       /* of the newest request; older answers are dropped */
    struct tree_task task;
};

struct tree_node {
    int session; /* row of the list, TREE_WORKSPACE or TREE_LIVE */
    int part;
};

/* What the tree shows of a session. */
void tree_record_of(const struct session *s, struct tree_record *r);
/* Its parts from above; at most TREE_ROUNDS_MAX + 3. Returns how many. */
int tree_parts(const struct tree_record *r, int *parts);

/* How many rows the tree has now. */
int tree_rows(const struct model *m);
struct tree_node tree_node_at(const struct model *m, int row);
/* The row of a node; that of its session when the part is not shown; -1 = not in the list. */
int tree_row_of(const struct model *m, const char *session, int part);
/* The record of an open session, filled into `live` for the one at hand; NULL = it is closed. */
const struct tree_record *tree_open_of(const struct model *m, int session,
                                       struct tree_record *live);
const char *tree_name(const struct model *m, int session); /* "" = the workspace */
bool tree_is_live(const struct model *m, int session);
/* After each event: the filter sees new rows, and the cursor stays on its node. */
void tree_sync(struct model *m);
/* Puts the cursor on a row, wherever the rows end. */
void tree_move_to(struct model *m, int row);
/* Opens a session; false = too many are open and all are newer. The caller has it read (reading is set), but for the one at
 * hand. */
bool tree_open(struct model *m, int session);
void tree_close(struct model *m, int session);
void tree_set_filter(struct model *m, const char *text);
/* The entries that a session had in force in one of its states, beside those of its start. */
void tree_state(const struct session *s, int node, struct arm *out);
/* What stood in postgresql.auto.conf in that state, for every setting that the session has touched; those that are in the
 * list already stay as they are there, others are appended. Returns the new number, at most `max`. */
int tree_goals(const struct session *s, int node, struct entry *goals, int n, int max);
/* "baseline", "after round 2", "final". */
void tree_node_words(int node, char *dst, size_t size);
/* Pages for a reader ("# " begins a heading), appended: one state of a session; two sessions beside each other. */
void tree_state_page(const struct session *s, int node, struct buf *out);
void tree_compare_page(const struct session *a, const struct session *b, struct buf *out);
void tree_task_clear(struct tree_task *t);
void tree_clear(struct tree *t);
