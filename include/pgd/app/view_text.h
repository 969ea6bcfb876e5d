/* view_text.h - the exact text of what stands under the cursor of a live view: for the clipboard, and for a plan.
 *
 * A cell of the screen is cut and cleaned; the server is asked for the statement itself once more. Where it has another one by now, or
 * does not answer, the screen's counts. */
#pragma once

#include "pgd/workspace/model.h"

/* What OSC 52 carries at the most: 100 000 bytes of sequence, as terminals agree. */
enum { VIEW_COPY_MAX = 74994 };

/* `y`: the statement of the row, else its cells side by side, goes to the terminal's clipboard. */
void view_text_copy(struct model *m, struct effects *fx);
/* `x`: the plan of the statement of the row, without executing it (view_plan.h). */
void view_text_plan(struct model *m, struct effects *fx);
/* An answer of OWNER_VIEWS. False: it is the view's own. */
bool view_text_event(struct model *m, const struct event *ev, struct effects *fx);
/* What was asked for is not wanted any more: the view is closed. */
void view_text_drop(struct model *m, struct effects *fx);
/* Whether anything can be copied; where not, why is said. */
bool view_copy_ready(struct model *m);
/* Sends the text, its passwords as asterisks, to the terminal's clipboard, and says so;
 * cut: the text is all that there is, and not whole. */
void view_copy(struct model *m, const char *text, bool cut, struct effects *fx);
/* One message in the key line. */
void view_say(struct model *m, const char *fmt, ...) PGD_PRINTF(2, 3);
/* Sends a statement of this machine; the answer is that of step. */
void view_text_ask(struct model *m, enum live_text_step step, enum pg_conn conn, const char *sql,
                   int ms, struct effects *fx);
/* Appends the SQL that has the text, role and database of the row; false: the screen's text is all that is known. */
bool view_text_sql(const struct tableview *v, const char *key, const char *schema, struct buf *sql);
