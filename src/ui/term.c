/* term.c - the terminal, through curses for output and its own decoder for input.
 *
 * The terminal is opened anew as /dev/tty, once for reading and once for writing: a poller makes its file
 * description non-blocking, and that of fd 0 is shared with the shell and with our output. Output goes
 * through curses, which knows each terminal's padding and faults; a copy of the last frame keeps curses out
 * of rows that did not change. Everything here is the state of the one terminal. */
#ifndef _XOPEN_SOURCE_EXTENDED
#define _XOPEN_SOURCE_EXTENDED 1
#endif
#include "pgd/ui/term.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/timerfd.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

#include "pgd/base/text.h"
#include "pgd/ui/keys.h"
#include "pgd/ui/palette.h"

/* curses' headers define these as macros over everyday words. */
#undef lines
#undef columns

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define TERM_SANITIZED 1
#endif
#endif
#if defined(PGD_SANITIZED) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TERM_SANITIZED 1
#endif

enum {
    ESCAPE_MS = 25,   /* how long a lone ESC may be the start of a sequence */
    PASTE_MS = 500,   /* a paste without its end mark ends after this silence */
    SYNC_CELLS = 300, /* smaller frames leave in one write anyway */
    COPY_MAX = 74994, /* 100 000 bytes of sequence */
    PAIR_FIRST = 1
};

static struct {
    bool open, atexit_done;
    int in, out;      /* two descriptions of the same terminal */
    int epoll, timer; /* what the loop polls: input, or the end of the escape delay */
    int saved_err;    /* fd 2 as it was, -1 when not redirected */
    int log_fd;
    int escape_ms;
    FILE *in_file, *out_file;
    SCREEN *screen;
    struct termios saved_modes;
    struct term_info info;
    const struct theme *theme;
    attr_t attrs[STYLE_COUNT];
    short pairs[STYLE_COUNT];
    struct keys keys;
    bool timer_set, escape_over, lost;
    struct canvas *shown; /* what the screen holds */
    bool all_dirty;
    int cursor; /* curs_set() state: -1 unknown */
    bool paste_mode, osc52;
    bool mouse, titled; /* as the terminal has been told */
    bool lent;          /* another program has the screen */
    char title[200];
} t = {.in = -1, .out = -1, .epoll = -1, .timer = -1, .saved_err = -1, .log_fd = -1};

#define MOUSE_ON "\033[?1000h\033[?1006h"
#define MOUSE_OFF "\033[?1006l\033[?1000l"
#define TITLE_KEEP "\033[22;2t"
#define TITLE_BACK "\033[23;2t"

/* What a crash writes; built when the terminal is opened, so that the handler only writes. */
static char reset_text[200];
static volatile sig_atomic_t reset_len;
static volatile sig_atomic_t reset_fd = -1;

static void write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        } else if (done < 0 && errno == EINTR) {
            continue;
        } else {
            return;
        }
    }
}

static void send_text(const char *s)
{
    if (t.out >= 0)
        write_all(t.out, s, strlen(s));
}

/* ---- crash ---------------------------------------------------------------------------------- */

#ifndef TERM_SANITIZED
static const int fatal_signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};

static void on_fatal(int signo)
{
    int fd = (int)reset_fd;
    if (fd >= 0) {
        reset_fd = -1;
        write_all(fd, reset_text, (size_t)reset_len);
        tcsetattr(fd, TCSANOW, &t.saved_modes);
        static const char note[] =
            "pg_diagnose: crashed; the next start resumes or undoes the session\r\n";
        write_all(fd, note, sizeof(note) - 1);
        if (t.saved_err >= 0)
            dup2(t.saved_err, 2);
    }
    raise(signo); /* the handler is one-shot: this time the default action ends the program */
}

