/* dialogs.h - the layers that ask something: opening them and their keys. */
#pragma once

#include "pgd/workspace/model.h"

void dialogs_open(struct model *m, enum dialog_kind kind);
void dialogs_close(struct model *m);
/* Shows the dialog of the open decision again, or starts a session. */
void dialogs_reopen(struct model *m, struct effects *fx);
/* Returns false when the key is not the dialog's: it then works as without one (help, panes). */
bool dialogs_key(struct model *m, struct key k, struct effects *fx);
void dialogs_paste(struct model *m, const char *text, size_t len);
/* A plan is about to be shown: as it stands it is what was offered, and with_edits it gets those rows that the DBA had edited in the plan
 * that was left before. */
void dialogs_plan_offered(struct model *m, bool with_edits);
