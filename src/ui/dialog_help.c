/* dialog_help.c - the help: what is in front first, then all keys and commands. What is typed after '/' leaves the lines that hold
 * it. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/ui/pane_view.h"

static const struct {
    unsigned where;
    const char *title;
} places[] = {
    {KEY_IN_MAIN, "Everywhere"},   {KEY_IN_RUN, "While a session runs"},
    {KEY_IN_TREE, "Session tree"}, {KEY_IN_VIEWS, "Live views"},
    {KEY_IN_REVIEW, "Proposal"},   {KEY_IN_VERDICT, "Verdict"},
    {KEY_IN_PLAN, "Plan"},         {KEY_IN_DIALOG, "Dialogs"},
    {KEY_IN_PROMPT, "Prompt"},     {KEY_IN_REPLAY, "Recording"},
};

/* What each pane and dialog shows, in a sentence or two. */
static const char *const pane_help[PANE_COUNT] = {
    [PANE_TREE] = "The workspace as a tree: sessions with their baseline and rounds.",
    [PANE_BENCH] = "Transactions per second in time, with lines for baseline, best and target; "
                   "below it the run under way and the last one.",
    [PANE_TELEMETRY] = "Load, CPU, disk, WAL, cache, memory and waits, second by second. "
                       "A '!' marks what left its usual range: Enter explains it.",
    [PANE_AI] = "What the advisor says and everything that the program does, newest at the end.",
    [PANE_ROUNDS] = "A line a round: its effect, its verdict, and what it changed.",
};

static const struct {
    enum dialog_kind kind;
    const char *name, *help;
} dialog_help_rows[] = {
    {DIALOG_STRATEGY, "Offers", "What could be tuned here; one is picked."},
    {DIALOG_PLAN, "Plan",
     "What the session will do, and at most for how long. Each field can be "
     "edited; nothing begins before g."},
    {DIALOG_TARGET, "Target", "The goal, from what was measured at the start."},
    {DIALOG_REVIEW, "Proposal",
     "Changes, each with its price. Every line needs an answer; nothing "
     "that restarts is preset."},
    {DIALOG_VERDICT, "Verdict", "What the round brought, with its interval."},
    {DIALOG_SUMMARY, "Summary", "What the session has proven, and what it leaves on the server."},
    {DIALOG_RECOVER, "Interrupted session", "What an earlier run left; resume it, or undo it."},
    {DIALOG_STATUS, "Status", "Links, server, session and advisor as they stand."},
    {DIALOG_STUCK, "You must act", "What is to be done by hand, as the program cannot."},
    {DIALOG_ERROR, "Error", "What went wrong, why, and what to do."},
    {DIALOG_PAUSE, "Pause",
     "With what the server is left until the session goes on; or it ends here."},
    {DIALOG_AGAIN, "A session is paused", "Go on with it, or begin another one beside it."},
    {DIALOG_QUIT, "Leave?", "A session runs: leaving pauses it."},
    {DIALOG_START, "Start", "Recent workspaces; or another server, or the demo."},
    {DIALOG_MANUAL, "Yours to change", "A change that you make; the program waits for it."},
    {DIALOG_NOTICE, "Before the first request", "What would leave this machine, and to whom."},
    {DIALOG_MODEL, "Models", "The models that the provider names; one is picked."},
    {DIALOG_HEALTH, "Health", "What needs care, the worst first."},
    {DIALOG_ADVICE, "Beyond settings",
     "Indexes, statistics, tables: statements with their undo. Nothing is run from here."},
    {DIALOG_COST, "Cost", "Requests, tokens, money and time."},
    {DIALOG_PREVIEW, "Next request", "What a model would be sent, byte by byte."},
    {DIALOG_HOSTS, "Links by ssh", "How the links to other machines stand, and why not."},
    {DIALOG_SESSIONS, "Sessions", "The sessions of the workspace."},
    {DIALOG_SIGNAL, "Ending", "A session, or its statement, is to be ended: its pid confirms it."},
    {DIALOG_VIEWS, "Live views", "What can be watched in place of the panes; one is picked."},
    {DIALOG_RENAME, "A title", "For the screen; folder and name stay as they are."},
    {DIALOG_DELETE, "Delete", "Type the session's name and Enter; Esc keeps it."},
    {DIALOG_THEME, "Themes", "Each is shown as the cursor comes to it; Enter keeps it."},
};

/* One pass over all of it; a heading is said once a line of its part is. */
struct help {
    struct dialog_text text;
    const struct model *m;
    const struct view_tables *t;
    const char *sought; /* "" = all */
    const char *heading;
    const char *also; /* words of the line that are not shown, but found */
    bool any;
};

static void say_line(struct help *h, const char *left, int width, const char *right)
{
    struct dialog_text *d = &h->text;

    if (*h->sought && !strcasestr(left, h->sought) && !strcasestr(right, h->sought) &&
        !(h->also && strcasestr(h->also, h->sought)))
        return;
    if (h->heading) {
        if (h->any)
            dialog_gap(d);
        dialog_say(d, STYLE_HEADING, "%s", h->heading);
    }
    h->heading = NULL;
    h->any = true;
    int y = d->line++ - d->skip;
    if (y < 0 || y >= d->r.h)
        return;
    canvas_put_cut(d->c, d->r.y + y, d->r.x + 1, width - 1, STYLE_KEY, left);
    canvas_put_cut(d->c, d->r.y + y, d->r.x + width + 1, d->r.w - width - 1, STYLE_NORMAL, right);
}

