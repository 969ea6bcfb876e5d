/* pane_view.h - one drawing for all live views: the table with its headers, order, cursor, filter and age. */
#pragma once

#include "pgd/ui/view.h"

/* Frame included; the view of m->live. */
void pane_view(struct canvas *c, struct rect r, const struct model *m, struct view_cursor *cursor);
/* pane_waits.c: the view of TABLEVIEW_SHARES, without its frame. */
void pane_waits(struct canvas *c, struct rect r, const struct model *m);
/* How many rows of it are on the screen now: a page. */
int pane_view_rows(const struct model *m);
/* KEY_IN_* bits of the view that is shown. */
unsigned pane_view_keys(const struct model *m);
/* The menu of all views (DIALOG_VIEWS). */
void dialog_views(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor);
