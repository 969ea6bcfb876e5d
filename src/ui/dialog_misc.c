/* dialog_misc.c - status, and the dialogs that ask or tell one thing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/grants.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/left.h"

static void say_link(struct dialog_text *text, const struct model *m, enum pg_conn conn,
                     const char *name)
{
    static const char *const words[] = {
        [LINK_OFF] = "not open",         [LINK_CONNECTING] = "connecting",     [LINK_UP] = "up",
        [LINK_WAITING] = "trying again", [LINK_PASSWORD] = "wants a password",
    };
    const struct link *l = &m->links[conn];
    char since[32];
    text_age(since, sizeof(since), (double)(m->now_us - l->since_us) / 1e6);
    if (l->state == LINK_UP)
        dialog_pair(text, name, STYLE_GOOD, "up for %s, backend %d%s%s", since, l->backend_pid,
                    l->tls ? ", TLS" : "", l->pooled ? ", through a pooler" : "");
    else
        dialog_pair(text, name, STYLE_WARN, "%s%s%s", words[l->state], l->err.msg[0] ? ": " : "",
                    l->err.msg);
}

static void say_restart(struct dialog_text *text, const struct model *m)
{
    struct restart_choice by;
    model_restart(m, &by);
    if (by.text[0])
        dialog_pair(text, "restart", STYLE_VALUE, "%s", by.text);
    else if (by.why_not[0])
        dialog_pair(text, "restart", STYLE_WARN, "no way is known: %s", by.why_not);
}

/* Where the server runs, and what we may do there. */
static void say_host(struct dialog_text *text, const struct model *m)
{
    const struct host_facts *h = &m->server.host;
    char memory[24];

    if (h->other) {
        dialog_pair(text, "host", STYLE_BAD, "%s is not the server's: %s", m->opt.ssh_host,
                    h->why_not);
        return;
    }
    if (!h->known)
        return;
    text_bytes(memory, sizeof memory, h->mem_total);
    dialog_pair(text, "host", STYLE_VALUE, "%s, %s%s%s; %d CPUs, %s",
                m->server.id.over_ssh ? "by ssh" : "this machine", h->hostname,
                h->container[0] ? ", in a container: " : "", h->container, h->cpus, memory);
    if (m->server.id.over_ssh || h->root[0])
        dialog_pair(text, "we are", STYLE_VALUE, "%s there%s%s%s", h->user,
                    strcmp(h->root, "sudo") == 0 ? ", with sudo" : "", h->root_note[0] ? "; " : "",
                    h->root_note);
}

static void say_server(struct dialog_text *text, const struct model *m)
{
    const struct identity *id = &m->server.id;
    char age[32];
    if (!m->server_known)
        return;
    text_age(age, sizeof(age), ((double)m->wall_us - (double)id->postmaster_start_us) / 1e6);
    dialog_pair(text, "server", STYLE_VALUE, "PostgreSQL %s, %s, up for %s", id->version,
                id->standby ? "standby" : "primary", age);
    dialog_pair(text, "data directory", STYLE_VALUE, "%s%s",
                id->data_directory[0] ? id->data_directory : "hidden",
                id->reached            ? ""
                : m->server.host.known ? " (closed to us)"
                                       : " (not on this machine)");
    say_host(text, m);
    say_restart(text, m);
    dialog_pair(text, "role", STYLE_VALUE, "%s%s%s", id->role,
                m->server.rights.superuser ? ", superuser" : "",
                m->server.rights.alter_system ? "" : ", may not change settings");
    struct buf script = {0};
    if (grants_script(&m->server, m->way.platform[0] != '\0', &script))
        dialog_pair(text, "", STYLE_LABEL, "/grants prints the rights that it lacks");
    buf_clear(&script);
    if (m->server.tuner[0])
        dialog_pair(text, "in use", STYLE_WARN, "another pg_diagnose tunes it: %s",
                    m->server.tuner);
    for (int i = 0; i < m->server.nmissing; i++)
        dialog_pair(text, i ? "" : "not to be seen", STYLE_WARN, "%s", m->server.missing[i]);
}

/* Who advises, and whether that sends anything away. */
void dialog_advisor(const struct model *m, char *dst, size_t size)
{
    const struct partner *p = &m->partner;
    if (p->kind == PARTNER_BUILTIN)
        snprintf(dst, size, "builtin, no data leaves this machine");
    else if (!p->told)
        snprintf(dst, size, "%.60s, once it is agreed that anything is sent", p->endpoint.model);
    else
        snprintf(dst, size, "%.60s at %.120s, %s", p->endpoint.model, p->endpoint.base,
                 privacy_name(p->privacy));
}

