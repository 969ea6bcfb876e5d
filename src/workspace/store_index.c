/* store_index.c - see store_index.h. A row is one line of the file. */
#include "pgd/workspace/store_index.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/protocol/json_records.h"
#include "pgd/workspace/index_line.h"
#include "pgd/workspace/store_parts.h"

#define INDEX_HEAD "{\n \"format\": %d,\n \"sessions\": ["

static void put(json_t *j, const char *key, json_t *value)
{
    json_object_set_new(j, key, value);
}

/* ---- writing ---- */

static void write_line(struct session_row *r)
{
    json_t *j = json_object();

    put(j, "name", js_text(r->name));
    put(j, "strategy", js_text(r->strategy));
    put(j, "state", js_text(session_state_name(r->state)));
    put(j, "baseline_tps", js_num(r->baseline_tps));
    put(j, "best_tps", js_num(r->best_tps));
    put(j, "effect", js_num(r->effect));
    put(j, "rounds", json_integer(r->rounds));
    put(j, "changed_us", json_integer(r->changed_wall_us));
    if (isfinite(r->tps_before))
        put(j, "tps_before", js_num(r->tps_before));
    if (isfinite(r->tps_after))
        put(j, "tps_after", js_num(r->tps_after));
    if (r->reason[0])
        put(j, "reason", js_text(r->reason));
    if (r->title[0])
        put(j, "title", js_text(r->title));
    if (r->origin.session[0])
        put(j, "origin", store_origin_json(&r->origin));
    r->line = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(12));
    r->line_len = r->line ? strlen(r->line) : 0;
    json_decref(j);
}

void store_index_json(struct workspace *w, struct buf *out)
{
    buf_printf(out, INDEX_HEAD, STORE_FORMAT);
    for (int i = 0; i < w->nsessions; i++) {
        struct session_row *r = &w->sessions[i];
        if (!r->line)
            write_line(r);
        buf_puts(out, i ? ",\n  " : "\n  ");
        buf_append(out, r->line, r->line_len);
    }
    buf_puts(out, w->nsessions ? "\n ]\n}\n" : "]\n}\n");
}

/* ---- reading ---- */

/* A figure that is missing or null is unknown. */
static bool read_num(const json_t *j, const char *key, double *out)
{
    const json_t *v = json_object_get(j, key);

    *out = NAN;
    if (!v || json_is_null(v))
        return true;
    *out = json_number_value(v);
    return json_is_number(v) && *out >= 0 && *out <= 1e12;
}

static bool read_text(const json_t *j, const char *key, char *dst, size_t size)
{
    const json_t *v = json_object_get(j, key);

    if (!v || json_is_null(v))
        return true;
    if (!json_is_string(v))
        return false;
    text_copy(dst, size, json_string_value(v));
    return true;
}

static bool read_whole(const json_t *j, const char *key, int64_t most, int64_t *out)
{
    *out = json_object_get(j, key) ? js_get_int(j, key, -1) : 0;
    return *out >= 0 && *out <= most;
}

static bool read_row(const json_t *j, struct session_row *r)
{
    int64_t rounds;

    if (!js_get_text(j, "name", r->name, sizeof r->name) || !store_safe_name(r->name) ||
        !store_state_read(j, &r->state) ||
        !read_text(j, "strategy", r->strategy, sizeof r->strategy) ||
        !read_text(j, "title", r->title, sizeof r->title) ||
        !read_num(j, "baseline_tps", &r->baseline_tps) || !read_num(j, "best_tps", &r->best_tps) ||
        !read_num(j, "effect", &r->effect) || !read_num(j, "tps_before", &r->tps_before) ||
        !read_num(j, "tps_after", &r->tps_after) ||
        !read_text(j, "reason", r->reason, sizeof r->reason) ||
        !read_whole(j, "rounds", INDEX_ROUNDS_MAX, &rounds) ||
        !read_whole(j, "changed_us", INDEX_CHANGED_MAX, &r->changed_wall_us) ||
        !store_origin_read(j, &r->origin))
        return false;
    r->rounds = (int)rounds;
    r->interrupted = r->state == SESSION_ACTIVE || r->state == SESSION_PAUSED;
    return true;
}

struct index_read {
    struct workspace list; /* its rows alone */
    struct err err;
};

/* One row of the file, which is an object of its own. */
static bool read_line(const char *line, size_t len, struct session_row *r)
{
    struct err ignored = {0};

    if (!index_line_read(line, len, r)) {
        json_t *j = js_parse(line, len, &ignored);
        bool ok = json_is_object(j) && read_row(j, r);
        json_decref(j);
        if (!ok)
            return false;
    }
    r->line = xstrndup(line, len);
    r->line_len = len;
    return true;
}

/* The file as store_index_json() writes it: a row in each line, which need not become a tree of JSON and is the row's text already.
 * False = it is not of that form, or has more rows than are taken; the list may have rows then. */
static bool read_lines(const char *text, size_t len, struct workspace *w)
{
    static const char tail[] = "\n ]\n}\n";
    const size_t behind = sizeof tail - 1;
    char head[64];
    size_t before = (size_t)snprintf(head, sizeof head, INDEX_HEAD, STORE_FORMAT);

    if (len < before + behind || memcmp(text, head, before) != 0 ||
        memcmp(text + len - behind, tail, behind) != 0)
        return false;
    const char *p = text + before, *end = text + len - behind;
    for (bool more = true; more;) {
        if (end - p < 4 || memcmp(p, "\n  {", 4) != 0)
            return false;
        p += 3;
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((stop ? stop : end) - p);
        more = stop != NULL;
        if (more && p[n - 1] != ',')
            return false;
        struct session_row *r = session_rows_add(w, w->nsessions);
        if (!r || !read_line(p, n - more, r))
            return false;
        p += n;
    }
    return true;
}

