/* The answers to a proposal on their way over the disk, and what they are worth for the next one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pg15.h"
#include "pgd/workspace/kept.h"
#include "pgd/workspace/left.h"
#include "pgd/workspace/store.h"

static struct server_facts facts;
static struct guard_policy policy;
static struct review review;

static int setup(void **state)
{
    (void)state;
    pg15_facts(&facts);
    snprintf(facts.id.system_identifier, sizeof facts.id.system_identifier, "42");
    memset(&review, 0, sizeof review);
    policy = (struct guard_policy){
        .restart_possible = true, .peak_active = NAN, .clients = 8, .temp_bytes_per_s = NAN};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    server_facts_clear(&facts);
    return 0;
}

static void change(struct proposal *p, const char *name, const char *value, unsigned sets)
{
    struct setting_change *c = &p->changes[p->n++];
    *c = (struct setting_change){.expect_lo = NAN, .expect_hi = NAN, .sets = sets};
    snprintf(c->name, sizeof c->name, "%s", name);
    snprintf(c->value, sizeof c->value, "%s", value);
    snprintf(c->evidence, sizeof c->evidence, "measured: 12 of them");
}

static void propose(struct proposal *p)
{
    memset(p, 0, sizeof *p);
    snprintf(p->advisor.text, sizeof p->advisor.text, "builtin");
    snprintf(p->summary, sizeof p->summary, "Three changes.");
    change(p, "work_mem", "32MB", 0);
    change(p, "random_page_cost", "1.1", 0);
    change(p, "jit", "off", 0);
    guard_review(p, &facts, &policy, &review);
}

/* A value of the DBA's own, one accepted, one rejected. */
static void answer(struct session *s)
{
    struct proposal *p = xcalloc(1, sizeof *p);
    struct guard_policy by_dba = policy;

    propose(p);
    by_dba.by_dba = true;
    snprintf(review.lines[0].change.value, sizeof review.lines[0].change.value, "24MB");
    review.lines[0].edited = true;
    guard_line(&review.lines[0], &facts, &by_dba);
    review.lines[0].answer = ANSWER_ACCEPT;
    review.lines[1].answer = ANSWER_REJECT;
    s->kept.round = 1;
    assert_true(kept_differs(&s->kept, &review));
    kept_take(&s->kept, &review, &facts.id);
    assert_false(kept_differs(&s->kept, &review));
    free(p);
}

static struct session *over_the_disk(struct session *s)
{
    struct session *read = xcalloc(1, sizeof *read);
    struct buf text = {0};
    struct err e = {0};

    s->state = SESSION_ACTIVE;
    snprintf(s->name, sizeof s->name, "Balanced_11232026-072900");
    snprintf(s->plan.strategy, sizeof s->plan.strategy, "Balanced");
    store_session_json(s, &text);
    if (!store_session_parse(buf_text(&text), text.len, read, &e))
        fail_msg("%s: %s", e.msg, e.detail);
    buf_clear(&text);
    return read;
}

static void freed(struct session *s)
{
    session_reset(s);
    free(s);
}

static void they_come_back(void **state)
{
    struct session *s = xcalloc(1, sizeof *s), *read;
    (void)state;
    session_reset(s);
    answer(s);
    s->kept.decided = true;
    read = over_the_disk(s);
    const struct kept_review *k = &read->kept;
    assert_int_equal(k->round, 1);
    assert_true(k->decided);
    assert_int_equal(k->n, 3);
    assert_int_equal(k->proposal.n, 3);
    assert_string_equal(k->proposal.changes[0].value, "32MB");
    assert_string_equal(k->lines[0].proposed, "32MB");
    assert_string_equal(k->lines[0].value, "24MB");
    assert_int_equal(kept_answers(k), 2);
    guard_review(&k->proposal, &facts, &policy, &review);
    assert_int_equal(kept_give(k, &review, &facts, &policy), 2);
    assert_string_equal(review.lines[0].change.value, "24MB");
    assert_true(review.lines[0].edited);
    assert_int_equal(review.lines[0].answer, ANSWER_ACCEPT);
    assert_int_equal(review.lines[1].answer, ANSWER_REJECT);
    assert_int_equal(review.lines[2].answer, ANSWER_NONE);
    freed(read);
    freed(s);
}

/* Another value is another question, and what the guard refuses by now is refused. */
static void only_for_the_same_question(void **state)
{
    struct session *s = xcalloc(1, sizeof *s);
    struct proposal *p = xcalloc(1, sizeof *p);
    (void)state;
    session_reset(s);
    answer(s);
    change(p, "random_page_cost", "1.5", 0);
    change(p, "work_mem", "32MB", 0);
    guard_review(p, &facts, &policy, &review);
    assert_int_equal(kept_give(&s->kept, &review, &facts, &policy), 1);
    assert_int_equal(review.lines[0].answer, ANSWER_NONE);
    assert_int_equal(review.lines[1].answer, ANSWER_ACCEPT);
    char never[1][SETTING_NAME_MAX] = {"work_mem"};
    policy.never = (const char(*)[SETTING_NAME_MAX])never;
    policy.nnever = 1;
    guard_review(p, &facts, &policy, &review);
    assert_int_equal(kept_give(&s->kept, &review, &facts, &policy), 0);
    assert_int_not_equal(review.lines[1].refusal, REFUSE_NONE);
    assert_int_equal(review.lines[1].answer, ANSWER_NONE);
    free(p);
    freed(s);
}

