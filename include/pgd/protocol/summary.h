/* summary.h - the last line of every headless run, and the other JSON lines of the contract.
 * docs/contract.md and assets/schemas/ describe them; fields are only ever added. */
#pragma once

#include "pgd/base/buf.h"
#include "pgd/base/err.h"
#include "pgd/protocol/records.h"

struct summary_change {
    char name[SETTING_NAME_MAX];
    char from[SETTING_VALUE_MAX];
    char to[SETTING_VALUE_MAX];
};

struct summary {
    char workspace[160], session[128]; /* folder names; "" = null */
    char state[16];                    /* "ACTIVE", "PAUSED", "ARCHIVED", "FAILED"; "" = null */
    char strategy[48];
    double baseline_tps, best_tps, target_tps; /* NAN = null */
    enum verdict_kind verdict;                 /* NONE = null */
    double effect, ci_lo, ci_hi;               /* NAN = null */
    int rounds;
    int nchanges;
    struct summary_change changes[64];
    char report[1024], conf[1024], ansible[1024]; /* absolute paths; "" = null */
};

void summary_init(struct summary *s);
void summary_json(const struct summary *s, struct buf *out); /* one line, no newline */

/* A small builder for the earlier lines: {"event":name, ...}. Non-finite numbers become null. */
struct line; /* heap */
struct line *line_new(const char *event_name);
/* The event "error", begun: what = the step that failed, then the kind of e and its three parts. */
struct line *line_error(const char *what, const struct err *e);
void line_text(struct line *l, const char *key, const char *value); /* NULL -> null */
void line_num(struct line *l, const char *key, double value);
void line_int(struct line *l, const char *key, long long value);
void line_bool(struct line *l, const char *key, bool value);
void line_raw(struct line *l, const char *key,
              const char *json); /* a JSON text of our own making */
void line_quote(struct buf *out,
                const char *s); /* a text as JSON, for line_raw; NULL or "" -> null */
void line_finish(struct line *l, struct buf *out); /* frees l; one line, no newline */
