/* buf.h - a growing byte buffer, always NUL-terminated, used for text that is built or collected. */
#pragma once

#include <stdarg.h>
#include <stddef.h>

#include "pgd/base/mem.h"

struct buf {
    char *data; /* owned; NULL only before the first append */
    size_t len;
    size_t cap;
};

void buf_append(struct buf *b, const void *data, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_putc(struct buf *b, char c);
void buf_printf(struct buf *b, const char *fmt, ...) PGD_PRINTF(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PGD_PRINTF(2, 0);
void buf_consume(struct buf *b, size_t n); /* drops the first n bytes */
const char *buf_text(const struct buf *b); /* never NULL; valid until the next change */
char *buf_take(struct buf *b);             /* the caller owns the text; the buffer is empty again */
void buf_clear(struct buf *b);             /* frees */
