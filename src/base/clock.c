/* Local calendar time of a given instant. */
#include "pgd/base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void format(int64_t wall_us, const char *fmt, char *dst, size_t size)
{
    if (size == 0)
        return;
    int64_t seconds = wall_us / 1000000 - (wall_us % 1000000 < 0 ? 1 : 0);
    time_t t = (time_t)seconds;
    struct tm tm;
    dst[0] = '\0';
    if (!localtime_r(&t, &tm))
        return;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    if (strftime(dst, size, fmt, &tm) == 0)
        dst[0] = '\0';
#pragma GCC diagnostic pop
}

int clock_second_of_day(int64_t wall_us)
{
    char text[16];
    format(wall_us, "%H%M%S", text, sizeof text);
    if (strlen(text) != 6)
        return -1;
    const char *s = text;
    return ((s[0] - '0') * 10 + s[1] - '0') * 3600 + ((s[2] - '0') * 10 + s[3] - '0') * 60 +
           (s[4] - '0') * 10 + s[5] - '0';
}

void clock_session_stamp(int64_t wall_us, char *dst, size_t size)
{
    format(wall_us, "%m%d%Y-%H%M%S", dst, size);
}

void clock_iso(int64_t wall_us, char *dst, size_t size)
{
    char text[40];
    char zone[8];
    format(wall_us, "%Y-%m-%dT%H:%M:%S", text, sizeof text);
    format(wall_us, "%z", zone, sizeof zone);
    size_t n = strlen(text);
    /* strftime() writes +0100; ISO 8601 in its extended form wants the colon. */
    if (strlen(zone) == 5 && n + 7 <= sizeof text) {
        memcpy(text + n, zone, 3);
        text[n + 3] = ':';
        memcpy(text + n + 4, zone + 3, 3);
    }
    n = strlen(text);
    if (size == 0)
        return;
    if (n >= size)
        n = size - 1;
    memcpy(dst, text, n);
    dst[n] = '\0';
}

void clock_hms(int64_t wall_us, char *dst, size_t size)
{
    format(wall_us, "%H:%M:%S", dst, size);
}

void clock_day(int64_t wall_us, char *dst, size_t size)
{
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int64_t seconds = wall_us / 1000000 - (wall_us % 1000000 < 0 ? 1 : 0);
    time_t t = (time_t)seconds;
    struct tm tm;

    if (size == 0)
        return;
    dst[0] = '\0';
    if (localtime_r(&t, &tm) && tm.tm_mon >= 0 && tm.tm_mon < 12)
        snprintf(dst, size, "%d %s %ld", tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900L);
}
