/* tableview.c - see tableview.h: reading, differences, what a cell shows. Order, filter and cursor are in tableview_order.c. */
#include "pgd/telemetry/tableview.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/quote.h"
#include "pgd/base/text.h"

/* An older sample says nothing about the load of today. */
static const double before_s = 60;

const struct tableview *tableview_find(const char *name)
{
    const struct tableview *begins = NULL;
    size_t n = strlen(name);

    for (int i = 0; i < tableview_count && n > 0; i++) {
        const struct tableview *v = &tableview_list[i];
        if (text_eq_nocase(v->name, name))
            return v;
        if (!begins && strncmp(v->name, name, n) == 0)
            begins = v;
    }
    return begins;
}

const struct tableview *tableview_by_key(uint32_t key)
{
    for (int i = 0; i < tableview_count && key; i++)
        if ((uint32_t)(unsigned char)tableview_list[i].key == key)
            return &tableview_list[i];
    return NULL;
}

int tableview_index(const struct tableview *v)
{
    return (int)(v - tableview_list);
}

const char *tableview_asset(const struct tableview *v, int version)
{
    const char *asset = NULL;

    for (int i = 0; i < TABLEVIEW_VERSIONS && v->sql[i].asset; i++)
        if (version >= v->sql[i].from)
            asset = v->sql[i].asset;
    return asset;
}

/* A number of at most two digits at *p, which moves behind it; `otherwise` where there is none. */
static int major_at(const char **p, int otherwise)
{
    int n = 0, digits = 0;

    for (; digits < 2 && **p >= '0' && **p <= '9'; digits++)
        n = n * 10 + *(*p)++ - '0';
    return digits ? n : otherwise;
}

/* Does a line, which has len bytes and a newline or NUL behind them, go to this major version? *keep is its length without
 * the mark. */
static bool line_goes_to(const char *line, size_t len, int major, size_t *keep)
{
    static const char mark[] = " --@";
    const char *at = memmem(line, len, mark, sizeof mark - 1), *p;
    int from, to;

    *keep = len;
    if (!at)
        return true;
    p = at + sizeof mark - 1;
    from = major_at(&p, 0);
    if (strncmp(p, "..", 2) != 0)
        return true;
    p += 2;
    to = major_at(&p, major);
    if (p != line + len)
        return true;
    *keep = (size_t)(at - line);
    return major >= from && major <= to;
}

static void put_lines(const char *text, int major, struct buf *out)
{
    size_t len, keep;

    for (; *text; text += len + (text[len] == '\n')) {
        len = strcspn(text, "\n");
        if (line_goes_to(text, len, major, &keep)) {
            buf_append(out, text, keep);
            buf_putc(out, '\n');
        }
    }
}

void tableview_resolve(const char *text, int version, const char *schema, struct buf *out)
{
    static const char mark[] = "@schema@";
    struct buf lines = {0};
    const char *p;

    put_lines(asset_body(text), version / 10000, &lines);
    p = buf_text(&lines);
    for (const char *at; (at = strstr(p, mark)) != NULL; p = at + sizeof mark - 1) {
        buf_append(out, p, (size_t)(at - p));
        quote_ident(out, schema);
    }
    buf_puts(out, p);
    buf_clear(&lines);
    while (out->len > 0 && (out->data[out->len - 1] == '\n' || out->data[out->len - 1] == ';'))
        out->data[--out->len] = '\0';
}

bool tableview_sql(const char *asset, int version, const char *schema, struct buf *out)
{
    const struct asset *a = asset_find(asset);

    if (a)
        tableview_resolve((const char *)a->data, version, schema, out);
    return a != NULL;
}

int tableview_columns(const struct tableview *v)
{
    int n = 0;

    while (n < TABLEVIEW_COLS && v->columns[n].name)
        n++;
    return n;
}

int tableview_column_of(const struct tableview *v, const char *name)
{
    for (int i = 0; name && i < TABLEVIEW_COLS && v->columns[i].name; i++)
        if (strcmp(v->columns[i].name, name) == 0)
            return i;
    return -1;
}

/* ---- reading ---- */

void tableview_clear(struct tableview_rows *t)
{
    free(t->cells);
    free(t->keys);
    free(t->depth);
    buf_clear(&t->texts);
    memset(t, 0, sizeof *t);
}

/* Where a cleaned copy of the text begins; 0 = there is none, or no room is left for it. */
static uint32_t keep_text(struct tableview_rows *t, const char *text, size_t most)
{
    char clean[TABLEVIEW_TEXT + 1];
    uint32_t at = (uint32_t)t->texts.len;

    if (!text || t->texts.len >= TABLEVIEW_TEXTS)
        return 0;
    text_copy(clean, most < sizeof clean ? most : sizeof clean, text);
    buf_append(&t->texts, clean, strlen(clean) + 1);
    return at;
}

