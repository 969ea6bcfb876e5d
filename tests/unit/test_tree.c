/* The session tree: places of nodes among thousands of sessions, states of a session, what is done with a node, and its look. */
#include "full_session.h"
#include "pgd/app/flow.h"
#include "pgd/app/sessions.h"
#include "pgd/app/tree_acts.h"
#include "pgd/app/tree_keys.h"
#include "pgd/app/ui_files.h"
#include "pgd/base/text.h"
#include "pgd/ui/pane.h"
#include "pgd/workspace/store.h"
#include "world.h"

static void add(struct model *m, int i, enum session_state state)
{
    struct session_row *r = session_rows_add(&m->workspace, m->workspace.nsessions);
    PUT(r->name, "Strategy%d_0102%04d-050830", i % 3, i);
    PUT(r->strategy, "Strategy%d", i % 3);
    r->state = state;
    r->changed_wall_us = 1000000 - i;
    r->interrupted = state == SESSION_ACTIVE || state == SESSION_PAUSED;
}

static int setup(void **state)
{
    struct world *w = world_new();

    PUT(w->m->workspace.name, "shop_local");
    PUT(w->m->workspace.dir, "/home/w");
    w->m->workspace.open = true;
    w->m->screen.focus = PANE_TREE;
    w->m->screen.cols = 160;
    w->m->screen.rows = 45;
    *state = w;
    return 0;
}

static void press(struct world *w, enum key_name name, char c)
{
    effects_clear(&w->fx);
    keys_key(w->m, (struct key){.name = name, .rune = (uint32_t)c}, &w->fx);
    tree_pump(w->m);
}

/* What is asked for by the newest effect; its answer comes later. */
static struct effect asked(struct world *w)
{
    assert_true(w->fx.n > 0);
    struct effect e = effect_copy(&w->fx.items[w->fx.n - 1]);
    assert_int_equal(e.kind, FX_FILE);
    effects_clear(&w->fx);
    return e;
}

/* The file has this text; NULL: it failed. */
static void answer_to(struct world *w, struct effect e, const char *text, size_t len)
{
    struct event ev = {.kind = EV_FILE, .req = e.req};
    if (!text)
        err_set(&ev.err, ERR_FILE, "the disk says no");
    if (text && e.u.file.digest) {
        ev.digest = e.u.file.digest(text, len, e.u.file.digest_arg);
        ev.digest_free = e.u.file.digest_free;
    }
    tree_answer(w->m, &ev, &w->fx);
    tree_pump(w->m);
    event_clear(&ev);
    effect_clear(&e);
}

/* The file that the newest effect asks for has this text. */
static void answer(struct world *w, const char *text, size_t len)
{
    answer_to(w, asked(w), text, len);
}

static void answer_session(struct world *w, const struct session *s)
{
    struct buf text = {0};
    store_session_json(s, &text);
    answer(w, buf_text(&text), text.len);
    buf_clear(&text);
}

/* ---- places ---- */

/* Every row leads to a node and back, and no two rows are the same node. */
static void check_places(struct model *m)
{
    int rows = tree_rows(m), last = -3, sessions = 0;
    for (int i = 0; i < rows; i++) {
        struct tree_node n = tree_node_at(m, i);
        const char *name = tree_name(m, n.session);
        assert_int_equal(tree_row_of(m, name, n.part), i);
        assert_true(n.part != TREE_SESSION || n.session != last);
        sessions += n.part == TREE_SESSION && n.session >= 0;
        last = n.session;
    }
    assert_int_equal(sessions, m->tree.filter[0] ? m->tree.nshown : m->workspace.nsessions);
    assert_int_equal(tree_node_at(m, rows).session, TREE_WORKSPACE);
}

