/* hostclock.h - how far another machine's clock is ahead of ours, from questions and answers. Pure.
 *
 * A question goes out when ours shows `sent`, the other one is read at some time after that, and the answer is here when ours shows
 * `got`. So the offset lies between host - got and host + resolution - sent, whatever the link does: each exchange is an interval,
 * and what all of a window have in common is where it must lie. (NTP takes the middle of the narrowest interval, RFC 5905 section 10;
 * the common part is never wider than that one.) The estimate is its middle and wrong by half its width at most, which is never more
 * than half of the smallest delay, and of the resolution. Clocks drift apart: an older interval is widened by DRIFT for its age. Where
 * nothing is common any more one of the two was set: what is older is dropped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { HOSTCLOCK_WINDOW = 32 };

struct hostclock_exchange {
    int64_t sent_us, got_us, host_us, resolution_us;
};

struct hostclock {
    struct hostclock_exchange of[HOSTCLOCK_WINDOW]; /* ring */
    int n, next;
    bool known;
    int64_t offset_us; /* to be added to our time to have the host's */
    int64_t error_us;  /* the estimate is right within this */
    int64_t delay_us;  /* the smallest from question to answer, in the window */
    int set;           /* how often a clock was seen to be set */
};

/* One exchange. An answer from before its question is not taken. */
void hostclock_add(struct hostclock *k, int64_t sent_us, int64_t got_us, int64_t host_us,
                   int64_t resolution_us);
/* A time of the host in ours. The same where nothing is known. */
int64_t hostclock_ours(const struct hostclock *k, int64_t host_us);
