/* floors.h - the noise of this machine as the baselines of earlier sessions have measured it, kept for each workload. */
#pragma once

#include "pgd/workspace/model.h"

/* What was measured last for this workload with so many clients; NULL = nothing yet. */
const struct floor_note *floors_find(const struct workspace *w, const char *workload, int clients);
/* Remembers it: it takes the place of an earlier one, else of the oldest where there is no room. */
void floors_put(struct workspace *w, const struct floor_note *note);
