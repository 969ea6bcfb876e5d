/* health.c - see app/health.h. On the screen the findings are a page; without one they are printed and decide the exit
 * code: 0 nothing was found that needs anybody (notes do not), 1 something was. */
#include "pgd/app/health.h"

#include <stdio.h>

#include "pgd/app/advised.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/view_text.h"
#include "pgd/base/assets.h"
#include "pgd/ui/list.h"

static void print_finding(struct model *m, const struct health_finding *f, struct effects *fx)
{
    const struct health_check *c = f->check;
    struct buf text = {0};

    if (m->opt.json) {
        struct line *l = line_new("finding");
        line_text(l, "check", c->id);
        line_text(l, "area", c->area);
        line_text(l, "grade", health_grade_name(f->grade));
        line_text(l, "title", c->title);
        line_text(l, "object", f->said.object);
        line_text(l, "figure", f->said.figure);
        line_text(l, "why", c->why);
        line_text(l, "fix", f->said.fix[0] ? f->said.fix : c->fix ? c->fix : "");
        line_text(l, "source", c->source);
        line_finish(l, &text);
        fx_line(fx, FX_STDOUT, buf_text(&text));
    } else {
        health_text(f, &text);
        fx_line(fx, FX_STDOUT, buf_text(&text));
    }
    buf_clear(&text);
}

static void print_end(struct model *m, struct effects *fx)
{
    const struct health *h = &m->health;

    if (m->opt.json) {
        struct buf text = {0};
        struct line *l = line_new("health");
        line_text(l, "server", m->workspace.name);
        line_text(l, "version", m->server.id.version);
        line_int(l, "checks", h->checks);
        line_int(l, "ok", h->ok);
        line_int(l, "critical", health_count(h, HEALTH_CRITICAL));
        line_int(l, "warnings", health_count(h, HEALTH_WARN));
        line_int(l, "notes", health_count(h, HEALTH_NOTE));
        line_int(l, "unknown", health_count(h, HEALTH_UNKNOWN));
        line_int(l, "left_out", h->left_out);
        line_finish(l, &text);
        fx_line(fx, FX_STDOUT, buf_text(&text));
        buf_clear(&text);
    } else {
        char summary[200];

        health_summary(h, summary, sizeof summary);
        fx_line(fx, FX_STDOUT, summary);
    }
}

static void ended(struct model *m, struct effects *fx)
{
    const struct health *h = &m->health;
    char summary[200];

    m->dirty = true;
    if (h->state == HEALTH_FAILED) {
        model_say(m, CHAT_BAD, "the health check was cut short: %s", h->err.msg);
        if (m->opt.health)
            flow_quit(m, 3, fx);
        return;
    }
    if (m->opt.health) {
        for (int i = 0; i < h->n; i++)
            print_finding(m, &h->found[i], fx);
        print_end(m, fx);
        flow_quit(m, health_count(h, HEALTH_CRITICAL) + health_count(h, HEALTH_WARN) ? 1 : 0, fx);
        return;
    }
    health_summary(h, summary, sizeof summary);
    model_say(m, CHAT_EVENT, "health: %s", summary);
    if (m->screen.dialog.kind == DIALOG_NONE)
        dialogs_open(m, DIALOG_HEALTH);
}

static void look(struct model *m, struct effects *fx)
{
    if (m->health.state == HEALTH_DONE || m->health.state == HEALTH_FAILED)
        ended(m, fx);
}

/* ---- the page ---- */

static const char *fix_of(const struct health_finding *f)
{
    return f->said.fix[0] ? f->said.fix : f->check->fix ? f->check->fix : "";
}

