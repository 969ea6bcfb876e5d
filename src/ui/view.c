/* view.c - the whole screen: status line, panes, prompt, key line, and one dialog over them. */
#include "pgd/ui/view.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/layout.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/ui/pane_view.h"

/* ---- keys of the DBA's own ------------------------------------------------------------------ */

static const struct bound_key *own_key(const struct choices *c, int command)
{
    for (int i = 0; command && i < c->nbound; i++)
        if (c->bound[i].command == command)
            return &c->bound[i];
    return NULL;
}

bool view_key_stands(const struct choices *c, const struct key_row *row)
{
    bool letter = row->key.name == KEYN_NONE ||
                  (row->key.name == KEYN_CTRL && row->key.rune != 'c');

    return !letter || !own_key(c, row->command);
}

bool view_key_there(const struct model *m, const struct key_row *row)
{
    if (row->where & KEY_IN_ACTS)
        return model_may_end(m);
    return !m->opt.readonly || !(row->where & KEY_CHANGES);
}

void view_key_shown(const struct model *m, const struct key_row *row, char *dst, size_t size)
{
    const struct bound_key *own = own_key(&m->screen.choices, row->command);
    char was[32], now[32];

    snprintf(dst, size, "%s", row->keys);
    if (!own)
        return;
    key_text(row->key, was, sizeof was);
    key_text(own->key, now, sizeof now);
    const char *at = strstr(row->keys, was);
    if (at && !view_key_stands(&m->screen.choices, row)) /* "g G": the other one is still there */
        snprintf(dst, size, "%.*s%s%s", (int)(at - row->keys), row->keys, now, at + strlen(was));
    else
        snprintf(dst, size, "%s %s", now, row->keys);
}

/* ---- status line ---------------------------------------------------------------------------- */

enum { SEGMENTS_MAX = 16 };

/* A part of the status line; where there is no room the ones of the highest rank are left out. */
struct segment {
    char text[160];
    char brief[64]; /* instead of text where that does not fit; "" = none */
    int rank;
    unsigned style;
};

struct segments {
    int n;
    struct segment items[SEGMENTS_MAX];
};

static void add(struct segments *s, int rank, unsigned style, const char *fmt, ...)
    PGD_PRINTF(4, 5);
static void add(struct segments *s, int rank, unsigned style, const char *fmt, ...)
{
    if (s->n == SEGMENTS_MAX)
        return;
    struct segment *g = &s->items[s->n++];
    g->rank = rank;
    g->style = style;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(g->text, sizeof(g->text), fmt, ap);
    va_end(ap);
}

/* A shorter form of the segment that was added last. */
static void brief(struct segments *s, const char *fmt, ...) PGD_PRINTF(2, 3);
static void brief(struct segments *s, const char *fmt, ...)
{
    struct segment *g = &s->items[s->n - 1];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(g->brief, sizeof(g->brief), fmt, ap);
    va_end(ap);
}

static void add_link(struct segments *s, const struct model *m)
{
    const struct link *l = &m->links[CONN_CONTROL];
    double wait = (double)(l->retry_at_us - m->now_us) / 1e6;
    switch (l->state) {
    case LINK_OFF:
        if (m->demo.state == DEMO_STARTING)
            add(s, 1, STYLE_STATUS, "making the demo server");
        else if (m->demo.state == DEMO_FAILED)
            add(s, 1, STYLE_STATUS_ALERT, "the demo server did not start");
        return;
    case LINK_CONNECTING:
        add(s, 1, l->was_up ? STYLE_STATUS_ALERT : STYLE_STATUS, "%s",
            l->was_up ? "connection lost, trying" : "connecting");
        return;
    case LINK_WAITING:
        add(s, 1, STYLE_STATUS_ALERT, "%s, next try in %.1f s",
            l->was_up ? "connection lost" : "no connection", wait > 0 ? wait : 0);
        return;
    case LINK_PASSWORD:
        add(s, 1, STYLE_STATUS_ALERT, "wants a password");
        return;
    case LINK_UP:
        break;
    }
    if (!m->server_known)
        return;
    char version[24];
    snprintf(version, sizeof(version), "%.*s", (int)strcspn(m->server.id.version, " "),
             m->server.id.version);
    add(s, 5, STYLE_STATUS, "PG %s %s", version,
        m->server.id.standby ? "\xe2\x96\xbd standby" : "\xe2\x96\xb2 primary");
}

