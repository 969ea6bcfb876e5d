/* pg_answer.h - collects the results of one statement, row by row and bounded. Private to io. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pgd/base/err.h"
#include "pgd/base/rows.h"
#include "pgd/io/libpq.h"

struct pg_answer {
    char **names; /* ncols, owned; NULL before the first result */
    char **cells; /* owned */
    size_t ncells, cap, bytes;
    int ncols, nrows;
    char tag[32];
    bool too_big; /* rows are not kept any more */
    bool failed;
    bool ended;     /* one result is whole: another statement's takes its place */
    struct err err; /* the first error */
};

/* False: the result is of a kind that needs a conversation (COPY), the connection is of no use. */
bool pg_answer_add(struct pg_answer *a, const PGresult *res);
/* The rows, owned by the caller; *a is empty afterwards. */
struct rows *pg_answer_take(struct pg_answer *a);
void pg_answer_clear(struct pg_answer *a);
