/* span.c - see span.h. */
#include "pgd/telemetry/span.h"

#include <math.h>
#include <string.h>

static const char mark[] = "==> ", tail[] = " <==";

bool span_at_end(const struct span *s)
{
    return s->at >= s->end;
}

struct span span_line(struct span *s)
{
    const char *nl = memchr(s->at, '\n', (size_t)(s->end - s->at));
    struct span line = {s->at, nl ? nl : s->end};
    s->at = nl ? nl + 1 : s->end;
    return line;
}

void span_skip_blanks(struct span *s)
{
    while (!span_at_end(s) && (*s->at == ' ' || *s->at == '\t'))
        s->at++;
}

struct span span_word(struct span *s)
{
    span_skip_blanks(s);
    struct span word = {s->at, s->at};
    while (word.end < s->end && *word.end != ' ' && *word.end != '\t')
        word.end++;
    s->at = word.end;
    return word;
}

bool span_is(struct span word, const char *text)
{
    size_t len = strlen(text);
    return (size_t)(word.end - word.at) == len && memcmp(word.at, text, len) == 0;
}

double span_number(struct span *s)
{
    double value = 0;
    span_skip_blanks(s);
    if (span_at_end(s) || *s->at < '0' || *s->at > '9')
        return NAN;
    while (!span_at_end(s) && *s->at >= '0' && *s->at <= '9')
        value = value * 10 + (*s->at++ - '0');
    return value;
}

static bool begins_section(const struct span *s)
{
    return s->end - s->at >= 4 && memcmp(s->at, mark, 4) == 0;
}

bool span_section(struct span *all, struct span *path, struct span *content)
{
    while (!span_at_end(all) && !begins_section(all))
        span_line(all);
    if (span_at_end(all))
        return false;
    *path = span_line(all);
    path->at += 4;
    if (path->end - path->at > 4 && memcmp(path->end - 4, tail, 4) == 0)
        path->end -= 4;
    *content = (struct span){all->at, all->at};
    while (!span_at_end(all) && !begins_section(all)) {
        span_line(all);
        content->end = all->at;
    }
    return true;
}
