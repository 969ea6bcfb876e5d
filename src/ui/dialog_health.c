/* dialog_health.c - the findings of the health check as a page: the worst first, each with its figure, why it matters and
 * what mends it. */
#include "pgd/agent/health.h"
#include "pgd/ui/dialog.h"

static unsigned style_of(enum health_grade g)
{
    switch (g) {
    case HEALTH_CRITICAL:
        return STYLE_BAD;
    case HEALTH_WARN:
        return STYLE_WARN;
    case HEALTH_OK:
        return STYLE_GOOD;
    case HEALTH_NOTE:
    case HEALTH_UNKNOWN:
        break;
    }
    return STYLE_LABEL;
}

static void say_finding(struct dialog_text *t, const struct health_finding *f)
{
    const struct health_check *c = f->check;
    const char *fix = f->said.fix[0] ? f->said.fix : c->fix;

    dialog_say(t, style_of(f->grade), "%s: %s%s%s", health_grade_name(f->grade), c->title,
               f->said.object[0] ? ": " : "", f->said.object);
    if (f->said.figure[0])
        dialog_say(t, STYLE_VALUE, "%s", f->said.figure);
    if (f->grade != HEALTH_UNKNOWN) {
        dialog_say(t, STYLE_NORMAL, "%s", c->why);
        if (fix)
            dialog_say(t, STYLE_AI, "%s", fix);
    }
    dialog_gap(t);
}

static void say_health(struct dialog_text *t, const struct model *m)
{
    const struct health *h = &m->health;
    char summary[200];

    health_summary(h, summary, sizeof summary);
    dialog_say(t, STYLE_TITLE, "%s", summary);
    int minutes = (int)((m->now_us - m->fl.discovered_us) / 60000000);
    if (minutes > 0)
        dialog_say(t, STYLE_LABEL,
                   "Settings, totals and host are those of %d min ago, when the server was looked "
                   "at; tables, indexes and sessions are of now.",
                   minutes);
    dialog_gap(t);
    for (int i = 0; i < h->n; i++)
        say_finding(t, &h->found[i]);
    if (h->left_out)
        dialog_say(t, STYLE_WARN, "%d more findings are not shown", h->left_out);
}

void dialog_health(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 110, "Health", m, t, say_health, cursor);
}
