/* tree_acts.h - what is done with a node of the tree; the keys are in tree_keys.c. */
#pragma once

#include "pgd/workspace/model.h"

/* Reads session.json of a row and does with it what the act says. Says why where that may not be. */
void tree_acts_begin(struct model *m, enum tree_act act, int row, int part, struct effects *fx);
/* Opens a session of the tree; its parts come with session.json. */
void tree_acts_open(struct model *m, int session, struct effects *fx);
/* A session is marked, or compared with the one that was. */
void tree_acts_mark(struct model *m, int row, struct effects *fx);
/* A paused session goes on to be confirmed and archived. */
void tree_acts_close(struct model *m, int row, struct effects *fx);
/* The title that was typed; *why says what is wrong with it. */
bool tree_acts_rename(struct model *m, const char *title, char *why, size_t size,
                      struct effects *fx);
/* Whether the folder of that session is going now. */
bool tree_acts_removes(const struct model *m, const char *session);
/* The name was typed: the folder goes. */
void tree_acts_delete(struct model *m, struct effects *fx);
