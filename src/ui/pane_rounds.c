/* pane_rounds.c - one row for each round of the session: what was changed and what it brought. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "pgd/agent/past.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

/* "work_mem 64MB, random_page_cost 1.1" */
static void changes_text(const struct round_history *h, struct buf *out)
{
    for (int i = 0; i < h->n; i++)
        if (h->measured >> i & 1)
            buf_printf(out, "%s%s %s", out->len ? ", " : "", h->changes[i].name,
                       h->changes[i].reset ? "reset" : h->changes[i].value);
    int screened = past_sets_of(h, SET_SCREENED), down = past_sets_of(h, SET_TURNED_DOWN);
    bool more = out->len > 0;
    if (screened > 0)
        buf_printf(out, "%s%d alternative%s screened%s", more ? " (" : "", screened,
                   screened == 1 ? "" : "s", more ? "" : ", no gain");
    if (down > 0)
        buf_printf(out, "%s%d rejected", screened > 0 ? ", " : more ? " (" : "", down);
    if (more && (screened > 0 || down > 0))
        buf_puts(out, ")");
}

static void draw_round(struct canvas *c, int y, struct rect r, const struct round_history *h,
                       bool stands)
{
    const struct verdict *v = &h->verdict;
    char effect[24] = "-";
    if (isfinite(v->ratio) && !h->failed)
        text_percent(effect, sizeof(effect), v->ratio);
    const char *word = h->failed ? "failed" : verdict_name(v->kind);
    unsigned style = h->failed ? STYLE_BAD : pane_verdict_style(v->kind);
    canvas_printf(c, y, r.x, 3, STYLE_VALUE, "R%d", h->number);
    canvas_put_right(c, y, r.x + 3, 8, style, effect);
    int x = r.x + 12 + canvas_put_cut(c, y, r.x + 12, r.w - 12, style, word);
    if (r.w < 60)
        return;
    x = r.x + 26;
    canvas_put(c, y, x, 9, h->kept && stands ? STYLE_GOOD : STYLE_DIM,
               h->kept && stands ? "kept" : "undone");
    if (isfinite(v->tps_b))
        canvas_printf(c, y, x + 8, 16, STYLE_NORMAL, "%7.0f TPS", v->tps_b);
    struct buf text = {0};
    changes_text(h, &text);
    canvas_put_cut(c, y, x + 22, r.w - 48, STYLE_LABEL, buf_text(&text));
    buf_clear(&text);
}

static void draw_baseline(struct canvas *c, int y, struct rect r, const struct session *s)
{
    const char *each = r.w >= 90 && s->nhistory > 1 ? "; each round is over the best before it"
                                                    : "";
    char floor_text[40] = "";
    if (isfinite(s->floor) && r.w >= 36)
        snprintf(floor_text, sizeof(floor_text), "  noise \xc2\xb1%.1f %%", s->floor * 100);
    canvas_printf(c, y, r.x, r.w, STYLE_NORMAL, "baseline %.0f TPS%s%s", s->baseline_tps,
                  floor_text, each);
}

/* What the best state is over the start, "in all": a row of a round is what that round has added. */
static void draw_best(struct canvas *c, int y, struct rect r, const struct session *s)
{
    char effect[24], tps[48], source[96];
    struct gain g;

    session_gain(s, &g);
    if (g.by == GAIN_UNKNOWN) {
        canvas_printf(c, y, r.x, r.w, STYLE_GOOD, "best %.0f TPS", s->best_tps);
        return;
    }
    text_percent(effect, sizeof effect, g.ratio);
    gain_tps(&g, tps, sizeof tps);
    gain_said(&g, source, sizeof source);
    if (r.w >= 60)
        canvas_printf(c, y, r.x, r.w, STYLE_GOOD, "in all %s; %s", source, tps);
    else
        canvas_printf(c, y, r.x, r.w, STYLE_GOOD, "in all %s %.0f TPS", effect, g.tps_after);
}

void pane_rounds(struct canvas *c, struct rect r, const struct model *m)
{
    const struct session *s = &m->session;
    int y = r.y, end = r.y + r.h;
    if (s->state == SESSION_NONE || !isfinite(s->baseline_tps)) {
        wrap_draw(c, r, STYLE_DIM,
                  s->state == SESSION_NONE ? "No rounds yet: a tuning session measures here."
                                           : "The baseline is being measured first.",
                  0);
        return;
    }
    draw_baseline(c, y++, r, s);
    int scroll = list_scroll(m->screen.scroll[PANE_ROUNDS], -1, end - y - 1, s->nhistory);
    if (s->nhistory > r.h - 2 && m->screen.focus != PANE_ROUNDS)
        scroll = s->nhistory - (r.h - 2);
    for (int i = scroll < 0 ? 0 : scroll; i < s->nhistory && y < end - 1; i++)
        draw_round(c, y++, r, &s->history[i], model_best_stands(m));
    if (y < end && isfinite(s->best_tps) && s->best_tps > 0 && model_best_stands(m))
        draw_best(c, y++, r, s);
    for (int i = 0; i < dialog_comparison_rows(m) && y < end; i++) {
        char text[200];
        dialog_comparison_row(m, i, text, sizeof text);
        canvas_put_cut(c, y++, r.x, r.w, STYLE_VALUE, text);
    }
}
