#pragma once
/*
 * A terminal for tests: runs a program on a pty, feeds what it writes to libvterm, and lets a test look at the cells and
 * type keys. A test states what must *eventually* be on the screen; on failure the whole screen is printed.
 *
 * Timeouts are in milliseconds and are multiplied by PGD_TIME_SCALE (set for sanitizer builds; less than 1 where a failure is
 * what is waited for). All functions that assert do so through cmocka on the calling thread. With PGD_TEST_CASE only the case of
 * that name is run.
 */
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <termios.h>

struct screen;

struct screen_options {
    const char *program;     /* NULL: the program under test, $PGD_PROGRAM */
    const char *const *argv; /* arguments after the program's name, NULL-terminated; NULL: none */
    const char *const *env;  /* "NAME=value" to set, "NAME" to unset, NULL-terminated; NULL: none */
    int rows;                /* 0: 36 */
    int cols;                /* 0: 120 */
};

struct screen_cell {
    char text
        [32]; /* UTF-8 with combining marks; "" for an empty cell or the right half of a wide one */
    int width; /* 1 or 2; 0 for the right half of a wide character */
    bool bold, underline, italic, blink, reverse, strike;
    bool fg_default, bg_default;
    int fg, bg; /* palette index, or 0x1000000 | rgb */
};

/*
 * Starts the program on a new pty with TERM=xterm-256color and a UTF-8 locale. Variables that would change what it does
 * (PG*, *_API_KEY, NO_COLOR, COLORTERM, COLUMNS, LINES) are not inherited. Fails the test when it cannot.
 */
struct screen *screen_open(const struct screen_options *options);

/* Ends the program (TERM, after 3 s KILL) if it still runs and frees everything. NULL is allowed. */
void screen_close(struct screen *s);

/* Reads what the program writes for that long, whatever it is. */
void screen_pump(struct screen *s, int ms);

/* Types: plain text, with keys as <Enter> <Esc> <Tab> <BTab> <BS> <Del> <Space> <Up> <Down> <Left> <Right> <Home> <End>
 * <PgUp> <PgDn> <F1>..<F12> <C-x> <A-x> <lt> (the character '<') <PasteBegin> <PasteEnd>. */
void screen_key(struct screen *s, const char *keys);

/* Writes bytes to the terminal's input as they are. */
void screen_write(struct screen *s, const void *bytes, size_t length);

void screen_resize(struct screen *s, int rows, int cols);

/* The rows as text, right-trimmed, each ended by a newline; valid until the next call for this screen. */
const char *screen_text(struct screen *s);

/* One row, right-trimmed; valid until the next call for this screen. */
const char *screen_row(struct screen *s, int row);

struct screen_cell screen_cell(struct screen *s, int row, int col);

/* Is the text on the screen now? */
bool screen_has(struct screen *s, const char *text);

/* Where the text starts, in cells, first from the top. False when it is not on the screen now. */
bool screen_find(struct screen *s, const char *text, int *row, int *col);

void screen_cursor(struct screen *s, int *row, int *col, bool *visible);
bool screen_is_alternate(struct screen *s); /* the full-screen buffer is on */
const char *
screen_title(struct screen *s); /* the window's title as set by the program, "" if none */
pid_t screen_pid(const struct screen *s);
struct termios
screen_termios(const struct screen *s); /* the line settings as the program left them */

/* All that the program ever wrote, the last 1 MiB of it. */
const char *screen_raw(struct screen *s, size_t *length);
/* Are these bytes among them? */
bool screen_wrote(struct screen *s, const char *bytes);

/* True as soon as the text is (no longer) on the screen, false when the time is over or the program has ended. */
bool screen_wait(struct screen *s, const char *text, int timeout_ms);
bool screen_wait_gone(struct screen *s, const char *text, int timeout_ms);
/* The same for a POSIX extended regular expression over the rows; ^ and $ match at the ends of a row. */
bool screen_wait_regex(struct screen *s, const char *regex, int timeout_ms);

/* The wait status (see waitpid) once the program has ended, or -1 when it still runs after the time. A report of a
 * sanitizer is printed. */
int screen_wait_exit(struct screen *s, int timeout_ms);

/* Prints the screen to stderr, with a ruler. */
void screen_dump(struct screen *s, const char *why);

void screen_expect_at(struct screen *s, const char *text, int timeout_ms, const char *file,
                      int line);
void screen_expect_gone_at(struct screen *s, const char *text, int ms, const char *file, int line);
void screen_expect_regex_at(struct screen *s, const char *regex, int ms, const char *file,
                            int line);
void screen_expect_exit_at(struct screen *s, int code, int timeout_ms, const char *file, int line);

/* The same as assertions: the test fails with a picture of the screen. */
#define screen_expect(s, text, ms) screen_expect_at((s), (text), (ms), __FILE__, __LINE__)
#define screen_expect_gone(s, text, ms) screen_expect_gone_at((s), (text), (ms), __FILE__, __LINE__)
#define screen_expect_regex(s, regex, ms) \
    screen_expect_regex_at((s), (regex), (ms), __FILE__, __LINE__)
/* The program ends by itself with that exit code. */
#define screen_expect_exit(s, code, ms) screen_expect_exit_at((s), (code), (ms), __FILE__, __LINE__)
