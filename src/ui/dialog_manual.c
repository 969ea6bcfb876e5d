/* dialog_manual.c - a change or a restart that the DBA makes: why, what, how far it is, and the text to run. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/tuning/manual.h"
#include "pgd/ui/dialog.h"

static void say_what(struct dialog_text *text, const struct model *m)
{
    const struct apply *a = &m->apply;
    const char *verb = a->undoing           ? "Please take this change back"
                       : m->session.by_hand ? "Please make this change"
                                            : "Please restart the server";
    dialog_say(text, STYLE_HEADING, "%s, for \"%s\"%s.", verb, a->goal.label,
               a->restart && m->session.by_hand ? ": it needs a restart, too" : "");
    if (m->session.by_hand && m->way.why[0])
        dialog_say(text, STYLE_NORMAL, "%s Nothing is sent from here.", m->way.why);
    else if (!m->session.by_hand)
        dialog_say(text, STYLE_NORMAL,
                   "ALTER SYSTEM has been sent; the restart is yours, whenever it suits.");
    if (a->undoing && a->err.msg[0])
        dialog_say(text, STYLE_WARN, "It is given up: %s.", a->err.msg);
}

static unsigned style_of(enum manual_seen seen)
{
    return seen == MANUAL_IN_FORCE ? STYLE_GOOD : seen == MANUAL_HIDDEN ? STYLE_BAD : STYLE_WARN;
}

static void say_settings(struct dialog_text *text, const struct apply *a)
{
    for (int i = 0; i < a->n; i++) {
        const struct entry *to = a->undoing ? &a->before[i] : &a->to[i];
        enum manual_seen seen = (enum manual_seen)a->manual.seen[i];
        char now[64] = "";
        if (seen != MANUAL_IN_FORCE && a->manual.now[i][0])
            snprintf(now, sizeof now, ", it is %s", a->manual.now[i]);
        dialog_pair(text, to->name, style_of(seen), "%s  (%s%s)",
                    to->present ? to->value : "its default", manual_seen_name(seen), now);
    }
}

/* Line by line, as it stands in the file: what is copied from the screen must run. */
static void say_text(struct dialog_text *text, const struct buf *b)
{
    size_t from = 0;
    while (from < b->len) {
        const char *line = b->data + from;
        const char *end = memchr(line, '\n', b->len - from);
        size_t n = end ? (size_t)(end - line) : b->len - from;
        dialog_say(text, STYLE_CODE, "%.*s", (int)n, line);
        from += n + 1;
    }
}

static void say_manual(struct dialog_text *text, const struct model *m)
{
    const struct apply *a = &m->apply;
    char since[32];
    say_what(text, m);
    dialog_gap(text);
    say_settings(text, a);
    if (a->manual.trouble[0])
        dialog_say(text, STYLE_WARN, "The last look brought nothing: %s", a->manual.trouble);
    dialog_gap(text);
    say_text(text, &a->manual.text);
    dialog_gap(text);
    if (a->manual.exported)
        dialog_say(text, STYLE_DIM, "It stands in %s", a->env.manual_path);
    text_age(since, sizeof since, (double)(m->now_us - a->manual.since_us) / 1e6);
    dialog_say(text, STYLE_DIM,
               "Looked at every 3 s in a fresh session; waiting for %s. The budget stands still.",
               since);
}

void dialog_manual(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    dialog_page(c, screen, 100, m->session.by_hand ? "Yours to change" : "Yours to restart", m, t,
                say_manual, cursor);
}
