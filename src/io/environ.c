/* environ.c - see environ.h. */
#include "pgd/io/environ.h"

#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"

extern char **environ;

bool environ_is_key(const char *name, size_t len)
{
    static const char end[] = "_API_KEY";
    const size_t n = sizeof end - 1;
    return len >= n && memcmp(name + len - n, end, n) == 0;
}

static const char *value_of(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

bool environ_key(const char *const *names, secret_id *out, struct err *e)
{
    *out = 0;
    for (; *names; names++) {
        const char *value = value_of(*names);
        if (!value)
            continue;
        if (strlen(value) > ENVIRON_KEY_MAX) {
            err_set(e, ERR_USAGE, "%s is longer than %d bytes", *names, ENVIRON_KEY_MAX);
            err_detail(e, "No provider's key is that long.");
            return err_hint(e, "Set it to the key alone.");
        }
        *out = secret_put(value, strlen(value));
        break;
    }
    return true;
}

bool environ_word(const char *name, char *dst, size_t size, struct err *e)
{
    const char *value = value_of(name);
    dst[0] = '\0';
    if (!value)
        return true;
    if (strlen(value) >= size) {
        err_set(e, ERR_USAGE, "%s is longer than %zu bytes", name, size - 1);
        return err_hint(e, "Correct the variable, or unset it.");
    }
    for (const char *p = value; *p; p++) {
        if ((unsigned char)*p > ' ' && *p != 0x7f)
            continue;
        err_set(e, ERR_USAGE, "%s holds a space or a control character", name);
        return err_hint(e, "Correct the variable, or unset it.");
    }
    text_copy_raw(dst, size, value);
    return true;
}

void environ_wipe_keys(void)
{
    for (char **v = environ; v && *v;) {
        const size_t n = strcspn(*v, "=");
        if (!environ_is_key(*v, n) || (*v)[n] != '=') {
            v++;
            continue;
        }
        explicit_bzero(*v + n + 1, strlen(*v + n + 1));
        for (char **to = v; *to; to++)
            to[0] = to[1];
    }
}
