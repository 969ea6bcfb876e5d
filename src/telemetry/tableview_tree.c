/* tableview_tree.c - who waits for whom, as a tree. A session may wait for several others: it stands below one of them, and its column
 * "blockers" names all. Sessions that wait for each other in a circle have no root; the first of them is made one. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/tableview.h"

enum { EDGES_MAX = 16, DEPTH_MAX = 60 };

struct node {
    int pid;
    int n, by[EDGES_MAX]; /* rows that it waits for */
    int parent;           /* row; -1 = a root */
    bool placed;
};

struct tree {
    const struct tableview *v;
    struct tableview_rows *t;
    struct node *nodes;
    int *order, n; /* rows as they are to be shown */
};

static int row_of(const struct tree *f, int64_t pid)
{
    for (int i = 0; i < f->t->n; i++)
        if (f->nodes[i].pid == pid)
            return i;
    return -1;
}

/* "4711, 4712" */
static void read_edges(const struct tree *f, int row, const char *text)
{
    struct node *n = &f->nodes[row];

    while (*text && n->n < EDGES_MAX) {
        char word[16];
        size_t len = strcspn(text, ", ");
        int64_t pid;
        if (len > 0 && len < sizeof word) {
            memcpy(word, text, len);
            word[len] = '\0';
            int at = text_int64(word, &pid) ? row_of(f, pid) : -1;
            if (at >= 0 && at != row)
                n->by[n->n++] = at;
        }
        text += len + strspn(text + len, ", ");
    }
}

/* Below a session that waits for nobody, if one of the blockers is such; else below the first. */
static void choose_parent(const struct tree *f, int row)
{
    struct node *n = &f->nodes[row];

    n->parent = n->n > 0 ? n->by[0] : -1;
    for (int i = 0; i < n->n; i++)
        if (f->nodes[n->by[i]].n == 0) {
            n->parent = n->by[i];
            return;
        }
}

/* Without recursion: a chain may be as long as the table. */
static void place(struct tree *f, int root)
{
    int *stack = xcalloc((size_t)f->t->n + 1, sizeof *stack), top = 0;

    stack[top++] = root;
    f->nodes[root].placed = true;
    f->t->depth[root] = 0;
    while (top > 0) {
        int row = stack[--top];
        f->order[f->n++] = row;
        for (int i = f->t->n - 1; i >= 0; i--) {
            struct node *child = &f->nodes[i];
            if (child->parent != row || child->placed)
                continue;
            child->placed = true;
            int depth = f->t->depth[row] + 1;
            f->t->depth[i] = (unsigned char)(depth < DEPTH_MAX ? depth : DEPTH_MAX);
            stack[top++] = i;
        }
    }
    free(stack);
}

/* Who is behind whom, as sets of rows. */
enum { WORDS = (TABLEVIEW_ROWS + 63) / 64 };
struct set {
    uint64_t bits[WORDS];
};

static bool join(struct set *to, const struct set *from, int row)
{
    bool more = !(to->bits[row / 64] >> (row % 64) & 1);

    to->bits[row / 64] |= (uint64_t)1 << (row % 64);
    for (int i = 0; i < WORDS; i++) {
        more |= (from->bits[i] & ~to->bits[i]) != 0;
        to->bits[i] |= from->bits[i];
    }
    return more;
}

/* How many wait for each, at once or behind others. Back and forth until nothing is added: rows come in the order of their waiting,
 * or against it, so that few passes are needed. */
static void count_behind(const struct tree *f, int *waiting)
{
    struct set *sets = xcalloc((size_t)f->t->n, sizeof *sets);
    bool more = true;

    for (int pass = 0; more && pass < 2 * TABLEVIEW_ROWS; pass++) {
        more = false;
        for (int i = 0; i < f->t->n; i++) {
            int row = pass % 2 ? i : f->t->n - 1 - i;
            const struct node *n = &f->nodes[row];
            for (int k = 0; k < n->n; k++)
                more |= join(&sets[n->by[k]], &sets[row], row);
        }
    }
    for (int i = 0; i < f->t->n; i++) {
        sets[i].bits[i / 64] &= ~((uint64_t)1 << (i % 64)); /* in a circle one waits for oneself */
        for (int w = 0; w < WORDS; w++)
            waiting[i] += __builtin_popcountll(sets[i].bits[w]);
    }
    free(sets);
}

static void reorder(struct tree *f)
{
    struct tableview_rows *t = f->t;
    struct tableview_cell *cells = xcalloc((size_t)(t->n * t->ncols) + 1, sizeof *cells);
    uint32_t *keys = xcalloc((size_t)t->n + 1, sizeof *keys);
    unsigned char *depth = xcalloc((size_t)t->n + 1, sizeof *depth);

    for (int i = 0; i < t->n; i++) {
        memcpy(&cells[i * t->ncols], &t->cells[f->order[i] * t->ncols],
               (size_t)t->ncols * sizeof *cells);
        keys[i] = t->keys[f->order[i]];
        depth[i] = t->depth[f->order[i]];
    }
    free(t->cells);
    free(t->keys);
    free(t->depth);
    t->cells = cells;
    t->keys = keys;
    t->depth = depth;
}

/* Roots with the most behind them come first. */
static void place_roots(struct tree *f, const int *waiting)
{
    for (;;) {
        int best = -1;
        for (int i = 0; i < f->t->n; i++)
            if (f->nodes[i].parent < 0 && !f->nodes[i].placed &&
                (best < 0 || waiting[i] > waiting[best]))
                best = i;
        if (best < 0)
            return;
        place(f, best);
    }
}

void tableview_tree(const struct tableview *v, struct tableview_rows *t)
{
    int pid = tableview_column_of(v, "pid"), by = tableview_column_of(v, "blockers"),
        count = tableview_column_of(v, "behind");
    struct tree f = {.v = v, .t = t};
    int *waiting;

    if (pid < 0 || by < 0 || t->n == 0)
        return;
    f.nodes = xcalloc((size_t)t->n, sizeof *f.nodes);
    f.order = xcalloc((size_t)t->n, sizeof *f.order);
    waiting = xcalloc((size_t)t->n, sizeof *waiting);
    for (int i = 0; i < t->n; i++) {
        double number = tableview_at(t, i, pid)->raw;
        f.nodes[i].pid = number >= 0 && number < 1e9 ? (int)number : -1;
    }
    for (int i = 0; i < t->n; i++)
        read_edges(&f, i, tableview_text(t, i, by));
    for (int i = 0; i < t->n; i++)
        choose_parent(&f, i);
    count_behind(&f, waiting);
    for (int i = 0; i < t->n; i++) {
        if (count >= 0)
            t->cells[i * t->ncols + count].value = t->cells[i * t->ncols + count].raw = waiting[i];
    }
    place_roots(&f, waiting);
    for (int i = 0; i < t->n; i++)
        if (!f.nodes[i].placed) {
            f.nodes[i].parent = -1; /* of a circle */
            place(&f, i);
        }
    reorder(&f);
    free(f.nodes);
    free(f.order);
    free(waiting);
}
