/* hostloop.h - assets/remote/loop.sh on the server's host: one question a tick, one answer each.
 *
 * It lives as long as its standard input, so it ends with the link, or with this program. An answer is text as procparse() and
 * backends_read() take it. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"
#include "pgd/telemetry/hostclock.h"

enum hostloop_state {
    /* It does not run. A tick with the link up, not before retry_us → STARTING */
    HOSTLOOP_OFF,
    /* FX_CHILD is out. EV_CHILD_UP → RUNNING; EV_CHILD_EXIT → OFF */
    HOSTLOOP_STARTING,
    /* Each tick asks once, unless the last question is unanswered: then the tick is missed, and after HOSTLOOP_SILENT_S it is ended.
     * EV_CHILD_EXIT → OFF */
    HOSTLOOP_RUNNING
};

enum { HOSTLOOP_ANSWER_MAX = 256 * 1024, HOSTLOOP_SILENT_S = 20, HOSTLOOP_WHY = 200 };

struct hostloop {
    enum hostloop_state state;
    struct req child;
    uint32_t number; /* of the newest question */
    bool awaited;    /* it is unanswered */
    bool killing;
    int64_t sent_us, sent_wall_us, got_us;
    int64_t since_us;          /* of the present state */
    int64_t retry_us;          /* OFF: not before */
    int failures;              /* starts in a row that gave no answer */
    int answers;               /* of this loop */
    struct buf text;           /* the answer that comes */
    bool inside, too_long;     /* between its begin and its end */
    double page_bytes;         /* of that machine; 0 = not told */
    struct hostclock clock;    /* its calendar against ours */
    struct hostclock uptime;   /* its time since boot against our monotonic clock */
    char why[HOSTLOOP_WHY];    /* OFF: what ended it; "" = nothing did */
    double space, space_total; /* of the file system of the WAL, bytes; NAN unknown */
};

void hostloop_init(struct hostloop *l);
void hostloop_clear(struct hostloop *l);
/* One tick: starts it, or asks. wanted: processes that more is wanted of. Returns false when the tick is missed. */
bool hostloop_tick(struct hostloop *l, const struct identity *id, const char *wal_path,
                   const int *wanted, int nwanted, struct req next, int64_t now_us, int64_t wall_us,
                   struct effects *fx);
/* EV_CHILD_UP, EV_CHILD_LINE and EV_CHILD_EXIT of its child; true when an answer is complete: it stands in `text` until the next
 * event, and *taken_us is when it was taken by our monotonic clock. */
bool hostloop_event(struct hostloop *l, const struct event *ev, int64_t *taken_us);
/* The link is gone, or another host is wanted. */
void hostloop_stop(struct hostloop *l, struct effects *fx);
