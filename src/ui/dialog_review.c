/* dialog_review.c - the proposal line by line: the moment of control. Each line shows what changes, what it costs and
 * why; the line under the cursor shows the exact SQL, its undo, reach and price. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/consent.h"

enum { DETAIL_MOST = 14 };

static const char *answer_mark(const struct review_line *l)
{
    if (l->refusal != REFUSE_NONE)
        return " \xe2\x9c\x97 ";
    return l->answer == ANSWER_ACCEPT ? "[a]" : l->answer == ANSWER_REJECT ? "[r]" : "[?]";
}

static unsigned answer_style(const struct review_line *l)
{
    if (l->refusal != REFUSE_NONE)
        return STYLE_DIM;
    return l->answer == ANSWER_ACCEPT   ? STYLE_GOOD
           : l->answer == ANSWER_REJECT ? STYLE_DIM
                                        : STYLE_WARN;
}

static void expected(const struct review_line *l, char *dst, size_t size)
{
    const struct setting_change *ch = &l->change;
    if (isfinite(ch->expect_lo) && isfinite(ch->expect_hi) &&
        (ch->expect_lo != 0 || ch->expect_hi != 0))
        snprintf(dst, size, "predicted %+.0f..%.0f %%", ch->expect_lo, ch->expect_hi);
    else
        snprintf(dst, size, "%s", "");
}

/* Columns: mark, name, from → to, reload or restart, evidence, prediction; the later ones as there is room. */
static void draw_line(struct canvas *c, struct rect r, int y, const struct review_line *l,
                      const struct dialog *d, bool here, struct view_cursor *cursor)
{
    unsigned style = answer_style(l);
    int x = r.x, end = r.x + r.w, name = r.w >= 110 ? 37 : r.w >= 100 ? 32 : 28;
    canvas_put(c, y, x, 3, style, answer_mark(l));
    canvas_put_cut(c, y, x + 4, name - 5, l->refusal ? STYLE_DIM : STYLE_VALUE, l->change.name);
    x += name;
    canvas_put_right(c, y, x, 11, STYLE_DIM, l->from);
    canvas_put(c, y, x + 12, 1, STYLE_DIM, "\xe2\x86\x92");
    if (here && d->editing)
        dialog_input(c, y, x + 14, 12, d, cursor);
    else
        canvas_put_cut(c, y, x + 14, 12, style, l->to[0] ? l->to : "reset");
    x += 27;
    bool trade = !l->refusal && review_is_trade(l);
    bool host = review_is_os(l);
    const char *how = l->refusal   ? "REFUSED"
                      : l->restart ? "RESTART"
                      : trade      ? "TRADE"
                      : host       ? "HOST"
                                   : "reload";
    bool warn = l->refusal || l->restart || trade || host;
    canvas_put(c, y, x, 8, warn ? STYLE_WARN : STYLE_LABEL, how);
    x += 9;
    char prediction[40];
    expected(l, prediction, sizeof(prediction));
    int right = r.w >= 110 ? text_width(prediction) : 0;
    const char *why = l->refusal              ? l->reason
                      : l->change.evidence[0] ? l->change.evidence
                                              : l->change.why;
    canvas_put_cut(c, y, x, end - x - (right ? right + 1 : 0), STYLE_NORMAL, why);
    if (right)
        canvas_put(c, y, end - right, right, STYLE_LABEL, prediction);
    if (here && !d->editing)
        canvas_restyle(c, (struct rect){y, r.x, 1, r.w}, STYLE_SELECTED);
}