static void every_row_is_a_node(void **state)
{
    struct world *w = *state;
    struct model *m = w->m;
    struct session *s = full_session();
    static const int open[] = {0, 7, 8, 29, 3};

    check_places(m);
    for (int i = 0; i < 30; i++)
        add(m, i, SESSION_ARCHIVED);
    check_places(m);
    for (size_t i = 0; i < ARRAY_LEN(open); i++) {
        assert_true(tree_open(m, open[i]));
        assert_true(m->tree.open[i].reading);
        if (i != 2) { /* that one is still being read: one line says so */
            tree_record_of(s, &m->tree.open[i]);
            PUT(m->tree.open[i].session, "%s", m->workspace.sessions[open[i]].name);
        }
        check_places(m);
    }
    assert_int_equal(tree_rows(m), 1 + 30 + 4 * 6 + 1); /* start, 3 rounds, one under way, final */
    assert_int_equal(tree_node_at(m, 2).part, NODE_START);
    assert_int_equal(tree_node_at(m, 4).part, 2);
    PUT(s->name, "%s", m->workspace.sessions[5].name); /* at hand, and in the list */
    m->session = *s;
    check_places(m);
    PUT(m->session.name, "%s", ""); /* … before it has a folder */
    check_places(m);
    PUT(m->session.name, "New_01022026-050830");
    check_places(m);
    tree_set_filter(m, "strategy1");
    assert_int_equal(m->tree.nshown, 10);
    check_places(m);
    tree_set_filter(m, "nothing of that name");
    check_places(m);
    memset(&m->session, 0, sizeof m->session);
    full_session_free(s);
}

static void the_cursor_stays_on_its_node(void **state)
{
    struct world *w = *state;
    struct model *m = w->m;
    struct session *s = full_session();

    for (int i = 0; i < 20; i++)
        add(m, i, SESSION_ARCHIVED);
    tree_sync(m);
    tree_move_to(m, 6);
    press(w, KEYN_RIGHT, 0);
    PUT(s->name, "%s", m->workspace.sessions[5].name);
    answer_session(w, s);
    press(w, KEYN_DOWN, 0);
    press(w, KEYN_DOWN, 0);
    assert_int_equal(m->tree.part, 1);
    assert_int_equal(m->screen.tree_cursor, 8);
    struct session_row *r = session_rows_add(&m->workspace, 0); /* another one has come */
    PUT(r->name, "Newest_01022026-050830");
    tree_pump(m);
    assert_int_equal(m->screen.tree_cursor, 9);
    assert_int_equal(m->tree.part, 1);
    session_rows_remove(&m->workspace, session_rows_find(&m->workspace, s->name));
    tree_pump(m); /* the session is gone: the cursor is where it was */
    assert_int_equal(m->screen.tree_cursor, 9);
    assert_int_equal(m->tree.part, TREE_SESSION);
    press(w, KEYN_END, 0);
    press(w, KEYN_LEFT, 0);
    assert_int_equal(m->screen.tree_cursor, 0);
    full_session_free(s);
}

static void a_filter_finds_sessions(void **state)
{
    struct world *w = *state;

    for (int i = 0; i < 20; i++)
        add(w->m, i, i == 4 ? SESSION_PAUSED : SESSION_ARCHIVED);
    PUT(w->m->workspace.sessions[9].title, "before the merger");
    tree_sync(w->m);
    press(w, KEYN_NONE, 'f');
    world_type(w, "MERGER");
    assert_int_equal(w->m->tree.nshown, 1);
    assert_int_equal(tree_node_at(w->m, w->m->screen.tree_cursor).session, 9);
    for (int i = 0; i < 6; i++)
        press(w, KEYN_BACKSPACE, 0);
    world_type(w, "paused");
    assert_int_equal(tree_node_at(w->m, 1).session, 4);
    press(w, KEYN_ENTER, 0);
    assert_false(w->m->tree.filtering);
    assert_int_equal(tree_rows(w->m), 2);
    press(w, KEYN_ESC, 0);
    assert_int_equal(tree_rows(w->m), 21);
}

/* ---- states ---- */

