/* session_rows.c - see session_rows.h. A row owns the text that stands for it in index.json, so that saving the list after a
 * change costs one row and not all of them. */
#include "pgd/workspace/session_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct session_row *session_rows_add(struct workspace *w, int at)
{
    struct session_row *r;

    if (w->nsessions >= SESSION_ROWS_MAX)
        return NULL;
    w->sessions = xgrow(w->sessions, &w->capsessions, (size_t)w->nsessions + 1, sizeof *r);
    r = &w->sessions[at];
    memmove(r + 1, r, (size_t)(w->nsessions - at) * sizeof *r);
    w->nsessions++;
    w->rows_version++;
    memset(r, 0, sizeof *r);
    r->baseline_tps = r->best_tps = r->effect = r->tps_before = r->tps_after = NAN;
    return r;
}

void session_rows_remove(struct workspace *w, int at)
{
    struct session_row *r = &w->sessions[at];

    free(r->line);
    w->nsessions--;
    w->rows_version++;
    memmove(r, r + 1, (size_t)(w->nsessions - at) * sizeof *r);
}

struct session_row *session_rows_front(struct workspace *w, int at)
{
    struct session_row row;

    if (at > 0) {
        row = w->sessions[at];
        memmove(w->sessions + 1, w->sessions, (size_t)at * sizeof row);
        w->sessions[0] = row;
        w->rows_version++;
    }
    return w->sessions;
}

void session_rows_clear(struct workspace *w)
{
    for (int i = 0; i < w->nsessions; i++)
        free(w->sessions[i].line);
    free(w->sessions);
    w->sessions = NULL;
    w->nsessions = 0;
    w->capsessions = 0;
    w->rows_version++;
}

const char *session_rows_open(const struct model *m)
{
    const struct workspace *w = &m->workspace;

    if (m->session.state == SESSION_PAUSED && m->session.name[0])
        return m->session.name;
    for (int i = 0; i < w->nsessions; i++)
        if (w->sessions[i].state == SESSION_PAUSED || w->sessions[i].state == SESSION_ACTIVE)
            return w->sessions[i].name;
    return "";
}

int session_rows_find(const struct workspace *w, const char *name)
{
    for (int i = 0; i < w->nsessions; i++)
        if (strcmp(w->sessions[i].name, name) == 0)
            return i;
    return -1;
}

/* Rows are large: what is sorted are their places. */
struct place {
    int64_t changed_us;
    int at;
};

static int newest_first(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->changed_us != y->changed_us)
        return x->changed_us > y->changed_us ? -1 : 1;
    return x->at < y->at ? -1 : 1;
}

void session_rows_sort(struct workspace *w)
{
    size_t n = (size_t)w->nsessions;
    struct place *places = xcalloc(n + 1, sizeof *places);
    struct session_row *rows = xcalloc(n + 1, sizeof *rows);

    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){w->sessions[i].changed_wall_us, (int)i};
    qsort(places, n, sizeof *places, newest_first);
    for (size_t i = 0; i < n; i++)
        rows[i] = w->sessions[places[i].at];
    free(w->sessions);
    free(places);
    w->sessions = rows;
    w->capsessions = n + 1;
    w->rows_version++;
}

void session_rows_changed(struct session_row *r)
{
    free(r->line);
    r->line = NULL;
}