/* Key columns side by side; a row without any has its number. Columns that are not shown may be part of it. */
static uint32_t keep_key(const struct tableview *v, const struct rows *r, int row,
                         struct tableview_rows *t)
{
    struct buf key = {0};

    for (int i = 0; i < TABLEVIEW_KEYS && v->key_columns[i]; i++) {
        const char *text = rows_text(r, row, v->key_columns[i]);
        buf_printf(&key, "%s%.63s", i ? TABLEVIEW_SEPARATOR : "", text ? text : "");
    }
    if (!v->key_columns[0])
        buf_printf(&key, "%d", row);
    uint32_t at = keep_text(t, buf_text(&key), TABLEVIEW_KEY);
    buf_clear(&key);
    return at;
}

static double number_of(enum tableview_kind kind, const char *text)
{
    double value;

    if (!text)
        return NAN;
    if (kind == TV_BOOL)
        return strcmp(text, "t") == 0 || strcmp(text, "true") == 0 || strcmp(text, "on") == 0;
    return text_double(text, &value) && isfinite(value) ? value : NAN;
}

/* Keys of a sample by their hash: open addressing, half full at the most. */
enum { SLOTS = 1024 };
_Static_assert(SLOTS >= 2 * TABLEVIEW_ROWS, "half full at the most");
struct key_index {
    short rows[SLOTS]; /* 1 + row; 0 = empty */
};

static unsigned slot_of(const char *key)
{
    uint32_t h = 2166136261U;

    for (; *key; key++)
        h = (h ^ (unsigned char)*key) * 16777619U;
    return h % SLOTS;
}

static void index_keys(const struct tableview_rows *t, struct key_index *index)
{
    memset(index, 0, sizeof *index);
    for (int i = 0; i < t->n; i++) {
        unsigned at = slot_of(tableview_key(t, i));
        while (index->rows[at])
            at = (at + 1) % SLOTS;
        index->rows[at] = (short)(i + 1);
    }
}

static int find_key(const struct tableview_rows *t, const struct key_index *index, const char *key)
{
    for (unsigned at = slot_of(key); index->rows[at]; at = (at + 1) % SLOTS)
        if (strcmp(tableview_key(t, index->rows[at] - 1), key) == 0)
            return index->rows[at] - 1;
    return -1;
}

/* Counters that went backwards were reset: what happened meanwhile is not known. */
static void take_rates(const struct tableview *v, const struct tableview_rows *before,
                       struct tableview_rows *t)
{
    struct key_index index;
    double secs = before ? (double)(t->at_us - before->at_us) / 1e6 : NAN;
    bool usable = before && before->n > 0 && before->ncols == t->ncols && secs > 0.05 &&
                  secs < before_s;

    if (usable)
        index_keys(before, &index);
    for (int i = 0; i < t->n; i++) {
        int was = usable ? find_key(before, &index, tableview_key(t, i)) : -1;
        for (int c = 0; c < t->ncols; c++) {
            struct tableview_cell *cell = &t->cells[i * t->ncols + c];
            if (!v->columns[c].rate)
                continue;
            double by = was < 0 ? (double)NAN : cell->raw - tableview_at(before, was, c)->raw;
            cell->value = by >= 0 ? by / secs : (double)NAN;
        }
    }
}

static void take_cell(const struct tableview_column *col, const char *text,
                      struct tableview_rows *t, struct tableview_cell *cell)
{
    cell->raw = cell->value = NAN;
    if (col->kind == TV_TEXT)
        cell->text = keep_text(t, text, TABLEVIEW_TEXT);
    else
        cell->raw = cell->value = number_of(col->kind, text);
}

bool tableview_read(const struct tableview *v, const struct rows *r, int64_t at_us,
                    const struct tableview_rows *before, struct tableview_rows *out)
{
    int at[TABLEVIEW_COLS], known = 0;

    tableview_clear(out);
    out->ncols = tableview_columns(v);
    for (int c = 0; c < out->ncols; c++) {
        at[c] = rows_col(r, v->columns[c].name);
        known += at[c] >= 0;
        out->absent |= at[c] < 0 ? 1U << c : 0;
    }
    if (!r || known == 0)
        return false;
    out->at_us = at_us;
    out->n = r->nrows < TABLEVIEW_ROWS ? r->nrows : TABLEVIEW_ROWS;
    out->more = r->nrows > TABLEVIEW_ROWS;
    out->cells = xcalloc((size_t)(out->n * out->ncols) + 1, sizeof *out->cells);
    out->keys = xcalloc((size_t)out->n + 1, sizeof *out->keys);
    out->depth = xcalloc((size_t)out->n + 1, sizeof *out->depth);
    buf_append(&out->texts, "", 1);
    for (int i = 0; i < out->n; i++) {
        const char *note = rows_text(r, i, "note");
        if (note && !out->note[0])
            text_copy(out->note, sizeof out->note, note);
        out->keys[i] = keep_key(v, r, i, out);
        for (int c = 0; c < out->ncols; c++)
            take_cell(&v->columns[c], at[c] < 0 ? NULL : r->cells[i * r->ncols + at[c]], out,
                      &out->cells[i * out->ncols + c]);
    }
    take_rates(v, before, out);
    if (v->form == TABLEVIEW_TREE)
        tableview_tree(v, out);
    return true;
}

