/* The one rule by which a gain is told: which of a session's figures it is, and in which words. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pgd/workspace/model.h"

/* What a user has seen: a baseline of 387 TPS, a round in turn at 386 and 929, a confirmation at 367 and 910. */
static struct session *session(void)
{
    struct session *s = xcalloc(1, sizeof *s);

    session_reset(s);
    s->state = SESSION_ACTIVE;
    s->baseline_tps = s->best_tps = 387;
    return s;
}

static bool near(double x, double y)
{
    return fabs(x - y) < 1e-9;
}

static struct round_history *round_of(struct session *s, enum verdict_kind kind, double before,
                                      double after)
{
    struct round_history *h = &s->history[s->nhistory++];

    h->number = s->nhistory;
    h->kept = kind == VERDICT_IMPROVED;
    h->verdict = (struct verdict){.kind = kind,
                                  .ratio = after / before,
                                  .ci_lo = after / before - 0.1,
                                  .ci_hi = after / before + 0.1,
                                  .tps_a = before,
                                  .tps_b = after,
                                  .runs_a = 4,
                                  .runs_b = 4};
    if (h->kept)
        s->best_tps = after;
    return h;
}

static void confirm(struct session *s, enum verdict_kind kind, double before, double after)
{
    s->final = (struct verdict){.kind = kind,
                                .ratio = after / before,
                                .ci_lo = after / before - 0.05,
                                .ci_hi = after / before + 0.05,
                                .tps_a = before,
                                .tps_b = after,
                                .runs_a = 3,
                                .runs_b = 3};
}

static void said_is(const struct gain *g, const char *want)
{
    char said[200];

    gain_said(g, said, sizeof said);
    assert_string_equal(said, want);
}

static void nothing_is_known_before_something_was_kept(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;

    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_UNKNOWN);
    said_is(&g, "");
    round_of(s, VERDICT_INCONCLUSIVE, 386, 390); /* no evidence: nothing was kept */
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_UNKNOWN);
    assert_true(isnan(g.ratio));
    session_round_gain(s, 0, &g);
    said_is(&g, "+1.0 % over the start, by the runs of round 1");
    round_of(s, VERDICT_REGRESSED, 386, 300);
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_UNKNOWN);
    session_round_gain(s, 1, &g);
    assert_int_equal(g.kind, VERDICT_REGRESSED);
    said_is(&g, "-22.3 % over the start, by the runs of round 2");
    session_reset(s);
    session_gain(s, &g); /* nothing was measured at all */
    assert_int_equal(g.by, GAIN_UNKNOWN);
    free(s);
}

/* In turn, its own two figures; the baseline has no part in it. */
static void one_round_is_told_by_its_own_runs(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;
    char text[80];

    round_of(s, VERDICT_IMPROVED, 386, 929);
    round_of(s, VERDICT_INCONCLUSIVE, 925, 930);
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_ROUND);
    assert_true(near(g.ratio, 929 / 386.0));
    assert_true(near(g.tps_before, 386));
    assert_true(near(g.tps_after, 929));
    assert_int_equal(g.runs_before, 4);
    said_is(&g, "+140.7 % over the start, by the runs of round 1");
    gain_tag(&g, text, sizeof text);
    assert_string_equal(text, "by R1");
    gain_tps(&g, text, sizeof text);
    assert_string_equal(text, "386 \xe2\x86\x92 929 TPS");
    session_round_gain(s, 1, &g); /* over what round 1 had left, and not over the start */
    said_is(&g, "+0.5 % over the best before it, by the runs of round 2");
    free(s);
}

static void the_confirmation_comes_first(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;
    char text[80];

    round_of(s, VERDICT_IMPROVED, 386, 929);
    confirm(s, VERDICT_IMPROVED, 367, 910);
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_CONFIRMATION);
    assert_true(near(g.tps_before, 367));
    said_is(&g, "+148.0 % over the start, by fresh runs of both in turn");
    gain_tag(&g, text, sizeof text);
    assert_string_equal(text, "confirmed");
    confirm(s, VERDICT_INCONCLUSIVE, 900, 910); /* what a round has shown is not held against it */
    session_gain(s, &g);
    said_is(&g, "+1.1 % over the start, by fresh runs of both in turn");
    gain_tag(&g, text, sizeof text);
    assert_string_equal(text, "not confirmed");
    confirm(s, VERDICT_REGRESSED, 910, 367);
    session_gain(s, &g);
    assert_int_equal(g.kind, VERDICT_REGRESSED);
    assert_true(near(g.tps_after, 367));
    session_round_gain(s, 0, &g); /* which leaves what the round has shown */
    assert_true(near(g.tps_after, 929));
    session_best_changed(s); /* it was of another state */
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_ROUND);
    free(s);
}

