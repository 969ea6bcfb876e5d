/* flow_host.h - the server's host, between its link (app/hosts) and discovery: when it is looked at, and what is told of it. */
#pragma once

#include "pgd/workspace/model.h"

/* Answers of OWNER_DISCOVERY. */
void flow_host_discovery(struct model *m, const struct event *ev, struct effects *fx);
/* Runs after every event. Tells discovery of a link that comes up or goes, and the DBA (screen and event "host") what each
 * look at the host has shown. */
/* With each new sample: what the server counts while our runs load it is added to the workspace's own totals. */
void flow_host_own(struct model *m);
void flow_host_pump(struct model *m, struct effects *fx);
/* What is known of the host decides what is sampled there. */
void flow_host_telemetry(struct model *m);
