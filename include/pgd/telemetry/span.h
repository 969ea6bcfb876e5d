/* span.h - what is left of a text that is being read: its lines, words and numbers. No allocation, no scanf, each byte looked at
 * once or twice. Private to telemetry. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct span {
    const char *at, *end;
};

bool span_at_end(const struct span *s);
struct span span_line(struct span *s); /* without its newline, which is taken too */
void span_skip_blanks(struct span *s);
struct span span_word(struct span *s);
bool span_is(struct span word, const char *text);
/* The next number, an unsigned whole one; NAN if there is none. */
double span_number(struct span *s);
/* The next part of a text that FILE_READ_MANY or head(1) gave: "==> PATH\n" or "==> PATH <==\n", and the content up to the next
 * such line. False: there is none. */
bool span_section(struct span *all, struct span *path, struct span *content);
