/* tableview_order.c - see tableview.h: which rows of a sample are shown, in which order, and where the cursor stands. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/tableview.h"

int tableview_sorted_by(const struct tableview *v, const struct tableview_state *s)
{
    if (v->form == TABLEVIEW_TREE)
        return -1;
    if (s->sort > 0 && s->sort <= tableview_columns(v))
        return s->sort - 1;
    return tableview_column_of(v, v->sort);
}

/* Texts begin with A, figures with the largest; the view's own column as the view says. */
bool tableview_sorted_down(const struct tableview *v, const struct tableview_state *s)
{
    int col = tableview_sorted_by(v, s);
    bool down;

    if (col < 0)
        return false;
    down = col == tableview_column_of(v, v->sort) ? v->down : v->columns[col].kind != TV_TEXT;
    return down != s->reverse;
}

void tableview_sort_next(const struct tableview *v, int way, struct tableview_state *s)
{
    int n = tableview_columns(v), at = tableview_sorted_by(v, s);

    if (v->form == TABLEVIEW_TREE)
        return;
    for (int i = 0; i < n; i++) {
        at = (at + way + n) % n;
        if (!v->columns[at].unsorted) {
            s->sort = at + 1;
            s->reverse = false;
            return;
        }
    }
}

/* ---- the filter ---- */

static bool has_text(const char *text, const char *part, size_t n)
{
    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return true;
    return n == 0;
}

static bool column_has(const struct tableview *v, const struct tableview_rows *t, int row, int col,
                       const char *part, size_t n)
{
    char shown[64];

    if (v->columns[col].kind == TV_TEXT)
        return has_text(tableview_text(t, row, col), part, n);
    tableview_show(v, t, row, col, shown, sizeof shown);
    return has_text(shown, part, n);
}

/* The column that a word begins with, "user:"; -1 = none, and *word is as it was. */
static int named_column(const struct tableview *v, const char **word, size_t *n)
{
    const char *colon = memchr(*word, ':', *n);
    size_t len = colon ? (size_t)(colon - *word) : 0;

    for (int c = 0; len > 0 && c < TABLEVIEW_COLS && v->columns[c].name; c++) {
        const struct tableview_column *k = &v->columns[c];
        if ((strncasecmp(k->header, *word, len) == 0 && strlen(k->header) == len) ||
            (strncasecmp(k->name, *word, len) == 0 && strlen(k->name) == len)) {
            *word = colon + 1;
            *n -= len + 1;
            return c;
        }
    }
    return -1;
}

static bool word_found(const struct tableview *v, const struct tableview_rows *t, int row,
                       const char *word, size_t n)
{
    int col = named_column(v, &word, &n);

    for (int c = 0; c < t->ncols; c++)
        if ((col < 0 || c == col) && column_has(v, t, row, c, word, n))
            return true;
    return false;
}

static bool passes(const struct tableview *v, const struct tableview_rows *t, int row,
                   const char *filter)
{
    while (*filter) {
        filter += strspn(filter, " ");
        size_t n = strcspn(filter, " ");
        bool without = n > 1 && *filter == '!';
        if (n > 0 && word_found(v, t, row, filter + without, n - without) == without)
            return false;
        filter += n;
    }
    return true;
}

/* ---- the order ---- */

struct sorting { /* what the comparison looks at: qsort_r's argument */
    const struct tableview *v;
    const struct tableview_rows *t;
    int col;
    bool down;
};

/* What is not known comes last in both directions; equal rows by their key, so that they stand still. */
static int compare(const void *a, const void *b, void *arg)
{
    const struct sorting *s = arg;
    int x = *(const int *)a, y = *(const int *)b, way = 0;

    if (s->v->columns[s->col].kind == TV_TEXT) {
        const char *p = tableview_text(s->t, x, s->col), *q = tableview_text(s->t, y, s->col);
        if (!*p != !*q)
            return *p ? -1 : 1;
        way = strcasecmp(p, q);
    } else {
        double p = tableview_at(s->t, x, s->col)->value, q = tableview_at(s->t, y, s->col)->value;
        if (isnan(p) != isnan(q))
            return isnan(p) ? 1 : -1;
        way = p < q ? -1 : p > q;
    }
    if (way)
        return s->down ? -way : way;
    way = strcmp(tableview_key(s->t, x), tableview_key(s->t, y));
    return way ? way : (x > y) - (x < y);
}

static bool is_quiet(const struct tableview *v, const struct tableview_rows *t, int row, int col)
{
    return col >= 0 && strcmp(tableview_text(t, row, col), v->quiet.value) == 0;
}

static void place_cursor(const struct tableview_rows *t, const struct tableview_order *o,
                         struct tableview_state *s)
{
    int at = -1;

    for (int i = 0; i < o->n && s->cursor[0] && at < 0; i++)
        if (strcmp(tableview_key(t, o->rows[i]), s->cursor) == 0)
            at = i;
    if (at < 0)
        at = s->cursor[0] ? s->row : 0;
    if (at >= o->n)
        at = o->n - 1;
    if (at < 0)
        return; /* nothing is shown: the row may come back */
    if (s->row != at || !s->cursor[0] || strcmp(s->cursor, tableview_key(t, o->rows[at])) != 0)
        text_copy_raw(s->cursor, sizeof s->cursor, tableview_key(t, o->rows[at]));
    s->row = at;
}

void tableview_arrange(const struct tableview *v, const struct tableview_rows *t,
                       struct tableview_state *s, struct tableview_order *o)
{
    struct sorting by = {v, t, tableview_sorted_by(v, s), tableview_sorted_down(v, s)};
    int quiet = tableview_column_of(v, v->quiet.column);

    o->n = o->hidden = 0;
    for (int i = 0; i < t->n && i < TABLEVIEW_ROWS; i++) {
        if (!passes(v, t, i, s->filter))
            continue;
        if (!s->loud && is_quiet(v, t, i, quiet))
            o->hidden++;
        else
            o->rows[o->n++] = i;
    }
    if (by.col >= 0)
        qsort_r(o->rows, (size_t)o->n, sizeof o->rows[0], compare, &by);
    place_cursor(t, o, s);
}

int tableview_cursor(const struct tableview_order *o, const struct tableview_state *s)
{
    return s->row >= 0 && s->row < o->n ? o->rows[s->row] : -1;
}

void tableview_move(const struct tableview_rows *t, const struct tableview_order *o, int by,
                    struct tableview_state *s)
{
    int64_t at = (int64_t)s->row + by;

    if (o->n == 0)
        return;
    s->row = at < 0 ? 0 : at >= o->n ? o->n - 1 : (int)at;
    text_copy_raw(s->cursor, sizeof s->cursor, tableview_key(t, o->rows[s->row]));
}
