/* dialog_plan.c - the choices before the first run: strategy, plan with its consent, target, scripts. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/consent.h"

static unsigned severity_style(int severity)
{
    return severity >= 3 ? STYLE_BAD : severity == 2 ? STYLE_WARN : STYLE_NORMAL;
}

static void say_findings(struct dialog_text *text, const struct first_sight *s)
{
    for (int i = 0; i < s->nfindings; i++)
        dialog_say(text, severity_style(s->findings[i].severity), "%s %s: %s%s%s",
                   s->findings[i].severity >= 2 ? "!" : "\xc2\xb7", s->findings[i].area,
                   s->findings[i].text, s->findings[i].figure[0] ? " \xe2\x80\x94 " : "",
                   s->findings[i].figure);
}

/* The offers, two or three rows each; the one under the cursor is marked and shown as a bar. */
static void draw_offers(struct canvas *c, struct rect r, const struct first_sight *s, int cursor)
{
    int first = list_scroll(0, cursor, r.h / 2, s->nstrategies);
    for (int i = first; i < s->nstrategies; i++) {
        const struct strategy_offer *o = &s->strategies[i];
        int y = r.y + (i - first) * 2;
        if (y >= r.y + r.h)
            return;
        canvas_printf(c, y, r.x, 21, STYLE_VALUE, "%s %d  %s", i == cursor ? "\xe2\x96\xb8" : " ",
                      i + 1, o->name);
        canvas_put_cut(c, y, r.x + 22, r.w - 22, STYLE_VALUE, o->title);
        if (i == cursor)
            canvas_restyle(c, (struct rect){y, r.x, 1, r.w}, STYLE_SELECTED);
        if (y + 1 < r.y + r.h)
            canvas_put_cut(c, y + 1, r.x + 5, r.w - 5, STYLE_LABEL, o->why);
    }
}

static void say_sight(struct dialog_text *text, const struct model *m)
{
    const struct first_sight *s = &m->sight;
    dialog_say(text, STYLE_VALUE, "%s", s->headline);
    if (s->summary[0])
        dialog_say(text, STYLE_AI, "%s", s->summary);
    say_findings(text, s);
}

void dialog_strategy(struct canvas *c, struct rect screen, const struct model *m,
                     const struct view_tables *t, struct view_cursor *cursor)
{
    enum { WIDTH = 120 };
    const struct first_sight *s = &m->sight;
    char title[120];
    snprintf(title, sizeof(title), "First Sight, by %s: pick a strategy",
             s->advisor.text[0] ? s->advisor.text : "builtin");
    int lines = dialog_measure(c, (WIDTH < screen.w ? WIDTH : screen.w) - 4, m, say_sight);
    int offers = s->nstrategies * 2;
    struct rect in = dialog_open(c, screen, WIDTH, lines + offers + 3, title, m, t);
    if (offers > in.h / 2)
        offers = in.h / 2;
    struct rect r = {in.y, in.x, in.h - offers - 1, in.w};
    dialog_texts(c, r, m, say_sight, lines, cursor);
    int y = in.y + r.h;
    canvas_hline(c, y, in.x - 2, in.w + 4, STYLE_FOCUS);
    draw_offers(c, (struct rect){y + 1, in.x, offers, in.w}, s, m->screen.dialog.cursor);
}

static const char *const hints[PLAN_FIELDS] = {
    [PLAN_CLIENTS] = "sessions of pgbench",
    [PLAN_DURATION] = "seconds of one measured run",
    [PLAN_ROUNDS] = "at most",
    [PLAN_BUDGET] = "minutes of the whole session",
    [PLAN_TARGET] = "TPS; 0 is any proven gain",
    [PLAN_RATE] = "transactions a second; 0: as many as go",
    [PLAN_WINDOW] = "22:00-04:30; nothing: any time",
};

/* How, or why not. */
static void restart_text(const struct model *m, struct buf *out)
{
    struct restart_choice by;
    model_restart(m, &by);
    if (by.text[0])
        buf_printf(out, ": %s", by.text);
    else if (by.why_not[0])
        buf_printf(out, "; no way is known: %s", by.why_not);
}

