/* export_view.h - the rows of a live view as files: CSV for spreadsheets, JSON for programs.
 *
 * Both hold all columns of the view and the rows that it shows, in its order: after the filter, sorted. A figure is written as it was
 * read, without a unit: bytes, milliseconds, seconds, percent, and for a rate (its name ends in _per_s) the difference by the second. */
#pragma once

#include "pgd/telemetry/tableview.h"

/* What the rows were taken of. Borrowed. */
struct export_view_head {
    const char *server; /* "postgres@10.0.0.230" */
    const char *database;
    int64_t taken_us; /* epoch */
    const char *filter;
    const char *sorted_by; /* a column's name; "" = by none */
    bool down;
};

/* RFC 4180: a line of names, CRLF, cells in quotes where they hold a comma, a quote or the end of a line. A text that a spreadsheet
 * would take for a formula (it begins with =, +, -, @, a tab or a carriage return) gets an apostrophe in front, which such a program
 * does not show; JSON has every text as it is. Passwords that secret_redact() knows or
 * sees are asterisks in both. */
void export_view_csv(const struct tableview *v, const struct tableview_rows *t,
                     const struct tableview_order *o, struct buf *out);
/* An object: view, server, database, taken_at, filter, sorted_by, descending, columns (name, header, unit), rows (objects by name; null
 * for what is not known), more_rows (the server had more than are kept). */
void export_view_json(const struct tableview *v, const struct tableview_rows *t,
                      const struct tableview_order *o, const struct export_view_head *head,
                      struct buf *out);
/* The row as a line: its cells side by side with tabs between them, as the screen shows them. */
void export_view_row(const struct tableview *v, const struct tableview_rows *t, int row,
                     struct buf *out);
