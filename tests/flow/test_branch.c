/* Branch and revert beside the simulated server (tests/support/sim.h): a session is tuned, the server goes back to its start and
 * forth again, each time by a review, the journal and a verified switch; what fails is taken back or ends STUCK with the
 * statements; and a branch proposes what the session had kept. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../support/sim.h"
#include "pgd/app/cli.h"
#include "pgd/app/flow_parts.h"
#include "pgd/app/tree_acts.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"
#include "pgd/workspace/session_rows.h"

enum { STEPS_MAX = 60000 };

struct world {
    struct model *m;
    struct sim *s;
    int fail_from; /* statements that change a setting fail from this one on; 0 = none */
    int fail_upto;
    int altered; /* … so many were sent */
    bool cut;    /* the program is killed with the first of them */
    bool other;  /* random_page_cost is what is proposed */
};

static double faster_with_work_mem(const struct sim *s)
{
    double tps = 1 + 0.005 * ((double)((unsigned)s->pids * 2654435761u >> 16 & 1023) / 512 - 1);
    tps = s->file[sim_setting("work_mem")].present ? tps * 1.3 : tps;
    return s->file[sim_setting("random_page_cost")].present ? tps * 1.3 : tps;
}

static void deliver(void *arg, struct event *ev, struct effects *fx)
{
    app_update(((struct world *)arg)->m, ev, fx);
}

static void quiet(enum log_level level, const char *text)
{
    (void)level;
    (void)text;
}

static void start(struct world *w)
{
    struct event ev = {.kind = EV_START};
    struct options *o;

    w->m = xcalloc(1, sizeof *w->m);
    model_init(w->m);
    o = &w->m->opt;
    o->restart = RESTART_NEVER;
    o->rounds = 1;
    o->duration_s = 3;
    o->budget_given = o->bench_db = o->has_target = true;
    o->budget_s = 3600;
    o->pid = 4711;
    snprintf(o->home, sizeof o->home, "/home/of/it");
    cli_connect_set(&o->connect, "host", "/sock");
    cli_connect_set(&o->connect, "dbname", "shop");
    sim_deliver(w->s, &ev);
}

static void press(struct world *w, enum key_name name, char c)
{
    struct event ev = {.kind = EV_KEY, .u.key = {.name = name, .rune = (uint32_t)(unsigned char)c}};
    sim_deliver(w->s, &ev);
}

/* The advisor's place is taken by one change. */
static void propose(struct world *w)
{
    struct round *r = &w->m->session.round;
    struct guard_policy g = {.clients = 4, .peak_active = NAN};
    struct proposal *p = xcalloc(1, sizeof *p);

    p->n = 1;
    snprintf(p->changes[0].name, sizeof p->changes[0].name, "%s",
             w->other ? "random_page_cost" : "work_mem");
    snprintf(p->changes[0].value, sizeof p->changes[0].value, "%s", w->other ? "1.5" : "32MB");
    p->changes[0].expect_lo = p->changes[0].expect_hi = NAN;
    guard_review(p, &w->m->server, &g, &r->review);
    r->review.round = r->number;
    session_remember_first(&w->m->session, p->changes[0].name, r->review.lines[0].from);
    free(p);
}

static void decide(struct world *w)
{
    switch (w->m->fl.decision) {
    case DECIDE_REVIEW:
        if (!w->m->session.origin.session[0])
            propose(w);
        press(w, KEYN_NONE, 'A');
        press(w, KEYN_NONE, 'g');
        break;
    case DECIDE_PLAN:
        press(w, KEYN_NONE, 'g');
        break;
    case DECIDE_KEEP:
        press(w, KEYN_NONE, 'k');
        break;
    default:
        press(w, KEYN_ENTER, 0);
        break;
    }
}

