/* screen.h - what the screen shows and takes as data: dialog, prompt, page, live view, and what was kept of them. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/base/key.h"
#include "pgd/protocol/records.h"
#include "pgd/telemetry/tableview.h"
#include "pgd/workspace/choices.h"
#include "pgd/workspace/panes.h"

/* A layer over the panes that asks something. One at a time; Esc closes or answers "later". */
enum dialog_kind {
    DIALOG_NONE,
    DIALOG_HELP,     /* generated from the key and command tables */
    DIALOG_STRATEGY, /* menu of offers; Enter picks */
    DIALOG_PLAN,     /* the SDL record with consent; fields can be edited */
    DIALOG_TARGET,
    DIALOG_REVIEW,
    DIALOG_VERDICT,
    DIALOG_SUMMARY,
    DIALOG_RECOVER, /* resume or undo */
    DIALOG_PASSWORD,
    DIALOG_STATUS,
    DIALOG_STUCK,
    DIALOG_ERROR,    /* err + diagnosis */
    DIALOG_QUIT,     /* a run is under way: pause and quit? */
    DIALOG_START,    /* recent workspaces */
    DIALOG_SCRIPTS,  /* a script's text, editable */
    DIALOG_MANUAL,   /* a change or a restart that the DBA makes */
    DIALOG_NOTICE,   /* before the first request: what leaves this machine; y agrees */
    DIALOG_MODEL,    /* pick or type a model */
    DIALOG_HEALTH,   /* findings of the health check (m->health) */
    DIALOG_ADVICE,   /* what settings cannot mend (m->advised), each to be accepted or rejected */
    DIALOG_COST,     /* calls, tokens, money */
    DIALOG_PREVIEW,  /* the next request, byte by byte (talk.preview) */
    DIALOG_HOST_KEY, /* an unknown host shows its key; cursor = enum ssh_conn, as in the next two */
    DIALOG_HOST_WORD, /* passphrase, password, or what a host asks */
    DIALOG_HOSTS,     /* how the links by ssh stand, and why not */
    DIALOG_TRUST,     /* PGDIAG.md was found, or has changed: is it to be told? */
    DIALOG_SESSIONS,  /* the workspace's sessions, one to be picked */
    DIALOG_RENAME,    /* the title of tree.task.session is typed */
    DIALOG_DELETE,    /* … its name, before its folder is removed */
    DIALOG_PAGE,      /* m->page: a text that was asked for */
    DIALOG_PAUSE,     /* with what is the server left while the session is paused? */
    DIALOG_SWITCH,    /* another session is wanted while one runs: pause it first? */
    DIALOG_COMMANDS,  /* Ctrl-P: commands and actions by their letters, the latest first */
    DIALOG_THEME,     /* each theme is shown as the cursor comes to it; title: the one before */
    DIALOG_VIEWS,     /* the live views, one to be picked */
    DIALOG_AGAIN,     /* a session is asked for, and one is paused: go on with that one? */
    DIALOG_SIGNAL     /* live.end: its pid is to be typed */
};

struct dialog {
    enum dialog_kind kind;
    int cursor, scroll;
    char title[120];
    bool editing;     /* a field of PLAN, TARGET, REVIEW, SCRIPTS */
    char input[8192]; /* text being edited (never a password: that is `secret_len` stars) */
    int input_len, input_at;
    int secret_len;
    secret_id secret; /* the password being typed */
    char error[240];  /* of a value that was typed */
    struct err err;
    struct diagnosis diagnosis;
    enum dialog_kind under; /* shown again when this one closes */
    int64_t deaf_until_us;  /* it came up under keys for something else: they are not its own */
    bool
        waits; /* it came while keys went to something else: not shown, and no key is its own, until it may (app/dialogs_come) */
};

enum { HISTORY_LINES = 1000, PROMPT_MAX = 4096 };
struct prompt {
    bool focus;
    char text[PROMPT_MAX];
    int len, at;    /* bytes */
    int history_at; /* -1 = the line being typed */
    int nhistory;
    char *history[HISTORY_LINES]; /* owned; newest last */
    char draft[PROMPT_MAX];       /* what was typed before Up went into the history */
    char completion[8][64];
    int ncompletion;
    int completion_at;       /* the one that Tab took last; -1 = none */
    char killed[PROMPT_MAX]; /* what Ctrl-K, U, W, Alt-D took last: Ctrl-Y brings it back */
    bool searching; /* Ctrl-R: `sought` is looked for in the history, draft is what stood here */
    char sought[128];
};

