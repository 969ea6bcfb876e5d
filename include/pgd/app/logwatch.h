/* logwatch.h - the figures and the log of the server: how they are asked for, and what log and kernel tell, as lines of the list of events. */
#pragma once

#include "pgd/workspace/model.h"

/* One tick of telemetry; link_up: of the connection for it. */
void logwatch_sample(struct model *m, bool link_up, struct effects *fx);
/* The connection for it is up: the first figures at once. */
void logwatch_link_up(struct model *m, const struct event *ev, struct effects *fx);
/* The server is known: its log is followed from now on, where it can be read. */
void logwatch_begin(struct model *m);
/* Tells what has come; after every event. */
void logwatch_pump(struct model *m);
/* The lines of the last minute that may explain a failure, after what a restart of ours has said of it. */
void logwatch_trouble(const struct model *m, char *dst, size_t size);
