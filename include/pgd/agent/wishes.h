/* wishes.h - PGDIAG.md beside the workspace, read into struct wishes (ops.h).
 *
 * Understood, a line each, with or without a bullet: "never touch work_mem, autovacuum*" ("never: …", "please do not change …"; of words
 * around the names those are taken that are settings or look like one; too many are forbidden rather than too few), "p95 < 20 ms",
 * "maintenance window 22:00-04:30". Everything else is text for an advisor. Commands, hosts, endpoints and approvals in it have
 * no effect. The caller shows it and asks for trust before it counts. */
#pragma once

#include "pgd/agent/ops.h"

enum { WISHES_FILE_MAX = 64 * 1024 };

/* How much of the file is kept. */
enum wishes_kept {
    WISHES_WHOLE,
    WISHES_TEXT_CUT, /* all that it forbids is; the text for an advisor is cut at 8 kB */
    WISHES_NEVER_LOST /* not all that it forbids: it is longer than 64 kB, or names more settings than there can be */
};

void wishes_init(struct wishes *w); /* nothing is wished */
/* Takes the place of what was read before; the words said stay. Hand in one byte more than WISHES_FILE_MAX of a longer file. */
enum wishes_kept wishes_read(const char *text, size_t len, struct wishes *w);
/* Words of the DBA at the prompt; the oldest give way. */
void wishes_say(struct wishes *w, const char *words);
/* May no advisor touch this setting? guard_policy.never enforces it. */
bool wishes_forbid(const struct wishes *w, const char *name);
