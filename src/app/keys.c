/* keys.c - which key does what, as one table; the help overlay and the key line are made from it, in
 * this order: what is needed most comes first, for the key line of a narrow screen is cut. A key is a
 * row plus a case in run_command(). Dialogs have their own keys in dialogs.c, commands theirs in
 * commands.c. */
#include "pgd/app/keys.h"

#include <signal.h>
#include <string.h>

#include "pgd/app/advise.h"
#include "pgd/app/advised.h"
#include "pgd/app/cli.h"
#include "pgd/app/commands.h"
#include "pgd/app/dialogs.h"
#include "pgd/app/dialogs_come.h"
#include "pgd/app/finder.h"
#include "pgd/app/flow.h"
#include "pgd/app/flow_index.h"
#include "pgd/app/keep.h"
#include "pgd/app/mouse.h"
#include "pgd/app/offers.h"
#include "pgd/app/outside.h"
#include "pgd/app/record.h"
#include "pgd/app/replay.h"
#include "pgd/app/sessions.h"
#include "pgd/app/start.h"
#include "pgd/app/talk.h"
#include "pgd/app/tree_keys.h"
#include "pgd/app/ui_files.h"
#include "pgd/app/verify.h"
#include "pgd/app/views.h"
#include "pgd/base/text.h"
#include "pgd/ui/dialog.h"
#include "pgd/ui/keys.h"
#include "pgd/ui/layout.h"
#include "pgd/ui/list.h"
#include "pgd/ui/pane.h"
#include "pgd/ui/pane_view.h"
#include "pgd/ui/prompt.h"

#define K(c)         \
    {                \
        KEYN_NONE, c \
    }
#define CTRL(c)      \
    {                \
        KEYN_CTRL, c \
    }

enum { ANSWER_S = 6 };