static void field_text(const struct model *m, const struct sdl *p, int field, struct buf *out)
{
    static const char *const restarts[] = {
        [RESTART_ASK] = "asked for, one by one",
        [RESTART_AUTO] = "where a change needs one",
        [RESTART_NEVER] = "never",
        [RESTART_COMMAND] = "by your command",
        [RESTART_MANUAL] = "by you",
    };
    static const char *const goals[] = {
        [GOAL_TPS] = "throughput",
        [GOAL_P95] = "p95 of the latency at the rate",
        [GOAL_P99] = "p99 of the latency at the rate",
        [GOAL_RUNTIME] = "average time of the server's own statements",
    };
    static const char *const traffic[] = {
        [TRAFFIC_GO_ON] = "go on beside them, repeat what they spoil",
        [TRAFFIC_WAIT] = "wait until they are quiet",
        [TRAFFIC_REFUSE] = "do not begin while they work",
    };
    char window[DAYTIME_TEXT_MAX];
    switch ((enum plan_field)field) {
    case PLAN_WORKLOAD:
        if (m->fl.derivation && p == &m->session.plan) {
            buf_printf(out, "reading the server's statements: %d of %d; Esc stops",
                       m->fl.derivation->at + 1, m->fl.derivation->traffic.n);
            return;
        }
        buf_printf(out, "%s, in database %s%s", p->workload, p->database,
                   p->builtin_db ? ", which this program makes and owns" : "");
        return;
    case PLAN_CLIENTS:
        buf_printf(out, "%d", p->clients);
        return;
    case PLAN_DURATION:
        buf_printf(out, "%d s, after %d s of warm-up; %d to %d runs an arm", p->duration_s,
                   p->warmup_s, p->min_runs, p->max_runs);
        return;
    case PLAN_ROUNDS:
        buf_printf(out, "%d", p->rounds);
        return;
    case PLAN_BUDGET:
        buf_printf(out, "%g min", p->budget_s / 60.0);
        return;
    case PLAN_TARGET:
        if (p->target_tps > 0)
            buf_printf(out, "%.0f TPS", p->target_tps);
        else
            buf_puts(out, "any proven gain");
        return;
    case PLAN_GOAL:
        buf_puts(out, goals[p->goal]);
        return;
    case PLAN_RATE:
        if (p->rate > 0)
            buf_printf(out, "%g TPS are offered", p->rate);
        else
            buf_puts(out, "as many as go");
        return;
    case PLAN_RESTART:
        buf_puts(out, restarts[p->restart]);
        restart_text(m, out);
        return;
    case PLAN_PROTOCOL:
        buf_puts(out, p->protocol[0] ? p->protocol : "simple");
        return;
    case PLAN_WINDOW:
        daytime_text(&p->window, window, sizeof window);
        buf_printf(out, "%s", window[0] ? window : "restarts at any time");
        return;
    case PLAN_TRAFFIC:
        buf_puts(out, traffic[p->traffic]);
        return;
    case PLAN_COMPARE:
        buf_puts(out,
                 p->arm_defaults ? "the best beside the defaults and pgtune, at the end" : "no");
        return;
    case PLAN_FIELDS:
        return;
    }
}

/* A field, or behind the last one a script of the workload. */
static void draw_field(struct canvas *c, int y, struct rect r, const struct model *m, int field,
                       struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    struct buf value = {0};
    const char *label = "";
    if (field < PLAN_FIELDS) {
        label = plan_row_label(field);
        field_text(m, &m->session.plan, field, &value);
    } else {
        const struct script *s = &m->session.plan.scripts[field - PLAN_FIELDS];
        label = field == PLAN_FIELDS ? plan_row_label(field) : "";
        buf_printf(&value, "%s  weight %d", s->name, s->weight);
    }
    list_field(c, y, r.x, r.w, 12, label, STYLE_VALUE, buf_text(&value));
    buf_clear(&value);
    if (field != d->cursor)
        return;
    if (d->editing) {
        canvas_fill(c, (struct rect){y, r.x + 12, 1, r.w - 12}, STYLE_NORMAL);
        dialog_input(c, y, r.x + 12, 20, d, cursor);
        if (field < PLAN_FIELDS && hints[field])
            canvas_put_cut(c, y, r.x + 34, r.w - 34, STYLE_DIM, hints[field]);
    } else {
        canvas_restyle(c, (struct rect){y, r.x, 1, r.w}, STYLE_SELECTED);
    }
}

