/* The log: the last lines in a ring, and each line on to the sink. Worker threads may log; the
 * mutex covers the ring, and the sink is called without it, so that a sink that fails may log in
 * its turn. */
#include "pgd/base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>

#include "pgd/base/buf.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"

struct entry {
    enum log_level level;
    char *text; /* owned */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct entry ring[LOG_RECENT_MAX];
static size_t written; /* lines so far; the newest is at (written - 1) % LOG_RECENT_MAX */
static log_sink_fn sink;

void log_sink(log_sink_fn fn)
{
    pthread_mutex_lock(&lock);
    sink = fn;
    pthread_mutex_unlock(&lock);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    struct buf raw = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&raw, fmt, ap);
    va_end(ap);
    /* Redacted before it is cleaned and cut: afterwards a secret might no longer be recognised. */
    secret_redact(raw.data);
    char line[LOG_LINE_MAX];
    text_copy(line, sizeof line, raw.data);
    buf_clear(&raw);

    char *copy = xstrdup(line);
    pthread_mutex_lock(&lock);
    struct entry *e = &ring[written++ % LOG_RECENT_MAX];
    char *old = e->text;
    *e = (struct entry){.level = level, .text = copy};
    log_sink_fn fn = sink;
    pthread_mutex_unlock(&lock);
    free(old);
    if (fn)
        fn(level, line);
}

bool log_recent(size_t i, enum log_level *level, char *dst, size_t size)
{
    pthread_mutex_lock(&lock);
    bool there = i < written && i < LOG_RECENT_MAX;
    if (there) {
        const struct entry *e = &ring[(written - 1 - i) % LOG_RECENT_MAX];
        if (level)
            *level = e->level;
        text_copy_raw(dst, size, e->text);
    }
    pthread_mutex_unlock(&lock);
    return there;
}
