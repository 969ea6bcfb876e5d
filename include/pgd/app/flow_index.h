/* flow_index.h - the workspace's list of sessions, when it is opened: index.json, held against the folders. */
#pragma once

#include "pgd/app/flow_parts.h"

enum index_end {
    INDEX_GOES_ON, /* an answer is awaited */
    INDEX_KNOWN,   /* the list is as the folders are */
    INDEX_REFUSED  /* it is of a newer version; *e */
};

void flow_index_begin(struct model *m, struct effects *fx);
/* An answer that the flow was waiting for. Adds session.json of the folders that the list lacks, one after the other. */
enum index_end flow_index_event(struct model *m, const struct event *ev, struct err *e,
                                struct effects *fx);
