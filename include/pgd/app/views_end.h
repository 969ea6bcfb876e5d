/* views_end.h - cancelling a statement and ending a session from a live view.
 *
 * The session is fixed when the key is pressed, whatever the view shows later; the DBA types its pid; and the function is only called
 * for the session of that pid that began at that moment (a cancel: while it runs that very statement). */
#pragma once

#include "pgd/workspace/model.h"

/* Asks about the session under the cursor (DIALOG_SIGNAL). */
void views_end_ask(struct model *m, bool terminate);
bool views_end_key(struct model *m, struct key k, struct effects *fx);
/* The answer to the statement that was sent. False: it is none of ours. */
bool views_end_event(struct model *m, const struct event *ev);
/* A new sample: is the session still there? */
void views_end_look(struct model *m);