/* The next thing that comes; statements that change settings go as the test says. */
static void next(struct world *w)
{
    int first = -1;

    for (int i = 0; i < w->s->n; i++)
        if (first < 0 || w->s->list[i].due < w->s->list[first].due)
            first = i;
    if (first >= 0 && w->s->list[first].due < w->s->next_tick &&
        w->s->list[first].e.kind == FX_PG_QUERY && w->s->list[first].stage == 0 &&
        strstr(w->s->list[first].e.text, "ALTER SYSTEM ")) {
        w->altered++;
        if (w->fail_from && w->altered >= w->fail_from && w->altered <= w->fail_upto) {
            sim_step(w->s, first, SIM_ERROR);
            return;
        }
    }
    sim_next(w->s, true);
}

static bool rests(const struct world *w)
{
    const struct model *m = w->m;
    return m->flow == FLOW_STUCK || m->flow == FLOW_ERROR || m->flow == FLOW_PAUSED ||
           m->flow == FLOW_WATCH ||
           (m->flow == FLOW_SUMMARY && m->fl.decision == DECIDE_NOTHING && w->s->n == 0);
}

/* Until it rests again, at least some steps; stops at a review when `to_review`. */
static void play(struct world *w, bool to_review)
{
    int i = 0;

    for (; i < STEPS_MAX && (i < 30 || !rests(w)); i++) {
        struct model *m = w->m;
        if (to_review && m->fl.decision == DECIDE_REVIEW)
            return;
        if (m->fl.decision != DECIDE_NOTHING && model_dialog(m) != DIALOG_NONE)
            decide(w);
        else
            next(w);
    }
    if (i == STEPS_MAX)
        for (int k = 0; k < w->m->nchat; k++)
            fprintf(stderr, "%s\n", w->m->chat[k].text);
    assert_true(i < STEPS_MAX);
}

static bool in_force(const struct world *w, const char *value)
{
    const struct sim_entry *e = &w->s->file[sim_setting("work_mem")];
    return value ? e->present && strcmp(e->value, value) == 0 : !e->present;
}

static void carry_out(struct world *w, struct effects *fx)
{
    for (size_t i = 0; i < fx->n; i++)
        sim_carry_out(w->s, &fx->items[i]);
    free(fx->items);
    *fx = (struct effects){0};
}

/* What is asked for on a node of the newest session: its file is read first. */
static void act(struct world *w, enum tree_act what, const char *session, int part)
{
    struct effects fx = {0};
    int row = session_rows_find(&w->m->workspace, session);
    struct event ev = {.kind = EV_TICK};

    assert_true(row >= 0);
    w->m->screen.dialog.kind = DIALOG_NONE;
    tree_acts_begin(w->m, what, row, part, &fx);
    carry_out(w, &fx);
    sim_deliver(w->s, &ev);
}

/* A session that has kept work_mem = 32MB. */
static struct world tuned(char *name, size_t size)
{
    struct world w = {.s = sim_new(deliver, NULL)};
    struct world *at = xcalloc(1, sizeof *at);

    log_sink(quiet);
    w.s->speed = faster_with_work_mem;
    w.s->arg = at;
    *at = w;
    start(at);
    play(at, false);
    press(at, KEYN_NONE, 't');
    play(at, false);
    assert_int_equal(at->m->session.state, SESSION_ARCHIVED);
    assert_true(in_force(at, "32MB"));
    snprintf(name, size, "%s", at->m->session.name);
    w = *at;
    w.s->arg = NULL;
    free(at);
    return w;
}

static void end(struct world *w)
{
    model_clear(w->m);
    free(w->m);
    sim_free(w->s);
}

#define TUNED                                  \
    char name[128];                            \
    struct world w = tuned(name, sizeof name); \
    w.s->arg = &w