const struct tableview_cell *tableview_at(const struct tableview_rows *t, int row, int col)
{
    static const struct tableview_cell none = {.raw = NAN, .value = NAN};

    if (row < 0 || row >= t->n || col < 0 || col >= t->ncols)
        return &none;
    return &t->cells[row * t->ncols + col];
}

const char *tableview_text(const struct tableview_rows *t, int row, int col)
{
    uint32_t at = tableview_at(t, row, col)->text;
    return at ? t->texts.data + at : "";
}

const char *tableview_key(const struct tableview_rows *t, int row)
{
    return row >= 0 && row < t->n && t->keys[row] ? t->texts.data + t->keys[row] : "";
}

/* ---- what a cell shows ---- */

void tableview_duration(char *dst, size_t size, double s)
{
    if (!isfinite(s))
        snprintf(dst, size, "%s", "");
    else if (s < 0) /* the server's clock and its transactions' do not agree to the microsecond */
        snprintf(dst, size, "0.0 s");
    else if (s < 10)
        snprintf(dst, size, "%.1f s", s);
    else if (s < 60)
        snprintf(dst, size, "%.0f s", floor(s));
    else if (s < 3600)
        snprintf(dst, size, "%d:%02d min", (int)s / 60, (int)s % 60);
    else if (s < 86400)
        snprintf(dst, size, "%d:%02d h", (int)s / 3600, (int)s / 60 % 60);
    else if (s < 1e9)
        snprintf(dst, size, "%d d %d h", (int)(s / 86400), (int)fmod(s / 3600, 24));
    else
        snprintf(dst, size, "long");
}

/* "1234", "45.2k", "3.1M": never wider than six. */
static void count_text(char *dst, size_t size, double v, bool fine)
{
    if (fabs(v) >= 1e15)
        snprintf(dst, size, "%.1e", v);
    else if (fabs(v) >= 9.9995e11)
        snprintf(dst, size, "%.1fT", v / 1e12);
    else if (fabs(v) >= 9.9995e8)
        snprintf(dst, size, "%.1fG", v / 1e9);
    else if (fabs(v) >= 9.9995e6)
        snprintf(dst, size, "%.1fM", v / 1e6);
    else if (fabs(v) >= 99995)
        snprintf(dst, size, "%.1fk", v / 1e3);
    else
        snprintf(dst, size, "%.*f", fine && fabs(v) < 99.95 && v != 0 ? 1 : 0, v);
}

static void ms_text(char *dst, size_t size, double v)
{
    if (fabs(v) >= 100000)
        snprintf(dst, size, "%.0f s", v / 1000);
    else
        snprintf(dst, size, "%.*f ms", fabs(v) < 1 ? 2 : fabs(v) < 99.95 ? 1 : 0, v);
}

void tableview_show(const struct tableview *v, const struct tableview_rows *t, int row, int col,
                    char *dst, size_t size)
{
    const struct tableview_column *k = &v->columns[col];
    double value = tableview_at(t, row, col)->value;
    char text[64] = "";

    if (k->kind == TV_TEXT) {
        text_copy(dst, size, tableview_text(t, row, col));
        return;
    }
    if (!isfinite(value)) {
        snprintf(dst, size, "%s", k->rate ? "-" : "");
        return;
    }
    switch (k->kind) {
    case TV_INT:
    case TV_FLOAT:
        count_text(text, sizeof text, value, k->rate || k->kind == TV_FLOAT);
        break;
    case TV_BYTES:
        text_bytes(text, sizeof text, value);
        break;
    case TV_MS:
        ms_text(text, sizeof text, value);
        break;
    case TV_DURATION:
        tableview_duration(text, sizeof text, value);
        break;
    case TV_PERCENT:
        snprintf(text, sizeof text, "%.*f %%", fabs(value) < 9.95 && value != 0 ? 1 : 0, value);
        break;
    case TV_BOOL:
        snprintf(text, sizeof text, "%s", value != 0 ? "yes" : "");
        break;
    case TV_TEXT:
        break;
    }
    snprintf(dst, size, "%s%s", text, k->rate ? "/s" : "");
}
