/* What makes the keyboard one's own: HOME/config and its keys, help of what is in front, the list of commands, themes that are
 * looked at, the text in an editor, the mouse, plain mode, and what is not there with --readonly. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/commands.h"
#include "pgd/app/config.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/keep.h"
#include "pgd/app/keys.h"
#include "pgd/app/ui_files.h"
#include "pgd/app/update.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/layout.h"
#include "pgd/ui/prompt.h"

struct world {
    struct model *m;
    struct effects fx;
    struct view_cursor cursor;
    struct buf picture;
};

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    struct model *m = calloc(1, sizeof *m);
    assert_non_null(w);
    assert_non_null(m);
    model_init(m);
    m->screen.cols = 120;
    m->screen.rows = 36;
    m->now_us = 100000000;
    m->wall_us = 1700000000000000;
    m->flow = FLOW_WATCH;
    m->links[CONN_CONTROL].state = LINK_UP;
    text_copy(m->links[CONN_CONTROL].user, 32, "postgres");
    text_copy(m->links[CONN_CONTROL].host, 32, "10.0.0.230");
    text_copy(m->opt.home, 40, "/home/h");
    m->opt.pid = 77;
    w->m = m;
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    effects_clear(&w->fx);
    buf_clear(&w->picture);
    model_clear(w->m);
    free(w->m);
    free(w);
    return 0;
}

static void key(struct world *w, struct key k)
{
    struct event ev = {.kind = EV_KEY, .at_us = 100000000, .wall_us = 1700000000000000};
    ev.u.key = k;
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
}

static void named(struct world *w, enum key_name name)
{
    key(w, (struct key){name, 0});
}

static void ctrl(struct world *w, char c)
{
    key(w, (struct key){KEYN_CTRL, (uint32_t)c});
}

static void type(struct world *w, const char *text)
{
    for (; *text; text++)
        key(w, (struct key){KEYN_NONE, (unsigned char)*text});
}

static const char *paint(struct world *w)
{
    struct canvas *c = canvas_new(w->m->screen.rows, w->m->screen.cols);
    view_paint(c, w->m, keys_tables(), &w->cursor);
    buf_clear(&w->picture);
    canvas_text(c, &w->picture);
    canvas_free(c);
    if (getenv("PGD_SHOW"))
        printf("%s\n", buf_text(&w->picture));
    return buf_text(&w->picture);
}

static bool shows(struct world *w, const char *text)
{
    return strstr(paint(w), text) != NULL;
}

static const char *row(struct world *w, int y)
{
    static char line[800];
    const char *p = paint(w);
    for (; y > 0; y--)
        p = strchr(p, '\n') + 1;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(p, "\n"), p);
    return line;
}

/* ---- HOME/config ---- */

struct complaints {
    int n;
    struct err last;
    char all[4000];
};

static void note(void *arg, const struct err *e)
{
    struct complaints *c = arg;
    c->n++;
    c->last = *e;
    size_t at = strlen(c->all);
    snprintf(c->all + at, sizeof c->all - at, "%s|%s|%s\n", e->msg, e->detail, e->hint);
}

static int parse(const char *text, struct choices *out, struct complaints *c)
{
    *c = (struct complaints){0};
    config_parse(text, strlen(text), "/home/h/config", keys_tables(), out, note, c);
    return c->n;
}

static void choices_are_read(void **state)
{
    (void)state;
    struct choices c;
    struct complaints said;
    assert_int_equal(
        parse("# mine\r\n\n theme=contrast \nmouse = on\n\treduced-motion =on\nplain=on\n"
              "title = on\nplain = off",
              &c, &said),
        0);
    assert_string_equal(c.theme, "high-contrast");
    assert_true(c.mouse && c.reduced_motion && c.title && !c.plain);
    assert_int_equal(parse("", &c, &said), 0);
    assert_true(!c.theme[0] && !c.mouse && c.nbound == 0);
    /* each wrong line is told with file and line, and the others hold */
    assert_int_equal(
        parse("mouse = maybe\ntheme = pink\ncolour = red\nhello\ntitle = on\n", &c, &said), 4);
    assert_true(c.title && !c.mouse && !c.theme[0]);
    assert_non_null(strstr(said.all, "/home/h/config line 1: invalid value \"maybe\" for mouse|"));
    assert_non_null(
        strstr(said.all, "/home/h/config line 2: invalid value \"pink\" for theme|It "));
    assert_non_null(
        strstr(said.all, "/home/h/config line 3: there is no choice named \"colour\"|A "));
    assert_non_null(strstr(said.all, "/home/h/config line 4: "));
    assert_true(said.last.detail[0] && said.last.hint[0]);
    char longest[600];
    memset(longest, 'x', sizeof longest);
    config_parse(longest, sizeof longest, "c", keys_tables(), &c, note, &said);
    config_parse("theme\0= dark", 12, "c", keys_tables(), &c, note, &said);
    assert_int_equal(said.n, 6);
    for (int i = 0; i < 100; i++)
        memcpy(longest + 2 * i, "y\n", 2);
    said.n = 0;
    config_parse(longest, 200, "c", keys_tables(), &c, note, &said);
    assert_int_equal(said.n, 20); /* and no more */
}

