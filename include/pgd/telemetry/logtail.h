/* logtail.h - what is added to the server's log, as long as we look: assets/remote/log.sh on the server's host, asked now and then.
 *
 * It lives as long as its standard input, here and over ssh. What is told of the log is bounded whatever the server writes: of each
 * kind a few lines, then their number and sum; everything else is left out. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"
#include "pgd/telemetry/loglines.h"

enum logtail_state {
    /* It does not run. A tick, not before retry_us → STARTING */
    LOGTAIL_OFF,
    /* FX_CHILD is out. EV_CHILD_UP → RUNNING; EV_CHILD_EXIT → OFF */
    LOGTAIL_STARTING,
    /* Asked every LOGTAIL_EVERY_S (a journal: LOGTAIL_JOURNAL_S), unless the last question is unanswered. EV_CHILD_EXIT → OFF */
    LOGTAIL_RUNNING
};

enum {
    LOGTAIL_EVERY_S = 2,
    LOGTAIL_JOURNAL_S = 10,
    LOGTAIL_SILENT_S = 60, /* without an answer: it is ended */
    LOGTAIL_BURST = 3,     /* lines of one kind in a row */
    LOGTAIL_REFILL_S = 20, /* … then one in so many seconds */
    LOGTAIL_SUM_S = 10,    /* what was left out is summed up no more often */
    LOGTAIL_TOLD = 32,
    LOGTAIL_RECENT = 12,
    LOGTAIL_SEEN = 200, /* the newest lines, of whatever kind */
    LOGTAIL_KILLS = 5
};

/* For the list of events. */
struct logtail_told {
    enum logline_kind kind;
    enum log_severity severity;
    int64_t at_us; /* epoch, by our clock */
    int pid;       /* of the process that wrote it; 0 = the line does not say */
    char text[360];
};

struct logtail_kind {
    double tokens;
    int left_out;
    double bytes; /* of those left out */
    int64_t refilled_us, summed_us;
};

struct logtail {
    enum logtail_state state;
    struct req child;
    uint32_t number;
    bool awaited, killing;
    int64_t sent_us, retry_us;
    int failures, answers;
    enum log_format format;
    char source[300]; /* the file, the unit, or why there is none; "" = not known yet */
    bool source_told;
    int kernel_wanted, kernel_asked; /* kills to look up; that are being looked up */
    bool kernel_closed;              /* the kernel's log cannot be read */
    int nkills;
    struct logline kills[LOGTAIL_KILLS];
    int64_t offset_us; /* the host's clock before ours; set by the owner */
    struct logtail_kind of[LOGLINE_KINDS];
    int ntold;
    struct logtail_told told[LOGTAIL_TOLD]; /* oldest first; the owner takes them */
    int nrecent;
    struct logtail_told recent[LOGTAIL_RECENT]; /* what may explain a failure, oldest first */
    int nseen; /* lines ever read; line i is seen[(i - 1) % LOGTAIL_SEEN] */
    struct logtail_told seen[LOGTAIL_SEEN];
};

void logtail_init(struct logtail *t);
/* log_dir: the server's log_directory when it is absolute, else "". next is used for a child that is started. */
void logtail_tick(struct logtail *t, const struct identity *id, const char *log_dir,
                  struct req next, int64_t now_us, int64_t wall_us, struct effects *fx);
/* The kernel has killed n processes: who they were is looked up. */
void logtail_look_up_kills(struct logtail *t, int n);
/* EV_CHILD_UP, EV_CHILD_LINE, EV_CHILD_EXIT; true when there is something to tell. */
bool logtail_event(struct logtail *t, const struct event *ev);
/* The oldest line that was not taken yet; false: none. */
bool logtail_next(struct logtail *t, struct logtail_told *out);
void logtail_stop(struct logtail *t, struct effects *fx);
/* The lines since from_us (epoch, our clock) that may explain a failure, newest last, one a line. */
void logtail_recent(const struct logtail *t, int64_t from_us, struct buf *out);
