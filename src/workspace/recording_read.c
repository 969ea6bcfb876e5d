/* recording_read.c - the files of a recording as text: journal, series of runs, conversation, and the lines of `watch --record`.
 *
 * Everything is bounded, and nothing is believed: a number that makes no sense is a gap, a time that runs backwards is not taken. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/recording.h"
#include "pgd/workspace/store.h"
#include "pgd/workspace/transcript.h"

enum { STEPS_MAX = 20000, SECONDS_MAX = RUN_SECONDS_MAX, CELL_MAX = 48, COLUMNS_MAX = 128 };
static const int64_t second_us = 1000000;
static const int64_t latest_us = INT64_C(4102444800000000); /* the year 2100 */

/* ---- session.json and workspace.json ---- */

bool recording_session(struct recording *r, const char *text, size_t len, struct err *e)
{
    r->of_session = true;
    r->session = xcalloc(1, sizeof *r->session);
    return store_session_parse(text, len, r->session, e);
}

void recording_workspace(struct recording *r, const char *text, size_t len)
{
    struct err e = {0};
    struct server_facts *f = xcalloc(1, sizeof *f);
    json_t *j = js_parse(text, len, &e);
    const json_t *c = json_object_get(j, "connection");

    js_get_text(c, "user", r->user, sizeof r->user);
    js_get_text(c, "host", r->host, sizeof r->host);
    if (j && store_workspace_facts(text, len, f, &e))
        text_copy(r->version, sizeof r->version, f->id.version);
    else
        recording_problem(r, "workspace.json", &e);
    server_facts_clear(f);
    free(f);
    json_decref(j);
}

/* ---- journal.jsonl ---- */

static struct recorded_step *add_step(struct recording *r)
{
    if (r->nsteps == STEPS_MAX)
        return NULL;
    if (r->nsteps == r->cap_steps) {
        r->cap_steps = r->cap_steps ? 2 * r->cap_steps : 64;
        r->steps = xrealloc(r->steps, (size_t)r->cap_steps * sizeof *r->steps);
    }
    memset(&r->steps[r->nsteps], 0, sizeof *r->steps);
    return &r->steps[r->nsteps++];
}

static void journal_run(struct recording *r, const json_t *j)
{
    int64_t number = js_get_int(j, "run", 0), start = js_get_int(j, "start_us", 0);
    struct recorded_run *run = number > 0 && number < 1000000 ? recording_run(r, (int)number)
                                                              : NULL;
    struct recorded_step *step = run ? add_step(r) : NULL;

    if (!step)
        return;
    step->kind = STEP_OF_RUN;
    step->run = (int)number;
    run->known = true;
    run->valid = js_get_bool(j, "valid", false);
    run->contaminated = js_get_bool(j, "contaminated", false);
    run->tps = js_get_num(j, "tps", NAN);
    run->p95_ms = js_get_num(j, "p95_ms", NAN);
    run->start_us = start > 0 && start < latest_us ? start : 0;
    js_get_text(j, "arm", run->arm, sizeof run->arm);
    js_get_text(j, "error", run->error, sizeof run->error);
}

static void put_entry(struct buf *out, const json_t *item, const char *key)
{
    const json_t *j = json_object_get(item, key);
    char value[80];

    js_get_text(j, "value", value, sizeof value);
    buf_puts(out, js_get_bool(j, "present", false) ? value : "(no entry)");
}

/* "round 1: work_mem (no entry) → 64MB" */
static char *intent_text(const json_t *j)
{
    struct buf out = {0};
    char name[160];
    size_t i;
    json_t *item;

    js_get_text(j, "arm", name, sizeof name);
    buf_printf(&out, "%s%s", name, js_get_bool(j, "restart", false) ? " (restart)" : "");
    json_array_foreach(json_object_get(j, "items"), i, item)
    {
        js_get_text(item, "name", name, sizeof name);
        buf_printf(&out, "%s%s ", i ? ", " : ": ", name);
        put_entry(&out, item, "before");
        buf_puts(&out, " \xe2\x86\x92 ");
        put_entry(&out, item, "to");
        if (out.len > RECORDING_TEXT)
            break;
    }
    return buf_take(&out);
}

static void journal_end_of_switch(struct recording *r, const json_t *j, const char *kind)
{
    char reason[200];
    struct buf out = {0};
    struct recorded_step *step = r->nsteps ? &r->steps[r->nsteps - 1] : NULL;

    js_get_text(j, "reason", reason, sizeof reason);
    if (!step || step->kind != STEP_OF_SWITCH)
        return;
    buf_printf(&out, "%s: %s%s%s", step->text, kind, reason[0] ? ", " : "", reason);
    free(step->text);
    step->text = buf_take(&out);
}