static const struct key_row key_rows[] = {
    /* the session tree: handled in tree_keys.c */
    {{KEYN_ENTER, 0},
     "Enter",
     "open",
     "Open a session; on an open one and on its parts: all that is known of it. Left closes.",
     KEY_IN_TREE,
     true,
     KC_NONE},
    {K('f'), "f", "find", "Only sessions whose name, title or state holds what is typed.",
     KEY_IN_TREE, true, KC_NONE},
    {K('c'), "c", "compare", "Mark a session; on another one: compare the two.", KEY_IN_TREE, true,
     KC_NONE},
    {K('b'), "b", "branch", "A new session that begins with what was kept here, measured anew.",
     KEY_IN_TREE | KEY_CHANGES, true, KC_NONE},
    {K('v'), "v", "go back", "Bring the server back to this state, after a review.",
     KEY_IN_TREE | KEY_CHANGES, true, KC_NONE},
    {K('r'), "r", "rename", "Give the session a title.", KEY_IN_TREE | KEY_CHANGES, true, KC_NONE},
    {K('a'), "a", "archive", "Confirm and archive a paused session: no further round.",
     KEY_IN_TREE | KEY_CHANGES, true, KC_NONE},
    {K('D'), "D", "delete", "Remove a session from the disk, once its name is typed.",
     KEY_IN_TREE | KEY_CHANGES, true, KC_NONE},
    /* live views: before the others, for a letter may mean something else there */
    {K('f'), "f", "filter",
     "Show the rows with these words; user:app in one column, !word without it.", KEY_IN_ROWS, true,
     KC_VIEW_FILTER},
    {K('s'), "s", "sort", "Sort by the next column.", KEY_IN_TABLE, true, KC_VIEW_SORT},
    {K('s'), "s", "share", "Shares in place of numbers, or numbers again.", KEY_IN_SHARES, true,
     KC_VIEW_SHARE},
    {K('<'), "< >", "", "Sort by the column to the left, to the right.", KEY_IN_TABLE, false,
     KC_VIEW_SORT_LEFT},
    {K('>'), ">", "", "", 0, false, KC_VIEW_SORT_RIGHT},
    {K('r'), "r", "reverse", "The other direction.", KEY_IN_TABLE, true, KC_VIEW_REVERSE},
    {{KEYN_ENTER, 0},
     "Enter",
     "row",
     "All of the row under the cursor.",
     KEY_IN_ROWS,
     true,
     KC_VIEW_DETAIL},
    {K('i'), "i", "hidden", "Show the rows that are left out as uninteresting, or not.",
     KEY_IN_QUIET, true, KC_VIEW_QUIET},
    {K('C'), "C", "cancel",
     "Cancel the statement of the session under the cursor; its pid is asked for.",
     KEY_IN_ACTS | KEY_CHANGES, true, KC_VIEW_CANCEL},
    {K('T'), "T", "end it", "End the session under the cursor; its pid is asked for.",
     KEY_IN_ACTS | KEY_CHANGES, true, KC_VIEW_TERMINATE},
    {K('x'), "x", "plan",
     "The plan of the statement under the cursor, by EXPLAIN; it is not executed.",
     KEY_IN_STATEMENT, true, KC_VIEW_PLAN},
    {K('y'), "y", "copy",
     "Copy the row's whole statement, or the row, to the terminal's clipboard.", KEY_IN_ROWS, true,
     KC_VIEW_COPY},
    {K('e'), "e", "export", "Write what the view shows to a CSV and a JSON file below exports/.",
     KEY_IN_ROWS, true, KC_VIEW_EXPORT},
    {{KEYN_RIGHT, 0},
     "Left Right",
     "",
     "The columns that have no room.",
     KEY_IN_ROWS,
     false,
     KC_VIEW_RIGHT},
    {{KEYN_RIGHT, 0},
     "\xe2\x86\x90 \xe2\x86\x92",
     "time",
     "A shorter or longer time.",
     KEY_IN_SHARES,
     true,
     KC_VIEW_RIGHT},
    {{KEYN_LEFT, 0}, "Left", "", "", 0, false, KC_VIEW_LEFT},
    {{KEYN_ESC, 0},
     "Esc",
     "back",
     "To the panes; a filter that stands goes first.",
     KEY_IN_VIEW,
     true,
     KC_VIEW_BACK},
    {{KEYN_TAB, 0},
     "Tab",
     "pane",
     "Next pane; Shift-Tab goes back.",
     KEY_IN_MAIN,
     true,
     KC_NEXT_PANE},
    {{KEYN_BACKTAB, 0}, "Shift-Tab", "", "Previous pane.", KEY_IN_MAIN, false, KC_PREV_PANE},
    {K('1'), "1-5", "views", "Tree, benchmark, telemetry, AI, rounds.", KEY_IN_MAIN, true,
     KC_PANE_1},
    {K('2'), "2", "", "", 0, false, KC_PANE_2},
    {K('3'), "3", "", "", 0, false, KC_PANE_3},
    {K('4'), "4", "", "", 0, false, KC_PANE_4},
    {K('5'), "5", "", "", 0, false, KC_PANE_5},
    {K('6'), "6-9 0", "live views", "Activity, blocking and others in place of the panes; 0: all.",
     KEY_IN_MAIN, true, KC_VIEW_6},
    {K('7'), "7", "", "", 0, false, KC_VIEW_7},
    {K('8'), "8", "", "", 0, false, KC_VIEW_8},
    {K('9'), "9", "", "", 0, false, KC_VIEW_9},
    {K('0'), "0", "", "", 0, false, KC_VIEWS},
    {K('t'), "t", "tune", "Start a tuning session, or go on with the open question.",
     KEY_IN_MAIN | KEY_CHANGES, true, KC_TUNE},
    {CTRL('c'), "Ctrl-C", "stop run", "In a run: stop it, undo the step, pause. At rest: leave.",
     KEY_IN_MAIN | KEY_IN_RUN, true, KC_INTERRUPT},
    {K('/'), "/", "command", "A slash command; Tab completes.", KEY_IN_MAIN | KEY_IN_VIEW, true,
     KC_PROMPT_SLASH},
    {CTRL('p'), "Ctrl-P", "all commands",
     "Commands and actions by their letters, the latest first.", KEY_IN_MAIN | KEY_IN_DIALOG, false,
     KC_COMMANDS},
    {K(':'), ":", "ask", "To the prompt: a question to the advisor.", KEY_IN_MAIN, true, KC_PROMPT},
    {{KEYN_ENTER, 0},
     "Enter",
     "",
     "The same; in the telemetry pane: explain the newest anomaly.",
     KEY_IN_MAIN,
     false,
     KC_ENTER},
    {K('?'), "?", "help", "This help. What is in front comes first.", KEY_IN_MAIN | KEY_IN_VIEW,
     true, KC_HELP},
    {{KEYN_F1, 0}, "F1", "", "This help. At the prompt, too.", KEY_IN_MAIN, false, KC_HELP},
    {K('q'), "q", "quit", "Back, or leave; a running session is asked about first.", KEY_IN_MAIN,
     true, KC_QUIT},
    {K(' '), "Space", "freeze",
     "Hold the picture still; the program works on. A live view is not asked for any more.",
     KEY_IN_MAIN | KEY_IN_VIEW, true, KC_FREEZE},
    {K('z'), "z", "zoom", "The focused pane fills the screen.", KEY_IN_MAIN, true, KC_ZOOM},
    {K('u'), "u", "", "Undo the round whose verdict waits for an answer.",
     KEY_IN_MAIN | KEY_CHANGES, false, KC_UNDO},
    {K('s'), "s", "", "Status of server, session and program.", KEY_IN_MAIN, false, KC_STATUS},
    {K('I'), "I", "", "What settings cannot mend: indexes, statistics, tables.", KEY_IN_MAIN, false,
     KC_ADVICE},
    {{KEYN_UP, 0},
     "Up Down",
     "",
     "Scroll the focused pane; in the tree move the cursor.",
     KEY_IN_MAIN,
     false,
     KC_UP},
    {{KEYN_DOWN, 0}, "Down", "", "", 0, false, KC_DOWN},
    {K('k'), "k", "", "", 0, false, KC_UP},
    {K('j'), "j", "", "", 0, false, KC_DOWN},
    {{KEYN_PGUP, 0}, "PgUp PgDn", "", "Scroll by a page.", KEY_IN_MAIN, false, KC_PAGE_UP},
    {{KEYN_PGDN, 0}, "PgDn", "", "", 0, false, KC_PAGE_DOWN},
    {K('g'), "g G", "", "To the beginning, to the end.", KEY_IN_MAIN, false, KC_TOP},
    {K('G'), "G", "", "", 0, false, KC_BOTTOM},
    {{KEYN_HOME, 0}, "Home", "", "", 0, false, KC_TOP},
    {{KEYN_END, 0}, "End", "", "", 0, false, KC_BOTTOM},
    {CTRL('l'), "Ctrl-L", "", "Paint the whole screen again.", KEY_IN_MAIN, false, KC_REDRAW},
    {CTRL('z'), "Ctrl-Z", "", "Suspend; fg brings it back.", KEY_IN_MAIN, false, KC_SUSPEND},
    /* a recording: handled in replay.c */
    {K(' '), "Space", "pause", "Pause, go on; at the end: from the beginning.", KEY_IN_REPLAY, true,
     KC_NONE},
    {{KEYN_RIGHT, 0},
     "\xe2\x86\x90 \xe2\x86\x92",
     "10 s",
     "10 s back or on; with Shift, Alt or Ctrl a minute.",
     KEY_IN_REPLAY,
     true,
     KC_NONE},
    {K('+'), "- +", "speed", "Slower, faster: 0.25 to 100 times.", KEY_IN_REPLAY, true, KC_NONE},
    {K('q'), "q", "close", "Close the recording.", KEY_IN_REPLAY, true, KC_NONE},
    {K('n'), "p n", "run", "Previous, next run; of a recording of watch: the next message.",
     KEY_IN_REPLAY, true, KC_NONE},
    {K(']'), "[ ]", "round", "Previous, next verdict; of a recording of watch: the next break.",
     KEY_IN_REPLAY, true, KC_NONE},
    {K('.'), ", .", "step", "One event back, or on.", KEY_IN_REPLAY, true, KC_NONE},
    {{KEYN_HOME, 0},
     "Home End",
     "",
     "To the beginning, to the end.",
     KEY_IN_REPLAY,
     false,
     KC_NONE},
    {K('z'), "z", "zoom", "The focused pane fills the screen; 1-5 and Tab as ever.", KEY_IN_REPLAY,
     true, KC_NONE},
    {K('/'), "/", "", "/replay SPEED, /replay SESSION, /replay stop.", KEY_IN_REPLAY, false,
     KC_NONE},
    {K('?'), "?", "help", "This help.", KEY_IN_REPLAY, true, KC_NONE},
    /* dialogs: shown there, handled in dialogs.c */
    {{KEYN_PGUP, 0},
     "PgUp PgDn",
     "",
     "Scroll the text of a dialog, or the answer below it; arrows where nothing is picked.",
     KEY_IN_DIALOG,
     false,
     KC_NONE},
    {K('a'), "a", "accept", "Accept the line.", KEY_IN_REVIEW | KEY_CHANGES, true, KC_NONE},
    {K('r'), "r", "reject", "Reject the line.", KEY_IN_REVIEW, true, KC_NONE},
    {K('e'), "e", "edit", "Edit the value.", KEY_IN_REVIEW | KEY_IN_PLAN, true, KC_NONE},
    {K('A'), "A", "all safe", "Accept all that need no restart.", KEY_IN_REVIEW | KEY_CHANGES, true,
     KC_NONE},
    {K('R'), "R", "none", "Reject all.", KEY_IN_REVIEW, true, KC_NONE},
    {K('g'), "g", "go", "Go on: every line must have an answer.",
     KEY_IN_REVIEW | KEY_IN_PLAN | KEY_CHANGES, true, KC_NONE},
    {K('u'), "u", "as offered", "Take the edits of the plan back.", KEY_IN_PLAN, true, KC_NONE},
    {{KEYN_ENTER, 0},
     "Enter",
     "next round",
     "Go on with the next round.",
     KEY_IN_VERDICT | KEY_CHANGES,
     true,
     KC_NONE},
    {K('s'), "s", "stop, keep", "No further round: confirm and keep what improved.",
     KEY_IN_VERDICT | KEY_CHANGES, true, KC_NONE},
    {K('S'), "S", "keep now", "No further round: keep it at once, without a confirmation.",
     KEY_IN_VERDICT | KEY_CHANGES, true, KC_NONE},
    {K('u'), "u", "undo round", "Undo what this round kept.", KEY_IN_VERDICT | KEY_CHANGES, true,
     KC_NONE},
    {K('v'), "v", "lift veto", "Keep an improvement that a veto holds back.",
     KEY_IN_VERDICT | KEY_IN_VETO | KEY_CHANGES, true, KC_NONE},
    {K(':'), ":", "ask", "Ask the advisor about this; the dialog stays as it is.",
     KEY_IN_REVIEW | KEY_IN_PLAN | KEY_IN_VERDICT | KEY_IN_DIALOG, true, KC_NONE},
    {{KEYN_ESC, 0},
     "Esc",
     "later",
     "Close this layer; t brings an open question back.",
     KEY_IN_REVIEW | KEY_IN_PLAN | KEY_IN_VERDICT | KEY_IN_DIALOG,
     true,
     KC_NONE},
    {K('w'), "w", "sent", "What a model would be sent next, byte by byte.",
     KEY_IN_REVIEW | KEY_IN_VERDICT | KEY_IN_PLAN, true, KC_NONE},
    {K('w'), "w", "", "What a model would be sent next, with the line at the prompt.", KEY_IN_MAIN,
     false, KC_SENT},
    {{KEYN_ESC, 0},
     "Esc",
     "",
     "Stop the answer that is coming; what came stays.",
     KEY_IN_MAIN,
     false,
     KC_STOP},
    /* at the prompt: shown there, handled in ui/prompt.c and ui/editor.c, but for the last */
    {{KEYN_ENTER, 0}, "Enter", "send", "Ask, or run the command.", KEY_IN_PROMPT, true, KC_NONE},
    {{KEYN_ESC, 0},
     "Esc",
     "panes",
     "Stop the answer, empty the line, back to the panes.",
     KEY_IN_PROMPT,
     true,
     KC_NONE},
    {CTRL('j'), "Ctrl-J", "new line", "A further line; so do Alt-Enter, and \\ before Enter.",
     KEY_IN_PROMPT, false, KC_NONE},
    {{KEYN_TAB, 0},
     "Tab",
     "complete",
     "Complete a command or what it takes.",
     KEY_IN_PROMPT,
     true,
     KC_NONE},
    {{KEYN_UP, 0},
     "Up Down",
     "history",
     "Earlier lines, of those that begin with what is typed.",
     KEY_IN_PROMPT,
     true,
     KC_NONE},
    {CTRL('r'), "Ctrl-R", "search", "Search the earlier lines; again: the next older.",
     KEY_IN_PROMPT, true, KC_NONE},
    {CTRL('g'), "Ctrl-G", "editor", "The text in your editor: $VISUAL, else $EDITOR.",
     KEY_IN_PROMPT, true, KC_EDITOR},
    {CTRL('a'), "Ctrl-A E", "", "To the line's begin, to its end; Alt-B and Alt-F by words.",
     KEY_IN_PROMPT, false, KC_NONE},
    {CTRL('k'), "Ctrl-K U W", "",
     "Take out the rest, what is before, a word; Ctrl-Y brings it back.", KEY_IN_PROMPT, false,
     KC_NONE},
};

