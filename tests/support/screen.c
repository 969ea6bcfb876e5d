/* The pty and libvterm behind screen.h. Single-threaded: a screen moves only while a test waits for something. */
#include "screen.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <regex.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <vterm.h>

#include <cmocka.h>

enum { RAW_MAX = 1 << 20 };

struct screen {
    pid_t pid;
    int master;
    bool ended;
    bool eof;
    int status;
    int rows, cols;
    VTerm *vt;
    VTermScreen *vts;
    bool cursor_visible;
    bool alternate;
    char title[256];
    char *text;
    size_t text_size;
    char *raw;
    size_t raw_size;
    char san_log[128];
};

extern char **environ;

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t deadline(int timeout_ms)
{
    const char *scale = getenv("PGD_TIME_SCALE");
    double factor = scale != NULL ? atof(scale) : 1;
    return now_ms() + (int64_t)(timeout_ms * (factor > 0 ? factor : 1));
}

/* One case of a test program alone: PGD_TEST_CASE is its name. */
__attribute__((constructor)) static void one_case(void)
{
    const char *name = getenv("PGD_TEST_CASE");
    if (name != NULL && *name)
        cmocka_set_test_filter(name);
}

static int on_prop(VTermProp prop, VTermValue *value, void *user)
{
    struct screen *s = user;
    switch (prop) {
    case VTERM_PROP_CURSORVISIBLE:
        s->cursor_visible = value->boolean != 0;
        break;
    case VTERM_PROP_ALTSCREEN:
        s->alternate = value->boolean != 0;
        break;
    default:
        break;
    }
    return 1;
}

static const VTermScreenCallbacks callbacks = {.settermprop = on_prop};

static bool unwanted(const char *entry)
{
    size_t name = strcspn(entry, "=");
    static const char *const exact[] = {"NO_COLOR", "COLORTERM", "COLUMNS", "LINES", "TERM",
                                        "LANG",     "LC_ALL",    "TMUX",    "STY"};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strlen(exact[i]) == name && strncmp(entry, exact[i], name) == 0)
            return true;
    if (strncmp(entry, "PG", 2) == 0 && strncmp(entry, "PGD_", 4) != 0)
        return true;
    return name > 8 && strncmp(entry + name - 8, "_API_KEY", 8) == 0;
}

