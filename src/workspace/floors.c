/* The noise floors of a workspace; see floors.h. */
#include "pgd/workspace/floors.h"

#include <string.h>

static int find(const struct workspace *w, const char *workload, int clients)
{
    for (int i = 0; i < w->nfloors; i++)
        if (w->floors[i].clients == clients && strcmp(w->floors[i].workload, workload) == 0)
            return i;
    return -1;
}

const struct floor_note *floors_find(const struct workspace *w, const char *workload, int clients)
{
    int i = find(w, workload, clients);
    return i < 0 ? NULL : &w->floors[i];
}

void floors_put(struct workspace *w, const struct floor_note *note)
{
    int i = find(w, note->workload, note->clients);
    if (i < 0 && w->nfloors < FLOORS_MAX)
        i = w->nfloors++;
    if (i < 0) {
        i = 0;
        for (int k = 1; k < w->nfloors; k++)
            if (w->floors[k].wall_us < w->floors[i].wall_us)
                i = k;
    }
    w->floors[i] = *note;
}
