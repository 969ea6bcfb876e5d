/* update.h - the reducer: one event in, the model changed, effects out. */
#pragma once

#include "pgd/workspace/model.h"

void app_update(struct model *m, struct event *ev, struct effects *fx);