/* "ssh ● 12 ms": a word stands in its place where the link does not stand. */
static void add_host(struct segments *s, const struct model *m, enum ssh_conn conn,
                     const char *name)
{
    const struct host_link *h = &m->hosts[conn];
    double wait = (double)(h->retry_at_us - m->now_us) / 1e6;
    switch (h->state) {
    case HOST_OFF:
        return;
    case HOST_CONNECTING:
        add(s, h->was_up ? 2 : 6, h->was_up ? STYLE_STATUS_ALERT : STYLE_STATUS, "%s %s", name,
            h->was_up ? "lost, trying" : "connecting");
        return;
    case HOST_ASKING:
        add(s, 2, STYLE_STATUS_ALERT, "%s asks", name);
        return;
    case HOST_WAITING:
        add(s, 2, STYLE_STATUS_ALERT, "%s %s, next try in %.0f s", name,
            h->was_up ? "lost" : "not there", wait > 0 ? ceil(wait) : 0);
        brief(s, "%s: try in %.0f s", name, wait > 0 ? ceil(wait) : 0);
        return;
    case HOST_REFUSED:
        add(s, 2, STYLE_STATUS_ALERT, "%s refused: /ssh", name);
        return;
    case HOST_UP:
        break;
    }
    if (isfinite(h->delay_ms))
        add(s, 7, STYLE_STATUS, "%s \xe2\x97\x8f %.*f ms", name, h->delay_ms < 10, h->delay_ms);
    else
        add(s, 7, STYLE_STATUS, "%s \xe2\x97\x8f", name);
    brief(s, "%s \xe2\x97\x8f", name);
}

static void add_session(struct segments *s, const struct model *m)
{
    char text[120] = "", name[80];
    pane_session_name(m, name, sizeof(name));
    if (!name[0]) {
        if (m->flow != FLOW_WATCH && m->flow != FLOW_SIGHT)
            add(s, 4, STYLE_STATUS, "%s", flow_state_name(m->flow));
        return;
    }
    const char *state = m->flow == FLOW_ROUND ? round_state_name(m->session.round.state)
                                              : flow_state_name(m->flow);
    if (m->flow == FLOW_ROUND && m->session.plan.rounds)
        snprintf(text, sizeof(text), "%s/%d %s", name, m->session.plan.rounds, state);
    else
        snprintf(text, sizeof(text), "%s %s", name, state);
    if (m->bench.state == BENCH_RUNNING && m->bench.started_at_us) {
        char now[24], all[24];
        double secs = (double)(m->now_us - m->bench.started_at_us) / 1e6;
        pane_clock(now, sizeof(now), secs > m->bench.duration_s ? m->bench.duration_s : secs);
        pane_clock(all, sizeof(all), m->bench.duration_s);
        add(s, 3, STYLE_STATUS, "%s %s/%s", text, now, all);
        if (m->flow == FLOW_ROUND)
            brief(s, "R%d/%d %s %s/%s", m->session.round.number, m->session.plan.rounds, state, now,
                  all);
        else
            brief(s, "%s %s/%s", state, now, all);
    } else {
        unsigned style = m->flow == FLOW_STUCK ? STYLE_STATUS_ALERT : STYLE_STATUS;
        add(s, 3, style, "%s", text);
        brief(s, "%s", state);
    }
}

enum { RATIO_COLS = 100 };
enum { SILENT_S = 4 }; /* of the server: no figure is shown as today's any more, and that is said */

/* "5892 TPS x1.31 of start" is the run under way beside the start's own runs, or "of baseline" while those are all that there
 * is; "best 5277 TPS +17.2 % confirmed" what was measured of the state that the session has come to, and by which runs. What the server does while nothing is measured has a unit of its own: xact/s. */
