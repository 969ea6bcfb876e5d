/* Windows of every day. All is worked out from the local time of the moment that is asked about, so that a change to or
 * from summer time is right again at the next question. */
#include "pgd/base/daytime.h"

#include <stdio.h>
#include <string.h>

#include "pgd/base/clock.h"

enum { DAY_MIN = 24 * 60, DAY_S = 24 * 3600 };

/* Two digits, a colon, two digits; nothing where they are no time of day. */
static bool time_of_day(const char *s, int *minute)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
            return false;
    int h = (s[0] - '0') * 10 + s[1] - '0', m = (s[3] - '0') * 10 + s[4] - '0';
    *minute = h * 60 + m;
    return h < 24 && m < 60;
}

bool daytime_parse(const char *text, struct daytime_window *w, struct err *e)
{
    struct daytime_window found = {.given = true};
    bool ok = strlen(text) == 11 && text[5] == '-' && time_of_day(text, &found.from_min) &&
              time_of_day(text + 6, &found.until_min);
    if (!ok) {
        err_set(e, ERR_USAGE, "\"%.40s\" is not a maintenance window", text);
        return err_hint(e, "It takes two local times of day, like 22:00-04:30.");
    }
    if (found.from_min == found.until_min) {
        err_set(e, ERR_USAGE, "the maintenance window \"%.40s\" has no length", text);
        return err_hint(e, "Leave it away to allow restarts at any time.");
    }
    *w = found;
    return true;
}

void daytime_text(const struct daytime_window *w, char *dst, size_t size)
{
    if (!w->given) {
        if (size)
            dst[0] = '\0';
        return;
    }
    snprintf(dst, size, "%02d:%02d-%02d:%02d", w->from_min / 60 % 24, w->from_min % 60,
             w->until_min / 60 % 24, w->until_min % 60);
}

bool daytime_same(const struct daytime_window *a, const struct daytime_window *b)
{
    return a->given == b->given &&
           (!a->given || (a->from_min == b->from_min && a->until_min == b->until_min));
}

/* Seconds from `from` on to `to`, going round the clock. */
static int ahead(int from, int to)
{
    return (to - from + DAY_S) % DAY_S;
}

double daytime_left_s(const struct daytime_window *w, int64_t wall_us)
{
    if (!w->given)
        return 1e9;
    int now = clock_second_of_day(wall_us);
    int length = (w->until_min - w->from_min + DAY_MIN) % DAY_MIN * 60;
    int since = ahead(w->from_min * 60, now);
    return now >= 0 && since < length ? length - since : 0;
}

double daytime_next_s(const struct daytime_window *w, int64_t wall_us)
{
    int now = clock_second_of_day(wall_us);
    int next = now < 0 ? DAY_S : ahead(now, w->from_min * 60);
    return next > 0 ? next : DAY_S;
}
