/* extension.h - asking an extension's functions in a schema that is somebody else's.
 *
 * Who owns a schema may rename it and put another of its name in its place, with functions of his own: whatever calls by
 * name then runs them with the rights of our role. That must never happen, not even while a statement is planned, where
 * the server may call what is declared immutable. So a call is one message of several statements, one transaction:
 *
 *  1. The rows of the schema and of the functions are noted, with their versions, if the functions are the extension's
 *     own, of the language C, and of a superuser's or of ours, so that nobody else can replace them.
 *  2. The question is prepared: its names are resolved, nothing is planned.
 *  3. If the same rows are there in the same versions, the names have meant them all the while; else this step fails.
 *     It sets array_nulls to off: the prepared text has a constant which cannot be read then.
 *  4. The prepared question runs by the identities that step 2 has found. Where the server would look up the names once
 *     more, since something has changed meanwhile, it meets that constant and refuses.
 *
 * src/discovery/extension.c says why each step is needed. Such a message goes out with fx_several(). Behind a pooler
 * nothing may be prepared: there the schema has to be one that nobody but a superuser or our role can rename. */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"

/* Appends the question in which schema of the database an extension is; one row with `schema`, or none. pooled: only a
 * schema of a superuser or of our role. */
void extension_schema_sql(const char *extension, bool pooled, struct buf *out);

/* Functions of an extension that a question calls, as regprocedure prints them without the schema. */
enum { EXTENSION_FUNCTIONS = 3 };
struct extension_use {
    const char *extension, *schema; /* its schema in this database */
    const char *functions[EXTENSION_FUNCTIONS];
    int n;
};
/* Appends a question that calls them by that schema: a SELECT without a semicolon at its end. */
void extension_use_sql(const struct extension_use *use, const char *select, struct buf *out);

/* Appends a question to pg_stat_statements, whose functions `select` calls by that schema: a SELECT without a semicolon
 * at its end. info: it calls pg_stat_statements_info(), too. Behind a pooler `select` itself is sent instead, to a schema that
 * extension_schema_sql() has found for one. */
void extension_call_sql(const char *schema, bool info, const char *select, struct buf *out);
