/* dialog_pause.c - with what the server is left running while a session is paused. */
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"

bool dialog_can_go_back(const struct model *m)
{
    const struct session *s = &m->session;

    return !s->by_hand && !arm_same(&s->best, &s->start) && m->fl.decision != DECIDE_MANUAL;
}

void dialog_say_best(struct dialog_text *text, const struct model *m)
{
    const struct arm *best = &m->session.best;

    dialog_gap(text);
    dialog_say(text, STYLE_NORMAL, "The best state so far is in force:");
    for (int i = 0; i < best->n; i++) {
        const struct entry *e = &best->entries[i];
        const char *first = session_first(&m->session, e->name);
        dialog_pair(text, e->name, STYLE_VALUE, "%s%s%s", e->present ? e->value : "reset",
                    *first ? ", before the session " : "", first);
    }
    dialog_gap(text);
    dialog_say(text, STYLE_NORMAL,
               "Keep it until the session goes on, or bring the server back to how it was before? "
               "Nothing that was measured is lost; to go on brings the best state back.");
}

static void say_pause(struct dialog_text *text, const struct model *m)
{
    dialog_say(text, STYLE_WARN, "%s is stopped, and is going to be paused.", m->session.name);
    dialog_say_best(text, m);
}

void dialog_pause(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 84, "Paused: what does the server run with?", m, t, say_pause, cursor);
}
