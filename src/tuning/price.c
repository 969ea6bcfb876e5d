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
    case TAKES_ANALYZE:
        return "at the next ANALYZE of each table";
    case TAKES_CHECKPOINT:
        return "at the next checkpoint";
    case TAKES_RESTART:
        return "at restart";
    case TAKES_NEVER:
        return "never";
    }
    return "";
}

/* What a recovery replays in a second: less than most machines do. Nothing here has measured it. */
#define REPLAY_BPS (50.0 * 1048576.0)

static void PGD_PRINTF(3, 4) say(char *dst, size_t size, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(dst, size, fmt, ap);
    va_end(ap);
}

static const char *plural(double n)
{
    return n == 1 ? "" : "s";
}

/* Sessions of others: the newest figure, else that of discovery; NAN when there are none, or none that we may see. */
static double sessions_now(const struct server_facts *f, const struct guard_policy *g)
{
    double n = g->sessions >= 1 ? g->sessions : f->runtime.sessions;
    return n >= 1 ? n : NAN;
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
    if (strcmp(s->name, "default_statistics_target") == 0)
        return TAKES_ANALYZE;
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

/* Who has a value of their own: ", 28 overridden (role app 20, database shop 8)"; *sessions of them, at most `all`. */
static void exceptions(const struct setting *s, const struct server_facts *f, char *dst,
                       size_t size, double all, double *sessions)
{
    char who[120] = "";
    int rows = 0;
    *sessions = 0;
    for (int i = 0; i < f->noverrides; i++) {
        const struct override *o = &f->overrides[i];
        size_t n = strlen(who);
        if (strcmp(o->name, s->name) != 0)
            continue;
        if (o->sessions > 0)
            *sessions += o->sessions;
        if (rows++ >= 3)
            continue;
        say(who + n, sizeof who - n, "%s%s%.24s", n ? ", " : "",
            *o->role       ? "role "
            : *o->database ? "database "
                           : "every role",
            *o->role ? o->role : o->database);
    }
    *sessions = fmin(*sessions, all);
    if (rows > 3)
        say(who, sizeof who, "%d roles or databases", rows);
    if (rows == 0)
        dst[0] = '\0';
    else if (*sessions > 0)
        say(dst, size, "; %.0f overridden (%s)", *sessions, who);
    else
        say(dst, size, "; %s %s a value of %s own", who, rows == 1 ? "has" : "have",
            rows == 1 ? "its" : "their");
}

/* What a reload does: every session takes the new value with its next statement, but those with one of their own. */
static void reach(struct review_line *line, const struct setting *s, const struct server_facts *f,
                  const struct guard_policy *g)
{
    double all = sessions_now(f, g), hidden;
    char except[200], now[80] = "all sessions", of[32] = "all sessions";
    exceptions(s, f, except, sizeof except, all, &hidden);
    if (all >= 1) {
        say(of, sizeof of, all < 2 ? "%.0f session" : "all %.0f sessions", all);
        if (hidden > 0)
            say(now, sizeof now, "%.0f of %.0f session%s now", all - hidden, all, plural(all));
        else
            say(now, sizeof now, "%s", of);
    }
    if (line->restart)
        say(line->reach, sizeof line->reach, "%s, after the restart%s", of, except);
    else if (line->takes == TAKES_ANALYZE)
        say(line->reach, sizeof line->reach, "each table after its next ANALYZE%s", except);
    else if (line->takes == TAKES_NEW_SESSION && all >= 1)
        say(line->reach, sizeof line->reach, "none of %.0f session%s now, only new ones%s", all,
            plural(all), except);
    else if (line->takes == TAKES_NEW_SESSION)
        say(line->reach, sizeof line->reach, "new sessions only%s", except);
    else if (strcmp(s->context, "sighup") == 0)
        say(line->reach, sizeof line->reach, "the whole server");
    else if (line->takes == TAKES_REPLAN)
        say(line->reach, sizeof line->reach,
            "%s; prepared statements keep their plan until replanned%s", now, except);
    else
        say(line->reach, sizeof line->reach, "%s, from their next statement%s", now, except);
}

static void memory_price(struct review_line *line, const struct server_facts *f,
                         const struct guard_policy *g)
{
    struct bill_terms now;
    bill_terms_read(&now, f);
    struct bill_terms then = now;
    bill_terms_line(&then, line, f);
    double was = bill_measured(&now, g), is = bill_measured(&then, g);
    char bytes[32], from[32], to[32];
    text_bytes(from, sizeof from, was);
    text_bytes(to, sizeof to, is);
    text_bytes(bytes, sizeof bytes, fabs(is - was));
    if (is != was) /* the words and the figures of the bill, for this line alone */
        say(line->price, sizeof line->price,
            "memory %s \xe2\x86\x92 %s (%s%s) with %.0f at work, by this line alone", from, to,
            is > was ? "+" : "-", bytes, bill_sessions(&then, g));
    if (strcmp(line->change.name, "work_mem") == 0 && g->temp_bytes_per_s > 0) {
        size_t n = strlen(line->price);
        text_bytes(bytes, sizeof bytes, g->temp_bytes_per_s);
        say(line->price + n, sizeof line->price - n, "%stemporary files now take %s/s",
            n ? "; " : "", bytes);
    }
}

/* WAL that a crash at the worst moment leaves to replay: a checkpoint interval and the checkpoint itself, as fast as the
 * workload writes, and hardly more than max_wal_size. */
static double replay_bytes(double timeout_ms, double target, double max_wal, double bps)
{
    double most = isnan(max_wal) ? INFINITY : max_wal;
    return bps > 0 ? fmin(timeout_ms / 1000 * (1 + target) * bps, most) : most;
}

/* How much longer a crash recovery takes with this line: "+40 s crash recovery". */
static void recovery_price(struct review_line *line, const struct setting *s,
                           const struct server_facts *f, const struct guard_policy *g)
{
    static const char *const names[] = {"checkpoint_timeout", "checkpoint_completion_target",
                                        "max_wal_size"};
    double was[3], now[3];
    bool one = false;
    char bytes[32], speed[32];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        was[i] = now[i] = settings_number(&f->settings, names[i]);
        if (strcmp(names[i], s->name) != 0)
            continue;
        if (!guard_value(s, line->change.reset ? s->boot : line->send, &now[i], bytes, sizeof bytes,
                         NULL))
            return;
        one = true;
    }
    double more = replay_bytes(now[0], now[1], now[2], g->wal_bytes_per_s) -
                  replay_bytes(was[0], was[1], was[2], g->wal_bytes_per_s);
    if (!one || !isfinite(more) || more == 0)
        return;
    text_bytes(bytes, sizeof bytes, fabs(more));
    text_bytes(speed, sizeof speed, REPLAY_BPS);
    size_t n = strlen(line->price);
    say(line->price + n, sizeof line->price - n,
        "%s%s%.0f s crash recovery (%s %s to replay, %s, at %s/s)", n ? "; " : "",
        more > 0 ? "+" : "-", ceil(fabs(more) / REPLAY_BPS), bytes,
        more > 0 ? "more WAL" : "less WAL",
        g->wal_bytes_per_s > 0 ? "by the WAL measured" : "at the most", speed);
}