static void keys_can_be_given(void **state)
{
    (void)state;
    struct choices c;
    struct complaints said;
    assert_int_equal(
        parse("key zoom F11\nkey freeze F7\nkey up F8\nkey  pane-1  Ctrl-B\n", &c, &said), 0);
    assert_int_equal(c.nbound, 4);
    assert_int_equal(c.bound[0].command, KC_ZOOM);
    assert_int_equal(c.bound[0].key.name, KEYN_F11);
    assert_int_equal(c.bound[3].key.rune, 'b');
    /* an exchange is no clash, whatever the order */
    assert_int_equal(parse("key zoom u\nkey undo z\n", &c, &said), 0);
    assert_int_equal(c.nbound, 2);
    assert_int_equal(parse("key zoom t\n", &c, &said), 1);
    assert_string_equal(said.last.msg,
                        "/home/h/config line 1: t cannot be given to zoom: tune has it");
    assert_int_equal(c.nbound, 0);
    assert_int_equal(parse("key zoom F5\nkey freeze F5\nkey help F6\n", &c, &said), 1);
    assert_non_null(strstr(said.last.msg, "line 2: F5 cannot be given to freeze: zoom has it"));
    assert_int_equal(c.nbound, 2);
    /* what is refused gives its letter back: then who wanted that is refused, too */
    assert_int_equal(parse("key tune z\nkey zoom t\nkey zoom q\n", &c, &said), 1);
    assert_int_equal(parse("key status z\nkey zoom q\n", &c, &said), 2);
    assert_int_equal(c.nbound, 0);
    assert_int_equal(
        parse("key zoom Esc\nkey zoom ctrl-c\nkey nosuch F5\nkey zoom Hyper\nkey zoom\n"
              "key interrupt F5\n",
              &c, &said),
        5);
    assert_non_null(strstr(said.all, "line 1: Esc cannot be given"));
    assert_non_null(strstr(said.all, "line 2: Ctrl-C cannot be given"));
    assert_non_null(strstr(said.all, "line 3: there is no action named \"nosuch\""));
    assert_non_null(strstr(said.all, "line 4: there is no key named \"Hyper\""));
    assert_non_null(strstr(said.all, "line 5: a line of a key is: key ACTION KEY"));
    assert_int_equal(c.nbound, 1);
}

static void each_key_has_a_name_that_is_read(void **state)
{
    (void)state;
    struct key k;
    char name[32];
    for (int i = KEYN_ESC; i < KEYN_CTRL; i++) {
        key_text((struct key){(enum key_name)i, 0}, name, sizeof name);
        assert_true(key_parse(name, &k));
        assert_int_equal(k.name, i);
    }
    assert_true(key_parse("ctrl-X", &k) && k.name == KEYN_CTRL && k.rune == 'x');
    assert_true(key_parse("\xc3\xa4", &k) && k.rune == 0xe4);
    assert_true(key_parse("space", &k) && k.rune == ' ');
    assert_false(key_parse("", &k) || key_parse(" ", &k) || key_parse("ab", &k) ||
                 key_parse("Ctrl-", &k) || key_parse("Ctrl-1", &k) || key_parse("F13", &k));
    for (int i = 1; i < KC_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(commands_actions[i], commands_actions[j]);
}

static void a_choice_changes_one_line(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"", "theme = light\n"},
        {"# a\nkey zoom F5", "# a\nkey zoom F5\ntheme = light\n"},
        {"theme=dark\nmouse = on\n", "theme = light\nmouse = on\n"},
        {"theme = a\n#theme = b\n  theme = c\nx\n", "theme = a\n#theme = b\ntheme = light\nx\n"},
        {"themes = dark\n", "themes = dark\ntheme = light\n"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf out = {0};
        config_set(cases[i][0], strlen(cases[i][0]), "theme", "light", &out);
        assert_string_equal(buf_text(&out), cases[i][1]);
        buf_clear(&out);
    }
}