const struct view_tables *keys_tables(void)
{
    static struct view_tables t = {
        .keys = key_rows, .nkeys = (int)ARRAY_LEN(key_rows), .actions = commands_actions};

    t.commands = commands_table(&t.ncommands);
    return &t;
}

enum { SCROLL_MOST = 100000 };

static void scroll_pane(struct model *m, enum pane p, int by)
{
    if (p == PANE_TREE) {
        tree_move_to(m, m->screen.tree_cursor + by);
        return;
    }
    /* text panes follow their end: scroll counts lines up from it */
    bool from_end = p == PANE_AI;
    int most = SCROLL_MOST;
    if (p == PANE_AI) {
        struct layout l;
        view_layout(m, p, &l);
        struct rect r = view_inside(&l, p);
        most = pane_ai_most(pane_ai_lines(m, r.w), r.h);
        m->talk.placed_until_us = 0; /* from here on it stands where the reader puts it */
    }
    m->screen.scroll[p] += from_end ? -by : by;
    if (m->screen.scroll[p] > most)
        m->screen.scroll[p] = most;
    if (m->screen.scroll[p] < 0)
        m->screen.scroll[p] = 0;
}

static void scroll(struct model *m, int by)
{
    scroll_pane(m, m->screen.focus, by);
}

static void open_prompt(struct model *m, const char *text)
{
    m->screen.prompt.focus = true;
    if (*text)
        prompt_set(&m->screen.prompt, text);
}

