/* graph.h - series of numbers drawn with dots, blocks or letters. NAN is a gap: nothing is drawn there. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pgd/ui/canvas.h"
#include "pgd/workspace/panes.h"

/* "braille", "block", "ascii", "auto"; false if it is none of them. */
bool graph_kind_of(const char *name, enum graph_kind *kind);
const char *graph_kind_name(enum graph_kind kind);

struct graph_series {
    const double *values; /* oldest first */
    size_t n;             /* the last ones are drawn when there are more than fit */
    unsigned style;
};

/* A level across the graph. */
struct graph_line {
    double value; /* NAN = none */
    enum { GRAPH_DOTTED, GRAPH_DASHED, GRAPH_SOLID } form;
    unsigned style;
};

/* Limits of an axis, on round numbers (1, 2, 2.5, 5 times a power of ten). */
struct graph_scale {
    double low, high;
    double step; /* between labels */
};

/* A scale that holds low..high. `held` (may be zeroed: none yet) is kept as long as it still fits well, so
 * that an axis does not jump with each sample; it is updated. */
void graph_scale(struct graph_scale *held, double low, double high);
/* The same over all series and lines, from zero up. */
void graph_scale_of(struct graph_scale *held, const struct graph_series *series, size_t n,
                    const struct graph_line *lines, size_t n_lines);

struct graph {
    enum graph_kind kind;
    const struct graph_series *series; /* the first is drawn on top */
    size_t n;
    const struct graph_line *lines;
    size_t n_lines;
    struct graph_scale *scale; /* kept by the owner between frames; NULL = fresh each time */
    const char *title;         /* left of the uppermost label: "TPS"; NULL = none */
    const char *const *names;  /* of the series, for GRAPH_WORDS; NULL = they have none */
};

/* Columns that labels of this scale need, with the axis. */
int graph_axis_width(const struct graph_scale *s, const char *title);
/* Samples that r can show at the kind's resolution, axis left out. */
size_t graph_capacity(enum graph_kind kind, int columns);
/* Line graph with an axis on the left, newest sample at the right edge. */
void graph_draw(struct canvas *c, struct rect r, const struct graph *g);

/* One row: the last samples as columns of eighths between 0 and high (<= 0: the largest of them). */
void graph_spark(struct canvas *c, int y, int x, int width, enum graph_kind kind, unsigned style,
                 const double *values, size_t n, double high);
/* One row: a part 0..1 as a bar on a dotted ground. */
void graph_bar(struct canvas *c, int y, int x, int width, enum graph_kind kind, unsigned style,
               double part);
/* One row: an interval around its middle on the axis low..high. Middle NAN draws nothing; lo or hi NAN
 * draws the middle alone. */
void graph_interval(struct canvas *c, int y, int x, int width, enum graph_kind kind, unsigned style,
                    const struct graph_scale *axis, double lo, double mid, double hi);
/* A mark at one value of the same axis: the target. */
void graph_mark(struct canvas *c, int y, int x, int width, unsigned style,
                const struct graph_scale *axis, double value);
/* "6k", "2.5k", "0.8", "1.2M": short, for axes. */
void graph_label(char *dst, size_t size, double value, double step);
