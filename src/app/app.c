/* app.c - puts the parts together: the io queue feeds the reducer, the gate lets effects out, and with a
 * screen the views are painted at most 30 times a second, at once after a key. */
#include "pgd/app/app.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "pgd/app/advise.h"
#include "pgd/app/gate.h"
#include "pgd/app/headless.h"
#include "pgd/app/keep.h"
#include "pgd/app/keys.h"
#include "pgd/app/logfile.h"
#include "pgd/app/replay.h"
#include "pgd/app/sqllog.h"
#include "pgd/app/ui_files.h"
#include "pgd/app/update.h"
#include "pgd/app/verbs.h"
#include "pgd/io/environ.h"
#include "pgd/io/io.h"
#include "pgd/protocol/summary.h"
#include "pgd/ui/term.h"

enum { FRAME_US = 33000 };

struct app {
    struct model m;
    struct gate gate;
    struct io *io;
    enum verb verb;
    struct canvas *canvas; /* NULL without a screen */
    int64_t painted_us;
    int64_t moved_us; /* reduced motion: the time that clocks show */
    uint64_t printed;
    bool frame_waiting;
    bool lent; /* the terminal, to a child */
};

/* ---- painting ---- */

/* What the terminal is told besides the picture. */
static void set_terminal(struct app *a)
{
    const struct choices *c = &a->m.screen.choices;
    const char *theme = a->m.screen.theme[0] ? a->m.screen.theme : "dark";
    char title[200] = "";

    if (strcmp(theme, term_info()->theme) != 0)
        (void)term_theme(theme);
    term_mouse(c->mouse);
    if (c->title)
        view_title(&a->m, title, sizeof title);
    term_title(title);
}

/* With reduced motion clocks and counters stand still between the steps; what comes as data is shown as it comes. */
static void paint_view(struct app *a, struct view_cursor *cursor)
{
    int64_t now = a->m.now_us;

    if (a->m.screen.choices.reduced_motion) {
        if (now - a->moved_us >= MOTION_S * 1000000LL || a->moved_us > now)
            a->moved_us = now;
        a->m.now_us = a->moved_us;
    }
    view_paint(a->canvas, replay_shown(&a->m), keys_tables(), cursor);
    a->m.now_us = now;
}

static void paint(struct app *a)
{
    struct view_cursor cursor = {0};

    if (a->canvas->rows != a->m.screen.rows || a->canvas->cols != a->m.screen.cols)
        canvas_resize(a->canvas, a->m.screen.rows, a->m.screen.cols);
    set_terminal(a);
    canvas_clear(a->canvas);
    paint_view(a, &cursor);
    a->canvas->cursor_y = cursor.visible ? cursor.y : -1;
    a->canvas->cursor_x = cursor.visible ? cursor.x : -1;
    a->painted_us = io_now_us();
    if (term_paint(a->canvas))
        a->m.dirty = a->m.dirty_key = false;
}

static void idle(void *arg);

static void frame(void *arg)
{
    struct app *a = arg;

    a->frame_waiting = false;
    if (a->canvas && a->m.dirty && term_is_open())
        paint(a);
}

static void idle(void *arg)
{
    struct app *a = arg;
    int64_t since = io_now_us() - a->painted_us;

    if (!a->canvas || !a->m.dirty || !term_is_open())
        return;
    if (a->m.dirty_key || since >= FRAME_US) {
        paint(a);
    } else if (!a->frame_waiting) {
        a->frame_waiting = true;
        io_frame(a->io, (int)((FRAME_US - since) / 1000) + 1, frame, a);
    }
}

/* ---- events and effects ---- */

static void resized(void *arg);
static void readable(void *arg);

/* A child that gets the terminal: the DBA's editor. */
static void lend(struct app *a)
{
    io_unwatch_fd(a->io, term_fd());
    term_lend();
    a->lent = true;
}