static void add_rates(struct segments *s, const struct model *m)
{
    double tps = model_tps(m), xacts = model_xacts(m), start = m->session.baseline_tps;
    bool running = m->bench.state == BENCH_RUNNING && isfinite(m->bench.tps_now);
    bool best = model_best_stands(m) && isfinite(m->session.best_tps), turn;
    char effect[24], tag[24];
    struct gain g;

    session_gain(&m->session, &g);
    turn = g.by >= GAIN_ROUND && isfinite(g.tps_before);
    start = turn ? g.tps_before : start;
    text_percent(effect, sizeof effect, g.ratio);
    gain_tag(&g, tag, sizeof tag);
    /* on a narrow screen the step of the session comes first, and a ratio without a word is left out */
    if (running && isfinite(tps / start) && m->screen.cols >= RATIO_COLS)
        add(s, 2, STYLE_STATUS, "%.0f TPS x%.2f of %s", tps, tps / start,
            turn ? "start" : "baseline");
    else if (running)
        add(s, 2, STYLE_STATUS, "%.0f TPS", tps);
    else if (best && g.by != GAIN_UNKNOWN)
        add(s, 2, STYLE_STATUS, "best %.0f TPS %s %s", tps, effect, tag);
    else if (isfinite(tps))
        add(s, 2, STYLE_STATUS, "%s %.0f TPS", best ? "best" : "baseline", tps);
    if (isfinite(tps))
        brief(s, "%.0f TPS", tps);
    if (!running && isfinite(xacts))
        add(s, 8, STYLE_STATUS, "%.0f xact/s", xacts); /* the prompt has it, too */
}

static void add_figures(struct segments *s, const struct model *m)
{
    double left = model_seconds_left(m);
    const struct session *session = &m->session;
    double secs = (double)(m->now_us - m->collect.last_pg_at_us) / 1e6;
    bool silent = m->collect.last_pg_at_us > 0 && secs >= SILENT_S;
    if (silent && m->links[CONN_CONTROL].state == LINK_UP)
        add(s, 1, STYLE_STATUS_ALERT, "no answer for %.0f s", secs);
    else if (m->collect.samples > 0)
        add(s, 2, STYLE_STATUS, "%d sessions", m->collect.activity.sessions);
    add_rates(s, m);
    double target = session->target.tps > 0 ? session->target.tps : session->plan.target_tps;
    if (target > 0)
        add(s, 6, STYLE_STATUS, "target %.0f TPS", target);
    if (model_run_active(m) && left < 1e8) {
        char clock[24];
        pane_clock(clock, sizeof(clock), left > 0 ? left : 0);
        add(s, 7, STYLE_STATUS, "budget %s", clock);
    }
    if (m->collect.missed > 0 && m->collect.pg_in_flight && !silent)
        add(s, 4, STYLE_STATUS_ALERT, "missed %d", m->collect.missed);
}

