/* price.h - what a review line tells the DBA beside the value: when it takes effect, whom it reaches, what it costs. */
#pragma once

#include "pgd/tuning/guard.h"

/* Fills takes, reach, price and the least risk of a line whose from, to, restart are known. */
void price_line(struct review_line *line, const struct setting *s, const struct server_facts *f,
                const struct guard_policy *g);
