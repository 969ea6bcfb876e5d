/* files.h - FX_FILE: work for the disk, done by two threads, answered by EV_FILE. Private to io.
 *
 * One thread writes and one reads, so that a slow fsync holds back neither /proc nor a look at the
 * workspaces. Writes happen in the order in which they were asked for; a read and a write that touch
 * the same path (or one a folder of the other) keep their order too.
 *
 * EV_FILE: text is what was read, listed, or the note of a lock's holder; with a digest function the
 * digest takes its place. A success may carry err.detail: something worth a line in the log. */
#pragma once

#include "pgd/io/loop.h"

struct files;

struct files *files_new(struct loop *l);
/* Takes the contents of the effect. */
void files_run(struct files *f, struct effect *e);
/* FX_STDOUT and FX_STDERR: writes a line, in order, in a third thread, since a reader may be slow. */
void files_print(struct files *f, int fd, const char *line, size_t len);
/* Jobs that have not landed. */
size_t files_pending(const struct files *f);
/* Before the loop closes: forgets what no thread has begun. */
void files_stop(struct files *f);
/* After the loop: releases the locks. What the threads still do they free themselves. */
void files_close(struct files *f);