static void catch_fatal(bool on)
{
    static char stack[32 * 1024]; /* a stack overflow leaves no other room */
    if (on) {
        stack_t ss = {.ss_sp = stack, .ss_size = sizeof(stack)};
        sigaltstack(&ss, NULL);
    }
    for (size_t i = 0; i < ARRAY_LEN(fatal_signals); i++) {
        struct sigaction sa = {.sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
        sa.sa_handler = on ? on_fatal : SIG_DFL;
        sigemptyset(&sa.sa_mask);
        sigaction(fatal_signals[i], &sa, NULL);
    }
}
#else
static void catch_fatal(bool on) /* the sanitizer's own report comes first */
{
    (void)on;
}
#endif

/* Appends a terminfo string without its padding marks `$<2>`. */
static void reset_add(const char *s)
{
    size_t len = (size_t)reset_len;
    while (s && *s && len + 1 < sizeof(reset_text)) {
        const char *end = s[0] == '$' && s[1] == '<' ? strchr(s, '>') : NULL;
        if (end) {
            s = end + 1;
            continue;
        }
        reset_text[len++] = *s++;
    }
    reset_len = (sig_atomic_t)len;
}

static const char *capability(const char *name)
{
    const char *s = tigetstr((NCURSES_CONST char *)name);
    return s == (const char *)-1 ? NULL : s;
}

static void build_reset(void)
{
    reset_len = 0;
    if (t.info.sync)
        reset_add("\033[?2026l");
    if (t.paste_mode) /* what was never on does no harm going off */
        reset_add("\033[?2004l" MOUSE_OFF TITLE_BACK);
    reset_add(capability("sgr0"));
    reset_add(capability("rmcup"));
    reset_add(capability("cnorm"));
    reset_add("\r\n");
    reset_fd = t.out;
}

/* ---- open and close ------------------------------------------------------------------------- */

static bool utf8_wanted(void)
{
    const char *names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const char *v = getenv(names[i]);
        if (v && *v)
            return strcasestr(v, "utf-8") || strcasestr(v, "utf8");
    }
    return false;
}

/* Characters by the user's locale; numbers, dates and messages stay those of the C locale. */
static void set_characters(void)
{
    if (!setlocale(LC_CTYPE, "") && utf8_wanted()) /* named, but not installed on this machine */
        setlocale(LC_CTYPE, "C.UTF-8");
    t.info.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
    bool console = strncmp(t.info.name, "linux", 5) == 0; /* its fonts hold few of our signs */
    t.info.ascii = !t.info.utf8 || console;
}

static enum graph_kind best_graph(enum graph_kind wanted)
{
    if (t.info.ascii)
        return GRAPH_ASCII;
    if (wanted != GRAPH_AUTO)
        return wanted;
    return wcwidth(0x2800) == 1 ? GRAPH_BRAILLE : GRAPH_BLOCK;
}

/* Terminals that know private modes and OSC, or ignore them in silence. */
static bool xterm_like(const char *name)
{
    static const char *const known[] = {
        "xterm",   "tmux", "screen", "rxvt",    "alacritty", "kitty", "foot",   "st-",
        "wezterm", "vte",  "gnome",  "konsole", "contour",   "iterm", "mintty", "ghostty"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strncmp(name, known[i], strlen(known[i])) == 0)
            return true;
    return false;
}

static bool check_name(struct err *e)
{
    const char *name = getenv("TERM");
    if (!name || !*name || strcmp(name, "dumb") == 0 || strcmp(name, "unknown") == 0) {
        err_set(e, ERR_USAGE, "TERM is %s: no full screen here", name && *name ? name : "not set");
        err_detail(e, "The screen needs a terminal that can move its cursor.");
        return err_hint(
            e, "Set TERM to your terminal's name, such as xterm-256color, or use a headless "
               "verb: tune with --json.");
    }
    text_copy(t.info.name, sizeof(t.info.name), name);
    return true;
}

static int open_tty(int flags)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | flags);
    for (int std = 0; fd < 0 && std <= 1;
         std++) { /* no controlling terminal, but one on stdin or stdout */
        char path[128];
        if (isatty(std) && ttyname_r(std, path, sizeof(path)) == 0)
            fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | flags);
    }
    return fd;
}

