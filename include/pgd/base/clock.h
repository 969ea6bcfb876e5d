/* clock.h - calendar time from an injected epoch; there is no "now" here. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* "01022026-050830": MMDDYYYY-HHMMSS in local time, the form of session folder names. */
void clock_session_stamp(int64_t wall_us, char *dst, size_t size);
/* "2026-01-02T05:08:30+01:00" local time. */
void clock_iso(int64_t wall_us, char *dst, size_t size);
/* Seconds after midnight, local time; -1 when the instant has none. */
int clock_second_of_day(int64_t wall_us);
/* "05:08:30" local time. */
void clock_hms(int64_t wall_us, char *dst, size_t size);
/* "5 Jan 2026" local time, in English whatever the locale. */
void clock_day(int64_t wall_us, char *dst, size_t size);
