/* dialog_pause.c - with what the server is left running while a session is paused. */
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/workspace/session_rows.h"

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

/* The end, as at a verdict. */
static void say_end(struct dialog_text *text, const struct model *m)
{
    char least[24], most[24], effect[24];
    const struct flow_now *now = &m->fl.now;

    dialog_gap(text);
    if (m->session.final.kind == VERDICT_IMPROVED) {
        text_percent(effect, sizeof effect, m->session.final.ratio);
        dialog_say(text, STYLE_NORMAL,
                   "s ends the session here: this state stays, confirmed with %s; exports and "
                   "hand-over are offered.",
                   effect);
        return;
    }
    text_age(least, sizeof least, now->confirm_s);
    text_age(most, sizeof most, now->confirm_s + now->ablate_s);
    dialog_say(text, STYLE_NORMAL,
               "Or end the session with what was won: s confirms this state first (%s%s%s), S "
               "keeps it at once and claims nothing. Exports and hand-over are offered then.",
               least, now->ablate_s > 0 ? " to " : "", now->ablate_s > 0 ? most : "");
}

static void say_pause(struct dialog_text *text, const struct model *m)
{
    dialog_say(text, STYLE_WARN, "%s is stopped, and is going to be paused.", m->session.name);
    dialog_say_best(text, m);
    say_end(text, m);
}

/* ---- a session is asked for, and one is paused ---- */

static void say_again(struct dialog_text *text, const struct model *m)
{
    const char *name = session_rows_open(m);
    int row = session_rows_find(&m->workspace, name);
    const struct session_row *r = row >= 0 ? &m->workspace.sessions[row] : NULL;
    char age[24];

    dialog_say(text, STYLE_WARN, "%s is %s.", name,
               r && r->state == SESSION_ACTIVE ? "interrupted" : "paused");
    if (r) {
        text_age(age, sizeof age, ((double)m->wall_us - (double)r->changed_wall_us) / 1e6);
        dialog_say(text, STYLE_NORMAL, "%s: %d round%s done%s%s%s.", r->strategy, r->rounds,
                   r->rounds == 1 ? "" : "s", r->changed_wall_us > 0 ? "; left " : "",
                   r->changed_wall_us > 0 ? age : "", r->changed_wall_us > 0 ? " ago" : "");
    }
    dialog_gap(text);
    dialog_say(text, STYLE_NORMAL,
               "r goes on with it, after telling where it was. n begins a new session: what is in "
               "force now is then its start, and this one stays paused.");
}

void dialog_again(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 84, "A session is paused", m, t, say_again, cursor);
}

void dialog_pause(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 84, "Paused: what does the server run with?", m, t, say_pause, cursor);
}