static void back_and_forth(void **state)
{
    (void)state;
    TUNED;
    char revert[128];

    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, true);
    assert_int_equal(w.m->session.round.review.n, 1);
    assert_string_equal(w.m->session.round.review.lines[0].sql, "ALTER SYSTEM RESET work_mem;");
    assert_true(in_force(&w, "32MB")); /* nothing before the review has its answers */
    play(&w, false);
    assert_int_equal(w.m->flow, FLOW_SUMMARY);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_true(w.m->session.origin.reverts);
    assert_string_equal(w.m->session.origin.session, name);
    assert_true(in_force(&w, NULL));
    assert_false(w.s->intent_open);
    assert_int_equal(w.m->workspace.nsessions, 2);
    snprintf(revert, sizeof revert, "%s", w.m->session.name);

    act(&w, TREE_REVERT, revert, NODE_START); /* its own start */
    play(&w, false);
    assert_true(in_force(&w, "32MB"));
    act(&w, TREE_REVERT, name, NODE_FINAL);
    for (int i = 0; i < 50; i++)
        next(&w);
    assert_int_equal(w.m->workspace.nsessions, 3); /* there is nothing to do */
    end(&w);
}

static void nothing_accepted_changes_nothing(void **state)
{
    (void)state;
    TUNED;
    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, true);
    press(&w, KEYN_NONE, 'R');
    press(&w, KEYN_NONE, 'g');
    play(&w, false);
    assert_int_equal(w.m->session.state, SESSION_FAILED);
    assert_string_equal(w.m->session.end_reason, "nothing was accepted");
    assert_true(in_force(&w, "32MB"));
    end(&w);
}

static void what_fails_is_taken_back(void **state)
{
    (void)state;
    TUNED;
    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, true);
    w.altered = 0;
    w.fail_from = w.fail_upto = 1;
    play(&w, false);
    assert_true(w.altered >= 1);
    assert_true(in_force(&w, "32MB"));
    assert_int_equal(w.m->session.state, SESSION_FAILED);
    assert_false(w.s->intent_open);
    end(&w);
}

/* The second of two statements fails, and from then on all of them: what stands there is said, with the SQL. */
static void what_cannot_be_taken_back_is_told(void **state)
{
    (void)state;
    TUNED;
    struct session *s = &w.m->session;

    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, true);
    struct review *r = &s->round.review;
    r->lines[1] = r->lines[0]; /* one more, so that something is done before it fails */
    snprintf(r->lines[1].change.name, sizeof r->lines[1].change.name, "random_page_cost");
    r->lines[1].change.reset = false;
    snprintf(r->lines[1].send, sizeof r->lines[1].send, "1.5");
    r->n = 2;
    w.altered = 0;
    w.fail_from = 2;
    w.fail_upto = 1000;
    play(&w, false);
    assert_int_equal(w.m->flow, FLOW_STUCK);
    assert_non_null(strstr(w.m->apply.stuck_sql, "ALTER SYSTEM SET work_mem = '32MB'"));
    assert_int_equal(s->state, SESSION_PAUSED); /* the next start looks after it */
    end(&w);
}

/* The totals that the session before left behind are not what the next one begins with. */
static void the_next_first_sight_looks_anew(void **state)
{
    (void)state;
    TUNED;
    snprintf(w.m->sight.headline, sizeof w.m->sight.headline, "of the session before");
    press(&w, KEYN_NONE, 't');
    assert_int_equal(w.m->discover.state, DISCOVER_SQL);
    for (int i = 0; i < STEPS_MAX && w.m->fl.decision != DECIDE_STRATEGY; i++)
        next(&w);
    assert_int_equal(w.m->fl.decision, DECIDE_STRATEGY);
    assert_null(strstr(w.m->sight.headline, "of the session before"));
    end(&w);
}

static void begin_tuning(struct world *w)
{
    press(w, KEYN_NONE, 't');
    if (model_dialog(w->m) == DIALOG_AGAIN) /* one is paused */
        press(w, KEYN_NONE, 'n');
    for (int i = 0; i < STEPS_MAX && !model_run_active(w->m); i++) {
        if (w->m->fl.decision != DECIDE_NOTHING && model_dialog(w->m) != DIALOG_NONE)
            decide(w);
        else
            next(w);
    }
    assert_true(model_run_active(w->m));
}

