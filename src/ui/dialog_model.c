/* dialog_model.c - who is asked: the notice before the first request, the choice of a model, what it has cost, the bytes of the
 * next request, and the trust in a file of wishes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/base/clock.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

const char *dialog_privacy(enum privacy p)
{
    switch (p) {
    case PRIVACY_STRICT:
        return "strict: figures and names of settings; no name of yours, no statement";
    case PRIVACY_REDACTED:
        return "redacted: names of tables and columns too; literals, comments, hosts, users, "
               "databases and addresses are replaced by aliases";
    case PRIVACY_FULL:
        return "full: texts as they are, without passwords and keys";
    }
    return "";
}

static void say_notice(struct dialog_text *t, const struct model *m)
{
    const struct partner *p = &m->partner;
    dialog_say(t, STYLE_WARN, "The advisor is a model: what it is asked %s.",
               endpoint_loopback(&p->endpoint)
                   ? "goes to another program of this machine, which may pass it on"
                   : "leaves this machine");
    dialog_gap(t);
    dialog_pair(t, "where to", STYLE_VALUE, "%s", p->endpoint.base);
    dialog_pair(t, "model", STYLE_VALUE, "%s (%s)", p->endpoint.model, partner_kind_name(p->kind));
    dialog_pair(t, "at most", STYLE_VALUE,
                "\xe2\x89\x88 $%.2f or %d calls a session, then builtin answers", p->cap_usd,
                p->cap_calls);
    dialog_gap(t);
    dialog_say(t, STYLE_NORMAL,
               "What is sent: figures and settings of the server and its host, plans, and your "
               "questions. Never a password or a key.");
    dialog_say(t, STYLE_VALUE, "Level %s.", dialog_privacy(p->privacy));
    dialog_say(t, STYLE_NORMAL,
               "On a free tier a provider may use what is sent to train its models: look at its "
               "terms.");
    dialog_say(t, STYLE_NORMAL,
               "Each request is kept in the workspace, redacted. /privacy changes the level, w "
               "shows the next request before it goes.");
    dialog_gap(t);
    dialog_say(t, STYLE_WARN, "y  send it");
    dialog_say(t, STYLE_WARN, "n  the builtin advisor: nothing leaves");
    dialog_say(t, STYLE_WARN, "w  look at the first request, then decide");
}

void dialog_notice(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 92, "Before the first request", m, t, say_notice, cursor);
}

static void price_text(const struct model *m, const char *name, char *dst, size_t size)
{
    const struct model_price *p = prices_find(&m->partner.prices, name, m->wall_us);
    if (p && isfinite(p->in) && isfinite(p->out))
        snprintf(dst, size, "$%6.2f in  $%6.2f out  %s", p->in, p->out, p->note);
    else
        snprintf(dst, size, "price unknown");
}

void dialog_model(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    const struct partner *p = &m->partner;
    struct rect in = dialog_open(c, screen, 100, 6 + (p->nmodels > 2 ? p->nmodels : 2), "Model", m,
                                 t);
    if (p->gone[0])
        canvas_printf(c, in.y, in.x, in.w, STYLE_BAD, "%s is gone: pick another", p->gone);
    else
        canvas_printf(c, in.y, in.x, in.w, STYLE_LABEL,
                      "now: %s; prices \xe2\x89\x88 a million tokens, %s",
                      p->kind == PARTNER_BUILTIN ? "builtin" : p->endpoint.model, p->prices.as_of);
    int y = in.y + 1, rows = in.h - 3;
    if (p->nmodels == 0)
        canvas_put_cut(c, y, in.x, in.w, STYLE_DIM,
                       p->models_err.msg[0] ? p->models_err.msg
                       : p->models_asked
                           ? "the list of models is on its way"
                           : "the list of models comes once it is agreed that anything is sent");
    int scroll = list_scroll(0, d->cursor, rows, p->nmodels), widest = 16;
    for (int i = 0; i < p->nmodels; i++)
        widest = text_width(p->models[i]) > widest ? text_width(p->models[i]) : widest;
    widest = widest < in.w / 2 ? widest : in.w / 2;
    for (int i = scroll; i < p->nmodels && i < scroll + rows; i++) {
        char price[200];
        if (p->gone[0] && strcmp(p->models[i], p->gone) == 0)
            snprintf(price, sizeof price, "gone: it does not answer");
        else
            price_text(m, p->models[i], price, sizeof price);
        canvas_printf(c, y + i - scroll, in.x, in.w, STYLE_NORMAL, "%s %-*s  %s",
                      i == d->cursor ? "\xe2\x96\xb8" : " ", widest, p->models[i], price);
        if (i == d->cursor && !d->editing)
            canvas_restyle(c, (struct rect){y + i - scroll, in.x, 1, in.w}, STYLE_SELECTED);
    }
    list_more(c, (struct rect){y, in.x, rows, in.w}, scroll, p->nmodels);
    y = in.y + in.h - 1;
    if (!d->editing && !d->error[0])
        canvas_put_cut(c, y, in.x, in.w, STYLE_DIM,
                       "e: another name; gemini, openai and builtin change the provider");
    if (d->editing) {
        canvas_put(c, y, in.x, 8, STYLE_LABEL, "model:");
        dialog_input(c, y, in.x + 8, in.w - 8, d, cursor);
    } else if (d->error[0]) {
        canvas_put_cut(c, y, in.x, in.w, STYLE_BAD, d->error);
    }
}

static void say_spent(struct dialog_text *t, const char *name, const struct spent *s)
{
    char in[24], out[24];
    text_grouped(in, sizeof in, (double)s->in);
    text_grouped(out, sizeof out, (double)(s->out + s->thinking));
    dialog_pair(t, name, STYLE_VALUE, "\xe2\x89\x88 $%.4f, %d call%s in %.0f s, %d from the cache",
                s->usd, s->calls, s->calls == 1 ? "" : "s", s->seconds, s->cached_calls);
    dialog_pair(t, "", STYLE_VALUE, "tokens: %s in (%lld cached), %s out (%lld thinking)", in,
                (long long)s->cached, out, (long long)s->thinking);
    if (s->unpriced)
        dialog_pair(t, "", STYLE_WARN, "%d call%s of unknown price: stopped, failed or not listed",
                    s->unpriced, s->unpriced == 1 ? "" : "s");
}

enum {
    CALL_WIDTH = 74
}; /* of the columns below; what else is to be said stands behind them or below */