/* All that is known of a line, and what is paid for it, before the word of the advisor. */
/* by: a model that has proposed it, whose evidence are its own words; "" = the figure was measured. */
static void say_line(struct dialog_text *t, const struct review_line *l, const char *by)
{
    static const char *const risks[] = {"low", "medium", "high"};
    const char *to = l->to[0] ? l->to : "reset";
    char prediction[40];
    expected(l, prediction, sizeof(prediction));
    if (l->refusal != REFUSE_NONE) {
        dialog_say(t, STYLE_WARN, "Refused: %s. %s", refusal_name(l->refusal), l->reason);
        if (review_is_trade(l) && l->price[0])
            dialog_say(t, STYLE_LABEL, "its price: %s", l->price);
        dialog_say(t, STYLE_NORMAL, "%s", l->change.why);
        return;
    }
    dialog_say(t, STYLE_CODE, "%s", l->sql);
    dialog_say(t, STYLE_NORMAL, "undo: %s", l->undo);
    dialog_say(t, STYLE_VALUE, "%s \xe2\x86\x92 %s, takes effect %s \xc2\xb7 risk: %s", l->from, to,
               takes_effect_name(l->takes), risks[l->change.risk]);
    dialog_say(t, STYLE_LABEL, "reaches %s", l->reach[0] ? l->reach : "all sessions");
    dialog_say(t, l->restart ? STYLE_WARN : STYLE_LABEL, "price: %s",
               l->price[0] ? l->price : "none that is known");
    if (l->change.evidence[0] || prediction[0])
        dialog_say(t, STYLE_NORMAL, "%s%s%s%s%s",
                   !l->change.evidence[0] ? ""
                   : *by                  ? by
                                          : "measured",
                   l->change.evidence[0] ? ": " : "", l->change.evidence,
                   l->change.evidence[0] && prediction[0] ? " \xc2\xb7 " : "", prediction);
    dialog_say(t, STYLE_AI, "%s", l->change.why);
}

static int detail_rows(struct canvas *c, const struct review_line *l, const char *by, int width)
{
    struct dialog_text t = {.c = c, .r = {0, 0, 0, width}};
    say_line(&t, l, by);
    return t.line;
}

static const char *model_of(const struct review *r)
{
    const char *by = r->proposal.advisor.text;
    return strcmp(by, "builtin") == 0 ? "" : by;
}

/* One height for all lines, so that the list stays where it is while the cursor moves. */
static int detail_want(struct canvas *c, const struct review *r, int width)
{
    int most = 1;
    for (int i = 0; i < r->n; i++) {
        int rows = detail_rows(c, &r->lines[i], model_of(r), width);
        most = rows > most ? rows : most;
    }
    return most < DETAIL_MOST ? most : DETAIL_MOST;
}

static void draw_detail(struct canvas *c, struct rect r, const struct review_line *l,
                        const char *by, const struct dialog *d, struct view_cursor *cursor)
{
    int total = detail_rows(c, l, by, r.w);
    cursor->scroll = list_scroll(d->scroll, -1, r.h, total);
    struct dialog_text t = {.c = c, .r = r, .skip = cursor->scroll};
    say_line(&t, l, by);
    if (total > r.h)
        list_more(c, r, cursor->scroll, total);
}

/* The bill in at most `width` columns: what the settings cost now, with the accepted lines, with all lines where some have no answer
 * yet. What there is no room for goes in this order: the worst case, which is for information; the words. */
static void bill_text(const struct memory_bill *b, bool open, int width, char *dst, size_t size)
{
    char worst[32], ram[32], now[32], accepted[32], most[32], all[64] = "", every[64] = "";

    text_bytes(worst, sizeof(worst), b->new_worst);
    text_bytes(now, sizeof(now), b->now_measured);
    text_bytes(accepted, sizeof(accepted), b->new_measured);
    text_bytes(most, sizeof(most), b->all);
    text_bytes(ram, sizeof(ram), b->ram);
    if (open) {
        snprintf(all, sizeof all, ", %s with all lines", most);
        snprintf(every, sizeof every, ", all %s", most);
    }
    if (!b->known) {
        snprintf(dst, size, "memory bill unknown");
        return;
    }
    snprintf(dst, size, "memory bill with %.0f at work: %s now, %s accepted%s; worst case %s of %s",
             b->peak, now, accepted, all, worst, ram);
    if (text_width(dst) > width)
        snprintf(dst, size, "memory with %.0f at work: %s now, %s accepted%s, of %s", b->peak, now,
                 accepted, all, ram);
    if (text_width(dst) > width)
        snprintf(dst, size, "memory %s, accepted %s%s, of %s", now, accepted, every, ram);
    if (text_width(dst) > width)
        snprintf(dst, size, "memory %s of %s", accepted, ram);
}

