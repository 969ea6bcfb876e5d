/* layout.c - the arrangement of panes. */
#include "pgd/ui/layout.h"

#include <string.h>

enum {
    LINES_COLS = 40, /* smaller than this shows no pane */
    LINES_ROWS = 10,
    ENLARGE_COLS = 20,
    ENLARGE_ROWS = 5,
    COLUMNS_COLS = 110, /* from here on three columns stand side by side */
    COLUMNS_ROWS = 28,
    TWO_LEFT_ROWS = 30
};

static struct rect row_at(int y, int cols)
{
    return (struct rect){y, 0, 1, cols};
}

/* Three columns; frames overlap by one so that neighbours share their line. Where the left one is too short for
 * two panes it shows the rounds only while they have the focus. */
static void columns(struct layout *l, enum pane focus)
{
    struct rect b = l->body;
    int tree = b.w / 5 > 28 ? b.w / 5 : 28;
    if (tree > 40)
        tree = 40;
    int ai = (b.w - tree) * 2 / 5;
    if (ai > 70)
        ai = 70;
    int middle = b.w - tree - ai + 2;
    int bench = b.h * 2 / 5;
    if (bench < 11)
        bench = 11;
    int rounds = b.h >= TWO_LEFT_ROWS ? b.h * 2 / 5 : focus == PANE_ROUNDS ? b.h : 0;
    if (rounds < b.h)
        l->panes[PANE_TREE] = (struct rect){b.y, b.x, rounds ? b.h - rounds + 1 : b.h, tree};
    if (rounds)
        l->panes[PANE_ROUNDS] = (struct rect){b.y + b.h - rounds, b.x, rounds, tree};
    l->panes[PANE_BENCH] = (struct rect){b.y, b.x + tree - 1, bench, middle};
    l->panes[PANE_TELEMETRY] = (struct rect){b.y + bench - 1, b.x + tree - 1, b.h - bench + 1,
                                             middle};
    l->panes[PANE_AI] = (struct rect){b.y, b.x + b.w - ai, b.h, ai};
}

void layout_compute(int cols, int rows, enum pane focus, bool zoom, struct layout *out)
{
    memset(out, 0, sizeof(*out));
    out->screen = (struct rect){0, 0, rows, cols};
    if (cols < ENLARGE_COLS || rows < ENLARGE_ROWS) {
        out->kind = LAYOUT_ENLARGE;
        return;
    }
    out->status = row_at(0, cols);
    out->prompt = row_at(rows - 2, cols);
    out->keys = row_at(rows - 1, cols);
    out->body = (struct rect){1, 0, rows - 3, cols};
    if (cols < LINES_COLS || rows < LINES_ROWS) {
        out->kind = LAYOUT_LINES;
        return;
    }
    if (zoom || cols < COLUMNS_COLS || rows < COLUMNS_ROWS) {
        out->kind = LAYOUT_ONE;
        out->panes[(unsigned)focus < PANE_COUNT ? focus : PANE_BENCH] = out->body;
        return;
    }
    out->kind = LAYOUT_COLUMNS;
    columns(out, focus);
}

void layout_plain(struct layout *l, enum pane focus)
{
    enum { NEWS_ROWS = 4 };
    enum pane p = (unsigned)focus < PANE_COUNT ? focus : PANE_BENCH;

    if (l->kind != LAYOUT_COLUMNS && l->kind != LAYOUT_ONE)
        return;
    l->kind = LAYOUT_PLAIN;
    memset(l->panes, 0, sizeof(l->panes));
    l->panes[p] = l->body;
    if (p == PANE_AI || l->body.h < 3 * NEWS_ROWS)
        return;
    l->panes[p].h -= NEWS_ROWS;
    l->news = (struct rect){l->body.y + l->body.h - NEWS_ROWS, l->body.x, NEWS_ROWS, l->body.w};
}

bool layout_shows(const struct layout *l, enum pane p)
{
    return l->panes[p].h > 0;
}

struct rect layout_inside(const struct layout *l, enum pane p)
{
    struct rect r = l->panes[p];

    if (l->kind != LAYOUT_PLAIN || r.h < 1)
        return rect_inset(r, 1);
    return (struct rect){r.y + 1, r.x, r.h - 1, r.w};
}

enum pane layout_next(enum pane p, int way)
{
    return (enum pane)(((int)p + way + PANE_COUNT) % PANE_COUNT);
}
