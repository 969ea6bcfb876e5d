/* pane_tree.c - the workspace as a tree: sessions, newest first; of an open one its start, its rounds and what it left. In a
 * wide pane each session has its figures beside it. Only the rows that can be seen are made. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/store.h"

/* One row of the tree as it is drawn. */
struct tree_row {
    int depth;
    unsigned style;
    char fold[8]; /* closed, open, or nothing to open */
    char mark[8];
    char name[240];
    char right[64];
    bool columns; /* a session: its figures stand in columns where there is room */
};

/* From here on a session's figures stand beside it; columns count from the right edge. */
enum {
    WIDE = 74,
    WIDER = 100,
    COL_WORD = 13,
    COL_EFFECT = 9,
    COL_TPS = 17,
    COL_ROUNDS = 8,
    COL_AGE = 8
};

static const struct {
    const char *mark, *word;
    unsigned style;
} looks[] = {
    [SESSION_NONE] = {"\xc2\xb7", "", STYLE_DIM},
    [SESSION_ACTIVE] = {"\xe2\x97\x8f", "active", STYLE_VALUE},
    [SESSION_PAUSED] = {"\xe2\x97\xa6", "paused", STYLE_NORMAL},
    [SESSION_ARCHIVED] = {"\xe2\x96\xaa", "archived", STYLE_NORMAL},
    [SESSION_FAILED] = {"\xe2\x9c\x97", "failed", STYLE_DIM},
};

static void workspace_row(const struct model *m, struct tree_row *row)
{
    const struct workspace *w = &m->workspace;
    const struct tree *t = &m->tree;

    row->style = STYLE_HEADING;
    text_copy_raw(row->fold, sizeof row->fold, "\xe2\x96\xbe");
    text_copy(row->name, sizeof row->name, w->name[0] ? w->name : "no workspace yet");
    if (t->filter[0] || t->filtering)
        snprintf(row->right, sizeof row->right, "%d of %d", t->filter[0] ? t->nshown : w->nsessions,
                 w->nsessions);
    else if (w->open || w->nsessions > 0)
        snprintf(row->right, sizeof row->right, "%d session%s", w->nsessions,
                 w->nsessions == 1 ? "" : "s");
}

static void session_name(const struct model *m, const struct session_row *r, bool wide, char *dst,
                         size_t size)
{
    const char *name = r->title[0]          ? r->title
                       : wide && r->name[0] ? r->name
                       : r->strategy[0]     ? r->strategy
                                            : r->name;

    snprintf(dst, size, "%s%s%s", strcmp(m->tree.marked, r->name) == 0 && r->name[0] ? "=" : "",
             r->origin.session[0] ? "\xe2\x86\xb3" : "", name);
}

/* The row of the list; of the session at hand with what is known now. */
static struct session_row row_now(const struct model *m, int session)
{
    struct session_row r = {
        .baseline_tps = NAN, .best_tps = NAN, .effect = NAN, .tps_before = NAN, .tps_after = NAN};

    if (session >= 0)
        r = m->workspace.sessions[session];
    if (tree_is_live(m, session)) {
        int64_t changed = r.changed_wall_us;
        r.line = NULL;
        store_session_row(&m->session, &r);
        r.changed_wall_us = changed;
        r.interrupted = false;
    }
    return r;
}

bool pane_without_round(const struct session_row *r)
{
    return r->state == SESSION_FAILED && r->rounds == 0 && isfinite(r->baseline_tps);
}

/* Who only looks holds no lock: another program may be at work on it. */
static const char *interrupted_word(const struct model *m)
{
    return m->opt.readonly || m->workspace.readonly ? "unfinished" : "interrupted";
}

static void session_row(const struct model *m, int session, bool wide, struct tree_row *row)
{
    struct session_row r = row_now(m, session);
    struct tree_record live;

    row->depth = 1;
    row->columns = true;
    row->style = looks[r.state].style;
    text_copy_raw(row->mark, sizeof row->mark, looks[r.state].mark);
    text_copy_raw(row->fold, sizeof row->fold,
                  tree_open_of(m, session, &live) ? "\xe2\x96\xbe" : "\xe2\x96\xb8");
    session_name(m, &r, wide, row->name, sizeof row->name);
    text_copy(row->right, sizeof row->right,
              pane_without_round(&r) ? "no round" : looks[r.state].word);
    if (pane_without_round(&r))
        text_copy_raw(row->mark, sizeof row->mark, "\xc2\xb7");
    if (r.state == SESSION_ARCHIVED && r.origin.reverts)
        text_copy(row->right, sizeof row->right, "reverted");
    else if (r.state == SESSION_ARCHIVED && isfinite(r.effect))
        text_percent(row->right, sizeof row->right, r.effect);
    if (r.interrupted && r.state == SESSION_ACTIVE) {
        row->style = STYLE_WARN;
        text_copy(row->mark, sizeof row->mark, "!");
        text_copy(row->right, sizeof row->right, interrupted_word(m));
    }
}

