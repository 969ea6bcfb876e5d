/* After a round's verdict: whether another round comes, why not, and that the DBA is told the one thing that is true. Events into
 * app_update(), its effects looked at. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/flow_parts.h"
#include "pgd/app/update.h"

struct world {
    struct model *m;
    int64_t at;
    struct effects fx; /* of the last event */
};

/* A round is over that has gained 20 %, and is being saved; two of eight rounds are done. */
static struct world begin(void)
{
    struct world w = {.m = xcalloc(1, sizeof(struct model)), .at = 5000000};
    struct session *s = &w.m->session;

    model_init(w.m);
    w.m->links[CONN_CONTROL].state = LINK_UP;
    s->state = SESSION_ACTIVE;
    snprintf(s->name, sizeof s->name, "Test_01012026-000000");
    snprintf(s->dir, sizeof s->dir, "/home/of/it/workspaces/w/sessions/%s", s->name);
    snprintf(s->plan.strategy, sizeof s->plan.strategy, "Test");
    s->plan.rounds = 8;
    s->plan.duration_s = 10;
    s->plan.nscripts = 1;
    s->plan.budget_s = 3600;
    s->baseline_tps = 100;
    s->floor = 0.01;
    s->rounds_done = 2;
    round_init(&s->round, 2, &s->best, &s->plan, s->floor);
    assert_true(arm_set(&s->best, "work_mem", true, "8MB"));
    s->round.candidate = s->best;
    s->round.arm_in_force = ARM_B;
    s->round.kept = s->round.judged = true;
    s->round.state = ROUND_CHECKPOINT;
    s->round.verdict = (struct verdict){.kind = VERDICT_IMPROVED,
                                        .ratio = 1.2,
                                        .ci_lo = 1.1,
                                        .ci_hi = 1.3,
                                        .tps_a = 130,
                                        .tps_b = 156};
    s->best_tps = 156;
    s->nhistory = 1;
    s->history[0] = (struct round_history){.number = 2, .kept = true, .verdict = s->round.verdict};
    w.m->flow = FLOW_ROUND;
    return w;
}

static void end(struct world *w)
{
    effects_clear(&w->fx);
    model_clear(w->m);
    free(w->m);
}

static void saved(struct world *w)
{
    effects_clear(&w->fx);
    flow_round_saved(w->m, &w->fx);
}

