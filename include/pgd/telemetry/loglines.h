/* loglines.h - one line of a server's log: when, how bad, and what it tells. Pure, bounded, made for any bytes.
 *
 * Which lines matter is a table of what PostgreSQL 12 to 18 write in English, and of SQLSTATEs where the format has them (csvlog,
 * jsonlog). A message that goes on over several lines is known by its first one; DETAIL, HINT, STATEMENT and CONTEXT are no messages. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_format {
    LOG_FORMAT_NONE,
    LOG_FORMAT_STDERR, /* any log_line_prefix */
    LOG_FORMAT_CSV,
    LOG_FORMAT_JSON,
    LOG_FORMAT_JOURNAL, /* journalctl -o short-iso-precise */
    LOG_FORMAT_KERNEL   /* dmesg, journalctl -k */
};

enum log_severity {
    LOG_SEVERITY_LOG, /* and what is less */
    LOG_SEVERITY_WARNING,
    LOG_SEVERITY_ERROR,
    LOG_SEVERITY_FATAL,
    LOG_SEVERITY_PANIC
};

enum logline_kind {
    LOGLINE_OTHER,             /* nothing that is told */
    LOGLINE_CONFIG,            /* a line of the configuration files that the server cannot use */
    LOGLINE_CHECKPOINT,        /* one is complete: seconds, buffers */
    LOGLINE_CHECKPOINTS_OFTEN, /* … too frequently: seconds apart */
    LOGLINE_DEADLOCK,
    LOGLINE_TEMP_FILE,         /* bytes */
    LOGLINE_AUTOVACUUM_CANCEL, /* for the sake of a lock */
    LOGLINE_MEMORY,            /* the server had none */
    LOGLINE_DISK,              /* no space */
    LOGLINE_CRASH,             /* one of its processes was ended by a signal */
    LOGLINE_RECOVERY,
    LOGLINE_UP,
    LOGLINE_DOWN,
    LOGLINE_FATAL, /* of no other kind */
    LOGLINE_PANIC,
    LOGLINE_OOM_KILL, /* the kernel has ended a process for want of memory: pid, bytes */
    LOGLINE_KINDS
};

struct logline {
    enum logline_kind kind;
    enum log_severity severity;
    int64_t
        at_us; /* epoch, by the clock of the server's host; 0 = it does not say, or in an unknown time zone */
    char text[320]; /* the message alone, cleaned */
    double seconds; /* NAN unless the kind has them */
    double buffers;
    double bytes;
    int pid;
};

/* False when no message begins with that line. out is filled in any case. */
bool logline_parse(enum log_format format, const char *line, size_t len, struct logline *out);
enum log_format log_format_of(const char *name); /* as log.sh says it; NONE = another word */
/* "temporary files": what a number of lines of that kind are called. */
const char *logline_kind_plural(enum logline_kind kind);
const char *log_severity_name(enum log_severity s); /* "LOG" */
