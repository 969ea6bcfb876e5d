/* daytime.h - a window of every day in local time, "22:00-04:30": when the DBA allows a restart. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pgd/base/err.h"

struct daytime_window {
    bool given;              /* false: no window, always open */
    int from_min, until_min; /* minutes after midnight; from > until crosses midnight */
};

enum { DAYTIME_TEXT_MAX = 16 };

/* "HH:MM-HH:MM". False and *e for anything else, also for a window without length. */
PGD_MUST_CHECK bool daytime_parse(const char *text, struct daytime_window *w, struct err *e);
/* The same text again; "" without a window. */
void daytime_text(const struct daytime_window *w, char *dst, size_t size);
bool daytime_same(const struct daytime_window *a, const struct daytime_window *b);
/* Seconds until it closes: 0 when it is closed, a large number without a window. */
double daytime_left_s(const struct daytime_window *w, int64_t wall_us);
/* Seconds until it begins anew, also of one that is open. */
double daytime_next_s(const struct daytime_window *w, int64_t wall_us);