static void effect_words(char *dst, size_t size, double ratio, double lo, double hi, bool wide,
                         const char *word)
{
    char effect[24] = "", from[24], to[24];

    if (isfinite(ratio))
        text_percent(effect, sizeof effect, ratio);
    if (wide && isfinite(lo) && isfinite(hi)) {
        text_percent(from, sizeof from, lo);
        text_percent(to, sizeof to, hi);
        snprintf(dst, size, "%s (%s \xe2\x80\xa6 %s) %s", effect, from, to, word);
        return;
    }
    snprintf(dst, size, "%s%s%s", effect, effect[0] && word[0] ? " " : "", word);
}

static void round_row(const struct tree_record *r, const struct tree_round *h, bool wide,
                      struct tree_row *row)
{
    bool kept = h->kept && !r->failed;

    if (wide)
        snprintf(row->name, sizeof row->name, "R%d  %s", h->number, h->what);
    else
        snprintf(row->name, sizeof row->name, "R%d", h->number);
    text_copy_raw(row->mark, sizeof row->mark,
                  h->failed ? "\xe2\x9c\x97"
                  : kept    ? "\xe2\x9c\x94"
                            : "\xc2\xb7");
    row->style = h->failed ? STYLE_BAD : kept ? STYLE_GOOD : STYLE_DIM;
    effect_words(row->right, sizeof row->right, h->failed ? (double)NAN : h->ratio, h->lo, h->hi,
                 wide,
                 h->failed                 ? "failed"
                 : kept && wide && h->onto ? "over the best before it, kept"
                 : kept                    ? "kept"
                 : wide && h->onto         ? "over the best before it, undone"
                                           : "undone");
}

static void final_row(const struct tree_record *r, bool wide, struct tree_row *row)
{
    text_copy_raw(row->mark, sizeof row->mark, r->failed ? "\xe2\x9c\x97" : "\xe2\x96\xaa");
    row->style = r->failed ? STYLE_DIM : STYLE_NORMAL;
    if (r->failed && r->n == 0)
        text_copy(row->name, sizeof row->name, wide ? "final: as it was before" : "unchanged");
    else if (r->failed)
        text_copy(row->name, sizeof row->name, wide ? "final: everything undone" : "undone");
    else if (!r->ended) /* what it leaves is known at its end */
        text_copy(row->name, sizeof row->name,
                  !wide                          ? "in all"
                  : r->final == VERDICT_IMPROVED ? "in all, over the start: confirmed"
                                                 : "in all, over the start: not confirmed");
    else
        snprintf(row->name, sizeof row->name, wide ? "final: %d setting%s left changed" : "final",
                 r->nfinal, r->nfinal == 1 ? "" : "s");
    if (r->final != VERDICT_NONE)
        effect_words(row->right, sizeof row->right, r->ratio, r->lo, r->hi, wide,
                     wide ? verdict_name(r->final) : "");
}

static void part_row(const struct model *m, struct tree_node n, bool wide, struct tree_row *row)
{
    struct tree_record live;
    const struct tree_record *r = tree_open_of(m, n.session, &live);

    row->depth = 3;
    row->style = STYLE_NORMAL;
    if (!r)
        return;
    if (n.part == TREE_NOTE) {
        row->style = r->why[0] ? STYLE_WARN : STYLE_DIM;
        text_copy(row->name, sizeof row->name, r->why[0] ? r->why : "reading ...");
    } else if (n.part == NODE_START) {
        text_copy_raw(row->mark, sizeof row->mark, "\xe2\x97\x8f");
        text_copy_raw(row->name, sizeof row->name,
                      isfinite(r->baseline_tps) ? "baseline" : "start");
        if (isfinite(r->baseline_tps) && wide && isfinite(r->floor))
            snprintf(row->right, sizeof row->right, "%.0f TPS, noise \xc2\xb1%.1f %%",
                     r->baseline_tps, r->floor * 100);
        else if (isfinite(r->baseline_tps))
            snprintf(row->right, sizeof row->right, "%.0f TPS", r->baseline_tps);
    } else if (n.part == TREE_UNDERWAY) {
        row->style = STYLE_FOCUS;
        text_copy_raw(row->mark, sizeof row->mark, "\xe2\x96\xb6");
        snprintf(row->name, sizeof row->name, "R%d", r->underway);
        text_copy_raw(row->right, sizeof row->right, r->underway_state);
    } else if (n.part == NODE_FINAL) {
        final_row(r, wide, row);
    } else {
        for (int i = 0; i < r->n; i++)
            if (r->rounds[i].number == n.part)
                round_row(r, &r->rounds[i], wide, row);
    }
}

static void make_row(const struct model *m, int at, bool wide, struct tree_row *row)
{
    struct tree_node n = tree_node_at(m, at);

    memset(row, 0, sizeof *row);
    if (n.session == TREE_WORKSPACE)
        workspace_row(m, row);
    else if (n.part == TREE_SESSION)
        session_row(m, n.session, wide, row);
    else
        part_row(m, n, wide, row);
}

int pane_tree_rows(const struct model *m)
{
    return tree_rows(m);
}

