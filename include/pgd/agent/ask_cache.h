/* ask_cache.h - answers that serve once more: for an identical request within a day, also of a later run of the program.
 *
 * In the file (answers.jsonl of the workspace) an answer stands as the model gave it: with the aliases of what was masked. What was asked at
 * `full`, is very long, or holds what looks like a secret is kept in memory alone. */
#pragma once

#include "pgd/agent/partner.h"

enum { CACHE_HOURS = 24, CACHE_TEXT_MAX = 32 * 1024, CACHE_FILE_MAX = 1024 * 1024 };

/* Of model, address, operation and request; every occurrence of the fence's nonce is left out, for it is new each time. */
void ask_cache_key(const struct partner *p, enum op op, const struct packet *packet,
                   const char *nonce, uint64_t key[4]);
/* NULL when there is none, or an older one; also when the clock has gone back behind it. */
const struct cached_answer *ask_cache_find(const struct partner *p, const uint64_t key[4],
                                           int64_t wall_us);
/* Keeps a copy, in the place of the same request's or else of the oldest; false where that is not for a file. */
bool ask_cache_put(struct partner *p, const uint64_t key[4], int64_t wall_us, const char *text,
                   size_t len);
/* Appends the answer of the key as a line of the file; nothing where there is none. */
void ask_cache_line(const struct partner *p, const uint64_t key[4], struct buf *out);
/* Takes the lines of a file that are of the day before wall_us; what is in the cache already counts. How many lines make no sense;
 * *old: how many are not of that day. */
int ask_cache_read(struct partner *p, const char *text, size_t len, int64_t wall_us, int *old);
/* The file anew: all that may serve. */
void ask_cache_file(const struct partner *p, int64_t wall_us, struct buf *out);
