/* commands.h - the slash commands as one table: a command is a row and a function. */
#pragma once

#include "pgd/ui/view.h"

/* What keys.c can do; rows of its table name one of these. */
enum key_command {
    KC_NONE,
    KC_NEXT_PANE,
    KC_PREV_PANE,
    KC_PANE_1,
    KC_PANE_2,
    KC_PANE_3,
    KC_PANE_4,
    KC_PANE_5,
    KC_TUNE,
    KC_FREEZE,
    KC_ZOOM,
    KC_STATUS,
    KC_UNDO,
    KC_INTERRUPT,
    KC_PROMPT,
    KC_ENTER,
    KC_PROMPT_SLASH,
    KC_HELP,
    KC_UP,
    KC_DOWN,
    KC_PAGE_UP,
    KC_PAGE_DOWN,
    KC_TOP,
    KC_BOTTOM,
    KC_STOP,
    KC_SENT,
    KC_REDRAW,
    KC_SUSPEND,
    KC_QUIT
};

/* What the argument of a command may be: what Tab offers for it. */
enum command_takes {
    TAKES_NOTHING,
    TAKES_TEXT,    /* anything */
    TAKES_WORDS,   /* those of its args: "[go|undo]" */
    TAKES_COMMAND, /* a command's name */
    TAKES_EXPORT,  /* a kind of workspace/export.h */
    TAKES_SETTING,
    TAKES_SESSION, /* any of the workspace */
    TAKES_PAUSED,  /* one that can go on */
    TAKES_LEVEL,   /* of privacy */
    TAKES_MODEL,
    TAKES_THEME
};

const struct command_row *commands_table(int *n);
/* The row of the command that the line (without the slash) begins with, by name or alias; NULL = there is none. */
const struct command_row *commands_row(const char *line);
/* line: without the slash. */
void commands_run(struct model *m, const char *line, struct effects *fx);
