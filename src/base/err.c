/* Filling struct err. Texts are cleaned and cut at a character, for they go to the screen, to stderr and into JSON, and
 * hold what servers, files and command lines say. */
#include "pgd/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"

/* Through a second buffer, because an argument is often the field itself: "cannot save: %s". */
static void fill(char *dst, size_t size, const char *fmt, va_list ap) PGD_PRINTF(3, 0);
static void fill(char *dst, size_t size, const char *fmt, va_list ap)
{
    char line[2048];
    vsnprintf(line, sizeof line, fmt, ap);
    text_copy(dst, size, line);
}

bool err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    if (!e)
        return false;
    struct err fresh = {.code = code};
    va_list ap;
    va_start(ap, fmt);
    fill(fresh.msg, sizeof fresh.msg, fmt, ap);
    va_end(ap);
    *e = fresh;
    return false;
}

bool err_detail(struct err *e, const char *fmt, ...)
{
    if (!e)
        return false;
    va_list ap;
    va_start(ap, fmt);
    fill(e->detail, sizeof e->detail, fmt, ap);
    va_end(ap);
    return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
    if (!e)
        return false;
    va_list ap;
    va_start(ap, fmt);
    fill(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return false;
}

void err_clear(struct err *e)
{
    if (e)
        memset(e, 0, sizeof *e);
}

const char *err_code_name(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return "none";
    case ERR_USAGE:
        return "usage";
    case ERR_CONNECT:
        return "connect";
    case ERR_PASSWORD:
        return "password";
    case ERR_SQL:
        return "sql";
    case ERR_LOST:
        return "lost";
    case ERR_TIMEOUT:
        return "timeout";
    case ERR_MODEL:
        return "model";
    case ERR_CHILD:
        return "child";
    case ERR_FULL:
        return "disk_full";
    case ERR_FILE:
        return "file";
    case ERR_FORMAT:
        return "format";
    case ERR_REFUSED:
        return "refused";
    case ERR_VERIFY:
        return "verify";
    case ERR_BUSY:
        return "busy";
    case ERR_CANCELLED:
        return "cancelled";
    case ERR_INTERNAL:
        return "internal";
    }
    return "unknown";
}
