/* script.h - the DBA's pgbench scripts: what is refused, and the statements in them. \shell and
 * \setshell run commands on this machine and are refused, as are COPY … PROGRAM and the like. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/err.h"
#include "pgd/protocol/records.h"

enum { SCRIPT_BYTES_MAX = 256 * 1024 };

/* name is what the DBA calls the script. A refusal names it and the line. It keeps accidents
 * out; it is no sandbox. */
PGD_MUST_CHECK bool script_check(const char *name, const char *text, size_t len, struct err *e);
/* Does any statement write? (a guess by first keyword, for reports and warnings) */
bool script_writes(const char *text);
/* Appends the n-th (from 0) SELECT or WITH statement that reads, its variables replaced by
 * plausible values: \set is evaluated at the middle of random ranges. A statement with a
 * variable whose value cannot be known is passed over; false when there are not that many. */
bool script_select(const char *text, int n, double scale, struct buf *out);
/* The name of script i's copy in the session's folder: its number and the last part of its path. */
void script_file(const struct sdl *plan, int i, char *dst, size_t size);
