/* ssh_config.c - one keyword of ~/.ssh/config, for what libssh reads and does not tell: StrictHostKeyChecking. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pgd/base/buf.h"
#include "pgd/base/text.h"
#include "pgd/io/ssh_auth.h"

enum { CONFIG_LINE_MAX = 1024, CONFIG_MAX = 1 << 20 };

/* The next word of a line: in quotes, or up to white space or '='. NULL at the end. */
static char *word(char **at)
{
    char *s = *at + strspn(*at, " \t="), *from;

    if (!*s || *s == '\n' || *s == '\r' || *s == '#')
        return NULL;
    if (*s == '"') {
        from = ++s;
        s += strcspn(s, "\"\n");
    } else {
        from = s;
        s += strcspn(s, " \t=\r\n");
    }
    *at = *s ? s + 1 : s;
    *s = '\0';
    return from;
}

/* Patterns of a Host line: one fits and none with '!' does. */
static bool fits(char *at, const char *host)
{
    bool found = false;
    char *pattern;

    while ((pattern = word(&at)) != NULL) {
        bool negated = *pattern == '!';
        if (fnmatch(pattern + negated, host, 0) != 0)
            continue;
        if (negated)
            return false;
        found = true;
    }
    return found;
}

void ssh_config_value(const char *text, const char *host, const char *keyword, char *dst,
                      size_t size)
{
    char line[CONFIG_LINE_MAX];
    bool ours = true;

    dst[0] = '\0';
    while (*text && !dst[0]) {
        size_t len = strcspn(text, "\n");
        bool fits_in = len < sizeof line;
        memcpy(line, text, fits_in ? len : 0);
        line[fits_in ? len : 0] = '\0'; /* no line of that length is one of ours */
        text += len + (text[len] == '\n');
        char *at = line, *key = word(&at), *value;
        if (!key)
            continue;
        if (strcasecmp(key, "Host") == 0)
            ours = fits(at, host);
        else if (strcasecmp(key, "Match") == 0)
            ours = false; /* what it depends on is not looked at */
        else if (ours && strcasecmp(key, keyword) == 0 && (value = word(&at)) != NULL)
            text_copy(dst, size, value);
    }
}

void ssh_auth_config(const char *dir, const char *host, const char *keyword, char *dst, size_t size)
{
    char path[1100];
    struct buf text = {0};
    char part[4096];
    size_t n;
    FILE *f;

    snprintf(path, sizeof path, "%s/config", dir ? dir : "");
    f = dir ? fopen(path, "re") : NULL;
    while (f && text.len < CONFIG_MAX && (n = fread(part, 1, sizeof part, f)) > 0)
        buf_append(&text, part, n);
    if (f)
        fclose(f);
    ssh_config_value(buf_text(&text), host, keyword, dst, size);
    buf_clear(&text);
}
