/* wishes.h - PGDIAG.md beside the workspace, read into struct wishes (ops.h).
 *
 * Understood, a line each, with or without a bullet: "never touch work_mem, autovacuum*" ("never: …", "do not change …"), "p95 < 20 ms",
 * "maintenance window 22:00-04:30". Everything else is text for an advisor. Commands, hosts, endpoints and approvals in it have
 * no effect. The caller shows it and asks for trust before it counts. */
#pragma once

#include "pgd/agent/ops.h"

enum { WISHES_FILE_MAX = 64 * 1024 };

void wishes_init(struct wishes *w); /* nothing is wished */
/* Takes the place of what was read before; the words said stay. False when not all of it was taken: 64 kB are read, 8 kB kept. */
bool wishes_read(const char *text, size_t len, struct wishes *w);
/* Words of the DBA at the prompt; the oldest give way. */
void wishes_say(struct wishes *w, const char *words);
/* May no advisor touch this setting? guard_policy.never enforces it. */
bool wishes_forbid(const struct wishes *w, const char *name);
