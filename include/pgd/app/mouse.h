/* mouse.h - the mouse, where the DBA wants the program to have it (/mouse on): the wheel scrolls the pane under the pointer or the
 * dialog, a click gives a pane the keys. */
#pragma once

#include "pgd/ui/view.h"

void mouse_key(struct model *m, struct key k, struct effects *fx);
