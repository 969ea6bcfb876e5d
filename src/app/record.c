/* record.c - see record.h. Lines are gathered and appended every few seconds, each time with fsync, by a thread that nothing else waits for.
 * A disk that is slow costs lines, which is told; one that is full ends the recording, and nothing else. */
#include "pgd/app/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/ui_files.h"
#include "pgd/app/watch_lines.h"
#include "pgd/base/clock.h"
#include "pgd/base/secret.h"
#include "pgd/base/text.h"
#include "pgd/protocol/summary.h"

static struct effect *ask(struct model *m, enum ui_file id, enum file_op op, const char *path,
                          struct effects *fx)
{
    struct effect *e = fx_file(fx, (struct req){OWNER_UI, m->recorder.generation, id}, op, path);

    e->u.file.aside = e->u.file.spare = true;
    return e;
}

static void part_path(const struct recorder *r, int part, char *dst, size_t size)
{
    if (part == 1)
        snprintf(dst, size, "%s", r->path);
    else
        snprintf(dst, size, "%s.%d", r->path, part);
}

/* ---- lines ---- */

static void put_head(struct model *m)
{
    struct recorder *r = &m->recorder;
    struct line *l = line_new("recording");
    char when[40];

    clock_iso(m->wall_us, when, sizeof when);
    line_int(l, "format", 1);
    line_text(l, "at", when);
    line_int(l, "at_us", m->wall_us);
    line_int(l, "part", r->part);
    line_text(l, "workspace", m->workspace.name[0] ? m->workspace.name : NULL);
    line_text(l, "host", m->links[CONN_CONTROL].host);
    line_text(l, "database", m->links[CONN_CONTROL].dbname);
    line_text(l, "role", m->links[CONN_CONTROL].user);
    line_text(l, "version", m->server_known ? m->server.id.version : NULL);
    line_finish(l, &r->lines);
    buf_putc(&r->lines, '\n');
}

static void put_note(struct model *m, const struct chat_line *said)
{
    static const char *const kinds[] = {"ai", "user", "event", "good", "bad", "warn"};
    struct line *l = line_new("note");
    char *clean = xstrdup(said->text);
    char when[40];

    secret_redact(clean); /* as in the transcript */
    clock_iso(said->wall_us, when, sizeof when);
    line_text(l, "at", when);
    line_int(l, "at_us", said->wall_us);
    line_text(l, "kind", kinds[said->kind]);
    line_text(l, "text", clean);
    line_finish(l, &m->recorder.lines);
    buf_putc(&m->recorder.lines, '\n');
    free(clean);
}

static void take_notes(struct model *m)
{
    struct recorder *r = &m->recorder;
    uint64_t first = m->chat_total - (uint64_t)m->nchat;

    if (r->said < first)
        r->said = first;
    for (; r->said < m->chat_total; r->said++)
        put_note(m, &m->chat[r->said - first]);
}

static void take_sample(struct model *m)
{
    struct recorder *r = &m->recorder;

    if (m->collect.samples < 2 || m->collect.last_pg_at_us == r->sample_us)
        return;
    r->sample_us = m->collect.last_pg_at_us;
    if (r->lines.len > RECORD_HELD_MAX) {
        r->lost++;
        return;
    }
    watch_lines_json(m, &r->lines);
    buf_putc(&r->lines, '\n');
}

/* ---- beginning and end ---- */

/* Which file: an absolute path as it is, a name in the folder for recordings. */
static void choose_path(struct model *m, const char *what, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    struct buf path = {0};
    char stamp[40];

    clock_session_stamp(m->wall_us, stamp, sizeof stamp);
    if (*what != '/') {
        const char *home = m->workspace.dir[0] ? m->workspace.dir : m->opt.home;
        buf_printf(&path, "%s/recordings", home);
        ask(m, UI_RECORD_DIR, FILE_MKDIR, buf_text(&path), fx);
        buf_putc(&path, '/');
    }
    buf_puts(&path, what);
    if (path.data[path.len - 1] == '/')
        buf_printf(&path, "watch-%s.jsonl", stamp);
    text_copy_raw(r->path, sizeof r->path - 8, buf_text(&path));
    buf_clear(&path);
}

void record_start(struct model *m, const char *what, struct effects *fx)
{
    struct recorder *r = &m->recorder;

    if (r->on) {
        model_say(m, CHAT_WARN, "it is recorded already, to %s: /record stop ends that", r->path);
        return;
    }
    if (*what != '/' && (strchr(what, '/') || *what == '.')) {
        model_say(m, CHAT_WARN, "name an absolute path, or a name without a slash: /record night");
        return;
    }
    buf_clear(&r->lines);
    *r = (struct recorder){
        .on = true, .part = 1, .generation = r->generation + 1, .since_us = m->now_us};
    r->said = m->chat_total;
    choose_path(m, what, fx);
    ask(m, UI_RECORD_LOOK, FILE_READ, r->path, fx)->u.file.max_bytes = 1;
}

