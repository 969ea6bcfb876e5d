/* prices.h - what models cost: assets/prices/models.json, which the DBA's own file may override.
 *
 * Prices are of a day (as_of) and for the eye ("≈"); an unknown model costs NAN, which is shown as unknown and counts against a cap
 * of calls, not of money. */
#pragma once

#include "pgd/agent/wire.h"

struct model_price {
    char id[MODEL_NAME_MAX];
    char provider[16];      /* "gemini", "openai" */
    double in, out, cached; /* USD for a million tokens; NAN = unknown */
    char until[12]; /* "2026-12-31": after it the next row of the same id counts; "" = no end */
    int context;    /* tokens; 0 = unknown */
    char note[120]; /* "shut down 2027-05-07" */
};
enum { PRICES_MAX = 96 };
struct prices {
    char as_of[12];
    char gemini_default[MODEL_NAME_MAX], openai_default[MODEL_NAME_MAX];
    int n;
    struct model_price items[PRICES_MAX];
};

/* The program's own with `own` (a file's text; NULL = none) on top; an error of the latter is told and changes nothing. */
bool prices_load(struct prices *p, const char *own, size_t len, struct err *e);
const struct model_price *prices_find(const struct prices *p, const char *model, int64_t wall_us);
/* USD; NAN when the model's price is unknown. */
double prices_cost(const struct model_price *p, const struct usage *u);
