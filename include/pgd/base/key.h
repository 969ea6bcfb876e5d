/* key.h - one key press as the terminal gave it, with names instead of curses codes. */
#pragma once

#include <stdbool.h>
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
    KEYN_F2,
    KEYN_F3,
    KEYN_F4,
    KEYN_F5,
    KEYN_F6,
    KEYN_F7,
    KEYN_F8,
    KEYN_F9,
    KEYN_F10,
    KEYN_F11,
    KEYN_F12,
    KEYN_CTRL, /* control with the letter in rune: Ctrl-C is {KEYN_CTRL, 'c'} */
    KEYN_ALT,  /* Alt with the letter in rune: those that edit a line, b d f */
    /* the mouse, with its cell in rune: row * KEY_CELL + column */
    KEYN_CLICK,
    KEYN_WHEEL_UP,
    KEYN_WHEEL_DOWN
};

enum { KEY_CELL = 0x10000 };

struct key {
    enum key_name name;
    uint32_t rune;
};

/* "Ctrl-C", "Enter", "a", "F1": for help texts and traces. */
void key_text(struct key k, char *dst, size_t size);
/* The key of such a text; case counts for a single character alone. False: it names none. */
bool key_parse(const char *text, struct key *k);
bool key_same(struct key a, struct key b);
/* Is it this character, typed by itself? */
bool key_is(struct key k, char c);