struct size_text {
    char text[32];
};

static struct size_text bytes(double n)
{
    struct size_text t;
    text_bytes(t.text, sizeof t.text, n);
    return t;
}

static void line(struct dialog_text *text, const char *label, const char *fmt, ...)
    PGD_PRINTF(3, 4);

/* A label and what is told of it, cut at the end of the row. */
static void line(struct dialog_text *text, const char *label, const char *fmt, ...)
{
    struct buf value = {0};
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(&value, fmt, ap);
    va_end(ap);
    int y = text->line++ - text->skip;
    if (y >= 0 && y < text->r.h)
        list_field(text->c, text->r.y + y, text->r.x, text->r.w, 12, label, STYLE_NORMAL,
                   buf_text(&value));
    buf_clear(&value);
}

static void say_restarts(struct dialog_text *text, const struct model *m, const struct consent *c)
{
    char window[DAYTIME_TEXT_MAX], when[40] = "";
    daytime_text(&m->session.plan.window, window, sizeof window);
    if (window[0])
        snprintf(when, sizeof when, ", %s only", window);
    if (c->asks_most && m->way.change == WAY_MANUAL)
        line(text, "changes", "by you, %d at most: the program asks for each and waits",
             c->asks_most);
    else if (c->asks_most)
        line(text, "restarts", "by you, %d at most: the program asks for each and waits",
             c->asks_most);
    else if (!c->restarts_allowed)
        line(text, "restarts", "none: changes that need one are refused");
    else
        line(text, "restarts", "%d at most%s; the server is down about %.0f s each (%s)",
             c->restarts_most, when, ceil(c->blackout_s),
             c->blackout_measured ? "measured" : "estimated");
    if (c->restarts_allowed)
        line(text, "sessions", "%.0f are connected now: each restart drops them",
             fmax(0, c->sessions));
}

static void say_writes(struct dialog_text *text, const struct consent *c)
{
    if (c->written_measured)
        line(text, "writes", "up to %s (%s/s), WAL of it %s (%s/s)", bytes(c->written_bytes).text,
             bytes(c->written_bps).text, bytes(c->wal_bytes).text, bytes(c->wal_bps).text);
    else
        line(text, "writes", "not measured yet: told after the baseline");
    if (c->replicas > 0 || c->archiving)
        line(text, "WAL goes to", "%.0f standby%s%s", fmax(0, c->replicas),
             c->replicas == 1 ? "" : "s", c->archiving ? " and the archive" : "; no archive");
    else
        line(text, "WAL goes to", "no standby, no archive");
}

static void say_room(struct dialog_text *text, const struct consent *c)
{
    char free_text[120] = "free space not visible from here";
    if (isfinite(c->data_free))
        snprintf(free_text, sizeof free_text, "%s free for data, %s for WAL",
                 bytes(c->data_free).text, bytes(c->wal_free).text);
    if (isfinite(c->database_bytes))
        line(text, "disk", "database %s%s; %s", c->database_new ? "to be made, about " : "",
             bytes(c->database_bytes).text, free_text);
    else
        line(text, "disk", "%s", free_text);
    if (c->database_renew)
        line(text, "ours",
             "that database is ours: it may be vacuumed or loaded anew between rounds");
}

static void say_others(struct dialog_text *text, const struct consent *c)
{
    if (isfinite(c->others_active))
        line(text, "others", "%.1f sessions at work, %.0f xact/s in other databases",
             c->others_active, fmax(0, c->others_tps));
    else
        line(text, "others", "not measured yet");
}

/* A row that is being stepped through, below the rows: what it was, which Esc brings back. */
static void draw_choice(struct canvas *c, struct rect row, const struct model *m)
{
    struct buf was = {0};
    field_text(m, &m->fl.edits.before, m->screen.dialog.cursor, &was);
    canvas_printf(c, row.y, row.x, row.w, STYLE_WARN, "Esc brings back: %s", buf_text(&was));
    buf_clear(&was);
}