static void config_comes(struct world *w, const char *text)
{
    struct event ev = {.kind = EV_FILE, .req = {OWNER_UI, 1, UI_FILE_CONFIG}};
    ev.text = xstrdup(text);
    ev.len = strlen(text);
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static void bound_keys_work_and_are_shown(void **state)
{
    struct world *w = *state;
    config_comes(w, "key zoom w\nkey sent F5\nkey help h\nkey commands F2\nkey nosuch x\n");
    assert_true(strstr(w->m->chat[0].text, "/home/h/config line 5: there is no action named"));
    type(w, "z");
    assert_false(w->m->screen.zoom);
    type(w, "w");
    assert_true(w->m->screen.zoom);
    assert_non_null(strstr(row(w, 35), "h help"));
    assert_non_null(strstr(row(w, 35), "w zoom"));
    type(w, "?");
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    type(w, "h");
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HELP);
    assert_true(shows(w, "Keys of your own"));
    type(w, "h"); /* the same key closes it */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    named(w, KEYN_F1); /* what has a name stays */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HELP);
    named(w, KEYN_ESC);
    named(w, KEYN_F2);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_COMMANDS);
}

/* ---- help ---- */

static void help_begins_with_what_is_in_front(void **state)
{
    struct world *w = *state;
    w->m->screen.focus = PANE_ROUNDS;
    type(w, "?");
    assert_true(shows(w, "Keyboard help"));
    assert_non_null(strstr(row(w, 2), "Here: the pane Rounds"));
    named(w, KEYN_ESC);
    w->m->fl.decision = DECIDE_TARGET;
    dialogs_open(w->m, DIALOG_TARGET);
    named(w, KEYN_F1);
    assert_non_null(strstr(row(w, 2), "Here: Target"));
    assert_true(shows(w, "go on"));
    named(w, KEYN_ESC);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_TARGET);
    /* at the prompt '?' is a character, F1 is not */
    type(w, ":?");
    assert_string_equal(w->m->screen.prompt.text, "?");
    named(w, KEYN_F1);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HELP);
}

static void help_is_searched(void **state)
{
    struct world *w = *state;
    type(w, "?/eArLiEr");
    assert_true(shows(w, "search: eArLiEr"));
    assert_true(shows(w, "Ctrl-R"));
    assert_false(shows(w, "Shift-Tab"));
    named(w, KEYN_ENTER);
    assert_true(shows(w, "Ctrl-R"));
    named(w, KEYN_ESC); /* the search first, then the help */
    assert_true(shows(w, "Shift-Tab"));
    type(w, "/nosuchthing");
    assert_true(shows(w, "Nothing holds \"nosuchthing\""));
    named(w, KEYN_ESC);
    named(w, KEYN_ESC);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    w->m->screen.cols = 80;
    w->m->screen.rows = 24;
    type(w, "?");
    named(w, KEYN_END);
    assert_true(shows(w, "/quit") || shows(w, "/theme"));
}

/* ---- the list of commands ---- */

static const char *first_found(struct world *w, const char *letters)
{
    struct finder_row rows[FINDER_MAX];
    ctrl(w, 'p');
    type(w, letters);
    int n = dialog_finder_list(w->m, keys_tables(), rows);
    paint(w);
    named(w, KEYN_ESC);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    return n == 0            ? ""
           : rows[0].command ? rows[0].command->name
                             : commands_actions[rows[0].key->command];
}

