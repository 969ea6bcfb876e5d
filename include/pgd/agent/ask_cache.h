/* ask_cache.h - answers that serve once more: for an identical request within a day of this run of the program. */
#pragma once

#include "pgd/agent/partner.h"

enum { CACHE_HOURS = 24 };

/* Of model, address, operation and request; every occurrence of the fence's nonce is left out, for it is new each time. */
void ask_cache_key(const struct partner *p, enum op op, const struct packet *packet,
                   const char *nonce, uint64_t key[4]);
/* NULL when there is none, or an older one; also when the clock has gone back behind it. */
const struct cached_answer *ask_cache_find(const struct partner *p, const uint64_t key[4],
                                           int64_t wall_us);
/* Keeps a copy, in the place of the same request's or else of the oldest. */
void ask_cache_put(struct partner *p, const uint64_t key[4], int64_t wall_us, const char *text,
                   size_t len);
