/* talk.h - the conversation with the advisor as data: what the DBA asks, what is looked up for it, how it is shown.
 *
 * app/talk.c alone changes it; the answer that is coming stands in asks[ASK_CHAT]. */
#pragma once

#include "pgd/agent/ops.h"
#include "pgd/base/buf.h"
#include "pgd/telemetry/anomaly.h"

enum { TALK_QUEUE_MAX = 5, TALK_FACT_ROUNDS = 3, TALK_WHERE_MAX = 96, TALK_SCREEN_MAX = 6000 };

enum talk_state {
    /* Nothing is asked. A line → ASKED; one that waits in the queue follows by itself. */
    TALK_IDLE,
    /* asks[ASK_CHAT] has the question. Its answer names facts that it wants first, at most TALK_FACT_ROUNDS times → GATHER;
     * any other answer is said → IDLE. Esc keeps what came, marked as interrupted → IDLE */
    TALK_ASKED,
    /* The facts are looked up, one after the other (app/facts.c). All there, or their time is over → ASKED with them.
     * Esc → IDLE */
    TALK_GATHER,
    /* OP_COMPARE: the files of the sessions that it names are read (app/talk_compare.c). All there → ASKED with them.
     * Esc → IDLE */
    TALK_READ
};

/* Something to be put to the advisor: a question, or another operation that answers in prose. */
struct talk_line {
    enum op op;
    char text[ASKED_TEXT_MAX];  /* the question; a setting's name; two sessions' names */
    char where[TALK_WHERE_MAX]; /* what was on the screen: "review of round 2" */
    char *on_screen;            /* … and its text; owned, NULL = the panes */
    bool aside;                 /* asked from a dialog: the answer is shown under it, too */
    struct anomaly about;       /* OP_ANOMALY */
    int ntold;                  /* OP_COMPARE: … from their files; owned */
    struct session_told *told;
};

struct talk {
    enum talk_state state;
    struct talk_line now;
    int nqueue; /* oldest first */
    struct talk_line queue[TALK_QUEUE_MAX];
    int nfacts, facts_rounds; /* of the question under way */
    struct asked_fact facts[FACTS_MAX];
    /* facts.c */
    uint32_t generation, waiting; /* id of the answer that is awaited; 0 = none */
    int at, n, step;              /* which of the names; of how many; place within a look-up */
    char wants[3][FACT_NAME_MAX];
    int64_t until_us;     /* no look-up goes on beyond this */
    struct buf statement; /* "plan ID": the text to be explained */
    /* the panel under a dialog */
    bool panel;
    int panel_scroll;  /* lines up from the end */
    struct buf answer; /* the newest, as it is shown */
    /* the transcript */
    char path[1100]; /* of the file that is written to; "" = none yet */
    bool loaded;     /* … and what it held before is on the screen */
    /* /find */
    char find[120];
    int found; /* index in chat of the hit on the screen; -1 = none */
    int lines; /* of the AI pane when it was looked at last: a reader who has scrolled up stays */
    int64_t seen_us; /* … when that was */
    uint64_t seen;   /* … and how many lines had been said by then, ever */
    uint64_t at_end; /* lines said, ever, when the pane stood at its end the last time */
    int fresh;       /* said since; 0 where it stands at its end */
    /* An answer was put at its begin by the program and not by the reader: until then it stays. 0 = the pane follows its end, or
     * stands where the reader has put it. */
    int64_t placed_until_us;
    struct buf preview; /* what the next request holds, for the dialog that shows it */
};

/* Frees what it owns; everything is empty then. */
void talk_clear(struct talk *t);
void talk_line_clear(struct talk_line *l);
void talk_facts_clear(struct talk *t);

enum { ANOMALIES_MAX = 16 };

/* Deviations that were seen, the newest last. */
struct anomalies {
    struct anomaly_watch watch;
    int n;
    struct anomaly items[ANOMALIES_MAX];
    bool busy; /* something of ours was under way when it was looked at last */
};
