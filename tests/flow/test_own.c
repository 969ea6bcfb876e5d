/* What our own runs make the server count is left out of what is told of the server, in a whole session beside the simulated one
 * (tests/support/sim.h): in this program, and in the next one by what the workspace has kept. */
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
#include "pgd/agent/health_parts.h"
#include "pgd/app/cli.h"
#include "pgd/app/update.h"
#include "pgd/base/log.h"

enum { STEPS_MAX = 60000, REST_S = 90, BEFORE = 100000, A_SAMPLE = 1000 };

struct world {
    struct model *m;
    struct sim *s;
    bool tuned;
};

static double steady(const struct sim *s)
{
    (void)s;
    return 1;
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
    o->budget_given = true;
    o->budget_s = 600;
    o->bench_db = o->has_target = true;
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

static void type(struct world *w, const char *text)
{
    for (; *text; text++)
        press(w, *text == '\n' ? KEYN_ENTER : KEYN_NONE, *text == '\n' ? 0 : *text);
}

static void for_seconds(struct world *w, int s)
{
    int64_t until = w->s->now + s * (int64_t)SIM_SECOND;

    while (w->s->now < until)
        sim_next(w->s, true);
}

/* One session, whatever it finds: nothing is accepted, so that its baseline is all that runs. */
static void tune(struct world *w)
{
    struct model *m = w->m;

    press(w, KEYN_NONE, 't');
    for (int i = 0; i < STEPS_MAX; i++) {
        if (m->flow == FLOW_SUMMARY && m->fl.decision == DECIDE_NOTHING)
            return;
        if (m->fl.decision == DECIDE_REVIEW && model_dialog(m) != DIALOG_NONE)
            type(w, "Rg");
        else if (m->fl.decision == DECIDE_PLAN && model_dialog(m) != DIALOG_NONE)
            type(w, "g");
        else if (m->fl.decision != DECIDE_NOTHING && model_dialog(m) != DIALOG_NONE)
            press(w, KEYN_ENTER, 0);
        else
            sim_next(w->s, true);
    }
    fail_msg("it does not end: %s", flow_state_name(m->flow));
}

/* The totals without ours are what the server has counted at rest, to the last sample. */
static void is_left_out(const struct world *w, double least, double most)
{
    const struct runtime_facts *r = &w->m->server.runtime;
    struct health_look said = {0};
    double total = BEFORE + (double)w->s->counted * A_SAMPLE;

    assert_true(r->own.xact_commit >= least * A_SAMPLE && r->own.xact_commit <= most * A_SAMPLE);
    assert_true(fabs(r->xact_commit + r->own.xact_commit - total) < 0.5);
    assert_int_not_equal(health_temp_files(&w->m->server, &said), HEALTH_OK);
    assert_non_null(strstr(said.figure, "while pg_diagnose's own runs went on are left out"));
}

static void our_runs_are_no_habit_of_the_server(void **state)
{
    struct world w = {.s = sim_new(deliver, NULL)};

    (void)state;
    log_sink(quiet);
    w.s->arg = &w;
    w.s->speed = steady;
    w.s->counts = true;
    start(&w);
    for (int i = 0; i < STEPS_MAX && !w.m->sight_known; i++)
        sim_next(w.s, true);
    for_seconds(&w, REST_S); /* what the server does by itself */
    assert_true(w.m->workspace.own.until_us == 0);
    double rest = (double)w.s->counter;
    assert_true(rest > REST_S / 2);
    tune(&w);
    double runs = w.m->session.run_number; /* a simulated one lasts two seconds */
    assert_true(runs >= 3);
    for_seconds(&w, REST_S);
    double most = (double)w.s->counter - 2 * rest + 5; /* neither rest is ours */
    type(&w, "/health\n");
    for_seconds(&w, 20);
    is_left_out(&w, runs, most);
    double ours = w.m->workspace.own.xact_commit;
    sim_kill(w.s, 0);
    model_clear(w.m);
    free(w.m);
    start(&w); /* the next program knows it by workspace.json */
    for (int i = 0; i < STEPS_MAX && !w.m->sight_known; i++)
        sim_next(w.s, true);
    /* the sample after the last run may have come after what was kept */
    assert_true(fabs(w.m->workspace.own.xact_commit - ours) < A_SAMPLE + 0.5);
    is_left_out(&w, runs, most);
    model_clear(w.m);
    free(w.m);
    sim_free(w.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(our_runs_are_no_habit_of_the_server)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
