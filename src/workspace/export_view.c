/* export_view.c - see export_view.h. */
#include "pgd/workspace/export_view.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/mem.h"
#include "pgd/base/secret.h"

enum { DIGITS = 15, NAME_MAX_BYTES = 80 };

static void column_name(const struct tableview_column *k, char *dst, size_t size)
{
    snprintf(dst, size, "%s%s", k->name, k->rate ? "_per_s" : "");
}

static const char *unit_of(const struct tableview_column *k)
{
    switch (k->kind) {
    case TV_BYTES:
        return k->rate ? "bytes/s" : "bytes";
    case TV_MS:
        return k->rate ? "ms/s" : "ms";
    case TV_DURATION:
        return "s";
    case TV_PERCENT:
        return "percent";
    case TV_INT:
    case TV_FLOAT:
        return k->rate ? "1/s" : "";
    case TV_TEXT:
    case TV_BOOL:
        break;
    }
    return "";
}

/* A text for a file: statements and messages hold passwords. To be freed. */
static char *fit_to_leave(const struct tableview_rows *t, int row, int col)
{
    char *copy = xstrdup(tableview_text(t, row, col));

    secret_redact(copy);
    return copy;
}

/* ---- CSV ---- */

static void put_csv(struct buf *out, const char *text, bool is_text)
{
    bool formula = is_text && *text && strchr("=+-@\t\r", *text);

    if (!formula && !strpbrk(text, ",\"\r\n")) {
        buf_puts(out, text);
        return;
    }
    buf_puts(out, formula ? "\"'" : "\"");
    for (; *text; text++) {
        if (*text == '"')
            buf_putc(out, '"');
        buf_putc(out, *text);
    }
    buf_putc(out, '"');
}

static void put_csv_text(struct buf *out, const struct tableview_rows *t, int row, int col)
{
    char *text = fit_to_leave(t, row, col);

    put_csv(out, text, true);
    free(text);
}

static void put_csv_cell(const struct tableview *v, const struct tableview_rows *t, int row,
                         int col, struct buf *out)
{
    const struct tableview_column *k = &v->columns[col];
    double value = tableview_at(t, row, col)->value;

    if (k->kind == TV_TEXT)
        put_csv_text(out, t, row, col);
    else if (isfinite(value) && k->kind == TV_BOOL)
        buf_puts(out, value != 0 ? "true" : "false");
    else if (isfinite(value))
        buf_printf(out, "%.*g", DIGITS, value);
}

void export_view_csv(const struct tableview *v, const struct tableview_rows *t,
                     const struct tableview_order *o, struct buf *out)
{
    int ncols = tableview_columns(v);
    char name[NAME_MAX_BYTES];

    for (int c = 0; c < ncols; c++) {
        column_name(&v->columns[c], name, sizeof name);
        buf_puts(out, c ? "," : "");
        put_csv(out, name, true);
    }
    buf_puts(out, "\r\n");
    for (int i = 0; i < o->n; i++) {
        for (int c = 0; c < ncols; c++) {
            buf_puts(out, c ? "," : "");
            put_csv_cell(v, t, o->rows[i], c, out);
        }
        buf_puts(out, "\r\n");
    }
}

/* ---- JSON ---- */

static json_t *json_text(const struct tableview_rows *t, int row, int col)
{
    char *text = fit_to_leave(t, row, col);
    json_t *value = json_string(text);

    free(text);
    return value;
}

static json_t *json_cell(const struct tableview *v, const struct tableview_rows *t, int row,
                         int col)
{
    const struct tableview_cell *cell = tableview_at(t, row, col);
    enum tableview_kind kind = v->columns[col].kind;

    if (kind == TV_TEXT)
        return cell->text ? json_text(t, row, col) : json_null();
    if (!isfinite(cell->value))
        return json_null();
    if (kind == TV_BOOL)
        return json_boolean(cell->value != 0);
    if (cell->value == floor(cell->value) && fabs(cell->value) < 9e15)
        return json_integer((json_int_t)cell->value);
    return json_real(cell->value);
}

static json_t *json_columns(const struct tableview *v)
{
    json_t *list = json_array();
    char name[NAME_MAX_BYTES];

    for (int c = 0; c < tableview_columns(v); c++) {
        const struct tableview_column *k = &v->columns[c];
        column_name(k, name, sizeof name);
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "name", name, "header", k->header,
                                              "unit", unit_of(k)));
    }
    return list;
}

static void put_json(struct buf *out, json_t *value)
{
    char *text = json_dumps(value, JSON_ENSURE_ASCII | JSON_COMPACT | JSON_ENCODE_ANY |
                                       JSON_REAL_PRECISION(DIGITS));

    buf_puts(out, text ? text : "null");
    free(text);
    json_decref(value);
}

static void put_member(struct buf *out, const char *name, json_t *value)
{
    buf_printf(out, "\"%s\": ", name);
    put_json(out, value);
    buf_puts(out, ",\n");
}

void export_view_json(const struct tableview *v, const struct tableview_rows *t,
                      const struct tableview_order *o, const struct export_view_head *head,
                      struct buf *out)
{
    int ncols = tableview_columns(v);
    char names[TABLEVIEW_COLS][NAME_MAX_BYTES], taken[40];

    clock_iso(head->taken_us, taken, sizeof taken);
    buf_puts(out, "{\n");
    put_member(out, "view", json_string(v->name));
    put_member(out, "server", json_string(head->server));
    put_member(out, "database", json_string(head->database));
    put_member(out, "taken_at", json_string(taken));
    put_member(out, "filter", json_string(head->filter));
    put_member(out, "sorted_by", json_string(head->sorted_by));
    put_member(out, "descending", json_boolean(head->down));
    put_member(out, "more_rows", json_boolean(t->more));
    put_member(out, "columns", json_columns(v));
    buf_puts(out, "\"rows\": [");
    for (int c = 0; c < ncols; c++)
        column_name(&v->columns[c], names[c], sizeof names[c]);
    for (int i = 0; i < o->n; i++) {
        json_t *row = json_object();
        for (int c = 0; c < ncols; c++)
            json_object_set_new(row, names[c], json_cell(v, t, o->rows[i], c));
        buf_puts(out, i ? ",\n" : "\n");
        put_json(out, row);
    }
    buf_puts(out, "\n]}\n");
}

void export_view_row(const struct tableview *v, const struct tableview_rows *t, int row,
                     struct buf *out)
{
    char shown[TABLEVIEW_TEXT + 1];

    for (int c = 0; c < tableview_columns(v); c++) {
        tableview_show(v, t, row, c, shown, sizeof shown);
        buf_printf(out, "%s%s", c ? "\t" : "", shown);
    }
}
