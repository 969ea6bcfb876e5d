/* mem.h - allocation that cannot fail, and the few macros that every file uses.
 *
 * Out of memory ends the program through die(): no caller can do anything sensible about it, and the
 * journal is written before every change, so nothing is lost. */
#pragma once

#include <stddef.h>

#define PGD_MUST_CHECK __attribute__((warn_unused_result))
#define PGD_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

void *xmalloc(size_t size);
void *xcalloc(size_t n, size_t size);
void *xrealloc(void *p, size_t size);
char *xstrdup(const char *s);
char *xstrndup(const char *s, size_t n);

/* Sets n bytes to 0, and leaves pages alone that are: a large struct of which little was ever used costs the memory of that little, as
 * calloc() gave it. */
void mem_zero(void *p, size_t n);

/* Grow an array so that it holds at least want items of item_size; *cap counts items. */
void *xgrow(void *p, size_t *cap, size_t want, size_t item_size);

/* Ends the program for a broken contract or no memory; the hook (restore the terminal) runs first. */
void die(const char *fmt, ...) PGD_PRINTF(1, 2) __attribute__((noreturn));
void die_hook(void (*fn)(void));
