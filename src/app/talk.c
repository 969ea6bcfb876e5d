/* talk.c - see talk.h. The machine is small (enum talk_state): a line is asked, perhaps with facts that are looked up between,
 * and its answer said; what is typed meanwhile waits in a queue. The transcript is written as things are said. */
#include "pgd/app/talk.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/facts.h"
#include "pgd/app/keys.h"
#include "pgd/app/talk_compare.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/layout.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/transcript.h"

/* ---- what is on the screen ---- */

static void where_of(const struct model *m, char *dst, size_t size)
{
    const struct dialog *d = &m->screen.dialog;
    int round = m->session.round.number;

    switch (d->kind) {
    case DIALOG_NONE:
        snprintf(dst, size, "the panes: %s", flow_state_name(m->flow));
        break;
    case DIALOG_REVIEW:
        snprintf(dst, size, "review of the proposal of round %d", round);
        break;
    case DIALOG_VERDICT:
        snprintf(dst, size, "verdict of round %d", round);
        break;
    case DIALOG_MANUAL:
        snprintf(dst, size, "a change that the DBA is asked to make");
        break;
    case DIALOG_PLAN:
        snprintf(dst, size, "plan and consent of the session");
        break;
    case DIALOG_TARGET:
        snprintf(dst, size, "suggested target");
        break;
    case DIALOG_STRATEGY:
        snprintf(dst, size, "menu of strategies");
        break;
    case DIALOG_RECOVER:
        snprintf(dst, size, "an interrupted session: resume or undo");
        break;
    case DIALOG_SUMMARY:
        snprintf(dst, size, "summary of the session");
        break;
    case DIALOG_ERROR:
    case DIALOG_STUCK:
        snprintf(dst, size, "an error");
        break;
    default:
        snprintf(dst, size, "a dialog");
        break;
    }
}

/* A line without the frame's signs and the blanks at its ends. */
static void put_line(struct buf *out, const char *line, size_t len)
{
    size_t from = out->len;

    for (size_t i = 0; i < len;) {
        uint32_t rune = 0;
        size_t used = text_decode(line + i, len - i, &rune);
        bool frame = rune >= 0x2500 && rune < 0x2580;
        if (!frame && !(rune == ' ' && out->len == from))
            buf_append(out, line + i, used);
        i += used;
    }
    while (out->len > from && out->data[out->len - 1] == ' ')
        out->data[--out->len] = '\0';
    if (out->len > from)
        buf_putc(out, '\n');
}

/* The open dialog as it is drawn, with every value that it shows: one way for all of them. */
static char *dialog_text_of(const struct model *m)
{
    const struct dialog_row *row = dialog_find(model_dialog(m));
    struct canvas *c;
    struct view_cursor cursor = {0};
    struct buf all = {0}, out = {0};

    if (!row->draw || model_dialog(m) == DIALOG_PASSWORD || model_dialog(m) == DIALOG_HOST_WORD)
        return NULL;
    c = canvas_new(70, 130);
    row->draw(c, canvas_area(c), m, keys_tables(), &cursor);
    canvas_text(c, &all);
    canvas_free(c);
    for (const char *p = buf_text(&all); *p && out.len < TALK_SCREEN_MAX;) {
        size_t n = strcspn(p, "\n");
        put_line(&out, p, n);
        p += n + (p[n] == '\n');
    }
    buf_clear(&all);
    return buf_take(&out);
}

/* ---- transcript ---- */

/* The session's own file once its folder is there, else the workspace's. */
static void path_of(const struct model *m, char *dst, size_t size)
{
    bool made = m->session.dir[0] && m->session.state != SESSION_NONE &&
                (m->flow != FLOW_PREPARE || isfinite(m->session.baseline_tps));

    if (!m->workspace.open || m->workspace.readonly || m->opt.readonly)
        dst[0] = '\0';
    else
        snprintf(dst, size, "%s/conversation.jsonl", made ? m->session.dir : m->workspace.dir);
}