static void begin(struct model *m)
{
    struct recorder *r = &m->recorder;

    r->begun = true;
    r->written_us = m->now_us;
    put_head(m);
    model_say(m, CHAT_EVENT,
              "recorded to %s: %d MB a file, the last %d of them; /record stop ends it", r->path,
              RECORD_PART_MAX / 1000000, RECORD_PARTS);
}

static void failed(struct model *m, const struct err *e)
{
    struct recorder *r = &m->recorder;

    r->on = false;
    buf_clear(&r->lines);
    model_say(m, CHAT_BAD, "the recording to %s ends: %s", r->path, e->msg);
    if (e->hint[0])
        model_say(m, CHAT_WARN, "%s", e->hint);
}

void record_flush(struct model *m, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    char path[sizeof r->path];

    if (!r->on || !r->begun || r->lines.len == 0)
        return;
    part_path(r, r->part, path, sizeof path);
    struct effect *e = ask(m, UI_RECORD_WRITTEN, FILE_APPEND, path, fx);
    e->len = r->lines.len;
    r->bytes += (int64_t)r->lines.len;
    r->sum += (int64_t)r->lines.len;
    e->text = buf_take(&r->lines);
    r->writing = true;
    r->written_us = m->now_us;
}

void record_stop(struct model *m, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    char size[32];

    if (!r->on) {
        model_say(m, CHAT_WARN, "nothing is recorded: /record begins");
        return;
    }
    take_notes(m);
    record_flush(m, fx);
    r->on = false;
    text_bytes(size, sizeof size, (double)r->sum);
    model_say(m, CHAT_EVENT, "the recording is over: %s in %s%s", size, r->path,
              r->part > 1 ? " and the parts beside it" : "");
}

/* ---- while it goes on ---- */

/* Meanwhile what comes goes to the part that is full: that one is known to be ours. */
static void look_for_next(struct model *m, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    char path[sizeof r->path];

    if (r->looks)
        return;
    r->looks = true;
    part_path(r, r->part + 1, path, sizeof path);
    ask(m, UI_RECORD_LOOK, FILE_READ, path, fx)->u.file.max_bytes = 1;
}

static void next_part(struct model *m, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    struct buf held = r->lines; /* came meanwhile: behind the head of their file */
    char path[sizeof r->path];

    r->part++;
    r->bytes = 0;
    r->lines = (struct buf){0};
    put_head(m);
    buf_append(&r->lines, buf_text(&held), held.len);
    buf_clear(&held);
    part_path(r, r->part, path, sizeof path);
    model_say(m, CHAT_EVENT, "the recording goes on in %s", path);
    if (r->part > RECORD_PARTS) {
        part_path(r, r->part - RECORD_PARTS, path, sizeof path);
        ask(m, UI_RECORD_REMOVED, FILE_REMOVE, path, fx);
    }
}

void record_tick(struct model *m, struct effects *fx)
{
    struct recorder *r = &m->recorder;

    if (m->opt.record_to[0] && m->server_known) {
        char what[sizeof m->opt.record_to];
        text_copy_raw(what, sizeof what, m->opt.record_to);
        m->opt.record_to[0] = '\0';
        record_start(m, what, fx);
    }
    if (!r->on || !r->begun)
        return;
    take_notes(m);
    take_sample(m);
    if (r->writing || m->now_us - r->written_us < (int64_t)RECORD_EVERY_S * 1000000)
        return;
    if (r->lost) {
        model_say(m, CHAT_WARN, "%d seconds are not in the recording: the disk was too slow",
                  r->lost);
        r->lost = 0;
    }
    record_flush(m, fx);
}

/* Whether the file that comes next is there. */
static void looked(struct model *m, const struct event *ev, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    struct err e = ev->err;
    char path[sizeof r->path];

    r->looks = false;
    if (ev->u.file.missing) {
        if (r->begun)
            next_part(m, fx);
        else
            begin(m);
        return;
    }
    part_path(r, r->part + 1, path, sizeof path);
    if (e.code == ERR_NONE) {
        err_set(&e, ERR_FILE, "%s is there already", r->begun ? strrchr(path, '/') + 1 : "it");
        err_hint(&e, "Another name begins another recording; nothing is written over.");
    }
    record_flush(m, fx); /* to the part before */
    failed(m, &e);
}

void record_answer(struct model *m, const struct event *ev, struct effects *fx)
{
    struct recorder *r = &m->recorder;
    struct err e = ev->err;

    if (ev->req.generation != r->generation)
        return;
    if (ev->req.id == UI_RECORD_LOOK) {
        if (r->on)
            looked(m, ev, fx);
    } else if (ev->req.id == UI_RECORD_DIR && e.code != ERR_NONE && r->on) {
        failed(m, &e);
    } else if (ev->req.id == UI_RECORD_WRITTEN) {
        r->writing = false;
        if (e.code != ERR_NONE && (r->on || !m->quitting))
            failed(m, &e);
        else if (r->on && r->bytes >= RECORD_PART_MAX)
            look_for_next(m, fx);
    }
}