static bool open_files(struct err *e)
{
    t.in = open_tty(O_NONBLOCK);
    t.out = t.in < 0 ? -1 : open_tty(0);
    if (t.out < 0 || tcgetattr(t.out, &t.saved_modes) != 0) {
        err_set(e, ERR_USAGE, "cannot open the terminal: %s", strerror(errno));
        return err_hint(e, "Run it in a terminal, or use a headless verb: tune with --json.");
    }
    t.epoll = epoll_create1(EPOLL_CLOEXEC);
    t.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    struct epoll_event in = {.events = EPOLLIN, .data.fd = t.in};
    struct epoll_event timer = {.events = EPOLLIN, .data.fd = t.timer};
    if (t.epoll < 0 || t.timer < 0 || epoll_ctl(t.epoll, EPOLL_CTL_ADD, t.in, &in) != 0 ||
        epoll_ctl(t.epoll, EPOLL_CTL_ADD, t.timer, &timer) != 0)
        return err_set(e, ERR_USAGE, "cannot watch the terminal: %s", strerror(errno));
    t.in_file = fdopen(dup(t.in), "r");
    t.out_file = fdopen(dup(t.out), "w");
    return (t.in_file && t.out_file) || err_set(e, ERR_USAGE, "cannot open the terminal");
}

static void close_files(void)
{
    int *fds[] = {&t.in, &t.out, &t.epoll, &t.timer};
    for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
        if (*fds[i] >= 0)
            close(*fds[i]);
        *fds[i] = -1;
    }
    if (t.in_file)
        fclose(t.in_file);
    if (t.out_file)
        fclose(t.out_file);
    t.in_file = t.out_file = NULL;
}

/* newterm() takes over signals whose action is the default; they are the loop's. */
static SCREEN *newterm_quietly(void)
{
    static const int taken[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};
    struct sigaction before[ARRAY_LEN(taken)];
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        sigaction(taken[i], NULL, &before[i]);
    SCREEN *s = newterm(NULL, t.out_file, t.in_file);
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        sigaction(taken[i], &before[i], NULL);
    return s;
}

/* Asked before newterm(), which leaves memory behind when it knows no such terminal. */
static bool is_known(const char *name)
{
    int why;

    if (setupterm(name, fileno(t.out_file), &why) != OK)
        return false;
    del_curterm(cur_term);
    return true;
}

static bool start_curses(struct err *e)
{
    t.screen = is_known(t.info.name) ? newterm_quietly() : NULL;
    if (!t.screen) {
        err_set(e, ERR_USAGE, "TERM is %s, which this machine does not know", t.info.name);
        return err_hint(e, "Install the package ncurses-term, or set TERM=xterm-256color.");
    }
    if (!capability("cup") || !capability("clear")) {
        endwin();
        err_set(e, ERR_USAGE, "a terminal of type %s cannot show a full screen", t.info.name);
        return err_hint(e, "Set TERM to your terminal's name, such as xterm-256color.");
    }
    raw();
    noecho();
    nonl();
    typeahead(-1);
    scrollok(stdscr, FALSE);
    return true;
}

/* ---- looks ---------------------------------------------------------------------------------- */

static attr_t attributes(unsigned look)
{
    return (look & LOOK_BOLD ? WA_BOLD : 0) | (look & LOOK_DIM ? WA_DIM : 0) |
           (look & LOOK_REVERSE ? WA_REVERSE : 0) | (look & LOOK_UNDERLINE ? WA_UNDERLINE : 0);
}

static void apply_theme(bool own_colours)
{
    for (int s = 0; s < STYLE_COUNT; s++) {
        const struct look *l = &t.theme->looks[s];
        t.pairs[s] = 0;
        if (t.info.colours == 0 || !t.theme->colours) {
            t.attrs[s] = attributes(l->mono);
            continue;
        }
        bool many = t.info.colours == 256;
        int fg = many ? l->fg : l->fg8, bg = many ? l->bg : l->bg8;
        t.attrs[s] = attributes(many ? l->attr & ~LOOK_DIM : l->attr);
        if (fg < 0 && bg < 0)
            continue;
        if (!own_colours) {
            fg = fg < 0 ? COLOR_WHITE : fg;
            bg = bg < 0 ? COLOR_BLACK : bg;
        }
        t.pairs[s] = (short)(PAIR_FIRST + s);
        init_pair(t.pairs[s], (short)fg, (short)bg);
    }
    t.info.theme = t.theme->name;
}