/* "gemini-3.8-flash ● $0.02": a word stands beside the dot where it is not idle. */
static void add_partner(struct segments *s, const struct model *m)
{
    const struct partner *p = &m->partner;
    char state[80] = "\xe2\x97\x8f", usd[24] = "";
    unsigned style = STYLE_STATUS;
    const struct ask *busy = NULL;
    if (p->kind == PARTNER_BUILTIN) {
        add(s, 8, STYLE_STATUS, "builtin");
        return;
    }
    for (int i = ASK_SLOTS - 1; i >= 0; i--)
        busy = ask_open(&m->asks[i]) ? &m->asks[i] : busy;
    double secs = busy ? (double)(m->now_us - busy->begun_us) / 1e6 : 0;
    double wait = busy ? (double)(busy->again_at_us - m->now_us) / 1e6 : 0;
    if (busy && busy->state == ASK_WAIT)
        snprintf(state, sizeof state, "\xe2\x97\x94 try %d/%d in %.0f s", busy->attempt + 1,
                 ASK_TRIES, wait > 0 ? ceil(wait) : 0);
    else if (busy)
        snprintf(state, sizeof state, "\xe2\x97\x8b %s %.0f s",
                 busy->wire.text.len ? "answers" : "works", secs);
    else if (!p->told)
        snprintf(state, sizeof state, "\xe2\x97\x8b not agreed");
    else if (p->capped)
        snprintf(state, sizeof state, "\xe2\x97\x8b cap reached: builtin");
    else if (p->gone[0] && strcmp(p->gone, p->endpoint.model) == 0)
        snprintf(state, sizeof state, "\xe2\x97\x8b gone: builtin");
    else if (p->breaker.state == BREAKER_OPEN && p->breaker.until_us > m->now_us)
        snprintf(state, sizeof state, "\xe2\x97\x8b builtin for %.0f s",
                 ceil((double)(p->breaker.until_us - m->now_us) / 1e6));
    if (p->capped || p->gone[0] || p->breaker.state != BREAKER_CLOSED ||
        (busy && busy->state == ASK_WAIT))
        style = STYLE_STATUS_ALERT;
    if (p->session.usd > 0)
        snprintf(usd, sizeof usd, " $%.2f", p->session.usd);
    const char *name = p->endpoint.model, *dash = strchr(name, '-');
    int rank = style == STYLE_STATUS_ALERT ? 1 : busy ? 4 : 8; /* who answers instead is news */
    add(s, rank, style, "%.60s %s%s", name, state, usd);
    brief(s, "%.30s %.30s", dash ? dash + 1 : name, state);
}

/* The important ones take their room first; each counts with the bar behind it. */
static void choose_segments(struct segments *s, int room, bool shown[SEGMENTS_MAX])
{
    int width = 1;
    for (int rank = 0; rank <= 9; rank++) {
        for (int i = 0; i < s->n; i++) {
            struct segment *g = &s->items[i];
            if (g->rank != rank || !g->text[0])
                continue;
            if (width + text_width(g->text) + 3 > room && g->brief[0])
                text_copy(g->text, sizeof(g->text), g->brief);
            int need = text_width(g->text) + 3;
            shown[i] = rank == 0 || width + need <= room;
            width += shown[i] ? need : 0;
        }
    }
}

static void draw_status(struct canvas *c, struct rect r, const struct model *m)
{
    struct segments s = {0};
    char who[160];
    pane_who(m, who, sizeof(who));
    add(&s, 0, STYLE_STATUS | STYLE_BOLD, "%s", who);
    add_link(&s, m);
    add_session(&s, m);
    add_figures(&s, m);
    add_host(&s, m, SSH_SERVER, "ssh");
    add_host(&s, m, SSH_BENCH, "bench");
    if (m->recorder.on) {
        char size[32];
        text_bytes(size, sizeof(size), (double)m->recorder.sum + (double)m->recorder.lines.len);
        add(&s, 4, STYLE_STATUS, "\xe2\x97\x8f rec %s", size);
    }
    if (m->replay_note[0])
        add(&s, 0, STYLE_STATUS_ALERT, "%s", m->replay_note);
    if (m->screen.frozen)
        add(&s, 1, STYLE_STATUS_ALERT, "FROZEN");
    if (m->opt.readonly)
        add(&s, 6, STYLE_STATUS, m->opt.ends ? "watch" : "read-only");
    add_partner(&s, m);
    bool shown[SEGMENTS_MAX] = {false};
    choose_segments(&s, r.w + 2, shown);
    canvas_fill(c, r, STYLE_STATUS);
    int x = r.x + 1;
    bool first = true;
    for (int i = 0; i < s.n; i++) {
        if (!shown[i])
            continue;
        if (!first)
            x += canvas_put(c, r.y, x, -1, STYLE_STATUS, " \xe2\x94\x82 ");
        first = false;
        x += canvas_put_cut(c, r.y, x, r.x + r.w - x, s.items[i].style, s.items[i].text);
    }
}

/* ---- panes ---------------------------------------------------------------------------------- */