/* Runs in the child: the environment of the program. */
static void set_environment(const struct screen *s, const char *const *env)
{
    char *drop[512];
    size_t n = 0;
    for (char **e = environ; *e != NULL && n < 512; e++)
        if (unwanted(*e))
            drop[n++] = strndup(*e, strcspn(*e, "="));
    for (size_t i = 0; i < n; i++)
        unsetenv(drop[i]);
    setenv("TERM", "xterm-256color", 1);
    setenv("LANG", "C.UTF-8", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    static const char *const sanitizers[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"};
    for (size_t i = 0; i < 3; i++) {
        char value[1024];
        const char *old = getenv(sanitizers[i]);
        snprintf(value, sizeof value, "%s%slog_path=%s", old != NULL ? old : "",
                 old != NULL ? ":" : "", s->san_log);
        setenv(sanitizers[i], value, 1);
    }
    for (; env != NULL && *env != NULL; env++) {
        if (strchr(*env, '=') != NULL)
            putenv(strdup(*env));
        else
            unsetenv(*env);
    }
}

static void run_child(const struct screen *s, const struct screen_options *o, const char *program)
{
    const char *argv[64] = {program};
    size_t n = 1;
    for (const char *const *a = o->argv; a != NULL && *a != NULL && n < 63; a++)
        argv[n++] = *a;
    set_environment(s, o->env);
    execvp(program, (char *const *)(uintptr_t)argv);
    fprintf(stderr, "cannot run %s: %s\n", program, strerror(errno));
    _exit(127);
}

struct screen *screen_open(const struct screen_options *o)
{
    const char *program = o->program != NULL ? o->program : getenv("PGD_PROGRAM");
    if (program == NULL)
        fail_msg("no program given and PGD_PROGRAM is not set");
    struct screen *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->rows = o->rows > 0 ? o->rows : 36;
    s->cols = o->cols > 0 ? o->cols : 120;
    s->cursor_visible = true;
    snprintf(s->san_log, sizeof s->san_log, "/tmp/pgd-sanitizer-%d", (int)getpid());

    s->vt = vterm_new(s->rows, s->cols);
    vterm_set_utf8(s->vt, 1);
    s->vts = vterm_obtain_screen(s->vt);
    vterm_screen_set_callbacks(s->vts, &callbacks, s);
    vterm_screen_enable_altscreen(s->vts, 1);
    vterm_screen_set_damage_merge(s->vts, VTERM_DAMAGE_SCROLL);
    vterm_screen_reset(s->vts, 1);

    struct winsize size = {.ws_row = (unsigned short)s->rows, .ws_col = (unsigned short)s->cols};
    fflush(NULL);
    s->pid = forkpty(&s->master, NULL, NULL, &size);
    if (s->pid < 0)
        fail_msg("forkpty: %s", strerror(errno));
    if (s->pid == 0)
        run_child(s, o, program);
    fcntl(s->master, F_SETFL, fcntl(s->master, F_GETFL) | O_NONBLOCK);
    fcntl(s->master, F_SETFD, FD_CLOEXEC);
    return s;
}

static void reap(struct screen *s)
{
    if (!s->ended && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
        s->ended = true;
}

void screen_close(struct screen *s)
{
    if (s == NULL)
        return;
    reap(s);
    if (!s->ended) {
        kill(s->pid, SIGTERM);
        kill(s->pid, SIGCONT);
        if (screen_wait_exit(s, 3000) == -1) {
            kill(s->pid, SIGKILL);
            waitpid(s->pid, &s->status, 0);
        }
    }
    close(s->master);
    vterm_free(s->vt);
    free(s->text);
    free(s->raw);
    free(s);
}

static void keep_raw(struct screen *s, const char *bytes, size_t n)
{
    if (s->raw == NULL)
        s->raw = calloc(1, RAW_MAX + 1);
    if (s->raw == NULL || n > RAW_MAX)
        return;
    if (s->raw_size + n > RAW_MAX) {
        size_t drop = s->raw_size + n - RAW_MAX;
        memmove(s->raw, s->raw + drop, s->raw_size - drop);
        s->raw_size -= drop;
    }
    memcpy(s->raw + s->raw_size, bytes, n);
    s->raw_size += n;
    s->raw[s->raw_size] = '\0';
}

/* libvterm 0.1 and 0.3 report titles differently, so the last OSC 0 or 2 is looked up in the stream. */
static void find_title(struct screen *s, const char *bytes, size_t n)
{
    for (size_t i = 0; i + 4 < n; i++) {
        if (bytes[i] != '\033' || bytes[i + 1] != ']' || bytes[i + 3] != ';' ||
            (bytes[i + 2] != '0' && bytes[i + 2] != '2'))
            continue;
        size_t length = 0;
        while (i + 4 + length < n && bytes[i + 4 + length] != '\a' &&
               bytes[i + 4 + length] != '\033')
            length++;
        snprintf(s->title, sizeof s->title, "%.*s", (int)length, bytes + i + 4);
    }
}

/* What the terminal answers to queries goes back to the program. */
static void answer(struct screen *s)
{
    char out[1024];
    size_t n = vterm_output_read(s->vt, out, sizeof out);
    if (n > 0 && write(s->master, out, n) < 0)
        s->eof = true;
}

/* Waits up to that long for one piece of output. */
static void pump_once(struct screen *s, int ms)
{
    struct pollfd p = {.fd = s->master, .events = POLLIN};
    if (s->eof) {
        reap(s);
        if (ms > 0)
            usleep((useconds_t)(ms < 5 ? ms : 5) * 1000);
        return;
    }
    if (poll(&p, 1, ms) <= 0) {
        reap(s);
        return;
    }
    char buf[65536];
    ssize_t n = read(s->master, buf, sizeof buf);
    if (n > 0) {
        keep_raw(s, buf, (size_t)n);
        find_title(s, buf, (size_t)n);
        vterm_input_write(s->vt, buf, (size_t)n);
        vterm_screen_flush_damage(s->vts);
        answer(s);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        s->eof = true;
        reap(s);
    }
}

void screen_pump(struct screen *s, int ms)
{
    int64_t until = now_ms() + ms;
    for (int64_t left = ms; left > 0; left = until - now_ms())
        pump_once(s, left > 20 ? 20 : (int)left);
    pump_once(s, 0);
}

void screen_write(struct screen *s, const void *bytes, size_t length)
{
    const char *p = bytes;
    int64_t until = deadline(5000);
    while (length > 0 && now_ms() < until) {
        ssize_t n = write(s->master, p, length);
        if (n > 0) {
            p += n;
            length -= (size_t)n;
        } else if (errno == EAGAIN || errno == EINTR) {
            pump_once(s, 5);
        } else {
            return; /* the program has ended: what follows will tell */
        }
    }
}

static const struct {
    const char *name;
    const char *bytes;
} named_keys[] = {
    {"Enter", "\r"},
    {"Esc", "\033"},
    {"Tab", "\t"},
    {"BTab", "\033[Z"},
    {"BS", "\177"},
    {"Del", "\033[3~"},
    {"Space", " "},
    {"lt", "<"},
    {"Up", "\033OA"},
    {"Down", "\033OB"},
    {"Right", "\033OC"},
    {"Left", "\033OD"},
    {"Home", "\033OH"},
    {"End", "\033OF"},
    {"PgUp", "\033[5~"},
    {"PgDn", "\033[6~"},
    {"Ins", "\033[2~"},
    {"F1", "\033OP"},
    {"F2", "\033OQ"},
    {"F3", "\033OR"},
    {"F4", "\033OS"},
    {"F5", "\033[15~"},
    {"F6", "\033[17~"},
    {"F7", "\033[18~"},
    {"F8", "\033[19~"},
    {"F9", "\033[20~"},
    {"F10", "\033[21~"},
    {"F11", "\033[23~"},
    {"F12", "\033[24~"},
    {"PasteBegin", "\033[200~"},
    {"PasteEnd", "\033[201~"},
};

/* Writes one key by its name, true when there is such a name. */
static bool named_key(struct screen *s, const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof named_keys / sizeof *named_keys; i++) {
        if (strlen(named_keys[i].name) == length &&
            strncmp(named_keys[i].name, name, length) == 0) {
            screen_write(s, named_keys[i].bytes, strlen(named_keys[i].bytes));
            return true;
        }
    }
    if (length == 3 && name[0] == 'C' && name[1] == '-') {
        char c = name[2] == '?' ? '\177' : (char)(name[2] & 0x1f);
        screen_write(s, &c, 1);
        return true;
    }
    if (length == 3 && name[0] == 'A' && name[1] == '-') {
        const char alt[2] = {'\033', name[2]};
        screen_write(s, alt, 2);
        return true;
    }
    return false;
}

void screen_key(struct screen *s, const char *keys)
{
    while (*keys != '\0') {
        const char *end = *keys == '<' ? strchr(keys, '>') : NULL;
        if (end != NULL && named_key(s, keys + 1, (size_t)(end - keys - 1))) {
            keys = end + 1;
            continue;
        }
        screen_write(s, keys, 1);
        keys++;
    }
}

void screen_resize(struct screen *s, int rows, int cols)
{
    struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)cols};
    s->rows = rows;
    s->cols = cols;
    vterm_set_size(s->vt, rows, cols);
    vterm_screen_flush_damage(s->vts);
    ioctl(s->master, TIOCSWINSZ, &size);
}