static void enter(struct world *w)
{
    struct event ev = {.kind = EV_KEY, .u.key = {.name = KEYN_ENTER}};

    effects_clear(&w->fx);
    ev.at_us = w->at;
    ev.wall_us = 1700000000000000 + w->at;
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static bool said(const struct model *m, const char *words)
{
    for (int i = 0; i < m->nchat; i++)
        if (strstr(m->chat[i].text, words))
            return true;
    return false;
}

/* Its verdict is on the screen with that reason, NULL = a round follows; Enter leads to the confirmation, or to the round. */
static void check_verdict(struct world *w, const char *reason)
{
    saved(w);
    assert_int_equal(w->m->fl.decision, DECIDE_VERDICT);
    assert_int_equal(w->m->screen.dialog.kind, DIALOG_VERDICT);
    if (!reason) {
        assert_null(w->m->fl.now.no_further);
        enter(w);
        assert_int_not_equal(w->m->flow, FLOW_CONFIRM);
        assert_false(said(w->m, "no further round"));
        return;
    }
    assert_non_null(w->m->fl.now.no_further);
    assert_string_equal(w->m->fl.now.no_further, reason);
    enter(w);
    assert_int_equal(w->m->flow, FLOW_CONFIRM);
    assert_true(said(w->m, reason));
    assert_string_equal(w->m->session.end_reason, reason);
}

static void a_next_round_follows(void **state)
{
    (void)state;
    struct world w = begin();

    check_verdict(&w, NULL);
    end(&w);
    w = begin();
    w.m->session.target.tps = 157; /* 156 is not enough */
    check_verdict(&w, NULL);
    end(&w);
}

static void the_reason_is_told_and_holds(void **state)
{
    (void)state;
    struct world w = begin();

    w.m->session.target.tps = 156;
    check_verdict(&w, "target reached");
    end(&w);
    w = begin();
    w.m->session.plan.rounds = 2;
    check_verdict(&w, "all rounds are spent");
    end(&w);
    w = begin();
    w.m->session.misses = 3;
    check_verdict(&w, "three misses in a row");
    end(&w);
    w = begin();
    w.m->now_us = w.at;
    w.m->session.deadline_us = w.at + (int64_t)((flow_confirm_cost(w.m) + 15) * 1e6);
    check_verdict(&w, "the budget is spent");
    end(&w);
}

/* The advisor has judged: what it would try next is said where a round follows, and nowhere else. */
static void next_is_said_only_where_it_comes(void **state)
{
    (void)state;

    for (int more = 0; more < 2; more++) {
        struct world w = begin();
        struct op_answer *a = xcalloc(1, sizeof *a);
        struct conclusion *c = &a->u.analysis.conclusion;

        a->op = OP_ANALYZE;
        snprintf(c->text, sizeof c->text, "The change paid.");
        snprintf(c->next, sizeof c->next, "jit = off, because compiling took 38 %% of the time");
        w.m->advising.judging = true;
        w.m->session.plan.rounds = more ? 8 : 2;
        flow_round_advised(w.m, a, &w.fx);
        assert_true(said(w.m, "The change paid."));
        assert_int_equal(said(w.m, "next: jit = off"), more);
        saved(&w);
        assert_int_equal(w.m->fl.now.no_further == NULL, more);
        free(a);
        end(&w);
    }
}

/* Too short for one round: what would have held one is said, and the server is left as it was. */
static void a_budget_without_a_round_says_how_long_one_is(void **state)
{
    (void)state;
    struct world w = begin();
    struct session *s = &w.m->session;
    char minutes[40];

    memset(&s->best, 0, sizeof s->best);
    s->best_tps = s->baseline_tps;
    s->nhistory = s->rounds_done = 0;
    s->plan.budget_s = 60;
    w.m->now_us = w.at;
    s->deadline_us = w.at + 20000000; /* 40 s are spent */
    flow_rounds(w.m, &w.fx);
    assert_int_equal(w.m->flow, FLOW_SETTLE);
    assert_string_equal(s->end_reason, "the budget is too short for a round");
    assert_true(w.m->fl.now.budget_needed_s >
                40 + experiment_round_needs(&s->plan, flow_restart_possible(w.m)) - 1);
    snprintf(minutes, sizeof minutes, "a budget of about %.0f min",
             ceil(w.m->fl.now.budget_needed_s / 60));
    assert_true(said(w.m, minutes));
    s->state = SESSION_FAILED;
    assert_true(session_without_round(s));
    end(&w);
}

/* A confirmation is of the state that was the best then: with another best it says nothing any more. */
static void an_old_confirmation_does_not_speak_for_another_state(void **state)
{
    (void)state;
    struct world w = begin();
    struct session *s = &w.m->session;
    struct gain g;

    s->final = (struct verdict){.kind = VERDICT_IMPROVED, .ratio = 1.1, .tps_a = 100, .tps_b = 110};
    saved(&w);
    flow_undo_round(w.m, &w.fx); /* the DBA takes the round back */
    session_gain(s, &g);
    assert_int_not_equal(g.by, GAIN_CONFIRMATION);
    assert_true(isnan(s->final.ratio) && s->final.kind == VERDICT_NONE);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_next_round_follows),
        cmocka_unit_test(the_reason_is_told_and_holds),
        cmocka_unit_test(next_is_said_only_where_it_comes),
        cmocka_unit_test(a_budget_without_a_round_says_how_long_one_is),
        cmocka_unit_test(an_old_confirmation_does_not_speak_for_another_state),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
