/* tree_keys.h - the session tree under the DBA's hands: its keys, and what is done with a node. */
#pragma once

#include "pgd/workspace/model.h"

/* A key while the tree has the focus and no dialog is open; false = it works there as everywhere. */
bool tree_key(struct model *m, struct key k, struct effects *fx);
/* Keys of DIALOG_RENAME and DIALOG_DELETE. */
bool tree_dialog_key(struct model *m, struct key k, struct effects *fx);
/* A file that was asked for here (ids from UI_TREE on). */
void tree_answer(struct model *m, struct event *ev, struct effects *fx);
/* After each event: the tree follows the list, and a session that is to be closed is. */
void tree_pump(struct model *m);
