/* sessions.c - see sessions.h. A record is read from session.json each time that it is asked for: nothing of a session that is not the one
 * at hand stays in memory. */
#include "pgd/app/sessions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/flow.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/tree_keys.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/ui/list.h"
#include "pgd/workspace/store.h"

enum { SESSION_FILE_MAX = 16 << 20 };

/* ---- the record ---- */

static void put_tps(struct buf *out, const char *label, double tps)
{
    if (isfinite(tps))
        buf_printf(out, "%s %.0f TPS\n", label, tps);
}

static void put_effect(struct buf *out, const struct verdict *v)
{
    char ratio[24], lo[24], hi[24];

    if (!isfinite(v->ratio))
        return;
    text_percent(ratio, sizeof ratio, v->ratio);
    text_percent(lo, sizeof lo, v->ci_lo);
    text_percent(hi, sizeof hi, v->ci_hi);
    buf_printf(out, ", %s (95 %% interval %s \xe2\x80\xa6 %s)", ratio, lo, hi);
}

static void put_change(struct buf *out, const struct session *s, const struct round_history *h,
                       int i)
{
    const struct setting_change *c = &h->changes[i];
    const char *from = session_first(s, c->name);
    char why[160];
    bool out_of_it = past_not_tried(h, i, s->by_hand, why, sizeof why);

    buf_printf(out, "   %s %s \xe2\x86\x92 %s%s%s\n", c->name, *from ? from : "?",
               c->reset ? "reset" : c->value, out_of_it ? ", accepted and not compared: " : "",
               out_of_it ? why : "");
    if (c->evidence[0])
        buf_printf(out, "      %s\n", c->evidence);
}

static void put_round(struct buf *out, const struct session *s, const struct round_history *h)
{
    buf_printf(out, "R%d: %s", h->number,
               h->failed ? "could not be applied" : verdict_name(h->verdict.kind));
    if (!h->failed)
        put_effect(out, &h->verdict);
    buf_printf(out, "%s\n", h->failed ? "" : h->kept ? ", kept" : ", undone");
    for (int i = 0; i < h->n; i++)
        put_change(out, s, h, i);
    if (past_sets_of(h, SET_TURNED_DOWN) > 0)
        buf_printf(out, "   alternatives that were rejected: %d\n",
                   past_sets_of(h, SET_TURNED_DOWN));
    if (!h->failed && h->verdict.note[0])
        buf_printf(out, "   %s\n", h->verdict.note);
}

static void put_end(struct buf *out, const struct session *s)
{
    if (s->final.kind != VERDICT_NONE) {
        buf_printf(out, "\n# Start against best, interleaved\n%s", verdict_name(s->final.kind));
        put_effect(out, &s->final);
        buf_putc(out, '\n');
    }
    if (s->nearned > 0)
        buf_puts(out, "\n# What each change earned\n");
    for (int i = 0; i < s->nearned; i++) {
        const struct earned *e = &s->earned[i];
        char ratio[24] = "not tested";
        if (isfinite(e->ratio))
            text_percent(ratio, sizeof ratio, e->ratio);
        buf_printf(out, "%s: %s%s\n", e->name, ratio,
                   e->taken_out ? ", dropped"
                   : e->idle    ? ", nothing is lost without it"
                                : "");
    }
    buf_puts(out, "\n# What it left on the server\n");
    for (int i = 0; i < s->nfinal; i++)
        buf_printf(out, "%s: %s \xe2\x86\x92 %s\n", s->final_values[i].name,
                   session_first(s, s->final_values[i].name), s->final_values[i].shown);
    if (s->nfinal == 0)
        buf_puts(out, s->state == SESSION_ARCHIVED || s->state == SESSION_FAILED
                          ? "nothing: every setting is as it was\n"
                          : "it has not ended yet\n");
}

