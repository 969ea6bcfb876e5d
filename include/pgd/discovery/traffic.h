/* traffic.h - which statements a database spends its time on, from pg_stat_statements of versions 12 to 18.
 *
 * Only the texts of statements that read are ever asked for: a utility statement such as ALTER ROLE … PASSWORD keeps its
 * constants, so its text stays in the server. What this program itself has sent is left out. */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"
#include "pgd/base/rows.h"

enum { TRAFFIC_MAX = 60 };

enum traffic_kind {
    TRAFFIC_READ,   /* SELECT, WITH, VALUES, TABLE */
    TRAFFIC_WRITE,  /* INSERT, UPDATE, DELETE, MERGE */
    TRAFFIC_HIDDEN, /* of other roles, which ours may not see */
    TRAFFIC_OTHER   /* utility statements */
};

struct traffic_row {
    char id[24]; /* queryid */
    enum traffic_kind kind;
    double calls, total_ms, rows; /* since the statistics began */
    double share;                 /* of the time of all that read or write, 0 to 1 */
    char *query;                  /* owned; NULL unless it reads */
    bool own;                     /* our own role has sent it */
};

struct traffic {
    int n; /* most time first */
    struct traffic_row rows[TRAFFIC_MAX];
    double total_ms;    /* of all that read or write, also those that are not in `rows` */
    double write_share; /* of it */
    int statements;     /* that read or write */
};

/* schema: where the extension is. version as in server_version_num. */
void traffic_sql(int version, const char *schema, struct buf *out);
/* The same for another text about those statements: @schema@, @time@ and @toplevel@ in it are filled in. */
void traffic_fill_in(const char *text, int version, const char *schema, struct buf *out);
/* False: there is nothing in the rows. t is overwritten. */
bool traffic_read(const struct rows *r, struct traffic *t);
void traffic_clear(struct traffic *t);