static bool journal_line(struct recording *r, const json_t *j)
{
    char kind[24];
    struct recorded_step *step;

    if (!js_get_text(j, "event", kind, sizeof kind) || js_get_int(j, "format", 1) > 1)
        return false;
    if (strcmp(kind, "bench") == 0) {
        journal_run(r, j);
    } else if (strcmp(kind, "checkpoint") == 0) {
        if ((step = add_step(r))) {
            step->kind = STEP_OF_CHECKPOINT;
            js_get_text(j, "what", step->what, sizeof step->what);
        }
    } else if (strcmp(kind, "intent") == 0) {
        if ((step = add_step(r))) {
            step->kind = STEP_OF_SWITCH;
            step->text = intent_text(j);
        }
    } else if (strcmp(kind, "applied") == 0 || strcmp(kind, "undone") == 0 ||
               strcmp(kind, "stuck") == 0) {
        journal_end_of_switch(r, j, kind);
    }
    return true;
}

static void bad_line(struct recording *r, const char *file, int number, const struct err *why)
{
    struct err e = {0};

    err_set(&e, ERR_FORMAT, "line %d of %s is damaged", number, file);
    err_detail(&e, "%s", why->msg[0] ? why->msg : "A record of that form is not known.");
    recording_problem(r, file, &e);
}

/* Each whole line; what is behind the last newline was never acknowledged. */
typedef bool (*line_fn)(struct recording *r, const json_t *j);
static void each_line(struct recording *r, const char *file, const char *text, size_t len,
                      line_fn take)
{
    int number = 0;

    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        struct err why = {0};
        if (!end) {
            r->torn = true;
            return;
        }
        size_t n = (size_t)(end - text);
        number++;
        json_t *j = n > 0 ? js_parse(text, n, &why) : NULL;
        if (n > 0 && !(j && json_is_object(j) && take(r, j)))
            bad_line(r, file, number, &why);
        json_decref(j);
        text = end + 1;
        len -= n + 1;
    }
}

void recording_journal(struct recording *r, const char *text, size_t len)
{
    each_line(r, "journal.jsonl", text, len, journal_line);
}

static void said(void *arg, const struct transcript_line *l)
{
    struct recording *r = arg;
    struct recorded *e = l->wall_us > 0 && l->wall_us < latest_us
                             ? recording_add(r, RECORDED_SAID, l->wall_us)
                             : NULL;
    struct buf text = {0};

    if (!e)
        return;
    e->said = strcmp(l->who, "dba") == 0 ? CHAT_USER : CHAT_AI;
    if (e->said == CHAT_AI)
        buf_printf(&text, "[%.60s] ", l->who);
    buf_printf(&text, "%.4000s%s", l->text, l->interrupted ? " (interrupted)" : "");
    e->text = buf_take(&text);
}

void recording_talk(struct recording *r, const char *text, size_t len)
{
    (void)transcript_read(text, len, said, r);
}

/* ---- bench/runNNN.csv and telemetry/runNNN.csv ---- */

/* One file: rows of `columns` figures. */
struct recorded_file {
    bool telemetry;
    int number, rows, columns;
    float *figures; /* owned */
    struct err err;
    char name[40]; /* "bench/run003.csv" */
};
struct recorded_files {
    int n, cap;
    struct recorded_file *items;
};

/* The next cell of a line, NAN where it is empty or no number; *at is behind its comma. */
static double cell(const char **at, const char *end, char word[CELL_MAX])
{
    const char *p = *at;
    size_t n = 0;
    double value;

    while (p < end && *p != ',') {
        if (n + 1 < CELL_MAX)
            word[n++] = *p;
        p++;
    }
    word[n] = '\0';
    *at = p < end ? p + 1 : end;
    return text_double(word, &value) && isfinite(value) ? value : (double)NAN;
}

static int metric_of(const char *name)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (strcmp(metric_info((enum metric_id)i)->name, name) == 0)
            return i;
    return -1;
}

/* Which figure each column is; 0 columns = it is not such a file. */
static int read_head(const struct recorded_file *f, const char *at, const char *end,
                     int column[COLUMNS_MAX])
{
    char word[CELL_MAX];
    int n = 0, known = 0;

    while (at < end && n < COLUMNS_MAX) {
        (void)cell(&at, end, word);
        column[n] = f->telemetry                      ? metric_of(word)
                    : strcmp(word, "tps") == 0        ? 0
                    : strcmp(word, "latency_ms") == 0 ? 1
                                                      : -1;
        if (n == 0 && strcmp(word, "second") != 0)
            return 0;
        known += column[n] >= 0;
        n++;
    }
    return known > 0 ? n : 0;
}

