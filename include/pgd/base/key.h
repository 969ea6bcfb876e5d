/* key.h - one key press as the terminal gave it, with names instead of curses codes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum key_name {
    KEYN_NONE, /* a character: rune holds it */
    KEYN_ESC,
    KEYN_ENTER,
    KEYN_TAB,
    KEYN_BACKTAB,
    KEYN_BACKSPACE,
    KEYN_DELETE,
    KEYN_INSERT,
    KEYN_UP,
    KEYN_DOWN,
    KEYN_LEFT,
    KEYN_RIGHT,
    KEYN_HOME,
    KEYN_END,
    KEYN_PGUP,
    KEYN_PGDN,
    KEYN_F1,
    KEYN_CTRL /* control with the letter in rune: Ctrl-C is {KEYN_CTRL, 'c'} */
};

struct key {
    enum key_name name;
    uint32_t rune;
};

/* "Ctrl-C", "Enter", "a", "F1": for help texts and traces. */
void key_text(struct key k, char *dst, size_t size);
