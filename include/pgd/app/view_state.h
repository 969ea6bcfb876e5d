/* view_state.h - what the DBA has made of the live views, kept from one run to the next: order, filter, and whether rows that rest are
 * shown. It is kept in a file of its own (HOME/views, mode 0600), so that the DBA's choices (HOME/config) are never written over; a view
 * that was frozen, its cursor and its place are not kept.
 *
 * A line for each thing that is not as the view begins:
 *
 *   VIEW sort COLUMN          VIEW reverse
 *   VIEW all                  VIEW filter WORDS
 *
 * The file is read when the screen starts and written a moment after a change and when the program is left. What cannot be read is left
 * as it is. */
#pragma once

#include "pgd/workspace/model.h"

/* Asks for the file. */
void view_state_start(struct model *m, struct effects *fx);
/* It was read, or written. */
void view_state_answer(struct model *m, const struct event *ev);
/* Writes what has changed since it was written last; nothing while a filter is being typed. */
void view_state_tick(struct model *m, struct effects *fx);
/* The same when the program is left: what is being typed counts, too. */
void view_state_leave(struct model *m, struct effects *fx);

/* The text of len bytes as the state of each view, as tableview_list numbers them. Lines with a view, a column or a word that is not
 * known are left out; what is not said is as the view begins. */
void view_state_parse(const char *text, size_t len, struct tableview_state out[TABLEVIEW_MAX]);
/* Appends that text. A filter that holds what looks like a secret is left out. */
void view_state_text(const struct tableview_state of[TABLEVIEW_MAX], struct buf *out);