static void show_finding(struct model *m, const struct health_finding *f)
{
    const struct health_check *c = f->check;
    struct page *p = &m->page;

    buf_clear(&p->text);
    snprintf(p->title, sizeof p->title, "%s, %s: %.120s", health_grade_name(f->grade), c->area,
             f->said.object[0] ? f->said.object : c->id);
    buf_printf(&p->text, "# %s\n", c->title);
    if (f->said.figure[0])
        buf_printf(&p->text, "%s\n", f->said.figure);
    if (f->grade == HEALTH_UNKNOWN) {
        buf_puts(&p->text, "\nIt could not be looked at, so that nothing is claimed.\n");
    } else {
        buf_printf(&p->text, "\n# Why it matters\n%s\n", c->why);
        buf_printf(&p->text, "\n# What mends it; nothing is done from here\n$ %s\n", fix_of(f));
    }
    buf_printf(&p->text, "\n# Where PostgreSQL's documentation says so\n%s\n", c->source);
    if (c->asset) {
        const struct asset *sql = asset_find(c->asset);
        buf_printf(&p->text, "\n# How it was found\n%s", sql ? (const char *)sql->data : "");
    }
    dialogs_open(m, DIALOG_PAGE);
}

static void copy_fix(struct model *m, const struct health_finding *f, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;

    if (f->grade == HEALTH_UNKNOWN || !*fix_of(f)) {
        snprintf(d->error, sizeof d->error, "there is no fix to copy");
        return;
    }
    view_copy(m, fix_of(f), false, fx);
}

bool health_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    const struct health *h = &m->health;
    bool any = h->state == HEALTH_DONE && d->cursor < h->n;

    d->error[0] = '\0';
    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
    } else if (k.name == KEYN_ENTER) {
        if (any)
            show_finding(m, &h->found[d->cursor]);
    } else if (key_is(k, 'y')) {
        if (any)
            copy_fix(m, &h->found[d->cursor], fx);
    } else if (key_is(k, 'r')) {
        if (!m->server_known || m->links[CONN_CONTROL].state != LINK_UP || model_run_active(m))
            snprintf(d->error, sizeof d->error,
                     "not now: the server is away, or a session is under way");
        else
            health_begin(m, fx);
    } else {
        (void)list_move(&d->cursor, k, h->n);
        return !key_is(k, '?');
    }
    return true;
}

static void ask(struct model *m, struct effects *fx)
{
    health_start(&m->health, &m->server, m->links[CONN_CONTROL].pooled, fx);
    look(m, fx);
}

void health_begin(struct model *m, struct effects *fx)
{
    if (!m->server_known || m->links[CONN_CONTROL].state != LINK_UP) {
        model_say(m, CHAT_WARN, "the server is not known yet: /health works once it is");
        return;
    }
    /* its connection is the session's; and the load would be the finding */
    if (model_run_active(m)) {
        model_say(m, CHAT_WARN, "a session is under way: /health looks when it has ended");
        return;
    }
    if (m->health.state == HEALTH_ASKING || m->health.state == HEALTH_READING)
        return;
    if (m->opt.health) { /* it was discovered a moment ago */
        ask(m, fx);
        return;
    }
    if (m->discover.state != DISCOVER_DONE && m->discover.state != DISCOVER_FAILED) {
        model_say(m, CHAT_WARN, "the server is being looked at: /health works once that has ended");
        return;
    }
    health_wait(&m->health);
    discover_again(&m->discover, &m->server, fx);
    m->dirty = true;
}

void health_discovered(struct model *m, struct effects *fx)
{
    if (m->health.state != HEALTH_READING)
        return;
    if (m->discover.state == DISCOVER_FAILED) {
        health_fail(&m->health, &m->discover.err);
        look(m, fx);
    } else if (m->discover.state == DISCOVER_DONE || m->discover.state == DISCOVER_UNDECIDED) {
        m->fl.discovered_us = m->now_us;
        ask(m, fx);
    }
}

void health_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->req.owner == OWNER_ADVICE) {
        advised_event(m, ev, fx);
        return;
    }
    if (m->health.state != HEALTH_ASKING)
        return;
    health_step(&m->health, &m->server, ev, fx);
    look(m, fx);
}
