/* flow_index.h - the workspace's list of sessions, when it is opened: index.json, held against the folders. */
#pragma once

#include "pgd/app/flow_parts.h"

enum index_end {
    INDEX_GOES_ON, /* an answer is awaited */
    INDEX_KNOWN,   /* the list is as the folders are */
    INDEX_REFUSED  /* it is of a newer version; *e */
};

/* The list as index.json has it, as soon as the link says which workspace this is: the tree can be read while the server and its host
 * are still being looked at. Nothing may be done with it before the workspace is open, which reads it again under the lock. */
void flow_index_early(struct model *m, struct effects *fx);
void flow_index_early_answer(struct model *m, const struct event *ev);
void flow_index_begin(struct model *m, struct effects *fx);
/* An answer that the flow was waiting for. Adds session.json of the folders that the list lacks, one after the other. */
enum index_end flow_index_event(struct model *m, const struct event *ev, struct err *e,
                                struct effects *fx);
