/* canvas.h - a grid of cells that the views draw on and that term.c, tests and goldens read.
 *
 * A cell holds a character, its style and its width; a style is a role (what the text means), never a
 * colour: palette.c turns roles into colours and attributes. All text goes in through canvas_put(), which
 * replaces everything that could drive a terminal, so nothing that came from outside can reach the screen
 * as a control sequence. Positions are rows and columns from 0; what lies outside the clip is not drawn. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "pgd/base/buf.h"

/* The role of a piece of text. Meaning is never in the style alone: a glyph or a word stands beside it. */
enum style {
    STYLE_NORMAL,
    STYLE_DIM,     /* less important: units, old values, what is not chosen */
    STYLE_TITLE,   /* the title of a pane or dialog */
    STYLE_BORDER,  /* lines around panes */
    STYLE_FOCUS,   /* title and lines of the pane that has the keys */
    STYLE_HEADING, /* column headings and sections inside a pane */
    STYLE_KEY,     /* a key's name in help and key lines */
    STYLE_LABEL,   /* what a figure is called */
    STYLE_VALUE,   /* the figure itself */
    STYLE_GOOD,
    STYLE_BAD,
    STYLE_WARN,
    STYLE_INFO,
    STYLE_GRAPH1,
    STYLE_GRAPH2,
    STYLE_GRAPH3,
    STYLE_GRAPH4,
    STYLE_REFERENCE, /* baseline, best and target lines of a graph */
    STYLE_SELECTED,  /* the row under the cursor */
    STYLE_STATUS,
    STYLE_STATUS_ALERT,
    STYLE_PROMPT,
    STYLE_USER, /* what the DBA said */
    STYLE_AI,   /* what the advisor said */
    STYLE_CODE, /* SQL and other text that is meant literally */
    STYLE_COUNT
};

/* Attributes that may be or-ed to a role. */
#define STYLE_BOLD 0x100U
#define STYLE_REVERSE 0x200U
#define STYLE_UNDERLINE 0x400U
#define STYLE_ROLE(s) ((s)&0xffU)

struct rect {
    int y, x, h, w;
};

struct cell {
    uint32_t rune;
    uint32_t mark;  /* one combining character, or 0 */
    uint16_t style; /* enum style and attributes */
    uint8_t width;  /* 1, 2, or 0 for the right half of a wide character */
    uint8_t lines;  /* arms of a drawn line, so that crossing lines join; 0 for text */
};

struct canvas {
    int rows, cols;
    struct cell *cells; /* owned; rows * cols */
    struct rect clip;
    int cursor_y, cursor_x; /* -1: no cursor */
    bool ascii;             /* what is read out (canvas_shown, canvas_text) is 7-bit */
    bool plain;             /* no line is drawn: a frame is its title and blanks */
};

struct canvas *canvas_new(int rows, int cols);
void canvas_free(struct canvas *c); /* NULL is fine */
/* Changes the size and clears; sizes are held within 1..1000. */
void canvas_resize(struct canvas *c, int rows, int cols);
/* All blank in STYLE_NORMAL, no clip, no cursor. */
void canvas_clear(struct canvas *c);

struct rect canvas_area(const struct canvas *c); /* all of it */
/* r without a frame of n cells. */
struct rect rect_inset(struct rect r, int n);
struct rect rect_meet(struct rect a, struct rect b); /* empty (h or w 0) when they do not meet */

/* Narrows the clip to its meeting with r; returns the former one, for canvas_unclip(). */
struct rect canvas_clip(struct canvas *c, struct rect r);
void canvas_unclip(struct canvas *c, struct rect former);

/* Writes text (UTF-8, untrusted) into at most width columns (-1: up to the clip's edge); a wide character
 * that does not fit whole is left out. Returns the columns used. */
int canvas_put(struct canvas *c, int y, int x, int width, unsigned style, const char *text);
/* The same for the first n bytes of text. */
int canvas_put_n(struct canvas *c, int y, int x, int width, unsigned style, const char *text,
                 size_t n);
/* The same, and where the text is longer than width its last column shows an ellipsis. */
int canvas_put_cut(struct canvas *c, int y, int x, int width, unsigned style, const char *text);
/* Right-aligned in width columns, cut as above. */
int canvas_put_right(struct canvas *c, int y, int x, int width, unsigned style, const char *text);
/* Formatted; at most 1023 bytes. */
int canvas_printf(struct canvas *c, int y, int x, int width, unsigned style, const char *fmt, ...)
    PGD_PRINTF(6, 7);
/* One character that the program itself chose (graph dots, marks); unsafe ones are replaced too. */
void canvas_rune(struct canvas *c, int y, int x, unsigned style, uint32_t rune);

void canvas_fill(struct canvas *c, struct rect r, unsigned style); /* blanks */
/* Changes the style of cells and leaves their text: selection bars. */
void canvas_restyle(struct canvas *c, struct rect r, unsigned style);
/* Lines join with the lines that they meet or cross. */
void canvas_hline(struct canvas *c, int y, int x, int width, unsigned style);
void canvas_vline(struct canvas *c, int y, int x, int height, unsigned style);
/* A frame with a title in its upper line (NULL or "" for none). */
void canvas_box(struct canvas *c, struct rect r, unsigned style, const char *title,
                unsigned title_style);
void canvas_cursor(struct canvas *c, int y, int x); /* dropped when it is outside the clip */

const struct cell *canvas_at(const struct canvas *c, int y, int x); /* NULL outside */
unsigned canvas_style_at(const struct canvas *c, int y, int x);     /* STYLE_NORMAL outside */
/* The character that a terminal gets: the same, or a 7-bit look-alike when ascii is set. */
uint32_t canvas_shown(const struct canvas *c, uint32_t rune);
/* Appends the rows as lines of text without their trailing blanks. */
void canvas_text(const struct canvas *c, struct buf *out);
/* One row of the same; true if it holds `part`. For tests. */
bool canvas_row_has(const struct canvas *c, int y, const char *part);
bool canvas_has(const struct canvas *c, const char *part); /* in any row */
