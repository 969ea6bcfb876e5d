/* advice_files.h - exports/advice.sql and its undo.
 *
 * Nothing that was accepted is lost: an accepted statement may have been run since, and its undo is nowhere else. Where the files that
 * are there hold one that the new ones would not, they are kept as advice-N.sql and undo_advice-N.sql. */
#pragma once

#include "pgd/workspace/model.h"

/* The DBA has asked for them: what has changed is told on the page. */
void advice_files_write(struct model *m, struct effects *fx);
/* A session has ended: written only where nothing accepted stands in those that are there. */
void advice_files_end(struct model *m, struct effects *fx);
/* Answers of OWNER_ADVICE from the disk. */
void advice_files_event(struct model *m, const struct event *ev, struct effects *fx);
