/* view_export.h - `e`: what a live view shows as files, exports/NAME_DATE-TIME.csv and .json of the workspace, or of the program's home
 * where no workspace is open. */
#pragma once

#include "pgd/workspace/model.h"

void view_export_begin(struct model *m, struct effects *fx);
/* An answer of OWNER_VIEWS about a file. */
void view_export_event(struct model *m, const struct event *ev);
