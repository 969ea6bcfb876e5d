/* keep.h - what the screen remembers from one run to the next, in the program's home: the lines of the prompt (history, a line each)
 * and the DBA's choices (config, see config.h). Both are files of mode 0600. */
#pragma once

#include "pgd/workspace/model.h"

/* Asks for both files. */
void keep_start(struct model *m, struct effects *fx);
void keep_answer(struct model *m, const struct event *ev, struct effects *fx);
/* Appends a line of the prompt, unless it is long or holds what looks like a secret. */
void keep_line(struct model *m, const char *line, struct effects *fx);
/* Whether the line may be kept: no password, key or token stands in it, and it is not too long. */
bool keep_may(const char *line);
/* Writes one choice into HOME/config; its other lines stay as they are. */
void keep_choice(struct model *m, const char *name, const char *value, struct effects *fx);
