/* transcript.c - see transcript.h. */
#include "pgd/workspace/transcript.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pgd/base/clock.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/workspace/export_parts.h"

/* A copy without secrets; owned by the caller. */
static char *struck(const char *text)
{
    char *copy = xstrdup(text ? text : "");

    secret_redact(copy);
    return copy;
}

static void put(json_t *j, const char *key, const char *value)
{
    char *clean = struck(value);
    json_t *text = json_string(clean);

    json_object_set_new(j, key, text ? text : json_string("?")); /* not UTF-8 */
    free(clean);
}

void transcript_put(const struct transcript_line *l, struct buf *out)
{
    json_t *j = json_object();
    char *text = NULL;

    json_object_set_new(j, "at_us", json_integer(l->wall_us));
    put(j, "who", l->who);
    put(j, "op", l->op);
    put(j, "where", l->where);
    put(j, "text", l->text);
    json_object_set_new(j, "interrupted", json_boolean(l->interrupted));
    text = json_dumps(j, JSON_COMPACT);
    if (text) {
        buf_puts(out, text);
        buf_putc(out, '\n');
    }
    free(text);
    json_decref(j);
}

static const char *text_of(const json_t *j, const char *key)
{
    const char *s = json_string_value(json_object_get(j, key));

    return s ? s : "";
}

int transcript_read(const char *text, size_t len, transcript_fn said, void *arg)
{
    int n = 0;

    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t line = end ? (size_t)(end - text) - at : len - at;
        json_t *j = json_loadb(text + at, line, JSON_REJECT_DUPLICATES, NULL);
        struct transcript_line l = {.wall_us = json_integer_value(json_object_get(j, "at_us")),
                                    .who = text_of(j, "who"),
                                    .text = text_of(j, "text"),
                                    .where = text_of(j, "where"),
                                    .op = text_of(j, "op"),
                                    .interrupted = json_is_true(json_object_get(j, "interrupted"))};
        if (*l.who && *l.text) {
            said(arg, &l);
            n++;
        }
        json_decref(j);
        at += line + 1;
    }
    return n;
}

static void one_line(void *arg, const struct transcript_line *l)
{
    struct buf *out = arg;
    char at[40], *text = struck(l->text);

    clock_iso(l->wall_us, at, sizeof at);
    buf_printf(out, "**%s", at);
    buf_puts(out, " ");
    export_markdown(out, l->who);
    buf_puts(out, "**");
    if (*l->where) {
        buf_puts(out, " (beside: ");
        export_markdown(out, l->where);
        buf_puts(out, ")");
    }
    buf_puts(out, "\n\n");
    for (char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        char cut = p[n];
        p[n] = '\0';
        export_markdown(out, p);
        buf_puts(out, "  \n");
        p += n + (cut != '\0');
    }
    buf_puts(out, "\n");
    free(text);
}

void transcript_report(const char *session, const char *text, size_t len, struct buf *out)
{
    struct buf lines = {0};

    if (transcript_read(text, len, one_line, &lines) > 0) {
        buf_puts(out, "\n## Conversation in ");
        export_markdown(out, session);
        buf_puts(out, "\n\n");
        buf_append(out, lines.data, lines.len);
    }
    buf_clear(&lines);
}