static size_t utf8_put(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

static int colour_of(const VTermColor *c, bool foreground, bool *is_default)
{
    *is_default = foreground ? VTERM_COLOR_IS_DEFAULT_FG(c) : VTERM_COLOR_IS_DEFAULT_BG(c);
    if (VTERM_COLOR_IS_INDEXED(c))
        return c->indexed.idx;
    return 0x1000000 | c->rgb.red << 16 | c->rgb.green << 8 | c->rgb.blue;
}

struct screen_cell screen_cell(struct screen *s, int row, int col)
{
    struct screen_cell out = {.text = ""};
    VTermScreenCell cell;
    VTermPos pos = {.row = row, .col = col};
    if (row < 0 || col < 0 || row >= s->rows || col >= s->cols ||
        !vterm_screen_get_cell(s->vts, pos, &cell))
        return out;
    if (cell.chars[0] != (uint32_t)-1) {
        size_t n = 0;
        for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; i++)
            n += utf8_put(out.text + n, cell.chars[i]);
        out.text[n] = '\0';
        out.width = cell.width;
    }
    out.bold = cell.attrs.bold;
    out.underline = cell.attrs.underline != 0;
    out.italic = cell.attrs.italic;
    out.blink = cell.attrs.blink;
    out.reverse = cell.attrs.reverse;
    out.strike = cell.attrs.strike;
    out.fg = colour_of(&cell.fg, true, &out.fg_default);
    out.bg = colour_of(&cell.bg, false, &out.bg_default);
    return out;
}

