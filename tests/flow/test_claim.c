/* The claim of a session on its server, without a server: answers that come late, our own former session after a cut
 * network, and what is said when the server is out of reach for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/app/claim.h"
#include "pgd/app/update.h"

static struct model *m;
static struct effects fx;

static int setup(void **state)
{
    (void)state;
    m = xcalloc(1, sizeof *m);
    model_init(m);
    m->links[CONN_CONTROL].state = LINK_UP;
    snprintf(m->pinned.system_identifier, sizeof m->pinned.system_identifier, "42");
    m->pinned.server_port = 5432;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    effects_clear(&fx);
    model_clear(m);
    free(m);
    return 0;
}

static void give(enum event_kind kind, enum err_code code, const char *table)
{
    struct event ev = {.kind = kind, .req = {OWNER_CLAIM, m->claim.generation, m->claim.waiting}};

    effects_clear(&fx);
    if (code != ERR_NONE)
        err_set(&ev.err, code, "no answer within 5 s");
    ev.rows = table ? rows_parse(table) : NULL;
    claim_event(m, &ev, &fx);
    event_clear(&ev);
}

static void rows(const char *table)
{
    give(EV_PG_RESULT, ERR_NONE, table);
}

static void until_locked(const char *got)
{
    claim_begin(m, CLAIM_THEN_NOTHING, &fx);
    rows("version_num|standby|server_addr|server_port|postmaster_start_us|data_directory\n"
         "150018|f|\\N|5432|1|\n");
    rows("system_identifier\n42\n");
    assert_int_equal(m->claim.state, CLAIM_LOCK);
    rows(got);
    assert_int_equal(m->claim.state, CLAIM_TUNERS);
}

/* A server that has just started may be slow: each question is asked again, a number of times. */
static void late_answers_are_no_refusal(void **state)
{
    (void)state;
    claim_begin(m, CLAIM_THEN_NOTHING, &fx);
    give(EV_PG_RESULT, ERR_TIMEOUT, NULL);
    assert_int_equal(m->claim.state, CLAIM_IDENTITY);
    assert_int_equal(fx.n, 1);
    rows("version_num|standby|server_addr|server_port|postmaster_start_us|data_directory\n"
         "150018|f|\\N|5432|1|\n");
    give(EV_PG_RESULT, ERR_TIMEOUT, NULL);
    assert_int_equal(m->claim.state, CLAIM_CONTROL);
    rows("system_identifier\n42\n");
    give(EV_PG_RESULT, ERR_TIMEOUT, NULL);
    assert_int_equal(m->claim.state, CLAIM_LOCK);
    rows("got\nt\n");
    give(EV_PG_RESULT, ERR_TIMEOUT, NULL);
    assert_int_equal(m->claim.state, CLAIM_TUNERS);
    rows("pid|role|application|client_addr|database\n");
    assert_int_equal(m->claim.state, CLAIM_HELD);
}

static void late_answers_end(void **state)
{
    int asked = 0;

    (void)state;
    claim_begin(m, CLAIM_THEN_NOTHING, &fx);
    while (m->claim.state == CLAIM_IDENTITY && asked++ < 100)
        give(EV_PG_RESULT, ERR_TIMEOUT, NULL);
    assert_int_equal(m->claim.state, CLAIM_REFUSED);
    assert_in_range(asked, 5, 20);
}

/* The lock was taken by a question whose answer came too late, perhaps by each of them: all of it is given back. */
static void a_lock_without_an_answer_is_given_back(void **state)
{
    (void)state;
    claim_begin(m, CLAIM_THEN_RESUME, &fx);
    rows("version_num|standby|server_addr|server_port|postmaster_start_us|data_directory\n"
         "150018|f|\\N|5432|1|\n");
    rows("system_identifier\n42\n");
    while (m->claim.state == CLAIM_LOCK)
        give(EV_PG_RESULT, ERR_TIMEOUT, NULL);
    assert_int_equal(m->claim.state, CLAIM_REFUSED);
    effects_clear(&fx);
    assert_true(claim_pump(m, &fx));
    assert_int_equal(m->claim.state, CLAIM_NONE);
    assert_true(fx.n > 0);
    assert_non_null(strstr(fx.items[fx.n - 1].text, "pg_advisory_unlock_all()"));
}

#define TUNER "pid|role|application|client_addr|database\n77|app|pg_diagnose|10.0.0.1|shop\n"

static void another_tuner_is_refused_at_once(void **state)
{
    (void)state;
    until_locked("got\nf\n");
    rows(TUNER);
    assert_int_equal(m->claim.state, CLAIM_REFUSED);
    assert_non_null(strstr(m->claim.err.msg, "another pg_diagnose tunes this server: backend 77"));
}

static void our_former_session_is_waited_for_and_named(void **state)
{
    int looks = 0;

    (void)state;
    until_locked("got\nf\n");
    m->claim.former_pid = 77;
    for (rows(TUNER); m->claim.state == CLAIM_PAUSE && looks < 100; looks++) {
        give(EV_TIMER, ERR_NONE, NULL);
        rows("got\nf\n");
        rows(TUNER);
    }
    assert_true(looks >= 30); /* keepalives take 25 s to notice it */
    assert_int_equal(m->claim.state, CLAIM_REFUSED);
    assert_non_null(strstr(m->claim.err.msg, "our own former session, backend 77"));
    assert_non_null(strstr(m->claim.err.hint, "pg_terminate_backend(77)"));
}

/* The whole undo is said in the form in which the changes are made. */
static void out_of_reach(enum way_form form, bool by_hand, const char *says, const char *never)
{
    struct entry none = {.name = "work_mem"};
    struct entry to = {.name = "work_mem", .present = true, .value = "64MB"};

    m->way.form = form;
    m->session.by_hand = by_hand;
    snprintf(m->session.name, sizeof m->session.name, "Test_01012026-000000");
    ledger_intent(&m->session.ledger, &none, &to, 1);
    m->session.state = SESSION_ACTIVE;
    m->flow = FLOW_CONFIRM;
    assert_true(model_run_active(m));
    m->claim.state = CLAIM_REFUSED;
    err_set(&m->claim.err, ERR_REFUSED, "this is not the server that was looked at");
    assert_true(claim_pump(m, &fx));
    assert_int_equal(m->flow, FLOW_STUCK);
    assert_non_null(strstr(m->apply.stuck_sql, says));
    assert_null(strstr(m->apply.stuck_sql, never));
}

static void given_up_in_our_way(void **state)
{
    (void)state;
    out_of_reach(FORM_SQL, false, "ALTER SYSTEM RESET work_mem;\nSELECT pg_reload_conf();\n", "#");
}

static void given_up_by_hand(void **state)
{
    (void)state;
    out_of_reach(FORM_FILE, true, "# take out: work_mem\n", "ALTER SYSTEM");
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(late_answers_are_no_refusal),
        CASE(late_answers_end),
        CASE(a_lock_without_an_answer_is_given_back),
        CASE(another_tuner_is_refused_at_once),
        CASE(our_former_session_is_waited_for_and_named),
        CASE(given_up_in_our_way),
        CASE(given_up_by_hand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
