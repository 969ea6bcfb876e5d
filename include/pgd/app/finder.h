/* finder.h - the keys of what is picked from a list that follows each key: commands (Ctrl-P) and themes (/theme). */
#pragma once

#include "pgd/ui/view.h"

void finder_open(struct model *m);
void finder_open_themes(struct model *m);
/* Keys of DIALOG_COMMANDS and DIALOG_THEME; true = it was one of theirs. */
bool finder_key(struct model *m, struct key k, struct effects *fx);
