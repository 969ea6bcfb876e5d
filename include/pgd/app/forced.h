/* forced.h - changes of a test's own, so that guard and rescue can be seen at work. */
#pragma once

#include "pgd/protocol/records.h"

/* Test builds only: further changes from PGD_TEST_FORCE_CHANGE. Pairs NAME=VALUE
 * with ';' between them, and a line break between those of one round and those of the next; a single line is for every
 * round, and a line "-" for none. With '!' in front they take the place of what the advisor proposes. */
void forced_changes(struct proposal *p, int round);