static void commands_are_found_by_their_letters(void **state)
{
    struct world *w = *state;
    assert_string_equal(first_found(w, "hnd"), "handover");
    assert_string_equal(first_found(w, "sql"), "sql-log");
    assert_string_equal(first_found(w, "/stat"), "status");
    assert_string_equal(first_found(w, "zo"), "zoom");
    assert_string_equal(first_found(w, "xyzzy"), "");
    assert_string_equal(first_found(w, "co"), "cost");
    prompt_remember(&w->m->screen.prompt, "/compare A B");
    assert_string_equal(first_found(w, "co"), "compare"); /* the latest first */
    prompt_remember(&w->m->screen.prompt, "/cost");
    assert_string_equal(first_found(w, "co"), "cost");
    assert_string_equal(first_found(w, ""), "cost");
    ctrl(w, 'p');
    type(w, "status");
    assert_true(shows(w, "Where server, session and program stand"));
    named(w, KEYN_ENTER);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_STATUS);
    ctrl(w, 'p'); /* over a dialog: one layer at a time */
    named(w, KEYN_ESC);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_STATUS);
    named(w, KEYN_ESC);
    ctrl(w, 'p');
    type(w, "expl");
    named(w, KEYN_ENTER);
    assert_string_equal(w->m->screen.prompt.text, "/explain ");
    assert_true(w->m->screen.prompt.focus);
    ctrl(w, 'p'); /* from the prompt, too; what was typed stays */
    type(w, "freeze");
    named(w, KEYN_ENTER);
    assert_true(w->m->screen.frozen);
    assert_string_equal(w->m->screen.prompt.text, "/explain ");
}

static void themes_are_looked_at(void **state)
{
    struct world *w = *state;
    text_copy(w->m->screen.theme, 16, "light");
    commands_run(w->m, "theme", &w->fx);
    assert_int_equal(w->m->screen.dialog.cursor, 1);
    named(w, KEYN_DOWN);
    assert_string_equal(w->m->screen.theme, "high-contrast");
    type(w, "jjj");
    assert_string_equal(w->m->screen.theme, "terminal");
    named(w, KEYN_ESC);
    assert_string_equal(w->m->screen.theme, "light");
    commands_run(w->m, "theme", &w->fx);
    named(w, KEYN_UP);
    named(w, KEYN_ENTER);
    assert_string_equal(w->m->screen.theme, "dark");
    assert_int_equal(w->m->screen.npending, 1);
}

/* ---- the prompt ---- */

static void the_prompt_has_lines(void **state)
{
    struct world *w = *state;
    struct prompt *p = &w->m->screen.prompt;
    type(w, ":one\\");
    named(w, KEYN_ENTER);
    type(w, "two");
    key(w, (struct key){KEYN_ENTER, 2}); /* with Alt */
    type(w, "three");
    ctrl(w, 'j');
    type(w, "four");
    assert_string_equal(p->text, "one\ntwo\nthree\nfour");
    for (int rows = 12; rows <= 36; rows += 12) { /* whose it is stands before the first line */
        w->m->screen.rows = rows;
        assert_non_null(strstr(row(w, rows - 5), "[postgres@10.0.0.230] > one"));
        assert_non_null(strstr(row(w, rows - 2), " four"));
        assert_int_equal(w->cursor.y, rows - 2);
    }
    struct event ev = {.kind = EV_PASTE, .text = xstrdup("a\nb\n\nc"), .len = 6};
    named(w, KEYN_ESC);
    named(w, KEYN_ESC);
    assert_false(p->focus);
    app_update(w->m, &ev, &w->fx); /* in the panes: a text is not thrown away, nor taken for keys */
    event_clear(&ev);
    assert_true(p->focus);
    assert_string_equal(p->text, "a\nb\n\nc");
}

static void the_history_is_searched(void **state)
{
    struct world *w = *state;
    struct prompt *p = &w->m->screen.prompt;
    static const char *const said[] = {"/explain work_mem", "/status", "why is WAL slow?", "/cost"};
    for (int i = 0; i < 4; i++)
        prompt_remember(p, said[i]);
    type(w, ":draft");
    ctrl(w, 'r');
    type(w, "wa");
    assert_string_equal(p->text, "why is WAL slow?");
    assert_non_null(strstr(row(w, 35), "search the history for: wa_"));
    named(w, KEYN_ESC);
    assert_string_equal(p->text, "draft");
    ctrl(w, 'r');
    type(w, "a");
    assert_string_equal(p->text, "why is WAL slow?");
    ctrl(w, 'r');
    assert_string_equal(p->text, "/status");
    ctrl(w, 'r');
    assert_string_equal(p->text, "/explain work_mem");
    ctrl(w, 'r'); /* there is no older one */
    assert_string_equal(p->text, "/explain work_mem");
    named(w, KEYN_BACKSPACE);
    type(w, "stat");
    assert_string_equal(p->text, "/status");
    named(w, KEYN_ENTER);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_STATUS);
}