static void interrupt(struct model *m, struct effects *fx)
{
    if (model_run_active(m))
        flow_stop(m, false, 0, fx);
    else
        flow_stop(m, true, 0, fx);
}

/* The DBA's own question first, then what explains itself, then the loop's, which rules answer instead. */
static bool stop_answer(struct model *m, struct effects *fx)
{
    if (talk_stop(m, fx))
        return true;
    for (int i = ASK_SLOTS - 1; i >= 0; i--) {
        if (!ask_open(&m->asks[i]))
            continue;
        advise_cancel(m, (enum ask_slot)i, fx);
        return true;
    }
    return false;
}

/* What is asked of the advisor next, when what is on the screen is answered with yes. */
static enum op next_op(const struct model *m)
{
    switch (model_dialog(m)) {
    case DIALOG_NOTICE:
        return m->flow == FLOW_SIGHT ? OP_FIRST_SIGHT : OP_QUESTION;
    case DIALOG_PLAN:
        return OP_TARGET;
    case DIALOG_TARGET:
        return OP_ROUND1;
    case DIALOG_REVIEW:
    case DIALOG_VERDICT:
        return OP_ANALYZE;
    default:
        return OP_QUESTION;
    }
}

static void show_next(struct model *m)
{
    talk_preview(m, next_op(m), m->screen.prompt.text);
    dialogs_open(m, DIALOG_PREVIEW);
}