void sessions_record(const struct session *s, struct buf *out)
{
    char when[40], said[200], tps[64];
    struct gain g;

    clock_iso(s->created_wall_us, when, sizeof when);
    buf_printf(out, "%s, %s, begun %.16s\n",
               session_without_round(s) ? "no round was made" : session_state_name(s->state),
               s->plan.strategy, when);
    buf_printf(out, "workload %s, %d clients, runs of %d s\n",
               s->plan.workload[0] ? s->plan.workload : "of scripts", s->plan.clients,
               s->plan.duration_s);
    put_tps(out, "baseline", s->baseline_tps);
    if (isfinite(s->floor))
        buf_printf(out, "noise floor \xc2\xb1%.1f %%\n", s->floor * 100);
    put_tps(out, "target", s->target.tps > 0 ? s->target.tps : NAN);
    session_gain(s, &g);
    gain_said(&g, said, sizeof said);
    gain_tps(&g, tps, sizeof tps);
    if (g.by != GAIN_UNKNOWN)
        buf_printf(out, "best, in all: %s; %s\n", said, tps);
    if (s->end_reason[0])
        buf_printf(out, "ended because: %s\n", s->end_reason);
    buf_printf(out, "\n# Rounds\n%s", s->nhistory ? "" : "none yet\n");
    for (int i = 0; i < s->nhistory; i++)
        put_round(out, s, &s->history[i]);
    put_end(out, s);
}

static void show_record(struct model *m, const struct session *s)
{
    buf_clear(&m->page.text);
    snprintf(m->page.title, sizeof m->page.title, "%.120s (read-only)", s->name);
    sessions_record(s, &m->page.text);
    dialogs_open(m, DIALOG_PAGE);
}

static void ask_record(struct model *m, int row, struct effects *fx)
{
    struct sessions_view *v = &m->sessions_view;
    struct buf path = {0};

    text_copy_raw(v->record, sizeof v->record, m->workspace.sessions[row].name);
    if (m->session.state != SESSION_NONE && strcmp(v->record, m->session.name) == 0) {
        show_record(m, &m->session);
        return;
    }
    v->reading = ++v->no;
    buf_printf(&path, "%s/sessions/%s/session.json", m->workspace.dir, v->record);
    fx_file(fx, (struct req){OWNER_UI, v->reading, UI_FILE_RECORD}, FILE_READ, buf_text(&path))
        ->u.file.max_bytes = SESSION_FILE_MAX;
    buf_clear(&path);
}

void sessions_answer(struct model *m, const struct event *ev)
{
    struct sessions_view *v = &m->sessions_view;
    struct session *s;
    struct err e = ev->err;

    if (ev->req.generation != v->reading)
        return;
    v->reading = 0;
    m->dirty = true;
    s = xcalloc(1, sizeof *s);
    if (e.code == ERR_NONE && store_session_parse(ev->text ? ev->text : "", ev->len, s, &e) &&
        m->screen.dialog.kind == DIALOG_SESSIONS) {
        text_copy_raw(s->name, sizeof s->name, v->record);
        show_record(m, s);
    }
    if (e.code != ERR_NONE)
        model_say(m, CHAT_WARN, "the record of %s cannot be read: %s", v->record, e.msg);
    session_reset(s);
    free(s);
}

/* ---- going on with another one ---- */

static bool open_state(const struct session_row *r)
{
    return r->state == SESSION_PAUSED || r->state == SESSION_ACTIVE;
}

int sessions_find(struct model *m, const char *text)
{
    const struct workspace *w = &m->workspace;
    int part = -1, parts = 0;

    for (int i = 0; i < w->nsessions; i++)
        if (strcmp(w->sessions[i].name, text) == 0)
            return i;
    for (int i = 0; i < w->nsessions; i++)
        if (text_eq_nocase(w->sessions[i].strategy, text))
            return i;
    for (int i = 0; i < w->nsessions; i++)
        if (strcmp(w->sessions[i].title, text) == 0 && *text)
            return i;
    for (int i = 0; i < w->nsessions; i++)
        if (strstr(w->sessions[i].name, text)) {
            part = part < 0 ? i : part;
            parts++;
        }
    if (parts == 1)
        return part;
    if (parts > 1)
        model_say(m, CHAT_WARN, "%d sessions have \"%s\" in their names: /sessions lists them",
                  parts, text);
    else
        model_say(m, CHAT_WARN, "no session is named %s: /sessions lists them", text);
    return -1;
}

