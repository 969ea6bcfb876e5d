/* logwatch.c - see logwatch.h. */
#include "pgd/app/logwatch.h"

#include <inttypes.h>
#include <string.h>

#include "pgd/app/hosts.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"

enum { TROUBLE_S = 60, CLOCK_OFF_US = 1000000 };

void logwatch_sample(struct model *m, bool link_up, struct effects *fx)
{
    m->collect.now_us = m->now_us;
    m->collect.wall_us = m->wall_us;
    m->collect.host_link = hosts_up(m, SSH_SERVER);
    collect_tick(&m->collect, fx, link_up);
}

void logwatch_link_up(struct model *m, const struct event *ev, struct effects *fx)
{
    collect_link_up(&m->collect, ev->u.pg.server_version);
    m->collect.pooled = ev->u.pg.pooled;
    logwatch_sample(m, true, fx);
}

void logwatch_begin(struct model *m)
{
    const struct setting *dir = settings_find(&m->server.settings, "log_directory");

    m->collect.host = &m->server.id;
    m->collect.log_on = m->server.id.reached;
    text_copy_raw(m->collect.log_dir, sizeof m->collect.log_dir,
                  dir && dir->value[0] == '/' ? dir->value : "");
}

/* A link of ours, or of our pgbench, that was closed while its statement ran: nobody has lost anything. */
static bool is_our_end(const struct model *m, const struct logtail_told *t)
{
    if (t->kind != LOGLINE_FATAL || t->pid == 0 ||
        strncmp(t->text, "connection to client lost", 25) != 0)
        return false;
    for (int i = 0; i < OWN_PIDS; i++)
        if (m->own_pids[i] == t->pid)
            return true;
    return collect_is_bench(&m->collect, t->pid);
}

static enum chat_kind chat_of(const struct model *m, const struct logtail_told *t)
{
    if (is_our_end(m, t))
        return CHAT_EVENT;
    switch (t->kind) {
    case LOGLINE_DEADLOCK:
    case LOGLINE_MEMORY:
    case LOGLINE_DISK:
    case LOGLINE_CRASH:
    case LOGLINE_PANIC:
    case LOGLINE_OOM_KILL:
        return CHAT_BAD;
    case LOGLINE_CONFIG:
    case LOGLINE_CHECKPOINTS_OFTEN:
    case LOGLINE_TEMP_FILE:
    case LOGLINE_AUTOVACUUM_CANCEL:
    case LOGLINE_FATAL:
        return CHAT_WARN;
    default:
        return t->severity >= LOG_SEVERITY_WARNING ? CHAT_WARN : CHAT_EVENT;
    }
}

static void tell_source(struct model *m)
{
    struct logtail *t = &m->collect.log;

    if (t->source_told || !t->source[0])
        return;
    t->source_told = true;
    if (t->format == LOG_FORMAT_NONE)
        model_say(m, CHAT_WARN, "the server's log is not followed: %s", t->source);
}

static int64_t apart(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Once, and again when it has changed by as much: what is dated there is shown in our time. */
static void tell_clock(struct model *m)
{
    struct collect *c = &m->collect;
    const struct hostclock *k = &c->loop.clock;

    if (!k->known || apart(k->offset_us, c->offset_told_us) - k->error_us <= CLOCK_OFF_US)
        return;
    c->offset_told_us = k->offset_us;
    model_say(m, CHAT_WARN,
              "the clock of the server's host is %.1f s %s ours: times of its log are converted",
              (double)apart(k->offset_us, 0) / 1e6, k->offset_us > 0 ? "ahead of" : "behind");
}

static void tell_kills(struct model *m)
{
    struct collect *c = &m->collect;

    if (c->oom_seen > c->oom_told)
        model_say(m, CHAT_BAD,
                  "the kernel of the server's host has ended %.0f process%s for want of memory",
                  c->oom_seen - c->oom_told, c->oom_seen - c->oom_told > 1 ? "es" : "");
    c->oom_told = c->oom_seen;
    if (c->log.kernel_closed && !c->kernel_told) {
        c->kernel_told = true;
        model_say(m, CHAT_WARN,
                  "which ones cannot be told: the kernel's log is closed to us there");
    }
}

void logwatch_pump(struct model *m)
{
    struct logtail_told one;
    char clock[16];

    tell_source(m);
    tell_clock(m);
    tell_kills(m);
    while (logtail_next(&m->collect.log, &one)) {
        clock_hms(one.at_us, clock, sizeof clock);
        model_say(m, chat_of(m, &one), "%s %s %s: %s%s",
                  one.kind == LOGLINE_OOM_KILL ? "kernel log" : "server log", clock,
                  log_severity_name(one.severity), one.text,
                  is_our_end(m, &one) ? " (a connection of pg_diagnose, closed by it)" : "");
        m->dirty = true;
    }
}

void logwatch_trouble(const struct model *m, char *dst, size_t size)
{
    struct buf text = {0};

    buf_puts(&text, m->apply.log_line);
    logtail_recent(&m->collect.log, m->wall_us - (int64_t)TROUBLE_S * 1000000, &text);
    text_copy(dst, size, buf_text(&text));
    buf_clear(&text);
}
