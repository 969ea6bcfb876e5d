/* outside.h - the text of the prompt in an editor of the DBA's (Ctrl-G): $VISUAL, else $EDITOR, else vi.
 *
 * The text is a file of mode 0600 in a folder of mode 0700 below the program's home, which goes when its text was taken whole:
 * an editor that fails, a file that cannot be read and a text that is too long leave it, and where it is is said. The
 * editor has the terminal, and neither passwords nor keys of models in its environment. Links, telemetry and a session that runs go
 * on meanwhile; nothing is painted, and Ctrl-C is the editor's. */
#pragma once

#include "pgd/workspace/model.h"

void outside_begin(struct model *m, struct effects *fx);
/* Answers of OWNER_UI with the ids UI_FILE_OUTSIDE*. */
void outside_event(struct model *m, const struct event *ev, struct effects *fx);
/* The terminal is lent: a signal of its keys is not for us. */
bool outside_edits(const struct model *m);
