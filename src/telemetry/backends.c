/* backends.c - see backends.h. */
#include "pgd/telemetry/backends.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/mem.h"
#include "pgd/base/text.h"
#include "pgd/telemetry/span.h"

/* In /proc a second of CPU time has that many ticks on every architecture (USER_HZ). */
static const double ticks_a_second = 100;

void backends_clear(struct backends *b)
{
    double page = b->page_bytes;
    memset(b, 0, sizeof *b);
    b->page_bytes = page;
}

/* "/proc/4711/stat": 4711, and the rest of the path is `what`; 0 = another one. */
static int pid_of(struct span path, const char *what)
{
    struct span head = {path.at, path.at + 6};
    if (path.end - path.at < 8 || !span_is(head, "/proc/"))
        return 0;
    path.at += 6;
    double pid = span_number(&path);
    return pid >= 1 && pid < 1e9 && span_is(path, what) ? (int)pid : 0;
}

static struct backend_counts *find(struct backend_counts *of, int n, int pid)
{
    for (int i = 0; i < n; i++)
        if (of[i].pid == pid)
            return &of[i];
    return NULL;
}

/* "4711 (postgres) S 4700 …": the name may hold anything, also blanks and brackets. */
static bool read_stat(struct span file, int postmaster, struct backend_counts *c)
{
    double v[22];
    const char *at = memrchr(file.at, ')', (size_t)(file.end - file.at));

    if (!at)
        return false;
    file.at = at + 1;
    span_word(&file); /* the state */
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        span_skip_blanks(&file);
        if (!span_at_end(&file) && *file.at == '-') /* tpgid, nice */
            file.at++;
        v[i] = span_number(&file);
    }
    c->ticks = v[10] + v[11];
    c->started = v[18];
    c->rss_pages = v[20];
    return v[0] == postmaster && !isnan(c->ticks + c->started + c->rss_pages);
}

static void read_io(struct span file, struct backend_counts *c)
{
    while (!span_at_end(&file)) {
        struct span line = span_line(&file);
        struct span name = span_word(&line);
        if (span_is(name, "read_bytes:"))
            c->read = span_number(&line);
        else if (span_is(name, "write_bytes:"))
            c->written = span_number(&line);
    }
}

static void read_title(struct span file, struct backend_counts *c)
{
    char text[sizeof c->title];
    size_t n = (size_t)(file.end - file.at);

    if (n >= sizeof text)
        n = sizeof text - 1;
    for (size_t i = 0; i < n; i++) {
        text[i] = file.at[i];
        if (text[i] == '\0' || text[i] == '\n')
            text[i] = ' ';
    }
    text[n] = '\0';
    while (n > 0 && text[n - 1] == ' ')
        text[--n] = '\0';
    text_copy(c->title, sizeof c->title, text);
}

static void read_children(struct span file, struct backends *b)
{
    while (b->nchildren < BACKENDS_READ) {
        double pid = span_number(&file);
        if (!(pid >= 1 && pid < 1e9))
            return;
        b->children[b->nchildren++] = (int)pid;
    }
}

static void take(struct span path, struct span file, int postmaster, struct backends *b)
{
    int pid = pid_of(path, "/stat");
    struct backend_counts *c;

    if (pid && b->n < BACKENDS_MAX && !find(b->of, b->n, pid)) {
        c = &b->of[b->n];
        *c = (struct backend_counts){.pid = pid,
                                     .read = NAN,
                                     .written = NAN,
                                     .cpu = NAN,
                                     .read_bps = NAN,
                                     .written_bps = NAN};
        b->n += read_stat(file, postmaster, c) ? 1 : 0;
    } else if ((pid = pid_of(path, "/io")) != 0 && (c = find(b->of, b->n, pid))) {
        read_io(file, c);
    } else if ((pid = pid_of(path, "/cmdline")) != 0 && (c = find(b->of, b->n, pid))) {
        read_title(file, c);
    } else if (path.end - path.at > 9 &&
               span_is((struct span){path.end - 9, path.end}, "/children")) {
        read_children(file, b);
    }
}

static double rate(double before, double after, double secs)
{
    double by = after - before;
    return by >= 0 && secs > 0 ? by / secs : NAN;
}

static struct backend since(const struct backend_counts *a, const struct backend_counts *b,
                            double secs, double page_bytes)
{
    struct backend r = {.pid = b->pid,
                        .rss_bytes = b->rss_pages * page_bytes,
                        .cpu = rate(a->ticks, b->ticks, secs) / ticks_a_second,
                        .read_bps = rate(a->read, b->read, secs),
                        .written_bps = rate(a->written, b->written, secs)};
    text_copy(r.title, sizeof r.title, b->title[0] ? b->title : a->title);
    return r;
}

/* Keeps the busiest, largest first. */
static void rank(struct backends *b, const struct backend *one)
{
    int at = b->ntop;

    while (at > 0 && b->top[at - 1].cpu < one->cpu)
        at--;
    if (at >= BACKENDS_TOP)
        return;
    if (b->ntop < BACKENDS_TOP)
        b->ntop++;
    memmove(&b->top[at + 1], &b->top[at], (size_t)(b->ntop - 1 - at) * sizeof b->top[0]);
    b->top[at] = *one;
}

void backends_read(struct backends *b, const char *text, size_t len, int postmaster, int64_t at_us)
{
    struct backends before = *b;
    struct span all = {text, text + len}, path, file;
    double secs = before.at_us ? (double)(at_us - before.at_us) / 1e6 : NAN;

    backends_clear(b);
    b->at_us = at_us;
    while (span_section(&all, &path, &file))
        take(path, file, postmaster, b);
    for (int i = 0; i < b->n; i++) {
        const struct backend_counts *was = find(before.of, before.n, b->of[i].pid);
        if (!was || was->started != b->of[i].started)
            continue;
        struct backend one = since(was, &b->of[i], secs, b->page_bytes > 0 ? b->page_bytes : 4096);
        text_copy(b->of[i].title, sizeof b->of[i].title, one.title);
        b->of[i].cpu = one.cpu;
        b->of[i].read_bps = one.read_bps;
        b->of[i].written_bps = one.written_bps;
        if (one.cpu > 0)
            rank(b, &one);
    }
}

void backends_paths(const struct backends *b, int postmaster, struct buf *paths)
{
    buf_printf(paths, "\n/proc/%d/task/%d/children", postmaster, postmaster);
    for (int i = 0; i < b->nchildren; i++)
        buf_printf(paths, "\n/proc/%d/stat", b->children[i]);
    for (int i = 0; i < b->ntop; i++)
        buf_printf(paths, "\n/proc/%d/io\n/proc/%d/cmdline", b->top[i].pid, b->top[i].pid);
}
