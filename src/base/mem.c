/* Allocation that ends the program when memory runs out, and the one way to end it for a broken
 * contract. */
#include "pgd/base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Atomic(void (*)(void)) hook;

void die_hook(void (*fn)(void))
{
    atomic_store(&hook, fn);
}

void die(const char *fmt, ...)
{
    /* Taken out before it runs: a hook that dies itself must not come back here for ever. */
    void (*fn)(void) = atomic_exchange(&hook, NULL);
    if (fn)
        fn();
    va_list ap;
    va_start(ap, fmt);
    fputs("pg_diagnose: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}

void *xmalloc(size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        die("out of memory (%zu bytes)", size);
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    /* A count that was negative is a large one here: no object has more than PTRDIFF_MAX bytes. */
    bool fits = size == 0 || n <= (size_t)PTRDIFF_MAX / size;
    void *p = !fits ? NULL : n && size ? calloc(n, size) : calloc(1, 1);
    if (!p)
        die("out of memory (%zu x %zu bytes)", n, size);
    return p;
}

void *xrealloc(void *p, size_t size)
{
    void *q = realloc(p, size ? size : 1);
    if (!q)
        die("out of memory (%zu bytes)", size);
    return q;
}

char *xstrdup(const char *s)
{
    return xstrndup(s, strlen(s));
}

char *xstrndup(const char *s, size_t n)
{
    size_t len = strnlen(s, n);
    char *copy = xmalloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

void mem_zero(void *p, size_t n)
{
    enum { PAGE = 4096 };
    unsigned char *at = p;

    while (n > 0) {
        size_t step = PAGE - ((uintptr_t)at & (PAGE - 1));
        if (step > n)
            step = n;
        if (at[0] != 0 || memcmp(at, at + 1, step - 1) != 0)
            memset(at, 0, step);
        at += step;
        n -= step;
    }
}

void *xgrow(void *p, size_t *cap, size_t want, size_t item_size)
{
    if (want <= *cap)
        return p;
    size_t more = *cap < 8 ? 8 : *cap;
    if (*cap <= SIZE_MAX - more)
        more += *cap;
    if (more < want)
        more = want;
    if (item_size && more > SIZE_MAX / item_size)
        die("out of memory (%zu items of %zu bytes)", want, item_size);
    p = xrealloc(p, more * item_size);
    *cap = more;
    return p;
}
