/* view_plan.h - EXPLAIN of a statement of a live view, never with ANALYZE: planned in a session of its own (CONN_PLAN) that is read-only
 * and ends with it, in the statement's database, as its role where ours is a member of that, shown as a page.
 * For a statement of another role, or one that locks rows, it is said first what planning may do; the second key goes on. */
#pragma once

#include "pgd/workspace/model.h"

/* m->live_text has the statement. */
void view_plan_begin(struct model *m, struct effects *fx);
/* CONN_PLAN up or down, and the answers of the steps from LIMITS on. */
void view_plan_event(struct model *m, const struct event *ev, struct effects *fx);
/* Appends what is sent for the plan, and, where that needs one, the statement before it. A statement with parameters is planned for any
 * values: by GENERIC_PLAN from PostgreSQL 16 on, before that by EXPLAIN of a prepared one with NULLs. */
void view_plan_sql(const char *statement, int parameters, int version, struct buf *prepare,
                   struct buf *explain);
