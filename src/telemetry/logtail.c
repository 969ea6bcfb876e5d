/* logtail.c - see logtail.h. */
#include "pgd/telemetry/logtail.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/assets.h"
#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/discovery/place.h"
#include "pgd/telemetry/span.h"

enum { RETRY_MAX_S = 300 };

void logtail_init(struct logtail *t)
{
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < ARRAY_LEN(t->of); i++)
        t->of[i].tokens = LOGTAIL_BURST;
}

/* -- questions --------------------------------------------------------------------------------------- */

static const char *unit_of(const struct identity *id)
{
    const char *colon = strchr(id->supervisor, ':');
    return colon ? colon + 1 : "";
}

static void start(struct logtail *t, const struct identity *id, const char *log_dir,
                  struct req next, struct effects *fx)
{
    const struct asset *script = asset_find("remote/log.sh");
    const char *argv[16];
    int n = place_as_owner(id, argv);

    if (!script)
        die("the asset remote/log.sh is missing");
    argv[n++] = "sh";
    argv[n++] = "-c";
    argv[n++] = (const char *)script->data;
    argv[n++] = "pg_diagnose-log";
    argv[n++] = id->data_directory;
    argv[n++] = log_dir;
    argv[n++] = unit_of(id);
    argv[n] = NULL;
    place_child(id, fx_child(fx, next, argv, CHILD_MORE));
    t->child = next;
    t->state = LOGTAIL_STARTING;
    t->awaited = t->killing = false;
    t->kernel_asked = 0;
    t->answers = 0;
    t->format = LOG_FORMAT_NONE;
    t->source[0] = '\0';
}

static void ask(struct logtail *t, int64_t now_us, struct effects *fx)
{
    struct effect *e = effects_add(fx, FX_CHILD_INPUT, t->child);
    struct buf line = {0};

    t->kernel_asked = t->kernel_wanted;
    t->kernel_wanted = t->nkills = 0;
    t->number++;
    buf_printf(&line, "%c %u\n", t->kernel_asked ? 'k' : 't', (unsigned)t->number);
    e->len = line.len;
    e->text = buf_take(&line);
    t->awaited = true;
    t->sent_us = now_us;
}

static void sum_up(struct logtail *t, int64_t now_us, int64_t wall_us);

void logtail_tick(struct logtail *t, const struct identity *id, const char *log_dir,
                  struct req next, int64_t now_us, int64_t wall_us, struct effects *fx)
{
    int every_s = t->format == LOG_FORMAT_JOURNAL ? LOGTAIL_JOURNAL_S : LOGTAIL_EVERY_S;
    int64_t since_us = now_us - t->sent_us;

    sum_up(t, now_us, wall_us);
    if (t->state == LOGTAIL_OFF && now_us >= t->retry_us) {
        start(t, id, log_dir, next, fx);
    } else if (t->state == LOGTAIL_RUNNING && t->awaited) {
        if (!t->killing && since_us > (int64_t)LOGTAIL_SILENT_S * 1000000)
            effects_add(fx, FX_CHILD_KILL, t->child);
        t->killing |= since_us > (int64_t)LOGTAIL_SILENT_S * 1000000;
    } else if (t->state == LOGTAIL_RUNNING &&
               (t->kernel_wanted || t->answers == 0 || since_us >= every_s * 1000000LL)) {
        ask(t, now_us, fx);
    }
}

void logtail_look_up_kills(struct logtail *t, int n)
{
    t->kernel_wanted += n;
}

void logtail_stop(struct logtail *t, struct effects *fx)
{
    if (t->state != LOGTAIL_OFF)
        effects_add(fx, FX_CHILD_KILL, t->child);
    t->state = LOGTAIL_OFF;
    t->retry_us = 0;
}

/* -- what is told ------------------------------------------------------------------------------------ */

static void put(struct logtail_told *list, int *n, int most, const struct logtail_told *one)
{
    if (*n == most)
        memmove(&list[0], &list[1], (size_t)-- * n * sizeof list[0]);
    list[(*n)++] = *one;
}