static void say_keys(struct help *h, unsigned where)
{
    char shown[48];

    for (int i = 0; i < h->t->nkeys; i++) {
        const struct key_row *k = &h->t->keys[i];
        if (!(k->where & where) || !view_key_there(h->m, k))
            continue;
        view_key_shown(h->m, k, shown, sizeof shown);
        h->also = k->what;
        say_line(h, shown, 14, k->help && *k->help ? k->help : k->what);
        h->also = "";
    }
}

/* "Enter go on  e edit": a line each. */
static void say_pairs(struct help *h, const char *keys)
{
    while (*keys) {
        const char *gap = strstr(keys, "  ");
        size_t pair = gap ? (size_t)(gap - keys) : strlen(keys), key = strcspn(keys, " ");
        char left[48], right[120] = "";
        if (key > pair)
            key = pair;
        snprintf(left, sizeof left, "%.*s", (int)(key < 47 ? key : 47), keys);
        if (key < pair)
            snprintf(right, sizeof right, "%.*s",
                     (int)(pair - key - 1 < 119 ? pair - key - 1 : 119), keys + key + 1);
        if (*left)
            say_line(h, left, 14, right);
        keys += pair;
        while (*keys == ' ')
            keys++;
    }
}

static void say_sentence(struct help *h, const char *text)
{
    if (*h->sought)
        return;
    dialog_say(&h->text, STYLE_HEADING, "%s", h->heading);
    dialog_say(&h->text, STYLE_NORMAL, "%s", text);
    h->heading = NULL;
    h->any = true;
}

/* What lies under the help. */
static void say_here(struct help *h, char *title, size_t size)
{
    enum dialog_kind under = h->m->screen.dialog.under;
    struct buf keys = {0};

    h->heading = title;
    if (under != DIALOG_NONE) {
        snprintf(title, size, "Here: this dialog");
        for (size_t i = 0; i < ARRAY_LEN(dialog_help_rows); i++)
            if (dialog_help_rows[i].kind == under) {
                snprintf(title, size, "Here: %s", dialog_help_rows[i].name);
                say_sentence(h, dialog_help_rows[i].help);
            }
        dialog_keys_of(h->m, h->t, under, &keys);
        say_pairs(h, buf_text(&keys));
        buf_clear(&keys);
        return;
    }
    if (h->m->live.at) {
        snprintf(title, size, "Here: the view %s", h->m->live.at->title);
        say_sentence(h, h->m->live.at->help);
        h->heading = "Keys of this view";
        say_keys(h, pane_view_keys(h->m) & KEY_IN_VIEWS);
        return;
    }
    enum pane p = h->m->screen.focus;
    if ((unsigned)p >= PANE_COUNT)
        return;
    snprintf(title, size, "Here: the pane %s", pane_table[p].title);
    say_sentence(h, pane_help[p] ? pane_help[p] : "");
    if (p == PANE_TREE)
        say_keys(h, KEY_IN_TREE);
    if (pane_table[p].keys)
        say_pairs(h, pane_table[p].keys);
}

static void say_bound(struct help *h)
{
    const struct choices *c = &h->m->screen.choices;
    char key[32];

    h->heading = "Keys of your own (config)";
    for (int i = 0; i < c->nbound; i++) {
        key_text(c->bound[i].key, key, sizeof key);
        if (h->t->actions)
            say_line(h, key, 14, h->t->actions[c->bound[i].command]);
    }
}

static void say_commands(struct help *h)
{
    char left[64];

    h->heading = "Commands (in the prompt)";
    for (int i = 0; i < h->t->ncommands; i++) {
        const struct command_row *k = &h->t->commands[i];
        snprintf(left, sizeof left, "/%s %s", k->name, k->args ? k->args : "");
        say_line(h, left, 25, k->help);
    }
}

static int say_all(struct help *h)
{
    char here[96] = "";

    say_here(h, here, sizeof here);
    say_bound(h);
    for (size_t p = 0; p < ARRAY_LEN(places); p++) {
        bool decides = places[p].where & (KEY_IN_REVIEW | KEY_IN_VERDICT | KEY_IN_PLAN);
        if (decides && h->m->opt.readonly)
            continue;
        if (h->m->replay_note[0] && places[p].where != KEY_IN_REPLAY) /* nothing else works there */
            continue;
        h->heading = places[p].title;
        say_keys(h, places[p].where);
    }
    if (!h->m->replay_note[0])
        say_commands(h);
    if (!h->any)
        dialog_say(&h->text, STYLE_DIM, "Nothing holds \"%s\".", h->sought);
    return h->text.line;
}

void dialog_help(struct canvas *c, struct rect screen, const struct model *m,
                 const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    struct rect in = dialog_open(c, screen, 92, screen.h, "Keyboard help", m, t);

    if (!t || in.h < 1)
        return;
    if (d->editing || d->input_len > 0) {
        int x = in.x + canvas_put(c, in.y, in.x, 8, STYLE_LABEL, "search: ");
        if (d->editing)
            dialog_input(c, in.y, x, in.w - 8, d, cursor);
        else
            canvas_put_cut(c, in.y, x, in.w - 8, STYLE_VALUE, d->input);
        in.y++;
        in.h--;
    }
    struct help h = {.m = m, .t = t, .sought = d->input};
    h.text = (struct dialog_text){.c = c, .r = {0, 0, 0, in.w}};
    int lines = say_all(&h);
    cursor->scroll = list_scroll(d->scroll, -1, in.h, lines);
    h = (struct help){.m = m, .t = t, .sought = d->input};
    h.text = (struct dialog_text){.c = c, .r = in, .skip = cursor->scroll};
    (void)say_all(&h);
    if (lines > in.h)
        list_more(c, in, cursor->scroll, lines);
}
