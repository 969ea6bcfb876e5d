/* The answers of loop.sh, whatever the host makes of them: any lines in any order, answers late, cut or doubled; never a crash, never
 * more kept than an answer may have, never a figure that the screen could not show. Lines are separated by newlines; one that begins
 * with \x01 is a tick, with \x02 the end of the script, \x03 the loss of the link. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/telemetry/collect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(struct collect *c, enum event_kind kind, const char *line, size_t len,
                int64_t now_us)
{
    struct event ev = {.kind = kind, .req = c->loop.child, .at_us = now_us, .wall_us = now_us};
    if (kind == EV_CHILD_EXIT && len > 0)
        err_set(&ev.err, ERR_LOST, "the link was lost");
    ev.text = xstrndup(line, len);
    ev.len = strlen(ev.text);
    collect_step(c, &ev);
    event_clear(&ev);
}

static void check(const struct collect *c)
{
    for (int i = METRIC_CPU_USER; i < METRIC_COUNT; i++) {
        double v = series_newest(&c->series[i]);
        if (v < 0 || isinf(v))
            abort();
    }
    if (c->loop.text.len > HOSTLOOP_ANSWER_MAX + 8192 || c->backends->n > BACKENDS_MAX ||
        c->backends->ntop > BACKENDS_TOP)
        abort();
    for (int i = 0; i < c->backends->ntop; i++)
        if (!(c->backends->top[i].cpu > 0) || c->backends->top[i].pid <= 0)
            abort();
    if (c->loop.clock.known && (c->loop.clock.error_us < 0 || c->loop.clock.delay_us < 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct identity id = {.over_ssh = true, .postmaster_pid = 70};
    struct collect *c = xcalloc(1, sizeof *c);
    struct effects fx = {0};
    int64_t now_us = 1000000;

    collect_init(c);
    c->host = &id;
    c->host_on = c->host_link = true;
    for (size_t at = 0; at < size;) {
        const char *line = (const char *)data + at, *nl = memchr(line, '\n', size - at);
        size_t len = nl ? (size_t)(nl - line) : size - at;
        at += len + 1;
        if (len > 0 && *line == 1) {
            now_us += 1000000;
            c->now_us = c->wall_us = now_us;
            effects_clear(&fx);
            collect_tick(c, &fx, false);
            say(c, EV_CHILD_UP, "", 0, now_us);
        } else if (len > 0 && (*line == 2 || *line == 3)) {
            say(c, EV_CHILD_EXIT, "x", *line == 3, now_us);
        } else {
            say(c, EV_CHILD_LINE, line, len, now_us += 1000);
        }
        check(c);
    }
    effects_clear(&fx);
    collect_clear(c);
    free(c);
    return 0;
}