static void draw_frame(struct canvas *c, const struct layout *l, enum pane p, const struct model *m)
{
    bool focus = m->screen.focus == p && !m->screen.prompt.focus;
    char title[120];
    int number = (int)p + 1;
    if (l->kind == LAYOUT_ONE)
        snprintf(title, sizeof(title), "%d %s%s", number, pane_table[p].title,
                 m->screen.zoom ? " (zoom)" : "");
    else
        snprintf(title, sizeof(title), "%d %s", number, pane_table[p].title);
    canvas_box(c, l->panes[p], focus ? STYLE_FOCUS : STYLE_BORDER, title,
               focus ? STYLE_FOCUS : STYLE_TITLE);
}

/* The focused frame comes last, so that its lines are whole; they lie over the titles of its neighbours, which
 * are therefore written again. */
static void draw_focus(struct canvas *c, const struct layout *l, const struct model *m)
{
    draw_frame(c, l, m->screen.focus, m);
    for (int p = 0; p < PANE_COUNT; p++) {
        char title[120];
        if ((enum pane)p == m->screen.focus || !layout_shows(l, (enum pane)p))
            continue;
        int n = snprintf(title, sizeof(title), " %d %s ", p + 1, pane_table[p].title);
        if (n < l->panes[p].w - 4)
            canvas_put(c, l->panes[p].y, l->panes[p].x + 1, -1, STYLE_TITLE, title);
    }
}

void view_layout(const struct model *m, enum pane focus, struct layout *l)
{
    layout_compute(m->screen.cols, m->screen.rows, focus, m->screen.zoom, l);
    if (m->screen.choices.plain)
        layout_plain(l, focus);
}

bool view_zoomed(const struct model *m)
{
    struct layout l;

    view_layout(m, m->screen.focus, &l);
    return m->screen.zoom && l.kind == LAYOUT_ONE;
}

struct rect view_inside(const struct layout *l, enum pane p)
{
    struct rect r = layout_inside(l, p);
    if (r.w > 4 && l->kind != LAYOUT_PLAIN) {
        r.x++;
        r.w -= 2;
    }
    return r;
}

/* The pane's name in a row of its own, and the newest events below it, one a line as they came. */
static void draw_plain(struct canvas *c, const struct layout *l, const struct model *m)
{
    enum pane p = m->screen.focus;
    int rows = l->news.h - 1, from = m->nchat > rows ? m->nchat - rows : 0;

    if (layout_shows(l, p))
        canvas_printf(c, l->panes[p].y, l->panes[p].x, l->panes[p].w, STYLE_TITLE,
                      "%s, pane %d of %d", pane_table[p].title, (int)p + 1, PANE_COUNT);
    if (l->news.h < 2)
        return;
    canvas_put(c, l->news.y, l->news.x, l->news.w, STYLE_TITLE, "Newest events");
    for (int i = from; i < m->nchat; i++) {
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)strcspn(m->chat[i].text, "\n"), m->chat[i].text);
        canvas_put_cut(c, l->news.y + 1 + i - from, l->news.x, l->news.w, STYLE_NORMAL, line);
    }
}

/* Where a screen reader should read on: the row that is picked, else the newest event, else the pane's begin. */
static void plain_cursor(const struct canvas *c, const struct layout *l, const struct model *m,
                         struct view_cursor *cursor)
{
    enum pane p = m->screen.focus;
    int y = layout_shows(l, p) ? l->panes[p].y : 0;

    if (l->news.h > 1 && m->nchat > 0 && model_dialog(m) == DIALOG_NONE)
        y = l->news.y + (m->nchat < l->news.h - 1 ? m->nchat : l->news.h - 1);
    if (model_dialog(m) != DIALOG_NONE)
        y = l->body.y;
    for (int row = l->body.y + l->body.h - 1; row >= l->body.y; row--)
        for (int x = 0; x < 3; x++)
            if (STYLE_ROLE(canvas_style_at(c, row, x)) == STYLE_SELECTED)
                y = row;
    *cursor = (struct view_cursor){.visible = true, .y = y, .x = 0, .scroll = cursor->scroll};
}