static int count_restarts(const struct review *r)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        n += r->lines[i].restart && r->lines[i].refusal == REFUSE_NONE;
    return n;
}

static int count_open(const struct review *r)
{
    int n = 0;
    for (int i = 0; i < r->n; i++)
        n += r->lines[i].refusal == REFUSE_NONE && r->lines[i].answer == ANSWER_NONE;
    return n;
}

/* The last row: what is still missing, or that it can go; and the memory bill, which changes with each answer. */
static void draw_state(struct canvas *c, struct rect r, int y, const struct review *review,
                       const struct dialog *d)
{
    enum { WIDE = 90 }; /* from here on there is room for whole words */
    char bill[200], text[64];
    int open = count_open(review);
    bool over = review->bill.known && review->bill.most > review->bill.ram;
    if (d->error[0]) {
        canvas_put_cut(c, y, r.x, r.w, STYLE_BAD, d->error);
        return;
    }
    if (open && r.w < WIDE)
        snprintf(text, sizeof text, "%d unanswered", open);
    else if (open)
        snprintf(text, sizeof text, "%d line%s without an answer", open, open == 1 ? "" : "s");
    else
        snprintf(text, sizeof text, r.w < WIDE ? "%d accepted: go" : "%d accepted: ready to go",
                 review_accepted(review));
    canvas_put_cut(c, y, r.x, r.w, open ? STYLE_DIM : STYLE_GOOD, text);
    int room = r.w - text_width(text) - 2;
    bill_text(&review->bill, open > 0, room, bill, sizeof(bill));
    int w = text_width(bill);
    if (w <= room)
        canvas_put(c, y, r.x + r.w - w, w, over ? STYLE_WARN : STYLE_LABEL, bill);
}

enum { ROWS_MAX = 2 * CHANGES_MAX };

/* The rows of the list: the lines, and headings in front of each group: the alternatives, the durability trades. */
struct review_rows {
    const struct review *r;
    int n;
    int line[ROWS_MAX];  /* its number; -1 = a heading */
    int first[ROWS_MAX]; /* of a heading: the line below it */
};

static bool heads_group(const struct review *r, int i)
{
    bool trade = review_is_trade(&r->lines[i]);
    if (trade)
        return i == 0 || !review_is_trade(&r->lines[i - 1]);
    return r->proposal.nsets >= 2 && (i == 0 || review_sets(r, i) != review_sets(r, i - 1));
}

static void rows_of(const struct review *r, struct review_rows *rows)
{
    rows->r = r;
    rows->n = 0;
    for (int i = 0; i < r->n && rows->n < ROWS_MAX - 1; i++) {
        if (heads_group(r, i)) {
            rows->first[rows->n] = i;
            rows->line[rows->n++] = -1;
        }
        rows->line[rows->n++] = i;
    }
}

static int row_of_line(const struct review_rows *rows, int line)
{
    for (int i = 0; i < rows->n; i++)
        if (rows->line[i] == line)
            return i;
    return 0;
}

/* "alternative 2: work_mem = 64MB", "in 2 alternatives: …", what belongs to all of them. */
static void group_text(const struct review *r, int i, struct buf *out)
{
    unsigned sets = review_sets(r, i);
    int n = 0, last = 0;
    for (int s = 0; s < review_nsets(r); s++)
        if (sets >> s & 1) {
            n++;
            last = s;
        }
    if (review_is_trade(&r->lines[i])) {
        buf_puts(out, "durability trades: each pays with confirmed commits, never mixed in");
    } else if (n == review_nsets(r)) {
        buf_puts(out, "in every alternative");
    } else if (n == 1) {
        buf_printf(out, "alternative %d: %s", last + 1, r->proposal.set_names[last]);
    } else {
        buf_printf(out, "in %d alternatives:", n);
        for (int s = 0; s < review_nsets(r); s++)
            if (sets >> s & 1)
                buf_printf(out, " %d", s + 1);
    }
}

