/* advice_files.c - see advice_files.h. The old files are looked at first; the folder and the files are then asked for at once, since
 * the writer keeps their order. */
#include "pgd/app/advice_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/sense.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"

/* Numbers of the requests: those of what is written count from 1. */
enum { KEPT_LOOK = 100, LOOK_LIST, LOOK_SQL, LOOK_UNDO };
enum { KEPT_MAX = 4096, OLD_MAX = 128 << 10, NUMBER_MAX = 99999 };

static int marked(const struct advised *a, enum advice_mark mark)
{
    int n = 0;

    for (int i = 0; i < a->n; i++)
        n += a->items[i].mark == mark;
    return n;
}

/* ---- their text ---- */

static void compose(const struct model *m, bool undo, struct buf *text)
{
    const struct advised *a = &m->advised;
    char when[40], name[200];

    clock_iso(m->wall_us, when, sizeof when);
    buf_printf(text, "-- %s\n-- Database ",
               undo ? "Takes back what advice.sql does, the last statement first."
                    : "What settings cannot mend, to be reviewed line by line.");
    text_copy(name, sizeof name, m->server.id.database); /* no line's end is left in it */
    buf_printf(text, "%s, PostgreSQL %s, written %s.\n", name, m->server.id.version, when);
    buf_printf(
        text,
        "-- pg_diagnose has run none of it. %d accepted, %d open (comments), %d rejected (left "
        "out).\n",
        marked(a, ADVICE_ACCEPTED), marked(a, ADVICE_OPEN), marked(a, ADVICE_REJECTED));
    if (!undo)
        buf_puts(text,
                 "-- CREATE and DROP INDEX CONCURRENTLY that fail leave an invalid index behind: "
                 "the undo takes it away.\n");
    buf_puts(text, "\\set ON_ERROR_STOP on\nSET lock_timeout = '5s';\n");
    advice_script(a->items, a->n, undo, text);
}

/* Does the line run something that matters? */
static bool is_statement(const char *line, size_t n)
{
    return n > 0 && strncmp(line, "--", 2) != 0 && line[0] != '\\' && strncmp(line, "SET ", 4) != 0;
}

struct text_line {
    const char *at;
    size_t n;
    bool found; /* in the other text; of equal ones the first knows */
};

static int by_text(const void *a, const void *b)
{
    const struct text_line *x = a, *y = b;
    int d = memcmp(x->at, y->at, x->n < y->n ? x->n : y->n);

    return d ? d : (x->n > y->n) - (x->n < y->n);
}

/* The statements of a text, sorted: an array to be freed. */
static struct text_line *statements(const char *text, size_t *count)
{
    struct text_line *list = NULL;
    size_t n = 0, room = 0;

    for (const char *at = text; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        size_t len = strcspn(at, "\n");
        if (!is_statement(at, len))
            continue;
        if (n == room)
            list = xrealloc(list, (room = room ? 2 * room : 64) * sizeof *list);
        list[n++] = (struct text_line){.at = at, .n = len};
    }
    if (n > 1)
        qsort(list, n, sizeof *list, by_text);
    *count = n;
    return list;
}

/* The first of those that are not less. */
static struct text_line *find(struct text_line *list, size_t n, const struct text_line *l)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (by_text(&list[mid], l) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && by_text(&list[lo], l) == 0 ? &list[lo] : NULL;
}

/* How many statements of the old text are gone from ours, and how many ours has more. Ours is short: it alone is sorted, so that
 * whatever stands in the old one takes its length and no more. */
static void compare(const char *old, const char *ours, int *gone, int *more)
{
    size_t n;
    struct text_line *list = statements(ours, &n);
    bool found = false;

    *gone = *more = 0;
    for (const char *at = old; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        struct text_line l = {.at = at, .n = strcspn(at, "\n")}, *same;
        if (!is_statement(at, l.n))
            continue;
        same = find(list, n, &l);
        if (same)
            same->found = true;
        else
            ++*gone;
    }
    for (size_t i = 0; i < n; i++) {
        found = list[i].found || (found && i > 0 && by_text(&list[i - 1], &list[i]) == 0);
        *more += !found;
    }
    free(list);
}

/* ---- writing ---- */

static struct req next_req(struct model *m)
{
    return (struct req){OWNER_ADVICE, m->advised_files.generation, ++m->advised_files.sent};
}

static void save(struct model *m, const char *name, int number, const char *text,
                 struct effects *fx)
{
    struct buf path = {0};

    if (number > 0)
        buf_printf(&path, "%s/%s-%d.sql", m->advised_files.dir, name, number);
    else
        buf_printf(&path, "%s/%s.sql", m->advised_files.dir, name);
    struct effect *e = fx_file(fx, next_req(m), FILE_SAVE, buf_text(&path));
    e->text = xstrdup(text);
    e->len = strlen(text);
    m->advised_files.files++;
    buf_clear(&path);
}

static void begin(struct model *m, bool told)
{
    struct advised_files *f = &m->advised_files;

    f->generation++;
    f->sent = 0;
    f->saved = f->files = 0;
    f->told = told;
    f->changes[0] = '\0';
    SAY(f->dir, "%s/exports", m->workspace.dir);
}