/* How the host and the log of the server are seen. */
static void say_seen(struct dialog_text *text, const struct model *m)
{
    const struct collect *c = &m->collect;
    char line[320];
    if (c->host_on && c->host && c->host->over_ssh) {
        pane_host_text(m, line, sizeof line);
        dialog_pair(text, "host figures", pane_host_gap(m) ? STYLE_WARN : STYLE_VALUE,
                    "%s, %d ticks missed", line, c->host_missed);
        pane_clock_text(m, line, sizeof line);
        dialog_pair(text, "clock there", pane_clock_off(m) ? STYLE_WARN : STYLE_VALUE, "%s", line);
    }
    if (c->log_on && c->log.source[0])
        dialog_pair(text, "server log", c->log.format == LOG_FORMAT_NONE ? STYLE_WARN : STYLE_VALUE,
                    "%s%s", c->log.format == LOG_FORMAT_JOURNAL ? "journal of " : "",
                    c->log.source);
}

/* What runs have measured, and what the server does: two figures that have nothing to do with each other. */
static void say_rates(struct dialog_text *text, const struct model *m)
{
    double tps = model_tps(m), xacts = model_xacts(m);
    bool running = m->bench.state == BENCH_RUNNING && isfinite(m->bench.tps_now);
    bool best = model_best_stands(m) && isfinite(m->session.best_tps);
    char gain[160];
    struct gain g;

    session_gain(&m->session, &g);
    gain_said(&g, gain, sizeof gain);
    if (isfinite(tps))
        dialog_pair(text, "measured", STYLE_VALUE, "%.0f TPS, %s", tps,
                    running ? "the run under way"
                    : best  ? "runs of the session's best state"
                            : "runs of the session's baseline");
    if (best && gain[0])
        dialog_pair(text, "best state", STYLE_VALUE, "%s", gain);
    if (isfinite(xacts))
        dialog_pair(text, "server now", STYLE_VALUE,
                    "%.0f xact/s in all its databases, whoever they are of", xacts);
}

static void say_status(struct dialog_text *text, const struct model *m)
{
    say_link(text, m, CONN_CONTROL, "control link");
    say_link(text, m, CONN_TELEMETRY, "telemetry link");
    say_link(text, m, CONN_QUESTIONS, "question link");
    dialog_say_hosts(text, m);
    say_server(text, m);
    dialog_gap(text);
    dialog_pair(text, "workspace", STYLE_VALUE, "%s%s",
                m->workspace.dir[0] ? m->workspace.dir : "none yet",
                m->workspace.readonly ? " (read-only)" : "");
    if (m->workspace.identity_note[0])
        dialog_pair(text, "", STYLE_WARN, "%s", m->workspace.identity_note);
    for (int i = 0; i < m->workspace.nchanged; i++)
        dialog_pair(text, i ? "" : "changed since", STYLE_WARN, "%s", m->workspace.changed[i]);
    dialog_pair(text, "session", STYLE_VALUE, "%s %s",
                m->session.name[0] ? m->session.name : "none",
                session_state_name(m->session.state));
    dialog_pair(text, "doing", STYLE_VALUE, "%s", flow_state_name(m->flow));
    say_rates(text, m);
    double left = model_seconds_left(m);
    if (left < 1e8) {
        char clock[24];
        pane_clock(clock, sizeof(clock), left > 0 ? left : 0);
        dialog_pair(text, "budget left", STYLE_VALUE, "%s", clock);
    }
    char advisor[240];
    dialog_advisor(m, advisor, sizeof advisor);
    dialog_pair(text, "advisor", STYLE_VALUE, "%s", advisor);
    dialog_gap(text);
    dialog_pair(text, "ticks missed", STYLE_VALUE, "%d", m->collect.missed);
    say_seen(text, m);
    dialog_pair(text, "longest stall", m->stall_longest_ms > 8 ? STYLE_WARN : STYLE_VALUE,
                "%.1f ms%s%s", m->stall_longest_ms, m->stall_name[0] ? " in " : "", m->stall_name);
}

void dialog_status(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 100, "Status", m, t, say_status, cursor);
}

static void arm_words(const struct arm *a, char *dst, size_t size)
{
    size_t len = 0;

    dst[0] = '\0';
    for (int i = 0; i < a->n && len + 1 < size; i++) {
        const struct entry *e = &a->entries[i];
        int n = snprintf(dst + len, size - len, "%s%s %s", len ? ", " : "", e->name,
                         e->present ? e->value : "reset");
        len += n < 0 ? 0 : (size_t)n;
    }
}