static void states_of_a_session(void **state)
{
    (void)state;
    struct session *s = full_session();
    struct arm *a = xcalloc(1, sizeof *a);
    struct entry goals[LEDGER_MAX];
    char words[40];

    tree_state(s, NODE_START, a);
    assert_int_equal(a->n, 0);
    tree_state(s, 1, a);
    assert_int_equal(a->n, 1);
    assert_string_equal(a->entries[0].value, "16GB");
    tree_state(s, 2, a); /* work_mem was not in the candidate */
    assert_int_equal(a->n, 2);
    assert_non_null(arm_find(a, "shared_buffers"));
    tree_state(s, 3, a); /* undone */
    assert_int_equal(a->n, 2);
    tree_state(s, NODE_FINAL, a);
    assert_true(arm_same(a, &s->best));
    int n = tree_goals(s, 1, goals, 0, LEDGER_MAX);
    assert_int_equal(n, 2);
    assert_string_equal(goals[0].value, "16GB");
    assert_false(goals[1].present); /* shared_buffers had no entry before the session */
    n = tree_goals(s, NODE_START, goals, 1, LEDGER_MAX);
    assert_int_equal(n, 2);
    assert_string_equal(goals[0].value, "16GB"); /* what is said already stays */
    n = tree_goals(s, NODE_START, goals, 0, LEDGER_MAX);
    assert_string_equal(goals[0].value, "2GB");
    s->state = SESSION_FAILED;
    tree_state(s, NODE_FINAL, a);
    assert_int_equal(a->n, 0);
    tree_node_words(2, words, sizeof words);
    assert_string_equal(words, "after round 2");
    free(a);
    full_session_free(s);
}

static void two_sessions_beside_each_other(void **state)
{
    (void)state;
    struct session *a = full_session(), *b = full_session();
    struct buf out = {0};

    PUT(b->name, "ReadHeavy_01032026-050830");
    b->final.ci_lo = 1.25;
    b->final.ci_hi = 1.30;
    arm_set(&b->best, "shared_buffers", true, "8GB");
    tree_compare_page(a, b, &out);
    assert_non_null(strstr(buf_text(&out), "B gained more: the intervals do not overlap"));
    assert_non_null(strstr(buf_text(&out), "\xe2\x89\xa0 shared_buffers: 6GB | 8GB"));
    assert_non_null(strstr(buf_text(&out), "the same in both: 1"));
    out.len = 0;
    b->plan.clients = 32;
    tree_compare_page(a, b, &out);
    assert_non_null(strstr(buf_text(&out), "\xe2\x89\xa0 clients: 8  | 32 "));
    assert_non_null(strstr(buf_text(&out), "No: they were measured under different conditions"));
    out.len = 0;
    b->plan.clients = 8;
    b->baseline_tps = 9000;
    tree_compare_page(a, b, &out);
    assert_non_null(strstr(buf_text(&out), "the baselines lie +99.9 % apart"));
    out.len = 0;
    tree_state_page(a, 1, &out);
    assert_non_null(strstr(buf_text(&out), "ALTER SYSTEM SET max_wal_size = '16GB';"));
    assert_null(strstr(buf_text(&out), "shared_buffers"));
    assert_non_null(strstr(buf_text(&out), "over the start, 4502 \xe2\x86\x92 5132 TPS"));
    out.len = 0;
    tree_state_page(a, 2, &out); /* what it added, and what was not compared */
    assert_non_null(strstr(buf_text(&out), "over the best before it, 4502 \xe2\x86\x92 4727 TPS"));
    assert_non_null(strstr(buf_text(&out),
                           "accepted, not compared: work_mem 4MB \xe2\x86\x92 16MB: "
                           "lost in screening"));
    assert_non_null(strstr(buf_text(&out), "tried shared_buffers"));
    buf_clear(&out);
    full_session_free(a);
    full_session_free(b);
}

/* ---- what is done with a node ---- */

static void a_session_is_opened_and_shown(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();

    add(w->m, 0, SESSION_ARCHIVED);
    PUT(s->name, "%s", w->m->workspace.sessions[0].name);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    press(w, KEYN_ENTER, 0);
    assert_int_equal(tree_node_at(w->m, 2).part, TREE_NOTE);
    answer(w, "{", 1);
    assert_string_equal(w->m->tree.open[0].why, "session.json is damaged");
    press(w, KEYN_LEFT, 0);
    press(w, KEYN_RIGHT, 0);
    answer_session(w, s);
    assert_int_equal(tree_rows(w->m), 2 + 6);
    press(w, KEYN_DOWN, 0);
    press(w, KEYN_DOWN, 0);
    press(w, KEYN_ENTER, 0);
    answer_session(w, s);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_non_null(strstr(w->m->page.title, "after round 1"));
    press(w, KEYN_ESC, 0);
    press(w, KEYN_LEFT, 0);
    assert_int_equal(tree_rows(w->m), 2);
    full_session_free(s);
}

