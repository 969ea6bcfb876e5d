/* facts.h - facts that the advisor asked for by name, looked up read-only for a question of the DBA.
 *
 * A name is a word of a fixed list and its argument ("setting work_mem", "table public.orders", "statement 4711", "plan 4711",
 * "telemetry 10m", "round 2"). The argument only ever travels as a quoted literal, or as a number; no text of a model is
 * run. What cannot be had is a fact, too: missing, with the reason. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/base/event.h"
#include "pgd/workspace/model.h"

/* Looks up m->talk.wants (n of them); the facts are appended to m->talk.facts. True: all are there already. */
bool facts_begin(struct model *m, struct effects *fx);
/* Answers of OWNER_TALK and of CONN_FACTS. True: all are there, or their time is over. */
bool facts_event(struct model *m, const struct event *ev, struct effects *fx);
/* Once a second; true as above. */
bool facts_tick(struct model *m, struct effects *fx);
/* Gives up; what is still to come is dropped. */
void facts_drop(struct model *m, struct effects *fx);