static void read_csv(struct recorded_file *f, const char *text, size_t len)
{
    const char *all = text + len, *end = memchr(text, '\n', len);
    int column[COLUMNS_MAX];
    int n = end ? read_head(f, text, end, column) : 0, cap = 0;
    char word[CELL_MAX];

    f->columns = f->telemetry ? METRIC_COUNT : 2;
    if (n == 0)
        err_set(&f->err, ERR_FORMAT, "%s has no heading that is known", f->name);
    while (n > 0 && end && (text = end + 1) < all && f->rows < SECONDS_MAX) {
        const char *at = text;
        end = memchr(text, '\n', (size_t)(all - text));
        if (!end) {
            err_set(&f->err, ERR_FORMAT, "%s ends in the middle of a line", f->name);
            return;
        }
        if (f->rows == cap) {
            cap = cap ? 2 * cap : 32;
            f->figures = xrealloc(f->figures, (size_t)cap * (size_t)f->columns * sizeof(float));
        }
        float *row = f->figures + (size_t)f->rows * (size_t)f->columns;
        for (int i = 0; i < f->columns; i++)
            row[i] = NAN;
        int i = 0;
        for (; i < n && at < end; i++) {
            double value = cell(&at, end, word);
            if (i == 0 && !isfinite(value))
                break;
            if (column[i] >= 0 && fabs(value) < 1e30)
                row[column[i]] = (float)value;
        }
        if (i == 0) {
            err_set(&f->err, ERR_FORMAT, "line %d of %s is damaged", f->rows + 2, f->name);
            return;
        }
        f->rows++;
    }
}

/* ".../bench/run003.csv": which file it is. */
static bool file_of(const char *path, size_t n, struct recorded_file *f)
{
    static const char *const folders[] = {"/bench/run", "/telemetry/run"};

    memset(f, 0, sizeof *f);
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        size_t len = strlen(folders[i]), digits = 0;
        const char *at = memmem(path, n, folders[i], len);
        for (const char *next = at; next; /* the last of them */
             next = memmem(at + 1, n - (size_t)(at + 1 - path), folders[i], len))
            at = next;
        if (!at)
            continue;
        for (const char *p = at + len; p < path + n && *p >= '0' && *p <= '9' && digits < 6; p++) {
            f->number = 10 * f->number + (*p - '0');
            digits++;
        }
        f->telemetry = i == 1;
        snprintf(f->name, sizeof f->name, "%s%03d.csv", folders[i] + 1, f->number);
        return digits > 0 && f->number > 0;
    }
    return false;
}

/* "==> PATH\n", the content, "\n", and so on. */
void *recorded_files_digest(const char *text, size_t len, const char *arg)
{
    struct recorded_files *all = xcalloc(1, sizeof *all);
    const char *end = text + len;

    (void)arg;
    while (text < end && (size_t)(end - text) > 4 && memcmp(text, "==> ", 4) == 0) {
        const char *line = memchr(text, '\n', (size_t)(end - text));
        if (!line)
            break;
        const char *next = memmem(line, (size_t)(end - line), "\n==> /", 6);
        const char *stop = next ? next : end - (end > line + 1 && end[-1] == '\n');
        struct recorded_file f;
        if (file_of(text + 4, (size_t)(line - text) - 4, &f)) {
            if (line + 1 < stop)
                read_csv(&f, line + 1, (size_t)(stop - line) - 1);
            if (all->n == all->cap) {
                all->cap = all->cap ? 2 * all->cap : 64;
                all->items = xrealloc(all->items, (size_t)all->cap * sizeof *all->items);
            }
            all->items[all->n++] = f;
        }
        text = next ? next + 1 : end;
    }
    return all;
}

void recorded_files_free(void *files)
{
    struct recorded_files *all = files;

    for (int i = 0; all && i < all->n; i++)
        free(all->items[i].figures);
    if (all)
        free(all->items);
    free(all);
}

static void take_file(struct recording *r, struct recorded_file *f)
{
    struct recorded_run *run = recording_run(r, f->number);

    if (f->err.code != ERR_NONE)
        recording_problem(r, f->name, &f->err);
    if (!run || f->rows == 0 || (f->telemetry ? run->samples : run->tps_s) != NULL)
        return;
    if (f->telemetry) {
        run->nsamples = f->rows;
        run->samples = f->figures;
        f->figures = NULL;
        return;
    }
    run->nseconds = f->rows;
    run->tps_s = xmalloc((size_t)f->rows * sizeof(float));
    run->latency_s = xmalloc((size_t)f->rows * sizeof(float));
    for (int i = 0; i < f->rows; i++) {
        run->tps_s[i] = f->figures[2 * i];
        run->latency_s[i] = f->figures[2 * i + 1];
    }
}