static void draw_panes(struct canvas *c, const struct layout *l, const struct model *m)
{
    if (l->kind == LAYOUT_PLAIN)
        draw_plain(c, l, m);
    for (int p = 0; p < PANE_COUNT && l->kind != LAYOUT_PLAIN; p++)
        if (layout_shows(l, (enum pane)p) && (enum pane)p != m->screen.focus)
            draw_frame(c, l, (enum pane)p, m);
    if (l->kind != LAYOUT_PLAIN && (unsigned)m->screen.focus < PANE_COUNT &&
        layout_shows(l, m->screen.focus))
        draw_focus(c, l, m);
    for (int p = 0; p < PANE_COUNT; p++) {
        if (!layout_shows(l, (enum pane)p))
            continue;
        struct rect r = view_inside(l, (enum pane)p);
        struct rect former = canvas_clip(c, r);
        if (r.h > 0 && r.w > 0)
            pane_table[p].draw(c, r, m);
        canvas_unclip(c, former);
    }
}

/* ---- prompt and key line -------------------------------------------------------------------- */

/* What was measured of the session's state, else what the server does now: a figure of a server that does not answer would not
 * be true. */
static void prompt_last(const struct model *m, char *dst, size_t size)
{
    static const char *const words[][2] = {
        [LINK_OFF] = {"", "not connected"},
        [LINK_CONNECTING] = {"connecting", "connection lost"},
        [LINK_WAITING] = {"no connection", "connection lost"},
        [LINK_PASSWORD] = {"wants a password", "wants a password"},
    };
    const struct link *l = &m->links[CONN_CONTROL];
    double tps = model_tps(m), xacts = model_xacts(m);
    int64_t heard = m->collect.last_pg_at_us;
    const char *word = l->state == LINK_UP ? "" : words[l->state][l->was_up];
    if (l->state == LINK_UP && heard > 0 && m->now_us - heard >= SILENT_S * 1000000LL)
        word = "no answer";
    if (*word)
        snprintf(dst, size, " | %s", word);
    else if (isfinite(tps) && l->state == LINK_UP)
        snprintf(dst, size, " | %.0f TPS", tps);
    else if (isfinite(xacts) && l->state == LINK_UP)
        snprintf(dst, size, " | %.0f xact/s", xacts);
}

enum { NARROW = 40 };

static void prompt_prefix(const struct model *m, int width, char *dst, size_t size)
{
    char who[160], name[80], last[48] = "";
    const char *state = m->session.state == SESSION_PAUSED     ? " paused"
                        : m->session.state == SESSION_ARCHIVED ? " archived"
                        : session_without_round(&m->session)   ? " ended"
                        : m->session.state == SESSION_FAILED   ? " failed"
                                                               : "";
    /* on a line that is nearly too short for both, what is typed comes first, and else where one is */
    bool typed = m->screen.prompt.focus || m->screen.prompt.len > 0;
    int room = width < NARROW && !typed ? width - 1 : width - 24;
    pane_who(m, who, sizeof(who));
    pane_session_name(m, name, sizeof(name));
    prompt_last(m, last, sizeof last);
    if (m->links[CONN_CONTROL].state == LINK_OFF && !m->opt.has_target && !m->opt.demo)
        snprintf(who, sizeof(who), "no server");
    if (m->replay_note[0])
        snprintf(who, sizeof(who), "replay");
    const char *host = strchr(who, '@') ? strchr(who, '@') + 1 : who;
    const char *bar = name[0] ? " | " : "";
    for (int shorter = 0; shorter < 4; shorter++) {
        if (shorter < 2)
            snprintf(dst, size, "[%s%s%s%s%s] > ", shorter ? host : who, bar, name,
                     name[0] ? state : "", last);
        else if (shorter == 2)
            snprintf(dst, size, "[%s%s%s] > ", name[0] ? name : host, name[0] ? state : "", last);
        else
            snprintf(dst, size, "[%s] > ", last[0] ? last + 3 : host);
        if (text_width(dst) <= room)
            return;
    }
    snprintf(dst, size, "> ");
}

