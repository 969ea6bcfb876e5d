/* log.h - the program's own log: lines in memory for the screen, and a sink that io sets.
 *
 * Every line is cleaned and redacted. Callers give the time; there is no clock here. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/mem.h"

#define LOG_LINE_MAX 1024  /* bytes of a line with its NUL; longer ones are cut */
#define LOG_RECENT_MAX 200 /* lines kept in memory */

enum log_level { LOG_INFO, LOG_WARN, LOG_ERROR };

typedef void (*log_sink_fn)(enum log_level level, const char *line);

/* The sink gets every line, in the thread that logs; NULL = none. */
void log_sink(log_sink_fn fn);
/* From any thread. */
void log_line(enum log_level level, const char *fmt, ...) PGD_PRINTF(2, 3);
/* Copies the i-th last line (0 = the newest) into dst (size bytes with the NUL) and, unless
 * NULL, its level; false when there is none. */
bool log_recent(size_t i, enum log_level *level, char *dst, size_t size);
