/* dialog_finder.c - lists that follow each key: commands and actions by their letters, themes as they look. */
#include <stdio.h>
#include <string.h>

#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/ui/palette.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

/* How well the letters fit: 0 = not at all; the whole word in front is best, then a word's begin, then letters in that order. */
static int fits(const char *letters, const char *text)
{
    const char *found = strcasestr(text, letters);

    if (!*letters)
        return 1;
    if (found)
        return found == text ? 4 : found[-1] == ' ' || found[-1] == '-' ? 3 : 2;
    for (; *letters; letters++, text++) {
        while (*text && lower(*text) != lower(*letters))
            text++;
        if (!*text)
            return 0;
    }
    return 1;
}

/* How many lines ago the command was given last; a large number = not in what is remembered. */
static int lines_ago(const struct model *m, const char *name)
{
    const struct prompt *p = &m->screen.prompt;
    size_t n = strlen(name);

    for (int i = p->nhistory - 1; i >= 0; i--) {
        const char *line = p->history[i];
        if (line[0] == '/' && strncmp(line + 1, name, n) == 0 &&
            (line[n + 1] == '\0' || line[n + 1] == ' '))
            return p->nhistory - i;
    }
    return HISTORY_LINES + 1;
}

static const struct key_row *key_of(const struct view_tables *t, const char *action)
{
    for (int i = 0; t->actions && i < t->nkeys; i++)
        if (t->keys[i].command && strcmp(t->actions[t->keys[i].command], action) == 0)
            return &t->keys[i];
    return NULL;
}

static bool is_command(const struct view_tables *t, const char *action)
{
    for (int i = 0; i < t->ncommands; i++)
        if (strcmp(t->commands[i].name, action) == 0)
            return true;
    return false;
}

/* Sorted in as it comes: the better fit first, then the later used, then the table's order. */
static void add(struct finder_row *out, int *n, struct finder_row row)
{
    int at = *n;

    if (*n == FINDER_MAX)
        return;
    while (at > 0 &&
           (out[at - 1].fit < row.fit || (out[at - 1].fit == row.fit && out[at - 1].ago > row.ago)))
        at--;
    memmove(&out[at + 1], &out[at], (size_t)(*n - at) * sizeof *out);
    out[at] = row;
    (*n)++;
}

int dialog_finder_list(const struct model *m, const struct view_tables *t,
                       struct finder_row out[FINDER_MAX])
{
    const char *letters = m->screen.dialog.input;
    int n = 0;

    letters += *letters == '/';
    for (int i = 0; i < t->ncommands; i++) {
        const struct command_row *c = &t->commands[i];
        int fit = fits(letters, c->name);
        if (!fit && strlen(letters) > 2 && strcasestr(c->help, letters))
            fit = 1;
        if (fit)
            add(out, &n, (struct finder_row){c, key_of(t, c->name), fit, lines_ago(m, c->name)});
    }
    for (int i = 0; t->actions && i < t->nkeys; i++) {
        const struct key_row *k = &t->keys[i];
        const char *name = t->actions[k->command];
        if (!k->command || !(k->where & KEY_IN_MAIN) || is_command(t, name) ||
            !view_key_there(m, k) || key_of(t, name) != k || strcmp(name, "commands") == 0)
            continue;
        if (fits(letters, name))
            add(out, &n, (struct finder_row){NULL, k, fits(letters, name), HISTORY_LINES + 1});
    }
    return n;
}

static void draw_row(struct canvas *c, int y, struct rect in, const struct finder_row *row,
                     const struct model *m, const struct view_tables *t)
{
    char name[64], key[48] = "";
    int right = in.w > 70 ? 12 : 7;

    if (row->command)
        snprintf(name, sizeof name, "/%s %s", row->command->name, row->command->args);
    else
        snprintf(name, sizeof name, "%s", t->actions[row->key->command]);
    if (row->key)
        view_key_shown(m, row->key, key, sizeof key);
    canvas_put_cut(c, y, in.x + 1, 24, STYLE_VALUE, name);
    canvas_put_cut(c, y, in.x + 26, in.w - 27 - right, STYLE_NORMAL,
                   row->command ? row->command->help : row->key->help);
    canvas_put_right(c, y, in.x + in.w - right, right - 1, STYLE_KEY, key);
}

void dialog_finder(struct canvas *c, struct rect screen, const struct model *m,
                   const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    struct finder_row rows[FINDER_MAX];
    struct rect in = dialog_open(c, screen, 100, 22, "Commands", m, t);
    int n = t ? dialog_finder_list(m, t, rows) : 0;
    int at = d->cursor < n ? d->cursor : n - 1, room = in.h - 2;

    if (in.h < 2)
        return;
    int x = in.x + canvas_put(c, in.y, in.x, 2, STYLE_PROMPT, "> ");
    dialog_input(c, in.y, x, in.w - 2, d, cursor);
    if (n == 0)
        canvas_put(c, in.y + 2, in.x + 1, in.w - 1, STYLE_DIM, "no command has these letters");
    int skip = list_scroll(0, at, room, n);
    for (int i = skip; i < n && i < skip + room; i++) {
        int y = in.y + 2 + i - skip;
        draw_row(c, y, in, &rows[i], m, t);
        if (i == at)
            canvas_restyle(c, (struct rect){y, in.x, 1, in.w}, STYLE_SELECTED);
    }
    if (n > room && room > 0)
        list_more(c, (struct rect){in.y + 2, in.x, room, in.w}, skip, n);
}

static const char *const theme_words[][2] = {
    {"dark", "for a dark ground"},
    {"light", "for a light ground"},
    {"high-contrast", "strong colours on black, nothing dimmed"},
    {"mono", "bold and reverse only"},
    {"terminal", "the colours that the terminal has been given"},
};

void dialog_theme(struct canvas *c, struct rect screen, const struct model *m,
                  const struct view_tables *t, struct view_cursor *cursor)
{
    const struct dialog *d = &m->screen.dialog;
    struct rect in = dialog_open(c, screen, 64, 10, "Themes", m, t);

    (void)cursor;
    for (int i = 0; theme_at(i) && i < in.h; i++) {
        const char *name = theme_at(i)->name;
        canvas_printf(c, in.y + i, in.x, in.w, STYLE_NORMAL, "%s %-14s",
                      i == d->cursor ? "\xe2\x96\xb8" : " ", name);
        for (size_t w = 0; w < ARRAY_LEN(theme_words); w++)
            if (strcmp(theme_words[w][0], name) == 0)
                canvas_put_cut(c, in.y + i, in.x + 18, in.w - 18, STYLE_DIM, theme_words[w][1]);
        if (i == d->cursor)
            canvas_restyle(c, (struct rect){in.y + i, in.x, 1, in.w}, STYLE_SELECTED);
    }
    if (in.h > 6) { /* what the eye compares */
        int x = in.x + canvas_put(c, in.y + 6, in.x, 8, STYLE_GOOD, "+12.0 % ");
        x += canvas_put(c, in.y + 6, x, 12, STYLE_BAD, "regressed ");
        x += canvas_put(c, in.y + 6, x, 12, STYLE_WARN, "RESTART ");
        x += canvas_put(c, in.y + 6, x, 12, STYLE_LABEL, "wal ");
        x += canvas_put(c, in.y + 6, x, 12, STYLE_VALUE, "41 MB/s ");
        canvas_put(c, in.y + 6, x, 20, STYLE_CODE, "ALTER SYSTEM");
    }
}