static void switch_to(struct model *m, int row, struct effects *fx)
{
    struct sessions_view *v = &m->sessions_view;
    const struct session_row *r = &m->workspace.sessions[row];
    bool here = m->session.state != SESSION_NONE && strcmp(r->name, m->session.name) == 0;

    if (here && model_run_active(m)) {
        model_say(m, CHAT_EVENT, "%s is the session that runs", r->name);
    } else if (!open_state(r)) {
        model_say(m, CHAT_WARN, "%s has ended (%s): /sessions and Enter show its record", r->name,
                  session_state_name(r->state));
    } else if (model_run_active(m)) {
        text_copy_raw(v->next, sizeof v->next, r->name);
        dialogs_open(m, DIALOG_SWITCH);
    } else {
        flow_resume(m, r->name, fx);
    }
}

void sessions_switch(struct model *m, const char *text, struct effects *fx)
{
    int row;

    if (!*text) {
        sessions_open(m);
        return;
    }
    row = sessions_find(m, text);
    if (row >= 0)
        switch_to(m, row, fx);
}

/* A row may move while /sessions is open: the cursor stays on its session. */
static void keep_cursor(struct model *m)
{
    struct sessions_view *v = &m->sessions_view;
    const struct workspace *w = &m->workspace;
    struct dialog *d = &m->screen.dialog;

    if (d->kind != DIALOG_SESSIONS) {
        v->at[0] = '\0';
        return;
    }
    if (v->at[0] && v->version != w->rows_version) {
        int row = session_rows_find(w, v->at);
        int last = w->nsessions > 0 ? w->nsessions - 1 : 0;
        d->cursor = row >= 0 ? row : d->cursor > last ? last : d->cursor;
        m->dirty = true;
    }
    v->version = w->rows_version;
    text_copy_raw(v->at, sizeof v->at, d->cursor < w->nsessions ? w->sessions[d->cursor].name : "");
}

void sessions_pump(struct model *m, struct effects *fx)
{
    struct sessions_view *v = &m->sessions_view;
    char name[128];

    tree_pump(m);
    keep_cursor(m);
    if (!v->next[0] || m->screen.dialog.kind == DIALOG_SWITCH || m->flow == FLOW_PAUSING ||
        model_run_active(m))
        return;
    text_copy_raw(name, sizeof name, v->next);
    v->next[0] = '\0';
    if (m->flow == FLOW_PAUSED && !m->quitting)
        flow_resume(m, name, fx);
    else
        model_say(m, CHAT_WARN, "the session was not paused: /switch %s tries again", name);
}

/* ---- the dialogs ---- */

void sessions_open(struct model *m)
{
    struct workspace *w = &m->workspace;

    if (!w->open && w->nsessions == 0) {
        model_say(m, CHAT_WARN, "the workspace is not open yet: its sessions are not known");
        return;
    }
    dialogs_open(m, DIALOG_SESSIONS);
}

static bool key_switch(struct model *m, struct key k, struct effects *fx)
{
    if (key_is(k, 'y') || k.name == KEYN_ENTER) {
        dialogs_close(m);
        if (model_run_active(m))
            flow_stop(m, false, 0, fx);
    } else if (key_is(k, 'n') || key_is(k, 'q') || k.name == KEYN_ESC) {
        m->sessions_view.next[0] = '\0';
        dialogs_close(m);
    }
    return true;
}

bool sessions_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    int rows = m->workspace.nsessions, row = d->cursor;

    if (d->kind == DIALOG_SWITCH)
        return key_switch(m, k, fx);
    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        dialogs_close(m);
        return true;
    }
    if (list_move(&d->cursor, k, rows))
        return true;
    if (row >= rows)
        return !key_is(k, '?');
    if (k.name == KEYN_ENTER) {
        ask_record(m, row, fx);
    } else if (key_is(k, 'r')) {
        dialogs_close(m);
        switch_to(m, row, fx);
    } else {
        return !key_is(k, '?');
    }
    return true;
}