int pane_tree_session(const struct model *m, int row)
{
    return tree_node_at(m, row).session;
}

/* Right-aligned columns that end at `end`; returns where they begin. */
static int draw_columns(struct canvas *c, int y, int end, const struct model *m,
                        const struct session_row *r, const struct tree_row *row, bool all)
{
    char effect[24] = "", number[48], tps[60] = "", rounds[16], age[40] = "";

    if (isfinite(r->effect))
        text_percent(effect, sizeof effect, r->effect);
    pane_row_tps(r, "\xe2\x86\x92", number, sizeof number);
    if (number[0])
        snprintf(tps, sizeof tps, "%s TPS", number);
    snprintf(rounds, sizeof rounds, "%d round%s", r->rounds, r->rounds == 1 ? "" : "s");
    if (r->changed_wall_us)
        text_age(age, sizeof age, (double)(m->wall_us - r->changed_wall_us) / 1e6);
    const struct {
        const char *text;
        int w;
    } cols[] = {{age, COL_AGE},
                {rounds, all ? COL_ROUNDS + 1 : 0},
                {tps, all ? COL_TPS : 0},
                {effect, COL_EFFECT},
                {r->interrupted && r->state == SESSION_ACTIVE        ? interrupted_word(m)
                 : r->origin.reverts && r->state == SESSION_ARCHIVED ? "reverted"
                 : pane_without_round(r)                             ? "no round"
                                                                     : looks[r->state].word,
                 COL_WORD}};
    for (size_t i = 0; i < ARRAY_LEN(cols); i++) {
        if (cols[i].w == 0)
            continue;
        end -= cols[i].w;
        canvas_put_right(c, y, end, cols[i].w - 1, row->style, cols[i].text);
    }
    return end;
}

static void draw_row(struct canvas *c, struct rect r, int y, int at, const struct model *m)
{
    struct tree_row row;
    bool wide = r.w >= WIDE;
    int x = r.x, end = r.x + r.w;

    make_row(m, at, wide, &row);
    x += row.depth;
    canvas_put(c, y, x, 1, row.style, row.fold);
    x += 2;
    if (row.mark[0]) {
        canvas_put(c, y, x, 1, row.style, row.mark);
        x += 2;
    }
    if (wide && row.columns) {
        struct session_row s = row_now(m, tree_node_at(m, at).session);
        end = draw_columns(c, y, end, m, &s, &row, r.w >= WIDER);
        session_row(m, tree_node_at(m, at).session, true, &row);
        canvas_put_cut(c, y, x, end - x - 1, row.style, row.name);
        return;
    }
    int right = text_width(row.right);
    /* what the mark says, too, gives way to the name; figures do not */
    bool said = row.depth == 0 || (row.columns && !strchr(row.right, '%'));
    if (row.depth == 0 && text_width(row.name) > end - x - 1 - right)
        right = text_width(row.right) > 0 ? (int)strcspn(row.right, " ") : 0; /* how many */
    if (said && text_width(row.name) > end - x - 1 - right)
        right = 0;
    canvas_put_cut(c, y, x, end - x - (right ? right + 1 : 0), row.style, row.name);
    if (right)
        canvas_put(c, y, end - right, right, row.style, row.right);
}

/* The last line: what is typed, or why nothing can be changed here. False: it is the list's. */
static bool draw_foot(struct canvas *c, struct rect r, const struct model *m)
{
    const struct tree *t = &m->tree;
    int y = r.y + r.h - 1;

    if (r.h < 3)
        return false;
    if (t->filtering || t->filter[0]) {
        canvas_fill(c, (struct rect){y, r.x, 1, r.w}, STYLE_NORMAL);
        canvas_printf(c, y, r.x, r.w, STYLE_PROMPT, "filter: %s%s", t->filter,
                      t->filtering ? "_" : "  (f Esc: all)");
    } else if (m->workspace.readonly) {
        canvas_fill(c, (struct rect){y, r.x, 1, r.w}, STYLE_NORMAL);
        canvas_printf(c, y, r.x, r.w, STYLE_WARN, "read-only: %s", m->workspace.holder);
    } else {
        return false;
    }
    return true;
}

void pane_tree(struct canvas *c, struct rect r, const struct model *m)
{
    bool foot = m->workspace.readonly || m->tree.filtering || m->tree.filter[0];
    struct rect list = {r.y, r.x, r.h - (foot && r.h > 2), r.w};
    int total = tree_rows(m);
    int cursor = m->screen.focus == PANE_TREE ? m->screen.tree_cursor : -1;

    if (cursor >= total)
        cursor = total - 1;
    int top = list_scroll(0, cursor, list.h, total);
    for (int i = top; i < total && i < top + list.h; i++) {
        int y = r.y + i - top;
        draw_row(c, list, y, i, m);
        if (i == cursor)
            canvas_restyle(c, (struct rect){y, r.x, 1, r.w}, STYLE_SELECTED);
    }
    if (!draw_foot(c, r, m))
        list_more(c, list, top, total);
}