/* In the words of the server, or shorter where the figures say it all. */
static void describe(const struct logline *l, char *dst, size_t size)
{
    char room[32];

    if (l->kind == LOGLINE_CHECKPOINT && !isnan(l->buffers + l->seconds)) {
        snprintf(dst, size, "checkpoint complete: %.0f buffers in %.1f s", l->buffers, l->seconds);
    } else if (l->kind == LOGLINE_TEMP_FILE && !isnan(l->bytes)) {
        text_bytes(room, sizeof room, l->bytes);
        snprintf(dst, size, "temporary file of %s: work_mem was not enough", room);
    } else {
        text_copy(dst, size, l->text);
    }
}

static bool allowed(struct logtail_kind *k, int64_t now_us)
{
    double secs = k->refilled_us ? (double)(now_us - k->refilled_us) / 1e6 : 0;

    k->tokens = fmin(LOGTAIL_BURST, k->tokens + secs / LOGTAIL_REFILL_S);
    k->refilled_us = now_us;
    if (k->tokens < 1)
        return false;
    k->tokens -= 1;
    return true;
}

/* As the server wrote it. */
static void see(struct logtail *t, const struct logline *l, int64_t at_us)
{
    struct logtail_told *one = &t->seen[t->nseen % LOGTAIL_SEEN];

    one->kind = l->kind;
    one->severity = l->severity;
    one->at_us = at_us;
    text_copy(one->text, sizeof one->text, l->text);
    t->nseen = t->nseen < INT_MAX ? t->nseen + 1 : LOGTAIL_SEEN;
}

static bool tell(struct logtail *t, const struct logline *l, const struct event *ev, bool old)
{
    struct logtail_kind *k = &t->of[l->kind];
    struct logtail_told one = {.kind = l->kind, .severity = l->severity, .pid = l->pid};

    one.at_us = l->at_us ? l->at_us - t->offset_us : ev->wall_us;
    see(t, l, one.at_us);
    describe(l, one.text, sizeof one.text);
    /* Everyday lines explain nothing; errors of statements do, though they are not told. */
    if ((l->kind != LOGLINE_OTHER && l->kind != LOGLINE_CHECKPOINT) ||
        l->severity >= LOG_SEVERITY_ERROR)
        put(t->recent, &t->nrecent, LOGTAIL_RECENT, &one);
    if (old || l->kind == LOGLINE_OTHER)
        return false;
    if (!allowed(k, ev->at_us)) {
        k->left_out++;
        k->bytes += isnan(l->bytes) ? 0 : l->bytes;
        return false;
    }
    put(t->told, &t->ntold, LOGTAIL_TOLD, &one);
    return true;
}

static void sum_up(struct logtail *t, int64_t now_us, int64_t wall_us)
{
    for (int i = 0; i < LOGLINE_KINDS; i++) {
        struct logtail_kind *k = &t->of[i];
        struct logtail_told one = {.kind = (enum logline_kind)i, .at_us = wall_us};
        char room[40] = "", bytes[32];
        if (k->left_out == 0 || now_us - k->summed_us < (int64_t)LOGTAIL_SUM_S * 1000000)
            continue;
        if (k->bytes > 0) {
            text_bytes(bytes, sizeof bytes, k->bytes);
            snprintf(room, sizeof room, " (%s)", bytes);
        }
        snprintf(one.text, sizeof one.text, "%d more %s%s", k->left_out,
                 logline_kind_plural(one.kind), room);
        put(t->told, &t->ntold, LOGTAIL_TOLD, &one);
        k->left_out = 0;
        k->bytes = 0;
        k->summed_us = now_us;
    }
}

bool logtail_next(struct logtail *t, struct logtail_told *out)
{
    if (t->ntold == 0)
        return false;
    *out = t->told[0];
    memmove(&t->told[0], &t->told[1], (size_t)--t->ntold * sizeof t->told[0]);
    return true;
}

