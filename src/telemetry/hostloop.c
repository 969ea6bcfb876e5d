/* hostloop.c - see hostloop.h. */
#include "pgd/telemetry/hostloop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/place.h"
#include "pgd/telemetry/span.h"

enum {
    LINE_KEPT = 4096, /* of a line: that of interrupts in /proc/stat is long, and not wanted */
    CLOCK_FIRST = 6,  /* the first answers tell the clock */
    CLOCK_EVERY = 5,  /* … later each fifth */
    RETRY_MAX_S = 60,
    UPTIME_STEP_US = 10000 /* /proc/uptime is given to the hundredth */
};

void hostloop_init(struct hostloop *l)
{
    memset(l, 0, sizeof *l);
    l->space = l->space_total = NAN;
}

void hostloop_clear(struct hostloop *l)
{
    buf_clear(&l->text);
    hostloop_init(l);
}

/* -- questions --------------------------------------------------------------------------------------- */

static void start(struct hostloop *l, const struct identity *id, const char *wal_path,
                  struct req next, struct effects *fx)
{
    const struct asset *script = asset_find("remote/loop.sh");
    const char *argv[16];
    int n = place_as_owner(id, argv);

    if (!script)
        die("the asset remote/loop.sh is missing");
    argv[n++] = "sh";
    argv[n++] = "-c";
    argv[n++] = (const char *)script->data;
    argv[n++] = "pg_diagnose-loop";
    argv[n++] = wal_path;
    argv[n] = NULL;
    struct effect *e = fx_child(fx, next, argv, CHILD_MORE);
    place_child(id, e);
    l->child = next;
    l->state = HOSTLOOP_STARTING;
    l->awaited = l->inside = l->killing = false;
    l->answers = 0;
    buf_clear(&l->text);
}

static void ask(struct hostloop *l, int postmaster, const int *wanted, int nwanted,
                struct effects *fx)
{
    struct effect *e = effects_add(fx, FX_CHILD_INPUT, l->child);
    struct buf line = {0};
    bool clock = l->answers < CLOCK_FIRST || l->number % CLOCK_EVERY == 0;

    l->number++;
    buf_printf(&line, "%c %u %d", clock ? 's' : 't', (unsigned)l->number, postmaster);
    for (int i = 0; i < nwanted; i++)
        buf_printf(&line, " %d", wanted[i]);
    buf_putc(&line, '\n');
    e->len = line.len;
    e->text = buf_take(&line);
    l->awaited = true;
}

bool hostloop_tick(struct hostloop *l, const struct identity *id, const char *wal_path,
                   const int *wanted, int nwanted, struct req next, int64_t now_us, int64_t wall_us,
                   struct effects *fx)
{
    switch (l->state) {
    case HOSTLOOP_OFF:
        if (now_us < l->retry_us)
            return true;
        start(l, id, wal_path, next, fx);
        l->sent_us = now_us;
        return true;
    case HOSTLOOP_STARTING:
        return true;
    case HOSTLOOP_RUNNING:
        break;
    }
    if (l->awaited) {
        if (!l->killing && now_us - l->sent_us > (int64_t)HOSTLOOP_SILENT_S * 1000000) {
            l->killing = true;
            effects_add(fx, FX_CHILD_KILL, l->child);
        }
        return false;
    }
    l->sent_us = now_us;
    l->sent_wall_us = wall_us;
    ask(l, id->postmaster_pid, wanted, nwanted, fx);
    return true;
}

/* -- answers ----------------------------------------------------------------------------------------- */

/* "1700000000.123456789"; a date(1) without fractions prints none, or the letters. */
static void read_clock(struct span text, struct hostloop *l, const struct event *ev)
{
    double whole = span_number(&text), part = 0, scale = 1e6;
    int64_t resolution_us = 1000000;

    if (!(whole > 0 && whole < 1e11))
        return;
    if (text.end - text.at > 1 && *text.at == '.') {
        text.at++;
        for (; text.at < text.end && *text.at >= '0' && *text.at <= '9'; text.at++) {
            scale /= 10;
            part += (*text.at - '0') * scale;
        }
        if (scale < 1e6)
            resolution_us = scale > 1 ? (int64_t)scale : 1;
    }
    hostclock_add(&l->clock, l->sent_wall_us, ev->wall_us, (int64_t)whole * 1000000 + (int64_t)part,
                  resolution_us);
}

/* The line of df -P below its heading: file system, blocks of 1 kB, used, free, … */
static void read_space(struct span text, struct hostloop *l)
{
    span_line(&text);
    struct span line = span_line(&text);
    span_word(&line);
    double total = span_number(&line), used = span_number(&line), left = span_number(&line);
    if (!isnan(total + used + left)) {
        l->space_total = total * 1024;
        l->space = left * 1024;
    }
}

