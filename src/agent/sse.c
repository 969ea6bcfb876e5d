/* Server-sent events, after the WHATWG HTML standard, "Interpreting an event stream": lines end with LF, CRLF or CR; a blank
 * line ends an event; several data lines are joined. An event that the end of the stream cuts is not given out. */
#include "pgd/agent/sse.h"

#include <string.h>

static void stop(struct sse *s)
{
    s->broken = true;
    buf_clear(&s->line);
    buf_clear(&s->data);
    s->has_data = false;
}

static void field(struct sse *s, const char *line, size_t len)
{
    static const char name[] = "data";
    size_t n = sizeof name - 1;
    if (len < n || memcmp(line, name, n) != 0 || (len > n && line[n] != ':'))
        return;
    const char *value = line + n, *end = line + len;
    if (value < end)
        value++;
    if (value < end && *value == ' ')
        value++;
    if (s->data.len + (size_t)(end - value) + 1 > SSE_EVENT_MAX) {
        stop(s);
        return;
    }
    if (s->has_data)
        buf_putc(&s->data, '\n');
    s->has_data = true;
    buf_append(&s->data, value, (size_t)(end - value));
}

/* False when fn wants no more. */
static bool line_end(struct sse *s, sse_fn fn, void *arg)
{
    const char *line = buf_text(&s->line);
    size_t len = s->line.len;
    if (!s->begun && len >= 3 && memcmp(line, "\xef\xbb\xbf", 3) == 0) {
        line += 3;
        len -= 3;
    }
    s->begun = true;
    bool more = true;
    if (len > 0) {
        field(s, line, len);
    } else if (s->has_data) {
        more = fn(arg, buf_text(&s->data), s->data.len);
        s->data.len = 0;
        s->has_data = false;
    }
    s->line.len = 0;
    return more && !s->broken;
}

void sse_feed(struct sse *s, const char *bytes, size_t n, sse_fn fn, void *arg)
{
    for (size_t i = 0; i < n && !s->broken;) {
        if (s->after_cr) {
            s->after_cr = false;
            if (bytes[i] == '\n') {
                i++;
                continue;
            }
        }
        size_t run = 0;
        while (i + run < n && bytes[i + run] != '\n' && bytes[i + run] != '\r')
            run++;
        if (s->line.len + run > SSE_EVENT_MAX) {
            stop(s);
            return;
        }
        buf_append(&s->line, bytes + i, run);
        i += run;
        if (i == n)
            return;
        s->after_cr = bytes[i++] == '\r';
        if (!line_end(s, fn, arg))
            return;
    }
}

bool sse_leftover(const struct sse *s)
{
    return s->has_data || (s->line.len > 0 && s->line.data[0] != ':');
}

void sse_clear(struct sse *s)
{
    buf_clear(&s->line);
    buf_clear(&s->data);
    *s = (struct sse){0};
}
