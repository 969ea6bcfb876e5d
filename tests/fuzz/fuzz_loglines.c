/* Lines of a server's log in every format, and the answers of log.sh: any bytes, never a crash, never more than may be told. The first
 * byte picks the format; the rest are lines. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/logtail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look_at(const char *text)
{
    char again[400];
    text_copy(again, sizeof again, text);
    if (strcmp(again, text) != 0) /* it was clean */
        abort();
}

static void one_line(enum log_format format, const char *line, size_t len)
{
    struct logline l;
    logline_parse(format, line, len, &l);
    if (memchr(l.text, '\0', sizeof l.text) == NULL || (unsigned)l.kind >= LOGLINE_KINDS ||
        l.seconds < 0 || l.buffers < 0 || l.bytes < 0 || l.pid < 0)
        abort();
    if (l.at_us < 0 || l.at_us > (int64_t)253402304460000000) /* the end of the year 9999 */
        abort();
    look_at(l.text);
}

static void say(struct logtail *t, enum event_kind kind, const char *line, size_t len,
                int64_t now_us)
{
    struct event ev = {.kind = kind, .req = t->child, .at_us = now_us, .wall_us = now_us};
    ev.text = xstrndup(line, len);
    ev.len = strlen(ev.text);
    logtail_event(t, &ev);
    event_clear(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct identity id;
    struct effects fx = {0};
    struct logtail *t = xcalloc(1, sizeof *t);
    struct logtail_told told;
    struct buf recent = {0};
    int64_t now_us = 1000000;
    int lines = 0;

    if (size == 0) {
        free(t);
        return 0;
    }
    logtail_init(t);
    logtail_tick(t, &id, "", (struct req){OWNER_TELEMETRY, 1, 1}, now_us, now_us, &fx);
    say(t, EV_CHILD_UP, "", 0, now_us);
    for (size_t at = 1; at < size; lines++) {
        const char *line = (const char *)data + at, *nl = memchr(line, '\n', size - at);
        size_t len = nl ? (size_t)(nl - line) : size - at;
        one_line((enum log_format)(data[0] % (LOG_FORMAT_KERNEL + 1)), line, len);
        effects_clear(&fx);
        now_us += lines % 4 == 0 ? 1000000 : 0;
        if (lines % 4 == 0)
            logtail_tick(t, &id, "", (struct req){OWNER_TELEMETRY, 1, 2}, now_us, now_us, &fx);
        say(t, EV_CHILD_LINE, line, len, now_us);
        at += len + 1;
    }
    if (t->ntold > LOGTAIL_TOLD || t->nrecent > LOGTAIL_RECENT || t->nkills > LOGTAIL_KILLS)
        abort();
    logtail_recent(t, 0, &recent);
    for (lines = 0; logtail_next(t, &told); lines++)
        look_at(told.text);
    effects_clear(&fx);
    buf_clear(&recent);
    free(t);
    return 0;
}