static void what_was_taken_out_comes_back(void **state)
{
    struct world *w = *state;
    struct prompt *p = &w->m->screen.prompt;
    type(w, ":one two three");
    ctrl(w, 'w');
    assert_string_equal(p->text, "one two ");
    ctrl(w, 'y');
    assert_string_equal(p->text, "one two three");
    ctrl(w, 'a');
    key(w, (struct key){KEYN_ALT, 'f'});
    assert_int_equal(p->at, 3);
    ctrl(w, 'k');
    assert_string_equal(p->text, "one");
    ctrl(w, 'a');
    ctrl(w, 'y');
    assert_string_equal(p->text, " two threeone");
    key(w, (struct key){KEYN_ALT, 'b'});
    key(w, (struct key){KEYN_ALT, 'd'});
    assert_string_equal(p->text, " two ");
    ctrl(w, 'u');
    assert_string_equal(p->text, "");
    ctrl(w, 'y');
    assert_string_equal(p->text, " two ");
    named(w, KEYN_ESC);
    named(w, KEYN_ESC);
    dialogs_open(w->m, DIALOG_STATUS);
    key(w, (struct key){KEYN_ALT, 'f'}); /* elsewhere Alt is Esc, and the key */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
}

/* Where one is, and what was measured (else what the server does), in every state and dialog and at every size that has the room. */
static void the_prompt_is_always_there(void **state)
{
    struct world *w = *state;
    static const int sizes[][2] = {{160, 45}, {120, 36}, {80, 24}, {40, 10}, {30, 8}, {20, 5}};
    static const struct {
        enum flow_state flow;
        enum session_state session;
        int round;
        const char *where, *rate;
    } cases[] = {
        {FLOW_WATCH, SESSION_NONE, 0, "[postgres@10.0.0.230 | ", "1234 xact/s] >"},
        {FLOW_BASELINE, SESSION_ACTIVE, 0, "[postgres@10.0.0.230 | WriteOptimize | ",
         "4502 TPS] >"},
        {FLOW_ROUND, SESSION_ACTIVE, 2, "[postgres@10.0.0.230 | WriteOptimize R2 | ",
         "5277 TPS] >"},
        {FLOW_PAUSED, SESSION_PAUSED, 2, "| WriteOptimize paused | ", "5277 TPS] >"},
        {FLOW_SUMMARY, SESSION_ARCHIVED, 2, "| WriteOptimize archived | ", "5277 TPS] >"},
        {FLOW_SUMMARY, SESSION_FAILED, 2, "| WriteOptimize failed | ", "4502 TPS] >"},
        {FLOW_SUMMARY, SESSION_FAILED, 0, "| WriteOptimize ended | ", "4502 TPS] >"},
    };
    w->m->collect.samples = 60;
    for (int i = 0; i < 9; i++)
        series_add(&w->m->collect.series[METRIC_TPS], 1234);
    w->m->session.baseline_tps = 4502;
    w->m->session.best_tps = 5277;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        w->m->flow = cases[i].flow;
        w->m->session.state = cases[i].session;
        w->m->session.round.number = w->m->session.rounds_done = cases[i].round;
        w->m->session.best.n = cases[i].round > 0;
        text_copy(w->m->session.plan.strategy, 32, cases[i].session ? "WriteOptimize" : "");
        for (int kind = DIALOG_NONE; kind <= DIALOG_THEME; kind++) {
            w->m->screen.dialog = (struct dialog){.kind = (enum dialog_kind)kind};
            for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
                w->m->screen.cols = sizes[s][0];
                w->m->screen.rows = sizes[s][1];
                const char *line = row(w, sizes[s][1] - 2);
                if (!strstr(line, cases[i].rate) || (s < 3 && !strstr(line, cases[i].where)))
                    fail_msg("dialog %d, %dx%d: %s", kind, sizes[s][0], sizes[s][1], line);
            }
        }
    }
    w->m->screen.dialog = (struct dialog){.kind = DIALOG_NONE};
}

/* ---- an editor ---- */

static const struct effect *effect_of(const struct world *w, enum effect_kind kind)
{
    for (size_t i = 0; i < w->fx.n; i++)
        if (w->fx.items[i].kind == kind)
            return &w->fx.items[i];
    return NULL;
}

