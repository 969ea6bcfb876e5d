/* links.h - the connections: who is wanted, who is up, when the next try is due.
 *
 * A lost link is tried again after 0.1 s, then with back-off up to 0.8 s, for as long as it takes; the
 * screen shows the countdown. Where the server has no connection left for us it is tried every 5 s. */
#pragma once

#include "pgd/workspace/model.h"

/* Wants a connection; database NULL = as on the command line. */
void links_open(struct model *m, enum pg_conn conn, const char *database, struct effects *fx);
void links_close(struct model *m, enum pg_conn conn, struct effects *fx);
/* EV_PG_UP and EV_PG_DOWN. Returns false for an answer of an older generation. */
bool links_event(struct model *m, const struct event *ev, struct effects *fx);
void links_timer(struct model *m, const struct event *ev, struct effects *fx);
/* The DBA typed a password: try again with it. */
void links_password(struct model *m, secret_id password, struct effects *fx);
/* The effect that would open conn: a template for the machines that need a fresh session. Caller clears. */
void links_template(const struct model *m, enum pg_conn conn, const char *database,
                    struct effect *e);
/* Adds to the variables of pgbench (NAME=VALUE lines) what sets the limits and habits of our role aside in a database of our
 * own making; nothing where it has none, or where the DBA gave options of his own. */
void links_own_options(const struct model *m, const char *database, char *way, size_t size);
