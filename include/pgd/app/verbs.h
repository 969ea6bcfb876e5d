/* verbs.h - the commands that only look into the workspaces' folders: workspaces and export. */
#pragma once

#include "pgd/app/cli.h"

/* True when the verb is one of these: its events are handled here instead of app_update(). */
bool verbs_has(enum verb v);
void verbs_event(struct model *m, enum verb v, struct event *ev, struct effects *fx);