void recording_files(struct recording *r, struct recorded_files *files)
{
    for (int i = 0; files && i < files->n; i++)
        take_file(r, &files->items[i]);
}

/* ---- the lines of watch ---- */

static void read_waits(struct recorded *e, const json_t *list)
{
    size_t i;
    json_t *one;

    if (!json_is_array(list) || json_array_size(list) == 0)
        return;
    e->waits = xcalloc(WAITS_MAX, sizeof *e->waits);
    json_array_foreach(list, i, one)
    {
        struct wait_share *w = &e->waits[e->nwaits];
        double share = js_get_num(one, "share", NAN);
        if (e->nwaits == WAITS_MAX)
            break;
        if (!js_get_text(one, "event", w->event, sizeof w->event) || !(share >= 0 && share <= 1))
            continue;
        w->share = share;
        e->nwaits++;
    }
}

static void read_sample(struct recorded *e, const json_t *j)
{
    e->figures = xmalloc(METRIC_COUNT * sizeof *e->figures);
    for (int i = 0; i < METRIC_COUNT; i++) {
        double v = js_get_num(j, metric_info((enum metric_id)i)->name, NAN);
        e->figures[i] = fabs(v) < 1e30 ? (float)v : NAN;
    }
    e->tps = (double)e->figures[METRIC_TPS];
    read_waits(e, json_object_get(j, "waits"));
}

/* When it was; a time that is not there, or runs backwards, is the second after the one before. */
static int64_t time_of(const struct recording *r, const json_t *j)
{
    int64_t at = js_get_int(j, "at_us", 0), last = r->n ? r->events[r->n - 1].at_us : 0;

    return at > 0 && at < latest_us && at >= last ? at : last + second_us;
}

static void read_note(struct recorded *e, const json_t *j)
{
    static const char *const kinds[] = {"ai", "user", "event", "good", "bad", "warn"};
    char kind[8], *text = xcalloc(1, RECORDING_TEXT);

    js_get_text(j, "kind", kind, sizeof kind);
    js_get_text(j, "text", text, RECORDING_TEXT);
    e->said = CHAT_EVENT;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0)
            e->said = (enum chat_kind)i;
    e->text = text;
}

static bool watch_line(struct recording *r, const json_t *j)
{
    char kind[24];
    struct recorded *e;

    if (!js_get_text(j, "event", kind, sizeof kind))
        return false;
    if (strcmp(kind, "recording") == 0) {
        js_get_text(j, "workspace", r->workspace, sizeof r->workspace);
        js_get_text(j, "role", r->user, sizeof r->user);
        js_get_text(j, "host", r->host, sizeof r->host);
        js_get_text(j, "version", r->version, sizeof r->version);
        (void)recording_add(r, r->n ? RECORDED_GAP : RECORDED_BEGIN, time_of(r, j));
    } else if (strcmp(kind, "sample") == 0) {
        if ((e = recording_add(r, RECORDED_SAMPLE, time_of(r, j))))
            read_sample(e, j);
    } else if (strcmp(kind, "note") == 0) {
        if ((e = recording_add(r, RECORDED_SAID, time_of(r, j))))
            read_note(e, j);
    }
    return true; /* kinds that are not known are passed over */
}

/* A newer version may have meant something else by the same lines. */
static bool newer(struct recording *r, const char *text, size_t len)
{
    const char *end = memchr(text, '\n', len);
    struct err e = {0};
    json_t *j = end ? js_parse(text, (size_t)(end - text), &e) : NULL;
    int64_t format = js_get_int(j, "format", 1);

    json_decref(j);
    if (format <= 1)
        return false;
    err_set(&e, ERR_REFUSED, "%s was written by a newer version", r->name);
    err_detail(&e, "Its format is %lld; this version knows format 1.", (long long)format);
    err_hint(&e, "The file is left as it is. Use the version that wrote it.");
    recording_problem(r, r->name, &e);
    return true;
}

void *recording_watch_digest(const char *text, size_t len, const char *arg)
{
    struct recording *r = recording_new(arg ? arg : "");
    struct err e = {0};

    if (newer(r, text, len))
        return r;
    each_line(r, r->name, text, len, watch_line);
    if (r->n == 0) {
        err_set(&e, ERR_FORMAT, "%s holds nothing that was recorded", r->name);
        err_hint(&e, "It takes a file of watch --record, or what watch --json has printed.");
        recording_problem(r, r->name, &e);
    } else {
        (void)recording_add(r, RECORDED_END, r->events[r->n - 1].at_us);
    }
    recording_finish(r);
    return r;
}

void recording_watch_free(void *recording)
{
    recording_free(recording);
}
