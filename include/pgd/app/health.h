/* health.h - the health check as a command: `pg_diagnose health` and /health. agent/health has the checks. */
#pragma once

#include "pgd/workspace/model.h"

/* Goes through all checks on the control link, on the screen after another look at settings, totals and host; discovery must
 * have ended. */
void health_begin(struct model *m, struct effects *fx);
/* Discovery has moved: where a look waits for it, that goes on. */
void health_discovered(struct model *m, struct effects *fx);
/* A key of its page: the findings as a list, Enter for one of them in full. */
bool health_key(struct model *m, struct key k, struct effects *fx);
/* Answers of OWNER_HEALTH; those of OWNER_ADVICE go on to app/advised. */
void health_event(struct model *m, const struct event *ev, struct effects *fx);