static void answer(struct world *w, enum event_kind kind, const char *text, int status)
{
    struct event ev = {.kind = kind, .at_us = 100000000};
    ev.req = (struct req){OWNER_UI, w->m->screen.outside.generation, UI_FILE_OUTSIDE};
    ev.u.child.status = kind == EV_CHILD_EXIT ? status : 0;
    ev.text = text ? xstrdup(text) : NULL;
    ev.len = text ? strlen(text) : 0;
    effects_clear(&w->fx);
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static void an_editor_has_the_text(void **state)
{
    struct world *w = *state;
    type(w, ":why so");
    ctrl(w, 'g');
    const struct effect *e = effect_of(w, FX_FILE);
    assert_int_equal(e->u.file.op, FILE_MKDIR);
    assert_int_equal(strncmp(e->u.file.path, "/home/h/edit-77-", 16), 0);
    answer(w, EV_FILE, NULL, 0);
    e = effect_of(w, FX_FILE);
    assert_int_equal(e->u.file.op, FILE_SAVE);
    assert_string_equal(e->text, "why so\n");
    answer(w, EV_FILE, NULL, 0);
    e = effect_of(w, FX_CHILD);
    assert_int_equal(e->u.child.flags, CHILD_TERMINAL);
    bool password = false;
    for (char **v = e->u.child.env; v && *v; v++)
        password |= strcmp(*v, "PGPASSWORD") == 0; /* taken out */
    assert_true(password);
    struct event signal = {.kind = EV_SIGNAL, .at_us = 100000000};
    signal.u.signo = 2;
    app_update(w->m, &signal, &w->fx);
    assert_false(w->m->quitting); /* Ctrl-C is the editor's */
    answer(w, EV_CHILD_UP, NULL, 0);
    answer(w, EV_CHILD_EXIT, NULL, 0);
    e = effect_of(w, FX_FILE);
    assert_int_equal(e->u.file.op, FILE_READ);
    answer(w, EV_FILE, "why so\nslow?\n", 0);
    assert_string_equal(w->m->screen.prompt.text, "why so\nslow?");
    assert_true(w->m->screen.prompt.focus);
    e = effect_of(w, FX_FILE);
    assert_int_equal(e->u.file.op, FILE_REMOVE_TREE);
    assert_int_equal(strncmp(e->u.file.path, "/home/h/edit-77-", 16), 0);
}

static bool told_since(const struct world *w, int line, const char *words)
{
    for (int i = line; i < w->m->nchat; i++)
        if (strstr(w->m->chat[i].text, words))
            return true;
    return false;
}

/* What was edited is thrown away in no case. */
static void an_edited_text_is_kept(void **state)
{
    struct world *w = *state;
    char *large = calloc(1, PROMPT_MAX + 100), first[840];
    memset(large, 'x', PROMPT_MAX + 50);
    const struct {
        int status;
        const char *left; /* NULL = it cannot be read */
        bool missing, kept;
        const char *prompt, *says;
    } cases[] = {
        {1, "why so\n", false, false, "why so", "exit code 1"},
        {1, "why so slow?\n", false, true, "why so", "exit code 1"},
        {0, NULL, false, true, "why so", "cannot be read"},
        {0, NULL, true, false, "why so", "cannot be read"},
        {0, large, false, true, NULL, "was cut at"},
    };
    text_copy(w->m->opt.home, 40, "/home/h");
    first[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct event ev = {.kind = EV_FILE, .at_us = 100000000};
        const int line = w->m->nchat;
        prompt_set(&w->m->screen.prompt, "why so");
        effects_clear(&w->fx);
        ctrl(w, 'g');
        assert_string_not_equal(w->m->screen.outside.dir, first); /* never the one that was kept */
        text_copy(first, sizeof first, w->m->screen.outside.dir);
        answer(w, EV_FILE, NULL, 0);
        answer(w, EV_FILE, NULL, 0);
        answer(w, EV_CHILD_EXIT, NULL, cases[i].status);
        assert_int_equal(effect_of(w, FX_FILE)->u.file.op, FILE_READ);
        effects_clear(&w->fx);
        ev.req = (struct req){OWNER_UI, w->m->screen.outside.generation, UI_FILE_OUTSIDE};
        if (!cases[i].left)
            err_set(&ev.err, ERR_FILE, "it cannot be read");
        ev.u.file.missing = cases[i].missing;
        ev.text = cases[i].left ? xstrdup(cases[i].left) : NULL;
        ev.len = cases[i].left ? strlen(cases[i].left) : 0;
        app_update(w->m, &ev, &w->fx);
        event_clear(&ev);
        if (cases[i].prompt)
            assert_string_equal(w->m->screen.prompt.text, cases[i].prompt);
        if (!effect_of(w, FX_FILE) != cases[i].kept || !told_since(w, line, cases[i].says) ||
            told_since(w, line, "/prompt.md") != cases[i].kept)
            fail_msg("case %zu", i);
        assert_int_equal(w->m->screen.outside.step, OUTSIDE_NOT);
    }
    free(large);
}

/* Each name that the seed and its users know, also in the dialog that is in front. */
static void every_command_has_its_names(void **state)
{
    struct world *w = *state;
    static const char *const names[][2] = {
        {"quit", "quit"},       {"q", "quit"},
        {"help", "help"},       {"h", "help"},
        {"?", "help"},          {"status", "status"},
        {"s", "status"},        {"sessions", "sessions"},
        {"ls", "sessions"},     {"export", "export"},
        {"close", "close"},     {"pause", "pause"},
        {"resume", "resume"},   {"switch", "switch"},
        {"model", "model"},     {"cost", "cost"},
        {"privacy", "privacy"}, {"explain", "explain"},
        {"compare", "compare"}, {"hardware", "hardware"},
        {"undo", "undo"},       {"readonly", "readonly"},
        {"theme", "theme"},     {"sql-log", "sql-log"},
        {"mouse", "mouse"},     {"plain", "plain"},
    };
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct command_row *c = commands_row(names[i][0]);
        char line[64];
        assert_non_null(c);
        assert_string_equal(c->name, names[i][1]);
        snprintf(line, sizeof line, "help %s", names[i][0]);
        commands_run(w->m, line, &w->fx);
        assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
        assert_true(shows(w, c->help));
        named(w, KEYN_ESC);
    }
    /* ':' and '/' lead to the prompt from a dialog, which stays; Ctrl-P from those that have no prompt */
    w->m->fl.decision = DECIDE_TARGET;
    dialogs_open(w->m, DIALOG_TARGET);
    type(w, "/cost");
    assert_string_equal(w->m->screen.prompt.text, "/cost");
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_TARGET);
    named(w, KEYN_ENTER);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_COST);
    ctrl(w, 'p');
    type(w, "status");
    named(w, KEYN_ENTER);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_STATUS);
}

