/* bills.h - what the two arms of an experiment leave behind for later: what a run does not show is said beside it. */
#pragma once

#include "pgd/runner/experiment.h"

/* Sentences for the verdict, "; " between them: other work on the server, costs that could not be charged, WAL to replay
 * after a crash, rows for autovacuum, where the arms differ much. "" when there is nothing to say. */
void bills_text(const struct experiment *x, char *dst, size_t size);
