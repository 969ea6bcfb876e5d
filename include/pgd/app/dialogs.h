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