static void scroll_answer(struct model *m, int up)
{
    struct talk *t = &m->talk;
    struct layout l;
    int most;

    if (!t->panel || model_dialog(m) == DIALOG_NONE) {
        scroll_pane(m, PANE_AI, -up);
        return;
    }
    view_layout(m, m->screen.focus, &l);
    most = dialog_ask_most(m, l.body);
    if (t->panel_scroll > most) /* its begin, wherever that is */
        t->panel_scroll = most;
    t->panel_scroll += up;
    if (t->panel_scroll > most)
        t->panel_scroll = most;
    if (t->panel_scroll < 0)
        t->panel_scroll = 0;
}

/* Keys over a dialog: the answer below it is the topmost layer, and ':' leads to the prompt. */
static bool over_dialog(struct model *m, struct key k, struct effects *fx)
{
    const struct dialog *d = &m->screen.dialog;
    bool sends = key_is(k, 'w');

    if (model_dialog(m) == DIALOG_NOTICE && sends) {
        show_next(m);
        return true;
    }
    if (d->editing || !dialog_asks(d->kind))
        return false;
    if (m->talk.panel && (k.name == KEYN_PGUP || k.name == KEYN_PGDN)) {
        scroll_answer(m, k.name == KEYN_PGUP ? 5 : -5);
        return true;
    }
    if (k.name == KEYN_ESC && m->talk.panel) {
        if (m->talk.state == TALK_IDLE || !talk_stop(m, fx))
            m->talk.panel = false;
        return true;
    }
    if (k.name == KEYN_NONE && (k.rune == ':' || k.rune == '/')) {
        open_prompt(m, k.rune == '/' ? "/" : "");
        return true;
    }
    if (sends) {
        show_next(m);
        return true;
    }
    return false;
}

static void focus(struct model *m, int by)
{
    m->screen.focus = (enum pane)(((int)m->screen.focus + by + PANE_COUNT) % PANE_COUNT);
}

