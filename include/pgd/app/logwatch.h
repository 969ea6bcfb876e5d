/* logwatch.h - what the server's log and its host's kernel tell, as lines of the list of events. */
#pragma once

#include "pgd/workspace/model.h"

/* The server is known: its log is followed from now on, where it can be read. */
void logwatch_begin(struct model *m);
/* Tells what has come; after every event. */
void logwatch_pump(struct model *m);
/* The lines of the last minute that may explain a failure, after what a restart of ours has said of it. */
void logwatch_trouble(const struct model *m, char *dst, size_t size);