static bool read_rows(const json_t *list, struct workspace *w)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        struct session_row *r = session_rows_add(w, w->nsessions);
        if (!r)
            break;
        if (!read_row(one, r))
            return false;
    }
    return true;
}

void *store_index_digest(const char *text, size_t len, const char *arg)
{
    struct index_read *r = xcalloc(1, sizeof *r);
    json_t *j;

    (void)arg;
    if (read_lines(text, len, &r->list))
        return r;
    session_rows_clear(&r->list);
    j = store_open(text, len, "index.json", &r->err);
    if (j && !json_is_array(json_object_get(j, "sessions")))
        err_set(&r->err, ERR_FORMAT, "index.json has no list of sessions");
    else if (j && !read_rows(json_object_get(j, "sessions"), &r->list))
        err_set(&r->err, ERR_FORMAT, "index.json has a damaged row");
    for (int i = 0; i < r->list.nsessions && r->err.code == ERR_NONE; i++)
        write_line(&r->list.sessions[i]); /* here, not in the loop's thread */
    json_decref(j);
    return r;
}

void store_index_digest_free(void *read)
{
    struct index_read *r = read;

    if (r)
        session_rows_clear(&r->list);
    free(r);
}

bool store_index_take(struct workspace *w, struct index_read *r, struct err *e)
{
    session_rows_clear(w);
    if (r->err.code != ERR_NONE) {
        *e = r->err;
        return false;
    }
    w->sessions = r->list.sessions;
    w->nsessions = r->list.nsessions;
    w->capsessions = r->list.capsessions;
    r->list.sessions = NULL;
    r->list.nsessions = 0;
    return true;
}

bool store_index_parse(const char *text, size_t len, struct workspace *w, struct err *e)
{
    struct index_read *r = store_index_digest(text, len, "");
    bool ok = store_index_take(w, r, e);

    store_index_digest_free(r);
    return ok;
}

/* ---- the folders ---- */

/* Names by their hash, with open addressing: twice as many slots as names at least. */
struct index_folders {
    char *text; /* the names, each with its NUL; owned */
    int n;
    size_t slots;    /* a power of two */
    uint32_t *first; /* of a slot: where its name begins in text, plus 1; 0 = free */
    char **names;    /* in the order of the listing; they point into text */
};

static size_t hash(const char *s)
{
    uint64_t h = 14695981039346656037u;

    while (*s)
        h = (h ^ (unsigned char)*s++) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

/* The slot of a name, or the free one where it belongs. */
static size_t slot_of(const struct index_folders *f, const char *name)
{
    size_t i = hash(name) & (f->slots - 1);

    while (f->first[i] && strcmp(f->text + f->first[i] - 1, name) != 0)
        i = (i + 1) & (f->slots - 1);
    return i;
}

void *store_folders_digest(const char *text, size_t len, const char *arg)
{
    struct index_folders *f = xcalloc(1, sizeof *f);
    size_t lines = 1;

    (void)arg;
    f->text = xstrndup(text, len);
    for (const char *p = f->text; *p; p++)
        lines += *p == '\n';
    for (f->slots = 16; f->slots < 2 * lines;)
        f->slots *= 2;
    f->first = xcalloc(f->slots, sizeof *f->first);
    f->names = xcalloc(lines, sizeof *f->names);
    for (char *p = f->text; *p;) {
        size_t n = strcspn(p, "\n");
        bool last = p[n] == '\0', folder = n > 1 && p[n - 1] == '/';
        p[folder ? n - 1 : n] = '\0';
        if (folder && n <= sizeof(((struct session_row *)NULL)->name) && store_safe_name(p)) {
            f->names[f->n++] = p;
            f->first[slot_of(f, p)] = (uint32_t)(p - f->text) + 1;
        }
        p += last ? n : n + 1;
    }
    return f;
}

void store_folders_digest_free(void *folders)
{
    struct index_folders *f = folders;

    if (!f)
        return;
    free(f->text);
    free(f->first);
    free(f->names);
    free(f);
}

int store_index_check(struct workspace *w, const struct index_folders *f, struct buf *unknown)
{
    bool *listed = xcalloc(f->slots, sizeof *listed);
    int kept = 0, gone;

    for (int i = 0; i < w->nsessions; i++) {
        struct session_row *r = &w->sessions[i];
        size_t slot = slot_of(f, r->name);
        bool ended = r->state == SESSION_ARCHIVED || r->state == SESSION_FAILED;
        if (f->first[slot] || !ended) {
            listed[slot] = true;
            if (kept != i)
                w->sessions[kept] = *r;
            kept++;
        } else {
            free(r->line);
        }
    }
    gone = w->nsessions - kept;
    w->nsessions = kept;
    w->rows_version++;
    for (int i = 0; i < f->n; i++)
        if (!listed[slot_of(f, f->names[i])])
            buf_printf(unknown, "%s\n", f->names[i]);
    free(listed);
    return gone;
}

void *store_row_digest(const char *text, size_t len, const char *arg)
{
    struct row_read *r = xcalloc(1, sizeof *r);
    struct session *s = xcalloc(1, sizeof *s);

    if (store_session_parse(text, len, s, &r->err)) {
        store_session_row(s, &r->row);
        text_copy_raw(r->row.name, sizeof r->row.name, arg);
        write_line(&r->row);
    }
    session_reset(s);
    free(s);
    return r;
}

void store_row_digest_free(void *read)
{
    struct row_read *r = read;

    if (r)
        free(r->row.line);
    free(r);
}
