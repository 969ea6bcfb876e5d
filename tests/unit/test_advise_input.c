/* What an advisor is told to be in force: First Sight is of the server as it stands, a question at rest of what the last session has
 * left; what a question is told while a session runs is held by tests/flow/test_pause.c. */
#include "pgd/app/advise_input.h"
#include "pgd/base/text.h"
#include "world.h"

static void told(struct model *m, enum op op, bool best)
{
    struct advise_input *x = xcalloc(1, sizeof *x);

    advise_input_fill(m, op, x);
    assert_ptr_equal(x->in.e, &x->e);
    if (best) {
        assert_non_null(x->e.best_arm);
        assert_string_equal(x->e.best_arm->entries[0].value, "64MB");
    } else {
        assert_null(x->e.best_arm);
    }
    advise_input_clear(x);
    free(x);
}

/* A session has ended and left work_mem. */
static int setup(void **state)
{
    struct world *w = world_new();
    struct session *s = &w->m->session;

    s->state = SESSION_ARCHIVED;
    text_copy(s->plan.strategy, sizeof s->plan.strategy, "Balanced");
    arm_set(&s->best, "work_mem", true, "64MB");
    w->m->flow = FLOW_SUMMARY;
    *state = w;
    return 0;
}

static void first_sight_knows_no_session(void **state)
{
    struct world *w = *state;

    told(w->m, OP_FIRST_SIGHT, false);
    told(w->m, OP_QUESTION, true);
    told(w->m, OP_PARAMETER, true);
    told(w->m, OP_ROUND1, true);
    session_reset(&w->m->session);
    told(w->m, OP_QUESTION, false);
}

/* In a run the ledger says what is in force, and not what was best: here nothing was switched yet. */
static void a_question_in_a_run_is_told_the_ledger(void **state)
{
    struct world *w = *state;
    struct ledger *l = &w->m->session.ledger;

    w->m->flow = FLOW_ROUND;
    told(w->m, OP_QUESTION, false);
    told(w->m, OP_PARAMETER, false);
    told(w->m, OP_ANALYZE, true); /* the advisor of the rounds goes on from the best */
    l->n = 1;
    text_copy(l->rows[0].original.name, SETTING_NAME_MAX, "work_mem");
    l->rows[0].current = l->rows[0].original;
    l->rows[0].current.present = true;
    text_copy(l->rows[0].current.value, SETTING_VALUE_MAX, "64MB");
    told(w->m, OP_QUESTION, true);
    l->rows[0].unsure = true; /* it may not have come to that */
    told(w->m, OP_QUESTION, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(first_sight_knows_no_session, setup, world_teardown),
        cmocka_unit_test_setup_teardown(a_question_in_a_run_is_told_the_ledger, setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
