/* A table of text cells. Reading is tolerant (a column that an older server lacks is simply not
 * there); writing outside of the table is a broken contract. */
#include "pgd/base/rows.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/buf.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"

struct rows *rows_new(int nrows, int ncols)
{
    if (nrows < 0 || ncols < 0 || (ncols > 0 && nrows > INT_MAX / ncols))
        die("rows of %d x %d cells", nrows, ncols);
    struct rows *r = xcalloc(1, sizeof *r);
    r->nrows = nrows;
    r->ncols = ncols;
    r->names = xcalloc((size_t)ncols, sizeof *r->names);
    r->cells = xcalloc((size_t)nrows * (size_t)ncols, sizeof *r->cells);
    return r;
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    size_t n = (size_t)r->nrows * (size_t)r->ncols;
    for (size_t i = 0; i < n; i++)
        free(r->cells[i]);
    for (int i = 0; i < r->ncols; i++)
        free(r->names[i]);
    free(r->cells);
    free(r->names);
    free(r);
}

void rows_set_name(struct rows *r, int col, const char *name)
{
    if (col < 0 || col >= r->ncols)
        die("rows: no column %d of %d", col, r->ncols);
    char *copy = xstrdup(name);
    free(r->names[col]);
    r->names[col] = copy;
}

void rows_set(struct rows *r, int row, int col, const char *text)
{
    if (row < 0 || row >= r->nrows || col < 0 || col >= r->ncols)
        die("rows: no cell %d,%d of %d,%d", row, col, r->nrows, r->ncols);
    char **cell = &r->cells[(size_t)row * (size_t)r->ncols + (size_t)col];
    char *copy = text ? xstrdup(text) : NULL;
    free(*cell);
    *cell = copy;
}

int rows_col(const struct rows *r, const char *name)
{
    for (int i = 0; r && i < r->ncols; i++)
        if (r->names[i] && strcmp(r->names[i], name) == 0)
            return i;
    return -1;
}

const char *rows_text(const struct rows *r, int row, const char *name)
{
    int col = rows_col(r, name);
    if (col < 0 || row < 0 || row >= r->nrows)
        return NULL;
    return r->cells[(size_t)row * (size_t)r->ncols + (size_t)col];
}

double rows_double(const struct rows *r, int row, const char *name, double otherwise)
{
    const char *text = rows_text(r, row, name);
    double value;
    return text && text_double(text, &value) ? value : otherwise;
}

int64_t rows_int64(const struct rows *r, int row, const char *name, int64_t otherwise)
{
    const char *text = rows_text(r, row, name);
    int64_t value;
    return text && text_int64(text, &value) ? value : otherwise;
}

bool rows_bool(const struct rows *r, int row, const char *name, bool otherwise)
{
    const char *text = rows_text(r, row, name);
    if (!text)
        return otherwise;
    if (strcmp(text, "t") == 0 || strcmp(text, "true") == 0 || strcmp(text, "on") == 0)
        return true;
    if (strcmp(text, "f") == 0 || strcmp(text, "false") == 0 || strcmp(text, "off") == 0)
        return false;
    return otherwise;
}

/* What a backslash and this letter stand for, as in COPY; 0 if nothing: the backslash then
 * stands for itself. */
static char unescape(char letter)
{
    switch (letter) {
    case 'n':
        return '\n';
    case 't':
        return '\t';
    case '|':
    case '\\':
        return letter;
    default:
        return 0;
    }
}

/* Reads one cell into `cell`; returns its end, which is at '|', at '\n' or at the end of the
 * text. */
static const char *parse_cell(const char *p, struct buf *cell, bool *null)
{
    buf_consume(cell, cell->len);
    *null = p[0] == '\\' && p[1] == 'N' && strchr("|\n", p[2]);
    if (*null)
        return p + 2;
    while (*p && *p != '|' && *p != '\n') {
        char c = *p++;
        char meant = c == '\\' ? unescape(*p) : 0;
        if (meant)
            p++;
        buf_putc(cell, meant ? meant : c);
    }
    return p;
}

/* One line into names (row -1) or cells. Returns the start of the next line. */
static const char *parse_line(struct rows *r, int row, const char *p)
{
    struct buf cell = {0};
    for (int col = 0;; col++) {
        bool null;
        p = parse_cell(p, &cell, &null);
        if (col < r->ncols && row < 0)
            rows_set_name(r, col, buf_text(&cell));
        else if (col < r->ncols)
            rows_set(r, row, col, null ? NULL : buf_text(&cell));
        if (*p != '|')
            break;
        p++;
    }
    buf_clear(&cell);
    return *p ? p + 1 : p;
}

struct rows *rows_parse(const char *text)
{
    int ncols = 1;
    const char *p = text;
    for (; *p && *p != '\n'; p++)
        ncols += *p == '|';
    if (p == text)
        ncols = 0;
    int nlines = 0;
    for (p = text; *p; nlines++) {
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    int nrows = nlines > 1 ? nlines - 1 : 0;
    struct rows *r = rows_new(nrows, ncols);
    p = text;
    for (int row = -1; row < nrows; row++)
        p = parse_line(r, row, p);
    snprintf(r->tag, sizeof r->tag, "SELECT %d", nrows);
    return r;
}
