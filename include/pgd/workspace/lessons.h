/* lessons.h - what the sessions of a workspace have learnt, kept for later ones under the same circumstances and for no others:
 * the same scripts with the same weights, clients, rate, protocol and goal, the same major version, CPUs and memory.
 *
 * It is kept in workspace.json. What is read from there is a hint of where to look: every value is proposed, guarded and measured
 * anew. */
#pragma once

#include <jansson.h>

#include "pgd/base/buf.h"
#include "pgd/workspace/model.h"

/* The circumstances of the session at hand as 64 hexadecimal digits; its scripts have been read. */
void lessons_key(const struct model *m, char key[LESSONS_KEY_MAX]);
/* What is known under these; NULL = nothing. */
const struct lessons *lessons_find(const struct workspace *w, const char *key);
/* The session at hand has ended: what it found out, before what was known. Of a FAILED one only what brought nothing. */
void lessons_learn(struct model *m);
/* "last time, under this workload: work_mem = 64MB earned +12.3 %, jit = off brought nothing (+0.4 %)"; nothing when nothing is known. */
void lessons_text(const struct lessons *l, struct buf *out);
/* A JSON list of what is known, "[]" for NULL. */
void lessons_json(const struct lessons *l, struct buf *out);
/* The member `lessons` of workspace.json. */
json_t *lessons_of_workspace(const struct workspace *w);
/* Reads it: tolerant, bounded; a setting that no advisor may change is left out. */
void lessons_read(const json_t *list, struct workspace *w);
