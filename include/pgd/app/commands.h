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

const struct command_row *commands_table(int *n);
/* line: without the slash. */
void commands_run(struct model *m, const char *line, struct effects *fx);
/* A prompt_complete_fn; arg is the model. */
int commands_complete(const void *arg, const char *text, char out[][64], int max);