void logtail_recent(const struct logtail *t, int64_t from_us, struct buf *out)
{
    for (int i = 0; i < t->nrecent; i++)
        if (t->recent[i].at_us >= from_us)
            buf_printf(out, "%s%s: %s", out->len ? "\n" : "",
                       log_severity_name(t->recent[i].severity), t->recent[i].text);
}

/* -- answers ----------------------------------------------------------------------------------------- */

static bool take_source(struct logtail *t, const char *text)
{
    char kind[16];
    size_t n = strcspn(text, " ");

    text_copy(kind, sizeof kind, "");
    if (n < sizeof kind)
        snprintf(kind, sizeof kind, "%.*s", (int)n, text);
    t->format = log_format_of(kind);
    text_copy(t->source, sizeof t->source, text + n + (text[n] == ' '));
    t->source_told = false;
    return true;
}

/* More than an answer has room for. */
static bool take_more(struct logtail *t, const char *text)
{
    struct span s = {text, text + strlen(text)};
    double n = span_number(&s);

    if (n >= 1 && n < 1e9)
        t->of[LOGLINE_OTHER].left_out += (int)fmin(n, 1e8);
    return false;
}

/* The kernel's log tells of older ones, too: the last of them are meant. */
static void take_kill(struct logtail *t, const char *text, size_t len)
{
    struct logline l;

    if (!t->kernel_asked || !logline_parse(LOG_FORMAT_KERNEL, text, len, &l))
        return;
    if (t->nkills == LOGTAIL_KILLS)
        memmove(&t->kills[0], &t->kills[1], (size_t)--t->nkills * sizeof t->kills[0]);
    t->kills[t->nkills++] = l;
}

static bool take_end(struct logtail *t, const char *number, const struct event *ev)
{
    struct span s = {number, number + strlen(number)};
    int from = t->nkills - t->kernel_asked;
    bool told = false;

    if (!t->awaited || span_number(&s) != (double)t->number)
        return false;
    t->awaited = false;
    t->answers++;
    t->failures = 0;
    for (int i = from > 0 ? from : 0; i < t->nkills; i++)
        told = tell(t, &t->kills[i], ev, false) || told;
    told = told || (t->kernel_asked && t->kernel_closed);
    t->nkills = t->kernel_asked = 0;
    return told;
}

static bool take_line(struct logtail *t, const struct event *ev)
{
    const char *text = ev->text ? ev->text : "";
    size_t len = strlen(text);
    struct logline l;

    if (strncmp(text, "#source ", 8) == 0)
        return take_source(t, text + 8);
    if (strncmp(text, "#more ", 6) == 0)
        return take_more(t, text + 6);
    if (strncmp(text, "#nokernel", 9) == 0)
        t->kernel_closed = true;
    if (strncmp(text, "#end ", 5) == 0)
        return take_end(t, text + 5, ev);
    if (text[0] == '!')
        take_kill(t, text + 1, len - 1);
    if (text[0] != '|' && text[0] != '-')
        return false;
    return logline_parse(t->format, text + 1, len - 1, &l) && tell(t, &l, ev, text[0] == '-');
}

static void ended(struct logtail *t, const struct event *ev)
{
    bool lost = ev->err.code == ERR_LOST || ev->err.code == ERR_CANCELLED;
    int wait_s = 1;

    t->failures += t->answers == 0 && !lost ? 1 : 0;
    for (int i = 1; i < t->failures && wait_s < RETRY_MAX_S; i++)
        wait_s *= 2;
    t->retry_us = lost ? 0 : ev->at_us + (int64_t)wait_s * 1000000;
    t->state = LOGTAIL_OFF;
    t->awaited = false;
}

bool logtail_event(struct logtail *t, const struct event *ev)
{
    if (t->state == LOGTAIL_OFF || !req_same(ev->req, t->child))
        return false;
    if (ev->kind == EV_CHILD_UP)
        t->state = LOGTAIL_RUNNING;
    else if (ev->kind == EV_CHILD_LINE && ev->u.child.stream == STREAM_OUT)
        return take_line(t, ev);
    else if (ev->kind == EV_CHILD_EXIT)
        ended(t, ev);
    return false;
}
