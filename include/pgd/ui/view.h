/* view.h - views(model): one function paints the whole screen; panes and dialogs are rows of tables.
 *
 * A view reads the model and writes cells; it changes nothing. Where the cursor belongs is returned. */
#pragma once

#include "pgd/ui/canvas.h"
#include "pgd/workspace/model.h"

struct view_cursor {
    bool visible;
    int y, x;
    int scroll; /* lines of the open dialog's text that are scrolled away, never beyond its end */
};

/* A key that works somewhere: the help overlay and the key line are generated from these rows. */
struct key_row {
    struct key key;
    const char *keys; /* "Tab", "a", "1-5": as shown */
    const char *what; /* two or three words for the key line */
    const char *help; /* one sentence for the overlay */
    unsigned where;   /* KEY_IN_* bits */
    bool in_line;     /* shown in the key line */
    int command;      /* of app/keys.c */
};
enum {
    KEY_IN_MAIN = 1,
    KEY_IN_REVIEW = 2,
    KEY_IN_DIALOG = 4,
    KEY_IN_RUN = 8,
    KEY_IN_PROMPT = 16,
    KEY_IN_VERDICT = 32,
    KEY_IN_PLAN = 64,
    KEY_IN_VETO = 128, /* only where a veto holds an improvement back */
    KEY_CHANGES = 256, /* changes the server, or leads there: not with --readonly */
    /* in a live view; one that can be sorted; that hides rows; whose rows are sessions that may be ended; one
     * of rows; one of shares; whose rows are statements */
    KEY_IN_VIEW = 512,
    KEY_IN_TABLE = 1024,
    KEY_IN_QUIET = 2048,
    KEY_IN_ACTS = 4096,
    KEY_IN_REPLAY = 8192,
    KEY_IN_ROWS = 16384,
    KEY_IN_SHARES = 32768,
    KEY_IN_TREE = 65536, /* the session tree has the focus */
    KEY_IN_STATEMENT = 131072,
    KEY_IN_VIEWS = KEY_IN_VIEW | KEY_IN_TABLE | KEY_IN_QUIET | KEY_IN_ACTS | KEY_IN_ROWS |
                   KEY_IN_SHARES | KEY_IN_STATEMENT
};
/* A slash command. */
struct command_row {
    const char *name;  /* "help" */
    const char *alias; /* "h ?", blank-separated */
    const char *args;  /* "[name]" */
    const char *help;
    int takes; /* what its argument may be: enum command_takes of app/commands.h */
};

struct view_tables {
    const struct key_row *keys;
    int nkeys;
    const struct command_row *commands;
    int ncommands;
    const char *const *actions; /* the name of each key_row.command; NULL = none have one */
};

/* The key of a row as it is shown, with the one that the DBA has given to its action. */
void view_key_shown(const struct model *m, const struct key_row *row, char *dst, size_t size);
/* Whether the row's key still does what the table says: an own key takes the place of a letter, never of a named key. */
bool view_key_stands(const struct choices *c, const struct key_row *row);
/* Whether the row is there at all: with --readonly nothing leads to a change. */
bool view_key_there(const struct model *m, const struct key_row *row);

/* What the window may be called: what the prompt says, without its brackets. */
void view_title(const struct model *m, char *dst, size_t size);

struct layout;
/* The layout of the screen as the model has it, with that pane in the focus. */
void view_layout(const struct model *m, enum pane focus, struct layout *l);
/* Whether the zoom is to be seen, as the pane's title says: else there is nothing that q could take back first. */
bool view_zoomed(const struct model *m);
/* Where a pane is drawn in a layout: its text keeps one column off its frame. */
struct rect view_inside(const struct layout *l, enum pane p);
/* Lines of the open dialog's text that lie above its room, when it is scrolled by screen.dialog.scroll. */
int view_dialog_scroll(const struct model *m, const struct view_tables *t);
void view_paint(struct canvas *c, const struct model *m, const struct view_tables *t,
                struct view_cursor *cursor);
