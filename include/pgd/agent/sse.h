/* sse.h - server-sent events from bytes that arrive in pieces of any size.
 *
 * A piece may end anywhere: within a line, between CR and LF, within a character. What an event says does not depend on how its
 * bytes were cut. Only the data of events is kept; their names, numbers and comments mean nothing to us. */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"

enum { SSE_EVENT_MAX = 8 * 1024 * 1024 }; /* bytes of one line, and of one event's data */

struct sse {
    struct buf line; /* the line so far, without its end */
    struct buf data; /* the event's data lines so far, joined by newlines */
    bool has_data;   /* a data line came, be it empty */
    bool after_cr;   /* the last byte was CR: a LF that follows belongs to it */
    bool begun;      /* the first line is over: no byte order mark may follow */
    bool broken;     /* a line or an event was too long; nothing more is taken */
};

/* One whole event; data is NUL-terminated and borrowed for the call. False: no more events are wanted. */
typedef bool (*sse_fn)(void *arg, const char *data, size_t len);

/* Takes n bytes and calls fn for each event that they complete. */
void sse_feed(struct sse *s, const char *bytes, size_t n, sse_fn fn, void *arg);
/* The bytes so far end within an event. */
bool sse_leftover(const struct sse *s);
void sse_clear(struct sse *s);
