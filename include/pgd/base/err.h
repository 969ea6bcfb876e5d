/* err.h - what went wrong, in the three sentences that PostgreSQL uses: message, detail, hint.
 *
 * The message is lower case without a full stop; detail and hint are sentences and may be empty. What err_set() and its
 * like put there is clean: printable, on one line. */
#pragma once

#include <stdbool.h>

#include "pgd/base/mem.h"

enum err_code {
    ERR_NONE,
    ERR_USAGE,     /* the command line or a typed value is wrong: exit 2 */
    ERR_CONNECT,   /* no connection to the server: exit 3 */
    ERR_PASSWORD,  /* the server wants a password that we do not have */
    ERR_SQL,       /* the server refused a statement; sqlstate tells why */
    ERR_LOST,      /* the connection went away */
    ERR_TIMEOUT,   /* no answer within the deadline */
    ERR_MODEL,     /* the model gave no answer that can be used */
    ERR_CHILD,     /* a program could not be started or failed */
    ERR_FILE,      /* a file could not be read or written */
    ERR_FULL,      /* there is no room left on the disk */
    ERR_FORMAT,    /* a file or an answer is not what it should be */
    ERR_REFUSED,   /* the guard or a policy refused */
    ERR_VERIFY,    /* a change did not take effect */
    ERR_BUSY,      /* somebody else holds it */
    ERR_CANCELLED, /* the DBA stopped it */
    ERR_INTERNAL
};

struct err {
    enum err_code code;
    char sqlstate[6]; /* "" unless the server gave one */
    char msg[256];
    char detail[512];
    char hint[256];
};

/* Fills *e (may be NULL) and returns false, so that a failure reads as `return err_set(...)`. */
bool err_set(struct err *e, enum err_code code, const char *fmt, ...) PGD_PRINTF(3, 4);
bool err_detail(struct err *e, const char *fmt, ...) PGD_PRINTF(2, 3);
bool err_hint(struct err *e, const char *fmt, ...) PGD_PRINTF(2, 3);
void err_clear(struct err *e);
const char *err_code_name(enum err_code code);