static double read_uptime(struct span text)
{
    double whole = span_number(&text);
    if (text.end - text.at < 3 || *text.at != '.')
        return NAN;
    text.at++;
    struct span hundredths = {text.at, text.at + 2};
    return whole + span_number(&hundredths) / 100;
}

/* The answer is complete: clocks and room are ours, the rest is the caller's. Returns when it was taken. */
static int64_t read_answer(struct hostloop *l, const struct event *ev)
{
    struct span all = {buf_text(&l->text), buf_text(&l->text) + l->text.len}, path, content;
    double uptime = NAN;

    while (span_section(&all, &path, &content)) {
        if (span_is(path, "clock"))
            read_clock(content, l, ev);
        else if (span_is(path, "space"))
            read_space(content, l);
        else if (span_is(path, "/proc/uptime"))
            uptime = read_uptime(content);
    }
    if (!(uptime >= 0 && uptime < 1e11))
        return ev->at_us;
    int64_t host_us = (int64_t)(uptime * 1e6);
    hostclock_add(&l->uptime, l->sent_us, ev->at_us, host_us, UPTIME_STEP_US);
    int64_t taken_us = hostclock_ours(&l->uptime, host_us);
    return taken_us < l->sent_us ? l->sent_us : taken_us > ev->at_us ? ev->at_us : taken_us;
}

/* "==> end 12": the number of the question; 0 = another line. */
static uint32_t marked(const char *line, const char *mark)
{
    size_t n = strlen(mark);
    if (strncmp(line, mark, n) != 0)
        return 0;
    struct span rest = {line + n, line + strlen(line)};
    double number = span_number(&rest);
    return number >= 1 && number <= UINT32_MAX && span_at_end(&rest) ? (uint32_t)number : 0;
}

static bool take_line(struct hostloop *l, const struct event *ev, int64_t *taken_us)
{
    const char *line = ev->text ? ev->text : "";
    size_t len = strlen(line);

    if (strncmp(line, "==> page ", 9) == 0) {
        struct span size = {line + 9, line + len};
        double bytes = span_number(&size);
        l->page_bytes = bytes >= 1024 && bytes <= 1 << 20 ? bytes : 0;
    } else if (l->awaited && marked(line, "==> begin ") == l->number) {
        buf_clear(&l->text);
        l->inside = true;
        l->too_long = false;
    } else if (l->inside && marked(line, "==> end ") == l->number) {
        l->inside = l->awaited = false;
        l->got_us = ev->at_us;
        if (l->too_long)
            return false;
        l->answers++;
        l->failures = 0;
        l->why[0] = '\0';
        *taken_us = read_answer(l, ev);
        return true;
    } else if (l->inside) {
        l->too_long |= l->text.len > HOSTLOOP_ANSWER_MAX;
        if (!l->too_long) {
            buf_append(&l->text, line, len < LINE_KEPT ? len : LINE_KEPT);
            buf_putc(&l->text, '\n');
        }
    }
    return false;
}

static void ended(struct hostloop *l, const struct event *ev)
{
    bool lost = ev->err.code == ERR_LOST || ev->err.code == ERR_CANCELLED;
    int wait_s = 1;

    if (!lost) {
        const char *said = ev->err.msg[0] ? ev->err.msg : ev->err.detail;
        if (said[0])
            text_copy(l->why, sizeof l->why, said);
        else if (!l->why[0])
            snprintf(l->why, sizeof l->why, "the script that samples it ended with status %d",
                     ev->u.child.status);
        l->failures += l->answers == 0 ? 1 : 0;
    }
    for (int i = 1; i < l->failures && wait_s < RETRY_MAX_S; i++)
        wait_s *= 2;
    l->retry_us = lost ? 0 : ev->at_us + (int64_t)wait_s * 1000000;
    l->state = HOSTLOOP_OFF;
    l->awaited = l->inside = false;
}

bool hostloop_event(struct hostloop *l, const struct event *ev, int64_t *taken_us)
{
    if (l->state == HOSTLOOP_OFF || !req_same(ev->req, l->child))
        return false;
    switch (ev->kind) {
    case EV_CHILD_UP:
        l->state = HOSTLOOP_RUNNING;
        return false;
    case EV_CHILD_LINE:
        if (ev->u.child.stream == STREAM_OUT)
            return take_line(l, ev, taken_us);
        if (ev->text && ev->text[0] && l->answers == 0)
            text_copy(l->why, sizeof l->why, ev->text);
        return false;
    case EV_CHILD_EXIT:
        ended(l, ev);
        return false;
    default:
        return false;
    }
}

void hostloop_stop(struct hostloop *l, struct effects *fx)
{
    if (l->state != HOSTLOOP_OFF)
        effects_add(fx, FX_CHILD_KILL, l->child);
    l->state = HOSTLOOP_OFF;
    l->awaited = l->inside = false;
    l->retry_us = 0;
}
