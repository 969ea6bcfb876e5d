/* steps.h - a question by names that others own, as one message of several statements: one transaction. It is sent with
 * fx_several().
 *
 *  1. Settings are made for the transaction alone.
 *  2. The question is prepared: its names are resolved and its relations locked (ACCESS SHARE), nothing is planned.
 *  3. The check: do the names mean what was looked at before? If not this step fails. If so it sets array_nulls to
 *     off: the prepared text has a constant which cannot be read then.
 *  4. The prepared question runs by the identities that step 2 has found. Where the server would look up the names once
 *     more, since something has changed meanwhile, it meets that constant and refuses. */
#pragma once

#include "pgd/base/buf.h"

/* Appends the message. set: more columns of the first SELECT, "" for none; select: the question, without a semicolon at its
 * end; check: a condition; refusal: what the error says where it does not hold. */
void steps_sql(const char *set, const char *select, const char *check, const char *refusal,
               struct buf *out);
