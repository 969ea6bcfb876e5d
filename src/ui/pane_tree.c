/* pane_tree.c - the workspace as a tree: the session under way with its rounds, then the earlier ones. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

/* One row of the tree as it is drawn. */
struct tree_row {
    int depth;
    int session; /* index in workspace.sessions; -1 = none */
    unsigned style;
    char mark[8];
    char name[96];
    char right[40];
};

typedef void (*row_fn)(void *arg, const struct tree_row *row);

static bool is_current(const struct model *m, int i)
{
    return m->session.state != SESSION_NONE && m->session.name[0] &&
           strcmp(m->workspace.sessions[i].name, m->session.name) == 0;
}

static int current_index(const struct model *m)
{
    for (int i = 0; i < m->workspace.nsessions; i++)
        if (is_current(m, i))
            return i;
    return -1;
}

static void round_row(const struct session *s, int i, struct tree_row *row)
{
    bool kept = s->history[i].kept && s->state != SESSION_FAILED;
    const struct round_history *h = &s->history[i];
    *row = (struct tree_row){.depth = 2, .session = -1};
    snprintf(row->name, sizeof(row->name), "R%d", h->number);
    if (h->failed) {
        snprintf(row->mark, sizeof(row->mark), "\xe2\x9c\x97");
        snprintf(row->right, sizeof(row->right), "failed");
        row->style = STYLE_BAD;
        return;
    }
    char effect[24] = "";
    if (isfinite(h->verdict.ratio))
        text_percent(effect, sizeof(effect), h->verdict.ratio);
    snprintf(row->mark, sizeof(row->mark), "%s", kept ? "\xe2\x9c\x94" : "\xc2\xb7");
    snprintf(row->right, sizeof(row->right), "%s %s", effect, kept ? "kept" : "undone");
    row->style = kept ? STYLE_GOOD : STYLE_DIM;
}

static void current_rows(const struct model *m, row_fn fn, void *arg)
{
    const struct session *s = &m->session;
    int index = current_index(m);
    struct tree_row row = {
        .depth = 1, .session = index, .style = STYLE_VALUE, .mark = "\xe2\x96\xbe"};
    text_copy(row.name, sizeof(row.name), s->plan.strategy[0] ? s->plan.strategy : s->name);
    text_copy(row.right, sizeof(row.right), session_state_name(s->state));
    fn(arg, &row);
    if (isfinite(s->baseline_tps)) {
        row = (struct tree_row){.depth = 2,
                                .session = -1,
                                .style = STYLE_NORMAL,
                                .mark = "\xe2\x97\x8f",
                                .name = "baseline"};
        snprintf(row.right, sizeof(row.right), "%.0f TPS", s->baseline_tps);
        fn(arg, &row);
    }
    for (int i = 0; i < s->nhistory; i++) {
        round_row(s, i, &row);
        fn(arg, &row);
    }
    if (m->flow == FLOW_ROUND && s->round.state > ROUND_IDLE && s->round.state < ROUND_DONE &&
        (s->nhistory == 0 || s->history[s->nhistory - 1].number < s->round.number)) {
        row = (struct tree_row){
            .depth = 2, .session = -1, .style = STYLE_FOCUS, .mark = "\xe2\x96\xb6"};
        snprintf(row.name, sizeof(row.name), "R%d", s->round.number);
        text_copy(row.right, sizeof(row.right), round_state_name(s->round.state));
        fn(arg, &row);
    }
}