/* Appends a row at *at, right-trimmed; the buffer holds the worst case of 32 bytes a cell. */
static size_t put_row(struct screen *s, int row, size_t at)
{
    size_t end = at;
    for (int col = 0; col < s->cols; col++) {
        struct screen_cell cell = screen_cell(s, row, col);
        if (cell.width == 0)
            continue;
        const char *text = cell.text[0] != '\0' ? cell.text : " ";
        size_t n = strlen(text);
        memcpy(s->text + at, text, n);
        at += n;
        if (strcmp(text, " ") != 0)
            end = at;
    }
    s->text[end] = '\0';
    return end;
}

static void reserve_text(struct screen *s)
{
    size_t need = (size_t)s->rows * ((size_t)s->cols * 32 + 1) + 1;
    if (s->text_size >= need)
        return;
    free(s->text);
    s->text = malloc(need);
    assert_non_null(s->text);
    s->text_size = need;
}

const char *screen_text(struct screen *s)
{
    size_t at = 0;
    reserve_text(s);
    for (int row = 0; row < s->rows; row++) {
        at = put_row(s, row, at);
        s->text[at++] = '\n';
    }
    s->text[at] = '\0';
    return s->text;
}

const char *screen_row(struct screen *s, int row)
{
    reserve_text(s);
    put_row(s, row, 0);
    return s->text;
}

bool screen_find(struct screen *s, const char *text, int *row, int *col)
{
    for (int r = 0; r < s->rows; r++) {
        const char *line = screen_row(s, r);
        const char *hit = strstr(line, text);
        if (hit == NULL)
            continue;
        size_t before = (size_t)(hit - line);
        size_t bytes = 0;
        int c = 0;
        for (; c < s->cols && bytes < before; c++) {
            struct screen_cell cell = screen_cell(s, r, c);
            bytes += cell.width == 0 ? 0 : cell.text[0] == '\0' ? 1 : strlen(cell.text);
        }
        while (c < s->cols && c > 0 && screen_cell(s, r, c).width == 0)
            c++;
        *row = r;
        *col = c;
        return true;
    }
    return false;
}

bool screen_has(struct screen *s, const char *text)
{
    int row, col;
    return screen_find(s, text, &row, &col);
}

void screen_cursor(struct screen *s, int *row, int *col, bool *visible)
{
    VTermPos pos;
    vterm_state_get_cursorpos(vterm_obtain_state(s->vt), &pos);
    *row = pos.row;
    *col = pos.col;
    *visible = s->cursor_visible;
}

bool screen_is_alternate(struct screen *s)
{
    return s->alternate;
}

const char *screen_title(struct screen *s)
{
    return s->title;
}

pid_t screen_pid(const struct screen *s)
{
    return s->pid;
}

struct termios screen_termios(const struct screen *s)
{
    struct termios t = {0};
    tcgetattr(s->master, &t);
    return t;
}

const char *screen_raw(struct screen *s, size_t *length)
{
    *length = s->raw_size;
    return s->raw != NULL ? s->raw : "";
}

bool screen_wrote(struct screen *s, const char *bytes)
{
    size_t n = 0;
    const char *raw = screen_raw(s, &n);
    return memmem(raw, n, bytes, strlen(bytes)) != NULL;
}

/* Pumps until the screen answers `wanted` to the question, the time is over, or nothing can change any more. */
static bool wait_until(struct screen *s, bool (*asks)(struct screen *, const void *),
                       const void *arg, bool wanted, int timeout_ms)
{
    int64_t until = deadline(timeout_ms);
    for (;;) {
        if (asks(s, arg) == wanted)
            return true;
        if (now_ms() >= until || (s->eof && s->ended))
            return false;
        pump_once(s, 20);
    }
}

