/* script_expr.h - the variables of a pgbench script and the arithmetic of \set, with every
 * random draw at its middle. */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"

struct script_vars; /* heap */

/* Knows :scale, and :client_id as 1. */
struct script_vars *script_vars_new(double scale);
void script_vars_free(struct script_vars *v);
/* \set name expression. An expression that is not understood leaves the name without a value. */
void script_vars_set(struct script_vars *v, const char *name, size_t len, const char *expression);
/* Appends the value of a name as SQL text; false when it has none. */
bool script_vars_put(const struct script_vars *v, const char *name, size_t len, struct buf *out);