static void record(struct model *m, const char *who, const struct talk_line *l, const char *text,
                   bool interrupted, struct effects *fx)
{
    struct transcript_line line = {.wall_us = m->wall_us,
                                   .who = who,
                                   .text = text,
                                   .where = l->where,
                                   .op = op_row(l->op)->name,
                                   .interrupted = interrupted};
    struct buf out = {0};

    path_of(m, m->talk.path, sizeof m->talk.path);
    if (m->talk.path[0]) {
        transcript_put(&line, &out);
        struct effect *e = fx_file(fx, (struct req){OWNER_STORE, 0, 0}, FILE_APPEND, m->talk.path);
        e->u.file.spare = true;
        e->len = out.len;
        e->text = buf_take(&out);
    }
    buf_clear(&out);
}

/* What a resumed session has heard before. */
static void recalled(void *arg, const struct transcript_line *l)
{
    struct model *m = arg;

    model_tell(m, strcmp(l->who, "dba") == 0 ? CHAT_USER : CHAT_AI, l->text);
}

static void load(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;
    char path[sizeof t->path];

    if (!m->session.loaded || t->loaded || m->opt.headless)
        return;
    snprintf(path, sizeof path, "%s/conversation.jsonl", m->session.dir);
    t->loaded = true;
    fx_file(fx, (struct req){OWNER_TALK, 0, 1}, FILE_READ, path)->u.file.max_bytes = TRANSCRIPT_MAX;
}

static void loaded(struct model *m, const struct event *ev)
{
    const char *text = ev->text;
    size_t len = ev->len;

    if (ev->err.code != ERR_NONE || !text || len == 0)
        return;
    /* the newest lines alone: what was long ago is in the file */
    size_t from = len;
    for (int lines = 0; from > 0 && lines <= TRANSCRIPT_SHOWN_MAX; from--)
        lines += text[from - 1] == '\n' && from < len;
    if (from > 0)
        from++;
    model_say(m, CHAT_EVENT, "what was said earlier in this session:");
    transcript_read(text + from, len - from, recalled, m);
    model_say(m, CHAT_EVENT, "the session goes on");
}

/* ---- asking ---- */

static void begin(struct model *m, struct talk_line *l, struct effects *fx)
{
    struct talk *t = &m->talk;

    talk_facts_clear(t);
    talk_line_clear(&t->now);
    t->now = *l;
    t->state = TALK_ASKED;
    if (l->aside) {
        t->panel = true;
        t->panel_scroll = 0;
        t->answer.len = 0;
    }
    model_tell(m, CHAT_USER, l->text[0] ? l->text : "What could other hardware do?");
    m->screen.scroll[PANE_AI] = 0;
    t->find[0] = '\0';
    record(m, "dba", &t->now, t->now.text, false, fx);
    if (t->now.op == OP_COMPARE && !talk_compare_begin(m, fx))
        t->state = TALK_READ;
    else
        advise(m, t->now.op, fx);
}

static void put(struct model *m, struct talk_line *l, struct effects *fx)
{
    struct talk *t = &m->talk;

    if (t->state == TALK_IDLE) {
        begin(m, l, fx);
    } else if (t->nqueue < TALK_QUEUE_MAX) {
        t->queue[t->nqueue++] = *l;
    } else {
        model_say(m, CHAT_WARN, "%d questions wait already: Esc stops the one under way",
                  TALK_QUEUE_MAX);
        talk_line_clear(l);
    }
    m->dirty = true;
}

/* A line as it is put from where the DBA is now. */
static void line_of(const struct model *m, enum op op, const char *text, struct talk_line *l)
{
    *l = (struct talk_line){.op = op};
    text_copy(l->text, sizeof l->text, text);
    where_of(m, l->where, sizeof l->where);
    l->aside = model_dialog(m) != DIALOG_NONE;
    l->on_screen = dialog_text_of(m);
}

void talk_ask(struct model *m, enum op op, const char *text, struct effects *fx)
{
    struct talk_line l;

    line_of(m, op, text, &l);
    put(m, &l, fx);
}

