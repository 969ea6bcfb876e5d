/* pg_error.h - what libpq and the server say, as struct err. Private to io.
 *
 * libpq gives no SQLSTATE for a failed connect, so its text is searched; a text in another language
 * keeps its words and only loses the hint. */
#pragma once

#include "pgd/base/err.h"
#include "pgd/io/libpq.h"

/* text: PQerrorMessage(); host and port as far as they are known, "" otherwise. */
void pg_error_connect(struct err *e, const char *text, const char *host, const char *port,
                      bool needs_password, bool used_password);
void pg_error_result(struct err *e, const PGresult *res);
/* The connection is gone; text: what libpq or the server said, or "". */
void pg_error_lost(struct err *e, const char *host, const char *port, const char *text);