static void earlier_row(const struct session_row *r, int index, struct tree_row *row)
{
    static const struct {
        const char *mark, *word;
        unsigned style;
    } looks[] = {
        [SESSION_NONE] = {"\xc2\xb7", "", STYLE_DIM},
        [SESSION_ACTIVE] = {"\xe2\x96\xb6", "active", STYLE_NORMAL},
        [SESSION_PAUSED] = {"\xe2\x97\xa6", "paused", STYLE_NORMAL},
        [SESSION_ARCHIVED] = {"\xe2\x96\xaa", "", STYLE_NORMAL},
        [SESSION_FAILED] = {"\xe2\x9c\x97", "failed", STYLE_DIM},
    };
    *row = (struct tree_row){.depth = 1, .session = index, .style = looks[r->state].style};
    text_copy(row->mark, sizeof(row->mark), looks[r->state].mark);
    text_copy(row->name, sizeof(row->name), r->strategy[0] ? r->strategy : r->name);
    text_copy(row->right, sizeof(row->right), looks[r->state].word);
    if (r->state == SESSION_ARCHIVED && isfinite(r->effect))
        text_percent(row->right, sizeof(row->right), r->effect);
    if (r->interrupted) {
        row->style = STYLE_WARN;
        text_copy(row->mark, sizeof(row->mark), "!");
        text_copy(row->right, sizeof(row->right), "interrupted");
    }
}

static void each_row(const struct model *m, row_fn fn, void *arg)
{
    const struct workspace *w = &m->workspace;
    struct tree_row row = {.session = -1, .style = STYLE_HEADING, .mark = "\xe2\x96\xbe"};
    text_copy(row.name, sizeof(row.name), w->name[0] ? w->name : "no workspace yet");
    fn(arg, &row);
    if (m->session.state != SESSION_NONE)
        current_rows(m, fn, arg);
    for (int i = 0; i < w->nsessions; i++) {
        if (is_current(m, i))
            continue;
        earlier_row(&w->sessions[i], i, &row);
        fn(arg, &row);
    }
}

static void count_row(void *arg, const struct tree_row *row)
{
    (void)row;
    ++*(int *)arg;
}

int pane_tree_rows(const struct model *m)
{
    int n = 0;
    each_row(m, count_row, &n);
    return n;
}

struct find {
    int row, wanted, session;
};

static void find_row(void *arg, const struct tree_row *row)
{
    struct find *f = arg;
    if (f->row++ == f->wanted)
        f->session = row->session;
}

int pane_tree_session(const struct model *m, int row)
{
    struct find f = {.wanted = row, .session = -1};
    each_row(m, find_row, &f);
    return f.session;
}

struct drawing {
    struct canvas *c;
    struct rect r;
    int row, scroll, cursor;
};

static void draw_row(void *arg, const struct tree_row *row)
{
    struct drawing *d = arg;
    int i = d->row++;
    if (i < d->scroll || i >= d->scroll + d->r.h)
        return;
    int y = d->r.y + i - d->scroll, x = d->r.x + row->depth * 2, end = d->r.x + d->r.w;
    int right = text_width(row->right);
    canvas_put(d->c, y, x, 1, row->style, row->mark);
    if (text_width(row->name) > end - x - 3 - right) /* the name is the more important */
        right = 0;
    canvas_put_cut(d->c, y, x + 2, end - x - 2 - right, row->style, row->name);
    if (right)
        canvas_put(d->c, y, end - right, right, row->style, row->right);
    if (i == d->cursor)
        canvas_restyle(d->c, (struct rect){y, d->r.x, 1, d->r.w}, STYLE_SELECTED);
}

void pane_tree(struct canvas *c, struct rect r, const struct model *m)
{
    int total = pane_tree_rows(m);
    int cursor = m->screen.focus == PANE_TREE ? m->screen.tree_cursor : -1;
    if (cursor >= total)
        cursor = total - 1;
    struct drawing d = {.c = c, .r = r, .cursor = cursor};
    d.scroll = list_scroll(0, cursor, r.h, total);
    each_row(m, draw_row, &d);
    if (m->workspace.readonly && r.h > 2)
        canvas_printf(c, r.y + r.h - 1, r.x, r.w, STYLE_WARN, "read-only: %s", m->workspace.holder);
    else
        list_more(c, r, d.scroll, total);
}
