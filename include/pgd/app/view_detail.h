/* view_detail.h - what the page of one row of a live view says beyond its cells. */
#pragma once

#include "pgd/workspace/model.h"

/* Appends it: of a setting what the program knows of it; nothing for the rows of other views. */
void view_detail_more(const struct model *m, int row, struct buf *out);
