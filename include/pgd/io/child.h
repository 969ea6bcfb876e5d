/* child.h - FX_CHILD and FX_CHILD_KILL: programs in process groups of their own. Private to io.
 *
 * EV_CHILD_UP comes first, EV_CHILD_EXIT last and exactly once: when the program has exited and both
 * of its outputs are at their end, or 2 s after its exit, since a grandchild may keep them open. Lines
 * longer than CHILD_LINE_MAX are cut. With CHILD_COLLECT the exit carries the end of stderr in
 * err.detail (its code stays ERR_NONE). */
#pragma once

#include "pgd/io/loop.h"

enum {
    CHILD_LINE_MAX = 8 * 1024,
    CHILD_COLLECT_MAX = 4 * 1024 * 1024,
    CHILD_KILL_MS = 2000,
    CHILD_EOF_MS = 2000
};

struct children;

struct children *children_new(struct loop *l);
/* Takes the contents of the effect. */
void children_run(struct children *all, struct effect *e);
/* FX_CHILD_INPUT: text for the stdin of a child with CHILD_MORE. What has ended, or does not read, gets nothing. */
void children_input(struct children *all, struct effect *e);
void children_kill(struct children *all, struct req req);
/* The queue has shrunk: outputs that were held back go on. */
void children_resume(struct children *all);
/* Shutting down: ends all that are not detached, lets the others go. */
void children_stop(struct children *all);
size_t children_alive(const struct children *all);
/* Closes what is left, before the loop does; then frees, after the loop. */
void children_shut(struct children *all);
void children_free(struct children *all);
