/* pause_keys.h - the keys of the questions about a pause: what the server runs with meanwhile, and what t means while one lasts. */
#pragma once

#include "pgd/workspace/model.h"

/* Of DIALOG_PAUSE and DIALOG_AGAIN; false = the key is none of theirs. */
bool pause_key(struct model *m, struct key k, struct effects *fx);
bool pause_again_key(struct model *m, struct key k, struct effects *fx);
