/* bench_place.h - which machine pgbench runs on, and why: this one, the server's host by ssh, or that of --bench-host.
 *
 * enum place_state (workspace/model.h) specifies the states. It is found out while the plan is on the screen; without a link by
 * ssh there is nothing to find out, and the machine stays at PLACE_NONE. */
#pragma once

#include "pgd/workspace/model.h"

/* A plan is shown, or a session is resumed: looks, unless it is known already. A resumed session is measured from where it was
 * measured before, where that can be had. */
void bench_place_begin(struct model *m, struct effects *fx);
/* Answers of OWNER_PLACE. */
void bench_place_event(struct model *m, const struct event *ev, struct effects *fx);
/* Goes on when the links by ssh are decided; true when it did. */
bool bench_place_pump(struct model *m, struct effects *fx);
/* The look is under way: a plan waits for it where nobody is asked. */
bool bench_place_busy(const struct model *m);
/* "here", or the name of that machine; "" while it is not known. */
const char *bench_place_name(const struct model *m);
/* pgbench is found: keeps its machine with the session. Where a resumed one was measured from another, what was measured there is
 * void, so that no two places are compared: the baseline, unless an experiment goes on in the middle, and then its runs. */
void bench_place_keep(struct model *m);
/* What was measured counts no more: the baseline is measured anew, and runs of an experiment under way. */
void bench_place_void(struct session *s);