static bool own_colours;

static void start_colours(bool none)
{
    const char *asked = getenv("NO_COLOR");
    t.info.colours = 0;
    if (!none && !(asked && *asked) && has_colors() && start_color() == OK) {
        t.info.colours = COLORS >= 256 ? 256 : COLORS >= 8 ? 8 : 0;
        if (COLOR_PAIRS <= PAIR_FIRST + STYLE_COUNT)
            t.info.colours = 0;
        own_colours = use_default_colors() == OK;
    }
    apply_theme(own_colours);
}

bool term_theme(const char *name)
{
    const struct theme *theme = theme_find(name);
    if (!theme)
        return false;
    t.theme = theme;
    if (t.open) {
        apply_theme(own_colours);
        term_redraw();
    }
    return true;
}

/* ---- open, close, suspend ------------------------------------------------------------------- */

/* Libraries that write to fd 2 would draw over the panes. */
static void redirect_errors(void)
{
    int to = t.log_fd >= 0 ? t.log_fd : open("/dev/null", O_WRONLY | O_CLOEXEC);
    t.saved_err = fcntl(2, F_DUPFD_CLOEXEC, 3);
    if (to >= 0)
        dup2(to, 2);
    if (to >= 0 && to != t.log_fd)
        close(to);
}

static void restore_errors(void)
{
    if (t.saved_err >= 0) {
        dup2(t.saved_err, 2);
        close(t.saved_err);
        t.saved_err = -1;
    }
}

bool term_open(const struct term_opts *opts, struct err *e)
{
    if (t.open)
        return true;
    t.theme = theme_find(opts->theme ? opts->theme : "dark");
    if (!t.theme) {
        err_set(e, ERR_USAGE, "there is no theme named \"%s\"", opts->theme);
        return err_hint(e, "The themes are dark, light, high-contrast, mono and terminal.");
    }
    if (!check_name(e))
        return false;
    set_characters();
    if (!open_files(e) || !start_curses(e)) {
        if (t.screen)
            delscreen(t.screen);
        t.screen = NULL;
        close_files();
        return false;
    }
    t.open = true;
    t.lost = t.escape_over = t.timer_set = false;
    t.log_fd = opts->log_fd;
    const char *delay = getenv("ESCDELAY");
    int64_t ms = 0;
    t.escape_ms = delay && text_int64(delay, &ms) && ms > 0 && ms <= 1000 ? (int)ms : ESCAPE_MS;
    t.paste_mode = t.osc52 = t.info.sync = xterm_like(t.info.name);
    t.info.graph = best_graph(opts->graph);
    start_colours(opts->no_color);
    build_reset();
    catch_fatal(true);
    die_hook(term_close);
    if (!t.atexit_done)
        atexit(term_close);
    t.atexit_done = true;
    redirect_errors();
    if (t.paste_mode)
        send_text("\033[?2004h");
    int rows = 0, cols = 0;
    term_size(&rows, &cols);
    t.shown = canvas_new(rows, cols);
    t.all_dirty = true;
    t.cursor = -1;
    return true;
}

static void leave_screen(void)
{
    if (t.mouse)
        send_text(MOUSE_OFF);
    if (t.titled)
        send_text(TITLE_BACK);
    t.mouse = t.titled = false;
    t.title[0] = '\0';
    if (t.paste_mode)
        send_text("\033[?2004l");
    endwin();
    if (t.out >= 0)
        tcsetattr(t.out, TCSADRAIN, &t.saved_modes);
}

