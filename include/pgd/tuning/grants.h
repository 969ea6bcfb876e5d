/* grants.h - what our role lacks for a whole session, as the statements that would give it, and nothing more. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/discovery/facts.h"

/* Appends the script: one GRANT a line, each below a comment that says what is lost without it. kept: a platform keeps the
 * configuration, so that ALTER SYSTEM would not be granted. False when nothing is missing. */
bool grants_script(const struct server_facts *f, bool kept, struct buf *out);