static void run_command(struct model *m, enum key_command c, struct effects *fx)
{
    if (views_action(m, c, fx))
        return;
    switch (c) {
    case KC_NONE:
    case KC_COUNT:
        break;
    case KC_NEXT_PANE:
        focus(m, 1);
        break;
    case KC_PREV_PANE:
        focus(m, -1);
        break;
    case KC_PANE_1:
    case KC_PANE_2:
    case KC_PANE_3:
    case KC_PANE_4:
    case KC_PANE_5:
        m->screen.focus = (enum pane)(c - KC_PANE_1);
        break;
    case KC_TUNE:
        dialogs_reopen(m, fx);
        break;
    case KC_FREEZE:
        m->screen.frozen = !m->screen.frozen;
        m->screen.frozen_us = m->now_us;
        break;
    case KC_ZOOM:
        m->screen.zoom = !m->screen.zoom;
        break;
    case KC_UNDO:
        flow_undo_round(m, fx);
        break;
    case KC_ADVICE:
        advised_open(m);
        break;
    case KC_STATUS:
        dialogs_open(m, DIALOG_STATUS);
        break;
    case KC_INTERRUPT:
        interrupt(m, fx);
        break;
    case KC_STOP:
        stop_answer(m, fx);
        break;
    case KC_PROMPT:
        open_prompt(m, "");
        break;
    case KC_ENTER:
        if (m->screen.focus != PANE_TELEMETRY || !talk_anomaly(m, fx))
            open_prompt(m, "");
        break;
    case KC_PROMPT_SLASH:
        open_prompt(m, "/");
        break;
    case KC_SENT:
        show_next(m);
        break;
    case KC_HELP:
        dialogs_open(m, DIALOG_HELP);
        break;
    case KC_COMMANDS:
        finder_open(m);
        break;
    case KC_EDITOR:
        outside_begin(m, fx);
        break;
    case KC_UP:
        scroll(m, -1);
        break;
    case KC_DOWN:
        scroll(m, 1);
        break;
    case KC_PAGE_UP:
        scroll(m, -10);
        break;
    case KC_PAGE_DOWN:
        scroll(m, 10);
        break;
    case KC_TOP:
        scroll(m, -100000);
        break;
    case KC_BOTTOM:
        m->screen.scroll[m->screen.focus] = 0;
        if (m->screen.focus == PANE_TREE)
            scroll(m, 100000);
        break;
    case KC_REDRAW:
        effects_add(fx, FX_REDRAW, (struct req){0});
        break;
    case KC_SUSPEND:
        effects_add(fx, FX_SUSPEND, (struct req){0});
        break;
    case KC_QUIT:
        if (view_zoomed(m))
            m->screen.zoom = false;
        else if (model_run_active(m))
            dialogs_open(m, DIALOG_QUIT);
        else
            flow_stop(m, true, 0, fx);
        break;
    default: /* those of the live views: views_action() */
        break;
    }
}

/* Rows of a live view alone, of one that is shown. */
static bool of_view(const struct key_row *r)
{
    return (r->where & KEY_IN_VIEWS) && !(r->where & KEY_IN_MAIN);
}

enum key_command keys_command(const struct model *m, struct key k)
{
    const struct choices *c = &m->screen.choices;
    unsigned here = m->live.at ? pane_view_keys(m) : 0;

    for (int i = 0; i < c->nbound; i++)
        if (key_same(c->bound[i].key, k))
            return (enum key_command)c->bound[i].command;
    for (size_t i = 0; i < ARRAY_LEN(key_rows); i++)
        if (key_rows[i].command != KC_NONE && key_same(key_rows[i].key, k) &&
            view_key_stands(c, &key_rows[i]) &&
            (!of_view(&key_rows[i]) || (key_rows[i].where & here)))
            return (enum key_command)key_rows[i].command;
    return KC_NONE;
}

void keys_run(struct model *m, int command, struct effects *fx)
{
    run_command(m, (enum key_command)command, fx);
}

static void prompt_keys(struct model *m, struct key k, struct effects *fx)
{
    struct prompt *p = &m->screen.prompt;
    char line[PROMPT_MAX];
    enum key_command c = k.name == KEYN_NONE || p->searching ? KC_NONE : keys_command(m, k);

    if (c == KC_COMMANDS || c == KC_EDITOR || (c == KC_HELP && k.name == KEYN_F1)) {
        run_command(m, c, fx);
        return;
    }

    if (k.name == KEYN_CTRL && k.rune == 'c') {
        if (p->len > 0) {
            prompt_set(p, "");
            return;
        }
        p->focus = false;
        interrupt(m, fx);
        return;
    }
    switch (prompt_key(p, k, offers_complete, m)) {
    case PROMPT_SUBMIT:
        text_copy_raw(line, sizeof line, p->text);
        keep_line(m, line, fx);
        prompt_take(p);
        p->focus = false;
        keys_submit(m, line, fx);
        break;
    case PROMPT_CANCEL:
        if (!talk_stop(m, fx))
            p->focus = false;
        break;
    case PROMPT_IGNORED:
        if (k.name == KEYN_PGUP || k.name == KEYN_PGDN)
            scroll_answer(m, k.name == KEYN_PGUP ? 5 : -5);
        break;
    case PROMPT_HANDLED:
        break;
    }
}

