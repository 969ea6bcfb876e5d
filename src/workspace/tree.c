/* tree.c - see tree.h. Rows are counted: first the workspace, then the session at hand while the list does not have it, then
 * the list, each open session followed by its parts. */
#include "pgd/workspace/tree.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/workspace/session_rows.h"

/* ---- what is shown of a session ---- */

static void round_words(const struct round_history *h, char *dst, size_t size)
{
    size_t len = 0;

    dst[0] = '\0';
    for (int i = 0; i < h->n && len + 8 < size; i++) {
        if (!(h->measured >> i & 1) && !h->failed)
            continue;
        int n = snprintf(dst + len, size - len, "%s%s %s", len ? ", " : "", h->changes[i].name,
                         h->changes[i].reset ? "reset" : h->changes[i].value);
        len = n < 0 ? len : len + (size_t)n < size ? len + (size_t)n : size - 1;
    }
}

void tree_record_of(const struct session *s, struct tree_record *r)
{
    const struct round *at = &s->round;
    struct gain g;

    memset(r, 0, sizeof *r);
    text_copy_raw(r->session, sizeof r->session, s->name);
    r->ended = s->state == SESSION_ARCHIVED || s->state == SESSION_FAILED;
    r->failed = s->state == SESSION_FAILED;
    r->baseline_tps = s->baseline_tps;
    r->floor = s->floor;
    r->final = s->final.kind;
    r->ratio = s->final.ratio;
    r->lo = s->final.ci_lo;
    r->hi = s->final.ci_hi;
    r->nfinal = s->nfinal;
    for (int i = 0; i < s->nhistory && r->n < TREE_ROUNDS_MAX; i++) {
        const struct round_history *h = &s->history[i];
        struct tree_round *t = &r->rounds[r->n++];
        *t = (struct tree_round){.number = h->number,
                                 .kept = h->kept,
                                 .failed = h->failed,
                                 .kind = h->verdict.kind,
                                 .ratio = h->verdict.ratio,
                                 .lo = h->verdict.ci_lo,
                                 .hi = h->verdict.ci_hi};
        session_round_gain(s, i, &g);
        t->onto = g.by != GAIN_UNKNOWN && !g.over_start;
        round_words(h, t->what, sizeof t->what);
    }
    if (at->state > ROUND_IDLE && at->state < ROUND_DONE &&
        (r->n == 0 || r->rounds[r->n - 1].number < at->number)) {
        r->underway = at->number;
        text_copy(r->underway_state, sizeof r->underway_state, round_state_name(at->state));
    }
}

int tree_parts(const struct tree_record *r, int *parts)
{
    int n = 0;

    if (r->reading || r->why[0]) {
        parts[n++] = TREE_NOTE;
        return n;
    }
    parts[n++] = NODE_START;
    for (int i = 0; i < r->n; i++)
        parts[n++] = r->rounds[i].number;
    if (r->underway)
        parts[n++] = TREE_UNDERWAY;
    if (r->final != VERDICT_NONE || r->ended)
        parts[n++] = NODE_FINAL;
    return n;
}

/* ---- which sessions there are ---- */

static bool at_hand(const struct model *m)
{
    return m->session.state != SESSION_NONE;
}

static bool is_row(const struct workspace *w, int row, const char *name)
{
    return row >= 0 && row < w->nsessions && strcmp(w->sessions[row].name, name) == 0;
}

/* The row of a session that was there when it was looked for last, or wherever it is now. */
static int row_of(const struct workspace *w, int hint, const char *name)
{
    return is_row(w, hint, name) ? hint : session_rows_find(w, name);
}

static bool live_alone(const struct model *m)
{
    return at_hand(m) &&
           (!m->session.name[0] || row_of(&m->workspace, m->tree.live_row, m->session.name) < 0);
}

bool tree_is_live(const struct model *m, int session)
{
    if (!at_hand(m) || session == TREE_WORKSPACE)
        return false;
    return session == TREE_LIVE ||
           (m->session.name[0] && is_row(&m->workspace, session, m->session.name));
}

const char *tree_name(const struct model *m, int session)
{
    if (session == TREE_LIVE)
        return m->session.name[0] ? m->session.name : ".";
    return session >= 0 && session < m->workspace.nsessions ? m->workspace.sessions[session].name
                                                            : "";
}

const struct tree_record *tree_open_of(const struct model *m, int session, struct tree_record *live)
{
    const struct tree *t = &m->tree;
    const char *name = tree_name(m, session);

    if (tree_is_live(m, session)) {
        if (t->live_closed)
            return NULL;
        tree_record_of(&m->session, live);
        return live;
    }
    for (int i = 0; *name && i < t->nopen; i++)
        if (strcmp(t->open[i].session, name) == 0)
            return &t->open[i];
    return NULL;
}

