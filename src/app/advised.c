/* advised.c - see advised.h. Its files are those of advice_files.c. */
#include "pgd/app/advised.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/sense.h"
#include "pgd/app/advice_files.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/hypo.h"
#include "pgd/app/view_text.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/ui/list.h"
#include "pgd/workspace/advice_notes.h"

void advised_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_PG_RESULT)
        hypo_event(m, ev, fx);
    advice_files_event(m, ev, fx);
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
    line_text(l, "tested", a->tested);
    line_num(l, "cost_before", a->cost_before);
    line_num(l, "cost_after", a->cost_after);
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
    advice_notes_give(&m->workspace, &m->advised);
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
        advice_files_end(m, fx);
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
    if (a->tested[0])
        buf_printf(&p->text, "%s.\n", a->tested);
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

static bool any_accepted(const struct advised *a)
{
    for (int i = 0; i < a->n; i++)
        if (a->items[i].mark == ADVICE_ACCEPTED)
            return true;
    return false;
}

/* The same once more takes it back. Kept at once: the next start finds the advice anew. */
static void mark_one(struct model *m, struct advice *a, enum advice_mark mark, struct effects *fx)
{
    a->mark = a->mark == mark ? ADVICE_OPEN : mark;
    advice_notes_put(&m->workspace, a->statement, a->mark, m->wall_us);
    if (m->workspace.open && !m->workspace.readonly)
        flow_save_workspace(m, fx);
}

static void export_all(struct model *m, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    if (!m->workspace.open || m->workspace.readonly)
        SAY(d->error, "%s",
            m->workspace.open ? "another program has this workspace"
                              : "there is no workspace to write to");
    else if (!any_accepted(&m->advised))
        SAY(d->error, "nothing is accepted yet: a accepts the line under the cursor");
    else
        advice_files_write(m, fx);
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
        if (at)
            mark_one(m, at, key_is(k, 'a') ? ADVICE_ACCEPTED : ADVICE_REJECTED, fx);
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
