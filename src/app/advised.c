/* advised.c - see advised.h. Folder and both files are asked for at once: the writer keeps their order. */
#include "pgd/app/advised.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/sense.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/view_text.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/ui/list.h"

enum { FILES = 2, KEPT_LOOK = 100, KEPT_MAX = 4096 };

static int marked(const struct advised *a, enum advice_mark mark)
{
    int n = 0;

    for (int i = 0; i < a->n; i++)
        n += a->items[i].mark == mark;
    return n;
}

/* ---- its files ---- */

static struct req next_req(struct model *m)
{
    return (struct req){OWNER_ADVICE, m->advised_files.generation, ++m->advised_files.sent};
}

static void save(struct model *m, bool undo, struct effects *fx)
{
    const struct advised *a = &m->advised;
    struct buf text = {0}, path = {0};
    char when[40];

    clock_iso(m->wall_us, when, sizeof when);
    buf_printf(&text, "-- %s\n-- Database ",
               undo ? "Takes back what advice.sql does, the last statement first."
                    : "What settings cannot mend, to be reviewed line by line.");
    char name[200];
    text_copy(name, sizeof name, m->server.id.database); /* no line's end is left in it */
    buf_printf(&text, "%s, PostgreSQL %s, written %s.\n", name, m->server.id.version, when);
    buf_printf(
        &text,
        "-- pg_diagnose has run none of it. %d accepted, %d open (comments), %d rejected (left "
        "out).\n",
        marked(a, ADVICE_ACCEPTED), marked(a, ADVICE_OPEN), marked(a, ADVICE_REJECTED));
    if (!undo)
        buf_puts(&text,
                 "-- CREATE and DROP INDEX CONCURRENTLY that fail leave an invalid index behind: "
                 "the undo takes it away.\n");
    buf_puts(&text, "\\set ON_ERROR_STOP on\nSET lock_timeout = '5s';\n");
    advice_script(a->items, a->n, undo, &text);
    buf_printf(&path, "%s/%s", m->advised_files.dir, undo ? "undo_advice.sql" : "advice.sql");
    struct effect *e = fx_file(fx, next_req(m), FILE_SAVE, buf_text(&path));
    e->len = text.len;
    e->text = buf_take(&text);
    buf_clear(&path);
}

static void write_files(struct model *m, bool told, struct effects *fx)
{
    struct advised_files *f = &m->advised_files;

    f->generation++;
    f->sent = 0;
    f->saved = 0;
    f->told = told;
    SAY(f->dir, "%s/exports", m->workspace.dir);
    fx_file(fx, next_req(m), FILE_MKDIR, f->dir);
    save(m, false, fx);
    save(m, true, fx);
}

/* What is accepted may have been run since, and its undo is nowhere else: a session's end writes over no such file. */
static void ask_kept(struct model *m, struct effects *fx)
{
    struct advised_files *f = &m->advised_files;
    struct buf path = {0};

    buf_printf(&path, "%s/exports/advice.sql", m->workspace.dir);
    struct effect *e = fx_file(fx, (struct req){OWNER_ADVICE, ++f->generation, KEPT_LOOK},
                               FILE_READ, buf_text(&path));
    e->u.file.max_bytes = KEPT_MAX;
    buf_clear(&path);
}

static void kept_known(struct model *m, const struct event *ev, struct effects *fx)
{
    bool none = ev->err.code != ERR_NONE
                    ? ev->u.file.missing
                    : ev->text && strstr(ev->text, "has run none of it. 0 accepted,") != NULL;

    if (none)
        write_files(m, false, fx);
    else
        model_say(m, CHAT_EVENT,
                  "exports/advice.sql and its undo stay as they are: what was accepted stands "
                  "there. e on the page of advice (I) writes them anew");
}

void advised_event(struct model *m, const struct event *ev, struct effects *fx)
{
    struct advised_files *f = &m->advised_files;

    if (ev->kind != EV_FILE || ev->req.generation != f->generation)
        return;
    if (ev->req.id == KEPT_LOOK) {
        kept_known(m, ev, fx);
        return;
    }
    if (ev->err.code != ERR_NONE) {
        f->generation++; /* one message is enough */
        model_say(m, CHAT_BAD, "the advice was not exported: %s", ev->err.msg);
        if (f->told && m->screen.dialog.kind == DIALOG_ADVICE)
            text_copy(m->screen.dialog.error, sizeof m->screen.dialog.error, ev->err.msg);
        return;
    }
    f->saved += ev->req.id > 1;
    if (f->saved < FILES)
        return;
    model_say(m, CHAT_EVENT, "exported: %s/advice.sql and undo_advice.sql", f->dir);
    if (f->told && m->screen.dialog.kind == DIALOG_ADVICE)
        SAY(m->screen.dialog.error, "written: %s/advice.sql and undo_advice.sql", f->dir);
    m->dirty = true;
}

/* ---- found ---- */

