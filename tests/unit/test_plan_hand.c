/* The plan under the DBA's hand: a row that is stepped through comes back with Esc, all edits with u, and what was edited in a plan that
 * was left stands in the next one. */
#include "pgd/app/dialogs.h"
#include "pgd/app/flow_parts.h"
#include "pgd/base/text.h"
#include "pgd/workspace/store.h"
#include "world.h"

static struct op_answer offer;

/* The advisor's plan, as it comes after the choice of a strategy. */
static void offered(struct world *w)
{
    struct sdl *p = &offer.u.plan;
    struct err e = {0};

    memset(&offer, 0, sizeof offer);
    text_copy(p->strategy, sizeof p->strategy, "Balanced");
    text_copy(p->database, sizeof p->database, "pg_diagnose_bench");
    text_copy(p->protocol, sizeof p->protocol, "simple");
    p->clients = p->threads = 4;
    p->duration_s = 10;
    p->rounds = 8;
    p->budget_s = 720;
    assert_true(store_workload("shop", p, &e));
    text_copy(p->success, sizeof p->success, "it gains");
    w->m->flow = FLOW_STRATEGY;
    flow_plan_known(w->m, &offer, &w->fx);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PLAN);
}

static int setup(void **state)
{
    struct world *w = world_new();

    w->m->server_known = true;
    w->m->screen.rows = 60; /* all of it is in sight */
    w->m->sight.nstrategies = 1;
    text_copy(w->m->sight.strategies[0].name, sizeof w->m->sight.strategies[0].name, "Balanced");
    offered(w);
    *state = w;
    return 0;
}

static void to(struct world *w, int field)
{
    w->m->screen.dialog.cursor = field;
}

static void a_step_comes_back_with_escape(void **state)
{
    struct world *w = *state;
    const struct sdl *p = &w->m->session.plan;

    assert_memory_equal(p, &offer.u.plan, sizeof *p);
    assert_false(world_shows(w, "u takes it back"));
    to(w, PLAN_WORKLOAD);
    world_type(w, "e");
    assert_string_equal(p->workload, "oltp");
    assert_true(world_shows(w, "Esc brings back: shop, in database"));
    assert_true(world_shows(w, "e next  Enter take it  Esc as it was"));
    assert_true(world_shows(w, "workload; u takes it back"));
    world_type(w, "e");
    assert_string_equal(p->workload, "reports");
    world_key(w, KEYN_ESC, 0); /* not to the one before, but to what stood there */
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_PLAN);
    assert_memory_equal(p, &w->m->fl.edits.offered, sizeof *p);
    to(w, PLAN_RESTART);
    world_type(w, "e");
    assert_true(world_shows(w, "Esc brings back: asked for, one by one"));
    world_key(w, KEYN_ENTER, 0); /* taken */
    assert_false(world_shows(w, "Esc brings back"));
    assert_int_equal(p->restart, RESTART_MANUAL);
    to(w, PLAN_TRAFFIC);
    world_type(w, "ej"); /* who goes on to another row takes it, too */
    w->m->session.plan.nscripts++;
    to(w, PLAN_FIELDS + p->nscripts - 1);
    world_type(w, "u");
    assert_int_equal(w->m->screen.dialog.cursor, PLAN_FIELDS + p->nscripts - 1);
    assert_memory_equal(p, &w->m->fl.edits.offered, sizeof *p);
}

static void edits_outlive_the_plan(void **state)
{
    struct world *w = *state;
    const struct sdl *p = &w->m->session.plan;

    to(w, PLAN_BUDGET);
    world_type(w, "e");
    for (int i = 0; i < 4; i++)
        world_key(w, KEYN_BACKSPACE, 0);
    world_type(w, "4\n");
    assert_int_equal(p->budget_s, 240);
    to(w, PLAN_WORKLOAD);
    world_type(w, "e\n");
    to(w, PLAN_FIELDS);
    world_type(w, "+");
    world_key(w, KEYN_ESC, 0);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_STRATEGY);
    assert_true(world_said(w, "your edits of the plan are kept (workload, budget)"));
    offered(w);
    assert_true(world_said(w, "your edits of the plan before stand in it (workload, budget)"));
    assert_int_equal(p->budget_s, 240);
    assert_string_equal(p->workload, "oltp");
    assert_int_equal(p->scripts[0].weight, 21);
    assert_int_equal(p->rounds, 8); /* what was not edited is the offer's */
    world_key(w, KEYN_ESC, 0);      /* and once more */
    offered(w);
    assert_int_equal(p->budget_s, 240);
    world_type(w, "u");
    assert_memory_equal(p, &w->m->fl.edits.offered, sizeof *p);
    world_key(w, KEYN_ESC, 0); /* as offered: nothing to keep */
    offered(w);
    assert_memory_equal(p, &w->m->fl.edits.offered, sizeof *p);
}

/* Each row by itself is known as edited, has a name, and comes to another plan alone. */
static void each_row_by_itself(void **state)
{
    (void)state;
    static struct sdl a, b;
    char words[160];

    for (int i = 0; i <= PLAN_FIELDS; i++) {
        memset(&a, 0, sizeof a);
        text_copy(a.strategy, sizeof a.strategy, "Balanced");
        a.nscripts = 1;
        b = a;
        switch (i) {
        case PLAN_WORKLOAD:
            text_copy(b.workload, sizeof b.workload, "oltp");
            break;
        case PLAN_CLIENTS:
            b.clients = 3;
            break;
        case PLAN_DURATION:
            b.duration_s = 3;
            break;
        case PLAN_ROUNDS:
            b.rounds = 3;
            break;
        case PLAN_BUDGET:
            b.budget_s = 3;
            break;
        case PLAN_TARGET:
            b.target_tps = 3;
            break;
        case PLAN_GOAL:
            b.goal = GOAL_P95;
            break;
        case PLAN_RATE:
            b.rate = 3;
            break;
        case PLAN_RESTART:
            b.restart = RESTART_MANUAL;
            break;
        case PLAN_PROTOCOL:
            text_copy(b.protocol, sizeof b.protocol, "prepared");
            break;
        case PLAN_WINDOW:
            assert_true(daytime_parse("22:00-04:30", &b.window, &(struct err){0}));
            break;
        case PLAN_TRAFFIC:
            b.traffic = TRAFFIC_REFUSE;
            break;
        case PLAN_COMPARE:
            b.arm_defaults = b.arm_pgtune = true;
            break;
        default:
            b.scripts[0].weight = 3;
        }
        assert_int_equal(plan_hand_edited(&a, &b), 1U << i);
        plan_hand_words(1U << i, words, sizeof words);
        assert_string_equal(words, plan_row_label(i));
        assert_true(words[0]);
        /* the scripts belong to the workload and come with it, too */
        plan_hand_copy(~(1U << i | (i == PLAN_FIELDS ? 1U << PLAN_WORKLOAD : 0)), &b, &a);
        assert_int_equal(plan_hand_edited(&a, &b), 1U << i);
        plan_hand_copy(1U << i, &b, &a);
        assert_int_equal(plan_hand_edited(&a, &b), 0);
    }
    b.strategy[0] = a.strategy[0] = '\0';
    b.budget_s = 77;
    assert_int_equal(plan_hand_edited(&a, &b), 0); /* nothing was offered */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_step_comes_back_with_escape, setup, world_teardown),
        cmocka_unit_test_setup_teardown(edits_outlive_the_plan, setup, world_teardown),
        cmocka_unit_test(each_row_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