void view_title(const struct model *m, char *dst, size_t size)
{
    char prefix[320];

    prompt_prefix(m, 120, prefix, sizeof(prefix));
    size_t n = strcspn(prefix, "]");
    snprintf(dst, size, "pg_diagnose: %.*s", (int)(n > 0 ? n - 1 : 0), prefix + 1);
}

enum { PROMPT_ROWS = 6 }; /* of a text of several lines; more is scrolled */

/* A text of several lines grows upwards over what is there; where it is, and whose, stands before its first row. */
static void draw_prompt(struct canvas *c, struct rect r, const struct model *m,
                        struct view_cursor *cursor)
{
    struct prompt p = m->screen.prompt; /* a copy: the editor works on what it is given */
    char prefix[320];
    int lines = 1;
    for (int i = 0; p.focus && i < p.len; i++)
        lines += p.text[i] == '\n';
    int rows = lines < PROMPT_ROWS ? lines : PROMPT_ROWS;
    if (rows > r.y - 1)
        rows = r.y > 1 ? r.y - 1 : 1;
    struct rect area = {r.y - rows + 1, r.x, rows, r.w};
    if (rows > 1)
        canvas_fill(c, area, STYLE_NORMAL);
    prompt_prefix(m, r.w, prefix, sizeof(prefix));
    int x = r.x + canvas_put(c, area.y, r.x, r.w - 1, p.focus ? STYLE_PROMPT : STYLE_DIM, prefix);
    struct editor ed = {.text = p.text, .size = PROMPT_MAX, .len = &p.len, .at = &p.at};
    int cursor_x = x, cursor_y = r.y;
    unsigned style = p.focus ? STYLE_USER : STYLE_DIM;
    if (rows > 1)
        editor_draw_area(&ed, c, (struct rect){area.y, x, rows, r.x + r.w - x}, style, &cursor_y,
                         &cursor_x);
    else
        editor_draw(&ed, c, r.y, x, r.x + r.w - x, style, &cursor_x);
    if (p.focus)
        *cursor = (struct view_cursor){.visible = true, .y = cursor_y, .x = cursor_x};
}

static const struct command_row *command_of(const struct view_tables *t, const char *line)
{
    size_t n = strcspn(line + 1, " ");
    for (int i = 0; t && line[0] == '/' && i < t->ncommands; i++)
        if (strncmp(t->commands[i].name, line + 1, n) == 0 && t->commands[i].name[n] == '\0')
            return &t->commands[i];
    return NULL;
}

/* What Tab offers, above the prompt. */
static void draw_completion(struct canvas *c, const struct layout *l, const struct model *m,
                            const struct view_tables *t)
{
    const struct prompt *p = &m->screen.prompt;
    if (!p->focus || p->ncompletion == 0)
        return;
    int n = p->ncompletion < l->prompt.y - 1 ? p->ncompletion : l->prompt.y - 1;
    int w = l->screen.w < 72 ? l->screen.w : 72;
    for (int i = 0; i < n; i++) {
        struct rect row = {l->prompt.y - n + i, l->prompt.x, 1, w};
        unsigned style = i == p->completion_at ? STYLE_SELECTED : STYLE_STATUS;
        const char *blank = strchr(p->completion[i], ' ');
        const struct command_row *k =
            blank && blank[1] ? NULL
                              : command_of(t, p->completion[i]); /* an argument has no help */
        canvas_fill(c, row, style);
        canvas_put_cut(c, row.y, 1, k ? 22 : w - 2, style, p->completion[i]);
        if (k)
            canvas_put_cut(c, row.y, 24, w - 25, style, k->help);
    }
}

/* That the DBA must act is said in front of the keys for as long as it is not on the screen. Returns the columns used. */
static int draw_must_act(struct canvas *c, struct rect r, const struct model *m)
{
    bool covered = model_dialog(m) != DIALOG_NONE && m->screen.below.waits &&
                   m->screen.below.kind == DIALOG_STUCK;
    bool key = !m->screen.prompt.focus && !m->live.typing;
    char text[80];

    if (!covered && dialog_waiting(m) != DIALOG_STUCK)
        return 0;
    snprintf(text, sizeof text, "! %s%s waits%s", covered || !key ? "" : "t ",
             dialog_subject(DIALOG_STUCK), covered ? " until this is closed" : "");
    return 2 + canvas_put_cut(c, r.y, r.x + 1, r.w - 1, STYLE_BAD, text);
}