void talk_preview(struct model *m, enum op op, const char *text)
{
    struct talk *t = &m->talk;
    struct talk_line was = t->now;
    int facts = t->nfacts, rounds = t->facts_rounds;

    line_of(m, op, text, &t->now); /* the question under way, if there is one, comes back below */
    t->nfacts = t->facts_rounds = 0;
    t->preview.len = 0;
    (void)advise_preview(m, op, &t->preview);
    talk_line_clear(&t->now);
    t->now = was;
    t->nfacts = facts;
    t->facts_rounds = rounds;
}

bool talk_anomaly(struct model *m, struct effects *fx)
{
    const struct anomalies *w = &m->anomalies;
    struct talk_line l = {.op = OP_ANOMALY};

    if (w->n == 0)
        return false;
    l.about = w->items[w->n - 1];
    where_of(m, l.where, sizeof l.where);
    snprintf(l.text, sizeof l.text, "What happened with %s: %.4g %s usual, %.4g seen?",
             l.about.label, l.about.usual, l.about.unit, l.about.seen);
    put(m, &l, fx);
    return true;
}

void talk_input(const struct model *m, struct op_input *in)
{
    const struct talk *t = &m->talk;

    in->question = t->now.text;
    in->where = t->now.where;
    in->on_screen = t->now.on_screen;
    in->nfacts = t->nfacts;
    in->facts = t->facts;
    in->facts_rounds = t->facts_rounds;
    if (t->now.op == OP_ANOMALY)
        in->anomaly = &t->now.about;
}

/* ---- answers ---- */

/* This question is over; the next one follows. */
static void finish(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;
    struct talk_line next;

    talk_facts_clear(t);
    talk_line_clear(&t->now);
    t->state = TALK_IDLE;
    m->dirty = true;
    if (t->nqueue == 0)
        return;
    next = t->queue[0];
    t->nqueue--;
    memmove(t->queue, t->queue + 1, (size_t)t->nqueue * sizeof t->queue[0]);
    begin(m, &next, fx);
}

static void say(struct model *m, const char *who, struct buf *text, bool interrupted,
                struct effects *fx)
{
    struct talk *t = &m->talk;

    model_tell(m, CHAT_AI, buf_text(text));
    t->answer.len = 0;
    buf_puts(&t->answer, buf_text(text));
    record(m, who, &t->now, buf_text(text), interrupted, fx);
}

/* "[gemini-3.8-flash, 2.1 s, ≈ $0.0004]": who says it, and what it took. */
static void sign(const struct model *m, const struct ask *a, struct buf *out)
{
    const struct op_answer *ans = a->answer;
    double secs = (double)(m->now_us - a->begun_us) / 1e6;

    buf_printf(out, "[%s", ans->advisor.text);
    if (ans->by_rules && ans->why_rules[0])
        buf_printf(out, ", by rules: %s", ans->why_rules);
    else if (ans->cached)
        buf_puts(out, ", an earlier answer to the same question");
    else if (a->attempt > 0 && secs < 86400)
        buf_printf(out, ", %.1f s", secs);
    if (isfinite(a->usd) && a->usd > 0)
        buf_printf(out, ", \xe2\x89\x88 $%.4f", a->usd);
    buf_putc(out, ']');
}

/* What had come of a text that never ended. */
static void partial(struct model *m, const struct ask *a, struct buf *out)
{
    struct buf text = {0};

    op_partial(a->op, buf_text(&a->wire.text), a->wire.text.len, &text);
    if (text.len && m->partner.mask)
        mask_reverse(m->partner.mask, buf_text(&text), out);
    else
        buf_puts(out, buf_text(&text));
    buf_clear(&text);
}

/* How long an answer of so many lines stays at its begin when something new comes below it. */
static int64_t reading_us(int lines)
{
    enum { LINE_US = 1500000, LEAST_US = 15000000, MOST_US = 120000000 };
    int64_t us = (int64_t)lines * LINE_US;

    return us < LEAST_US ? LEAST_US : us > MOST_US ? MOST_US : us;
}

/* An answer that came as a whole is read from its question on, until it may be taken for read; one that was seen growing stays as
 * it is, and so does a reader who has scrolled away meanwhile. */