static void pause_it(struct world *w)
{
    struct effects fx = {0};

    flow_stop(w->m, false, 0, &fx);
    carry_out(w, &fx);
    play(w, false);
    assert_int_equal(w->m->flow, FLOW_PAUSED);
}

/* A key on a session's row of the tree. */
static void press_on(struct world *w, const char *session, char c)
{
    w->m->screen.dialog.kind = DIALOG_NONE;
    w->m->screen.focus = PANE_TREE;
    tree_move_to(w->m, tree_row_of(w->m, session, TREE_SESSION));
    press(w, KEYN_NONE, c);
}

/* Left paused after all; the list has moved meanwhile. */
static void resume_and_leave(struct world *w, const char *session)
{
    struct workspace *list = &w->m->workspace;
    struct effects fx = {0};

    flow_resume(w->m, session, &fx);
    carry_out(w, &fx);
    for (int i = 0; i < STEPS_MAX && w->m->fl.decision != DECIDE_RECOVER; i++)
        next(w);
    assert_int_equal(w->m->fl.decision, DECIDE_RECOVER);
    session_rows_front(list, 2);
    w->m->screen.dialog.kind = DIALOG_NONE;
    flow_question_closed(w->m);
    flow_leave_paused(w->m, &fx);
    carry_out(w, &fx);
    play(w, false);
    for (int i = 0; i < list->nsessions; i++)
        assert_int_equal(list->sessions[i].passed, strcmp(list->sessions[i].name, session) == 0);
}

static void a_moved_session_is_left_paused(void **state)
{
    (void)state;
    TUNED;
    char paused[128];

    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, false);
    begin_tuning(&w);
    pause_it(&w);
    snprintf(paused, sizeof paused, "%s", w.m->session.name);
    resume_and_leave(&w, paused);
    end(&w);
}

/* One session is paused, another one tuned, then the first one goes on and ends: it is the later one. */
static void a_resumed_session_is_a_later_one(void **state)
{
    (void)state;
    TUNED;
    struct workspace *list = &w.m->workspace;
    char paused[128], between[128];

    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, false);
    w.other = true;
    begin_tuning(&w);
    pause_it(&w);
    snprintf(paused, sizeof paused, "%s", w.m->session.name);
    w.other = false;
    begin_tuning(&w);
    play(&w, false);
    snprintf(between, sizeof between, "%s", w.m->session.name);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_string_equal(list->sessions[0].name, between);
    assert_string_equal(list->sessions[1].name, paused);

    w.other = true;
    tree_move_to(w.m, tree_row_of(w.m, between, TREE_SESSION));
    struct effects fx = {0};
    flow_resume(w.m, paused, &fx);
    carry_out(&w, &fx);
    play(&w, false);
    assert_string_equal(w.m->session.name, paused);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_string_equal(list->sessions[0].name, paused);
    assert_string_equal(list->sessions[1].name, between);
    assert_string_equal(w.m->tree.at, between);
    assert_int_equal(tree_node_at(w.m, w.m->screen.tree_cursor).session, 1);

    act(&w, TREE_REVERT, between, NODE_FINAL);
    play(&w, true);
    assert_int_equal(w.m->session.round.review.n, 1);
    assert_string_equal(w.m->session.round.review.lines[0].sql,
                        "ALTER SYSTEM RESET random_page_cost;");
    end(&w);
}

