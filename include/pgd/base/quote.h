/* quote.h - quoting of SQL text, our own because statements are shown before they are sent; tested
 * against quote_ident() and quote_literal(). */
#pragma once

#include "pgd/base/buf.h"

void quote_ident(struct buf *out,
                 const char *name); /* always in double quotes unless plainly safe */
void quote_literal(struct buf *out,
                   const char *value); /* '...' or E'...' with backslashes doubled */
/* A value in postgresql.conf as the server's own lexer reads it: quotes and backslashes doubled, and no byte that could end
 * the line. */
void quote_conf(struct buf *out, const char *value);
void quote_conninfo(struct buf *out, const char *value); /* '...' for a libpq connection string */
void quote_shell(struct buf *out, const char *value);    /* '...' for sh */
