/* mouse.c - see mouse.h. */
#include "pgd/app/mouse.h"

#include "pgd/app/dialogs.h"
#include "pgd/app/keys.h"
#include "pgd/ui/layout.h"

enum { WHEEL_LINES = 3 };

static bool within(struct rect r, int y, int x)
{
    return y >= r.y && y < r.y + r.h && x >= r.x && x < r.x + r.w;
}

/* The pane at a cell; PANE_COUNT = none. The focused one lies over the lines that it shares. */
static enum pane pane_at(const struct model *m, int y, int x)
{
    struct layout l;

    view_layout(m, m->screen.focus, &l);
    if (layout_shows(&l, m->screen.focus) && within(l.panes[m->screen.focus], y, x))
        return m->screen.focus;
    for (int p = 0; p < PANE_COUNT; p++)
        if (layout_shows(&l, (enum pane)p) && within(l.panes[p], y, x))
            return (enum pane)p;
    return PANE_COUNT;
}

void mouse_key(struct model *m, struct key k, struct effects *fx)
{
    struct key arrow = {k.name == KEYN_WHEEL_UP ? KEYN_UP : KEYN_DOWN, 0};
    enum pane had = m->screen.focus, at;

    if (!m->screen.choices.mouse)
        return;
    if (model_dialog(m) != DIALOG_NONE) {
        for (int i = 0; k.name != KEYN_CLICK && i < WHEEL_LINES; i++)
            (void)dialogs_key(m, arrow, fx);
        return;
    }
    at = pane_at(m, (int)(k.rune / KEY_CELL), (int)(k.rune % KEY_CELL));
    if (at != PANE_COUNT)
        m->screen.focus = at;
    if (k.name == KEYN_CLICK) { /* whoever shows the key line shows the prompt above it */
        m->screen.prompt.focus = (int)(k.rune / KEY_CELL) == m->screen.rows - 2;
        return;
    }
    for (int i = 0; at != PANE_COUNT && i < WHEEL_LINES; i++)
        keys_run(m, k.name == KEYN_WHEEL_UP ? KC_UP : KC_DOWN, fx);
    m->screen.focus = had; /* the wheel moves what is under the pointer, and nothing else */
}
