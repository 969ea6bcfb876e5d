/* talk_compare.h - the files of the sessions that a comparison names, read for it: used by app/talk.c alone. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/base/event.h"
#include "pgd/workspace/model.h"

enum { TALK_COMPARED = 8 /* ids of the requests: from here on */ };

/* Asks for the files of at most two sessions of the workspace that talk.now names; one in memory is there already. True: there is nothing
 * to be waited for. */
bool talk_compare_begin(struct model *m, struct effects *fx);
/* An answer; true: it was the last one. */
bool talk_compare_event(struct model *m, const struct event *ev);