static void say_edits(struct dialog_text *text, const struct model *m)
{
    char rows[160];
    plan_hand_words(plan_hand_edited(&m->fl.edits.offered, &m->session.plan), rows, sizeof rows);
    if (rows[0])
        line(text, "edited", "%s; u takes it back", rows);
}

/* The making of the database is a guess from its size, and told as one. */
static void say_minutes(struct dialog_text *text, const struct consent *c)
{
    char made[80] = "";
    line(text, "minutes", "%.0f baseline, %.0f a round, %.0f confirmation; %.3g at most",
         ceil(c->minutes_baseline), ceil(c->minutes_round), ceil(c->minutes_confirm),
         c->minutes_most);
    if (c->make_s > 0) {
        line(text, "database", "about %.0f s of them to make it (%s at 15 MB/s, estimated)",
             ceil(c->make_s), bytes(c->make_s * 15e6).text);
        snprintf(made, sizeof made, "making the database (about %.0f s), ", ceil(c->make_s));
    }
    if (c->minutes_least > c->minutes_most)
        dialog_say(
            text, STYLE_BAD,
            "This budget holds no round: %sthe baseline, one round and its confirmation "
            "take %.1f min, so nothing would be tried. Type a longer budget or shorter runs.",
            made, ceil(c->minutes_least * 10) / 10);
}

/* What going on means, in figures: nothing is done that does not stand here. */
static void say_consent(struct dialog_text *text, const struct model *m)
{
    const struct sdl *p = &m->session.plan;
    struct consent c;
    consent_fill(m, &c);
    say_edits(text, m);
    if (m->fl.now.statements_note[0])
        line(text, "statements", "%s", m->fl.now.statements_note);
    dialog_say(text, STYLE_NORMAL, "Success: %s", p->success);
    if (p->observe)
        line(text, "windows", "%d to %d of %d s of the traffic of database %s; no benchmark is run",
             c.runs_least, c.runs_most, p->duration_s, p->database);
    else
        dialog_say(text, STYLE_NORMAL,
                   "Runs: %d to %d of up to %d s with %d clients; at most %d different "
                   "configurations are tried, up to %d in a round",
                   c.runs_least, c.runs_most, p->duration_s, p->clients, c.arms - 1, c.arms_round);
    if (!p->observe && m->place.state == PLACE_KNOWN)
        line(text, "pgbench", "%s%s; %s", m->place.far ? "on " : "",
             !m->place.far               ? "here"
             : m->place.ssh == SSH_BENCH ? m->opt.bench_host
                                         : m->opt.ssh_host,
             m->place.why);
    else if (m->place.state != PLACE_NONE)
        line(text, "pgbench", "looking where it runs best");
    say_minutes(text, &c);
    say_restarts(text, m, &c);
    if (p->observe) {
        dialog_say(text, STYLE_WARN,
                   "Your users work with every configuration that is tried. One is left within "
                   "seconds when their statements take twice as long, none ends any more, or less "
                   "than 10 %% of the memory are left.");
    } else {
        say_writes(text, &c);
        say_room(text, &c);
        say_others(text, &c);
    }
    if (m->way.change == WAY_MANUAL)
        dialog_say(text, STYLE_NORMAL,
                   "Every change is shown, made by you, verified in a fresh session, and asked "
                   "back unless it earns its place.");
    else
        dialog_say(text, STYLE_NORMAL,
                   "Every change is shown before it is made, is journalled with its undo, and is "
                   "undone unless it earns its place.");
    if (p->hypothesis[0])
        dialog_say(text, STYLE_AI, "%s", p->hypothesis);
}