/* What is typed is a secret: it goes nowhere else. */
static bool takes_word(const struct model *m)
{
    return model_dialog(m) == DIALOG_PASSWORD || model_dialog(m) == DIALOG_HOST_WORD;
}

/* Letters go into a text there: no action has one. */
static bool types(const struct model *m)
{
    const struct dialog *d = &m->screen.dialog;

    return (d->editing && !d->waits) || takes_word(m) || d->kind == DIALOG_COMMANDS;
}

/* Alt with a key edits a line; elsewhere it is what the terminal sent: Esc, and the key. */
static bool split_alt(struct model *m, struct key k, struct effects *fx)
{
    bool alt = k.name == KEYN_ALT || (k.name == KEYN_ENTER && k.rune != 0);
    struct key second = k.name == KEYN_ALT ? (struct key){KEYN_NONE, k.rune}
                                           : (struct key){KEYN_ENTER, 0};

    if (!alt || m->screen.prompt.focus || types(m))
        return false;
    if (k.name == KEYN_ALT || k.rune == KEY_MOD_ALT)
        keys_key(m, (struct key){KEYN_ESC, 0}, fx);
    keys_key(m, second, fx);
    return true;
}

/* What works over every dialog, but where a text is typed. */
static bool anywhere(struct model *m, struct key k, struct effects *fx)
{
    enum key_command c = keys_command(m, k);
    enum dialog_kind kind = model_dialog(m);

    if (takes_word(m) || (types(m) && k.name == KEYN_NONE))
        return false;
    if (c == KC_HELP && kind != DIALOG_HELP) {
        run_command(m, c, fx);
        return true;
    }
    if (c != KC_COMMANDS || kind == DIALOG_COMMANDS || kind == DIALOG_THEME)
        return false;
    run_command(m, c, fx);
    return true;
}

static void press(struct model *m, struct key k, struct effects *fx)
{
    enum key_command c = keys_command(m, k);

    m->dirty = m->dirty_key = true;
    if (replay_key(m, k, fx))
        return;
    if (dialogs_come_deaf(m, k))
        return;
    dialogs_come_key(m, k, c);
    if (k.name == KEYN_CLICK || k.name == KEYN_WHEEL_UP || k.name == KEYN_WHEEL_DOWN) {
        mouse_key(m, k, fx);
        return;
    }
    if (k.name == KEYN_CTRL && (c == KC_SUSPEND || c == KC_REDRAW)) {
        run_command(m, c, fx);
        return;
    }
    if (split_alt(m, k, fx))
        return;
    /* Who is typing a question goes on typing when a dialog comes up: no letter of it answers that. */
    if (m->screen.prompt.focus && !takes_word(m)) {
        prompt_keys(m, k, fx);
        return;
    }
    if (model_dialog(m) != DIALOG_NONE) {
        if (k.name == KEYN_CTRL && k.rune == 'c') {
            interrupt(m, fx);
            return;
        }
        if (anywhere(m, k, fx) || over_dialog(m, k, fx) || dialogs_key(m, k, fx))
            return;
    }
    if (views_typing(m, k))
        return;
    if (m->screen.focus != PANE_TREE || m->live.at || model_dialog(m) != DIALOG_NONE ||
        !tree_key(m, k, fx))
        run_command(m, c, fx);
}

/* What a key was answered with stands in the AI pane. Where that is not on the screen a question brings it there, and of
 * anything else the newest line stands in the key line for some seconds. */
static void show_answer(struct model *m, uint64_t lines)
{
    const struct chat_line *newest = &m->chat[m->nchat - 1];
    struct layout l;
    bool asked = false;

    for (int i = m->nchat - 1; i >= 0 && lines > 0; i--, lines--) /* rules answer at once */
        asked = asked || m->chat[i].kind == CHAT_USER;

    if (!asked)
        m->screen.scroll[PANE_AI] = 0; /* wherever an earlier answer is read */
    view_layout(m, m->screen.focus, &l);
    if (model_dialog(m) != DIALOG_NONE || (layout_shows(&l, PANE_AI) && !m->live.at))
        return;
    if (asked && !m->live.at) {
        m->screen.focus = PANE_AI;
    } else if (asked) {
        snprintf(m->screen.flash, sizeof m->screen.flash,
                 "the answer stands in the AI pane: Esc or q leads to it");
        m->screen.flash_until_us = m->now_us + ANSWER_S * INT64_C(1000000);
    } else if (newest->kind != CHAT_AI && newest->kind != CHAT_USER) {
        snprintf(m->screen.flash, sizeof m->screen.flash, "%.190s", newest->text);
        m->screen.flash_until_us = m->now_us + ANSWER_S * INT64_C(1000000);
    }
}