static void take_back(struct app *a)
{
    if (!a->lent) /* the child was refused before it was begun */
        return;
    a->lent = false;
    term_take_back();
    io_watch_fd(a->io, term_fd(), readable, a);
    resized(a);
    a->m.dirty = a->m.dirty_key = true;
}

static void run(void *arg, struct effect *e)
{
    struct app *a = arg;

    switch (e->kind) {
    case FX_SUSPEND:
        if (a->canvas) {
            term_suspend();
            resized(a);
            a->m.dirty = a->m.dirty_key = true;
        }
        effect_clear(e);
        break;
    case FX_REDRAW:
        if (a->canvas)
            term_redraw();
        a->m.dirty = true;
        effect_clear(e);
        break;
    case FX_BELL:
        if (a->canvas)
            term_bell();
        effect_clear(e);
        break;
    case FX_COPY:
        if (a->canvas && e->text && !a->m.screen.choices.no_clipboard)
            (void)term_copy(e->text);
        effect_clear(e);
        break;
    case FX_CHILD:
        if (a->canvas && (e->u.child.flags & CHILD_TERMINAL))
            lend(a);
        io_run(a->io, e);
        break;
    default:
        io_run(a->io, e);
        break;
    }
}

static void post(void *arg, struct event *ev)
{
    struct app *a = arg;

    io_post(a->io, ev);
}

static void on_event(void *arg, struct event *ev)
{
    struct app *a = arg;
    struct effects fx = {0};

    gate_event(&a->gate, ev, run, post, a);
    if (a->canvas && ev->kind == EV_CHILD_EXIT && ev->req.owner == OWNER_UI &&
        ev->req.id == UI_FILE_OUTSIDE)
        take_back(a);
    if (verbs_has(a->verb)) {
        verbs_event(&a->m, a->verb, ev, &fx);
    } else {
        const struct io_stats *s = io_stats(a->io);
        for (int i = 0; i < IO_STALL_BUCKETS; i++)
            a->m.stalls[i] = (int)s->bucket[i];
        app_update(&a->m, ev, &fx);
        if (ev->kind == EV_START && a->canvas)
            keep_start(&a->m, &fx);
        sqllog_note(&a->m, &fx);
        if (a->m.opt.headless) {
            struct effects said = {0};
            headless_chat(&a->m, &a->printed, &said);
            gate_run(&a->gate, &said, run, post, a);
        }
    }
    a->gate.ends = a->m.opt.ends;
    if (a->m.opt.readonly) /* also since /readonly, in this very event */
        gate_shut(&a->gate);
    gate_run(&a->gate, &fx, run, post, a);
}

/* ---- the terminal ---- */

static void readable(void *arg)
{
    struct app *a = arg;
    struct event ev;
    struct buf paste = {0};
    struct key key;

    for (;;) {
        memset(&ev, 0, sizeof ev);
        switch (term_read(&key, &paste)) {
        case TERM_NOTHING:
            buf_clear(&paste);
            return;
        case TERM_KEY:
            ev.kind = EV_KEY;
            ev.u.key = key;
            break;
        case TERM_PASTE:
            ev.kind = EV_PASTE;
            ev.len = paste.len;
            ev.text = buf_take(&paste);
            break;
        case TERM_LOST:
            io_unwatch_fd(a->io, term_fd());
            ev.kind = EV_TTY_LOST;
            io_post(a->io, &ev);
            buf_clear(&paste);
            return;
        }
        io_post(a->io, &ev);
    }
}

static void resized(void *arg)
{
    struct app *a = arg;
    struct event ev = {.kind = EV_RESIZE};

    if (!term_resized())
        return;
    term_size(&ev.u.size.rows, &ev.u.size.cols);
    io_post(a->io, &ev);
}

static void suspend(void *arg)
{
    struct effect e = {.kind = FX_SUSPEND};

    run(arg, &e);
}

static void own_folder(const struct options *o)
{
    struct buf path = {0};

    buf_printf(&path, "%s/workspaces", o->home);
    io_own_folder(buf_text(&path));
    buf_clear(&path);
}

