/* dialogs_parts.h - what the files of the dialogs' keys share: dialogs.c has the table and most of them, dialogs_plan.c the plan. */
#pragma once

#include "pgd/workspace/model.h"

/* The dialog's field, from this text on. */
void dialogs_edit_begin(struct dialog *d, const char *text);
/* Feeds a key to the field; 1 = submitted, -1 = cancelled, 0 = still editing. */
int dialogs_edit_key(struct dialog *d, struct key k);
/* What was typed as a number from lo to hi, which ends the edit; false and a line in d->error: it is none. */
bool dialogs_typed_number(struct dialog *d, double lo, double hi, double *out);

bool dialogs_key_plan(struct model *m, struct key k, struct effects *fx);
bool dialogs_key_scripts(struct model *m, struct key k, struct effects *fx);
