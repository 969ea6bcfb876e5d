/* Where pgbench runs: by what speaks for a machine, and in a resumed session by where it was measured before; what becomes of its
 * figures where that cannot be had. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/bench_place.h"
#include "pgd/base/text.h"

enum { MS = 1000 };
#define FOUND "/bin15/pgbench|pgbench (PostgreSQL) 15.18\n"

static struct model *begin(const char *before, bool link)
{
    struct model *m = xcalloc(1, sizeof *m);

    model_init(m);
    m->now_us = 5000 * MS;
    text_copy(m->opt.ssh_host, sizeof m->opt.ssh_host, "db1");
    m->hosts[SSH_SERVER].state = link ? HOST_UP : HOST_REFUSED;
    m->session.loaded = before != NULL;
    if (before)
        text_copy(m->session.bench_at, sizeof m->session.bench_at, before);
    return m;
}

static void end(struct model *m)
{
    model_clear(m);
    free(m);
}

static void answer(struct model *m, enum event_kind kind, const char *text)
{
    struct event ev = {.kind = kind, .at_us = m->now_us};
    struct effects fx = {0};

    ev.req = (struct req){OWNER_PLACE, m->place.generation, m->place.waiting};
    ev.text = xstrdup(text);
    ev.len = strlen(text);
    bench_place_event(m, &ev, &fx);
    event_clear(&ev);
    effects_clear(&fx);
}

/* What is on this machine, how long a statement takes from it, what is on the other one, and from there; then it is known. */
static const char *look(struct model *m, const char *here, int ms, const char *there,
                        const char *from_there)
{
    struct effects fx = {0};

    bench_place_begin(m, &fx);
    effects_clear(&fx);
    while (bench_place_busy(m)) {
        switch (m->place.state) {
        case PLACE_HERE:
            answer(m, EV_CHILD_EXIT, here);
            break;
        case PLACE_DELAY:
            m->now_us += (int64_t)ms * MS;
            answer(m, EV_PG_RESULT, "");
            break;
        case PLACE_THERE:
            answer(m, EV_CHILD_EXIT, there);
            break;
        case PLACE_DELAY_THERE:
            answer(m, EV_CHILD_EXIT, from_there);
            break;
        default:
            fail_msg("it waits in state %d", (int)m->place.state);
        }
    }
    return bench_place_name(m);
}

static void a_new_session_runs_where_the_way_is_short(void **state)
{
    struct model *m = begin(NULL, true);
    (void)state;
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "db1");
    end(m);
    m = begin(NULL, true);
    assert_string_equal(look(m, FOUND, 0, FOUND, "delay=0.1\n"), "here");
    end(m);
    m = begin(NULL, false);
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "here");
    end(m);
}

static void a_resumed_session_stays_where_it_was(void **state)
{
    struct model *m = begin("here", true);
    (void)state;
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "here");
    assert_string_equal(m->place.why, "as before");
    end(m);
    m = begin("db1", true);
    assert_string_equal(look(m, FOUND, 0, FOUND, "delay=0.1\n"), "db1");
    assert_string_equal(m->place.why, "as before");
    end(m);
}

static void where_that_cannot_be_had_it_is_another(void **state)
{
    struct model *m = begin("here", true);
    (void)state;
    assert_string_equal(look(m, "", 0, FOUND, "delay=0.1\n"), "db1");
    end(m);
    m = begin("db1", false);
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "here");
    end(m);
    m = begin("db1", true);
    assert_string_equal(look(m, FOUND, 8, FOUND, "why=it cannot reach the server\n"), "here");
    end(m);
}

/* What was chosen for a resumed session alone is looked at again for the next one. */
static void the_next_session_looks_again(void **state)
{
    struct model *m = begin("here", true);
    (void)state;
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "here");
    session_reset(&m->session);
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "db1");
    m->session.loaded = true;
    text_copy(m->session.bench_at, sizeof m->session.bench_at, "here");
    assert_string_equal(look(m, FOUND, 8, FOUND, "delay=0.1\n"), "here");
    end(m);
}

static bool said(const struct model *m, const char *part)
{
    for (int i = 0; i < m->nchat; i++)
        if (strstr(m->chat[i].text, part))
            return true;
    return false;
}

static void measured(struct model *m)
{
    struct session *s = &m->session;
    s->baseline_tps = 100;
    s->best_tps = 130;
    s->base_window.valid = s->best_window.valid = true;
    s->round.experiment.n = 2;
    s->round.experiment.errors = 1;
    s->confirm.n = 3;
}

static void figures_of_two_places_are_not_compared(void **state)
{
    struct model *m = begin("db1", false);
    struct session *s = &m->session;
    (void)state;
    measured(m);
    look(m, FOUND, 8, FOUND, "");
    bench_place_keep(m);
    assert_true(said(m, "pgbench ran on db1 before and runs here now"));
    assert_true(said(m, "the baseline is measured anew"));
    assert_true(isnan(s->baseline_tps) && isnan(s->best_tps));
    assert_false(s->base_window.valid || s->best_window.valid);
    assert_true(s->round.experiment.n == 0 && s->confirm.n == 0);
    assert_string_equal(s->bench_at, "here");
    end(m);

    m = begin("db1", false);
    s = &m->session;
    measured(m);
    m->fl.now.goes_on =
        true; /* in the middle of an experiment, which measures both states itself */
    look(m, FOUND, 8, FOUND, "");
    bench_place_keep(m);
    assert_true(said(m, "the runs under way are made again"));
    assert_true(s->baseline_tps == 100 && s->base_window.valid);
    assert_true(s->round.experiment.n == 0 && s->round.experiment.errors == 0 && s->confirm.n == 0);
    end(m);
}

static void at_the_same_place_nothing_is_void(void **state)
{
    struct model *m = begin("db1", true);
    (void)state;
    measured(m);
    look(m, FOUND, 0, FOUND, "delay=0.1\n");
    bench_place_keep(m);
    assert_false(said(m, "void"));
    assert_true(m->session.baseline_tps == 100 && m->session.confirm.n == 3);
    end(m);

    m = begin("", true); /* of a program that did not keep the place */
    measured(m);
    look(m, FOUND, 0, FOUND, "delay=0.1\n");
    bench_place_keep(m);
    assert_true(m->session.baseline_tps == 100);
    assert_string_equal(m->session.bench_at, "here");
    end(m);
}

/* Without any link there is nothing to look for, and a session of a --bench-host goes on from here, anew. */
static void without_a_host_it_is_here(void **state)
{
    struct model *m = begin("bench7", false);
    (void)state;
    m->opt.ssh_host[0] = '\0';
    measured(m);
    assert_string_equal(look(m, "", 0, "", ""), "here");
    bench_place_keep(m);
    assert_true(isnan(m->session.baseline_tps));
    assert_true(said(m, "pgbench ran on bench7 before"));
    end(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_session_runs_where_the_way_is_short),
        cmocka_unit_test(a_resumed_session_stays_where_it_was),
        cmocka_unit_test(where_that_cannot_be_had_it_is_another),
        cmocka_unit_test(the_next_session_looks_again),
        cmocka_unit_test(figures_of_two_places_are_not_compared),
        cmocka_unit_test(at_the_same_place_nothing_is_void),
        cmocka_unit_test(without_a_host_it_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
