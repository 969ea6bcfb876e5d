/* commands.h - the slash commands as one table: a command is a row and a function. */
#pragma once

#include "pgd/ui/view.h"

/* What keys.c can do, and what it is called in HOME/config and in the palette; rows of its table name one of these. An action
 * that is named as a slash command does what that does. */
#define KEY_COMMANDS(X)                   \
    X(NONE, "")                           \
    X(NEXT_PANE, "next-pane")             \
    X(PREV_PANE, "previous-pane")         \
    X(PANE_1, "pane-1")                   \
    X(PANE_2, "pane-2")                   \
    X(PANE_3, "pane-3")                   \
    X(PANE_4, "pane-4")                   \
    X(PANE_5, "pane-5")                   \
    X(TUNE, "tune")                       \
    X(FREEZE, "freeze")                   \
    X(ZOOM, "zoom")                       \
    X(STATUS, "status")                   \
    X(ADVICE, "advice")                   \
    X(UNDO, "undo")                       \
    X(INTERRUPT, "interrupt")             \
    X(PROMPT, "ask")                      \
    X(ENTER, "enter")                     \
    X(PROMPT_SLASH, "command")            \
    X(COMMANDS, "commands")               \
    X(HELP, "help")                       \
    X(UP, "up")                           \
    X(DOWN, "down")                       \
    X(PAGE_UP, "page-up")                 \
    X(PAGE_DOWN, "page-down")             \
    X(TOP, "top")                         \
    X(BOTTOM, "bottom")                   \
    X(STOP, "stop")                       \
    X(SENT, "sent")                       \
    X(REDRAW, "redraw")                   \
    X(SUSPEND, "suspend")                 \
    X(EDITOR, "editor")                   \
    X(QUIT, "quit")                       \
    X(VIEW_6, "view-6")                   \
    X(VIEW_7, "view-7")                   \
    X(VIEW_8, "view-8")                   \
    X(VIEW_9, "view-9")                   \
    X(VIEWS, "views")                     \
    X(VIEW_BACK, "view-back")             \
    X(VIEW_FILTER, "view-filter")         \
    X(VIEW_SORT, "view-sort")             \
    X(VIEW_SORT_LEFT, "view-sort-left")   \
    X(VIEW_SORT_RIGHT, "view-sort-right") \
    X(VIEW_REVERSE, "view-reverse")       \
    X(VIEW_SHARE, "view-share")           \
    X(VIEW_QUIET, "view-hidden")          \
    X(VIEW_LEFT, "view-left")             \
    X(VIEW_RIGHT, "view-right")           \
    X(VIEW_DETAIL, "view-row")            \
    X(VIEW_CANCEL, "view-cancel")         \
    X(VIEW_TERMINATE, "view-terminate")   \
    X(VIEW_EXPORT, "view-export")         \
    X(VIEW_COPY, "view-copy")             \
    X(VIEW_PLAN, "view-plan")

#define KC(name, text) KC_##name,
enum key_command { KEY_COMMANDS(KC) KC_COUNT };
#undef KC

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
    TAKES_THEME,
    TAKES_VIEW
};

const struct command_row *commands_table(int *n);
/* The names of the actions by enum key_command, KC_COUNT of them; "" for KC_NONE. */
extern const char *const commands_actions[KC_COUNT];
/* The row of the command that the line (without the slash) begins with, by name or alias; NULL = there is none. */
const struct command_row *commands_row(const char *line);
/* line: without the slash. */
void commands_run(struct model *m, const char *line, struct effects *fx);
