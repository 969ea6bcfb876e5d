/* health.h - the health check: one table of what is looked at, and the machine that goes through it.
 *
 * A check is a row: an area, what is wrong when it finds something, why that matters, what mends it and where PostgreSQL's
 * documentation says so; and either a statement below assets/sql/health (a row of its answer is a finding: object, figure,
 * fix, grade) or a function over what discovery knows already. Statements only read, are bounded in time and rows, and run
 * one after the other; none is built from an answer: a name in it could have come to mean a view by then, and the
 * functions of that would run with our rights. What a role or a version does not allow is said, and is not counted as
 * healthy. */
#pragma once

#include "pgd/base/effect.h"
#include "pgd/discovery/facts.h"

enum health_grade {
    HEALTH_OK,
    HEALTH_NOTE,     /* worth knowing, nothing is wrong today */
    HEALTH_WARN,     /* costs something, or will */
    HEALTH_CRITICAL, /* data or service are at risk */
    HEALTH_UNKNOWN   /* could not be looked at: figure says why */
};
const char *
health_grade_name(enum health_grade g); /* "ok", "note", "warning", "critical", "unknown" */

enum { HEALTH_FOUND_MAX = 300, HEALTH_MS = 8000 };

/* What a check's function has found. */
struct health_look {
    char object[160], figure[300], fix[400];
};

/* A right without which the statement would fail, or see less than there is. */
enum health_need { NEED_NOTHING, NEED_SESSIONS, NEED_HBA, NEED_FILES, NEED_PASSWORDS };

struct health_check {
    const char *id, *area;
    enum health_grade grade; /* of what it finds */
    const char *title;       /* what is wrong then, as a headline */
    const char *why, *fix;   /* fix: where the finding has none of its own */
    const char *source;      /* chapter of PostgreSQL's documentation */
    const char *asset;       /* below assets/sql/health; NULL: look */
    enum health_need need;
    enum health_grade (*look)(const struct server_facts *f, struct health_look *out);
};

const struct health_check *health_check_at(int i); /* NULL behind the last */

struct health_finding {
    const struct health_check *check;
    enum health_grade grade;
    struct health_look said;
};

enum health_state {
    HEALTH_IDLE,
    /* The server is discovered anew, by the owner, since settings, totals and host count, too: health_start() leads to
     * ASKING, health_fail() to FAILED. */
    HEALTH_READING,
    /* The limits of the session are being set (at -2, -1), or the statement of check `at` is out on CONN_CONTROL; its answer leads to the next one, or to DONE. */
    HEALTH_ASKING,
    HEALTH_DONE,
    HEALTH_FAILED /* the link was lost: err says why */
};

struct health {
    enum health_state state;
    uint32_t generation, waiting;
    int at;
    bool pooled; /* nothing may be set in the session */
    int n;
    struct health_finding
        found[HEALTH_FOUND_MAX]; /* in the order of the table; sorted when done, worst first */
    int checks, ok;              /* looked at; without a finding */
    int left_out;                /* findings beyond HEALTH_FOUND_MAX */
    bool asked_twice;            /* the statement at work met a lock before, and was sent again */
    struct err err;
};

/* Goes through the table; f must outlive it. Answers are those of OWNER_HEALTH. */
void health_start(struct health *h, const struct server_facts *f, bool pooled, struct effects *fx);
void health_step(struct health *h, const struct server_facts *f, const struct event *ev,
                 struct effects *fx);
/* A look is wanted, but discovery goes first; and has failed. */
void health_wait(struct health *h);
void health_fail(struct health *h, const struct err *e);
int health_count(const struct health *h, enum health_grade g);
/* The finding as a person reads it, several lines; width of none. */
void health_text(const struct health_finding *found, struct buf *out);
/* "2 critical, 3 warnings, 1 note; 31 of 40 checks found nothing, 2 were not possible" */
void health_summary(const struct health *h, char *dst, size_t size);