void dialog_plan(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    const struct sdl *p = &m->session.plan;
    char title[120];
    snprintf(title, sizeof(title), "Plan of %s", p->strategy);
    enum { WIDTH = 100, FIELDS_LEAST = 5 };
    int rows = PLAN_FIELDS + p->nscripts;
    int lines = dialog_measure(c, (WIDTH < screen.w ? WIDTH : screen.w) - 4, m, say_consent);
    struct rect in = dialog_open(c, screen, WIDTH, rows + lines + 4, title, m, t);
    int room = in.h - lines - 1;
    int shown = room < FIELDS_LEAST ? FIELDS_LEAST : room;
    if (shown > rows)
        shown = rows;
    int scroll = list_scroll(0, d->cursor, shown, rows);
    for (int i = 0; i < shown; i++)
        draw_field(c, in.y + i, in, m, scroll + i, cursor);
    int y = in.y + shown;
    if (d->error[0])
        canvas_put_cut(c, y, in.x, in.w, STYLE_BAD, d->error);
    else if (m->fl.edits.choosing && !m->fl.derivation && d->cursor < PLAN_FIELDS)
        draw_choice(c, (struct rect){y, in.x, 1, in.w}, m);
    else if (shown < rows)
        list_more(c, (struct rect){in.y, in.x, shown + 1, in.w}, scroll, rows + 1);
    dialog_texts(c, (struct rect){y + 1, in.x, in.y + in.h - y - 1, in.w}, m, say_consent, lines,
                 cursor);
}

static void say_target(struct dialog_text *text, const struct model *m)
{
    const struct session *s = &m->session;
    struct consent now;
    char runs[32] = ""; /* those of a session that was resumed are not at hand */
    if (s->baseline.n > 0)
        snprintf(runs, sizeof runs, ", %d runs", s->baseline.n);
    dialog_pair(text, "baseline", STYLE_VALUE, "%.0f TPS%s", s->baseline_tps, runs);
    if (isfinite(s->floor))
        dialog_pair(text, "noise", STYLE_VALUE,
                    "\xc2\xb1%.1f %%: smaller differences prove nothing here", s->floor * 100);
    consent_fill(m, &now);
    if (now.written_measured) {
        char all[32], wal[32];
        text_bytes(all, sizeof all, now.written_bytes);
        text_bytes(wal, sizeof wal, now.wal_bytes);
        dialog_pair(text, "writes from here", STYLE_VALUE,
                    "at most %s until the budget ends, WAL %s of it", all, wal);
    }
    dialog_pair(text, "suggested", STYLE_VALUE, "%.0f TPS, by %s", s->target.tps,
                s->target.advisor.text);
    dialog_say(text, STYLE_AI, "%s", s->target.why);
}

void dialog_target(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    enum { WIDTH = 84, FIELD = 3 }; /* a gap, the field, what is wrong with it */
    const struct session *s = &m->session;
    const struct dialog *d = &m->screen.dialog;
    int lines = dialog_measure(c, (WIDTH < screen.w ? WIDTH : screen.w) - 4, m, say_target);
    struct rect in = dialog_open(c, screen, WIDTH, lines + FIELD + 2, "Target", m, t);
    dialog_texts(c, (struct rect){in.y, in.x, in.h - FIELD, in.w}, m, say_target, lines, cursor);
    int y = in.y + in.h - FIELD + 1;
    canvas_put(c, y, in.x, 19, STYLE_LABEL, "target TPS");
    if (d->editing)
        dialog_input(c, y, in.x + 20, 20, d, cursor);
    else
        canvas_printf(c, y, in.x + 20, 20, STYLE_SELECTED, "%.0f",
                      s->plan.target_tps > 0 ? s->plan.target_tps : s->target.tps);
    if (d->error[0])
        canvas_put_cut(c, y + 1, in.x, in.w, STYLE_BAD, d->error);
}

void dialog_scripts(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    struct rect in = dialog_open(c, screen, 100, screen.h, d->title[0] ? d->title : "Script", m, t);
    struct rect area = {in.y, in.x, in.h - 1, in.w};
    char text[sizeof(d->input)];
    int len = 0, at = 0;
    memcpy(text, d->input, sizeof(text));
    text[sizeof(text) - 1] = '\0';
    len = (int)strlen(text);
    at = d->input_at >= 0 && d->input_at <= len ? d->input_at : len;
    struct editor ed = {
        .text = text, .size = (int)sizeof(text), .len = &len, .at = &at, .is_area = true};
    editor_draw_area(&ed, c, area, STYLE_CODE, &cursor->y, &cursor->x);
    cursor->visible = d->editing;
    if (d->error[0])
        canvas_put_cut(c, in.y + in.h - 1, in.x, in.w, STYLE_BAD, d->error);
    else
        canvas_put_cut(c, in.y + in.h - 1, in.x, in.w, STYLE_DIM,
                       d->editing ? "Ctrl-D takes the text, Esc drops the edit" : "");
}