/* Whether the entry that stands now is the one that the best state was measured with. */
static bool is_measured(const struct session *s, const struct ledger_row *row)
{
    for (int i = 0; i < s->best.n; i++)
        if (strcmp(s->best.entries[i].name, row->current.name) == 0)
            return entry_same(&s->best.entries[i], &row->current);
    return false;
}

static void say_ledger(struct dialog_text *text, const struct session *s)
{
    const struct ledger *l = &s->ledger;

    for (int i = 0; i < l->n; i++) {
        const struct ledger_row *row = &l->rows[i];
        if (row->unsure)
            dialog_pair(text, row->current.name, STYLE_WARN, "%s or %s: to be read from the server",
                        row->current.present ? row->current.value : "no entry",
                        row->pending.present ? row->pending.value : "no entry");
        else if (!entry_same(&row->current, &row->original))
            dialog_pair(text, row->current.name,
                        is_measured(s, row) || !s->loaded ? STYLE_VALUE : STYLE_WARN,
                        "%s (before the session: %s)%s",
                        row->current.present ? row->current.value : "no entry",
                        row->original.present ? row->original.value : "no entry",
                        !s->loaded            ? ""
                        : is_measured(s, row) ? "; measured, part of the best state"
                                              : "; not proven: of a change under way");
    }
}

/* What of it counts, what has to be made again and why, and what comes next. */
static void say_next(struct dialog_text *text, const struct model *m)
{
    struct left_told t;

    left_tell(m, &t);
    if (t.kept[0])
        dialog_say(text, STYLE_NORMAL, "Kept: %s.", t.kept);
    if (t.again[0])
        dialog_say(text, STYLE_WARN, "Measured again: %s.", t.again);
    dialog_say(text, STYLE_NORMAL, "Next: %s.", t.next);
}

/* How far it has come, and what it would go on with. */
static void say_where(struct dialog_text *text, const struct model *m)
{
    const struct session *s = &m->session;
    char best[160], tps[24], with[200];
    struct gain g;
    bool measured = isfinite(s->baseline_tps);

    if (m->fl.now.undo_only || !s->loaded)
        return;
    pane_number(tps, sizeof tps, s->baseline_tps);
    session_gain(s, &g);
    gain_said(&g, best, sizeof best);
    dialog_gap(text);
    if (measured)
        dialog_say(text, STYLE_NORMAL,
                   "%s, measured: baseline %s TPS with the settings it began with.",
                   s->plan.strategy, tps);
    else
        dialog_say(text, STYLE_NORMAL, "%s: the baseline is not measured yet.", s->plan.strategy);
    if (best[0] && s->best.n > 0) {
        arm_words(&s->best, with, sizeof with);
        dialog_say(text, STYLE_NORMAL, "Best so far: %s, with %s.", best, with);
    } else if (measured) {
        dialog_say(text, STYLE_NORMAL, "No better state has been kept.");
    }
    if (measured)
        dialog_say(text, STYLE_NORMAL, "%d of %d rounds done.", s->rounds_done, s->plan.rounds);
    say_next(text, m);
}

static void say_recover(struct dialog_text *text, const struct model *m)
{
    char step[240] = "";

    if (!m->fl.now.undo_only)
        left_step_words(&m->fl.now.left, step, sizeof step);
    dialog_say(text, STYLE_WARN, "%s was %s%s%s.",
               m->fl.interrupted[0] ? m->fl.interrupted : "A session of this server",
               m->session.state == SESSION_PAUSED ? "paused" : "interrupted", step[0] ? " " : "",
               step);
    say_where(text, m);
    dialog_gap(text);
    if (ledger_clean(&m->session.ledger))
        dialog_say(text, STYLE_NORMAL,
                   "Nothing of it is in force: the server's settings are as they were.");
    else
        dialog_say(text, STYLE_NORMAL, "%s, by its journal:",
                   m->session.by_hand ? "In force now is" : "In postgresql.auto.conf stands now");
    say_ledger(text, &m->session);
    dialog_gap(text);
    if (m->fl.now.undo_only) {
        dialog_say(text, STYLE_WARN, "Its session.json cannot be read, so it cannot go on.");
        dialog_say(text, STYLE_NORMAL, "Undo all of its changes and end it?");
        return;
    }
    if (m->session.pending.phase != PENDING_NOTHING) {
        dialog_say(text, STYLE_WARN, "It waits for you to make the switch to \"%s\".",
                   m->session.pending.arm.label);
        dialog_say(text, STYLE_NORMAL,
                   "Resume it (the switch is asked for again, and what was measured counts), or "
                   "undo all of its changes and end it?");
        return;
    }
    if (buf_text(&m->advising.restored)[0]) {
        dialog_say(text, STYLE_AI, "%s", buf_text(&m->advising.restored));
        dialog_gap(text);
    }
    dialog_say(
        text, STYLE_NORMAL,
        "Resume it (an unfinished change is undone first), or undo all of its changes and end it?");
}

