/* list.h - what panes and dialogs share: wrapped text, scrolling, framed layers, rows with a label. */
#pragma once

#include "pgd/base/key.h"
#include "pgd/ui/canvas.h"

/* Walks a text line by line, broken at words to fit a width. Start with {.text = …, .width = …}. */
struct wrap {
    const char *text; /* borrowed */
    int width;
    size_t at;
    bool done;
};
/* The next line (without its break); false at the end. An empty text has one empty line. */
bool wrap_next(struct wrap *w, const char **line, size_t *len);
int wrap_count(const char *text, int width);
/* Draws at most r.h lines from line `skip` on; returns how many lines the text has. */
int wrap_draw(struct canvas *c, struct rect r, unsigned style, const char *text, int skip);

/* The first row to show, so that row `cursor` (-1: none) is visible and no room is wasted. */
int list_scroll(int scroll, int cursor, int rows, int total);
/* Moves *cursor over `rows` rows as every list does: by one (Up, Down, k, j), by ten (PgUp, PgDn), to an end (Home, End,
 * g, G), never out of the rows. False: k is no such key, and the cursor is at most brought back to them. */
bool list_move(int *cursor, struct key k, int rows);
/* In the last row's right end: how many rows are hidden above or below. */
void list_more(struct canvas *c, struct rect r, int scroll, int total);

/* A layer in the middle of `screen`: cleared, framed, titled, with its keys in the lower line ("Enter go  Esc
 * later": each word before a blank is drawn as a key). w and h are with the frame and are cut to the
 * screen. Returns the inside. */
struct rect list_dialog(struct canvas *c, struct rect screen, int w, int h, const char *title,
                        const char *keys);
/* Draws "k what  k what" with the keys in STYLE_KEY; whole pairs only. Returns the columns used. */
int list_keys(struct canvas *c, int y, int x, int width, unsigned style, const char *keys);
/* A label and its value in one row; the value starts at column `tab`. Returns the columns used. */
int list_field(struct canvas *c, int y, int x, int width, int tab, const char *label,
               unsigned style, const char *value);