static int given(struct session *s)
{
    struct proposal *p = xcalloc(1, sizeof *p);

    propose(p);
    free(p);
    return kept_give(&s->kept, &review, &facts, &policy);
}

/* What was answered is the step from one value to another at its price, on one server. */
static void bound_to_all_of_the_question(void **state)
{
    struct session *s = xcalloc(1, sizeof *s), *read;
    (void)state;
    session_reset(s);
    answer(s);
    read = over_the_disk(s);
    assert_int_equal(given(read), 2);
    struct kept_answer *a = &read->kept.lines[1], was = *a;
    snprintf(a->from, sizeof a->from, "2"); /* it has been changed meanwhile */
    assert_int_equal(given(read), 1);
    *a = was;
    a->restart = !a->restart;
    assert_int_equal(given(read), 1);
    *a = was;
    a->sets = 2;
    assert_int_equal(given(read), 1);
    *a = was;
    a->reset = true;
    assert_int_equal(given(read), 1);
    *a = was;
    assert_true(kept_here(&read->kept, &facts.id));
    snprintf(facts.id.system_identifier, sizeof facts.id.system_identifier, "43");
    assert_false(kept_here(&read->kept, &facts.id));
    assert_int_equal(given(read), 0);
    facts.id.system_identifier[0] = '\0'; /* it may be another */
    assert_int_equal(given(read), 0);
    freed(read);
    freed(s);
}

/* Other words under the same values are to be kept, too. */
static void its_words_are_kept(void **state)
{
    struct session *s = xcalloc(1, sizeof *s);
    (void)state;
    session_reset(s);
    answer(s);
    snprintf(review.proposal.changes[2].why, sizeof review.proposal.changes[2].why, "new");
    assert_true(kept_differs(&s->kept, &review));
    kept_take(&s->kept, &review, &facts.id);
    assert_false(kept_differs(&s->kept, &review));
    snprintf(review.proposal.summary, sizeof review.proposal.summary, "new");
    assert_true(kept_differs(&s->kept, &review));
    freed(s);
}

/* Of a round that is over, and of a file that is damaged there. */
static void what_is_of_no_use_is_left_out(void **state)
{
    struct session *s = xcalloc(1, sizeof *s), *read;
    (void)state;
    session_reset(s);
    answer(s);
    s->rounds_done = 1;
    read = over_the_disk(s);
    assert_int_equal(read->kept.round, 0);
    freed(read);
    s->rounds_done = 0;
    snprintf(s->kept.lines[1].name, sizeof s->kept.lines[1].name, "no; name");
    read = over_the_disk(s);
    assert_int_equal(read->kept.round, 0);
    assert_int_equal(read->kept.n, 0);
    freed(read);
    freed(s);
}

static struct left_step journal(const char *text)
{
    struct journal_state *j = xcalloc(1, sizeof *j);
    struct err e = {0};
    assert_true(store_journal_replay(text, strlen(text), j, &e));
    struct left_step l = j->left;
    free(j);
    return l;
}

#define RUN "{\"event\":\"bench\",\"run\":4,\"arm\":\"start\",\"valid\":true}\n"
#define PAUSED "{\"event\":\"checkpoint\",\"what\":\"paused\"}\n"

static void the_journal_names_the_step(void **state)
{
    char words[240];
    struct left_step now = {.phase = LEFT_CONFIRM, .doing = LEFT_RUNS, .runs = 2, .needs = 8};
    struct buf text = {0};

    (void)state;
    snprintf(now.arm, sizeof now.arm, "round 1");
    store_journal_step(&now, &text);
    struct left_step l = journal(buf_text(&text));
    assert_memory_equal(&l, &now, sizeof l);
    left_step_words(&l, words, sizeof words);
    assert_string_equal(words,
                        "in the confirmation, 2 of at least 8 runs measured; a run of round 1 "
                        "was under way");
    buf_puts(&text, RUN PAUSED); /* it came to its end, and then the session was paused */
    l = journal(buf_text(&text));
    left_step_words(&l, words, sizeof words);
    assert_string_equal(words, "in the confirmation, 3 of at least 8 runs measured");
    buf_clear(&text);
    l = journal("{\"event\":\"checkpoint\",\"what\":\"baseline\"}\n");
    left_step_words(&l, words, sizeof words);
    assert_string_equal(words, "at the question for the target");
    l = journal(PAUSED);
    left_step_words(&l, words, sizeof words);
    assert_string_equal(words, ""); /* of an older version */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(they_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(only_for_the_same_question, setup, teardown),
        cmocka_unit_test_setup_teardown(bound_to_all_of_the_question, setup, teardown),
        cmocka_unit_test_setup_teardown(its_words_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_of_no_use_is_left_out, setup, teardown),
        cmocka_unit_test(the_journal_names_the_step),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
