/* demo.h - the private PostgreSQL of `pg_diagnose demo`: a stock initdb on a socket of its own, run by an
 * unprivileged owner, kept until its session ends, so that the next demo resumes a killed one. */
#pragma once

#include "pgd/workspace/model.h"

void demo_start(struct model *m, struct effects *fx);
/* EV_CHILD_* of OWNER_DEMO; returns true when the server is up and the flow can begin. */
bool demo_event(struct model *m, const struct event *ev, struct effects *fx);
bool demo_leaves(const struct model *m); /* is the server to be stopped when we go? */
void demo_stop(struct model *m,
               struct effects *fx); /* stops; deletes it unless a session is unfinished */
