/* The words of a review line: takes effect, reach, price, least risk. */
#include "pgd/tuning/price.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/bill.h"

const char *takes_effect_name(enum takes_effect t)
{
    switch (t) {
    case TAKES_NOW:
        return "at once";
    case TAKES_NEW_SESSION:
        return "in new sessions";
    case TAKES_REPLAN:
        return "when a statement is planned anew";
    case TAKES_CHECKPOINT:
        return "at the next checkpoint";
    case TAKES_RESTART:
        return "at restart";
    case TAKES_NEVER:
        return "never";
    }
    return "";
}

static void PGD_PRINTF(3, 4) say(char *dst, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(dst, size, fmt, ap);
    va_end(ap);
}

static enum takes_effect takes(const struct review_line *line, const struct setting *s)
{
    const struct knob *k = knob_find(s->name);
    if (line->refusal == REFUSE_OVERRIDDEN)
        return TAKES_NEVER;
    if (line->restart)
        return TAKES_RESTART;
    if (strcmp(s->name, "temp_buffers") == 0)
        return TAKES_NEW_SESSION;
    if (strncmp(s->name, "checkpoint_", 11) == 0 || strcmp(s->name, "max_wal_size") == 0 ||
        strcmp(s->name, "min_wal_size") == 0)
        return TAKES_CHECKPOINT;
    if (strcmp(s->name, "effective_cache_size") == 0 || strncmp(s->name, "enable_", 7) == 0 ||
        strcmp(s->name, "max_parallel_workers_per_gather") == 0)
        return TAKES_REPLAN;
    if (k && (k->group == KNOB_PLANNER || k->group == KNOB_JIT))
        return TAKES_REPLAN;
    return TAKES_NOW;
}

static void reach(struct review_line *line, const struct setting *s, const struct server_facts *f)
{
    char sessions[48] = "all sessions";
    if (f->runtime.sessions >= 1)
        say(sessions, sizeof sessions,
            f->runtime.sessions < 2 ? "%.0f session" : "all %.0f sessions", f->runtime.sessions);
    int hidden = 0;
    for (int i = 0; i < f->noverrides; i++)
        hidden += strcmp(f->overrides[i].name, s->name) == 0;
    char except[64] = "";
    if (hidden > 0)
        say(except, sizeof except, "; %d role%s or database%s with a value of %s own", hidden,
            hidden == 1 ? "" : "s", hidden == 1 ? "" : "s", hidden == 1 ? "its" : "their");
    if (line->restart)
        say(line->reach, sizeof line->reach, "%s, after the restart%s", sessions, except);
    else if (strcmp(s->name, "default_statistics_target") == 0)
        say(line->reach, sizeof line->reach, "each table after its next ANALYZE%s", except);
    else if (line->takes == TAKES_NEW_SESSION)
        say(line->reach, sizeof line->reach, "new sessions%s", except);
    else if (strcmp(s->context, "sighup") == 0)
        say(line->reach, sizeof line->reach, "the whole server");
    else if (line->takes == TAKES_REPLAN)
        say(line->reach, sizeof line->reach,
            "%s; prepared statements keep their plan until replanned%s", sessions, except);
    else
        say(line->reach, sizeof line->reach, "%s, from their next statement%s", sessions, except);
}

static void memory_price(struct review_line *line, const struct server_facts *f,
                         const struct guard_policy *g)
{
    struct bill_terms now;
    bill_terms_read(&now, f);
    struct bill_terms then = now;
    bill_terms_line(&then, line, f);
    double more = bill_measured(&then, g) - bill_measured(&now, g);
    char bytes[32];
    text_bytes(bytes, sizeof bytes, fabs(more));
    if (more > 0)
        say(line->price, sizeof line->price, "up to %s more memory with %.0f sessions at work",
            bytes, bill_peak(g));
    else if (more < 0)
        say(line->price, sizeof line->price, "up to %s less memory with %.0f sessions at work",
            bytes, bill_peak(g));
    if (strcmp(line->change.name, "work_mem") == 0 && g->temp_bytes_per_s > 0) {
        size_t n = strlen(line->price);
        text_bytes(bytes, sizeof bytes, g->temp_bytes_per_s);
        say(line->price + n, sizeof line->price - n, "%stemporary files now take %s/s",
            n ? "; " : "", bytes);
    }
}

/* What is paid elsewhere or later; "" when nothing is known. */
static void price(struct review_line *line, const struct setting *s, const struct server_facts *f,
                  const struct guard_policy *g)
{
    static const struct {
        const char *name, *text;
    } known[] = {
        {"checkpoint_timeout", "a longer interval means more WAL to replay after a crash"},
        {"min_wal_size", "that much WAL stays on the disk at all times"},
        {"checkpoint_completion_target",
         "writes are spread; the next checkpoint may begin right after"},
        {"wal_compression", "CPU for each full page image"},
        {"synchronous_commit",
         "a crash may lose the last confirmed commits (up to 3 x wal_writer_delay)"},
        {"commit_delay", "each commit may wait that much longer"},
        {"commit_siblings", "decides when commits wait for commit_delay"},
        {"random_page_cost", "plans turn to index scans where data is not cached"},
        {"effective_io_concurrency", "deeper disk queues for others on the same disk"},
        {"maintenance_io_concurrency", "deeper disk queues for others on the same disk"},
        {"default_statistics_target", "longer ANALYZE and planning"},
        {"jit", "long analytic queries run without compiled expressions"},
        {"autovacuum_vacuum_cost_limit", "vacuum takes more I/O while it runs"},
        {"autovacuum_vacuum_cost_delay", "vacuum takes more I/O while it runs"},
        {"autovacuum_naptime", "vacuum starts more often"},
        {"track_io_timing", "a look at the clock around each read and write"},
        {"max_parallel_workers_per_gather", "CPU and work_mem of the workers while a query runs"},
        {"fsync", "commits wait for the disk: slower, and safe"},
        {"full_page_writes", "more WAL after each checkpoint: slower, and safe"},
        {"autovacuum", "vacuum runs again"},
    };
    memory_price(line, f, g);
    size_t n = strlen(line->price);
    const char *sep = n ? "; " : "";
    if (strcmp(s->name, "max_wal_size") == 0)
        say(line->price + n, sizeof line->price - n,
            "%sup to %s of WAL on the disk and to replay after a crash", sep, line->to);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, s->name) == 0)
            say(line->price + n, sizeof line->price - n, "%s%s", sep, known[i].text);
    if (!line->restart)
        return;
    n = strlen(line->price);
    sep = n ? "; " : "";
    if (f->runtime.sessions >= 1)
        say(line->price + n, sizeof line->price - n,
            "%sa restart: %.0f session%s dropped, an empty cache", sep, f->runtime.sessions,
            f->runtime.sessions < 2 ? "" : "s");
    else
        say(line->price + n, sizeof line->price - n,
            "%sa restart: every session dropped, an empty cache", sep);
}

void price_line(struct review_line *line, const struct setting *s, const struct server_facts *f,
                const struct guard_policy *g)
{
    line->takes = takes(line, s);
    line->price[0] = '\0';
    reach(line, s, f);
    price(line, s, f, g);
    const struct knob *k = knob_find(s->name);
    enum risk least = RISK_LOW;
    if (line->restart)
        least = RISK_MEDIUM;
    if (k && (k->flags & KNOB_DURABILITY) && !danger_repaired(s->name, line->to))
        least = RISK_HIGH;
    if (line->change.risk < least)
        line->change.risk = least;
}
