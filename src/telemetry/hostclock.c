/* hostclock.c - see hostclock.h. */
#include "pgd/telemetry/hostclock.h"

/* Microseconds a second: more than any crystal is off, and than a clock is slewed by ntpd as a rule. */
enum { DRIFT = 200 };

struct interval {
    int64_t low, high;
};

static struct interval of_exchange(const struct hostclock_exchange *x, int64_t now_us)
{
    int64_t wider = (now_us - x->got_us) / 1000000 * DRIFT;
    return (struct interval){x->host_us - x->got_us - wider,
                             x->host_us + x->resolution_us - x->sent_us + wider};
}

static void estimate(struct hostclock *k)
{
    int64_t now_us = 0;
    struct interval all = {0};

    for (int i = 0; i < k->n; i++) {
        int at = (k->next - 1 - i + 2 * HOSTCLOCK_WINDOW) % HOSTCLOCK_WINDOW;
        const struct hostclock_exchange *x = &k->of[at];
        if (i == 0) {
            now_us = x->got_us;
            k->delay_us = x->got_us - x->sent_us;
            all = of_exchange(x, now_us);
            continue;
        }
        struct interval one = of_exchange(x, now_us);
        if (one.low > all.high || one.high < all.low) {
            k->n = i; /* before one of the two was set */
            k->set++;
            break;
        }
        if (one.low > all.low)
            all.low = one.low;
        if (one.high < all.high)
            all.high = one.high;
        if (x->got_us - x->sent_us < k->delay_us)
            k->delay_us = x->got_us - x->sent_us;
    }
    k->known = true;
    k->offset_us = all.low + (all.high - all.low) / 2;
    k->error_us = (all.high - all.low + 1) / 2;
}

void hostclock_add(struct hostclock *k, int64_t sent_us, int64_t got_us, int64_t host_us,
                   int64_t resolution_us)
{
    /* Times of the next millennia: sums of them have room. */
    static const int64_t end_us = (int64_t)1 << 58;

    if (got_us < sent_us || sent_us < 0 || host_us < 0 || got_us > end_us || host_us > end_us)
        return;
    k->of[k->next] = (struct hostclock_exchange){sent_us, got_us, host_us, resolution_us};
    k->next = (k->next + 1) % HOSTCLOCK_WINDOW;
    if (k->n < HOSTCLOCK_WINDOW)
        k->n++;
    estimate(k);
}

int64_t hostclock_ours(const struct hostclock *k, int64_t host_us)
{
    return k->known ? host_us - k->offset_us : host_us;
}