void keys_key(struct model *m, struct key k, struct effects *fx)
{
    uint64_t said = m->chat_total;
    int64_t flash = m->screen.flash_until_us;

    press(m, k, fx);
    if (m->chat_total != said && m->screen.flash_until_us == flash)
        show_answer(m, m->chat_total - said);
}

void keys_tick(struct model *m, struct effects *fx)
{
    if (m->screen.flash_until_us && m->now_us > m->screen.flash_until_us) {
        m->screen.flash_until_us = 0;
        m->dirty = true;
    }
    if (model_shows_time(m))
        m->dirty = true;
    dialogs_come_tick(m);
    views_tick(m, fx);
}

void keys_paste(struct model *m, const char *text, size_t len, struct effects *fx)
{
    bool dialog = model_dialog(m) != DIALOG_NONE;

    (void)fx;
    if (!text || m->playback)
        return;
    if (dialog && (takes_word(m) || !m->screen.prompt.focus)) {
        dialogs_paste(m, text, len);
    } else if (!m->screen.prompt.focus && m->live.typing) {
        views_paste(m, text, len);
    } else { /* in the panes, too: a text is not thrown away */
        m->screen.prompt.focus = true;
        if (!prompt_paste(&m->screen.prompt, text, len))
            model_say(m, CHAT_WARN, "the text was cut at %d bytes", PROMPT_MAX - 1);
    }
    m->dirty = m->dirty_key = true;
}

void keys_signal(struct model *m, int signo, struct effects *fx)
{
    bool rest = !m->opt.headless && !model_run_active(m); /* nothing is cut short */

    if (outside_edits(m) && (signo == SIGINT || signo == SIGQUIT)) /* a key of the editor's */
        return;
    model_say(m, CHAT_EVENT, "a signal asks the program to end");
    flow_stop(m, true, rest ? 0 : 1, fx);
}

void keys_start_screen(struct model *m, struct effects *fx)
{
    start_screen_open(m, fx);
}

void keys_demo_ready(struct model *m, struct effects *fx)
{
    if (m->demo.state == DEMO_UP) {
        if (m->demo.resumed)
            model_say(m, CHAT_EVENT, "the private PostgreSQL of an earlier demo goes on");
        flow_begin(m, fx);
        return;
    }
    model_say(m, CHAT_BAD, "%s", m->demo.err.msg);
    flow_connect_failed(m, &m->demo.err, fx);
}

void keys_answer(struct model *m, struct event *ev, struct effects *fx)
{
    if (ev->req.id >= UI_TREE)
        tree_answer(m, ev, fx);
    else if (ev->req.id >= UI_RECORD_LOOK)
        record_answer(m, ev, fx);
    else if (ev->req.id >= UI_REPLAY)
        replay_answer(m, ev, fx);
    else if (ev->req.id >= UI_VERIFY_PLACE)
        verify_answer(m, ev, fx);
    else if (ev->req.id == UI_FILE_START || ev->req.id >= UI_START_ROWS)
        start_screen_answer(m, ev, fx);
    else if (ev->req.id == UI_FILE_RECORD)
        sessions_answer(m, ev);
    else if (ev->req.id == UI_FILE_ROWS)
        flow_index_early_answer(m, ev);
    else if (ev->req.id == UI_FILE_OUTSIDE)
        outside_event(m, ev, fx);
    else
        keep_answer(m, ev, fx);
}

void keys_submit(struct model *m, const char *line, struct effects *fx)
{
    while (*line == ' ' || *line == '\n')
        line++;
    if (!*line)
        return;
    if (*line == '/') {
        commands_run(m, line + 1, fx);
        return;
    }
    if (model_dialog(m) == DIALOG_STRATEGY && *line >= '1' && !line[1] &&
        *line < '1' + m->sight.nstrategies)
        flow_decide(m, DECIDE_STRATEGY, *line - '1', fx); /* a choice of the menu */
    else
        talk_ask(m, OP_QUESTION, line, fx);
}
