/* plan_hand.h - what the DBA's hand has done to a plan before it begins: which rows were edited, and the same edits made to another plan.
 *
 * A plan that is left without a go is not lost: its edited rows are kept, and the next plan that is offered begins with them. What the
 * advisor offered is kept beside them, so that every edit can be taken back. */
#pragma once

#include "pgd/protocol/records.h"
#include "pgd/workspace/panes.h"

struct plan_hand {
    struct sdl offered; /* as it came, before any edit */
    struct sdl before;  /* before the choice under way … */
    bool choosing;      /* … on a row that is stepped through: Esc brings `before` back */
    struct sdl left;    /* as it stood when it was left … */
    unsigned kept;      /* … and which of its rows were edited; 0 = nothing is kept */
};

/* "budget": as the row is called in the dialog; PLAN_FIELDS is "scripts". */
const char *plan_row_label(int field);
/* The rows that differ, as bits: 1 << enum plan_field; weights and texts of the scripts alone are 1 << PLAN_FIELDS. 0
 * also where nothing was offered: a plan without a strategy. */
unsigned plan_hand_edited(const struct sdl *offered, const struct sdl *now);
/* Their labels, "budget, workload"; "" = none. */
void plan_hand_words(unsigned rows, char *dst, size_t size);
/* Copies those rows. Scripts are copied only where both plans have the same ones. */
void plan_hand_copy(unsigned rows, const struct sdl *from, struct sdl *to);