static void open_at_begin(struct model *m)
{
    enum { BEGIN = 1 << 20 };
    int first = m->nchat - 1, *scroll = &m->screen.scroll[PANE_AI];
    struct layout l;

    m->talk.panel_scroll = BEGIN;
    if (m->talk.now.aside || *scroll > 0 || m->screen.cols == 0)
        return;
    if (first > 0 && m->chat[first - 1].kind == CHAT_USER)
        first--;
    view_layout(m, PANE_AI, &l);
    struct rect r = view_inside(&l, PANE_AI);
    int lines = pane_ai_below(m, r.w, first - 1);
    *scroll = r.h < 3 ? 0 : pane_ai_most(lines, r.h);
    m->talk.lines = 0;
    m->talk.at_end = m->chat_total;
    if (*scroll > 0) {
        m->talk.placed_until_us = m->now_us + reading_us(lines);
        m->screen.focus = PANE_AI; /* so that the keys which scroll are its own */
    }
}

static void say_answer(struct model *m, const struct ask *a, struct effects *fx)
{
    const struct prose *p = &a->answer->u.prose;
    struct buf out = {0};

    partial(m, a, &out);
    if (a->answer->by_rules &&
        out.len) /* it broke off: what came stands, the rules' answer below it */
        buf_printf(&out, " [broken off: %s]\n", a->failure.err.msg);
    else
        out.len = 0;
    buf_puts(&out, p->text[0] ? p->text : "There is no answer to that.");
    for (int i = 0; i < p->nfigures; i++)
        buf_printf(&out, "\n  \xc2\xb7 %s: %s", p->figures[i].name, p->figures[i].value);
    if (a->answer->dropped[0]) /* cut, or a figure that the data does not have */
        buf_printf(&out, "\n  ! %s", a->answer->dropped);
    buf_putc(&out, '\n');
    sign(m, a, &out);
    say(m, a->answer->advisor.text, &out, false, fx);
    if (a->wire.text.len == 0)
        open_at_begin(m);
    buf_clear(&out);
}

static void say_interrupted(struct model *m, const struct ask *a, struct effects *fx)
{
    struct advisor_name who;
    struct buf out = {0};

    partner_name(&m->partner, &who);
    partial(m, a, &out);
    buf_puts(&out, out.len ? " [interrupted]" : "[interrupted]");
    say(m, who.text, &out, true, fx);
    buf_clear(&out);
}

static void ask_again(struct model *m, struct effects *fx)
{
    m->talk.facts_rounds++;
    m->talk.state = TALK_ASKED;
    advise(m, m->talk.now.op, fx);
}

void talk_answered(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;
    struct ask *a = &m->asks[ASK_CHAT];
    const struct op_answer *ans = a->answer;

    if (t->state != TALK_ASKED || a->state != ASK_DONE || !ans)
        return;
    if (a->cancelled) {
        say_interrupted(m, a, fx);
    } else if (ans->u.prose.nwants > 0 && t->facts_rounds < TALK_FACT_ROUNDS) {
        t->n = ans->u.prose.nwants < 3 ? ans->u.prose.nwants : 3;
        for (int i = 0; i < t->n; i++)
            text_copy(t->wants[i], sizeof t->wants[i], ans->u.prose.wants[i]);
        ask_reset(a);
        t->state = TALK_GATHER;
        m->dirty = true;
        if (facts_begin(m, fx))
            ask_again(m, fx);
        return;
    } else {
        say_answer(m, a, fx);
    }
    ask_reset(a);
    finish(m, fx);
}

bool talk_stop(struct model *m, struct effects *fx)
{
    struct talk *t = &m->talk;
    struct buf out = {0};

    if (t->state == TALK_IDLE)
        return false;
    if (t->state == TALK_GATHER || t->state == TALK_READ) {
        facts_drop(m, fx);
        buf_puts(&out, "[interrupted]");
        say(m, "dba", &out, true, fx);
        buf_clear(&out);
        finish(m, fx);
        return true;
    }
    advise_cancel(m, ASK_CHAT, fx);
    return true;
}