static void two_are_marked_and_compared(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();

    add(w->m, 0, SESSION_ARCHIVED);
    add(w->m, 1, SESSION_ARCHIVED);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    press(w, KEYN_NONE, 'c');
    press(w, KEYN_NONE, 'c'); /* the same once more: taken back */
    assert_string_equal(w->m->tree.marked, "");
    press(w, KEYN_NONE, 'c');
    press(w, KEYN_DOWN, 0);
    press(w, KEYN_NONE, 'c');
    answer_session(w, s);
    answer_session(w, s);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PAGE);
    assert_non_null(strstr(buf_text(&w->m->page.text), "A: Strategy0"));
    assert_non_null(strstr(buf_text(&w->m->page.text), "B: Strategy1"));
    full_session_free(s);
}

static void a_title_is_kept_in_the_file(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();
    struct buf text = {0};

    add(w->m, 0, SESSION_ARCHIVED);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    press(w, KEYN_NONE, 'r');
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_RENAME);
    world_type(w, "a title that is far too long to stand in a list of sessions with others");
    press(w, KEYN_ENTER, 0);
    assert_non_null(strstr(w->m->screen.dialog.error, "63 bytes"));
    press(w, KEYN_CTRL, 'u');
    world_type(w, "  before the merger ");
    press(w, KEYN_ENTER, 0);
    store_session_json(s, &text);
    text.data[text.len - 2] = ','; /* of a version that says more */
    text.len--;
    buf_puts(&text, "\"later\":[1,2]}\n");
    answer(w, buf_text(&text), text.len);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_SAVE);
    assert_non_null(strstr(w->fx.items[0].text, "\"title\": \"before the merger\""));
    assert_non_null(strstr(w->fx.items[0].text, "\"later\""));
    answer(w, "", 0);
    assert_string_equal(w->m->workspace.sessions[0].title, "before the merger");
    assert_non_null(strstr(w->fx.items[0].text, "before the merger")); /* index.json */
    buf_clear(&text);
    full_session_free(s);
}

/* How often a file is written among what is asked for; the newest text of it. */
static int saves(const struct world *w, const char *path, const char **text)
{
    int n = 0;
    for (size_t i = 0; i < w->fx.n; i++) {
        const struct effect *e = &w->fx.items[i];
        if (e->kind == FX_FILE && e->u.file.op == FILE_SAVE && strcmp(e->u.file.path, path) == 0) {
            *text = e->text;
            n++;
        }
    }
    return n;
}

/* The flow writes the session at hand; what stood in its file before a round ended is never written over that. */
static void the_session_at_hand_keeps_its_newer_file(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();
    struct buf old = {0};
    const char *text = NULL;
    char path[1100];

    add(w->m, 0, SESSION_ACTIVE);
    PUT(s->name, "%s", w->m->workspace.sessions[0].name);
    PUT(s->dir, "/home/w/sessions/%s", s->name);
    PUT(path, "%s/session.json", s->dir);
    s->state = SESSION_ACTIVE;
    s->rounds_done = 2;
    store_session_json(s, &old);
    s->rounds_done = 3;

    for (int i = 0; i < 2; i++) { /* at hand from the first on; since its file was asked for */
        struct effect e = {0};
        if (i == 0)
            w->m->session = *s;
        else
            memset(&w->m->session, 0, sizeof w->m->session);
        tree_sync(w->m);
        tree_move_to(w->m, tree_row_of(w->m, s->name, TREE_SESSION));
        press(w, KEYN_NONE, 'r');
        assert_int_equal(w->m->screen.dialog.kind, DIALOG_RENAME);
        press(w, KEYN_CTRL, 'u');
        world_type(w, i ? "after it" : "before it");
        press(w, KEYN_ENTER, 0);
        if (i == 1) {
            e = asked(w);
            assert_int_equal(e.u.file.op, FILE_READ);
            w->m->session = *s;
            answer_to(w, e, buf_text(&old), old.len);
        }
        assert_int_equal(saves(w, path, &text), 1);
        assert_non_null(strstr(text, i ? "\"title\": \"after it\"" : "\"title\": \"before it\""));
        assert_non_null(strstr(text, "\"rounds_done\": 3"));
        assert_true(
            world_said(w, i ? "is called \"after it\" now" : "is called \"before it\" now"));
        assert_string_equal(w->m->workspace.sessions[0].title, i ? "after it" : "before it");
        assert_int_equal(w->m->tree.task.act, TREE_NOTHING);
    }
    memset(&w->m->session, 0, sizeof w->m->session);
    buf_clear(&old);
    full_session_free(s);
}