/* a on a paused session: no further round; what improved is confirmed and kept. */
static void a_paused_session_is_archived(void **state)
{
    (void)state;
    TUNED;
    char paused[128];

    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, false);
    w.m->opt.rounds = 3;
    begin_tuning(&w);
    snprintf(paused, sizeof paused, "%s", w.m->session.name);
    for (int i = 0; i < STEPS_MAX && w.m->session.rounds_done == 0; i++) {
        if (w.m->fl.decision != DECIDE_NOTHING && model_dialog(w.m) != DIALOG_NONE)
            decide(&w);
        else
            next(&w);
    }
    assert_int_equal(w.m->session.rounds_done, 1);
    pause_it(&w);
    assert_int_equal(w.m->session.state, SESSION_PAUSED);
    assert_true(in_force(&w, "32MB"));
    w.other = true; /* a further round would find it */

    press_on(&w, name, 'a'); /* that one has ended */
    assert_int_equal(w.m->flow, FLOW_PAUSED);
    press_on(&w, paused, 'a');
    assert_string_equal(w.m->tree.closing, paused);
    play(&w, false);
    assert_string_equal(w.m->session.name, paused);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_int_equal(w.m->session.rounds_done, 1);
    assert_false(w.s->file[sim_setting("random_page_cost")].present);
    assert_true(w.m->session.final.kind == VERDICT_IMPROVED);
    assert_true(in_force(&w, "32MB"));
    assert_string_equal(w.m->tree.closing, "");
    end(&w);
}

static void a_killed_revert_goes_on(void **state)
{
    (void)state;
    TUNED;
    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, true);
    press(&w, KEYN_NONE, 'A');
    press(&w, KEYN_NONE, 'g');
    for (int i = 0; i < STEPS_MAX && !w.s->intent_open; i++)
        next(&w);
    assert_true(w.s->intent_open);
    sim_kill(w.s, 0);
    model_clear(w.m);
    free(w.m);
    start(&w);
    play(&w, false); /* resume is the answer to Enter */
    assert_true(w.m->session.origin.reverts);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_true(in_force(&w, NULL));
    end(&w);
}

/* The DBA has rejected a line when the program is killed. */
static void answers_to_a_revert_outlive_a_kill(void **state)
{
    (void)state;
    TUNED;
    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, true);
    press(&w, KEYN_NONE, 'r');
    for (int64_t until = w.s->now + 3 * (int64_t)SIM_SECOND; w.s->now < until;)
        next(&w);
    sim_kill(w.s, 0);
    model_clear(w.m);
    free(w.m);
    start(&w);
    play(&w, true);
    assert_int_equal(w.m->session.round.review.n, 1);
    assert_int_equal(w.m->session.round.review.lines[0].answer, ANSWER_REJECT);
    press(&w, KEYN_NONE, 'g');
    play(&w, false);
    assert_true(in_force(&w, "32MB"));
    end(&w);
}

static void a_branch_proposes_what_was_kept(void **state)
{
    (void)state;
    TUNED;
    act(&w, TREE_REVERT, name, NODE_START);
    play(&w, false);
    act(&w, TREE_BRANCH, name, 1);
    for (int i = 0; i < 50 && w.m->flow != FLOW_PLAN; i++)
        next(&w);
    assert_int_equal(w.m->flow, FLOW_PLAN);
    play(&w, true);
    const struct review *r = &w.m->session.round.review;
    assert_int_equal(r->n, 1);
    assert_string_equal(r->lines[0].change.name, "work_mem");
    assert_string_equal(r->lines[0].to, "32MB");
    assert_true(isfinite(w.m->session.baseline_tps)); /* measured anew */
    play(&w, false);
    assert_int_equal(w.m->session.state, SESSION_ARCHIVED);
    assert_string_equal(w.m->session.origin.session, name);
    assert_int_equal(w.m->session.origin.node, 1);
    assert_false(w.m->session.origin.reverts);
    assert_true(in_force(&w, "32MB"));
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_first_sight_looks_anew),
        cmocka_unit_test(back_and_forth),
        cmocka_unit_test(nothing_accepted_changes_nothing),
        cmocka_unit_test(what_fails_is_taken_back),
        cmocka_unit_test(what_cannot_be_taken_back_is_told),
        cmocka_unit_test(a_moved_session_is_left_paused),
        cmocka_unit_test(a_resumed_session_is_a_later_one),
        cmocka_unit_test(a_paused_session_is_archived),
        cmocka_unit_test(a_killed_revert_goes_on),
        cmocka_unit_test(answers_to_a_revert_outlive_a_kill),
        cmocka_unit_test(a_branch_proposes_what_was_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
