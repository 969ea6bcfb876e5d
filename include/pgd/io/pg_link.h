/* pg_link.h - one connection to the server: FX_PG_CONNECT, FX_PG_QUERY, FX_PG_CANCEL, FX_PG_CLOSE.
 * Private to io.
 *
 * Statements run one at a time in the order of their asking, each alone in the extended protocol, so
 * that ALTER SYSTEM is never inside a transaction block. Each is answered exactly once. A deadline
 * counts from the moment the statement is sent. */
#pragma once

#include "pgd/io/loop.h"

struct pg_link;

enum { PG_ROWS_MAX = 100000, PG_BYTES_MAX = 32 * 1024 * 1024, PG_CANCEL_GRACE_MS = 2000 };

struct pg_link *pg_link_new(struct loop *l, enum pg_conn conn);
/* Each takes the contents of the effect. */
void pg_link_connect(struct pg_link *k, struct effect *e);
void pg_link_query(struct pg_link *k, struct effect *e);
void pg_link_cancel(struct pg_link *k);
/* In silence, but for the statements, which are answered as lost. What runs is cancelled. */
void pg_link_close(struct pg_link *k);
/* Cancel requests that are still on their way. */
int pg_link_cancels(const struct pg_link *k);
/* After pg_link_close(): closes the handles, before the loop does; then frees, after the loop. */
void pg_link_shut(struct pg_link *k);
void pg_link_free(struct pg_link *k);