/* What the old ones hold and the new ones do not is kept beside them. */
static void write_files(struct model *m, const char *old, const char *old_undo, struct effects *fx)
{
    struct advised_files *f = &m->advised_files;
    struct buf text = {0}, undo = {0};

    compose(m, false, &text);
    compose(m, true, &undo);
    fx_file(fx, next_req(m), FILE_MKDIR, f->dir);
    int gone, more, undo_gone, undo_more;
    compare(old, buf_text(&text), &gone, &more);
    compare(old_undo, buf_text(&undo), &undo_gone, &undo_more);
    if (gone > 0 || undo_gone > 0) {
        save(m, "advice", f->number, old, fx);
        save(m, "undo_advice", f->number, old_undo, fx);
        SAY(f->changes, "%d more, %d no longer in it: as it was it is kept as advice-%d.sql", more,
            gone, f->number);
    } else if (*old && more > 0) {
        SAY(f->changes, "%d more than before", more);
    }
    save(m, "advice", 0, buf_text(&text), fx);
    save(m, "undo_advice", 0, buf_text(&undo), fx);
    buf_clear(&text);
    buf_clear(&undo);
}

/* ---- what is there ---- */

static void look_at(struct model *m, uint32_t id, enum file_op op, const char *name, size_t most,
                    struct effects *fx)
{
    struct buf path = {0};

    buf_printf(&path, "%s/exports%s%s", m->workspace.dir, *name ? "/" : "", name);
    fx_file(fx, (struct req){OWNER_ADVICE, m->advised_files.generation, id}, op, buf_text(&path))
        ->u.file.max_bytes = most;
    buf_clear(&path);
}

void advice_files_write(struct model *m, struct effects *fx)
{
    begin(m, true);
    look_at(m, LOOK_LIST, FILE_LIST, "", 0, fx);
}

void advice_files_end(struct model *m, struct effects *fx)
{
    begin(m, false);
    look_at(m, KEPT_LOOK, FILE_READ, "advice.sql", KEPT_MAX, fx);
}

/* The number after those that are taken. */
static int next_number(const char *names)
{
    int next = 1, n;

    for (const char *at = names; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        at += strncmp(at, "undo_", 5) == 0 ? 5 : 0;
        if (strncmp(at, "advice-", 7) == 0 && (n = atoi(at + 7)) >= next && n < NUMBER_MAX)
            next = n + 1;
    }
    return next;
}

static void failed(struct model *m, const char *what)
{
    struct advised_files *f = &m->advised_files;

    f->generation++; /* one message is enough */
    model_say(m, CHAT_BAD, "the advice was not exported: %s", what);
    if (f->told && m->screen.dialog.kind == DIALOG_ADVICE)
        text_copy(m->screen.dialog.error, sizeof m->screen.dialog.error, what);
}

/* What cannot be read, or is more than we write, is not ours to write over. */
static bool readable(struct model *m, const struct event *ev)
{
    bool ok = ev->err.code == ERR_NONE ? ev->len < OLD_MAX : ev->u.file.missing;

    if (!ok)
        failed(m, ev->err.code == ERR_NONE
                      ? "the old file is larger than any of ours and stays; move it away"
                      : ev->err.msg);
    return ok;
}

static const char *text_of(const struct event *ev)
{
    return ev->err.code == ERR_NONE && ev->text ? ev->text : "";
}

static void looked(struct model *m, const struct event *ev, struct effects *fx)
{
    struct advised_files *f = &m->advised_files;
    bool none = ev->err.code != ERR_NONE
                    ? ev->u.file.missing
                    : ev->text && strstr(ev->text, "has run none of it. 0 accepted,") != NULL;

    if (ev->req.id == LOOK_LIST) {
        f->number = next_number(text_of(ev));
        look_at(m, LOOK_SQL, FILE_READ, "advice.sql", OLD_MAX, fx);
    } else if (ev->req.id == LOOK_SQL && readable(m, ev)) {
        buf_clear(&f->old);
        buf_puts(&f->old, text_of(ev));
        look_at(m, LOOK_UNDO, FILE_READ, "undo_advice.sql", OLD_MAX, fx);
    } else if (ev->req.id == LOOK_UNDO && readable(m, ev)) {
        write_files(m, buf_text(&f->old), text_of(ev), fx);
        buf_clear(&f->old);
    } else if (ev->req.id == KEPT_LOOK && none) {
        write_files(m, "", "", fx);
    } else if (ev->req.id == KEPT_LOOK) {
        model_say(m, CHAT_EVENT,
                  "exports/advice.sql and its undo stay as they are: what was accepted stands "
                  "there. e on the page of advice (I) writes them anew");
    }
}

static void written(struct model *m, const struct event *ev)
{
    struct advised_files *f = &m->advised_files;
    const char *changes = f->changes;

    f->saved += ev->req.id > 1; /* the first is the folder */
    if (f->saved < f->files)
        return;
    model_say(m, CHAT_EVENT, "exported: %s/advice.sql and undo_advice.sql%s%s", f->dir,
              *changes ? "; " : "", changes);
    if (f->told && m->screen.dialog.kind == DIALOG_ADVICE)
        SAY(m->screen.dialog.error, "written: %s%sadvice.sql and undo_advice.sql in %s", changes,
            *changes ? "; " : "", f->dir);
    m->dirty = true;
}

void advice_files_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->kind != EV_FILE || ev->req.generation != m->advised_files.generation)
        return;
    if (ev->req.id >= KEPT_LOOK)
        looked(m, ev, fx);
    else if (ev->err.code != ERR_NONE)
        failed(m, ev->err.msg);
    else
        written(m, ev);
}