void term_close(void)
{
    if (!t.open)
        return;
    t.open = false;
    sigset_t quiet,
        before; /* as a background job we must not be stopped for putting things right */
    sigemptyset(&quiet);
    sigaddset(&quiet, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &quiet, &before);
    leave_screen();
    reset_fd = -1;
    catch_fatal(false);
    delscreen(t.screen);
    t.screen = NULL;
    close_files();
    restore_errors();
    keys_clear(&t.keys);
    canvas_free(t.shown);
    t.shown = NULL;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

const char *term_library(void)
{
    return curses_version();
}

bool term_is_open(void)
{
    return t.open && !t.lent;
}

const struct term_info *term_info(void)
{
    return &t.info;
}

/* The others of our job first (a script that runs us), while we ignore it; then ourselves, at once and in
 * this very thread, so that nothing is done between leaving the screen and stopping. */
static void stop_job(void)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, stop = {.sa_handler = SIG_DFL}, before;
    sigaction(SIGTSTP, &ignore, &before);
    kill(0, SIGTSTP);
    sigaction(SIGTSTP, &stop, NULL);
    sigset_t open_set, mask;
    sigemptyset(&open_set);
    sigaddset(&open_set, SIGTSTP);
    pthread_sigmask(SIG_UNBLOCK, &open_set, &mask);
    raise(SIGTSTP);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    sigaction(SIGTSTP, &before, NULL);
}

static void enter_screen(void)
{
    reset_prog_mode();
    if (t.paste_mode)
        send_text("\033[?2004h");
    t.cursor = -1;
    term_redraw();
}

static void set_timer(int ms);

void term_suspend(void)
{
    if (!t.open)
        return;
    if (t.lent) { /* the key of another program, which stops with us */
        stop_job();
        return;
    }
    leave_screen();
    restore_errors();
    stop_job();
    redirect_errors();
    enter_screen();
}

void term_lend(void)
{
    if (!t.open || t.lent)
        return;
    leave_screen();
    set_timer(0);
    keys_clear(&t.keys);
    t.lent = true;
}

void term_take_back(void)
{
    if (!t.lent)
        return;
    t.lent = false;
    tcflush(t.in, TCIFLUSH); /* what was typed for the other */
    enter_screen();
}

/* ---- input ---------------------------------------------------------------------------------- */

int term_fd(void)
{
    return t.epoll;
}

static void set_timer(int ms)
{
    struct itimerspec when = {.it_value = {.tv_sec = ms / 1000, .tv_nsec = (ms % 1000) * 1000000L}};
    timerfd_settime(t.timer, 0, &when, NULL);
    t.timer_set = ms > 0;
}

/* Reads what has come; sets escape_over when nothing came for the escape delay. */
static void fill_keys(void)
{
    unsigned char bytes[1024];
    ssize_t n = read(t.in, bytes, sizeof(bytes));
    if (n > 0) {
        keys_feed(&t.keys, bytes, (size_t)n);
        set_timer(0);
        return;
    }
    if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        t.lost = true;
        return;
    }
    uint64_t times = 0;
    if (t.timer_set && read(t.timer, &times, sizeof(times)) == (ssize_t)sizeof(times)) {
        t.timer_set = false;
        t.escape_over = true;
    }
}

enum term_input term_read(struct key *key, struct buf *paste)
{
    if (!t.open || t.lent)
        return TERM_NOTHING;
    for (int filled = 0;; filled++) {
        switch (keys_next(&t.keys, t.escape_over, key, paste)) {
        case KEYS_KEY:
            return TERM_KEY;
        case KEYS_PASTE:
            return TERM_PASTE;
        case KEYS_NOTHING:
            break;
        }
        t.escape_over = false;
        size_t had = t.keys.len - t.keys.pos;
        if (!t.lost && filled < 64)
            fill_keys();
        if (t.escape_over || t.keys.len - t.keys.pos != had)
            continue;
        if (t.lost)
            return TERM_LOST;
        if (keys_waiting(&t.keys) && !t.timer_set)
            set_timer(t.keys.pasting ? PASTE_MS : t.escape_ms);
        return TERM_NOTHING;
    }
}

/* ---- output --------------------------------------------------------------------------------- */

