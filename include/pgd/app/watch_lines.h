/* watch_lines.h - `pg_diagnose watch` without a screen: a line a second with what the dashboard would show. */
#pragma once

#include "pgd/workspace/model.h"

/* Prints the newest second, once; ends the program after --duration seconds. To be called at each tick, before it samples. */
void watch_lines_tick(struct model *m, struct effects *fx);
/* The newest second as a line of JSON, without its newline: also a line of a recording. */
void watch_lines_json(const struct model *m, struct buf *out);