/* What is being removed or written is told to its end, whatever keys are pressed meanwhile. */
static void nothing_takes_the_place_of_a_deletion(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();
    struct effect e;

    for (int i = 0; i < 3; i++)
        add(w->m, i, i == 2 ? SESSION_PAUSED : SESSION_ARCHIVED);
    w->m->flow = FLOW_WATCH;
    w->m->sight_known = true;
    for (int well = 0; well < 2; well++) {
        tree_sync(w->m);
        tree_move_to(w->m, 1);
        press(w, KEYN_NONE, 'D');
        answer_session(w, s);
        world_type(w, "Strategy0_01020000-050830");
        press(w, KEYN_ENTER, 0);
        e = asked(w);
        assert_int_equal(e.u.file.op, FILE_REMOVE_TREE);
        PUT(w->m->tree.marked, "%s", w->m->workspace.sessions[1].name);
        tree_move_to(w->m, 3);
        for (const char *k = "cbvrDa"; *k; k++) {
            int before = w->m->nchat;
            press(w, KEYN_NONE, *k);
            assert_int_equal(w->fx.n, 0);
            assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
            assert_int_equal(w->m->nchat, before + 1);
            assert_non_null(strstr(w->m->chat[before].text, "050830 is being deleted"));
            assert_int_equal(w->m->tree.task.act, TREE_DELETE);
        }
        press(w, KEYN_ENTER, 0); /* opens one, which is no task */
        press(w, KEYN_ENTER, 0);
        press(w, KEYN_LEFT, 0);
        answer_to(w, e, well ? "" : NULL, 0);
        assert_true(
            world_said(w, well ? "is deleted" : "the session was not deleted: the disk says no"));
        assert_int_equal(w->m->workspace.nsessions, well ? 2 : 3);
    }
    tree_move_to(w->m, 1);
    press(w, KEYN_NONE, 'r');
    world_type(w, "a title");
    press(w, KEYN_ENTER, 0);
    e = asked(w);
    tree_move_to(w->m, 2);
    press(w, KEYN_NONE, 'D');
    assert_int_equal(w->fx.n, 0);
    assert_true(world_said(w, "Strategy1_01020001-050830 is being renamed"));
    answer_to(w, e, NULL, 0);
    assert_true(world_said(w, "the title was not changed"));
    press(w, KEYN_NONE, 'D'); /* it is over */
    assert_int_equal(w->fx.n, 1);
    full_session_free(s);
}

/* A folder that goes is no session to go on with. */
static void what_is_being_deleted_is_not_resumed(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();

    add(w->m, 0, SESSION_PAUSED);
    w->m->flow = FLOW_WATCH;
    s->state = SESSION_PAUSED;
    memset(&s->ledger, 0, sizeof s->ledger);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    press(w, KEYN_NONE, 'D');
    answer_session(w, s);
    world_type(w, "Strategy0_01020000-050830");
    press(w, KEYN_ENTER, 0);
    struct effect e = asked(w);
    flow_resume(w->m, "", &w->fx);
    assert_int_equal(w->fx.n, 0);
    assert_int_equal(w->m->flow, FLOW_WATCH);
    assert_true(world_said(w, "Strategy0_01020000-050830 is being deleted"));
    answer_to(w, e, NULL, 0);
    flow_resume(w->m, "", &w->fx); /* it is there still */
    assert_int_equal(w->m->flow, FLOW_RECOVER);
    full_session_free(s);
}