static void emit(struct model *m, const struct advice *a, const char *when, struct effects *fx)
{
    struct line *l = line_new("advice");

    line_text(l, "when", when);
    line_text(l, "database", m->server.id.database);
    line_text(l, "kind", advice_kind_name(a->kind));
    line_text(l, "mark", advice_mark_name(a->mark));
    line_text(l, "object", a->object);
    line_text(l, "statement", a->statement);
    line_text(l, "follow", a->follow);
    line_text(l, "undo", a->undo);
    line_text(l, "why", a->why);
    line_text(l, "evidence", a->evidence);
    line_text(l, "source", a->source);
    line_text(l, "expected", a->prediction);
    line_text(l, "lock", a->lock);
    line_text(l, "price", a->price);
    line_num(l, "bytes", a->bytes);
    line_num(l, "seconds", a->seconds);
    line_bool(l, "in_transaction", !a->alone);
    line_text(l, "risk", a->risk == RISK_HIGH ? "high" : a->risk == RISK_MEDIUM ? "medium" : "low");
    flow_emit(m, l, fx);
}

static void look(struct model *m)
{
    struct evidence e;

    model_evidence(m, &e);
    advice_take(&m->advised, &e);
}

static void tell(struct model *m, const char *when, struct effects *fx)
{
    const struct advised *a = &m->advised;

    for (int i = 0; i < a->n; i++)
        emit(m, &a->items[i], when, fx);
    if (a->n > 0)
        model_say(m, CHAT_AI,
                  "beyond settings: %d statement%s to review, the first for %s (%s); I or /advice "
                  "shows them",
                  a->n, a->n == 1 ? "" : "s", a->items[0].object,
                  advice_kind_name(a->items[0].kind));
}

void advised_look(struct model *m, struct effects *fx)
{
    look(m);
    tell(m, "first_sight", fx);
}

void advised_end(struct model *m, struct effects *fx)
{
    look(m);
    tell(m, "end", fx);
    m->session.advised = m->advised;
    if (m->advised.n > 0 && m->workspace.open && m->session.state == SESSION_ARCHIVED)
        ask_kept(m, fx);
}

/* ---- the page ---- */

void advised_open(struct model *m)
{
    if (!m->server_known) {
        model_say(m, CHAT_WARN, "the server is not known yet: /advice works once it is");
        return;
    }
    look(m);
    dialogs_open(m, DIALOG_ADVICE);
}

static void show_one(struct model *m, const struct advice *a)
{
    struct page *p = &m->page;

    buf_clear(&p->text);
    snprintf(p->title, sizeof p->title, "%s: %.100s", advice_kind_name(a->kind), a->object);
    buf_printf(&p->text, "# SQL; it is not run from here\n$ %s;\n", a->statement);
    if (a->follow[0])
        buf_printf(&p->text, "$ %s;\n", a->follow);
    buf_printf(&p->text, "\n# What takes it back\n$ %s;\n", a->undo);
    if (a->follow[0])
        buf_printf(&p->text, "$ %s;\n", a->follow);
    buf_printf(&p->text, "\n# Why\n%s\n\n# Evidence\n%s\nFrom: %s\n", a->why, a->evidence,
               a->source);
    buf_printf(&p->text, "\n# What it is to bring\n%s\n", a->prediction);
    buf_printf(&p->text, "\n# What it costs\n%s\n", a->lock);
    if (isfinite(a->seconds))
        buf_printf(&p->text, "It takes about %.0f s: estimated from the size of the table.\n",
                   a->seconds);
    if (isfinite(a->bytes))
        buf_printf(&p->text, "Size of the index: %s.\n", size_figure(a->bytes).text);
    if (a->price[0])
        buf_printf(&p->text, "%s\n", a->price);
    buf_printf(&p->text, "%s\n",
               a->alone ? "It cannot run in a transaction; one that fails leaves an invalid index, "
                          "which the undo drops."
                        : "It can run in a transaction.");
    dialogs_open(m, DIALOG_PAGE);
}

static void copy_one(struct model *m, const struct advice *a, struct effects *fx)
{
    struct buf text = {0};

    buf_printf(&text, "%s;", a->statement);
    if (a->follow[0])
        buf_printf(&text, "\n%s;", a->follow);
    view_copy(m, buf_text(&text), false, fx);
    buf_clear(&text);
}

static void export_all(struct model *m, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    if (!m->workspace.open || m->workspace.readonly)
        SAY(d->error, "%s",
            m->workspace.open ? "another program has this workspace"
                              : "there is no workspace to write to");
    else if (marked(&m->advised, ADVICE_ACCEPTED) == 0)
        SAY(d->error, "nothing is accepted yet: a accepts the line under the cursor");
    else
        write_files(m, true, fx);
}

bool advised_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct advised *a = &m->advised;
    struct advice *at = d->cursor >= 0 && d->cursor < a->n ? &a->items[d->cursor] : NULL;

    d->error[0] = '\0';
    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
    } else if (k.name == KEYN_ENTER) {
        if (at)
            show_one(m, at);
    } else if (!m->opt.readonly && (key_is(k, 'a') || key_is(k, 'r'))) {
        enum advice_mark mark = key_is(k, 'a') ? ADVICE_ACCEPTED : ADVICE_REJECTED;
        if (at)
            at->mark = at->mark == mark ? ADVICE_OPEN : mark; /* once more takes it back */
    } else if (key_is(k, 'y')) {
        if (at)
            copy_one(m, at, fx);
    } else if (!m->opt.readonly && key_is(k, 'e')) {
        export_all(m, fx);
    } else {
        (void)list_move(&d->cursor, k, a->n);
        return !key_is(k, '?');
    }
    return true;
}