/* The text of the prompt in an editor of the DBA's (Ctrl-G). The terminal is lent to it; all else goes on. */
enum outside_step {
    OUTSIDE_NOT,
    OUTSIDE_FOLDER, /* a folder of mode 0700 in the program's home is being made */
    OUTSIDE_SAVE,   /* the text is being written there */
    OUTSIDE_EDITS,  /* the editor runs */
    OUTSIDE_READ /* what it left is being read; taken whole, folder and file go, else they stay */
};
struct outside {
    enum outside_step step;
    uint32_t generation;
    char dir[800];
    char failed[200]; /* how the editor ended, where that is not well: the text is not taken */
};

/* A text for the DIALOG_PAGE. A line that begins with "# " is a heading, and one with "$ " what y copies; without any of these
 * it copies all of the text. */
struct page {
    char title[160];
    struct buf text; /* owned */
};

/* The statements that were sent, without the ticks of the telemetry; the newest last. */
enum { SQL_LOG_MAX = 200, SQL_TEXT_MAX = 4000 };
struct sql_log {
    int n;
    struct sql_sent {
        int64_t wall_us;
        enum pg_conn conn;
        char *text; /* owned; cut at SQL_TEXT_MAX bytes, secrets taken out */
    } rows[SQL_LOG_MAX];
};

/* What the DBA wants of the sessions of the workspace (app/sessions.c). */
struct sessions_view {
    uint32_t reading; /* number of the session.json that is awaited; 0 = none */
    uint32_t no;      /* of the newest that was asked for */
    char record[128]; /* the session that is read */
    char next[128];   /* to be resumed once the one that runs is paused; "" = none */
    char at[128];     /* under the cursor of /sessions, whose rows may move; "" = none */
    unsigned version; /* of the list, when the cursor was put there */
};

/* The live view that has the whole body (app/views.c). */
enum live_step {
    LIVE_REST,   /* nothing is awaited */
    LIVE_LIMITS, /* the session gets its time limits. → SCHEMA or ROWS */
    LIVE_SCHEMA, /* where the extension is that the view reads. None → REST with err */
    LIVE_ROWS    /* the sample. Late → REST, counted as missed; refused → REST with err */
};
/* A session that is to be ended, or its statement cancelled: as it was when the key was pressed (app/views_end.c). */
struct session_end {
    bool terminate;
    int pid;
    char key[TABLEVIEW_KEY];     /* of its row */
    char started[64], since[64]; /* backend_start and query_start, as the server prints them */
    char user[64], database[64], application[64], state[32], query[400];
    bool listed;      /* it stood in a view that has all sessions */
    uint32_t waiting; /* of the answer; 0 = none is awaited */
    uint32_t looking; /* of the statement that looks for it; 0 = none is awaited */
    int64_t sent_us;  /* it was told, and is looked for; 0 = it is not */
};
struct live {
    const struct tableview *at; /* NULL = the panes are shown */
    struct tableview_state of[TABLEVIEW_MAX];
    struct tableview_state kept[TABLEVIEW_MAX]; /* as HOME/views has them (app/view_state.c) */
    bool may_keep;                     /* that file was read, or there is none: it may be written */
    struct tableview_rows now, before; /* of `at` */
    struct tableview_order order;
    bool typing; /* the filter is being typed */
    enum live_step step;
    uint32_t generation, waiting; /* of the answer; 0 = none is awaited */
    int64_t asked_us, again_us;   /* when it was asked; it is not asked again before */
    int missed, misses;           /* answers that came too late: of this view, in a row */
    bool limited;                 /* the session has its time limits */
    char schema[64];              /* of the view's extension in this session; "" = not looked for */
    struct err err;               /* why the newest answer has no rows */
    struct session_end end;
    uint32_t end_no;
};

struct screen {
    int cols, rows;
    enum pane focus;
    bool zoom, frozen;
    int64_t frozen_us; /* monotonic time at which the panes were frozen */
    int scroll[PANE_COUNT];
    int tree_cursor;
    struct dialog dialog;
    struct dialog below; /* what dialog.under stood for when it was covered: its place, its words */
    struct prompt prompt;
    int64_t
        roamed_us; /* the newest key, if it moved about in the panes, in a view or in a dialog of the DBA's */
    int64_t
        asked_us; /* … if it was for the loop: in a dialog of its own, t, a line of the prompt; else 0 */
    char flash[200]; /* one message in the key line, until flash_until_us */
    int64_t flash_until_us;
    bool ascii;
    bool clipboard; /* the terminal takes text for one (OSC 52) */
    char theme[16]; /* the one that is shown now; "" = dark */
    struct choices choices;
    int npending;
    struct choice_change pending[CHOICES_PENDING];
    struct outside outside;
    enum graph_kind graph;
    int64_t last_ctrl_c_us;
};
