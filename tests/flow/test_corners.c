/* Corners of a session, by events alone: an undone round, a connection that is away, the last signal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/update.h"
#include "pgd/workspace/model.h"

struct world {
    struct model *m;
    int64_t at;
    struct effects fx; /* of the last event */
};

static int count(const struct world *w, enum effect_kind kind, enum owner owner)
{
    int n = 0;

    for (size_t i = 0; i < w->fx.n; i++)
        n += w->fx.items[i].kind == kind && w->fx.items[i].req.owner == owner;
    return n;
}

static void play(struct world *w, struct event ev)
{
    effects_clear(&w->fx);
    ev.at_us = w->at;
    ev.wall_us = 1700000000000000 + w->at;
    app_update(w->m, &ev, &w->fx);
    event_clear(&ev);
}

static void press(struct world *w, char c)
{
    play(w, (struct event){.kind = EV_KEY, .u.key = {.name = KEYN_NONE, .rune = (uint32_t)c}});
}

static void set_entry(struct arm *a, const char *name)
{
    assert_true(arm_set(a, name, true, "8MB"));
}

/* A session with a best state of one setting; the connection is up. */
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
    s->baseline_tps = s->best_tps = 100;
    s->floor = 0.01;
    set_entry(&s->best, "work_mem");
    return w;
}

static void end(struct world *w)
{
    effects_clear(&w->fx);
    model_clear(w->m);
    free(w->m);
}

static void an_undone_round_is_switched_back_before_anything_is_measured(void **state)
{
    struct world w = begin();
    struct session *s = &w.m->session;

    (void)state;
    round_init(&s->round, 2, &s->best, &s->plan, s->floor);
    set_entry(&s->round.candidate, "max_wal_size");
    s->round.state = ROUND_DONE;
    s->round.kept = true;
    s->round.arm_in_force = ARM_B;
    s->best = s->round.candidate;
    s->rounds_done = 2;
    w.m->flow = FLOW_ROUND;
    w.m->fl.decision = DECIDE_VERDICT;
    w.m->screen.dialog.kind = DIALOG_VERDICT;
    w.m->server.rights.file_settings = true;
    press(&w, 'u');
    assert_int_equal(s->best.n, 1);
    /* It is taken back at once: nobody knows when the next round's first switch will be. */
    assert_true(w.m->fl.now.switching && w.m->fl.now.undoing_round);
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_APPLY), 1);
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_FLOW), 0);
    assert_int_equal(w.m->apply.goal.n, 1);
    /* When that fails the session knows that it does not know what is in force. */
    play(&w, (struct event){.kind = EV_PG_RESULT,
                            .req = {OWNER_APPLY, w.m->apply.generation, w.m->apply.waiting},
                            .err = {.code = ERR_SQL}});
    assert_false(w.m->fl.now.undoing_round);
    /* What others have left in the files is looked at before a proposal; that it cannot be read holds nothing up. */
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_FLOW), 1);
    play(&w, (struct event){.kind = EV_PG_RESULT,
                            .req = {OWNER_FLOW, w.m->fl.generation, w.m->fl.waiting},
                            .err = {.code = ERR_SQL}});
    assert_int_equal(w.m->flow, FLOW_CONFIRM); /* without evidence there is nothing to propose */
    assert_int_equal(s->confirm.arm, -1);
    assert_true(w.m->fl.now.switching);
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_APPLY), 1);
    assert_int_equal(count(&w, FX_CHILD, OWNER_BENCH), 0);
    end(&w);
}

static void a_veto_is_lifted_by_the_dba_alone(void **state)
{
    struct world w = begin();
    struct session *s = &w.m->session;

    (void)state;
    round_init(&s->round, 2, &s->best, &s->plan, s->floor);
    set_entry(&s->round.candidate, "max_wal_size");
    s->round.state = ROUND_DONE;
    s->round.verdict.kind = VERDICT_IMPROVED;
    s->round.verdict.tps_b = 120;
    s->rounds_done = 2;
    s->misses = 1;
    s->history[s->nhistory++].number = 2;
    w.m->flow = FLOW_ROUND;
    w.m->fl.decision = DECIDE_VERDICT;
    w.m->screen.dialog.kind = DIALOG_VERDICT;
    press(&w, 'v'); /* nothing is held back */
    assert_int_equal(w.m->fl.decision, DECIDE_VERDICT);
    assert_false(w.m->fl.now.switching);
    snprintf(s->round.veto, sizeof s->round.veto, "statement 3 is 14 %% slower");
    press(&w, 'v');
    assert_true(w.m->fl.now.switching);
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_APPLY), 1);
    assert_int_equal(s->best.n, 2);
    assert_int_equal(w.m->apply.goal.n, 2);
    assert_true(s->history[0].kept && s->best_tps == 120 && s->misses == 0);
    /* When it cannot be had the state before it is the best one again. */
    play(&w, (struct event){.kind = EV_PG_RESULT,
                            .req = {OWNER_APPLY, w.m->apply.generation, w.m->apply.waiting},
                            .err = {.code = ERR_SQL}});
    assert_int_equal(s->best.n, 1);
    assert_false(s->history[0].kept);
    assert_false(w.m->fl.now.lifting_veto);
    end(&w);
}

