/* pg_answer.c - from results of libpq's single-row mode to struct rows. */
#include "pgd/io/pg_answer.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/io/pg_error.h"
#include "pgd/io/pg_link.h"

static void free_cells(struct pg_answer *a)
{
    for (size_t i = 0; i < a->ncells; i++)
        free(a->cells[i]);
    free(a->cells);
    a->cells = NULL;
    a->ncells = a->cap = 0;
}

static void keep_names(struct pg_answer *a, const PGresult *res)
{
    if (a->names)
        return;
    a->ncols = PQnfields(res);
    a->names = xcalloc((size_t)a->ncols + 1, sizeof(*a->names));
    for (int i = 0; i < a->ncols; i++)
        a->names[i] = xstrdup(PQfname(res, i));
}

static void keep_row(struct pg_answer *a, const PGresult *res, int row)
{
    if (a->nrows >= PG_ROWS_MAX || a->bytes >= PG_BYTES_MAX) {
        a->too_big = true;
        free_cells(a);
        return;
    }
    a->cells = xgrow(a->cells, &a->cap, a->ncells + (size_t)a->ncols, sizeof(*a->cells));
    for (int i = 0; i < a->ncols; i++) {
        char *cell = NULL;
        if (!PQgetisnull(res, row, i)) {
            const size_t n = (size_t)PQgetlength(res, row, i);
            cell = xstrndup(PQgetvalue(res, row, i), n);
            a->bytes += n;
        }
        a->bytes += sizeof(char *);
        a->cells[a->ncells++] = cell;
    }
    a->nrows++;
}

/* Of several statements in one message the last one that has columns answers. */
static void begin_again(struct pg_answer *a)
{
    free_cells(a);
    for (int i = 0; a->names && i < a->ncols; i++)
        free(a->names[i]);
    free(a->names);
    a->names = NULL;
    a->ncols = a->nrows = 0;
    a->bytes = 0;
}

bool pg_answer_add(struct pg_answer *a, const PGresult *res)
{
    switch (PQresultStatus(res)) {
    case PGRES_SINGLE_TUPLE:
    case PGRES_TUPLES_OK:
        if (a->ended)
            begin_again(a);
        a->ended = PQresultStatus(res) == PGRES_TUPLES_OK;
        keep_names(a, res);
        for (int i = 0; i < PQntuples(res) && !a->too_big; i++)
            keep_row(a, res, i);
        text_copy(a->tag, sizeof(a->tag), PQcmdStatus((PGresult *)res));
        return true;
    case PGRES_COMMAND_OK:
        text_copy(a->tag, sizeof(a->tag), PQcmdStatus((PGresult *)res));
        return true;
    case PGRES_EMPTY_QUERY:
        return true;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
        return false;
    default:
        if (!a->failed)
            pg_error_result(&a->err, res);
        a->failed = true;
        return true;
    }
}

struct rows *pg_answer_take(struct pg_answer *a)
{
    struct rows *r = rows_new(0, a->ncols);
    for (int i = 0; i < a->ncols; i++) {
        free(r->names[i]);
        r->names[i] = a->names[i];
    }
    if (a->cells) {
        free(r->cells);
        r->cells = a->cells;
    }
    r->nrows = a->nrows;
    text_copy(r->tag, sizeof(r->tag), a->tag);
    free(a->names);
    *a = (struct pg_answer){0};
    return r;
}

void pg_answer_clear(struct pg_answer *a)
{
    free_cells(a);
    for (int i = 0; a->names && i < a->ncols; i++)
        free(a->names[i]);
    free(a->names);
    *a = (struct pg_answer){0};
}
