/* term.h - the terminal: modes, keys in, frames out. term.c is the only file that includes curses.
 *
 * There is one terminal, so there is one of these; all calls come from the loop's thread. Signals are the
 * caller's: on WINCH it calls term_resized(), on TSTP (or the key Ctrl-Z) term_suspend(), and it ends with
 * term_close(), which also runs at exit(), in die() and, in its shortest form, when the program crashes. */
#pragma once

#include <stdbool.h>

#include "pgd/base/buf.h"
#include "pgd/base/err.h"
#include "pgd/base/key.h"
#include "pgd/ui/canvas.h"
#include "pgd/ui/graph.h"

struct term_opts {
    const char *theme;     /* NULL = dark */
    bool no_color;         /* attributes alone; also with a non-empty NO_COLOR in the environment */
    enum graph_kind graph; /* GRAPH_AUTO = by what the terminal can show */
    int log_fd; /* what is written to fd 2 goes there while the screen is on; -1 = /dev/null */
};

struct term_info {
    char name[64];         /* TERM */
    int colours;           /* 0, 8 or 256, as used */
    bool utf8;             /* the locale's encoding */
    bool ascii;            /* 7-bit output: set it in every canvas */
    bool sync;             /* frames are wrapped in synchronized output */
    enum graph_kind graph; /* never GRAPH_AUTO */
    const char *theme;
};

enum term_input {
    TERM_NOTHING, /* nothing (more) to read now */
    TERM_KEY,
    TERM_PASTE,
    TERM_LOST /* the terminal is gone: end */
};

/* Takes the terminal over: alternate screen, raw keys, bracketed paste. Errors (no terminal, TERM unknown
 * or too simple, unknown theme) are ERR_USAGE with a hint, and leave everything as it was. */
PGD_MUST_CHECK bool term_open(const struct term_opts *opts, struct err *e);
/* Gives it back exactly as it was. May be called at any time and more than once. */
void term_close(void);
bool term_is_open(void);
const char *term_library(void);          /* "ncurses 6.4.20221231" */
const struct term_info *term_info(void); /* valid after term_open() */
/* Another theme, at once; false if there is none of that name. The next term_paint() draws all. */
bool term_theme(const char *name);

/* Becomes readable when term_read() has something to do; -1 when closed. It is not the terminal itself, so
 * that a poller may change its flags. */
int term_fd(void);
/* One key or paste (*paste is appended to); call until TERM_NOTHING. Never blocks. */
enum term_input term_read(struct key *key, struct buf *paste);

void term_size(int *rows, int *cols);
/* Asks the kernel for the size. True if it changed: the next paint draws everything. */
bool term_resized(void);
/* Puts the canvas on the screen, as few bytes as it takes. False when the terminal does not take output
 * now (a stopped or slow line): nothing was drawn, paint again later. */
bool term_paint(const struct canvas *c);
void term_redraw(void); /* Ctrl-L: the next paint repeats everything */
/* Stops the program as Ctrl-Z in a shell does and returns when it goes on; the next paint draws all. The size may
 * have changed meanwhile: ask term_resized(). */
void term_suspend(void);
/* Leaves the screen to a program that we run, and takes it back. In between nothing is read or painted, and
 * term_is_open() is false; the descriptor of term_fd() has changed nothing, but must not be watched. */
void term_lend(void);
void term_take_back(void);
/* Reports of the mouse (KEYN_CLICK, KEYN_WHEEL_*): off as long as nobody asks, and again at the end, however that comes. */
void term_mouse(bool on);
/* The window's title, cleaned; NULL or "" gives back the one before. For terminals that know it. */
void term_title(const char *text);
void term_bell(void);
/* Whether the terminal is of a kind that takes text for the clipboard (OSC 52). */
bool term_copies(void);
/* Copies text to the clipboard (at most 74 994 bytes); false if the terminal is not of that kind. */
bool term_copy(const char *text);
