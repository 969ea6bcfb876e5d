/* others.h - what other people have left in the configuration files: lines that the server cannot use, and changes that
 * nobody has made effective yet, but our reload or restart would. */
#pragma once

#include "pgd/base/err.h"
#include "pgd/base/rows.h"
#include "pgd/tuning/ledger.h"

/* The statements whose rows are read below. Few roles may run them; who may not, cannot know. */
const char *others_sql(void);
const char *others_hba_sql(void);
/* The first line that the server cannot use and that is not ours: false and *e, which names file and line. */
bool others_errors(const struct rows *r, const struct ledger *ours, struct err *e);
bool others_hba_errors(const struct rows *r, struct err *e);
/* Pending changes of others, as a sentence; "" when there are none. */
void others_pending(const struct rows *r, const struct ledger *ours, char *dst, size_t size);