static void rounds_are_multiplied(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;
    char text[80];

    round_of(s, VERDICT_IMPROVED, 386, 579);     /* x1.5 */
    round_of(s, VERDICT_INCONCLUSIVE, 560, 565); /* undone: no part of it */
    round_of(s, VERDICT_IMPROVED, 600, 720);     /* x1.2, the machine is faster now */
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_ROUNDS);
    assert_true(near(g.ratio, 1.8));
    assert_true(isnan(g.lo) && isnan(g.tps_before)); /* start and best never ran together */
    said_is(&g, "+80.0 % over the start, by 2 rounds up to round 3 together, each over the best "
                "before it");
    gain_tag(&g, text, sizeof text);
    assert_string_equal(text, "by 2 rounds");
    gain_tps(&g, text, sizeof text);
    assert_string_equal(text, "720 TPS");
    session_round_gain(s, 2, &g);
    said_is(&g, "+20.0 % over the best before it, by the runs of round 3");
    s->history[2].kept = false; /* the DBA takes it back */
    s->best_tps = 600;
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_ROUND);
    assert_int_equal(g.round, 1);
    free(s);
}

/* A repair is what the session then starts from: its own effect is no part of the gain. */
static void a_repair_begins_anew(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;

    round_of(s, VERDICT_REGRESSED, 386, 300)->kept = true;
    assert_true(arm_set(&s->start, "fsync", true, "on"));
    s->baseline_tps = s->best_tps = 300;
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_UNKNOWN);
    session_round_gain(s, 0, &g);
    said_is(&g, "-22.3 % over the start, by the runs of round 1");
    round_of(s, VERDICT_IMPROVED, 310, 620);
    session_round_gain(s, 1, &g);
    assert_true(g.over_start);
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_ROUND);
    said_is(&g, "+100.0 % over the start, by the runs of round 2");
    free(s);
}

/* Of an older file the rounds may not say it: then, and only then, it is the baseline's, which is said. */
static void the_baseline_is_the_last_resort(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;
    char text[80];

    s->best_tps = 910;
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_BASELINE);
    said_is(&g, "+135.1 % over the baseline, measured at another time");
    gain_tag(&g, text, sizeof text);
    assert_string_equal(text, "on baseline");
    round_of(s, VERDICT_NONE, 386, 910)->kept = true;
    s->history[0].verdict.ratio = NAN;
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_BASELINE);
    s->baseline_tps = 0;
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_UNKNOWN);
    free(s);
}

/* A ratio of TPS is not told where the goal is a latency. */
static void no_tps_for_a_latency(void **state)
{
    (void)state;
    struct session *s = session();
    struct gain g;

    s->best_tps = 910;
    s->plan.goal = GOAL_P95;
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_UNKNOWN);
    round_of(s, VERDICT_IMPROVED, 386, 910); /* its ratio is one of the goal's figure */
    session_gain(s, &g);
    assert_int_equal(g.by, GAIN_ROUND);
    free(s);
}

/* FAILED is what has failed: not a session that had no time for a round, or found nothing to try. */
static void without_a_round_nothing_failed(void **state)
{
    (void)state;
    struct session *s = session();

    assert_false(session_without_round(s)); /* under way */
    s->state = SESSION_FAILED;
    assert_true(session_without_round(s));
    s->rounds_done = 1;
    assert_false(session_without_round(s));
    s->rounds_done = 0;
    s->baseline_tps = NAN; /* its runs failed */
    assert_false(session_without_round(s));
    free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_before_something_was_kept),
        cmocka_unit_test(one_round_is_told_by_its_own_runs),
        cmocka_unit_test(the_confirmation_comes_first),
        cmocka_unit_test(rounds_are_multiplied),
        cmocka_unit_test(a_repair_begins_anew),
        cmocka_unit_test(the_baseline_is_the_last_resort),
        cmocka_unit_test(no_tps_for_a_latency),
        cmocka_unit_test(without_a_round_nothing_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