/* ---- mouse ---- */

static void the_mouse_has_the_pane_under_it(void **state)
{
    struct world *w = *state;
    struct layout l;
    view_layout(w->m, PANE_BENCH, &l);
    struct rect r = l.panes[PANE_AI];
    uint32_t at = (uint32_t)(r.y + 3) * KEY_CELL + (uint32_t)(r.x + 3);
    for (int i = 0; i < 60; i++)
        model_say(w->m, CHAT_EVENT, "line %d", i);
    w->m->screen.focus = PANE_BENCH;
    key(w, (struct key){KEYN_CLICK, at});
    assert_int_equal(w->m->screen.focus, PANE_BENCH); /* off until it is asked for */
    commands_run(w->m, "mouse on", &w->fx);
    assert_true(w->m->screen.choices.mouse);
    key(w, (struct key){KEYN_WHEEL_UP, at});
    assert_int_equal(w->m->screen.focus, PANE_BENCH);
    assert_int_equal(w->m->screen.scroll[PANE_AI], 3);
    key(w, (struct key){KEYN_WHEEL_DOWN, at});
    assert_int_equal(w->m->screen.scroll[PANE_AI], 0);
    key(w, (struct key){KEYN_CLICK, at});
    assert_int_equal(w->m->screen.focus, PANE_AI);
    key(w, (struct key){KEYN_CLICK, 34u * KEY_CELL + 40});
    assert_true(w->m->screen.prompt.focus);
    key(w, (struct key){KEYN_CLICK, 9999u * KEY_CELL + 9999});
    dialogs_open(w->m, DIALOG_HELP);
    key(w, (struct key){KEYN_WHEEL_DOWN, at});
    assert_int_equal(w->m->screen.dialog.scroll, 3);
    key(w, (struct key){KEYN_CLICK, at});
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_HELP);
}

/* ---- plain mode ---- */