/* ---- places ---- */

/* How many sessions stand in the tree, without the one that the list does not have. */
static int listed(const struct model *m)
{
    return m->tree.filter[0] ? m->tree.nshown : m->workspace.nsessions;
}

static int listed_row(const struct model *m, int place)
{
    return m->tree.filter[0] ? m->tree.shown[place] : place;
}

/* The place of a row among those that the filter passes; -1 = it does not. */
static int place_of(const struct model *m, int row)
{
    const struct tree *t = &m->tree;
    int lo = 0, hi = t->nshown - 1;

    if (!t->filter[0])
        return row;
    while (lo <= hi) {
        int mid = (lo + hi) / 2;
        if (t->shown[mid] == row)
            return mid;
        if (t->shown[mid] < row)
            lo = mid + 1;
        else
            hi = mid - 1;
    }
    return -1;
}

/* An open session of the list: its place, and how many rows its parts take. */
struct opened {
    int place, rows;
};

static int by_place(const void *a, const void *b)
{
    return ((const struct opened *)a)->place - ((const struct opened *)b)->place;
}

static int opened_sessions(const struct model *m, struct opened out[TREE_OPEN_MAX + 1])
{
    const struct tree *t = &m->tree;
    int parts[TREE_ROUNDS_MAX + 3], n = 0;
    struct tree_record live;

    for (int i = 0; i < t->nopen; i++) {
        int row = row_of(&m->workspace, t->open[i].row, t->open[i].session);
        int place = row < 0 || tree_is_live(m, row) ? -1 : place_of(m, row);
        if (place >= 0)
            out[n++] = (struct opened){place, tree_parts(&t->open[i], parts)};
    }
    if (at_hand(m) && !live_alone(m) && !t->live_closed) {
        int place = place_of(m, row_of(&m->workspace, t->live_row, m->session.name));
        tree_record_of(&m->session, &live);
        if (place >= 0)
            out[n++] = (struct opened){place, tree_parts(&live, parts)};
    }
    qsort(out, (size_t)n, sizeof *out, by_place);
    return n;
}

/* Rows above the list: the workspace, and the session at hand where the list does not have it. */
static int head_rows(const struct model *m)
{
    int parts[TREE_ROUNDS_MAX + 3];
    struct tree_record live;

    if (!live_alone(m))
        return 1;
    if (m->tree.live_closed)
        return 2;
    tree_record_of(&m->session, &live);
    return 2 + tree_parts(&live, parts);
}

int tree_rows(const struct model *m)
{
    struct opened open[TREE_OPEN_MAX + 1];
    int rows = head_rows(m) + listed(m);
    int n = opened_sessions(m, open);

    for (int i = 0; i < n; i++)
        rows += open[i].rows;
    return rows;
}

static struct tree_node part_node(const struct model *m, int session, int at)
{
    int parts[TREE_ROUNDS_MAX + 3];
    struct tree_record live;
    const struct tree_record *r = tree_open_of(m, session, &live);
    int n = r ? tree_parts(r, parts) : 0;

    return (struct tree_node){session, at < n ? parts[at] : TREE_SESSION};
}

struct tree_node tree_node_at(const struct model *m, int row)
{
    struct opened open[TREE_OPEN_MAX + 1];
    int head = head_rows(m), n;

    if (row <= 0)
        return (struct tree_node){TREE_WORKSPACE, TREE_SESSION};
    if (row < head)
        return row == 1 ? (struct tree_node){TREE_LIVE, TREE_SESSION}
                        : part_node(m, TREE_LIVE, row - 2);
    row -= head;
    n = opened_sessions(m, open);
    for (int i = 0; i < n && open[i].place < row; i++) {
        if (row <= open[i].place + open[i].rows)
            return part_node(m, listed_row(m, open[i].place), row - open[i].place - 1);
        row -= open[i].rows;
    }
    if (row >= listed(m))
        return (struct tree_node){TREE_WORKSPACE, TREE_SESSION};
    return (struct tree_node){listed_row(m, row), TREE_SESSION};
}

static int part_place(const struct model *m, int session, int part)
{
    int parts[TREE_ROUNDS_MAX + 3];
    struct tree_record live;
    const struct tree_record *r = part == TREE_SESSION ? NULL : tree_open_of(m, session, &live);
    int n = r ? tree_parts(r, parts) : 0;

    for (int i = 0; i < n; i++)
        if (parts[i] == part)
            return i + 1;
    return 0;
}