static bool open_screen(struct app *a, int log_fd, struct err *e)
{
    struct term_opts opts = {
        .no_color = a->m.opt.no_color, .graph = a->m.opt.graph, .log_fd = log_fd};

    if (!term_open(&opts, e))
        return false;
    term_size(&a->m.screen.rows, &a->m.screen.cols);
    a->m.screen.ascii = term_info()->ascii;
    a->m.screen.choices.plain = a->m.opt.plain; /* the first frame comes before HOME/config does */
    a->m.screen.choices.reduced_motion = a->m.opt.reduced_motion;
    a->m.screen.choices.no_clipboard = a->m.opt.no_clipboard;
    a->m.screen.graph = term_info()->graph;
    a->m.screen.clipboard = term_copies();
    a->canvas = canvas_new(a->m.screen.rows, a->m.screen.cols);
    a->canvas->ascii = term_info()->ascii;
    die_hook(term_close);
    paint(a); /* the first frame, before anything is connected */
    return true;
}

/* ---- running ---- */

static void print_error(const struct err *e)
{
    fprintf(stderr, "pg_diagnose: error: %s\n", e->msg);
    if (e->detail[0])
        fprintf(stderr, "DETAIL:  %s\n", e->detail);
    if (e->hint[0])
        fprintf(stderr, "HINT:  %s\n", e->hint);
}

int app_usage_error(const struct command_line *cl, const struct err *e)
{
    bool demo_lines = cl->verb == VERB_DEMO && !(isatty(0) && isatty(1));

    print_error(e);
    if (cl->json || demo_lines) {
        struct summary *s = xcalloc(1, sizeof *s);
        struct buf text = {0};
        summary_init(s);
        summary_json(s, &text);
        puts(buf_text(&text));
        buf_clear(&text);
        free(s);
    }
    return 2;
}

/* A recording outlives the program: where it is, and what it is for. */
static void tell_recording(const struct app *a)
{
    if (a->m.recorder.sum > 0)
        fprintf(stderr,
                "pg_diagnose: the recording is %s; it is played by: pg_diagnose replay '%s'\n",
                a->m.recorder.path, a->m.recorder.path);
}

/* After the screen is gone: what the DBA should still see in the shell. */
static void last_words(const struct app *a)
{
    const struct session *s = &a->m.session;

    if (a->m.flow == FLOW_STUCK) {
        fprintf(stderr, "pg_diagnose: the operator must act: %s\n%s\n", a->m.fl.err.msg,
                a->m.apply.stuck_sql);
    } else if (s->state == SESSION_PAUSED) {
        fprintf(stderr, "pg_diagnose: session %s is paused; start again to go on.\n", s->name);
    } else if (a->m.demo.state == DEMO_FAILED) {
        print_error(&a->m.demo.err);
    } else if (a->m.opt.replay && a->m.fl.err.code != ERR_NONE) {
        print_error(&a->m.fl.err);
    }
}

static void test_switches(struct options *o)
{
#ifdef PGD_TEST_BUILD
    const char *unsafe = getenv("PGD_TEST_NO_GUARD");
    o->unsafe_guard = unsafe && *unsafe;
    o->unsafe_preflight = unsafe && *unsafe == '1';
#else
    (void)o;
#endif
}

/* What the environment says about models; its keys stand nowhere else afterwards. */
static bool read_models(struct model_env *m, struct err *e)
{
    static const char *const gemini[] = {"GEMINI_API_KEY", "GOOGLE_API_KEY", NULL};
    static const char *const openai[] = {"OPENAI_API_KEY", NULL};
    const bool ok = environ_key(gemini, &m->gemini_key, e) &&
                    environ_key(openai, &m->openai_key, e) &&
                    environ_word("GEMINI_MODEL", m->gemini_model, sizeof m->gemini_model, e) &&
                    environ_word("OPENAI_MODEL", m->openai_model, sizeof m->openai_model, e) &&
                    environ_word("GOOGLE_GEMINI_BASE_URL", m->gemini_base, sizeof m->gemini_base,
                                 e) &&
                    environ_word("OPENAI_BASE_URL", m->openai_base, sizeof m->openai_base, e);

    environ_wipe_keys();
    return ok;
}

