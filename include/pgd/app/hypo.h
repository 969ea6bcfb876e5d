/* hypo.h - asks HypoPG, where the server's database has it, whether the planner would take the indexes that seem to be missing
 * (agent/hypo.h; the machine's states: enum hypo_step in workspace/model.h).
 *
 * In a session of its own (CONN_PLAN), read-only and with short limits, for each: EXPLAIN without ANALYZE of the statement that
 * it is for, the hypothetical index, EXPLAIN again, hypopg_reset(). Nothing is built, nothing is executed, and no lock above
 * ACCESS SHARE is taken. Planning runs code, so that only the workload's own scripts are planned, and recorded statements of our own
 * role where that can neither act as a superuser nor on the server's files and programs.
 * The extension is never created by us. */
#pragma once

#include "pgd/workspace/model.h"

/* Those of now that were not tried yet. True: the answers are awaited, hypo_busy() says when they are there. */
bool hypo_begin(struct model *m, struct effects *fx);
bool hypo_busy(const struct model *m);
/* Ends at once, the question that is under way, too. What is not tested yet stays so, and is asked for the next time. */
void hypo_stop(struct model *m, struct effects *fx);
void hypo_forget(struct model *m); /* what was found: the server is looked at anew */
/* CONN_PLAN up or down; false: it is not for us. */
bool hypo_link(struct model *m, const struct event *ev, struct effects *fx);
void hypo_event(struct model *m, const struct event *ev, struct effects *fx); /* an answer */