static void say_call(struct dialog_text *t, const struct call_note *n)
{
    const char *none = n->failed && n->usd <= 0 ? "-" : "?"; /* refused, or nobody has told */
    const char *note = n->from_cache ? "from the cache" : n->why;
    unsigned style = n->failed ? STYLE_BAD : STYLE_NORMAL;
    bool beside = t->r.w >= CALL_WIDTH + text_width(note);
    char at[16], usd[24] = "?", tokens[40];
    clock_hms(n->wall_us, at, sizeof at);
    if (isfinite(n->usd))
        snprintf(usd, sizeof usd, "%.4f", n->usd);
    if (n->usage_known)
        snprintf(tokens, sizeof tokens, "%6d %6d %6d %6d", n->usage.in, n->usage.cached,
                 n->usage.thinking, n->usage.out);
    else
        snprintf(tokens, sizeof tokens, "%6s %6s %6s %6s", none, none, none, none);
    dialog_row_cut(t, style, "%-8s %-20.20s %s %8s %5.1f %s", at, op_row(n->op)->name, tokens, usd,
                   n->seconds, beside ? note : "");
    if (!beside)
        dialog_row_cut(t, style, "%9s%s", "", note);
}

static void say_cost(struct dialog_text *t, const struct model *m)
{
    const struct partner *p = &m->partner;
    dialog_pair(t, "advisor", STYLE_VALUE, "%s",
                p->kind == PARTNER_BUILTIN ? "builtin: it costs nothing" : p->endpoint.model);
    say_spent(t, "session", &p->session);
    say_spent(t, "workspace", &p->workspace);
    if (p->cap_usd > 0 || p->cap_calls > 0)
        dialog_pair(t, "caps",
                    p->capped      ? STYLE_BAD
                    : p->warned_80 ? STYLE_WARN
                                   : STYLE_VALUE,
                    "\xe2\x89\x88 $%.2f and %d calls a session%s", p->cap_usd, p->cap_calls,
                    p->capped      ? ": reached, the builtin advisor answers"
                    : p->warned_80 ? ": 80 % are used"
                                   : "");
    dialog_gap(t);
    dialog_row_cut(t, STYLE_HEADING, "%-8s %-20s %6s %6s %6s %6s %8s %5s", "at", "operation", "in",
                   "cached", "think", "out", "\xe2\x89\x88 $", "s");
    for (int i = p->ncalls - 1; i >= 0; i--)
        say_call(t, &p->calls[i]);
    dialog_gap(t);
    dialog_say(t, STYLE_LABEL, "Prices of %s; thinking is billed as output.", p->prices.as_of);
}

void dialog_cost(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 116, "Cost", m, t, say_cost, cursor);
}

/* Every character as it is sent: lines are broken at the edge, not at words, which would hide the blank there. */
static void say_preview(struct dialog_text *t, const struct model *m)
{
    const char *p = buf_text(&m->talk.preview);
    while (*p) {
        size_t len = strcspn(p, "\n"), fit = 0;
        for (int width = 0; fit < len;) {
            uint32_t rune = 0;
            size_t used = text_decode(p + fit, len - fit, &rune);
            width += text_rune_width(rune);
            if (width > t->r.w && fit > 0)
                break;
            fit += used;
        }
        dialog_row_cut(t, STYLE_CODE, "%.*s", (int)fit, p);
        p += fit;
        p += *p == '\n';
    }
}

void dialog_preview(struct canvas *c, struct rect screen, const struct model *m,
                    const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 140, "What the model would be sent now, byte by byte", m, t, say_preview,
                cursor);
}

static void say_trust(struct dialog_text *t, const struct model *m)
{
    const struct wishes *w = &m->advising.found;
    dialog_say(t, STYLE_WARN,
               "PGDIAG.md lies beside the workspace, and you have not seen it here "
               "as it is now.");
    dialog_gap(t);
    dialog_say(t, STYLE_CODE, "%s", w->text);
    dialog_gap(t);
    if (w->nnever > 0)
        dialog_say(t, STYLE_VALUE,
                   "%d setting%s that it names %s never touched, whatever you answer.", w->nnever,
                   w->nnever == 1 ? "" : "s", w->nnever == 1 ? "is" : "are");
    dialog_say(t, STYLE_WARN, "y: it is yours, tell it to the advisor.  n: only its limits count.");
}

void dialog_trust(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 100, "Whose wishes are these?", m, t, say_trust, cursor);
}
