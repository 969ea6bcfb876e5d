/* claim.h - a tuning session's claim on its server: that it is the server which was looked at, reached without a pooler,
 * and that nobody else tunes it.
 *
 * It is made when a session begins and again after every reconnect; until it holds no switch and no run begins. The
 * lock is an advisory one, held by the control connection and released at the session's end. */
#pragma once

#include "pgd/workspace/model.h"

/* Claims the server; then goes on as said. A refusal ends in flow_fail() with its reason. */
void claim_begin(struct model *m, enum claim_then then, struct effects *fx);
/* EV_PG_UP and EV_PG_DOWN of CONN_CONTROL. */
void claim_link(struct model *m, const struct event *ev, struct effects *fx);
/* Answers of OWNER_CLAIM. */
void claim_event(struct model *m, const struct event *ev, struct effects *fx);
/* Goes on, gives up or releases; true when something moved. */
bool claim_pump(struct model *m, struct effects *fx);
/* May a switch or a run begin? True where nothing was claimed, too. */
bool claim_ready(const struct model *m);
/* The lock itself, for a hand-over, which works on the server after the session's end: a statement of one row, "got", and
 * what gives it back. */
const char *claim_lock_sql(void);
void claim_unlock(struct model *m, struct effects *fx);
