/* finder.c - see finder.h. */
#include "pgd/app/finder.h"

#include <stdio.h>
#include <string.h>

#include "pgd/app/commands.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/keep.h"
#include "pgd/app/keys.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/editor.h"
#include "pgd/ui/list.h"
#include "pgd/ui/palette.h"
#include "pgd/ui/prompt.h"

void finder_open(struct model *m)
{
    m->screen.prompt.focus = false;
    dialogs_open(m, DIALOG_COMMANDS);
}

/* The theme before stands in the title: what Esc goes back to. */
void finder_open_themes(struct model *m)
{
    struct dialog *d;

    dialogs_open(m, DIALOG_THEME);
    d = &m->screen.dialog;
    text_copy_raw(d->title, sizeof d->title, m->screen.theme);
    for (int i = 0; theme_at(i); i++)
        if (theme_at(i) == theme_find(m->screen.theme[0] ? m->screen.theme : "dark"))
            d->cursor = i;
}

static int moves(struct key k)
{
    bool ctrl = k.name == KEYN_CTRL;

    if (k.name == KEYN_UP || (ctrl && k.rune == 'p'))
        return -1;
    if (k.name == KEYN_DOWN || (ctrl && k.rune == 'n'))
        return 1;
    return k.name == KEYN_PGUP ? -8 : k.name == KEYN_PGDN ? 8 : 0;
}

static void move(struct dialog *d, int by, int rows)
{
    d->cursor += by;
    if (d->cursor >= rows)
        d->cursor = rows - 1;
    if (d->cursor < 0)
        d->cursor = 0;
}

/* What takes an argument is written into the prompt, what takes none is done. */
static void take(struct model *m, const struct finder_row *row, struct effects *fx)
{
    char line[64];

    dialogs_close(m);
    if (!row->command) {
        keys_run(m, row->key->command, fx);
        return;
    }
    snprintf(line, sizeof line, "/%s%s", row->command->name, row->command->args[0] ? " " : "");
    if (row->command->args[0]) {
        m->screen.prompt.focus = true;
        prompt_set(&m->screen.prompt, line);
        return;
    }
    keep_line(m, line, fx);
    prompt_remember(&m->screen.prompt, line);
    commands_run(m, line + 1, fx);
}

static bool commands_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    struct editor ed = {
        .text = d->input, .size = FINDER_TEXT_MAX, .len = &d->input_len, .at = &d->input_at};
    struct finder_row rows[FINDER_MAX];
    int n = dialog_finder_list(m, keys_tables(), rows);

    if (moves(k)) {
        move(d, moves(k), n);
        return true;
    }
    switch (editor_key(&ed, k)) {
    case EDITOR_CANCEL:
        dialogs_close(m);
        break;
    case EDITOR_SUBMIT:
        move(d, 0, n);
        if (n > 0)
            take(m, &rows[d->cursor], fx);
        break;
    case EDITOR_CHANGED:
        d->cursor = 0;
        break;
    case EDITOR_MOVED:
    case EDITOR_IGNORED:
        break;
    }
    return true;
}

static bool theme_key(struct model *m, struct key k, struct effects *fx)
{
    struct dialog *d = &m->screen.dialog;
    int n = 0;
    char name[16];

    while (theme_at(n))
        n++;
    if (k.name == KEYN_ESC || key_is(k, 'q')) {
        text_copy_raw(m->screen.theme, sizeof m->screen.theme, d->title[0] ? d->title : "dark");
        dialogs_close(m);
    } else if (k.name == KEYN_ENTER) {
        text_copy_raw(name, sizeof name, theme_at(d->cursor)->name);
        dialogs_close(m);
        keep_choice(m, "theme", name, fx);
    } else {
        (void)list_move(&d->cursor, k, n);
        text_copy_raw(m->screen.theme, sizeof m->screen.theme, theme_at(d->cursor)->name);
    }
    return true;
}

bool finder_key(struct model *m, struct key k, struct effects *fx)
{
    return m->screen.dialog.kind == DIALOG_THEME ? theme_key(m, k, fx) : commands_key(m, k, fx);
}