/* ---- events ---- */

void talk_event(struct model *m, const struct event *ev, struct effects *fx)
{
    if (ev->kind == EV_FILE && ev->req.id >= TALK_COMPARED) {
        if (!talk_compare_event(m, ev))
            return;
        m->talk.state = TALK_ASKED;
        advise(m, m->talk.now.op, fx);
        return;
    }
    if (ev->kind == EV_FILE) {
        loaded(m, ev);
        return;
    }
    if (facts_event(m, ev, fx))
        ask_again(m, fx);
}

/* ---- anomalies ---- */

/* What else differs now: its beginning of the explanation. */
static void beside(const struct model *m, int of, char *dst, size_t size)
{
    size_t used = 0;

    dst[0] = '\0';
    for (int i = 0; i < METRIC_COUNT; i++) {
        const struct anomaly_series *a = &m->anomalies.watch.of[i];
        double now = series_newest(&m->collect.series[i]);
        const struct metric *info = metric_info((enum metric_id)i);
        if (i == of || !isfinite(now) || !(a->scale > 0) ||
            fabs(now - a->median) < ANOMALY_ENDS * a->scale || used + 80 > size)
            continue;
        used += (size_t)snprintf(dst + used, size - used, "%s%s %.4g -> %.4g %s", used ? "; " : "",
                                 info->label, a->median, now, info->unit);
    }
    for (int i = 0; i < m->collect.nrecent_waits && i < 2 && used + 80 < size; i++)
        used += (size_t)snprintf(dst + used, size - used, "%swaits %s %.0f %%", used ? "; " : "",
                                 m->collect.recent_waits[i].event,
                                 m->collect.recent_waits[i].share * 100);
}

static void keep_anomaly(struct model *m, int id)
{
    struct anomalies *w = &m->anomalies;
    const struct metric *info = metric_info((enum metric_id)id);
    const struct deviation *d = &w->watch.of[id].now;
    struct anomaly *a;
    int at = w->n - 1;

    while (at >= 0 &&
           (w->items[at].from_us != d->from_us || strcmp(w->items[at].metric, info->name) != 0))
        at--;
    if (at < 0 && w->n == ANOMALIES_MAX)
        memmove(w->items, w->items + 1, (size_t)(--w->n) * sizeof w->items[0]);
    a = at >= 0 ? &w->items[at] : &w->items[w->n++];
    memset(a, 0, sizeof *a);
    text_copy(a->metric, sizeof a->metric, info->name);
    text_copy(a->label, sizeof a->label, info->label);
    text_copy(a->unit, sizeof a->unit, info->unit);
    a->from_us = d->from_us;
    a->until_us = d->until_us;
    a->usual = d->usual;
    a->seen = d->seen;
    a->score = d->score;
    a->shift = d->shift;
    beside(m, id, a->beside, sizeof a->beside);
    m->dirty = true;
}

/* A run, a switch or the making of data: their begin and end are ours, not the server's. */
static void watch_anomalies(struct model *m)
{
    struct anomalies *w = &m->anomalies;
    bool busy = m->bench.state == BENCH_RUNNING || m->fl.now.switching || m->flow == FLOW_PREPARE ||
                m->links[CONN_CONTROL].state != LINK_UP;
    uint32_t told;

    if (busy != w->busy)
        anomaly_ours(&w->watch, m->now_us);
    w->busy = busy;
    told = anomaly_tick(&w->watch, m->collect.series, m->now_us);
    for (int i = 0; told >> i; i++)
        if (told >> i & 1)
            keep_anomaly(m, i);
    for (int i = 0; i < w->n; i++) { /* those that have ended meanwhile */
        struct anomaly *a = &w->items[i];
        for (int id = 0; a->until_us == 0 && id < METRIC_COUNT; id++)
            if (w->watch.of[id].now.from_us == a->from_us &&
                strcmp(metric_info((enum metric_id)id)->name, a->metric) == 0)
                a->until_us = w->watch.of[id].now.until_us;
    }
}