/* The DBA's own file binds the DBA's own hand, too: who means it takes the line out. */
static void an_edit_in_the_review_keeps_to_what_is_forbidden(void **state)
{
    struct world w = begin();
    struct review *r = &w.m->session.round.review;

    (void)state;
    w.m->flow = FLOW_ROUND;
    w.m->fl.decision = DECIDE_REVIEW;
    w.m->screen.dialog.kind = DIALOG_REVIEW;
    r->n = 1;
    snprintf(r->lines[0].change.name, sizeof r->lines[0].change.name, "work_mem");
    snprintf(r->lines[0].change.value, sizeof r->lines[0].change.value, "8MB");
    snprintf(w.m->wishes.never[w.m->wishes.nnever++], SETTING_NAME_MAX, "work_mem");
    press(&w, 'e');
    assert_true(w.m->screen.dialog.editing);
    play(&w, (struct event){.kind = EV_KEY, .u.key = {.name = KEYN_ENTER}});
    assert_string_equal(w.m->screen.dialog.error, "PGDIAG.md: never touch work_mem");
    assert_int_equal(r->lines[0].answer, ANSWER_NONE);
    end(&w);
}

static void a_switch_waits_for_the_connection(void **state)
{
    struct world w = begin();

    (void)state;
    w.m->links[CONN_CONTROL].state = LINK_WAITING;
    w.m->flow = FLOW_CONFIRM;
    experiment_init(&w.m->session.confirm, EXPERIMENT_CONFIRM, &w.m->session.plan, 0.01, -1);
    play(&w, (struct event){.kind = EV_TICK});
    assert_int_equal(w.m->fl.now.hold.what, HOLD_SWITCH);
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_APPLY), 0);
    w.at += 3000000;
    play(&w, (struct event){.kind = EV_TICK});
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_APPLY), 0);
    w.m->links[CONN_CONTROL].state = LINK_UP;
    play(&w, (struct event){.kind = EV_TICK});
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_APPLY), 1);
    assert_int_equal(w.m->fl.now.hold.what, HOLD_NOTHING);
    end(&w);
}

static void a_cancel_with_nothing_in_force_does_not_wait(void **state)
{
    struct world w = begin();

    (void)state;
    w.m->links[CONN_CONTROL].state = LINK_WAITING;
    w.m->flow = FLOW_CONFIRM;
    experiment_init(&w.m->session.confirm, EXPERIMENT_CONFIRM, &w.m->session.plan, 0.01, -1);
    play(&w, (struct event){.kind = EV_TICK});
    assert_int_equal(w.m->fl.now.hold.what, HOLD_SWITCH);
    play(&w, (struct event){.kind = EV_SIGNAL, .u.signo = 15});
    assert_int_equal(w.m->fl.now.hold.what, HOLD_NOTHING);
    end(&w);
}

static void a_signal_while_the_end_is_written_waits_for_it(void **state)
{
    struct world w = begin();

    (void)state;
    w.m->flow = FLOW_SUMMARY;
    w.m->fl.step = 1;
    w.m->discover.state = DISCOVER_SQL;
    w.m->session.state = SESSION_ARCHIVED;
    play(&w, (struct event){.kind = EV_SIGNAL, .u.signo = 15});
    for (size_t i = 0; i < w.fx.n; i++)
        assert_int_not_equal(w.fx.items[i].kind, FX_QUIT);
    play(&w, (struct event){.kind = EV_SIGNAL, .u.signo = 15}); /* who asks twice means it */
    bool quits = false;
    for (size_t i = 0; i < w.fx.n; i++)
        quits = quits || w.fx.items[i].kind == FX_QUIT;
    assert_true(quits);
    end(&w);
}

static void a_discovery_that_failed_is_begun_anew(void **state)
{
    struct world w = begin();

    (void)state;
    w.m->flow = FLOW_ERROR;
    w.m->sight_known = false;
    w.m->screen.dialog.kind = DIALOG_NONE;
    press(&w, 't');
    assert_int_equal(w.m->flow, FLOW_DISCOVER);
    assert_int_equal(count(&w, FX_PG_QUERY, OWNER_DISCOVERY), 1);
    end(&w);
}

static void the_summary_is_the_last_line(void **state)
{
    struct world w = begin();

    (void)state;
    w.m->opt.headless = w.m->opt.json = true;
    w.m->flow = FLOW_DISCOVER;
    w.m->session.state = SESSION_NONE;
    play(&w, (struct event){.kind = EV_SIGNAL, .u.signo = 15});
    int lines = 0;
    for (size_t i = 0; i < w.fx.n; i++)
        lines += w.fx.items[i].kind == FX_STDOUT;
    assert_int_equal(lines, 1);
    w.m->discover.state = DISCOVER_DONE; /* a late answer */
    play(&w, (struct event){.kind = EV_TICK});
    for (size_t i = 0; i < w.fx.n; i++)
        assert_int_not_equal(w.fx.items[i].kind, FX_STDOUT);
    assert_int_equal(w.m->flow, FLOW_DISCOVER);
    end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_undone_round_is_switched_back_before_anything_is_measured),
        cmocka_unit_test(a_veto_is_lifted_by_the_dba_alone),
        cmocka_unit_test(an_edit_in_the_review_keeps_to_what_is_forbidden),
        cmocka_unit_test(a_switch_waits_for_the_connection),
        cmocka_unit_test(a_cancel_with_nothing_in_force_does_not_wait),
        cmocka_unit_test(a_signal_while_the_end_is_written_waits_for_it),
        cmocka_unit_test(a_discovery_that_failed_is_begun_anew),
        cmocka_unit_test(the_summary_is_the_last_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