static bool has_text(struct screen *s, const void *text)
{
    return strstr(screen_text(s), text) != NULL;
}

static bool has_match(struct screen *s, const void *regex)
{
    return regexec(regex, screen_text(s), 0, NULL, 0) == 0;
}

static bool has_ended(struct screen *s, const void *unused)
{
    (void)unused;
    return s->ended && s->eof;
}

bool screen_wait(struct screen *s, const char *text, int timeout_ms)
{
    return wait_until(s, has_text, text, true, timeout_ms);
}

bool screen_wait_gone(struct screen *s, const char *text, int timeout_ms)
{
    return wait_until(s, has_text, text, false, timeout_ms);
}

bool screen_wait_regex(struct screen *s, const char *regex, int timeout_ms)
{
    regex_t compiled;
    if (regcomp(&compiled, regex, REG_EXTENDED | REG_NEWLINE | REG_NOSUB) != 0)
        fail_msg("not a regular expression: %s", regex);
    bool found = wait_until(s, has_match, &compiled, true, timeout_ms);
    regfree(&compiled);
    return found;
}

static void print_sanitizer_report(const struct screen *s)
{
    char path[192];
    char line[512];
    snprintf(path, sizeof path, "%s.%d", s->san_log, (int)s->pid);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return;
    while (fgets(line, sizeof line, f) != NULL)
        fputs(line, stderr);
    fclose(f);
    unlink(path);
}

int screen_wait_exit(struct screen *s, int timeout_ms)
{
    int64_t until = deadline(timeout_ms);
    /* A grandchild may hold the pty open: the end of the program itself is what counts, after a moment for its last words. */
    if (!wait_until(s, has_ended, NULL, true, timeout_ms) && !s->ended)
        return -1;
    while (!s->eof && now_ms() < until)
        pump_once(s, 20);
    print_sanitizer_report(s);
    return s->status;
}

void screen_dump(struct screen *s, const char *why)
{
    fprintf(stderr, "\n%s\n    +", why);
    for (int i = 0; i < s->cols; i++)
        fputc(i % 10 == 9 ? '|' : '-', stderr);
    fputs("+\n", stderr);
    for (int row = 0; row < s->rows; row++)
        fprintf(stderr, "%3d |%s\n", row, screen_row(s, row));
    if (s->ended && WIFEXITED(s->status))
        fprintf(stderr, "    the program has ended with exit code %d\n", WEXITSTATUS(s->status));
    else if (s->ended)
        fprintf(stderr, "    the program was ended by signal %d\n", WTERMSIG(s->status));
    else
        fputs("    the program is running\n", stderr);
    print_sanitizer_report(s);
}

static void fail_with_picture(struct screen *s, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static void fail_with_picture(struct screen *s, const char *file, int line, const char *format, ...)
{
    char why[512];
    va_list ap;
    va_start(ap, format);
    vsnprintf(why, sizeof why, format, ap);
    va_end(ap);
    screen_dump(s, why);
    _fail(file, line);
}

void screen_expect_at(struct screen *s, const char *text, int timeout_ms, const char *file,
                      int line)
{
    if (!screen_wait(s, text, timeout_ms))
        fail_with_picture(s, file, line, "expected on the screen within %d ms: %s", timeout_ms,
                          text);
}

void screen_expect_gone_at(struct screen *s, const char *text, int ms, const char *file, int line)
{
    if (!screen_wait_gone(s, text, ms))
        fail_with_picture(s, file, line, "expected to leave the screen within %d ms: %s", ms, text);
}

void screen_expect_regex_at(struct screen *s, const char *regex, int ms, const char *file, int line)
{
    if (!screen_wait_regex(s, regex, ms))
        fail_with_picture(s, file, line, "expected a match within %d ms: %s", ms, regex);
}

void screen_expect_exit_at(struct screen *s, int code, int timeout_ms, const char *file, int line)
{
    int status = screen_wait_exit(s, timeout_ms);
    if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != code)
        fail_with_picture(s, file, line, "expected to end within %d ms with exit code %d",
                          timeout_ms, code);
}