static void draw_keys(struct canvas *c, struct rect r, const struct model *m,
                      const struct view_tables *t)
{
    int used = draw_must_act(c, r, m);

    r.x += used;
    r.w -= used;
    if (m->screen.flash[0] && m->now_us < m->screen.flash_until_us) {
        canvas_put_cut(c, r.y, r.x + 1, r.w - 1, STYLE_WARN, m->screen.flash);
        return;
    }
    struct buf keys = {0};
    if (model_dialog(m) == DIALOG_NONE && m->talk.state != TALK_IDLE)
        buf_puts(&keys, "Esc stop the answer  ");
    if (!m->screen.prompt.focus && !m->live.typing && dialog_waiting(m) != DIALOG_NONE && used == 0)
        buf_printf(&keys, "t %s waits  ", dialog_subject(dialog_waiting(m)));
    dialog_keys(m, t, &keys);
    list_keys(c, r.y, r.x + 1, r.w - 1, STYLE_LABEL, buf_text(&keys));
    buf_clear(&keys);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void draw_enlarge(struct canvas *c)
{
    canvas_put(c, c->rows / 2, c->cols > 7 ? (c->cols - 7) / 2 : 0, -1, STYLE_WARN, "enlarge");
}

static void draw_dialog(struct canvas *c, const struct layout *l, const struct model *m,
                        const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog_row *d = dialog_find(model_dialog(m));
    if (!d->draw)
        return;
    struct view_cursor own = {0};
    struct rect body = l->body;
    int rows = dialog_ask_rows(m, body);
    body.h -= rows;
    d->draw(c, body, m, t, &own);
    if (rows)
        dialog_ask(c, (struct rect){body.y + body.h, body.x, rows, body.w}, m);
    if (!m->screen.prompt.focus)
        *cursor = own;
}

int view_dialog_scroll(const struct model *m, const struct view_tables *t)
{
    struct canvas *c = canvas_new(m->screen.rows, m->screen.cols);
    struct view_cursor cursor = {0};
    struct layout l;
    c->plain = m->screen.choices.plain;
    view_layout(m, m->screen.focus, &l);
    l.body.h -= dialog_ask_rows(m, l.body);
    const struct dialog_row *d = dialog_find(model_dialog(m));
    if (d->draw && l.kind != LAYOUT_LINES && l.kind != LAYOUT_ENLARGE)
        d->draw(c, l.body, m, t, &cursor);
    canvas_free(c);
    return cursor.scroll;
}

void view_paint(struct canvas *c, const struct model *m, const struct view_tables *t,
                struct view_cursor *cursor)
{
    struct layout l;
    *cursor = (struct view_cursor){0};
    canvas_clear(c);
    c->plain = m->screen.choices.plain;
    c->ascii = m->screen.ascii || c->plain;
    view_layout(m, m->screen.focus, &l);
    if (l.kind == LAYOUT_ENLARGE) {
        draw_enlarge(c);
        return;
    }
    draw_status(c, l.status, m);
    draw_keys(c, l.keys, m, t);
    if (l.kind != LAYOUT_LINES) {
        if (m->live.at)
            pane_view(c, l.body, m, cursor);
        else
            draw_panes(c, &l, m);
        draw_dialog(c, &l, m, t, cursor);
    } else {
        canvas_put_cut(c, l.body.y, l.body.x, l.body.w, STYLE_DIM, "enlarge to see the panes");
    }
    draw_prompt(c, l.prompt, m, cursor);
    draw_completion(c, &l, m, t);
    if (c->plain && !cursor->visible && l.kind == LAYOUT_PLAIN)
        plain_cursor(c, &l, m, cursor);
    if (cursor->visible)
        canvas_cursor(c, cursor->y, cursor->x);
}
