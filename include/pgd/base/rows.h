/* rows.h - the rows of one SQL statement as text cells: what pg_link hands to the domain.
 *
 * Bounded by the sender (rows and bytes); a NULL cell is an SQL NULL. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rows {
    int nrows;
    int ncols;
    char **names; /* ncols, owned */
    char **cells; /* nrows * ncols, row by row, owned; NULL for SQL NULL */
    char tag[32]; /* command tag: "SELECT 4", "ALTER SYSTEM" */
};

struct rows *rows_new(int nrows, int ncols);
void rows_free(struct rows *r);
void rows_set_name(struct rows *r, int col, const char *name);
void rows_set(struct rows *r, int row, int col, const char *text);
int rows_col(const struct rows *r, const char *name); /* -1 if there is none */
/* NULL when the column is missing, the row out of range or the cell NULL. Borrowed. */
const char *rows_text(const struct rows *r, int row, const char *name);
double rows_double(const struct rows *r, int row, const char *name, double otherwise);
int64_t rows_int64(const struct rows *r, int row, const char *name, int64_t otherwise);
bool rows_bool(const struct rows *r, int row, const char *name,
               bool otherwise); /* t/f, true/false */
/* Builds rows for tests and replays: "a|b\n1|2\n" with "\\N" for NULL; in a cell a backslash
 * before n, t, '|' or itself is read as in COPY, before anything else it stands for itself.
 * Missing cells are NULL. */
struct rows *rows_parse(const char *text);
