/*
 * Answers to a live view that may be anything. The first word is keys (each moves the cursor, sorts, scrolls …), the second the filter,
 * then come samples, each as rows_parse() reads them. Every view of the list reads them: bounds hold, the cursor is on a row that is
 * shown, a tree has each row once, and the screen is painted.
 */
#include <math.h>
#include <string.h>

#include "../support/fuzz.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/tableview.h"
#include "pgd/ui/pane_view.h"

enum { SAMPLES = 3 };

static void press(struct live *l, struct tableview_state *s, char key)
{
    switch (key % 8) {
    case 0:
        tableview_sort_next(l->at, 1, s);
        break;
    case 1:
        tableview_sort_next(l->at, -1, s);
        break;
    case 2:
        s->reverse = !s->reverse;
        break;
    case 3:
        s->loud = !s->loud;
        break;
    case 4:
        s->left = key / 8;
        break;
    default:
        tableview_move(&l->now, &l->order, key - 'm', s);
    }
}

static void check(const struct live *l, const struct tableview_state *s)
{
    const struct tableview_rows *t = &l->now;
    bool seen[TABLEVIEW_ROWS] = {false};
    char text[TABLEVIEW_TEXT + 1];
    int cursor = tableview_cursor(&l->order, s);

    REQUIRE(t->n >= 0 && t->n <= TABLEVIEW_ROWS && t->ncols == tableview_columns(l->at));
    REQUIRE(t->texts.len <= TABLEVIEW_TEXTS + TABLEVIEW_TEXT + 1);
    REQUIRE(l->order.n >= 0 && l->order.n + l->order.hidden <= t->n);
    REQUIRE(cursor < t->n && (cursor >= 0 || l->order.n == 0));
    for (int i = 0; i < l->order.n; i++) {
        int row = l->order.rows[i];
        REQUIRE(row >= 0 && row < t->n && !seen[row]);
        seen[row] = true;
        REQUIRE(strlen(tableview_key(t, row)) < TABLEVIEW_KEY);
        for (int c = 0; c < t->ncols; c++) {
            tableview_show(l->at, t, row, c, text, sizeof text);
            REQUIRE(!strpbrk(text, "\n\t\x1b"));
            double value = tableview_at(t, row, c)->value;
            REQUIRE(!l->at->columns[c].rate || isnan(value) || value >= 0);
        }
    }
}

static void paint(struct model *m)
{
    static const int sizes[][2] = {{45, 160}, {24, 80}, {10, 40}, {3, 12}};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct canvas *c = canvas_new(sizes[i][0], sizes[i][1]);
        struct view_cursor cursor = {0};
        pane_view(c, canvas_area(c), m, &cursor);
        canvas_free(c);
    }
}

static void view(struct model *m, const struct tableview *v, const char *keys, const char *filter,
                 char *const *samples)
{
    struct live *l = &m->live;
    struct tableview_state *s = &l->of[tableview_index(v)];

    l->at = v;
    memset(s, 0, sizeof *s);
    text_copy(s->filter, sizeof s->filter, filter);
    for (int i = 0; i < SAMPLES; i++) {
        struct rows *r = rows_parse(samples[i]);
        struct tableview_rows next = {0};
        if (tableview_read(v, r, (i + 1) * 1000000LL, &l->now, &next)) {
            tableview_clear(&l->now);
            l->now = next;
        }
        rows_free(r);
        l->now.ncols = tableview_columns(v);
        tableview_arrange(v, &l->now, s, &l->order);
        check(l, s);
        for (const char *k = keys; *k && k < keys + 16; k++) {
            press(l, s, *k);
            tableview_arrange(v, &l->now, s, &l->order);
            check(l, s);
        }
        paint(m);
    }
    tableview_clear(&l->now);
    l->order.n = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size, 0};
    static struct model *m;
    char *words[2 + SAMPLES];

    if (!m) {
        m = xcalloc(1, sizeof *m);
        model_init(m);
    }
    for (int i = 0; i < 2 + SAMPLES; i++)
        words[i] = input_word(&in);
    for (int i = 0; i < tableview_count; i++)
        if (tableview_list[i].form != TABLEVIEW_SHARES)
            view(m, &tableview_list[i], words[0], words[1], words + 2);
    for (int i = 0; i < 2 + SAMPLES; i++)
        free(words[i]);
    return 0;
}
