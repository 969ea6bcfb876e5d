/* dialogs_come.h - questions that come by themselves, and the moment at which they may take keys. */
#pragma once

#include "pgd/app/commands.h"
#include "pgd/workspace/model.h"

/* The loop has something to show or to ask: `kind` is opened, empty, and returned so that the caller can fill it. While keys go
 * to something else it waits instead (dialog.waits) and that is said: in a live view and while a filter is typed until `t` asks
 * for it or the view has been left; under a dialog that the DBA has opened until that is closed; in the panes until no key
 * has moved about for a second. What follows from a key that was meant for the loop is opened at once; so is DIALOG_STUCK over
 * a view and the panes, and there it takes no key until none has come for a second. */
struct dialog *dialogs_come(struct model *m, enum dialog_kind kind);
/* k was on its way when the dialog came up: it does nothing. */
bool dialogs_come_deaf(struct model *m, struct key k);
/* Each key before it does anything: is it for the loop, or does it move about? c is its command. */
void dialogs_come_key(struct model *m, struct key k, enum key_command c);
/* Once a second: shows what waits as soon as it may. */
void dialogs_come_tick(struct model *m);
/* Shows what waits; false = nothing does. */
bool dialogs_come_now(struct model *m);
