/* The partner: the breaker's three states, the caps and their warning, what a day's answers are worth. The machine that calls it is
 * tests/unit/test_ask.c's. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/agent/ask_cache.h"
#include "pgd/agent/partner.h"
#include "pgd/base/text.h"

enum { SECOND = 1000000 };

static struct partner p;
static int64_t now;
static char why[200];

static int begin(void **state)
{
    (void)state;
    memset(&p, 0, sizeof p);
    p.kind = PARTNER_GEMINI;
    p.told = true;
    text_copy(p.endpoint.model, sizeof p.endpoint.model, "gemini-3.8-flash");
    text_copy(p.endpoint.base, sizeof p.endpoint.base, "http://127.0.0.1:9");
    now = 100 * SECOND;
    return 0;
}

static int end(void **state)
{
    (void)state;
    partner_clear(&p);
    return 0;
}

static bool speaks(void)
{
    return partner_speaks(&p, now, why, sizeof why);
}

static void fails(enum wire_fault fault)
{
    partner_failed(&p, fault, "overloaded", now);
}

static void it_opens_after_three(void **state)
{
    (void)state;
    fails(FAULT_SERVER);
    fails(FAULT_SERVER);
    assert_true(speaks());
    partner_answered(&p); /* in a row, that is */
    fails(FAULT_SERVER);
    fails(FAULT_SERVER);
    assert_true(speaks());
    fails(FAULT_SERVER);
    assert_false(speaks());
    assert_string_equal(why, "not asked for 60 s more: overloaded");
    now += 59 * SECOND + 500000;
    assert_false(speaks());
    assert_string_equal(why, "not asked for 1 s more: overloaded");
}

static void one_call_tries_and_closes_it(void **state)
{
    (void)state;
    for (int i = 0; i < BREAKER_FAILURES; i++)
        fails(FAULT_NETWORK);
    assert_false(partner_sends(&p, now)); /* nothing is let through yet */
    now += BREAKER_PAUSE_S * SECOND;
    assert_true(speaks());
    assert_true(partner_sends(&p, now));
    assert_false(speaks()); /* while it is out nobody else goes */
    assert_string_equal(why, "one call tries whether gemini-3.8-flash answers again");
    partner_answered(&p);
    assert_true(speaks());
    assert_int_equal(p.breaker.failures, 0);
}

static void a_vain_try_waits_for_longer(void **state)
{
    (void)state;
    int pause = BREAKER_PAUSE_S;

    for (int i = 0; i < BREAKER_FAILURES; i++)
        fails(FAULT_NETWORK);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(p.breaker.pause_s, pause);
        now = p.breaker.until_us;
        assert_true(partner_sends(&p, now));
        fails(FAULT_NETWORK);
        assert_int_equal(p.breaker.state, BREAKER_OPEN);
        pause = pause * 2 < BREAKER_PAUSE_MAX_S ? pause * 2 : BREAKER_PAUSE_MAX_S;
    }
    assert_int_equal(p.breaker.pause_s, BREAKER_PAUSE_MAX_S);
    now = p.breaker.until_us;
    assert_true(partner_sends(&p, now));
    partner_untried(&p, now); /* it was stopped: the next one tries */
    assert_true(partner_sends(&p, now));
}

static void what_only_the_dba_can_mend(void **state)
{
    (void)state;
    fails(FAULT_KEY);
    assert_false(speaks());
    assert_int_equal(p.breaker.pause_s, BREAKER_PAUSE_MAX_S);
    partner_anew(&p); /* another key */
    assert_true(speaks());
    fails(FAULT_MODEL);
    assert_false(speaks());
    assert_string_equal(why, "gemini-3.8-flash is gone: choose another with /model");
    assert_int_equal(p.breaker.state, BREAKER_CLOSED);
    text_copy(p.endpoint.model, sizeof p.endpoint.model, "gemini-3.7-flash");
    assert_true(speaks());
}

static void call(double usd)
{
    partner_note(&p,
                 &(struct call_note){.usd = usd, .usage = {.in = 100, .out = 10}, .seconds = 1});
}

static void caps_of_calls_and_money(void **state)
{
    (void)state;
    p.cap_calls = 10;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(p.warned_80, i >= 8); /* once, and it stays */
        assert_true(speaks());
        call(0.001);
    }
    assert_true(p.capped);
    assert_false(speaks());
    assert_string_equal(why, "the session's cap of 10 calls is reached");
    p.cap_calls = 0;
    p.cap_usd = 1;
    p.warned_80 = false;
    call(0.78); /* 0.79 */
    assert_false(p.warned_80 || p.capped);
    call(NAN); /* nobody knows what it cost */
    assert_int_equal(p.session.unpriced, 1);
    assert_false(p.warned_80);
    call(0.02);
    assert_true(p.warned_80 && !p.capped);
    call(0.2);
    assert_true(p.capped);
    assert_false(speaks());
    assert_string_equal(why, "the session's cap of 1.00 USD is reached");
    partner_note(&p, &(struct call_note){.from_cache = true, .usd = 5});
    assert_true(p.session.usd < 1.1); /* an earlier answer costs nothing */
    assert_int_equal(p.session.cached_calls, 1);
}

static void what_was_spent_adds_up(void **state)
{
    (void)state;
    struct spent before = {.calls = 5, .in = 1000, .usd = 0.5, .estimated = 1, .seconds = 7};

    call(0.25);
    partner_note(&p, &(struct call_note){.usd = 0.125, .estimated = true, .usage = {.in = 8}});
    assert_true(p.session.usd == 0.375 && p.session.estimated == 1 && p.session.in == 108);
    partner_spent_add(&p.workspace, &before);
    assert_true(p.workspace.usd == 0.875 && p.workspace.calls == 7 && p.workspace.in == 1108);
    assert_true(p.workspace.estimated == 2 && p.workspace.seconds == 8);
    for (int i = 0; i < 3 * CALL_NOTES_MAX; i++)
        call(0.001 * i);
    assert_int_equal(p.ncalls, CALL_NOTES_MAX); /* the newest are shown, all are counted */
    assert_true(p.calls[CALL_NOTES_MAX - 1].usd == 0.001 * (3 * CALL_NOTES_MAX - 1));
    assert_int_equal(p.session.calls, 2 + 3 * CALL_NOTES_MAX);
}

static void an_answer_serves_for_a_day(void **state)
{
    (void)state;
    const uint64_t key[4] = {1, 2, 3, 4};
    const int64_t at = INT64_C(1795000000000000), hour = INT64_C(3600000000);

    p.privacy = PRIVACY_REDACTED;
    assert_true(ask_cache_put(&p, key, at, "text", 4));
    assert_non_null(ask_cache_find(&p, key, at));
    assert_non_null(ask_cache_find(&p, key, at + 24 * hour));
    assert_null(ask_cache_find(&p, key, at + 24 * hour + 1));
    assert_null(ask_cache_find(&p, key, at - 1)); /* the clock has gone back */
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(it_opens_after_three),        ROW(one_call_tries_and_closes_it),
        ROW(a_vain_try_waits_for_longer), ROW(what_only_the_dba_can_mend),
        ROW(caps_of_calls_and_money),     ROW(what_was_spent_adds_up),
        ROW(an_answer_serves_for_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
