/* flow_branch.h - sessions that come from another one: a branch, which goes on from one of its states, and a revert, which
 * brings the server back to one. */
#pragma once

#include "pgd/workspace/model.h"

/* Offers the plan of a new session with the plan of `from`; its first proposal is what `from` had kept in that state. */
void flow_branch(struct model *m, const struct session *from, int node, struct effects *fx);
/* Begins a session that brings these entries into force, after a review: nothing is measured. */
void flow_revert(struct model *m, const struct session *from, int node, const struct entry *goals,
                 int n, struct effects *fx);
/* The folder is there and the server was looked at again: the review of what differs. */
void flow_revert_review(struct model *m, struct effects *fx);
/* … has its answers. */
void flow_revert_decided(struct model *m, struct effects *fx);
/* The switch was not made, and nothing of it is in force. */
void flow_revert_failed(struct model *m, const struct err *e, struct effects *fx);