static void restart_price(struct review_line *line, const struct server_facts *f,
                          const struct guard_policy *g)
{
    char sessions[48] = "every session dropped", away[64] = "some seconds of blackout";
    size_t n = strlen(line->price);
    double now = sessions_now(f, g);
    if (now >= 1)
        say(sessions, sizeof sessions, "%.0f session%s dropped", now, plural(now));
    if (g->blackout_s > 0)
        say(away, sizeof away, "%.0f s blackout (%s)", ceil(g->blackout_s),
            g->blackout_measured ? "measured here" : "estimated");
    say(line->price + n, sizeof line->price - n, "%sa restart: %s, %s, an empty cache",
        n ? "; " : "", away, sessions);
}

/* What is paid elsewhere or later; "" when nothing is known. */
static void price(struct review_line *line, const struct setting *s, const struct server_facts *f,
                  const struct guard_policy *g)
{
    static const struct {
        const char *name, *text;
    } known[] = {
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
        say(line->price + n, sizeof line->price - n, "%sup to %s of WAL on the disk", sep,
            line->to);
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(known[i].name, s->name) == 0)
            say(line->price + n, sizeof line->price - n, "%s%s", sep, known[i].text);
    recovery_price(line, s, f, g);
    if (line->restart)
        restart_price(line, f, g);
}

void price_line(struct review_line *line, const struct setting *s, const struct server_facts *f,
                const struct guard_policy *g)
{
    line->takes = takes(line, s);
    line->price[0] = '\0';
    reach(line, s, f, g);
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