static void draw_list(struct canvas *c, struct rect list, const struct review *r, int at,
                      const struct dialog *d, struct view_cursor *cursor)
{
    struct review_rows rows;
    rows_of(r, &rows);
    int total = rows.n, here = at < 0 ? 0 : row_of_line(&rows, at);
    int scroll = list_scroll(0, here, list.h, total);
    for (int i = 0; i < list.h && scroll + i < total; i++) {
        int row = scroll + i, line = rows.line[row];
        struct buf head = {0};
        if (line < 0)
            group_text(r, rows.first[row], &head);
        if (line < 0)
            canvas_put_cut(c, list.y + i, list.x, list.w, STYLE_HEADING, buf_text(&head));
        buf_clear(&head);
        if (line >= 0)
            draw_line(c, list, list.y + i, &r->lines[line], d, line == at, cursor);
    }
    if (total > list.h)
        list_more(c, (struct rect){list.y, list.x, list.h + 1, list.w}, scroll, total + 1);
}

/* What a restart means now, beside the count of them; sessions that there are none of need no words. */
static void say_restart(const struct model *m, char *title, size_t size)
{
    size_t used = strlen(title);
    struct consent c;
    consent_fill(m, &c);
    snprintf(title + used, size - used, "; server down about %.0f s", ceil(c.blackout_s));
    used = strlen(title);
    if (c.sessions >= 1)
        snprintf(title + used, size - used, ", %.0f session%s dropped", c.sessions,
                 c.sessions < 2 ? "" : "s");
}

/* In at most `width` columns: where there is no room for all of it the words about the alternatives go first. */
static void say_title(const struct model *m, int width, char *title, size_t size)
{
    const struct review *review = &m->session.round.review;
    int restarts = count_restarts(review), sets = review->proposal.nsets;

    for (int terse = 0; terse < 2; terse++) {
        snprintf(title, size, "Round %d proposal: %d change%s, %d restart%s, from %s",
                 review->round, review->n, review->n == 1 ? "" : "s", restarts,
                 restarts == 1 ? "" : "s", review->proposal.advisor.text);
        size_t used = strlen(title);
        if (sets >= 2)
            snprintf(title + used, size - used, "; %d alternatives%s", sets,
                     terse ? "" : " are screened first");
        if (restarts > 0)
            say_restart(m, title, size);
        if (text_width(title) <= width)
            return;
    }
}

enum { TITLE_FRAME = 6 }; /* what the frame takes of a title's line */

void dialog_review(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    const struct review *review = &m->session.round.review;
    const struct dialog *d = &m->screen.dialog;
    char title[200];
    int summary = review->proposal.summary[0] ? 2 : 0;
    int others = review->others[0] ? 1 : 0;
    int w = screen.w > 150 ? 150 : screen.w;
    say_title(m, w - TITLE_FRAME, title, sizeof title);
    int detail = detail_want(c, review, w - 4);
    struct review_rows rows;
    rows_of(review, &rows);
    int want = rows.n + summary + others + detail + 4;
    struct rect in = dialog_open(c, screen, w, want, title, m, t);
    if (summary && wrap_draw(c, (struct rect){in.y, in.x, summary, in.w}, STYLE_AI,
                             review->proposal.summary, 0) > summary)
        canvas_put(c, in.y + summary - 1, in.x + in.w - 2, 2, STYLE_AI, " \xe2\x80\xa6");
    if (others)
        canvas_put_cut(c, in.y + summary, in.x, in.w, STYLE_WARN, review->others);
    summary += others;
    /* Neither takes more than half of what there is from the other. */
    int room = in.h - summary - 2, half = room / 2, listed = rows.n;
    if (detail > room - (listed < half ? listed : half))
        detail = room - (listed < half ? listed : half);
    struct rect list = {in.y + summary, in.x, in.h - summary - detail - 2, in.w};
    if (list.h < 1)
        list.h = 1;
    int at = review->cursor < review->n ? review->cursor : review->n - 1;
    int y = list.y + list.h;
    canvas_hline(c, y, in.x - 2, in.w + 4, STYLE_FOCUS);
    draw_list(c, list, review, at, d, cursor);
    if (at >= 0)
        draw_detail(c, (struct rect){y + 1, in.x, in.y + in.h - y - 2, in.w}, &review->lines[at],
                    model_of(review), d, cursor);
    draw_state(c, in, in.y + in.h - 1, review, d);
}
