/* session_rows.h - the sessions of a workspace as rows of its list, newest first; a workspace may have thousands. */
#pragma once

#include "pgd/workspace/model.h"

/* Makes room for an empty row before number `at` (nsessions: behind the last); its figures are NAN. Rows that were
 * looked at before may have moved. NULL: the list is full (SESSION_ROWS_MAX). */
struct session_row *session_rows_add(struct workspace *w, int at);
void session_rows_remove(struct workspace *w, int at);
/* Puts a row of the list before all others; returns it. */
struct session_row *session_rows_front(struct workspace *w, int at);
void session_rows_clear(struct workspace *w);
/* The row of that name; -1 = there is none. */
int session_rows_find(const struct workspace *w, const char *name);
/* The session that can be gone on with: the one at hand, else the newest of the list that has not ended; "" = none. */
const char *session_rows_open(const struct model *m);
/* Newest first, by what changed last; quick enough for the loop's thread with a full list. */
void session_rows_sort(struct workspace *w);
/* Whoever writes to a row says so: what is kept of its text is made again. */
void session_rows_changed(struct session_row *r);