void talk_tick(struct model *m, struct effects *fx)
{
    if (!m->opt.headless)
        watch_anomalies(m);
    if (facts_tick(m, fx))
        ask_again(m, fx);
    for (int i = 0; i < ASK_SLOTS; i++) /* seconds and countdowns are on the screen */
        if (ask_open(&m->asks[i]))
            m->dirty = true;
    if (m->partner.breaker.state != BREAKER_CLOSED)
        m->dirty = true;
}

enum { LOOK_US = 33000 };

/* Lines that were added to the AI pane, which has n of them at that width, since it was looked at last. A conversation that has all
 * it keeps loses as many messages above as come below. */
static int added(const struct model *m, int n, int width)
{
    uint64_t said = m->chat_total - m->talk.seen;

    if (m->nchat < CHAT_MAX)
        return n - m->talk.lines;
    return said < CHAT_MAX ? pane_ai_below(m, width, m->nchat - 1 - (int)said) : n;
}

/* The scroll counts lines from the end: for a reader who has scrolled up it grows with what is added there. Whom the program has put
 * at the begin of an answer it brings back to the end with the first news after the time to read it. */
static void keep_place(struct model *m)
{
    struct talk *t = &m->talk;
    int *scroll = &m->screen.scroll[PANE_AI], n;
    struct layout l;

    if (*scroll > 0 && t->placed_until_us && m->now_us >= t->placed_until_us &&
        m->chat_total > t->at_end)
        *scroll = 0;
    t->fresh = *scroll == 0 ? 0 : (int)(m->chat_total - t->at_end);
    if (*scroll == 0) {
        t->at_end = m->chat_total;
        t->placed_until_us = 0;
        t->lines = 0;
        return;
    }
    if (t->lines && m->now_us - t->seen_us < LOOK_US)
        return;
    view_layout(m, PANE_AI, &l);
    struct rect r = view_inside(&l, PANE_AI);
    n = pane_ai_lines(m, r.w);
    if (t->lines && added(m, n, r.w) > 0) {
        int most = pane_ai_most(n, r.h), place = *scroll + added(m, n, r.w);
        *scroll = place < most ? place : most;
    }
    t->lines = n;
    t->seen = m->chat_total;
    t->seen_us = m->now_us;
}

void talk_pump(struct model *m, struct effects *fx)
{
    if (m->opt.headless || m->quitting)
        return;
    load(m, fx);
    keep_place(m);
    if (model_dialog(m) == DIALOG_NONE)
        m->talk.panel = false;
}

/* ---- /find ---- */

/* Where part stands in text, in whatever case; NULL = nowhere. */
static const char *place_of(const char *text, const char *part)
{
    size_t n = strlen(part);

    for (; *text; text++)
        if (strncasecmp(text, part, n) == 0)
            return text;
    return NULL;
}

void talk_find(struct model *m, const char *text)
{
    struct talk *t = &m->talk;
    struct layout l;
    bool again = !*text;

    if (*text)
        text_copy(t->find, sizeof t->find, text);
    if (!t->find[0]) {
        model_say(m, CHAT_WARN, "/find wants a word; /find alone goes on to the next older place");
        return;
    }
    int at = again && t->found > 0 ? t->found - 1 : again ? -1 : m->nchat - 1;
    while (at >= 0 && !place_of(m->chat[at].text, t->find))
        at--;
    t->found = at;
    m->screen.focus = PANE_AI;
    if (at < 0) {
        snprintf(m->screen.flash, sizeof m->screen.flash, "%.80s is not found further up", t->find);
        m->screen.flash_until_us = m->now_us + 3000000;
        return;
    }
    view_layout(m, PANE_AI, &l);
    struct rect r = view_inside(&l, PANE_AI);
    int below = pane_ai_below(m, r.w, at) + wrap_count(place_of(m->chat[at].text, t->find), r.w);
    m->screen.scroll[PANE_AI] = below > r.h / 2 ? below - r.h / 2 : 0;
    t->placed_until_us = 0; /* who looks for something stays there */
    t->lines = 0;
    m->dirty = true;
}
