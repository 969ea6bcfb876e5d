/* layout.h - where the panes are, for a size of the terminal. A pure function of its arguments. */
#pragma once

#include <stdbool.h>

#include "pgd/ui/canvas.h"
#include "pgd/workspace/panes.h"

enum layout_kind {
    LAYOUT_COLUMNS, /* tree over rounds | benchmark over telemetry | AI */
    LAYOUT_ONE,     /* the focused pane alone: a small terminal, or zoom */
    LAYOUT_PLAIN,   /* the focused pane alone, without a frame, over the newest events */
    LAYOUT_LINES,   /* status and prompt only (below 40x10) */
    LAYOUT_ENLARGE  /* one word (below 20x5) */
};

struct layout {
    enum layout_kind kind;
    struct rect screen;
    struct rect status; /* one row each; h = 0 when there is no room */
    struct rect prompt;
    struct rect keys;
    struct rect body; /* between status and prompt */
    struct rect news; /* LAYOUT_PLAIN: the newest events; h = 0: the pane is that of the events */
    struct rect panes[PANE_COUNT]; /* frames included; neighbours share a line; h = 0: not shown */
};

/* focus is the pane that LAYOUT_ONE shows; zoom asks for it at any size. */
void layout_compute(int cols, int rows, enum pane focus, bool zoom, struct layout *out);
/* Makes LAYOUT_PLAIN of a layout that shows panes. */
void layout_plain(struct layout *l, enum pane focus);
bool layout_shows(const struct layout *l, enum pane p);
/* A pane without its frame; in LAYOUT_PLAIN without the row of its title. */
struct rect layout_inside(const struct layout *l, enum pane p);
/* The next (way 1) or former (way -1) pane in the order of Tab. */
enum pane layout_next(enum pane p, int way);
