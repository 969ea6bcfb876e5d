/* dialog_ask.c - the answer below a dialog: read without leaving what is to be decided. */
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"

bool dialog_asks(enum dialog_kind kind)
{
    switch (kind) {
    case DIALOG_REVIEW:
    case DIALOG_VERDICT:
    case DIALOG_MANUAL:
    case DIALOG_PLAN:
    case DIALOG_TARGET:
    case DIALOG_STRATEGY:
    case DIALOG_RECOVER:
    case DIALOG_SUMMARY:
    case DIALOG_ERROR:
    case DIALOG_STUCK:
    case DIALOG_PAUSE:
    case DIALOG_STATUS:
        return true;
    default:
        return false;
    }
}

int dialog_ask_rows(const struct model *m, struct rect body)
{
    if (!m->talk.panel || model_dialog(m) == DIALOG_NONE || body.h < 14)
        return 0;
    return body.h / 3 > 14 ? 14 : body.h / 3;
}

/* Question and answer as one text; what has come of an answer that is under way. */
static void panel_text(const struct model *m, struct buf *out)
{
    const struct talk *t = &m->talk;
    if (t->state != TALK_IDLE && t->now.aside) {
        buf_printf(out, "> %s\n", t->now.text);
        pane_live(m, 0, out);
    } else {
        buf_puts(out, buf_text(&t->answer));
    }
}

int dialog_ask_most(const struct model *m, struct rect body)
{
    struct buf text = {0};
    char call[240];
    pane_call(m, call, sizeof call);
    int rows = dialog_ask_rows(m, body) - 2 - (call[0] ? 1 : 0);
    panel_text(m, &text);
    int most = wrap_count(buf_text(&text), body.w - 4) - rows;
    buf_clear(&text);
    return most > 0 ? most : 0;
}

void dialog_ask(struct canvas *c, struct rect r, const struct model *m)
{
    struct buf text = {0};
    char call[240];
    bool open = m->talk.state != TALK_IDLE;
    pane_call(m, call, sizeof call);
    struct rect in = list_dialog(c, r, r.w, r.h, "Answer",
                                 open ? "Esc stops" : "PgUp PgDn scroll  Esc close");
    panel_text(m, &text);
    if (call[0] && in.h > 1) {
        canvas_put_cut(c, in.y + in.h - 1, in.x + 1, in.w - 2, STYLE_WARN, call);
        in.h--;
    }
    in.x++;
    in.w -= 2;
    int lines = wrap_count(buf_text(&text), in.w);
    int skip = lines - in.h - m->talk.panel_scroll;
    wrap_draw(c, in, STYLE_AI, buf_text(&text), skip > 0 ? skip : 0);
    list_more(c, in, skip > 0 ? skip : 0, lines);
    buf_clear(&text);
}