void dialog_recover(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 96, "Interrupted session", m, t, say_recover, cursor);
}

void dialog_password(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    char who[160];
    pane_who(m, who, sizeof(who));
    struct rect in = dialog_open(c, screen, 64, 7, "Password", m, t);
    canvas_printf(c, in.y, in.x, in.w, STYLE_NORMAL, "Password of %s:", who);
    int stars = d->secret_len < in.w - 1 ? d->secret_len : in.w - 1;
    canvas_fill(c, (struct rect){in.y + 1, in.x, 1, in.w}, STYLE_SELECTED);
    for (int i = 0; i < stars; i++)
        canvas_rune(c, in.y + 1, in.x + i, STYLE_SELECTED, '*');
    *cursor = (struct view_cursor){.visible = true, .y = in.y + 1, .x = in.x + stars};
    const char *error = d->error[0] ? d->error : m->links[CONN_CONTROL].err.msg;
    wrap_draw(c, (struct rect){in.y + 2, in.x, in.h - 2, in.w}, STYLE_WARN, error, 0);
}

static void say_err(struct dialog_text *text, const struct err *e)
{
    dialog_say(text, STYLE_BAD, "%s", e->msg);
    if (e->detail[0])
        dialog_say(text, STYLE_NORMAL, "%s", e->detail);
    if (e->hint[0])
        dialog_say(text, STYLE_WARN, "%s", e->hint);
}

static void say_diagnosis(struct dialog_text *text, const struct model *m,
                          const struct diagnosis *d)
{
    if (d->explanation[0]) {
        dialog_gap(text);
        dialog_say(text, STYLE_LABEL, "%s says:", d->advisor.text[0] ? d->advisor.text : "builtin");
        dialog_say(text, STYLE_AI, "%s", d->explanation);
        dialog_say(text, STYLE_VALUE, "%s", d->fix);
    }
    if (ask_open(&m->asks[ASK_ASIDE]) && m->asks[ASK_ASIDE].op == OP_DIAGNOSE)
        dialog_say(text, STYLE_DIM, "%s is asked, too ...", m->partner.endpoint.model);
}

static void say_stuck(struct dialog_text *text, const struct model *m)
{
    say_err(text, m->apply.err.msg[0] ? &m->apply.err : &m->session.round.err);
    if (m->apply.log_line[0])
        dialog_say(text, STYLE_NORMAL, "server log: %s", m->apply.log_line);
    dialog_gap(text);
    dialog_say(text, STYLE_HEADING, "Run this, as a superuser, when the server is up:");
    dialog_say(text, STYLE_CODE, "%s", m->apply.stuck_sql);
    say_diagnosis(text, m, &m->advising.diagnosis);
}

void dialog_stuck(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 100, "You must act: the server could not be put back", m, t, say_stuck,
                cursor);
}

static void say_error(struct dialog_text *text, const struct model *m)
{
    const struct dialog *d = &m->screen.dialog;
    say_err(text, &d->err);
    say_diagnosis(text, m, &d->diagnosis);
}

void dialog_error(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    const char *title = m->screen.dialog.title;
    dialog_page(c, screen, 92, title[0] ? title : "This did not work", m, t, say_error, cursor);
}

static void say_quit(struct dialog_text *text, const struct model *m)
{
    dialog_say(text, STYLE_WARN, "%s is under way.",
               m->session.name[0] ? m->session.name : "A tuning session");
    dialog_gap(text);
    if (m->fl.decision == DECIDE_MANUAL)
        dialog_say(text, STYLE_NORMAL,
                   "Leaving keeps the question open: what you have changed stays, and the next "
                   "start asks again.");
    else
        dialog_say(text, STYLE_NORMAL,
                   "Leaving stops the run, undoes a half-applied change and pauses the session; "
                   "the next start goes on.");
    if (dialog_can_go_back(m))
        dialog_say_best(text, m);
}

void dialog_quit(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 72, "Leave?", m, t, say_quit, cursor);
}
