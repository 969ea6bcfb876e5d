/* readonly.h - what --readonly lets through, judged by what an effect does and not by what it says of itself. */
#pragma once

#include "pgd/base/effect.h"

/* False for whatever could change the server: a statement that is more than a look, a program other than the one that
 * looks at the host, and everything that is marked changes_server. Unknown words pass, unknown verbs do not. */
bool readonly_allows(const struct effect *e);
/* The one exception, of `watch`: the statement of views_end.c that the DBA has confirmed by typing the pid; nothing else in it acts. */
bool readonly_ends(const struct effect *e);
/* Is this statement, or each of several, only a look? Strings and comments are not looked into. */
bool readonly_sql(const char *sql);
