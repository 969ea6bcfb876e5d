/* libpq.h - libpq's header. Its `struct pg_conn`, of which we only ever see PGconn pointers, would clash
 * with `enum pg_conn` of event.h. Private to io. */
#pragma once

#define pg_conn pgd_libpq_conn
#include <libpq-fe.h>
#undef pg_conn
