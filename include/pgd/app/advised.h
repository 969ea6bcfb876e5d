/* advised.h - what settings cannot mend (agent/advice.h): its page, its events of headless runs, and its files.
 *
 * Each statement is one line with its exact SQL and its undo, accepted or rejected by itself and never together with settings.
 * Nothing of it is run by this program: what is accepted stands in exports/advice.sql, the way back in exports/undo_advice.sql. */
#pragma once

#include "pgd/workspace/model.h"

/* First Sight: what the server's counters and catalog show already. */
void advised_look(struct model *m, struct effects *fx);
/* The session's end: with the plans of its workload; kept in the session, and the files are written unless
 * something accepted stands in them: its undo may be needed still. */
void advised_end(struct model *m, struct effects *fx);
/* The page (DIALOG_ADVICE), with what is known now. */
void advised_open(struct model *m);
bool advised_key(struct model *m, struct key k, struct effects *fx);
/* Answers of OWNER_ADVICE. */
void advised_event(struct model *m, const struct event *ev, struct effects *fx);