static void plain_is_text_from_above_to_below(void **state)
{
    struct world *w = *state;
    static const int sizes[][2] = {{80, 24}, {120, 36}, {160, 45}};
    w->m->screen.choices.plain = true;
    w->m->collect.samples = 60;
    w->m->server_known = true;
    for (int i = 0; i < 90; i++) {
        series_add(&w->m->collect.series[METRIC_TPS], 5000 + i);
        series_add(&w->m->collect.series[METRIC_CPU_USER], 60);
    }
    model_say(w->m, CHAT_EVENT, "the first event");
    model_say(w->m, CHAT_EVENT, "the second event");
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        w->m->screen.cols = sizes[i][0];
        w->m->screen.rows = sizes[i][1];
        for (int p = 0; p < PANE_COUNT; p++) {
            w->m->screen.focus = (enum pane)p;
            for (const char *c = paint(w); *c; c++)
                assert_true((*c >= ' ' && *c < 0x7f) || *c == '\n');
            assert_true(w->cursor.visible);
        }
        w->m->screen.focus = PANE_BENCH;
        assert_non_null(strstr(row(w, 1), "Benchmark, pane 2 of 5"));
        assert_true(shows(w, "xact/s: now 5089, average 5044, from 5000 to 5089, 90 values"));
        assert_true(shows(w, "[postgres@10.0.0.230"));
        assert_non_null(strstr(row(w, w->cursor.y), "the second event")); /* the line to read */
        w->m->screen.focus = PANE_TELEMETRY;
        assert_true(shows(w, "us      60 %"));
    }
    w->m->screen.cols = 80;
    w->m->screen.rows = 24;
    type(w, "?");
    assert_non_null(strstr(row(w, 1), "Keyboard help"));
    assert_true(shows(w, "Up/Down scroll"));
    named(w, KEYN_ESC);
    commands_run(w->m, "theme", &w->fx);
    named(w, KEYN_DOWN);
    paint(w);
    assert_non_null(strstr(row(w, w->cursor.y), "> light"));
    assert_false(shows(w, "--") || shows(w, "\n|"));
    named(w, KEYN_ESC);
    commands_run(w->m, "plain off", &w->fx);
    assert_true(shows(w, "\xe2\x94\x8c"));
}

/* ---- read-only ---- */

static void nothing_leads_to_a_change(void **state)
{
    struct world *w = *state;
    assert_true(shows(w, "t tune"));
    type(w, "?");
    bool accept = false;
    for (int i = 0; i < 40 && !accept; i++) {
        accept = shows(w, "Accept the line");
        named(w, KEYN_PGDN);
    }
    assert_true(accept);
    named(w, KEYN_ESC);
    w->m->opt.readonly = true;
    assert_false(shows(w, "t tune"));
    type(w, "?");
    for (int i = 0; i < 40; i++) {
        assert_false(shows(w, "Accept"));
        assert_false(shows(w, "Undo"));
        assert_false(shows(w, " t  "));
        named(w, KEYN_PGDN);
    }
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* q takes back what can be seen to be zoomed, and says so; where no pane has a frame there is nothing to take back. */
static void a_zoom_that_is_not_seen_does_not_hold_q(void **state)
{
    static const struct {
        int rows, cols;
        bool plain, back;
    } of[] = {
        {36, 120, false, true}, {45, 160, false, true}, {24, 80, false, true},
        {24, 132, false, true}, {9, 39, false, false},  {3, 10, false, false},
        {36, 120, true, false},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(of); i++) {
        w->m->screen.rows = of[i].rows;
        w->m->screen.cols = of[i].cols;
        w->m->screen.choices.plain = of[i].plain;
        w->m->screen.zoom = true;
        w->m->quitting = false;
        if (of[i].rows > 20)
            assert_non_null(strstr(row(w, of[i].rows - 1), of[i].back ? "q back" : "q quit"));
        type(w, "q");
        assert_int_equal(w->m->quitting, !of[i].back);
        assert_int_equal(w->m->screen.zoom, !of[i].back);
        if (!of[i].back)
            continue;
        assert_non_null(strstr(row(w, of[i].rows - 1), "q quit"));
        type(w, "q");
        assert_true(w->m->quitting);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(choices_are_read),
        T(keys_can_be_given),
        T(each_key_has_a_name_that_is_read),
        T(a_choice_changes_one_line),
        T(bound_keys_work_and_are_shown),
        T(help_begins_with_what_is_in_front),
        T(help_is_searched),
        T(commands_are_found_by_their_letters),
        T(themes_are_looked_at),
        T(the_prompt_has_lines),
        T(the_history_is_searched),
        T(what_was_taken_out_comes_back),
        T(the_prompt_is_always_there),
        T(an_editor_has_the_text),
        T(an_edited_text_is_kept),
        T(every_command_has_its_names),
        T(the_mouse_has_the_pane_under_it),
        T(plain_is_text_from_above_to_below),
        T(nothing_leads_to_a_change),
        T(a_zoom_that_is_not_seen_does_not_hold_q),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
