/* tableview_figures.h - what the rows of telemetry/tableview_list.c name as their `fill` and `make`. */
#pragma once

#include "pgd/telemetry/collect.h"
#include "pgd/telemetry/tableview.h"

/* hit: of hit_bytes and read_bytes, in percent; rows_per_call: of rows and calls. Between two samples where those are rates. */
void tableview_fill_ratios(const struct tableview *v, const struct collect *c,
                           struct tableview_rows *t);
/* left_s: what is left of whole after done, at the present speed. */
void tableview_fill_left(const struct tableview *v, const struct collect *c,
                         struct tableview_rows *t);
/* The newest lines of the server's log. The caller frees; NULL, with why, when it is not followed. */
struct rows *tableview_make_log(const struct collect *c, char why[240]);
