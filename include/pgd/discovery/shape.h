/* shape.h - the shape of a plan: its nodes, relations, indexes and their order, without costs and rows. Two shapes that
 * differ are a plan flip, which can be said in words. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { PLAN_SHAPE_MAX = 1200 };

/* One line a node, in the order of EXPLAIN: its depth, a tab, the node as EXPLAIN prints it without its figures. */
struct plan_shape {
    char text[PLAN_SHAPE_MAX]; /* "" = unknown */
    bool cut;                  /* more nodes than there is room for */
};

/* Reads the text of EXPLAIN, with or without ANALYZE. */
void plan_shape(const char *explained, struct plan_shape *out);
/* What is different, in words: "Seq Scan on orders → Index Scan using orders_day on orders"; false (and "") when nothing
 * is, or one of the two is unknown. */
bool plan_flip(const struct plan_shape *a, const struct plan_shape *b, char *dst, size_t size);
