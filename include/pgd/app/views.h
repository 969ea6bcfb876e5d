/* views.h - the live view that has the body of the screen: when it is asked for, and what its keys do.
 *
 * Only the view that is shown is asked, once a second, over a connection of its own (CONN_VIEWS) that is closed with it; a question is
 * not put before the last one is answered. Statements are cut off after half a second. */
#pragma once

#include "pgd/app/commands.h"

/* Opens a view in place of the panes, or changes to it; NULL: back to the panes. */
void views_open(struct model *m, const struct tableview *v, struct effects *fx);
void views_close(struct model *m, struct effects *fx);
/* "/view NAME"; without a name the menu. */
void views_command(struct model *m, const char *args, struct effects *fx);
void views_tick(struct model *m, struct effects *fx);
/* Answers of OWNER_VIEWS, and CONN_VIEWS up or down. */
void views_event(struct model *m, const struct event *ev, struct effects *fx);
/* A key's action where it means something else in a view. False: it is the panes' own. */
bool views_action(struct model *m, enum key_command c, struct effects *fx);
/* Keys that are typed into the filter. False: none is being typed. */
bool views_typing(struct model *m, struct key k);
/* What is pasted goes into the filter that is being typed, as one line. */
void views_paste(struct model *m, const char *text, size_t len);
/* The menu (DIALOG_VIEWS). */
bool views_key(struct model *m, struct key k, struct effects *fx);
