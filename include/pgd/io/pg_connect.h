/* pg_connect.h - one attempt to connect, in a thread of its own: name look-ups, GSS, LDAP and the
 * passphrases of keys block inside libpq. Private to io. */
#pragma once

#include "pgd/io/libpq.h"
#include "pgd/io/loop.h"

/* Where notices of one connection go; lives from the attempt until the connection is finished. */
struct pg_notices {
    struct inbox *inbox; /* held */
    struct loop *loop;   /* used by the loop's thread only */
    enum pg_conn conn;
    struct req req;
    bool in_thread;  /* the attempt's thread still has the connection */
    int left;        /* notices that may still be posted before the next statement */
    char fatal[256]; /* the server's last words, "" if none */
};

struct pg_attempt;

/* Runs on the loop; the attempt is the callee's to release. */
typedef void (*pg_attempt_fn)(void *arg, struct pg_attempt *a);

/* keys and values: NULL-terminated, taken over. password: "" if none, copied. */
struct pg_attempt *pg_connect_start(struct loop *l, enum pg_conn conn, struct req req, char **keys,
                                    char **values, const char *password, pg_attempt_fn done,
                                    void *arg);
/* done is not called any more; what comes of the attempt is closed in silence. */
void pg_connect_abandon(struct pg_attempt *a);

/* In done(): */
const struct err *pg_connect_err(const struct pg_attempt *a); /* ERR_NONE: connected */
bool pg_connect_needs_password(const struct pg_attempt *a);
bool pg_connect_used_password(const struct pg_attempt *a);
const char *pg_connect_host(const struct pg_attempt *a);
const char *pg_connect_dbname(const struct pg_attempt *a);
const char *pg_connect_port(const struct pg_attempt *a);
PGconn *pg_connect_take(struct pg_attempt *a, struct pg_notices **notices);
void pg_connect_release(struct pg_attempt *a);

/* Once, before the first attempt: libpq asks nothing on the terminal. */
void pg_connect_setup(void);
void pg_notices_free(struct pg_notices *n);
