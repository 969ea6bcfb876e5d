/* offers.c - see offers.h. A kind of argument is a row of `sources` and a function that hands its words over. */
#include "pgd/app/offers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "pgd/app/commands.h"
#include "pgd/base/text.h"
#include "pgd/ui/palette.h"
#include "pgd/workspace/export.h"

struct offers {
    const char *head; /* what stands before the word: "/resume " */
    int head_len;
    const char *part; /* the word as far as it is typed */
    bool fuzzy;       /* second pass: those that do not begin with it */
    char (*out)[64];
    int n, max;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

bool offers_fuzzy(const char *part, const char *word)
{
    for (; *part; part++, word++) {
        while (*word && lower(*word) != lower(*part))
            word++;
        if (!*word)
            return false;
    }
    return true;
}

static void offer(struct offers *o, const char *word, const char *behind)
{
    bool begins = strncasecmp(word, o->part, strlen(o->part)) == 0;
    char line[256];
    int len;

    if (o->n == o->max || begins == o->fuzzy || (!begins && !offers_fuzzy(o->part, word)))
        return;
    len = snprintf(line, sizeof line, "%.*s%s%s", o->head_len, o->head, word, behind);
    if (len > 0 && len < 64) /* a cut name is none */
        text_copy_raw(o->out[o->n++], 64, line);
}

static void offer_commands(struct offers *o, bool with_args)
{
    int n;
    const struct command_row *rows = commands_table(&n);

    for (int i = 0; i < n; i++)
        offer(o, rows[i].name, with_args && rows[i].args[0] ? " " : "");
}

/* Of "[go|undo]" each word. */
static void offer_words(struct offers *o, const char *args)
{
    while (*args) {
        char word[32];
        size_t skip = strspn(args, "[]| "), n = strcspn(args + skip, "[]| ");
        snprintf(word, sizeof word, "%.*s", (int)n, args + skip);
        if (n > 0)
            offer(o, word, "");
        args += skip + n;
    }
}

static void offer_sessions(struct offers *o, const struct model *m, bool open)
{
    const struct workspace *w = &m->workspace;

    for (int i = 0; i < w->nsessions; i++) {
        const struct session_row *r = &w->sessions[i];
        if (!open || r->state == SESSION_PAUSED || r->state == SESSION_ACTIVE)
            offer(o, r->name, "");
    }
}

static void offer_models(struct offers *o, const struct model *m)
{
    offer(o, "builtin", "");
    offer(o, "gemini", "");
    offer(o, "openai", "");
    for (int i = 0; i < m->partner.nmodels; i++)
        offer(o, m->partner.models[i], "");
}

static void offer_arguments(struct offers *o, const struct model *m, const struct command_row *row)
{
    switch ((enum command_takes)row->takes) {
    case TAKES_COMMAND:
        offer_commands(o, false);
        break;
    case TAKES_EXPORT:
        offer(o, "workspace", "");
        for (int i = 0; export_kind_at(i); i++)
            offer(o, export_kind_at(i)->name, "");
        break;
    case TAKES_SETTING:
        for (int i = 0; i < m->server.settings.n; i++)
            offer(o, m->server.settings.items[i].name, "");
        break;
    case TAKES_SESSION:
    case TAKES_PAUSED:
        offer_sessions(o, m, row->takes == TAKES_PAUSED);
        break;
    case TAKES_LEVEL:
        for (int i = PRIVACY_STRICT; i <= PRIVACY_FULL; i++)
            offer(o, privacy_name((enum privacy)i), "");
        offer(o, "show", " ");
        break;
    case TAKES_MODEL:
        offer_models(o, m);
        break;
    case TAKES_THEME:
        for (int i = 0; theme_at(i); i++)
            offer(o, theme_at(i)->name, "");
        break;
    case TAKES_VIEW:
        for (int i = 0; i < tableview_count; i++)
            offer(o, tableview_list[i].name, "");
        offer(o, "off", "");
        break;
    case TAKES_WORDS:
        offer_words(o, row->args);
        break;
    case TAKES_NOTHING:
    case TAKES_TEXT:
        break;
    }
}

int offers_complete(const void *arg, const char *text, char out[][64], int max)
{
    struct offers o = {.head = text, .out = out, .max = max};
    const char *blank = strrchr(text, ' ');
    const struct command_row *row = NULL;

    if (*text != '/')
        return 0;
    o.part = blank ? blank + 1 : text + 1;
    o.head_len = (int)(o.part - text);
    if (blank)
        row = commands_row(text + 1);
    for (int pass = 0; pass < 2; pass++) {
        o.fuzzy = pass == 1;
        if (!blank)
            offer_commands(&o, true);
        else if (row)
            offer_arguments(&o, arg, row);
    }
    return o.n;
}
