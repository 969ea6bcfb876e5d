/* advice_notes.h - what the DBA has said of the advice beyond settings (agent/advice.h): accepted or rejected, by the statement. It
 * outlives the program, in workspace.json, since the advice is found anew at each start. */
#pragma once

#include <jansson.h>

#include "pgd/workspace/model.h"

/* Remembers it; ADVICE_OPEN forgets it. Where there is no room the oldest goes. */
void advice_notes_put(struct workspace *w, const char *statement, enum advice_mark mark,
                      int64_t wall_us);
/* Gives each statement of the list the mark that it was given before; one of which nothing is known stays open. */
void advice_notes_give(const struct workspace *w, struct advised *a);
/* The member `advice` of workspace.json. */
json_t *advice_notes_json(const struct workspace *w);
/* Reads it: tolerant, bounded; what is no mark of a statement is left out. What was known before is forgotten. */
void advice_notes_read(const json_t *list, struct workspace *w);