/* The list may move while it is open: the cursor of /sessions stays on its session. */
static void a_moved_row_keeps_the_cursor(void **state)
{
    struct world *w = *state;
    struct model *m = w->m;
    char name[128];

    for (int i = 0; i < 6; i++)
        add(m, i, SESSION_ARCHIVED);
    tree_sync(m);
    tree_move_to(m, 3);
    sessions_open(m);
    m->screen.dialog.cursor = 2;
    sessions_pump(m, &w->fx);
    PUT(name, "%s", m->workspace.sessions[2].name);
    session_rows_front(&m->workspace, 4);
    sessions_pump(m, &w->fx);
    assert_int_equal(m->screen.dialog.cursor, 3);
    assert_int_equal(m->screen.tree_cursor, 4);
    assert_string_equal(m->tree.at, name);
    session_rows_front(&m->workspace, 3);
    sessions_pump(m, &w->fx);
    assert_int_equal(m->screen.dialog.cursor, 0);
    assert_int_equal(m->screen.tree_cursor, 1);
    session_rows_remove(&m->workspace, 0);
    sessions_pump(m, &w->fx);
    assert_int_equal(m->screen.dialog.cursor, 0);
    effects_clear(&w->fx);
}

static void deleting_wants_the_name(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();

    add(w->m, 0, SESSION_ARCHIVED);
    add(w->m, 1, SESSION_ARCHIVED);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    press(w, KEYN_NONE, 'D');
    answer_session(w, s);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_DELETE);
    world_type(w, "Strategy0");
    press(w, KEYN_ENTER, 0);
    assert_int_equal(w->fx.n, 0);
    assert_non_null(strstr(w->m->screen.dialog.error, "not its name"));
    press(w, KEYN_CTRL, 'u');
    world_type(w, "Strategy0_01020000-050830");
    press(w, KEYN_ENTER, 0);
    assert_int_equal(w->fx.items[0].u.file.op, FILE_REMOVE_TREE);
    assert_string_equal(w->fx.items[0].u.file.path, "/home/w/sessions/Strategy0_01020000-050830");
    assert_int_equal(w->m->workspace.nsessions, 2); /* not before it is gone */
    answer(w, "", 0);
    assert_int_equal(w->m->workspace.nsessions, 1);
    assert_true(world_said(w, "is deleted"));
    full_session_free(s);
}

static void what_is_in_force_is_not_deleted(void **state)
{
    struct world *w = *state;
    struct session *s = full_session();

    add(w->m, 0, SESSION_ACTIVE);
    add(w->m, 1, SESSION_PAUSED);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    press(w, KEYN_NONE, 'D');
    assert_int_equal(w->fx.n, 0);
    assert_true(world_said(w, "interrupted, and has to be resumed"));
    tree_move_to(w->m, 2);
    press(w, KEYN_NONE, 'D');
    s->state = SESSION_PAUSED;
    answer_session(w, s); /* its ledger holds changes */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    assert_true(world_said(w, "the server runs with its changes"));
    press(w, KEYN_NONE, 'v');
    assert_true(world_said(w, "v, going back: this server has not been looked at yet"));
    full_session_free(s);
}

static void nothing_is_changed_where_we_only_look(void **state)
{
    struct world *w = *state;

    add(w->m, 0, SESSION_ARCHIVED);
    tree_sync(w->m);
    tree_move_to(w->m, 1);
    w->m->sight_known = true;
    w->m->opt.readonly = true;
    for (const char *k = "bvrDa"; *k; k++) {
        press(w, KEYN_NONE, *k);
        assert_int_equal(w->fx.n, 0);
        assert_int_equal(w->m->screen.dialog.kind, DIALOG_NONE);
    }
    w->m->opt.readonly = false;
    w->m->workspace.readonly = true;
    for (const char *k = "bvrDa"; *k; k++) {
        press(w, KEYN_NONE, *k);
        assert_int_equal(w->fx.n, 0);
    }
    press(w, KEYN_ENTER, 0); /* looking is allowed */
    assert_int_equal(w->fx.n, 1);
}

