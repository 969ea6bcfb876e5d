/* views_end.h - cancelling a statement and ending a session from a live view.
 *
 * The session is fixed when the key is pressed, whatever the view shows later; the DBA types its pid; and the function is only called
 * for the session of that pid that began at that moment (a cancel: while it runs that very statement). */
#pragma once

#include "pgd/workspace/model.h"

/* Asks about the session under the cursor (DIALOG_SIGNAL). */
void views_end_ask(struct model *m, bool terminate);
bool views_end_key(struct model *m, struct key k, struct effects *fx);
/* The answer to a statement that was sent here. False: it is none of ours. */
bool views_end_event(struct model *m, const struct event *ev);
/* A new sample: is the session still there? Where the sample cannot tell (Blocking lists only who waits or blocks; with many sessions
 * not all are read), the server is asked for that one session. */
void views_end_look(struct model *m, struct effects *fx);
