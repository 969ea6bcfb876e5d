/* keys.h - turns the bytes of a terminal into keys and pasted text, as pure data.
 *
 * The terminal's own sequences are read strictly: one that is not known is swallowed whole, so that
 * its letters are never taken for commands. A lone ESC is a key only when nothing followed it for the
 * escape delay; the caller measures that and says so (`idle`). */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"
#include "pgd/base/key.h"

/* Modifiers in struct key's rune beside a named key (KEYN_LEFT with KEY_MOD_CTRL: a word to the left). */
enum key_mod { KEY_MOD_SHIFT = 1, KEY_MOD_ALT = 2, KEY_MOD_CTRL = 4 };

enum { KEYS_PASTE_MAX = 64 * 1024 }; /* what is longer is cut */

enum keys_got {
    KEYS_NOTHING, /* nothing, or not enough yet: see keys_waiting() */
    KEYS_KEY,
    KEYS_PASTE
};

struct keys {
    unsigned char bytes[4096];
    size_t len, pos;
    bool pasting;
    bool after_cr;    /* in a paste: CR LF is one line end */
    struct buf paste; /* owned */
};

/* Takes up to n bytes; returns how many were taken (fewer only when keys_next() was not drained). */
size_t keys_feed(struct keys *k, const void *data, size_t n);
/* The next key or paste. With KEYS_PASTE the text (UTF-8 as it came, CR turned to LF) is appended to
 * *paste. idle: no byte came for the escape delay, what is incomplete is decided now. */
enum keys_got keys_next(struct keys *k, bool idle, struct key *key, struct buf *paste);
/* True if something incomplete waits, so that keys_next() must be called with idle after the delay. */
bool keys_waiting(const struct keys *k);
void keys_clear(struct keys *k);