/* ---- the look ---- */

static void draw(struct canvas *c, struct model *m, int rows, int cols)
{
    struct view_cursor cursor = {0};
    m->screen.rows = rows;
    m->screen.cols = cols;
    canvas_resize(c, rows, cols);
    view_paint(c, m, keys_tables(), &cursor);
}

static void the_tree_at_three_sizes(void **state)
{
    struct world *w = *state;
    struct model *m = w->m;
    struct session *s = full_session();
    struct canvas *c = canvas_new(45, 160);
    static const int sizes[][2] = {{45, 160}, {36, 120}, {24, 80}};

    for (int i = 0; i < 40; i++)
        add(m, i, i == 1 ? SESSION_PAUSED : i == 2 ? SESSION_FAILED : SESSION_ARCHIVED);
    m->workspace.sessions[0].effect = 1.172;
    m->workspace.sessions[3].origin = (struct origin){"Strategy0_01020000-050830", 1, true};
    PUT(m->workspace.sessions[4].title, "before the merger");
    tree_sync(m);
    tree_open(m, 0);
    tree_record_of(s, &m->tree.open[0]);
    PUT(m->tree.open[0].session, "%s", m->workspace.sessions[0].name);
    tree_move_to(m, 1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        draw(c, m, sizes[i][0], sizes[i][1]);
        assert_true(canvas_has(c, "\xe2\x96\xbe \xe2\x96\xaa Strategy0"));
        assert_true(canvas_has(c, "+17.2 %"));
        assert_true(canvas_has(c, "baseline"));
        assert_true(canvas_has(c, "4502 TPS"));
        assert_true(canvas_has(c, "kept"));
        assert_true(canvas_has(c, "undone"));
        assert_true(canvas_has(c, "\xe2\x97\xa6 Strategy1"));
        assert_true(canvas_has(c, "paused"));
        assert_true(canvas_has(c, "\xe2\x9c\x97 Strategy2"));
        assert_true(canvas_has(c, "\xe2\x86\xb3"));
        assert_true(canvas_has(c, "before the merger"));
        assert_true(canvas_row_has(c, sizes[i][0] - 1, "Enter open"));
        assert_true(canvas_row_has(c, sizes[i][0] - 1, "v go back"));
    }
    assert_true(canvas_has(c, "4502 TPS, noise \xc2\xb1"
                              "3.1 %")); /* 80 columns: all of the width */
    m->screen.ascii = true;
    draw(c, m, 45, 160);
    struct buf text = {0};
    canvas_text(c, &text);
    assert_non_null(strstr(buf_text(&text), "v # Strategy0"));
    assert_non_null(strstr(buf_text(&text), "> o Strategy1"));
    buf_clear(&text);
    m->opt.readonly = true;
    draw(c, m, 45, 160);
    assert_false(canvas_row_has(c, 44, "D delete"));
    m->tree.filtering = true;
    draw(c, m, 24, 80);
    assert_true(canvas_has(c, "filter: _"));
    canvas_free(c);
    full_session_free(s);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TREE_TEST(every_row_is_a_node),
        TREE_TEST(the_cursor_stays_on_its_node),
        TREE_TEST(a_filter_finds_sessions),
        TREE_TEST(a_session_is_opened_and_shown),
        TREE_TEST(two_are_marked_and_compared),
        TREE_TEST(a_title_is_kept_in_the_file),
        TREE_TEST(the_session_at_hand_keeps_its_newer_file),
        TREE_TEST(nothing_takes_the_place_of_a_deletion),
        TREE_TEST(what_is_being_deleted_is_not_resumed),
        TREE_TEST(a_moved_row_keeps_the_cursor),
        TREE_TEST(deleting_wants_the_name),
        TREE_TEST(what_is_in_force_is_not_deleted),
        TREE_TEST(nothing_is_changed_where_we_only_look),
        TREE_TEST(the_tree_at_three_sizes),
        cmocka_unit_test(states_of_a_session),
        cmocka_unit_test(two_sessions_beside_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
