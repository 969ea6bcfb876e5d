/* editor.h - a line editor over text that somebody else owns: the prompt, a field of a dialog, a script. */
#pragma once

#include <stdbool.h>

#include "pgd/base/key.h"
#include "pgd/ui/canvas.h"

/* What is edited: UTF-8, always NUL-terminated and cleaned. Pointers are borrowed. */
struct editor {
    char *text;
    int size;     /* bytes of text with its NUL: the bound of what can be typed */
    int *len;     /* bytes in use */
    int *at;      /* byte of the cursor, at a character */
    bool is_area; /* several lines: Enter makes one, Up and Down move, Ctrl-D submits */
};

enum editor_did {
    EDITOR_IGNORED, /* not an editing key */
    EDITOR_MOVED,
    EDITOR_CHANGED,
    EDITOR_SUBMIT,
    EDITOR_CANCEL
};

/* Keys as in a shell: arrows, Home End Ctrl-A Ctrl-E, Ctrl-Left Ctrl-Right Alt-B Alt-F by words, Backspace
 * Delete Ctrl-D, Ctrl-W and Alt-D a word, Ctrl-U to the start, Ctrl-K to the end, Ctrl-J and Alt-Enter a new
 * line, Enter, Esc. Up and Down are ignored unless there is a line to go to. */
enum editor_did editor_key(struct editor *ed, struct key k);
/* Inserts pasted text: line ends are kept, other controls dropped. False if it was cut at the bound. */
bool editor_insert(struct editor *ed, const char *text, size_t n);
/* Replaces everything; the cursor goes to the end. */
void editor_set(struct editor *ed, const char *text);
/* Draws the line in one row, scrolled sideways so that the cursor shows; line ends appear as a sign. Gives
 * the cursor's column. */
void editor_draw(const struct editor *ed, struct canvas *c, int y, int x, int width, unsigned style,
                 int *cursor_x);
/* Draws several lines, scrolled so that the cursor shows. */
void editor_draw_area(const struct editor *ed, struct canvas *c, struct rect r, unsigned style,
                      int *cursor_y, int *cursor_x);
