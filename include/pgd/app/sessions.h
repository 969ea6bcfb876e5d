/* sessions.h - the workspace's sessions as a list, the record of one of them as a page, and going from one to another. */
#pragma once

#include "pgd/workspace/model.h"

/* The list; "/sessions". */
void sessions_open(struct model *m);
/* Goes on with the session that the text names; one that runs is paused first, when the DBA has said yes. "" = the list. */
void sessions_switch(struct model *m, const char *text, struct effects *fx);
/* The session that the text names: its whole name, else a part that no other one has, else a strategy (its newest session). -1:
 * none, and the DBA was told. */
int sessions_find(struct model *m, const char *text);
/* Keys of DIALOG_SESSIONS and DIALOG_SWITCH. */
bool sessions_key(struct model *m, struct key k, struct effects *fx);
/* The session.json of the record that was asked for has come. */
void sessions_answer(struct model *m, const struct event *ev);
/* What was paused for another session is paused now: that one goes on. */
void sessions_pump(struct model *m, struct effects *fx);
/* A session for a reader: rounds, verdicts, changes, what is left. Appended; "# " begins a heading. */
void sessions_record(const struct session *s, struct buf *out);