int tree_row_of(const struct model *m, const char *session, int part)
{
    struct opened open[TREE_OPEN_MAX + 1];
    int row, place, n, y;

    if (!*session)
        return 0;
    if (live_alone(m) && strcmp(session, tree_name(m, TREE_LIVE)) == 0)
        return 1 + part_place(m, TREE_LIVE, part);
    row = row_of(&m->workspace, m->tree.at_row, session);
    place = row < 0 ? -1 : place_of(m, row);
    if (place < 0)
        return -1;
    y = head_rows(m) + place;
    n = opened_sessions(m, open);
    for (int i = 0; i < n && open[i].place < place; i++)
        y += open[i].rows;
    return y + part_place(m, row, part);
}

/* ---- changes ---- */

void tree_move_to(struct model *m, int row)
{
    struct tree *t = &m->tree;
    int rows = tree_rows(m);
    struct tree_node n;

    row = row >= rows ? rows - 1 : row;
    row = row < 0 ? 0 : row;
    n = tree_node_at(m, row);
    m->screen.tree_cursor = row;
    text_copy_raw(t->at, sizeof t->at, tree_name(m, n.session));
    t->part = n.part;
    t->at_row = n.session;
    m->dirty = true;
}

static void pass_filter(struct model *m)
{
    struct tree *t = &m->tree;
    const struct workspace *w = &m->workspace;

    t->nshown = 0;
    if (!t->filter[0])
        return;
    t->shown = xrealloc(t->shown, ((size_t)w->nsessions + 1) * sizeof *t->shown);
    for (int i = 0; i < w->nsessions; i++)
        if (strcasestr(w->sessions[i].name, t->filter) ||
            strcasestr(w->sessions[i].title, t->filter) ||
            strcasestr(session_state_name(w->sessions[i].state), t->filter))
            t->shown[t->nshown++] = i;
}

void tree_sync(struct model *m)
{
    struct tree *t = &m->tree;
    int row;

    if (t->version != m->workspace.rows_version) {
        t->version = m->workspace.rows_version;
        pass_filter(m);
        for (int i = 0; i < t->nopen; i++)
            t->open[i].row = row_of(&m->workspace, t->open[i].row, t->open[i].session);
        t->at_row = *t->at ? row_of(&m->workspace, t->at_row, t->at) : TREE_WORKSPACE;
        t->live_row = row_of(&m->workspace, t->live_row, m->session.name);
        m->dirty = true;
    }
    row = tree_row_of(m, t->at, t->part);
    if (row < 0)
        tree_move_to(m, m->screen.tree_cursor);
    else
        m->screen.tree_cursor = row;
}

static void drop_record(struct tree *t, int i)
{
    memmove(&t->open[i], &t->open[i + 1], (size_t)(--t->nopen - i) * sizeof t->open[0]);
}

bool tree_open(struct model *m, int session)
{
    struct tree *t = &m->tree;
    struct tree_record live, *r;

    if (tree_is_live(m, session)) {
        t->live_closed = false;
        return true;
    }
    if (session < 0 || tree_open_of(m, session, &live))
        return false;
    if (!t->open)
        t->open = xcalloc(TREE_OPEN_MAX, sizeof *t->open);
    if (t->nopen == TREE_OPEN_MAX) /* the one that was opened first makes room */
        drop_record(t, 0);
    r = &t->open[t->nopen++];
    memset(r, 0, sizeof *r);
    text_copy_raw(r->session, sizeof r->session, tree_name(m, session));
    r->row = session;
    r->reading = true;
    return true;
}

void tree_close(struct model *m, int session)
{
    struct tree *t = &m->tree;
    const char *name = tree_name(m, session);

    if (tree_is_live(m, session))
        t->live_closed = true;
    for (int i = t->nopen - 1; i >= 0; i--)
        if (strcmp(t->open[i].session, name) == 0)
            drop_record(t, i);
    tree_move_to(m, tree_row_of(m, name, TREE_SESSION));
}

void tree_set_filter(struct model *m, const char *text)
{
    text_copy(m->tree.filter, sizeof m->tree.filter, text);
    pass_filter(m);
    tree_sync(m);
    m->dirty = true;
}

void tree_task_clear(struct tree_task *t)
{
    struct session *both[] = {t->a, t->b};

    for (size_t i = 0; i < ARRAY_LEN(both); i++)
        if (both[i]) {
            session_reset(both[i]);
            free(both[i]);
        }
    free(t->goals);
    memset(t, 0, sizeof *t);
}

void tree_clear(struct tree *t)
{
    tree_task_clear(&t->task);
    free(t->open);
    free(t->shown);
    memset(t, 0, sizeof *t);
}
