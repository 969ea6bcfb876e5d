/* transcript.h - the conversation as a file of JSON lines (conversation.jsonl), and as a part of the report.
 *
 * Lines are only ever added; what is secret is struck out before a line is made. */
#pragma once

#include "pgd/workspace/talk.h"

enum { TRANSCRIPT_MAX = 2 * 1024 * 1024, TRANSCRIPT_SHOWN_MAX = 60 };

/* One thing that was said. Texts are borrowed. */
struct transcript_line {
    int64_t wall_us;
    const char *who;   /* "dba", or the advisor's name */
    const char *text;  /* may hold several lines */
    const char *where; /* what was on the screen; "" = the panes */
    const char *op;    /* name of the operation */
    bool interrupted;
};

/* Appends the line with its newline. */
void transcript_put(const struct transcript_line *l, struct buf *out);
/* Reads a file: calls said() for each line that makes sense, oldest first; damaged ones are passed over. How many. */
typedef void (*transcript_fn)(void *arg, const struct transcript_line *l);
int transcript_read(const char *text, size_t len, transcript_fn said, void *arg);
/* A section of the report, of the session of that name: every line of the file. Nothing when there is none. */
void transcript_report(const char *session, const char *text, size_t len, struct buf *out);