void term_size(int *rows, int *cols)
{
    struct winsize ws = {0};
    if (t.out >= 0 && ioctl(t.out, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 && ws.ws_col > 0) {
        *rows = ws.ws_row;
        *cols = ws.ws_col;
    } else {
        *rows = t.open ? LINES : 24;
        *cols = t.open ? COLS : 80;
    }
}

bool term_resized(void)
{
    int rows = 0, cols = 0;
    if (!t.open || t.lent)
        return false;
    term_size(&rows, &cols);
    if (rows == LINES && cols == COLS)
        return false;
    resizeterm(rows, cols);
    canvas_resize(t.shown, rows, cols);
    term_redraw();
    return true;
}

void term_redraw(void)
{
    t.all_dirty = true;
}

void term_mouse(bool on)
{
    if (!t.open || t.lent || !t.osc52 || on == t.mouse)
        return;
    t.mouse = on;
    send_text(on ? MOUSE_ON : MOUSE_OFF);
}

void term_title(const char *text)
{
    char clean[sizeof(t.title)];
    struct buf out = {0};

    text_copy(clean, sizeof(clean), text ? text : "");
    if (!t.open || t.lent || !t.osc52 || strcmp(clean, t.title) == 0)
        return;
    if (clean[0])
        buf_printf(&out, "%s\033]2;%s\a", t.titled ? "" : TITLE_KEEP, clean);
    else
        buf_puts(&out, TITLE_BACK);
    t.titled = clean[0] != '\0';
    text_copy_raw(t.title, sizeof(t.title), clean);
    write_all(t.out, out.data, out.len);
    buf_clear(&out);
}

void term_bell(void)
{
    if (t.open)
        send_text("\a");
}

/* The character as this terminal can show it in exactly the cell's width. */
static wchar_t shown_rune(const struct canvas *c, const struct cell *cell)
{
    uint32_t rune = canvas_shown(c, cell->rune);
    if (rune >= 0x20 && rune < 0x7f)
        return (wchar_t)rune;
    return !t.info.ascii && wcwidth((wchar_t)rune) == cell->width ? (wchar_t)rune : L'?';
}

static void set_cell(cchar_t *out, const struct canvas *c, const struct cell *cell, wchar_t rune)
{
    unsigned role = STYLE_ROLE(cell->style);
    if (role >= STYLE_COUNT)
        role = STYLE_NORMAL;
    attr_t attrs = t.attrs[role];
    attrs |= cell->style & STYLE_BOLD ? WA_BOLD : 0;
    attrs |= cell->style & STYLE_UNDERLINE ? WA_UNDERLINE : 0;
    if (cell->style & STYLE_REVERSE)
        attrs ^= WA_REVERSE;
    wchar_t text[3] = {rune, 0, 0};
    if (cell->mark && !c->ascii && !t.info.ascii && rune != L'?' &&
        wcwidth((wchar_t)cell->mark) == 0)
        text[1] = (wchar_t)cell->mark;
    setcchar(out, text, attrs, t.pairs[role], NULL);
}

/* Gives curses the columns first..last of a row. */
static void put_span(const struct canvas *c, int y, int first, int last)
{
    cchar_t cells[1002];
    int n = 0;
    for (int x = first; x <= last && n < 1000; x++) {
        const struct cell *cell = canvas_at(c, y, x);
        if (cell->width == 0)
            continue;
        wchar_t rune = shown_rune(c, cell);
        set_cell(&cells[n++], c, cell, rune);
        if (cell->width == 2 && rune < 0x7f) { /* a look-alike takes one column: fill the other */
            struct cell blank = {.rune = ' ', .style = cell->style, .width = 1};
            set_cell(&cells[n++], c, &blank, L' ');
        }
    }
    mvadd_wchnstr(y, first, cells, n);
}

/* Compares one row with the screen and hands the difference on; returns the columns that changed. */
static int paint_row(const struct canvas *c, int y, int cols)
{
    const struct cell *now = canvas_at(c, y, 0);
    struct cell *old = &t.shown->cells[(size_t)y * (size_t)t.shown->cols];
    size_t bytes = (size_t)cols * sizeof(*now);
    if (!t.all_dirty && memcmp(now, old, bytes) == 0)
        return 0;
    int first = 0, last = cols - 1;
    if (!t.all_dirty) {
        while (memcmp(&now[first], &old[first], sizeof(*now)) == 0)
            first++;
        while (memcmp(&now[last], &old[last], sizeof(*now)) == 0)
            last--;
        while (first > 0 && (now[first].width == 0 || old[first].width == 0))
            first--;
        while (last + 1 < cols && (now[last + 1].width == 0 || old[last + 1].width == 0))
            last++;
    }
    put_span(c, y, first, last);
    memcpy(old, now, bytes);
    return last - first + 1;
}

static bool writable(void)
{
    struct pollfd p = {.fd = t.out, .events = POLLOUT};
    return poll(&p, 1, 0) > 0;
}

static void place_cursor(const struct canvas *c)
{
    bool on = c->cursor_y >= 0 && c->cursor_y < LINES && c->cursor_x < COLS;
    leaveok(stdscr, !on);
    if (on)
        move(c->cursor_y, c->cursor_x);
    if (t.cursor != (int)on) {
        curs_set(on ? 1 : 0);
        t.cursor = on;
    }
    t.shown->cursor_y = c->cursor_y;
    t.shown->cursor_x = c->cursor_x;
}

bool term_paint(const struct canvas *c)
{
    if (!t.open || t.lent)
        return true;
    if (!writable())
        return false;
    int rows = c->rows < t.shown->rows ? c->rows : t.shown->rows;
    int cols = c->cols < t.shown->cols ? c->cols : t.shown->cols;
    if (t.shown->ascii != c->ascii) /* the same cells are shown otherwise */
        t.all_dirty = true;
    t.shown->ascii = c->ascii;
    if (t.all_dirty) {
        erase();
        clearok(curscr, TRUE);
    }
    int changed = 0;
    for (int y = 0; y < rows; y++)
        changed += paint_row(c, y, cols);
    if (changed == 0 && !t.all_dirty && c->cursor_y == t.shown->cursor_y &&
        c->cursor_x == t.shown->cursor_x)
        return true;
    t.all_dirty = false;
    place_cursor(c);
    bool sync = t.info.sync && changed >= SYNC_CELLS;
    if (sync)
        send_text("\033[?2026h");
    wnoutrefresh(stdscr);
    doupdate();
    if (sync)
        send_text("\033[?2026l");
    return true;
}

/* ---- clipboard ------------------------------------------------------------------------------ */

bool term_copies(void)
{
    return t.open && t.osc52;
}

/* Inside tmux twice: as it is, for a tmux that sets clipboards itself (set-clipboard on), and wrapped, for one that lets sequences through
 * (allow-passthrough on). What a tmux does not take it drops in silence; both set the same text. */
static void send_clipboard(const char *sequence)
{
    const char *tmux = getenv("TMUX");

    send_text(sequence);
    if (!tmux || !*tmux)
        return;
    send_text("\033Ptmux;\033"); /* each ESC within is doubled, and there is one */
    send_text(sequence);
    send_text("\033\\");
}

bool term_copy(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = strlen(text);

    if (!term_copies() || n > COPY_MAX)
        return false;
    struct buf out = {0};
    buf_puts(&out, "\033]52;c;");
    for (size_t i = 0; i < n; i += 3) {
        unsigned long bits = (unsigned long)(unsigned char)text[i] << 16;
        if (i + 1 < n)
            bits |= (unsigned long)(unsigned char)text[i + 1] << 8;
        if (i + 2 < n)
            bits |= (unsigned long)(unsigned char)text[i + 2];
        char four[4] = {digits[bits >> 18 & 63], digits[bits >> 12 & 63],
                        i + 1 < n ? digits[bits >> 6 & 63] : '=',
                        i + 2 < n ? digits[bits & 63] : '='};
        buf_append(&out, four, sizeof(four));
    }
    buf_puts(&out, "\a");
    send_clipboard(buf_text(&out));
    buf_clear(&out);
    return true;
}
