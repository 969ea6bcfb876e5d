/* Names of keys, as the help and the traces print them. */
#include "pgd/base/key.h"

#include <stdio.h>

#include "pgd/base/text.h"

static const char *const names[] = {
    [KEYN_NONE] = "",
    [KEYN_ESC] = "Esc",
    [KEYN_ENTER] = "Enter",
    [KEYN_TAB] = "Tab",
    [KEYN_BACKTAB] = "Shift-Tab",
    [KEYN_BACKSPACE] = "Backspace",
    [KEYN_DELETE] = "Delete",
    [KEYN_INSERT] = "Insert",
    [KEYN_UP] = "Up",
    [KEYN_DOWN] = "Down",
    [KEYN_LEFT] = "Left",
    [KEYN_RIGHT] = "Right",
    [KEYN_HOME] = "Home",
    [KEYN_END] = "End",
    [KEYN_PGUP] = "PgUp",
    [KEYN_PGDN] = "PgDn",
    [KEYN_F1] = "F1",
    [KEYN_CTRL] = "Ctrl-",
};

void key_text(struct key k, char *dst, size_t size)
{
    char rune[5] = "";
    if (k.name == KEYN_NONE && k.rune == ' ') {
        text_copy_raw(dst, size, "Space");
        return;
    }
    if (k.name == KEYN_NONE || k.name == KEYN_CTRL) {
        uint32_t shown = k.rune;
        if (k.name == KEYN_CTRL && shown >= 'a' && shown <= 'z')
            shown -= 'a' - 'A';
        rune[text_encode(text_rune_safe(shown) ? shown : 0xfffd, rune)] = '\0';
    }
    const char *name = (size_t)k.name < sizeof names / sizeof names[0] ? names[k.name] : "";
    snprintf(dst, size, "%s%s", name, rune);
}