/* Off a terminal the demo is the headless loop with everything allowed on its own server. */
static void demo_headless(struct options *o)
{
    o->headless = o->json = true;
    if (o->accept == ACCEPT_ASK)
        o->accept = ACCEPT_SAFE;
    o->bench_db = true;
    if (o->restart == RESTART_ASK)
        o->restart = RESTART_AUTO;
}

/* A thread that hangs in a look-up or a handshake outlives the loop. The libraries' own clean-up at exit() would take away what it
 * works with, so then the process ends without it. */
static void leave_if_threads(int code)
{
    for (int ms = 0; ms < 50 && io_threads_alive() > 0; ms++)
        usleep(1000);
    if (io_threads_alive() == 0)
        return;
    fflush(NULL);
    _exit(code);
}

int app_run(const struct command_line *cl)
{
    struct app *a = xcalloc(1, sizeof *a);
    struct err e = {0};
    bool tty = isatty(0) && isatty(1);
    int code;

    model_init(&a->m);
    a->m.opt = cl->opt;
    a->m.opt.pid = (int)getpid();
    a->verb = cl->verb;
    if (!read_models(&a->m.opt.env, &e)) {
        model_clear(&a->m);
        free(a);
        return app_usage_error(cl, &e);
    }
    test_switches(&a->m.opt);
    if (cl->verb == VERB_DEMO && !tty)
        demo_headless(&a->m.opt);
    if (getrandom(&a->m.advising.random, sizeof a->m.advising.random, GRND_NONBLOCK) < 0)
        a->m.advising.random = 0; /* the wall clock is added in advise_start() */
    if (!verbs_has(cl->verb) && !advise_setup(&a->m, &e)) {
        if (a->m.opt.headless) {
            model_clear(&a->m);
            free(a);
            return app_usage_error(cl, &e);
        }
        model_say(&a->m, CHAT_WARN, "%s: the builtin advisor advises", e.msg);
        if (e.hint[0])
            model_say(&a->m, CHAT_WARN, "%s", e.hint);
    }
    if (cl->verb == VERB_SCREEN && !tty) {
        err_set(&e, ERR_USAGE, "the full screen needs a terminal");
        err_hint(&e, "Without one use: pg_diagnose tune ... --json, or pg_diagnose demo.");
        model_clear(&a->m);
        free(a);
        return app_usage_error(cl, &e);
    }
    a->gate.readonly = a->m.opt.readonly;
    a->gate.offline = a->m.opt.replay;
    bool screen = (cl->verb == VERB_SCREEN || cl->verb == VERB_DEMO) && !a->m.opt.headless;
    int log_fd = logfile_open(a->m.opt.home);
    a->io = io_new(on_event, idle, a);
    own_folder(&a->m.opt);
    if (screen && !open_screen(a, log_fd, &e)) {
        io_free(a->io);
        model_clear(&a->m);
        free(a);
        return app_usage_error(cl, &e);
    }
    if (screen) {
        io_watch_fd(a->io, term_fd(), readable, a);
        io_on_signal(a->io, SIGWINCH, resized, a);
        io_on_signal(a->io, SIGTSTP, suspend, a);
        resized(a); /* it may have happened since the first frame */
    }
    code = io_loop(a->io);
    term_close();
    if (screen)
        last_words(a);
    tell_recording(a);
    io_free(a->io);
    gate_clear(&a->gate);
    canvas_free(a->canvas);
    model_clear(&a->m);
    secret_wipe_all();
    free(a);
    logfile_close();
    leave_if_threads(code);
    return code;
}
